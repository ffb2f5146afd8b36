//! The record of what stands: the units of the site with their keys and files, kept in `.advise/` beside the ledger.
//!
//! It is there only while it is true: before the first file of the site changes it is removed, and written anew after the
//! last. So a run that broke off in the middle leaves none, and without one everything is compared. It is not
//! trusted either where it is damaged, of another program, or of another folder than the one that stands.

use super::SiteError;
use crate::artefact::{Digest, PROGRAM, Unit};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Units that were made, by name: key and files. Files of no unit are under the empty name.
pub(super) type Made = BTreeMap<String, (Digest, Vec<String>)>;

const HEX: usize = 64;

/// What stands, as the record says.
#[derive(Debug)]
pub(super) struct Standing {
    text: String,
    lines: Vec<Line>,
    by_name: HashMap<u64, usize>,
}

/// A unit in the record: `KEY<tab>NAME<tab>FILE<tab>FILE…`, as places in the text.
#[derive(Debug)]
struct Line {
    start: usize,
    name_end: usize,
    end: usize,
    kept: AtomicBool,
}

impl Standing {
    /// The record of the site in this folder, if there is one that can be trusted.
    pub(super) fn trusted(record: &Path, public: &Path) -> Option<Standing> {
        let text = fs::read_to_string(record).ok()?;
        let body = text.len().checked_sub(HEX + 1)?;
        if !text.is_char_boundary(body)
            || text[body..].trim_end() != Digest::of(&text.as_bytes()[..body]).hex()
        {
            return None;
        }
        let head = head(public).ok()?;
        if !text.starts_with(&head) {
            return None;
        }
        let (mut lines, mut by_name, mut start) = (Vec::new(), HashMap::new(), head.len());
        for line in text[start..body].split_inclusive('\n') {
            let end = start + line.len() - 1;
            let (name_start, after_name) = (start + HEX + 1, line.get(HEX + 1..)?);
            let name_end = name_start + after_name.find('\t')?;
            let hash = hash(&text[name_start..name_end]);
            lines.push(Line {
                start,
                name_end,
                end,
                kept: AtomicBool::new(false),
            });
            // Of two names with one hash it could not be told which is meant.
            if by_name.insert(hash, lines.len() - 1).is_some() {
                return None;
            }
            start = end + 1;
        }
        Some(Standing {
            text,
            lines,
            by_name,
        })
    }

    /// Whether the unit stands as it would be made; its files then stay.
    pub(super) fn keeps(&self, unit: &Unit) -> bool {
        let Some(line) = self
            .by_name
            .get(&hash(unit.name()))
            .map(|at| &self.lines[*at])
        else {
            return false;
        };
        let stands = self.name(line) == unit.name()
            && unit.key().is_hex(&self.text[line.start..line.start + HEX]);
        if stands {
            line.kept.store(true, Ordering::Relaxed);
        }
        stands
    }

    /// Every file, and whether its unit stays.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        self.lines.iter().flat_map(|line| {
            let kept = line.kept.load(Ordering::Relaxed);
            self.text[line.name_end + 1..line.end]
                .split('\t')
                .map(move |path| (path, kept))
        })
    }

    fn name(&self, line: &Line) -> &str {
        &self.text[line.start + HEX + 1..line.name_end]
    }

    /// Whether this is what the record says already.
    pub(super) fn says(&self, body: &str) -> bool {
        let from = self.lines.first().map_or(0, |line| line.start);
        self.text.len() == from + body.len() + HEX + 1 && self.text[from..].starts_with(body)
    }
}

/// What the record will say: the units that stay, and those that were made.
pub(super) fn body(before: Option<&Standing>, made: &Made) -> String {
    let mut lines: Vec<(&str, String)> = Vec::with_capacity(made.len());
    for (name, (key, files)) in made {
        let mut line = format!("{}\t{name}", key.hex());
        for file in files {
            let _ = write!(line, "\t{file}");
        }
        lines.push((name, line));
    }
    let kept = before
        .into_iter()
        .flat_map(|standing| standing.lines.iter().map(move |line| (standing, line)));
    let kept = kept.filter(|(_, line)| line.kept.load(Ordering::Relaxed));
    let mut all: Vec<(&str, &str)> = kept
        .map(|(standing, line)| (standing.name(line), &standing.text[line.start..line.end]))
        .collect();
    all.extend(lines.iter().map(|(name, line)| (*name, line.as_str())));
    // (Those that stay are in their order already.)
    all.sort();
    let mut body = String::with_capacity(all.iter().map(|(_, line)| line.len() + 1).sum());
    for (_, line) in all {
        body.push_str(line);
        body.push('\n');
    }
    body
}

/// Removes the record, durably.
pub(super) fn forget(record: &Path) -> Result<(), SiteError> {
    match fs::remove_file(record) {
        Ok(()) => sync_folder_of(record).map_err(SiteError::io("write to the disk", record)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(SiteError::io("remove", record)(e)),
    }
}

/// Writes the record of the site as it stands now, durably.
pub(super) fn write(record: &Path, public: &Path, body: &str) -> Result<(), SiteError> {
    let write = || -> Result<(), io::Error> {
        let head = head(public)?;
        let end = format!(
            "{}\n",
            Digest::of_joined([head.as_bytes(), body.as_bytes()]).hex()
        );
        let fresh = record.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        [head.as_str(), body, &end]
            .into_iter()
            .try_for_each(|part| file.write_all(part.as_bytes()))?;
        file.sync_all()?;
        fs::rename(&fresh, record)?;
        sync_folder_of(record)
    };
    write().map_err(|source| SiteError::Unrecorded {
        path: record.to_path_buf(),
        source,
    })
}

/// Which program wrote it, and which folder it is about: another one in its place, or one whose files came and went since,
/// is not the same.
fn head(public: &Path) -> Result<String, io::Error> {
    let m = fs::metadata(public)?;
    let (made, changed) = (
        (m.dev(), m.ino()),
        (m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec()),
    );
    Ok(format!("advise {PROGRAM} {made:?} {changed:?}\n"))
}

fn sync_folder_of(path: &Path) -> Result<(), io::Error> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
