//! The letter that tells lists of a new version of the RFC 2350 description.
//!
//! It is an advisory like any other from here on: the gate, the plan, the ledger and the posts know no difference. All
//! that is in it stands in the published texts, so its label is CLEAR; it is addressed to the lists that `team.yaml`
//! names and not to the public, for whom the description itself is there.

use super::document;
use crate::{
    advisory::{Advisory, Kind, Reader, Revision, Status, Text},
    openpgp::Clearsigned,
    plan::Only,
    receipt::{Edition, History},
    rfc2350::{News, facts},
    terms::{Id, Lang, Moment, Severity},
    tlp::Tlp,
    workspace::Workspace,
};

/// More lines of changes than this are read on the site.
const LINES: usize = 200;

/// The id under which it goes, one revision a version. No advisory may have it (`workspace` sees to it).
fn id() -> Id {
    crate::workspace::ANNOUNCEMENT.parse().expect("it is an id")
}

/// The announcement of the newest version that says something else than the one before; `None` if nobody is to be told,
/// or nothing has changed. The first version changes nothing: a team that begins, or moves here, does not write to all
/// its lists because of that.
pub fn announcement(
    workspace: &Workspace,
    history: &History,
    only: Option<Only>,
    now: &Moment,
) -> Option<Advisory> {
    let team = &workspace.team;
    if team.notifications.is_empty() {
        return None;
    }
    // Mail alone tells of nothing that is not on the site yet.
    let editions = match only {
        Some(Only::Mail) => history
            .editions
            .iter()
            .filter(|edition| stands(workspace, edition))
            .cloned()
            .collect(),
        _ => document::outlook(workspace, history, now),
    };
    let site = &workspace.settings.site;
    let news = |at: usize, lang: &Lang| {
        News::of(&editions, at, lang, &workspace.document_words(lang), site)
    };
    let languages = |edition: &Edition| -> Vec<Lang> {
        site.languages
            .iter()
            .filter(|lang| edition.texts.contains_key(lang))
            .cloned()
            .collect()
    };
    let is_news = |at: usize| {
        let said = || {
            languages(&editions[at])
                .iter()
                .any(|lang| news(at, lang).is_some_and(|news| news.is_news()))
        };
        !editions[at].is_taken_over() && said()
    };
    let told: Vec<usize> = (0..editions.len()).filter(|at| is_news(*at)).collect();
    let newest = *told.last()?;
    let written = languages(&editions[newest]);
    let lang = written.first()?.clone();
    let revision = |at: &usize| Revision {
        number: editions[*at].version.version.to_string(),
        date: editions[*at].version.date.clone(),
        summary: news(*at, &lang)
            .map(|news| news.sections())
            .unwrap_or_default(),
    };
    let before = &editions[newest.checked_sub(1)?];
    let text = |lang: &Lang| {
        Some(text(
            workspace,
            before,
            &editions[newest],
            &news(newest, lang)?,
            lang,
        ))
    };
    let texts = written
        .iter()
        .filter_map(|lang| Some((lang.clone(), Box::new(text(lang)?))))
        .collect();
    Some(Advisory {
        id: id(),
        kind: Kind::Announcement,
        status: Status::Final,
        date: editions[0].version.date.clone(),
        tlp: Tlp::Clear,
        severity: Severity::None,
        audience: team
            .notifications
            .iter()
            .cloned()
            .map(Reader::List)
            .collect(),
        embargo: None,
        cves: Vec::new(),
        cvss: Vec::new(),
        cwes: Vec::new(),
        affected: Vec::new(),
        references: Vec::new(),
        // The first version, of which nobody is told, and then one for each that brought news.
        revisions: std::iter::once(&0).chain(&told).map(revision).collect(),
        path: workspace.prose.get(&lang).map_or_else(
            || "site/rfc2350.md".into(),
            |prose| prose.source.path.clone(),
        ),
        lang,
        texts,
        attachments: Vec::new(),
        digest: editions[newest].version.digest,
    })
}

fn text(
    workspace: &Workspace,
    before: &Edition,
    edition: &Edition,
    news: &News,
    lang: &Lang,
) -> Text {
    let (site, words) = (&workspace.settings.site, workspace.document_words(lang));
    let (version, number) = (&edition.version, edition.version.version.to_string());
    let values = [
        ("version", number.as_str()),
        ("date", &version.date.date().to_string()),
        ("before", &before.version.version.to_string()),
        ("team", workspace.team.short(lang)),
    ];
    let archive = site.link(&facts::archive_path(site, lang));
    let places = [
        (
            words.get("rfc2350_news_page"),
            site.link(&facts::page_path(site, lang)),
        ),
        (
            words.get("rfc2350_text_at"),
            site.link(&facts::text_path(site, lang)),
        ),
        (
            words.get("rfc2350_permanent"),
            site.link(&facts::version_path(site, lang, version.version)),
        ),
        (words.get("rfc2350_archive"), archive.clone()),
    ];
    let places: String = places
        .iter()
        .map(|(what, url)| format!("- {what}: <{url}>\n"))
        .collect();
    let body = format!(
        "{}\n\n## {}\n\n{places}\n## {}\n\n{}\n",
        words.fill("rfc2350_news", &values),
        words.get("rfc2350_news_where"),
        words.get("rfc2350_news_what"),
        news.markdown(&words, LINES, &format!("<{archive}{number}/>")),
    );
    Text {
        title: words.fill("rfc2350_news_title", &values),
        body,
    }
}

/// Whether readers find the texts of a version where it stays. (One that is only recorded may not be there yet.)
fn stands(workspace: &Workspace, edition: &Edition) -> bool {
    let site = &workspace.settings.site;
    let mut texts = edition
        .texts
        .iter()
        .filter(|(lang, _)| site.languages.contains(lang));
    texts.all(|(lang, text)| {
        let path = facts::version_path(site, lang, edition.version.version);
        let there = std::fs::read(workspace.root.join("public").join(path));
        there.is_ok_and(|bytes| {
            bytes
                == Clearsigned::assemble(&text.text, &text.block)
                    .document()
                    .as_bytes()
        })
    })
}
