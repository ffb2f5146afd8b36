//! The titles of the standard's sections as teams write them: in several languages, shortened, misspelt.

use advise_base::outline::{LANGUAGES, Number};
use std::{collections::HashMap, sync::LazyLock};

/// Other titles than those of the standard and of our own words.
const OTHERS: &str = include_str!("titles.txt");

struct Known {
    number: Number,
    words: Vec<String>,
    text: String,
}

static KNOWN: LazyLock<Vec<Known>> =
    LazyLock::new(|| {
        let known = |number: &str, title: &str| {
            let words = words(title);
            Known {
                number: number.parse().expect("the table has numbers only"),
                text: words.join(" "),
                words,
            }
        };
        let mut all: Vec<Known> = LANGUAGES
            .iter()
            .flat_map(|lang| {
                Number::standard()
                    .filter_map(|number| Some(known(&number.to_string(), number.title_in(lang)?)))
            })
            .collect();
        let rows = OTHERS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'));
        all.extend(rows.flat_map(|(number, titles)| {
            titles.split(" | ").map(move |title| known(number, title))
        }));
        all
    });

static BY_TEXT: LazyLock<HashMap<&'static str, &'static Number>> = LazyLock::new(|| {
    KNOWN
        .iter()
        .rev()
        .map(|known| (known.text.as_str(), &known.number))
        .collect()
});

/// How a title fits a section of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Some words of it, or letters.
    Near,
    /// One of the known titles, but for capitals and signs.
    Exact,
}

/// Small letters and digits only, as words; `co-operation` is one.
pub fn words(text: &str) -> Vec<String> {
    let text = text
        .to_lowercase()
        .replace("co-op", "coop")
        .replace("pro-act", "proact")
        .replace('ё', "е")
        .replace("e-mail", "email");
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_string)
        .collect()
}

/// How a title fits the section with this number; `None` if it does not.
pub fn fit(title: &str, number: &Number) -> Option<Fit> {
    let wanted = words(title);
    let text = wanted.join(" ");
    let mut best = None;
    for known in KNOWN.iter().filter(|known| known.number == *number) {
        if known.text == text {
            return Some(Fit::Exact);
        }
        if is_near(&wanted, &text, known) {
            best = Some(Fit::Near);
        }
    }
    best
}

fn is_near(wanted: &[String], text: &str, known: &Known) -> bool {
    if wanted.is_empty() || wanted.len() > known.words.len() + 5 {
        return false;
    }
    let heavy = |word: &&String| word.chars().count() > 3;
    let shared = known
        .words
        .iter()
        .filter(heavy)
        .filter(|word| wanted.contains(word))
        .count();
    let most = known
        .words
        .iter()
        .filter(heavy)
        .count()
        .max(wanted.iter().filter(heavy).count());
    shared * 2 > most
        || text.chars().count() < 90
            && strsim::normalized_damerau_levenshtein(text, &known.text) >= 0.7
}

/// The section of the standard that a title means, by the whole title: its own words, or the same misspelt.
pub fn meant(title: &str) -> Option<(Number, Fit)> {
    let text = words(title).join(" ");
    if text.is_empty() || text.len() > 160 {
        return None;
    }
    if let Some(number) = exact(title) {
        return Some((number, Fit::Exact));
    }
    // Short titles are near to too many others; a letter in five may be wrong.
    let length = text.chars().count();
    let near = |known: &&Known| {
        let other = known.text.chars().count();
        other >= 8
            && other.abs_diff(length) * 5 <= other
            && strsim::normalized_damerau_levenshtein(&text, &known.text) >= 0.82
    };
    KNOWN
        .iter()
        .find(near)
        .map(|known| (known.number.clone(), Fit::Near))
}

/// The section of the standard that has exactly this title, but for capitals and signs.
pub fn exact(title: &str) -> Option<Number> {
    BY_TEXT
        .get(words(title).join(" ").as_str())
        .map(|number| (*number).clone())
}

/// The longest known title of a section with which a line begins, in bytes of the line.
pub fn prefix(line: &str, number: &Number) -> Option<usize> {
    KNOWN
        .iter()
        .filter(|known| known.number == *number)
        .filter_map(|known| length(line, &known.words))
        .max()
}

