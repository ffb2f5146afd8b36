//! Sections as Markdown: what our document's prose is written in, with nothing that would be read as something else.

use super::{
    block::{Block, Kind},
    read::Section,
    titles::{self, Fit},
};
use advise_base::terms::{Address, Lang};

const WIDTH: usize = 80;

/// Gives the text that readers see of some Markdown; `None` if the program that publishes it refuses it.
pub type ReadableText = fn(&str) -> Option<String>;

/// The title that a section gets: the standard's where we have it in this language and the team means it.
pub fn title(section: &Section, lang: &Lang) -> String {
    let written = section.title.trim().to_string();
    let Some(number) = &section.number else {
        return written;
    };
    let ours = matches!(lang.as_str().split('-').next(), Some("en" | "ru"));
    let fits = section.is_known
        && titles::fit(&written, number).is_some_and(|fit| fit == Fit::Exact || ours);
    number
        .title_in(lang.as_str())
        .filter(|_| ours && fits)
        .map_or(written, str::to_string)
}

/// The blocks of a section as Markdown. What Markdown would swallow or refuse is escaped, at worst shown as it is in a
/// fence.
pub fn section(blocks: &[Block], shown: ReadableText) -> String {
    let soft = body(blocks, false);
    if is_whole(&soft, blocks, shown) {
        return soft;
    }
    let hard = body(blocks, true);
    if is_whole(&hard, blocks, shown) {
        hard
    } else {
        fenced(blocks)
    }
}

/// Whether Markdown takes it, and shows all of it.
fn is_whole(text: &str, blocks: &[Block], shown: ReadableText) -> bool {
    let Some(shown) = shown(text) else {
        return false;
    };
    let shown = letters(&shown);
    let mut at = 0;
    blocks
        .iter()
        .filter(|block| block.kind != Kind::Markdown)
        .all(|block| {
            let wanted = letters(&block.text());
            match shown[at..].find(&wanted) {
                Some(found) => {
                    at += found + wanted.len();
                    true
                }
                None => false,
            }
        })
}

fn letters(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn body(blocks: &[Block], hard: bool) -> String {
    let mut out = String::new();
    for (at, block) in blocks.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| blocks[at].kind);
        let close = block.tight && block.kind == Kind::Item && before == Some(Kind::Item);
        if at > 0 && !close {
            out.push('\n');
        }
        match block.kind {
            Kind::Markdown => {
                let fenced = block
                    .lines
                    .first()
                    .is_some_and(|(_, line)| line.trim_start().starts_with(['`', '~']));
                for (_, line) in &block.lines {
                    // What we did not take for a heading is none.
                    let heads = !fenced && line.trim_start().starts_with('#');
                    match hard {
                        true => out.push_str(&escaped(line, true)),
                        false => out.push_str(&format!(
                            "{}{}",
                            if heads { "\\" } else { "" },
                            if heads { line.trim_start() } else { line }
                        )),
                    }
                    out.push('\n');
                }
            }
            Kind::Text => paragraph(&block.lines, "", "", hard, &mut out),
            Kind::Item => paragraph(&block.lines, "- ", "  ", hard, &mut out),
        }
    }
    out
}

/// Lines as they were, as far as they are not too long.
fn paragraph(lines: &[(usize, String)], first: &str, rest: &str, hard: bool, out: &mut String) {
    let mut lead = first;
    for (_, line) in lines {
        for piece in wrapped(&escaped(line, hard)) {
            out.push_str(lead);
            out.push_str(&piece);
            out.push('\n');
            lead = rest;
        }
    }
}

/// Breaks a line at blanks, and never before a word that would begin something at the start of a line.
fn wrapped(line: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let fits = |last: &String| {
            last.chars().count() + 1 + word.chars().count() <= WIDTH || begins_something(word)
        };
        match out.last_mut().filter(|last| fits(last)) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => out.push(word.to_string()),
        }
    }
    out
}

fn begins_something(word: &str) -> bool {
    let digits = word.trim_end_matches(['.', ')']);
    word.starts_with(['#', '>', '|', '=', '~', '`'])
        || matches!(word, "-" | "+" | "*")
        || word.bytes().all(|c| c == b'-' || c == b'*' || c == b'_')
        || digits.len() < word.len() && digits.bytes().all(|c| c.is_ascii_digit())
}

/// A line of plain text in which Markdown sees a plain text. `hard` leaves no sign to chance.
fn escaped(line: &str, hard: bool) -> String {
    let mut out = String::with_capacity(line.len() + 8);
    let trimmed = line.trim();
    for (at, c) in trimmed.char_indices() {
        let rest = &trimmed[at + c.len_utf8()..];
        let next = rest.chars().next();
        let first = at == 0;
        let is_link = |rest: &str| {
            let inside = rest.split(['>', ' ']).next().unwrap_or_default();
            let lower = inside.to_ascii_lowercase();
            rest[inside.len()..].starts_with('>')
                && (["https://", "http://", "mailto:"]
                    .iter()
                    .any(|scheme| lower.starts_with(scheme))
                    || inside.parse::<Address>().is_ok())
        };
        let meant = match c {
            _ if hard => c.is_ascii_punctuation(),
            '\\' => next.is_some_and(|next| next.is_ascii_punctuation()) || next.is_none(),
            '<' => {
                next.is_some_and(|next| next.is_ascii_alphabetic() || "/!?".contains(next))
                    && !is_link(rest)
            }
            '&' => {
                next.is_some_and(|next| next.is_ascii_alphabetic() || next == '#')
                    && rest.contains(';')
            }
            '#' => first,
            '>' | '=' | '|' => first,
            '-' | '+' | '*' => first && (next.is_none_or(|next| next == ' ' || next == c)),
            '`' | '~' => first && next == Some(c) || c == '~' && next == Some('~'),
            '[' => first && rest.contains("]:") || next == Some('^'),
            '_' => first && next == Some('_'),
            '!' => next == Some('['),
            _ => false,
        };
        if meant {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// As it stands, in a fence that nothing in it closes.
fn fenced(blocks: &[Block]) -> String {
    let lines: Vec<&str> = blocks
        .iter()
        .flat_map(|block| &block.lines)
        .map(|(_, line)| line.as_str())
        .collect();
    let longest = lines
        .iter()
        .map(|line| line.chars().filter(|c| *c == '`').count())
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}\n", lines.join("\n"))
}
