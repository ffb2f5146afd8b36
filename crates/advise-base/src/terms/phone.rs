use super::{Wrong, shorten};
use std::{fmt, str::FromStr};

/// A telephone number as people write it: `+7 727 555 0100`, `+49 (30) 5550-100 ext. 12`, `112`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can be dialled from abroad: it begins with `+` and the country's code.
    pub fn is_international(&self) -> bool {
        self.0.starts_with('+')
    }

    /// Whether it is one of the short numbers of a country, such as `112`.
    pub fn is_short(&self) -> bool {
        self.0.bytes().filter(u8::is_ascii_digit).count() < 7
    }
}

impl FromStr for Phone {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Phone, Wrong> {
        let text = text.trim();
        let wrong = |why: &str| {
            Wrong::new(format!(
                "`{}` is not a telephone number: {why}",
                shorten(text)
            ))
            .hint("write it with the country's code, in quotes: `\"+7 727 555 0100\"`")
        };
        let lower = text.to_ascii_lowercase();
        let (number, extension) = match lower.find("ext") {
            Some(at) => (
                &lower[..at],
                Some(lower[at + 3..].trim_start_matches('.').trim()),
            ),
            None => (lower.as_str(), None),
        };
        if let Some(c) = number
            .chars()
            .find(|c| !c.is_ascii_digit() && !"+ ()-./".contains(*c))
        {
            return Err(wrong(&format!(
                "it has `{}`",
                if c.is_control() { ' ' } else { c }
            )));
        }
        if number.chars().skip(1).any(|c| c == '+') {
            return Err(wrong("`+` stands only at its beginning"));
        }
        // ITU-T E.164, 6.2.1: at most 15 digits with the country's code; three is the shortest emergency number.
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        if !(3..=15).contains(&digits) {
            return Err(wrong("it has to have 3 to 15 digits"));
        }
        if extension
            .is_some_and(|e| e.is_empty() || e.len() > 8 || !e.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(wrong("after `ext.` stand the digits of the extension"));
        }
        Ok(Phone(text.to_string()))
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_people_write_are_taken() {
        for text in [
            "+7 727 555 0100",
            "+49 (30) 5550-100 ext. 12",
            "112",
            "8 800 555 01 00",
            "+44.20.5550.0100",
        ] {
            assert!(text.parse::<Phone>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        for text in [
            "",
            "on request",
            "+7 727 555 01OO",
            "12",
            "7 + 727 555 0100",
            "+1234567890123456",
            "+7 727 555 0100 ext.",
        ] {
            assert!(text.parse::<Phone>().is_err(), "{text} was taken");
        }
    }
}
