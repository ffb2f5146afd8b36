//! The public site: pages, feeds, search, signed texts and well-known files. `pages` makes them all; the other modules make
//! one kind each. Letters are in `render::letter`.

pub mod addresses;
pub mod advisory;
pub mod archive;
pub mod feed;
pub mod feed_format;
pub mod index;
pub mod page;
pub mod pages;
mod pagination;
pub mod plain_text;
mod score;
pub mod search;
pub mod vendors;
pub mod versions;
pub mod wellknown;
