//! Lists for readers without script: every public advisory by each of its CVEs, and by the month it was published in.
//!
//! CVEs stand by year; where that is too much for a page, by thousands, then hundreds, tens, and single numbers, as
//! far as needed. So a new advisory changes the pages of its own month and CVEs, and those only. Titles are shown,
//! so what is too much is counted in bytes.

use super::Link;
use crate::{
    advisory::Advisory,
    artefact::{Artefact, Digest},
    render::site::page::{Head, RenderError, Room, direction},
    terms::Cve,
    tlp::{ByMake, Made, Public},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// So many bytes of lines fit on a page; with all that stands around them, it stays under 60,000.
const ROOM_FOR_LINES: usize = 45_000;

/// What one line takes besides its texts.
const BARE_LINE: usize = 160;

/// CVE, where it is a list of those, and the place among all advisories.
type Line<'a> = (Option<&'a Cve>, usize);

/// One list, or one page of it where it has several, or the list of its smaller lists.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The place of its first page, in the tree of a language.
    path: String,
    /// `2026-11`, `CVE-2026` or `CVE-2026-12xxx`.
    name: String,
    what: What,
    /// Name and place of the smaller lists.
    smaller: Vec<(String, String)>,
    lines: Vec<Line<'a>>,
    /// From 1.
    page: usize,
    pages: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Month(i16),
    CveYear,
    CveGroup,
}

/// All these lists.
#[derive(Debug, Clone)]
pub(super) struct Lists<'a> {
    pub pages: Vec<Found<'a>>,
}

