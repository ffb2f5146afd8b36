//! The facts about the team, once, for every channel: site, mail, RFC 2350.

mod parse;

pub use parse::{FIELDS, Places, parse, parse_with_places};

use crate::{
    artefact::{FieldHasher, Keyed, keyed},
    terms::{Address, Fingerprint, Lang, Moment, Slug},
    tlp::{Marked, Tlp},
    yaml::Wording,
};

/// `team.yaml`, read without an error. All of it is meant for everybody.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "fields of team.yaml, docs in README")]
pub struct Team {
    pub name: Wording,
    pub short_name: Option<Wording>,
    pub address: Option<Wording>,
    pub country: Option<String>,
    /// An IANA name that the time zone database knows.
    pub time_zone: String,
    pub hours: Option<Wording>,
    pub holidays: Option<Wording>,
    pub phone: Option<String>,
    pub emergency_phone: Option<String>,
    pub fax: Option<String>,
    pub other_telecommunication: Option<Wording>,
    pub email: Address,
    pub website: Option<String>,
    /// The first is the current one.
    pub keys: Vec<Fingerprint>,
    /// Where the current one is offered too.
    pub key_servers: Vec<String>,
    pub members: Option<Wording>,
    pub constituency: Option<Wording>,
    pub affiliation: Vec<String>,
    pub default_tlp: Option<Tlp>,
    pub notifications: Vec<Slug>,
    /// When somebody last read the RFC 2350 description and found it true.
    pub reviewed: Option<Moment>,
}

keyed!(Team {
    name,
    short_name,
    address,
    country,
    time_zone,
    hours,
    holidays,
    phone,
    emergency_phone,
    fax,
    other_telecommunication,
    email,
    website,
    keys,
    key_servers,
    members,
    constituency,
    affiliation,
    default_tlp,
    notifications,
    reviewed,
});

impl Keyed for Wording {
    fn add_to(&self, hasher: &mut FieldHasher) {
        match self {
            Wording::One(text) => ("one", text).add_to(hasher),
            Wording::Many(texts) => ("many", texts).add_to(hasher),
        }
    }
}

impl Keyed for Tlp {
    fn add_to(&self, hasher: &mut FieldHasher) {
        self.label().add_to(hasher);
    }
}

impl Team {
    /// The short name, or the full one.
    pub fn short(&self, lang: &Lang) -> &str {
        self.short_name.as_ref().unwrap_or(&self.name).in_lang(lang)
    }
}

impl Marked for Team {
    fn tlp(&self) -> Tlp {
        Tlp::Clear
    }
    fn is_addressed_to(&self, audience: &str) -> bool {
        audience == "public"
    }
}
