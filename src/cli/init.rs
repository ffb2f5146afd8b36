use super::{
    Done,
    desk::{Desk, WORK},
    failure::Failure,
    key::{private_dir, write_private},
    ui::count,
};
use crate::{
    diag::{Findings, Source},
    ledger::Ledger,
    openpgp::{self, Cause, Secret},
    roster,
    terms::{Fingerprint, Slug},
};
use include_dir::{Dir, include_dir};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Write a new workspace
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to make; by default the one given with -C
    dir: Option<PathBuf>,
    /// A complete one, of a fictional team, with fresh keys for it and its constituents
    #[arg(long)]
    sample: bool,
}

// The repository's own root is the sample workspace.
const FOLDERS: [(&str, Dir<'_>); 4] = [
    ("advisories", include_dir!("$CARGO_MANIFEST_DIR/advisories")),
    ("lists", include_dir!("$CARGO_MANIFEST_DIR/lists")),
    (
        "constituents",
        include_dir!("$CARGO_MANIFEST_DIR/constituents"),
    ),
    ("site", include_dir!("$CARGO_MANIFEST_DIR/site")),
];
const SETTINGS: &str = include_str!("../../advise.yaml");
const TEAM: &str = include_str!("../../team.yaml");
/// What a new workspace has, until somebody writes what is true.
pub(super) const NEW_SETTINGS: &str = "# How this workspace publishes. Unknown fields are errors; `advise check` names the nearest known one.\n\
          site:\n  url: https://cert.example.org     # the public address of the site\n  languages: [en]                  # the first stands at \"/\"\n\n\
          mail:\n  transport: outbox                # a Maildir in outbox/; change to `smtp` when you are ready\n\n\
          # `advise key generate` makes a key and says what to write here\n# signing:\n#   key: .advise/keys/team.key\n#   fingerprint: ...\n\n\
          ids: \"EX-{year}-{number:4}\"\n";
pub(super) const NEW_TEAM: &str = "# The facts about the team, used by site, mail and the RFC 2350 description.\n\
          name: Example CERT\nemail: cert@example.org\ntime_zone: Etc/UTC\n# address, phone, hours, constituency, ...: see the README\nkeys: []\n";
pub(super) const IGNORED: &str =
    "# made by `advise`, never committed\n/public/\n/outbox/\n/.advise/\n";
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Contacts of the sample whose certificates are not in order, to show what happens then.
const ODD: [(&str, Odd); 3] = [
    ("viktor@physics.example.org", Odd::Expired),
    ("rustam@grid.example.net", Odd::Revoked),
    ("igor@water.example.net", Odd::SignOnly),
];

#[derive(Clone, Copy, PartialEq)]
enum Odd {
    Expired,
    Revoked,
    SignOnly,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let root = args.dir.unwrap_or_else(|| desk.root.clone());
    if root.join("advise.yaml").exists() {
        return Err(
            Failure::usage(format!("`{}` is a workspace already", root.display()))
                .hint("nothing was written; choose another folder"),
        );
    }
    let mut files: BTreeMap<String, Vec<u8>> =
        BTreeMap::from([(".gitignore".to_string(), IGNORED.into())]);
    match args.sample {
        true => sample(desk, &root, &mut files)?,
        false => plain(&mut files),
    }
    // A file that is there already is somebody's work.
    if Ledger::exists(&root.join(WORK))? {
        return Err(
            Failure::usage(format!("`{}` has a ledger already", root.display()))
                .hint("nothing was written; choose an empty folder"),
        );
    }
    if let Some(path) = files
        .keys()
        .find(|path| *path != ".gitignore" && root.join(path).exists())
    {
        return Err(
            Failure::usage(format!("`{}` exists already", root.join(path).display()))
                .hint("nothing was written; choose an empty folder"),
        );
    }
    for (path, bytes) in &files {
        let path = root.join(path);
        if path.exists() {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Failure::io(folder, error))?;
        }
        fs::write(&path, bytes).map_err(|error| Failure::io(&path, error))?;
    }
    // With it, `publish` knows that nothing went out before; a workspace without it was copied, or has lost its past.
    drop(Ledger::create(&root.join(WORK))?);
    desk.ui.deed(&format!(
        "wrote a workspace of {} to {}",
        count(files.len(), "file", "files"),
        root.display()
    ));
    let next = if args.sample {
        "see what it would publish"
    } else {
        "see what is missing"
    };
    let verb = if args.sample { "plan" } else { "check" };
    desk.ui.deed(&format!(
        "next: `advise -C {} {verb}` to {next}",
        root.display()
    ));
    Ok(Done::Well)
}

fn add(files: &mut BTreeMap<String, Vec<u8>>, folder: &str, dir: &Dir<'_>) {
    for file in dir.files() {
        files.insert(
            format!("{folder}/{}", file.path().display()),
            file.contents().to_vec(),
        );
    }
    for deeper in dir.dirs() {
        add(files, folder, deeper);
    }
}

/// The prose of a new workspace, which is the sample's.
pub(super) fn new_prose() -> &'static [u8] {
    let folder = FOLDERS
        .iter()
        .find(|(name, _)| *name == "site")
        .map(|(_, dir)| dir);
    folder
        .and_then(|dir| dir.get_file("rfc2350.md"))
        .map(|file| file.contents())
        .expect("the sample has the prose of RFC 2350")
}

