//! The only reader of the workspace's tree: files in, a [`Workspace`] and all its findings out.
//!
//! Symbolic links are not followed, so nothing from outside the folder can end in a letter or on the site.
//! What needs more than one file to be judged (unknown lists, duplicate ids, missing certificates) is judged here.

mod certificates;
mod files;
mod judge;
mod trace;

pub use certificates::Certificates;
pub use trace::trace;

use crate::{
    advisory::{self, Advisory, Attachment, Status},
    diag::{Finding, Findings, Level, Source, Span},
    receipt::History,
    render::site::pages,
    rfc2350::{DocumentWords, Prose, prose},
    roster::{self, Constituent, ParsedList, Profile, Roster},
    settings::{self, Settings},
    team::{self, Team},
    terms::{Id, Lang, Moment, Slug, Wrong},
};
use certificates::Claims;
use files::{Entry, Origin};
use rayon::prelude::*;
use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use url::Url;

/// Everything that people decided, as values. It has no errors; its warnings are beside it in [`Reading`].
#[derive(Debug)]
pub struct Workspace {
    /// Its folder.
    pub root: PathBuf,
    /// `advise.yaml`.
    pub settings: Settings,
    /// `team.yaml`.
    pub team: Team,
    /// `lists/` and `constituents/`.
    pub roster: Roster,
    /// `advisories/`, the newest first; drafts too.
    pub advisories: Vec<Advisory>,
    /// `certs/`, as they were at the time of reading.
    pub certificates: Certificates,
    /// `site/rfc2350.md`, by language.
    pub prose: BTreeMap<Lang, Prose>,
    /// `site/pages/`.
    pub pages: Vec<OwnPage>,
    /// `templates/`, by name with `/`.
    pub templates: Vec<(String, String)>,
    /// `site/assets/`, by path with `/`.
    pub assets: Vec<(String, Vec<u8>)>,
}

/// A page that the team wrote itself, in one language.
#[derive(Debug, Clone)]
pub struct OwnPage {
    /// Its place: `/NAME/`.
    pub name: Slug,
    /// Its language.
    pub lang: Lang,
    /// Its title.
    pub title: String,
    /// Its position in the menu.
    pub nav: Option<u32>,
    /// Markdown.
    pub body: String,
}

/// What reading gave: all findings, and the workspace if none of them is an error.
#[derive(Debug)]
pub struct Reading {
    /// Sorted by place.
    pub findings: Findings,
    /// `None` if there are errors, other than in drafts: what a colleague has not finished stops nobody.
    pub workspace: Option<Workspace>,
    /// How many advisories were looked at.
    pub advisories: usize,
    /// Addresses of the web in the RFC 2350 description, which everybody may see, each once. None of them comes from an
    /// advisory: to try a link tells its host that somebody reads it.
    pub links: Vec<PublicLink>,
}

/// An address of the web in a public text.
#[derive(Debug, Clone)]
pub struct PublicLink {
    /// `http:` or `https:`.
    pub url: Url,
    /// Where it stands, as a finding that only lacks its sentence.
    pub place: Finding,
}

