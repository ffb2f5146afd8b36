//! Markdown as plain text, to be read in a terminal: wrapped by what is seen (display columns), with links as
//! numbers that are explained at the end.
//!
//! Nothing that is added here begins a line with a hyphen, which a clear signature would have to escape.

use super::{DEEPEST, Document, Levels, Words, clean, link, plain};
use comrak::{
    Node,
    arena_tree::NodeEdge,
    nodes::{ListType, NodeValue, TableAlignment},
};
use std::borrow::Cow;
use unicode_width::UnicodeWidthChar as _;
use wrap::{NARROWEST, isolated};

mod table;
mod wrap;

pub use wrap::wrap;
pub(crate) use wrap::{columns, fold, is_rtl, ltr};

/// How a text is laid out.
#[derive(Debug, Clone)]
pub struct TextStyle<'a> {
    /// In columns; only code and what has to be copied whole (an address, a word in ASCII) go beyond.
    pub width: usize,
    /// Of the text's language.
    pub words: &'a Words,
    /// Put before links that begin with `/`; ends with `/`.
    pub site: Option<&'a str>,
    /// How deep the text's first headings are underlined: 1 like a title, 2 like a section.
    pub top: usize,
}

/// A text, and how far its numbers went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// Lines ended by `\n`, without trailing white space; empty for an empty text.
    pub text: String,
    /// How many links are explained at its end, from 1.
    pub links: usize,
}

/// Makes plain text, with English words around it.
pub fn text(markdown: &str, width: usize) -> String {
    super::text_as(
        markdown,
        &TextStyle {
            width,
            words: &Words::english(),
            site: None,
            top: 1,
        },
    )
    .text
}

impl Document<'_> {
    /// Makes plain text as it is wanted.
    pub fn text(&self, style: &TextStyle<'_>) -> Plain {
        let out = Out {
            text: String::with_capacity(self.length + self.length / 8),
            ..Out::default()
        };
        let mut writer = Writer {
            style,
            levels: Levels::default(),
            links: Vec::new(),
            footnotes: 0,
            depth: 0,
            out,
        };
        let width = style.width.max(NARROWEST);
        writer.blocks(self.root, width, true);
        let Writer { links, mut out, .. } = writer;
        if !links.is_empty() {
            if out.lines > 0 {
                out.line("");
            }
            out.heading(&seen(&style.words.links), 2.max(style.top), width);
            out.line("");
            let digits = links.len().to_string().len() + 2;
            for (number, url) in links.iter().enumerate() {
                out.line(&format!("{:>digits$} {url}", format!("[{}]", number + 1)));
            }
        }
        let mut text = out.text;
        text.truncate(text.trim_end().len());
        text.drain(..text.find(|c| c != '\n').unwrap_or(text.len()));
        if !text.is_empty() {
            text.push('\n');
        }
        Plain {
            text,
            links: links.len(),
        }
    }
}

struct Writer<'s> {
    style: &'s TextStyle<'s>,
    levels: Levels,
    links: Vec<String>,
    footnotes: usize,
    depth: usize,
    out: Out,
}

