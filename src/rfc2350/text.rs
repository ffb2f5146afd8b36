//! The document as plain text, ready to be clear-signed.
//!
//! Everything but headings is indented, so that no line begins with `-` and clear-signing has nothing to escape:
//! what one reads in the signed file is what was written.

use super::{
    Document,
    facts::{Fact, Row},
};
use crate::{
    markdown::{self, TextStyle},
    tlp::Tlp,
};

const WIDTH: usize = 72;
/// Of everything but headings.
pub(super) const INDENT: &str = "   ";

/// The whole text.
pub fn text(document: &Document) -> String {
    let mut out = Text(String::new());
    out.paragraph(Tlp::Clear.label(), "");
    let title = markdown::wrap(&document.title, WIDTH, "", "");
    let longest = title
        .iter()
        .map(|line| unicode_width::UnicodeWidthStr::width(line.as_str()))
        .max()
        .unwrap_or(0);
    out.block(
        title.into_iter().chain([String::from("=").repeat(longest)]),
        "",
    );
    let words = document.words.markdown();
    for section in &document.sections {
        out.block(markdown::wrap(&section.heading(), WIDTH, "", "  "), "");
        for group in rows_together(&section.facts) {
            out.facts(group);
        }
        for prose in &section.prose {
            let style = TextStyle {
                width: WIDTH - INDENT.len(),
                words: &words,
                site: Some(&document.site),
                top: 2,
            };
            out.block(
                markdown::text_as(prose, &style).text.lines().map(bullets),
                INDENT,
            );
        }
        if section.is_leaf && section.is_empty() {
            out.paragraph(&format!("{}.", document.words.get("rfc2350_none")), INDENT);
        }
    }
    out.paragraph(document.words.get("rfc2350_label"), "");
    out.paragraph(Tlp::Clear.label(), "");
    out.0
}

/// `*` and not `-` before items: what is pasted elsewhere does not look like a dash-escape either.
fn bullets(line: &str) -> String {
    let lead = line.len() - line.trim_start().len();
    match line[lead..].strip_prefix("- ") {
        Some(rest) => format!("{}* {rest}", &line[..lead]),
        None => line.to_string(),
    }
}

/// Rows that follow each other stand together; everything else stands alone.
pub fn rows_together(facts: &[Fact]) -> impl Iterator<Item = &[Fact]> {
    let is_row = |fact: &Fact| matches!(fact, Fact::Edition(_) | Fact::Row(_));
    facts.chunk_by(move |a, b| is_row(a) && is_row(b))
}

struct Text(String);

impl Text {
    /// Lines after a blank one.
    fn block(&mut self, lines: impl IntoIterator<Item = impl AsRef<str>>, indent: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        for line in lines {
            let line = line.as_ref().trim_end();
            if !line.is_empty() {
                self.0.push_str(indent);
                self.0.push_str(line);
            }
            self.0.push('\n');
        }
    }

    fn paragraph(&mut self, text: &str, indent: &str) {
        self.block(markdown::wrap(text, WIDTH - indent.len(), "", ""), indent);
    }

    fn facts(&mut self, group: &[Fact]) {
        for fact in group {
            if let Fact::Text(text) = fact {
                for paragraph in text.split("\n\n").filter(|p| !p.trim().is_empty()) {
                    self.paragraph(
                        &paragraph.split_whitespace().collect::<Vec<_>>().join(" "),
                        INDENT,
                    );
                }
            }
        }
        let lines = fact_lines(group);
        if !lines.is_empty() {
            self.block(lines, INDENT);
        }
    }
}

/// The lines of all facts that are no paragraphs, without their indent.
pub(super) fn fact_lines(facts: &[Fact]) -> Vec<String> {
    let lines = facts.iter().flat_map(|fact| match fact {
        Fact::Edition(row) | Fact::Row(row) => self::row(row),
        Fact::Text(_) => Vec::new(),
        Fact::Lines(given) => given
            .iter()
            .flat_map(|line| markdown::wrap(line, WIDTH - INDENT.len(), "", "  "))
            .collect(),
        // A command is typed as it stands, so it is never wrapped.
        Fact::Commands(commands) => commands
            .iter()
            .map(|command| format!("  {command}"))
            .collect(),
    });
    lines.collect()
}

fn row(row: &Row) -> Vec<String> {
    markdown::wrap(
        &format!("{}: {}", row.label, row.value),
        WIDTH - INDENT.len(),
        "",
        "  ",
    )
}
