//! HTTPS as a client, and so the one door of `ureq`: [`wkd`] asks for certificates, [`s3`] (the door of `rusty_s3`)
//! puts the site into a store.

pub mod s3;
pub mod wkd;

use std::{
    fs, io,
    path::{Path, PathBuf},
};
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// Why a named authority cannot be trusted.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum AuthorityError {
    #[error("`{}` holds no certificates of an authority", .0.display())]
    Empty(PathBuf),
    #[error("cannot use `{}`: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// The certificates of a file in PEM.
fn authority(path: &Path) -> Result<RootCerts, AuthorityError> {
    let pem = fs::read(path).map_err(|source| AuthorityError::Io {
        path: path.to_path_buf(),
        source,
    })?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    match certificates.is_empty() {
        true => Err(AuthorityError::Empty(path.to_path_buf())),
        false => Ok(RootCerts::new_with_certs(&certificates)),
    }
}

/// The reason that OpenSSL puts in brackets at the end, after much about itself.
fn plain(words: &str) -> String {
    words
        .strip_suffix(')')
        .and_then(|words| words.rsplit_once('('))
        .map_or(words, |(_, reason)| reason)
        .to_string()
}
