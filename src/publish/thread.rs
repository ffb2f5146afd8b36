//! To which earlier letters a letter is an answer.

use super::Job;
use crate::{
    plan::Batch,
    receipt::{DeliveryKey, Mail, State},
};

/// What the readers of a letter had of its earlier revisions.
pub(super) struct Thread<'a> {
    pub(super) in_reply_to: Vec<String>,
    pub(super) references: Vec<String>,
    pub(super) had: Option<&'a str>,
}

/// The letters that were sent, by the ledger: a revision may have been on the site only, or have gone in another
/// language, or from another address.
pub(super) fn thread<'a>(job: &Job<'_>, batch: &Batch<'a>) -> Thread<'a> {
    let advisory = batch.opened.advisory();
    let earlier = &advisory.revisions[..advisory.revisions.len() - 1];
    let sent = |revision: &str, member| {
        let key = DeliveryKey { advisory: advisory.id.clone(), revision: revision.to_string(), mail: Mail::Letter, member };
        let receipt = job.history.deliveries.get(&key)?;
        matches!(receipt.state, State::Accepted | State::Sending).then_some(receipt.intent.message_id.as_str())
    };
    let mut thread = Thread { in_reply_to: Vec::new(), references: Vec::new(), had: None };
    for revision in earlier {
        let mut ids: Vec<String> = Vec::new();
        for id in batch.recipients.iter().filter_map(|recipient| sent(&revision.number, recipient.member)) {
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_string());
            }
        }
        if !ids.is_empty() {
            thread.references.extend_from_slice(&ids);
            thread.in_reply_to = ids;
        }
    }
    // Where one of them missed something, it is told to all.
    let last = |member| earlier.iter().rposition(|revision| sent(&revision.number, member).is_some());
    let had = batch.recipients.iter().filter_map(|recipient| last(recipient.member)).min();
    thread.had = had.map(|at| earlier[at].number.as_str());
    thread
}
