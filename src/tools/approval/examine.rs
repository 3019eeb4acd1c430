//! Looks a command over: what of it is beyond the hard line, and which categories of danger it falls in.
//! Pure; knows nothing of what was approved.

use super::hardline::LINES;
use super::normalise;
use super::rules::{Category, RULES, UNREADABLE, guesses_password};
use super::sheet;

/// What was found in a command.
#[derive(Default, Debug)]
pub(super) struct Report {
    /// What no approval allows.
    pub(super) hard: Option<&'static str>,
    /// It pipes a password that the model made up into sudo.
    pub(super) guesses_password: bool,
    /// What has to be approved, in the order of the rules.
    pub(super) findings: Vec<Finding>,
}

/// A category a command falls in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Finding {
    /// What it is, and its name in approvals.
    pub(super) key: &'static str,
    /// Whether it may be approved for good. What nobody can read may not: it could be anything next time.
    pub(super) may_be_permanent: bool,
}

/// Looks `command` over.
pub(super) fn examine(command: &str) -> Report {
    let forms = normalise::forms(command);
    let sheets: Vec<sheet::Sheet> = forms.iter().flat_map(|form| sheet::read(form)).collect();
    let steps = || sheets.iter().flat_map(|sheet| sheet.steps.iter().map(move |step| (step, sheet)));
    let hard = LINES.iter().find(|line| steps().any(|(step, sheet)| (line.test)(step, sheet)));
    let fits = RULES.iter().filter(|rule| steps().any(|(step, sheet)| (rule.test)(step, sheet)));
    let mut findings: Vec<Finding> = fits
        .map(|rule| Finding { key: rule.key, may_be_permanent: rule.category != Category::Unreadable })
        .collect();
    if sheets.iter().any(|sheet| sheet.unclear) {
        findings.push(Finding { key: UNREADABLE, may_be_permanent: false });
    }
    Report {
        hard: hard.map(|line| line.what),
        guesses_password: steps().any(|(step, sheet)| guesses_password(step, sheet)),
        findings,
    }
}

/// Programs that delete files or write over them.
const LOSE_FILES: &[&str] = &["rm", "rmdir", "mv", "shred", "truncate", "dd"];

/// Commands of git that write over files.
const GIT_LOSES_FILES: &[&str] = &["checkout", "clean", "reset", "restore", "rm", "stash", "switch"];

/// Whether `command` may lose files or changes of them, as far as it can be read. `>` does not
/// count: most commands that have it write where nothing was.
pub(super) fn loses_files(command: &str) -> bool {
    let deletes =
        || RULES.iter().filter(|rule| matches!(rule.category, Category::Delete | Category::FoundDelete));
    normalise::forms(command).iter().flat_map(|form| sheet::read(form)).any(|sheet| {
        sheet.steps.iter().any(|step| {
            step.is(LOSE_FILES)
                || (step.is(&["git"]) && step.texts().any(|word| GIT_LOSES_FILES.contains(&word)))
                || (step.is(&["sed", "perl"]) && step.texts().any(|word| word.starts_with("-i")))
                || deletes().any(|rule| (rule.test)(step, &sheet))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::loses_files;

    #[test]
    fn files_are_kept_before_what_may_lose_them() {
        for command in [
            "rm a",
            "cd x && rm -rf build",
            "sudo mv a b",
            "git reset --hard",
            "git -C x checkout -- .",
            "sed -i s/a/b/ f",
            "find . -name '*.o' -delete",
            "ls | xargs rm -f",
        ] {
            assert!(loses_files(command), "{command}");
        }
        for command in
            ["ls", "cargo test > out", "echo rm", "git status", "sed -n 1p f", "grep -r checkout ."]
        {
            assert!(!loses_files(command), "{command}");
        }
    }
}
