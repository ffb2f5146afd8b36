//! The pages of all versions of the RFC 2350 description: a list of them, and for each what was new in it.

use super::page::{DateView, Head, RenderError, Room, direction};
use crate::{
    artefact::{Artefact, keyed},
    terms::{Lang, Moment},
};
use serde::Serialize;

/// The RFC 2350 document in one language.
#[derive(Debug, Clone)]
pub struct DocumentView {
    /// A fragment without scripts and styles; its headings begin at `h2`.
    pub html: String,
    /// For example `1.4`.
    pub version: String,
    /// Of the last update.
    pub date: Moment,
    /// Where the signed text is: `rfc2350.txt`.
    pub text_path: String,
    /// All versions that are kept, the newest first.
    pub editions: Vec<EditionView>,
}

keyed!(DocumentView {
    html,
    version,
    date,
    text_path,
    editions
});

/// A version of the RFC 2350 document in one language.
#[derive(Debug, Clone)]
pub struct EditionView {
    /// Its number.
    pub version: u32,
    /// Of its publication.
    pub date: Moment,
    /// For people: "RFC 2350 description, version 3".
    pub title: String,
    /// Where its signed text stays: `rfc2350/archive/3.txt`.
    pub text_path: String,
    /// The sections that changed: `2.4, 2.8`.
    pub sections: String,
    /// What is new in it: a fragment without scripts and styles; its headings begin at `h2`.
    pub news: String,
}

keyed!(EditionView {
    version,
    date,
    title,
    text_path,
    sections,
    news
});

#[derive(Serialize)]
struct VersionRow<'a> {
    version: u32,
    date: DateView,
    sections: &'a str,
    href: String,
    text_href: String,
    signature_href: String,
}

#[derive(Serialize)]
struct VersionsPage<'a> {
    head: Head,
    document_href: String,
    versions: Vec<VersionRow<'a>>,
}

#[derive(Serialize)]
struct VersionPage<'a> {
    head: Head,
    title: &'a str,
    version: VersionRow<'a>,
    all_href: String,
    text_lang: &'a str,
    text_dir: &'static str,
    body: &'a str,
}

/// The path of the list, within a language.
const ALL: &str = "rfc2350/archive/";

/// The pages of one room. `lang` is the language of the document that it shows, `real` those in which there is one.
pub(super) fn pages(
    room: &Room<'_>,
    lang: &Lang,
    document: &DocumentView,
    real: &[&Lang],
    files: &mut Vec<Artefact>,
) -> Result<(), RenderError> {
    if document.editions.is_empty() {
        return Ok(());
    }
    let words = room.words;
    let view = VersionsPage {
        head: room.head(
            ALL,
            words.get("versions_title"),
            words.get("versions_text"),
            "rfc2350",
            real,
        ),
        document_href: room.link("rfc2350/"),
        versions: document
            .editions
            .iter()
            .map(|edition| row(room, edition))
            .collect(),
    };
    files.push(room.file(ALL, "rfc2350_versions.html", &view)?);
    for edition in &document.editions {
        let rest = format!("{ALL}{}/", edition.version);
        let view = VersionPage {
            head: room.head(&rest, &edition.title, "", "rfc2350", real),
            title: &edition.title,
            version: row(room, edition),
            all_href: room.link(ALL),
            text_lang: lang.as_str(),
            text_dir: direction(lang),
            body: &edition.news,
        };
        files.push(room.file(&rest, "rfc2350_version.html", &view)?);
    }
    Ok(())
}

fn row<'a>(room: &Room<'_>, edition: &'a EditionView) -> VersionRow<'a> {
    VersionRow {
        version: edition.version,
        date: room.date(&edition.date),
        sections: &edition.sections,
        href: room.link(&format!("{ALL}{}/", edition.version)),
        text_href: room.href(&edition.text_path),
        signature_href: room.href(&format!("{}.asc", edition.text_path)),
    }
}
