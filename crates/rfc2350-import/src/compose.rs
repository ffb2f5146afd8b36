//! The sources of our document, made of somebody's: `team.yaml`, `site/rfc2350.md` and a report.

use super::{
    block::Sentence,
    facts::{self, Fact, Found},
    faults::faults,
    language, proof,
    read::{Document, KnownCertificate},
    report::Report,
    write::{self, ReadableText},
};
use advise_base::{
    diag::Findings,
    outline::Number,
    terms::{Address, Fingerprint, Lang, Moment, UNKNOWN_ADDRESS, shorten},
};
use std::fmt::Write as _;

/// What an import is made with, beside the document.
#[derive(Debug, Clone, Copy)]
pub struct Import<'i> {
    /// Of the document; guessed if it is not given.
    pub lang: Option<&'i Lang>,
    /// What to take if the document has no mail address that can be read.
    pub email: Option<&'i Address>,
    /// Those that are at hand, whoever's they are.
    pub certificates: &'i [KnownCertificate],
    /// Those that are the team's for sure.
    pub of_team: &'i [KnownCertificate],
    /// Keys that the workspace has already, the current one first.
    pub keys: &'i [Fingerprint],
    /// The time.
    pub now: &'i Moment,
    /// The Markdown of the program.
    pub shown: ReadableText,
}

/// What an import gives.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The language of the document.
    pub lang: Lang,
    /// `team.yaml`.
    pub team: String,
    /// `site/rfc2350.md` of this language.
    pub prose: String,
    /// What was found and done.
    pub report: Report,
    /// What is wrong with the document.
    pub faults: Findings,
}

/// Why a document is not imported.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// It is not for everybody, and what is made of it is.
    #[error("line {line}: the document is labelled TLP:{label}, and what is imported is published")]
    Restricted {
        /// Where the label stands.
        line: usize,
        /// The label.
        label: &'static str,
    },
    /// Some of its text is in none of the files that would be written.
    #[error("text of the document would be lost ({} in all), first line {}: {}", .0.len(), .0[0].line, shorten(&.0[0].text))]
    Lost(Vec<Sentence>),
}

/// Makes the sources of a document. Nothing is lost: that is proved here, and an import that cannot prove it fails.
pub fn import(document: &Document, import: &Import<'_>) -> Result<Imported, Refused> {
    if let Some((line, label)) = document.label.filter(|(_, label)| *label != "CLEAR") {
        return Err(Refused::Restricted { line, label });
    }
    let lang = import
        .lang
        .cloned()
        .unwrap_or_else(|| language::of(document));
    let found = facts::find(document, import.now);
    let prose = prose(document, &found, &lang, import.shown);
    let team = team_file(document, &found, import);
    let faults = faults(document, import.of_team, import.now);
    let report = Report::of(document, &found, &lang);
    let lost = proof::lost(document, &[&prose, &team, &report.text(&Findings::new())]);
    if !lost.is_empty() {
        return Err(Refused::Lost(lost));
    }
    Ok(Imported {
        lang,
        team,
        prose,
        report,
        faults,
    })
}

