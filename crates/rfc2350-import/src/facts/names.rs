//! 2.1: what the team is called.

use super::{Finder, Sentence};
use crate::{
    block::{Block, Kind},
    read::Document,
};

const FULL: [&str; 14] = [
    "full name",
    "official name",
    "name of the team",
    "name",
    "team name",
    "long name",
    "vollständiger name",
    "offizieller name",
    "nom complet",
    "nom officiel",
    "полное название",
    "полное наименование",
    "название",
    "имя",
];
const SHORT: [&str; 13] = [
    "short name",
    "abbreviation",
    "abbreviated name",
    "acronym",
    "kurzname",
    "kurzbezeichnung",
    "abkürzung",
    "nom court",
    "abréviation",
    "sigle",
    "краткое название",
    "сокращение",
    "сокращённое название",
];

/// Finds the name and the short name.
pub(super) fn find(finder: &mut Finder, document: &Document) {
    for block in finder.blocks("2.1") {
        let whole = block.sentences();
        let mut pieces: Vec<(Sentence, bool)> = block
            .lines
            .iter()
            .map(|(line, text)| Sentence {
                line: *line,
                text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            })
            .map(|line| (line.clone(), whole.contains(&line)))
            .collect();
        if !pieces.iter().all(|(_, own)| *own) {
            pieces = whole.into_iter().map(|sentence| (sentence, true)).collect();
        }
        for (sentence, _) in pieces {
            let Some(named) = read(&sentence.text) else {
                continue;
            };
            let is_new = [("name", &named.name), ("short_name", &named.short)]
                .iter()
                .all(|(field, value)| value.is_none() || finder.found.value(field).is_none());
            if !is_new {
                continue;
            }
            let from = if named.whole {
                vec![sentence.clone()]
            } else {
                Vec::new()
            };
            finder.take("2.1", &from);
            let mut from = Some(from);
            for (field, value) in [("name", named.name), ("short_name", named.short)] {
                if let Some(value) = value {
                    let words = from.take().unwrap_or_default();
                    let note = words
                        .is_empty()
                        .then(|| format!("from line {}", sentence.line));
                    finder.add(field, value, words).note = note;
                }
            }
        }
    }
    if finder.found.value("name").is_none() {
        let title = document
            .title
            .as_ref()
            .map(|line| (line.number, from_title(&line.text)));
        let short = finder.found.value("short_name").map(str::to_string);
        if let Some((line, name)) =
            title.filter(|(_, name)| name.chars().filter(|c| c.is_alphabetic()).count() >= 3)
        {
            finder.add("name", name, Vec::new()).note =
                Some(format!("from the title in line {line}"));
        } else if let Some(short) = short {
            finder.add("name", short, Vec::new()).note =
                Some("the short name, since the full one was not found".into());
        } else if let Some(block) = finder.blocks("2.1").first().cloned() {
            first_words(finder, &block);
        }
    }
}

/// The beginning of the section, if nothing better is known.
fn first_words(finder: &mut Finder, block: &Block) {
    let text = block.text();
    let words: Vec<&str> = text.split_whitespace().take(8).collect();
    if block.kind != Kind::Markdown && !words.is_empty() {
        finder
            .add(
                "name",
                words.join(" ").trim_end_matches(['.', ',', ':']),
                Vec::new(),
            )
            .note = Some("check it".into());
    }
}

/// What a line says of the names.
struct Named {
    name: Option<String>,
    short: Option<String>,
    /// Whether it says nothing else.
    whole: bool,
}

fn read(text: &str) -> Option<Named> {
    let text = text.trim().trim_start_matches("**").trim();
    if let Some((left, right)) = split(text) {
        let label = clean(left).to_lowercase();
        let label = label
            .split('(')
            .next()
            .unwrap_or_default()
            .trim()
            .to_string();
        if FULL.contains(&label.as_str()) {
            return Some(with_short(&clean(right)));
        }
        if SHORT.contains(&label.as_str()) {
            return Some(Named {
                name: None,
                short: Some(clean(right)),
                whole: true,
            });
        }
        // "EX-CERT": the Example Computer Emergency Response Team.
        let (left, right) = (clean(left), clean(right));
        let is_short = left.split_whitespace().count() <= 3
            && left.chars().filter(|c| c.is_uppercase()).count() >= 2;
        if is_short
            && right.chars().count() > left.chars().count()
            && right.split_whitespace().count() <= 14
        {
            return Some(Named {
                name: Some(right),
                short: Some(left),
                whole: true,
            });
        }
    }
    let words = text.split_whitespace().count();
    let lower = format!(" {} ", text.to_lowercase());
    for verb in [
        " name of the team is ",
        " name is ",
        " name of our team is ",
        " full name of the team is ",
        " team is called ",
    ] {
        if let Some(at) = lower.find(verb) {
            let rest = text.get(at + verb.len() - 1..).unwrap_or_default();
            let name = rest.split([',', ';']).next().unwrap_or_default();
            return (name.split_whitespace().count() <= 12).then(|| Named {
                whole: false,
                ..with_short(&clean(name))
            });
        }
    }
    let has_verb = [" is ", " are ", " was ", " has ", " ist ", " est ", " это "]
        .iter()
        .any(|verb| lower.contains(verb));
    let is_name = (1..=12).contains(&words)
        && !has_verb
        && !text.ends_with(':')
        && !text.contains("://")
        && !text.contains('@');
    is_name.then(|| with_short(&clean(text)))
}

