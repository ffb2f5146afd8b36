//! What the script reads: JSON, a year in parts of five hundred, one advisory a line.
//!
//! An advisory is an array: number, kind, severity, day of the last change, title by language (the original's first),
//! words of vendors and products that the title does not have, CVEs without `CVE-`, and 1 if it was withdrawn.
//! Texts are for all languages of the site at once, so that a reader of one finds what is titled in another.

use crate::{
    advisory::{Advisory, Status},
    artefact::{Artefact, Digest},
    render::site::page::RenderError,
    settings::Site,
    terms::Lang,
    tlp::{ByMake, Made, Public},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

/// Where the parts are, for all languages.
pub(super) const FOLDER: &str = "search/";

/// So many advisories are in a part: a new one changes the last part of its year, and no other.
const PART_SIZE: usize = 500;

/// One file of the index.
#[derive(Debug, Clone)]
pub struct Part {
    /// Without folder and end: `2026-1`.
    pub(super) name: String,
    advisories: Vec<usize>,
}

/// All of them, the oldest first.
#[derive(Debug, Clone)]
pub(super) struct Parts(pub Vec<Part>);

impl Parts {
    pub fn of(advisories: &[&Advisory]) -> Parts {
        let mut years: BTreeMap<i16, Vec<usize>> = BTreeMap::new();
        for (at, one) in advisories.iter().enumerate() {
            years.entry(one.date.year()).or_default().push(at);
        }
        let parts = years.into_iter().flat_map(|(year, mut all)| {
            // By the first publication, which no revision moves.
            all.sort_by(|a, b| {
                (&advisories[*a].date, &advisories[*a].id)
                    .cmp(&(&advisories[*b].date, &advisories[*b].id))
            });
            let part = |(at, chunk): (usize, &[usize])| Part {
                name: format!("{year}-{}", at + 1),
                advisories: chunk.to_vec(),
            };
            all.chunks(PART_SIZE)
                .enumerate()
                .map(part)
                .collect::<Vec<_>>()
        });
        Parts(parts.collect())
    }
}

/// Which part, and the languages of the site.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PartShop<'s> {
    pub site: &'s Site,
    pub part: &'s Part,
}

impl PartShop<'_> {
    /// Where it stands.
    pub fn path(&self) -> String {
        format!("{FOLDER}{}.json", self.part.name)
    }

    /// Digests of all that the part is made of, besides the languages of the site.
    pub fn made_of(&self, advisories: &[&Advisory]) -> Vec<Digest> {
        self.part
            .advisories
            .iter()
            .filter_map(|at| advisories.get(*at))
            .map(|one| one.digest)
            .collect()
    }
}

/// A file of the index.
#[derive(Debug, Clone)]
pub struct IndexPart(Artefact);

impl From<IndexPart> for Artefact {
    fn from(part: IndexPart) -> Artefact {
        part.0
    }
}

impl Made<Vec<&Advisory>, Public> for IndexPart {
    type Shop<'s> = PartShop<'s>;
    type Error = RenderError;

    fn made(
        advisories: &Vec<&Advisory>,
        _: &Public,
        shop: &PartShop<'_>,
        _: ByMake,
    ) -> Result<IndexPart, RenderError> {
        let chosen = shop
            .part
            .advisories
            .iter()
            .filter_map(|at| advisories.get(*at));
        let lines: Vec<String> = chosen
            .map(|one| line(one, &shop.site.languages).to_string())
            .collect();
        let text = format!("[\n{}\n]\n", lines.join(",\n"));
        Ok(IndexPart(Artefact::new(
            shop.path(),
            "application/json",
            text,
        )))
    }
}

fn line(one: &Advisory, languages: &[Lang]) -> Value {
    let mut titles = Map::new();
    titles.insert(one.lang.to_string(), one.title().into());
    for lang in languages {
        if let Some(text) = one.texts.get(lang) {
            titles.insert(lang.to_string(), text.title.as_str().into());
        }
    }
    let cves: Vec<&str> = one.cves.iter().map(|cve| &cve.as_str()[4..]).collect();
    let mut fields = json!([
        one.id.as_str(),
        one.kind.as_str(),
        one.severity.as_str(),
        one.updated().date().to_string(),
        titles,
        words(one),
        cves.join(" "),
    ]);
    if let (Status::Withdrawn, Value::Array(fields)) = (one.status, &mut fields) {
        fields.push(1.into());
    }
    fields
}

/// The words of vendors and products, each once, without those of the title: real files name the same fifty times.
fn words(one: &Advisory) -> String {
    fn trimmed(word: &str) -> &str {
        word.trim_matches(|c: char| !c.is_alphanumeric())
    }
    let mut known: HashSet<String> = one
        .title()
        .split_whitespace()
        .map(|word| trimmed(word).to_lowercase())
        .collect();
    let mut words = Vec::new();
    let texts = one
        .affected
        .iter()
        .flat_map(|affected| [&affected.vendor, &affected.product]);
    for word in texts.flat_map(|text| text.split_whitespace()).map(trimmed) {
        if !word.is_empty() && known.insert(word.to_lowercase()) {
            words.push(word);
        }
    }
    words.join(" ")
}
