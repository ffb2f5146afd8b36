//! `advise constituent requests`, `approve`, `refuse` and `vouch`: what came by mail and waits for staff.

use crate::{
    cli::{
        Done,
        answering::Answering,
        desk::{Desk, profile},
        failure::{Failure, Kind},
    },
    inbound::{
        answer::Addressed,
        files::replace,
        pending::{Pending, PendingError, Request, plain},
        request::Purpose,
    },
    ledger::{self, Ledger},
    openpgp::Certificate,
    render::letter::Said,
    roster::{
        Contact, List,
        edit::{self, EditError, NewContact},
    },
    terms::{Address, Moment, Slug},
    workspace::Workspace,
};
use serde_json::json;
use std::{fmt::Write as _, fs, path::Path};

/// Show what was asked by mail, with the facts that matter
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this one
    id: Option<String>,
}

/// Let somebody in, or take a new key: writes the files, and sends a signed and encrypted welcome
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// As `advise constituent requests` shows it
    id: String,
    /// The constituent that the person belongs to (its file name without `.yaml`)
    #[arg(long, value_name = "NAME")]
    constituent: Option<Slug>,
    /// The person's name, if it is not what they call themselves
    #[arg(long)]
    name: Option<String>,
}

/// Say no to a request, with a reason that its sender is told
#[derive(Debug, clap::Args)]
pub struct Refuse {
    /// As `advise constituent requests` shows it
    id: String,
    /// What the sender is told
    #[arg(long)]
    reason: String,
    /// Tell the sender nothing: somebody else may have written in their name
    #[arg(long)]
    silent: bool,
}

/// Say that a member can read what is encrypted to them, without their answer to the welcome
#[derive(Debug, clap::Args)]
pub struct Vouch {
    /// The member's
    address: Address,
}

pub fn requests(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let pending = Pending::of(&desk.work());
    let all = match &args.id {
        Some(id) => vec![pending.read(id).map_err(unknown)?],
        None => pending.all().map_err(Failure::new)?,
    };
    let mut text = String::new();
    let mut rows = Vec::new();
    for request in &all {
        let certificate = certificate_of(&workspace, &pending, request)?;
        let state = certificate.state(&desk.now).to_string();
        if desk.ui.wants_json() {
            let mut row = request.json();
            row["algorithm"] = json!(certificate.algorithm());
            row["state"] = json!(state);
            row["names_address"] = json!(certificate.has_address(&request.address));
            rows.push(row);
        } else {
            describe(request, &certificate, &state, &workspace, &mut text);
        }
    }
    match desk.ui.wants_json() {
        true => desk.ui.json(&json!({ "requests": rows })),
        false if all.is_empty() => desk.ui.data("no request waits\n"),
        false => desk.ui.data(&text),
    }
    Ok(Done::Well)
}

