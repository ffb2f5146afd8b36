//! Which files the site channel made: the digest of each one's path, with that of its content. It lies in `.advise/`,
//! where no name of an attachment belongs, and only what stands in it is ever sent anywhere.
//!
//! It is a journal, `PATH CONTENT` a line and `PATH -` for a file that went: a later line counts, so that a publish which
//! changes little writes little. The first line says how many files there were when all of them were written.

use super::DeployError;
use crate::{artefact::Digest, channels::site::Changes, settings::Target, terms::Slug};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Digests of paths and of contents, in hexadecimal digits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    files: BTreeMap<String, String>,
}

/// In `.advise/`: which target has which site.
const DEPLOYED: &str = "deployed";

/// What the first line begins with.
const HEAD: &str = "files";

/// The length of a line.
const LINE: u64 = 130;

/// What stands in the place of a content's digest where a file went.
const GONE: &str = "-";

fn place(work: &Path) -> PathBuf {
    work.join("site.files")
}

/// Where it lies while it is not true.
fn away(work: &Path) -> PathBuf {
    work.join("site.files.away")
}

impl Record {
    /// Of the site that stands; empty if none was recorded. `work` is `.advise/`.
    pub fn read(work: &Path) -> Result<Record, DeployError> {
        Record::at(&place(work))
    }

