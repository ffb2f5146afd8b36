//! Members whose certificates end soon, and who of them is told so now: once at each of [`REMINDERS`].

use super::{Facts, Suspended, again::once};
use crate::{
    receipt::{DeliveryKey, Mail, MemberHash, State},
    roster::{Contact, Delivery, REMINDERS},
    terms::{Fingerprint, Id, Moment},
};
use std::collections::HashSet;

/// A member whose certificate ends soon.
#[derive(Debug, Clone)]
pub struct Expiring<'a> {
    /// The person.
    pub contact: &'a Contact,
    /// Of the certificate.
    pub certificate: &'a Fingerprint,
    /// How the ledger knows the address.
    pub member: MemberHash,
    /// When it ends.
    pub ends: Moment,
    /// Whole days until then.
    pub days: i64,
    /// The reminder that belongs to these days: the narrowest of [`REMINDERS`]. Wider ones that were missed are not
    /// made up for.
    pub reminder: i64,
    /// What became of that reminder so far.
    pub state: Option<State>,
    /// Whether it is sent now.
    pub due: bool,
    /// When it is, if it was deferred and that is not now.
    pub next: Option<Moment>,
}

impl Expiring<'_> {
    /// What the reminder is about: the day on which this member's certificate ends, not the certificate, whose
    /// fingerprint would name the member to everybody who reads the ledger.
    pub fn key(&self) -> DeliveryKey {
        key(&self.ends, self.reminder, self.member)
    }
}

fn key(ends: &Moment, reminder: i64, member: MemberHash) -> DeliveryKey {
    let advisory: Id = format!("certificate.{}", ends.date())
        .parse()
        .expect("letters, digits, a dot and hyphens are an id");
    DeliveryKey {
        advisory,
        revision: reminder.to_string(),
        mail: Mail::Reminder,
        member,
    }
}

/// All of them, those whose certificate ends first in front. Nobody is among them who is suspended, or on no list
/// that writes to them itself.
pub(super) fn expiring<'a>(facts: &Facts<'a>, suspended: &[Suspended<'a>]) -> Vec<Expiring<'a>> {
    let send = facts.settings.mail.notify_expiring && facts.request.ids.is_empty();
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    let writes = |list, contact: &Contact| {
        facts
            .roster
            .lists
            .get(list)
            .is_some_and(|list| list.delivery == Delivery::Direct)
            && !suspended
                .iter()
                .any(|one| one.list.name == *list && one.contact.address == contact.address)
    };
    for contact in facts
        .roster
        .contacts()
        .filter(|contact| contact.suspended.is_none())
    {
        let Some(certificate) = contact
            .certificate
            .as_ref()
            .filter(|_| contact.lists.iter().any(|list| writes(list, contact)))
        else {
            continue;
        };
        let state = (facts.key_state)(certificate);
        let Some((ends, days)) = state.ends().cloned().zip(state.days_left(facts.now)) else {
            continue;
        };
        let Some(reminder) = REMINDERS.into_iter().find(|reminder| days <= *reminder) else {
            continue;
        };
        let member = (facts.member)(&contact.address);
        if !seen.insert((member, certificate)) {
            continue;
        }
        let receipt = facts.history.deliveries.get(&key(&ends, reminder, member));
        let state = receipt.map(|receipt| receipt.state);
        let (due, next) = once(receipt, facts.now);
        let (due, next) = (send && due, next.filter(|_| send));
        all.push(Expiring {
            contact,
            certificate,
            member,
            ends,
            days,
            reminder,
            state,
            due,
            next,
        });
    }
    all.sort_by(|a, b| {
        (a.days, a.contact.address.as_str()).cmp(&(b.days, b.contact.address.as_str()))
    });
    all
}
