//! The ways out: [`site`] for the public, [`mail`] for everybody else; [`preview`] for the eyes of staff, on this computer
//! alone; and one way in, [`wkd`], which asks for certificates.
//!
//! The first three take only what was made for their own audience ([`crate::tlp`]); the last is given nothing but an
//! address.

pub mod mail;
pub mod preview;
pub mod site;
pub mod wkd;
