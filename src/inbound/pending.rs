//! Requests that wait for staff: a folder each in `.advise/requests/`, with the facts, the certificate and the mail.
//!
//! Only its owner can read them (0700). Everything in them came from outside: it is shown, and nothing of it is a path or a
//! command.

use super::request::Purpose;
use crate::{
    openpgp::Certificate,
    terms::{Address, Fingerprint, Moment, Slug},
};
use serde_json::{Value, json};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// More do not wait: then mail that asks stays where it is.
pub const MOST: usize = 500;

/// The most of a mail that is kept for staff, in bytes: whoever asks does not choose how full our disk gets.
const MAIL: usize = 256 * 1024;

/// The most of the signed text that is kept beside the mail itself, in characters.
const TEXT: usize = 2_000;

/// What somebody asks of staff, with the facts that were found when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Ten letters; the same for the same address, certificate and list.
    pub id: String,
    /// What is asked.
    pub purpose: Purpose,
    /// Of which list.
    pub list: Slug,
    /// Who asks. The certificate names this address.
    pub address: Address,
    /// As the sender calls themselves.
    pub name: String,
    /// The certificate that the mail is signed with.
    pub certificate: Fingerprint,
    /// When it came.
    pub came: Moment,
    /// When it was signed, as the signer says.
    pub signed: Moment,
    /// What was signed.
    pub text: String,
    /// Whether the signed text says by itself what is asked.
    pub says_so: bool,
    /// Constituents that have the sender's domain.
    pub domain_of: Vec<Slug>,
    /// A domain of a constituent that the sender's could be taken for.
    pub resembles: Option<String>,
    /// What our own mail server found of DKIM and SPF, if it says so.
    pub relay: Option<String>,
}

/// Why a request cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum PendingError {
    /// The system refused.
    #[error("cannot use `{}`: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// Not what was written.
    #[error("`{}` is damaged", .0.display())]
    Damaged(PathBuf),
    /// None of this name.
    #[error("there is no request `{0}`")]
    Unknown(String),
}

/// The folder of requests in the folder `work` (`.advise`).
#[derive(Debug, Clone)]
pub struct Pending {
    folder: PathBuf,
}

impl Pending {
    /// Nothing is made before there is a request.
    pub fn of(work: &Path) -> Pending {
        Pending {
            folder: work.join("requests"),
        }
    }

