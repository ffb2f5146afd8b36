//! The RFC 2350 document of the team: facts of `team.yaml` and of the key, prose of `site/rfc2350.md`.
//!
//! `outline` is the standard's, `prose` reads what staff wrote, `facts` says what is known, `words` and
//! `zone` help it to say so; `text` and `html` show one [`Document`], so that page, text and languages are one
//! content; `changes` tells one version from the next; `lint` finds what has gone wrong in real documents of other teams, `languages` where two of ours disagree.
//!
//! A document is for everybody, so it is made through the gate and in no other way:
//! ```compile_fail
//! use advise::{rfc2350::Document, team::Team};
//! fn past_the_gate(team: &Team) -> Document { Document::compose(team) }
//! ```

mod changes;
pub mod facts;
mod html;
mod languages;
mod lint;
pub mod prose;
mod text;
mod words;
pub mod zone;

pub use advise_base::outline;
pub use changes::{Changes, News};
pub use languages::lint_languages;
pub use lint::{lint, lint_key, lint_prose};
pub use prose::Prose;
pub use words::DocumentWords;
pub use zone::Clocks;

use crate::{
    artefact::Digest,
    settings::Site,
    team::Team,
    terms::{Fingerprint, Lang, Moment},
    tlp::{ByMake, Made},
};
use facts::Fact;
use outline::Number;
use std::{collections::BTreeMap, convert::Infallible};

/// What the document says of the team's current certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// Of the whole certificate.
    pub fingerprint: Fingerprint,
    /// As in the certificate, the primary one first.
    pub user_ids: Vec<String>,
    /// `None` if it never ends.
    pub expires: Option<Moment>,
    /// For people: `Ed25519 (signing), X25519 (encryption)`.
    pub algorithm: String,
}

/// All that a document is made with, beside the team.
#[derive(Debug, Clone, Copy)]
pub struct Workshop<'s> {
    /// The key that signs; without one, nothing is claimed to be signed.
    pub key: Option<&'s KeyFacts>,
    /// Of this language.
    pub prose: &'s Prose,
    /// Of the content: 1 for the first, one more with each change.
    pub version: u32,
    /// Of the last update.
    pub date: &'s Moment,
    /// Of this document.
    pub lang: &'s Lang,
    /// All languages in which the document is published, the default first.
    pub languages: &'s [Lang],
    /// Of this language.
    pub words: &'s DocumentWords,
    /// Where it is published.
    pub site: &'s Site,
}

/// The document in one language.
#[derive(Debug, Clone)]
pub struct Document {
    lang: Lang,
    title: String,
    version: u32,
    date: Moment,
    sections: Vec<Section>,
    words: DocumentWords,
    site: String,
}

/// A section of the document, with what stands in it.
#[derive(Debug, Clone)]
pub struct Section {
    /// `None` for an extra section, which stays behind the one before it.
    pub number: Option<Number>,
    /// As staff wrote it, or the standard's.
    pub title: String,
    /// 1 for `2`, 2 for `2.10`, 3 for `5.1.1`.
    pub depth: usize,
    /// Unique in the document: `2.8`.
    pub anchor: String,
    facts: Vec<Fact>,
    /// Markdown.
    prose: Vec<String>,
    /// Whether it says so when there is nothing in it.
    is_leaf: bool,
}

impl Section {
    /// Number and title, as in the heading.
    pub fn heading(&self) -> String {
        match &self.number {
            Some(number) if number.depth() == 1 => format!("{number}. {}", self.title),
            Some(number) => format!("{number} {}", self.title),
            None => self.title.clone(),
        }
    }

    /// Whether it has neither facts nor prose.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.prose.is_empty()
    }
}

impl<'t, A> Made<&'t Team, A> for Document {
    type Shop<'s> = Workshop<'s>;
    type Error = Infallible;

    fn made(
        team: &&'t Team,
        _: &A,
        shop: &Workshop<'_>,
        _: ByMake,
    ) -> Result<Document, Infallible> {
        Ok(compose(team, shop))
    }
}

