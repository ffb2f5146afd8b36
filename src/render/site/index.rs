//! Lists of advisories and the home page.
//!
//! A [`Catalogue`] says once, for all languages, which advisory stands on which list; each list page then
//! takes its own fifty, so that no page ever carries the whole list. Pages are numbered from the oldest ([`Pages`]), so
//! that what is new changes the first page and leaves the others as they are.

use super::{
    feed_format::Format,
    page::{DateView, Head, RenderError, Room, Word, direction},
    vendors::{Vendor, Vendors},
};
use crate::{
    advisory::{Advisory, Kind, Status},
    artefact::{Artefact, Digest},
    terms::{Lang, Severity},
    tlp::{ByMake, Made, Public},
};
use serde::Serialize;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    ops::Range,
};

/// How many advisories stand on the home page.
const HOME_ROWS: usize = 10;

/// An alert stands at the top of the home page for so many days before the newest publication.
const ALERT_DAYS: i64 = 30;

/// How many alerts at most.
const ALERTS: usize = 3;

/// What a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope<'a> {
    /// Everything public.
    All,
    /// First published in a year.
    Year(i16),
    /// First published in a month of a year.
    Month(i16, i8),
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
            Scope::Month(year, month) => format!("advisories/{year}/{month:02}/"),
            Scope::Severity(severity) => format!("severity/{severity}/"),
            Scope::Kind(kind) => format!("kind/{kind}/"),
            Scope::Vendor(vendor) => format!("vendor/{}/", vendor.slug),
            Scope::Language(lang) => format!("language/{lang}/"),
        }
    }

    /// The place of its feeds, in the tree of a language; years and months have none.
    pub fn feed_folder(self) -> Option<String> {
        match self {
            Scope::All => Some(String::new()),
            Scope::Year(_) | Scope::Month(..) => None,
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
            Scope::Year(year) => words.fill("year_title", &[("year", &digits(year, room))]),
            Scope::Month(year, month) => words.fill(
                "month_title",
                &[("month", &words.locale().month(year, month))],
            ),
            Scope::Severity(severity) => {
                words.fill("severity_title", &[("severity", words.severity(severity))])
            }
            Scope::Kind(kind) => words.get(kinds(kind)).to_string(),
            Scope::Vendor(vendor) => words.fill("vendor_title", &[("vendor", &vendor.name)]),
            Scope::Language(lang) => {
                words.fill("language_title", &[("language", room.name_of(lang))])
            }
        }
    }

    /// The one word for it in a list of lists.
    pub(super) fn word(self, room: &Room<'_>) -> String {
        let words = room.words;
        match self {
            Scope::All => words.get("all").to_string(),
            Scope::Year(year) => digits(year, room),
            Scope::Month(year, month) => words.locale().month(year, month),
            Scope::Severity(severity) => words.severity(severity).to_string(),
            Scope::Kind(kind) => words.get(kinds(kind)).to_string(),
            Scope::Vendor(vendor) => vendor.name.clone(),
            Scope::Language(lang) => room.name_of(lang).to_string(),
        }
    }
}

fn digits(year: i16, room: &Room<'_>) -> String {
    room.words.locale().digits(year.unsigned_abs().into())
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
    /// The vendors that stand beside each list, those with the most advisories.
    shown_vendors: Vec<&'a Vendor>,
}

