//! The page of one advisory, and what all pages have in common: the [`Room`] of a language and its views.
//!
//! Views are what templates see: plain texts taken from an [`Advisory`], which itself no template ever sees.

use super::{
    addresses,
    feed::Format,
    site::Beside,
    templates::{TemplateError, Templates},
    text::has_twin,
    words::Words,
};
use crate::{
    advisory::{Advisory, Attachment, Revision, Status},
    artefact::{Artefact, Digest},
    markdown::{self, HtmlStyle},
    settings::Site,
    team::Team,
    terms::{Id, Lang, Moment, Severity},
    tlp::{Made, Marked as _, Public},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The media type of pages.
pub const HTML: &str = "text/html; charset=utf-8";

/// The media type of plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// How many CVEs an advisory's page shows before the reader asks for more; real files have hundreds.
const CVES_SHOWN: usize = 12;

/// What keeps a page from being made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// An attachment would take the place of the advisory's own page.
    #[error("an attachment of `{id}` cannot be called `{name}`: the page itself has that name")]
    NameTaken {
        /// Of the advisory.
        id: Id,
        /// Of the attachment.
        name: String,
    },
    /// No attachment has this name.
    #[error("`{id}` has no attachment `{name}`")]
    NoSuchAttachment {
        /// Of the advisory.
        id: Id,
        /// Of the attachment.
        name: String,
    },
    /// A page of the team's own would take the place of a part of the site.
    #[error("a page cannot be called `{name}`: that place of the site is taken")]
    PlaceTaken {
        /// Of the page.
        name: String,
    },
    /// A feed could not be written.
    #[error("the feed `{path}` could not be written: {message}")]
    Feed {
        /// On the site.
        path: String,
        /// In the words of the writer.
        message: String,
    },
}

/// The workshop of one language: templates with the words of it, and how its paths begin.
#[derive(Debug)]
pub struct Room<'s> {
    /// Address and languages.
    pub site: &'s Site,
    /// The facts about the team.
    pub team: &'s Team,
    /// The language.
    pub lang: Lang,
    /// Its words.
    pub words: &'s Words,
    /// With words and facts in them.
    pub templates: Templates,
    /// What stands beside each page.
    pub beside: Beside,
    /// The fingerprint of the current key, in groups.
    pub fingerprint: Option<String>,
    /// The path of the page on how to report an incident, if the site has one.
    pub report: Option<String>,
    /// How many advisories a list page shows.
    pub page_size: usize,
    /// The formats of its feeds.
    pub feeds: &'s [Format],
    pub(super) names: Vec<(Lang, String)>,
    pub(super) marks: BTreeMap<Lang, markdown::Words>,
}

impl Room<'_> {
    /// The path of a page of this language, without a slash before it: `ru/advisories/`.
    pub fn path(&self, rest: &str) -> String {
        path_in(self.site, &self.lang, rest)
    }

    /// What a page's link to a path of the site is: with the folder that the site may be in.
    pub fn href(&self, path: &str) -> String {
        format!("{}{path}", self.site.url.path())
    }

    /// The link to a page of this language.
    pub fn link(&self, rest: &str) -> String {
        self.href(&self.path(rest))
    }

    /// The words around the text of an author who writes this language.
    pub(super) fn marks(&self, lang: &Lang) -> &markdown::Words {
        let own = self.marks.get(lang).or_else(|| self.marks.get(&self.lang));
        own.expect("the site's languages, of which a room's is one, all have their words")
    }

    /// What a revision changed, in the words of its author or, for a first one without any, in ours.
    pub(super) fn change<'a>(&'a self, revision: &'a Revision) -> &'a str {
        if revision.summary.is_empty() { self.words.get("first_revision") } else { &revision.summary }
    }

    /// The file of a page of this language.
    pub(super) fn file(&self, rest: &str, template: &str, view: &impl Serialize) -> Result<Artefact, RenderError> {
        let page = addresses::shown(self.templates.render(template, view)?, self.site.addresses);
        let path = self.path(rest);
        let path = if path.is_empty() || path.ends_with('/') { format!("{path}index.html") } else { path };
        Ok(Artefact::new(path, HTML, page))
    }

    /// What stands in the head of a page. `real`: the languages in which it really exists; the others show
    /// the original and point search engines to it.
    pub(super) fn head(&self, rest: &str, title: &str, description: &str, active: &str, real: &[&Lang]) -> Head {
        let absolute = |lang: &Lang| self.site.link(&path_in(self.site, lang, rest));
        let many = self.site.languages.len() > 1;
        let alternates = match real.len() > 1 {
            true => real.iter().map(|lang| Alternate { lang: lang.to_string(), href: absolute(lang) }).collect(),
            false => Vec::new(),
        };
        let languages = self.names.iter().filter(|_| many).map(|(lang, name)| LanguageLink {
            lang: lang.to_string(),
            name: name.clone(),
            href: self.href(&path_in(self.site, lang, rest)),
        });
        let canonical = if real.contains(&&self.lang) { Some(&self.lang) } else { real.first().copied() };
        Head {
            title: title.to_string(),
            description: description.to_string(),
            canonical: canonical.map(absolute),
            og_type: "website",
            alternates,
            languages: languages.collect(),
            feed: None,
            active: active.to_string(),
            is_home: false,
        }
    }

    /// What a language calls itself; its tag where the site has no words for it.
    pub(super) fn name_of<'a>(&'a self, lang: &'a Lang) -> &'a str {
        self.names.iter().find(|(known, _)| known == lang).map_or(lang.as_str(), |(_, name)| name)
    }

    /// All languages of the site, for pages that exist in each.
    pub(super) fn everywhere(&self) -> Vec<&Lang> {
        self.site.languages.iter().collect()
    }

    /// A moment as a template shows it.
    pub(super) fn date(&self, moment: &Moment) -> DateView {
        DateView { iso: moment.to_string(), shown: self.words.date(moment) }
    }

    /// A severity as a template shows it.
    pub(super) fn severity(&self, severity: Severity) -> Word {
        Word { slug: severity.as_str(), word: self.words.severity(severity).to_string() }
    }
}

