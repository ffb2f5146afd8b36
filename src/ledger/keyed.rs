//! Names made with the ledger's key: they can be made again here, and say nothing to anybody else.

use super::{Ledger, key::Key};
use crate::{
    receipt::MemberHash,
    terms::{Address, Id, Lang},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

impl Ledger {
    /// The keyed hash that stands for an address; two spellings of one mailbox have the same.
    pub fn member(&self, address: &Address) -> MemberHash {
        self.members().hash(address)
    }

    /// How addresses are hashed here, to be used while the ledger itself is written to.
    pub fn members(&self) -> Members {
        self.keyed.clone()
    }

    /// What stands before the `@` of a letter's Message-ID: 26 characters, the same at every try.
    pub fn token(&self, advisory: &Id, revision: &str, list: &str, lang: &Lang) -> String {
        self.members().token(advisory, revision, list, lang)
    }

    /// What names one member's letter in the envelope sender. See [`Members::envelope`].
    pub fn envelope(&self, member: &MemberHash, message_id: &str) -> String {
        self.members().envelope(member, message_id)
    }

    /// Stands for one line of a source, so that a later change can be shown without keeping the text.
    pub fn line_hash(&self, line: &str) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.keyed("line", [line.as_bytes()]);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    pub(super) fn keyed<'a>(
        &self,
        domain: &str,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> [u8; 16] {
        keyed(&self.keyed.0, domain, parts)
    }
}

/// The keyed names of addresses and letters.
#[derive(Clone)]
pub struct Members(Hmac<Sha256>);

impl Members {
    pub(super) fn new(key: &Key) -> Members {
        Members(Hmac::new_from_slice(key).expect("HMAC takes keys of every length"))
    }

    /// What the ledger keeps to know its key again.
    pub(super) fn check(&self) -> [u8; 16] {
        keyed(&self.0, "key", [])
    }

    /// See [`Ledger::member`].
    pub fn hash(&self, address: &Address) -> MemberHash {
        MemberHash(keyed(&self.0, "member", [address.key().as_bytes()]))
    }

    /// See [`Ledger::token`].
    pub fn token(&self, advisory: &Id, revision: &str, list: &str, lang: &Lang) -> String {
        let parts = [advisory.as_str(), revision, list, lang.as_str()];
        base32(&keyed(&self.0, "message", parts.map(str::as_bytes)))
    }

    /// What names one member's letter, known by its Message-ID, in the envelope sender: 26 characters that only who
    /// handled this copy can know. (All members know the Message-ID.)
    pub fn envelope(&self, member: &MemberHash, message_id: &str) -> String {
        let id = message_id.trim_start_matches('<');
        let left = id.split('@').next().unwrap_or(id);
        base32(&keyed(&self.0, "verp", [&member.0[..], left.as_bytes()]))
    }
}

/// Each use has its own domain, and each part is counted with its length, so that no two inputs meet.
fn keyed<'a>(
    secret: &Hmac<Sha256>,
    domain: &str,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> [u8; 16] {
    let mut mac = secret.clone();
    mac.update(b"advise ledger 1 ");
    mac.update(domain.as_bytes());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    short
}

/// RFC 4648 base 32 in small letters, without padding: 128 bits in 26 characters that survive any mail server.
pub(super) fn base32(bytes: &[u8; 16]) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let number = u128::from_be_bytes(*bytes);
    let digit = |i: u32| match 123_u32.checked_sub(5 * i) {
        Some(shift) => number >> shift,
        None => number << 2,
    };
    (0..26)
        .map(|i| char::from(DIGITS[(digit(i) & 31) as usize]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_32_is_that_of_rfc_4648() {
        // As `printf '\0\1…\17' | base32` prints it, and all ones.
        assert_eq!(
            base32(&std::array::from_fn(|i| i as u8)),
            "aaaqeayeaudaocajbifqydiob4"
        );
        assert_eq!(base32(&[255; 16]), "77777777777777777777777774");
    }
}