/// How many bytes of the line hold these words, if it begins with them.
fn length(line: &str, wanted: &[String]) -> Option<usize> {
    let mut at = 0;
    for piece in line.split_inclusive(|c: char| !c.is_alphanumeric()) {
        at += piece.len();
        let gathered = words(&line[..at]);
        if gathered.len() > wanted.len() {
            return None;
        }
        if gathered == wanted {
            let end = line[..at]
                .trim_end_matches(|c: char| !c.is_alphanumeric() && c != ')')
                .len();
            return Some(end);
        }
    }
    None
}

/// The number at the beginning of a line, and what follows it: `2.4 Telephone`, `1.1. Date`, `§ 3`, `Section 4:`.
pub fn numbered(line: &str) -> Option<(Number, &str)> {
    let mut rest = line.trim();
    for word in [
        "section",
        "abschnitt",
        "chapter",
        "kapitel",
        "раздел",
        "глава",
        "пункт",
        "§",
    ] {
        if rest
            .get(..word.len())
            .is_some_and(|start| start.to_lowercase() == word)
        {
            rest = rest[word.len()..].trim_start();
        }
    }
    let digits = rest.len()
        - rest
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
            .len();
    let (number, after) = rest.split_at(digits);
    let parts = number.trim_end_matches('.');
    let number: Number = parts.parse().ok()?;
    let bare = after
        .strip_prefix([')', ':', '-', '–', '—'])
        .filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
    let bare = bare.unwrap_or(after);
    let apart =
        bare.is_empty() || bare.starts_with(char::is_whitespace) || rest[..digits].ends_with('.');
    // `1.1Date` is found in pages that were copied.
    let glued = number.depth() > 1 && after.starts_with(char::is_uppercase);
    (apart || glued).then(|| {
        (
            number,
            bare.trim_start_matches(|c: char| c.is_whitespace() || "-–—:".contains(c))
                .trim_end(),
        )
    })
}

/// Whether a line is a heading by its number and its title.
pub fn is_numbered_heading(line: &str) -> bool {
    numbered(line).is_some_and(|(number, title)| fit(title, &number).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_known_in_several_languages_and_misspelt() {
        for (title, number) in [
            ("DATE OF LAST UPDATE", "1.1"),
            ("Fascimilie number", "2.5"),
            ("Disclaimer", "7"),
            (
                "Co-operation, Interaction and Disclosure of Information",
                "4.2",
            ),
            (
                "Cooperation, interaction & disclosure of information",
                "4.2",
            ),
            (
                "Öffentliche Schlüssel und Verschlüsselungsinformationen",
                "2.8",
            ),
            ("Типы инцидентов и уровень поддержки", "4.1"),
            ("Fuseau horaire", "2.3"),
        ] {
            let meant = meant(title);
            assert_eq!(
                meant.map(|(n, _)| n.to_string()).as_deref(),
                Some(number),
                "{title}"
            );
        }
        for title in [
            "Monitoring",
            "RFC 2350",
            "Room 717,",
            "Information services",
            "Meetings",
            "",
        ] {
            assert_eq!(meant(title), None, "{title}");
        }
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (line, number, rest) in [
            ("2.4 Telephone Number", "2.4", "Telephone Number"),
            ("1.1. Date", "1.1", "Date"),
            ("1.1Date of Last Update", "1.1", "Date of Last Update"),
            ("3. Charter", "3", "Charter"),
            ("Section 4: Policies", "4", "Policies"),
            ("2.10 - Other", "2.10", "Other"),
            ("2.11", "2.11", ""),
        ] {
            let (found, after) = numbered(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((found.to_string().as_str(), after), (number, rest));
        }
        for line in [
            "27.05.2019",
            "2026 was a year",
            "08:00 to 16:00",
            "+7 727",
            "16-18-18a Satpaev",
            "9.00",
            "24/7",
        ] {
            assert!(numbered(line).is_none(), "{line}");
        }
    }

    #[test]
    fn a_title_and_what_follows_it_are_told_apart() {
        let number: Number = "2.4".parse().expect("a number");
        assert_eq!(
            prefix("Telephone Number: +49 30", &number),
            Some("Telephone Number".len())
        );
        assert_eq!(prefix("Call us", &number), None);
    }
}
