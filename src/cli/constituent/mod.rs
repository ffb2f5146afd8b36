mod add;
mod export;
mod files;
mod import;
mod leave;
mod newcomer;
mod refresh;
mod requests;
mod resume;

pub use refresh::host;

use super::{
    Done,
    desk::{Desk, profile},
    failure::Failure,
    list::{days, days_left, state},
    ui::table,
};
use crate::{
    roster::Constituent,
    terms::{Fingerprint, Slug},
};
use serde_json::json;

/// Show the constituents and their contacts, add and remove them, decide on what was asked by mail, or look for new copies of
/// their certificates
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// One constituent (its file name without `.yaml`)
    name: Option<Slug>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Add(add::Args),
    Suspend(leave::Suspend),
    Remove(leave::Remove),
    Import(import::Args),
    Export(export::Args),
    Refresh(refresh::Args),
    Requests(requests::Args),
    Approve(requests::Approve),
    Refuse(requests::Refuse),
    Vouch(requests::Vouch),
    Resume(resume::Args),
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    match args.verb {
        Some(Verb::Add(args)) => return add::run(desk, args),
        Some(Verb::Suspend(args)) => return leave::suspend(desk, args),
        Some(Verb::Remove(args)) => return leave::remove(desk, args),
        Some(Verb::Import(args)) => return import::run(desk, args),
        Some(Verb::Export(args)) => return export::run(desk, args),
        Some(Verb::Refresh(args)) => return refresh::run(desk, args),
        Some(Verb::Requests(args)) => return requests::requests(desk, args),
        Some(Verb::Approve(args)) => return requests::approve(desk, args),
        Some(Verb::Refuse(args)) => return requests::refuse(desk, args),
        Some(Verb::Vouch(args)) => return requests::vouch(desk, args),
        Some(Verb::Resume(args)) => return resume::run(desk, args),
        None => {}
    }
    let workspace = desk.workspace()?;
    let lang = workspace.settings.site.default_lang();
    let keys = &workspace.certificates;
    let chosen: Vec<&Constituent> = match &args.name {
        None => workspace.roster.constituents.iter().collect(),
        Some(name) => vec![workspace.roster.constituent(name).ok_or_else(|| {
            Failure::usage(format!("constituent `{name}` does not exist"))
                .hint("`advise constituent` shows all")
        })?],
    };
    if desk.ui.wants_json() {
        let rows = chosen
            .into_iter()
            .map(|constituent| {
                let profile = profile(&workspace, &constituent.slug)?;
                let contacts: Vec<_> = constituent
                    .contacts
                    .iter()
                    .map(|c| {
                        json!({
                            "name": c.name, "address": c.address.as_str(), "phone": c.phone, "language": c.language.as_ref().map(|l| l.as_str()),
                            "lists": c.lists.iter().map(|l| l.as_str()).collect::<Vec<_>>(), "certificate": c.certificate.as_ref().map(Fingerprint::to_string), "state": state(c, keys, &desk.now),
                            "days_left": days_left(c, keys, &desk.now),
                        })
                    })
                    .collect();
                Ok(json!({
                    "slug": constituent.slug.as_str(), "name": profile.name.in_lang(lang), "sector": profile.sector,
                    "networks": profile.networks, "domains": profile.domains, "products": profile.products, "contacts": contacts,
                }))
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        desk.ui.json(&json!({ "constituents": rows }));
        return Ok(Done::Well);
    }
    let mut rows = Vec::new();
    for constituent in chosen {
        for contact in &constituent.contacts {
            let lists: Vec<&str> = contact.lists.iter().map(|list| list.as_str()).collect();
            rows.push(vec![
                constituent.slug.to_string(),
                contact.name.clone(),
                contact.address.to_string(),
                lists.join(" "),
                contact.phone.clone().unwrap_or_default(),
                days(contact, keys, &desk.now),
                state(contact, keys, &desk.now),
            ]);
        }
    }
    desk.ui.data(&table(
        &[
            "CONSTITUENT",
            "CONTACT",
            "ADDRESS",
            "LISTS",
            "PHONE",
            "DAYS LEFT",
            "STATE",
        ],
        &rows,
    ));
    Ok(Done::Well)
}
