//! nginx with the settings of `docs/hosting/nginx.conf`, and behind it the sample site.

use super::served::{Gnupg, published};
use crate::harness::{World, has, skip, wait_until};
use advise::{channels::wkd::Directories, openpgp::Certificate, settings::Wkd, terms::Address};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

struct Nginx {
    child: Child,
    plain: SocketAddr,
    tls: SocketAddr,
    folder: tempfile::TempDir,
}

/// Debian's is not among the programs that users find.
fn program() -> Option<&'static str> {
    has("nginx").then_some("nginx").or_else(|| {
        Path::new("/usr/sbin/nginx")
            .exists()
            .then_some("/usr/sbin/nginx")
    })
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}

impl Nginx {
    /// Before it, only names, ports and paths of the sample are changed.
    fn serving(public: &Path) -> Nginx {
        let folder = tempfile::Builder::new()
            .prefix("nginx")
            .tempdir()
            .expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let script = "printf 'subjectAltName=DNS:cert.example.org,DNS:openpgpkey.cert.example.org\\n' > ext &&
            openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=Test-CA -days 3650 -keyout ca.key -out ca.pem &&
            openssl req -newkey rsa:2048 -nodes -subj /CN=site -keyout key.pem -out csr &&
            openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -extfile ext -out cert.pem";
        let made = Command::new("sh")
            .arg("-c")
            .arg(script)
            .current_dir(folder.path())
            .output()
            .expect("openssl runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let (plain, tls, moved) = (free(), free(), free());
        let sample = fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hosting/nginx.conf"),
        )
        .expect("the sample");
        let sample: String = sample
            .lines()
            .filter(|line| !line.contains("listen [::]"))
            .map(|line| format!("{line}\n"))
            .collect();
        let mut site = sample;
        for (from, to) in [
            ("listen 80;", format!("listen {moved};")),
            (
                "listen 443 ssl;",
                format!("listen {plain}; listen {tls} ssl;"),
            ),
            ("/etc/ssl/cert.example.org/fullchain.pem", at("cert.pem")),
            ("/etc/ssl/cert.example.org/privkey.pem", at("key.pem")),
            ("/srv/cert/public", public.display().to_string()),
        ] {
            assert!(site.contains(from), "the sample has no `{from}`");
            site = site.replace(from, &to);
        }
        fs::write(at("site.conf"), site).expect("written");
        let user = Command::new("id")
            .arg("-un")
            .output()
            .expect("id runs")
            .stdout;
        let user = String::from_utf8_lossy(&user).trim().to_string();
        // (Only root may name a user, and then the one that owns the folders has to be named.)
        let user = if user == "root" { "user root;" } else { "" };
        let temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {};\n", at(name)));
        let main = format!(
            "{user}\npid {};\nerror_log {};\nworker_processes 1;\ndaemon off;\nevents {{ }}\nhttp {{\naccess_log off;\n{}include {};\n}}\n",
            at("pid"),
            at("error.log"),
            temps.concat(),
            at("site.conf"),
        );
        fs::write(at("nginx.conf"), main).expect("written");
        let child = Command::new(program().expect("nginx is there"))
            .args([
                "-e",
                &at("error.log"),
                "-p",
                &at(""),
                "-c",
                &at("nginx.conf"),
            ])
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx runs");
        wait_until("nginx answers", || TcpStream::connect(plain).is_ok());
        Nginx {
            child,
            plain,
            tls,
            folder,
        }
    }

    /// Status, header fields in small letters, body.
    fn get(&self, path: &str, more: &str) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let mut stream = TcpStream::connect(self.plain).expect("a connection");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: cert.example.org\r\nConnection: close\r\n{more}\r\n"
        )
        .expect("asked");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer");
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .expect("a status");
        let fields = lines.filter_map(|line| line.split_once(": "));
        (
            status,
            fields
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
                .collect(),
            bytes[end + 4..].to_vec(),
        )
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its worker ends with it.
        drop(
            Command::new("kill")
                .arg(self.child.id().to_string())
                .status(),
        );
        drop(self.child.wait());
    }
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields
        .iter()
        .find(|(one, _)| one == name)
        .map_or("", |(_, value)| value)
}

fn nginx(story: &str) -> Option<(World, Nginx)> {
    if program().is_none() || !has("openssl") || !has("gpg") {
        skip(story, "there is no nginx, openssl or gpg");
        return None;
    }
    let world = published();
    let nginx = Nginx::serving(&world.path("public"));
    Some((world, nginx))
}

