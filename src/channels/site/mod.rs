//! The public site as files. What is new is staged beside what stands. When much has changed, or it is not known what
//! stands, the stage becomes a whole tree, and both change places at once; when little has, the few files are moved in,
//! in an order in which each link leads somewhere at each moment (`amend`).
//!
//! `standing` is the record of what stands, `tree` makes and moves whole trees.
//!
//! Only what is [`Shareable`] with the [`Public`] can be put on a stage:
//! ```compile_fail
//! use advise::{artefact::Artefact, channels::site::Stage};
//! fn leak(stage: &Stage, page: Artefact) { let _ = stage.put(&page); } // did not pass the gate
//! ```
//! Files that stay the same are not written again: the new tree gets a link to the old file, so its time of
//! change stays as well. Modes follow the process's umask; the site's own folder keeps the mode that it had.

mod amend;
mod standing;
#[cfg(test)]
mod tests;
mod tree;

use crate::{
    artefact::{Artefact, Digest, Unit},
    tlp::{Public, Shareable},
};
use rayon::prelude::*;
use rustix::{
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};
use standing::{Made, Standing};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tree::{Tree, files_below, resolve, sync};

/// So many files are moved in one by one; if more have changed, whole trees change places.
const AMENDED_AT_MOST: usize = 1_000;

/// Why the site could not be written. The site that stands is untouched, except where [`SiteError::is_live`].
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// No room for the new tree beside the old one.
    #[error("no space left on the disk for `{}`; the site was left as it is", path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Two pages have one path.
    #[error("two things of the site have the path `{0}`")]
    Twice(String),
    /// A page could not be written, and yet the stage was to be finished.
    #[error("`{0}` was not written, so the site is not complete")]
    Incomplete(String),
    /// The folder holds something that is no site, and would be replaced.
    #[error("`{}` is not empty and not a site of ours, so it is not replaced", .0.display())]
    NotASite(PathBuf),
    /// The record says that a file stands, and it does not: everything has to be compared.
    #[error("`{0}` is not there any more")]
    Missing(String),
    /// Some of the files were moved in, some not.
    #[error("the site was changed in part, the next run goes on with it: {0}")]
    Halfway(Box<SiteError>),
    /// The new site stands, but it could not be noted what it is made of.
    #[error("the new site stands, but `{}` could not be written, so the next run compares everything: {}", path.display(), reason(source))]
    Unrecorded {
        /// The record.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The new site stands; what it replaced may still lie in a hidden folder beside it.
    #[error("the new site stands, but the old one in `{}` could not be put away: {}", path.display(), reason(source))]
    Leftover {
        /// The hidden folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl SiteError {
    /// Whether the new site stands all the same.
    pub fn is_live(&self) -> bool {
        matches!(
            self,
            SiteError::Leftover { .. } | SiteError::Unrecorded { .. }
        )
    }

    /// Whether readers see some of the new files and some of the old.
    pub fn is_halfway(&self) -> bool {
        matches!(self, SiteError::Halfway(_))
    }

    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SiteError {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SiteError::Full {
                path: path.to_path_buf(),
            },
            _ => SiteError::Io {
                doing,
                path: path.to_path_buf(),
                source,
            },
        }
    }
}

/// Whether a file comes where a folder goes, or the other way round: no order of single moves can do that.
fn trades_places(fates: &HashMap<String, Option<Fate>>, removed: &[String]) -> bool {
    let added = || {
        fates
            .iter()
            .filter(|(_, fate)| **fate == Some(Fate::Added))
            .map(|(path, _)| path.as_str())
    };
    let folders = |path: &'_ str| {
        path.match_indices('/')
            .map(|(at, _)| path[..at].to_string())
            .collect::<Vec<_>>()
    };
    let (new, old): (HashSet<&str>, HashSet<&str>) = (
        added().collect(),
        removed.iter().map(String::as_str).collect(),
    );
    added().any(|path| {
        folders(path)
            .iter()
            .any(|folder| old.contains(folder.as_str()))
    }) || removed.iter().any(|path| {
        folders(path)
            .iter()
            .any(|folder| new.contains(folder.as_str()))
    })
}

/// A full disk in words that staff know from elsewhere in this program, whatever the system calls it.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "no space left on the disk".into()
        }
        _ => error.to_string(),
    }
}

/// What became of a file that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is new, or other than what stands.
    Written,
    /// It stands already, byte for byte.
    Unchanged,
}

