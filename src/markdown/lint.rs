//! What may not stand in a text: raw HTML, links that run something, images from elsewhere.

use super::{DEEPEST, link, options};
use crate::diag::Span;
use crate::terms::{has_foul, is_foul};
use comrak::{
    Arena, Node,
    arena_tree::NodeEdge,
    nodes::{NodeValue, Sourcepos},
};
use memchr::memmem;

/// One thing that may not stand in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where, in bytes of the Markdown.
    pub span: Span,
    /// `raw-html`, `dangerous-link`, `relative-link`, `remote-image`, `control-character` or `too-deep`.
    pub code: &'static str,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// What to write instead.
    pub hint: &'static str,
}

/// All flaws of a Markdown text, in its order; none if it may be published.
pub fn lint(markdown: &str) -> Vec<Flaw> {
    if is_plainly_fine(markdown) {
        Vec::new()
    } else {
        flaws(markdown)
    }
}

/// Whether a look at the signs is enough to know that there is no flaw; most texts are so plain, and need not be
/// parsed here. Whatever is in doubt is not plain.
fn is_plainly_fine(markdown: &str) -> bool {
    // Blocks that stand in others begin with their signs, one column or more for each.
    let deep = |line: &str| {
        line.bytes()
            .take_while(|c| {
                matches!(
                    c,
                    b' ' | b'\t' | b'>' | b'-' | b'*' | b'+' | b'.' | b')' | b'0'..=b'9'
                )
            })
            .count()
            > DEEPEST / 2
    };
    // A scheme and its slashes cannot be hidden behind an entity or a backslash: they stand there.
    let known = |rest: &str| {
        ["https://", "http://", "mailto:"]
            .iter()
            .any(|scheme| rest.starts_with(scheme))
    };
    let tag = |at: usize| {
        let rest = &markdown[at + 1..];
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) && !known(rest)
    };
    let link = |at: usize| {
        let rest = markdown[at + 2..].trim_start_matches('<');
        let address = &rest[..rest.find([')', '\n']).unwrap_or(rest.len())];
        let on_site = address
            .strip_prefix('/')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
        // An entity ends in a semicolon; the `&` of a query is none.
        !known(rest) && !on_site
            || address.contains('\\')
            || address.contains('&') && address.contains(';')
    };
    let has = |sign: &str| memmem::find(markdown.as_bytes(), sign.as_bytes()).is_some();
    !has("![")
        && !has("]:")
        // An entity can put a control character into an address.
        && !["&#", "&Tab;", "&NewLine;"].into_iter().any(has)
        && !deep(markdown)
        && !memchr::memchr_iter(b'\n', markdown.as_bytes()).any(|at| deep(&markdown[at + 1..]))
        && !memchr::memchr_iter(b'<', markdown.as_bytes()).any(tag)
        && !memmem::find_iter(markdown.as_bytes(), "](").any(link)
        && !has_foul(markdown)
}

fn flaws(markdown: &str) -> Vec<Flaw> {
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, markdown, &options());
    let map = Map::new(markdown);
    let mut flaws = Vec::new();
    let (mut depth, mut too_deep) = (0, false);
    let mut cursor = 0;
    for edge in root.traverse() {
        let node = match edge {
            NodeEdge::Start(node) => node,
            NodeEdge::End(node) => {
                depth -= usize::from(node.data().value.block());
                continue;
            }
        };
        let data = node.data();
        depth += usize::from(data.value.block());
        if depth > DEEPEST && !too_deep {
            too_deep = true;
            flaws.push(Flaw {
                span: map.first_line(data.sourcepos),
                code: "too-deep",
                message: format!("blocks stand more than {DEEPEST} deep in each other"),
                hint: "use fewer levels of lists and quotes",
            });
        }
        match &data.value {
            NodeValue::HtmlBlock(html) => {
                let span = map.literal(&html.literal, data.sourcepos, &mut cursor);
                flaws.push(raw_html(&html.literal, span));
            }
            NodeValue::HtmlInline(html) => {
                let span = map.literal(html, map.enclosing(node), &mut cursor);
                let exact = map
                    .span(data.sourcepos)
                    .filter(|exact| markdown[exact.start..].starts_with(html.as_str()));
                flaws.push(raw_html(
                    html,
                    exact.map_or(span, |exact| map.line_of(exact)),
                ));
            }
            NodeValue::Link(link) => flaws.extend(bad_link(&link.url, || map.url(&link.url, node))),
            NodeValue::Image(image) => {
                flaws.extend(bad_image(&image.url, || map.url(&image.url, node)))
            }
            _ => {}
        }
    }
    for (at, c) in markdown.char_indices().filter(|(_, c)| is_foul(*c)) {
        flaws.push(Flaw {
            span: Span::new(at, at + c.len_utf8()),
            code: "control-character",
            message: format!("the character U+{:04X} cannot be shown", c as u32),
            hint: "take it out",
        });
    }
    flaws.sort_by_key(|flaw| (flaw.span.start, flaw.span.end));
    flaws
}

