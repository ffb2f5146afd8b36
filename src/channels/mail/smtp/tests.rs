use super::super::tests::{TEXT, bounces, letter, the};
use super::*;
use crate::terms::Address;
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    ssl::{SslAcceptor, SslMethod},
    x509::{
        X509, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Mutex, mpsc},
    thread,
};

/// What the server says to a line (or to `connect`, or `message`); nothing means that it hangs up.
type Script = Box<dyn FnMut(&str) -> Option<String> + Send>;

/// A server that says what it is told to, and writes down what it hears.
struct Fake {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    ca: tempfile::TempDir,
}

impl Fake {
    /// `script` is called anew for each connection with its number.
    fn start(tls: bool, script: impl Fn(usize) -> Script + Send + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (ca, acceptor) = authority();
        let log = heard.clone();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (Ok(mut stream), mut script) = (stream, script(number)) else {
                    return;
                };
                let (log, acceptor) = (log.clone(), acceptor.clone());
                thread::spawn(move || {
                    if tls {
                        let Ok(mut stream) = acceptor.accept(stream) else {
                            return;
                        };
                        talk(&mut stream, &mut script, &log, true);
                    } else if talk(&mut stream, &mut script, &log, true) {
                        let Ok(mut stream) = acceptor.accept(stream) else {
                            return;
                        };
                        talk(&mut stream, &mut script, &log, false);
                    }
                });
            }
        });
        Fake { port, heard, ca }
    }

    fn settings(&self, security: Security) -> Smtp {
        Smtp {
            host: "localhost".into(),
            port: self.port,
            security,
            user: None,
            password_command: None,
            ca_file: Some("ca.pem".into()),
        }
    }

    fn open(&self, security: Security) -> Result<Server, PostError> {
        self.open_with(self.settings(security), None)
    }

    fn open_with(&self, settings: Smtp, password: Option<&str>) -> Result<Server, PostError> {
        first_of(&relays(self, &[settings], password)?)
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("the log").clone()
    }
}

fn relays(
    fake: &Fake,
    settings: &[Smtp],
    password: Option<&str>,
) -> Result<Arc<Relays>, PostError> {
    let limit = Duration::from_millis(700);
    let command = Duration::from_secs(60);
    let limits = Limits {
        connect: limit,
        greeting: limit,
        command,
        message: limit,
        pause: Duration::from_millis(1),
    };
    let passwords = vec![password.map(str::to_string); settings.len()];
    Ok(Arc::new(Relays::new(
        settings,
        fake.ca.path(),
        &passwords,
        limits,
    )?))
}

fn first_of(relays: &Arc<Relays>) -> Result<Server, PostError> {
    let mut server = Server::new(relays);
    server.open()?;
    Ok(server)
}

/// `true` if it ends with STARTTLS.
fn talk(
    stream: &mut (impl Read + Write),
    script: &mut Script,
    log: &Mutex<Vec<String>>,
    greet: bool,
) -> bool {
    let mut say = |stream: &mut dyn Write, to: &str| {
        let words = script(to)?;
        stream
            .write_all(words.as_bytes())
            .and_then(|()| stream.flush())
            .is_ok()
            .then_some(words)
    };
    if greet && say(stream, "connect").is_none() {
        return false;
    }
    let mut message = false;
    loop {
        let (mut bytes, mut byte) = (Vec::new(), [0]);
        let end: &[u8] = if message { b"\r\n.\r\n" } else { b"\r\n" };
        while !bytes.ends_with(end) {
            match stream.read(&mut byte) {
                Ok(1) => bytes.push(byte[0]),
                _ => return false,
            }
        }
        let text = String::from_utf8(bytes).expect("only ASCII travels");
        log.lock()
            .expect("the log")
            .push(text.trim_end_matches("\r\n").to_string());
        let verb = if message { "message" } else { text.trim_end() };
        let Some(answer) = say(stream, verb) else {
            return false;
        };
        message = verb == "DATA" && !message && answer.contains("354 ");
        if verb == "STARTTLS" {
            return true;
        }
    }
}

/// A well-behaved server, but for what `odd` says.
fn usual(odd: impl Fn(&str) -> Option<Option<&'static str>> + Send + 'static) -> Script {
    Box::new(move |line| {
        if let Some(words) = odd(line) {
            return words.map(str::to_string);
        }
        let words = match line.split([' ', ':']).next().unwrap_or_default() {
            "connect" => "220 fake ESMTP",
            "EHLO" => {
                "250-fake\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250-SIZE 1000000\r\n250 DSN"
            }
            "STARTTLS" => "220 go ahead",
            "AUTH" => "235 2.7.0 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 2.0.0 ok",
        };
        Some(format!("{words}\r\n"))
    })
}