fn path_in(site: &Site, lang: &Lang, rest: &str) -> String {
    if lang == site.default_lang() { rest.to_string() } else { format!("{lang}/{rest}") }
}

/// The direction in which a language is written, for `dir`.
pub fn direction(lang: &Lang) -> &'static str {
    if lang.is_rtl() { "rtl" } else { "ltr" }
}

/// What the head of every page needs.
#[derive(Debug, Serialize)]
pub(super) struct Head {
    pub title: String,
    pub description: String,
    pub canonical: Option<String>,
    pub og_type: &'static str,
    pub alternates: Vec<Alternate>,
    pub languages: Vec<LanguageLink>,
    pub feed: Option<String>,
    pub active: String,
    pub is_home: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Alternate {
    lang: String,
    href: String,
}

#[derive(Debug, Serialize)]
pub(super) struct LanguageLink {
    lang: String,
    name: String,
    href: String,
}

/// A date for `<time>`: the ISO form, and the one for people.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DateView {
    pub iso: String,
    pub shown: String,
}

/// A word of the program and what people call it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Word {
    pub slug: &'static str,
    pub word: String,
}

#[derive(Serialize)]
struct Label {
    slug: &'static str,
    label: &'static str,
}

#[derive(Serialize)]
struct ScoreView {
    score: String,
    severity: String,
    cve: Option<String>,
    version: &'static str,
    vector: String,
}

#[derive(Serialize)]
struct Code {
    id: String,
    href: String,
}

#[derive(Serialize)]
struct AffectedView<'a> {
    vendor: &'a str,
    product: &'a str,
    versions: &'a str,
    fixed: Option<&'a str>,
}

#[derive(Serialize)]
struct ReferenceView<'a> {
    title: &'a str,
    url: &'a str,
    href: Option<String>,
    host: Option<String>,
}

#[derive(Serialize)]
struct AttachmentView<'a> {
    name: &'a str,
    href: String,
    size: String,
    digest: String,
}

#[derive(Serialize)]
struct RevisionView<'a> {
    number: &'a str,
    date: DateView,
    summary: &'a str,
}

#[derive(Serialize)]
struct FormatView {
    href: String,
    media_type: &'static str,
    word: String,
}

#[derive(Serialize)]
struct Verify {
    url: String,
    name: String,
}

#[derive(Serialize)]
struct AdvisoryView<'a> {
    head: Head,
    id: &'a str,
    kind: Word,
    tlp: Label,
    severity: Word,
    title: &'a str,
    text_lang: &'a str,
    text_dir: &'static str,
    foreign: bool,
    published: DateView,
    updated: DateView,
    revised: bool,
    revision: &'a str,
    change: &'a str,
    note_lang: Option<&'a str>,
    withdrawn: Option<&'a str>,
    scores: Vec<ScoreView>,
    cves: Vec<Code>,
    more_cves: Vec<Code>,
    cwes: Vec<Code>,
    affected: Vec<AffectedView<'a>>,
    references: Vec<ReferenceView<'a>>,
    attachments: Vec<AttachmentView<'a>>,
    revisions: Vec<RevisionView<'a>>,
    formats: Vec<FormatView>,
    verify: Option<Verify>,
    fingerprint: Option<&'a str>,
    body: String,
}