impl Writer<'_> {
    /// The blocks in a node, with an empty line between them if `loose`.
    fn blocks<'a>(&mut self, parent: Node<'a>, width: usize, loose: bool) {
        let begin = self.out.lines;
        let mut before_list = false;
        for node in parent.children() {
            let lines = self.out.lines;
            let is_list = matches!(node.data().value, NodeValue::List(_));
            // Two lists that follow each other would read as one.
            if lines > begin && (loose || before_list && is_list) {
                self.out.gap = Some(self.out.marks.len());
            }
            self.block(node, width);
            if self.out.lines > lines {
                before_list = is_list;
            } else if lines > begin {
                self.out.gap = None;
            }
        }
    }

    fn block<'a>(&mut self, node: Node<'a>, width: usize) {
        if self.depth >= DEEPEST {
            return self.out.wrapped(&seen(&plain(node)), width);
        }
        self.depth += 1;
        self.framed(node, width);
        self.depth -= 1;
    }

    fn framed<'a>(&mut self, node: Node<'a>, width: usize) {
        let data = node.data();
        match &data.value {
            NodeValue::Paragraph => self.paragraph(node, width),
            NodeValue::Heading(written) => {
                let level = self.levels.next(written.level) + self.style.top - 1;
                let title = self.inline(node).replace('\n', " ");
                self.out.heading(&title, level, width);
            }
            NodeValue::BlockQuote => self.within(node, width, "| ", "| ", true),
            NodeValue::Alert(alert) => {
                let title = alert
                    .title
                    .as_deref()
                    .unwrap_or_else(|| self.style.words.alert(alert.alert_type));
                self.out.open("| ", "| ");
                self.out
                    .wrapped(&seen(&title.to_uppercase()), width.saturating_sub(2));
                self.out.close();
                self.within(node, width, "| ", "| ", true);
            }
            NodeValue::List(list) => {
                let last = list.start + node.children().count().saturating_sub(1);
                for (at, item) in node.children().enumerate() {
                    let marker = match (&item.data().value, list.list_type) {
                        (NodeValue::TaskItem(task), _) => if task.symbol.is_some() {
                            "[x] "
                        } else {
                            "[ ] "
                        }
                        .into(),
                        (_, ListType::Bullet) => Cow::Borrowed("* "),
                        (_, ListType::Ordered) => format!(
                            "{:>w$} ",
                            format!("{}.", list.start + at),
                            w = last.to_string().len() + 1
                        )
                        .into(),
                    };
                    if at > 0 && !list.tight {
                        self.out.line("");
                    }
                    let lines = self.out.lines;
                    self.within(item, width, &marker, &" ".repeat(marker.len()), !list.tight);
                    if self.out.lines == lines {
                        self.out.line(&marker);
                    }
                }
            }
            NodeValue::CodeBlock(code) => self.code(&code.literal),
            NodeValue::HtmlBlock(html) => self.code(&html.literal),
            NodeValue::ThematicBreak => self.out.line(&format!("{:^width$}", "* * *")),
            NodeValue::Table(table) => self.table(node, &table.alignments, width),
            NodeValue::FootnoteDefinition(_) => {
                self.footnotes += 1;
                let marker = format!("[^{}] ", self.footnotes);
                self.within(node, width, &marker, &" ".repeat(marker.len()), true);
            }
            _ => self.blocks(node, width, true),
        }
    }

    /// The blocks in a node behind its mark; where no room is left for another one, below it.
    fn within<'a>(&mut self, node: Node<'a>, width: usize, first: &str, rest: &str, loose: bool) {
        match width
            .checked_sub(first.len())
            .filter(|left| *left >= NARROWEST)
        {
            Some(left) => {
                self.out.open(first, rest);
                self.blocks(node, left, loose);
            }
            None => {
                self.out.open_below(first);
                self.blocks(node, width, loose);
            }
        }
        self.out.close();
    }

    fn paragraph<'a>(&mut self, node: Node<'a>, width: usize) {
        let text = self.inline(node);
        for line in text.split('\n') {
            fold(line.trim(), width, "", "", &mut |line| {
                if !line.is_empty() {
                    self.out.line(line);
                }
            });
        }
    }

    fn code(&mut self, literal: &str) {
        for line in literal.trim_end().lines() {
            self.out.line(&format!("    {}", exact(&clean(line, '\t'))));
        }
    }

    /// What stands in a paragraph, a heading or a cell; `\n` is a hard break. Not recursive.
    fn inline<'a>(&mut self, node: Node<'a>) -> String {
        let mut out = String::new();
        let mut rtl = None;
        // While inside a link: where its words begin in `out`.
        let mut link_from = 0;
        for edge in node.traverse() {
            let (inline, start) = match edge {
                NodeEdge::Start(inline) => (inline, true),
                NodeEdge::End(inline) => (inline, false),
            };
            match &inline.data().value {
                NodeValue::Text(text) if start => out.push_str(&seen(text)),
                NodeValue::Code(code) if start => {
                    let code =
                        format!("`{}`", exact(&clean(&code.literal, ' ').replace('\n', " ")));
                    // Among letters that read from right to left, code keeps its own order.
                    let rtl = *rtl.get_or_insert_with(|| is_rtl(&plain(node)));
                    out.push_str(&if rtl { ltr(&code) } else { code });
                }
                NodeValue::HtmlInline(html) if start => out.push_str(&seen(html)),
                NodeValue::SoftBreak if start => soft_break(&mut out, inline),
                NodeValue::LineBreak if start => out.push('\n'),
                NodeValue::Emph => out.push('_'),
                NodeValue::Strong => out.push('*'),
                NodeValue::Strikethrough => out.push_str("~~"),
                NodeValue::FootnoteReference(footnote) if start => {
                    out.push_str(&format!("[^{}]", footnote.ix))
                }
                NodeValue::Link(_) if start => link_from = out.len(),
                NodeValue::Link(link) => {
                    let label = out.split_off(link_from.min(out.len()));
                    out.push_str(&self.link(&link.url, label));
                }
                NodeValue::Image(_) if start => out.push('['),
                NodeValue::Image(image) => {
                    out.push(']');
                    if let Some(number) = self.number(&image.url) {
                        out.push_str(&format!(" [{number}]"));
                    }
                }
                _ => {}
            }
        }
        out
    }

    /// A link's words, and the number of its address unless the words are the address.
    fn link(&mut self, url: &str, label: String) -> String {
        let bare = url.strip_prefix("mailto:").unwrap_or(url);
        if label == bare || label == url {
            // An address is not broken, so it has to be free of what the wrapping takes for a place to break.
            return link::encoded(url).map_or(label, |url| {
                url.strip_prefix("mailto:").unwrap_or(&url).to_string()
            });
        }
        match self.number(url) {
            Some(number) if label.trim().is_empty() => format!("[{number}]"),
            Some(number) => format!("{label} [{number}]"),
            None => label,
        }
    }

    fn number(&mut self, url: &str) -> Option<usize> {
        let url = match link::judge(url) {
            link::Target::Fragment | link::Target::Dangerous => return None,
            _ => super::address(url),
        };
        let url = match (self.style.site, url.strip_prefix('/')) {
            (Some(site), Some(path)) => format!("{site}{path}"),
            _ => url,
        };
        let known = self.links.iter().position(|known| *known == url);
        Some(
            1 + known.unwrap_or_else(|| {
                self.links.push(url);
                self.links.len() - 1
            }),
        )
    }

    fn table<'a>(&mut self, table: Node<'a>, alignments: &[TableAlignment], width: usize) {
        let cell = |writer: &mut Self, cell: Node<'a>| {
            writer.inline(cell).replace('\n', " ").trim().to_string()
        };
        let mut rows: Vec<Vec<String>> = table
            .children()
            .map(|row| row.children().map(|one| cell(self, one)).collect())
            .collect();
        if rows.iter().flatten().any(|cell| is_rtl(cell)) {
            // Else each line would put its columns in the order that its first letter asks for.
            rows.iter_mut()
                .flatten()
                .filter(|cell| !cell.is_empty())
                .for_each(|cell| *cell = isolated(cell));
        }
        let number = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..number)
            .map(|at| {
                rows.iter()
                    .filter_map(|row| row.get(at))
                    .map(|cell| columns(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        match widths.iter().sum::<usize>() + 2 * number.saturating_sub(1) <= width {
            true => table::aligned(&rows, &widths, alignments, &mut self.out),
            false => table::records(&rows, width, &mut self.out),
        }
    }
}

/// A soft break is a space, but not between two wide characters: Chinese has none there.
fn soft_break<'a>(out: &mut String, at: Node<'a>) {
    let wide = |c: Option<char>| {
        c.is_some_and(|c| {
            c.width() == Some(2) && !matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1f000}'..)
        })
    };
    let next = at.next_sibling().and_then(|next| match &next.data().value {
        NodeValue::Text(text) => text.chars().next(),
        _ => None,
    });
    if !(wide(out.chars().next_back()) && wide(next)) {
        out.push(' ');
    }
}

