//! What staff see before anything leaves: pages of the site with drafts among them, each letter, an overview.
//!
//! All of it is made for [`Staff`] and for nobody else, as a [`Sheet`], which is held in memory only and is no file of
//! the site. The bar that says so is part of every page, the title of what may not leave yet says why, and a text begins
//! with a line of it: whoever saves a sheet by accident has something that calls itself a preview. What cannot be
//! marked (feeds, the sitemap) has nothing in it but what `publish` would let out now.

mod marks;
mod stamp;
mod views;

pub use marks::{Mark, marked};
pub use views::{
    FileRow, Group, HeadField, HeldRow, LetterPage, Link, NoticeView, Overview, Row, State, Word,
};

use super::templates::{TemplateError, Templates};
use crate::render::site::{
    index::Catalogue,
    page::{HTML, RenderError, Room, TEXT},
    pages::{self, SiteShop},
    plain_text::{Twin, has_twin},
    vendors::Vendors,
};
use crate::{
    advisory::Advisory,
    artefact::Artefact,
    settings::Site,
    terms::Lang,
    tlp::{ByMake, Made, Shareable, Staff},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The folder of the preview's own pages, in its address.
pub const OWN: &str = "_preview/";

/// Something that staff are shown, in memory. No recipe makes a file of it.
#[derive(Debug, Clone)]
pub struct Sheet {
    status: Status,
    media_type: String,
    bytes: Vec<u8>,
    /// Under this name it is saved, and not shown.
    save_as: Option<String>,
}

/// Whether a sheet is what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Found,
    /// There is no such page.
    Missing,
    /// There is, and it cannot be made; the sheet says why.
    Broken,
}

#[allow(missing_docs, reason = "the names say it")]
impl Sheet {
    pub fn status(&self) -> Status {
        self.status
    }
    pub fn media_type(&self) -> &str {
        &self.media_type
    }
    pub fn save_as(&self) -> Option<&str> {
        self.save_as.as_deref()
    }
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn html(status: Status, bytes: String) -> Sheet {
        Sheet {
            status,
            media_type: HTML.into(),
            bytes: bytes.into_bytes(),
            save_as: None,
        }
    }
}

/// What is wrong with the workspace, as `check` says it.
#[derive(Debug, Clone, Serialize)]
pub struct Trouble {
    /// One line: what, and what is shown meanwhile.
    pub title: String,
    /// As on a terminal.
    pub text: String,
}

/// What every sheet is made with.
#[derive(Debug)]
pub struct Workshop {
    templates: Templates,
    /// Where the preview stands: `/TOKEN/`.
    prefix: String,
    /// A page that has another one is out of date.
    generation: u64,
    trouble: Option<Trouble>,
}

#[derive(Serialize)]
struct Banner<'a> {
    prefix: &'a str,
    mark: Option<String>,
    letters: Option<String>,
    trouble: Option<&'a Trouble>,
}

#[derive(Serialize)]
struct Framed<'a, T> {
    head: String,
    banner: String,
    #[serde(flatten)]
    view: &'a T,
}

impl Workshop {
    /// For a preview that stands at `/TOKEN/`. Its templates are its own: no file of a workspace takes their place.
    pub fn open(prefix: &str) -> Result<Workshop, TemplateError> {
        let own = [
            ("staff/banner.html", include_str!("banner.html")),
            ("staff/frame.html", include_str!("frame.html")),
            ("staff/overview.html", include_str!("overview.html")),
            ("staff/letter.html", include_str!("letter.html")),
            ("staff/word.html", include_str!("word.html")),
        ];
        let templates =
            Templates::new(&own.map(|(name, text)| (name.to_string(), text.to_string())))?;
        Ok(Workshop {
            templates,
            prefix: prefix.into(),
            generation: 0,
            trouble: None,
        })
    }

    /// Where the preview stands.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether pages show that something is wrong.
    pub fn has_trouble(&self) -> bool {
        self.trouble.is_some()
    }

    /// From now on pages are of this generation, and show what is wrong.
    pub fn says(&mut self, generation: u64, trouble: Option<Trouble>) {
        (self.generation, self.trouble) = (generation, trouble);
    }

    /// The address of one of the preview's own pages.
    pub fn link(&self, rest: &str) -> String {
        format!("{}{OWN}{rest}", self.prefix)
    }

    fn head(&self) -> String {
        let (style, script, changes) = (
            self.link("style.css"),
            self.link("live.js"),
            self.link("changes"),
        );
        format!(
            "<link rel=\"stylesheet\" href=\"{style}\">\n\
             <script src=\"{script}\" data-changes=\"{changes}\" data-since=\"{}\" defer></script>\n",
            self.generation
        )
    }

