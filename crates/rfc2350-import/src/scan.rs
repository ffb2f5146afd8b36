//! What can be found in a text by its form: mail addresses, telephone numbers, fingerprints, URLs.

use advise_base::terms::{Address, Fingerprint, Phone};
use std::ops::Range;

/// A mail address in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Where, in bytes.
    pub span: Range<usize>,
    /// As it can be written to.
    pub address: Address,
    /// What stands in the place of the `@`, if anything.
    pub sign: Option<Range<usize>>,
}

/// Signs that are written in the place of `@`.
const SIGNS: [&str; 11] = [
    "@",
    "(at)",
    "[at]",
    "{at}",
    "<at>",
    "(@)",
    "[@]",
    "_at_",
    "(собака)",
    "[собака]",
    "(arobase)",
];

/// All mail addresses, also those with another sign than `@`.
pub fn mails(text: &str) -> Vec<Mail> {
    let lower = text.to_ascii_lowercase();
    let mut all: Vec<Mail> = Vec::new();
    let mut taken = vec![false; text.len()];
    for sign in SIGNS {
        for (at, _) in lower.match_indices(sign) {
            let is_local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
            let before = text[..at].trim_end_matches(' ');
            let local = before.len() - before.trim_end_matches(is_local).len();
            let after = &text[at + sign.len()..];
            let skipped = after.len() - after.trim_start_matches(' ').len();
            // A blank beside a real `@` ends the address.
            if sign == "@" && (skipped > 0 || before.len() < at) || local == 0 {
                continue;
            }
            let (domain, length) = domain(&after[skipped..]);
            let local = &before[before.len() - local..];
            let Ok(address) =
                format!("{}@{domain}", local.trim_start_matches('.')).parse::<Address>()
            else {
                continue;
            };
            let span = before.len() - local.len()..at + sign.len() + skipped + length;
            if taken[span.clone()].contains(&true) {
                continue;
            }
            taken[span.clone()].fill(true);
            all.push(Mail {
                span,
                address,
                sign: (sign != "@").then_some(at..at + sign.len()),
            });
        }
    }
    all.sort_by_key(|mail| mail.span.start);
    all
}

/// A domain at the beginning of a text, with `(dot)` as a dot, and its length as written.
fn domain(text: &str) -> (String, usize) {
    let mut domain = String::new();
    let mut rest = text;
    loop {
        let run = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.')
                .len();
        domain.push_str(&rest[..run]);
        rest = &rest[run..];
        let lower = rest.to_ascii_lowercase();
        let dot = [
            "(dot)",
            "[dot]",
            " (dot) ",
            " [dot] ",
            "{dot}",
            "(punkt)",
            "(точка)",
        ]
        .into_iter()
        .find(|dot| lower.starts_with(dot));
        match dot {
            Some(dot) => {
                domain.push('.');
                rest = &rest[dot.len()..];
            }
            None => break,
        }
    }
    let length = text.len() - rest.len();
    let kept = domain.trim_end_matches(['.', '-']);
    (kept.to_string(), length - (domain.len() - kept.len()))
}

