//! RSS: one item for each published revision, the newest first. The one door of the `rss` crate.

use super::{
    index::{Catalogue, Scope},
    page::{RenderError, Room},
};
use crate::{
    advisory::{Advisory, Revision, Status},
    artefact::Artefact,
    markdown::{self, HtmlStyle},
    terms::{Moment, Severity},
    tlp::{Made, Marked as _, Public},
};
use rss::{
    Category, Channel, Guid, Item,
    extension::{Extension, dublincore::DublinCoreExtension},
};
use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _};

/// A feed has at least so many items, if there are so many.
const AT_LEAST: usize = 50;

/// And all of so many days before the newest, so that a burst is not lost on who looks once a week.
const DAYS: i64 = 8;

/// The media type of RSS.
pub const RSS: &str = "application/rss+xml; charset=utf-8";

/// A feed of one list.
#[derive(Debug, Clone)]
pub struct RssFeed(Artefact);

impl From<RssFeed> for Artefact {
    fn from(feed: RssFeed) -> Artefact {
        feed.0
    }
}

/// Which feed, in which language. A scope without feeds gives the feed of everything.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the two parts of that question, and the lists")]
pub struct FeedShop<'s> {
    pub room: &'s Room<'s>,
    pub catalogue: &'s Catalogue,
    pub scope: Scope,
}

impl Made<Vec<&Advisory>, Public> for RssFeed {
    type Shop<'s> = FeedShop<'s>;
    type Error = RenderError;

    fn made(advisories: &Vec<&Advisory>, _: &Public, shop: &FeedShop<'_>) -> Result<RssFeed, RenderError> {
        let FeedShop { room, catalogue, scope } = *shop;
        let path = room.path(&format!("{}rss.xml", scope.feed_folder().unwrap_or_default()));
        let list: Vec<&Advisory> = catalogue.list(scope).iter().filter_map(|at| advisories.get(*at).copied()).collect();
        let chosen = newest(&list);
        let team = room.team.name.in_lang(&room.lang);
        let attrs = [("rel", "self".to_string()), ("type", "application/rss+xml".to_string()), ("href", room.site.link(&path))];
        let own_link = Extension {
            name: "atom:link".to_string(),
            attrs: attrs.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
            ..Extension::default()
        };
        let channel = Channel {
            title: format!("{team}: {}", scope.title(room)),
            link: room.site.link(&room.path(&scope.path())),
            description: room.words.get("advisories_text").to_string(),
            language: Some(room.lang.to_string()),
            // RULES, Feeds: "`lastBuildDate` = newest item, not the time of the build".
            last_build_date: chosen.first().map(|(_, revision)| revision.date.rfc2822()),
            items: chosen.iter().map(|(advisory, revision)| item(advisory, revision, room)).collect(),
            namespaces: BTreeMap::from([("atom".to_string(), "http://www.w3.org/2005/Atom".to_string())]),
            extensions: BTreeMap::from([("atom".to_string(), BTreeMap::from([("link".to_string(), vec![own_link])]))]),
            ..Channel::default()
        };
        let mut bytes = channel.pretty_write_to(Vec::new(), b' ', 1).map_err(|e| {
            let message = e.to_string();
            RenderError::Feed { path: path.clone(), message }
        })?;
        bytes.push(b'\n');
        Ok(RssFeed(Artefact::new(path, RSS, bytes)))
    }
}

/// The revisions that a feed of these advisories holds, the newest first.
fn newest<'a>(list: &[&'a Advisory]) -> Vec<(&'a Advisory, &'a Revision)> {
    let mut all: Vec<(usize, &Advisory, &Revision)> = Vec::with_capacity(list.len());
    for advisory in list {
        all.extend(advisory.revisions.iter().enumerate().map(|(at, revision)| (at, *advisory, revision)));
    }
    all.sort_by(|(at, a, r), (bt, b, s)| Reverse((&r.date, &a.id, at)).cmp(&Reverse((&s.date, &b.id, bt))));
    let since = all.first().map(|(.., revision)| revision.date.clone());
    let is_recent = |date: &Moment| since.as_ref().is_some_and(|newest| date.unix() >= newest.unix() - DAYS * 86_400);
    let count = all.iter().take_while(|(.., revision)| is_recent(&revision.date)).count().max(AT_LEAST);
    all.into_iter().take(count).map(|(_, advisory, revision)| (advisory, revision)).collect()
}

fn item(advisory: &Advisory, revision: &Revision, room: &Room<'_>) -> Item {
    let words = room.words;
    let (_, text) = advisory.text(&room.lang);
    let link = room.site.link(&room.path(&format!("advisories/{}/", advisory.id)));
    let is_newest = std::ptr::eq(advisory.revision(), revision);
    let mut title = match advisory.severity {
        Severity::None => text.title.clone(),
        severity => format!("{}: {}", words.severity(severity), text.title),
    };
    let mut place = advisory.id.to_string();
    if advisory.is_revised() {
        let _ = write!(place, ", {} {}", words.get("revision").to_lowercase(), revision.number);
    }
    let _ = write!(title, " ({place})");
    if is_newest && advisory.status == Status::Withdrawn {
        title = format!("{}: {title}", words.get("withdrawn"));
    }
    let category = |name: &str| Category { name: name.to_string(), domain: None };
    Item {
        title: Some(title),
        // RULES, Feeds: one item for each revision, its guid has the revision; it is no address.
        guid: Some(Guid { value: format!("{link}#revision-{}", revision.number), permalink: false }),
        link: Some(link),
        description: Some(format!("{}. {}", advisory.tlp().label(), room.change(revision))),
        categories: [words.kind(advisory.kind), words.severity(advisory.severity)]
            .into_iter()
            .map(category)
            .chain(advisory.cves.iter().map(|cve| category(&cve.to_string())))
            .collect(),
        pub_date: Some(revision.date.rfc2822()),
        content: Some(content(advisory, revision, is_newest, room)),
        dublin_core_ext: Some(DublinCoreExtension {
            creators: vec![room.team.name.in_lang(&room.lang).to_string()],
            ..DublinCoreExtension::default()
        }),
        ..Item::default()
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
        let body = markdown::html(&text.body, &HtmlStyle { prefix: "", top: 2, words: room.marks(lang) });
        let body = body.replace(
            "href=\"/",
            &format!("href=\"{}", room.site.url.join("/").map_or_else(|_| room.site.link(""), String::from)),
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
        let replaced = words.fill("feed_superseded", &[("number", &advisory.revision().number)]);
        let _ = writeln!(out, "<p>{}</p>\n<p>{}</p>", escape(room.change(revision)), escape(&replaced));
    }
    let _ = writeln!(out, "<p><strong>{label}</strong></p>");
    out
}

/// A text for HTML and XML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
