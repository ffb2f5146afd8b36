//! Making what is read, of what passed the gate (`crate::tlp`). Nothing is read from disk or written to it.

pub mod templates;
pub mod words;
pub mod page;
pub mod vendors;
pub mod index;
pub mod feed;
pub mod text;
pub mod site;
pub mod wellknown;
pub mod addresses;
pub mod letter;
pub mod rfc2350;
