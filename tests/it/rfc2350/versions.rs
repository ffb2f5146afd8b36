//! The RFC 2350 description lives: it gets a new version when its content changes and only then, every version stays
//! with its signatures, the lists hear of it once, and programs that are not ours verify every text.

use crate::harness::{World, contains, has, set, skip};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

/// Long ago, so that no clock of a verifier calls a signature of these stories one of the future.
const BEGIN: &str = "2025-01-10T12:00:00Z";

fn team() -> World {
    World::without_advisories()
        .run("publish --yes")
        .says("RFC 2350 description: version 1")
        .has_mails(0)
}

/// What a publish changed: paths of the site, without the site's language folder.
fn changed(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> BTreeSet<String> {
    let paths = before.keys().chain(after.keys());
    let other = paths.filter(|path| before.get(*path) != after.get(*path) && !path.ends_with('/'));
    other.map(|path| in_any_language(path)).collect()
}

/// A path of the site without the language that it begins with.
fn in_any_language(path: &str) -> String {
    path.strip_prefix("ru/")
        .or_else(|| path.strip_prefix("ar/"))
        .unwrap_or(path)
        .to_string()
}

#[test]
fn a_new_phone_number_changes_what_names_it_and_nothing_else() {
    let world = team();
    let first = world.site();
    let old = |(_, bytes): &(&String, &Vec<u8>)| contains(bytes, "+7 727 555 0100");
    let pages: BTreeSet<String> = first
        .iter()
        .filter(old)
        .map(|(path, _)| in_any_language(path))
        .collect();

    let world = world
        .at("2026-12-01T12:00:00Z")
        .change("team.yaml", "+7 727 555 0100", "+7 727 555 0199")
        .run("plan")
        .says("RFC2350 r2  TLP:CLEAR")
        .says("send  list `community`: 4 letters (signed, en)")
        .says("RFC 2350 description: version 2 (changes in 2.4)")
        .run("publish --yes")
        .has_mails(14);
    let second = world.site();
    let news = [
        "rfc2350.txt",
        "rfc2350.txt.asc",
        "rfc2350/index.html",
        "rfc2350/archive/index.html",
        "rfc2350/archive/2.txt",
        "rfc2350/archive/2.txt.asc",
        "rfc2350/archive/2/index.html",
        "rss.xml",
        "atom.xml",
        "feed.json",
        "sitemap.xml",
    ];
    let mut expected = set(news);
    // The rest has the number in its footer, and in nothing else.
    expected.extend(
        pages
            .iter()
            .filter(|path| !path.starts_with("rfc2350/archive/1.txt"))
            .cloned(),
    );
    expected.extend(
        first
            .keys()
            .filter(|path| path.starts_with(".well-known/security.txt"))
            .cloned(),
    );
    expected.retain(|path| changed(&first, &second).contains(path) || !path.ends_with(".html"));
    assert_eq!(changed(&first, &second), expected);
    for (path, bytes) in &second {
        let is_history =
            path.contains("rfc2350/archive/") || path.ends_with(".xml") || path.ends_with(".json");
        // What staff wrote in a page of their own, they change themselves.
        let own = path
            .split('/')
            .rev()
            .nth(1)
            .is_some_and(|name| world.path(&format!("site/pages/{name}.md")).exists());
        assert!(
            is_history || own || !contains(bytes, "555 0100"),
            "the old number still stands in {path}"
        );
        if let Some(before) = first
            .get(path)
            .filter(|_| path.ends_with(".html") && !path.contains("rfc2350/"))
        {
            let text = |bytes: &[u8]| {
                String::from_utf8_lossy(bytes)
                    .replace("7275550199", "7275550100")
                    .replace("555 0199", "555 0100")
            };
            assert_eq!(
                text(before),
                text(bytes),
                "more than the number changed in {path}"
            );
        }
    }
    for path in [
        "rfc2350/archive/1.txt",
        "rfc2350/archive/1.txt.asc",
        "ru/rfc2350/archive/1.txt",
    ] {
        assert_eq!(first[path], second[path], "{path} is history");
    }
    let text = world.text("public/rfc2350.txt");
    assert!(
        text.contains("   Version: 2\n   Date of last update: 2026-12-01\n"),
        "{text}"
    );
    assert_eq!(text, world.text("public/rfc2350/archive/2.txt"));

    let english = |mail: &&crate::harness::Mail| contains(&mail.raw, "Content-Language: en");
    assert_eq!(world.mail().iter().filter(english).count(), 6);
    for mail in world.mail().iter().filter(english) {
        assert_eq!(
            mail.header("Subject"),
            "[TLP:CLEAR] RFC2350 r2: EX-CERT: RFC 2350 description, version 2"
        );
        assert!(
            mail.is("signed") && contains(&mail.raw, "- Telephone: +7 727 555 0100"),
            "{:?}",
            mail.path
        );
        assert!(
            contains(&mail.raw, "+ Telephone: +7 727 555 0199")
                && contains(&mail.raw, "/rfc2350/archive/2.txt")
        );
    }
    for feed in ["rss.xml", "atom.xml", "feed.json"] {
        assert!(
            contains(&second[feed], "RFC 2350 description, version 2")
                && contains(&second[feed], "727 555 0199"),
            "{feed}"
        );
    }

    // Half a year and two publishes later nothing has moved.
    // (The plan has nothing to do; a security.txt of which little is left is renewed all the same.)
    let quiet = "othing to do: everything is published already";
    let world = world
        .at("2027-01-15T12:00:00Z")
        .run("publish --yes")
        .says(quiet)
        .at("2027-07-15T12:00:00Z");
    let world = world.run("publish --yes").says(quiet).has_mails(14);
    // (security.txt has an end of its own.)
    let moved = changed(&second, &world.site());
    assert!(
        moved
            .iter()
            .all(|path| path.starts_with(".well-known/security.txt")),
        "{moved:?}"
    );
}

#[test]
fn only_the_content_makes_a_version() {
    let world = team().at("2026-12-01T12:00:00Z");
    // An advisory, a comment and another order of the fields say nothing new about the team.
    let yaml = world.text("team.yaml");
    let world = world
        .file(
            "team.yaml",
            &format!("# Checked by the head of the team.\n{yaml}"),
        )
        .advisory("EX-2026-0101", "tlp: CLEAR\naudience: [public]")
        .run("publish --yes")
        .does_not_say("RFC 2350 description")
        .says("EX-2026-0101 r1 appears")
        .has_mails(0);
    assert!(world.text("public/rfc2350.txt").contains("   Version: 1\n"));
    // A word in one language is a version in all.
    let world = world
        .change(
            "site/rfc2350.ru.md",
            "Группа консультирует и координирует.",
            "Группа советует и координирует.",
        )
        .run("publish --yes")
        .says("RFC 2350 description: version 2")
        .has_mails(14);
    assert!(world.text("public/rfc2350.txt").contains("   Version: 2\n"));
    assert!(
        world
            .text("public/rfc2350/archive/2/index.html")
            .contains("In this language nothing has changed.")
    );
    drop(world);
}

#[test]
fn who_is_to_be_told_hears_of_each_version_once_even_after_a_kill() {
    let mut world =
        team()
            .at("2026-12-01T12:00:00Z")
            .change("team.yaml", "+7 727 555 0100", "+7 727 555 0199");
    let traced = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if traced {
        // All intents are written, and the first file of the site is about to be moved in.
        let mut run = Command::new("strace");
        run.args([
            "-f",
            "-o",
            "/dev/null",
            "-e",
            "trace=renameat,renameat2",
            "-e",
            "inject=renameat,renameat2:signal=SIGKILL:when=1",
        ]);
        run.arg(crate::harness::advise())
            .arg("-C")
            .arg(world.root())
            .args(["--now", "2026-12-01T12:00:00Z", "publish", "--yes"]);
        let died = run.stdin(Stdio::null()).output().expect("strace runs");
        assert!(
            !died.status.success() && world.mail().is_empty(),
            "{died:?}"
        );
        let left = fs::read_dir(world.root())
            .expect("the workspace")
            .map(|entry| entry.expect("an entry").file_name());
        for name in left
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.starts_with(".public."))
        {
            world = world.without(&name);
        }
        let ledger =
            rusqlite::Connection::open(world.path(".advise/ledger.sqlite")).expect("the ledger");
        let count = |sql: &str| {
            ledger
                .query_row(sql, [], |row| row.get::<_, u32>(0))
                .expect("a number")
        };
        assert_eq!(
            count(
                "SELECT count(*) FROM delivery WHERE advisory = 'RFC2350' AND state = 'intended'"
            ),
            14
        );
        assert_eq!(count("SELECT max(version) FROM document"), 2);
    } else {
        skip(
            "a kill between intents and site",
            "there is no `strace`, or it may not trace here",
        );
    }
    // Days later the version is still the one that was begun, of the day on which it was begun, and everybody gets it.
    world = world
        .at("2026-12-03T12:00:00Z")
        .run("publish --yes")
        .says("RFC2350 r2")
        .has_mails(14);
    let date = if traced { "2026-12-01" } else { "2026-12-03" };
    assert!(
        world
            .text("public/rfc2350.txt")
            .contains(&format!("   Version: 2\n   Date of last update: {date}\n"))
    );
    let all: BTreeSet<String> = world.mail().iter().map(|mail| mail.recipient()).collect();
    assert_eq!(all.len(), 14, "{all:?}");

    // The next version answers this one, and who joins now hears of the next only.
    let world = world
        .at("2026-12-05T12:00:00Z")
        .change("team.yaml", "+7 727 555 0102", "+7 727 555 0103")
        .run("publish --yes")
        .says("RFC2350 r3")
        .has_mails(28)
        .run("publish --yes")
        .says("nothing to do")
        .run("status RFC2350")
        .says("r3");
    let mails = world.mail();
    let answer = mails
        .iter()
        .find(|mail| mail.header("Subject").contains("r3"))
        .expect("a letter of version 3");
    assert!(
        mails
            .iter()
            .any(|mail| mail.header("Message-ID") == answer.header("In-Reply-To"))
    );

    // Whoever is not named is not told; nothing of it is an advisory of the site.
    let world = world
        .change(
            "team.yaml",
            "notifications: [community, universities]",
            "notifications: []",
        )
        .run("publish --yes")
        .says("RFC 2350 description: version 4")
        .has_mails(28);
    assert!(!world.site().keys().any(|path| path.contains("RFC2350")));
    world
        .advisory("rfc2350", "tlp: CLEAR\naudience: [public]")
        .run("check")
        .exits(1)
        .says(
            "the id `rfc2350` is taken: changes of the RFC 2350 description are announced under it",
        );
}

