//! The whole public site, page by page: [`render`] hands each file to a sink as soon as it is made.
//!
//! What the site consists of is DESIGN section 5. The texts beside the pages are signed by whoever publishes.

use super::{
    advisory::Page,
    archive::ArchivePage,
    feed::{FeedFile, FeedShop, escape},
    feed_format::Format,
    index::{Catalogue, FeedLink, HomePage, ListPage, ListShop, Scope, VendorsPage, link},
    page::{AttachedFile, DateView, HTML, Head, RenderError, Room, direction, media_type},
    search::{FoundPage, FoundShop, IndexPart, PartShop, SCRIPTS, Scripts, SearchPage, Shelves},
    vendors::Vendors,
    versions::{DocumentView, EditionView},
};
use crate::render::{
    site::plain_text::Twin,
    templates::{Templates, file},
    words::Words,
};
use crate::{
    advisory::{Advisory, Kind},
    artefact::{Artefact, Digest, PROGRAM, Unit, keyed},
    markdown::{self, HtmlStyle},
    settings::{Addresses, Site},
    team::Team,
    terms::{Fingerprint, Lang, Moment, Severity},
    tlp::{ByMake, Made, Public, Shareable, Staff},
};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// How many advisories stand on one page of a list.
const PAGE_SIZE: usize = 50;

/// The sitemap protocol allows 50,000 addresses in one file.
const SITEMAP_SIZE: usize = 45_000;

/// The names that no page of the team's own may have, since the site has these places itself.
pub const TAKEN: [&str; 11] = [
    "advisories",
    "archive",
    "assets",
    "feeds",
    "kind",
    "language",
    "pgp",
    "rfc2350",
    "search",
    "severity",
    "vendor",
];

/// A certificate of the team, as the site shows it.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct KeyView {
    pub fingerprint: Fingerprint,
    pub user_ids: Vec<String>,
    /// For people: `Ed25519`.
    pub algorithm: Option<String>,
    pub created: Option<Moment>,
    pub expires: Option<Moment>,
    /// When the last of its keys ends that can be encrypted to; `None` if it never does, or if there is none.
    pub encryption_expires: Option<Moment>,
    /// The public certificate in armor.
    pub armored: Vec<u8>,
}

keyed!(KeyView {
    fingerprint,
    user_ids,
    algorithm,
    created,
    expires,
    encryption_expires,
    armored,
});

/// A page that the team wrote itself, in one language.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct OwnPage<'s> {
    /// Its place: `/NAME/`.
    pub name: &'s str,
    pub lang: &'s Lang,
    pub title: &'s str,
    /// Its position in the menu, if it is there.
    pub nav: Option<u32>,
    pub markdown: &'s str,
}

keyed!(OwnPage<'_> {
    name,
    lang,
    title,
    nav,
    markdown
});

/// Everything but advisories that the site is made of. All of it is public by the place where it was written.
#[derive(Debug, Clone, Copy)]
pub struct Supplies<'s> {
    /// Address and languages.
    pub site: &'s Site,
    /// The facts about the team.
    pub team: &'s Team,
    /// The words of each of the site's languages; see [`crate::render::words::read`].
    pub words: &'s BTreeMap<Lang, Words>,
    /// The workspace's `templates/`: name in it, text.
    pub templates: &'s [(String, String)],
    /// The team's certificates, the current one first.
    pub keys: &'s [KeyView],
    /// The RFC 2350 document by language.
    pub rfc2350: &'s BTreeMap<Lang, DocumentView>,
    /// Of `site/pages/`.
    pub pages: &'s [OwnPage<'s>],
    /// Of `site/assets/`: path in it, content.
    pub assets: &'s [(String, Vec<u8>)],
    /// Whose signatures stand beside the pages.
    pub signer: Option<&'s Fingerprint>,
}

impl<'s> Supplies<'s> {
    /// The RFC 2350 document that a room shows: its own, or that of the default language.
    fn document(&self, room: &Room<'_>) -> Option<(&'s Lang, &'s DocumentView)> {
        self.rfc2350
            .get_key_value(&room.lang)
            .or_else(|| self.rfc2350.get_key_value(room.site.default_lang()))
    }

