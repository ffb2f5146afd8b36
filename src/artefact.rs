//! A thing that was made and can be stored or sent: name, media type, bytes, digest; and of which things it is made.

use crate::terms::{Address, Fingerprint, Lang, Moment, Slug};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt};
use url::Url;

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

    /// Of several pieces as if they were one.
    pub fn of_joined<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut hasher = Sha256::new();
        parts.into_iter().for_each(|part| hasher.update(part));
        Digest(hasher.finalize().into())
    }

    /// Of several fields, in this order.
    pub fn of_fields(fields: &[&dyn Keyed]) -> Digest {
        let mut hasher = FieldHasher(Sha256::new());
        fields.iter().for_each(|field| field.add_to(&mut hasher));
        Digest(hasher.0.finalize().into())
    }

    /// What [`Digest::hex`] gave.
    pub fn from_hex(text: &str) -> Option<Digest> {
        let digit = |c: u8| {
            char::from(c)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Digest(bytes))
    }

    /// In 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.digits().map(char::from).collect()
    }

    /// Whether this is what [`Digest::hex`] gives.
    pub fn is_hex(&self, text: &str) -> bool {
        text.len() == 64 && text.bytes().eq(self.digits())
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.0.into_iter().flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// A value of which a digest can be made, field by field. `Debug` output is no substitute: a type may hide something there,
/// and the next version of the compiler may write it in another way.
pub trait Keyed {
    /// Adds all that the value says.
    fn add_to(&self, hasher: &mut FieldHasher);
}

/// Takes the fields of which a digest is made.
pub struct FieldHasher(Sha256);

impl FieldHasher {
    /// Adds some bytes, with their length: moving a border changes the digest.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// Adds values, with their number.
    fn values<T: Keyed>(&mut self, values: impl ExactSizeIterator<Item = T>) {
        self.0.update((values.len() as u64).to_be_bytes());
        values.for_each(|value| value.add_to(self));
    }
}

/// Lets a digest be made of a type. All its fields are listed: one that is missing in the list does not compile.
macro_rules! keyed {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::artefact::Keyed for $type {
            fn add_to(&self, hasher: &mut $crate::artefact::FieldHasher) {
                let Self { $($field),* } = self;
                $($crate::artefact::Keyed::add_to($field, hasher);)*
            }
        }
    };
}
pub(crate) use keyed;

/// For types that show all that they say.
macro_rules! keyed_as_shown {
    ($($type:ty),*) => {
        $(impl Keyed for $type {
            fn add_to(&self, hasher: &mut FieldHasher) {
                hasher.bytes(self.to_string().as_bytes());
            }
        })*
    };
}
keyed_as_shown!(
    bool,
    u8,
    i16,
    u32,
    usize,
    Url,
    Address,
    Fingerprint,
    Lang,
    Moment,
    Slug
);

impl Keyed for str {
    fn add_to(&self, hasher: &mut FieldHasher) {
        hasher.bytes(self.as_bytes());
    }
}

impl Keyed for String {
    fn add_to(&self, hasher: &mut FieldHasher) {
        hasher.bytes(self.as_bytes());
    }
}

impl Keyed for Digest {
    fn add_to(&self, hasher: &mut FieldHasher) {
        hasher.bytes(&self.0);
    }
}

impl<T: Keyed + ?Sized> Keyed for &T {
    fn add_to(&self, hasher: &mut FieldHasher) {
        (**self).add_to(hasher);
    }
}

impl<T: Keyed> Keyed for Option<T> {
    fn add_to(&self, hasher: &mut FieldHasher) {
        hasher.values(self.iter());
    }
}

impl<T: Keyed> Keyed for [T] {
    fn add_to(&self, hasher: &mut FieldHasher) {
        hasher.values(self.iter());
    }
}

impl<T: Keyed> Keyed for Vec<T> {
    fn add_to(&self, hasher: &mut FieldHasher) {
        hasher.values(self.iter());
    }
}

impl<K: Keyed, V: Keyed> Keyed for BTreeMap<K, V> {
    fn add_to(&self, hasher: &mut FieldHasher) {
        hasher.values(self.iter());
    }
}

impl<A: Keyed, B: Keyed> Keyed for (A, B) {
    fn add_to(&self, hasher: &mut FieldHasher) {
        self.0.add_to(hasher);
        self.1.add_to(hasher);
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
    pub fn new(
        path: impl Into<String>,
        media_type: &'static str,
        bytes: impl Into<Vec<u8>>,
    ) -> Artefact {
        let path = path.into();
        let safe = path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
            && !path.contains(['\\', '\0']);
        assert!(
            safe,
            "a path of the site is made of ids and slugs and cannot leave its folder"
        );
        Artefact {
            path,
            media_type,
            bytes: bytes.into(),
        }
    }

    /// Of the bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

/// This program, named by its sources. Another program may make other files of the same input.
pub const PROGRAM: &str = env!("ADVISE_PROGRAM");

/// Files that are made together, of the same things: a name for them, and the digest of all that they are made of.
/// As long as that stays, they need not be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    name: String,
    key: Digest,
}

impl Unit {
    /// A name that no other unit of the site has, and a digest of all that goes into its files. Panics on a name with a
    /// line end or a tab: names are made of ids and paths, which have none.
    pub fn new(name: String, key: Digest) -> Unit {
        assert!(
            !name.contains(['\n', '\t']),
            "the name of a unit is made of ids and paths"
        );
        Unit { name, key }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Of all that its files are made of.
    pub fn key(&self) -> Digest {
        self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two {
        one: String,
        many: Vec<Option<&'static str>>,
    }
    keyed!(Two { one, many });

    #[test]
    fn whatever_differs_in_a_field_gives_another_digest() {
        let two = |one: &str, many: &[Option<&'static str>]| {
            let two = Two {
                one: one.into(),
                many: many.to_vec(),
            };
            Digest::of_fields(&[&two, &true])
        };
        let all = [
            two("a", &[]),
            two("", &[]),
            two("", &[Some("a")]),
            two("", &[Some("")]),
            two("", &[None]),
            two("", &[None, None]),
            two("a", &[Some("b"), Some("c")]),
            two("a", &[Some("bc")]),
            two("ab", &[Some("c")]),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(two("a", &[None]), two("a", &[None]));
        // Both name one instant, and are not shown alike.
        let moment = |text: &str| text.parse::<Moment>().expect("a moment");
        let (day, time) = (moment("2026-07-01"), moment("2026-07-01T00:00:00+00:00"));
        assert_ne!(Digest::of_fields(&[&day]), Digest::of_fields(&[&time]));
    }
}