    fn at(path: &Path) -> Result<Record, DeployError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Record::default()),
            Err(source) => return Err(DeployError::io("read", path)(source)),
        };
        let mut files = BTreeMap::new();
        for (path, content) in text.lines().filter_map(|line| line.split_once(' ')) {
            match content {
                GONE => files.remove(path),
                _ => files.insert(path.to_string(), content.to_string()),
            };
        }
        files.remove(HEAD);
        Ok(Record { files })
    }

    /// Whether there is one.
    pub fn is_kept(work: &Path) -> bool {
        place(work).exists()
    }

    /// Puts it away, for as long as it is not true: a run that breaks off leaves none.
    pub fn put_away(work: &Path) -> Result<(), DeployError> {
        let (from, to) = (place(work), away(work));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => remove(&to),
            done => done.map_err(DeployError::io("rename", &from)),
        }
    }

    /// Takes in what a switch of the site has changed, and counts again. `put` is what was made for it; what is known of
    /// the other files stays, unless the site was made `anew`; else it has to have been put away.
    pub fn follow(
        work: &Path,
        put: impl IntoIterator<Item = (String, Digest)>,
        changes: &Changes,
        anew: bool,
    ) -> Result<(), DeployError> {
        let made = put
            .into_iter()
            .map(|(path, digest)| (name(&path), digest.hex()));
        if anew {
            remove(&away(work))?;
            return Record {
                files: made.collect(),
            }
            .write(work);
        }
        let path = away(work);
        let mut lines = String::new();
        for gone in &changes.removed {
            lines.push_str(&line(&name(gone), GONE));
        }
        for (path, content) in made {
            lines.push_str(&line(&path, &content));
        }
        let append = || -> Result<u64, io::Error> {
            let mut file = OpenOptions::new().append(true).open(&path)?;
            file.write_all(lines.as_bytes())?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        let length = append().map_err(DeployError::io("write", &path))?;
        if length > (2 * written(&path).map_err(DeployError::io("read", &path))? + 1_000) * LINE {
            Record::at(&path)?.write(work)?;
            return remove(&away(work));
        }
        fs::rename(&path, place(work)).map_err(DeployError::io("rename", &path))
    }

    /// Writes all of it down, whole or not at all.
    fn write(&self, work: &Path) -> Result<(), DeployError> {
        let mut text = line(HEAD, &self.files.len().to_string());
        for (path, digest) in &self.files {
            text.push_str(&line(path, digest));
        }
        let path = place(work);
        let fresh = path.with_extension("new");
        let write = || -> Result<(), io::Error> {
            let mut file = File::create(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(DeployError::io("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(DeployError::io("write", &path))
    }

    /// Of all of it: targets that have the same site have the same.
    pub fn digest(&self) -> Digest {
        Digest::of_parts(
            self.files
                .iter()
                .flat_map(|(path, digest)| [path.as_bytes(), digest.as_bytes()]),
        )
    }

    /// Notes that a target has this site now.
    pub fn reached(&self, work: &Path, target: &Slug) -> Result<(), DeployError> {
        let mut known = deployed(work)?;
        known.insert(target.to_string(), self.digest().hex());
        let text: String = known
            .iter()
            .map(|(target, digest)| format!("{target} {digest}\n"))
            .collect();
        let path = work.join(DEPLOYED);
        let fresh = path.with_extension("new");
        fs::write(&fresh, text).map_err(DeployError::io("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(DeployError::io("write", &path))
    }

    /// Those of the targets that have another site than this one, or none, as far as is known.
    pub fn behind<'t>(
        &self,
        work: &Path,
        targets: &'t [Target],
    ) -> Result<Vec<&'t Slug>, DeployError> {
        let (known, current) = (deployed(work)?, self.digest().hex());
        Ok(targets
            .iter()
            .map(|target| &target.name)
            .filter(|name| known.get(name.as_str()) != Some(&current))
            .collect())
    }

    /// What the file of this path holds, if it is one of the site's.
    pub(super) fn content(&self, path: &str) -> Option<&str> {
        self.files.get(&name(path)).map(String::as_str)
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}

/// Which target has which site, by the digest of its record.
fn deployed(work: &Path) -> Result<BTreeMap<String, String>, DeployError> {
    let path = work.join(DEPLOYED);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(a, b)| (a.into(), b.into()))
            .collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(source) => Err(DeployError::io("read", &path)(source)),
    }
}

fn line(path: &str, content: &str) -> String {
    format!("{path} {content}\n")
}

/// How many files there were when all of them were written; 0 if that is not said.
fn written(path: &Path) -> Result<u64, io::Error> {
    let mut head = [0; 32];
    let read = File::open(path)?.read(&mut head)?;
    let line = head[..read]
        .split(|byte| *byte == b'\n')
        .next()
        .and_then(|line| std::str::from_utf8(line).ok());
    Ok(line
        .and_then(|line| line.strip_prefix(HEAD)?.trim().parse().ok())
        .unwrap_or(0))
}

fn remove(path: &Path) -> Result<(), DeployError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(DeployError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

fn name(path: &str) -> String {
    Digest::of(path.as_bytes()).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(paths: &[(&str, &str)]) -> Vec<(String, Digest)> {
        paths
            .iter()
            .map(|(path, content)| (path.to_string(), Digest::of(content.as_bytes())))
            .collect()
    }

    #[test]
    fn what_is_added_line_by_line_is_what_would_be_written_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let work = dir.path();
        let whole: Vec<(String, String)> = (0..3_000)
            .map(|n| (format!("p{n}"), "old".to_string()))
            .collect();
        let whole: Vec<(&str, &str)> = whole
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_str()))
            .collect();
        Record::follow(work, made(&whole), &Changes::default(), true).expect("written");
        let mut expected: BTreeMap<String, String> = made(&whole)
            .iter()
            .map(|(path, digest)| (name(path), digest.hex()))
            .collect();
        for round in 0..6 {
            let (content, gone) = (format!("new {round}"), format!("p{round}"));
            let put: Vec<(&str, &str)> = whole
                .iter()
                .skip(1_000)
                .map(|(path, _)| (*path, content.as_str()))
                .collect();
            let changes = Changes {
                changed: vec!["p2000".into()],
                removed: vec![gone.clone()],
                ..Changes::default()
            };
            Record::put_away(work).expect("put away");
            assert!(!Record::is_kept(work));
            assert_eq!(Record::read(work).expect("none").len(), 0);
            Record::follow(work, made(&put), &changes, false).expect("followed");
            expected.extend(
                made(&put)
                    .iter()
                    .map(|(path, digest)| (name(path), digest.hex())),
            );
            expected.remove(&name(&gone));
            assert_eq!(Record::read(work).expect("a record").files, expected);
            assert!(!away(work).exists());
            let lines = fs::metadata(place(work)).expect("a file").len() / LINE;
            assert!(lines <= 7_000, "{lines} lines after round {round}");
        }
    }

    #[test]
    fn a_run_that_broke_off_leaves_no_record() {
        let dir = tempfile::tempdir().expect("a folder");
        let work = dir.path();
        Record::follow(
            work,
            made(&[("a", "1"), ("b", "1")]),
            &Changes::default(),
            true,
        )
        .expect("written");
        Record::put_away(work).expect("put away");
        // The next run finds none, and makes everything; what was put away must not come back.
        Record::put_away(work).expect("nothing there");
        Record::follow(work, made(&[("a", "2")]), &Changes::default(), true).expect("written");
        assert_eq!(
            Record::read(work).expect("a record").content("a"),
            Some(Digest::of(b"2").hex().as_str())
        );
        assert_eq!(Record::read(work).expect("a record").content("b"), None);
        assert!(!away(work).exists());
    }
}
