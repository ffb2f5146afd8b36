//! What a writer did wrong, with its place: [`Finding`], gathered in [`Findings`].
//!
//! A [`Source`] is a text with a name; a [`Span`] is a piece of it in bytes. How findings look on a
//! terminal is in `show`; as JSON and SARIF in `report`. Nothing is read or printed here.

mod report;
mod show;

pub use report::{json, sarif};
pub use show::show;

use crate::terms::Wrong;
use std::sync::Arc;

/// A text with the name of its file, for pointing at places in it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path relative to the workspace, with `/`.
    pub path: Arc<str>,
    /// The whole text, line ends as `\n`.
    pub text: Arc<str>,
}

/// A piece of a text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "start and end are what they say")]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// From `start` up to, not including, `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }

    /// The same piece of a text that begins `by` bytes later.
    pub fn shifted(self, by: usize) -> Span {
        Span { start: self.start + by, end: self.end + by }
    }
}

/// How grave a finding is: an error stops `publish`, a warning does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the two words speak for themselves")]
pub enum Level {
    Error,
    Warning,
}

/// Where a finding points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path relative to the workspace.
    pub path: Arc<str>,
    /// From 1; 0 when the whole file is meant.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters of the line are meant, at least 1.
    pub width: usize,
    /// The line itself, without its end.
    pub text: String,
}

/// One mistake of a writer: where, what, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Error or warning.
    pub level: Level,
    /// A short name that never changes, for SARIF and for searching: `unknown-field`.
    pub code: &'static str,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What to do instead.
    pub hint: Option<String>,
}

impl Finding {
    /// An error about a whole file that could not be read as text.
    pub fn of_file(path: &str, code: &'static str, message: impl Into<String>) -> Finding {
        let place = Place { path: path.into(), line: 0, column: 0, width: 0, text: String::new() };
        Finding { level: Level::Error, code, message: message.into(), place, hint: None }
    }

    /// The same, with what to do instead.
    pub fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }

    /// The same, as a warning.
    pub fn warning(mut self) -> Finding {
        self.level = Level::Warning;
        self
    }
}

impl Source {
    /// A text under a name.
    pub fn new(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    /// An error at a piece of this text.
    pub fn error(&self, span: Span, code: &'static str, message: impl Into<String>) -> Finding {
        Finding { level: Level::Error, code, message: message.into(), place: self.place(span), hint: None }
    }

    /// An error at a piece of this text, in the words of the term that did not parse.
    pub fn wrong(&self, span: Span, code: &'static str, wrong: Wrong) -> Finding {
        let Wrong { message, hint } = wrong;
        Finding { level: Level::Error, code, message, place: self.place(span), hint }
    }

    /// Line, column and text of a piece. A piece of several lines is shown by its first.
    pub fn place(&self, span: Span) -> Place {
        let text = &*self.text;
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let line_start = text[..start].rfind('\n').map_or(0, |n| n + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |n| start + n);
        let mut end = span.end.clamp(start, line_end);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Place {
            path: self.path.clone(),
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            width: text[start..end].chars().count().max(1),
            text: text[line_start..line_end].trim_end_matches('\r').to_string(),
        }
    }
}

/// All findings of a run, in the order in which they were met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// None yet.
    pub fn new() -> Findings {
        Findings::default()
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds all of another.
    pub fn append(&mut self, other: Findings) {
        self.0.extend(other.0);
    }

    /// Sorts by path, then place.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| (&a.place.path, a.place.line, a.place.column).cmp(&(&b.place.path, b.place.line, b.place.column)));
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// How many there are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|f| f.level == level).count()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.count(Level::Error) > 0
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Findings {
        Findings(findings.into_iter().collect())
    }
}
