//! What staff live through with `advise`, told through the program itself.

use crate::harness::{NOW, World, advise, contains, has, set, skip, wait_until};
use serde_json::Value;
use std::{collections::BTreeMap, fs, io::Read as _, process::Stdio};

const UNIVERSITIES: [&str; 4] = [
    "dana@north.example.org",
    "saule@physics.example.org",
    "security@north.example.org",
    "yelena@lakeside.example.org",
];
const ANNOUNCE: [&str; 3] = [
    "gulnara@hospital.example.org",
    "hello@opendata.example.org",
    "peering@ix.example.net",
];

// ---- the plan, and carrying it out

#[test]
fn a_plan_sends_nothing_and_writes_nothing() {
    World::sample()
        .without(".advise")
        .run("plan")
        .exits(1)
        .says("warning: there is no ledger in `.advise/`: nothing is known of earlier runs, and `publish` will not begin")
        .says("In all: 61 letters, 4 notices, 6 held, 8 changes on the site.")
        .says("HELD  Marat Ibraev <marat@lakeside.example.org> (`universities`): no certificate; gets a notice without content")
        .says("EX-2026-0013 → public: under embargo until 2026-12-01T09:00:00+05:00")
        .leaves_no(".advise")
        .leaves_no("outbox")
        .leaves_no("public");
}

#[test]
fn what_is_published_is_not_published_twice() {
    let world = World::sample()
        .run("publish --yes")
        .exits(1)
        .says("told 4 members that something is held for them")
        .has_mails(65);
    let site = world.site();
    let mail: Vec<Vec<u8>> = world.mail().into_iter().map(|mail| mail.raw).collect();
    let world = world
        .run("publish --yes")
        .exits(1)
        .says("Nothing to do: everything is published already. 6 letters are still held.")
        .says("nothing to do: everything is published already")
        .has_mails(65);
    assert!(site == world.site(), "the site has other bytes");
    assert!(
        mail == world
            .mail()
            .into_iter()
            .map(|mail| mail.raw)
            .collect::<Vec<_>>()
    );
    // Nor on another day.
    let world = world
        .at("2026-11-25T08:00:00Z")
        .run("publish --yes")
        .exits(1)
        .says("nothing to do")
        .has_mails(65);
    assert!(
        site == world.site(),
        "the site has other bytes on another day"
    );
}

#[test]
fn without_its_ledger_a_workspace_is_not_published_again() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", FIRST)
        .run("publish --yes")
        .has_mails(3);
    // A second clone, or a disk that was lost: `.advise/` is never committed.
    let away = world.beside().join("ledger.sqlite");
    fs::rename(world.path(".advise/ledger.sqlite"), &away).expect("moved");
    let world = world.without("outbox").without("public");
    let refused = |world: World, words: &str| {
        world
            .run(words)
            .exits(2)
            .says("error: there is no ledger `")
            .says("= hint: if nothing was ever published from this workspace, say so: `advise publish --first-run`")
            .leaves_no(".advise/ledger.sqlite")
            .leaves_no("outbox")
            .leaves_no("public")
    };
    let world = refused(world, "publish --yes");
    let world = refused(world, "build");
    // Making the site elsewhere is allowed, and begins no ledger.
    let unknown = "warning: there is no ledger in `.advise/`: nothing is known of earlier runs";
    let world = world
        .shell("$advise build --out made")
        .says(unknown)
        .without("made")
        .run("status")
        .says(unknown);
    let world = refused(world, "publish --yes --only site");
    fs::rename(&away, world.path(".advise/ledger.sqlite")).expect("moved back");
    let world = world.run("publish --yes").has_mails(0);

    // A script that always says it is told so; it takes a ledger without a past.
    let world = world
        .run("publish --yes --first-run")
        .exits(2)
        .says("error: the ledger knows of earlier runs; nothing was done")
        .without(".advise/ledger.sqlite")
        .run("publish --first-run")
        .exits(2)
        .says("error: nobody can be asked here")
        .run("publish --yes --first-run")
        .says("sent 2 letters to list `open-announce`")
        .has_mails(3);
    // What a full disk or a broken restore leaves is not taken for a new one.
    for file in ["ledger.sqlite-wal", "ledger.sqlite-shm"] {
        drop(fs::remove_file(world.path(".advise").join(file)));
    }
    world
        .file(".advise/ledger.sqlite", "")
        .run("publish --yes")
        .exits(2)
        .says("is damaged: it is empty")
        .has_mails(3);
}

#[test]
fn the_clock_keeps_an_embargo_whatever_now_is_said_to_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |words: &str| {
        let mut command = std::process::Command::new(advise());
        command
            .current_dir(folder.path())
            .args(words.split(' '))
            .stdin(Stdio::null());
        let output = command.output().expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    assert_eq!(run("init").0, Some(0));
    let text = "---\nid: EX-2026-0101\nstatus: final\ntitle: A fault\ndate: 2026-01-02\ntlp: CLEAR\nseverity: low\n\
                audience: [public]\nembargo: 2999-01-01T00:00:00Z\n---\nText.\n";
    fs::write(folder.path().join("advisories/EX-2026-0101.md"), text).expect("written");
    // One may look ahead.
    let (code, told, _) = run("--now 2999-01-01 plan --only site");
    assert_eq!(
        (code, told.contains("EX-2026-0101 r1 appears")),
        (Some(0), true),
        "{told}"
    );
    // One may not act ahead.
    for words in [
        "publish --yes",
        "publish --yes --only site",
        "build",
        "build --out made",
    ] {
        let (code, _, said) = run(&format!("--now 2999-01-01 {words}"));
        assert_eq!(code, Some(2), "{words}: {said}");
        assert!(
            said.contains("`--now` would end the embargo of `EX-2026-0101` before its time"),
            "{words}: {said}"
        );
        assert!(
            !folder.path().join("made").exists() && !folder.path().join("public").exists(),
            "{words}"
        );
    }
    // A time to come that ends no embargo is as good as any: the run goes on, until it needs a key.
    let (code, _, said) = run("--now 2998-12-31 build --out made");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("does not say with which key to sign"),
        "{said}"
    );
}

