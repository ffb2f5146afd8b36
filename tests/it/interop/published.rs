//! Programs that are not ours read what we send: GnuPG, Python's mail parser, Postfix, xmllint.

use crate::harness::{Mail, World, has, postfix::Postfix, set, skip, stopped_clock, wait_until};
use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// An hour after everything was signed.
const SOON: &str = "20261122T130000";

const ADVISORY: &str = "tlp: CLEAR\naudience: [open-announce, public]";

// ---- GnuPG

/// A GnuPG home of its own, under a short path because its sockets need one; its agent ends with it.
struct Gnupg(tempfile::TempDir);

impl Gnupg {
    fn new() -> Gnupg {
        let only_mine = fs::Permissions::from_mode(0o700);
        Gnupg(
            tempfile::Builder::new()
                .prefix("g")
                .rand_bytes(6)
                .permissions(only_mine)
                .tempdir_in("/tmp")
                .expect("a folder"),
        )
    }

    /// It holds the certificates that the team shows on its site, and nothing else.
    fn of_a_reader(world: &World) -> Gnupg {
        let home = Gnupg::new();
        home.imports(&certificate_of_the_team(world));
        home
    }

    /// A member's: the team's certificate, and the member's own key.
    fn of_a_member(world: &World, address: &str) -> Gnupg {
        let home = Gnupg::of_a_reader(world);
        home.imports(&world.path(&format!(".advise/keys/{address}.key")));
        home
    }

    fn imports(&self, file: &Path) {
        let run = self.gpg(&["--import", path(file)]);
        assert!(run.status.success(), "{}", talk(&run));
    }

    fn gpg(&self, args: &[&str]) -> Output {
        let fixed = [
            "--batch",
            "--no-tty",
            "--status-fd",
            "2",
            "--trust-model",
            "always",
        ];
        Command::new("gpg")
            .arg("--homedir")
            .arg(self.0.path())
            .args(fixed)
            .args(stopped_clock(SOON))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("gpg runs")
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let file = self.0.path().join(name);
        fs::write(&file, bytes).expect("written");
        file
    }

    /// Whether GnuPG says that this signature over these bytes is the team's.
    fn verifies(&self, data: &[u8], signature: &[u8]) -> bool {
        let (data, signature) = (self.file("data", data), self.file("data.asc", signature));
        good(&self.gpg(&["--verify", path(&signature), path(&data)]))
    }

    /// The same for a clear-signed text.
    fn verifies_text(&self, text: &[u8]) -> bool {
        good(&self.gpg(&["--verify", path(&self.file("text.asc", text))]))
    }

    /// What an encrypted message says, if it is for this home and the team signed it.
    fn opens(&self, message: &[u8]) -> Option<Vec<u8>> {
        let run = self.gpg(&["--decrypt", path(&self.file("message.asc", message))]);
        let all = talk(&run);
        (good(&run) && all.contains("DECRYPTION_OKAY") && all.contains("GOODMDC"))
            .then_some(run.stdout)
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.0.path())
            .args(["--kill", "all"])
            .status();
    }
}

fn good(run: &Output) -> bool {
    let all = talk(run);
    run.status.success()
        && all.contains("[GNUPG:] GOODSIG")
        && all.contains("[GNUPG:] VALIDSIG")
        && !all.contains("BADSIG")
}

fn talk(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The file in `certs/` that `advise.yaml` names.
fn certificate_of_the_team(world: &World) -> PathBuf {
    let settings = world.text("advise.yaml");
    let fingerprint = settings
        .split("fingerprint: \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a fingerprint");
    world.path(&format!("certs/{fingerprint}.asc"))
}

/// RFC 3156, 5: signed are the bytes of the first part with CRLF line ends.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    bytes
        .split(|byte| *byte == b'\n')
        .collect::<Vec<_>>()
        .join(&b"\r\n"[..])
}

/// The signed bytes of a multipart/signed mail, and the signature's part with its header.
fn cut(mail: &Mail) -> (Vec<u8>, Vec<u8>) {
    let [payload, signature] = <[Vec<u8>; 2]>::try_from(mail.parts()).expect("exactly two parts");
    (with_crlf(&payload), signature)
}