    fn editions(&self, room: &Room<'_>) -> &'s [EditionView] {
        self.document(room)
            .map_or(&[], |(_, document)| &document.editions)
    }

    /// Of all of them, and of the program.
    fn digest(&self) -> Digest {
        // Each field is named here, so that a new one cannot be forgotten.
        let Supplies {
            site,
            team,
            words,
            templates,
            keys,
            rfc2350,
            pages,
            assets,
            signer,
        } = self;
        let Site {
            url,
            languages,
            addresses,
            deploy: _, // no page says where the site is copied to
        } = site;
        let addresses = match addresses {
            Addresses::Plain => "plain",
            Addresses::At => "at",
            Addresses::Entities => "entities",
        };
        // Words are made of the program, the templates and the language.
        let words: Vec<&Lang> = words.keys().collect();
        let assets: Vec<(&String, Digest)> = assets
            .iter()
            .map(|(path, bytes)| (path, Digest::of(bytes)))
            .collect();
        Digest::of_fields(&[
            &PROGRAM, url, languages, &addresses, team, &words, templates, keys, rfc2350, pages,
            &assets, signer,
        ])
    }
}

/// The workshop of the site: its supplies, and a room for each language.
#[derive(Debug)]
pub struct SiteShop<'s> {
    supplies: Supplies<'s>,
    rooms: Vec<Room<'s>>,
    surroundings: Digest,
}

/// Where the files of the site go. A closure that takes them is one, to which everything is new.
pub trait Sink<E>: Sync {
    /// Takes a file that is made each time.
    fn put(&self, file: Shareable<Artefact, Public>) -> Result<(), E>;

    /// Whether the files of a unit stand already, so that nothing has to be made.
    fn has(&self, unit: &Unit) -> bool;

    /// One advisory more is done.
    fn step(&self) {}

    /// Takes a file of a unit. All of its files have to be put.
    fn put_of(&self, unit: &Unit, file: Shareable<Artefact, Public>) -> Result<(), E>;

    /// Makes a unit, if its files do not stand already; `make` hands them over.
    ///
    /// What it makes may depend on what the unit's key is a digest of, and on nothing else.
    fn once<F: From<SiteError<E>>>(
        &self,
        unit: &Unit,
        make: impl FnOnce(&Put<'_, E>) -> Result<(), F>,
    ) -> Result<(), F>
    where
        Self: Sized,
    {
        if self.has(unit) {
            return Ok(());
        }
        make(&|file| self.put_of(unit, file).map_err(SiteError::Sink))
    }
}

/// Takes the files of a unit.
pub type Put<'p, E> = dyn Fn(Shareable<Artefact, Public>) -> Result<(), SiteError<E>> + 'p;

impl<E, F: Fn(Shareable<Artefact, Public>) -> Result<(), E> + Sync> Sink<E> for F {
    fn put(&self, file: Shareable<Artefact, Public>) -> Result<(), E> {
        self(file)
    }
    fn has(&self, _: &Unit) -> bool {
        false
    }
    fn put_of(&self, _: &Unit, file: Shareable<Artefact, Public>) -> Result<(), E> {
        self(file)
    }
}

/// What stopped the site: making it, or what its files were handed to.
#[derive(Debug, thiserror::Error)]
pub enum SiteError<E> {
    /// A page could not be made.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The sink refused a file.
    #[error("the site could not be written")]
    Sink(#[source] E),
}

#[derive(Serialize)]
struct Phone<'a> {
    shown: &'a str,
    dial: String,
}

#[derive(Serialize)]
struct NavItem<'a> {
    name: &'a str,
    href: String,
    title: &'a str,
}

/// What all pages of a language share.
#[derive(Serialize)]
struct Shared<'a> {
    lang: &'a str,
    dir: &'static str,
    root: String,
    words: &'a BTreeMap<String, String>,
    team_name: &'a str,
    team_short: &'a str,
    email: &'a str,
    phone: Option<Phone<'a>>,
    emergency: Option<Phone<'a>>,
    hours: Option<&'a str>,
    nav: Vec<NavItem<'a>>,
    css: String,
    favicon: String,
    logo: Option<String>,
    has_key: bool,
    has_rfc2350: bool,
    /// The scripts of the search page.
    search: Scripts,
    feed_kinds: Vec<FeedKind>,
}

#[derive(Serialize)]
struct FeedKind {
    media_type: &'static str,
    format: &'static str,
    href: String,
}

impl<'s> SiteShop<'s> {
    /// Reads the templates and opens a room for each language.
    pub fn open(supplies: Supplies<'s>) -> Result<SiteShop<'s>, RenderError> {
        let languages = &supplies.site.languages;
        let is_taken = |name: &str| {
            TAKEN.contains(&name) || languages.iter().any(|lang| lang.as_str() == name)
        };
        if let Some(page) = supplies.pages.iter().find(|page| is_taken(page.name)) {
            return Err(RenderError::PlaceTaken {
                name: page.name.to_string(),
            });
        }
        let templates = Templates::new(supplies.templates)?;
        let mut rooms = Vec::new();
        for lang in languages {
            let Some(words) = supplies.words.get(lang) else {
                continue;
            };
            rooms.push(room(&supplies, lang, words, &templates)?);
        }
        Ok(SiteShop {
            surroundings: supplies.digest(),
            supplies,
            rooms,
        })
    }

    /// A unit of files that are made of these things, by their digests, and of what this shop has: words, templates,
    /// facts about the team. `name` is the site's only one of its kind.
    pub fn unit<'d>(
        &self,
        kind: &str,
        name: &str,
        of: impl IntoIterator<Item = &'d Digest>,
    ) -> Unit {
        let own = [&self.surroundings.0[..], kind.as_bytes()];
        let key = Digest::of_parts(
            own.into_iter()
                .chain(of.into_iter().map(|digest| &digest.0[..])),
        );
        Unit::new(format!("{kind} {name}"), key)
    }

