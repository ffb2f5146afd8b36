//! What a published document is worth: signature, completeness, age, agreement with a certificate.

use super::{
    faults::faults,
    lines::Why,
    read::{Document, KnownCertificate, Seal},
    scan,
};
use advise_base::{
    diag::{Findings, Level},
    terms::Moment,
};

/// What was found of a document.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Sorted by place.
    pub findings: Findings,
}

impl Verdict {
    /// Whether it passes: warnings are worth a look, and no more.
    pub fn passes(&self) -> bool {
        !self.findings.has_errors()
    }
}

/// Judges a document: its signature with all these certificates, section 2.8 with those that are the team's for sure.
pub fn judge(
    document: &Document,
    certificates: &[KnownCertificate],
    of_team: &[KnownCertificate],
    now: &Moment,
) -> Verdict {
    let mut findings = faults(document, of_team, now);
    let is_said = findings
        .iter()
        .any(|finding| finding.code == "unknown-fingerprint");
    let first = document.lines.first().map_or(1, |line| line.number);
    let mut add = |level: Level, line: usize, code: &'static str, message: String, hint: &str| {
        let finding = document
            .source
            .error(document.place(line, ""), code, message)
            .hint(hint);
        findings.push(if level == Level::Error {
            finding
        } else {
            finding.warning()
        });
    };
    match &document.seal {
        Seal::Good { signer, .. } => {
            let signer = certificates
                .iter()
                .find(|certificate| certificate.fingerprint == *signer);
            if let Some(end) = signer.and_then(|certificate| certificate.expires.as_ref()) {
                let days = now.days_until(end);
                if end <= now {
                    let message =
                        format!("the certificate that signed it expired on {}", end.date());
                    add(
                        Level::Error,
                        first,
                        "key-expired",
                        message,
                        "sign the document again, with a certificate that is good",
                    );
                } else if days < 30 {
                    let message =
                        format!("the certificate that signed it expires on {}", end.date());
                    add(
                        Level::Warning,
                        first,
                        "key-expires",
                        message,
                        "renew it in time",
                    );
                }
            }
            key(document, signer, is_said, &mut add);
        }
        Seal::None => {
            add(
                Level::Error,
                first,
                "unsigned",
                "the document is not signed".into(),
                "clear-sign it, or put a detached signature beside it: `FILE.asc`",
            );
        }
        Seal::Unchecked => {
            add(
                Level::Error,
                first,
                "unverified",
                "there is no certificate to verify the signature with".into(),
                "give the team's: `--key CERT`",
            );
        }
        Seal::Bad { why, is_altered } => {
            let hint = if *is_altered {
                "do not trust the text: get it again, from another place"
            } else {
                "get the team's certificate in a way that you trust, and give it with `--key CERT`"
            };
            add(Level::Error, first, "bad-signature", why.clone(), hint);
        }
    }
    if let Some(line) = document
        .chrome
        .iter()
        .find(|line| line.mark == super::lines::Mark::Chrome(Why::Unsigned))
    {
        let message =
            "this stands outside of the signed text, and anybody can have written it".to_string();
        add(
            Level::Warning,
            line.number,
            "text-outside-signature",
            message,
            "only what is inside counts",
        );
    }
    findings.sort();
    Verdict { findings }
}

/// Whether 2.8 names the certificate that signed.
fn key(
    document: &Document,
    signer: Option<&KnownCertificate>,
    is_said: bool,
    add: &mut dyn FnMut(Level, usize, &'static str, String, &str),
) {
    let (Some(section), Some(signer)) = (document.section("2.8"), signer) else {
        return;
    };
    let text: String = section
        .blocks
        .iter()
        .map(super::block::Block::text)
        .collect::<Vec<_>>()
        .join(" ");
    let found = scan::fingerprints(&text);
    let line = section
        .heading
        .as_ref()
        .map_or(section.end, |heading| heading.line);
    if found.is_empty() && !section.blocks.is_empty() {
        add(
            Level::Warning,
            line,
            "no-fingerprint",
            "section 2.8 has no fingerprint".into(),
            "give it in full, with the day on which the key expires",
        );
    } else if !is_said
        && !found.is_empty()
        && !found
            .iter()
            .any(|(_, fingerprint)| *fingerprint == signer.fingerprint)
    {
        let message = format!(
            "section 2.8 does not name the certificate that signed: {}",
            signer.fingerprint.spaced()
        );
        add(
            Level::Error,
            line,
            "unknown-fingerprint",
            message,
            "name it, or sign with the one that is named",
        );
    }
}
