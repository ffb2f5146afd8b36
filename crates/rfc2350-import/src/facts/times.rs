//! 2.11: when the team can be reached.

use super::Finder;

const ABOUT: [&str; 22] = [
    "hours",
    "office-hours",
    "working day",
    "business day",
    "weekday",
    "monday",
    "mon-",
    "mon -",
    "mo-fr",
    "bürozeiten",
    "arbeitszeit",
    "geschäftszeiten",
    "montag",
    "heures",
    "lundi",
    "рабоч",
    "понедельник",
    "будн",
    "horario",
    "lunes",
    "radno vreme",
    "ponedeljak",
];

/// Finds the office hours: the sentences with a time of day, and what leads to them.
pub(super) fn find(finder: &mut Finder) {
    let blocks = finder.blocks("2.11");
    for (at, block) in blocks.iter().enumerate() {
        let sentences = block.sentences();
        let Some(n) = sentences
            .iter()
            .position(|sentence| is_span(&sentence.text))
        else {
            continue;
        };
        let mut taken = vec![sentences[n].clone()];
        // A time alone in its line belongs to the sentence before it, which ends with a colon or not at all.
        if !is_about(&taken[0].text) {
            let before = match n.checked_sub(1) {
                Some(n) => Some(sentences[n].clone()),
                None => at
                    .checked_sub(1)
                    .and_then(|at| blocks[at].sentences().pop()),
            };
            match before.filter(|before| is_about(&before.text) && !before.text.ends_with('.')) {
                Some(before) => taken.insert(0, before),
                None => continue,
            }
        }
        // More than hours stays where it is.
        let value = taken
            .iter()
            .map(|sentence| sentence.text.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        if value.chars().count() > 240
            || value.contains('@')
            || !crate::scan::phones(&value, false).is_empty()
        {
            continue;
        }
        // A range that goes on in the next sentence of a paragraph ends where a new one begins.
        finder.take("2.11", &taken);
        let short = short(&value);
        let from = if short == value { Vec::new() } else { taken };
        finder.add("hours", short, from);
        return;
    }
}

fn is_about(text: &str) -> bool {
    let lower = text.to_lowercase();
    ABOUT.iter().any(|word| lower.contains(word))
}

/// Two times of day: `9:00 - 18:00`, `08.00 to 16.00`, `9am-5pm`.
fn is_span(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || "-–—,()".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    words
        .iter()
        .filter(|word| is_time(word.trim_end_matches(['.', ';', 'h'])))
        .count()
        >= 2
}

fn is_time(word: &str) -> bool {
    let bare = word
        .trim_end_matches("am")
        .trim_end_matches("pm")
        .trim_end_matches("uhr");
    let number =
        |text: &str, most: u32| text.len() <= 2 && text.parse::<u32>().is_ok_and(|n| n <= most);
    match bare.split_once([':', '.', 'h']) {
        Some((hours, minutes)) => number(hours, 24) && minutes.len() == 2 && number(minutes, 59),
        None => bare.len() < word.len() && number(bare, 12),
    }
}

/// Without the words that lead to the hours: our document has a name for them.
fn short(value: &str) -> String {
    let lower = value.to_lowercase();
    for lead in [
        "working hours",
        "office hours",
        "business hours",
        "operating hours",
        "hours of operation",
    ] {
        let Some(rest) = lower.strip_prefix(lead).or_else(|| {
            lower
                .strip_prefix("the ")
                .and_then(|rest| rest.strip_prefix(lead))
        }) else {
            continue;
        };
        // Up to the verb or the colon, within a few words.
        let at = lower.len() - rest.len();
        let end = [" are from ", " are ", " is ", ": "]
            .iter()
            .filter_map(|verb| rest.find(verb).map(|n| n + verb.len()))
            .min();
        if let Some(end) = end.filter(|end| *end <= 60)
            && lower.len() == value.len()
        {
            return value[at + end..].trim().trim_end_matches('.').to_string();
        }
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_seen() {
        for text in [
            "9:00 - 18:00",
            "from 08.00 to 16.30",
            "9am-5pm",
            "08:00–16:00 Uhr",
            "de 9h00 à 18h00",
        ] {
            assert!(is_span(text), "{text}");
        }
        for text in ["version 1.0, 2.0", "24/7", "10.11.2015 and more", "at 9:00"] {
            assert!(!is_span(text), "{text}");
        }
        assert_eq!(
            short("Working hours for EX-CERT are 08:00 to 16:00 monday to friday."),
            "08:00 to 16:00 monday to friday"
        );
        assert_eq!(
            short("We work from 9:00 to 17:00."),
            "We work from 9:00 to 17:00."
        );
    }
}
