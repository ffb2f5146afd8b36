use super::{
    Done,
    desk::{Desk, Failure},
    publish::{Keys, Talk},
    ui::count,
};
use crate::{
    channels::site::Stage,
    ledger,
    plan::{Only, Request},
    publish::{self, Extent, Job},
};
use std::path::PathBuf;

/// Make the public channels only; without --out the same as `publish --only site --yes`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Into this folder, without recording that anything was published
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Pages, lists, feeds and sitemap, nothing that is signed
    #[arg(long, requires = "out")]
    pages_only: bool,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let request = Request { ids: Vec::new(), only: Some(Only::Site) };
    let Some(out) = args.out else { return super::publish::publish(desk, &request, true) };
    let workspace = desk.workspace()?;
    let extent = if args.pages_only { Extent::PagesOnly } else { Extent::Full };
    let mut ledger = match extent {
        Extent::PagesOnly => desk.ledger_to_read()?,
        Extent::Full => {
            super::key::private_dir(&desk.work())?;
            ledger::Ledger::open(&desk.work())?
        }
    };
    let history = ledger.history()?;
    let (members, keybook) = (ledger.members(), workspace.keybook(&desk.now));
    let member = |address: &crate::terms::Address| members.hash(address);
    let plan = desk.plan(&workspace, &history, &keybook, &member, &request)?;
    if !plan.conflicts.is_empty() {
        return Err(desk.conflict(&ledger, &workspace, &plan));
    }
    let keys = Keys::new(desk, &workspace);
    let watch = Talk::new(desk.ui);
    let job = Job {
        workspace: &workspace,
        plan: &plan,
        history: &history,
        work: desk.work(),
        now: &desk.now,
        keyring: &keys,
        watch: &watch,
    };
    let made = Stage::into_folder(&out).map_err(Failure::new).and_then(|stage| {
        let kept = publish::stage(&job, &ledger, &stage, extent).map_err(|error| keys.explain(error))?;
        if extent == Extent::Full {
            kept.keep_signatures(&mut ledger).map_err(|error| keys.explain(error))?;
        }
        stage.finish().and_then(|switch| switch.commit()).map_err(Failure::new)
    })?;
    let files = made.added.len() + made.changed.len();
    desk.ui.deed(&format!("built {} into {}", count(files, "file", "files"), out.display()));
    Ok(Done::Well)
}
