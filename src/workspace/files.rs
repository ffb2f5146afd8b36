//! Folders and bytes: what is listed, what is refused (links, too large, not UTF-8), and nothing of meaning.

use super::ReadError;
use crate::{
    advisory,
    diag::{Finding, Findings, Source, Span},
    terms::Lang,
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The largest text that is read, in bytes. Real advisories have up to 300 KB.
const TEXT_LIMIT: u64 = 2 << 20;
/// The largest attachment or asset, in bytes.
const FILE_LIMIT: u64 = 25 << 20;

/// A regular file of the workspace.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Relative to the workspace, with `/`.
    pub path: String,
}

impl Entry {
    /// Without folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The name without `.extension`, if it has it.
    pub fn stem(&self, extension: &str) -> Option<&str> {
        self.name().strip_suffix(extension)?.strip_suffix('.')
    }
}

fn io_error(path: PathBuf) -> impl FnOnce(io::Error) -> ReadError {
    move |error| ReadError::Io { path, error }
}

/// Files and folders of a folder, sorted; hidden ones and editors' backups are passed over. A folder that does
/// not exist is empty.
fn scan(
    root: &Path,
    folder: &str,
    findings: &mut Findings,
) -> Result<(Vec<Entry>, Vec<Entry>), ReadError> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let path = root.join(folder);
    let on_the_way = folder
        .match_indices('/')
        .map(|(at, _)| &folder[..at])
        .chain([folder]);
    for part in on_the_way {
        if fs::symlink_metadata(root.join(part)).is_ok_and(|found| found.is_symlink()) {
            findings.push(linked(part));
            return Ok((files, folders));
        }
    }
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((files, folders)),
        Err(error) => return Err(ReadError::Io { path, error }),
    };
    for entry in entries {
        let entry = entry.map_err(io_error(path.clone()))?;
        let Some(name) = entry.file_name().to_str().map(str::to_string) else {
            let shown = entry.file_name().to_string_lossy().into_owned();
            findings.push(
                Finding::of_file(
                    &format!("{folder}/{shown}"),
                    "bad-file-name",
                    "this file's name is not UTF-8",
                )
                .hint("rename it"),
            );
            continue;
        };
        if is_passed_over(&name) {
            continue;
        }
        if name
            .chars()
            .any(|c| c == '\\' || crate::terms::is_foul(c) || c.is_control())
        {
            findings.push(
                Finding::of_file(
                    &format!("{folder}/{name}"),
                    "bad-file-name",
                    "this name has a backslash or a control character",
                )
                .hint("rename it"),
            );
            continue;
        }
        let file = Entry {
            path: format!("{folder}/{name}"),
        };
        let kind = entry.file_type().map_err(io_error(entry.path()))?;
        if kind.is_symlink() {
            findings.push(linked(&file.path));
        } else if kind.is_dir() {
            folders.push(file);
        } else if kind.is_file() {
            files.push(file);
        } else {
            findings.push(no_file(&file.path));
        }
    }
    files.sort_by(|a, b| a.name().cmp(b.name()));
    folders.sort_by(|a, b| a.name().cmp(b.name()));
    Ok((files, folders))
}

/// Hidden files and editors' backups.
pub fn is_passed_over(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || name.starts_with('#')
}

fn no_file(path: &str) -> Finding {
    Finding::of_file(path, "link", "this is neither a file nor a folder").hint("remove it")
}

fn linked(path: &str) -> Finding {
    Finding::of_file(path, "link", "symbolic links are not followed")
        .hint("put the file itself here")
}

/// The files of one folder.
pub fn list(root: &Path, folder: &str, findings: &mut Findings) -> Result<Vec<Entry>, ReadError> {
    scan(root, folder, findings).map(|(files, _)| files)
}

/// The files of a folder and of all below it.
pub fn tree(root: &Path, folder: &str, findings: &mut Findings) -> Result<Vec<Entry>, ReadError> {
    let (mut files, folders) = scan(root, folder, findings)?;
    for folder in folders {
        files.extend(tree(root, &folder.path, findings)?);
    }
    Ok(files)
}

/// The bytes of a file; `None` with a finding if it is too large.
pub fn bytes(
    root: &Path,
    path: &str,
    findings: &mut Findings,
) -> Result<Option<Vec<u8>>, ReadError> {
    limited(root, path, FILE_LIMIT, findings)
}

