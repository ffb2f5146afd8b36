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
use textwrap::{WordSeparator, WordSplitter, core::Word};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How a text is laid out.
#[derive(Debug, Clone)]
pub struct TextStyle<'a> {
    /// In columns; only a word that cannot be broken, code and addresses go beyond.
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
        let width = style.width.max(20);
        let mut lines = writer.blocks(root, width, true);
        if !writer.links.is_empty() {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(heading(&clean(&style.words.links, ' '), 2.max(style.top), width));
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

/// Wraps one paragraph; the later lines begin with `hang`, which counts.
pub fn wrap(text: &str, width: usize, first: &str, hang: &str) -> Vec<String> {
    let options = textwrap::Options::new(width.max(20))
        .initial_indent(first)
        .subsequent_indent(hang)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    let lines = textwrap::wrap(text, options);
    lines.into_iter().map(|line| line.trim_end().to_string()).collect()
}

/// Underlines a heading.
fn heading(title: &str, level: usize, width: usize) -> Vec<String> {
    let mut lines = wrap(title, width, "", "");
    let line = match level {
        1 => '=',
        2 => '~',
        _ => '^',
    };
    let longest = lines.iter().map(|line| line.width()).max().unwrap_or(0);
    lines.push(repeat_n(line, longest).collect());
    lines
}

/// Where a line may be broken: at white space, and where Unicode (UAX #14) allows it beside a wide character,
/// as in Chinese. Not inside addresses, paths and CVSS vectors, where Unicode would allow it too.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut words = Vec::new();
    let (mut start, mut end) = (0, 0);
    for piece in WordSeparator::UnicodeBreakProperties.find_words(line) {
        let piece_end = end + piece.word.len() + piece.whitespace.len();
        let wide = |c: Option<char>| c.and_then(|c| c.width()) == Some(2);
        let breakable =
            line[start..end].ends_with(' ') || wide(line[..end].chars().next_back()) || wide(line[end..].chars().next());
        if start < end && breakable {
            words.push(Word::from(&line[start..end]));
            start = end;
        }
        end = piece_end;
    }
    if start < end {
        words.push(Word::from(&line[start..end]));
    }
    Box::new(words.into_iter())
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
            return wrap(&plain(node), width, "", "");
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
            NodeValue::BlockQuote => prefixed(self.blocks(node, width.saturating_sub(2), true), "| ", "| "),
            NodeValue::Alert(alert) => {
                let title = alert.title.as_deref().unwrap_or_else(|| self.style.words.alert(alert.alert_type));
                let mut lines = wrap(&clean(&title.to_uppercase(), ' '), width.saturating_sub(2), "", "");
                lines.extend(self.blocks(node, width.saturating_sub(2), true));
                prefixed(lines, "| ", "| ")
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
                    let lines = self.blocks(item, width.saturating_sub(marker.len()), !list.tight);
                    if at > 0 && !list.tight {
                        out.push(String::new());
                    }
                    if lines.is_empty() {
                        out.push(marker.trim_end().to_string());
                    }
                    out.extend(prefixed(lines, &marker, &" ".repeat(marker.len())));
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
                let lines = self.blocks(node, width.saturating_sub(marker.len()), true);
                prefixed(lines, &marker, &" ".repeat(marker.len()))
            }
            _ => self.blocks(node, width, true),
        }
    }

    fn paragraph<'a>(&mut self, node: Node<'a>, width: usize) -> Vec<String> {
        let text = self.inline(node);
        text.split('\n').flat_map(|line| wrap(line.trim(), width, "", "")).filter(|line| !line.is_empty()).collect()
    }

    /// What stands in a paragraph, a heading or a cell; `\n` is a hard break. Not recursive.
    fn inline<'a>(&mut self, node: Node<'a>) -> String {
        let mut out = String::new();
        // While inside a link: where its words begin in `out`.
        let mut link_from = 0;
        for edge in node.traverse() {
            let (inline, start) = match edge {
                NodeEdge::Start(inline) => (inline, true),
                NodeEdge::End(inline) => (inline, false),
            };
            match &inline.data().value {
                NodeValue::Text(text) if start => out.push_str(&clean(text, ' ')),
                NodeValue::Code(code) if start => {
                    out.push('`');
                    out.push_str(&clean(&code.literal, ' ').replace('\n', " "));
                    out.push('`');
                }
                NodeValue::HtmlInline(html) if start => out.push_str(&clean(html, ' ')),
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
            // What cannot be followed can still be read.
            _ => link::encoded(url).unwrap_or_else(|| clean(url, ' ').replace(' ', "%20")),
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
        let rows: Vec<Vec<String>> = table.children().map(|row| row.children().map(|one| cell(self, one)).collect()).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max().unwrap_or(0))
            .collect();
        match widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1) <= width {
            true => aligned(&rows, &widths, alignments),
            false => records(&rows, width),
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
    literal.trim_end().lines().map(|line| format!("    {}", clean(line, '\t')).trim_end().to_string()).collect()
}

fn aligned(rows: &[Vec<String>], widths: &[usize], alignments: &[TableAlignment]) -> Vec<String> {
    let line = |cells: &[String], fill: char| {
        let cells = widths.iter().enumerate().map(|(at, width)| {
            let cell = cells.get(at).map(String::as_str).unwrap_or_default();
            let room = width - cell.width();
            let left = match alignments.get(at) {
                Some(TableAlignment::Right) => room,
                Some(TableAlignment::Center) => room / 2,
                Some(TableAlignment::Left | TableAlignment::None) | None => 0,
            };
            format!("{}{cell}{}", fill.to_string().repeat(left), fill.to_string().repeat(room - left))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    let mut out = Vec::with_capacity(rows.len() + 1);
    for (at, row) in rows.iter().enumerate() {
        out.push(line(row, ' '));
        if at == 0 {
            out.push(line(&[], '='));
        }
    }
    out
}

fn records(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let (head, rows) = match rows.split_first() {
        Some((head, [])) => return wrap(&head.join(" / "), width, "", "  "),
        Some((head, rows)) => (head, rows),
        None => return Vec::new(),
    };
    let mut out = Vec::new();
    for row in rows {
        if !out.is_empty() {
            out.push(String::new());
        }
        for (at, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            match head.get(at).filter(|head| !head.is_empty()) {
                Some(head) => out.extend(wrap(&format!("{head}: {cell}"), width, "", "  ")),
                None => out.extend(wrap(cell, width, "", "  ")),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(markdown: &str, expected: &[&str]) {
        let text = text(markdown, 40);
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{markdown:?}");
        assert!(text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n"), "{markdown:?}");
        assert!(text.lines().all(|line| !line.ends_with([' ', '\t'])), "{markdown:?}");
    }

    #[test]
    fn paragraphs_are_wrapped_by_what_is_seen() {
        check(
            "one two three four five six seven eight nine\nten **strong** _soft_\\\nhard\n",
            &["one two three four five six seven eight", "nine ten *strong* _soft_", "hard"],
        );
        check(
            "Ошибка позволяет выполнить произвольный код на сервере\n",
            &["Ошибка позволяет выполнить произвольный", "код на сервере"],
        );
        check(
            "攻撃者は認証なしでサーバー上で任意のコードを実行することができます。\n至急更新。\n",
            &["攻撃者は認証なしでサーバー上で任意のコー", "ドを実行することができます。至急更新。"],
        );
        check(
            "تسمح هذه الثغرة للمهاجم بتنفيذ تعليمات برمجية عن بعد\n",
            &["تسمح هذه الثغرة للمهاجم بتنفيذ تعليمات", "برمجية عن بعد"],
        );
        check("\n\n", &[]);
    }

    #[test]
    fn what_has_to_be_copied_whole_is_never_broken() {
        let url = "https://example.org/a/very/long/path/that/exceeds?the=width&of=lines";
        check(&format!("see <{url}> now\n"), &["see", url, "now"]);
        check(
            "the vector CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H counts\n",
            &["the vector", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "counts"],
        );
        check(
            "    code\twith  spaces   and a line that is longer than forty columns\n\n    x   \n",
            &["    code\twith  spaces   and a line that is longer than forty columns", "", "    x"],
        );
    }

    #[test]
    fn links_are_numbers_explained_at_the_end() {
        check(
            "[a](https://x.example/b(c)) [d](https://y.example) [e](https://x.example/b(c)) [f](#g) <h@i.example> [j](mailto:k@l.example)\n",
            &[
                "a [1] d [2] e [1] f h@i.example j [3]",
                "",
                "Links",
                "~~~~~",
                "",
                "[1] https://x.example/b(c)",
                "[2] https://y.example",
                "[3] mailto:k@l.example",
            ],
        );
        check(
            "[a](http://mailto:b@c.example) [d](javascript:x)\n",
            &["a [1] d", "", "Links", "~~~~~", "", "[1] http://mailto:b@c.example"],
        );
    }

    #[test]
    fn lists_hang() {
        check(
            "- one two three four five six seven eight nine\n  - nested\n\n    more\n- [x] done\n- [ ] open\n",
            &["* one two three four five six seven", "  eight nine", "  * nested", "", "    more", "[x] done", "[ ] open"],
        );
        check("9. a\n10. b\n\n- c\n\n* d\n", &[" 9. a", "10. b", "", "* c", "", "* d"]);
        check("1. a\n\n   ```\n   x\n   ```\n2. b\n", &["1. a", "", "       x", "", "2. b"]);
    }

    #[test]
    fn headings_quotes_and_alerts_have_their_marks() {
        check(
            "## A\n\n#### B b\n\n> q\n>\n> r\n\n> [!WARNING]\n> stop\n",
            &["A", "=", "", "B b", "~~~", "", "| q", "|", "| r", "", "| WARNING", "| stop"],
        );
        check("## 深刻\n", &["深刻", "===="]);
        check("a[^n]\n\n---\n\n[^n]: note\n", &["a[^1]", "", "                 * * *", "", "[^1] note"]);
    }

    #[test]
    fn tables_are_columns_or_records() {
        check("| a | name |\n|--:|---|\n| 10 | 深 |\n| 9 | b |\n", &[" a  name", "==  ====", "10  深", " 9  b"]);
        check(
            "| version | what to do about it |\n|---|---|\n| 1.2.3.4 | update as soon as you can, really |\n| 2 | |\n",
            &["version: 1.2.3.4", "what to do about it: update as soon as", "  you can, really", "", "version: 2"],
        );
    }

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        check("a\u{1b}[31mb\u{9b}c `\u{7}d`\n\n    \u{1b}]0;x\n", &["a[31mbc `d`", "", "    ]0;x"]);
    }

    #[test]
    fn links_of_the_site_are_made_absolute() {
        let words = Words::english();
        let style = TextStyle { width: 72, words: &words, site: Some("https://cert.example.org/"), top: 2 };
        let plain = text_as("[a](/pgp/)\n\n## B\n", &style);
        assert_eq!(
            (plain.text.as_str(), plain.links),
            ("a [1]\n\nB\n~\n\nLinks\n~~~~~\n\n[1] https://cert.example.org/pgp/\n", 1)
        );
    }
}
