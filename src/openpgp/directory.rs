//! Web Key Directories (draft-koch-openpgp-webkey-service): how an address is looked up in one, and what the team's own
//! directory has for its addresses. Asking others' directories is not done here.

use super::Certificate;
use crate::{
    roster::KeyState,
    terms::{Address, Moment},
};
use std::collections::BTreeMap;

/// Section 3.1: the local part in lower case "is hashed using the SHA-1 algorithm. The resulting 160 bit digest is
/// encoded using the Z-Base-32 method as described in \[RFC6189\], section 5.1.6."
pub fn directory_hash(address: &Address) -> String {
    const DIGITS: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";
    let digest = openssl::sha::sha1(address.local().to_ascii_lowercase().as_bytes());
    // Five bytes are eight digits, without rest.
    let fives = digest.chunks(5).map(|five| {
        five.iter()
            .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
    });
    fives
        .flat_map(|number| {
            (0..8).map(move |i| char::from(DIGITS[(number >> (35 - 5 * i)) as usize & 31]))
        })
        .collect()
}

/// What a directory answers for each address that these certificates claim, the current one first.
///
/// Section 3.1: "Other User ID packets and their associated binding signatures MUST be removed before publication", and
/// a server "may return revoked keys in addition to a new key", so that readers learn of the revocation.
pub fn directory(certificates: &[&Certificate], now: &Moment) -> BTreeMap<Address, Vec<u8>> {
    let mut current: BTreeMap<Address, Vec<u8>> = BTreeMap::new();
    let mut revoked: BTreeMap<Address, Vec<u8>> = BTreeMap::new();
    for certificate in certificates {
        let is_revoked = matches!(certificate.state(now), KeyState::Revoked(_));
        for address in certificate
            .addresses()
            .filter_map(|address| address.parse::<Address>().ok())
        {
            let Some(reduced) = Certificate::renewed(None, certificate, &address) else {
                continue;
            };
            match is_revoked {
                true => revoked.entry(address).or_default().extend(reduced.binary()),
                false => drop(current.entry(address).or_insert_with(|| reduced.binary())),
            }
        }
    }
    for (address, bytes) in revoked {
        current.entry(address).or_default().extend(bytes);
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openpgp::{Cause, Generated, Kind, generate, revoke};
    use std::time::Duration;

    fn at(time: &str) -> Moment {
        time.parse().expect("a time")
    }

    fn made(ids: &[&str], when: &str) -> Generated {
        generate(
            ids,
            Kind::Team,
            Some(Duration::from_secs(900 * 86_400)),
            &at(when),
            None,
        )
        .expect("a key")
    }

    fn ids(bytes: &[u8]) -> Vec<Vec<String>> {
        Certificate::read_all(bytes)
            .expect("certificates")
            .iter()
            .map(Certificate::user_ids)
            .collect()
    }

    #[test]
    fn the_hash_is_that_of_the_drafts_example() {
        let address = "Joe.Doe@example.org".parse().expect("an address");
        assert_eq!(directory_hash(&address), "iy9q119eutrkn8s1mk4r39qejnbu3n5q");
    }

    #[test]
    fn each_address_has_its_own_user_id_only() {
        let key = made(
            &[
                "Team <cert@cert.example.org>",
                "Team <Soc@cert.example.org>",
                "Team",
            ],
            "2026-01-01",
        );
        let found = directory(&[&key.certificate], &at("2026-02-01"));
        let soc: Address = "soc@cert.example.org".parse().expect("an address");
        assert_eq!(found.len(), 2);
        assert_eq!(ids(&found[&soc]), [["Team <Soc@cert.example.org>"]]);
    }

    #[test]
    fn the_current_certificate_comes_first_and_revoked_ones_after_it() {
        let id = ["Team <cert@cert.example.org>"];
        let (new, older, old) = (
            made(&id, "2026-01-01"),
            made(&id, "2025-01-01"),
            made(&id, "2024-01-01"),
        );
        let revoked = revoke(
            &old.certificate,
            &old.secret,
            None,
            Cause::Superseded,
            "replaced",
            &at("2026-01-02"),
        );
        let revoked = revoked.expect("a revocation");
        let address: Address = "cert@cert.example.org".parse().expect("an address");
        let found = directory(
            &[&revoked, &new.certificate, &older.certificate],
            &at("2026-02-01"),
        );
        let found = Certificate::read_all(&found[&address]).expect("certificates");
        let found: Vec<_> = found.iter().map(Certificate::fingerprint).collect();
        // (One that is neither current nor revoked would only confuse.)
        assert_eq!(
            found,
            [new.certificate.fingerprint(), old.certificate.fingerprint()]
        );
    }
}
