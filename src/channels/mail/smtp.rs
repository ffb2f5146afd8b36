//! A mail server, one connection a post. lettre has its one door here, and in `socket` the network.
//!
//! Only lettre's low level is used: its pooled transport is slow (Nagle), its commands have no time limit, and a
//! send that was given up leaves a reply behind for the next mail. So every command here has its limit, every
//! answer its exact code, and a connection on which anything else happened is never used again.

mod socket;

use super::{Parcel, Post, PostError};
use crate::{
    receipt::Outcome,
    settings::{Security, Smtp, is_loopback},
};
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, Mechanism},
    client::AsyncSmtpConnection,
    commands::{Data, Ehlo, Mail, Quit, Rcpt, Rset},
    extension::MailParameter,
    response::Response,
};
use socket::{Progress, Refused};
use std::{future::Future, path::Path, sync::Arc, time::Duration};
use tokio::{runtime::Runtime, time::timeout};

/// How long the network may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    connect: Duration,
    /// RFC 5321, 4.5.3.2: five minutes for MAIL and RCPT, two for DATA.
    command: Duration,
    /// RFC 5321, 4.5.3.2.6: "DATA Termination: 10 minutes", and 4.5.3.2.5: three for each block before it.
    message: Duration,
}

const LIMITS: Limits =
    Limits { connect: Duration::from_secs(30), command: Duration::from_secs(300), message: Duration::from_secs(900) };

/// After so many connections that failed one after the other, no more are tried: ten thousand letters must not
/// wait for ten thousand time limits.
const TRIES: u32 = 3;

/// A server, and the connection to it.
pub(super) struct Server {
    // Before the runtime, so that it is dropped before it.
    connection: Option<Connection>,
    settings: Smtp,
    trust: socket::Trust,
    credentials: Option<Credentials>,
    limits: Limits,
    failures: u32,
    last_failure: String,
    runtime: Runtime,
}

struct Connection {
    smtp: AsyncSmtpConnection,
    progress: Arc<Progress>,
    dsn: bool,
    size: bool,
}

/// How one command ended that did not end as it should.
enum Trouble {
    /// The server's own refusal: the code and the words.
    Refusal(u16, String),
    /// Anything that leaves no trust in the connection.
    Broken(String),
}

impl Server {
    pub(super) fn open(settings: &Smtp, workspace: &Path, password: Option<&str>) -> Result<Server, PostError> {
        Server::open_within(settings, workspace, password, LIMITS)
    }

    fn open_within(settings: &Smtp, workspace: &Path, password: Option<&str>, limits: Limits) -> Result<Server, PostError> {
        if settings.security == Security::None && !is_loopback(&settings.host) {
            return Err(PostError::Unguarded { host: settings.host.clone() });
        }
        let trust = socket::Trust::new(settings.ca_file.as_ref().map(|file| workspace.join(file)))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let credentials = match (settings.user.clone(), password) {
            (Some(user), Some(password)) => Some(Credentials::new(user, password.to_string())),
            (None, _) => None,
            (Some(_), None) => {
                return Err(PostError::Login { host: settings.host.clone(), why: "there is no password".into() });
            }
        };
        let mut server = Server {
            connection: None,
            settings: settings.clone(),
            trust,
            credentials,
            limits,
            failures: 0,
            last_failure: String::new(),
            runtime: runtime.map_err(PostError::Runtime)?,
        };
        server.connection = Some(server.runtime.block_on(server.connect())?);
        Ok(server)
    }

