//! Who is warned: closed [`List`]s, [`Constituent`]s and their [`Contact`]s, and what is known of their
//! certificates (`key_state`), as data. `edit` changes a constituent's file and keeps what people wrote;
//! `table` is all of them as CSV.
//!
//! Neither is `Serialize`: an address gets into JSON or a template only by a view that says so.
//! ```compile_fail
//! fn leak(contact: &advise::roster::Contact) -> String { serde_json::to_string(contact).unwrap() }
//! ```
//! ```compile_fail
//! fn leak(list: &advise::roster::List) -> String { serde_json::to_string(list).unwrap() }
//! ```

mod bounces;
pub mod edit;
mod key_state;
mod parse;
pub mod table;

pub use bounces::{BOUNCES_FIELDS, Bounces};
pub use key_state::{KeyState, REMINDERS};
pub use parse::{
    CONSTITUENT_FIELDS, CONTACT_FIELDS, LIST_FIELDS, ParsedConstituent, ParsedList,
    parse_constituent, parse_list,
};

use crate::{
    terms::{Address, Fingerprint, Lang, Moment, Slug},
    tlp::{Audience, Tlp},
    yaml::Wording,
};
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// When a list encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encrypt {
    /// As the label asks.
    ByLabel,
    /// Whatever the label.
    Always,
}

/// How a list is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// One mail to each member.
    Direct,
    /// One mail to a list server, encrypted to its certificate where the label asks for it.
    Relay(Option<Fingerprint>),
}

/// A closed list, with its members.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "fields of lists/NAME.yaml")]
pub struct List {
    pub name: Slug,
    pub title: Wording,
    pub description: Option<Wording>,
    pub address: Address,
    /// The ceiling: the narrowest label it may carry; never RED.
    pub tlp: Tlp,
    pub encrypt: Encrypt,
    pub delivery: Delivery,
    /// Overrides the setting for all lists.
    pub notify_held: Option<bool>,
    /// When a member is suspended because letters come back.
    pub bounces: Bounces,
    /// Filled by the roster from the constituents' files; for a relay list, nobody.
    pub members: Vec<Arc<Contact>>,
}

/// A person who is warned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of constituents/SLUG.yaml")]
pub struct Contact {
    pub name: String,
    pub address: Address,
    pub certificate: Option<Fingerprint>,
    pub language: Option<Lang>,
    pub phone: Option<String>,
    /// The lists this person gets: the constituent's, or fewer.
    pub lists: Arc<[Slug]>,
    pub joined: Option<Moment>,
    /// Why nothing is sent, if so.
    pub suspended: Option<String>,
    /// The constituent's file name without `.yaml`.
    pub constituent: Slug,
}

/// An organisation that the team protects: as much of it as warning it takes.
#[derive(Debug, Clone)]
pub struct Constituent {
    /// Its file name without `.yaml`.
    pub slug: Slug,
    /// In the order of the file.
    pub contacts: Vec<Arc<Contact>>,
}

/// What else is known of an organisation. No letter depends on it, so it is not kept.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "fields of constituents/SLUG.yaml")]
pub struct Profile {
    pub name: Wording,
    pub sector: Option<String>,
    pub networks: Vec<String>,
    pub domains: Vec<String>,
    pub products: Vec<String>,
    /// Those of its contacts that name none of their own.
    pub lists: Vec<Slug>,
}

impl Audience for List {
    fn ceiling(&self) -> Tlp {
        self.tlp
    }
    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.name.as_str())
    }
}

/// A contact named in an audience: the only one who may get RED.
impl Audience for Contact {
    fn ceiling(&self) -> Tlp {
        Tlp::Red
    }
    fn name(&self) -> Cow<'_, str> {
        Cow::Owned(self.address.key())
    }
}

/// All lists and constituents.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// By name.
    pub lists: BTreeMap<Slug, List>,
    /// Sorted by file name.
    pub constituents: Vec<Constituent>,
}

impl Roster {
    /// Puts every contact into the lists it gets.
    pub fn new(
        lists: impl IntoIterator<Item = List>,
        constituents: impl IntoIterator<Item = Constituent>,
    ) -> Roster {
        let mut lists: BTreeMap<Slug, List> = lists
            .into_iter()
            .map(|list| (list.name.clone(), list))
            .collect();
        let mut constituents: Vec<Constituent> = constituents.into_iter().collect();
        constituents.sort_by(|a, b| a.slug.cmp(&b.slug));
        for contact in constituents
            .iter()
            .flat_map(|constituent| &constituent.contacts)
        {
            for list in &*contact.lists {
                if let Some(list) = lists
                    .get_mut(list)
                    .filter(|list| list.delivery == Delivery::Direct)
                {
                    list.members.push(contact.clone());
                }
            }
        }
        Roster {
            lists,
            constituents,
        }
    }

    /// The constituent of a name.
    pub fn constituent(&self, name: &Slug) -> Option<&Constituent> {
        let place = self
            .constituents
            .binary_search_by(|constituent| constituent.slug.cmp(name));
        place.ok().map(|place| &self.constituents[place])
    }

    /// Every contact.
    pub fn contacts(&self) -> impl Iterator<Item = &Arc<Contact>> {
        self.constituents
            .iter()
            .flat_map(|constituent| &constituent.contacts)
    }

    /// The contact at an address, whatever its capitals.
    pub fn contact(&self, address: &Address) -> Option<&Arc<Contact>> {
        let key = address.key();
        let mut found = self
            .contacts()
            .filter(|contact| contact.address.key() == key);
        // Who is suspended in one place and not in another can be reached.
        let first = found.next()?;
        if first.suspended.is_none() {
            Some(first)
        } else {
            found
                .find(|contact| contact.suspended.is_none())
                .or(Some(first))
        }
    }
}
