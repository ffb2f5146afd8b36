//! The preview: staff see what is not out yet, marked, and each letter, unsigned; nobody else sees anything; pages follow
//! what is saved; and nothing of it is left anywhere.

use crate::harness::{World, has, skip};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(90);

/// A running `advise serve`.
struct Preview {
    child: Child,
    port: u16,
    /// `/TOKEN/`
    prefix: String,
}

/// An answer: status, header in small letters, body.
struct Answer {
    status: u16,
    header: BTreeMap<String, String>,
    body: String,
}

impl Preview {
    fn of(world: &World) -> Preview {
        let mut child = world
            .command("serve")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut address = String::new();
        BufReader::new(child.stdout.take().expect("a pipe"))
            .read_line(&mut address)
            .expect("an address");
        let rest = address
            .trim()
            .strip_prefix("http://127.0.0.1:")
            .unwrap_or_else(|| panic!("`{address}` is on loopback"));
        let (port, path) = rest.split_once('/').expect("a path");
        let prefix = format!(
            "/{}/",
            path.strip_suffix("/_preview/").expect("the overview")
        );
        Preview {
            child,
            port: port.parse().expect("a port"),
            prefix,
        }
    }

    /// As a browser that was given the address asks.
    fn get(&self, path: &str) -> Answer {
        let url = format!("http://127.0.0.1:{}{}{path}", self.port, self.prefix);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let mut answer = agent
            .get(&url)
            .call()
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let header = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_string()));
        let header = header.collect();
        let bytes = answer.body_mut().read_to_vec().expect("a body");
        Answer {
            status: answer.status().as_u16(),
            header,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// A page that is there.
    fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// As anybody asks who can reach the port.
    fn ask(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        socket.write_all(request.as_bytes()).expect("asked");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Waits for the page to be like this.
    fn until(&self, path: &str, what: &str, is_so: impl Fn(&Answer) -> bool) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.get(path);
            if is_so(&answer) {
                return answer;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{what} did not come about:\n{}",
                answer.body
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ctrl-C.
    fn ends(mut self) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .expect("kill runs")
                .success()
        );
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("a status") {
                assert_eq!(status.code(), Some(0), "it was asked to end, and did");
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not end");
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        // It ended already, if all went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Every file below a folder, with its content and the time of its last change.
fn tree(folder: &Path) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
    let (mut open, mut all) = (vec![folder.to_path_buf()], BTreeMap::new());
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let entry = entry.expect("an entry");
            let (path, found) = (entry.path(), entry.metadata().expect("is there"));
            match found.is_dir() {
                true => open.push(path),
                false => {
                    let name = path
                        .strip_prefix(folder)
                        .expect("below")
                        .display()
                        .to_string();
                    all.insert(
                        name,
                        (
                            fs::read(&path).expect("readable"),
                            found.modified().expect("a time"),
                        ),
                    );
                }
            }
        }
    }
    all
}