/// The page of an advisory, in the language of its [`Room`].
#[derive(Debug, Clone)]
pub struct Page(Artefact);

impl From<Page> for Artefact {
    fn from(page: Page) -> Artefact {
        page.0
    }
}

impl Made<&Advisory, Public> for Page {
    type Shop<'s> = Room<'s>;
    type Error = RenderError;

    fn made(advisory: &&Advisory, _: &Public, room: &Room<'_>) -> Result<Page, RenderError> {
        let rest = format!("advisories/{}/", advisory.id);
        room.file(&rest, "advisory.html", &view(advisory, &rest, room)).map(Page)
    }
}

fn view<'a>(advisory: &'a Advisory, rest: &str, room: &'a Room<'_>) -> AdvisoryView<'a> {
    let (lang, text) = advisory.text(&room.lang);
    let id = advisory.id.as_str();
    let revision = advisory.revision();
    // The original first: it is where untranslated pages point search engines to.
    let others = room.site.languages.iter().filter(|lang| **lang != advisory.lang && advisory.texts.contains_key(lang));
    let original = room.site.languages.iter().find(|lang| **lang == advisory.lang).unwrap_or(room.site.default_lang());
    let real: Vec<&Lang> = std::iter::once(original).chain(others).collect();
    let mut head = room.head(rest, &text.title, &description(advisory, room), "advisories", &real);
    head.og_type = "article";
    let code = |id: String, href: String| Code { id, href };
    let mut cves: Vec<Code> =
        advisory.cves.iter().map(|cve| code(cve.to_string(), format!("https://www.cve.org/CVERecord?id={cve}"))).collect();
    let more_cves = cves.split_off(cves.len().min(CVES_SHOWN));
    AdvisoryView {
        head,
        id,
        kind: Word { slug: advisory.kind.as_str(), word: room.words.kind(advisory.kind).to_string() },
        tlp: Label { slug: advisory.tlp().slug(), label: advisory.tlp().label() },
        severity: room.severity(advisory.severity),
        title: &text.title,
        text_lang: lang.as_str(),
        text_dir: direction(lang),
        foreign: *lang != room.lang,
        published: room.date(&advisory.date),
        updated: room.date(&revision.date),
        revised: advisory.is_revised(),
        revision: &revision.number,
        change: room.change(revision),
        // What a revision changed is written once, in the language of the original.
        note_lang: (advisory.lang != room.lang).then_some(advisory.lang.as_str()),
        withdrawn: (advisory.status == Status::Withdrawn).then_some(room.change(revision)),
        scores: advisory
            .cvss
            .iter()
            .map(|score| ScoreView {
                score: format!("{:.1}", score.cvss.score()),
                severity: room.words.severity(score.cvss.severity()).to_string(),
                cve: score.cve.as_ref().map(ToString::to_string),
                version: score.cvss.version(),
                vector: score.cvss.vector().to_string(),
            })
            .collect(),
        cves,
        more_cves,
        cwes: advisory
            .cwes
            .iter()
            .map(|cwe| code(cwe.to_string(), format!("https://cwe.mitre.org/data/definitions/{}.html", cwe.number())))
            .collect(),
        affected: advisory
            .affected
            .iter()
            .map(|one| AffectedView {
                vendor: &one.vendor,
                product: &one.product,
                versions: &one.versions,
                fixed: one.fixed.as_deref(),
            })
            .collect(),
        references: advisory.references.iter().map(|one| reference(&one.title, &one.url)).collect(),
        attachments: advisory
            .attachments
            .iter()
            .map(|one| AttachmentView {
                name: &one.name,
                href: room.href(&attachment_link(advisory, one)),
                size: size(one.bytes.len()),
                digest: Digest::of(&one.bytes).hex(),
            })
            .collect(),
        revisions: advisory
            .revisions
            .iter()
            .rev()
            .map(|one| RevisionView { number: &one.number, date: room.date(&one.date), summary: room.change(one) })
            .collect(),
        formats: formats(advisory, room),
        verify: room.beside.text.then(|| Verify {
            url: room.site.link(&path_in(room.site, twin_lang(advisory, room), &format!("advisories/{id}.txt"))),
            name: format!("{id}.txt"),
        }),
        fingerprint: room.fingerprint.as_deref(),
        body: markdown::html(&text.body, &HtmlStyle { prefix: "text-", top: 2, words: room.marks(lang) }),
    }
}

