//! An advisory: what the team says, to whom, under which label.
//!
//! `front_matter` cuts a file in two, `draft` is what was written, `parse` makes an [`Advisory`] of it or
//! all findings, `lint` judges it and what is allowed but odd. No files, no clock.
//!
//! [`Advisory`] is not `Serialize`, so that no template or JSON can be made of one by accident:
//! ```compile_fail
//! fn leak(advisory: &advise::advisory::Advisory) -> String { serde_json::to_string(advisory).unwrap() }
//! ```

mod front_matter;
mod lint;
mod parse;

pub use front_matter::{Pieces, says_draft, split};
pub use lint::body as lint_body;
pub use parse::{FIELDS, Parsed, Translation, file_name, parse, parse_translation};

use crate::{
    artefact::Digest,
    terms::{Address, Cve, Cvss, Cwe, Id, Lang, Moment, Severity, Slug, Wrong, one_of, shorten},
    tlp::{Marked, Tlp},
};
use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

/// What sort of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the four words of DESIGN section 2")]
pub enum Kind {
    Advisory,
    Alert,
    Awareness,
    Announcement,
}

/// How far its writers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the three words of DESIGN section 2")]
pub enum Status {
    Draft,
    Final,
    Withdrawn,
}

/// One entry of `audience:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the three forms of DESIGN section 2")]
pub enum Reader {
    Public,
    List(Slug),
    Person(Address),
}

/// One CVSS vector, and the CVE it belongs to.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "fields of the front matter")]
pub struct Score {
    pub cve: Option<Cve>,
    pub cvss: Cvss,
}

/// A product that is affected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of the front matter")]
pub struct Affected {
    pub vendor: String,
    pub product: String,
    pub versions: String,
    pub fixed: Option<String>,
}

/// Something to read on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of the front matter")]
pub struct Reference {
    pub title: String,
    pub url: String,
}

/// One entry of the revision history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of the front matter")]
pub struct Revision {
    pub number: String,
    pub date: Moment,
    pub summary: String,
}

/// Title and body in one language.
#[derive(Clone)]
pub struct Text {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// A file that goes along.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// File name without folders.
    pub name: String,
    /// Its content.
    pub bytes: Arc<[u8]>,
}

/// A message of the team that was read without an error.
#[derive(Clone)]
#[allow(missing_docs, reason = "fields of the front matter, DESIGN section 2")]
pub struct Advisory {
    pub id: Id,
    pub kind: Kind,
    pub status: Status,
    pub date: Moment,
    pub tlp: Tlp,
    pub severity: Severity,
    pub audience: Vec<Reader>,
    pub embargo: Option<Moment>,
    pub cves: Vec<Cve>,
    pub cvss: Vec<Score>,
    pub cwes: Vec<Cwe>,
    pub affected: Vec<Affected>,
    pub references: Vec<Reference>,
    /// The newest last, never empty.
    pub revisions: Vec<Revision>,
    /// Of the original.
    pub lang: Lang,
    /// Original and translations; the original is always there. (Boxed, since a map has room for eleven of them, and nearly
    /// every advisory has one.)
    pub texts: BTreeMap<Lang, Box<Text>>,
    pub attachments: Vec<Attachment>,
    /// Of all that was written: source, translations, attachments.
    pub digest: Digest,
    /// Path of the original, relative to the workspace.
    pub path: Arc<str>,
}

/// `{:?}` shows ids only, since an advisory may be closed.
impl fmt::Debug for Advisory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advisory")
            .field("id", &self.id)
            .field("revision", &self.revision().number)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").finish_non_exhaustive()
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").finish_non_exhaustive()
    }
}

impl Advisory {
    /// The newest revision.
    pub fn revision(&self) -> &Revision {
        self.revisions
            .last()
            .expect("`parse` gives every advisory a first revision")
    }

    /// Whether it was ever revised.
    pub fn is_revised(&self) -> bool {
        self.revisions.len() > 1
    }

    /// When it last changed.
    pub fn updated(&self) -> &Moment {
        &self.revision().date
    }

    /// The text in a language, or the original; and the language it is in.
    pub fn text(&self, lang: &Lang) -> (&Lang, &Text) {
        let found = self
            .texts
            .get_key_value(lang)
            .or_else(|| self.texts.get_key_value(&self.lang));
        found
            .map(|(lang, text)| (lang, &**text))
            .expect("`parse` puts the original among the texts")
    }

    /// The title of the original.
    pub fn title(&self) -> &str {
        &self.text(&self.lang).1.title
    }

    /// The highest score, if there is one.
    pub fn top_score(&self) -> Option<&Score> {
        self.cvss
            .iter()
            .max_by(|a, b| a.cvss.score().total_cmp(&b.cvss.score()))
    }
}

impl Marked for Advisory {
    fn tlp(&self) -> Tlp {
        self.tlp
    }
    fn embargo(&self) -> Option<Moment> {
        self.embargo.clone()
    }
    fn is_final(&self) -> bool {
        self.status != Status::Draft
    }
    fn is_addressed_to(&self, audience: &str) -> bool {
        self.audience.iter().any(|reader| match reader {
            Reader::Public => audience == "public",
            Reader::List(name) => name.as_str() == audience,
            Reader::Person(address) => address.key() == audience,
        })
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reader::Public => f.write_str("public"),
            Reader::List(name) => write!(f, "{name}"),
            Reader::Person(address) => write!(f, "{}", address.key()),
        }
    }
}

impl FromStr for Reader {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Reader, Wrong> {
        match text {
            "public" => Ok(Reader::Public),
            _ if text.contains('@') => text.parse().map(Reader::Person),
            _ => text.parse().map(Reader::List),
        }
    }
}

macro_rules! words {
    ($type:ident, $what:literal { $($variant:ident = $word:literal),* }) => {
        impl $type {
            /// All of them.
            pub const ALL: &'static [$type] = &[$($type::$variant),*];

            /// The word, as in front matter.
            pub fn as_str(self) -> &'static str {
                match self { $($type::$variant => $word),* }
            }
        }

        impl FromStr for $type {
            type Err = Wrong;

            fn from_str(text: &str) -> Result<$type, Wrong> {
                $type::ALL.iter().copied().find(|v| v.as_str() == text).ok_or_else(|| {
                    Wrong::new(format!(concat!($what, " `{}` is not known"), shorten(text))).hint(one_of(text, &[$($word),*]))
                })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(Kind, "kind" { Advisory = "advisory", Alert = "alert", Awareness = "awareness", Announcement = "announcement" });
words!(Status, "status" { Draft = "draft", Final = "final", Withdrawn = "withdrawn" });
