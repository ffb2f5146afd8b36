use super::{Wrong, shorten};
use std::{fmt, str::FromStr};

/// A CVE identifier, `CVE-YYYY-NNNN…` (at least four digits after the year).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cve(String);

impl Cve {
    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its year, in four digits.
    pub fn year(&self) -> &str {
        &self.0[4..8]
    }

    /// What follows the year: at least four digits.
    pub fn number(&self) -> &str {
        &self.0[9..]
    }
}

/// A CWE identifier, `CWE-N…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cwe(String);

impl Cwe {
    /// The number alone, as in the address of its page at MITRE.
    pub fn number(&self) -> &str {
        &self.0[4..]
    }
}

fn digits(text: &str, at_least: usize) -> bool {
    text.len() >= at_least && text.len() <= 19 && text.bytes().all(|c| c.is_ascii_digit())
}

impl FromStr for Cve {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Cve, Wrong> {
        let rest = text
            .strip_prefix("CVE-")
            .and_then(|rest| rest.split_once('-'));
        match rest {
            Some((year, number))
                if year.len() == 4 && digits(year, 4) && year >= "1999" && digits(number, 4) =>
            {
                Ok(Cve(text.to_string()))
            }
            _ => Err(Wrong::new(format!("`{}` is not a CVE id", shorten(text)))
                .hint("write it as `CVE-2026-12345`: capitals, the year, at least four digits")),
        }
    }
}

impl FromStr for Cwe {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Cwe, Wrong> {
        match text.strip_prefix("CWE-") {
            Some(number) if digits(number, 1) => Ok(Cwe(text.to_string())),
            _ => Err(Wrong::new(format!("`{}` is not a CWE id", shorten(text)))
                .hint("write it as `CWE-787`")),
        }
    }
}

impl fmt::Display for Cve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Cwe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
