//! A whole workspace is published by the real program, and every byte that came of it is looked at.

use crate::{
    gate::oracle::{
        self, Advisory, CEILINGS, EMBARGOES, Embargo, Fate, Key, LABELS, Label, Past, Reader,
        STATUSES, Status, is_public,
    },
    gate::traces::{
        CANARY, ID, ORIOLE, Traces, files, numbers, position, trace_in_any_form, traces,
        without_public_names,
    },
    harness::from_facts::{self, NOW, World, member, reads_russian},
};
use rayon::prelude::*;
use sequoia_openpgp::{
    Cert, KeyHandle,
    crypto::SessionKey,
    packet::{PKESK, SKESK},
    parse::{
        Parse as _,
        stream::{DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper},
    },
    policy::StandardPolicy,
    types::SymmetricAlgorithm,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::PathBuf,
    process::Output,
    time::{Duration, UNIX_EPOCH},
};

/// One member in each state on each direct list, and some who are on several.
fn everybody() -> World {
    let mut lists = Vec::new();
    let mut members = Vec::new();
    let mut next = 0;
    let mut add = |members: &mut Vec<_>, lists: &[&str], key| {
        next += 1;
        members.push(member(next, lists, key));
    };
    for ceiling in CEILINGS {
        for always in [false, true] {
            let name = format!(
                "{}-{}",
                ceiling.word().to_lowercase().replace('+', "-"),
                if always { "always" } else { "label" }
            );
            let of = [name.as_str()];
            for key in [
                Key::Usable,
                Key::Usable,
                Key::NoneNamed,
                Key::Missing,
                Key::Expired,
                Key::Revoked,
                Key::CannotEncrypt,
            ] {
                add(&mut members, &of, key);
            }
            add(&mut members, &of, Key::Usable);
            members.last_mut().expect("one").suspended = true;
            add(&mut members, &of, Key::Usable);
            members.last_mut().expect("one").joined_late = true;
            lists.push(from_facts::list(&name, ceiling, always, None));
        }
    }
    add(&mut members, &["clear-label", "amber-always"], Key::Usable);
    add(
        &mut members,
        &["clear-label", "amber-always"],
        Key::NoneNamed,
    );
    add(
        &mut members,
        &["green-label", "amber-label", "amber-strict-label"],
        Key::Usable,
    );
    lists.push(from_facts::list(
        "relay-green",
        Label::Green,
        false,
        Some(Key::NoneNamed),
    ));
    lists.push(from_facts::list(
        "relay-amber",
        Label::Amber,
        false,
        Some(Key::Usable),
    ));
    lists.push(from_facts::list(
        "relay-strict",
        Label::Strict,
        false,
        Some(Key::Expired),
    ));
    lists.push(from_facts::list("empty", Label::Strict, false, None));

    let person = |key: Key, nth: usize| {
        let mut of_key = members
            .iter()
            .filter(|m| m.key == key && !m.suspended && !m.joined_late);
        Reader::Person(of_key.nth(nth).expect("there are many").address.clone())
    };
    let mut advisories = Vec::new();
    for label in LABELS {
        let may = |list: &&oracle::List| label.may_go_to_list(list.ceiling);
        let mut audiences: Vec<Vec<Reader>> = lists
            .iter()
            .filter(may)
            .map(|list| vec![Reader::List(list.name.clone())])
            .collect();
        let usual = [
            vec![person(Key::Usable, 3)],
            vec![person(Key::Usable, 4), person(Key::NoneNamed, 1)],
            vec![
                person(Key::Expired, 2),
                person(Key::Usable, 5),
                person(Key::Missing, 2),
            ],
        ];
        audiences.extend(usual);
        for (one, other) in [
            ("clear-label", "amber-always"),
            ("amber-always", "clear-label"),
            ("green-label", "amber-strict-label"),
        ] {
            let both: Vec<Reader> = [one, other].map(|name| Reader::List(name.into())).into();
            if lists
                .iter()
                .filter(|list| [one, other].contains(&list.name.as_str()))
                .all(|list| may(&list))
            {
                audiences.push([vec![person(Key::Usable, 0)], both].concat());
            }
        }
        if label == Label::Clear {
            let with: Vec<Vec<Reader>> = audiences
                .iter()
                .map(|audience| [&[Reader::Public][..], audience].concat())
                .collect();
            audiences.extend(with);
            audiences.push(vec![Reader::Public]);
        }
        for audience in audiences {
            for embargo in EMBARGOES {
                for status in STATUSES {
                    let number = u32::try_from(advisories.len()).expect("few") + 1;
                    advisories.push(Advisory {
                        number,
                        label,
                        status,
                        embargo,
                        audience: audience.clone(),
                    });
                }
            }
        }
    }
    World::new(lists, members, advisories)
}

