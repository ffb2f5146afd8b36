//! Markdown as a fragment of a page: valid HTML without scripts, styles or anything from another host.
//!
//! comrak's own formatter is not used: it writes the obsolete `align=` on table cells and sections without
//! headings, and takes raw HTML in or drops it. Here everything that is not known is text and is escaped.

use super::{DEEPEST, Document, Levels, Words, clean, link, plain};
use crate::terms::has_foul;
use comrak::{
    Anchorizer, Node,
    arena_tree::NodeEdge,
    nodes::{ListType, NodeValue, TableAlignment},
};
use std::{fmt::Write as _, iter};

/// How a fragment fits into its page.
#[derive(Debug, Clone)]
pub struct HtmlStyle<'a> {
    /// Begins every `id`, so that fragments on one page do not collide; may be empty.
    pub prefix: &'a str,
    /// The level of the highest heading, 2 unless the page has a reason; deeper ones follow without gaps.
    pub top: u8,
    /// Of the text's language.
    pub words: &'a Words,
}

impl Default for HtmlStyle<'_> {
    fn default() -> Self {
        static ENGLISH: std::sync::LazyLock<Words> = std::sync::LazyLock::new(Words::english);
        HtmlStyle {
            prefix: "",
            top: 2,
            words: &ENGLISH,
        }
    }
}

impl Document<'_> {
    /// Makes the fragment. What [`super::lint`] refuses cannot act in it either: raw HTML shows as text, and a
    /// dangerous link is no link.
    pub fn html(&self, style: &HtmlStyle<'_>) -> String {
        let mut page = Page {
            out: String::with_capacity(self.length + self.length / 4),
            style,
            headings: headings(self.root, style),
            at_heading: 0,
            columns: Vec::new(),
            column: 0,
            in_head: false,
            footnotes: 0,
            in_image: None,
            links: Vec::new(),
            depth: 0,
        };
        for edge in self.root.traverse() {
            page.edge(edge);
        }
        page.out
    }
}

/// Level, id without prefix.
fn headings<'a>(root: Node<'a>, style: &HtmlStyle<'_>) -> Vec<(usize, String)> {
    let mut levels = Levels::default();
    let mut ids = Anchorizer::new();
    let mut found = Vec::new();
    for node in root.descendants() {
        if let NodeValue::Heading(heading) = node.data().value {
            let level = (levels.next(heading.level) + usize::from(style.top) - 1).min(6);
            let title = plain(node);
            let title = if title.chars().any(char::is_alphanumeric) {
                title.as_str()
            } else {
                "section"
            };
            found.push((level, ids.anchorize(title.trim())));
        }
    }
    found
}

struct Page<'s> {
    out: String,
    style: &'s HtmlStyle<'s>,
    headings: Vec<(usize, String)>,
    at_heading: usize,
    columns: Vec<TableAlignment>,
    column: usize,
    in_head: bool,
    footnotes: usize,
    /// While an image's text goes into its `alt` and not onto the page: how many images deep.
    in_image: Option<usize>,
    /// Of the links that are open: whether each may be followed.
    links: Vec<bool>,
    /// Of blocks; what lies deeper than [`DEEPEST`] loses its frame but not its text.
    depth: usize,
}

