use super::{
    Done,
    desk::{Desk, Failure, Kind},
    ui::{Ui, count},
};
use crate::{
    channels::mail,
    ledger::{self, Ledger, RunOutcome},
    openpgp::TeamKey,
    plan::{self, Only, Plan, Request},
    publish::{self, Job, Keyring, PublishError, Report, Watch},
    terms::{Address, Id},
    workspace::Workspace,
};
use indicatif::ProgressBar;
use serde_json::json;
use std::sync::{Mutex, OnceLock};

/// Show the plan, ask, and carry it out; run again, it goes on where it stopped
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Mail only these advisories, however old they are
    #[arg(value_name = "ID")]
    ids: Vec<Id>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Nothing was ever published from this workspace: begin a ledger
    #[arg(long)]
    first_run: bool,
    /// Only one of the channels
    #[arg(long, value_name = "CHANNEL", value_parser = super::plan::only)]
    only: Option<Only>,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    publish(desk, &Request { ids: args.ids, only: args.only }, args.yes, args.first_run)
}

/// The whole of `publish`, also used by `build`.
pub fn publish(desk: &Desk, request: &Request, yes: bool, first_run: bool) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let work = desk.work();
    let mut ledger = match first_run && !Ledger::exists(&work)? {
        true => Ledger::create(&work)?,
        false => Ledger::open(&work)?,
    };
    let _lock = ledger::lock(&work, &desk.now)?;
    with_job(desk, &workspace, &mut ledger, request, |job, ledger, keys| {
        if first_run && !job.history.is_empty() {
            return Err(Failure::usage("the ledger knows of earlier runs; nothing was done").hint(
                "leave `--first-run` out: a script that always says it would send everything again if the ledger were lost",
            ));
        }
        if !agreed(desk, job.plan, yes)? {
            desk.ui.deed("nothing was done");
            return Ok(Done::Well);
        }
        let run = ledger.run_started(&desk.now)?;
        let done = carry_out(desk, job, ledger);
        let held = job.plan.needs_attention();
        let outcome = match &done {
            Err(PublishError::Midway(_)) => RunOutcome::Partly,
            Err(_) => RunOutcome::Failed,
            Ok(report) if !report.is_complete() => RunOutcome::Partly,
            Ok(_) if held => RunOutcome::Held,
            Ok(_) => RunOutcome::Done,
        };
        let finished = ledger.run_finished(run, outcome, &desk.now);
        let report = done.map_err(|error| keys.explain(error))?;
        finished.map_err(|error| keys.explain(PublishError::Midway(Box::new(error.into()))))?;
        tell(desk, job.plan, &report);
        Ok(match outcome {
            _ if desk.ui.lost_data() => Done::Partly,
            RunOutcome::Partly => Done::Partly,
            _ if held => Done::WithFindings,
            _ => Done::Well,
        })
    })
}

