use super::{
    Done,
    answering::{self, Answering},
    desk::Desk,
    failure::{Failure, Kind},
    ui::{count, table},
};
use crate::{
    inbound::{
        Mail, Unreadable,
        bounce::Bounce,
        clerk::{self, Clerk, Reply, TakeError},
        gates::{self, House, Judged, Verdict},
        kept::{self, Kept},
        pending::plain,
        request::Doors,
        source::{SourceError, imap::Mailbox, maildir::Maildir, stdin, stdin::Exit},
    },
    ledger::{self, Ledger, LedgerError, Lock, Noted},
    plan,
    settings::{self, Inbox},
    terms::Address,
    workspace::Workspace,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// Take in mail: what bounced is noted, what is not understood is kept for staff
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without an option mail comes from where `inbox` in advise.yaml says.\n\nWith `--stdin` the exit code speaks to the \
                  mail server (sysexits.h): 0 the mail is taken · 65 refused, its sender is told · 75 not now, bring it again."
)]
pub struct Args {
    /// From this Maildir
    #[arg(long, value_name = "DIR", conflicts_with_all = ["stdin", "kept"])]
    maildir: Option<PathBuf>,
    /// One mail on standard input, from a mail server's pipe, alias or `.forward`
    #[arg(long, conflicts_with = "kept")]
    stdin: bool,
    /// Only show what was kept for staff
    #[arg(long)]
    kept: bool,
    /// Where a host is, instead of asking DNS for any; for tests
    #[arg(long, hide = true, value_name = "HOST=ADDRESS:PORT", value_parser = super::constituent::host)]
    resolve: Vec<(String, SocketAddr)>,
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    if args.kept {
        return show_kept(desk);
    }
    if args.stdin {
        // Whatever goes wrong here may be right in an hour, and the mail server waits.
        return from_stdin(desk, args.resolve).map_err(|failure| Failure {
            kind: Kind::Later,
            ..failure
        });
    }
    let workspace = desk.workspace()?;
    let mut counter = Counter::new(desk, workspace, args.resolve);
    let source = counter.workspace.settings.inbox.clone();
    let outcome = match (&args.maildir, &source) {
        (Some(folder), _) => from_maildir(&mut counter, Maildir::open(folder)),
        (None, Some(Inbox::Maildir(folder))) => {
            let folder = counter.workspace.root.join(folder);
            from_maildir(&mut counter, Maildir::open(&folder))
        }
        (None, Some(Inbox::Imap(settings))) => from_server(&mut counter, settings),
        (None, None) => {
            return Err(Failure::usage("nothing says where mail comes in")
                .hint("name a Maildir with `--maildir DIR`, or give one mail with `--stdin`")
                .hint("or write `inbox: {maildir: /var/mail/cert}` into advise.yaml"));
        }
    };
    match outcome {
        // Nothing was done, so it is a plain failure.
        Err(failure) if counter.taken.is_empty() => Err(failure),
        Err(failure) => {
            counter.report(Some(&failure));
            desk.ui.warning(&format!("{:#}", failure.error));
            Ok(Done::Partly)
        }
        Ok(()) => {
            counter.report(None);
            let is_for_staff = counter
                .taken
                .iter()
                .any(|taken| taken.judged.verdict.is_for_staff() || taken.kept.is_some());
            Ok(if is_for_staff || !counter.suspended.0.is_empty() {
                Done::WithFindings
            } else {
                Done::Well
            })
        }
    }
}

fn from_stdin(desk: &Desk, hosts: Vec<(String, SocketAddr)>) -> Result<Done, Failure> {
    // The mail is read first: a server that cannot get rid of it would not know why.
    let bytes = stdin::read(io::stdin().lock())?;
    let is_too_large = bytes.is_err();
    let workspace = desk.workspace()?;
    let mut counter = Counter::new(desk, workspace, hosts);
    counter.take("-".into(), bytes)?;
    counter.report(None);
    Ok(Done::Piped(if is_too_large {
        Exit::Refused
    } else {
        Exit::Taken
    }))
}

fn from_maildir(
    counter: &mut Counter<'_>,
    maildir: Result<Maildir, SourceError>,
) -> Result<(), Failure> {
    let maildir = maildir?;
    for entry in maildir.entries()? {
        let Some(bytes) = maildir.read(&entry)? else {
            continue;
        };
        let is_for_staff = counter.take(entry.name.clone(), bytes)?;
        maildir.done(&entry, is_for_staff)?;
    }
    Ok(())
}

