//! Answers of programs: somebody is away, or wants to know that a person wrote.

use super::{Report, lists, sender};
use crate::inbound::Mail;

/// Vacation, challenge, or none of them.
///
/// Only a mail whose header shows a program is a vacation; a challenge often hides that it is one.
pub fn told(mail: &Mail) -> Report {
    let subject = mail.subject().to_lowercase();
    let text = flat(&mail.text());
    let says = |phrases: &[&str], text: &str| phrases.iter().any(|phrase| text.contains(phrase));
    let is_automatic = mail.is_automatic();
    let is_answer = mail.header("in-reply-to").is_some()
        || mail.header("references").is_some()
        || subject.starts_with("re:");
    if says(lists::CHALLENGES, &subject)
        && (is_automatic || is_answer || says(lists::CHALLENGES, &text))
    {
        return Report::Challenge;
    }
    if says(lists::CHALLENGES, &text) && is_automatic && !sender::is_of_a_list(mail) {
        return Report::Challenge;
    }
    let announces = lists::AWAY
        .iter()
        .any(|phrase| subject.starts_with(phrase) || subject.contains(&format!(": {phrase}")));
    let replies = mail
        .headers("auto-submitted")
        .any(|value| value.to_lowercase().starts_with("auto-replied"))
        || mail
            .headers("precedence")
            .any(|value| value.to_lowercase().starts_with("auto"))
        || [
            "x-autoreply",
            "x-autorespond",
            "x-autoresponder",
            "x-auto-reply",
            "x-mail-autoreply",
            "x-vacation",
        ]
        .iter()
        .any(|name| mail.header(name).is_some());
    let is_away = replies && (says(lists::AWAY, &subject) || says(lists::AWAY_TEXT, &text))
        || announces && !sender::is_of_a_list(mail)
        || says(lists::AWAY, &subject) && is_automatic && !sender::is_of_a_list(mail);
    if is_away {
        Report::Vacation
    } else {
        Report::None
    }
}

/// Whether the subject alone says that somebody is away, of a mail that no person wrote.
pub fn announces(mail: &Mail) -> bool {
    let subject = mail.subject().to_lowercase();
    let is_away = lists::AWAY.iter().any(|phrase| subject.contains(phrase));
    is_away
        && mail.is_automatic()
        && !sender::speaks_of_failure(&subject)
        && !sender::is_of_a_list(mail)
}

/// In lower case, with single spaces; the first screens of it are enough.
fn flat(text: &str) -> String {
    let head: String = text.chars().take(8_000).collect();
    head.to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