fn limited(
    root: &Path,
    path: &str,
    limit: u64,
    findings: &mut Findings,
) -> Result<Option<Vec<u8>>, ReadError> {
    let full = root.join(path);
    let options = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = match rustix::fs::open(&full, options, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) => {
            findings.push(linked(path));
            return Ok(None);
        }
        Err(error) => {
            return Err(ReadError::Io {
                path: full,
                error: error.into(),
            });
        }
    };
    let found = file.metadata().map_err(io_error(full.clone()))?;
    if !found.is_file() {
        findings.push(no_file(path));
        return Ok(None);
    }
    let size = found.len();
    let too_large = |size: u64| {
        let (size, limit) = (size.div_ceil(1 << 20), limit >> 20);
        Finding::of_file(
            path,
            "too-large",
            format!("the file has {size} MB; up to {limit} MB are read"),
        )
        .hint("put large data on a server and link to it")
    };
    if size > limit {
        findings.push(too_large(size));
        return Ok(None);
    }
    // One more, so that the end is seen at once, and a file that has grown meanwhile.
    let mut bytes = Vec::with_capacity(usize::try_from(size + 1).unwrap_or(0));
    file.by_ref()
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error(full))?;
    if bytes.len() as u64 > limit {
        findings.push(too_large(bytes.len() as u64));
        return Ok(None);
    }
    Ok(Some(bytes))
}

/// The text of a file, with `\n` line ends and without a byte-order mark; `None` with a finding if it is none.
pub fn text(root: &Path, path: &str, findings: &mut Findings) -> Result<Option<Source>, ReadError> {
    let Some(bytes) = limited(root, path, TEXT_LIMIT, findings)? else {
        return Ok(None);
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let message = format!(
                "the file is not UTF-8: here stands the byte {:#04x}",
                bytes[at]
            );
            let lossy = String::from_utf8_lossy(&bytes);
            let source = Source::new(path, lossy.as_ref());
            let start = lossy.find('\u{fffd}').unwrap_or(0);
            let finding = source.error(
                crate::diag::Span::new(start, start + '\u{fffd}'.len_utf8()),
                "not-utf8",
                message,
            );
            findings.push(
                finding.hint("save it as UTF-8 in your editor; `iconv -f windows-1251 -t utf-8` converts an old Cyrillic file"),
            );
            return Ok(None);
        }
    };
    let bare = match text.strip_prefix('\u{feff}') {
        Some(bare) => {
            let finding = Finding::of_file(
                path,
                "byte-order-mark",
                "the file begins with a byte-order mark, which is passed over",
            );
            findings.push(finding.hint("save it as UTF-8 without a mark").warning());
            bare
        }
        None => &text,
    };
    Ok(Some(match bare.contains('\r') {
        true => Source::new(path, bare.replace("\r\n", "\n").replace('\r', "\n")),
        false => Source::new(path, bare),
    }))
}

/// Where a text came from, for findings that are met after it was let go.
#[derive(Debug, Clone)]
pub struct Origin {
    root: Arc<Path>,
    /// Relative to the workspace, with `/`.
    pub path: Arc<str>,
}

impl Origin {
    /// Of a file of the workspace.
    pub fn new(root: &Arc<Path>, path: Arc<str>) -> Origin {
        Origin {
            root: root.clone(),
            path,
        }
    }

    /// An error at a piece of the text, which is read once more to show it.
    pub fn error(&self, span: Span, code: &'static str, message: impl Into<String>) -> Finding {
        self.error_where(|_| span, code, message)
    }

    /// The same, at a place that has to be found first.
    pub fn error_where(
        &self,
        find: impl FnOnce(&Source) -> Span,
        code: &'static str,
        message: impl Into<String>,
    ) -> Finding {
        match text(&self.root, &self.path, &mut Findings::new()) {
            Ok(Some(source)) => source.error(find(&source), code, message),
            // Gone or changed in this very moment: the finding stands, its line cannot be shown.
            _ => Finding::of_file(&self.path, code, message),
        }
    }
}

/// The bytes of an attachment; `None` with a finding if the file is none.
pub fn attachment(
    root: &Path,
    entry: &Entry,
    findings: &mut Findings,
) -> Result<Option<Vec<u8>>, ReadError> {
    let Some(bytes) = bytes(root, &entry.path, findings)? else {
        return Ok(None);
    };
    match no_attachment(entry.name(), &bytes) {
        None => Ok(Some(bytes)),
        Some((message, hint)) => {
            findings.push(Finding::of_file(&entry.path, "no-attachment", message).hint(hint));
            Ok(None)
        }
    }
}

/// One folder of `advisories/`.
#[derive(Debug)]
pub struct Folder {
    /// By name without `.md`.
    texts: BTreeMap<String, Entry>,
    /// Folders, by name.
    attachments: BTreeMap<String, Entry>,
}

/// Walks `advisories/`: a folder named like a text beside it holds its attachments, any other more advisories.
pub fn advisory_folders(
    root: &Path,
    folder: &str,
    found: &mut Vec<Folder>,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let (files, folders) = scan(root, folder, findings)?;
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        match file.stem("md").map(str::to_string) {
            Some(stem) => texts.push((stem, file)),
            None => findings.push(
                Finding::of_file(&file.path, "stray-file", "this file belongs to no advisory")
                    .hint("attachments stand in a folder with the advisory's id as its name")
                    .warning(),
            ),
        }
    }
    let texts = BTreeMap::from_iter(texts);
    let (attachments, deeper): (Vec<_>, Vec<_>) = folders
        .into_iter()
        .partition(|entry| texts.contains_key(entry.name()));
    let attachments = attachments
        .into_iter()
        .map(|entry| (entry.name().to_string(), entry))
        .collect();
    found.push(Folder { texts, attachments });
    for folder in deeper {
        advisory_folders(root, &folder.path, found, findings)?;
    }
    Ok(())
}

