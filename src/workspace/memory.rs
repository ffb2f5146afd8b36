//! What is remembered of advisories, so that those whose files nobody has touched are not read again.
//!
//! The gate judges by what is remembered here, so a doubt means reading the file. A file counts as untouched if the system
//! gives it the same device, inode, size, time of change of content (mtime) and of anything (ctime, which nobody can
//! set back) as before it was read; and if it had been left alone for some seconds by then, since two changes within the
//! grain of a file system's clock look like one. Only what is open to everybody is remembered, CLEAR and addressed to the
//! public, without embargo and no draft: nothing closed has a second place. Files with findings are not remembered either,
//! nor those with attachments. A memory that is damaged, of another program or with another default language is none.
//!
//! Texts and references are not remembered: they are fetched when they are wanted, and the digest of their file is checked.

mod coding;

use super::{
    files::{Entry, Folder},
    shelf::{in_file, is_open},
};
use crate::{
    advisory::{Parsed, Text},
    artefact::{Digest, PROGRAM},
    terms::Lang,
};
use coding::{Decoder, Encoder};
use rustix::fs::{AtFlags, FileType};
use std::{
    borrow::Cow,
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};
use xxhash_rust::xxh3::xxh3_128;

/// A file has to have been left alone for so many seconds before it was read.
const SETTLED: i64 = 10;

/// The name of the file in `.advise/`.
const FILE: &str = "memory";

/// So many bytes stand before each record, by which it is seen that it was damaged. (Who wants to change one can change
/// the files as well.)
const CHECK: usize = 16;

fn check(body: &[u8]) -> [u8; CHECK] {
    xxh3_128(body).to_be_bytes()
}

/// What the next reading may trust; on disk only after [`Memory::keep`].
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    news: News,
}

/// How a memory differs from the one that was read.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// Not at all.
    Nothing,
    /// By these records, which take the place of earlier ones of the same advisories.
    More(Vec<u8>),
    /// It is these.
    All(Vec<u8>),
}

/// The memory could not be kept; the next reading takes longer, and nothing else is wrong.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {error}", path.display())]
pub struct MemoryError {
    path: PathBuf,
    error: io::Error,
}

impl Memory {
    /// Writes it, if there is anything new. It is not brought to the disk at once: what a crash makes of it is noticed.
    pub fn keep(self) -> Result<(), MemoryError> {
        let Memory { path, news } = self;
        let write = || match &news {
            News::Nothing => Ok(()),
            News::More(records) => OpenOptions::new()
                .append(true)
                .open(&path)?
                .write_all(records),
            News::All(all) => {
                let new = beside(&path);
                OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&new)?
                    .write_all(all)?;
                fs::rename(&new, &path)
            }
        };
        write().map_err(|error: io::Error| MemoryError { path, error })
    }
}

/// No other process writes there.
fn beside(path: &Path) -> PathBuf {
    path.with_extension(format!("new-{}", std::process::id()))
}

/// What the system says of a file; it is the same as long as nobody has touched it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity([i64; 7]);

impl Identity {
    /// Of a regular file; a link is none.
    fn of(home: &File, path: &str) -> Option<Identity> {
        let m = rustix::fs::statat(home, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let is_file = FileType::from_raw_mode(m.st_mode) == FileType::RegularFile;
        let [dev, ino] = [m.st_dev, m.st_ino].map(u64::cast_signed);
        let [mtime, ctime] = [m.st_mtime_nsec, m.st_ctime_nsec].map(|part| part as i64);
        is_file.then_some(Identity([
            dev, ino, m.st_size, m.st_mtime, mtime, m.st_ctime, ctime,
        ]))
    }

    /// Whether it had been left alone for a while, by the clock of its own file system.
    fn is_settled(&self, clock: &Clock) -> bool {
        let [dev, _, _, mtime, _, ctime, _] = self.0;
        dev == clock.dev && mtime.max(ctime) + SETTLED < clock.second
    }
}

/// The time by the clock of a file system, since that is what files are stamped with.
#[derive(Debug)]
struct Clock {
    dev: i64,
    second: i64,
}

impl Clock {
    fn beside(memory: &Path) -> Option<Clock> {
        let probe = beside(memory);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&probe)
            .ok()?;
        let found = file.metadata().ok();
        // What cannot be removed is overwritten when the memory is kept.
        let _ = fs::remove_file(&probe);
        found.map(|m| Clock {
            dev: m.dev().cast_signed(),
            second: m.mtime(),
        })
    }
}

