//! One round of `advise publish`: makes the plan of what the workspace says now, and carries it out as one run of the ledger.

use crate::{
    channels::mail,
    cli::{
        desk::Desk,
        failure::{Failure, Kind, not_ours},
        story::Story,
        ui::Ui,
    },
    ledger::{Ledger, RunOutcome},
    openpgp::TeamKey,
    plan::{self, Request, Seen},
    publish::{self, Clock, Job, Keyring, Pace, PublishError, Report, Watch},
    receipt::History,
    terms::{Address, Fingerprint},
    workspace::Workspace,
};
use indicatif::ProgressBar;
use std::{
    sync::{Mutex, OnceLock},
    thread,
    time::Duration,
};

/// What one run carries from one round to the next: staff are asked only once.
#[derive(Default)]
pub struct RunState {
    key: Option<TeamKey>,
    passwords: Option<Vec<Option<String>>>,
    pace: Option<Pace>,
    /// What staff have seen, if it stays: from then on nothing else is done.
    pub seen: Option<Seen>,
}

/// Carries out a plan, as one run of the ledger.
pub fn once(
    desk: &Desk,
    job: &Job<'_>,
    ledger: &mut Ledger,
    keys: &LazyKeyring<'_>,
    carried: &mut RunState,
) -> Result<Story, Failure> {
    let clock = Clock::starts(&desk.now);
    let run = ledger.run_started(&desk.now)?;
    let done = thread::scope(|scope| {
        // To open a locked key takes a while, in which pages can be made; but nobody is asked here before it is needed.
        let early = job.plan.signs() && desk.opens_key_unasked(job.workspace);
        let opener = early.then(|| scope.spawn(|| job.keyring.key().is_ok()));
        let done = carry_out(desk, job, ledger, carried);
        // Whether it could be opened is known by now to who needed it.
        drop(opener.map(|opener| opener.join()));
        done
    });
    let outcome = match &done {
        Err(PublishError::Midway(_)) => RunOutcome::Partly,
        Err(_) => RunOutcome::Failed,
        Ok(report) if !report.is_complete() || job.plan.deferred() > 0 => RunOutcome::Partly,
        Ok(_) if job.plan.needs_attention() => RunOutcome::Held,
        Ok(_) => RunOutcome::Done,
    };
    let finished = ledger.run_finished(run, outcome, &clock.now());
    let report = done.map_err(|error| keys.explain(error))?;
    finished.map_err(|error| keys.explain(PublishError::Midway(Box::new(error.into()))))?;
    Ok(Story::of(desk, job.plan, report))
}

/// Makes the plan of a workspace and hands it over as a job, with all that carrying it out takes. What must not be
/// carried out is refused: published revisions that changed, an embargo that has not ended.
pub fn with_job<T>(
    desk: &Desk,
    workspace: &Workspace,
    ledger: &mut Ledger,
    history: &mut History,
    request: &Request,
    carried: &mut RunState,
    act: impl FnOnce(&Job<'_>, &mut Ledger, &LazyKeyring<'_>, &mut RunState) -> Result<T, Failure>,
) -> Result<T, Failure> {
    desk.keeps_embargoes(workspace)?;
    publish::take_over(workspace, history, &desk.now).map_err(not_ours)?;
    let members = ledger.members();
    let member = |address: &Address| members.hash(address);
    let key_state =
        |fingerprint: &Fingerprint| workspace.certificates.state(fingerprint, &desk.now);
    let announcement = publish::announcement(workspace, history, request.only, &desk.now);
    let mut plan = plan::make(&desk.facts(
        workspace,
        history,
        announcement.as_ref(),
        &key_state,
        &member,
        request,
    )?);
    if !plan.conflicts.is_empty() {
        return Err(desk.conflict(ledger, workspace, &plan));
    }
    if let Some(seen) = &carried.seen {
        plan.keep_seen(seen);
    }
    let key = carried
        .key
        .take()
        .map_or_else(OnceLock::new, |key| OnceLock::from(Some(key)));
    let keys = LazyKeyring {
        desk,
        workspace,
        key,
        failure: Mutex::new(None),
    };
    let watch = ProgressOutput {
        ui: desk.ui,
        bar: Mutex::new(None),
    };
    let (work, now) = (desk.work(), &desk.now);
    let job = Job {
        workspace,
        plan: &plan,
        history,
        work,
        now,
        gate: &desk.gate(),
        keyring: &keys,
        watch: &watch,
    };
    let done = act(&job, ledger, &keys, carried);
    carried.key = keys.key.into_inner().flatten();
    done
}

