//! Dates, numbers and plurals in the habit of a language, from the Unicode CLDR. The one door of ICU4X.
//!
//! Any language that the CLDR knows is written rightly, whether or not the program has words in it. Times are on the
//! 24-hour clock with their offset, whatever the habit: "9:05" in a warning must not be a question.

use crate::terms::{Lang, Moment, Wrong};
use icu_calendar::{Date, Iso};
use icu_datetime::{
    DateTimeFormatter, DateTimeFormatterPreferences,
    fieldsets::{YM, YMD, YMDT},
    input::{DateTime, Time},
    options::TimePrecision,
};
use icu_decimal::{DecimalFormatter, input::Decimal, options::GroupingStrategy};
use icu_locale_core::{
    LanguageIdentifier, Locale as Tag,
    preferences::extensions::unicode::keywords::{CalendarAlgorithm, HourCycle},
};
use icu_plurals::{PluralCategory, PluralRules};
use std::{fmt, sync::Arc};

/// The forms that the CLDR knows for counted things; each language has some of them, and all have `other`.
pub const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

/// How a language writes dates and numbers. Cheap to copy.
#[derive(Clone)]
pub struct Locale(Arc<Formats>);

struct Formats {
    tag: String,
    /// `None` where the CLDR does not name the months of the language.
    dates: Option<Dates>,
    numbers: DecimalFormatter,
    plain: DecimalFormatter,
    plurals: PluralRules,
}

struct Dates {
    day: DateTimeFormatter<YMD>,
    time: DateTimeFormatter<YMDT>,
    month: DateTimeFormatter<YM>,
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locale").field(&self.0.tag).finish()
    }
}

impl Locale {
    /// The habits of a language.
    pub fn of(lang: &Lang) -> Locale {
        // A tag that the library does not take says nothing about dates: they are written in the ISO form.
        Locale::read(lang.as_str()).unwrap_or_else(|_| Locale::with(Tag::UNKNOWN))
    }

    /// The habits of a CLDR locale, which may say more than a language: `en-GB`, `ar-EG`, `fa-u-ca-gregory`.
    pub fn read(tag: &str) -> Result<Locale, Wrong> {
        let wrong = || {
            Wrong::new(format!("`{}` is not a locale", crate::terms::shorten(tag)))
                .hint("write a language with a region or with wishes: `en-GB`, `ar-EG`, `fa-u-ca-gregory` (BCP 47)")
        };
        tag.parse::<Tag>().map(Locale::with).map_err(|_| wrong())
    }

    fn with(tag: Tag) -> Locale {
        let why = "every locale falls back to the root, which is compiled in";
        let decimal = |options: GroupingStrategy| {
            DecimalFormatter::try_new((&tag).into(), options.into()).expect(why)
        };
        // The rules of plural depend on the language and sometimes on the region, never on the script, of which
        // the library would make a locale of its own without any.
        let spoken: Tag = LanguageIdentifier {
            script: None,
            ..tag.id.clone()
        }
        .into();
        Locale(Arc::new(Formats {
            dates: Dates::of(&tag),
            numbers: decimal(GroupingStrategy::Auto),
            plain: decimal(GroupingStrategy::Never),
            plurals: PluralRules::try_new_cardinal(spoken.into()).expect(why),
            tag: tag.to_string(),
        }))
    }

    /// A moment as people write it; a date alone stays one. Where the months have no names, the ISO form.
    pub fn date(&self, moment: &Moment) -> String {
        let (Some(dates), Some(day)) = (&self.0.dates, iso(moment.date())) else {
            return moment.to_string();
        };
        let Some(clock) = moment.time() else {
            return dates.day.format(&day).to_string();
        };
        let time = Time::try_new(hour(clock.hour()), hour(clock.minute()), 0, 0);
        let Ok(time) = time else {
            return moment.to_string();
        };
        let written = moment.to_string();
        let offset = written
            .get(19..)
            .filter(|offset| *offset != "Z")
            .unwrap_or_default();
        format!(
            "{} (UTC{offset})",
            dates.time.format(&DateTime { date: day, time })
        )
    }

    /// A month of the Gregorian calendar, as it heads a list: `July 2026`.
    pub fn month(&self, year: i16, month: i8) -> String {
        let day = jiff::civil::Date::new(year, month, 1).ok().and_then(iso);
        match (&self.0.dates, day) {
            (Some(dates), Some(day)) => dates.month.format(&day).to_string(),
            _ => format!("{year:04}-{month:02}"),
        }
    }

    /// A number of things: `12,345`.
    pub fn number(&self, number: usize) -> String {
        self.0.numbers.format(&Decimal::from(number)).to_string()
    }

