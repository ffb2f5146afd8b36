//! What is wrong with a document, by name and line: the faults of real published ones. Each rule would rather miss
//! a fault than name one that is none.
//!
//! An error makes the document fail `rfc2350 verify`; a warning is worth a look.

mod whole;

use super::{
    block::{Block, Kind, Sentence},
    read::{Document, KnownCertificate, Section},
    scan,
};
use advise_base::{
    diag::{Findings, Level},
    outline::Number,
    terms::Moment,
};

/// All faults of the text; of signature and certificate `judge` says more.
pub fn faults(document: &Document, certificates: &[KnownCertificate], now: &Moment) -> Findings {
    let mut rules = Rules {
        document,
        findings: Findings::new(),
    };
    rules.reading();
    for (at, section) in document.sections.iter().enumerate() {
        for block in &section.blocks {
            for (line, text) in &block.lines {
                rules.line(*line, text);
            }
            for sentence in block.sentences() {
                rules.short_ids(section, &sentence);
            }
        }
        rules.endings(section, document.sections.get(at + 1));
    }
    rules.outline();
    rules.claim();
    rules.age(now);
    rules.clocks();
    rules.fingerprints(certificates);
    let mut findings = rules.findings;
    findings.sort();
    findings
}

pub(super) struct Rules<'d> {
    document: &'d Document,
    findings: Findings,
}

/// What a web server puts in the place of a mail address, in lower case.
const ANTI_SPAM: [&str; 20] = [
    "spambot",
    "spam bot",
    "spam-bot",
    "protected from spam",
    "email protected",
    "e-mail protected",
    "javascript enabled",
    "enable javascript",
    "javascript is required",
    "спам-бот",
    "спамбот",
    "защищен от спам",
    "vor spambots geschützt",
    "javascript aktivier",
    "aktivieren sie javascript",
    "protégée contre les robots",
    "activer le javascript",
    "protegida contra los robots",
    "zaštićena od spam",
    "activez javascript",
];

/// Words that lead to an address of a page, at the end of a line or sentence.
const LEADS: [&str; 24] = [
    "url is",
    "url:",
    "url",
    "website:",
    "web site:",
    "web page:",
    "homepage:",
    "web site at",
    "website at",
    "available at",
    "found at",
    "located at",
    "at the following url:",
    "following address:",
    "following link:",
    "available from",
    "downloaded from",
    "see",
    "see:",
    "see at",
    "visit",
    "unter",
    "по адресу",
    "по адресу:",
];

