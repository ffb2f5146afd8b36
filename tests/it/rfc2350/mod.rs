//! The team's description of itself.

mod versions;
