//! A saved page as lines. Only the tokenizer of the parser is used: what stands inside of what is known well enough
//! from a list of open elements, and no depth of nesting can hurt. The only door of `html5ever`.

use super::lines::{Line, Mark, Why};
use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states,
    },
};
use std::cell::RefCell;

/// A page as text, and the mail addresses that were hidden in it, with their lines.
pub struct Page {
    /// In the order of the source.
    pub lines: Vec<Line>,
    /// The line of an address, and what stood there for people without scripts.
    pub hidden: Vec<(usize, String)>,
}

/// More open elements than this are not told apart.
const DEEPEST: usize = 512;

/// Reads a page.
pub fn page(text: &str) -> Page {
    let tokenizer = Tokenizer::new(
        Sink(RefCell::new(Writer::default())),
        TokenizerOpts::default(),
    );
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(text));
    // It stops only where the sink tells it to, which ours never does.
    loop {
        let _ = tokenizer.feed(&input);
        if input.is_empty() {
            break;
        }
    }
    tokenizer.end();
    let mut writer = tokenizer.sink.0.into_inner();
    writer.flush();
    Page {
        lines: writer.lines,
        hidden: writer.hidden,
    }
}

struct Sink(RefCell<Writer>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let mut writer = self.0.borrow_mut();
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        match token {
            Token::CharacterTokens(text) => writer.text(&text, line),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                writer.open(&tag, line);
                return match &*tag.name {
                    "script" => TokenSinkResult::RawData(states::RawKind::ScriptData),
                    "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                        TokenSinkResult::RawData(states::RawKind::Rawtext)
                    }
                    "textarea" | "title" => TokenSinkResult::RawData(states::RawKind::Rcdata),
                    _ => TokenSinkResult::Continue,
                };
            }
            Token::TagToken(tag) => writer.close(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[derive(Default)]
struct Writer {
    lines: Vec<Line>,
    hidden: Vec<(usize, String)>,
    /// Of the line being written.
    text: String,
    number: usize,
    mark: Mark,
    open: Vec<Open>,
    /// How many elements of the page's own were met, to tell one menu from the next.
    roots: usize,
    skipped: usize,
    pre: usize,
    link: Option<Link>,
}

struct Open {
    name: String,
    chrome: Option<usize>,
}

struct Link {
    href: String,
    start: usize,
    cloaked: Option<String>,
}

fn is_block(name: &str) -> bool {
    const NAMES: &str = " address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer \
                         form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol option p pre section select summary table \
                         tbody tfoot thead title tr ul ";
    NAMES.contains(&format!(" {name} "))
}

impl Writer {
    fn text(&mut self, text: &str, line: usize) {
        if self.skipped > 0 {
            return;
        }
        if self.pre > 0 {
            // The tokenizer counts the line ends of what it hands over, so the first line is that many back.
            let mut at = line.saturating_sub(text.matches('\n').count());
            for (nth, piece) in text.split('\n').enumerate() {
                if nth > 0 {
                    self.end_line();
                    at += 1;
                }
                if self.text.is_empty() {
                    self.number = at;
                }
                self.text.push_str(piece);
            }
            return;
        }
        let mut at = line.saturating_sub(text.matches('\n').count());
        for c in text.chars() {
            if c == '\n' {
                at += 1;
            }
            if !c.is_whitespace() {
                if self.text.trim().is_empty() {
                    self.number = at;
                }
                self.text.push(c);
            } else if !self.text.is_empty() && !self.text.ends_with(' ') {
                self.text.push(' ');
            }
        }
    }

    /// Ends a line, and says nothing of an empty one.
    fn end_line(&mut self) {
        let text = std::mem::take(&mut self.text);
        if let Some(link) = &mut self.link {
            // What is left of it begins the next line.
            link.start = 0;
        }
        let chrome = self.open.iter().find_map(|open| open.chrome);
        let mark = match chrome {
            Some(root) => Mark::Chrome(Why::Page(root)),
            None => self.mark,
        };
        let text = if self.pre > 0 {
            text.trim_end()
        } else {
            text.trim()
        };
        if !text.is_empty() || self.pre > 0 {
            self.lines.push(Line {
                number: self.number.max(1),
                text: text.to_string(),
                mark,
            });
        }
        if matches!(self.mark, Mark::Item) {
            self.mark = Mark::Text;
        }
    }

    /// Ends a paragraph.
    fn flush(&mut self) {
        if !self.text.trim().is_empty() {
            self.end_line();
        }
        self.text.clear();
        if self.lines.last().is_some_and(|line| !line.text.is_empty()) {
            self.lines.push(Line {
                number: self.number.max(1),
                text: String::new(),
                mark: Mark::Text,
            });
        }
    }

    fn open(&mut self, tag: &Tag, line: usize) {
        let name = &*tag.name;
        let attribute = |wanted: &str| {
            tag.attrs
                .iter()
                .find(|a| &*a.name.local == wanted)
                .map(|a| a.value.to_string())
        };
        match name {
            "script" | "style" | "template" | "iframe" | "noembed" | "noframes" | "svg" => {
                self.skipped += usize::from(!tag.self_closing);
                return;
            }
            _ if self.skipped > 0 => return,
            "br" => {
                if self.text.trim().is_empty() && self.pre == 0 {
                    self.flush();
                } else {
                    self.end_line();
                }
                return;
            }
            "td" | "th" if !self.text.trim().is_empty() => self.end_line(),
            "img" => {
                let words = attribute("alt").unwrap_or_default();
                if !words.trim().is_empty() {
                    self.lines.push(Line {
                        number: line,
                        text: words.split_whitespace().collect::<Vec<_>>().join(" "),
                        mark: Mark::Chrome(Why::Picture),
                    });
                }
                return;
            }
            _ => {}
        }
        // A name and its value belong together.
        let value = name == "dd" && !self.text.trim().is_empty();
        if value {
            let end = if self.text.trim_end().ends_with(':') {
                " "
            } else {
                ": "
            };
            self.text.truncate(self.text.trim_end().len());
            self.text.push_str(end);
        }
        if is_block(name) && !value {
            self.flush();
            self.mark = match name {
                "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Mark::Heading,
                "li" => Mark::Item,
                _ => Mark::Text,
            };
            self.pre += usize::from(name == "pre");
        }
        let cloaked = attribute("data-cfemail");
        if name == "a" || cloaked.is_some() {
            let href = attribute("href").unwrap_or_default();
            self.link = Some(Link {
                href,
                start: self.text.len(),
                cloaked: cloaked.as_deref().and_then(uncloaked),
            });
        }
        const VOID: &str = " area base col embed hr input link meta param source track wbr ";
        // Their ends may be left out, and they are not what a page is built of.
        const LOOSE: &str = " p li td th tr dt dd option tbody thead tfoot ";
        let tracked = !VOID.contains(&format!(" {name} "))
            && !LOOSE.contains(&format!(" {name} "))
            && !tag.self_closing;
        if tracked && self.open.len() < DEEPEST {
            let inside = self.open.iter().any(|open| open.chrome.is_some());
            let chrome = (!inside && is_chrome(name, &attribute)).then(|| {
                self.roots += 1;
                self.roots
            });
            self.open.push(Open {
                name: name.to_string(),
                chrome,
            });
        }
    }

    fn close(&mut self, name: &str) {
        if matches!(
            name,
            "script" | "style" | "template" | "iframe" | "noembed" | "noframes" | "svg"
        ) {
            self.skipped = self.skipped.saturating_sub(1);
            return;
        }
        if self.skipped > 0 {
            return;
        }
        if name == "a"
            || self
                .link
                .as_ref()
                .is_some_and(|link| link.cloaked.is_some())
        {
            self.end_link();
        }
        if is_block(name) && name != "dt" {
            self.flush();
            self.mark = Mark::Text;
        }
        if name == "pre" {
            self.pre = self.pre.saturating_sub(1);
        }
        if let Some(at) = self.open.iter().rposition(|open| open.name == name) {
            self.open.truncate(at);
        }
    }

    /// Keeps where a link leads, if its words do not say so.
    fn end_link(&mut self) {
        let Some(link) = self.link.take() else { return };
        let words = self
            .text
            .get(link.start..)
            .unwrap_or_default()
            .trim()
            .to_string();
        if let Some(address) = link.cloaked {
            self.hidden.push((self.number.max(1), words));
            self.text.truncate(link.start.min(self.text.len()));
            self.text.push_str(&address);
            return;
        }
        let href = link.href.trim();
        let target = href
            .strip_prefix("mailto:")
            .map_or(href, |rest| rest.split('?').next().unwrap_or(rest));
        let is_said = |target: &str| words.contains(target.trim_end_matches('/'));
        let leads = ["https://", "http://", "mailto:", "ftp://"]
            .iter()
            .any(|scheme| href.to_ascii_lowercase().starts_with(scheme));
        let in_chrome = self.open.iter().any(|open| open.chrome.is_some());
        let clean = !target.is_empty()
            && !target.contains(|c: char| c.is_whitespace() || "<>".contains(c) || c.is_control());
        if leads
            && clean
            && !words.is_empty()
            && !in_chrome
            && !is_said(target)
            && self.mark != Mark::Heading
        {
            self.text.push_str(&format!(" <{target}>"));
        }
    }
}

/// Whether an element is of the page and not of the document. Words of a class are taken whole: `has-sidebar` says
/// something else than `sidebar`.
fn is_chrome(name: &str, attribute: &dyn Fn(&str) -> Option<String>) -> bool {
    if matches!(
        name,
        "nav" | "footer" | "aside" | "title" | "select" | "button" | "dialog" | "textarea"
    ) {
        return true;
    }
    if matches!(name, "html" | "body" | "main" | "article" | "head") {
        return false;
    }
    let role = attribute("role").unwrap_or_default();
    if [
        "navigation",
        "banner",
        "contentinfo",
        "search",
        "dialog",
        "complementary",
        "menu",
    ]
    .contains(&role.as_str())
    {
        return true;
    }
    let names = format!(
        "{} {}",
        attribute("class").unwrap_or_default(),
        attribute("id").unwrap_or_default()
    )
    .to_lowercase();
    let style = attribute("style")
        .unwrap_or_default()
        .replace(' ', "")
        .to_lowercase();
    let hidden = attribute("hidden").is_some() || style.contains("display:none");
    // Words for people whose mail address is hidden are a part of the text.
    if hidden && !names.contains("cloak") {
        return true;
    }
    const WORDS: [&str; 41] = [
        "nav",
        "navbar",
        "navigation",
        "menu",
        "mainmenu",
        "submenu",
        "main-menu",
        "topmenu",
        "breadcrumb",
        "breadcrumbs",
        "cookie",
        "cookies",
        "cookie-banner",
        "cookie-notice",
        "cookie-bar",
        "cookie-consent",
        "cookieconsent",
        "consent",
        "consent-banner",
        "gdpr",
        "footer",
        "site-footer",
        "page-footer",
        "sidebar",
        "widget",
        "widget-area",
        "social",
        "share",
        "sharing",
        "searchform",
        "search-form",
        "skip-link",
        "topbar",
        "top-bar",
        "toolbar",
        "language-switcher",
        "lang-switcher",
        "languages",
        "site-header",
        "pagination",
        "copyright",
    ];
    names.split_whitespace().any(|word| {
        WORDS.contains(&word) || word.starts_with("cookie-") || word.starts_with("nav-")
    })
}

/// What Cloudflare hides: hexadecimal digits, of which the first byte was added to each of the others.
fn uncloaked(hex: &str) -> Option<String> {
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect::<Option<_>>()?;
    let (key, rest) = bytes.split_first()?;
    let address = String::from_utf8(rest.iter().map(|byte| byte ^ key).collect()).ok()?;
    address
        .parse::<advise_base::terms::Address>()
        .ok()
        .map(|address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, Mark, String)> {
        let lines = page(text)
            .lines
            .into_iter()
            .filter(|line| !line.text.is_empty());
        lines
            .map(|line| (line.number, line.mark, line.text))
            .collect()
    }

    #[test]
    fn a_page_becomes_lines_with_their_places() {
        let text = "<!doctype html>\n<title>T</title>\n<nav><a href='/'>Home</a></nav>\n<h2>2.4\n Telephone</h2>\n<p>Call <b>us</b>,<br>please.\n\
                    <ul><li>One<li>Two &amp; a half</ul>\n<table><tr><td>2.5<td>Fax</table><script>if (a<b) { x }</script>\n<footer>End</footer>";
        let found = lines(text);
        let expected = [
            (2, Mark::Chrome(Why::Page(1)), "T"),
            (3, Mark::Chrome(Why::Page(2)), "Home"),
            (4, Mark::Heading, "2.4 Telephone"),
            (6, Mark::Text, "Call us,"),
            (6, Mark::Text, "please."),
            (7, Mark::Item, "One"),
            (7, Mark::Item, "Two & a half"),
            (8, Mark::Text, "2.5"),
            (8, Mark::Text, "Fax"),
            (9, Mark::Chrome(Why::Page(3)), "End"),
        ];
        assert_eq!(
            found,
            expected.map(|(number, mark, text)| (number, mark, text.to_string()))
        );
    }

    #[test]
    fn a_name_stands_beside_its_value() {
        let text = "<dl><dt>Fax</dt><dd>none</dd><dt>Mail:<dd>a@example.org</dl>End";
        let found: Vec<String> = lines(text).into_iter().map(|(_, _, text)| text).collect();
        assert_eq!(found, ["Fax: none", "Mail: a@example.org", "End"]);
    }

    #[test]
    fn links_say_where_they_lead() {
        let text = "<p><a href='https://cert.example.org/a'>our page</a>, <a href='mailto:a@example.org'>a@example.org</a>, <a href='#x'>up</a>";
        assert_eq!(
            lines(text)[0].2,
            "our page <https://cert.example.org/a>, a@example.org, up"
        );
    }

    #[test]
    fn a_hidden_address_is_shown() {
        let hex: String = b"cert@example.org"
            .iter()
            .fold("2a".into(), |hex, byte| format!("{hex}{:02x}", byte ^ 0x2a));
        let page = page(&format!(
            "<p>Write to <span class='__cf_email__' data-cfemail='{hex}'>[email&#160;protected]</span> now"
        ));
        assert_eq!(page.lines[0].text, "Write to cert@example.org now");
        assert_eq!(page.hidden.len(), 1);
    }

    #[test]
    fn a_line_that_ends_in_a_hidden_address_ends_nothing_else() {
        let lines = lines("<p>abc<span data-cfemail='2a49'><br>ээээ</span> and more");
        assert_eq!(lines[0].2, "abc");
    }

    #[test]
    fn no_depth_hurts() {
        let deep = format!(
            "{}Text{}",
            "<div class=menu>".repeat(200_000),
            "</div>".repeat(200_000)
        );
        assert_eq!(lines(&deep).len(), 1);
        assert_eq!(lines(&"<pre><p><a href=x><li>".repeat(20_000)).len(), 0);
    }
}
