//! The answer: a signed mail to somebody who wrote to a list's addresses; encrypted where it asks for a proof that its
//! reader can read.
//!
//! It is made without any advisory, and of nothing that the other side wrote but their address and Message-ID.

use super::{
    Cover, Entity, LetterError, LetterWords, ListFacts, Message, PackError, Parts, body::Page,
    message_id, mime::Field, pack,
};
use crate::{
    openpgp::{Payload, Sealed, Signed},
    render::words::Words,
    team::Team,
    terms::{Address, Fingerprint, Lang, Moment},
    tlp::Tlp,
};
use std::fmt;

/// What an answer says. A `command` is what has to come back in a subject.
#[derive(Debug, Clone, Copy)]
pub enum Said<'s> {
    /// How to join, to leave and to change a key; first, why a mail was not taken as a request, if it looked like one.
    Help(Option<Hindrance>),
    /// A signed request has arrived. The same to everybody.
    Received,
    /// Who wants to leave has to say so once more. The same to everybody.
    ConfirmLeaving(&'s str),
    /// The address gets no mail from the list. The same to everybody.
    Left,
    /// Staff have approved: which list, what its label means, and the challenge.
    Welcome {
        /// The narrowest label that the list may carry.
        ceiling: Tlp,
        /// The challenge; none for who uses the same key here already.
        command: Option<&'s str>,
    },
    /// A new certificate was taken, and has to be proven.
    NewKey {
        /// Of the new one.
        certificate: &'s Fingerprint,
        /// The challenge.
        command: &'s str,
    },
    /// The challenge came back.
    Proven,
    /// Staff have refused, with their reason.
    Refused(&'s str),
}

/// Why a mail was not taken as a request, as far as its sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words of templates/words/ say each")]
pub enum Hindrance {
    NotSigned,
    NoCertificate,
    Altered,
    NotInTime,
    UnfitCertificate,
    OtherAddress,
}

impl Hindrance {
    fn key(self) -> &'static str {
        match self {
            Hindrance::NotSigned => "answer_not_signed",
            Hindrance::NoCertificate => "answer_no_certificate",
            Hindrance::Altered => "answer_altered",
            Hindrance::NotInTime => "answer_not_in_time",
            Hindrance::UnfitCertificate => "answer_unfit_certificate",
            Hindrance::OtherAddress => "answer_other_address",
        }
    }
}

impl Said<'_> {
    /// What proves that its reader can read travels encrypted, and nothing else does: who asks for the rest may have no
    /// certificate.
    pub fn cover(&self) -> Cover {
        match self {
            Said::Welcome { .. } | Said::NewKey { .. } => Cover::Encrypted,
            _ => Cover::Signed,
        }
    }

    fn key(&self) -> &'static str {
        match self {
            Said::Help(_) => "answer_help",
            Said::Received => "answer_received",
            Said::ConfirmLeaving(_) => "answer_leave",
            Said::Left => "answer_left",
            Said::Welcome { .. } => "answer_welcome",
            Said::NewKey { .. } => "answer_key",
            Said::Proven => "answer_proven",
            Said::Refused(_) => "answer_refused",
        }
    }
}

/// All that an answer is made of.
#[derive(Debug, Clone)]
pub struct AnswerShop<'s> {
    /// The answer's language.
    pub lang: &'s Lang,
    /// The phrases in that language.
    pub words: &'s Words,
    /// Who writes.
    pub team: &'s Team,
    /// The `From`.
    pub from: &'s Address,
    /// Who wrote, or joined.
    pub to: &'s Address,
    /// What it is about.
    pub list: &'s ListFacts,
    /// Of the team's signing key.
    pub signing: &'s Fingerprint,
    /// `<TOKEN@domain>`
    pub message_id: &'s str,
    /// Of the mail that this one answers, with its brackets. One that is not well formed is left out.
    pub in_reply_to: Option<&'s str>,
    /// The `Date`.
    pub date: &'s Moment,
}

