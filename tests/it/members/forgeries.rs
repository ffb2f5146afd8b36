//! Ways to lie in a mail. Each is told by its name, and none causes anything but what anybody may have.

use super::person_letter::{LIST, Person, to, whole};
use crate::harness::World;
use advise::openpgp::{self, Cause};
use std::fs;

const CONSTITUENT: &str = "constituents/lakeside-university.yaml";

/// Whatever a story says, the member's file stays as it was, and nobody waits to be let in.
struct Unmoved {
    world: World,
    before: String,
}

fn unmoved() -> Unmoved {
    let world = World::without_advisories();
    let before = world.text(CONSTITUENT);
    Unmoved { world, before }
}

impl Unmoved {
    fn receives(mut self, mail: &str, decision: &str, answer: &str) -> Unmoved {
        self.world = self.world.receives(mail).decides(decision, answer);
        assert_eq!(
            self.world.text(CONSTITUENT),
            self.before,
            "a forgery changed a file"
        );
        assert!(
            self.world.waiting().is_empty(),
            "a forgery became a request"
        );
        self
    }

    fn member(&self) -> Person {
        Person::of_sample(&self.world, "Yelena Kim", "yelena@lakeside.example.org")
    }

    fn wrote_only_to(self, addresses: &[&str]) {
        let mut recipients: Vec<String> = self
            .world
            .mail()
            .iter()
            .map(|mail| mail.recipient())
            .collect();
        recipients.dedup();
        assert_eq!(recipients, addresses);
    }
}

fn leave() -> String {
    format!("unsubscribe {LIST}")
}

#[test]
fn unsigned() {
    let world = unmoved();
    let member = world.member();
    world
        .receives(
            &member.unsigned(
                &to("subscribe"),
                "1",
                "subscribe",
                &format!("subscribe {LIST}"),
            ),
            "explained",
            "sent",
        )
        .receives(
            &member.unsigned(&to("unsubscribe"), "2", "unsubscribe", &leave()),
            "asked-to-confirm",
            "sent",
        )
        // The token is another's.
        .receives(
            &member.unsigned(
                &to("unsubscribe"),
                "3",
                "confirm aaaqeayeaudaocajbifqydiob4",
                "",
            ),
            "ignored",
            "none",
        )
        .wrote_only_to(&["yelena@lakeside.example.org"]);
}

#[test]
fn signed_by_another_key() {
    let world = unmoved();
    let (member, mallory) = (
        world.member(),
        Person::new("Mallory", "mallory@elsewhere.example"),
    );
    let attached = Some(&mallory.key.certificate);
    world
        .receives(
            &member.signed_by(&mallory, &to("unsubscribe"), "1", &leave(), attached),
            "asked-to-confirm",
            "sent",
        )
        .receives(
            &member.signed_by(&mallory, &to("subscribe"), "2", "hello", attached),
            "explained",
            "sent",
        )
        .wrote_only_to(&["yelena@lakeside.example.org"]);
}

#[test]
fn right_key_but_other_address() {
    let world = unmoved();
    let (member, mallory) = (
        world.member(),
        Person::new("Yelena Kim", "yelena@elsewhere.example"),
    );
    let attached = Some(&member.key.certificate);
    world
        .receives(
            &mallory.signed_by(&member, &to("subscribe"), "1", "hello", attached),
            "explained",
            "sent",
        )
        .receives(
            &mallory.signed_by(&member, &to("unsubscribe"), "2", &leave(), attached),
            "asked-to-confirm",
            "sent",
        )
        .wrote_only_to(&["yelena@elsewhere.example"]);
}

