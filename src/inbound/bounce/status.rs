//! Status codes (RFC 3463) in a server's words.

use crate::receipt::Verdict;

/// The first status code of a failure in a text: `5.1.1`, also as `(#5.1.1)`.
///
/// A number of a version or an address has a dot or digit beside it, and no status code does.
pub fn code(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(offset) = text[at..].find(['4', '5']) {
        let start = at + offset;
        at = start + 1;
        let before = start.checked_sub(1).map(|i| bytes[i]);
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == b'.') {
            continue;
        }
        let length = bytes[start..]
            .iter()
            .take_while(|c| c.is_ascii_digit() || **c == b'.')
            .count();
        let word = text[start..start + length].trim_end_matches('.');
        if is_code(word)
            && !bytes
                .get(start + word.len())
                .is_some_and(u8::is_ascii_alphanumeric)
        {
            return Some(word.to_string());
        }
    }
    None
}

/// Whether a word is a status code.
pub fn is_code(word: &str) -> bool {
    // RFC 3463, 2: status-code = class "." subject "." detail; class 2, 4 or 5, the others of one to three digits.
    let digits =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
    match word.split('.').collect::<Vec<_>>()[..] {
        [class, subject, detail] => {
            matches!(class, "2" | "4" | "5") && digits(subject) && digits(detail)
        }
        _ => false,
    }
}

/// What the class of a status or reply code says; none for success, and where there is no code.
pub fn verdict(code: &str) -> Option<Verdict> {
    match code.trim_start().as_bytes().first() {
        Some(b'5') => Some(Verdict::Hard),
        Some(b'4') => Some(Verdict::Soft),
        _ => None,
    }
}

/// The first reply code of SMTP in a text (RFC 5321, 4.2), if it tells of a failure.
pub fn reply(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .find(|word| {
            word.len() == 3
                && word.bytes().all(|c| c.is_ascii_digit())
                && matches!(word.as_bytes()[0], b'4' | b'5')
                && word.as_bytes()[1] < b'6'
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_code_is_found_and_an_address_of_a_host_is_not_one() {
        for (text, found) in [
            ("550 5.1.1 <ada@example.org>... User unknown", Some("5.1.1")),
            (
                "Sorry, no mailbox here by that name. (#5.1.1)",
                Some("5.1.1"),
            ),
            ("550-5.7.26 Unauthenticated email", Some("5.7.26")),
            (
                "host mx.example.org [192.0.2.5] said: 452 4.2.2.",
                Some("4.2.2"),
            ),
            ("5.4.4: no such domain", Some("5.4.4")),
            ("host [5.1.1.9] did not answer", None),
            ("version 15.1.2, queued as 2.0.0", None),
            ("postfix 2.11.", None),
            ("", None),
            ("е5.1.1", Some("5.1.1")),
        ] {
            assert_eq!(code(text).as_deref(), found, "{text}");
        }
    }

    #[test]
    fn a_reply_code_is_a_number_of_its_own() {
        assert_eq!(reply("said: 550 no such user"), Some("550"));
        assert_eq!(reply("host 10.0.0.450, port 25: 2550 tries"), None);
        assert_eq!(reply("421-4.7.0 slow down"), Some("421"));
    }
}
