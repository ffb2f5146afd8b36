use super::{
    Done,
    desk::{Desk, WORK},
    failure::Failure,
    ui::table,
};
use crate::{
    diag::{Findings, Source},
    openpgp::{self, Certificate, Secret},
    settings::KeySource,
    terms::{Fingerprint, Lang},
};
use serde_json::json;
use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

/// The team's key, and every certificate's health
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make a key for the team
    Generate {
        /// How many years it is good for
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10))]
        years: u32,
        /// Do not ask for a passphrase (the file alone then signs for the team)
        #[arg(long)]
        no_passphrase: bool,
    },
    /// Show the state of the team's key and of all certificates
    Status,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    match args.verb {
        Verb::Generate {
            years,
            no_passphrase,
        } => generate(desk, years, no_passphrase),
        Verb::Status => status(desk),
    }
}

/// Makes a folder that only its owner may enter.
pub fn private_dir(path: &Path) -> Result<(), Failure> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Failure::io(path, error))
}

/// Writes a new file that only its owner may read; one that is there is left alone.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Failure::io(path, error))
}

fn generate(desk: &Desk, years: u32, no_passphrase: bool) -> Result<Done, Failure> {
    let path = desk.root.join("team.yaml");
    let text = fs::read_to_string(&path).map_err(|error| Failure::io(&path, error))?;
    let mut findings = Findings::new();
    let team = crate::team::parse(&Source::new("team.yaml", text), &mut findings);
    let team = team.ok_or_else(|| {
        desk.ui.talk_findings(&findings, crate::diag::Level::Error);
        Failure::usage("team.yaml has mistakes, and the key is made from its name and address")
    })?;
    let keys = desk.root.join(WORK).join("keys");
    let file = keys.join("team.key");
    if file.exists() {
        return Err(
            Failure::usage(format!("`{}` exists already", file.display()))
                .hint("it is never overwritten: move it away if it is really no longer needed"),
        );
    }
    let passphrase = match no_passphrase {
        true => None,
        false if desk.ui.can_ask() => {
            let ask = |what| {
                desk.ui.passphrase(what).map_err(|error| {
                    Failure::usage(format!("cannot ask for the passphrase: {error}"))
                })
            };
            let (first, second) = (ask("the new key")?, ask("the new key, once more")?);
            if first != second || first.is_empty() {
                return Err(Failure::usage(
                    "the two passphrases differ, or are empty; no key was made",
                ));
            }
            Some(Secret::from(first))
        }
        false => {
            return Err(Failure::usage("nobody can be asked for a passphrase here")
                .hint("run it in a terminal, or add `--no-passphrase`"));
        }
    };
    let id = format!("{} <{}>", team.name.in_lang(&Lang::english()), team.email);
    let validity = Duration::from_secs(u64::from(years) * 365 * 86_400);
    let made = openpgp::generate(
        &[&id],
        openpgp::Kind::Team,
        Some(validity),
        &desk.now,
        passphrase.as_ref(),
    )
    .map_err(Failure::new)?;
    let fingerprint = made.certificate.fingerprint().clone();
    private_dir(&keys)?;
    write_private(&file, made.secret.expose())?;
    write_private(
        &keys.join(format!("{fingerprint}.revocation.asc")),
        made.revocation.expose(),
    )?;
    let certs = desk.root.join("certs");
    fs::create_dir_all(&certs).map_err(|error| Failure::io(&certs, error))?;
    let certificate = certs.join(format!("{fingerprint}.asc"));
    fs::write(&certificate, made.certificate.armored())
        .map_err(|error| Failure::io(&certificate, error))?;
    desk.ui
        .deed(&format!("made a key for {id}, good for {years} years"));
    desk.ui.deed(&format!(
        "its certificate is certs/{fingerprint}.asc; keep {WORK}/keys/{fingerprint}.revocation.asc in a safe place"
    ));
    desk.ui.deed("write into advise.yaml:");
    desk.ui.data(&format!(
        "signing:\n  key: {WORK}/keys/team.key\n  fingerprint: \"{fingerprint}\"\n"
    ));
    desk.ui.deed("and into team.yaml:");
    desk.ui.data(&format!("keys: [\"{fingerprint}\"]\n"));
    Ok(Done::Well)
}

fn status(desk: &Desk) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let owners = |fingerprint: &Fingerprint| -> String {
        let contacts = workspace
            .roster
            .contacts()
            .filter(|c| c.certificate.as_ref() == Some(fingerprint))
            .map(|c| c.address.to_string());
        let team = workspace
            .team
            .keys
            .iter()
            .filter(|key| *key == fingerprint)
            .map(|_| "the team".to_string());
        contacts.chain(team).collect::<Vec<_>>().join(" ")
    };
    let signs = workspace
        .settings
        .signing
        .as_ref()
        .map(|signing| &signing.fingerprint);
    let state = |certificate: &Certificate| match signs == Some(certificate.fingerprint()) {
        true if certificate.can_sign(&desk.now) => certificate
            .expires(&desk.now)
            .map_or("signs".into(), |at| format!("signs until {}", at.date())),
        true => "CANNOT SIGN".into(),
        false => certificate.state(&desk.now).to_string(),
    };
    let named: Vec<&Fingerprint> = workspace
        .roster
        .contacts()
        .filter_map(|contact| contact.certificate.as_ref())
        .collect();
    let missing = named
        .iter()
        .filter(|fingerprint| !workspace.certificates.has(fingerprint));
    let mut rows = Vec::new();
    for fingerprint in workspace.certificates.fingerprints() {
        let (algorithm, state) = match workspace.certificates.read(fingerprint)? {
            Some(certificate) => (certificate.algorithm(), state(&certificate)),
            None => (String::new(), "its file has just gone".into()),
        };
        rows.push(vec![
            fingerprint.to_string(),
            algorithm,
            state,
            owners(fingerprint),
        ]);
    }
    rows.extend(missing.map(|fingerprint| {
        vec![
            fingerprint.to_string(),
            String::new(),
            "certificate is missing".into(),
            owners(fingerprint),
        ]
    }));
    let healthy = rows
        .iter()
        .all(|row| row[2].starts_with("usable") || row[2].starts_with("signs"));
    if desk.ui.wants_json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| json!({ "fingerprint": row[0], "algorithm": row[1], "state": row[2], "owner": row[3] }))
            .collect();
        desk.ui
            .json(&json!({ "certificates": rows, "healthy": healthy }));
    } else {
        if let Some(signing) = &workspace.settings.signing {
            let place = match &signing.key {
                KeySource::File(path) if desk.root.join(path).is_file() => {
                    format!("in the file {path}")
                }
                KeySource::File(path) => format!("MISSING: there is no file {path}"),
                KeySource::Agent => "with gpg-agent".into(),
            };
            desk.ui.data(&format!(
                "The team signs with {}; the key is {place}.\n\n",
                signing.fingerprint
            ));
        }
        desk.ui.data(&table(
            &["CERTIFICATE", "ALGORITHM", "STATE", "OWNER"],
            &rows,
        ));
    }
    Ok(if healthy {
        Done::Well
    } else {
        Done::WithFindings
    })
}
