//! Ed25519, with which nearly every team signs: by the same OpenSSL as the library, but OpenSSL is given a key once, and
//! not anew for each signature. Everything around the 64 octets of a signature is the library's.

use openssl::{
    pkey::{Id, PKey, Public},
    sign::Verifier,
};
use sequoia_openpgp::{
    crypto::mpi::{self, PublicKey},
    packet::{
        Key,
        key::{PublicParts, UnspecifiedRole},
    },
    types::Curve,
};

/// A public key, to look whether its signatures are good.
pub(super) struct Eye(PKey<Public>);

impl Eye {
    /// `None` for a key of another kind, which is the library's to verify with.
    pub(super) fn of(key: &Key<PublicParts, UnspecifiedRole>) -> Option<Eye> {
        let PublicKey::EdDSA { curve: Curve::Ed25519, q } = key.mpis() else { return None };
        let (point, _) = q.decode_point(&Curve::Ed25519).ok()?;
        PKey::public_key_from_raw_bytes(point, Id::ED25519).ok().map(Eye)
    }

    pub(super) fn verify(&self, signature: &mpi::Signature, digest: &[u8]) -> sequoia_openpgp::Result<bool> {
        let mpi::Signature::EdDSA { r, s } = signature else { return Ok(false) };
        let signature = [r.value_padded(HALF)?, s.value_padded(HALF)?].concat();
        Ok(Verifier::new_without_digest(&self.0)?.verify_oneshot(&signature, digest)?)
    }
}

/// RFC 8032, 5.1.6: "the concatenation of R (32 octets) and the little-endian encoding of S (32 octets)".
const HALF: usize = 32;
