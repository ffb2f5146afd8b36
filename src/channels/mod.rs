//! The ways out: [`site`] for the public, from there on [`deploy`], and [`mail`] for everybody else; and one way in,
//! [`wkd`], which asks for certificates.
//!
//! `site` and `mail` take only what went through the gate ([`crate::tlp`]), each for its own audience; `deploy` sends
//! only what `site` has made; `wkd` is given nothing but an address.

pub mod mail;
pub mod site;
pub mod deploy;
pub mod web;

pub use web::wkd;
