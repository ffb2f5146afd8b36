use super::*;
use crate::{
    artefact::Digest,
    receipt::{
        Bounce, DeliveryKey, DocumentVersion, Edition, EditionText, Intent, Mail, MemberHash,
        Outcome, Receipt, State, Verdict,
    },
    terms::{Address, Fingerprint, Id, Moment},
    tlp::Cover,
};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    str::FromStr,
};
use tempfile::TempDir;

fn the<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect(text)
}

fn now() -> Moment {
    the("2026-07-01T09:30:00Z")
}

fn folder() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path().join(".advise");
    (temp, dir)
}

fn intent(ledger: &Ledger, address: &str) -> Intent {
    let advisory: Id = the("EX-2026-0042");
    let key = DeliveryKey {
        advisory: advisory.clone(),
        revision: "1".into(),
        mail: Mail::Letter,
        member: ledger.member(&the::<Address>(address)),
    };
    let token = ledger.token(&advisory, "1", "universities", &the("en"));
    Intent {
        key,
        list: "universities".into(),
        lang: the("en"),
        cover: Cover::Signed,
        message_id: format!("<{token}@cert.example.org>"),
    }
}

#[test]
fn what_was_meant_and_what_came_of_it_outlive_the_program() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let [ada, bob] =
        ["ada@uni.example.org", "bob@uni.example.org"].map(|address| intent(&ledger, address));
    ledger
        .intend(&[ada.clone(), bob.clone()], &now())
        .expect("intended");
    ledger.begin(&ada.key, &now()).expect("begun");
    ledger
        .settle(
            &ada.key,
            &Outcome::Accepted("250 queued for <ada@uni.example.org>".into()),
            &now(),
        )
        .expect("settled");
    let member = ledger.member(&the("Ada@Uni.Example.org"));
    drop(ledger);

    let mut ledger = Ledger::open(&dir).expect("the same ledger");
    assert_eq!(
        ledger.member(&the("ada@uni.example.org")),
        member,
        "the secret is kept, capitals do not count"
    );
    let history = ledger.history().expect("a history");
    let receipt = &history.deliveries[&ada.key];
    assert_eq!(
        (receipt.state, receipt.attempts, receipt.reply.as_str()),
        (State::Accepted, 1, "250 queued for <…>")
    );
    assert_eq!((&receipt.intent, &receipt.at), (&ada, &now()));
    assert_eq!(history.deliveries[&bob.key].state, State::Intended);

    ledger
        .intend(&[ada.clone(), bob.clone()], &now())
        .expect("intended again");
    assert_eq!(
        ledger.history().expect("a history").deliveries,
        history.deliveries,
        "intending again changes nothing"
    );
    assert!(
        matches!(
            ledger.begin(&ada.key, &now()),
            Err(LedgerError::NoDelivery { .. })
        ),
        "what arrived is not sent again"
    );
}

#[test]
fn a_try_that_broke_off_is_a_possible_duplicate() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let ada = intent(&ledger, "ada@uni.example.org");
    ledger
        .intend(std::slice::from_ref(&ada), &now())
        .expect("intended");
    ledger.begin(&ada.key, &now()).expect("begun");
    drop(ledger);

    let mut ledger = Ledger::open(&dir).expect("the ledger after the crash");
    let receipt = |ledger: &Ledger| {
        ledger
            .history()
            .expect("a history")
            .deliveries
            .remove(&ada.key)
            .expect("a receipt")
    };
    assert_eq!(
        (receipt(&ledger).state, receipt(&ledger).possible_duplicate),
        (State::Sending, false)
    );
    ledger.begin(&ada.key, &now()).expect("begun again");
    assert!(receipt(&ledger).possible_duplicate);
    ledger
        .settle(
            &ada.key,
            &Outcome::Unknown("connection lost".into()),
            &now(),
        )
        .expect("settled");
    assert_eq!(
        (receipt(&ledger).state, receipt(&ledger).reply.as_str()),
        (State::Sending, "connection lost")
    );
    ledger
        .settle(&ada.key, &Outcome::Deferred("451 later".into()), &now())
        .expect("settled");
    assert_eq!(
        (receipt(&ledger).state, receipt(&ledger).attempts),
        (State::Deferred, 2)
    );
    assert!(matches!(
        ledger.settle(&ada.key, &Outcome::Accepted(String::new()), &now()),
        Err(LedgerError::NoDelivery { .. })
    ));

    let mended = Intent {
        cover: Cover::Encrypted,
        ..ada.clone()
    };
    ledger
        .intend(std::slice::from_ref(&mended), &now())
        .expect("restated");
    assert_eq!(
        receipt(&ledger).intent,
        mended,
        "the receipt says how the letter really goes"
    );
    assert_eq!(receipt(&ledger).attempts, 2);
}