fn raw_html(literal: &str, span: Span) -> Flaw {
    let comment = literal.trim_start().starts_with("<!--");
    Flaw {
        span,
        code: "raw-html",
        message: if comment {
            "HTML comments are not taken"
        } else {
            "raw HTML is not taken"
        }
        .into(),
        hint: match comment {
            true => "take it out: what is not for readers has no place in the text",
            false => "write it in Markdown; for a literal `<`, write `\\<` or put it in backticks",
        },
    }
}

fn bad_link(url: &str, span: impl Fn() -> Span) -> Option<Flaw> {
    let (code, message, hint) = match link::judge(url) {
        link::Target::Dangerous => (
            "dangerous-link",
            format!("a link to `{}` is not taken", crate::terms::shorten(url)),
            "links lead to `https:`, `http:`, `ftp:` or `mailto:`, or begin with `/` or `#`",
        ),
        link::Target::Relative => (
            "relative-link",
            format!(
                "the link `{}` leads to another place on each page",
                crate::terms::shorten(url)
            ),
            "begin it with `/`, from the site's root, or with `https://`",
        ),
        _ => return None,
    };
    Some(Flaw {
        span: span(),
        code,
        message,
        hint,
    })
}

fn bad_image(url: &str, span: impl Fn() -> Span) -> Option<Flaw> {
    match link::judge(url) {
        link::Target::Site => None,
        link::Target::Relative => bad_link(url, span),
        link::Target::Dangerous if !url.trim().starts_with("//") => bad_link(url, span),
        _ => Some(Flaw {
            span: span(),
            code: "remote-image",
            message: format!(
                "an image from `{}` would be loaded from elsewhere",
                crate::terms::shorten(url)
            ),
            hint: "put the file into `site/assets/` and write `/assets/NAME`",
        }),
    }
}

/// Finds places in the Markdown. comrak gives lines and columns, from 1 and in bytes, which are off in some
/// corners (tabs, lazy lines, escaped pipes in tables), so nothing is believed that the text does not confirm.
struct Map<'t> {
    text: &'t str,
    lines: Vec<usize>,
}

impl<'t> Map<'t> {
    fn new(text: &'t str) -> Map<'t> {
        let bytes = text.as_bytes();
        // CommonMark, 2.1: a line ending is `\n`, `\r` not followed by `\n`, or both together.
        let ends = |i: &usize| {
            bytes[*i] == b'\n' || bytes[*i] == b'\r' && bytes.get(i + 1) != Some(&b'\n')
        };
        let lines = std::iter::once(0)
            .chain((0..bytes.len()).filter(ends).map(|i| i + 1))
            .collect();
        Map { text, lines }
    }

    fn line_start(&self, line: usize) -> usize {
        self.lines
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(self.text.len())
    }

    fn line_end(&self, line: usize) -> usize {
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        let start = self.line_start(line).min(end);
        start + self.text[start..end].trim_end_matches(['\r', '\n']).len()
    }

    fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.line_start(line);
        let mut at = (start + column.saturating_sub(1)).min(self.line_end(line));
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn span(&self, place: Sourcepos) -> Option<Span> {
        if place.start.line == 0 {
            return None;
        }
        let start = self.offset(place.start.line, place.start.column);
        let mut end = (self.line_start(place.end.line) + place.end.column)
            .clamp(start, self.line_end(place.end.line).max(start));
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        Some(Span::new(start, end))
    }

    /// The part of a span on its first line, which is all that a caret can mark.
    fn line_of(&self, span: Span) -> Span {
        let line = &self.text[span.start..span.end];
        let line = line
            .split(['\r', '\n'])
            .next()
            .unwrap_or_default()
            .trim_end();
        Span::new(span.start, (span.start + line.len()).max(span.start))
    }

    fn first_line(&self, place: Sourcepos) -> Span {
        self.line_of(self.span(place).unwrap_or_default())
    }

    /// The place of the block that holds an inline.
    fn enclosing<'a>(&self, node: Node<'a>) -> Sourcepos {
        let block = node.ancestors().find(|above| above.data().value.block());
        block.map_or(node.data().sourcepos, |block| block.data().sourcepos)
    }

