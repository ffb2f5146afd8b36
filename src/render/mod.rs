//! Making what is read, of what passed the gate (`crate::tlp`). Nothing is read from disk or written to it.

pub mod addresses;
pub mod advisory;
pub mod archive;
pub mod feed;
pub mod index;
pub mod letter;
pub mod locale;
pub mod page;
pub mod preview;
pub mod rfc2350;
mod score;
pub mod search;
mod sheets;
pub mod site;
pub mod templates;
pub mod text;
pub mod vendors;
mod versions;
pub mod wellknown;
pub mod words;