/// The text of a page, as it stands between tags.
fn text(html: &str) -> String {
    html.replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

const CLOSED: &str = "EX-2026-0009";
const DRAFT: &str = "EX-2026-0090";

fn with_draft() -> World {
    World::sample().advisory_with_body(
        DRAFT,
        "status: draft\ntlp: CLEAR\naudience: [universities, public]\ntitle: \"Porcupine Gateway: a fault\"",
        "## Summary\n\nSee [our key](/pgp/) and [labels](https://www.first.org/tlp/).",
    )
}

#[test]
fn the_site_is_seen_with_its_drafts_and_without_closed_advisories() {
    let made = tempfile::tempdir().expect("a folder");
    let world = with_draft();
    let out = made.path().join("site");
    assert!(
        world
            .command(&format!("build --out {}", out.display()))
            .output()
            .expect("it runs")
            .status
            .success()
    );
    let preview = Preview::of(&world);

    // Whatever `publish` makes is there, and leads nowhere else.
    let outside = format!("href=\"{}", preview.prefix);
    for path in tree(&out).keys() {
        // (But for what programs fetch: signatures, since nothing is signed here, and the key's directory.)
        if path.starts_with(".well-known/") || path.ends_with(".txt.asc") {
            continue;
        }
        let answer = preview.get(path.trim_end_matches("index.html"));
        assert_eq!(
            answer.status, 200,
            "{path} is published, and not in the preview"
        );
        if path.ends_with(".html") {
            assert!(
                answer.body.contains("<strong>PREVIEW</strong>")
                    && answer.body.contains("not published"),
                "{path}"
            );
            let links = answer.body.matches("href=\"/").count();
            assert_eq!(
                links,
                answer.body.matches(&outside).count(),
                "{path} has links that leave the preview"
            );
            assert!(
                !answer
                    .body
                    .contains("http-equiv=\"Content-Security-Policy\""),
                "{path}"
            );
        }
        assert!(
            !answer.body.contains(&format!("org{}", preview.prefix)),
            "{path} shows readers the preview's address"
        );
        assert!(
            !answer.body.contains(CLOSED),
            "{path} tells of a closed advisory"
        );
    }
    for path in [
        "",
        "advisories/",
        "severity/medium/",
        &format!("advisories/{DRAFT}/"),
        &format!("ru/advisories/{DRAFT}/"),
    ] {
        assert!(
            preview
                .page(path)
                .contains("[DRAFT] Porcupine Gateway: a fault"),
            "{path}"
        );
    }
    let page = preview.page(&format!("advisories/{DRAFT}/"));
    assert!(
        page.contains("DRAFT: nobody gets it") && page.contains(&format!("{}pgp/\"", outside)),
        "{page}"
    );
    assert!(
        preview
            .page(&format!("advisories/{DRAFT}.txt"))
            .starts_with("PREVIEW: not signed, not published\nDRAFT")
    );
    assert!(
        preview
            .page("rfc2350.txt")
            .starts_with("PREVIEW: not signed, not published\n")
    );
    // What cannot be marked has no drafts, nor what is under embargo.
    for path in [
        "rss.xml",
        "atom.xml",
        "feed.json",
        "sitemap.xml",
        "severity/high/rss.xml",
        "ru/feed.json",
    ] {
        let feed = preview.page(path);
        assert!(
            !feed.contains(DRAFT) && !feed.contains("EX-2026-0013"),
            "{path}"
        );
    }
    assert!(
        preview
            .page("advisories/EX-2026-0013/")
            .contains("[EMBARGO until 2026-12-01")
    );

    // Closed advisories have no page, whatever is asked for; the overview knows them.
    let attachment = fs::read_dir(world.path(&format!("advisories/2026/{CLOSED}")))
        .expect("attachments")
        .next();
    let attachment = attachment
        .expect("one")
        .expect("an entry")
        .file_name()
        .to_string_lossy()
        .into_owned();
    for path in [
        format!("advisories/{CLOSED}/"),
        format!("advisories/{CLOSED}.txt"),
        format!("advisories/{CLOSED}/{attachment}"),
    ] {
        let answer = preview.get(&path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("Copied login pages"), "{path}");
    }
    let overview = preview.page("_preview/");
    assert!(
        overview.contains(&format!("{}_preview/letters/{CLOSED}/", preview.prefix)),
        "{overview}"
    );
    for words in [
        "TLP:RED",
        "TLP:AMBER+STRICT",
        DRAFT,
        "embargo until 2026-12-01",
        "HELD Marat Ibraev",
        "site: appears",
    ] {
        assert!(text(&overview).contains(words), "{words}");
    }
    let plan = world.command("plan").output().expect("it runs");
    let plan = String::from_utf8(plan.stdout).expect("text");
    assert!(
        text(&preview.page("_preview/plan/")).contains(plan.trim()),
        "as in the terminal"
    );
    preview.ends();
}

#[test]
fn each_letter_is_seen_as_its_recipients_will_see_it() {
    let world = with_draft();
    let preview = Preview::of(&world);
    let letter = |path: &str| text(&preview.page(&format!("_preview/letters/{path}/")));

    let closed = letter(&format!("{CLOSED}/universities.en.encrypted"));
    let (outside, inside) = closed
        .split_once("Signed and encrypted")
        .expect("two headers");
    let outside = outside
        .split_once("Seen by everybody")
        .expect("the outer header")
        .1;
    assert!(
        outside.contains("[TLP:AMBER] […]") && !outside.contains("Copied login pages"),
        "{outside}"
    );
    assert!(
        inside.contains("[TLP:AMBER] EX-2026-0009: High: Copied login pages"),
        "{inside}"
    );
    assert!(closed.contains("a preview uses no key") && !closed.contains("BEGIN PGP"));
    // Who is held stands there as in `plan`; who is not, by their number.
    assert!(
        closed.contains("Marat Ibraev <marat@lakeside.example.org>")
            && closed.contains("no certificate"),
        "{closed}"
    );
    assert!(closed.contains("The notice for who is held"), "{closed}");
    let contacts: Vec<String> = ["physics-institute", "lakeside-university"]
        .iter()
        .flat_map(|name| {
            world
                .text(&format!("constituents/{name}.yaml"))
                .lines()
                .map(str::to_string)
                .collect::<Vec<_>>()
        })
        .filter_map(|line| line.trim().strip_prefix("address: ").map(str::to_string))
        .collect();
    let shown: Vec<_> = contacts
        .iter()
        .filter(|address| closed.contains(address.as_str()))
        .collect();
    assert_eq!(shown, ["marat@lakeside.example.org"], "of {contacts:?}");

    let russian = letter(&format!("{CLOSED}/universities.ru.encrypted"));
    assert!(
        russian.contains("Этот текст не переведён") && russian.contains("Университеты"),
        "{russian}"
    );
    let draft = letter(&format!("{DRAFT}/universities.en.signed"));
    assert_eq!(
        letter(DRAFT).matches("aria-current").count(),
        1,
        "without a name, the first"
    );
    assert!(
        draft.contains("Porcupine Gateway: a fault") && draft.contains("DRAFT: nobody gets it"),
        "{draft}"
    );
    assert!(
        draft.contains(&format!("https://cert.example.org/advisories/{DRAFT}/")),
        "readers' address, not the preview's"
    );
    let red = letter("EX-2026-0011/person-1.en.encrypted");
    assert!(
        red.contains("duty@grid.example.net") && !red.contains("List-Id"),
        "{red}"
    );
    assert_eq!(
        preview
            .get("_preview/letters/EX-2026-0011/person-3.en.encrypted/")
            .status,
        404
    );

    for page in [&closed, &russian, &draft, &red] {
        let text = page
            .split_once("<pre class=\"advp-text\"")
            .and_then(|(_, rest)| rest.split_once("</pre>"));
        let text = text.expect("a text").0;
        let long: Vec<&str> = text
            .lines()
            .skip(1)
            .filter(|line| line.chars().count() > 76 && !line.contains("https://"))
            .collect();
        assert!(long.is_empty(), "{long:#?}");
    }
    preview.ends();

    // The letter that leaves is the letter that was seen.
    let world = world.run("publish --yes").whatever_it_says().exits(1);
    let mails = world.mail();
    let mail = mails
        .iter()
        .find(|mail| mail.header("Subject").contains("EX-2026-0012"))
        .expect("a letter of it");
    let preview = Preview::of(&world);
    // (What is around the text may be in another language than the text, so the mail does not say which letter it is.)
    let pages = ["en", "ru", "ar"]
        .map(|lang| format!("_preview/letters/EX-2026-0012/open-announce.{lang}.signed/"));
    let mut pages = pages
        .iter()
        .map(|path| preview.get(path))
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.body);
    let page = pages
        .find(|page| text(page).contains(mail.header("Message-ID")))
        .expect("the letter that left");
    let mail = mail_parser::MessageParser::default()
        .parse(&mail.raw)
        .expect("a mail");
    assert!(
        text(&page).contains(mail.subject().expect("a subject")),
        "{page}"
    );
    let seen = page
        .split("<pre class=\"advp-text\"")
        .nth(1)
        .and_then(|rest| rest.split_once('>'))
        .expect("a text")
        .1;
    let seen = text(seen.split("</pre>").next().expect("its end"));
    let sent = mail.body_text(0).expect("a text").into_owned();
    assert_eq!(seen.trim_end(), sent.replace("\r\n", "\n").trim_end());
    assert!(text(&preview.page("_preview/")).contains("published"));
    preview.ends();
}

