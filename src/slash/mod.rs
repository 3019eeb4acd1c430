//! Slash commands: one table, and the answers that fold out of it. Pure: no clock, no I/O, no sessions.
//! Running a command is its family's business in `methods`; this layer only knows which ones exist.

pub mod catalog;
mod commands;
pub mod complete;
mod details;
pub mod table;

pub use catalog::{catalog, resolve};
pub use complete::complete;
pub use table::{COMMANDS, Category, Command, Served};
