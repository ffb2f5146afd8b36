//! The call sheet: `advise status ID --calls`, and the lines that `advise status` begins with.

use crate::{
    advisory::Status,
    cli::{
        Done,
        desk::Desk,
        failure::Failure,
        ui::{count, table},
    },
    ledger::Ledger,
    plan::{Call, Callee, Facts, Missing, Request, calls},
    receipt::Mail,
    terms::{Id, Lang, Severity},
    workspace::Workspace,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::time::Duration;

/// Prints who has to be phoned.
pub fn run(
    desk: &Desk,
    workspace: &Workspace,
    ledger: &Ledger,
    id: Option<&Id>,
    after: Duration,
) -> Result<Done, Failure> {
    let lang = workspace.settings.site.default_lang();
    if let Some(id) = id {
        let advisory = workspace.advisory(id).ok_or_else(|| {
            Failure::usage(format!("there is no advisory `{id}`"))
                .hint("`advise status` shows what was sent")
        })?;
        match (advisory.status, advisory.severity) {
            (Status::Final, Severity::Critical) if !was_mailed(ledger, id)? => {
                desk.ui.warning(&format!("no letter of `{id}` was sent yet: `advise publish` sends them"));
            }
            (Status::Final, Severity::Critical) => {}
            (Status::Final, severity) => desk.ui.warning(&format!(
                "`{id}` is `{}`, and only what is `critical` is phoned about: `advise status {id}` shows who has it",
                severity.as_str()
            )),
            (Status::Draft, _) => desk.ui.warning(&format!("`{id}` is a draft, of which nobody has to know")),
            (Status::Withdrawn, _) => desk.ui.warning(&format!("`{id}` is withdrawn, and nobody is phoned about it")),
        }
    }
    let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
    desk.considered(workspace, ledger, &Request::default(), |facts| {
        let calls = named(calls(facts, id, after), workspace, lang)?;
        match desk.ui.wants_json() {
            true => desk
                .ui
                .json(&json!({ "calls": calls.iter().map(view).collect::<Vec<_>>() })),
            false => desk.ui.data(&sheet(&calls)),
        }
        Ok(if calls.is_empty() {
            Done::Well
        } else {
            Done::WithFindings
        })
    })
}

/// Whether at least one letter of it was meant to go.
fn was_mailed(ledger: &Ledger, id: &Id) -> Result<bool, Failure> {
    Ok(ledger
        .receipts_of(id)?
        .iter()
        .any(|receipt| receipt.intent.key.mail == Mail::Letter))
}

/// Something critical that cannot be mailed, to a constituent of which nobody else has it.
pub struct Alarms {
    lines: Vec<String>,
    views: Vec<Value>,
}

impl Alarms {
    /// Of one advisory, or of all that are young enough to be mailed.
    pub fn of(
        facts: &Facts<'_>,
        id: Option<&Id>,
        workspace: &Workspace,
        lang: &Lang,
    ) -> Result<Alarms, Failure> {
        let mut calls = calls(facts, id, SignedDuration::MAX);
        calls.retain(Call::is_alarming);
        let calls = named(calls, workspace, lang)?;
        Ok(Alarms {
            lines: calls.iter().map(line).collect(),
            views: calls.iter().map(view).collect(),
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// For people.
    pub fn text(&self) -> String {
        match self.is_empty() {
            true => String::new(),
            false => format!(
                "Call now: a critical letter does not get through by mail, and nobody there has it:\n{}\n",
                self.lines.concat()
            ),
        }
    }

    /// For programs.
    pub fn json(&self) -> &[Value] {
        &self.views
    }
}

fn line(
    Entry {
        call,
        name,
        constituent,
    }: &Entry<'_>,
) -> String {
    let phone = call.phone().unwrap_or("no phone number");
    let (id, revision) = (&call.advisory.id, call.revision);
    format!(
        "  {phone}  {name}, {constituent}: {id} r{revision}, {}\n",
        words(&call.missing)
    )
}

fn sheet(calls: &[Entry<'_>]) -> String {
    if calls.is_empty() {
        return "Nobody has to be phoned.\n".into();
    }
    let rows: Vec<Vec<String>> = calls
        .iter()
        .map(
            |Entry {
                 call,
                 name,
                 constituent,
             }| {
                let others = match call.others {
                    0 => "nobody else".into(),
                    n => count(n, "other has it", "others have it"),
                };
                vec![
                    call.phone().unwrap_or("no phone number").into(),
                    name.clone(),
                    constituent.clone(),
                    format!("{} r{}", call.advisory.id, call.revision),
                    others,
                    words(&call.missing),
                ]
            },
        )
        .collect();
    let mut text = table(
        &["PHONE", "NAME", "CONSTITUENT", "LETTER", "OF THEM", "WHY"],
        &rows,
    );
    let silent = calls
        .iter()
        .filter(|entry| entry.call.phone().is_none())
        .count();
    text.push_str(&format!("{} to make", count(calls.len(), "call", "calls")));
    if silent > 0 {
        text.push_str(&format!(
            "; of {} no phone number is known",
            count(silent, "person", "persons")
        ));
    }
    text.push_str(".\n");
    text
}

/// A call, and the names of whom to phone and of where they belong.
struct Entry<'a> {
    call: Call<'a>,
    name: String,
    constituent: String,
}

fn named<'a>(
    calls: Vec<Call<'a>>,
    workspace: &Workspace,
    lang: &Lang,
) -> Result<Vec<Entry<'a>>, Failure> {
    let named = calls.into_iter().map(|call| {
        let (name, constituent) = match call.callee {
            Callee::Contact(contact) => {
                let profile = workspace.profile(&contact.constituent)?;
                let own = profile.map_or_else(
                    || contact.constituent.to_string(),
                    |one| one.name.in_lang(lang).to_string(),
                );
                (contact.name.clone(), own)
            }
            Callee::Server(list) => (
                format!("the list server of `{}`", list.name),
                list.title.in_lang(lang).to_string(),
            ),
        };
        Ok(Entry {
            call,
            name,
            constituent,
        })
    });
    named.collect()
}

/// Why, in words.
fn words(missing: &Missing) -> String {
    let said = |what: &str, words: &str| {
        if words.is_empty() {
            what.to_string()
        } else {
            format!("{what}: {words}")
        }
    };
    match missing {
        Missing::CameBack(words) => said("came back", words),
        Missing::Refused(words) => said("was refused", words),
        Missing::NotTaken(words) => said("not taken yet", words),
        Missing::NoAnswer => "no answer came whether it was taken".into(),
        Missing::Held(why) => format!("held: {}", why.reason()),
        Missing::Suspended => "suspended, since letters came back".into(),
        Missing::NotTried => "not sent yet".into(),
    }
}

/// The reason as a word for programs.
fn word(missing: &Missing) -> &'static str {
    match missing {
        Missing::CameBack(_) => "bounced",
        Missing::Refused(_) => "failed",
        Missing::NotTaken(_) => "deferred",
        Missing::NoAnswer => "unknown",
        Missing::Held(_) => "held",
        Missing::Suspended => "suspended",
        Missing::NotTried => "intended",
    }
}

fn view(
    Entry {
        call,
        name,
        constituent,
    }: &Entry<'_>,
) -> Value {
    let (slug, address, language) = match call.callee {
        Callee::Contact(contact) => (
            Some(contact.constituent.as_str()),
            &contact.address,
            contact.language.as_ref().map(Lang::as_str),
        ),
        Callee::Server(list) => (None, &list.address, None),
    };
    json!({
        "advisory": call.advisory.id.as_str(), "revision": call.revision, "title": call.advisory.title(),
        "name": name, "constituent": slug, "constituent_name": constituent, "address": address.as_str(),
        "phone": call.phone(), "language": language, "state": word(&call.missing), "reason": words(&call.missing),
        "since": call.since.rfc3339(), "others_have_it": call.others,
    })
}
