//! The words of what users add to the commands: skills, bundles, executables, skins. Plain data. Quick
//! commands and personalities stand in the settings, and are not here.

use std::path::PathBuf;
use std::sync::Arc;

use super::plugin::Plugin;

/// Work on what users add.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExtensionJob {
    /// All of it that can be named in a command. → [`ExtensionDone::Words`]
    Words,
    /// The prompt that a skill or a bundle of them becomes. It counts as one use of each skill in it.
    /// → [`ExtensionDone::Message`]
    Message {
        /// The name of its command.
        command: String,
        /// What stands behind the command; may be empty.
        arg: String,
        /// The stored key of the conversation it is for; empty when there is none.
        session: String,
    },
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExtensionDone {
    /// What can be named.
    Words(Arc<CommandWords>),
    /// A prompt; `None` when there is no such skill and no such bundle.
    Message(Option<SkillMessage>),
}

/// Why nothing came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtensionError {
    /// For people.
    pub message: String,
}

/// What can be named in a command.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct CommandWords {
    /// Skills, by command.
    pub skills: Vec<SkillWord>,
    /// Bundles of skills, by command.
    pub bundles: Vec<BundleWord>,
    /// Executables, by name; also those that are switched off.
    pub programs: Vec<Plugin>,
    /// Names of skins that can be loaded and what they are: those built in, then the person's own by name.
    pub skins: Vec<(String, String)>,
}

/// A skill as a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SkillWord {
    /// The name of the command, without a slash.
    pub command: String,
    /// The skill's name.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Its folder below the folder of skills.
    pub place: String,
    /// The folder of skills that it lies in; `None` for that of the home.
    pub root: Option<PathBuf>,
}

/// A bundle of skills as a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleWord {
    /// The name of the command, without a slash.
    pub command: String,
    /// Its name.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What it asks for beside its skills; may be empty.
    pub instruction: String,
    /// The skills in it, by name, by folder below the folder of skills, or by command.
    pub skills: Vec<String>,
}

/// A skill or a bundle as a prompt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SkillMessage {
    /// The prompt.
    pub message: String,
    /// The name of the skill, or of the bundle.
    pub name: String,
}
