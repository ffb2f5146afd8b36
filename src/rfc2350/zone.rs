//! The team's offset from UTC, of the time zone database that is built in: every machine says the same.

use super::words::DocumentWords;
use crate::terms::{Lang, Moment};
use jiff::{
    Timestamp,
    tz::{Offset, TimeZone, TimeZoneDatabase},
};

/// What the clocks of a zone do in the year that begins at a moment.
///
/// No dates of summer time are given, so that the document does not change with each new year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clocks {
    /// No summer time.
    Constant(Offset),
    /// Summer time.
    Seasonal {
        /// The smaller offset.
        winter: Offset,
        /// The greater one.
        summer: Offset,
    },
    /// Some weeks of another offset, which is no summer time.
    Partly {
        /// For most of the year.
        main: Offset,
        /// For the rest.
        other: Offset,
    },
    /// The zone changes its offset for good.
    Moves {
        /// At first.
        from: Offset,
        /// Then.
        to: Offset,
        /// The first day of the new one, by the clocks of the old one.
        date: jiff::civil::Date,
    },
}

/// A year and two weeks: summer time that begins on the last Sunday of a month comes after 53 weeks in some years, and
/// in a shorter time its end alone would look like a change for good.
const YEAR: i64 = 380 * 86_400;

impl Clocks {
    /// Of an IANA name; `None` if the database does not know it, which `team::parse` does not let through.
    pub fn of(zone: &str, from: &Moment) -> Option<Clocks> {
        let zone = TimeZoneDatabase::bundled().get(zone).ok()?;
        let start = from.timestamp();
        let end = Timestamp::from_second(start.as_second().saturating_add(YEAR))
            .unwrap_or(Timestamp::MAX);
        Some(clocks(&zone, start, end))
    }

    /// Zone and clocks in English, to see later whether their rules have changed; no language has a say in that.
    pub fn named(zone: &str, from: &Moment) -> Option<String> {
        Some(format!(
            "{zone}: {}",
            Clocks::of(zone, from)?.describe(&DocumentWords::built_in(&Lang::english()))
        ))
    }

    /// In words.
    pub fn describe(&self, words: &DocumentWords) -> String {
        match *self {
            Clocks::Constant(offset) => {
                words.fill("rfc2350_offset_constant", &[("offset", &written(offset))])
            }
            Clocks::Seasonal { winter, summer } => words.fill(
                "rfc2350_offset_seasonal",
                &[("winter", &written(winter)), ("summer", &written(summer))],
            ),
            Clocks::Partly { main, other } => words.fill(
                "rfc2350_offset_partly",
                &[("main", &written(main)), ("other", &written(other))],
            ),
            Clocks::Moves { from, to, date } => {
                let values = [
                    ("from", written(from)),
                    ("to", written(to)),
                    ("date", date.to_string()),
                ];
                words.fill(
                    "rfc2350_offset_moves",
                    &values
                        .each_ref()
                        .map(|(name, value)| (*name, value.as_str())),
                )
            }
        }
    }

    /// All offsets of the year.
    pub fn offsets(&self) -> Vec<Offset> {
        match *self {
            Clocks::Constant(offset) => vec![offset],
            Clocks::Seasonal { winter, summer } => vec![winter, summer],
            Clocks::Partly { main, other } => vec![main, other],
            Clocks::Moves { from, to, .. } => vec![from, to],
        }
    }
}

fn clocks(zone: &TimeZone, start: Timestamp, end: Timestamp) -> Clocks {
    let first = zone.to_offset(start);
    let (mut offset, mut since) = (first, start);
    let mut changes = Vec::new();
    // How long the clocks were at the smallest offset tells winter from a month of exception.
    let mut spans: Vec<(Offset, i64)> = Vec::new();
    for transition in zone.following(start).take_while(|t| t.timestamp() < end) {
        if transition.offset() != offset {
            spans.push((
                offset,
                transition.timestamp().as_second() - since.as_second(),
            ));
            (offset, since) = (transition.offset(), transition.timestamp());
            changes.push((offset, since));
        }
    }
    spans.push((offset, end.as_second() - since.as_second()));
    if let [(to, at)] = changes[..] {
        return Clocks::Moves {
            from: first,
            to,
            date: first.to_datetime(at).date(),
        };
    }
    let low = spans
        .iter()
        .map(|(offset, _)| *offset)
        .min()
        .unwrap_or(first);
    let high = spans
        .iter()
        .map(|(offset, _)| *offset)
        .max()
        .unwrap_or(first);
    let of = |which: Offset| {
        spans
            .iter()
            .filter(|(offset, _)| *offset == which)
            .map(|(_, seconds)| seconds)
            .sum::<i64>()
    };
    match () {
        () if low == high => Clocks::Constant(first),
        () if of(low) < YEAR / 6 => Clocks::Partly {
            main: high,
            other: low,
        },
        () => Clocks::Seasonal {
            winter: low,
            summer: high,
        },
    }
}

/// `UTC+05:00`.
pub fn written(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    format!(
        "UTC{sign}{:02}:{:02}",
        seconds.abs() / 3600,
        seconds.abs() / 60 % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(zone: &str, from: &str, expected: &str) {
        let clocks = Clocks::of(zone, &from.parse().expect("a moment")).expect("a zone");
        assert_eq!(
            clocks.describe(&DocumentWords::built_in(&Lang::english())),
            expected,
            "{zone} {from}"
        );
    }

    #[test]
    fn offsets_are_those_of_the_real_clocks() {
        says(
            "Asia/Almaty",
            "2026-07-01",
            "UTC+05:00 all year; there is no summer time",
        );
        says(
            "Asia/Almaty",
            "2024-01-15",
            "UTC+06:00; UTC+05:00 from 2024-03-01 on",
        );
        for date in [
            "2026-01-01",
            "2026-07-01",
            "2026-03-29",
            "2023-03-27",
            "2026-12-31",
            "2099-06-01",
        ] {
            says(
                "Europe/Berlin",
                date,
                "UTC+01:00 in winter, UTC+02:00 in summer (daylight saving time)",
            );
        }
        says(
            "Australia/Sydney",
            "2026-07-01",
            "UTC+10:00 in winter, UTC+11:00 in summer (daylight saving time)",
        );
        says(
            "Europe/Dublin",
            "2026-07-01",
            "UTC+00:00 in winter, UTC+01:00 in summer (daylight saving time)",
        );
        says(
            "America/New_York",
            "2026-07-01",
            "UTC-05:00 in winter, UTC-04:00 in summer (daylight saving time)",
        );
        says(
            "Asia/Kathmandu",
            "2026-07-01",
            "UTC+05:45 all year; there is no summer time",
        );
        says(
            "Africa/Casablanca",
            "2024-07-01",
            "UTC+01:00; UTC+00:00 for a part of the year",
        );
        says(
            "UTC",
            "2026-07-01",
            "UTC+00:00 all year; there is no summer time",
        );
    }
}
