//! What an import found and did, for staff: facts, headings, what is not of the document, faults.

use super::{
    facts::Found,
    lines::{Form, Line, Mark},
    read::{Document, Seal},
    write,
};
use advise_base::{
    diag::{Findings, Level},
    terms::Lang,
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// All but the faults, which are [`Findings`].
#[derive(Debug, Clone)]
pub struct Report {
    path: String,
    form: &'static str,
    encoding: &'static str,
    lang: Lang,
    signature: String,
    facts: Vec<(String, String, Vec<usize>, Option<String>)>,
    headings: Vec<(usize, String, String)>,
    chrome: Vec<(usize, String, &'static str)>,
    hidden: Vec<(usize, String)>,
    unplaced: Vec<(usize, String)>,
    /// What the languages of the team say differently.
    pub disagreements: Vec<String>,
}

impl Report {
    pub(super) fn of(document: &Document, found: &Found, lang: &Lang) -> Report {
        let facts = found.facts.iter().map(|fact| {
            let lines = fact.from.iter().map(|sentence| sentence.line).collect();
            (
                fact.field.to_string(),
                fact.value.clone(),
                lines,
                fact.note.clone(),
            )
        });
        let headings = document.sections.iter().filter_map(|section| {
            let heading = section.heading.as_ref()?;
            let title = write::title(section, lang);
            let read = section
                .number
                .as_ref()
                .map_or(title.clone(), |number| format!("{number} {title}"));
            Some((heading.line, heading.written.clone(), read))
        });
        let why = |line: &Line| match line.mark {
            Mark::Chrome(why) => why.words(),
            _ => "",
        };
        let title = document.title.as_ref().map(|line| {
            (
                line.number,
                line.text.trim().to_string(),
                "title of the document",
            )
        });
        let chrome = document
            .chrome
            .iter()
            .map(|line| (line.number, line.text.trim().to_string(), why(line)));
        // The first section may have no heading: what it says goes below section 1.
        let loose = document
            .sections
            .iter()
            .filter(|section| section.heading.is_none());
        let unplaced = loose
            .flat_map(|section| &section.blocks)
            .map(|block| (block.line(), block.text()));
        Report {
            path: document.source.path.to_string(),
            form: match document.form {
                Form::Text => "plain text",
                Form::Markdown => "Markdown",
                Form::Html => "HTML",
            },
            encoding: document.encoding,
            lang: lang.clone(),
            signature: signature(&document.seal),
            facts: facts.collect(),
            headings: headings.collect(),
            chrome: title.into_iter().chain(chrome).collect(),
            hidden: document.hidden.clone(),
            unplaced: unplaced.collect(),
            disagreements: Vec::new(),
        }
    }

    /// For people.
    pub fn text(&self, faults: &Findings) -> String {
        let mut out = format!(
            "Import of {}: {}, {}, language {}; {}\n",
            self.path, self.form, self.encoding, self.lang, self.signature
        );
        if !faults.is_empty() {
            let _ = write!(out, "\nFaults of the document\n");
            for fault in faults.iter() {
                let level = if fault.level == Level::Error {
                    "error"
                } else {
                    "warning"
                };
                let _ = writeln!(
                    out,
                    "  line {:>4}  {}: {} ({level})",
                    fault.place.line, fault.code, fault.message
                );
                if !fault.place.text.trim().is_empty() {
                    let _ = writeln!(out, "             | {}", fault.place.text.trim());
                }
                if let Some(hint) = &fault.hint {
                    let _ = writeln!(out, "             = {hint}");
                }
            }
        }
        if !self.disagreements.is_empty() {
            let _ = write!(out, "\nWhat the languages say differently\n");
            for line in &self.disagreements {
                let _ = writeln!(out, "  {line}");
            }
        }
        let _ = write!(out, "\nFacts, for team.yaml\n");
        for (field, value, lines, note) in &self.facts {
            let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
            let from = if lines.is_empty() {
                String::new()
            } else {
                format!("  (line {})", lines.join(", "))
            };
            let note = note
                .as_ref()
                .map(|note| format!("  [{note}]"))
                .unwrap_or_default();
            let value = if value.is_empty() {
                "computed from now on".to_string()
            } else {
                value.replace('\n', " / ")
            };
            let _ = writeln!(out, "  {field}: {value}{from}{note}");
        }
        let _ = write!(out, "\nHeadings, and what they were read as\n");
        for (line, written, read) in &self.headings {
            let same = written.trim() == read;
            let _ = writeln!(
                out,
                "  line {line:>4}  {written}{}",
                if same {
                    String::new()
                } else {
                    format!("  ->  {read}")
                }
            );
        }
        if !self.unplaced.is_empty() {
            let _ = write!(
                out,
                "\nStood before the first section, and is now below section 1\n"
            );
            for (line, text) in &self.unplaced {
                let _ = writeln!(out, "  line {line:>4}  {text}");
            }
        }
        if !self.chrome.is_empty() || !self.hidden.is_empty() {
            let _ = write!(out, "\nNot taken over: not a part of the document\n");
            for (line, text, why) in &self.chrome {
                let _ = writeln!(out, "  line {line:>4}  {text}  [{why}]");
            }
            for (line, text) in &self.hidden {
                let _ = writeln!(
                    out,
                    "  line {line:>4}  {text}  [stood in the place of a mail address, which could be read]"
                );
            }
        }
        out
    }

    /// For programs.
    pub fn json(&self, faults: &Findings) -> Value {
        let row = |(line, text, why): &(usize, String, &str)| json!({ "line": line, "text": text, "why": why });
        json!({
            "file": self.path, "form": self.form, "encoding": self.encoding, "lang": self.lang.as_str(), "signature": self.signature,
            "faults": advise_base::diag::json(faults)["findings"],
            "disagreements": self.disagreements,
            "facts": self.facts.iter().map(|(field, value, lines, note)| json!({ "field": field, "value": value, "lines": lines, "note": note })).collect::<Vec<_>>(),
            "headings": self.headings.iter().map(|(line, written, read)| json!({ "line": line, "written": written, "read_as": read })).collect::<Vec<_>>(),
            "unplaced": self.unplaced.iter().map(|(line, text)| json!({ "line": line, "text": text })).collect::<Vec<_>>(),
            "not_taken_over": self.chrome.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

/// What a signature is worth, in words.
pub fn signature(seal: &Seal) -> String {
    match seal {
        Seal::None => "not signed".into(),
        Seal::Unchecked => {
            "signed, but not verified: there is no certificate to verify it with".into()
        }
        Seal::Good { signer, made } => {
            format!("good signature by {signer}, made on {}", made.date())
        }
        Seal::Bad { why, .. } => format!("BAD SIGNATURE: {why}"),
    }
}
