//! The bytes of mail: header fields, encodings, parts, and the hard check of the canonical form.
//!
//! Written here and not left to a mail library, because a signature has to survive what mail servers do to a
//! message; what builders on the shelf leave in (trailing white space, lines that begin with "From ", long
//! lines, bare LF) is what breaks it.

use super::LetterError;
use crate::terms::Address;
use std::fmt::Write as _;

/// Where header lines are folded.
const COLUMNS: usize = 76;

/// The longest word that still has room behind `HP-Outer: Subject: `. RFC 2047, 2: "each line of a header field that
/// contains one or more 'encoded-word's is limited to 76 characters".
const WORD: usize = COLUMNS - 20;

/// A header field whose value has no control character and is ASCII: its words, between which it may be folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    words: Vec<String>,
    /// As mail programs show it, with nothing encoded.
    pub(super) shown: String,
}

impl Field {
    /// Free text, encoded where it has to be (RFC 2047).
    pub(super) fn text(name: &'static str, value: &str) -> Result<Field, LetterError> {
        refuse_control(name, value)?;
        let words: Vec<&str> = value.split_whitespace().collect();
        let shown = words.join(" ");
        let odd = |word: &&str| {
            !word.bytes().all(|c| c.is_ascii_graphic()) || word.contains("=?") || word.len() > WORD
        };
        let Some(first) = words.iter().position(odd) else {
            return Ok(Field {
                name,
                words: words.into_iter().map(str::to_string).collect(),
                shown,
            });
        };
        let last = words.iter().rposition(odd).unwrap_or(first);
        let mut out: Vec<String> = words[..first].iter().map(|word| word.to_string()).collect();
        out.extend(encoded_words(&words[first..=last].join(" ")));
        out.extend(words[last + 1..].iter().map(|word| word.to_string()));
        Ok(Field {
            name,
            words: out,
            shown,
        })
    }

    /// `"Name" <address>`, or the address alone.
    pub(super) fn mailbox(
        name: &'static str,
        display: Option<&str>,
        address: &Address,
    ) -> Result<Field, LetterError> {
        let Some(display) = display.map(str::trim).filter(|display| !display.is_empty()) else {
            return Ok(Field {
                name,
                words: vec![address.to_string()],
                shown: address.to_string(),
            });
        };
        let mut words = phrase(name, display)?;
        words.push(format!("<{address}>"));
        Ok(Field {
            name,
            words,
            shown: format!("{display} <{address}>"),
        })
    }

    /// RFC 2919, 2: `list-id-header = "List-ID:" [phrase] "<" list-id ">" CRLF`.
    pub(super) fn list_id(title: &str, id: &str) -> Result<Field, LetterError> {
        let mut words = phrase("List-Id", title)?;
        words.push(format!("<{id}>"));
        Ok(Field {
            name: "List-Id",
            words,
            shown: format!("{title} <{id}>"),
        })
    }

    /// Words that are ASCII already and need no encoding: ids, dates, keywords.
    pub(super) fn of(
        name: &'static str,
        words: impl IntoIterator<Item = String>,
    ) -> Result<Field, LetterError> {
        let words: Vec<String> = words.into_iter().collect();
        match words
            .iter()
            .all(|word| !word.is_empty() && word.bytes().all(|c| c.is_ascii_graphic() || c == b' '))
        {
            true => Ok(Field {
                name,
                shown: words.join(" "),
                words,
            }),
            false => Err(LetterError::Control(name)),
        }
    }

