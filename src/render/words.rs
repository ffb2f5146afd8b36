//! The words of site and letters, per language.
//!
//! The built-in ones are `templates/words/LANG.yaml`, flat maps of a key to a text; a file of the same name in
//! the workspace adds to them and overrides. What a language lacks is said in English, and can be listed.

use super::templates::built_in;
use crate::{
    diag::{Findings, Source, Span},
    markdown,
    terms::{Lang, Moment, Severity},
    tlp::Tlp,
    yaml::{self, Value},
};
use std::collections::BTreeMap;

/// All words of one language.
#[derive(Debug, Clone)]
pub struct Words {
    lang: Lang,
    texts: BTreeMap<String, String>,
    missing: Vec<String>,
    dated: bool,
}

/// The words of several languages. `overrides` are the files of the workspace's `templates/`, by their names in it.
pub fn read(languages: &[Lang], overrides: &[(String, String)], findings: &mut Findings) -> BTreeMap<Lang, Words> {
    languages.iter().map(|lang| (lang.clone(), Words::read(lang, overrides, findings))).collect()
}

impl Words {
    /// Reads the words of a language. Mistakes in the workspace's file are findings.
    pub fn read(lang: &Lang, overrides: &[(String, String)], findings: &mut Findings) -> Words {
        let english = layers(&Lang::english(), overrides, findings);
        let own = match *lang == Lang::english() {
            true => english.clone(),
            false => layers(lang, overrides, findings),
        };
        let missing = english.keys().filter(|key| !own.contains_key(*key)).cloned().collect();
        let dated = own.contains_key("date_form") && (1..=12).all(|month| own.contains_key(&format!("month_{month}")));
        let mut texts = english;
        texts.extend(own);
        Words { lang: lang.clone(), texts, missing, dated }
    }

    /// The language.
    pub fn lang(&self) -> &Lang {
        &self.lang
    }

    /// The text of a key; the key itself where nobody wrote a text, so that the gap is seen.
    pub fn get<'w>(&'w self, key: &'w str) -> &'w str {
        self.texts.get(key).map_or(key, String::as_str)
    }

    /// The text of a key, with `{name}` replaced by its value.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut text = self.get(key).to_string();
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    /// The keys that this language lacks and English has.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Key and text of all, for templates.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.texts
    }

    /// A moment as people of this language write it; a date alone stays one. Where the language does not name
    /// its months, the ISO form, which needs no words.
    pub fn date(&self, moment: &Moment) -> String {
        if !self.dated {
            return moment.to_string();
        }
        let day = moment.date();
        let month = format!("month_{}", day.month());
        let (number, year) = (day.day().to_string(), day.year().to_string());
        let date = self.fill("date_form", &[("day", &number), ("month", self.get(&month)), ("year", &year)]);
        let written = moment.to_string();
        match written.get(11..16).filter(|_| moment.has_time()) {
            Some(time) => {
                let offset =
                    written.get(19..).map_or("UTC".to_string(), |o| if o == "Z" { "UTC".into() } else { format!("UTC{o}") });
                self.fill("date_time_form", &[("date", &date), ("time", time), ("offset", &offset)])
            }
            None => date,
        }
    }

    /// The word for a severity, with a capital.
    pub fn severity(&self, severity: Severity) -> &str {
        self.get(match severity {
            Severity::None => "severity_none",
            Severity::Low => "severity_low",
            Severity::Medium => "severity_medium",
            Severity::High => "severity_high",
            Severity::Critical => "severity_critical",
        })
    }

    /// The one line that says what a label means to its recipient.
    pub fn tlp(&self, tlp: Tlp) -> &str {
        self.get(match tlp {
            Tlp::Clear => "tlp_clear",
            Tlp::Green => "tlp_green",
            Tlp::Amber => "tlp_amber",
            Tlp::AmberStrict => "tlp_amber_strict",
            Tlp::Red => "tlp_red",
        })
    }

    /// The words that Markdown needs around an author's text.
    pub fn marks(&self) -> markdown::Words {
        let word = |key| self.get(key).to_string();
        markdown::Words {
            note: word("alert_note"),
            tip: word("alert_tip"),
            important: word("alert_important"),
            warning: word("alert_warning"),
            caution: word("alert_caution"),
            links: word("links"),
            table: word("table"),
            back: word("back"),
        }
    }

    /// The word for a kind, with a capital.
    pub fn kind(&self, kind: crate::advisory::Kind) -> &str {
        use crate::advisory::Kind;
        self.get(match kind {
            Kind::Advisory => "kind_advisory",
            Kind::Alert => "kind_alert",
            Kind::Awareness => "kind_awareness",
            Kind::Announcement => "kind_announcement",
        })
    }
}

