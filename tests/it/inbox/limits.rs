//! What is too large, too deep or too long is refused before it costs anything.

use crate::harness::work;
use advise::inbound::{Mail, Unreadable};
use std::time::Duration;

#[track_caller]
fn refused(bytes: Vec<u8>, why: Unreadable) {
    let (read, took) = work(|| Mail::read(bytes));
    assert_eq!(read.err(), Some(why));
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

#[test]
fn a_mail_of_50_megabytes_is_refused_at_once() {
    let mut mail = b"From: ada@uni.example.org\r\nSubject: large\r\n\r\n".to_vec();
    mail.resize(50_000_000, b'x');
    refused(mail, Unreadable::TooLarge);
}

#[test]
fn ten_thousand_parts_in_one_another_are_refused_at_once() {
    let mut multiparts = String::new();
    for n in 0..10_000 {
        multiparts.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"
        ));
    }
    refused(multiparts.into_bytes(), Unreadable::TooDeep);
    let mails = "Content-Type: message/rfc822\r\n\r\n".repeat(10_000);
    refused(mails.into_bytes(), Unreadable::TooDeep);
}

#[test]
fn ten_thousand_parts_beside_one_another_are_refused_at_once() {
    let mut mail = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_string();
    mail.push_str(&"--b\r\n\r\ntext\r\n".repeat(10_000));
    refused(mail.into_bytes(), Unreadable::TooManyParts);
}

#[test]
fn a_hundred_thousand_header_lines_are_refused_at_once() {
    refused(
        "X-Line: long\r\n".repeat(100_000).into_bytes(),
        Unreadable::TooManyHeaderLines,
    );
    refused(
        format!("X-Line: long\r\n{}\r\n", " folded\r\n".repeat(100_000)).into_bytes(),
        Unreadable::TooManyHeaderLines,
    );
    let inside = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{}\r\n",
        "X-Line: long\r\n".repeat(100_000)
    );
    refused(inside.into_bytes(), Unreadable::TooManyHeaderLines);
}

/// What is within the limits and made to be slow.
#[test]
fn what_is_just_within_the_limits_is_not_much_work() {
    let long = |field: &str, value: &str| {
        format!(
            "{field}: {}\r\n\r\ntext",
            value.repeat(20_000_000 / value.len())
        )
    };
    let deep = (0..20)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
        .collect::<String>();
    for mail in [
        long("Subject", "=?utf-8?Q?"),
        long("Subject", "=?utf-8?B?QUJD?= "),
        long("From", "<a@example.org>, "),
        long("From", "((((\"\\"),
        long("Content-Type", "multipart/mixed; boundary*0=\"a\"; "),
        format!(
            "From: mailer-daemon@example.org\r\n\r\n{}",
            "could not be delivered ada@example.org\r\n".repeat(400_000)
        ),
        format!(
            "From: mailer-daemon@example.org\r\nContent-Type: text/html\r\n\r\n{}",
            "<p <![CDATA[<!-- &amp".repeat(800_000)
        ),
        format!("{deep}{}", "--b".repeat(6_000_000)),
        format!("{deep}{}", "--b19x\r\n".repeat(2_000_000)),
    ] {
        let head: String = mail.chars().take(40).collect();
        let (_, took) = work(|| super::chaos::everything(mail.into_bytes()));
        assert!(took < Duration::from_secs(20), "{head} took {took:?}");
    }
}
