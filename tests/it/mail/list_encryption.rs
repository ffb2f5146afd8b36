//! One encryption for a whole list: who shares what, what a mail says of the others, and which keys are used.

use crate::harness::World;
use advise::{
    openpgp::{self, Certificate, EncryptError, Kind, Sealer},
    roster::KeyState,
    terms::Moment,
    workspace::{self, Published},
};
use sequoia_openpgp::{
    Cert, Fingerprint, KeyID, Packet, PacketPile, Profile, cert::CertBuilder, crypto::SessionKey,
    packet::PKESK, parse::Parse as _, serialize::SerializeInto as _, types::Features,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

fn moment(text: &str) -> Moment {
    text.parse().expect("a moment")
}

/// A member's key whose owner opens version 2, or does not.
fn member(address: &str, profile: Profile, version_2: bool) -> Cert {
    let features = Features::empty().set_seipdv1();
    let features = if version_2 {
        features.set_seipdv2()
    } else {
        features
    };
    let made = moment("2026-01-01").unix().unsigned_abs();
    let builder = CertBuilder::new()
        .set_profile(profile)
        .expect("a profile")
        .set_features(features)
        .expect("features");
    let builder = builder
        .add_userid(format!("Member <{address}>"))
        .add_transport_encryption_subkey();
    builder
        .set_creation_time(std::time::UNIX_EPOCH + Duration::from_secs(made))
        .generate()
        .expect("a key")
        .0
}

fn public(cert: &Cert) -> Certificate {
    let bytes = cert
        .clone()
        .strip_secret_key_material()
        .to_vec()
        .expect("bytes");
    Certificate::read(&bytes).expect("a certificate")
}

/// What a ciphertext shows to everybody.
struct Shown {
    recipients: BTreeSet<String>,
    packets: Vec<PKESK>,
    version: u8,
    /// The encrypted data, without what stands in front.
    container: Vec<u8>,
}

fn shown(armor: &[u8]) -> Shown {
    let mut shown = Shown {
        recipients: BTreeSet::new(),
        packets: Vec::new(),
        version: 0,
        container: Vec::new(),
    };
    for packet in PacketPile::from_bytes(armor)
        .expect("packets")
        .into_children()
    {
        match packet {
            Packet::PKESK(packet) => {
                shown
                    .recipients
                    .extend(packet.recipient().map(|key| key.to_string()));
                shown.packets.push(packet);
            }
            Packet::SEIP(data) => {
                shown.version = data.version();
                shown.container = Packet::SEIP(data).to_vec().expect("bytes");
            }
            other => panic!("{other:?} has nothing to do here"),
        }
    }
    shown
}

/// The names of its subkeys.
fn own_keys(cert: &Cert) -> BTreeSet<String> {
    let names =
        |fingerprint: Fingerprint| [fingerprint.to_hex(), KeyID::from(fingerprint).to_hex()];
    cert.keys()
        .subkeys()
        .flat_map(|key| names(key.key().fingerprint()))
        .collect()
}

/// The session key, if this is for this member.
fn opened(shown: &Shown, cert: &Cert) -> Option<SessionKey> {
    let pairs = || {
        cert.keys()
            .secret()
            .filter_map(|key| key.key().clone().into_keypair().ok())
    };
    let mut tries = shown
        .packets
        .iter()
        .flat_map(|packet| pairs().map(move |pair| (packet, pair)));
    tries
        .find_map(|(packet, mut pair)| packet.decrypt(&mut pair, None))
        .map(|(_, key)| key)
}

#[test]
fn each_version_has_one_container_and_each_mail_one_recipient() {
    let members: BTreeMap<String, Cert> = [
        ("ada", Profile::RFC4880, false),
        ("bob", Profile::RFC4880, false),
        ("cyn", Profile::RFC4880, true),
        ("dan", Profile::RFC9580, true),
        ("eve", Profile::RFC9580, true),
    ]
    .into_iter()
    .map(|(name, profile, version_2)| {
        let address = format!("{name}@members.example.org");
        let cert = member(&address, profile, version_2);
        (address, cert)
    })
    .collect();
    let mut world = World::without_advisories()
        .file(
            "lists/bulk.yaml",
            "title: Bulk\naddress: bulk@lists.cert.example.org\ntlp: AMBER\n",
        )
        .advisory("EX-2026-0901", "tlp: AMBER\naudience: [bulk]");
    let mut contacts = String::from("name: Members\nlists: [bulk]\ncontacts:\n");
    for (address, cert) in &members {
        let certificate = public(cert);
        contacts.push_str(&format!(
            "  - {{name: A member, address: {address}, certificate: \"{}\"}}\n",
            certificate.fingerprint()
        ));
        world = world.file(
            &format!("certs/{}.asc", certificate.fingerprint()),
            &certificate.armored(),
        );
    }
    let world = world
        .file("constituents/members.yaml", &contacts)
        .run("publish --yes")
        .says("sent 5 letters to list `bulk`");

    let mut containers: BTreeMap<u8, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut keys: BTreeMap<u8, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut packets = BTreeSet::new();
    let mails = world.mail();
    let mails: Vec<_> = mails
        .iter()
        .filter(|mail| members.contains_key(&mail.recipient()))
        .collect();
    assert_eq!(mails.len(), members.len());
    for mail in mails {
        let own = &members[&mail.recipient()];
        let part = mail.parts().pop().expect("the ciphertext");
        let shown = shown(&part);
        assert_eq!(shown.packets.len(), 1);
        assert!(
            shown.recipients.is_subset(&own_keys(own)),
            "it names {:?}",
            shown.recipients
        );
        assert!(
            packets.insert(
                Packet::from(shown.packets[0].clone())
                    .to_vec()
                    .expect("bytes")
            )
        );
        // Nothing in the mail names another, outside of the envelope that the outbox writes down.
        let text = String::from_utf8(mail.raw.clone()).expect("ASCII");
        for (address, cert) in members
            .iter()
            .filter(|(address, _)| **address != mail.recipient())
        {
            let said = [
                address.clone(),
                cert.fingerprint().to_hex(),
                cert.keyid().to_hex(),
            ];
            assert!(
                said.iter().all(|word| !text.contains(word)),
                "a mail names another member"
            );
            assert!(
                opened(&shown, cert).is_none(),
                "a mail has a session key for another member"
            );
        }
        let session = opened(&shown, own).expect("a session key for its recipient");
        assert_eq!(
            shown.version == 2,
            own.primary_key().key().version() == 6 || mail.recipient().starts_with("cyn")
        );
        containers
            .entry(shown.version)
            .or_default()
            .insert(shown.container);
        keys.entry(shown.version)
            .or_default()
            .insert(session.to_vec());
    }
    // One container and one key for each version, and no key under two ciphers.
    assert_eq!(
        containers.values().map(BTreeSet::len).collect::<Vec<_>>(),
        [1, 1]
    );
    assert_eq!(keys.values().map(BTreeSet::len).collect::<Vec<_>>(), [1, 1]);
    assert!(keys[&1].is_disjoint(&keys[&2]));
}

#[test]
fn what_was_judged_is_what_is_encrypted_to_whatever_happens_to_the_file() {
    let now = moment("2026-11-22T12:00:00Z");
    let world = World::without_advisories();
    let address = "member@members.example.org";
    let made = |days: u64| {
        let user = format!("Member <{address}>");
        openpgp::generate(
            &[&user],
            Kind::Member,
            Some(Duration::from_secs(days * 86_400)),
            &moment("2026-11-01"),
            None,
        )
    };
    let (judged, other) = (made(30).expect("a key"), made(365).expect("a key"));
    let fingerprint = judged.certificate.fingerprint().clone();
    let file = format!("certs/{fingerprint}.asc");
    let contact = format!(
        "name: Members\nlists: [universities]\ncontacts:\n  - {{name: A member, address: {address}, certificate: \"{fingerprint}\"}}\n"
    );
    let world = world
        .file(&file, &judged.certificate.armored())
        .file("constituents/members.yaml", &contact);
    let read = || workspace::read(world.root(), &now, &Published::default()).expect("read");
    let workspace = read().workspace.expect("no errors");

    // Between the plan and the last letter somebody puts another certificate there, or a torn one, or none.
    let sealer = Sealer::new(b"a message");
    for swapped in [other.certificate.armored().as_str(), "torn", ""] {
        std::fs::write(world.path(&file), swapped).expect("written");
        let keys = workspace
            .certificates
            .get(&fingerprint)
            .expect("usable when it was judged");
        let sealed = sealer.seal(keys, &now).expect("sealed").to_string();
        let own = Cert::from_bytes(judged.secret.expose()).expect("the key");
        assert!(
            shown(sealed.as_bytes())
                .recipients
                .is_subset(&own_keys(&own)),
            "encrypted to what nobody judged"
        );
        // The next run sees the change, and says so.
        assert!(
            read().workspace.is_none(),
            "a file that is not this certificate is a mistake"
        );
    }

    // A run that waits long enough does not use a key beyond its end, nor one for a time before it was judged.
    let keys = workspace
        .certificates
        .get(&fingerprint)
        .expect("usable when it was judged");
    assert!(sealer.seal(keys, &moment("2026-11-30T23:59:59Z")).is_ok());
    for late in ["2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"] {
        assert!(matches!(
            sealer.seal(keys, &moment(late)),
            Err(EncryptError::NotUsable {
                state: KeyState::Expired(_),
                ..
            })
        ));
        assert!(matches!(
            workspace.certificates.state(&fingerprint, &moment(late)),
            KeyState::Expired(_)
        ));
    }
    assert!(matches!(
        sealer.seal(keys, &moment("2026-11-22T11:59:59Z")),
        Err(EncryptError::NotUsable { .. })
    ));
}
