//! A workspace with a crowd of members, made once and copied for every run, and the judge of what came of it.

use super::{
    NOW, World, advise,
    smtp_server::{Server, Taken},
};
use advise::{
    openpgp::{self, Kind},
    terms::Moment,
};
use serde_json::Value;
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

/// The advisories that are mailed.
pub const IDS: [&str; 4] = [
    "EX-2026-0101",
    "EX-2026-0102",
    "EX-2026-0103",
    "EX-2026-0104",
];

/// (advisory, `letter` or `notice`, address)
type Copy = (String, String, String);

/// The workspace that is copied.
pub struct Crowd {
    world: World,
    /// Who has to have what in the end.
    owed: BTreeSet<Copy>,
}

/// How many of whom.
#[derive(Clone, Copy)]
pub struct Size {
    /// With a certificate, on a closed list.
    closed: usize,
    /// With a certificate, on a list where everything is encrypted.
    careful: usize,
    /// Without one, on an open list.
    open: usize,
}

pub const LARGE: Size = Size {
    closed: 20,
    careful: 10,
    open: 14,
};
pub const SMALL: Size = Size {
    closed: 2,
    careful: 1,
    open: 2,
};

impl Crowd {
    /// One constituent whose contacts read English or Russian by turns, one member who is held, one who is named.
    pub fn new(size: Size, mail: &str) -> Crowd {
        let now: Moment = NOW.parse().expect("a time");
        let text = |language: &str| {
            format!("## {language}\n\nSomething is wrong with Example Gateway. Update it.\n")
        };
        let mut world = World::without_advisories()
            .without("constituents")
            .change("advise.yaml", "transport: outbox", mail)
            .advisory_with_body(
                "EX-2026-0101",
                "tlp: AMBER\naudience: [universities]",
                &text("English"),
            )
            .file(
                "advisories/2026/EX-2026-0101.ru.md",
                &format!("---\ntitle: Сбой\n---\n{}", text("По-русски")),
            )
            .advisory_with_body(
                "EX-2026-0102",
                "tlp: CLEAR\naudience: [open-announce, public]",
                &text("English"),
            )
            .file(
                "advisories/2026/EX-2026-0102.ru.md",
                &format!("---\ntitle: Сбой\n---\n{}", text("По-русски")),
            )
            .advisory_with_body(
                "EX-2026-0103",
                "tlp: GREEN\naudience: [operators]",
                &text("English"),
            )
            .advisory_with_body(
                "EX-2026-0104",
                "tlp: RED\naudience: [closed0@crowd.example.org]",
                &text("English"),
            );
        let team = world.text("team.yaml");
        let team: String = team
            .lines()
            .filter(|line| !line.starts_with("notifications:"))
            .map(|line| format!("{line}\n"))
            .collect();
        world = world.file("team.yaml", &team);
        let mut contacts = String::new();
        let mut owed = BTreeSet::new();
        let groups = [
            ("closed", size.closed, "universities", "EX-2026-0101", true),
            ("careful", size.careful, "operators", "EX-2026-0103", true),
            ("open", size.open, "open-announce", "EX-2026-0102", false),
        ];
        let mut owes = |id: &str, mail: &str, address: &str| {
            owed.insert((id.into(), mail.into(), address.into()))
        };
        for (group, count, list, id, keyed) in groups {
            for n in 0..count {
                let address = format!("{group}{n}@crowd.example.org");
                let language = if n % 2 == 0 { "en" } else { "ru" };
                contacts.push_str(&format!(
                    "  - name: Member {n}\n    address: {address}\n    language: {language}\n    lists: [{list}]\n"
                ));
                if keyed {
                    let user = format!("Member <{address}>");
                    let year = Duration::from_secs(365 * 86_400);
                    let made = openpgp::generate(&[&user], Kind::Member, Some(year), &now, None)
                        .expect("a key");
                    let fingerprint = made.certificate.fingerprint().to_string();
                    world = world.file(
                        &format!("certs/{fingerprint}.asc"),
                        &made.certificate.armored(),
                    );
                    contacts.push_str(&format!("    certificate: \"{fingerprint}\"\n"));
                }
                owes(id, "letter", &address);
            }
        }
        owes("EX-2026-0104", "letter", "closed0@crowd.example.org");
        // Without a certificate: the letter is held, and he is told.
        contacts.push_str(
            "  - name: Held\n    address: held@crowd.example.org\n    lists: [universities]\n",
        );
        owes("EX-2026-0101", "notice", "held@crowd.example.org");
        let crowd = format!(
            "name: A crowd\nlists: [universities, operators, open-announce]\ncontacts:\n{contacts}"
        );
        Crowd {
            world: world.file("constituents/crowd.yaml", &crowd),
            owed,
        }
    }

