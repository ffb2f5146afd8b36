//! Texts as they stand in YAML: of one line, of many, one per language; yes and no.

use crate::terms::{Lang, Wrong, is_foul, shorten};
use std::{collections::BTreeMap, str::FromStr};

/// A text, or one per language. [`Wording::in_lang`] never fails: it falls back to what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the two shapes of DESIGN section 2")]
pub enum Wording {
    One(String),
    Many(BTreeMap<Lang, String>),
}

impl Wording {
    /// The text in a language; else in English; else in the first there is.
    pub fn in_lang(&self, lang: &Lang) -> &str {
        match self {
            Wording::One(text) => text,
            Wording::Many(texts) => texts
                .get(lang)
                .or_else(|| texts.get(&Lang::english()))
                .or_else(|| texts.values().next())
                .map_or("", String::as_str),
        }
    }
}

/// A text of one line without control characters: what may stand in a header or a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line(pub String);

impl FromStr for Line {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Line, Wrong> {
        let text = text.trim();
        if text.is_empty() {
            return Err(
                Wrong::new("the text is empty").hint("write something, or remove the field")
            );
        }
        if text
            .chars()
            .any(|c| c.is_control() || is_foul(c) || matches!(c, '\u{2028}' | '\u{2029}'))
        {
            return Err(Wrong::new(format!(
                "`{}` has a line break or another control character",
                shorten(text)
            ))
            .hint("write it in one line"));
        }
        if let Some(c) = text
            .chars()
            .find(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        {
            return Err(Wrong::new(format!(
                "the text has the invisible sign U+{:04X}, which turns the order of letters round",
                c as u32
            ))
            .hint("remove it: it can make a text look like another"));
        }
        Ok(Line(text.to_string()))
    }
}

/// A text of any number of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prose(pub String);

impl FromStr for Prose {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Prose, Wrong> {
        let text = text.trim();
        if text.is_empty() {
            return Err(
                Wrong::new("the text is empty").hint("write something, or remove the field")
            );
        }
        if text.chars().any(|c| is_foul(c) || c == '\r') {
            return Err(Wrong::new("the text has a control character")
                .hint("write it again by hand: it came along with something that was copied"));
        }
        Ok(Prose(text.to_string()))
    }
}

/// Yes or no.
pub(super) struct Flag(pub(super) bool);

impl FromStr for Flag {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Flag, Wrong> {
        match text {
            "true" => Ok(Flag(true)),
            "false" => Ok(Flag(false)),
            _ => Err(
                Wrong::new(format!("`{}` is neither `true` nor `false`", shorten(text)))
                    .hint("write `true` or `false`"),
            ),
        }
    }
}
