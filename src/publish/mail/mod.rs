//! The mail of a plan, in the order of the work:
//!
//! - `compose` makes the text of a letter and finds the letters that it answers; `letters` signs it.
//! - `reminders` makes notices without content: a certificate ends soon, mail to a colleague comes back.
//! - `pack` makes one copy for each recipient.
//! - `queue` is what moves between the threads of a delivery.
//! - `deliver` hands the copies over. `rate_limit` holds the number per minute, `in_flight_limit` the number that is begun at
//!   the same time, and `clock` tells the time to both.

pub(super) mod clock;
pub(super) mod compose;
pub(super) mod deliver;
pub(super) mod in_flight_limit;
pub(super) mod letters;
pub(super) mod pack;
pub(super) mod queue;
pub(super) mod rate_limit;
pub(super) mod reminders;
