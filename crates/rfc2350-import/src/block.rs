//! What stands in a section: paragraphs, items of lists, code; and the sentences in them, with their lines.

use super::{
    lines::{Line, Mark, ends_sentence},
    scan,
};
use unicode_width::UnicodeWidthStr as _;

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A paragraph.
    Text,
    /// An item of a list.
    Item,
    /// Markdown, as its author wrote it.
    Markdown,
}

/// A paragraph or an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// Numbers and texts of its lines; items without their marker.
    pub lines: Vec<(usize, String)>,
    /// Whether it stands directly below the block before it.
    pub tight: bool,
}

/// A sentence and the line in which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// In the file.
    pub line: usize,
    /// With single spaces.
    pub text: String,
}

impl Block {
    /// Its first line in the file.
    pub fn line(&self) -> usize {
        self.lines.first().map_or(0, |(number, _)| *number)
    }

    /// All of it with single spaces.
    pub fn text(&self) -> String {
        let words: Vec<&str> = self
            .lines
            .iter()
            .flat_map(|(_, text)| text.split_whitespace())
            .collect();
        words.join(" ")
    }

    /// Its sentences.
    pub fn sentences(&self) -> Vec<Sentence> {
        let text = self.text();
        let mut starts = Vec::new();
        let mut at = 0;
        for (number, line) in &self.lines {
            starts.push((at, *number));
            let length: usize = line.split_whitespace().map(|word| word.len() + 1).sum();
            at += length;
        }
        let line_of = |at: usize| {
            starts
                .iter()
                .rev()
                .find(|(start, _)| *start <= at)
                .map_or(self.line(), |(_, number)| *number)
        };
        let mut stops = ends(&text);
        // A line that Markdown breaks for sure is one of its own.
        if self.kind == Kind::Markdown {
            stops.extend(text.match_indices("\\ ").map(|(at, _)| at + 1));
            stops.sort_unstable();
        }
        let mut from = 0;
        let mut all = Vec::new();
        for end in stops.into_iter().chain([text.len()]) {
            let piece = text[from..end].trim();
            if !piece.is_empty() {
                let lead = text[from..end].len() - text[from..end].trim_start().len();
                let piece = if self.kind == Kind::Markdown {
                    piece.trim_end_matches('\\')
                } else {
                    piece
                };
                all.push(Sentence {
                    line: line_of(from + lead),
                    text: piece.to_string(),
                });
            }
            from = end;
        }
        all
    }

    /// The same without some of its sentences; `None` if nothing is left.
    pub fn without(&self, taken: &[Sentence]) -> Option<Block> {
        let left: Vec<Sentence> = self
            .sentences()
            .into_iter()
            .filter(|sentence| !taken.contains(sentence))
            .collect();
        let first = left.first()?.line;
        let text: Vec<String> = left.into_iter().map(|sentence| sentence.text).collect();
        Some(Block {
            lines: vec![(first, text.join(" "))],
            ..self.clone()
        })
    }
}

/// Where sentences end, after the sign.
fn ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    for (at, sign) in text.match_indices(['.', '!', '?', '…']) {
        let after = at + sign.len();
        let close = text[after..].len()
            - text[after..]
                .trim_start_matches(['"', '”', '»', ')', '\'', '’', ']'])
                .len();
        let after = after + close;
        let rest = &text[after..];
        let begins = rest.trim_start().starts_with(|c: char| {
            c.is_uppercase() || c.is_numeric() || "\"“„«('‘[<".contains(c) || is_caseless(c)
        });
        if !rest.starts_with(' ') || !begins {
            continue;
        }
        let word = text[..at].rsplit([' ', '(']).next().unwrap_or_default();
        let is_short = word.chars().count() <= 3 && !word.is_empty() && sign == ".";
        const SHORT: &str =
            " tel str approx resp incl excl prof info inkl bzw usw evtl ext dept univ bldg ";
        let abbreviated = word.contains('.') && !word.contains("..") && word.chars().count() <= 5
            || is_short && !is_word(word);
        if sign == "." && (abbreviated || SHORT.contains(&format!(" {} ", word.to_lowercase()))) {
            continue;
        }
        ends.push(after);
    }
    ends
}

