//! How people join, leave and change their key, step by step.

use super::person_letter::{LIST, Person, to};
use crate::harness::{World, contains, stopped_clock};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

const AMBER: &str = "tlp: AMBER\naudience: [universities]\ndate: 2026-11-22";

/// What GnuPG makes of an encrypted mail with this key.
pub fn decrypt(secret: &[u8], mail: &[u8]) -> String {
    let home = tempfile::Builder::new()
        .prefix("g")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in("/tmp")
        .expect("a folder");
    let gpg = |args: &[&str], input: &[u8]| {
        let file = home.path().join("input");
        fs::write(&file, input).expect("written");
        let run = Command::new("gpg")
            .arg("--homedir")
            .arg(home.path())
            .args(["--batch", "--no-tty", "--trust-model", "always"])
            .args(stopped_clock("2026-11-22T13:00:00Z"))
            .args(args)
            .arg(&file)
            .stdin(Stdio::null())
            .output()
            .expect("gpg runs");
        assert!(
            run.status.success() || args == ["--decrypt"],
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        run.stdout
    };
    gpg(&["--import"], secret);
    let clear = gpg(&["--decrypt"], mail);
    drop(
        Command::new("gpgconf")
            .arg("--homedir")
            .arg(home.path())
            .args(["--kill", "all"])
            .status(),
    );
    let opened = advise::inbound::Mail::read(clear).expect("what is encrypted is a part of a mail");
    format!("{}\n{}", opened.subject(), opened.text())
}

/// The command that has to come back.
fn command(text: &str) -> String {
    let at = text.find("confirm ").expect("a command");
    text[at..at + "confirm ".len() + 26].to_string()
}

fn ada() -> Person {
    Person::new("Ada New", "ada@lakeside.example.org")
}

/// Ada has joined the universities' list; her proof is not there yet.
fn joined(ada: &Person) -> World {
    let world = World::without_advisories()
        .receives(&ada.signed(&to("subscribe"), "1", &format!("subscribe {LIST}")))
        .decides("request", "sent");
    let id = world.waiting().pop().expect("a request");
    world
        .run(&format!("constituent approve {id}"))
        .says("wrote constituents/lakeside-university.yaml")
        .says("sent a welcome to")
}

#[test]
fn a_new_member_joins_proves_the_key_gets_letters_and_leaves() {
    let ada = ada();
    let mut world = World::without_advisories()
        .receives(&ada.signed(&to("subscribe"), "1", &format!("subscribe {LIST}")))
        .decides("request", "sent")
        .run("status")
        .says("1 request waits for your decision: `advise constituent requests` shows what was asked by mail.")
        .run("constituent requests")
        .says("Ada New <ada@lakeside.example.org> wants to join list `universities`")
        .says("names the address: yes")
        .says("the signed text names the list: yes")
        .says("of `lakeside-university`")
        .says("known        no")
        .run("constituent requests --json");
    let shown = world.json();
    assert_eq!(shown["requests"][0]["certificate"], ada.fingerprint());
    let id = shown["requests"][0]["id"]
        .as_str()
        .expect("an id")
        .to_string();
    let mode = fs::metadata(world.path(".advise/requests"))
        .expect("a folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);

    let world = world
        .run(&format!("constituent approve {id}"))
        .says("wrote certs/")
        .says("wrote constituents/")
        .says("sent a welcome");
    let file = world.text("constituents/lakeside-university.yaml");
    assert!(
        file.contains(
            "# No certificate yet: what is TLP:AMBER is held for him until he sends one."
        ),
        "{file}"
    );
    assert!(
        file.contains("address: ada@lakeside.example.org") && file.contains(&ada.fingerprint()),
        "{file}"
    );
    assert!(world.waiting().is_empty());

    let welcome = world.last_mail_to(&ada.address);
    assert!(
        welcome.is("encrypted") && !contains(&welcome.raw, "confirm "),
        "the challenge is in clear"
    );
    assert_eq!(
        (
            welcome.header("Auto-Submitted"),
            welcome.header("Return-Path")
        ),
        ("auto-replied", "<>")
    );
    let text = ada.opens(&welcome);
    for said in [
        "Universities and research",
        "TLP:AMBER",
        "unsubscribe universities@lists.cert.example.org",
        "fingerprint",
    ] {
        assert!(
            text.contains(said),
            "the welcome does not say `{said}`:\n{text}"
        );
    }

    let world = world
        .advisory("EX-2026-0050", AMBER)
        .run("plan")
        .exits(1)
        .says("HELD  Ada New <ada@lakeside.example.org> (`universities`): has not shown yet that they can read encrypted mail")
        .run("publish --yes")
        .exits(1)
        .whatever_it_says();
    assert!(!world.recipients("[TLP:AMBER]").contains(&ada.address));

    let world = world
        .receives(&ada.unsigned(
            &to("subscribe"),
            "2",
            &format!("Re: {}", command(&text)),
            "",
        ))
        .decides("proven", "sent")
        .run("publish --yes")
        .exits(1)
        .whatever_it_says();
    assert!(world.recipients("[TLP:AMBER]").contains(&ada.address));
    let letters = world.recipients("[TLP:AMBER]").len();

    let world = world
        .receives(&ada.signed(&to("unsubscribe"), "3", &format!("unsubscribe {LIST}")))
        .decides("left", "sent")
        .advisory("EX-2026-0051", AMBER)
        .run("publish --yes")
        .exits(1)
        .whatever_it_says();
    assert!(
        world.recipients("[TLP:AMBER]").len() > letters,
        "the others get it"
    );
    assert_eq!(
        world
            .recipients("[TLP:AMBER]")
            .iter()
            .filter(|address| **address == ada.address)
            .count(),
        1
    );
}

#[test]
fn who_cannot_sign_leaves_by_a_token_and_nobody_learns_who_is_a_member() {
    let world = World::without_advisories();
    let member = Person::of_sample(&world, "Yelena Kim", "yelena@lakeside.example.org");
    let stranger = Person::new("Nobody", "nobody@elsewhere.example");
    let mut asked = Vec::new();
    let mut left = Vec::new();
    let mut token_of_member = None;
    let mut world = world;
    for (who, id) in [(&member, "1"), (&stranger, "2")] {
        world = world
            .receives(&who.unsigned(&to("unsubscribe"), id, "stop this", "please"))
            .decides("asked-to-confirm", "sent");
        let mail = world.last_mail_to(&who.address);
        let token = command(&String::from_utf8_lossy(&mail.raw));
        asked.push(said(&mail.raw, who));
        let before = world.mail().len();
        world = world
            .receives(&who.unsigned(
                &to("unsubscribe"),
                &format!("{id}b"),
                &format!("Re: Example CERT: {token}"),
                "",
            ))
            .decides("left", "sent");
        assert_eq!(world.mail().len(), before + 1);
        left.push(said(&world.last_mail_to(&who.address).raw, who));
        token_of_member.get_or_insert(token);
    }
    assert_eq!(asked[0], asked[1], "the question tells who is a member");
    assert_eq!(left[0], left[1], "the answer tells who was a member");
    let file = world.text("constituents/lakeside-university.yaml");
    assert!(file.contains("lists: []"), "{file}");
    // Staff take the member back, and somebody who saw the token sends it once more.
    let token = token_of_member.expect("the member got one");
    let back = file.replace("lists: []", "lists: [universities]");
    let again = member.unsigned(&to("unsubscribe"), "3", &token, "");
    world
        .file("constituents/lakeside-university.yaml", &back)
        .receives(&again)
        .decides("seen-before", "none")
        .look(|world| assert_eq!(world.text("constituents/lakeside-university.yaml"), back));
}

/// The text of an answer without what is the receiver's.
fn said(raw: &[u8], who: &Person) -> String {
    let text = String::from_utf8_lossy(raw)
        .replace("=\n", "")
        .replace(&who.address, "ADDRESS");
    let body = text
        .split("Content-Language")
        .nth(1)
        .expect("a text")
        .split("-----BEGIN PGP SIGNATURE")
        .next()
        .expect("a text")
        .to_string();
    let lines = body
        .lines()
        .filter(|line| !line.contains("confirm ") && !line.starts_with("--=_"));
    lines
        .collect::<Vec<_>>()
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_key_is_changed_by_the_old_one_and_proven_before_it_is_used() {
    let world = World::without_advisories();
    let old = Person::of_sample(&world, "Yelena Kim", "yelena@lakeside.example.org");
    let new = Person::new("Yelena Kim", "yelena@lakeside.example.org");
    let words = format!("key {}", new.key.certificate.fingerprint().spaced());
    let world = world
        .receives(&old.signed_by(
            &old,
            &to("subscribe"),
            "1",
            &words,
            Some(&new.key.certificate),
        ))
        .decides("key-changed", "sent")
        .look(|world| {
            assert!(
                world
                    .text("constituents/lakeside-university.yaml")
                    .contains(&new.fingerprint())
            )
        })
        .advisory("EX-2026-0050", AMBER)
        .run("plan")
        .exits(1)
        .says("Yelena Kim <yelena@lakeside.example.org> (`universities`): has not shown yet");
    let text = new.opens(&world.last_mail_to(&new.address));
    world
        .receives(&new.unsigned(&to("subscribe"), "2", &command(&text), ""))
        .decides("proven", "sent")
        .run("plan")
        .exits(1)
        .does_not_say("has not shown yet");
}

#[test]
fn a_new_key_that_the_old_one_does_not_vouch_for_is_for_staff_to_decide() {
    let world = World::without_advisories();
    let new = Person::new("Yelena Kim", "yelena@lakeside.example.org");
    let world = world
        .receives(&new.signed(&to("subscribe"), "1", "a new key"))
        .decides("request", "sent");
    assert!(
        !world
            .text("constituents/lakeside-university.yaml")
            .contains(&new.fingerprint())
    );
    let id = world.waiting().pop().expect("a request");
    let world = world
        .run("constituent requests")
        .says("with ANOTHER KEY than the one on file")
        .run(&format!("constituent approve {id}"))
        .says("wrote constituents/lakeside-university.yaml")
        .says("sent a welcome");
    assert!(
        world
            .text("constituents/lakeside-university.yaml")
            .contains(&new.fingerprint())
    );
    assert!(
        new.opens(&world.last_mail_to(&new.address))
            .contains("confirm ")
    );
}

#[test]
fn staff_vouch_for_a_member_whom_they_called() {
    joined(&ada())
        .advisory("EX-2026-0050", AMBER)
        .run("plan")
        .exits(1)
        .says("has not shown yet")
        .run("constituent vouch ada@lakeside.example.org")
        .says("what was held for want of their proof goes with the next `advise publish`")
        .run("plan")
        .exits(1)
        .does_not_say("has not shown yet");
}

#[test]
fn staff_refuse_with_a_reason() {
    let ada = ada();
    let world = World::without_advisories()
        .receives(&ada.signed(&to("subscribe"), "1", "hello"))
        .decides("request", "sent");
    let id = world.waiting().pop().expect("a request");
    let before = world.text("constituents/lakeside-university.yaml");
    let world = world
        .run(&format!(
            "constituent refuse {id} --reason \"Your university has its contacts already.\""
        ))
        .says("refused request");
    assert!(contains(
        &world.last_mail_to(&ada.address).raw,
        "Your university has its contacts already."
    ));
    assert!(
        world.waiting().is_empty() && world.text("constituents/lakeside-university.yaml") == before
    );
    drop(world.run("constituent requests").says("no request waits"));
}

#[test]
fn help_is_answered_a_few_times_a_day_and_never_to_programs() {
    let ada = ada();
    let mut world = World::without_advisories();
    for id in 1..=4 {
        world = world
            .receives(&ada.unsigned(&to("help"), &id.to_string(), "how?", ""))
            .decides("explained", "sent");
    }
    world = world
        .receives(&ada.unsigned(&to("help"), "5", "how?", ""))
        .decides("explained", "enough-today");
    let answer = world.last_mail_to(&ada.address);
    for said in [
        "universities-subscribe@lists.cert.example.org",
        "auto-replied",
    ] {
        assert!(
            contains(&answer.raw, said),
            "{}",
            String::from_utf8_lossy(&answer.raw)
        );
    }
    assert_eq!(world.mail().len(), 4);
    let bob = Person::new("Bob", "bob@lakeside.example.org");
    for field in [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "List-Id: <x.example>",
        "Return-Path: <>",
    ] {
        world = world
            .receives(&format!(
                "{field}\r\n{}",
                bob.unsigned(&to("help"), field, "how?", "")
            ))
            .does_not_know_it();
    }
    let ours = Person::new("Loop", "universities-help@lists.cert.example.org");
    world = world
        .receives(&ours.unsigned(&to("help"), "6", "how?", ""))
        .does_not_know_it();
    let team = Person::new("Loop", "cert@cert.example.org");
    world = world
        .receives(&team.unsigned(&to("help"), "7", "how?", ""))
        .does_not_know_it();
    assert_eq!(world.mail().len(), 4);
}

#[test]
fn a_command_may_stand_in_the_subject_of_a_mail_to_the_team() {
    let ada = ada();
    World::without_advisories()
        .receives(&ada.unsigned("cert@cert.example.org", "1", "help universities", ""))
        .decides("explained", "sent")
        .receives(&ada.unsigned(
            "cert@cert.example.org",
            "2",
            "we need help, our universities are down",
            "",
        ))
        .does_not_know_it()
        .receives(&ada.unsigned("cert@cert.example.org", "3", "unsubscribe nothing", ""))
        .does_not_know_it();
}
