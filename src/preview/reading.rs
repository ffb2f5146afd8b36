//! One state of the workspace, with what happened so far.

use crate::{
    advisory::Status,
    diag::{self, Findings, Level},
    ledger::{Ledger, LedgerError, Members},
    receipt::History,
    render::preview::Trouble,
    terms::{Id, Moment},
    workspace::{self, Published, ReadError, Workspace},
};
use std::{collections::BTreeSet, path::Path};

/// A state that can be shown.
pub(super) struct Snapshot {
    pub workspace: Workspace,
    pub history: History,
    pub members: Members,
    pub has_ledger: bool,
    /// When it was read.
    pub now: Moment,
    /// Drafts that have a mistake now, and are shown as they were before.
    pub stale: BTreeSet<Id>,
    /// Mistakes in drafts.
    pub trouble: Option<Trouble>,
    pub warnings: Option<Trouble>,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Workspace(#[from] ReadError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Snapshot {
    /// Reads everything. What is wrong is said in the words of `check`.
    pub(super) fn read(
        root: &Path,
        work: &Path,
        now: Moment,
        before: Option<&Snapshot>,
    ) -> Result<Snapshot, Trouble> {
        read(root, work, now, before).unwrap_or_else(|error: Unreadable| {
            let text = format!("error: {}\n", in_full(&error));
            Err(Trouble {
                title: "the workspace cannot be read".into(),
                text,
            })
        })
    }
}

/// An error with its causes, each once.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if !text.contains(&error.to_string()) {
            text.push_str(&format!(": {error}"));
        }
        cause = error.source();
    }
    text
}

fn read(
    root: &Path,
    work: &Path,
    now: Moment,
    before: Option<&Snapshot>,
) -> Result<Result<Snapshot, Trouble>, Unreadable> {
    let has_ledger = Ledger::exists(work)?;
    // Closed again at once: who publishes meanwhile is not kept from anything.
    let (history, members) = {
        let ledger = Ledger::open_read_only_or_empty(work)?;
        (ledger.history()?, ledger.members())
    };
    let reading = workspace::read(root, &now, &Published::of(&history))?;
    let errors = told(
        &reading.findings,
        Level::Error,
        "error",
        "errors",
        "in the workspace",
    );
    let Some(mut workspace) = reading.workspace else {
        return Ok(Err(errors.expect("a workspace without errors is there")));
    };
    let trouble = errors.map(|errors| {
        let in_drafts = told(
            &reading.findings,
            Level::Error,
            "mistake",
            "mistakes",
            "in drafts, which stay where they are",
        );
        in_drafts.unwrap_or(errors)
    });
    let mut stale = BTreeSet::new();
    for old in before
        .iter()
        .flat_map(|before| &before.workspace.advisories)
    {
        let stem = old.path.trim_end_matches(".md");
        let is_broken = || {
            let errors = reading
                .findings
                .iter()
                .filter(|finding| finding.level == Level::Error);
            errors
                .map(|finding| &*finding.place.path)
                .any(|path| path.starts_with(stem))
        };
        if old.status == Status::Draft && workspace.advisory(&old.id).is_none() && is_broken() {
            stale.insert(old.id.clone());
            workspace.advisories.push(old.clone());
        }
    }
    if !stale.is_empty() {
        workspace
            .advisories
            .sort_by(|a, b| (&b.date, &b.id).cmp(&(&a.date, &a.id)));
    }
    let warnings = told(
        &reading.findings,
        Level::Warning,
        "warning",
        "warnings",
        "in the workspace",
    );
    Ok(Ok(Snapshot {
        workspace,
        history,
        members,
        has_ledger,
        now,
        stale,
        trouble,
        warnings,
    }))
}

/// The findings of one level, as `check` shows them.
fn told(findings: &Findings, level: Level, one: &str, many: &str, place: &str) -> Option<Trouble> {
    let shown: Vec<String> = findings
        .iter()
        .filter(|finding| finding.level == level)
        .map(diag::show)
        .collect();
    let title = match shown.len() {
        0 => return None,
        1 => format!("1 {one} {place}"),
        n => format!("{n} {many} {place}"),
    };
    Some(Trouble {
        title,
        text: shown.join("\n"),
    })
}
