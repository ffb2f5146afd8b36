//! An advisory as plain text, for the signed twin of its page: facts first, then the text, in 72 columns.

use super::page::{RenderError, Room, TEXT};
use crate::{
    advisory::{Advisory, Reference, Status},
    artefact::Artefact,
    markdown::{self, Plain, TextStyle},
    settings::Site,
    terms::{Lang, Severity},
    tlp::{ByMake, Made, Marked as _, Public},
};
use std::borrow::Cow;

/// The width of plain text that is published.
pub const WIDTH: usize = 72;

/// The text beside an advisory's page, before it is signed: path `advisories/ID.txt`, in the language of its
/// [`Room`]. It is wanted for the languages that [`has_twin`] names.
#[derive(Debug, Clone)]
pub struct Twin(Artefact);

impl Twin {
    /// What is to be signed.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.0.bytes).expect("a twin is made of text")
    }

    /// Where the signed text goes.
    pub fn path(&self) -> &str {
        &self.0.path
    }
}

impl From<Twin> for Artefact {
    fn from(twin: Twin) -> Artefact {
        twin.0
    }
}

impl Made<&Advisory, Public> for Twin {
    type Shop<'s> = Room<'s>;
    type Error = RenderError;

    fn made(
        advisory: &&Advisory,
        _: &Public,
        room: &Room<'_>,
        _: ByMake,
    ) -> Result<Twin, RenderError> {
        let (lang, written) = advisory.text(&room.lang);
        let body = markdown::text_as(&written.body, &style(lang, room));
        Ok(twin(advisory, &body, &advisory.references, room))
    }
}

/// How a text in `lang` is laid out for a twin in the language of the room.
pub(super) fn style<'r>(lang: &Lang, room: &'r Room<'_>) -> TextStyle<'r> {
    TextStyle {
        width: WIDTH,
        words: room.marks(lang),
        site: Some(room.site.url.as_str()),
        top: 2,
    }
}

/// The twin in the language of a room, around this body.
pub(super) fn twin(
    advisory: &Advisory,
    body: &Plain,
    references: &[Reference],
    room: &Room<'_>,
) -> Twin {
    let path = room.path(&format!("advisories/{}.txt", advisory.id));
    Twin(Artefact::new(
        path,
        TEXT,
        text(advisory, body, references, room),
    ))
}

/// The whole text: no trailing blanks, one line end at the end.
fn text(advisory: &Advisory, body: &Plain, references: &[Reference], room: &Room<'_>) -> String {
    let words = room.words;
    let (lang, written) = advisory.text(&room.lang);
    let revision = advisory.revision();
    let mut out = Lines(String::with_capacity(
        body.text.len() + body.text.len() / 4 + 4000,
    ));
    out.line(advisory.tlp().label());
    out.wrapped(words.tlp(advisory.tlp()));
    out.line("https://www.first.org/tlp/");
    out.blank();
    out.wrapped(&written.title);
    out.line(&"=".repeat(WIDTH));
    if advisory.status == Status::Withdrawn {
        out.blank();
        out.wrapped(&format!(
            "{} {}",
            words.get("withdrawn_title"),
            room.change(revision)
        ));
        out.blank();
    }
    if *lang != room.lang {
        out.wrapped(words.get("untranslated"));
    }
    facts(advisory, room, &mut out);
    if advisory.is_revised() {
        out.heading(words.get("changed"));
        out.wrapped(room.change(revision));
    }
    out.blank();
    out.block(&body.text);
    if !references.is_empty() {
        out.heading(words.get("references"));
        for one in references {
            out.hanging("- ", &one.title);
            out.indented("  ", &one.url);
        }
    }
    if !advisory.attachments.is_empty() {
        out.heading(words.get("attachments"));
        for one in &advisory.attachments {
            out.hanging("- ", &one.name);
            out.indented(
                "  ",
                &room.site.link(&super::page::attachment_link(advisory, one)),
            );
            out.line(&format!(
                "  SHA-256 {}",
                crate::artefact::Digest::of(&one.bytes)
            ));
        }
    }
    out.heading(words.get("history"));
    for one in &advisory.revisions {
        out.hanging(
            &format!("{}  {}  ", one.number, one.date.date()),
            room.change(one),
        );
    }
    out.blank();
    out.line(&"-".repeat(WIDTH));
    out.line(&format!(
        "{}, {}",
        room.team.name.in_lang(&room.lang),
        room.team.email
    ));
    out.wrapped(words.get("more_versions"));
    out.line(
        &room
            .site
            .link(&room.path(&format!("advisories/{}/", advisory.id))),
    );
    out.line(advisory.tlp().label());
    out.0
}