/// Why a folder cannot be read as a workspace at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no `advise.yaml`.
    #[error("`{0}` is not a workspace: it has no `advise.yaml`")]
    NotAWorkspace(PathBuf),
    /// The system refused.
    #[error("cannot read `{path}`: {error}")]
    Io {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

impl Workspace {
    /// The words of the RFC 2350 description in a language. What is wrong in the workspace's own was found when it was read.
    pub fn document_words(&self, lang: &Lang) -> DocumentWords {
        DocumentWords::read(lang, &self.templates, &mut Findings::new())
    }

    /// What is known of a constituent besides its contacts, read from its file once more; `None` if that has a mistake by now.
    pub fn profile(&self, constituent: &Slug) -> Result<Option<Profile>, ReadError> {
        let mut findings = Findings::new();
        let source = files::text(
            &self.root,
            &format!("constituents/{constituent}.yaml"),
            &mut findings,
        )?;
        let parsed = source.and_then(|source| {
            roster::parse_constituent(&source, constituent.clone(), &mut findings)
        });
        Ok(parsed.map(|parsed| parsed.profile))
    }

    /// The advisory of an id.
    pub fn advisory(&self, id: &Id) -> Option<&Advisory> {
        self.advisories.iter().find(|advisory| advisory.id == *id)
    }
}

/// What is out already.
#[derive(Debug, Default)]
pub struct Published {
    /// Revisions that were mailed, or stood on the site: advisory and number.
    pub revisions: HashSet<(Id, String)>,
    /// What stands on the site.
    pub on_site: HashSet<Id>,
    /// The RFC 2350 description: its version, its date, and what it says of the team's clocks (empty if not known).
    pub document: Option<(u32, Moment, String)>,
}

impl Published {
    /// What the ledger says of it.
    pub fn of(history: &History) -> Published {
        let document = history.editions.last();
        Published {
            revisions: history.frozen.keys().cloned().collect(),
            on_site: history.on_site.keys().cloned().collect(),
            document: document.map(|last| {
                (
                    last.version.version,
                    last.version.date.clone(),
                    last.clocks.clone(),
                )
            }),
        }
    }
}

/// Parts of the tree, before they are judged together.
struct Parts {
    home: Arc<Path>,
    named: Named,
    advisories: Vec<(Origin, Box<advisory::Parsed>)>,
    /// `advisories/**/ID.md`, whatever is in the files.
    ids: Vec<String>,
    /// Without their places: each was judged alone while its text was at hand.
    constituents: Vec<Constituent>,
    /// Whether all of `constituents/` could be read.
    has_all_constituents: bool,
    settings: Option<(Source, Settings)>,
    team: Option<(Source, Team, team::Places)>,
    prose: BTreeMap<Lang, Prose>,
}

/// What others name, so it is read before them.
struct Named {
    lists: Vec<(Origin, ParsedList)>,
    /// `lists/NAME.yaml`, whatever is in the files: who names a file that has a mistake of its own makes no second one.
    list_names: BTreeSet<String>,
    certificates: Certificates,
    claims: Claims,
    /// `certs/FINGERPRINT.asc` that could not be read as such.
    broken_certificates: BTreeSet<String>,
}

/// Reads and judges the whole tree. `now` decides which certificates have expired; `published` is what
/// is out already: what has changed around it since (a contact left, a list was narrowed) stops nobody.
pub fn read(root: &Path, now: &Moment, published: &Published) -> Result<Reading, ReadError> {
    read_beside(root, now, || Ok::<_, ReadError>(published))
}

/// Does what [`read`] does, and asks what is out already when all files are read: somebody else may find it out in the
/// meantime.
pub fn read_beside<P: Borrow<Published>, E: From<ReadError>>(
    root: &Path,
    now: &Moment,
    published: impl FnOnce() -> Result<P, E>,
) -> Result<Reading, E> {
    let marker = root.join("advise.yaml");
    if !marker.is_file() {
        return Err(ReadError::NotAWorkspace(root.to_path_buf()).into());
    }
    let mut findings = Findings::new();
    let settings = files::text(root, "advise.yaml", &mut findings)?;
    let settings = settings.and_then(|source| {
        settings::parse(&source, &mut findings).map(|settings| (source, settings))
    });
    let lang = settings
        .as_ref()
        .map_or_else(Lang::english, |(_, settings)| {
            settings.site.default_lang().clone()
        });

    let team = match root.join("team.yaml").is_file() {
        true => files::text(root, "team.yaml", &mut findings)?.and_then(|source| {
            team::parse_with_places(&source, &mut findings)
                .map(|(team, places)| (source, team, places))
        }),
        false => {
            findings.push(
                Finding::of_file(
                    "team.yaml",
                    "missing-file",
                    "the file with the team's facts is missing",
                )
                .hint("`advise init` writes one to start from"),
            );
            None
        }
    };

    let home: Arc<Path> = root.into();
    let list_files = files::list(root, "lists", &mut findings)?;
    let lists = slugs(
        root,
        &list_files,
        "lists",
        &mut findings,
        |source, name, findings| {
            roster::parse_list(source, name, findings)
                .map(|parsed| (Origin::new(&home, source.path.clone()), parsed))
        },
    )?;
    let team_keys = team
        .iter()
        .flat_map(|(_, team, _)| team.keys.iter().cloned());
    let signing = settings
        .iter()
        .filter_map(|(_, settings)| settings.signing.as_ref());
    let whole = team_keys
        .chain(signing.map(|signing| signing.fingerprint.clone()))
        .collect();
    let certificate_files = files::list(root, "certs", &mut findings)?;
    let (certificates, claims) =
        certificates::read(root, &certificate_files, &whole, now, &mut findings)?;
    let is_broken = |stem: &&str| {
        !stem
            .parse()
            .is_ok_and(|fingerprint| certificates.has(&fingerprint))
    };
    let named = Named {
        lists,
        list_names: stems_of(&list_files, "yaml").map(str::to_string).collect(),
        broken_certificates: stems_of(&certificate_files, "asc")
            .filter(is_broken)
            .map(str::to_string)
            .collect(),
        certificates,
        claims,
    };
    drop(certificate_files);
    let constituent_files = files::list(root, "constituents", &mut findings)?;
    let constituents = slugs(
        root,
        &constituent_files,
        "constituents",
        &mut findings,
        |source, name, findings| {
            let parsed = roster::parse_constituent(source, name, findings)?;
            judge::constituent(&named, source, &parsed, now, findings);
            Some(parsed.constituent)
        },
    )?;
    let has_all_constituents = stems_of(&constituent_files, "yaml").count() == constituents.len();
    drop(constituent_files);
    let Advisories {
        parsed: advisories,
        ids,
        count,
        drafts,
    } = advisories(root, &lang, &mut findings)?;
    let prose = prose_files(root, &lang, &mut findings)?;
    let pages = pages(root, &lang, &mut findings)?;
    let templates = templates(root, &mut findings)?;
    for lang in templates
        .iter()
        .filter_map(|(name, _)| DocumentWords::lang_of(name))
    {
        drop(DocumentWords::read(&lang, &templates, &mut findings));
    }
    let assets = assets(root, &mut findings)?;

    let parts = Parts {
        home,
        named,
        advisories,
        ids,
        constituents,
        has_all_constituents,
        settings,
        team,
        prose,
    };
    judge::all(&parts, now, published()?.borrow(), &mut findings);
    let links = links(&parts);
    findings.sort();
    let of_draft = |rest: &str| {
        let translation = rest
            .strip_prefix('.')
            .and_then(|rest| rest.strip_suffix(".md"));
        rest == ".md"
            || rest.starts_with('/')
            || translation.is_some_and(|lang| lang.parse::<Lang>().is_ok())
    };
    let in_draft = |path: &str| {
        drafts
            .iter()
            .any(|draft| path.strip_prefix(draft.as_str()).is_some_and(of_draft))
    };
    let in_the_way =
        |finding: &&Finding| finding.level == Level::Error && !in_draft(&finding.place.path);
    let stopped = findings.iter().any(|finding| in_the_way(&finding));
    let workspace = match (stopped, parts.settings, parts.team) {
        (false, Some((_, settings)), Some((_, team, _))) => {
            let mut parsed = parts.advisories;
            parsed.par_sort_by(|(_, a), (_, b)| {
                (&b.advisory.date, &b.advisory.id).cmp(&(&a.advisory.date, &a.advisory.id))
            });
            let advisories = parsed
                .into_par_iter()
                .map(|(_, parsed)| parsed.advisory)
                .collect();
            Some(Workspace {
                root: root.to_path_buf(),
                settings,
                team,
                roster: Roster::new(
                    parts.named.lists.into_iter().map(|(_, parsed)| parsed.list),
                    parts.constituents,
                ),
                advisories,
                certificates: parts.named.certificates,
                prose: parts.prose,
                pages,
                templates,
                assets,
            })
        }
        _ => None,
    };
    Ok(Reading {
        findings,
        workspace,
        advisories: count,
        links,
    })
}

fn links(parts: &Parts) -> Vec<PublicLink> {
    let mut seen = HashSet::new();
    let mut links = Vec::new();
    let mut add = |url: &str, place: Finding| {
        // One that cannot be read is a fault which was named already.
        let Ok(mut url) = Url::parse(url) else { return };
        url.set_fragment(None);
        if seen.insert(url.clone()) {
            links.push(PublicLink {
                url,
                place: place.warning(),
            });
        }
    };
    for prose in parts.prose.values() {
        for (span, url) in prose.links() {
            add(url, prose.source.error(span, "dead-link", ""));
        }
    }
    if let Some((source, team, _)) = &parts.team {
        for url in team.website.iter().chain(&team.key_servers) {
            let at = source
                .text
                .find(url.as_str())
                .map(|at| Span::new(at, at + url.len()));
            let whole = || Finding::of_file(&source.path, "dead-link", "");
            add(
                url,
                at.map_or_else(whole, |span| source.error(span, "dead-link", "")),
            );
        }
    }
    links
}

/// The file names in `advisories/` without `.md`: the ids that are taken, whatever is in the files.
pub fn stems(root: &Path) -> Result<Vec<String>, ReadError> {
    let mut folders = Vec::new();
    // Only names are wanted here; `advisories` tells what is wrong with the folders.
    files::advisory_folders(root, "advisories", &mut folders, &mut Findings::new())?;
    Ok(folders
        .iter()
        .flat_map(files::Folder::originals)
        .filter_map(|entry| entry.stem("md").map(str::to_string))
        .collect())
}

/// The names of files without `.EXT`.
fn stems_of<'e>(entries: &'e [Entry], extension: &str) -> impl Iterator<Item = &'e str> {
    entries
        .iter()
        .filter_map(move |entry| entry.stem(extension))
}

