//! A store with the interface of S3: objects are listed, put and deleted. The one door of `rusty_s3`, which makes the
//! requests and signs them; they go by `ureq`. What opens the store stays out of every message.

use super::{AuthorityError, authority, plain};
use crate::{settings::Store as Settings, terms::Moment};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle, actions::ListObjectsV2};
use std::{collections::BTreeMap, fmt, path::Path, time::Duration};
use ureq::{
    Agent, Error,
    config::Config,
    http::{Response, StatusCode},
    tls::{RootCerts, TlsConfig, TlsProvider},
};
use url::Url;

/// For one request, whose body may be an attachment.
const PATIENCE: Duration = Duration::from_secs(120);

/// A signed request is good for so long: a first upload takes its time, and the clock is asked only once.
const GOOD_FOR: Duration = Duration::from_secs(6 * 3600);

/// The most that an answer may have, in bytes: a list of 1,000 names.
const LIMIT: u64 = 16_000_000;

/// What opens a store. It has no `Debug`.
pub struct Access {
    credentials: Credentials,
}

impl Access {
    /// The two halves of an access key, and the token of a session if there is one.
    pub fn new(key: &str, secret: &str, token: Option<&str>) -> Access {
        let credentials = match token {
            Some(token) => Credentials::new_with_token(key, secret, token),
            None => Credentials::new(key, secret),
        };
        Access { credentials }
    }
}

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum StoreError {
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("the store at `{host}` cannot be addressed: {why}")]
    Bucket { host: String, why: String },
    #[error("the store at `{host}` answers with HTTP status {status}{}", if code.is_empty() { String::new() } else { format!(" ({code})") })]
    Status {
        host: String,
        status: u16,
        code: String,
    },
    #[error("cannot talk to the store at `{host}`: {why}")]
    Failed { host: String, why: String },
    #[error("the store at `{host}` lists its objects in a way that cannot be read: {why}")]
    List { host: String, why: String },
}

/// How an object is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of HTTP's header fields")]
pub struct Headers {
    pub content_type: &'static str,
    pub cache_control: &'static str,
}

/// A part of a bucket, ready to be used by several threads.
pub struct Store {
    agent: Agent,
    bucket: Bucket,
    access: Access,
    prefix: String,
    host: String,
    now: jiff::Timestamp,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.host)
    }
}

impl Store {
    /// `workspace` is where a named file is; `now` is that of the clock, since stores compare it with theirs.
    pub fn open(
        settings: &Settings,
        access: Access,
        workspace: &Path,
        now: &Moment,
    ) -> Result<Store, StoreError> {
        let host = settings.endpoint.host_str().unwrap_or_default().to_string();
        let style = if settings.virtual_host {
            UrlStyle::VirtualHost
        } else {
            UrlStyle::Path
        };
        let bucket = Bucket::new(
            settings.endpoint.clone(),
            style,
            settings.bucket.clone(),
            settings.region.clone(),
        )
        .map_err(|error| StoreError::Bucket {
            host: host.clone(),
            why: error.to_string(),
        })?;
        let roots = match &settings.ca_file {
            Some(file) => authority(&workspace.join(file))?,
            None => RootCerts::PlatformVerifier,
        };
        let config = Config::builder()
            .tls_config(
                TlsConfig::builder()
                    .provider(TlsProvider::NativeTls)
                    .root_certs(roots)
                    .build(),
            )
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .proxy(None)
            .user_agent("advise")
            .build();
        let agent = Agent::new_with_config(config);
        Ok(Store {
            agent,
            bucket,
            access,
            prefix: settings.prefix.clone(),
            host,
            now: now.timestamp(),
        })
    }

    /// What lies there: the path below the prefix, and the store's tag of the content (for an object that was put in one
    /// piece, and not encrypted with a key of the owner's, its MD5).
    pub fn list(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let mut all = BTreeMap::new();
        let mut next: Option<String> = None;
        loop {
            let mut request = ListObjectsV2::new(&self.bucket, Some(&self.access.credentials));
            if !self.prefix.is_empty() {
                request.with_prefix(self.prefix.as_str());
            }
            if let Some(token) = next.take() {
                request.with_continuation_token(token);
            }
            let answer = self.agent.get(self.signed(&request).as_str()).call();
            let text = self.judged(answer, &[])?;
            let list = ListObjectsV2::parse_response(&text).map_err(|error| StoreError::List {
                host: self.host.clone(),
                why: error.to_string(),
            })?;
            for object in list.contents {
                if let Some(path) = object.key.strip_prefix(&self.prefix) {
                    let tag = object.etag.unwrap_or_default();
                    all.insert(path.to_string(), tag.trim_matches('"').to_ascii_lowercase());
                }
            }
            match list.next_continuation_token {
                Some(token) if !token.is_empty() => next = Some(token),
                _ => return Ok(all),
            }
        }
    }

    /// Puts an object in its place, whole or not at all.
    pub fn put(&self, path: &str, bytes: &[u8], headers: Headers) -> Result<(), StoreError> {
        let key = self.key(path);
        let request = self.bucket.put_object(Some(&self.access.credentials), &key);
        let answer = self
            .agent
            .put(self.signed(&request).as_str())
            .header("Content-Type", headers.content_type)
            .header("Cache-Control", headers.cache_control)
            .send(bytes);
        self.judged(answer, &[]).map(drop)
    }

    /// Takes an object away; one that is not there is no error.
    pub fn delete(&self, path: &str) -> Result<(), StoreError> {
        let key = self.key(path);
        let request = self
            .bucket
            .delete_object(Some(&self.access.credentials), &key);
        let answer = self.agent.delete(self.signed(&request).as_str()).call();
        self.judged(answer, &[StatusCode::NOT_FOUND]).map(drop)
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    fn signed<'a>(&self, request: &impl S3Action<'a>) -> Url {
        request.sign_with_time(GOOD_FOR, &self.now)
    }

    /// The text of an answer that is good. Addresses of requests are signed, and so never in a message.
    fn judged(
        &self,
        answer: Result<Response<ureq::Body>, Error>,
        also: &[StatusCode],
    ) -> Result<String, StoreError> {
        let host = self.host.clone();
        let failed = |error: Error| StoreError::Failed {
            host: self.host.clone(),
            why: match error {
                Error::NativeTls(error) => format!(
                    "its TLS certificate does not hold: {}",
                    plain(&error.to_string())
                ),
                Error::Timeout(_) => "it does not answer in time".into(),
                Error::HostNotFound => "it has no address".into(),
                Error::Io(error) => error.to_string(),
                _ => "the request failed".into(),
            },
        };
        let mut answer = answer.map_err(failed)?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .with_config()
            .limit(LIMIT)
            .read_to_string()
            .map_err(failed)?;
        if status.is_success() || also.contains(&status) {
            return Ok(text);
        }
        // `<Code>AccessDenied</Code>`; what else the store says repeats the request.
        let code = text
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"))
            .map_or("", |(code, _)| code);
        let code = code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(64)
            .collect();
        Err(StoreError::Status {
            host,
            status: status.as_u16(),
            code,
        })
    }
}