/// A mail as it lies in the outbox.
struct Mail {
    to: String,
    encrypted: bool,
    /// Of what is read, after decryption where needed.
    traces: Traces,
    /// Who may open it, by key.
    recipients: BTreeSet<String>,
}

fn header<'a>(bytes: &'a [u8], name: &str) -> &'a str {
    let head = &bytes[..position(bytes, b"\n\n").expect("a header")];
    let head = std::str::from_utf8(head).expect("ASCII");
    let line = head
        .lines()
        .find(|line| line.to_lowercase().starts_with(name))
        .unwrap_or_else(|| panic!("no {name}"));
    line[name.len()..].trim()
}

/// A mail without the lines of OpenPGP's armor.
fn without_armor(mail: &[u8]) -> Vec<u8> {
    let is = |line: &[u8], begin: &str| line.starts_with(format!("-----{begin} PGP ").as_bytes());
    let (mut left, mut inside) = (Vec::new(), false);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        inside = !is(line, "END") && (inside || is(line, "BEGIN"));
        if !inside {
            left.extend_from_slice(line);
        }
    }
    left
}

/// All traces in a mail's parts, decoded and as they stand.
fn all_traces(bytes: &[u8], word: &str) -> Traces {
    let mut found = traces(bytes, word);
    let message = mail_parser::MessageParser::default()
        .parse(bytes)
        .expect("a mail");
    for part in &message.parts {
        found.extend(traces(part.contents(), word));
    }
    found
}

struct Opener<'k> {
    key: &'k Cert,
    recipients: BTreeSet<String>,
}

impl VerificationHelper for Opener<'_> {
    fn get_certs(&mut self, _: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(Vec::new())
    }
    fn check(&mut self, _: MessageStructure) -> sequoia_openpgp::Result<()> {
        Ok(())
    }
}

impl DecryptionHelper for Opener<'_> {
    fn decrypt(
        &mut self,
        packets: &[PKESK],
        passwords: &[SKESK],
        cipher: Option<SymmetricAlgorithm>,
        open: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> sequoia_openpgp::Result<Option<Cert>> {
        assert!(passwords.is_empty(), "nothing is encrypted to a password");
        self.recipients = packets
            .iter()
            .map(|p| p.recipient().expect("nobody is hidden").to_hex())
            .collect();
        for (packet, key) in packets
            .iter()
            .flat_map(|packet| self.key.keys().secret().map(move |key| (packet, key)))
        {
            let mut pair = key.key().clone().into_keypair()?;
            if packet
                .decrypt(&mut pair, cipher)
                .is_some_and(|(cipher, key)| open(cipher, &key))
            {
                break;
            }
        }
        Ok(None)
    }
}

fn decrypt(armor: &[u8], key: &Cert) -> Option<(Vec<u8>, BTreeSet<String>)> {
    let policy = StandardPolicy::new();
    let july = UNIX_EPOCH + Duration::from_secs(1_782_900_000);
    let opener = Opener {
        key,
        recipients: BTreeSet::new(),
    };
    let mut opened = DecryptorBuilder::from_bytes(armor)
        .ok()?
        .with_policy(&policy, july, opener)
        .ok()?;
    let mut text = Vec::new();
    opened.read_to_end(&mut text).ok()?;
    Some((text, opened.into_helper().recipients))
}

