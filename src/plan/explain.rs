//! A plan in words for a terminal, and as JSON. Staff see names and addresses here; nothing is logged.

use super::{
    Batch, Change, Colleague, DocumentChange, Expiring, Held, Plan, Reason, Suspended, Why,
};
use crate::{receipt::State, terms::Fingerprint};
use serde_json::{Value, json as object};
use std::{collections::BTreeMap, fmt::Write as _};

impl Why {
    /// The reason in words.
    pub fn reason(&self) -> String {
        match self {
            Why::NoCertificate => "no certificate".into(),
            Why::Certificate(_, state) => state.to_string(),
            Why::Unproven(since) => format!(
                "has not shown yet that they can read encrypted mail (asked on {})",
                since.date()
            ),
        }
    }

    /// What staff do about it: `constituent` is the file's name without `.yaml`, empty for a list server.
    pub fn mend(&self, constituent: &str, list: &str) -> String {
        let file = if constituent.is_empty() {
            format!("lists/{list}.yaml")
        } else {
            format!("constituents/{constituent}.yaml")
        };
        match self {
            Why::NoCertificate => {
                format!("put the certificate into certs/ and its fingerprint into {file}, then `advise publish`")
            }
            Why::Unproven(_) => {
                "their answer to the welcome releases it; or compare the fingerprint by phone, then `advise constituent vouch ADDRESS`"
                    .into()
            }
            Why::Certificate(fingerprint, crate::roster::KeyState::Missing) => {
                format!("put the certificate at certs/{fingerprint}.asc, then `advise publish`")
            }
            Why::Certificate(fingerprint, _) => {
                format!(
                    "replace certs/{fingerprint}.asc by a current copy (or name a new certificate in {file}), then `advise publish`"
                )
            }
        }
    }
}

impl Reason {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Reason::Refused(refusal) => refusal.to_string(),
            Reason::TooOld => {
                "older than `mail.max_age`; name the id to mail it all the same".into()
            }
            Reason::NobodyThere => "nobody to send it to".into(),
            Reason::Unheard(n) => {
                format!(
                    "{n} who got an earlier revision would not hear of the withdrawal; put their list or address back into the audience"
                )
            }
            Reason::Later(n, next) => {
                let copies = plural(*n, "copy was", "copies were");
                format!(
                    "{copies} not taken yet; next try due at {}, or at once if the id is named",
                    next.rfc3339()
                )
            }
            Reason::GivenUp(n) => {
                format!(
                    "{} deferred for five days; name the id to try again",
                    plural(*n, "copy was", "copies were")
                )
            }
            Reason::Suspended(n) => {
                format!(
                    "{} kept from members whose letters come back",
                    plural(*n, "copy is", "copies are")
                )
            }
            Reason::FailedBefore(1) => "1 copy failed for good; name the id to try again".into(),
            Reason::FailedBefore(n) => {
                format!("{n} copies failed for good; name the id to try again")
            }
        }
    }
}

impl Change {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Appears | Change::Opens => "appears",
            Change::Changes => "changes",
            Change::Withdrawn => "is marked as withdrawn",
            Change::Disappears => "disappears",
        }
    }
}

fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn heading(batch_title: &str, id: &str, revision: &str, tlp: &str, severity: &str) -> String {
    format!("{id} r{revision}  {tlp}  {severity}  {batch_title}")
}

