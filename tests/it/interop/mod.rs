//! Programs that are not ours read what we send.

mod gnupg;
mod mail_clients;
mod published;
