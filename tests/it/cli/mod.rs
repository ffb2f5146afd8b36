//! What staff type and see.

mod preview;
mod publish;
