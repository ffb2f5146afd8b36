use super::*;
use crate::{
    diag::{Findings, Source},
    tlp::{Gate, Public, Shareable},
};

pub fn read(path: &str) -> Source {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    Source::new(
        path,
        std::fs::read_to_string(file).expect("a file of the sample"),
    )
}

pub fn lang(tag: &str) -> Lang {
    tag.parse().expect("a language")
}

pub fn date(text: &str) -> Moment {
    text.parse().expect("a moment")
}

pub fn sample_team() -> Team {
    crate::team::parse(&read("team.yaml"), &mut Findings::new()).expect("the sample's team")
}

pub fn small_team(more: &str) -> Team {
    let text =
        format!("name: Example CERT\ntime_zone: Asia/Almaty\nemail: cert@cert.example.org\n{more}");
    crate::team::parse(&Source::new("team.yaml", text), &mut Findings::new()).expect("a team")
}

pub fn sample_key() -> KeyFacts {
    KeyFacts {
        fingerprint: sample_team().keys[0].clone(),
        user_ids: vec!["Example CERT <cert@cert.example.org>".into()],
        expires: Some(date("2028-11-01")),
        algorithm: "Ed25519 (signing), X25519 (encryption)".into(),
    }
}

pub fn prose(text: &str) -> Prose {
    prose::parse(&Source::new("site/rfc2350.md", text), &mut Findings::new())
}

pub fn site() -> Site {
    Site {
        url: "https://cert.example.org/".parse().expect("an address"),
        languages: vec![lang("en")],
        addresses: crate::settings::Addresses::Plain,
        deploy: Vec::new(),
    }
}

/// A document of these parts, through the gate like any other.
struct Desk {
    team: Team,
    key: Option<KeyFacts>,
    version: u32,
    date: Moment,
    languages: Vec<Lang>,
}

impl Desk {
    fn sample() -> Desk {
        let languages = vec![lang("en"), lang("ru")];
        Desk {
            team: sample_team(),
            key: Some(sample_key()),
            version: 3,
            date: date("2026-11-22"),
            languages,
        }
    }

    fn small(team: &str) -> Desk {
        Desk {
            team: small_team(team),
            key: None,
            version: 1,
            date: date("2026-11-22"),
            languages: vec![lang("en")],
        }
    }

    fn document(&self, tag: &str, prose: &Prose) -> Document {
        let lang = lang(tag);
        let words = DocumentWords::built_in(&lang);
        let site = Site {
            languages: self.languages.clone(),
            ..site()
        };
        let shop = Workshop {
            key: self.key.as_ref(),
            prose,
            version: self.version,
            date: &self.date,
            lang: &lang,
            languages: &self.languages,
            words: &words,
            site: &site,
        };
        let open = Gate::new(&self.date, &self.date)
            .open(&self.team, Public)
            .expect("a team is for everybody");
        let document: Shareable<Document, Public> = open.make(&shop).expect("cannot fail");
        document.thing().clone()
    }
}

fn sample_prose(path: &str) -> Prose {
    let mut findings = Findings::new();
    let prose = prose::parse(&read(path), &mut findings);
    assert!(findings.is_empty(), "{findings:#?}");
    prose
}

