//! Makes an [`Advisory`] of a file's text, or tells everything that is wrong with it.

use super::{
    Advisory, Affected, Attachment, Kind, Reader, Reference, Revision, Score, Status, Text,
    front_matter::{Pieces, split},
    lint,
};
use crate::{
    artefact::Digest,
    diag::{Finding, Findings, Level, Source, Span},
    terms::{Cve, Cvss, Cwe, Id, Lang, Moment, Severity, Wrong, shorten},
    tlp::Tlp,
    yaml::{self, Fields, Line, Node, Value},
};
use std::{collections::BTreeMap, str::FromStr};

/// What front matter may have, in the order in which it is usually written.
pub const FIELDS: &[&str] = &[
    "id",
    "kind",
    "status",
    "title",
    "date",
    "updated",
    "lang",
    "tlp",
    "severity",
    "audience",
    "embargo",
    "cves",
    "cvss",
    "cwes",
    "affected",
    "references",
    "revisions",
];
const CVSS: &[&str] = &["cve", "vector"];
const AFFECTED: &[&str] = &["vendor", "product", "versions", "fixed"];
const REFERENCE: &[&str] = &["title", "url"];
const REVISION: &[&str] = &["number", "date", "summary"];
const TRANSLATION: &[&str] = &["title"];

/// An advisory and the places of what only the whole workspace can judge.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The advisory, as yet without translations and attachments.
    pub advisory: Advisory,
    /// Where its id stands.
    pub id: Span,
    /// Where the date of its newest revision stands.
    pub dated: Span,
    /// Where each reader stands.
    pub audience: Vec<(Reader, Span)>,
}

/// A translation: title and body, and the places of them.
#[derive(Debug, Clone)]
pub struct Translation {
    /// Its text.
    pub text: Text,
}