impl<'a> Lists<'a> {
    pub fn of(advisories: &[&'a Advisory], base: &str) -> Lists<'a> {
        let mut months: BTreeMap<(i16, i8), Vec<Line<'_>>> = BTreeMap::new();
        let mut cves: BTreeMap<&str, Vec<Line<'_>>> = BTreeMap::new();
        for (at, one) in advisories.iter().enumerate() {
            let day = one.date.date();
            months
                .entry((day.year(), day.month()))
                .or_default()
                .push((None, at));
            for cve in &one.cves {
                cves.entry(cve.year()).or_default().push((Some(cve), at));
            }
        }
        let mut pages = Pages {
            made: Vec::new(),
            weights: advisories.iter().map(|one| weight(one, base)).collect(),
        };
        for ((year, month), mut lines) in months {
            lines.sort_by_key(|(_, at)| &advisories[*at].id);
            let name = format!("{year}-{month:02}");
            pages.list(format!("search/{name}/"), name, What::Month(year), &lines);
        }
        for (year, mut lines) in cves {
            // Numbers are texts of up to 19 digits: the shorter is the smaller.
            let number = |cve: &Cve| {
                (
                    cve.number().len(),
                    cve.number().parse::<u64>().unwrap_or(u64::MAX),
                )
            };
            lines.sort_by_cached_key(|(cve, at)| (cve.map(number), &advisories[*at].id));
            lines.dedup();
            pages.cves(year, None, 3, &lines);
        }
        Lists { pages: pages.made }
    }

    /// Name, year and place of each month, the earliest first.
    pub fn months(&self) -> impl Iterator<Item = (&str, i16, &str)> {
        self.pages
            .iter()
            .filter(|found| found.page == 1)
            .filter_map(|found| match found.what {
                What::Month(year) => Some((found.name.as_str(), year, found.path.as_str())),
                _ => None,
            })
    }

    /// Year and place of the lists of CVEs, the earliest first.
    pub fn cve_years(&self) -> impl Iterator<Item = (&str, &str)> {
        let years = self
            .pages
            .iter()
            .filter(|found| found.what == What::CveYear && found.page == 1);
        years.map(|found| (&found.name["CVE-".len()..], found.path.as_str()))
    }
}

/// How many bytes a line of this advisory takes in the language in which it takes most.
fn weight(one: &Advisory, base: &str) -> usize {
    // What is escaped grows to five or six bytes.
    let grows = |c: &u8| matches!(c, b'&' | b'<' | b'>' | b'"' | b'\'' | b'/');
    let escaped = |text: &str| text.len() + 5 * text.bytes().filter(grows).count();
    let title = one
        .texts
        .values()
        .map(|text| escaped(&text.title))
        .max()
        .unwrap_or_default();
    BARE_LINE + base.len() + 2 * one.id.as_str().len() + title
}

struct Pages<'a> {
    made: Vec<Found<'a>>,
    weights: Vec<usize>,
}

impl<'a> Pages<'a> {
    fn weight(&self, lines: &[Line<'_>]) -> usize {
        lines.iter().map(|(_, at)| self.weights[*at]).sum()
    }

    /// The CVEs of a year or of a group in it, whose last `open` digits are still to be told apart.
    fn cves(&mut self, year: &str, group: Option<&str>, open: usize, lines: &[Line<'a>]) {
        let folder = format!("search/cve/{year}/");
        let (path, name, what) = match group {
            None => (folder.clone(), format!("CVE-{year}"), What::CveYear),
            Some(group) => (
                format!("{folder}{group}/"),
                format!("CVE-{year}-{group}"),
                What::CveGroup,
            ),
        };
        let is_single = group.is_some_and(|group| !group.ends_with('x'));
        if is_single || self.weight(lines) <= ROOM_FOR_LINES {
            return self.list(path, name, what, lines);
        }
        let number = |line: &Line<'a>| line.0.map_or("", Cve::number);
        let of = |line: &Line<'a>| masked(number(line), open);
        let chunks: Vec<_> = lines
            .chunk_by(|a, b| are_masked_alike(number(a), number(b), open))
            .collect();
        let smaller = chunks.iter().map(|chunk| {
            let group = of(&chunk[0]);
            (format!("CVE-{year}-{group}"), format!("{folder}{group}/"))
        });
        let smaller = smaller.collect();
        self.made.push(Found {
            path,
            name,
            what,
            smaller,
            lines: Vec::new(),
            page: 1,
            pages: 1,
        });
        for chunk in chunks {
            self.cves(year, Some(&of(&chunk[0])), open.saturating_sub(1), chunk);
        }
    }

    /// A list, in as many pages as it needs. Pages are filled from the first on, so that what comes last, as new
    /// numbers do, changes the last page.
    fn list(&mut self, path: String, name: String, what: What, lines: &[Line<'a>]) {
        let mut pages: Vec<Vec<Line<'_>>> = vec![Vec::new()];
        let mut room = ROOM_FOR_LINES;
        for line in lines {
            let weight = self.weights[line.1];
            if weight > room && pages.last().is_some_and(|page| !page.is_empty()) {
                pages.push(Vec::new());
                room = ROOM_FOR_LINES;
            }
            room = room.saturating_sub(weight);
            pages.last_mut().expect("there is a first page").push(*line);
        }
        let count = pages.len();
        for (at, lines) in pages.into_iter().enumerate() {
            let (path, name) = (path.clone(), name.clone());
            self.made.push(Found {
                path,
                name,
                what,
                smaller: Vec::new(),
                lines,
                page: at + 1,
                pages: count,
            });
        }
    }
}

/// Whether two numbers are the same but for the digits that are left open.
fn are_masked_alike(a: &str, b: &str, open: usize) -> bool {
    let kept = a.len().saturating_sub(open);
    a.len() == b.len() && a.as_bytes()[..kept] == b.as_bytes()[..kept]
}

/// A number with its last digits left open: `12xxx`.
fn masked(number: &str, open: usize) -> String {
    let kept = number.len().saturating_sub(open);
    format!("{}{}", &number[..kept], "x".repeat(number.len() - kept))
}

#[derive(Serialize)]
struct Hit<'a> {
    href: String,
    id: &'a str,
    title: &'a str,
    lang: Option<&'a str>,
    dir: Option<&'static str>,
}

#[derive(Serialize)]
struct Entry<'a> {
    cve: Option<&'a str>,
    hits: Vec<Hit<'a>>,
}

#[derive(Serialize)]
struct FoundPager {
    previous: Option<String>,
    next: Option<String>,
    place: String,
}

#[derive(Serialize)]
struct FoundView<'a> {
    head: Head,
    heading: String,
    /// The list that this is a part of.
    up: Link,
    smaller: Vec<Link>,
    entries: Vec<Entry<'a>>,
    pager: Option<FoundPager>,
}

/// Which list, in which language.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FoundShop<'s> {
    pub room: &'s Room<'s>,
    pub found: &'s Found<'s>,
}