/// Reads every `FOLDER/NAME.yaml`; a name that is no slug is a finding.
fn slugs<T: Send>(
    root: &Path,
    entries: &[Entry],
    folder: &str,
    findings: &mut Findings,
    parse: impl Fn(&Source, Slug, &mut Findings) -> Option<T> + Sync,
) -> Result<Vec<T>, ReadError> {
    let mut all = Vec::with_capacity(entries.len());
    let read = |entry: &Entry| {
        let mut findings = Findings::new();
        let Some(stem) = entry.stem("yaml") else {
            let finding = Finding::of_file(
                &entry.path,
                "stray-file",
                format!("this file does not belong in `{folder}/`"),
            )
            .hint("its name has to end in `.yaml`");
            // Whoever wrote `.yml` means it; what else lies here may be a note to oneself.
            findings.push(if entry.stem("yml").is_some() {
                finding
            } else {
                finding.warning()
            });
            return Ok((findings, None));
        };
        let name = match stem.parse::<Slug>() {
            Ok(name) => name,
            Err(wrong) => {
                findings.push(file_name(entry, wrong));
                return Ok((findings, None));
            }
        };
        let source = files::text(root, &entry.path, &mut findings)?;
        let parsed = source.and_then(|source| parse(&source, name, &mut findings));
        Ok((findings, parsed))
    };
    read_all(entries, findings, read, |parsed| all.push(parsed))?;
    Ok(all)
}