#[test]
fn nobody_else_gets_an_answer() {
    let world = World::sample();
    let preview = Preview::of(&world);
    let (port, prefix) = (preview.port, preview.prefix.clone());
    preview.until("_preview/", "a preview", |answer| answer.status == 200);
    let ask = |method: &str, path: &str, host: &str, more: &str| {
        preview.ask(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"
        ))
    };
    let home = format!("{prefix}_preview/");
    let local = format!("127.0.0.1:{port}");
    for host in [
        local.clone(),
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
        format!("LOCALHOST:{port}"),
    ] {
        assert!(
            ask("GET", &home, &host, "").starts_with("HTTP/1.1 200"),
            "{host}"
        );
    }
    let foreign = [
        "attacker.example",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.2:1",
        "",
        "localhost.attacker.example",
    ];
    for host in foreign
        .iter()
        .map(|host| host.to_string())
        .chain([format!("rebound.example:{port}")])
    {
        let answer = ask("GET", &home, &host, "");
        assert!(answer.starts_with("HTTP/1.1 421"), "{host}: {answer}");
        assert!(!answer.contains("EX-2026"), "{host}");
    }
    assert!(
        ask("GET", &home, &local, "Host: attacker.example\r\n").starts_with("HTTP/1.1 4"),
        "two hosts"
    );
    assert!(
        ask("GET", &format!("http://attacker.example{home}"), &local, "")
            .starts_with("HTTP/1.1 421")
    );

    let wrong = format!("/{}/_preview/", "0".repeat(32));
    for path in [
        "/",
        "/_preview/",
        "/index.html",
        "/advisories/EX-2026-0012/",
        &wrong,
        &prefix[..20],
        &home.to_uppercase(),
    ] {
        let answer = ask("GET", path, &local, "");
        assert!(
            answer.starts_with("HTTP/1.1 403")
                && !answer.contains("EX-2026")
                && !answer.contains(&prefix),
            "{path}: {answer}"
        );
    }
    for from in ["cross-site", "same-site"] {
        let answer = ask("GET", &home, &local, &format!("Sec-Fetch-Site: {from}\r\n"));
        assert!(answer.starts_with("HTTP/1.1 403"), "{from}: {answer}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = ask(method, &home, &local, "Content-Length: 0\r\n");
        assert!(
            answer.starts_with("HTTP/1.1 405")
                && answer.to_lowercase().contains("\r\nallow: get, head"),
            "{method}: {answer}"
        );
    }
    let head = ask("HEAD", &home, &local, "");
    assert!(
        head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
        "{head}"
    );

    let answer = preview.get("_preview/");
    let header = |name: &str| answer.header.get(name).map_or("", String::as_str);
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin");
    assert!(header("content-security-policy").contains("default-src 'none'; script-src 'self'"));
    assert!(
        !answer
            .header
            .keys()
            .any(|name| name.starts_with("access-control"))
            && header("set-cookie").is_empty()
    );
    // Climbing out leads nowhere, since no file is ever opened for an answer.
    for path in [
        "../advise.yaml",
        "%2e%2e/advise.yaml",
        "assets/..%2f..%2fadvise.yaml",
        ".advise/ledger.sqlite",
    ] {
        let answer = ask("GET", &format!("{prefix}{path}"), &local, "");
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    preview.ends();
}

#[test]
fn pages_follow_what_is_saved_and_nothing_is_left_behind() {
    let world = World::sample()
        .run("publish --yes")
        .whatever_it_says()
        .exits(1);
    let world = world.advisory(
        DRAFT,
        "status: draft\ntlp: CLEAR\naudience: [public]\ntitle: \"One\"",
    );
    let before = tree(world.root());
    let path = format!("advisories/{DRAFT}/");
    let source = format!("advisories/2026/{DRAFT}.md");
    let preview = Preview::of(&world);
    let page = preview.page(&path);
    let since = page
        .split("data-since=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a generation")
        .to_string();
    preview.page("_preview/");
    preview.page(&format!("_preview/letters/{CLOSED}/"));
    assert!(tree(world.root()) == before, "a preview writes nothing");

    // The answer to who waits comes with the next save, even if that is a new file in the place of the old.
    let world = thread::scope(|scope| {
        let waits = scope.spawn(|| preview.page(&format!("_preview/changes?since={since}")));
        let saved = world.text(&source).replace("\"One\"", "\"Two\"");
        fs::write(world.path("advisories/2026/.saving"), saved).expect("written");
        fs::rename(world.path("advisories/2026/.saving"), world.path(&source))
            .expect("in its place");
        assert_ne!(waits.join().expect("it waited"), since);
        world
    });
    assert!(preview.page(&path).contains("[DRAFT] Two"));

    // A mistake in a draft: what `check` says, above the draft as it was.
    let broken = |world: World, file: &str, from: &str, to: &str, place: &str| {
        let world = world.change(file, from, to);
        let check = world.command("check").output().expect("it runs");
        let check = String::from_utf8(check.stdout).expect("text");
        let finding = check
            .split("\n\n")
            .find(|one| one.contains(place))
            .unwrap_or_else(|| panic!("{place}: {check}"))
            .to_string();
        let answer = preview.until(&path, &finding, |answer| {
            text(&answer.body).contains(finding.trim())
        });
        assert_eq!(answer.status, 200);
        assert!(
            answer.body.contains("advp-trouble") && answer.body.contains("[DRAFT] Two"),
            "{}",
            answer.body
        );
        let world = world.change(file, to, from);
        let mended = preview.until(&path, "mended", |answer| {
            !answer.body.contains("advp-trouble")
        });
        assert!(mended.body.contains("[DRAFT] Two"));
        world
    };
    let world = broken(
        world,
        &source,
        "severity: medium",
        "severity: hgih",
        "severity `hgih` is not known",
    );
    // One that stops everything.
    let world = broken(world, "team.yaml", "email: ", "e-mail: ", "team.yaml");
    let world = broken(world, "advise.yaml", "site:", "site: [", "advise.yaml");

    // A template of their own that is wrong is named, and the site stands as it was.
    let world = world.file(
        "templates/home.html",
        "{% extends \"base.html\" %}\n{% block main %}{{ nothing",
    );
    let answer = preview.until("", "a wrong template", |answer| {
        answer.body.contains("templates/home.html")
    });
    assert!(
        answer.body.contains("advp-trouble") && answer.body.contains("[DRAFT] Two"),
        "{}",
        answer.body
    );
    let world = world.without("templates/home.html");
    preview.until("", "mended", |answer| !answer.body.contains("advp-trouble"));

    // Who publishes is not kept from it, and the preview knows of it.
    let public = tree(&world.path("public"));
    let world = world
        .change(&source, "status: draft", "status: final")
        .run("publish --yes --only site")
        .whatever_it_says();
    let answer = preview.until(&path, "published", |answer| !answer.body.contains("DRAFT"));
    assert!(
        answer.body.contains("<strong>PREVIEW</strong>"),
        "{}",
        answer.body
    );
    let after = tree(&world.path("public"));
    assert!(
        after.keys().all(|path| public.contains_key(path)
            || path.contains(DRAFT)
            || path.contains("assets")),
        "by `publish` alone"
    );
    for (path, (bytes, _)) in &after {
        let bytes = String::from_utf8_lossy(bytes);
        assert!(
            !bytes.contains("live.js") && !bytes.contains("advp") && !bytes.contains("PREVIEW"),
            "{path}"
        );
    }
    preview.ends();
}

#[test]
fn a_workspace_that_begins_with_a_mistake_is_shown_once_it_is_mended() {
    let world = World::sample().change("team.yaml", "email: ", "e-mail: ");
    let preview = Preview::of(&world);
    let answer = preview.get("");
    assert_eq!(answer.status, 500);
    assert!(
        text(&answer.body).contains("team.yaml")
            && answer.body.contains("There is nothing to show yet"),
        "{}",
        answer.body
    );
    let _world = world.change("team.yaml", "e-mail: ", "email: ");
    let answer = preview.until("", "mended", |answer| answer.status == 200);
    assert!(!answer.body.contains("advp-trouble"), "{}", answer.body);
    preview.ends();
}

#[test]
fn it_begins_in_a_workspace_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(crate::harness::advise())
        .arg("-C")
        .arg(folder.path())
        .arg("serve")
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not a workspace"));
    assert!(output.stdout.is_empty());
}

