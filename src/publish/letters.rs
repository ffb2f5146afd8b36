//! Composes, signs, packs and delivers letters and notices.

use super::{
    Job, PublishError, Report,
    thread::{Thread, thread},
};
use crate::{
    advisory::Advisory,
    channels::mail::{Parcel, Post, PostError, Reaches},
    diag::Findings,
    ledger::Ledger,
    openpgp::{Certificate, Sealer, Signed},
    plan::{self, Batch, Opened, letter_key, notice_key},
    receipt::{DeliveryKey, Intent, Outcome},
    render::letter::{Letter, LetterShop, LetterWords, ListFacts, Message, Notice, NoticeShop, NoticeWords, Packing, Recipient},
    render::words::Words,
    roster::Contact,
    terms::{Address, Lang},
    tlp::{Cover, Gate, Public, Shareable},
};
use rayon::prelude::*;
use std::collections::HashSet;

/// How many copies are encrypted ahead of the delivery.
const AHEAD: usize = 64;

/// A batch whose letter is composed, signed and verified.
pub struct Ready<'a> {
    batch: &'a Batch<'a>,
    letter: SignedFor<'a>,
    message_id: String,
}

enum SignedFor<'a> {
    List(Shareable<Signed<Letter>, &'a crate::roster::List>),
    Person(Shareable<Signed<Letter>, &'a Contact>),
}

/// A notice that is composed, signed and verified.
pub struct ReadyNotice<'a> {
    message: Shareable<Message, &'a Contact>,
    /// One for each advisory that is held for this member; the first one's Message-ID is the mail's.
    pub(super) intents: Vec<Intent>,
}

impl<'a> Ready<'a> {
    pub(super) fn advisory(&self) -> &'a Advisory {
        self.batch.opened.advisory()
    }

    pub(super) fn intents(&self) -> impl Iterator<Item = Intent> {
        let advisory = self.advisory();
        self.batch.recipients.iter().map(move |recipient| Intent {
            key: letter_key(advisory, recipient.member),
            list: self.batch.opened.list_name().to_string(),
            lang: self.batch.lang.clone(),
            cover: self.batch.cover,
            message_id: self.message_id.clone(),
        })
    }
}

fn sender<'a>(job: &Job<'a>) -> &'a Address {
    let workspace = job.workspace;
    workspace.settings.mail.from.as_ref().unwrap_or(&workspace.team.email)
}

/// The words of a language. What is wrong in the workspace's own files is found when the site is made.
fn words_of(job: &Job<'_>, lang: &Lang) -> Words {
    Words::read(lang, &job.workspace.templates, &mut Findings::new())
}

/// Composes, signs and verifies every letter, and encrypts each to every certificate it will go to, so that
/// nothing can go wrong any more that does not come from the network.
pub(super) fn compose<'a>(job: &Job<'a>, ledger: &Ledger) -> Result<Vec<Ready<'a>>, PublishError> {
    let plan = job.plan;
    job.watch.begin("letters", plan.batches.len());
    let mut all = Vec::with_capacity(plan.batches.len());
    for batch in &plan.batches {
        all.push(compose_one(job, ledger, batch)?);
        job.watch.step();
    }
    job.watch.end();
    // A probe, not the letter: what can fail for one certificate fails for these few bytes as well.
    let certificates: HashSet<_> =
        plan.batches.iter().flat_map(|batch| &batch.recipients).filter_map(|r| r.certificate).collect();
    let probe = Sealer::new(b"probe");
    let first = plan.batches.first().map(|batch| batch.opened.advisory().id.clone());
    certificates.into_par_iter().try_for_each(|fingerprint| match (job.workspace.certificates.get(fingerprint), &first) {
        (Some(certificate), Some(id)) => {
            probe.seal(certificate, job.now).map(drop).map_err(|error| PublishError::Pack { id: id.clone(), error: error.into() })
        }
        _ => Ok(()),
    })?;
    Ok(all)
}

/// The same for all members of a list, at every try; a named person's own.
fn message_id(job: &Job<'_>, ledger: &Ledger, opened: &Opened<'_>, revision: &str, lang: &Lang) -> String {
    let audience = match opened {
        Opened::List(_) => opened.list_name().to_string(),
        Opened::Person(shared) => format!("person {}", ledger.member(&shared.audience().address).hex()),
    };
    format!("<{}@{}>", ledger.token(&opened.advisory().id, revision, &audience, lang), sender(job).domain())
}

