//! How fast letters leave: one signed letter to a list of many members, by way of the real path (ledger on disk, parcels
//! through the gate and a real list, connections) to a mail server on this machine.
//!
//!     cargo bench --bench delivery -- PORT MAILS BYTES CONNECTIONS [FOLDER]
//!
//! Makes a workspace in FOLDER (else where temporary files go), and prints one line of JSON: how many mails, and
//! how many seconds from the first entry in the ledger to the last. `scripts/bench.d/delivery.py` puts it beside others.

#![allow(
    clippy::print_stdout,
    reason = "a program of its own, whose output is read by `scripts/bench`"
)]

use advise::{
    ledger::Ledger,
    openpgp::{self, Kind, TeamKey},
    plan::{self, Facts, Only, Request},
    publish::{self, Job, Keyring, PublishError, Watch},
    terms::{Address, Fingerprint, Moment},
    workspace,
};
use std::{error::Error, fmt::Write as _, fs, path::Path, time::Instant};

struct Held(TeamKey);

impl Keyring for Held {
    fn key(&self) -> Result<&TeamKey, PublishError> {
        Ok(&self.0)
    }
}

struct Silent;

impl Watch for Silent {
    fn begin(&self, _: &'static str, _: usize) {}
    fn step(&self) {}
    fn end(&self) {}
    fn deed(&self, _: &str) {}
}

/// What stands around the text in such a mail.
const AROUND: usize = 2_500;

/// So many contacts are written into one file.
const A_FILE: usize = 500;

fn write(root: &Path, path: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let path = root.join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, text)?)
}

fn workspace_of(
    root: &Path,
    port: u16,
    mails: usize,
    bytes: usize,
    connections: usize,
    key: &str,
) -> Result<(), Box<dyn Error>> {
    let settings = format!(
        "site: {{url: \"https://cert.example.org\"}}\nmail:\n  transport: smtp\n  connections: {connections}\n  \
         smtp: {{host: 127.0.0.1, port: {port}, security: none}}\nsigning: {{key: team.key, fingerprint: \"{key}\"}}\n"
    );
    write(root, "advise.yaml", &settings)?;
    let team = format!(
        "name: Example CERT\nemail: cert@cert.example.org\ntime_zone: Asia/Almaty\nkeys: [\"{key}\"]\n\
         address: 12 Orchard Street\nhours: always\nphone: \"+7 727 555 0100\"\nwebsite: https://cert.example.org\n\
         constituency: everybody\n"
    );
    write(root, "team.yaml", &team)?;
    write(
        root,
        "site/rfc2350.md",
        include_str!("../tests/mistakes/base/site/rfc2350.md"),
    )?;
    write(
        root,
        "lists/crowd.yaml",
        "title: A crowd\naddress: crowd@lists.cert.example.org\ntlp: GREEN\n",
    )?;
    // A file of the workspace is never without end, so a crowd is several constituents.
    for (number, first) in (0..mails).step_by(A_FILE).enumerate() {
        let mut crowd = String::from("name: A crowd\nlists: [crowd]\ncontacts:\n");
        for n in first..mails.min(first + A_FILE) {
            writeln!(
                crowd,
                "  - {{name: Member {n}, address: member{n}@crowd.example.org}}"
            )?;
        }
        write(root, &format!("constituents/crowd-{number}.yaml"), &crowd)?;
    }
    let line = "A line of an advisory that says something about a fault and what to do about it.\n";
    let advisory = format!(
        "---\nid: A-2026-0001\nstatus: final\ntitle: A letter for many\nseverity: high\ndate: 2026-07-01\ntlp: GREEN\naudience: [crowd]\n---\n{}",
        line.repeat(bytes.saturating_sub(AROUND) / line.len())
    );
    write(root, "advisories/A-2026-0001.md", &advisory)
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let [port, mails, bytes, connections] = match &words[..] {
        [a, b, c, d, ..] => [a.parse()?, b.parse()?, c.parse()?, d.parse()?],
        // `cargo bench` and `cargo test --benches` call it without any.
        _ => {
            println!("usage: delivery PORT MAILS BYTES CONNECTIONS [FOLDER]");
            return Ok(());
        }
    };
    let temp = match words.get(4) {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let (root, now): (_, Moment) = (
        temp.path(),
        "2026-07-01T12:00:00Z".parse().map_err(|_| "a time")?,
    );
    let made = openpgp::generate(
        &["Example CERT <cert@cert.example.org>"],
        Kind::Team,
        None,
        &now,
        None,
    )?;
    let key = made.certificate.fingerprint().to_string();
    workspace_of(root, u16::try_from(port)?, mails, bytes, connections, &key)?;
    write(
        root,
        &format!("certs/{key}.asc"),
        &made.certificate.armored(),
    )?;

    let reading = workspace::read(root, &now, &workspace::Published::default())?;
    let workspace = reading
        .workspace
        .ok_or_else(|| format!("the workspace has mistakes: {:?}", reading.findings))?;
    let work = root.join(".advise");
    let mut ledger = Ledger::create(&work)?;
    let (history, members) = (ledger.history()?, ledger.members());
    let member = |address: &Address| members.hash(address);
    let key_state = |fingerprint: &Fingerprint| workspace.certificates.state(fingerprint, &now);
    let request = Request {
        ids: Vec::new(),
        only: Some(Only::Mail),
    };
    let plan = plan::make(&Facts {
        advisories: &workspace.advisories,
        roster: &workspace.roster,
        settings: &workspace.settings,
        key_state: &key_state,
        history: &history,
        member: &member,
        announcement: None,
        document: None,
        now: &now,
        request: &request,
    });
    let keyring = Held(TeamKey::from_file(
        made.secret.expose(),
        None,
        made.certificate.clone(),
        &now,
    )?);
    let job = Job {
        workspace: &workspace,
        plan: &plan,
        history: &history,
        work,
        now: &now,
        gate: &advise::tlp::Gate::new(&now, &now),
        keyring: &keyring,
        watch: &Silent,
    };
    let prepared = publish::prepare(&job, &mut ledger)?;
    let posts = advise::channels::mail::open(&workspace.settings.mail, root, &[])?;
    let start = Instant::now();
    let report = prepared.carry_out(&mut ledger, posts, None)?;
    let seconds = start.elapsed().as_secs_f64();
    let accepted = report.outcomes.get("accepted").copied().unwrap_or(0);
    if accepted != mails {
        return Err(format!("{accepted} of {mails} mails were taken: {report:?}").into());
    }
    println!("{{\"mails\": {mails}, \"seconds\": {seconds:.6}}}");
    Ok(())
}