#[test]
fn revoked_key_without_its_revocation() {
    // What staff have on file, though of no contact any more, says that it is revoked; the copy that comes does not.
    let ada = Person::new("Ada New", "ada@lakeside.example.org");
    let (key, at) = (&ada.key, "2026-11-20T00:00:00Z".parse().expect("a moment"));
    let revoked = openpgp::revoke(
        &key.certificate,
        &key.secret,
        None,
        Cause::Compromised,
        "stolen",
        &at,
    )
    .expect("revoked");
    let file = format!("certs/{}.asc", ada.fingerprint());
    let world = unmoved();
    let before = world.before;
    let world = world.world.file(&file, &revoked.armored());
    Unmoved { world, before }
        .receives(
            &ada.signed(&to("subscribe"), "1", "subscribe"),
            "explained",
            "sent",
        )
        .wrote_only_to(&[&ada.address]);

    // They hear of it while the request waits.
    let world = World::without_advisories()
        .receives(&ada.signed(&to("subscribe"), "1", "subscribe"))
        .decides("request", "sent");
    let id = world.waiting().remove(0);
    world
        .file(&file, &revoked.armored())
        .run("constituent requests")
        .says("certificate is revoked (stolen)")
        .run(&format!("constituent approve {id}"))
        .exits(2)
        .says("cannot be used: certificate is revoked (stolen)")
        .says("refuse")
        .look(|world| assert_eq!(world.text(&file), revoked.armored()));
}

#[test]
fn our_own_address_with_a_token() {
    let mail = |from: &str, id: &str| {
        let member = Person::new("Yelena Kim", "yelena@lakeside.example.org");
        member
            .unsigned(&to("help"), id, "x", "")
            .replace("yelena@lakeside.example.org", from)
    };
    let world = World::without_advisories()
        .receives(&mail(
            "bounces+aaaqeayeaudaocajbifqydiob4@cert.example.org",
            "1",
        ))
        .exits(1)
        .receives(&mail("universities-owner@lists.cert.example.org", "2"))
        .exits(1);
    assert!(world.mail().is_empty(), "we answered ourselves");
}

#[test]
fn commands_for_the_terminal_and_a_hundred_thousand_recipients() {
    let report = "Return-Path: <>\r\nFrom: MAILER-DAEMON@x.example\r\nTo: bounces@cert.example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; \u{1b}[2Jada@uni.example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n";
    let many: Vec<String> = (0..100_000)
        .map(|n| format!("a{n}@uni.example.org"))
        .collect();
    let many = format!(
        "From: ada@uni.example.org\r\nTo: {}\r\n\r\nhello\r\n",
        many.join(",")
    );
    let world = World::without_advisories();
    let (one, other) = (world.beside().join("report"), world.beside().join("many"));
    fs::write(&one, report).expect("written");
    fs::write(&other, many).expect("written");
    let world = world
        .shell(&format!("$advise inbox --stdin <{}", one.display()))
        .does_not_say("\u{1b}")
        .says("ada@uni.example.org");
    drop(
        world
            .shell(&format!(
                "timeout 300 $advise inbox --stdin <{}",
                other.display()
            ))
            .says("unknown"),
    );
}

#[test]
fn expired_key() {
    let ada = Person::since(
        "Ada New",
        "ada@lakeside.example.org",
        "2026-01-01T00:00:00Z",
        Some(30),
    );
    let entity = Person::entity("subscribe", Some(&ada.key.certificate));
    // Whoever has an old key can still sign with the date of its life.
    let signature = ada.signs(entity.as_bytes(), "2026-01-20T00:00:00Z");
    let old = format!(
        "{}{}",
        ada.header(&to("subscribe"), "hello", "1"),
        whole(&entity, &signature)
    );
    let soon = Person::since(
        "Ada New",
        "ada@lakeside.example.org",
        "2026-11-01T00:00:00Z",
        Some(20),
    );
    let entity = Person::entity("subscribe", Some(&soon.key.certificate));
    let signature = soon.signs(entity.as_bytes(), "2026-11-20T00:00:00Z");
    let fresh = format!(
        "{}{}",
        ada.header(&to("subscribe"), "hello", "2"),
        whole(&entity, &signature)
    );
    unmoved()
        .receives(&old, "explained", "sent")
        .receives(&fresh, "explained", "sent")
        .wrote_only_to(&["ada@lakeside.example.org"]);
}