/// Other bytes that nobody signed: one letter is another one.
fn tampered(bytes: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    let middle = changed.len() / 2;
    let at = (middle..changed.len())
        .find(|at| changed[*at].is_ascii_lowercase())
        .expect("a letter");
    changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
    changed
}

fn published() -> World {
    World::sample().run("publish --yes").exits(1).has_mails(65)
}

#[test]
fn gnupg_verifies_every_signed_mail_and_so_do_we() {
    if !has("gpg") {
        return skip("GnuPG verifies every signed mail", "there is no `gpg`");
    }
    let mut world = published();
    let reader = Gnupg::of_a_reader(&world);
    let signed: Vec<Mail> = world
        .mail()
        .into_iter()
        .filter(|mail| mail.is("signed"))
        .collect();
    assert!(signed.len() > 35, "{}", signed.len());
    for mail in &signed {
        let (payload, signature) = cut(mail);
        assert!(mail.header("Content-Type").contains("micalg=pgp-sha512"));
        assert!(
            reader.verifies(&payload, &signature),
            "{}: {}",
            mail.recipient(),
            mail.header("Subject")
        );
    }
    let (payload, signature) = cut(&signed[0]);
    assert!(
        !reader.verifies(&tampered(&payload), &signature),
        "a changed byte is seen"
    );

    let files: Vec<&str> = signed.iter().map(|mail| path(&mail.path)).collect();
    world = world
        .run(&format!("verify {}", files.join(" ")))
        .says("good signature of")
        .does_not_say("NOT VERIFIED");
    let changed = world.beside().join("changed");
    fs::write(&changed, tampered(&signed[0].raw)).expect("written");
    world
        .run(&format!("verify {}", path(&changed)))
        .exits(1)
        .says("NOT VERIFIED");
}

#[test]
fn gnupg_decrypts_each_letter_for_its_reader_and_for_nobody_else() {
    if !has("gpg") {
        return skip("GnuPG decrypts each letter", "there is no `gpg`");
    }
    let world = published();
    let encrypted: Vec<Mail> = world
        .mail()
        .into_iter()
        .filter(|mail| mail.is("encrypted"))
        .collect();
    let homes: BTreeMap<String, Gnupg> =
        set(encrypted.iter().map(|mail| mail.header("Delivered-To")))
            .into_iter()
            .map(|address| (address.clone(), Gnupg::of_a_member(&world, &address)))
            .collect();
    assert!(
        encrypted.len() > 20 && homes.len() > 10,
        "{} for {}",
        encrypted.len(),
        homes.len()
    );
    let members: Vec<&String> = homes.keys().collect();
    for (number, mail) in encrypted.iter().enumerate() {
        let recipient = mail.recipient();
        let [version, message] = <[Vec<u8>; 2]>::try_from(mail.parts()).expect("exactly two parts");
        assert!(crate::harness::contains(&version, "\n\nVersion: 1"));
        let text = homes[&recipient]
            .opens(&message)
            .unwrap_or_else(|| panic!("{recipient} cannot read {}", mail.path.display()));
        assert!(crate::harness::contains(&text, "EX-2026-"), "{recipient}");
        let other = members
            .iter()
            .cycle()
            .skip(number)
            .find(|member| ***member != recipient)
            .expect("somebody else");
        assert!(
            homes[*other].opens(&message).is_none(),
            "{other} can read a letter for {recipient}"
        );
    }
}

