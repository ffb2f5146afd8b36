//! Whether anything that [`super::read`] reads has changed, without reading it.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

/// What stands in a workspace's folder and is read.
const FILES: [&str; 2] = ["advise.yaml", "team.yaml"];
const TREES: [&str; 6] = [
    "advisories",
    "certs",
    "constituents",
    "lists",
    "site",
    "templates",
];

/// Names, sizes, times and identities of all files, as one number: as long as it is the same, nothing was saved. It is
/// asked of the file system and not of a service of the kernel, so that it is true on every file system, however a file
/// came there.
pub fn trace(root: &Path, also: &[&Path]) -> u64 {
    let mut sum = 0_u64;
    for name in FILES {
        file(&root.join(name), &mut sum);
    }
    for path in also {
        file(path, &mut sum);
    }
    for name in TREES {
        tree(&root.join(name), &mut sum);
    }
    sum
}

/// The order in which a folder is listed does not count.
fn add(path: &Path, identity: impl std::hash::Hash, sum: &mut u64) {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    identity.hash(&mut hasher);
    *sum = sum.wrapping_add(hasher.finish());
}

fn file(path: &Path, sum: &mut u64) {
    match fs::symlink_metadata(path) {
        Ok(found) => {
            let identity = (found.ino(), found.size(), found.mode());
            let times = (
                found.mtime(),
                found.mtime_nsec(),
                found.ctime(),
                found.ctime_nsec(),
            );
            add(path, (identity, times), sum);
        }
        Err(error) => add(path, error.raw_os_error(), sum),
    }
}

fn tree(folder: &Path, sum: &mut u64) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return add(folder, error.raw_os_error(), sum),
    };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if super::files::is_passed_over(&name.to_string_lossy()) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                add(&path, "folder", sum);
                tree(&path, sum);
            }
            _ => file(&path, sum),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_seen_and_what_editors_leave_about_is_not() {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path();
        let path = |name: &str| root.join(name);
        let now = || trace(root, &[&path("ledger")]);
        let differs = |what: &str, before: &mut u64| {
            let after = now();
            assert_ne!(*before, after, "{what}");
            *before = after;
        };
        fs::create_dir_all(path("advisories/2026")).expect("made");
        fs::write(path("advisories/2026/A.md"), "one").expect("written");
        let mut before = now();
        assert_eq!(before, now());
        for name in [
            "advisories/2026/.A.md.swp",
            "advisories/2026/A.md~",
            "advisories/2026/#A.md#",
            "public",
        ] {
            fs::write(path(name), "noise").expect("written");
            assert_eq!(before, now(), "{name}");
        }
        // As vim and others save: a new file in the place of the old one, of the same length.
        fs::write(path("advisories/2026/.new"), "two").expect("written");
        fs::rename(path("advisories/2026/.new"), path("advisories/2026/A.md")).expect("renamed");
        differs("replaced", &mut before);
        fs::write(path("lists"), "no folder").expect("written");
        differs("a new file", &mut before);
        fs::remove_file(path("advisories/2026/A.md")).expect("removed");
        differs("removed", &mut before);
        fs::write(path("ledger"), "published").expect("written");
        differs("the ledger", &mut before);
    }
}