#[test]
fn what_was_written_for_closed_lists_and_becomes_public_is_said() {
    World::without_advisories()
        .advisory("EX-2026-0101", "tlp: AMBER\naudience: [operators]")
        .advisory("EX-2026-0102", FIRST)
        .run("publish --yes")
        .exits(1)
        .whatever_it_says()
        .advisory("EX-2026-0101", &SECOND.replace("[open", "[operators, open"))
        .advisory("EX-2026-0102", SECOND)
        .run("check")
        .exits(1)
        .says("warning: revision 1 went out, but not to the public, which reads each summary from now on")
        .says("--> advisories/2026/EX-2026-0101.md")
        .does_not_say("--> advisories/2026/EX-2026-0102.md")
        .whatever_it_says()
        .run("publish --yes")
        .exits(1)
        .says("  EX-2026-0101 r2 appears\n    with the summaries of earlier revisions, which went to closed audiences only\n")
        .says("  EX-2026-0102 r2 changes\n")
        .whatever_it_says()
        .run("check")
        .does_not_say("from now on")
        .exits(1)
        .whatever_it_says();
}

#[test]
fn without_a_yes_nothing_leaves() {
    World::without_advisories()
        .advisory("EX-2026-0101", "tlp: CLEAR\naudience: [open-announce]")
        .run("publish")
        .exits(2)
        .says("error: nobody can be asked here")
        .leaves_no("public")
        .leaves_no("outbox");
}

#[test]
fn a_letter_for_a_closed_list_is_encrypted_and_leaves_no_page() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", "tlp: AMBER\naudience: [universities]")
        .run("publish --yes")
        .exits(1)
        .says("sent 2 letters to list `universities`: EX-2026-0101 r1, encrypted, en")
        .says("sent 2 letters to list `universities`: EX-2026-0101 r1, encrypted, ru")
        .leaves_no_page("EX-2026-0101")
        .leaves_a_page("rfc2350.txt");
    assert_eq!(
        world
            .mail()
            .iter()
            .filter(|mail| mail.is("encrypted"))
            .count(),
        4
    );
    for mail in world.mail().iter().filter(|mail| mail.is("encrypted")) {
        assert!(UNIVERSITIES.contains(&mail.recipient().as_str()));
        assert!(
            !contains(&mail.raw, "EX-2026-0101") && !contains(&mail.raw, "Gateway"),
            "{}",
            mail.path.display()
        );
    }
    // The two who are held learn that something waits, and nothing else.
    let notices: Vec<_> = world
        .mail()
        .into_iter()
        .filter(|mail| !mail.is("encrypted"))
        .collect();
    assert_eq!(
        set(notices.iter().map(|mail| mail.header("Delivered-To"))),
        set(["marat@lakeside.example.org", "viktor@physics.example.org"])
    );
    assert!(notices.iter().all(|mail| !contains(&mail.raw, "Gateway")));
}

#[test]
fn only_one_of_the_channels() {
    let world = || {
        World::without_advisories().advisory(
            "EX-2026-0101",
            "tlp: CLEAR\naudience: [open-announce, public]",
        )
    };
    world()
        .run("publish --yes --only mail")
        .says("sent 2 letters to list `open-announce`: EX-2026-0101 r1, signed, en")
        .leaves_no("public")
        .run("publish --yes --only site")
        .says("site: EX-2026-0101 r1 appears")
        .leaves_a_page("advisories/EX-2026-0101/index.html")
        .has_mails(3)
        .run("publish --yes")
        .says("nothing to do");
    world()
        .run("publish --yes --only site")
        .leaves_a_page("advisories/EX-2026-0101.txt")
        .has_mails(0)
        .run("publish --yes")
        .has_mails(3);
    world()
        .run("publish --yes --only press")
        .exits(2)
        .whatever_it_says();
}

#[test]
fn what_is_too_old_is_not_mailed_unless_it_is_named() {
    let world = World::without_advisories()
        .change("advise.yaml", "max_age: 3650", "max_age: 30")
        .advisory(
            "EX-2026-0101",
            "date: 2026-09-01\ntlp: CLEAR\naudience: [open-announce, public]",
        )
        .run("publish --yes")
        .says("EX-2026-0101 → mail: older than `mail.max_age`; name the id to mail it all the same")
        .leaves_a_page("advisories/EX-2026-0101/index.html")
        .has_mails(0)
        .run("publish --yes EX-2026-0101")
        .says("sent 2 letters to list `open-announce`")
        .has_mails(3);
    assert_eq!(world.recipients("EX-2026-0101"), ANNOUNCE);
}