fn from_server(counter: &mut Counter<'_>, settings: &settings::Imap) -> Result<(), Failure> {
    let root = counter.workspace.root.clone();
    let password = counter.desk.inbox_password(settings, &root)?;
    let authorities = settings.ca_file.as_ref().map(|path| root.join(path));
    let mut mailbox = Mailbox::open(settings, authorities.as_deref(), &password)?;
    for entry in mailbox.entries()? {
        let Some(bytes) = mailbox.read(&entry)? else {
            continue;
        };
        let is_for_staff = counter.take(entry.name.clone(), bytes)?;
        mailbox.done(&entry, is_for_staff)?;
    }
    mailbox.close();
    Ok(())
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        let hint = match &error {
            SourceError::NoMaildir { .. } => {
                "a Maildir has the folders `new`, `cur` and `tmp`; mail waits in `new`"
            }
            SourceError::Io { .. } | SourceError::Stdin(_) | SourceError::Authority(_) => {
                "no mail was lost: run the same command again"
            }
            SourceError::Unreachable { .. } | SourceError::Refused { .. } => {
                "look at `inbox.imap` in advise.yaml; the mail is still there"
            }
        };
        Failure::new(error).hint(hint)
    }
}

/// Where each mail is led through the gates, and what it causes is done.
struct Counter<'d> {
    desk: &'d Desk,
    /// As it was read; read again when a request has changed a file of it.
    workspace: Workspace,
    /// In place of DNS, for tests.
    hosts: Vec<(String, SocketAddr)>,
    house: House,
    answering: Answering,
    /// For what bounced; opened for the first.
    ledger: Option<Ledger>,
    taken: Vec<Taken>,
    /// Who is suspended since now, in words and for programs.
    suspended: (Vec<String>, Vec<Value>),
}

/// What became of a mail.
struct Taken {
    file: String,
    judged: Judged,
    /// For each bounce, whether it counts.
    noted: Vec<&'static str>,
    kept: Option<String>,
    /// What came of a request, or why staff have to do it by hand.
    request: Result<Option<clerk::Taken>, String>,
}

/// For how long a run waits until another one is done with the ledger.
const PATIENCE: Duration = Duration::from_secs(30);

impl<'d> Counter<'d> {
    fn new(desk: &'d Desk, workspace: Workspace, hosts: Vec<(String, SocketAddr)>) -> Counter<'d> {
        let sender = workspace
            .settings
            .mail
            .from
            .as_ref()
            .unwrap_or(&workspace.team.email);
        let lists = workspace.roster.lists.values().map(|list| &list.address);
        let house = House {
            addresses: [sender, &workspace.team.email]
                .into_iter()
                .chain(lists)
                .cloned()
                .collect(),
            bounces: Some(
                workspace
                    .settings
                    .mail
                    .bounces
                    .as_ref()
                    .unwrap_or(sender)
                    .clone(),
            ),
            doors: Doors::of(&workspace.roster, &workspace.team),
        };
        Counter {
            desk,
            workspace,
            hosts,
            house,
            answering: Answering::default(),
            ledger: None,
            taken: Vec::new(),
            suspended: Default::default(),
        }
    }

    /// Judges a mail and does what it causes, durably; says whether staff have to look at it.
    fn take(&mut self, file: String, bytes: Result<Vec<u8>, Unreadable>) -> Result<bool, Failure> {
        let (judged, bytes, noted, request) = match bytes {
            Err(why) => (Judged::unreadable(why), None, Vec::new(), Ok(None)),
            Ok(bytes) => {
                let (judged, mail) = gates::pass(bytes.clone(), &self.house);
                let noted = match &mail {
                    Some(mail) => self.note(mail, judged.verdict.bounces())?,
                    None => Vec::new(),
                };
                let request = match (&judged.verdict, &mail) {
                    (Verdict::Request(_), Some(mail)) => self.request(mail)?,
                    _ => Ok(None),
                };
                (judged, Some(bytes), noted, request)
            }
        };
        let is_left = match (&judged.verdict, &request) {
            (Verdict::Request(_), Ok(taken)) => {
                taken.as_ref().is_none_or(clerk::Taken::is_for_staff)
            }
            (Verdict::Request(_), Err(_)) => true,
            _ => false,
        };
        let is_for_staff = judged.verdict.is_for_staff() || is_left;
        let work = self.desk.work();
        let kept = match bytes.filter(|_| is_for_staff) {
            Some(bytes) => {
                let kept = kept::keep(&work, &bytes, &judged.verdict, &self.desk.now);
                Some(kept.map_err(|error| Failure::io(&kept::folder(&work), error))?)
            }
            None => None,
        };
        self.taken.push(Taken {
            file,
            judged,
            noted,
            kept,
            request,
        });
        Ok(is_for_staff)
    }

    /// Notes bounces that came to an address which only the letter's own copy had.
    fn note(&mut self, mail: &Mail, bounces: &[Bounce]) -> Result<Vec<&'static str>, Failure> {
        let Some(token) = self.house.token(mail) else {
            return Ok(vec!["not addressed to a letter of ours"; bounces.len()]);
        };
        let mut noted = Vec::new();
        for bounce in bounces {
            let recipient = bounce.recipient.parse::<Address>().ok();
            let status = bounce.status.as_deref().unwrap_or_default();
            let now = self.desk.now.clone();
            noted.push(
                match self.ledger()?.note_bounce(
                    &token,
                    recipient.as_ref(),
                    bounce.verdict,
                    status,
                    &bounce.words,
                    &now,
                )? {
                    Noted::Counted(_) => "counted",
                    Noted::Known => "known already",
                    Noted::NoSuchToken => "not addressed to a letter of ours",
                    Noted::AnotherMember => "about another member than the letter's",
                },
            );
        }
        if noted.contains(&"counted") {
            self.suspend()?;
        }
        Ok(noted)
    }

