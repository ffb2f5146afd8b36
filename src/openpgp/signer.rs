//! The team's key, and what it signs. Every signature is checked with the published certificate before it
//! leaves, so that nothing goes out that a recipient cannot verify.

use super::{
    Certificate, Clearsigned, Secret, armored, clear, crlf,
    errors::{LONGEST_LINE, SignerError},
    instant, policy, words,
};
use crate::{
    terms::Moment,
    tlp::{Audience, ByMake, Made},
};
use memchr::memchr;
use sequoia_openpgp::{
    Cert, Packet,
    armor::Kind,
    cert::CertParser,
    crypto::{KeyPair, Signer},
    packet::{
        Key, Literal, Signature,
        key::{PublicParts, SecretKeyMaterial, UnspecifiedRole},
        one_pass_sig::OnePassSig3,
        signature::SignatureBuilder,
    },
    parse::Parse as _,
    serialize::Serialize as _,
    types::{DataFormat, HashAlgorithm, SignatureType},
};
use std::time::SystemTime;

/// Where the secret key is.
enum Hand {
    /// Here, unlocked.
    Held(Box<KeyPair>),
    /// With gpg-agent.
    #[cfg(feature = "gpg-agent")]
    Agent(super::agent::Agent),
}

/// The team's key, ready to sign at one moment. It can be used by many threads at once.
pub struct TeamKey {
    hand: Hand,
    /// The signing key as the published certificate has it.
    published: Key<PublicParts, UnspecifiedRole>,
    certificate: Certificate,
    at: SystemTime,
}

/// Whether a key file is locked, so that the desk asks before [`TeamKey::from_file`].
pub fn needs_passphrase(bytes: &[u8]) -> Result<bool, SignerError> {
    let locked = |cert: &Cert| {
        cert.keys()
            .secret()
            .any(|key| !key.key().has_unencrypted_secret() && opens(key.key().secret()))
    };
    Ok(secret_keys(bytes)?.iter().any(locked))
}

impl TeamKey {
    /// A key file, armored or binary, made with `advise key generate` or exported from GnuPG. Of the
    /// certificate's signing keys that are good at `now`, the newest that the file has is taken.
    pub fn from_file(
        bytes: &[u8],
        passphrase: Option<&Secret>,
        certificate: Certificate,
        now: &Moment,
    ) -> Result<TeamKey, SignerError> {
        let fingerprint = || certificate.fingerprint().clone();
        let files = secret_keys(bytes)?;
        for published in signing_keys(&certificate, now)? {
            let held = files
                .iter()
                .flat_map(|cert| cert.keys().secret())
                .map(|key| key.key());
            let mut held = held
                .filter(|key| key.fingerprint() == published.fingerprint() && opens(key.secret()));
            let Some(key) = held.next().cloned() else {
                continue;
            };
            let key = match (key.has_unencrypted_secret(), passphrase) {
                (true, _) => key,
                (false, None) => return Err(SignerError::PassphraseNeeded(fingerprint())),
                // The library reports a wrong passphrase as whatever the garbled key looks like.
                (false, Some(passphrase)) => key
                    .decrypt_secret(&passphrase.password())
                    .map_err(|_| SignerError::WrongPassphrase(fingerprint()))?,
            };
            let pair = key
                .into_keypair()
                .map_err(|e| SignerError::Unreadable(words(&e)))?;
            return Ok(TeamKey::new(
                Hand::Held(Box::new(pair)),
                published,
                certificate,
                now,
            ));
        }
        Err(SignerError::NoKey(fingerprint()))
    }

    /// A key that gpg-agent holds (in `GNUPGHOME`, if set); the agent is started if need be, and asks for the
    /// passphrase by its own pinentry when the first signature is made.
    #[cfg(feature = "gpg-agent")]
    pub fn from_agent(certificate: Certificate, now: &Moment) -> Result<TeamKey, SignerError> {
        TeamKey::from_agent_in(None, certificate, now)
    }

    /// The same, with the agent of another GnuPG home.
    #[cfg(feature = "gpg-agent")]
    pub fn from_agent_in(
        home: Option<&std::path::Path>,
        certificate: Certificate,
        now: &Moment,
    ) -> Result<TeamKey, SignerError> {
        let keys = signing_keys(&certificate, now)?;
        match super::agent::Agent::find(home, &keys)? {
            Some((agent, published)) => Ok(TeamKey::new(
                Hand::Agent(agent),
                published,
                certificate,
                now,
            )),
            None => Err(SignerError::AgentHasNoKey(
                certificate.fingerprint().clone(),
            )),
        }
    }

