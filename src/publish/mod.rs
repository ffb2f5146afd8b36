//! Carries out a plan. [`prepare`] composes, signs, verifies and stages everything; nothing leaves before it has
//! come back without an error. [`Prepared::carry_out`] records, switches the site, delivers and settles.
//!
//! - `mail`: composes, signs, packs and delivers letters and notices.
//! - `site`: makes, signs and stages the public files, and keeps the versions of the RFC 2350 description.
//! - `difference`: shows how the file of a published revision has changed.
//!
//! Nothing is asked or printed here.

mod difference;
mod mail;
mod site;

pub use difference::difference;
pub use mail::{
    clock::Clock,
    compose::{Addressed, Office},
    rate_limit::Pace,
};
pub use site::{
    announcement::announcement,
    archive::take_over,
    document::{digest as document_digest, text as document_text},
    stage::{Stock, forget_standing, stage},
    template_check::trial,
};

use crate::{
    channels::{
        deploy::{DeployError, Record},
        mail::{ParcelError, Post, PostError, Served},
        site::{Changes, SiteError, Switch},
    },
    ledger::{Ledger, LedgerError},
    openpgp::{SignerError, TeamKey},
    plan::{Change, DocumentChange, Plan},
    receipt::{History, Intent},
    render::{
        letter::{LetterError, PackError},
        site::page::RenderError,
    },
    terms::{Id, Moment},
    tlp::{Gate, Refusal},
    workspace::Workspace,
};
use mail::{deliver, letters, letters::Ready, queue, reminders};
use site::stage;
use std::{collections::BTreeMap, io, path::PathBuf};

/// Hands out the team's key, opened when it is first needed.
pub trait Keyring: Sync {
    /// The key, or why it cannot be had.
    fn key(&self) -> Result<&TeamKey, PublishError>;
}

/// Looks on: progress and deeds.
pub trait Watch: Sync {
    /// A piece of work of this many steps begins.
    fn begin(&self, what: &'static str, steps: usize);
    /// One step is done.
    fn step(&self);
    /// The piece of work is over.
    fn end(&self);
    /// One thing was done, in words.
    fn deed(&self, words: &str);
}

/// Why nothing, or not everything, was done.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum PublishError {
    #[error("the team's key cannot be used: {0}")]
    Key(String),
    #[error("the mail server's password cannot be had: {0}")]
    Password(String),
    #[error(transparent)]
    Signer(#[from] SignerError),
    #[error("the letter of `{id}` cannot be composed: {error}")]
    Letter { id: Id, error: LetterError },
    #[error("the notice for held members cannot be composed: {0}")]
    Notice(LetterError),
    #[error("the letter of `{id}` cannot be packed: {error}")]
    Pack { id: Id, error: PackError },
    #[error("a letter of `{id}` has no way to its recipient: {error}")]
    Parcel { id: Id, error: ParcelError },
    #[error("the gate refuses it: {0}")]
    Gate(#[from] Refusal),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("the words of the site are wrong")]
    Words(crate::diag::Findings),
    #[error("cannot use `{}`: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    /// It happened when the site was switched already, or letters were sent.
    #[error("{0}")]
    Midway(Box<PublishError>),
}

impl PublishError {
    fn midway(self) -> PublishError {
        PublishError::Midway(Box::new(self))
    }
}

/// What everything is made of and with.
pub struct Job<'a> {
    /// What the team decided.
    pub workspace: &'a Workspace,
    /// What is to be done.
    pub plan: &'a Plan<'a>,
    /// What was done before.
    pub history: &'a History,
    /// `.advise/`.
    pub work: PathBuf,
    /// The time.
    pub now: &'a Moment,
    /// Opens what leaves.
    pub gate: &'a Gate,
    /// For the team's key.
    pub keyring: &'a dyn Keyring,
    /// Who looks on.
    pub watch: &'a dyn Watch,
}

/// Everything composed, signed, verified and staged; nothing has left.
pub struct Prepared<'a> {
    job: &'a Job<'a>,
    ready: Vec<Ready<'a>>,
    notices: Vec<letters::ReadyNotice<'a>>,
    site: Option<(Switch, stage::Kept)>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Files of the site.
    pub site: Option<Changes>,
    /// Letters and notices by how they ended: `accepted`, `deferred`, `failed`, `unknown`.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Letters that were not tried, because the post is closed.
    pub untried: usize,
    /// Why the post is closed.
    pub closed: Option<PostError>,
    /// The mail servers, where there is a choice of them.
    pub served: Vec<Served>,
    /// What could not be tidied up after the site was switched; nothing that readers see.
    pub untidy: Vec<PublishError>,
}

impl Report {
    /// Whether every letter was taken.
    pub fn is_complete(&self) -> bool {
        self.untried == 0
            && self.untidy.is_empty()
            && self.outcomes.keys().all(|word| *word == "accepted")
    }
}

