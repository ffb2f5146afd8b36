//! A workspace on disk with fresh keys, written from the same facts that the oracle reads.

use crate::{
    gate::oracle::{Advisory, Embargo, Key, Label, List, Member, Reader, Status},
    gate::traces::files,
};
use advise::{
    ledger::Ledger,
    openpgp::{Cause, Generated, Kind, generate, revoke},
    terms::Moment,
};
use sequoia_openpgp::{Cert, parse::Parse as _};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

/// In the past of every clock that this may run by: no embargo ends before its time by the clock, whatever `--now` says.
pub const NOW: &str = "2025-07-01T12:00:00Z";
const DAY: Duration = Duration::from_secs(86_400);
const MADE: &str = "2025-01-01T00:00:00Z";

pub struct World {
    folder: tempfile::TempDir,
    pub lists: Vec<List>,
    pub members: Vec<Member>,
    pub advisories: Vec<Advisory>,
    /// The secret keys by address: of members, and of list servers.
    pub keys: BTreeMap<String, Cert>,
    fingerprints: BTreeMap<String, String>,
}

/// A place where making things durable costs nothing, if there is one.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() {
        memory.to_path_buf()
    } else {
        std::env::temp_dir()
    };
    tempfile::Builder::new()
        .prefix("advise-gate")
        .tempdir_in(base)
        .expect("a folder")
}

fn at(text: &str) -> Moment {
    text.parse().expect(text)
}

fn key_in(state: Key, address: &str) -> Generated {
    let id = format!("Somebody <{address}>");
    let (kind, validity) = match state {
        Key::CannotEncrypt => (Kind::SignOnly, None),
        Key::Expired => (Kind::Member, Some(100 * DAY)),
        _ => (Kind::Member, None),
    };
    let made = generate(&[&id], kind, validity, &at(MADE), None).expect("a key");
    match state {
        Key::Revoked => {
            let certificate = revoke(
                &made.certificate,
                &made.secret,
                None,
                Cause::Retired,
                "",
                &at("2025-02-01"),
            )
            .expect("revoked");
            Generated {
                certificate,
                ..made
            }
        }
        _ => made,
    }
}

pub fn address_of(member: u32) -> String {
    format!("oriole{member:04}@org{member}.example.net")
}

/// Runs a test on threads of its own: what fails on one that all tests share is told in the name of another, or nowhere.
pub fn on_own_threads(test: impl FnOnce() + Send) {
    rayon::ThreadPoolBuilder::new()
        .build()
        .expect("threads")
        .install(test);
}

impl World {
    pub fn new(lists: Vec<List>, members: Vec<Member>, advisories: Vec<Advisory>) -> World {
        let folder = folder();
        let keys = BTreeMap::new();
        let mut world = World {
            folder,
            lists,
            members,
            advisories,
            keys,
            fingerprints: BTreeMap::new(),
        };
        let team = generate(
            &["Example CERT <cert@cert.example.org>"],
            Kind::Team,
            None,
            &at(MADE),
            None,
        )
        .expect("a key");
        let fingerprint = team.certificate.fingerprint().to_string();
        world.write(".advise/keys/team.key", team.secret.expose());
        drop(Ledger::create(&world.path(".advise")).expect("a ledger"));
        world.write(
            &format!("certs/{fingerprint}.asc"),
            team.certificate.armored(),
        );
        world.write(
            "advise.yaml",
            format!(
                "site:\n  url: https://cert.example.org\n  languages: [en, ru]\n\
                 mail:\n  transport: outbox\n  from: cert@cert.example.org\n  bounces: bounces@cert.example.org\n  max_age: 3650\n\
                 signing:\n  key: .advise/keys/team.key\n  fingerprint: \"{fingerprint}\"\nids: \"EX-{{year}}-{{number:4}}\"\n"
            ),
        );
        world.write(
            "team.yaml",
            format!("name: Example CERT\nemail: cert@cert.example.org\ntime_zone: Asia/Almaty\nphone: \"+7 727 555 0100\"\nkeys: [\"{fingerprint}\"]\n"),
        );
        world.write("site/rfc2350.md", include_str!("../../../site/rfc2350.md"));
        world.write(
            "site/rfc2350.ru.md",
            include_str!("../../../site/rfc2350.ru.md"),
        );
        world.write(
            "site/pages/about.md",
            "---\ntitle: About us\nnav: 10\n---\nWe are a team.\n",
        );
        for (address, key) in world
            .lists
            .iter()
            .filter_map(|l| Some((l.address.clone(), l.relay?)))
            .collect::<Vec<_>>()
        {
            world.give_key(&address, key);
        }
        for (address, key) in world
            .members
            .iter()
            .map(|m| (m.address.clone(), m.key))
            .collect::<Vec<_>>()
        {
            world.give_key(&address, key);
        }
        for list in world.lists.clone() {
            world.write_list(&list);
        }
        for place in 0..world.members.len() {
            world.write_member(place);
        }
        for advisory in world.advisories.clone() {
            world.write_advisory(&advisory, 2);
            world.write_beside(&advisory);
        }
        world
    }

