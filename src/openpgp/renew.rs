//! A new copy of a certificate: what its owner has said since is taken in, and nothing that others wrote into it.

use super::Certificate;
use crate::terms::Address;
use sequoia_openpgp::{Cert, Packet, packet::UserID};

impl Certificate {
    /// The certificate with what its owner says in a copy of it: new dates, subkeys and revocations. Of user IDs
    /// only those are taken that it had before or that name this address; without a `known` one, only the latter.
    ///
    /// `None` if the copy is of another certificate, or if nobody's word in it binds it to the address.
    pub fn renewed(
        known: Option<&Certificate>,
        copy: &Certificate,
        address: &Address,
    ) -> Option<Certificate> {
        let base = match known {
            Some(known) if known.fingerprint() != copy.fingerprint() => return None,
            Some(known) => known.cert().clone(),
            None => Cert::from_packets(std::iter::once(
                copy.cert().primary_key().key().clone().into(),
            ))
            .ok()?,
        };
        let key = address.key();
        let had: Vec<UserID> = base.userids().map(|id| id.userid().clone()).collect();
        let wanted = |id: &UserID| {
            had.contains(id)
                || id
                    .email()
                    .ok()
                    .flatten()
                    .is_some_and(|email| email.to_ascii_lowercase() == key)
        };
        let (cert, _) = base
            .insert_packets(said_by_owner(copy.cert(), wanted))
            .ok()?;
        let renewed = Certificate::public(cert).ok()?;
        (known.is_some() || renewed.has_address(address)).then_some(renewed)
    }
}

/// Keys and user IDs with the signatures that the primary key itself made: they were verified, and whoever sends
/// a copy cannot make them. Certifications by others stay behind, and so does what has no such signature.
fn said_by_owner(cert: &Cert, wanted: impl Fn(&UserID) -> bool) -> Vec<Packet> {
    let mut packets = Vec::new();
    let primary = cert.primary_key();
    packets.extend(
        primary
            .self_signatures()
            .chain(primary.self_revocations())
            .cloned()
            .map(Packet::from),
    );
    for id in cert.userids().filter(|id| wanted(id.userid())) {
        let mut said = id
            .self_signatures()
            .chain(id.self_revocations())
            .cloned()
            .map(Packet::from)
            .peekable();
        if said.peek().is_some() {
            packets.push(id.userid().clone().into());
            packets.extend(said);
        }
    }
    for subkey in cert.keys().subkeys() {
        let mut said = subkey
            .self_signatures()
            .chain(subkey.self_revocations())
            .cloned()
            .map(Packet::from)
            .peekable();
        if said.peek().is_some() {
            packets.push(subkey.key().clone().role_into_subordinate().into());
            packets.extend(said);
        }
    }
    packets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openpgp::{Generated, Kind, generate};
    use std::time::Duration;

    fn made(id: &str) -> Generated {
        let made = "2026-07-01T00:00:00Z".parse().expect("a time");
        generate(
            &[id],
            Kind::Member,
            Some(Duration::from_secs(86_400)),
            &made,
            None,
        )
        .expect("a key")
    }

    #[test]
    fn what_the_owner_did_not_say_is_not_taken() {
        let (ada, mallory) = (
            made("Ada <ada@uni.example.org>").certificate,
            made("Mallory <ada@uni.example.org>").certificate,
        );
        let address: Address = "ada@uni.example.org".parse().expect("an address");
        // Mallory's user ID and subkey with Mallory's signatures, and a user ID without any.
        let mut foreign: Vec<Packet> = said_by_owner(mallory.cert(), |_| true);
        foreign.push(UserID::from("Ada Again <ada@uni.example.org>").into());
        let copy = Certificate::public(
            ada.cert()
                .clone()
                .insert_packets(foreign)
                .expect("inserted")
                .0,
        )
        .expect("a certificate");
        assert_eq!((copy.user_ids().len(), copy.cert().keys().count()), (3, 3));
        for known in [Some(&ada), None] {
            let renewed =
                Certificate::renewed(known, &copy, &address).expect("the same certificate");
            assert_eq!(renewed.binary(), ada.binary());
        }
        assert!(Certificate::renewed(Some(&ada), &mallory, &address).is_none());
        assert!(
            Certificate::renewed(
                None,
                &ada,
                &"bob@uni.example.org".parse().expect("an address")
            )
            .is_none()
        );
    }
}
