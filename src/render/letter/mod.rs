//! The letter: an advisory as mail, ready to be signed, and then to be sent signed or encrypted.
//!
//! `body` writes the text, `mime` the bytes, `pack` the message around a signature or a ciphertext, `notice` the
//! mail without content for those who cannot get theirs, `answer` what goes back to who asks to join or leave, `sketch` what staff look at before. Nothing is signed, encrypted or sent here.
//!
//! A [`Letter`] comes out of the gate and from nowhere else:
//! ```compile_fail
//! use advise::render::letter::Letter;
//! let leak: Letter = Default::default();
//! ```
//! and what was composed for one audience is not made by a shop that writes to another ([`LetterError`]).

mod answer;
mod body;
mod mime;
mod notice;
mod pack;
mod packing;
mod sketch;
mod words;

pub use answer::{Answer, AnswerShop, Hindrance, Said, command_address};
pub use mime::{Fault, NotCanonical, canonical};
pub use notice::{Notice, NoticeShop};
pub use pack::{Message, PackError, in_clear, sealed};
pub use packing::Packing;
pub use sketch::{Sketch, SketchedFile};
pub use words::{LetterWords, NoticeWords};

use crate::{
    advisory::{Advisory, Status},
    artefact::Digest,
    openpgp::Payload,
    team::Team,
    terms::{Address, Lang, Moment, Slug},
    tlp::{Audience, ByMake, Cover, Made, Tlp},
};
use mime::Field;
use std::fmt;

/// What the header of a list's mail says about the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFacts {
    /// As in an advisory's audience.
    pub name: Slug,
    /// In the letter's language.
    pub title: String,
    /// The `To` of every letter.
    pub address: Address,
    /// Takes requests to join, to leave and for help.
    pub help: Address,
    /// Of the people who run the list.
    pub owner: Address,
}

/// Whom the letter's `To` names.
#[derive(Debug, Clone, Copy)]
pub enum Recipient<'s> {
    /// A list: the same letter for all its members.
    List(&'s ListFacts),
    /// One person, named in the audience.
    Person {
        /// As in the roster.
        name: &'s str,
        /// As in the audience.
        address: &'s Address,
    },
}

/// All that a letter needs besides the advisory.
#[derive(Debug, Clone)]
pub struct LetterShop<'s> {
    /// The letter's language; an advisory that is not translated comes in its own.
    pub lang: &'s Lang,
    /// The phrases in that language.
    pub words: &'s LetterWords,
    /// Who writes.
    pub team: &'s Team,
    /// The `From`.
    pub from: &'s Address,
    /// The `To`; has to be the audience that the gate was opened for.
    pub to: Recipient<'s>,
    /// `<TOKEN@domain>`
    pub message_id: &'s str,
    /// Of the letters that this one answers: of the newest revision before that was sent to any of its readers. More
    /// than one where they had theirs in several languages.
    pub in_reply_to: &'s [String],
    /// The same from the first revision's letters on; ends with `in_reply_to`.
    pub references: &'s [String],
    /// The numbers of earlier revisions that went to the same readers, and that not all of them had.
    pub missed: &'s [&'s str],
    /// The `Date`.
    pub date: &'s Moment,
    /// How it will travel; decides what is in its header.
    pub cover: Cover,
    /// The address of the public page, for what has one.
    pub page: Option<&'s str>,
    /// The site's address, with a `/` at its end: put before links that begin with `/`.
    pub site: Option<&'s str>,
}

/// Why there is no letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// A text that becomes a header or the body has a control character.
    #[error("`{0}` of the letter has a control character")]
    Control(&'static str),
    /// Not of the form `<token@domain>`.
    #[error("`{0}` is not a message id")]
    MessageId(String),
    /// The shop writes to another list or person than the gate was opened for.
    #[error(
        "the letter was let through the gate for another audience than the one it is addressed to"
    )]
    OtherAudience,
    /// A label that travels encrypted only was to be composed for a signed letter.
    #[error("{} travels encrypted only", .0.label())]
    MustEncrypt(Tlp),
    /// RED goes to named persons only.
    #[error("{} goes to named persons only, never to a list", Tlp::Red.label())]
    RedToList,
    /// The bytes are not fit to be signed: a fault of this program.
    #[error(transparent)]
    NotCanonical(#[from] NotCanonical),
}

/// An advisory as the part of a mail that is signed, with what stands outside of it.
#[derive(Clone)]
pub struct Letter {
    tlp: Tlp,
    cover: Cover,
    subject: String,
    text: String,
    entity: Entity,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter")
            .field("tlp", &self.tlp)
            .field("entity", &self.entity)
            .finish_non_exhaustive()
    }
}

impl Letter {
    /// The label.
    pub fn tlp(&self) -> Tlp {
        self.tlp
    }

