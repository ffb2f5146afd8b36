//! Faults of the document as a whole: sections, age, clocks, what it says of its signature and key.

use super::Rules;
use crate::{
    block::Block,
    dates,
    lines::Form,
    read::{KnownCertificate, Seal, Section},
    scan, titles,
    zone::Said,
};
use advise_base::{
    diag::Level,
    outline::Number,
    terms::{Fingerprint, Moment},
};

impl Rules<'_> {
    /// Sections that are missing, empty or there twice.
    pub(super) fn outline(&mut self) {
        let sections = &self.document.sections;
        let known = sections.iter().filter(|section| section.is_known).count();
        if known < 5 {
            let line = self.document.lines.first().map_or(1, |line| line.number);
            self.add(
                Level::Error,
                line,
                "",
                "no-sections",
                "this does not look like a document after RFC 2350: its sections are not there",
                "its sections have the numbers and titles of RFC 2350, appendix D",
            );
            return;
        }
        let has_text = |section: &Section| !section.blocks.is_empty();
        let below = |number: &Number| {
            sections
                .iter()
                .filter(|other| {
                    other
                        .number
                        .as_ref()
                        .is_some_and(|other| number.contains(other))
                })
                .collect::<Vec<_>>()
        };
        let meant: Vec<Option<Number>> = sections
            .iter()
            .map(|section| titles::meant(&section.title).map(|(number, _)| number))
            .collect();
        for number in Number::standard() {
            let title = number.title().unwrap_or_default();
            let named = |(section, meant): &(&Section, &Option<Number>)| {
                section.number.as_ref() == Some(&number) || meant.as_ref() == Some(&number)
            };
            let own: Vec<&Section> = sections
                .iter()
                .zip(&meant)
                .filter(named)
                .map(|(section, _)| section)
                .collect();
            let is_chapter = number.depth() == 1 && !below(&number).is_empty();
            let is_part = number.depth() == 3;
            if own.is_empty() {
                let parent_speaks = is_part && self.document.section("5.1").is_some_and(has_text);
                if is_chapter || parent_speaks {
                    continue;
                }
                let line = self
                    .document
                    .sections
                    .iter()
                    .rfind(|section| section.number.as_ref().is_some_and(|other| *other < number))
                    .map_or(1, |section| section.end);
                // 1.4 is not in the outline of RFC 2350, but in its example, and parts of 5.1 are often told together.
                let level = if number.to_string() == "1.4" || is_part {
                    Level::Warning
                } else {
                    Level::Error
                };
                let message = format!("there is no section {number} (`{title}`)");
                self.add(
                    level,
                    line,
                    "",
                    "missing-section",
                    message,
                    "put it there; where there is nothing to say, write `None available`",
                );
                continue;
            }
            if !own.iter().any(|section| has_text(section))
                && !is_chapter
                && !below(&number).into_iter().any(has_text)
            {
                let heading = own.iter().find_map(|section| section.heading.as_ref());
                let (line, written) = heading.map_or((1, String::new()), |heading| {
                    (heading.line, heading.written.clone())
                });
                let message = format!("section {number} (`{title}`) is empty");
                self.add(
                    Level::Error,
                    line,
                    &written,
                    "empty-section",
                    message,
                    "write `None available` where there is nothing to say",
                );
            }
        }
        let mut seen: Vec<&Number> = Vec::new();
        for section in sections {
            let (Some(number), Some(heading)) = (&section.number, &section.heading) else {
                continue;
            };
            if seen.contains(&number) {
                let message = format!("section {number} stands here twice");
                self.warn(
                    heading.line,
                    &heading.written,
                    "duplicate-section",
                    message,
                    "put the two together, or give one of them the next free number",
                );
            }
            seen.push(number);
        }
        if let Some((line, label)) = self.document.label.filter(|(_, label)| *label != "CLEAR") {
            let message = format!(
                "the document is labelled TLP:{label}, and a description after RFC 2350 is for everybody"
            );
            self.add(
                Level::Error,
                line,
                "",
                "restricted-label",
                message,
                "label it TLP:CLEAR if it may be published",
            );
        }
    }

    /// 1.4: a signature is claimed where there is none.
    pub(super) fn claim(&mut self) {
        const CLAIMS: [&str; 12] = [
            "is signed",
            "been signed",
            "are signed",
            "was signed",
            "signed with",
            "подписан",
            "signiert",
            "unterschrieben",
            "est signé",
            "a été signé",
            "está firmado",
            "je potpisan",
        ];
        if self.document.seal != Seal::None {
            return;
        }
        let Some(section) = self.document.section("1.4") else {
            return;
        };
        let text: String = section
            .blocks
            .iter()
            .map(Block::text)
            .collect::<Vec<_>>()
            .join(" ");
        // A signed version elsewhere is no claim about this file.
        let elsewhere = !scan::urls(&text).is_empty()
            || self.document.form == Form::Html
                && ["version", "copy", "text", "file", "download"]
                    .iter()
                    .any(|word| text.to_lowercase().contains(word));
        for sentence in section.blocks.iter().flat_map(Block::sentences) {
            let lower = sentence.text.to_lowercase();
            let denies = [" not ", "n't", " не ", " nicht ", " pas "]
                .iter()
                .any(|word| lower.contains(word));
            if CLAIMS.iter().any(|claim| lower.contains(claim)) && !denies && !elsewhere {
                self.add(
                    Level::Error,
                    sentence.line,
                    "",
                    "false-signature",
                    "the document says that it is signed, and has no signature",
                    "sign it, or say where the signed text is",
                );
                return;
            }
        }
    }

    /// 1.1: a document that nobody looked at for a year.
    pub(super) fn age(&mut self, now: &Moment) {
        let Some(section) = self.document.section("1.1") else {
            return;
        };
        let mut newest: Option<(jiff::civil::Date, usize)> = None;
        for (line, text) in section.blocks.iter().flat_map(|block| &block.lines) {
            for date in dates::dates(text) {
                if newest.is_none_or(|(other, _)| date > other) {
                    newest = Some((date, *line));
                }
            }
        }
        let Some((date, line)) = newest else {
            if let (Some(heading), false) = (&section.heading, section.blocks.is_empty()) {
                let hint = "write it as `2026-11-22`";
                self.warn(
                    heading.line,
                    "",
                    "no-date",
                    "section 1.1 has no date that can be read",
                    hint,
                );
            }
            return;
        };
        let days = now
            .date()
            .since(date)
            .map(|span| span.get_days())
            .unwrap_or(0);
        if days > 366 {
            let message = format!(
                "the last update is of {date}, {} ago",
                if days > 730 {
                    format!("{} years", days / 365)
                } else {
                    "more than a year".into()
                }
            );
            self.add(
                Level::Error,
                line,
                "",
                "outdated",
                message,
                "look through the document once a year, and date it",
            );
        }
    }

    /// 2.3: summer time that is none.
    pub(super) fn clocks(&mut self) {
        let Some(section) = self.document.section("2.3") else {
            return;
        };
        let text: String = section
            .blocks
            .iter()
            .map(Block::text)
            .collect::<Vec<_>>()
            .join("\n");
        if Said::read(&text).is_same() {
            let line = section
                .blocks
                .iter()
                .flat_map(|block| &block.lines)
                .map(|(line, _)| *line)
                .next_back()
                .unwrap_or(section.end);
            self.warn(
                line,
                "",
                "same-offsets",
                "summer and winter have the same offset",
                "say that there is no summer time, and name the zone: `Asia/Almaty`",
            );
        }
    }

    /// 2.8: no fingerprint of the document is one of the certificates'.
    pub(super) fn fingerprints(&mut self, certificates: &[KnownCertificate]) {
        let Some(section) = self
            .document
            .section("2.8")
            .filter(|_| !certificates.is_empty())
        else {
            return;
        };
        let text: String = section
            .blocks
            .iter()
            .map(Block::text)
            .collect::<Vec<_>>()
            .join(" ");
        let found = scan::fingerprints(&text);
        let is_there = |fingerprint: &Fingerprint| {
            certificates
                .iter()
                .any(|certificate| certificate.fingerprint == *fingerprint)
        };
        let Some((span, first)) = found
            .first()
            .filter(|_| !found.iter().any(|(_, fingerprint)| is_there(fingerprint)))
        else {
            return;
        };
        let start = text[span.clone()]
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_string();
        let line = section
            .blocks
            .iter()
            .flat_map(|block| &block.lines)
            .find(|(_, line)| line.contains(&start))
            .map_or(section.end, |(line, _)| *line);
        let message = format!(
            "the fingerprint `{}` is of none of the certificates",
            first.spaced()
        );
        self.add(
            Level::Error,
            line,
            "",
            "unknown-fingerprint",
            message,
            "publish the certificate, or correct the fingerprint",
        );
    }
}