fn layers(lang: &Lang, overrides: &[(String, String)], findings: &mut Findings) -> BTreeMap<String, String> {
    let name = format!("words/{lang}.yaml");
    let mut texts = built_in(&name).map(|text| flat(&name, text, findings)).unwrap_or_default();
    if let Some((_, text)) = overrides.iter().find(|(file, _)| *file == name) {
        texts.extend(flat(&name, text, findings));
    }
    texts
}

fn flat(name: &str, text: &str, findings: &mut Findings) -> BTreeMap<String, String> {
    let source = Source::new(format!("templates/{name}"), text);
    let node = match yaml::parse(&source, Span::new(0, text.len())) {
        Ok(node) => node,
        Err(finding) => {
            findings.push(finding);
            return BTreeMap::new();
        }
    };
    let mut texts = BTreeMap::new();
    match node.value {
        Value::Null => {}
        Value::Map(pairs) => {
            for (key, value) in pairs {
                match (key.value, value.value) {
                    (Value::Text(key), Value::Text(text)) => {
                        texts.insert(key.into_owned(), text.into_owned());
                    }
                    (Value::Text(key), _) => {
                        findings.push(source.error(value.span, "not-a-text", format!("word `{key}` has to be a text")));
                    }
                    _ => findings.push(source.error(key.span, "not-a-text", "the key of a word has to be a text")),
                }
            }
        }
        _ => {
            let hint = "write words as `key: text`, one a line";
            findings.push(source.error(node.span, "not-a-map", "words are expected here").hint(hint));
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(text: &str) -> Lang {
        text.parse().expect("a language")
    }

    fn words(tag: &str, overrides: &[(String, String)]) -> Words {
        let mut findings = Findings::new();
        let words = Words::read(&lang(tag), overrides, &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        words
    }

    #[test]
    fn what_a_language_lacks_is_said_in_english() {
        let own = [("words/sw.yaml".to_string(), "advisories: Maonyo\n".to_string())];
        let swahili = words("sw", &own);
        assert_eq!((swahili.get("advisories"), swahili.get("severity_high")), ("Maonyo", "High"));
        assert!(swahili.missing().iter().any(|key| key == "severity_high"));
        let date: Moment = "2026-07-01".parse().expect("a date");
        assert_eq!(swahili.date(&date), "2026-07-01", "no English month in a page of another language");
    }

    #[test]
    fn the_built_in_languages_are_complete() {
        assert!(words("ru", &[]).missing().is_empty(), "{:?}", words("ru", &[]).missing());
    }

    #[test]
    fn dates_are_written_as_people_write_them() {
        for (tag, given, shown) in [
            ("en", "2026-07-01", "1 July 2026"),
            ("ru", "2026-07-01", "1 июля 2026 г."),
            ("en", "2026-07-01T09:30:00+05:00", "1 July 2026, 09:30 (UTC+05:00)"),
            ("en", "2026-07-01T09:30:00Z", "1 July 2026, 09:30 (UTC)"),
        ] {
            assert_eq!(words(tag, &[]).date(&given.parse().expect("a moment")), shown);
        }
    }

    #[test]
    fn a_broken_file_of_words_is_a_finding() {
        let mut findings = Findings::new();
        let own = [("words/en.yaml".to_string(), "advisories: [a, b]\n".to_string())];
        Words::read(&lang("en"), &own, &mut findings);
        assert!(findings.has_errors());
    }

    #[test]
    fn every_word_that_a_template_says_is_written() {
        let english = words("en", &[]);
        for name in
            ["base.html", "advisory.html", "list.html", "home.html", "feeds.html", "pgp.html", "rfc2350.html", "notice.html"]
        {
            let text = built_in(name).expect(name);
            for piece in text.split("words.").skip(1) {
                let key: String = piece.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                assert!(english.all().contains_key(&key), "{name} says `{key}`, which no file of words has");
            }
        }
    }
}
