//! The one integration binary.

mod docs;
mod golden;
mod mistyped;
mod stage;
