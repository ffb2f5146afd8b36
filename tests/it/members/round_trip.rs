//! The whole way with programs that are not ours: GnuPG signs and opens, Postfix carries, and hands mail to `advise inbox`.

use super::person_letter::{LIST, Person, to, whole};
use crate::harness::{
    Mail, NOW, World, advise, has, postfix::Postfix, skip, stopped_clock, wait_until,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

const ADA: &str = "ada@lakeside.example.org";
/// An hour after the team signs.
const SOON: &str = "20261122T130000";
const AMBER: &str = "tlp: AMBER\naudience: [universities]\ndate: 2026-11-22";

/// Ada's GnuPG, with her key and the team's certificate.
struct Gnupg(tempfile::TempDir);

impl Gnupg {
    fn of_ada(world: &World) -> Gnupg {
        let mine = fs::Permissions::from_mode(0o700);
        let home = Gnupg(
            tempfile::Builder::new()
                .prefix("g")
                .rand_bytes(6)
                .permissions(mine)
                .tempdir_in("/tmp")
                .expect("a folder"),
        );
        home.gpg(
            &[
                "--passphrase",
                "",
                "--quick-generate-key",
                &format!("Ada New <{ADA}>"),
                "default",
                "default",
                "never",
            ],
            b"",
        );
        let settings = world.text("advise.yaml");
        let team = settings
            .split("fingerprint: \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a fingerprint");
        home.gpg_at(
            SOON,
            &["--import"],
            world.text(&format!("certs/{team}.asc")).as_bytes(),
        );
        home
    }

    /// Before the team's own key was made, since Ada's has to be older than her mail.
    fn gpg(&self, args: &[&str], input: &[u8]) -> Output {
        self.gpg_at("20261122T115000", args, input)
    }

    fn gpg_at(&self, time: &str, args: &[&str], input: &[u8]) -> Output {
        let file = self.0.path().join("input");
        fs::write(&file, input).expect("written");
        let run = Command::new("gpg")
            .arg("--homedir")
            .arg(self.0.path())
            .args([
                "--batch",
                "--no-tty",
                "--pinentry-mode",
                "loopback",
                "--trust-model",
                "always",
                "--status-fd",
                "2",
            ])
            .args(stopped_clock(time))
            .args(args)
            .args((!input.is_empty()).then_some(file))
            .stdin(Stdio::null())
            .output()
            .expect("gpg runs");
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        run
    }

    /// A mail that GnuPG signs, with Ada's certificate attached.
    fn signs(&self, to: &str, id: &str, text: &str) -> String {
        let certificate =
            String::from_utf8(self.gpg(&["--armor", "--export", ADA], b"").stdout).expect("armor");
        let entity = format!(
            "Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain\r\n\r\n{text}\r\n\r\n--inner\r\nContent-Type: application/pgp-keys; name=ada.asc\r\nContent-Disposition: attachment; filename=ada.asc\r\n\r\n{}\r\n--inner--\r\n",
            certificate.replace('\n', "\r\n")
        );
        let signature = self
            .gpg(
                &[
                    "--armor",
                    "--digest-algo",
                    "SHA512",
                    "--output",
                    "-",
                    "--detach-sign",
                ],
                entity.as_bytes(),
            )
            .stdout;
        format!(
            "{}{}",
            header(to, id, "hello"),
            whole(&entity, &String::from_utf8(signature).expect("armor"))
        )
    }

    /// What an encrypted mail says that the team signed.
    fn opens(&self, mail: &Mail) -> String {
        let run = self.gpg_at(SOON, &["--decrypt"], &mail.parts()[1]);
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(
            said.contains("GOODSIG") && said.contains("DECRYPTION_OKAY"),
            "{said}"
        );
        let opened = advise::inbound::Mail::read(run.stdout).expect("a part of a mail");
        format!("{}\n{}", opened.subject(), opened.text())
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

fn header(to: &str, id: &str, subject: &str) -> String {
    let ada = Person {
        address: ADA.into(),
        name: "Ada New".into(),
        ..Person::new("Ada New", ADA)
    };
    ada.header(to, subject, id)
}

/// Ada's mail program hands a mail to her server.
fn posts(server: &Postfix, authority: &Path, to: &str, mail: &str) {
    let file = authority.with_file_name("mail.eml");
    fs::write(&file, mail).expect("written");
    let run = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--ssl-reqd",
            "--crlf",
            "--url",
            &format!("smtp://localhost:{}", server.port),
            "--cacert",
        ])
        .arg(authority)
        .args(["--mail-from", ADA, "--mail-rcpt", to, "--upload-file"])
        .arg(&file)
        .output()
        .expect("curl runs");
    assert!(
        run.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&run.stderr),
        server.log()
    );
}

