//! Lists of advisories and the home page.
//!
//! A [`Catalogue`] says once, for all languages, which advisory stands on which list; each list page then
//! takes its own fifty, so that no page ever carries the whole list.

use super::page::{DateView, Head, RenderError, Room, Word, direction};
use crate::{
    advisory::{Advisory, Kind, Status},
    artefact::Artefact,
    terms::Severity,
    tlp::{Made, Public},
};
use serde::Serialize;
use std::{cmp::Reverse, collections::BTreeMap};

/// How many advisories stand on the home page.
const HOME_ROWS: usize = 10;

/// An alert stands at the top of the home page for so many days before the newest publication.
const ALERT_DAYS: i64 = 30;

/// How many alerts at most.
const ALERTS: usize = 3;

/// What a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything public.
    All,
    /// First published in a year.
    Year(i16),
    /// Of one severity.
    Severity(Severity),
    /// Of one kind.
    Kind(Kind),
}

impl Scope {
    /// The place of its first page, in the tree of a language.
    pub fn path(self) -> String {
        match self {
            Scope::All => "advisories/".to_string(),
            Scope::Year(year) => format!("advisories/{year}/"),
            Scope::Severity(severity) => format!("severity/{severity}/"),
            Scope::Kind(kind) => format!("kind/{kind}/"),
        }
    }

    /// The place of its feeds, in the tree of a language; years have none.
    pub fn feed_folder(self) -> Option<String> {
        match self {
            Scope::All => Some(String::new()),
            Scope::Year(_) => None,
            Scope::Severity(_) | Scope::Kind(_) => Some(self.path()),
        }
    }

    /// What it is called.
    pub(super) fn title(self, room: &Room<'_>) -> String {
        let words = room.words;
        match self {
            Scope::All => words.get("advisories").to_string(),
            Scope::Year(year) => words.fill("year_title", &[("year", &year.to_string())]),
            Scope::Severity(severity) => words.fill("severity_title", &[("severity", words.severity(severity))]),
            Scope::Kind(kind) => words.get(kinds(kind)).to_string(),
        }
    }

    /// The one word for it in a list of lists.
    pub(super) fn word(self, room: &Room<'_>) -> String {
        let words = room.words;
        match self {
            Scope::All => words.get("all").to_string(),
            Scope::Year(year) => year.to_string(),
            Scope::Severity(severity) => words.severity(severity).to_string(),
            Scope::Kind(kind) => words.get(kinds(kind)).to_string(),
        }
    }
}

fn kinds(kind: Kind) -> &'static str {
    match kind {
        Kind::Advisory => "kinds_advisory",
        Kind::Alert => "kinds_alert",
        Kind::Awareness => "kinds_awareness",
        Kind::Announcement => "kinds_announcement",
    }
}

/// Which advisory stands on which list, by its place among all. It is made of public advisories only, so
/// nothing in it tells of others.
#[derive(Debug, Clone)]
pub struct Catalogue {
    lists: BTreeMap<Scope, Vec<usize>>,
}

impl Catalogue {
    /// Sorts advisories into lists; what changed last stands first.
    pub fn new(advisories: &[&Advisory]) -> Catalogue {
        let mut order: Vec<usize> = (0..advisories.len()).collect();
        order.sort_by_cached_key(|at| {
            let one = advisories[*at];
            Reverse((one.updated().clone(), one.date.clone(), one.id.clone()))
        });
        let mut lists: BTreeMap<Scope, Vec<usize>> = BTreeMap::new();
        // Lists by severity and kind are there even when they are empty, since people subscribe to their feeds.
        for severity in Severity::ALL {
            lists.insert(Scope::Severity(severity), Vec::new());
        }
        for kind in Kind::ALL {
            lists.insert(Scope::Kind(*kind), Vec::new());
        }
        for at in &order {
            let one = advisories[*at];
            for scope in [Scope::Year(one.date.year()), Scope::Severity(one.severity), Scope::Kind(one.kind)] {
                lists.entry(scope).or_default().push(*at);
            }
        }
        lists.insert(Scope::All, order);
        Catalogue { lists }
    }

    /// All lists there are.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.lists.keys().copied()
    }

    /// The places of a list's advisories, what changed last first.
    pub fn list(&self, scope: Scope) -> &[usize] {
        self.lists.get(&scope).map_or(&[], Vec::as_slice)
    }

    /// How many pages a list has; an empty one has one that says so.
    pub fn pages(&self, scope: Scope, page_size: usize) -> usize {
        self.list(scope).len().div_ceil(page_size).max(1)
    }

    fn years(&self) -> impl Iterator<Item = Scope> {
        self.lists.keys().rev().copied().filter(|scope| matches!(scope, Scope::Year(_)))
    }
}

/// One line of a list.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    href: String,
    id: String,
    title: String,
    lang: Option<String>,
    dir: Option<&'static str>,
    kind: String,
    severity: Word,
    revision: Option<String>,
    withdrawn: bool,
    date: DateView,
}

fn row(advisory: &Advisory, room: &Room<'_>) -> Row {
    let (lang, text) = advisory.text(&room.lang);
    let foreign = *lang != room.lang;
    Row {
        href: room.link(&format!("advisories/{}/", advisory.id)),
        id: advisory.id.to_string(),
        title: text.title.clone(),
        lang: foreign.then(|| lang.to_string()),
        dir: foreign.then(|| direction(lang)),
        kind: room.words.kind(advisory.kind).to_string(),
        severity: room.severity(advisory.severity),
        revision: advisory.is_revised().then(|| advisory.revision().number.clone()),
        withdrawn: advisory.status == Status::Withdrawn,
        date: room.date(advisory.updated()),
    }
}