    /// The names of all, sorted.
    pub fn ids(&self) -> Result<Vec<String>, PendingError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.wrong(&self.folder, source)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry
                .map_err(|source| self.wrong(&self.folder, source))?
                .file_name();
            ids.extend(name.to_str().filter(|name| is_id(name)).map(str::to_string));
        }
        ids.sort();
        Ok(ids)
    }

    /// All, the oldest first.
    pub fn all(&self) -> Result<Vec<Request>, PendingError> {
        let mut all = self
            .ids()?
            .iter()
            .map(|id| self.read(id))
            .collect::<Result<Vec<_>, _>>()?;
        all.sort_by(|a, b| (&a.came, &a.id).cmp(&(&b.came, &b.id)));
        Ok(all)
    }

    /// One of them.
    pub fn read(&self, id: &str) -> Result<Request, PendingError> {
        if !is_id(id) {
            return Err(PendingError::Unknown(crate::terms::shorten(id)));
        }
        let path = self.folder.join(id).join("request.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(PendingError::Unknown(id.to_string()));
            }
            Err(source) => return Err(self.wrong(&path, source)),
        };
        let value = serde_json::from_str(&text).ok();
        value
            .and_then(|value| from_json(id, &value))
            .ok_or(PendingError::Damaged(path))
    }

    /// The certificate of a request.
    pub fn certificate(&self, request: &Request) -> Result<Certificate, PendingError> {
        let path = self.folder.join(&request.id).join("certificate.asc");
        let bytes = fs::read(&path).map_err(|source| self.wrong(&path, source))?;
        let certificate = Certificate::read(&bytes)
            .ok()
            .filter(|one| *one.fingerprint() == request.certificate);
        certificate.ok_or(PendingError::Damaged(path))
    }

    /// The `Message-ID` of its mail is kept with the mail; this gives the mail's bytes.
    pub fn mail(&self, request: &Request) -> Result<Vec<u8>, PendingError> {
        let path = self.folder.join(&request.id).join("mail.eml");
        fs::read(&path).map_err(|source| self.wrong(&path, source))
    }

    /// Keeps a request durably: all of it or nothing. The same once more takes the place of the first.
    pub fn keep(
        &self,
        request: &Request,
        certificate: &Certificate,
        mail: &[u8],
    ) -> Result<(), PendingError> {
        let draft = self.folder.join(format!(".{}.new", request.id));
        let home = self.folder.join(&request.id);
        let text = format!("{:#}\n", to_json(request));
        let write = || {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.folder)?;
            remove(&draft)?;
            DirBuilder::new().mode(0o700).create(&draft)?;
            for (name, bytes) in [
                ("request.json", text.as_bytes()),
                ("certificate.asc", certificate.armored().as_bytes()),
                ("mail.eml", &mail[..mail.len().min(MAIL)]),
            ] {
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(draft.join(name))?;
                file.write_all(bytes)?;
                file.sync_all()?;
            }
            File::open(&draft)?.sync_all()?;
            remove(&home)?;
            fs::rename(&draft, &home)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| self.wrong(&home, source))
    }

    /// Takes away what staff have decided on.
    pub fn remove(&self, request: &Request) -> Result<(), PendingError> {
        let home = self.folder.join(&request.id);
        remove(&home).map_err(|source| self.wrong(&home, source))
    }

    fn wrong(&self, path: &Path, source: io::Error) -> PendingError {
        PendingError::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Base 32, so never a path.
fn is_id(name: &str) -> bool {
    name.len() == 10 && name.bytes().all(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7'))
}

/// Somebody's words on a terminal or in a file: no control characters, nothing that turns the direction of reading.
pub fn plain(text: &str, most: usize) -> String {
    let odd = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().filter(|c| !odd(*c)).take(most).collect()
}

impl Request {
    /// As it is kept and shown to programs.
    pub fn json(&self) -> Value {
        to_json(self)
    }
}

fn to_json(request: &Request) -> Value {
    json!({
        "id": request.id, "purpose": request.purpose.as_str(), "list": request.list.as_str(), "address": request.address.as_str(),
        "name": request.name, "certificate": request.certificate.to_string(), "came": request.came.rfc3339(),
        "signed": request.signed.rfc3339(), "text": plain(&request.text, TEXT), "says_so": request.says_so,
        "domain_of": request.domain_of.iter().map(Slug::as_str).collect::<Vec<_>>(), "resembles": request.resembles,
        "relay": request.relay,
    })
}

fn from_json(id: &str, value: &Value) -> Option<Request> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let purpose = [Purpose::Join, Purpose::NewKey]
        .into_iter()
        .find(|known| Some(known.as_str()) == text("purpose"))?;
    let domain_of = value
        .get("domain_of")?
        .as_array()?
        .iter()
        .map(|slug| slug.as_str()?.parse().ok());
    Some(Request {
        id: id.to_string(),
        purpose,
        list: text("list")?.parse().ok()?,
        address: text("address")?.parse().ok()?,
        name: text("name")?.to_string(),
        certificate: text("certificate")?.parse().ok()?,
        came: text("came")?.parse().ok()?,
        signed: text("signed")?.parse().ok()?,
        text: text("text")?.to_string(),
        says_so: value.get("says_so")?.as_bool()?,
        domain_of: domain_of.collect::<Option<_>>()?,
        resembles: text("resembles").map(str::to_string),
        relay: text("relay").map(str::to_string),
    })
}
