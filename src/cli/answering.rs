//! How answers leave: the team's key and the post are opened when the first answer is due, and once.

use super::{desk::Desk, failure::Failure};
use crate::{
    channels::{
        mail::{self, Post},
        wkd::Directories,
    },
    inbound::answer::{self, Addressed, Office},
    openpgp::{Certificate, TeamKey},
    terms::Address,
    workspace::Workspace,
};
use std::net::SocketAddr;

/// The team's key, and the way by which mail leaves.
type Opened = (TeamKey, Box<dyn Post>);

/// Opens what answers need.
#[derive(Default)]
pub struct Answering {
    opened: Option<Result<Opened, String>>,
}

impl Answering {
    /// Composes, signs and sends one answer, or says why that cannot be.
    pub fn send(
        &mut self,
        desk: &Desk,
        workspace: &Workspace,
        answer: &Addressed<'_>,
    ) -> Result<(), String> {
        let opened = self.opened.get_or_insert_with(|| {
            open(desk, workspace).map_err(|failure| format!("{:#}", failure.error))
        });
        let (key, post) = opened.as_mut().map_err(|why| why.clone())?;
        let office = Office {
            workspace,
            key,
            now: &desk.now,
            gate: &desk.gate(),
        };
        let message = office.compose(answer).map_err(|error| error.to_string())?;
        answer::send(&message, post.as_mut()).map_err(|error| error.to_string())
    }
}

fn open(desk: &Desk, workspace: &Workspace) -> Result<Opened, Failure> {
    let key = desk.team_key(workspace)?;
    let passwords = desk.mail_passwords(workspace)?;
    let posts =
        mail::open(&workspace.settings.mail, &workspace.root, &passwords).map_err(Failure::new)?;
    let post = posts
        .into_iter()
        .next()
        .ok_or_else(|| Failure::usage("there is no way by which mail leaves"))?;
    Ok((key, post))
}

/// The certificates that a sender's domain gives for their address; `hosts` takes the place of DNS in tests. Whoever wrote
/// chose the domain, so what goes wrong there is nobody's fault here: the sender is told that none was found.
pub fn find(
    workspace: &Workspace,
    hosts: &[(String, SocketAddr)],
    address: &Address,
) -> Vec<Certificate> {
    let directories = Directories::open(
        &workspace.settings.wkd,
        &workspace.root,
        hosts.iter().cloned(),
    );
    let found = directories.and_then(|directories| directories.ask(address));
    found
        .ok()
        .flatten()
        .and_then(|bytes| Certificate::read_all(&bytes).ok())
        .unwrap_or_default()
}
