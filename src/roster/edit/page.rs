//! A constituent's file with the places of everything in it: where to cut, and what the values are to be afterwards.
//!
//! Places are those of the *plain* text, which has `\n` line ends and no byte-order mark, as the workspace reads it; [`cut`]
//! finds them in the text as it lies on disk.

use super::{EditError, write, write::Value};
use crate::{
    diag::{Finding, Source, Span},
    terms::Address,
    yaml::{self, Node},
};
use std::borrow::Cow;

/// What is put in place of a piece of the plain text. `\n` becomes the line end of its surroundings.
#[derive(Debug)]
pub struct Cut {
    span: Span,
    text: String,
}

impl Cut {
    fn new(start: usize, end: usize, text: impl Into<String>) -> Cut {
        Cut {
            span: Span::new(start, end),
            text: text.into(),
        }
    }
}

const MARK: &str = "\u{feff}";

/// The text with `\n` line ends and without a byte-order mark.
pub fn plain(text: &str) -> String {
    text.strip_prefix(MARK)
        .unwrap_or(text)
        .replace("\r\n", "\n")
        .replace('\r', "\n")
}

/// Makes the cuts in a text as it lies on disk.
pub fn cut(text: &str, mut cuts: Vec<Cut>) -> String {
    cuts.sort_by_key(|cut| (cut.span.start, cut.span.end));
    let base = if text.starts_with(MARK) {
        MARK.len()
    } else {
        0
    };
    let dropped: Vec<usize> = text[base..]
        .match_indices("\r\n")
        .enumerate()
        .map(|(nth, (at, _))| at - nth)
        .collect();
    let raw = |at: usize| base + at + dropped.partition_point(|end| *end < at);
    let (mut made, mut done) = (String::with_capacity(text.len() + 256), 0);
    for cut in cuts {
        let (start, end) = (raw(cut.span.start).max(done), raw(cut.span.end).max(done));
        made.push_str(&text[done..start]);
        made.push_str(&cut.text.replace('\n', line_end(text, start)));
        done = end;
    }
    made.push_str(&text[done..]);
    made
}