#[test]
fn the_sample_reads_well_in_both_languages() {
    for (tag, path) in [("en", "site/rfc2350.md"), ("ru", "site/rfc2350.ru.md")] {
        let document = Desk::sample().document(tag, &sample_prose(path));
        let text = document.text();
        println!("{text}\n{}", document.html());
        assert!(text.starts_with("TLP:CLEAR\n\n") && text.ends_with("\nTLP:CLEAR\n"));
        for line in text.lines() {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= 72, "{line}");
            assert!(
                line.trim_end() == line && !line.starts_with('-') && !line.contains('\r'),
                "{line}"
            );
        }
        for needed in [
            "3956 A25E AC69 B0F0 46A0  7593 5F7C 9493 AC73 2CE5",
            "2028-11-01",
            "2026-11-22",
            "UTC+05:00",
            "Asia/Almaty",
        ] {
            assert!(text.contains(needed), "{needed}");
        }
        let headings: Vec<String> = document.sections().iter().map(Section::heading).collect();
        assert_eq!(headings.len(), outline::OUTLINE.len());
        assert!(
            headings
                .iter()
                .all(|heading| text.lines().any(|line| heading.starts_with(line)))
        );
        for list in ["universities", "community"] {
            let closed = document
                .sections()
                .iter()
                .filter(|s| s.anchor == "1.2")
                .any(|s| format!("{s:?}").contains(list));
            assert!(!closed, "the name of the closed list `{list}` got out");
        }
    }
}

#[test]
fn nothing_is_left_out_and_nothing_is_claimed_without_a_key() {
    let document = Desk::small("").document("en", &Prose::none());
    let text = document.text();
    for heading in [
        "1.4 Authenticating this Document",
        "2.5 Facsimile Number",
        "3.4 Authority",
        "5.1.3 Incident Resolution",
        "7. Disclaimers",
    ] {
        assert!(
            text.contains(&format!("\n{heading}\n\n   None available.\n")),
            "{heading} in {text}"
        );
    }
    assert!(!text.contains("igned") && !text.contains("gpg"), "{text}");
    assert!(
        !text.contains("3. Charter\n\n   None"),
        "a section with parts is not empty"
    );
}

#[test]
fn extra_sections_stay_where_they_were_put() {
    let written = "## 2.12 Press\n\nWrite.\n\n## 5.2 Monitoring\n\nWe watch.\n\n### Sensors\n\nMany.\n\n## 5.3 Proactive Activities\n\nWe teach.\n";
    let document = Desk::small("").document("en", &prose(written));
    let headings: Vec<String> = document.sections().iter().map(Section::heading).collect();
    let place = |heading: &str| {
        headings
            .iter()
            .position(|h| h == heading)
            .unwrap_or_else(|| panic!("{heading} in {headings:?}"))
    };
    assert_eq!(
        place("2.12 Press"),
        place("2.11 Points of Customer Contact") + 1
    );
    assert_eq!(place("Sensors"), place("5.2 Monitoring") + 1);
    assert_eq!(place("5.3 Proactive Activities"), place("Sensors") + 1);
    assert!(document.html().contains("<h3 id=\"2.12\">2.12 Press</h3>"));
}

#[test]
fn version_and_date_are_no_content_and_everything_else_is() {
    let desk = Desk::sample();
    let both = |desk: &Desk, text: &str| {
        let (en, ru) = (
            desk.document("en", &prose(text)),
            desk.document("ru", &Prose::none()),
        );
        let digest = digest_of([&en, &ru]);
        assert_eq!(digest, digest_of([&ru, &en]));
        digest
    };
    let first = both(&desk, "## 3.4 Authority\n\nNone.");
    assert_eq!(
        first,
        both(
            &Desk {
                version: 4,
                date: date("2027-02-01"),
                ..Desk::sample()
            },
            "## 3.4 Authority\n\nNone."
        )
    );
    assert_ne!(first, both(&desk, "## 3.4 Authority\n\nFull."));
    let renewed = KeyFacts {
        expires: Some(date("2030-11-01")),
        ..sample_key()
    };
    assert_ne!(
        first,
        both(
            &Desk {
                key: Some(renewed),
                ..Desk::sample()
            },
            "## 3.4 Authority\n\nNone."
        )
    );
    let mut called = Desk::sample();
    called.team.phone = Some("+7 727 555 0199".into());
    assert_ne!(first, both(&called, "## 3.4 Authority\n\nNone."));
}