/// Reads an advisory. `stem` is the file's name without `.md`; `lang` the language where none is written.
///
/// `None` if there is any error; all errors and warnings are among the findings.
pub fn parse(source: &Source, stem: &str, lang: &Lang, findings: &mut Findings) -> Option<Parsed> {
    let before = findings.count(Level::Error);
    let pieces = split(source)
        .map_err(|finding| findings.push(finding))
        .ok()?;
    lint::body(source, pieces.body, findings);
    let node = yaml::parse(source, pieces.yaml)
        .map_err(|finding| findings.push(finding))
        .ok()?;
    let mut fields = Fields::open(source, node, FIELDS, findings)?;

    // `EX-1.ru.md` without `EX-1.md` has come here as an original; nothing else that it lacks is worth a word.
    if fields.key("id").is_none()
        && let Some((original, lang)) = stem
            .rsplit_once('.')
            .filter(|(_, lang)| lang.parse::<Lang>().is_ok())
    {
        let message = format!(
            "this is named like a translation into `{lang}`, and there is no `{original}.md` beside it"
        );
        findings.push(
            Finding::of_file(&source.path, "no-original", message)
                .hint("correct the name, or put it into the folder of the original"),
        );
        return None;
    }
    let id = fields.required::<Id>(
        "id",
        &format!("write `id: {stem}`, the file's name"),
        findings,
    );
    if stem.parse::<Id>().is_err() {
        let finding = Finding::of_file(
            &source.path,
            "bad-file-name",
            format!(
                "`{}` cannot be the name of an advisory's file",
                shorten(stem)
            ),
        );
        findings.push(match &id {
            Some((id, _)) => finding.hint(format!("rename it to `{id}.md`")),
            None => finding.hint("it is the id and `.md`, as in `EX-2026-0042.md`"),
        });
    } else if let Some((id, span)) = &id
        && id.as_str() != stem
    {
        let finding = source.error(
            *span,
            "id-not-file-name",
            format!("id `{id}` is not the file's name, `{}`", shorten(stem)),
        );
        findings.push(finding.hint(format!(
            "write `id: {}`, or rename the file to `{id}.md`",
            shorten(stem)
        )));
    }
    let kind = fields
        .optional::<Kind>("kind", findings)
        .map_or(Kind::Advisory, |(kind, _)| kind);
    let status = fields.optional::<Status>("status", findings);
    let title = fields.required::<Line>(
        "title",
        "write `title:` and one line that says what it is about",
        findings,
    );
    let date = fields.required::<Moment>("date", "write `date: 2026-07-01`", findings);
    let updated = fields.optional::<Moment>("updated", findings);
    let own_lang = fields.optional::<Lang>("lang", findings);
    let tlp = fields.required::<Label>(
        "tlp",
        "write `tlp:` and one of `CLEAR`, `GREEN`, `AMBER`, `AMBER+STRICT`, `RED`; there is no default",
        findings,
    );
    if let Some((Label { is_old: true, .. }, span)) = tlp {
        let finding = source.error(
            span,
            "tlp-white",
            "`WHITE` is a label of TLP 1, and is read as `CLEAR`",
        );
        findings.push(finding.hint("write `tlp: CLEAR`").warning());
    }
    let tlp = tlp.map(|(label, _)| label.tlp);
    let severity = fields.required::<Severity>(
        "severity",
        "write `severity:` and one of `none`, `low`, `medium`, `high`, `critical`",
        findings,
    );
    let audience_key = fields.key("audience");
    let errors = findings.count(Level::Error);
    let audience = fields.list::<Reader>("audience", findings);
    let is_well_read = findings.count(Level::Error) == errors;
    let embargo = fields.optional::<Moment>("embargo", findings);
    let cves = fields.list::<Cve>("cves", findings);
    let cvss = scores(source, fields.nodes("cvss", findings), findings);
    let cwes = fields.list::<Cwe>("cwes", findings);
    let affected = affected(source, fields.nodes("affected", findings), findings);
    let references = read_references(source, fields.nodes("references", findings), findings);
    let revisions = revisions(source, fields.nodes("revisions", findings), findings);

    match (audience_key, audience.is_empty()) {
        (None, _) => fields.missing(
            "audience",
            "write `audience: [one, two]` with names of lists, `public`, or addresses of contacts",
            findings,
        ),
        (Some(span), true) if is_well_read => {
            let finding = source.error(
                span,
                "empty-audience",
                "the audience is empty, so this would reach nobody",
            );
            findings.push(
                finding.hint("name at least one list, `public`, or the address of a contact"),
            );
        }
        _ => {}
    }
    if let Some(tlp) = tlp {
        lint::audience(source, tlp, &audience, findings);
    }
    if let Some((embargo, span)) = &embargo
        && !embargo.has_time()
    {
        let finding = source.error(
            *span,
            "bad-date",
            format!("embargo `{embargo}` does not say at what time it ends"),
        );
        findings.push(finding.hint(format!(
            "write a time with its offset: `{embargo}T12:00:00+00:00`"
        )));
    }
    if let Some((severity, span)) = severity {
        lint::severity(source, severity, span, &cvss, findings);
    }
    if let Some((date, _)) = &date {
        lint::revisions(source, date, updated.as_ref(), &revisions, findings);
    }
    if findings.count(Level::Error) > before {
        return None;
    }

    let ((id, id_span), (title, _), (date, date_span)) = (id?, title?, date?);
    let dated = revisions
        .last()
        .map_or(date_span, |(_, places)| places.date);
    let lang = own_lang.map_or_else(|| lang.clone(), |(lang, _)| lang);
    let revisions = match revisions.is_empty() {
        true => vec![Revision {
            number: "1".into(),
            date: date.clone(),
            summary: String::new(),
        }],
        false => without_places(revisions),
    };
    let body = cut_body(source, pieces).into();
    let advisory = Advisory {
        id,
        kind,
        status: status.map_or(Status::Draft, |(status, _)| status),
        date,
        tlp: tlp?,
        severity: severity?.0,
        audience: audience.iter().map(|(reader, _)| reader.clone()).collect(),
        embargo: embargo.map(|(embargo, _)| embargo),
        cves: without_places(cves),
        cvss: without_places(cvss),
        cwes: without_places(cwes),
        affected,
        references,
        revisions,
        texts: BTreeMap::from([(
            lang.clone(),
            Box::new(Text {
                title: title.0,
                body,
            }),
        )]),
        lang,
        attachments: Vec::new(),
        digest: Digest::of(source.text.as_bytes()),
        path: source.path.clone(),
    };
    Some(Parsed {
        advisory,
        id: id_span,
        dated,
        audience,
    })
}

/// The values alone, with no more room than they need: there are archives of ten thousand advisories.
fn without_places<T, P>(items: Vec<(T, P)>) -> Vec<T> {
    let mut values = Vec::with_capacity(items.len());
    values.extend(items.into_iter().map(|(value, _)| value));
    values
}

