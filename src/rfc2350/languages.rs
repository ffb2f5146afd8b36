//! Whether the languages of the document say the same. Facts of `team.yaml` cannot differ; what stands in the prose can.

use super::{Prose, outline::Number, prose::Section};
use crate::{
    diag::{Finding, Findings, Span},
    team::Team,
    terms::Lang,
    yaml::Wording,
};
use std::collections::{BTreeMap, BTreeSet};

/// What one language says and another one does not, and telephone numbers that are none of the team's.
pub fn lint_languages(team: &Team, proses: &BTreeMap<Lang, Prose>) -> Findings {
    let mut findings = Findings::new();
    facts(team, proses, &mut findings);
    for prose in proses.values() {
        numbers(team, prose, &mut findings);
    }
    for (lang, prose) in proses {
        for (other_lang, other) in proses.iter().filter(|(other, _)| *other != lang) {
            sections(prose, other_lang, other, &mut findings);
        }
    }
    findings
}

/// A fact that is given per language, and not in all of them, stands in a foreign language in the document.
fn facts(team: &Team, proses: &BTreeMap<Lang, Prose>, findings: &mut Findings) {
    let fields = [
        ("name", Some(&team.name)),
        ("short_name", team.short_name.as_ref()),
        ("address", team.address.as_ref()),
        ("hours", team.hours.as_ref()),
        ("holidays", team.holidays.as_ref()),
        (
            "other_telecommunication",
            team.other_telecommunication.as_ref(),
        ),
        ("members", team.members.as_ref()),
        ("constituency", team.constituency.as_ref()),
    ];
    for (field, wording) in fields {
        let Some(Wording::Many(texts)) = wording else {
            continue;
        };
        for lang in proses.keys().filter(|lang| !texts.contains_key(lang)) {
            let message = format!(
                "`{field}` has texts per language and none in `{lang}`, in which the RFC 2350 description is written"
            );
            let finding = Finding::of_file("team.yaml", "fact-not-translated", message);
            findings.push(
                finding
                    .hint(format!("write it as `{lang}:` below `{field}:`"))
                    .warning(),
            );
        }
    }
}

/// In section 2 the team's own numbers stand, and they come from `team.yaml`.
fn numbers(team: &Team, prose: &Prose, findings: &mut Findings) {
    let known = [&team.phone, &team.emergency_phone, &team.fax]
        .into_iter()
        .flatten();
    let known: BTreeSet<Hard> = known.filter_map(|number| phone(number)).collect();
    for section in prose.sections.iter().filter(|section| is_contact(section)) {
        for (span, hard) in hard_facts(prose, section) {
            if let Hard::Phone(digits) = &hard
                && !known.contains(&hard)
            {
                let message =
                    format!("the telephone number `{digits}` is none of those in team.yaml");
                let hint = "write it in `phone`, `emergency_phone`, `fax` or `other_telecommunication`, so that it is the same everywhere";
                findings.push(
                    prose
                        .source
                        .error(span, "other-number", message)
                        .hint(hint)
                        .warning(),
                );
            }
        }
    }
}

fn is_contact(section: &Section) -> bool {
    section
        .number
        .as_ref()
        .is_some_and(|number| number.to_string().starts_with("2."))
}

fn sections(prose: &Prose, other_lang: &Lang, other: &Prose, findings: &mut Findings) {
    let with_text = |prose: &Prose, number: &Number| {
        let own: Vec<Section> = prose
            .sections
            .iter()
            .filter(|one| one.number.as_ref() == Some(number))
            .cloned()
            .collect();
        let written = own.iter().any(|one| one.body.start < one.body.end);
        (written, own)
    };
    for section in prose
        .sections
        .iter()
        .filter(|one| one.body.start < one.body.end)
    {
        let Some(number) = &section.number else {
            continue;
        };
        let (written, twins) = with_text(other, number);
        if !written {
            let message = format!("section {number} has a text here and none in `{other_lang}`");
            let hint = format!(
                "write it below `## {number}` in {} too: the languages say the same",
                other.source.path
            );
            findings.push(
                prose
                    .source
                    .error(section.heading, "language-lacks-section", message)
                    .hint(hint)
                    .warning(),
            );
            continue;
        }
        let there: BTreeSet<Hard> = twins
            .iter()
            .flat_map(|twin| hard_facts(other, twin))
            .map(|(_, hard)| hard)
            .collect();
        for (span, hard) in hard_facts(prose, section) {
            if !there.contains(&hard) {
                let message = format!(
                    "{} does not stand in section {number} in `{other_lang}`",
                    hard.words()
                );
                let hint = format!("one of the two is wrong, or {} lacks it", other.source.path);
                findings.push(
                    prose
                        .source
                        .error(span, "languages-disagree", message)
                        .hint(hint)
                        .warning(),
                );
            }
        }
    }
}