/// How the new tree differs from the one that stands: paths, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the three words speak for themselves")]
pub struct Changes {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

impl Changes {
    /// Whether both trees are the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// A tree in the making. Several threads may put files on it; dropped before the switch, it leaves nothing.
#[derive(Debug)]
pub struct Stage {
    /// The folder that readers see, with symbolic links resolved.
    public: PathBuf,
    tree: Tree,
    /// The tree that stands, and what is known of it.
    live: Option<(File, Live)>,
    fates: Mutex<HashMap<String, Option<Fate>>>,
    folders: Mutex<HashSet<String>>,
    made: Mutex<Made>,
    /// Where it is kept of which units the site is made.
    record: Option<PathBuf>,
}

/// What is known of the files that stand.
#[derive(Debug)]
enum Live {
    /// Their paths. Each file that is put is compared with its namesake.
    Listed(HashSet<String>),
    /// Of which units they are. Units that are the same are not made again.
    Recorded(Standing),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Added,
    Changed,
    Kept,
}

impl Stage {
    /// Opens a stage beside `public`, on the same file system. What crashed runs left there is removed.
    pub fn begin(public: &Path) -> Result<Stage, SiteError> {
        Stage::open(public, None, |_, _| None)
    }

    /// The same; every file is made and compared, and it is recorded what stands then.
    pub fn recording(public: &Path, record: &Path) -> Result<Stage, SiteError> {
        Stage::open(public, Some(record), |_, _| None)
    }

    /// Whether it is recorded what stands then.
    pub fn is_recorded(&self) -> bool {
        self.record.is_some()
    }

    /// The same, trusting the record of an earlier run: units that it knows with the same key are neither made nor
    /// compared. Where there is no good record, everything is.
    pub fn trusting(public: &Path, record: &Path) -> Result<Stage, SiteError> {
        Stage::open(public, Some(record), Standing::trusted)
    }

    fn open(
        public: &Path,
        record: Option<&Path>,
        standing: impl FnOnce(&Path, &Path) -> Option<Standing>,
    ) -> Result<Stage, SiteError> {
        let public = resolve(public)?;
        let tree = Tree::beside(&public)?;
        let live = match File::open(&public) {
            Ok(folder) => Some((
                folder,
                match record.and_then(|record| standing(record, &public)) {
                    Some(standing) => Live::Recorded(standing),
                    None => Live::Listed(listed(&public)?),
                },
            )),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(SiteError::io("open the folder", &public)(e)),
        };
        let (fates, folders, made) = (Mutex::default(), Mutex::default(), Mutex::default());
        Ok(Stage {
            public,
            tree,
            live,
            fates,
            folders,
            made,
            record: record.map(Path::to_path_buf),
        })
    }

    /// The same for a folder that somebody named: one that holds anything but an earlier site is refused,
    /// because all that it holds would be replaced.
    pub fn into_folder(out: &Path) -> Result<Stage, SiteError> {
        let mut entries = match fs::read_dir(out) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Stage::begin(out),
            Err(e) => return Err(SiteError::io("open the folder", out)(e)),
        };
        let a_site = out.join("rss.xml").is_file() && out.join("advisories").is_dir();
        if !a_site && entries.next().is_some() {
            return Err(SiteError::NotASite(out.to_path_buf()));
        }
        Stage::begin(out)
    }

    /// Whether the files of this unit stand as they would be made. They stay then; of a unit that nobody asks for and
    /// nobody puts, they go.
    pub fn has(&self, unit: &Unit) -> bool {
        matches!(&self.live, Some((_, Live::Recorded(standing))) if standing.keeps(unit))
    }

    /// Puts a file on the stage, if it is not the same as the one that stands.
    pub fn put(&self, artefact: &Shareable<Artefact, Public>) -> Result<Put, SiteError> {
        self.put_as("", Digest([0; 32]), artefact.thing())
    }

    /// The same for a file of a unit, all of whose files have to be put.
    pub fn put_of(
        &self,
        unit: &Unit,
        artefact: &Shareable<Artefact, Public>,
    ) -> Result<Put, SiteError> {
        self.put_as(unit.name(), unit.key(), artefact.thing())
    }

