//! Whatever a file holds: no crash, no hang, nothing lost.

use super::*;
use rfc2350_import::{Block, Kind};

/// The same numbers in each run (xorshift).
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).expect("small")
    }
}

/// How often; more with `ADVISE_ROUNDS=100`, for whoever has the time.
fn rounds(few: usize) -> usize {
    std::env::var("ADVISE_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(few)
}

/// Reads and imports; what is refused is refused for a reason that is not ours.
fn survives(bytes: &[u8]) {
    let Ok(document) = try_read(bytes) else {
        return;
    };
    if let Err(error) = try_import(&document) {
        panic!("{error}\n---\n{}\n---", String::from_utf8_lossy(bytes));
    }
    drop(rfc2350_import::judge(&document, &[], &[], &now()));
}

fn documents() -> Vec<Vec<u8>> {
    let mut all = vec![twin("sound.txt"), twin("fjord.txt")];
    let html: String = super::base::SECTIONS
        .iter()
        .map(|(n, t, b)| format!("<h2>{n} {t}</h2>\n<p>{b}</p>\n"))
        .collect();
    let markdown: String = super::base::SECTIONS
        .iter()
        .map(|(n, t, b)| format!("## {n} {t}\n\n{b}\n\n"))
        .collect();
    all.extend([
        format!("<!doctype html><nav>x</nav>{html}").into_bytes(),
        markdown.into_bytes(),
    ]);
    all
}

#[test]
fn changed_documents_lose_nothing() {
    const PIECES: [&str; 32] = [
        "\n",
        "\n\n",
        "- - ",
        "2.4 ",
        "#",
        "<",
        "<div class=menu>",
        "</div>",
        "```\n",
        "|",
        "\\",
        "&amp;",
        "[x]: y",
        "![a](b)",
        "<!--",
        "-->",
        "<script>",
        "\u{c}",
        "Page 3 of 9\n",
        "TLP:CLEAR\n",
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n",
        "-----BEGIN PGP SIGNATURE-----\n",
        "*",
        "> ",
        "1. ",
        ": ",
        "+49 40 5550100",
        "cert(at)example.org",
        "\u{202e}",
        "é",
        "\t",
        "=\n",
    ];
    let mut dice = Dice(0x2350);
    for document in documents() {
        let text = String::from_utf8(document).expect("UTF-8");
        for _ in 0..rounds(10) {
            let mut chars: Vec<char> = text.chars().collect();
            for _ in 0..1 + dice.next(12) {
                let at = dice.next(chars.len());
                match dice.next(6) {
                    0 => drop(chars.drain(at..(at + 1 + dice.next(200)).min(chars.len()))),
                    1 => {
                        let end = (at + dice.next(300)).min(chars.len());
                        let copy: Vec<char> = chars[at..end].to_vec();
                        let to = dice.next(chars.len());
                        chars.splice(to..to, copy);
                    }
                    2 => {
                        chars[at] = char::from_u32(u32::try_from(dice.next(0x500)).expect("small"))
                            .unwrap_or('x')
                    }
                    _ => {
                        let piece = PIECES[dice.next(PIECES.len())];
                        chars.splice(at..at, piece.chars());
                    }
                }
            }
            survives(chars.into_iter().collect::<String>().as_bytes());
        }
    }
}

#[test]
fn damaged_bytes_do_no_harm() {
    let mut dice = Dice(0x5322);
    for document in documents() {
        for _ in 0..rounds(5) {
            let mut bytes = document.clone();
            for _ in 0..dice.next(30) {
                let at = dice.next(bytes.len());
                bytes[at] = u8::try_from(dice.next(256)).expect("a byte");
            }
            bytes.truncate(dice.next(bytes.len()) + 1);
            survives(&bytes);
        }
    }
    for length in [0, 1, 2, 3, 50, 5000] {
        survives(
            &(0..length)
                .map(|_| u8::try_from(dice.next(256)).expect("a byte"))
                .collect::<Vec<_>>(),
        );
    }
}

#[test]
fn odd_files_do_no_harm() {
    for text in [
        "\n\n\n",
        "x",
        "2.4",
        "1\n2\n3\n",
        "# ",
        "##",
        "<p>",
        "<a href=",
        "-----BEGIN PGP SIGNED MESSAGE-----\n\n-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n",
        "RFC 2350",
        "...",
        "1.1 Date of Last Update",
        "* * *\n- - -\n",
        "<!doctype html>",
        "[1]: x\n[2]: y\n",
        "Contents\n1 Document Information ... 1\n",
    ] {
        survives(text.as_bytes());
    }
}

#[test]
fn large_files_end_soon_or_are_refused() {
    let many = |line: &str, count: usize| line.repeat(count).into_bytes();
    survives(&many("1.1 Date of Last Update\n", 5_000));
    survives(&many(
        "2.4 Telephone Number 2.5 Facsimile Number 2.6 Other Telecommunication ",
        1_000,
    ));
    survives(&many("<div><p>Deep", 5_000));
    survives(&many(
        "a@b.example cert(at)example.org +49 40 5550100 8C1B20DE ",
        1_500,
    ));
    survives(&many("Address\n\n", 3_000));
    survives(&many("word ", 50_000));
    assert!(matches!(
        try_read(&many("x\n", 30_000)),
        Err(rfc2350_import::Unreadable::TooManyLines { .. })
    ));
    assert!(matches!(
        try_read(&many("x", 5 << 20)),
        Err(rfc2350_import::Unreadable::TooLong { .. })
    ));
}

fn letters(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn says(text: &str) -> String {
    let kind = Kind::Text;
    rfc2350_import::markdown(
        &[Block {
            kind,
            lines: text
                .lines()
                .enumerate()
                .map(|(n, line)| (n + 1, line.to_string()))
                .collect(),
            tight: false,
        }],
        text_of,
    )
}

#[test]
fn plain_text_stays_as_it_is() {
    for text in [
        "A fax (this is *not* secure) is [TLP Color].",
        "See <https://cert.example.org/a_b> & co, or <a@example.org>.",
        "1. One",
    ] {
        assert_eq!(says(text), format!("{text}\n"));
    }
}

#[test]
fn nothing_is_swallowed_or_refused() {
    for text in [
        "# no heading",
        "[1]: https://example.org/ \"x\"",
        "<script>alert(1)</script>",
        "a <!-- b --> c",
        "&copy; 2026 &#x41;",
        "---",
        "| a |",
        "```\nx",
        "![x](y)",
        "[x](javascript:alert(1))",
        "[x](/../y)",
        "\\# x",
        "[^1]: note",
        "> quoted",
        "- item",
        "+ 7 727",
        "a\n===",
        "~~gone~~",
    ] {
        let made = says(text);
        assert!(markdown::lint(&made).is_empty(), "{text:?}: {made}");
        assert!(
            letters(&markdown::text(&made, 200)).contains(&letters(text)),
            "{text:?}: {made}"
        );
    }
}

#[test]
fn long_lines_are_broken_where_nothing_begins() {
    let text = format!(
        "{} - and # 1. {}",
        "word ".repeat(15).trim(),
        "more ".repeat(30).trim()
    );
    let made = says(&text);
    assert!(
        made.lines()
            .all(|line| line.chars().count() <= 90 && !line.starts_with(['-', '#', '1'])),
        "{made}"
    );
}