    /// A number that names rather than counts, such as a year: the digits of the language, without groups.
    pub fn digits(&self, number: usize) -> String {
        self.0.plain.format(&Decimal::from(number)).to_string()
    }

    /// A score with its one decimal: `9.8`, `9,8`.
    pub fn score(&self, score: f64) -> String {
        let mut decimal = Decimal::from((score * 10.0).round() as i64);
        decimal.multiply_pow10(-1);
        self.0.numbers.format(&decimal).to_string()
    }

    /// Which of [`CATEGORIES`] a number of things takes.
    pub fn plural(&self, number: usize) -> &'static str {
        name(self.0.plurals.category_for(number))
    }

    /// The categories that this language has.
    pub fn plurals(&self) -> impl Iterator<Item = &'static str> {
        self.0.plurals.categories().map(name)
    }
}

impl Dates {
    fn of(tag: &Tag) -> Option<Dates> {
        let mut wishes = DateTimeFormatterPreferences::from(tag);
        wishes.hour_cycle = wishes.hour_cycle.or(Some(HourCycle::H23));
        // Years and months are places of the site (`/advisories/2026/`): Gregorian in every language.
        let mut gregorian = wishes;
        gregorian.calendar_algorithm = Some(CalendarAlgorithm::Gregory);
        let dates = Dates {
            day: DateTimeFormatter::try_new(wishes, YMD::long()).ok()?,
            time: DateTimeFormatter::try_new(
                wishes,
                YMDT::long().with_time_precision(TimePrecision::Minute),
            )
            .ok()?,
            month: DateTimeFormatter::try_new(gregorian, YM::long()).ok()?,
        };
        // The root of the CLDR has no names of months, only their numbers.
        let unnamed = dates
            .month
            .format(&Date::try_new_iso(2026, 7, 1).ok()?)
            .to_string()
            .contains("M07");
        (!unnamed).then_some(dates)
    }
}

fn iso(day: jiff::civil::Date) -> Option<Date<Iso>> {
    Date::try_new_iso(day.year().into(), hour(day.month()), hour(day.day())).ok()
}

/// jiff counts hours, days and months in `i8`, none of them negative.
fn hour(part: i8) -> u8 {
    part.unsigned_abs()
}

fn name(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        Locale::read(tag).expect("a locale")
    }

    #[test]
    fn dates_are_written_as_people_write_them() {
        for (tag, given, shown) in [
            ("en-GB", "2026-07-01", "1 July 2026"),
            ("ru", "2026-07-01", "1 июля 2026\u{202f}г."),
            ("ar", "2026-07-01", "1 يوليو 2026"),
            ("ar-SY", "2026-07-01", "١ تموز ٢٠٢٦"),
            ("de", "2026-07-01", "1. Juli 2026"),
            ("ja", "2026-07-01", "2026年7月1日"),
            ("fa", "2026-07-01", "۱۰ تیر ۱۴۰۵"),
            (
                "en-GB",
                "2026-07-01T21:05:00+05:00",
                "1 July 2026 at 21:05 (UTC+05:00)",
            ),
            ("en", "2026-07-01T21:05:00Z", "July 1, 2026 at 21:05 (UTC)"),
            (
                "ar",
                "2026-07-01T09:30:00+05:00",
                "1 يوليو 2026 في 09:30 (UTC+05:00)",
            ),
            ("tlh", "2026-07-01", "2026-07-01"),
        ] {
            assert_eq!(
                locale(tag).date(&given.parse().expect("a moment")),
                shown,
                "{tag}"
            );
        }
        assert_eq!(
            (locale("ru").month(2026, 7), locale("tlh").month(2026, 7)),
            ("июль 2026\u{202f}г.".into(), "2026-07".into())
        );
    }

    #[test]
    fn numbers_and_plurals_are_those_of_the_language() {
        assert_eq!(
            (locale("en").number(12_345), locale("ru").number(12_345)),
            ("12,345".into(), "12\u{a0}345".into())
        );
        assert_eq!(
            (locale("ru").score(9.8), locale("en").score(10.0)),
            ("9,8".into(), "10.0".into())
        );
        assert_eq!(
            (locale("ar-EG").digits(2026), locale("en").digits(2026)),
            ("٢٠٢٦".into(), "2026".into())
        );
        let forms = |tag: &str| {
            [0, 1, 2, 3, 5, 11, 21, 100]
                .map(|number| locale(tag).plural(number))
                .join(" ")
        };
        assert_eq!(forms("en"), "other one other other other other other other");
        assert_eq!(forms("ru"), "many one few few many many one many");
        assert_eq!(forms("ar"), "zero one two few few many many other");
        assert_eq!(forms("sr-Latn"), "other one few few other other one other");
    }
}
