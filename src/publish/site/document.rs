//! The RFC 2350 description in each language: its version, its signed texts, its archive, and what is new in it.

use super::signatures::{Signatory, pair};
use crate::publish::{Job, PublishError, document_version};
use crate::{
    artefact::{Artefact, Digest},
    openpgp::Clearsigned,
    plan::{DocumentChange, document_change},
    receipt::{DocumentVersion, Edition, EditionText, History},
    render::site::versions::EditionView,
    rfc2350::{Clocks, Document, KeyFacts, News, Workshop, digest_of, facts},
    team::Team,
    terms::{Lang, Moment},
    tlp::{ByMake, Made, Marked, Public, Shareable, Staff, Tlp},
    workspace::Workspace,
};
use std::{collections::BTreeMap, convert::Infallible, fs, path::Path};

/// Where an older `advise` kept signed texts, in `.advise/`. They are in the ledger now.
const FOLDER: &str = "rfc2350";

/// The document in each language that has prose, the site's default language first, for whom the team's facts were opened.
pub(in crate::publish) fn documents<A: Clone>(
    workspace: &Workspace,
    team: &Shareable<&Team, A>,
    version: u32,
    date: &Moment,
    now: &Moment,
) -> Vec<Shareable<Document, A>> {
    let site = &workspace.settings.site;
    let languages: Vec<Lang> = site
        .languages
        .iter()
        .filter(|lang| workspace.prose.contains_key(lang))
        .cloned()
        .collect();
    let key = workspace
        .team
        .keys
        .first()
        .and_then(|key| workspace.certificates.of_team(key))
        .map(|key| KeyFacts::of(key, now));
    languages
        .iter()
        .filter_map(|lang| {
            let words = workspace.document_words(lang);
            let prose = workspace.prose.get(lang)?;
            let shop = Workshop {
                key: key.as_ref(),
                prose,
                version,
                date,
                lang,
                languages: &languages,
                words: &words,
                site,
            };
            let Ok(document) = team.make::<Document>(&shop);
            Some(document)
        })
        .collect()
}

/// The documents as they would be, for questions about them.
pub(super) fn drafts(
    workspace: &Workspace,
    version: u32,
    date: &Moment,
    now: &Moment,
) -> Vec<Shareable<Document, Staff>> {
    let team = Shareable::past_the_gate(&workspace.team);
    documents(workspace, &team, version, date, now)
}

/// The digest of what the document says now, whatever its version; `None` if there is no document.
pub fn digest(workspace: &Workspace, now: &Moment) -> Option<Digest> {
    let documents = drafts(workspace, 0, now, now);
    match documents.is_empty() {
        true => None,
        false => Some(digest_of(documents.iter().map(Shareable::thing))),
    }
}

/// The version that is out, or would be next; `None` if there is no document.
pub(in crate::publish) fn version(
    workspace: &Workspace,
    history: &History,
    now: &Moment,
) -> Option<DocumentVersion> {
    let (DocumentChange::Unchanged(version) | DocumentChange::New(version)) =
        document_change(history, digest(workspace, now)?, now);
    Some(version)
}

/// What the document says of the team's clocks now, for the ledger.
fn clocks(workspace: &Workspace, now: &Moment) -> String {
    Clocks::named(&workspace.team.time_zone, now).unwrap_or_default()
}

/// All versions, with the one that would be published now as the last, even if that has no signature yet.
pub(in crate::publish) fn outlook(
    workspace: &Workspace,
    history: &History,
    now: &Moment,
) -> Vec<Edition> {
    let mut editions = history.editions.clone();
    let Some(digest) = digest(workspace, now) else {
        return editions;
    };
    let (DocumentChange::Unchanged(version) | DocumentChange::New(version)) =
        document_change(history, digest, now);
    let texts: BTreeMap<Lang, EditionText> = drafts(workspace, version.version, &version.date, now)
        .iter()
        .map(|document| {
            let text = EditionText {
                text: document.thing().text(),
                block: String::new(),
                detached: String::new(),
            };
            (document.thing().lang().clone(), text)
        })
        .collect();
    match editions
        .last_mut()
        .filter(|last| last.version.version == version.version)
    {
        Some(last) => texts.into_iter().for_each(|(lang, text)| {
            last.texts.entry(lang).or_insert(text);
        }),
        None => editions.push(Edition {
            version,
            clocks: clocks(workspace, now),
            texts,
        }),
    }
    editions
}

/// The text in a language, as it would be published now.
pub fn text(workspace: &Workspace, history: &History, lang: &Lang, now: &Moment) -> Option<String> {
    digest(workspace, now)?;
    let mut editions = outlook(workspace, history, now);
    editions.pop()?.texts.remove(lang).map(|text| text.text)
}

impl Made<Document, Public> for EditionText {
    type Shop<'s> = Signatory<'s>;
    type Error = PublishError;

    fn made(
        document: &Document,
        _: &Public,
        signatory: &Signatory<'_>,
        _: ByMake,
    ) -> Result<EditionText, PublishError> {
        EditionText::of(&signatory.sign(&document.text())?, signatory)
    }
}

