//! What of a document belongs into `team.yaml`, and what is left as prose.
//!
//! A text that only says a fact goes out of the prose, since our document says it by itself; each fact keeps the
//! words that it was taken from, with their lines, and `compose` writes them beside it.

use super::{
    block::{Block, Kind, Sentence},
    dates,
    marks::LABELS,
    read::{Document, Section},
    scan,
    zone::{self, Country, Said},
};
use advise_base::{
    outline::Number,
    terms::{Fingerprint, Moment},
};

mod names;
mod reach;
mod times;

/// A fact, and where it stands in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// A field of `team.yaml`, or `edition`: version and date, which are computed now.
    pub field: &'static str,
    /// Its value; empty where the words are only kept.
    pub value: String,
    /// The words that it was taken from; those that are no longer in the prose.
    pub from: Vec<Sentence>,
    /// What staff should know about it.
    pub note: Option<String>,
}

/// The facts of a document, and its sections without the words that only say them.
#[derive(Debug, Clone)]
pub struct Found {
    /// At most one of a field.
    pub facts: Vec<Fact>,
    /// What is left.
    pub sections: Vec<Section>,
    /// The fingerprints of 2.8 in order.
    pub keys: Vec<Fingerprint>,
    /// Of the last update.
    pub updated: Option<jiff::civil::Date>,
}