    /// The cover that it was composed for.
    pub fn cover(&self) -> Cover {
        self.cover
    }

    /// The true subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What is read: lines ended by `\n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `<TOKEN@domain>`
    pub fn message_id(&self) -> &str {
        &self.entity.message_id
    }
}

impl Payload for Letter {
    fn payload(&self) -> &[u8] {
        &self.entity.payload
    }
}

impl<'a, A: Audience> Made<&'a Advisory, A> for Letter {
    type Shop<'s> = LetterShop<'s>;
    type Error = LetterError;

    fn made(
        advisory: &&'a Advisory,
        audience: &A,
        shop: &LetterShop<'_>,
        _: ByMake,
    ) -> Result<Letter, LetterError> {
        let addressed = match shop.to {
            Recipient::List(list) => list.name.as_str() == audience.name(),
            Recipient::Person { address, .. } => address.key() == audience.name(),
        };
        if !addressed {
            return Err(LetterError::OtherAudience);
        }
        Ok(Composed::of(advisory, shop)?.letter)
    }
}

/// A letter, and its two headers as fields.
struct Composed {
    letter: Letter,
    fields: Vec<Field>,
    outer: Vec<Field>,
}

impl Composed {
    fn of(advisory: &Advisory, shop: &LetterShop<'_>) -> Result<Composed, LetterError> {
        let tlp = advisory.tlp;
        if tlp == Tlp::Red && matches!(shop.to, Recipient::List(_)) {
            return Err(LetterError::RedToList);
        }
        if tlp.must_encrypt() && shop.cover == Cover::Signed {
            return Err(LetterError::MustEncrypt(tlp));
        }
        let subject = subject(advisory, shop)?;
        let text = body::text(advisory, shop)?;
        let fields = fields(&subject, shop)?;
        let outer = match shop.cover {
            Cover::Signed => fields.clone(),
            Cover::Encrypted => harmless(&fields, tlp, shop)?,
        };
        let mut hidden = Vec::new();
        if shop.cover == Cover::Encrypted {
            hidden.push(("Subject", subject.clone()));
            if let Recipient::Person { name, address } = shop.to {
                hidden.push(("To", format!("{} <{address}>", one_line(name))));
            }
        }
        let attached: Vec<Attached<'_>> = advisory
            .attachments
            .iter()
            .map(|one| Attached {
                name: &one.name,
                bytes: &one.bytes,
            })
            .collect();
        let (lang, _) = advisory.text(shop.lang);
        let entity = Entity::new(&Parts {
            message_id: shop.message_id,
            fields: &fields,
            outer: &outer,
            cover: shop.cover,
            hidden: &hidden,
            text: &text,
            lang,
            attached: &attached,
        })?;
        Ok(Composed {
            letter: Letter {
                tlp,
                cover: shop.cover,
                subject,
                text,
                entity,
            },
            fields,
            outer,
        })
    }
}