impl Page<'_> {
    fn edge<'a>(&mut self, edge: NodeEdge<Node<'a>>) {
        let (node, start) = match edge {
            NodeEdge::Start(node) => (node, true),
            NodeEdge::End(node) => (node, false),
        };
        let data = node.data();
        if let Some(images) = self.in_image {
            if let NodeValue::Image(_) = &data.value {
                let images = if start { images + 1 } else { images - 1 };
                self.in_image = (images > 0).then_some(images);
            }
            return;
        }
        if is_frame(&data.value) {
            self.depth = if start {
                self.depth + 1
            } else {
                self.depth - 1
            };
            if self.depth + usize::from(!start) > DEEPEST {
                return;
            }
        }
        if start {
            self.start(node, &data.value)
        } else {
            self.end(node, &data.value)
        }
    }

    fn start<'a>(&mut self, node: Node<'a>, value: &NodeValue) {
        match value {
            NodeValue::Paragraph if is_tight(node) => {}
            NodeValue::Paragraph => self.tag("<p>"),
            NodeValue::BlockQuote => self.tag("<blockquote>\n"),
            NodeValue::List(list) => match list.list_type {
                ListType::Bullet if list.is_task_list => self.tag("<ul class=\"tasks\">\n"),
                ListType::Bullet => self.tag("<ul>\n"),
                ListType::Ordered if list.start == 1 => self.tag("<ol>\n"),
                ListType::Ordered => self.write(format_args!("<ol start=\"{}\">\n", list.start)),
            },
            NodeValue::Item(_) => self.tag("<li>"),
            NodeValue::TaskItem(task) => {
                self.tag(if task.symbol.is_some() {
                    "<li class=\"done\">\u{2611} "
                } else {
                    "<li class=\"open\">\u{2610} "
                });
            }
            NodeValue::Heading(_) => {
                if let Some((level, id)) = self.headings.get(self.at_heading) {
                    let opening = format!(
                        "<h{level} id=\"{}{}\">",
                        escaped(self.style.prefix),
                        escaped(id)
                    );
                    self.tag(&opening);
                }
            }
            NodeValue::CodeBlock(code) => {
                // What may scroll has to be reachable by the keyboard.
                self.tag("<pre tabindex=\"0\"><code");
                let language = code.info.split([' ', ',', '{']).next().unwrap_or_default();
                if !language.is_empty() {
                    self.write(format_args!(" class=\"language-{}\"", escaped(language)));
                }
                self.out.push('>');
                self.text(&code.literal);
                self.tag("</code></pre>\n");
            }
            NodeValue::HtmlBlock(html) => {
                self.tag("<p>");
                self.text(html.literal.trim_end());
                self.tag("</p>\n");
            }
            NodeValue::HtmlInline(html) => self.text(html),
            NodeValue::ThematicBreak => self.tag("<hr>\n"),
            NodeValue::Alert(alert) => {
                let class = alert.alert_type.default_title().to_lowercase();
                self.write(format_args!(
                    "<div class=\"alert {class}\" role=\"note\">\n<p class=\"alert-title\">"
                ));
                self.text(
                    alert
                        .title
                        .as_deref()
                        .unwrap_or_else(|| self.style.words.alert(alert.alert_type)),
                );
                self.tag("</p>\n");
            }
            NodeValue::Table(table) => {
                self.columns.clone_from(&table.alignments);
                let name = escaped(&self.style.words.table);
                self.write(format_args!("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"{name}\">\n<table>\n"));
            }
            NodeValue::TableRow(head) => {
                (self.in_head, self.column) = (*head, 0);
                if *head {
                    self.tag("<thead>\n");
                } else if node
                    .previous_sibling()
                    .is_some_and(|row| matches!(row.data().value, NodeValue::TableRow(true)))
                {
                    self.tag("<tbody>\n");
                }
                self.tag("<tr>");
            }
            NodeValue::TableCell => {
                // A heading without a word is no heading to those who hear it.
                self.tag(if self.is_heading(node) {
                    "<th scope=\"col\""
                } else {
                    "<td"
                });
                self.tag(match self.columns.get(self.column) {
                    Some(TableAlignment::Right) => " class=\"right\">",
                    Some(TableAlignment::Center) => " class=\"center\">",
                    Some(TableAlignment::Left | TableAlignment::None) | None => ">",
                });
            }
            NodeValue::FootnoteDefinition(_) => {
                self.footnotes += 1;
                if self.footnotes == 1 {
                    self.tag("<div class=\"footnotes\">\n<hr>\n<ol>\n");
                }
                let opening = format!(
                    "<li id=\"{}fn-{}\">",
                    escaped(self.style.prefix),
                    self.footnotes
                );
                self.tag(&opening);
            }
            NodeValue::FootnoteReference(footnote) => {
                let (prefix, number) = (escaped(self.style.prefix), footnote.ix);
                let place = match footnote.ref_num {
                    0 | 1 => format!("{prefix}fnref-{number}"),
                    more => format!("{prefix}fnref-{number}-{more}"),
                };
                let link = format!(
                    "<sup><a href=\"#{prefix}fn-{number}\" id=\"{place}\" role=\"doc-noteref\">{number}</a></sup>"
                );
                self.tag(&link);
            }
            NodeValue::Text(text) => self.text(text),
            NodeValue::Code(code) => {
                self.tag("<code>");
                self.text(&code.literal);
                self.tag("</code>");
            }
            NodeValue::SoftBreak => self.out.push('\n'),
            NodeValue::LineBreak => self.tag("<br>\n"),
            NodeValue::Emph => self.tag("<em>"),
            NodeValue::Strong => self.tag("<strong>"),
            NodeValue::Strikethrough => self.tag("<del>"),
            NodeValue::Link(link) => {
                let opening = self.opening(&link.url, &link.title);
                self.links.push(opening.is_some());
                self.tag(&opening.unwrap_or_default());
                if node.first_child().is_none() {
                    self.text(&link.url);
                }
            }
            NodeValue::Image(image) => {
                let alt = plain(node);
                match link::judge(&image.url) {
                    link::Target::Site => {
                        let source = escaped(&link::encoded(&image.url).unwrap_or_default());
                        self.write(format_args!(
                            "<img src=\"{source}\" alt=\"{}\" loading=\"lazy\"",
                            escaped(&alt)
                        ));
                        self.title(&image.title);
                        self.out.push('>');
                    }
                    _ => self.text(&alt),
                }
                self.in_image = Some(1);
            }
            _ => {}
        }
    }

    fn end<'a>(&mut self, node: Node<'a>, value: &NodeValue) {
        match value {
            NodeValue::Paragraph if is_tight(node) => {}
            NodeValue::Paragraph => {
                self.back_link(node);
                self.tag("</p>\n");
            }
            NodeValue::BlockQuote => self.tag("</blockquote>\n"),
            NodeValue::List(list) => self.tag(if list.list_type == ListType::Ordered {
                "</ol>\n"
            } else {
                "</ul>\n"
            }),
            NodeValue::Item(_) | NodeValue::TaskItem(_) => self.tag("</li>\n"),
            NodeValue::Heading(_) => {
                if let Some((level, _)) = self.headings.get(self.at_heading) {
                    let closing = format!("</h{level}>\n");
                    self.tag(&closing);
                }
                self.at_heading += 1;
            }
            NodeValue::Alert(_) => self.tag("</div>\n"),
            NodeValue::Table(_) => {
                let has_body = node
                    .last_child()
                    .is_some_and(|row| matches!(row.data().value, NodeValue::TableRow(false)));
                self.tag(if has_body {
                    "</tbody>\n</table>\n</div>\n"
                } else {
                    "</table>\n</div>\n"
                });
            }
            NodeValue::TableRow(head) => self.tag(if *head {
                "</tr>\n</thead>\n"
            } else {
                "</tr>\n"
            }),
            NodeValue::TableCell => {
                self.tag(if self.is_heading(node) {
                    "</th>"
                } else {
                    "</td>"
                });
                self.column += 1;
            }
            NodeValue::FootnoteDefinition(_) => {
                let ends_in_paragraph = node
                    .last_child()
                    .is_some_and(|last| matches!(last.data().value, NodeValue::Paragraph));
                if !ends_in_paragraph {
                    self.write_back_link();
                }
                self.tag("</li>\n");
            }
            NodeValue::Document if self.footnotes > 0 => self.tag("</ol>\n</div>\n"),
            NodeValue::Emph => self.tag("</em>"),
            NodeValue::Strong => self.tag("</strong>"),
            NodeValue::Strikethrough => self.tag("</del>"),
            NodeValue::Link(_) if self.links.pop() == Some(true) => self.tag("</a>"),
            _ => {}
        }
    }

    fn is_heading<'a>(&self, cell: Node<'a>) -> bool {
        self.in_head && cell.first_child().is_some()
    }

    /// After the last paragraph of a footnote: the way back.
    fn back_link<'a>(&mut self, paragraph: Node<'a>) {
        let in_footnote = paragraph
            .parent()
            .is_some_and(|parent| matches!(parent.data().value, NodeValue::FootnoteDefinition(_)));
        if in_footnote && paragraph.next_sibling().is_none() {
            self.out.push(' ');
            self.write_back_link();
        }
    }

    fn write_back_link(&mut self) {
        let (prefix, number, words) = (
            escaped(self.style.prefix),
            self.footnotes,
            escaped(&self.style.words.back),
        );
        self.write(format_args!(
            "<a href=\"#{prefix}fnref-{number}\" role=\"doc-backlink\" aria-label=\"{words}\">\u{21a9}\u{fe0e}</a>"
        ));
    }

    /// The opening tag of a link, if the link may be followed at all.
    fn opening(&self, url: &str, title: &str) -> Option<String> {
        let target = link::judge(url);
        let mut href = link::encoded(url)?;
        if let (link::Target::Fragment, Some(id)) = (target, url.trim().strip_prefix('#'))
            && self.headings.iter().any(|(_, own)| own == id)
        {
            href = link::encoded(&format!("#{}{id}", self.style.prefix))?;
        }
        let mut tag = format!("<a href=\"{}\"", escaped(&href));
        if target == link::Target::Remote {
            tag.push_str(" rel=\"noopener noreferrer\"");
        }
        if !title.is_empty() {
            let _ = write!(tag, " title=\"{}\"", escaped(title));
        }
        tag.push('>');
        Some(tag)
    }

    fn title(&mut self, title: &str) {
        if !title.is_empty() {
            self.write(format_args!(" title=\"{}\"", escaped(title)));
        }
    }

    fn tag(&mut self, tag: &str) {
        self.out.push_str(tag);
    }

    fn write(&mut self, what: std::fmt::Arguments<'_>) {
        self.out
            .write_fmt(what)
            .expect("writing into a String cannot fail");
    }

    fn text(&mut self, text: &str) {
        escape_into(&mut self.out, text);
    }
}

