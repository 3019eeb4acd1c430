//! The command of an agent, and what people call it by. Runs nothing.

use std::fmt;

use crate::base::command_line;

/// Programs that run another one, which is what people call the agent by.
const RUNNERS: [&str; 10] = ["bun", "bunx", "deno", "env", "node", "npx", "python", "python3", "sh", "uvx"];

/// A program and its arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program: a name that is looked up on the path, or a path.
    pub(super) program: String,
    /// What it is given. May hold secrets.
    pub(super) args: Vec<String>,
}

/// Only the program: arguments may hold secrets.
impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandLine").field("program", &self.program).finish_non_exhaustive()
    }
}

impl CommandLine {
    /// Reads a command line ([`command_line::split`]).
    ///
    /// # Errors
    /// It is no command; one line for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (program, args) = command_line::split(text)?;
        Ok(Self { program, args })
    }

    /// What people call the agent before it says so itself: the file's name, of `npx -y @x/agent` the
    /// `agent`.
    pub fn name(&self) -> &str {
        let program = file_name(&self.program);
        let run = self.args.iter().find(|word| !word.starts_with('-') && !word.contains('='));
        match run {
            Some(word) if RUNNERS.contains(&program) => file_name(word),
            _ => program,
        }
    }
}

fn file_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_called_by_what_is_run() {
        for (text, name) in [
            ("/usr/bin/gemini --experimental-acp", "gemini"),
            ("npx -y @zed-industries/claude-code-acp", "claude-code-acp"),
            ("python3 /x/agent.py --slow", "agent.py"),
            ("env KEY=1 agent", "agent"),
            ("python3", "python3"),
        ] {
            assert_eq!(CommandLine::parse(text).unwrap().name(), name, "{text}");
        }
    }

    #[test]
    fn arguments_are_not_shown() {
        let shown = format!("{:?}", CommandLine::parse("agent --key hidden").unwrap());
        assert!(shown.contains("agent") && !shown.contains("hidden"), "{shown}");
    }
}
