use super::{
    Done,
    desk::Desk,
    failure::{Failure, Kind},
    ui::count,
};
use crate::{
    channels::{
        deploy::{DeployError, Deployment, Objects, Place, Record, Rsync, Standing},
        site::Changes,
        web::s3::{Access, Store},
    },
    ledger::{self, Ledger},
    settings::{self, Target},
    terms::{Id, Slug},
    tlp::Public,
    workspace::Workspace,
};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Copy the published site to where it is served: new files first, then what changed, and at last what goes
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only to these; without any, to all of `site.deploy` in their order
    #[arg(value_name = "TARGET")]
    targets: Vec<Slug>,
    /// Only list what would be added, changed and removed
    #[arg(long)]
    dry_run: bool,
    /// Replace what a target holds, even if that is no earlier site
    #[arg(long)]
    take_over: bool,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let known = &workspace.settings.site.deploy;
    let targets = chosen(known, &args.targets)?;
    // Nobody switches the site while it is read.
    let _lock = ledger::lock(&desk.work(), &desk.now)?;
    let record = Record::read(&desk.work()).map_err(explain)?;
    let tree = Standing::open(&workspace.root.join("public"), &record).map_err(explain)?;
    still_public(desk, &workspace)?;
    let (mut rows, mut failures, mut sent) = (Vec::new(), Vec::new(), false);
    // One target that cannot be reached must not keep a takedown from the others.
    for target in &targets {
        match copy(desk, &args, &workspace, target, &tree) {
            Ok((row, steps)) => {
                rows.push(row);
                sent |= steps > 0 && !args.dry_run;
                if !args.dry_run {
                    record
                        .reached(&desk.work(), &target.name)
                        .map_err(explain)?;
                }
            }
            Err(failure) => {
                failures.push(Failure {
                    error: failure.error.context(format!("target `{}`", target.name)),
                    ..failure
                });
            }
        }
    }
    if desk.ui.wants_json() {
        desk.ui
            .json(&json!({ "dry_run": args.dry_run, "targets": rows }));
    }
    let Some(last) = failures.pop() else {
        return Ok(Done::Well);
    };
    let midway = sent
        || failures
            .iter()
            .chain([&last])
            .any(|failure| matches!(failure.kind, Kind::Partly));
    for failure in &failures {
        desk.ui.warning(&format!("{:#}", failure.error));
    }
    Err(Failure {
        kind: if midway { Kind::Partly } else { last.kind },
        ..last
    })
}

/// What stands may have been closed since: then it is not sent anywhere before `publish` has taken it away.
fn still_public(desk: &Desk, workspace: &Workspace) -> Result<(), Failure> {
    let gate = desk.gate();
    let on_site = Ledger::open_read_only_or_empty(&desk.work())?
        .history()?
        .on_site;
    let is_public = |id: &Id| {
        workspace
            .advisory(id)
            .is_some_and(|advisory| gate.is_open(advisory, &Public))
    };
    let mut closed: Vec<String> = on_site
        .keys()
        .filter(|id| !is_public(id))
        .map(ToString::to_string)
        .collect();
    closed.sort();
    match closed.first() {
        None => Ok(()),
        Some(first) => {
            let more = if closed.len() > 1 {
                format!(" and {} more", closed.len() - 1)
            } else {
                String::new()
            };
            Err(Failure::usage(format!(
                "{first}{more} stands in `public/` and is not public any more; nothing was sent"
            ))
            .hint("`advise publish` takes it away; then deploy"))
        }
    }
}

/// Copies the site to one target; gives what is to be said of it, and how many files that were.
fn copy(
    desk: &Desk,
    args: &Args,
    workspace: &Workspace,
    target: &Target,
    tree: &Standing,
) -> Result<(serde_json::Value, usize), Failure> {
    let languages = &workspace.settings.site.languages;
    let place = place(desk, target, &workspace.root)?;
    let planned = Deployment::plan(&*place, tree, &target.keep, languages, args.take_over)
        .map_err(explain)?;
    let changes = planned.changes();
    let row = json!({
        "target": target.name.as_str(), "files": tree.len(),
        "added": changes.added, "changed": changes.changed, "removed": changes.removed,
    });
    let steps = changes.added.len() + changes.changed.len() + changes.removed.len();
    if args.dry_run {
        if !desk.ui.wants_json() {
            desk.ui.data(&listed(target, changes));
        }
        return Ok((row, steps));
    }
    let bar = desk.ui.progress(steps as u64, "deploy");
    let done = planned.carry_out(&*place, &|| bar.inc(1));
    bar.finish_and_clear();
    done.map_err(explain)?;
    desk.ui
        .deed(&format!("{}: {}", target.name, summary(changes)));
    Ok((row, steps))
}