/// `[TLP:AMBER] EX-2026-0042 r2: Critical: OpenSSH: remote code execution …`
fn subject(advisory: &Advisory, shop: &LetterShop<'_>) -> Result<String, LetterError> {
    let (_, text) = advisory.text(shop.lang);
    mime::refuse_control("title", &text.title)?;
    let revision = match advisory.is_revised() {
        true => format!(" r{}", advisory.revision().number),
        false => String::new(),
    };
    let word = match (advisory.status, advisory.severity) {
        (Status::Withdrawn, _) => format!("{}: ", shop.words.withdrawn),
        (_, crate::terms::Severity::None) => String::new(),
        (_, severity) => format!("{}: ", shop.words.severity(severity)),
    };
    let title = one_line(&text.title);
    let embargo = match advisory
        .embargo
        .as_ref()
        .is_some_and(|until| shop.date < until)
    {
        true => format!("[{}] ", shop.words.embargo_mark),
        false => String::new(),
    };
    Ok(format!(
        "[{}] {embargo}{}{revision}: {word}{title}",
        advisory.tlp.label(),
        advisory.id
    ))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The header as it is meant to be read.
fn fields(subject: &str, shop: &LetterShop<'_>) -> Result<Vec<Field>, LetterError> {
    let mut fields = vec![Field::mailbox(
        "From",
        Some(shop.team.name.in_lang(shop.lang)),
        shop.from,
    )?];
    fields.push(match shop.to {
        Recipient::List(list) => Field::mailbox("To", Some(&list.title), &list.address)?,
        Recipient::Person { name, address } => Field::mailbox("To", Some(name), address)?,
    });
    fields.push(Field::text("Subject", subject)?);
    fields.push(Field::of("Date", [shop.date.rfc2822()])?);
    fields.push(Field::of("Message-ID", [message_id(shop.message_id)?])?);
    for (name, ids) in [
        ("In-Reply-To", shop.in_reply_to),
        ("References", shop.references),
    ] {
        if !ids.is_empty() {
            fields.push(Field::of(
                name,
                ids.iter()
                    .map(|id| message_id(id))
                    .collect::<Result<Vec<_>, _>>()?,
            )?);
        }
    }
    if let Recipient::List(list) = shop.to {
        let mailto = |what: &str| {
            format!(
                "<mailto:{}?subject={what}%20{}>",
                encoded(&list.help),
                list.name
            )
        };
        fields.push(Field::list_id(
            &list.title,
            &format!("{}.{}", list.address.local(), list.address.domain()),
        )?);
        fields.push(Field::of("List-Help", [mailto("help")])?);
        fields.push(Field::of("List-Subscribe", [mailto("subscribe")])?);
        fields.push(Field::of("List-Unsubscribe", [mailto("unsubscribe")])?);
        fields.push(Field::of(
            "List-Owner",
            [format!("<mailto:{}>", encoded(&list.owner))],
        )?);
        // RFC 2369, 3.4: "In the special case of a list that does not allow posting …, the List-Post field may
        // contain the special value "NO"."
        fields.push(Field::of("List-Post", ["NO".to_string()])?);
        fields.push(Field::of("Precedence", ["list".to_string()])?);
    }
    // RFC 3834, 5: `auto-generated` is what a program sends by itself.
    fields.push(Field::of("Auto-Submitted", ["auto-generated".to_string()])?);
    Ok(fields)
}

/// What may stand outside of an encrypted letter: the subject shows the label only, a person has no name, and
/// the rest says what the envelope says anyway.
fn harmless(fields: &[Field], tlp: Tlp, shop: &LetterShop<'_>) -> Result<Vec<Field>, LetterError> {
    let outer = fields.iter().map(|field| match (field.name, shop.to) {
        ("Subject", _) => Field::text("Subject", &format!("[{}] […]", tlp.label())),
        ("To", Recipient::Person { address, .. }) => Field::mailbox("To", None, address),
        _ => Ok(field.clone()),
    });
    outer.collect()
}

fn message_id(id: &str) -> Result<String, LetterError> {
    let inner = id
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix('>'))
        .and_then(|id| id.split_once('@'));
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || b".-_+=$!#%&'*/?^`{|}~".contains(&c))
    };
    match inner {
        Some((left, right)) if part(left) && part(right) && id.len() <= 250 => Ok(id.to_string()),
        _ => Err(LetterError::MessageId(crate::terms::shorten(id))),
    }
}

/// An address in a `mailto:`, where `%`, `/`, `?`, `#`, `&` and the like are encoded (RFC 6068, 2).
pub(super) fn encoded(address: &Address) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || "-._~@+".contains(c);
    address
        .as_str()
        .chars()
        .map(|c| {
            if keep(c) {
                c.to_string()
            } else {
                format!("%{:02X}", u32::from(c))
            }
        })
        .collect()
}

/// A file that goes along.
struct Attached<'s> {
    name: &'s str,
    bytes: &'s [u8],
}

/// What an [`Entity`] is made of.
struct Parts<'s> {
    message_id: &'s str,
    fields: &'s [Field],
    outer: &'s [Field],
    cover: Cover,
    /// What is said differently outside, and readers want to see.
    hidden: &'s [(&'static str, String)],
    text: &'s str,
    lang: &'s Lang,
    attached: &'s [Attached<'s>],
}

/// The part to be signed, in canonical form, and the header that will stand outside.
#[derive(Clone)]
struct Entity {
    /// Lines of the outer header, without what `pack` adds.
    outer: Vec<u8>,
    payload: Vec<u8>,
    message_id: String,
    /// Of the multipart around payload or ciphertext.
    boundary: String,
}

/// `{:?}` shows the Message-ID only: the rest may be closed.
impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entity")
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

