//! The call sheet: `advise status ID --calls`, and the lines that `advise status` begins with.

use crate::{
    advisory::Status,
    cli::{
        Done,
        desk::{Desk, Failure},
        ui::{count, table},
    },
    ledger::Ledger,
    plan::{Call, Callee, Facts, Missing, Request, calls},
    terms::{Id, Lang, Severity},
    workspace::Workspace,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::time::Duration;

/// Prints who has to be phoned.
pub fn run(desk: &Desk, workspace: &Workspace, ledger: &Ledger, id: Option<&Id>, after: Duration) -> Result<Done, Failure> {
    let lang = workspace.settings.site.default_lang();
    if let Some(id) = id {
        let advisory = workspace
            .advisory(id)
            .ok_or_else(|| Failure::usage(format!("there is no advisory `{id}`")).hint("`advise status` shows what was sent"))?;
        match (advisory.status, advisory.severity) {
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
        let calls = calls(facts, id, after);
        match desk.ui.wants_json() {
            true => desk.ui.json(&json!({ "calls": calls.iter().map(|call| view(call, lang)).collect::<Vec<_>>() })),
            false => desk.ui.data(&sheet(&calls, lang)),
        }
        Ok(if calls.is_empty() { Done::Well } else { Done::WithFindings })
    })
}

/// Something critical that cannot be mailed, to a constituent of which nobody else has it.
pub struct Alarms {
    lines: Vec<String>,
    views: Vec<Value>,
}

impl Alarms {
    /// Of one advisory, or of all that are young enough to be mailed.
    pub fn of(facts: &Facts<'_>, id: Option<&Id>, lang: &Lang) -> Alarms {
        let calls: Vec<Call<'_>> = calls(facts, id, SignedDuration::MAX).into_iter().filter(Call::is_alarming).collect();
        Alarms {
            lines: calls.iter().map(|call| line(call, lang)).collect(),
            views: calls.iter().map(|call| view(call, lang)).collect(),
        }
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

fn line(call: &Call<'_>, lang: &Lang) -> String {
    let (name, constituent) = who(call, lang);
    let phone = call.phone().unwrap_or("no phone number");
    let (id, revision) = (&call.advisory.id, call.revision);
    format!("  {phone}  {name}, {constituent}: {id} r{revision}, {}\n", words(&call.missing))
}

fn sheet(calls: &[Call<'_>], lang: &Lang) -> String {
    if calls.is_empty() {
        return "Nobody has to be phoned.\n".into();
    }
    let rows: Vec<Vec<String>> = calls
        .iter()
        .map(|call| {
            let (name, constituent) = who(call, lang);
            let others = match call.others {
                0 => "nobody else".into(),
                n => count(n, "other has it", "others have it"),
            };
            vec![
                call.phone().unwrap_or("no phone number").into(),
                name,
                constituent,
                format!("{} r{}", call.advisory.id, call.revision),
                others,
                words(&call.missing),
            ]
        })
        .collect();
    let mut text = table(&["PHONE", "NAME", "CONSTITUENT", "LETTER", "OF THEM", "WHY"], &rows);
    let silent = calls.iter().filter(|call| call.phone().is_none()).count();
    text.push_str(&format!("{} to make", count(calls.len(), "call", "calls")));
    if silent > 0 {
        text.push_str(&format!("; of {} no phone number is known", count(silent, "person", "persons")));
    }
    text.push_str(".\n");
    text
}

fn who(call: &Call<'_>, lang: &Lang) -> (String, String) {
    match call.callee {
        Callee::Contact(contact, constituent) => {
            let constituent =
                constituent.map_or_else(|| contact.constituent.to_string(), |one| one.name.in_lang(lang).to_string());
            (contact.name.clone(), constituent)
        }
        Callee::Server(list) => (format!("the list server of `{}`", list.name), list.title.in_lang(lang).to_string()),
    }
}

/// Why, in words.
fn words(missing: &Missing) -> String {
    let said = |what: &str, words: &str| if words.is_empty() { what.to_string() } else { format!("{what}: {words}") };
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

fn view(call: &Call<'_>, lang: &Lang) -> Value {
    let (name, constituent) = who(call, lang);
    let (slug, address, language) = match call.callee {
        Callee::Contact(contact, _) => {
            (Some(contact.constituent.as_str()), &contact.address, contact.language.as_ref().map(Lang::as_str))
        }
        Callee::Server(list) => (None, &list.address, None),
    };
    json!({
        "advisory": call.advisory.id.as_str(), "revision": call.revision, "title": call.advisory.title(),
        "name": name, "constituent": slug, "constituent_name": constituent, "address": address.as_str(),
        "phone": call.phone(), "language": language, "state": word(&call.missing), "reason": words(&call.missing),
        "since": call.since.rfc3339(), "others_have_it": call.others,
    })
}
