//! The site where it is served: keys and security.txt at their well-known places, addresses that are not harvested, a
//! real web server with our sample of its settings, and the ways from here to there.

use crate::harness::{World, has, skip};
use std::{path::Path, process::Command};

/// The whole sample, published.
pub fn published() -> World {
    World::sample()
        .run("publish --yes")
        .exits(1)
        .whatever_it_says()
}

/// GnuPG with the team's key and no other.
pub struct Gnupg(tempfile::TempDir);

impl Gnupg {
    pub fn of_team(world: &World) -> Gnupg {
        let home = Gnupg(
            tempfile::Builder::new()
                .prefix("g")
                .rand_bytes(6)
                .tempdir_in("/tmp")
                .expect("a folder"),
        );
        home.run(&[
            "--import",
            &world.path("public/pgp-key.asc").display().to_string(),
        ]);
        home
    }

    pub fn run(&self, words: &[&str]) -> String {
        let mut gpg = Command::new("gpg");
        let output = gpg
            .arg("--homedir")
            .arg(self.0.path())
            .args(["--batch", "--status-fd=1"])
            .args(words)
            .output();
        let output = output.expect("gpg runs");
        assert!(
            output.status.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        drop(
            Command::new("gpgconf")
                .arg("--homedir")
                .arg(self.0.path())
                .args(["--kill", "all"])
                .output(),
        );
    }
}

#[test]
fn security_txt_is_signed_and_renewed_each_quarter_and_watched() {
    let text = |world: &World| world.text("public/.well-known/security.txt");
    let field = |text: &str, name: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(&format!("{name}: ")))
            .map(str::to_string)
            .collect()
    };
    // (Without that under embargo: the clock has not come so far, and `--now` ends none.)
    let world = World::sample().without("advisories/2026/EX-2026-0013.md");
    let world = world.run("publish --yes").exits(1).whatever_it_says();
    let first = text(&world);
    assert_eq!(field(&first, "Expires"), ["2027-07-01T00:00:00Z"]);
    let contacts = field(&first, "Contact");
    assert_eq!(
        contacts[..2],
        [
            "mailto:cert@cert.example.org",
            "https://cert.example.org/report/"
        ]
    );
    assert_eq!(
        field(&first, "Canonical"),
        ["https://cert.example.org/.well-known/security.txt"]
    );
    assert_eq!(field(&first, "Preferred-Languages"), ["en, ru, ar"]);
    if has("gpg") {
        let said = Gnupg::of_team(&world).run(&[
            "--verify",
            &world
                .path("public/.well-known/security.txt")
                .display()
                .to_string(),
        ]);
        assert!(
            said.contains("GOODSIG") && said.contains("VALIDSIG"),
            "{said}"
        );
    } else {
        skip("gpg verifies security.txt", "there is no `gpg`");
    }

    let world = world
        .at("2026-12-24T12:00:00Z")
        .run("publish --only site --yes")
        .whatever_it_says();
    assert_eq!(text(&world), first, "in the same quarter nothing changes");
    let world = world
        .at("2027-05-03T12:00:00Z")
        .run("check")
        .exits(1)
        .whatever_it_says();
    let world = world.run("plan --only site").whatever_it_says();
    let world = world.run("check --format json").exits(1).gives(|json| {
        let all = json.to_string();
        assert!(
            all.contains("security-txt-ends") && all.contains("ends on 2027-07-01"),
            "{all}"
        );
    });
    let world = world
        .whatever_it_says()
        .run("publish --only site --yes")
        .whatever_it_says();
    assert_eq!(field(&text(&world), "Expires"), ["2028-01-01T00:00:00Z"]);
    world
        .run("check --format json")
        .exits(1)
        .gives(|json| assert!(!json.to_string().contains("security-txt-ends")))
        .whatever_it_says();
}