#[test]
fn a_published_revision_is_frozen() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let (id, digest) = (the::<Id>("EX-2026-0042"), Digest::of(b"one"));
    let lines = [ledger.line_hash("a"), ledger.line_hash("b"), u64::MAX];
    for _ in 0..2 {
        ledger
            .freeze(&id, "1", digest, &lines, &now())
            .expect("frozen");
    }
    let other = ledger.freeze(&id, "1", Digest::of(b"two"), &lines, &now());
    assert!(matches!(other, Err(LedgerError::Frozen { .. })));
    ledger
        .freeze(&id, "2", Digest::of(b"two"), &lines, &now())
        .expect("a new revision");
    ledger
        .site_published(&id, "1", digest, &now())
        .expect("on the site");
    ledger
        .site_published(&id, "2", Digest::of(b"two"), &now())
        .expect("on the site");
    let history = ledger.history().expect("a history");
    assert_eq!(ledger.frozen_lines(&id, "1").expect("lines"), lines);
    assert!(ledger.frozen_lines(&id, "3").expect("none").is_empty());
    assert_eq!(history.on_site[&id], ("2".into(), Digest::of(b"two")));
    ledger.site_removed(&id).expect("removed");
    assert!(ledger.history().expect("a history").on_site.is_empty());
}

#[test]
fn documents_signatures_and_runs_are_kept() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let armor = "-----BEGIN PGP SIGNATURE-----\n\niQIz\n=abcd\n-----END PGP SIGNATURE-----\n";
    let edition = |version, text: &str, clocks: &str| Edition {
        version: DocumentVersion {
            version,
            digest: Digest::of(text.as_bytes()),
            date: the("2026-07-01"),
        },
        clocks: clocks.into(),
        texts: [(
            the("en"),
            EditionText {
                text: text.into(),
                block: armor.into(),
                detached: armor.into(),
            },
        )]
        .into(),
    };
    // Of a version that an older program wrote down, the number alone is known at first.
    let bare = Edition {
        texts: BTreeMap::new(),
        ..edition(1, "a", "")
    };
    let changed = Edition {
        clocks: "later".into(),
        texts: edition(1, "other", "").texts,
        ..edition(1, "a", "")
    };
    for edition in [
        bare,
        edition(1, "a", "now"),
        edition(2, "b", ""),
        edition(2, "b", ""),
        changed,
    ] {
        ledger.document_published(&edition).expect("published");
    }
    assert!(matches!(
        ledger.document_published(&edition(2, "c", "")),
        Err(LedgerError::Frozen { .. })
    ));
    let unsigned = Edition {
        texts: [(
            the("en"),
            EditionText {
                text: "c".into(),
                block: "c".into(),
                detached: armor.into(),
            },
        )]
        .into(),
        ..edition(3, "c", "")
    };
    assert!(matches!(
        ledger.document_published(&unsigned),
        Err(LedgerError::NotASignature)
    ));
    assert_eq!(
        ledger.history().expect("a history").editions,
        [edition(1, "a", "now"), edition(2, "b", "")]
    );

    let signer: Fingerprint = the(&"AB".repeat(20));
    ledger
        .keep_signature(Digest::of(b"a text"), &signer, armor)
        .expect("kept");
    assert_eq!(
        ledger
            .signature(Digest::of(b"a text"), &signer)
            .expect("read")
            .as_deref(),
        Some(armor)
    );
    assert_eq!(
        ledger
            .signature(Digest::of(b"b text"), &signer)
            .expect("read"),
        None
    );
    ledger
        .keep_signature(
            Digest::of(b"a text"),
            &the(&"CD".repeat(20)),
            &armor.replace("abcd", "abce"),
        )
        .expect("kept");
    assert_eq!(
        ledger
            .signature(Digest::of(b"a text"), &signer)
            .expect("read")
            .as_deref(),
        Some(armor)
    );
    let text = format!("-----BEGIN PGP SIGNED MESSAGE-----\nsecret\n{armor}");
    assert!(matches!(
        ledger.keep_signature(Digest::of(b"x"), &signer, &text),
        Err(LedgerError::NotASignature)
    ));

    let run = ledger.run_started(&now()).expect("started");
    assert_eq!(
        ledger
            .last_run()
            .expect("read")
            .and_then(|run| run.finished),
        None
    );
    ledger
        .run_finished(run, RunOutcome::Partly, &now())
        .expect("finished");
    let ended = ledger
        .last_run()
        .expect("read")
        .and_then(|run| run.finished);
    assert_eq!(ended, Some((now(), RunOutcome::Partly)));
}