impl Entity {
    fn new(parts: &Parts<'_>) -> Result<Entity, LetterError> {
        let mut payload = Vec::with_capacity(parts.text.len() * 4 / 3 + 2_000);
        // RFC 9788: the header fields of the message are copied to the root of the cryptographic payload. They
        // are all but the structural ones, "MIME-Version" and "Content-*".
        for field in parts.fields {
            field.write("", &mut payload);
        }
        let hp = match parts.cover {
            Cover::Signed => "clear",
            Cover::Encrypted => {
                // RFC 9788, 2.2: `HP-Outer` records each field as it was left outside, and only of encrypted mail.
                for field in parts.outer {
                    field.write("HP-Outer: ", &mut payload);
                }
                "cipher"
            }
        };
        let root = [
            mime::parameter("hp", hp),
            mime::parameter("protected-headers", "v1"),
        ]
        .concat();
        match parts.attached {
            [] => text_part(parts, root, &mut payload)?,
            attached => {
                let seed = attached
                    .iter()
                    .flat_map(|file| [file.name.as_bytes(), file.bytes]);
                let seed = [parts.message_id.as_bytes(), parts.text.as_bytes()]
                    .into_iter()
                    .chain(seed);
                let boundary = boundary("mixed", seed);
                let parameters = [mime::parameter("boundary", &boundary), root].concat();
                mime::with_parameters("Content-Type", "multipart/mixed", parameters)?
                    .write("", &mut payload);
                payload.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
                text_part(parts, Vec::new(), &mut payload)?;
                for file in attached {
                    payload.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
                    file_part(file, &mut payload)?;
                }
                payload.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
            }
        }
        canonical(&payload)?;
        let mut outer = Vec::with_capacity(1_000);
        for field in parts.outer {
            field.write("", &mut outer);
        }
        canonical(&outer)?;
        let boundary = boundary(
            parts.cover.as_str(),
            [parts.message_id.as_bytes(), &payload],
        );
        Ok(Entity {
            outer,
            payload,
            message_id: parts.message_id.to_string(),
            boundary,
        })
    }
}

/// A boundary that the parts cannot have: `=_` is in no line of quoted-printable or base64.
fn boundary<'s>(kind: &'s str, seed: impl IntoIterator<Item = &'s [u8]>) -> String {
    let seed = std::iter::once(kind.as_bytes()).chain(seed);
    format!("=_{}", &Digest::of_parts(seed).hex()[..40])
}

fn text_part(parts: &Parts<'_>, more: Vec<String>, out: &mut Vec<u8>) -> Result<(), LetterError> {
    let mut parameters = [mime::parameter("charset", "utf-8"), more].concat();
    let mut legacy = String::new();
    // RFC 9788, 2.1.2 and 5.2.2: for mail programs that do not know header protection, the text begins with the
    // user-facing fields that are hidden outside, and those that know it leave all out to the first empty line.
    for (name, value) in parts.hidden {
        legacy.push_str(&body::folded(&format!("{name}: {value}")));
    }
    if !legacy.is_empty() {
        parameters.extend(mime::parameter("hp-legacy-display", "1"));
        legacy.push('\n');
    }
    mime::with_parameters("Content-Type", "text/plain", parameters)?.write("", out);
    Field::of("Content-Language", [parts.lang.to_string()])?.write("", out);
    let text = format!("{legacy}{}", parts.text);
    if mime::wants_base64(&text) {
        out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
        // RFC 2046, 4.1.1: "The canonical form of any MIME "text" subtype MUST always represent a line break as
        // a CRLF sequence."
        mime::base64(text.replace('\n', "\r\n").as_bytes(), out);
    } else if mime::is_plain(&text) {
        out.extend_from_slice(b"Content-Transfer-Encoding: 7bit\r\n\r\n");
        out.extend_from_slice(text.replace('\n', "\r\n").as_bytes());
    } else {
        out.extend_from_slice(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        mime::quoted_printable(&text, out);
    }
    Ok(())
}

fn file_part(file: &Attached<'_>, out: &mut Vec<u8>) -> Result<(), LetterError> {
    let name = file_name(file.name);
    let (media, charset) = match (media_type(&name), std::str::from_utf8(file.bytes)) {
        // A text whose letters nobody could name is just bytes.
        (media, Err(_)) if media.starts_with("text/") => ("application/octet-stream", Vec::new()),
        (media, _) if media.starts_with("text/") => (media, mime::parameter("charset", "utf-8")),
        (media, _) => (media, Vec::new()),
    };
    mime::with_parameters("Content-Type", media, charset)?.write("", out);
    mime::with_parameters(
        "Content-Disposition",
        "attachment",
        mime::parameter("filename", &name),
    )?
    .write("", out);
    out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
    mime::base64(file.bytes, out);
    Ok(())
}

/// A name that is only a name: no folders, nothing hidden, nothing that turns its reading direction.
fn file_name(name: &str) -> String {
    let odd = |c: char| {
        c.is_control()
            || "/\\:*?\"<>|".contains(c)
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let name: String = name.chars().map(|c| if odd(c) { '_' } else { c }).collect();
    match name.trim_matches(['.', ' ']) {
        "" => "attachment".into(),
        name => name.into(),
    }
}

/// By the name's ending; what a mail program would run or render by itself is just bytes.
fn media_type(name: &str) -> &'static str {
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("pdf") => "application/pdf",
        Some("json") => "application/json",
        Some("csv") => "text/csv",
        Some("txt" | "log" | "md" | "yar" | "rules") => "text/plain",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("zip") => "application/zip",
        Some("gz") => "application/gzip",
        Some("sig") => "application/pgp-signature",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