/// A name that is not what it has to be.
fn file_name(entry: &Entry, wrong: Wrong) -> Finding {
    let finding = Finding::of_file(&entry.path, "bad-file-name", wrong.message);
    match wrong.hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

/// What reading one file gave: its findings, and its value if it has one.
type Read<T> = Result<(Findings, Option<T>), ReadError>;

/// So many files are read before what they gave is gathered: of a hundred thousand, what is not kept would be the most
/// of this program's memory.
const AT_ONCE: usize = 1_000;

/// Reads all on all cores; hands over values, and findings, in the order of the files.
fn read_all<E: Sync, T: Send>(
    entries: &[E],
    findings: &mut Findings,
    read: impl Fn(&E) -> Read<T> + Sync,
    mut keep: impl FnMut(T),
) -> Result<(), ReadError> {
    for some in entries.chunks(AT_ONCE) {
        let read: Vec<Read<T>> = some.par_iter().map(&read).collect();
        for one in read {
            let (more, value) = one?;
            findings.append(more);
            value.into_iter().for_each(&mut keep);
        }
    }
    Ok(())
}

/// What is in `advisories/`.
struct Advisories {
    parsed: Vec<(Origin, Box<advisory::Parsed>)>,
    /// File names without `.md`.
    ids: Vec<String>,
    count: usize,
    /// Paths of drafts, without `.md`.
    drafts: BTreeSet<String>,
}

fn advisories(root: &Path, lang: &Lang, findings: &mut Findings) -> Result<Advisories, ReadError> {
    let mut folders = Vec::new();
    files::advisory_folders(root, "advisories", &mut folders, findings)?;
    let originals: Vec<(&files::Folder, &Entry)> = folders
        .iter()
        .flat_map(|folder| folder.originals().map(move |entry| (folder, entry)))
        .collect();
    let drafts = Mutex::new(BTreeSet::new());
    let home: Arc<Path> = root.into();
    let read = |(folder, entry): &(&files::Folder, &Entry)| {
        let mut findings = Findings::new();
        let stem = entry.stem("md").unwrap_or_default();
        let source = files::text(root, &entry.path, &mut findings)?;
        let parsed = source
            .as_ref()
            .and_then(|source| advisory::parse(source, stem, lang, &mut findings));
        let is_draft = match (&parsed, &source) {
            (Some(parsed), _) => parsed.advisory.status == Status::Draft,
            (None, Some(source)) => advisory::says_draft(source),
            (None, None) => false,
        };
        if is_draft {
            let mut drafts = drafts
                .lock()
                .expect("nobody panics with the drafts in hand");
            drafts.insert(entry.path.trim_end_matches(".md").to_string());
        }
        // Only the advisory is kept, not the whole text of its file beside it.
        let parsed = source
            .zip(parsed)
            .map(|(source, parsed)| (Origin::new(&home, source.path), Box::new(parsed)));
        let mut translations = Vec::new();
        for (lang, entry) in folder.translations(stem) {
            let before = findings.count(Level::Error);
            let source = files::text(root, &entry.path, &mut findings)?;
            let text = source
                .as_ref()
                .and_then(|source| advisory::parse_translation(source, &mut findings));
            if parsed
                .as_ref()
                .is_some_and(|(_, parsed)| parsed.advisory.lang == lang)
            {
                findings.push(
                    Finding::of_file(
                        &entry.path,
                        "translation-language",
                        format!("the original is in `{lang}` already"),
                    )
                    .hint("name the translation after its own language"),
                );
            }
            if let Some(text) = text.filter(|_| findings.count(Level::Error) == before) {
                translations.push((lang, text));
            }
        }
        let mut attachments = Vec::new();
        for entry in folder.attachments(root, stem, &mut findings)? {
            if let Some(bytes) = files::attachment(root, &entry, &mut findings)? {
                attachments.push(Attachment {
                    name: entry.name().to_string(),
                    bytes: bytes.into(),
                });
            }
        }
        let parsed = parsed.map(|(origin, mut parsed)| {
            parsed.advisory = parsed.advisory.with(translations, attachments);
            (origin, parsed)
        });
        Ok((findings, parsed))
    };
    let mut parsed = Vec::with_capacity(originals.len());
    read_all(&originals, findings, read, |one| parsed.push(one))?;
    let count = originals.len();
    let drafts = drafts
        .into_inner()
        .expect("nobody panics with the drafts in hand");
    let ids = originals
        .iter()
        .filter_map(|(_, entry)| entry.stem("md").map(str::to_string))
        .collect();
    Ok(Advisories {
        parsed,
        ids,
        count,
        drafts,
    })
}

fn prose_files(
    root: &Path,
    lang: &Lang,
    findings: &mut Findings,
) -> Result<BTreeMap<Lang, Prose>, ReadError> {
    let mut all = BTreeMap::new();
    for entry in files::list(root, "site", findings)? {
        let Some(stem) = entry.stem("md") else {
            continue;
        };
        let lang = match stem.split_once('.') {
            None if stem == "rfc2350" => lang.clone(),
            Some(("rfc2350", code)) => match code.parse::<Lang>() {
                Ok(lang) => lang,
                Err(wrong) => {
                    findings.push(file_name(&entry, wrong));
                    continue;
                }
            },
            _ => {
                findings.push(
                    Finding::of_file(
                        &entry.path,
                        "stray-file",
                        "only `rfc2350.md` and its translations are read here",
                    )
                    .hint("a page of the team's own stands in `site/pages/`")
                    .warning(),
                );
                continue;
            }
        };
        if let Some(source) = files::text(root, &entry.path, findings)? {
            let prose = prose::parse(&source, findings);
            all.insert(lang, prose);
        }
    }
    Ok(all)
}

/// The id under which changes of the RFC 2350 description are announced, one revision a version.
pub const ANNOUNCEMENT: &str = "RFC2350";

const PAGE: &[&str] = &["title", "nav"];
/// Names that the site needs for itself.
fn pages(root: &Path, default: &Lang, findings: &mut Findings) -> Result<Vec<OwnPage>, ReadError> {
    let entries = files::list(root, "site/pages", findings)?;
    let stems: BTreeSet<&str> = entries
        .iter()
        .filter_map(|entry| entry.stem("md"))
        .collect();
    let mut pages = Vec::new();
    for entry in &entries {
        let Some(stem) = entry.stem("md") else {
            continue;
        };
        let (name, lang) = advisory::file_name(stem, |name| stems.contains(name));
        let name = match name.parse::<Slug>() {
            Ok(name)
                if !pages::TAKEN.contains(&name.as_str())
                    && name.as_str() != "404"
                    && name.as_str().parse::<Lang>().is_err() | (name.as_str().len() == 3) =>
            {
                name
            }
            Ok(name) => {
                findings.push(
                    Finding::of_file(
                        &entry.path,
                        "bad-file-name",
                        format!("the site needs the name `{name}` for itself"),
                    )
                    .hint("choose another name"),
                );
                continue;
            }
            Err(wrong) => {
                findings.push(file_name(entry, wrong));
                continue;
            }
        };
        let Some(source) = files::text(root, &entry.path, findings)? else {
            continue;
        };
        pages.extend(page(
            &source,
            name,
            lang.unwrap_or_else(|| default.clone()),
            findings,
        ));
    }
    Ok(pages)
}

fn page(source: &Source, name: Slug, lang: Lang, findings: &mut Findings) -> Option<OwnPage> {
    let pieces = advisory::split(source)
        .map_err(|finding| findings.push(finding))
        .ok()?;
    advisory::lint_body(source, pieces.body, findings);
    let node = crate::yaml::parse(source, pieces.yaml)
        .map_err(|finding| findings.push(finding))
        .ok()?;
    let mut fields = crate::yaml::Fields::open(source, node, PAGE, findings)?;
    let title = fields.required::<crate::yaml::Line>("title", "write `title: About us`", findings);
    let nav = fields
        .text("nav", findings)
        .and_then(|(nav, span)| match nav.parse::<u32>() {
            Ok(nav) => Some(nav),
            Err(_) => {
                findings.push(
                    source
                        .error(
                            span,
                            "bad-value",
                            format!("`{nav}` is not a position in the menu"),
                        )
                        .hint("write a whole number, such as `nav: 20`"),
                );
                None
            }
        });
    let body = source.text[pieces.body.start..pieces.body.end].to_string();
    Some(OwnPage {
        name,
        lang,
        title: title?.0.0,
        nav,
        body,
    })
}

fn templates(root: &Path, findings: &mut Findings) -> Result<Vec<(String, String)>, ReadError> {
    let mut all = Vec::new();
    for entry in files::tree(root, "templates", findings)? {
        if let Some(source) = files::text(root, &entry.path, findings)? {
            all.push((
                entry.path["templates/".len()..].to_string(),
                source.text.to_string(),
            ));
        }
    }
    Ok(all)
}

fn assets(root: &Path, findings: &mut Findings) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
    let mut all = Vec::new();
    for entry in files::tree(root, "site/assets", findings)? {
        if let Some(bytes) = files::bytes(root, &entry.path, findings)? {
            all.push((entry.path["site/assets/".len()..].to_string(), bytes));
        }
    }
    Ok(all)
}
