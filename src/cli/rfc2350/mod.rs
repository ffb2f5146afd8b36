mod import;
mod merge;
mod verify;

use super::{Done, desk::Desk, failure::Failure, init};
use crate::{
    openpgp::{self, Certificate, VerifyError},
    publish,
    terms::{Lang, Moment},
};
use rfc2350_import::{Document, Seal};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The team's RFC 2350 description
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print the document as it would be published now
    Show {
        /// In this language
        #[arg(long, value_name = "LANG")]
        lang: Option<Lang>,
    },
    Import(import::Args),
    Verify(verify::Args),
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    match args.verb {
        Verb::Show { lang } => show(desk, lang),
        Verb::Import(args) => import::run(desk, args),
        Verb::Verify(args) => verify::run(desk, args),
    }
}

fn show(desk: &Desk, lang: Option<Lang>) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let lang = lang.unwrap_or_else(|| workspace.settings.site.default_lang().clone());
    if !workspace.settings.site.languages.contains(&lang) {
        return Err(Failure::usage(format!("the site has no language `{lang}`"))
            .hint("`site.languages` in advise.yaml names them"));
    }
    let history = desk.ledger_to_read()?.history()?;
    let text = publish::document_text(&workspace, &history, &lang, &desk.now).ok_or_else(|| {
        Failure::usage("there is no RFC 2350 document yet")
            .hint("it needs `site/rfc2350.md` and the team's certificate")
    })?;
    match desk.ui.wants_json() {
        true => desk
            .ui
            .json(&serde_json::json!({ "lang": lang.as_str(), "text": text })),
        false => desk.ui.data(&text),
    }
    Ok(Done::Well)
}

/// A document and the detached signature beside it, if there is one.
struct File {
    bytes: Vec<u8>,
    detached: Option<Vec<u8>>,
}

/// Far more than any document has; what is shorter is judged when it is read.
const LONGEST: u64 = 64 << 20;

fn open(path: &Path) -> Result<File, Failure> {
    let size = fs::metadata(path).map_err(|error| Failure::io(path, error))?;
    if size.is_dir() {
        return Err(Failure::usage(format!("`{}` is a folder", path.display()))
            .hint("name the file of the document"));
    }
    if size.len() > LONGEST {
        return Err(Failure::usage(format!(
            "`{}` is larger than 64 MiB, and no document",
            path.display()
        )));
    }
    let bytes = fs::read(path).map_err(|error| Failure::io(path, error))?;
    let mut detached = None;
    for end in ["asc", "sig"] {
        let beside = path.with_file_name(format!(
            "{}.{end}",
            path.file_name().unwrap_or_default().to_string_lossy()
        ));
        match fs::read(&beside) {
            // A key may stand there too.
            Ok(bytes)
                if !bytes
                    .windows(32)
                    .any(|window| window.starts_with(b"-----BEGIN PGP PUBLIC")) =>
            {
                detached = detached.or(Some(bytes))
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::io(&beside, error)),
        }
    }
    Ok(File { bytes, detached })
}

/// Reads a document after its signature was verified with the certificates.
fn read(
    file: &File,
    name: &str,
    certificates: &[Certificate],
    now: &Moment,
) -> Result<Document, rfc2350_import::Unreadable> {
    let is_clear = rfc2350_import::is_clear_signed(&file.bytes);
    let detached = file.detached.as_deref().filter(|_| !is_clear);
    if !is_clear && detached.is_none() {
        return rfc2350_import::read(name, &file.bytes, Seal::None, None);
    }
    let (seal, signed) = match openpgp::verify(&file.bytes, detached, certificates, now) {
        Ok(verified) => {
            let (signer, made) = (verified.signer, verified.made);
            (Seal::Good { signer, made }, Some(verified.content))
        }
        Err(VerifyError::UnknownSigner(_)) if certificates.is_empty() => (Seal::Unchecked, None),
        Err(error) => {
            let is_altered = matches!(error, VerifyError::Altered(_));
            let why = error.to_string();
            (Seal::Bad { why, is_altered }, None)
        }
    };
    rfc2350_import::read(name, &file.bytes, seal, signed.as_deref())
}

/// What the importer needs to know of certificates.
fn known(certificates: &[Certificate], now: &Moment) -> Vec<rfc2350_import::KnownCertificate> {
    certificates
        .iter()
        .map(|certificate| rfc2350_import::KnownCertificate {
            fingerprint: certificate.fingerprint().clone(),
            expires: certificate.expires(now),
            address: certificate.addresses().next(),
        })
        .collect()
}

/// The certificates that staff named.
fn given(paths: &[PathBuf]) -> Result<Vec<Certificate>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        let bytes = fs::read(path).map_err(|error| Failure::io(path, error))?;
        all.extend(
            Certificate::read_all(&bytes)
                .map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?,
        );
    }
    Ok(all)
}

/// Those in `certs/` of a workspace. What cannot be read there is the matter of `check`.
fn kept(root: &Path) -> Result<Vec<Certificate>, Failure> {
    let folder = root.join("certs");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::io(&folder, error)),
    };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| Failure::io(&folder, error))?.path();
        if path.extension().is_some_and(|end| end == "asc") && path.is_file() {
            let bytes = fs::read(&path).map_err(|error| Failure::io(&path, error))?;
            all.extend(Certificate::read(&bytes).ok());
        }
    }
    Ok(all)
}
