//! The one integration binary.

mod docs;
