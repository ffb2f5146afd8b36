//! To which earlier letters a letter is an answer.

use super::compose::Addressed;
use crate::{
    plan::Whom,
    receipt::{History, Mail, MemberHash, Receipt},
    tlp::Cover,
};
use std::collections::{HashMap, HashSet};

/// What the readers of a letter had of its earlier revisions.
pub(in crate::publish) struct Thread<'a> {
    pub(in crate::publish) in_reply_to: Vec<String>,
    pub(in crate::publish) references: Vec<String>,
    /// The numbers of those revisions that some of them missed.
    pub(in crate::publish) missed: Vec<&'a str>,
}

/// The letters that were sent, by the ledger: a revision may have been on the site only, or have gone in another
/// language, or from another address.
///
/// What went to another list is none of these readers' business, its summary and its Message-ID included, even where
/// one of them is on both lists. Nor is in a clear letter what was written for an encrypted one.
pub(in crate::publish) fn thread<'a>(history: &History, letter: &Addressed<'a>) -> Thread<'a> {
    let advisory = letter.advisory;
    let earlier = &advisory.revisions[..advisory.revisions.len() - 1];
    let list = letter.whom.name();
    let person = letter
        .members
        .first()
        .copied()
        .filter(|_| matches!(letter.whom, Whom::Person(_)));
    let same_readers = |letter: &&Receipt| {
        letter.intent.list == list && person.is_none_or(|person| letter.intent.key.member == person)
    };
    let of_advisory = |letter: &&Receipt| {
        letter.intent.key.advisory == advisory.id && letter.intent.key.mail == Mail::Letter
    };
    let (letters, elsewhere): (Vec<&Receipt>, Vec<&Receipt>) = history
        .deliveries
        .values()
        .filter(of_advisory)
        .partition(same_readers);
    let knows_it: HashSet<MemberHash> = letters
        .iter()
        .filter(|letter| letter.may_have_arrived())
        .map(|letter| letter.intent.key.member)
        .collect();
    let mut thread = Thread {
        in_reply_to: Vec::new(),
        references: Vec::new(),
        missed: Vec::new(),
    };
    for revision in earlier {
        let of_it: Vec<&&Receipt> = letters
            .iter()
            .filter(|letter| letter.intent.key.revision == revision.number)
            .collect();
        let arrived = of_it.iter().filter(|letter| letter.may_have_arrived());
        let had: HashMap<MemberHash, &str> = arrived
            .map(|letter| (letter.intent.key.member, letter.intent.message_id.as_str()))
            .collect();
        let mut ids: Vec<String> = Vec::new();
        let mut all = true;
        for member in &letter.members {
            match had.get(member) {
                Some(id) if !ids.iter().any(|known| known == id) => ids.push(id.to_string()),
                Some(_) => {}
                // To whom the advisory is new, nothing in it has changed.
                None => all &= !knows_it.contains(member),
            }
        }
        if !ids.is_empty() {
            thread.references.extend_from_slice(&ids);
            thread.in_reply_to = ids;
        }
        let narrower = letter.cover == Cover::Signed
            && of_it
                .iter()
                .any(|letter| letter.intent.cover == Cover::Encrypted);
        let of_others = of_it.is_empty()
            && elsewhere
                .iter()
                .any(|letter| letter.intent.key.revision == revision.number);
        if !all && !narrower && !of_others {
            thread.missed.push(&revision.number);
        }
    }
    thread
}
