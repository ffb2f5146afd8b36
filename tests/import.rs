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
    diag::Findings,
    rfc2350_import::{self, Document, Import, Imported},
    terms::Moment,
};
use std::path::PathBuf;

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
    rfc2350_import::read("document", bytes, None, &[], &now())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn imported(document: &Document) -> Imported {
    let import = Import {
        lang: None,
        email: None,
        certificates: &[],
        of_team: &[],
        keys: &[],
        now: &now(),
    };
    rfc2350_import::import(document, &import).unwrap_or_else(|error| panic!("{error}"))
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
