//! Who would get a letter of an advisory if it were final and nobody had it yet: for those who look at it before.
//!
//! Nothing here has been through the gate, and nothing can be sent by it.

use super::{Facts, Why, hindrance, is_told, language, recipients};
use crate::{
    advisory::{Advisory, Reader},
    receipt::MemberHash,
    roster::{Contact, Encrypt, List},
    terms::{Address, Lang},
    tlp::{Cover, Forecast, Refusal},
};
use std::collections::HashSet;

/// Whom a letter is for.
#[derive(Debug, Clone, Copy)]
pub enum Whom<'a> {
    /// All members of a list.
    List(&'a List),
    /// A contact named in the audience.
    Person(&'a Contact),
}

impl<'a> Whom<'a> {
    /// The list, if it is one.
    pub fn list(self) -> Option<&'a List> {
        match self {
            Whom::List(list) => Some(list),
            Whom::Person(_) => None,
        }
    }

    /// The list's name, or `person`: never an address, since this goes into the ledger.
    pub fn name(self) -> &'a str {
        match self {
            Whom::List(list) => list.name.as_str(),
            Whom::Person(_) => "person",
        }
    }
}

/// One letter: its audience, language and cover, and how many it reaches.
#[derive(Debug, Clone)]
pub struct Prospect<'a> {
    /// What it carries.
    pub advisory: &'a Advisory,
    /// Whom it is for.
    pub whom: Whom<'a>,
    /// Its language.
    pub lang: &'a Lang,
    /// Signed or encrypted.
    pub cover: Cover,
    /// Who can get it.
    pub members: Vec<MemberHash>,
    /// Who could not get it now.
    pub held: Vec<Withheld<'a>>,
    /// Why the gate would be shut even if the advisory were final.
    pub refused: Option<Refusal>,
}

/// Somebody whose letter would be held.
#[derive(Debug, Clone)]
pub struct Withheld<'a> {
    /// The person, unless it is a list server.
    pub contact: Option<&'a Contact>,
    /// Where the letter would go.
    pub address: &'a Address,
    /// The reason.
    pub why: Why,
    /// Whether they get a notice without content.
    pub is_told: bool,
}

/// The letters of an advisory, in the order of its audience; who is in it twice gets one letter, as in a plan. An
/// audience without anybody has a letter too, so that it can be looked at.
pub fn outlook<'a>(facts: &Facts<'a>, advisory: &'a Advisory) -> Vec<Prospect<'a>> {
    let forecast = Forecast::at(facts.now);
    let mut reached: HashSet<MemberHash> = HashSet::new();
    let mut all: Vec<Prospect<'a>> = Vec::new();
    for reader in &advisory.audience {
        let (whom, refused) = match reader {
            Reader::Public => continue,
            // One that does not exist is a mistake, which `check` shows.
            Reader::List(name) => match facts.roster.lists.get(name) {
                Some(list) => (Whom::List(list), forecast.once_final(advisory, list).err()),
                None => continue,
            },
            Reader::Person(address) => match facts.roster.contact(address) {
                Some(contact) => (
                    Whom::Person(contact),
                    forecast.once_final(advisory, &**contact).err(),
                ),
                None => continue,
            },
        };
        let first = all.len();
        let always = matches!(whom, Whom::List(list) if list.encrypt == Encrypt::Always);
        let addressed = recipients(facts, advisory, whom);
        let is_empty = addressed.is_empty();
        for (address, contact, certificate) in addressed {
            let member = (facts.member)(address);
            if !reached.insert(member) {
                continue;
            }
            let cover = Cover::for_letter(advisory.tlp, always, certificate.is_some());
            let lang = language(facts.settings, advisory, contact);
            let known = all[first..]
                .iter()
                .position(|one| one.lang == lang && one.cover == cover);
            let at = known.map_or(all.len(), |known| first + known);
            if known.is_none() {
                all.push(bare(advisory, whom, lang, cover, refused.clone()));
            }
            match hindrance(facts, cover, certificate, member) {
                None => all[at].members.push(member),
                Some(why) => {
                    let is_told =
                        is_told(facts, whom.list(), contact) && !matches!(why, Why::Unproven(_));
                    all[at].held.push(Withheld {
                        contact,
                        address,
                        why,
                        is_told,
                    });
                }
            }
        }
        if is_empty {
            let cover = Cover::for_letter(advisory.tlp, always, false);
            all.push(bare(advisory, whom, &advisory.lang, cover, refused));
        }
    }
    all
}

fn bare<'a>(
    advisory: &'a Advisory,
    whom: Whom<'a>,
    lang: &'a Lang,
    cover: Cover,
    refused: Option<Refusal>,
) -> Prospect<'a> {
    Prospect {
        advisory,
        whom,
        lang,
        cover,
        members: Vec::new(),
        held: Vec::new(),
        refused,
    }
}