fn facts(advisory: &Advisory, room: &Room<'_>, out: &mut Lines) {
    let words = room.words;
    let mut facts: Vec<(&str, String)> = vec![
        (words.get("text_id"), advisory.id.to_string()),
        (
            words.get("text_kind"),
            words.kind(advisory.kind).to_string(),
        ),
    ];
    if advisory.severity != Severity::None {
        facts.push((
            words.get("text_severity"),
            words.severity(advisory.severity).to_string(),
        ));
    }
    facts.push((words.get("text_published"), advisory.date.to_string()));
    if advisory.is_revised() {
        let revision = advisory.revision();
        let number = words.get("revision").to_lowercase();
        facts.push((
            words.get("text_updated"),
            format!("{} ({number} {})", revision.date, revision.number),
        ));
    }
    for score in &advisory.cvss {
        let cve = score
            .cve
            .as_ref()
            .map(|cve| format!(", {cve}"))
            .unwrap_or_default();
        let cvss = &score.cvss;
        facts.push((
            "CVSS",
            format!(
                "{:.1} ({}{cve}) {}",
                cvss.score(),
                words.severity(cvss.severity()),
                cvss.vector()
            ),
        ));
    }
    if !advisory.cves.is_empty() {
        facts.push(("CVE", join(&advisory.cves)));
    }
    if !advisory.cwes.is_empty() {
        facts.push(("CWE", join(&advisory.cwes)));
    }
    for one in &advisory.affected {
        let fixed = one
            .fixed
            .as_deref()
            .map(|version| words.fill("text_fixed", &[("version", version)]));
        let fixed = fixed.unwrap_or_else(|| words.get("not_fixed").to_string());
        facts.push((
            words.get("text_affected"),
            format!("{} {} {}; {fixed}", one.vendor, one.product, one.versions),
        ));
    }
    let width = facts
        .iter()
        .map(|(name, _)| unicode_width::UnicodeWidthStr::width(*name))
        .max()
        .unwrap_or(0)
        + 2;
    let mut last = "";
    for (name, value) in &facts {
        let shown = if *name == last {
            String::new()
        } else {
            format!("{name}:")
        };
        let pad = width - unicode_width::UnicodeWidthStr::width(shown.as_str()).min(width);
        // A value in its own order, where the word before it is read from right to left and it is not.
        let value = match markdown::is_rtl(name) && !markdown::is_rtl(value) {
            true => Cow::Owned(markdown::ltr(value)),
            false => Cow::Borrowed(value.as_str()),
        };
        out.hanging(&format!("{shown}{:pad$}", ""), &value);
        last = name;
    }
}

fn join(items: &[impl ToString]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

struct Lines(String);

impl Lines {
    fn line(&mut self, text: &str) {
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    /// One blank line, never two.
    fn blank(&mut self) {
        if !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }

    fn wrapped(&mut self, text: &str) {
        self.hanging("", text);
    }

    fn hanging(&mut self, first: &str, text: &str) {
        let rest = match first {
            "" => Cow::Borrowed(""),
            _ => Cow::Owned(" ".repeat(unicode_width::UnicodeWidthStr::width(first))),
        };
        markdown::fold(text, WIDTH, first, &rest, &mut |line| self.line(line));
    }

    /// A line that is not wrapped.
    fn indented(&mut self, indent: &str, text: &str) {
        self.0.push_str(indent);
        self.line(text);
    }

    fn heading(&mut self, text: &str) {
        self.blank();
        self.line(text);
        self.line(&"-".repeat(unicode_width::UnicodeWidthStr::width(text)));
    }

    /// Lines that are without trailing white space.
    fn block(&mut self, text: &str) {
        self.0.push_str(text);
    }
}

/// Whether an advisory has a twin in this language of the site: where it is written in it, and always in the
/// default language, so that `/advisories/ID.txt` is there for every advisory.
pub fn has_twin(advisory: &Advisory, lang: &Lang, site: &Site) -> bool {
    lang == site.default_lang() || advisory.texts.contains_key(lang)
}
