//! One state of the workspace, ready to be looked at.

use super::reading::Snapshot;
use crate::{
    advisory::{Advisory, Status as Stage},
    plan::{self, Change, Facts, Plan, Request},
    publish::{self, PublishError, Stock},
    render::{
        preview::{Collection, Lists, Mark, SiteDesk, Trouble, marked},
        site::pages::SiteShop,
    },
    settings::Site,
    terms::{Address, Fingerprint, Id},
    tlp::{Forecast, Public, Refusal, Shareable, Staff},
};
use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap},
};

/// One state of the workspace, ready to be looked at.
pub(super) struct Session<'a> {
    pub snapshot: &'a Snapshot,
    /// All that a plan depends on.
    pub facts: Facts<'a>,
    pub(super) stock: &'a Stock<'a, Staff>,
    pub(super) desk: SiteDesk<'a>,
    pub(super) collection: Shareable<Collection<'a>, Staff>,
    /// Made when somebody first looks at it: it takes the longest.
    plan: OnceCell<PlanInWords>,
}

/// Opens a session and does something with it.
pub(super) fn with<T>(
    snapshot: &Snapshot,
    prefix: &str,
    work: impl FnOnce(&Session<'_>) -> T,
) -> Result<T, Trouble> {
    let workspace = &snapshot.workspace;
    let site = Site {
        url: address(&workspace.settings.site, prefix),
        ..workspace.settings.site.clone()
    };
    let stock = stock(snapshot)?;
    let shop = SiteShop::open(stock.supplies(&site)).map_err(|error| broken(&error.to_string()))?;

    let forecast = Forecast::at(&snapshot.now);
    let mut marks: BTreeMap<&str, Mark> = BTreeMap::new();
    let mut shown: Vec<&Advisory> = Vec::new();
    for one in &workspace.advisories {
        let mark = match (forecast.once_final(one, &Public), one.status) {
            (Err(Refusal::Embargoed(until)), Stage::Final | Stage::Withdrawn) => {
                Some(Mark::Embargo(until))
            }
            (Ok(()) | Err(Refusal::Embargoed(_)), Stage::Draft)
                if snapshot.stale.contains(&one.id) =>
            {
                Some(Mark::Broken)
            }
            (Ok(()) | Err(Refusal::Embargoed(_)), Stage::Draft) => Some(Mark::Draft),
            (Ok(()), Stage::Final | Stage::Withdrawn) => None,
            // Closed: no word of it on any page of the site, not even here.
            (Err(_), _) => continue,
        };
        shown.push(one);
        if let Some(mark) = mark {
            marks.insert(one.id.as_str(), mark);
        }
    }
    let not_yet: BTreeMap<&str, Advisory> = shown
        .iter()
        .filter_map(|one| Some((one.id.as_str(), marked(one, marks.get(one.id.as_str())?))))
        .collect();
    let all: Vec<&Advisory> = shown
        .iter()
        .map(|one| not_yet.get(one.id.as_str()).unwrap_or(*one))
        .collect();
    let public: Vec<&Advisory> = shown
        .iter()
        .copied()
        .filter(|one| !marks.contains_key(one.id.as_str()))
        .collect();
    let lists = [Lists::of(&all), Lists::of(&public)];
    let collection = Collection { all, public, marks };
    let desk = SiteDesk::open(
        shop,
        &site,
        &workspace.settings.site,
        &collection,
        [&lists[0], &lists[1]],
    );
    let collection = Shareable::past_the_gate(collection);
    let member = |address: &Address| snapshot.members.hash(address);
    let key_state =
        |fingerprint: &Fingerprint| workspace.certificates.state(fingerprint, &snapshot.now);
    let request = Request::default();
    let announcement = publish::announcement(workspace, &snapshot.history, None, &snapshot.now);
    let facts = Facts {
        announcement: announcement.as_ref(),
        advisories: &workspace.advisories,
        roster: &workspace.roster,
        settings: &workspace.settings,
        key_state: &key_state,
        history: &snapshot.history,
        member: &member,
        document: publish::document_digest(workspace, &snapshot.now),
        now: &snapshot.now,
        request: &request,
    };
    Ok(work(&Session {
        snapshot,
        facts,
        stock: &stock,
        desk,
        collection,
        plan: OnceCell::new(),
    }))
}

/// Whether [`with`] will find nothing wrong.
pub(super) fn opens(snapshot: &Snapshot, prefix: &str) -> Result<(), Trouble> {
    with(snapshot, prefix, |_| ())
}

fn stock(snapshot: &Snapshot) -> Result<Stock<'_, Staff>, Trouble> {
    Stock::to_come(&snapshot.workspace, &snapshot.history, &snapshot.now).map_err(|error| {
        match error {
            PublishError::Words(findings) => {
                let text: Vec<String> = findings.iter().map(crate::diag::show).collect();
                Trouble {
                    title: "the words of the site are wrong".into(),
                    text: text.join("\n"),
                }
            }
            error => broken(&error.to_string()),
        }
    })
}

