use super::{
    Done,
    desk::Desk,
    failure::Failure,
    ui::{count, table},
};
use crate::{
    ledger::Ledger,
    receipt::History,
    roster::{Contact, Delivery, Encrypt, List},
    terms::{Fingerprint, Lang, Moment, Slug},
    workspace::Certificates,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Show the closed lists, or one list with its members
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// One list, in short for `show`
    name: Option<Slug>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show one list, and each member's state: whether letters can be encrypted to it, and if not, why
    Show {
        /// The list
        name: Slug,
    },
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let lang = workspace.settings.site.default_lang();
    let keys = &workspace.certificates;
    let lists = &workspace.roster.lists;
    let name = args.verb.map(|Verb::Show { name }| name).or(args.name);
    if let Some(name) = name {
        let list = lists.get(&name).ok_or_else(|| {
            Failure::usage(format!("list `{name}` does not exist")).hint("`advise list` shows all")
        })?;
        let ledger = Ledger::open_read_only_or_empty(&desk.work())?;
        let history = ledger.history()?;
        let members = Members {
            list,
            keys,
            now: &desk.now,
            ledger: &ledger,
            history: &history,
        };
        match desk.ui.wants_json() {
            true => {
                let rows: Vec<Value> = list
                    .members
                    .iter()
                    .map(|contact| members.view(contact))
                    .collect();
                desk.ui
                    .json(&json!({ "list": view(list, lang), "members": rows }));
            }
            false => desk.ui.data(&members.show(lang)),
        }
        return Ok(Done::Well);
    }
    if desk.ui.wants_json() {
        desk.ui.json(
            &json!({ "lists": lists.values().map(|list| view(list, lang)).collect::<Vec<_>>() }),
        );
        return Ok(Done::Well);
    }
    let rows: Vec<Vec<String>> = lists
        .values()
        .map(|list| {
            let encrypt = if list.encrypt == Encrypt::Always {
                "always"
            } else {
                "by label"
            };
            let members = if list.delivery == Delivery::Direct {
                list.members.len().to_string()
            } else {
                "relay".into()
            };
            vec![
                list.name.to_string(),
                list.tlp.to_string(),
                encrypt.into(),
                members,
                list.title.in_lang(lang).into(),
                list.address.to_string(),
            ]
        })
        .collect();
    desk.ui.data(&table(
        &["LIST", "CEILING", "ENCRYPTS", "MEMBERS", "TITLE", "ADDRESS"],
        &rows,
    ));
    Ok(Done::Well)
}

fn view(list: &List, lang: &Lang) -> Value {
    json!({
        "name": list.name.as_str(), "title": list.title.in_lang(lang), "address": list.address.as_str(), "tlp": list.tlp.as_str(),
        "encrypt": if list.encrypt == Encrypt::Always { "always" } else { "by-label" },
        "delivery": if list.delivery == Delivery::Direct { "direct" } else { "relay" },
        "members": list.members.len(),
    })
}

/// In one phrase: can this contact get what has to be encrypted?
pub fn state(contact: &Contact, keys: &Certificates, now: &Moment) -> String {
    match (&contact.suspended, &contact.certificate) {
        (Some(why), _) => format!("suspended: {why}"),
        (None, None) => "no certificate".into(),
        (None, Some(fingerprint)) => keys.state(fingerprint, now).to_string(),
    }
}

/// How many days the contact's certificate can still be used, if it ends.
pub fn days_left(contact: &Contact, keys: &Certificates, now: &Moment) -> Option<i64> {
    contact
        .certificate
        .as_ref()
        .and_then(|fingerprint| keys.state(fingerprint, now).days_left(now))
}

/// The same as a cell of a table.
pub fn days(contact: &Contact, keys: &Certificates, now: &Moment) -> String {
    days_left(contact, keys, now).map_or_else(String::new, |days| days.to_string())
}

/// A list's members, with all that stands between them and its letters: their files, their certificates, and the ledger.
struct Members<'a> {
    list: &'a List,
    keys: &'a Certificates,
    now: &'a Moment,
    ledger: &'a Ledger,
    history: &'a History,
}

