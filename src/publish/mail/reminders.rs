//! Composes and signs what members are told without content and that is about no letter: that their certificates end soon,
//! and that mail to a colleague comes back. It leaves as notices do.

use super::letters::{ReadyNotice, office};
use crate::publish::{Job, PublishError};
use crate::{
    ledger::Ledger,
    openpgp::Signed,
    receipt::{DeliveryKey, Intent},
    render::{
        letter::{Message, Notice, NoticeShop, NoticeWords},
        words::Words,
    },
    roster::Contact,
    terms::{Address, Fingerprint, Moment},
    tlp::Cover,
};

/// What one member is told.
struct Word<'a> {
    to: &'a Contact,
    key: DeliveryKey,
    words: fn(&Words) -> NoticeWords,
    ending: Option<(&'a Fingerprint, &'a Moment)>,
    mailbox: Option<&'a Address>,
}

/// Those that are due: one for each member whose certificate ends, and one for each colleague of a suspended member.
pub(in crate::publish) fn compose<'a>(
    job: &Job<'a>,
    ledger: &Ledger,
) -> Result<Vec<ReadyNotice<'a>>, PublishError> {
    let expiring = job
        .plan
        .expiring
        .iter()
        .filter(|expiring| expiring.due)
        .map(|expiring| Word {
            to: expiring.contact,
            key: expiring.key(),
            words: NoticeWords::expiring,
            ending: Some((expiring.certificate, &expiring.ends)),
            mailbox: None,
        });
    let colleagues = job
        .plan
        .colleagues
        .iter()
        .filter(|colleague| colleague.due)
        .map(|colleague| Word {
            to: colleague.contact,
            key: colleague.key.clone(),
            words: NoticeWords::suspended,
            ending: None,
            mailbox: Some(&colleague.of.address),
        });
    expiring
        .chain(colleagues)
        .map(|word| ready(job, ledger, word))
        .collect()
}

fn ready<'a>(
    job: &Job<'a>,
    ledger: &Ledger,
    word: Word<'a>,
) -> Result<ReadyNotice<'a>, PublishError> {
    let (workspace, members) = (job.workspace, ledger.members());
    let office = office(job, &members);
    let Word {
        to,
        key,
        words,
        ending,
        mailbox,
    } = word;
    let lang = to
        .language
        .as_ref()
        .unwrap_or_else(|| workspace.settings.site.default_lang());
    let token = ledger.token(&key.advisory, &key.revision, &key.member.hex(), lang);
    let message_id = format!("<{token}@{}>", office.sender().domain());
    let shop = NoticeShop {
        lang,
        words: &words(&office.words(lang)),
        team: &workspace.team,
        from: office.sender(),
        to: &to.address,
        help: &workspace.team.email,
        ending,
        mailbox,
        message_id: &message_id,
        date: job.now,
    };
    let notice = job
        .gate
        .open(Notice::new(&shop).map_err(PublishError::Notice)?, to)?;
    let pack = |error| PublishError::Pack {
        id: key.advisory.clone(),
        error,
    };
    let message = notice
        .make::<Signed<Notice>>(job.keyring.key()?)?
        .make::<Message>(&())
        .map_err(pack)?;
    let intent = Intent {
        key,
        list: "person".into(),
        lang: lang.clone(),
        cover: Cover::Signed,
        message_id,
    };
    Ok(ReadyNotice {
        message,
        intents: vec![intent],
    })
}