/// A mail to one address that answers what came from there.
#[derive(Clone)]
pub struct Answer {
    recipient: String,
    text: String,
    cover: Cover,
    entity: Entity,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("entity", &self.entity)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// Writes it.
    pub fn new(said: Said<'_>, shop: &AnswerShop<'_>) -> Result<Answer, LetterError> {
        let words = shop.words;
        let team = shop.team.name.in_lang(shop.lang);
        let (join, leave) = (
            command_address(&shop.list.address, "subscribe"),
            command_address(&shop.list.address, "unsubscribe"),
        );
        let command = match said {
            Said::ConfirmLeaving(command)
            | Said::Welcome {
                command: Some(command),
                ..
            }
            | Said::NewKey { command, .. } => command,
            _ => "",
        };
        let fill = |key: &str| {
            words
                .get(key)
                .replace("{team}", team)
                .replace("{list}", &shop.list.title)
                .replace("{command}", command)
                .replace("{address}", shop.to.as_str())
        };
        let aimed = |key: &str| {
            fill(key)
                .replace("{subscribe}", &join)
                .replace("{unsubscribe}", &leave)
        };
        let subject = fill(&format!("{}_subject", said.key()));
        let subject = subject.trim_end_matches([':', ' ']).to_string();
        let mut page = Page::default();
        let mut say = |text: &str| {
            page.paragraph(text);
            page.gap();
        };
        if let Said::Help(Some(hindrance)) = said {
            say(&fill(hindrance.key()));
        }
        say(&aimed(said.key()));
        let mut line = |text: &str| {
            page.line(&format!("    {text}"));
            page.gap();
        };
        match said {
            Said::Help(_) => {
                line(&format!("subscribe {}", shop.list.address));
                leaving(&mut page, &aimed("answer_to_leave"), &shop.list.address);
                page.paragraph(&aimed("answer_to_change"));
                page.gap();
                page.line("    key FINGERPRINT");
                page.gap();
            }
            Said::ConfirmLeaving(_) => {
                line(command);
                page.paragraph(&aimed("answer_leave_or_not"));
                page.gap();
            }
            Said::Welcome { ceiling, .. } => {
                page.paragraph(&fill("answer_welcome_label").replace("{label}", ceiling.label()));
                page.gap();
                page.paragraph(&format!(
                    "{}: {}",
                    ceiling.label(),
                    LetterWords::of(words).meaning(ceiling)
                ));
                page.line("https://www.first.org/tlp/");
                page.gap();
                if !command.is_empty() {
                    proving(&mut page, &aimed("answer_prove"), command);
                }
                leaving(&mut page, &aimed("answer_to_leave"), &shop.list.address);
                page.paragraph(&aimed("answer_to_verify"));
                page.gap();
                page.line(&format!("    {}", shop.signing.spaced()));
                page.gap();
            }
            Said::NewKey { certificate, .. } => {
                line(&certificate.spaced());
                proving(&mut page, &aimed("answer_prove"), command);
            }
            Said::Refused(reason) => {
                page.frame(reason);
                page.gap();
            }
            Said::Received | Said::Left | Said::Proven => {}
        }
        let last = if said.cover() == Cover::Encrypted {
            "answer_not_you"
        } else {
            "answer_check"
        };
        page.paragraph(&fill(last));
        page.gap();
        page.line(team);
        page.line(shop.team.email.as_str());

        let mut fields = vec![
            Field::mailbox("From", Some(team), shop.from)?,
            Field::mailbox("To", None, shop.to)?,
            Field::text("Subject", &subject)?,
            Field::of("Date", [shop.date.rfc2822()])?,
            Field::of("Message-ID", [message_id(shop.message_id)?])?,
        ];
        // RFC 3834, 3.1.5: "the In-Reply-To and References fields SHOULD be provided".
        if let Some(id) = shop.in_reply_to.and_then(|id| message_id(id).ok()) {
            fields.push(Field::of("In-Reply-To", [id.clone()])?);
            fields.push(Field::of("References", [id])?);
        }
        if !command.is_empty() {
            let back = if matches!(said, Said::ConfirmLeaving(_)) {
                leave
            } else {
                join
            };
            fields.push(Field::of("Reply-To", [back])?);
        }
        // RFC 3834, 5: "auto-replied" is what a program sends in answer to another message.
        fields.push(Field::of("Auto-Submitted", ["auto-replied".to_string()])?);
        super::mime::refuse_control("body", &page.text.replace('\n', " "))?;
        let cover = said.cover();
        let (outer, hidden) = match cover {
            Cover::Signed => (fields.clone(), Vec::new()),
            Cover::Encrypted => {
                let hide = |field: &Field| match field.name {
                    "Subject" => Field::text("Subject", "[…]"),
                    _ => Ok(field.clone()),
                };
                (
                    fields.iter().map(hide).collect::<Result<_, _>>()?,
                    vec![("Subject", subject)],
                )
            }
        };
        let entity = Entity::new(&Parts {
            message_id: shop.message_id,
            fields: &fields,
            outer: &outer,
            cover,
            hidden: &hidden,
            text: &page.text,
            lang: shop.lang,
            attached: &[],
        })?;
        Ok(Answer {
            recipient: shop.to.key(),
            text: page.text,
            cover,
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

    pub(super) fn in_clear(answer: &Signed<Answer>) -> Result<Message, PackError> {
        match answer.thing().cover {
            Cover::Signed => pack::signed(&answer.thing().entity, &answer.detached()),
            Cover::Encrypted => Err(PackError::Challenge),
        }
    }

    pub(super) fn sealed(
        answer: &Signed<Answer>,
        ciphertext: &Sealed,
    ) -> Result<Message, PackError> {
        match answer.thing().cover {
            Cover::Encrypted => Ok(pack::encrypted(&answer.thing().entity, ciphertext)),
            Cover::Signed => Err(PackError::MustNotEncrypt),
        }
    }
}

impl Payload for Answer {
    fn payload(&self) -> &[u8] {
        &self.entity.payload
    }
}

/// `LIST-subscribe@…` of a list's address.
pub fn command_address(list: &Address, command: &str) -> String {
    format!("{}-{command}@{}", list.local(), list.domain())
}

fn leaving(page: &mut Page, text: &str, list: &Address) {
    page.paragraph(text);
    page.gap();
    page.line(&format!("    unsubscribe {list}"));
    page.gap();
}

fn proving(page: &mut Page, text: &str, command: &str) {
    page.paragraph(text);
    page.gap();
    page.line(&format!("    {command}"));
    page.gap();
}