impl<'a> Catalogue<'a> {
    /// Sorts advisories into lists; what changed last stands first. `vendors` and `languages` say of which of those
    /// there are lists.
    pub fn new(
        advisories: &[&Advisory],
        vendors: &'a Vendors,
        languages: &'a [Lang],
    ) -> Catalogue<'a> {
        let mut order: Vec<usize> = (0..advisories.len()).collect();
        order.sort_by(|a, b| {
            let key = |at: &usize| {
                (
                    advisories[*at].updated(),
                    &advisories[*at].date,
                    &advisories[*at].id,
                )
            };
            key(b).cmp(&key(a))
        });
        let mut lists: HashMap<Scope<'a>, Vec<usize>> = HashMap::new();
        // Lists by severity and kind are there even when they are empty, since people subscribe to their feeds.
        for severity in Severity::ALL {
            lists.insert(Scope::Severity(severity), Vec::new());
        }
        for kind in Kind::ALL {
            lists.insert(Scope::Kind(*kind), Vec::new());
        }
        for at in &order {
            let one = advisories[*at];
            let own = [
                Scope::Year(one.date.year()),
                Scope::Severity(one.severity),
                Scope::Kind(one.kind),
            ]
            .into_iter();
            let makers = vendors.in_advisory(one).into_iter().map(Scope::Vendor);
            let written = languages
                .iter()
                .filter(|lang| one.texts.contains_key(*lang))
                .map(Scope::Language);
            for scope in own.chain(makers).chain(written) {
                lists.entry(scope).or_default().push(*at);
            }
        }
        lists.insert(Scope::All, order);
        let mut catalogue = Catalogue {
            lists: lists.into_iter().collect(),
            shown_vendors: Vec::new(),
        };
        let mut vendors = catalogue.vendors();
        vendors.sort_by_key(|(_, count)| Reverse(*count));
        vendors.truncate(VENDORS_SHOWN);
        // In the order of the alphabet, so that one advisory more seldom changes what stands beside all lists.
        vendors.sort_by_cached_key(|(vendor, _)| (vendor.name.to_lowercase(), &vendor.slug));
        catalogue.shown_vendors = vendors.into_iter().map(|(vendor, _)| vendor).collect();
        catalogue
    }

    /// Of what stands beside every list: the words for other lists, and their addresses.
    pub fn digest(&self) -> Digest {
        let years: Vec<String> = self.years().map(Scope::path).collect();
        let languages: Vec<String> = self.languages().map(Scope::path).collect();
        let vendors: Vec<(&str, &str)> = self
            .shown_vendors
            .iter()
            .map(|vendor| (&*vendor.slug, &*vendor.name))
            .collect();
        let has_more = self
            .lists
            .keys()
            .any(|scope| matches!(scope, Scope::Vendor(_)));
        Digest::of_fields(&[&years, &languages, &vendors, &has_more])
    }

    /// With lists by month of first publication, for the archive.
    pub fn with_months(mut self, advisories: &[&Advisory]) -> Catalogue<'a> {
        let all = self.lists.get(&Scope::All).cloned().unwrap_or_default();
        for at in all {
            let day = advisories[at].date.date();
            self.lists
                .entry(Scope::Month(day.year(), day.month()))
                .or_default()
                .push(at);
        }
        self
    }

    /// All lists there are.
    pub fn scopes(&self) -> impl Iterator<Item = Scope<'a>> {
        self.lists.keys().copied()
    }

    /// The places of a list's advisories, what changed last first.
    pub fn list<'s>(&'s self, scope: Scope<'s>) -> &'s [usize] {
        self.lists.get(&scope).map_or(&[], Vec::as_slice)
    }

    /// How a list is cut into pages.
    pub fn pages(&self, scope: Scope<'_>, page_size: usize) -> Pages {
        Pages {
            length: self.list(scope).len(),
            size: page_size,
        }
    }

    /// The lists by year, the newest first.
    pub(super) fn years(&self) -> impl Iterator<Item = Scope<'a>> {
        self.lists
            .keys()
            .rev()
            .copied()
            .filter(|scope| matches!(scope, Scope::Year(_)))
    }

    fn has_months(&self) -> bool {
        self.lists
            .keys()
            .any(|scope| matches!(scope, Scope::Month(..)))
    }

    fn languages(&self) -> impl Iterator<Item = Scope<'a>> {
        self.lists
            .keys()
            .copied()
            .filter(|scope| matches!(scope, Scope::Language(_)))
    }

    /// All vendors, in the order of the alphabet.
    pub(super) fn vendors(&self) -> Vec<(&'a Vendor, usize)> {
        let mut vendors: Vec<(&Vendor, usize)> = self
            .lists
            .iter()
            .filter_map(|(scope, list)| {
                if let Scope::Vendor(vendor) = scope {
                    Some((*vendor, list.len()))
                } else {
                    None
                }
            })
            .collect();
        vendors.sort_by_cached_key(|(vendor, _)| (vendor.name.to_lowercase(), &vendor.slug));
        vendors
    }
}

