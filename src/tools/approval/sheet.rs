//! A command as everything it would start, the texts that it hands to further shells included. Owns the
//! bounds of that; knows nothing of what is dangerous.

use super::interpreters::{self, is_shell};
use super::step::{Step, joined};
use super::words::{Command, split, split_crudely};

/// Deepest nesting of texts in texts, as in `sh -c "sh -c …"`.
const DEPTH_MAX: usize = 4;

/// Most bytes read for one command, over all texts in it.
const BYTES_MAX: usize = 1024 * 1024;

/// Most programs that one text's `find`s start. Nobody writes so many, and some rules look at each pair.
const FOUND_MAX: usize = 256;

/// What one text starts.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The programs. Those of the text stand in its order; those that `find` starts come after them.
    pub(super) steps: Vec<Step>,
    /// The text has no reading, or more than one.
    pub(super) unclear: bool,
}

/// Reads a command.
pub(super) fn read(command: &str) -> Vec<Sheet> {
    let mut sheets = Vec::new();
    let mut left = BYTES_MAX;
    let mut open = vec![(command.to_owned(), 0)];
    while let Some((text, depth)) = open.pop() {
        let Some(after) = left.checked_sub(text.len()).filter(|_| depth <= DEPTH_MAX) else {
            sheets.push(Sheet::crude(&text));
            break;
        };
        left = after;
        let script = split(&text);
        if script.unclear {
            sheets.push(Sheet::crude(&text));
        }
        let sheet = Sheet::of(script.commands);
        open.extend(sheet.texts().into_iter().map(|text| (text, depth + 1)));
        sheets.push(sheet);
    }
    sheets
}

impl Sheet {
    fn of(commands: Vec<Command>) -> Self {
        let mut steps: Vec<Step> = commands.into_iter().map(Step::of).collect();
        let found: Vec<Step> = steps.iter().flat_map(Step::found_commands).collect();
        let unclear = found.len() > FOUND_MAX;
        steps.extend(found.into_iter().take(FOUND_MAX));
        Self { steps, unclear }
    }

    fn crude(text: &str) -> Self {
        Self { unclear: true, ..Self::of(split_crudely(text)) }
    }

    /// The steps whose output this one reads.
    pub(super) fn upstream(&self, step: &Step) -> &[Step] {
        self.steps.get(step.upstream.clone()).unwrap_or_default()
    }

    /// The texts that further shells would read.
    fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for step in &self.steps {
            texts.extend(step.scripts.iter().cloned());
            if is_shell(&step.name) && interpreters::reads_code(&step.name, &step.args) {
                texts.extend(step.document.clone());
                let printed = self.upstream(step).iter().filter(|step| step.is(&["echo", "printf"]));
                texts.extend(printed.map(|step| joined(&step.args)));
                let copied = self.upstream(step).iter().filter_map(|step| step.document.clone());
                texts.extend(copied);
            }
        }
        texts
    }
}
