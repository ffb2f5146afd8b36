//! The call sheet: who has to be phoned, since a critical advisory has not reached them.

use super::{Facts, Suspended, Why, hindrance};
use crate::{
    advisory::{Advisory, Status},
    receipt::{Mail, MemberHash, Receipt, State},
    roster::{Contact, Delivery, List},
    terms::{Id, Moment, Severity},
};
use jiff::SignedDuration;
use std::collections::HashMap;

/// Why somebody has not got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// It came back for good: status and words of the server.
    CameBack(String),
    /// The server refused it: its words.
    Refused(String),
    /// The server has not taken it yet: its words.
    NotTaken(String),
    /// It was handed over, and no answer came.
    NoAnswer,
    /// It cannot be encrypted to them.
    Held(Why),
    /// Nothing is sent to them, because letters came back.
    Suspended,
    /// It was not tried yet.
    NotTried,
}

impl Missing {
    /// Whether it does not get there, however long one waits.
    fn is_final(&self) -> bool {
        match self {
            Missing::CameBack(_) | Missing::Refused(_) | Missing::Suspended => true,
            // A certificate may come any minute: who is held has had a notice.
            Missing::NotTaken(_) | Missing::NoAnswer | Missing::Held(_) | Missing::NotTried => {
                false
            }
        }
    }
}

/// Whom to phone.
#[derive(Debug, Clone, Copy)]
pub enum Callee<'a> {
    /// A person.
    Contact(&'a Contact),
    /// Who runs a list server: its members are not known here.
    Server(&'a List),
}

/// Somebody who has to be phoned.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// What they have not got.
    pub advisory: &'a Advisory,
    /// In which revision.
    pub revision: &'a str,
    /// Whom to phone.
    pub callee: Callee<'a>,
    /// Why.
    pub missing: Missing,
    /// Since when it is on its way, or should be.
    pub since: Moment,
    /// How many others of the same constituent have it.
    pub others: usize,
}

impl<'a> Call<'a> {
    /// Their number, if it is known.
    pub fn phone(&self) -> Option<&'a str> {
        match self.callee {
            Callee::Contact(contact) => contact.phone.as_deref(),
            Callee::Server(_) => None,
        }
    }

    /// Whether no waiting helps, and nobody of their constituent has it.
    pub fn is_alarming(&self) -> bool {
        self.missing.is_final() && self.others == 0
    }
}