#[test]
fn an_id_that_is_not_there_or_still_a_draft_cannot_be_named() {
    World::without_advisories()
        .advisory(
            "EX-2026-0101",
            "status: draft\ntlp: CLEAR\naudience: [open-announce, public]",
        )
        .run("publish --yes EX-2026-0110")
        .exits(2)
        .says("error: there is no advisory `EX-2026-0110`")
        .run("publish --yes EX-2026-0101")
        .exits(2)
        .says("error: `EX-2026-0101` is still a draft")
        .run("publish --yes")
        .has_mails(0)
        .leaves_no_page("EX-2026-0101");
}

// ---- the life of an advisory

const FIRST: &str = "tlp: CLEAR\naudience: [open-announce, public]";
const SECOND: &str = "tlp: CLEAR\naudience: [open-announce, public]\nrevisions:\n  \
    - {number: \"1\", date: 2026-11-20, summary: Initial publication}\n  \
    - {number: \"2\", date: 2026-11-22, summary: Fixed versions added}";

#[test]
fn a_revision_goes_to_those_who_had_the_first_as_an_answer_to_it() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", FIRST)
        .run("publish --yes")
        .has_mails(3);
    // By reader: who reads another language has another letter.
    let ids = |world: &World, revision: &str| -> BTreeMap<String, String> {
        let all = world.mail();
        let of = |mail: &&crate::harness::Mail| {
            mail.header("Subject").contains("EX-2026-0101")
                && mail.header("Subject").contains(revision)
        };
        all.iter()
            .filter(of)
            .map(|mail| (mail.recipient(), mail.header("Message-ID").to_string()))
            .collect()
    };
    let first = ids(&world, "");
    let world = world
        .advisory_with_body("EX-2026-0101", SECOND, "## Summary\n\nNow with versions.")
        .run("publish --yes")
        .says("sent 2 letters to list `open-announce`: EX-2026-0101 r2, signed, en")
        .says("sent 1 letter to list `open-announce`: EX-2026-0101 r2, signed, ru")
        .says("site: EX-2026-0101 r2 changes")
        .has_mails(6);
    assert_eq!(world.recipients("EX-2026-0101 r2"), ANNOUNCE);
    let second: Vec<_> = world
        .mail()
        .into_iter()
        .filter(|mail| mail.header("Subject").contains("r2"))
        .collect();
    for mail in &second {
        assert_eq!(mail.header("In-Reply-To"), first[&mail.recipient()]);
        assert_eq!(mail.header("References"), first[&mail.recipient()]);
        assert_ne!(mail.header("Message-ID"), first[&mail.recipient()]);
    }
    // (That in Russian is in base64.)
    assert_eq!(
        second
            .iter()
            .filter(|mail| contains(&mail.raw, "Fixed versions added"))
            .count(),
        2
    );
    let third =
        format!("{SECOND}\n  - {{number: \"3\", date: 2026-11-22, summary: A typing error}}");
    let world = world
        .advisory("EX-2026-0101", &third)
        .run("publish --yes")
        .has_mails(9);
    let second = ids(&world, "r2");
    for mail in world
        .mail()
        .iter()
        .filter(|mail| mail.header("Subject").contains("r3"))
    {
        let reader = mail.recipient();
        assert_eq!(mail.header("In-Reply-To"), second[&reader]);
        assert_eq!(
            mail.header("References"),
            format!("{} {}", first[&reader], second[&reader])
        );
    }
}

#[test]
fn a_withdrawal_reaches_only_who_got_the_warning() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", FIRST)
        .run("publish --yes")
        .has_mails(3);
    // Somebody joins afterwards.
    let world = world
        .file(
            "constituents/newcomer.yaml",
            "name: Newcomer\nlists: [open-announce]\ncontacts:\n  - name: New\n    address: new@newcomer.example.org\n    joined: 2026-11-21\n",
        )
        .advisory("EX-2026-0101", &format!("status: withdrawn\n{SECOND}"))
        .run("publish --yes")
        .says("sent 2 letters to list `open-announce`: EX-2026-0101 r2")
        .says("site: EX-2026-0101 r2 is marked as withdrawn")
        .has_mails(6);
    assert_eq!(world.recipients("EX-2026-0101 r2"), ANNOUNCE);
    // Nobody was warned of this one, so nobody is told.
    world
        .advisory("EX-2026-0102", &format!("status: withdrawn\n{SECOND}"))
        .run("publish --yes")
        .does_not_say("EX-2026-0102 →")
        .has_mails(6);
}

#[test]
fn a_held_member_who_is_mended_gets_what_was_missed() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", "tlp: AMBER\naudience: [universities]")
        .advisory("EX-2026-0102", "tlp: AMBER\naudience: [universities]")
        .run("publish --yes")
        .exits(1)
        .says("4 letters are held")
        .run("publish --yes")
        .exits(1)
        .says("nothing to do")
        .says("4 letters are held")
        .has_mails(8 + 2)
        .gets_certificate(
            "lakeside-university",
            "Marat Ibraev",
            "marat@lakeside.example.org",
        )
        .run("publish --yes")
        .exits(1)
        .says("sent 1 letter to list `universities`: EX-2026-0101 r1, encrypted, en")
        .says("sent 1 letter to list `universities`: EX-2026-0102 r1, encrypted, en")
        .has_mails(12);
    let got: Vec<_> = world
        .mail()
        .into_iter()
        .filter(|mail| mail.recipient() == "marat@lakeside.example.org" && mail.is("encrypted"))
        .collect();
    assert_eq!(got.len(), 2);
    world
        .run("status EX-2026-0101")
        .exits(1)
        .says("viktor@physics.example.org (universities): certificate expired on 2025-11-22");
}

