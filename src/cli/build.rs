use super::{
    Done,
    desk::Desk,
    failure::Failure,
    publish::{RunState, with_job},
    ui::count,
};
use crate::{
    channels::site::Stage,
    ledger::Ledger,
    plan::{Only, Request},
    publish,
};
use std::path::PathBuf;

/// Make the public channels only; without --out the same as `publish --only site --yes`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Into this folder, without recording that anything was published
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Make and compare every file of `public/`, also those of which nothing has changed
    #[arg(long, conflicts_with = "out")]
    anew: bool,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let request = Request {
        ids: Vec::new(),
        only: Some(Only::Site),
    };
    let Some(out) = args.out else {
        if args.anew {
            publish::forget_standing(&desk.work()).map_err(Failure::new)?;
        }
        return super::publish::publish(desk, &request, true, false, None);
    };
    let workspace = desk.workspace()?;
    // A ledger that is not there is not begun here: it would look as if nothing had ever been published.
    let mut ledger = if Ledger::exists(&desk.work())? {
        Ledger::open(&desk.work())?
    } else {
        desk.ledger_to_read()?
    };
    let mut history = ledger.history()?;
    let made = with_job(
        desk,
        &workspace,
        &mut ledger,
        &mut history,
        &request,
        &mut RunState::default(),
        |job, ledger, keys, _| {
            let stage = Stage::into_folder(&out).map_err(Failure::new)?;
            let kept = publish::stage(job, ledger, &stage).map_err(|error| keys.explain(error))?;
            kept.keep_signatures(ledger)
                .map_err(|error| keys.explain(error))?;
            stage
                .finish()
                .and_then(|switch| switch.commit())
                .map_err(Failure::new)
        },
    )?;
    let files = made.added.len() + made.changed.len();
    desk.ui.deed(&format!(
        "built {} into {}",
        count(files, "file", "files"),
        out.display()
    ));
    Ok(Done::Well)
}