fn broken(error: &str) -> Trouble {
    Trouble {
        title: "the pages cannot be made".into(),
        text: format!("error: {error}\n"),
    }
}

/// The site's own address with the preview's folder for its path: links within the site lead into the preview, and every
/// address that is meant for readers can be told from them.
fn address(site: &Site, prefix: &str) -> url::Url {
    let mut url = site.url.clone();
    url.set_path(prefix);
    url
}

impl<'a> Session<'a> {
    /// What would happen, in the words and by the judgement of `plan`.
    pub(super) fn plan(&self) -> &PlanInWords {
        self.plan
            .get_or_init(|| PlanInWords::of(&plan::make(&self.facts)))
    }

    /// Where an advisory stands on the site, if it does here.
    pub(super) fn page_of(&self, advisory: &Advisory, prefix: &str) -> Option<String> {
        let stands = self
            .collection
            .thing()
            .all
            .iter()
            .any(|one| one.id == advisory.id);
        stands.then(|| format!("{prefix}advisories/{}/", advisory.id))
    }
}

/// What `publish` would do.
pub(super) struct PlanInWords {
    /// As `plan` says it.
    pub(super) words: String,
    pub(super) lines: HashMap<Id, Vec<String>>,
}

impl PlanInWords {
    /// Of a plan for everything.
    pub(super) fn of(plan: &Plan<'_>) -> PlanInWords {
        let mut lines: HashMap<Id, Vec<String>> = HashMap::new();
        let mut say = |id: &Id, line: String| lines.entry(id.clone()).or_default().push(line);
        for conflict in &plan.conflicts {
            let line = "`publish` stops: it is out already, and has changed without a new revision";
            say(&conflict.advisory.id, line.into());
        }
        for (id, _, change) in plan
            .site
            .iter()
            .filter(|(_, _, change)| *change != Change::Disappears)
        {
            say(id, format!("site: {}", change.as_str()));
        }
        for batch in &plan.batches {
            let to = match batch.whom.list() {
                Some(list) => format!("list `{}`", list.name),
                None => batch
                    .recipients
                    .first()
                    .map_or_else(String::new, |one| one.address.to_string()),
            };
            let copies = letters(batch.recipients.len());
            say(
                &batch.advisory.id,
                format!("sends {to}: {copies} ({}, {})", batch.cover, batch.lang),
            );
        }
        for held in &plan.held {
            let who = held.contact.map_or_else(
                || held.address.to_string(),
                |one| format!("{} <{}>", one.name, one.address),
            );
            say(
                &held.advisory.id,
                format!("HELD {who} (`{}`): {}", held.whom.name(), held.why.reason()),
            );
        }
        for waiting in &plan.waiting {
            say(
                &waiting.advisory.id,
                format!("not now → {}: {}", waiting.audience, waiting.reason.words()),
            );
        }
        PlanInWords {
            words: plan::words(plan),
            lines,
        }
    }
}

/// A number of letters, in words.
pub(super) fn letters(n: usize) -> String {
    format!("{n} {}", if n == 1 { "letter" } else { "letters" })
}
