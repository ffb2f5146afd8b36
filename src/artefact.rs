//! A thing that was made and can be stored or sent: name, media type, bytes, digest.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// SHA-256 of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of one piece.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// Of several pieces; each is counted with its length, so that moving a border changes the digest.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Digest(hasher.finalize().into())
    }

    /// In 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// A file to be: a relative path with `/`, a media type, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Relative, with `/`, without `..`: `advisories/EX-2026-0001/index.html`.
    pub path: String,
    /// For example `text/html; charset=utf-8`.
    pub media_type: &'static str,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Artefact {
    /// A file to be. Panics on a path that would leave its folder: paths are made of ids and slugs, which cannot.
    pub fn new(path: impl Into<String>, media_type: &'static str, bytes: impl Into<Vec<u8>>) -> Artefact {
        let path = path.into();
        let safe = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..") && !path.contains(['\\', '\0']);
        assert!(safe, "a path of the site is made of ids and slugs and cannot leave its folder");
        Artefact { path, media_type, bytes: bytes.into() }
    }

    /// Of the bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}
