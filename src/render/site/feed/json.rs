//! JSON Feed 1.1: one item for each advisory.

use super::{Feed, Item};
use serde_json::{Value, json};

/// The bytes of a feed that stands at this path.
pub(super) fn write(feed: &Feed<'_>, path: &str) -> Vec<u8> {
    let room = feed.room;
    let items: Vec<Value> = feed
        .items
        .iter()
        .filter(|one| one.is_newest)
        .map(item)
        .collect();
    let made = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": room.site.link(path),
        "description": feed.description,
        "language": room.lang.as_str(),
        "authors": [{ "name": room.team.name.in_lang(&room.lang), "url": room.site.link("") }],
        "items": items,
    });
    format!("{made:#}\n").into_bytes()
}

fn item(one: &Item<'_>) -> Value {
    json!({
        "id": one.link,
        "url": one.link,
        "title": one.title,
        "summary": one.summary,
        "content_html": one.content,
        "date_published": one.published.rfc3339(),
        "date_modified": one.date.rfc3339(),
        "tags": one.tags,
    })
}
