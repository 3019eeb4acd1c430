//! Generic pieces that know no clock, no I/O and nothing of this project.

pub mod base64;
pub mod claim;
pub mod command_line;
pub mod deadlines;
pub mod front_matter;
pub mod host;
pub mod join;
pub mod jsonrpc;
pub mod mask;
pub mod piece;
pub mod prng;
#[cfg(test)]
pub(crate) mod scratch;
pub mod secret;
pub mod slots;
pub mod switch;
pub mod tally;
pub mod textlog;
pub mod tilde;