fn plain(files: &mut BTreeMap<String, Vec<u8>>) {
    files.insert("advise.yaml".into(), NEW_SETTINGS.into());
    files.insert("team.yaml".into(), NEW_TEAM.into());
    files.insert("site/rfc2350.md".into(), new_prose().to_vec());
    for folder in ["advisories", "lists", "constituents", "certs"] {
        files.insert(format!("{folder}/.gitkeep"), Vec::new());
    }
}

fn sample(desk: &Desk, root: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    for (folder, dir) in &FOLDERS {
        add(files, folder, dir);
    }
    files.insert("advise.yaml".into(), SETTINGS.into());
    files.insert("team.yaml".into(), TEAM.into());
    let keys = root.join(WORK).join("keys");
    private_dir(&keys)?;

    // The team's key has a passphrase, so that the sample shows how one is given.
    let passphrase = random_word(desk)?;
    let old = Fingerprints::of_settings()?;
    let team = openpgp::generate(
        &["Example CERT <cert@cert.example.org>"],
        openpgp::Kind::Team,
        Some(3 * YEAR),
        &desk.now,
        Some(&passphrase),
    )
    .map_err(Failure::new)?;
    write_private(&keys.join("team.key"), team.secret.expose())?;
    write_private(&keys.join("team.revocation.asc"), team.revocation.expose())?;
    write_private(&keys.join("team.passphrase"), passphrase.expose())?;
    let mut renamed = vec![(old.team, team.certificate.fingerprint().clone())];
    put_certificate(files, &team.certificate);

    for contact in old.contacts {
        let odd = ODD
            .iter()
            .find(|(address, _)| *address == contact.address)
            .map(|(_, odd)| *odd);
        let id = format!("{} <{}>", contact.name, contact.address);
        let kind = if odd == Some(Odd::SignOnly) {
            openpgp::Kind::SignOnly
        } else {
            openpgp::Kind::Member
        };
        let (validity, created) = match odd {
            Some(Odd::Expired) => (Some(YEAR), earlier(desk, 2 * YEAR)?),
            _ => (None, desk.now.clone()),
        };
        let made =
            openpgp::generate(&[&id], kind, validity, &created, None).map_err(Failure::new)?;
        let certificate = match odd {
            Some(Odd::Revoked) => openpgp::revoke(
                &made.certificate,
                &made.secret,
                None,
                Cause::Retired,
                "left the organisation",
                &desk.now,
            )
            .map_err(Failure::new)?,
            _ => made.certificate,
        };
        write_private(
            &keys.join(format!("{}.key", contact.address)),
            made.secret.expose(),
        )?;
        put_certificate(files, &certificate);
        renamed.push((contact.fingerprint, certificate.fingerprint().clone()));
    }
    for (path, bytes) in files.iter_mut().filter(|(path, _)| path.ends_with(".yaml")) {
        let mut text = String::from_utf8(std::mem::take(bytes))
            .map_err(|_| Failure::usage(format!("the sample's `{path}` is not UTF-8")))?;
        for (old, new) in &renamed {
            text = text.replace(&old.to_string(), &new.to_string());
        }
        *bytes = text.into_bytes();
    }
    Ok(())
}

fn put_certificate(files: &mut BTreeMap<String, Vec<u8>>, certificate: &openpgp::Certificate) {
    files.insert(
        format!("certs/{}.asc", certificate.fingerprint()),
        certificate.armored().into_bytes(),
    );
}

fn earlier(desk: &Desk, by: Duration) -> Result<crate::terms::Moment, Failure> {
    let at = desk.now.timestamp().checked_sub(by).map_err(Failure::new)?;
    Ok(crate::terms::Moment::from_timestamp(at))
}

fn random_word(desk: &Desk) -> Result<Secret, Failure> {
    let mut bytes = [0_u8; 20];
    openssl::rand::rand_bytes(&mut bytes)
        .map_err(|error| Failure::usage(format!("no randomness to be had: {error}")))?;
    desk.ui
        .detail("the sample's passphrase is in .advise/keys/team.passphrase");
    Ok(Secret::from(
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>(),
    ))
}

/// The fingerprints that stand in the sample's files, which get fresh keys.
struct Fingerprints {
    team: Fingerprint,
    contacts: Vec<Named>,
}

struct Named {
    name: String,
    address: String,
    fingerprint: Fingerprint,
}

impl Fingerprints {
    fn of_settings() -> Result<Fingerprints, Failure> {
        let mut findings = Findings::new();
        let settings = crate::settings::parse(&Source::new("advise.yaml", SETTINGS), &mut findings);
        let team = settings
            .and_then(|settings| settings.signing)
            .map(|signing| signing.fingerprint);
        let team = team.ok_or_else(|| Failure::usage("the sample's settings name no key"))?;
        let mut contacts = Vec::new();
        let (_, folder) = FOLDERS
            .iter()
            .find(|(name, _)| *name == "constituents")
            .expect("the sample has constituents");
        for file in folder.files() {
            let text = file.contents_utf8().expect("the sample's files are UTF-8");
            let slug: Slug = "sample"
                .parse()
                .map_err(|wrong: crate::terms::Wrong| Failure::usage(wrong.message))?;
            let parsed = roster::parse_constituent(
                &Source::new(file.path().display().to_string(), text),
                slug,
                &mut findings,
            );
            for contact in parsed
                .into_iter()
                .flat_map(|parsed| parsed.constituent.contacts)
            {
                if let Some(fingerprint) = &contact.certificate {
                    contacts.push(Named {
                        name: contact.name.clone(),
                        address: contact.address.to_string(),
                        fingerprint: fingerprint.clone(),
                    });
                }
            }
        }
        Ok(Fingerprints { team, contacts })
    }
}
