//! How e-mail addresses show on HTML pages: readable for everybody, and not for the simplest of harvesters.
//!
//! The finished page is gone through, so that it holds for whatever brought the address there: a template, the team's
//! own Markdown, an advisory, the RFC 2350 description. Signed texts, feeds and keys say addresses as they are.

use crate::settings::Addresses;
use std::{borrow::Cow, ops::Range, sync::LazyLock};

/// Elements whose text is copied into a terminal and must stay exact.
const LITERAL: [&str; 4] = ["code", "pre", "kbd", "samp"];

/// Elements whose text is not HTML.
const RAW: [&str; 2] = ["script", "style"];

/// The page with its addresses as the setting wants them.
pub fn shown(page: String, how: Addresses) -> String {
    match how {
        Addresses::Plain => page,
        _ if !page.contains('@') => page,
        // Tags and what stands between them are treated alike then.
        Addresses::Entities if !has_raw(&page) => {
            let mut out = String::with_capacity(page.len() + page.len() / 8);
            encoded(&page, &mut out);
            out
        }
        Addresses::Entities => walk(&page, false),
        Addresses::At => walk(&page, true),
    }
}

/// Whether something in the page looks like an element whose text is not HTML.
fn has_raw(page: &str) -> bool {
    memchr::memchr_iter(b'<', page.as_bytes()).any(|at| {
        let begins = |raw: &&str| {
            page.as_bytes()[at + 1..]
                .get(..raw.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(raw.as_bytes()))
        };
        RAW.iter()
            .any(|raw| begins(raw) && tag_name(&page[at..]).0.eq_ignore_ascii_case(raw))
    })
}

fn walk(page: &str, at: bool) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 8);
    let (mut rest, mut literal) = (page, 0_usize);
    // Of a link that was left out: its address, if the link's text does not say one.
    let mut left_out: Option<String> = None;
    while !rest.is_empty() {
        let (text, tag) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        match at && literal == 0 {
            true => {
                if left_out.is_some() && addresses(text).next().is_some() {
                    left_out = Some(String::new());
                }
                spelled(text, &mut out);
            }
            false => encoded(text, &mut out),
        }
        let (tag, after) = tag.split_at(tag_end(tag));
        rest = after;
        let (name, closes) = tag_name(tag);
        if LITERAL.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            literal = if closes {
                literal.saturating_sub(1)
            } else {
                literal + 1
            };
        }
        let is_link = name.eq_ignore_ascii_case("a");
        let mail = if at && is_link && !closes {
            mail_link(tag)
        } else {
            None
        };
        match (mail, left_out.take()) {
            (Some(address), _) => left_out = Some(address),
            (None, Some(address)) if is_link && closes => {
                if !address.is_empty() {
                    out.push_str(" (");
                    spelled(&address, &mut out);
                    out.push(')');
                }
            }
            (None, kept) => {
                left_out = kept;
                encoded(tag, &mut out);
            }
        }
        if !closes && RAW.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            let end = rest
                .to_ascii_lowercase()
                .find(&format!("</{}", name.to_ascii_lowercase()))
                .unwrap_or(rest.len());
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    out
}

/// Where the tag or comment ends that the text begins with.
fn tag_end(text: &str) -> usize {
    if text.starts_with("<!--") {
        return text.find("-->").map_or(text.len(), |at| at + 3);
    }
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// The name of an element, and whether the tag closes it.
fn tag_name(tag: &str) -> (&str, bool) {
    let inside = tag.strip_prefix('<').unwrap_or(tag);
    let (closes, inside) = inside
        .strip_prefix('/')
        .map_or((false, inside), |inside| (true, inside));
    (
        inside
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default(),
        closes,
    )
}

/// The address that a link writes to, if it writes to one; empty if nobody could read it.
fn mail_link(tag: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let value = lower.find("href=")? + "href=".len();
    let value = tag[value..].trim_start_matches(['"', '\'', ' ']);
    let scheme = value
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))?;
    let address = value[scheme.len()..]
        .split(['?', '"', '\'', '>', ' '])
        .next()
        .unwrap_or_default();
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        let hex = (first == b'%')
            .then(|| more.get(..2))
            .flatten()
            .and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(first);
                rest = more;
            }
        }
    }
    // What is not an address any more after this cannot become HTML either.
    let address = String::from_utf8_lossy(&bytes).into_owned();
    let whole = addresses(&address)
        .next()
        .is_some_and(|found| found == (0..address.len()));
    Some(if whole { address } else { String::new() })
}

/// The places of addresses in a text.
fn addresses(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    memchr::memchr_iter(b'@', text.as_bytes()).filter_map(move |at| {
        let local = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
        let start = text[..at]
            .char_indices()
            .rev()
            .take_while(|(_, c)| local(*c))
            .last()?
            .0;
        let domain = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        let end = text[at + 1..]
            .find(|c| !domain(c))
            .map_or(text.len(), |length| at + 1 + length);
        let end = at + 1 + text[at + 1..end].trim_end_matches(['.', '-']).len();
        text[at + 1..end].contains('.').then_some(start..end)
    })
}

