//! A document as lines that know where they stood, and what is of the page around it and not of the document.

use super::titles;

/// In which form a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Form {
    Text,
    Markdown,
    Html,
}

/// A line of the document, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In the file, from 1.
    pub number: usize,
    /// Without markup of HTML.
    pub text: String,
    /// What it is known to be.
    pub mark: Mark,
}

/// What a line is known to be before anybody looked at its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// Nothing particular.
    #[default]
    Text,
    /// A heading of HTML or Markdown.
    Heading,
    /// An item of a list of HTML.
    Item,
    /// Not of the document.
    Chrome(Why),
}

/// Why a line is not of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Menus, banners and the like, with a number for each.
    Page(usize),
    /// The words of a picture.
    Picture,
    /// Stands around the document.
    Around,
    /// Stands outside of the signed text.
    Unsigned,
    /// Lines of an OpenPGP armor.
    Armor,
    /// An armored certificate.
    Certificate,
    /// The head or foot of a printed page.
    Furniture,
    /// A table of contents.
    Contents,
    /// A line of dashes, or one that underlines.
    Rule,
    /// The label of the whole document.
    Label,
    /// Of the document itself: "RFC 2350 of Example CERT".
    Title,
}

impl Why {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Why::Page(_) => "menu, banner or foot of the web page",
            Why::Picture => "words of a picture",
            Why::Around => "stands around the document",
            Why::Unsigned => "outside of the signed text",
            Why::Armor => "OpenPGP armor",
            Why::Certificate => "OpenPGP certificate",
            Why::Furniture => "head or foot of a printed page",
            Why::Contents => "table of contents",
            Why::Rule => "line of dashes",
            Why::Label => "label of the document",
            Why::Title => "title of the document",
        }
    }
}

impl Line {
    /// Whether it is of the document.
    pub fn is_own(&self) -> bool {
        !matches!(self.mark, Mark::Chrome(_))
    }

    /// Whether nothing stands there.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The lines of a plain text, the first with this number.
pub fn plain(text: &str, first: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = text
        .split('\n')
        .enumerate()
        .map(|(at, text)| Line {
            number: first + at,
            text: text.to_string(),
            mark: Mark::Text,
        })
        .collect();
    if lines.last().is_some_and(Line::is_blank) {
        lines.pop();
    }
    lines
}

/// Whether somebody wrote Markdown: more than one heading with `#`.
pub fn is_markdown(text: &str) -> bool {
    text.lines()
        .filter(|line| hashes(line).is_some())
        .nth(1)
        .is_some()
}

/// The words of a heading with `#`.
fn hashes(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    ((1..=6).contains(&level) && rest.starts_with(' '))
        .then(|| rest.trim().trim_end_matches('#').trim_end())
}

/// Marks headings of Markdown, and takes their signs away; what stands in a fence is left alone.
pub fn read_markdown(lines: &mut [Line]) {
    let mut fenced = false;
    for at in 0..lines.len() {
        // CommonMark 0.31, 6.7: two spaces at the end of a line are a hard break, as is the backslash that can be seen.
        let text = lines[at].text.trim_end().to_string();
        let breaks = lines[at].text.ends_with("  ") && !text.is_empty() && !text.ends_with('\\');
        lines[at].text = if breaks && !fenced {
            format!("{text}\\")
        } else {
            text.clone()
        };
        if text.trim_start().starts_with("```") || text.trim_start().starts_with("~~~") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        if let Some(words) = hashes(&text) {
            lines[at].text = unescaped(words);
            lines[at].mark = Mark::Heading;
        }
        // CommonMark 0.31, 4.3: a line of `=` or `-` below a text makes a heading of it.
        let under = text.trim();
        let is_under = under.len() >= 2
            && (under.bytes().all(|c| c == b'=') || under.bytes().all(|c| c == b'-'));
        if is_under && at > 0 && !lines[at - 1].is_blank() && (at == 1 || lines[at - 2].is_blank())
        {
            lines[at].mark = Mark::Chrome(Why::Rule);
            lines[at - 1].text = unescaped(&lines[at - 1].text.clone());
            lines[at - 1].mark = Mark::Heading;
        }
    }
}

/// A heading of Markdown without backslashes and stars: `1\. **Document**`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.peek().is_some_and(char::is_ascii_punctuation) {
            continue;
        }
        out.push(c);
    }
    let bare = out.trim();
    bare.strip_prefix("**")
        .and_then(|rest| rest.strip_suffix("**"))
        .unwrap_or(bare)
        .trim()
        .to_string()
}

