//! A server that refuses, lies, hangs up or says foul things; then one that is well again. The end is the same.
//!
//! Where nothing may be sent (no TLS, a wrong certificate, words slipped in before TLS, a login that is refused), the
//! server hears of no mail at all.

use crate::harness::{
    authority::Shown,
    crowd::{Crowd, Place, SMALL, Verdict, arrived, smtp},
    smtp_server::{Act, Event, Manner, OFFERS, Server, Step, good},
    wait_until,
};
use std::{fs, sync::Arc, time::Duration};

fn always(step: Step, act: Act) -> Manner {
    Arc::new(move |event: &Event<'_>| if event.step == step { act } else { Act::Usual })
}

/// At the second time: the first letter is through by then.
fn once(step: Step, act: Act) -> Manner {
    Arc::new(move |event: &Event<'_>| {
        if event.step == step && event.number == 2 {
            act
        } else {
            Act::Usual
        }
    })
}

fn to(recipient: &'static str, act: Act) -> Manner {
    Arc::new(move |event: &Event<'_>| {
        if event.step == Step::Rcpt && event.recipient == recipient {
            act
        } else {
            Act::Usual
        }
    })
}

/// The server is well again, the program runs until it is done, and everybody has what is owed.
fn heals(crowd: &Crowd, server: &Server, place: &Place, story: &str) -> Verdict {
    server.behaves(good());
    server.shows(Shown::Right);
    server.offers(&OFFERS);
    place.heal(story);
    crowd.judge(place, &arrived(&server.taken()), story)
}

// ---- the post is closed: nothing is sent

/// The first run ends with 2 and these words; nothing was heard of any mail, and the site is not switched.
fn closed(crowd: &Crowd, server: &Server, story: &str, words: &str) {
    let place = crowd.copy();
    server.forget();
    closed_at(crowd, server, &place, story, words);
}

fn closed_at(crowd: &Crowd, server: &Server, place: &Place, story: &str, words: &str) {
    let run = place.run();
    assert!(
        run.code == Some(2) && run.stderr.contains(words),
        "{story}: {:?}: {}",
        run.code,
        run.stderr
    );
    assert!(
        run.stderr.contains(&format!("localhost:{}", server.port))
            || run.stderr.contains("`localhost`"),
        "{}",
        run.stderr
    );
    assert!(
        !run.stderr.contains(|c: char| c.is_control() && c != '\n'),
        "{story}: {:?}",
        run.stderr
    );
    let heard = server.heard();
    let mail = |line: &String| {
        ["MAIL", "RCPT", "DATA", "(a message"]
            .iter()
            .any(|word| line.to_ascii_uppercase().starts_with(word))
    };
    assert!(
        !heard.iter().any(mail) && server.taken().is_empty(),
        "{story}: {heard:?}"
    );
    assert!(
        !place.root().join("public").exists(),
        "{story}: the site is switched"
    );
    let verdict = heals(crowd, server, place, story);
    assert_eq!(
        (verdict.mails, verdict.marked),
        (crowd.mails(), 0),
        "{story}"
    );
}

#[test]
fn without_tls_to_the_right_server_nothing_is_sent() {
    let server = Server::start();
    let crowd = Crowd::for_server(SMALL, &server, "starttls", "");
    let stories: [(&str, Manner, &str); 7] = [
        (
            "STARTTLS is refused",
            always(Step::StartTls, Act::Say("454 4.7.0 not now\r\n")),
            "454",
        ),
        (
            "STARTTLS is unknown",
            always(Step::StartTls, Act::Say("502 5.5.1 what?\r\n")),
            "502",
        ),
        (
            "the line goes dead at STARTTLS",
            always(Step::StartTls, Act::HangUp),
            "cannot reach the mail server",
        ),
        (
            "an answer is slipped in before TLS",
            always(Step::StartTls, Act::Say("220 ok\r\n250 injected\r\n")),
            "plain text follows the answer to STARTTLS",
        ),
        (
            "extensions are slipped in before TLS",
            always(
                Step::StartTls,
                Act::Say("220 ok\r\n250-mail.example.test\r\n250 SIZE 1\r\n"),
            ),
            "plain text follows the answer to STARTTLS",
        ),
        (
            "there is no TLS after the 220",
            always(Step::StartTls, Act::SayAndHangUp("220 ok\r\n")),
            "cannot reach the mail server",
        ),
        (
            "EHLO is refused",
            always(Step::Ehlo, Act::Say("550 5.7.1 go away\r\n")),
            "550 5.7.1 go away",
        ),
    ];
    for (story, manner, words) in stories {
        server.behaves(manner);
        closed(&crowd, &server, story, words);
    }
    server.offers(&OFFERS[..4]);
    closed(
        &crowd,
        &server,
        "no STARTTLS is offered",
        "does not offer STARTTLS, and nothing is sent without TLS",
    );
}

