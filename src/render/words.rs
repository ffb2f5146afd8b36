//! The words of site and letters, per language.
//!
//! The built-in ones are `templates/words/LANG.yaml`, maps of a key to a text, or to the forms of a counted thing
//! (`one`, `few`, `other`, …: the CLDR's categories); a file of the same name in the workspace adds to them and
//! overrides. What a language lacks is said in English, and can be listed.

use super::{
    locale::{CATEGORIES, Locale},
    templates::built_in,
};
use crate::{
    diag::{Findings, Source, Span},
    markdown,
    terms::{Lang, Moment, Severity, one_of},
    tlp::Tlp,
    yaml::{self, Node, Value},
};
use std::collections::BTreeMap;

/// All words of one language.
#[derive(Debug, Clone)]
pub struct Words {
    lang: Lang,
    locale: Locale,
    texts: BTreeMap<String, String>,
    /// The forms of counted things, with the habits of the language that they are written in.
    counted: BTreeMap<String, (Locale, Forms)>,
    missing: Vec<String>,
}

/// Of a counted thing: category of the CLDR, text.
type Forms = BTreeMap<&'static str, String>;

/// What a file of words says.
#[derive(Debug, Clone, Default)]
struct Layer {
    locale: Option<Locale>,
    texts: BTreeMap<String, String>,
    counted: BTreeMap<String, Forms>,
}

/// The words of several languages. `overrides` are the files of the workspace's `templates/`, by their names in it.
pub fn read(
    languages: &[Lang],
    overrides: &[(String, String)],
    findings: &mut Findings,
) -> BTreeMap<Lang, Words> {
    // English is read with each of them; what is wrong with it is told once.
    let mut all = Findings::new();
    let words = languages
        .iter()
        .map(|lang| (lang.clone(), Words::read(lang, overrides, &mut all)))
        .collect();
    for finding in all.iter() {
        if !findings.iter().any(|known| known == finding) {
            findings.push(finding.clone());
        }
    }
    words
}

impl Words {
    /// Reads the words of a language. Mistakes in the workspace's file are findings.
    pub fn read(lang: &Lang, overrides: &[(String, String)], findings: &mut Findings) -> Words {
        let english = layers(&Lang::english(), overrides, findings);
        let own = match *lang == Lang::english() {
            true => english.clone(),
            false => layers(lang, overrides, findings),
        };
        let locale = own.locale.clone().unwrap_or_else(|| Locale::of(lang));
        let mut missing: Vec<String> = english
            .texts
            .keys()
            .filter(|key| !own.texts.contains_key(*key))
            .cloned()
            .collect();
        for key in english.counted.keys() {
            match own.counted.get(key) {
                Some(forms) => {
                    missing.extend(
                        locale
                            .plurals()
                            .filter(|form| !forms.contains_key(form))
                            .map(|form| format!("{key}.{form}")),
                    );
                }
                None => missing.push(key.clone()),
            }
        }
        let habits = english
            .locale
            .unwrap_or_else(|| Locale::of(&Lang::english()));
        let mut counted: BTreeMap<String, (Locale, Forms)> = english
            .counted
            .into_iter()
            .map(|(key, forms)| (key, (habits.clone(), forms)))
            .collect();
        counted.extend(
            own.counted
                .into_iter()
                .map(|(key, forms)| (key, (locale.clone(), forms))),
        );
        let mut texts = english.texts;
        texts.extend(own.texts);
        Words {
            lang: lang.clone(),
            locale,
            texts,
            counted,
            missing,
        }
    }

    /// The language.
    pub fn lang(&self) -> &Lang {
        &self.lang
    }

    /// How it writes dates and numbers.
    pub fn locale(&self) -> &Locale {
        &self.locale
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

    /// So many of a thing, in the form that the number takes, with `{count}` replaced by it.
    pub fn count(&self, key: &str, number: usize) -> String {
        let Some((locale, forms)) = self.counted.get(key) else {
            return format!("{key}: {number}");
        };
        let form = forms
            .get(locale.plural(number))
            .or_else(|| forms.get("other"));
        form.map_or(key, String::as_str)
            .replace("{count}", &locale.number(number))
    }

    /// The keys that this language lacks and English has.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Key and text of all but counted things, for templates.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.texts
    }

