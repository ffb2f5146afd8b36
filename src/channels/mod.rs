//! The ways out: [`site`] for the public, [`mail`] for everybody else; and one way in, [`wkd`], which asks for
//! certificates.
//!
//! The first two take only what went through the gate ([`crate::tlp`]), each for its own audience; the third is
//! given nothing but an address.

pub mod mail;
pub mod site;
pub mod wkd;
