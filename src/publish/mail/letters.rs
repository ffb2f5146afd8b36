//! Signs letters and notices. `deliver` hands them over.

use super::compose::{Addressed, Office};
use crate::publish::{Job, PublishError};
use crate::{
    advisory::Advisory,
    ledger::{Ledger, Members},
    openpgp::Signed,
    plan::{self, Batch, Whom, letter_key, notice_key},
    receipt::Intent,
    render::letter::{Letter, Message, Notice, NoticeShop, NoticeWords},
    roster::{Contact, Encrypt},
    tlp::{Cover, Shareable},
};

/// A batch whose letter is composed, signed and verified.
pub struct Ready<'a> {
    pub(in crate::publish) batch: &'a Batch<'a>,
    pub(in crate::publish) letter: SignedFor<'a>,
    pub(in crate::publish) message_id: String,
}

pub(in crate::publish) enum SignedFor<'a> {
    List(Shareable<Signed<Letter>, &'a crate::roster::List>),
    Person(Shareable<Signed<Letter>, &'a Contact>),
}

/// A notice that is composed, signed and verified.
pub struct ReadyNotice<'a> {
    pub(in crate::publish) message: Shareable<Message, &'a Contact>,
    /// One for each advisory that is held for this member; the first one's Message-ID is the mail's.
    pub(in crate::publish) intents: Vec<Intent>,
}

impl<'a> Ready<'a> {
    pub(in crate::publish) fn advisory(&self) -> &'a Advisory {
        self.batch.advisory
    }

    pub(in crate::publish) fn intents(&self) -> impl Iterator<Item = Intent> {
        let advisory = self.advisory();
        self.batch.recipients.iter().map(move |recipient| Intent {
            key: letter_key(advisory, recipient.member),
            list: self.batch.whom.name().to_string(),
            lang: self.batch.lang.clone(),
            cover: self.batch.cover,
            message_id: self.message_id.clone(),
        })
    }
}

/// Where this job's letters are composed.
pub(in crate::publish) fn office<'r>(job: &'r Job<'_>, members: &'r Members) -> Office<'r> {
    Office {
        workspace: job.workspace,
        history: job.history,
        members,
        now: job.now,
    }
}

/// Composes, signs and verifies every letter, so that nothing can go wrong any more that does not come from the
/// network: that each certificate can be encrypted to was tried when it was judged.
pub(in crate::publish) fn compose<'a>(
    job: &Job<'a>,
    ledger: &Ledger,
) -> Result<Vec<Ready<'a>>, PublishError> {
    let (plan, members) = (job.plan, ledger.members());
    job.watch.begin("letters", plan.batches.len());
    let mut all = Vec::with_capacity(plan.batches.len());
    for batch in &plan.batches {
        all.push(compose_one(job, &office(job, &members), batch)?);
        job.watch.step();
    }
    job.watch.end();
    Ok(all)
}

/// What is owed to held and suspended members, as intents: from then on it is due whenever their certificate is mended,
/// or their mailbox, however old the advisory is by then.
pub(in crate::publish) fn owed(job: &Job<'_>, ledger: &Ledger) -> Vec<Intent> {
    let members = ledger.members();
    let office = office(job, &members);
    let intent = |advisory: &Advisory, whom: Whom<'_>, contact: Option<&Contact>, member, cover| {
        let lang = plan::language(&job.workspace.settings, advisory, contact);
        Intent {
            key: letter_key(advisory, member),
            list: whom.name().to_string(),
            lang: lang.clone(),
            cover,
            message_id: office.message_id(advisory, whom, lang),
        }
    };
    let held = job.plan.held.iter().map(|held| {
        intent(
            held.advisory,
            held.whom,
            held.contact,
            held.member,
            Cover::Encrypted,
        )
    });
    let kept = job.plan.kept.iter().map(|kept| {
        let always = kept
            .whom
            .list()
            .is_some_and(|list| list.encrypt == Encrypt::Always);
        let cover = Cover::for_letter(
            kept.advisory.tlp,
            always,
            kept.contact.certificate.is_some(),
        );
        intent(
            kept.advisory,
            kept.whom,
            Some(kept.contact),
            kept.member,
            cover,
        )
    });
    // What was tried before says itself how it went.
    let kept = kept.filter(|intent| !job.history.deliveries.contains_key(&intent.key));
    held.chain(kept).collect()
}

