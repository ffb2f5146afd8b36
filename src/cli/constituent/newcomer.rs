//! What only the whole workspace can say of a contact that is to be written: whether its lists exist, whether letters can be
//! encrypted to it, and whether it is there already.

use crate::{
    cli::desk::profile,
    cli::failure::Failure,
    diag::Level,
    openpgp::Certificate,
    roster::{Constituent, Contact, Encrypt, KeyState, List, Profile, edit::NewContact},
    terms::{Fingerprint, Moment, Slug, nearest},
    workspace::Workspace,
};
use std::collections::HashMap;

/// A mistake, or something that staff should know.
pub struct Doubt {
    pub level: Level,
    /// The field that it is about.
    pub field: &'static str,
    pub code: &'static str,
    pub message: String,
    pub hint: String,
}

impl Doubt {
    fn error(
        field: &'static str,
        code: &'static str,
        message: String,
        hint: impl Into<String>,
    ) -> Doubt {
        Doubt {
            level: Level::Error,
            field,
            code,
            message,
            hint: hint.into(),
        }
    }

    fn warning(
        field: &'static str,
        code: &'static str,
        message: String,
        hint: impl Into<String>,
    ) -> Doubt {
        Doubt {
            level: Level::Warning,
            field,
            code,
            message,
            hint: hint.into(),
        }
    }
}

/// Who knows the workspace.
pub struct Judge<'w> {
    workspace: &'w Workspace,
    now: &'w Moment,
    by_address: HashMap<String, Vec<&'w Contact>>,
}

impl<'w> Judge<'w> {
    pub fn new(workspace: &'w Workspace, now: &'w Moment) -> Judge<'w> {
        let mut by_address: HashMap<String, Vec<&Contact>> = HashMap::new();
        for contact in workspace.roster.contacts() {
            by_address
                .entry(contact.address.key())
                .or_default()
                .push(contact);
        }
        Judge {
            workspace,
            now,
            by_address,
        }
    }

    /// The constituent of a name, if there is one.
    pub fn constituent(&self, name: &Slug) -> Option<&'w Constituent> {
        self.workspace.roster.constituent(name)
    }

    /// What else is known of it.
    pub fn profile(&self, name: &Slug) -> Result<Profile, Failure> {
        profile(self.workspace, name)
    }

    /// The constituent that was probably meant by a name that there is not.
    pub fn near(&self, name: &Slug) -> Option<&'w str> {
        nearest(
            name.as_str(),
            self.workspace
                .roster
                .constituents
                .iter()
                .map(|one| one.slug.as_str()),
        )
    }

    /// That a list does not exist.
    pub fn unknown_list(&self, field: &'static str, name: &Slug) -> Option<Doubt> {
        let lists = &self.workspace.roster.lists;
        if lists.contains_key(name) {
            return None;
        }
        let names: Vec<&str> = lists.keys().map(Slug::as_str).collect();
        let hint = match nearest(name.as_str(), names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "there are {}; a new one is a file `lists/{name}.yaml`",
                names.join(", ")
            ),
        };
        Some(Doubt::error(
            field,
            "unknown-list",
            format!("list `{name}` does not exist"),
            hint,
        ))
    }

    /// Everything there is to say. `new` is a certificate that is to be put into `certs/` with the contact.
    pub fn doubts(
        &self,
        constituent: &Slug,
        all_lists: &[Slug],
        contact: &NewContact,
        new: Option<&Certificate>,
    ) -> Result<Vec<Doubt>, Failure> {
        let mut doubts: Vec<Doubt> = contact
            .lists
            .iter()
            .flatten()
            .filter_map(|list| self.unknown_list("lists", list))
            .collect();
        let there = self
            .by_address
            .get(&contact.address.key())
            .into_iter()
            .flatten();
        let mut elsewhere = there.filter(|other| {
            other.constituent != *constituent && other.certificate != contact.certificate
        });
        if let Some(other) = elsewhere.next() {
            let message = format!(
                "this address stands in `constituents/{}.yaml` too, with another certificate",
                other.constituent
            );
            doubts.push(Doubt::error(
                "address",
                "duplicate-address",
                message,
                "one person has one certificate: write the same in both",
            ));
        }
        let lists = contact.lists.as_deref().unwrap_or(all_lists);
        if lists.is_empty() && contact.lists.is_none() {
            let message =
                "no list is named: this contact gets only what names the address".to_string();
            doubts.push(Doubt::warning(
                "lists",
                "no-list",
                message,
                "name the lists, or write `-` if that is meant",
            ));
        }
        match &contact.certificate {
            Some(fingerprint) => doubts.extend(self.certificate(fingerprint, contact, new)?),
            None => {
                let needs =
                    |list: &&List| list.encrypt == Encrypt::Always || list.tlp.must_encrypt();
                let needs = lists
                    .iter()
                    .filter_map(|name| self.workspace.roster.lists.get(name))
                    .find(needs);
                doubts.extend(needs.filter(|_| contact.suspended.is_none()).map(|list| {
                    let message = format!(
                        "no certificate: what list `{}` encrypts is held for this contact",
                        list.name
                    );
                    Doubt::warning(
                        "certificate",
                        "certificate-missing",
                        message,
                        "ask for the certificate, and name its fingerprint",
                    )
                }));
            }
        }
        Ok(doubts)
    }

    fn certificate(
        &self,
        fingerprint: &Fingerprint,
        contact: &NewContact,
        new: Option<&Certificate>,
    ) -> Result<Option<Doubt>, Failure> {
        let held = "letters that have to be encrypted are held for this contact until then";
        let known = match new {
            Some(new) => Some(new.clone()),
            None => self.workspace.certificates.read(fingerprint)?,
        };
        let Some(known) = known else {
            let message = format!("there is no certificate `certs/{fingerprint}.asc`");
            return Ok(Some(Doubt::warning(
                "certificate",
                "certificate-missing",
                message,
                format!("put it there; {held}"),
            )));
        };
        let state = known.state(self.now);
        Ok(match state {
            KeyState::Usable { .. } if !known.has_address(&contact.address) => {
                Some(Doubt::warning(
                    "certificate",
                    "certificate-address",
                    "this certificate has no user ID with this contact's address".into(),
                    "make sure that it really is this contact's",
                ))
            }
            KeyState::Usable { .. } => None,
            state => Some(Doubt::warning(
                "certificate",
                "certificate-unfit",
                format!("this {state}"),
                format!("ask for another; {held}"),
            )),
        })
    }
}
