//! The feeds of a list, in three formats with the same full text: RSS has an item for each published revision, Atom
//! and JSON Feed an entry for each advisory, that moves up when the advisory is revised.
//!
//! What is new is counted from the newest revision, never from the clock: the same advisories give the same bytes.

mod atom;
mod json;
mod rss;

use super::{
    feed_format::Format,
    index::{Catalogue, Scope},
    page::{RenderError, Room},
};
use crate::render::site::versions::EditionView;
use crate::{
    advisory::{Advisory, Revision, Status},
    artefact::{Artefact, Digest},
    markdown::{self, HtmlStyle},
    terms::{Moment, Severity},
    tlp::{ByMake, Made, Marked as _, Public, Tlp},
};
use std::{cmp::Reverse, fmt::Write as _};

/// And all of so many days before the newest, so that a burst is not lost on who looks once a week.
const DAYS: i64 = 8;

/// A feed of one list in one format.
#[derive(Debug, Clone)]
pub struct FeedFile(Artefact);

impl From<FeedFile> for Artefact {
    fn from(feed: FeedFile) -> Artefact {
        feed.0
    }
}

/// Of which list, in which language and formats. A scope without feeds gives the feeds of everything.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the parts of that question, and the lists")]
pub struct FeedShop<'s> {
    pub room: &'s Room<'s>,
    pub catalogue: &'s Catalogue<'s>,
    pub scope: Scope<'s>,
    pub formats: &'s [Format],
    /// The versions of the RFC 2350 description, for the feed of everything; the newest first.
    pub editions: &'s [EditionView],
}

impl<'s> FeedShop<'s> {
    /// Where the feeds stand on the site.
    pub fn path(&self) -> String {
        self.room
            .path(&self.scope.feed_folder().unwrap_or_default())
    }

    /// Digests of all that the feeds are made of, besides what their room has.
    pub fn made_of(&self, advisories: &[&Advisory]) -> Vec<Digest> {
        // The versions of the RFC 2350 description are of the room: it is made of the document.
        let FeedShop {
            room,
            catalogue: _,
            scope,
            formats,
            editions: _,
        } = self;
        let formats: Vec<&str> = formats.iter().map(|format| format.file()).collect();
        let mut parts = vec![Digest::of_fields(&[
            &scope.path(),
            &scope.title(room),
            &formats,
        ])];
        for (advisory, revision) in self.chosen(advisories) {
            parts.extend([advisory.digest, Digest::of(revision.number.as_bytes())]);
        }
        parts
    }

    fn chosen<'a>(&self, advisories: &[&'a Advisory]) -> Vec<(&'a Advisory, &'a Revision)> {
        let list = self
            .catalogue
            .list(self.scope)
            .iter()
            .filter_map(|at| advisories.get(*at).copied());
        newest(list, self.scope.feed_size())
    }
}

/// What the three formats say, each in its way.
struct Feed<'a> {
    room: &'a Room<'a>,
    /// For people.
    title: String,
    description: String,
    /// The page with the same list.
    page: String,
    /// The newest first.
    items: Vec<Item<'a>>,
}

/// One revision of an advisory in a feed, or one version of the RFC 2350 description.
struct Item<'a> {
    /// Of the whole thing.
    published: &'a Moment,
    /// Of this revision or version.
    date: &'a Moment,
    /// Whether it is the newest of its thing, which has one entry in Atom and JSON Feed.
    is_newest: bool,
    title: String,
    /// Of the page.
    link: String,
    /// For good, and no other's.
    guid: String,
    summary: String,
    tags: Vec<String>,
    /// HTML, with absolute links only.
    content: String,
}

impl Made<Vec<&Advisory>, Public> for Vec<FeedFile> {
    type Shop<'s> = FeedShop<'s>;
    type Error = RenderError;

