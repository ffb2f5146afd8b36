//! How many copies may be `sending` at once: enough that posts and ledger do not wait for each other, and no more.
//!
//! After a kill each of them is a question, and its second try a possible duplicate. While the ledger writes one entry,
//! the posts go on with what the entry before began; what they have done then is replaced by the entry after. So a
//! connection needs, besides the copy that it has in hand, what it sends in the time of two entries. Both times are
//! measured: with a server that takes a tenth of a second for a mail, the entry's few milliseconds do not count, and
//! there is one copy for each connection; one that takes ten thousand a second has [`MOST`] at once. It begins with one.

use std::time::Duration;

/// For all connections together, however fast they are: then the ledger is what they wait for, and larger entries would
/// not make it much faster.
const MOST: usize = 192;

/// What is lost at most while a connection waits for the ledger: a tenth of its time.
const IDLE: f64 = 0.1;

/// How much the newest measurement counts.
const NEWEST: f64 = 0.125;

/// What is known of the times.
pub(in crate::publish) struct Window {
    posts: usize,
    /// How many a post takes together.
    group: usize,
    /// In seconds, for one post; `None` before the first.
    copy: Option<f64>,
    entry: Option<f64>,
}

impl Window {
    pub(in crate::publish) fn new(posts: usize, group: usize) -> Window {
        Window {
            posts,
            group,
            copy: None,
            entry: None,
        }
    }

    /// A post had a copy in hand for so long.
    pub(in crate::publish) fn copy_took(&mut self, time: Duration) {
        follow(&mut self.copy, time);
    }

    /// The ledger wrote an entry in this time.
    pub(in crate::publish) fn entry_took(&mut self, time: Duration) {
        follow(&mut self.entry, time);
    }

    /// How many may be `sending` now.
    pub(in crate::publish) fn size(&self) -> usize {
        // In the time of an entry, a post sends so many.
        let during = match (self.copy, self.entry) {
            (Some(copy), Some(entry)) => (entry / copy.max(1e-6)).min(MOST as f64),
            _ => 0.0,
        };
        let ahead = if during <= IDLE {
            0
        } else {
            (2.0 * during).ceil() as usize
        };
        // One each there must be, or a post would have nothing to do.
        (self.posts * (1 + ahead))
            .min(MOST)
            .max(self.posts)
            .max(self.group)
    }
}

fn follow(average: &mut Option<f64>, time: Duration) {
    let time = time.as_secs_f64();
    *average = Some(average.map_or(time, |average| average + NEWEST * (time - average)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_server_has_one_copy_a_connection_and_a_fast_one_many() {
        let after = |posts: usize, copy: u64, entry: u64| {
            let mut window = Window::new(posts, 1);
            assert_eq!(window.size(), posts, "it begins with one each");
            for _ in 0..50 {
                window.copy_took(Duration::from_micros(copy));
                window.entry_took(Duration::from_micros(entry));
            }
            window.size()
        };
        assert_eq!(after(4, 100_000, 3_000), 4, "a relay far away");
        assert_eq!(
            after(1, 10_000, 2_000),
            2,
            "one nearby that writes each mail to its disk"
        );
        assert_eq!(after(1, 60, 1_000), 35);
        assert_eq!(after(16, 600, 1_000), 80);
        assert_eq!(after(16, 60, 5_000), MOST);
        assert_eq!(after(32, 60, 500_000), MOST, "nor if the disk stands still");
        // A post that makes many durable together is given as many.
        assert_eq!(Window::new(1, 32).size(), 32);
    }
}
