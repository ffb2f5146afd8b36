use sequoia_openpgp::crypto::{Password, mem::Protected};

/// A text that nobody must see: a passphrase, or a key file. It is overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(Protected);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Secret {
        Secret(bytes.into())
    }

    /// The bytes, to write them to a file that only its owner may read.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn password(&self) -> Password {
        Password::from(self.expose())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret::new(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }
}
