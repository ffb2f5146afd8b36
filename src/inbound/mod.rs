//! What comes in: hostile until proven otherwise.
//!
//! [`mail`] reads bytes into a [`Mail`], within limits that are checked first; [`bounce`] tells what a mail server has to say
//! about a letter of ours. Nothing here answers, and nothing is decided on what a mail says about itself.

pub mod bounce;
pub mod mail;

mod mime;

pub use mail::{Mail, Unreadable};