#[test]
fn a_published_file_that_changes_without_a_revision_stops_everything() {
    World::without_advisories()
        .advisory("EX-2026-0101", FIRST)
        .run("publish --yes")
        .change("advisories/2026/EX-2026-0101.md", "Update it.", "Remove it.")
        .advisory("EX-2026-0102", FIRST)
        .run("plan")
        .exits(2)
        .says("error: `EX-2026-0101` was published and its file has changed since, without a new revision; nothing was done")
        .whatever_it_says()
        .run("publish --yes")
        .exits(2)
        .says("warning: `EX-2026-0101` revision 1 was published on 2026-11-22 and has changed since:")
        .says("--> advisories/2026/EX-2026-0101.md")
        .says(" - (as published; the text is not kept)")
        .says(" + Remove it.")
        .does_not_say("Update it.")
        .says("error: `EX-2026-0101` was published and its file has changed since")
        .has_mails(3)
        .leaves_no_page("EX-2026-0102")
        .change("advisories/2026/EX-2026-0101.md", "Remove it.", "Update it.")
        .run("publish --yes")
        .says("site: EX-2026-0102 r1 appears")
        .has_mails(6);
}

// ---- what goes wrong before anything leaves

/// Whatever the reason, nothing of it is in the ledger, on the site or in the outbox.
fn nothing_happened(world: World, before: &BTreeMap<String, Vec<u8>>) -> World {
    let world = world
        .run("status --json")
        .whatever_it_says()
        .gives(|json| assert_eq!(json["deliveries"], serde_json::json!([])));
    assert!(*before == world.site(), "public/ was touched");
    let leftovers: Vec<_> = fs::read_dir(world.root())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.to_string_lossy().starts_with(".public"))
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
    world.has_mails(0)
}

/// A site is out; then comes a letter.
fn with_a_site() -> (World, BTreeMap<String, Vec<u8>>) {
    let world = World::without_advisories()
        .advisory("EX-2026-0100", "tlp: CLEAR\naudience: [public]")
        .run("publish --yes")
        .has_mails(0);
    let site = world.site();
    (world.advisory("EX-2026-0101", FIRST), site)
}

#[test]
fn a_template_that_does_not_render_stops_everything() {
    let (world, site) = with_a_site();
    let world = world
        .file("templates/advisory.html", "<h1>{{ no.such.thing }}</h1>")
        .run("publish --yes")
        .exits(2)
        .says("error: template `templates/advisory.html")
        .shell("$advise build --out made")
        .exits(2)
        .says("error: template `templates/advisory.html")
        .leaves_no("made");
    let world = nothing_happened(world, &site)
        .file("templates/advisory.html", "{% if %}")
        .run("publish --yes")
        .exits(2)
        .says("error: template `templates/advisory.html`");
    nothing_happened(world, &site)
        .without("templates")
        .run("publish --yes")
        .has_mails(3);
}

#[test]
fn without_the_teams_key_nothing_is_done() {
    let (world, site) = with_a_site();
    let world = world
        .change(
            "advise.yaml",
            ".advise/keys/team.key",
            ".advise/keys/lost.key",
        )
        .run("publish --yes")
        .exits(2)
        .says("error: cannot read the team's key `.advise/keys/lost.key`");
    nothing_happened(world, &site);
}

#[test]
fn with_a_wrong_passphrase_nothing_is_done() {
    let (world, site) = with_a_site();
    let world = world
        .change(
            "advise.yaml",
            "cat .advise/keys/team.passphrase",
            "echo wrong",
        )
        .run("publish --yes")
        .exits(2)
        .says("error: the passphrase for the key of certificate");
    let world = nothing_happened(world, &site)
        .change("advise.yaml", "echo wrong", "exit 3")
        .run("publish --yes")
        .exits(2)
        .says("error: `passphrase_command` ended with exit status: 3");
    let world = nothing_happened(world, &site)
        .change("advise.yaml", "exit 3", "true")
        .run("publish --yes")
        .exits(2)
        .says("error: `passphrase_command` printed nothing");
    nothing_happened(world, &site);
}

#[test]
fn with_an_expired_certificate_of_the_team_nothing_is_done() {
    let (world, site) = with_a_site();
    let world = world
        .at("2030-01-01T00:00:00Z")
        .run("publish --yes")
        .exits(2)
        .says("error: the team's certificate cannot sign now: it has expired")
        .says("error: the workspace has 1 error; nothing was done")
        .run("check")
        .exits(1)
        .says("the team's certificate cannot sign now: it has expired")
        .at(NOW);
    nothing_happened(world, &site);
}

