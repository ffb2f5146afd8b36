//! New keys: version 4, Ed25519 and X25519, readable by GnuPG 2.2.

use super::{Certificate, Secret, armored, instant, words};
use crate::terms::{Fingerprint, Moment};
use sequoia_openpgp::{
    Cert, Packet, Profile,
    armor::Kind as Armor,
    cert::{CertBuilder, CertRevocationBuilder, CipherSuite},
    packet::Signature,
    parse::Parse as _,
    serialize::{Serialize as _, SerializeInto as _},
    types::{Features, HashAlgorithm, KeyFlags, ReasonForRevocation},
};
use std::time::Duration;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The team's: a primary key that only certifies, so that the keys that work can be changed under it; one
    /// key to sign, one to be encrypted to.
    Team,
    /// A constituent's, as GnuPG makes it: the primary key signs, a subkey is encrypted to.
    Member,
    /// It signs and cannot be encrypted to.
    SignOnly,
}

/// Why a certificate is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Another has taken its place; what it signed before stays good.
    Superseded,
    /// It is no longer in use; what it signed before stays good.
    Retired,
    /// Its secret key may be in other hands; nothing that it ever signed is good.
    Compromised,
}

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// Nobody could find it.
    #[error("a key needs at least one user ID")]
    NoUserId,
    /// The cryptography failed.
    #[error("cannot make a key: {0}")]
    Failed(String),
    /// The secret key cannot be used to sign a revocation.
    #[error("cannot revoke certificate {fingerprint}: {why}")]
    CannotRevoke {
        /// Of the certificate.
        fingerprint: Fingerprint,
        /// In words.
        why: String,
    },
}

/// A new key.
pub struct Generated {
    /// The key file, armored: what [`TeamKey::from_file`](super::TeamKey::from_file) and GnuPG read.
    pub secret: Secret,
    /// Its public part.
    pub certificate: Certificate,
    /// Armored: imported into the certificate, it revokes it. To be kept apart from the key.
    pub revocation: Secret,
}

/// Makes a key. `validity` counts from `created`; without it the key never ends.
pub fn generate(
    user_ids: &[&str],
    kind: Kind,
    validity: Option<Duration>,
    created: &Moment,
    passphrase: Option<&Secret>,
) -> Result<Generated, GenerateError> {
    if user_ids.is_empty() {
        return Err(GenerateError::NoUserId);
    }
    let made = || -> sequoia_openpgp::Result<(Cert, Signature)> {
        let mut builder = CertBuilder::new()
            .set_cipher_suite(CipherSuite::Cv25519)
            .set_profile(Profile::RFC4880)?
            // Who sees version 2 among the features sends a container that GnuPG 2.2 cannot open.
            .set_features(Features::empty().set_seipdv1())?
            .set_creation_time(instant(created))
            .set_validity_period(validity)
            .set_password(passphrase.map(Secret::password));
        builder = match kind {
            Kind::Team => builder
                .set_primary_key_flags(KeyFlags::empty().set_certification())
                .add_signing_subkey(),
            Kind::Member | Kind::SignOnly => {
                builder.set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
            }
        };
        if kind != Kind::SignOnly {
            let both = KeyFlags::empty()
                .set_transport_encryption()
                .set_storage_encryption();
            builder = builder.add_subkey(both, None, None);
        }
        user_ids
            .iter()
            .fold(builder, |builder, id| builder.add_userid(*id))
            .generate()
    };
    let failed = |e: anyhow::Error| GenerateError::Failed(words(&e));
    let (cert, revocation) = made().map_err(failed)?;
    let secret = cert.as_tsk().to_vec().map_err(failed)?;
    let mut packet = Vec::new();
    Packet::from(revocation)
        .serialize(&mut packet)
        .map_err(failed)?;
    Ok(Generated {
        secret: armored(Armor::SecretKey, &secret, true).into(),
        certificate: Certificate::public(cert).map_err(|e| GenerateError::Failed(e.to_string()))?,
        // GnuPG gives revocations this label, and reads no other.
        revocation: armored(Armor::PublicKey, &packet, true).into(),
    })
}

/// The certificate with its owner's revocation, made at this moment.
pub fn revoke(
    certificate: &Certificate,
    secret: &Secret,
    passphrase: Option<&Secret>,
    cause: Cause,
    why: &str,
    at: &Moment,
) -> Result<Certificate, GenerateError> {
    let cannot = |why: String| GenerateError::CannotRevoke {
        fingerprint: certificate.fingerprint().clone(),
        why,
    };
    let key = Cert::from_bytes(secret.expose()).map_err(|e| cannot(words(&e)))?;
    if key.fingerprint() != certificate.cert().fingerprint() {
        return Err(cannot("this is another's key".into()));
    }
    let primary = key
        .primary_key()
        .key()
        .clone()
        .parts_into_secret()
        .map_err(|_| cannot("the key file has no secret key".into()))?;
    let primary = match (primary.has_unencrypted_secret(), passphrase) {
        (true, _) => primary,
        (false, None) => return Err(cannot("a passphrase is needed".into())),
        (false, Some(passphrase)) => primary
            .decrypt_secret(&passphrase.password())
            .map_err(|_| cannot("the passphrase is wrong".into()))?,
    };
    let code = match cause {
        Cause::Superseded => ReasonForRevocation::KeySuperseded,
        Cause::Retired => ReasonForRevocation::KeyRetired,
        Cause::Compromised => ReasonForRevocation::KeyCompromised,
    };
    let revoked = || -> sequoia_openpgp::Result<Cert> {
        let revocation = CertRevocationBuilder::new()
            .set_reason_for_revocation(code, why.as_bytes())?
            .set_signature_creation_time(instant(at))?
            .build(
                &mut primary.into_keypair()?,
                certificate.cert(),
                HashAlgorithm::SHA512,
            )?;
        Ok(certificate.cert().clone().insert_packets(revocation)?.0)
    };
    Certificate::public(revoked().map_err(|e| cannot(words(&e)))?)
        .map_err(|e| cannot(e.to_string()))
}