#[test]
fn replayed() {
    let world = World::without_advisories();
    let member = Person::of_sample(&world, "Yelena Kim", "yelena@lakeside.example.org");
    let before = world.text(CONSTITUENT);
    let mail = member.signed(&to("unsubscribe"), "1", &leave());
    let world = world.receives(&mail).decides("left", "sent");
    let left = world.text(CONSTITUENT);
    assert_ne!(left, before);
    // Staff have taken her back; then the old mail comes again, as it was, and as another mail around what she signed.
    let world = world.file(CONSTITUENT, &before);
    let again = Unmoved { world, before };
    let other = mail
        .replace("Message-ID: <1@", "Message-ID: <2@")
        .replace("Subject: hello", "Subject: once more");
    again
        .receives(&mail, "seen-before", "none")
        .receives(&other, "seen-before", "none")
        .wrote_only_to(&[&member.address]);
}

#[test]
fn replayed_with_other_line_ends() {
    let world = World::without_advisories();
    let member = Person::of_sample(&world, "Yelena Kim", "yelena@lakeside.example.org");
    let before = world.text(CONSTITUENT);
    // A signature of a text (type 0x01) holds whatever its line ends are.
    let entity = Person::entity(&format!("{}\nbye\nYelena", leave()), None);
    let entity = entity.trim_end();
    let signature = member.signs_text(&entity.replace("\r\n", "\n"), "2026-11-22T12:00:00Z");
    let mail = |id: &str, entity: &str| {
        format!(
            "{}{}",
            member.header(&to("unsubscribe"), "hello", id),
            whole(entity, &signature)
        )
    };
    let world = world
        .receives(&mail("1", entity))
        .decides("left", "sent")
        .file(CONSTITUENT, &before);
    Unmoved { world, before }
        .receives(
            &mail("2", &entity.replace("bye\r\n", "bye\r")),
            "seen-before",
            "none",
        )
        .wrote_only_to(&[&member.address]);
}

#[test]
fn signed_text_inside_a_forwarded_mail() {
    let world = unmoved();
    let member = world.member();
    let entity = Person::entity(&leave(), Some(&member.key.certificate));
    let signed = whole(
        &entity,
        &member.signs(entity.as_bytes(), "2026-11-22T12:00:00Z"),
    );
    let header = |id: &str| member.header(&to("unsubscribe"), "Fwd: hello", id);
    let as_part = format!(
        "{}Content-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--f\r\n{signed}\r\n--f--\r\n",
        header("1")
    );
    let as_mail = format!(
        "{}Content-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@y.example\r\n{signed}\r\n--f--\r\n",
        header("2")
    );
    let alone = format!(
        "{}Content-Type: message/rfc822\r\n\r\nFrom: x@y.example\r\n{signed}\r\n",
        header("3")
    );
    world
        .receives(&as_part, "asked-to-confirm", "sent")
        .receives(&as_mail, "asked-to-confirm", "sent")
        .receives(&alone, "asked-to-confirm", "sent")
        .wrote_only_to(&[&member.address]);
}

#[test]
fn signature_over_a_different_part_than_the_one_shown() {
    let world = unmoved();
    let member = world.member();
    let harmless = Person::entity("hello, here is my report", None);
    let signature = member.signs(harmless.as_bytes(), "2026-11-22T12:00:00Z");
    let header = |id: &str| member.header(&to("unsubscribe"), &leave(), id);
    let command = format!("Content-Type: text/plain\r\n\r\n{}", leave());
    // Three parts, of which the signed one is the second; the signed one is quoted; and the words stand outside of it.
    let three = whole(&harmless, &signature).replacen(
        "--outer\r\n",
        &format!("--outer\r\n{command}\r\n--outer\r\n"),
        1,
    );
    let swapped = whole(&command, &signature);
    let outside = whole(&harmless, &signature).replacen(
        "\r\n\r\n--outer",
        &format!("\r\n\r\n{}\r\n--outer", leave()),
        1,
    );
    world
        .receives(
            &format!("{}{three}", header("1")),
            "asked-to-confirm",
            "sent",
        )
        .receives(
            &format!("{}{swapped}", header("2")),
            "asked-to-confirm",
            "sent",
        )
        .receives(
            &format!("{}{outside}", header("3")),
            "asked-to-confirm",
            "sent",
        )
        .wrote_only_to(&[&member.address]);
}