    /// The same key, but gpg-agent never asks: where nobody can type, a locked key is an error at once.
    #[cfg(feature = "gpg-agent")]
    pub fn without_asking(mut self) -> TeamKey {
        if let Hand::Agent(agent) = &mut self.hand {
            agent.never_ask();
        }
        self
    }

    fn new(
        hand: Hand,
        published: Key<PublicParts, UnspecifiedRole>,
        certificate: Certificate,
        now: &Moment,
    ) -> TeamKey {
        TeamKey {
            hand,
            published,
            certificate,
            at: instant(now),
        }
    }

    /// The certificate that its signatures are verified with.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Signs a thing for mail.
    pub fn sign<T: Payload>(&self, thing: T) -> Result<Signed<T>, SignerError> {
        let signature = self.signature(SignatureType::Binary, thing.payload())?;
        Ok(Signed { thing, signature })
    }

    /// The armored detached signature of a file.
    pub fn detach(&self, bytes: &[u8]) -> Result<String, SignerError> {
        Ok(block(self.signature(SignatureType::Binary, bytes)?))
    }

    /// Clear-signs a text; see [`Clearsigned::text`] for the form that it takes.
    pub fn clearsign(&self, text: &str) -> Result<Clearsigned, SignerError> {
        let text = clear::normal(text);
        let has_nul = memchr(0, text.as_bytes()).is_some();
        for (line, content) in (1..).zip(text.lines()) {
            if content.len() > LONGEST_LINE {
                return Err(SignerError::LongLine {
                    line,
                    bytes: content.len(),
                });
            }
            if has_nul && content.contains('\0') {
                return Err(SignerError::Nul { line });
            }
        }
        let signature = self.signature(SignatureType::Text, &clear::canonical(&text))?;
        let signed = Clearsigned::assemble(&text, &block(signature));
        // The signature is good; whether a reader finds the same text in the document is another question.
        match clear::content(&signed.document()).as_deref() == Some(&*text) {
            true => Ok(signed),
            false => Err(SignerError::DoesNotVerify(
                self.certificate.fingerprint().clone(),
            )),
        }
    }

    /// One signature over bytes that are in their final form, verified.
    fn signature(&self, kind: SignatureType, bytes: &[u8]) -> Result<Signature, SignerError> {
        let fingerprint = || self.certificate.fingerprint().clone();
        let failed = |e: anyhow::Error| SignerError::Failed {
            fingerprint: fingerprint(),
            why: words(&e),
        };
        // One hash, always: the `micalg` of a mail is written before its signature.
        let builder = SignatureBuilder::new(kind).set_hash_algo(HashAlgorithm::SHA512);
        let builder = builder
            .set_signature_creation_time(self.at)
            .map_err(failed)?;
        let sign = |signer: &mut dyn Signer| builder.sign_message(signer, bytes);
        let signature = match &self.hand {
            Hand::Held(pair) => sign(&mut *pair.clone()).map_err(failed)?,
            #[cfg(feature = "gpg-agent")]
            Hand::Agent(agent) => {
                sign(&mut agent.signer(&self.published)).map_err(|e| SignerError::AgentRefused {
                    fingerprint: fingerprint(),
                    why: words(&e),
                })?
            }
        };
        match signature.verify_message(&self.published, bytes) {
            Ok(()) => Ok(signature),
            Err(_) => Err(SignerError::DoesNotVerify(fingerprint())),
        }
    }
}

/// What is signed: a thing whose bytes are final.
pub trait Payload {
    /// For mail: the signed part exactly as it will be sent, with CRLF.
    fn payload(&self) -> &[u8];
}

impl<T: Payload + ?Sized> Payload for &T {
    fn payload(&self) -> &[u8] {
        (**self).payload()
    }
}

/// A thing and the team's signature of it. Only a [`TeamKey`] makes one.
#[derive(Debug, Clone)]
pub struct Signed<T> {
    thing: T,
    signature: Signature,
}

impl<T> Signed<T> {
    /// What was signed.
    pub fn thing(&self) -> &T {
        &self.thing
    }

