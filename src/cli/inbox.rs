//! `advise inbox`: takes requests that came by mail. (A stand-in: the gates, bounces and other sources come with the inbox itself.)

use super::{
    Done, answering,
    answering::Answering,
    desk::{Desk, Failure},
};
use crate::{
    inbound::{
        Mail,
        clerk::{Clerk, Reply, Taken},
    },
    ledger::{self, Ledger},
    terms::Address,
};
use serde_json::{Value, json};
use std::{fs, io::Read as _, path::PathBuf};

/// Take the mail that came in
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A Maildir
    #[arg(long, value_name = "DIR", required_unless_present = "stdin")]
    maildir: Option<PathBuf>,
    /// One mail on standard input
    #[arg(long, conflicts_with = "maildir")]
    stdin: bool,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let mut sources: Vec<(Option<PathBuf>, Vec<u8>)> = Vec::new();
    if let Some(dir) = &args.maildir {
        let new = dir.join("new");
        let entries = fs::read_dir(&new).map_err(|error| Failure::io(&new, error))?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let bytes = fs::read(&path).map_err(|error| Failure::io(&path, error))?;
            sources.push((Some(path), bytes));
        }
    } else {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Failure::new)?;
        sources.push((None, bytes));
    }
    let _lock = ledger::lock(&desk.work(), &desk.now)?;
    let mut ledger = Ledger::open(&desk.work())?;
    let mut workspace = desk.workspace()?;
    let mut messages = Vec::new();
    for (path, bytes) in sources {
        let taken = match Mail::read(bytes) {
            Ok(mail) => {
                let find = |address: &Address| answering::find(&workspace, address);
                let work = desk.work();
                let clerk = Clerk { workspace: &workspace, work: &work, now: &desk.now, find: &find };
                let mut answering = Answering::new(desk, &workspace);
                clerk.take(&mail, &mut ledger, &mut |answer| answering.send(answer)).map_err(Failure::new)?
            }
            Err(_) => None,
        };
        let file = path.as_ref().map(|path| path.display().to_string());
        messages.push(message(file.as_deref(), taken.as_ref()));
        if let Some(taken) = &taken {
            desk.ui.deed(&taken.words());
            if let (Some(path), Some(dir)) = (&path, &args.maildir) {
                let to = dir.join("cur").join(format!("{}:2,S", path.file_name().unwrap_or_default().to_string_lossy()));
                fs::rename(path, &to).map_err(|error| Failure::io(path, error))?;
            }
        }
        if taken.is_some_and(|taken| taken.changed) {
            workspace = desk.workspace()?;
        }
    }
    if desk.ui.wants_json() {
        desk.ui.json(&json!({ "messages": messages }));
    }
    Ok(Done::Well)
}

fn message(file: Option<&str>, taken: Option<&Taken>) -> Value {
    json!({ "file": file, "verdict": if taken.is_some() { "request" } else { "unknown" }, "bounces": [], "request": taken.map(request) })
}

/// A request that was taken, for programs.
pub fn request(taken: &Taken) -> Value {
    let reply = match &taken.reply {
        Reply::None => "none",
        Reply::Sent => "sent",
        Reply::Enough => "enough-today",
        Reply::Failed(_) => "failed",
    };
    json!({
        "wish": taken.asked.wish.as_str(), "list": taken.asked.list.as_str(), "decision": taken.word(), "flaw": taken.flaw,
        "id": taken.request, "answer": reply,
    })
}