fn chosen<'a>(known: &'a [Target], wanted: &[Slug]) -> Result<Vec<&'a Target>, Failure> {
    if known.is_empty() {
        return Err(Failure::usage("`advise.yaml` does not say where the site is to be copied to")
            .hint("write `site.deploy`, for example `deploy: [{name: www, rsync: \"web@www.example.org:/srv/www/cert\"}]`"));
    }
    let names = || known.iter().map(|target| target.name.as_str());
    for name in wanted {
        if !names().any(|one| one == name.as_str()) {
            let all = names()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ");
            return Err(Failure::usage(format!("there is no target `{name}`"))
                .hint(format!("`site.deploy` has {all}")));
        }
    }
    Ok(known
        .iter()
        .filter(|target| wanted.is_empty() || wanted.contains(&target.name))
        .collect())
}

fn place(desk: &Desk, target: &Target, root: &Path) -> Result<Box<dyn Place>, Failure> {
    match &target.place {
        settings::Place::Rsync { to, ssh } => Ok(Box::new(
            Rsync::open(to, ssh.as_deref(), root).map_err(explain)?,
        )),
        settings::Place::S3(store) => {
            let access = access(store, root)?;
            // By the clock: a store takes no request from another time.
            let store = Store::open(store, access, root, &desk.clock)
                .map_err(|error| explain(error.into()))?;
            Ok(Box::new(Objects(store)))
        }
    }
}

/// What opens a store, from a file that nobody else may read, or from the environment.
fn access(store: &settings::Store, root: &Path) -> Result<Access, Failure> {
    let Some(file) = &store.credentials else {
        let variable = |name: &str| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.trim().is_empty())
        };
        return match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            (Some(key), Some(secret)) => Ok(Access::new(&key, &secret, variable("AWS_SESSION_TOKEN").as_deref())),
            _ => Err(Failure::usage("nothing is known that opens the store; nothing was sent")
                .hint("set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or name a file in `s3.credentials`")),
        };
    };
    let path = root.join(file);
    let unusable = |error| {
        Failure::usage(format!(
            "cannot read `{file}`, which opens the store: {error}"
        ))
    };
    let mode = fs::metadata(&path).map_err(unusable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Failure::usage(format!(
            "`{file}` opens the store, and others may read it; nothing was sent"
        ))
        .hint(format!(
            "`chmod 600 {file}`, and think of whether the key has to be replaced"
        )));
    }
    let text = fs::read_to_string(&path).map_err(unusable)?;
    // The form of `~/.aws/credentials`, with one section or none.
    let value = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        lines
            .find(|(key, _)| key.trim().trim_start_matches("aws_") == name)
            .map(|(_, value)| value.trim())
    };
    match (value("access_key_id"), value("secret_access_key")) {
        (Some(key), Some(secret)) => Ok(Access::new(key, secret, value("session_token"))),
        _ => Err(Failure::usage(format!(
            "`{file}` does not say what opens the store; nothing was sent"
        ))
        .hint("write two lines, `access_key_id = …` and `secret_access_key = …`")),
    }
}

fn explain(error: DeployError) -> Failure {
    let midway = error.is_midway();
    let hint = match &error {
        DeployError::Unrecorded(_) | DeployError::NotOurs { .. } | DeployError::Missing { .. } => {
            "`advise build --anew` makes `public/` anew, of what may be public; keep files of your own in `site/assets/`"
        }
        DeployError::Foreign { .. } => {
            "look with `--dry-run --take-over`; say `keep` in its settings, or `--take-over`"
        }
        DeployError::Inside(_) => "name a folder of the web server",
        DeployError::Program { .. } => "install it, for example with `apt-get install rsync`",
        _ if midway => {
            "some files were sent, in an order that leaves every link whole: run the same command again"
        }
        _ => "nothing was sent",
    };
    let failure = Failure::new(error).hint(hint);
    if midway {
        Failure {
            kind: Kind::Partly,
            ..failure
        }
    } else {
        failure
    }
}

fn summary(changes: &Changes) -> String {
    match changes.is_empty() {
        true => "nothing to do: it has everything already".into(),
        false => format!(
            "{} added, {} changed, {} removed",
            count(changes.added.len(), "file", "files"),
            changes.changed.len(),
            changes.removed.len()
        ),
    }
}

/// Every file, so that what would be removed can be read before it is.
fn listed(target: &Target, changes: &Changes) -> String {
    let mut text = format!("{}: {}\n", target.name, summary(changes));
    for (word, paths) in [
        ("add", &changes.added),
        ("change", &changes.changed),
        ("remove", &changes.removed),
    ] {
        for path in paths {
            text.push_str(&format!("  {word:<6}  {path}\n"));
        }
    }
    text
}
