//! Moves the few files that differ into the tree that stands.
//!
//! First comes what is new: nothing that readers have seen leads there yet. Then what has changed, pages before lists,
//! lists before feeds and the sitemap: all that they link to is there. What nothing leads to any more goes last.
//! Each file is whole at each moment, since it is moved and not written. No call moves two files at once: a file and
//! its detached signature (`X` and `X.asc`) are moved one directly after the other, and who reads one of them in between
//! has to read both again, as with any web server; what is signed inside its own file always fits.

use super::{Changes, SiteError, Stage};
use rustix::{
    fs::{AtFlags, Mode},
    io::Errno,
};
use std::fs::File;

impl Stage {
    /// The paths are sorted, so that files which differ in their ending only are neighbours.
    pub(super) fn amend(&self, live: &File, changes: &Changes) -> Result<(), SiteError> {
        for path in &changes.added {
            self.live_folder_of(live, path)?;
            self.bring(live, path)?;
        }
        let mut changed: Vec<&String> = changes.changed.iter().collect();
        changed.sort_by_key(|path| rank(path));
        for path in changed {
            self.bring(live, path)?;
        }
        changes
            .removed
            .iter()
            .try_for_each(|path| self.take_away(live, path))
    }

    fn bring(&self, live: &File, path: &str) -> Result<(), SiteError> {
        let moved = rustix::fs::renameat(&self.tree.folder, path, live, path);
        moved.map_err(|e| SiteError::io("move in", &self.public.join(path))(e.into()))
    }

    fn live_folder_of(&self, live: &File, path: &str) -> Result<(), SiteError> {
        let Some((parent, _)) = path.rsplit_once('/') else {
            return Ok(());
        };
        let make = || rustix::fs::mkdirat(live, parent, Mode::from_raw_mode(0o755));
        let made = match make() {
            Err(Errno::NOENT) => {
                self.live_folder_of(live, parent)?;
                make()
            }
            made => made,
        };
        match made {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(e) => Err(SiteError::io("make the folder", &self.public.join(parent))(
                e.into(),
            )),
        }
    }

    /// Removes a file, and the folders that are empty then.
    fn take_away(&self, live: &File, path: &str) -> Result<(), SiteError> {
        match rustix::fs::unlinkat(live, path, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(SiteError::io("remove", &self.public.join(path))(e.into())),
        }
        let mut rest = path;
        while let Some((parent, _)) = rest.rsplit_once('/') {
            match rustix::fs::unlinkat(live, parent, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => rest = parent,
                Err(Errno::NOTEMPTY | Errno::EXIST) => break,
                Err(e) => {
                    return Err(SiteError::io(
                        "remove the folder",
                        &self.public.join(parent),
                    )(e.into()));
                }
            }
        }
        Ok(())
    }
}

/// Pages and texts, lists, feeds, sitemap.
fn rank(path: &str) -> u8 {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        _ if name.starts_with("sitemap") => 4,
        "rss.xml" | "atom.xml" | "feed.json" => 3,
        // The first page of a list, and the home page, after the numbered pages which take over what leaves them.
        "index.html" if !folder.contains("/page/") && !folder.contains("advisories/") => 2,
        "index.html" if folder.ends_with("advisories") => 2,
        "index.html" => 1,
        _ => 0,
    }
}
