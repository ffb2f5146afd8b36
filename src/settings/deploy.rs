//! `site.deploy`: where the finished site is copied to.

use super::is_loopback;
use crate::{
    diag::{Findings, Source},
    terms::{Slug, Wrong, shorten},
    yaml::{Fields, Line, Node},
};
use std::str::FromStr;
use url::Url;

/// A place to which the finished site is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What staff call it.
    pub name: Slug,
    /// Where it is.
    pub place: Place,
    /// Folders and files there that are not ours, and stay: paths without a slash at their ends.
    pub keep: Vec<String>,
}

/// Where a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By the program `rsync`.
    Rsync {
        /// A folder, or `user@host:folder`.
        to: String,
        /// The program that leads to the host, with its options.
        ssh: Option<String>,
    },
    /// A store with the interface of S3.
    S3(Store),
}

/// A store with the interface of S3. What opens it is not in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "fields of advise.yaml, docs in docs/workspace.md"
)]
pub struct Store {
    pub endpoint: Url,
    pub region: String,
    pub bucket: String,
    /// Empty, or ends with `/`.
    pub prefix: String,
    /// Whether the bucket is a part of the host's name and not of the path.
    pub virtual_host: bool,
    /// A file that nobody else may read, relative to the workspace; without one, the environment.
    pub credentials: Option<String>,
    /// Certificates (PEM) of a private authority, relative to the workspace; trusted instead of the system's.
    pub ca_file: Option<String>,
}

const TARGET: &[&str] = &["name", "rsync", "ssh", "s3", "keep"];
const STORE: &[&str] = &[
    "endpoint",
    "region",
    "bucket",
    "prefix",
    "virtual_host",
    "credentials",
    "ca_file",
];

/// Where rsync copies to.
struct Destination(String);

impl FromStr for Destination {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Destination, Wrong> {
        let wrong = |why: &str| {
            Wrong::new(format!("`{}` is not a place that rsync may copy to: {why}", shorten(text)))
                .hint("write a folder, `/srv/www/cert`, or one on a host, `web@www.example.org:/srv/www/cert`")
        };
        if text.starts_with("rsync://") || text.contains("::") {
            return Err(wrong(
                "rsync's own protocol has no protection; it goes by ssh",
            ));
        }
        if text.starts_with('-') || text.chars().any(char::is_control) || text.trim().is_empty() {
            return Err(wrong("it would be read as something else"));
        }
        if text
            .rsplit_once(':')
            .is_some_and(|(_, folder)| folder.is_empty())
        {
            return Err(wrong(
                "after the host comes a folder, since not all of a home is to be replaced",
            ));
        }
        Ok(Destination(text.to_string()))
    }
}

/// A path below the target.
struct Kept(String);

impl FromStr for Kept {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Kept, Wrong> {
        let path = text.trim_matches('/');
        let plain = path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
        match plain && !path.contains(['*', '?', '[', '\\']) && !path.chars().any(char::is_control)
        {
            true => Ok(Kept(path.to_string())),
            false => Err(Wrong::new(format!(
                "`{}` is not a path below the target",
                shorten(text)
            ))
            .hint("write it as `.well-known/acme-challenge`, without patterns")),
        }
    }
}

/// Where a store answers.
struct Endpoint(Url);

impl FromStr for Endpoint {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Endpoint, Wrong> {
        let hint = "write it as `https://s3.example.org`";
        let url = Url::parse(text).map_err(|e| {
            Wrong::new(format!("`{}` is not an address: {e}", shorten(text))).hint(hint)
        })?;
        let safe = url.scheme() == "https"
            || url.scheme() == "http" && url.host_str().is_some_and(is_loopback);
        if !safe {
            return Err(
                Wrong::new(format!("`{}` would be reached without TLS", shorten(text)))
                    .hint("begin it with `https://`; `http://` is for a loopback host only"),
            );
        }
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(
                Wrong::new("the address of a store has no user, question or fragment").hint(hint),
            );
        }
        Ok(Endpoint(url))
    }
}

/// All targets, in their order. What is wrong with one becomes a finding.
pub(super) fn targets(
    source: &Source,
    fields: &mut Fields<'_>,
    findings: &mut Findings,
) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for node in fields.nodes("deploy", findings) {
        let span = node.span;
        let Some(target) = target(source, node, findings) else {
            continue;
        };
        match targets.iter().any(|other| other.name == target.name) {
            true => findings.push(
                source
                    .error(
                        span,
                        "duplicate-value",
                        format!("two targets are called `{}`", target.name),
                    )
                    .hint("give each a name of its own"),
            ),
            false => targets.push(target),
        }
    }
    targets
}

fn target(source: &Source, node: Node<'_>, findings: &mut Findings) -> Option<Target> {
    let span = node.span;
    let mut fields = Fields::open(source, node, TARGET, findings)?;
    let name = fields.required::<Slug>("name", "write `name: www`", findings);
    let has_rsync = fields.key("rsync").is_some();
    let rsync = fields.optional::<Destination>("rsync", findings);
    let ssh = fields.text("ssh", findings).map(|(ssh, _)| ssh);
    let s3 = fields.node("s3");
    let keep = fields
        .list::<Kept>("keep", findings)
        .into_iter()
        .map(|(kept, _)| kept.0)
        .collect();
    let place = match (has_rsync, s3) {
        (true, None) => Place::Rsync {
            to: rsync?.0.0,
            ssh,
        },
        (false, Some(node)) => Place::S3(store(source, node, findings)?),
        (both, _) => {
            let what = if both {
                "both `rsync` and `s3`"
            } else {
                "neither `rsync` nor `s3`"
            };
            findings.push(
                source
                    .error(span, "bad-value", format!("this target has {what}"))
                    .hint("give it one of the two"),
            );
            return None;
        }
    };
    Some(Target {
        name: name?.0,
        place,
        keep,
    })
}

fn store(source: &Source, node: Node<'_>, findings: &mut Findings) -> Option<Store> {
    let mut fields = Fields::open(source, node, STORE, findings)?;
    let endpoint = fields.required::<Endpoint>(
        "endpoint",
        "write `endpoint: https://s3.example.org`",
        findings,
    );
    let bucket = fields.required::<Line>("bucket", "write `bucket: cert`", findings);
    let region = fields
        .optional::<Line>("region", findings)
        .map_or_else(|| "us-east-1".into(), |(region, _)| region.0);
    let prefix = fields
        .optional::<Kept>("prefix", findings)
        .map_or_else(String::new, |(prefix, _)| format!("{}/", prefix.0));

    Some(Store {
        region,
        prefix,
        virtual_host: fields.flag("virtual_host", findings).unwrap_or(false),
        credentials: fields.text("credentials", findings).map(|(path, _)| path),
        ca_file: fields.text("ca_file", findings).map(|(path, _)| path),
        endpoint: endpoint?.0.0,
        bucket: bucket?.0.0,
    })
}