fn authority() -> (tempfile::TempDir, SslAcceptor) {
    let key = || -> PKey<Private> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
        PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key")
    };
    let certificate = |name: &str,
                       serial: u32,
                       key: &PKey<Private>,
                       issuer: Option<(&X509, &PKey<Private>)>|
     -> X509 {
        let mut subject = X509NameBuilder::new().expect("a name");
        subject.append_entry_by_text("CN", name).expect("a name");
        let subject = subject.build();
        let mut builder = X509::builder().expect("a builder");
        builder.set_version(2).expect("version 3");
        let serial = BigNum::from_u32(serial)
            .and_then(|n| n.to_asn1_integer())
            .expect("a number");
        builder.set_serial_number(&serial).expect("a number");
        builder.set_subject_name(&subject).expect("a name");
        builder
            .set_issuer_name(issuer.map_or(&*subject, |(ca, _)| ca.subject_name()))
            .expect("a name");
        builder
            .set_not_before(&Asn1Time::days_from_now(0).expect("a time"))
            .expect("a time");
        builder
            .set_not_after(&Asn1Time::days_from_now(1).expect("a time"))
            .expect("a time");
        builder.set_pubkey(key).expect("a key");
        let extension = match issuer {
            None => BasicConstraints::new()
                .critical()
                .ca()
                .build()
                .expect("an extension"),
            Some(_) => SubjectAlternativeName::new()
                .dns(name)
                .build(&builder.x509v3_context(None, None))
                .expect("an extension"),
        };
        builder.append_extension(extension).expect("an extension");
        builder
            .sign(issuer.map_or(key, |(_, key)| key), MessageDigest::sha256())
            .expect("signed");
        builder.build()
    };
    let (ca_key, leaf_key) = (key(), key());
    let ca = certificate("An authority", 1, &ca_key, None);
    let leaf = certificate("localhost", 2, &leaf_key, Some((&ca, &ca_key)));
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ca.pem"), ca.to_pem().expect("PEM")).expect("written");
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("an acceptor");
    acceptor.set_private_key(&leaf_key).expect("a key");
    acceptor.set_certificate(&leaf).expect("a certificate");
    (folder, acceptor.build())
}

fn send(server: &mut Server, to: &str) -> Outcome {
    try_send(server, to).expect("outcomes, not errors")
}

fn try_send(server: &mut Server, to: &str) -> Result<Outcome, PostError> {
    let (letter, sender, to) = (letter(), bounces(), the::<Address>(to));
    let parcel = Parcel::new(&letter, Some(&sender), &to).expect("a parcel");
    server.send(&parcel)
}

const ADA: &str = "ada@uni.example.org";
const BOB: &str = "bob@uni.example.org";

#[test]
fn a_letter_arrives_byte_for_byte_and_says_nothing_on_its_envelope() {
    let fake = Fake::start(false, |_| usual(|_| None));
    let mut server = fake.open(Security::None).expect("a connection");
    for to in [ADA, BOB] {
        assert_eq!(
            send(&mut server, to),
            Outcome::Accepted("250 2.0.0 ok".into())
        );
    }
    drop(server);
    let heard = fake.heard();
    let size = TEXT.len();
    let envelope = format!(
        "MAIL FROM:<bounces+token@cert.example.org> SIZE={size} RET=HDRS ENVID=abcdefgh234567"
    );
    assert_eq!(
        heard[2..5],
        [envelope, format!("RCPT TO:<{ADA}>"), "DATA".into()]
    );
    // RFC 5321, 4.5.2: a dot at the beginning of a line is doubled.
    assert_eq!(heard[5], TEXT.replace("\r\n.", "\r\n..") + ".");
    assert_eq!(
        heard.len(),
        2 + 2 * 4 + 1,
        "one connection for both, and a goodbye"
    );
}

#[test]
fn each_answer_has_its_own_outcome() {
    let fake = Fake::start(false, |_| {
        usual(|line| match line {
            "RCPT TO:<ada@uni.example.org>" => Some(Some(
                "550-5.1.1 no ada here\r\n550 5.1.1 ask <ada@uni.example.org>\r\n",
            )),
            "RCPT TO:<bob@uni.example.org>" => Some(Some("450 4.2.1 greylisted\r\n")),
            _ => None,
        })
    });
    let mut server = fake.open(Security::None).expect("a connection");
    let Outcome::Failed(words) = send(&mut server, ADA) else {
        panic!("a refusal")
    };
    assert!(
        words.starts_with("550 5.1.1 no … here") && !words.contains("ada"),
        "{words}"
    );
    assert_eq!(
        send(&mut server, BOB),
        Outcome::Deferred("450 4.2.1 greylisted".into())
    );
    let said: Vec<String> = fake
        .heard()
        .into_iter()
        .map(|line| line.chars().take(4).collect())
        .collect();
    assert_eq!(
        said,
        [
            "EHLO", "EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "RSET"
        ],
        "no reconnecting for a clean refusal"
    );
}