#[test]
fn when_the_disk_is_full_nothing_is_half_done() {
    let (world, site) = with_a_site();
    let disk = world.beside().join("disk");
    fs::create_dir(&disk).expect("a folder");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "none"])
        .arg(&disk)
        .output()
        .is_ok_and(|mount| mount.status.success());
    if !mounted {
        return skip(
            "when the disk is full",
            "no small disk can be mounted here (run as root)",
        );
    }
    let disk = Mounted(disk);
    assert!(
        std::process::Command::new("cp")
            .arg("-a")
            .arg(world.root())
            .arg(disk.0.join("w"))
            .status()
            .expect("cp runs")
            .success()
    );
    let run = || {
        let mut there = std::process::Command::new(advise());
        there
            .args(["-C"])
            .arg(disk.0.join("w"))
            .args(["--now", NOW, "publish", "--yes"]);
        there.output().expect("the program runs")
    };
    // First without any room at all, then with a little more each time, until there is enough.
    let filler = disk.0.join("filler");
    let mut room = 0;
    loop {
        let free = 3 * 1024 * 1024;
        drop(fs::remove_file(&filler));
        let mut left: usize = free;
        loop {
            // As much as there is, less what is to be left free.
            match fs::write(&filler, vec![0; left]) {
                Ok(()) => break,
                Err(_) => left = left.saturating_sub(16 * 1024),
            }
        }
        fs::write(&filler, vec![0; left.saturating_sub(room)]).expect("less than before");
        let output = run();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let page = disk.0.join("w/public/advisories/EX-2026-0101/index.html");
        let mails = fs::read_dir(disk.0.join("w/outbox/new")).map_or(0, Iterator::count);
        match output.status.code() {
            Some(2) => {
                assert!(!page.exists() && mails == 0, "with {room} bytes: {stderr}");
                let kept: BTreeMap<_, _> = site
                    .iter()
                    .filter(|(path, _)| !path.ends_with('/'))
                    .collect();
                assert!(
                    kept.iter()
                        .all(|(path, bytes)| fs::read(disk.0.join("w/public").join(path))
                            .is_ok_and(|now| now == **bytes)),
                    "the old site is damaged"
                );
                assert!(
                    stderr.contains("error: ")
                        && (stderr.contains("no space left on the disk")
                            || stderr.contains("No space left")),
                    "{stderr}"
                );
            }
            Some(3) => assert!(
                stderr.contains("again") || stderr.contains("goes on from there"),
                "{stderr}"
            ),
            Some(0) => break,
            other => panic!("{other:?}: {stderr}"),
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
        room += 12 * 1024;
        assert!(room < free, "it never had enough: {stderr}");
    }
    assert!(room > 0, "the disk was never full");
    let mails = fs::read_dir(disk.0.join("w/outbox/new"))
        .expect("an outbox")
        .count();
    assert_eq!(mails, 3);
}

#[test]
fn when_the_outbox_is_full_the_rest_waits_for_the_next_run() {
    let world = World::without_advisories().advisory("EX-2026-0101", FIRST);
    let disk = world.beside().join("disk");
    fs::create_dir(&disk).expect("a folder");
    let mount = |options: &str| {
        std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "none"])
            .arg(&disk)
            .output()
            .is_ok_and(|mount| mount.status.success())
    };
    if !mount("size=8k") {
        return skip(
            "when the outbox is full",
            "no small disk can be mounted here (run as root)",
        );
    }
    let _disk = Mounted(disk.clone());
    std::os::unix::fs::symlink(&disk, world.path("outbox")).expect("a link");
    let world = world
        .run("publish --yes")
        .exits(3)
        .says("warning: no space left on the disk for `")
        .says("not tried")
        .says("run `advise publish` again: it goes on where this stopped, and sends nothing twice")
        .leaves_a_page("advisories/EX-2026-0101/index.html");
    assert!(world.mail().len() < 3);
    // What was not tried is due at once.
    let world = world.run("status").exits(1).says("intended");
    assert!(mount("remount,size=1m"));
    let world = world
        .run("publish --yes")
        .says("sent ")
        .has_mails(3)
        .run("publish --yes")
        .says("nothing to do");
    assert_eq!(world.recipients("EX-2026-0101"), ANNOUNCE);
}

struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_file_that_may_not_grow_stops_it_cleanly() {
    // A limit of the shell on the size of files: the ledger or a page meets it.
    let (world, site) = with_a_site();
    let world = world
        .shell("trap '' XFSZ; ulimit -f 2; $advise publish --yes")
        .exits(2)
        .says("error: ");
    nothing_happened(world, &site)
        .run("publish --yes")
        .has_mails(3);
}

// ---- two at once, and a run that is cut short

#[test]
fn the_second_of_two_runs_says_who_is_at_work() {
    let world = World::without_advisories().advisory("EX-2026-0101", FIRST).change(
        "advise.yaml",
        "cat .advise/keys/team.passphrase",
        "touch .advise/asked; while ! test -e .advise/go; do sleep 0.02; done; cat .advise/keys/team.passphrase",
    );
    let mut first = world.starts("publish --yes");
    wait_until("the first run asks for the passphrase", || {
        world.path(".advise/asked").exists()
    });
    let words = format!("error: process {} on `", first.id());
    let world = world
        .run("publish --yes")
        .exits(2)
        .says(&words)
        .says("is at work here since 2026-11-22T12:00:00Z")
        .has_mails(0);
    // Looking is always possible.
    let world = world
        .run("plan")
        .run("status")
        .says("0 advisories on the site");
    fs::write(world.path(".advise/go"), "").expect("written");
    assert!(first.wait().expect("it ends").success());
    world
        .has_mails(3)
        .run("publish --yes")
        .says("nothing to do")
        .has_mails(3);
}

