//! Values as YAML that is to be put in: plain where that is read as it is meant, else between quotes.

use super::{NewConstituent, NewContact};
use crate::{terms::Slug, yaml::Wording};

/// A value that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, and whether it is put between quotes in any case.
    Text(String, bool),
    /// In one line, between brackets.
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
    /// A text per language.
    Texts(Vec<(String, String)>),
    /// A map per item, each on lines of its own.
    Items(Vec<Value>),
}

impl Value {
    pub fn plain(text: impl Into<String>) -> Value {
        Value::Text(text.into(), false)
    }
}

/// One of a contact's texts. Fingerprints and telephone numbers stand between quotes: they are no numbers.
pub fn text(field: &str, text: &str) -> Value {
    Value::Text(text.to_string(), matches!(field, "certificate" | "phone"))
}

pub fn names(lists: &[Slug]) -> Value {
    Value::List(
        lists
            .iter()
            .map(|list| Value::plain(list.as_str()))
            .collect(),
    )
}

pub fn contact(contact: &NewContact) -> Vec<(&'static str, Value)> {
    let mut fields = vec![
        ("name", text("name", &contact.name)),
        ("address", text("address", contact.address.as_str())),
    ];
    let mut add =
        |name, value: Option<&str>| fields.extend(value.map(|value| (name, text(name, value))));
    add(
        "certificate",
        contact
            .certificate
            .as_ref()
            .map(ToString::to_string)
            .as_deref(),
    );
    add("language", contact.language.as_ref().map(|it| it.as_str()));
    add("phone", contact.phone.as_deref());
    fields.extend(
        contact
            .lists
            .as_deref()
            .map(|lists| ("lists", names(lists))),
    );
    let joined = contact.joined.as_ref().map(ToString::to_string);
    let mut add =
        |name, value: Option<&str>| fields.extend(value.map(|value| (name, text(name, value))));
    add("joined", joined.as_deref());
    add("suspended", contact.suspended.as_deref());
    fields
}

pub fn constituent(constituent: &NewConstituent) -> Vec<(&'static str, Value)> {
    let name = match &constituent.name {
        Wording::One(name) => Value::plain(name),
        Wording::Many(names) => Value::Texts(
            names
                .iter()
                .map(|(lang, name)| (lang.as_str().into(), name.clone()))
                .collect(),
        ),
    };
    let mut fields = vec![("name", name)];
    fields.extend(
        constituent
            .sector
            .as_ref()
            .map(|sector| ("sector", Value::plain(sector))),
    );
    for (name, values) in [
        ("networks", &constituent.networks),
        ("domains", &constituent.domains),
        ("products", &constituent.products),
    ] {
        if !values.is_empty() {
            fields.push((name, Value::List(values.iter().map(Value::plain).collect())));
        }
    }
    fields.push(("lists", names(&constituent.lists)));
    fields.push((
        "contacts",
        Value::Items(
            constituent
                .contacts
                .iter()
                .map(|it| Value::Map(contact(it)))
                .collect(),
        ),
    ));
    fields
}

/// Fields on lines of their own, `indent` columns in.
pub fn block(fields: &[(&'static str, Value)], indent: usize) -> Vec<String> {
    fields
        .iter()
        .flat_map(|(name, value)| block_field(name, value, indent))
        .collect()
}

/// A field on lines of its own, `indent` columns in.
pub fn block_field(name: &str, value: &Value, indent: usize) -> Vec<String> {
    let margin = " ".repeat(indent);
    let head = format!("{margin}{name}:");
    match value {
        Value::Items(items) if !items.is_empty() => [head]
            .into_iter()
            .chain(items.iter().flat_map(|item| block_item(item, indent + 2)))
            .collect(),
        Value::Texts(texts) => {
            let line = |(lang, text): &(String, String)| {
                format!(
                    "{margin}  {}: {}",
                    plain_or_quoted(lang, false),
                    plain_or_quoted(text, false)
                )
            };
            [head].into_iter().chain(texts.iter().map(line)).collect()
        }
        value => vec![format!("{head} {}", line(value))],
    }
}

/// An item of a list on lines of its own, its dash `indent` columns in.
pub fn block_item(item: &Value, indent: usize) -> Vec<String> {
    let margin = " ".repeat(indent);
    let Value::Map(fields) = item else {
        return vec![format!("{margin}- {}", line(item))];
    };
    let mut lines = block(fields, indent + 2);
    if let Some(first) = lines.first_mut() {
        first.replace_range(indent..indent + 2, "- ");
    }
    lines
}

/// A value in the rest of a line of its own.
pub fn line(value: &Value) -> String {
    match value {
        Value::Text(text, quoted) => scalar(text, *quoted, false),
        value => flow(value),
    }
}

/// A value between brackets, braces or commas.
pub fn flow(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Text(text, quoted) => scalar(text, *quoted, true),
        Value::List(items) | Value::Items(items) => {
            format!("[{}]", joined(items.iter().map(flow).collect()))
        }
        Value::Map(fields) => {
            format!(
                "{{{}}}",
                joined(
                    fields
                        .iter()
                        .map(|(name, value)| format!("{name}: {}", flow(value)))
                        .collect()
                )
            )
        }
        Value::Texts(texts) => {
            let pair = |(lang, text): &(String, String)| {
                format!(
                    "{}: {}",
                    plain_or_quoted(lang, true),
                    plain_or_quoted(text, true)
                )
            };
            format!("{{{}}}", joined(texts.iter().map(pair).collect()))
        }
    }
}

/// In place of a value that is there: between the quotes that its writer took, if it can stand there.
pub fn like(value: &Value, old: &str, in_flow: bool) -> String {
    match (value, old.chars().next()) {
        (Value::Text(text, _), Some('\'')) if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        (Value::Text(text, _), Some('"')) => quoted(text),
        (Value::Text(text, _), Some(_)) => plain_or_quoted(text, in_flow),
        (value, _) if in_flow => flow(value),
        (value, _) => line(value),
    }
}

fn scalar(text: &str, always_quoted: bool, in_flow: bool) -> String {
    if always_quoted {
        quoted(text)
    } else {
        plain_or_quoted(text, in_flow)
    }
}

fn plain_or_quoted(text: &str, in_flow: bool) -> String {
    if is_plain(text, in_flow) {
        text.to_string()
    } else {
        quoted(text)
    }
}

/// Whether a text without quotes is read as itself, by us and by any other reader of YAML (to whom `no` and `1.0` are none).
fn is_plain(text: &str, in_flow: bool) -> bool {
    let word = text.to_ascii_lowercase();
    let first = text.chars().next();
    first.is_some_and(|c| c.is_alphanumeric() || c == '/')
        && !matches!(
            word.as_str(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
        )
        && !looks_like_number(text)
        && text.trim() == text
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text.chars().any(|c| {
            c.is_control()
                || crate::terms::is_foul(c)
                || matches!(
                    c,
                    '\u{85}' | '\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
                )
        })
        && !(in_flow && text.contains([',', '[', ']', '{', '}', ':', '"', '\'']))
}

/// A number, or a time of day, to some reader; a date is what it looks like.
fn looks_like_number(text: &str) -> bool {
    let digits = text
        .bytes()
        .all(|c| c.is_ascii_hexdigit() || b"xo.+-_:".contains(&c))
        && text.starts_with(|c: char| c.is_ascii_digit());
    let is_date = text.len() == 10 && text.parse::<crate::terms::Moment>().is_ok();
    digits && !is_date
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04x}", c as u32))
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
