//! Edits of `constituents/SLUG.yaml`, text in and text out, that keep what people wrote: comments, order, indentation,
//! quoting and line ends. Only the bytes of what is asked for are cut out or put in.
//!
//! Every result is read again and compared: if anything else than was asked for has another value, or the file would have a
//! mistake, there is no result but an [`EditError`] with its place. No files are read or written here.

mod page;
mod write;

#[cfg(test)]
mod tests;

use super::{CONSTITUENT_FIELDS, CONTACT_FIELDS, parse_constituent};
use crate::{
    diag::{Finding, Findings, Level, Source},
    terms::{Address, Fingerprint, Lang, Moment, Slug},
    yaml::{Node, Wording},
};
use page::{Cut, Page, Tree};
use std::borrow::Cow;
use write::{Value, block};

/// A contact that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of constituents/SLUG.yaml")]
pub struct NewContact {
    pub name: String,
    pub address: Address,
    pub certificate: Option<Fingerprint>,
    pub language: Option<Lang>,
    pub phone: Option<String>,
    /// `None` is all of the constituent's.
    pub lists: Option<Vec<Slug>>,
    pub joined: Option<Moment>,
    pub suspended: Option<String>,
}

/// A constituent that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of constituents/SLUG.yaml")]
pub struct NewConstituent {
    pub name: Wording,
    pub sector: Option<String>,
    pub networks: Vec<String>,
    pub domains: Vec<String>,
    pub products: Vec<String>,
    pub lists: Vec<Slug>,
    pub contacts: Vec<NewContact>,
}

/// Why a file was not changed. Says where, and nobody's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file has a mistake as it stands.
    #[error("{}", told(.0))]
    Mistake(Finding),
    /// With the change it would have one; the place is in the text as it would be.
    #[error("with this change, {}", told(.0))]
    WouldBeMistake(Finding),
    /// Nobody in the file has the address.
    #[error("nobody in `{0}` has this address")]
    Nobody(String),
    /// It is written in such a way that something else would change.
    #[error("{}", told(.0))]
    ByHand(Finding),
}

impl EditError {
    /// The place and what to do, where there is one.
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            EditError::Mistake(finding)
            | EditError::WouldBeMistake(finding)
            | EditError::ByHand(finding) => Some(finding),
            EditError::Nobody(_) => None,
        }
    }
}

fn told(finding: &Finding) -> String {
    match finding.place.line {
        0 => format!("`{}`: {}", finding.place.path, finding.message),
        line => format!("`{}`, line {line}: {}", finding.place.path, finding.message),
    }
}

/// The text of a new constituent's file.
pub fn new_constituent(path: &str, constituent: &NewConstituent) -> Result<String, EditError> {
    let fields = write::constituent(constituent);
    let text = format!("{}\n", block(&fields, 0).join("\n"));
    checked(path, &text, &Tree::of(&Value::Map(fields)))?;
    Ok(text)
}

/// With one more contact, after the others.
pub fn with_contact(path: &str, text: &str, contact: &NewContact) -> Result<String, EditError> {
    edit(path, text, |page, tree| {
        appended(page, tree, "contacts", Value::Map(write::contact(contact)))
    })
}

/// The same, and the lists it is to get become the constituent's where they are not: see [`with_list`].
pub fn with_newcomer(path: &str, text: &str, contact: &NewContact) -> Result<String, EditError> {
    let mut text = Cow::Borrowed(text);
    for list in contact.lists.iter().flatten() {
        text = Cow::Owned(with_list(path, &text, list)?);
    }
    let all = names(path, &text)?;
    // Who gets all of them says nothing, as the others do.
    let gets_all = |lists: &Vec<Slug>| {
        all.iter()
            .all(|name| lists.iter().any(|list| list.as_str() == name))
    };
    let lists = contact
        .lists
        .clone()
        .filter(|lists| lists.is_empty() || !gets_all(lists));
    with_contact(
        path,
        &text,
        &NewContact {
            lists,
            ..contact.clone()
        },
    )
}