#[test]
fn a_refused_message_is_refused_whatever_came_before() {
    for (answer, expected) in [
        (
            "554 5.7.1 spam\r\n",
            Outcome::Failed("554 5.7.1 spam".into()),
        ),
        (
            "451 4.3.0 later\r\n",
            Outcome::Deferred("451 4.3.0 later".into()),
        ),
        (
            "354 what\r\n",
            Outcome::Unknown("unexpected answer: 354 what".into()),
        ),
        ("250", Outcome::Unknown("no answer in time".into())),
    ] {
        let fake = Fake::start(false, move |_| {
            usual(move |line| (line == "message").then_some(Some(answer)))
        });
        assert_eq!(
            send(&mut fake.open(Security::None).expect("a connection"), ADA),
            expected
        );
    }
}

#[test]
fn a_server_that_refuses_some_messages_is_there_for_the_others() {
    let failed = |words: &str| Outcome::Failed(words.into());
    let later = |words: &str| Outcome::Deferred(words.into());
    for (answer, expected, rset, connections) in [
        ("550 5.7.1 spam\r\n", failed("550 5.7.1 spam"), None, 1),
        (
            "451 4.7.1 greylisted\r\n",
            later("451 4.7.1 greylisted"),
            None,
            1,
        ),
        // A connection that is not fit for another message costs that connection and not the server.
        (
            "550 5.7.1 spam\r\n",
            failed("550 5.7.1 spam"),
            Some(Some("503 5.5.1 what\r\n")),
            6,
        ),
        (
            "451 4.7.1 greylisted\r\n",
            later("451 4.7.1 greylisted"),
            Some(None),
            6,
        ),
    ] {
        let messages = Arc::new(AtomicUsize::new(0));
        let (opened, counter) = (Arc::new(AtomicUsize::new(0)), messages.clone());
        let calls = opened.clone();
        let fake = Fake::start(false, move |_| {
            let (messages, calls) = (counter.clone(), calls.clone());
            usual(move |line| match line {
                "connect" => {
                    calls.fetch_add(1, Ordering::SeqCst);
                    None
                }
                "message" => (messages.fetch_add(1, Ordering::SeqCst) < 5).then_some(Some(answer)),
                "RSET" => rset,
                _ => None,
            })
        });
        let mut server = fake.open(Security::None).expect("a connection");
        for _ in 0..5 {
            assert_eq!(send(&mut server, ADA), expected);
        }
        assert_eq!(
            send(&mut server, BOB),
            Outcome::Accepted("250 2.0.0 ok".into())
        );
        assert_eq!(
            (opened.load(Ordering::SeqCst), &server.served()[0].trouble),
            (connections, &None),
            "{answer} {rset:?}"
        );
        assert_eq!(messages.load(Ordering::SeqCst), 6, "nothing is said twice");
    }

    // One that shuts down each time is passed over all the same.
    let fake = Fake::start(false, |_| {
        usual(|line| (line == "message").then_some(Some("421 4.3.2 closing\r\n")))
    });
    let mut server = fake.open(Security::None).expect("a connection");
    for _ in 0..TRIES {
        assert_eq!(send(&mut server, ADA), later("421 4.3.2 closing"));
    }
    let error = try_send(&mut server, BOB).expect_err("it is passed over");
    assert!(
        matches!(&error, PostError::NoneLeft(words) if words.contains("421 4.3.2 closing")),
        "{error}"
    );
}

#[test]
fn where_the_connection_breaks_decides_what_is_known() {
    // Before the end of the message nothing can have arrived; after it, everything can.
    for (at, expected) in [
        ("RCPT TO:<ada@uni.example.org>", "deferred"),
        ("DATA", "deferred"),
        ("message", "unknown"),
    ] {
        let fake = Fake::start(false, move |_| {
            usual(move |line| (line == at).then_some(None))
        });
        let outcome = send(&mut fake.open(Security::None).expect("a connection"), ADA);
        let found = match outcome {
            Outcome::Deferred(_) => "deferred",
            Outcome::Unknown(_) => "unknown",
            _ => "wrong",
        };
        assert_eq!(found, expected, "{at}: {outcome:?}");
    }
}

#[test]
fn a_connection_gone_stale_is_made_anew() {
    let fake = Fake::start(false, |number| {
        let sent = std::sync::atomic::AtomicBool::new(false);
        usual(move |line| {
            let again =
                line.starts_with("MAIL") && sent.swap(true, std::sync::atomic::Ordering::Relaxed);
            (again && number == 0).then_some(Some("421 4.7.0 one mail a connection\r\n"))
        })
    });
    let mut server = fake.open(Security::None).expect("a connection");
    for to in [ADA, BOB] {
        assert_eq!(
            send(&mut server, to),
            Outcome::Accepted("250 2.0.0 ok".into())
        );
    }
}

