//! Composes and signs the reminders to members whose certificates end soon; they leave as notices do.

use super::{
    Job, PublishError,
    letters::{ReadyNotice, office},
};
use crate::{
    ledger::Ledger,
    openpgp::Signed,
    receipt::Intent,
    render::letter::{Message, Notice, NoticeShop, NoticeWords},
    tlp::{Cover, Gate},
};

/// Those that are due, one for each member.
pub(super) fn compose<'a>(job: &Job<'a>, ledger: &Ledger) -> Result<Vec<ReadyNotice<'a>>, PublishError> {
    let workspace = job.workspace;
    let members = ledger.members();
    let office = office(job, &members);
    let gate = Gate::at(job.now.clone());
    let mut all = Vec::new();
    for expiring in job.plan.expiring.iter().filter(|expiring| expiring.due) {
        let (contact, key) = (expiring.contact, expiring.key());
        let lang = contact.language.as_ref().unwrap_or_else(|| workspace.settings.site.default_lang());
        let token = ledger.token(&key.advisory, &key.revision, &key.member.hex(), lang);
        let message_id = format!("<{token}@{}>", office.sender().domain());
        let shop = NoticeShop {
            lang,
            words: &NoticeWords::expiring(&office.words(lang)),
            team: &workspace.team,
            from: office.sender(),
            to: &contact.address,
            help: &workspace.team.email,
            ending: Some((expiring.certificate, &expiring.ends)),
            mailbox: None,
            message_id: &message_id,
            date: job.now,
        };
        let notice = gate.open(Notice::new(&shop).map_err(PublishError::Notice)?, contact)?;
        let pack = |error| PublishError::Pack { id: key.advisory.clone(), error };
        let message = notice.make::<Signed<Notice>>(job.keyring.key()?)?.make::<Message>(&()).map_err(pack)?;
        let intent = Intent { key, list: "person".into(), lang: lang.clone(), cover: Cover::Signed, message_id };
        all.push(ReadyNotice { message, intents: vec![intent] });
    }
    Ok(all)
}
