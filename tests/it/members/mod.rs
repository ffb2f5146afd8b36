//! Members: their certificates, the roster, and their requests by mail.

mod certificates;
mod forgeries;
mod person_letter;
mod requests;
mod roster;
mod round_trip;
mod wkd;