/// What is owed to held members, as intents: from then on it is due whenever their certificate is mended, however
/// old the advisory is by then.
pub(super) fn owed(job: &Job<'_>, ledger: &Ledger) -> Vec<Intent> {
    let owed = job.plan.held.iter().map(|held| {
        let advisory = held.opened.advisory();
        let lang = plan::language(&job.workspace.settings, advisory, held.contact);
        Intent {
            key: letter_key(advisory, held.member),
            list: held.opened.list_name().to_string(),
            lang: lang.clone(),
            cover: Cover::Encrypted,
            message_id: message_id(job, ledger, &held.opened, &advisory.revision().number, lang),
        }
    });
    owed.collect()
}

fn compose_one<'a>(job: &Job<'a>, ledger: &Ledger, batch: &'a Batch<'a>) -> Result<Ready<'a>, PublishError> {
    let workspace = job.workspace;
    let advisory = batch.opened.advisory();
    let from = sender(job);
    let message_id = batch
        .message_id
        .map_or_else(|| message_id(job, ledger, &batch.opened, &advisory.revision().number, batch.lang), str::to_string);
    let Thread { in_reply_to, references, had } = thread(job, batch);
    let gate = Gate::at(job.now.clone());
    let site = &workspace.settings.site;
    let page = gate.open(advisory, Public).ok().map(|_| {
        let folder = if batch.lang != site.default_lang() && site.languages.contains(batch.lang) {
            format!("{}/", batch.lang)
        } else {
            String::new()
        };
        site.link(&format!("{folder}advisories/{}/", advisory.id))
    });
    let words = LetterWords::of(&words_of(job, batch.lang));
    let list = batch.opened.list().map(|list| ListFacts {
        name: list.name.clone(),
        title: list.title.in_lang(batch.lang).to_string(),
        address: list.address.clone(),
        help: workspace.team.email.clone(),
        owner: workspace.team.email.clone(),
    });
    let to = match (&list, &batch.opened) {
        (Some(list), _) => Recipient::List(list),
        (None, Opened::Person(shared)) => {
            Recipient::Person { name: &shared.audience().name, address: &shared.audience().address }
        }
        (None, Opened::List(_)) => unreachable!("a list has facts"),
    };
    let shop = LetterShop {
        lang: batch.lang,
        words: &words,
        team: &workspace.team,
        from,
        to,
        message_id: &message_id,
        in_reply_to: &in_reply_to,
        references: &references,
        had,
        date: job.now,
        cover: batch.cover,
        page: page.as_deref(),
        site: Some(site.url.as_str()),
    };
    let composed = |error| PublishError::Letter { id: advisory.id.clone(), error };
    let key = job.keyring.key()?;
    let letter = match &batch.opened {
        Opened::List(shared) => SignedFor::List(shared.make::<Letter>(&shop).map_err(composed)?.make::<Signed<Letter>>(key)?),
        Opened::Person(shared) => SignedFor::Person(shared.make::<Letter>(&shop).map_err(composed)?.make::<Signed<Letter>>(key)?),
    };
    Ok(Ready { batch, letter, message_id })
}

