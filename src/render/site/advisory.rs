//! The pages of one advisory: one, and further ones for what is too long for it.
//!
//! Views are what templates see (`docs/templates.md`): plain texts taken from an [`Advisory`], which itself no template
//! ever sees.

use super::{
    page::{DateView, HTML, Head, RenderError, Room, Word, attachment_link, direction, path_in},
    score::{self, ExplainedView, ScoreView},
};
use crate::render::site::{
    pagination::{self, Sheet},
    plain_text::{self, Twin, has_twin},
};
use crate::{
    advisory::{Advisory, Affected, Reference, Score, Status},
    artefact::{Artefact, Digest},
    markdown::{self, HtmlStyle},
    terms::{Cve, Lang},
    tlp::{ByMake, Made, Marked as _, Public},
};
use serde::Serialize;
use std::{cmp::Reverse, iter};

/// How many CVEs stand among the facts; real files have hundreds, and the others are in a table below.
const CVES_SHOWN: usize = 12;

/// How many scores stand among the facts and are explained, the highest.
const SCORES_SHOWN: usize = 3;

#[derive(Serialize)]
struct Label {
    slug: &'static str,
    label: &'static str,
}

#[derive(Serialize)]
struct Code {
    id: String,
    href: String,
}

/// A line of the table of all vulnerabilities.
#[derive(Serialize)]
struct CveRow {
    cve: Option<Code>,
    scores: Vec<ScoreView>,
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
    key_url: String,
}

/// What is on every page of an advisory.
#[derive(Serialize)]
struct SheetView<'a> {
    head: Head,
    id: &'a str,
    kind: Word,
    tlp: Label,
    severity: Word,
    title: &'a str,
    text_lang: &'a str,
    text_dir: &'static str,
    foreign: bool,
    note_lang: Option<&'a str>,
    note_dir: &'static str,
    withdrawn: Option<&'a str>,
    body: String,
    affected: Vec<AffectedView<'a>>,
    table: Vec<CveRow>,
    pages: Option<Pages>,
}

/// Where one is among the pages of a long advisory.
#[derive(Serialize)]
struct Pages {
    place: String,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct AdvisoryView<'a> {
    #[serde(flatten)]
    sheet: SheetView<'a>,
    published: DateView,
    updated: DateView,
    revised: bool,
    revision: &'a str,
    change: &'a str,
    scores: Vec<ScoreView>,
    more_scores: Option<String>,
    explained: Vec<ExplainedView>,
    cves: Vec<Code>,
    more_cves: Option<String>,
    table_href: String,
    cwes: Vec<Code>,
    references: Vec<ReferenceView<'a>>,
    attachments: Vec<AttachmentView<'a>>,
    revisions: Vec<RevisionView<'a>>,
    formats: Vec<FormatView>,
    verify: Verify,
    fingerprint: Option<&'a str>,
}

/// A page of an advisory, in the language of its [`Room`].
#[derive(Debug, Clone)]
pub struct Page(Artefact);

impl From<Page> for Artefact {
    fn from(page: Page) -> Artefact {
        page.0
    }
}

/// The page of an advisory, then those that it continues on.
impl Made<&Advisory, Public> for Vec<Page> {
    type Shop<'s> = Room<'s>;
    type Error = RenderError;

    fn made(
        advisory: &&Advisory,
        _: &Public,
        room: &Room<'_>,
        _: ByMake,
    ) -> Result<Vec<Page>, RenderError> {
        let (lang, text) = advisory.text(&room.lang);
        let body = markdown::html(&text.body, &style(lang, room));
        pages(advisory, body, &advisory.references, room)
    }
}