/// Makes the plan of a workspace and hands it over as a job, with all that carrying it out takes. What must not be
/// carried out is refused: published revisions that changed, an embargo that has not ended.
pub fn with_job<T>(
    desk: &Desk,
    workspace: &Workspace,
    ledger: &mut Ledger,
    request: &Request,
    act: impl FnOnce(&Job<'_>, &mut Ledger, &Keys<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    desk.keeps_embargoes(workspace)?;
    let history = ledger.history()?;
    let (members, keybook) = (ledger.members(), workspace.keybook(&desk.now));
    let member = |address: &Address| members.hash(address);
    let plan = desk.plan(workspace, &history, &keybook, &member, request)?;
    if !plan.conflicts.is_empty() {
        return Err(desk.conflict(ledger, workspace, &plan));
    }
    let keys = Keys { desk, workspace, key: OnceLock::new(), failure: Mutex::new(None) };
    let watch = Talk { ui: desk.ui, bar: Mutex::new(None) };
    let (work, now) = (desk.work(), &desk.now);
    let job = Job { workspace, plan: &plan, history: &history, work, now, keyring: &keys, watch: &watch };
    act(&job, ledger, &keys)
}

/// Shows the plan, and asks unless that was answered on the command line.
fn agreed(desk: &Desk, plan: &Plan<'_>, yes: bool) -> Result<bool, Failure> {
    if desk.ui.wants_json() {
        desk.ui.detail("the plan is part of the JSON document");
    } else {
        desk.ui.data(&plan::words(plan));
    }
    if desk.ui.lost_data() {
        return Err(Failure::usage("the plan could not be shown; nothing was done"));
    }
    if plan.is_empty() || yes {
        return Ok(true);
    }
    if !desk.ui.can_ask() {
        return Err(Failure::usage("nobody can be asked here").hint("look at `advise plan`, then run `advise publish --yes`"));
    }
    desk.ui.confirm("Publish this?").map_err(|error| Failure::usage(format!("cannot ask: {error}")))
}

fn carry_out(desk: &Desk, job: &Job<'_>, ledger: &mut Ledger) -> Result<Report, PublishError> {
    let something = job.plan.letters() + job.plan.notices() + job.plan.reminders() > 0;
    let prepared = publish::prepare(job, ledger)?;
    let post = match something {
        true => {
            let password =
                desk.mail_password(job.workspace).map_err(|failure| PublishError::Password(failure.error.to_string()))?;
            let password = password.as_ref().map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
            Some(mail::open(&job.workspace.settings.mail.transport, &job.workspace.root, password.as_deref())?)
        }
        false => None,
    };
    prepared.carry_out(ledger, post)
}

fn tell(desk: &Desk, plan: &Plan<'_>, report: &Report) {
    let changed = report.site.as_ref().is_some_and(|changes| !changes.is_empty());
    if desk.ui.wants_json() {
        let site = report
            .site
            .as_ref()
            .map(|c| json!({ "added": c.added.len(), "changed": c.changed.len(), "removed": c.removed.len() }));
        desk.ui.json(&json!({
            "plan": plan::json(plan), "outcomes": report.outcomes, "untried": report.untried, "site": site,
            "closed": report.closed.as_ref().map(ToString::to_string),
        }));
    }
    let trouble: usize = report.outcomes.iter().filter(|(word, _)| **word != "accepted").map(|(_, n)| n).sum();
    if let Some(error) = &report.closed {
        desk.ui.warning(&format!("{error}; {} not tried", count(report.untried, "letter was", "letters were")));
    }
    for error in &report.untidy {
        desk.ui.warning(&format!("the site stands, but something was left untidy: {error:#}"));
    }
    if trouble > 0 {
        let words: Vec<String> = report.outcomes.iter().map(|(word, n)| format!("{n} {word}")).collect();
        desk.ui.warning(&format!("not all letters were taken: {}; `advise status` shows the answers", words.join(", ")));
    }
    if !report.is_complete() {
        desk.ui.deed("run `advise publish` again: it goes on where this stopped, and sends nothing twice");
    } else if report.outcomes.is_empty() && !changed {
        desk.ui.deed(match plan.is_stuck() {
            true => "nothing to do now, but not everybody has what was meant for them: see `advise plan`",
            false => "nothing to do: everything is published already",
        });
    }
    if !plan.held.is_empty() {
        desk.ui.deed(&format!("{} held; `advise plan` says how to mend it", count(plan.held.len(), "letter is", "letters are")));
    }
}

/// Opens the team's key when it is first needed, and keeps the full failure if that fails.
pub struct Keys<'a> {
    desk: &'a Desk,
    workspace: &'a Workspace,
    key: OnceLock<Option<TeamKey>>,
    failure: Mutex<Option<Failure>>,
}

impl Keys<'_> {
    /// The failure behind an error, with its hints.
    pub fn explain(&self, error: PublishError) -> Failure {
        let kept = self.failure.lock().expect("nobody panics with the failure in hand").take();
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

impl Keyring for Keys<'_> {
    fn key(&self) -> Result<&TeamKey, PublishError> {
        let opened = self.key.get_or_init(|| match self.desk.team_key(self.workspace) {
            Ok(key) => Some(key),
            Err(failure) => {
                *self.failure.lock().expect("nobody panics with the failure in hand") = Some(failure);
                None
            }
        });
        opened.as_ref().ok_or_else(|| PublishError::Key("see above".into()))
    }
}

/// Progress bars and deeds on standard error.
struct Talk {
    ui: Ui,
    bar: Mutex<Option<ProgressBar>>,
}

impl Talk {
    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        act(&mut self.bar.lock().expect("nobody panics with the bar in hand"));
    }
}

impl Watch for Talk {
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
