//! `advise publish`: shows the plan, asks, and carries it out. `round` is one run of a plan; `wait` repeats it for `--wait`.

mod round;
pub mod wait;

pub use round::{RunState, with_job};

use super::{Done, desk::Desk, failure::Failure, story::Story};
use crate::{
    ledger::{self, Ledger},
    plan::{self, Only, Plan, Request, Seen},
    receipt::History,
    settings::Settings,
    terms::Id,
};
use round::once;
use std::time::{Duration, Instant};

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
    #[arg(long, value_name = "CHANNEL", value_parser = crate::cli::plan::only)]
    only: Option<Only>,
    /// Stay for so long (`90s`, `10m`, `2h`) and try again, when it is due, what was not taken
    #[arg(long, value_name = "TIME", value_parser = wait::duration)]
    pub(in crate::cli) wait: Option<Duration>,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    if args.wait.is_some() && args.only == Some(Only::Site) {
        return Err(Failure::usage(
            "`--wait` is for mail, and `--only site` sends none",
        ));
    }
    publish(
        desk,
        &Request {
            ids: args.ids,
            only: args.only,
        },
        args.yes,
        args.first_run,
        args.wait,
    )
}

/// The whole of `publish`, also used by `build`.
pub fn publish(
    desk: &Desk,
    request: &Request,
    yes: bool,
    first_run: bool,
    wait: Option<Duration>,
) -> Result<Done, Failure> {
    let until = wait.map(|wait| Instant::now() + wait);
    let mut carried = RunState::default();
    let begins = first_run && !Ledger::exists(&desk.work())?;
    let mut round =
        |desk: &Desk| first(desk, request, yes, first_run, wait.is_some(), &mut carried);
    let done = match (round(desk), until) {
        // Nothing was done yet, and there is time.
        (Err(failure), Some(until)) => wait::until_reached(desk, until, failure, round),
        (done, _) => done,
    };
    if done.is_err() && begins && Ledger::exists(&desk.work())? {
        let _lock = ledger::lock(&desk.work(), &desk.now)?;
        Ledger::open(&desk.work())?.discard_if_unused()?;
    }
    let (story, settings) = done?;
    let Some(mut story) = story else {
        return Ok(Done::Well);
    };
    // The lock is free while nothing is due, so that others may publish in the meantime.
    let stayed = until.map_or(Ok(()), |until| {
        wait::stay(desk, until, &settings, &mut carried, &mut story)
    });
    story.tell(desk);
    // A warning that stands in `public/` only has reached nobody.
    desk.tell_of_targets(&settings);
    stayed?;
    Ok(match desk.ui.lost_data() {
        true => Done::Partly,
        false => story.done(),
    })
}

/// The first round: shows the plan, asks, and carries it out. No story: staff said no.
fn first(
    desk: &Desk,
    request: &Request,
    yes: bool,
    first_run: bool,
    stays: bool,
    carried: &mut RunState,
) -> Result<(Option<Story>, Settings), Failure> {
    let (workspace, past) = desk.workspace_and_past()?;
    let work = desk.work();
    let begins = first_run && !Ledger::exists(&work)?;
    let (_lock, mut ledger, mut history) = match begins {
        false => past.locked(&work, &desk.now)?,
        true => {
            let lock = ledger::lock(&work, &desk.now)?;
            // A ledger that is left behind would be taken for a past without letters, and a second clone would send
            // everything again: it is made only when staff have agreed.
            let mut none = Ledger::open_read_only_or_empty(&work)?;
            let mut history = History::default();
            if !with_job(
                desk,
                &workspace,
                &mut none,
                &mut history,
                request,
                carried,
                |job, _, _, _| agreed(desk, job.plan, yes),
            )? {
                desk.ui.deed("nothing was done");
                return Ok((None, workspace.settings));
            }
            (lock, Ledger::create(&work)?, History::default())
        }
    };
    let is_new = history.is_empty();
    let story = with_job(
        desk,
        &workspace,
        &mut ledger,
        &mut history,
        request,
        carried,
        |job, ledger, keys, carried| {
            if first_run && !is_new {
                return Err(Failure::usage("the ledger knows of earlier runs; nothing was done").hint(
                "leave `--first-run` out: a script that always says it would send everything again if the ledger were lost",
            ));
            }
            match &carried.seen {
                // No server was reached, and all of it is tried again.
                Some(seen) if seen.has_site_of(job.plan) => {}
                Some(_) => {
                    return Err(Failure::usage(
                        "the workspace was changed meanwhile, and nothing was done",
                    )
                    .hint("run `advise publish` again: it shows the new plan"));
                }
                None if !begins && !agreed(desk, job.plan, yes)? => {
                    desk.ui.deed("nothing was done");
                    return Ok(None);
                }
                None => carried.seen = stays.then(|| Seen::of(job.plan)),
            }
            once(desk, job, ledger, keys, carried).map(Some)
        },
    )?;
    Ok((story, workspace.settings))
}

/// Shows the plan, and asks unless that was answered on the command line.
fn agreed(desk: &Desk, plan: &Plan<'_>, yes: bool) -> Result<bool, Failure> {
    if desk.ui.wants_json() {
        desk.ui.detail("the plan is part of the JSON document");
    } else {
        desk.ui.data(&plan::words(plan));
    }
    if desk.ui.lost_data() {
        return Err(Failure::usage(
            "the plan could not be shown; nothing was done",
        ));
    }
    if plan.is_empty() || yes {
        return Ok(true);
    }
    if !desk.ui.can_ask() {
        return Err(Failure::usage("nobody can be asked here")
            .hint("look at `advise plan`, then run `advise publish --yes`"));
    }
    desk.ui
        .confirm("Publish this?")
        .map_err(|error| Failure::usage(format!("cannot ask: {error}")))
}