#[test]
fn to_a_server_with_a_wrong_certificate_nothing_is_sent() {
    for (server, security) in [
        (Server::start(), "starttls"),
        (Server::start_with_tls(), "tls"),
    ] {
        let crowd = Crowd::for_server(SMALL, &server, security, "");
        for (shown, words) in [
            (Shown::OfAnother, "hostname mismatch"),
            (Shown::OfNobody, "certificate verify failed"),
            (Shown::Expired, "expired"),
        ] {
            server.shows(shown);
            closed(&crowd, &server, &format!("{security}: {shown:?}"), words);
        }
    }
}

#[test]
fn a_server_that_does_not_let_us_in_stops_the_run() {
    let server = Server::start();
    let crowd = Crowd::for_server(SMALL, &server, "none", "");
    let stories: [(&str, Manner, &str); 10] = [
        (
            "it closes every connection",
            always(Step::Connect, Act::HangUp),
            "cannot reach",
        ),
        (
            "it is shutting down",
            always(
                Step::Connect,
                Act::SayAndHangUp("421 4.3.2 shutting down\r\n"),
            ),
            "421 4.3.2 shutting down",
        ),
        (
            "it wants no mail",
            always(Step::Connect, Act::Say("554 5.3.2 no mail here\r\n")),
            "554 5.3.2 no mail here",
        ),
        (
            "it would clear the screen",
            always(Step::Connect, Act::Say("554 5.3.2 \u{1b}[2J no\r\n")),
            "554 5.3.2 \u{fffd}[2J no",
        ),
        (
            "it is a web server",
            always(
                Step::Connect,
                Act::SayAndHangUp("HTTP/1.0 400 Bad Request\r\n\r\n"),
            ),
            "cannot reach",
        ),
        (
            "it sends rubbish",
            always(Step::Connect, Act::SayAndHangUp("\u{fffd}\0\u{1b}[31m\r\n")),
            "cannot reach",
        ),
        (
            "its greeting breaks off",
            always(Step::Connect, Act::SayAndHangUp("22")),
            "cannot reach",
        ),
        (
            "it closes at EHLO",
            always(Step::Ehlo, Act::HangUp),
            "cannot reach",
        ),
        (
            "its offers break off",
            always(
                Step::Ehlo,
                Act::SayAndHangUp("250-mail.example.test\r\n250-PIPE"),
            ),
            "cannot reach",
        ),
        (
            "it is busy at EHLO",
            always(Step::Ehlo, Act::Say("421 4.3.2 busy\r\n")),
            "421 4.3.2 busy",
        ),
    ];
    for (story, manner, words) in stories {
        server.behaves(manner);
        closed(&crowd, &server, story, words);
    }
    // Nobody listens there at all.
    let place = crowd.copy();
    let settings = fs::read_to_string(place.root().join("advise.yaml")).expect("settings");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|one| one.local_addr())
        .expect("a port")
        .port();
    let away = settings.replace(&smtp(server.port, "none", ""), &smtp(nobody, "none", ""));
    assert_ne!(away, settings);
    fs::write(place.root().join("advise.yaml"), away).expect("written");
    let run = place.run();
    let words =
        format!("error: cannot reach the mail server `localhost:{nobody}`: Connection refused");
    assert!(
        run.code == Some(2) && run.stderr.contains(&words),
        "{}",
        run.stderr
    );
}

