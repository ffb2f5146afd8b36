//! Mail servers, one connection a post. lettre has its one door here.
//!
//! `connection` speaks SMTP, `socket` is the network. What is here chooses among several servers.

mod connection;
mod socket;

use super::{Parcel, Post, PostError, Served};
use crate::{
    receipt::Outcome,
    settings::{Security, Smtp, is_loopback},
};
use connection::{Connection, End};
use lettre::transport::smtp::authentication::Credentials;
use std::{
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How long the network may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    connect: Duration,
    /// For the greeting, EHLO and TLS, and for RSET. RFC 5321, 4.5.3.2.1 would wait five minutes for a greeting; but
    /// nothing was handed over yet, and another server may be at hand.
    greeting: Duration,
    /// RFC 5321, 4.5.3.2: five minutes for MAIL and RCPT, two for DATA.
    command: Duration,
    /// RFC 5321, 4.5.3.2.6: "DATA Termination: 10 minutes", and 4.5.3.2.5: three for each block before it.
    message: Duration,
    /// Between two tries to connect.
    pause: Duration,
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(30),
    greeting: Duration::from_secs(60),
    command: Duration::from_secs(300),
    message: Duration::from_secs(900),
    pause: Duration::from_secs(1),
};

/// After so many troubles one after the other a server is passed over: ten thousand letters must not wait for ten
/// thousand time limits.
const TRIES: u32 = 3;

/// One of the servers.
struct Relay {
    settings: Smtp,
    trust: socket::Trust,
    credentials: Option<Credentials>,
    /// Each connection that is open holds this too, idle or in use, of whichever post.
    live: Arc<()>,
    taken: AtomicUsize,
    trouble: OnceLock<String>,
}

/// All servers, in the order in which they are tried; shared by the posts. Who is passed over stays so.
pub(super) struct Relays {
    all: Vec<Relay>,
    limits: Limits,
}

/// One connection at a time, to the first server that can be used.
pub(super) struct Server {
    connection: Option<(usize, Connection)>,
    relays: Arc<Relays>,
    /// One after the other.
    troubles: u32,
}

/// One post for each connection. The first is made at once, so that a server that cannot be used shows before
/// anything leaves; the others when they are needed.
pub(super) fn open(
    settings: &[Smtp],
    workspace: &Path,
    passwords: &[Option<String>],
    connections: usize,
) -> Result<Vec<Box<dyn Post>>, PostError> {
    let relays = Arc::new(Relays::new(settings, workspace, passwords, LIMITS)?);
    let mut first = Server::new(&relays);
    first.open()?;
    let mut posts: Vec<Box<dyn Post>> = vec![Box::new(first)];
    for _ in 1..connections {
        posts.push(Box::new(Server::new(&relays)));
    }
    Ok(posts)
}

impl Relay {
    fn has_connections(&self) -> bool {
        Arc::strong_count(&self.live) > 1
    }
}

impl Relays {
    fn new(
        settings: &[Smtp],
        workspace: &Path,
        passwords: &[Option<String>],
        limits: Limits,
    ) -> Result<Relays, PostError> {
        let mut all = Vec::with_capacity(settings.len());
        for (number, settings) in settings.iter().enumerate() {
            if settings.security == Security::None && !is_loopback(&settings.host) {
                return Err(PostError::Unguarded {
                    host: settings.host.clone(),
                });
            }
            let trust =
                socket::Trust::new(settings.ca_file.as_ref().map(|file| workspace.join(file)))?;
            let credentials = match (
                settings.user.clone(),
                passwords.get(number).cloned().flatten(),
            ) {
                (Some(user), Some(password)) => Some(Credentials::new(user, password)),
                (None, _) => None,
                (Some(_), None) => {
                    return Err(PostError::Login {
                        host: settings.host.clone(),
                        why: "there is no password".into(),
                    });
                }
            };
            let (live, taken, trouble) = Default::default();
            all.push(Relay {
                settings: settings.clone(),
                trust,
                credentials,
                live,
                taken,
                trouble,
            });
        }
        Ok(Relays { all, limits })
    }

    /// The first that was not passed over.
    fn current(&self) -> Option<usize> {
        self.all
            .iter()
            .position(|relay| relay.trouble.get().is_none())
    }

