//! A `relay` list through a real schleuder: it opens our letter with its own key, finds the team's signature good,
//! and sends it on to its member, who can read it.

use crate::harness::{
    Mail, advise, contains,
    crowd::smtp,
    has, skip,
    smtp_server::{Server, Step},
};
use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const LIST: &str = "universities@lists.cert.example.org";
const MEMBER: &str = "yelena@lakeside.example.org";
const DEFAULTS: &str = "/etc/schleuder/list-defaults.yml";

/// Makes the list with one member, who is its admin too, and prints its key.
const MAKE: &str = r#"
$VERBOSE = nil
require "schleuder"
email, member, key, team = ARGV
list, _ = Schleuder::ListBuilder.new({email: email, fingerprint: nil}, member, nil, File.read(key)).run
abort list.errors.full_messages.join("\n") if list.respond_to?(:errors) && list.errors.any?
list.import_key(File.read(team))
puts list.export_key
"#;

/// A schleuder with its own settings, database and keys.
struct Schleuder(tempfile::TempDir);

impl Schleuder {
    fn new(port: u16) -> Schleuder {
        // Short: there are sockets below it.
        let only_mine = fs::Permissions::from_mode(0o700);
        let home = tempfile::Builder::new()
            .prefix("s")
            .permissions(only_mine)
            .tempdir_in("/tmp")
            .expect("a folder");
        let at = |name: &str| home.path().join(name).display().to_string();
        let settings = format!(
            "lists_dir: {0}\nlistlogs_dir: {1}\nkeyword_handlers_dir: {1}\nfilters_dir: {1}\nlog_level: warn\nsuperadmin: root@localhost\n\
             smtp_settings:\n  address: localhost\n  port: {port}\n  enable_starttls_auto: false\n\
             database:\n  production:\n    adapter: sqlite3\n    database: {2}\n    timeout: 5000\n",
            at("lists"),
            at("log"),
            at("db.sqlite"),
        );
        fs::write(home.path().join("schleuder.yml"), settings).expect("written");
        Schleuder(home)
    }