/// How a list is cut into pages. The first page, `None`, has what is newest; the others are numbered from the oldest, and
/// one that is full stays as it is, whatever comes after it. So that the first page is never nearly empty, the page before
/// it gives up half of its own as long as the first has less than a half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    length: usize,
    size: usize,
}

impl Pages {
    /// How many are numbered.
    pub fn numbered(self) -> usize {
        if self.length > self.size {
            self.length / self.size
        } else {
            0
        }
    }

    /// All of them, the newest first.
    pub fn all(self) -> impl Iterator<Item = Option<usize>> {
        std::iter::once(None).chain((1..=self.numbered()).rev().map(Some))
    }

    /// How many of the oldest stand on pages up to this one.
    fn up_to(self, number: usize) -> usize {
        let half = self.size / 2;
        let is_cut = number == self.numbered() && self.length % self.size < half;
        number * self.size - if is_cut && number > 0 { half } else { 0 }
    }

    /// The places of a page's advisories in the list, whose newest stands first.
    pub fn range(self, page: Option<usize>) -> Range<usize> {
        let (from, to) = match page {
            None => (self.up_to(self.numbered()), self.length),
            Some(number) => (self.up_to(number - 1), self.up_to(number)),
        };
        self.length - to..self.length - from
    }

    /// The page with what is next older.
    fn older(self, page: Option<usize>) -> Option<usize> {
        let before = page.map_or(self.numbered(), |number| number - 1);
        (before > 0).then_some(before)
    }

    /// The page with what is next newer, if there is one; `Some(None)` is the first page.
    fn newer(self, page: Option<usize>) -> Option<Option<usize>> {
        page.map(|number| Some(number + 1).filter(|next| *next <= self.numbered()))
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
        revision: advisory
            .is_revised()
            .then(|| advisory.revision().number.clone()),
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
    place: Option<String>,
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
    FeedLink {
        href: room.link(&path),
        shown: format!("/{}", room.path(&path)),
        format: format.title(),
        media_type,
    }
}

/// So many products stand above a vendor's list.
const PRODUCTS_SHOWN: usize = 40;

fn intro(scope: Scope<'_>, room: &Room<'_>) -> Option<String> {
    match scope {
        Scope::All => Some(room.words.get("advisories_text").to_string()),
        Scope::Vendor(vendor) => {
            let more = if vendor.products.len() > PRODUCTS_SHOWN {
                ", …"
            } else {
                ""
            };
            let products =
                vendor.products[..vendor.products.len().min(PRODUCTS_SHOWN)].join(", ") + more;
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
#[allow(
    missing_docs,
    reason = "the three parts of that question, and the lists"
)]
pub struct ListShop<'s> {
    pub room: &'s Room<'s>,
    pub catalogue: &'s Catalogue<'s>,
    pub scope: Scope<'s>,
    /// Its number; the first page has none.
    pub page: Option<usize>,
    /// Of what stands beside every list; see [`Catalogue::digest`].
    pub beside: Digest,
}

impl ListShop<'_> {
    /// The place of the page in the tree of its language.
    fn place(&self, page: Option<usize>) -> String {
        match page {
            None => self.scope.path(),
            Some(number) => format!("{}page/{number}/", self.scope.path()),
        }
    }

    /// Where the page stands on the site.
    pub fn path(&self) -> String {
        self.room.path(&self.place(self.page))
    }