/// Something that is the same in every language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Hard {
    Phone(String),
    Mail(String),
    Time(String),
}

impl Hard {
    fn words(&self) -> String {
        match self {
            Hard::Phone(digits) => format!("the telephone number `{digits}`"),
            Hard::Mail(address) => format!("the address `{address}`"),
            Hard::Time(time) => format!("the time `{time}`"),
        }
    }
}

fn hard_facts(prose: &Prose, section: &Section) -> Vec<(Span, Hard)> {
    let text = prose.text(section);
    let mut found = Vec::new();
    let mut add = |start: usize, length: usize, hard: Hard| {
        found.push((
            Span::new(start, start + length).shifted(section.body.start),
            hard,
        ));
    };
    for (at, _) in text.match_indices('+') {
        let inside =
            |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '\u{a0}');
        let run = &text[at..at + text[at..].find(|c| !inside(c)).unwrap_or(text.len() - at)];
        let run = run.trim_end_matches(|c: char| !c.is_ascii_digit());
        if let Some(hard) = phone(run) {
            add(at, run.len(), hard);
        }
    }
    for word in text.split(|c: char| c.is_whitespace() || "<>()[],;\"«»|".contains(c)) {
        let at = word.as_ptr() as usize - text.as_ptr() as usize;
        let word = word.trim_end_matches(['.', ':', '!', '?']);
        let address = word.strip_prefix("mailto:").unwrap_or(word);
        if let Some((local, domain)) = address.split_once('@')
            && !local.is_empty()
            && domain.contains('.')
        {
            add(at, word.len(), Hard::Mail(address.to_lowercase()));
        }
        if let Some((hours, minutes)) = word.split_once(':')
            && hours.len() <= 2
            && minutes.len() == 2
            && let (Ok(hours @ 0..=24), Ok(minutes @ 0..=59)) =
                (hours.parse::<u8>(), minutes.parse::<u8>())
        {
            add(
                at,
                word.len(),
                Hard::Time(format!("{hours:02}:{minutes:02}")),
            );
        }
    }
    found
}

/// A number of which one can be sure that it is for the telephone: with the sign of a country's code.
fn phone(written: &str) -> Option<Hard> {
    let digits: String = written
        .chars()
        .take_while(|c| !c.is_alphabetic())
        .filter(char::is_ascii_digit)
        .collect();
    (written.starts_with('+') && (8..=15).contains(&digits.len()))
        .then(|| Hard::Phone(format!("+{digits}")))
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{lang, prose, read, sample_team},
        *,
    };

    fn check(en: &str, ru: &str) -> Vec<(&'static str, usize)> {
        let proses = BTreeMap::from([(lang("en"), prose(en)), (lang("ru"), prose(ru))]);
        lint_languages(&sample_team(), &proses)
            .iter()
            .map(|finding| (finding.code, finding.place.line))
            .collect()
    }

    #[test]
    fn the_sample_says_the_same_in_both_languages() {
        let parse = |path| super::super::prose::parse(&read(path), &mut Findings::new());
        let proses = BTreeMap::from([
            (lang("en"), parse("site/rfc2350.md")),
            (lang("ru"), parse("site/rfc2350.ru.md")),
        ]);
        assert!(lint_languages(&sample_team(), &proses).is_empty());
    }

    #[test]
    fn a_number_a_time_or_an_address_that_differs_is_named_in_both() {
        let text = |number: &str, mail: &str, time: &str| {
            format!(
                "## 2.11 Contact\n\nCall {number}, from {time}.\n\n## 6 Forms\n\nWrite to <{mail}>, by UTC+5.\n"
            )
        };
        let ours = text("+7 727 555-0100", "a@example.org", "9:00");
        assert!(check(&ours, &text("+7 (727) 555 0100", "A@example.org", "09:00")).is_empty());
        assert_eq!(
            check(&ours, &text("+7 727 555 0101", "b@example.org", "10:00")),
            ["languages-disagree"; 6]
                .into_iter()
                .zip([3, 3, 7, 3, 3, 7])
                .collect::<Vec<_>>()
        );
        assert_eq!(
            check(&text("+7 727 555 0777", "a@example.org", "9:00"), "").first(),
            Some(&("other-number", 3))
        );
        let mut team = sample_team();
        team.hours = Some(Wording::Many(BTreeMap::from([(
            lang("en"),
            "Always".to_string(),
        )])));
        let proses = BTreeMap::from([(lang("en"), prose("")), (lang("ru"), prose(""))]);
        let codes: Vec<_> = lint_languages(&team, &proses)
            .iter()
            .map(|finding| finding.code)
            .collect();
        assert_eq!(codes, ["fact-not-translated"]);
        assert_eq!(
            check("## 3.1 Mission\n\nWe help.\n", "## 3.1 Цель\n"),
            [("language-lacks-section", 1)]
        );
    }
}