    /// The room of a language, if the site has it.
    pub fn room(&self, lang: &Lang) -> Option<&Room<'s>> {
        self.rooms.iter().find(|room| room.lang == *lang)
    }

    /// The rooms of all languages, the default first.
    pub fn rooms(&self) -> &[Room<'s>] {
        &self.rooms
    }
}

fn room<'s>(
    supplies: &Supplies<'s>,
    lang: &Lang,
    words: &'s Words,
    templates: &Templates,
) -> Result<Room<'s>, RenderError> {
    let Supplies { site, team, .. } = *supplies;
    let prefix = if lang == site.default_lang() {
        String::new()
    } else {
        format!("{lang}/")
    };
    let base = site.url.path();
    let root = format!("{base}{prefix}");
    let has_asset = |name: &str| supplies.assets.iter().any(|(path, _)| path == name);
    let style = stylesheet(supplies);
    let mut nav: Vec<(u32, NavItem<'_>)> = Vec::new();
    for page in own_pages(supplies, lang) {
        if let Some(at) = page.nav {
            nav.push((
                at,
                NavItem {
                    name: page.name,
                    href: format!("{root}{}/", page.name),
                    title: page.title,
                },
            ));
        }
    }
    nav.sort_by_key(|(at, item)| (*at, item.name));
    let dial = |text: &str| {
        text.chars()
            .filter(|c| c.is_ascii_digit() || *c == '+')
            .collect::<String>()
    };
    let phone = |text: &'s Option<String>| {
        text.as_deref().map(|shown| Phone {
            shown,
            dial: dial(shown),
        })
    };
    let shared = Shared {
        lang: lang.as_str(),
        dir: direction(lang),
        words: words.all(),
        team_name: team.name.in_lang(lang),
        team_short: team.short(lang),
        email: team.email.as_str(),
        phone: phone(&team.phone),
        emergency: phone(&team.emergency_phone),
        hours: team.hours.as_ref().map(|hours| hours.in_lang(lang)),
        nav: nav.into_iter().map(|(_, item)| item).collect(),
        // The digest makes browsers take a new style sheet at once, and keep an old one for ever.
        css: format!(
            "{base}assets/site.css?v={}",
            &Digest::of(style.as_bytes()).hex()[..12]
        ),
        favicon: format!("{base}assets/favicon.svg"),
        logo: has_asset("logo.svg").then(|| format!("{base}assets/logo.svg")),
        has_key: !supplies.keys.is_empty(),
        has_rfc2350: !supplies.rfc2350.is_empty(),
        search: Scripts::at(base, |name| script(supplies, name).to_string()),
        feed_kinds: Format::ALL
            .iter()
            .map(|format| FeedKind {
                media_type: format.media_type().split(';').next().unwrap_or_default(),
                format: format.title(),
                href: format!("{root}{}", format.file()),
            })
            .collect(),
        root: root.clone(),
    };
    let name = |lang: &Lang| {
        supplies
            .words
            .get(lang)
            .map_or_else(|| lang.to_string(), |words| own_name(words, lang))
    };
    Ok(Room {
        site,
        team,
        lang: lang.clone(),
        words,
        templates: templates.sharing(&shared)?,
        fingerprint: supplies.keys.first().map(|key| key.fingerprint.spaced()),
        report: supplies
            .pages
            .iter()
            .any(|page| page.name == "report")
            .then(|| format!("{root}report/")),
        page_size: PAGE_SIZE,
        names: site
            .languages
            .iter()
            .map(|lang| (lang.clone(), name(lang)))
            .collect(),
        marks: supplies
            .words
            .iter()
            .map(|(lang, words)| (lang.clone(), words.marks()))
            .collect(),
    })
}

/// What a language calls itself; its tag where its words do not say.
fn own_name(words: &Words, lang: &Lang) -> String {
    match words.missing().iter().any(|key| key == "language_name") {
        true => lang.to_string(),
        false => words.get("language_name").to_string(),
    }
}

fn stylesheet<'s>(supplies: &Supplies<'s>) -> &'s str {
    file(supplies.templates, "site.css").expect("the built-in templates have a style sheet")
}

fn script<'s>(supplies: &Supplies<'s>, name: &str) -> &'s str {
    file(supplies.templates, name)
        .expect("the built-in templates have the scripts of the search page")
}