fn prose(document: &Document, found: &Found, lang: &Lang, shown: ReadableText) -> String {
    let mut out = String::new();
    if let Some(title) = &document.title {
        // A title of the file: a help for its writers, not shown to readers.
        let _ = write!(out, "# {}\n\n", one_line(&title.text));
    }
    let mut loose = Vec::new();
    let mut written: Vec<&Number> = Vec::new();
    for (at, section) in found.sections.iter().enumerate() {
        if section.heading.is_none() {
            loose.extend(section.blocks.clone());
            continue;
        }
        // Text before the first heading goes below the first that has a number.
        let orphan = section.number.is_none();
        let mut blocks = if orphan {
            Vec::new()
        } else {
            std::mem::take(&mut loose)
        };
        blocks.extend(section.blocks.clone());
        // Of a section that stands there twice, the second part goes to the first.
        if section
            .number
            .as_ref()
            .is_some_and(|number| written.contains(&number))
        {
            continue;
        }
        if let Some(number) = &section.number {
            let again = found.sections[at + 1..]
                .iter()
                .filter(|other| other.number.as_ref() == Some(number));
            blocks.extend(again.flat_map(|other| other.blocks.clone()));
            written.push(number);
        }
        let title = write::title(section, lang);
        let standard = section
            .number
            .as_ref()
            .and_then(|number| number.title_in(lang.as_str()));
        // An empty section that the document has by itself needs no heading here.
        if blocks.is_empty() && standard == Some(title.as_str()) {
            continue;
        }
        let level = if written.is_empty() && orphan {
            "##"
        } else {
            "###"
        };
        match orphan {
            true => drop(write!(out, "{level} {}\n\n", clean(&title))),
            false => drop(write!(
                out,
                "{}\n\n",
                heading_of(&section.number, &title, lang)
            )),
        }
        if !blocks.is_empty() {
            let _ = writeln!(out, "{}", write::section(&blocks, shown));
        }
    }
    if !loose.is_empty() {
        let _ = writeln!(
            out,
            "{}\n\n{}",
            heading_of(&"1".parse().ok(), "", lang),
            write::section(&loose, shown)
        );
    }
    format!("{}\n", out.trim_end())
}

fn heading_of(number: &Option<Number>, title: &str, lang: &Lang) -> String {
    let Some(number) = number else {
        return format!("### {}", clean(title));
    };
    let title = if title.is_empty() {
        number.title_in(lang.as_str()).unwrap_or_default().into()
    } else {
        clean(title)
    };
    let level = number.depth().clamp(2, 6);
    format!("{} {number} {title}", "#".repeat(level))
        .trim_end()
        .to_string()
}