#[test]
fn a_refused_login_sends_nothing_and_tells_no_password() {
    const WORD: &str = "correct horse battery staple";
    let server = Server::start();
    server.wants_login("advise", WORD);
    let crowd = Crowd::for_server(
        SMALL,
        &server,
        "starttls",
        ", user: advise, password_command: cat .advise/word",
    );
    let word = |place: &Place, word: &str| {
        fs::write(place.root().join(".advise/word"), format!("{word}\n")).expect("written")
    };
    let refused = [
        (
            "a wrong password",
            good(),
            "an old pass phrase",
            "refuses the login: 535",
        ),
        (
            "the line goes dead at AUTH",
            always(Step::Auth, Act::HangUp),
            WORD,
            "refuses the login",
        ),
        (
            "the login is busy",
            always(Step::Auth, Act::Say("454 4.7.0 later\r\n")),
            WORD,
            "refuses the login: 454",
        ),
    ];
    for (story, manner, given, words) in refused {
        let place = crowd.copy();
        server.forget();
        server.behaves(manner);
        word(&place, given);
        let run = place.run();
        assert!(
            run.code == Some(2) && run.stderr.contains(words),
            "{story}: {}",
            run.stderr
        );
        assert!(
            !run.stderr.contains(given)
                && !run
                    .stderr
                    .contains(&openssl::base64::encode_block(given.as_bytes())),
            "{story}"
        );
        assert!(
            !server.heard().iter().any(|line| line.starts_with("MAIL"))
                && server.taken().is_empty(),
            "{story}"
        );
        word(&place, WORD);
        let verdict = heals(&crowd, &server, &place, story);
        assert_eq!(
            (verdict.mails, verdict.marked),
            (crowd.mails(), 0),
            "{story}"
        );
        assert!(server.taken().iter().all(|mail| mail.inside_tls));
    }
    // The password is said inside TLS only: without it there is no login, and no mail.
    let place = crowd.copy();
    word(&place, WORD);
    server.forget();
    server.offers(&OFFERS[..4]);
    assert_eq!(place.run().code, Some(2));
    assert!(
        !server.heard().iter().any(|line| line.starts_with("AUTH")),
        "{:?}",
        server.heard()
    );
}

// ---- some letters do not get through

/// How many copies may have come twice.
enum Doubt {
    /// None; nothing is marked.
    None,
    /// One, and it did not arrive the first time.
    One,
    /// One perhaps: the server left in the middle, and the client may have handed over the whole by then.
    Perhaps,
    /// One, and it did.
    OneTwice,
    /// None of a letter, and one notice: it says nothing that a member could miss, so it is not sent a second time.
    OfTheNotice,
}

fn disturbed(stories: Vec<(String, Manner, Doubt)>) {
    let server = Server::start();
    let crowd = Crowd::for_server(SMALL, &server, "none", "");
    for (story, manner, doubt) in stories {
        let place = crowd.copy_for_mail();
        server.forget();
        server.behaves(manner);
        let run = place.run();
        // Some were sent, or at least the site is out: never 2. A connection that is replaced in time disturbs nobody.
        assert!(
            matches!(run.code, Some(1 | 3)),
            "{story}: {:?}: {}",
            run.code,
            run.stderr
        );
        assert!(!run.stderr.contains("panicked"), "{story}: {}", run.stderr);
        let says_how = ["run `advise publish` again", "only if its id is named"]
            .iter()
            .any(|words| run.stderr.contains(words));
        assert_eq!(run.code == Some(3), says_how, "{story}: {}", run.stderr);
        let verdict = heals(&crowd, &server, &place, &story);
        let seen = (verdict.marked, verdict.twice, verdict.in_doubt);
        let right = match doubt {
            Doubt::None => seen == (0, 0, 0),
            Doubt::One => seen == (1, 0, 0),
            // (of a letter or of the notice, whichever came second)
            Doubt::Perhaps => matches!(seen, (0, 0, 0) | (1, 0, 0) | (0, 0, 1)),
            Doubt::OneTwice => seen == (1, 1, 0),
            Doubt::OfTheNotice => seen == (0, 0, 1),
        };
        assert!(
            right,
            "{story}: (marked, twice, notices in doubt) = {seen:?}"
        );
        place.ledger_is_whole(&story);
    }
}

