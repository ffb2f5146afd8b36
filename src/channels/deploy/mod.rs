//! Copies the finished site to where it is served. Only a [`Standing`] can be sent: a tree of which the site channel
//! made every file, byte for byte, so neither a page that somebody put there by hand nor another folder can leave by
//! this way. A TLP:RED advisory has no file in such a tree.
//!
//! The order is that in which every link leads somewhere at every moment (`order`): what is new first, since nothing
//! points to it yet; then what changed, pages before the lists and feeds that lead to them; and at last what goes.

mod order;
mod record;
mod rsync;
mod store;

pub use record::Record;
pub use rsync::Rsync;
pub use store::Objects;

use super::site::Changes;
use crate::{artefact::Digest, channels::web::s3::StoreError, terms::Lang};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Why the site was not copied, or not all of it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum DeployError {
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("it is not known which files of `{}` are the site's, so nothing is sent", .0.display())]
    Unrecorded(PathBuf),
    #[error("`{path}` in `{}` is not as `publish` made it, so nothing is sent", public.display())]
    NotOurs { public: PathBuf, path: String },
    #[error("of the files that `publish` made in `{}`, {count} are missing, so nothing is sent", public.display())]
    Missing { public: PathBuf, count: usize },
    #[error("`{}` is a part of the workspace, or holds it", .0.display())]
    Inside(PathBuf),
    #[error(
        "the target holds {count} other files, such as `{example}`, and no site: they would be removed"
    )]
    Foreign { count: usize, example: String },
    #[error("`keep` covers `{0}`, which is a part of the site")]
    Kept(String),
    #[error("cannot run `{program}`: {source}")]
    Program {
        program: &'static str,
        source: io::Error,
    },
    #[error("`rsync` ended with {status}: {words}")]
    Rsync { status: String, words: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something was sent already.
    #[error("{0}")]
    Midway(Box<DeployError>),
}

impl DeployError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DeployError {
        move |source| DeployError::Io {
            doing,
            path: path.to_path_buf(),
            source,
        }
    }

    /// Whether something was sent before it happened.
    pub fn is_midway(&self) -> bool {
        matches!(self, DeployError::Midway(_))
    }
}

/// The site that stands in `public/`, every file of which the site channel made. As long as it is used, nobody may
/// publish: take the ledger's lock.
#[derive(Debug)]
pub struct Standing {
    root: PathBuf,
    /// Path and SHA-256.
    files: BTreeMap<String, String>,
}

impl Standing {
    /// Compares the folder with the record, file by file.
    pub fn open(public: &Path, record: &Record) -> Result<Standing, DeployError> {
        // A link in its place is followed, since that is how it is published; links in it are not.
        let root = public
            .canonicalize()
            .map_err(DeployError::io("find", public))?;
        if record.len() == 0 {
            return Err(DeployError::Unrecorded(public.to_path_buf()));
        }
        let not_ours = |path: &str| DeployError::NotOurs {
            public: public.to_path_buf(),
            path: path.to_string(),
        };
        let mut files = BTreeMap::new();
        for path in files_below(&root)? {
            let digest = record
                .content(&path)
                .ok_or_else(|| not_ours(&path))?
                .to_string();
            files.insert(path, digest);
        }
        // (No two paths have one name there, so what is left over is missing here.)
        if files.len() < record.len() {
            return Err(DeployError::Missing {
                public: public.to_path_buf(),
                count: record.len() - files.len(),
            });
        }
        let standing = Standing { root, files };
        let paths: Vec<&str> = standing.files.keys().map(String::as_str).collect();
        paths
            .par_iter()
            .try_for_each(|path| standing.bytes(path).map(drop))?;
        Ok(standing)
    }

    /// The content of a file, which is as it was recorded.
    fn bytes(&self, path: &str) -> Result<Vec<u8>, DeployError> {
        let full = self.root.join(path);
        let bytes = fs::read(&full).map_err(DeployError::io("read", &full))?;
        match self.files.get(path) {
            Some(digest) if *digest == Digest::of(&bytes).hex() => Ok(bytes),
            _ => Err(DeployError::NotOurs {
                public: self.root.clone(),
                path: path.to_string(),
            }),
        }
    }