/// Marks what a printer put at the edges of pages: lines with a page number, and what is repeated beside them.
pub fn mark_furniture(lines: &mut [Line]) {
    let has_feeds = lines.iter().any(|line| line.text.contains('\u{c}'));
    let numbered = |text: &str| is_page_number(text);
    let shape = |text: &str| -> String {
        let text = text.replace('\u{c}', "");
        text.split_whitespace()
            .map(|word| {
                if word.bytes().all(|c| c.is_ascii_digit()) {
                    "0"
                } else {
                    word
                }
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut counts = std::collections::HashMap::<String, usize>::new();
    for line in lines
        .iter()
        .filter(|line| line.is_own() && !line.is_blank())
    {
        *counts.entry(shape(&line.text)).or_default() += 1;
    }
    let pages = lines.iter().filter(|line| numbered(&line.text)).count();
    for at in 0..lines.len() {
        if !lines[at].is_own() || lines[at].is_blank() {
            continue;
        }
        let fed = lines[at].text.contains('\u{c}');
        // Beside a form feed: it stands at the beginning of a page's first line, and the last line is before it.
        let after = lines[at + 1..]
            .iter()
            .take(4)
            .find(|line| !line.is_blank() || line.text.contains('\u{c}'));
        let at_edge = fed || after.is_some_and(|line| line.text.contains('\u{c}'));
        let repeated = counts.get(&shape(&lines[at].text)).copied().unwrap_or(0);
        let bare = lines[at].text.replace('\u{c}', "");
        let lone = bare.trim().bytes().all(|c| c.is_ascii_digit()) && bare.trim().len() <= 3;
        let beside_page = (pages >= 2 || has_feeds) && repeated >= 2;
        let is_one = numbered(&bare) && (pages >= 2 || has_feeds)
            || lone && has_feeds && at_edge
            || beside_page && at_edge && repeated >= 2
            || pages >= 3
                && repeated >= pages.min(3)
                && !ends_sentence(&bare)
                && bare.split_whitespace().count() >= 3
                && near_page(lines, at);
        if is_one && !titles::is_numbered_heading(bare.trim()) {
            lines[at].mark = Mark::Chrome(Why::Furniture);
        }
    }
    for line in lines.iter_mut() {
        if line.text.contains('\u{c}') {
            line.text = line.text.replace('\u{c}', "");
        }
    }
    close_gaps(lines);
}

fn near_page(lines: &[Line], at: usize) -> bool {
    let from = at.saturating_sub(5);
    lines[from..(at + 6).min(lines.len())]
        .iter()
        .any(|line| is_page_number(&line.text.replace('\u{c}', "")))
}

/// A sentence that a page break went through is one again: blank lines around the edge of a page go, if the words
/// before it end in the middle.
fn close_gaps(lines: &mut [Line]) {
    let furniture: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.mark == Mark::Chrome(Why::Furniture))
        .map(|(at, _)| at)
        .collect();
    for at in furniture {
        let before = lines[..at]
            .iter()
            .rposition(|line| line.is_own() && !line.is_blank());
        let after = lines[at..]
            .iter()
            .position(|line| line.is_own() && !line.is_blank())
            .map(|n| n + at);
        let (Some(before), Some(after)) = (before, after) else {
            continue;
        };
        let goes_on = !ends_sentence(&lines[before].text)
            && lines[after]
                .text
                .trim_start()
                .starts_with(char::is_lowercase);
        if goes_on {
            for line in &mut lines[before + 1..after] {
                if line.is_blank() {
                    line.mark = Mark::Chrome(Why::Furniture);
                }
            }
        }
    }
}

/// `Page 3 of 9`, `- 3 -`, `[Page 3]`, `3/9`, at the end or alone.
fn is_page_number(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    if lower.len() > 120 || lower.is_empty() {
        return false;
    }
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || "[]()|/".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let is_number = |word: &str| {
        word.len() <= 3 && !word.is_empty() && word.bytes().all(|c| c.is_ascii_digit())
    };
    let named = words.windows(2).any(|pair| {
        [
            "page",
            "seite",
            "pagina",
            "página",
            "strana",
            "strona",
            "стр",
            "стр.",
            "страница",
            "p.",
        ]
        .contains(&pair[0])
            && is_number(pair[1])
    });
    named && words.len() <= 14 && !ends_sentence(text)
        || matches!(words[..], ["-", number, "-"] if is_number(number))
        || matches!(words[..], [number, "of" | "von" | "из" | "sur", all] if is_number(number) && is_number(all))
}

/// Whether the last sign is one that ends a sentence.
pub fn ends_sentence(text: &str) -> bool {
    text.trim_end()
        .trim_end_matches(['"', '”', '»', ')', '*', '\''])
        .ends_with(['.', '!', '?', ';', ':', '…'])
}

/// Takes out the blank lines that some programs put between all lines, so that two of them part paragraphs, as one
/// does elsewhere. Gives whether there were such.
pub fn close_ranks(lines: &mut Vec<Line>) -> bool {
    let (mut none, mut one, mut more) = (0_usize, 0_usize, 0_usize);
    let mut gap: Option<usize> = None;
    for line in lines.iter().filter(|line| line.is_own()) {
        match (line.is_blank(), gap) {
            (true, Some(n)) => gap = Some(n + 1),
            (true, None) => {}
            (false, n) => {
                match n {
                    Some(0) => none += 1,
                    Some(1) => one += 1,
                    Some(_) => more += 1,
                    None => {}
                }
                gap = Some(0);
            }
        }
    }
    if none * 10 > one + more || one < 8 || more < 4 {
        return false;
    }
    let mut blanks = 0;
    let old = std::mem::take(lines);
    for (at, line) in old.iter().enumerate() {
        blanks = if line.is_blank() { blanks + 1 } else { 0 };
        let next_is_blank = old.get(at + 1).is_some_and(Line::is_blank);
        // The first of a run of blank lines goes if it stands alone, and stays as the one that parts paragraphs.
        if line.is_blank() && (blanks > 1 || !next_is_blank) {
            continue;
        }
        lines.push(line.clone());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> Vec<String> {
        let mut lines = plain(text, 1);
        mark_furniture(&mut lines);
        lines
            .iter()
            .filter(|line| !line.is_own() && !line.is_blank())
            .map(|line| line.text.trim().to_string())
            .collect()
    }

    #[test]
    fn heads_and_feet_of_pages_are_seen() {
        let page = |n: usize, text: &str| {
            format!(
                "{text}\n\n  Example CERT      RFC 2350      Page {n} of 3\n\u{c}Example CERT - TLP:CLEAR\n\n"
            )
        };
        let text = format!(
            "{}{}{}End.\n",
            page(1, "The team helps and"),
            page(2, "advises. 24 hours a day"),
            page(3, "it answers.")
        );
        let found = marked(&text);
        assert_eq!(found.len(), 6, "{found:?}");
        assert!(marked("See page 3 of it.\n\n24\n\nThe end of page 4.\n").is_empty());
    }

    #[test]
    fn lines_with_a_blank_one_after_each_stand_together_again() {
        let text = "One\n\ntwo\n\nthree.\n\n\nFour\n\nfive\n\nsix.\n\n\nSeven\n\neight\n\nnine.\n\n\nTen\n\neleven\n\ntwelve.\n\n\n\nEnd.\n";
        let mut lines = plain(text, 1);
        assert!(close_ranks(&mut lines));
        let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(text[..6], ["One", "two", "three.", "", "Four", "five"]);
        let mut plainly = plain("One\ntwo\n\nThree\nfour\n\nFive\nsix\n", 1);
        assert!(!close_ranks(&mut plainly));
    }

    #[test]
    fn headings_of_markdown_are_marked() {
        let mut lines = plain(
            "# RFC 2350\n\n## 1\\. Document\n\nCharter\n-------\n\n```\n# no\n```\n",
            1,
        );
        read_markdown(&mut lines);
        let headings: Vec<&str> = lines
            .iter()
            .filter(|line| line.mark == Mark::Heading)
            .map(|line| line.text.as_str())
            .collect();
        assert_eq!(headings, ["RFC 2350", "1. Document", "Charter"]);
    }
}