/// Telephone numbers: with `+`, or in a section about telephones any with enough digits.
pub fn phones(text: &str, loose: bool) -> Vec<(Range<usize>, Phone)> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(next) =
            rest.find(|c: char| c == '+' || c == '0' || loose && (c.is_ascii_digit() || c == '('))
        else {
            break;
        };
        let start = at + next;
        let glued = text[..start]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || ".-:/".contains(c));
        let run = &text[start..];
        let end = run
            .char_indices()
            .find(|(n, c)| !(c.is_ascii_digit() || " ()-./\u{2013}".contains(*c) || *n == 0))
            .map_or(run.len(), |(n, _)| n);
        let run = run[..end].trim_end_matches(|c: char| !c.is_ascii_digit());
        // `(24/7` is of the words behind the number.
        let open = run
            .rfind('(')
            .filter(|open| *open > 0 && !run[*open..].contains(')'));
        let run = run[..open.unwrap_or(run.len())].trim_end_matches(|c: char| !c.is_ascii_digit());
        at = start + run.len().max(1);
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        let international = run.starts_with('+') || run.starts_with("00") && digits >= 10;
        let is_date = run
            .split(['-', '.', '/'])
            .filter(|part| part.len() == 4 && (part.starts_with("19") || part.starts_with("20")))
            .count()
            == 1
            && run.split(['-', '.', '/']).count() == 3
            && !run.contains(' ');
        if glued
            || is_date
            || digits < 7
            || !(international || loose)
            || text[start + run.len()..].starts_with(char::is_alphabetic)
        {
            continue;
        }
        let written = run
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace('\u{2013}', "-");
        let written = written
            .strip_prefix("00")
            .filter(|_| international)
            .map_or(written.clone(), |rest| format!("+{rest}"));
        if let Ok(phone) = written.parse::<Phone>() {
            all.push((start..start + run.len(), phone));
        }
    }
    all
}

/// Fingerprints of certificates, in one piece or in groups.
pub fn fingerprints(text: &str) -> Vec<(Range<usize>, Fingerprint)> {
    let words: Vec<(usize, &str)> = words(text);
    let hex = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_hexdigit());
    let mut all = Vec::new();
    let mut at = 0;
    'words: while at < words.len() {
        let (start, first) = words[at];
        let first = first
            .strip_prefix("0x")
            .or_else(|| first.strip_prefix("0X"))
            .unwrap_or(first);
        let mut digits = String::new();
        for (n, (place, word)) in words[at..].iter().enumerate() {
            let word = if n == 0 { first } else { word };
            let gap = if n == 0 {
                ""
            } else {
                let (before, own) = words[at + n - 1];
                &text[before + own.len()..*place]
            };
            let joined = gap
                .chars()
                .all(|c| c.is_whitespace() || matches!(c, ':' | '-' | '.' | '\\' | '|'));
            if !hex(word) || !joined || n > 0 && word.len() != first.len() || n > 32 {
                break;
            }
            digits.push_str(word);
            let ends_here = words
                .get(at + n + 1)
                .is_none_or(|(_, next)| !hex(next) || next.len() != first.len());
            if matches!(digits.len(), 40 | 64)
                && (ends_here || digits.len() == 64)
                && let Ok(fingerprint) = digits.parse::<Fingerprint>()
            {
                all.push((start..place + words[at + n].1.len(), fingerprint));
                at += n + 1;
                continue 'words;
            }
        }
        at += 1;
    }
    all
}

/// Key IDs of 32 bits: eight hexadecimal digits that are called so.
pub fn short_ids(text: &str) -> Vec<Range<usize>> {
    let taken = fingerprints(text);
    let lower = text.to_lowercase();
    let about = [
        "key id",
        "keyid",
        "key-id",
        "schlüssel-id",
        "id ключ",
        "ключ",
        "key",
        "pgp",
        "clé",
    ]
    .iter()
    .any(|word| lower.contains(word));
    let is_id = |(at, word): &(usize, &str)| {
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let bare = digits.unwrap_or(word);
        bare.len() == 8
            && bare.bytes().all(|c| c.is_ascii_hexdigit())
            && (digits.is_some()
                || about
                    && bare.bytes().any(|c| c.is_ascii_digit())
                    && bare.bytes().any(|c| c.is_ascii_alphabetic())
                || lower.contains("id")
                    && about
                    && bare.bytes().all(|c| c.is_ascii_digit())
                    && !is_day(bare))
            && !taken.iter().any(|(span, _)| span.contains(at))
    };
    words(text)
        .into_iter()
        .filter(is_id)
        .map(|(at, word)| at..at + word.len())
        .collect()
}