#[test]
fn refusals_and_broken_connections_before_the_message_lose_and_double_nothing() {
    let mut stories = Vec::new();
    for step in [Step::Mail, Step::Rcpt, Step::Data] {
        for (how, act) in [
            ("closes", Act::HangUp),
            ("answers and closes", Act::UsualAndHangUp),
            ("says 421", Act::SayAndHangUp("421 4.3.2 shutting down\r\n")),
            ("says 451", Act::Say("451 4.3.0 try later\r\n")),
            ("says rubbish", Act::Say("\u{fffd}\0what\r\n")),
            ("says half of an answer", Act::SayAndHangUp("25")),
            (
                "begins a long answer",
                Act::SayAndHangUp("250-one\r\n250-tw"),
            ),
            // A second answer is none to the next command.
            ("says too much", Act::Say("250 ok\r\n250 and more\r\n")),
            ("says 354 too early", Act::Say("250 ok\r\n354 go on\r\n")),
        ] {
            // Who may go on has perhaps handed over the whole before it sees the end.
            let goes_on = step == Step::Data && matches!(act, Act::UsualAndHangUp);
            let doubt = if goes_on { Doubt::Perhaps } else { Doubt::None };
            stories.push((format!("{step:?} {how}"), once(step, act), doubt));
        }
    }
    stories.push((
        "all MAIL are refused".into(),
        always(Step::Mail, Act::Say("550 5.7.1 not you\r\n")),
        Doubt::None,
    ));
    stories.push((
        "all DATA are refused".into(),
        always(Step::Data, Act::Say("450 4.2.0 later\r\n")),
        Doubt::None,
    ));
    disturbed(stories);
}

#[test]
fn what_breaks_in_or_after_the_message_is_settled_by_the_next_run() {
    let after_the_dot = |recipient: &'static str, act| -> Manner {
        Arc::new(move |event: &Event<'_>| {
            match event.step == Step::Dot && event.recipient == recipient {
                true => act,
                false => Act::Usual,
            }
        })
    };
    let dot = |how: &str, act, doubt| {
        (
            format!("after the dot the server {how}"),
            after_the_dot("open0@crowd.example.org", act),
            doubt,
        )
    };
    let notice = |how: &str, act| {
        (
            format!("after the dot of a notice the server {how}"),
            after_the_dot("held@crowd.example.org", act),
            Doubt::OfTheNotice,
        )
    };
    disturbed(vec![
        (
            "the message breaks off".into(),
            once(Step::Middle, Act::HangUp),
            Doubt::Perhaps,
        ),
        (
            "421 in the message".into(),
            once(
                Step::Middle,
                Act::SayAndHangUp("421 4.3.2 shutting down\r\n"),
            ),
            Doubt::Perhaps,
        ),
        (
            "250 before the dot".into(),
            once(
                Step::Data,
                Act::Say("354 go on\r\n250 2.0.0 queued already\r\n"),
            ),
            Doubt::None,
        ),
        dot("closes, and does not keep it", Act::HangUp, Doubt::One),
        dot(
            "closes, and has kept it",
            Act::KeepAndHangUp,
            Doubt::OneTwice,
        ),
        notice("closes, and has kept it", Act::KeepAndHangUp),
        notice("closes, and does not keep it", Act::HangUp),
        dot(
            "says half of an answer, and has not kept it",
            Act::SayAndHangUp("25"),
            Doubt::One,
        ),
        dot(
            "begins a long answer, and has not kept it",
            Act::SayAndHangUp("250-que"),
            Doubt::One,
        ),
        dot(
            "says rubbish, and has kept it",
            Act::KeepAndSay("\0\u{fffd}\r\n"),
            Doubt::OneTwice,
        ),
        dot(
            "says 354, and has kept it",
            Act::KeepAndSay("354 go on\r\n"),
            Doubt::OneTwice,
        ),
        dot(
            "says 421",
            Act::SayAndHangUp("421 4.3.2 shutting down\r\n"),
            Doubt::None,
        ),
        dot("says 452", Act::Say("452 4.3.1 no room\r\n"), Doubt::None),
        dot(
            "answers, and says more",
            Act::KeepAndSay("250 2.0.0 queued\r\n250 2.0.0 queued\r\n"),
            Doubt::None,
        ),
        dot("answers and closes", Act::UsualAndHangUp, Doubt::None),
        dot(
            "answers slowly",
            Act::Slowly(Duration::from_millis(40)),
            Doubt::None,
        ),
        (
            "the greeting comes slowly".into(),
            always(Step::Connect, Act::Slowly(Duration::from_millis(10))),
            Doubt::None,
        ),
    ]);
}