/// Reads `ID.LANG.md`: title and body only.
pub fn parse_translation(source: &Source, findings: &mut Findings) -> Option<Translation> {
    let before = findings.count(Level::Error);
    let pieces = split(source)
        .map_err(|finding| findings.push(finding))
        .ok()?;
    lint::body(source, pieces.body, findings);
    let node = yaml::parse(source, pieces.yaml)
        .map_err(|finding| findings.push(finding))
        .ok()?;
    let node = only_of_the_text(source, node, findings);
    let mut fields = Fields::open(source, node, TRANSLATION, findings)?;
    let title = fields.required::<Line>(
        "title",
        "write `title:` and the title in this language; all other fields stand in the original",
        findings,
    );
    if findings.count(Level::Error) > before {
        return None;
    }
    let body = cut_body(source, pieces).into();
    Some(Translation {
        text: Text {
            title: title?.0.0,
            body,
        },
    })
}

fn cut_body(source: &Source, pieces: Pieces) -> &str {
    source.text[pieces.body.start..pieces.body.end].trim_start_matches('\n')
}

/// Takes out the facts of the original, which somebody has copied along with the text to be translated.
fn only_of_the_text<'s>(source: &'s Source, node: Node<'s>, findings: &mut Findings) -> Node<'s> {
    let Value::Map(pairs) = node.value else {
        return node;
    };
    let is_fact = |key: &Node| matches!(&key.value, Value::Text(name) if FIELDS.contains(&&**name) && !TRANSLATION.contains(&&**name));
    let (facts, own): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(key, _)| is_fact(key));
    let names: Vec<String> = facts
        .iter()
        .map(|(key, _)| format!("`{}`", &source.text[key.span.start..key.span.end]))
        .collect();
    if let Some((first, _)) = facts.first() {
        let finding = source.error(
            first.span,
            "fact-in-translation",
            "a translation has a title and a text, all facts stand in the original",
        );
        findings.push(finding.hint(format!("remove {}", names.join(", "))));
    }
    Node {
        span: node.span,
        value: Value::Map(own),
    }
}

/// A label as writers have it: that of TLP 1 for CLEAR is still in old files.
struct Label {
    tlp: Tlp,
    is_old: bool,
}

impl FromStr for Label {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Label, Wrong> {
        match text {
            "WHITE" | "TLP:WHITE" => Ok(Label {
                tlp: Tlp::Clear,
                is_old: true,
            }),
            _ => text.parse().map(|tlp| Label { tlp, is_old: false }),
        }
    }
}

impl Advisory {
    /// Adds what stands beside the original, and counts it into the digest.
    pub fn with(
        mut self,
        translations: Vec<(Lang, Translation)>,
        attachments: Vec<Attachment>,
    ) -> Advisory {
        let own = self.digest;
        let mut parts: Vec<Vec<u8>> = vec![own.0.to_vec()];
        for (lang, translation) in &translations {
            parts.extend([
                lang.as_str().into(),
                translation.text.title.clone().into_bytes(),
                translation.text.body.clone().into_bytes(),
            ]);
        }
        for attachment in &attachments {
            parts.extend([
                attachment.name.clone().into_bytes(),
                Digest::of(&attachment.bytes).0.to_vec(),
            ]);
        }
        self.digest = Digest::of_parts(parts.iter().map(Vec::as_slice));
        self.texts.extend(
            translations
                .into_iter()
                .map(|(lang, translation)| (lang, Box::new(translation.text))),
        );
        self.attachments = attachments;
        self
    }
}

fn scores(source: &Source, nodes: Vec<Node>, findings: &mut Findings) -> Vec<(Score, Span)> {
    let mut scores = Vec::new();
    for node in nodes {
        let Some(mut fields) = Fields::open(source, node, CVSS, findings) else {
            continue;
        };
        let cve = fields.optional::<Cve>("cve", findings).map(|(cve, _)| cve);
        if let Some((cvss, span)) =
            fields.required::<Cvss>("vector", "the whole CVSS vector", findings)
        {
            scores.push((Score { cve, cvss }, span));
        }
    }
    scores.shrink_to_fit();
    scores
}

