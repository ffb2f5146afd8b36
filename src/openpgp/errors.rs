//! Why nothing was signed, and why nothing was encrypted.

use crate::{roster::KeyState, terms::Fingerprint};

/// Longer lines break GnuPG's clear-signed text.
pub(super) const LONGEST_LINE: usize = 19_000;

/// Why there is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// Not an OpenPGP key file.
    #[error("the key file cannot be read: {0}")]
    Unreadable(String),
    /// The caller has to ask for one.
    #[error("the key for certificate {0} is locked: a passphrase is needed")]
    PassphraseNeeded(Fingerprint),
    /// It does not open the key.
    #[error("the passphrase for the key of certificate {0} is wrong")]
    WrongPassphrase(Fingerprint),
    /// The file is another's, or has only stubs.
    #[error("the key file has no signing key of certificate {0}")]
    NoKey(Fingerprint),
    /// The certificate is expired, revoked or refused.
    #[error("nothing can be signed for {fingerprint}: {state}")]
    Unusable {
        /// Of the certificate.
        fingerprint: Fingerprint,
        /// What is wrong with it.
        state: KeyState,
    },
    /// It has no (living) key for signing.
    #[error("certificate {0} cannot sign")]
    CannotSign(Fingerprint),
    /// GnuPG 2.2 could not verify what it signs.
    #[error("certificate {0} is not of version 4, and GnuPG 2.2 verifies nothing else")]
    NotVersion4(Fingerprint),
    /// It does not run, and cannot be started.
    #[error("gpg-agent cannot be reached: {0}")]
    AgentMissing(String),
    /// It runs, but has other keys.
    #[error("gpg-agent does not hold a signing key of certificate {0}")]
    AgentHasNoKey(Fingerprint),
    /// It holds the key, but did not sign.
    #[error("gpg-agent did not sign with the key of certificate {fingerprint}: {why}")]
    AgentRefused {
        /// Of the certificate.
        fingerprint: Fingerprint,
        /// In its own words.
        why: String,
    },
    /// The cryptography failed.
    #[error("cannot sign with the key of certificate {fingerprint}: {why}")]
    Failed {
        /// Of the certificate.
        fingerprint: Fingerprint,
        /// In the library's words.
        why: String,
    },
    /// What was signed would not have been verified by anybody.
    #[error("the signature just made does not verify with certificate {0}; it was thrown away")]
    DoesNotVerify(Fingerprint),
    /// GnuPG would break on it.
    #[error("line {line} has {bytes} bytes, too many to be clear-signed (at most {LONGEST_LINE})")]
    LongLine {
        /// Counted from 1.
        line: usize,
        /// Its length.
        bytes: usize,
    },
    /// GnuPG would break on it.
    #[error("line {line} has a NUL, which cannot be clear-signed")]
    Nul {
        /// Counted from 1.
        line: usize,
    },
}

/// Why nothing was encrypted. There is no way from here to clear text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// The recipient's certificate does not serve now.
    #[error("nothing can be encrypted to {fingerprint}: {state}")]
    NotUsable {
        /// Of the certificate.
        fingerprint: Fingerprint,
        /// What is wrong with it.
        state: KeyState,
    },
    /// The cryptography failed.
    #[error("cannot encrypt to {fingerprint}: {why}")]
    Failed {
        /// Of the certificate.
        fingerprint: Fingerprint,
        /// In the library's words.
        why: String,
    },
}
