//! `advise constituent refresh` against a real HTTPS server with certificates of its own authority.

use super::certificates::{DAY, Gnupg};
use crate::harness::{NOW, World, has, skip};
use advise::{
    openpgp::{self, Cause, Certificate, Generated, Kind},
    terms::Moment,
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Hosts that the server's certificate names. `wrong.example` is not among them.
const DOMAINS: [&str; 10] = [
    "advanced.example",
    "direct.example",
    "other.example",
    "revoked.example",
    "secret.example",
    "garbage.example",
    "huge.example",
    "plain.example",
    "loop.example",
    "both.example",
];

/// Those of them that have the host `openpgpkey.`.
const ADVANCED: [&str; 2] = ["advanced.example", "both.example"];

/// Before it: GnuPG takes some seconds, and a signature from the future does not count.
const MORNING: &str = "2026-11-23T06:00:00Z";

/// A day after everything was made.
const LATER: &str = "2026-11-23T12:00:00Z";

struct Directory {
    server: Child,
    root: PathBuf,
    resolve: String,
}

impl Directory {
    fn start(root: &Path) -> Directory {
        fs::create_dir_all(root).expect("a folder");
        let names: Vec<String> = DOMAINS
            .iter()
            .flat_map(|domain| [format!("DNS:{domain}"), format!("DNS:openpgpkey.{domain}")])
            .collect();
        fs::write(
            root.join("ext"),
            format!("subjectAltName={}\n", names.join(",")),
        )
        .expect("written");
        let script = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=Test-CA -days 3650 -keyout ca.key -out ca.pem &&
            openssl req -newkey rsa:2048 -nodes -subj /CN=wkd -keyout key.pem -out csr &&
            openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -extfile ext -out cert.pem";
        let made = Command::new("sh")
            .arg("-c")
            .arg(script)
            .current_dir(root)
            .output()
            .expect("openssl runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/members/wkd.py");
        let mut server = Command::new("python3")
            .arg(script)
            .args([root, &root.join("cert.pem"), &root.join("key.pem")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let mut port = String::new();
        BufReader::new(server.stdout.take().expect("a pipe"))
            .read_line(&mut port)
            .expect("a port");
        let hosts = DOMAINS
            .iter()
            .chain(&["wrong.example"])
            .map(|domain| domain.to_string());
        let hosts = hosts.chain(ADVANCED.iter().map(|domain| format!("openpgpkey.{domain}")));
        let resolve: Vec<String> = hosts
            .map(|host| format!("--resolve {host}=127.0.0.1:{}", port.trim()))
            .collect();
        Directory {
            server,
            root: root.to_path_buf(),
            resolve: resolve.join(" "),
        }
    }

    fn has(&self, layout: &str, address: &str, bytes: impl AsRef<[u8]>) {
        let (local, domain) = address.split_once('@').expect("an address");
        let folder = self.root.join(layout).join(domain);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(local), bytes).expect("written");
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.root.join("asked")).unwrap_or_default()
    }

    fn refresh(&self, words: &str) -> String {
        format!("constituent refresh {} {words}", self.resolve)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn key(address: &str) -> Generated {
    let now: Moment = NOW.parse().expect("a time");
    openpgp::generate(
        &[&format!("Somebody <{address}>")],
        Kind::Member,
        Some(30 * DAY),
        &now,
        None,
    )
    .expect("a key")
}

/// A constituent with one contact for each address and certificate.
fn house(world: World, members: &[(&str, Option<&Certificate>)]) -> World {
    let mut text = "name: House\nlists: [universities]\ncontacts:\n".to_string();
    let mut files = Vec::new();
    for (address, certificate) in members {
        text.push_str(&format!("  - name: Somebody\n    address: {address}\n"));
        if let Some(certificate) = certificate {
            text.push_str(&format!(
                "    certificate: \"{}\"\n",
                certificate.fingerprint()
            ));
            files.push((
                format!("certs/{}.asc", certificate.fingerprint()),
                certificate.armored(),
            ));
        }
    }
    let world = world.file("constituents/house.yaml", &text);
    files
        .into_iter()
        .fold(world, |world, (path, armor)| world.file(&path, &armor))
}

fn trusting(world: World, directory: &Directory) -> World {
    let authority = fs::read_to_string(directory.root.join("ca.pem")).expect("the authority");
    let settings = world.text("advise.yaml");
    world.file("wkd-ca.pem", &authority).file(
        "advise.yaml",
        &format!("{settings}\nwkd:\n  ca_file: wkd-ca.pem\n  private_addresses: true\n"),
    )
}

fn result<'a>(json: &'a Value, address: &str) -> &'a Value {
    let contacts = json["contacts"].as_array().expect("contacts");
    contacts
        .iter()
        .find(|contact| contact["address"] == address)
        .unwrap_or_else(|| panic!("{address} is not in {json}"))
}

fn ready(story: &str) -> bool {
    for program in ["gpg", "openssl", "python3"] {
        if !has(program) {
            skip(story, &format!("there is no `{program}`"));
            return false;
        }
    }
    true
}

#[test]
fn new_copies_are_taken_and_nothing_else() {
    if !ready("certificates are taken from Web Key Directories") {
        return;
    }
    let [ada, bob, cyd, dia, eve, flo, gus, hal, ivy, jay, kim, leo] = [
        "ada@advanced.example",
        "bob@direct.example",
        "cyd@other.example",
        "dia@revoked.example",
        "eve@secret.example",
        "flo@garbage.example",
        "gus@huge.example",
        "hal@plain.example",
        "ivy@wrong.example",
        "jay@loop.example",
        "Kim.O'Neil+cert@both.example",
        "leo@nowhere.example",
    ];
    let keys: Vec<(&str, Generated)> = [ada, bob, cyd, dia, eve, flo, gus, hal, ivy, jay, kim, leo]
        .map(|address| (address, key(address)))
        .into();
    let of = |address: &str| {
        &keys
            .iter()
            .find(|(one, _)| *one == address)
            .expect("a key")
            .1
    };
    let world = World::sample();
    let directory = Directory::start(&world.beside().join("wkd"));
    let members: Vec<(&str, Option<&Certificate>)> = keys
        .iter()
        .map(|(address, made)| (*address, (*address != kim).then_some(&made.certificate)))
        .collect();
    let world = trusting(house(world, &members), &directory).at(LATER);

    // Ada has extended hers, and added a user ID that is nobody's business here.
    let gpg = Gnupg::with(of(ada).secret.expose());
    let mine = of(ada).certificate.fingerprint().to_string();
    // Before the morning: GnuPG wants the signatures that extend the key to be newer than this one.
    gpg.run(
        "2026-11-23T05:00:00Z",
        &["--quick-add-uid", &mine, "Mallory <mallory@evil.example>"],
    );
    let extended = gpg.extends(MORNING, &mine, "2y");
    assert!(
        Certificate::read(extended.as_bytes())
            .expect("a certificate")
            .user_ids()
            .len()
            == 2
    );
    let now: Moment = LATER.parse().expect("a time");
    let revoked = openpgp::revoke(
        &of(dia).certificate,
        &of(dia).secret,
        None,
        Cause::Compromised,
        "stolen",
        &now,
    )
    .expect("revoked");
    let (other, newer) = (key(cyd).certificate, key(dia).certificate);
    directory.has("advanced", ada, extended);
    directory.has(
        "direct",
        ada,
        "what stands at the other place is not asked for",
    );
    directory.has("direct", bob, of(bob).certificate.binary());
    directory.has("direct", cyd, other.binary());
    directory.has("direct", dia, [revoked.binary(), newer.binary()].concat());
    directory.has("direct", eve, of(eve).secret.expose());
    directory.has("direct", flo, "<html>Welcome</html>");
    directory.has("direct", gus, "HUGE file");
    directory.has("direct", hal, "REDIRECT http://plain.example/key");
    directory.has("direct", ivy, of(ivy).certificate.binary());
    // To itself.
    directory.has(
        "direct",
        jay,
        "REDIRECT https://loop.example/.well-known/openpgpkey/hu/tx6t81soztf1ity7uati1wx8f1psfoik?l=jay",
    );
    directory.has("advanced", kim, of(kim).certificate.binary());

    let path = |certificate: &Certificate| format!("certs/{}.asc", certificate.fingerprint());
    let before: Vec<String> = keys
        .iter()
        .filter(|(one, _)| *one != kim)
        .map(|(_, made)| world.text(&path(&made.certificate)))
        .collect();
    let world = world
        .run("plan")
        .whatever_it_says()
        .exits(1)
        .look(|_| {
            assert_eq!(
                directory.asked(),
                "",
                "nothing is asked unless it is asked for"
            )
        })
        .run(&directory.refresh("house --dry-run"))
        .exits(1)
        .says(ada)
        .says("extended until 2028-11-22")
        .says("2 certificates would be written")
        .run(&directory.refresh("house --json"))
        .exits(1)
        .gives(|json| {
            let is = |address: &str, word: &str, staff: bool| {
                let found = result(json, address);
                assert_eq!(
                    (found["result"].as_str(), found["needs_staff"].as_bool()),
                    (Some(word), Some(staff)),
                    "{found:#}"
                );
            };
            is(ada, "extended", false);
            is(bob, "unchanged", false);
            is(cyd, "other-key", true);
            is(dia, "updated", true);
            is(eve, "refused", true);
            is(flo, "refused", true);
            is(gus, "refused", true);
            is(hal, "refused", true);
            is(ivy, "unreachable", true);
            is(jay, "refused", true);
            is(kim, "other-key", true);
            is(leo, "unreachable", true);
            assert_eq!(result(json, ada)["days_left"], 729);
            assert_eq!(
                result(json, cyd)["other_keys"][0],
                other.fingerprint().to_string()
            );
            assert_eq!(result(json, dia)["revoked"], true);
            assert_eq!(
                result(json, dia)["other_keys"][0],
                newer.fingerprint().to_string()
            );
            for (address, why) in [
                (eve, "SECRET key"),
                (flo, "not an OpenPGP certificate"),
                (gus, "longer than 1000000 bytes"),
                (hal, "without TLS"),
                (ivy, "TLS certificate of `wrong.example` does not hold"),
                (jay, "redirects more than 3 times"),
                (leo, "`nowhere.example` has no address"),
            ] {
                let words = result(json, address)["why"].as_str().expect("a reason");
                assert!(words.contains(why), "{address}: {words}");
            }
        })
        .says("wrote certs/")
        // The same again changes nothing, and says what staff have to do.
        .run(&directory.refresh(&format!("{ada} {dia} {kim}")))
        .exits(1)
        .says("unchanged: usable until 2028-11-22")
        .says("unchanged: certificate is revoked (stolen)")
        .says("no certificate")
        .says(&of(kim).certificate.fingerprint().spaced())
        .says("write it into constituents/house.yaml");

    // What was written: the new end without the foreign user ID, the revocation, and nothing else.
    let written = |address: &str| {
        Certificate::read(world.text(&path(&of(address).certificate)).as_bytes())
            .expect("a certificate")
    };
    assert_eq!(written(ada).user_ids(), of(ada).certificate.user_ids());
    assert!(
        written(ada).state(&now).days_left(&now) == Some(729)
            && !written(dia).state(&now).is_usable()
    );
    let after: Vec<String> = keys
        .iter()
        .filter(|(one, _)| *one != kim)
        .map(|(_, made)| world.text(&path(&made.certificate)))
        .collect();
    let changed: Vec<usize> = (0..after.len())
        .filter(|i| after[*i] != before[*i])
        .collect();
    assert_eq!(changed, [0, 3], "of Ada and Dia");
    assert!(!world.path(&path(&other)).exists() && !world.path(&path(&newer)).exists());
    assert!(
        directory.asked().contains("Kim.O'Neil+cert") && !directory.asked().contains("Cookie"),
        "{}",
        directory.asked()
    );

    // Staff have called Kim, and write the fingerprint into the file.
    let line = format!("    address: {kim}\n");
    let named = format!(
        "{line}    certificate: \"{}\"\n",
        of(kim).certificate.fingerprint()
    );
    world
        .change("constituents/house.yaml", &line, &named)
        .run(&directory.refresh(kim))
        .says("updated: usable until 2026-12-22")
        .run("constituent house")
        .says("29         usable until 2026-12-22");
}

#[test]
fn nothing_inside_of_a_network_is_asked_and_no_unknown_authority_trusted() {
    if !ready("private addresses are not asked") {
        return;
    }
    let made = key("bob@direct.example");
    let world = World::sample();
    let directory = Directory::start(&world.beside().join("wkd"));
    directory.has("direct", "bob@direct.example", made.certificate.binary());
    let world = trusting(
        house(world, &[("bob@direct.example", Some(&made.certificate))]),
        &directory,
    );
    world
        .change("advise.yaml", "  private_addresses: true\n", "")
        .run(&directory.refresh("bob@direct.example"))
        .exits(1)
        .says("REFUSED: the way from `direct.example` leads to a private address")
        .look(|_| assert_eq!(directory.asked(), ""))
        .change(
            "advise.yaml",
            "  ca_file: wkd-ca.pem\n",
            "  private_addresses: true\n",
        )
        .run(&directory.refresh("bob@direct.example"))
        .exits(1)
        .says("unreachable: the TLS certificate of `direct.example` does not hold")
        .look(|_| assert_eq!(directory.asked(), ""))
        .run("constituent refresh nobody@direct.example")
        .exits(2)
        .says("contact `nobody@direct.example` does not exist")
        .run("constituent refresh nowhere")
        .exits(2)
        .says("constituent `nowhere` does not exist");
}

#[test]
fn the_certificate_of_a_request_is_found_in_its_senders_directory() {
    let story = "the certificate of a request is found in its sender's directory";
    if !ready(story) {
        return;
    }
    let world = World::without_advisories();
    let directory = Directory::start(&world.beside().join("wkd"));
    let ada = key("ada@direct.example");
    let now: Moment = NOW.parse().expect("a time");
    let hand =
        openpgp::TeamKey::from_file(ada.secret.expose(), None, ada.certificate.clone(), &now)
            .expect("a key that signs");
    let entity =
        "Content-Type: text/plain\r\n\r\nsubscribe universities@lists.cert.example.org\r\n";
    let signature = hand
        .detach(entity.as_bytes())
        .expect("a signature")
        .replace('\n', "\r\n");
    let mail = |id: &str| {
        format!(
            "From: ada@direct.example\r\nTo: universities-subscribe@lists.cert.example.org\r\nMessage-ID: <{id}@direct.example>\r\nContent-Type: multipart/signed; boundary=o; protocol=\"application/pgp-signature\"\r\n\r\n--o\r\n{entity}\r\n--o\r\nContent-Type: application/pgp-signature\r\n\r\n{signature}\r\n--o--\r\n"
        )
    };
    let maildir = world.beside().join("maildir");
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(maildir.join(folder)).expect("a folder");
    }
    let words = format!(
        "inbox --json --maildir {} {}",
        maildir.display(),
        directory.resolve
    );
    // It is not there, so nobody knows who signed; then it is.
    fs::write(maildir.join("new/1"), mail("1")).expect("written");
    let world = trusting(world, &directory).run(&words).gives(|json| {
        assert_eq!(
            json["messages"][0]["request"]["decision"], "explained",
            "{json:#}"
        )
    });
    directory.has("direct", "ada@direct.example", ada.certificate.binary());
    fs::write(maildir.join("new/2"), mail("2")).expect("written");
    drop(world.run(&words).gives(|json| {
        assert_eq!(
            json["messages"][0]["request"]["decision"], "request",
            "{json:#}"
        )
    }));
}
