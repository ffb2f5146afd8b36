//! `advise constituent refresh`: new copies of members' certificates from their Web Key Directories.
//!
//! A copy counts only if its fingerprint is the one in the contact's file; another key is shown, never taken.

use super::files::replace;
use crate::{
    channels::wkd::{Directories, WkdError},
    cli::{
        Done,
        desk::Desk,
        failure::Failure,
        ui::{count, table},
    },
    openpgp::{CertError, Certificate},
    roster::{Contact, KeyState},
    terms::{Address, Fingerprint, Moment},
    workspace::Workspace,
};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    net::SocketAddr,
};

/// How many directories are asked at once.
const AT_ONCE: usize = 8;

/// Look for new copies of members' certificates in the Web Key Directories of their domains
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these contacts (an address) or constituents (a file name without `.yaml`)
    #[arg(value_name = "ADDRESS|CONSTITUENT")]
    who: Vec<String>,
    /// Only show what would be taken
    #[arg(long)]
    dry_run: bool,
    /// Where a host is, instead of asking DNS for any; for tests
    #[arg(long, hide = true, value_name = "HOST=ADDRESS:PORT", value_parser = host)]
    resolve: Vec<(String, SocketAddr)>,
}

/// Reads what takes the place of DNS in tests.
pub fn host(text: &str) -> Result<(String, SocketAddr), String> {
    let (host, address) = text.split_once('=').ok_or("write HOST=ADDRESS:PORT")?;
    Ok((
        host.to_string(),
        address.parse().map_err(|error| format!("{error}"))?,
    ))
}

/// What came of one question.
enum Outcome {
    Unchanged,
    /// It ends later than it did, or not at all.
    Extended,
    /// Something else is new: a subkey, a revocation, or the whole certificate, of which there was no file.
    Updated,
    OtherKey,
    NotFound,
    Unreachable(String),
    Refused(String),
}

impl Outcome {
    fn as_str(&self) -> &'static str {
        match self {
            Outcome::Unchanged => "unchanged",
            Outcome::Extended => "extended",
            Outcome::Updated => "updated",
            Outcome::OtherKey => "other-key",
            Outcome::NotFound => "not-found",
            Outcome::Unreachable(_) => "unreachable",
            Outcome::Refused(_) => "refused",
        }
    }
}

impl From<WkdError> for Outcome {
    fn from(error: WkdError) -> Outcome {
        match error.is_refusal() {
            true => Outcome::Refused(error.to_string()),
            false => Outcome::Unreachable(error.to_string()),
        }
    }
}

/// One member after the question.
struct Answer<'a> {
    contact: &'a Contact,
    outcome: Outcome,
    /// Of the member's certificate as it is now, if the file names one.
    state: Option<KeyState>,
    /// Usable certificates of this address that are not the member's.
    others: Vec<Fingerprint>,
    /// What is to be written.
    news: Option<Certificate>,
}

impl Answer<'_> {
    fn needs_staff(&self) -> bool {
        !self.others.is_empty()
            || matches!(
                self.outcome,
                Outcome::OtherKey | Outcome::Unreachable(_) | Outcome::Refused(_)
            )
            || self.state.as_ref().is_some_and(|state| !state.is_usable())
    }

    fn words(&self) -> String {
        let state = self
            .state
            .as_ref()
            .map_or_else(|| "no certificate".into(), KeyState::to_string);
        let good = self.state.as_ref().is_none_or(KeyState::is_usable);
        match (&self.outcome, &self.state) {
            (Outcome::Updated, Some(KeyState::Revoked(_))) => format!("REVOKED: {state}"),
            (Outcome::Unchanged, _) => format!("unchanged: {state}"),
            (Outcome::Updated, _) => format!("updated: {state}"),
            (Outcome::Extended, Some(state)) => match state.ends() {
                Some(ends) => format!("extended until {}", ends.date()),
                None => "extended: it does not end any more".into(),
            },
            (Outcome::Extended, None) => "extended".into(),
            (Outcome::OtherKey, _) => format!("OTHER KEY FOUND; {state}"),
            (Outcome::NotFound, _) if good => "not found".into(),
            (Outcome::NotFound, _) => format!("not found; {state}"),
            (Outcome::Unreachable(why), _) => format!("unreachable: {why}"),
            (Outcome::Refused(why), _) => format!("REFUSED: {why}"),
        }
    }

    fn json(&self, now: &Moment, dry_run: bool) -> Value {
        let why = match &self.outcome {
            Outcome::Unreachable(why) | Outcome::Refused(why) => Some(why),
            _ => None,
        };
        json!({
            "address": self.contact.address.as_str(), "constituent": self.contact.constituent.as_str(),
            "certificate": self.contact.certificate.as_ref().map(Fingerprint::to_string), "result": self.outcome.as_str(),
            "state": self.state.as_ref().map(KeyState::to_string), "revoked": matches!(self.state, Some(KeyState::Revoked(_))),
            "days_left": self.state.as_ref().and_then(|state| state.days_left(now)), "why": why,
            "other_keys": self.others.iter().map(Fingerprint::to_string).collect::<Vec<_>>(),
            "written": self.news.is_some() && !dry_run, "needs_staff": self.needs_staff(),
        })
    }
}

