//! One wrong file a mistake, with its message as snapshot: what `advise check` says to somebody in a hurry.
//!
//! `tests/mistakes/base/` is a small workspace without a fault. Every other folder is one mistake: its files are
//! laid over a copy of the base, and `message.txt` is what `check` then prints. Certificates are made afresh;
//! `@ADA@` in a file stands for a fingerprint. Four names are not part of the workspace:
//!
//! - `message.txt`, written by `UPDATE_SNAPSHOTS=1 cargo test --test it mistakes`;
//! - `accepted`: there is no finding, and why not;
//! - `several`: there is more than one finding, and why;
//! - `remove`: files of the base to take away, one a line.

use advise::{
    advisory,
    diag::{self, Findings, Source},
    openpgp::{self, Cause, Generated, Kind},
    terms::{Lang, Moment},
};
use rayon::prelude::*;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

const NOW: &str = "2026-11-22";
const NOT_OF_THE_WORKSPACE: [&str; 4] = ["message.txt", "accepted", "several", "remove"];

#[test]
fn every_mistake_is_told_once_and_well() {
    let keys = keys();
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let complaints: Vec<String> = cases()
        .par_iter()
        .filter_map(|case| case.judge(&keys, update).err())
        .collect();
    assert!(
        complaints.is_empty(),
        "{} of the mistakes are not told as expected\n\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

#[test]
fn the_workspace_below_all_mistakes_has_none() {
    let told = check(lay(&folder().join("base"), &keys()).path(), "text");
    assert_eq!((told.stdout.as_str(), told.code), ("", 0));
}

#[test]
fn programs_are_told_the_same() {
    let keys = keys();
    for name in [
        "all-at-once",
        "after-cyrillic",
        "attachment-name",
        "certificate-expired",
        "large-file",
        "crlf",
    ] {
        let root = lay(&folder().join(name), &keys);
        let findings = check(root.path(), "json").json();
        let rows = findings["findings"].as_array().expect("a list of findings");
        let sarif = check(root.path(), "sarif").json();
        // SARIF 2.1.0, 3.13.2: the version property "SHALL have the value 2.1.0"; 3.13.4: `runs` is an array.
        assert_eq!(sarif["version"], "2.1.0", "{name}");
        assert!(
            sarif["$schema"]
                .as_str()
                .is_some_and(|uri| uri.ends_with("sarif-schema-2.1.0.json")),
            "{name}"
        );
        let runs = sarif["runs"].as_array().expect("runs");
        assert_eq!(runs.len(), 1, "{name}");
        let driver = &runs[0]["tool"]["driver"];
        assert_eq!(driver["name"], "advise", "{name}");
        let rules: BTreeSet<&str> = driver["rules"]
            .as_array()
            .expect("rules")
            .iter()
            .filter_map(|rule| rule["id"].as_str())
            .collect();
        let results = runs[0]["results"].as_array().expect("results");
        assert_eq!(results.len(), rows.len(), "{name}");
        for (row, result) in rows.iter().zip(results) {
            assert_eq!(
                (&result["ruleId"], &result["level"]),
                (&row["code"], &row["level"]),
                "{name}"
            );
            assert!(
                rules.contains(row["code"].as_str().expect("a code")),
                "{name}: {row}"
            );
            let text = result["message"]["text"].as_str().expect("a message");
            assert!(
                text.starts_with(row["message"].as_str().expect("a message")),
                "{name}: {text}"
            );
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().expect("a place");
            assert!(
                !uri.starts_with('/') && !uri.contains(' ') && uri.is_ascii(),
                "{name}: {uri}"
            );
            // 3.30.5 to 3.30.8: lines and columns count from 1, and the end column is the one after the last.
            match place.get("region") {
                None => assert_eq!(row["line"], 0, "{name}"),
                Some(region) => {
                    let [line, start, end] = ["startLine", "startColumn", "endColumn"]
                        .map(|field| region[field].as_u64().unwrap_or(0));
                    assert!(line >= 1 && start >= 1 && end > start, "{name}: {region}");
                    assert_eq!(
                        (&region["startLine"], &region["startColumn"]),
                        (&row["line"], &row["column"]),
                        "{name}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_sample_workspace_has_no_error() {
    let told = check(Path::new(env!("CARGO_MANIFEST_DIR")), "json").json();
    assert_eq!(told["errors"], 0, "{told:#}");
}

#[test]
fn real_advisories_have_no_error() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/advisories");
    let Ok(files) = fs::read_dir(&corpus) else {
        eprintln!("passed over: there are no real advisories beside this checkout");
        return;
    };
    let root = lay(&folder().join("base"), &keys());
    let mut copied = 0;
    for file in files {
        let file = file.expect("a file of the corpus").path();
        fs::copy(
            &file,
            root.path()
                .join("advisories")
                .join(file.file_name().expect("a name")),
        )
        .expect("a copy");
        copied += 1;
    }
    let told = check(root.path(), "json").json();
    let errors: Vec<&Value> = told["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|row| row["level"] == "error")
        .collect();
    assert!(
        errors.is_empty(),
        "{} errors in {copied} advisories, such as {:#?}",
        errors.len(),
        &errors[..errors.len().min(5)]
    );
}

#[test]
fn no_text_makes_the_reader_of_advisories_panic() {
    let good = fs::read_to_string(folder().join("translation/advisories/2026/EX-2026-0002.md"))
        .expect("a good advisory");
    let read = |text: &str| {
        let mut findings = Findings::new();
        let lang: Lang = "en".parse().expect("a language");
        let parsed = advisory::parse(
            &Source::new("advisories/EX-2026-0002.md", text),
            "EX-2026-0002",
            &lang,
            &mut findings,
        );
        assert!(
            parsed.is_some() || findings.has_errors(),
            "neither an advisory nor an error:\n{text}"
        );
        for finding in findings.iter() {
            let _ = diag::show(finding);
        }
        parsed.is_some()
    };
    assert!(read(&good));
    let prefixes: Vec<&str> = good.char_indices().map(|(at, _)| &good[..at]).collect();
    prefixes.par_iter().for_each(|prefix| {
        read(prefix);
    });
    // The signs that mean something to YAML, Markdown or a terminal, and pieces that are no whole characters.
    let pieces: Vec<&[u8]> = "\0|\t|\n|\r|\"|'|[|]|{|}|:|: |,|#| #|&a|*a|!|!!|%|@|`|<|>|-|---\n|...\n|?|~|\\|é|ж|日|\u{202e}|\u{feff}|\u{1b}[2J|<<: |0x|1e9"
        .split('|')
        .map(str::as_bytes)
        .chain([b"|".as_slice(), b"\xff", b"\xd0", b"\xf0\x9f"])
        .collect();
    (0..4000u64).into_par_iter().for_each(|seed| {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            let end = (at + random.below(4)).min(bytes.len());
            let piece = pieces[random.below(pieces.len())];
            bytes.splice(at..end, piece.iter().copied());
        }
        read(&String::from_utf8_lossy(&bytes));
    });
}

/// Marsaglia's xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).expect("a length fits"))
            .expect("it is below a length")
    }
}

struct Case {
    name: String,
    folder: PathBuf,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes")
}

fn cases() -> Vec<Case> {
    let entries = fs::read_dir(folder()).expect("tests/mistakes");
    let folders = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir());
    let name = |path: &Path| {
        path.file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    let mut cases: Vec<Case> = folders
        .map(|folder| Case {
            name: name(&folder),
            folder,
        })
        .filter(|case| case.name != "base")
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!cases.is_empty());
    cases
}

impl Case {
    fn judge(&self, keys: &[Key], update: bool) -> Result<(), String> {
        let root = lay(&self.folder, keys);
        // Words as wide as a fingerprint, so that the snapshot shows what the caret marks.
        let told = check(root.path(), "text");
        let message = keys.iter().fold(told.stdout, |text, key| {
            text.replace(&key.fingerprint, &format!("{:-<40}", key.word))
        });
        let complain = |what: String| Err(format!("== {}: {what}\n", self.name));

        let findings = check(root.path(), "json").json()["findings"]
            .as_array()
            .map_or(0, Vec::len);
        let wanted = match (
            self.folder.join("accepted").exists(),
            self.folder.join("several").exists(),
        ) {
            (true, _) => 0..=0,
            (_, true) => 2..=100,
            _ => 1..=1,
        };
        if !wanted.contains(&findings) {
            return complain(format!(
                "{findings} findings instead of {wanted:?}\n{message}"
            ));
        }
        let code = i32::from(findings > 0);
        if (told.code, told.stderr.as_str()) != (code, "") {
            return complain(format!(
                "it ended with {} instead of {code}\n{message}{}",
                told.code, told.stderr
            ));
        }
        let unhelpful = message
            .split("\n\n")
            .filter(|one| !one.trim().is_empty() && !one.contains(" = hint: "))
            .count();
        if unhelpful > 0 {
            return complain(format!("{unhelpful} findings have no hint\n{message}"));
        }
        let path = self.folder.join("message.txt");
        let before = fs::read_to_string(&path).unwrap_or_default();
        if before == message && path.exists() {
            return Ok(());
        }
        if update {
            return fs::write(&path, message).map_err(|error| format!("== {}: {error}", self.name));
        }
        let diff = similar::TextDiff::from_lines(&before, &message);
        let diff = diff
            .unified_diff()
            .header("message.txt", "what it says now")
            .to_string();
        complain(format!(
            "the message has changed; if it is better now, UPDATE_SNAPSHOTS=1 keeps it\n{diff}"
        ))
    }
}

/// What a run of `advise check` gave.
struct Told {
    stdout: String,
    stderr: String,
    code: i32,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}:\n{}{}", self.stdout, self.stderr))
    }
}

fn check(root: &Path, format: &str) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_advise"));
    let output = command
        .arg("-C")
        .arg(root)
        .args(["-q", "--now", NOW, "check", "--format", format])
        .output()
        .expect("advise runs");
    let text = |bytes| String::from_utf8(bytes).expect("advise prints UTF-8");
    Told {
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        code: output.status.code().expect("advise is not killed"),
    }
}

