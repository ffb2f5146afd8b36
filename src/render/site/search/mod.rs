//! Search, without a server: a page that leads to every advisory by lists, and a script that searches as people type.
//!
//! `lists` are the pages by CVE and by month; `index` is what the script reads, [`crate::render::site::pages`] puts the
//! script beside the style sheet. All is made of what passed the gate for the public, so nothing here, no count and
//! no gap, tells of anything else. Each file depends on as few advisories as possible, and on no clock.

mod index;
mod lists;

pub use index::{IndexPart, PartShop};
pub use lists::{Found, FoundPage, FoundShop};

use super::{
    index::{Catalogue, Row, Scope},
    page::{DateView, Head, RenderError, Room, Word},
};
use crate::{
    advisory::{Advisory, Kind},
    artefact::{Artefact, Digest},
    terms::{Moment, Severity},
    tlp::{ByMake, Made, Public},
};
use serde::Serialize;

/// Which advisory stands where in lists and index, by its place among all.
#[derive(Debug, Clone)]
pub struct Shelves<'a> {
    index: index::Parts,
    lists: lists::Lists<'a>,
}

impl<'a> Shelves<'a> {
    /// Sorts advisories. `base` is the path of the site, of which every link takes some bytes.
    pub fn of(advisories: &[&'a Advisory], base: &str) -> Shelves<'a> {
        Shelves {
            index: index::Parts::of(advisories),
            lists: lists::Lists::of(advisories, base),
        }
    }

    /// The parts of the index, the oldest first.
    pub fn parts(&self) -> impl Iterator<Item = &index::Part> {
        self.index.0.iter()
    }

    /// The pages by CVE and month.
    pub fn pages(&self) -> &[Found<'a>] {
        &self.lists.pages
    }
}

/// The addresses of the scripts, for templates. What follows `?v=` makes browsers take a new one at once.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Scripts {
    script: String,
    engine: String,
}

/// The files of the scripts; a workspace may have its own of the first.
pub(super) const SCRIPTS: [&str; 2] = ["search.js", "minisearch.js"];

impl Scripts {
    /// `base` is the path of the site, `text` gives the text of a file of `templates/`.
    pub(super) fn at(base: &str, text: impl Fn(&str) -> String) -> Scripts {
        let address = |name: &str| {
            format!(
                "{base}assets/{name}?v={}",
                &Digest::of(text(name).as_bytes()).hex()[..12]
            )
        };
        Scripts {
            script: address(SCRIPTS[0]),
            engine: address(SCRIPTS[1]),
        }
    }
}

#[derive(Serialize)]
struct Link {
    href: String,
    word: String,
    lang: Option<String>,
}

#[derive(Serialize)]
struct Group {
    title: String,
    items: Vec<Link>,
}

#[derive(Serialize)]
struct Year {
    year: i16,
    months: Vec<Link>,
}

#[derive(Serialize)]
struct SearchView {
    head: Head,
    /// Where the index is, and the names of its parts, the newest first.
    index: String,
    parts: String,
    /// Where advisories are in this language.
    advisories: String,
    /// How a day of each month is written, with `{day}` and `{year}`; empty where only the ISO form is known.
    dates: String,
    /// A row of each severity, to be filled in by the script: results look like any list.
    samples: Vec<Row>,
    kinds: Vec<Word>,
    /// The address of an advisory.
    example: String,
    cves: Vec<Link>,
    years: Vec<Year>,
    vendors: Option<String>,
    groups: Vec<Group>,
}

/// The search page of a language.
#[derive(Debug, Clone)]
pub struct SearchPage(Artefact);

impl From<SearchPage> for Artefact {
    fn from(page: SearchPage) -> Artefact {
        page.0
    }
}

impl Made<Vec<&Advisory>, Public> for SearchPage {
    type Shop<'s> = (&'s Room<'s>, &'s Catalogue<'s>, &'s Shelves<'s>);
    type Error = RenderError;