    /// Where the first line of `literal` stands in a block, searched from the last find on.
    fn literal(&self, literal: &str, block: Sourcepos, cursor: &mut usize) -> Span {
        let first = literal
            .trim_start()
            .lines()
            .next()
            .unwrap_or_default()
            .trim_end();
        let start = self.line_start(block.start.line);
        let end = self.line_end(block.end.line).max(start);
        let from = (*cursor).clamp(start, end);
        let found = self.text[from..end].find(first).map(|at| from + at);
        let found = found.or_else(|| self.text[start..end].find(first).map(|at| start + at));
        match found {
            Some(at) if !first.is_empty() => {
                *cursor = at + first.len();
                Span::new(at, at + first.len())
            }
            _ => self.first_line(block),
        }
    }

    /// Where a link's address stands; the whole link where it is spelt otherwise or defined elsewhere.
    fn url<'a>(&self, url: &str, node: Node<'a>) -> Span {
        let block = self.span(self.enclosing(node)).unwrap_or_default();
        let whole = self
            .span(node.data().sourcepos)
            .filter(|span| self.text[span.start..].starts_with(['[', '!', '<']));
        let around = whole.unwrap_or(block);
        match self.text[around.start..around.end].rfind(url) {
            Some(at) if !url.is_empty() => {
                Span::new(around.start + at, around.start + at + url.len())
            }
            _ => self.line_of(around),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(markdown: &str, expected: &[(&str, &str)]) {
        let flaws = lint(markdown);
        let found: Vec<(&str, &str)> = flaws
            .iter()
            .map(|f| (f.code, &markdown[f.span.start..f.span.end]))
            .collect();
        assert_eq!(found, expected, "{markdown:?}");
    }

    #[test]
    fn what_is_called_plainly_fine_has_no_flaw() {
        // Signs that matter, in every order of five: some are plain, and of these none may have a flaw.
        let signs = [
            "<",
            ">",
            "b",
            "/",
            "!",
            "[a](",
            "https://x",
            "http:",
            "&#10;",
            "\\",
            ")",
            "]:",
            " ",
            "\n",
            "`",
            "- ",
            "mailto:a",
            "javascript:1",
        ];
        let mut plain = 0;
        for n in 0..signs.len().pow(5) {
            let text: String = (0..5)
                .map(|i| signs[n / signs.len().pow(i) % signs.len()])
                .collect();
            // A parse of each would take long in a debug build; the others are not called fine.
            if is_plainly_fine(&text) && (n % 7 == 0 || text.contains(['<', '('])) {
                plain += 1;
                assert_eq!(flaws(&text), [], "{text:?}");
            }
        }
        assert!(plain > 10_000, "{plain}");
        assert!(is_plainly_fine(
            "See <https://example.org/>, [this](https://example.org) and [that](/tlp/).\n\n- one\n"
        ));
    }

    #[test]
    fn what_real_texts_have_is_taken() {
        check(
            "versions < 9.8, <https://example.org/a?b=c>, <cert@example.org>, &lt;b&gt;, `<b>`, \\<b>\n",
            &[],
        );
        check(
            "    <script>in a code block</script>\n\n```\n<b>\n```\n",
            &[],
        );
        check(
            "[a](https://x.example) [b](http://mailto:c@d) [e](#f) [g](/h/) [i](mailto:j@k.example) ![l](/m.png)\n",
            &[],
        );
        check(
            "| a | b |\n|---|--:|\n| < 1 | x |\n\n- [x] y[^1]\n\n[^1]: z\n\n> [!NOTE]\n> q\n",
            &[],
        );
    }

    #[test]
    fn raw_html_is_found_to_the_byte() {
        check("ж <b>x</b>\n", &[("raw-html", "<b>"), ("raw-html", "</b>")]);
        check(
            "> - `<i>` ж <i>\n>   lazy <u>\n",
            &[("raw-html", "<i>"), ("raw-html", "<u>")],
        );
        check("> quote\nlazy ж <u>\n", &[("raw-html", "<u>")]);
        check(
            "| ж \\| `<i>` | <i> |\n|---|---|\n| \\| <s> | x |\n",
            &[("raw-html", "<i>"), ("raw-html", "<s>")],
        );
        check(
            "a\n\n<div>\nx\n</div>\n\nb <!-- c -->\n",
            &[("raw-html", "<div>"), ("raw-html", "<!-- c -->")],
        );
        check(
            "- a\n\n  <script>\n  x\n  </script>\n",
            &[("raw-html", "<script>")],
        );
        check("\t- a <b\n\t  c>\n", &[]);
        check("[r]: /x\n[q]: /y\ntext <b> [r]\n", &[("raw-html", "<b>")]);
        check("a\r\n\r\nж <b>\r\n", &[("raw-html", "<b>")]);
        check(
            "a[^x]\n\n[^x]: ж <b>\n\n    more <i>\n",
            &[("raw-html", "<b>"), ("raw-html", "<i>")],
        );
        check(
            "# ж <b>\n\nsetext <i>\n===\n",
            &[("raw-html", "<b>"), ("raw-html", "<i>")],
        );
    }

    #[test]
    fn links_that_run_something_are_found() {
        check(
            "ж [a](javascript:alert(1))\n",
            &[("dangerous-link", "javascript:alert(1)")],
        );
        check(
            "[a](JaVa&#115;cript:x)\n",
            &[("dangerous-link", "[a](JaVa&#115;cript:x)")],
        );
        check(
            "[a](<\tjavascript:x>)\n",
            &[("dangerous-link", "javascript:x")],
        );
        check(
            "[a](&#9;javascript:x)\n",
            &[("dangerous-link", "[a](&#9;javascript:x)")],
        );
        check(
            "<javascript:x> [b][c]\n\n[c]: data:,x\n",
            &[
                ("dangerous-link", "javascript:x"),
                ("dangerous-link", "[b][c]"),
            ],
        );
        check("[a](x.html)\n", &[("relative-link", "x.html")]);
    }

    #[test]
    fn images_come_from_the_site_itself() {
        check(
            "![a](https://x.example/a.png)\n",
            &[("remote-image", "https://x.example/a.png")],
        );
        check(
            "![a](//x.example/a.png)\n",
            &[("remote-image", "//x.example/a.png")],
        );
        check(
            "![a](data:image/png,x)\n",
            &[("dangerous-link", "data:image/png,x")],
        );
        check(
            "[![a](http://x.example/a.png)](https://y.example)\n",
            &[("remote-image", "http://x.example/a.png")],
        );
    }

    #[test]
    fn no_text_can_exhaust_the_stack() {
        let deep = format!("{}x\n", "> ".repeat(5_000));
        assert_eq!(
            lint(&deep).iter().map(|f| f.code).collect::<Vec<_>>(),
            ["too-deep"]
        );
        assert!(super::super::text(&deep, 72).contains('x'));
        assert!(super::super::html(&deep, &Default::default()).contains('x'));
        let emphasis = format!("{}x{}\n", "*a **b ".repeat(5_000), "** *".repeat(5_000));
        assert!(super::super::text(&emphasis, 72).contains('x'));
    }

    #[test]
    fn control_characters_are_named() {
        check("a\u{1b}[31m\n", &[("control-character", "\u{1b}")]);
        check("a\0b\n", &[("control-character", "\0")]);
    }
}