    /// A second workspace with the same past, from which some advisories are taken out as if they had never been.
    pub fn without(&self, gone: impl Fn(&Advisory) -> bool) -> World {
        let (kept, gone): (Vec<Advisory>, Vec<Advisory>) = self
            .advisories
            .iter()
            .cloned()
            .partition(|advisory| !gone(advisory));
        let gone: Vec<String> = gone
            .iter()
            .map(|advisory| format!("advisories/EX-2026-{:04}", advisory.number))
            .collect();
        let world = World {
            folder: folder(),
            lists: self.lists.clone(),
            members: self.members.clone(),
            advisories: kept,
            keys: self.keys.clone(),
            fingerprints: self.fingerprints.clone(),
        };
        for (path, bytes) in files(self.root()) {
            let path = path
                .strip_prefix(self.root())
                .expect("below")
                .to_string_lossy()
                .into_owned();
            let made = path.starts_with("public/") || path.starts_with("outbox/");
            if !made && !gone.iter().any(|gone| path.starts_with(gone)) {
                world.write(&path, bytes);
            }
        }
        world
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect(path)
    }

    /// Makes a certificate in this state and puts its file where it belongs, unless that is what is wrong.
    pub fn give_key(&mut self, address: &str, state: Key) {
        if state == Key::NoneNamed {
            return;
        }
        let made = key_in(state, address);
        let fingerprint = made.certificate.fingerprint().to_string();
        if state != Key::Missing {
            self.write(
                &format!("certs/{fingerprint}.asc"),
                made.certificate.armored(),
            );
        }
        self.fingerprints.insert(address.to_string(), fingerprint);
        self.keys.insert(
            address.to_string(),
            Cert::from_bytes(made.secret.expose()).expect("a key"),
        );
    }

    /// Puts the file there that was missing.
    pub fn find_key(&mut self, address: &str) {
        let cert = self.keys[address].clone().strip_secret_key_material();
        let bytes = sequoia_openpgp::serialize::SerializeInto::to_vec(&cert).expect("bytes");
        let certificate = advise::openpgp::Certificate::read(&bytes).expect("a certificate");
        self.write(
            &format!("certs/{}.asc", self.fingerprints[address]),
            certificate.armored(),
        );
    }

    pub fn write_list(&self, list: &List) {
        let delivery = match list.relay {
            None => "direct".to_string(),
            Some(_) => match self.fingerprints.get(&list.address) {
                None => "relay".into(),
                Some(fingerprint) => format!("relay\ncertificate: \"{fingerprint}\""),
            },
        };
        let encrypt = if list.always { "always" } else { "by-label" };
        let text = format!(
            "title: List {}\naddress: {}\ntlp: {}\nencrypt: {encrypt}\nnotify_held: {}\ndelivery: {delivery}\n",
            list.name,
            list.address,
            list.ceiling.word(),
            list.notify
        );
        self.write(&format!("lists/{}.yaml", list.name), text);
    }

    /// Each member is a constituent of its own; every second one reads Russian.
    pub fn write_member(&self, place: usize) {
        let member = &self.members[place];
        let name = member.address.split('@').next().unwrap_or_default();
        let lists = member.lists.join(", ");
        let mut text = format!(
            "name: Organisation {name}\nlists: [{lists}]\ncontacts:\n  - name: Somebody {name}\n    address: {}\n    language: {}\n",
            member.address,
            if reads_russian(place) { "ru" } else { "en" }
        );
        if let Some(fingerprint) = self.fingerprints.get(&member.address) {
            text += &format!("    certificate: \"{fingerprint}\"\n");
        }
        if member.suspended {
            text += "    suspended: left\n";
        }
        if member.joined_late {
            text += "    joined: 2025-06-30\n";
        }
        self.write(&format!("constituents/{name}.yaml"), text);
    }