#[test]
fn after_a_kill_in_the_middle_of_the_mail_every_member_has_exactly_one_letter() {
    let contacts: String = (0..1500)
        .map(|n| format!("  - name: Member {n}\n    address: member{n}@crowd.example.org\n"))
        .collect();
    let mut world = World::without_advisories()
        .file(
            "constituents/crowd.yaml",
            &format!("name: A crowd\nlists: [open-announce]\ncontacts:\n{contacts}"),
        )
        .advisory("EX-2026-0101", FIRST);
    let new = world.path("outbox/new");
    let count = || fs::read_dir(&new).map_or(0, Iterator::count);
    for reached in [10, 60] {
        let mut run = world.starts("publish --yes");
        wait_until("some letters are out", || count() >= reached);
        run.kill().expect("it was at work");
        assert!(
            !run.wait().expect("it ends").success(),
            "it was too fast to be killed"
        );
        assert!(count() < 1503);
    }
    world = world.run("publish --yes").says("sent ").has_mails(1503);
    let recipients = world.recipients("EX-2026-0101");
    assert_eq!(set(recipients.iter().map(String::as_str)).len(), 1503);
    world
        .run("status --json EX-2026-0101")
        .gives(|json| {
            let rows = json["deliveries"].as_array().expect("rows");
            assert_eq!(rows.len(), 1503);
            assert!(rows.iter().all(|row| row["state"] == "accepted"));
        })
        .run("publish --yes")
        .says("nothing to do")
        .has_mails(1503);
}

// ---- what programs read

#[test]
fn every_json_document_parses() {
    let world = World::sample().run("--json plan").exits(1).gives(|json| {
        assert!(
            json.is_object() && json.to_string().contains("EX-2026-0010"),
            "{json:#}"
        );
    });
    let keys = |json: &Value, names: &[&str]| {
        for name in names {
            assert!(json.get(name).is_some(), "no `{name}` in {json:#}");
        }
    };
    let world = world
        .run("--json publish --yes")
        .exits(1)
        .gives(|json| {
            keys(json, &["plan", "outcomes", "untried", "site", "closed"]);
            assert_eq!(json["outcomes"]["accepted"], 65);
        })
        .run("--json status")
        .exits(1)
        .gives(|json| {
            keys(json, &["deliveries", "held", "site"]);
            // Four notices tell of six letters that are held: each of these has a line for the notice and one for the
            // letter that is owed.
            assert_eq!(json["deliveries"].as_array().map(Vec::len), Some(73));
            assert_eq!(json["held"].as_array().map(Vec::len), Some(6));
            assert_eq!(json["site"].as_array().map(Vec::len), Some(7));
        })
        .run("--json check")
        .exits(1)
        .whatever_it_says();
    let world = judged(world, |json| assert!(json.is_object() || json.is_array()));
    let world = world
        .run("check --format sarif")
        .exits(1)
        .gives(|json| assert_eq!(json["version"], "2.1.0"));
    let world = world
        .run("--json list")
        .gives(|json| assert_eq!(json["lists"].as_array().map(Vec::len), Some(4)))
        .run("--json list universities")
        .gives(|json| keys(json, &["list", "members"]))
        .run("--json constituent")
        .gives(|json| assert_eq!(json["constituents"].as_array().map(Vec::len), Some(12)))
        .run("--json constituent northern-university")
        .gives(|json| assert_eq!(json["constituents"].as_array().map(Vec::len), Some(1)))
        .run("--json key status")
        .exits(1)
        .gives(|json| assert_eq!(json["healthy"], false))
        .run("--json rfc2350 show")
        .gives(|json| keys(json, &["lang", "text"]));
    let files = format!(
        "--json verify {0}/public/rfc2350.txt {0}/team.yaml",
        world.root().display()
    );
    world.run(&files).exits(1).gives(|json| {
        assert_eq!(
            (&json["files"][0]["good"], &json["files"][1]["good"]),
            (&Value::Bool(true), &Value::Bool(false))
        );
    });
}

fn judged(mut world: World, judge: impl Fn(&Value)) -> World {
    let json = world.json();
    judge(&json);
    world
}