/// The line end before a place; else the next one.
fn line_end(text: &str, at: usize) -> &'static str {
    let (before, after) = text.split_at(at);
    let sign = before
        .rfind(['\r', '\n'])
        .or_else(|| after.find(['\r', '\n']).map(|next| at + next));
    match sign {
        Some(sign) if text[..=sign].ends_with("\r\n") || text[sign..].starts_with("\r\n") => "\r\n",
        Some(sign) if text[sign..].starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// What to say of a place at which only a person can make the change.
pub fn by_hand(source: &Source, span: Span) -> Finding {
    let message = "this is written in a way in which the change would touch something else; nothing was changed";
    source
        .error(span, "edit-by-hand", message)
        .hint("make the change in an editor")
}

/// The values of a file, without places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    Null,
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// What is read from a value once it is written.
    pub fn of(value: &Value) -> Tree {
        match value {
            Value::Text(text, _) => Tree::Text(text.clone()),
            Value::List(items) | Value::Items(items) => {
                Tree::List(items.iter().map(Tree::of).collect())
            }
            Value::Map(fields) => Tree::Map(
                fields
                    .iter()
                    .map(|(name, value)| (name.to_string(), Tree::of(value)))
                    .collect(),
            ),
            Value::Texts(texts) => Tree::Map(
                texts
                    .iter()
                    .map(|(lang, text)| (lang.clone(), Tree::Text(text.clone())))
                    .collect(),
            ),
        }
    }

    fn of_node(node: &Node<'_>) -> Tree {
        match &node.value {
            yaml::Value::Null => Tree::Null,
            yaml::Value::Text(text) => Tree::Text(text.to_string()),
            yaml::Value::List(items) => Tree::List(items.iter().map(Tree::of_node).collect()),
            yaml::Value::Map(pairs) => Tree::Map(
                pairs
                    .iter()
                    .map(|(key, value)| (name_of(key).into_owned(), Tree::of_node(value)))
                    .collect(),
            ),
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a map has a field.
    pub fn has(&self, name: &str) -> bool {
        matches!(self, Tree::Map(fields) if fields.iter().any(|(field, _)| field == name))
    }

    /// The fields of a map.
    pub fn fields(&mut self) -> &mut Vec<(String, Tree)> {
        if !matches!(self, Tree::Map(_)) {
            *self = Tree::Map(Vec::new());
        }
        match self {
            Tree::Map(fields) => fields,
            _ => unreachable!("it was made a map above"),
        }
    }

    /// The items of a field's list; one that is absent or empty becomes one.
    pub fn items(&mut self, name: &str) -> &mut Vec<Tree> {
        let fields = self.fields();
        let at = fields
            .iter()
            .position(|(field, _)| field == name)
            .unwrap_or_else(|| {
                fields.push((name.to_string(), Tree::Null));
                fields.len() - 1
            });
        let value = &mut fields[at].1;
        if !matches!(value, Tree::List(_)) {
            *value = Tree::List(Vec::new());
        }
        match value {
            Tree::List(items) => items,
            _ => unreachable!("it was made a list above"),
        }
    }
}

fn name_of<'n>(key: &'n Node<'_>) -> Cow<'n, str> {
    match &key.value {
        yaml::Value::Text(name) => Cow::Borrowed(name),
        // Not read by anybody: a field's name is a text.
        _ => Cow::Borrowed(""),
    }
}

/// A field's name and its value.
type Pair<'s> = (Node<'s>, Node<'s>);

/// A file with places.
pub struct Page<'s> {
    source: &'s Source,
    root: Node<'s>,
}

impl<'s> Page<'s> {
    pub fn read(source: &'s Source) -> Result<Page<'s>, Finding> {
        let root = yaml::parse(source, Span::new(0, source.text.len()))?;
        Ok(Page { source, root })
    }

    pub fn tree(&self) -> Tree {
        Tree::of_node(&self.root)
    }

    /// The first place at which the values are others.
    pub fn difference(&self, expected: &Tree) -> Option<Span> {
        differs(&self.root, expected)
    }

    /// The index of the contact with an address.
    pub fn contact(&self, address: &Address) -> Result<usize, EditError> {
        let key = address.key();
        let is = |node: &Node<'_>| {
            let field = pairs(node)
                .iter()
                .find(|(key, _)| name_of(key) == "address")
                .map(|(_, value)| &value.value);
            matches!(field, Some(yaml::Value::Text(text)) if text.parse::<Address>().is_ok_and(|found| found.key() == key))
        };
        self.contacts()
            .iter()
            .position(is)
            .ok_or_else(|| EditError::Nobody(self.source.path.to_string()))
    }

    pub fn contacts(&self) -> &[Node<'_>] {
        let found = find(pairs(&self.root), "contacts").map(|at| &pairs(&self.root)[at].1);
        found.map_or(&[], items)
    }

    /// The map of a contact, or of the whole file.
    pub fn map(&self, contact: Option<usize>) -> &Node<'_> {
        contact
            .and_then(|at| self.contacts().get(at))
            .unwrap_or(&self.root)
    }

    /// Puts a field into a map, at its place in the `order` of fields, and gives its index there.
    pub fn insert(
        &self,
        map: &Node<'_>,
        name: &str,
        value: &Value,
        order: &[&str],
    ) -> Result<(usize, Cut), EditError> {
        let pairs = pairs(map);
        let rank = |name: &str| {
            order
                .iter()
                .position(|known| *known == name)
                .unwrap_or(order.len())
        };
        let before = pairs
            .iter()
            .rposition(|(key, _)| rank(&name_of(key)) < rank(name));
        let Some(before) = before.or(pairs.len().checked_sub(1)) else {
            return Err(self.refuse(map.span));
        };
        let (key, old) = &pairs[before];
        let end = self.end_of_pair(key, old);
        let cut = if self.is_flow(map) {
            Cut::new(end, end, format!(", {name}: {}", write::flow(value)))
        } else {
            let column = self.column(pairs[0].0.span.start);
            let lines = write::block_field(name, value, column);
            let at = match old.value {
                // Comments that are indented below the last item of a list belong to it.
                yaml::Value::List(_) if !self.is_flow(old) => {
                    self.past_comments(end, self.column(key.span.start))
                }
                _ => self.line_end(end),
            };
            Cut::new(at, at, format!("\n{}", lines.join("\n")))
        };
        Ok((before + 1, cut))
    }

    /// Puts another value in place of a field's.
    pub fn replace(&self, map: &Node<'_>, name: &str, value: &Value) -> Result<Cut, EditError> {
        let (key, old) = self.pair(map, name)?;
        let in_flow = self.is_flow(map);
        match &old.value {
            yaml::Value::Null if old.span.start == old.span.end => {
                let at = self.after_colon(key).ok_or_else(|| self.refuse(key.span))?;
                Ok(Cut::new(
                    at,
                    at,
                    format!(
                        " {}",
                        if in_flow {
                            write::flow(value)
                        } else {
                            write::line(value)
                        }
                    ),
                ))
            }
            yaml::Value::Null | yaml::Value::Text(_) => {
                let start = self.start_of(key, old);
                let written = &self.source.text[start..old.span.end];
                Ok(Cut::new(
                    start,
                    old.span.end,
                    write::like(value, written, in_flow),
                ))
            }
            // Its comments would be lost.
            _ if self.is_flow(old)
                && !self.source.text[old.span.start..old.span.end].contains('\n') =>
            {
                Ok(Cut::new(old.span.start, old.span.end, write::flow(value)))
            }
            _ => Err(self.refuse(old.span)),
        }
    }

    /// Takes a field out of a map.
    pub fn remove(&self, map: &Node<'_>, name: &str) -> Result<Cut, EditError> {
        let pairs = pairs(map);
        let at = find(pairs, name).ok_or_else(|| self.refuse(map.span))?;
        let (key, old) = &pairs[at];
        let end = self.end_of_pair(key, old);
        if self.is_flow(map) {
            let before = at
                .checked_sub(1)
                .map(|before| self.end_of_pair(&pairs[before].0, &pairs[before].1));
            return Ok(self.out_of_flow(before, key.span.start, end));
        }
        let (start, stop) = (self.line_start(key.span.start), self.next_line(end));
        let margin = self.source.text[start..key.span.start].trim_start_matches(' ');
        if margin.is_empty() {
            return Ok(Cut::new(start, stop, ""));
        }
        // The dash of the contact stands before it, and stays: before the next field, or before the comments above that.
        let next = pairs
            .get(at + 1)
            .ok_or_else(|| self.refuse(key.span))?
            .0
            .span
            .start;
        let between = &self.source.text[stop..next];
        match between.trim().is_empty() {
            true => Ok(Cut::new(key.span.start, next, "")),
            false => Ok(Cut::new(
                start + self.source.text[start..key.span.start].trim_end().len(),
                self.line_end(end),
                "",
            )),
        }
    }

    /// Puts an item at the end of a list that is a field of a map.
    pub fn append(&self, map: &Node<'_>, name: &str, value: &Value) -> Result<Vec<Cut>, EditError> {
        let (key, list) = self.pair(map, name)?;
        let items = items(list);
        let text = &*self.source.text;
        let written = text.get(list.span.start..list.span.end).unwrap_or_default();
        let Some(last) = items.last() else {
            let on_lines = matches!(value, Value::Map(_)) && !self.is_flow(map);
            let colon = self.after_colon(key).ok_or_else(|| self.refuse(key.span))?;
            let empty = list.span.start == list.span.end;
            if !on_lines && empty {
                return Ok(vec![Cut::new(
                    colon,
                    colon,
                    format!(" [{}]", write::flow(value)),
                )]);
            }
            if !on_lines || written.contains('\n') {
                // `[]` or `~`; or brackets with comments between them, which stay.
                let inside = if written.starts_with('[') {
                    list.span.start + 1..list.span.end - 1
                } else {
                    list.span.start..list.span.end
                };
                return match written.starts_with('[') {
                    true => Ok(vec![Cut::new(
                        inside.start,
                        inside.start,
                        write::flow(value),
                    )]),
                    false => Ok(vec![Cut::new(
                        inside.start,
                        inside.end,
                        format!("[{}]", write::flow(value)),
                    )]),
                };
            }
            let mut cuts = Vec::new();
            if !empty {
                cuts.push(Cut::new(colon, list.span.end, ""));
            }
            let column = self.column(key.span.start);
            let at = self.past_comments(list.span.end.max(colon), column);
            cuts.push(Cut::new(
                at,
                at,
                format!("\n{}", write::block_item(value, column + 2).join("\n")),
            ));
            return Ok(cuts);
        };
        let end = self.end(last);
        if self.is_flow(list) {
            // On a line of its own, if the one before is.
            let own_line = text[self.line_start(last.span.start)..last.span.start]
                .trim()
                .is_empty();
            let closes_there = self.line_end(end) >= list.span.end;
            let flow = write::flow(value);
            if !own_line || closes_there {
                return Ok(vec![Cut::new(end, end, format!(", {flow}"))]);
            }
            let margin = &text[self.line_start(last.span.start)..last.span.start];
            let line_end = self.line_end(end);
            let new_line = format!("\n{margin}{flow}");
            return Ok(match self.comma(end) {
                Some(comma) if comma < line_end => {
                    vec![Cut::new(line_end, line_end, format!("{new_line},"))]
                }
                Some(_) => return Err(self.refuse(last.span)),
                None => vec![
                    Cut::new(end, end, ","),
                    Cut::new(line_end, line_end, new_line),
                ],
            });
        }
        let dash = self.dash(last)?;
        let column = self.column(dash);
        let lines = match last.value {
            yaml::Value::Map(_) if self.is_flow(last) => {
                vec![format!("{}- {}", " ".repeat(column), write::flow(value))]
            }
            _ => write::block_item(value, column),
        };
        // With an empty line between, if the last two have one.
        let apart = match items
            .len()
            .checked_sub(2)
            .map(|before| self.end(&items[before]))
        {
            Some(before) => text[before..dash].contains("\n\n"),
            None => false,
        };
        let at = self.past_comments(end, column);
        Ok(vec![Cut::new(
            at,
            at,
            format!("\n{}{}", if apart { "\n" } else { "" }, lines.join("\n")),
        )])
    }

    /// Takes an item out of a list that is a field of a map, with the comments directly above it; those above the first of
    /// several stay.
    pub fn take_out(&self, map: &Node<'_>, name: &str, at: usize) -> Result<Vec<Cut>, EditError> {
        let (key, list) = self.pair(map, name)?;
        let items = items(list);
        let item = items.get(at).ok_or_else(|| self.refuse(list.span))?;
        let end = self.end(item);
        if self.is_flow(list) {
            let before = at.checked_sub(1).map(|before| self.end(&items[before]));
            return Ok(vec![self.out_of_flow(before, item.span.start, end)]);
        }
        let text = &*self.source.text;
        let dash = self.dash(item)?;
        let column = self.column(dash);
        let mut start = self.line_start(dash);
        let is_alone = items.len() == 1;
        if at > 0 || is_alone {
            start = self.comments_above(start, column);
        }
        let stop = self.next_line(self.past_comments(end, column));
        // Of the empty lines around it those below stay.
        if at > 0
            && text[stop..]
                .lines()
                .next()
                .is_none_or(|line| line.trim().is_empty())
        {
            start = self.blanks_above(start);
        }
        let mut cuts = vec![Cut::new(start, stop, "")];
        if is_alone {
            let colon = self.after_colon(key).ok_or_else(|| self.refuse(key.span))?;
            cuts.push(Cut::new(colon, colon, " []"));
        }
        Ok(cuts)
    }

    fn refuse(&self, span: Span) -> EditError {
        EditError::ByHand(by_hand(self.source, span))
    }

    fn pair<'p>(&self, map: &'p Node<'p>, name: &str) -> Result<&'p Pair<'p>, EditError> {
        find(pairs(map), name)
            .map(|at| &pairs(map)[at])
            .ok_or_else(|| self.refuse(map.span))
    }

    fn line_start(&self, at: usize) -> usize {
        self.source.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// Where the line ends, before its line end.
    fn line_end(&self, at: usize) -> usize {
        self.source.text[at..]
            .find('\n')
            .map_or(self.source.text.len(), |end| at + end)
    }

    fn next_line(&self, at: usize) -> usize {
        (self.line_end(at) + 1).min(self.source.text.len())
    }

    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    fn is_flow(&self, node: &Node<'_>) -> bool {
        let first = self.source.text.as_bytes().get(node.span.start);
        match node.value {
            yaml::Value::List(_) => first == Some(&b'['),
            yaml::Value::Map(_) => first == Some(&b'{'),
            _ => false,
        }
    }

    /// Where what is written of a node ends: the parser counts what follows a block, up to the next field, as a part of it.
    fn end(&self, node: &Node<'_>) -> usize {
        match &node.value {
            yaml::Value::List(items) if !self.is_flow(node) => {
                items.last().map_or(node.span.end, |last| self.end(last))
            }
            yaml::Value::Map(pairs) if !self.is_flow(node) => pairs
                .last()
                .map_or(node.span.end, |(key, value)| self.end_of_pair(key, value)),
            _ => node.span.end,
        }
    }

    fn end_of_pair(&self, key: &Node<'_>, value: &Node<'_>) -> usize {
        match value.value {
            yaml::Value::Null if value.span.start == value.span.end => {
                self.after_colon(key).unwrap_or(key.span.end)
            }
            _ => self.end(value),
        }
    }

    fn after_colon(&self, key: &Node<'_>) -> Option<usize> {
        let rest = &self.source.text[key.span.end..];
        let bare = rest.trim_start_matches(' ');
        bare.starts_with(':')
            .then(|| key.span.end + (rest.len() - bare.len()) + 1)
    }

    /// Where a text begins: the parser's place of one that is written below `|` or `>` is below it.
    fn start_of(&self, key: &Node<'_>, value: &Node<'_>) -> usize {
        let Some(colon) = self.after_colon(key) else {
            return value.span.start;
        };
        let rest = &self.source.text[colon..];
        let bare = rest.trim_start_matches(' ');
        if bare.starts_with(['|', '>']) {
            colon + (rest.len() - bare.len())
        } else {
            value.span.start
        }
    }

    /// The end of the last of the comment lines below a place that are indented deeper than a column.
    fn past_comments(&self, at: usize, column: usize) -> usize {
        let text = &*self.source.text;
        let mut end = self.line_end(at);
        while end < text.len() {
            let line = &text[end + 1..self.line_end(end + 1)];
            let bare = line.trim_start_matches(' ');
            if !bare.starts_with('#') || line.len() - bare.len() <= column {
                break;
            }
            end = self.line_end(end + 1);
        }
        end
    }

    /// The start of the first of the comment lines directly above a line that stand in a column.
    fn comments_above(&self, start: usize, column: usize) -> usize {
        self.lines_above(start, |line| {
            line.trim_start_matches(' ').starts_with('#') && line.find('#') == Some(column)
        })
    }

    fn blanks_above(&self, start: usize) -> usize {
        self.lines_above(start, |line| line.trim().is_empty())
    }

    fn lines_above(&self, mut start: usize, is: impl Fn(&str) -> bool) -> usize {
        while let Some(end) = start.checked_sub(1) {
            let above = self.line_start(end);
            if !is(&self.source.text[above..end]) {
                break;
            }
            start = above;
        }
        start
    }

    /// The dash of an item on lines of its own.
    fn dash(&self, item: &Node<'_>) -> Result<usize, EditError> {
        let text = &*self.source.text;
        let mut start = self.line_start(item.span.start);
        let mut before = &text[start..item.span.start];
        loop {
            let bare = before.trim_start_matches(' ');
            let rest = bare
                .strip_prefix('-')
                .map(|rest| rest.trim_start_matches(' '));
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#')) {
                return Ok(start + before.len() - bare.len());
            }
            if start == 0 || !bare.is_empty() && !bare.starts_with('#') {
                return Err(self.refuse(item.span));
            }
            let end = start - 1;
            start = self.line_start(end);
            before = &text[start..end];
        }
    }

    /// The comma that follows a value between brackets.
    fn comma(&self, end: usize) -> Option<usize> {
        let text = &*self.source.text;
        let mut at = end;
        loop {
            at += text[at..].len() - text[at..].trim_start().len();
            match text.as_bytes().get(at) {
                Some(b',') => return Some(at),
                Some(b'#') => at = self.line_end(at),
                _ => return None,
            }
        }
    }

    /// Takes a value between brackets out, with one comma; a line of its own goes whole.
    fn out_of_flow(&self, before: Option<usize>, start: usize, end: usize) -> Cut {
        let text = &*self.source.text;
        let comma = self
            .comma(end)
            .filter(|comma| !text[end..*comma].contains('\n'));
        let stop = comma.map_or(end, |comma| comma + 1);
        let (line_start, rest) = (
            self.line_start(start),
            text[stop..self.line_end(stop)].trim_start(),
        );
        if text[line_start..start].trim().is_empty() && (rest.is_empty() || rest.starts_with('#')) {
            return Cut::new(line_start, self.next_line(stop), "");
        }
        match before.filter(|before| !text[*before..start].contains('\n')) {
            Some(before) => Cut::new(before, end, ""),
            None => Cut::new(
                start,
                stop + (text[stop..].len() - text[stop..].trim_start_matches(' ').len()),
                "",
            ),
        }
    }
}

