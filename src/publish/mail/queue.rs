//! What moves between the threads of a delivery: copies that are packed, copies that have ended, and the events that tell of both.

use super::letters::{Ready, ReadyNotice};
use crate::{
    channels::mail::{Parcel, PostError, Served},
    publish::PublishError,
    receipt::{DeliveryKey, Outcome},
};
use std::time::Duration;

/// Several deliveries that are one mail.
pub(in crate::publish) type DeliveryKeys = Vec<DeliveryKey>;

/// Everything that is to be handed over.
pub(in crate::publish) struct Outgoing<'a, 'm> {
    pub(in crate::publish) ready: &'m [Ready<'a>],
    pub(in crate::publish) notices: &'m [ReadyNotice<'a>],
}

/// One copy.
pub(in crate::publish) struct PackedCopy<'m> {
    pub(in crate::publish) parcel: Parcel<'m>,
    pub(in crate::publish) key: DeliveryKey,
    /// Of which letter; a notice is of none.
    pub(in crate::publish) batch: Option<usize>,
    /// What else is the same mail, as a notice of several held letters is: begun with it, and ended as it ended.
    pub(in crate::publish) more: DeliveryKeys,
    /// What it takes of the [`MemoryBudget`].
    pub(in crate::publish) size: usize,
}

/// A copy that a post has done with.
pub(in crate::publish) struct Ended {
    pub(super) key: DeliveryKey,
    pub(super) batch: Option<usize>,
    pub(super) more: DeliveryKeys,
    pub(super) size: usize,
    /// The error is why it was not tried.
    pub(super) outcome: Result<Outcome, String>,
    /// How long the post had it in hand.
    pub(super) took: Duration,
}

/// What packers and posts tell this thread.
pub(in crate::publish) enum Event<'m> {
    Packed(Result<PackedCopy<'m>, PublishError>),
    AllPacked,
    Ended(Vec<Ended>),
    /// A post can send no more, or need not; what it had not handed over comes back.
    Left(Option<PostError>, Vec<PackedCopy<'m>>, Vec<Served>),
}