#[test]
fn exit_codes_tell_how_it_ended() {
    // 0: done; 1: something is held, or findings; 2: usage, settings, failure; 3: partly done.
    let world = World::without_advisories()
        .advisory("EX-2026-0101", FIRST)
        .run("plan")
        .exits(0)
        .run("publish --yes")
        .exits(0)
        .run("status")
        .exits(0);
    let world = world
        .advisory("EX-2026-0102", "tlp: AMBER\naudience: [universities]")
        .run("plan")
        .exits(1)
        .run("publish --yes")
        .exits(1)
        .run("status")
        .exits(1);
    let world = world
        .run("publish --nonsense")
        .exits(2)
        .whatever_it_says()
        .run("list nowhere")
        .exits(2)
        .says("error: list `nowhere` does not exist");
    let world = world
        .advisory("EX-2026-0103", "tlp: AMBER\naudience: [public]")
        .run("check")
        .exits(1)
        .says("TLP:AMBER never goes to the public")
        .run("publish --yes")
        .exits(2)
        .says("error: TLP:AMBER never goes to the public")
        .says("error: the workspace has 1 error; nothing was done")
        .without("advisories/2026/EX-2026-0103.md");
    // A program that takes some letters only.
    let script = world.beside().join("picky");
    fs::write(
        &script,
        "#!/bin/sh\ncat > /dev/null\ncase \"$*\" in *gulnara*) echo 'try later' >&2; exit 75;; *hello*) exit 67;; esac\n",
    )
    .expect("written");
    make_executable(&script);
    let settings = format!(
        "transport: sendmail\n  sendmail: {{command: {}}}",
        script.display()
    );
    let world = world
        .without("advisories/2026/EX-2026-0102.md")
        .change("advise.yaml", "transport: outbox", &settings)
        .advisory("EX-2026-0104", "tlp: CLEAR\naudience: [open-announce]")
        .run("publish --yes")
        .exits(3)
        .says("sent 1 letter to list `open-announce`: EX-2026-0104 r1, signed, en; 1 not taken, see `advise status EX-2026-0104`")
        .says("warning: not all letters were taken: 1 accepted, 1 deferred, 1 failed")
        .says("run `advise publish` again")
        .run("status EX-2026-0104")
        .exits(1)
        .says("try later")
        .run("publish --yes")
        .exits(3)
        .says("EX-2026-0104 → mail: 1 copy failed for good; name the id to try again")
        .whatever_it_says();
    fs::write(&script, "#!/bin/sh\ncat > /dev/null\n").expect("written");
    world
        .at("2026-11-22T12:05:00Z")
        .run("publish --yes")
        .exits(1)
        .says("sent 1 letter")
        .says("EX-2026-0102: 2 letters were not sent, and the advisory is gone or a draft again")
        .run("publish --yes EX-2026-0104")
        .exits(1)
        .says("sent 1 letter")
        .run("publish --yes")
        .exits(1)
        .says("nothing to do now, but not everybody has what was meant for them");
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

#[test]
fn a_mail_server_that_is_away_is_said_before_anything_leaves() {
    let (world, site) = with_a_site();
    let server = "transport: smtp\n  smtp: {host: 127.0.0.1, port: 9, security: none, user: who, password_command: exit 4}";
    let world = world
        .change("advise.yaml", "transport: outbox", server)
        .run("publish --yes")
        .exits(2)
        .says("error: the mail server's password cannot be had: `password_command` ended with exit status: 4");
    let world = nothing_happened(world, &site)
        .change("advise.yaml", ", user: who, password_command: exit 4", "")
        .run("publish --yes")
        .exits(2)
        .says("error: cannot reach the mail server `127.0.0.1:9`");
    nothing_happened(world, &site);
}

// ---- the small things

#[test]
fn a_new_advisory_takes_the_next_free_id() {
    World::sample()
        .run("new \"Something new\"")
        .says("advisories/2026/EX-2026-0015.md")
        .says("wrote a draft; choose `tlp`, `severity` and `audience`, then `advise check`")
        .run("--json new --kind alert \"Quotes: 'and' # signs\"")
        .gives(|json| assert_eq!(json["id"], "EX-2026-0016"))
        .at("2027-01-02")
        .run("new --no-edit \"A new year\"")
        .says("advisories/2027/EX-2027-0001.md")
        .run("check advisories/2027")
        .exits(1)
        .says("advisories/2027/EX-2027-0001.md:")
        .whatever_it_says();
}

#[test]
fn a_folder_that_is_no_workspace_is_said_so() {
    World::sample()
        .without("advise.yaml")
        .run("plan")
        .exits(2)
        .says("error: ")
        .run("new \"A title\"")
        .exits(2)
        .says("error: ")
        .run("publish --yes")
        .exits(2)
        .says("error: ");
    World::sample()
        .run("init")
        .exits(2)
        .says("is a workspace already");
}

#[test]
fn an_empty_workspace_grows_into_one_that_publishes() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |words: &[&str]| {
        let output = std::process::Command::new(advise())
            .current_dir(folder.path())
            .args(["--now", NOW])
            .args(words)
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    run(&["init"]);
    run(&["check"]);
    let told = run(&["key", "generate", "--no-passphrase"]);
    let (signing, keys) = told.split_once("keys:").expect("what to write");
    let path = folder.path().join("advise.yaml");
    let settings = fs::read_to_string(&path).expect("settings");
    fs::write(&path, format!("{settings}\n{signing}")).expect("written");
    let path = folder.path().join("team.yaml");
    let team = fs::read_to_string(&path)
        .expect("facts")
        .replace("keys: []", &format!("keys:{keys}"));
    fs::write(&path, team).expect("written");
    run(&["publish", "--yes"]);
    let text = folder.path().join("public/rfc2350.txt");
    assert!(run(&["verify", text.to_str().expect("UTF-8")]).contains("good signature"));
}

#[test]
fn every_example_in_the_help_runs() {
    let help = |verb: &[&str]| {
        let output = std::process::Command::new(advise())
            .args(verb)
            .arg("--help")
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{verb:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let top = help(&[]);
    let verbs: Vec<&str> = top
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(verbs.len() > 10, "{verbs:?}");
    let mut texts = vec![top.clone()];
    texts.extend(
        verbs
            .iter()
            .filter(|verb| **verb != "help")
            .map(|verb| help(&[verb])),
    );
    let examples: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .filter(|code| code.starts_with("advise "))
        .collect();
    assert!(examples.len() >= 3, "{examples:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = format!(
        "{}:{}",
        advise().parent().expect("a folder").display(),
        std::env::var("PATH").expect("a PATH")
    );
    for example in examples {
        if example.contains("man -l") && !has("man") {
            skip(example, "there is no `man` here");
            continue;
        }
        let output = std::process::Command::new("bash")
            .args(["-c", example])
            .env("PATH", &path)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .output()
            .expect("bash runs");
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "`{example}`: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            !output.stdout.is_empty() || !output.stderr.is_empty(),
            "`{example}` said nothing"
        );
    }
    // Each verb has a page of the manual.
    for verb in verbs.iter().filter(|verb| **verb != "help") {
        let output = std::process::Command::new(advise())
            .args(["man", verb])
            .output()
            .expect("the program runs");
        assert!(
            output.status.success() && contains(&output.stdout, ".SH"),
            "{verb}"
        );
    }
}

#[test]
fn without_a_terminal_or_with_no_color_there_is_no_colour() {
    if !has("script") {
        return skip("no colour", "there is no `script` to make a terminal with");
    }
    let world = World::sample().change("team.yaml", "time_zone:", "timezone:");
    let in_terminal = |world: &World, variables: &str| {
        let command = format!(
            "{variables} {} -C {} check",
            advise().display(),
            world.root().display()
        );
        let output = std::process::Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .output()
            .expect("script runs");
        contains(&output.stdout, "\u{1b}[")
    };
    assert!(in_terminal(&world, ""), "a terminal gets colour");
    assert!(!in_terminal(&world, "NO_COLOR=1"), "NO_COLOR is obeyed");
    world
        .run("check")
        .exits(1)
        .says("time_zone")
        .does_not_say("\u{1b}")
        .whatever_it_says();
}

/// A pipe that nobody reads from any more.
fn closed_pipe() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer
}

#[test]
fn a_reader_who_has_seen_enough_stops_nothing() {
    World::sample()
        .shell("set -o pipefail; $advise man | head -1")
        .says(".")
        .shell("$advise plan | head -1")
        .says("Mail");
    for words in [
        "man",
        "check",
        "list",
        "constituent",
        "key status",
        "--json check",
        "completions bash",
    ] {
        let world = World::sample();
        let output = world
            .command(words)
            .stdout(closed_pipe())
            .output()
            .expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(output.status.code(), Some(0 | 1)) && !stderr.contains("panicked"),
            "{words}: {stderr}"
        );
    }
    // Publishing goes on, whichever stream is closed.
    for (stdout, stderr) in [(true, false), (false, true), (true, true)] {
        let world = World::without_advisories().advisory("EX-2026-0101", FIRST);
        let mut command = world.command("publish --yes");
        let stream = |closed| {
            if closed {
                Stdio::from(closed_pipe())
            } else {
                Stdio::null()
            }
        };
        let status = command
            .stdout(stream(stdout))
            .stderr(stream(stderr))
            .status()
            .expect("the program runs");
        assert_eq!(status.code(), Some(0));
        drop(world.has_mails(3));
    }
}