/// A certificate that the fixtures know by a word.
struct Key {
    word: &'static str,
    fingerprint: String,
    certificate: String,
    secret: Vec<u8>,
}

fn keys() -> Vec<Key> {
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    let key = |word, id: &str, kind, created: &str, validity| {
        let made = openpgp::generate(&[id], kind, validity, &moment(created), None).expect("a key");
        let certificate = match word {
            "@REVOKED@" => revoked(&made),
            _ => made.certificate.armored(),
        };
        Key {
            word,
            fingerprint: made.certificate.fingerprint().to_string(),
            certificate,
            secret: made.secret.expose().to_vec(),
        }
    };
    vec![
        key(
            "@TEAM@",
            "Example CERT <cert@cert.example.org>",
            Kind::Team,
            "2026-01-01",
            days(1000),
        ),
        key(
            "@ADA@",
            "Ada Example <ada@one.example.org>",
            Kind::Member,
            "2026-01-01",
            days(1000),
        ),
        key(
            "@BEN@",
            "Ben Example <ben@two.example.org>",
            Kind::Member,
            "2026-01-01",
            None,
        ),
        key(
            "@EXPIRED@",
            "Ben Example <ben@two.example.org>",
            Kind::Member,
            "2025-01-01",
            days(365),
        ),
        key(
            "@EXPIRING@",
            "Ben Example <ben@two.example.org>",
            Kind::Member,
            "2026-01-01",
            days(340),
        ),
        key(
            "@REVOKED@",
            "Ben Example <ben@two.example.org>",
            Kind::Member,
            "2026-01-01",
            None,
        ),
        key(
            "@SIGNONLY@",
            "Ben Example <ben@two.example.org>",
            Kind::SignOnly,
            "2026-01-01",
            None,
        ),
    ]
}

