//! Who may get what: the table of DESIGN section 3 and the sentences under it, written down a second time.
//! Nothing of `src/` decides here.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    Clear,
    Green,
    Amber,
    Strict,
    Red,
}

pub const LABELS: [Label; 5] = [
    Label::Clear,
    Label::Green,
    Label::Amber,
    Label::Strict,
    Label::Red,
];
/// What a list may have as its ceiling.
pub const CEILINGS: [Label; 4] = [Label::Clear, Label::Green, Label::Amber, Label::Strict];

impl Label {
    pub fn word(self) -> &'static str {
        match self {
            Label::Clear => "CLEAR",
            Label::Green => "GREEN",
            Label::Amber => "AMBER",
            Label::Strict => "AMBER+STRICT",
            Label::Red => "RED",
        }
    }

    /// The column "closed list" of the table.
    pub fn may_go_to_list(self, ceiling: Label) -> bool {
        let column = CEILINGS
            .iter()
            .position(|one| *one == ceiling)
            .expect("no list has another ceiling");
        match self {
            //               CLEAR  GREEN  AMBER  AMBER+STRICT
            Label::Clear => [true, true, true, true][column],
            Label::Green => [false, true, true, true][column],
            Label::Amber => [false, false, true, true][column],
            Label::Strict => [false, false, false, true][column],
            Label::Red => false,
        }
    }

    /// The column "cover on mail".
    fn is_encrypted(self, list_encrypts: bool, names_certificate: bool) -> bool {
        match self {
            Label::Clear => list_encrypts,
            Label::Green => list_encrypts || names_certificate,
            Label::Amber | Label::Strict | Label::Red => true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Usable,
    NoneNamed,
    Missing,
    Expired,
    Revoked,
    CannotEncrypt,
    Weak,
}

pub const KEYS: [Key; 7] = [
    Key::Usable,
    Key::NoneNamed,
    Key::Missing,
    Key::Expired,
    Key::Revoked,
    Key::CannotEncrypt,
    Key::Weak,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Draft,
    Final,
    Withdrawn,
}

pub const STATUSES: [Status; 3] = [Status::Draft, Status::Final, Status::Withdrawn];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embargo {
    None,
    Past,
    Future,
}

pub const EMBARGOES: [Embargo; 3] = [Embargo::None, Embargo::Past, Embargo::Future];

#[derive(Debug, Clone)]
pub struct List {
    pub name: String,
    pub address: String,
    pub ceiling: Label,
    pub always: bool,
    /// One mail to a list server, whose certificate is in this state.
    pub relay: Option<Key>,
    pub notify: bool,
}

#[derive(Debug, Clone)]
pub struct Member {
    pub address: String,
    /// Names.
    pub lists: Vec<String>,
    pub key: Key,
    pub suspended: bool,
    /// After the newest revision of everything.
    pub joined_late: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    Public,
    List(String),
    Person(String),
}

#[derive(Debug, Clone)]
pub struct Advisory {
    pub number: u32,
    pub label: Label,
    pub status: Status,
    pub embargo: Embargo,
    pub audience: Vec<Reader>,
}

/// What one address is to get of one advisory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Letter { encrypted: bool },
    Held { notice: bool },
}

/// What an address got before.
#[derive(Debug, Default, Clone)]
pub struct Past {
    /// The newest revision, by number of advisory and address.
    pub has: BTreeSet<(u32, String)>,
    /// An earlier one.
    pub told: BTreeSet<(u32, String)>,
}

/// The column "public web, feeds, CSAF, PDF".
pub fn is_public(advisory: &Advisory) -> bool {
    advisory.label == Label::Clear
        && advisory.audience.contains(&Reader::Public)
        && advisory.status != Status::Draft
        && advisory.embargo != Embargo::Future
}

/// Everybody who gets a letter or is held, by address.
pub fn mail(
    advisory: &Advisory,
    lists: &[List],
    members: &[Member],
    past: &Past,
) -> BTreeMap<String, Fate> {
    let mut fates = BTreeMap::new();
    if advisory.status == Status::Draft {
        return fates;
    }
    let mut seen = BTreeSet::new();
    for reader in &advisory.audience {
        // (address, key, the list encrypts, a notice is sent if held)
        let mut candidates: Vec<(&str, Key, bool, bool)> = Vec::new();
        match reader {
            Reader::Public => {}
            Reader::Person(address) => {
                let person = members
                    .iter()
                    .find(|member| member.address == *address)
                    .expect("only members are named");
                // Who is named is meant, whenever they joined.
                if !person.suspended {
                    candidates.push((&person.address, person.key, false, true));
                }
            }
            Reader::List(name) => {
                let list = lists
                    .iter()
                    .find(|list| list.name == *name)
                    .expect("only known lists are named");
                // An open list is the public by another name.
                let shut = list.ceiling == Label::Clear && advisory.embargo == Embargo::Future;
                if shut || !advisory.label.may_go_to_list(list.ceiling) {
                    continue;
                }
                match list.relay {
                    Some(key) => candidates.push((&list.address, key, list.always, false)),
                    None => {
                        let members = members
                            .iter()
                            .filter(|m| m.lists.contains(name) && !m.suspended && !m.joined_late);
                        candidates.extend(
                            members.map(|m| (m.address.as_str(), m.key, list.always, list.notify)),
                        );
                    }
                }
            }
        }
        for (address, key, always, notice) in candidates {
            let who = (advisory.number, address.to_string());
            let had_any = past.has.contains(&who) || past.told.contains(&who);
            let nothing_to_withdraw = advisory.status == Status::Withdrawn && !had_any;
            if nothing_to_withdraw || !seen.insert(address) || past.has.contains(&who) {
                continue;
            }
            let encrypted = advisory.label.is_encrypted(always, key != Key::NoneNamed);
            let fate = match encrypted && key != Key::Usable {
                true => Fate::Held { notice },
                false => Fate::Letter { encrypted },
            };
            fates.insert(address.to_string(), fate);
        }
    }
    fates
}