    fn banner(
        &self,
        mark: Option<String>,
        letters: Option<String>,
    ) -> Result<String, TemplateError> {
        let banner = Banner {
            prefix: &self.prefix,
            mark,
            letters,
            trouble: self.trouble.as_ref(),
        };
        self.templates.render("staff/banner.html", &banner)
    }

    fn framed(
        &self,
        template: &str,
        mark: Option<String>,
        view: &impl Serialize,
    ) -> Result<String, TemplateError> {
        let framed = Framed {
            head: self.head(),
            banner: self.banner(mark, None)?,
            view,
        };
        self.templates.render(template, &framed)
    }
}

impl Made<Overview, Staff> for Sheet {
    type Shop<'s> = Workshop;
    type Error = TemplateError;

    fn made(
        overview: &Overview,
        _: &Staff,
        shop: &Workshop,
        _: ByMake,
    ) -> Result<Sheet, TemplateError> {
        Ok(Sheet::html(
            Status::Found,
            shop.framed("staff/overview.html", None, overview)?,
        ))
    }
}

impl Made<LetterPage, Staff> for Sheet {
    type Shop<'s> = Workshop;
    type Error = TemplateError;

    fn made(
        page: &LetterPage,
        _: &Staff,
        shop: &Workshop,
        _: ByMake,
    ) -> Result<Sheet, TemplateError> {
        Ok(Sheet::html(
            Status::Found,
            shop.framed("staff/letter.html", page.mark.clone(), page)?,
        ))
    }
}

impl Made<Word, Staff> for Sheet {
    type Shop<'s> = Workshop;
    type Error = TemplateError;

    fn made(word: &Word, _: &Staff, shop: &Workshop, _: ByMake) -> Result<Sheet, TemplateError> {
        Ok(Sheet::html(
            word.status,
            shop.framed("staff/word.html", None, word)?,
        ))
    }
}

/// The preview's own style sheet and script.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Tool {
    Style,
    Script,
}

impl Made<Tool, Staff> for Sheet {
    type Shop<'s> = ();
    type Error = std::convert::Infallible;

    fn made(tool: &Tool, _: &Staff, (): &(), _: ByMake) -> Result<Sheet, Self::Error> {
        let (media_type, text) = match tool {
            Tool::Style => ("text/css; charset=utf-8", include_str!("style.css")),
            Tool::Script => ("text/javascript; charset=utf-8", include_str!("live.js")),
        };
        Ok(Sheet {
            status: Status::Found,
            media_type: media_type.into(),
            bytes: text.into(),
            save_as: None,
        })
    }
}

/// A text that will be signed when it is published, and is not here.
#[derive(Debug)]
pub struct Unsigned(pub String);

impl Made<Unsigned, Staff> for Sheet {
    /// What the text is marked with besides.
    type Shop<'s> = Option<&'s Mark>;
    type Error = std::convert::Infallible;

    fn made(
        text: &Unsigned,
        _: &Staff,
        mark: &Option<&Mark>,
        _: ByMake,
    ) -> Result<Sheet, Self::Error> {
        let mark = mark
            .map(|mark| format!("{}\n", mark.words()))
            .unwrap_or_default();
        let text = format!("PREVIEW: not signed, not published\n{mark}\n{}", text.0);
        Ok(Sheet {
            status: Status::Found,
            media_type: TEXT.into(),
            bytes: text.into_bytes(),
            save_as: None,
        })
    }
}

/// Everything that would stand on the site once its writers have let go of it and embargoes are over.
#[derive(Debug)]
pub struct Collection<'a> {
    /// With what may not leave yet, which says so in its title.
    pub all: Vec<&'a Advisory>,
    /// What may leave now.
    pub public: Vec<&'a Advisory>,
    /// Why not, of those that may not.
    pub marks: BTreeMap<&'a str, Mark>,
}

/// The workshop of a site that is only looked at.
#[derive(Debug)]
pub struct SiteDesk<'s> {
    shop: SiteShop<'s>,
    all: Catalogue<'s>,
    public: Catalogue<'s>,
    stands_at: String,
    is_really_at: &'s Site,
}

/// The lists of vendors and languages, which a [`SiteDesk`] borrows.
#[derive(Debug)]
pub struct Lists {
    vendors: Vendors,
    languages: Vec<Lang>,
}

impl Lists {
    /// Of these advisories.
    pub fn of(advisories: &[&Advisory]) -> Lists {
        Lists {
            vendors: Vendors::of(advisories),
            languages: pages::languages(advisories),
        }
    }
}

