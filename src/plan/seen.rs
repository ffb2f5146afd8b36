//! What staff have seen of a plan, so that a later one of the same run does nothing else.

use super::{Batch, Expiring, Opened, Plan, Recipient, letter_key, notice_key};
use crate::{
    receipt::DeliveryKey,
    terms::{Fingerprint, Lang},
    tlp::Cover,
};
use std::collections::HashSet;

/// A copy as it was shown: any of it different is another copy.
type Shown = (DeliveryKey, String, Lang, Cover, Option<Fingerprint>);

/// The copies, notices and reminders of a plan.
#[derive(Debug, Clone)]
pub struct Seen {
    copies: HashSet<Shown>,
    notices: HashSet<DeliveryKey>,
    reminders: HashSet<DeliveryKey>,
}

fn shown(opened: &Opened<'_>, lang: &Lang, cover: Cover, recipient: &Recipient<'_>) -> Shown {
    let key = letter_key(opened.advisory(), recipient.member);
    (key, opened.list_name().into(), lang.clone(), cover, recipient.certificate.cloned())
}

impl Seen {
    /// What this plan shows, and of what waits for its next try, what it would be.
    pub fn of(plan: &Plan<'_>) -> Seen {
        let batches = plan.batches.iter().chain(&plan.later);
        let copies = batches.flat_map(|Batch { opened, lang, cover, recipients, .. }| {
            recipients.iter().map(move |recipient| shown(opened, lang, *cover, recipient))
        });
        let notices = plan
            .held
            .iter()
            .filter(|held| held.notice || held.next.is_some())
            .map(|held| notice_key(&held.opened.advisory().id, held.member));
        let reminders = plan.expiring.iter().filter(|expiring| expiring.due || expiring.next.is_some()).map(Expiring::key);
        Seen { copies: copies.collect(), notices: notices.collect(), reminders: reminders.collect() }
    }
}

impl Plan<'_> {
    /// Leaves out letters, notices and reminders that were not seen.
    pub fn keep_seen(&mut self, seen: &Seen) {
        for batches in [&mut self.batches, &mut self.later] {
            for Batch { opened, lang, cover, recipients, .. } in batches.iter_mut() {
                recipients.retain(|recipient| seen.copies.contains(&shown(opened, lang, *cover, recipient)));
            }
            batches.retain(|batch| !batch.recipients.is_empty());
        }
        for held in &mut self.held {
            held.notice &= seen.notices.contains(&notice_key(&held.opened.advisory().id, held.member));
        }
        for expiring in &mut self.expiring {
            expiring.due &= seen.reminders.contains(&expiring.key());
        }
    }
}
