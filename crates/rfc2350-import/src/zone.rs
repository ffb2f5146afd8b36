//! From what a document says of its clocks, and of the country, to a name of the time zone database.

use advise_base::terms::Moment;
use jiff::{Timestamp, tz::TimeZoneDatabase};
use std::sync::LazyLock;

/// A country with its zones.
#[derive(Debug)]
pub struct Country {
    /// ISO 3166, two capitals.
    pub code: &'static str,
    calling: Vec<&'static str>,
    names: Vec<String>,
    zones: Vec<&'static str>,
}

static COUNTRIES: LazyLock<Vec<Country>> = LazyLock::new(|| {
    let rows = include_str!("countries.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| {
        let mut cells = row.split('\t');
        let code = cells.next()?;
        let list = |cell: Option<&'static str>| {
            cell.unwrap_or_default()
                .split(',')
                .filter(|part| !part.is_empty())
        };
        let (calling, names, zones) = (list(cells.next()), list(cells.next()), list(cells.next()));
        Some(Country {
            code,
            calling: calling.collect(),
            names: names.map(str::to_lowercase).collect(),
            zones: zones.collect(),
        })
    })
    .collect()
});

/// The country that an address names.
pub fn by_name(address: &str) -> Option<&'static Country> {
    let lower = address.to_lowercase();
    let stands = |name: &str| {
        lower.match_indices(name).any(|(at, _)| {
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            edge(lower[..at].chars().next_back()) && edge(lower[at + name.len()..].chars().next())
        })
    };
    // The longest name: "Papua New Guinea" and not "Guinea".
    let named = |country: &Country| {
        country
            .names
            .iter()
            .filter(|name| stands(name))
            .map(String::len)
            .max()
    };
    COUNTRIES
        .iter()
        .filter_map(|country| Some((named(country)?, country)))
        .max_by_key(|(length, _)| *length)
        .map(|(_, country)| country)
}

/// The country that a telephone number is called in.
pub fn by_phone(phone: &str) -> Option<&'static Country> {
    let digits: String = phone
        .strip_prefix('+')?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let fits = |country: &&Country| country.calling.iter().any(|code| digits.starts_with(code));
    let longest = |country: &Country| {
        country
            .calling
            .iter()
            .filter(|code| digits.starts_with(**code))
            .map(|code| code.len())
            .max()
    };
    COUNTRIES
        .iter()
        .filter(fits)
        .max_by_key(|country| longest(country))
}

/// The country of a domain.
pub fn by_domain(domain: &str) -> Option<&'static Country> {
    let top = domain.rsplit('.').next()?.to_ascii_uppercase();
    let code = if top == "UK" { "GB" } else { top.as_str() };
    COUNTRIES.iter().find(|country| country.code == code)
}

/// What a document says of its clocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// A name that the database knows.
    pub zone: Option<String>,
    /// Offsets from UTC in minutes, in the order of the text.
    pub offsets: Vec<i32>,
    /// Summer and winter are both named.
    pub seasons: bool,
}

const SUMMER: [&str; 12] = [
    "summer",
    "daylight",
    "day-light",
    "dst",
    "sommer",
    "été",
    "d'été",
    "летн",
    "verano",
    "cest",
    "eest",
    "ljet",
];
const WINTER: [&str; 9] = [
    "winter",
    "standard time",
    "normalzeit",
    "hiver",
    "зимн",
    "invierno",
    "normal time",
    "zim",
    "otherwise",
];

/// Zones that people name by letters, with what they mean in minutes.
const LETTERS: [(&str, i32); 15] = [
    ("CET", 60),
    ("CEST", 120),
    ("MEZ", 60),
    ("MESZ", 120),
    ("EET", 120),
    ("EEST", 180),
    ("WET", 0),
    ("WEST", 60),
    ("MSK", 180),
    ("HEC", 60),
    ("JST", 540),
    ("KST", 540),
    ("SGT", 480),
    ("HKT", 480),
    ("SAST", 120),
];