fn open(world: &World, bytes: &[u8]) -> Mail {
    let to = header(bytes, "delivered-to:").to_lowercase();
    let content = header(bytes, "content-type:");
    if !content.starts_with("multipart/encrypted") {
        assert!(content.starts_with("multipart/signed"), "{content}");
        return Mail {
            traces: all_traces(bytes, CANARY),
            to,
            encrypted: false,
            recipients: BTreeSet::new(),
        };
    }
    assert_eq!(
        trace_in_any_form(bytes, CANARY),
        None,
        "in the clear around an encrypted letter to {to}"
    );
    assert_eq!(all_traces(bytes, CANARY), Traces::new());
    assert_eq!(
        traces(bytes, ID),
        Traces::new(),
        "an id stands outside of an encrypted letter"
    );
    let start = position(bytes, b"-----BEGIN PGP MESSAGE-----").expect("an OpenPGP message");
    let key = world
        .keys
        .get(&to)
        .unwrap_or_else(|| panic!("an encrypted letter to {to}, who has no key"));
    let (text, recipients) =
        decrypt(&bytes[start..], key).unwrap_or_else(|| panic!("{to} cannot open it"));
    let own: BTreeSet<String> = key
        .keys()
        .subkeys()
        .map(|key| key.key().keyid().to_hex())
        .collect();
    assert!(
        recipients.is_subset(&own) && !recipients.is_empty(),
        "encrypted to {recipients:?}, {to} has {own:?}"
    );
    let stranger = world
        .keys
        .iter()
        .find(|(address, _)| **address != to)
        .expect("another")
        .1;
    assert!(
        decrypt(&bytes[start..], stranger).is_none(),
        "a stranger can open it"
    );
    Mail {
        traces: all_traces(&text, CANARY),
        to,
        encrypted: true,
        recipients,
    }
}

/// What was looked at already, and what everybody got.
#[derive(Default)]
struct Watcher {
    seen: BTreeSet<PathBuf>,
    past: Past,
    letters: usize,
    notices: usize,
    files: usize,
}

impl Watcher {
    /// New files of the outbox.
    fn fresh(&mut self, world: &World) -> Vec<(PathBuf, Vec<u8>)> {
        let all = files(&world.path("outbox"));
        let fresh: Vec<_> = all
            .into_iter()
            .filter(|(path, _)| self.seen.insert(path.clone()))
            .collect();
        for (path, _) in &fresh {
            assert_eq!(
                trace_in_any_form(path.to_string_lossy().as_bytes(), CANARY),
                None,
                "in a file's name"
            );
            assert_eq!(
                trace_in_any_form(path.to_string_lossy().as_bytes(), ORIOLE),
                None,
                "in a file's name"
            );
        }
        fresh
    }

    /// Publishes and holds everything that is there now against the oracle.
    fn publish(&mut self, world: &World, now: &str) -> Output {
        let output = world.publish(now);
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{talk}");
        self.log(&output.stderr);
        self.ledger(world);
        self.public(world);
        self.mail(world);
        output
    }

    fn log(&self, stderr: &[u8]) {
        assert_eq!(trace_in_any_form(stderr, CANARY), None, "in the log");
        assert_eq!(
            trace_in_any_form(stderr, ORIOLE),
            None,
            "an address in the log"
        );
    }

    fn ledger(&mut self, world: &World) {
        let all = files(&world.path(".advise"));
        assert!(all.iter().any(|(path, _)| path.ends_with("ledger.sqlite")));
        self.files += all.len();
        for (path, bytes) in all {
            let bytes = without_public_names(world, &path, bytes);
            for word in [CANARY, ORIOLE] {
                assert_eq!(
                    trace_in_any_form(&bytes, word),
                    None,
                    "`{word}` in {}",
                    path.display()
                );
                assert_eq!(
                    trace_in_any_form(path.to_string_lossy().as_bytes(), word),
                    None,
                    "{}",
                    path.display()
                );
            }
        }
    }

    fn public(&mut self, world: &World) {
        let open: BTreeSet<u32> = world
            .advisories
            .iter()
            .filter(|a| is_public(a))
            .map(|a| a.number)
            .collect();
        let (root, mut shown) = (world.path("public"), Traces::new());
        let all = files(&root);
        self.files += all.len();
        let found: Vec<Traces> = all
            .par_iter()
            .map(|(path, bytes)| {
                let name = path
                    .strip_prefix(&root)
                    .expect("below")
                    .to_string_lossy()
                    .into_owned();
                let here: Traces = [bytes.as_slice(), name.as_bytes()]
                    .iter()
                    .flat_map(|text| traces(text, CANARY))
                    .collect();
                let ids: BTreeSet<u32> = [bytes.as_slice(), name.as_bytes()]
                    .iter()
                    .flat_map(|text| numbers(text, ID))
                    .collect();
                let closed: Vec<u32> = here
                    .iter()
                    .map(|(number, _)| *number)
                    .chain(ids)
                    .filter(|n| !open.contains(n))
                    .collect();
                assert!(
                    closed.is_empty(),
                    "closed advisories {closed:?} show in public/{name}"
                );
                assert_eq!(
                    trace_in_any_form(bytes, ORIOLE),
                    None,
                    "a constituent shows in public/{name}"
                );
                if here.is_empty() {
                    assert_eq!(trace_in_any_form(bytes, CANARY), None, "public/{name}");
                }
                here
            })
            .collect();
        shown.extend(found.into_iter().flatten());
        // What is open is there: else all of this would prove nothing.
        for number in open {
            for letter in ['t', 'b', 'u', 'v', 'p', 'r'] {
                assert!(
                    shown.contains(&(number, letter)),
                    "EX-2026-{number:04} `{letter}` is missing on the site"
                );
            }
        }
    }

