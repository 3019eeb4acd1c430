//! What clients can ask for: one file a family, a `METHODS` table on top of each. Handlers are pure; what
//! may block is described as a job.

mod answer;
mod attach;
mod background;
mod billing;
mod branch;
mod breakdown;
mod browser;
mod catalog;
mod command;
mod composer;
mod compress;
mod config_set;
mod config_show;
mod cron;
#[cfg(debug_assertions)]
mod debug;
mod delegation;
mod delete;
pub(crate) mod events;
mod facts;
mod gateway;
mod handoff;
mod insights;
mod inspect;
mod learning;
mod menu;
mod models;
mod pets;
mod plugins;
mod preview;
mod process;
mod projects;
mod prompt;
mod reload;
mod rollback;
mod save;
mod session;
mod settings;
mod shell;
mod skills;
mod spawn_tree;
mod stored;
mod tools;
mod voice;
mod workdir;

use crate::gateway::method::Method;

/// The families, in the order of listings.
const FAMILIES: &[&[Method]] = &[
    session::METHODS,
    branch::METHODS,
    inspect::METHODS,
    breakdown::METHODS,
    save::METHODS,
    workdir::METHODS,
    delete::METHODS,
    compress::METHODS,
    prompt::METHODS,
    background::METHODS,
    answer::METHODS,
    composer::METHODS,
    attach::METHODS,
    catalog::METHODS,
    command::METHODS,
    shell::METHODS,
    settings::METHODS,
    models::METHODS,
    config_show::METHODS,
    reload::METHODS,
    projects::METHODS,
    process::METHODS,
    delegation::METHODS,
    spawn_tree::METHODS,
    rollback::METHODS,
    handoff::METHODS,
    facts::METHODS,
    insights::METHODS,
    cron::METHODS,
    learning::METHODS,
    tools::METHODS,
    skills::METHODS,
    plugins::METHODS,
    preview::METHODS,
    browser::METHODS,
    voice::METHODS,
    pets::METHODS,
    billing::METHODS,
    events::METHODS,
    gateway::METHODS,
];

/// Every method.
pub fn all() -> impl Iterator<Item = &'static Method> {
    FAMILIES.iter().copied().flatten()
}

/// Methods of debug builds, for tests of the server itself. In no listing and no documentation.
pub fn debug_only() -> &'static [Method] {
    #[cfg(debug_assertions)]
    return debug::METHODS;
    #[cfg(not(debug_assertions))]
    &[]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_summaries_are_sentences() {
        let mut names = HashSet::new();
        for method in super::all() {
            assert!(names.insert(method.name), "{} twice", method.name);
            assert!(method.summary.ends_with('.') && method.summary.len() < 100, "{}", method.name);
            assert!(method.name.contains('.'), "{}", method.name);
        }
    }
}