    fn put_as(
        &self,
        unit: &str,
        key: Digest,
        Artefact { path, bytes, .. }: &Artefact,
    ) -> Result<Put, SiteError> {
        if guard(&self.fates).insert(path.clone(), None).is_some() {
            return Err(SiteError::Twice(path.clone()));
        }
        let fate = match &self.live {
            None => Fate::Added,
            Some((_, Live::Listed(files))) if !files.contains(path) => Fate::Added,
            Some((folder, _)) => compare(folder, path, bytes),
        };
        if fate != Fate::Kept {
            self.folder_of(path)?;
            self.write(path, bytes)
                .map_err(SiteError::io("write", &self.public.join(path)))?;
        }
        if self.record.is_some() {
            let mut made = guard(&self.made);
            match made.get_mut(unit) {
                Some((_, files)) => files.push(path.clone()),
                None => drop(made.insert(unit.to_string(), (key, vec![path.clone()]))),
            }
        }
        guard(&self.fates).insert(path.clone(), Some(fate));
        Ok(if fate == Fate::Kept {
            Put::Unchanged
        } else {
            Put::Written
        })
    }

    /// Ends the putting, and says how the stage differs from what stands. Nothing is switched yet.
    pub fn finish(self) -> Result<Switch, SiteError> {
        let (mut changes, mut kept) = (Changes::default(), Vec::new());
        let fates = std::mem::take(&mut *guard(&self.fates));
        let mut way = Way::Whole;
        match &self.live {
            None => {}
            Some((_, Live::Listed(files))) => {
                changes.removed = files
                    .iter()
                    .filter(|path| !fates.contains_key(*path))
                    .cloned()
                    .collect();
            }
            Some((_, Live::Recorded(standing))) => {
                if let Some((path, _)) = standing
                    .files()
                    .find(|(path, stays)| *stays && fates.contains_key(*path))
                {
                    return Err(SiteError::Twice(path.to_string()));
                }
                let gone = |(path, stays): &(&str, bool)| !stays && !fates.contains_key(*path);
                changes.removed = standing
                    .files()
                    .filter(gone)
                    .map(|(path, _)| path.to_string())
                    .collect();
                let touched = fates
                    .values()
                    .filter(|fate| **fate != Some(Fate::Kept))
                    .count()
                    + changes.removed.len();
                if touched <= AMENDED_AT_MOST && !trades_places(&fates, &changes.removed) {
                    way = Way::Amend;
                } else {
                    let files = listed(&self.public)?;
                    let stays: HashSet<&str> = standing
                        .files()
                        .filter(|(_, stays)| *stays)
                        .map(|(path, _)| path)
                        .collect();
                    if let Some(path) = stays.iter().find(|path| !files.contains(**path)) {
                        return Err(SiteError::Missing(path.to_string()));
                    }
                    kept.extend(stays.iter().map(|path| path.to_string()));
                    let goes =
                        |path: &String| !fates.contains_key(path) && !stays.contains(path.as_str());
                    changes.removed = files.into_iter().filter(goes).collect();
                }
            }
        }
        for (path, fate) in fates {
            match fate {
                Some(Fate::Added) => changes.added.push(path),
                Some(Fate::Changed) => changes.changed.push(path),
                Some(Fate::Kept) => kept.push(path),
                None => return Err(SiteError::Incomplete(path)),
            }
        }
        for paths in [
            &mut changes.added,
            &mut changes.changed,
            &mut changes.removed,
            &mut kept,
        ] {
            paths.par_sort_unstable();
        }
        let before = match &self.live {
            Some((_, Live::Recorded(standing))) => Some(standing),
            _ => None,
        };
        let body = standing::body(before, &guard(&self.made));
        let is_known = before.is_some_and(|standing| standing.says(&body));
        Ok(Switch {
            stage: self,
            changes,
            kept,
            way,
            body,
            is_known,
        })
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), io::Error> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.tree.folder, path, flags, Mode::from_raw_mode(0o644))?;
        File::from(file).write_all(bytes)
    }

    /// Makes the folders of a file, each once.
    fn folder_of(&self, path: &str) -> Result<(), SiteError> {
        let Some((parent, _)) = path.rsplit_once('/') else {
            return Ok(());
        };
        if guard(&self.folders).contains(parent) {
            return Ok(());
        }
        self.folder_of(parent)?;
        // Another thread may make the same folder at the same time; it is in the set only once it is there.
        match rustix::fs::mkdirat(&self.tree.folder, parent, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => {
                return Err(SiteError::io("make the folder", &self.public.join(parent))(
                    e.into(),
                ));
            }
        }
        guard(&self.folders).insert(parent.to_string());
        Ok(())
    }
}

