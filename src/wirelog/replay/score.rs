//! A conversation as its client plays it: which lines answer which, which events mark a step, and what each
//! session was told. Worked out once, for all who play it.

use std::collections::HashMap;

use super::cues::{Cue, cues};
use super::envelope::Envelope;
use super::script::Script;
use super::transcript::Transcript;
use crate::wirelog::entry::Side;

/// Events that a client waits for before it goes on: a turn's end, a question, the greeting.
const STEPS: &[&str] = &["gateway.ready", "message.complete", "error", "background.complete"];
/// Ends of the types that are questions.
const QUESTION: &str = ".request";

/// A session and the type of an event in it.
pub(super) type Step = (String, String);

/// The score of one conversation.
#[derive(Default, Debug)]
pub(super) struct Score {
    /// Of each line.
    pub(super) cues: Vec<Cue>,
    /// Of the lines that mark a step.
    pub(super) steps: HashMap<usize, Step>,
    /// What each session was told, by its recorded id.
    pub(super) sessions: HashMap<String, Transcript>,
}

impl Score {
    pub(super) fn of(script: &Script, conversation: usize) -> Self {
        let mut score = Self { cues: cues(script, conversation), ..Self::default() };
        let Some(part) = script.conversations.get(conversation) else { return score };
        for (at, line) in part.lines.iter().enumerate() {
            if line.by == Side::Client {
                continue;
            }
            let Some(event) = Envelope::of(script.document(line)).event() else { continue };
            let session = event.session.clone().into_owned();
            if is_step(&event.kind) {
                score.steps.insert(at, (session.clone(), event.kind.clone().into_owned()));
            }
            score.sessions.entry(session).or_default().add(&event, line.number);
        }
        score
    }
}

/// Whether a client waits for events of this type.
pub(super) fn is_step(kind: &str) -> bool {
    STEPS.contains(&kind) || kind.ends_with(QUESTION)
}