/// The lines that are done, each behind the marks of what it stands in (quotes, items of lists).
#[derive(Default)]
struct Out {
    text: String,
    /// Where the line begins that is written next.
    begin: usize,
    lines: usize,
    marks: Vec<Mark>,
    /// An empty line, behind so many marks, if another line follows.
    gap: Option<usize>,
}

struct Mark {
    /// Until the first line is there.
    first: Option<String>,
    /// Before each later line.
    rest: String,
    /// The first mark is a line of its own.
    above: bool,
}

impl Out {
    /// From here on lines stand behind a mark.
    fn open(&mut self, first: &str, rest: &str) {
        self.marks.push(Mark {
            first: Some(first.into()),
            rest: rest.into(),
            above: false,
        });
    }

    /// From here on lines stand below a mark.
    fn open_below(&mut self, first: &str) {
        self.marks.push(Mark {
            first: Some(first.into()),
            rest: String::new(),
            above: true,
        });
    }

    fn close(&mut self) {
        self.marks.pop();
    }

    /// Writes a line, without white space at its end.
    fn line(&mut self, line: &str) {
        if let Some(depth) = self.gap.take() {
            self.mark(depth);
            self.end();
        }
        self.mark(self.marks.len());
        self.text.push_str(line);
        self.end();
    }

    fn mark(&mut self, depth: usize) {
        for at in 0..depth {
            let mark = &mut self.marks[at];
            match mark.first.take() {
                None => self.text.push_str(&mark.rest),
                Some(first) => {
                    self.text.push_str(&first);
                    if mark.above {
                        self.end();
                        self.mark(at + 1);
                    }
                }
            }
        }
    }

    fn end(&mut self) {
        self.text
            .truncate(self.begin + self.text[self.begin..].trim_end().len());
        self.text.push('\n');
        self.begin = self.text.len();
        self.lines += 1;
    }

    fn wrapped(&mut self, text: &str, width: usize) {
        fold(text, width, "", "", &mut |line| self.line(line));
    }

    /// Underlines a heading.
    fn heading(&mut self, title: &str, level: usize, width: usize) {
        let mut longest = 0;
        fold(title, width, "", "", &mut |line| {
            longest = longest.max(columns(line));
            self.line(line);
        });
        let line = match level {
            1 => "=",
            2 => "~",
            _ => "^",
        };
        self.line(&line.repeat(longest.min(width)));
    }
}

/// Whether a sign turns the order of letters round until it is taken back, perhaps beyond what its writer meant.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text without what steers terminals or turns the order of letters round.
fn seen(text: &str) -> Cow<'_, str> {
    let clean = clean(text, ' ');
    match !clean.is_ascii() && clean.contains(turns) {
        true => clean.replace(turns, "").into(),
        false => clean,
    }
}

/// Code, where a sign that is left out would make it other code: it is named.
fn exact(code: &str) -> Cow<'_, str> {
    match !code.is_ascii() && code.contains(turns) {
        false => code.into(),
        true => code
            .chars()
            .map(|c| {
                if turns(c) {
                    format!("<U+{:04X}>", u32::from(c))
                } else {
                    c.to_string()
                }
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests;
