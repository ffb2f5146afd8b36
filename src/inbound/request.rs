//! What somebody asks of a list by mail, and what comes of it: pure values, and one function that decides.
//!
//! A mail can cause no more than a [`Decision`] says. The farthest-reaching, to leave and to change a key, need the member's
//! own signature over the very words, or a token that only the member's mailbox saw.

use super::{
    mail::Mail,
    signed::{Flaw, Signed},
};
use crate::{
    render::letter::{Hindrance, command_address},
    roster::{Contact, List},
    terms::{Address, Fingerprint, Slug},
};
use std::collections::BTreeMap;

/// Letters in a token.
const TOKEN: usize = 26;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To join, or to change a key.
    Subscribe,
    /// To leave.
    Unsubscribe,
    /// How this works.
    Help,
    /// A token comes back.
    Confirm(String),
}

impl Wish {
    /// The word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Wish::Subscribe => "subscribe",
            Wish::Unsubscribe => "unsubscribe",
            Wish::Help => "help",
            Wish::Confirm(_) => "confirm",
        }
    }
}

/// A request, as far as the mail's addresses and commands say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What.
    pub wish: Wish,
    /// Of which list.
    pub list: Slug,
}

/// What a mail asks, if it is a request: one that came to `LIST-subscribe@…` and the like, or to `desk` with a command as its
/// subject or in its first line.
pub fn asked(mail: &Mail, lists: &BTreeMap<Slug, List>, desk: &Address) -> Option<Asked> {
    let recipients = mail.recipients();
    let token = token(mail);
    for recipient in &recipients {
        for list in lists.values() {
            for wish in [Wish::Subscribe, Wish::Unsubscribe, Wish::Help] {
                if recipient.key() == command_address(&list.address, wish.as_str()).to_ascii_lowercase() {
                    let wish = token.map_or(wish, Wish::Confirm);
                    return Some(Asked { wish, list: list.name.clone() });
                }
            }
        }
    }
    if !recipients.iter().any(|recipient| recipient.key() == desk.key()) {
        return None;
    }
    let text = mail.text();
    let lines = [mail.subject(), text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()];
    lines.into_iter().find_map(|line| command(line, lists))
}

/// `subscribe LIST`: a command and the name, or the address, of a list, and nothing else.
fn command(line: &str, lists: &BTreeMap<Slug, List>) -> Option<Asked> {
    let mut words = line.split_whitespace();
    let (first, name) = (words.next()?, words.next()?);
    let wish = [Wish::Subscribe, Wish::Unsubscribe, Wish::Help].into_iter().find(|wish| first.eq_ignore_ascii_case(wish.as_str()))?;
    let list = lists.values().find(|list| is_called(list, name))?;
    words.next().is_none().then(|| Asked { wish, list: list.name.clone() })
}

fn is_called(list: &List, name: &str) -> bool {
    let names = [list.name.as_str(), list.address.as_str(), list.address.local()];
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The token after the word `confirm` in the subject, or in a line of the text.
fn token(mail: &Mail) -> Option<String> {
    let in_line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_token = |word: &&str| word.len() == TOKEN && word.bytes().all(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7'));
        words.windows(2).find(|two| two[0].eq_ignore_ascii_case("confirm") && is_token(&two[1])).map(|two| two[1].to_string())
    };
    in_line(mail.subject()).or_else(|| mail.text().lines().take(200).find_map(in_line))
}

/// What a token that came back is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// None came, or one that is worth nothing here.
    Nothing,
    /// Of a mail that asked this sender whether they want to leave this list.
    Leaving,
    /// Of an encrypted mail to a new member.
    Challenge,
}

/// All that a decision depends on.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What is asked.
    pub wish: &'a Wish,
    /// Of which list.
    pub list: &'a List,
    /// Who wrote, if the mail has one sender with an address that we write to.
    pub from: Option<&'a Address>,
    /// Who signed it.
    pub proof: &'a Result<Signed, Flaw>,
    /// Whether it was taken before: the mail, or what it signs.
    pub is_known: bool,
    /// Who has the sender's address here.
    pub contact: Option<&'a Contact>,
    /// Whether the contact has still to prove that they can read.
    pub is_unproven: bool,
    /// What came back.
    pub token: Token,
    /// Whether staff can be given more requests.
    pub has_room: bool,
}