#[test]
fn gnupg_verifies_every_public_text_and_sees_a_changed_byte() {
    if !has("gpg") {
        return skip("GnuPG verifies every public text", "there is no `gpg`");
    }
    let mut world = published();
    let reader = Gnupg::of_a_reader(&world);
    let site = world.site();
    let signed = |path: &str| {
        path.ends_with("rfc2350.txt") || (path.contains("advisories/") && path.ends_with(".txt"))
    };
    let texts: Vec<(&String, &Vec<u8>)> = site.iter().filter(|(path, _)| signed(path)).collect();
    assert!(
        texts.iter().any(|(path, _)| *path == "ru/rfc2350.txt") && texts.len() >= 10,
        "{:?}",
        texts.iter().map(|(path, _)| path).collect::<Vec<_>>()
    );
    let files: Vec<String> = texts
        .iter()
        .map(|(name, _)| path(&world.path("public").join(name)).to_string())
        .collect();
    let changed = world.beside().join("changed.txt");
    for (name, text) in &texts {
        assert!(reader.verifies_text(text), "{name}");
        assert!(
            !reader.verifies_text(&tampered(text)),
            "a changed byte of {name} is not seen"
        );
        fs::write(&changed, tampered(text)).expect("written");
        world = world
            .run(&format!("verify {}", path(&changed)))
            .exits(1)
            .says("NOT VERIFIED");
    }
    let world = world
        .run(&format!("verify {}", files.join(" ")))
        .says("good signature of")
        .does_not_say("NOT VERIFIED");
    // With another certificate, nothing of it verifies.
    let other = fs::read_dir(world.path("certs"))
        .expect("certificates")
        .map(|entry| entry.expect("an entry").path())
        .find(|file| *file != certificate_of_the_team(&world));
    let other = path(&other.expect("another certificate")).to_string();
    world
        .run(&format!("verify --certificate {other} {}", files[0]))
        .exits(1)
        .says("NOT VERIFIED");
}

#[test]
fn the_team_signs_with_a_key_that_gpg_agent_holds() {
    let preset = [
        "/usr/lib/gnupg/gpg-preset-passphrase",
        "/usr/libexec/gpg-preset-passphrase",
    ]
    .into_iter()
    .find(|file| Path::new(file).exists());
    let (true, Some(preset)) = (has("gpg-agent") && cfg!(feature = "gpg-agent"), preset) else {
        return skip(
            "the team signs with gpg-agent",
            "there is no `gpg-agent`, no `gpg-preset-passphrase`, or this build goes without",
        );
    };
    let world = World::without_advisories().advisory("EX-2026-0101", ADVISORY);
    let reader = Gnupg::of_a_reader(&world);
    let agent = Gnupg::new();
    agent.file(
        "gpg-agent.conf",
        b"allow-preset-passphrase\nallow-loopback-pinentry\n",
    );
    let word = world.text(".advise/keys/team.passphrase");
    let run = agent.gpg(&[
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        word.trim(),
        "--import",
        path(&world.path(".advise/keys/team.key")),
    ]);
    assert!(run.status.success(), "{}", talk(&run));
    // A fresh agent knows no passphrase.
    assert!(
        Command::new("gpgconf")
            .arg("--homedir")
            .arg(agent.0.path())
            .args(["--kill", "gpg-agent"])
            .status()
            .expect("gpgconf runs")
            .success()
    );

    let world = world
        .with("GNUPGHOME", path(agent.0.path()))
        .change("advise.yaml", "key: .advise/keys/team.key", "key: agent")
        .change(
            "advise.yaml",
            "passphrase_command:",
            "# passphrase_command:",
        )
        .without(".advise/keys/team.key")
        .run("publish --yes")
        .exits(2)
        .says("error: gpg-agent did not sign with the key of certificate")
        .leaves_no("public")
        .leaves_no("outbox");

    let keys = agent.gpg(&["--with-colons", "--with-keygrip", "--list-secret-keys"]);
    let keys = String::from_utf8_lossy(&keys.stdout).into_owned();
    for grip in keys.lines().filter_map(|line| line.strip_prefix("grp:")) {
        let mut child = Command::new(preset)
            .env("GNUPGHOME", agent.0.path())
            .args(["--preset", grip.trim_matches(':')])
            .stdin(Stdio::piped())
            .spawn()
            .expect("it runs");
        child
            .stdin
            .take()
            .expect("piped")
            .write_all(word.trim().as_bytes())
            .expect("written");
        assert!(child.wait().expect("it ends").success());
    }
    let world = world
        .run("publish --yes")
        .says("sent 2 letters to list `open-announce`")
        .has_mails(3);
    for mail in world.mail() {
        let (payload, signature) = cut(&mail);
        assert!(reader.verifies(&payload, &signature));
    }
    assert!(reader.verifies_text(world.text("public/rfc2350.txt").as_bytes()));
    drop(
        world
            .run("key status")
            .exits(1)
            .says("the key is with gpg-agent"),
    );
}