/// The pages of an advisory in all languages of the site, and the texts to be signed that stand beside them. Each of its
/// texts is parsed once, whatever is made of it.
impl Made<&Advisory, Public> for (Vec<Page>, Vec<Twin>) {
    type Shop<'s> = &'s [Room<'s>];
    type Error = RenderError;

    fn made(
        advisory: &&Advisory,
        _: &Public,
        rooms: &&[Room<'_>],
        _: ByMake,
    ) -> Result<(Vec<Page>, Vec<Twin>), RenderError> {
        let (mut all, mut twins) = (Vec::new(), Vec::new());
        let references = &advisory.references;
        for (lang, text) in &advisory.texts {
            let rooms: Vec<&Room<'_>> = rooms
                .iter()
                .filter(|room| advisory.text(&room.lang).0 == lang)
                .collect();
            if rooms.is_empty() {
                continue;
            }
            markdown::read(&text.body, |document| -> Result<(), RenderError> {
                // The words around it are those of its own language, and so the same in all rooms, if the site has that one.
                let (shared, own): (Vec<&Room<'_>>, Vec<_>) = rooms
                    .into_iter()
                    .partition(|room| room.marks.contains_key(lang));
                for rooms in own.iter().map(std::slice::from_ref).chain([&shared[..]]) {
                    let Some(any) = rooms.first() else { continue };
                    let bodies = iter::repeat_n(document.html(&style(lang, any)), rooms.len());
                    let mut plain = None;
                    for (room, body) in rooms.iter().zip(bodies) {
                        all.extend(pages(advisory, body, references, room)?);
                        if has_twin(advisory, &room.lang, room.site) {
                            let plain = plain.get_or_insert_with(|| {
                                document.text(&plain_text::style(lang, room))
                            });
                            twins.push(plain_text::twin(advisory, plain, references, room));
                        }
                    }
                }
                Ok(())
            })?;
        }
        Ok((all, twins))
    }
}

/// How a text in `lang` is made part of a page in the language of the room.
fn style<'r>(lang: &Lang, room: &'r Room<'_>) -> HtmlStyle<'r> {
    HtmlStyle {
        prefix: "text-",
        top: 2,
        words: room.marks(lang),
    }
}

/// The pages in the language of a room, around this body.
fn pages(
    advisory: &Advisory,
    body: String,
    references: &[Reference],
    room: &Room<'_>,
) -> Result<Vec<Page>, RenderError> {
    let order = Order::of(advisory);
    let sheets = spread(advisory, body, references, &order, room);
    let count = sheets.len();
    // The first page on which the table of vulnerabilities stands.
    let table = sheets
        .iter()
        .position(|sheet| !sheet.rows.is_empty())
        .unwrap_or(0);
    let mut pages = Vec::with_capacity(count);
    for (at, sheet) in sheets.into_iter().enumerate() {
        let rest = place(advisory, at);
        let view = sheet_view(advisory, &order, sheet, (at, count), room);
        let file = match at {
            0 => room.file(
                &rest,
                "advisory.html",
                &view_of(advisory, references, &order, view, table, room),
            )?,
            _ => room.file(&rest, "advisory_more.html", &view)?,
        };
        pages.push(Page(file));
    }
    debug_assert!(pages.iter().all(|page| page.0.media_type == HTML));
    Ok(pages)
}

/// Where a page of an advisory stands, counted from 0.
fn place(advisory: &Advisory, at: usize) -> String {
    match at {
        0 => format!("advisories/{}/", advisory.id),
        _ => format!("advisories/{}/page/{}/", advisory.id, at + 1),
    }
}

/// Scores from the highest down, and CVEs with theirs.
struct Order<'a> {
    scores: Vec<&'a Score>,
    /// Empty where the facts show all there is.
    rows: Vec<(Option<&'a Cve>, Vec<&'a Score>)>,
}

impl<'a> Order<'a> {
    fn of(advisory: &'a Advisory) -> Order<'a> {
        let mut scores: Vec<&Score> = advisory.cvss.iter().collect();
        scores.sort_by_key(|score| Reverse((score.cvss.score() * 10.0).round() as u32));
        let mut rows = Vec::new();
        if advisory.cves.len() > CVES_SHOWN || scores.len() > SCORES_SHOWN {
            let of = |cve: Option<&Cve>| {
                scores
                    .iter()
                    .copied()
                    .filter(|one| one.cve.as_ref() == cve)
                    .collect::<Vec<_>>()
            };
            rows.extend(advisory.cves.iter().map(|cve| (Some(cve), of(Some(cve)))));
            let strays = scores.iter().filter(|one| {
                one.cve
                    .as_ref()
                    .is_none_or(|cve| !advisory.cves.contains(cve))
            });
            rows.extend(strays.map(|one| (one.cve.as_ref(), vec![*one])));
        }
        Order { scores, rows }
    }
}

/// How much goes onto which page; the lengths are those of the markup that the built-in templates make.
fn spread(
    advisory: &Advisory,
    body: String,
    references: &[Reference],
    order: &Order<'_>,
    room: &Room<'_>,
) -> Vec<Sheet> {
    let not_fixed = room.words.get("not_fixed").len() + 30;
    let affected = |one: &Affected| {
        150 + one.vendor.len()
            + one.product.len()
            + one.versions.len()
            + one.fixed.as_ref().map_or(not_fixed, String::len)
    };
    let affected: Vec<usize> = advisory.affected.iter().map(affected).collect();
    let row = |scores: &Vec<&Score>| {
        130 + scores
            .iter()
            .map(|one| 150 + one.cvss.vector().len())
            .sum::<usize>()
    };
    let rows: Vec<usize> = order.rows.iter().map(|(_, scores)| row(scores)).collect();
    let references: usize = references
        .iter()
        .map(|one| 120 + one.title.len() + one.url.len())
        .sum();
    let revisions: usize = advisory
        .revisions
        .iter()
        .map(|one| 200 + one.summary.len())
        .sum();
    let first = references
        + revisions
        + 400 * advisory.attachments.len()
        + 3_000 * order.scores.len().min(SCORES_SHOWN);
    let link = |at: usize| room.link(&place(advisory, at));
    pagination::spread(body, first, &affected, &rows, &link)
}

fn sheet_view<'a>(
    advisory: &'a Advisory,
    order: &Order<'a>,
    sheet: Sheet,
    (at, count): (usize, usize),
    room: &'a Room<'_>,
) -> SheetView<'a> {
    let (lang, text) = advisory.text(&room.lang);
    // The original first: it is where untranslated pages point search engines to.
    let others = room
        .site
        .languages
        .iter()
        .filter(|lang| **lang != advisory.lang && advisory.texts.contains_key(lang));
    let original = room
        .site
        .languages
        .iter()
        .find(|lang| **lang == advisory.lang)
        .unwrap_or(room.site.default_lang());
    let real: Vec<&Lang> = match count {
        1 => std::iter::once(original).chain(others).collect(),
        // Another language may need fewer pages.
        _ if at > 0 => vec![&room.lang],
        _ => std::iter::once(original).chain(others).collect(),
    };
    let numbers = [at + 1, count].map(|number| room.words.locale().digits(number));
    let place_words = room.words.fill(
        "sheet_place",
        &[("page", &numbers[0]), ("pages", &numbers[1])],
    );
    let title = if at == 0 {
        text.title.clone()
    } else {
        format!("{}, {place_words}", text.title)
    };
    let mut head = room.head(
        &place(advisory, at),
        &title,
        &description(advisory, room),
        "advisories",
        &real,
    );
    head.og_type = "article";
    if at > 0 {
        // The switch of languages leads to the first page: a text may be shorter in another language.
        head.languages = room.head(&place(advisory, 0), "", "", "", &[]).languages;
    }
    let link = |at: usize| room.link(&place(advisory, at));
    SheetView {
        head,
        id: advisory.id.as_str(),
        kind: Word {
            slug: advisory.kind.as_str(),
            word: room.words.kind(advisory.kind).to_string(),
        },
        tlp: Label {
            slug: advisory.tlp().slug(),
            label: advisory.tlp().label(),
        },
        severity: room.severity(advisory.severity),
        title: &text.title,
        text_lang: lang.as_str(),
        text_dir: direction(lang),
        foreign: *lang != room.lang,
        // What a revision changed is written once, in the language of the original.
        note_lang: (advisory.lang != room.lang).then_some(advisory.lang.as_str()),
        note_dir: direction(&advisory.lang),
        withdrawn: (advisory.status == Status::Withdrawn)
            .then_some(room.change(advisory.revision())),
        body: sheet.body,
        affected: advisory.affected[sheet.affected]
            .iter()
            .map(|one| AffectedView {
                vendor: &one.vendor,
                product: &one.product,
                versions: &one.versions,
                fixed: one.fixed.as_deref(),
            })
            .collect(),
        table: order.rows[sheet.rows]
            .iter()
            .map(|(cve, scores)| CveRow {
                cve: cve.map(cve_link),
                scores: scores
                    .iter()
                    .map(|one| score::view(one, room.words))
                    .collect(),
            })
            .collect(),
        pages: (count > 1).then(|| Pages {
            place: place_words,
            previous: at.checked_sub(1).map(link),
            next: (at + 1 < count).then(|| link(at + 1)),
        }),
    }
}

fn cve_link(cve: &Cve) -> Code {
    Code {
        id: cve.to_string(),
        href: format!("https://www.cve.org/CVERecord?id={cve}"),
    }
}

fn view_of<'a>(
    advisory: &'a Advisory,
    references: &'a [Reference],
    order: &Order<'a>,
    sheet: SheetView<'a>,
    table: usize,
    room: &'a Room<'_>,
) -> AdvisoryView<'a> {
    let id = advisory.id.as_str();
    let revision = advisory.revision();
    let more = |all: usize, shown: usize| {
        (all > shown).then(|| room.words.count("count_more", all - shown))
    };
    let shown = &order.scores[..order.scores.len().min(SCORES_SHOWN)];
    AdvisoryView {
        sheet,
        published: room.date(&advisory.date),
        updated: room.date(&revision.date),
        revised: advisory.is_revised(),
        revision: &revision.number,
        change: room.change(revision),
        scores: shown
            .iter()
            .map(|one| score::view(one, room.words))
            .collect(),
        more_scores: more(order.scores.len(), SCORES_SHOWN),
        explained: shown
            .iter()
            .map(|one| score::explained(one, room.words))
            .collect(),
        cves: advisory
            .cves
            .iter()
            .take(CVES_SHOWN)
            .map(cve_link)
            .collect(),
        more_cves: more(advisory.cves.len(), CVES_SHOWN),
        table_href: match table {
            0 => "#cves".to_string(),
            at => format!("{}#cves", room.link(&place(advisory, at))),
        },
        cwes: advisory
            .cwes
            .iter()
            .map(|cwe| Code {
                id: cwe.to_string(),
                href: format!(
                    "https://cwe.mitre.org/data/definitions/{}.html",
                    cwe.number()
                ),
            })
            .collect(),
        references: references
            .iter()
            .map(|one| reference(&one.title, &one.url))
            .collect(),
        attachments: advisory
            .attachments
            .iter()
            .map(|one| AttachmentView {
                name: &one.name,
                href: room.href(&attachment_link(advisory, one)),
                size: size(one.bytes.len(), room),
                digest: Digest::of(&one.bytes).hex(),
            })
            .collect(),
        revisions: advisory
            .revisions
            .iter()
            .rev()
            .map(|one| RevisionView {
                number: &one.number,
                date: room.date(&one.date),
                summary: room.change(one),
            })
            .collect(),
        formats: formats(advisory, room),
        verify: Verify {
            url: room.site.link(&path_in(
                room.site,
                twin_lang(advisory, room),
                &format!("advisories/{id}.txt"),
            )),
            name: format!("{id}.txt"),
            key_url: room.site.link("pgp-key.asc"),
        },
        fingerprint: room.fingerprint.as_deref(),
    }
}