    /// Writes the field, after `before` (for `HP-Outer: `), folded.
    pub(super) fn write(&self, before: &str, out: &mut Vec<u8>) {
        let mut line = format!("{before}{}:", self.name);
        for (at, word) in self.words.iter().enumerate() {
            // A first line with nothing but the name would be legal, and is misread here and there.
            if at > 0 && line.len() + 1 + word.len() > COLUMNS {
                out.extend_from_slice(line.as_bytes());
                out.extend_from_slice(b"\r\n");
                line.clear();
            }
            line.push(' ');
            line.push_str(word);
        }
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

pub(super) fn refuse_control(what: &'static str, value: &str) -> Result<(), LetterError> {
    match value
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        true => Err(LetterError::Control(what)),
        false => Ok(()),
    }
}

/// A display name: quoted where it is ASCII, encoded otherwise.
fn phrase(name: &'static str, text: &str) -> Result<Vec<String>, LetterError> {
    refuse_control(name, text)?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_ascii() && text.len() <= WORD && !text.contains("=?") {
        return Ok(vec![format!(
            "\"{}\"",
            text.replace('\\', "\\\\").replace('"', "\\\"")
        )]);
    }
    Ok(encoded_words(&text))
}

/// RFC 2047, 2: "An 'encoded-word' may not be more than 75 characters long"; 5: "Each 'encoded-word' MUST
/// represent an integral number of characters".
fn encoded_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min((WORD - 12) / 4 * 3);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        words.push(format!(
            "=?utf-8?B?{}?=",
            base64_text(&rest.as_bytes()[..end])
        ));
        rest = &rest[end..];
    }
    words
}

/// A parameter of a structured field: `name="value"`, or the form of RFC 2231 where that cannot be.
pub(super) fn parameter(name: &str, value: &str) -> Vec<String> {
    if value.bytes().all(|c| c.is_ascii_graphic() || c == b' ')
        && value.len() <= 60
        && !value.contains(['"', '\\'])
    {
        return vec![format!("{name}=\"{value}\"")];
    }
    let mut pieces = vec![String::from("utf-8''")];
    // By character: some programs decode each piece for itself.
    for c in value.chars() {
        let piece = match c.is_ascii_alphanumeric() || "-._".contains(c) {
            true => c.to_string(),
            false => c
                .encode_utf8(&mut [0; 4])
                .bytes()
                .map(|byte| format!("%{byte:02X}"))
                .collect(),
        };
        match pieces.last_mut() {
            Some(last) if last.len() + piece.len() <= 50 => last.push_str(&piece),
            _ => pieces.push(piece),
        }
    }
    match pieces.as_slice() {
        [only] => vec![format!("{name}*={only}")],
        _ => pieces
            .iter()
            .enumerate()
            .map(|(at, piece)| format!("{name}*{at}*={piece}"))
            .collect(),
    }
}

/// A field with parameters, each on its way to the next line if need be.
pub(super) fn with_parameters(
    name: &'static str,
    value: &str,
    parameters: Vec<String>,
) -> Result<Field, LetterError> {
    let last = parameters.len();
    let words = std::iter::once(value.to_string()).chain(parameters);
    Field::of(
        name,
        words
            .enumerate()
            .map(|(at, word)| if at < last { format!("{word};") } else { word }),
    )
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0u32, |bits, (at, byte)| {
            bits | u32::from(*byte) << (16 - 8 * at)
        });
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= group.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    out
}