    /// RFC 3156, 5: the hash really used, as `multipart/signed` names it.
    pub fn micalg(&self) -> &'static str {
        "pgp-sha512"
    }

    /// The signature as the second part of a `multipart/signed`: armored, with CRLF.
    pub fn detached(&self) -> String {
        crlf(&block(self.signature.clone()))
    }
}

impl<T: Payload> Signed<T> {
    /// Thing and signature as one OpenPGP message, binary, to be encrypted: the same signature as
    /// [`detached`](Signed::detached).
    pub fn inline(&self) -> Vec<u8> {
        let memory = "writing to memory does not fail";
        let mut announced =
            OnePassSig3::try_from(&self.signature).expect("the signature was made with its issuer");
        // RFC 4880, 5.4: "A zero value indicates that the next packet is another One-Pass Signature packet".
        announced.set_last(true);
        let mut literal = Literal::new(DataFormat::Binary);
        literal.set_body(self.thing.payload().to_vec());
        let mut message = Vec::with_capacity(self.thing.payload().len() + 512);
        Packet::from(announced)
            .serialize(&mut message)
            .expect(memory);
        Packet::from(literal).serialize(&mut message).expect(memory);
        Packet::from(self.signature.clone())
            .serialize(&mut message)
            .expect(memory);
        message
    }
}

impl<T: Payload + Clone, A: Audience> Made<T, A> for Signed<T> {
    type Shop<'s> = TeamKey;
    type Error = SignerError;

    fn made(thing: &T, _audience: &A, key: &TeamKey, _: ByMake) -> Result<Signed<T>, SignerError> {
        key.sign(thing.clone())
    }
}

/// A signature alone, armored, with LF. Version 4 always, so with a checksum.
fn block(signature: Signature) -> String {
    let mut bytes = Vec::new();
    Packet::from(signature)
        .serialize(&mut bytes)
        .expect("writing to memory does not fail");
    armored(Kind::Signature, &bytes, true)
}

/// The signing keys of a certificate that are good at this moment, the newest first; at least one.
fn signing_keys(
    certificate: &Certificate,
    now: &Moment,
) -> Result<Vec<Key<PublicParts, UnspecifiedRole>>, SignerError> {
    let (at, policy) = (instant(now), policy(instant(now)));
    let fingerprint = || certificate.fingerprint().clone();
    let keys = certificate.signing_keys(&policy, at);
    let keys = keys.map_err(|state| SignerError::Unusable {
        fingerprint: fingerprint(),
        state,
    })?;
    if keys.is_empty() {
        return Err(SignerError::CannotSign(fingerprint()));
    }
    let keys: Vec<_> = keys
        .iter()
        .map(|key| key.key().clone())
        .filter(|key| key.version() == 4)
        .collect();
    if keys.is_empty() {
        Err(SignerError::NotVersion4(fingerprint()))
    } else {
        Ok(keys)
    }
}

/// The certificates with secrets of a key file.
fn secret_keys(bytes: &[u8]) -> Result<Vec<Cert>, SignerError> {
    let unreadable = |e: anyhow::Error| SignerError::Unreadable(words(&e));
    let certs: Vec<Cert> = CertParser::from_bytes(bytes)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    match certs.iter().any(Cert::is_tsk) {
        true => Ok(certs),
        false => Err(SignerError::Unreadable("it has no secret key".into())),
    }
}

/// Whether there is something to open: GnuPG writes stubs for keys that are elsewhere (on a card, off-line).
fn opens(secret: &SecretKeyMaterial) -> bool {
    match secret {
        SecretKeyMaterial::Unencrypted(_) => true,
        SecretKeyMaterial::Encrypted(locked) => locked.s2k().is_supported(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openpgp::{Kind, generate};

    #[test]
    fn a_signature_that_the_certificate_does_not_verify_is_thrown_away() {
        let now: Moment = "2026-07-01".parse().expect("a moment");
        let key = || {
            let made = generate(&["who@example.org"], Kind::Team, None, &now, None).expect("a key");
            TeamKey::from_file(made.secret.expose(), None, made.certificate, &now)
                .expect("a team key")
        };
        // Somebody else's hand, or a broken one.
        let mut ours = key();
        ours.hand = key().hand;
        let thrown = SignerError::DoesNotVerify(ours.certificate.fingerprint().clone());
        assert_eq!(ours.detach(b"bytes").err(), Some(thrown.clone()));
        assert_eq!(ours.clearsign("text").err(), Some(thrown));
    }
}
