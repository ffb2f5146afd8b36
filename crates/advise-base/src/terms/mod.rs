//! The words of the field as types: each can only hold a value that is well formed.
//!
//! All read themselves from text with `FromStr` and say what was [`Wrong`], with a hint.
//! Nothing here knows files, places in files, or the clock.

mod address;
mod cve;
mod cvss;
mod fingerprint;
mod id;
mod lang;
mod moment;
mod phone;
mod severity;

pub use address::Address;
pub use cve::{Cve, Cwe};
pub use cvss::Cvss;
pub use fingerprint::Fingerprint;
pub use id::{Id, Slug};
pub use lang::Lang;
pub use moment::Moment;
pub use phone::Phone;
pub use severity::Severity;

/// Stands where nobody knows the team's address yet (RFC 2606: `.invalid` is nobody's); `check` says so.
pub const UNKNOWN_ADDRESS: &str = "unknown@team.invalid";

use std::fmt;

/// Why a text is not a value: one sentence, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Lower case, without a full stop, the offending text in backticks.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Wrong {
    /// A reason without a hint.
    pub fn new(message: impl Into<String>) -> Wrong {
        Wrong {
            message: message.into(),
            hint: None,
        }
    }

    /// The same, with what to write instead.
    pub fn hint(mut self, hint: impl Into<String>) -> Wrong {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Wrong {}

/// The candidate that `given` was most likely meant to be, if one is near.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = given.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "one of `a`, `b`, `c`", with the nearest one first when there is a near one.
pub fn one_of(given: &str, candidates: &[&str]) -> String {
    let all = candidates
        .iter()
        .map(|c| format!("`{c}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match nearest(given, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? one of {all}"),
        None => format!("one of {all}"),
    }
}

/// What no text should hold: control characters other than tab and line end, and what Unicode calls
/// noncharacters, which XML and so every feed refuses.
pub fn is_foul(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t' | '\r')
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
        || (c as u32) & 0xfffe == 0xfffe
}

/// Whether a text has a character that is foul.
pub fn has_foul(text: &str) -> bool {
    let foul = |byte: &u8| *byte < b' ' && !matches!(*byte, b'\n' | b'\t' | b'\r') || *byte == 0x7f;
    match text.is_ascii() {
        // So many are looked at together as a processor takes at once, before it is asked of any.
        true => text
            .as_bytes()
            .chunks(64)
            .any(|chunk| chunk.iter().fold(false, |any, byte| any | foul(byte))),
        false => text.chars().any(is_foul),
    }
}

/// Shortens a text for a message, so that a hostile value cannot flood the terminal.
pub fn shorten(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(61)
        .collect();
    if clean.chars().count() > 60 {
        clean.chars().take(60).chain(['…']).collect()
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foul_character_is_seen_wherever_it_stands() {
        for c in (0..=0x7f_u8).map(char::from).chain([
            '\u{85}',
            '\u{fdd0}',
            '\u{ffff}',
            '\u{1fffe}',
            'ж',
            '\u{2028}',
        ]) {
            for before in [0, 1, 62, 63, 64, 65, 200] {
                let text = format!("{}{c}{}", "a".repeat(before), "b".repeat(before));
                assert_eq!(has_foul(&text), is_foul(c), "{c:?} after {before}");
            }
        }
    }
}
