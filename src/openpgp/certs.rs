//! Certificates: the public part of keys, read strictly and judged at a moment.

use super::{
    EncryptError, EncryptionKeys, Sealer, armored, instant, judged::ValidKey, moment, policy, words,
};
use crate::{
    roster::KeyState,
    terms::{Address, Fingerprint, Moment, shorten},
};
use sequoia_openpgp::{
    Cert, armor,
    cert::{CertParser, ValidCert},
    packet::{Signature, Tag},
    parse::Parse as _,
    policy::{HashAlgoSecurity, Policy},
    serialize::SerializeInto as _,
    types::{ReasonForRevocation, RevocationStatus},
};
use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::SystemTime,
};

/// What every certificate is tried with. What comes of it is never kept, so all may have the same session key, and the
/// buffers of several megabytes with which a message is encrypted are needed only once.
static PROBE: LazyLock<Sealer<'static>> = LazyLock::new(|| Sealer::new(b"probe"));

/// Encrypts an OpenPGP message ([`Signed::inline`](super::Signed::inline)) to all living encryption keys of one
/// certificate, with a session key of its own; armored, with CRLF, as the second part of `multipart/encrypted`.
pub fn encrypt(message: &[u8], to: &Certificate, now: &Moment) -> Result<String, EncryptError> {
    let fingerprint = || to.fingerprint().clone();
    let keys = to.judge(now).map_err(|state| EncryptError::NotUsable {
        fingerprint: fingerprint(),
        state,
    })?;
    Ok(Sealer::new(message).seal(&keys, now)?.to_string())
}

/// Why a file is not one certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertError {
    /// It must never have left its owner.
    #[error("the file has secret key material; export only the public certificate")]
    SecretKey,
    /// Anything else.
    #[error("not an OpenPGP certificate: {0}")]
    NotACertificate(String),
    /// More than one.
    #[error("the file has {0} certificates; one file has one")]
    Several(usize),
}

/// One certificate: public keys and user IDs, never a secret. Cheap to clone.
///
/// `Debug` shows the fingerprint only: a user ID is somebody's address.
#[derive(Clone)]
pub struct Certificate {
    cert: Arc<Cert>,
    fingerprint: Fingerprint,
}

impl Certificate {
    /// Reads a file, armored or binary, that has exactly one certificate and no secret.
    pub fn read(bytes: &[u8]) -> Result<Certificate, CertError> {
        let mut all = Certificate::read_all(bytes)?;
        match (all.pop(), all.len()) {
            (Some(one), 0) => Ok(one),
            (_, others) => Err(CertError::Several(others + 1)),
        }
    }

