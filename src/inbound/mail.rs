//! A mail that came in, as a value: its fields, addresses, text and parts.
//!
//! Nothing of it is believed here. Limits are checked before anything is unpacked; what breaks them is [`Unreadable`].

use super::mime::{self, MAX_BYTES, Part, Unreadable};
use crate::terms::{Address, Moment};
use jiff::Timestamp;
use std::{borrow::Cow, collections::HashSet};

/// A mail within the limits.
#[derive(Clone)]
pub struct Mail {
    raw: Vec<u8>,
    parts: Vec<Part>,
}

/// The two halves of a mail that is `multipart/signed` as a whole.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedPart {
    /// What the signature covers: the first part, header and body, with CRLF at line ends. `Mail::read` reads it, and only
    /// what that gives may be believed once the signature is verified.
    pub entity: Vec<u8>,
    /// The detached signature, armoured as a rule.
    pub signature: Vec<u8>,
}

/// A part that is not shown as the mail's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// As the sender named it: for people, never for paths.
    pub name: Option<String>,
    /// `application/pgp-keys`, in lower case.
    pub kind: String,
    /// With the transfer encoding undone.
    pub bytes: Vec<u8>,
}

impl Mail {
    /// Reads a mail, if it is within the limits.
    pub fn read(bytes: Vec<u8>) -> Result<Mail, Unreadable> {
        if bytes.len() > MAX_BYTES {
            return Err(Unreadable::TooLarge);
        }
        let parts = mime::cut(&bytes)?;
        Ok(Mail { raw: bytes, parts })
    }

