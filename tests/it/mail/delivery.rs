//! Stories of delivery: what was deferred, servers that fail, list servers, and staying until all is through.

use crate::harness::{NOW, World, advise, contains, has, set, skip, stopped_clock};
use advise::openpgp::{self, Kind};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

const LETTER: &str = "tlp: CLEAR\naudience: [open-announce]";

/// A mail server on this machine. `says` answers to each command, to `connect` and to `message`; `None` hangs up.
struct Server {
    port: u16,
    /// Of each mail it took, the recipient.
    took: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(says: impl Fn(usize, &str) -> Option<&'static str> + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let took = Arc::new(Mutex::new(Vec::new()));
        let (log, says) = (took.clone(), Arc::new(says));
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (Ok(stream), log, says) = (stream, log.clone(), says.clone()) else {
                    return;
                };
                thread::spawn(move || {
                    let (mut recipient, mut out) =
                        (String::new(), stream.try_clone().expect("the same stream"));
                    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
                    let mut command = Some("connect".to_string());
                    while let Some(line) = command {
                        if let Some(to) = line.strip_prefix("RCPT TO:") {
                            recipient = to.into();
                        }
                        let Some(answer) = says(number, &line) else {
                            return;
                        };
                        if line == "message" && answer.starts_with("250") {
                            log.lock()
                                .expect("the log")
                                .push(recipient.trim_matches(['<', '>']).to_string());
                        }
                        if out.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
                            return;
                        }
                        command = match line == "DATA" && answer.starts_with("354") {
                            true => lines
                                .by_ref()
                                .find(|line| line == ".")
                                .map(|_| "message".into()),
                            false => lines.next(),
                        };
                    }
                });
            }
        });
        Server { port, took }
    }

    /// One that takes everything, but for what `odd` says.
    fn usual(
        odd: impl Fn(usize, &str) -> Option<Option<&'static str>> + Send + Sync + 'static,
    ) -> Server {
        Server::start(move |number, line| {
            odd(number, line).unwrap_or(Some(
                match line.split([' ', ':']).next().unwrap_or_default() {
                    "connect" => "220 here ESMTP",
                    "EHLO" => "250-here\r\n250-PIPELINING\r\n250 SIZE 1000000",
                    "DATA" => "354 go on",
                    "QUIT" => "221 bye",
                    _ => "250 2.0.0 ok",
                },
            ))
        })
    }

    fn took(&self) -> Vec<String> {
        let mut took = self.took.lock().expect("the log").clone();
        took.sort();
        took
    }
}

fn by(servers: &[&Server]) -> String {
    let all: Vec<String> = servers
        .iter()
        .map(|server| format!("{{host: 127.0.0.1, port: {}, security: none}}", server.port))
        .collect();
    format!("transport: smtp\n  smtp: [{}]", all.join(", "))
}

/// Of the letters in `status --json`, something of each.
fn each<'j>(json: &'j Value, field: &str) -> BTreeMap<&'j str, &'j Value> {
    let rows = json["deliveries"].as_array().expect("rows");
    rows.iter()
        .map(|row| (row["address"].as_str().expect("an address"), &row[field]))
        .collect()
}

const LATER: &str = "gulnara@hospital.example.org";
const NEVER: &str = "hello@opendata.example.org";
const TAKEN: &str = "peering@ix.example.net";
/// Has no certificate, so that letters are held.
const HELD: &str = "marat@lakeside.example.org";
const CLOSED: &str = "tlp: AMBER\naudience: [universities]";

