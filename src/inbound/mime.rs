//! A mail cut into its parts (RFC 2045, 2046), in one pass and within limits; the door of `mail_parser`, which reads
//! fields and decodes.
//!
//! The tree is cut here, and not by `mail_parser`, so that depth and number are bounded while it is cut, an encoded message
//! is never unpacked unasked, and the bytes of a signed part are known to the byte.

use mail_parser::{
    HeaderValue,
    decoders::{
        base64::base64_decode, charsets::map::charset_decoder, html::html_to_text,
        quoted_printable::quoted_printable_decode,
    },
    parsers::MessageStream,
};
use memchr::{memchr, memmem};
use std::{borrow::Cow, ops::Range};

/// A larger mail is refused; a mail of ours, or to us, is a hundredth of that.
pub const MAX_BYTES: usize = 25 * 1024 * 1024;

/// Why a mail was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum Unreadable {
    #[error("it is larger than {} MiB", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("its headers have more than {} lines", MAX_HEADER_LINES)]
    TooManyHeaderLines,
    #[error("it has more than {} parts", MAX_PARTS)]
    TooManyParts,
    #[error("its parts are nested more than {} deep", MAX_DEPTH)]
    TooDeep,
    #[error("it has no header")]
    NoHeader,
}

/// More lines in all headers of a mail together are refused.
pub const MAX_HEADER_LINES: usize = 4_000;
/// More parts are refused.
pub const MAX_PARTS: usize = 256;
/// Parts within parts within parts.
pub const MAX_DEPTH: usize = 24;
/// Of one field no more than this is read, and of one text no more than sixteen times this.
const MAX_FIELD: usize = 64 * 1024;

/// A field of a header.
#[derive(Debug, Clone)]
pub struct Field {
    /// As written.
    pub name: String,
    /// On one line, encoded words decoded, no control characters.
    pub value: String,
    /// As it stood, with its folds.
    pub raw: Range<usize>,
}

/// A part of a mail; the first is the mail itself.
#[derive(Debug, Clone)]
pub struct Part {
    /// In the order of the mail.
    pub fields: Vec<Field>,
    /// `text/plain`, in lower case.
    pub kind: String,
    attributes: Vec<(String, String)>,
    /// Header and body, without the line end that belongs to the boundary.
    pub whole: Range<usize>,
    /// What follows the header.
    pub body: Range<usize>,
    /// The parts directly inside: of a multipart, or the one mail in a `message/rfc822`.
    pub inner: Vec<usize>,
    /// Whether it belongs to a mail inside this mail.
    pub is_quoted: bool,
}

impl Part {
    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value.as_str())
    }

    /// A parameter of `Content-Type`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether there is something to read in it: text, or a multipart in which no boundary was found.
    pub fn is_text(&self) -> bool {
        matches!(self.kind.as_str(), "text/plain" | "text/html")
            || self.kind.starts_with("multipart/") && self.inner.is_empty()
    }

    /// The body with its transfer encoding undone; what is not encoded as it says stays as it is.
    pub fn content<'m>(&self, raw: &'m [u8]) -> Cow<'m, [u8]> {
        let body = &raw[self.body.clone()];
        let decoded = match self
            .field("content-transfer-encoding")
            .map(|encoding| encoding.trim().to_ascii_lowercase())
            .as_deref()
        {
            Some("base64") => base64_decode(body),
            Some("quoted-printable") => quoted_printable_decode(body),
            _ => None,
        };
        decoded.map_or(Cow::Borrowed(body), Cow::Owned)
    }

    /// The content as text with `\n` at line ends; markup is taken out of HTML. No more than one megabyte of it.
    pub fn text(&self, raw: &[u8]) -> String {
        let content = self.content(raw);
        let content = &content[..content.len().min(16 * MAX_FIELD)];
        let decoder = self
            .attribute("charset")
            .filter(|name| !name.is_empty())
            .and_then(|name| charset_decoder(name.as_bytes()));
        let text = match decoder {
            Some(decode) if std::str::from_utf8(content).is_err() || content.contains(&0x1b) => {
                decode(content)
            }
            _ => String::from_utf8_lossy(content).into_owned(),
        };
        // What calls itself HTML and has no markup has its line ends for a reason.
        let text = if self.kind == "text/html" && text.contains('<') {
            html_to_text(&text)
        } else {
            text
        };
        text.replace("\r\n", "\n").replace('\r', "\n")
    }
}