/// The files of one advisory: the original and its translations.
pub struct Group(Vec<(Option<Lang>, String, Identity)>);

/// What was remembered, as bytes.
pub struct Old {
    path: PathBuf,
    bytes: Vec<u8>,
    head: String,
    /// `None` if nothing can be remembered.
    clock: Option<Clock>,
}

/// What was remembered, by the path of the original.
pub struct Known<'m> {
    old: &'m Old,
    /// The workspace's folder, from which the way to its files is short; without it nothing is remembered.
    home: Option<File>,
    records: HashMap<&'m str, &'m [u8]>,
    /// Whether all of it could be read.
    is_whole: bool,
}

/// What is to be remembered of one advisory; empty if nothing is.
pub type Record<'m> = Cow<'m, [u8]>;

impl Old {
    /// Reads the memory in the folder `work`. Whatever is wrong with it, there is none then.
    pub fn read(work: &Path, lang: &Lang) -> Old {
        let path = work.join(FILE);
        let head = format!("advise memory {PROGRAM} {lang}\n");
        let mut bytes = fs::read(&path).unwrap_or_default();
        if !bytes.starts_with(head.as_bytes()) {
            bytes.clear();
        }
        Old {
            clock: Clock::beside(&path),
            path,
            bytes,
            head,
        }
    }

    /// Finds the records in it. What follows a damaged one is not looked at.
    pub fn open(&self, root: &Path) -> Known<'_> {
        let mut records = HashMap::new();
        let mut rest = self.bytes.get(self.head.len()..).unwrap_or_default();
        while let Some((record, after)) = Decoder::new(rest)
            .bytes()
            .map(|record| (record, &rest[4 + record.len()..]))
        {
            let Some(path) = record
                .get(CHECK..)
                .and_then(|body| Decoder::new(body).text())
            else {
                break;
            };
            records.insert(path, record);
            rest = after;
        }
        Known {
            old: self,
            home: File::open(root).ok(),
            records,
            is_whole: rest.is_empty() && !self.bytes.is_empty(),
        }
    }

    /// The memory after a reading; `None` if nothing can be remembered.
    pub fn followed_by(self, news: Option<News>) -> Option<Memory> {
        Some(Memory {
            path: self.path,
            news: news?,
        })
    }
}

impl<'m> Known<'m> {
    /// The files of an advisory as they are now; `None` if it is one that is always read.
    pub fn look(&self, folder: &Folder, original: &Entry, stem: &str) -> Option<Group> {
        let home = self
            .home
            .as_ref()
            .filter(|_| !folder.has_attachments(stem))?;
        let translations = folder
            .translations(stem)
            .map(|(lang, entry)| (Some(lang), entry));
        let files = std::iter::once((None, original)).chain(translations);
        let look = |(lang, entry): (Option<Lang>, &Entry)| {
            Identity::of(home, &entry.path).map(|identity| (lang, entry.path.clone(), identity))
        };
        files.map(look).collect::<Option<Vec<_>>>().map(Group)
    }