    /// Digests of all that the page is made of, besides what its room has.
    pub fn made_of(&self, advisories: &[&Advisory]) -> Vec<Digest> {
        let ListShop {
            room,
            catalogue,
            scope,
            page,
            beside,
        } = self;
        let pages = catalogue.pages(*scope, room.page_size);
        let around = Digest::of_fields(&[
            &scope.path(),
            page,
            &pages.newer(*page),
            &pages.older(*page),
            &(pages.numbered() > 0),
            &intro(*scope, room),
        ]);
        let rows = catalogue.list(*scope)[pages.range(*page)]
            .iter()
            .filter_map(|at| advisories.get(*at));
        [*beside, around]
            .into_iter()
            .chain(rows.map(|one| one.digest))
            .collect()
    }
}

impl Made<Vec<&Advisory>, Public> for ListPage {
    type Shop<'s> = ListShop<'s>;
    type Error = RenderError;

    fn made(
        advisories: &Vec<&Advisory>,
        _: &Public,
        shop: &ListShop<'_>,
        _: ByMake,
    ) -> Result<ListPage, RenderError> {
        let ListShop {
            room,
            catalogue,
            scope,
            page,
            ..
        } = *shop;
        let pages = catalogue.pages(scope, room.page_size);
        let place = |page| shop.place(page);
        let heading = scope.title(room);
        let position = page.map(|number| {
            room.words
                .fill("page_number", &[("page", &number.to_string())])
        });
        let title = position.as_ref().map_or_else(
            || heading.clone(),
            |position| format!("{heading}, {position}"),
        );
        let mut head = room.head(
            &place(page),
            &title,
            room.words.get("advisories_text"),
            "advisories",
            &room.everywhere(),
        );
        let feed = scope
            .feed_folder()
            .map(|folder| room.link(&format!("{folder}rss.xml")));
        // The feed of everything stands in the head of every page already.
        head.feed = feed.clone().filter(|_| scope != Scope::All);
        let feeds = |folder: String| {
            Format::ALL
                .iter()
                .map(move |format| link(*format, room, &folder))
                .collect()
        };
        let rows = catalogue.list(scope)[pages.range(page)].iter();
        let view = ListView {
            head,
            heading,
            intro: intro(scope, room),
            filters: filters(room, catalogue, scope),
            rows: rows
                .filter_map(|at| advisories.get(*at))
                .map(|one| row(one, room))
                .collect(),
            pager: (pages.numbered() > 0).then(|| Pager {
                newer: pages.newer(page).map(|page| room.link(&place(page))),
                older: pages.older(page).map(|page| room.link(&place(Some(page)))),
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
        lang: if let Scope::Language(lang) = scope {
            Some(lang.to_string())
        } else {
            None
        },
        current: scope == current,
    };
    let group = |title: &str, scopes: Vec<Scope<'_>>| FilterGroup {
        title: room.words.get(title).to_string(),
        items: scopes.into_iter().map(filter).collect(),
    };
    let severities = Severity::ALL.into_iter().rev().map(Scope::Severity);
    let vendors = &catalogue.shown_vendors;
    let mut makers = group(
        "by_vendor",
        vendors.iter().copied().map(Scope::Vendor).collect(),
    );
    if !vendors.is_empty() {
        makers.items.push(Filter {
            href: room.link("vendor/"),
            word: room.words.get("all_vendors").to_string(),
            lang: None,
            current: false,
        });
    }
    let mut years = group("by_year", catalogue.years().collect());
    if catalogue.has_months() {
        years.items.push(Filter {
            href: room.link("archive/"),
            word: room.words.get("archive").to_string(),
            lang: None,
            current: false,
        });
    }
    vec![
        group(
            "by_severity",
            std::iter::once(Scope::All).chain(severities).collect(),
        ),
        group(
            "by_kind",
            Kind::ALL.iter().copied().map(Scope::Kind).collect(),
        ),
        makers,
        years,
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

    fn made(
        advisories: &Vec<&Advisory>,
        _: &Public,
        shop: &(&Room<'_>, &Catalogue<'_>),
        _: ByMake,
    ) -> Result<HomePage, RenderError> {
        let (room, catalogue) = *shop;
        let newest: Vec<&Advisory> = catalogue
            .list(Scope::All)
            .iter()
            .filter_map(|at| advisories.get(*at).copied())
            .collect();
        // No clock: the same advisories give the same page on any day, so age is counted from the newest.
        let is_current = |one: &Advisory| {
            let newest = newest
                .first()
                .map(|newest| one.updated().days_until(newest.updated()));
            one.kind == Kind::Alert
                && one.status == Status::Final
                && newest.is_some_and(|days| days <= ALERT_DAYS)
        };
        let alerts: Vec<&Advisory> = newest
            .iter()
            .copied()
            .filter(|one| is_current(one))
            .take(ALERTS)
            .collect();
        let is_shown_above = |one: &Advisory| alerts.iter().any(|alert| alert.id == one.id);
        let constituency = room
            .team
            .constituency
            .as_ref()
            .map(|text| text.in_lang(&room.lang));
        let name = room.team.name.in_lang(&room.lang);
        let mut head = room.head(
            "",
            name,
            constituency.unwrap_or_default(),
            "home",
            &room.everywhere(),
        );
        head.is_home = true;
        let view = HomeView {
            head,
            constituency,
            report: room.report.as_deref(),
            rows: newest
                .iter()
                .filter(|one| !is_shown_above(one))
                .take(HOME_ROWS)
                .map(|one| row(one, room))
                .collect(),
            alerts: alerts.iter().map(|one| row(one, room)).collect(),
        };
        room.file("", "home.html", &view).map(HomePage)
    }
}

#[derive(Serialize)]
struct VendorRow {
    href: String,
    name: String,
    count: String,
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

    fn made(
        _: &Vec<&Advisory>,
        _: &Public,
        (room, catalogue): &(&Room<'_>, &Catalogue<'_>),
        _: ByMake,
    ) -> Result<VendorsPage, RenderError> {
        let row = |(vendor, count): (&Vendor, usize)| VendorRow {
            href: room.link(&Scope::Vendor(vendor).path()),
            name: vendor.name.clone(),
            count: room.words.locale().number(count),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The pages of a list of so many: by number, which of the oldest-first stand there.
    fn cut(length: usize) -> BTreeMap<Option<usize>, Vec<usize>> {
        let pages = Pages { length, size: 50 };
        let oldest_first = |range: Range<usize>| range.map(|place| length - 1 - place).collect();
        pages
            .all()
            .map(|page| (page, oldest_first(pages.range(page))))
            .collect()
    }

    #[test]
    fn who_walks_to_the_older_pages_meets_each_once() {
        for length in 0..400 {
            let pages = Pages { length, size: 50 };
            let (mut met, mut page) = (Vec::new(), None);
            loop {
                let here = pages.range(page);
                assert!(
                    here.len() <= 50 && (here.len() >= 25 || length < 50),
                    "{length} {page:?} {here:?}"
                );
                met.extend(here);
                let Some(older) = pages.older(page) else {
                    break;
                };
                assert_eq!(pages.newer(Some(older)), Some(page));
                page = Some(older);
            }
            assert_eq!(met, (0..length).collect::<Vec<_>>(), "{length}");
            assert_eq!(pages.newer(None), None);
        }
    }

    #[test]
    fn a_full_page_stays_as_it_is() {
        for length in 0..400 {
            let (before, after) = (cut(length), cut(length + 1));
            let changed = before
                .iter()
                .filter(|(page, rows)| page.is_some() && after.get(page) != Some(rows));
            let changed: Vec<_> = changed.collect();
            assert!(
                changed.iter().all(|(_, rows)| rows.len() < 50),
                "{length}: {changed:?}"
            );
            assert!(changed.len() <= 1);
        }
    }
}
