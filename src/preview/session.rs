//! Which page is which, as long as one state of the workspace is shown.

use super::{letters, overview, overview::PlanInWords, reading::Snapshot, word_of};
use crate::{
    advisory::{Advisory, Status as Stage},
    plan::{self, Facts, Request},
    publish::{self, PublishError, Stock},
    render::{
        preview::{
            Collection, Lists, Mark, OWN, Sheet, SiteDesk, Status, Trouble, TwinOfSite, Unsigned,
            Word, Workshop, marked,
        },
        site::{page::RenderError, pages::SiteShop},
    },
    rfc2350::Document,
    settings::Site,
    terms::{Address, Fingerprint},
    tlp::{Forecast, Public, Refusal, Shareable, Staff},
};
use std::{cell::OnceCell, collections::BTreeMap};

/// One state of the workspace, ready to be looked at.
pub(super) struct Session<'a> {
    pub snapshot: &'a Snapshot,
    /// All that a plan depends on.
    pub facts: Facts<'a>,
    stock: &'a Stock<'a, Staff>,
    desk: SiteDesk<'a>,
    collection: Shareable<Collection<'a>, Staff>,
    /// Made when somebody first looks at it: it takes the longest.
    plan: OnceCell<PlanInWords>,
}

type Made = Result<Option<Shareable<Sheet, Staff>>, RenderError>;

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

    /// What staff are shown at a path below the preview's own.
    pub(super) fn sheet(&self, path: &str, workshop: &Workshop) -> Shareable<Sheet, Staff> {
        match self.made(path, workshop) {
            Ok(Some(sheet)) => sheet,
            Ok(None) => {
                let text = "The overview lists all advisories. One that is not addressed to the public has letters, but no page."
                    .to_string();
                word_of(
                    Word {
                        status: Status::Missing,
                        heading: "There is no such page".into(),
                        text,
                    },
                    workshop,
                )
            }
            Err(error) => {
                let text = format!("error: {error}\n");
                word_of(
                    Word {
                        status: Status::Broken,
                        heading: "This page cannot be made".into(),
                        text,
                    },
                    workshop,
                )
            }
        }
    }

    fn made(&self, path: &str, workshop: &Workshop) -> Made {
        if let Some(own) = path.strip_prefix(OWN) {
            return self.own(own, workshop);
        }
        if let Some(text) = self.unsigned(path)? {
            return Ok(Some(text));
        }
        let path = if path.is_empty() || path.ends_with('/') {
            format!("{path}index.html")
        } else {
            path.to_string()
        };
        Ok(self
            .collection
            .make::<Vec<Sheet>>(&(workshop, &self.desk, path.as_str()))?
            .each()
            .next())
    }

    fn own(&self, path: &str, workshop: &Workshop) -> Made {
        let page = match path {
            "" => Some(1),
            _ => path
                .strip_prefix("page/")
                .and_then(|page| page.strip_suffix('/')?.parse().ok()),
        };
        if let Some(page) = page {
            return match overview::page(self, page, workshop) {
                Some(overview) => Ok(Some(
                    Shareable::past_the_gate(overview).make::<Sheet>(workshop)?,
                )),
                None => Ok(None),
            };
        }
        if path == "plan/" {
            let heading = "What `advise publish` would do now".to_string();
            let word = Word {
                status: Status::Found,
                heading,
                text: self.plan().words.clone(),
            };
            return Ok(Some(word_of(word, workshop)));
        }
        let Some((id, slug)) = path
            .strip_prefix("letters/")
            .and_then(|rest| rest.split_once('/'))
        else {
            return Ok(None);
        };
        let Some(advisory) = self
            .snapshot
            .workspace
            .advisories
            .iter()
            .find(|one| one.id.as_str() == id)
        else {
            return Ok(None);
        };
        match letters::page(self, advisory, slug.trim_end_matches('/'), workshop) {
            Some(page) => Ok(Some(
                Shareable::past_the_gate(page).make::<Sheet>(workshop)?,
            )),
            None => Ok(None),
        }
    }

    /// The texts that are signed when they are published.
    fn unsigned(&self, path: &str) -> Made {
        for room in self.desk.rooms() {
            let name = room.path("rfc2350.txt");
            if path == name {
                let document = self
                    .stock
                    .documents
                    .iter()
                    .find(|document| document.thing().lang() == &room.lang);
                let text = document.map(|document| Unsigned(Document::text(document.thing())));
                return Ok(text.map(|text| as_sheet(text, None)));
            }
            let archive = room.path("rfc2350/archive/");
            if let Some(version) = path
                .strip_prefix(&archive)
                .and_then(|name| name.strip_suffix(".txt")?.parse::<u32>().ok())
            {
                let before = self
                    .snapshot
                    .history
                    .editions
                    .iter()
                    .find(|edition| edition.version.version == version);
                let before = before
                    .and_then(|edition| edition.texts.get(&room.lang))
                    .map(|text| text.text.clone());
                let mut now = self.stock.documents.iter().map(Shareable::thing);
                let now = now.find(|document| {
                    document.lang() == &room.lang && document.version() == version
                });
                return Ok(before
                    .or_else(|| now.map(Document::text))
                    .map(|text| as_sheet(Unsigned(text), None)));
            }
            let folder = room.path("advisories/");
            let Some(id) = path
                .strip_prefix(&folder)
                .and_then(|name| name.strip_suffix(".txt"))
            else {
                continue;
            };
            let collection = self.collection.thing();
            let Some(advisory) = collection.all.iter().find(|one| one.id.as_str() == id) else {
                continue;
            };
            let twin = Shareable::past_the_gate(*advisory).make::<TwinOfSite>(room)?;
            let text = twin
                .thing()
                .0
                .as_ref()
                .map(|text| Unsigned(self.desk.at_home_text(&text.0)));
            return Ok(text.map(|text| as_sheet(text, collection.marks.get(id))));
        }
        Ok(None)
    }
}

fn as_sheet(text: Unsigned, mark: Option<&Mark>) -> Shareable<Sheet, Staff> {
    let Ok(sheet) = Shareable::past_the_gate(text).make::<Sheet>(&mark);
    sheet
}
