//! What a run brought, for people and programs: a table on a terminal, Markdown, JSON, pictures, a page. Pure:
//! results in, text out. All of them show the same rows.
//!
//! Reader's path: `rows` (results to words) → `text`, `markdown`, `json`; `axis` and `chart` (one picture) →
//! `plots` (which pictures) → `page`.

mod axis;
mod chart;
mod escape;
mod json;
mod markdown;
mod number;
mod page;
mod plots;
mod rows;
mod text;

pub use json::json;
pub use markdown::markdown;
pub use page::page;
pub use plots::{Plot, plots};
pub use text::text;