#[test]
fn a_run_that_dies_among_the_letters_sends_none_twice() {
    let world =
        team()
            .at("2026-12-01T12:00:00Z")
            .change("team.yaml", "+7 727 555 0100", "+7 727 555 0199");
    let (program, took) = (world.beside().join("take"), world.beside().join("took"));
    // Takes the letters, and at the fifth it kills the run instead.
    let script = format!(
        "#!/bin/sh\ncat > /dev/null\nn=$(cat {0} 2>/dev/null | wc -l)\nfor last; do :; done\n[ $n = 5 ] && [ ! -e {0}.died ] && touch {0}.died && kill -9 $PPID && exit 75\necho $last >> {0}\n",
        took.display()
    );
    fs::write(&program, script).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&program, mode).expect("a program");
    let settings = format!(
        "transport: sendmail\n  connections: 1\n  sendmail: {{command: {}}}",
        program.display()
    );
    let world = world.change("advise.yaml", "transport: outbox", &settings);
    let world = world
        .shell("$advise publish --yes; true")
        .whatever_it_says();
    let took_by = |took: &Path| {
        fs::read_to_string(took)
            .unwrap_or_default()
            .lines()
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(took_by(&took).len(), 5);
    let world = world
        .run("publish --yes")
        .whatever_it_says()
        .run("publish --yes")
        .says("nothing to do: everything is published");
    let all = took_by(&took);
    assert_eq!(
        (all.len(), all.iter().collect::<BTreeSet<_>>().len()),
        (14, 14),
        "{all:?}"
    );
    drop(world);
}