/// One page for each name, in this language or else in the default one, or in what there is.
fn own_pages<'s>(supplies: &Supplies<'s>, lang: &Lang) -> Vec<&'s OwnPage<'s>> {
    let mut best: BTreeMap<&str, &OwnPage<'_>> = BTreeMap::new();
    let rank = |page: &OwnPage<'_>| (page.lang != lang, page.lang != supplies.site.default_lang());
    for page in supplies.pages {
        let known = best.entry(page.name).or_insert(page);
        if rank(page) < rank(known) {
            *known = page;
        }
    }
    best.into_values().collect()
}

/// Makes the whole site of these advisories. Every file goes to the sink as soon as it is made, from several threads, in no
/// particular order; units that the sink has already are not made. `sign` gets the texts that stand beside the pages, and
/// hands over what becomes of them.
pub fn render<E: Send>(
    shop: &SiteShop<'_>,
    advisories: &Shareable<Vec<&Advisory>, Public>,
    sink: &impl Sink<E>,
    sign: impl Fn(&Shareable<Twin, Public>, &Put<'_, E>) -> Result<(), E> + Sync,
) -> Result<(), SiteError<E>> {
    let put = |made: Shareable<Artefact, Public>| sink.put(made).map_err(SiteError::Sink);
    let pages = |at: usize| -> Result<(), SiteError<E>> {
        let Some(advisory) = advisories.nth(at) else {
            return Ok(());
        };
        let one = advisory.thing();
        sink.once(
            &shop.unit("advisory", one.id.as_str(), [&one.digest]),
            |put| -> Result<(), SiteError<E>> {
                let (pages, twins) = advisory
                    .make::<(Vec<Page>, Vec<Twin>)>(&&shop.rooms[..])?
                    .apart();
                pages
                    .each()
                    .try_for_each(|page| put(page.into_artefact()))?;
                twins
                    .each()
                    .try_for_each(|twin| sign(&twin, put).map_err(SiteError::Sink))?;
                for attachment in &one.attachments {
                    put(advisory
                        .make::<AttachedFile>(&attachment.name.as_str())?
                        .into_artefact())?;
                }
                Ok(())
            },
        )?;
        sink.step();
        Ok(())
    };
    // What takes one core its time is done while the other does the same.
    let (rest, (vendors, languages)) = rayon::join(
        || -> Result<(), SiteError<E>> {
            advisories
                .make::<Vec<Artefact>>(shop)?
                .each()
                .try_for_each(put)
        },
        || {
            (
                Vendors::of(advisories.thing()),
                languages(advisories.thing()),
            )
        },
    );
    rest?;
    let catalogue =
        || Catalogue::new(advisories.thing(), &vendors, &languages).with_months(advisories.thing());
    let shelves = || Shelves::of(advisories.thing(), shop.supplies.site.url.path());
    let (made, (catalogue, shelves)) = rayon::join(
        || {
            (0..advisories.thing().len())
                .into_par_iter()
                .try_for_each(pages)
        },
        || rayon::join(catalogue, shelves),
    );
    made?;
    let catalogue = &catalogue;
    let digest = catalogue.digest();
    let mut lists = Vec::new();
    for room in &shop.rooms {
        for scope in catalogue.scopes() {
            let pages = catalogue.pages(scope, room.page_size).all();
            lists.extend(pages.map(|page| ListShop {
                room,
                catalogue,
                scope,
                page,
                beside: digest,
            }));
        }
    }
    lists
        .par_iter()
        .try_for_each(|list| -> Result<(), SiteError<E>> {
            let unit = shop.unit("list", &list.path(), &list.made_of(advisories.thing()));
            sink.once(&unit, |put| {
                put(advisories.make::<ListPage>(list)?.into_artefact())
            })
        })?;

    let feeds: Vec<FeedShop<'_>> = shop
        .rooms
        .iter()
        .flat_map(|room| {
            let editions = shop.supplies.editions(room);
            catalogue.scopes().map(move |scope| FeedShop {
                room,
                catalogue,
                scope,
                formats: &Format::ALL,
                editions,
            })
        })
        .filter(|feed| feed.scope.feed_folder().is_some())
        .collect();
    feeds
        .par_iter()
        .try_for_each(|feed| -> Result<(), SiteError<E>> {
            let unit = shop.unit("feed", &feed.path(), &feed.made_of(advisories.thing()));
            sink.once(&unit, |put| {
                advisories
                    .make::<Vec<FeedFile>>(feed)?
                    .each()
                    .try_for_each(|file| put(file.into_artefact()))
            })
        })?;

    let site = shop.supplies.site;
    shelves
        .parts()
        .try_for_each(|part| -> Result<(), SiteError<E>> {
            let part = PartShop { site, part };
            let unit = shop.unit(
                "search index",
                &part.path(),
                &part.made_of(advisories.thing()),
            );
            sink.once(&unit, |put| {
                put(advisories.make::<IndexPart>(&part)?.into_artefact())
            })
        })?;
    let pages: Vec<FoundShop<'_>> = shop
        .rooms
        .iter()
        .flat_map(|room| {
            shelves
                .pages()
                .iter()
                .map(move |found| FoundShop { room, found })
        })
        .collect();
    pages
        .par_iter()
        .try_for_each(|page| -> Result<(), SiteError<E>> {
            let unit = shop.unit(
                "search page",
                &page.path(),
                &page.made_of(advisories.thing()),
            );
            sink.once(&unit, |put| {
                put(advisories.make::<FoundPage>(page)?.into_artefact())
            })
        })?;
    for room in &shop.rooms {
        put(advisories
            .make::<SearchPage>(&(room, catalogue, &shelves))?
            .into_artefact())?;
    }

    for room in &shop.rooms {
        put(advisories
            .make::<ArchivePage>(&(room, catalogue))?
            .into_artefact())?;
        put(advisories
            .make::<HomePage>(&(room, catalogue))?
            .into_artefact())?;
        if !catalogue.vendors().is_empty() {
            put(advisories
                .make::<VendorsPage>(&(room, catalogue))?
                .into_artefact())?;
        }
    }
    Ok(())
}

/// What would be made for the public, for staff to look at.
fn shown<U: Made<T, Public>, T>(thing: &T, shop: &U::Shop<'_>) -> Result<U, U::Error> {
    Shareable::<U, Staff>::as_for_public(thing, shop).map(Shareable::into_thing)
}

/// One file of the site by its path, without making the others; what [`render`] makes is found here. A site that is only
/// looked at makes what is asked for.
pub(in crate::render) fn find(
    shop: &SiteShop<'_>,
    advisories: &Vec<&Advisory>,
    catalogue: &Catalogue<'_>,
    path: &str,
) -> Result<Option<Artefact>, RenderError> {
    let is_own = |room: &&Room<'_>| room.lang != *room.site.default_lang();
    let elsewhere = shop
        .rooms
        .iter()
        .filter(is_own)
        .find_map(|room| Some((room, path.strip_prefix(&room.path(""))?)));
    let Some((room, rest)) = elsewhere.or_else(|| Some((shop.rooms.first()?, path))) else {
        return Ok(None);
    };
    let is_default = !is_own(&room);
    if let Some((id, name)) = rest
        .strip_prefix("advisories/")
        .and_then(|rest| rest.split_once('/'))
        && let Some(advisory) = advisories
            .iter()
            .find(|advisory| advisory.id.as_str() == id)
    {
        return match name {
            _ if name.ends_with("index.html") => {
                let mut pages = shown::<Vec<Page>, _>(advisory, room)?
                    .into_iter()
                    .map(Artefact::from);
                Ok(pages.find(|page| page.path == path))
            }
            _ if is_default && advisory.attachments.iter().any(|one| one.name == name) => {
                shown::<AttachedFile, _>(advisory, &name).map(|file| Some(file.into()))
            }
            _ => Ok(None),
        };
    }
    for scope in catalogue.scopes() {
        let feed = scope.feed_folder().and_then(|folder| {
            let name = rest.strip_prefix(&folder)?;
            Format::ALL.iter().find(|format| format.file() == name)
        });
        if let Some(format) = feed {
            let editions = shop.supplies.editions(room);
            let shop = FeedShop {
                room,
                catalogue,
                scope,
                formats: std::slice::from_ref(format),
                editions,
            };
            let made = shown::<Vec<FeedFile>, _>(advisories, &shop)?;
            return Ok(made.into_iter().next().map(Artefact::from));
        }
        let page = rest.strip_prefix(&scope.path()).and_then(|rest| {
            match rest.strip_suffix("index.html")? {
                "" => Some(None),
                more => Some(Some(
                    more.strip_prefix("page/")?
                        .strip_suffix('/')?
                        .parse()
                        .ok()?,
                )),
            }
        });
        if let Some(page) = page.filter(|page| {
            catalogue
                .pages(scope, room.page_size)
                .all()
                .any(|one| one == *page)
        }) {
            let shop = ListShop {
                room,
                catalogue,
                scope,
                page,
                beside: catalogue.digest(),
            };
            return shown::<ListPage, _>(advisories, &shop).map(|page| Some(page.into()));
        }
    }
    if rest.starts_with("search/") {
        let shelves = &Shelves::of(advisories, room.site.url.path());
        if rest == "search/index.html" {
            return shown::<SearchPage, _>(advisories, &(room, catalogue, shelves))
                .map(|page| Some(page.into()));
        }
        let parts = || {
            shelves.parts().map(|part| PartShop {
                site: room.site,
                part,
            })
        };
        if let Some(part) = parts().find(|part| part.path() == path) {
            return shown::<IndexPart, _>(advisories, &part).map(|part| Some(part.into()));
        }
        let mut pages = shelves
            .pages()
            .iter()
            .map(|found| FoundShop { room, found });
        return match pages.find(|page| path.strip_suffix("index.html") == Some(&page.path())) {
            Some(page) => shown::<FoundPage, _>(advisories, &page).map(|page| Some(page.into())),
            None => Ok(None),
        };
    }
    match rest {
        "index.html" => {
            return shown::<HomePage, _>(advisories, &(room, catalogue))
                .map(|page| Some(page.into()));
        }
        "archive/index.html" => {
            return shown::<ArchivePage, _>(advisories, &(room, catalogue))
                .map(|page| Some(page.into()));
        }
        "vendor/index.html" if !catalogue.vendors().is_empty() => {
            return shown::<VendorsPage, _>(advisories, &(room, catalogue))
                .map(|page| Some(page.into()));
        }
        _ => {}
    }
    let mut files = Vec::new();
    if rest.ends_with(".html") || rest.ends_with("/form.txt") {
        pages_of(room, &shop.supplies, &mut files)?;
    } else if is_default && rest.starts_with("sitemap") {
        files = shown::<Vec<Artefact>, _>(advisories, shop)?;
    } else if is_default {
        assets(&shop.supplies, &mut files);
    }
    Ok(files.into_iter().find(|file| file.path == path))
}

/// The languages in which something is written, if there are several.
pub(in crate::render) fn languages(advisories: &[&Advisory]) -> Vec<Lang> {
    let all: BTreeSet<&Lang> = advisories.iter().flat_map(|one| one.texts.keys()).collect();
    if all.len() > 1 {
        all.into_iter().cloned().collect()
    } else {
        Vec::new()
    }
}

/// The rest of the site: the team's own pages, key, RFC 2350, feeds page, assets, sitemap.
impl Made<Vec<&Advisory>, Public> for Vec<Artefact> {
    type Shop<'s> = SiteShop<'s>;
    type Error = RenderError;

    fn made(
        advisories: &Vec<&Advisory>,
        _: &Public,
        shop: &SiteShop<'_>,
        _: ByMake,
    ) -> Result<Vec<Artefact>, RenderError> {
        let mut files = Vec::new();
        for room in &shop.rooms {
            pages_of(room, &shop.supplies, &mut files)?;
        }
        assets(&shop.supplies, &mut files);
        sitemap(shop, advisories, &mut files);
        Ok(files)
    }
}

#[derive(Serialize)]
struct NoticeView<'a> {
    head: Head,
    title: &'a str,
    text_lang: &'a str,
    text_dir: &'static str,
    foreign: bool,
    body: String,
    form: Option<FormView<'a>>,
}