#[test]
fn a_server_that_answers_before_it_is_asked_is_not_believed() {
    // The second `250` would be taken for the answer to RCPT, and so on, until a refusal looks like success.
    let fake = Fake::start(false, |_| {
        usual(|line| {
            line.starts_with("MAIL")
                .then_some(Some("250 ok\r\n250 ok\r\n"))
        })
    });
    let outcome = send(&mut fake.open(Security::None).expect("a connection"), ADA);
    assert!(
        matches!(&outcome, Outcome::Deferred(words) if words.contains("before it was asked")),
        "{outcome:?}"
    );
    assert!(!fake.heard().iter().any(|line| line.starts_with("DATA")));
}

#[test]
fn a_server_that_is_away_is_not_tried_for_every_letter() {
    let fake = Fake::start(false, |number| {
        usual(move |line| match number {
            0 => line.starts_with("RCPT").then_some(None),
            _ => Some(None),
        })
    });
    let mut server = fake.open(Security::None).expect("a connection");
    assert!(matches!(send(&mut server, ADA), Outcome::Deferred(_)));
    for _ in 0..2 {
        let error = try_send(&mut server, BOB).expect_err("nobody is there any more");
        assert!(
            matches!(&error, PostError::NoneLeft(words) if words.contains("localhost")),
            "{error}"
        );
    }
}