#[test]
fn what_has_become_untrue_is_said() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("an address").port();
    let (tell, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.expect("a connection");
            let mut line = String::new();
            BufReader::new(&stream)
                .read_line(&mut line)
                .expect("a request");
            let status = if line.contains("/gone") {
                "404 Not Found"
            } else {
                "200 OK"
            };
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("an answer");
            tell.send(line).expect("somebody listens");
        }
    });
    let links = "We follow <http://partner.example/ethics>, [this](http://partner.example/gone) and http://nowhere.example/.";
    let world = team()
        .change(
            "site/rfc2350.md",
            "## 5.1 Incident Response\n",
            &format!("## 5.1 Incident Response\n\n{links}\n"),
        )
        .change(
            "advise.yaml",
            "mail:\n",
            "wkd: {private_addresses: true}\nmail:\n",
        )
        .change(
            "team.yaml",
            "website: https://cert.example.org\n",
            "website: http://partner.example/\n",
        )
        .advisory_with_body(
            "EX-2026-0101",
            "tlp: AMBER\naudience: [universities]",
            "See <http://partner.example/closed>.",
        )
        .run("check")
        .exits(1)
        .does_not_say("link dead")
        .does_not_say("zone rule")
        .whatever_it_says();
    let resolve = format!("--resolve partner.example=127.0.0.1:{port}");
    let world = world
        .run(&format!("check --online {resolve}"))
        .exits(1)
        .says("link dead: HTTP status 404")
        .says("link dead: `nowhere.example` has no address")
        .says("site/rfc2350.md")
        .says("0 errors")
        .whatever_it_says();
    let mut asked: Vec<String> = asked
        .try_iter()
        .map(|line| line.trim_end().replace(" HTTP/1.1", ""))
        .collect();
    asked.sort();
    assert_eq!(
        asked,
        ["GET /gone", "HEAD /", "HEAD /ethics", "HEAD /gone"],
        "and nothing of an advisory"
    );

    // The clocks of Almaty were at UTC+6 until March 2024; and after a year somebody should read it all again.
    let ledger =
        rusqlite::Connection::open(world.path(".advise/ledger.sqlite")).expect("the ledger");
    let before = "Asia/Almaty: UTC+06:00 all year; there is no summer time";
    ledger
        .execute("UPDATE document SET clocks = ?1", [before])
        .expect("written");
    drop(ledger);
    let world = world
        .run("check")
        .exits(1)
        .whatever_it_says()
        .says("zone rule changed: version 1 of the RFC 2350 description says `UTC+06:00 all year; there is no summer time`")
        .at("2027-12-01T12:00:00Z")
        .run("check")
        .exits(1)
        .says("zone rule changed")
        .says("the RFC 2350 description is of 2026-11-22 (version 1), more than a year old")
        .whatever_it_says();
    let world = world
        .change(
            "team.yaml",
            "country: KZ\n",
            "country: KZ\nreviewed: 2027-12-01\n",
        )
        .run("publish --yes --only site")
        .says("RFC 2350 description: version 2")
        .whatever_it_says();
    let text = world.text("public/rfc2350.txt");
    assert!(text.contains("   Last reviewed: 2027-12-01\n"), "{text}");
    drop(
        world
            .run("check")
            .exits(1)
            .does_not_say("zone rule changed")
            .does_not_say("more than a year old")
            .whatever_it_says(),
    );
}