    fn mail(&mut self, world: &World) {
        let mut expected: BTreeMap<(u32, String), bool> = BTreeMap::new();
        let mut notices: BTreeSet<String> = BTreeSet::new();
        for advisory in &world.advisories {
            for (address, fate) in oracle::mail(advisory, &world.lists, &world.members, &self.past)
            {
                match fate {
                    Fate::Letter { encrypted } => {
                        expected.insert((advisory.number, address), encrypted);
                    }
                    Fate::Held { notice: true } => drop(notices.insert(address)),
                    Fate::Held { notice: false } => {}
                }
            }
        }
        let fresh = self.fresh(world);
        let mails: Vec<Mail> = fresh
            .par_iter()
            .map(|(_, bytes)| {
                let mail = open(world, bytes);
                // In the letters of an armor, six in a row are this word once in a billion times: there it has to have its number.
                let mut named = all_traces(&without_armor(bytes), ORIOLE);
                named.extend(
                    all_traces(bytes, ORIOLE)
                        .into_iter()
                        .filter(|(number, _)| *number != u32::MAX),
                );
                let others: BTreeSet<String> = named
                    .iter()
                    .map(|(n, _)| from_facts::address_of(*n))
                    .collect();
                assert!(
                    others.iter().all(|address| *address == mail.to),
                    "a mail to {} names {others:?}",
                    mail.to
                );
                if mail.traces.is_empty() {
                    assert_eq!(traces(bytes, ID), Traces::new(), "a notice names an id");
                    assert!(
                        traces(bytes, "tlp:").is_empty() && !mail.encrypted,
                        "a notice names a label"
                    );
                }
                mail
            })
            .collect();
        for mail in mails {
            let about: BTreeSet<u32> = mail.traces.iter().map(|(number, _)| *number).collect();
            match about.iter().copied().collect::<Vec<_>>()[..] {
                [] => {
                    // One may come in every run in which something new is held, and never to anybody else.
                    assert!(
                        notices.contains(&mail.to),
                        "a notice to {}, for whom nothing is held",
                        mail.to
                    );
                    self.notices += 1;
                }
                [number] => {
                    let encrypted = expected.remove(&(number, mail.to.clone()));
                    let encrypted = encrypted.unwrap_or_else(|| {
                        panic!("EX-2026-{number:04} went to {}, or went twice", mail.to)
                    });
                    assert_eq!(
                        mail.encrypted, encrypted,
                        "the cover of EX-2026-{number:04} to {}",
                        mail.to
                    );
                    assert_eq!(mail.recipients.is_empty(), !encrypted);
                    let place = world
                        .members
                        .iter()
                        .position(|member| member.address == mail.to);
                    let text = if place.is_some_and(reads_russian) {
                        ['u', 'v']
                    } else {
                        ['t', 'b']
                    };
                    for letter in text.into_iter().chain(['p', 'r', 'n', 'a', 's']) {
                        assert!(
                            mail.traces.contains(&(number, letter)),
                            "`{letter}` is missing in EX-2026-{number:04} to {}",
                            mail.to
                        );
                    }
                    self.past.has.insert((number, mail.to));
                    self.letters += 1;
                }
                _ => panic!("a mail to {} speaks of {about:?}", mail.to),
            }
        }
        assert!(
            expected.is_empty(),
            "never sent: {:?}",
            expected.iter().take(5).collect::<Vec<_>>()
        );
    }
}

fn snapshot(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    ["public", "outbox"]
        .iter()
        .flat_map(|folder| files(&world.path(folder)))
        .collect()
}

