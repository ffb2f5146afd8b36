//! What comes back and what it causes: a member is suspended and never silently, colleagues hear of it, staff know whom to
//! phone, and a forgery changes nothing.

use crate::harness::{Mail, World};
use advise::receipt::Verdict;
use serde_json::Value;
use std::{collections::BTreeSet, io::Write as _, process::Stdio};

const DUTY: &str = "duty@grid.example.net";
const RUSTAM: &str = "rustam@grid.example.net";

fn mails_to(world: &World, address: &str) -> Vec<Mail> {
    world
        .mail()
        .into_iter()
        .filter(|mail| mail.recipient() == address)
        .collect()
}

/// The tokens of the envelopes in which this address got mail.
fn tokens(world: &World, address: &str) -> BTreeSet<String> {
    let token = |mail: &Mail| {
        let sender = mail
            .header("Return-Path")
            .trim_matches(['<', '>'])
            .to_string();
        sender
            .split(['+', '@'])
            .nth(1)
            .expect("an address with a token")
            .to_string()
    };
    mails_to(world, address).iter().map(token).collect()
}

/// What a mail server writes (RFC 3464) to this envelope's address.
fn report(token: &str, recipient: &str, verdict: Verdict) -> String {
    let (action, status, words) = match verdict {
        Verdict::Hard => ("failed", "5.1.1", "no such user here"),
        Verdict::Soft => ("failed", "4.2.2", "mailbox full"),
    };
    format!(
        "Delivered-To: bounces+{token}@cert.example.org\nFrom: MAILER-DAEMON@mx.example.net\n\
         To: bounces+{token}@cert.example.org\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nI am sorry.\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
         Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n\
         Diagnostic-Code: smtp; 550 {status} <{recipient}>: {words}\n\n--b--\n"
    )
}