impl Rules<'_> {
    fn add(
        &mut self,
        level: Level,
        line: usize,
        words: &str,
        code: &'static str,
        message: impl Into<String>,
        hint: &str,
    ) {
        let finding = self
            .document
            .source
            .error(self.document.place(line, words), code, message)
            .hint(hint);
        self.findings.push(if level == Level::Error {
            finding
        } else {
            finding.warning()
        });
    }

    fn warn(
        &mut self,
        line: usize,
        words: &str,
        code: &'static str,
        message: impl Into<String>,
        hint: &str,
    ) {
        self.add(Level::Warning, line, words, code, message, hint);
    }

    /// How the file could be read.
    fn reading(&mut self) {
        if self.document.damaged > 0 {
            let message = format!(
                "{} of the file could not be read and are lost",
                count(self.document.damaged, "character", "characters")
            );
            let line = self
                .document
                .lines
                .iter()
                .find(|line| line.text.contains('\u{fffd}'))
                .map_or(1, |line| line.number);
            self.warn(
                line,
                "\u{fffd}",
                "damaged-text",
                message,
                "save it again as UTF-8",
            );
        }
        if self.document.quoted_printable {
            self.warn(
                1,
                "",
                "quoted-printable",
                "the text still has the codes of a mail (`=20`, `=` at line ends)",
                "save the text, not the mail",
            );
        }
        for line in &self.document.escapes {
            self.warn(
                *line,
                "- -",
                "dash-escape",
                "this line begins with a dash-escape",
                "remove the `- ` in front: it comes from a clear-signed text and says nothing",
            );
        }
        for (line, words) in &self.document.hidden {
            self.warn(
                *line,
                words,
                "hidden-address",
                "a mail address is hidden from programs, and from people without scripts",
                "show the address",
            );
        }
    }

    fn line(&mut self, line: usize, text: &str) {
        // As long as the text, so that places in the one are places in the other.
        let mut lower = text.to_lowercase().replace('ё', "е");
        if lower.len() != text.len() {
            lower = text.to_ascii_lowercase();
        }
        if let Some(words) = ANTI_SPAM.iter().find(|words| lower.contains(**words)) {
            let at = lower.find(words).unwrap_or_default();
            let found = text.get(at..at + words.len()).unwrap_or_default();
            self.warn(
                line,
                found,
                "hidden-address",
                "a web server put this in the place of a mail address",
                "write the address: `cert@example.org`",
            );
        }
        for mail in scan::mails(text) {
            if let Some(sign) = mail.sign {
                let message = format!("`{}` stands in the place of `@`", &text[sign]);
                self.warn(
                    line,
                    &text[mail.span],
                    "at-address",
                    message,
                    "write `@`: an address that cannot be copied is not used, and a public one is known anyway",
                );
            }
        }
        for (words, message) in broken(text) {
            self.warn(
                line,
                words,
                "broken-url",
                message,
                "write `https://` before the host",
            );
        }
        for blank in [
            "http:// ",
            "https:// ",
            "http://.",
            "https://.",
            "<http://>",
            "<https://>",
            "<>",
            "< >",
        ] {
            if let Some(at) = lower.find(blank.trim_end()).filter(|at| {
                lower[*at..].starts_with(blank) || lower.len() == at + blank.trim_end().len()
            }) {
                let end = (at + blank.trim_end().len()).min(text.len());
                self.warn(
                    line,
                    text.get(at..end).unwrap_or_default(),
                    "blank-url",
                    "this address is blank",
                    "write the host and the path",
                );
                break;
            }
        }
    }

    fn short_ids(&mut self, section: &Section, sentence: &Sentence) {
        // A whole fingerprint in the sentence is what should be there; the short ID beside it is still one.
        let in_keys = section
            .number
            .as_ref()
            .is_some_and(|number| number.to_string() == "2.8");
        for span in scan::short_ids(&sentence.text) {
            let words = &sentence.text[span];
            if in_keys
                || sentence.text.to_lowercase().contains("key")
                || sentence.text.to_lowercase().contains("pgp")
            {
                let line = self
                    .document
                    .lines
                    .iter()
                    .find(|line| line.number >= sentence.line && line.text.contains(words))
                    .map_or(sentence.line, |line| line.number);
                let message = format!("`{words}` is a key ID of 32 bits, which anybody can forge");
                self.warn(
                    line,
                    words,
                    "short-key-id",
                    message,
                    "give the whole fingerprint, and nothing shorter",
                );
            }
        }
    }

    /// Sentences that stop, and addresses that are not there.
    fn endings(&mut self, section: &Section, after: Option<&Section>) {
        let has_parts = match (
            &section.number,
            after.and_then(|after| after.number.as_ref()),
        ) {
            (Some(number), Some(after)) => number.contains(after),
            _ => false,
        };
        let number = section
            .number
            .as_ref()
            .map(Number::to_string)
            .unwrap_or_default();
        for (at, block) in section
            .blocks
            .iter()
            .enumerate()
            .filter(|(_, block)| block.kind != Kind::Item)
        {
            let Some((line, last)) = block.lines.last() else {
                continue;
            };
            let text = block.text();
            let bare = text.trim_end_matches(['*', '_', '`']).trim_end();
            let next = section.blocks.get(at + 1);
            let goes_on = next.is_some_and(|next| {
                next.tight || next.kind == Kind::Item || starts_with_address(&next.text())
            });
            let last_word = last.split_whitespace().last().unwrap_or_default();
            if leads_to_nothing(bare) && !goes_on {
                self.warn(
                    *line,
                    last_word,
                    "blank-url",
                    "an address is announced here, and none follows",
                    "write the address",
                );
                continue;
            }
            // A section may lead to its parts.
            if next.is_some() || has_parts {
                continue;
            }
            let words = bare.split_whitespace().count();
            let is_address = ["://", "@", "www."]
                .iter()
                .any(|sign| last_word.contains(sign))
                || !scan::fingerprints(bare).is_empty();
            let ends_open = bare.ends_with(char::is_alphanumeric)
                && words >= 8
                && !is_address
                && self.ends_its_sentences()
                && !is_list(block);
            let prose = !number.is_empty()
                && !matches!(
                    number.as_str(),
                    "1.1" | "2.1" | "2.2" | "2.3" | "2.4" | "2.5" | "2.8"
                );
            if bare.ends_with(':') {
                self.warn(
                    *line,
                    last_word,
                    "cut-short",
                    "the section ends with a colon, and nothing follows",
                    "write what was to follow",
                );
            } else if bare.ends_with([',', '–', '(']) || bare.ends_with(" -") || ends_open && prose
            {
                self.warn(
                    *line,
                    last_word,
                    "cut-short",
                    "the section seems to end in the middle of a sentence",
                    "finish it, with a full stop",
                );
            }
        }
    }

    /// Whether this author writes full stops at all.
    fn ends_its_sentences(&self) -> bool {
        let long: Vec<String> = self
            .document
            .sections
            .iter()
            .filter_map(|section| {
                section
                    .blocks
                    .iter()
                    .rfind(|block| block.kind != Kind::Item)
            })
            .map(Block::text)
            .filter(|text| text.split_whitespace().count() >= 8)
            .collect();
        let ended = long
            .iter()
            .filter(|text| super::lines::ends_sentence(text))
            .count();
        ended * 3 >= long.len() * 2
    }
}

