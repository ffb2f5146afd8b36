//! Whole trees of files: one is made beside the site and changes places with it.

use super::SiteError;
use rayon::prelude::*;
use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// The folder itself where `public` is a symbolic link to it: a switch must not replace the link.
pub(super) fn resolve(public: &Path) -> Result<PathBuf, SiteError> {
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
pub(super) struct Tree {
    pub(super) path: PathBuf,
    /// Open, and locked for as long as this process lives, so that nobody takes it for a leftover.
    pub(super) folder: File,
}

impl Tree {
    pub(super) fn beside(public: &Path) -> Result<Tree, SiteError> {
        let (Some(parent), Some(name)) = (public.parent(), public.file_name()) else {
            return Err(SiteError::NotASite(public.to_path_buf()));
        };
        let prefix = format!(".{}.new-", name.to_string_lossy());
        remove_leftovers(parent, &prefix)?;
        for count in 0_u32.. {
            let path = parent.join(format!("{prefix}{}-{count}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    let folder =
                        File::open(&path).map_err(SiteError::io("open the folder", &path))?;
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

    pub(super) fn change_places_with(self, public: &Path, stands: bool) -> Result<(), SiteError> {
        let refused = |e: Errno| SiteError::io("switch to the new", public)(e.into());
        let flags = if stands {
            RenameFlags::EXCHANGE
        } else {
            RenameFlags::NOREPLACE
        };
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
            synced.map_err(|source| SiteError::Leftover {
                path: self.path.clone(),
                source,
            })?;
        }
        remove(&self.path).map_err(|source| SiteError::Leftover {
            path: self.path.clone(),
            source,
        })
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
pub(super) fn files_below(folder: &Path, prefix: &str) -> Result<Vec<String>, io::Error> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => folders.push((entry.path(), path + "/")),
            false => files.push(path),
        }
    }
    let below: Result<Vec<Vec<String>>, io::Error> = folders
        .par_iter()
        .map(|(folder, prefix)| files_below(folder, prefix))
        .collect();
    files.extend(below?.into_iter().flatten());
    Ok(files)
}

#[cfg(target_os = "linux")]
pub(super) fn sync(folder: &File) -> Result<(), io::Error> {
    Ok(rustix::fs::syncfs(folder)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn sync(_folder: &File) -> Result<(), io::Error> {
    rustix::fs::sync();
    Ok(())
}
