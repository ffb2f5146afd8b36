use super::{outbox::Outbox, sendmail::Sendmail, *};
use crate::{
    roster::Encrypt,
    terms::Slug,
    tlp::{ByMake, Gate, Made, Marked, Tlp},
    yaml::Wording,
};
use std::{fs, os::unix::fs::PermissionsExt, str::FromStr, time::Duration};

pub(super) fn the<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect(text)
}

struct Note(Tlp, String);

impl Marked for Note {
    fn tlp(&self) -> Tlp {
        self.0
    }
    fn is_addressed_to(&self, _: &str) -> bool {
        true
    }
}

#[derive(Clone)]
pub(super) struct Letter(Vec<u8>);

impl Wire for Letter {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
    fn message_id(&self) -> &str {
        "<abcdefgh234567@cert.example.org>"
    }
}

impl Made<Note, List> for Letter {
    type Shop<'s> = ();
    type Error = std::convert::Infallible;
    fn made(note: &Note, _: &List, _: &(), _: ByMake) -> Result<Letter, Self::Error> {
        Ok(Letter(note.1.clone().into_bytes()))
    }
}

impl Made<Note, Contact> for Letter {
    type Shop<'s> = ();
    type Error = std::convert::Infallible;
    fn made(note: &Note, _: &Contact, _: &(), _: ByMake) -> Result<Letter, Self::Error> {
        Ok(Letter(note.1.clone().into_bytes()))
    }
}

fn contact(address: &str) -> Contact {
    Contact {
        name: "A Member".into(),
        address: the(address),
        certificate: None,
        language: None,
        phone: None,
        lists: [].into(),
        joined: None,
        suspended: None,
        constituent: the::<Slug>("uni"),
    }
}

fn list(delivery: Delivery) -> List {
    List {
        name: the("universities"),
        title: Wording::One("Universities".into()),
        description: None,
        address: the("universities@lists.cert.example.org"),
        tlp: Tlp::Amber,
        encrypt: Encrypt::ByLabel,
        delivery,
        notify_held: None,
        bounces: crate::roster::Bounces::default(),
        members: vec![
            contact("Ada@uni.example.org").into(),
            contact("bob@uni.example.org").into(),
        ],
    }
}

fn gate() -> Gate {
    Gate::new(&the("2026-07-01"), &the("2026-07-01"))
}

pub(super) const TEXT: &str =
    "Subject: [TLP:GREEN] EX-2026-0001\r\n\r\n.A line that begins with a dot\r\n.\r\nThe end\r\n";

pub(super) fn letter() -> Shareable<Letter, List> {
    wire(TEXT)
}

fn wire(text: &str) -> Shareable<Letter, List> {
    gate()
        .open(Note(Tlp::Green, text.into()), list(Delivery::Direct))
        .expect("for the list")
        .make(&())
        .expect("made")
}

pub(super) fn bounces() -> Address {
    the("bounces+token@cert.example.org")
}

#[test]
fn a_parcel_goes_to_its_own_audience_only() {
    let letter = letter();
    let to = |address: &str| Parcel::new(&letter, None, &the(address)).map(|_| ());
    assert_eq!(to("ada@uni.example.org"), Ok(()));
    assert!(matches!(
        to("eve@uni.example.org"),
        Err(ParcelError::NotReached { .. })
    ));
    let fit = Fit::new(letter.clone()).expect("fit to travel");
    assert_eq!(
        fit.parcel_to_nth(None, 1).map(|parcel| parcel.recipient),
        Ok(the("bob@uni.example.org"))
    );
    assert!(matches!(
        fit.parcel_to_nth(None, 2),
        Err(ParcelError::NotReached { .. })
    ));
    assert!(matches!(
        fit.parcel(None, &the("eve@uni.example.org")),
        Err(ParcelError::NotReached { .. })
    ));
    assert!(matches!(
        to("universities@lists.cert.example.org"),
        Err(ParcelError::NotReached { .. })
    ));

    let note = Note(Tlp::Green, TEXT.into());
    let relayed = gate()
        .open(note, list(Delivery::Relay(None)))
        .expect("for the list")
        .make::<Letter>(&())
        .expect("made");
    assert!(Parcel::new(&relayed, None, &the("ada@uni.example.org")).is_err());
    assert!(Parcel::new(&relayed, None, &the("universities@lists.cert.example.org")).is_ok());

    let named = gate()
        .open(Note(Tlp::Red, TEXT.into()), contact("ada@uni.example.org"))
        .expect("for Ada alone");
    let named = named.make::<Letter>(&()).expect("made");
    assert!(Parcel::new(&named, None, &the("ADA@uni.example.org")).is_ok());
    assert!(Parcel::new(&named, None, &the("bob@uni.example.org")).is_err());
}

#[test]
fn what_a_server_could_misread_is_no_parcel() {
    let ada = the("ada@uni.example.org");
    for (text, error) in [
        (
            "Subject: a\r\n\r\nfirst\n.\r\nMAIL FROM:<>\r\n",
            ParcelError::LineEnds,
        ),
        ("Subject: a\r\n\r\nfirst\r.\r\n", ParcelError::LineEnds),
        ("Subject: a\r\n\r\nno end", ParcelError::LineEnds),
        ("Subject: ä\r\n\r\n", ParcelError::NotAscii),
    ] {
        assert_eq!(
            Parcel::new(&wire(text), None, &ada).err(),
            Some(error),
            "{text:?}"
        );
    }
}

