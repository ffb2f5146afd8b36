//! The one door of the YAML crate, and the strict reading of what comes through it.
//!
//! [`parse`] gives a tree of [`Node`]s that remember their place; [`Fields`] takes known fields out of a
//! map, gathers a finding for each that is wrong, and for each that nobody knows. Plain scalars stay the
//! text that was written (`1.0` and `no` are texts here). Anchors, aliases and tags are refused.

use crate::{
    diag::{Finding, Findings, Level, Source, Span},
    terms::{Lang, Wrong, is_foul, nearest, shorten},
};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use std::{collections::BTreeMap, fmt, str::FromStr};

/// A value and where it stands in the whole source.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its place.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the four shapes of YAML")]
pub enum Value {
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// Reads one YAML document, `source.text[piece]`. The error is a finding with its place.
pub fn parse(source: &Source, piece: Span) -> Result<Node, Finding> {
    let text = &source.text[piece.start..piece.end];
    if let Some(tab) = tab_indent(text) {
        let span = Span::new(tab, tab + 1).shifted(piece.start);
        return Err(source.error(span, "tab", "YAML does not allow tabs for indentation").hint("indent with spaces"));
    }
    // Default limits of the crate guard against bombs; no alias is ever needed here, so none is allowed.
    let mut options = serde_yaml::Options::default();
    options.with_snippet = false;
    // A field that stands twice, or is called `<<`, is told by `Fields`, with its place.
    options.duplicate_keys = serde_yaml::options::DuplicateKeyPolicy::PassThrough;
    options.merge_keys = serde_yaml::options::MergeKeyPolicy::AsOrdinary;
    if let Some(budget) = options.budget.as_mut() {
        budget.max_aliases = 0;
        budget.max_anchors = 0;
        budget.max_documents = 1;
        budget.max_depth = 16;
        budget.max_nodes = 50_000;
    }
    match serde_yaml::from_str_with_options::<Raw>(text, options) {
        Ok(raw) => {
            let mut node = raw.place(text, piece.start);
            if matches!(node.value, Value::Null) {
                node.span = Span::new(piece.start, piece.start);
            }
            match forbidden(text, &node, piece.start) {
                Some((span, what)) => {
                    Err(source.error(span, "yaml", format!("{what} are not allowed here")).hint("write the value out in full"))
                }
                None => Ok(node),
            }
        }
        Err(error) => Err(syntax_error(source, piece, &error)),
    }
}

fn syntax_error(source: &Source, piece: Span, error: &serde_yaml::Error) -> Finding {
    let text = &source.text[piece.start..piece.end];
    let at = error.location().map_or(0, |location| {
        let line = usize::try_from(location.line()).unwrap_or(1).max(1);
        let column = usize::try_from(location.column()).unwrap_or(1).max(1);
        let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        start + text[start..].chars().take(column - 1).map(char::len_utf8).sum::<usize>()
    });
    let at = at.min(text.len());
    let message = error.without_snippet().to_string();
    let first = message.lines().next().unwrap_or_default();
    let first = first.split(" at line ").next().unwrap_or(first).trim_end_matches('.').trim();
    let lower = first.to_lowercase();
    let finding =
        |start: usize, end: usize, code, message: String| source.error(Span::new(start, end).shifted(piece.start), code, message);
    let one = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());