    /// The same for a server of the test.
    pub fn for_server(size: Size, server: &Server, security: &str, more: &str) -> Crowd {
        let crowd = Crowd::new(size, &smtp(server.port, security, more));
        fs::write(crowd.world.path("ca.pem"), server.authority()).expect("written");
        crowd
    }

    /// How many mails have to arrive.
    pub fn mails(&self) -> usize {
        self.owed.len()
    }

    pub fn copy(&self) -> Place {
        let memory = Path::new("/dev/shm");
        let temp = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        }
        .expect("a folder");
        let place = Place {
            temp,
            words: [&["publish", "--yes"][..], &IDS].concat(),
            hours: Cell::new(0),
        };
        copy_all(self.world.root(), &place.root());
        place
    }

    /// A copy whose runs leave the site alone; they are quicker.
    pub fn copy_for_mail(&self) -> Place {
        let mut place = self.copy();
        place.words.extend(["--only", "mail"]);
        place
    }

    /// Judges the end of a story: everybody has what was owed, nobody twice but where `status` says that it may be.
    pub fn judge(&self, place: &Place, taken: &[(String, String)], story: &str) -> Verdict {
        let status = place.status();
        let rows = status["deliveries"].as_array().expect("rows");
        let word = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_string();
        let mut copies: BTreeMap<(String, String), usize> = BTreeMap::new();
        for one in taken {
            *copies.entry(one.clone()).or_default() += 1;
        }
        let mut verdict = Verdict {
            mails: taken.len(),
            ..Verdict::default()
        };
        let mut settled = BTreeSet::new();
        for row in rows {
            let who = (
                word(row, "advisory"),
                word(row, "mail"),
                word(row, "address"),
            );
            if !self.owed.contains(&who) {
                assert_eq!(
                    who,
                    (
                        IDS[0].into(),
                        "letter".into(),
                        "held@crowd.example.org".into()
                    ),
                    "{story}: nobody is owed this"
                );
                assert_eq!(row["state"], "intended", "{story}: a letter that is held");
                continue;
            }
            let count = copies
                .remove(&(who.2.clone(), word(row, "message_id")))
                .unwrap_or(0);
            if who.1 == "notice" && row["state"] == "sending" {
                // A notice, which has no content, goes at most once: where nobody knows, it is not sent again.
                assert!(count <= 1, "{story}: {row:#}");
                verdict.in_doubt += 1;
                settled.insert(who);
                continue;
            }
            assert_eq!(row["state"], "accepted", "{story}: {row:#}");
            let marked = row["possible_duplicate"] == true;
            verdict.lost += usize::from(count == 0);
            verdict.marked += usize::from(marked);
            verdict.twice += usize::from(count > 1);
            verdict.unmarked += usize::from(count > 1 && !marked);
            settled.insert(who);
        }
        assert_eq!(settled, self.owed, "{story}");
        assert!(
            copies.is_empty(),
            "{story}: the ledger knows nothing of {copies:?}"
        );
        assert!(
            verdict.lost == 0 && verdict.unmarked == 0,
            "{story}: {verdict:?}"
        );
        verdict
    }
}

/// `transport: …` for `advise.yaml`.
pub fn smtp(port: u16, security: &str, more: &str) -> String {
    let ca = if security == "none" {
        ""
    } else {
        ", ca_file: ca.pem"
    };
    format!(
        "transport: smtp\n  smtp: {{host: localhost, port: {port}, security: {security}{ca}{more}}}"
    )
}

