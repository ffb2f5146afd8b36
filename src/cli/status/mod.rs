mod calls;

use super::{
    Done,
    desk::Desk,
    failure::Failure,
    ui::{count, table},
};
use crate::{
    inbound::pending::Pending,
    plan::{self, Again, Expiring, Plan, Request, again},
    receipt::{Bounce, DeliveryKey, Mail, MemberHash, Receipt, State, Verdict},
    terms::{Address, Id, Moment},
};
use calls::Alarms;
use serde_json::json;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

/// What went to whom and when, what is held, deferred, failed or came back; and who has to be phoned
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of one advisory, recipient by recipient
    id: Option<Id>,
    /// Who has to be phoned: whose critical letter came back, or was not taken in time
    #[arg(long)]
    calls: bool,
    /// In time is so long after the first try (`90s`, `30m`, `2h`)
    #[arg(long, value_name = "TIME", default_value = "30m", requires = "calls", value_parser = super::publish::wait::duration)]
    after: Duration,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    desk.warn_of_security_txt(&workspace)?;
    desk.tell_of_targets(&workspace.settings);
    let ledger = desk.ledger_to_read()?;
    if args.calls {
        return calls::run(desk, &workspace, &ledger, args.id.as_ref(), args.after);
    }
    let history = ledger.history()?;
    let addresses: HashMap<MemberHash, &Address> = workspace
        .roster
        .contacts()
        .map(|contact| &contact.address)
        .chain(workspace.roster.lists.values().map(|list| &list.address))
        .map(|address| (ledger.member(address), address))
        .collect();
    let who = |member: &MemberHash| {
        addresses.get(member).map_or_else(
            || format!("no longer a contact ({})", &member.hex()[..8]),
            |a| a.to_string(),
        )
    };
    let mut receipts: Vec<&Receipt> = history
        .deliveries
        .values()
        .filter(|r| {
            args.id
                .as_ref()
                .is_none_or(|id| r.intent.key.advisory == *id)
        })
        .collect();
    if let Some(id) = args
        .id
        .as_ref()
        .filter(|id| receipts.is_empty() && workspace.advisory(id).is_none())
    {
        return Err(Failure::usage(format!(
            "there is no advisory `{id}`, and nothing was ever sent under this id"
        )));
    }
    receipts.sort_by(|a, b| (&a.intent.key, &a.intent.list).cmp(&(&b.intent.key, &b.intent.list)));

    let lang = workspace.settings.site.default_lang();
    let (alarms, suspended, held, stuck, expiring, wanted) =
        desk.considered(&workspace, &ledger, &Request::default(), |facts| {
            let plan = &plan::make(facts);
            let mine = plan
                .held
                .iter()
                .filter(|held| args.id.as_ref().is_none_or(|id| held.advisory.id == *id));
            let mine = mine
                .map(|held| {
                    (
                        held.advisory.id.clone(),
                        held.address.to_string(),
                        held.whom.name().to_string(),
                        held.why.reason(),
                    )
                })
                .collect::<Vec<_>>();
            let expiring = plan
                .expiring
                .iter()
                .map(|one| (plan::expiring_words(one), plan::expiring_json(one)))
                .collect::<Vec<_>>();
            let suspended = plan
                .suspended
                .iter()
                .map(plan::suspended_json)
                .collect::<Vec<_>>();
            let alarms = Alarms::of(facts, args.id.as_ref(), &workspace, lang)?;
            Ok((
                alarms,
                suspended,
                mine,
                plan::stuck(plan),
                expiring,
                Wanted::of(plan, &receipts),
            ))
        })?;
    let open = receipts.iter().any(|r| wanted.waits(r)) || !held.is_empty() || !stuck.is_empty();
    let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
    for r in receipts
        .iter()
        .filter(|r| r.intent.key.mail == Mail::Letter)
    {
        *totals.entry(wanted.standing(r)).or_default() += 1;
    }
    let requests = Pending::of(&desk.work()).ids().map_err(Failure::new)?.len();
    if desk.ui.wants_json() {
        let rows: Vec<_> = receipts
            .iter()
            .map(|r| {
                let (next_try, given_up) = match again(r) {
                    Again::At(due) => (Some(due.rfc3339()).filter(|_| wanted.waits(r)), false),
                    Again::Now => (None, false),
                    Again::Never => (None, true),
                };
                json!({
                    "advisory": r.intent.key.advisory.as_str(), "revision": r.intent.key.revision, "mail": r.intent.key.mail.as_str(),
                    "address": addresses.get(&r.intent.key.member).map(|a| a.as_str()), "list": r.intent.list, "language": r.intent.lang.as_str(),
                    "cover": r.intent.cover.as_str(), "state": r.state.as_str(), "attempts": r.attempts, "reply": r.reply,
                    "possible_duplicate": r.possible_duplicate, "message_id": r.intent.message_id, "at": r.at.rfc3339(),
                    "bounce": r.bounce.as_ref().map(|bounce| json!({
                        "verdict": bounce.verdict.as_str(), "status": bounce.status, "words": bounce.words, "at": bounce.at.rfc3339(),
                    })),
                    "first_try": r.first.as_ref().map(Moment::rfc3339), "next_try": next_try, "given_up": given_up, "run": r.run,
                })
            })
            .collect();
        let held: Vec<_> = held
            .iter()
            .map(|(id, address, list, why)| json!({ "advisory": id.as_str(), "address": address, "list": list, "reason": why }))
            .collect();
        let site: Vec<_> = history
            .on_site
            .iter()
            .map(|(id, (revision, _))| json!({ "advisory": id.as_str(), "revision": revision }))
            .collect();
        let twice = receipts.iter().filter(|r| r.possible_duplicate).count();
        let totals = json!({ "states": totals, "possible_duplicates": twice });
        desk.ui.json(&json!({ "calls": alarms.json(), "suspended": suspended, "deliveries": rows, "totals": totals, "held": held, "stuck": stuck, "site": site, "kept": desk.kept()?.len(), "requests": requests, "expiring": expiring.iter().map(|(_, json)| json).collect::<Vec<_>>() }));
        return Ok(if open { Done::WithFindings } else { Done::Well });
    }
    let kept = if args.id.is_none() {
        desk.kept()?.len()
    } else {
        0
    };
    let mut text = alarms.text();
    match &args.id {
        Some(id) => {
            let rows: Vec<Vec<String>> = receipts
                .iter()
                .map(|r| {
                    let mail = match r.intent.key.mail {
                        Mail::Letter => format!("r{}", r.intent.key.revision),
                        Mail::Notice => "notice".into(),
                        Mail::Reminder => format!("reminder {}", r.intent.key.revision),
                        Mail::Suspension => "suspension".into(),
                    };
                    let twice = if r.possible_duplicate {
                        " (possible duplicate)"
                    } else {
                        ""
                    };
                    let next = match again(r) {
                        Again::At(due) if wanted.waits(r) && due > desk.now => due.rfc3339(),
                        Again::At(_) if wanted.waits(r) => "now".into(),
                        _ => String::new(),
                    };
                    vec![
                        mail,
                        who(&r.intent.key.member),
                        r.intent.list.clone(),
                        r.intent.cover.to_string(),
                        format!("{}{twice}", wanted.standing(r)),
                        r.attempts.to_string(),
                        r.at.rfc3339(),
                        next,
                        r.run.map_or_else(String::new, |run| run.to_string()),
                        r.bounce
                            .as_ref()
                            .map_or_else(|| r.reply.clone(), Bounce::said),
                    ]
                })
                .collect();
            text.push_str(&table(
                &[
                    "MAIL", "TO", "LIST", "COVER", "STATE", "TRIES", "AT", "NEXT TRY", "RUN",
                    "ANSWER",
                ],
                &rows,
            ));
            if let Some((revision, _)) = history.on_site.get(id) {
                text.push_str(&format!("On the site: revision {revision}.\n"));
            }
        }
        None => {
            let mut sums: BTreeMap<(&str, &str, &str), BTreeMap<&str, usize>> = BTreeMap::new();
            for r in receipts
                .iter()
                .filter(|r| r.intent.key.mail == Mail::Letter)
            {
                let key = (
                    r.intent.key.advisory.as_str(),
                    r.intent.key.revision.as_str(),
                    r.intent.list.as_str(),
                );
                *sums
                    .entry(key)
                    .or_default()
                    .entry(wanted.standing(r))
                    .or_default() += 1;
            }
            let rows: Vec<Vec<String>> = sums
                .iter()
                .map(|((id, revision, list), states)| {
                    let states: Vec<String> = states
                        .iter()
                        .map(|(state, n)| format!("{n} {state}"))
                        .collect();
                    vec![
                        id.to_string(),
                        format!("r{revision}"),
                        list.to_string(),
                        states.join(", "),
                    ]
                })
                .collect();
            text.push_str(&table(&["ADVISORY", "REVISION", "LIST", "LETTERS"], &rows));
            text.push_str(&format!(
                "{} on the site.\n",
                count(history.on_site.len(), "advisory", "advisories")
            ));
        }
    }
    if !totals.is_empty() {
        let states: Vec<String> = totals
            .iter()
            .map(|(state, n)| format!("{n} {state}"))
            .collect();
        text.push_str(&format!("Letters in all: {}.\n", states.join(", ")));
    }
    let twice = receipts.iter().filter(|r| r.possible_duplicate).count();
    if twice > 0 {
        let copies = count(twice, "copy", "copies");
        text.push_str(&format!(
            "{copies} may have arrived twice, with the same Message-ID: a try broke off without an answer.\n"
        ));
    }
    if !held.is_empty() {
        text.push_str("\nHeld (`advise plan` says how to mend it):\n");
        for (id, address, list, why) in &held {
            text.push_str(&format!("  {id} → {address} ({list}): {why}\n"));
        }
    }
    if !stuck.is_empty() && args.id.is_none() {
        text.push_str("\nStuck:\n");
        for line in &stuck {
            text.push_str(&format!("  {line}\n"));
        }
    }
    if !expiring.is_empty() && args.id.is_none() {
        text.push_str(
            "\nCertificates that end soon (`advise constituent refresh` looks for new copies):\n",
        );
        expiring.iter().for_each(|(words, _)| text.push_str(words));
    }
    if requests > 0 && args.id.is_none() {
        let wait = if requests == 1 { "waits" } else { "wait" };
        text.push_str(&format!(
            "\n{} {wait} for your decision: `advise constituent requests` shows what was asked by mail.\n",
            count(requests, "request", "requests")
        ));
    }
    if kept > 0 {
        text.push_str(&format!(
            "\n{} came in that nothing here understands: `advise inbox --kept` shows what waits for you.\n",
            count(kept, "mail", "mails")
        ));
    }
    desk.ui.data(&text);
    Ok(if open { Done::WithFindings } else { Done::Well })
}

