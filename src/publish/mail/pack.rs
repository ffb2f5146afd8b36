//! The copies of letters, made on all cores while others are on their way. [`MemoryBudget`] keeps them from piling up.

use super::{
    letters::{Ready, ReadyNotice, SignedFor, office},
    queue::{Event, Outgoing, PackedCopy},
};
use crate::publish::{Job, PublishError};
use crate::{
    channels::mail::{Fit, Parcel, Reaches},
    ledger::Members,
    openpgp::{Sealer, Signed},
    plan::letter_key,
    receipt::MemberHash,
    render::letter::{Letter, Message, Packing},
    terms::Address,
    tlp::{Cover, Shareable},
};
use rayon::prelude::*;
use std::{
    collections::{HashMap, HashSet},
    sync::{Condvar, Mutex, PoisonError, mpsc::Sender},
};

/// How much memory copies may take that are made and not yet settled. However many recipients there are, memory stays
/// the same.
const AHEAD: usize = 4 << 20;

/// And what takes more is made ahead all the same so often for each post, or some would have nothing to do.
const FOR_A_POST: usize = 2;

/// What a copy takes besides its bytes.
const SLIP: usize = 1024;

/// Makes every copy, and tells of each.
pub(in crate::publish) struct Packer<'a, 'r> {
    pub(in crate::publish) job: &'r Job<'a>,
    pub(in crate::publish) members: Members,
    pub(in crate::publish) room: &'r MemoryBudget,
    /// Copies that are there already, by batch.
    pub(in crate::publish) there: &'r HashSet<(usize, MemberHash)>,
}

