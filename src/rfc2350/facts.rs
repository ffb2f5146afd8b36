//! The facts of each section, from the team, its key and its site. Prose comes after them.

use super::{DocumentWords, Workshop, zone::Clocks};
use crate::{
    artefact::{FieldHasher, Keyed, keyed},
    settings::Site,
    team::Team,
    terms::{Lang, Moment},
    yaml::Wording,
};

/// Where the team's certificate is on the site.
const KEY_PATH: &str = "pgp-key.asc";

/// A piece of a section that is not prose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// What changes with every version and is no content: version and date.
    Edition(Row),
    /// A name and a value.
    Row(Row),
    /// Sentences; blank lines part paragraphs.
    Text(String),
    /// Lines that stay as they are, such as an address.
    Lines(Vec<String>),
    /// What is typed at a terminal.
    Commands(Vec<String>),
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Without a colon.
    pub label: String,
    /// What is read.
    pub value: String,
    /// Where it leads: `https:`, `mailto:` or `tel:`.
    pub href: Option<String>,
}

keyed!(Row { label, value, href });

impl Keyed for Fact {
    fn add_to(&self, hasher: &mut FieldHasher) {
        match self {
            Fact::Edition(row) => ("edition", row).add_to(hasher),
            Fact::Row(row) => ("row", row).add_to(hasher),
            Fact::Text(text) => ("text", text).add_to(hasher),
            Fact::Lines(lines) => ("lines", lines).add_to(hasher),
            Fact::Commands(commands) => ("commands", commands).add_to(hasher),
        }
    }
}

impl Row {
    fn new(label: impl Into<String>, value: impl Into<String>) -> Row {
        Row {
            label: label.into(),
            value: value.into(),
            href: None,
        }
    }

    fn link(label: impl Into<String>, url: String) -> Row {
        Row {
            label: label.into(),
            value: url.clone(),
            href: Some(url),
        }
    }
}

/// The path of the page in a language.
pub fn page_path(site: &Site, lang: &Lang) -> String {
    format!("{}rfc2350/", folder(site, lang))
}

/// The path of the signed text in a language; its detached signature is beside it, with `.asc`.
pub fn text_path(site: &Site, lang: &Lang) -> String {
    format!("{}rfc2350.txt", folder(site, lang))
}

/// The path of the page of all versions.
pub fn archive_path(site: &Site, lang: &Lang) -> String {
    format!("{}rfc2350/archive/", folder(site, lang))
}

/// The path of a version's signed text, which never changes; likewise.
pub fn version_path(site: &Site, lang: &Lang, version: u32) -> String {
    format!("{}{version}.txt", archive_path(site, lang))
}

fn folder(site: &Site, lang: &Lang) -> String {
    if lang == site.default_lang() {
        String::new()
    } else {
        format!("{lang}/")
    }
}

/// What names a version and is no content: its number, its date, and where it stays.
pub fn edition_rows(
    words: &DocumentWords,
    site: &Site,
    lang: &Lang,
    version: u32,
    date: &Moment,
) -> [Row; 3] {
    [
        Row::new(words.get("rfc2350_version"), version.to_string()),
        Row::new(words.get("rfc2350_updated"), date.date().to_string()),
        Row::link(
            words.get("rfc2350_permanent"),
            site.link(&version_path(site, lang, version)),
        ),
    ]
}

