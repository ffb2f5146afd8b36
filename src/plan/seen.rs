//! What staff have seen of a plan, so that a later one of the same run does nothing else.

use super::{Batch, Change, Colleague, DocumentChange, Expiring, Plan, Recipient, notice_key};
use crate::{
    artefact::Digest,
    receipt::{DeliveryKey, MemberHash},
    terms::{Fingerprint, Id, Lang},
    tlp::Cover,
};
use std::collections::{HashMap, HashSet};

/// What many copies have in common: advisory, its content, revision, list, language, cover.
type Letter = (Id, Digest, String, String, Lang, Cover);

/// One copy as it was shown; any of it or of its letter different is another copy.
type Shown = (MemberHash, Option<Fingerprint>);

/// The copies of a plan, and its mails without content.
#[derive(Debug, Clone)]
pub struct Seen {
    copies: HashMap<Letter, HashSet<Shown>>,
    notices: HashSet<DeliveryKey>,
    reminders: HashSet<DeliveryKey>,
    warnings: HashSet<DeliveryKey>,
    site: Vec<(Id, String, Change)>,
    /// Of everything that stands on the site afterwards, and of the RFC 2350 document.
    content: Vec<Digest>,
}

fn letter(batch: &Batch<'_>) -> Letter {
    let advisory = batch.advisory;
    (
        advisory.id.clone(),
        advisory.digest,
        advisory.revision().number.clone(),
        batch.whom.name().into(),
        batch.lang.clone(),
        batch.cover,
    )
}

fn shown(recipient: &Recipient<'_>) -> Shown {
    (recipient.member, recipient.certificate.cloned())
}

impl Seen {
    /// What this plan shows, and of what waits for its next try, what it would be.
    pub fn of(plan: &Plan<'_>) -> Seen {
        let mut copies: HashMap<Letter, HashSet<Shown>> = HashMap::new();
        for batch in plan.batches.iter().chain(&plan.later) {
            copies
                .entry(letter(batch))
                .or_default()
                .extend(batch.recipients.iter().map(shown));
        }
        let notices = plan
            .held
            .iter()
            .filter(|held| held.notice || held.next.is_some())
            .map(|held| notice_key(&held.advisory.id, held.member));
        let reminders = plan
            .expiring
            .iter()
            .filter(|expiring| expiring.due || expiring.next.is_some())
            .map(Expiring::key);
        let is_open = |colleague: &&Colleague<'_>| colleague.due || colleague.next.is_some();
        let warnings = plan
            .colleagues
            .iter()
            .filter(is_open)
            .map(|colleague| colleague.key.clone())
            .collect();
        let (site, content) = (plan.site.clone(), content(plan));
        Seen {
            copies,
            notices: notices.collect(),
            reminders: reminders.collect(),
            warnings,
            site,
            content,
        }
    }

    /// Whether this plan does with the site what was shown.
    pub fn has_site_of(&self, plan: &Plan<'_>) -> bool {
        self.site == plan.site && self.content == content(plan)
    }
}

fn content(plan: &Plan<'_>) -> Vec<Digest> {
    let document = plan.document.as_ref().map(|change| match change {
        DocumentChange::Unchanged(version) | DocumentChange::New(version) => version.digest,
    });
    plan.public
        .iter()
        .map(|advisory| advisory.digest)
        .chain(document)
        .collect()
}

impl Plan<'_> {
    /// Leaves out letters, and mails without content, that were not seen.
    pub fn keep_seen(&mut self, seen: &Seen) {
        for batches in [&mut self.batches, &mut self.later] {
            for batch in batches.iter_mut() {
                let copies = seen.copies.get(&letter(batch));
                batch.recipients.retain(|recipient| {
                    copies.is_some_and(|copies| copies.contains(&shown(recipient)))
                });
            }
            batches.retain(|batch| !batch.recipients.is_empty());
        }
        for held in &mut self.held {
            held.notice &= seen
                .notices
                .contains(&notice_key(&held.advisory.id, held.member));
        }
        for expiring in &mut self.expiring {
            expiring.due &= seen.reminders.contains(&expiring.key());
        }
        for colleague in &mut self.colleagues {
            colleague.due &= seen.warnings.contains(&colleague.key);
        }
    }
}