// ---- Python's mail parser

/// Tells of each mail what a reader's program sees: given a mail, or the inside of an encrypted one.
const READER: &str = r#"
import email, email.policy, json, sys
told = {}
for path in sys.argv[1:]:
    with open(path, "rb") as f:
        mail = email.message_from_binary_file(f, policy=email.policy.default)
    parts = [mail] if not mail.is_multipart() or mail.get_content_type() == "multipart/mixed" else mail.get_payload()
    inner = parts[0]
    defects = [str(d) for part in mail.walk() for d in part.defects]
    text = inner.get_body(("plain",)) if inner.get_content_type() != "application/pgp-encrypted" else None
    told[path] = {
        "kind": mail.get_content_type(),
        "subject": mail["Subject"],
        "to": mail["To"] and mail["To"].addresses[0].addr_spec,
        "from": mail["From"] and mail["From"].addresses[0].addr_spec,
        "inner_subject": inner["Subject"],
        "hp": inner.get_param("hp"),
        "hp_outer": [str(v) for v in inner.get_all("HP-Outer", [])],
        "outer_names": [k.lower() for k in mail.keys()],
        "text": text.get_content() if text else None,
        "attachments": {a.get_filename(): a.get_content() if a.get_content_maintype() == "text" else a.get_content().decode() for a in inner.iter_attachments()} if inner.get_content_type() == "multipart/mixed" else {},
        "defects": defects,
    }
print(json.dumps(told))
"#;

fn read_with_python(files: &[PathBuf]) -> serde_json::Value {
    let run = Command::new("python3")
        .args(["-c", READER])
        .args(files)
        .output()
        .expect("python3 runs");
    assert!(run.status.success(), "{}", talk(&run));
    serde_json::from_slice(&run.stdout).expect("JSON")
}