/// Everything that a mail can cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing, and no answer.
    Nothing(Idle),
    /// An answer that says how to ask; and, to who tried to join, why that was none.
    Explain(Option<Hindrance>),
    /// The answer that a request has arrived, which says nothing; everything is as was asked.
    NothingNew,
    /// Staff decide.
    Keep(Purpose),
    /// The same challenge again, to a member who asks before they have answered it.
    ChallengeAgain,
    /// A mail that asks whether the sender wants to leave.
    AskWhetherToLeave,
    /// The sender gets no mail from the list any more, if they got any.
    Leave,
    /// The member whose challenge came back has proven that they can read.
    Prove,
    /// The member gets a new certificate, by word of the old one, and has to prove it.
    ChangeKey(Fingerprint),
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "`words` says each")]
pub enum Idle {
    NoSender,
    Known,
    BadToken,
    Full,
}

impl Idle {
    /// For staff.
    pub fn words(self) -> &'static str {
        match self {
            Idle::NoSender => "its sender is not one plain address",
            Idle::Known => "it was taken before: the same mail, or the same signature in another",
            Idle::BadToken => "its token is none of ours, is another's, or is too old",
            Idle::Full => "too many requests wait for staff already",
        }
    }
}

/// What staff are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To let somebody in.
    Join,
    /// To take another certificate for a contact.
    NewKey,
}

impl Purpose {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Join => "join",
            Purpose::NewKey => "new-key",
        }
    }
}

/// Decides.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let Some(from) = facts.from else { return Decision::Nothing(Idle::NoSender) };
    if facts.is_known {
        return Decision::Nothing(Idle::Known);
    }
    match facts.wish {
        Wish::Help => Decision::Explain(None),
        Wish::Confirm(_) => match facts.token {
            Token::Challenge => Decision::Prove,
            Token::Leaving => Decision::Leave,
            Token::Nothing => Decision::Nothing(Idle::BadToken),
        },
        Wish::Unsubscribe => match own_signature(facts) {
            Some(signed) if names(signed, "unsubscribe", facts.list) => Decision::Leave,
            _ => Decision::AskWhetherToLeave,
        },
        Wish::Subscribe => match facts.proof {
            Err(flaw) => Decision::Explain(Some(hindrance(flaw))),
            Ok(signed) => subscribe(facts, signed, from),
        },
    }
}

fn subscribe(facts: &Facts<'_>, signed: &Signed, from: &Address) -> Decision {
    if !signed.certificate.has_address(from) {
        return Decision::Explain(Some(Hindrance::OtherAddress));
    }
    let keep = |purpose| if facts.has_room { Decision::Keep(purpose) } else { Decision::Nothing(Idle::Full) };
    if let Some((contact, signed)) = facts.contact.zip(own_signature(facts)) {
        let offered = signed.offered.iter().find(|one| Some(one.fingerprint()) != contact.certificate.as_ref());
        return match offered.filter(|one| one.has_address(from)) {
            // Only the words make it a wish: a new certificate may be attached to any signed mail, and be passed on.
            Some(new) if signed.names_key(new.fingerprint()) => Decision::ChangeKey(new.fingerprint().clone()),
            _ if facts.is_unproven && contact.lists.contains(&facts.list.name) => Decision::ChallengeAgain,
            _ if contact.lists.contains(&facts.list.name) => Decision::NothingNew,
            _ if !signed.state.is_usable() => Decision::Explain(Some(Hindrance::UnfitCertificate)),
            _ => keep(Purpose::Join),
        };
    }
    if !signed.state.is_usable() {
        return Decision::Explain(Some(Hindrance::UnfitCertificate));
    }
    match facts.contact {
        Some(contact) if contact.certificate.is_some() => keep(Purpose::NewKey),
        _ => keep(Purpose::Join),
    }
}

/// The signature, if it is by the certificate that staff have on file for the sender.
fn own_signature<'a>(facts: &Facts<'a>) -> Option<&'a Signed> {
    let named = facts.contact?.certificate.as_ref()?;
    facts.proof.as_ref().ok().filter(|signed| signed.certificate.fingerprint() == named)
}

fn names(signed: &Signed, command: &str, list: &List) -> bool {
    // The address, not the name alone: another team's list may have the same.
    signed.says(command, list.address.as_str())
}

fn hindrance(flaw: &Flaw) -> Hindrance {
    match flaw {
        Flaw::NotSigned => Hindrance::NotSigned,
        Flaw::NoCertificate => Hindrance::NoCertificate,
        Flaw::Altered | Flaw::Unreadable(_) => Hindrance::Altered,
        Flaw::NotInTime(_) => Hindrance::NotInTime,
        Flaw::Unfit(_) => Hindrance::UnfitCertificate,
        Flaw::OtherSender => Hindrance::OtherAddress,
    }
}