#[test]
fn nobody_else_can_open_it_and_no_address_is_in_it() {
    let (_temp, dir) = folder();
    fs::create_dir(&dir).expect("a folder");
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("open to all");
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let ada = intent(&ledger, "ada.lovelace@uni.example.org");
    ledger
        .intend(std::slice::from_ref(&ada), &now())
        .expect("intended");
    ledger.begin(&ada.key, &now()).expect("begun");
    ledger
        .settle(
            &ada.key,
            &Outcome::Failed("550 no ada.lovelace@uni.example.org".into()),
            &now(),
        )
        .expect("settled");
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let mut files = 0;
    for file in fs::read_dir(&dir).expect("a folder") {
        let path = file.expect("a file").path();
        if path.is_dir() {
            continue;
        }
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let bytes = fs::read(&path).expect("readable");
        assert!(
            !bytes
                .windows(12)
                .any(|w| w.eq_ignore_ascii_case(b"ada.lovelace")),
            "{}",
            path.display()
        );
        files += 1;
    }
    assert_eq!(files, 3, "the ledger, its -wal and its -shm");
}

#[test]
fn looking_makes_no_file_and_writes_nothing() {
    let (_temp, dir) = folder();
    let ledger = Ledger::open_read_only_or_empty(&dir).expect("an empty ledger");
    assert!(ledger.history().expect("a history").deliveries.is_empty());
    assert!(!dir.exists());

    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let ada = intent(&ledger, "ada@uni.example.org");
    ledger
        .intend(std::slice::from_ref(&ada), &now())
        .expect("intended");
    let mut looking = Ledger::open_read_only_or_empty(&dir).expect("beside the writer");
    assert_eq!(looking.history().expect("a history").deliveries.len(), 1);
    assert_eq!(looking.member(&the("ada@uni.example.org")), ada.key.member);
    assert!(looking.begin(&ada.key, &now()).is_err());
}

#[test]
fn tokens_tell_letters_apart_and_come_back() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let (ada, id) = (
        intent(&ledger, "ada@uni.example.org"),
        the::<Id>("EX-2026-0042"),
    );
    let token = ledger.token(&id, "1", "universities", &the("en"));
    assert_eq!(token.len(), 26);
    for (revision, list, lang) in [
        ("2", "universities", "en"),
        ("1", "operators", "en"),
        ("1", "universities", "ru"),
        ("1u", "niversities", "en"),
    ] {
        assert_ne!(ledger.token(&id, revision, list, &the(lang)), token);
    }
    ledger
        .intend(std::slice::from_ref(&ada), &now())
        .expect("intended");
    let envelope = ledger.envelope(&ada.key.member, &ada.message_id);
    let intents = |token: &str| {
        let receipts = ledger.receipts_for_token(token).expect("read");
        receipts
            .into_iter()
            .map(|receipt| receipt.intent)
            .collect::<Vec<_>>()
    };
    assert_eq!(intents(&envelope), std::slice::from_ref(&ada));
    assert_eq!(
        intents(&envelope.to_uppercase()),
        [ada],
        "some servers change capitals"
    );
    for other in ["", "aaaa", &token] {
        assert_eq!(intents(other), []);
    }
}

/// Everything that the ledger knows of letters and of what came back.
fn letters(
    ledger: &Ledger,
) -> (
    HashMap<DeliveryKey, Receipt>,
    HashMap<MemberHash, Vec<Bounce>>,
) {
    let history = ledger.history().expect("a history");
    (history.deliveries, history.returns.bounces)
}

