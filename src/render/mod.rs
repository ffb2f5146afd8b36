//! What goes out, made of what went through the gate.

pub mod letter;