    /// Takes a request: what it causes is durable when this returns. What would fail again next time is not tried again.
    fn request(&mut self, mail: &Mail) -> Result<Result<Option<clerk::Taken>, String>, Failure> {
        let (find, work) = (
            |address: &Address| answering::find(&self.workspace, &self.hosts, address),
            self.desk.work(),
        );
        let clerk = Clerk {
            workspace: &self.workspace,
            work: &work,
            now: &self.desk.now,
            find: &find,
        };
        // Without the lock: a sender's directory may take its time, and must not keep an alert from being published.
        let Some(examined) = clerk.examine(mail).map_err(Failure::new)? else {
            return Ok(Ok(None));
        };
        let (mut ledger, _lock) = opened(self.desk)?;
        let answering = &mut self.answering;
        let taken = match clerk.take(examined, &mut ledger, &mut |answer| {
            answering.send(self.desk, &self.workspace, answer)
        }) {
            Err(TakeError::Edit(error)) => {
                return Ok(Err(format!("the file has to be changed by hand: {error}")));
            }
            taken => taken.map_err(Failure::new)?,
        };
        if taken.changed {
            self.workspace = self.desk.workspace()?;
        }
        Ok(Ok(Some(taken)))
    }

    /// Writes down from whom lists keep their letters from now on, since enough of them came back.
    fn suspend(&mut self) -> Result<(), Failure> {
        self.ledger()?;
        let (roster, now) = (&self.workspace.roster, &self.desk.now);
        let ledger = self.ledger.as_mut().expect("it was just opened");
        let (returns, members) = (ledger.returns()?, ledger.members());
        let mut suspended =
            plan::suspended(roster, &returns, &|address| members.hash(address), now);
        suspended.retain(|one| one.is_new);
        for one in &suspended {
            ledger.suspend(&one.member, one.list.name.as_str(), now)?;
        }
        self.suspended.0.extend(plan::suspended_words(&suspended));
        self.suspended
            .1
            .extend(suspended.iter().map(plan::suspended_json));
        Ok(())
    }

    /// Without the lock: each entry is whole by itself. Letters come back while others still leave, and neither the bounces
    /// nor the next alert should have to wait.
    fn ledger(&mut self) -> Result<&mut Ledger, Failure> {
        match &mut self.ledger {
            Some(ledger) => Ok(ledger),
            none => Ok(none.insert(Ledger::open(&self.desk.work())?)),
        }
    }

    /// Shows what became of each mail.
    fn report(&self, failure: Option<&Failure>) {
        let ui = &self.desk.ui;
        if ui.wants_json() {
            let messages: Vec<Value> = self.taken.iter().map(Taken::json).collect();
            let mut document = json!({ "messages": messages });
            let (_, suspended) = &self.suspended;
            if !suspended.is_empty() {
                document["suspended"] = suspended.iter().cloned().collect();
            }
            if let Some(failure) = failure {
                document["error"] = json!(format!("{:#}", failure.error));
            }
            ui.json(&document);
            return;
        }
        if self.taken.is_empty() {
            ui.deed("no new mail");
            return;
        }
        let rows: Vec<Vec<String>> = self.taken.iter().flat_map(Taken::rows).collect();
        ui.data(&table(&["MAIL", "VERDICT", "WHAT"], &rows));
        let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
        for taken in &self.taken {
            *totals.entry(taken.judged.verdict.as_str()).or_default() += 1;
        }
        let totals: Vec<String> = totals
            .iter()
            .map(|(verdict, n)| format!("{n} {verdict}"))
            .collect();
        ui.data(&format!(
            "Took in {}: {}.\n",
            count(self.taken.len(), "mail", "mails"),
            totals.join(", ")
        ));
        for words in &self.suspended.0 {
            ui.data(&format!("Suspended: {words}.\n"));
        }
        if self.taken.iter().any(|taken| taken.kept.is_some()) {
            ui.data("What nothing here understands waits for you in `.advise/inbox/`: `advise inbox --kept` shows it.\n");
        }
    }
}