/// Cuts a mail into its parts, each before those inside of it.
pub fn cut(raw: &[u8]) -> Result<Vec<Part>, Unreadable> {
    let mut cutter = Cutter {
        raw,
        parts: Vec::new(),
        lines: 0,
    };
    // What a delivery agent or an mbox puts before the header.
    let start = if raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        after_line(raw, 0)
    } else {
        0
    };
    cutter.part(start..raw.len(), 0, false, "text/plain")?;
    match cutter
        .parts
        .first()
        .is_some_and(|root| !root.fields.is_empty())
    {
        true => Ok(cutter.parts),
        false => Err(Unreadable::NoHeader),
    }
}

struct Cutter<'m> {
    raw: &'m [u8],
    parts: Vec<Part>,
    lines: usize,
}

impl Cutter<'_> {
    fn part(
        &mut self,
        whole: Range<usize>,
        depth: usize,
        is_quoted: bool,
        usual: &str,
    ) -> Result<usize, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(Unreadable::TooDeep);
        }
        if self.parts.len() == MAX_PARTS {
            return Err(Unreadable::TooManyParts);
        }
        let (fields, body) = self.header(whole.clone())?;
        let (kind, attributes) = fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case("content-type"))
            .and_then(|field| content_type(&self.raw[field.raw.clone()]))
            .unwrap_or_else(|| (usual.to_string(), Vec::new()));
        let here = self.parts.len();
        let part = Part {
            fields,
            kind,
            attributes,
            whole,
            body: body..0,
            inner: Vec::new(),
            is_quoted,
        };
        let body = body..part.whole.end;
        self.parts.push(Part {
            body: body.clone(),
            ..part
        });

        let mut inner = Vec::new();
        let kind = self.parts[here].kind.clone();
        if let Some(subtype) = kind.strip_prefix("multipart/") {
            let usual = if subtype == "digest" {
                "message/rfc822"
            } else {
                "text/plain"
            };
            if let Some(boundary) = self.parts[here]
                .attribute("boundary")
                .map(str::to_string)
                .filter(|b| !b.is_empty())
            {
                for range in sections(self.raw, body, boundary.as_bytes())? {
                    inner.push(self.part(range, depth + 1, is_quoted, usual)?);
                }
            }
        } else if matches!(
            kind.as_str(),
            "message/rfc822" | "message/global" | "text/rfc822-headers"
        ) {
            let encoding = self.parts[here]
                .field("content-transfer-encoding")
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            if !matches!(encoding.as_str(), "base64" | "quoted-printable") {
                inner.push(self.part(body, depth + 1, true, "text/plain")?);
            }
        }
        self.parts[here].inner = inner;
        Ok(here)
    }

    /// The fields, and where the body begins.
    fn header(&mut self, whole: Range<usize>) -> Result<(Vec<Field>, usize), Unreadable> {
        let (mut fields, mut at) = (Vec::<(Range<usize>, usize)>::new(), whole.start);
        while at < whole.end {
            let next = after_line(self.raw, at).min(whole.end);
            let line = &self.raw[at..next];
            // A line of white space alone goes on with a field (RFC 5322, 4.2), as other readers of the same mail think too.
            if matches!(line, b"\r\n" | b"\n") {
                at = next;
                break;
            }
            self.lines += 1;
            if self.lines > MAX_HEADER_LINES {
                return Err(Unreadable::TooManyHeaderLines);
            }
            match (line.first(), fields.last_mut()) {
                (Some(b' ' | b'\t'), Some((field, _))) => field.end = next,
                _ => match field_name(line) {
                    Some(length) => fields.push((at..next, length)),
                    // Not a header any more: the empty line is missing.
                    None => break,
                },
            }
            at = next;
        }
        let fields = fields.into_iter().map(|(range, length)| {
            let name = String::from_utf8_lossy(&self.raw[range.start..range.start + length])
                .trim_end()
                .to_string();
            let raw = range.start + length + 1..range.end;
            Field {
                name,
                value: unfold(&self.raw[raw.clone()]),
                raw,
            }
        });
        Ok((fields.collect(), at))
    }
}

