//! Markdown as plain text, to be read in a terminal: wrapped by what is seen (display columns), with links as
//! numbers that are explained at the end.
//!
//! Nothing that is added here begins a line with a hyphen, which a clear signature would have to escape.

use super::{DEEPEST, Levels, Words, clean, link, parsed, plain};
use comrak::{
    Node,
    arena_tree::NodeEdge,
    nodes::{ListType, NodeValue, TableAlignment},
};
use std::iter::repeat_n;
use unicode_width::UnicodeWidthChar as _;
use wrap::{NARROWEST, isolated};

mod table;
mod wrap;

pub use wrap::wrap;
pub(crate) use wrap::{columns, is_rtl, ltr};

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
    text_as(markdown, &TextStyle { width, words: &Words::english(), site: None, top: 1 }).text
}

/// Makes plain text as it is wanted.
pub fn text_as(markdown: &str, style: &TextStyle<'_>) -> Plain {
    parsed(markdown, |root| {
        let mut writer = Writer { style, levels: Levels::default(), links: Vec::new(), footnotes: 0, depth: 0 };
        let width = style.width.max(NARROWEST);
        let mut lines = writer.blocks(root, width, true);
        if !writer.links.is_empty() {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(heading(&seen(&style.words.links), 2.max(style.top), width));
            lines.push(String::new());
            let digits = writer.links.len().to_string().len() + 2;
            for (number, url) in writer.links.iter().enumerate() {
                lines.push(format!("{:>digits$} {url}", format!("[{}]", number + 1)));
            }
        }
        let mut text = String::new();
        for line in lines {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        let begin = text.find(|c| c != '\n').unwrap_or(text.len());
        let text = text[begin..].trim_end();
        Plain { text: if text.is_empty() { String::new() } else { format!("{text}\n") }, links: writer.links.len() }
    })
}

/// Underlines a heading.
fn heading(title: &str, level: usize, width: usize) -> Vec<String> {
    let mut lines = wrap(title, width, "", "");
    let line = match level {
        1 => '=',
        2 => '~',
        _ => '^',
    };
    let longest = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
    lines.push(repeat_n(line, longest.min(width)).collect());
    lines
}

struct Writer<'s> {
    style: &'s TextStyle<'s>,
    levels: Levels,
    links: Vec<String>,
    footnotes: usize,
    depth: usize,
}

