//! Skills: folders with instructions for a kind of task, which a person keeps below their home and a model
//! reads when it needs them. Owns the tools `skills_list` and `skill_view` and what others show of skills.
//! Knows nothing of where skills come from.
//!
//! Left out: switched-off skills (`skills.disabled`), bundles, and asking for missing variables.

mod find;
mod front_matter;
mod list;
mod needs;
mod rows;
mod show;
mod view;

pub(super) use list::TOOL as LIST;
pub use rows::rows;
pub use show::{categories, for_prompt};
pub(super) use view::TOOL as VIEW;

#[cfg(test)]
mod tests;