impl Taken {
    fn json(&self) -> Value {
        let mut gates: Vec<Value> = self
            .judged
            .passed
            .iter()
            .map(|gate| json!({ "gate": gate, "verdict": "passes" }))
            .collect();
        gates.extend(
            self.judged
                .claimed_by
                .map(|gate| json!({ "gate": gate, "verdict": self.judged.verdict.as_str() })),
        );
        let bounces = self.judged.verdict.bounces().iter().zip(&self.noted).map(|(bounce, noted)| {
            json!({
                "recipient": bounce.recipient, "verdict": bounce.verdict.as_str(), "status": bounce.status, "words": bounce.words, "noted": noted,
            })
        });
        json!({
            "file": self.file, "verdict": self.judged.verdict.as_str(), "why": self.judged.verdict.why(), "gates": gates,
            "bounces": bounces.collect::<Vec<_>>(), "kept": self.kept, "request": request(&self.request),
        })
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |what: String| {
            vec![
                plain(&self.file, 255).replace('\n', " "),
                self.judged.verdict.as_str().to_string(),
                what,
            ]
        };
        match &self.judged.verdict {
            Verdict::Bounce(bounces) => bounces
                .iter()
                .zip(&self.noted)
                .map(|(bounce, noted)| {
                    let status = bounce
                        .status
                        .as_deref()
                        .map_or_else(String::new, |status| format!(" {status}"));
                    let recipient = plain(&bounce.recipient, 254).replace('\n', " ");
                    row(format!(
                        "{recipient}: {}{status}; {noted}",
                        bounce.verdict.as_str()
                    ))
                })
                .collect(),
            Verdict::Request(_) => vec![row(match &self.request {
                Ok(taken) => taken.as_ref().map_or_else(
                    || "does nothing: it is our own or automatic".into(),
                    clerk::Taken::words,
                ),
                Err(why) => why.clone(),
            })],
            verdict => vec![row(match (verdict.why(), &self.kept) {
                (Some(why), Some(kept)) => format!("{why}; kept as {kept}"),
                (Some(why), None) => format!("{why}; left where it is"),
                (None, Some(kept)) => format!("kept as {kept}"),
                (None, None) => String::new(),
            })],
        }
    }
}

/// What came of a request, for programs.
fn request(request: &Result<Option<clerk::Taken>, String>) -> Value {
    let taken = match request {
        Ok(Some(taken)) => taken,
        Ok(None) => return Value::Null,
        Err(why) => return json!({ "decision": "by-hand", "why": why }),
    };
    let answer = match &taken.reply {
        Reply::None => "none",
        Reply::Sent => "sent",
        Reply::Enough => "enough-today",
        Reply::Failed(_) => "failed",
    };
    json!({
        "wish": taken.asked.wish.as_str(), "list": taken.asked.list.as_str(), "decision": taken.word(), "flaw": taken.flaw,
        "id": taken.request, "answer": answer,
    })
}

/// The ledger, and the right to write to it.
fn opened(desk: &Desk) -> Result<(Ledger, Lock), Failure> {
    let ledger = Ledger::open(&desk.work())?;
    Ok((ledger, lock_patiently(desk)?))
}

/// The lock on the workspace, when another run lets go of it in time.
fn lock_patiently(desk: &Desk) -> Result<Lock, Failure> {
    let since = Instant::now();
    loop {
        match ledger::lock(&desk.work(), &desk.now) {
            Err(LedgerError::Held { .. }) if since.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(200))
            }
            other => return Ok(other?),
        }
    }
}

fn show_kept(desk: &Desk) -> Result<Done, Failure> {
    let kept = desk.kept()?;
    if desk.ui.wants_json() {
        let rows: Vec<Value> = kept
            .iter()
            .map(|kept| json!({ "file": kept.name, "verdict": kept.verdict, "why": kept.why, "since": kept.since }))
            .collect();
        desk.ui.json(&json!({ "kept": rows }));
    } else if kept.is_empty() {
        desk.ui.deed("nothing was kept");
    } else {
        let row = |kept: &Kept| {
            vec![
                kept.name.clone(),
                kept.verdict.clone(),
                kept.since.clone(),
                kept.why.clone().unwrap_or_default(),
            ]
        };
        desk.ui.data(&table(
            &["MAIL", "VERDICT", "SINCE", "WHY"],
            &kept.iter().map(row).collect::<Vec<_>>(),
        ));
        desk.ui.data("Read them with any mail program (`mutt -f .advise/inbox/NAME`), and remove each with its `.json` when it is dealt with.\n");
    }
    Ok(if kept.is_empty() {
        Done::Well
    } else {
        Done::WithFindings
    })
}
