//! `advise.yaml`: how this workspace publishes.

mod deploy;
mod inbox;

pub use deploy::{Place, Store, Target};
pub use inbox::{Imap, Inbox};

use crate::{
    diag::{Findings, Source, Span},
    terms::{Address, Fingerprint, Lang, Wrong, one_of, shorten},
    yaml::{Fields, Line, Node, Value},
};
use std::str::FromStr;
use url::Url;

/// All settings, with their defaults filled in.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "fields of advise.yaml, docs in README")]
pub struct Settings {
    pub site: Site,
    pub mail: Mail,
    pub signing: Option<Signing>,
    pub wkd: Wkd,
    pub inbox: Option<Inbox>,
    pub ids: IdPattern,
}

/// Where the public reads.
#[derive(Debug, Clone)]
pub struct Site {
    /// Ends with `/`.
    pub url: Url,
    /// The first is the default and stands at `/`.
    pub languages: Vec<Lang>,
    /// How mail addresses show on pages.
    pub addresses: Addresses,
    /// Where the finished site is copied to.
    pub deploy: Vec<Target>,
}

/// How mail addresses show on HTML pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addresses {
    /// As they are.
    Plain,
    /// `name (at) example.org`, and no link that opens a mail.
    At,
    /// As character references: the same for readers and their browsers, not for what only looks for an `@`.
    #[default]
    Entities,
}

impl Site {
    /// The default language.
    pub fn default_lang(&self) -> &Lang {
        self.languages
            .first()
            .expect("the parser gives the site a language")
    }

    /// The absolute address of a path of the site.
    pub fn link(&self, path: &str) -> String {
        format!("{}{}", self.url, path.trim_start_matches('/'))
    }
}

/// How letters leave.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "fields of advise.yaml, docs in README")]
pub struct Mail {
    pub transport: Transport,
    /// Default: the team's own address.
    pub from: Option<Address>,
    /// The base of the envelope sender; default: `from`.
    pub bounces: Option<Address>,
    /// In days.
    pub max_age: u32,
    pub notify_held: bool,
    /// Whether members are told that their certificates end soon.
    pub notify_expiring: bool,
    /// How many connections to the mail server at once.
    pub connections: usize,
    /// How many mails a minute at most, over all connections; `None` is as many as the server takes.
    pub per_minute: Option<usize>,
    /// The name under which our own mail server writes down what it found of DKIM and SPF (RFC 8601); nobody else's word counts.
    pub authserv_id: Option<String>,
}

impl Default for Mail {
    fn default() -> Mail {
        Mail {
            transport: Transport::Outbox,
            from: None,
            bounces: None,
            max_age: 30,
            notify_held: true,
            notify_expiring: true,
            connections: 4,
            per_minute: None,
            authserv_id: None,
        }
    }
}

/// By which way letters leave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of advise.yaml, docs in README")]
pub enum Transport {
    /// Into the Maildir `outbox/`.
    Outbox,
    /// Servers, never none: the first that can be used is used.
    Smtp(Vec<Smtp>),
    /// A program with the calling convention of sendmail.
    Sendmail { command: String },
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields of advise.yaml, docs in README")]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: Option<String>,
    pub password_command: Option<String>,
    /// Certificates (PEM) of a private authority, relative to the workspace; trusted besides the system's.
    pub ca_file: Option<String>,
}

/// How the way to the server is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS, and nothing is sent if the server does not offer it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Nothing; only to a loopback host.
    None,
}

/// How certificates are looked for in Web Key Directories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wkd {
    /// Certificates (PEM) of a private authority, relative to the workspace; trusted besides the system's.
    pub ca_file: Option<String>,
    /// Whether a directory may stand at a private or loopback address.
    pub private_addresses: bool,
}

/// With which key the team signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// Where the secret key is.
    pub key: KeySource,
    /// Its certificate, in `certs/`.
    pub fingerprint: Fingerprint,
    /// Prints the passphrase; without it, staff are asked.
    pub passphrase_command: Option<String>,
}

/// Where a secret key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file, relative to the workspace.
    File(String),
    /// gpg-agent.
    Agent,
}

/// How new ids are made: `EX-{year}-{number:4}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdPattern {
    before: String,
    width: usize,
}

impl IdPattern {
    /// The id of a year's number.
    pub fn id(&self, year: i16, number: u32) -> String {
        format!(
            "{}{number:0width$}",
            self.before.replace("{year}", &year.to_string()),
            width = self.width
        )
    }
}

