//! Clear-signed text (RFC 4880 and RFC 9580, section 7): people read it as it is, programs verify it.

use memchr::{memchr, memchr_iter, memmem};
use std::borrow::Cow;

/// RFC 9580 calls the `Hash` header a legacy; verifiers that are older need it. (An empty line follows.)
const HEADING: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n";

/// A text and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearsigned {
    text: String,
    block: String,
}

impl Clearsigned {
    /// Puts a text and the signature that was kept of it together again; nothing is checked here (`verify` does).
    pub fn assemble(text: &str, block: &str) -> Clearsigned {
        let mut block = block.replace("\r\n", "\n");
        if !block.ends_with('\n') {
            block.push('\n');
        }
        Clearsigned {
            text: normal(text).into_owned(),
            block,
        }
    }

    /// Takes a clear-signed document apart, as [`document`](Clearsigned::document) put it together; nothing is checked.
    pub fn parse(document: &str) -> Option<Clearsigned> {
        let document = document.replace("\r\n", "\n");
        let (head, rest) = document
            .strip_prefix("-----BEGIN PGP SIGNED MESSAGE-----\n")?
            .split_once("\n\n")?;
        let at = rest.find("\n-----BEGIN PGP SIGNATURE-----")? + 1;
        let is_header = |line: &str| line.contains(": ");
        let text: Vec<&str> = rest[..at]
            .lines()
            .map(|line| line.strip_prefix("- ").unwrap_or(line))
            .collect();
        head.lines()
            .all(is_header)
            .then(|| Clearsigned::assemble(&text.join("\n"), &rest[at..]))
    }

    /// What was signed: LF, no white space at line ends, one final newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The armored signature alone, to keep it.
    pub fn block(&self) -> &str {
        &self.block
    }

    /// The whole document, as it is published.
    pub fn document(&self) -> String {
        let mut document = String::with_capacity(self.text.len() + self.block.len() + 256);
        document.push_str(HEADING);
        document.push('\n');
        // RFC 4880, 7.1: "every line starting with a dash '-' (0x2D) is prefixed by the sequence dash '-' (0x2D) and
        // space ' ' (0x20)".
        if self.text.starts_with('-') {
            document.push_str("- ");
        }
        let mut from = 0;
        for end in memmem::find_iter(self.text.as_bytes(), b"\n-") {
            document.push_str(&self.text[from..=end]);
            document.push_str("- ");
            from = end + 1;
        }
        document.push_str(&self.text[from..]);
        document.push_str(&self.block);
        document
    }
}

/// What a reader finds in a document: the text between its heading and its signature, without dash-escapes.
pub(super) fn content(document: &str) -> Option<String> {
    let mut rest = document
        .strip_prefix(HEADING)
        .filter(|rest| rest.starts_with('\n'))?;
    let mut content = String::with_capacity(rest.len());
    loop {
        let dash = memmem::find(rest.as_bytes(), b"\n-")? + 1;
        content.push_str(&rest[..dash]);
        rest = &rest[dash..];
        if rest.starts_with("-----BEGIN PGP SIGNATURE-----\n") {
            // (The empty line below the heading.)
            content.remove(0);
            return Some(content);
        }
        rest = rest.strip_prefix("- ")?;
    }
}

/// The form in which a text can be clear-signed so that every program sees the same.
pub(super) fn normal(text: &str) -> Cow<'_, str> {
    if is_normal(text.as_bytes()) {
        return text.into();
    }
    // RFC 4880, 7.1: "any trailing whitespace -- spaces (0x20) and tabs (0x09) -- at the end of any line is removed
    // when the cleartext signature is generated". A bare CR ends a line in some programs and not in others.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut normal = String::with_capacity(text.len() + 1);
    for line in text.trim_end_matches(['\n', ' ', '\t']).split('\n') {
        normal.push_str(line.trim_end_matches([' ', '\t']));
        normal.push('\n');
    }
    normal.into()
}

fn is_normal(text: &[u8]) -> bool {
    let ends_well = |end: usize| !text[..end].ends_with(b" ") && !text[..end].ends_with(b"\t");
    text.ends_with(b"\n")
        && !text.ends_with(b"\n\n")
        && memchr(b'\r', text).is_none()
        && memchr_iter(b'\n', text).all(ends_well)
}

/// What is hashed of a normal text. RFC 4880, 7.1: "a cleartext signature is calculated on the text using
/// canonical <CR><LF> line endings", and the one before the signature "is not considered part of the signed text".
pub(super) fn canonical(normal: &str) -> Vec<u8> {
    let text = normal.strip_suffix('\n').unwrap_or(normal).as_bytes();
    let mut canonical = Vec::with_capacity(text.len() + text.len() / 16 + 64);
    let mut from = 0;
    for end in memchr_iter(b'\n', text) {
        canonical.extend_from_slice(&text[from..end]);
        canonical.extend_from_slice(b"\r\n");
        from = end + 1;
    }
    canonical.extend_from_slice(&text[from..]);
    canonical
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_form_only() {
        for text in [
            "a \r\n\t\r\n-b",
            "a\n\n-b\n",
            "a\n\n-b",
            "a\n\n-b\t\n",
            "a \n\n-b\n",
            "a\r\r-b\n\n\n",
            "a\t \n\n-b \n \n",
        ] {
            assert_eq!(normal(text), "a\n\n-b\n", "{text:?}");
            assert_eq!(is_normal(text.as_bytes()), text == "a\n\n-b\n", "{text:?}");
        }
        assert_eq!(normal(&normal("  a\u{a0}\n")), "  a\u{a0}\n");
        assert_eq!(normal(""), "\n");
        assert_eq!(canonical("\na\n\n-b\n"), b"\r\na\r\n\r\n-b");
    }

    #[test]
    fn a_document_is_put_together_again() {
        let signed = Clearsigned::assemble("-a\nb", "-----BEGIN …\r\n-----END …");
        assert!(
            signed
                .document()
                .ends_with("\n\n- -a\nb\n-----BEGIN …\n-----END …\n")
        );
        assert_eq!(Clearsigned::assemble(signed.text(), signed.block()), signed);
        let block = "-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n";
        let signed = Clearsigned::assemble("-a\n\n- b\n", block);
        assert_eq!(Clearsigned::parse(&signed.document()), Some(signed.clone()));
        assert_eq!(Clearsigned::parse(signed.text()), None);
    }

    #[test]
    fn a_reader_finds_the_text_that_was_signed() {
        let block = "-----BEGIN PGP SIGNATURE-----\n…\n";
        for text in [
            "a\n",
            "-----BEGIN PGP SIGNATURE-----\n- -a\n\n- b\n",
            "-\n- \n--\n",
        ] {
            let document = Clearsigned::assemble(text, block).document();
            assert_eq!(
                content(&document).as_deref(),
                Some(&*normal(text)),
                "{text:?}"
            );
            let bare = document.replace("\n- -", "\n-");
            assert!(
                bare == document || content(&bare).as_deref() != Some(&*normal(text)),
                "{text:?}"
            );
        }
    }
}
