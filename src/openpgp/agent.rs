//! A key that gpg-agent holds.

use super::{errors::SignerError, words};
use sequoia_gpg_agent::{self as gpg_agent, KeyPair, PinentryMode, gnupg};
use sequoia_openpgp::packet::{
    Key,
    key::{PublicParts, UnspecifiedRole},
};
use std::path::{Path, PathBuf};

type PublicKey = Key<PublicParts, UnspecifiedRole>;

/// Where the agent listens.
pub(super) struct Agent {
    socket: PathBuf,
    asks: bool,
}

impl Agent {
    /// Starts the agent if need be, and picks the first of the keys that it holds.
    pub(super) fn find(
        home: Option<&Path>,
        keys: &[PublicKey],
    ) -> Result<Option<(Agent, PublicKey)>, SignerError> {
        let missing = |error: gpg_agent::Error| SignerError::AgentMissing(words(&error.into()));
        // `gpgconf` knows the home and the socket, also when `GNUPGHOME` says otherwise.
        let context = match home {
            Some(home) => gnupg::Context::with_homedir(home),
            None => gnupg::Context::new(),
        }
        .map_err(missing)?;
        let socket = context.socket("agent").map_err(missing)?.to_path_buf();
        // The agent's client is asynchronous, and the caller may be inside a runtime, where no second one can
        // be run: so it gets a thread of its own.
        let search = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .map_err(gpg_agent::Error::from)?;
            runtime.block_on(async {
                let mut agent = gpg_agent::Agent::connect(&context).await?;
                for key in keys {
                    if agent.has_key(key).await? {
                        return Ok(Some(key.clone()));
                    }
                }
                Ok(None)
            })
        };
        let found = std::thread::scope(|scope| scope.spawn(search).join());
        let found = found.unwrap_or_else(|_| {
            Err(gpg_agent::Error::Other(anyhow::anyhow!(
                "its answer was not understood"
            )))
        });
        Ok(found
            .map_err(missing)?
            .map(|key| (Agent { socket, asks: true }, key)))
    }

    /// From now on no pinentry is shown.
    pub(super) fn never_ask(&mut self) {
        self.asks = false;
    }

    /// A hand that signs once; each has its own connection.
    pub(super) fn signer(&self, key: &PublicKey) -> KeyPair {
        let pair = KeyPair::new_for_socket(&self.socket, key)
            .expect("making a signer does not connect yet");
        if self.asks {
            pair
        } else {
            pair.set_pinentry_mode(PinentryMode::Error)
        }
    }
}