    async fn connect(&self) -> Result<Connection, PostError> {
        let Smtp { host, port, security, .. } = &self.settings;
        let unreachable = |why: String| PostError::Unreachable { host: host.clone(), port: *port, why };
        let opened = socket::open(host, *port, *security, &self.trust, self.limits.connect, self.limits.command).await;
        let socket::Open { stream, name, progress } = opened.map_err(|refused| match refused {
            Refused::NoTls => PostError::NoTls { host: host.clone() },
            Refused::Because(why) => unreachable(why),
        })?;
        // Reads the greeting and says EHLO; both have to be positive, or it is an error.
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &name);
        let mut smtp = match timeout(self.limits.command, connected).await {
            Ok(Ok(smtp)) => smtp,
            Ok(Err(e)) => return Err(unreachable(reason(&e))),
            Err(_) => return Err(unreachable("no greeting in time".into())),
        };
        // lettre forgets the extensions that it has no use for, so they are asked for once more.
        let offers = self.command(&mut smtp, Ehlo::new(name), &[250]).await;
        let offers = offers.map_err(|trouble| unreachable(trouble.words().to_string()))?;
        let offers = |keyword: &str| {
            offers.message().skip(1).any(|line| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(keyword)))
        };
        let (dsn, size) = (offers("DSN"), offers("SIZE"));
        if let Some(credentials) = &self.credentials {
            let refused = |why: String| PostError::Login { host: host.clone(), why };
            match timeout(self.limits.command, smtp.auth(&[Mechanism::Plain, Mechanism::Login], credentials)).await {
                Ok(Ok(answer)) if answer.has_code(235) => {}
                Ok(Ok(answer)) => return Err(refused(said(&answer))),
                Ok(Err(e)) => return Err(refused(reason(&e))),
                Err(_) => return Err(refused("no answer in time".into())),
            }
        }
        Ok(Connection { smtp, progress, dsn, size })
    }

    async fn command(
        &self,
        smtp: &mut AsyncSmtpConnection,
        command: impl std::fmt::Display,
        codes: &[u16],
    ) -> Result<Response, Trouble> {
        exactly(self.limits.command, smtp.command(command), codes).await
    }

    /// One transaction.
    async fn transact(&self, connection: &mut Connection, parcel: &Parcel<'_>) -> End {
        let address = |text: &str| text.parse::<lettre::Address>();
        let (sender, recipient) =
            match (parcel.sender.map(|a| address(a.as_str())).transpose(), address(parcel.recipient.as_str())) {
                (Ok(sender), Ok(recipient)) => (sender, recipient),
                (Err(e), _) => return End::refused(Outcome::Failed(format!("the sender's address cannot be used: {e}"))),
                (_, Err(e)) => return End::refused(Outcome::Failed(format!("the recipient's address cannot be used: {e}"))),
            };
        let mut options = Vec::new();
        if connection.size {
            options.push(MailParameter::Size(parcel.bytes.len()));
        }
        if connection.dsn {
            // RFC 3461, 4.3 and 4.4: a bounce returns the header only, and says by ENVID which letter it is about.
            let option = |keyword: &str, value: &str| MailParameter::Other { keyword: keyword.into(), value: Some(value.into()) };
            options.extend([option("RET", "HDRS"), option("ENVID", parcel.token())]);
        }
        let smtp = &mut connection.smtp;
        if let Err(trouble) = self.command(smtp, Mail::new(sender, options), &[250]).await {
            let stale = trouble.is_broken();
            let end = self.after(smtp, trouble, parcel).await;
            // What is said before the recipient was named is about us, not about them: it can be mended here.
            let outcome = match end.outcome {
                Outcome::Failed(words) => Outcome::Deferred(format!("the sender is refused: {words}")),
                other => other,
            };
            return End { stale, outcome, ..end };
        }
        if let Err(trouble) = self.command(smtp, Rcpt::new(recipient, Vec::new()), &[250, 251]).await {
            return self.after(smtp, trouble, parcel).await;
        }
        if let Err(trouble) = self.command(smtp, Data, &[354]).await {
            return self.after(smtp, trouble, parcel).await;
        }
        connection.progress.begin();
        // lettre ends the message with a line end of its own before the dot.
        let message = smtp.message(parcel.bytes.strip_suffix(b"\r\n").unwrap_or(parcel.bytes));
        match exactly(self.limits.message, message, &[250]).await {
            Ok(answer) => End { outcome: Outcome::Accepted(parcel.hide(&said(&answer))), usable: true, stale: false },
            // A server may have given up in the middle of the message, and who knows what it read of the rest.
            Err(Trouble::Refusal(code, words)) => End::broken(refusal(code, parcel.hide(&words))),
            Err(Trouble::Broken(words)) if connection.progress.ended() => End::broken(Outcome::Unknown(parcel.hide(&words))),
            Err(Trouble::Broken(words)) => End::broken(Outcome::Deferred(parcel.hide(&words))),
        }
    }

    /// After a refusal before the message, the transaction is reset; after anything else the connection is over.
    async fn after(&self, smtp: &mut AsyncSmtpConnection, trouble: Trouble, parcel: &Parcel<'_>) -> End {
        let words = parcel.hide(trouble.words());
        match trouble {
            Trouble::Refusal(code, _) if !trouble.is_broken() => {
                let usable = self.command(smtp, Rset, &[250]).await.is_ok();
                End { outcome: refusal(code, words), usable, stale: false }
            }
            _ => End::broken(Outcome::Deferred(words)),
        }
    }

    fn connected(&mut self) -> Result<Connection, String> {
        if self.failures >= TRIES {
            return Err(format!("not tried after {TRIES} failures: {}", self.last_failure));
        }
        match self.runtime.block_on(self.connect()) {
            Ok(connection) => {
                self.failures = 0;
                Ok(connection)
            }
            Err(e) => {
                self.failures += 1;
                self.last_failure = e.to_string();
                Err(self.last_failure.clone())
            }
        }
    }
}

