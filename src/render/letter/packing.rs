//! From a signed letter or notice to a message for one recipient: the last recipes before the post.

use super::{Answer, Letter, Message, Notice, PackError, in_clear, sealed};
use crate::{
    openpgp::{EncryptionKeys, Sealer, Signed},
    terms::Moment,
    tlp::{Audience, ByMake, Made, Marked, Tlp},
};

/// How one recipient's copy is packed.
#[derive(Clone, Copy)]
pub enum Packing<'s> {
    /// With its signature; refused for what has to be encrypted.
    Signed,
    /// Encrypted to the keys of one certificate.
    Encrypted {
        /// Made of the letter's [`Signed::inline`].
        sealer: &'s Sealer<'s>,
        /// The recipient's, as they were judged.
        certificate: &'s EncryptionKeys,
        /// The time at which they have to be usable.
        now: &'s Moment,
    },
}

impl<A: Audience> Made<Signed<Letter>, A> for Message {
    type Shop<'s> = Packing<'s>;
    type Error = PackError;

    fn made(
        letter: &Signed<Letter>,
        _: &A,
        packing: &Packing<'_>,
        _: ByMake,
    ) -> Result<Message, PackError> {
        match packing {
            Packing::Signed => in_clear(letter),
            Packing::Encrypted {
                sealer,
                certificate,
                now,
            } => sealed(letter, &sealer.seal(certificate, now)?),
        }
    }
}

/// A notice says nothing that is not public, and is for one address.
impl Marked for Notice {
    fn tlp(&self) -> Tlp {
        Tlp::Clear
    }
    fn is_addressed_to(&self, audience: &str) -> bool {
        self.recipient() == audience
    }
}

impl<A: Audience> Made<Signed<Notice>, A> for Message {
    type Shop<'s> = ();
    type Error = PackError;

    fn made(notice: &Signed<Notice>, _: &A, (): &(), _: ByMake) -> Result<Message, PackError> {
        Notice::in_clear(notice)
    }
}

/// An answer says what everybody may know about a list, and is for one address.
impl Marked for Answer {
    fn tlp(&self) -> Tlp {
        Tlp::Clear
    }
    fn is_addressed_to(&self, audience: &str) -> bool {
        self.recipient() == audience
    }
}

impl<A: Audience> Made<Signed<Answer>, A> for Message {
    type Shop<'s> = Packing<'s>;
    type Error = PackError;

    fn made(
        answer: &Signed<Answer>,
        _: &A,
        packing: &Packing<'_>,
        _: ByMake,
    ) -> Result<Message, PackError> {
        match packing {
            Packing::Signed => Answer::in_clear(answer),
            Packing::Encrypted {
                sealer,
                certificate,
                now,
            } => Answer::sealed(answer, &sealer.seal(certificate, now)?),
        }
    }
}