    if let Some((start, end)) = conflict(text) {
        return finding(start, end, "merge-conflict", "a merge that was not finished".into()).hint(CONFLICT);
    }
    if lower.contains("document") {
        let hint = "remove the line `---`: a file has one piece of YAML, and front matter ends at the first such line";
        return finding(at, (at + 3).min(text.len()), "yaml", "a second document begins here".into()).hint(hint);
    }
    if ["budget", "anchor", "alias", "recursion", "nesting", "depth"].iter().any(|word| lower.contains(word)) {
        let (start, end, what) = match anchor(text, at) {
            Some((start, end)) => (start, end, "anchors and aliases are not allowed here"),
            None if ["recursion", "nesting", "depth"].iter().any(|word| lower.contains(word)) => (at, one, "this goes too deep"),
            None => (at, one, "this is too much for one file"),
        };
        let hint = match what {
            "this is too much for one file" => "write fewer values, or put them into an attachment",
            "this goes too deep" => "no field needs more than a few levels",
            _ => "write the value out in full; a text that begins with `*` or `&` needs quotes",
        };
        return finding(start, end, "yaml-limit", what.into()).hint(hint);
    }
    if let Some((start, sign)) = unclosed(text) {
        let (closing, what) = match sign {
            '[' => (']', "bracket"),
            '{' => ('}', "brace"),
            quote => (quote, "quote"),
        };
        let message = format!("the {what} that is opened here is not closed");
        return finding(start, start + 1, "yaml", message).hint(format!("put a `{closing}` at its end"));
    }
    if lower.contains("mapping values are not allowed") {
        let line_start = text[..at].rfind('\n').map_or(0, |n| n + 1);
        let line_end = text[at..].find('\n').map_or(text.len(), |n| at + n);
        let line = text[line_start..line_end].trim_end();
        let indent = line.len() - line.trim_start_matches([' ', '-']).len();
        let bare = &line[indent..];
        return match bare.split_once(": ") {
            Some((name, value)) if line_start + indent + name.len() < at => {
                let start = line_start + line.len() - value.trim_start().len();
                let hint = match name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    true => format!("write `{name}: \"{}\"`", shorten(value.trim()).replace('"', "\\\"")),
                    false => "put the value between quotes".to_string(),
                };
                finding(start, line_start + line.len(), "yaml", "a value with a colon in it needs quotes".into()).hint(hint)
            }
            _ => finding(line_start + indent, at, "yaml", "this field stands in another column than the fields around it".into())
                .hint("begin fields that belong together in the same column"),
        };
    }
    finding(at, one, "yaml", format!("this is not valid YAML: {}", shorten_long(first)))
        .hint("look at indentation, quotes and colons; a text with `: ` or ` #` in it needs quotes")
}

/// What to do about a [`conflict`].
pub const CONFLICT: &str = "keep one of the two versions, and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`";

/// The first mark that version control leaves where it could not merge: its place, if there is one.
pub fn conflict(text: &str) -> Option<(usize, usize)> {
    let start = if text.starts_with("<<<<<<< ") { 0 } else { text.find("\n<<<<<<< ")? + 1 };
    text[start..].contains("\n>>>>>>> ").then(|| (start, start + text[start..].find('\n').unwrap_or(text.len() - start)))
}

/// The anchor or alias that stands at this place, or directly before it.
fn anchor(text: &str, at: usize) -> Option<(usize, usize)> {
    let line = text[..at].rfind('\n').map_or(0, |n| n + 1);
    let start = match text[at..].starts_with(['&', '*']) {
        true => at,
        false => line + text[line..at].rfind('&').filter(|amp| !text[line + amp..at].trim_end().contains(' '))?,
    };
    let end = text[start..].find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).map_or(text.len(), |n| start + n);
    Some((start, end))
}