/// The plan for a terminal. Ends with a newline.
pub fn words(plan: &Plan<'_>) -> String {
    let mut out = String::new();
    if plan.mail {
        letters(plan, &mut out);
    }
    if plan.reminders() > 0 {
        out.push_str("Certificates that end soon\n");
        plan.expiring
            .iter()
            .filter(|one| one.due)
            .for_each(|one| out.push_str(&expiring_words(one)));
        out.push('\n');
    }
    if plan.warnings() > 0 {
        out.push_str("Mail that comes back\n");
        plan.colleagues
            .iter()
            .filter(|one| one.due)
            .for_each(|one| out.push_str(&colleague_words(one)));
        out.push('\n');
    }
    if plan.web {
        site(plan, &mut out);
    }
    let stuck = stuck(plan);
    if !stuck.is_empty() {
        let _ = writeln!(out, "Stuck\n  {}\n", stuck.join("\n  "));
    }
    if plan
        .waiting
        .iter()
        .any(|waiting| !waiting.reason.is_stuck())
    {
        out.push_str("Not now\n");
        for waiting in plan
            .waiting
            .iter()
            .filter(|waiting| !waiting.reason.is_stuck())
        {
            let _ = writeln!(
                out,
                "  {} → {}: {}",
                waiting.advisory.id,
                waiting.audience,
                waiting.reason.words()
            );
        }
        out.push('\n');
    }
    let mut sum = Vec::new();
    if plan.mail {
        sum.push(plural(plan.letters(), "letter", "letters"));
        if plan.notices() > 0 {
            sum.push(plural(plan.notices(), "notice", "notices"));
        }
        if plan.reminders() > 0 {
            sum.push(plural(plan.reminders(), "reminder", "reminders"));
        }
        if plan.warnings() > 0 {
            sum.push(plural(
                plan.warnings(),
                "word to a colleague",
                "words to colleagues",
            ));
        }
        sum.push(format!("{} held", plan.held.len()));
        if !plan.kept.is_empty() {
            sum.push(format!("{} kept from suspended members", plan.kept.len()));
        }
    }
    if plan.web {
        let document = usize::from(matches!(plan.document, Some(DocumentChange::New(_))));
        sum.push(plural(
            plan.site.len() + document,
            "change on the site",
            "changes on the site",
        ));
    }
    if plan.is_empty() {
        out.push_str(match (plan.is_stuck(), plan.deferred() > 0) {
            (true, _) => "Nothing to do now, but not everybody has what was meant for them.",
            (_, true) => "Nothing to do now; some letters wait for their next try.",
            _ => "Nothing to do: everything is published already.",
        });
        if !plan.held.is_empty() {
            let _ = write!(
                out,
                " {} still held.",
                plural(plan.held.len(), "letter is", "letters are")
            );
        }
        out.push('\n');
    } else {
        let _ = writeln!(out, "In all: {}.", sum.join(", "));
    }
    out
}

/// A certificate that ends soon, and what its owner hears of it, in one line.
pub fn expiring_words(one: &Expiring<'_>) -> String {
    let told = match one.state {
        _ if one.due => "gets a reminder",
        _ if one.next.is_some() => "the reminder waits for its next try",
        Some(State::Accepted) => "was reminded",
        Some(State::Failed) => "the reminder was refused",
        Some(State::Sending) => "was perhaps reminded, no answer came",
        None | Some(State::Intended | State::Deferred) => "is not reminded",
    };
    let days = plural(usize::try_from(one.days).unwrap_or(0), "day", "days");
    format!(
        "  {} <{}>: ends on {}, in {days}; {told}\n",
        one.contact.name,
        one.contact.address,
        one.ends.date()
    )
}

/// The same for programs.
pub fn expiring_json(one: &Expiring<'_>) -> Value {
    object!({
        "address": one.contact.address.as_str(), "certificate": one.certificate.to_string(), "ends": one.ends.rfc3339(),
        "days_left": one.days, "reminder": one.reminder, "state": one.state.map(State::as_str), "due": one.due,
    })
}

/// Who hears that a colleague's mail comes back, in one line.
fn colleague_words(one: &Colleague<'_>) -> String {
    let Colleague { contact, of, .. } = one;
    format!(
        "  {} <{}>: is told (without content) that mail to {} comes back\n",
        contact.name, contact.address, of.address
    )
}

/// Members from whom letters are kept, and what staff do about it: a line for each.
pub fn suspended_words<'p, 'a: 'p>(
    suspended: impl IntoIterator<Item = &'p Suspended<'a>>,
) -> Vec<String> {
    let mut by_member: Vec<Vec<&Suspended<'_>>> = Vec::new();
    for one in suspended {
        match by_member
            .iter_mut()
            .find(|known| known[0].member == one.member)
        {
            Some(known) => known.push(one),
            None => by_member.push(vec![one]),
        }
    }
    by_member
        .iter()
        .map(|lists| suspended_line(lists[0], lists))
        .collect()
}

