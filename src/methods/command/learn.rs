//! What `/learn` asks the agent to do: to look at the named sources and to write what it learned down as a
//! skill.

/// Before the sources.
const BEGINNING: &str = "\
Learn a way of working, and write it down as a skill, so that it is at hand in later conversations.

Sources, as the person named them:";

/// Stands for sources that nobody named.
const THIS_CONVERSATION: &str = "this conversation: what was done in it, and what turned out to work";

/// After the sources.
const END: &str = "\
Proceed like this:
1. Read the sources with the tools you have: files and folders, pages, what was said before. Do not guess \
what a source says; where one cannot be reached, say so and go on with the others.
2. Look at the skills there are. If one covers the subject already, improve that one instead of adding \
another.
3. Write the skill in the user's skills folder, in a folder of its own, as a file SKILL.md. It begins with \
front matter that has `name` (lower case, words joined by hyphens) and `description` (one sentence that says \
when to use it). Then come the steps, in order, with exact commands and names of files; then what goes wrong \
and how that is seen; then how to check the result. Keep it under 200 lines, and put longer material into \
files beside it.
4. Leave out secrets, and what holds only for one day or one machine.
5. Tell in a few lines what the skill is called, where it lies, and what it covers. If the sources do not \
hold enough for a skill, say that instead of writing an empty one.";

/// The prompt.
pub(super) fn prompt(sources: &str) -> String {
    let sources = if sources.trim().is_empty() { THIS_CONVERSATION } else { sources.trim() };
    format!("{BEGINNING}\n{sources}\n\n{END}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_stand_in_the_prompt() {
        assert!(prompt(" docs/api ").contains("named them:\ndocs/api\n\nProceed"));
        assert!(prompt(" ").contains(THIS_CONVERSATION));
    }
}
