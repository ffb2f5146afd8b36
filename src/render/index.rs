//! Lists of advisories and the home page.
//!
//! A [`Catalogue`] says once, for all languages, which advisory stands on which list; each list page then
//! takes its own fifty, so that no page ever carries the whole list.

use super::{
    feed::Format,
    page::{DateView, Head, RenderError, Room, Word, direction},
    vendors::{Vendor, Vendors},
};
use crate::{
    advisory::{Advisory, Kind, Status},
    artefact::Artefact,
    terms::{Lang, Severity},
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
pub enum Scope<'a> {
    /// Everything public.
    All,
    /// First published in a year.
    Year(i16),
    /// Of one severity.
    Severity(Severity),
    /// Of one kind.
    Kind(Kind),
    /// On one maker's products.
    Vendor(&'a Vendor),
    /// Written in, or translated into, a language.
    Language(&'a Lang),
}

impl Scope<'_> {
    /// The place of its first page, in the tree of a language.
    pub fn path(self) -> String {
        match self {
            Scope::All => "advisories/".to_string(),
            Scope::Year(year) => format!("advisories/{year}/"),
            Scope::Severity(severity) => format!("severity/{severity}/"),
            Scope::Kind(kind) => format!("kind/{kind}/"),
            Scope::Vendor(vendor) => format!("vendor/{}/", vendor.slug),
            Scope::Language(lang) => format!("language/{lang}/"),
        }
    }

    /// The place of its feeds, in the tree of a language; years have none.
    pub fn feed_folder(self) -> Option<String> {
        match self {
            Scope::All => Some(String::new()),
            Scope::Year(_) => None,
            _ => Some(self.path()),
        }
    }

    /// A feed of it has at least so many items, if there are so many. There can be hundreds of vendors.
    pub fn feed_size(self) -> usize {
        if let Scope::Vendor(_) = self { 10 } else { 50 }
    }

    /// What it is called.
    pub(super) fn title(self, room: &Room<'_>) -> String {
        let words = room.words;
        match self {
            Scope::All => words.get("advisories").to_string(),
            Scope::Year(year) => words.fill("year_title", &[("year", &year.to_string())]),
            Scope::Severity(severity) => words.fill("severity_title", &[("severity", words.severity(severity))]),
            Scope::Kind(kind) => words.get(kinds(kind)).to_string(),
            Scope::Vendor(vendor) => words.fill("vendor_title", &[("vendor", &vendor.name)]),
            Scope::Language(lang) => words.fill("language_title", &[("language", room.name_of(lang))]),
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
            Scope::Vendor(vendor) => vendor.name.clone(),
            Scope::Language(lang) => room.name_of(lang).to_string(),
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
pub struct Catalogue<'a> {
    lists: BTreeMap<Scope<'a>, Vec<usize>>,
}

impl<'a> Catalogue<'a> {
    /// Sorts advisories into lists; what changed last stands first. `vendors` and `languages` say of which of those
    /// there are lists.
    pub fn new(advisories: &[&Advisory], vendors: &'a Vendors, languages: &'a [Lang]) -> Catalogue<'a> {
        let mut order: Vec<usize> = (0..advisories.len()).collect();
        order.sort_by_cached_key(|at| {
            let one = advisories[*at];
            Reverse((one.updated().clone(), one.date.clone(), one.id.clone()))
        });
        let mut lists: BTreeMap<Scope<'a>, Vec<usize>> = BTreeMap::new();
        // Lists by severity and kind are there even when they are empty, since people subscribe to their feeds.
        for severity in Severity::ALL {
            lists.insert(Scope::Severity(severity), Vec::new());
        }
        for kind in Kind::ALL {
            lists.insert(Scope::Kind(*kind), Vec::new());
        }
        for at in &order {
            let one = advisories[*at];
            let own = [Scope::Year(one.date.year()), Scope::Severity(one.severity), Scope::Kind(one.kind)].into_iter();
            let makers = vendors.in_advisory(one).into_iter().map(Scope::Vendor);
            let written = languages.iter().filter(|lang| one.texts.contains_key(*lang)).map(Scope::Language);
            for scope in own.chain(makers).chain(written) {
                lists.entry(scope).or_default().push(*at);
            }
        }
        lists.insert(Scope::All, order);
        Catalogue { lists }
    }

    /// All lists there are.
    pub fn scopes(&self) -> impl Iterator<Item = Scope<'a>> {
        self.lists.keys().copied()
    }

    /// The places of a list's advisories, what changed last first.
    pub fn list<'s>(&'s self, scope: Scope<'s>) -> &'s [usize] {
        self.lists.get(&scope).map_or(&[], Vec::as_slice)
    }

    /// How many pages a list has; an empty one has one that says so.
    pub fn pages(&self, scope: Scope<'_>, page_size: usize) -> usize {
        self.list(scope).len().div_ceil(page_size).max(1)
    }

    fn years(&self) -> impl Iterator<Item = Scope<'a>> {
        self.lists.keys().rev().copied().filter(|scope| matches!(scope, Scope::Year(_)))
    }

    fn languages(&self) -> impl Iterator<Item = Scope<'a>> {
        self.lists.keys().copied().filter(|scope| matches!(scope, Scope::Language(_)))
    }

    /// All vendors, in the order of the alphabet.
    pub(super) fn vendors(&self) -> Vec<(&'a Vendor, usize)> {
        let mut vendors: Vec<(&Vendor, usize)> = self
            .lists
            .iter()
            .filter_map(|(scope, list)| if let Scope::Vendor(vendor) = scope { Some((*vendor, list.len())) } else { None })
            .collect();
        vendors.sort_by_cached_key(|(vendor, _)| (vendor.name.to_lowercase(), &vendor.slug));
        vendors
    }
}

