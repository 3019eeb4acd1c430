//! What may not be lost or doubled: prompts, images and answers, as clients and hosts know them. Knows nothing of
//! the bridge.

use std::collections::{BTreeMap, BTreeSet};

/// The books of a run.
#[derive(Default, Debug)]
pub(super) struct Ledger {
    pub(super) failure: Option<String>,
    /// Whether nothing is expected of prompts and images.
    pub(super) is_lax: bool,
    /// Whether hosts bind images to the prompt that follows them. Otherwise they go with the next turn, whose ever
    /// that is.
    pub(super) binds: bool,
    /// Turns that ended.
    pub(super) turns: u64,
    /// By what stands in them.
    pub(super) prompts: BTreeMap<String, Prompt>,
    /// Images that were asked to be attached, by session, since prompts of it may be gone.
    pub(super) drawn: BTreeMap<String, Vec<String>>,
    /// Images that may be gone.
    excused: BTreeSet<String>,
    /// What stands in the prompts of the turn that took an image, by its path.
    images: BTreeMap<String, Vec<String>>,
    /// What clients wait for.
    asked: BTreeMap<(u64, i64), String>,
}

/// A prompt that somebody wrote.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) session: String,
    /// What the client was answered: whether it was accepted.
    pub(super) accepted: Option<bool>,
    /// Turns that were of it.
    pub(super) begun: u32,
    /// Whether a stop behind it was answered before it had begun.
    pub(super) is_stopped: bool,
    /// Whether it may be gone: its session was closed or left, its turn was stopped, or it was reported as not
    /// run.
    pub(super) is_excused: bool,
    /// Images that had been attached before it, and that no turn had taken.
    pub(super) images: Vec<String>,
}

impl Ledger {
    /// Something is wrong. The first counts.
    pub(super) fn fail(&mut self, what: String) {
        self.failure.get_or_insert(what);
    }

    pub(super) fn ask(&mut self, client: u64, id: i64, method: &str) {
        self.asked.insert((client, id), method.to_owned());
    }

    /// A client is answered.
    pub(super) fn answer(&mut self, client: u64, id: i64) {
        if self.asked.remove(&(client, id)).is_none() {
            self.fail(format!("client {client} is answered {id}, which it did not ask or was answered"));
        }
    }

    /// A client is gone, and waits for nothing.
    pub(super) fn leave(&mut self, client: u64) {
        self.asked.retain(|(of, _), _| *of != client);
    }

    /// A host begins a turn of these prompts, with these images.
    pub(super) fn begin(&mut self, prompts: &[String], images: &[String]) {
        if self.is_lax {
            return;
        }
        for text in prompts {
            let Some(prompt) = self.prompts.get_mut(text) else {
                return self.fail(format!("a turn of {text}, which nobody wrote"));
            };
            prompt.begun += 1;
            let (begun, is_stopped) = (prompt.begun, prompt.is_stopped);
            if begun > 1 {
                self.fail(format!("{text} is run twice"));
            }
            if is_stopped {
                self.fail(format!("{text} is run behind its stop"));
            }
        }
        for path in images {
            if self.images.insert(path.clone(), prompts.to_vec()).is_some() {
                self.fail(format!("{path} goes with two turns"));
            }
        }
    }

    /// Prompts of this session that are there may be gone from now on, with what goes with them.
    pub(super) fn excuse(&mut self, session: &str) {
        for prompt in self.prompts.values_mut().filter(|prompt| prompt.session == session) {
            prompt.is_excused = true;
        }
        self.excused.extend(self.drawn.remove(session).unwrap_or_default());
    }

    /// A stop is answered: what was asked before it and has not begun does so no more.
    pub(super) fn stopped(&mut self, session: &str, stop: &str) {
        let is_before = |text: &str| number(text) < number(stop);
        for (text, prompt) in self.prompts.iter_mut().filter(|(_, prompt)| prompt.session == session) {
            prompt.is_stopped |= prompt.begun == 0 && is_before(text);
        }
    }

    /// An image was reported as gone.
    pub(super) fn excuse_image(&mut self, path: &str) {
        self.excused.insert(path.to_owned());
    }

    /// All has come to its end.
    pub(super) fn settle(&mut self) {
        if let Some(((client, id), method)) = self.asked.first_key_value() {
            let text = format!("client {client} was never answered {id}, {method}");
            return self.fail(text);
        }
        let lost = |(text, prompt): (&String, &Prompt)| match (prompt.accepted, prompt.begun) {
            (Some(true), 0) if !prompt.is_excused => Some(format!("{text} was accepted, and is lost")),
            (Some(false), 1) => Some(format!("{text} was refused, and is run")),
            (Some(true), 1) => {
                let lost = prompt.images.iter().find(|path| !self.went_right(path, text));
                lost.map(|path| format!("{path} did not go with {text}, but {:?}", self.images.get(path)))
            }
            _ => None,
        };
        if let Some(what) = self.prompts.iter().find_map(lost) {
            self.fail(what);
        }
    }

    /// Whether an image went with this prompt, which is the first that was written after it was attached. It may
    /// have gone with one that was written while nobody knew yet that it is.
    fn went_right(&self, path: &str, prompt: &str) -> bool {
        let Some(went) = self.images.get(path) else { return self.excused.contains(path) };
        let since = number(path)..=number(prompt);
        !self.binds || went.iter().any(|text| since.contains(&number(text)))
    }
}

/// Prompts, images and stops are counted as one. The number is the last one that stands in its name.
fn number(name: &str) -> Option<u64> {
    name.rsplit(|letter: char| !letter.is_ascii_digit()).find_map(|digits| digits.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_goes_with_the_prompt_that_followed_it() {
        let (one, two, path) = ("prompt-4-", "prompt-6-", "/i/0000000a 5.png");
        for (binds, with, is_right) in [(true, two, true), (true, one, false), (false, one, true)] {
            let mut ledger = Ledger { binds, ..Ledger::default() };
            for (text, images) in [(one, vec![]), (two, vec![path.to_owned()])] {
                let session = "0000000a".to_owned();
                let prompt = Prompt {
                    session,
                    accepted: Some(true),
                    begun: 0,
                    is_stopped: false,
                    is_excused: false,
                    images,
                };
                ledger.prompts.insert(text.to_owned(), prompt);
            }
            for text in [one, two] {
                let images = if text == with { vec![path.to_owned()] } else { vec![] };
                ledger.begin(&[text.to_owned()], &images);
            }
            ledger.settle();
            assert_eq!(ledger.failure.is_none(), is_right, "{binds} {with}: {:?}", ledger.failure);
        }
    }
}
