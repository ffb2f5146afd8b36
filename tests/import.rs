//! `rfc2350 import` and `rfc2350 verify`: documents of other teams, in whatever form they come, lose nothing and are
//! judged justly.
//!
//! `rfc2350/` beside this file has two twins of real documents, in words of our own. The real ones are read too where
//! they are: in `../shared/seeds`, or where `ADVISE_SEEDS` says.

#![allow(clippy::print_stderr, reason = "tests say what they skip")]

#[path = "import/base.rs"]
mod base;
#[path = "import/chaos.rs"]
mod chaos;
#[path = "import/forms.rs"]
mod forms;
#[path = "import/moving.rs"]
mod moving;
#[path = "import/twins.rs"]
mod twins;

use advise::{
    diag::{Findings, Source},
    markdown,
    rfc2350::prose,
    team::{self, Team},
    terms::Moment,
};
use rfc2350_import::{Document, Import, Imported, Seal, Unreadable};
use std::{ops::Deref, path::PathBuf};

const NOW: &str = "2026-11-22T12:00:00Z";

fn now() -> Moment {
    NOW.parse().expect("a moment")
}

/// A file of `tests/rfc2350/`.
fn twin(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/rfc2350")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(bytes: &[u8]) -> Document {
    try_read(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// Reads a file with nobody's certificate at hand.
fn try_read(bytes: &[u8]) -> Result<Document, Unreadable> {
    let seal = if rfc2350_import::is_clear_signed(bytes) {
        Seal::Unchecked
    } else {
        Seal::None
    };
    rfc2350_import::read("document", bytes, seal, None)
}

/// What an import wrote, and the facts in it as the program reads them.
struct Sound {
    imported: Imported,
    parsed: Team,
}

impl Deref for Sound {
    type Target = Imported;

    fn deref(&self) -> &Imported {
        &self.imported
    }
}

/// The text that readers see of some Markdown, as `advise rfc2350 import` asks for it.
fn text_of(text: &str) -> Option<String> {
    markdown::lint(text)
        .is_empty()
        .then(|| markdown::text(text, 200))
}

fn imported(document: &Document) -> Sound {
    try_import(document)
        .unwrap_or_else(|error| panic!("{error}"))
        .expect("a document for everybody")
}

/// Imports a document; `None` if its label keeps it from that. The program can read what was written, or this is an error.
fn try_import(document: &Document) -> Result<Option<Sound>, String> {
    let import = Import {
        lang: None,
        email: None,
        certificates: &[],
        of_team: &[],
        keys: &[],
        now: &now(),
        shown: text_of,
    };
    let imported = match rfc2350_import::import(document, &import) {
        Ok(imported) => imported,
        Err(rfc2350_import::Refused::Restricted { .. }) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let mut findings = Findings::new();
    let team = Source::new("team.yaml", imported.team.as_str());
    let parsed = team::parse(&team, &mut findings);
    prose::parse(
        &Source::new("site/rfc2350.md", imported.prose.as_str()),
        &mut findings,
    );
    match parsed {
        Some(parsed) if !findings.has_errors() => Ok(Some(Sound { imported, parsed })),
        _ => Err(format!("what would be written has errors: {findings:?}")),
    }
}

/// Lines and names of findings.
fn names(findings: &Findings) -> Vec<(usize, &'static str)> {
    findings
        .iter()
        .map(|finding| (finding.place.line, finding.code))
        .collect()
}

/// Words only, so that line ends, markup and quotes do not count.
fn words(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    format!(" {} ", words.join(" "))
}

/// All that an import wrote, the report last.
fn written(imported: &Imported) -> String {
    let report = imported.report.text(&Findings::new());
    format!("{}\n{}\n{report}", imported.prose, imported.team)
}