    fn pass_over(&self, number: usize, why: String) {
        // Where another post was faster, its reason is as good.
        let _ = self.all[number].trouble.set(why);
    }

    fn none_left(&self) -> PostError {
        let all: Vec<&str> = self
            .all
            .iter()
            .filter_map(|relay| relay.trouble.get())
            .map(String::as_str)
            .collect();
        PostError::NoneLeft(all.join("; "))
    }
}

impl Server {
    fn new(relays: &Arc<Relays>) -> Server {
        Server {
            connection: None,
            relays: relays.clone(),
            troubles: 0,
        }
    }

    /// The first connection of a run: each server is tried once, in order.
    fn open(&mut self) -> Result<(), PostError> {
        let relays = self.relays.clone();
        for number in 0..relays.all.len() {
            match self.connect(number) {
                Ok(connection) => {
                    self.connection = Some((number, connection));
                    return Ok(());
                }
                Err(e) if relays.all.len() == 1 => return Err(e),
                Err(e) => relays.pass_over(number, e.to_string()),
            }
        }
        Err(relays.none_left())
    }

    fn connect(&self, number: usize) -> Result<Connection, PostError> {
        Connection::open(&self.relays.all[number], self.relays.limits)
    }

    /// A fresh connection. A server that fails twice is passed over, unless others are connected to it: then it only
    /// takes no more connections, and this post is not needed.
    fn reach(&mut self) -> Result<(usize, Connection), PostError> {
        let mut failed = None;
        loop {
            let number = self
                .relays
                .current()
                .ok_or_else(|| self.relays.none_left())?;
            match self.connect(number) {
                Ok(connection) => return Ok((number, connection)),
                Err(_) if failed != Some(number) => {
                    failed = Some(number);
                    std::thread::sleep(self.relays.limits.pause);
                }
                Err(e) if self.relays.all[number].has_connections() => return Err(e),
                Err(e) => self.relays.pass_over(number, e.to_string()),
            }
        }
    }

    fn transact(
        &mut self,
        number: usize,
        mut connection: Connection,
        parcel: &Parcel<'_>,
        next: Option<&Parcel<'_>>,
    ) -> End {
        let end = connection.transact(parcel, next);
        if end.usable {
            self.connection = Some((number, connection));
        }
        self.troubles = if end.usable || end.answered {
            0
        } else {
            self.troubles + 1
        };
        if self.troubles >= TRIES {
            self.troubles = 0;
            let host = &self.relays.all[number].settings.host;
            let words = end.outcome.words();
            self.relays.pass_over(
                number,
                format!("{TRIES} connections to `{host}` broke, the last with: {words}"),
            );
        }
        if matches!(end.outcome, Outcome::Accepted(_)) {
            self.relays.all[number]
                .taken
                .fetch_add(1, Ordering::Relaxed);
        }
        end
    }
}

impl Post for Server {
    fn send(&mut self, parcel: &Parcel<'_>) -> Result<Outcome, PostError> {
        self.send_before(parcel, None)
    }

    fn send_before(
        &mut self,
        parcel: &Parcel<'_>,
        next: Option<&Parcel<'_>>,
    ) -> Result<Outcome, PostError> {
        // A connection that was idle for too long, or has carried as many mails as the server allows, shows it
        // at the first command. Nothing was handed over then, so the parcel gets a fresh one.
        if let Some((number, connection)) = self.connection.take() {
            let troubles = self.troubles;
            let end = self.transact(number, connection, parcel, next);
            if !end.stale {
                return Ok(end.outcome);
            }
            self.troubles = troubles;
        }
        let (number, connection) = self.reach()?;
        Ok(self.transact(number, connection, parcel, next).outcome)
    }

    fn served(&self) -> Vec<Served> {
        let served = |relay: &Relay| Served {
            server: (relay.settings.host.clone(), relay.settings.port),
            taken: relay.taken.load(Ordering::Relaxed),
            trouble: relay.trouble.get().cloned(),
        };
        self.relays.all.iter().map(served).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((_, mut connection)) = self.connection.take() {
            // All answers are in; whether the server says goodbye changes nothing.
            connection.quit();
        }
    }
}

#[cfg(test)]
mod tests;