impl<'a> Packer<'a, '_> {
    pub(in crate::publish) fn run<'m>(&self, mail: &Outgoing<'a, 'm>, tell: &Sender<Event<'m>>)
    where
        'a: 'm,
    {
        // Nobody listens any more when the delivery ended early; then there is nothing left to be told.
        mail.ready
            .par_iter()
            .enumerate()
            .for_each_with(tell.clone(), |tell, (number, ready)| {
                let done = match &ready.letter {
                    SignedFor::List(letter) => self.batch(number, ready, letter, tell),
                    SignedFor::Person(letter) => self.batch(number, ready, letter, tell),
                };
                if let Err(error) = done {
                    let _ = tell.send(Event::Packed(Err(error)));
                }
            });
        for notice in mail.notices {
            if !self.room.take(SLIP) {
                return;
            }
            let _ = tell.send(Event::Packed(self.notice(notice)));
        }
        let _ = tell.send(Event::AllPacked);
    }

    fn notice<'m>(&self, notice: &'m ReadyNotice<'a>) -> Result<PackedCopy<'m>, PublishError>
    where
        'a: 'm,
    {
        let (first, more) = notice
            .intents
            .split_first()
            .expect("a notice is about something");
        let sender = self.envelope_sender(&first.key.member, &first.message_id);
        let address = &notice.message.audience().address;
        let parcel = Parcel::new(&notice.message, Some(&sender), address).map_err(|error| {
            PublishError::Parcel {
                id: first.key.advisory.clone(),
                error,
            }
        })?;
        let more = more.iter().map(|intent| intent.key.clone()).collect();
        Ok(PackedCopy {
            parcel,
            key: first.key.clone(),
            batch: None,
            more,
            size: SLIP,
        })
    }

    /// One letter, for all its recipients, in the order in which the ledger keeps them: neighbours share its pages.
    fn batch<'m, A: Reaches + Clone + Send + Sync + 'm>(
        &self,
        number: usize,
        ready: &'m Ready<'a>,
        letter: &'m Shareable<Signed<Letter>, A>,
        tell: &Sender<Event<'m>>,
    ) -> Result<(), PublishError>
    where
        'a: 'm,
    {
        let advisory = ready.advisory();
        let pack = |error| PublishError::Pack {
            id: advisory.id.clone(),
            error,
        };
        let misfit = |error| PublishError::Parcel {
            id: advisory.id.clone(),
            error,
        };
        let fit = |packing: &Packing<'_>| {
            Fit::new(letter.make::<Message>(packing).map_err(pack)?).map_err(misfit)
        };
        let audience = letter.audience();
        let places: HashMap<&str, usize> = (0..)
            .map_while(|place| audience.nth(place).map(|address| (address.as_str(), place)))
            .collect();
        let mut recipients: Vec<_> = ready.batch.recipients.iter().collect();
        recipients.retain(|recipient| !self.there.contains(&(number, recipient.member)));
        recipients.sort_unstable_by_key(|recipient| recipient.member);

        let encrypted = ready.batch.cover == Cover::Encrypted;
        // Signed only, all copies are the same bytes.
        let shared = if encrypted {
            None
        } else {
            Some(fit(&Packing::Signed)?)
        };
        let inline = if encrypted {
            letter.thing().inline()
        } else {
            Vec::new()
        };
        let sealer = Sealer::new(&inline);
        // Armor takes four letters for three bytes, and line ends.
        let size = SLIP + inline.len() / 2 * 3;
        let (certificates, now) = (&self.job.workspace.certificates, self.job.now);
        recipients
            .par_iter()
            .for_each_with(tell.clone(), |tell, recipient| {
                if !self.room.take(size) {
                    return;
                }
                let load = || -> Result<PackedCopy<'m>, PublishError> {
                    let own = match (
                        &shared,
                        recipient
                            .certificate
                            .and_then(|fingerprint| certificates.get(fingerprint)),
                    ) {
                        (Some(_), _) => None,
                        (None, Some(certificate)) => Some(fit(&Packing::Encrypted {
                            sealer: &sealer,
                            certificate,
                            now,
                        })?),
                        // Without a certificate an encrypted letter cannot be packed: it refuses to be.
                        (None, None) => Some(fit(&Packing::Signed)?),
                    };
                    let fit = shared
                        .as_ref()
                        .or(own.as_ref())
                        .expect("one or the other was made");
                    let key = letter_key(advisory, recipient.member);
                    let sender = Some(self.envelope_sender(&key.member, &ready.message_id));
                    let parcel = match places.get(recipient.address.as_str()) {
                        Some(place) => fit.parcel_to_nth(sender, *place),
                        // Refuses, unless it is the same mailbox in other capitals.
                        None => fit.parcel(sender, recipient.address),
                    };
                    Ok(PackedCopy {
                        parcel: parcel.map_err(misfit)?,
                        key,
                        batch: Some(number),
                        more: Vec::new(),
                        size,
                    })
                };
                let _ = tell.send(Event::Packed(load()));
            });
        Ok(())
    }

    /// VERP: a bounce names its letter and member by a keyed token that nobody else can make.
    fn envelope_sender(&self, member: &MemberHash, message_id: &str) -> Address {
        let base = self
            .job
            .workspace
            .settings
            .mail
            .bounces
            .as_ref()
            .unwrap_or_else(|| office(self.job, &self.members).sender());
        let token = self.members.envelope(member, message_id);
        // RFC 5321, 4.5.3.1.1: a local part has up to 64 octets; a long base does without the token.
        format!("{}+{token}@{}", base.local(), base.domain())
            .parse()
            .unwrap_or_else(|_| base.clone())
    }
}

/// What is left of [`AHEAD`].
pub(in crate::publish) struct MemoryBudget {
    /// `None` once it is closed.
    used: Mutex<Option<usize>>,
    freed: Condvar,
    posts: usize,
}

impl MemoryBudget {
    pub(in crate::publish) fn new(posts: usize) -> MemoryBudget {
        MemoryBudget {
            used: Mutex::new(Some(0)),
            freed: Condvar::new(),
            posts,
        }
    }

    /// Waits until there is room for so many bytes, and takes it; one alone has room always. `false` if nothing is
    /// wanted any more.
    fn take(&self, size: usize) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &mut *used {
                None => return false,
                Some(used)
                    if *used == 0 || *used + size <= AHEAD.max(FOR_A_POST * self.posts * size) =>
                {
                    *used += size;
                    return true;
                }
                Some(_) => {
                    used = self
                        .freed
                        .wait(used)
                        .unwrap_or_else(PoisonError::into_inner)
                }
            }
        }
    }

    pub(in crate::publish) fn give_back(&self, size: usize) {
        if let Some(used) = &mut *self.used.lock().unwrap_or_else(PoisonError::into_inner) {
            *used -= size;
        }
        self.freed.notify_all();
    }

    pub(in crate::publish) fn close(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.freed.notify_all();
    }
}
