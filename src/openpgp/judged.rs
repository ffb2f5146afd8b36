//! What is kept of a certificate once it was judged: the keys that letters are encrypted to, and how long they are
//! good. A certificate takes ten or twenty kilobytes in memory, this some two hundred bytes, so that a list may have a
//! hundred thousand members; and what was checked and shown is what is used, whatever happens to the file meanwhile.

use super::{errors::EncryptError, instant, moment, words};
use crate::{
    roster::KeyState,
    terms::{Fingerprint, Moment},
};
use sequoia_openpgp::{
    Packet, PacketPile,
    cert::{
        Preferences as _,
        amalgamation::{ValidAmalgamation as _, key::ValidErasedKeyAmalgamation},
    },
    packet::{
        Key,
        key::{PublicParts, SubordinateRole},
    },
    parse::Parse as _,
    serialize::Serialize as _,
    types::Timestamp,
};
use std::{fmt, time::SystemTime};

/// A key of a certificate with what its owner says of it at a moment.
pub(super) type ValidKey<'a> = ValidErasedKeyAmalgamation<'a, PublicParts>;

/// A key alone: its owner's signatures were checked before.
pub(super) type SubKey = Key<PublicParts, SubordinateRole>;

/// The encryption keys of one certificate that were good when it was judged ([`Certificate::judge`]).
///
/// [`Certificate::judge`]: super::Certificate::judge
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKeys {
    fingerprint: Fingerprint,
    /// As packets, at least one.
    keys: Box<[u8]>,
    /// Whether their owner opens containers of version 2.
    version_2: bool,
    judged: Timestamp,
    /// When the first of them ends, and nothing is encrypted to any of them before they are judged again.
    until: Option<Timestamp>,
    /// When the last of them ends.
    last: Option<Timestamp>,
}

impl EncryptionKeys {
    /// `end` is that of the whole certificate.
    pub(super) fn new(
        fingerprint: &Fingerprint,
        keys: &[ValidKey<'_>],
        end: Option<SystemTime>,
        at: SystemTime,
    ) -> Result<EncryptionKeys, KeyState> {
        let failed = |error: sequoia_openpgp::anyhow::Error| KeyState::Weak(words(&error));
        let mut packets = Vec::with_capacity(64 * keys.len());
        for key in keys {
            let key: SubKey = key.key().clone().role_into_subordinate();
            Packet::from(key).serialize(&mut packets).map_err(failed)?;
        }
        let stamp =
            |time: Option<SystemTime>| time.map(Timestamp::try_from).transpose().map_err(failed);
        let ends: Vec<Option<SystemTime>> =
            keys.iter().map(ValidKey::key_expiration_time).collect();
        let last = if ends.contains(&None) {
            None
        } else {
            ends.iter().flatten().max().copied()
        };
        Ok(EncryptionKeys {
            fingerprint: fingerprint.clone(),
            keys: packets.into(),
            version_2: keys.iter().all(|key| {
                key.valid_cert()
                    .features()
                    .is_some_and(|features| features.supports_seipdv2())
            }),
            judged: Timestamp::try_from(at).map_err(failed)?,
            until: stamp(ends.into_iter().flatten().chain(end).min())?,
            last: stamp([last, end].into_iter().flatten().min())?,
        })
    }

    /// Of the certificate.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Whether they are still good at this moment.
    pub fn state(&self, now: &Moment) -> KeyState {
        match self
            .until
            .map(SystemTime::from)
            .filter(|end| *end <= instant(now))
        {
            Some(end) => KeyState::Expired(moment(end)),
            None => KeyState::Usable {
                expires: self.last.map(|end| moment(end.into())),
            },
        }
    }

    pub(super) fn opens_version_2(&self) -> bool {
        self.version_2
    }

    /// The keys, if they are still good at this moment. Of a moment before the judgement nothing is known.
    pub(super) fn at(&self, now: &Moment) -> Result<Vec<SubKey>, EncryptError> {
        let at = instant(now);
        let not_usable = |state| EncryptError::NotUsable {
            fingerprint: self.fingerprint.clone(),
            state,
        };
        if at < SystemTime::from(self.judged) {
            let judged = moment(self.judged.into());
            return Err(not_usable(KeyState::Weak(format!(
                "it was judged only on {}",
                judged.date()
            ))));
        }
        let state = self.state(now);
        if !state.is_usable() {
            return Err(not_usable(state));
        }
        let failed = |error| EncryptError::Failed {
            fingerprint: self.fingerprint.clone(),
            why: words(&error),
        };
        let packets = PacketPile::from_bytes(&self.keys).map_err(failed)?;
        let keys = packets.into_children().filter_map(|packet| match packet {
            Packet::PublicSubkey(key) => Some(key),
            _ => None,
        });
        Ok(keys.collect())
    }
}

impl fmt::Debug for EncryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKeys({})", self.fingerprint)
    }
}
