//! `advise constituent suspend` and `remove`: a contact gets nothing any more, for now or for good.

use super::files::{Changes, is_sound};
use crate::{
    cli::{Done, desk::Desk, failure::Failure},
    roster::{Contact, edit},
    terms::Address,
    workspace::Workspace,
    yaml::Line,
};
use serde_json::json;

/// Suspend a contact: it stays in the files, and gets nothing
#[derive(Debug, clap::Args)]
pub struct Suspend {
    /// The contact's address
    address: Address,
    /// Why, for whoever reads the file
    #[arg(long)]
    reason: Line,
}

/// Remove a contact from the files
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// The contact's address
    address: Address,
}

pub fn suspend(desk: &Desk, args: Suspend) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let mut changes = Changes::new(desk);
    for contact in wherever(&workspace, &args.address)? {
        changes.edit(&contact.constituent, |path, text| {
            edit::with_field(
                path,
                text,
                &contact.address,
                "suspended",
                Some(&args.reason.0),
            )
        })?;
    }
    done(
        desk,
        changes,
        &args.address,
        "suspended already, for this reason",
    )
}

pub fn remove(desk: &Desk, args: Remove) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let mut changes = Changes::new(desk);
    let found = wherever(&workspace, &args.address)?;
    for contact in &found {
        changes.edit(&contact.constituent, |path, text| {
            edit::without_contact(path, text, &contact.address)
        })?;
    }
    let done = done(desk, changes, &args.address, "")?;
    let key = args.address.key();
    for certificate in found
        .iter()
        .filter_map(|contact| contact.certificate.as_ref())
    {
        let others = workspace
            .roster
            .contacts()
            .filter(|other| other.address.key() != key);
        if others
            .filter_map(|other| other.certificate.as_ref())
            .all(|other| other != certificate)
        {
            desk.ui.detail(&format!(
                "certs/{certificate}.asc is kept; nobody names it now"
            ));
        }
    }
    Ok(done)
}

/// The contacts of an address: one person may stand in several constituents' files.
fn wherever<'w>(workspace: &'w Workspace, address: &Address) -> Result<Vec<&'w Contact>, Failure> {
    let key = address.key();
    let found: Vec<&Contact> = workspace
        .roster
        .contacts()
        .map(|it| &**it)
        .filter(|it| it.address.key() == key)
        .collect();
    match found.is_empty() {
        false => Ok(found),
        true => {
            Err(Failure::usage("no contact has this address")
                .hint("`advise constituent` shows all"))
        }
    }
}

fn done(desk: &Desk, changes: Changes, address: &Address, nothing: &str) -> Result<Done, Failure> {
    let files = changes.write(desk)?;
    if files.is_empty() {
        desk.ui.deed(&format!("nothing to do: {nothing}"));
    }
    if desk.ui.wants_json() {
        desk.ui
            .json(&json!({ "address": address.as_str(), "files": files }));
    }
    Ok(if files.is_empty() || is_sound(desk)? {
        Done::Well
    } else {
        Done::WithFindings
    })
}
