//! The black-box client that measures a gateway: scenarios, load, and the report. Knows the wire and nothing
//! of what stands behind it.

mod about;
pub mod bed;
pub mod client;
pub mod failure;
pub mod gateway;
pub mod load;
pub mod metric;
pub mod options;
pub mod process;
pub mod progress;
pub mod report;
pub mod results;
mod run;
pub mod scenarios;
pub mod stats;

pub use run::run;
