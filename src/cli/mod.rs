//! The desk: what staff type and what they see. One file a command: `Args`, then `run`.
//!
//! `desk` opens what a command needs, `ui` is the only printer. The clock is asked here and nowhere below.

mod answering;
mod build;
mod check;
mod clock;
mod completions;
mod constituent;
mod deploy;
mod desk;
mod failure;
mod inbox;
mod init;
mod key;
mod list;
mod man;
mod new;
mod past;
mod plan;
mod publish;
mod rfc2350;
mod serve;
mod status;
mod story;
mod ui;
mod verify;

pub use failure::{Failure, Kind};

use crate::{inbound::source::stdin::Exit, terms::Moment};
use clap::{Parser, Subcommand};
use desk::Desk;
use std::{path::PathBuf, process::ExitCode};
use ui::Ui;

/// The publisher that a CSIRT runs: signed and encrypted mail to closed lists, a public site, feeds, RFC 2350
#[derive(Debug, Parser)]
#[command(
    name = "advise",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done · 1 findings, or something is held · 2 usage, settings or failure, nothing was sent · \
                  3 partly done: run the same command again.\n\nStart with `advise init --sample demo`, then `advise -C demo plan`."
)]
struct Args {
    /// The workspace, if it is not this folder
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        default_value = ".",
        hide_default_value = true
    )]
    dir: PathBuf,
    /// Print one JSON document on standard output
    #[arg(long, global = true)]
    json: bool,
    /// Act as if it were this time (a date, or RFC 3339); it ends no embargo early
    #[arg(long, value_name = "TIME", global = true)]
    now: Option<Moment>,
    /// Say only what is wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::Args),
    New(new::Args),
    Check(check::Args),
    Plan(plan::Args),
    Publish(publish::Args),
    Build(build::Args),
    Serve(serve::Args),
    Deploy(deploy::Args),
    Status(status::Args),
    Rfc2350(rfc2350::Args),
    Verify(verify::Args),
    Inbox(inbox::Args),
    List(list::Args),
    Constituent(constituent::Args),
    Key(key::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// How a command ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All of it.
    Well,
    /// There are findings, or something is held.
    WithFindings,
    /// Some of it; the ledger knows the rest.
    Partly,
    /// For the mail server that called: this became of its mail.
    Piped(Exit),
    /// Nothing, and why is said in the document that was printed.
    NotAtAll,
}

/// Parses the command line, runs the command, and gives the exit code of DESIGN section 4.
pub fn main() -> ExitCode {
    if let Err(error) = forbid_core_dumps() {
        // Nothing that is closed was read yet, so nothing is lost by stopping.
        Ui::new(false, false, false).failure(&Failure::usage(format!(
            "cannot turn core dumps off: {error}"
        )));
        return ExitCode::from(2);
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return misused(&error),
    };
    let ui = Ui::new(args.quiet, args.verbose, args.json);
    let clock = Moment::from_timestamp(clock::now());
    let desk = Desk {
        root: args.dir,
        now: args.now.unwrap_or_else(|| clock.clone()),
        clock,
        ui,
    };
    // With a time that stands still nothing would ever be due.
    if matches!(&args.verb, Verb::Publish(publish) if publish.wait.is_some())
        && desk.now != desk.clock
    {
        desk.ui.failure(&Failure::usage(
            "`--wait` goes by the clock and cannot be used with `--now`",
        ));
        return ExitCode::from(2);
    }
    let done = match args.verb {
        Verb::Init(args) => init::run(&desk, args),
        Verb::New(args) => new::run(&desk, args),
        Verb::Check(args) => check::run(&desk, args),
        Verb::Plan(args) => plan::run(&desk, args),
        Verb::Publish(args) => publish::run(&desk, args),
        Verb::Build(args) => build::run(&desk, args),
        Verb::Serve(args) => serve::run(&desk, args),
        Verb::Deploy(args) => deploy::run(&desk, args),
        Verb::Status(args) => status::run(&desk, args),
        Verb::Rfc2350(args) => rfc2350::run(&desk, args),
        Verb::Verify(args) => verify::run(&desk, args),
        Verb::Inbox(args) => inbox::run(&desk, args),
        Verb::List(args) => list::run(&desk, args),
        Verb::Constituent(args) => constituent::run(&desk, args),
        Verb::Key(args) => key::run(&desk, args),
        Verb::Completions(args) => completions::run(&desk, args),
        Verb::Man(args) => man::run(&desk, args),
    };
    match done {
        Ok(Done::Well | Done::WithFindings) if desk.ui.lost_data() => ExitCode::from(2),
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::WithFindings) => ExitCode::from(1),
        Ok(Done::Partly) => ExitCode::from(3),
        Ok(Done::Piped(exit)) => ExitCode::from(exit.code()),
        Ok(Done::NotAtAll) => ExitCode::from(2),
        Err(failure) => {
            desk.ui.failure(&failure);
            ExitCode::from(failure.kind.code())
        }
    }
}

/// Turns core dumps off, for this process and the programs that it starts: a dump would hold keys and closed texts.
fn forbid_core_dumps() -> Result<(), rustix::io::Errno> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    // A handler in `/proc/sys/kernel/core_pattern` that is a pipe gets dumps whatever the limit is. A process that is
    // not dumpable makes none, and no other process of the same user can read its memory.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Says what is wrong with the command line. A mail server gets no code for people: it would return all mail to its senders
/// until somebody has put the option right.
fn misused(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    let is_piped = ["inbox", "--stdin"]
        .iter()
        .all(|word| std::env::args().any(|arg| arg == *word));
    match error.use_stderr() {
        true if is_piped => ExitCode::from(Exit::Later.code()),
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
    }
}