impl EditionText {
    fn of(signed: &Clearsigned, signatory: &Signatory<'_>) -> Result<EditionText, PublishError> {
        let detached = signatory.detach(signed.document().as_bytes())?;
        Ok(EditionText {
            text: signed.text().to_string(),
            block: signed.block().to_string(),
            detached,
        })
    }
}

/// All versions with their signed texts, the one that stands after this run as the last. A text that was published
/// once is not made again: it keeps its bytes and its signatures, whatever this program writes by now.
pub(in crate::publish) fn editions(
    job: &Job<'_>,
    documents: &[Shareable<Document, Public>],
    signatory: &Signatory<'_>,
) -> Result<Vec<Edition>, PublishError> {
    let mut editions = job.history.editions.clone();
    let Some(version) = document_version(job.plan) else {
        return Ok(editions);
    };
    if editions
        .last()
        .is_none_or(|last| last.version.version < version.version)
    {
        let clocks = clocks(job.workspace, job.now);
        editions.push(Edition {
            version: version.clone(),
            clocks,
            texts: BTreeMap::new(),
        });
    }
    for edition in &mut editions {
        from_folder(job, edition, signatory)?;
        for text in edition
            .texts
            .values_mut()
            .filter(|text| text.detached.is_empty())
        {
            text.detached = signatory.detach(
                Clearsigned::assemble(&text.text, &text.block)
                    .document()
                    .as_bytes(),
            )?;
        }
    }
    let Some(last) = editions.last_mut() else {
        return Ok(editions);
    };
    for document in documents {
        let lang = document.thing().lang();
        if !last.texts.contains_key(lang) {
            last.texts.insert(
                lang.clone(),
                document.make::<EditionText>(signatory)?.thing().clone(),
            );
        }
    }
    Ok(editions)
}

/// The texts of a version that an older `advise` kept in a folder.
fn from_folder(
    job: &Job<'_>,
    edition: &mut Edition,
    signatory: &Signatory<'_>,
) -> Result<(), PublishError> {
    for lang in &job.workspace.settings.site.languages {
        let path = job
            .work
            .join(FOLDER)
            .join(format!("{}.{lang}.txt", edition.version.version));
        if edition.texts.contains_key(lang) || !path.exists() {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| PublishError::Io {
            path: path.clone(),
            error,
        })?;
        let signed = Clearsigned::parse(&text).ok_or_else(|| no_text(&path))?;
        edition
            .texts
            .insert(lang.clone(), EditionText::of(&signed, signatory)?);
    }
    Ok(())
}

fn no_text(path: &Path) -> PublishError {
    let error = std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        "it is not a clear-signed text",
    );
    PublishError::Io {
        path: path.to_path_buf(),
        error,
    }
}

/// What pages and feeds show of each version in a language, the newest first.
pub(in crate::publish) fn views(
    workspace: &Workspace,
    editions: &[Edition],
    lang: &Lang,
) -> Vec<EditionView> {
    let (site, words) = (&workspace.settings.site, workspace.document_words(lang));
    let view = |(at, edition): (usize, &Edition)| {
        let news = News::of(editions, at, lang, &words, site)?;
        let version = &edition.version;
        let title = words.fill(
            "rfc2350_version_title",
            &[("version", &version.version.to_string())],
        );
        Some(EditionView {
            version: version.version,
            date: version.date.clone(),
            title,
            text_path: facts::version_path(site, lang, version.version),
            sections: news.sections(),
            news: news.html(&words),
        })
    };
    editions.iter().enumerate().filter_map(view).rev().collect()
}

/// A signed text of one version, and where it stands.
struct Text<'e> {
    path: String,
    text: &'e EditionText,
}

/// It was public once, or is about to be.
impl Marked for Text<'_> {
    fn tlp(&self) -> Tlp {
        Tlp::Clear
    }
    fn is_addressed_to(&self, audience: &str) -> bool {
        audience == "public"
    }
}

impl Made<Text<'_>, Public> for Vec<Artefact> {
    type Shop<'s> = ();
    type Error = Infallible;

    fn made(text: &Text<'_>, _: &Public, (): &(), _: ByMake) -> Result<Vec<Artefact>, Infallible> {
        let EditionText {
            text: plain,
            block,
            detached,
        } = text.text;
        Ok(pair(
            &text.path,
            Clearsigned::assemble(plain, block).document(),
            detached,
        ))
    }
}

/// The files of all versions, each text with its signature beside it. The newest stands in two places: where readers
/// look for it, and where it stays.
pub(in crate::publish) fn files(
    job: &Job<'_>,
    editions: &[Edition],
) -> Result<Vec<Shareable<Artefact, Public>>, PublishError> {
    let site = &job.workspace.settings.site;
    let mut files = Vec::new();
    for (at, edition) in editions.iter().enumerate() {
        for (lang, text) in &edition.texts {
            let archived = facts::version_path(site, lang, edition.version.version);
            let current = (at + 1 == editions.len()).then(|| facts::text_path(site, lang));
            for path in [Some(archived), current].into_iter().flatten() {
                let Ok(pair) = job
                    .gate
                    .open(Text { path, text }, Public)?
                    .make::<Vec<Artefact>>(&());
                files.extend(pair.each());
            }
        }
    }
    Ok(files)
}
