//! Bytes of unknown origin as text: encodings, line ends, what a mail program did to them. The only door of
//! `encoding_rs` and `chardetng`.

use super::Unreadable;
use advise_base::terms::is_foul;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The longest file that is read. Real documents have up to 60 KB; a saved page with pictures inside has more.
const LONGEST: usize = 4 << 20;

/// A text, and what had to be done to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// With `\n` only, without control characters but tab and form feed.
    pub text: String,
    /// The encoding's name, as the Encoding Standard has it.
    pub encoding: &'static str,
    /// How many characters could not be read.
    pub damaged: usize,
    /// Whether soft line breaks and `=XX` of a mail were resolved.
    pub quoted_printable: bool,
}

/// Reads bytes as text.
pub fn decode(bytes: &[u8]) -> Result<Decoded, Unreadable> {
    if bytes.len() > LONGEST {
        return Err(Unreadable::TooLong {
            size: bytes.len(),
            most: LONGEST,
        });
    }
    for (start, what) in [
        (
            &b"%PDF"[..],
            "a PDF file; convert it with `pdftotext -layout`",
        ),
        (
            b"PK\x03\x04",
            "an archive or office document; save it as text or HTML",
        ),
        (
            b"\xd0\xcf\x11\xe0",
            "an office document; save it as text or HTML",
        ),
        (b"{\\rtf", "a rich text file; save it as text or HTML"),
        (b"\x1f\x8b", "a compressed file; unpack it"),
    ] {
        if bytes.starts_with(start) {
            return Err(Unreadable::NotText(what));
        }
    }
    let (bytes, quoted_printable) = match unquoted(bytes) {
        Some(plain) => (plain.into(), true),
        None => (std::borrow::Cow::Borrowed(bytes), false),
    };
    let encoding = guess(&bytes);
    let (text, encoding, _) = encoding.decode(&bytes);
    let damaged = text.matches('\u{fffd}').count();
    let odd = text
        .chars()
        .filter(|c| is_foul(*c) && !matches!(c, '\u{c}' | '\u{85}') || *c == '\u{fffd}')
        .count();
    if odd * 10 > text.chars().count() {
        return Err(Unreadable::NotText(
            "no text: too many of its characters cannot be shown",
        ));
    }
    Ok(Decoded {
        text: plain(&text),
        encoding: encoding.name(),
        damaged,
        quoted_printable,
    })
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    // UTF-16 without its mark: every other byte of a text in ASCII is zero.
    let zeros = |odd: usize| {
        bytes
            .iter()
            .skip(odd)
            .step_by(2)
            .take(2000)
            .filter(|byte| **byte == 0)
            .count()
    };
    let half = (bytes.len() / 2).min(2000);
    match (zeros(0), zeros(1)) {
        (even, odd) if half > 4 && odd * 10 > half * 4 && even * 10 < half => return UTF_16LE,
        (even, odd) if half > 4 && even * 10 > half * 4 && odd * 10 < half => return UTF_16BE,
        _ => {}
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    // A few damaged bytes in a text that is UTF-8 otherwise.
    let lossy = String::from_utf8_lossy(bytes);
    let (bad, good) = lossy.chars().filter(|c| !c.is_ascii()).fold(
        (0_usize, 0_usize),
        |(bad, good), c| match c {
            '\u{fffd}' => (bad + 1, good),
            _ => (bad, good + 1),
        },
    );
    if good > bad * 4 {
        return UTF_8;
    }
    declared(bytes).unwrap_or_else(|| {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        detector.guess(None, Utf8Detection::Deny)
    })
}

/// What a page says of itself: `<meta charset="…">`.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).to_ascii_lowercase();
    let at = head.find("charset=")? + "charset=".len();
    let name: String = head[at..]
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| !" \"'>;/".contains(*c))
        .collect();
    // A file that says UTF-16 in ASCII is not.
    Encoding::for_label(name.as_bytes())
        .filter(|encoding| ![UTF_8, UTF_16BE, UTF_16LE].contains(encoding))
}