/// Composes and signs the notices that are due: one for each held member, however much is held.
pub(super) fn notices<'a>(job: &Job<'a>, ledger: &Ledger) -> Result<Vec<ReadyNotice<'a>>, PublishError> {
    let workspace = job.workspace;
    let gate = Gate::at(job.now.clone());
    let mut all: Vec<ReadyNotice<'_>> = Vec::new();
    for held in job.plan.held.iter().filter(|held| held.notice) {
        let Some(contact) = held.contact else { continue };
        let advisory = held.opened.advisory();
        if let Some(notice) = all.iter_mut().find(|notice| notice.intents[0].key.member == held.member) {
            let first = notice.intents[0].clone();
            notice.intents.push(Intent {
                key: notice_key(&advisory.id, held.member),
                list: held.opened.list_name().to_string(),
                ..first
            });
            continue;
        }
        let lang = contact.language.as_ref().unwrap_or_else(|| workspace.settings.site.default_lang());
        let token = ledger.token(&advisory.id, "notice", &held.member.hex(), lang);
        let message_id = format!("<{token}@{}>", sender(job).domain());
        let words = NoticeWords::of(&words_of(job, lang));
        let shop = NoticeShop {
            lang,
            words: &words,
            team: &workspace.team,
            from: sender(job),
            to: &contact.address,
            help: &workspace.team.email,
            message_id: &message_id,
            date: job.now,
        };
        let notice = gate.open(Notice::new(&shop).map_err(PublishError::Notice)?, contact)?;
        let pack = |error| PublishError::Pack { id: advisory.id.clone(), error };
        let message = notice.make::<Signed<Notice>>(job.keyring.key()?)?.make::<Message>(&()).map_err(pack)?;
        let intent = Intent {
            key: notice_key(&advisory.id, held.member),
            list: held.opened.list_name().to_string(),
            lang: lang.clone(),
            cover: Cover::Signed,
            message_id,
        };
        all.push(ReadyNotice { message, intents: vec![intent] });
    }
    Ok(all)
}