impl Folder {
    /// The texts that are no translations.
    pub fn originals(&self) -> impl Iterator<Item = &Entry> {
        self.texts
            .iter()
            .filter(|(stem, _)| self.cut(stem).1.is_none())
            .map(|(_, entry)| entry)
    }

    /// The translations of an original.
    pub fn translations<'a>(&'a self, id: &'a str) -> impl Iterator<Item = (Lang, &'a Entry)> {
        let begin = format!("{id}.");
        let near = self
            .texts
            .range(begin.clone()..)
            .take_while(move |(stem, _)| stem.starts_with(&begin));
        near.filter_map(move |(stem, entry)| match self.cut(stem) {
            (original, Some(lang)) if original == id => Some((lang, entry)),
            _ => None,
        })
    }

    /// The attachments of an original.
    pub fn attachments(
        &self,
        root: &Path,
        id: &str,
        findings: &mut Findings,
    ) -> Result<Vec<Entry>, ReadError> {
        let Some(folder) = self.attachments.get(id) else {
            return Ok(Vec::new());
        };
        let (files, folders) = scan(root, &folder.path, findings)?;
        for deeper in folders {
            findings.push(
                Finding::of_file(
                    &deeper.path,
                    "stray-file",
                    "a folder among attachments is passed over",
                )
                .hint("put its files one level up")
                .warning(),
            );
        }
        let (good, bad): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| is_plain(file.name()));
        for file in bad {
            findings.push(
                Finding::of_file(
                    &file.path,
                    "bad-file-name",
                    "an attachment's name has a character that mail or web would trip over",
                )
                .hint("use letters, digits, `-`, `.` and `_`"),
            );
        }
        Ok(good)
    }

    fn cut<'s>(&self, stem: &'s str) -> (&'s str, Option<Lang>) {
        advisory::file_name(stem, |id| self.texts.contains_key(id))
    }
}

fn is_plain(name: &str) -> bool {
    name.len() <= 100
        && name
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"-._+".contains(&c))
}

/// Why a file that lies among attachments is none: an advisory that was put into the wrong folder would leave
/// under another's label, and a file with code in it would run with the rights of the site.
fn no_attachment(name: &str, bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let ending = name
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if ending == "md" || bytes.starts_with(b"---\n") || bytes.starts_with(b"---\r\n") {
        return Some((
            "this looks like an advisory, and lies among the attachments of another",
            "move it beside the others, into a folder for advisories",
        ));
    }
    if matches!(
        ending.as_str(),
        "html" | "htm" | "xhtml" | "xht" | "svg" | "js" | "mjs" | "shtml" | "php"
    ) {
        return Some((
            "a file of this kind can run code where it is opened",
            "pack it into an archive, such as a .zip",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_ordinary_file_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("folder.md")).expect("a folder");
        fs::write(dir.path().join("a.md"), "text").expect("a file");
        std::os::unix::fs::symlink("a.md", dir.path().join("link.md")).expect("a link");
        // Not written, so it takes no room.
        File::create(dir.path().join("large.md"))
            .and_then(|file| file.set_len(TEXT_LIMIT + 1))
            .expect("a file");
        File::create(dir.path().join("largest.md"))
            .and_then(|file| file.set_len(TEXT_LIMIT))
            .expect("a file");
        for (name, code) in [
            ("folder.md", "link"),
            ("link.md", "link"),
            ("large.md", "too-large"),
        ] {
            let mut findings = Findings::new();
            assert!(
                text(dir.path(), name, &mut findings)
                    .expect("it can be looked at")
                    .is_none()
            );
            let found: Vec<_> = findings
                .iter()
                .map(|finding| (&*finding.place.path, finding.code))
                .collect();
            assert_eq!(found, [(name, code)]);
        }
        let mut findings = Findings::new();
        let read = |name| {
            limited(dir.path(), name, TEXT_LIMIT, &mut Findings::new()).expect("it can be read")
        };
        assert_eq!(
            read("largest.md").map(|bytes| bytes.len() as u64),
            Some(TEXT_LIMIT)
        );
        assert_eq!(
            &*text(dir.path(), "a.md", &mut findings)
                .expect("it can be read")
                .expect("a text")
                .text,
            "text"
        );
        assert!(matches!(
            text(dir.path(), "none.md", &mut findings),
            Err(ReadError::Io { .. })
        ));
    }
}