    fn made(
        advisories: &Vec<&Advisory>,
        _: &Public,
        shop: &FeedShop<'_>,
        _: ByMake,
    ) -> Result<Vec<FeedFile>, RenderError> {
        let FeedShop {
            room,
            scope,
            formats,
            editions,
            ..
        } = *shop;
        let chosen = shop.chosen(advisories);
        let items = chosen
            .into_iter()
            .map(|(advisory, revision)| item(advisory, revision, room));
        let mut items: Vec<Item<'_>> = items.collect();
        if scope == Scope::All {
            add_versions(&mut items, editions, scope.feed_size(), room);
        }
        let feed = Feed {
            room,
            title: format!(
                "{}: {}",
                room.team.name.in_lang(&room.lang),
                scope.title(room)
            ),
            description: format!(
                "{} {}",
                room.words.get("advisories_text"),
                room.words.get("feed_hint")
            ),
            page: room.site.link(&room.path(&scope.path())),
            items,
        };
        let folder = scope.feed_folder().unwrap_or_default();
        let made = formats.iter().map(|format| {
            let path = room.path(&format!("{folder}{}", format.file()));
            let bytes = match format {
                Format::Rss => rss::write(&feed, &path),
                Format::Atom => atom::write(&feed, &path),
                Format::Json => Ok(json::write(&feed, &path)),
            };
            let bytes = bytes.map_err(|message| RenderError::Feed {
                path: path.clone(),
                message,
            })?;
            Ok(FeedFile(Artefact::new(path, format.media_type(), bytes)))
        });
        made.collect()
    }
}

/// The revisions that a feed of these advisories holds, the newest first. In the list, what changed last stands first.
fn newest<'a>(
    list: impl Iterator<Item = &'a Advisory>,
    at_least: usize,
) -> Vec<(&'a Advisory, &'a Revision)> {
    let mut all: Vec<(usize, &Advisory, &Revision)> = Vec::new();
    let mut since = None;
    let mut last: Option<&Moment> = None;
    for (place, advisory) in list.enumerate() {
        let changed = advisory.updated();
        let since = *since.get_or_insert(changed.unix() - DAYS * 86_400);
        // Of an advisory that changed before so many others and before those days, no revision can be among the newest.
        if place >= at_least && changed.unix() < since && last.is_some_and(|last| changed < last) {
            break;
        }
        if place < at_least {
            last = Some(changed);
        }
        all.extend(
            advisory
                .revisions
                .iter()
                .enumerate()
                .map(|(at, revision)| (at, advisory, revision)),
        );
    }
    all.sort_by(|(at, a, r), (bt, b, s)| {
        Reverse((&r.date, &a.id, at)).cmp(&Reverse((&s.date, &b.id, bt)))
    });
    let is_recent = |date: &Moment| since.is_some_and(|since| date.unix() >= since);
    let count = all
        .iter()
        .take_while(|(.., revision)| is_recent(&revision.date))
        .count()
        .max(at_least);
    all.into_iter()
        .take(count)
        .map(|(_, advisory, revision)| (advisory, revision))
        .collect()
}

/// The style sheet that makes a feed readable for who opens it in a browser.
fn with_style(xml: Vec<u8>, room: &Room<'_>) -> Vec<u8> {
    let style = format!(
        "<?xml-stylesheet type=\"text/css\" href=\"{}\"?>\n",
        escape(&room.href("assets/feed.css"))
    );
    let end = xml
        .windows(2)
        .position(|two| two == b"?>")
        .map_or(0, |at| at + 2);
    let (head, rest) = xml.split_at(end);
    let rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    [head, b"\n", style.as_bytes(), rest, b"\n"].concat()
}

fn item<'a>(advisory: &'a Advisory, revision: &'a Revision, room: &Room<'_>) -> Item<'a> {
    let words = room.words;
    let (_, text) = advisory.text(&room.lang);
    let link = room
        .site
        .link(&room.path(&format!("advisories/{}/", advisory.id)));
    let is_newest = std::ptr::eq(advisory.revision(), revision);
    let mut title = match advisory.severity {
        Severity::None => text.title.clone(),
        severity => format!("{}: {}", words.severity(severity), text.title),
    };
    let mut place = advisory.id.to_string();
    if advisory.is_revised() {
        let _ = write!(
            place,
            ", {} {}",
            words.get("revision").to_lowercase(),
            revision.number
        );
    }
    let _ = write!(title, " ({place})");
    if is_newest && advisory.status == Status::Withdrawn {
        title = format!("{}: {title}", words.get("withdrawn"));
    }
    let tags = [words.kind(advisory.kind), words.severity(advisory.severity)]
        .into_iter()
        .map(str::to_string);
    Item {
        published: &advisory.date,
        date: &revision.date,
        is_newest,
        title,
        // RULES, Feeds: one item for each revision, its guid has the revision; it is no address.
        guid: format!("{link}#revision-{}", revision.number),
        link,
        summary: format!("{}. {}", advisory.tlp().label(), room.change(revision)),
        tags: tags
            .chain(advisory.cves.iter().map(ToString::to_string))
            .collect(),
        content: content(advisory, revision, is_newest, room),
    }
}