/// What a simple harvester finds.
fn harvested(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    let found = text.match_indices('@').filter_map(|(at, _)| {
        let start = text[..at].rfind(|c| !word(c)).map_or(0, |start| {
            start + text[start..].chars().next().map_or(1, char::len_utf8)
        });
        let end = text[at + 1..]
            .find(|c| !word(c))
            .map_or(text.len(), |end| at + 1 + end);
        (start < at && text[at + 1..end].trim_end_matches('.').contains('.'))
            .then(|| text[start..end].to_string())
    });
    found.collect()
}

/// As Chromium understands the page.
fn understood(page: &Path) -> String {
    let profile = tempfile::tempdir().expect("a folder");
    let output = Command::new("chromium")
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("chromium runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn addresses_are_readable_and_not_harvested() {
    let page = "---\ntitle: About\nnav: 3\n---\nWrite to [the team](mailto:press@cert.example.org) or soc@cert.example.org.\n\n\
                `gpg --locate-keys soc@cert.example.org`\n";
    let world = World::sample()
        .file("site/pages/about.md", page)
        .without("site/pages/about.ru.md");
    let pages = |world: &World| -> Vec<(String, String)> {
        let all = world
            .site()
            .into_iter()
            .filter(|(path, _)| path.ends_with(".html"));
        all.map(|(path, bytes)| (path, String::from_utf8(bytes).expect("pages are UTF-8")))
            .collect()
    };
    let clean = |world: &World| {
        let pages = pages(world);
        assert!(pages.len() > 40);
        for (path, page) in pages {
            assert_eq!(harvested(&page), Vec::<String>::new(), "{path}");
            assert!(!page.contains("mailto:"), "{path}");
        }
        assert!(
            world
                .text("public/rfc2350.txt")
                .contains("cert@cert.example.org"),
            "signed texts stay as they are"
        );
    };

    let world = world.run("publish --only site --yes").whatever_it_says();
    clean(&world);
    if has("chromium") {
        let about = understood(&world.path("public/about/index.html"));
        assert!(
            about.contains("<a href=\"mailto:press@cert.example.org\""),
            "{about}"
        );
        assert!(
            about.contains("or soc@cert.example.org.")
                && about.contains("gpg --locate-keys soc@cert.example.org"),
            "{about}"
        );
        assert!(
            understood(&world.path("public/rfc2350/index.html"))
                .contains(">cert@cert.example.org</a>")
        );
    } else {
        skip("Chromium reads addresses", "there is no `chromium`");
    }

    let at = |to: &str| format!("  languages: [en, ru]\n  addresses: {to}\n");
    let settings = world.text("advise.yaml");
    let line = settings
        .lines()
        .find(|line| line.starts_with("  languages:"))
        .expect("languages")
        .to_string()
        + "\n";
    let own = settings.replace(
        settings
            .lines()
            .find(|line| line.starts_with("  addresses:"))
            .unwrap_or("\0"),
        "",
    );
    let world = world.file("advise.yaml", &own.replace(&line, &at("at")));
    let world = world.run("publish --only site --yes").whatever_it_says();
    clean(&world);
    let about = world.text("public/about/index.html");
    assert!(
        about.contains(
            "Write to the team (press (at) cert.example.org) or soc (at) cert.example.org."
        ),
        "{about}"
    );
    assert!(
        world
            .text("public/rfc2350/index.html")
            .contains("cert (at) cert.example.org")
    );
    if has("chromium") {
        let about = understood(&world.path("public/about/index.html"));
        assert!(
            about.contains("gpg --locate-keys soc@cert.example.org"),
            "commands stay exact: {about}"
        );
    }

    let world = world.file("advise.yaml", &own.replace(&line, &at("plain")));
    let world = world.run("publish --only site --yes").whatever_it_says();
    assert!(
        world
            .text("public/about/index.html")
            .contains("<a href=\"mailto:press@cert.example.org\"")
    );
    world
        .file("advise.yaml", &own.replace(&line, &at("none")))
        .run("check")
        .exits(1)
        .says("plain")
        .whatever_it_says();
}
