//! Markdown: CommonMark with tables, strikethrough, task lists, footnotes and alerts; no raw HTML.
//!
//! `lint` says what may not stand in a text, `html` makes a fragment of a page of it, `text` what is read in a
//! terminal. This is the only door of comrak; its types stop here. No files are read, nothing is fetched.

mod html;
mod link;
mod lint;
mod text;

pub use html::{HtmlStyle, pieces};
pub use lint::{Flaw, lint};
pub use text::{Plain, TextStyle, text, wrap};
pub(crate) use text::{columns, fold, is_rtl, ltr};

use comrak::{
    Arena, Node,
    arena_tree::NodeEdge,
    nodes::{AlertType, NodeValue},
    options::{Extension, Options, Parse},
};
use std::borrow::Cow;

/// The few words that a text gets around its author's own, in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "each field is named after the English word it holds"
)]
pub struct Words {
    pub note: String,
    pub tip: String,
    pub important: String,
    pub warning: String,
    pub caution: String,
    /// Above the addresses that a plain text's numbers stand for.
    pub links: String,
    /// What a table is called for those who cannot see it.
    pub table: String,
    /// Of the arrow that leads from a footnote back to its place.
    pub back: String,
}

impl Words {
    /// In English.
    pub fn english() -> Words {
        Words {
            note: "Note".into(),
            tip: "Tip".into(),
            important: "Important".into(),
            warning: "Warning".into(),
            caution: "Caution".into(),
            links: "Links".into(),
            table: "Table".into(),
            back: "Back to the text".into(),
        }
    }

    fn alert(&self, alert: AlertType) -> &str {
        match alert {
            AlertType::Note => &self.note,
            AlertType::Tip => &self.tip,
            AlertType::Important => &self.important,
            AlertType::Warning => &self.warning,
            AlertType::Caution => &self.caution,
        }
    }
}

impl Default for Words {
    fn default() -> Words {
        Words::english()
    }
}

/// Blocks within blocks beyond this are refused by [`lint`] and flattened by the makers, so that no text can
/// exhaust the stack.
const DEEPEST: usize = 40;

/// The first listing that names this language, such as `form`, as it was written.
pub fn listing(markdown: &str, language: &str) -> Option<String> {
    parsed(markdown, |root| {
        root.descendants()
            .find_map(|node| match &node.data().value {
                NodeValue::CodeBlock(code)
                    if code.info.split([' ', ',', '{']).next() == Some(language) =>
                {
                    Some(code.literal.clone())
                }
                _ => None,
            })
    })
}

fn options() -> Options<'static> {
    Options {
        extension: Extension {
            strikethrough: true,
            table: true,
            tasklist: true,
            footnotes: true,
            alerts: true,
            cjk_friendly_emphasis: true,
            ..Extension::default()
        },
        parse: Parse::default(),
        ..Options::default()
    }
}

fn parsed<R>(markdown: &str, use_it: impl for<'a> FnOnce(Node<'a>) -> R) -> R {
    let arena = Arena::new();
    use_it(comrak::parse_document(&arena, markdown, &options()))
}

/// A text that was read, for all that is made of it.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    root: Node<'a>,
    /// Of the Markdown, in bytes.
    length: usize,
}

/// Reads a text once, however much is made of it.
pub fn read<R>(markdown: &str, use_it: impl for<'a> FnOnce(Document<'a>) -> R) -> R {
    parsed(markdown, |root| {
        use_it(Document {
            root,
            length: markdown.len(),
        })
    })
}

/// The fragment that [`Document::html`] makes of a text.
pub fn html(markdown: &str, style: &HtmlStyle<'_>) -> String {
    read(markdown, |document| document.html(style))
}

/// What [`Document::text`] makes of a text.
pub fn text_as(markdown: &str, style: &TextStyle<'_>) -> Plain {
    read(markdown, |document| document.text(style))
}

/// What a node says, without its dress. Not recursive.
fn plain<'a>(node: Node<'a>) -> String {
    let mut out = String::new();
    for edge in node.traverse() {
        if let NodeEdge::Start(node) = edge {
            match &node.data().value {
                NodeValue::Text(text) => out.push_str(text),
                NodeValue::Code(code) => out.push_str(&code.literal),
                NodeValue::CodeBlock(code) => out.push_str(&code.literal),
                NodeValue::HtmlInline(html) => out.push_str(html),
                NodeValue::HtmlBlock(html) => out.push_str(&html.literal),
                NodeValue::SoftBreak
                | NodeValue::LineBreak
                | NodeValue::Paragraph
                | NodeValue::TableCell
                    if !out.is_empty() =>
                {
                    out.push(' ');
                }
                _ => {}
            }
        }
    }
    clean(&out, ' ').into_owned()
}

/// An address in one word of ASCII; what cannot be followed can still be read.
pub(crate) fn address(url: &str) -> String {
    link::encoded(url).unwrap_or_else(|| {
        let byte = |byte: u8| {
            if byte.is_ascii_graphic() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        };
        clean(url, ' ').bytes().map(byte).collect()
    })
}

/// Takes out control characters (a text must not steer a terminal) and the line ends that Unicode has besides
/// `\n`; a tab becomes `tab`.
fn clean(text: &str, tab: char) -> Cow<'_, str> {
    let cleaned = |c| match c {
        '\t' => Some(tab),
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if crate::terms::is_foul(c) => None,
        c => Some(c),
    };
    // Nearly every text stays as it is, and most say so byte by byte.
    let is_clean = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n'))
        || text.chars().all(|c| cleaned(c) == Some(c));
    match is_clean {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.chars().filter_map(cleaned).collect()),
    }
}

/// Turns the levels that an author wrote into levels without gaps, counted from 1.
#[derive(Default)]
struct Levels(Vec<u8>);

impl Levels {
    fn next(&mut self, written: u8) -> usize {
        while self.0.last().is_some_and(|open| *open >= written) {
            self.0.pop();
        }
        self.0.push(written);
        self.0.len()
    }
}
