//! Atom (RFC 4287): one entry for each advisory. The one door of the `atom_syndication` crate.

use super::{Feed, Item, with_style};
use crate::terms::Moment;
use atom_syndication::{Category, Content, Entry, FixedDateTime, Link, Person, Text, WriteConfig};

/// The bytes of a feed that stands at this path. The error is the crate's own.
pub(super) fn write(feed: &Feed<'_>, path: &str) -> Result<Vec<u8>, String> {
    let room = feed.room;
    let own = room.site.link(path);
    let newest = feed.items.first().map(|one| one.date);
    let entries: Result<Vec<Entry>, String> = feed
        .items
        .iter()
        .filter(|one| one.is_newest)
        .map(entry)
        .collect();
    let made = atom_syndication::Feed {
        title: Text::plain(feed.title.clone()),
        // RFC 4287, 4.2.6: a permanent, universally unique identifier; the feed's own address is both.
        id: own.clone(),
        // A feed without entries was never updated, and has to say when.
        updated: newest.map_or_else(|| Ok(FixedDateTime::default()), date)?,
        subtitle: Some(Text::plain(feed.description.clone())),
        authors: vec![Person {
            name: room.team.name.in_lang(&room.lang).to_string(),
            email: Some(room.team.email.to_string()),
            uri: Some(room.site.link("")),
            ..Person::default()
        }],
        links: vec![
            link("self", &own, "application/atom+xml"),
            link("alternate", &feed.page, "text/html"),
        ],
        icon: Some(room.site.link("assets/favicon.svg")),
        lang: Some(room.lang.to_string()),
        entries: entries?,
        ..atom_syndication::Feed::default()
    };
    let config = WriteConfig {
        write_document_declaration: true,
        indent_size: Some(1),
    };
    let bytes = made
        .write_with_config(Vec::new(), config)
        .map_err(|error| error.to_string())?;
    Ok(with_style(bytes, room))
}

fn entry(one: &Item<'_>) -> Result<Entry, String> {
    Ok(Entry {
        title: Text::plain(one.title.clone()),
        id: one.link.clone(),
        updated: date(one.date)?,
        published: Some(date(one.published)?),
        links: vec![link("alternate", &one.link, "text/html")],
        categories: one
            .tags
            .iter()
            .map(|term| Category {
                term: term.clone(),
                scheme: None,
                label: None,
            })
            .collect(),
        summary: Some(Text::plain(one.summary.clone())),
        content: Some(Content {
            value: Some(one.content.clone()),
            content_type: Some("html".to_string()),
            ..Content::default()
        }),
        ..Entry::default()
    })
}

fn link(rel: &str, href: &str, media_type: &str) -> Link {
    Link {
        rel: rel.to_string(),
        href: href.to_string(),
        mime_type: Some(media_type.to_string()),
        ..Link::default()
    }
}

/// RFC 4287, 3.3: a date with a time, as in RFC 3339.
fn date(moment: &Moment) -> Result<FixedDateTime, String> {
    let text = moment.rfc3339();
    FixedDateTime::parse_from_rfc3339(&text).map_err(|error| format!("{text}: {error}"))
}
