//! Mail that comes in: taken from a Maildir, a pipe and a server, within limits, and whatever anybody puts into it.

mod world;

#[path = "inbox/chaos.rs"]
mod chaos;
#[path = "inbox/limits.rs"]
mod limits;
#[path = "inbox/samples.rs"]
mod samples;
#[path = "inbox/server.rs"]
mod server;
#[path = "inbox/stories.rs"]
mod stories;
