//! What people open it with: mutt in a terminal, Chromium on a page.

use crate::harness::{World, has, skip, wait_until};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

/// A terminal of its own, and in it GnuPG with the keys of one member.
struct Desk(tempfile::TempDir);

impl Desk {
    fn of(world: &World, member: &str) -> Desk {
        let desk = Desk(
            tempfile::Builder::new()
                .prefix("m")
                .rand_bytes(6)
                .tempdir_in("/tmp")
                .expect("a folder"),
        );
        let home = desk.path("gnupg");
        fs::create_dir(&home).expect("a folder");
        fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("closed to others");
        for file in [
            world.path("public/pgp-key.asc"),
            world.path(&format!(".advise/keys/{member}.key")),
        ] {
            let done = Command::new("gpg")
                .arg("--homedir")
                .arg(&home)
                .args(["-q", "--batch", "--import"])
                .arg(file)
                .output();
            assert!(done.expect("gpg runs").status.success());
        }
        for folder in ["box/new", "box/cur", "box/tmp"] {
            fs::create_dir_all(desk.path(folder)).expect("a folder");
        }
        // (without a folder of its own it asks whether to make one, before it shows anything)
        let folder = desk.path("box").display().to_string();
        let settings = format!(
            "set folder={folder} wait_key=no crypt_use_gpgme=yes quit=yes move=no index_format=\"%n %s\"\n"
        );
        fs::write(desk.path("muttrc"), settings).expect("written");
        desk
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn tmux(&self, words: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(self.path("t"))
            .args(words)
            .output()
            .expect("tmux runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The screen after a mail was opened, when it shows these words.
    fn opens(&self, mail: &Path, words: &str) -> String {
        fs::copy(mail, self.path("box/new/1.mail")).expect("copied");
        let mutt = format!(
            "env GNUPGHOME={0}/gnupg LC_ALL=C.UTF-8 mutt -F {0}/muttrc -f {0}/box",
            self.0.path().display()
        );
        self.tmux(&["new-session", "-d", "-x", "130", "-y", "160", &mutt]);
        let screen = || self.tmux(&["capture-pane", "-p"]);
        wait_until("mutt lists the mail", || screen().contains("Example CERT"));
        self.tmux(&["send-keys", "Enter"]);
        wait_until("mutt shows the mail", || screen().contains(words));
        screen()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
        drop(
            Command::new("gpgconf")
                .arg("--homedir")
                .arg(self.path("gnupg"))
                .args(["--kill", "all"])
                .output(),
        );
    }
}

#[test]
fn mutt_decrypts_an_encrypted_letter_and_finds_the_signature_good() {
    if !has("mutt") || !has("tmux") {
        return skip("mutt reads a letter", "mutt or tmux is missing");
    }
    let world = World::sample()
        .run("publish --yes")
        .exits(1)
        .whatever_it_says();
    let member = "duty@grid.example.net";
    let mail = world.mail().into_iter().find(|mail| {
        mail.recipient() == member
            && mail.is("encrypted")
            && mail.header("Subject").contains("AMBER")
    });
    let desk = Desk::of(&world, member);
    let screen = desk.opens(&mail.expect("an encrypted letter").path, "What to do");
    assert!(
        screen.contains("Good signature from: Example CERT"),
        "{screen}"
    );
    assert!(
        screen.contains("Subject: [TLP:AMBER+STRICT] EX-2026-0010: Critical: Example Telecontrol"),
        "{screen}"
    );
    assert!(
        screen.contains(
            "You may share this, on a need-to-know basis, within your organisation only."
        ),
        "{screen}"
    );
}

#[test]
fn mutt_shows_a_hard_text_in_four_scripts_as_it_was_laid_out() {
    if !has("mutt") || !has("tmux") {
        return skip("mutt reads a hard text", "mutt or tmux is missing");
    }
    let fields = "tlp: AMBER\naudience: [universities]\nlang: ru\ntitle: \"Шлюз: 深刻な脆弱性\"";
    let body = include_str!("../../../src/render/letter/tests/hard.md");
    let world = World::without_advisories().advisory_with_body("EX-2026-0101", fields, body);
    let world = world.run("publish --yes").exits(1).whatever_it_says();
    let member = "dana@north.example.org";
    let mail = world
        .mail()
        .into_iter()
        .find(|mail| mail.recipient() == member && mail.is("encrypted"));
    let desk = Desk::of(&world, member);
    let screen = desk.opens(
        &mail.expect("an encrypted letter").path,
        "Вопросы и сообщения",
    );
    let shows = |lines: &str| assert!(screen.contains(lines), "{lines}\n\n{screen}");
    shows("Good signature from: ");
    shows("Subject: [TLP:AMBER] EX-2026-0101: Средняя: Шлюз: 深刻な脆弱性\n");
    shows(
        "Example Gateway  `< 7.4`         7.4.2\nシュクローズ     1.0 – 1.9         2.0\nШлюз 🚨          все               нет\n",
    );
    shows("| ВНИМАНИЕ\n| Не отключайте журналы");
    // (mutt leaves out what steers the direction.)
    shows("تسمح هذه الثغرة `CVE-2026-12345` للمهاجم بتنفيذ تعليمات برمجية عن بعد على\n");
    shows("けるバージョンは`7.0`から`7.3`までです。至急、更新してください。\n");
    shows("Version range of the product: 7.0 to 7.3, on every platform\n");
    shows("[2] https://vendor.example/ar\n");
}

/// Serves a folder on loopback, as a static host does, until the test ends.
fn serve(root: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0_u8; 8192];
            let Ok(n) = stream.read(&mut request) else {
                continue;
            };
            let line = String::from_utf8_lossy(&request[..n]).into_owned();
            let path = line
                .split(' ')
                .nth(1)
                .unwrap_or("/")
                .split('?')
                .next()
                .unwrap_or("/")
                .to_string();
            let file = root.join(path.trim_start_matches('/'));
            let file = if path.ends_with('/') {
                file.join("index.html")
            } else {
                file
            };
            let kind = match file.extension().and_then(|e| e.to_str()) {
                Some("css") => "text/css",
                Some("svg") => "image/svg+xml",
                Some("js") => "text/javascript",
                Some("json") => "application/json",
                Some("html") => "text/html; charset=utf-8",
                _ => "text/plain; charset=utf-8",
            };
            let (status, body) =
                fs::read(&file).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            drop(
                stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(&body)),
            );
        }
    });
    format!("http://{address}")
}