/// Ada and Bob got the same letter.
fn sent_to_two(ledger: &mut Ledger) -> [Intent; 2] {
    let both =
        ["ada@uni.example.org", "bob@uni.example.org"].map(|address| intent(ledger, address));
    ledger.intend(&both, &now()).expect("intended");
    ledger
        .begin_all(both.iter().map(|intent| &intent.key), &now())
        .expect("begun");
    let taken = Outcome::Accepted("250 ok".into());
    ledger
        .settle_all(both.iter().map(|intent| (&intent.key, &taken)), &now())
        .expect("settled");
    both
}

#[test]
fn a_letter_that_came_back_counts_once_and_is_none_that_arrived() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let [ada, bob] = sent_to_two(&mut ledger);
    let token = ledger.envelope(&ada.key.member, &ada.message_id);
    let (address, later) = (
        the::<Address>("ada@uni.example.org"),
        the::<Moment>("2026-07-01T10:00:00Z"),
    );
    let mut note = |verdict, status: &str| {
        ledger
            .note_bounce(
                &token,
                Some(&address),
                verdict,
                status,
                "<ada@uni.example.org> is full",
                &later,
            )
            .expect("noted")
    };
    assert!(
        matches!(note(Verdict::Soft, "4.2.2"), Noted::Counted(receipt) if receipt.state == State::Accepted)
    );
    assert_eq!(note(Verdict::Soft, "4.2.2"), Noted::Known);
    assert!(
        matches!(note(Verdict::Hard, "5.1.1"), Noted::Counted(_)),
        "worse news"
    );
    assert_eq!(note(Verdict::Hard, "no status"), Noted::Known);
    assert_eq!(note(Verdict::Soft, "4.2.2"), Noted::Known);
    let (receipts, bounces) = letters(&ledger);
    let bounce = Bounce {
        verdict: Verdict::Hard,
        status: "5.1.1".into(),
        words: "<…> is full".into(),
        sent: now(),
        at: later.clone(),
        counts: true,
    };
    assert_eq!(
        bounces,
        HashMap::from([(ada.key.member, vec![bounce.clone()])])
    );
    assert_eq!(
        (receipts[&ada.key].state, &receipts[&ada.key].bounce),
        (State::Failed, &Some(bounce))
    );
    assert_eq!(
        (receipts[&bob.key].state, &receipts[&bob.key].bounce),
        (State::Accepted, &None)
    );

    // It is sent again, and this time it stays there: what came back was the try before.
    let mended = Intent {
        cover: Cover::Encrypted,
        ..ada.clone()
    };
    ledger
        .intend(std::slice::from_ref(&mended), &later)
        .expect("restated");
    ledger
        .begin(&ada.key, &later)
        .expect("what came back can be sent again");
    ledger
        .settle(&ada.key, &Outcome::Accepted("250 ok".into()), &later)
        .expect("settled");
    let receipt = letters(&ledger).0.remove(&ada.key).expect("a receipt");
    assert_eq!(
        (receipt.state, receipt.bounce, receipt.intent.cover),
        (State::Accepted, None, Cover::Encrypted)
    );
    assert_eq!(
        letters(&ledger).1[&ada.key.member].len(),
        1,
        "but it counts on"
    );
    assert!(matches!(
        ledger.begin(&ada.key, &later),
        Err(LedgerError::NoDelivery { .. })
    ));
}

#[test]
fn a_letter_that_is_back_before_the_answer_is_known_came_back() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let ada = intent(&ledger, "ada@uni.example.org");
    ledger
        .intend(std::slice::from_ref(&ada), &now())
        .expect("intended");
    ledger.begin(&ada.key, &now()).expect("begun");
    let token = ledger.envelope(&ada.key.member, &ada.message_id);
    ledger
        .note_bounce(&token, None, Verdict::Hard, "5.1.1", "no such user", &now())
        .expect("noted");
    ledger
        .settle(&ada.key, &Outcome::Accepted("250 ok".into()), &now())
        .expect("settled");
    assert_eq!(letters(&ledger).0[&ada.key].state, State::Failed);
}

