use super::{Wrong, one_of, shorten};
use std::{fmt, str::FromStr};

/// How bad it is, in the five words of CVSS; the order is that of badness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the five words speak for themselves")]
pub enum Severity {
    None,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// All, from the mildest to the worst.
    pub const ALL: [Severity; 5] = [
        Severity::None,
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ];

    /// The word for a CVSS score ("Qualitative Severity Rating Scale", CVSS 3.1 section 5 and 4.0 section 6).
    pub fn of_score(score: f64) -> Severity {
        match score {
            s if s < 0.1 => Severity::None,
            s if s < 4.0 => Severity::Low,
            s if s < 7.0 => Severity::Medium,
            s if s < 9.0 => Severity::High,
            _ => Severity::Critical,
        }
    }

    /// The word, in small letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::None => "none",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl FromStr for Severity {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Severity, Wrong> {
        Severity::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| {
                Wrong::new(format!("severity `{}` is not known", shorten(text)))
                    .hint(one_of(text, &Severity::ALL.map(Severity::as_str)))
            })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
