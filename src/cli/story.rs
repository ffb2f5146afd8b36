//! What came of `publish`, over all its rounds, and how staff are told.

use super::{Done, desk::Desk, ui::count};
use crate::{
    channels::mail::Served,
    plan::{self, Plan},
    publish::Report,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All of it.
pub struct Story {
    /// For programs only: with a hundred thousand recipients it is the most of this program's memory.
    plan: Option<Value>,
    /// Letters and notices by how they ended; `deferred` and `unknown` as it is after the last round.
    outcomes: BTreeMap<&'static str, usize>,
    untried: usize,
    closed: Option<String>,
    served: Vec<Served>,
    site: Option<Value>,
    site_changed: bool,
    untidy: Vec<String>,
    held: usize,
    stuck: bool,
    /// Copies whose next try was not due.
    later: usize,
    next: Option<String>,
    rounds: usize,
}

impl Story {
    /// Of one round.
    pub fn of(desk: &Desk, plan: &Plan<'_>, report: Report) -> Story {
        let site = report.site.as_ref();
        Story {
            plan: desk.ui.wants_json().then(|| plan::json(plan)),
            site: site.map(|c| json!({ "added": c.added.len(), "changed": c.changed.len(), "removed": c.removed.len() })),
            site_changed: site.is_some_and(|changes| !changes.is_empty()),
            outcomes: report.outcomes,
            untried: report.untried,
            closed: report.closed.as_ref().map(ToString::to_string),
            served: report.served,
            untidy: report.untidy.iter().map(|error| format!("{error:#}")).collect(),
            held: plan.held.len(),
            stuck: plan.is_stuck(),
            later: plan.deferred(),
            next: plan.next_try().map(|next| next.rfc3339()),
            rounds: 1,
        }
    }

    /// What came of the next round as well.
    pub fn and_then(&mut self, round: Story) {
        for word in ["deferred", "unknown"] {
            self.outcomes.remove(word);
        }
        for (word, n) in round.outcomes {
            *self.outcomes.entry(word).or_default() += n;
        }
        for served in round.served {
            match self
                .served
                .iter_mut()
                .find(|known| known.server == served.server)
            {
                Some(known) => {
                    *known = Served {
                        taken: known.taken + served.taken,
                        ..served
                    }
                }
                None => self.served.push(served),
            }
        }
        (self.untried, self.closed, self.later, self.next) =
            (round.untried, round.closed, round.later, round.next);
        self.rounds += 1;
    }

    /// The post is closed, for this reason.
    pub fn closed(&mut self, why: String) {
        self.closed = Some(why);
    }

    /// Whether the post closed before everything was tried.
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// How many copies wait for another try.
    pub fn open(&self) -> usize {
        let of = |word: &str| self.outcomes.get(word).copied().unwrap_or(0);
        of("deferred") + of("unknown") + self.untried + self.later
    }

    fn is_complete(&self) -> bool {
        self.open() == 0
            && self.untidy.is_empty()
            && self.outcomes.keys().all(|word| *word == "accepted")
    }

    /// How it ended.
    pub fn done(&self) -> Done {
        match self.is_complete() {
            false => Done::Partly,
            true if self.held > 0 || self.stuck => Done::WithFindings,
            true => Done::Well,
        }
    }

    /// On standard output for programs, and on standard error what has to be said.
    pub fn tell(&self, desk: &Desk) {
        if desk.ui.wants_json() {
            let served: Vec<Value> = self
                .served
                .iter()
                .map(|Served { server: (host, port), taken, trouble }| {
                    json!({ "host": host, "port": port, "taken": taken, "passed_over": trouble })
                })
                .collect();
            desk.ui.json(&json!({
                "plan": self.plan, "outcomes": self.outcomes, "untried": self.untried, "waiting": self.later,
                "next_try": self.next, "site": self.site, "closed": self.closed, "servers": served, "rounds": self.rounds,
            }));
        }
        for served in &self.served {
            if let (Some(why), None) = (&served.trouble, &self.closed) {
                let (host, port) = &served.server;
                desk.ui.warning(&format!(
                    "mail server `{host}:{port}` was passed over: {why}"
                ));
            }
        }
        if let Some(why) = &self.closed {
            desk.ui.warning(&format!(
                "{why}; {} not tried",
                count(self.untried, "letter was", "letters were")
            ));
        }
        for error in &self.untidy {
            desk.ui.warning(&format!(
                "the site stands, but something was left untidy: {error}"
            ));
        }
        if self.outcomes.keys().any(|word| *word != "accepted") {
            let words: Vec<String> = self
                .outcomes
                .iter()
                .map(|(word, n)| format!("{n} {word}"))
                .collect();
            desk.ui.warning(&format!(
                "not all letters were taken: {}; `advise status` shows the answers",
                words.join(", ")
            ));
        }
        let did_nothing = self.outcomes.is_empty() && !self.site_changed;
        match (&self.next, self.is_complete()) {
            (Some(next), _) if did_nothing && self.untried == 0 => {
                let wait = count(self.later, "letter waits", "letters wait");
                desk.ui.deed(&format!("nothing to do now: {wait} for the next try, due at {next}; name the id to try at once"));
            }
            (_, false) if self.open() == 0 && self.untidy.is_empty() => {
                desk.ui.deed("what failed is tried again only if its id is named: `advise publish ID`");
            }
            (_, false) => desk.ui.deed("run `advise publish` again: it goes on where this stopped, and sends nothing twice"),
            (_, true) if did_nothing => desk.ui.deed(match self.stuck {
                true => "nothing to do now, but not everybody has what was meant for them: see `advise plan`",
                false => "nothing to do: everything is published already",
            }),
            (_, true) => {}
        }
        if self.held > 0 {
            desk.ui.deed(&format!(
                "{} held; `advise plan` says how to mend it",
                count(self.held, "letter is", "letters are")
            ));
        }
    }
}
