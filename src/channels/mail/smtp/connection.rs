//! One connection: greeting, login, and one transaction after the other.
//!
//! Only lettre's low level is used: its pooled transport is slow (Nagle), its commands have no time limit, and a
//! send that was given up leaves a reply behind for the next mail. So every command here has its limit, every
//! answer its exact code, and a connection on which anything else happened is never used again.

use super::{
    Limits, Relay,
    socket::{self, Progress, Refused},
};
use crate::{
    channels::mail::{Parcel, PostError},
    receipt::Outcome,
    settings::Smtp,
};
use lettre::transport::smtp::{
    Error,
    authentication::Mechanism,
    client::AsyncSmtpConnection,
    commands::{Data, Ehlo, Quit, Rset},
    response::Response,
};
use std::{
    fmt::{self, Display, Write as _},
    future::Future,
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;

/// A server that has greeted us and takes mail.
pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
    progress: Arc<Progress>,
    limits: Limits,
    /// Shows the [`Relay`] that this connection is there.
    _live: Arc<()>,
    dsn: bool,
    size: bool,
    pipelining: bool,
}

/// How one command ended that did not end as it should.
enum Trouble {
    /// The server's own refusal: the code and the words.
    Refusal(u16, String),
    /// Anything that leaves no trust in the connection.
    Broken(String),
}

type Answer = Result<Response, Trouble>;

impl Connection {
    pub(super) async fn open(relay: &Relay, limits: Limits) -> Result<Connection, PostError> {
        let Smtp { host, port, security, .. } = &relay.settings;
        let unreachable = |why: String| PostError::Unreachable { host: host.clone(), port: *port, why };
        let opened = socket::open(host, *port, *security, &relay.trust, limits.connect, limits.greeting).await;
        let socket::Open { stream, name, progress } = opened.map_err(|refused| match refused {
            Refused::NoTls => PostError::NoTls { host: host.clone() },
            Refused::Because(why) => unreachable(why),
        })?;
        // Reads the greeting and says EHLO; both have to be positive, or it is an error.
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &name);
        let mut smtp = match timeout(limits.greeting, connected).await {
            Ok(Ok(smtp)) => smtp,
            Ok(Err(e)) => return Err(unreachable(reason(&e))),
            Err(_) => return Err(unreachable("no greeting in time".into())),
        };
        // lettre forgets the extensions that it has no use for, so they are asked for once more.
        let offers = exactly(limits.greeting, smtp.command(Ehlo::new(name)), &[250]).await;
        let offers = offers.map_err(|trouble| unreachable(trouble.words().to_string()))?;
        let offers = |keyword: &str| {
            offers.message().skip(1).any(|line| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(keyword)))
        };
        let (dsn, size, pipelining) = (offers("DSN"), offers("SIZE"), offers("PIPELINING"));
        if let Some(credentials) = &relay.credentials {
            let refused = |why: String| PostError::Login { host: host.clone(), why };
            match timeout(limits.command, smtp.auth(&[Mechanism::Plain, Mechanism::Login], credentials)).await {
                Ok(Ok(answer)) if answer.has_code(235) => {}
                Ok(Ok(answer)) => return Err(refused(said(&answer))),
                Ok(Err(e)) => return Err(refused(reason(&e))),
                Err(_) => return Err(refused("no answer in time".into())),
            }
        }
        Ok(Connection { smtp, progress, limits, _live: relay.live.clone(), dsn, size, pipelining })
    }

    pub(super) async fn quit(&mut self) {
        let _ = timeout(Duration::from_secs(2), self.smtp.command(Quit)).await;
    }

    async fn command(&mut self, command: impl Display, codes: &[u16]) -> Answer {
        exactly(self.limits.command, self.smtp.command(command), codes).await
    }

    async fn answer(&mut self, codes: &[u16]) -> Answer {
        exactly(self.limits.command, self.smtp.read_response(), codes).await
    }

    /// Whether the connection is fit for the next transaction.
    async fn reset(&mut self) -> bool {
        exactly(self.limits.greeting, self.smtp.command(Rset), &[250]).await.is_ok()
    }

    /// `MAIL`, as a line. What an [`Address`](crate::terms::Address) holds cannot end it.
    fn mail(&self, parcel: &Parcel<'_>) -> String {
        let mut line = format!("MAIL FROM:<{}>", parcel.sender());
        if self.size {
            // Writing to a String cannot fail.
            let _ = write!(line, " SIZE={}", parcel.bytes().len());
        }
        if self.dsn {
            // RFC 3461, 4.3 and 4.4: a bounce returns the header only, and says by ENVID which letter it is about.
            // ENVID is xtext (4): `+` and `=` are written in hexadecimal.
            let _ = write!(line, " RET=HDRS ENVID={}", parcel.token().replace('+', "+2B").replace('=', "+3D"));
        }
        line.push_str("\r\n");
        line
    }

    /// MAIL, RCPT and DATA, up to the first answer that ends it. `None` is a command that got no answer, since the
    /// one before had ended it all.
    ///
    /// RFC 2920, 3.1: "Client SMTP implementations that employ pipelining MUST check ALL statuses corresponding
    /// to a pipelined group".
    async fn envelope(&mut self, parcel: &Parcel<'_>) -> [Option<Answer>; 3] {
        let (mail, rcpt) = (self.mail(parcel), format!("RCPT TO:<{}>\r\n", parcel.recipient));
        let broken = |answer: &Answer| answer.as_ref().is_err_and(Trouble::is_broken);
        if self.pipelining {
            let first = self.command(format_args!("{mail}{rcpt}DATA\r\n"), &[250]).await;
            if broken(&first) {
                return [Some(first), None, None];
            }
            let second = self.answer(&[250, 251]).await;
            if broken(&second) {
                return [Some(first), Some(second), None];
            }
            let third = self.answer(&[354]).await;
            return [Some(first), Some(second), Some(third)];
        }
        let first = self.command(mail, &[250]).await;
        if first.is_err() {
            return [Some(first), None, None];
        }
        let second = self.command(rcpt, &[250, 251]).await;
        if second.is_err() {
            return [Some(first), Some(second), None];
        }
        let third = self.command(Data, &[354]).await;
        [Some(first), Some(second), Some(third)]
    }

    /// One transaction.
    pub(super) async fn transact(&mut self, parcel: &Parcel<'_>) -> End {
        let answers = self.envelope(parcel).await;
        if let Some(at) = answers.iter().position(|answer| matches!(answer, Some(Err(_)))) {
            return self.refused(at, answers, parcel).await;
        }
        self.progress.begin();
        let message = self.smtp.command(Message(parcel));
        match exactly(self.limits.message, message, &[250]).await {
            Ok(answer) => {
                End { outcome: Outcome::Accepted(parcel.hide(&said(&answer))), usable: true, stale: false, answered: true }
            }
            // A refusal of this one message (a filter, greylisting), which says nothing about the next. Whether the
            // server has read it to its end shows at RSET.
            Err(Trouble::Refusal(code, words)) if code != SHUTTING_DOWN && self.progress.ended() => {
                let outcome = refusal(code, parcel.hide(&words));
                End { outcome, usable: self.reset().await, stale: false, answered: true }
            }
            // A server may have given up in the middle of the message, and who knows what it read of the rest.
            Err(Trouble::Refusal(code, words)) => End::broken(refusal(code, parcel.hide(&words))),
            Err(Trouble::Broken(words)) if self.progress.ended() => End::broken(Outcome::Unknown(parcel.hide(&words))),
            Err(Trouble::Broken(words)) => End::broken(Outcome::Deferred(parcel.hide(&words))),
        }
    }

    /// What is to be done when one of the three commands did not go through; `at` is the first.
    async fn refused(&mut self, at: usize, answers: [Option<Answer>; 3], parcel: &Parcel<'_>) -> End {
        let all_in_order = !answers.iter().flatten().any(|answer| answer.as_ref().is_err_and(Trouble::is_broken));
        // A server that waits for a message although it took no sender or no recipient gets none, not even an empty
        // one: what it would do with that is anybody's guess, and the end of the connection ends the transaction
        // (RFC 5321, 4.1.1.5 and 3.8).
        let waits = matches!(answers[2], Some(Ok(_)));
        let Some(Some(Err(trouble))) = answers.into_iter().nth(at) else {
            return End::broken(Outcome::Deferred("no answer".into()));
        };
        let (stale, words) = (at == 0 && trouble.is_broken(), parcel.hide(trouble.words()));
        let outcome = match trouble {
            Trouble::Refusal(code, _) if code != SHUTTING_DOWN => match refusal(code, words) {
                // What is said before the recipient was named is about us, not about them: it can be mended here.
                Outcome::Failed(words) if at == 0 => Outcome::Deferred(format!("the sender is refused: {words}")),
                other => other,
            },
            _ => Outcome::Deferred(words),
        };
        let usable = all_in_order && !waits && self.reset().await;
        End { outcome, usable, stale, answered: all_in_order }
    }
}