#[test]
fn a_forged_bounce_changes_nothing() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let [ada, bob] = sent_to_two(&mut ledger);
    let before = letters(&ledger);
    let of_ada = ledger.envelope(&ada.key.member, &ada.message_id);
    // What all members can read in the letter, what they could make of it, and nothing at all.
    let id = ada
        .message_id
        .trim_matches(['<', '>'])
        .split('@')
        .next()
        .expect("a token")
        .to_string();
    let address = the::<Address>("bob@uni.example.org");
    for token in [
        id.as_str(),
        &ada.key.member.hex(),
        &of_ada[..25],
        &format!("{of_ada}a"),
        "",
        "%",
        "' OR 1=1 --",
    ] {
        let noted = ledger.note_bounce(
            token,
            Some(&address),
            Verdict::Hard,
            "5.1.1",
            "no such user",
            &now(),
        );
        assert_eq!(noted.expect("read"), Noted::NoSuchToken, "{token}");
    }
    // Ada knows the token of her own letter, and writes Bob's address into her bounce.
    let noted = ledger.note_bounce(
        &of_ada,
        Some(&address),
        Verdict::Hard,
        "5.1.1",
        "no such user",
        &now(),
    );
    assert_eq!(noted.expect("read"), Noted::AnotherMember);
    assert_eq!(letters(&ledger), before);
    // Where her mail is passed on to somebody unknown, it is her letter that came back.
    let noted = ledger.note_bounce(
        &of_ada,
        Some(&the("ada@mail.example.net")),
        Verdict::Hard,
        "5.1.1",
        "gone",
        &now(),
    );
    assert!(matches!(noted.expect("read"), Noted::Counted(receipt) if receipt.intent == ada));
    assert_eq!(letters(&ledger).0[&bob.key], before.0[&bob.key]);
}

#[test]
fn who_is_resumed_begins_anew_and_gets_what_came_back() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let [ada, bob] = sent_to_two(&mut ledger);
    for (intent, verdict) in [(&ada, Verdict::Hard), (&bob, Verdict::Soft)] {
        let token = ledger.envelope(&intent.key.member, &intent.message_id);
        ledger
            .note_bounce(&token, None, verdict, "", "", &now())
            .expect("noted");
    }
    let later = the::<Moment>("2026-07-05T10:00:00Z");
    for (list, at) in [
        ("universities", now()),
        ("universities", later.clone()),
        ("community", later.clone()),
    ] {
        ledger
            .suspend(&ada.key.member, list, &at)
            .expect("suspended");
    }
    let lists = BTreeMap::from([
        ("community".to_string(), later),
        ("universities".to_string(), now()),
    ]);
    assert_eq!(
        ledger.history().expect("a history").returns.suspensions,
        HashMap::from([(ada.key.member, lists)])
    );

    assert_eq!(
        ledger.resume(&ada.key.member).expect("resumed"),
        Resumed {
            lists: 2,
            bounces: 1,
            letters: 1
        }
    );
    assert_eq!(
        ledger.resume(&ada.key.member).expect("resumed"),
        Resumed {
            lists: 0,
            bounces: 0,
            letters: 0
        }
    );
    let history = ledger.history().expect("a history");
    assert!(history.returns.suspensions.is_empty());
    assert_eq!(
        history.returns.bounces.keys().collect::<Vec<_>>(),
        [&bob.key.member]
    );
    assert_eq!(
        (
            history.deliveries[&ada.key].state,
            &history.deliveries[&ada.key].first
        ),
        (State::Intended, &None)
    );
    assert_eq!(
        history.deliveries[&bob.key].state,
        State::Accepted,
        "what came back for now may have arrived later"
    );
    ledger.begin(&ada.key, &now()).expect("begun again");
}

#[test]
fn what_is_no_ledger_of_ours_is_said_so() {
    let (_temp, dir) = folder();
    drop(Ledger::create(&dir).expect("a new ledger"));
    let raw = Connection::open(dir.join(FILE)).expect("opens");
    raw.pragma_update(None, "user_version", 99)
        .expect("a later schema");
    drop(raw);
    assert!(matches!(
        Ledger::open(&dir),
        Err(LedgerError::Newer { found: 99, .. })
    ));
    fs::write(
        dir.join(FILE),
        "nothing of SQLite's, but long enough to have a header".repeat(20),
    )
    .expect("written");
    assert!(matches!(
        Ledger::open(&dir),
        Err(LedgerError::Corrupt { .. })
    ));
}