/// Whom to phone because of this advisory, or of all that are young enough to be mailed: everybody of whose newest letter
/// no server said that it took it `after` so long; at once, where no waiting helps.
///
/// First those of whose constituent nobody else has it.
pub fn calls<'a>(facts: &Facts<'a>, id: Option<&Id>, after: SignedDuration) -> Vec<Call<'a>> {
    let is_young = |advisory: &Advisory| {
        advisory.updated().days_until(facts.now) <= i64::from(facts.settings.mail.max_age)
    };
    let is_meant = |advisory: &&Advisory| {
        let asked = id.map_or_else(|| is_young(advisory), |id| advisory.id == *id);
        asked && advisory.severity == Severity::Critical && advisory.status == Status::Final
    };
    let mut letters: HashMap<&Id, Vec<&'a Receipt>> = facts
        .advisories
        .iter()
        .filter(is_meant)
        .map(|advisory| (&advisory.id, Vec::new()))
        .collect();
    for (key, receipt) in facts
        .history
        .deliveries
        .iter()
        .filter(|(key, _)| key.mail == Mail::Letter)
    {
        if let Some(letters) = letters.get_mut(&key.advisory) {
            letters.push(receipt);
        }
    }
    if letters
        .values()
        .flatten()
        .all(|receipt| receipt.state == State::Accepted)
    {
        return Vec::new();
    }
    let people = People::of(facts);
    let mut all = Vec::new();
    for advisory in facts.advisories.iter().filter(is_meant) {
        let letters = letters.remove(&advisory.id).unwrap_or_default();
        let newest = advisory
            .revisions
            .iter()
            .rev()
            .map(|revision| &revision.number);
        let newest = newest.into_iter().find(|number| {
            letters
                .iter()
                .any(|letter| letter.intent.key.revision == **number)
        });
        let Some(newest) = newest else { continue };
        let letters: Vec<&Receipt> = letters
            .into_iter()
            .filter(|letter| letter.intent.key.revision == *newest)
            .collect();
        let mut have: HashMap<&str, usize> = HashMap::new();
        for letter in letters
            .iter()
            .filter(|letter| letter.state == State::Accepted)
        {
            if let Some(contact) = people.contacts.get(&letter.intent.key.member) {
                *have.entry(contact.constituent.as_str()).or_default() += 1;
            }
        }
        for letter in letters
            .into_iter()
            .filter(|letter| letter.state != State::Accepted)
        {
            let since = letter.first.as_ref().unwrap_or(&letter.at).clone();
            let Some(callee) = people.callee(&letter.intent.key.member) else {
                continue;
            };
            let missing = people.missing(facts, letter, callee);
            let waited = facts.now.timestamp().duration_since(since.timestamp());
            if !missing.is_final() && waited < after {
                continue;
            }
            let others = match callee {
                Callee::Contact(contact) => {
                    have.get(contact.constituent.as_str()).copied().unwrap_or(0)
                }
                Callee::Server(_) => 0,
            };
            all.push(Call {
                advisory,
                revision: newest,
                callee,
                missing,
                since,
                others,
            });
        }
    }
    let name = |callee: Callee<'a>| match callee {
        Callee::Contact(contact) => (
            contact.constituent.as_str(),
            contact.name.as_str(),
            contact.address.as_str(),
        ),
        Callee::Server(list) => ("", list.name.as_str(), list.address.as_str()),
    };
    all.sort_by(|a, b| {
        let of = |call: &Call<'a>| {
            (
                call.others > 0,
                call.advisory.id.as_str(),
                name(call.callee),
            )
        };
        of(a).cmp(&of(b))
    });
    all
}

/// Who stands behind the hashes of the ledger. Who is suspended by staff is not phoned, and who left neither.
struct People<'a> {
    contacts: HashMap<MemberHash, &'a Contact>,
    servers: HashMap<MemberHash, &'a List>,
    suspended: Vec<Suspended<'a>>,
}

impl<'a> People<'a> {
    fn of(facts: &Facts<'a>) -> People<'a> {
        let contacts = facts
            .roster
            .contacts()
            .filter(|contact| contact.suspended.is_none());
        let servers = facts
            .roster
            .lists
            .values()
            .filter(|list| list.delivery != Delivery::Direct);
        People {
            contacts: contacts
                .map(|contact| ((facts.member)(&contact.address), &**contact))
                .collect(),
            servers: servers
                .map(|list| ((facts.member)(&list.address), list))
                .collect(),
            suspended: facts.suspended(),
        }
    }

    fn callee(&self, member: &MemberHash) -> Option<Callee<'a>> {
        match self.contacts.get(member) {
            Some(contact) => Some(Callee::Contact(contact)),
            None => self.servers.get(member).map(|list| Callee::Server(list)),
        }
    }

    fn missing(&self, facts: &Facts<'a>, letter: &Receipt, callee: Callee<'a>) -> Missing {
        let Receipt {
            intent,
            state,
            reply,
            bounce,
            ..
        } = letter;
        let certificate = match callee {
            Callee::Contact(contact) => contact.certificate.as_ref(),
            Callee::Server(List {
                delivery: Delivery::Relay(certificate),
                ..
            }) => certificate.as_ref(),
            Callee::Server(_) => None,
        };
        match (state, bounce) {
            (State::Failed, Some(bounce)) => Missing::CameBack(bounce.said()),
            (State::Failed, None) => Missing::Refused(reply.clone()),
            (State::Sending, _) => Missing::NoAnswer,
            _ if self.suspended.iter().any(|one| {
                one.member == intent.key.member && one.list.name.as_str() == intent.list
            }) =>
            {
                Missing::Suspended
            }
            (State::Deferred, _) => Missing::NotTaken(reply.clone()),
            (State::Intended | State::Accepted, _) => {
                match hindrance(facts, intent.cover, certificate, intent.key.member) {
                    Some(why) => Missing::Held(why),
                    None => Missing::NotTried,
                }
            }
        }
    }
}