fn pairs<'n>(node: &'n Node<'n>) -> &'n [Pair<'n>] {
    match &node.value {
        yaml::Value::Map(pairs) => pairs,
        _ => &[],
    }
}

fn items<'n>(node: &'n Node<'n>) -> &'n [Node<'n>] {
    match &node.value {
        yaml::Value::List(items) => items,
        _ => &[],
    }
}

fn find(pairs: &[Pair<'_>], name: &str) -> Option<usize> {
    pairs.iter().position(|(key, _)| name_of(key) == name)
}

fn differs(node: &Node<'_>, expected: &Tree) -> Option<Span> {
    match (&node.value, expected) {
        (yaml::Value::Null, Tree::Null) => None,
        (yaml::Value::Text(text), Tree::Text(expected)) if text == expected => None,
        (yaml::Value::List(items), Tree::List(expected)) if items.len() == expected.len() => items
            .iter()
            .zip(expected)
            .find_map(|(item, expected)| differs(item, expected)),
        (yaml::Value::Map(pairs), Tree::Map(expected)) if pairs.len() == expected.len() => pairs
            .iter()
            .zip(expected)
            .find_map(
                |((key, value), (name, expected))| match name_of(key) == name.as_str() {
                    true => differs(value, expected),
                    false => Some(key.span),
                },
            ),
        _ => Some(node.span),
    }
}