#[test]
fn a_ledger_that_is_gone_or_empty_is_not_made_again_in_silence() {
    let (_temp, dir) = folder();
    assert!(matches!(
        Ledger::open(&dir),
        Err(LedgerError::Missing { .. })
    ));
    assert!(!dir.exists());
    drop(Ledger::create(&dir).expect("a new ledger"));
    assert!(
        matches!(Ledger::create(&dir), Err(LedgerError::Io { .. })),
        "one that is there is not made anew"
    );
    for file in [
        FILE.to_string(),
        format!("{FILE}-wal"),
        format!("{FILE}-shm"),
    ] {
        drop(fs::remove_file(dir.join(file)));
    }
    // As a disk that was full, or a restore that broke off, leaves it.
    fs::write(dir.join(FILE), "").expect("written");
    assert!(matches!(
        Ledger::open(&dir),
        Err(LedgerError::Corrupt { .. })
    ));
    assert!(matches!(
        Ledger::open_read_only_or_empty(&dir),
        Err(LedgerError::Corrupt { .. })
    ));
}

#[test]
fn two_runs_are_kept_apart() {
    let (_temp, dir) = folder();
    let held = lock(&dir, &now()).expect("the lock");
    match lock(&dir, &now()) {
        Err(LedgerError::Held { pid, since, host }) => {
            assert_eq!(
                (pid, since.as_str()),
                (std::process::id(), "2026-07-01T09:30:00Z")
            );
            assert!(!host.is_empty());
        }
        other => panic!("two locks: {other:?}"),
    }
    drop(held);
    lock(&dir, &now()).expect("the lock is free again");
}

#[test]
fn ten_thousand_intents_are_one_entry() {
    let (_temp, dir) = folder();
    let mut ledger = Ledger::create(&dir).expect("a new ledger");
    let intents: Vec<Intent> = (0..10_000)
        .map(|n| intent(&ledger, &format!("member{n}@uni.example.org")))
        .collect();
    ledger.intend(&intents, &now()).expect("intended");
    ledger
        .begin_all(intents[..50].iter().map(|intent| &intent.key), &now())
        .expect("begun");
    let done = Outcome::Accepted("250 ok".into());
    ledger
        .settle_all(
            intents[..50].iter().map(|intent| (&intent.key, &done)),
            &now(),
        )
        .expect("settled");
    let history = ledger.history().expect("a history");
    assert_eq!(
        history
            .deliveries
            .values()
            .filter(|receipt| receipt.state == State::Accepted)
            .count(),
        50
    );
    assert_eq!(history.deliveries.len(), 10_000);
}

#[test]
fn the_key_is_beside_the_ledger_and_nothing_is_done_without_it() {
    let (_temp, dir) = folder();
    let key = dir.join(KEY_FILE);
    let ledger = Ledger::create(&dir).expect("a new ledger");
    let bytes = fs::read(&key).expect("the key");
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(
        (bytes.len(), mode(&key), mode(&dir.join("keys"))),
        (32, 0o600, 0o700)
    );
    let member = ledger.member(&the("ada@uni.example.org"));
    drop(ledger);
    let file = fs::read(dir.join(FILE)).expect("the ledger");
    assert!(
        !file.windows(32).any(|window| window == bytes),
        "the key is not in the ledger"
    );

    let both = |dir: &Path| {
        [
            Ledger::open(dir).err(),
            Ledger::open_read_only_or_empty(dir).err(),
        ]
    };
    fs::remove_file(&key).expect("removed");
    assert!(
        both(&dir)
            .iter()
            .all(|e| matches!(e, Some(LedgerError::NoKey { path }) if *path == key))
    );
    assert!(!key.exists(), "no other key grows in its place");
    // The key of another ledger, and what a full disk leaves.
    for wrong in [&[7; 32][..], b""] {
        fs::write(&key, wrong).expect("written");
        assert!(
            both(&dir)
                .iter()
                .all(|e| matches!(e, Some(LedgerError::WrongKey { path }) if *path == key))
        );
    }
    fs::write(&key, &bytes).expect("restored");
    let ledger = Ledger::open(&dir).expect("the same ledger");
    assert_eq!(ledger.member(&the("ada@uni.example.org")), member);
    drop(ledger);

    // A ledger that is begun anew has the key that is there, so that one from a backup fits again.
    fs::remove_file(dir.join(FILE)).expect("removed");
    let ledger = Ledger::create(&dir).expect("a new ledger");
    assert_eq!(ledger.member(&the("ada@uni.example.org")), member);
}
