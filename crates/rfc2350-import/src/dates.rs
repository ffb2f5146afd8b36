//! Dates as people write them, in several languages.

use jiff::civil::Date;

const MONTHS: [&[&str]; 12] = [
    &["jan", "янв", "ene", "gen", "led", "sty"],
    &["feb", "fév", "fev", "фев", "úno", "lut"],
    &["mar", "mär", "mrz", "maer", "мар", "bře"],
    &["apr", "avr", "апр", "abr", "kwi", "dub"],
    &["may", "mai", "мая", "май", "maj", "mag", "kvě"],
    &["jun", "juin", "июн", "giu", "čvn", "cze", "lip"],
    &["jul", "juil", "июл", "lug", "čvc"],
    &["aug", "aoû", "aou", "авг", "ago", "srp", "sie"],
    &["sep", "сен", "set", "zář", "wrz"],
    &["oct", "okt", "окт", "ott", "out", "říj", "paź"],
    &["nov", "ноя", "lis"],
    &["dec", "dez", "déc", "дек", "dic", "dek", "pro", "gru"],
];

/// All dates of a text, in its order.
pub fn dates(text: &str) -> Vec<Date> {
    let words: Vec<(usize, &str)> = {
        let place = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| (place(word), word))
            .collect()
    };
    let mut all = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let word = |n: usize| words.get(at + n).map_or("", |(_, word)| *word);
        let slash = words
            .get(at + 1)
            .is_some_and(|(place, _)| text[..*place].ends_with('/'));
        let gap = words
            .get(at + 2)
            .is_none_or(|(place, _)| place - words[at].0 <= 24);
        let found = if gap {
            three(word(0), word(1), word(2), slash)
        } else {
            None
        };
        let found = found
            .map(|date| (date, 3))
            .or_else(|| packed(word(0)).map(|date| (date, 1)))
            .or_else(|| {
                // "January 2026" is its first day.
                let (month, year) = (named(word(0))?, year(word(1))?);
                Some((Date::new(year, month, 1).ok()?, 2))
            });
        match found {
            Some((date, taken)) => {
                all.push(date);
                at += taken;
            }
            None => at += 1,
        }
    }
    all
}

fn three(a: &str, b: &str, c: &str, slash: bool) -> Option<Date> {
    let date = |year, month, day| Date::new(year, month, day).ok();
    if let (Some(year), Some(month), Some(day)) = (year(a), small(b), small(c)) {
        return date(year, month, day);
    }
    let year = year(c)?;
    match (named(a), named(b), small(a), small(b)) {
        (_, Some(month), Some(day), _) => date(year, month, day),
        (Some(month), _, _, Some(day)) => date(year, month, day),
        // Of two small numbers the day comes first, unless it cannot be.
        (None, None, Some(first), Some(second)) if slash && second > 12 => {
            date(year, first, second)
        }
        (None, None, Some(first), Some(second)) => date(year, second, first),
        _ => None,
    }
}

fn year(word: &str) -> Option<i16> {
    word.parse()
        .ok()
        .filter(|year| word.len() == 4 && (1988..=2199).contains(year))
}

/// `1`, `01`, `1st`.
fn small(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let end = &word[digits.len()..];
    let plain = matches!(end, "" | "st" | "nd" | "rd" | "th" | "er");
    digits
        .parse()
        .ok()
        .filter(|number| plain && digits.len() <= 2 && (1..=31).contains(number))
}

fn named(word: &str) -> Option<i8> {
    let lower = word.to_lowercase();
    if lower.chars().count() > 10 || lower.chars().count() < 3 {
        return None;
    }
    let month = MONTHS
        .iter()
        .position(|names| names.iter().any(|name| lower.starts_with(name)))?;
    i8::try_from(month + 1).ok()
}

/// `20261122`.
fn packed(word: &str) -> Option<Date> {
    let part = |from: usize, to: usize| {
        word.get(from..to)
            .filter(|part| part.bytes().all(|c| c.is_ascii_digit()))
    };
    if word.len() != 8 {
        return None;
    }
    Date::new(year(part(0, 4)?)?, small(part(4, 6)?)?, small(part(6, 8)?)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        for text in [
            "This is version 1.0, 2015-03-14.",
            "updated on 14.03.2015.",
            "14/03/2015",
            "3/14/2015",
            "March 14, 2015",
            "14th of no month; 14 March 2015",
            "14. März 2015",
            "14 марта 2015 г.",
            "le 14 mars 2015",
            "Version 2 of 20150314",
            "2015/03/14 (v1.2)",
        ] {
            assert_eq!(
                dates(text),
                [Date::new(2015, 3, 14).expect("a date")],
                "{text}"
            );
        }
        assert_eq!(dates("April 2021").len(), 1);
        for text in ["version 1.2.3", "24/7", "10.0.0.1", "2015", "May we ask"] {
            assert!(dates(text).is_empty(), "{text}");
        }
    }
}