pub fn run(desk: &Desk, args: Args) -> Result<Done, Failure> {
    let workspace = desk.workspace()?;
    let contacts = chosen(&workspace, &args.who)?;
    let directories = Directories::open(&workspace.settings.wkd, &workspace.root, args.resolve)
        .map_err(Failure::new)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(AT_ONCE)
        .build()
        .map_err(Failure::new)?;
    let bar = desk.ui.progress(contacts.len() as u64, "directories");
    let found: Vec<Result<Vec<Certificate>, Outcome>> = pool.install(|| {
        let one = |contact: &&Contact| {
            let found = ask(&directories, &contact.address);
            bar.inc(1);
            found
        };
        contacts.par_iter().map(one).collect()
    });
    bar.finish_and_clear();

    // Two contacts may share a certificate: the second takes what the first left.
    let mut known: BTreeMap<Fingerprint, Certificate> = BTreeMap::new();
    let mut answers = Vec::new();
    for (contact, found) in contacts.into_iter().zip(found) {
        if let Some(named) = contact
            .certificate
            .as_ref()
            .filter(|named| !known.contains_key(*named))
        {
            known.extend(
                workspace
                    .certificates
                    .read(named)?
                    .map(|certificate| (named.clone(), certificate)),
            );
        }
        let answer = judge(contact, found, &known, &desk.now);
        if let Some(news) = &answer.news {
            known.insert(news.fingerprint().clone(), news.clone());
            if !args.dry_run {
                let name = format!("{}.asc", news.fingerprint());
                replace(&desk.root.join("certs"), &name, news.armored().as_bytes())?;
                desk.ui.deed(&format!("wrote certs/{name}"));
            }
        }
        answers.push(answer);
    }
    tell(desk, &answers, args.dry_run);
    Ok(if answers.iter().any(Answer::needs_staff) {
        Done::WithFindings
    } else {
        Done::Well
    })
}

/// Who is meant: those who are named, or everybody who is not suspended; each address once.
fn chosen<'a>(workspace: &'a Workspace, who: &[String]) -> Result<Vec<&'a Contact>, Failure> {
    let roster = &workspace.roster;
    let mut chosen: Vec<&Contact> = Vec::new();
    for word in who {
        let unknown = |what: &str| {
            Failure::usage(format!("{what} `{word}` does not exist"))
                .hint("`advise constituent` shows all")
        };
        if word.contains('@') {
            let address: Address = word
                .parse()
                .map_err(|wrong: crate::terms::Wrong| Failure::usage(wrong.message))?;
            chosen.push(roster.contact(&address).ok_or_else(|| unknown("contact"))?);
        } else {
            let constituent = roster
                .constituents
                .iter()
                .find(|constituent| constituent.slug.as_str() == word);
            let contacts = &constituent.ok_or_else(|| unknown("constituent"))?.contacts;
            chosen.extend(contacts.iter().map(|contact| &**contact));
        }
    }
    if who.is_empty() {
        chosen.extend(
            roster
                .contacts()
                .map(|contact| &**contact)
                .filter(|contact| contact.suspended.is_none()),
        );
    }
    let mut seen = HashSet::new();
    chosen.retain(|contact| seen.insert(contact.address.key()));
    Ok(chosen)
}