    /// The same of one or several certificates: a Web Key Directory may give revoked ones besides a new one.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Certificate>, CertError> {
        let not = |why: String| CertError::NotACertificate(why);
        let mut certs = Vec::new();
        let mut wrong = None;
        for block in blocks(bytes)? {
            for cert in CertParser::from_bytes(block).map_err(|e| not(words(&e)))? {
                match cert {
                    Ok(cert) => certs.push(cert),
                    Err(error) => wrong = Some(not(words(&error))),
                }
            }
        }
        // A secret is the worse mistake, so it is named before anything else that is wrong.
        let secret = |tag: Tag| matches!(tag, Tag::SecretKey | Tag::SecretSubkey);
        if certs.iter().any(|cert| {
            cert.is_tsk()
                || cert
                    .clone()
                    .into_tsk()
                    .into_packets()
                    .any(|p| secret(p.tag()))
        }) {
            return Err(CertError::SecretKey);
        }
        match wrong {
            Some(wrong) => Err(wrong),
            None if certs.is_empty() => Err(not("nothing in it".into())),
            None => certs.into_iter().map(Certificate::public).collect(),
        }
    }

    /// The public part of a parsed certificate.
    pub(super) fn public(cert: Cert) -> Result<Certificate, CertError> {
        let cert = cert.strip_secret_key_material();
        let fingerprint = fingerprint(&cert).ok_or_else(|| {
            CertError::NotACertificate("its version is not known (only 4 and 6 are)".into())
        })?;
        Ok(Certificate {
            cert: Arc::new(cert),
            fingerprint,
        })
    }

    pub(super) fn cert(&self) -> &Cert {
        &self.cert
    }

    /// Of its primary key: the name of the whole certificate.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// As its owner wrote them, the revoked ones too.
    pub fn user_ids(&self) -> Vec<String> {
        self.cert
            .userids()
            .map(|id| String::from_utf8_lossy(id.userid().value()).into_owned())
            .collect()
    }

    /// Whether its owner claims this address in a user ID that was not revoked.
    pub fn has_address(&self, address: &Address) -> bool {
        self.addresses().any(|email| email == address.key())
    }

    /// What its owner claims in user IDs that were not revoked, in small letters.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        // Anybody can add a user ID to somebody's certificate; only the owner's signature makes it a claim.
        let claimed = self.cert.userids().filter(|id| {
            id.self_signatures().next().is_some() && id.self_revocations().next().is_none()
        });
        claimed.filter_map(|id| {
            id.userid()
                .email()
                .ok()
                .flatten()
                .map(str::to_ascii_lowercase)
        })
    }

    /// The keys that mail can be encrypted to at this moment, or why there is none.
    pub fn judge(&self, now: &Moment) -> Result<EncryptionKeys, KeyState> {
        let (at, policy) = (instant(now), policy(instant(now)));
        let keys = self.encryption_keys(&policy, at)?;
        let keys =
            EncryptionKeys::new(&self.fingerprint, &keys, self.primary_end(&policy, at), at)?;
        // Tried, not only read: a key that its owner made by hand may have a point that nothing can be encrypted to,
        // and must not be found out when everybody's letter is on its way.
        match PROBE.seal(&keys, now) {
            Ok(_) => Ok(keys),
            Err(error) => Err(KeyState::Weak(error.to_string())),
        }
    }

    /// Whether mail can be encrypted to it at this moment, and if not, why.
    pub fn state(&self, now: &Moment) -> KeyState {
        self.judge(now)
            .map_or_else(|state| state, |keys| keys.state(now))
    }

    /// Whether something signed with it now is worth anything.
    pub fn can_sign(&self, now: &Moment) -> bool {
        let at = instant(now);
        self.signing_keys(&policy(at), at)
            .is_ok_and(|keys| !keys.is_empty())
    }

    /// Until when what is signed with it now can be verified, if there is an end: that of the certificate, or of the
    /// key in it that signs.
    pub fn signs_until(&self, now: &Moment) -> Option<Moment> {
        let (at, policy) = (instant(now), policy(instant(now)));
        let key = self
            .signing_keys(&policy, at)
            .ok()
            .and_then(|keys| keys.first().and_then(ValidKey::key_expiration_time));
        [key, self.primary_end(&policy, at)]
            .into_iter()
            .flatten()
            .min()
            .map(moment)
    }

    /// When the whole certificate ends, if ever, by what its owner had said until `now`; past or future.
    pub fn expires(&self, now: &Moment) -> Option<Moment> {
        let at = instant(now);
        self.primary_end(&policy(at), at).map(moment)
    }

    /// When its primary key was made.
    pub fn created(&self) -> Moment {
        moment(self.cert.primary_key().key().creation_time())
    }

    /// Of its primary key, for people: `Ed25519`, `RSA 4096`.
    pub fn algorithm(&self) -> String {
        use sequoia_openpgp::crypto::mpi::PublicKey;
        let key = self.cert.primary_key().key();
        match (key.pk_algo(), key.mpis()) {
            (_, PublicKey::RSA { .. }) => format!("RSA {}", key.mpis().bits().unwrap_or_default()),
            (_, PublicKey::DSA { .. }) => format!("DSA {}", key.mpis().bits().unwrap_or_default()),
            (_, PublicKey::EdDSA { curve, .. } | PublicKey::ECDSA { curve, .. }) => {
                curve.to_string()
            }
            (algorithm, _) => algorithm.to_string(),
        }
    }

    /// As a file: armored, without comments, the same bytes for the same certificate.
    pub fn armored(&self) -> String {
        armored(
            armor::Kind::PublicKey,
            &self.binary(),
            self.cert.primary_key().key().version() < 6,
        )
    }

    /// As a Web Key Directory serves it. What its owner marked as not for export stays out.
    pub fn binary(&self) -> Vec<u8> {
        self.cert
            .export_to_vec()
            .expect("writing to memory does not fail")
    }

    /// All keys that can be encrypted to at this time: at least one.
    pub(super) fn encryption_keys<'a>(
        &'a self,
        policy: &'a dyn Policy,
        at: SystemTime,
    ) -> Result<Vec<ValidKey<'a>>, KeyState> {
        let valid = self.living(policy, at)?;
        let all = || {
            valid
                .keys()
                .for_transport_encryption()
                .for_storage_encryption()
        };
        let living: Vec<ValidKey> = all().supported().alive().revoked(false).collect();
        if !living.is_empty() {
            return Ok(living);
        }
        if let Some(end) = all()
            .revoked(false)
            .filter_map(|key| key.key_expiration_time())
            .filter(|end| *end <= at)
            .max()
        {
            return Err(KeyState::Expired(moment(end)));
        }
        let weak = self
            .cert
            .keys()
            .with_policy(&Lax, at)
            .supported()
            .alive()
            .revoked(false);
        Err(
            match weak
                .for_transport_encryption()
                .for_storage_encryption()
                .next()
            {
                Some(_) => KeyState::Weak("its key for encryption is too weak".into()),
                None => KeyState::CannotEncrypt,
            },
        )
    }

    /// All keys whose signatures made at this time are good, the newest first; perhaps none.
    pub(super) fn signing_keys<'a>(
        &'a self,
        policy: &'a dyn Policy,
        at: SystemTime,
    ) -> Result<Vec<ValidKey<'a>>, KeyState> {
        let valid = self.living(policy, at)?;
        let mut keys: Vec<ValidKey> = valid
            .keys()
            .supported()
            .alive()
            .revoked(false)
            .for_signing()
            .collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.key().creation_time()));
        Ok(keys)
    }

    /// The certificate as it is at this time, if it is alive.
    fn living<'a>(
        &'a self,
        policy: &'a dyn Policy,
        at: SystemTime,
    ) -> Result<ValidCert<'a>, KeyState> {
        // Revoked comes first: whatever else is wrong with it, renewing it would not mend it.
        if let RevocationStatus::Revoked(signatures) = self.cert.revocation_status(policy, at) {
            return Err(KeyState::Revoked(
                signatures.first().map(|s| reason(s)).unwrap_or_default(),
            ));
        }
        let created = self.cert.primary_key().key().creation_time();
        if created > at {
            return Err(KeyState::Weak(format!(
                "it begins only on {}",
                moment(created).date()
            )));
        }
        let valid = self
            .cert
            .with_policy(policy, at)
            .map_err(|error| KeyState::Weak(words(&error)))?;
        match (valid.alive(), valid.primary_key().key_expiration_time()) {
            (Ok(()), _) => Ok(valid),
            (Err(_), Some(end)) if end <= at => Err(KeyState::Expired(moment(end))),
            (Err(error), _) => Err(KeyState::Weak(words(&error))),
        }
    }

    fn primary_end(&self, policy: &dyn Policy, at: SystemTime) -> Option<SystemTime> {
        self.cert
            .with_policy(policy, at)
            .ok()
            .and_then(|valid| valid.primary_key().key_expiration_time())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.fingerprint)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Certificate) -> bool {
        self.cert == other.cert
    }
}