#[test]
fn the_sample_for_nginx_serves_every_kind_of_file_as_what_it_is() {
    let Some((world, nginx)) = nginx("nginx serves the site") else {
        return;
    };
    let kinds = [
        ("/", "text/html; charset=utf-8", 60),
        ("/advisories/EX-2026-0012/", "text/html; charset=utf-8", 60),
        ("/ru/rss.xml", "application/rss+xml; charset=utf-8", 60),
        ("/atom.xml", "application/atom+xml; charset=utf-8", 60),
        ("/feed.json", "application/feed+json; charset=utf-8", 60),
        ("/rfc2350.txt", "text/plain; charset=utf-8", 60),
        ("/robots.txt", "text/plain; charset=utf-8", 60),
        ("/sitemap.xml", "application/xml; charset=utf-8", 60),
        ("/pgp-key.asc", "application/pgp-keys", 60),
        ("/.well-known/security.txt", "text/plain; charset=utf-8", 60),
        (
            "/.well-known/openpgpkey/policy",
            "text/plain; charset=utf-8",
            60,
        ),
        ("/assets/favicon.svg", "image/svg+xml", 86_400),
        ("/assets/site.css", "text/css; charset=utf-8", 31_536_000),
    ];
    for (path, kind, age) in kinds {
        let (status, fields, _) = nginx.get(path, "");
        assert_eq!(
            (status, field(&fields, "content-type")),
            (200, kind),
            "{path}"
        );
        assert!(
            field(&fields, "cache-control").contains(&format!("max-age={age}")),
            "{path}: {fields:?}"
        );
        for guard in [
            "content-security-policy",
            "x-content-type-options",
            "referrer-policy",
            "strict-transport-security",
        ] {
            assert!(!field(&fields, guard).is_empty(), "{path} has no {guard}");
        }
        let policy = field(&fields, "content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        let feed = path.contains("/.well-known/")
            || path.ends_with("rss.xml")
            || path.contains("atom")
            || path.contains("feed.");
        let open = if feed || path == "/pgp-key.asc" {
            "*"
        } else {
            ""
        };
        assert_eq!(
            field(&fields, "access-control-allow-origin"),
            open,
            "{path}"
        );
        let tag = field(&fields, "etag");
        let (again, _, body) = nginx.get(path, &format!("If-None-Match: {tag}\r\n"));
        assert_eq!((again, body.len()), (304, 0), "{path} with {tag}");
    }
    for (path, lang) in [
        ("/nothing/", "en"),
        ("/advisories/EX-2026-0009/", "en"),
        ("/ru/nothing", "ru"),
        ("/de/x", "en"),
    ] {
        let (status, fields, body) = nginx.get(path, "");
        let page = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(
            (status, field(&fields, "content-type")),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
        assert!(
            page.contains(&format!("<html lang=\"{lang}\"")),
            "{path}: {page}"
        );
        assert!(!field(&fields, "content-security-policy").is_empty());
    }
    let (status, fields, _) = nginx.get("/advisories", "");
    assert_eq!((status, field(&fields, "location")), (301, "/advisories/"));

    // A switch of the site is seen at once.
    let (_, _, before) = nginx.get("/about/", "");
    let world = world
        .change("site/pages/about.md", "title: ", "title: New ")
        .run("publish --only site --yes")
        .whatever_it_says();
    let (status, _, after) = nginx.get("/about/", "");
    assert!(
        status == 200
            && before != after
            && after == fs::read(world.path("public/about/index.html")).expect("the page")
    );
}

#[test]
fn the_teams_key_is_found_by_its_address_in_both_layouts() {
    let Some((world, nginx)) = nginx("a Web Key Directory is asked") else {
        return;
    };
    let address: Address = "Cert@cert.example.org".parse().expect("an address");
    let settings = Wkd {
        ca_file: Some("ca.pem".into()),
        private_addresses: true,
    };
    let team = Certificate::read(&fs::read(world.path("public/pgp-key.asc")).expect("the key"))
        .expect("a certificate");
    for hosts in [
        vec!["cert.example.org"],
        vec!["openpgpkey.cert.example.org", "cert.example.org"],
    ] {
        let hosts = hosts.into_iter().map(|host| (host.to_string(), nginx.tls));
        let found = Directories::open(&settings, nginx.folder.path(), hosts)
            .expect("directories")
            .ask(&address);
        let found = found
            .expect("an answer")
            .expect("a certificate for the address");
        let one = Certificate::read(&found).expect("one certificate");
        assert_eq!(one.fingerprint(), team.fingerprint());
        assert!(
            one.user_ids()
                .iter()
                .all(|id| id.contains("<cert@cert.example.org>")),
            "{:?}",
            one.user_ids()
        );
        let file = nginx.folder.path().join("found.key");
        fs::write(&file, &found).expect("written");
        let said = Gnupg::of_team(&world).run(&[
            "--show-keys",
            "--with-colons",
            &file.display().to_string(),
        ]);
        assert!(said.contains(&team.fingerprint().to_string()), "{said}");
        let nobody: Address = "nobody@cert.example.org".parse().expect("an address");
        let hosts = [("cert.example.org".to_string(), nginx.tls)];
        let none = Directories::open(&settings, nginx.folder.path(), hosts)
            .expect("directories")
            .ask(&nobody);
        assert!(none.expect("an answer").is_none());
    }
    let client = [
        "/usr/lib/gnupg/gpg-wks-client",
        "/usr/libexec/gpg-wks-client",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists());
    match client {
        Some(client) => {
            let said = Command::new(client)
                .args(["--print-wkd-hash", address.as_str()])
                .output()
                .expect("it runs")
                .stdout;
            let said = String::from_utf8_lossy(&said).into_owned();
            let hash = said.split(' ').next().expect("a hash");
            assert!(
                world
                    .path(&format!("public/.well-known/openpgpkey/hu/{hash}"))
                    .is_file(),
                "{hash}"
            );
            assert!(
                world
                    .path(&format!(
                        "public/.well-known/openpgpkey/cert.example.org/hu/{hash}"
                    ))
                    .is_file(),
                "{hash}"
            );
        }
        None => skip(
            "gpg-wks-client names the same file",
            "there is no `gpg-wks-client`",
        ),
    }
}