#[test]
fn the_archive_is_in_the_ledger_and_in_no_folder_that_can_be_lost() {
    let world = team()
        .at("2026-12-01T12:00:00Z")
        .change("team.yaml", "+7 727 555 0100", "+7 727 555 0199")
        .run("publish --yes");
    let before = world.site();
    assert!(!world.path(".advise/rfc2350").exists());
    let world = world.without("public").run("publish --yes").has_mails(14);
    assert!(
        world.site() == before,
        "{:?}",
        changed(&before, &world.site())
    );
}

/// The certificate in a file for `sqv`, and a GnuPG that has it.
struct Verifiers {
    home: tempfile::TempDir,
    key: std::path::PathBuf,
}

impl Verifiers {
    fn of(world: &World) -> Verifiers {
        let home = tempfile::tempdir().expect("a folder");
        let verifiers = Verifiers {
            home,
            key: world.path("public/pgp-key.asc"),
        };
        assert!(verifiers.runs(
            "gpg",
            &[
                "--batch",
                "--quiet",
                "--import",
                verifiers.key.to_str().expect("a path")
            ]
        ));
        verifiers
    }

    fn runs(&self, program: &str, words: &[&str]) -> bool {
        let mut command = Command::new(program);
        command
            .args(words)
            .env("GNUPGHOME", self.home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().expect("the program runs").success()
    }

    /// Which of the three verify: gpg the text itself, gpg and sqv the detached signature.
    fn verify(&self, text: &Path) -> [bool; 3] {
        let text = text.to_str().expect("a path");
        let signature = format!("{text}.asc");
        let key = self.key.to_str().expect("a path");
        [
            self.runs("gpg", &["--batch", "--verify", text]),
            self.runs("gpg", &["--batch", "--verify", &signature, text]),
            self.runs("sqv", &["--keyring", key, &signature, text]),
        ]
    }
}

impl Drop for Verifiers {
    fn drop(&mut self) {
        let mut stop = Command::new("gpgconf");
        // Nothing hangs on the agent's end but a process less.
        let _ = stop
            .args(["--kill", "all"])
            .env("GNUPGHOME", self.home.path())
            .output();
    }
}

#[test]
fn gpg_and_sqv_verify_every_text_and_see_a_changed_byte() {
    if !has("gpg") || !has("sqv") {
        return skip(
            "gpg and sqv verify every text",
            "`gpg` or `sqv` is missing; scripts/setup test installs them",
        );
    }
    let world = World::sample_of(BEGIN)
        .without("advisories")
        .advisory(
            "EX-2025-0101",
            "tlp: CLEAR\naudience: [public]\ndate: 2025-01-09",
        )
        .run("publish --yes")
        .change("team.yaml", "+7 727 555 0100", "+7 727 555 0199")
        .run("publish --yes");
    let verifiers = Verifiers::of(&world);
    let site = world.site();
    let texts: Vec<&String> = site
        .keys()
        .filter(|path| path.ends_with(".txt") && contains(&site[*path], "BEGIN PGP SIGNED"))
        .collect();
    assert!(
        texts.len() >= 7,
        "an advisory, two current texts and twice two versions: {texts:?}"
    );
    for path in texts {
        let file = world.path("public").join(path);
        assert_eq!(verifiers.verify(&file), [true; 3], "{path}");
        let beside = world.beside().join("changed.txt");
        let mut bytes = site[path].clone();
        // The last letter before the signature.
        let end = bytes
            .windows(28)
            .rposition(|line| line == b"\n-----BEGIN PGP SIGNATURE---")
            .expect("a signature");
        let at = bytes[..end]
            .iter()
            .rposition(u8::is_ascii_alphanumeric)
            .expect("a letter");
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        fs::write(&beside, bytes).expect("written");
        fs::copy(
            world.path("public").join(format!("{path}.asc")),
            world.beside().join("changed.txt.asc"),
        )
        .expect("copied");
        assert_eq!(
            verifiers.verify(&beside),
            [false; 3],
            "a changed byte of {path} is not seen"
        );
    }
    drop(world);
}

#[test]
fn a_ledger_that_was_begun_anew_takes_the_archive_over_from_the_site() {
    let world = team()
        .at("2026-12-01T12:00:00Z")
        .change("team.yaml", "+7 727 555 0100", "+7 727 555 0199")
        .run("publish --yes");
    let before = world.site();
    let world = world
        .without(".advise/ledger.sqlite")
        .without("outbox")
        .run("publish --yes --first-run")
        .has_mails(0);
    let texts = |site: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
        site.iter()
            .filter(|(path, _)| path.contains("rfc2350") && !path.ends_with(".html"))
            .map(|(p, b)| (p.clone(), b.clone()))
            .collect()
    };
    assert_eq!(
        texts(&world.site()),
        texts(&before),
        "nothing is lost, and nothing is signed anew"
    );
    let world = world
        .change("team.yaml", "+7 727 555 0102", "+7 727 555 0103")
        .run("publish --yes")
        .says("RFC2350 r3");

    // What somebody else put there is not taken, and not thrown away in silence either.
    let world = world.without(".advise/ledger.sqlite");
    let forged = world
        .text("public/rfc2350/archive/2.txt")
        .replace("0199", "0666");
    world
        .file("public/rfc2350/archive/2.txt", &forged)
        .run("publish --yes --first-run")
        .exits(2)
        .says("cannot use")
        .says("does not fit the content")
        .says("move the file away if it is not yours");
}