fn suspended_line(first: &Suspended<'_>, all: &[&Suspended<'_>]) -> String {
    let Suspended {
        contact,
        since,
        days: (hard, soft),
        ..
    } = first;
    let phone = contact.phone.as_ref().map_or_else(
        || "no phone number".into(),
        |phone| format!("phone {phone}"),
    );
    let days = match (hard, soft) {
        (0, 0) => "letters came back".into(),
        (hard, 0) => format!(
            "letters of {} came back for good",
            plural(*hard as usize, "day", "days")
        ),
        (0, soft) => format!(
            "letters of {} came back for now",
            plural(*soft as usize, "day", "days")
        ),
        (hard, soft) => {
            format!(
                "letters of {} came back, those of {hard} for good",
                plural((hard + soft) as usize, "day", "days")
            )
        }
    };
    let names: Vec<String> = all
        .iter()
        .map(|one| format!("`{}`", one.list.name))
        .collect();
    let send = if names.len() == 1 { "sends" } else { "send" };
    format!(
        "{} <{}> ({phone}): {} {send} nothing since {}, as {days}; once it works again, `advise constituent resume {}`",
        contact.name,
        contact.address,
        names.join(", "),
        since.date(),
        contact.address
    )
}

/// The same for programs.
pub fn suspended_json(one: &Suspended<'_>) -> Value {
    let Suspended {
        contact,
        list,
        since,
        days: (hard, soft),
        ..
    } = one;
    object!({
        "name": contact.name, "address": contact.address.as_str(), "phone": contact.phone,
        "constituent": contact.constituent.as_str(), "list": list.name.as_str(), "since": since.rfc3339(),
        "days": { "hard": hard, "soft": soft },
    })
}

/// What should reach somebody and does not, in lines: see [`Plan::is_stuck`].
pub fn stuck(plan: &Plan<'_>) -> Vec<String> {
    let gone = plan.orphans.iter().map(|(id, n)| {
        format!(
            "{id}: {} not sent, and the advisory is gone or a draft again",
            plural(*n, "letter was", "letters were")
        )
    });
    let waiting = plan
        .waiting
        .iter()
        .filter(|waiting| waiting.reason.is_stuck());
    let suspended = suspended_words(&plan.suspended).into_iter();
    suspended
        .chain(gone)
        .chain(waiting.map(|waiting| {
            format!(
                "{} → {}: {}",
                waiting.advisory.id,
                waiting.audience,
                waiting.reason.words()
            )
        }))
        .collect()
}

fn letters(plan: &Plan<'_>, out: &mut String) {
    let mut by_advisory: BTreeMap<&str, (Vec<&Batch<'_>>, Vec<&Held<'_>>)> = BTreeMap::new();
    for batch in &plan.batches {
        by_advisory
            .entry(batch.advisory.id.as_str())
            .or_default()
            .0
            .push(batch);
    }
    for held in &plan.held {
        by_advisory
            .entry(held.advisory.id.as_str())
            .or_default()
            .1
            .push(held);
    }
    if by_advisory.is_empty() {
        return;
    }
    out.push_str("Mail\n");
    for (id, (batches, held)) in by_advisory {
        let advisory = match (batches.first(), held.first()) {
            (Some(batch), _) => batch.advisory,
            (None, Some(held)) => held.advisory,
            (None, None) => continue,
        };
        let title = heading(
            advisory.title(),
            id,
            &advisory.revision().number,
            advisory.tlp.label(),
            advisory.severity.as_str(),
        );
        let _ = writeln!(out, "  {title}");
        if !advisory.attachments.is_empty() {
            let names: Vec<&str> = advisory
                .attachments
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            let _ = writeln!(out, "    with  {}", names.join(", "));
        }
        for batch in batches {
            let to = match batch.whom.list() {
                Some(list) => format!("list `{}`", list.name),
                None => batch
                    .recipients
                    .first()
                    .map_or_else(String::new, |r| r.address.to_string()),
            };
            let lang = format!("{}, {}", batch.cover, batch.lang);
            let _ = writeln!(
                out,
                "    send  {to}: {} ({lang})",
                plural(batch.recipients.len(), "letter", "letters")
            );
            let seconds = batch.recipients.iter().filter(|r| r.may_be_second).count();
            if seconds > 0 {
                let _ = writeln!(
                    out,
                    "          {} broke off before: may arrive twice, with the same Message-ID",
                    plural(seconds, "copy", "copies")
                );
            }
        }
        for held in held {
            let who = held.contact.map_or_else(
                || held.address.to_string(),
                |contact| format!("{} <{}>", contact.name, contact.address),
            );
            let notice = if held.notice {
                "; gets a notice without content"
            } else {
                ""
            };
            let _ = writeln!(
                out,
                "    HELD  {who} (`{}`): {}{notice}",
                held.whom.name(),
                held.why.reason()
            );
            let constituent = held
                .contact
                .map_or("", |contact| contact.constituent.as_str());
            let _ = writeln!(
                out,
                "          {}",
                held.why.mend(constituent, held.whom.name())
            );
        }
    }
    out.push('\n');
}

