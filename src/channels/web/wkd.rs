//! Web Key Directories (draft-koch-openpgp-webkey-service): the certificates that a domain gives for an address.
//!
//! It also tries links of public texts ([`Directories::visit`]). HTTPS only, with a certificate that holds, few redirects,
//! little data, not for long, no
//! cookies, no proxy. The domain comes out of the constituents' files, so no address inside of a network is asked
//! unless the settings say so. What comes back are bytes; whether they are worth anything is not decided here.

use super::{AuthorityError, authority, plain};
use crate::{openpgp::directory_hash, settings::Wkd, terms::Address};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _},
    path::Path,
    sync::Arc,
    time::Duration,
};
use ureq::{
    Agent, Error,
    config::Config,
    http::{StatusCode, Uri},
    tls::{RootCerts, TlsConfig, TlsProvider},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};
use url::Url;

/// The most that an answer may have, in bytes: a certificate with many signatures has a tenth of it.
const LIMIT: u64 = 1_000_000;
const REDIRECTS: u32 = 3;
/// For the whole of one question.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says it")]
pub enum WkdError {
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("`{host}` has no address")]
    NoHost { host: String },
    #[error(
        "the way from `{host}` leads to a private address; `wkd.private_addresses` allows that"
    )]
    Private { host: String },
    #[error("`{host}` redirects to an address without TLS")]
    NotHttps { host: String },
    #[error("`{host}` redirects more than {REDIRECTS} times")]
    Redirects { host: String },
    #[error("the answer of `{host}` is longer than {LIMIT} bytes")]
    TooLong { host: String },
    #[error("`{host}` answers with HTTP status {status}")]
    Status { host: String, status: u16 },
    #[error("the TLS certificate of `{host}` does not hold: {why}")]
    Tls { host: String, why: String },
    #[error("`{host}` does not answer in time")]
    Timeout { host: String },
    #[error("cannot talk to `{host}`: {why}")]
    Failed { host: String, why: String },
}

impl WkdError {
    /// Whether there was an answer, and it is not one to be taken.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            WkdError::Private { .. }
                | WkdError::NotHttps { .. }
                | WkdError::Redirects { .. }
                | WkdError::TooLong { .. }
        )
    }
}

/// Asks directories. Cheap to share among threads.
#[derive(Debug, Clone)]
pub struct Directories {
    /// The second, if any, trusts a private authority.
    agents: Vec<Agent>,
    /// Likewise; these go to pages, with or without TLS.
    visitors: Vec<Agent>,
    names: Names,
}

impl Directories {
    /// `workspace` is where a named file is. `hosts` takes the place of DNS, if it is not empty.
    pub fn open(
        settings: &Wkd,
        workspace: &Path,
        hosts: impl IntoIterator<Item = (String, SocketAddr)>,
    ) -> Result<Directories, WkdError> {
        let names = Names {
            hosts: Arc::new(hosts.into_iter().collect()),
            private: settings.private_addresses,
        };
        let mut trusted = vec![RootCerts::PlatformVerifier];
        if let Some(file) = &settings.ca_file {
            trusted.push(authority(&workspace.join(file))?);
        }
        let agents = trusted
            .iter()
            .map(|roots| agent(roots.clone(), names.clone(), true))
            .collect();
        let visitors = trusted
            .into_iter()
            .map(|roots| agent(roots, names.clone(), false))
            .collect();
        Ok(Directories {
            agents,
            visitors,
            names,
        })
    }

    /// Whether somebody answers at an address of the web, which is public: the status, after all redirects. What is
    /// there is not read.
    pub fn visit(&self, url: &Url) -> Result<u16, WkdError> {
        let host = url.host_str().unwrap_or_default().to_string();
        if !self.names.exist(&host) {
            return Err(WkdError::NoHost { host });
        }
        let mut last = Err(WkdError::NoHost { host: host.clone() });
        for agent in &self.visitors {
            let mut answer = agent.head(url.as_str()).call();
            // Many servers know no HEAD, or have another opinion on it.
            if answer
                .as_ref()
                .is_ok_and(|answer| answer.status().as_u16() >= 400)
            {
                answer = agent.get(url.as_str()).call();
            }
            let untrusted = matches!(answer, Err(Error::NativeTls(_)));
            last = answer
                .map(|answer| answer.status().as_u16())
                .map_err(|error| failure(&host, error));
            if !untrusted {
                break;
            }
        }
        last
    }

