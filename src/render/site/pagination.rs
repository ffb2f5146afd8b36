//! How a long advisory is spread over pages, so that none is heavy: real ones have hundreds of CVEs and texts of
//! hundreds of kilobytes.

use std::{collections::HashMap, ops::Range};

/// So many bytes of text and tables go onto a page; with all that is around them it stays below 60 KB.
const ROOM: usize = 48_000;

/// What goes onto one page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sheet {
    /// Of the advisory's text.
    pub body: String,
    /// Of the affected products.
    pub affected: Range<usize>,
    /// Of the table of vulnerabilities.
    pub rows: Range<usize>,
}

/// Spreads a text and the lines of two tables, whose lengths are given, over as many pages as it takes. `first`: the
/// length of what only the first page has. `link` tells where a page is, counted from 0.
///
/// A text is parted between its outermost blocks, never within one: a single table or listing that is longer than a
/// page makes a longer page.
pub(super) fn spread(
    body: String,
    first: usize,
    affected: &[usize],
    rows: &[usize],
    link: &dyn Fn(usize) -> String,
) -> Vec<Sheet> {
    let lines: usize = affected.iter().chain(rows).sum();
    if body.len() + lines + first <= ROOM {
        return vec![Sheet {
            body,
            affected: 0..affected.len(),
            rows: 0..rows.len(),
        }];
    }
    let mut sheets = vec![Sheet::default()];
    let mut left = ROOM.saturating_sub(first);
    let blocks = units(&body);
    if blocks.iter().map(|block| block.len()).sum::<usize>() <= left {
        sheets[0].body = body;
        left -= sheets[0].body.len();
    } else {
        for block in blocks {
            turn(&mut sheets, &mut left, block.len());
            last(&mut sheets).body.push_str(block);
        }
        mend_links(&mut sheets, link);
    }
    for (at, length) in affected.iter().enumerate() {
        if turn(&mut sheets, &mut left, *length) || at == 0 {
            last(&mut sheets).affected = at..at;
        }
        last(&mut sheets).affected.end = at + 1;
    }
    for (at, length) in rows.iter().enumerate() {
        if turn(&mut sheets, &mut left, *length) || at == 0 {
            last(&mut sheets).rows = at..at;
        }
        last(&mut sheets).rows.end = at + 1;
    }
    sheets
}

fn last(sheets: &mut [Sheet]) -> &mut Sheet {
    sheets
        .last_mut()
        .expect("there is a first page from the beginning")
}

/// Takes room for something; a new page if this one has too little, and says whether it did.
fn turn(sheets: &mut Vec<Sheet>, left: &mut usize, length: usize) -> bool {
    let is_full = *left < length && *last(sheets) != Sheet::default();
    if is_full {
        sheets.push(Sheet::default());
        *left = ROOM;
    }
    *left = left.saturating_sub(length);
    is_full
}

/// The outermost blocks of a fragment, a heading with what follows it. The fragment is our own and well formed: text
/// has no bare `<` or `>`.
fn units(html: &str) -> Vec<&str> {
    let (mut units, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let mut is_heading = false;
    let mut at = 0;
    while let Some(open) = html[at..].find('<').map(|found| at + found) {
        let close = html[open..]
            .find('>')
            .map_or(html.len(), |found| open + found + 1);
        let tag = &html[open..close];
        let is_void = ["<br", "<hr", "<img", "<input"]
            .iter()
            .any(|name| tag.starts_with(name));
        if depth == 0 {
            is_heading = tag.as_bytes().get(1) == Some(&b'h')
                && tag.as_bytes().get(2).is_some_and(u8::is_ascii_digit);
        }
        match tag.starts_with("</") {
            true => depth = depth.saturating_sub(1),
            false if !is_void => depth += 1,
            false => {}
        }
        at = close;
        if depth == 0 && !is_heading {
            let end = at + usize::from(html[at..].starts_with('\n'));
            units.push(&html[start..end]);
            (start, at) = (end, end);
        }
    }
    if start < html.len() {
        units.push(&html[start..]);
    }
    units
}

/// A link to a place that went to another page leads there.
fn mend_links(sheets: &mut [Sheet], link: &dyn Fn(usize) -> String) {
    let mut places: HashMap<String, usize> = HashMap::new();
    for (at, sheet) in sheets.iter().enumerate() {
        let ids = sheet
            .body
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split_once('"'));
        places.extend(ids.map(|(id, _)| (id.to_string(), at)));
    }
    for (at, sheet) in sheets.iter_mut().enumerate() {
        let mut pieces = sheet.body.split("href=\"#");
        let mut body = pieces.next().unwrap_or_default().to_string();
        for piece in pieces {
            let target = piece
                .split('"')
                .next()
                .and_then(|id| places.get(&decoded(id)))
                .filter(|target| **target != at);
            body.push_str("href=\"");
            body.push_str(&target.map(|target| link(*target)).unwrap_or_default());
            body.push('#');
            body.push_str(piece);
        }
        sheet.body = body;
    }
}

