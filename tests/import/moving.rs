//! A team moves to `advise`: from its published document to one that gpg and `rfc2350 verify` find good.

use super::*;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn advise(root: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_advise"));
    command
        .arg("-C")
        .arg(root)
        .args(["--now", NOW])
        .args(words)
        .output()
        .expect("the program runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn said(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Imports a document into a fresh workspace, makes a key, and builds. Gives where the signed text and the key are.
fn moved(root: &Path, file: &Path) -> (PathBuf, PathBuf) {
    assert_eq!(code(&advise(root, &["init"])), 0);
    let imported = advise(root, &["rfc2350", "import", &file.display().to_string()]);
    assert!(matches!(code(&imported), 0 | 1), "{}", said(&imported));
    has_no_errors(root);
    with_key(root)
}

/// `check` may warn, of what is wrong in the document.
fn has_no_errors(root: &Path) {
    let checked = advise(root, &["check"]);
    assert!(said(&checked).contains(" 0 errors"), "{}", said(&checked));
}

fn with_key(root: &Path) -> (PathBuf, PathBuf) {
    let made = advise(root, &["key", "generate", "--no-passphrase"]);
    assert_eq!(code(&made), 0, "{}", said(&made));
    let words = String::from_utf8_lossy(&made.stdout).into_owned();
    let (signing, keys) = words.split_at(words.find("keys:").expect("what to write"));
    let change = |path: &str, change: &dyn Fn(String) -> String| {
        let path = root.join(path);
        fs::write(&path, change(fs::read_to_string(&path).expect("a file"))).expect("written");
    };
    change("advise.yaml", &|text| format!("{text}\n{signing}"));
    change("team.yaml", &|text| text.replace("keys: []\n", keys));
    has_no_errors(root);
    let built = advise(
        root,
        &["build", "--out", &root.join("public").display().to_string()],
    );
    assert_eq!(code(&built), 0, "{}", said(&built));
    (
        root.join("public/rfc2350.txt"),
        root.join("public/pgp-key.asc"),
    )
}

/// gpg and our own verifier find it good, and one changed byte fails.
fn is_good(root: &Path, text: &Path, key: &Path) {
    let gnupg = tempfile::tempdir().expect("a folder");
    let gpg = |words: &[&str]| {
        let mut command = Command::new("gpg");
        command
            .env("GNUPGHOME", gnupg.path())
            .args(["--batch", "--quiet", "--trust-model", "always"])
            .args(words);
        command.output().expect("gpg runs")
    };
    assert!(
        gpg(&["--import", &key.display().to_string()])
            .status
            .success()
    );
    let verified = gpg(&["--verify", &text.display().to_string()]);
    assert!(verified.status.success(), "{}", said(&verified));
    let (shown, key) = (text.display().to_string(), key.display().to_string());
    for words in [
        &["rfc2350", "verify", &shown, "--key", &key][..],
        &["rfc2350", "verify", &shown],
    ] {
        let judged = advise(root, words);
        assert_eq!(code(&judged), 0, "{}", said(&judged));
        assert!(
            said(&judged).contains("good signature by"),
            "{}",
            said(&judged)
        );
    }
    let changed = root.join("changed.txt");
    fs::write(
        &changed,
        fs::read_to_string(text)
            .expect("a text")
            .replacen("Team", "Teem", 1),
    )
    .expect("written");
    let judged = advise(
        root,
        &[
            "rfc2350",
            "verify",
            &changed.display().to_string(),
            "--key",
            &key,
        ],
    );
    assert_eq!(code(&judged), 1);
    assert!(said(&judged).contains("bad-signature"), "{}", said(&judged));
}

#[test]
fn a_team_moves_and_its_new_document_is_good() {
    let mut documents = vec![
        ("sound.txt".to_string(), twin("sound.txt")),
        ("fjord.txt".to_string(), twin("fjord.txt")),
    ];
    documents.extend(super::twins::seeds());
    for (name, bytes) in documents {
        let temp = tempfile::tempdir().expect("a folder");
        let file = temp.path().join(&name);
        fs::write(&file, bytes).expect("written");
        let root = temp.path().join("w");
        let (text, key) = moved(&root, &file);
        is_good(&root, &text, &key);
        // What the team has written is not overwritten.
        let again = advise(&root, &["rfc2350", "import", &file.display().to_string()]);
        assert_eq!(code(&again), 2);
        assert!(said(&again).contains("exists already"), "{}", said(&again));
    }
}

#[test]
fn a_second_language_adds_its_texts_and_says_where_it_differs() {
    let temp = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: String| {
        let path = temp.path().join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let body = |titles: Option<&[&str; 34]>, change: &dyn Fn(&str) -> String| -> String {
        let sections = super::base::SECTIONS.iter().enumerate();
        let title = |at: usize, own: &'static str| {
            titles.map_or(own.to_string(), |titles| titles[at].to_string())
        };
        std::iter::once("RFC 2350\n\n".to_string())
            .chain(
                sections
                    .map(|(at, (n, t, b))| format!("{n} {}\n\n{}\n\n", title(at, t), change(b))),
            )
            .collect()
    };
    let english = file("en.txt", body(None, &|text| text.to_string()));
    let german = file(
        "de.txt",
        body(Some(&super::base::GERMAN), &|text| {
            text.replace("+49 40 555 0100", "+49 40 555 0199").replace(
                "Full name: Marshland Response Team",
                "Vollständiger Name: Notfallteam der Marsch",
            )
        }),
    );
    let root = temp.path().join("w");
    assert_eq!(code(&advise(&root, &["init"])), 0);
    assert_eq!(code(&advise(&root, &["rfc2350", "import", &english])), 0);
    let second = advise(&root, &["rfc2350", "import", &german, "--lang", "de"]);
    assert_eq!(code(&second), 1, "{}", said(&second));
    assert!(
        said(&second).contains(
            "`phone` is `+49405550100` in team.yaml and `+49405550199` in the de document"
        ),
        "{}",
        said(&second)
    );
    assert!(
        said(&second).contains("add `de` to `site.languages`"),
        "{}",
        said(&second)
    );
    let team = fs::read_to_string(root.join("team.yaml")).expect("a file");
    assert!(
        team.contains("name:\n  en: Marshland Response Team\n  de: Notfallteam der Marsch\n"),
        "{team}"
    );
    assert!(team.contains("0100") && !team.contains("0199"));
    let settings = root.join("advise.yaml");
    let text = fs::read_to_string(&settings)
        .expect("a file")
        .replace("[en]", "[en, de]");
    fs::write(&settings, text).expect("written");
    has_no_errors(&root);
    let (text, key) = with_key(&root);
    is_good(&root, &text, &key);
    is_good(&root, &root.join("public/de/rfc2350.txt"), &key);
}

#[test]
fn the_samples_documents_are_found_good_and_come_back() {
    let temp = tempfile::tempdir().expect("a folder");
    let root = temp.path().join("w");
    assert_eq!(code(&advise(&root, &["init", "--sample"])), 0);
    let built = advise(
        &root,
        &["build", "--out", &root.join("public").display().to_string()],
    );
    assert_eq!(code(&built), 0, "{}", said(&built));
    let key = root.join("public/pgp-key.asc").display().to_string();
    for path in ["rfc2350.txt", "ru/rfc2350.txt"] {
        let text = root.join("public").join(path).display().to_string();
        let judged = advise(
            &root,
            &["rfc2350", "verify", &text, "--key", &key, "--strict"],
        );
        assert_eq!(code(&judged), 0, "{path}: {}", said(&judged));
        // Its own product is a document like any other.
        let out = temp.path().join(path.replace('/', "-"));
        let out_text = out.display().to_string();
        let imported = advise(
            &root,
            &[
                "rfc2350", "import", &text, "--key", &key, "--out", &out_text,
            ],
        );
        assert_eq!(code(&imported), 0, "{}", said(&imported));
        assert!(
            said(&imported).contains("good signature"),
            "{}",
            said(&imported)
        );
        has_no_errors(&out);
    }
}

#[test]
fn a_signature_is_told_for_what_it_is() {
    let temp = tempfile::tempdir().expect("a folder");
    let root = temp.path().join("w");
    let file = temp.path().join("d.txt");
    fs::write(&file, twin("sound.txt")).expect("written");
    let (text, key) = moved(&root, &file);
    let elsewhere = temp.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let judge = |file: &Path, more: &[&str]| {
        let shown = file.display().to_string();
        let words = [&["rfc2350", "verify", &shown, "--json"][..], more].concat();
        let output = advise(&elsewhere, &words);
        let value: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
        let names: Vec<String> = value["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .map(|f| f["code"].as_str().expect("a name").to_string())
            .collect();
        (code(&output), names)
    };
    let has = |names: &[String], wanted: &str| names.iter().any(|name| name == wanted);
    // Nobody's certificate is at hand.
    let (code, found) = judge(&text, &[]);
    assert!(code == 1 && has(&found, "unverified"), "{found:?}");
    // Another team's.
    let other = temp.path().join("o");
    let (_, other_key) = moved(&other, &file);
    let (code, found) = judge(&text, &["--key", &other_key.display().to_string()]);
    assert!(
        code == 1 && has(&found, "bad-signature") && has(&found, "unknown-fingerprint"),
        "{found:?}"
    );
    // Words around the signed text.
    let key = key.display().to_string();
    let signed = fs::read_to_string(&text).expect("a text");
    let around = temp.path().join("around.txt");
    fs::write(
        &around,
        format!("2.4 Telephone Number\n\n+387 33 555 999\n\n{signed}"),
    )
    .expect("written");
    let (code, found) = judge(&around, &["--key", &key]);
    assert!(
        code == 0 && has(&found, "text-outside-signature"),
        "{found:?}"
    );
    // A detached signature, and a text with none.
    let plain = temp.path().join("plain.txt");
    fs::write(&plain, twin("sound.txt")).expect("written");
    let (code, found) = judge(&plain, &["--key", &key]);
    assert!(
        code == 1 && has(&found, "unsigned") && has(&found, "outdated"),
        "{found:?}"
    );
    // What cannot be read at all.
    let noise = temp.path().join("noise.pdf");
    fs::write(&noise, b"%PDF-1.7").expect("written");
    let output = advise(
        &elsewhere,
        &["rfc2350", "verify", &noise.display().to_string()],
    );
    assert_eq!(super::moving::code(&output), 2);
    assert!(said(&output).contains("pdftotext"), "{}", said(&output));
}

#[test]
fn a_document_that_is_not_for_everybody_is_not_imported() {
    let temp = tempfile::tempdir().expect("a folder");
    let root = temp.path().join("w");
    assert_eq!(code(&advise(&root, &["init"])), 0);
    for label in ["TLP:AMBER", "TLP:RED", "[TLP: GREEN]", "TLP:AMBER+STRICT"] {
        let file = temp.path().join("d.txt");
        let text = String::from_utf8(twin("sound.txt")).expect("UTF-8");
        fs::write(&file, format!("{label}\n\n{text}")).expect("written");
        let imported = advise(&root, &["rfc2350", "import", &file.display().to_string()]);
        assert_eq!(code(&imported), 2, "{}", said(&imported));
        assert!(
            said(&imported).contains("what is imported is published"),
            "{}",
            said(&imported)
        );
        assert!(!root.join("rfc2350-import.txt").exists());
    }
}
