use super::{Wrong, shorten};
use std::{cmp::Ordering, fmt, str::FromStr};

/// A mail address, `local@domain`, in ASCII; the domain is kept in lower case.
///
/// `Debug` hides the local part, so that no constituent's address gets into a log by way of `{:?}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(Box<str>);

impl Address {
    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        self.halves().0
    }

    /// What stands after the `@`, in lower case.
    pub fn domain(&self) -> &str {
        self.halves().1
    }

    fn halves(&self) -> (&str, &str) {
        self.0.rsplit_once('@').expect("an address has an `@`")
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two spellings of one mailbox are equal: all in lower case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The order of [`Address::key`], without making it.
    pub fn cmp_keys(&self, other: &Address) -> Ordering {
        let [a, b] = [self, other].map(|address| address.0.bytes().map(|c| c.to_ascii_lowercase()));
        a.cmp(b)
    }
}

impl FromStr for Address {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Address, Wrong> {
        let wrong = |why: &str| {
            Wrong::new(format!("`{}` is not a mail address: {why}", shorten(text)))
                .hint("write it as `name@example.org`")
        };
        let (local, domain) = text
            .rsplit_once('@')
            .ok_or_else(|| wrong("it has no `@`"))?;
        if !text.is_ascii() {
            return Err(wrong("it has letters outside ASCII")
                .hint("write an international domain in its `xn--` form"));
        }
        // RFC 5321, 4.1.2: a dot-string; quoted local parts are not taken, they only ever help an attacker here.
        let atom = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&c);
        if local.is_empty() || local.len() > 64 || !local.bytes().all(atom) {
            return Err(wrong(
                "what stands before the `@` has a character that does not belong there",
            ));
        }
        if local.starts_with('.')
            || local.ends_with('.')
            || local.contains("..")
            || local.starts_with('-')
        {
            return Err(wrong(
                "what stands before the `@` has a dot or hyphen in the wrong place",
            ));
        }
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
        };
        if domain.len() > 253
            || !domain.contains('.') && domain != "localhost"
            || !domain.split('.').all(label)
        {
            return Err(wrong("what stands after the `@` is not a domain"));
        }
        Ok(Address(
            format!("{local}@{}", domain.to_ascii_lowercase()).into(),
        ))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.domain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_hidden_from_debug() {
        let address: Address = "Ada.Example@Uni.Example.ORG".parse().expect("an address");
        assert_eq!(address.as_str(), "Ada.Example@uni.example.org");
        assert_eq!(
            (address.local(), address.domain()),
            ("Ada.Example", "uni.example.org")
        );
        assert_eq!(format!("{address:?}"), "…@uni.example.org");
    }

    #[test]
    fn what_could_smuggle_a_header_or_an_option_is_no_address() {
        for text in [
            "",
            "ada",
            "@x.org",
            "ada@",
            "a b@x.org",
            "a\r\nBcc: m@x.org",
            "a@x.org\r\nBcc: y@z.org",
            "ada@-x.org",
            "-oQ/tmp@x.org",
            "a..b@x.org",
            "a@x..org",
            "\"a\"@x.org",
            "а@x.org",
            "a@[127.0.0.1]",
            "a@b@x.org ",
            "<a@x.org>",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?} was taken");
        }
    }
}