/// Short words that end sentences: `at it.`, not `No.` or `ul.`.
fn is_word(word: &str) -> bool {
    let lower = word.to_lowercase();
    let is_capital = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    const ABBREVIATED: &str = " no nr st dr mr ms ing str tel fax ul ул г д стр тел p s z b d h i e g al ph ltd inc co vs cf ca art lit abs ";
    !is_capital && !ABBREVIATED.contains(&format!(" {lower} "))
}

fn is_caseless(c: char) -> bool {
    c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase()
}

/// Cuts lines into blocks. `width` is the column at which the author's program broke lines, if it did.
pub fn blocks(lines: &[Line], width: Option<usize>, markdown: bool) -> Vec<Block> {
    if markdown {
        return markdown_blocks(lines);
    }
    let mut all: Vec<Block> = Vec::new();
    let mut open = false;
    for line in lines {
        if line.is_blank() {
            // A blank line that stands for something taken out parts nothing.
            open = false;
            continue;
        }
        let text = unescaped(&line.text);
        let item = item(text, line.mark);
        let breaks = all.last().is_some_and(|last| {
            let before = last.lines.last().map_or("", |(_, text)| text.as_str());
            last.kind == Kind::Text
                && (is_deliberate(before, text, width)
                    || is_labelled(before) && is_labelled(text)
                    || is_fingerprint(before)
                    || is_fingerprint(text))
        });
        match item {
            Some(words) => all.push(Block {
                kind: Kind::Item,
                lines: vec![(line.number, words.trim().to_string())],
                tight: open,
            }),
            None if open && !breaks => {
                if let Some(last) = all.last_mut() {
                    last.lines.push((line.number, text.trim_end().to_string()));
                }
            }
            None => all.push(Block {
                kind: Kind::Text,
                lines: vec![(line.number, text.trim_end().to_string())],
                tight: open,
            }),
        }
        open = true;
    }
    for block in &mut all {
        for (_, text) in &mut block.lines {
            *text = text.trim().to_string();
        }
    }
    all
}

/// Without the `- ` that a clear-signed text has before lines that begin with a dash.
pub fn unescaped(text: &str) -> &str {
    let bare = text.trim_start();
    if bare.starts_with("- -") {
        bare.get(2..).unwrap_or(bare)
    } else {
        text
    }
}

/// The words of an item of a list; `None` for anything else.
fn item(text: &str, mark: Mark) -> Option<&str> {
    let bare = text.trim_start();
    if mark == Mark::Item {
        return Some(marked(bare).unwrap_or(bare));
    }
    marked(bare)
}

fn marked(bare: &str) -> Option<&str> {
    const SIGNS: &str = "-*•–—·▪■●○◦‣⁃➢➤►✓✔→\u{f0b7}\u{f0a7}";
    let sign = bare.chars().next().filter(|c| SIGNS.contains(*c))?;
    let rest = &bare[sign.len_utf8()..];
    let dash = matches!(sign, '-' | '*' | '–' | '—');
    (rest.starts_with([' ', '\t']) || !dash && !rest.is_empty()).then(|| rest.trim_start())
}

/// `Short name: EX-CERT`: such lines below each other are a table.
fn is_labelled(text: &str) -> bool {
    let label = text
        .trim()
        .split_once(':')
        .filter(|(_, value)| value.starts_with([' ', '\t']))
        .map(|(label, _)| label);
    label.is_some_and(|label| {
        label.split_whitespace().count() <= 4 && label.starts_with(char::is_uppercase)
    })
}

/// Whether a line is a fingerprint and nothing else.
fn is_fingerprint(text: &str) -> bool {
    text.len() <= 120
        && text.chars().filter(char::is_ascii_hexdigit).count() >= 40
        && matches!(&scan::fingerprints(text)[..], [(span, _)] if !text[..span.start].contains(char::is_alphanumeric) && !text[span.end..].contains(char::is_alphanumeric))
}

