//! What users add to the commands: skills, bundles of them, executables, skins. Owns how they are found and
//! what a skill or a bundle becomes as a prompt. Must not know the protocol, sessions, nor how a program
//! runs.

mod bundles;
mod message;
pub mod plugins;
pub mod toolsets;
mod usage;
mod words;

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Zoned;

use crate::model::extensions::{ExtensionDone, ExtensionError, ExtensionJob};
use crate::model::skill::SkillRow;
pub use words::Known;

/// Where it is done.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The home directory of the settings.
    pub home: &'a Path,
    /// The skills that are installed. Reads files.
    pub skills: &'a dyn Fn() -> Vec<SkillRow>,
    /// Folders of skills beside the home's own.
    pub folders: &'a [PathBuf],
    /// Names of skills that are switched off.
    pub disabled: &'a [String],
    /// Where bundles are, if not below the home (`HERMES_BUNDLES_DIR`).
    pub bundles: Option<&'a Path>,
    /// What was found last.
    pub known: &'a Known,
    /// Now.
    pub at: Instant,
    /// Now, for the count of uses.
    pub now: &'a Zoned,
}

/// Does it. An error is for people.
pub fn run(job: &ExtensionJob, around: &Around<'_>) -> Result<ExtensionDone, ExtensionError> {
    match job {
        ExtensionJob::Words => Ok(ExtensionDone::Words(words::words(around))),
        ExtensionJob::Message { command, arg, session } => {
            let words = words::words(around);
            let made = message::prompt(around.home, &words, message::Wish { command, arg, session });
            let made = made.map_err(|message| ExtensionError { message })?;
            let Some((message, used)) = made else { return Ok(ExtensionDone::Message(None)) };
            for name in &used {
                if let Err(error) = usage::count(around.home, name, around.now) {
                    log::warn!("the use of a skill is not counted: {error}");
                }
            }
            Ok(ExtensionDone::Message(Some(message)))
        }
    }
}