/// Composes, signs, verifies and stages everything that the plan asks for.
pub fn prepare<'a>(job: &'a Job<'a>, ledger: &mut Ledger) -> Result<Prepared<'a>, PublishError> {
    let ready = letters::compose(job, ledger)?;
    let mut notices = letters::notices(job, ledger)?;
    notices.extend(reminders::compose(job, ledger)?);
    let site = match job.plan.web {
        true => {
            let public = job.workspace.root.join("public");
            Some(stage::stage_and_compare(job, ledger, &public)?)
        }
        false => None,
    };
    Ok(Prepared {
        job,
        ready,
        notices,
        site,
    })
}

impl<'a> Prepared<'a> {
    /// Freezes and writes down all intents, switches the site, then delivers, by all posts at once.
    ///
    /// An error means that nothing was sent, unless it is [`PublishError::Midway`]. What the posts say from the
    /// first letter on is in the report.
    pub fn carry_out(
        self,
        ledger: &mut Ledger,
        posts: Vec<Box<dyn Post>>,
        pace: Option<&mut Pace>,
    ) -> Result<Report, PublishError> {
        let Prepared {
            job,
            ready,
            notices,
            site,
        } = self;
        let mut report = Report::default();
        record(job, ledger, &ready, &notices, site.as_ref())?;
        if let Some((switch, kept)) = site {
            let changes = switch.changes().clone();
            if !changes.is_empty() {
                Record::put_away(&job.work)?;
            }
            let is_all_made = switch.is_all_made();
            match switch.commit() {
                Err(error) if error.is_halfway() => return Err(PublishError::from(error).midway()),
                Err(error) if !error.is_live() => return Err(error.into()),
                // The new site stands: what could not be tidied up must not keep the letters from leaving.
                Err(error) => report.untidy.push(error.into()),
                Ok(_) => {}
            }
            stage::record(job, ledger).map_err(PublishError::midway)?;
            report
                .untidy
                .extend(stage::record_files(job, kept, &changes, is_all_made).err());
            stage::deeds(job, &changes);
            report.site = Some(changes);
        }
        if !posts.is_empty() {
            let mail = queue::Outgoing {
                ready: &ready,
                notices: &notices,
            };
            deliver::deliver(job, ledger, &mail, posts, pace, &mut report)
                .map_err(PublishError::midway)?;
        }
        Ok(report)
    }
}

/// In one transaction: what is frozen, and who is about to get what.
fn record(
    job: &Job<'_>,
    ledger: &mut Ledger,
    ready: &[Ready<'_>],
    notices: &[letters::ReadyNotice<'_>],
    site: Option<&(Switch, stage::Kept)>,
) -> Result<(), PublishError> {
    let mut freeze: BTreeMap<&Id, &crate::advisory::Advisory> = BTreeMap::new();
    for ready in ready {
        let advisory = ready.advisory();
        freeze.insert(&advisory.id, advisory);
    }
    if site.is_some() {
        let changed = job
            .plan
            .site
            .iter()
            .filter(|(_, _, change)| *change != Change::Disappears);
        freeze.extend(changed.filter_map(|(id, ..)| {
            job.workspace
                .advisory(id)
                .map(|advisory| (&advisory.id, advisory))
        }));
    }
    let mut frozen = Vec::new();
    for advisory in freeze.into_values() {
        let key = (advisory.id.clone(), advisory.revision().number.clone());
        if !job.history.frozen.contains_key(&key) {
            frozen.push((
                advisory,
                difference::line_hashes(job.workspace, advisory, ledger)?,
            ));
        }
    }
    let owed: Vec<Intent> = letters::owed(job, ledger);
    let batch = ledger.batch()?;
    for (advisory, lines) in &frozen {
        batch.freeze(
            &advisory.id,
            &advisory.revision().number,
            advisory.digest,
            lines,
            job.now,
        )?;
    }
    // The letters' one by one: a hundred thousand at once would be the most of this program's memory.
    for intent in ready.iter().flat_map(Ready::intents) {
        batch.intend(&intent, job.now)?;
    }
    for intent in owed
        .iter()
        .chain(notices.iter().flat_map(|notice| &notice.intents))
    {
        batch.intend(intent, job.now)?;
    }
    for one in job.plan.suspended.iter().filter(|one| one.is_new) {
        batch.suspend(&one.member, one.list.name.as_str(), job.now)?;
    }
    if let Some((_, kept)) = site {
        // With the intents: who is told of a version is told of this one, with this date, whenever the run ends.
        kept.editions
            .iter()
            .try_for_each(|edition| batch.document_published(edition))?;
    }
    batch.commit()?;
    Ok(())
}

/// The version of the RFC 2350 document that is out after this run.
fn document_version<'p>(plan: &'p Plan<'_>) -> Option<&'p crate::receipt::DocumentVersion> {
    match plan.document.as_ref()? {
        DocumentChange::Unchanged(version) | DocumentChange::New(version) => Some(version),
    }
}