/// `20261122` is a date.
fn is_day(digits: &str) -> bool {
    (digits.starts_with("19") || digits.starts_with("20"))
        && digits
            .get(4..6)
            .is_some_and(|month| ("01"..="12").contains(&month))
}

/// Addresses of pages, and those that would be if they had a colon.
pub fn urls(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut all: Vec<Range<usize>> = Vec::new();
    for scheme in ["https://", "http://", "ftp://"] {
        for (at, _) in lower.match_indices(scheme) {
            let rest = &text[at..];
            let end = rest
                .find(|c: char| c.is_whitespace() || "<>\"'|«»“”".contains(c))
                .unwrap_or(rest.len());
            let url =
                rest[..end].trim_end_matches(['.', ',', ';', ':', ')', ']', '!', '?', '*', '_']);
            if url.len() > scheme.len() {
                all.push(at..at + url.len());
            }
        }
    }
    all.sort_by_key(|span| span.start);
    all
}

/// Words of letters and digits, with their places.
fn words(text: &str) -> Vec<(usize, &str)> {
    let place = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| (place(word), word))
        .collect()
}

/// Whether a text has exactly this label, and not only a longer one that begins with it.
pub fn has_label(text: &str, label: &str) -> bool {
    let whole = format!("TLP:{label}");
    text.match_indices(&whole)
        .any(|(at, _)| !text[at + whole.len()..].starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_however_they_are_written() {
        for (text, address) in [
            ("Write to cert@example.org.", "cert@example.org"),
            (
                "reports(at)cert.example.org, or",
                "reports@cert.example.org",
            ),
            ("cert [at] example [dot] org", "cert@example.org"),
            ("<Team.A+b@EXAMPLE.org>", "Team.A+b@example.org"),
        ] {
            let found = mails(text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].address.as_str(), address);
        }
        assert!(mails("at noon (at) night, 5 @ 3, a@b").is_empty());
    }

    #[test]
    fn numbers_that_can_be_called_are_found() {
        let first = |text: &str, loose| {
            phones(text, loose)
                .first()
                .map(|(_, phone)| phone.to_string())
        };
        assert_eq!(
            first("+7 727 555 1725(not safe)", false).as_deref(),
            Some("+7 727 555 1725")
        );
        assert_eq!(
            first("+43 1 555 0101 (24/7 emergency)", true).as_deref(),
            Some("+43 1 555 0101")
        );
        assert_eq!(
            first("Tel.: 0049 30 5550100, all day", false).as_deref(),
            Some("+49 30 5550100")
        );
        assert_eq!(
            first("(030) 555-0100", true).as_deref(),
            Some("(030) 555-0100")
        );
        for text in [
            "2026-11-22",
            "22.11.2026",
            "08:00 to 16:00",
            "3956 A25E AC69 B0F0",
            "AS64500",
        ] {
            assert_eq!(first(text, true), None, "{text}");
        }
    }

    #[test]
    fn fingerprints_and_what_is_none() {
        let digits = "3956A25EAC69B0F046A075935F7C9493AC732CE5";
        for text in [
            format!("is {digits}."),
            "the key 3956 A25E AC69 B0F0 46A0  7593 5F7C 9493 AC73 2CE5.".into(),
            "0x3956A25EAC69B0F046A075935F7C9493AC732CE5".into(),
            "39:56:A2:5E:AC:69:B0:F0:46:A0:75:93:5F:7C:94:93:AC:73:2C:E5".into(),
        ] {
            assert_eq!(fingerprints(&text).len(), 1, "{text}");
            assert_eq!(fingerprints(&text)[0].1.to_string(), digits);
            assert!(short_ids(&text).is_empty(), "{text}");
        }
        assert!(fingerprints("3956 A25E AC69 B0F0").is_empty());
        assert_eq!(short_ids("whose KeyID is AC732CE5 and").len(), 1);
        assert_eq!(short_ids("Key ID: 0xAC732CE5").len(), 1);
        assert!(short_ids("our key of 20261122").is_empty());
    }
}