/// A form to fill in, on a page of the team's own.
#[derive(Serialize)]
struct FormView<'a> {
    /// The form as a text file.
    href: String,
    /// What the page says after it.
    rest: String,
    send: String,
    fingerprint: Option<&'a str>,
    key_href: String,
}

#[derive(Serialize)]
struct DocumentPage<'a> {
    head: Head,
    version: &'a str,
    date: DateView,
    text_href: String,
    signature_href: String,
    versions_href: Option<String>,
    text_lang: &'a str,
    text_dir: &'static str,
    foreign: bool,
    body: &'a str,
}

#[derive(Serialize)]
struct KeyRow<'a> {
    fingerprint: String,
    user_ids: &'a [String],
    algorithm: Option<&'a str>,
    created: Option<DateView>,
    expires: Option<DateView>,
    encryption_expires: Option<DateView>,
}

#[derive(Serialize)]
struct KeyPage<'a> {
    head: Head,
    keys: Vec<KeyRow<'a>>,
    key_href: String,
}

#[derive(Serialize)]
struct FeedRow {
    word: String,
    feeds: Vec<FeedLink>,
}

#[derive(Serialize)]
struct FeedGroup {
    title: String,
    items: Vec<FeedRow>,
}

#[derive(Serialize)]
struct FeedsPage {
    head: Head,
    formats: Vec<&'static str>,
    groups: Vec<FeedGroup>,
}

