//! The black-box client that measures a gateway: scenarios, load, and the report. Knows the wire and nothing
//! of what stands behind it.

pub mod client;
pub mod failure;
pub mod gateway;
pub mod load;
pub mod process;
pub mod stats;