/// Puts the versions of the RFC 2350 description where they belong by their dates: those that are newer than the oldest
/// entry, or all, where there is room.
fn add_versions<'a>(
    items: &mut Vec<Item<'a>>,
    editions: &'a [EditionView],
    size: usize,
    room: &Room<'_>,
) {
    let oldest = if items.len() < size {
        None
    } else {
        items.last().map(|oldest| oldest.date.clone())
    };
    let young = editions
        .iter()
        .filter(|edition| oldest.as_ref().is_none_or(|oldest| edition.date >= *oldest));
    items.extend(young.take(size).map(|edition| version(edition, room)));
    items.sort_by_key(|item| Reverse(item.date.clone()));
}

fn version<'a>(edition: &'a EditionView, room: &Room<'_>) -> Item<'a> {
    let label = Tlp::Clear.label();
    let text = room.site.link(&edition.text_path);
    Item {
        published: &edition.date,
        date: &edition.date,
        is_newest: true,
        title: edition.title.clone(),
        link: room
            .site
            .link(&room.path(&format!("rfc2350/archive/{}/", edition.version))),
        guid: text.clone(),
        summary: match edition.sections.as_str() {
            "" => format!("{label}."),
            sections => format!(
                "{label}. {}: {sections}",
                room.words.get("versions_changed")
            ),
        },
        tags: vec![room.words.get("rfc2350").to_string()],
        content: format!(
            "<p><strong>{label}</strong></p>\n{}<p>{1}: <a href=\"{2}\">{2}</a></p>\n<p><strong>{label}</strong></p>\n",
            edition.news,
            escape(room.words.get("signed_text")),
            escape(&text)
        ),
    }
}

/// The full text of the newest revision; of an earlier one only what it was, since its text has been replaced.
fn content(advisory: &Advisory, revision: &Revision, is_newest: bool, room: &Room<'_>) -> String {
    let words = room.words;
    let (lang, text) = advisory.text(&room.lang);
    let label = advisory.tlp().label();
    let mut out = format!("<p><strong>{label}</strong></p>\n");
    if is_newest {
        if advisory.status == Status::Withdrawn {
            let _ = writeln!(
                out,
                "<p><strong>{}</strong> {}</p>",
                escape(words.get("withdrawn_title")),
                escape(room.change(revision))
            );
        } else if advisory.is_revised() {
            let _ = writeln!(out, "<p><em>{}</em></p>", escape(room.change(revision)));
        }
        let body = markdown::html(
            &text.body,
            &HtmlStyle {
                prefix: "",
                top: 2,
                words: room.marks(lang),
            },
        );
        let body = body.replace(
            "href=\"/",
            &format!(
                "href=\"{}",
                room.site
                    .url
                    .join("/")
                    .map_or_else(|_| room.site.link(""), String::from)
            ),
        );
        let _ = write!(out, "<div lang=\"{lang}\">\n{body}</div>\n<ul>\n");
        for one in &advisory.references {
            let _ = writeln!(out, "<li>{}: {}</li>", escape(&one.title), escape(&one.url));
        }
        out.push_str("</ul>\n");
        if advisory.references.is_empty() {
            out.truncate(out.len() - "<ul>\n</ul>\n".len());
        }
    } else {
        let replaced = words.fill(
            "feed_superseded",
            &[("number", &advisory.revision().number)],
        );
        let _ = writeln!(
            out,
            "<p>{}</p>\n<p>{}</p>",
            escape(room.change(revision)),
            escape(&replaced)
        );
    }
    let _ = writeln!(out, "<p><strong>{label}</strong></p>");
    out
}

/// A text for HTML and XML.
pub(super) fn escape(text: &str) -> String {
    if !text.contains(['&', '<', '>', '"']) {
        return text.to_string();
    }
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