    /// With a canary in every part; `revision` is the number of the newest.
    pub fn write_advisory(&self, advisory: &Advisory, revision: u32) {
        let Advisory { number, label, .. } = advisory;
        let status = match advisory.status {
            Status::Draft => "draft",
            Status::Final => "final",
            Status::Withdrawn => "withdrawn",
        };
        let embargo = match advisory.embargo {
            Embargo::None => "",
            Embargo::Past => "embargo: 2025-06-28T12:00:00Z\n",
            Embargo::Future => "embargo: 2025-08-01T12:00:00Z\n",
        };
        let audience: Vec<String> = advisory
            .audience
            .iter()
            .map(|reader| match reader {
                Reader::Public => "public".into(),
                Reader::List(name) => name.clone(),
                // An address is the same in capitals.
                Reader::Person(address) => address.replace("oriole", "Oriole"),
            })
            .collect();
        let mut text = format!(
            "---\nid: EX-2026-{number:04}\nstatus: {status}\ntitle: \"Example Gateway: kanarek{number:04}t breaks it\"\ndate: 2025-06-20\n\
             tlp: {}\nseverity: high\naudience: [{}]\n{embargo}\
             affected: [{{vendor: Example, product: \"Gateway kanarek{number:04}p\", versions: \"< 2\", fixed: \"2\"}}]\n\
             references: [{{title: \"Notice kanarek{number:04}r\", url: \"https://vendor.example.com/kanarek{number:04}l\"}}]\n\
             revisions:\n",
            label.word(),
            audience.join(", "),
        );
        for revision in 1..=revision {
            text += &format!(
                "  - {{number: \"{revision}\", date: 2025-06-{:02}, summary: Change kanarek{number:04}s}}\n",
                20 + revision
            );
        }
        text += &format!(
            "---\n## What happened\nA long text that is wrapped somewhere, and in the middle of it stands kanarek{number:04}b; \
             after which it goes on until the line is far too long for a mail.\n\n| what | value |\n|---|---|\n| table | kanarek{number:04}c |\n\n\
             ```\ncode kanarek{number:04}d\n```\n"
        );
        self.write(&format!("advisories/EX-2026-{number:04}.md"), text);
    }

    /// A translation and an attachment.
    fn write_beside(&self, advisory: &Advisory) {
        let number = advisory.number;
        self.write(
            &format!("advisories/EX-2026-{number:04}.ru.md"),
            format!("---\ntitle: \"Шлюз kanarek{number:04}u ломается\"\n---\nДлинный русский текст, в котором стоит kanarek{number:04}v, и ещё немного.\n"),
        );
        self.write(
            &format!("advisories/EX-2026-{number:04}/kanarek{number:04}n.csv"),
            format!("indicator\nkanarek{number:04}a\n"),
        );
    }

    pub fn run(&self, now: &str, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_advise"))
            .arg("-C")
            .arg(self.root())
            .args(["-v", "--now", now])
            .args(args)
            .env("RUST_BACKTRACE", "1")
            .env("RUST_LOG", "trace")
            .env("NO_COLOR", "1")
            .output()
            .expect("advise runs")
    }

    pub fn publish(&self, now: &str) -> Output {
        self.run(now, &["publish", "--yes"])
    }
}

pub fn reads_russian(place: usize) -> bool {
    place % 2 == 1
}

pub fn list(name: &str, ceiling: Label, always: bool, relay: Option<Key>) -> List {
    // Half of the lists tell nobody that something is held.
    let notify = !always;
    List {
        name: name.into(),
        address: format!("{name}@lists.example.org"),
        ceiling,
        always,
        relay,
        notify,
    }
}

pub fn member(number: u32, lists: &[&str], key: Key) -> Member {
    let lists = lists.iter().map(ToString::to_string).collect();
    Member {
        address: address_of(number),
        lists,
        key,
        suspended: false,
        joined_late: false,
    }
}