/// A bracket or quote that is still open where the next field begins, or at the end.
fn unclosed(text: &str) -> Option<(usize, char)> {
    let mut brackets: Vec<(usize, char)> = Vec::new();
    let mut quote: Option<(usize, char)> = None;
    let mut block: Option<usize> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let indent = line.len() - line.trim_start_matches(' ').len();
        if block.is_some_and(|outer| line.trim().is_empty() || indent > outer) {
            continue;
        }
        block = None;
        let word = line.bytes().take_while(|c| c.is_ascii_alphanumeric() || *c == b'_').count();
        if word > 0 && line[word..].starts_with(':') && (quote.is_some() || !brackets.is_empty()) {
            break;
        }
        // Quotes and brackets mean something only where a value begins.
        let mut fresh = true;
        let mut before = ' ';
        let mut signs = line.char_indices().peekable();
        while let Some((i, c)) = signs.next() {
            let next = signs.peek().map_or('\n', |(_, c)| *c);
            match (quote, c) {
                (Some((_, '"')), '\\') => {
                    signs.next();
                }
                (Some((_, '\'')), '\'') if next == '\'' => {
                    signs.next();
                }
                (Some((_, open)), c) if c == open => (quote, fresh) = (None, false),
                (Some(_), _) => {}
                (None, '"' | '\'') if fresh => quote = Some((start + i, c)),
                (None, '[' | '{') if fresh || !brackets.is_empty() => {
                    brackets.push((start + i, c));
                    fresh = true;
                }
                (None, ']' | '}') if !brackets.is_empty() => {
                    brackets.pop();
                    fresh = false;
                }
                (None, ',') if !brackets.is_empty() => fresh = true,
                (None, '#') if before.is_whitespace() => break,
                (None, ':') if next.is_whitespace() => fresh = true,
                (None, '-') if fresh && next.is_whitespace() => {}
                (None, c) => fresh &= c.is_whitespace(),
            }
            before = c;
        }
        let last = line.split_whitespace().next_back().unwrap_or_default();
        if quote.is_none() && brackets.is_empty() && last.starts_with(['|', '>']) && last.len() <= 3 {
            block = Some(indent);
        }
    }
    quote.or(brackets.last().copied())
}

fn shorten_long(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() > 120 { clean.chars().take(120).chain(['…']).collect() } else { clean }
}

fn tab_indent(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t').filter(|_| !line.trim().is_empty()) {
            return Some(at + tab);
        }
        at += line.len();
    }
    None
}

/// A tag stands directly before its node: on the same line, or before a map or list at the end of the line above.
fn forbidden(text: &str, node: &Node, base: usize) -> Option<(Span, &'static str)> {
    let start = node.span.start.saturating_sub(base).min(text.len());
    let line = |at: usize| text[..at].rfind('\n').map_or(0, |n| n + 1);
    let mut before = text[line(start)..start].trim_end();
    let is_block = matches!(node.value, Value::Map(_) | Value::List(_)) && before.trim_start().is_empty();
    if is_block {
        let above = text[..start].trim_end();
        before = above[line(above.len())..].split(" #").next().unwrap_or_default();
    }
    let word = before.rsplit([' ', '[', '{', ',']).next().unwrap_or_default();
    let word = if text[start..].starts_with('!') { text[start..].split_whitespace().next().unwrap_or_default() } else { word };
    if word.starts_with('!') && !word.ends_with(':') && !word.contains(['"', '\'']) {
        let at = word.as_ptr() as usize - text.as_ptr() as usize;
        return Some((Span::new(at, at + word.len()).shifted(base), "YAML tags"));
    }
    match &node.value {
        Value::Null | Value::Text(_) => None,
        Value::List(items) => items.iter().find_map(|item| forbidden(text, item, base)),
        Value::Map(pairs) => {
            pairs.iter().find_map(|(key, value)| forbidden(text, key, base).or_else(|| forbidden(text, value, base)))
        }
    }
}