/// One line of a list.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub href: String,
    pub id: String,
    pub title: String,
    pub lang: Option<String>,
    pub dir: Option<&'static str>,
    pub kind: String,
    pub severity: Word,
    pub revision: Option<String>,
    pub withdrawn: bool,
    pub date: DateView,
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
    lang: Option<String>,
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
    feeds: Vec<FeedLink>,
}

/// A feed for people: `RSS 2.0`.
#[derive(Serialize)]
pub(super) struct FeedLink {
    href: String,
    /// Its address on the site.
    shown: String,
    format: &'static str,
    media_type: &'static str,
}

pub(super) fn link(format: Format, room: &Room<'_>, folder: &str) -> FeedLink {
    let path = format!("{folder}{}", format.file());
    let media_type = format.media_type().split(';').next().unwrap_or_default();
    FeedLink { href: room.link(&path), shown: format!("/{}", room.path(&path)), format: format.title(), media_type }
}

/// So many products stand above a vendor's list.
const PRODUCTS_SHOWN: usize = 40;

fn intro(scope: Scope<'_>, room: &Room<'_>) -> Option<String> {
    match scope {
        Scope::All => Some(room.words.get("advisories_text").to_string()),
        Scope::Vendor(vendor) => {
            let more = if vendor.products.len() > PRODUCTS_SHOWN { ", …" } else { "" };
            let products = vendor.products[..vendor.products.len().min(PRODUCTS_SHOWN)].join(", ") + more;
            Some(room.words.fill("vendor_text", &[("products", &products)]))
        }
        _ => None,
    }
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
    pub catalogue: &'s Catalogue<'s>,
    pub scope: Scope<'s>,
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
        let feeds = |folder: String| room.feeds.iter().map(move |format| link(*format, room, &folder)).collect();
        let rows = catalogue.list(scope).iter().skip((page - 1) * room.page_size).take(room.page_size);
        let view = ListView {
            head,
            heading,
            intro: intro(scope, room),
            filters: filters(room, catalogue, scope),
            rows: rows.filter_map(|at| advisories.get(*at)).map(|one| row(one, room)).collect(),
            pager: (pages > 1).then(|| Pager {
                newer: (page > 1).then(|| room.link(&place(page - 1))),
                older: (page < pages).then(|| room.link(&place(page + 1))),
                place: position,
            }),
            feeds: scope.feed_folder().map(feeds).unwrap_or_default(),
        };
        room.file(&place(page), "list.html", &view).map(ListPage)
    }
}

/// So many vendors stand beside each list, those with the most advisories; the others on a page of their own.
const VENDORS_SHOWN: usize = 8;

fn filters(room: &Room<'_>, catalogue: &Catalogue<'_>, current: Scope<'_>) -> Vec<FilterGroup> {
    let filter = |scope: Scope<'_>| Filter {
        href: room.link(&scope.path()),
        word: scope.word(room),
        lang: if let Scope::Language(lang) = scope { Some(lang.to_string()) } else { None },
        current: scope == current,
    };
    let group = |title: &str, scopes: Vec<Scope<'_>>| FilterGroup {
        title: room.words.get(title).to_string(),
        items: scopes.into_iter().map(filter).collect(),
    };
    let severities = Severity::ALL.into_iter().rev().map(Scope::Severity);
    let mut vendors = catalogue.vendors();
    let all_vendors = vendors.len();
    vendors.sort_by_key(|(_, count)| Reverse(*count));
    vendors.truncate(VENDORS_SHOWN);
    let mut makers = group("by_vendor", vendors.into_iter().map(|(vendor, _)| Scope::Vendor(vendor)).collect());
    if all_vendors > 0 {
        makers.items.push(Filter {
            href: room.link("vendor/"),
            word: room.words.get("all_vendors").to_string(),
            lang: None,
            current: false,
        });
    }
    vec![
        group("by_severity", std::iter::once(Scope::All).chain(severities).collect()),
        group("by_kind", Kind::ALL.iter().copied().map(Scope::Kind).collect()),
        makers,
        group("by_year", catalogue.years().collect()),
        group("by_language", catalogue.languages().collect()),
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
    type Shop<'s> = (&'s Room<'s>, &'s Catalogue<'s>);
    type Error = RenderError;

    fn made(advisories: &Vec<&Advisory>, _: &Public, shop: &(&Room<'_>, &Catalogue<'_>)) -> Result<HomePage, RenderError> {
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

#[derive(Serialize)]
struct VendorRow {
    href: String,
    name: String,
    count: usize,
}

#[derive(Serialize)]
struct VendorsView {
    head: Head,
    vendors: Vec<VendorRow>,
}

/// The page of all vendors.
#[derive(Debug, Clone)]
pub struct VendorsPage(Artefact);

impl From<VendorsPage> for Artefact {
    fn from(page: VendorsPage) -> Artefact {
        page.0
    }
}

impl Made<Vec<&Advisory>, Public> for VendorsPage {
    type Shop<'s> = (&'s Room<'s>, &'s Catalogue<'s>);
    type Error = RenderError;

    fn made(_: &Vec<&Advisory>, _: &Public, (room, catalogue): &(&Room<'_>, &Catalogue<'_>)) -> Result<VendorsPage, RenderError> {
        let row = |(vendor, count): (&Vendor, usize)| VendorRow {
            href: room.link(&Scope::Vendor(vendor).path()),
            name: vendor.name.clone(),
            count,
        };
        let view = VendorsView {
            head: room.head(
                "vendor/",
                room.words.get("vendors"),
                room.words.get("vendors_text"),
                "advisories",
                &room.everywhere(),
            ),
            vendors: catalogue.vendors().into_iter().map(row).collect(),
        };
        room.file("vendor/", "vendors.html", &view).map(VendorsPage)
    }
}
