//! Ed25519, with which nearly every team signs: by the same OpenSSL as the library, but OpenSSL is given a key once, and
//! not anew for each signature. Everything around the 64 octets of a signature is the library's.

use openssl::{
    pkey::{Id, PKey, Private, Public},
    sign,
};
use sequoia_openpgp::{
    crypto::{
        KeyPair, Signer,
        mpi::{self, MPI, PublicKey, SecretKeyMaterial},
    },
    packet::{
        Key,
        key::{PublicParts, UnspecifiedRole},
    },
    types::{Curve, HashAlgorithm},
};

/// A secret key in OpenSSL's own memory, from which it is erased when this is dropped.
///
/// The library keeps its copy sealed while it is not used; this one is not, for as long as the team's key is open.
pub(super) struct Pen {
    secret: PKey<Private>,
    public: Key<PublicParts, UnspecifiedRole>,
}

impl Pen {
    /// `None` for a key of another kind, which is the library's to sign with.
    pub(super) fn of(pair: &KeyPair) -> Option<Pen> {
        let secret = pair.secret().map(|secret| match (pair.public().mpis(), secret) {
            (PublicKey::EdDSA { curve: Curve::Ed25519, .. }, SecretKeyMaterial::EdDSA { scalar }) => {
                PKey::private_key_from_raw_bytes(&scalar.value_padded(HALF), Id::ED25519).ok()
            }
            _ => None,
        })?;
        Some(Pen { secret, public: pair.public().clone() })
    }
}

impl Signer for &Pen {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        &self.public
    }

    fn sign(&mut self, _: HashAlgorithm, digest: &[u8]) -> sequoia_openpgp::Result<mpi::Signature> {
        let mut signature = [0; 2 * HALF];
        sign::Signer::new_without_digest(&self.secret)?.sign_oneshot(&mut signature, digest)?;
        let (r, s) = signature.split_at(HALF);
        Ok(mpi::Signature::EdDSA { r: MPI::new(r), s: MPI::new(s) })
    }
}

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
        Ok(sign::Verifier::new_without_digest(&self.0)?.verify_oneshot(&signature, digest)?)
    }
}

/// RFC 8032, 5.1.6: "the concatenation of R (32 octets) and the little-endian encoding of S (32 octets)".
const HALF: usize = 32;
