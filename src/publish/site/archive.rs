//! Versions of the RFC 2350 description that stand on the site, for a ledger that knows of none: one that was begun
//! anew after a loss. Their numbers go on, and none of them disappears.

use super::document;
use crate::publish::PublishError;
use crate::{
    artefact::Digest,
    openpgp::{Certificate, Clearsigned, verify},
    receipt::{DocumentVersion, Edition, EditionText, History},
    rfc2350::{DocumentWords, facts},
    terms::{Lang, Moment},
    tlp::Shareable,
    workspace::Workspace,
};
use std::{collections::BTreeMap, fs, io, path::Path};

/// Adds to the history what is found in `public/`, if it knows of no version. Only what one of the team's keys has
/// signed is taken; something else in its place is an error, since it would be lost in silence.
pub fn take_over(
    workspace: &Workspace,
    history: &mut History,
    now: &Moment,
) -> Result<(), PublishError> {
    if !history.editions.is_empty() {
        return Ok(());
    }
    let site = &workspace.settings.site;
    let keys = &workspace.team.keys;
    let certificates: Vec<Certificate> = keys
        .iter()
        .filter_map(|key| workspace.certificates.of_team(key).cloned())
        .collect();
    let mut found: BTreeMap<u32, BTreeMap<Lang, EditionText>> = BTreeMap::new();
    for lang in &site.languages {
        let folder = workspace
            .root
            .join("public")
            .join(facts::archive_path(site, lang));
        for version in versions(&folder)? {
            let text = signed(&folder.join(format!("{version}.txt")), &certificates, now)?;
            found.entry(version).or_default().insert(lang.clone(), text);
        }
    }
    for (number, texts) in found {
        let date = texts
            .iter()
            .find_map(|(lang, text)| date_of(&text.text, &workspace.document_words(lang)))
            .unwrap_or_else(|| now.clone());
        let digest = Digest::of_parts(texts.values().map(|text| text.text.as_bytes()));
        let version = DocumentVersion {
            version: number,
            digest,
            date,
        };
        history.editions.push(Edition {
            version,
            clocks: String::new(),
            texts,
        });
    }
    // The newest is still true if the same texts would be made of it now.
    if let Some(last) = history.editions.last_mut() {
        let made = document::drafts(workspace, last.version.version, &last.version.date, now);
        let same = made.iter().map(Shareable::thing).all(|made| {
            last.texts
                .get(made.lang())
                .is_some_and(|text| text.text == made.text())
        });
        if let (true, true, Some(digest)) = (
            same,
            made.len() == last.texts.len(),
            document::digest(workspace, now),
        ) {
            last.version.digest = digest;
        }
    }
    Ok(())
}

/// The numbers of the texts in an archive; none if it is not there.
fn versions(folder: &Path) -> Result<Vec<u32>, PublishError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| failed(folder, error))?,
    };
    let mut versions = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| failed(folder, error))?.file_name();
        let number: Option<u32> = name
            .to_str()
            .and_then(|name| name.strip_suffix(".txt")?.parse().ok());
        versions.extend(number.filter(|number| *number > 0));
    }
    Ok(versions)
}

fn signed(
    path: &Path,
    certificates: &[Certificate],
    now: &Moment,
) -> Result<EditionText, PublishError> {
    let bytes = fs::read(path).map_err(|error| failed(path, error))?;
    let invalid = |why: String| failed(path, io::Error::new(io::ErrorKind::InvalidData, why));
    let verified =
        verify(&bytes, None, certificates, now).map_err(|error| invalid(error.to_string()))?;
    let document = String::from_utf8(bytes).map_err(|error| invalid(error.to_string()))?;
    let signed =
        Clearsigned::parse(&document).filter(|signed| signed.text().as_bytes() == verified.content);
    let signed = signed.ok_or_else(|| invalid("more stands in it than what was signed".into()))?;
    // A signature beside it that is missing, or of something else, is made again.
    let beside = path.with_extension("txt.asc");
    let detached = fs::read_to_string(&beside).ok();
    let detached = detached.filter(|armor| {
        verify(
            document.as_bytes(),
            Some(armor.as_bytes()),
            certificates,
            now,
        )
        .is_ok()
    });
    Ok(EditionText {
        text: signed.text().to_string(),
        block: signed.block().to_string(),
        detached: detached.unwrap_or_default(),
    })
}

/// The date of last update that a text gives.
fn date_of(text: &str, words: &DocumentWords) -> Option<Moment> {
    let label = format!("{}: ", words.get("rfc2350_updated"));
    text.lines()
        .find_map(|line| line.trim().strip_prefix(&label)?.parse().ok())
}

fn failed(path: &Path, error: io::Error) -> PublishError {
    PublishError::Io {
        path: path.to_path_buf(),
        error,
    }
}