#[test]
fn what_is_deferred_waits_longer_each_time_and_is_given_up_after_days() {
    let server = Server::usual(|_, line| match line {
        "RCPT TO:<gulnara@hospital.example.org>" => {
            Some(Some("450 4.2.1 greylisted <gulnara@hospital.example.org>"))
        }
        "RCPT TO:<hello@opendata.example.org>" => Some(Some("550 5.1.1 nobody here")),
        _ => None,
    });
    let mut world = World::without_advisories()
        .change("advise.yaml", "transport: outbox", &by(&[&server]))
        .advisory("EX-2026-0101", LETTER)
        .run("publish --yes")
        .exits(3)
        .says("1 not taken")
        .says("1 accepted, 1 deferred, 1 failed")
        .says("run `advise publish` again")
        .run("status --json EX-2026-0101")
        .exits(1)
        .gives(|json| {
            assert_eq!(
                json["totals"]["states"],
                serde_json::json!({ "accepted": 1, "deferred": 1, "failed": 1 })
            );
            assert_eq!(each(json, "reply")[NEVER], "550 5.1.1 nobody here");
            assert_eq!(each(json, "reply")[LATER], "450 4.2.1 greylisted <…>");
            // A minute after its own try, not after the run's beginning: by seconds, which a busy machine may take.
            assert!(
                each(json, "next_try")[LATER]
                    .as_str()
                    .is_some_and(|next| next.starts_with("2026-11-22T12:01:")),
                "{json:#}"
            );
            assert_eq!(each(json, "run")[TAKEN], 1);
        })
        .run("publish --yes")
        .exits(3)
        .says("1 copy was not taken yet; next try due at 2026-11-22T12:01:")
        .says("nothing to do now: 1 letter waits for the next try")
        .run("publish --yes EX-2026-0101")
        .exits(3)
        .says("1 deferred, 1 failed")
        .whatever_it_says()
        .run("status EX-2026-0101")
        .exits(1)
        .says("TRIES")
        .says("2026-11-22T12:05:");
    assert_eq!(server.took(), [TAKEN], "who had it does not get it again");

    // A run every four hours, and a minute for a machine at work, for five days: then it is said that nobody tries any more.
    for hours in (4..=120).step_by(4) {
        let at = format!(
            "2026-11-{:02}T{:02}:{:02}:00Z",
            22 + (12 + hours) / 24,
            (12 + hours) % 24,
            hours / 4
        );
        world = world
            .at(&at)
            .run("publish --yes --only mail")
            .exits(3)
            .whatever_it_says();
    }
    world
        .at("2026-11-27T16:00:00Z")
        .run("publish --yes --only mail")
        .exits(1)
        .says("1 copy was deferred for five days; name the id to try again")
        .says("nothing to do now, but not everybody has what was meant for them")
        .run("status EX-2026-0101")
        .exits(1)
        .says("given up")
        .run("status --json")
        .exits(1)
        .gives(|json| {
            assert!(
                each(json, "given_up")[LATER] == true && each(json, "attempts")[LATER] == 32,
                "{json:#}"
            )
        });
}

/// Of the notices to the held member: state, tries, Message-ID, each as often as it is there.
fn told(json: &Value) -> BTreeMap<[String; 3], usize> {
    let mut told = BTreeMap::new();
    let rows = json["deliveries"].as_array().expect("rows").iter();
    for row in rows.filter(|row| row["mail"] == "notice" && row["address"] == HELD) {
        *told
            .entry(["state", "attempts", "message_id"].map(|field| row[field].to_string()))
            .or_default() += 1;
    }
    told
}

#[test]
fn a_notice_of_several_held_letters_is_one_mail_whatever_becomes_of_it() {
    let greylisting = Arc::new(AtomicBool::new(true));
    let server = {
        let greylisting = greylisting.clone();
        Server::usual(move |_, line| {
            let grey = greylisting.load(SeqCst) && line.contains(HELD) && line.starts_with("RCPT");
            grey.then_some(Some("450 4.2.1 greylisted"))
        })
    };
    let held = |server: &Server| {
        let world =
            World::without_advisories().change("advise.yaml", "transport: outbox", &by(&[server]));
        world
            .advisory("EX-2026-0101", CLOSED)
            .advisory("EX-2026-0102", CLOSED)
    };
    let took = |server: &Server| {
        server
            .took()
            .iter()
            .filter(|address| *address == HELD)
            .count()
    };
    let mut world = held(&server)
        .run("publish --yes")
        .exits(3)
        .whatever_it_says()
        .run("status --json")
        .exits(1)
        .whatever_it_says();
    let first = told(&world.json());
    let (key, both) = first.first_key_value().expect("a notice");
    assert_eq!(
        (first.len(), *both, &key[0][..], &key[1][..]),
        (1, 2, "\"deferred\"", "1"),
        "{first:?}"
    );
    let mut world = world
        .run("publish --yes")
        .exits(3)
        .says("nothing to do now: 1 letter waits for the next try, due at 2026-11-22T12:01:")
        .whatever_it_says()
        .look(|_| greylisting.store(false, SeqCst))
        .at("2026-11-22T12:05:00Z")
        .run("publish --yes")
        .exits(1)
        .says("told 1 member")
        .whatever_it_says()
        .run("status --json")
        .exits(1)
        .whatever_it_says();
    let accepted = ["\"accepted\"".to_string(), "2".into(), key[2].clone()];
    assert_eq!(
        told(&world.json()),
        BTreeMap::from([(accepted, 2)]),
        "the same mail again"
    );
    assert_eq!(took(&server), 1);

    // No answer came to the message: nobody knows whether it arrived, and there is no second one.
    let last = Mutex::new(BTreeMap::new());
    let silent = Server::usual(move |number, line| {
        let mut last = last.lock().expect("the recipients");
        if line.starts_with("RCPT") {
            last.insert(number, line.contains(HELD));
        }
        (line == "message" && last.get(&number) == Some(&true)).then_some(None)
    });
    let mut world = held(&silent)
        .run("publish --yes")
        .exits(3)
        .whatever_it_says()
        .run("status --json")
        .exits(1)
        .whatever_it_says();
    let first = told(&world.json());
    let (key, both) = first.first_key_value().expect("a notice");
    assert_eq!(
        (first.len(), *both, &key[0][..], &key[1][..]),
        (1, 2, "\"sending\"", "1"),
        "{first:?}"
    );
    let mut world = world
        .at("2026-11-23T12:00:00Z")
        .run("publish --yes")
        .exits(1)
        .whatever_it_says()
        .does_not_say("told");
    world = world.run("status --json").exits(1).whatever_it_says();
    assert_eq!(told(&world.json()), first);
}