/// A title in one line, without signs that close a heading, and without a number that would be taken for the section's.
fn clean(title: &str) -> String {
    let title = one_line(title).trim_end_matches('#').trim_end().to_string();
    match title.split_once(' ').unwrap_or((title.as_str(), "")) {
        (word, rest) if word.parse::<Number>().is_ok() => {
            format!("({word}) {rest}").trim_end().to_string()
        }
        _ => title,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The fields of `team.yaml` that a document can fill, in the order of that file.
const FIELDS: [&str; 17] = [
    "name",
    "short_name",
    "address",
    "country",
    "time_zone",
    "hours",
    "holidays",
    "phone",
    "emergency_phone",
    "fax",
    "other_telecommunication",
    "email",
    "website",
    "keys",
    "members",
    "constituency",
    "default_tlp",
];

/// The fields in the order of the file, with the words that each was taken from above it.
fn team_file(document: &Document, found: &Found, import: &Import<'_>) -> String {
    let mut out = String::from(
        "# The facts about the team, imported. Above each stands what it was taken from, word for word, with the line of the\n\
         # document. Look through them; then the comments can go.\n",
    );
    let _ = writeln!(out, "# imported from: {}", one_line(&document.source.path));
    if let Some(edition) = found.facts.iter().find(|fact| fact.field == "edition") {
        out.push_str("\n# Version and date are computed from now on; the document said:\n");
        out.push_str(&origin(edition));
    }
    let mut facts: Vec<&Fact> = found
        .facts
        .iter()
        .filter(|fact| !matches!(fact.field, "edition" | "keys"))
        .collect();
    let order = |fact: &&Fact| FIELDS.iter().position(|field| *field == fact.field);
    facts.sort_by_key(order);
    let has = |field: &str| found.value(field).is_some();
    let fallback = Fallback::of(found, import);
    for field in &FIELDS {
        let fact = facts
            .iter()
            .find(|fact| fact.field == *field && !fact.value.is_empty());
        match (fact, *field) {
            (Some(fact), _) => {
                if !fact.from.is_empty() || fact.note.is_some() {
                    out.push('\n');
                }
                out.push_str(&origin(fact));
                if let Some(note) = &fact.note {
                    let _ = writeln!(out, "# {note}");
                }
                out.push_str(&scalar(field, &fact.value));
            }
            (None, "name") if !has("name") => {
                out.push_str(
                    "\n# NOT FOUND in the document: write the team's name\nname: Unnamed team\n",
                );
            }
            (None, "time_zone") => {
                out.push_str(
                    "\n# NOT FOUND in the document: write the team's time zone, such as Asia/Almaty\ntime_zone: Etc/UTC\n",
                );
            }
            (None, "email") => out.push_str(&fallback.email),
            (None, "keys") => out.push_str(&fallback.keys),
            _ => {}
        }
    }
    out
}

/// What is written where the document has nothing that could be.
struct Fallback {
    email: String,
    keys: String,
}

impl Fallback {
    fn of(found: &Found, import: &Import<'_>) -> Fallback {
        let certificate = |key: &Fingerprint| {
            import
                .certificates
                .iter()
                .find(|certificate| certificate.fingerprint == *key)
        };
        let of_key = found
            .keys
            .iter()
            .find_map(certificate)
            .and_then(|certificate| certificate.address.as_deref());
        let email = match (import.email, of_key) {
            (Some(address), _) => format!(
                "\n# not from the document\n{}",
                scalar("email", address.as_str())
            ),
            (None, Some(address)) => {
                format!("\n# from the certificate\n{}", scalar("email", address))
            }
            (None, None) => format!(
                "\n# NOT FOUND: the document has no mail address that can be read. Write the team's here.\nemail: {}\n",
                UNKNOWN_ADDRESS
            ),
        };
        let mut keys = String::new();
        if let Some(fact) = found.facts.iter().find(|fact| fact.field == "keys") {
            keys.push_str("\n# Section 2.8 is made from the certificate; the document said:\n");
            keys.push_str(&origin(fact));
        }
        let mut there: Vec<Fingerprint> = import.keys.to_vec();
        there.extend(
            found
                .keys
                .iter()
                .filter(|key| certificate(key).is_some() && !import.keys.contains(key))
                .cloned(),
        );
        let missing: Vec<&Fingerprint> = found
            .keys
            .iter()
            .filter(|key| !there.contains(key))
            .collect();
        if !missing.is_empty() {
            keys.push_str(
                "# Put the certificate into certs/FINGERPRINT.asc, and the fingerprint below:\n",
            );
            for key in missing {
                let _ = writeln!(keys, "#   - \"{key}\"");
            }
        }
        match there.is_empty() {
            true => keys.push_str("keys: []\n"),
            false => {
                keys.push_str("keys:\n");
                for key in there {
                    let _ = writeln!(keys, "  - \"{key}\"");
                }
            }
        }
        Fallback { email, keys }
    }
}

fn origin(fact: &Fact) -> String {
    fact.from.iter().fold(String::new(), |mut out, sentence| {
        let _ = writeln!(
            out,
            "# line {}: {}",
            sentence.line,
            one_line(&sentence.text)
        );
        out
    })
}

/// A field with a text, in the form of YAML that reads best.
fn scalar(field: &str, value: &str) -> String {
    if value.contains('\n') {
        let lines: Vec<String> = value
            .lines()
            .map(|line| format!("  {}", line.trim()))
            .collect();
        // An indented first line, or one that looks like one, would be read as something else.
        return format!("{field}: |\n{}\n", lines.join("\n"));
    }
    format!("{field}: {}\n", quoted(value))
}

/// A text of one line, in quotes if YAML could see something else in it.
pub fn quoted(value: &str) -> String {
    let plain = value.starts_with(char::is_alphabetic)
        && value
            .chars()
            .all(|c| c.is_alphanumeric() || " ,()/'.@+_-;".contains(c))
        && !value.contains(" #")
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&value.to_lowercase().as_str())
        && !value.ends_with([' ', ':']);
    if plain {
        value.to_string()
    } else {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