fn compose_one<'a>(
    job: &Job<'a>,
    office: &Office<'_>,
    batch: &'a Batch<'a>,
) -> Result<Ready<'a>, PublishError> {
    let advisory = batch.advisory;
    let addressed = Addressed {
        advisory,
        whom: batch.whom,
        lang: batch.lang,
        cover: batch.cover,
        members: batch
            .recipients
            .iter()
            .map(|recipient| recipient.member)
            .collect(),
        message_id: batch.message_id,
    };
    let composed = |error| PublishError::Letter {
        id: advisory.id.clone(),
        error,
    };
    let key = job.keyring.key()?;
    office.compose(&addressed, |shop| {
        let letter = match batch.whom {
            Whom::List(list) => SignedFor::List(
                job.gate
                    .open(advisory, list)?
                    .make::<Letter>(shop)
                    .map_err(composed)?
                    .make::<Signed<Letter>>(key)?,
            ),
            Whom::Person(contact) => SignedFor::Person(
                job.gate
                    .open(advisory, contact)?
                    .make::<Letter>(shop)
                    .map_err(composed)?
                    .make::<Signed<Letter>>(key)?,
            ),
        };
        Ok(Ready {
            batch,
            letter,
            message_id: shop.message_id.to_string(),
        })
    })
}

/// Composes and signs the notices that are due: one for each held member, however much is held.
pub(in crate::publish) fn notices<'a>(
    job: &Job<'a>,
    ledger: &Ledger,
) -> Result<Vec<ReadyNotice<'a>>, PublishError> {
    let workspace = job.workspace;
    let members = ledger.members();
    let office = office(job, &members);
    let mut all: Vec<ReadyNotice<'_>> = Vec::new();
    for held in job.plan.held.iter().filter(|held| held.notice) {
        let Some(contact) = held.contact else {
            continue;
        };
        let advisory = held.advisory;
        if let Some(notice) = all
            .iter_mut()
            .find(|notice| notice.intents[0].key.member == held.member)
        {
            let first = notice.intents[0].clone();
            notice.intents.push(Intent {
                key: notice_key(&advisory.id, held.member),
                list: held.whom.name().to_string(),
                ..first
            });
            continue;
        }
        let lang = contact
            .language
            .as_ref()
            .unwrap_or_else(|| workspace.settings.site.default_lang());
        let token = ledger.token(&advisory.id, "notice", &held.member.hex(), lang);
        let message_id = format!("<{token}@{}>", office.sender().domain());
        let words = NoticeWords::held(&office.words(lang));
        let shop = NoticeShop {
            lang,
            words: &words,
            team: &workspace.team,
            from: office.sender(),
            to: &contact.address,
            help: &workspace.team.email,
            ending: None,
            mailbox: None,
            message_id: &message_id,
            date: job.now,
        };
        let notice = job
            .gate
            .open(Notice::new(&shop).map_err(PublishError::Notice)?, contact)?;
        let pack = |error| PublishError::Pack {
            id: advisory.id.clone(),
            error,
        };
        let message = notice
            .make::<Signed<Notice>>(job.keyring.key()?)?
            .make::<Message>(&())
            .map_err(pack)?;
        let intent = Intent {
            key: notice_key(&advisory.id, held.member),
            list: held.whom.name().to_string(),
            lang: lang.clone(),
            cover: Cover::Signed,
            message_id,
        };
        all.push(ReadyNotice {
            message,
            intents: vec![intent],
        });
    }
    Ok(all)
}
