//! Which files the site channel made: the digest of each one's path, with that of its content. It lies in `.advise/`,
//! where no name of an attachment belongs, and only what stands in it is ever sent anywhere.

use super::DeployError;
use crate::{artefact::Digest, channels::site::Changes, settings::Target, terms::Slug};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Digests of paths and of contents, in hexadecimal digits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    files: BTreeMap<String, String>,
}

/// In `.advise/`: which target has which site.
const DEPLOYED: &str = "deployed";

fn place(work: &Path) -> PathBuf {
    work.join("site.files")
}

impl Record {
    /// Of the site that stands; empty if none was recorded. `work` is `.advise/`.
    pub fn read(work: &Path) -> Result<Record, DeployError> {
        let path = place(work);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Record::default()),
            Err(source) => return Err(DeployError::io("read", &path)(source)),
        };
        let files = text.lines().filter_map(|line| line.split_once(' '));
        Ok(Record { files: files.map(|(path, digest)| (path.to_string(), digest.to_string())).collect() })
    }

    /// Whether there is one.
    pub fn is_kept(work: &Path) -> bool {
        place(work).exists()
    }

    /// Removes it, for as long as it is not true.
    pub fn forget(work: &Path) -> Result<(), DeployError> {
        let path = place(work);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DeployError::io("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// Takes in what a switch of the site has changed. `put` is what was made for it; of a file that stayed the digest
    /// that was known stays too.
    pub fn follow(&mut self, put: impl IntoIterator<Item = (String, Digest)>, changes: &Changes) {
        for path in &changes.removed {
            self.files.remove(&name(path));
        }
        self.files.extend(put.into_iter().map(|(path, digest)| (name(&path), digest.hex())));
    }

    /// Writes it down, whole or not at all.
    pub fn write(&self, work: &Path) -> Result<(), DeployError> {
        let mut text = String::with_capacity(self.files.len() * 130);
        for (path, digest) in &self.files {
            text.push_str(path);
            text.push(' ');
            text.push_str(digest);
            text.push('\n');
        }
        let path = place(work);
        let fresh = path.with_extension("new");
        fs::write(&fresh, text).map_err(DeployError::io("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(DeployError::io("write", &path))
    }

    /// Of all of it: targets that have the same site have the same.
    pub fn digest(&self) -> Digest {
        Digest::of_parts(self.files.iter().flat_map(|(path, digest)| [path.as_bytes(), digest.as_bytes()]))
    }

    /// Notes that a target has this site now.
    pub fn reached(&self, work: &Path, target: &Slug) -> Result<(), DeployError> {
        let mut known = deployed(work)?;
        known.insert(target.to_string(), self.digest().hex());
        let text: String = known.iter().map(|(target, digest)| format!("{target} {digest}\n")).collect();
        let path = work.join(DEPLOYED);
        let fresh = path.with_extension("new");
        fs::write(&fresh, text).map_err(DeployError::io("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(DeployError::io("write", &path))
    }

    /// Those of the targets that have another site than this one, or none, as far as is known.
    pub fn behind<'t>(&self, work: &Path, targets: &'t [Target]) -> Result<Vec<&'t Slug>, DeployError> {
        let (known, current) = (deployed(work)?, self.digest().hex());
        Ok(targets.iter().map(|target| &target.name).filter(|name| known.get(name.as_str()) != Some(&current)).collect())
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
        Ok(text) => Ok(text.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.into(), b.into())).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(source) => Err(DeployError::io("read", &path)(source)),
    }
}

fn name(path: &str) -> String {
    Digest::of(path.as_bytes()).hex()
}