    fn made(
        _: &Vec<&Advisory>,
        _: &Public,
        (room, catalogue, shelves): &(&Room<'_>, &Catalogue<'_>, &Shelves<'_>),
        _: ByMake,
    ) -> Result<SearchPage, RenderError> {
        let words = room.words;
        let link = |path: &str, word: &str| Link {
            href: room.link(path),
            word: word.to_string(),
            lang: None,
        };
        let to = |scope: Scope<'_>| Link {
            lang: if let Scope::Language(lang) = scope {
                Some(lang.to_string())
            } else {
                None
            },
            ..link(&scope.path(), &scope.word(room))
        };
        let group = |title: &str, scopes: Vec<Scope<'_>>| Group {
            title: words.get(title).to_string(),
            items: scopes.into_iter().map(to).collect(),
        };
        let mut years: Vec<Year> = Vec::new();
        for (month, year, path) in shelves.lists.months() {
            match years.last_mut().filter(|last| last.year == year) {
                Some(last) => last.months.push(link(path, month)),
                None => years.push(Year {
                    year,
                    months: vec![link(path, month)],
                }),
            }
        }
        years.reverse();
        let mut cves: Vec<Link> = shelves
            .lists
            .cve_years()
            .map(|(year, path)| link(path, year))
            .collect();
        cves.reverse();
        let languages = catalogue
            .scopes()
            .filter(|scope| matches!(scope, Scope::Language(_)))
            .collect();
        let mut groups = vec![
            group(
                "by_severity",
                Severity::ALL
                    .into_iter()
                    .rev()
                    .map(Scope::Severity)
                    .collect(),
            ),
            group(
                "by_kind",
                Kind::ALL.iter().copied().map(Scope::Kind).collect(),
            ),
            group("by_language", languages),
        ];
        groups.retain(|group| !group.items.is_empty());
        let mut parts: Vec<&str> = shelves.parts().map(|part| part.name.as_str()).collect();
        parts.reverse();
        let view = SearchView {
            head: room.head(
                "search/",
                words.get("search"),
                words.get("search_text"),
                "search",
                &room.everywhere(),
            ),
            index: room.href(index::FOLDER),
            parts: parts.join(" "),
            advisories: room.link("advisories/"),
            dates: dates(room),
            samples: Severity::ALL.map(|severity| sample(room, severity)).into(),
            kinds: Kind::ALL
                .iter()
                .map(|kind| Word {
                    slug: kind.as_str(),
                    word: words.kind(*kind).to_string(),
                })
                .collect(),
            example: room.site.link(&room.path("advisories/")),
            cves,
            years,
            vendors: (!catalogue.vendors().is_empty()).then(|| room.link("vendor/")),
            groups,
        };
        room.file("search/", "search.html", &view).map(SearchPage)
    }
}

/// What a row of a list looks like. Nothing of it is seen: the script writes a result into it.
fn sample(room: &Room<'_>, severity: Severity) -> Row {
    Row {
        href: room.link("advisories/"),
        id: "ID".into(),
        title: room.words.get("search").to_string(),
        lang: None,
        dir: None,
        kind: room.words.get("kind").to_string(),
        severity: room.severity(severity),
        revision: None,
        withdrawn: true,
        date: DateView {
            iso: "2999-12-28".into(),
            shown: "2999-12-28".into(),
        },
    }
}

/// The forms of dates for the script, taken from a day of each month that the words have written.
fn dates(room: &Room<'_>) -> String {
    let form = |month: u8| {
        let day: Moment = format!("2999-{month:02}-28").parse().ok()?;
        let form = room
            .words
            .date(&day)
            .replacen("2999", "{year}", 1)
            .replacen("28", "{day}", 1);
        (form.contains("{year}")
            && form.contains("{day}")
            && form != format!("{{year}}-{month:02}-{{day}}"))
        .then_some(form)
    };
    let forms: Option<Vec<String>> = (1..=12).map(form).collect();
    forms.map(|forms| forms.join("|")).unwrap_or_default()
}