impl Said {
    /// Reads the text of section 2.3.
    pub fn read(text: &str) -> Said {
        let lower = text.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let mut offsets = offsets(text);
        if offsets.is_empty() {
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
            offsets = LETTERS
                .iter()
                .filter(|(name, _)| words.contains(name))
                .map(|(_, minutes)| *minutes)
                .collect();
            // Who names the winter's zone and says that there is summer time names the other too.
            if let [one] = offsets[..]
                && has(&SUMMER[..4])
                && [0, 60, 120].contains(&one)
            {
                offsets.push(one + 60);
            }
        }
        let names = TimeZoneDatabase::bundled();
        let named = |word: &&str| {
            word.contains('/') && names.available().any(|name| name.as_str() == *word)
        };
        let zone = text
            .split(|c: char| c.is_whitespace() || "(),;\"'".contains(c))
            .map(|word| word.trim_end_matches('.'))
            .find(named);
        Said {
            zone: zone.map(str::to_string),
            offsets,
            seasons: has(&SUMMER) && has(&WINTER),
        }
    }

    /// Whether summer and winter are said to have the same offset, which then is no summer time.
    pub fn is_same(&self) -> bool {
        self.seasons
            && self.offsets.len() >= 2
            && self.offsets.iter().all(|offset| *offset == self.offsets[0])
    }

    /// Whether the clocks of a zone show these offsets, and no other, in the year from this day on.
    pub fn fits(&self, zone: &str, from: &Moment) -> bool {
        let Some((low, high)) = clocks(zone, from) else {
            return false;
        };
        let mut want = self.offsets.clone();
        want.sort_unstable();
        want.dedup();
        match want[..] {
            // Where only one is given, it is the winter's as a rule.
            [one] => one == low,
            [winter, summer] => (winter, summer) == (low, high),
            _ => false,
        }
    }

    /// The most likely zone: one of the countries, that shows these offsets now, or did on the day of the document.
    pub fn guess(
        &self,
        countries: &[&'static Country],
        written: &Moment,
        now: &Moment,
    ) -> Option<&'static str> {
        let of = |at: &Moment| {
            countries
                .iter()
                .flat_map(|country| country.zones.iter())
                .copied()
                .find(|zone| self.fits(zone, at))
        };
        let all = || {
            COUNTRIES
                .iter()
                .filter_map(|country| country.zones.first().copied())
                .find(|zone| self.fits(zone, now))
        };
        let known = |zone: &&'static str| clocks(zone, now).is_some();
        match self.offsets.is_empty() {
            false => of(now)
                .or_else(|| of(written))
                .or_else(|| countries.is_empty().then(all).flatten()),
            true => countries
                .iter()
                .filter(|country| country.zones.len() == 1)
                .find_map(|country| country.zones.first())
                .copied(),
        }
        .or_else(|| {
            countries
                .first()
                .and_then(|country| country.zones.first())
                .copied()
        })
        .filter(known)
    }
}

/// The lowest and the highest offset that the clocks of a zone show in the 380 days from a moment on, in minutes. `None`
/// if the database does not know the zone. 380 days hold summer time that begins after 53 weeks.
fn clocks(zone: &str, from: &Moment) -> Option<(i32, i32)> {
    let zone = TimeZoneDatabase::bundled().get(zone).ok()?;
    let start = from.timestamp();
    let end = Timestamp::from_second(start.as_second().saturating_add(380 * 86_400))
        .unwrap_or(Timestamp::MAX);
    let first = zone.to_offset(start).seconds() / 60;
    let all = zone
        .following(start)
        .take_while(|change| change.timestamp() < end)
        .map(|change| change.offset().seconds() / 60);
    Some(all.fold((first, first), |(low, high), offset| {
        (low.min(offset), high.max(offset))
    }))
}

