//! A mailbox on a real Dovecot, over TLS.

use super::{
    samples,
    stories::{files, message},
};
use crate::harness::{World, has, skip, wait_until};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

struct Dovecot {
    home: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Dovecot {
    fn start(story: &str, mails: &[(&str, &[u8])]) -> Option<Dovecot> {
        let is_root = Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|output| output.stdout == b"0\n");
        if !has("dovecot") && !Path::new("/usr/sbin/dovecot").exists()
            || !has("openssl")
            || !is_root
        {
            skip(
                story,
                "there is no `dovecot` or no `openssl`, or this is not root",
            );
            return None;
        }
        let home = tempfile::Builder::new()
            .prefix("dovecot")
            .tempdir_in("/tmp")
            .expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let root = home.path().display();
        for folder in ["mail/new", "mail/cur", "mail/tmp", "run", "state", "home"] {
            fs::create_dir_all(home.path().join(folder)).expect("a folder");
        }
        for (name, mail) in mails {
            fs::write(home.path().join("mail/new").join(name), mail).expect("written");
        }
        fs::write(
            home.path().join("leaf.ext"),
            "subjectAltName=DNS:localhost\n",
        )
        .expect("written");
        let script = "set -e
            openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj '/CN=An authority'
            openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj '/CN=localhost'
            openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 20 -extfile leaf.ext -out leaf.pem
            chmod 755 . && chown -R nobody mail home";
        let made = Command::new("sh")
            .arg("-c")
            .arg(script)
            .current_dir(home.path())
            .output()
            .expect("sh runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let settings = format!(
            "protocols = imap\nbase_dir = {root}/run\nstate_dir = {root}/state\nlog_path = {root}/log\nssl = required\n\
             ssl_cert = <{root}/leaf.pem\nssl_key = <{root}/leaf.key\nmail_location = maildir:{root}/mail\n\
             first_valid_uid = 1\nfirst_valid_gid = 1\n\
             service imap-login {{\n  inet_listener imap {{\n    port = 0\n  }}\n  inet_listener imaps {{\n    address = 127.0.0.1\n    port = {port}\n    ssl = yes\n  }}\n}}\n\
             passdb {{\n  driver = static\n  args = password=geheim\n}}\n\
             userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home={root}/home\n}}\n"
        );
        fs::write(home.path().join("dovecot.conf"), settings).expect("written");
        let program = if has("dovecot") {
            "dovecot"
        } else {
            "/usr/sbin/dovecot"
        };
        let child = Command::new(program)
            .args(["-F", "-c"])
            .arg(home.path().join("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Dovecot starts");
        wait_until("Dovecot listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(Dovecot { home, port, child })
    }

    fn mail(&self, folder: &str) -> Vec<String> {
        files(&self.home.path().join("mail").join(folder))
    }

    fn authority(&self) -> PathBuf {
        self.home.path().join("ca.pem")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its children end with it, when it is asked to end and not killed.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = self.child.wait();
    }
}

#[test]
fn mail_of_a_server_is_taken_over_tls_and_what_is_done_is_removed_there() {
    let letter = b"From: ada@uni.example.org\r\nSubject: hello\r\n\r\nWho are you?\r\n";
    let mut large = letter.to_vec();
    large.resize(26 * 1024 * 1024, b'\n');
    let bounce = samples::named("rfc3464-failed");
    let mails: [(&str, &[u8]); 3] = [
        ("1000000001.M1P1.host", &bounce),
        ("1000000002.M2P1.host", letter),
        ("1000000003.M3P1.host", &large),
    ];
    let Some(dovecot) = Dovecot::start("mail of a server", &mails) else {
        return;
    };
    let world = World::without_advisories();
    let settings = world.text("advise.yaml");
    let inbox = |extra: &str| {
        format!(
            "{settings}\ninbox:\n  imap:\n    host: localhost\n    port: {}\n    user: cert@example.org\n    password_command: printf geheim\n{extra}",
            dovecot.port
        )
    };
    let trusted = inbox(&format!("    ca_file: {}\n", dovecot.authority().display()));
    let world = world
        .file("advise.yaml", &inbox(""))
        .run("inbox")
        .exits(2)
        .says("cannot reach the mailbox at `localhost`")
        .file(
            "advise.yaml",
            &trusted.replace("printf geheim", "printf falsch"),
        )
        .run("inbox")
        .exits(2)
        .says("the mail server `localhost` refused the login")
        .does_not_say("falsch")
        .file("advise.yaml", &trusted);
    let mut world = world.run("inbox --json").exits(1);
    let document = world.json();
    assert_eq!(
        message(&document, "INBOX/1")["bounces"][0]["recipient"],
        "ada@uni.example.org",
        "{}",
        dovecot.log()
    );
    assert_eq!(message(&document, "INBOX/2")["verdict"], "unknown");
    assert_eq!(
        message(&document, "INBOX/3")["why"],
        "it is larger than 25 MiB"
    );
    let left: Vec<String> = dovecot
        .mail("cur")
        .into_iter()
        .chain(dovecot.mail("new"))
        .collect();
    assert_eq!(left.len(), 2, "the bounce is gone: {left:?}");
    assert!(
        left.iter().all(|name| name.contains(":2,F")),
        "staff see the others by their flags: {left:?}"
    );
    world.run("inbox").says("no new mail");
}
