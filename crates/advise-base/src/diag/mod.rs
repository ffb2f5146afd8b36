//! What a writer did wrong, with its place: [`Finding`], gathered in [`Findings`].
//!
//! A [`Source`] is a text with a name; a [`Span`] is a piece of it in bytes. How findings look on a
//! terminal is in `show`; as JSON and SARIF in `report`. Nothing is read or printed here.

mod report;
mod show;

pub use report::{json, sarif};
pub use show::show;

use crate::terms::Wrong;
use std::sync::{Arc, OnceLock};

/// How many bytes of a line are kept before and after the place of a finding: enough to show it, and a file
/// that is one long line with a thousand mistakes does not take a thousand times its size.
const BEFORE: usize = 400;
const AFTER: usize = 800;

/// A text with the name of its file, for pointing at places in it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path relative to the workspace, with `/`.
    pub path: Arc<str>,
    /// The whole text, line ends as `\n`.
    pub text: Arc<str>,
    /// Where each line begins; made when it is first needed.
    lines: Arc<OnceLock<Vec<usize>>>,
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
        Span {
            start: self.start + by,
            end: self.end + by,
        }
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
    /// The line itself, without its end; of a very long one, what stands around the place.
    pub text: String,
    /// How many characters of the line stand before `text`.
    pub skipped: usize,
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
    pub place: Box<Place>,
    /// What to do instead.
    pub hint: Option<String>,
}

impl Finding {
    /// An error about a whole file that could not be read as text.
    pub fn of_file(path: &str, code: &'static str, message: impl Into<String>) -> Finding {
        let place = Place {
            path: path.into(),
            line: 0,
            column: 0,
            width: 0,
            text: String::new(),
            skipped: 0,
        };
        Finding {
            level: Level::Error,
            code,
            message: message.into(),
            place: Box::new(place),
            hint: None,
        }
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
        Source {
            path: path.into(),
            text: text.into(),
            lines: Arc::default(),
        }
    }

    /// An error at a piece of this text.
    pub fn error(&self, span: Span, code: &'static str, message: impl Into<String>) -> Finding {
        Finding {
            level: Level::Error,
            code,
            message: message.into(),
            place: Box::new(self.place(span)),
            hint: None,
        }
    }

    /// An error at a piece of this text, in the words of the term that did not parse.
    pub fn wrong(&self, span: Span, code: &'static str, wrong: Wrong) -> Finding {
        let Wrong { message, hint } = wrong;
        Finding {
            level: Level::Error,
            code,
            message,
            place: Box::new(self.place(span)),
            hint,
        }
    }

    /// Line, column and text of a piece. A piece of several lines is shown by its first.
    pub fn place(&self, span: Span) -> Place {
        let text = &*self.text;
        // The beginning of the character that a place is in.
        let whole = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = whole(span.start.min(text.len()));
        let lines = self.lines.get_or_init(|| {
            std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect()
        });
        let line = lines.partition_point(|line| *line <= start);
        let line_start = lines[line - 1];
        let line_end = lines.get(line).map_or(text.len(), |next| next - 1);
        let from = whole(start.saturating_sub(BEFORE).max(line_start));
        let to = whole((start + AFTER).min(line_end));
        let end = whole(span.end.clamp(start, to));
        Place {
            path: self.path.clone(),
            line,
            column: text[line_start..start].chars().count() + 1,
            width: text[start..end].chars().count().max(1),
            text: text[from..to].trim_end_matches('\r').to_string(),
            skipped: text[line_start..from].chars().count(),
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

    /// Sorts by path, then place; what was found twice stays once.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            (&a.place.path, a.place.line, a.place.column).cmp(&(
                &b.place.path,
                b.place.line,
                b.place.column,
            ))
        });
        self.0.dedup();
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