#[test]
fn a_mail_program_reads_subjects_protected_headers_and_attachments() {
    if !has("python3") || !has("gpg") {
        return skip(
            "a mail program reads our letters",
            "there is no `python3` or no `gpg`",
        );
    }
    let world = published();
    let all = world.mail();
    let outside = read_with_python(&all.iter().map(|mail| mail.path.clone()).collect::<Vec<_>>());
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
    for mail in &all {
        let seen = &outside[path(&mail.path)];
        assert_eq!(
            seen["defects"],
            serde_json::json!([]),
            "{}",
            mail.path.display()
        );
        assert_eq!(seen["from"], "cert@cert.example.org");
        if mail.is("encrypted") {
            let label = text(&seen["subject"]);
            assert!(
                label.starts_with("[TLP:") && label.ends_with("] […]"),
                "{label}"
            );
            continue;
        }
        assert_eq!(
            (&seen["kind"], &seen["hp"], &seen["subject"]),
            (
                &"multipart/signed".into(),
                &"clear".into(),
                &seen["inner_subject"]
            )
        );
        assert!(
            text(&seen["text"])
                .lines()
                .all(|line| line.chars().count() <= 76 || line.contains("://")),
            "{}",
            text(&seen["text"])
        );
    }
    let notice = all.iter().find(|mail| {
        mail.recipient() == "marat@lakeside.example.org"
            && !mail.header("List-Id").contains("universities")
    });
    assert!(
        notice.is_some(),
        "the held member is told in a mail for him alone"
    );
    let russian = all
        .iter()
        .map(|mail| text(&outside[path(&mail.path)]["subject"]))
        .find(|subject| subject.contains("Критическая"));
    assert_eq!(
        russian.map(|subject| subject.starts_with("[TLP:CLEAR] EX-2026-0007 r2: ")),
        Some(true)
    );

    // Inside an encrypted letter with an attachment.
    let member = Gnupg::of_a_member(&world, "dana@north.example.org");
    let mine = all
        .iter()
        .filter(|mail| mail.is("encrypted") && mail.recipient() == "dana@north.example.org");
    let opened: Vec<(&Mail, PathBuf)> = mine
        .enumerate()
        .map(|(number, mail)| {
            let file = world.beside().join(format!("inside{number}"));
            fs::write(
                &file,
                member.opens(&mail.parts()[1]).expect("it is for her"),
            )
            .expect("written");
            (mail, file)
        })
        .collect();
    let inside = read_with_python(
        &opened
            .iter()
            .map(|(_, file)| file.clone())
            .collect::<Vec<_>>(),
    );
    let mut attachments = 0;
    for (mail, file) in &opened {
        let (seen, outer) = (&inside[path(file)], &outside[path(&mail.path)]);
        assert_eq!(
            (&seen["defects"], &seen["hp"]),
            (&serde_json::json!([]), &"cipher".into())
        );
        assert!(text(&seen["subject"]).contains("EX-2026-"), "{seen:#}");
        // RFC 9788: one HP-Outer for each field of the outer header that is protected inside.
        let named: Vec<String> = seen["hp_outer"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|line| {
                text(line)
                    .split(':')
                    .next()
                    .unwrap_or_default()
                    .to_lowercase()
            })
            .collect();
        for name in ["subject", "from", "to", "date", "message-id"] {
            assert!(
                named.contains(&name.to_string())
                    && outer["outer_names"]
                        .as_array()
                        .expect("a list")
                        .contains(&name.into()),
                "{name}: {named:?}"
            );
        }
        // RFC 9788: older programs are shown the subject on top of the text; newer ones take it away.
        let words = text(&seen["text"]);
        let (display, words) = words.split_once("\n\n").expect("a field, and the text");
        assert_eq!(
            display.replace("\n ", " "),
            format!("Subject: {}", text(&seen["subject"]))
        );
        assert!(words.starts_with("TLP:"), "the label stands first: {words}");
        if let Some(content) = seen["attachments"].get("indicators.csv") {
            attachments += 1;
            assert_eq!(
                text(content).replace("\r\n", "\n"),
                world
                    .text("advisories/2026/EX-2026-0009/indicators.csv")
                    .replace("\r\n", "\n")
            );
        }
    }
    assert_eq!(attachments, 1);
}

// ---- real servers and programs for mail

#[test]
fn letters_go_through_a_real_postfix_with_starttls_and_still_verify() {
    let story = "letters go through a real Postfix";
    if !has("gpg") {
        return skip(story, "there is no `gpg`");
    }
    let Some(server) = Postfix::start(story) else {
        return;
    };
    let smtp = |extra: &str| {
        format!(
            "transport: smtp\n  smtp: {{host: localhost, port: {}, security: starttls{extra}}}",
            server.port
        )
    };
    let world = World::sample().change("advise.yaml", "transport: outbox", &smtp(""));
    let reader = Gnupg::of_a_reader(&world);
    let member = Gnupg::of_a_member(&world, "asel@water.example.net");
    // Its certificate is from an authority that nobody knows.
    let world = world
        .run("publish --yes")
        .exits(2)
        .says(&format!(
            "error: cannot reach the mail server `localhost:{}`",
            server.port
        ))
        .leaves_no("public")
        .file("ca.pem", &server.authority())
        .change(
            "advise.yaml",
            "security: starttls}",
            "security: starttls, ca_file: ca.pem}",
        )
        .run("publish --yes")
        .exits(1)
        .says("told 4 members that something is held for them")
        .has_mails(0);
    wait_until("all mail is delivered", || server.delivered().len() >= 65);
    let all = server.delivered();
    assert_eq!(all.len(), 65);
    let (mut signed, mut opened) = (0, 0);
    for mail in &all {
        assert!(
            mail.header("Received").contains("using TLS")
                || mail.header("Received").contains("ESMTPS"),
            "{}",
            mail.header("Received")
        );
        let back = mail.header("Return-Path");
        assert!(
            back.starts_with("<bounces+") && back.ends_with("@cert.example.org>")
                || back == "<>"
                || back == "<MAILER-DAEMON>",
            "{back}"
        );
        if mail.is("signed") {
            let (payload, signature) = cut(mail);
            assert!(
                reader.verifies(&payload, &signature),
                "{}: {}",
                mail.recipient(),
                mail.header("Subject")
            );
            signed += 1;
        } else if mail.recipient() == "asel@water.example.net" {
            assert!(member.opens(&mail.parts()[1]).is_some());
            opened += 1;
        }
    }
    assert!(
        signed > 35 && opened == 1,
        "{signed} signed, {opened} opened"
    );
    drop(world.run("publish --yes").exits(1).says("nothing to do"));
    assert_eq!(server.delivered().len(), 65);
}