fn site(plan: &Plan<'_>, out: &mut String) {
    let mut lines = Vec::new();
    for (id, revision, change) in &plan.site {
        lines.push(match change {
            Change::Disappears => format!("  {id} {}", change.as_str()),
            Change::Opens => format!(
                "  {id} r{revision} {}\n    with the summaries of earlier revisions, which went to closed audiences only",
                change.as_str()
            ),
            _ => format!("  {id} r{revision} {}", change.as_str()),
        });
    }
    if let Some(DocumentChange::New(document)) = &plan.document {
        let news = if plan.document_news.is_empty() {
            String::new()
        } else {
            format!(" (changes in {})", plan.document_news)
        };
        lines.push(format!(
            "  RFC 2350 description: version {}{news}",
            document.version
        ));
    }
    if lines.is_empty() {
        return;
    }
    out.push_str("Site\n");
    // A whole archive that is adopted need not scroll by.
    let shown = if lines.len() > 40 { 30 } else { lines.len() };
    out.push_str(&lines[..shown].join("\n"));
    if lines.len() > shown {
        let _ = write!(out, "\n  … and {} more", lines.len() - shown);
    }
    out.push_str("\n\n");
}

/// The plan as one JSON document. Addresses stand in it: it is for staff.
pub fn json(plan: &Plan<'_>) -> Value {
    let letters: Vec<Value> = plan
        .batches
        .iter()
        .map(|batch| {
            let advisory = batch.advisory;
            let recipients: Vec<Value> = batch
                .recipients
                .iter()
                .map(|r| object!({ "address": r.address.as_str(), "certificate": r.certificate.map(Fingerprint::to_string), "may_be_second": r.may_be_second }))
                .collect();
            object!({
                "advisory": advisory.id.as_str(), "revision": advisory.revision().number, "tlp": advisory.tlp.as_str(),
                "list": batch.whom.list().map(|list| list.name.as_str()), "language": batch.lang.as_str(),
                "cover": batch.cover.as_str(), "recipients": recipients,
            })
        })
        .collect();
    let held: Vec<Value> = plan
        .held
        .iter()
        .map(|held| {
            let advisory = held.advisory;
            let constituent = held.contact.map_or("", |contact| contact.constituent.as_str());
            object!({
                "advisory": advisory.id.as_str(), "revision": advisory.revision().number, "address": held.address.as_str(),
                "list": held.whom.list().map(|list| list.name.as_str()), "reason": held.why.reason(),
                "mend": held.why.mend(constituent, held.whom.name()), "notice": held.notice,
            })
        })
        .collect();
    let waiting: Vec<Value> = plan
        .waiting
        .iter()
        .map(|w| {
            let due = match &w.reason {
                Reason::Later(_, next) => Some(next.rfc3339()),
                _ => None,
            };
            object!({ "advisory": w.advisory.id.as_str(), "audience": w.audience, "reason": w.reason.words(), "due": due })
        })
        .collect();
    let site: Vec<Value> = plan
        .site
        .iter()
        .map(|(id, revision, change)| object!({ "advisory": id.as_str(), "revision": revision, "change": change.as_str() }))
        .collect();
    let document = plan.document.as_ref().map(|change| match change {
        DocumentChange::Unchanged(document) => object!({ "version": document.version, "changes": false }),
        DocumentChange::New(document) => {
            object!({ "version": document.version, "changes": true, "sections": plan.document_news })
        }
    });
    object!({
        "letters": letters, "held": held, "waiting": waiting, "site": site, "rfc2350": document,
        "orphans": plan.orphans.iter().map(|(id, n)| object!({ "advisory": id.as_str(), "letters": n })).collect::<Vec<_>>(),
        "suspended": plan.suspended.iter().map(suspended_json).collect::<Vec<_>>(),
        "colleagues": plan.colleagues.iter().filter(|one| one.due).map(|one| object!({
            "address": one.contact.address.as_str(), "of": one.of.address.as_str(),
        })).collect::<Vec<_>>(),
        "expiring": plan.expiring.iter().map(expiring_json).collect::<Vec<_>>(),
        "needs_attention": plan.needs_attention(),
        "conflicts": plan.conflicts.iter().map(|c| c.advisory.id.as_str()).collect::<Vec<_>>(),
        "nothing_to_do": plan.is_empty(),
    })
}