/// The constituent's lists.
fn names(path: &str, text: &str) -> Result<Vec<String>, EditError> {
    let source = Source::new(path, page::plain(text));
    let mut tree = Page::read(&source).map_err(EditError::Mistake)?.tree();
    let names = if tree.has("lists") {
        tree.items("lists").clone()
    } else {
        Vec::new()
    };
    Ok(names
        .iter()
        .filter_map(Tree::as_text)
        .map(str::to_string)
        .collect())
}

/// Without the contact of this address: its lines, and the comment lines directly above them, which speak of it. Above the
/// first of several they are kept, since they may speak of all.
pub fn without_contact(path: &str, text: &str, address: &Address) -> Result<String, EditError> {
    edit(path, text, |page, tree| {
        let at = page.contact(address)?;
        tree.items("contacts").remove(at);
        page.take_out(page.map(None), "contacts", at)
    })
}

/// With another value of one of a contact's fields that hold a text, or without the field.
pub fn with_field(
    path: &str,
    text: &str,
    address: &Address,
    field: &str,
    value: Option<&str>,
) -> Result<String, EditError> {
    let value = value.map(|value| write::text(field, value));
    edit(path, text, |page, tree| {
        let at = page.contact(address)?;
        let (map, fields) = (page.map(Some(at)), tree.items("contacts")[at].fields());
        let is_there = fields.iter().position(|(name, _)| name == field);
        match (is_there, value) {
            (Some(nth), Some(value)) if fields[nth].1 != Tree::of(&value) => {
                fields[nth].1 = Tree::of(&value);
                page.replace(map, field, &value).map(|cut| vec![cut])
            }
            (Some(nth), None) => {
                fields.remove(nth);
                page.remove(map, field).map(|cut| vec![cut])
            }
            (None, Some(value)) => {
                inserted(page, map, fields, field, value, CONTACT_FIELDS).map(|cut| vec![cut])
            }
            (Some(_), Some(_)) | (None, None) => Ok(Vec::new()),
        }
    })
}

/// With other lists of a contact; `None` is all of the constituent's. Those that stay keep their place.
pub fn with_lists(
    path: &str,
    text: &str,
    address: &Address,
    lists: Option<&[Slug]>,
) -> Result<String, EditError> {
    let Some(lists) = lists else {
        return with_field(path, text, address, "lists", None);
    };
    // One at a time, since what comes before and after one that goes belongs to its neighbours.
    let mut text = text.to_string();
    loop {
        let mut was_last = true;
        text = edit(path, &text, |page, tree| {
            let at = page.contact(address)?;
            let (map, contact) = (page.map(Some(at)), &mut tree.items("contacts")[at]);
            if !contact.has("lists") {
                return inserted(
                    page,
                    map,
                    contact.fields(),
                    "lists",
                    write::names(lists),
                    CONTACT_FIELDS,
                )
                .map(|cut| vec![cut]);
            }
            let names = contact.items("lists");
            let is = |name: &Tree, list: &Slug| matches!(name, Tree::Text(name) if name == list.as_str());
            if let Some(gone) = names
                .iter()
                .position(|name| !lists.iter().any(|list| is(name, list)))
            {
                was_last = false;
                names.remove(gone);
                return page.take_out(map, "lists", gone);
            }
            match lists
                .iter()
                .find(|list| !names.iter().any(|name| is(name, list)))
            {
                Some(list) => {
                    was_last = false;
                    names.push(Tree::Text(list.to_string()));
                    page.append(map, "lists", &Value::plain(list.as_str()))
                }
                None => Ok(Vec::new()),
            }
        })?;
        if was_last {
            return Ok(text);
        }
    }
}

