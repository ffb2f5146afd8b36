use super::{check_host, is_loopback, port};
use crate::{
    diag::{Findings, Source},
    terms::shorten,
    yaml::{Fields, Line, Node},
};

/// Where mail to the team's addresses comes in. One of the two is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbox {
    /// A Maildir; its path, relative to the workspace.
    Maildir(String),
    /// A mailbox on a server.
    Imap(Imap),
}

/// A mailbox on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of advise.yaml, docs in README")]
pub struct Imap {
    pub host: String,
    pub port: u16,
    /// From the first byte on. Only a loopback host may do without.
    pub tls: bool,
    pub user: String,
    pub password_command: String,
    pub folder: String,
    /// Certificates (PEM) of a private authority, relative to the workspace; trusted besides the system's.
    pub ca_file: Option<String>,
}

const INBOX: &[&str] = &["maildir", "imap"];
const IMAP: &[&str] = &[
    "host",
    "port",
    "security",
    "user",
    "password_command",
    "folder",
    "ca_file",
];

pub(super) fn inbox(source: &Source, node: Node, findings: &mut Findings) -> Option<Inbox> {
    let mut fields = Fields::open(source, node, INBOX, findings)?;
    let maildir = fields.text("maildir", findings);
    match (maildir, fields.node("imap")) {
        (Some((path, _)), None) => Some(Inbox::Maildir(path)),
        (None, Some(node)) => imap(source, node, findings).map(Inbox::Imap),
        (Some((_, span)), Some(_)) => {
            findings.push(
                source
                    .error(
                        span,
                        "bad-value",
                        "mail cannot come in by both `maildir` and `imap`",
                    )
                    .hint("remove one of the two"),
            );
            None
        }
        (None, None) => {
            fields.missing(
                "maildir",
                "write `maildir: /var/mail/cert`, or `imap` with a server",
                findings,
            );
            None
        }
    }
}

fn imap(source: &Source, node: Node, findings: &mut Findings) -> Option<Imap> {
    let mut fields = Fields::open(source, node, IMAP, findings)?;
    let host = fields.required::<Line>("host", "write `host: mail.example.org`", findings);
    let user = fields.required::<Line>("user", "write `user: cert@example.org`", findings);
    let command = fields.required::<Line>(
        "password_command",
        "a command that prints the password, such as `pass show imap`",
        findings,
    );
    let security = fields.text("security", findings);
    let port = port(
        source,
        &mut fields,
        "most servers give mail on 993",
        findings,
    );
    let folder = fields
        .text("folder", findings)
        .map_or_else(|| "INBOX".into(), |(folder, _)| folder);
    let ca_file = fields.text("ca_file", findings).map(|(path, _)| path);
    let (host, host_span) = host?;
    check_host(source, &host.0, host_span, findings);
    let tls = match security {
        None => true,
        Some((word, _)) if word == "tls" => true,
        Some((word, _)) if word == "none" && is_loopback(&host.0) => false,
        Some((word, span)) if word == "none" => {
            findings.push(
                source
                    .error(
                        span,
                        "bad-value",
                        format!("mail from `{}` would travel without TLS", shorten(&host.0)),
                    )
                    .hint("write `tls`; `none` is for a loopback host only"),
            );
            true
        }
        Some((word, span)) => {
            findings.push(
                source
                    .error(
                        span,
                        "bad-value",
                        format!("security `{}` is not known", shorten(&word)),
                    )
                    .hint("one of `tls`, `none`"),
            );
            true
        }
    };
    let port = port.unwrap_or(if tls { 993 } else { 143 });
    Some(Imap {
        host: host.0,
        port,
        tls,
        user: user?.0.0,
        password_command: command?.0.0,
        folder,
        ca_file,
    })
}