/// What is still to be done, by the plan, of what the ledger knows.
struct Wanted {
    /// Letters that somebody is to get and has not got, of the newest revision.
    letters: HashSet<DeliveryKey>,
    /// Whose they are: what came of an earlier revision is settled by them, and not before.
    readers: HashSet<(Id, MemberHash)>,
    held: HashSet<DeliveryKey>,
    /// From members whose letters come back.
    kept: HashSet<DeliveryKey>,
    /// And word to colleagues.
    reminders: HashSet<DeliveryKey>,
}

impl Wanted {
    fn of(plan: &Plan<'_>, receipts: &[&Receipt]) -> Wanted {
        let mut letters = plan.unsettled();
        letters.extend(
            receipts
                .iter()
                .map(|r| &r.intent.key)
                .filter(|key| plan.is_at_a_loss_with(&key.advisory))
                .cloned(),
        );
        Wanted {
            readers: letters
                .iter()
                .map(|key| (key.advisory.clone(), key.member))
                .collect(),
            letters,
            held: plan.held().collect(),
            kept: plan.kept().collect(),
            reminders: plan
                .expiring
                .iter()
                .map(Expiring::key)
                .chain(plan.colleagues.iter().map(|one| one.key.clone()))
                .collect(),
        }
    }

    /// Whether somebody should have it and has not. A notice is open as long as its letter is held; a reminder until
    /// the next one, or a new copy of the certificate; word to a colleague as long as the mailbox is suspended; a letter
    /// as long as its reader is one of the audience.
    fn waits(&self, r: &Receipt) -> bool {
        let key = &r.intent.key;
        r.state != State::Accepted
            && match key.mail {
                Mail::Letter => self.readers.contains(&(key.advisory.clone(), key.member)),
                Mail::Notice => false,
                Mail::Reminder | Mail::Suspension => self.reminders.contains(key),
            }
    }

    /// Where a delivery stands, in a word: that of the ledger, but for what was deferred for too long or came back, and
    /// for letters that were never tried, since they are held or kept, or since nobody is to get them any more.
    fn standing(&self, r: &Receipt) -> &'static str {
        match (r.state, again(r)) {
            (_, Again::Never) => "given up",
            (State::Failed, _)
                if r.bounce
                    .as_ref()
                    .is_some_and(|bounce| bounce.verdict == Verdict::Hard) =>
            {
                "bounced"
            }
            (State::Accepted, _) if r.bounce.is_some() => "bounced for now",
            (State::Intended, _) if self.held.contains(&r.intent.key) => "held",
            (State::Intended, _) if self.kept.contains(&r.intent.key) => "suspended",
            (State::Intended, _)
                if r.intent.key.mail == Mail::Letter && !self.letters.contains(&r.intent.key) =>
            {
                "dropped"
            }
            _ => r.state.as_str(),
        }
    }
}
