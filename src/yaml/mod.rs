//! The one door of the YAML crate, and the strict reading of what comes through it.
//!
//! [`parse`] gives a tree of [`Node`]s that remember their place; [`Fields`] takes known fields out of a
//! map, gathers a finding for each that is wrong, and for each that nobody knows. Plain scalars stay the
//! text that was written (`1.0` and `no` are texts here). Anchors, aliases and tags are refused.

mod fields;
mod trouble;
mod wording;

pub use fields::{Fields, term};
pub use trouble::{CONFLICT, conflict};
pub use wording::{Line, Prose, Wording};

use crate::diag::{Finding, Source, Span};
use serde_yaml::granit_parser::{self, Event, Parser, ScalarStyle};
use std::borrow::Cow;
use trouble::Trouble;

/// A value and where it stands in the whole source.
#[derive(Debug, Clone)]
pub struct Node<'s> {
    /// Its place.
    pub span: Span,
    /// What it is.
    pub value: Value<'s>,
}

/// What a node holds.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the four shapes of YAML")]
pub enum Value<'s> {
    Null,
    Text(Cow<'s, str>),
    List(Vec<Node<'s>>),
    Map(Vec<(Node<'s>, Node<'s>)>),
}

/// No field needs more levels.
const DEPTH: usize = 16;

/// Four advisories' worth of CVEs.
const NODES: usize = 50_000;

/// Reads one YAML document, `source.text[piece]`. The error is a finding with its place.
pub fn parse(source: &Source, piece: Span) -> Result<Node<'_>, Finding> {
    let text = &source.text[piece.start..piece.end];
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options()),
        text,
        base: piece.start,
        nodes: 0,
    };
    let node = match trouble::tab_indent(text) {
        Some(tab) => Err(Trouble::Tab(tab)),
        None => reader.document(),
    };
    node.map_err(|trouble| trouble.finding(source, piece))
}

/// An alias is an event here and not an error, so that it is told with its place; comments tell nothing.
fn options() -> granit_parser::Options {
    granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: 2 * DEPTH,
        block_nesting_limit: 2 * DEPTH,
    }
}

/// Builds the tree of a stream of events.
struct Reader<'s> {
    events: Parser<'s, granit_parser::StrInput<'s>>,
    text: &'s str,
    /// Where the text begins in its source.
    base: usize,
    nodes: usize,
}

impl<'s> Reader<'s> {
    fn document(&mut self) -> Result<Node<'s>, Trouble> {
        let mut root = None;
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentEnd, _) => {}
                (Event::DocumentStart(..), at) if root.is_some() => {
                    return Err(Trouble::SecondDocument(at.start));
                }
                (Event::DocumentStart(..), _) => {
                    let first = self.next()?;
                    root = Some(self.node(first, 0)?);
                }
                (Event::StreamEnd, _) => break,
                (_, at) => return Err(Trouble::SecondDocument(at.start)),
            }
        }
        let nothing = Node {
            span: Span::new(self.base, self.base),
            value: Value::Null,
        };
        Ok(root
            .filter(|root| !matches!(root.value, Value::Null))
            .unwrap_or(nothing))
    }

    /// The next event and its place in the text.
    fn next(&mut self) -> Result<(Event<'s>, Span), Trouble> {
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                let start = span.start.byte_offset().unwrap_or(0).min(self.text.len());
                let end = span
                    .end
                    .byte_offset()
                    .unwrap_or(start)
                    .clamp(start, self.text.len());
                match event {
                    Event::Alias(_) | Event::UnresolvedAlias(_) | Event::Anchor(..) => {
                        Err(Trouble::Anchor(start, end))
                    }
                    Event::Scalar(_, _, _, Some(_))
                    | Event::SequenceStart(_, _, Some(_))
                    | Event::MappingStart(_, _, Some(_)) => {
                        let tag = span
                            .tag_span()
                            .and_then(|tag| tag.byte_range())
                            .unwrap_or(start..end);
                        Err(Trouble::Tag(tag.start, tag.end))
                    }
                    event => Ok((event, Span::new(start, end))),
                }
            }
            Some(Err(error)) => Err(Trouble::Scan(error)),
            None => Ok((
                Event::StreamEnd,
                Span::new(self.text.len(), self.text.len()),
            )),
        }
    }

    fn node(&mut self, (event, at): (Event<'s>, Span), depth: usize) -> Result<Node<'s>, Trouble> {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err(Trouble::TooMuch(at.start));
        }
        if depth > DEPTH {
            return Err(Trouble::TooDeep(at.start));
        }
        let (value, end) = match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(&text) => (Value::Null, at.end),
            Event::Scalar(text, ..) => (Value::Text(text), at.end),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, at) => break (Value::List(items), at.end),
                        item => items.push(self.node(item, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut pairs = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, at) => break (Value::Map(pairs), at.end),
                        key => {
                            let key = self.node(key, depth + 1)?;
                            let value = self.next()?;
                            pairs.push((key, self.node(value, depth + 1)?));
                        }
                    }
                }
            }
            // Every event that is no node ends a document or a collection, and the parser has its own error for that.
            _ => return Err(Trouble::SecondDocument(at.start)),
        };
        // What the parser counts as a part of a block, up to the next field, is none of it for a reader.
        let raw = self.text.get(at.start..end).unwrap_or_default();
        let span = Span::new(at.start, at.start + raw.trim_end().len());
        Ok(Node {
            span: span.shifted(self.base),
            value,
        })
    }
}

