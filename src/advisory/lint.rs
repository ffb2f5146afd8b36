//! What a single advisory can get wrong that no single field shows.

use super::{Reader, Revision, Score};
use crate::{
    diag::{Findings, Source, Span},
    markdown,
    terms::{Moment, Severity},
    tlp::Tlp,
    yaml,
};
use std::collections::HashSet;

/// Where the parts of a revision stand.
#[derive(Debug, Clone, Copy)]
pub struct RevisionPlaces {
    pub number: Span,
    pub date: Span,
}

/// Markdown that would not be what its writer thinks: raw HTML, links that run code.
pub fn body(source: &Source, span: Span, findings: &mut Findings) {
    for flaw in markdown::lint(&source.text[span.start..span.end]) {
        let at = Span::new(flaw.span.start, flaw.span.end).shifted(span.start);
        findings.push(source.error(at, flaw.code, flaw.message).hint(flaw.hint));
    }
    let text = &source.text[span.start..span.end];
    if let Some((start, end)) = yaml::conflict(text) {
        let finding = source.error(
            Span::new(start, end).shifted(span.start),
            "merge-conflict",
            "a merge that was not finished",
        );
        findings.push(finding.hint(yaml::CONFLICT));
    }
}

/// Labels and readers that can never go together, whatever the lists are (DESIGN section 3).
pub fn audience(source: &Source, tlp: Tlp, audience: &[(Reader, Span)], findings: &mut Findings) {
    let mut seen = HashSet::new();
    for (reader, span) in audience {
        if !seen.insert(reader) {
            findings.push(
                source
                    .error(
                        *span,
                        "duplicate-reader",
                        format!("`{reader}` stands here twice"),
                    )
                    .hint("remove one of the two"),
            );
        }
        match reader {
            Reader::Public if tlp != Tlp::Clear => {
                let finding = source.error(
                    *span,
                    "tlp-audience",
                    format!("{} never goes to the public", tlp.label()),
                );
                findings.push(
                    finding.hint(
                        "remove `public`, or label the text `CLEAR` if everybody may read it",
                    ),
                );
            }
            Reader::List(name) if tlp == Tlp::Red => {
                let finding = source.error(
                    *span,
                    "tlp-audience",
                    format!("TLP:RED never goes to a list, and `{name}` is one"),
                );
                findings.push(finding.hint("name the addresses of the persons it is for"));
            }
            _ => {}
        }
    }
}

/// A severity that the scores contradict.
pub fn severity(
    source: &Source,
    severity: Severity,
    span: Span,
    cvss: &[(Score, Span)],
    findings: &mut Findings,
) {
    let top = cvss
        .iter()
        .max_by(|a, b| a.0.cvss.score().total_cmp(&b.0.cvss.score()));
    if let Some((score, _)) = top
        && score.cvss.severity() != severity
    {
        let (number, word) = (score.cvss.score(), score.cvss.severity());
        let finding = source.error(
            span,
            "severity-score",
            format!("severity `{severity}` does not match the highest CVSS score, {number:.1} (`{word}`)"),
        );
        findings.push(
            finding
                .hint(format!("write `severity: {word}`, or correct the vector"))
                .warning(),
        );
    }
}

fn parts(number: &str) -> Vec<u64> {
    number
        .split('.')
        .map(|part| part.parse().unwrap_or(u64::MAX))
        .collect()
}

/// Numbers and dates that run backwards.
pub fn revisions(
    source: &Source,
    date: &Moment,
    updated: Option<&(Moment, Span)>,
    revisions: &[(Revision, RevisionPlaces)],
    findings: &mut Findings,
) {
    for pair in revisions.windows(2) {
        let [(earlier, _), (later, places)] = pair else {
            continue;
        };
        if parts(&later.number) <= parts(&earlier.number) {
            let message = format!(
                "revision `{}` comes after revision `{}`",
                later.number, earlier.number
            );
            findings.push(
                source
                    .error(places.number, "revision-order", message)
                    .hint("numbers grow, the newest stands last"),
            );
        }
        if later.date.date() < earlier.date.date() {
            let message = format!(
                "revision `{}` is older than the one before it",
                later.number
            );
            findings.push(
                source
                    .error(places.date, "revision-order", message)
                    .hint(format!("it cannot be before {}", earlier.date.date())),
            );
        }
    }
    if let Some((first, places)) = revisions.first()
        && first.date.date() < date.date()
    {
        let message = format!(
            "revision `{}` is older than the advisory's date, {}",
            first.number,
            date.date()
        );
        findings.push(
            source
                .error(places.date, "revision-order", message)
                .hint("`date` is the day of the first publication"),
        );
    }
    let newest = revisions.last().map_or(date, |(newest, _)| &newest.date);
    if let Some((updated, span)) = updated
        && updated.date() != newest.date()
    {
        let message = format!(
            "`updated` says {}, the newest revision {}",
            updated.date(),
            newest.date()
        );
        findings.push(
            source
                .error(*span, "updated-date", message)
                .hint("leave `updated` out: the newest revision says it")
                .warning(),
        );
    }
}