/// The blocks that frame other blocks and that a text can stack without end.
fn is_frame(value: &NodeValue) -> bool {
    matches!(
        value,
        NodeValue::BlockQuote
            | NodeValue::List(_)
            | NodeValue::Item(_)
            | NodeValue::TaskItem(_)
            | NodeValue::Alert(_)
    )
}

fn is_tight<'a>(paragraph: Node<'a>) -> bool {
    let list = paragraph.parent().and_then(|item| item.parent());
    list.is_some_and(|list| matches!(&list.data().value, NodeValue::List(list) if list.tight))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape_into(&mut out, text);
    out
}

fn escape_into(out: &mut String, text: &str) {
    match has_foul(text) {
        true => pieces(&clean(text, '\t')).for_each(|piece| out.push_str(piece)),
        false => pieces(text).for_each(|piece| out.push_str(piece)),
    }
}

/// A text as pieces of markup: what stands between special characters, and the references that stand for these.
pub fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    iter::from_fn(move || {
        let first = *rest.as_bytes().first()?;
        let (piece, after) = match reference(first) {
            Some(reference) => (reference, &rest[1..]),
            None => rest.split_at(unmarked(rest.as_bytes())),
        };
        rest = after;
        Some(piece)
    })
}

/// How many bytes come before the first special character.
fn unmarked(bytes: &[u8]) -> usize {
    let special = |byte: &u8| {
        (*byte == b'&') | (*byte == b'<') | (*byte == b'>') | (*byte == b'"') | (*byte == b'\'')
    };
    // Most texts have none: so many are looked at together as a processor takes at once.
    let clean = bytes
        .chunks(32)
        .take_while(|chunk| !chunk.iter().fold(false, |any, byte| any | special(byte)))
        .count()
        * 32;
    let clean = clean.min(bytes.len());
    clean
        + bytes[clean..]
            .iter()
            .position(special)
            .unwrap_or(bytes.len() - clean)
}

