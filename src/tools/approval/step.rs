//! One program that would be started: what stays of a simple command when keywords, assignments and the
//! programs that only start another are taken off. Knows nothing of what is dangerous.

use std::ops::Range;
use std::rc::Rc;

use super::interpreters::{Source, is_shell, shell_source};
use super::redirect::Redirect;
use super::word::Word;
use super::words::{Command, KEYWORDS};
use super::wrappers::{self, is_assignment};

/// Programs that give the value of `-c` to a shell.
const SHELL_STARTERS: &[&str] = &["flock", "runuser", "script", "sg", "su"];

/// A start of a program.
#[derive(Clone, Default, Debug)]
pub(super) struct Step {
    /// What it is called, without folders, in lower case; empty when nothing is started.
    pub(super) name: String,
    /// The same as it was written.
    pub(super) path: String,
    /// Its arguments.
    pub(super) args: Vec<Word>,
    /// Where its input and output go.
    pub(super) redirects: Vec<Redirect>,
    /// The here-documents it reads.
    pub(super) document: Option<String>,
    /// The steps whose output it reads, as places in its sheet.
    pub(super) upstream: Range<usize>,
    /// The function whose definition it begins.
    pub(super) defines: Option<String>,
    /// The programs that start it, outermost first.
    pub(super) through: Vec<Through>,
    /// What runs is only known when it runs.
    pub(super) unknown: bool,
    /// Texts that a shell reads because of it.
    pub(super) scripts: Vec<String>,
}

/// A program that starts another.
#[derive(Clone, Debug)]
pub(super) struct Through {
    /// What it is called.
    pub(super) name: &'static str,
    /// Its arguments before the command; all of them for `find`.
    pub(super) args: Rc<[Word]>,
}

impl Step {
    /// What a simple command starts.
    pub(super) fn of(command: Command) -> Self {
        let Command { words, redirects, document, upstream, defines, value } = command;
        let mut step = Self { redirects, document, upstream, ..Self::default() };
        if defines {
            step.defines = words.into_iter().next().map(|word| word.text);
            return step;
        }
        step.peel(&words);
        step.unknown &= !value;
        step.find_scripts();
        step
    }

    /// Whether a program of this name starts it.
    pub(super) fn is_through(&self, names: &[&str]) -> bool {
        self.through.iter().any(|through| names.contains(&through.name))
    }