/// RFC 2045, 6.8: lines of 76 characters.
pub(super) fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    for line in bytes.chunks(57) {
        out.extend_from_slice(base64_text(line).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// RFC 2045, 6.7, with more encoded than it asks for: what stands at the end of a line, "From " and a dot at
/// its beginning.
pub(super) fn quoted_printable(text: &str, out: &mut Vec<u8>) {
    for line in text.lines() {
        let mut written = 0;
        let mut rest = line.chars();
        while let Some(c) = rest.next() {
            let after = rest.as_str();
            let literal = match c {
                '=' => false,
                ' ' | '\t' => !after.is_empty(),
                '.' => written > 0,
                'F' => written > 0 || !after.starts_with("rom "),
                c => c.is_ascii_graphic(),
            };
            let mut token = String::new();
            match literal {
                true => token.push(c),
                false => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
                    let _ = write!(token, "={byte:02X}");
                }),
            }
            // One column is left for the `=` of a soft line break.
            let room = if after.is_empty() {
                COLUMNS
            } else {
                COLUMNS - 1
            };
            if written + token.len() > room {
                // Between a character and the soft break no white space is at risk: `=` ends the line.
                out.extend_from_slice(b"=\r\n");
                written = 0;
                match c {
                    '.' => token = "=2E".into(),
                    'F' if after.starts_with("rom ") => token = "=46".into(),
                    _ => {}
                }
            }
            out.extend_from_slice(token.as_bytes());
            written += token.len();
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Whether a text is shorter and no less readable in base64: more than a fifth of it is not ASCII.
pub(super) fn wants_base64(text: &str) -> bool {
    text.bytes().filter(|byte| !byte.is_ascii()).count() > text.len() / 5
}

/// Whether a text can go as it is: what nobody on the way has a reason to change.
pub(super) fn is_plain(text: &str) -> bool {
    let fits = |line: &str| {
        line.bytes().all(|c| matches!(c, b' '..=b'~' | b'\t'))
            && line.len() <= COLUMNS + 2
            && !line.ends_with([' ', '\t'])
            && !line.starts_with("From ")
            && !line.starts_with('.')
    };
    text.ends_with('\n') && text.split_terminator('\n').all(fits)
}

/// Why bytes are not fit to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the part to be signed {fault}")]
pub struct NotCanonical {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What a line to be signed may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// LF without CR, CR without LF, or no line end at all.
    #[error("does not end with CRLF")]
    LineEnd,
    /// A byte that is neither a printable ASCII character nor a tab.
    #[error("has a byte that is not 7-bit text")]
    NotText,
    /// Space or tab at its end.
    #[error("ends with white space")]
    TrailingSpace,
    /// "From " at its beginning.
    #[error("begins with `From `")]
    From,
    /// More than 998 bytes.
    #[error("is longer than 998 bytes")]
    Long,
}

/// The hard check before anything is signed.
///
/// RFC 3156, 3: "all data signed according to this protocol MUST be constrained to 7 bits"; 5: "implementations
/// MUST make sure that no trailing whitespace is present after the MIME encoding has been applied". Lines that
/// begin with "From " are changed by some servers (3156, 3), and RFC 5322, 2.1.1: "Each line of characters MUST
/// be no more than 998 characters".
pub fn canonical(bytes: &[u8]) -> Result<(), NotCanonical> {
    for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let wrong = |fault| {
            Err(NotCanonical {
                line: at + 1,
                fault,
            })
        };
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return wrong(Fault::LineEnd);
        };
        match line {
            line if line.contains(&b'\r') => return wrong(Fault::LineEnd),
            line if !line.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) => {
                return wrong(Fault::NotText);
            }
            [.., b' ' | b'\t'] => return wrong(Fault::TrailingSpace),
            line if line.starts_with(b"From ") => return wrong(Fault::From),
            line if line.len() > 998 => return wrong(Fault::Long),
            _ => {}
        }
    }
    match bytes.is_empty() {
        true => Err(NotCanonical {
            line: 1,
            fault: Fault::LineEnd,
        }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(field: &Field) -> String {
        let mut out = Vec::new();
        field.write("", &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn a_header_cannot_be_injected() {
        for value in [
            "a\r\nBcc: x@y.example",
            "a\nb",
            "a\0b",
            "a\u{85}b",
            "a\u{2028}b",
        ] {
            assert_eq!(
                Field::text("Subject", value),
                Err(LetterError::Control("Subject")),
                "{value:?}"
            );
            let address = "a@b.example".parse().expect("an address");
            assert_eq!(
                Field::mailbox("To", Some(value), &address),
                Err(LetterError::Control("To")),
                "{value:?}"
            );
        }
    }

    #[test]
    fn headers_are_encoded_and_folded_and_come_back() {
        for subject in [
            "plain",
            "[TLP:AMBER] EX-2026-0007 r2: Критический: удалённое выполнение кода в шлюзе Example Gateway 7.4",
            "a =?utf-8?Q?trick?= b",
            &"long ".repeat(60),
            &"x".repeat(2_000),
            "深刻な脆弱性 🚨 in the middle of ASCII تحذير",
        ] {
            let field = written(&Field::text("Subject", subject).expect("a field"));
            assert!(
                field
                    .lines()
                    .all(|line| line.len() <= 77 && !line.ends_with(' ')),
                "{field}"
            );
            let mail = format!("{field}\r\n");
            let parsed = mail_parser::MessageParser::default()
                .parse(mail.as_bytes())
                .expect("a mail");
            let expected = subject.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(parsed.subject(), Some(expected.as_str()));
        }
    }

    #[test]
    fn display_names_come_back() {
        let address = "a@b.example".parse().expect("an address");
        for name in [
            "Example CERT",
            "O\"Brien \\ Co., Ltd.",
            "Пример CERT, Казахстан",
            "a@c.example",
        ] {
            let mail = format!(
                "{}\r\n",
                written(&Field::mailbox("From", Some(name), &address).expect("a field"))
            );
            let parsed = mail_parser::MessageParser::default()
                .parse(mail.as_bytes())
                .expect("a mail");
            let from = parsed
                .from()
                .and_then(|from| from.first())
                .expect("a sender");
            assert_eq!(
                (from.name(), from.address()),
                (Some(name), Some("a@b.example")),
                "{mail}"
            );
        }
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, 10.
        for (text, code) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64_text(text.as_bytes()), code);
        }
    }

    #[test]
    fn quoted_printable_is_canonical_and_comes_back() {
        let nasty = format!(
            "From here\n.\n..x\ntrailing \ntab\t\n=3D\n{}\nFrom {} From From \n{}.\nЖ深🚨 {}\n\n-- \n--boundary\n{}From x\n",
            "x".repeat(300),
            "y ".repeat(100),
            "z".repeat(76),
            "ж".repeat(80),
            "w".repeat(75),
        );
        let mut out = Vec::new();
        quoted_printable(&nasty, &mut out);
        assert_eq!(canonical(&out), Ok(()));
        let text = String::from_utf8(out).expect("ASCII");
        assert!(
            text.lines()
                .all(|line| line.len() <= 76 && !line.starts_with('.')),
            "{text}"
        );
        let mail = format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{text}"
        );
        let parsed = mail_parser::MessageParser::default()
            .parse(mail.as_bytes())
            .expect("a mail");
        assert_eq!(
            parsed.body_text(0).map(|body| body.replace('\r', "")),
            Some(nasty)
        );
    }

    #[test]
    fn what_would_break_a_signature_is_not_canonical() {
        let fault = |bytes: &[u8]| canonical(bytes).err().map(|e| (e.line, e.fault));
        assert_eq!(fault(b"a\r\nb c\r\n"), None);
        assert_eq!(fault(b"a\r\nb\n"), Some((2, Fault::LineEnd)));
        assert_eq!(fault(b"a\rb\r\n"), Some((1, Fault::LineEnd)));
        assert_eq!(fault(b"a"), Some((1, Fault::LineEnd)));
        assert_eq!(fault(b""), Some((1, Fault::LineEnd)));
        assert_eq!(fault(b"a \r\n"), Some((1, Fault::TrailingSpace)));
        assert_eq!(fault(b"\xc3\xa4\r\n"), Some((1, Fault::NotText)));
        assert_eq!(fault(b"\0\r\n"), Some((1, Fault::NotText)));
        assert_eq!(fault(b"From x\r\n"), Some((1, Fault::From)));
        assert_eq!(
            fault(&[&[b'x'; 999][..], b"\r\n"].concat()),
            Some((1, Fault::Long))
        );
    }

    #[test]
    fn file_names_are_parameters() {
        assert_eq!(parameter("filename", "a b.txt"), ["filename=\"a b.txt\""]);
        assert_eq!(
            parameter("filename", "ж.txt"),
            ["filename*=utf-8''%D0%B6.txt"]
        );
        let long = parameter("filename", &"ж".repeat(40));
        assert!(
            long.len() > 1
                && long[0].starts_with("filename*0*=utf-8''%D0")
                && long.iter().all(|p| p.len() < 70),
            "{long:?}"
        );
    }
}