#[test]
fn reply_to_elsewhere() {
    let world = unmoved();
    let member = world.member();
    let elsewhere = |mail: String| {
        format!(
            "Reply-To: mallory@elsewhere.example\r\nSender: mallory@elsewhere.example\r\nReturn-Path: <mallory@elsewhere.example>\r\n{mail}"
        )
    };
    world
        .receives(
            &elsewhere(member.unsigned(&to("unsubscribe"), "1", "x", "")),
            "asked-to-confirm",
            "sent",
        )
        .receives(
            &elsewhere(member.unsigned(&to("help"), "2", "x", "")),
            "explained",
            "sent",
        )
        .wrote_only_to(&["yelena@lakeside.example.org"]);
}

#[test]
fn homograph_address() {
    let mail = |from: &str, id: &str| {
        let member = Person::new("Yelena Kim", "yelena@lakeside.example.org");
        member
            .unsigned(&to("unsubscribe"), id, "x", "")
            .replace("yelena@lakeside.example.org", from)
    };
    // In Cyrillic letters it is no address at all; and two senders are none.
    unmoved()
        .receives(
            &mail("y\u{435}l\u{435}na@lakeside.example.org", "1"),
            "ignored",
            "none",
        )
        .receives(
            &mail("yelena@l\u{430}keside.example.org", "2"),
            "ignored",
            "none",
        )
        .receives(
            &mail(
                "yelena@lakeside.example.org>, <mallory@elsewhere.example",
                "3",
            ),
            "ignored",
            "none",
        )
        .wrote_only_to(&[]);
    // In Latin letters it is another's, and staff are told what it looks like.
    let twin = Person::new("Yelena Kim", "yelena@1akeside.example.org");
    World::without_advisories()
        .receives(&twin.signed(&to("subscribe"), "1", "subscribe"))
        .decides("request", "sent")
        .run("constituent requests")
        .says("of no constituent, BUT LOOKS LIKE `lakeside.example.org`")
        .look(|world| assert_eq!(world.last_mail_to(&twin.address).recipient(), twin.address))
        .shell("$advise constituent approve $(ls .advise/requests)")
        .exits(2)
        .says("no constituent has the domain `1akeside.example.org`")
        .says("--constituent NAME");
}

#[test]
fn another_teams_list_of_the_same_name() {
    let world = unmoved();
    let member = world.member();
    world
        .receives(
            &member.signed(
                &to("unsubscribe"),
                "1",
                "unsubscribe universities@lists.other-cert.example",
            ),
            "asked-to-confirm",
            "sent",
        )
        .wrote_only_to(&[&member.address]);
}

#[test]
fn forged_bounce() {
    let bounce = |to: &str| {
        format!(
            "Return-Path: <>\r\nFrom: MAILER-DAEMON@lakeside.example.org\r\nTo: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <{to}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.lakeside.example.org\r\n\r\nFinal-Recipient: rfc822; yelena@lakeside.example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
        )
    };
    let world = World::without_advisories()
        .advisory("EX-2026-0050", "tlp: AMBER\naudience: [universities]")
        .run("publish --yes")
        .exits(1)
        .whatever_it_says();
    // Another member knows the token of their own letter, and no other.
    let is_others = |mail: &crate::harness::Mail| {
        mail.is("encrypted") && mail.recipient() != "yelena@lakeside.example.org"
    };
    let other = world.mail().into_iter().find(is_others).expect("a letter");
    let own_token = other
        .header("Return-Path")
        .trim_matches(['<', '>'])
        .to_string();
    assert!(own_token.starts_with("bounces+"), "{own_token}");
    let mut world = world;
    for (to, noted) in [
        (
            "bounces@cert.example.org",
            "not addressed to a letter of ours",
        ),
        (
            "bounces+aaaqeayeaudaocajbifqydiob4@cert.example.org",
            "not addressed to a letter of ours",
        ),
        (&own_token, "about another member than the letter's"),
    ] {
        world = world.receives(&bounce(to)).gives(|json| {
            let message = &json["messages"][0];
            assert_eq!(
                (
                    message["verdict"].as_str(),
                    message["bounces"][0]["noted"].as_str()
                ),
                (Some("bounce"), Some(noted))
            );
        });
    }
    drop(world.run("plan").exits(1).does_not_say("suspended"));
}