/// What Chromium makes of a page: the document, and what it complains about.
fn chromium(url: &str) -> (String, String) {
    let profile = tempfile::tempdir().expect("a folder");
    let output = Command::new("chromium")
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
            "--enable-logging=stderr",
            "--dump-dom",
        ])
        // Scripts get so many milliseconds of the page's own time, which passes as fast as they work.
        .arg("--virtual-time-budget=10000")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .output()
        .expect("chromium runs");
    let console = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect::<Vec<_>>()
        .join("\n");
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        console,
    )
}

#[test]
fn chromium_shows_the_site_and_has_nothing_to_complain_about() {
    if !has("chromium") {
        return skip("Chromium shows the site", "chromium is missing");
    }
    let world = World::sample()
        .run("publish --yes --only site")
        .whatever_it_says();
    let host = serve(world.path("public"));
    for (path, words) in [
        ("/", "Current alerts"),
        (
            "/advisories/EX-2026-0007/",
            "Example Gateway: remote code execution before login",
        ),
        ("/advisories/", "EX-2026-0001"),
        ("/ru/advisories/EX-2026-0007/", "Критическая"),
        ("/rfc2350/", "2.8"),
        ("/pgp/", "gpg"),
        ("/feeds/", "rss.xml"),
        ("/search/", "2026-11"),
        ("/search/?q=CVE-2026-9010", "role=\"status\">Results: 5<"),
        (
            "/search/?q=gatway%20login",
            "href=\"/advisories/EX-2026-0007/\">Example Gateway",
        ),
        (
            "/ru/search/?q=%D1%83%D0%B4%D0%B0%D0%BB%D1%91%D0%BD%D0%BD%D0%BE%D0%B5",
            "3 ноября 2026",
        ),
        (
            "/search/?q=%3Cimg%20src%3Dx%3E",
            "Nothing was found for “&lt;img src=x&gt;”.",
        ),
    ] {
        let (document, console) = chromium(&format!("{host}{path}"));
        assert!(
            document.contains(words),
            "{path} does not show `{words}`:\n{document}"
        );
        assert_eq!(console, "", "Chromium complains about {path}");
    }
}
