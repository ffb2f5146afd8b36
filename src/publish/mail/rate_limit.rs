//! How many mails may leave now, where the settings have a limit a minute.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const MINUTE: Duration = Duration::from_secs(60);

/// A limit over every span of a minute: a short list goes out at once, a long one in portions. It counts what
/// begins, over all connections and all rounds of a run, and what earlier runs sent just before.
#[derive(Debug)]
pub struct Pace {
    most: usize,
    /// What began in the last minute, by the watch.
    begun: VecDeque<(Duration, usize)>,
    start: Instant,
}

impl Pace {
    /// At most so many a minute.
    pub fn new(most: usize) -> Pace {
        Pace {
            most,
            begun: VecDeque::new(),
            start: Instant::now(),
        }
    }

    /// The same, where mails were tried before: so long ago each.
    pub fn after(most: usize, ago: impl IntoIterator<Item = Duration>) -> Pace {
        let mut begun: Vec<Duration> = ago
            .into_iter()
            .filter(|ago| *ago < MINUTE)
            .map(|ago| MINUTE - ago)
            .collect();
        begun.sort_unstable();
        Pace {
            begun: begun.into_iter().map(|at| (at, 1)).collect(),
            ..Pace::new(most)
        }
    }

    /// In words.
    pub(in crate::publish) fn words(&self) -> String {
        format!(
            "the limit is {} a minute",
            if self.most == 1 {
                "1 mail".into()
            } else {
                format!("{} mails", self.most)
            }
        )
    }

    /// The time on this run's own watch, for the others. It shows a minute at the start, so that what began before has
    /// its time too.
    pub(in crate::publish) fn watch(&self) -> Duration {
        MINUTE + self.start.elapsed()
    }

    /// How many may begin at this time; if none, how long it takes until one may.
    pub(in crate::publish) fn room(&mut self, now: Duration) -> Result<usize, Duration> {
        while self
            .begun
            .front()
            .is_some_and(|(at, _)| *at + MINUTE <= now)
        {
            self.begun.pop_front();
        }
        let used: usize = self.begun.iter().map(|(_, n)| n).sum();
        match (self.most.saturating_sub(used), self.begun.front()) {
            (0, Some((first, _))) => Err(*first + MINUTE - now),
            (room, _) => Ok(room),
        }
    }

    /// So many begin.
    pub(in crate::publish) fn note(&mut self, now: Duration, count: usize) {
        if count > 0 {
            self.begun.push_back((now, count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_span_of_a_minute_has_more_than_the_limit() {
        let (mut pace, seconds) = (Pace::new(100), Duration::from_secs);
        let mut log: Vec<(Duration, usize)> = Vec::new();
        let mut now = seconds(0);
        for wanted in [30, 50, 1, 40, 7, 100, 100, 100, 3, 250] {
            let mut left = wanted;
            while left > 0 {
                match pace.room(now) {
                    Ok(room) => {
                        let some = room.min(left);
                        pace.note(now, some);
                        log.push((now, some));
                        left -= some;
                    }
                    Err(wait) => now += wait,
                }
            }
            now += seconds(7);
        }
        for (from, _) in &log {
            let span = log
                .iter()
                .filter(|(at, _)| at >= from && *at < *from + MINUTE);
            assert!(
                span.map(|(_, n)| n).sum::<usize>() <= 100,
                "from {from:?}: {log:?}"
            );
        }
        let all: usize = log.iter().map(|(_, n)| n).sum();
        assert_eq!(all, 681);
        // 681 by 100 a minute cannot take less than six minutes, and need not take much more.
        assert!(
            (seconds(360)..seconds(430)).contains(&log[log.len() - 1].0),
            "{log:?}"
        );
        assert_eq!(
            Pace::new(5).room(seconds(0)),
            Ok(5),
            "the first portion goes at once"
        );
    }

    #[test]
    fn what_an_earlier_run_sent_in_the_last_minute_counts() {
        let seconds = Duration::from_secs;
        let mut pace = Pace::after(3, [90, 10, 50].map(seconds));
        assert!(pace.watch() >= MINUTE);
        assert_eq!(pace.room(MINUTE), Ok(1));
        pace.note(MINUTE, 1);
        assert_eq!(
            pace.room(MINUTE),
            Err(seconds(10)),
            "the first of them was fifty seconds ago"
        );
        assert_eq!(pace.room(seconds(70)), Ok(1));
    }
}
