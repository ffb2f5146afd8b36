//! The sections that RFC 2350 asks for, with their numbers and titles, and how numbers are read and ordered.

use std::{fmt, str::FromStr};

/// RFC 2350, Appendix D ("Outline for CSIRT Template"), in order; 1.4 is from the filled-in example of
/// Appendix E and is expected by readers today.
pub const OUTLINE: [(&str, &str); 34] = [
    ("1", "Document Information"),
    ("1.1", "Date of Last Update"),
    ("1.2", "Distribution List for Notifications"),
    ("1.3", "Locations where this Document May Be Found"),
    ("1.4", "Authenticating this Document"),
    ("2", "Contact Information"),
    ("2.1", "Name of the Team"),
    ("2.2", "Address"),
    ("2.3", "Time Zone"),
    ("2.4", "Telephone Number"),
    ("2.5", "Facsimile Number"),
    ("2.6", "Other Telecommunication"),
    ("2.7", "Electronic Mail Address"),
    ("2.8", "Public Keys and Encryption Information"),
    ("2.9", "Team Members"),
    ("2.10", "Other Information"),
    ("2.11", "Points of Customer Contact"),
    ("3", "Charter"),
    ("3.1", "Mission Statement"),
    ("3.2", "Constituency"),
    ("3.3", "Sponsorship and/or Affiliation"),
    ("3.4", "Authority"),
    ("4", "Policies"),
    ("4.1", "Types of Incidents and Level of Support"),
    (
        "4.2",
        "Co-operation, Interaction and Disclosure of Information",
    ),
    ("4.3", "Communication and Authentication"),
    ("5", "Services"),
    ("5.1", "Incident Response"),
    ("5.1.1", "Incident Triage"),
    ("5.1.2", "Incident Coordination"),
    ("5.1.3", "Incident Resolution"),
    ("5.2", "Proactive Activities"),
    ("6", "Incident Reporting Forms"),
    ("7", "Disclaimers"),
];

/// Titles of [`OUTLINE`] in other languages, one a line, in its order.
const RUSSIAN: &str = include_str!("outline/ru.txt");
const ARABIC: &str = include_str!("outline/ar.txt");

/// The languages that have titles of their own.
pub const LANGUAGES: [&str; 3] = ["en", "ru", "ar"];

/// The number of a section: `2`, `2.10`, `5.1.1`. The order is that of the document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(Vec<u8>);

impl Number {
    /// All numbers of the standard, in order.
    pub fn standard() -> impl Iterator<Item = Number> {
        OUTLINE
            .iter()
            .map(|(number, _)| number.parse().expect("the outline has numbers only"))
    }

    /// The standard's title; `None` for a section that the standard does not have.
    pub fn title(&self) -> Option<&'static str> {
        let number = self.to_string();
        OUTLINE
            .iter()
            .find(|(known, _)| *known == number)
            .map(|(_, title)| *title)
    }

    /// The section's title in a language of [`LANGUAGES`], in English for any other language. `None` for a section that
    /// the standard does not have.
    pub fn title_in(&self, lang: &str) -> Option<&'static str> {
        let number = self.to_string();
        let at = OUTLINE.iter().position(|(known, _)| *known == number)?;
        match lang.split('-').next() {
            Some("ru") => RUSSIAN.lines().nth(at),
            Some("ar") => ARABIC.lines().nth(at),
            _ => Some(OUTLINE[at].1),
        }
    }

    /// `[5, 1, 1]` for `5.1.1`.
    pub fn parts(&self) -> &[u8] {
        &self.0
    }

    /// 1 for `2`, 2 for `2.10`, 3 for `5.1.1`.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether the other is a part of this one.
    pub fn contains(&self, other: &Number) -> bool {
        other.0.len() > self.0.len() && other.0.starts_with(&self.0)
    }
}

impl FromStr for Number {
    type Err = ();

    fn from_str(text: &str) -> Result<Number, ()> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let part = |part: &str| match part.len() {
            1..=2 if part.bytes().all(|c| c.is_ascii_digit()) && !part.starts_with('0') => {
                part.parse::<u8>().map_err(|_| ())
            }
            _ => Err(()),
        };
        let parts: Vec<u8> = text.split('.').map(part).collect::<Result<_, ()>>()?;
        if parts.len() > 5 {
            Err(())
        } else {
            Ok(Number(parts))
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u8::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

/// Whether a title as written is, by and large, this known one: "Public Keys and Other Encryption Information".
pub fn is_near(written: &str, known: &str) -> bool {
    let (written, known) = (words(written), words(known));
    if written.is_empty() || known.is_empty() {
        return false;
    }
    let shared = known.iter().filter(|word| written.contains(word)).count();
    let short = known.len().min(written.len());
    shared * 2 > short
        || strsim::normalized_damerau_levenshtein(&written.join(" "), &known.join(" ")) >= 0.6
}

/// The words that carry meaning, in small letters.
fn words(title: &str) -> Vec<String> {
    let empty = [
        "of", "the", "and", "or", "this", "a", "и", "в", "с", "об", "о", "по", "к", "для",
    ];
    title
        .to_lowercase()
        .replace("co-", "co")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !empty.contains(word))
        .map(str::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outline_is_in_the_order_of_its_numbers() {
        let numbers: Vec<Number> = Number::standard().collect();
        assert!(numbers.is_sorted());
        assert_eq!(numbers[15].to_string(), "2.10");
        assert_eq!(numbers[15].title(), Some("Other Information"));
        for titles in [RUSSIAN, ARABIC] {
            assert_eq!(titles.lines().filter(|title| !title.is_empty()).count(), 34);
        }
        assert_eq!(numbers[15].title_in("ru-KZ"), Some("Прочая информация"));
    }

    #[test]
    fn what_only_looks_like_a_number_is_none() {
        for text in [
            "",
            ".",
            "2..1",
            "2026",
            "0",
            "1.01",
            "24/7",
            "1.2.3.4.5.6",
            "2a",
        ] {
            assert!(text.parse::<Number>().is_err(), "{text} was taken");
        }
        assert_eq!(
            "5.1.1.".parse::<Number>().map(|n| n.to_string()),
            Ok("5.1.1".into())
        );
    }

    #[test]
    fn titles_may_differ_a_little() {
        assert!(is_near(
            "Public Keys and Other Encryption Information",
            "Public Keys and Encryption Information"
        ));
        assert!(is_near(
            "Cooperation, interaction and disclosure",
            "Co-operation, Interaction and Disclosure of Information"
        ));
        assert!(is_near("Team Name", "Name of the Team"));
        assert!(is_near("Disclaimer", "Disclaimers"));
        assert!(!is_near("Monitoring", "Proactive Activities"));
        assert!(!is_near("Team Members", "Facsimile Number"));
    }
}
