//! RSS 2.0: one item for each published revision. The one door of the `rss` crate.

use super::{Feed, Item, with_style};
use rss::{
    Category, Channel, Guid,
    extension::{Extension, dublincore::DublinCoreExtension},
};
use std::collections::BTreeMap;

/// The bytes of a feed that stands at this path. The error is the crate's own.
pub(super) fn write(feed: &Feed<'_>, path: &str) -> Result<Vec<u8>, String> {
    let room = feed.room;
    let attrs = [
        ("rel", "self"),
        ("type", "application/rss+xml"),
        ("href", &room.site.link(path)),
    ];
    let own_link = Extension {
        name: "atom:link".to_string(),
        attrs: attrs
            .into_iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        ..Extension::default()
    };
    let channel = Channel {
        title: feed.title.clone(),
        link: feed.page.clone(),
        description: feed.description.clone(),
        language: Some(room.lang.to_string()),
        // RULES, Feeds: "`lastBuildDate` = newest item, not the time of the build".
        last_build_date: feed.items.first().map(|newest| newest.date.rfc2822()),
        items: feed.items.iter().map(|one| item(feed, one)).collect(),
        namespaces: BTreeMap::from([(
            "atom".to_string(),
            "http://www.w3.org/2005/Atom".to_string(),
        )]),
        extensions: BTreeMap::from([(
            "atom".to_string(),
            BTreeMap::from([("link".to_string(), vec![own_link])]),
        )]),
        ..Channel::default()
    };
    // Texts are the most of it; to grow step by step would take as long as to write.
    let size = 4_000
        + feed
            .items
            .iter()
            .map(|one| 2_000 + one.content.len() + one.summary.len())
            .sum::<usize>();
    let bytes = channel
        .pretty_write_to(Vec::with_capacity(size), b' ', 1)
        .map_err(|error| error.to_string())?;
    Ok(with_style(bytes, room))
}

fn item(feed: &Feed<'_>, one: &Item<'_>) -> rss::Item {
    rss::Item {
        title: Some(one.title.clone()),
        guid: Some(Guid {
            value: one.guid.clone(),
            permalink: false,
        }),
        link: Some(one.link.clone()),
        description: Some(one.summary.clone()),
        categories: one
            .tags
            .iter()
            .map(|name| Category {
                name: name.clone(),
                domain: None,
            })
            .collect(),
        pub_date: Some(one.date.rfc2822()),
        content: Some(one.content.clone()),
        dublin_core_ext: Some(DublinCoreExtension {
            creators: vec![feed.room.team.name.in_lang(&feed.room.lang).to_string()],
            ..DublinCoreExtension::default()
        }),
        ..rss::Item::default()
    }
}