/// A server that offers PIPELINING and says nothing until it has heard all three commands.
fn pipelining(
    answers: [&'static str; 3],
) -> impl Fn(&str) -> Option<Option<&'static str>> + Clone + Send + 'static {
    let whole: &'static str = answers
        .map(|answer| format!("{answer}\r\n"))
        .concat()
        .leak();
    move |line| match line.split([' ', ':']).next().unwrap_or_default() {
        "EHLO" => Some(Some("250-fake\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n")),
        "MAIL" | "RCPT" => Some(Some("")),
        "DATA" => Some(Some(whole)),
        _ => None,
    }
}

#[test]
fn of_a_pipelined_group_every_answer_counts() {
    let well = "250 ok";
    let refused = |words: &str| Outcome::Failed(words.into());
    let later = |words: &str| Outcome::Deferred(words.into());
    let sender = |words: &str| Outcome::Deferred(format!("the sender is refused: {words}"));
    for (answers, outcome, then) in [
        (
            [well, well, "354 go on"],
            Outcome::Accepted("250 2.0.0 ok".into()),
            "message",
        ),
        (
            [well, "550 5.1.1 no", "503 5.5.1 no recipients"],
            refused("550 5.1.1 no"),
            "RSET",
        ),
        (
            [well, "450 4.2.1 greylisted", "554 5.5.1 no recipients"],
            later("450 4.2.1 greylisted"),
            "RSET",
        ),
        (
            [well, well, "451 4.3.0 later"],
            later("451 4.3.0 later"),
            "RSET",
        ),
        (
            [well, well, "554 5.7.1 never"],
            refused("554 5.7.1 never"),
            "RSET",
        ),
        (
            ["550 5.7.1 not you", "503 first MAIL", "503 first MAIL"],
            sender("550 5.7.1 not you"),
            "RSET",
        ),
        (
            ["451 4.3.0 later", "503 first MAIL", "503 first MAIL"],
            later("451 4.3.0 later"),
            "RSET",
        ),
        // It waits for a message to nobody: that gets not even an empty one.
        (
            [well, "550 5.1.1 no", "354 go on"],
            refused("550 5.1.1 no"),
            "nothing",
        ),
        (
            [well, "450 4.2.1 later", "354 go on"],
            later("450 4.2.1 later"),
            "nothing",
        ),
        (
            ["550 5.7.1 not you", well, "354 go on"],
            sender("550 5.7.1 not you"),
            "nothing",
        ),
        // Answers that nobody knows.
        (
            [well, "252 perhaps", "354 go on"],
            later("unexpected answer: 252 perhaps"),
            "nothing",
        ),
        (
            [well, well, "250 ok"],
            later("unexpected answer: 250 ok"),
            "nothing",
        ),
        (
            [well, "421 4.3.2 closing", "354 go on"],
            later("421 4.3.2 closing"),
            "nothing",
        ),
        (
            [well, "550 5.1.1 no", "421 4.3.2 closing"],
            refused("550 5.1.1 no"),
            "nothing",
        ),
    ] {
        let fake = Fake::start(false, move |_| usual(pipelining(answers)));
        let mut server = fake.open(Security::None).expect("a connection");
        assert_eq!(send(&mut server, ADA), outcome, "{answers:?}");
        assert_eq!(
            server.connection.is_some(),
            then != "nothing",
            "{answers:?}"
        );
        std::mem::drop(server);
        let heard = fake.heard();
        let after = heard.get(5).map_or("nothing", |line| {
            if line.starts_with("Subject") {
                "message"
            } else {
                line
            }
        });
        assert_eq!(after, then, "{answers:?}: {heard:?}");
    }
}

#[test]
fn recipients_that_nobody_knows_do_not_close_a_server_that_waits_for_a_message_all_the_same() {
    let waits = pipelining(["250 ok", "550 5.1.1 no such user", "354 go on"]);
    let fake = Fake::start(false, move |number| {
        let fine = pipelining(["250 ok", "250 ok", "354 go on"]);
        let (refuses, waits) = (number < 2 * TRIES as usize, waits.clone());
        usual(move |line| if refuses { waits(line) } else { fine(line) })
    });
    let mut server = fake.open(Security::None).expect("a connection");
    for _ in 0..2 * TRIES {
        assert_eq!(
            send(&mut server, ADA),
            Outcome::Failed("550 5.1.1 no such user".into())
        );
    }
    assert_eq!(
        send(&mut server, BOB),
        Outcome::Accepted("250 2.0.0 ok".into())
    );
}

#[test]
fn a_pipelined_group_on_a_stale_connection_is_said_again_on_a_fresh_one() {
    let fake = Fake::start(false, |number| {
        let sent = std::sync::atomic::AtomicBool::new(false);
        let offers = pipelining(["250 ok", "250 ok", "354 go on"]);
        usual(move |line| match line {
            _ if line.starts_with("MAIL")
                && number == 0
                && sent.swap(true, std::sync::atomic::Ordering::Relaxed) =>
            {
                Some(Some("421 4.7.0 one mail a connection\r\n"))
            }
            _ => offers(line),
        })
    });
    let mut server = fake.open(Security::None).expect("a connection");
    for to in [ADA, BOB] {
        assert_eq!(
            send(&mut server, to),
            Outcome::Accepted("250 2.0.0 ok".into())
        );
    }
}

/// Sends to all of them, each with the next one known.
fn send_in_a_row(server: &mut Server, to: &[&str]) -> Vec<Outcome> {
    let (letter, sender) = (letter(), bounces());
    let addresses: Vec<Address> = to.iter().map(|to| the(to)).collect();
    let parcel = |to: &Address| Parcel::new(&letter, Some(&sender), to).expect("a parcel");
    let parcels: Vec<Parcel<'_>> = addresses.iter().map(parcel).collect();
    let next = |at: usize| parcels.get(at + 1);
    let send = |(at, parcel)| {
        server
            .send_before(parcel, next(at))
            .expect("outcomes, not errors")
    };
    parcels.iter().enumerate().map(send).collect()
}

/// As [`usual`], but it offers PIPELINING; `odd` is asked with the number of the message, which the first MAIL begins.
fn ahead(odd: impl Fn(usize, &str) -> Option<Option<&'static str>> + Send + 'static) -> Script {
    let mut number = 0;
    let counted = Mutex::new(move |line: &str| {
        number += usize::from(line.starts_with("MAIL"));
        match odd(number, line) {
            None if line.starts_with("EHLO") => Some(Some("250-fake\r\n250 PIPELINING\r\n")),
            other => other,
        }
    });
    usual(move |line| counted.lock().expect("no panic")(line))
}

#[test]
fn the_next_envelope_travels_with_a_message_and_hands_nothing_over() {
    let ok = || Outcome::Accepted("250 2.0.0 ok".into());
    let lost = || Outcome::Unknown("lost".into());
    type Odd = fn(usize, &str) -> Option<Option<&'static str>>;
    let stories: [(&str, Odd, [Outcome; 3], usize); 9] = [
        ("all is well", |_, _| None, [ok(), ok(), ok()], 1),
        (
            "the second recipient is refused",
            |_, line| line.contains("TO:<bob").then_some(Some("550 5.1.1 no\r\n")),
            // It waits for a message all the same, and gets none.
            [ok(), Outcome::Failed("550 5.1.1 no".into()), ok()],
            2,
        ),
        (
            "the first message is refused, and the next envelope taken",
            |number, line| (number == 1 && line == "message").then_some(Some("554 5.7.1 spam\r\n")),
            [Outcome::Failed("554 5.7.1 spam".into()), ok(), ok()],
            1,
        ),
        (
            "the first message is refused, and the next envelope too",
            |number, line| match line {
                "message" if number == 1 => Some(Some("451 4.7.1 later\r\n")),
                _ if number == 2 && line.starts_with("MAIL") => Some(Some("451 4.7.1 later\r\n")),
                "DATA" if number == 2 => Some(Some("503 5.5.1 first MAIL\r\n")),
                _ => None,
            },
            [
                Outcome::Deferred("451 4.7.1 later".into()),
                Outcome::Deferred("451 4.7.1 later".into()),
                ok(),
            ],
            1,
        ),
        (
            "who knows how much of the refused message was read",
            |number, line| match line {
                "message" if number == 1 => Some(Some("554 5.7.1 spam\r\n")),
                _ if number == 2 && line.starts_with("RCPT") => Some(Some("500 5.5.2 what?\r\n")),
                "DATA" if number == 2 => Some(Some("500 5.5.2 what?\r\n")),
                "RSET" => Some(Some("500 5.5.2 what?\r\n")),
                _ => None,
            },
            [Outcome::Failed("554 5.7.1 spam".into()), ok(), ok()],
            2,
        ),
        (
            "one message a connection",
            |number, line| {
                (number == 2 && line.starts_with("MAIL")).then_some(Some("421 4.7.0 enough\r\n"))
            },
            [ok(), ok(), ok()],
            2,
        ),
        (
            "the line goes dead after the dot",
            |number, line| (number == 1 && line == "message").then_some(None),
            [lost(), ok(), ok()],
            2,
        ),
        (
            "an answer too many",
            |number, line| {
                (number == 1 && line == "message")
                    .then_some(Some("250 2.0.0 ok\r\n250 2.0.0 ok\r\n"))
            },
            [ok(), ok(), ok()],
            2,
        ),
        (
            "a refusal too many",
            |number, line| {
                (number == 1 && line == "message")
                    .then_some(Some("250 2.0.0 ok\r\n550 5.1.1 no\r\n"))
            },
            [ok(), ok(), ok()],
            2,
        ),
    ];
    for (story, odd, outcomes, connections) in stories {
        let opened = Arc::new(AtomicUsize::new(0));
        let calls = opened.clone();
        let fake = Fake::start(false, move |connection| {
            calls.fetch_add(1, Ordering::SeqCst);
            ahead(move |number, line| {
                if connection == 0 {
                    odd(number, line)
                } else {
                    None
                }
            })
        });
        let mut server = fake.open(Security::None).expect("a connection");
        let found = send_in_a_row(&mut server, &[ADA, BOB, ADA])
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Unknown(_) => lost(), // in the system's words
                other => other,
            });
        assert_eq!(found.collect::<Vec<_>>(), outcomes, "{story}");
        assert_eq!(
            (opened.load(Ordering::SeqCst), &server.served()[0].trouble),
            (connections, &None),
            "{story}"
        );
        drop(server);
        let heard = fake.heard();
        let messages = heard
            .iter()
            .filter(|line| line.starts_with("Subject"))
            .count();
        let refused_early = outcomes
            .iter()
            .filter(|outcome| matches!(outcome.words(), "550 5.1.1 no"))
            .count();
        let deferred_early = usize::from(story.ends_with("and the next envelope too"));
        assert_eq!(
            messages,
            3 - refused_early - deferred_early,
            "{story}: no message is said twice: {heard:?}"
        );
    }

    // What was said ahead is not another's: nothing is handed over on that connection any more.
    let fake = Fake::start(false, |_| ahead(|_, _| None));
    let mut server = fake.open(Security::None).expect("a connection");
    let (letter, sender) = (letter(), bounces());
    let [ada, bob]: [Address; 2] = [ADA, BOB].map(the);
    let [to_ada, to_bob] =
        [&ada, &bob].map(|to| Parcel::new(&letter, Some(&sender), to).expect("a parcel"));
    assert_eq!(
        server
            .send_before(&to_ada, Some(&to_bob))
            .expect("an outcome"),
        ok()
    );
    assert_eq!(server.send(&to_ada).expect("an outcome"), ok());
    drop(server);
    let heard = fake.heard();
    assert_eq!(
        heard.iter().filter(|line| line.starts_with("EHLO")).count(),
        4,
        "two connections"
    );
    let second = heard.iter().skip(
        heard
            .iter()
            .rposition(|line| line.starts_with("EHLO"))
            .expect("one")
            + 1,
    );
    // (the DATA that was said ahead on the first connection may be heard late)
    let second: Vec<&str> = second
        .map(|line| &line[..4])
        .filter(|word| *word != "DATA")
        .collect();
    assert_eq!(second, ["MAIL", "RCPT", "Subj", "QUIT"]);
    let messages = heard.iter().filter(|line| line.starts_with("Subj")).count();
    assert_eq!(
        (
            messages,
            heard.iter().filter(|line| line.contains("TO:<bob")).count()
        ),
        (2, 1),
        "{heard:?}"
    );
}

