//! The document as a fragment of a page. Dash-escapes cannot get here: it is made of the content, not of the
//! signed text.

use super::{
    Document,
    facts::{Fact, Row},
    text::rows_together,
};
use crate::markdown::{self, HtmlStyle};
use std::fmt::Write as _;

/// All sections, from `<h2>` on.
pub fn html(document: &Document) -> String {
    let mut out = String::with_capacity(32 * 1024);
    let words = document.words.markdown();
    for section in &document.sections {
        let level = (section.depth + 1).min(6);
        let _ = writeln!(
            out,
            "<h{level} id=\"{}\">{}</h{level}>",
            escape(&section.anchor),
            escape(&section.heading())
        );
        for group in rows_together(&section.facts) {
            facts(&mut out, group);
        }
        for prose in &section.prose {
            let prefix = format!("s{}-", section.anchor.replace('.', "-"));
            let top = u8::try_from(level + 1).unwrap_or(6).min(6);
            out.push_str(&markdown::html(
                prose,
                &HtmlStyle {
                    prefix: &prefix,
                    top,
                    words: &words,
                },
            ));
        }
        if section.is_leaf && section.is_empty() {
            let _ = writeln!(
                out,
                "<p>{}.</p>",
                escape(document.words.get("rfc2350_none"))
            );
        }
    }
    out
}

fn facts(out: &mut String, group: &[Fact]) {
    if let [Fact::Edition(_) | Fact::Row(_), ..] = group {
        out.push_str("<dl>\n");
        for fact in group {
            if let Fact::Edition(row) | Fact::Row(row) = fact {
                let _ = writeln!(
                    out,
                    "<dt>{}</dt><dd>{}</dd>",
                    escape(&row.label),
                    value(row)
                );
            }
        }
        out.push_str("</dl>\n");
        return;
    }
    for fact in group {
        match fact {
            Fact::Edition(_) | Fact::Row(_) => {}
            Fact::Text(text) => {
                for paragraph in text.split("\n\n").filter(|p| !p.trim().is_empty()) {
                    let _ = writeln!(out, "<p>{}</p>", escape(paragraph.trim()));
                }
            }
            Fact::Lines(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
                let _ = writeln!(out, "<p>{}</p>", lines.join("<br>\n"));
            }
            Fact::Commands(commands) => {
                let _ = writeln!(
                    out,
                    "<pre tabindex=\"0\"><code>{}\n</code></pre>",
                    escape(&commands.join("\n"))
                );
            }
        }
    }
}

fn value(row: &Row) -> String {
    match &row.href {
        Some(href) => format!("<a href=\"{}\">{}</a>", escape(href), escape(&row.value)),
        None => escape(&row.value),
    }
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