    /// A moment as people of this language write it; a date alone stays one.
    pub fn date(&self, moment: &Moment) -> String {
        self.locale.date(moment)
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

fn layers(lang: &Lang, overrides: &[(String, String)], findings: &mut Findings) -> Layer {
    let name = format!("words/{lang}.yaml");
    let mut layer = Layer::default();
    let own = overrides
        .iter()
        .find(|(file, _)| *file == name)
        .map(|(_, text)| text.as_str());
    for text in [built_in(&name), own].into_iter().flatten() {
        add(&name, text, &mut layer, findings);
    }
    layer
}

fn add(name: &str, text: &str, layer: &mut Layer, findings: &mut Findings) {
    let source = Source::new(format!("templates/{name}"), text);
    let node = match yaml::parse(&source, Span::new(0, text.len())) {
        Ok(node) => node,
        Err(finding) => return findings.push(finding),
    };
    let pairs = match node.value {
        Value::Null => return,
        Value::Map(pairs) => pairs,
        _ => {
            let hint = "write words as `key: text`, one a line";
            return findings.push(
                source
                    .error(node.span, "not-a-map", "words are expected here")
                    .hint(hint),
            );
        }
    };
    // They become subjects and lines of letters, where a line break would begin something else.
    let one_line = |text: &str, span: Span, findings: &mut Findings| {
        if text
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        {
            let message = "a word has a line break or another control character";
            findings.push(
                source
                    .error(span, "not-a-line", message)
                    .hint("write it on one line"),
            );
        }
    };
    for (key, value) in pairs {
        let Value::Text(word) = key.value else {
            findings.push(source.error(
                key.span,
                "not-a-text",
                "the key of a word has to be a text",
            ));
            continue;
        };
        match value.value {
            Value::Text(tag) if word == "locale" => match Locale::read(&tag) {
                Ok(locale) => layer.locale = Some(locale),
                Err(wrong) => findings.push(source.wrong(value.span, "not-a-locale", wrong)),
            },
            Value::Text(text) => {
                one_line(&text, value.span, findings);
                layer.texts.insert(word.into_owned(), text.into_owned());
            }
            Value::Map(pairs) => {
                let forms = forms(&source, pairs, findings);
                match forms.contains_key("other") {
                    true => drop(layer.counted.insert(word.into_owned(), forms)),
                    false => findings.push(
                        source
                            .error(value.span, "no-other", format!("the forms of `{word}` lack `other`"))
                            .hint("every language has it: the form for all numbers that have none of their own"),
                    ),
                }
            }
            _ => findings.push(source.error(
                value.span,
                "not-a-text",
                format!("word `{word}` has to be a text"),
            )),
        }
    }
}

fn forms<'s>(
    source: &'s Source,
    pairs: Vec<(Node<'s>, Node<'s>)>,
    findings: &mut Findings,
) -> Forms {
    let mut forms = Forms::new();
    for (key, value) in pairs {
        match (key.value, value.value) {
            (Value::Text(form), Value::Text(text)) => {
                match CATEGORIES.iter().find(|known| **known == form) {
                    Some(known) => drop(forms.insert(known, text.into_owned())),
                    None => {
                        let message = format!("`{form}` is no form of a counted thing");
                        findings.push(
                            source
                                .error(key.span, "no-such-form", message)
                                .hint(one_of(&form, &CATEGORIES)),
                        );
                    }
                }
            }
            _ => findings.push(source.error(
                value.span,
                "not-a-text",
                "the form of a word has to be a text",
            )),
        }
    }
    forms
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
    fn a_russian_phrase_takes_the_teams_name_as_it_is() {
        let russian = words("ru", &[]);
        for (key, text) in russian
            .all()
            .iter()
            .filter(|(_, text)| text.contains("{team}"))
        {
            let before = text
                .split("{team}")
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .last()
                .unwrap_or_default();
            // After these a name stands in another case than that in which the team wrote it.
            let bends = ["у", "от", "для", "к", "с", "из", "о", "в"]
                .contains(&before.to_lowercase().as_str());
            assert!(!bends, "{key}: {text}");
        }
    }

    #[test]
    fn what_a_language_lacks_is_said_in_english() {
        let own = [(
            "words/sw.yaml".to_string(),
            "advisories: Maonyo\n".to_string(),
        )];
        let swahili = words("sw", &own);
        assert_eq!(
            (swahili.get("advisories"), swahili.get("severity_high")),
            ("Maonyo", "High")
        );
        assert!(swahili.missing().iter().any(|key| key == "severity_high"));
        let date: Moment = "2026-07-01".parse().expect("a date");
        assert_eq!(
            swahili.date(&date),
            "1 Julai 2026",
            "the date needs no words of ours"
        );
        assert_eq!(
            swahili.count("count_advisories", 1),
            "1 advisory",
            "in English altogether, with the English form"
        );
    }

    #[test]
    fn the_built_in_languages_are_complete() {
        for tag in ["en", "ru", "ar"] {
            assert!(
                words(tag, &[]).missing().is_empty(),
                "{tag}: {:?}",
                words(tag, &[]).missing()
            );
        }
    }

    #[test]
    fn counted_things_have_the_form_of_their_number() {
        let russian = words("ru", &[]);
        let shown = [1, 3, 5, 21].map(|number| russian.count("count_advisories", number));
        assert_eq!(
            shown,
            [
                "1 публикация",
                "3 публикации",
                "5 публикаций",
                "21 публикация"
            ]
        );
        assert_eq!(
            words("en", &[]).count("count_advisories", 1_200),
            "1,200 advisories"
        );
        let own = [("words/en.yaml".to_string(), "locale: de\n".to_string())];
        assert_eq!(
            words("en", &own).count("count_advisories", 1_200),
            "1.200 advisories",
            "a workspace says whose habit it is"
        );
    }

    #[test]
    fn a_broken_file_of_words_is_a_finding() {
        let mut findings = Findings::new();
        let own = "advisories: [a, b]\nlocale: en_???\ncount_advisories: {one: a, twenty: b}\n";
        Words::read(
            &lang("en"),
            &[("words/en.yaml".to_string(), own.to_string())],
            &mut findings,
        );
        let said: Vec<String> = findings
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        assert_eq!(
            said,
            [
                "word `advisories` has to be a text",
                "`en_???` is not a locale",
                "`twenty` is no form of a counted thing",
                "the forms of `count_advisories` lack `other`"
            ]
        );
    }

    #[test]
    fn every_word_that_a_template_says_is_written() {
        let english = words("en", &[]);
        for name in [
            "base.html",
            "advisory.html",
            "list.html",
            "home.html",
            "feeds.html",
            "pgp.html",
            "rfc2350.html",
            "notice.html",
        ] {
            let text = built_in(name).expect(name);
            for piece in text.split("words.").skip(1) {
                let key: String = piece
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                assert!(
                    english.all().contains_key(&key),
                    "{name} says `{key}`, which no file of words has"
                );
            }
        }
    }
}