fn ask(directories: &Directories, address: &Address) -> Result<Vec<Certificate>, Outcome> {
    let bytes = directories.ask(address)?.ok_or(Outcome::NotFound)?;
    Certificate::read_all(&bytes).map_err(|error| {
        Outcome::Refused(match error {
            CertError::SecretKey => {
                "it shows a SECRET key to everybody: call its owner at once, it has to be revoked"
                    .into()
            }
            error => error.to_string(),
        })
    })
}

/// What to make of what was found.
fn judge<'a>(
    contact: &'a Contact,
    found: Result<Vec<Certificate>, Outcome>,
    certificates: &BTreeMap<Fingerprint, Certificate>,
    now: &Moment,
) -> Answer<'a> {
    let named = contact.certificate.as_ref();
    let known = named.and_then(|fingerprint| certificates.get(fingerprint));
    let before = named.map(|_| known.map_or(KeyState::Missing, |known| known.state(now)));
    let mut answer = Answer {
        contact,
        outcome: Outcome::NotFound,
        state: before.clone(),
        others: Vec::new(),
        news: None,
    };
    let found = match found {
        Ok(found) => found,
        Err(outcome) => return Answer { outcome, ..answer },
    };
    let (mine, others): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|found| Some(found.fingerprint()) == named);
    answer.others = others
        .iter()
        .filter(|other| mine.is_empty() || other.state(now).is_usable())
        .map(|other| other.fingerprint().clone())
        .collect();
    let Some(copy) = mine.first() else {
        return Answer {
            outcome: Outcome::OtherKey,
            ..answer
        };
    };
    let Some(renewed) = Certificate::renewed(known, copy, &contact.address) else {
        let why = "its copy of the certificate does not name this address".into();
        return Answer {
            outcome: Outcome::Refused(why),
            ..answer
        };
    };
    if known.is_some_and(|known| known.binary() == renewed.binary()) {
        return Answer {
            outcome: Outcome::Unchanged,
            ..answer
        };
    }
    let state = renewed.state(now);
    let ended = match &before {
        Some(KeyState::Usable { expires }) => expires.clone(),
        Some(KeyState::Expired(at)) => Some(at.clone()),
        _ => None,
    };
    // What never ended cannot be extended.
    let later = state.is_usable()
        && ended.is_some_and(|ended| state.ends().is_none_or(|ends| *ends > ended));
    answer.outcome = if later {
        Outcome::Extended
    } else {
        Outcome::Updated
    };
    Answer {
        state: Some(state),
        news: Some(renewed),
        ..answer
    }
}

fn tell(desk: &Desk, answers: &[Answer<'_>], dry_run: bool) {
    if desk.ui.wants_json() {
        let contacts: Vec<Value> = answers
            .iter()
            .map(|answer| answer.json(&desk.now, dry_run))
            .collect();
        return desk
            .ui
            .json(&json!({ "contacts": contacts, "dry_run": dry_run }));
    }
    let rows: Vec<Vec<String>> = answers
        .iter()
        .map(|answer| vec![answer.contact.address.to_string(), answer.words()])
        .collect();
    let mut text = table(&["ADDRESS", "RESULT"], &rows);
    for answer in answers.iter().filter(|answer| !answer.others.is_empty()) {
        text.push_str(&other_keys(answer));
    }
    desk.ui.data(&text);
    let news = answers
        .iter()
        .filter(|answer| answer.news.is_some())
        .count();
    if dry_run && news > 0 {
        desk.ui.deed(&format!(
            "{} would be written",
            count(news, "certificate", "certificates")
        ));
    }
}

/// Both fingerprints, and what to do.
fn other_keys(answer: &Answer<'_>) -> String {
    let contact = answer.contact;
    let file = format!("constituents/{}.yaml", contact.constituent);
    let named = contact
        .certificate
        .as_ref()
        .map_or_else(|| "none".into(), Fingerprint::spaced);
    let mut text = format!(
        "\n{} has another key in the directory:\n  {file}: {named}\n",
        contact.address
    );
    for other in &answer.others {
        text.push_str(&format!("  directory: {}\n", other.spaced()));
    }
    let phone = contact.phone.as_deref().unwrap_or("a number that you know");
    text.push_str(&format!(
        "  Whoever keeps the directory could have put it there. Call {} at {phone}, and compare all digits.\n  \
         If it is theirs, write it into {file} and run `advise constituent refresh {}` again.\n",
        contact.name, contact.address
    ));
    text
}