/// A fragment as it stands in an `id`: without percent signs for what is not ASCII.
fn decoded(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let code = others
            .get(..2)
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match code.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(at: usize) -> String {
        format!("/x/{at}")
    }

    #[test]
    fn what_fits_stays_on_one_page() {
        let sheets = spread("<p>a</p>\n".into(), 0, &[10, 10], &[10], &link);
        assert_eq!(
            sheets,
            [Sheet {
                body: "<p>a</p>\n".into(),
                affected: 0..2,
                rows: 0..1
            }]
        );
    }

    #[test]
    fn a_long_text_is_parted_between_blocks_and_its_links_still_lead_somewhere() {
        let filler = format!("<p>{}</p>\n", "x".repeat(ROOM * 2 / 3));
        let body = format!(
            "<p><a href=\"#%D0%BA%D0%BE%D0%BD%D0%B5%D1%86\">on</a></p>\n{filler}<h2 id=\"конец\">End<br></h2>\n{filler}<ul>\n<li><p>one</p></li>\n</ul>\n<p><a href=\"#%D0%BA%D0%BE%D0%BD%D0%B5%D1%86\">up</a></p>\n"
        );
        let sheets = spread(body.clone(), 500, &[], &[], &link);
        assert_eq!(sheets.len(), 2);
        assert!(
            sheets[0]
                .body
                .starts_with("<p><a href=\"/x/1#%D0%BA%D0%BE%D0%BD%D0%B5%D1%86\">on</a>")
        );
        assert!(
            sheets[1]
                .body
                .starts_with("<h2 id=\"конец\">End<br></h2>\n<p>xx"),
            "a heading goes with its text"
        );
        assert!(
            sheets[1]
                .body
                .ends_with("</ul>\n<p><a href=\"#%D0%BA%D0%BE%D0%BD%D0%B5%D1%86\">up</a></p>\n")
        );
        let all: String = sheets
            .iter()
            .map(|sheet| sheet.body.replace("/x/1#", "#"))
            .collect();
        assert_eq!(all, body, "nothing is lost");
    }

    #[test]
    fn tables_go_on_where_they_stopped() {
        let sheets = spread("<p>a</p>".into(), 0, &[1_000; 50], &[500; 100], &link);
        let affected: Vec<_> = sheets
            .iter()
            .flat_map(|sheet| sheet.affected.clone())
            .collect();
        let rows: Vec<_> = sheets.iter().flat_map(|sheet| sheet.rows.clone()).collect();
        assert_eq!((affected, rows), ((0..50).collect(), (0..100).collect()));
        assert_eq!(sheets.len(), 3);
        assert!(sheets[0].rows.is_empty() && sheets[2].affected.is_empty());
    }

    #[test]
    fn a_block_longer_than_a_page_is_not_cut() {
        let long = format!("<pre>{}</pre>\n", "x".repeat(ROOM * 3));
        let sheets = spread(format!("<p>a</p>\n{long}<p>b</p>\n"), 0, &[], &[], &link);
        assert_eq!(
            sheets
                .iter()
                .map(|sheet| sheet.body.as_str())
                .collect::<Vec<_>>(),
            ["<p>a</p>\n", &long, "<p>b</p>\n"]
        );
    }
}
