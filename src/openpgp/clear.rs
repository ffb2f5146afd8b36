//! Clear-signed text (RFC 4880 and RFC 9580, section 7): people read it as it is, programs verify it.

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
        Clearsigned { text: normal(text), block }
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
        // RFC 9580 calls the `Hash` header a legacy; verifiers that are older need it.
        let mut document = String::with_capacity(self.text.len() + self.block.len() + 128);
        document.push_str("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n");
        for line in self.text.lines() {
            // RFC 4880, 7.1: "every line starting with a dash '-' (0x2D) is prefixed by the sequence dash '-'
            // (0x2D) and space ' ' (0x20)".
            if line.starts_with('-') {
                document.push_str("- ");
            }
            document.push_str(line);
            document.push('\n');
        }
        document.push_str(&self.block);
        document
    }
}

/// What a reader finds in a document: the text between its heading and its signature, without dash-escapes.
pub(super) fn content(document: &str) -> Option<String> {
    let body = document.strip_prefix("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n")?;
    let mut content = String::with_capacity(body.len());
    for line in body.split_inclusive('\n') {
        if line == "-----BEGIN PGP SIGNATURE-----\n" {
            return Some(content);
        }
        content.push_str(match line.strip_prefix("- ") {
            Some(escaped) => escaped,
            None if line.starts_with('-') => return None,
            None => line,
        });
    }
    None
}

/// The form in which a text can be clear-signed so that every program sees the same.
pub(super) fn normal(text: &str) -> String {
    // RFC 4880, 7.1: "any trailing whitespace -- spaces (0x20) and tabs (0x09) -- at the end of any line is removed
    // when the cleartext signature is generated". A bare CR ends a line in some programs and not in others.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut normal = String::with_capacity(text.len() + 1);
    for line in text.trim_end_matches(['\n', ' ', '\t']).split('\n') {
        normal.push_str(line.trim_end_matches([' ', '\t']));
        normal.push('\n');
    }
    normal
}

/// What is hashed of a normal text. RFC 4880, 7.1: "a cleartext signature is calculated on the text using
/// canonical <CR><LF> line endings", and the one before the signature "is not considered part of the signed text".
pub(super) fn canonical(normal: &str) -> Vec<u8> {
    normal.strip_suffix('\n').unwrap_or(normal).replace('\n', "\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_form_only() {
        for text in ["a \r\n\t\r\n-b", "a\n\n-b\n", "a\r\r-b\n\n\n", "a\t \n\n-b \n \n"] {
            assert_eq!(normal(text), "a\n\n-b\n", "{text:?}");
        }
        assert_eq!(normal(&normal("  a\u{a0}\n")), "  a\u{a0}\n");
        assert_eq!(normal(""), "\n");
    }

    #[test]
    fn a_document_is_put_together_again() {
        let signed = Clearsigned::assemble("-a\nb", "-----BEGIN …\r\n-----END …");
        assert!(signed.document().ends_with("\n\n- -a\nb\n-----BEGIN …\n-----END …\n"));
        assert_eq!(Clearsigned::assemble(signed.text(), signed.block()), signed);
    }

    #[test]
    fn a_reader_finds_the_text_that_was_signed() {
        let block = "-----BEGIN PGP SIGNATURE-----\n…\n";
        for text in ["a\n", "-----BEGIN PGP SIGNATURE-----\n- -a\n\n- b\n", "-\n- \n--\n"] {
            let document = Clearsigned::assemble(text, block).document();
            assert_eq!(content(&document), Some(normal(text)), "{text:?}");
            let bare = document.replace("\n- -", "\n-");
            assert!(bare == document || content(&bare) != Some(normal(text)), "{text:?}");
        }
    }
}