#[test]
fn letters_go_through_a_program_that_is_called_like_sendmail() {
    if !has("gpg") {
        return skip("letters go through sendmail", "there is no `gpg`");
    }
    let world = World::without_advisories()
        .advisory("EX-2026-0101", &format!("{ADVISORY}\ntitle: \"A dot\""));
    let kept = world.beside().join("kept");
    fs::create_dir(&kept).expect("a folder");
    let script = world.beside().join("sendmail");
    let text = format!(
        "#!/bin/sh\nd=$(mktemp -d {}/XXXXXX)\nfor a in \"$@\"; do printf '%s\\n' \"$a\"; done > $d/arguments\ncat > $d/mail\n",
        kept.display()
    );
    fs::write(&script, text).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("executable");
    let settings = format!(
        "transport: sendmail\n  sendmail: {{command: {} -oi}}",
        script.display()
    );
    let world = world
        .change("advise.yaml", "transport: outbox", &settings)
        .run("publish --yes")
        .says("sent 2 letters")
        .has_mails(0)
        .leaves_no("outbox");
    let reader = Gnupg::of_a_reader(&world);
    let mut recipients = Vec::new();
    for folder in fs::read_dir(&kept)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
    {
        let arguments = fs::read_to_string(folder.join("arguments")).expect("arguments");
        let arguments: Vec<&str> = arguments.lines().collect();
        let ["-oi", "-i", "-f", sender, "--", recipient] = arguments[..] else {
            panic!("{arguments:?}")
        };
        assert!(
            sender.starts_with("bounces+") && sender.ends_with("@cert.example.org"),
            "{sender}"
        );
        recipients.push(recipient.to_string());
        let (payload, signature) = cut(&Mail::read(folder.join("mail")));
        assert!(reader.verifies(&payload, &signature));
    }
    recipients.sort();
    assert_eq!(
        recipients,
        [
            "gulnara@hospital.example.org",
            "hello@opendata.example.org",
            "peering@ix.example.net"
        ]
    );
    let _world = world.run("publish --yes").says("nothing to do");
    assert_eq!(fs::read_dir(&kept).expect("a folder").count(), 3);
}

// ---- feeds

#[test]
fn xmllint_reads_every_feed_and_the_sitemap() {
    if !has("xmllint") {
        return skip("xmllint reads every feed", "there is no `xmllint`");
    }
    let world = World::sample()
        .run("publish --yes --only site")
        .has_mails(0);
    let files: Vec<PathBuf> = world
        .site()
        .keys()
        .filter(|name| name.ends_with(".xml"))
        .map(|name| world.path("public").join(name))
        .collect();
    assert!(
        files.len() > 15
            && files
                .iter()
                .any(|file| file.ends_with("public/sitemap.xml"))
            && files.iter().any(|file| file.ends_with("ru/rss.xml")),
        "{files:?}"
    );
    let run = Command::new("xmllint")
        .arg("--noout")
        .arg("--nonet")
        .args(&files)
        .output()
        .expect("xmllint runs");
    assert!(
        run.status.success() && run.stderr.is_empty(),
        "{}",
        talk(&run)
    );
}
