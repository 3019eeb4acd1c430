//! What samples say: middles, ranges, and whether one gateway is better than another. Pure.

mod paired;
mod robust;
mod summary;

pub use paired::{Comparison, Pair, Verdict, compare};
pub use robust::{hodges_lehmann, median};
pub use summary::Summary;