impl Members<'_> {
    fn has_key(&self, contact: &Contact) -> bool {
        contact
            .certificate
            .as_ref()
            .is_some_and(|certificate| self.keys.state(certificate, self.now).is_usable())
    }

    /// Since when the list's letters are kept from a member because others came back.
    fn bounced(&self, contact: &Contact) -> Option<&Moment> {
        self.history
            .returns
            .suspensions
            .get(&self.ledger.member(&contact.address))?
            .get(self.list.name.as_str())
    }

    /// Since when a member is to show that they can read.
    fn unproven(&self, contact: &Contact) -> Option<&Moment> {
        self.history
            .unproven
            .get(&self.ledger.member(&contact.address))
    }

    fn state(&self, contact: &Contact) -> String {
        let state = state(contact, self.keys, self.now);
        match (
            &contact.suspended,
            self.bounced(contact),
            self.unproven(contact),
        ) {
            (None, Some(since), _) => {
                format!("suspended since {}: letters came back", since.date())
            }
            (None, None, Some(_)) => {
                format!("{state}; has not shown yet that they can read encrypted mail")
            }
            _ => state,
        }
    }

    fn view(&self, contact: &Contact) -> Value {
        json!({
            "name": contact.name, "address": contact.address.as_str(), "constituent": contact.constituent.as_str(),
            "certificate": contact.certificate.as_ref().map(Fingerprint::to_string), "state": self.state(contact),
            "language": contact.language.as_ref().map(|lang| lang.as_str()), "phone": contact.phone, "suspended": contact.suspended,
            "suspended_since": self.bounced(contact).map(Moment::to_string),
            "unproven_since": self.unproven(contact).map(Moment::to_string),
            "joined": contact.joined.as_ref().map(Moment::to_string),
            "can_be_encrypted_to": self.has_key(contact), "days_left": days_left(contact, self.keys, self.now),
        })
    }

    /// The list in a few lines, then its members.
    fn show(&self, lang: &Lang) -> String {
        let list = self.list;
        let encrypts = if list.encrypt == Encrypt::Always {
            "encrypts everything"
        } else {
            "encrypts as the label asks"
        };
        let mut text = format!(
            "{} <{}>\nup to {}, {encrypts}\n",
            list.title.in_lang(lang),
            list.address,
            list.tlp.label()
        );
        if list.delivery != Delivery::Direct {
            text.push_str("a list server delivers it, and knows its members\n");
            return text;
        }
        // Who is suspended, or cannot be encrypted to, is counted too: a list that looks full may reach nobody.
        let is_suspended = |contact: &&Arc<Contact>| {
            contact.suspended.is_some() || self.bounced(contact).is_some()
        };
        let (suspended, active): (Vec<_>, Vec<_>) = list.members.iter().partition(is_suspended);
        let keyed = active
            .iter()
            .filter(|contact| self.has_key(contact))
            .count();
        let members = count(list.members.len(), "member", "members");
        let without = active.len() - keyed;
        text.push_str(&format!(
            "{members}: {keyed} with a certificate that can be used, {without} without, {} suspended\n\n",
            suspended.len()
        ));
        let row = |c: &Arc<Contact>| {
            let language = c
                .language
                .as_ref()
                .map_or_else(String::new, |lang| lang.as_str().to_string());
            let joined = c
                .joined
                .as_ref()
                .map_or_else(String::new, |joined| joined.date().to_string());
            let (address, constituent) = (c.address.to_string(), c.constituent.to_string());
            vec![
                c.name.clone(),
                address,
                constituent,
                language,
                joined,
                days(c, self.keys, self.now),
                self.state(c),
            ]
        };
        let rows: Vec<Vec<String>> = list.members.iter().map(row).collect();
        text.push_str(&table(
            &[
                "NAME",
                "ADDRESS",
                "CONSTITUENT",
                "LANGUAGE",
                "JOINED",
                "DAYS LEFT",
                "STATE",
            ],
            &rows,
        ));
        text
    }
}