/// The facts of the section with this number; none for most.
pub fn of(number: &str, team: &Team, shop: &Workshop) -> Vec<Fact> {
    let words = shop.words;
    let said = |wording: &Option<Wording>| {
        wording
            .as_ref()
            .map(|wording| wording.in_lang(shop.lang).to_string())
    };
    let row = |key: &str, value: &str| Fact::Row(Row::new(words.get(key), value));
    let sentence = |wording: &Option<Wording>| said(wording).map(|text| Fact::Text(sentence(text)));
    let call = |key: &str, phone: &Option<String>| {
        phone.as_ref().map(|phone| {
            Fact::Row(Row {
                href: Some(dial(phone)),
                ..Row::new(words.get(key), phone)
            })
        })
    };
    match number {
        "1" => vec![Fact::Text(
            words.fill("rfc2350_intro", &[("team", team.name.in_lang(shop.lang))]),
        )],
        "1.1" => {
            let [version, date, _] =
                edition_rows(words, shop.site, shop.lang, shop.version, shop.date);
            let reviewed = team
                .reviewed
                .as_ref()
                .map(|day| row("rfc2350_reviewed", &day.date().to_string()));
            [Fact::Edition(version), Fact::Edition(date)]
                .into_iter()
                .chain(reviewed)
                .collect()
        }
        // The lists themselves are closed, and so are their names.
        "1.2" => {
            let told = (!team.notifications.is_empty())
                .then(|| Fact::Text(words.get("rfc2350_notified").to_string()));
            let feed = shop
                .site
                .link(&format!("{}atom.xml", folder(shop.site, shop.lang)));
            told.into_iter()
                .chain([Fact::Row(Row::link(words.get("rfc2350_feed"), feed))])
                .collect()
        }
        "1.3" => locations(shop),
        "1.4" => authentication(team, shop),
        "2.1" => {
            let name = team.name.in_lang(shop.lang);
            let short = said(&team.short_name).filter(|short| short != name);
            let short = short.map(|short| row("rfc2350_short_name", &short));
            std::iter::once(row("rfc2350_name", name))
                .chain(short)
                .collect()
        }
        "2.2" => {
            let lines = said(&team.address)
                .map(|a| Fact::Lines(a.lines().map(|line| line.trim().to_string()).collect()));
            let country = team
                .country
                .as_ref()
                .map(|country| row("rfc2350_country", country));
            lines.into_iter().chain(country).collect()
        }
        "2.3" => {
            let clocks = Clocks::of(&team.time_zone, shop.date);
            let offset = clocks.map(|clocks| row("rfc2350_offset", &clocks.describe(words)));
            std::iter::once(row("rfc2350_zone", &team.time_zone))
                .chain(offset)
                .collect()
        }
        "2.4" => call("rfc2350_phone", &team.phone)
            .into_iter()
            .chain(call("rfc2350_emergency", &team.emergency_phone))
            .collect(),
        // A fax is not called by a click.
        "2.5" => team.fax.iter().map(|fax| row("rfc2350_fax", fax)).collect(),
        "2.6" => sentence(&team.other_telecommunication)
            .into_iter()
            .collect(),
        "2.7" => {
            let href = Some(format!("mailto:{}", team.email));
            vec![Fact::Row(Row {
                href,
                ..Row::new(words.get("rfc2350_mail"), team.email.as_str())
            })]
        }
        "2.8" => key(team, shop),
        "2.9" => sentence(&team.members).into_iter().collect(),
        "2.10" => team
            .website
            .iter()
            .map(|url| Fact::Row(Row::link(words.get("rfc2350_website"), url.clone())))
            .collect(),
        "2.11" => {
            let rows = [
                ("rfc2350_hours", said(&team.hours)),
                ("rfc2350_holidays", said(&team.holidays)),
            ];
            let rows = rows
                .into_iter()
                .filter_map(|(key, text)| text.map(|text| row(key, &one_line(&text))));
            rows.chain(call("rfc2350_emergency", &team.emergency_phone))
                .collect()
        }
        "3.2" => said(&team.constituency)
            .map(|text| row("rfc2350_constituency", &one_line(&text)))
            .into_iter()
            .collect(),
        "3.3" if !team.affiliation.is_empty() => {
            vec![row("rfc2350_affiliation", &team.affiliation.join(", "))]
        }
        // Said once: where the prose names the label already, it stays with the prose.
        "4.2" => {
            let prose = "4.2"
                .parse()
                .ok()
                .and_then(|number| shop.prose.section(&number))
                .map(|section| shop.prose.text(section));
            let label = team
                .default_tlp
                .map(|tlp| tlp.label())
                .filter(|label| !prose.is_some_and(|text| names(text, label)));
            label
                .map(|label| Fact::Text(words.fill("rfc2350_default_tlp", &[("label", label)])))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

/// RFC 3966, section 3: a global number is `+` and digits; what stands between them is for the eye.
fn dial(phone: &str) -> String {
    let digits: String = phone
        .chars()
        .take_while(|c| !c.is_alphabetic())
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    format!("tel:{digits}")
}

/// Whether a text has exactly this label, and not only a longer one that begins with it.
pub fn names(text: &str, label: &str) -> bool {
    text.match_indices(label)
        .any(|(at, _)| !text[at + label.len()..].starts_with('+'))
}

/// With a full stop, which people leave out in a field of YAML.
fn sentence(mut text: String) -> String {
    if text.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '»' | '”' | '"')) {
        text.push('.');
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn locations(shop: &Workshop) -> Vec<Fact> {
    let words = shop.words;
    let mut facts = vec![Fact::Text(words.get("rfc2350_current").to_string())];
    for lang in shop.languages {
        let name = if lang == shop.lang {
            Some(words.get("language_name"))
        } else {
            DocumentWords::name_of(lang)
        };
        let values = [("language", name.unwrap_or(lang.as_str()))];
        facts.push(Fact::Row(Row::link(
            words.fill("rfc2350_page", &values),
            shop.site.link(&page_path(shop.site, lang)),
        )));
        // Without a key there is no signed text.
        if shop.key.is_some() {
            facts.push(Fact::Row(Row::link(
                words.fill("rfc2350_text", &values),
                shop.site.link(&text_path(shop.site, lang)),
            )));
        }
    }
    if shop.key.is_some() {
        let [.., permanent] = edition_rows(words, shop.site, shop.lang, shop.version, shop.date);
        facts.push(Fact::Edition(permanent));
        facts.push(Fact::Row(Row::link(
            words.get("rfc2350_archive"),
            shop.site.link(&archive_path(shop.site, shop.lang)),
        )));
    }
    facts
}

/// Nothing is claimed where there is no key that could have signed.
fn authentication(team: &Team, shop: &Workshop) -> Vec<Fact> {
    if shop.key.is_none() {
        return Vec::new();
    }
    let words = shop.words;
    let link = |key: &str, path: &str| Fact::Row(Row::link(words.get(key), shop.site.link(path)));
    vec![
        Fact::Text(words.fill("rfc2350_signed", &[("team", team.short(shop.lang))])),
        link("rfc2350_key_at", KEY_PATH),
        link("rfc2350_text_at", &text_path(shop.site, shop.lang)),
        link(
            "rfc2350_signature_at",
            &format!("{}.asc", text_path(shop.site, shop.lang)),
        ),
        Fact::Commands(vec![
            "gpg --show-keys --fingerprint pgp-key.asc".into(),
            "gpg --import pgp-key.asc".into(),
            "gpg --output verified.txt --decrypt rfc2350.txt".into(),
        ]),
        Fact::Text(words.get("rfc2350_detached").to_string()),
        Fact::Commands(vec![
            "gpg --verify rfc2350.txt.asc rfc2350.txt".into(),
            "sqv --keyring pgp-key.asc rfc2350.txt.asc rfc2350.txt".into(),
        ]),
        Fact::Text(words.get("rfc2350_signed_end").to_string()),
    ]
}

fn key(team: &Team, shop: &Workshop) -> Vec<Fact> {
    let Some(key) = shop.key else {
        return Vec::new();
    };
    let words = shop.words;
    let row = |name: &str, value: &str| Fact::Row(Row::new(words.get(name), value));
    let mut facts = vec![row("rfc2350_fingerprint", &key.fingerprint.spaced())];
    facts.extend(
        key.user_ids
            .iter()
            .map(|id| row("rfc2350_user_id", &one_line(id))),
    );
    let expires = key.expires.as_ref().map(|at| at.date().to_string());
    facts.extend([
        row("rfc2350_algorithm", &key.algorithm),
        row(
            "rfc2350_expires",
            expires.as_deref().unwrap_or(words.get("rfc2350_never")),
        ),
        Fact::Row(Row::link(
            words.get("rfc2350_key_at"),
            shop.site.link(KEY_PATH),
        )),
        Fact::Row(Row::link(
            words.get("rfc2350_key_about"),
            shop.site
                .link(&format!("{}pgp/", folder(shop.site, shop.lang))),
        )),
    ]);
    // A directory answers for a domain only where the domain's own web server is, or one of this name.
    let (domain, host) = (
        team.email.domain(),
        shop.site.url.host_str().unwrap_or_default(),
    );
    let named = key
        .user_ids
        .iter()
        .any(|id| id.to_ascii_lowercase().contains(&team.email.key()));
    if named && (host == domain || host.strip_prefix("openpgpkey.") == Some(domain)) {
        facts.push(row(
            "rfc2350_wkd",
            &format!("gpg --locate-external-keys {}", team.email),
        ));
    }
    facts.extend(team.key_servers.iter().map(|server| {
        // draft-gallagher-openpgp-hkp, 3.1: `/pks/lookup` with `op=get`, and `search` for a fingerprint after `0x`.
        let lookup = format!(
            "{}/pks/lookup?op=get&search=0x{}",
            server.trim_end_matches('/'),
            key.fingerprint
        );
        Fact::Row(Row {
            href: Some(lookup),
            ..Row::new(words.get("rfc2350_key_server"), server)
        })
    }));
    let older = team.keys.iter().filter(|older| **older != key.fingerprint);
    facts.extend(older.map(|older| row("rfc2350_older_key", &older.spaced())));
    facts
}