/// Recipient and Message-ID of each.
pub fn arrived(taken: &[Taken]) -> Vec<(String, String)> {
    taken
        .iter()
        .map(|mail| (mail.recipient.clone(), mail.message_id.clone()))
        .collect()
}

/// What came of a story.
#[derive(Debug, Default, Clone, Copy)]
pub struct Verdict {
    /// Copies that arrived.
    pub mails: usize,
    /// Notices of which nobody knows whether they arrived.
    pub in_doubt: usize,
    /// Members without their mail.
    pub lost: usize,
    /// Mails that `status` marks as possible duplicates.
    pub marked: usize,
    /// Mails that came more than once.
    pub twice: usize,
    /// Of those, mails that are not marked.
    pub unmarked: usize,
}

/// A copy of the workspace.
pub struct Place {
    temp: tempfile::TempDir,
    /// Of `publish`. The ids are named: letters that were deferred are tried again at once.
    words: Vec<&'static str>,
    /// How many hours after `NOW` it is.
    hours: Cell<u32>,
}

impl Place {
    pub fn root(&self) -> PathBuf {
        self.temp.path().join("w")
    }

    /// A file beside it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// `words` before the program: `strace …`.
    pub fn command(&self, before: &[String], words: &[&str]) -> Command {
        let mut all: Vec<String> = before.to_vec();
        all.push(advise().display().to_string());
        let mut command = Command::new(&all[0]);
        command
            .args(&all[1..])
            .arg("-C")
            .arg(self.root())
            .args(["--now", &self.now()])
            .args(words);
        // In other locales the `cat` that gives the passphrase opens more files than the program did before it, so a kill at
        // one of many opened files would hit `cat`.
        command.env("LC_ALL", "C");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn now(&self) -> String {
        let now = NOW.replace("T12:", &format!("T{}:", 12 + self.hours.get()));
        assert!(self.hours.get() < 12, "the day is over");
        now
    }

    /// `advise publish`, ready to be run.
    pub fn publish(&self, before: &[String]) -> Command {
        self.command(before, &self.words)
    }

    pub fn run(&self) -> Run {
        Run::of(self.publish(&[]).output().expect("the program runs"))
    }

    /// Runs it, an hour later each time, until it says that all is done; something is held, so that is 1.
    pub fn heal(&self, story: &str) {
        for _ in 0..3 {
            // (a notice that was deferred has its pause, whatever is named)
            self.hours.set(self.hours.get() + 1);
            let run = self.run();
            assert!(!run.stderr.contains("panicked"), "{story}: {}", run.stderr);
            if run.code == Some(1) {
                return;
            }
            assert_eq!(run.code, Some(3), "{story}: {}", run.stderr);
        }
        panic!("{story}: it is never done");
    }

    pub fn status(&self) -> Value {
        let output = self
            .command(&[], &["status", "--json"])
            .output()
            .expect("the program runs");
        assert_eq!(
            output.status.code(),
            Some(1),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Recipient and Message-ID of each mail in the outbox.
    pub fn outbox(&self) -> Vec<(String, String)> {
        let Ok(entries) = fs::read_dir(self.root().join("outbox/new")) else {
            return Vec::new();
        };
        let mails = entries.map(|entry| super::Mail::read(entry.expect("an entry").path()));
        mails
            .map(|mail| (mail.recipient(), mail.header("Message-ID").to_string()))
            .collect()
    }

    /// SQLite finds nothing wrong with the ledger.
    pub fn ledger_is_whole(&self, story: &str) {
        let path = self.root().join(".advise/ledger.sqlite");
        if path.exists() {
            let ledger = rusqlite::Connection::open(path).expect("it opens");
            let words: String = ledger
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .expect("an answer");
            assert_eq!(words, "ok", "{story}");
        }
    }
}

/// How a command ended.
pub struct Run {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stderr: String,
}

impl Run {
    pub fn of(output: Output) -> Run {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Run {
            code: output.status.code(),
            signal: output.status.signal(),
            stderr,
        }
    }
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    fs::set_permissions(to, fs::metadata(from).expect("its mode").permissions())
        .expect("the same mode");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let there = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_all(&path, &there);
        } else {
            fs::copy(&path, &there).expect("copied");
        }
    }
}
