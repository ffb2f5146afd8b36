//! What comes in: hostile until proven otherwise.
//!
//! [`source`] fetches bytes, [`mail`] reads them within limits that are checked first, [`gates`] say what a mail is, one
//! after the other in the open, [`bounce`] tells what a mail server has to say about a letter of ours, and [`kept`] holds
//! what none of them understood. Who asks to join or to leave is looked at by [`signed`], judged by [`request`], done as asked by
//! [`clerk`], kept for staff in [`pending`], and told by an [`answer`]. Nothing is decided on what a mail says about itself.

pub mod answer;
pub mod bounce;
pub mod clerk;
pub mod files;
pub mod gates;
pub mod kept;
pub mod mail;
pub mod pending;
pub mod request;
pub mod signed;
pub mod source;

pub mod mime;

pub use mail::Mail;
pub use mime::Unreadable;
