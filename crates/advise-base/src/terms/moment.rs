use super::{Wrong, shorten};
use jiff::{
    Timestamp, Zoned, civil,
    tz::{Offset, TimeZone},
};
use std::{cmp::Ordering, fmt, str::FromStr};

/// A point in time as people write it: a date (`2026-07-01`), or an RFC 3339 time with its offset.
///
/// It is shown as it was written; a date alone stands for its midnight in UTC when moments are compared.
#[derive(Debug, Clone)]
pub struct Moment {
    at: Timestamp,
    written: Written,
}

#[derive(Debug, Clone, Copy)]
enum Written {
    Date(civil::Date),
    /// With the offset that was written. (A `Zoned` is three times as large, and there are moments by the hundred thousand.)
    Time(Offset),
}

impl Moment {
    /// The moment of a timestamp, written in UTC.
    pub fn from_timestamp(at: Timestamp) -> Moment {
        Moment {
            at,
            written: Written::Time(Offset::UTC),
        }
    }

    /// The instant; midnight in UTC for a date alone.
    pub fn timestamp(&self) -> Timestamp {
        self.at
    }

    /// Seconds since 1970.
    pub fn unix(&self) -> i64 {
        self.at.as_second()
    }

    /// The date as written: in the written offset, not moved to another zone.
    pub fn date(&self) -> civil::Date {
        match self.written {
            Written::Date(date) => date,
            Written::Time(offset) => self.zoned(offset).date(),
        }
    }

    /// The time of day as written, if one was given.
    pub fn time(&self) -> Option<civil::Time> {
        match self.written {
            Written::Date(_) => None,
            Written::Time(offset) => Some(self.zoned(offset).time()),
        }
    }

    fn zoned(&self, offset: Offset) -> Zoned {
        self.at.to_zoned(TimeZone::fixed(offset))
    }

    /// The year as written.
    pub fn year(&self) -> i16 {
        self.date().year()
    }

    /// Whether a time of day was given.
    pub fn has_time(&self) -> bool {
        matches!(self.written, Written::Time(_))
    }

    /// The whole RFC 3339 form, with a time always: `2026-07-01T00:00:00Z`.
    pub fn rfc3339(&self) -> String {
        match self.written {
            Written::Date(date) => format!("{date}T00:00:00Z"),
            Written::Time(offset) if offset.seconds() == 0 => self
                .zoned(offset)
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            Written::Time(offset) => self
                .zoned(offset)
                .strftime("%Y-%m-%dT%H:%M:%S%:z")
                .to_string(),
        }
    }

    /// The form of mail and RSS (RFC 5322): `Wed, 01 Jul 2026 00:00:00 +0000`.
    pub fn rfc2822(&self) -> String {
        let form = "%a, %d %b %Y %H:%M:%S %z";
        match self.written {
            Written::Date(_) => self.zoned(Offset::UTC).strftime(form).to_string(),
            Written::Time(offset) => self.zoned(offset).strftime(form).to_string(),
        }
    }

    /// Whole days from `self` to `later`; negative if `later` is earlier.
    pub fn days_until(&self, later: &Moment) -> i64 {
        (later.unix() - self.unix()).div_euclid(86_400)
    }
}

impl FromStr for Moment {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Moment, Wrong> {
        let wrong = |why: String| {
            Wrong::new(format!("`{}` is not a date: {why}", shorten(text)))
                .hint("write `2026-07-01`, or a time with its offset, `2026-07-01T09:30:00+05:00` (RFC 3339)")
        };
        if text.len() == 10 {
            // ISO 8601 has other forms of ten characters; this is the one that everybody reads in the same way.
            let is_shaped = text.bytes().enumerate().all(|(i, c)| {
                if matches!(i, 4 | 7) {
                    c == b'-'
                } else {
                    c.is_ascii_digit()
                }
            });
            if !is_shaped {
                return Err(wrong("it is not year, month and day with hyphens".into()));
            }
            let date: civil::Date = text
                .parse()
                .map_err(|_| wrong("there is no such day".into()))?;
            if !(1970..=9000).contains(&date.year()) {
                return Err(wrong("the year is out of range".into()));
            }
            let at = date
                .to_zoned(TimeZone::UTC)
                .map_err(|e| wrong(e.to_string()))?
                .timestamp();
            return Ok(Moment {
                at,
                written: Written::Date(date),
            });
        }
        // RFC 3339, 5.6: full-date "T" full-time, and full-time has an offset.
        let offset = text
            .get(19..)
            .map(|rest| rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()));
        let shaped = text.is_ascii()
            && text.len() >= 20
            && text.len() <= 35
            && matches!(text.as_bytes()[10], b'T' | b't');
        let at: Timestamp = match shaped {
            true => text
                .parse()
                .map_err(|_| wrong("there is no such time".into()))?,
            false => {
                return Err(wrong(
                    "it is neither a day nor a time with its offset".into(),
                ));
            }
        };
        let seconds = match offset {
            Some("Z" | "z") => 0,
            Some(o) if o.len() == 6 => {
                let number = |r: std::ops::Range<usize>| {
                    o[r].parse::<i32>()
                        .map_err(|_| wrong("the offset is not one".into()))
                };
                let size = number(1..3)? * 3600 + number(4..6)? * 60;
                if o.starts_with('-') { -size } else { size }
            }
            _ => return Err(wrong("the offset is not one".into())),
        };
        let offset = Offset::from_seconds(seconds).map_err(|e| wrong(e.to_string()))?;
        if !(1970..=9000).contains(&at.to_zoned(TimeZone::UTC).year()) {
            return Err(wrong("the year is out of range".into()));
        }
        Ok(Moment {
            at,
            written: Written::Time(offset),
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.written {
            Written::Date(date) => write!(f, "{date}"),
            Written::Time(_) => f.write_str(&self.rfc3339()),
        }
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Moment) -> bool {
        self.at == other.at
    }
}

impl Eq for Moment {}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Moment) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Moment) -> Ordering {
        self.at.cmp(&other.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_and_a_time_are_shown_as_written() {
        for (text, long, mail) in [
            (
                "2026-07-01",
                "2026-07-01T00:00:00Z",
                "Wed, 01 Jul 2026 00:00:00 +0000",
            ),
            (
                "2026-07-01T09:30:00+05:00",
                "2026-07-01T09:30:00+05:00",
                "Wed, 01 Jul 2026 09:30:00 +0500",
            ),
            (
                "2026-07-01T09:30:00Z",
                "2026-07-01T09:30:00Z",
                "Wed, 01 Jul 2026 09:30:00 +0000",
            ),
        ] {
            let moment: Moment = text.parse().expect(text);
            assert_eq!(
                (moment.to_string().as_str(), moment.rfc3339().as_str()),
                (text, long)
            );
            assert_eq!(moment.rfc2822(), mail);
        }
    }

    #[test]
    fn what_has_no_such_day_or_no_offset_is_refused() {
        for text in [
            "2026-02-30",
            "01.07.2026",
            "2026-7-1",
            "2026-07-01 09:30",
            "2026-07-01T09:30:00",
            "tomorrow",
            "0000-01-01",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text} was taken");
        }
    }
}