/// Whether a line was ended by its author and not by a program: the next word would still have had room.
fn is_deliberate(before: &str, text: &str, width: Option<usize>) -> bool {
    let next = text.split_whitespace().next().unwrap_or_default();
    if next.starts_with(|c: char| c.is_lowercase()) {
        return false;
    }
    match width {
        None => true,
        Some(width) => {
            before.width() + 1 + next.width() + 20 <= width
                || ends_sentence(before) && before.width() + 12 + next.width() <= width
        }
    }
}

/// Where the author's program broke lines: the width that most long lines keep below; `None` if it broke none.
pub fn width<'l>(lines: impl Iterator<Item = &'l Line>) -> Option<usize> {
    let mut widths: Vec<usize> = lines
        .filter(|line| !line.is_blank())
        .map(|line| line.text.width())
        .collect();
    widths.sort_unstable();
    let long = *widths.get(widths.len() * 9 / 10)?;
    (long <= 110).then_some(long.max(60))
}

/// Paragraphs of Markdown, fences whole.
fn markdown_blocks(lines: &[Line]) -> Vec<Block> {
    let mut all: Vec<Block> = Vec::new();
    let (mut open, mut fenced) = (false, false);
    for line in lines {
        let is_fence =
            line.text.trim_start().starts_with("```") || line.text.trim_start().starts_with("~~~");
        if line.is_blank() && !fenced {
            open = false;
            continue;
        }
        match all.last_mut().filter(|_| open) {
            Some(last) => last.lines.push((line.number, line.text.clone())),
            None => all.push(Block {
                kind: Kind::Markdown,
                lines: vec![(line.number, line.text.clone())],
                tight: false,
            }),
        }
        fenced ^= is_fence;
        open = true;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    fn of(text: &str) -> Vec<(Kind, String)> {
        let lines = lines::plain(text, 1);
        blocks(&lines, width(lines.iter()), false)
            .iter()
            .map(|block| (block.kind, block.text()))
            .collect()
    }

    #[test]
    fn paragraphs_items_and_lines_that_were_meant_are_told_apart() {
        let long = "The team answers every report that it gets within one working day, and";
        let text = format!(
            "{long}\ntells who asked what became of it.\n\nWinter UTC+1\nSummer UTC+2\n\n- - one\n  and more\n• two\n"
        );
        let found = of(&text);
        assert_eq!(
            found[0].1,
            format!("{long} tells who asked what became of it.")
        );
        let rest: Vec<(Kind, &str)> = found[1..]
            .iter()
            .map(|(kind, text)| (*kind, text.as_str()))
            .collect();
        let expected = [
            (Kind::Text, "Winter UTC+1"),
            (Kind::Text, "Summer UTC+2"),
            (Kind::Item, "one and more"),
            (Kind::Item, "two"),
        ];
        assert_eq!(rest, expected);
    }

    #[test]
    fn rows_of_a_table_stay_apart() {
        let text = "Official name:  Example Region Computer Emergency Team of all Districts\nShort name:     EX-CERT\n";
        assert_eq!(of(text).len(), 2);
    }

    #[test]
    fn sentences_know_their_lines() {
        let block = Block {
            kind: Kind::Text,
            lines: vec![
                (4, "Call us, e.g. at night. Write to".into()),
                (5, "Dr. Example in St. Gallen! (Or to all.) Done".into()),
            ],
            tight: false,
        };
        let found: Vec<(usize, String)> = block
            .sentences()
            .into_iter()
            .map(|s| (s.line, s.text))
            .collect();
        let expected = [
            (4, "Call us, e.g. at night."),
            (4, "Write to Dr. Example in St. Gallen!"),
            (5, "(Or to all.)"),
            (5, "Done"),
        ];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_string())));
        let taken = block.sentences()[1].clone();
        assert_eq!(
            block.without(&[taken]).expect("a rest").text(),
            "Call us, e.g. at night. (Or to all.) Done"
        );
    }
}