    /// Whether it is one of these.
    pub(super) fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    /// The texts of its arguments.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.args.iter().map(|word| word.text.as_str())
    }

    /// Its arguments that are no options, with everything after `--`.
    pub(super) fn operands(&self) -> impl Iterator<Item = &str> {
        let mut only_operands = false;
        self.texts().filter(move |text| {
            if only_operands {
                return true;
            }
            only_operands = *text == "--";
            !text.starts_with('-') || *text == "-"
        })
    }

    /// Whether it has this short option, alone or in a cluster, before `--`.
    pub(super) fn has_short(&self, letter: char) -> bool {
        let clusters =
            self.texts().take_while(|text| *text != "--").filter_map(|text| text.strip_prefix('-'));
        // Two dashes are a long option.
        clusters.filter(|cluster| !cluster.starts_with('-')).any(|cluster| cluster.contains(letter))
    }

    /// Whether it has this long option before `--`, perhaps with a value. Programs take beginnings of the
    /// name too; those of `least` letters count.
    pub(super) fn has_long(&self, option: &str, least: usize) -> bool {
        self.texts().take_while(|text| *text != "--").any(|text| {
            let name = text.split_once('=').map_or(text, |(name, _)| name);
            name.strip_prefix("--").is_some_and(|name| name.len() >= least && option.starts_with(name))
        })
    }

    /// Finds the program behind what stands before it.
    fn peel(&mut self, words: &[Word]) {
        let mut at = 0;
        while let Some(head) = words.get(at) {
            at += 1;
            let rest = words.get(at..).unwrap_or_default();
            if head.is_one_of(&["function"]) {
                self.defines = rest.first().map(|name| name.text.clone());
                at += 1;
                continue;
            }
            if is_assignment(&head.text) || (head.is_one_of(KEYWORDS) && head.text != "time") {
                continue;
            }
            let base = base_name(&head.text);
            if is_unknown(head, base) {
                self.unknown = true;
                // Unquoted it may be empty, and then the next word is the name.
                if !head.quoted && !rest.is_empty() {
                    continue;
                }
            }
            self.path.clone_from(&head.text);
            self.name = base.to_lowercase();
            if let Some(name) = self.name.strip_suffix(".exe") {
                self.name = name.to_owned();
            }
            if self.is(SHELL_STARTERS) && self.scripts.is_empty() {
                self.scripts.extend(command_option(rest));
            }
            // A command that is only looked up.
            let looks_up = self.name == "command"
                && rest.first().is_some_and(|word| matches!(word.text.as_str(), "-v" | "-V"));
            let wrapper = wrappers::find(&self.name).filter(|_| !looks_up);
            let started = wrapper.map(|wrapper| (wrapper, wrapper.before_command(rest)));
            let Some((wrapper, before)) = started.filter(|(_, before)| *before < rest.len()) else {
                self.args = rest.to_vec();
                return;
            };
            let args = Rc::from(rest.get(..before).unwrap_or_default());
            self.through.push(Through { name: wrapper.name(), args });
            at += before;
            // Some read their arguments as a shell does: `ssh host 'a; b'`, `watch 'a b'`, `env -S 'a b'`.
            let command = words.get(at..).unwrap_or_default();
            if command.first().is_some_and(|word| word.text.contains(char::is_whitespace)) {
                self.scripts.push(joined(command));
                return;
            }
        }
    }

    /// Finds texts in its arguments that a shell reads.
    fn find_scripts(&mut self) {
        let rest_after = |option: &str| {
            let at = self.args.iter().position(|word| word.text.eq_ignore_ascii_case(option));
            at.and_then(|at| self.args.get(at + 1..)).map(joined)
        };
        let found: Vec<String> = match self.name.as_str() {
            name if is_shell(name) => match shell_source(&self.args) {
                Source::Argument(text) => vec![text],
                Source::File | Source::Input => Vec::new(),
            },
            "eval" => vec![joined(&self.args)],
            "trap" => self.operands().next().map(str::to_owned).into_iter().collect(),
            "alias" => self.texts().filter_map(|text| Some(text.split_once('=')?.1.to_owned())).collect(),
            "cmd" => ["/c", "/k"].into_iter().filter_map(rest_after).collect(),
            "pwsh" | "powershell" => ["-c", "-command"].into_iter().filter_map(rest_after).collect(),
            _ => Vec::new(),
        };
        self.scripts.extend(found);
        for through in &self.through {
            let split = through.args.iter().filter(|_| through.name == "env");
            let split = split.filter_map(|word| {
                word.text.strip_prefix("-S").or_else(|| word.text.strip_prefix("--split-string="))
            });
            self.scripts.extend(split.map(str::to_owned));
        }
    }

    /// The commands that `find` would start, as steps of their own.
    pub(super) fn found_commands(&self) -> Vec<Step> {
        const STARTS: &[&str] = &["-exec", "-execdir", "-ok", "-okdir"];
        if !self.is(&["find", "gfind"]) {
            return Vec::new();
        }
        let all: Rc<[Word]> = Rc::from(self.args.as_slice());
        let mut steps = Vec::new();
        for pieces in self.args.split(|word| matches!(word.text.as_str(), ";" | "+")) {
            let start = pieces.iter().position(|word| STARTS.contains(&word.text.as_str()));
            let Some(at) = start else { continue };
            let words = pieces.get(at + 1..).unwrap_or_default().to_vec();
            let mut step = Step::of(Command { words, ..Command::default() });
            step.through.insert(0, Through { name: "find", args: Rc::clone(&all) });
            steps.push(step);
        }
        steps
    }
}

/// The name after the last slash.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the name of a program is only known when it runs. A known name in an unknown folder is known.
fn is_unknown(head: &Word, base: &str) -> bool {
    let expands = head.dynamic && (base.is_empty() || base.contains(['$', '`', ')', '}']));
    let matches = !head.quoted && base.contains(['*', '?', '[']) && !matches!(base, "[" | "[[");
    expands || matches
}

/// The value of `-c` or `--command`.
fn command_option(args: &[Word]) -> Option<String> {
    let takes = |text: &str| {
        text == "--command" || (text.starts_with('-') && !text.starts_with("--") && text.ends_with('c'))
    };
    let pair = args.iter().zip(args.iter().skip(1)).find(|(option, _)| takes(&option.text));
    let glued = || args.iter().find_map(|word| word.text.strip_prefix("--command="));
    pair.map(|(_, value)| value.text.as_str()).or_else(glued).map(str::to_owned)
}

/// The words with a blank between each.
pub(super) fn joined(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}
