//! The time of each entry in the ledger. A run with a limit a minute takes hours, and the pause before the next try of a
//! copy counts from its own try. The gate and what is encrypted keep to the time at which the run began.

use crate::terms::Moment;
use jiff::SignedDuration;
use std::time::{Duration, Instant};

/// What time it is for the ledger, while a run goes on from the time at which it began.
pub struct Clock<'d> {
    began: &'d Moment,
    watch: Instant,
}

impl<'d> Clock<'d> {
    /// Now it is this time.
    pub fn starts(began: &'d Moment) -> Clock<'d> {
        Clock {
            began,
            watch: Instant::now(),
        }
    }

    /// The time.
    pub fn now(&self) -> Moment {
        self.after(self.watch.elapsed())
    }

    /// In whole seconds, as the ledger writes it.
    fn after(&self, passed: Duration) -> Moment {
        let passed = i64::try_from(passed.as_secs()).unwrap_or(i64::MAX);
        match self
            .began
            .timestamp()
            .checked_add(SignedDuration::from_secs(passed))
        {
            Ok(at) if passed > 0 => Moment::from_timestamp(at),
            _ => self.began.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_has_the_time_of_each_entry_in_whole_seconds() {
        let began: Moment = "2026-07-01T23:30:00+05:00".parse().expect("a moment");
        let clock = Clock::starts(&began);
        let after = |passed| clock.after(passed).rfc3339();
        assert_eq!(
            after(Duration::from_millis(999)),
            "2026-07-01T23:30:00+05:00"
        );
        assert_eq!(after(Duration::from_millis(1999)), "2026-07-01T18:30:01Z");
        assert_eq!(after(Duration::from_secs(3 * 3600)), "2026-07-01T21:30:00Z");
        assert_eq!(
            clock.after(Duration::MAX),
            began,
            "past the end of time it is the run's own"
        );
    }
}