/// A server that says this when it is called, and hangs up if that is nothing.
fn grumpy(words: Option<&'static str>) -> Fake {
    Fake::start(false, move |_| {
        usual(move |line| (line == "connect").then_some(words))
    })
}

#[test]
fn the_next_server_is_used_when_one_cannot_be() {
    let good = Fake::start(false, |_| usual(|_| None));
    let login = Fake::start(true, |_| {
        usual(|line| line.starts_with("AUTH").then_some(Some("535 5.7.8 no\r\n")))
    });
    let without_tls = Fake::start(false, |_| {
        usual(|line| line.starts_with("EHLO").then_some(Some("250 fake\r\n")))
    });
    let away = Smtp {
        port: 9,
        ..good.settings(Security::None)
    };
    let all = [
        (away, "cannot reach"),
        (grumpy(None).settings(Security::None), "cannot reach"),
        (
            grumpy(Some("")).settings(Security::None),
            "no greeting in time",
        ),
        (
            grumpy(Some("")).settings(Security::StartTls),
            "no answer in time",
        ),
        (
            grumpy(Some("554 5.3.2 go away\r\n")).settings(Security::None),
            "554 5.3.2 go away",
        ),
        (
            without_tls.settings(Security::StartTls),
            "does not offer STARTTLS",
        ),
        (
            Smtp {
                host: "127.0.0.1".into(),
                ..login.settings(Security::Tls)
            },
            "TLS failed",
        ),
        (
            Smtp {
                user: Some("advise".into()),
                ..login.settings(Security::Tls)
            },
            "535 5.7.8 no",
        ),
    ];
    let mut settings: Vec<Smtp> = all.iter().map(|(settings, _)| settings.clone()).collect();
    settings.push(good.settings(Security::None));
    let relays = relays(&login, &settings, Some("secret")).expect("all of them are guarded");
    let mut server = first_of(&relays).expect("the last one");
    assert_eq!(
        send(&mut server, ADA),
        Outcome::Accepted("250 2.0.0 ok".into())
    );
    let served = server.served();
    for (served, (_, why)) in served.iter().zip(&all) {
        let trouble = served.trouble.as_deref().unwrap_or_default();
        assert!(
            served.taken == 0 && trouble.contains(why),
            "{trouble:?}, not {why}"
        );
    }
    assert_eq!(
        (served[all.len()].taken, &served[all.len()].trouble),
        (1, &None)
    );
    for fake in [&login, &without_tls] {
        assert!(!fake.heard().iter().any(|line| line.starts_with("MAIL")));
    }

    // No server is a way around the rule for the others.
    settings.insert(
        0,
        Smtp {
            host: "mail.example.org".into(),
            ..good.settings(Security::None)
        },
    );
    assert!(matches!(
        super::tests::relays(&login, &settings, Some("secret")),
        Err(PostError::Unguarded { .. })
    ));
}

