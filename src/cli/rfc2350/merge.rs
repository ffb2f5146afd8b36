//! A second language: the facts that have a text per language get one more, and nothing else changes. What the
//! languages say differently is told and not decided.

use crate::{
    diag::{Findings, Source},
    team::{self, Team},
    terms::{Lang, UNKNOWN_ADDRESS},
    yaml::Wording,
};
use rfc2350_import::quoted;
use std::fmt::Write as _;

/// A `team.yaml` with one more language.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The file.
    pub text: String,
    /// One sentence for each fact on which the languages differ.
    pub disagreements: Vec<String>,
}

/// Adds the texts of an import in `lang` to a `team.yaml` whose texts without a language are in `first`. `None` if the
/// result could not be read again, which staff then have to do by hand.
pub fn merge(
    source: &Source,
    team: &Team,
    first: &Lang,
    new: &Team,
    lang: &Lang,
) -> Option<Merged> {
    let mut text = source.text.to_string();
    let mut disagreements = Vec::new();
    let wordings = |team: &Team| -> Vec<(&'static str, Option<Wording>)> {
        vec![
            ("name", Some(team.name.clone())),
            ("short_name", team.short_name.clone()),
            ("address", team.address.clone()),
            ("hours", team.hours.clone()),
            ("holidays", team.holidays.clone()),
            (
                "other_telecommunication",
                team.other_telecommunication.clone(),
            ),
            ("members", team.members.clone()),
            ("constituency", team.constituency.clone()),
        ]
    };
    for ((field, old), (_, new)) in wordings(team).into_iter().zip(wordings(new)) {
        let Some(new) = new else { continue };
        let said = new.in_lang(lang).to_string();
        let mut texts = old
            .as_ref()
            .map(|old| by_language(old, first))
            .unwrap_or_default();
        match texts.iter().find(|(other, _)| other == lang) {
            Some((_, old)) if *old == said => continue,
            Some((_, old)) => {
                disagreements.push(format!(
                    "`{field}` in {lang} is `{}` in team.yaml and `{}` here; team.yaml was left as it is",
                    flat(old),
                    flat(&said)
                ));
                continue;
            }
            None => {}
        }
        if texts.iter().any(|(_, old)| *old == said) && texts.len() == 1 {
            continue;
        }
        texts.push((lang.clone(), said));
        text = replaced(&text, field, &block(field, &texts));
    }
    let plain = |team: &Team| -> Vec<(&'static str, String)> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let digits = |value: &Option<String>| {
            text(value)
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '+')
                .collect::<String>()
        };
        vec![
            ("country", text(&team.country)),
            ("time_zone", team.time_zone.clone()),
            ("phone", digits(&team.phone)),
            ("emergency_phone", digits(&team.emergency_phone)),
            ("fax", digits(&team.fax)),
            ("email", team.email.key()),
            (
                "default_tlp",
                team.default_tlp
                    .map(|tlp| tlp.to_string())
                    .unwrap_or_default(),
            ),
        ]
    };
    for ((field, old), (_, new_value)) in plain(team).into_iter().zip(plain(new)) {
        let unknown = field == "email" && (new_value == UNKNOWN_ADDRESS || old == UNKNOWN_ADDRESS)
            || field == "time_zone" && new_value == "Etc/UTC";
        if old != new_value && !unknown && !(field == "country" && new_value.is_empty()) {
            let or_nothing = |value: &str| {
                if value.is_empty() {
                    "nothing".to_string()
                } else {
                    format!("`{value}`")
                }
            };
            disagreements.push(format!(
                "`{field}` is {} in team.yaml and {} in the {lang} document",
                or_nothing(&old),
                or_nothing(&new_value)
            ));
        }
    }
    let mut findings = Findings::new();
    team::parse(&Source::new("team.yaml", text.as_str()), &mut findings)?;
    Some(Merged {
        text,
        disagreements,
    })
}

fn flat(text: &str) -> String {
    crate::terms::shorten(&text.replace('\n', " / "))
}

/// The text of a wording in each language that has one.
fn by_language(wording: &Wording, first: &Lang) -> Vec<(Lang, String)> {
    match wording {
        Wording::One(text) => vec![(first.clone(), text.clone())],
        Wording::Many(texts) => texts
            .iter()
            .map(|(lang, text)| (lang.clone(), text.clone()))
            .collect(),
    }
}

/// A field with a text per language.
fn block(field: &str, texts: &[(Lang, String)]) -> String {
    let mut out = format!("{field}:\n");
    for (lang, text) in texts {
        if text.contains('\n') {
            let _ = writeln!(out, "  {lang}: |");
            for line in text.lines() {
                let _ = writeln!(out, "    {}", line.trim());
            }
        } else {
            let _ = writeln!(out, "  {lang}: {}", quoted(text));
        }
    }
    out
}

/// The file with a field written anew, at its place, or at the end. Comments above fields stay.
fn replaced(text: &str, field: &str, block: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let key = format!("{field}:");
    let Some(start) = lines.iter().position(|line| line.starts_with(&key)) else {
        let gap = if text.ends_with('\n') { "" } else { "\n" };
        return format!("{text}{gap}{block}");
    };
    // Up to the next field; blank lines and comments before that are its own.
    let inside = |line: &&str| line.starts_with([' ', '\t']) || line.trim().is_empty();
    let mut end = start
        + 1
        + lines[start + 1..]
            .iter()
            .take_while(|line| inside(line))
            .count();
    while lines[end - 1].trim().is_empty() && end > start + 1 {
        end -= 1;
    }
    format!(
        "{}{block}{}",
        lines[..start].concat(),
        lines[end..].concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Source, Team) {
        let source = Source::new("team.yaml", text);
        let team = team::parse(&source, &mut Findings::new()).expect("a team");
        (source, team)
    }

    #[test]
    fn a_second_language_adds_and_changes_nothing_else() {
        let old = "# ours\nname: Example CERT\n\n# line 9: 1 Street\naddress: |\n  1 Street\n  Town\n# tz\ntime_zone: Asia/Almaty\nemail: a@example.org\nphone: \"+7 727 555 0100\"\n";
        let new = "name: Группа\naddress: |\n  ул. 1\n  Город\ntime_zone: Asia/Almaty\nemail: a@example.org\nphone: \"+7 727 555 0199\"\nhours: с 9 до 18\n";
        let ((source, team), (_, new)) = (read(old), read(new));
        let (en, ru) = (Lang::english(), "ru".parse().expect("a language"));
        let merged = merge(&source, &team, &en, &new, &ru).expect("a file");
        let expected = "# ours\nname:\n  en: Example CERT\n  ru: Группа\n\n# line 9: 1 Street\naddress:\n  en: |\n    1 Street\n    Town\n  ru: |\n    ул. 1\n    Город\n# tz\n\
                        time_zone: Asia/Almaty\nemail: a@example.org\nphone: \"+7 727 555 0100\"\nhours:\n  ru: с 9 до 18\n";
        assert_eq!(merged.text, expected);
        assert_eq!(merged.disagreements.len(), 1);
        assert!(merged.disagreements[0].contains("`phone`"));
        let (source, team) = read(&merged.text);
        let again = merge(&source, &team, &en, &new, &ru).expect("a file");
        assert_eq!(again.text, merged.text);
    }
}
