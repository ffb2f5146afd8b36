//! The RFC 2350 description in each language, its version, and its archive.

use super::{Job, PublishError, document_version, site::Kept};
use crate::{
    artefact::{Artefact, Digest},
    receipt::{DocumentVersion, History},
    render::rfc2350::{Document, DocumentWords, KeyFacts, Workshop, digest_of},
    terms::{Lang, Moment},
    tlp::{Gate, Made, Marked, Public, Shareable, Tlp},
    workspace::Workspace,
};
use std::{convert::Infallible, fs, path::Path};

/// Where signed versions are kept, in `.advise/`.
const KEPT: &str = "rfc2350";

/// The document in each language that has prose, the site's default language first.
pub(super) fn documents(workspace: &Workspace, version: u32, date: &Moment, now: &Moment) -> Vec<Shareable<Document, Public>> {
    let site = &workspace.settings.site;
    let languages: Vec<Lang> = site.languages.iter().filter(|lang| workspace.prose.contains_key(lang)).cloned().collect();
    let key = workspace.team.keys.first().and_then(|key| workspace.certificates.of_team(key)).map(|key| KeyFacts::of(key, now));
    // (The team's facts are CLEAR and for everybody, so the gate does not refuse them.)
    let Ok(team) = Gate::at(now.clone()).open(&workspace.team, Public) else { return Vec::new() };
    languages
        .iter()
        .filter_map(|lang| {
            let words = DocumentWords::built_in(lang);
            let prose = workspace.prose.get(lang)?;
            let shop = Workshop { key: key.as_ref(), prose, version, date, lang, languages: &languages, words: &words, site };
            let Ok(document) = team.make::<Document>(&shop);
            Some(document)
        })
        .collect()
}

/// The digest of what the document says now, whatever its version; `None` if there is no document.
pub fn digest(workspace: &Workspace, now: &Moment) -> Option<Digest> {
    let documents = documents(workspace, 0, now, now);
    match documents.is_empty() {
        true => None,
        false => Some(digest_of(documents.iter().map(Shareable::thing))),
    }
}

/// The version that is out, or would be next; `None` if there is no document.
pub fn version(workspace: &Workspace, history: &History, now: &Moment) -> Option<DocumentVersion> {
    let digest = digest(workspace, now)?;
    match &history.document {
        Some(document) if document.digest == digest => Some(document.clone()),
        before => {
            let version = before.as_ref().map_or(0, |document| document.version) + 1;
            Some(DocumentVersion { version, digest, date: now.clone() })
        }
    }
}

/// The text in a language, as it would be published now.
pub fn text(workspace: &Workspace, history: &History, lang: &Lang, now: &Moment) -> Option<String> {
    let version = version(workspace, history, now)?;
    let documents = documents(workspace, version.version, &version.date, now);
    documents.iter().find(|document| document.thing().lang() == lang).map(|document| document.thing().text())
}

/// Keeps the signed texts of the version that is out, so that it can be archived when the next one comes.
pub(super) fn archive(job: &Job<'_>, kept: &Kept) -> Result<(), PublishError> {
    let Some(version) = document_version(job.plan) else { return Ok(()) };
    let folder = job.work.join(KEPT);
    let fail = |path: &Path| {
        let path = path.to_path_buf();
        move |error| PublishError::Io { path, error }
    };
    fs::create_dir_all(&folder).map_err(fail(&folder))?;
    for (lang, text) in &kept.documents {
        let path = folder.join(format!("{}.{lang}.txt", version.version));
        if !path.exists() {
            let fresh = path.with_extension("new");
            fs::write(&fresh, text).map_err(fail(&fresh))?;
            fs::rename(&fresh, &path).map_err(fail(&path))?;
        }
    }
    Ok(())
}

/// A version that was published before.
#[derive(Debug, Clone)]
pub(super) struct Earlier {
    version: u32,
    lang: Lang,
    text: String,
}

/// It was public once.
impl Marked for Earlier {
    fn tlp(&self) -> Tlp {
        Tlp::Clear
    }
    fn is_addressed_to(&self, audience: &str) -> bool {
        audience == "public"
    }
}

/// Its file on the site.
pub(super) struct EarlierFile(Artefact);

impl From<EarlierFile> for Artefact {
    fn from(file: EarlierFile) -> Artefact {
        file.0
    }
}

impl Made<Earlier, Public> for EarlierFile {
    /// The site's default language.
    type Shop<'s> = Lang;
    type Error = Infallible;

    fn made(earlier: &Earlier, _: &Public, default: &Lang) -> Result<EarlierFile, Infallible> {
        let folder = if earlier.lang == *default { String::new() } else { format!("{}/", earlier.lang) };
        let path = format!("{folder}rfc2350/archive/{}.txt", earlier.version);
        Ok(EarlierFile(Artefact::new(path, "text/plain; charset=utf-8", earlier.text.clone())))
    }
}

/// The files of all versions before this one.
pub(super) fn earlier(job: &Job<'_>, before: u32) -> Result<Vec<Shareable<EarlierFile, Public>>, PublishError> {
    let folder = job.work.join(KEPT);
    let gate = Gate::at(job.now.clone());
    let site = &job.workspace.settings.site;
    let mut files = Vec::new();
    for version in 1..before {
        for lang in &site.languages {
            let path = folder.join(format!("{version}.{lang}.txt"));
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue, // it was not in this language then
                Err(error) => return Err(PublishError::Io { path, error }),
            };
            let shared = gate.open(Earlier { version, lang: lang.clone(), text }, Public)?;
            let Ok(file) = shared.make::<EarlierFile>(site.default_lang());
            files.push(file);
        }
    }
    Ok(files)
}