#[test]
fn a_plan_that_cannot_be_written_down_is_not_carried_out() {
    let world = World::without_advisories().advisory("EX-2026-0101", FIRST);
    let full = || {
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full")
    };
    for (words, code) in [("publish --yes", 2), ("--json plan", 2), ("list", 2)] {
        let mut run = world
            .command(words)
            .stdout(full())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stderr = String::new();
        run.stderr
            .take()
            .expect("piped")
            .read_to_string(&mut stderr)
            .expect("UTF-8");
        assert_eq!(run.wait().expect("it ends").code(), Some(code), "{words}");
        assert!(
            stderr.contains("cannot write to standard output"),
            "{words}: {stderr}"
        );
    }
    world.has_mails(0).leaves_no("public");
}

#[test]
fn without_the_ledgers_own_key_nothing_is_sent() {
    let world = World::without_advisories()
        .advisory("EX-2026-0101", "tlp: CLEAR\naudience: [open-announce]")
        .run("publish --yes")
        .whatever_it_says();
    let sent = world.mail().len();
    let key = fs::read(world.path(".advise/keys/ledger.key")).expect("the key");
    let world = world
        .without(".advise/keys/ledger.key")
        .run("publish --yes")
        .exits(2)
        .says("error: the key of the ledger is missing: there is no `")
        .says("hint: restore the key and the ledger from the same backup")
        .whatever_it_says();
    fs::write(world.path(".advise/keys/ledger.key"), [7; 32]).expect("written");
    let world = world
        .run("publish --yes --first-run")
        .exits(2)
        .says("/.advise/keys/ledger.key` is not the key that the ledger was made with")
        .whatever_it_says();
    assert_eq!(world.mail().len(), sent);
    fs::write(world.path(".advise/keys/ledger.key"), key).expect("restored");
    drop(
        world
            .run("publish --yes")
            .says("nothing to do: everything is published"),
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_crash_leaves_no_memory_on_the_disk() {
    let world = World::sample()
        .change(
            "advise.yaml",
            "cat .advise/keys/team.passphrase",
            "cat /proc/$PPID/limits > .advise/limits; cat .advise/keys/team.passphrase",
        )
        .run("publish --yes")
        .exits(1)
        .whatever_it_says();
    let limits = world.text(".advise/limits");
    let core: Vec<&str> = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .expect("the limit")
        .split_whitespace()
        .collect();
    assert_eq!(core, ["0", "0", "bytes"]);
}
