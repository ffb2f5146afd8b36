//! The system's clock. Nothing else in the program asks it.

use jiff::Timestamp;

/// The time that it is now.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that asks; from here on the time is an argument"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}