impl Writer<'_> {
    /// The blocks in a node, with an empty line between them if `loose`.
    fn blocks<'a>(&mut self, parent: Node<'a>, width: usize, loose: bool) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut before_list = false;
        for node in parent.children() {
            let lines = self.block(node, width);
            let is_list = matches!(node.data().value, NodeValue::List(_));
            if lines.is_empty() {
                continue;
            }
            // Two lists that follow each other would read as one.
            if !out.is_empty() && (loose || before_list && is_list) {
                out.push(String::new());
            }
            before_list = is_list;
            out.extend(lines);
        }
        out
    }

    fn block<'a>(&mut self, node: Node<'a>, width: usize) -> Vec<String> {
        if self.depth >= DEEPEST {
            return wrap(&seen(&plain(node)), width, "", "");
        }
        self.depth += 1;
        let lines = self.framed(node, width);
        self.depth -= 1;
        lines
    }

    fn framed<'a>(&mut self, node: Node<'a>, width: usize) -> Vec<String> {
        let data = node.data();
        match &data.value {
            NodeValue::Paragraph => self.paragraph(node, width),
            NodeValue::Heading(written) => {
                let level = self.levels.next(written.level) + self.style.top - 1;
                let title = self.inline(node).replace('\n', " ");
                heading(&title, level, width)
            }
            NodeValue::BlockQuote => self.within(node, width, "| ", "| ", true),
            NodeValue::Alert(alert) => {
                let title = alert.title.as_deref().unwrap_or_else(|| self.style.words.alert(alert.alert_type));
                let mut lines = prefixed(wrap(&seen(&title.to_uppercase()), width.saturating_sub(2), "", ""), "| ", "| ");
                lines.extend(self.within(node, width, "| ", "| ", true));
                lines
            }
            NodeValue::List(list) => {
                let last = list.start + node.children().count().saturating_sub(1);
                let mut out = Vec::new();
                for (at, item) in node.children().enumerate() {
                    let marker = match (&item.data().value, list.list_type) {
                        (NodeValue::TaskItem(task), _) => if task.symbol.is_some() { "[x] " } else { "[ ] " }.to_string(),
                        (_, ListType::Bullet) => "* ".to_string(),
                        (_, ListType::Ordered) => {
                            format!("{:>w$} ", format!("{}.", list.start + at), w = last.to_string().len() + 1)
                        }
                    };
                    let lines = self.within(item, width, &marker, &" ".repeat(marker.len()), !list.tight);
                    if at > 0 && !list.tight {
                        out.push(String::new());
                    }
                    if lines.is_empty() {
                        out.push(marker.trim_end().to_string());
                    }
                    out.extend(lines);
                }
                out
            }
            NodeValue::CodeBlock(code) => code_lines(&code.literal),
            NodeValue::HtmlBlock(html) => code_lines(&html.literal),
            NodeValue::ThematicBreak => vec![format!("{:^width$}", "* * *").trim_end().to_string()],
            NodeValue::Table(table) => self.table(node, &table.alignments, width),
            NodeValue::FootnoteDefinition(_) => {
                self.footnotes += 1;
                let marker = format!("[^{}] ", self.footnotes);
                self.within(node, width, &marker, &" ".repeat(marker.len()), true)
            }
            _ => self.blocks(node, width, true),
        }
    }

    /// The blocks in a node behind its mark; where no room is left for another one, below it.
    fn within<'a>(&mut self, node: Node<'a>, width: usize, first: &str, rest: &str, loose: bool) -> Vec<String> {
        match width.checked_sub(first.len()).filter(|left| *left >= NARROWEST) {
            Some(left) => prefixed(self.blocks(node, left, loose), first, rest),
            None => {
                let mut lines = self.blocks(node, width, loose);
                if !lines.is_empty() {
                    lines.insert(0, first.trim_end().to_string());
                }
                lines
            }
        }
    }

    fn paragraph<'a>(&mut self, node: Node<'a>, width: usize) -> Vec<String> {
        let text = self.inline(node);
        text.split('\n').flat_map(|line| wrap(line.trim(), width, "", "")).filter(|line| !line.is_empty()).collect()
    }

    /// What stands in a paragraph, a heading or a cell; `\n` is a hard break. Not recursive.
    fn inline<'a>(&mut self, node: Node<'a>) -> String {
        let mut out = String::new();
        // Among letters that read from right to left, code keeps its own order.
        let rtl = is_rtl(&plain(node));
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
                    let code = format!("`{}`", exact(&clean(&code.literal, ' ').replace('\n', " ")));
                    out.push_str(&if rtl { ltr(&code) } else { code });
                }
                NodeValue::HtmlInline(html) if start => out.push_str(&seen(html)),
                NodeValue::SoftBreak if start => soft_break(&mut out, inline),
                NodeValue::LineBreak if start => out.push('\n'),
                NodeValue::Emph => out.push('_'),
                NodeValue::Strong => out.push('*'),
                NodeValue::Strikethrough => out.push_str("~~"),
                NodeValue::FootnoteReference(footnote) if start => out.push_str(&format!("[^{}]", footnote.ix)),
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
            return link::encoded(url).map_or(label, |url| url.strip_prefix("mailto:").unwrap_or(&url).to_string());
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

    fn table<'a>(&mut self, table: Node<'a>, alignments: &[TableAlignment], width: usize) -> Vec<String> {
        let cell = |writer: &mut Self, cell: Node<'a>| writer.inline(cell).replace('\n', " ").trim().to_string();
        let mut rows: Vec<Vec<String>> =
            table.children().map(|row| row.children().map(|one| cell(self, one)).collect()).collect();
        if rows.iter().flatten().any(|cell| is_rtl(cell)) {
            // Else each line would put its columns in the order that its first letter asks for.
            rows.iter_mut().flatten().filter(|cell| !cell.is_empty()).for_each(|cell| *cell = isolated(cell));
        }
        let number = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..number)
            .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| columns(cell)).max().unwrap_or(0))
            .collect();
        match widths.iter().sum::<usize>() + 2 * number.saturating_sub(1) <= width {
            true => table::aligned(&rows, &widths, alignments),
            false => table::records(&rows, width),
        }
    }
}

/// A soft break is a space, but not between two wide characters: Chinese has none there.
fn soft_break<'a>(out: &mut String, at: Node<'a>) {
    let wide = |c: Option<char>| c.is_some_and(|c| c.width() == Some(2) && !matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1f000}'..));
    let next = at.next_sibling().and_then(|next| match &next.data().value {
        NodeValue::Text(text) => text.chars().next(),
        _ => None,
    });
    if !(wide(out.chars().next_back()) && wide(next)) {
        out.push(' ');
    }
}

fn prefixed(lines: Vec<String>, first: &str, rest: &str) -> Vec<String> {
    let with = |(at, line): (usize, String)| format!("{}{line}", if at == 0 { first } else { rest }).trim_end().to_string();
    lines.into_iter().enumerate().map(with).collect()
}

fn code_lines(literal: &str) -> Vec<String> {
    literal.trim_end().lines().map(|line| format!("    {}", exact(&clean(line, '\t'))).trim_end().to_string()).collect()
}

/// Whether a sign turns the order of letters round until it is taken back, perhaps beyond what its writer meant.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text without what steers terminals or turns the order of letters round.
fn seen(text: &str) -> String {
    clean(text, ' ').replace(turns, "")
}

/// Code, where a sign that is left out would make it other code: it is named.
fn exact(code: &str) -> String {
    match code.contains(turns) {
        false => code.to_string(),
        true => code.chars().map(|c| if turns(c) { format!("<U+{:04X}>", u32::from(c)) } else { c.to_string() }).collect(),
    }
}

#[cfg(test)]
mod tests;