/// The words of YAML 1.2 for nothing.
fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message about a text, and the piece that it points at.
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let source = Source::new("a.yaml", text);
        let finding = parse(&source, Span::new(0, text.len())).err();
        let found = finding.map(|f| {
            let line = text.lines().nth(f.place.line - 1).unwrap_or_default();
            (
                f.message,
                line.chars()
                    .skip(f.place.column - 1)
                    .take(f.place.width)
                    .collect::<String>(),
            )
        });
        assert_eq!(
            found
                .as_ref()
                .map(|(message, at)| (message.as_str(), at.as_str())),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn a_tag_is_refused_wherever_it_stands() {
        let tag = |text, at| check(text, Some(("YAML tags are not allowed here", at)));
        tag("a: !!str \"x\"\n", "!!str");
        tag("a: !!binary aGk=\n", "!!binary");
        tag("a: [!x b, c]\n", "!x");
        tag("!m\na: b\n", "!m");
        tag("a: !x\n  b: c\n", "!x");
        tag("? !k a\n: b\n", "!k");
        tag("a:\n  - !<tag:x> b\n", "!<tag:x>");
        for text in [
            "a: b!c d! e\n",
            "a: \"x !y\"\nb: 'c!'\n",
            "\"x !y\": z\n",
            "a: don't !x y\n",
            "a: # not !x\n  b: c\n",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_not_closed_is_shown_where_it_opens() {
        check(
            "a: [b, c\nd: e\n",
            Some(("the bracket that is opened here is not closed", "[")),
        );
        check(
            "a: {b: [c], d: e\nf: g\n",
            Some(("the brace that is opened here is not closed", "{")),
        );
        check(
            "a: it's\nb: \"c\nd: \"e\"\n",
            Some(("the quote that is opened here is not closed", "\"")),
        );
        check(
            "a: |\n  it's [ \"\nb: 'c\nd: e\n",
            Some(("the quote that is opened here is not closed", "'")),
        );
        check("a: [\"x ]\", 'it''s',\n  # [\n  c]\nb: \"d\n  e\"\n", None);
    }

    #[test]
    fn what_hides_meaning_is_refused() {
        check(
            "a: &x b\nc: *x\n",
            Some(("anchors and aliases are not allowed here", "&x")),
        );
        check(
            "a: b\n---\nc: d\n",
            Some(("a second document begins here", "---")),
        );
    }
}
