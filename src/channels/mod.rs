//! The ways out: [`site`] for the public, from there on [`deploy`]; [`mail`] for everybody else; [`preview`] for the eyes of
//! staff, on this computer alone; and one way in, [`wkd`], which asks for certificates.
//!
//! `site`, `mail` and `preview` take only what was made for their own audience ([`crate::tlp`]); `deploy` sends only what
//! `site` has made; `wkd` is given nothing but an address, or a link of a public text.

pub mod deploy;
pub mod mail;
pub mod preview;
pub mod site;
pub mod web;

pub use web::wkd;
