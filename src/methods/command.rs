//! Slash commands that run here. What a command does is written in the
//! files below: prompts and what touches the conversation in `dispatch`, pages in `exec` and `pages`.

mod about;
mod added;
mod conversation;
mod dispatch;
mod exec;
mod expand;
mod goal;
mod learn;
mod pages;
mod quick;
mod rewind;
mod services;
mod settings;
mod told;

use crate::gateway::method::{Lane, Method};

pub(super) const METHODS: &[Method] = &[
    Method::new("slash.exec", Lane::Pool, "Run a slash command and show its output.", exec::exec),
    Method::new(
        "command.dispatch",
        Lane::Pool,
        "Run a slash command that becomes a prompt.",
        dispatch::dispatch,
    ),
];
