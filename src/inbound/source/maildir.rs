//! A Maildir (<https://cr.yp.to/proto/maildir.html>): what is new stands in `new/`, what is done in `cur/` with flags.
//!
//! Mail in `cur/` that has no flag yet was only looked at by a mail program, and counts as new.

use super::{SourceError, bytes};
use crate::inbound::Unreadable;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// A Maildir that is there.
pub struct Maildir {
    root: PathBuf,
}

/// A mail in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The file's name, without flags.
    pub name: String,
    path: PathBuf,
}

impl Maildir {
    /// Opens one; it has to have `new/`. Some servers make `cur/` only when it is needed, and so do we.
    pub fn open(root: &Path) -> Result<Maildir, SourceError> {
        if !root.join("new").is_dir() {
            return Err(SourceError::NoMaildir {
                path: root.to_path_buf(),
                missing: "new",
            });
        }
        let cur = root.join("cur");
        match fs::create_dir(&cur) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                Err(SourceError::Io { path: cur, source })
            }
            _ => Ok(Maildir {
                root: root.to_path_buf(),
            }),
        }
    }

    /// What is not done yet, by name: mail servers begin names with the time.
    pub fn entries(&self) -> Result<Vec<Entry>, SourceError> {
        let mut entries = Vec::new();
        for folder in ["new", "cur"] {
            let folder = self.root.join(folder);
            let io = |source| SourceError::Io {
                path: folder.clone(),
                source,
            };
            for entry in fs::read_dir(&folder).map_err(io)? {
                let entry = entry.map_err(io)?;
                let file = entry.file_name();
                let name = file.to_string_lossy();
                // Of links nothing good can come: whoever may write here does not need one.
                if name.starts_with('.') || !entry.file_type().map_err(io)?.is_file() {
                    continue;
                }
                let (name, flags) = name.split_once(":2,").unwrap_or((&name, ""));
                if folder.ends_with("new") || flags.is_empty() {
                    entries.push(Entry {
                        name: name.to_string(),
                        path: entry.path(),
                    });
                }
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// The bytes of a mail; none if somebody else took it meanwhile.
    pub fn read(&self, entry: &Entry) -> Result<Option<Result<Vec<u8>, Unreadable>>, SourceError> {
        let read = File::open(&entry.path).and_then(bytes);
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SourceError::Io {
                path: entry.path.clone(),
                source,
            }),
        }
    }

    /// Marks a mail as done; one that staff have to look at is flagged too. The move is durable when this returns.
    pub fn done(&self, entry: &Entry, is_for_staff: bool) -> Result<(), SourceError> {
        // Flags stand in the order of their letters: Flagged, Seen.
        let flags = if is_for_staff { "FS" } else { "S" };
        let cur = self.root.join("cur");
        let moved = fs::rename(&entry.path, cur.join(format!("{}:2,{flags}", entry.name)));
        match moved.and_then(|()| File::open(&cur)?.sync_all()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(SourceError::Io {
                path: entry.path.clone(),
                source,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_without_flags_is_new_and_done_mail_is_not_seen_again() {
        let folder = tempfile::tempdir().expect("a folder");
        for sub in ["new", "cur", "tmp"] {
            fs::create_dir(folder.path().join(sub)).expect("a folder");
        }
        for file in [
            "new/2.host",
            "new/1.host",
            "cur/3.host:2,",
            "cur/4.host:2,S",
            "cur/5.host",
            "new/.hidden",
        ] {
            fs::write(folder.path().join(file), file).expect("written");
        }
        let maildir = Maildir::open(folder.path()).expect("a Maildir");
        let entries = maildir.entries().expect("entries");
        assert_eq!(
            entries
                .iter()
                .map(|entry| entry.name.as_str())
                .collect::<Vec<_>>(),
            ["1.host", "2.host", "3.host", "5.host"]
        );
        assert_eq!(
            maildir.read(&entries[0]).expect("read"),
            Some(Ok(b"new/1.host".to_vec()))
        );
        maildir.done(&entries[0], false).expect("moved");
        maildir.done(&entries[2], true).expect("moved");
        assert!(
            folder.path().join("cur/1.host:2,S").is_file()
                && folder.path().join("cur/3.host:2,FS").is_file()
        );
        assert_eq!(maildir.entries().expect("entries").len(), 2);
        assert_eq!(
            maildir.read(&entries[0]).expect("read"),
            None,
            "it is gone, and that is no error"
        );
    }

    #[test]
    fn a_folder_that_is_no_maildir_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Maildir::open(folder.path())
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            error.ends_with("is no Maildir: it has no folder `new`"),
            "{error}"
        );
        fs::create_dir(folder.path().join("new")).expect("a folder");
        assert!(
            Maildir::open(folder.path())
                .is_ok_and(|maildir| maildir.entries().is_ok_and(|entries| entries.is_empty()))
        );
    }
}