fn revoked(made: &Generated) -> String {
    let at = moment("2026-09-01");
    let certificate = openpgp::revoke(
        &made.certificate,
        &made.secret,
        None,
        Cause::Superseded,
        "",
        &at,
    )
    .expect("a revocation");
    certificate.armored()
}

fn moment(text: &str) -> Moment {
    text.parse().expect("a date")
}

/// A fresh workspace: the base, and a case's files over it.
fn lay(case: &Path, keys: &[Key]) -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let mut texts = String::new();
    for layer in [folder().join("base"), case.to_path_buf()] {
        for path in files_below(&layer) {
            let inside = path.strip_prefix(&layer).expect("it lies in its layer");
            if NOT_OF_THE_WORKSPACE
                .iter()
                .any(|name| inside == Path::new(name))
            {
                continue;
            }
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let text = keys
                .iter()
                .fold(text, |text, key| text.replace(key.word, &key.fingerprint));
            write(root.path(), inside, &text);
            texts.push_str(&text);
        }
    }
    for key in keys.iter().filter(|key| texts.contains(&key.fingerprint)) {
        write(
            root.path(),
            format!("certs/{}.asc", key.fingerprint),
            &key.certificate,
        );
    }
    for path in fs::read_to_string(case.join("remove"))
        .unwrap_or_default()
        .lines()
    {
        fs::remove_file(root.path().join(path)).expect("a file of the base");
    }
    let name = case
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    make(&name, root.path(), keys);
    root
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

