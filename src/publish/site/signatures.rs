//! Signatures of public texts. A text that was signed before keeps its signature, so the same input gives the same bytes.

use crate::{
    artefact::{Artefact, Digest},
    ledger::Ledger,
    openpgp::Clearsigned,
    publish::{Keyring, PublishError},
    terms::Fingerprint,
};
use std::sync::Mutex;

/// The workshop in which texts are signed; a text that was signed before keeps its signature.
pub struct Signatory<'s> {
    /// It keeps signatures. One thread at a time asks it.
    pub(super) ledger: Mutex<&'s mut Ledger>,
    /// The key whose signatures are looked for.
    pub(super) signer: Option<Fingerprint>,
    pub(super) fresh: Mutex<Vec<(Digest, String)>>,
    pub(super) keyring: &'s dyn Keyring,
}

impl Signatory<'_> {
    pub(in crate::publish) fn sign(&self, text: &str) -> Result<Clearsigned, PublishError> {
        let digest = Digest::of(text.as_bytes());
        match self.known(digest)? {
            Some(block) => Ok(Clearsigned::assemble(text, &block)),
            None => self.sign_anew(digest, text),
        }
    }

    /// A detached signature of a file as it stands on the site, for programs that verify no clear-signed text.
    pub(in crate::publish) fn detach(&self, file: &[u8]) -> Result<String, PublishError> {
        let digest = Digest::of(file);
        match self.known(digest)? {
            Some(armor) => Ok(armor),
            None => self.detach_anew(digest, file),
        }
    }

    /// A text as a clear-signed file, and the detached signature of that file.
    pub(super) fn files(&self, path: &str, text: &str) -> Result<Vec<Artefact>, PublishError> {
        let digest = Digest::of(text.as_bytes());
        let (file, detached) = match self.known(digest)? {
            Some(block) => {
                let file = Clearsigned::assemble(text, &block).document();
                let detached = self.detach(file.as_bytes())?;
                (file, detached)
            }
            // With a fresh signature in it, the file was never signed either: nothing has to be looked for.
            None => {
                let file = self.sign_anew(digest, text)?.document();
                let detached = self.detach_anew(Digest::of(file.as_bytes()), file.as_bytes())?;
                (file, detached)
            }
        };
        Ok(pair(path, file, &detached))
    }

    fn sign_anew(&self, digest: Digest, text: &str) -> Result<Clearsigned, PublishError> {
        let signed = self.keyring.key()?.clearsign(text)?;
        self.made(digest, signed.block());
        Ok(signed)
    }

    fn detach_anew(&self, digest: Digest, file: &[u8]) -> Result<String, PublishError> {
        let armor = self.keyring.key()?.detach(file)?;
        self.made(digest, &armor);
        Ok(armor)
    }

    fn known(&self, of: Digest) -> Result<Option<String>, PublishError> {
        let Some(signer) = &self.signer else {
            return Ok(None);
        };
        let ledger = self
            .ledger
            .lock()
            .expect("nobody panics with the ledger in hand");
        Ok(ledger.signature(of, signer)?)
    }

    fn made(&self, of: Digest, armor: &str) {
        let mut fresh = self
            .fresh
            .lock()
            .expect("nobody panics with the signatures in hand");
        fresh.push((of, armor.to_string()));
    }
}

const TEXT: &str = "text/plain; charset=utf-8";
const SIGNATURE: &str = "application/pgp-signature";

/// A clear-signed file, and beside it the detached signature of its bytes.
///
/// The block in the file could not serve as both: it is of the text inside, without the lines around it, so it would
/// verify against no file that stands on the site.
pub(in crate::publish) fn pair(path: &str, file: String, detached: &str) -> Vec<Artefact> {
    vec![
        Artefact::new(path, TEXT, file),
        Artefact::new(format!("{path}.asc"), SIGNATURE, detached),
    ]
}
