//! What was not understood, kept for staff in `.advise/inbox/`: the mail as it came, and beside it what is known of it.
//!
//! A mail is kept under its digest, so that one which comes twice is kept once. Staff remove what they have dealt with.

use super::gates::Verdict;
use crate::{artefact::Digest, terms::Moment};
use rustix::fs::Mode;
use serde_json::{Value, json};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A mail that staff have to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name in the folder, `3f2a….eml`.
    pub name: String,
    /// The verdict's word.
    pub verdict: String,
    /// Why it was not understood, where that is known.
    pub why: Option<String>,
    /// When it was taken in.
    pub since: String,
}

/// Where kept mail is, in the folder for what happened.
pub fn folder(work: &Path) -> PathBuf {
    work.join("inbox")
}

/// Keeps a mail, durably; gives its name.
pub fn keep(work: &Path, bytes: &[u8], verdict: &Verdict, now: &Moment) -> io::Result<String> {
    let folder = folder(work);
    DirBuilder::new()
        .recursive(true)
        .mode(Mode::RWXU.bits())
        .create(&folder)?;
    let name = &Digest::of(bytes).hex()[..16];
    let mail = format!("{name}.eml");
    if !folder.join(&mail).exists() {
        let facts =
            json!({ "verdict": verdict.as_str(), "why": verdict.why(), "since": now.rfc3339() });
        // The mail is moved in last: what has a mail has its facts.
        write(
            &folder,
            &format!("{name}.json"),
            format!("{facts:#}\n").as_bytes(),
        )?;
        write(&folder, &mail, bytes)?;
    }
    Ok(mail)
}

/// All that is kept, oldest first.
pub fn all(work: &Path) -> io::Result<Vec<Kept>> {
    let folder = folder(work);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut kept = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".eml") else {
            continue;
        };
        let facts: Value = fs::read(folder.join(format!("{stem}.json")))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default();
        let word = |key: &str| facts[key].as_str().map(str::to_string);
        kept.push(Kept {
            verdict: word("verdict").unwrap_or_else(|| "unknown".into()),
            why: word("why"),
            since: word("since").unwrap_or_default(),
            name,
        });
    }
    kept.sort_by(|a, b| (&a.since, &a.name).cmp(&(&b.since, &b.name)));
    Ok(kept)
}

/// Writes a file that is there whole or not at all.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode((Mode::RUSR | Mode::WUSR).bits())
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, folder.join(name))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_kept_once_and_shown() {
        let work = tempfile::tempdir().expect("a folder");
        let now: Moment = "2026-11-22T12:00:00Z".parse().expect("a time");
        let first =
            keep(work.path(), b"Subject: ?\r\n\r\n", &Verdict::Unknown, &now).expect("kept");
        assert_eq!(
            keep(work.path(), b"Subject: ?\r\n\r\n", &Verdict::Unknown, &now).expect("kept"),
            first
        );
        keep(
            work.path(),
            b"\0",
            &Verdict::Unreadable(super::super::Unreadable::NoHeader),
            &now,
        )
        .expect("kept");
        let all = all(work.path()).expect("listed");
        assert_eq!(all.len(), 2);
        assert!(
            all.iter()
                .any(|kept| kept.name == first && kept.verdict == "unknown" && kept.why.is_none()),
            "{all:?}"
        );
        assert!(
            all.iter()
                .any(|kept| kept.why.as_deref() == Some("it has no header")),
            "{all:?}"
        );
        assert_eq!(
            fs::read_dir(folder(work.path())).expect("a folder").count(),
            4,
            "no draft is left"
        );
    }
}
