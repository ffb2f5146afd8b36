//! The words around the facts, per language: flat maps of a key to a text, English where a language lacks one.
//! Section titles are the standard's own in English, and `section_2_8` in other languages; `outline` has the built-in ones.

use super::outline::Number;
use crate::{
    diag::{Finding, Findings, Source, Span},
    terms::{Lang, nearest},
    yaml::{self, Value},
};
use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

/// The words of one language.
#[derive(Debug, Clone)]
pub struct DocumentWords {
    texts: Cow<'static, BTreeMap<String, String>>,
}

static ENGLISH: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| flat("en", include_str!("words/en.yaml")));
static RUSSIAN: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| flat("ru", include_str!("words/ru.yaml")));
static ARABIC: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| flat("ar", include_str!("words/ar.yaml")));

impl DocumentWords {
    /// The built-in words; English for a language that has none.
    pub fn built_in(lang: &Lang) -> DocumentWords {
        let primary = lang.as_str().split('-').next().unwrap_or_default();
        match primary {
            "ru" => DocumentWords {
                texts: Cow::Borrowed(&RUSSIAN),
            },
            "ar" => DocumentWords {
                texts: Cow::Borrowed(&ARABIC),
            },
            _ => DocumentWords {
                texts: Cow::Borrowed(&ENGLISH),
            },
        }
    }

    /// All built-in words, English first.
    pub fn all() -> impl Iterator<Item = DocumentWords> {
        [&ENGLISH, &RUSSIAN, &ARABIC]
            .into_iter()
            .map(|texts| DocumentWords {
                texts: Cow::Borrowed(texts),
            })
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

    /// The built-in words, and over them those of a workspace: `words/rfc2350.LANG.yaml` among its templates, by their
    /// names. So a team can write a language that is not built in.
    pub fn read(
        lang: &Lang,
        templates: &[(String, String)],
        findings: &mut Findings,
    ) -> DocumentWords {
        let mut words = DocumentWords::built_in(lang);
        let name = format!("words/rfc2350.{lang}.yaml");
        let Some((_, text)) = templates.iter().find(|(file, _)| *file == name) else {
            return words;
        };
        let source = Source::new(format!("templates/{name}"), text.as_str());
        let pairs = match yaml::parse(&source, Span::new(0, text.len())) {
            Ok(node) => match node.value {
                Value::Map(pairs) => pairs,
                _ => {
                    findings.push(Finding::of_file(
                        &source.path,
                        "not-a-map",
                        "this file has to be a map of words",
                    ));
                    return words;
                }
            },
            Err(finding) => {
                findings.push(finding);
                return words;
            }
        };
        for (key, value) in pairs {
            match (key.value, value.value) {
                (Value::Text(key), Value::Text(text)) if RUSSIAN.contains_key(&*key) => {
                    words
                        .texts
                        .to_mut()
                        .insert(key.into_owned(), text.into_owned());
                }
                (Value::Text(word), Value::Text(_)) => {
                    let finding = source.error(
                        key.span,
                        "unknown-word",
                        format!("the description has no word `{word}`"),
                    );
                    findings.push(match nearest(&word, RUSSIAN.keys().map(String::as_str)) {
                        Some(near) => finding.hint(format!("did you mean `{near}`?")),
                        None => finding.hint("the words are those that docs/rfc2350.md names"),
                    });
                }
                _ => findings.push(source.error(
                    value.span,
                    "not-a-text",
                    "this word has to be a text",
                )),
            }
        }
        words
    }

    /// Whether a file of the workspace's templates has words of a language: which one.
    pub fn lang_of(file: &str) -> Option<Lang> {
        file.strip_prefix("words/rfc2350.")?
            .strip_suffix(".yaml")?
            .parse()
            .ok()
    }

    /// The text of a key; the key itself where nobody wrote a text, so that the gap is seen.
    pub fn get<'w>(&'w self, key: &'w str) -> &'w str {
        self.texts
            .get(key)
            .or_else(|| ENGLISH.get(key))
            .map_or(key, String::as_str)
    }

    /// The text of a key, with `{name}` replaced by its value.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        values
            .iter()
            .fold(self.get(key).to_string(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
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
        self.texts
            .get(&section_key(number))
            .cloned()
            .or_else(|| number.title().map(str::to_string))
    }
}

/// The key of a section's title: `section_2_8`.
fn section_key(number: &Number) -> String {
    format!("section_{}", number.to_string().replace('.', "_"))
}

fn flat(lang: &str, text: &str) -> BTreeMap<String, String> {
    let source = Source::new("words.yaml", text);
    let node = yaml::parse(&source, Span::new(0, text.len()));
    let Ok(Value::Map(pairs)) = node.map(|node| node.value) else {
        unreachable!("the built-in words are a map, as a test shows");
    };
    let texts = pairs
        .into_iter()
        .filter_map(|(key, value)| match (key.value, value.value) {
            (Value::Text(key), Value::Text(text)) => Some((key.into_owned(), text.into_owned())),
            _ => None,
        });
    // English titles are not in the map: a workspace's `section_2_8` is known by the other languages.
    let titles = Number::standard()
        .filter(|_| lang != "en")
        .filter_map(|number| Some((section_key(&number), number.title_in(lang)?.to_string())));
    texts.chain(titles).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_languages_are_complete() {
        for (tag, texts) in [("ru", &RUSSIAN), ("ar", &ARABIC)] {
            assert!(ENGLISH.keys().all(|key| texts.contains_key(key)), "{tag}");
            let words = DocumentWords::built_in(&tag.parse().expect("a language"));
            let has = |number: Number| words.texts.contains_key(&section_key(&number));
            assert!(Number::standard().all(has), "{tag}");
            assert!(
                texts
                    .keys()
                    .all(|key| ENGLISH.contains_key(key) || key.starts_with("section_")),
                "{tag}"
            );
        }
    }

    #[test]
    fn a_workspace_has_the_last_word() {
        let read = |text: &str| {
            let mut findings = Findings::new();
            let templates = [("words/rfc2350.kk.yaml".to_string(), text.to_string())];
            let lang = DocumentWords::lang_of(&templates[0].0).expect("a language");
            let words = DocumentWords::read(&lang, &templates, &mut findings);
            let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
            (words, codes)
        };
        let (words, codes) = read(
            "rfc2350_none: Жоқ\nsection_3_4: Өкілеттігі\nrfc2350_phon: Телефон\nrfc2350_fax: [1]\n",
        );
        assert_eq!(
            (words.get("rfc2350_none"), words.get("rfc2350_phone")),
            ("Жоқ", "Telephone")
        );
        assert_eq!(
            words.title(&"3.4".parse().expect("a number")).as_deref(),
            Some("Өкілеттігі")
        );
        assert_eq!(codes, ["unknown-word", "not-a-text"]);
        assert_eq!(read("[]").1, ["not-a-map"]);
    }
}