    /// What the directory of the address's domain has for it: OpenPGP certificates, if its keeper is no liar. `None`
    /// if it has nothing.
    pub fn ask(&self, address: &Address) -> Result<Option<Vec<u8>>, WkdError> {
        let domain = address.domain();
        let hash = directory_hash(address);
        // Section 3.1: "Implementations MUST first try the advanced method. Only if an address for the required
        // sub-domain does not exist, they SHOULD fall back to the direct method. A non-responding server does not
        // mean that the fall back should be carried out."
        let advanced = format!("openpgpkey.{domain}");
        let (host, path) = match self.names.exist(&advanced) {
            true => (
                advanced,
                format!("/.well-known/openpgpkey/{domain}/hu/{hash}"),
            ),
            false => (
                domain.to_string(),
                format!("/.well-known/openpgpkey/hu/{hash}"),
            ),
        };
        if !self.names.exist(&host) {
            return Err(WkdError::NoHost { host });
        }
        let mut url =
            Url::parse(&format!("https://{host}{path}")).map_err(|error| WkdError::Failed {
                host: host.clone(),
                why: error.to_string(),
            })?;
        url.query_pairs_mut().append_pair("l", address.local());
        let mut answer = self.agents[0].get(url.as_str()).call();
        for agent in &self.agents[1..] {
            if matches!(answer, Err(Error::NativeTls(_))) {
                answer = agent.get(url.as_str()).call();
            }
        }
        let mut answer = answer.map_err(|error| failure(&host, error))?;
        match answer.status() {
            StatusCode::OK => {
                let body = answer.body_mut().with_config().limit(LIMIT).read_to_vec();
                body.map(Some).map_err(|error| failure(&host, error))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            status => Err(WkdError::Status {
                host,
                status: status.as_u16(),
            }),
        }
    }
}

fn agent(roots: RootCerts, names: Names, https_only: bool) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(roots)
        .build();
    let config = Config::builder()
        .tls_config(tls)
        .https_only(https_only)
        .max_redirects(REDIRECTS)
        .max_redirects_will_error(true)
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .proxy(None)
        .user_agent("advise")
        .build();
    Agent::with_parts(config, DefaultConnector::new(), names)
}

/// In our words: the library's may repeat the whole address that was asked for.
fn failure(host: &str, error: Error) -> WkdError {
    let host = host.to_string();
    match error {
        Error::Other(other) if other.is::<Inside>() => WkdError::Private { host },
        Error::RequireHttpsOnly(_) => WkdError::NotHttps { host },
        Error::TooManyRedirects | Error::RedirectFailed => WkdError::Redirects { host },
        Error::BodyExceedsLimit(_) => WkdError::TooLong { host },
        Error::Timeout(_) => WkdError::Timeout { host },
        Error::NativeTls(error) => WkdError::Tls {
            host,
            why: plain(&error.to_string()),
        },
        Error::HostNotFound => WkdError::Failed {
            host,
            why: "it redirects to a host without an address".into(),
        },
        Error::BadUri(_) => WkdError::Failed {
            host,
            why: "it redirects to something that is no address".into(),
        },
        Error::Io(error) => WkdError::Failed {
            host,
            why: error.to_string(),
        },
        error => WkdError::Failed {
            host,
            why: error.to_string(),
        },
    }
}

/// Finds the addresses of hosts, and keeps to itself those which are nobody's business.
#[derive(Debug, Clone)]
struct Names {
    /// Instead of DNS.
    hosts: Arc<HashMap<String, SocketAddr>>,
    private: bool,
}

/// The host has only addresses inside of a network.
#[derive(Debug, thiserror::Error)]
#[error("a private address")]
struct Inside;

impl Names {
    fn exist(&self, host: &str) -> bool {
        match self.hosts.is_empty() {
            true => (host, 443)
                .to_socket_addrs()
                .is_ok_and(|mut found| found.next().is_some()),
            false => self.hosts.contains_key(host),
        }
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found: Vec<SocketAddr> = match self.hosts.is_empty() {
            true => DefaultResolver::default()
                .resolve(uri, config, timeout)?
                .iter()
                .copied()
                .collect(),
            false => uri
                .host()
                .and_then(|host| self.hosts.get(host))
                .copied()
                .into_iter()
                .collect(),
        };
        if found.is_empty() {
            return Err(Error::HostNotFound);
        }
        let mut open = self.empty();
        found
            .into_iter()
            .filter(|address| self.private || is_public(address.ip()))
            .for_each(|address| open.push(address));
        if open.is_empty() {
            Err(Error::Other(Box::new(Inside)))
        } else {
            Ok(open)
        }
    }
}

/// Whether an address is one of the whole Internet (the IANA registries of special-purpose addresses).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = a == 0
                || a >= 240
                || (a, b, c) == (192, 0, 0)
                || (a == 198 && (18..20).contains(&b));
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || shared
                || special)
        }
        IpAddr::V6(v6) => {
            let parts = v6.segments();
            let within = |high: u16, low: u16| {
                IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
            };
            match parts {
                // IPv4 in other clothes: mapped, translated (RFC 6052), 6to4.
                [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                    is_public(within(high, low))
                }
                [0x2002, high, low, ..] => is_public(within(high, low)),
                // Global unicast is 2000::/3.
                _ => parts[0] & 0xe000 == 0x2000,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_inside_of_a_network_is_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:a00:1::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(inside.parse().expect(inside)), "{inside}");
        }
        for outside in [
            "9.9.9.9",
            "100.128.0.1",
            "172.32.0.1",
            "2620:fe::fe",
            "::ffff:9.9.9.9",
            "64:ff9b::909:909",
        ] {
            assert!(is_public(outside.parse().expect(outside)), "{outside}");
        }
    }
}
