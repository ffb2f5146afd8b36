//! Finds canaries: words that stand nowhere else, followed by the number of what they belong to.

use crate::harness::from_facts::World;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// In every text of an advisory: `kanarek0042t`; the letter after the number says in which part.
pub const CANARY: &str = "kanarek";
/// In every address and name of a constituent: `oriole0007`.
pub const ORIOLE: &str = "oriole";
/// In every id: `EX-2026-0042`.
pub const ID: &str = "ex-2026-";

pub type Traces = BTreeSet<(u32, char)>;

/// Every number and letter after a word, whatever its capitals, with the soft line breaks of quoted-printable undone.
pub fn traces(bytes: &[u8], word: &str) -> Traces {
    let mut found = Traces::new();
    let small = bytes.to_ascii_lowercase();
    collect(&unfold(&small), word, &mut found);
    found
}

pub fn numbers(bytes: &[u8], word: &str) -> BTreeSet<u32> {
    traces(bytes, word)
        .into_iter()
        .map(|(number, _)| number)
        .collect()
}

fn collect(small: &[u8], word: &str, found: &mut Traces) {
    let finder = word.as_bytes();
    let mut from = 0;
    while let Some(at) = position(&small[from..], finder) {
        let end = from + at + finder.len();
        let digits = small[end..]
            .iter()
            .take(4)
            .take_while(|c| c.is_ascii_digit())
            .count();
        // A word without its whole number is a trace as well.
        let number = std::str::from_utf8(&small[end..end + digits])
            .ok()
            .filter(|text| text.len() == 4);
        let letter = small.get(end + digits).map_or(' ', |c| char::from(*c));
        found.insert((
            number
                .and_then(|text| text.parse().ok())
                .unwrap_or(u32::MAX),
            letter,
        ));
        from = end;
    }
}

/// Where a word begins. The first letter is sought by the standard library, which is fast in a debug build too.
pub fn position(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let first = *word.first()?;
    let mut from = 0;
    // `split` and `position` of slices are slow without optimisation; `BufRead::skip_until` is `memchr`.
    while from < bytes.len() {
        let mut rest = &bytes[from..];
        let passed = io::BufRead::skip_until(&mut rest, first).expect("memory can be read");
        let at = from + passed - 1;
        if bytes[at] != first {
            return None;
        }
        if bytes[at..].starts_with(word) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn unfold(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = position(rest, b"=") {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        rest = match from {
            [b'=', b'\r', b'\n', more @ ..] | [b'=', b'\n', more @ ..] => more,
            _ => {
                out.push(b'=');
                &from[1..]
            }
        };
    }
    out.extend_from_slice(rest);
    out
}

/// The first form in which a word is in these bytes: plain, quoted-printable, base64 at any phase, hexadecimal,
/// UTF-16; across line breaks too.
pub fn trace_in_any_form(bytes: &[u8], word: &str) -> Option<String> {
    if !traces(bytes, word).is_empty() {
        return Some("in the clear".into());
    }
    let joined = bytes
        .split(|c| matches!(c, b'\r' | b'\n'))
        .collect::<Vec<_>>()
        .concat();
    let joined_small = joined.to_ascii_lowercase();
    let capital = word[..1].to_uppercase() + &word[1..];
    for spelled in [word.to_string(), capital, word.to_uppercase()] {
        let letters = spelled.as_bytes();
        for phase in 0..3 {
            let padded = [&b"\0\0\0"[..phase], letters].concat();
            let code = openssl::base64::encode_block(&padded);
            // Letters that also depend on what stands before or after are left out.
            let (start, end) = ([0, 2, 3][phase], padded.len() * 8 / 6);
            if position(&joined, &code.as_bytes()[start..end]).is_some() {
                return Some(format!("in base64, phase {phase}"));
            }
        }
        let hex: String = letters.iter().map(|byte| format!("{byte:02x}")).collect();
        if position(&joined_small, hex.as_bytes()).is_some() {
            return Some("in hexadecimal".into());
        }
        let wide: Vec<u8> = letters.iter().flat_map(|byte| [*byte, 0]).collect();
        if position(bytes, &wide).is_some() {
            return Some("in UTF-16".into());
        }
    }
    None
}

/// All files below a folder, with their bytes, sorted.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let bytes = fs::read(&path).expect("read");
                    all.push((path, bytes));
                }
            }
        }
    }
    all.sort();
    all
}

#[test]
fn a_canary_is_found_in_whatever_form() {
    use openssl::base64::encode_block;
    for before in ["", "a", "ab", "abc", "a long text before "] {
        let text = format!("{before}kanarek0042t");
        let wrapped: String = encode_block(text.as_bytes())
            .as_bytes()
            .chunks(5)
            .map(|c| String::from_utf8_lossy(c) + "\r\n")
            .collect();
        assert!(
            trace_in_any_form(wrapped.as_bytes(), CANARY)
                .is_some_and(|form| form.starts_with("in base64")),
            "{wrapped}"
        );
        assert_eq!(
            traces(text.to_uppercase().as_bytes(), CANARY),
            Traces::from([(42, 't')])
        );
    }
    assert_eq!(
        traces(b"xx kana=\r\nrek0=\n042t", CANARY),
        Traces::from([(42, 't')])
    );
    assert_eq!(
        trace_in_any_form(b"6B616E6172656B", CANARY).as_deref(),
        Some("in hexadecimal")
    );
    assert_eq!(trace_in_any_form(b"nothing of it", CANARY), None);
}

/// A file of `.advise/`; of the record of the site, which names the files in `public/`, what is left without those names.
pub fn without_public_names(world: &World, path: &Path, bytes: Vec<u8>) -> Vec<u8> {
    if !path.ends_with(".advise/standing") {
        return bytes;
    }
    let text = String::from_utf8(bytes).expect("the record is text");
    let mut left = String::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        left.extend(fields.by_ref().take(2));
        for name in fields {
            assert!(
                world.path("public").join(name).is_file(),
                "the record of the site names `{name}`, which is not there"
            );
        }
    }
    left.into_bytes()
}