#[derive(Serialize)]
struct HeadOnly {
    head: Head,
}

fn pages_of(
    room: &Room<'_>,
    supplies: &Supplies<'_>,
    files: &mut Vec<Artefact>,
) -> Result<(), RenderError> {
    let words = room.words;
    for page in own_pages(supplies, &room.lang) {
        let rest = format!("{}/", page.name);
        let real: Vec<&Lang> = supplies
            .pages
            .iter()
            .filter(|other| other.name == page.name)
            .map(|other| other.lang)
            .collect();
        let mut body = markdown::html(
            page.markdown,
            &HtmlStyle {
                prefix: "",
                top: 2,
                words: room.marks(page.lang),
            },
        );
        let form = markdown::listing(page.markdown, FORM)
            .map(|text| form(room, &rest, text, &mut body, files));
        let view = NoticeView {
            head: room.head(&rest, page.title, "", page.name, &real),
            title: page.title,
            text_lang: page.lang.as_str(),
            text_dir: direction(page.lang),
            foreign: *page.lang != room.lang,
            body,
            form,
        };
        files.push(room.file(&rest, "notice.html", &view)?);
    }
    if let Some((lang, document)) = supplies.document(room) {
        let real: Vec<&Lang> = room
            .site
            .languages
            .iter()
            .filter(|lang| supplies.rfc2350.contains_key(lang))
            .collect();
        let view = DocumentPage {
            head: room.head(
                "rfc2350/",
                words.get("rfc2350"),
                words.get("rfc2350_text"),
                "rfc2350",
                &real,
            ),
            version: &document.version,
            date: room.date(&document.date),
            text_href: room.href(&document.text_path),
            signature_href: room.href(&format!("{}.asc", document.text_path)),
            versions_href: document
                .editions
                .first()
                .map(|_| room.link("rfc2350/archive/")),
            text_lang: lang.as_str(),
            text_dir: direction(lang),
            foreign: *lang != room.lang,
            body: &document.html,
        };
        files.push(room.file("rfc2350/", "rfc2350.html", &view)?);
        super::versions::pages(room, lang, document, &real, files)?;
    }
    if !supplies.keys.is_empty() {
        let view = KeyPage {
            head: room.head(
                "pgp/",
                words.get("pgp"),
                words.get("pgp_text"),
                "pgp",
                &room.everywhere(),
            ),
            keys: supplies
                .keys
                .iter()
                .map(|key| KeyRow {
                    fingerprint: key.fingerprint.spaced(),
                    user_ids: &key.user_ids,
                    algorithm: key.algorithm.as_deref(),
                    created: key.created.as_ref().map(|moment| room.date(moment)),
                    expires: key.expires.as_ref().map(|moment| room.date(moment)),
                    encryption_expires: key
                        .encryption_expires
                        .as_ref()
                        .map(|moment| room.date(moment)),
                })
                .collect(),
            key_href: room.href("pgp-key.asc"),
        };
        files.push(room.file("pgp/", "pgp.html", &view)?);
    }
    files.push(room.file("feeds/", "feeds.html", &feeds_page(room))?);
    let mut head = room.head("404.html", words.get("not_found"), "", "", &[]);
    // Whoever meets this page is somewhere else: its languages lead home.
    head.languages.clear();
    files.push(room.file("404.html", "not_found.html", &HeadOnly { head })?);
    Ok(())
}

