//! Members from whom a list's letters are kept because letters came back, and the colleagues who are told so: pure
//! functions of roster, history and time.

use super::{Facts, again::once};
use crate::{
    receipt::{Bounce, DeliveryKey, Mail, MemberHash, Returns, State, Verdict},
    roster::{Bounces, Contact, Delivery, List, Roster},
    terms::{Address, Id, Moment},
};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// A member from whom a list's letters are kept.
#[derive(Debug, Clone)]
pub struct Suspended<'a> {
    /// The person.
    pub contact: &'a Contact,
    /// How the ledger knows the address.
    pub member: MemberHash,
    /// Whose letters are kept.
    pub list: &'a List,
    /// Since when.
    pub since: Moment,
    /// Whether the ledger does not say so yet: it is written down by the next run.
    pub is_new: bool,
    /// On how many days a letter came back for good, and for now.
    pub days: (u32, u32),
}

/// Somebody who hears that a colleague's mail comes back.
#[derive(Debug, Clone)]
pub struct Colleague<'a> {
    /// Who is told.
    pub contact: &'a Contact,
    /// Whose mail comes back.
    pub of: &'a Contact,
    /// What the notice is about: see [`Mail::Suspension`].
    pub key: DeliveryKey,
    /// What became of it so far.
    pub state: Option<State>,
    /// Whether it is sent now.
    pub due: bool,
    /// When it is, if it was deferred and that is not now.
    pub next: Option<Moment>,
}

/// On how many of the last days that count a letter was sent that came back: for good, and only for now.
///
/// It is the day on which it was sent, which our own clock knows, and not that on which somebody read what came back.
pub fn days(policy: &Bounces, bounces: &[Bounce], now: &Moment) -> (u32, u32) {
    let mut worst: BTreeMap<Date, Verdict> = BTreeMap::new();
    for bounce in bounces
        .iter()
        .filter(|bounce| bounce.counts && bounce.sent.days_until(now) < i64::from(policy.within))
    {
        let day = worst.entry(bounce.sent.date()).or_insert(bounce.verdict);
        *day = bounce.verdict.max(*day);
    }
    let count = |verdict| {
        worst
            .values()
            .filter(|day| **day == verdict)
            .count()
            .try_into()
            .unwrap_or(u32::MAX)
    };
    (count(Verdict::Hard), count(Verdict::Soft))
}

/// Whether so many days are enough: each is its part of what would be enough alone.
pub fn is_enough(policy: &Bounces, (hard, soft): (u32, u32)) -> bool {
    let parts = |days: u32, other: u32| u64::from(days) * u64::from(other);
    policy.suspend
        && parts(hard, policy.soft) + parts(soft, policy.hard) >= parts(policy.hard, policy.soft)
}

/// All of them, in the order of the roster. Each list judges by its own policy, whichever list's letters came back: it is
/// the address that fails. Who is suspended by staff is not among them.
pub fn suspended<'a>(
    roster: &'a Roster,
    returns: &Returns,
    member: &dyn Fn(&Address) -> MemberHash,
    now: &Moment,
) -> Vec<Suspended<'a>> {
    if returns.bounces.is_empty() && returns.suspensions.is_empty() {
        return Vec::new();
    }
    let mut all: Vec<Suspended<'a>> = Vec::new();
    for contact in roster
        .contacts()
        .filter(|contact| contact.suspended.is_none())
    {
        let member = member(&contact.address);
        let (bounces, before) = (
            returns.bounces.get(&member),
            returns.suspensions.get(&member),
        );
        if bounces.is_none() && before.is_none() {
            continue;
        }
        for list in contact
            .lists
            .iter()
            .filter_map(|name| roster.lists.get(name))
        {
            let is_known = all
                .iter()
                .any(|one| one.member == member && one.list.name == list.name);
            if is_known || list.delivery != Delivery::Direct || !list.bounces.suspend {
                continue;
            }
            let days = days(&list.bounces, bounces.map_or(&[], Vec::as_slice), now);
            let since = before.and_then(|before| before.get(list.name.as_str()));
            if since.is_some() || is_enough(&list.bounces, days) {
                let (is_new, since) = (since.is_none(), since.unwrap_or(now).clone());
                all.push(Suspended {
                    contact,
                    member,
                    list,
                    since,
                    is_new,
                    days,
                });
            }
        }
    }
    all
}