/// "1 letter", "2 letters".
fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Addresses without a colon, with one slash, begun twice.
fn broken(text: &str) -> Vec<(&str, &'static str)> {
    let lower = text.to_ascii_lowercase();
    let mut all = Vec::new();
    for (at, _) in lower.match_indices("http") {
        if lower[..at].ends_with(|c: char| c.is_alphanumeric() || c == '/') {
            continue;
        }
        let rest = lower[at + 4..]
            .strip_prefix('s')
            .unwrap_or(&lower[at + 4..]);
        let end = at
            + text[at..]
                .find(|c: char| c.is_whitespace() || "<>\"),".contains(c))
                .unwrap_or(text.len() - at);
        let what = match () {
            () if rest.starts_with("//") || rest.starts_with(";//") => "this address has no colon",
            () if rest.starts_with(":/") && !rest.starts_with("://") => {
                "this address has one `/` too few"
            }
            () if rest.starts_with("://http") => "this address begins twice",
            () => continue,
        };
        all.push((&text[at..end], what));
    }
    all
}

fn leads_to_nothing(text: &str) -> bool {
    let lower = text.to_lowercase();
    let ends = |lead: &&str| {
        lower
            .strip_suffix(*lead)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with(|c: char| !c.is_alphanumeric()))
    };
    LEADS.iter().any(ends)
}

fn starts_with_address(text: &str) -> bool {
    let first = text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .trim_start_matches(['<', '(', '['])
        .to_lowercase();
    ["http", "www.", "ftp://", "/"]
        .iter()
        .any(|start| first.starts_with(start))
        || first.contains('@')
        || first.contains('.') && first.len() > 4
}

/// Lines without full stops that stand below each other.
fn is_list(block: &Block) -> bool {
    let text = block.text();
    block.kind == Kind::Markdown && text.starts_with(['-', '*', '+', '|', '>', '`', '#', '1'])
}