/// How what is on the stage comes before the readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The stage becomes a whole tree, which changes places with the one that stands.
    Whole,
    /// The few files that differ are moved into the tree that stands.
    Amend,
}

/// A finished stage that waits for its switch. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Switch {
    stage: Stage,
    changes: Changes,
    kept: Vec<String>,
    way: Way,
    /// What is to be recorded.
    body: String,
    /// Whether that is recorded already.
    is_known: bool,
}

impl Switch {
    /// Whether every file of the new tree was made for it, and none stays because a record says that it stands.
    pub fn is_all_made(&self) -> bool {
        !matches!(self.stage.live, Some((_, Live::Recorded(_))))
    }

    /// How the new tree differs from the one that stands.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Brings what is new before the readers, who at each moment see whole files and links that lead somewhere. When
    /// nothing changed, nothing is touched.
    pub fn commit(self) -> Result<Changes, SiteError> {
        let Switch {
            stage,
            changes,
            kept,
            way,
            body,
            is_known,
        } = self;
        let (public, record) = (stage.public.clone(), stage.record.clone());
        let write = |record: &Path| standing::write(record, &public, &body);
        if changes.is_empty() && stage.live.is_some() {
            record
                .as_deref()
                .filter(|_| !is_known)
                .map_or(Ok(()), write)?;
            return Ok(changes);
        }
        // One call for the whole file system instead of ten thousand for its files.
        let durable = |folder: &File| {
            sync(folder).map_err(SiteError::io("write to the disk", &stage.tree.path))
        };
        match (&stage.live, way) {
            (Some((live, _)), Way::Amend) => {
                durable(&stage.tree.folder)?;
                record.as_deref().map_or(Ok(()), standing::forget)?;
                let moved = stage.amend(live, &changes).and_then(|()| durable(live));
                moved.map_err(|error| SiteError::Halfway(Box::new(error)))?;
            }
            (live, _) => {
                if let Some((live, _)) = live {
                    kept.par_iter().try_for_each(|path| {
                        stage.folder_of(path)?;
                        stage
                            .keep(live, path)
                            .map_err(SiteError::io("link", &stage.public.join(path)))
                    })?;
                    let mode = live
                        .metadata()
                        .map_err(SiteError::io("look at", &stage.public))?
                        .permissions();
                    stage
                        .tree
                        .folder
                        .set_permissions(mode)
                        .map_err(SiteError::io("set the mode of", &stage.tree.path))?;
                }
                durable(&stage.tree.folder)?;
                record.as_deref().map_or(Ok(()), standing::forget)?;
                let Stage {
                    public, tree, live, ..
                } = stage;
                tree.change_places_with(&public, live.is_some())?;
            }
        }
        record.as_deref().map_or(Ok(()), write)?;
        Ok(changes)
    }
}

impl Stage {
    /// The file that stands gets a second name on the stage; where the file system has no links, a copy.
    fn keep(&self, live: &File, path: &str) -> Result<(), io::Error> {
        match rustix::fs::linkat(live, path, &self.tree.folder, path, AtFlags::empty()) {
            Ok(()) => Ok(()),
            Err(Errno::PERM | Errno::MLINK | Errno::NOTSUP | Errno::NOSYS | Errno::XDEV) => {
                let mut bytes = Vec::new();
                File::from(rustix::fs::openat(live, path, READ, Mode::empty())?)
                    .read_to_end(&mut bytes)?;
                self.write(path, &bytes)
            }
            Err(e) => Err(e.into()),
        }
    }
}

const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What becomes of a file in place of its namesake. One that cannot be read is replaced.
fn compare(folder: &File, path: &str, bytes: &[u8]) -> Fate {
    let same = || -> Result<bool, io::Error> {
        let mut file = File::from(rustix::fs::openat(folder, path, READ, Mode::empty())?);
        if file.metadata()?.len() != bytes.len() as u64 {
            return Ok(false);
        }
        let mut there = vec![0; bytes.len()];
        file.read_exact(&mut there)?;
        Ok(there == bytes)
    };
    match same() {
        Ok(true) => Fate::Kept,
        Err(e) if e.kind() == io::ErrorKind::NotFound => Fate::Added,
        Ok(false) | Err(_) => Fate::Changed,
    }
}

fn listed(public: &Path) -> Result<HashSet<String>, SiteError> {
    files_below(public, "")
        .map(HashSet::from_iter)
        .map_err(SiteError::io("read the folder", public))
}

/// What is behind these locks is whole at every moment, so a thread that panicked left nothing half done.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
