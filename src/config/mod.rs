//! The settings: `config.yaml`, the administrator's file on top of it, `.env` and the environment, read
//! and resolved into one [`Settings`].
//!
//! In reading order: `load` in `resolve`, then `read`, `yaml`, `managed`, `model`, `display`, `skin`. `file` keeps
//! the result until a file changes. Everything here may block and none of it fails: what is wrong with a file
//! becomes a warning. Knows no JSON-RPC and no session.
//!
//! [`Settings`]: crate::model::settings::Settings

mod agent;
mod dialect;
mod display;
pub mod dotenv;
pub mod dotenv_edit;
pub mod edit;
pub mod endpoint;
pub mod file;
pub mod home;
mod managed;
mod model;
mod read;
mod resolve;
mod skill_folders;
pub mod skin;
mod toolsets;
mod values;
pub mod yaml;

pub use file::ConfigFile;
pub use home::Home;
pub use resolve::load;

use crate::base::secret::Secret;

/// How a variable of the environment is looked up; tests bring their own.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable of `.env`, or else of the environment. A name that `.env` has is taken from there even if
/// it is empty there, as the original does; empty counts as not set.
fn lookup(dotenv: &dotenv::Dotenv, env: Env<'_>, name: &str) -> Option<Secret> {
    let value = dotenv.get(name).cloned().or_else(|| env(name).map(Secret::new));
    value.filter(|value| !value.expose().trim().is_empty())
}