impl Found {
    /// The value of a field.
    pub fn value(&self, field: &str) -> Option<&str> {
        self.facts
            .iter()
            .find(|fact| fact.field == field)
            .map(|fact| fact.value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// Looks for all facts.
pub fn find(document: &Document, now: &Moment) -> Found {
    let mut finder = Finder {
        found: Found {
            facts: Vec::new(),
            sections: document.sections.clone(),
            keys: Vec::new(),
            updated: None,
        },
    };
    finder.edition();
    names::find(&mut finder, document);
    finder.address();
    finder.phones();
    finder.mail();
    finder.website();
    finder.zone(now);
    finder.keys();
    times::find(&mut finder);
    finder.whole("2.6", "other_telecommunication");
    finder.whole("2.9", "members");
    finder.whole("3.2", "constituency");
    finder.label();
    finder.found
}

pub(super) struct Finder {
    pub(super) found: Found,
}

impl Finder {
    fn at(&self, number: &str) -> Vec<usize> {
        let wanted: Option<Number> = number.parse().ok();
        let is = |section: &Section| wanted.is_some() && section.number == wanted;
        self.found
            .sections
            .iter()
            .enumerate()
            .filter(|(_, section)| is(section))
            .map(|(at, _)| at)
            .collect()
    }

    /// The blocks of the sections with a number.
    fn blocks(&self, number: &str) -> Vec<Block> {
        self.at(number)
            .into_iter()
            .flat_map(|at| self.found.sections[at].blocks.clone())
            .collect()
    }

    /// Takes sentences out of the sections with a number.
    fn take(&mut self, number: &str, taken: &[Sentence]) {
        for at in self.at(number) {
            let blocks = std::mem::take(&mut self.found.sections[at].blocks);
            let touched = |block: &Block| {
                block
                    .sentences()
                    .iter()
                    .any(|sentence| taken.contains(sentence))
            };
            self.found.sections[at].blocks = blocks
                .into_iter()
                .filter_map(|block| {
                    if touched(&block) {
                        block.without(taken)
                    } else {
                        Some(block)
                    }
                })
                .collect();
        }
    }

    /// Puts words back that were taken with a fact and say more.
    fn keep(&mut self, number: &str, line: usize, words: &str) {
        if let Some(at) = self.at(number).first() {
            let block = Block {
                kind: Kind::Text,
                lines: vec![(line, words.to_string())],
                tight: false,
            };
            let blocks = &mut self.found.sections[*at].blocks;
            let place = blocks
                .iter()
                .position(|other| other.line() > line)
                .unwrap_or(blocks.len());
            blocks.insert(place, block);
        }
    }

    fn add(
        &mut self,
        field: &'static str,
        value: impl Into<String>,
        from: Vec<Sentence>,
    ) -> &mut Fact {
        let value = value.into();
        let at = match self.found.facts.iter().position(|fact| fact.field == field) {
            Some(at) => {
                let fact = &mut self.found.facts[at];
                if fact.value.is_empty() {
                    fact.value = value;
                }
                fact.from.extend(from);
                at
            }
            None => {
                self.found.facts.push(Fact {
                    field,
                    value,
                    from,
                    note: None,
                });
                self.found.facts.len() - 1
            }
        };
        &mut self.found.facts[at]
    }

    /// 1.1: version and date are computed from now on.
    fn edition(&mut self) {
        let blocks = self.blocks("1.1");
        let all: Vec<jiff::civil::Date> = blocks
            .iter()
            .flat_map(|block| dates::dates(&block.text()))
            .collect();
        self.found.updated = all.iter().max().copied();
        let says = |text: &str| !dates::dates(text).is_empty() || is_version(text);
        let taken: Vec<Sentence> = blocks
            .iter()
            .flat_map(Block::sentences)
            .filter(|sentence| says(&sentence.text))
            .collect();
        if !taken.is_empty() {
            self.take("1.1", &taken);
            self.add("edition", "", taken);
        }
    }

    /// 2.2: lines that look like an address.
    fn address(&mut self) {
        let blocks = self.blocks("2.2");
        let lines: Vec<(usize, String)> = blocks
            .iter()
            .flat_map(|block| block.lines.clone())
            .filter(|(_, line)| !line.is_empty())
            .collect();
        let bare = |line: &str| {
            line.trim_end_matches('\\')
                .trim()
                .trim_matches('*')
                .trim()
                .to_string()
        };
        let mut kept: Vec<String> = lines
            .iter()
            .map(|(_, line)| bare(line).split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let introduces = kept
            .first()
            .is_some_and(|line| line.ends_with(':') && kept.len() > 1);
        if introduces {
            kept.remove(0);
        }
        // "Country (ISO 3166): KZ" is a fact of its own.
        let code = |line: &str| {
            line.split_once(':')
                .map(|(name, code)| (name.to_lowercase(), code.trim().to_string()))
                .filter(|(name, code)| {
                    (name.starts_with("country") || name.starts_with("страна"))
                        && code.len() == 2
                        && code.bytes().all(|c| c.is_ascii_uppercase())
                })
        };
        let country = kept
            .iter()
            .find_map(|line| code(line))
            .map(|(_, code)| code);
        kept.retain(|line| code(line).is_none());
        let is_sentence = |line: &String| {
            line.split_whitespace().count() > 9 && line.ends_with('.')
                || line.chars().count() > 160
                || line.contains("://")
        };
        if kept.is_empty()
            || kept.len() > 12
            || kept.iter().any(is_sentence)
            || kept.iter().any(|line| line.is_empty())
        {
            return;
        }
        let from: Vec<Sentence> = blocks.iter().flat_map(Block::sentences).collect();
        let value = kept.join("\n");
        let named = || {
            zone::by_name(kept.last().map_or("", String::as_str))
                .or_else(|| zone::by_name(&value))
                .map(|country| country.code.to_string())
        };
        if let Some(country) = country.or_else(named) {
            self.add("country", country, Vec::new());
        }
        self.take("2.2", &from);
        self.add("address", value, from);
    }

    /// 2.3: the zone is named, and its offsets are computed.
    fn zone(&mut self, now: &Moment) {
        let blocks = self.blocks("2.3");
        let text = blocks
            .iter()
            .map(Block::text)
            .collect::<Vec<_>>()
            .join("\n");
        let said = Said::read(&text);
        let mut countries: Vec<&'static Country> = Vec::new();
        let phone = self.found.value("phone").and_then(zone::by_phone);
        let named = self.found.value("country").and_then(zone::by_domain);
        let mail = self
            .found
            .value("email")
            .and_then(|email| zone::by_domain(email.rsplit('@').next().unwrap_or_default()));
        let page = self
            .found
            .value("website")
            .and_then(|url| url::Url::parse(url).ok())
            .and_then(|url| zone::by_domain(url.host_str()?));
        for country in [named, phone, mail, page].into_iter().flatten() {
            if !countries.iter().any(|other| other.code == country.code) {
                countries.push(country);
            }
        }
        let written = self
            .found
            .updated
            .and_then(|date| date.to_string().parse().ok())
            .unwrap_or_else(|| now.clone());
        let (zone, note) = match (&said.zone, said.guess(&countries, &written, now)) {
            (Some(zone), _) => (zone.clone(), None),
            (None, Some(zone)) => {
                let why = if said.fits(zone, now) {
                    "a guess from the country and the offsets"
                } else {
                    "a guess from the country; the offsets of the document are not those of its clocks now"
                };
                (zone.to_string(), Some(why.to_string()))
            }
            (None, None) => return,
        };
        let says = |text: &str| {
            let one = Said::read(text);
            one.zone.is_some() || !one.offsets.is_empty()
        };
        let taken: Vec<Sentence> = blocks
            .iter()
            .flat_map(Block::sentences)
            .filter(|sentence| says(&sentence.text))
            .collect();
        self.take("2.3", &taken);
        self.add("time_zone", zone, taken).note = note;
    }

    /// 2.8: the section is made from the certificate.
    fn keys(&mut self) {
        let blocks = self.blocks("2.8");
        let has = |text: &str| {
            !scan::fingerprints(text).is_empty()
                || !scan::short_ids(text).is_empty()
                || is_long_id(text)
        };
        let all: Vec<Sentence> = blocks.iter().flat_map(Block::sentences).collect();
        let mut taken = Vec::new();
        for (at, sentence) in all
            .iter()
            .enumerate()
            .filter(|(_, sentence)| has(&sentence.text))
        {
            // What leads to the fingerprint goes with it.
            let leads = at
                .checked_sub(1)
                .map(|before| &all[before])
                .filter(|before| !before.text.ends_with(['.', '!', '?']));
            taken.extend(leads.filter(|before| !taken.contains(*before)).cloned());
            taken.push(sentence.clone());
        }
        for block in &blocks {
            let whole = block.text();
            self.found.keys.extend(
                scan::fingerprints(&whole)
                    .into_iter()
                    .map(|(_, fingerprint)| fingerprint),
            );
            // A fingerprint that goes over the end of what was taken for a sentence.
            if !scan::fingerprints(&whole).is_empty()
                && !block
                    .sentences()
                    .iter()
                    .any(|s| !scan::fingerprints(&s.text).is_empty())
            {
                taken.extend(block.sentences());
            }
        }
        let mut seen: Vec<Fingerprint> = Vec::new();
        self.found.keys.retain(|key| {
            !seen.contains(key) && {
                seen.push(key.clone());
                true
            }
        });
        taken.dedup();
        if !taken.is_empty() {
            self.take("2.8", &taken);
            let keys: Vec<String> = self.found.keys.iter().map(ToString::to_string).collect();
            self.add("keys", keys.join(" "), taken);
        }
    }

    /// A section of one paragraph is a fact as a whole.
    fn whole(&mut self, number: &str, field: &'static str) {
        let blocks = self.blocks(number);
        let [block] = &blocks[..] else { return };
        let text = block.text();
        if self.at(number).len() != 1
            || block.kind != Kind::Text
            || text.chars().count() > 400
            || text.ends_with(':')
            || text.contains(['*', '<', '`'])
        {
            return;
        }
        self.take(number, &block.sentences());
        self.add(field, text, Vec::new()).note = None;
    }

    /// 4.2: how information without a label is treated.
    fn label(&mut self) {
        const WITHOUT: [&str; 10] = [
            "default",
            "unlabel",
            "without a label",
            "without label",
            "no label",
            "not labelled",
            "по умолчанию",
            "без метки",
            "standardmäßig",
            "par défaut",
        ];
        for sentence in self.blocks("4.2").iter().flat_map(Block::sentences) {
            let lower = sentence.text.to_lowercase();
            let labels: Vec<&str> = LABELS
                .into_iter()
                .filter(|label| scan::has_label(&sentence.text, label))
                .collect();
            if let ([label], true) = (&labels[..], WITHOUT.iter().any(|word| lower.contains(word)))
            {
                self.add("default_tlp", *label, Vec::new()).note =
                    Some(format!("from line {}", sentence.line));
                return;
            }
        }
    }
}

fn is_version(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["version", "revision", "версия"]
        .iter()
        .any(|word| lower.contains(word))
        && lower.chars().any(|c| c.is_ascii_digit())
        && lower.split_whitespace().count() <= 14
}

/// `0x` and 16 digits, or "key ID" with them.
fn is_long_id(text: &str) -> bool {
    let lower = text.to_lowercase();
    let digits = |word: &str| {
        word.strip_prefix("0x").unwrap_or(word).len() == 16
            && word
                .trim_start_matches("0x")
                .bytes()
                .all(|c| c.is_ascii_hexdigit())
    };
    lower.contains("key") && lower.split(|c: char| !c.is_alphanumeric()).any(digits)
}