/// The language of the site whose twins a page points to: its own where there is one, else the default.
fn twin_lang<'a>(advisory: &Advisory, room: &'a Room<'_>) -> &'a Lang {
    if has_twin(advisory, &room.lang, room.site) { &room.lang } else { room.site.default_lang() }
}

fn formats(advisory: &Advisory, room: &Room<'_>) -> Vec<FormatView> {
    let id = advisory.id.as_str();
    let lang = twin_lang(advisory, room);
    let beside = |end: &str| room.href(&path_in(room.site, lang, &format!("advisories/{id}.{end}")));
    let word = |key| room.words.get(key).to_string();
    let mut formats = Vec::new();
    if room.beside.text {
        formats.push(FormatView { href: beside("txt"), media_type: "text/plain", word: word("format_text") });
    }
    if room.beside.pdf {
        formats.push(FormatView { href: beside("pdf"), media_type: "application/pdf", word: word("format_pdf") });
    }
    if let Some(path) = room.beside.csaf.and_then(|path| path(advisory)) {
        formats.push(FormatView { href: room.href(&path), media_type: "application/json", word: word("format_csaf") });
    }
    formats
}

/// What search engines and messengers show below the title: how bad, and what it is about.
fn description(advisory: &Advisory, room: &Room<'_>) -> String {
    let mut parts = vec![format!("{} {}", room.words.kind(advisory.kind), advisory.id)];
    parts.push(format!("{}: {}", room.words.get("severity"), room.words.severity(advisory.severity)));
    let mut products: Vec<&str> = Vec::new();
    for one in &advisory.affected {
        if !products.contains(&one.product.as_str()) && products.len() < 3 {
            products.push(&one.product);
        }
    }
    if !products.is_empty() {
        parts.push(products.join(", "));
    }
    let mut cves = advisory.cves.iter().take(4).map(ToString::to_string).collect::<Vec<_>>();
    if !cves.is_empty() {
        if advisory.cves.len() > cves.len() {
            cves.push("…".into());
        }
        parts.push(cves.join(", "));
    }
    parts.join(" · ")
}

/// Addresses come as they are in the field; only what a browser understands becomes a link.
fn reference<'a>(title: &'a str, url: &'a str) -> ReferenceView<'a> {
    let parsed = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https" | "ftp" | "mailto"));
    let host = parsed.as_ref().and_then(|url| url.host_str().map(str::to_string)).filter(|host| !title.contains(host.as_str()));
    ReferenceView { title, url, href: parsed.map(String::from), host }
}

/// The path of an attachment, as it stands in links: once for all languages.
pub(super) fn attachment_link(advisory: &Advisory, attachment: &Attachment) -> String {
    let mut name = String::new();
    for byte in attachment.name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("advisories/{}/{name}", advisory.id)
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{} MB", bytes.div_ceil(1_000_000)),
    }
}

/// An attachment of an advisory, by its name.
#[derive(Debug, Clone)]
pub struct AttachedFile(Artefact);

impl From<AttachedFile> for Artefact {
    fn from(file: AttachedFile) -> Artefact {
        file.0
    }
}

impl Made<&Advisory, Public> for AttachedFile {
    type Shop<'s> = &'s str;
    type Error = RenderError;

    fn made(advisory: &&Advisory, _: &Public, name: &&str) -> Result<AttachedFile, RenderError> {
        let found = advisory.attachments.iter().find(|one| one.name == *name);
        let one = found.ok_or_else(|| RenderError::NoSuchAttachment { id: advisory.id.clone(), name: name.to_string() })?;
        if name.eq_ignore_ascii_case("index.html") {
            return Err(RenderError::NameTaken { id: advisory.id.clone(), name: name.to_string() });
        }
        let path = format!("advisories/{}/{}", advisory.id, one.name);
        Ok(AttachedFile(Artefact::new(path, media_type(&one.name), one.bytes.to_vec())))
    }
}

/// The media type of a file, by the end of its name.
pub fn media_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    match end.as_str() {
        "html" => HTML,
        "css" => "text/css; charset=utf-8",
        "txt" | "md" | "yar" | "yara" | "rules" => TEXT,
        "csv" => "text/csv; charset=utf-8",
        "json" | "stix" => "application/json",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "woff2" => "font/woff2",
        "asc" => "application/pgp-keys",
        _ => "application/octet-stream",
    }
}
