use super::{Wrong, shorten};
use std::{fmt, str::FromStr, sync::Arc};

/// The identifier of an advisory, as in `EX-2026-0042`; also its file name and its place on the site.
///
/// ASCII letters, digits, `-`, `.`, `_` and `+`; begins with a letter or digit, ends with one, and has at
/// least one letter and one digit. So no id can leave its folder, hide its file, or take the place of a list
/// page such as `/advisories/2026/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(String);

impl Id {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which ids that differ in capitals only are equal: they would share a file on some systems.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Id {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Id, Wrong> {
        let wrong = |why: &str| {
            Err(Wrong::new(format!("`{}` cannot be an id: {why}", shorten(text)))
                .hint("letters, digits, `-`, `.`, `_`, `+`, with at least one letter and one digit, as in `EX-2026-0042`"))
        };
        if text.is_empty() || text.len() > 64 {
            return wrong("it has to have 1 to 64 characters");
        }
        if !text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"-._+".contains(&c))
        {
            return wrong("it has a character that does not belong there");
        }
        let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if !edge(text.bytes().next()) || !edge(text.bytes().last()) || text.contains("..") {
            return wrong("it begins or ends with a sign, or has two dots in a row");
        }
        if !text.bytes().any(|c| c.is_ascii_alphabetic())
            || !text.bytes().any(|c| c.is_ascii_digit())
        {
            return wrong("it needs a letter and a digit");
        }
        Ok(Id(text.to_string()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a list, a constituent's file or a page: small letters, digits and single hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(Arc<str>);

impl Slug {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Slug, Wrong> {
        let ok = !text.is_empty()
            && text.len() <= 64
            && text
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if ok {
            return Ok(Slug(text.into()));
        }
        Err(
            Wrong::new(format!("`{}` cannot be a name here", shorten(text)))
                .hint("small letters, digits and hyphens, as in `power-grid-2`"),
        )
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_used_in_the_field_are_taken() {
        for id in ["EX-2026-0042", "ICSA-17-010-01A", "CVE-2026-1.2", "a1"] {
            assert!(id.parse::<Id>().is_ok(), "{id}");
        }
    }

    #[test]
    fn an_id_cannot_leave_its_folder_or_take_the_place_of_a_list_page() {
        for id in [
            "", "../x1", "a/1", "..", "a..1", ".a1", "-a1", "2026", "page", "a1.", "a\u{0}1",
            "a1\n", "ä1", "a 1",
        ] {
            assert!(id.parse::<Id>().is_err(), "{id:?} was taken");
        }
    }
}