impl FromStr for IdPattern {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<IdPattern, Wrong> {
        let wrong = |why: &str| {
            Wrong::new(format!(
                "`{}` is not a pattern for ids: {why}",
                shorten(text)
            ))
            .hint("write it as `EX-{year}-{number:4}`")
        };
        let (before, rest) = text
            .split_once("{number")
            .ok_or_else(|| wrong("it has no `{number}`"))?;
        let width = match rest.strip_prefix(':').unwrap_or(rest).strip_suffix('}') {
            Some("") => 1,
            Some(width) => width
                .parse()
                .ok()
                .filter(|w| (1..=9).contains(w))
                .ok_or_else(|| wrong("the width after `:` is from 1 to 9"))?,
            None => return Err(wrong("`{number}` stands at its end")),
        };
        let pattern = IdPattern {
            before: before.to_string(),
            width,
        };
        pattern
            .id(2026, 1)
            .parse::<crate::terms::Id>()
            .map_err(|e| wrong(&e.message))?;
        Ok(pattern)
    }
}

const FIELDS: &[&str] = &["site", "mail", "signing", "wkd", "inbox", "ids"];
const SITE: &[&str] = &["url", "languages", "addresses", "deploy"];
const MAIL: &[&str] = &[
    "transport",
    "from",
    "bounces",
    "max_age",
    "notify_held",
    "notify_expiring",
    "connections",
    "per_minute",
    "authserv_id",
    "smtp",
    "sendmail",
];
const SMTP: &[&str] = &[
    "host",
    "port",
    "security",
    "user",
    "password_command",
    "ca_file",
];
const SENDMAIL: &[&str] = &["command"];
const WKD: &[&str] = &["ca_file", "private_addresses"];
const SIGNING: &[&str] = &["key", "fingerprint", "passphrase_command"];

/// Reads `advise.yaml`. `None` if it has errors; all of them are among the findings.
pub fn parse(source: &Source, findings: &mut Findings) -> Option<Settings> {
    let node = match crate::yaml::parse(source, Span::new(0, source.text.len())) {
        Ok(node) => node,
        Err(finding) => {
            findings.push(finding);
            return None;
        }
    };
    let before = findings.count(crate::diag::Level::Error);
    let mut fields = Fields::open(source, node, FIELDS, findings)?;
    let site = match fields.node("site") {
        Some(node) => site(source, node, findings),
        None => {
            fields.missing(
                "site",
                "write `site: {url: https://cert.example.org}`",
                findings,
            );
            None
        }
    };
    let mail = match fields.node("mail") {
        Some(node) => mail(source, node, findings),
        None => Some(Mail::default()),
    };
    let signing = fields
        .node("signing")
        .and_then(|node| signing(source, node, findings));
    let wkd = fields
        .node("wkd")
        .and_then(|node| wkd(source, node, findings))
        .unwrap_or_default();
    let inbox = fields
        .node("inbox")
        .and_then(|node| inbox::inbox(source, node, findings));
    let ids = fields
        .optional::<IdPattern>("ids", findings)
        .map(|(ids, _)| ids);
    let ids = ids.unwrap_or(IdPattern {
        before: "A-{year}-".into(),
        width: 4,
    });
    if findings.count(crate::diag::Level::Error) > before {
        return None;
    }
    Some(Settings {
        site: site?,
        mail: mail?,
        signing,
        wkd,
        inbox,
        ids,
    })
}

struct SiteUrl(Url);

impl FromStr for SiteUrl {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<SiteUrl, Wrong> {
        let hint = "write it as `https://cert.example.org`";
        let mut url = Url::parse(text).map_err(|e| {
            Wrong::new(format!("`{}` is not an address: {e}", shorten(text))).hint(hint)
        })?;
        let loopback = url.host_str().is_some_and(is_loopback);
        if url.scheme() == "http" && !loopback {
            return Err(
                Wrong::new(format!("`{}` would be read without TLS", shorten(text)))
                    .hint("begin it with `https://`; `http://` is for a loopback host only"),
            );
        }
        if !matches!(url.scheme(), "https" | "http")
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(
                Wrong::new(format!("`{}` cannot be the site's address", shorten(text))).hint(hint),
            );
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(SiteUrl(url))
    }
}

/// Whether a host is this machine itself.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