    /// How many files it has.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it has none; it never opens then.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// All that is below a folder and is no folder, with `/`. What has a name that is no text can be none of ours.
fn files_below(root: &Path) -> Result<BTreeSet<String>, DeployError> {
    let mut found = BTreeSet::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        let full = root.join(&folder);
        for entry in fs::read_dir(&full).map_err(DeployError::io("read the folder", &full))? {
            let entry = entry.map_err(DeployError::io("read the folder", &full))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            match entry
                .file_type()
                .map_err(DeployError::io("look at", &entry.path()))?
                .is_dir()
            {
                true => open.push(path),
                false => drop(found.insert(path)),
            }
        }
    }
    Ok(found)
}

/// Where a site can be copied to.
pub trait Place {
    /// How the tree differs from what lies there. `keep` is what is not ours there.
    fn difference(&self, tree: &Standing, keep: &[String]) -> Result<Changes, DeployError>;

    /// Sends these files; when it returns without an error, readers get them.
    fn send(
        &self,
        tree: &Standing,
        paths: &[&str],
        step: &(dyn Fn() + Sync),
    ) -> Result<(), DeployError>;

    /// Removes these files, which are all that lies there and is neither the tree's nor to be kept.
    fn remove(
        &self,
        tree: &Standing,
        paths: &[&str],
        keep: &[String],
        step: &(dyn Fn() + Sync),
    ) -> Result<(), DeployError>;
}

/// What would be done at a place.
#[derive(Debug)]
pub struct Deployment<'a> {
    tree: &'a Standing,
    changes: Changes,
    keep: &'a [String],
    languages: &'a [Lang],
}

impl<'a> Deployment<'a> {
    /// Compares the tree with the place; nothing is sent. A place that holds other files, and no earlier site, is
    /// refused unless it is to be `taken_over`.
    pub fn plan(
        place: &dyn Place,
        tree: &'a Standing,
        keep: &'a [String],
        languages: &'a [Lang],
        taken_over: bool,
    ) -> Result<Deployment<'a>, DeployError> {
        if let Some(path) = tree.files.keys().find(|path| is_kept(path, keep)) {
            return Err(DeployError::Kept(path.clone()));
        }
        let changes = place.difference(tree, keep)?;
        let is_new = |path: &str| changes.added.iter().any(|added| added == path);
        let is_a_site = ["rss.xml", "feed.json", "advisories/index.html"]
            .into_iter()
            .all(|path| tree.files.contains_key(path) && !is_new(path));
        match changes.removed.first() {
            Some(example) if !is_a_site && !taken_over => Err(DeployError::Foreign {
                count: changes.removed.len(),
                example: example.clone(),
            }),
            _ => Ok(Deployment {
                tree,
                changes,
                keep,
                languages,
            }),
        }
    }

    /// What is added, changed and removed.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Carries it out, pass by pass. An error is [`DeployError::Midway`] if something was sent before.
    pub fn carry_out(
        &self,
        place: &dyn Place,
        step: &(dyn Fn() + Sync),
    ) -> Result<(), DeployError> {
        let mut sent = false;
        for pass in order::passes(&self.changes, self.languages) {
            let done = match pass.removes {
                true => place.remove(self.tree, &pass.paths, self.keep, step),
                false => place.send(self.tree, &pass.paths, step),
            };
            // (Also the first pass may have got somewhere before it failed.)
            done.map_err(|error| match sent || pass.paths.len() > 1 {
                true => DeployError::Midway(Box::new(error)),
                false => error,
            })?;
            sent = true;
        }
        Ok(())
    }
}

/// Whether a path is one of those that are not ours, or lies below one.
fn is_kept(path: &str, keep: &[String]) -> bool {
    keep.iter().any(|kept| {
        path == kept
            || path
                .strip_prefix(kept.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
    })
}