/// The language of a listing that is a form: it stands beside its page as a text file.
const FORM: &str = "form";

/// Puts the form beside its page, and parts what the page says behind it.
fn form<'r>(
    room: &'r Room<'_>,
    rest: &str,
    text: String,
    body: &mut String,
    files: &mut Vec<Artefact>,
) -> FormView<'r> {
    let path = room.path(&format!("{rest}form.txt"));
    let href = room.href(&path);
    files.push(Artefact::new(path, super::page::TEXT, text));
    let listing = body
        .find("<code class=\"language-form\">")
        .unwrap_or(body.len());
    let end = body[listing..]
        .find("</pre>\n")
        .map_or(body.len(), |found| listing + found + "</pre>\n".len());
    FormView {
        href,
        rest: body.split_off(end),
        send: room
            .words
            .fill("form_send", &[("address", room.team.email.as_str())]),
        fingerprint: room.fingerprint.as_deref(),
        key_href: room.href("pgp-key.asc"),
    }
}

fn feeds_page(room: &Room<'_>) -> FeedsPage {
    let words = room.words;
    let rows = |scopes: Vec<Scope<'_>>| -> Vec<FeedRow> {
        let row = |scope: Scope<'_>| {
            let folder = scope.feed_folder()?;
            let word = if scope == Scope::All {
                words.get("feed_everything").to_string()
            } else {
                scope.word(room)
            };
            Some(FeedRow {
                word,
                feeds: Format::ALL
                    .iter()
                    .map(|format| link(*format, room, &folder))
                    .collect(),
            })
        };
        scopes.into_iter().filter_map(row).collect()
    };
    let group = |title: &str, scopes| FeedGroup {
        title: words.get(title).to_string(),
        items: rows(scopes),
    };
    FeedsPage {
        head: room.head(
            "feeds/",
            words.get("feeds"),
            words.get("feeds_text"),
            "feeds",
            &room.everywhere(),
        ),
        formats: Format::ALL.iter().map(|format| format.title()).collect(),
        groups: vec![
            group("advisories", vec![Scope::All]),
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
        ],
    }
}