/// Hands over everything, one letter after the other; stops when the post is closed.
pub(super) fn deliver(
    job: &Job<'_>,
    ledger: &mut Ledger,
    ready: &[Ready<'_>],
    notices: &[ReadyNotice<'_>],
    post: &mut dyn Post,
    report: &mut Report,
) -> Result<(), PublishError> {
    let letters: usize = ready.iter().map(|ready| ready.batch.recipients.len()).sum();
    job.watch.begin("mail", letters + notices.len());
    let mut counter = Counter { job, ledger, post, report, left: letters + notices.len() };
    for ready in ready {
        let before = counter.accepted();
        match &ready.letter {
            SignedFor::List(letter) => counter.batch(ready, letter)?,
            SignedFor::Person(letter) => counter.batch(ready, letter)?,
        }
        counter.deed(ready, before);
        if counter.report.closed.is_some() {
            break;
        }
    }
    let mut told = 0;
    for notice in notices {
        if counter.report.closed.is_some() {
            break;
        }
        let contact: &Contact = notice.message.audience();
        let first = &notice.intents[0];
        let copy = Copy { key: &first.key, address: &contact.address, may_be_second: false };
        if counter.one(&notice.message, &copy, &first.message_id)? {
            told += 1;
            let same = Outcome::Accepted("told in the same notice".into());
            counter.ledger.begin_all(notice.intents[1..].iter().map(|intent| &intent.key), job.now)?;
            counter.ledger.settle_all(notice.intents[1..].iter().map(|intent| (&intent.key, &same)), job.now)?;
        }
    }
    if told > 0 {
        let members = if told == 1 { "1 member".into() } else { format!("{told} members") };
        job.watch.deed(&format!("told {members} that something is held for them (without content)"));
    }
    counter.report.untried = counter.left;
    job.watch.end();
    Ok(())
}

struct Copy<'a> {
    key: &'a DeliveryKey,
    address: &'a Address,
    may_be_second: bool,
}

struct Counter<'a, 'j> {
    job: &'a Job<'j>,
    ledger: &'a mut Ledger,
    post: &'a mut dyn Post,
    report: &'a mut Report,
    left: usize,
}

impl Counter<'_, '_> {
    fn accepted(&self) -> usize {
        self.report.outcomes.get("accepted").copied().unwrap_or(0)
    }

    /// One letter, for all its recipients: some copies are encrypted on all cores while none waits for more.
    fn batch<A: Reaches + Clone + Send + Sync>(
        &mut self,
        ready: &Ready<'_>,
        letter: &Shareable<Signed<Letter>, A>,
    ) -> Result<(), PublishError> {
        let advisory = ready.advisory();
        let failed = |error| PublishError::Pack { id: advisory.id.clone(), error };
        let inline = letter.thing().inline();
        let sealer = Sealer::new(&inline);
        let now = self.job.now;
        let certificates = &self.job.workspace.certificates;
        for chunk in ready.batch.recipients.chunks(AHEAD) {
            let packed: Vec<_> = chunk
                .par_iter()
                .map(|recipient| {
                    let certificate: Option<&Certificate> =
                        recipient.certificate.and_then(|fingerprint| certificates.get(fingerprint));
                    let packing = match (ready.batch.cover, certificate) {
                        (Cover::Encrypted, Some(certificate)) => Packing::Encrypted { sealer: &sealer, certificate, now },
                        // Without a certificate an encrypted letter cannot be packed: `Signed` refuses it.
                        _ => Packing::Signed,
                    };
                    letter.make::<Message>(&packing).map_err(failed)
                })
                .collect();
            for (recipient, message) in chunk.iter().zip(packed) {
                let key = letter_key(advisory, recipient.member);
                let copy = Copy { key: &key, address: recipient.address, may_be_second: recipient.may_be_second };
                self.one(&message?, &copy, &ready.message_id)?;
                if self.report.closed.is_some() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// One copy: durable before, settled after. Gives whether it was taken.
    fn one<A: Reaches + Clone>(
        &mut self,
        message: &Shareable<Message, A>,
        copy: &Copy<'_>,
        token: &str,
    ) -> Result<bool, PublishError> {
        let now = self.job.now;
        let id = || copy.key.advisory.clone();
        let bounces = envelope_sender(self.job, self.ledger, copy.key, token);
        let parcel =
            Parcel::new(message, bounces.as_ref(), copy.address).map_err(|error| PublishError::Parcel { id: id(), error })?;
        if copy.may_be_second && self.post.was_taken(&parcel) == Some(true) {
            self.ledger.settle(copy.key, &Outcome::Accepted("found where an earlier run had put it".into()), now)?;
            self.count("accepted");
            return Ok(true);
        }
        self.ledger.begin(copy.key, now)?;
        match self.post.send(&parcel) {
            Ok(outcome) => {
                self.ledger.settle(copy.key, &outcome, now)?;
                let (word, taken) = match outcome {
                    Outcome::Accepted(_) => ("accepted", true),
                    Outcome::Deferred(_) => ("deferred", false),
                    Outcome::Failed(_) => ("failed", false),
                    Outcome::Unknown(_) => ("unknown", false),
                };
                self.count(word);
                Ok(taken)
            }
            Err(error) => {
                self.ledger.settle(copy.key, &Outcome::Deferred(closed(&error)), now)?;
                self.report.closed = Some(error);
                Ok(false)
            }
        }
    }

    fn count(&mut self, word: &'static str) {
        *self.report.outcomes.entry(word).or_default() += 1;
        self.left -= 1;
        self.job.watch.step();
    }

    fn deed(&self, ready: &Ready<'_>, before: usize) {
        let advisory = ready.advisory();
        let sent = self.accepted() - before;
        let all = ready.batch.recipients.len();
        let letters = if sent == 1 { "1 letter".to_string() } else { format!("{sent} letters") };
        let to = match ready.batch.opened.list() {
            Some(list) => format!("list `{}`", list.name),
            None => "a named contact".into(),
        };
        let (id, revision, cover, lang) = (&advisory.id, &advisory.revision().number, ready.batch.cover, ready.batch.lang);
        let rest = if sent < all { format!("; {} not taken, see `advise status {id}`", all - sent) } else { String::new() };
        self.job.watch.deed(&format!("sent {letters} to {to}: {id} r{revision}, {cover}, {lang}{rest}"));
    }
}

/// The answer that the ledger keeps when there was none.
fn closed(error: &PostError) -> String {
    error.to_string()
}

/// VERP: a bounce names its letter and member by a keyed token that nobody else can make.
fn envelope_sender(job: &Job<'_>, ledger: &Ledger, key: &DeliveryKey, token: &str) -> Option<Address> {
    let base = job.workspace.settings.mail.bounces.as_ref().unwrap_or_else(|| sender(job));
    let left = token.trim_start_matches('<').split('@').next().unwrap_or(token);
    let verp = ledger.verp(&key.member, left);
    // RFC 5321, 4.5.3.1.1: a local part has up to 64 octets; a long base does without the token.
    format!("{}+{verp}@{}", base.local(), base.domain()).parse().ok().or_else(|| Some(base.clone()))
}
