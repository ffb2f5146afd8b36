//! Whether a mail comes from a machine that carries mail, by its header alone.

use super::lists;
use crate::inbound::Mail;

/// How sure the header makes it that a mail server wrote a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// Nothing speaks for it.
    No,
    /// The subject does, and the sender is nobody's name.
    Perhaps,
    /// The null sender, a server's name, or a field that only servers write.
    Surely,
}

/// Whether a mail server wrote a mail, by its header. Words in its text count only then.
pub fn machine(mail: &Mail) -> Machine {
    let subject = mail.subject().to_lowercase();
    if has_null_sender(mail) {
        return Machine::Surely;
    }
    // An answer or a forwarded mail is written by a person, whatever it quotes.
    if lists::ANSWERED.iter().any(|mark| subject.starts_with(mark)) {
        return Machine::No;
    }
    match is_daemon(mail) || mail.header("x-failed-recipients").is_some() {
        true => Machine::Surely,
        false if speaks_of_failure(&subject) && is_impersonal(mail) && !is_of_a_list(mail) => {
            Machine::Perhaps
        }
        false => Machine::No,
    }
}

/// Whether it is sent from an address of a role or a program.
fn is_impersonal(mail: &Mail) -> bool {
    let local = |address: &String| address.split('@').next().unwrap_or_default().to_lowercase();
    let is_role = |local: String| lists::ROLES.iter().any(|role| local.contains(role));
    mail.addresses("from").iter().map(local).any(is_role)
        || mail
            .header("auto-submitted")
            .is_some_and(|value| !value.to_lowercase().starts_with("no"))
}

/// Whether it came by way of a mailing list, which hands on what people write.
pub fn is_of_a_list(mail: &Mail) -> bool {
    ["list-id", "list-post", "list-unsubscribe"]
        .iter()
        .any(|name| mail.header(name).is_some())
}

/// Whether the subject is one with which servers report.
pub fn speaks_of_failure(subject: &str) -> bool {
    lists::SUBJECTS
        .iter()
        .any(|phrase| subject.contains(phrase))
}

/// Whether it came with the null sender, as reports have to (RFC 5321, 4.5.5), or with what older servers write for it.
fn has_null_sender(mail: &Mail) -> bool {
    mail.headers("return-path").any(|path| {
        let path = path.trim().trim_matches(['<', '>']).to_ascii_lowercase();
        path.is_empty() || path.starts_with("mailer-daemon") || path.starts_with("postmaster@")
    })
}

fn is_daemon(mail: &Mail) -> bool {
    let Some(from) = mail.header("from") else {
        return false;
    };
    let from = from.to_lowercase();
    if from.trim() == "<>" {
        return true;
    }
    let is_daemon = |word: &str| {
        lists::DAEMONS.iter().any(|name| {
            word.trim_matches(['<', '>', '"', '\'', ' '])
                .starts_with(name)
        })
    };
    is_daemon(&from)
        || mail
            .addresses("from")
            .iter()
            .any(|address| is_daemon(&address.to_lowercase()))
}
