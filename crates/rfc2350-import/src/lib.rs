//! RFC 2350 documents that others made: what teams publish today, read as it is.
//!
//! `decode`, `html`, `armor`, `lines` and `marks` turn bytes into lines that know where they stood; `cut`, `titles` and
//! `around` find the sections; `block` has what stands in them; `facts` finds what belongs into `team.yaml`, with `zone`, `dates`
//! and `scan`; `faults` names what is wrong; `compose` and `merge` write the sources of our document, and `proof`
//! shows that no text was lost on the way; `judge` says what a published document is worth. No file is read here and
//! no clock asked.

mod armor;
mod around;
mod block;
mod compose;
mod cut;
mod dates;
mod decode;
mod facts;
mod faults;
mod html;
mod judge;
mod language;
mod lines;
mod marks;
mod proof;
mod read;
mod report;
mod scan;
mod titles;
mod write;
mod zone;

pub use block::{Block, Kind};
pub use compose::{Import, Imported, Refused, import, quoted};
pub use faults::faults;
pub use judge::{Verdict, judge};
pub use lines::{Form, Line, Why};
pub use read::{Document, Heading, KnownCertificate, Seal, Section, is_clear_signed, read};
pub use report::signature;
pub use write::{ReadableText, section as markdown};

/// Why a file cannot be read as a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is something else.
    #[error("this is {0}")]
    NotText(&'static str),
    /// No team's description is so long.
    #[error("the file has {size} bytes; at most {most} are read")]
    TooLong {
        /// Its bytes.
        size: usize,
        /// The limit.
        most: usize,
    },
    /// The same, of its text.
    #[error("the document has {lines} lines; at most {most} are read")]
    TooManyLines {
        /// Its lines.
        lines: usize,
        /// The limit.
        most: usize,
    },
    /// Nothing in it.
    #[error("there is no text in it")]
    Empty,
}
