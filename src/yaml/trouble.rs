//! What is wrong with a text that is no YAML, in the words of those who wrote it.

use crate::{
    diag::{Finding, Source, Span},
    terms::shorten,
};
use memchr::memmem;
use serde_yaml::granit_parser::{ErrorKind, ScanError};

/// Why a text cannot be read; places are bytes of the text.
pub(super) enum Trouble {
    /// The parser's own reason.
    Scan(ScanError),
    /// A tab where a line is indented.
    Tab(usize),
    /// An anchor or alias, from and to.
    Anchor(usize, usize),
    /// A tag, from and to.
    Tag(usize, usize),
    /// Another document.
    SecondDocument(usize),
    /// More levels than any field needs.
    TooDeep(usize),
    /// More values than any file needs.
    TooMuch(usize),
}

impl Trouble {
    /// In words. `piece` is where the text stands in its source.
    pub(super) fn finding(self, source: &Source, piece: Span) -> Finding {
        let text = &source.text[piece.start..piece.end];
        let finding = |start: usize, end: usize, code, message: &str, hint: &str| {
            source
                .error(Span::new(start, end).shifted(piece.start), code, message)
                .hint(hint)
        };
        let one = |at: usize| text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
        if let Trouble::Tab(at) = self {
            return finding(
                at,
                at + 1,
                "tab",
                "YAML does not allow tabs for indentation",
                "indent with spaces",
            );
        }
        if let Some((start, end)) = conflict(text) {
            return finding(
                start,
                end,
                "merge-conflict",
                "a merge that was not finished",
                CONFLICT,
            );
        }
        match self {
            Trouble::Scan(error) => syntax_error(source, piece, &error),
            Trouble::Tab(at) => finding(
                at,
                at + 1,
                "tab",
                "YAML does not allow tabs for indentation",
                "indent with spaces",
            ),
            Trouble::Anchor(start, end) => {
                let hint =
                    "write the value out in full; a text that begins with `*` or `&` needs quotes";
                finding(
                    start,
                    end,
                    "yaml-limit",
                    "anchors and aliases are not allowed here",
                    hint,
                )
            }
            Trouble::Tag(start, end) => finding(
                start,
                end,
                "yaml",
                "YAML tags are not allowed here",
                "write the value out in full",
            ),
            Trouble::SecondDocument(at) => {
                let hint = "remove the line `---`: a file has one piece of YAML, and front matter ends at the first such line";
                finding(
                    at,
                    (at + 3).min(text.len()),
                    "yaml",
                    "a second document begins here",
                    hint,
                )
            }
            Trouble::TooDeep(at) => finding(
                at,
                one(at),
                "yaml-limit",
                "this goes too deep",
                "no field needs more than a few levels",
            ),
            Trouble::TooMuch(at) => {
                let hint = "write fewer values, or put them into an attachment";
                finding(
                    at,
                    one(at),
                    "yaml-limit",
                    "this is too much for one file",
                    hint,
                )
            }
        }
    }
}

fn syntax_error(source: &Source, piece: Span, error: &ScanError) -> Finding {
    let text = &source.text[piece.start..piece.end];
    let mut at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return Trouble::TooDeep(at).finding(source, piece);
    }
    let message = error.info();
    let first = message
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.')
        .trim();
    let finding = |start: usize, end: usize, code, message: String| {
        source.error(Span::new(start, end).shifted(piece.start), code, message)
    };
    let one = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());

    if let Some((start, sign)) = unclosed(text) {
        let (closing, what) = match sign {
            '[' => (']', "bracket"),
            '{' => ('}', "brace"),
            quote => (quote, "quote"),
        };
        let message = format!("the {what} that is opened here is not closed");
        return finding(start, start + 1, "yaml", message)
            .hint(format!("put a `{closing}` at its end"));
    }
    if first.contains("mapping values are not allowed") {
        let line_start = text[..at].rfind('\n').map_or(0, |n| n + 1);
        let line_end = text[at..].find('\n').map_or(text.len(), |n| at + n);
        let line = text[line_start..line_end].trim_end();
        let indent = line.len() - line.trim_start_matches([' ', '-']).len();
        let bare = &line[indent..];
        return match bare.split_once(": ") {
            Some((name, value)) if line_start + indent + name.len() < at => {
                let start = line_start + line.len() - value.trim_start().len();
                let hint = match name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    true => format!(
                        "write `{name}: \"{}\"`",
                        shorten(value.trim()).replace('"', "\\\"")
                    ),
                    false => "put the value between quotes".to_string(),
                };
                finding(
                    start,
                    line_start + line.len(),
                    "yaml",
                    "a value with a colon in it needs quotes".into(),
                )
                .hint(hint)
            }
            _ => finding(
                line_start + indent,
                at,
                "yaml",
                "this field stands in another column than the fields around it".into(),
            )
            .hint("begin fields that belong together in the same column"),
        };
    }
    finding(
        at,
        one,
        "yaml",
        format!("this is not valid YAML: {}", shorten_long(first)),
    )
    .hint("look at indentation, quotes and colons; a text with `: ` or ` #` in it needs quotes")
}