#[test]
fn the_ledger_says_when_each_was_taken_not_when_the_run_began() {
    let server = Server::usual(|_, line| {
        if line.starts_with("RCPT TO:<peering@") {
            thread::sleep(std::time::Duration::from_secs(2));
        }
        None
    });
    World::without_advisories()
        .change("advise.yaml", "transport: outbox", &by(&[&server]))
        .advisory("EX-2026-0101", LETTER)
        .run("publish --yes")
        .run("status --json")
        .gives(|json| {
            let at = |address| {
                each(json, "at")[address]
                    .as_str()
                    .expect("a time")
                    .to_string()
            };
            assert!(at(TAKEN).as_str() >= "2026-11-22T12:00:02Z", "{json:#}");
        });
}

#[test]
fn a_sender_that_is_refused_is_no_fault_of_the_members() {
    let server = Server::usual(|_, line| {
        line.starts_with("MAIL")
            .then_some(Some("553 5.7.1 not your address"))
    });
    World::without_advisories()
        .change("advise.yaml", "transport: outbox", &by(&[&server]))
        .advisory("EX-2026-0101", LETTER)
        .run("publish --yes")
        .exits(3)
        .says("sent 0 letters")
        .says("3 deferred")
        .says("run `advise publish` again")
        .run("status EX-2026-0101")
        .exits(1)
        .says("the sender is refused: 553 5.7.1 not your address");
    assert!(server.took().is_empty());
}

#[test]
fn a_letter_that_is_too_large_for_the_server_has_failed_and_nobody_waits_for_days() {
    let server = Server::usual(|_, line| {
        line.starts_with("MAIL")
            .then_some(Some("552 5.3.4 Message size exceeds the limit"))
    });
    World::without_advisories()
        .change("advise.yaml", "transport: outbox", &by(&[&server]))
        .advisory("EX-2026-0101", LETTER)
        .run("publish --yes")
        .exits(3)
        .says("3 failed")
        .says("what failed is tried again only if its id is named")
        .run("status EX-2026-0101")
        .exits(1)
        .says("552 5.3.4 Message size exceeds the limit")
        .does_not_say("the sender is refused");
    assert!(server.took().is_empty());
}

