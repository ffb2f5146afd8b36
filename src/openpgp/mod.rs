//! Signing, and what can be signed.

/// What can be signed: something with one true form in bytes.
pub trait Payload {
    /// The bytes that a signature covers.
    fn payload(&self) -> &[u8];
}
