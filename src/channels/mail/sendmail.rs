//! A program with the calling convention of sendmail, one call a parcel.

use super::{Parcel, Post, PostError};
use crate::receipt::Outcome;
use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// A call that takes longer is ended.
const PATIENCE: Duration = Duration::from_secs(300);

/// For the pipes of a program that has ended.
const LINGER: Duration = Duration::from_secs(2);

/// Exit codes of sysexits.h that speak of the recipient or the message: EX_DATAERR, EX_NOUSER, EX_NOHOST.
const FOR_GOOD: [i32; 3] = [65, 67, 68];

/// The program and its own first arguments.
pub(super) struct Sendmail {
    program: PathBuf,
    arguments: Vec<String>,
    patience: Duration,
}

impl Sendmail {
    /// `command` is split at white space; no shell reads it.
    pub(super) fn open(command: &str) -> Result<Sendmail, PostError> {
        let mut words = command.split_whitespace().map(str::to_string);
        let program = PathBuf::from(words.next().unwrap_or_default());
        // A name without `/` is looked for in PATH by the system, when it is called.
        if program.components().count() != 1 {
            let found = std::fs::metadata(&program).map_err(PostError::io(&program))?;
            if !found.is_file() {
                return Err(PostError::Io {
                    path: program,
                    source: io::ErrorKind::InvalidInput.into(),
                });
            }
        }
        Ok(Sendmail {
            program,
            arguments: words.collect(),
            patience: PATIENCE,
        })
    }

    fn wait(&self, child: &mut Child) -> Result<Option<ExitStatus>, io::Error> {
        let (begin, mut pause) = (Instant::now(), Duration::from_millis(1));
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if begin.elapsed() > self.patience {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

impl Post for Sendmail {
    fn send(&mut self, parcel: &Parcel<'_>) -> Result<Outcome, PostError> {
        let sender = if parcel.sender.is_some() {
            parcel.sender()
        } else {
            "<>"
        };
        let mut command = Command::new(&self.program);
        // -i: a line with a single dot does not end the message. --: an address is never an option.
        command
            .args(&self.arguments)
            .args(["-i", "-f", sender, "--", parcel.recipient.as_str()]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(PostError::io(&self.program))?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let bytes = parcel.unix_bytes();
        // Threads of their own, and not waited for without end: a process that the program leaves behind may
        // keep the pipes open long after the program itself has answered.
        let given = told(move || stdin.is_none_or(|mut stdin| stdin.write_all(&bytes).is_ok()));
        let said = told(move || {
            let mut said = Vec::new();
            if let Some(mut stderr) = stderr {
                // Its words only explain; the exit code decides. What else it says is read and dropped, so that
                // it is not stopped by a full pipe.
                let kept = stderr.by_ref().take(2000).read_to_end(&mut said);
                if let Err(e) = kept.and_then(|_| io::copy(&mut stderr, &mut io::sink())) {
                    said = e.to_string().into_bytes();
                }
            }
            said
        });
        let status = self
            .wait(&mut child)
            .map_err(PostError::io(&self.program))?;
        let given = given.recv_timeout(LINGER).unwrap_or(false);
        let said = said.recv_timeout(LINGER).unwrap_or_default();
        let said = parcel.hide(String::from_utf8_lossy(&said).trim());
        let words = |code: &str| {
            [code, &said]
                .into_iter()
                .filter(|s| !s.is_empty())
                .collect::<Vec<_>>()
                .join(": ")
        };
        Ok(match status.map(|status| status.code()) {
            // It went away content without having read the whole message.
            Some(Some(0)) if !given => {
                Outcome::Failed(words("exit code 0 before the end of the message"))
            }
            Some(Some(0)) => Outcome::Accepted(words("")),
            Some(Some(code)) if FOR_GOOD.contains(&code) => {
                Outcome::Failed(words(&format!("exit code {code}")))
            }
            // All else (75 most of all) is about this system, and can be mended here.
            Some(Some(code)) => Outcome::Deferred(words(&format!("exit code {code}"))),
            // Ended by a signal, ours or another: if it had read everything it may have kept it.
            Some(None) | None if given => Outcome::Unknown(words("ended without an answer")),
            Some(None) | None => Outcome::Deferred(words("ended before the end of the message")),
        })
    }
}

/// Does work on a thread of its own; the result comes through the channel.
fn told<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (tell, told) = mpsc::channel();
    // Nobody may be listening any more, and then nobody wants to know.
    thread::spawn(move || drop(tell.send(work())));
    told
}

#[cfg(test)]
impl Sendmail {
    pub(super) fn impatient(mut self, patience: Duration) -> Sendmail {
        self.patience = patience;
        self
    }
}