/// Who else of a suspended member's constituent is told, once for each suspension: everybody who can be.
pub(super) fn colleagues<'a>(facts: &Facts<'a>, suspended: &[Suspended<'a>]) -> Vec<Colleague<'a>> {
    let send = facts.request.ids.is_empty();
    let mut all: Vec<Colleague<'a>> = Vec::new();
    for one in suspended {
        let Some(constituent) = facts.roster.constituent(&one.contact.constituent) else {
            continue;
        };
        let since = suspended
            .iter()
            .filter(|other| other.member == one.member)
            .map(|other| &other.since)
            .min();
        let day = since.unwrap_or(&one.since).date();
        let advisory: Id = format!("suspended.{day}")
            .parse()
            .expect("letters, digits, a dot and hyphens are an id");
        for contact in constituent
            .contacts
            .iter()
            .filter(|contact| contact.suspended.is_none())
        {
            let member = (facts.member)(&contact.address);
            let key = DeliveryKey {
                advisory: advisory.clone(),
                revision: one.member.hex(),
                mail: Mail::Suspension,
                member,
            };
            if suspended.iter().any(|other| other.member == member)
                || all.iter().any(|other| other.key == key)
            {
                continue;
            }
            let receipt = facts.history.deliveries.get(&key);
            let state = receipt.map(|receipt| receipt.state);
            let (due, next) = once(receipt, facts.now);
            let (due, next) = (send && due, next.filter(|_| send));
            all.push(Colleague {
                contact,
                of: one.contact,
                key,
                state,
                due,
                next,
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounce(verdict: Verdict, sent: &str) -> Bounce {
        let moment = |text: &str| text.parse::<Moment>().expect(text);
        let (status, words, at) = (String::new(), String::new(), moment("2026-07-31"));
        Bounce {
            verdict,
            status,
            words,
            sent: moment(sent),
            at,
            counts: true,
        }
    }

    /// Days of July 2026: `h3 s4`.
    fn of(days: &str) -> Vec<Bounce> {
        let one = |word: &str| {
            let verdict = if word.starts_with('h') {
                Verdict::Hard
            } else {
                Verdict::Soft
            };
            bounce(verdict, &format!("2026-07-{:0>2}T10:00:00Z", &word[1..]))
        };
        days.split_whitespace().map(one).collect()
    }

    #[test]
    fn days_are_counted_and_not_letters() {
        let (policy, now) = (
            Bounces::default(),
            "2026-07-31T12:00:00Z".parse().expect("a time"),
        );
        for (bounces, hard_and_soft) in [
            ("", (0, 0)),
            ("h3", (1, 0)),
            ("h3 h3 h3 s3", (1, 0)),
            ("s3 h3", (1, 0)),
            ("s3 s4 s4 h5 h6", (2, 2)),
        ] {
            assert_eq!(
                days(&policy, &of(bounces), &now),
                hard_and_soft,
                "{bounces}"
            );
        }
        let forgiven: Vec<Bounce> = of("h3 h4")
            .into_iter()
            .map(|one| Bounce {
                counts: false,
                ..one
            })
            .collect();
        assert_eq!(days(&policy, &forgiven, &now), (0, 0));
        let short = Bounces {
            within: 10,
            ..policy
        };
        assert_eq!(
            days(&short, &of("h20 h21 h22"), &now),
            (1, 0),
            "what is older than ten days does not count"
        );
    }

    #[test]
    fn hard_and_soft_are_parts_of_one_whole() {
        let policy = Bounces {
            suspend: true,
            hard: 2,
            soft: 6,
            within: 60,
        };
        for (days, enough) in [
            ((0, 0), false),
            ((1, 0), false),
            ((2, 0), true),
            ((0, 5), false),
            ((0, 6), true),
            ((1, 2), false),
            ((1, 3), true),
            ((9, 99), true),
        ] {
            assert_eq!(is_enough(&policy, days), enough, "{days:?}");
        }
        assert!(!is_enough(
            &Bounces {
                suspend: false,
                ..policy
            },
            (100, 100)
        ));
        let widest = Bounces {
            hard: 100,
            soft: 100,
            ..policy
        };
        assert!(is_enough(&widest, (u32::MAX, u32::MAX)));
    }
}
