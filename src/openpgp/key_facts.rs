//! What the team's RFC 2350 document says of a certificate.

use super::Certificate;
use crate::{rfc2350::KeyFacts, terms::Moment};

impl KeyFacts {
    /// What the document says of this certificate at `now`.
    pub fn of(certificate: &Certificate, now: &Moment) -> KeyFacts {
        KeyFacts {
            fingerprint: certificate.fingerprint().clone(),
            user_ids: certificate.user_ids(),
            expires: certificate.expires(now),
            algorithm: certificate.algorithm(),
        }
    }
}
