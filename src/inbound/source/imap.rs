//! A mailbox on a server, by IMAP over TLS; the door of `async_imap`.
//!
//! What is done is deleted there. What staff have to look at is flagged and stays; flagged mail is not looked at again, so
//! that staff can also flag what the program should leave alone.

use super::SourceError;
use crate::{
    inbound::{Unreadable, mime::MAX_BYTES},
    settings,
};
use async_imap::{Client, Session};
use futures_util::TryStreamExt as _;
use native_tls::{Certificate, Protocol, TlsConnector};
use std::{fmt, fs, future::Future, path::Path, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::{Builder, Runtime},
};

/// No single command may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

trait Wire: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Wire for T {}

/// An open mailbox.
pub struct Mailbox {
    runtime: Runtime,
    session: Session<Box<dyn Wire>>,
    host: String,
    folder: String,
    /// Whether the server can remove one mail without removing what others have marked.
    removes_one: bool,
}

/// A mail in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    uid: u32,
    /// What it is called in reports: `INBOX/17`.
    pub name: String,
}

impl Mailbox {
    /// Connects, logs in, and opens the folder.
    pub fn open(
        settings: &settings::Imap,
        authorities: Option<&Path>,
        password: &str,
    ) -> Result<Mailbox, SourceError> {
        let host = settings.host.clone();
        let unreachable = |why: String| SourceError::Unreachable {
            host: host.clone(),
            why,
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| unreachable(error.to_string()))?;
        let trust = trust(authorities)?;
        let connected = runtime.block_on(patiently(async {
            let bare = settings.host.trim_matches(['[', ']']);
            let socket = TcpStream::connect((bare, settings.port))
                .await
                .map_err(|error| error.to_string())?;
            let wire: Box<dyn Wire> = match settings.tls {
                true => {
                    let connector = tokio_native_tls::TlsConnector::from(trust);
                    Box::new(
                        connector
                            .connect(bare, socket)
                            .await
                            .map_err(|error| error.to_string())?,
                    )
                }
                false => Box::new(socket),
            };
            let mut client = Client::new(wire);
            match client
                .read_response()
                .await
                .map_err(|error| error.to_string())?
            {
                Some(_) => Ok(client),
                None => Err("it closed the connection".to_string()),
            }
        }));
        let client = connected.map_err(unreachable)?;
        let refused = |what, why| SourceError::Refused {
            host: host.clone(),
            what,
            why,
        };
        let login = runtime.block_on(patiently(async {
            client
                .login(&settings.user, password)
                .await
                .map_err(|(error, _)| error.to_string())
        }));
        let mut session = login.map_err(|why| refused("the login", why))?;
        let opened = runtime.block_on(patiently(async {
            let capabilities = session
                .capabilities()
                .await
                .map_err(|error| error.to_string())?;
            session
                .select(&settings.folder)
                .await
                .map_err(|error| error.to_string())?;
            Ok(capabilities.has_str("UIDPLUS"))
        }));
        let removes_one = opened.map_err(|why| refused("the folder", why))?;
        Ok(Mailbox {
            runtime,
            session,
            host,
            folder: settings.folder.clone(),
            removes_one,
        })
    }

    /// What is not done yet, oldest first.
    pub fn entries(&mut self) -> Result<Vec<Entry>, SourceError> {
        let session = &mut self.session;
        let found = self.runtime.block_on(patiently(async {
            session
                .uid_search("UNDELETED UNFLAGGED")
                .await
                .map_err(|error| error.to_string())
        }));
        let found = found.map_err(|why| self.refused("a search", why))?;
        let mut entries: Vec<Entry> = found
            .into_iter()
            .map(|uid| Entry {
                uid,
                name: format!("{}/{uid}", self.folder),
            })
            .collect();
        entries.sort();
        Ok(entries)
    }

    /// The bytes of a mail; none if it is gone. A mail that is too large is not fetched.
    pub fn read(
        &mut self,
        entry: &Entry,
    ) -> Result<Option<Result<Vec<u8>, Unreadable>>, SourceError> {
        let session = &mut self.session;
        let uid = entry.uid.to_string();
        let fetched = self.runtime.block_on(patiently(async {
            let size: Vec<_> = session
                .uid_fetch(&uid, "(UID RFC822.SIZE)")
                .await
                .map_err(|e| e.to_string())?
                .try_collect()
                .await
                .map_err(|e| e.to_string())?;
            match size.iter().find_map(|one| one.size) {
                None => return Ok(None),
                Some(size) if size as usize > MAX_BYTES => {
                    return Ok(Some(Err(Unreadable::TooLarge)));
                }
                Some(_) => {}
            }
            // PEEK: the server shall not think that somebody has read it.
            let whole: Vec<_> = session
                .uid_fetch(&uid, "(UID BODY.PEEK[])")
                .await
                .map_err(|e| e.to_string())?
                .try_collect()
                .await
                .map_err(|e| e.to_string())?;
            Ok(whole.iter().find_map(|one| one.body()).map(|body| {
                if body.len() > MAX_BYTES {
                    Err(Unreadable::TooLarge)
                } else {
                    Ok(body.to_vec())
                }
            }))
        }));
        fetched.map_err(|why| self.refused("a mail", why))
    }

    /// Removes a mail that is done, or flags one that staff have to look at.
    pub fn done(&mut self, entry: &Entry, is_for_staff: bool) -> Result<(), SourceError> {
        let (session, removes_one) = (&mut self.session, self.removes_one);
        let uid = entry.uid.to_string();
        let flags = if is_for_staff {
            "+FLAGS.SILENT (\\Flagged)"
        } else {
            "+FLAGS.SILENT (\\Seen \\Deleted)"
        };
        let stored = self.runtime.block_on(patiently(async {
            let _: Vec<_> = session
                .uid_store(&uid, flags)
                .await
                .map_err(|e| e.to_string())?
                .try_collect()
                .await
                .map_err(|e| e.to_string())?;
            if !is_for_staff && removes_one {
                let _: Vec<_> = session
                    .uid_expunge(&uid)
                    .await
                    .map_err(|e| e.to_string())?
                    .try_collect()
                    .await
                    .map_err(|e| e.to_string())?;
            }
            Ok(())
        }));
        stored.map_err(|why| self.refused("to mark a mail", why))
    }

    /// Says goodbye. What was done is done without it.
    pub fn close(mut self) {
        let session = &mut self.session;
        let _ = self.runtime.block_on(patiently(async {
            session.logout().await.map_err(|error| error.to_string())
        }));
    }

    fn refused(&self, what: &'static str, why: String) -> SourceError {
        SourceError::Refused {
            host: self.host.clone(),
            what,
            why,
        }
    }
}

async fn patiently<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err("it did not answer in time".into()))
}

/// Whose certificates are believed: the system's authorities, and those of a file.
fn trust(authorities: Option<&Path>) -> Result<TlsConnector, SourceError> {
    let mut builder = TlsConnector::builder();
    // RFC 8996: TLS 1.0 and 1.1 "MUST NOT be used".
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    if let Some(path) = authorities {
        let pem = fs::read(path).map_err(|source| SourceError::Io {
            path: path.to_path_buf(),
            source,
        })?;
        let certificates = Certificate::stack_from_pem(&pem).unwrap_or_default();
        if certificates.is_empty() {
            return Err(SourceError::Authority(path.to_path_buf()));
        }
        for certificate in certificates {
            builder.add_root_certificate(certificate);
        }
    }
    builder
        .build()
        .map_err(|_| SourceError::Authority(authorities.unwrap_or(Path::new("")).to_path_buf()))
}
