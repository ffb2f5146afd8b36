//! A letter as its recipient will see it, for staff who look at it before it leaves. It is never signed, and cannot be:
//! a sketch has no bytes.

use super::{Composed, LetterError, LetterShop, Notice, file_name, media_type, mime::Field};
use crate::{
    advisory::Advisory,
    tlp::{ByMake, Cover, Made, Staff},
};
use std::convert::Infallible;

/// What a mail program shows of a letter, or of a notice.
#[derive(Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sketch {
    /// What everybody on the way can read: name and value, nothing encoded.
    pub outer: Vec<(&'static str, String)>,
    /// What is signed, and, if the letter is encrypted, for the recipient's eyes only.
    pub inner: Vec<(&'static str, String)>,
    /// Lines ended by `\n`.
    pub text: String,
    pub attached: Vec<SketchedFile>,
}

/// A file that goes along.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SketchedFile {
    pub name: String,
    pub media_type: &'static str,
    pub size: usize,
}

fn shown(fields: &[Field]) -> Vec<(&'static str, String)> {
    fields
        .iter()
        .map(|field| (field.name, field.shown.clone()))
        .collect()
}

impl Made<&Advisory, Staff> for Sketch {
    type Shop<'s> = LetterShop<'s>;
    type Error = LetterError;

    fn made(
        advisory: &&Advisory,
        _: &Staff,
        shop: &LetterShop<'_>,
        _: ByMake,
    ) -> Result<Sketch, LetterError> {
        let Composed {
            letter,
            fields,
            outer,
        } = Composed::of(advisory, shop)?;
        let file = |one: &crate::advisory::Attachment| {
            let name = file_name(&one.name);
            SketchedFile {
                media_type: media_type(&name),
                name,
                size: one.bytes.len(),
            }
        };
        let mut outer = shown(&outer);
        outer.push(("Content-Type", wrapping(letter.cover).into()));
        let attached = advisory.attachments.iter().map(file).collect();
        Ok(Sketch {
            outer,
            inner: shown(&fields),
            text: letter.text,
            attached,
        })
    }
}

/// Of the whole message, as `pack` writes it.
fn wrapping(cover: Cover) -> &'static str {
    match cover {
        Cover::Signed => {
            "multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512"
        }
        Cover::Encrypted => "multipart/encrypted; protocol=\"application/pgp-encrypted\"",
    }
}

impl Made<Notice, Staff> for Sketch {
    type Shop<'s> = ();
    type Error = Infallible;

    fn made(notice: &Notice, _: &Staff, (): &(), _: ByMake) -> Result<Sketch, Infallible> {
        let inner = shown(&notice.fields);
        Ok(Sketch {
            outer: inner.clone(),
            inner,
            text: notice.text.clone(),
            attached: Vec::new(),
        })
    }
}