fn with_key(
    world: &mut World,
    key: Key,
    list: &str,
    renew: impl FnOnce(&mut World, &str),
) -> String {
    let place = world
        .members
        .iter()
        .position(|m| m.key == key && m.lists == [list])
        .expect("one");
    let address = world.members[place].address.clone();
    renew(world, &address);
    world.members[place].key = Key::Usable;
    world.write_member(place);
    address
}

#[test]
fn no_byte_of_a_closed_advisory_is_anywhere_else() {
    from_facts::on_own_threads(whole_workspace);
}

fn whole_workspace() {
    let mut world = everybody();
    let combinations = world.advisories.len() * (world.members.len() + world.lists.len() + 1);
    assert!(combinations >= 2_000, "{combinations}");
    let mut watcher = Watcher::default();

    let first = watcher.publish(&world, NOW);
    assert_eq!(first.status.code(), Some(1), "some letters are held");
    let (letters, notices) = (watcher.letters, watcher.notices);
    assert!(
        letters > 300 && notices > 10,
        "{letters} letters, {notices} notices"
    );

    // Run again, it sends nothing twice and changes no byte.
    let before = snapshot(&world);
    let again = watcher.publish(&world, NOW);
    assert!(
        String::from_utf8_lossy(&again.stderr).contains("nothing to do"),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    assert!(
        snapshot(&world) == before,
        "the second run changed something"
    );

    // Nothing in public tells that there is anything else: no count, no gap, no date. Without all that is closed
    // the site is the same, byte by byte.
    let bare = world.without(|advisory| !is_public(advisory));
    let output = bare.run(NOW, &["publish", "--yes", "--only", "site"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let site = |world: &World| -> Vec<(PathBuf, Vec<u8>)> {
        let root = world.path("public");
        files(&root)
            .into_iter()
            .map(|(path, bytes)| {
                (
                    path.strip_prefix(&root).expect("below").to_path_buf(),
                    bytes,
                )
            })
            .collect()
    };
    let (all, bare) = (site(&world), site(&bare));
    let differ: Vec<_> = all
        .iter()
        .zip(&bare)
        .filter(|(one, other)| one != other)
        .map(|(one, _)| &one.0)
        .take(5)
        .collect();
    assert!(
        all.len() > 100 && all.len() == bare.len() && differ.is_empty(),
        "{} and {} files; {differ:?}",
        all.len(),
        bare.len()
    );

    // Three are mended, each in another way, and get exactly what they missed.
    let found = with_key(&mut world, Key::Missing, "amber-label", |world, address| {
        world.find_key(address)
    });
    let new = |world: &mut World, address: &str| world.give_key(address, Key::Usable);
    let renewed = with_key(&mut world, Key::Expired, "amber-strict-label", new);
    let named = with_key(&mut world, Key::NoneNamed, "green-always", new);
    watcher.publish(&world, NOW);
    for address in [&found, &renewed, &named] {
        assert!(
            watcher.past.has.iter().any(|(_, to)| to == address),
            "{address} got nothing"
        );
    }
    let mended = watcher.letters - letters;
    assert!(mended > 5, "{mended}");

    // The embargoes end: what waited for the public and the open lists goes out, and nothing else.
    for advisory in &mut world.advisories {
        if advisory.embargo == Embargo::Future {
            advisory.embargo = Embargo::Past;
        }
    }
    // The files say what they said: only the clock moves on.
    let later = "2025-08-02T12:00:00Z";
    watcher.publish(&world, later);

    // Every third is withdrawn: only who was told of it hears of that.
    let Past { has, told } = &mut watcher.past;
    let mut withdrawn = Vec::new();
    for advisory in world
        .advisories
        .iter_mut()
        .filter(|a| a.status == Status::Final && a.number % 3 == 2)
    {
        advisory.status = Status::Withdrawn;
        withdrawn.push(advisory.clone());
        let number = advisory.number;
        told.extend(has.iter().filter(|(of, _)| *of == number).cloned());
        has.retain(|(of, _)| *of != number);
    }
    for advisory in &withdrawn {
        world.write_advisory(advisory, 3);
    }
    let sent = watcher.letters;
    watcher.publish(&world, later);
    let of_withdrawal = watcher.letters - sent;
    assert!(of_withdrawal > 50, "{of_withdrawal} letters");
    println!(
        "{} advisories × {} readers = {combinations} combinations, 5 runs: {} letters, {} notices, {} other files looked at",
        world.advisories.len(),
        world.members.len() + world.lists.len() + 1,
        watcher.letters,
        watcher.notices,
        watcher.files
    );
}