impl<'s> SiteDesk<'s> {
    /// `shop` was opened for the address at which the preview stands; `is_really_at` is that of the settings.
    pub fn open(
        shop: SiteShop<'s>,
        stands_at: &Site,
        is_really_at: &'s Site,
        of: &Collection<'_>,
        lists: [&'s Lists; 2],
    ) -> Self {
        let [all, public] = lists;
        SiteDesk {
            shop,
            all: Catalogue::new(&of.all, &all.vendors, &all.languages).with_months(&of.all),
            public: Catalogue::new(&of.public, &public.vendors, &public.languages)
                .with_months(&of.public),
            stands_at: stands_at.url.to_string(),
            is_really_at,
        }
    }

    /// For languages.
    pub fn rooms(&self) -> &[Room<'s>] {
        self.shop.rooms()
    }

    /// Addresses for readers in a text that has no links.
    pub fn at_home_text(&self, text: &str) -> String {
        text.replace(&self.stands_at, self.is_really_at.url.as_str())
    }

    /// Links within the site lead to the preview, and addresses for readers are what they will be.
    fn at_home(&self, text: &str, prefix: &str) -> String {
        stamp::rooted(
            &self.at_home_text(text),
            self.is_really_at.url.path(),
            prefix,
        )
    }
}

/// A file of the site by its path: one sheet, or none if there is no such file.
impl Made<Collection<'_>, Staff> for Vec<Sheet> {
    type Shop<'s> = (&'s Workshop, &'s SiteDesk<'s>, &'s str);
    type Error = RenderError;

    fn made(
        of: &Collection<'_>,
        _: &Staff,
        shop: &(&Workshop, &SiteDesk<'_>, &str),
        _: ByMake,
    ) -> Result<Vec<Sheet>, RenderError> {
        let (workshop, desk, path) = *shop;
        // What cannot be marked is made of what may leave.
        let (advisories, catalogue) = match path.ends_with(".html") {
            true => (&of.all, &desk.all),
            false => (&of.public, &desk.public),
        };
        let id = path
            .split_once("advisories/")
            .and_then(|(_, rest)| rest.split('/').next());
        let mark = id.and_then(|id| of.marks.get(id));
        let made = match pages::find(&desk.shop, advisories, catalogue, path)? {
            Some(made) => made,
            // An attachment of a draft: as it lies in the workspace, but under a name that says what it is.
            None => {
                match pages::find(&desk.shop, &of.all, &desk.all, path)?.filter(|_| mark.is_some())
                {
                    Some(made) => return Ok(vec![attachment(made, mark)]),
                    None => return Ok(Vec::new()),
                }
            }
        };
        let is_text = ["text/", "application/json", "application/feed+json"]
            .iter()
            .any(|kind| made.media_type.starts_with(kind));
        if made.media_type.starts_with("text/html") {
            let html = desk.at_home(&String::from_utf8_lossy(&made.bytes), &workshop.prefix);
            let letters = id.filter(|id| of.all.iter().any(|one| one.id.as_str() == *id));
            let letters = letters.map(|id| workshop.link(&format!("letters/{id}/")));
            let banner = workshop.banner(mark.map(Mark::words), letters)?;
            let html = stamp::stamped(&html, &workshop.head(), &banner);
            return Ok(vec![Sheet::html(Status::Found, html)]);
        }
        if path.contains("advisories/")
            && id.is_some_and(|id| of.all.iter().any(|one| one.id.as_str() == id))
        {
            return Ok(vec![attachment(made, mark)]);
        }
        let bytes = match std::str::from_utf8(&made.bytes) {
            Ok(text) if is_text || made.media_type.contains("xml") => {
                desk.at_home(text, &workshop.prefix).into_bytes()
            }
            _ => made.bytes,
        };
        let media_type = made.media_type.to_string();
        Ok(vec![Sheet {
            status: Status::Found,
            media_type,
            bytes,
            save_as: None,
        }])
    }
}

fn attachment(made: Artefact, mark: Option<&Mark>) -> Sheet {
    let name = made.path.rsplit('/').next().unwrap_or_default();
    let name = mark.map_or_else(
        || name.to_string(),
        |mark| format!("{}-{name}", mark.slug()),
    );
    Sheet {
        status: Status::Found,
        media_type: made.media_type.to_string(),
        bytes: made.bytes,
        save_as: Some(name),
    }
}

/// The twin of an advisory's page in a language, before it is signed, if the site has one there.
#[derive(Debug)]
pub struct TwinOfSite(pub Option<Unsigned>);

impl Made<&Advisory, Staff> for TwinOfSite {
    type Shop<'s> = Room<'s>;
    type Error = RenderError;

    fn made(
        advisory: &&Advisory,
        _: &Staff,
        room: &Room<'_>,
        _: ByMake,
    ) -> Result<TwinOfSite, RenderError> {
        if !has_twin(advisory, &room.lang, room.site) {
            return Ok(TwinOfSite(None));
        }
        Ok(TwinOfSite(Some(Unsigned(
            Shareable::<Twin, Staff>::as_for_public(advisory, room)?
                .thing()
                .text()
                .to_string(),
        ))))
    }
}
