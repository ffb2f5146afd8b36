//! Composes and signs letters and notices. `deliver` hands them over.

use super::{
    Job, PublishError,
    thread::{Thread, thread},
};
use crate::{
    advisory::Advisory,
    diag::Findings,
    ledger::Ledger,
    openpgp::Signed,
    plan::{self, Batch, Opened, letter_key, notice_key},
    receipt::Intent,
    render::letter::{Letter, LetterShop, LetterWords, ListFacts, Message, Notice, NoticeShop, NoticeWords, Recipient},
    render::words::Words,
    roster::Contact,
    terms::{Address, Lang},
    tlp::{Cover, Gate, Public, Shareable},
};

/// A batch whose letter is composed, signed and verified.
pub struct Ready<'a> {
    pub(super) batch: &'a Batch<'a>,
    pub(super) letter: SignedFor<'a>,
    pub(super) message_id: String,
}

pub(super) enum SignedFor<'a> {
    List(Shareable<Signed<Letter>, &'a crate::roster::List>),
    Person(Shareable<Signed<Letter>, &'a Contact>),
}

/// A notice that is composed, signed and verified.
pub struct ReadyNotice<'a> {
    pub(super) message: Shareable<Message, &'a Contact>,
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

pub(super) fn sender<'a>(job: &Job<'a>) -> &'a Address {
    let workspace = job.workspace;
    workspace.settings.mail.from.as_ref().unwrap_or(&workspace.team.email)
}

/// The words of a language. What is wrong in the workspace's own files is found when the site is made.
pub(super) fn words_of(job: &Job<'_>, lang: &Lang) -> Words {
    Words::read(lang, &job.workspace.templates, &mut Findings::new())
}

/// Composes, signs and verifies every letter, so that nothing can go wrong any more that does not come from the
/// network: that each certificate can be encrypted to was tried when it was judged.
pub(super) fn compose<'a>(job: &Job<'a>, ledger: &Ledger) -> Result<Vec<Ready<'a>>, PublishError> {
    let plan = job.plan;
    job.watch.begin("letters", plan.batches.len());
    let mut all = Vec::with_capacity(plan.batches.len());
    for batch in &plan.batches {
        all.push(compose_one(job, ledger, batch)?);
        job.watch.step();
    }
    job.watch.end();
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
    let Thread { in_reply_to, references, missed } = thread(job, batch);
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
        missed: &missed,
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
        let words = NoticeWords::held(&words_of(job, lang));
        let shop = NoticeShop {
            lang,
            words: &words,
            team: &workspace.team,
            from: sender(job),
            to: &contact.address,
            help: &workspace.team.email,
            ending: None,
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
