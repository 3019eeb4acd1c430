//! Exit codes that are no failures, said in words, so that the model does not set out to mend them.

use super::scan::{Behind, simple_commands};

/// Programs, the code, and what it says there.
const MEANINGS: &[(&[&str], i32, &str)] = &[
    (&["grep", "egrep", "fgrep", "zgrep", "rg", "ag", "ack"], 1, "Nothing matched (not an error)"),
    (&["diff", "colordiff", "cmp"], 1, "The files differ (not an error)"),
    (&["find"], 1, "Some directories could not be read; what was found still counts"),
    (&["test", "["], 1, "The condition is false (not an error)"),
    (&["git"], 1, "Often no error: git diff, for one, says so that there are differences"),
    (&["curl"], 6, "The host name could not be resolved"),
    (&["curl"], 7, "No connection to the host"),
    (&["curl"], 22, "The server answered with an error status"),
    (&["curl"], 28, "The time limit of the request was reached"),
];

/// What `code` says about the last program of the command, whose code it is.
pub(in crate::tools) fn meaning(command: &str, code: i32) -> Option<&'static str> {
    let commands = simple_commands(command);
    let last = commands.last().filter(|simple| simple.behind != Behind::Background)?;
    let (name, _) = last.program();
    let row = MEANINGS.iter().find(|(names, of, _)| *of == code && names.contains(&name));
    row.map(|(_, _, says)| *says)
}

#[cfg(test)]
mod tests {
    use super::meaning;

    #[test]
    fn the_last_program_decides() {
        assert!(meaning("cd src && grep -r x . | sort; grep y z", 1).is_some());
        assert!(meaning("cat x | /bin/grep 'a; b'", 1).is_some());
        assert!(meaning("curl -f http://x", 22).is_some());
        for (command, code) in [("grep x y", 0), ("grep x y", 2), ("grep x y | wc -l", 1), ("make", 1)] {
            assert_eq!(meaning(command, code), None, "{command}");
        }
    }
}