/// The language of the site whose twins a page points to: its own where there is one, else the default.
fn twin_lang<'a>(advisory: &Advisory, room: &'a Room<'_>) -> &'a Lang {
    if has_twin(advisory, &room.lang, room.site) {
        &room.lang
    } else {
        room.site.default_lang()
    }
}

fn formats(advisory: &Advisory, room: &Room<'_>) -> Vec<FormatView> {
    let id = advisory.id.as_str();
    let lang = twin_lang(advisory, room);
    vec![FormatView {
        href: room.href(&path_in(room.site, lang, &format!("advisories/{id}.txt"))),
        media_type: "text/plain",
        word: room.words.get("format_text").to_string(),
    }]
}

/// What search engines and messengers show below the title: how bad, and what it is about.
fn description(advisory: &Advisory, room: &Room<'_>) -> String {
    let mut parts = vec![format!(
        "{} {}",
        room.words.kind(advisory.kind),
        advisory.id
    )];
    parts.push(format!(
        "{}: {}",
        room.words.get("severity"),
        room.words.severity(advisory.severity)
    ));
    let mut products: Vec<&str> = Vec::new();
    for one in &advisory.affected {
        if !products.contains(&one.product.as_str()) && products.len() < 3 {
            products.push(&one.product);
        }
    }
    if !products.is_empty() {
        parts.push(products.join(", "));
    }
    let mut cves = advisory
        .cves
        .iter()
        .take(4)
        .map(ToString::to_string)
        .collect::<Vec<_>>();
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
    let parsed = url::Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https" | "ftp" | "mailto"));
    let host = parsed
        .as_ref()
        .and_then(|url| url.host_str().map(str::to_string))
        .filter(|host| !title.contains(host.as_str()));
    ReferenceView {
        title,
        url,
        href: parsed.map(String::from),
        host,
    }
}

fn size(bytes: usize, room: &Room<'_>) -> String {
    let number = |number: usize| room.words.locale().number(number);
    match bytes {
        0..1_000 => format!("{} B", number(bytes)),
        1_000..1_000_000 => format!("{} kB", number(bytes.div_ceil(1_000))),
        _ => format!("{} MB", number(bytes.div_ceil(1_000_000))),
    }
}