fn site(source: &Source, node: Node, findings: &mut Findings) -> Option<Site> {
    let mut fields = Fields::open(source, node, SITE, findings)?;
    let url = fields.required::<SiteUrl>("url", "write `url: https://cert.example.org`", findings);
    let mut languages: Vec<Lang> = Vec::new();
    for (lang, span) in fields.list::<Lang>("languages", findings) {
        match languages.contains(&lang) {
            true => findings.push(
                source
                    .error(
                        span,
                        "bad-value",
                        format!("language `{lang}` stands here twice"),
                    )
                    .hint("remove one of the two"),
            ),
            false => languages.push(lang),
        }
    }
    if languages.is_empty() {
        languages.push(Lang::english());
    }
    let addresses = fields
        .optional::<Addresses>("addresses", findings)
        .map(|(addresses, _)| addresses)
        .unwrap_or_default();
    let deploy = deploy::targets(source, &mut fields, findings);
    Some(Site {
        url: url?.0.0,
        languages,
        addresses,
        deploy,
    })
}

impl FromStr for Addresses {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Addresses, Wrong> {
        match text {
            "plain" => Ok(Addresses::Plain),
            "at" => Ok(Addresses::At),
            "entities" => Ok(Addresses::Entities),
            _ => Err(
                Wrong::new(format!("addresses cannot be shown as `{}`", shorten(text)))
                    .hint(one_of(text, &["plain", "at", "entities"])),
            ),
        }
    }
}

struct TransportName(&'static str);

impl FromStr for TransportName {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<TransportName, Wrong> {
        let names = ["outbox", "smtp", "sendmail"];
        let name = names.into_iter().find(|name| *name == text);
        name.map(TransportName).ok_or_else(|| {
            Wrong::new(format!("transport `{}` is not known", shorten(text)))
                .hint(one_of(text, &names))
        })
    }
}

impl FromStr for Security {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Security, Wrong> {
        match text {
            "starttls" => Ok(Security::StartTls),
            "tls" => Ok(Security::Tls),
            "none" => Ok(Security::None),
            _ => Err(
                Wrong::new(format!("security `{}` is not known", shorten(text)))
                    .hint(one_of(text, &["starttls", "tls", "none"])),
            ),
        }
    }
}

struct Number(u32);

impl FromStr for Number {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Number, Wrong> {
        text.parse().map(Number).map_err(|_| {
            Wrong::new(format!("`{}` is not a whole number", shorten(text)))
                .hint("write digits only")
        })
    }
}

fn mail(source: &Source, node: Node, findings: &mut Findings) -> Option<Mail> {
    let mut fields = Fields::open(source, node, MAIL, findings)?;
    let name = fields.optional::<TransportName>("transport", findings);
    let smtp_node = fields.node("smtp");
    let sendmail_node = fields.node("sendmail");
    let transport = match name {
        None | Some((TransportName("outbox"), _)) => Some(Transport::Outbox),
        Some((TransportName("smtp"), span)) => match smtp_node {
            Some(node) => relays(source, node, findings).map(Transport::Smtp),
            None => {
                findings.push(
                    source
                        .error(span, "missing-field", "field `smtp` is missing")
                        .hint("write `smtp: {host: mail.example.org}`"),
                );
                None
            }
        },
        Some(_) => {
            let command = sendmail_node.and_then(|node| {
                Fields::open(source, node, SENDMAIL, findings)?
                    .text("command", findings)
                    .map(|(command, _)| command)
            });
            Some(Transport::Sendmail {
                command: command.unwrap_or_else(|| "/usr/sbin/sendmail".into()),
            })
        }
    };
    let usual = Mail::default();
    let connections = within(
        source,
        fields.optional::<Number>("connections", findings),
        "connections",
        1..=32,
        findings,
    );
    let per_minute = within(
        source,
        fields.optional::<Number>("per_minute", findings),
        "per_minute",
        1..=1_000_000,
        findings,
    );
    Some(Mail {
        transport: transport?,
        from: fields
            .optional("from", findings)
            .map(|(address, _)| address),
        bounces: fields
            .optional("bounces", findings)
            .map(|(address, _)| address),
        max_age: fields
            .optional::<Number>("max_age", findings)
            .map_or(usual.max_age, |(days, _)| days.0),
        notify_held: fields
            .flag("notify_held", findings)
            .unwrap_or(usual.notify_held),
        notify_expiring: fields
            .flag("notify_expiring", findings)
            .unwrap_or(usual.notify_expiring),
        connections: connections.unwrap_or(usual.connections),
        per_minute,
        authserv_id: fields.text("authserv_id", findings).map(|(name, _)| name),
    })
}

/// A number that has to lie in a range.
fn within(
    source: &Source,
    number: Option<(Number, Span)>,
    name: &str,
    range: std::ops::RangeInclusive<u32>,
    findings: &mut Findings,
) -> Option<usize> {
    let (Number(number), span) = number?;
    if !range.contains(&number) {
        let message = format!("`{name}` cannot be {number}");
        findings.push(source.error(span, "bad-value", message).hint(format!(
            "write a number from {} to {}",
            range.start(),
            range.end()
        )));
        return None;
    }
    usize::try_from(number).ok()
}

/// One mail server, or several in the order in which they are tried.
fn relays(source: &Source, node: Node, findings: &mut Findings) -> Option<Vec<Smtp>> {
    let span = node.span;
    let nodes = match node.value {
        Value::List(nodes) => nodes,
        _ => vec![node],
    };
    if nodes.is_empty() {
        findings.push(
            source
                .error(span, "missing-field", "no mail server is named")
                .hint("write `smtp: {host: mail.example.org}`"),
        );
        return None;
    }
    // All of them are looked at, so that one run shows all mistakes.
    let relays: Vec<Option<Smtp>> = nodes
        .into_iter()
        .map(|node| smtp(source, node, findings))
        .collect();
    relays.into_iter().collect()
}

fn smtp(source: &Source, node: Node, findings: &mut Findings) -> Option<Smtp> {
    let mut fields = Fields::open(source, node, SMTP, findings)?;
    let (host, host_span) =
        fields.required::<Line>("host", "write `host: mail.example.org`", findings)?;
    let security = fields.optional::<Security>("security", findings);
    if let Some((Security::None, span)) = security
        && !is_loopback(&host.0)
    {
        findings.push(
            source
                .error(
                    span,
                    "bad-value",
                    format!("mail to `{}` would travel without TLS", shorten(&host.0)),
                )
                .hint("write `starttls` or `tls`; `none` is for a loopback host only"),
        );
    }
    check_host(source, &host.0, host_span, findings);
    let security = security.map_or(Security::StartTls, |(security, _)| security);
    let port = port(
        source,
        &mut fields,
        "most servers take mail on 587",
        findings,
    );
    let default = match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::None => 25,
    };
    let user = fields.text("user", findings);
    let password_command = fields.text("password_command", findings);
    if let (Some((_, span)), None) = (&user, &password_command) {
        findings.push(
            source
                .error(*span, "missing-field", "`user` needs a `password_command`")
                .hint("a command that prints the password, such as `pass show smtp`"),
        );
    }
    Some(Smtp {
        host: host.0,
        port: port.unwrap_or(default),
        security,
        user: user.map(|(user, _)| user),
        password_command: password_command.map(|(command, _)| command),
        ca_file: fields.text("ca_file", findings).map(|(path, _)| path),
    })
}