/// What serde sees: shapes, with places as the crate counts them.
enum RawValue {
    Null,
    Plain,
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

struct Raw(Spanned<RawValue>);

impl Raw {
    fn place(self, text: &str, base: usize) -> Node {
        let span = self.0.referenced.span();
        let start = usize::try_from(span.byte_offset().unwrap_or(0)).unwrap_or(0).min(text.len());
        let length = usize::try_from(span.byte_len().unwrap_or(0)).unwrap_or(0);
        let end = (start + length).min(text.len());
        let raw = text.get(start..end).unwrap_or_default();
        let value = match self.0.value {
            RawValue::Null => Value::Null,
            RawValue::Plain => Value::Text(raw.trim().to_string()),
            RawValue::Text(text) => Value::Text(text),
            RawValue::List(items) => Value::List(items.into_iter().map(|item| item.place(text, base)).collect()),
            RawValue::Map(pairs) => {
                Value::Map(pairs.into_iter().map(|(key, value)| (key.place(text, base), value.place(text, base))).collect())
            }
        };
        Node { span: Span::new(start, start + raw.trim_end().len()).shifted(base), value }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        Spanned::<RawValue>::deserialize(deserializer).map(Raw)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawValue, D::Error> {
        struct Shapes;
        impl<'de> Visitor<'de> for Shapes {
            type Value = RawValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a YAML value")
            }
            fn visit_unit<E: de::Error>(self) -> Result<RawValue, E> {
                Ok(RawValue::Null)
            }
            fn visit_none<E: de::Error>(self) -> Result<RawValue, E> {
                Ok(RawValue::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawValue, D::Error> {
                RawValue::deserialize(deserializer)
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<RawValue, E> {
                Ok(RawValue::Plain)
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<RawValue, E> {
                Ok(RawValue::Plain)
            }
            fn visit_i128<E: de::Error>(self, _: i128) -> Result<RawValue, E> {
                Ok(RawValue::Plain)
            }
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<RawValue, E> {
                Ok(RawValue::Plain)
            }
            fn visit_u128<E: de::Error>(self, _: u128) -> Result<RawValue, E> {
                Ok(RawValue::Plain)
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<RawValue, E> {
                Ok(RawValue::Plain)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawValue, E> {
                Ok(RawValue::Text(text.to_string()))
            }
            fn visit_string<E: de::Error>(self, text: String) -> Result<RawValue, E> {
                Ok(RawValue::Text(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawValue, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<Raw>()? {
                    items.push(item);
                }
                Ok(RawValue::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawValue, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<Raw, Raw>()? {
                    pairs.push(pair);
                }
                Ok(RawValue::Map(pairs))
            }
        }
        deserializer.deserialize_any(Shapes)
    }
}

/// The fields of one map, taken out one by one; what stays is unknown.
///
/// Every wrong value becomes a finding and `None`, so that one run finds all mistakes of a file.
pub struct Fields<'s> {
    source: &'s Source,
    span: Span,
    left: Vec<(String, Span, Option<Node>)>,
    known: &'static [&'static str],
    /// Known fields that an unknown one was probably meant to be.
    meant: Vec<&'static str>,
}

impl<'s> Fields<'s> {
    /// Opens a map and reports every field that is not among `known`. `None` if it is no map.
    pub fn open(source: &'s Source, node: Node, known: &'static [&'static str], findings: &mut Findings) -> Option<Fields<'s>> {
        let pairs = match node.value {
            Value::Map(pairs) => pairs,
            Value::Null => Vec::new(),
            Value::Text(_) | Value::List(_) => {
                let hint = format!("write fields as `name: value`; known are {}", list(known));
                findings.push(source.error(node.span, "not-a-map", "fields are expected here").hint(hint));
                return None;
            }
        };
        let mut meant = Vec::new();
        let mut left: Vec<(String, Span, Option<Node>)> = Vec::new();
        for (key, value) in pairs {
            let Value::Text(name) = &key.value else {
                findings.push(
                    source
                        .error(key.span, "unknown-field", "a field's name has to be a text")
                        .hint(format!("known are {}", list(known))),
                );
                continue;
            };
            if !known.contains(&name.as_str()) {
                let near =
                    nearest(name, known.iter().copied()).and_then(|near| known.iter().copied().find(|known| *known == near));
                let hint = match near {
                    Some(near) => {
                        meant.push(near);
                        format!("did you mean `{near}`?")
                    }
                    None => format!("known are {}", list(known)),
                };
                findings
                    .push(source.error(key.span, "unknown-field", format!("field `{}` is not known", shorten(name))).hint(hint));
            } else if left.iter().any(|(other, ..)| other == name) {
                findings.push(
                    source
                        .error(key.span, "duplicate-field", format!("field `{name}` stands here twice"))
                        .hint("remove one of the two"),
                );
            } else {
                left.push((name.clone(), key.span, Some(value)));
            }
        }
        // A map's own place is its first key: the crate's span of a block map reaches over the next line.
        let start = left.first().map_or(node.span, |(_, key, _)| *key);
        Some(Fields { source, span: start, left, known, meant })
    }

    /// Where the map begins.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether the field is written, and its name's place.
    pub fn key(&self, name: &str) -> Option<Span> {
        self.left.iter().find(|(key, ..)| key == name).map(|(_, span, _)| *span)
    }

    /// Takes the node of a field; an empty value counts as absent.
    pub fn node(&mut self, name: &'static str) -> Option<Node> {
        debug_assert!(self.known.contains(&name), "{name} is not among the known fields");
        let node = self.left.iter_mut().find(|(key, ..)| key == name)?.2.take()?;
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
        findings.push(self.source.error(span, "missing-field", message).hint(hint.to_string()));
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
    pub fn optional<T: FromStr<Err = Wrong>>(&mut self, name: &'static str, findings: &mut Findings) -> Option<(T, Span)> {
        let node = self.node(name)?;
        term(self.source, name, node, findings)
    }

    /// A text of one line that may be absent.
    pub fn text(&mut self, name: &'static str, findings: &mut Findings) -> Option<(String, Span)> {
        self.optional::<Line>(name, findings).map(|(line, span)| (line.0, span))
    }

    /// A yes or no that may be absent.
    pub fn flag(&mut self, name: &'static str, findings: &mut Findings) -> Option<bool> {
        self.optional::<Flag>(name, findings).map(|(flag, _)| flag.0)
    }

    /// A list of terms; absent is empty. Wrong items become findings and are left out.
    pub fn list<T: FromStr<Err = Wrong>>(&mut self, name: &'static str, findings: &mut Findings) -> Vec<(T, Span)> {
        self.nodes(name, findings).into_iter().filter_map(|node| term(self.source, name, node, findings)).collect()
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
                    let message = format!("`{}` stands in `{name}` twice", shorten(&self.source.text[span.start..span.end]));
                    findings.push(self.source.error(span, "duplicate-value", message).hint("remove one of the two"));
                }
                false => seen.push((item, span)),
            }
        }
        seen
    }

    /// The items of a list, as they are; absent is empty.
    pub fn nodes(&mut self, name: &'static str, findings: &mut Findings) -> Vec<Node> {
        match self.node(name) {
            None => Vec::new(),
            Some(Node { value: Value::List(items), .. }) => items,
            Some(node) => {
                let hint = match &node.value {
                    Value::Text(text) if !text.contains([',', '\n', '"']) => format!("write `{name}: [{}]`", shorten(text)),
                    _ => format!("write `{name}: [one, two]`"),
                };
                let message = format!("field `{name}` has to be a list");
                findings.push(self.source.error(node.span, "not-a-list", message).hint(hint));
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
                        let message = format!("`{name}` has a text in this language already, `{}`", shorten(&earlier));
                        findings.push(self.source.error(span, "duplicate-field", message).hint("remove one of the two"));
                    }
                }
                if texts.is_empty() {
                    let message = format!("field `{name}` has no text in any language");
                    let hint = format!("write `{name}: …`, or a text per language: `{name}: {{en: …, ru: …}}`");
                    findings.push(self.source.error(node.span, "missing-field", message).hint(hint));
                    return None;
                }
                Some(Wording::Many(texts))
            }
            _ => term::<Prose>(self.source, name, node, findings).map(|(text, _)| Wording::One(text.0)),
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
                findings.push(self.source.wrong(self.key(name).unwrap_or(self.span), "bad-value", wrong));
                None
            }
        }
    }

    /// A title that has to be there.
    pub fn required_title(&mut self, name: &'static str, hint: &str, findings: &mut Findings) -> Option<Wording> {
        let before = findings.count(Level::Error);
        let title = self.title(name, findings);
        if title.is_none() && findings.count(Level::Error) == before {
            self.missing(name, hint, findings);
        }
        title
    }
}

/// Reads one scalar as a term; a finding if it is none.
pub fn term<T: FromStr<Err = Wrong>>(source: &Source, name: &str, node: Node, findings: &mut Findings) -> Option<(T, Span)> {
    let text = match &node.value {
        Value::Text(text) => text.as_str(),
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
    known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A text, or one per language. [`Wording::in_lang`] never fails: it falls back to what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the two shapes of DESIGN section 2")]
pub enum Wording {
    One(String),
    Many(BTreeMap<Lang, String>),
}

impl Wording {
    /// The text in a language; else in English; else in the first there is.
    pub fn in_lang(&self, lang: &Lang) -> &str {
        match self {
            Wording::One(text) => text,
            Wording::Many(texts) => texts
                .get(lang)
                .or_else(|| texts.get(&Lang::english()))
                .or_else(|| texts.values().next())
                .map_or("", String::as_str),
        }
    }
}

/// A text of one line without control characters: what may stand in a header or a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line(pub String);

impl FromStr for Line {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Line, Wrong> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Wrong::new("the text is empty").hint("write something, or remove the field"));
        }
        if text.chars().any(|c| c.is_control() || is_foul(c) || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(Wrong::new(format!("`{}` has a line break or another control character", shorten(text)))
                .hint("write it in one line"));
        }
        if let Some(c) = text.chars().find(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
            return Err(Wrong::new(format!(
                "the text has the invisible sign U+{:04X}, which turns the order of letters round",
                c as u32
            ))
            .hint("remove it: it can make a text look like another"));
        }
        Ok(Line(text.to_string()))
    }
}

/// A text of any number of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prose(pub String);

impl FromStr for Prose {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Prose, Wrong> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Wrong::new("the text is empty").hint("write something, or remove the field"));
        }
        if text.chars().any(|c| is_foul(c) || c == '\r') {
            return Err(Wrong::new("the text has a control character")
                .hint("write it again by hand: it came along with something that was copied"));
        }
        Ok(Prose(text.to_string()))
    }
}

struct Flag(bool);

impl FromStr for Flag {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Flag, Wrong> {
        match text {
            "true" => Ok(Flag(true)),
            "false" => Ok(Flag(false)),
            _ => Err(Wrong::new(format!("`{}` is neither `true` nor `false`", shorten(text))).hint("write `true` or `false`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message about a text, and the piece that it points at.
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let source = Source::new("a.yaml", text);
        let finding = parse(&source, Span::new(0, text.len())).err();
        let found = finding.map(|f| {
            let line = text.lines().nth(f.place.line - 1).unwrap_or_default();
            (f.message, line.chars().skip(f.place.column - 1).take(f.place.width).collect::<String>())
        });
        assert_eq!(found.as_ref().map(|(message, at)| (message.as_str(), at.as_str())), expected, "{text:?}");
    }

    #[test]
    fn a_tag_is_refused_wherever_it_stands() {
        let tag = |text, at| check(text, Some(("YAML tags are not allowed here", at)));
        tag("a: !!str \"x\"\n", "!!str");
        tag("a: !!binary aGk=\n", "!!binary");
        tag("a: [!x b, c]\n", "!x");
        tag("!m\na: b\n", "!m");
        tag("a: !x\n  b: c\n", "!x");
        tag("? !k a\n: b\n", "!k");
        tag("a:\n  - !<tag:x> b\n", "!<tag:x>");
        for text in ["a: b!c d! e\n", "a: \"x !y\"\nb: 'c!'\n", "\"x !y\": z\n", "a: don't !x y\n", "a: # not !x\n  b: c\n"] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_not_closed_is_shown_where_it_opens() {
        check("a: [b, c\nd: e\n", Some(("the bracket that is opened here is not closed", "[")));
        check("a: {b: [c], d: e\nf: g\n", Some(("the brace that is opened here is not closed", "{")));
        check("a: it's\nb: \"c\nd: \"e\"\n", Some(("the quote that is opened here is not closed", "\"")));
        check("a: |\n  it's [ \"\nb: 'c\nd: e\n", Some(("the quote that is opened here is not closed", "'")));
        check("a: [\"x ]\", 'it''s',\n  # [\n  c]\nb: \"d\n  e\"\n", None);
    }

    #[test]
    fn what_hides_meaning_is_refused() {
        check("a: &x b\nc: *x\n", Some(("anchors and aliases are not allowed here", "&x")));
        check("a: b\n---\nc: d\n", Some(("a second document begins here", "---")));
    }
}
