//! What clients can ask for: one file a family, a `METHODS` table on top of each. Handlers are pure; what
//! may block is described as a job.

mod absent;
mod answer;
mod attach;
mod background;
mod branch;
mod breakdown;
mod command;
mod composer;
mod compress;
mod config_set;
#[cfg(debug_assertions)]
mod debug;
mod delegation;
mod delete;
mod events;
mod facts;
mod gateway;
mod handoff;
mod insights;
mod inspect;
mod process;
mod prompt;
mod rollback;
mod save;
mod session;
mod settings;
mod spawn_tree;
mod stored;
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
    command::METHODS,
    settings::METHODS,
    process::METHODS,
    delegation::METHODS,
    spawn_tree::METHODS,
    rollback::METHODS,
    handoff::METHODS,
    facts::METHODS,
    insights::METHODS,
    events::METHODS,
    gateway::METHODS,
    absent::METHODS,
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