impl FoundShop<'_> {
    /// Where it stands.
    pub fn path(&self) -> String {
        self.room.path(&self.place(self.found.page))
    }

    /// Digests of all that the page is made of, besides what its room has.
    pub fn made_of(&self, advisories: &[&Advisory]) -> Vec<Digest> {
        let Found {
            path,
            name,
            what,
            smaller,
            lines,
            page,
            pages,
        } = self.found;
        let what = match what {
            What::Month(year) => ("month", Some(*year)),
            What::CveYear => ("year of CVEs", None),
            What::CveGroup => ("group of CVEs", None),
        };
        let cves: Vec<Option<&str>> = lines.iter().map(|(cve, _)| cve.map(Cve::as_str)).collect();
        let around = Digest::of_fields(&[path, name, &what, smaller, &cves, page, pages]);
        let shown = lines
            .iter()
            .filter_map(|(_, at)| advisories.get(*at))
            .map(|one| one.digest);
        std::iter::once(around).chain(shown).collect()
    }

    fn place(&self, page: usize) -> String {
        if page == 1 {
            self.found.path.clone()
        } else {
            format!("{}page/{page}/", self.found.path)
        }
    }
}

/// A page of such a list.
#[derive(Debug, Clone)]
pub struct FoundPage(Artefact);

impl From<FoundPage> for Artefact {
    fn from(page: FoundPage) -> Artefact {
        page.0
    }
}

impl Made<Vec<&Advisory>, Public> for FoundPage {
    type Shop<'s> = FoundShop<'s>;
    type Error = RenderError;

    fn made(
        advisories: &Vec<&Advisory>,
        _: &Public,
        shop: &FoundShop<'_>,
        _: ByMake,
    ) -> Result<FoundPage, RenderError> {
        let FoundShop { room, found } = *shop;
        let words = room.words;
        let place = |page| shop.place(page);
        let heading = match found.what {
            What::Month(_) => words.fill("month_title", &[("month", &found.name)]),
            _ => words.fill("cve_title", &[("cves", &found.name)]),
        };
        let position = words.fill(
            "page_place",
            &[
                ("page", &found.page.to_string()),
                ("pages", &found.pages.to_string()),
            ],
        );
        let title = if found.pages > 1 {
            format!("{heading}, {position}")
        } else {
            heading.clone()
        };
        let link = |path: &str, word: &str| Link {
            href: room.link(path),
            word: word.to_string(),
            lang: None,
        };
        let up = match found.what {
            What::CveGroup => {
                let year = &found.name[..8];
                link(&format!("search/cve/{}/", &year[4..]), year)
            }
            _ => link("search/", words.get("search")),
        };
        let chosen = found
            .lines
            .iter()
            .filter_map(|(cve, at)| advisories.get(*at).map(|one| (*cve, *one)));
        let mut entries: Vec<Entry<'_>> = Vec::new();
        for (cve, one) in chosen {
            let cve = cve.map(Cve::as_str);
            match entries.last_mut().filter(|last| last.cve == cve) {
                Some(last) => last.hits.push(hit(one, room)),
                None => entries.push(Entry {
                    cve,
                    hits: vec![hit(one, room)],
                }),
            }
        }
        let view = FoundView {
            head: room.head(
                &place(found.page),
                &title,
                words.get("search_text"),
                "advisories",
                &room.everywhere(),
            ),
            heading,
            up,
            smaller: found
                .smaller
                .iter()
                .map(|(name, path)| link(path, name))
                .collect(),
            entries,
            pager: (found.pages > 1).then(|| FoundPager {
                previous: (found.page > 1).then(|| room.link(&place(found.page - 1))),
                next: (found.page < found.pages).then(|| room.link(&place(found.page + 1))),
                place: position,
            }),
        };
        room.file(&place(found.page), "search_list.html", &view)
            .map(FoundPage)
    }
}

fn hit<'a>(one: &'a Advisory, room: &Room<'_>) -> Hit<'a> {
    let (lang, text) = one.text(&room.lang);
    let foreign = *lang != room.lang;
    Hit {
        href: room.link(&format!("advisories/{}/", one.id)),
        id: one.id.as_str(),
        title: &text.title,
        lang: foreign.then_some(lang.as_str()),
        dir: foreign.then(|| direction(lang)),
    }
}

#[cfg(test)]
mod tests {
    use super::{are_masked_alike, masked};

    #[test]
    fn a_number_is_left_open_from_its_end() {
        assert_eq!(
            [3, 2, 1, 0].map(|open| masked("12345", open)),
            ["12xxx", "123xx", "1234x", "12345"]
        );
        assert_eq!(masked("0123", 3), "0xxx");
        for (a, b, open) in [
            ("12345", "12399", 2),
            ("12345", "12399", 1),
            ("123", "1234", 3),
            ("12", "34", 3),
            ("12", "12", 0),
        ] {
            assert_eq!(
                are_masked_alike(a, b, open),
                masked(a, open) == masked(b, open),
                "{a} {b} {open}"
            );
        }
    }
}