fn affected(source: &Source, nodes: Vec<Node>, findings: &mut Findings) -> Vec<Affected> {
    let mut rows = Vec::new();
    for node in nodes {
        let Some(mut fields) = Fields::open(source, node, AFFECTED, findings) else {
            continue;
        };
        let vendor = fields.required::<Line>("vendor", "who makes the product", findings);
        let product = fields.required::<Line>("product", "what it is called", findings);
        let versions = fields
            .text("versions", findings)
            .map_or_else(|| "*".to_string(), |(versions, _)| versions);
        let fixed = fields.text("fixed", findings).map(|(fixed, _)| fixed);
        if let (Some((vendor, _)), Some((product, _))) = (vendor, product) {
            rows.push(Affected {
                vendor: vendor.0,
                product: product.0,
                versions,
                fixed,
            });
        }
    }
    rows.shrink_to_fit();
    rows
}

struct WebAddress(String);

impl FromStr for WebAddress {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<WebAddress, Wrong> {
        let known = ["https://", "http://", "ftp://", "mailto:"];
        let lower = text.to_ascii_lowercase();
        if !known.iter().any(|scheme| lower.starts_with(scheme)) {
            return Err(Wrong::new(format!(
                "`{}` is not an address that a reader can safely follow",
                shorten(text)
            ))
            .hint("it has to begin with `https://` (or `http://`, `ftp://`, `mailto:`)"));
        }
        if text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || matches!(c, '"' | '<' | '>' | '`'))
        {
            return Err(Wrong::new(format!(
                "address `{}` has a space, a quote or an angle bracket",
                shorten(text)
            ))
            .hint("write such characters as `%20`, `%22`, `%3C`"));
        }
        Ok(WebAddress(text.to_string()))
    }
}

fn read_references(source: &Source, nodes: Vec<Node>, findings: &mut Findings) -> Vec<Reference> {
    let mut rows = Vec::new();
    for node in nodes {
        let Some(mut fields) = Fields::open(source, node, REFERENCE, findings) else {
            continue;
        };
        let title = fields.text("title", findings);
        let Some((url, span)) =
            fields.required::<WebAddress>("url", "write `url: https://…`", findings)
        else {
            continue;
        };
        if let Err(why) = url::Url::parse(&url.0) {
            findings.push(
                source
                    .error(
                        span,
                        "odd-url",
                        format!("address `{}` looks broken: {why}", shorten(&url.0)),
                    )
                    .warning(),
            );
        }
        rows.push(Reference {
            title: title.map_or_else(|| url.0.clone(), |(title, _)| title),
            url: url.0,
        });
    }
    rows.shrink_to_fit();
    rows
}

struct Number(String);

impl FromStr for Number {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Number, Wrong> {
        let ok = !text.is_empty()
            && text.len() <= 20
            && text
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()));
        match ok {
            true => Ok(Number(text.to_string())),
            false => Err(
                Wrong::new(format!("`{}` is not a revision's number", shorten(text)))
                    .hint("write it as \"2\" or \"1.1\""),
            ),
        }
    }
}

fn revisions(
    source: &Source,
    nodes: Vec<Node>,
    findings: &mut Findings,
) -> Vec<(Revision, lint::RevisionPlaces)> {
    let mut rows = Vec::new();
    for node in nodes {
        let Some(mut fields) = Fields::open(source, node, REVISION, findings) else {
            continue;
        };
        let number = fields.required::<Number>("number", "write `number: \"2\"`", findings);
        let date = fields.required::<Moment>("date", "write `date: 2026-07-02`", findings);
        let summary = fields.required::<Line>("summary", "say in one line what changed", findings);
        if let (Some((number, at_number)), Some((date, at_date)), Some((summary, _))) =
            (number, date, summary)
        {
            let places = lint::RevisionPlaces {
                number: at_number,
                date: at_date,
            };
            rows.push((
                Revision {
                    number: number.0,
                    date,
                    summary: summary.0,
                },
                places,
            ));
        }
    }
    rows.shrink_to_fit();
    rows
}

/// Cuts a file name of `advisories/` into id and language: `EX-1.ru` is a translation, `EX-1` an original.
///
/// The last piece is a language only if an original of the rest stands beside it, since ids may have dots.
pub fn file_name(stem: &str, is_original: impl Fn(&str) -> bool) -> (&str, Option<Lang>) {
    match stem.rsplit_once('.') {
        Some((id, lang)) if is_original(id) => match lang.parse() {
            Ok(lang) => (id, Some(lang)),
            Err(_) => (stem, None),
        },
        _ => (stem, None),
    }
}