    /// An advisory whose files nobody has touched since they were read without any finding.
    pub fn recall(
        &self,
        root: &Arc<Path>,
        folder: &Folder,
        original: &Entry,
        stem: &str,
    ) -> Option<(Box<Parsed>, Record<'m>)> {
        let record: &'m [u8] = self.records.get(original.path.as_str())?;
        let group = self.look(folder, original, stem)?;
        let (sum, body) = record.split_at_checked(CHECK)?;
        if check(body) != *sum {
            return None;
        }
        let mut decoder = Decoder::new(body);
        if decoder.text()? != original.path || decoder.count()? != group.0.len() {
            return None;
        }
        let (mut texts, mut references) = (Vec::with_capacity(group.0.len()), None);
        for (lang, path, identity) in &group.0 {
            if decoder.text()? != path || decoder.numbers()? != identity.0 {
                return None;
            }
            let (path, digest): (Arc<str>, _) = (path.as_str().into(), decoder.digest()?);
            if lang.is_none() {
                references = Some(in_file(root, path.clone(), digest));
            }
            let body = in_file(root, path, digest);
            texts.push((
                lang.clone(),
                Text {
                    title: decoder.text()?.to_string(),
                    body,
                },
            ));
        }
        let parsed = coding::decode(
            &mut decoder,
            original.path.as_str().into(),
            texts,
            references?,
        )?;
        Some((Box::new(parsed), Cow::Borrowed(record)))
    }

    /// What to remember of an advisory that was read, if its files were the same before and after.
    pub fn record(
        &self,
        before: &Group,
        after: &Group,
        digests: &[Digest],
        parsed: &Parsed,
    ) -> Option<Record<'m>> {
        let clock = self.old.clock.as_ref()?;
        let advisory = &parsed.advisory;
        let same = before.0 == after.0
            && before
                .0
                .iter()
                .all(|(.., identity)| identity.is_settled(clock));
        if !is_open(advisory) || !same || digests.len() != before.0.len() {
            return None;
        }
        let mut encoder = Encoder::default();
        encoder.text(&advisory.path);
        encoder.count(before.0.len());
        for ((lang, path, identity), digest) in before.0.iter().zip(digests) {
            let text = advisory
                .texts
                .get(lang.as_ref().unwrap_or(&advisory.lang))?;
            encoder.text(path);
            encoder.numbers(&identity.0);
            encoder.digest(digest);
            encoder.text(&text.title);
        }
        coding::encode(&mut encoder, parsed);
        let body = encoder.finish();
        Some(Cow::Owned([&check(&body)[..], &body].concat()))
    }

    /// What is remembered from now on, of all advisories; `None` if nothing can be. It is written anew where something is
    /// to be forgotten, or a part of it is outdated; what is only added goes to the end.
    pub fn renewed(&self, records: &[&Record<'m>]) -> Option<News> {
        self.old.clock.as_ref()?;
        let of = |record: &[u8]| {
            record
                .get(CHECK..)
                .and_then(|body| Decoder::new(body).text())
                .map(str::to_string)
        };
        let (mut same, mut replaced, mut kept) = (0, 0, 0);
        let mut more = Encoder::default();
        for record in records.iter().filter(|record| !record.is_empty()) {
            match record {
                Cow::Borrowed(record) => (same, kept) = (same + 1, kept + record.len() + 4),
                Cow::Owned(record) => {
                    replaced += usize::from(
                        of(record).is_some_and(|path| self.records.contains_key(path.as_str())),
                    );
                    more.bytes(record);
                }
            }
        }
        let more = more.finish();
        let has_all = self.is_whole && same + replaced == self.records.len();
        if has_all && more.is_empty() {
            return Some(News::Nothing);
        }
        if has_all && (kept + more.len()) * 4 > self.old.bytes.len() * 3 && more.len() < kept {
            return Some(News::More(more));
        }
        let mut all = Encoder::with_capacity(self.old.head.len() + kept + more.len());
        all.raw(self.old.head.as_bytes());
        records
            .iter()
            .filter(|record| !record.is_empty())
            .for_each(|record| all.bytes(record));
        Some(News::All(all.finish()))
    }
}