impl Eq for Certificate {}

/// Takes every algorithm: to tell a key that the policy refuses from one that is not there.
#[derive(Debug)]
struct Lax;

impl Policy for Lax {
    fn signature(&self, _: &Signature, _: HashAlgoSecurity) -> sequoia_openpgp::Result<()> {
        Ok(())
    }
    fn key(&self, _: &ValidKey<'_>) -> sequoia_openpgp::Result<()> {
        Ok(())
    }
}

/// Of a certificate of a known version.
pub(super) fn fingerprint(cert: &Cert) -> Option<Fingerprint> {
    cert.fingerprint().to_hex().parse().ok()
}

/// In its owner's words, or the standard's for its code.
fn reason(revocation: &Signature) -> String {
    let Some((code, words)) = revocation.reason_for_revocation() else {
        return String::new();
    };
    match (shorten(String::from_utf8_lossy(words).trim()), code) {
        (words, _) if !words.is_empty() => words,
        (_, ReasonForRevocation::KeySuperseded) => "replaced by another".into(),
        (_, ReasonForRevocation::KeyCompromised) => "its secret key may be in other hands".into(),
        (_, ReasonForRevocation::KeyRetired) => "no longer in use".into(),
        _ => String::new(),
    }
}

/// The armored blocks of a file one by one (the library reads only the first), or the whole binary file.
fn blocks(bytes: &[u8]) -> Result<Vec<&[u8]>, CertError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // Bit 7 of a packet's first octet is always set (RFC 9580, 4.2), and no ASCII text has it.
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        return Ok(vec![bytes]);
    }
    let mark = b"-----BEGIN PGP ";
    let line_starts = std::iter::once(0).chain(
        bytes
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b'\n')
            .map(|(i, _)| i + 1),
    );
    let starts: Vec<usize> = line_starts
        .filter(|start| bytes[*start..].starts_with(mark))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let blocks: Vec<&[u8]> = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &bytes[*start..end])
        .collect();
    let is = |block: &&[u8], label: &[u8]| block[mark.len()..].starts_with(label);
    if blocks
        .iter()
        .any(|block| is(block, b"PRIVATE KEY BLOCK-----"))
    {
        return Err(CertError::SecretKey);
    }
    match blocks
        .iter()
        .find(|block| !is(block, b"PUBLIC KEY BLOCK-----"))
    {
        Some(_) => Err(CertError::NotACertificate(
            "it is some other OpenPGP file".into(),
        )),
        None if blocks.is_empty() => Err(CertError::NotACertificate(
            "no `BEGIN PGP PUBLIC KEY BLOCK` in it".into(),
        )),
        None => Ok(blocks),
    }
}
