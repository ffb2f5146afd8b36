//! Members and their certificates through the year: reminded before the end, held after it, mended, and not told twice.

use crate::harness::{Mail, World, has, skip, stopped_clock};
use advise::{
    openpgp::{self, Kind, Secret},
    terms::Moment,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

pub const DAY: Duration = Duration::from_secs(86_400);
const MARAT: &str = "marat@lakeside.example.org";
const FILE: &str = "constituents/lakeside-university.yaml";

/// Marat, who has no certificate in the sample, gets one that ends after so many days.
fn with_certificate(world: World, days: u32) -> (World, String, Secret) {
    let now: Moment = crate::harness::NOW.parse().expect("a time");
    let made = openpgp::generate(
        &[&format!("Marat Ibraev <{MARAT}>")],
        Kind::Member,
        Some(days * DAY),
        &now,
        None,
    )
    .expect("a key");
    let fingerprint = made.certificate.fingerprint().to_string();
    let line = format!("    address: {MARAT}\n");
    let world = world
        .file(
            &format!("certs/{fingerprint}.asc"),
            &made.certificate.armored(),
        )
        .change(
            FILE,
            &line,
            &format!("{line}    certificate: \"{fingerprint}\"\n"),
        );
    (world, fingerprint, made.secret)
}

/// A GnuPG home of its own, under a short path because its sockets need one; its agent ends with it.
pub struct Gnupg(tempfile::TempDir);

impl Gnupg {
    pub fn with(secret: &[u8]) -> Gnupg {
        let only_mine = fs::Permissions::from_mode(0o700);
        let home = tempfile::Builder::new()
            .prefix("g")
            .rand_bytes(6)
            .permissions(only_mine)
            .tempdir_in("/tmp")
            .expect("a folder");
        let home = Gnupg(home);
        home.run(
            crate::harness::NOW,
            &[
                "--import",
                home.file("secret", secret).to_str().expect("a path"),
            ],
        );
        home
    }

    pub fn run(&self, now: &str, args: &[&str]) -> Output {
        let fixed = [
            "--batch",
            "--no-tty",
            "--trust-model",
            "always",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ];
        let mut command = Command::new("gpg");
        command
            .arg("--homedir")
            .arg(self.0.path())
            .args(fixed)
            .args(stopped_clock(now))
            .args(args);
        command.stdin(Stdio::null()).output().expect("gpg runs")
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let file = self.0.path().join(name);
        fs::write(&file, bytes).expect("written");
        file
    }

    /// Extends the key by so long, and gives the new copy.
    pub fn extends(&self, now: &str, fingerprint: &str, by: &str) -> String {
        // The `*` of our reminder leaves out subkeys that have ended already, so they are named.
        let listed = String::from_utf8(
            self.run(now, &["--with-colons", "--list-keys", fingerprint])
                .stdout,
        )
        .expect("text");
        let keys = listed.lines().filter_map(|line| {
            line.strip_prefix("fpr:")
                .map(|rest| rest.trim_matches(':').to_string())
        });
        let subkeys: Vec<String> = keys.skip(1).collect();
        assert_eq!(subkeys.len(), 1, "{listed}");
        // GnuPG wants each self-signature to be newer than the last one, and `now` must not lie before any of them.
        let end: Moment = now.parse().expect("a time");
        let keys = [None, Some(subkeys[0].as_str()), Some("*")];
        for (keys, seconds) in keys.into_iter().zip([3, 2, 1]) {
            let args: Vec<&str> = ["--quick-set-expire", fingerprint, by]
                .into_iter()
                .chain(keys)
                .collect();
            let at = (end.timestamp() - Duration::from_secs(seconds)).to_string();
            let run = self.run(&at, &args);
            assert!(
                run.status.success(),
                "{}",
                String::from_utf8_lossy(&run.stderr)
            );
        }
        String::from_utf8(self.run(now, &["--armor", "--export", fingerprint]).stdout)
            .expect("armor")
    }

    pub fn opens(&self, now: &str, mail: &Mail) -> String {
        let message = self.file("message.asc", &mail.parts()[1]);
        let run = self.run(now, &["--decrypt", message.to_str().expect("a path")]);
        String::from_utf8(run.stdout).expect("text")
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.0.path())
            .args(["--kill", "all"])
            .status();
    }
}

fn mails_to(world: &World, address: &str) -> Vec<Mail> {
    world
        .mail()
        .into_iter()
        .filter(|mail| mail.recipient() == address)
        .collect()
}

fn reminders(world: &World) -> usize {
    mails_to(world, MARAT)
        .iter()
        .filter(|mail| mail.header("Subject").contains("certificate ends on"))
        .count()
}

/// A signed mail's text without quoted-printable's line ends.
fn text(mail: &Mail) -> String {
    String::from_utf8_lossy(&mail.raw).replace("=\n", "")
}

