use super::{Severity, Wrong, shorten};
use std::{fmt, str::FromStr};

/// A CVSS vector of version 2.0, 3.0, 3.1 or 4.0, as written. The score is computed, never typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Cvss {
    text: String,
    version: &'static str,
    score: f64,
}

impl Cvss {
    /// `2.0`, `3.0`, `3.1` or `4.0`.
    pub fn version(&self) -> &'static str {
        self.version
    }

    /// From 0.0 to 10.0, one decimal.
    pub fn score(&self) -> f64 {
        self.score
    }

    /// The vector as written.
    pub fn vector(&self) -> &str {
        &self.text
    }

    /// Its base metrics, in the order of the specification: name and value, `AV` and `N`.
    pub fn base(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let names: &'static [&'static str] = match self.version {
            "2.0" => &BASE_2,
            "4.0" => &BASE_4,
            _ => &BASE_3,
        };
        names.iter().filter_map(|name| {
            let value = self
                .text
                .split('/')
                .filter_map(|metric| metric.split_once(':'))
                .find(|(other, _)| other == name)?
                .1;
            Some((*name, value))
        })
    }

    /// A vector that was judged before, with the score that was computed then: it is not judged again.
    pub fn remembered(text: &str, score: f64) -> Option<Cvss> {
        let score = Some(score).filter(|score| (0.0..=10.0).contains(score))?;
        Some(Cvss {
            text: text.to_string(),
            version: version(text)?,
            score,
        })
    }

    /// The word for the score. For 2.0, which knows neither `none` nor `critical`, the bands of 3.x are used.
    pub fn severity(&self) -> Severity {
        Severity::of_score(self.score)
    }
}

fn version(text: &str) -> Option<&'static str> {
    match text.split('/').next() {
        Some("CVSS:3.0") => Some("3.0"),
        Some("CVSS:3.1") => Some("3.1"),
        Some("CVSS:4.0") => Some("4.0"),
        Some(first) if first.starts_with("AV:") => Some("2.0"),
        _ => None,
    }
}

const BASE_2: [&str; 6] = ["AV", "AC", "Au", "C", "I", "A"];

const BASE_4: [&str; 11] = [
    "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA",
];

/// CVSS 3.1 section 6: "All Base metrics must be included in a vector string." 3.0 says the same.
const BASE_3: [&str; 8] = ["AV", "AC", "PR", "UI", "S", "C", "I", "A"];

impl FromStr for Cvss {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Cvss, Wrong> {
        let version = version(text).ok_or_else(|| {
            Wrong::new(format!("`{}` is not a CVSS vector", shorten(text))).hint(
                "it starts with `CVSS:4.0/`, `CVSS:3.1/`, `CVSS:3.0/`, or `AV:` for version 2.0",
            )
        })?;
        let wrong = |why: String| {
            Wrong::new(format!(
                "`{}` is not a CVSS {version} vector: {why}",
                shorten(text)
            ))
            .hint("copy the whole vector from the calculator at https://www.first.org/cvss/")
        };
        // The crate takes a 3.x vector with metrics left out as if they were harmless, and metrics in small letters.
        let metrics: Vec<(&str, &str)> = text
            .split('/')
            .filter_map(|metric| metric.split_once(':'))
            .collect();
        let is_small = |text: &str| text.bytes().any(|c| c.is_ascii_lowercase());
        // `Au` of 2.0 and `U:Clear` to `U:Red` of 4.0 are the only ones that are not all capitals.
        if metrics
            .iter()
            .any(|(name, value)| is_small(name) && *name != "Au" || is_small(value) && *name != "U")
        {
            return Err(wrong("metrics are written in capitals".into()));
        }
        let is_there = |name: &&&str| metrics.iter().any(|(other, _)| other == *name);
        if let Some(missing) = BASE_3
            .iter()
            .find(|name| version.starts_with('3') && !is_there(name))
        {
            return Err(wrong(format!("its metric `{missing}` is missing")));
        }
        let score = match version {
            "2.0" => text
                .parse::<cvss::v2::Vector>()
                .map_err(|e| wrong(e.to_string()))?
                .score()
                .value(),
            "4.0" => text
                .parse::<cvss::v4::Vector>()
                .map_err(|e| wrong(e.to_string()))?
                .score()
                .value(),
            _ => text
                .parse::<cvss::v3::Vector>()
                .map_err(|e| wrong(e.to_string()))?
                .score()
                .value(),
        };
        Ok(Cvss {
            text: text.to_string(),
            version,
            score,
        })
    }
}

impl fmt::Display for Cvss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_calculators() {
        for (vector, score, severity) in [
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                9.8,
                Severity::Critical,
            ),
            (
                "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N",
                6.1,
                Severity::Medium,
            ),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5, Severity::High),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                9.3,
                Severity::Critical,
            ),
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N",
                0.0,
                Severity::None,
            ),
        ] {
            let cvss: Cvss = vector.parse().expect(vector);
            assert_eq!(
                (cvss.score(), cvss.severity()),
                (score, severity),
                "{vector}"
            );
        }
    }

    #[test]
    fn a_broken_vector_of_each_version_is_refused() {
        for vector in [
            "AV:N/AC:L/Au:N/C:P/I:P",
            "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L",
            "CVSS:3.1/AV:N",
            "CVSS:3.1/av:n/ac:l/pr:n/ui:n/s:u/c:h/i:h/a:h",
            "CVSS:4.0/av:n/ac:l/at:n/pr:n/ui:n/vc:h/vi:h/va:h/sc:n/si:n/sa:n",
            "av:n/ac:l/au:n/c:p/i:p/a:p",
            "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:4.0/AV:N/AC:L",
            "CVSS:5.0/AV:N",
            "9.8",
        ] {
            assert!(vector.parse::<Cvss>().is_err(), "{vector} was taken");
        }
    }
}