/// What to do about a [`conflict`].
pub const CONFLICT: &str =
    "keep one of the two versions, and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`";

/// The first mark that version control leaves where it could not merge: its place, if there is one.
pub fn conflict(text: &str) -> Option<(usize, usize)> {
    let start = if text.starts_with("<<<<<<< ") {
        0
    } else {
        memmem::find(text.as_bytes(), b"\n<<<<<<< ")? + 1
    };
    text[start..].contains("\n>>>>>>> ").then(|| {
        (
            start,
            start + text[start..].find('\n').unwrap_or(text.len() - start),
        )
    })
}

/// A bracket or quote that is still open where the next field begins, or at the end.
fn unclosed(text: &str) -> Option<(usize, char)> {
    let mut brackets: Vec<(usize, char)> = Vec::new();
    let mut quote: Option<(usize, char)> = None;
    let mut block: Option<usize> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let indent = line.len() - line.trim_start_matches(' ').len();
        if block.is_some_and(|outer| line.trim().is_empty() || indent > outer) {
            continue;
        }
        block = None;
        let word = line
            .bytes()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == b'_')
            .count();
        if word > 0 && line[word..].starts_with(':') && (quote.is_some() || !brackets.is_empty()) {
            break;
        }
        // Quotes and brackets mean something only where a value begins.
        let mut fresh = true;
        let mut before = ' ';
        let mut signs = line.char_indices().peekable();
        while let Some((i, c)) = signs.next() {
            let next = signs.peek().map_or('\n', |(_, c)| *c);
            match (quote, c) {
                (Some((_, '"')), '\\') => {
                    signs.next();
                }
                (Some((_, '\'')), '\'') if next == '\'' => {
                    signs.next();
                }
                (Some((_, open)), c) if c == open => (quote, fresh) = (None, false),
                (Some(_), _) => {}
                (None, '"' | '\'') if fresh => quote = Some((start + i, c)),
                (None, '[' | '{') if fresh || !brackets.is_empty() => {
                    brackets.push((start + i, c));
                    fresh = true;
                }
                (None, ']' | '}') if !brackets.is_empty() => {
                    brackets.pop();
                    fresh = false;
                }
                (None, ',') if !brackets.is_empty() => fresh = true,
                (None, '#') if before.is_whitespace() => break,
                (None, ':') if next.is_whitespace() => fresh = true,
                (None, '-') if fresh && next.is_whitespace() => {}
                (None, c) => fresh &= c.is_whitespace(),
            }
            before = c;
        }
        let last = line.split_whitespace().next_back().unwrap_or_default();
        if quote.is_none() && brackets.is_empty() && last.starts_with(['|', '>']) && last.len() <= 3
        {
            block = Some(indent);
        }
    }
    quote.or(brackets.last().copied())
}

fn shorten_long(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if clean.chars().count() > 120 {
        clean.chars().take(120).chain(['…']).collect()
    } else {
        clean
    }
}

/// A tab before the first word of a line.
pub(super) fn tab_indent(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent]
            .find('\t')
            .filter(|_| !line.trim().is_empty())
        {
            return Some(at + tab);
        }
        at += line.len();
    }
    None
}