#[derive(Serialize)]
struct Filter {
    href: String,
    word: String,
    current: bool,
}

#[derive(Serialize)]
struct FilterGroup {
    title: String,
    items: Vec<Filter>,
}

#[derive(Serialize)]
struct Pager {
    newer: Option<String>,
    older: Option<String>,
    place: String,
}

#[derive(Serialize)]
struct ListView {
    head: Head,
    heading: String,
    intro: Option<String>,
    filters: Vec<FilterGroup>,
    rows: Vec<Row>,
    pager: Option<Pager>,
    feed: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct ListPage(Artefact);

impl From<ListPage> for Artefact {
    fn from(page: ListPage) -> Artefact {
        page.0
    }
}

/// Which page of which list, in which language.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the three parts of that question, and the lists")]
pub struct ListShop<'s> {
    pub room: &'s Room<'s>,
    pub catalogue: &'s Catalogue,
    pub scope: Scope,
    /// From 1.
    pub page: usize,
}

impl Made<Vec<&Advisory>, Public> for ListPage {
    type Shop<'s> = ListShop<'s>;
    type Error = RenderError;

    fn made(advisories: &Vec<&Advisory>, _: &Public, shop: &ListShop<'_>) -> Result<ListPage, RenderError> {
        let ListShop { room, catalogue, scope, page } = *shop;
        let pages = catalogue.pages(scope, room.page_size);
        let place = |page: usize| match page {
            1 => scope.path(),
            _ => format!("{}page/{page}/", scope.path()),
        };
        let heading = scope.title(room);
        let position = room.words.fill("page_place", &[("page", &page.to_string()), ("pages", &pages.to_string())]);
        let title = if page > 1 { format!("{heading}, {position}") } else { heading.clone() };
        let mut head = room.head(&place(page), &title, room.words.get("advisories_text"), "advisories", &room.everywhere());
        let feed = scope.feed_folder().map(|folder| room.link(&format!("{folder}rss.xml")));
        // The feed of everything stands in the head of every page already.
        head.feed = feed.clone().filter(|_| scope != Scope::All);
        let rows = catalogue.list(scope).iter().skip((page - 1) * room.page_size).take(room.page_size);
        let view = ListView {
            head,
            heading,
            intro: (scope == Scope::All).then(|| room.words.get("advisories_text").to_string()),
            filters: filters(room, catalogue, scope),
            rows: rows.filter_map(|at| advisories.get(*at)).map(|one| row(one, room)).collect(),
            pager: (pages > 1).then(|| Pager {
                newer: (page > 1).then(|| room.link(&place(page - 1))),
                older: (page < pages).then(|| room.link(&place(page + 1))),
                place: position,
            }),
            feed,
        };
        room.file(&place(page), "list.html", &view).map(ListPage)
    }
}

fn filters(room: &Room<'_>, catalogue: &Catalogue, current: Scope) -> Vec<FilterGroup> {
    let group = |title: &str, scopes: Vec<Scope>| FilterGroup {
        title: room.words.get(title).to_string(),
        items: scopes
            .into_iter()
            .map(|scope| Filter { href: room.link(&scope.path()), word: scope.word(room), current: scope == current })
            .collect(),
    };
    let severities = Severity::ALL.into_iter().rev().map(Scope::Severity);
    vec![
        group("by_severity", std::iter::once(Scope::All).chain(severities).collect()),
        group("by_kind", Kind::ALL.iter().copied().map(Scope::Kind).collect()),
        group("by_year", catalogue.years().collect()),
    ]
    .into_iter()
    .filter(|group| !group.items.is_empty())
    .collect()
}

#[derive(Serialize)]
struct HomeView<'a> {
    head: Head,
    constituency: Option<&'a str>,
    report: Option<&'a str>,
    alerts: Vec<Row>,
    rows: Vec<Row>,
}

/// The home page.
#[derive(Debug, Clone)]
pub struct HomePage(Artefact);

impl From<HomePage> for Artefact {
    fn from(page: HomePage) -> Artefact {
        page.0
    }
}

impl Made<Vec<&Advisory>, Public> for HomePage {
    type Shop<'s> = (&'s Room<'s>, &'s Catalogue);
    type Error = RenderError;

    fn made(advisories: &Vec<&Advisory>, _: &Public, shop: &(&Room<'_>, &Catalogue)) -> Result<HomePage, RenderError> {
        let (room, catalogue) = *shop;
        let newest: Vec<&Advisory> = catalogue.list(Scope::All).iter().filter_map(|at| advisories.get(*at).copied()).collect();
        // No clock: the same advisories give the same page on any day, so age is counted from the newest.
        let is_current = |one: &Advisory| {
            let newest = newest.first().map(|newest| one.updated().days_until(newest.updated()));
            one.kind == Kind::Alert && one.status == Status::Final && newest.is_some_and(|days| days <= ALERT_DAYS)
        };
        let alerts: Vec<&Advisory> = newest.iter().copied().filter(|one| is_current(one)).take(ALERTS).collect();
        let is_shown_above = |one: &Advisory| alerts.iter().any(|alert| alert.id == one.id);
        let constituency = room.team.constituency.as_ref().map(|text| text.in_lang(&room.lang));
        let name = room.team.name.in_lang(&room.lang);
        let mut head = room.head("", name, constituency.unwrap_or_default(), "home", &room.everywhere());
        head.is_home = true;
        let view = HomeView {
            head,
            constituency,
            report: room.report.as_deref(),
            rows: newest.iter().filter(|one| !is_shown_above(one)).take(HOME_ROWS).map(|one| row(one, room)).collect(),
            alerts: alerts.iter().map(|one| row(one, room)).collect(),
        };
        room.file("", "home.html", &view).map(HomePage)
    }
}