impl Document {
    /// Its language.
    pub fn lang(&self) -> &Lang {
        &self.lang
    }

    /// For a page's title: "EX-CERT: description according to RFC 2350".
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Of the content.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Of the last update.
    pub fn date(&self) -> &Moment {
        &self.date
    }

    /// All sections in order, for a table of contents.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The whole document as plain text, ready to be clear-signed: at most 72 columns, `\n` line ends, no white
    /// space at line ends, one newline at the end.
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// The sections as a fragment of a page, from `<h2>` on; title and label are the page's.
    pub fn html(&self) -> String {
        html::html(self)
    }

    /// Of what the document says, in this language, without version and date.
    pub fn content_digest(&self) -> Digest {
        let content = |section: &Section| {
            let facts = section
                .facts
                .iter()
                .filter(|fact| !matches!(fact, Fact::Edition(_)));
            let facts: Vec<&Fact> = facts.collect();
            Digest::of_fields(&[&section.heading(), &facts, &section.prose])
        };
        let sections: Vec<Digest> = self.sections.iter().map(content).collect();
        Digest::of_fields(&[&self.lang, &self.title, &sections])
    }
}

/// Of what the document says in all its languages, in whatever order they come.
pub fn digest_of<'d>(documents: impl IntoIterator<Item = &'d Document>) -> Digest {
    let digests: BTreeMap<&Lang, Digest> = documents
        .into_iter()
        .map(|d| (&d.lang, d.content_digest()))
        .collect();
    Digest::of_parts(digests.values().map(|digest| digest.0.as_slice()))
}

fn compose(team: &Team, shop: &Workshop<'_>) -> Document {
    let mut sections: BTreeMap<Number, Vec<Section>> = BTreeMap::new();
    for number in Number::standard() {
        let title = shop.words.title(&number).unwrap_or_default();
        sections.insert(number.clone(), vec![section(number, title, team, shop)]);
    }
    let mut last: Option<Number> = None;
    let mut front = Vec::new();
    for (at, written) in shop.prose.sections.iter().enumerate() {
        let text = shop.prose.text(written).to_string();
        let prose = Some(text).filter(|text| !text.is_empty());
        let Some(number) = &written.number else {
            let depth = last.as_ref().map_or(1, |number| number.depth() + 1);
            let anchor = format!("extra-{}", at + 1);
            let title = written.title.clone();
            let extra = Section {
                number: None,
                title,
                depth,
                anchor,
                facts: vec![],
                prose: prose.into_iter().collect(),
                is_leaf: false,
            };
            match last.as_ref().and_then(|last| sections.get_mut(last)) {
                Some(group) => group.push(extra),
                None => front.push(extra),
            }
            continue;
        };
        let group = sections
            .entry(number.clone())
            .or_insert_with(|| vec![section(number.clone(), String::new(), team, shop)]);
        if !written.title.is_empty() {
            group[0].title = written.title.clone();
        }
        group[0].prose.extend(prose);
        last = Some(number.clone());
    }
    let numbers: Vec<Number> = sections.keys().cloned().collect();
    for (number, group) in &mut sections {
        group[0].is_leaf = group.len() == 1 && !numbers.iter().any(|other| number.contains(other));
    }
    Document {
        lang: shop.lang.clone(),
        title: shop
            .words
            .fill("rfc2350_title", &[("team", team.name.in_lang(shop.lang))]),
        version: shop.version,
        date: shop.date.clone(),
        sections: front
            .into_iter()
            .chain(sections.into_values().flatten())
            .collect(),
        words: shop.words.clone(),
        site: shop.site.url.to_string(),
    }
}

fn section(number: Number, title: String, team: &Team, shop: &Workshop<'_>) -> Section {
    let anchor = number.to_string();
    let facts = facts::of(&anchor, team, shop);
    Section {
        depth: number.depth(),
        anchor,
        number: Some(number),
        title,
        facts,
        prose: Vec::new(),
        is_leaf: true,
    }
}

#[cfg(test)]
mod tests;
