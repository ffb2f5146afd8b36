//! Letters: what they say, how they are encrypted, and how they are delivered.

mod delivery;
mod letters;
mod list_encryption;