#[test]
fn when_the_first_server_fails_in_the_middle_the_second_takes_the_rest() {
    let members: String = (0..40)
        .map(|n| format!("  - {{name: M {n}, address: member{n}@crowd.example.org}}\n"))
        .collect();
    let taken = AtomicUsize::new(0);
    let first = Server::usual(move |_, line| {
        let before = if line == "message" {
            taken.fetch_add(1, SeqCst)
        } else {
            0
        };
        // The server is gone only after it has swallowed an eleventh message, so at least one copy is a question.
        let over = taken.load(SeqCst) > 10 && before == 0;
        (before >= 10 || over).then_some(None)
    });
    let second = Server::usual(|_, _| None);
    let world = World::without_advisories()
        .file(
            "constituents/crowd.yaml",
            &format!("name: A crowd\nlists: [open-announce]\ncontacts:\n{members}"),
        )
        .change("advise.yaml", "transport: outbox", &by(&[&first, &second]))
        .advisory("EX-2026-0101", LETTER)
        .run("publish --yes --json")
        .exits(3)
        .whatever_it_says()
        .gives(|json| {
            let servers = json["servers"].as_array().expect("both");
            let ports = [&first, &second].map(|server| server.port);
            assert_eq!(
                [&servers[0]["port"], &servers[1]["port"]],
                ports,
                "they are told apart: {json:#}"
            );
            assert!(
                servers[0]["passed_over"].is_string() && servers[1]["passed_over"].is_null(),
                "{json:#}"
            );
            assert!(servers[1]["taken"].as_u64() > Some(20), "{json:#}");
            assert_eq!(json["untried"], 0);
        });
    // Those on the way when it failed are a question or deferred, and nobody is forgotten.
    world
        .at("2026-11-22T12:05:00Z")
        .run("publish --yes")
        .exits(0)
        .whatever_it_says()
        .run("status --json")
        .gives(|json| {
            assert_eq!(
                json["totals"]["states"],
                serde_json::json!({ "accepted": 43 }),
                "{json:#}"
            );
        });
    let all: Vec<String> = first.took().into_iter().chain(second.took()).collect();
    assert_eq!(set(all.iter().map(String::as_str)).len(), 43);
}

#[test]
fn a_list_server_gets_one_message_encrypted_to_its_own_certificate() {
    if !has("gpg") {
        return skip("a list server opens its copy", "there is no `gpg`");
    }
    let now = NOW.parse().expect("a time");
    let made = openpgp::generate(
        &["A list <operators@lists.example.net>"],
        Kind::Member,
        None,
        &now,
        None,
    )
    .expect("a key");
    let fingerprint = made.certificate.fingerprint().to_string();
    let list = format!(
        "title: Operators\naddress: operators@lists.example.net\ntlp: AMBER\ndelivery: relay\ncertificate: \"{fingerprint}\"\n"
    );
    let world = World::without_advisories()
        .file("lists/outside.yaml", &list)
        .advisory("EX-2026-0101", "tlp: AMBER\naudience: [outside]")
        .run("publish --yes")
        .exits(1)
        .says("HELD  operators@lists.example.net (`outside`)")
        .says(&format!("put the certificate at certs/{fingerprint}.asc"))
        .says("1 letter is held")
        .has_mails(0)
        .file(
            &format!("certs/{fingerprint}.asc"),
            &made.certificate.armored(),
        )
        .run("publish --yes")
        .says("sent 1 letter to list `outside`: EX-2026-0101 r1, encrypted, en")
        .has_mails(1)
        .run("publish --yes")
        .says("nothing to do")
        .has_mails(1)
        .run("status EX-2026-0101")
        .says("operators@lists.example.net");
    let mail = &world.mail()[0];
    assert_eq!(
        (mail.header("To"), mail.recipient().as_str()),
        (
            "\"Operators\" <operators@lists.example.net>",
            "operators@lists.example.net"
        )
    );
    assert!(mail.is("encrypted") && !contains(&mail.raw, "EX-2026-0101"));
    let home = tempfile::Builder::new()
        .prefix("g")
        .tempdir_in("/tmp")
        .expect("a folder");
    fs::write(home.path().join("list.key"), made.secret.expose()).expect("written");
    fs::write(home.path().join("message"), &mail.parts()[1]).expect("written");
    let gpg = |args: &[&str]| {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir")
            .arg(home.path())
            .arg("--batch")
            .args(stopped_clock("2026-11-22T13:00:00Z"))
            .args(args);
        gpg.current_dir(home.path())
            .stdin(Stdio::null())
            .output()
            .expect("gpg runs")
    };
    assert!(gpg(&["--import", "list.key"]).status.success());
    let opened = gpg(&["--decrypt", "message"]);
    assert!(
        contains(&opened.stdout, "EX-2026-0101"),
        "{}",
        String::from_utf8_lossy(&opened.stderr)
    );
    drop(
        Command::new("gpgconf")
            .arg("--homedir")
            .arg(home.path())
            .args(["--kill", "all"])
            .status(),
    );
}

