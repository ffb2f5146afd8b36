//! Takes known fields out of a map, and tells of each that is wrong, and of each that nobody knows.

use super::{Line, Node, Prose, Value, Wording, wording::Flag};
use crate::{
    diag::{Findings, Level, Source, Span},
    terms::{Lang, Wrong, nearest, shorten},
};
use std::{collections::BTreeMap, str::FromStr};

/// The fields of one map, taken out one by one; what stays is unknown.
///
/// Every wrong value becomes a finding and `None`, so that one run finds all mistakes of a file.
pub struct Fields<'s> {
    source: &'s Source,
    span: Span,
    left: Vec<(&'static str, Span, Option<Node<'s>>)>,
    known: &'static [&'static str],
    /// Known fields that an unknown one was probably meant to be.
    meant: Vec<&'static str>,
}

impl<'s> Fields<'s> {
    /// Opens a map and reports every field that is not among `known`. `None` if it is no map.
    pub fn open(
        source: &'s Source,
        node: Node<'s>,
        known: &'static [&'static str],
        findings: &mut Findings,
    ) -> Option<Fields<'s>> {
        let pairs = match node.value {
            Value::Map(pairs) => pairs,
            Value::Null => Vec::new(),
            Value::Text(_) | Value::List(_) => {
                let hint = format!("write fields as `name: value`; known are {}", list(known));
                findings.push(
                    source
                        .error(node.span, "not-a-map", "fields are expected here")
                        .hint(hint),
                );
                return None;
            }
        };
        let mut meant = Vec::new();
        let mut left: Vec<(&'static str, Span, Option<Node>)> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let Value::Text(name) = &key.value else {
                findings.push(
                    source
                        .error(key.span, "unknown-field", "a field's name has to be a text")
                        .hint(format!("known are {}", list(known))),
                );
                continue;
            };
            let Some(field) = known.iter().find(|known| **known == &**name) else {
                let near = nearest(name, known.iter().copied())
                    .and_then(|near| known.iter().copied().find(|known| *known == near));
                let hint = match near {
                    Some(near) => {
                        meant.push(near);
                        format!("did you mean `{near}`?")
                    }
                    None => format!("known are {}", list(known)),
                };
                findings.push(
                    source
                        .error(
                            key.span,
                            "unknown-field",
                            format!("field `{}` is not known", shorten(name)),
                        )
                        .hint(hint),
                );
                continue;
            };
            if left.iter().any(|(other, ..)| other == field) {
                findings.push(
                    source
                        .error(
                            key.span,
                            "duplicate-field",
                            format!("field `{name}` stands here twice"),
                        )
                        .hint("remove one of the two"),
                );
            } else {
                left.push((field, key.span, Some(value)));
            }
        }
        // A map's own place is its first key: the crate's span of a block map reaches over the next line.
        let start = left.first().map_or(node.span, |(_, key, _)| *key);
        Some(Fields {
            source,
            span: start,
            left,
            known,
            meant,
        })
    }

    /// Where the map begins.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether the field is written, and its name's place.
    pub fn key(&self, name: &str) -> Option<Span> {
        self.left
            .iter()
            .find(|(key, ..)| *key == name)
            .map(|(_, span, _)| *span)
    }

    /// Takes the node of a field; an empty value counts as absent.
    pub fn node(&mut self, name: &'static str) -> Option<Node<'s>> {
        debug_assert!(
            self.known.contains(&name),
            "{name} is not among the known fields"
        );
        let node = self
            .left
            .iter_mut()
            .find(|(key, ..)| *key == name)?
            .2
            .take()?;
        match node.value {
            Value::Null => None,
            _ => Some(node),
        }
    }

    /// Reports that a field is missing.
    ///
    /// Where an unknown field was probably meant to be this one, that was reported already.
    pub fn missing(&self, name: &str, hint: &str, findings: &mut Findings) {
        if self.meant.contains(&name) {
            return;
        }
        let (span, message) = match self.key(name) {
            Some(span) => (span, format!("field `{name}` is empty")),
            None => (self.span, format!("field `{name}` is missing")),
        };
        findings.push(
            self.source
                .error(span, "missing-field", message)
                .hint(hint.to_string()),
        );
    }

    /// A field that has to be there, with its place.
    pub fn required<T: FromStr<Err = Wrong>>(
        &mut self,
        name: &'static str,
        hint: &str,
        findings: &mut Findings,
    ) -> Option<(T, Span)> {
        match self.node(name) {
            Some(node) => term(self.source, name, node, findings),
            None => {
                self.missing(name, hint, findings);
                None
            }
        }
    }

    /// A field that may be absent, with its place.
    pub fn optional<T: FromStr<Err = Wrong>>(
        &mut self,
        name: &'static str,
        findings: &mut Findings,
    ) -> Option<(T, Span)> {
        let node = self.node(name)?;
        term(self.source, name, node, findings)
    }

    /// A text of one line that may be absent.
    pub fn text(&mut self, name: &'static str, findings: &mut Findings) -> Option<(String, Span)> {
        self.optional::<Line>(name, findings)
            .map(|(line, span)| (line.0, span))
    }

    /// A yes or no that may be absent.
    pub fn flag(&mut self, name: &'static str, findings: &mut Findings) -> Option<bool> {
        self.optional::<Flag>(name, findings)
            .map(|(flag, _)| flag.0)
    }

    /// A list of terms; absent is empty. Wrong items become findings and are left out.
    pub fn list<T: FromStr<Err = Wrong>>(
        &mut self,
        name: &'static str,
        findings: &mut Findings,
    ) -> Vec<(T, Span)> {
        self.nodes(name, findings)
            .into_iter()
            .filter_map(|node| term(self.source, name, node, findings))
            .collect()
    }

    /// A list of terms in which nothing may stand twice; absent is empty.
    pub fn distinct<T: FromStr<Err = Wrong> + PartialEq>(
        &mut self,
        name: &'static str,
        findings: &mut Findings,
    ) -> Vec<(T, Span)> {
        let mut seen: Vec<(T, Span)> = Vec::new();
        for (item, span) in self.list::<T>(name, findings) {
            match seen.iter().any(|(other, _)| *other == item) {
                true => {
                    let message = format!(
                        "`{}` stands in `{name}` twice",
                        shorten(&self.source.text[span.start..span.end])
                    );
                    findings.push(
                        self.source
                            .error(span, "duplicate-value", message)
                            .hint("remove one of the two"),
                    );
                }
                false => seen.push((item, span)),
            }
        }
        seen
    }

    /// The items of a list, as they are; absent is empty.
    pub fn nodes(&mut self, name: &'static str, findings: &mut Findings) -> Vec<Node<'s>> {
        match self.node(name) {
            None => Vec::new(),
            Some(Node {
                value: Value::List(items),
                ..
            }) => items,
            Some(node) => {
                let hint = match &node.value {
                    Value::Text(text) if !text.contains([',', '\n', '"']) => {
                        format!("write `{name}: [{}]`", shorten(text))
                    }
                    _ => format!("write `{name}: [one, two]`"),
                };
                let message = format!("field `{name}` has to be a list");
                findings.push(
                    self.source
                        .error(node.span, "not-a-list", message)
                        .hint(hint),
                );
                Vec::new()
            }
        }
    }

    /// A text that may be given per language.
    pub fn wording(&mut self, name: &'static str, findings: &mut Findings) -> Option<Wording> {
        let node = self.node(name)?;
        match node.value {
            Value::Map(pairs) => {
                let mut texts = BTreeMap::new();
                for (key, value) in pairs {
                    let lang = term::<Lang>(self.source, name, key, findings);
                    let text = term::<Prose>(self.source, name, value, findings);
                    if let (Some((lang, span)), Some((text, _))) = (lang, text)
                        && let Some(earlier) = texts.insert(lang, text.0)
                    {
                        let message = format!(
                            "`{name}` has a text in this language already, `{}`",
                            shorten(&earlier)
                        );
                        findings.push(
                            self.source
                                .error(span, "duplicate-field", message)
                                .hint("remove one of the two"),
                        );
                    }
                }
                if texts.is_empty() {
                    let message = format!("field `{name}` has no text in any language");
                    let hint = format!(
                        "write `{name}: …`, or a text per language: `{name}: {{en: …, ru: …}}`"
                    );
                    findings.push(
                        self.source
                            .error(node.span, "missing-field", message)
                            .hint(hint),
                    );
                    return None;
                }
                Some(Wording::Many(texts))
            }
            _ => term::<Prose>(self.source, name, node, findings)
                .map(|(text, _)| Wording::One(text.0)),
        }
    }

    /// A text of one line that may be given per language: what may stand in a header or a title.
    pub fn title(&mut self, name: &'static str, findings: &mut Findings) -> Option<Wording> {
        let wording = self.wording(name, findings)?;
        let wrong = match &wording {
            Wording::One(text) => text.parse::<Line>().err(),
            Wording::Many(texts) => texts.values().find_map(|text| text.parse::<Line>().err()),
        };
        match wrong {
            None => Some(wording),
            Some(wrong) => {
                findings.push(self.source.wrong(
                    self.key(name).unwrap_or(self.span),
                    "bad-value",
                    wrong,
                ));
                None
            }
        }
    }

    /// A title that has to be there.
    pub fn required_title(
        &mut self,
        name: &'static str,
        hint: &str,
        findings: &mut Findings,
    ) -> Option<Wording> {
        let before = findings.count(Level::Error);
        let title = self.title(name, findings);
        if title.is_none() && findings.count(Level::Error) == before {
            self.missing(name, hint, findings);
        }
        title
    }
}

/// Reads one scalar as a term; a finding if it is none.
pub fn term<T: FromStr<Err = Wrong>>(
    source: &Source,
    name: &str,
    node: Node,
    findings: &mut Findings,
) -> Option<(T, Span)> {
    let text = match &node.value {
        Value::Text(text) => text,
        Value::Null => "",
        Value::List(_) | Value::Map(_) => {
            findings.push(
                source
                    .error(node.span, "not-a-text", format!("field `{name}` has to be a single value"))
                    .hint(format!("write `{name}: …` in one line; a text that begins with `[` or `{{` needs quotes")),
            );
            return None;
        }
    };
    match text.parse::<T>() {
        Ok(value) => Some((value, node.span)),
        Err(wrong) => {
            findings.push(source.wrong(node.span, code_of(name), wrong));
            None
        }
    }
}

/// The stable name of a finding about a field's value.
fn code_of(name: &str) -> &'static str {
    match name {
        "tlp" => "bad-tlp",
        "severity" => "bad-severity",
        "date" | "embargo" | "updated" | "joined" => "bad-date",
        "cves" | "cve" => "bad-cve",
        "cwes" => "bad-cwe",
        "vector" => "bad-cvss",
        "id" => "bad-id",
        "address" | "email" | "from" | "bounces" => "bad-address",
        "url" | "website" => "bad-url",
        "certificate" | "fingerprint" | "keys" => "bad-fingerprint",
        _ => "bad-value",
    }
}

fn list(known: &[&str]) -> String {
    known
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