/// A name with its short form in brackets: "Example Response Team (EX-CERT)".
fn with_short(text: &str) -> Named {
    if let Some((name, rest)) = text.split_once('(')
        && let Some((short, after)) = rest.split_once(')')
        && after.trim().is_empty()
        && short.split_whitespace().count() <= 3
        && !name.trim().is_empty()
    {
        let (name, short) = (clean(name), clean(short));
        let swapped = short.chars().count() > name.chars().count();
        let (name, short) = if swapped {
            (short, name)
        } else {
            (name, short)
        };
        return Named {
            name: Some(name),
            short: Some(short),
            whole: true,
        };
    }
    Named {
        name: Some(text.to_string()),
        short: None,
        whole: true,
    }
}

/// At the sign between a short name, or a label, and what it stands for.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = [": ", " : ", " - ", " – ", " — ", "\": ", ":"]
        .iter()
        .filter_map(|sign| text.find(sign).map(|at| (at, sign.len())))
        .min()?;
    let (left, right) = (&text[..at.0], &text[at.0 + at.1..]);
    (!left.trim().is_empty() && !right.trim().is_empty()).then_some((left, right))
}

/// Without quotes, article and full stop.
fn clean(text: &str) -> String {
    let text = text
        .trim()
        .trim_matches(|c: char| "\"“”„«»'*_:;, ".contains(c))
        .trim_end_matches('.')
        .trim();
    let text = text.trim_matches(|c: char| "\"“”„«»*".contains(c)).trim();
    let text = ["the ", "The "]
        .iter()
        .find_map(|article| text.strip_prefix(article))
        .unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The team in a title such as "RFC 2350 of Example CERT".
fn from_title(title: &str) -> String {
    let mut text = title.to_string();
    for word in [
        "RFC-2350",
        "RFC 2350",
        "RFC2350",
        "CSIRT Description for",
        "CSIRT description for",
        "Description of",
        "description",
        "Profile",
        "according to",
        "Description",
    ] {
        text = text.replace(word, " ");
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_matches(|c: char| !c.is_alphanumeric() && c != ')');
    clean(
        ["for ", "of ", "von ", "de "]
            .iter()
            .find_map(|word| text.strip_prefix(word))
            .unwrap_or(text),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_teams_write_them() {
        for (text, name, short) in [
            (
                "\"EX-CERT\": the Example Computer Emergency Response Team.",
                Some("Example Computer Emergency Response Team"),
                Some("EX-CERT"),
            ),
            (
                "“CERT EX”  : Example Region national CERT",
                Some("Example Region national CERT"),
                Some("CERT EX"),
            ),
            (
                "Full name: Example Response Team",
                Some("Example Response Team"),
                None,
            ),
            ("Short name: EX-CERT", None, Some("EX-CERT")),
            (
                "Example Response Team (EX-CERT)",
                Some("Example Response Team"),
                Some("EX-CERT"),
            ),
            (
                "EX-CERT (Example Response Team)",
                Some("Example Response Team"),
                Some("EX-CERT"),
            ),
            (
                "The name of the team is Example CERT.",
                Some("Example CERT"),
                None,
            ),
            ("EX-CERT", Some("EX-CERT"), None),
        ] {
            let named = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (named.name.as_deref(), named.short.as_deref()),
                (name, short),
                "{text}"
            );
        }
        assert!(
            read("We are a team that helps everybody who asks us for help in the region.")
                .is_none()
        );
        assert_eq!(
            from_title("RFC-2350: CSIRT Description for EX-CERT"),
            "EX-CERT"
        );
        assert_eq!(from_title("RFC 2350"), "");
    }
}
