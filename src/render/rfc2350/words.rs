//! The words around the facts, per language: flat maps of a key to a text, English where a language lacks one.
//! Section titles are the standard's own in English, and `section_2_8` in other languages.

use super::outline::Number;
use crate::{
    diag::{Source, Span},
    terms::Lang,
    yaml::{self, Value},
};
use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

/// The words of one language.
#[derive(Debug, Clone)]
pub struct DocumentWords {
    texts: Cow<'static, BTreeMap<String, String>>,
}

/// How our keys begin.
const OURS: [&str; 4] = ["rfc2350_", "section_", "markdown_", "language_name"];

static ENGLISH: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| flat(include_str!("words/en.yaml")));
static RUSSIAN: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| flat(include_str!("words/ru.yaml")));
static ARABIC: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| flat(include_str!("words/ar.yaml")));

impl DocumentWords {
    /// The built-in words; English for a language that has none.
    pub fn built_in(lang: &Lang) -> DocumentWords {
        let primary = lang.as_str().split('-').next().unwrap_or_default();
        match primary {
            "ru" => DocumentWords { texts: Cow::Borrowed(&RUSSIAN) },
            "ar" => DocumentWords { texts: Cow::Borrowed(&ARABIC) },
            _ => DocumentWords { texts: Cow::Borrowed(&ENGLISH) },
        }
    }

    /// All built-in languages.
    pub fn all() -> impl Iterator<Item = DocumentWords> {
        [&ENGLISH, &RUSSIAN, &ARABIC].into_iter().map(|texts| DocumentWords { texts: Cow::Borrowed(texts) })
    }

    /// What a language calls itself; `None` for one that is not built in.
    pub fn name_of(lang: &Lang) -> Option<&'static str> {
        let texts: &BTreeMap<String, String> = match lang.as_str().split('-').next() {
            Some("en") => &ENGLISH,
            Some("ru") => &RUSSIAN,
            Some("ar") => &ARABIC,
            _ => return None,
        };
        texts.get("language_name").map(String::as_str)
    }

    /// The same, with some of them said in another way: a workspace's own words.
    pub fn with<'w>(mut self, own: impl IntoIterator<Item = (&'w String, &'w String)>) -> DocumentWords {
        let own = own.into_iter().filter(|(key, _)| OURS.iter().any(|start| key.starts_with(start)));
        self.texts.to_mut().extend(own.map(|(key, text)| (key.clone(), text.clone())));
        self
    }

    /// The text of a key; the key itself where nobody wrote a text, so that the gap is seen.
    pub fn get<'w>(&'w self, key: &'w str) -> &'w str {
        self.texts.get(key).or_else(|| ENGLISH.get(key)).map_or(key, String::as_str)
    }

    /// The text of a key, with `{name}` replaced by its value.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        values.iter().fold(self.get(key).to_string(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// The words that Markdown needs around a text.
    pub fn markdown(&self) -> crate::markdown::Words {
        let word = |key: &str| self.get(key).to_string();
        crate::markdown::Words {
            note: word("markdown_note"),
            tip: word("markdown_tip"),
            important: word("markdown_important"),
            warning: word("markdown_warning"),
            caution: word("markdown_caution"),
            links: word("markdown_links"),
            table: word("markdown_table"),
            back: word("markdown_back"),
        }
    }

    /// The title of a section of the standard; `None` for others.
    pub fn title(&self, number: &Number) -> Option<String> {
        let key = format!("section_{}", number.to_string().replace('.', "_"));
        self.texts.get(&key).cloned().or_else(|| number.title().map(str::to_string))
    }
}

fn flat(text: &str) -> BTreeMap<String, String> {
    let source = Source::new("words.yaml", text);
    let node = yaml::parse(&source, Span::new(0, text.len()));
    let Ok(Value::Map(pairs)) = node.map(|node| node.value) else {
        unreachable!("the built-in words are a map, as a test shows");
    };
    let texts = pairs.into_iter().filter_map(|(key, value)| match (key.value, value.value) {
        (Value::Text(key), Value::Text(text)) => Some((key.into_owned(), text.into_owned())),
        _ => None,
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_languages_are_complete() {
        for (tag, texts) in [("ru", &RUSSIAN), ("ar", &ARABIC)] {
            assert!(ENGLISH.keys().all(|key| texts.contains_key(key)), "{tag}");
            let words = DocumentWords::built_in(&tag.parse().expect("a language"));
            let has = |number: Number| words.texts.contains_key(&format!("section_{}", number.to_string().replace('.', "_")));
            assert!(Number::standard().all(has), "{tag}");
            assert!(texts.keys().all(|key| ENGLISH.contains_key(key) || key.starts_with("section_")), "{tag}");
        }
    }

    #[test]
    fn a_workspace_has_the_last_word() {
        let own = BTreeMap::from([("rfc2350_none".to_string(), "Not yet".to_string()), ("menu".to_string(), "Menu".to_string())]);
        let words = DocumentWords::built_in(&Lang::english()).with(&own);
        assert_eq!((words.get("rfc2350_none"), words.get("menu")), ("Not yet", "menu"));
    }
}