/// The mail server hands it over; gives the JSON document.
fn takes_in(world: &World, mail: &str) -> Value {
    let mut command = world.command("inbox --stdin --json");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(mail.as_bytes())
        .expect("written");
    let output = child.wait_with_output().expect("an end");
    assert!(
        output.status.success(),
        "the mail server was told {:?}",
        output.status.code()
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What was made of the one bounce in it.
fn noted(document: &Value) -> &str {
    document["messages"][0]["bounces"][0]["noted"]
        .as_str()
        .expect("a bounce")
}

/// Everything that this address got comes back.
fn comes_back(world: &World, address: &str, verdict: Verdict) {
    for token in tokens(world, address) {
        let document = takes_in(world, &report(&token, address, verdict));
        assert!(
            ["counted", "known already"].contains(&noted(&document)),
            "{document:#}"
        );
    }
}

const CRITICAL: &str = "severity: critical\ntlp: AMBER\naudience: [operators]";

#[test]
fn a_mailbox_dies_and_nobody_is_missed_in_silence() {
    World::without_advisories()
        .change("constituents/southern-grid.yaml", "language: ru", "language: en")
        .advisory("EX-2026-0101", CRITICAL)
        .run("publish --yes")
        .exits(1)
        .says("letters are held")
        .run("status")
        .exits(1)
        .does_not_say("Call now")
        .look(|world| comes_back(world, DUTY, Verdict::Hard))
        // One day is not enough, but this letter was critical, and nobody else at the grid can read it.
        .at("2026-11-22T12:15:00Z")
        .run("status")
        .exits(1)
        .says("Call now: a critical letter does not get through by mail, and nobody there has it:\n  +7 727 555 0120  Grid Duty Desk, Southern Power Grid: EX-2026-0101 r1, came back: 550 5.1.1 <…>: no such user here\n")
        .run("status EX-2026-0101")
        .exits(1)
        .says("bounced")
        .run("plan")
        .exits(1)
        .says("1 copy failed for good; name the id to try again")
        .does_not_say("nothing since")
        // The next day there is something else, and that comes back too.
        .at("2026-11-23T12:00:00Z")
        .advisory("EX-2026-0102", "date: 2026-11-23\ntlp: AMBER\naudience: [operators]")
        .run("publish --yes")
        .exits(1)
        .says("letters are held")
        .look(|world| {
            let token = tokens(world, DUTY).into_iter().find(|token| {
                let document = takes_in(world, &report(token, DUTY, Verdict::Hard));
                document["suspended"].as_array().is_some_and(|all| all.iter().any(|one| one["list"] == "operators"))
            });
            assert!(token.is_some(), "staff hear of it at once");
        })
        .at("2026-11-23T12:30:00Z")
        .run("plan")
        .exits(1)
        .says(&format!("Rustam Galiev <{RUSTAM}>: is told (without content) that mail to {DUTY} comes back"))
        .says(&format!("Grid Duty Desk <{DUTY}> (phone +7 727 555 0120): `operators`, `community` send nothing since 2026-11-23, as letters of 2 days came back for good; once it works again, `advise constituent resume {DUTY}`"))
        .says("1 word to a colleague")
        .advisory("EX-2026-0103", "date: 2026-11-23\ntlp: AMBER\naudience: [operators]\ntitle: \"Zebra crossing\"")
        .run("publish --yes")
        .exits(1)
        .says("letters are held")
        .says("told 1 member that a colleague's mail comes back")
        .look(|world| {
            assert!(!world.recipients("EX-2026-0103").contains(&DUTY.to_string()));
            let mails = mails_to(world, RUSTAM);
            // His own letters are held: he has heard of that, and of the mailbox.
            let word = mails.iter().find(|mail| String::from_utf8_lossy(&mail.raw).contains(DUTY)).expect("a word");
            assert!(word.is("signed"));
            for secret in ["EX-2026", "Zebra", "TLP", "AMBER", "operators"] {
                assert!(!crate::harness::contains(&word.raw, secret), "it says `{secret}`");
            }
        })
        .run("publish --yes")
        .exits(1)
        .says("letters are held")
        .says("nothing to do now, but not everybody has what was meant for them")
        .look(|world| assert_eq!(mails_to(world, DUTY).len(), 2))
        // What is critical is not even tried: the phone is left.
        .advisory("EX-2026-0104", "date: 2026-11-23\nseverity: critical\ntlp: AMBER\naudience: [operators]")
        .run("publish --yes")
        .exits(1)
        .says("letters are held")
        .run("status")
        .exits(1)
        .says("Grid Duty Desk, Southern Power Grid: EX-2026-0104 r1, suspended, since letters came back")
        .run("list show operators")
        .says("suspended since 2026-11-23: letters came back")
        // However long it takes.
        .at("2027-02-20T12:00:00Z")
        .run("plan")
        .exits(1)
        .says("EX-2026-0103 → operators: 1 copy is kept from members whose letters come back")
        .run(&format!("constituent resume {DUTY}"))
        .says(&format!("resumed {DUTY}: 2 lists send to it again, 2 mails that came back count no more"))
        .says("next: `advise publish` sends what was kept from it, and the 2 letters that came back")
        .run("publish --yes")
        .exits(1)
        .says("letters are held")
        .says("sent 1 letter to list `operators`: EX-2026-0101 r1")
        .says("sent 1 letter to list `operators`: EX-2026-0102 r1")
        .says("sent 1 letter to list `operators`: EX-2026-0103 r1")
        .says("sent 1 letter to list `operators`: EX-2026-0104 r1")
        .run("status")
        .exits(1)
        .does_not_say(DUTY)
        .does_not_say("Call now")
        .run(&format!("constituent resume {DUTY}"))
        .exits(2)
        .says(&format!("nothing came back from `{DUTY}`"));
}

#[test]
fn a_forged_bounce_suspends_nobody() {
    World::without_advisories()
        .advisory("EX-2026-0101", CRITICAL)
        .run("publish --yes")
        .exits(1)
        .says("letters are held")
        .look(|world| {
            let mail = &mails_to(world, DUTY)[0];
            // Every member knows the Message-ID, and the token of their own letter.
            let shared = mail
                .header("Message-ID")
                .trim_matches(['<', '>'])
                .split('@')
                .next()
                .expect("an id")
                .to_string();
            let letters = world.mail().into_iter().filter(|mail| mail.is("encrypted"));
            let other = letters.map(|mail| mail.recipient()).find(|one| one != DUTY);
            let own = tokens(world, &other.expect("another member"))
                .pop_first()
                .expect("a token");
            for token in ["", "x", &shared, &shared.to_uppercase()] {
                let document = takes_in(world, &report(token, DUTY, Verdict::Hard));
                assert_eq!(
                    noted(&document),
                    "not addressed to a letter of ours",
                    "{token}"
                );
            }
            let document = takes_in(world, &report(&own, DUTY, Verdict::Hard));
            assert_eq!(noted(&document), "about another member than the letter's");
            // The right token in the wrong place is none: what counts is where the mail came to.
            let right = tokens(world, DUTY).pop_first().expect("a token");
            let wrong = report("x", DUTY, Verdict::Hard)
                .replace("I am sorry.", &format!("bounces+{right}@cert.example.org"));
            assert_eq!(
                noted(&takes_in(world, &wrong)),
                "not addressed to a letter of ours"
            );
        })
        .at("2026-11-28T12:00:00Z")
        .run("status EX-2026-0101")
        .exits(1)
        .does_not_say("Call now")
        .does_not_say("bounced")
        .run("plan")
        .exits(1)
        .does_not_say("came back")
        .run(&format!("constituent resume {DUTY}"))
        .exits(2)
        .says("nothing came back");
}

#[test]
fn a_list_may_be_more_patient() {
    let letter = |world: World, day: u32| {
        let (now, id) = (
            format!("2026-11-{day}T12:00:00Z"),
            format!("EX-2026-01{day}"),
        );
        let world = world.at(&now).advisory(
            &id,
            &format!("date: 2026-11-{day}\ntlp: AMBER\naudience: [operators]"),
        );
        world
            .run("publish --yes")
            .exits(1)
            .says("letters are held")
            .look(|world| comes_back(world, DUTY, Verdict::Soft))
    };
    let world = World::without_advisories().file(
        "lists/operators.yaml",
        "title: Operators\naddress: operators@lists.cert.example.org\ntlp: AMBER\nbounces: {soft: 4}\n",
    );
    let world = (22..25).fold(world, letter);
    let world = world.run("plan").exits(1).does_not_say("nothing since");
    let world = letter(world, 25)
        .run("plan")
        .exits(1)
        .says("as letters of 4 days came back for now");
    world
        .change("lists/operators.yaml", "{soft: 4}", "{suspend: false}")
        .run("plan")
        .exits(1)
        .does_not_say("nothing since")
        .run("status EX-2026-0122")
        .exits(1)
        .says("bounced for now");
}

#[test]
fn the_call_sheet_names_who_has_no_critical_letter() {
    let calls = |json: &Value| -> Vec<(String, String, Option<String>)> {
        let text = |value: &Value| value.as_str().map(str::to_string);
        let of = |call: &Value| {
            (
                text(&call["name"]).expect("a name"),
                text(&call["state"]).expect("a state"),
                text(&call["phone"]),
            )
        };
        json["calls"]
            .as_array()
            .expect("calls")
            .iter()
            .map(of)
            .collect()
    };
    let held = ("Rustam Galiev".to_string(), "held".to_string(), None);
    let bounced = (
        "Grid Duty Desk".to_string(),
        "bounced".to_string(),
        Some("+7 727 555 0120".to_string()),
    );
    World::without_advisories()
        .advisory("EX-2026-0101", CRITICAL)
        .advisory(
            "EX-2026-0102",
            "severity: high\ntlp: AMBER\naudience: [operators]",
        )
        .run("status EX-2026-0101 --calls")
        .says("Nobody has to be phoned.")
        .says("no letter of `EX-2026-0101` was sent yet")
        .run("publish --yes")
        .exits(1)
        .says("letters are held")
        .run("status EX-2026-0101 --calls")
        .says("Nobody has to be phoned.")
        .at("2026-11-22T12:29:00Z")
        .run("status EX-2026-0101 --calls --after 29m --json")
        .exits(1)
        .gives(|json| assert!(calls(json).contains(&held)))
        .run("status EX-2026-0101 --calls")
        .says("Nobody has to be phoned.")
        // What came back needs no waiting.
        .look(|world| comes_back(world, DUTY, Verdict::Hard))
        .run("--json status EX-2026-0101 --calls")
        .exits(1)
        .gives(|json| {
            assert_eq!(calls(json), std::slice::from_ref(&bounced));
            let call = &json["calls"][0];
            assert_eq!(call["constituent"], "southern-grid");
            assert_eq!(
                (&call["constituent_name"], &call["address"]),
                (&"Southern Power Grid".into(), &DUTY.into())
            );
            assert_eq!(
                (&call["others_have_it"], &call["revision"]),
                (&0.into(), &"1".into())
            );
        })
        .at("2026-11-22T12:30:00Z")
        .run("status EX-2026-0101 --calls")
        .exits(1)
        .says("+7 727 555 0120")
        .says("no phone number")
        .says("Rustam Galiev")
        .says("held: certificate is revoked")
        .says("nobody else")
        .says("no phone number is known")
        .run("status --calls")
        .exits(1)
        .says("Grid Duty Desk")
        .run("status EX-2026-0102 --calls")
        .says("`EX-2026-0102` is `high`, and only what is `critical` is phoned about")
        .says("Nobody has to be phoned.")
        .run("status EX-2026-0109 --calls")
        .exits(2)
        .says("there is no advisory `EX-2026-0109`")
        .change(
            "constituents/southern-grid.yaml",
            "    phone: \"+7 727 555 0120\"\n",
            "    suspended: on leave\n",
        )
        .run("status EX-2026-0101 --calls")
        .exits(1)
        .does_not_say("Grid Duty Desk");
}