/// With one more list for the constituent. Contacts that name no lists of their own get all of them: those who are there
/// already keep what they have, which is written down for each.
pub fn with_list(path: &str, text: &str, list: &Slug) -> Result<String, EditError> {
    edit(path, text, |page, tree| {
        let had = if tree.has("lists") {
            tree.items("lists").clone()
        } else {
            Vec::new()
        };
        if had.contains(&Tree::Text(list.to_string())) {
            return Ok(Vec::new());
        }
        let kept = Value::List(
            had.iter()
                .filter_map(Tree::as_text)
                .map(Value::plain)
                .collect(),
        );
        let mut cuts = appended(page, tree, "lists", Value::plain(list.as_str()))?;
        for (at, contact) in page.contacts().iter().enumerate() {
            let fields = tree.items("contacts")[at].fields();
            if !fields.iter().any(|(name, _)| name == "lists") {
                cuts.push(inserted(
                    page,
                    contact,
                    fields,
                    "lists",
                    kept.clone(),
                    CONTACT_FIELDS,
                )?);
            }
        }
        Ok(cuts)
    })
}

/// Puts an item at the end of one of the constituent's lists, which need not be there.
fn appended(
    page: &Page<'_>,
    tree: &mut Tree,
    field: &str,
    value: Value,
) -> Result<Vec<Cut>, EditError> {
    let root = page.map(None);
    if tree.has(field) {
        tree.items(field).push(Tree::of(&value));
        return page.append(root, field, &value);
    }
    let value = if matches!(value, Value::Map(_)) {
        Value::Items(vec![value])
    } else {
        Value::List(vec![value])
    };
    inserted(page, root, tree.fields(), field, value, CONSTITUENT_FIELDS).map(|cut| vec![cut])
}

/// Puts a field into a map.
fn inserted(
    page: &Page<'_>,
    map: &Node<'_>,
    fields: &mut Vec<(String, Tree)>,
    field: &str,
    value: Value,
    order: &[&str],
) -> Result<Cut, EditError> {
    let (at, cut) = page.insert(map, field, &value, order)?;
    fields.insert(at, (field.to_string(), Tree::of(&value)));
    Ok(cut)
}

/// Reads the text, lets the cuts be found and the tree of values be changed in the same way, makes the cuts, and holds what
/// came out against that tree.
fn edit(
    path: &str,
    text: &str,
    change: impl FnOnce(&Page<'_>, &mut Tree) -> Result<Vec<Cut>, EditError>,
) -> Result<String, EditError> {
    let source = Source::new(path, page::plain(text));
    mistake(&source).map_err(EditError::Mistake)?;
    let page = Page::read(&source).map_err(EditError::Mistake)?;
    let mut tree = page.tree();
    let cuts = change(&page, &mut tree)?;
    let made = page::cut(text, cuts);
    checked(path, &made, &tree)?;
    Ok(made)
}

/// Whether a text has the values that it is to have, and no mistake.
fn checked(path: &str, made: &str, expected: &Tree) -> Result<(), EditError> {
    let source = Source::new(path, page::plain(made));
    mistake(&source).map_err(EditError::WouldBeMistake)?;
    let page = Page::read(&source).map_err(EditError::WouldBeMistake)?;
    match page.difference(expected) {
        None => Ok(()),
        Some(span) => Err(EditError::ByHand(page::by_hand(&source, span))),
    }
}

/// The first error of a constituent's file.
fn mistake(source: &Source) -> Result<(), Finding> {
    let stem = source
        .path
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".yaml"))
        .unwrap_or_default();
    let slug: Slug = stem.parse().map_err(|wrong: crate::terms::Wrong| {
        let finding = Finding::of_file(&source.path, "bad-file-name", wrong.message);
        finding.hint("a constituent's file is `constituents/NAME.yaml`, of small letters, digits and hyphens")
    })?;
    let mut findings = Findings::new();
    parse_constituent(source, slug, &mut findings);
    match findings
        .into_iter()
        .find(|finding| finding.level == Level::Error)
    {
        Some(finding) => Err(finding),
        None => Ok(()),
    }
}