fn reference(special: u8) -> Option<&'static str> {
    match special {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#39;"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::html, *};

    fn check(markdown: &str, expected: &str) {
        assert_eq!(
            html(markdown, &HtmlStyle::default()),
            expected,
            "{markdown:?}"
        );
    }

    #[test]
    fn headings_leave_the_first_level_to_the_page_and_have_no_gaps() {
        check(
            "## A\n\n#### B\n\n## A\n",
            "<h2 id=\"a\">A</h2>\n<h3 id=\"b\">B</h3>\n<h2 id=\"a-1\">A</h2>\n",
        );
        check(
            "# Что делать\n\n[x](#что-делать)\n",
            "<h2 id=\"что-делать\">Что делать</h2>\n<p><a href=\"#%D1%87%D1%82%D0%BE-%D0%B4%D0%B5%D0%BB%D0%B0%D1%82%D1%8C\">x</a></p>\n",
        );
        let style = HtmlStyle {
            prefix: "t-",
            ..HtmlStyle::default()
        };
        assert_eq!(
            html("## A\n\n[x](#a) [y](#tlp)\n", &style),
            "<h2 id=\"t-a\">A</h2>\n<p><a href=\"#t-a\">x</a> <a href=\"#tlp\">y</a></p>\n"
        );
    }

    #[test]
    fn table_cells_have_classes_and_no_align() {
        check(
            "| a | |\n|--:|:-:|\n| 1 | < |\n",
            "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"Table\">\n<table>\n<thead>\n<tr>\
             <th scope=\"col\" class=\"right\">a</th><td class=\"center\"></td></tr>\n</thead>\n<tbody>\n<tr>\
             <td class=\"right\">1</td><td class=\"center\">&lt;</td></tr>\n</tbody>\n</table>\n</div>\n",
        );
        assert!(
            html("| a |\n|---|\n", &HtmlStyle::default()).ends_with("</thead>\n</table>\n</div>\n")
        );
    }

    #[test]
    fn what_is_refused_cannot_act() {
        check("a <b onclick=x>\n", "<p>a &lt;b onclick=x&gt;</p>\n");
        check(
            "<script>x</script>\n",
            "<p>&lt;script&gt;x&lt;/script&gt;</p>\n",
        );
        check("[a](JaVa&#115;cript:x)\n", "<p>a</p>\n");
        check("![a](https://x.example/p.png)\n", "<p>a</p>\n");
        check(
            "[a](<https://x.example/\"onmouseover=x>)\n",
            "<p><a href=\"https://x.example/%22onmouseover=x\" rel=\"noopener noreferrer\">a</a></p>\n",
        );
        check(
            "``` \"><b>\nx\n```\n",
            "<pre tabindex=\"0\"><code class=\"language-&quot;&gt;&lt;b&gt;\">x\n</code></pre>\n",
        );
    }

    #[test]
    fn alerts_tasks_and_footnotes_are_written() {
        check(
            "> [!WARNING]\n> x\n",
            "<div class=\"alert warning\" role=\"note\">\n<p class=\"alert-title\">Warning</p>\n<p>x</p>\n</div>\n",
        );
        check(
            "- [x] a\n- [ ] b\n",
            "<ul class=\"tasks\">\n<li class=\"done\">☑ a</li>\n<li class=\"open\">☐ b</li>\n</ul>\n",
        );
        let notes = html("a[^x] b[^x]\n\n[^x]: note\n", &HtmlStyle::default());
        assert!(
            notes.contains("href=\"#fn-1\" id=\"fnref-1\"") && notes.contains("id=\"fnref-1-2\""),
            "{notes}"
        );
        assert!(
            notes.contains("<li id=\"fn-1\"><p>note <a href=\"#fnref-1\""),
            "{notes}"
        );
        assert!(notes.ends_with("</li>\n</ol>\n</div>\n"), "{notes}");
    }

    #[test]
    fn images_of_the_site_have_their_words() {
        check(
            "![a *b*](/assets/x.png \"t\")\n",
            "<p><img src=\"/assets/x.png\" alt=\"a b\" loading=\"lazy\" title=\"t\"></p>\n",
        );
    }

    #[test]
    fn special_characters_are_found_wherever_they_stand() {
        for before in [0, 1, 31, 32, 33, 64, 100] {
            for special in (0..=0x7f_u8).map(char::from).chain(['ж', '日']) {
                let text = format!("{}{special}{}", "a".repeat(before), "é".repeat(before));
                let wanted: String = text
                    .chars()
                    .map(|c| {
                        u8::try_from(c)
                            .ok()
                            .and_then(reference)
                            .map_or_else(|| c.to_string(), str::to_string)
                    })
                    .collect();
                assert_eq!(pieces(&text).collect::<String>(), wanted);
            }
        }
    }
}