fn describe(
    request: &Request,
    certificate: &Certificate,
    state: &str,
    workspace: &Workspace,
    text: &mut String,
) {
    let yes = |yes: bool| if yes { "yes" } else { "NO" };
    let contact = workspace.roster.contact(&request.address);
    let what = match request.purpose {
        Purpose::Join => format!("wants to join list `{}`", request.list),
        Purpose::NewKey => format!(
            "wants to join list `{}`, with ANOTHER KEY than the one on file",
            request.list
        ),
    };
    let domain = match (request.domain_of.as_slice(), &request.resembles) {
        ([], Some(other)) => format!("of no constituent, BUT LOOKS LIKE `{other}`"),
        ([], None) => "of no constituent".into(),
        (some, _) => format!(
            "of {}",
            some.iter()
                .map(|slug| format!("`{slug}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let known = contact.map_or_else(
        || "no".into(),
        |contact| format!("a contact of `{}`", contact.constituent),
    );
    let name = plain(&request.name, 80);
    let _ = writeln!(text, "{}  {name} <{}> {what}", request.id, request.address);
    let _ = writeln!(text, "  came         {}", request.came.rfc3339());
    let _ = writeln!(text, "  certificate  {}", request.certificate.spaced());
    let _ = writeln!(
        text,
        "               {}, {state}; names the address: {}",
        certificate.algorithm(),
        yes(certificate.has_address(&request.address))
    );
    if let Some(old) = contact
        .and_then(|contact| contact.certificate.as_ref())
        .filter(|old| **old != request.certificate)
    {
        let _ = writeln!(text, "  on file      {}", old.spaced());
    }
    let _ = writeln!(
        text,
        "  signed       {}; the signed text names the list: {}",
        request.signed.rfc3339(),
        yes(request.says_so)
    );
    let _ = writeln!(text, "  domain       {domain}");
    let _ = writeln!(text, "  known        {known}");
    if let Some(relay) = &request.relay {
        let _ = writeln!(text, "  our relay    {relay}");
    }
    for line in plain(&request.text, 400)
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        let _ = writeln!(text, "  | {line}");
    }
    let _ = writeln!(
        text,
        "  next: call them and compare the fingerprint; then `advise constituent approve {}`,",
        request.id
    );
    let _ = writeln!(
        text,
        "        or `advise constituent refuse {} --reason WHY`\n",
        request.id
    );
}

fn unknown(error: PendingError) -> Failure {
    match error {
        PendingError::Unknown(_) => {
            Failure::new(error).hint("`advise constituent requests` shows all")
        }
        error => Failure::new(error),
    }
}

pub fn approve(desk: &Desk, args: Approve) -> Result<Done, Failure> {
    let _lock = ledger::lock(&desk.work(), &desk.now)?;
    let workspace = desk.workspace()?;
    let mut ledger = Ledger::open(&desk.work())?;
    let pending = Pending::of(&desk.work());
    let request = pending.read(&args.id).map_err(unknown)?;
    let certificate = certificate_of(&workspace, &pending, &request)?;
    let list = list_of(&workspace, &request)?;
    let state = certificate.state(&desk.now);
    if !state.is_usable() || !certificate.has_address(&request.address) {
        let why = if state.is_usable() {
            "it does not name the address".into()
        } else {
            state.to_string()
        };
        return Err(Failure::usage(format!(
            "the certificate of request `{}` cannot be used: {why}",
            request.id
        ))
        .hint(format!(
            "`advise constituent refuse {} --reason WHY` says so to its sender",
            request.id
        )));
    }
    let contact = workspace
        .roster
        .contact(&request.address)
        .map(|contact| &**contact);
    let slug = match contact {
        Some(contact)
            if args
                .constituent
                .as_ref()
                .is_some_and(|named| *named != contact.constituent) =>
        {
            return Err(Failure::usage(format!(
                "the sender is a contact of `{}` already",
                contact.constituent
            ))
            .hint("leave `--constituent` out, or remove the contact there first"));
        }
        Some(contact) => contact.constituent.clone(),
        None => constituent_of(&workspace, &request, args.constituent)?,
    };
    let path = format!("constituents/{slug}.yaml");
    let full = desk.root.join(&path);
    let text = fs::read_to_string(&full).map_err(|error| Failure::io(&full, error))?;
    let name = args.name.unwrap_or_else(|| request.name.clone());
    let has_list = profile(&workspace, &slug)?.lists.contains(&request.list);
    let edited =
        edited(&path, &text, has_list, contact, &request, name, &desk.now).map_err(edit_failure)?;

    let member = ledger.member(&request.address);
    let is_same_key =
        contact.is_some_and(|contact| contact.certificate.as_ref() == Some(&request.certificate));
    let command = match is_same_key && !ledger.unproven()?.contains_key(&member) {
        // Staff wrote this certificate themselves, or it is proven: nothing that goes to it now is to be held.
        true => None,
        // Held before anything can be sent to it: what is encrypted waits until the owner of the key has shown that they read it.
        false => Some(format!(
            "confirm {}",
            ledger.challenge(member, &list.name, &desk.now)?
        )),
    };
    let file = format!("certs/{}.asc", request.certificate);
    write(&desk.root.join(&file), certificate.armored().as_bytes())?;
    desk.ui.deed(&format!("wrote {file}"));
    if edited != text {
        write(&full, edited.as_bytes())?;
        desk.ui.deed(&format!("wrote {path}"));
    }
    let said = match (request.purpose, command.as_deref()) {
        (Purpose::NewKey, Some(command)) => Said::NewKey {
            certificate: &request.certificate,
            command,
        },
        (_, command) => Said::Welcome {
            ceiling: list.tlp,
            command,
        },
    };
    let token = token(&ledger, &request, "approve", &desk.now);
    let answer = Addressed {
        to: &request.address,
        list,
        lang: contact.and_then(|contact| contact.language.as_ref()),
        said,
        certificate: Some(&certificate),
        token: &token,
        in_reply_to: None,
    };
    Answering::default()
        .send(desk, &workspace, &answer)
        .map_err(|why| partly(&request, "the files are written, but the welcome", &why))?;
    pending.remove(&request).map_err(Failure::new)?;
    let held = if command.is_some() {
        "; what has to be encrypted is held until they have answered it"
    } else {
        ""
    };
    desk.ui
        .deed(&format!("sent a welcome to {}{held}", request.address));
    if let Some(why) = contact.and_then(|contact| contact.suspended.as_ref()) {
        desk.ui.warning(&format!(
            "{} is suspended in {path}, so nothing is sent to them: {why}",
            request.address
        ));
    }
    if desk.ui.wants_json() {
        let shown = json!({ "approved": request.id, "constituent": slug.as_str(), "list": list.name.as_str(), "certificate": request.certificate.to_string() });
        desk.ui.json(&shown);
    }
    Ok(Done::Well)
}

pub fn refuse(desk: &Desk, args: Refuse) -> Result<Done, Failure> {
    let _lock = ledger::lock(&desk.work(), &desk.now)?;
    let workspace = desk.workspace()?;
    let ledger = Ledger::open(&desk.work())?;
    let pending = Pending::of(&desk.work());
    let request = pending.read(&args.id).map_err(unknown)?;
    if args.reason.trim().is_empty() || args.reason.chars().any(|c| c.is_control()) {
        return Err(Failure::usage("the reason has to be one line of text")
            .hint("it stands in the answer as you write it"));
    }
    if !args.silent {
        let token = token(&ledger, &request, "refuse", &desk.now);
        let answer = Addressed {
            to: &request.address,
            list: list_of(&workspace, &request)?,
            lang: None,
            said: Said::Refused(&args.reason),
            certificate: None,
            token: &token,
            in_reply_to: None,
        };
        Answering::default()
            .send(desk, &workspace, &answer)
            .map_err(|why| partly(&request, "the answer", &why))?;
    }
    pending.remove(&request).map_err(Failure::new)?;
    let told = if args.silent {
        "its sender is not told"
    } else {
        "its sender was told why"
    };
    desk.ui
        .deed(&format!("refused request `{}`; {told}", request.id));
    Ok(Done::Well)
}

pub fn vouch(desk: &Desk, args: Vouch) -> Result<Done, Failure> {
    let _lock = ledger::lock(&desk.work(), &desk.now)?;
    let mut ledger = Ledger::open(&desk.work())?;
    let member = ledger.member(&args.address);
    if !ledger.prove(member, &desk.now)? {
        return Err(
            Failure::usage("nothing is held for want of this member's proof")
                .hint("`advise plan` shows what is held, and why"),
        );
    }
    desk.ui
        .deed("what was held for want of their proof goes with the next `advise publish`");
    Ok(Done::Well)
}

/// What came, and what the workspace knows of the same certificate, which may be that it is revoked.
fn certificate_of(
    workspace: &Workspace,
    pending: &Pending,
    request: &Request,
) -> Result<Certificate, Failure> {
    let copy = pending.certificate(request).map_err(Failure::new)?;
    Ok(workspace.certificates.merged(copy, &request.address)?)
}

fn list_of<'w>(workspace: &'w Workspace, request: &Request) -> Result<&'w List, Failure> {
    workspace.roster.lists.get(&request.list).ok_or_else(|| {
        Failure::usage(format!("list `{}` does not exist any more", request.list)).hint(format!(
            "`advise constituent refuse {} --reason WHY`",
            request.id
        ))
    })
}

