//! The public site as files: a whole new tree is staged beside the old one, then both change places at once.
//!
//! Only what is [`Shareable`] with the [`Public`] can be put on a stage:
//! ```compile_fail
//! use advise::{artefact::Artefact, channels::site::Stage};
//! fn leak(stage: &Stage, page: Artefact) { let _ = stage.put(&page); } // did not pass the gate
//! ```
//! Files that stay the same are not written again: the new tree gets a link to the old file, so its time of
//! change stays as well. Modes follow the process's umask; the site's own folder keeps the mode that it had.

use crate::{
    artefact::Artefact,
    tlp::{Public, Shareable},
};
use rayon::prelude::*;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, RenameFlags},
    io::Errno,
};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

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
    /// The new site stands; what it replaced may still lie in a hidden folder beside it.
    #[error("the new site stands, but the old one in `{}` could not be put away", path.display())]
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
        matches!(self, SiteError::Leftover { .. })
    }

    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SiteError {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SiteError::Full { path: path.to_path_buf() },
            _ => SiteError::Io { doing, path: path.to_path_buf(), source },
        }
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
    /// The tree that stands, and the paths of its files.
    live: Option<(File, HashSet<String>)>,
    fates: Mutex<HashMap<String, Option<Fate>>>,
    folders: Mutex<HashSet<String>>,
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
        let public = resolve(public)?;
        let tree = Tree::beside(&public)?;
        let live = match File::open(&public) {
            Ok(folder) => {
                let files = files_below(&public, "").map_err(SiteError::io("read the folder", &public))?;
                Some((folder, files.into_iter().collect()))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(SiteError::io("open the folder", &public)(e)),
        };
        let (fates, folders) = (Mutex::default(), Mutex::default());
        Ok(Stage { public, tree, live, fates, folders })
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

    /// Puts a file on the stage, if it is not the same as the one that stands.
    pub fn put(&self, artefact: &Shareable<Artefact, Public>) -> Result<Put, SiteError> {
        let Artefact { path, bytes, .. } = artefact.thing();
        if guard(&self.fates).insert(path.clone(), None).is_some() {
            return Err(SiteError::Twice(path.clone()));
        }
        let fate = match &self.live {
            Some((folder, files)) if files.contains(path) => match holds(folder, path, bytes) {
                true => Fate::Kept,
                false => Fate::Changed,
            },
            _ => Fate::Added,
        };
        if fate != Fate::Kept {
            self.folder_of(path)?;
            self.write(path, bytes).map_err(SiteError::io("write", &self.public.join(path)))?;
        }
        guard(&self.fates).insert(path.clone(), Some(fate));
        Ok(if fate == Fate::Kept { Put::Unchanged } else { Put::Written })
    }

    /// Ends the putting, and says how the stage differs from what stands. Nothing is switched yet.
    pub fn finish(self) -> Result<Switch, SiteError> {
        let (mut changes, mut kept) = (Changes::default(), Vec::new());
        let fates = std::mem::take(&mut *guard(&self.fates));
        if let Some((_, files)) = &self.live {
            changes.removed = files.iter().filter(|path| !fates.contains_key(*path)).cloned().collect();
        }
        for (path, fate) in fates {
            match fate {
                Some(Fate::Added) => changes.added.push(path),
                Some(Fate::Changed) => changes.changed.push(path),
                Some(Fate::Kept) => kept.push(path),
                None => return Err(SiteError::Incomplete(path)),
            }
        }
        for paths in [&mut changes.added, &mut changes.changed, &mut changes.removed, &mut kept] {
            paths.par_sort_unstable();
        }
        Ok(Switch { stage: self, changes, kept })
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), io::Error> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.tree.folder, path, flags, Mode::from_raw_mode(0o644))?;
        File::from(file).write_all(bytes)
    }

    /// Makes the folders of a file, each once.
    fn folder_of(&self, path: &str) -> Result<(), SiteError> {
        let Some((parent, _)) = path.rsplit_once('/') else { return Ok(()) };
        if guard(&self.folders).contains(parent) {
            return Ok(());
        }
        self.folder_of(parent)?;
        // Another thread may make the same folder at the same time; it is in the set only once it is there.
        match rustix::fs::mkdirat(&self.tree.folder, parent, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(SiteError::io("make the folder", &self.public.join(parent))(e.into())),
        }
        guard(&self.folders).insert(parent.to_string());
        Ok(())
    }
}

/// A finished tree that waits for its switch. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Switch {
    stage: Stage,
    changes: Changes,
    kept: Vec<String>,
}