    /// The bytes as they came.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The first field of this name: decoded, on one line, without control characters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.root().field(name)
    }

    /// All fields of this name, in the order in which they stand.
    pub fn headers<'m>(&'m self, name: &'m str) -> impl Iterator<Item = &'m str> {
        self.root()
            .fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value.as_str())
    }

    /// Who claims to have written it: the one address of the one `From`. None if there are more, or it is none that we write.
    pub fn from(&self) -> Option<Address> {
        match (
            self.headers("from").count(),
            self.addresses("from").as_slice(),
        ) {
            (1, [one]) => one.parse().ok(),
            _ => None,
        }
    }

    /// Where it wants its answer, if that is not who wrote it.
    pub fn reply_to(&self) -> Vec<Address> {
        self.addresses("reply-to")
            .iter()
            .filter_map(|address| address.parse().ok())
            .collect()
    }

    /// Its `Message-ID`, without the brackets.
    pub fn message_id(&self) -> Option<&str> {
        let id = self
            .header("message-id")?
            .trim()
            .trim_start_matches('<')
            .trim_end_matches('>');
        (!id.is_empty()).then_some(id)
    }

    /// When its sender says it was written.
    pub fn date(&self) -> Option<Moment> {
        let at = Timestamp::from_second(mime::seconds(self.header("date")?)?).ok()?;
        Some(Moment::from_timestamp(at))
    }

    /// What it is about, as its sender says.
    pub fn subject(&self) -> &str {
        self.header("subject").unwrap_or_default()
    }

    /// To whom it came: first as our own mail server says (`Delivered-To`, `X-Original-To`), then as its sender does.
    pub fn recipients(&self) -> Vec<Address> {
        let fields = ["delivered-to", "x-original-to", "envelope-to", "to", "cc"];
        let mut seen = HashSet::new();
        let all = fields
            .iter()
            .flat_map(|name| self.addresses(name))
            .filter_map(|address| address.parse::<Address>().ok());
        all.filter(|address| seen.insert(address.key())).collect()
    }

    /// The addresses in all fields of this name, as given.
    pub fn addresses(&self, name: &str) -> Vec<String> {
        let fields = self
            .root()
            .fields
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(name));
        fields
            .flat_map(|field| mime::addresses(&self.raw[field.raw.clone()]))
            .collect()
    }

    /// The text that a mail program shows first, with `\n` at line ends.
    pub fn text(&self) -> String {
        self.shown()
            .map(|part| part.text(&self.raw))
            .unwrap_or_default()
    }

    /// Whether no person wrote it, so that nothing may be answered (RFC 3834, section 2).
    pub fn is_automatic(&self) -> bool {
        let says = |name: &str, words: &[&str]| {
            self.headers(name).any(|value| {
                words
                    .iter()
                    .any(|word| value.to_ascii_lowercase().starts_with(word))
            })
        };
        let daemons = [
            "mailer-daemon",
            "postmaster",
            "mail-daemon",
            "maildaemon",
            "listserv",
            "majordomo",
            "noreply",
            "no-reply",
        ];
        let from = self.addresses("from").concat().to_ascii_lowercase();
        self.headers("auto-submitted")
            .any(|value| !value.to_ascii_lowercase().starts_with("no"))
            || says("precedence", &["bulk", "junk", "list", "auto"])
            || says("return-path", &["<>"])
            || says(
                "x-auto-response-suppress",
                &["all", "dr", "oof", "autoreply", "rn", "nrn"],
            )
            || [
                "list-id",
                "list-post",
                "list-unsubscribe",
                "x-autoreply",
                "x-autorespond",
                "x-autoresponder",
                "x-loop",
                "feedback-id",
            ]
            .iter()
            .any(|name| self.header(name).is_some())
            || daemons.iter().any(|name| from.starts_with(name))
            || self.root().kind == "multipart/report"
    }

    /// What is signed and its signature, if the mail as a whole is `multipart/signed` (RFC 3156, section 5) and nothing else.
    pub fn signed_part(&self) -> Option<SignedPart> {
        let root = self.root();
        let [first, second] = self.halves("multipart/signed", "application/pgp-signature")?;
        if second.kind != "application/pgp-signature"
            || root
                .fields
                .iter()
                .filter(|f| is(&f.name, "content-type"))
                .count()
                != 1
        {
            return None;
        }
        let entity = canonical(&self.raw[first.whole.clone()]);
        Some(SignedPart {
            entity,
            signature: second.content(&self.raw).into_owned(),
        })
    }

    /// The OpenPGP message, if the mail as a whole is `multipart/encrypted` (RFC 3156, section 4).
    pub fn encrypted(&self) -> Option<Cow<'_, [u8]>> {
        let [first, second] = self.halves("multipart/encrypted", "application/pgp-encrypted")?;
        (first.kind == "application/pgp-encrypted").then(|| second.content(&self.raw))
    }

    /// All parts but the shown text, those that hold parts, and those of a mail inside.
    pub fn attachments(&self) -> Vec<Attachment> {
        let shown = self.shown().map(|part| part.whole.clone());
        let parts = self.parts.iter().filter(|part| {
            part.inner.is_empty() && !part.is_quoted && Some(&part.whole) != shown.as_ref()
        });
        parts
            .map(|part| Attachment {
                name: disposition(part).or_else(|| part.attribute("name").map(str::to_string)),
                kind: part.kind.clone(),
                bytes: part.content(&self.raw).into_owned(),
            })
            .collect()
    }

    /// All parts, each before those inside of it; the first is the mail itself.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn root(&self) -> &Part {
        self.parts
            .first()
            .expect("a mail is cut into at least one part")
    }

    fn halves(&self, kind: &str, protocol: &str) -> Option<[&Part; 2]> {
        let root = self.root();
        let speaks = root
            .attribute("protocol")
            .is_some_and(|given| is(given, protocol));
        match (root.kind == kind && speaks, root.inner.as_slice()) {
            (true, [first, second]) => Some([self.parts.get(*first)?, self.parts.get(*second)?]),
            _ => None,
        }
    }

    /// The first plain text that is no attachment; if there is none, the first HTML.
    pub(super) fn shown(&self) -> Option<&Part> {
        let candidates = || {
            self.parts
                .iter()
                .filter(|part| !part.is_quoted && part.inner.is_empty() && !is_attached(part))
        };
        let html = |part: &&Part| part.kind == "text/html";
        candidates()
            .find(|part| part.is_text() && !html(part))
            .or_else(|| candidates().find(html))
    }
}

