//! Making what is read, of what passed the gate (`crate::tlp`). Nothing is read from disk or written to it.

pub mod templates;
pub mod locale;
pub mod words;
pub mod page;
mod score;
mod sheets;
pub mod advisory;
pub mod archive;
pub mod vendors;
pub mod index;
pub mod search;
pub mod feed;
pub mod text;
pub mod site;
pub mod letter;
pub mod rfc2350;
pub mod preview;