#[test]
fn what_staff_wrote_cannot_become_markup_or_a_dash_escape() {
    let mut desk = Desk::small("address: |\n  - <b>Street</b>\n  \"12\"\n");
    desk.team.website = Some("https://cert.example.org/?a=\"><script>".into());
    let document = desk.document(
        "en",
        &prose("## 3.4 Authority\n\n- one\n- two\n\n---\n\n- three"),
    );
    let (text, html) = (document.text(), document.html());
    assert!(
        !html.contains("<b>") && !html.contains("<script>"),
        "{html}"
    );
    assert!(
        text.lines().all(|line| !line.starts_with('-')) && text.contains("   * one\n"),
        "{text}"
    );
}

#[test]
fn the_default_label_is_said_once() {
    let desk = Desk::small("default_tlp: AMBER\n");
    let said = |text: &str| {
        desk.document("en", &prose(text))
            .text()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .matches("is treated as TLP:AMBER")
            .count()
    };
    assert_eq!(
        said("## 4.2 Disclosure of Information\n\nWe keep secrets."),
        1
    );
    assert_eq!(
        said("## 4.2 Disclosure of Information\n\nIt is treated as TLP:AMBER."),
        1
    );
    assert_eq!(
        said("## 4.2 Disclosure of Information\n\nWe know TLP:AMBER+STRICT."),
        1
    );
}

/// The commands that section 1.4 gives, run as they stand, on a text that GnuPG itself has signed.
#[test]
fn the_commands_of_the_document_verify_it_and_nothing_is_escaped() {
    let document = Desk::sample().document("ru", &sample_prose("site/rfc2350.ru.md"));
    let commands: Vec<&String> = document
        .sections
        .iter()
        .flat_map(|section| &section.facts)
        .filter_map(|fact| {
            if let Fact::Commands(commands) = fact {
                Some(commands)
            } else {
                None
            }
        })
        .flatten()
        .collect();
    let (signer, reader) = (Gpg::new(), Gpg::new());
    signer.run(
        "gpg --batch --passphrase= --quick-generate-key cert@cert.example.org ed25519 sign never",
    );
    std::fs::write(signer.0.path().join("plain.txt"), document.text()).expect("writing");
    signer.run("gpg --batch --digest-algo SHA512 --output rfc2350.txt --clear-sign plain.txt");
    signer.run("gpg --batch --digest-algo SHA512 --armor --output rfc2350.txt.asc --detach-sign rfc2350.txt");
    signer.run("gpg --batch --armor --output pgp-key.asc --export");
    let signed =
        std::fs::read_to_string(signer.0.path().join("rfc2350.txt")).expect("a signed text");
    assert!(!signed.contains("\n- "), "{signed}");
    for file in ["rfc2350.txt", "rfc2350.txt.asc", "pgp-key.asc"] {
        std::fs::copy(signer.0.path().join(file), reader.0.path().join(file)).expect("copying");
    }
    assert_eq!(commands.len(), 5);
    let said: Vec<String> = commands
        .into_iter()
        .map(|command| reader.run(command))
        .collect();
    assert!(
        said[2].contains("Good signature") && said[3].contains("Good signature"),
        "{said:?}"
    );
    let verified =
        std::fs::read_to_string(reader.0.path().join("verified.txt")).expect("a verified text");
    assert_eq!(verified, document.text());
}

/// A GnuPG with a home of its own.
struct Gpg(tempfile::TempDir);

impl Gpg {
    fn new() -> Gpg {
        Gpg(tempfile::tempdir().expect("a folder"))
    }

    fn run(&self, command: &str) -> String {
        let mut words = command.split(' ');
        let out = std::process::Command::new(words.next().expect("a program"))
            .args(words)
            .current_dir(self.0.path())
            .env("GNUPGHOME", self.0.path())
            .env("LC_ALL", "C")
            .output()
            .expect("gpg runs");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{command}: {said}");
        said
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut stop = std::process::Command::new("gpgconf");
        // Nothing hangs on the agent's end but a process less.
        let _ = stop
            .args(["--kill", "all"])
            .env("GNUPGHOME", self.0.path())
            .output();
    }
}
