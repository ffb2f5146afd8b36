//! Reports that machines write for machines: delivery status notifications (RFC 3464), also where only their fields were
//! left, complaints (RFC 5965), and notifications of Amazon SES.

use super::{
    Bounce, distinct, reason,
    sender::{self, Machine},
    status,
};
use crate::{
    inbound::{Mail, mime::Part},
    receipt::Verdict,
};
use serde_json::Value;

/// What a report says did not arrive; empty if all did. None if it is no such report.
pub fn told(mail: &Mail) -> Option<Vec<Bounce>> {
    let groups_of = |quoted| {
        let reports = mail
            .parts()
            .iter()
            .filter(move |part| part.is_quoted == quoted && is_status(part));
        reports
            .flat_map(|part| groups(&part.text(mail.raw())))
            .collect::<Vec<Group>>()
    };
    let found = groups_of(false);
    if !found.is_empty() {
        return Some(bounces(found));
    }
    // Some servers pass on the report of another as a mail in theirs. What a person passes on reports nothing.
    let passed_on = groups_of(true);
    if !passed_on.is_empty() && sender::machine(mail) == Machine::Surely {
        return Some(bounces(passed_on));
    }
    if let Some(bounces) = of_ses(mail) {
        return Some(bounces);
    }
    // What lost its structure on the way: the fields stand in the text.
    let is_meant = mail.root().kind == "multipart/report" || sender::machine(mail) != Machine::No;
    let text = mail.shown().filter(|_| is_meant)?.text(mail.raw());
    let groups = groups(&text);
    let is_one = groups
        .iter()
        .any(|group| group.get("action").is_some() && group.get("final-recipient").is_some());
    is_one.then(|| bounces(groups))
}

/// Whether somebody complains about a mail of ours.
pub fn is_complaint(mail: &Mail) -> bool {
    mail.root()
        .attribute("report-type")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("feedback-report"))
        || mail
            .parts()
            .iter()
            .any(|part| !part.is_quoted && part.kind == "message/feedback-report")
        || notification(mail).is_some_and(|value| {
            value["notificationType"] == "Complaint" || value["eventType"] == "Complaint"
        })
}

fn is_status(part: &Part) -> bool {
    matches!(
        part.kind.as_str(),
        "message/delivery-status" | "message/global-delivery-status"
    )
}

/// The fields about one recipient, names in lower case.
struct Group(Vec<(String, String)>);

impl Group {
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// What follows the type: `rfc822; ada@example.org`.
    fn typed(&self, name: &str) -> Option<&str> {
        let value = self.get(name)?;
        Some(value.split_once(';').map_or(value, |(_, rest)| rest).trim())
    }

    fn recipient(&self) -> Option<String> {
        let names = [
            "final-recipient",
            "original-recipient",
            "x-actual-recipient",
        ];
        let given: Vec<String> = names
            .iter()
            .filter_map(|name| self.typed(name))
            .map(bare)
            .filter(|address| !address.is_empty())
            .collect();
        given
            .iter()
            .find(|address| address.contains('@'))
            .or(given.first())
            .cloned()
    }

    fn bounce(&self) -> Option<Bounce> {
        // RFC 3464, 2.3.3: failed, delayed, delivered, relayed, expanded; comments may follow.
        let action = self.get("action").unwrap_or_default().to_ascii_lowercase();
        if ["delivered", "relayed", "expanded", "deliverable"]
            .iter()
            .any(|good| action.starts_with(good))
        {
            return None;
        }
        let diagnostic = self.typed("diagnostic-code").unwrap_or_default();
        let given = self.get("status").and_then(|given| {
            given
                .split([' ', '\t', '('])
                .find(|word| status::is_code(word))
        });
        let code = given
            .map(str::to_string)
            .or_else(|| status::code(diagnostic));
        let verdict = match &code {
            _ if action.starts_with("delay") => Verdict::Soft,
            Some(code) if code.starts_with('2') && !action.starts_with("fail") => return None,
            Some(code) => status::verdict(code).unwrap_or(Verdict::Hard),
            None => status::reply(diagnostic)
                .and_then(status::verdict)
                .unwrap_or(Verdict::Hard),
        };
        Some(Bounce {
            recipient: self.recipient()?,
            verdict,
            status: code,
            words: reason(diagnostic),
        })
    }
}

fn bounces(groups: Vec<Group>) -> Vec<Bounce> {
    distinct(groups.iter().filter_map(Group::bounce).collect())
}

/// The groups of fields that name a recipient.
fn groups(text: &str) -> Vec<Group> {
    let (mut all, mut group) = (Vec::<Group>::new(), Vec::<(String, String)>::new());
    let mut close = |group: &mut Vec<(String, String)>| {
        let group = Group(std::mem::take(group));
        if group.get("final-recipient").is_some()
            || group.get("original-recipient").is_some() && group.get("action").is_some()
        {
            all.push(group);
        }
    };
    for line in text.lines() {
        match (line.chars().next(), line.split_once(':')) {
            (Some(' ' | '\t'), _) if !group.is_empty() => {
                if let Some((_, value)) = group.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            }
            (Some(_), Some((name, value)))
                if !name.trim().is_empty() && !name.trim().contains(' ') =>
            {
                let name = name.trim().to_ascii_lowercase();
                // Some leave out the empty line between two recipients.
                if name == "final-recipient" && group.iter().any(|(key, _)| *key == name) {
                    close(&mut group);
                }
                group.push((name, value.trim().to_string()));
            }
            _ if line.trim().is_empty() => close(&mut group),
            _ => {}
        }
    }
    close(&mut group);
    all
}

/// An address without what stands around it.
fn bare(address: &str) -> String {
    let address = address.trim().trim_end_matches([';', ',', '.']);
    let inner = address
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(address, |(inner, _)| inner);
    let inner = inner.trim();
    // `"ada"@example.org` needs its quotes.
    inner
        .strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
        .unwrap_or(inner)
        .to_string()
}

/// What Amazon SES posts about a mail, if this is such a post.
fn notification(mail: &Mail) -> Option<Value> {
    if !mail
        .addresses("from")
        .iter()
        .any(|from| from.to_ascii_lowercase().ends_with("amazonaws.com"))
    {
        return None;
    }
    let text = mail.text();
    let json = text.trim_start();
    let end = json.rfind('}')?;
    serde_json::from_str(&json[..=end].replace('\n', "")).ok()
}

fn of_ses(mail: &Mail) -> Option<Vec<Bounce>> {
    let value = notification(mail)?;
    let bounce = value.get("bounce")?;
    let verdict = if bounce["bounceType"] == "Transient" {
        Verdict::Soft
    } else {
        Verdict::Hard
    };
    let recipients = bounce["bouncedRecipients"].as_array()?;
    let told = recipients.iter().filter_map(|one| {
        let words = one["diagnosticCode"].as_str().unwrap_or_default();
        let status = one["status"]
            .as_str()
            .filter(|code| status::is_code(code))
            .map(str::to_string);
        Some(Bounce {
            recipient: bare(one["emailAddress"].as_str()?),
            verdict,
            status,
            words: reason(words),
        })
    });
    let told = distinct(told.collect());
    (!told.is_empty()).then_some(told)
}