/// The constituent that staff name, or the only one that has the sender's domain.
fn constituent_of(
    workspace: &Workspace,
    request: &Request,
    named: Option<Slug>,
) -> Result<Slug, Failure> {
    let hint = format!(
        "name it: `advise constituent approve {} --constituent NAME`; `advise constituent` shows all",
        request.id
    );
    let exists = |slug: &Slug| workspace.roster.constituent(slug).is_some();
    match (named, request.domain_of.as_slice()) {
        (Some(named), _) if exists(&named) => Ok(named),
        (Some(named), _) => Err(
            Failure::usage(format!("constituent `{named}` does not exist"))
                .hint("`advise constituent` shows all"),
        ),
        (None, [one]) if exists(one) => Ok(one.clone()),
        (None, []) => Err(Failure::usage(format!(
            "no constituent has the domain `{}`",
            request.address.domain()
        ))
        .hint(hint)),
        (None, _) => Err(Failure::usage(format!(
            "several constituents have the domain `{}`",
            request.address.domain()
        ))
        .hint(hint)),
    }
}

/// The constituent's file as it has to be.
fn edited(
    path: &str,
    text: &str,
    has_list: bool,
    contact: Option<&Contact>,
    request: &Request,
    name: String,
    now: &Moment,
) -> Result<String, EditError> {
    let mut text = text.to_string();
    if !has_list {
        text = edit::with_list(path, &text, &request.list)?;
    }
    match contact {
        Some(contact) => {
            text = edit::with_field(
                path,
                &text,
                &request.address,
                "certificate",
                Some(&request.certificate.to_string()),
            )?;
            if !contact.lists.contains(&request.list) {
                let lists: Vec<Slug> = contact
                    .lists
                    .iter()
                    .cloned()
                    .chain([request.list.clone()])
                    .collect();
                text = edit::with_lists(path, &text, &request.address, Some(&lists))?;
            }
            Ok(text)
        }
        None => edit::with_contact(
            path,
            &text,
            &NewContact {
                name: plain(&name, 80),
                address: request.address.clone(),
                certificate: Some(request.certificate.clone()),
                language: None,
                phone: None,
                lists: Some(vec![request.list.clone()]),
                joined: now.date().to_string().parse().ok(),
                suspended: None,
            },
        ),
    }
}

fn edit_failure(error: EditError) -> Failure {
    let hint = error.finding().and_then(|finding| finding.hint.clone());
    let failure = Failure::new(error);
    let failure = if let Some(hint) = hint {
        failure.hint(hint)
    } else {
        failure
    };
    failure.hint("nothing was written; change the file by hand, then approve the request again")
}

fn partly(request: &Request, what: &str, why: &str) -> Failure {
    let failure = Failure::usage(format!("{what} could not be sent: {why}"));
    Failure {
        kind: Kind::Partly,
        ..failure
    }
    .hint(format!(
        "request `{}` waits on; run the same command again",
        request.id
    ))
}

fn token(ledger: &Ledger, request: &Request, what: &str, now: &Moment) -> String {
    let at = now.unix().to_be_bytes();
    ledger.name("answer", [what.as_bytes(), request.id.as_bytes(), &at[..]])
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replace(path, bytes).map_err(|error| Failure::io(path, error))
}
