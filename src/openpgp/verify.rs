//! Verification of what this tool, or a correspondent, signed.

use super::{Certificate, certs, instant, moment, policy, words};
use crate::terms::{Fingerprint, Moment};
use sequoia_openpgp::{
    Cert, KeyHandle,
    parse::{
        Parse as _,
        stream::{
            DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationError,
            VerificationHelper, VerificationResult, VerifierBuilder,
        },
    },
};
use std::io::Read as _;

/// The most that is unpacked: what is longer is no letter, but may be a bomb.
const LONGEST: u64 = 256 << 20;

/// Something signed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The certificate whose owner signed it.
    pub signer: Fingerprint,
    /// When, as the signer says.
    pub made: Moment,
    /// What was signed, and nothing else that stood in the file; of a clear-signed text, the text with LF and
    /// a final newline.
    pub content: Vec<u8>,
}

/// Why a signature is worth nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not something signed.
    #[error("not a signed OpenPGP text or message: {0}")]
    Unreadable(String),
    /// Signed with a key that is in none of the certificates.
    #[error("signed with key {0}, which is in none of the certificates")]
    UnknownSigner(String),
    /// The signature is not of this content.
    #[error("the signature of {0} does not fit the content: one of them was changed")]
    Altered(Fingerprint),
    /// The signer's certificate, or the signature, was not good when the signature was made.
    #[error("the signature of {signer} does not count: {why}")]
    Refused {
        /// Whose certificate it is.
        signer: Fingerprint,
        /// In the library's words.
        why: String,
    },
    /// Longer than anything that is read here.
    #[error("the message is longer than 256 MiB")]
    TooLong,
}

/// Verifies a clear-signed text or a signed message, or, with `detached`, a detached signature of `bytes`.
///
/// One good signature by one of the certificates is enough. The certificate has to be good at the time of the
/// signature, so that what was signed before it expired stays valid.
pub fn verify(
    bytes: &[u8],
    detached: Option<&[u8]>,
    certificates: &[Certificate],
    now: &Moment,
) -> Result<Verified, VerifyError> {
    let (at, policy) = (instant(now), policy(instant(now)));
    let mut judge = Judge {
        certificates,
        verdict: None,
    };
    let read = match detached {
        Some(signature) => DetachedVerifierBuilder::from_bytes(signature)
            .and_then(|builder| builder.with_policy(&policy, at, &mut judge))
            .and_then(|mut verifier| verifier.verify_bytes(bytes))
            .map(|()| bytes.to_vec()),
        None => VerifierBuilder::from_bytes(bytes)
            .and_then(|builder| builder.with_policy(&policy, at, &mut judge))
            .and_then(|mut verifier| {
                let mut content = Vec::new();
                verifier.by_ref().take(LONGEST).read_to_end(&mut content)?;
                if !verifier.message_processed() {
                    return Err(TooLong.into());
                }
                if verifier.processing_csf_message() == Some(true) {
                    content = String::from_utf8_lossy(&content)
                        .replace("\r\n", "\n")
                        .into_bytes();
                    content.push(b'\n');
                }
                Ok(content)
            }),
    };
    match (judge.verdict, read) {
        (Some(Err(error)), _) => Err(error),
        (_, Err(error)) if error.is::<TooLong>() => Err(VerifyError::TooLong),
        (_, Err(error)) => Err(VerifyError::Unreadable(words(&error))),
        (Some(Ok((signer, made))), Ok(content)) => Ok(Verified {
            signer,
            made,
            content,
        }),
        (None, Ok(_)) => Err(VerifyError::Unreadable("it has no signature".into())),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("too long")]
struct TooLong;

/// Hands out the certificates, and says what the signatures are worth.
struct Judge<'a> {
    certificates: &'a [Certificate],
    verdict: Option<Result<(Fingerprint, Moment), VerifyError>>,
}

impl VerificationHelper for &mut Judge<'_> {
    fn get_certs(&mut self, issuers: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        let issued = |cert: &Cert| {
            cert.keys().any(|key| {
                issuers
                    .iter()
                    .any(|issuer| issuer.aliases(key.key().key_handle()))
            })
        };
        Ok(self
            .certificates
            .iter()
            .map(Certificate::cert)
            .filter(|cert| issued(cert))
            .cloned()
            .collect())
    }

    fn check(&mut self, structure: MessageStructure) -> sequoia_openpgp::Result<()> {
        // What is signed must be the outermost but for compression: one group of signatures, no encryption.
        let mut groups = Vec::new();
        for layer in structure {
            match layer {
                MessageLayer::SignatureGroup { results } => groups.push(results),
                MessageLayer::Compression { .. } => {}
                MessageLayer::Encryption { .. } => groups.clear(),
            }
        }
        let results = match <[Vec<VerificationResult>; 1]>::try_from(groups) {
            Ok([results]) => results,
            Err(_) => {
                self.verdict = Some(Err(VerifyError::Unreadable(
                    "it is not signed once and as a whole".into(),
                )));
                return Ok(());
            }
        };
        let mut verdicts: Vec<_> = results.into_iter().map(verdict).collect();
        // A signature by somebody unknown says nothing for or against one that is known.
        verdicts.sort_by_key(|verdict| match verdict {
            Ok(_) => 0,
            Err(VerifyError::UnknownSigner(_)) => 2,
            Err(_) => 1,
        });
        self.verdict = verdicts.into_iter().next();
        Ok(())
    }
}

/// One signature's worth.
fn verdict(result: VerificationResult) -> Result<(Fingerprint, Moment), VerifyError> {
    let of = |cert: &Cert| {
        certs::fingerprint(cert)
            .expect("the certificate is one of ours, whose fingerprint is known")
    };
    match result {
        Ok(good) => {
            let made = good
                .sig
                .signature_creation_time()
                .expect("a signature without its time is not good");
            Ok((of(good.ka.cert()), moment(made)))
        }
        Err(VerificationError::MissingKey { sig }) => {
            let issuer = sig
                .get_issuers()
                .into_iter()
                .next()
                .map(|issuer| issuer.to_hex());
            Err(VerifyError::UnknownSigner(
                issuer.unwrap_or_else(|| "without a name".into()),
            ))
        }
        Err(VerificationError::UnboundKey { cert, error, .. }) => Err(VerifyError::Refused {
            signer: of(cert),
            why: words(&error),
        }),
        Err(VerificationError::BadKey { ka, error, .. }) => Err(VerifyError::Refused {
            signer: of(ka.cert()),
            why: words(&error),
        }),
        Err(VerificationError::BadSignature { ka, error, .. }) => {
            let late = matches!(
                error.downcast_ref(),
                Some(sequoia_openpgp::Error::NotYetLive(_))
            );
            let weak = matches!(
                error.downcast_ref(),
                Some(sequoia_openpgp::Error::PolicyViolation(..))
            );
            let expired = matches!(
                error.downcast_ref(),
                Some(sequoia_openpgp::Error::Expired(_))
            );
            Err(match late || weak || expired {
                true => VerifyError::Refused {
                    signer: of(ka.cert()),
                    why: words(&error),
                },
                false => VerifyError::Altered(of(ka.cert())),
            })
        }
        Err(VerificationError::MalformedSignature { error, .. }) => {
            Err(VerifyError::Unreadable(words(&error)))
        }
        Err(_) => Err(VerifyError::Unreadable(
            "its signature is of an unknown kind".into(),
        )),
    }
}