fn carry_out(
    desk: &Desk,
    job: &Job<'_>,
    ledger: &mut Ledger,
    carried: &mut RunState,
) -> Result<Report, PublishError> {
    let settings = &job.workspace.settings.mail;
    let prepared = publish::prepare(job, ledger)?;
    let mut posts = Vec::new();
    if job.plan.mails() > 0 {
        if carried.passwords.is_none() {
            let passwords = desk.mail_passwords(job.workspace);
            carried.passwords = Some(
                passwords.map_err(|failure| PublishError::Password(failure.error.to_string()))?,
            );
        }
        posts = mail::open(
            settings,
            &job.workspace.root,
            carried.passwords.as_deref().unwrap_or_default(),
        )?;
    }
    if carried.pace.is_none() {
        carried.pace = settings
            .per_minute
            .map(|most| Pace::after(most, tried_ago(job)));
    }
    prepared.carry_out(ledger, posts, carried.pace.as_mut())
}

/// How long ago each mail of earlier runs was tried, as far as that is not long. The ledger writes whole seconds, so
/// it may have been one less.
fn tried_ago(job: &Job<'_>) -> impl Iterator<Item = Duration> {
    let tried = job
        .history
        .deliveries
        .values()
        .filter(|receipt| receipt.attempts > 0);
    tried.filter_map(|receipt| {
        let ago = job.now.unix() - receipt.at.unix();
        (-60..=60)
            .contains(&ago)
            .then(|| Duration::from_secs(u64::try_from(ago - 1).unwrap_or(0)))
    })
}

/// Opens the team's key when it is first needed, and keeps the full failure if that fails.
pub struct LazyKeyring<'a> {
    desk: &'a Desk,
    workspace: &'a Workspace,
    key: OnceLock<Option<TeamKey>>,
    failure: Mutex<Option<Failure>>,
}

impl LazyKeyring<'_> {
    /// The failure behind an error, with its hints.
    pub fn explain(&self, error: PublishError) -> Failure {
        let kept = self
            .failure
            .lock()
            .expect("nobody panics with the failure in hand")
            .take();
        match (error, kept) {
            (PublishError::Key(_), Some(failure)) => failure,
            (PublishError::Words(findings), _) => {
                self.desk.ui.talk_findings(&findings, crate::diag::Level::Error);
                Failure {
                    kind: Kind::Findings,
                    error: anyhow::anyhow!("the words of the site have mistakes; nothing was done"),
                    hints: Vec::new(),
                }
            }
            (PublishError::Midway(error), _) => Failure {
                kind: Kind::Partly,
                error: (*error).into(),
                hints: vec!["some of it was done: `advise status` shows what; the same command goes on from there".into()],
            },
            (error, _) => Failure::new(error).hint("nothing was sent"),
        }
    }
}

impl Keyring for LazyKeyring<'_> {
    fn key(&self) -> Result<&TeamKey, PublishError> {
        let opened = self
            .key
            .get_or_init(|| match self.desk.team_key(self.workspace) {
                Ok(key) => Some(key),
                Err(failure) => {
                    *self
                        .failure
                        .lock()
                        .expect("nobody panics with the failure in hand") = Some(failure);
                    None
                }
            });
        opened
            .as_ref()
            .ok_or_else(|| PublishError::Key("see above".into()))
    }
}

/// Progress bars and deeds on standard error.
struct ProgressOutput {
    ui: Ui,
    bar: Mutex<Option<ProgressBar>>,
}

impl ProgressOutput {
    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        act(&mut self.bar.lock().expect("nobody panics with the bar in hand"));
    }
}

impl Watch for ProgressOutput {
    fn begin(&self, what: &'static str, steps: usize) {
        self.with(|bar| *bar = Some(self.ui.progress(steps as u64, what)));
    }
    fn step(&self) {
        self.with(|bar| {
            if let Some(bar) = bar {
                bar.inc(1);
            }
        });
    }
    fn end(&self) {
        self.with(|bar| {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
        });
    }
    fn deed(&self, words: &str) {
        self.with(|bar| match bar {
            Some(bar) => bar.suspend(|| self.ui.deed(words)),
            None => self.ui.deed(words),
        });
    }
}
