//! The notice: a signed mail without content for a member who cannot get what is waiting, or soon could not, since
//! their certificate ends; or whose colleague cannot, since mail to that mailbox comes back.
//!
//! It is made without any advisory, so it cannot say anything about one, not even its label or id.

use super::{
    Entity, LetterError, Message, NoticeWords, PackError, Parts, body::Page, message_id,
    mime::Field, pack,
};
use crate::{
    openpgp::{Payload, Signed},
    team::Team,
    terms::{Address, Fingerprint, Lang, Moment},
    tlp::Cover,
};
use std::fmt;

/// All that a notice is made of.
#[derive(Debug, Clone)]
pub struct NoticeShop<'s> {
    /// The member's language.
    pub lang: &'s Lang,
    /// The phrases in that language: [`NoticeWords::held`], [`NoticeWords::expiring`] or [`NoticeWords::suspended`].
    pub words: &'s NoticeWords,
    /// Who writes.
    pub team: &'s Team,
    /// The `From`.
    pub from: &'s Address,
    /// The member.
    pub to: &'s Address,
    /// Takes certificates.
    pub help: &'s Address,
    /// The certificate that ends soon, and when, if that is what it is about.
    pub ending: Option<(&'s Fingerprint, &'s Moment)>,
    /// The mailbox from which mail comes back, if that is what it is about.
    pub mailbox: Option<&'s Address>,
    /// `<TOKEN@domain>`
    pub message_id: &'s str,
    /// The `Date`.
    pub date: &'s Moment,
}

/// A mail that says that something is waiting, and how to get it.
#[derive(Clone)]
pub struct Notice {
    recipient: String,
    pub(super) text: String,
    pub(super) fields: Vec<Field>,
    pub(super) entity: Entity,
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("entity", &self.entity)
            .finish_non_exhaustive()
    }
}

impl Notice {
    /// Writes it.
    pub fn new(shop: &NoticeShop<'_>) -> Result<Notice, LetterError> {
        let team = shop.team.name.in_lang(shop.lang);
        let date = shop
            .ending
            .map_or_else(String::new, |(_, ends)| ends.date().to_string());
        let fill = |phrase: &str| {
            phrase
                .replace("{team}", team)
                .replace("{address}", shop.help.as_str())
                .replace("{date}", &date)
        };
        let subject = fill(&shop.words.subject);
        let mut page = Page::default();
        page.paragraph(&fill(&shop.words.waiting));
        page.gap();
        let named = shop
            .ending
            .map(|(fingerprint, _)| fingerprint.to_string())
            .or(shop.mailbox.map(ToString::to_string));
        if let Some(named) = named {
            page.line(&format!("    {named}"));
            page.gap();
        }
        page.paragraph(&fill(&shop.words.mend));
        page.gap();
        if let Some((fingerprint, _)) = shop.ending {
            // The first extends the certificate, the second its subkeys: GnuPG 2.2 does either, not both.
            page.line(&format!("  gpg --quick-set-expire {fingerprint} 2y"));
            page.line(&format!("  gpg --quick-set-expire {fingerprint} 2y '*'"));
            page.line(&format!("  gpg --armor --export {fingerprint} > key.asc"));
            page.gap();
        }
        for phrase in [&shop.words.instead, &shop.words.check]
            .into_iter()
            .filter(|phrase| !phrase.is_empty())
        {
            page.paragraph(&fill(phrase));
            page.gap();
        }
        page.line(team);
        page.line(shop.team.email.as_str());
        let fields = [
            Field::mailbox("From", Some(team), shop.from)?,
            Field::mailbox("To", None, shop.to)?,
            Field::text("Subject", &subject)?,
            Field::of("Date", [shop.date.rfc2822()])?,
            Field::of("Message-ID", [message_id(shop.message_id)?])?,
            Field::of("Auto-Submitted", ["auto-generated".to_string()])?,
        ];
        super::mime::refuse_control("body", &page.text.replace('\n', " "))?;
        let entity = Entity::new(&Parts {
            message_id: shop.message_id,
            fields: &fields,
            outer: &fields,
            cover: Cover::Signed,
            hidden: &[],
            text: &page.text,
            lang: shop.lang,
            attached: &[],
        })?;
        Ok(Notice {
            recipient: shop.to.key(),
            text: page.text,
            fields: fields.to_vec(),
            entity,
        })
    }

    /// The address it is for, in lower case.
    pub fn recipient(&self) -> &str {
        &self.recipient
    }

    /// What is read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `<TOKEN@domain>`
    pub fn message_id(&self) -> &str {
        &self.entity.message_id
    }

    /// With its signature.
    pub fn in_clear(notice: &Signed<Notice>) -> Result<Message, PackError> {
        pack::signed(&notice.thing().entity, &notice.detached())
    }
}

impl Payload for Notice {
    fn payload(&self) -> &[u8] {
        &self.entity.payload
    }
}
