//! The disk is full, at each write in turn. The message names the path, nothing is lost or doubled, and with room
//! again the run goes on to the end.
//!
//! `ADVISE_FAULTS=all` takes every call; without it some are taken, other ones in each place.

use crate::harness::{
    crowd::{Crowd, Place, Run, SMALL, arrived},
    skip,
    smtp_server::Server,
    strace,
};
use std::fs;

/// What can meet a full disk.
const CALLS: [&str; 11] = [
    "pwrite64",
    "fdatasync",
    "fsync",
    "ftruncate",
    "syncfs",
    "mkdir",
    "rename",
    "renameat2",
    "link",
    "fallocate",
    "write",
];

/// How many places of each call are tried, if not all.
const SOME: usize = 3;

#[test]
fn a_full_disk_at_any_write_of_mail_to_a_server_loses_and_doubles_nothing() {
    let server = Server::start();
    let crowd = Crowd::for_server(SMALL, &server, "none", "");
    full(&crowd, || server.forget(), |_| arrived(&server.taken()));
}

#[test]
fn a_full_disk_at_any_write_of_mail_to_the_outbox_loses_and_doubles_nothing() {
    full(
        &Crowd::new(SMALL, "transport: outbox"),
        || {},
        Place::outbox,
    );
}

fn full(crowd: &Crowd, forget: impl Fn(), taken: impl Fn(&Place) -> Vec<(String, String)>) {
    if let Err(why) = strace::allowed() {
        return skip("a full disk at each write", &why);
    }
    let all = std::env::var("ADVISE_FAULTS").is_ok_and(|word| word == "all");
    let (mut runs, mut nothing_sent, mut partly) = (0, 0, 0);
    for (call, count) in strace::census(&crowd.copy(), &CALLS) {
        let some = (0..count.min(SOME)).map(|n| 1 + n * count.saturating_sub(1) / (SOME - 1));
        let places: Vec<usize> = if all {
            (1..=count).collect()
        } else {
            some.collect()
        };
        for (number, then) in places
            .into_iter()
            .flat_map(|number| [(number, ""), (number, "+")])
        {
            // Standard error may be told only if it can be written to.
            if call == "write" && then == "+" {
                continue;
            }
            forget();
            let place = crowd.copy();
            let story = format!("no room at {call} {number}{then}");
            let log = place.beside("log");
            let before =
                strace::inject(&log, &[call], &format!("error=ENOSPC:when={number}{then}"));
            let run = Run::of(place.publish(&before).output().expect("strace runs"));
            // (each thread counts its own calls: while one could not write, another could not tell)
            if !strace::silenced(&log) {
                judge(
                    &run,
                    &strace::folders_hit(&log, &place.root()),
                    taken(&place).len(),
                    &story,
                );
            }
            runs += 1;
            nothing_sent += usize::from(run.code == Some(2));
            partly += usize::from(run.code == Some(3));
            place.ledger_is_whole(&story);
            place.heal(&story);
            let verdict = crowd.judge(&place, &taken(&place), &story);
            let least = crowd.mails() + verdict.twice - verdict.in_doubt;
            assert!(
                (least..=least + verdict.in_doubt).contains(&verdict.mails),
                "{story}: {verdict:?}"
            );
        }
    }
    println!("{runs} runs without room: {nothing_sent} sent nothing, {partly} ended in the middle");
    assert!(nothing_sent > 0 && partly > 0);
}

/// `paths`: the folders of the workspace in which a write failed.
fn judge(run: &Run, paths: &[String], mails: usize, story: &str) {
    let stderr = &run.stderr;
    assert!(
        !stderr.contains("panicked") && !stderr.contains("internal error"),
        "{story}: {stderr}"
    );
    match run.code {
        // It was none of ours, or nothing that matters; or its thread does not come that far this time.
        Some(1) => {}
        Some(code @ (2 | 3)) => {
            assert!(
                code == 3 || mails == 0,
                "{story}: it says that nothing was sent, and {mails} mails were: {stderr}"
            );
            assert!(
                stderr.to_lowercase().contains("no space left"),
                "{story}: {stderr}"
            );
            // (a page of the staged site may be told as the page of the site)
            let named = |path: &String| {
                let site = path
                    .split_once(".public.")
                    .map(|(root, _)| format!("{root}public"));
                stderr.contains(path) || site.is_some_and(|site| stderr.contains(&site))
            };
            assert!(
                paths.is_empty() || paths.iter().any(named),
                "{story}: none of {paths:?} is named: {stderr}"
            );
        }
        other => panic!("{story}: {other:?}: {stderr}"),
    }
}

#[test]
fn a_log_that_cannot_be_written_to_stops_no_letter() {
    if !std::path::Path::new("/dev/full").exists() {
        return skip("a log that cannot be written to", "there is no `/dev/full`");
    }
    let server = Server::start();
    let crowd = Crowd::for_server(SMALL, &server, "none", "");
    let place = crowd.copy();
    let full = || {
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("it opens")
    };
    let status = place
        .publish(&[])
        .stderr(full())
        .status()
        .expect("the program runs");
    assert!(matches!(status.code(), Some(1 | 3)), "{status}");
    place.heal("standard error is full");
    let verdict = crowd.judge(&place, &arrived(&server.taken()), "standard error is full");
    assert_eq!((verdict.mails, verdict.marked), (crowd.mails(), 0));
    // The plan that nobody could see is not carried out.
    server.forget();
    let place = crowd.copy();
    let run = Run::of(
        place
            .publish(&[])
            .stdout(full())
            .output()
            .expect("the program runs"),
    );
    assert!(
        run.code == Some(2) && server.taken().is_empty(),
        "{:?}: {}",
        run.code,
        run.stderr
    );
}
