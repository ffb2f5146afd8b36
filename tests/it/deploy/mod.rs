//! The site where it is served, and the ways from here to there.

mod nginx;
mod served;
mod store;
mod targets;