fn is(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn is_attached(part: &Part) -> bool {
    part.field("content-disposition")
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("attachment"))
}

/// The file's name in `Content-Disposition`.
fn disposition(part: &Part) -> Option<String> {
    let value = part.field("content-disposition")?;
    let at = value.to_ascii_lowercase().find("filename=")? + "filename=".len();
    let name = value.get(at..)?.split(';').next()?.trim().trim_matches('"');
    (!name.is_empty()).then(|| name.to_string())
}

/// With CRLF at each line end, which a mail server may have taken away.
fn canonical(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 40);
    let mut last = 0;
    for byte in bytes {
        if *byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        last = *byte;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(text: &str) -> Mail {
        Mail::read(text.replace('\n', "\r\n").into_bytes()).expect("a mail")
    }

    #[test]
    fn fields_are_decoded_and_on_one_line() {
        let mail = mail(
            "From: =?utf-8?Q?Ada_Ex=C3=A4mple?= <Ada@Uni.Example.ORG>\nTo: one@example.org,\n\t\"Two, Too\" <two@example.org>\nCc: TWO@example.org\n\
             Delivered-To: cert+x@example.org\nSubject: =?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=\n and =?utf-8?B?AGENCmI=?=\n\
             Message-ID: <1@uni.example.org>\nDate: Sun, 22 Nov 2026 12:00:00 +0500\nReceived: a\nReceived: b\n\ntext\n",
        );
        assert_eq!(
            mail.from().map(|from| from.to_string()).as_deref(),
            Some("Ada@uni.example.org")
        );
        assert_eq!(
            mail.header("from"),
            Some("Ada Exämple <Ada@Uni.Example.ORG>")
        );
        assert_eq!(
            mail.recipients()
                .iter()
                .map(Address::as_str)
                .collect::<Vec<_>>(),
            ["cert+x@example.org", "one@example.org", "two@example.org"]
        );
        assert_eq!(
            mail.subject().split_whitespace().collect::<Vec<_>>(),
            ["テスト", "and", "a", "b"]
        );
        assert_eq!(mail.message_id(), Some("1@uni.example.org"));
        assert_eq!(
            mail.date().map(|date| date.rfc3339()).as_deref(),
            Some("2026-11-22T07:00:00Z")
        );
        assert_eq!(mail.headers("received").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(mail.text(), "text\n");
    }

    #[test]
    fn a_sender_who_is_not_exactly_one_address_is_nobody() {
        for from in [
            "From: a@example.org, b@example.org",
            "From: a@example.org\nFrom: b@example.org",
            "From: Ada",
            "From: undisclosed-recipients:;",
            "From: аda@example.org",
            "From: ada@exаmple.org",
            "From: =?utf-8?Q?ada=40example.org?=",
            "Sender: ada@example.org",
        ] {
            assert_eq!(mail(&format!("{from}\n\n")).from(), None, "{from}");
        }
    }

    #[test]
    fn the_shown_text_is_the_first_that_is_no_attachment() {
        let parts = mail(
            "Content-Type: multipart/mixed; boundary=\"a b\"\n\npreamble\n--a b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=\"x.txt\"\n\nattached\n\
             --a b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/html\n\n<p>no</p>\n--c\nContent-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n\n8NLJ18XU\n--c--\n\
             --a b\nContent-Type: application/pgp-keys; name=key.asc\nContent-Transfer-Encoding: quoted-printable\n\nkey=3D\n--a b--\nepilogue\n",
        );
        assert_eq!(parts.text(), "Привет");
        let attached: Vec<_> = parts
            .attachments()
            .into_iter()
            .map(|a| {
                (
                    a.name,
                    a.kind,
                    String::from_utf8_lossy(&a.bytes).into_owned(),
                )
            })
            .collect();
        assert!(
            attached.contains(&(Some("x.txt".into()), "text/plain".into(), "attached".into())),
            "{attached:?}"
        );
        assert!(
            attached.contains(&(
                Some("key.asc".into()),
                "application/pgp-keys".into(),
                "key=".into()
            )),
            "{attached:?}"
        );
        assert_eq!(
            mail("Content-Type: text/html\n\n<p>Hello<br>you</p>\n")
                .text()
                .split_whitespace()
                .collect::<Vec<_>>(),
            ["Hello", "you"]
        );
        assert_eq!(
            mail("Content-Type: multipart/mixed; boundary=x\n\nno boundary at all\n").text(),
            "no boundary at all\n"
        );
    }

    const SIGNED: &str = "From: ada@example.org\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=b\n\n\
                          shown by nobody\n--b\nContent-Type: text/plain\n\nsubscribe \n\n--b\nContent-Type: application/pgp-signature\n\n-----BEGIN\n--b--\n";

    #[test]
    fn what_is_signed_is_known_to_the_byte_whatever_line_ends_it_came_with() {
        let expected = SignedPart {
            entity: b"Content-Type: text/plain\r\n\r\nsubscribe \r\n".to_vec(),
            signature: b"-----BEGIN".to_vec(),
        };
        for bytes in [
            SIGNED.replace('\n', "\r\n").into_bytes(),
            SIGNED.as_bytes().to_vec(),
        ] {
            assert!(Mail::read(bytes).expect("a mail").signed_part().as_ref() == Some(&expected));
        }
    }

    #[test]
    fn only_a_mail_that_is_signed_as_a_whole_is_signed() {
        for (from, to) in [
            ("multipart/signed;", "multipart/mixed;"),
            (
                "protocol=\"application/pgp-signature\"",
                "protocol=\"application/pkcs7-signature\"",
            ),
            (
                "Content-Type: application/pgp-signature",
                "Content-Type: text/plain",
            ),
            ("--b--", "--b\n\nanother text\n--b--"),
            (
                "From: ada@example.org\n",
                "From: ada@example.org\nContent-Type: text/plain\n",
            ),
            (
                "From: ada@example.org\n",
                "From: ada@example.org\nContent-Type: multipart/mixed; boundary=o\n\n--o\n",
            ),
            (
                "From: ada@example.org\n",
                "From: ada@example.org\nContent-Type: message/rfc822\n\n",
            ),
        ] {
            assert!(mail(SIGNED).signed_part().is_some());
            assert!(
                mail(&SIGNED.replace(from, to)).signed_part().is_none(),
                "{from} → {to}"
            );
        }
    }

    #[test]
    fn an_encrypted_mail_gives_its_message() {
        let encrypted = "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\
                         --b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n--b--\n";
        assert_eq!(
            mail(encrypted).encrypted().as_deref(),
            Some(&b"-----BEGIN PGP MESSAGE-----"[..])
        );
        assert_eq!(
            mail(&encrypted.replace("multipart/encrypted", "multipart/mixed")).encrypted(),
            None
        );
    }

    #[test]
    fn what_no_person_wrote_is_known_by_its_header() {
        for field in [
            "Auto-Submitted: auto-replied",
            "Precedence: bulk",
            "List-Id: <x.example.org>",
            "Return-Path: <>",
            "From: MAILER-DAEMON@x.example.org",
            "X-Auto-Response-Suppress: All",
            "Content-Type: multipart/report; boundary=b",
        ] {
            assert!(
                mail(&format!("{field}\nSubject: x\n\n")).is_automatic(),
                "{field}"
            );
        }
        for field in [
            "Auto-Submitted: no",
            "Precedence: first-class",
            "Return-Path: <ada@example.org>",
            "From: Postman Pat <pat@example.org>",
        ] {
            assert!(
                !mail(&format!("{field}\nSubject: x\n\n")).is_automatic(),
                "{field}"
            );
        }
    }

    #[test]
    fn a_mail_in_a_mail_is_not_what_the_mail_says() {
        let outer = mail(
            "From: ada@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee below\n--b\nContent-Type: message/rfc822\n\nFrom: eve@example.org\nContent-Type: text/plain\n\nsubscribe me\n--b--\n",
        );
        assert_eq!(outer.text(), "see below");
        assert!(
            outer
                .attachments()
                .iter()
                .all(|a| !a.bytes.starts_with(b"subscribe"))
        );
    }
}
