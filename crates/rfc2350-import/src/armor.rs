//! The clear-signed text in a file: what is signed, what stands around it, and the signature itself (RFC 9580, 7).

/// A file that has a clear-signed text, by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts<'b> {
    /// What stands before it; not signed.
    pub before: &'b [u8],
    /// What stands in it, without dash-escapes.
    pub text: Vec<u8>,
    /// The line on which the text begins, from 1.
    pub first: usize,
    /// The line after the signature, from 1.
    pub last: usize,
    /// What stands after the signature; not signed.
    pub after: &'b [u8],
    /// How many dash-escapes were taken away.
    pub escaped: usize,
}

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END: &[u8] = b"-----END PGP SIGNATURE-----";

/// Finds the clear-signed text; `None` if there is none, or only a piece of one.
pub fn parts(bytes: &[u8]) -> Option<Parts<'_>> {
    let start = |line: &[u8]| line.as_ptr() as usize - bytes.as_ptr() as usize;
    let lines: Vec<(usize, &[u8])> = bytes
        .split_inclusive(|c| *c == b'\n')
        .map(|line| (start(line), line))
        .collect();
    let is = |line: &[u8], wanted: &[u8]| line.trim_ascii_end() == wanted;
    let begin = lines
        .iter()
        .position(|(_, line)| is(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line), BEGIN))?;
    let blank = lines[begin..]
        .iter()
        .position(|(_, line)| line.trim_ascii().is_empty())?
        + begin;
    let signature = lines[blank..]
        .iter()
        .position(|(_, line)| is(line, SIGNATURE))?
        + blank;
    let end = lines[signature..]
        .iter()
        .position(|(_, line)| is(line, END))?
        + signature;
    let mut text = Vec::new();
    let mut escaped = 0;
    for (_, line) in &lines[blank + 1..signature] {
        // RFC 9580, 7.2: "an implementation SHOULD strip the string `- ` if it occurs at the beginning of a line".
        let plain = line.strip_prefix(b"- ").unwrap_or(line);
        escaped += usize::from(plain.len() < line.len());
        text.extend_from_slice(plain);
    }
    let after = lines[end].0 + lines[end].1.len();
    Some(Parts {
        before: &bytes[..lines[begin].0],
        text,
        first: blank + 2,
        last: end + 2,
        after: &bytes[after..],
        escaped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_text_is_taken_out_with_its_places() {
        let file = b"before\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\n- - one\r\ntwo\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nabc\r\n-----END PGP SIGNATURE-----\r\nafter";
        let parts = parts(file).expect("a signed text");
        assert_eq!(
            (parts.before, parts.after),
            (&b"before\n"[..], &b"after"[..])
        );
        assert_eq!(
            (
                parts.text.as_slice(),
                parts.first,
                parts.last,
                parts.escaped
            ),
            (&b"- one\r\ntwo\r\n"[..], 5, 11, 1)
        );
    }

    #[test]
    fn a_piece_of_one_is_none() {
        for text in [
            "",
            "-----BEGIN PGP SIGNED MESSAGE-----\n\nx",
            "-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----",
        ] {
            assert_eq!(parts(text.as_bytes()), None);
        }
    }
}