    fn run(&self, program: &str, words: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(program)
            .args(words)
            .env("SCHLEUDER_CONFIG", self.0.path().join("schleuder.yml"))
            .env("SCHLEUDER_LIST_DEFAULTS", DEFAULTS)
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        child
            .stdin
            .take()
            .expect("piped")
            .write_all(input)
            .expect("written");
        let output = child.wait_with_output().expect("it ends");
        assert!(
            output.status.success(),
            "{program}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        output
    }
}

impl Drop for Schleuder {
    fn drop(&mut self) {
        end_agent(
            &self
                .0
                .path()
                .join("lists/lists.cert.example.org/universities"),
        );
    }
}

/// What GnuPG started for this home.
fn end_agent(home: &Path) {
    let _ = Command::new("gpgconf")
        .arg("--homedir")
        .arg(home)
        .args(["--kill", "all"])
        .status();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What stands in quotes after these words.
fn quoted(text: &str, after: &str) -> String {
    let rest = text
        .split(after)
        .nth(1)
        .unwrap_or_else(|| panic!("no `{after}`"));
    rest.split('"')
        .nth(1)
        .expect("something in quotes")
        .to_string()
}

#[test]
fn a_relay_list_goes_through_a_real_schleuder() {
    let story = "a relay list goes through schleuder";
    if !has("schleuder") || !has("ruby") || !has("gpg") || !Path::new(DEFAULTS).exists() {
        return skip(story, "there is no `schleuder` or no `gpg`");
    }
    // GnuPG goes by the clock here, and so do we.
    let temp = tempfile::tempdir().expect("a folder");
    let root = temp.path().join("w");
    let publish = |words: &[&str]| {
        Command::new(advise())
            .arg("-C")
            .arg(&root)
            .args(words)
            .stdin(Stdio::null())
            .output()
            .expect("it runs")
    };
    let made = Command::new(advise())
        .args(["init", "--sample"])
        .arg(&root)
        .output()
        .expect("it runs");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let read = |name: &str| fs::read_to_string(root.join(name)).expect(name);
    let certificate =
        |fingerprint: String| -> PathBuf { root.join(format!("certs/{fingerprint}.asc")) };
    let team = certificate(quoted(&read("advise.yaml"), "fingerprint:"));
    let member = certificate(quoted(
        read("constituents/lakeside-university.yaml")
            .split(MEMBER)
            .nth(1)
            .expect("she is there"),
        "certificate:",
    ));

    let (ours, theirs) = (Server::start(), Server::start());
    theirs.offers(&[]);
    let schleuder = Schleuder::new(theirs.port);
    schleuder.run("schleuder", &["install"], b"");
    let paths = [member.display().to_string(), team.display().to_string()];
    let made = schleuder.run(
        "ruby",
        &["-e", MAKE, LIST, MEMBER, &paths[0], &paths[1]],
        b"",
    );
    let made = text(&made.stdout);
    let key = &made[made.find("-----BEGIN PGP").expect("a certificate")..];
    let fingerprint = made
        .split_once("4096R/")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .expect("a fingerprint");

    fs::write(certificate(fingerprint.to_string()), key).expect("written");
    let list = read("lists/universities.yaml");
    let list: String = list
        .lines()
        .filter(|line| !line.starts_with("delivery:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let relay = format!("{list}delivery: relay\ncertificate: \"{fingerprint}\"\n");
    fs::write(root.join("lists/universities.yaml"), relay).expect("written");
    fs::write(
        root.join("advise.yaml"),
        read("advise.yaml").replace("transport: outbox", &smtp(ours.port, "none", "")),
    )
    .expect("written");
    fs::remove_dir_all(root.join("advisories")).expect("removed");
    fs::create_dir(root.join("advisories")).expect("a folder");
    let advisory = "---\nid: EX-2020-0001\nstatus: final\ntitle: \"Gateway: Сбой\"\ndate: 2020-01-02\nseverity: high\ntlp: AMBER\n\
                    audience: [universities]\n---\n## What to do\n\nUpdate the Example Gateway — today.\n";
    fs::write(root.join("advisories/EX-2020-0001.md"), advisory).expect("written");
    let run = publish(&["publish", "--yes", "--only", "mail", "EX-2020-0001"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let [letter] = &ours.taken()[..] else {
        panic!(
            "one letter for the whole list, and not {}",
            ours.taken().len()
        )
    };
    assert_eq!(letter.recipient, LIST);
    assert!(!contains(&letter.bytes, "Example Gateway"));

    schleuder.run("schleuder", &["work", LIST], &letter.bytes);
    assert_eq!(theirs.count(Step::Dot), 1);
    let sent = theirs.taken();
    assert_eq!(sent[0].recipient, MEMBER);
    let file = temp.path().join("mail");
    fs::write(&file, text(&sent[0].bytes).replace("\r\n", "\n")).expect("written");
    let opened = open(
        &Mail::read(file),
        &[
            root.join(format!(".advise/keys/{MEMBER}.key")),
            certificate(fingerprint.to_string()),
        ],
    );
    // As a reader sees it: what schleuder says of our signature, our subject, our text.
    for words in [
        "Sig: Good signature from ",
        "Update the Example Gateway =E2=80=94 today.",
        "EX-2020-0001",
    ] {
        assert!(opened.contains(words), "`{words}` is not in:\n{opened}");
    }
    assert!(
        !opened.contains("Unknown signature") && !opened.contains("Unsigned"),
        "{opened}"
    );
}

/// What an encrypted and signed mail says to who has these keys.
fn open(mail: &Mail, keys: &[PathBuf]) -> String {
    let only_mine = fs::Permissions::from_mode(0o700);
    let home = tempfile::Builder::new()
        .prefix("g")
        .permissions(only_mine)
        .tempdir_in("/tmp")
        .expect("a folder");
    let gpg = |words: &[&str], file: &Path| {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir")
            .arg(home.path())
            .args(["--batch", "--no-tty", "--trust-model", "always"])
            .args(words)
            .arg(file);
        gpg.stdin(Stdio::null()).output().expect("gpg runs")
    };
    for key in keys {
        assert!(gpg(&["--import"], key).status.success());
    }
    let message = home.path().join("message.asc");
    fs::write(&message, &mail.parts()[1]).expect("written");
    let run = gpg(&["--decrypt"], &message);
    end_agent(home.path());
    assert!(run.status.success(), "{}", text(&run.stderr));
    text(&run.stdout)
}