#[test]
fn a_refused_recipient_waits_alone_and_the_others_have_theirs() {
    let server = Server::start();
    let crowd = Crowd::for_server(SMALL, &server, "none", "");
    let who = "open0@crowd.example.org";
    for (answer, state) in [
        (
            "450 4.2.1 open0@crowd.example.org: mailbox busy\r\n",
            "deferred",
        ),
        (
            "550 5.1.1 <open0@crowd.example.org>: unknown user\r\n",
            "failed",
        ),
    ] {
        server.forget();
        server.behaves(to(who, Act::Say(answer)));
        let place = crowd.copy();
        let run = place.run();
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(
            run.stderr.contains(&format!("1 {state}")) && run.stderr.contains("`advise status`"),
            "{}",
            run.stderr
        );
        assert_eq!(server.taken().len(), crowd.mails() - 1);
        let status = place.status();
        let row = status["deliveries"]
            .as_array()
            .and_then(|rows| rows.iter().find(|row| row["address"] == who))
            .expect("a row");
        assert_eq!(row["state"], state);
        // The server's words, but not the address in them.
        let reply = row["reply"].as_str().expect("words");
        assert!(
            reply.starts_with(&answer[..9]) && !reply.contains("open0"),
            "{reply}"
        );
        let verdict = heals(&crowd, &server, &place, answer);
        assert_eq!((verdict.mails, verdict.marked), (crowd.mails(), 0));
    }
}

#[test]
fn without_extensions_the_letters_go_all_the_same() {
    let server = Server::start();
    let crowd = Crowd::for_server(SMALL, &server, "none", "");
    for offers in [
        &[][..],
        &["PIPELINING"],
        &["SIZE", "DSN"],
        &["SIZE 0"],
        &["8BITMIME", "SMTPUTF8", "CHUNKING", "X-ODD =?"],
    ] {
        server.forget();
        server.offers(offers);
        let place = crowd.copy();
        let run = place.run();
        assert_eq!(run.code, Some(1), "{offers:?}: {}", run.stderr);
        let heard = server.heard();
        let says = |what: &str| {
            heard
                .iter()
                .any(|line| line.starts_with("MAIL") && line.contains(what))
        };
        assert_eq!(
            says(" SIZE="),
            offers.iter().any(|offer| offer.starts_with("SIZE")),
            "{heard:?}"
        );
        assert_eq!(says(" ENVID="), offers.contains(&"DSN"), "{heard:?}");
        let verdict = crowd.judge(&place, &arrived(&server.taken()), "few extensions");
        assert_eq!((verdict.mails, verdict.marked), (crowd.mails(), 0));
    }
}

// ---- two at once

#[test]
fn the_second_of_two_that_mail_says_who_is_at_work_and_sends_nothing() {
    let server = Server::start();
    let crowd = Crowd::for_server(SMALL, &server, "none", "");
    let place = crowd.copy();
    let go = place.beside("go");
    let gate = go.clone();
    server.behaves(Arc::new(move |event: &Event<'_>| {
        if event.step == Step::Dot && event.number == 2 {
            wait_until("the second run is over", || gate.exists());
        }
        Act::Usual
    }));
    let first = place.publish(&[]).spawn().expect("the program runs");
    let pid = first.id();
    wait_until("the first is in the middle of its letters", || {
        server.count(Step::Dot) >= 2
    });
    let run = place.run();
    let words = format!("error: process {pid} on `");
    assert!(
        run.code == Some(2) && run.stderr.contains(&words),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("is at work here since 2026-11-22T12:00:00Z"),
        "{}",
        run.stderr
    );
    fs::write(go, "").expect("written");
    assert_eq!(
        first.wait_with_output().expect("it ends").status.code(),
        Some(1)
    );
    let verdict = crowd.judge(&place, &arrived(&server.taken()), "two at once");
    assert_eq!((verdict.mails, verdict.marked), (crowd.mails(), 0));
}