/// With each address as character references, which browsers read as the characters themselves.
fn encoded(text: &str, out: &mut String) {
    let mut done = 0;
    for Range { start, end } in addresses(text) {
        let start = start.max(done);
        let start = if text[done..start].ends_with("mailto:") {
            start - "mailto:".len()
        } else {
            start
        };
        out.push_str(&text[done..start]);
        references(&text[start..end], out);
        done = end;
    }
    out.push_str(&text[done..]);
}

fn references(text: &str, out: &mut String) {
    // The team's own stands on every page, several times.
    static ASCII: LazyLock<Vec<[String; 2]>> = LazyLock::new(|| {
        (0..128_u32)
            .map(|code| [format!("&#{code};"), format!("&#x{code:x};")])
            .collect()
    });
    for (at, c) in text.chars().enumerate() {
        match ASCII.get(c as usize) {
            Some(written) => out.push_str(&written[at % 2]),
            None => out.push_str(&format!("&#{};", u32::from(c))),
        }
    }
}

/// With each address as people would say it. One that is a part of a link's address stays what it is.
fn spelled(text: &str, out: &mut String) {
    let mut done = 0;
    for Range { start, end } in addresses(text) {
        let start = start.max(done);
        out.push_str(&text[done..start]);
        let word = text[..start]
            .rsplit(char::is_whitespace)
            .next()
            .unwrap_or_default();
        let address: Cow<'_, str> = match word.contains("://") {
            true => {
                references(&text[start..end], out);
                Cow::Borrowed("")
            }
            false => text[start..end].replace('@', " (at) ").into(),
        };
        out.push_str(&address);
        done = end;
    }
    out.push_str(&text[done..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(page: &str) -> String {
        shown(page.to_string(), Addresses::At)
    }

    /// As a browser reads it.
    fn decoded(html: &str) -> String {
        let mut out = String::new();
        let mut rest = html;
        while let Some((before, after)) = rest.split_once("&#") {
            out.push_str(before);
            let (number, after) = after.split_once(';').expect("a whole reference");
            let code = number
                .strip_prefix('x')
                .map_or_else(|| number.parse(), |hex| u32::from_str_radix(hex, 16));
            out.push(code.ok().and_then(char::from_u32).expect("a character"));
            rest = after;
        }
        out + rest
    }

    #[test]
    fn entities_change_nothing_for_a_browser() {
        for page in [
            "<p>Write to <a href=\"mailto:cert@cert.example.org?subject=x\">cert@cert.example.org</a>.</p>",
            "<meta content=\"a@b.example, c.d+e@f.example.\">a@b.example",
            "<a href=\"https://x.example/@me@y.example/\">x</a> a@b @ a@ @b.example информ@пример.рф",
        ] {
            let shown = shown(page.into(), Addresses::Entities);
            assert_eq!(decoded(&shown), page);
            assert!(
                addresses(&shown).next().is_none() && !shown.contains("mailto"),
                "{shown}"
            );
        }
        assert_eq!(
            shown("<p>no address</p>".into(), Addresses::Entities),
            "<p>no address</p>"
        );
    }

    #[test]
    fn spelled_addresses_have_no_links_and_are_readable() {
        assert_eq!(
            at("<p>Write to <a class=x href=\"mailto:cert@x.example\">cert@x.example</a>.</p>"),
            "<p>Write to cert (at) x.example.</p>"
        );
        assert_eq!(
            at("<a href='MAILTO:a%2Bb@x.example?subject=y'><b>us</b></a>!"),
            "<b>us</b> (a+b (at) x.example)!"
        );
        assert_eq!(at("<a href=\"mailto:%3Cb%3E@x.example\">us</a>"), "us");
        assert_eq!(
            at("<a href=\"/report/\">report to a@x.example</a>"),
            "<a href=\"/report/\">report to a (at) x.example</a>"
        );
    }

    #[test]
    fn commands_stay_exact() {
        let page =
            "<pre><code>gpg --locate-external-keys cert@x.example\n</code></pre> or cert@x.example";
        let shown = at(page);
        assert_eq!(decoded(&shown), page.replace("or cert@x", "or cert (at) x"));
        assert!(addresses(&shown).next().is_none());
        assert_eq!(
            decoded(&at("https://x.example/@me@y.example")),
            "https://x.example/@me@y.example"
        );
    }

    #[test]
    fn what_is_no_html_stays_as_it_is() {
        let page =
            "<style>@import a@b.example</style><!-- a@b.example > --><p>&lt;a@b.example&gt;</p>";
        let shown = at(page);
        assert!(
            shown.starts_with("<style>@import a@b.example</style>"),
            "{shown}"
        );
        assert!(
            shown.ends_with("<p>&lt;a (at) b.example&gt;</p>"),
            "{shown}"
        );
    }
}