/// The message as it travels, with its end.
struct Message<'a>(&'a Parcel<'a>);

impl Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::str::from_utf8(self.0.bytes()).map_err(|_| fmt::Error)?;
        if self.0.dots {
            // RFC 5321, 4.5.2: a line that begins with a period gets "one additional period" at its beginning.
            for line in text.split_inclusive('\n') {
                if line.starts_with('.') {
                    f.write_char('.')?;
                }
                f.write_str(line)?;
            }
        } else {
            f.write_str(text)?;
        }
        f.write_str(".\r\n")
    }
}

/// How a transaction ended.
pub(super) struct End {
    pub(super) outcome: Outcome,
    /// The next parcel may take the same connection.
    pub(super) usable: bool,
    /// It ended at its first command, for a reason that is the connection's and not the parcel's.
    pub(super) stale: bool,
    /// The server said what it makes of this one mail, each answer in its order: that it is dropped then is no trouble.
    pub(super) answered: bool,
}

impl End {
    fn broken(outcome: Outcome) -> End {
        End { outcome, usable: false, stale: false, answered: false }
    }
}

impl Trouble {
    fn words(&self) -> &str {
        match self {
            Trouble::Refusal(_, words) | Trouble::Broken(words) => words,
        }
    }

    fn is_broken(&self) -> bool {
        matches!(self, Trouble::Broken(_) | Trouble::Refusal(SHUTTING_DOWN, _))
    }
}

/// RFC 5321, 3.8: said by a server that "needs to shut down the SMTP service", at any time.
const SHUTTING_DOWN: u16 = 421;

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
