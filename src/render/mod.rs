//! Making what is read, of what passed the gate (`crate::tlp`). Nothing is read from disk or written to it.

pub mod feed;
pub mod index;
pub mod page;
pub mod rfc2350;
pub mod site;
pub mod templates;
pub mod text;
pub mod words;