#[test]
fn a_servers_words_do_not_name_the_mailbox() {
    let letter = letter();
    let ada = the("ada@uni.example.org");
    let parcel = Parcel::new(&letter, None, &ada).expect("a parcel");
    assert_eq!(
        parcel.hide("550 5.1.1 no mailbox Ada here (ada.)"),
        "550 5.1.1 no mailbox … here (….)"
    );
    assert_eq!(parcel.hide("250 Canada calling"), "250 Canada calling");
}

#[test]
fn the_outbox_takes_a_parcel_once() {
    let temp = tempfile::tempdir().expect("a folder");
    let folder = temp.path().join("outbox");
    let (letter, sender) = (letter(), bounces());
    let [ada, bob]: [Address; 2] = ["ada@uni.example.org", "bob@uni.example.org"].map(the);
    let [to_ada, to_bob] =
        [&ada, &bob].map(|to| Parcel::new(&letter, Some(&sender), to).expect("a parcel"));
    let there = |part: &str| {
        let entries = fs::read_dir(folder.join(part)).expect("a folder");
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        paths
    };
    let mut outbox = Outbox::open(&folder).expect("a new outbox");
    let id = letter.thing().message_id();
    assert_eq!(outbox.was_taken(id, &ada), Some(false));
    assert!(matches!(outbox.send(&to_ada), Ok(Outcome::Accepted(_))));
    assert_eq!(there("new").len(), 1);
    let text = fs::read_to_string(&there("new")[0]).expect("readable");
    let envelope =
        "Return-Path: <bounces+token@cert.example.org>\nDelivered-To: ada@uni.example.org\n";
    assert_eq!(text, format!("{envelope}{}", TEXT.replace("\r\n", "\n")));

    // Ada's letter is read, the program crashes while Bob's is half written, and all is done again.
    let name = there("new")[0]
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    fs::rename(
        folder.join("new").join(&name),
        folder.join("cur").join(format!("{name}:2,S")),
    )
    .expect("read");
    let mut outbox = Outbox::open(&folder).expect("the same outbox");
    assert_eq!(
        (outbox.was_taken(id, &ada), outbox.was_taken(id, &bob)),
        (Some(true), Some(false))
    );
    let outcomes = outbox.send_all(&[to_ada, to_bob.clone(), to_bob]);
    assert!(
        outcomes.len() == 3
            && outcomes
                .iter()
                .all(|outcome| matches!(outcome, Ok(Outcome::Accepted(_)))),
        "{outcomes:?}"
    );
    assert_eq!(
        [there("tmp"), there("new"), there("cur")].map(|part| part.len()),
        [0, 1, 1]
    );
    for part in ["", "tmp", "new", "cur"] {
        let mode = fs::metadata(folder.join(part))
            .expect("is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700, "{part}");
    }
}

#[test]
fn sendmail_gets_the_envelope_as_arguments_and_its_exit_code_counts() {
    let temp = tempfile::tempdir().expect("a folder");
    let script = |body: &str| {
        let path = temp.path().join("sendmail");
        // Called by way of the shell: while other tests fork, a file just written may be "busy" for exec.
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        format!("/bin/sh {}", path.display())
    };
    let (letter, sender, ada) = (letter(), bounces(), the("ada@uni.example.org"));
    let parcel = Parcel::new(&letter, Some(&sender), &ada).expect("a parcel");
    let out = temp.path().join("out");
    let says = |body: &str, parcel: &Parcel<'_>| {
        let post = Sendmail::open(&script(body))
            .expect("a program")
            .impatient(Duration::from_millis(500));
        { post }.send(parcel).expect("called")
    };
    let keep = format!("echo \"$@\" > {0}; cat >> {0}", out.display());
    assert_eq!(says(&keep, &parcel), Outcome::Accepted(String::new()));
    let text = fs::read_to_string(&out).expect("readable");
    let call = "-i -f bounces+token@cert.example.org -- ada@uni.example.org\n";
    assert_eq!(text, format!("{call}{}", TEXT.replace("\r\n", "\n")));
    says(&keep, &Parcel::new(&letter, None, &ada).expect("a parcel"));
    assert!(
        fs::read_to_string(&out)
            .expect("readable")
            .starts_with("-i -f <> -- ada@")
    );

    assert_eq!(
        says("cat >/dev/null; echo later >&2; exit 75", &parcel),
        Outcome::Deferred("exit code 75: later".into())
    );
    let refused = says("cat >/dev/null; echo no ada here >&2; exit 67", &parcel);
    assert_eq!(refused, Outcome::Failed("exit code 67: no … here".into()));
    // sysexits.h: what speaks of the recipient or the message is for good, all else can be mended here.
    for code in 64..=78 {
        let outcome = says(&format!("cat >/dev/null; exit {code}"), &parcel);
        assert_eq!(
            matches!(outcome, Outcome::Failed(_)),
            [65, 67, 68].contains(&code),
            "{code}: {outcome:?}"
        );
        assert!(
            matches!(outcome, Outcome::Failed(_) | Outcome::Deferred(_)),
            "{code}: {outcome:?}"
        );
    }
    assert!(matches!(
        says("cat >/dev/null; kill -9 $$", &parcel),
        Outcome::Unknown(_)
    ));
    assert!(matches!(
        says("cat >/dev/null; exec sleep 60", &parcel),
        Outcome::Unknown(_)
    ));
    assert!(Sendmail::open("/no/such/program").is_err());
}