impl Switch {
    /// How the new tree differs from the one that stands.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Changes the trees' places: a reader sees the old site or the new one, never a part of either. When
    /// nothing changed, nothing is touched.
    pub fn commit(self) -> Result<Changes, SiteError> {
        let Switch { stage, changes, kept } = self;
        if changes.is_empty() && stage.live.is_some() {
            return Ok(changes);
        }
        if let Some((live, _)) = &stage.live {
            kept.par_iter().try_for_each(|path| {
                stage.folder_of(path)?;
                stage.keep(live, path).map_err(SiteError::io("link", &stage.public.join(path)))
            })?;
            let mode = live.metadata().map_err(SiteError::io("look at", &stage.public))?.permissions();
            stage.tree.folder.set_permissions(mode).map_err(SiteError::io("set the mode of", &stage.tree.path))?;
        }
        // One call for the whole file system instead of ten thousand for its files.
        sync(&stage.tree.folder).map_err(SiteError::io("write to the disk", &stage.tree.path))?;
        let Stage { public, tree, live, .. } = stage;
        tree.change_places_with(&public, live.is_some())?;
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
                File::from(rustix::fs::openat(live, path, READ, Mode::empty())?).read_to_end(&mut bytes)?;
                self.write(path, &bytes)
            }
            Err(e) => Err(e.into()),
        }
    }
}

const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Whether the file holds exactly these bytes. One that cannot be read does not; it is then replaced.
fn holds(folder: &File, path: &str, bytes: &[u8]) -> bool {
    let same = || -> Result<bool, io::Error> {
        let mut file = File::from(rustix::fs::openat(folder, path, READ, Mode::empty())?);
        if file.metadata()?.len() != bytes.len() as u64 {
            return Ok(false);
        }
        let mut there = vec![0; bytes.len()];
        file.read_exact(&mut there)?;
        Ok(there == bytes)
    };
    same().unwrap_or(false)
}

/// The folder itself where `public` is a symbolic link to it: a switch must not replace the link.
fn resolve(public: &Path) -> Result<PathBuf, SiteError> {
    match public.canonicalize() {
        Ok(path) => Ok(path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let absolute = std::path::absolute(public).map_err(SiteError::io("find", public))?;
            if let Some(parent) = absolute.parent() {
                fs::create_dir_all(parent).map_err(SiteError::io("make the folder", parent))?;
            }
            Ok(absolute)
        }
        Err(e) => Err(SiteError::io("find", public)(e)),
    }
}

/// A hidden folder beside the site: the stage, and after the switch the old tree. Removed when dropped.
#[derive(Debug)]
struct Tree {
    path: PathBuf,
    /// Open, and locked for as long as this process lives, so that nobody takes it for a leftover.
    folder: File,
}

impl Tree {
    fn beside(public: &Path) -> Result<Tree, SiteError> {
        let (Some(parent), Some(name)) = (public.parent(), public.file_name()) else {
            return Err(SiteError::NotASite(public.to_path_buf()));
        };
        let prefix = format!(".{}.new-", name.to_string_lossy());
        remove_leftovers(parent, &prefix)?;
        for count in 0_u32.. {
            let path = parent.join(format!("{prefix}{}-{count}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    let folder = File::open(&path).map_err(SiteError::io("open the folder", &path))?;
                    // Where folders cannot be locked, leftovers are not removed either, so nothing is lost.
                    return match folder.try_lock() {
                        Err(TryLockError::WouldBlock) => continue,
                        Ok(()) | Err(TryLockError::Error(_)) => Ok(Tree { path, folder }),
                    };
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(SiteError::io("make the folder", &path)(e)),
            }
        }
        unreachable!("a folder does not hold four thousand million stages")
    }

    fn change_places_with(self, public: &Path, stands: bool) -> Result<(), SiteError> {
        let refused = |e: Errno| SiteError::io("switch to the new", public)(e.into());
        let flags = if stands { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
        match rustix::fs::renameat_with(CWD, &self.path, CWD, public, flags) {
            Ok(()) => {}
            // A file system that cannot exchange: two steps, with a moment between them that has no site.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                // The name begins as a stage's does, so that a crash here leaves nothing that stays.
                let mut old = self.path.clone().into_os_string();
                old.push("-old");
                let old = PathBuf::from(old);
                if stands {
                    rustix::fs::rename(public, &old).map_err(refused)?;
                }
                if let Err(e) = rustix::fs::rename(&self.path, public) {
                    if stands {
                        rustix::fs::rename(&old, public).map_err(refused)?;
                    }
                    return Err(refused(e));
                }
                if stands {
                    rustix::fs::rename(&old, &self.path).map_err(refused)?;
                }
            }
            Err(e) => return Err(refused(e)),
        }
        if let Some(parent) = public.parent() {
            let synced = File::open(parent).and_then(|parent| parent.sync_all());
            synced.map_err(|source| SiteError::Leftover { path: self.path.clone(), source })?;
        }
        remove(&self.path).map_err(|source| SiteError::Leftover { path: self.path.clone(), source })
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // What cannot be removed now is removed as a leftover by the next run, which reports why if it cannot.
        let _ = remove(&self.path);
    }
}

/// Removes the stages that no living process holds.
fn remove_leftovers(parent: &Path, prefix: &str) -> Result<(), SiteError> {
    let wrong = || SiteError::io("read the folder", parent);
    for entry in fs::read_dir(parent).map_err(wrong())? {
        let entry = entry.map_err(wrong())?;
        let ours = entry.file_name().to_string_lossy().starts_with(prefix);
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        let unheld = match File::open(&path) {
            Ok(folder) => folder.try_lock().is_ok(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(SiteError::io("open the folder", &path)(e)),
        };
        if unheld {
            remove(&path).map_err(SiteError::io("remove the leftover", &path))?;
        }
    }
    Ok(())
}

/// Removes a tree on several threads; what is gone already is no fault.
fn remove(folder: &Path) -> Result<(), io::Error> {
    let gone = |result: Result<(), io::Error>| match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => folders.push(entry.path()),
            false => gone(fs::remove_file(entry.path()))?,
        }
    }
    folders.par_iter().try_for_each(|folder| remove(folder))?;
    gone(fs::remove_dir(folder))
}