/// `UTC+1`, `GMT+0100`, `(+0200 …`, `UTC−05:30`: minutes.
pub fn offsets(text: &str) -> Vec<i32> {
    let mut all = Vec::new();
    for (at, sign) in text.match_indices(['+', '-', '−', '–', '±']) {
        let before = text[..at].trim_end();
        let named = ["UTC", "GMT", "UT", "Z"]
            .iter()
            .any(|name| before.ends_with(name));
        let free = text[..at].is_empty() || text[..at].ends_with([' ', '(', '/', ',', '\n', ':']);
        let rest = text[at + sign.len()..].trim_start();
        let spaced = rest.len() < text.len() - at - sign.len();
        let digits = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == ':')
                .len();
        let written = rest[..digits].trim_end_matches(':');
        // A number without name and with a dash before it may be anything, a time of day too.
        let four = written.len() >= 4 && written.bytes().filter(u8::is_ascii_digit).count() == 4;
        if !(named
            || free
                && !spaced
                && (sign == "+" || four && !before.ends_with(|c: char| c.is_ascii_digit())))
        {
            continue;
        }
        let figures: String = written.chars().filter(char::is_ascii_digit).collect();
        let (hours, minutes) = match figures.len() {
            1 | 2 => (figures.parse::<i32>(), Ok(0)),
            3 | 4 => (
                figures[..figures.len() - 2].parse(),
                figures[figures.len() - 2..].parse::<i32>(),
            ),
            _ => continue,
        };
        let (Ok(hours), Ok(minutes)) = (hours, minutes) else {
            continue;
        };
        if hours <= 14 && minutes < 60 {
            let total = hours * 60 + minutes;
            all.push(if matches!(sign, "-" | "−" | "–") {
                -total
            } else {
                total
            });
        }
    }
    // "UTC" or "GMT" alone is an offset as well.
    if all.is_empty()
        && text
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word == "UTC" || word == "GMT")
    {
        all.push(0);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        text.parse().expect("a moment")
    }

    #[test]
    fn every_zone_of_the_table_is_known() {
        assert!(COUNTRIES.len() > 200);
        let lost: Vec<&&str> = COUNTRIES
            .iter()
            .flat_map(|country| &country.zones)
            .filter(|zone| clocks(zone, &at("2026-01-01")).is_none())
            .collect();
        assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn countries_are_found() {
        let code = |country: Option<&'static Country>| country.map(|country| country.code);
        assert_eq!(code(by_phone("+387 51 555 010")), Some("BA"));
        assert_eq!(code(by_phone("+7 727 555 0100")), Some("KZ"));
        assert_eq!(code(by_phone("+7 495 555 0100")), Some("RU"));
        assert_eq!(
            code(by_name("1 Street\nPort Moresby\nPapua New Guinea")),
            Some("PG")
        );
        assert_eq!(
            code(by_name("Oman Road 3, Musterstadt, Deutschland")),
            Some("DE")
        );
        assert_eq!(code(by_domain("cert.example.rs")), Some("RS"));
    }

    #[test]
    fn clocks_lead_to_a_zone() {
        for (text, phone, zone) in [
            (
                "Winter GMT+0600\nSummer GMT+0600",
                "+7 727 555 0100",
                "Asia/Almaty",
            ),
            (
                "Central European Time (CET), GMT+0100 (+0200 during day-light saving time)",
                "+387 51 555 010",
                "Europe/Sarajevo",
            ),
            ("CET/CEST", "+49 30 555 0100", "Europe/Berlin"),
            ("UTC+5:45", "+977 1 555 0100", "Asia/Kathmandu"),
            ("America/Toronto", "+49 30 555 0100", "America/Toronto"),
            ("UTC+03:00 (MSK)", "+7 495 555 0100", "Europe/Moscow"),
        ] {
            let said = Said::read(text);
            let countries: Vec<&'static Country> = by_phone(phone).into_iter().collect();
            let guess = said.zone.clone().or_else(|| {
                said.guess(&countries, &at("2015-01-13"), &at("2026-11-22"))
                    .map(str::to_string)
            });
            assert_eq!(guess.as_deref(), Some(zone), "{said:?}");
        }
        assert!(Said::read("Winter GMT+0600\nSummer GMT+0600").is_same());
        assert!(!Said::read("Winter GMT+0100\nSummer GMT+0200").is_same());
        assert!(!Said::read("UTC+05:00 all year; there is no summer time").is_same());
    }
}
