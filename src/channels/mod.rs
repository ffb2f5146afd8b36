//! The ways out: [`site`] for the public, [`mail`] for everybody else.
//!
//! Both take only what went through the gate ([`crate::tlp`]), each for its own audience.

pub mod mail;
pub mod site;