/// The paths of all files below a folder, relative, with `/`.
fn files_below(folder: &Path, prefix: &str) -> Result<Vec<String>, io::Error> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => folders.push((entry.path(), path + "/")),
            false => files.push(path),
        }
    }
    let below: Result<Vec<Vec<String>>, io::Error> =
        folders.par_iter().map(|(folder, prefix)| files_below(folder, prefix)).collect();
    files.extend(below?.into_iter().flatten());
    Ok(files)
}

#[cfg(target_os = "linux")]
fn sync(folder: &File) -> Result<(), io::Error> {
    Ok(rustix::fs::syncfs(folder)?)
}

#[cfg(not(target_os = "linux"))]
fn sync(_folder: &File) -> Result<(), io::Error> {
    rustix::fs::sync();
    Ok(())
}

/// What is behind these locks is whole at every moment, so a thread that panicked left nothing half done.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlp::{Gate, Made, Marked, Tlp};
    use std::os::unix::fs::MetadataExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    struct Note(&'static str, String);

    impl Marked for Note {
        fn tlp(&self) -> Tlp {
            Tlp::Clear
        }
        fn is_addressed_to(&self, _: &str) -> bool {
            true
        }
    }

    impl Made<Note, Public> for Artefact {
        type Shop<'s> = ();
        type Error = std::convert::Infallible;
        fn made(note: &Note, _: &Public, _: &()) -> Result<Artefact, Self::Error> {
            Ok(Artefact::new(note.0, "text/html", note.1.clone()))
        }
    }

    fn page(path: &'static str, text: &str) -> Shareable<Artefact, Public> {
        let gate = Gate::at("2026-07-01".parse().expect("a moment"));
        gate.open(Note(path, text.into()), Public).expect("clear").make(&()).expect("an artefact")
    }

    fn publish(public: &Path, pages: &[(&'static str, &str)]) -> Changes {
        let stage = Stage::begin(public).expect("a stage");
        for (path, text) in pages {
            stage.put(&page(path, text)).expect("put");
        }
        stage.finish().expect("finished").commit().expect("switched")
    }

    fn beside(public: &Path) -> Vec<String> {
        let entries = fs::read_dir(public.parent().expect("a parent")).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    fn paths(all: &[&str]) -> Vec<String> {
        all.iter().map(|path| path.to_string()).collect()
    }

    #[test]
    fn what_stays_keeps_its_file_and_what_goes_is_gone() {
        let temp = tempfile::tempdir().expect("a folder");
        let public = temp.path().join("public");
        let first = publish(&public, &[("index.html", "one"), ("a/b/index.html", "same"), ("old/index.html", "old")]);
        assert_eq!(first.added, paths(&["a/b/index.html", "index.html", "old/index.html"]));
        let same = || fs::metadata(public.join("a/b/index.html")).map(|m| (m.ino(), m.mtime_nsec())).expect("is there");
        let before = same();

        let second = publish(&public, &[("index.html", "two"), ("a/b/index.html", "same"), ("new.txt", "")]);
        let expected =
            Changes { added: paths(&["new.txt"]), changed: paths(&["index.html"]), removed: paths(&["old/index.html"]) };
        assert_eq!(second, expected);
        assert_eq!(same(), before, "the same file, not a copy");
        assert!(!public.join("old").exists());
        assert_eq!(fs::read_to_string(public.join("index.html")).expect("readable"), "two");
        assert_eq!(beside(&public), ["public"]);
    }

    #[test]
    fn when_nothing_changed_nothing_is_touched() {
        let temp = tempfile::tempdir().expect("a folder");
        let public = temp.path().join("public");
        publish(&public, &[("index.html", "one"), ("a/index.html", "a")]);
        let folder = fs::metadata(&public).expect("is there").ino();
        let changes = publish(&public, &[("index.html", "one"), ("a/index.html", "a")]);
        assert!(changes.is_empty());
        assert_eq!(fs::metadata(&public).expect("is there").ino(), folder);
        assert_eq!(beside(&public), ["public"]);
    }

    #[test]
    fn a_stage_that_is_not_switched_leaves_nothing() {
        let temp = tempfile::tempdir().expect("a folder");
        let public = temp.path().join("public");
        publish(&public, &[("index.html", "one")]);
        let leftover = temp.path().join(".public.new-1-0");
        fs::create_dir_all(leftover.join("a")).expect("a crashed run's stage");
        let stage = Stage::begin(&public).expect("a stage");
        assert!(!leftover.exists(), "nobody holds it");
        stage.put(&page("index.html", "two")).expect("put");
        let other = Stage::begin(&public).expect("a second stage does not remove the first");
        assert_eq!(beside(&public).len(), 3);
        drop(other);
        assert!(!stage.finish().expect("finished").changes().is_empty());
        assert_eq!(beside(&public), ["public"]);
        assert_eq!(fs::read_to_string(public.join("index.html")).expect("readable"), "one");
    }

    #[test]
    fn two_pages_cannot_have_one_path() {
        let temp = tempfile::tempdir().expect("a folder");
        let stage = Stage::begin(&temp.path().join("public")).expect("a stage");
        stage.put(&page("index.html", "one")).expect("put");
        assert!(matches!(stage.put(&page("index.html", "one")), Err(SiteError::Twice(_))));
        assert!(stage.put(&page("index.html/more.html", "one")).is_err(), "a file is no folder");
        assert!(matches!(stage.finish(), Err(SiteError::Incomplete(_))));
    }

    #[test]
    fn a_link_to_the_site_stays_a_link() {
        let temp = tempfile::tempdir().expect("a folder");
        fs::create_dir(temp.path().join("www")).expect("a folder");
        let public = temp.path().join("public");
        std::os::unix::fs::symlink("www", &public).expect("a link");
        publish(&public, &[("index.html", "one")]);
        assert!(public.is_symlink());
        assert_eq!(fs::read_to_string(temp.path().join("www/index.html")).expect("readable"), "one");
    }

    #[test]
    fn a_named_folder_is_replaced_only_if_it_was_a_site() {
        let temp = tempfile::tempdir().expect("a folder");
        let home = temp.path().join("home");
        fs::create_dir(&home).expect("a folder");
        drop(Stage::into_folder(&home).expect("an empty folder is taken"));
        fs::write(home.join("thesis.txt"), "years of work").expect("written");
        assert!(matches!(Stage::into_folder(&home), Err(SiteError::NotASite(_))));
        publish(&temp.path().join("out"), &[("rss.xml", "<rss/>"), ("advisories/index.html", "all")]);
        drop(Stage::into_folder(&temp.path().join("out")).expect("an earlier site is taken"));
        drop(Stage::into_folder(&temp.path().join("a/b/new")).expect("a new folder is made"));
    }

    #[test]
    fn several_threads_may_put() {
        let temp = tempfile::tempdir().expect("a folder");
        let public = temp.path().join("public");
        let stage = Stage::begin(&public).expect("a stage");
        let names: Vec<&'static str> =
            (0..400).map(|n| &*Box::leak(format!("advisories/{}/{n}/index.html", n % 7).into_boxed_str())).collect();
        names.par_iter().for_each(|name| assert_eq!(stage.put(&page(name, name)).expect("put"), Put::Written));
        assert_eq!(stage.finish().expect("finished").commit().expect("switched").added.len(), 400);
        assert!(names.iter().all(|name| fs::read_to_string(public.join(name)).is_ok_and(|text| text == *name)));
    }

    #[test]
    fn readers_never_miss_a_page() {
        let temp = tempfile::tempdir().expect("a folder");
        let public = temp.path().join("public");
        publish(&public, &[("index.html", "0"), ("a/index.html", "0")]);
        let (over, index) = (AtomicBool::new(false), public.join("index.html"));
        let reads = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reads = 0;
                while !over.load(Ordering::Relaxed) {
                    let text = fs::read_to_string(&index).expect("there is an index at every moment");
                    assert!(!text.is_empty());
                    reads += 1;
                }
                reads
            });
            for n in 1..60 {
                publish(&public, &[("index.html", &n.to_string()), ("a/index.html", &n.to_string())]);
            }
            over.store(true, Ordering::Relaxed);
            reader.join().expect("the reader")
        });
        assert!(reads > 0);
    }
}