#[test]
fn the_next_server_is_used_in_the_middle_of_a_run() {
    let first = Fake::start(false, |number| match number {
        0 => usual(|line| (line == "RCPT TO:<bob@uni.example.org>").then_some(None)),
        _ => usual(|_| Some(None)),
    });
    let second = Fake::start(false, |_| usual(|_| None));
    let settings = [
        first.settings(Security::None),
        second.settings(Security::None),
    ];
    let relays = relays(&first, &settings, None).expect("guarded");
    let mut server = first_of(&relays).expect("the first one");
    assert_eq!(
        send(&mut server, ADA),
        Outcome::Accepted("250 2.0.0 ok".into())
    );
    assert!(
        matches!(send(&mut server, BOB), Outcome::Deferred(_)),
        "who knows what it made of that"
    );
    for _ in 0..2 {
        assert_eq!(
            send(&mut server, BOB),
            Outcome::Accepted("250 2.0.0 ok".into())
        );
    }
    assert_eq!(
        server
            .served()
            .iter()
            .map(|served| served.taken)
            .collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn a_server_that_takes_no_more_connections_keeps_those_it_has() {
    let ((reached, has_reached), (go_on, may_go_on)) = (mpsc::channel(), mpsc::channel());
    let gate = Arc::new(Mutex::new((reached, may_go_on)));
    let fake = Fake::start(false, move |number| {
        let gate = gate.clone();
        usual(move |line| match line {
            "connect" if number > 0 => Some(Some("421 4.7.0 too many connections\r\n")),
            "message" => {
                let (reached, may_go_on) = &*gate.lock().expect("the gate");
                reached.send(()).expect("the test waits");
                may_go_on.recv().expect("the test goes on");
                None
            }
            _ => None,
        })
    });
    let mut relays = relays(&fake, &[fake.settings(Security::None)], None).expect("guarded");
    Arc::get_mut(&mut relays)
        .expect("nobody else has it yet")
        .limits
        .message = Duration::from_secs(60);
    let (mut first, mut second) = (
        first_of(&relays).expect("a connection"),
        Server::new(&relays),
    );
    let enough = |error: PostError| matches!(&error, PostError::Unreachable { why, .. } if why.contains("too many"));
    assert!(
        enough(try_send(&mut second, BOB).expect_err("one is enough for it")),
        "while the other is idle"
    );
    thread::scope(|scope| {
        let sent = scope.spawn(|| send(&mut first, ADA));
        has_reached.recv().expect("a message");
        let error = try_send(&mut second, BOB).expect_err("one is enough for it");
        go_on.send(()).expect("the server waits");
        assert!(enough(error), "while the other is in use");
        assert_eq!(
            sent.join().expect("an outcome"),
            Outcome::Accepted("250 2.0.0 ok".into())
        );
    });
    go_on.send(()).expect("the server waits");
    assert_eq!(
        send(&mut first, BOB),
        Outcome::Accepted("250 2.0.0 ok".into())
    );

    // The last connection gone, there is nobody left for whom to keep the server.
    drop(first);
    assert!(matches!(
        try_send(&mut second, BOB),
        Err(PostError::NoneLeft(_))
    ));
}

#[test]
fn letters_travel_inside_tls_and_the_login_too() {
    for (tls, security) in [(false, Security::StartTls), (true, Security::Tls)] {
        let fake = Fake::start(tls, |_| usual(|_| None));
        let settings = Smtp {
            user: Some("advise".into()),
            ..fake.settings(security)
        };
        let mut server = fake
            .open_with(settings.clone(), Some("secret"))
            .expect("a connection");
        assert_eq!(
            send(&mut server, ADA),
            Outcome::Accepted("250 2.0.0 ok".into())
        );
        let heard = fake.heard();
        let login = heard
            .iter()
            .position(|line| line == "AUTH PLAIN AGFkdmlzZQBzZWNyZXQ=")
            .expect("a login");
        let handshake = heard.iter().position(|line| line == "STARTTLS");
        assert!(handshake.is_none_or(|handshake| handshake < login) && handshake.is_some() != tls);
        assert!(
            matches!(fake.open_with(settings, None), Err(PostError::Login { .. })),
            "a user without a password"
        );
    }
}

#[test]
fn a_refused_login_sends_nothing() {
    let refuse = |line: &str| line.starts_with("AUTH").then_some(Some("535 5.7.8 no\r\n"));
    let fake = Fake::start(true, move |_| usual(refuse));
    let settings = Smtp {
        user: Some("advise".into()),
        ..fake.settings(Security::Tls)
    };
    match fake.open_with(settings, Some("wrong")).map(|_| ()) {
        Err(PostError::Login { why, .. }) => assert_eq!(why, "535 5.7.8 no"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_without_starttls_or_with_an_unknown_certificate_gets_nothing() {
    let fake = Fake::start(false, |_| {
        usual(|line| {
            line.starts_with("EHLO")
                .then_some(Some("250-fake\r\n250 DSN\r\n"))
        })
    });
    assert!(matches!(
        fake.open(Security::StartTls),
        Err(PostError::NoTls { .. })
    ));

    for (tls, security) in [(false, Security::StartTls), (true, Security::Tls)] {
        let fake = Fake::start(tls, |_| usual(|_| None));
        let unknown = Smtp {
            ca_file: None,
            ..fake.settings(security)
        };
        assert!(matches!(
            fake.open_with(unknown, None),
            Err(PostError::Unreachable { .. })
        ));
        let other_name = Smtp {
            host: "127.0.0.1".into(),
            ..fake.settings(security)
        };
        assert!(matches!(
            fake.open_with(other_name, None),
            Err(PostError::Unreachable { .. })
        ));
        assert!(!fake.heard().iter().any(|line| line.starts_with("MAIL")));
    }
    let far = Smtp {
        host: "mail.example.org".into(),
        ..fake.settings(Security::None)
    };
    assert!(matches!(
        fake.open_with(far, None),
        Err(PostError::Unguarded { .. })
    ));
}

#[test]
fn what_follows_the_answer_to_starttls_in_plain_text_is_an_attack() {
    let injected = "220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n";
    let fake = Fake::start(false, move |_| {
        usual(move |line| (line == "STARTTLS").then_some(Some(injected)))
    });
    match fake.open(Security::StartTls).map(|_| ()) {
        Err(PostError::Unreachable { why, .. }) => {
            assert!(why.contains("plain text follows"), "{why}")
        }
        other => panic!("{other:?}"),
    }
}