/// RFC 2045, 6.7, of a text that was saved from a mail; `None` if it does not look like one. Lines that were broken
/// for the transport become one again, with the empty lines after them that keep the count.
fn unquoted(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_hex = |pair: &[u8]| {
        pair.iter()
            .all(|c| c.is_ascii_digit() || (b'A'..=b'F').contains(c))
    };
    let codes = bytes
        .windows(3)
        .filter(|w| w[0] == b'=' && is_hex(&w[1..]))
        .count();
    let lines = || {
        bytes
            .split(|c| *c == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    };
    let soft = lines()
        .filter(|line| line.ends_with(b"=") && !line.ends_with(b"==") && line.len() > 60)
        .count();
    // A page has `=` before values, an armored key at the ends of lines; in both they are few, or in one kind only.
    if codes < 3 || soft < 3 || !bytes.is_ascii() {
        return None;
    }
    let (mut out, mut owed) = (Vec::with_capacity(bytes.len()), 0);
    for line in lines() {
        let soft = line.ends_with(b"=");
        let line = if soft { &line[..line.len() - 1] } else { line };
        let mut rest = line;
        while let Some(byte) = rest.first() {
            let code = rest.get(1..3).filter(|pair| *byte == b'=' && is_hex(pair));
            let value = code
                .and_then(|pair| std::str::from_utf8(pair).ok())
                .and_then(|pair| u8::from_str_radix(pair, 16).ok());
            out.push(value.unwrap_or(*byte));
            rest = &rest[if value.is_some() { 3 } else { 1 }..];
        }
        match soft {
            true => owed += 1,
            false => out.extend(std::iter::repeat_n(b'\n', 1 + std::mem::take(&mut owed))),
        }
    }
    Some(out)
}

/// One kind of line end and of space, and nothing that cannot be seen.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\u{85}' | '\u{b}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\u{c}' | '\t' | '\n' => out.push(c),
            '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}' => out.push(' '),
            '\u{ad}'
            | '\u{200b}'
            | '\u{2060}'
            | '\u{feff}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {}
            c if is_foul(c) => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUSSIAN: &str = "Группа реагирования отвечает на сообщения в рабочее время и помогает всем, кто к ней обратился.\n";
    const GERMAN: &str = "Das Team hilft den Behörden für Übungen, Prüfungen und Vorfälle. Größere Fälle klärt es später.\n";

    fn check(bytes: &[u8], text: &str) {
        let decoded = decode(bytes).expect("text");
        assert_eq!(
            (decoded.text.as_str(), decoded.damaged),
            (text, 0),
            "{}",
            decoded.encoding
        );
    }

    #[test]
    fn encodings_that_teams_use_are_read() {
        let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| {
            text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
        };
        for text in [RUSSIAN, GERMAN] {
            check(text.as_bytes(), text);
            check(format!("\u{feff}{text}").as_bytes(), text);
            check(&utf16(&format!("\u{feff}{text}"), u16::to_le_bytes), text);
            check(&utf16(&format!("\u{feff}{text}"), u16::to_be_bytes), text);
        }
        check(
            &utf16("Plain words without a mark\n", u16::to_le_bytes),
            "Plain words without a mark\n",
        );
        for (name, text) in [
            ("koi8-r", RUSSIAN),
            ("windows-1251", RUSSIAN),
            ("windows-1252", GERMAN),
        ] {
            let (bytes, _, lost) = Encoding::for_label(name.as_bytes())
                .expect("a known name")
                .encode(text);
            assert!(!lost);
            check(&bytes, text);
        }
    }

    #[test]
    fn there_is_one_line_end_and_one_space() {
        check(b"a\r\nb\rc\xc2\xa0d\x00\x0c\n", "a\nb\nc d\u{c}\n");
    }

    #[test]
    fn what_a_mail_did_is_undone_and_lines_keep_their_numbers() {
        let long = "x".repeat(70);
        let text = format!("{long}=C3=BC=\nber\n{long}=20=\nb\n{long}=3D=\nc\nlast\n");
        let decoded = decode(text.as_bytes()).expect("text");
        assert!(decoded.quoted_printable);
        assert!(decoded.text.starts_with(&format!("{long}über\n\n")));
        assert_eq!(decoded.text.lines().nth(6), Some("last"));
        // An armored key and a page are none.
        for text in ["=AB\n=CD\n=EF\n", "<a href=FA class=AB id=CD>\n"] {
            assert!(!decode(text.as_bytes()).expect("text").quoted_printable);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let noise: Vec<u8> = (0..4000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        for bytes in [&b"%PDF-1.4"[..], b"PK\x03\x04rest", &[0; 200], &noise] {
            assert!(
                matches!(decode(bytes), Err(Unreadable::NotText(_))),
                "{:?}",
                decode(bytes)
            );
        }
        assert!(matches!(
            decode(&vec![b'a'; LONGEST + 1]),
            Err(Unreadable::TooLong { .. })
        ));
    }
}