fn assets(supplies: &Supplies<'_>, files: &mut Vec<Artefact>) {
    for (path, bytes) in supplies.assets {
        files.push(Artefact::new(
            format!("assets/{path}"),
            media_type(path),
            bytes.clone(),
        ));
    }
    let has_asset = |name: &str| supplies.assets.iter().any(|(path, _)| path == name);
    if !has_asset("site.css") {
        files.push(Artefact::new(
            "assets/site.css",
            media_type("site.css"),
            stylesheet(supplies),
        ));
    }
    if !has_asset("feed.css") {
        let style = file(supplies.templates, "feed.css")
            .expect("the built-in templates have a style sheet for feeds");
        files.push(Artefact::new(
            "assets/feed.css",
            media_type("feed.css"),
            style,
        ));
    }
    if !has_asset("favicon.svg") {
        let icon =
            file(supplies.templates, "favicon.svg").expect("the built-in templates have an icon");
        files.push(Artefact::new(
            "assets/favicon.svg",
            media_type("favicon.svg"),
            icon,
        ));
    }
    for name in SCRIPTS.iter().filter(|name| !has_asset(name)) {
        files.push(Artefact::new(
            format!("assets/{name}"),
            media_type(name),
            script(supplies, name),
        ));
    }
    if !supplies.keys.is_empty() {
        let keys: Vec<u8> = supplies
            .keys
            .iter()
            .flat_map(|key| key.armored.iter().copied())
            .collect();
        files.push(Artefact::new(
            "pgp-key.asc",
            media_type("pgp-key.asc"),
            keys,
        ));
    }
    let robots = format!(
        "User-agent: *\nDisallow:\n\nSitemap: {}\n",
        supplies.site.link("sitemap.xml")
    );
    files.push(Artefact::new("robots.txt", super::page::TEXT, robots));
}

const XML: &str = "application/xml; charset=utf-8";

/// All pages that search engines should know, each in the languages in which it is really written.
fn sitemap(shop: &SiteShop<'_>, advisories: &[&Advisory], files: &mut Vec<Artefact>) {
    let site = shop.supplies.site;
    let newest = advisories.iter().map(|one| one.updated()).max();
    let mut entries: Vec<(String, Option<Moment>)> =
        Vec::with_capacity(files.len() + advisories.len());
    let plain: Vec<String> = files
        .iter()
        .filter(|file| file.media_type == HTML && !file.path.ends_with("404.html"))
        .map(|file| file.path.trim_end_matches("index.html").to_string())
        .collect();
    let years: BTreeSet<i16> = advisories.iter().map(|one| one.date.year()).collect();
    for room in &shop.rooms {
        let lists = [Scope::All]
            .into_iter()
            .chain(years.iter().copied().map(Scope::Year));
        entries.push((room.path(""), newest.cloned()));
        entries.extend(lists.map(|scope| (room.path(&scope.path()), None)));
    }
    entries.extend(plain.into_iter().map(|path| (path, None)));
    let mut sorted: Vec<&&Advisory> = advisories.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    for one in sorted {
        let original = shop.rooms.iter().any(|room| room.lang == one.lang);
        for room in &shop.rooms {
            let is_written = one.texts.contains_key(&room.lang)
                || !original && room.lang == *site.default_lang();
            if is_written {
                entries.push((
                    room.path(&format!("advisories/{}/", one.id)),
                    Some(one.updated().clone()),
                ));
            }
        }
    }
    let chunks: Vec<String> = entries
        .chunks(SITEMAP_SIZE)
        .map(|chunk| urlset(site, chunk))
        .collect();
    match <[String; 1]>::try_from(chunks) {
        Ok([only]) => files.push(Artefact::new("sitemap.xml", XML, only)),
        Err(chunks) => {
            let mut index = String::from(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
            );
            for (at, chunk) in chunks.into_iter().enumerate() {
                let path = format!("sitemap-{}.xml", at + 1);
                let _ = writeln!(
                    index,
                    "<sitemap><loc>{}</loc></sitemap>",
                    escape(&site.link(&path))
                );
                files.push(Artefact::new(path, XML, chunk));
            }
            index.push_str("</sitemapindex>\n");
            files.push(Artefact::new("sitemap.xml", XML, index));
        }
    }
}

fn urlset(site: &Site, entries: &[(String, Option<Moment>)]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    out.reserve(
        entries
            .iter()
            .map(|(path, _)| 100 + site.url.as_str().len() + path.len())
            .sum(),
    );
    for (path, changed) in entries {
        let _ = write!(out, "<url><loc>{}</loc>", escape(&site.link(path)));
        if let Some(moment) = changed {
            let _ = write!(out, "<lastmod>{moment}</lastmod>");
        }
        out.push_str("</url>\n");
    }
    out.push_str("</urlset>\n");
    out
}
