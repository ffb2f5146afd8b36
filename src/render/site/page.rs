//! What all pages have in common: the [`Room`] of a language and the views of its parts.
//!
//! Views are what templates see: plain texts taken from an [`Advisory`], which itself no template ever sees.

use super::addresses;
use crate::render::{
    templates::{TemplateError, Templates},
    words::Words,
};
use crate::{
    advisory::{Advisory, Attachment, Revision},
    artefact::Artefact,
    markdown,
    settings::Site,
    team::Team,
    terms::{Id, Lang, Moment, Severity},
    tlp::{ByMake, Made, Public},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The media type of pages.
pub const HTML: &str = "text/html; charset=utf-8";

/// The media type of plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";

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
    /// The fingerprint of the current key, in groups.
    pub fingerprint: Option<String>,
    /// The path of the page on how to report an incident, if the site has one.
    pub report: Option<String>,
    /// How many advisories a list page shows.
    pub page_size: usize,
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
        if revision.summary.is_empty() {
            self.words.get("first_revision")
        } else {
            &revision.summary
        }
    }

    /// The file of a page of this language.
    pub(super) fn file(
        &self,
        rest: &str,
        template: &str,
        view: &impl Serialize,
    ) -> Result<Artefact, RenderError> {
        let page = addresses::shown(self.templates.render(template, view)?, self.site.addresses);
        let path = self.path(rest);
        let path = if path.is_empty() || path.ends_with('/') {
            format!("{path}index.html")
        } else {
            path
        };
        Ok(Artefact::new(path, HTML, page))
    }

    /// What stands in the head of a page. `real`: the languages in which it really exists; the others show
    /// the original and point search engines to it.
    pub(super) fn head(
        &self,
        rest: &str,
        title: &str,
        description: &str,
        active: &str,
        real: &[&Lang],
    ) -> Head {
        let absolute = |lang: &Lang| self.site.link(&path_in(self.site, lang, rest));
        let many = self.site.languages.len() > 1;
        let alternates = match real.len() > 1 {
            true => real
                .iter()
                .map(|lang| Alternate {
                    lang: lang.to_string(),
                    href: absolute(lang),
                })
                .collect(),
            false => Vec::new(),
        };
        let languages = self
            .names
            .iter()
            .filter(|_| many)
            .map(|(lang, name)| LanguageLink {
                lang: lang.to_string(),
                name: name.clone(),
                href: self.href(&path_in(self.site, lang, rest)),
            });
        let canonical = if real.contains(&&self.lang) {
            Some(&self.lang)
        } else {
            real.first().copied()
        };
        Head {
            title: title.to_string(),
            description: description.to_string(),
            canonical: canonical.map(absolute),
            og_type: "website",
            default: (!alternates.is_empty())
                .then(|| absolute(self.site.default_lang()))
                .filter(|_| real.contains(&self.site.default_lang())),
            alternates,
            languages: languages.collect(),
            feed: None,
            active: active.to_string(),
            is_home: false,
        }
    }

    /// What a language calls itself; its tag where the site has no words for it.
    pub(super) fn name_of<'a>(&'a self, lang: &'a Lang) -> &'a str {
        self.names
            .iter()
            .find(|(known, _)| known == lang)
            .map_or(lang.as_str(), |(_, name)| name)
    }

    /// All languages of the site, for pages that exist in each.
    pub(super) fn everywhere(&self) -> Vec<&Lang> {
        self.site.languages.iter().collect()
    }

    /// A moment as a template shows it.
    pub(super) fn date(&self, moment: &Moment) -> DateView {
        DateView {
            iso: moment.to_string(),
            shown: self.words.date(moment),
        }
    }

    /// A severity as a template shows it.
    pub(super) fn severity(&self, severity: Severity) -> Word {
        Word {
            slug: severity.as_str(),
            word: self.words.severity(severity).to_string(),
        }
    }
}

pub(super) fn path_in(site: &Site, lang: &Lang, rest: &str) -> String {
    if lang == site.default_lang() {
        rest.to_string()
    } else {
        format!("{lang}/{rest}")
    }
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
    /// Where to send readers of any other language.
    pub default: Option<String>,
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

/// The path of an attachment, as it stands in links: once for all languages.
pub(super) fn attachment_link(advisory: &Advisory, attachment: &Attachment) -> String {
    let mut name = String::new();
    for byte in attachment.name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                name.push(char::from(byte))
            }
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("advisories/{}/{name}", advisory.id)
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

    fn made(
        advisory: &&Advisory,
        _: &Public,
        name: &&str,
        _: ByMake,
    ) -> Result<AttachedFile, RenderError> {
        let found = advisory.attachments.iter().find(|one| one.name == *name);
        let one = found.ok_or_else(|| RenderError::NoSuchAttachment {
            id: advisory.id.clone(),
            name: name.to_string(),
        })?;
        if name.eq_ignore_ascii_case("index.html") || name.eq_ignore_ascii_case("page") {
            return Err(RenderError::NameTaken {
                id: advisory.id.clone(),
                name: name.to_string(),
            });
        }
        let path = format!("advisories/{}/{}", advisory.id, one.name);
        Ok(AttachedFile(Artefact::new(
            path,
            media_type(&one.name),
            one.bytes.to_vec(),
        )))
    }
}

/// The media type of a file, by the end of its name.
pub fn media_type(name: &str) -> &'static str {
    let end = name
        .rsplit_once('.')
        .map_or("", |(_, end)| end)
        .to_ascii_lowercase();
    match end.as_str() {
        "html" => HTML,
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
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
