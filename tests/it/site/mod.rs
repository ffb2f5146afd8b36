//! The pages, feeds and search of the public site.

mod incremental;
mod pages;
mod search;
mod templates;