/// The mail server runs the program as `nobody`, whose workspace it has to be.
fn hand_over(world: &World) {
    let run = Command::new("chown")
        .args(["-R", "nobody"])
        .arg(world.root())
        .status()
        .expect("chown runs");
    assert!(run.success());
}

/// Waits for so many mails to Ada; gives the newest.
fn arrives(server: &Postfix, count: usize) -> Mail {
    let to_ada = || {
        server
            .delivered()
            .into_iter()
            .filter(|mail| mail.recipient() == ADA)
            .collect::<Vec<_>>()
    };
    wait_until("Ada has her mail", || to_ada().len() >= count);
    let mut all = to_ada();
    assert_eq!(all.len(), count, "Ada got more than she should");
    all.sort_by_key(|mail| {
        fs::metadata(&mail.path)
            .and_then(|data| data.modified())
            .expect("a time")
    });
    all.pop().expect("a mail")
}

#[test]
fn a_stranger_joins_reads_and_leaves_with_gnupg_and_postfix() {
    let story = "a stranger joins, reads and leaves by real mail";
    if !has("gpg") || !has("curl") {
        return skip(story, "there is no `gpg` or no `curl`");
    }
    // Readable for the mail server, and so is a copy of the program.
    let open = fs::Permissions::from_mode(0o755);
    let temp = tempfile::Builder::new()
        .prefix("team")
        .permissions(open)
        .tempdir_in("/tmp")
        .expect("a folder");
    let (program, root) = (temp.path().join("advise"), temp.path().join("w"));
    fs::copy(advise(), &program).expect("copied");
    let doors = ["subscribe", "unsubscribe", "help"].map(to);
    let command = format!(
        "{} -C {} --now {NOW} inbox --stdin",
        program.display(),
        root.display()
    );
    let Some(server) = Postfix::start_with_pipe(story, &doors, &command) else {
        return;
    };
    let smtp = format!(
        "transport: smtp\n  smtp: {{host: localhost, port: {}, security: starttls, ca_file: ca.pem}}",
        server.port
    );
    let world = World::sample_in(temp)
        .without("advisories")
        .change("advise.yaml", "transport: outbox", &smtp)
        .file("ca.pem", &server.authority());
    let authority = world.path("ca.pem");
    let ada = Gnupg::of_ada(&world);

    // Ada asks to join, and staff see what she sent and who she is.
    hand_over(&world);
    posts(
        &server,
        &authority,
        &to("subscribe"),
        &ada.signs(&to("subscribe"), "1", &format!("subscribe {LIST}")),
    );
    assert!(
        arrives(&server, 1).header("Auto-Submitted") == "auto-replied",
        "her request has arrived"
    );
    let world = world
        .run("constituent requests")
        .says("Ada New <ada@lakeside.example.org> wants to join list `universities`")
        .says("names the address: yes");
    let id = world.waiting().pop().expect("a request");

    // They let her in. The welcome is for her eyes only, and asks for a proof of that.
    let world = world
        .run(&format!("constituent approve {id}"))
        .says("wrote certs/")
        .says("wrote constituents/")
        .says("sent a welcome");
    let welcome = ada.opens(&arrives(&server, 2));
    let proof = &welcome[welcome.find("confirm ").expect("a challenge")..][.."confirm ".len() + 26];
    let world = world
        .advisory("EX-2026-0050", AMBER)
        .run("publish --yes")
        .exits(1)
        .whatever_it_says();
    wait_until("the others have the letter", || {
        server
            .delivered()
            .iter()
            .filter(|mail| mail.is("encrypted"))
            .count()
            > 2
    });
    arrives(&server, 2);

    // She sends it back, and what waited for it comes.
    hand_over(&world);
    let answer = format!(
        "{}Content-Type: text/plain\r\n\r\nHere it is.\r\n",
        header(&to("subscribe"), "2", proof)
    );
    posts(&server, &authority, &to("subscribe"), &answer);
    arrives(&server, 3);
    let world = world.run("publish --yes").exits(1).whatever_it_says();
    assert!(ada.opens(&arrives(&server, 4)).contains("EX-2026-0050"));

    // She leaves, and the next letter is not for her.
    hand_over(&world);
    posts(
        &server,
        &authority,
        &to("unsubscribe"),
        &ada.signs(&to("unsubscribe"), "3", &format!("unsubscribe {LIST}")),
    );
    arrives(&server, 5);
    let before = server.delivered().len();
    let world = world
        .advisory("EX-2026-0051", AMBER)
        .run("publish --yes")
        .exits(1)
        .whatever_it_says();
    wait_until("the others have the letter", || {
        server.delivered().len() > before
    });
    arrives(&server, 5);
    drop(world);
}