/// Ends with the test.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_browser_shows_what_was_saved_without_being_asked() {
    if !has("chromium") {
        return skip("A browser follows what is saved", "chromium is missing");
    }
    let world = with_draft();
    let preview = Preview::of(&world);
    let profile = tempfile::tempdir().expect("a folder");
    let mut browser = Command::new("chromium")
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--remote-debugging-port=0",
        ])
        .args(["--enable-logging=stderr"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!(
            "http://127.0.0.1:{}{}advisories/{DRAFT}/",
            preview.port, preview.prefix
        ))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("chromium runs");
    let log = BufReader::new(browser.stderr.take().expect("a pipe"));
    let _browser = Browser(browser);
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    let listening = told.iter().find_map(|line| {
        line.strip_prefix("DevTools listening on ws://")
            .map(str::to_string)
    });
    let devtools = listening
        .expect("it has a port")
        .split('/')
        .next()
        .expect("a host")
        .to_string();
    let shows = |words: &str| {
        let begun = Instant::now();
        loop {
            let mut pages = ureq::get(format!("http://{devtools}/json/list"))
                .call()
                .expect("it lists its pages");
            let pages = pages.body_mut().read_to_string().expect("a list");
            if pages.contains(words) {
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "no page has the title `{words}`:\n{pages}"
            );
            thread::sleep(Duration::from_millis(50));
        }
    };
    shows("[DRAFT] Porcupine Gateway: a fault");
    let world = world.change(
        &format!("advisories/2026/{DRAFT}.md"),
        "Porcupine",
        "Hedgehog",
    );
    shows("[DRAFT] Hedgehog Gateway: a fault");
    // And once more: the new page waits as the old one did.
    let _world = world.change(&format!("advisories/2026/{DRAFT}.md"), "Hedgehog", "Tenrec");
    shows("[DRAFT] Tenrec Gateway: a fault");
    let complaints: Vec<String> = told
        .try_iter()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    preview.ends();
}
