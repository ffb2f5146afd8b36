use super::{
    Done,
    desk::{Desk, Failure},
    ui::table,
};
use crate::{
    roster::{Contact, Delivery, Encrypt, List},
    terms::{Fingerprint, Moment, Slug},
    workspace::Certificates,
};
use serde_json::{Value, json};

/// Show the closed lists, or one list with its members
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One list
    name: Option<Slug>,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let lang = workspace.settings.site.default_lang();
    let keys = &workspace.certificates;
    let lists = &workspace.roster.lists;
    if let Some(name) = args.name {
        let list = lists
            .get(&name)
            .ok_or_else(|| Failure::usage(format!("list `{name}` does not exist")).hint("`advise list` shows all"))?;
        match desk.ui.wants_json() {
            true => desk.ui.json(&json!({ "list": view(list, lang), "members": list.members.iter().map(|c| member(c, keys, &desk.now)).collect::<Vec<_>>() })),
            false => desk.ui.data(&members(list, keys, &desk.now)),
        }
        return Ok(Done::Well);
    }
    if desk.ui.wants_json() {
        desk.ui.json(&json!({ "lists": lists.values().map(|list| view(list, lang)).collect::<Vec<_>>() }));
        return Ok(Done::Well);
    }
    let rows: Vec<Vec<String>> = lists
        .values()
        .map(|list| {
            let encrypt = if list.encrypt == Encrypt::Always { "always" } else { "by label" };
            let members = if list.delivery == Delivery::Direct { list.members.len().to_string() } else { "relay".into() };
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
    desk.ui.data(&table(&["LIST", "CEILING", "ENCRYPTS", "MEMBERS", "TITLE", "ADDRESS"], &rows));
    Ok(Done::Well)
}

fn view(list: &List, lang: &crate::terms::Lang) -> Value {
    json!({
        "name": list.name.as_str(), "title": list.title.in_lang(lang), "address": list.address.as_str(), "tlp": list.tlp.as_str(),
        "encrypt": if list.encrypt == Encrypt::Always { "always" } else { "by-label" },
        "delivery": if list.delivery == Delivery::Direct { "direct" } else { "relay" },
        "members": list.members.len(),
    })
}

fn member(contact: &Contact, keys: &Certificates, now: &Moment) -> Value {
    json!({
        "name": contact.name, "address": contact.address.as_str(), "constituent": contact.constituent.as_str(),
        "certificate": contact.certificate.as_ref().map(Fingerprint::to_string), "state": state(contact, keys, now),
        "days_left": days_left(contact, keys, now),
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
    contact.certificate.as_ref().and_then(|fingerprint| keys.state(fingerprint, now).days_left(now))
}

/// The same as a cell of a table.
pub fn days(contact: &Contact, keys: &Certificates, now: &Moment) -> String {
    days_left(contact, keys, now).map_or_else(String::new, |days| days.to_string())
}

fn members(list: &List, keys: &Certificates, now: &Moment) -> String {
    let rows: Vec<Vec<String>> = list
        .members
        .iter()
        .map(|c| vec![c.name.clone(), c.address.to_string(), c.constituent.to_string(), days(c, keys, now), state(c, keys, now)])
        .collect();
    table(&["NAME", "ADDRESS", "CONSTITUENT", "DAYS LEFT", "STATE"], &rows)
}