#[test]
fn a_certificate_ends_is_mended_and_its_owner_misses_nothing() {
    if !has("gpg") {
        return skip("a certificate is extended with GnuPG", "there is no `gpg`");
    }
    let (world, fingerprint, secret) = with_certificate(World::without_advisories(), 70);
    let gpg = Gnupg::with(secret.expose());
    let world = world
        .run("publish --yes")
        .has_mails(0)
        // 65 days are left, then 50.
        .at("2026-11-27T12:00:00Z")
        .run("publish --yes --only mail")
        .has_mails(0)
        .at("2026-12-12T12:00:00Z")
        .run("plan")
        .says("Certificates that end soon")
        .says(&format!(
            "Marat Ibraev <{MARAT}>: ends on 2027-01-31, in 50 days; gets a reminder"
        ))
        .says("1 reminder")
        .run("check")
        .exits(1)
        .says("this certificate expires in 50 days")
        .run("publish --yes")
        .says("told 1 member that their certificate ends soon")
        .run("publish --yes")
        .says("nothing to do")
        .has_mails(1)
        .look(|world| {
            let mail = &mails_to(world, MARAT)[0];
            assert!(mail.is("signed"));
            let text = text(mail);
            for words in [
                "ends on 2027-01-31",
                &fingerprint,
                "--quick-set-expire",
                "cert@cert.example.org",
            ] {
                assert!(text.contains(words), "{words}:\n{text}");
            }
        })
        .run("status")
        .says("in 50 days; was reminded")
        .run("status certificate.2027-01-31")
        .says("reminder 60")
        .run("list universities")
        .says("50         usable until 2027-01-31")
        // 10 days are left: the reminder of 30 days is not made up for.
        .at("2027-01-21T12:00:00Z")
        .run("publish --yes")
        .run("publish --yes")
        .look(|world| assert_eq!(reminders(world), 2))
        .at("2027-01-25T12:00:00Z")
        .run("publish --yes")
        .run("publish --yes")
        .look(|world| assert_eq!(reminders(world), 3))
        // It has ended.
        .at("2027-02-01T12:00:00Z")
        .advisory(
            "EX-2027-0001",
            "date: 2027-02-01\ntlp: AMBER\naudience: [universities]\ntitle: \"Zebra crossing\"",
        )
        .run("publish --yes")
        .exits(1)
        .says("told 2 members that something is held for them")
        .run("publish --yes")
        .exits(1)
        .run("publish --yes")
        .exits(1)
        .look(|world| {
            let mails = mails_to(world, MARAT);
            let notices: Vec<&Mail> = mails
                .iter()
                .filter(|mail| mail.header("Subject").contains("is waiting"))
                .collect();
            assert_eq!((mails.len(), notices.len()), (4, 1));
            let text = text(notices[0]);
            assert!(notices[0].is("signed") && text.contains("something for you"));
            for word in [
                "EX-2027",
                "Zebra",
                "TLP",
                "AMBER",
                "universities",
                "Example Gateway",
            ] {
                assert!(!text.contains(word), "the notice says `{word}`");
            }
        });
    let now = "2027-02-03T12:00:00Z";
    let renewed = gpg.extends(now, &fingerprint, "1y");
    let world = world
        .at(now)
        .file(&format!("certs/{fingerprint}.asc"), &renewed)
        .run("publish --yes")
        .exits(1)
        .says("sent 1 letter to list `universities`: EX-2027-0001 r1, encrypted, en")
        .run("publish --yes")
        .exits(1)
        .says("nothing to do")
        .run("status EX-2027-0001")
        .exits(1)
        .does_not_say(&format!("→ {MARAT}"));
    let letters: Vec<Mail> = mails_to(&world, MARAT)
        .into_iter()
        .filter(|mail| mail.is("encrypted"))
        .collect();
    assert_eq!(letters.len(), 1);
    assert!(gpg.opens(now, &letters[0]).contains("Zebra crossing"));
    assert_eq!(reminders(&world), 3, "the new copy ends in a year");
}

#[test]
fn who_needs_no_reminder_gets_none() {
    let (world, ..) = with_certificate(World::without_advisories(), 20);
    world
        .run("publish --yes --only site")
        .has_mails(0)
        .change(
            FILE,
            &format!("    address: {MARAT}\n"),
            &format!("    address: {MARAT}\n    suspended: left\n"),
        )
        .run("publish --yes")
        .change(FILE, "    suspended: left\n", "    lists: []\n")
        .run("publish --yes")
        .change(FILE, "    lists: []\n", "")
        .change(
            "advise.yaml",
            "mail:\n",
            "mail:\n  notify_expiring: false\n",
        )
        .run("publish --yes")
        .run("status")
        .says("in 20 days; is not reminded")
        .change("advise.yaml", "  notify_expiring: false\n", "")
        // Who names an advisory wants that one sent, and nothing else.
        .advisory("EX-2026-0101", "tlp: CLEAR\naudience: [open-announce]")
        .run("publish --yes EX-2026-0101")
        .look(|world| assert!(mails_to(world, MARAT).is_empty()));
}

#[test]
fn a_reminder_that_was_put_off_is_sent_and_one_in_doubt_is_not() {
    let state = |world: &World, state: &str| {
        let ledger =
            rusqlite::Connection::open(world.path(".advise/ledger.sqlite")).expect("the ledger");
        let changed = ledger
            .execute(
                "UPDATE delivery SET state = ?1 WHERE mail = 'reminder'",
                [state],
            )
            .expect("changed");
        assert_eq!(changed, 1);
    };
    let (world, ..) = with_certificate(World::without_advisories(), 20);
    world
        .run("publish --yes")
        .has_mails(1)
        .look(|world| state(world, "deferred"))
        .run("status")
        .exits(1)
        .says("the reminder waits for its next try")
        .at("2026-11-22T12:05:00Z")
        .run("publish --yes")
        .says("told 1 member")
        // It has the same Message-ID, by which the outbox names it.
        .has_mails(1)
        .look(|world| state(world, "sending"))
        .run("publish --yes")
        .says("nothing to do")
        .run("status")
        .exits(1)
        .says("was perhaps reminded, no answer came")
        // With a new copy that ends later nobody has to care any more.
        .at("2026-12-20T12:00:00Z")
        .run("status")
        .does_not_say("perhaps");
}
