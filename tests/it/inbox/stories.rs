//! What staff and mail servers see of `advise inbox`.

use super::samples;
use crate::harness::{NOW, World, wait_until};
use advise::ledger;
use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

/// A Maildir beside the workspace with these mails.
pub fn maildir(world: &World, mails: &[(&str, &[u8])]) -> PathBuf {
    let maildir = world.beside().join("maildir");
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(maildir.join(folder)).expect("a folder");
    }
    for (name, mail) in mails {
        fs::write(maildir.join("new").join(name), mail).expect("written");
    }
    maildir
}

pub fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .map(|entries| entries.filter_map(Result::ok).collect::<Vec<_>>())
        .unwrap_or_default();
    let mut files: Vec<String> = entries
        .iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    files
}

pub fn message<'v>(document: &'v Value, file: &str) -> &'v Value {
    document["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .find(|message| message["file"] == file)
        .expect("the mail is shown")
}

fn pipe(world: &World, words: &str, mail: &[u8]) -> Output {
    let mut child = world
        .command(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that has seen enough closes the pipe.
    let _ = stdin.write_all(mail);
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("no signal")
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn mail_of_a_maildir_is_judged_and_what_is_not_understood_is_kept() {
    let world = World::without_advisories();
    let letter = b"From: ada@uni.example.org\r\nTo: cert@example.org\r\nSubject: hello\r\n\r\nWho are you?\r\n";
    let (bounce, away) = (samples::named("qmail"), samples::named("vacation"));
    let maildir = maildir(
        &world,
        &[
            ("1.bounce", &bounce),
            ("2.vacation", &away),
            ("3.letter", letter),
            ("4.noise", b"\0\0\0"),
        ],
    );
    let words = format!("inbox --maildir {}", maildir.display());
    let world = world
        .run(&format!("{words} --json"))
        .exits(1)
        .gives(|document| {
            let bounce = message(document, "1.bounce");
            assert_eq!(bounce["verdict"], "bounce");
            let told: Vec<_> = bounce["bounces"]
                .as_array()
                .expect("bounces")
                .iter()
                .map(|b| {
                    (
                        b["recipient"].as_str(),
                        b["verdict"].as_str(),
                        b["status"].as_str(),
                    )
                })
                .collect();
            assert_eq!(
                told,
                [
                    (Some("ada@uni.example.org"), Some("hard"), Some("5.1.1")),
                    (Some("bob@uni.example.org"), Some("hard"), None)
                ]
            );
            let gates: Vec<_> = bounce["gates"]
                .as_array()
                .expect("gates")
                .iter()
                .map(|gate| (gate["gate"].as_str(), gate["verdict"].as_str()))
                .collect();
            assert_eq!(
                gates,
                [
                    (Some("readable"), Some("passes")),
                    (Some("own"), Some("passes")),
                    (Some("bounce"), Some("bounce"))
                ]
            );
            assert_eq!(message(document, "2.vacation")["verdict"], "vacation");
            assert_eq!(message(document, "3.letter")["verdict"], "unknown");
            assert_eq!(
                (
                    &message(document, "4.noise")["verdict"],
                    &message(document, "4.noise")["why"]
                ),
                (&"unreadable".into(), &"it has no header".into())
            );
        });
    assert_eq!(files(&maildir.join("new")), [""; 0]);
    assert_eq!(
        files(&maildir.join("cur")),
        [
            "1.bounce:2,S",
            "2.vacation:2,S",
            "3.letter:2,FS",
            "4.noise:2,FS"
        ]
    );
    let kept: Vec<String> = files(&world.path(".advise/inbox"))
        .into_iter()
        .filter(|name| name.ends_with(".eml"))
        .collect();
    let bytes: Vec<Vec<u8>> = kept
        .iter()
        .map(|name| fs::read(world.path(".advise/inbox").join(name)).expect("kept"))
        .collect();
    assert!(
        bytes.len() == 2 && bytes.contains(&letter.to_vec()) && bytes.contains(&b"\0\0\0".to_vec())
    );

    world
        .run(&words)
        .says("no new mail")
        .run("inbox --kept")
        .exits(1)
        .says("it has no header")
        .run("status")
        .whatever_it_says()
        .says("2 mails came in that nothing here understands: `advise inbox --kept` shows what waits for you.");
}

#[test]
fn where_mail_comes_in_can_stand_in_the_settings() {
    let world = World::without_advisories();
    let settings = world.text("advise.yaml");
    let world = world
        .run("inbox")
        .exits(2)
        .says("nothing says where mail comes in");
    maildir(&world, &[("1", &samples::named("exim"))]);
    world
        .file(
            "advise.yaml",
            &format!("{settings}\ninbox: {{maildir: ../maildir}}\n"),
        )
        .run("inbox")
        .says("ada@uni.example.org: hard; not addressed to a letter of ours")
        .says("Took in 1 mail: 1 bounce.");
}

#[test]
fn a_bounce_counts_if_it_comes_to_the_address_of_one_letter_and_a_forged_one_does_not() {
    let world = World::sample()
        .run("publish --yes")
        .whatever_it_says()
        .exits(1);
    let letter = world
        .mail()
        .into_iter()
        .find(|mail| mail.recipient().ends_with(".org") && mail.header("Return-Path").contains('+'))
        .expect("a letter");
    let (recipient, envelope) = (
        letter.recipient(),
        letter
            .header("Return-Path")
            .trim_matches(['<', '>'])
            .to_string(),
    );
    let (token, domain) = envelope
        .split_once('+')
        .and_then(|(_, rest)| rest.split_once('@'))
        .expect("a token");
    let report = |to: &str| {
        let text = String::from_utf8(samples::named("rfc3464-failed")).expect("UTF-8");
        text.replace("bounces+k3x@cert.example.org", to)
            .replace("ada@uni.example.org", &recipient)
            .into_bytes()
    };
    let forged = format!(
        "{}@{domain}",
        envelope
            .split_once('+')
            .map(|(local, _)| format!("{local}+{}", "0".repeat(token.len())))
            .expect("a local part")
    );
    let maildir = maildir(
        &world,
        &[
            ("1.real", &report(&envelope)),
            ("2.again", &report(&envelope)),
            ("3.forged", &report(&forged)),
            ("4.nobody's", &report("cert@elsewhere.example")),
        ],
    );
    // Letters come back while others still leave: another run is at work, and nobody waits for it.
    let work = world.path(".advise");
    let _at_work = ledger::lock(&work, &NOW.parse().expect("a time")).expect("nobody is at work");
    world
        .run(&format!("inbox --maildir {} --json", maildir.display()))
        .gives(|document| {
            let noted = |file: &str| {
                message(document, file)["bounces"][0]["noted"]
                    .as_str()
                    .expect("noted")
                    .to_string()
            };
            assert_eq!(noted("1.real"), "counted");
            assert_eq!(noted("2.again"), "known already");
            assert_eq!(noted("3.forged"), "not addressed to a letter of ours");
            assert_eq!(noted("4.nobody's"), "not addressed to a letter of ours");
            assert_eq!(
                message(document, "3.forged")["bounces"][0]["recipient"],
                recipient.as_str(),
                "what it says is shown all the same"
            );
        });
}

#[test]
fn the_mail_server_learns_what_became_of_its_mail() {
    let world = World::without_advisories();
    let taken = pipe(
        &world,
        "inbox --stdin --json",
        &samples::named("postfix-old"),
    );
    assert_eq!(code(&taken), 0, "{}", said(&taken));
    let document: Value = serde_json::from_slice(&taken.stdout).expect("JSON");
    assert_eq!(
        document["messages"][0]["bounces"][0]["recipient"],
        "ada@uni.example.org"
    );

    // Kept for staff is taken too: the server must not return it.
    let kept = pipe(
        &world,
        "inbox --stdin -q",
        b"From: ada@uni.example.org\n\nhello\n",
    );
    assert_eq!(
        (code(&kept), files(&world.path(".advise/inbox")).len()),
        (0, 2),
        "{}",
        said(&kept)
    );

    let mut large = b"From: ada@uni.example.org\n\n".to_vec();
    large.resize(50_000_000, b'x');
    let refused = pipe(&world, "inbox --stdin --json", &large);
    assert_eq!(code(&refused), 65, "{}", said(&refused));
    assert!(said(&refused).contains("it is larger than 25 MiB"));
    assert_eq!(
        files(&world.path(".advise/inbox")).len(),
        2,
        "it is not kept"
    );
}

#[test]
fn whatever_goes_wrong_the_mail_server_brings_the_mail_again() {
    let world = World::without_advisories();
    let mail = b"From: ada@uni.example.org\n\nhello\n";
    for words in [
        "inbox --stdin --no-such-option",
        "inbox --stdin --maildir x",
    ] {
        let output = pipe(&world, words, mail);
        assert_eq!(code(&output), 75, "{words}: {}", said(&output));
    }
    // Nothing can be kept where the folder is a file.
    fs::create_dir_all(world.path(".advise")).expect("a folder");
    fs::write(world.path(".advise/inbox"), "in the way").expect("written");
    let output = pipe(&world, "inbox --stdin", mail);
    assert_eq!(code(&output), 75, "{}", said(&output));
    assert!(
        !said(&output).contains("ada@"),
        "no address in what goes into the server's log: {}",
        said(&output)
    );
    fs::remove_file(world.path(".advise/inbox")).expect("removed");
    // A mistake in the workspace is no reason to return mail either.
    let settings = world.text("advise.yaml");
    let world = world.file("advise.yaml", "site: nonsense\n");
    assert_eq!(code(&pipe(&world, "inbox --stdin", mail)), 75);
    let world = world.file("advise.yaml", &settings);
    assert_eq!(code(&pipe(&world, "inbox --stdin", mail)), 0);
    wait_until("it is kept", || {
        files(&world.path(".advise/inbox")).len() == 2
    });
}

#[test]
fn what_went_wrong_on_the_way_leaves_the_rest_for_the_next_run() {
    let world = World::without_advisories();
    let maildir = maildir(
        &world,
        &[
            ("1", &samples::named("exim")),
            ("2", b"From: ada@uni.example.org\n\nhello\n"),
        ],
    );
    fs::create_dir_all(world.path(".advise")).expect("a folder");
    fs::write(world.path(".advise/inbox"), "in the way").expect("written");
    let words = format!("inbox --maildir {}", maildir.display());
    let world = world
        .run(&words)
        .exits(3)
        .says("cannot use")
        .says("Took in 1 mail: 1 bounce.");
    assert_eq!(
        (files(&maildir.join("new")), files(&maildir.join("cur"))),
        (vec!["2".to_string()], vec!["1:2,S".to_string()])
    );
    fs::remove_file(world.path(".advise/inbox")).expect("removed");
    world
        .run(&words)
        .exits(1)
        .says("Took in 1 mail: 1 unknown.");
}
