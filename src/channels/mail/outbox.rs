//! The outbox: a Maildir, so that any mail client opens it.
//!
//! A file's name is made from the letter and its recipient, so the same parcel is never there twice, and after
//! a crash the outbox can tell what it took. Line ends are LF, as Maildir readers and `gpg` by way of them
//! expect; who cuts a signed part out by hand makes them CRLF again.

use super::{Parcel, Post, PostError, token};
use crate::{artefact::Digest, receipt::Outcome, terms::Address};
use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};
use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// An open Maildir.
pub(super) struct Outbox {
    folder: PathBuf,
    /// Names that are there, without the flags that readers append.
    taken: HashSet<String>,
}

impl Outbox {
    pub(super) fn open(folder: &Path) -> Result<Outbox, PostError> {
        let mut taken = HashSet::new();
        for part in ["tmp", "new", "cur"] {
            let path = folder.join(part);
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .map_err(PostError::io(&path))?;
            if part == "tmp" {
                continue;
            }
            for entry in fs::read_dir(&path).map_err(PostError::io(&path))? {
                let name = entry
                    .map_err(PostError::io(&path))?
                    .file_name()
                    .to_string_lossy()
                    .into_owned();
                // Maildir: a reader moves a message from `new` to `cur` and appends `:2,` and flags.
                taken.insert(name.split(':').next().unwrap_or_default().to_string());
            }
        }
        Ok(Outbox {
            folder: folder.to_path_buf(),
            taken,
        })
    }

    /// Writes the message where no reader looks, not yet durable.
    fn draft(&self, parcel: &Parcel<'_>, name: &str) -> Result<File, PostError> {
        let path = self.folder.join("tmp").join(name);
        let write = || -> Result<File, io::Error> {
            // What a crashed try left under this name is written anew.
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path)?;
            // As a delivery agent does (RFC 5321, 4.4): the envelope on top of the message.
            let mut bytes = format!(
                "Return-Path: <{}>\nDelivered-To: {}\n",
                parcel.sender(),
                parcel.recipient
            )
            .into_bytes();
            bytes.extend(parcel.unix_bytes());
            file.write_all(&bytes)?;
            Ok(file)
        };
        write().map_err(PostError::io(&path))
    }

    /// Lets readers see a durable draft.
    fn show(&mut self, name: String) -> Result<Outcome, PostError> {
        let [from, to] = ["tmp", "new"].map(|part| self.folder.join(part).join(&name));
        let moved = match rustix::fs::renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE) {
            // A file system without this flag: the name is ours alone, so nothing else is replaced.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::rename(&from, &to),
            // Another process put the same parcel there in the meantime.
            Err(Errno::EXIST) => fs::remove_file(&from),
            other => other.map_err(io::Error::from),
        };
        moved.map_err(PostError::io(&to))?;
        self.taken.insert(name);
        Ok(Outcome::Accepted("in the outbox".into()))
    }

    fn sync_new(&self) -> Result<(), PostError> {
        let path = self.folder.join("new");
        File::open(&path)
            .and_then(|folder| folder.sync_all())
            .map_err(PostError::io(&path))
    }
}

fn name(message_id: &str, recipient: &Address) -> String {
    let whole = Digest::of_parts([message_id.as_bytes(), recipient.key().as_bytes()]).hex();
    format!("{}.{}.advise", token(message_id), &whole[..20])
}

fn name_of(parcel: &Parcel<'_>) -> String {
    name(parcel.wire.message_id(), &parcel.recipient)
}

fn again() -> Outcome {
    Outcome::Accepted("in the outbox already".into())
}

impl Post for Outbox {
    fn group(&self) -> usize {
        32
    }

    fn send(&mut self, parcel: &Parcel<'_>) -> Result<Outcome, PostError> {
        let name = name_of(parcel);
        if self.taken.contains(&name) {
            return Ok(again());
        }
        self.draft(parcel, &name)?
            .sync_all()
            .map_err(PostError::io(&self.folder))?;
        let outcome = self.show(name)?;
        self.sync_new()?;
        Ok(outcome)
    }

    /// One journal entry for all instead of two for each: everything is durable before anything is shown.
    fn send_all(&mut self, parcels: &[Parcel<'_>]) -> Vec<Result<Outcome, PostError>> {
        let names: Vec<String> = parcels.iter().map(name_of).collect();
        let all = |outbox: &mut Outbox| -> Result<Vec<Outcome>, PostError> {
            let mut last = None;
            for (parcel, name) in parcels.iter().zip(&names) {
                if !outbox.taken.contains(name) {
                    last = Some(outbox.draft(parcel, name)?);
                }
            }
            let Some(last) = last else {
                return Ok(parcels.iter().map(|_| again()).collect());
            };
            sync(&last, &outbox.folder.join("tmp"), &names)
                .map_err(PostError::io(&outbox.folder))?;
            let mut outcomes = Vec::with_capacity(names.len());
            for name in names.iter().cloned() {
                outcomes.push(if outbox.taken.contains(&name) {
                    again()
                } else {
                    outbox.show(name)?
                });
            }
            outbox.sync_new()?;
            Ok(outcomes)
        };
        match all(self) {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            // What was shown all the same is told by `was_taken`, and not written twice.
            Err(e) => vec![Err(e)],
        }
    }

    fn was_taken(&self, message_id: &str, recipient: &Address) -> Option<bool> {
        Some(self.taken.contains(&name(message_id, recipient)))
    }
}

#[cfg(target_os = "linux")]
fn sync(one: &File, _folder: &Path, _names: &[String]) -> Result<(), io::Error> {
    Ok(rustix::fs::syncfs(one)?)
}

#[cfg(not(target_os = "linux"))]
fn sync(_one: &File, folder: &Path, names: &[String]) -> Result<(), io::Error> {
    for name in names {
        match File::open(folder.join(name)) {
            Ok(file) => file.sync_all()?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
