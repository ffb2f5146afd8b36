//! The message: a letter with its signature, or its ciphertext.

use super::{Entity, Letter};
use crate::{
    openpgp::{EncryptError, Sealed, Signed},
    tlp::{Cover, Tlp},
};
use std::fmt;

/// A mail, ready to be handed to a transport.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// With CRLF. Lines that begin with a dot are the transport's business.
    pub bytes: Vec<u8>,
    /// `<TOKEN@domain>`
    pub message_id: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

/// Why there is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It was composed to be encrypted, or its label allows nothing else.
    #[error("a letter under {} that has to be encrypted cannot be sent with a signature only", .0.label())]
    MustEncrypt(Tlp),
    /// It was composed to be sent with a signature only; its header would deny the encryption.
    #[error("a letter that was composed to be signed only cannot be sent encrypted")]
    MustNotEncrypt,
    /// It asks whether its reader can decrypt, so it proves nothing in clear.
    #[error("a challenge that has to be encrypted cannot be sent with a signature only")]
    Challenge,
    /// No armored detached signature.
    #[error("what was given as the letter's signature is not an armored OpenPGP signature")]
    NotASignature,
    /// It cannot be encrypted to this recipient.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
}

/// The letter with its detached signature: `multipart/signed` (RFC 3156, 5). Refused for a letter that has to be
/// encrypted.
pub fn in_clear(letter: &Signed<Letter>) -> Result<Message, PackError> {
    with_signature(letter.thing(), &letter.detached())
}

pub(super) fn with_signature(letter: &Letter, signature: &str) -> Result<Message, PackError> {
    if letter.cover != Cover::Signed || letter.tlp.must_encrypt() {
        return Err(PackError::MustEncrypt(letter.tlp));
    }
    signed(&letter.entity, signature)
}

/// The letter as one recipient gets it: `multipart/encrypted` (RFC 3156, 4). `ciphertext` is the letter's `inline()`,
/// encrypted: the one copy of it that is made for each recipient.
pub fn sealed(letter: &Signed<Letter>, ciphertext: &Sealed) -> Result<Message, PackError> {
    with_ciphertext(letter.thing(), ciphertext)
}

pub(super) fn with_ciphertext(letter: &Letter, ciphertext: &Sealed) -> Result<Message, PackError> {
    if letter.cover != Cover::Encrypted {
        return Err(PackError::MustNotEncrypt);
    }
    Ok(encrypted(&letter.entity, ciphertext))
}

pub(super) fn encrypted(entity: &Entity, ciphertext: &Sealed) -> Message {
    let Entity {
        outer,
        boundary,
        message_id,
        ..
    } = entity;
    let mut bytes = Vec::with_capacity(outer.len() + ciphertext.len() + 1_000);
    bytes.extend_from_slice(outer);
    // RFC 3156, 4: the first part "MUST contain a 'Version: 1' field in the body", the second is
    // "application/octet-stream".
    let head = format!(
        "MIME-Version: 1.0\r\n\
         Content-Type: multipart/encrypted;\r\n boundary=\"{boundary}\";\r\n protocol=\"application/pgp-encrypted\"\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: application/pgp-encrypted\r\n\
         Content-Description: PGP/MIME version identification\r\n\
         \r\n\
         Version: 1\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: application/octet-stream; name=\"encrypted.asc\"\r\n\
         Content-Description: OpenPGP encrypted message\r\n\
         Content-Disposition: inline; filename=\"encrypted.asc\"\r\n\
         \r\n"
    );
    bytes.extend_from_slice(head.as_bytes());
    ciphertext.push_to(&mut bytes);
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Message {
        bytes,
        message_id: message_id.clone(),
    }
}

pub(super) fn signed(entity: &Entity, signature: &str) -> Result<Message, PackError> {
    if !is_armored(signature, "SIGNATURE") {
        return Err(PackError::NotASignature);
    }
    let Entity {
        outer,
        payload,
        boundary,
        message_id,
    } = entity;
    let mut bytes = Vec::with_capacity(outer.len() + payload.len() + signature.len() + 1_000);
    bytes.extend_from_slice(outer);
    // RFC 3156, 5: "The 'micalg' parameter … MUST contain exactly one hash-symbol", in lower case.
    let head = format!(
        "MIME-Version: 1.0\r\n\
         Content-Type: multipart/signed;\r\n boundary=\"{boundary}\";\r\n protocol=\"application/pgp-signature\"; micalg=pgp-sha512\r\n\
         \r\n\
         --{boundary}\r\n"
    );
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(payload);
    let middle = format!(
        "\r\n--{boundary}\r\n\
         Content-Type: application/pgp-signature; name=\"signature.asc\"\r\n\
         Content-Description: OpenPGP digital signature\r\n\
         Content-Disposition: attachment; filename=\"signature.asc\"\r\n\
         \r\n"
    );
    bytes.extend_from_slice(middle.as_bytes());
    push_armor(signature, &mut bytes);
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Ok(Message {
        bytes,
        message_id: message_id.clone(),
    })
}

fn is_armored(text: &str, kind: &str) -> bool {
    let begins = text
        .strip_prefix("-----BEGIN PGP ")
        .and_then(|rest| rest.strip_prefix(kind))
        .map(|rest| &rest[..5.min(rest.len())]);
    begins == Some("-----")
        && text
            .trim_end()
            .ends_with(&format!("-----END PGP {kind}-----"))
        && text.is_ascii()
}

/// The armor with CRLF, whatever it came with.
fn push_armor(armor: &str, bytes: &mut Vec<u8>) {
    for line in armor.trim_end().lines() {
        bytes.extend_from_slice(line.trim_end().as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
}