/// How long the name of a field is, if the line begins one.
fn field_name(line: &[u8]) -> Option<usize> {
    // RFC 5322, 2.2: printable US-ASCII characters except colon; 4.5.8 lets white space stand before the colon.
    let colon = memchr(b':', line).filter(|colon| (1..=127).contains(colon))?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(|c| (33..=126).contains(c))).then_some(colon)
}

fn after_line(raw: &[u8], at: usize) -> usize {
    memchr(b'\n', &raw[at..]).map_or(raw.len(), |end| at + end + 1)
}

/// The value of a field on one line, with encoded words decoded.
fn unfold(raw: &[u8]) -> String {
    let mut bytes = raw[..raw.len().min(MAX_FIELD)].to_vec();
    bytes.push(b'\n');
    let text = match MessageStream::new(&bytes).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => String::new(),
    };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_string()
}

fn content_type(raw: &[u8]) -> Option<(String, Vec<(String, String)>)> {
    let mut bytes = raw[..raw.len().min(MAX_FIELD)].to_vec();
    bytes.push(b'\n');
    let HeaderValue::ContentType(given) = MessageStream::new(&bytes).parse_content_type() else {
        return None;
    };
    let kind = format!(
        "{}/{}",
        given.ctype().to_ascii_lowercase(),
        given.subtype().unwrap_or("x-unknown").to_ascii_lowercase()
    );
    let attributes = given.attributes.unwrap_or_default();
    Some((
        kind,
        attributes
            .into_iter()
            .map(|a| (a.name.to_ascii_lowercase(), a.value.into_owned()))
            .collect(),
    ))
}

/// The addresses of a field, as given.
pub fn addresses(value: &[u8]) -> Vec<String> {
    let mut bytes = value[..value.len().min(MAX_FIELD)].to_vec();
    bytes.push(b'\n');
    let found = match MessageStream::new(&bytes).parse_address() {
        HeaderValue::Address(found) => found,
        _ => return Vec::new(),
    };
    found
        .iter()
        .filter_map(|one| {
            one.address
                .as_ref()
                .map(|address| address.trim().to_string())
        })
        .collect()
}

/// Seconds since 1970 of a `Date` field.
pub fn seconds(value: &str) -> Option<i64> {
    mail_parser::DateTime::parse_rfc822(&format!("{value}\n"))
        .filter(mail_parser::DateTime::is_valid)
        .map(|date| date.to_timestamp())
}

/// What stands between the boundaries of a multipart.
fn sections(
    raw: &[u8],
    body: Range<usize>,
    boundary: &[u8],
) -> Result<Vec<Range<usize>>, Unreadable> {
    // RFC 2046, 5.1.1: "The boundary delimiter MUST occur at the beginning of a line"; the line end before it is its own.
    let mark = [b"\n--", boundary].concat();
    let (mut found, mut open) = (Vec::new(), None);
    // A body begins behind a line end.
    let from = body.start.saturating_sub(1);
    for hit in memmem::find_iter(&raw[from..body.end], &mark) {
        let (at, behind) = (from + hit + 1, from + hit + mark.len());
        // Another boundary may begin like this one.
        if raw
            .get(behind)
            .is_some_and(|next| !matches!(next, b'-' | b'\r' | b'\n' | b' ' | b'\t'))
        {
            continue;
        }
        let rest = &raw[behind..after_line(raw, at).min(body.end).max(behind)];
        let closes = rest.starts_with(b"--");
        if !rest[if closes { 2 } else { 0 }..].trim_ascii().is_empty() {
            continue;
        }
        if let Some(start) = open {
            let end = match raw[..at] {
                [.., b'\r', b'\n'] => at - 2,
                _ => at - 1,
            };
            found.push(start..end.max(start));
        }
        open = (!closes).then(|| after_line(raw, at).min(body.end));
        if closes {
            break;
        }
        if found.len() > MAX_PARTS {
            return Err(Unreadable::TooManyParts);
        }
    }
    // A mail that was cut short keeps what is there.
    found.extend(
        open.filter(|start| *start < body.end)
            .map(|start| start..body.end),
    );
    Ok(found)
}