/// The clock's time, some seconds ago.
fn ago(seconds: i64) -> String {
    let then = jiff::Timestamp::now()
        .checked_sub(jiff::SignedDuration::from_secs(seconds))
        .expect("a time");
    then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn at(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(advise());
    command.arg("-C").arg(root).args(words).stdin(Stdio::null());
    command
}

/// A workspace by the clock, without advisories.
fn made_today(root: &Path, server: &Server) {
    let made = Command::new(advise())
        .args(["--now", &ago(3600), "init", "--sample"])
        .arg(root)
        .output()
        .expect("it runs");
    assert!(made.status.success(), "{made:?}");
    fs::remove_dir_all(root.join("advisories")).expect("removed");
    fs::create_dir(root.join("advisories")).expect("made");
    let settings = fs::read_to_string(root.join("advise.yaml")).expect("readable");
    fs::write(
        root.join("advise.yaml"),
        settings.replace("transport: outbox", &by(&[server])),
    )
    .expect("written");
}

fn dated_today(root: &Path, id: &str, fields: &str) {
    let today = &ago(0)[..10];
    let text = format!(
        "---\nid: {id}\nstatus: final\ntitle: A title\ndate: {today}\nlang: en\nseverity: high\n{fields}\n---\nA text.\n"
    );
    fs::write(root.join(format!("advisories/{id}.md")), text).expect("written");
}

#[test]
fn a_limit_a_minute_sends_so_many_and_says_that_the_rest_waits() {
    let temp = tempfile::tempdir().expect("a folder");
    let root = &temp.path().join("w");
    let server = Server::usual(|_, _| None);
    made_today(root, &server);
    let settings = fs::read_to_string(root.join("advise.yaml")).expect("readable");
    fs::write(
        root.join("advise.yaml"),
        settings.replace("transport: smtp\n", "transport: smtp\n  per_minute: 2\n"),
    )
    .expect("written");
    dated_today(root, "EX-2026-0101", LETTER);
    // Two of three go at once; the third is due a minute later, and that is when somebody looks.
    let mut run = at(root, &["publish", "--yes"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut said = BufReader::new(run.stderr.take().expect("a pipe"))
        .lines()
        .map_while(Result::ok);
    said.find(|line| line.contains("the limit is 2 mails a minute: 1 waits"))
        .expect("it says so");
    assert_eq!(server.took().len(), 2);
    run.kill().expect("it waits");
    run.wait().expect("it is gone");
    let status = at(root, &["--json", "status"]).output().expect("it runs");
    let json: Value = serde_json::from_slice(&status.stdout).expect("one JSON document");
    assert_eq!(
        json["totals"]["states"],
        serde_json::json!({ "accepted": 2, "intended": 1 }),
        "nothing is in doubt: {json:#}"
    );
    // The next run does not begin a minute of its own.
    let mut run = at(root, &["publish", "--yes"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut said = BufReader::new(run.stderr.take().expect("a pipe"))
        .lines()
        .map_while(Result::ok);
    said.find(|line| line.contains("the limit is 2 mails a minute: 1 waits"))
        .expect("it waits for the run before");
    assert_eq!(server.took().len(), 2);
    run.kill().expect("it waits");
    run.wait().expect("it is gone");
}

#[test]
fn who_waits_for_a_server_that_is_away_stays_until_it_is_there() {
    let temp = tempfile::tempdir().expect("a folder");
    let root = &temp.path().join("w");
    let away = Arc::new(AtomicBool::new(true));
    let server = {
        let away = away.clone();
        Server::usual(move |_, line| (line == "connect" && away.load(SeqCst)).then_some(None))
    };
    made_today(root, &server);
    dated_today(root, "EX-2026-0101", LETTER);
    fs::remove_file(root.join(".advise/ledger.sqlite")).expect("removed");
    // Its time is over before the server is there: nothing was sent, and no ledger is left behind.
    let run = at(root, &["publish", "--yes", "--first-run", "--wait", "1s"])
        .output()
        .expect("it runs");
    assert!(
        run.status.code() == Some(2) && contains(&run.stderr, "hint: nothing was sent"),
        "{run:?}"
    );
    assert!(
        !root.join(".advise/ledger.sqlite").exists()
            && !root.join("public").exists()
            && server.took().is_empty()
    );

    let mut waiting = at(root, &["publish", "--yes", "--first-run", "--wait", "30s"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut said = BufReader::new(waiting.stderr.take().expect("a pipe"))
        .lines()
        .map_while(Result::ok);
    said.find(|line| line.contains("nothing was sent, the next try is in "))
        .expect("it stays");
    away.store(false, SeqCst);
    assert_eq!(waiting.wait().expect("it ends").code(), Some(0));
    assert_eq!(server.took(), [LATER, NEVER, TAKEN]);
    assert!(root.join("public").exists());
}

#[test]
fn who_waits_waits_for_a_notice_too() {
    let temp = tempfile::tempdir().expect("a folder");
    let root = &temp.path().join("w");
    let tries = AtomicUsize::new(0);
    let server = Server::usual(move |_, line| {
        let first =
            line.starts_with("RCPT") && line.contains(HELD) && tries.fetch_add(1, SeqCst) == 0;
        first.then_some(Some("450 4.2.1 greylisted"))
    });
    made_today(root, &server);
    dated_today(root, "EX-2026-0101", CLOSED);
    let first = at(root, &["--now", &ago(50), "publish", "--yes"])
        .output()
        .expect("it runs");
    assert_eq!(first.status.code(), Some(3), "{first:?}");
    let done = at(root, &["--json", "publish", "--yes", "--wait", "5m"])
        .output()
        .expect("it runs");
    assert!(
        contains(&done.stderr, "1 letter waits for the next try at "),
        "{done:?}"
    );
    let json: Value = serde_json::from_slice(&done.stdout).expect("one JSON document");
    assert_eq!(
        (done.status.code(), &json["outcomes"]["accepted"]),
        (Some(1), &1.into()),
        "{json:#}"
    );
    assert!(server.took().iter().any(|address| address == HELD));
}

#[test]
fn who_waits_sends_what_is_due_and_nothing_that_was_not_seen() {
    let temp = tempfile::tempdir().expect("a folder");
    let root = &temp.path().join("w");
    let advisory = |id: &str| dated_today(root, id, LETTER);
    let greylisting = Arc::new(AtomicBool::new(true));
    let server = {
        let greylisting = greylisting.clone();
        Server::usual(move |_, line| {
            let grey = greylisting.load(SeqCst) && line.contains("gulnara@");
            grey.then_some(Some("450 4.2.1 greylisted"))
        })
    };
    made_today(root, &server);
    advisory("EX-2026-0101");
    // It was deferred most of a minute ago, so its next try is not far away.
    let first = at(root, &["--now", &ago(50), "publish", "--yes"])
        .output()
        .expect("it runs");
    assert_eq!(first.status.code(), Some(3), "{first:?}");
    assert_eq!(server.took(), [NEVER, TAKEN]);
    greylisting.store(false, SeqCst);

    let mut waiting = at(root, &["--json", "publish", "--yes", "--wait", "5m"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut said = BufReader::new(waiting.stderr.take().expect("a pipe"))
        .lines()
        .map_while(Result::ok);
    said.find(|line| line.starts_with("1 letter waits for the next try at "))
        .expect("it waits");
    // Meanwhile somebody writes another advisory, and somebody else looks; the lock is free.
    advisory("EX-2026-0102");
    assert_eq!(
        at(root, &["publish", "--yes", "--only", "site"])
            .output()
            .expect("it runs")
            .status
            .code(),
        Some(0)
    );
    let done = waiting.wait_with_output().expect("it ends");
    let json: Value = serde_json::from_slice(&done.stdout).expect("one JSON document");
    assert_eq!(done.status.code(), Some(0), "{json:#}");
    assert_eq!(
        (&json["outcomes"]["accepted"], &json["rounds"]),
        (&1.into(), &2.into()),
        "{json:#}"
    );
    assert_eq!(
        server.took(),
        [LATER, NEVER, TAKEN],
        "the other advisory waits for somebody to see it"
    );

    for words in [
        &["--now", NOW, "publish", "--wait", "5m"][..],
        &["publish", "--wait", "5"],
        &["publish", "--wait", "5m", "--only", "site"],
    ] {
        let refused = at(root, words).output().expect("it runs");
        assert!(
            refused.status.code() == Some(2) && contains(&refused.stderr, "--wait"),
            "{words:?}: {refused:?}"
        );
    }
}
