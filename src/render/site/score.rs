//! CVSS in words: what each base metric of a vector answers, in the reader's language.

use super::page::Word;
use crate::render::words::Words;
use crate::{advisory::Score, terms::Cvss};
use serde::Serialize;

/// A score as templates show it.
#[derive(Debug, Serialize)]
pub(super) struct ScoreView {
    /// As people of the language write it: `9.8`.
    score: String,
    severity: Word,
    cve: Option<String>,
    /// Of CVSS.
    version: &'static str,
    vector: String,
}

/// A score with its vector in words.
#[derive(Debug, Serialize)]
pub(super) struct ExplainedView {
    score: ScoreView,
    metrics: Vec<MetricView>,
}

#[derive(Debug, Serialize)]
struct MetricView {
    /// `Attack vector`
    name: String,
    /// What the vector says of it.
    text: String,
}

pub(super) fn view(score: &Score, words: &Words) -> ScoreView {
    let severity = score.cvss.severity();
    ScoreView {
        score: words.locale().score(score.cvss.score()),
        severity: Word {
            slug: severity.as_str(),
            word: words.severity(severity).to_string(),
        },
        cve: score.cve.as_ref().map(ToString::to_string),
        version: score.cvss.version(),
        vector: score.cvss.vector().to_string(),
    }
}

pub(super) fn explained(score: &Score, words: &Words) -> ExplainedView {
    ExplainedView {
        score: view(score, words),
        metrics: metrics(&score.cvss, words),
    }
}

fn metrics(cvss: &Cvss, words: &Words) -> Vec<MetricView> {
    let metric = |(name, value): (&'static str, &str)| {
        let name = name.to_lowercase();
        let text = words.get(&word(cvss.version(), &name, value)).to_string();
        MetricView {
            name: words.get(&format!("cvss_{name}")).to_string(),
            text,
        }
    };
    cvss.base().map(metric).collect()
}

/// The key of what a value means. Impact is said alike for all versions: 4.0 has it twice, and the partial and complete
/// of 2.0 are the low and high of its successors.
fn word(version: &str, name: &str, value: &str) -> String {
    let value = match (version, name, value) {
        ("2.0", "c" | "i" | "a", "P") => "L",
        ("2.0", "c" | "i" | "a", "C") => "H",
        _ => value,
    };
    let name = match name {
        "vc" | "sc" => "c",
        "vi" | "si" => "i",
        "va" | "sa" => "a",
        other => other,
    };
    format!("cvss_{name}_{}", value.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diag::Findings, terms::Lang};

    #[test]
    fn every_value_of_every_version_has_its_words_in_every_language() {
        // Each vector has values that the ones before lack; together they have all.
        let vectors = [
            "AV:L/AC:H/Au:M/C:N/I:P/A:C",
            "AV:A/AC:M/Au:S/C:P/I:C/A:N",
            "AV:N/AC:L/Au:N/C:C/I:N/A:P",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:L/A:N",
            "CVSS:3.0/AV:P/AC:H/PR:L/UI:R/S:C/C:N/I:H/A:L",
            "CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:N/A:H",
            "CVSS:4.0/AV:A/AC:L/AT:P/PR:N/UI:P/VC:H/VI:L/VA:N/SC:N/SI:H/SA:L",
            "CVSS:4.0/AV:P/AC:H/AT:N/PR:L/UI:A/VC:L/VI:N/VA:H/SC:L/SI:N/SA:H",
        ];
        for tag in ["en", "ru", "ar"] {
            let lang: Lang = tag.parse().expect("a language");
            let words = Words::read(&lang, &[], &mut Findings::new());
            for vector in vectors {
                let cvss: Cvss = vector.parse().expect(vector);
                let said = metrics(&cvss, &words);
                assert_eq!(
                    said.len(),
                    if cvss.version() == "2.0" {
                        6
                    } else {
                        8 + usize::from(cvss.version() == "4.0") * 3
                    }
                );
                for one in said {
                    assert!(
                        !one.name.starts_with("cvss_") && !one.text.starts_with("cvss_"),
                        "{tag}, {vector}: {one:?}"
                    );
                }
            }
        }
    }
}
