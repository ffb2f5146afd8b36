//! Mail that comes in: taken from a Maildir, a pipe and a server, within limits, and whatever anybody puts into it.

mod bounces;
mod chaos;
mod limits;
mod samples;
mod server;
mod stories;