impl Post for Server {
    fn name(&self) -> &str {
        &self.settings.host
    }

    fn send(&mut self, parcel: &Parcel<'_>) -> Result<Outcome, PostError> {
        // A connection that was idle for too long, or has carried as many mails as the server allows, shows it
        // at the first command. Nothing was handed over then, so the parcel gets a fresh one.
        if let Some(mut connection) = self.connection.take() {
            let end = self.runtime.block_on(self.transact(&mut connection, parcel));
            self.connection = end.usable.then_some(connection);
            if !end.stale {
                return Ok(end.outcome);
            }
        }
        let mut connection = match self.connected() {
            Ok(connection) => connection,
            Err(words) => return Ok(Outcome::Deferred(words)),
        };
        let end = self.runtime.block_on(self.transact(&mut connection, parcel));
        self.connection = end.usable.then_some(connection);
        Ok(end.outcome)
    }

    fn was_taken(&self, _: &Parcel<'_>) -> Option<bool> {
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // All answers are in; whether the server says goodbye changes nothing.
            let _ = self.runtime.block_on(async { timeout(Duration::from_secs(2), connection.smtp.command(Quit)).await });
        }
    }
}

/// How a transaction ended.
struct End {
    outcome: Outcome,
    /// The next parcel may take the same connection.
    usable: bool,
    /// It ended at its first command, for a reason that is the connection's and not the parcel's.
    stale: bool,
}

impl End {
    fn refused(outcome: Outcome) -> End {
        End { outcome, usable: true, stale: false }
    }

    fn broken(outcome: Outcome) -> End {
        End { outcome, usable: false, stale: false }
    }
}

impl Trouble {
    fn words(&self) -> &str {
        match self {
            Trouble::Refusal(_, words) | Trouble::Broken(words) => words,
        }
    }

    /// RFC 5321, 3.8: 421 is said by a server that "needs to shut down the SMTP service", at any time.
    fn is_broken(&self) -> bool {
        matches!(self, Trouble::Broken(_) | Trouble::Refusal(421, _))
    }
}

fn refusal(code: u16, words: String) -> Outcome {
    match code {
        400..=499 => Outcome::Deferred(words),
        _ => Outcome::Failed(words),
    }
}

/// The answer, if it comes in time and has one of these codes.
async fn exactly(
    limit: Duration,
    answer: impl Future<Output = Result<Response, Error>>,
    codes: &[u16],
) -> Result<Response, Trouble> {
    match timeout(limit, answer).await {
        Ok(Ok(answer)) if codes.iter().any(|code| answer.has_code(*code)) => Ok(answer),
        Ok(Ok(answer)) => Err(Trouble::Broken(format!("unexpected answer: {}", said(&answer)))),
        Ok(Err(e)) => Err(match e.status() {
            Some(code) => Trouble::Refusal(code.into(), reason(&e)),
            None => Trouble::Broken(reason(&e)),
        }),
        Err(_) => Err(Trouble::Broken("no answer in time".into())),
    }
}

/// Code and words of an answer in one line.
fn said(answer: &Response) -> String {
    answer.message().fold(answer.code().to_string(), |words, line| words + " " + line)
}

/// Code and words of a refusal, or what went wrong with the connection, in one line.
fn reason(error: &Error) -> String {
    let cause = std::error::Error::source(error);
    match (error.status(), cause) {
        (Some(code), Some(words)) => format!("{code} {words}"),
        (Some(code), None) => code.to_string(),
        (None, Some(cause)) => cause.to_string(),
        (None, None) => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