/// Whether it is the name of a host, and nothing around it.
fn check_host(source: &Source, host: &str, span: Span, findings: &mut Findings) {
    if host.contains([' ', '/', '@']) {
        findings.push(
            source
                .error(
                    span,
                    "bad-value",
                    format!("`{}` is not a host", shorten(host)),
                )
                .hint("write its name only: `mail.example.org`"),
        );
    }
}

/// A port, if one is named.
fn port(source: &Source, fields: &mut Fields, usual: &str, findings: &mut Findings) -> Option<u16> {
    let (Number(port), span) = fields.optional::<Number>("port", findings)?;
    if !(1..=65535).contains(&port) {
        findings.push(
            source
                .error(span, "bad-value", format!("`{port}` is not a port"))
                .hint(format!("a port is from 1 to 65535; {usual}")),
        );
    }
    u16::try_from(port).ok()
}

fn wkd(source: &Source, node: Node, findings: &mut Findings) -> Option<Wkd> {
    let mut fields = Fields::open(source, node, WKD, findings)?;
    Some(Wkd {
        ca_file: fields.text("ca_file", findings).map(|(path, _)| path),
        private_addresses: fields.flag("private_addresses", findings).unwrap_or(false),
    })
}

fn signing(source: &Source, node: Node, findings: &mut Findings) -> Option<Signing> {
    let mut fields = Fields::open(source, node, SIGNING, findings)?;
    let key = fields.required::<Line>(
        "key",
        "write the path of the key's file, or `agent`",
        findings,
    );
    let fingerprint = fields.required::<Fingerprint>(
        "fingerprint",
        "write the whole fingerprint of the team's certificate",
        findings,
    );
    let command = fields.text("passphrase_command", findings);
    let key = match key?.0.0 {
        word if word == "agent" => KeySource::Agent,
        path => KeySource::File(path),
    };
    Some(Signing {
        key,
        fingerprint: fingerprint?.0,
        passphrase_command: command.map(|(command, _)| command),
    })
}