fn write(root: &Path, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, content).expect("a file");
}

/// What cannot lie in a repository as a file, or not well.
fn make(name: &str, root: &Path, keys: &[Key]) {
    let path = root.join("advisories/2026/EX-2026-0002.md");
    let edit = |change: &dyn Fn(String) -> Vec<u8>| {
        let text = fs::read_to_string(&path).expect("the case has an advisory");
        fs::write(&path, change(text)).expect("a file");
    };
    let key = |word| {
        keys.iter()
            .find(|key| key.word == word)
            .expect("a key of that name")
    };
    match name {
        "crlf" => edit(&|text| text.replace('\n', "\r\n").into()),
        "byte-order-mark" => edit(&|text| format!("\u{feff}{text}").into()),
        // "до входа" in windows-1251, as an old editor saves it.
        "not-utf8" => edit(&|text| {
            let at = text.find("до входа").expect("the words");
            [
                &text.as_bytes()[..at],
                b"\xe4\xee \xe2\xf5\xee\xe4\xe0",
                &text.as_bytes()[at + "до входа".len()..],
            ]
            .concat()
        }),
        "control-character" => edit(&|text| text.replace("Update", "Up\0date").into()),
        "large-file" => edit(&|text| (text + &"All work and no play.\n".repeat(500_000)).into()),
        "yaml-deep" => edit(&|text| text.replace("@DEEP@", &"[".repeat(100_000)).into()),
        "yaml-long" => edit(&|text| {
            text.replace("@LONG@", &format!("[{}]", "universities, ".repeat(100_000)))
                .into()
        }),
        "certificate-with-secret-key" => write(
            root,
            format!("certs/{}.asc", key("@ADA@").fingerprint),
            &key("@ADA@").secret,
        ),
        "certificate-file-name" => write(root, "certs/ben.asc", &key("@BEN@").certificate),
        "symlinked-attachment" => {
            fs::create_dir_all(root.join("advisories/2026/EX-2026-0002")).expect("a folder");
            link(
                "/etc/passwd",
                root.join("advisories/2026/EX-2026-0002/hosts.csv"),
            );
        }
        "symlinked-folder" => link("/etc", root.join("site/assets")),
        "symlinked-team-file" => {
            fs::rename(root.join("team.yaml"), root.join("elsewhere.yaml")).expect("a new name");
            link("elsewhere.yaml", root.join("team.yaml"));
        }
        _ => {}
    }
}

fn link(to: &str, at: PathBuf) {
    std::os::unix::fs::symlink(to, at).expect("a symbolic link");
}
