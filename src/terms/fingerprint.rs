use super::{Wrong, shorten};
use std::{fmt, str::FromStr, sync::Arc};

/// The fingerprint of an OpenPGP certificate: 40 (v4) or 64 (v6) hexadecimal digits, in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(Arc<str>);

impl Fingerprint {
    /// The digits, in capitals, without spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In groups of four with a gap in the middle, as people compare them.
    pub fn spaced(&self) -> String {
        let groups: Vec<&str> = (0..self.0.len()).step_by(4).map(|i| &self.0[i..i + 4]).collect();
        let (left, right) = groups.split_at(groups.len() / 2);
        format!("{}  {}", left.join(" "), right.join(" "))
    }
}

impl FromStr for Fingerprint {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Fingerprint, Wrong> {
        let digits: String = text.chars().filter(|c| *c != ' ').collect::<String>().to_ascii_uppercase();
        let digits = digits.strip_prefix("0X").unwrap_or(&digits);
        if matches!(digits.len(), 40 | 64) && digits.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Ok(Fingerprint(digits.into()));
        }
        let wrong = Wrong::new(format!("`{}` is not a certificate's fingerprint", shorten(text)));
        Err(match digits.len() {
            8 | 16 => wrong.hint("this is a key ID, which can be forged: give the whole fingerprint of 40 or 64 digits"),
            _ => wrong.hint("write all 40 (or 64) hexadecimal digits"),
        })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
