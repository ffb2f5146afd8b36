use super::KeyFacts;
use crate::{openpgp::Certificate, terms::Moment};

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
