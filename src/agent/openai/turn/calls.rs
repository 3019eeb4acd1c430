//! An answer that calls tools: they run, or the model is told what is wrong with its calls, or it is asked
//! again. How calls run is `batch`'s.

use super::super::answer::{Answer, Finish};
use super::super::batch::{self, Bench, Flaw, Planned};
use super::super::kit::Kit;
use super::super::line::Given;
use super::super::shape::Shaper;
use super::{Counts, Run, say};
use crate::model::message::{Message, Role, ToolCall};
use crate::model::settings::Dialect;
use crate::model::turn::{TurnEnd, TurnStatus};

/// How often the model is asked again because a call's arguments are broken, before it is told (the
/// original's).
const MALFORMED_MAX: u32 = 2;

/// How often in a row it may call tools that do not exist (the original's).
const UNKNOWN_MAX: u32 = 3;

/// How often a call that was cut off is asked for again with a larger output limit, which doubles from the
/// first to the last of these (the original's).
const CUT_CALLS_MAX: u32 = 4;
const OUTPUT_FIRST: u64 = 8_192;
const OUTPUT_LAST: u64 = 32_768;

impl Run<'_> {
    /// Lets the calls run, so that the model can be called again; the end, if that is it.
    pub(super) fn take_calls(&mut self, answer: &Answer<'_>, kit: &Kit) -> Option<TurnEnd> {
        let calls = answer.calls(self.usage.calls);
        let cut = answer.finish() == Some(Finish::Length);
        let planned = match batch::plan(calls, kit) {
            Ok(planned) if !cut => planned,
            Ok(_) => return self.ask_again_for_cut_calls(),
            Err((_, Flaw::CutOff)) => return self.ask_again_for_cut_calls(),
            Err((_, Flaw::Malformed)) if self.count.malformed < MALFORMED_MAX => {
                self.count.malformed += 1;
                return None;
            }
            Err((calls, flaw)) => return self.refuse(answer, calls, &flaw, kit),
        };
        self.count = Counts::default();
        let message = self.calling(answer, batch::calls(&planned));
        self.say(vec![message]);
        self.run_calls(&planned, kit, &Given::default());
        None
    }

    /// Runs calls that the conversation has already, and says their results.
    pub(super) fn run_calls(&mut self, planned: &[Planned], kit: &Kit, given: &Given) {
        let Some(desk) = self.desk.clone() else { return };
        let window = self.endpoints.settings().context_length;
        let shaper = Shaper::new(&desk.home, &desk.key, window);
        let (agent, turn, io) = (self.agent, self.turn, self.io);
        let bench = Bench { agent, turn, kit, desk: &desk, shaper: &shaper, io, given };
        bench.run(planned, |results| say(io, &mut self.talk, results));
    }

    /// The model is told what is wrong with its calls.
    fn refuse(
        &mut self,
        answer: &Answer<'_>,
        mut calls: Vec<ToolCall>,
        flaw: &Flaw,
        kit: &Kit,
    ) -> Option<TurnEnd> {
        self.count.malformed = 0;
        if *flaw == Flaw::Unknown {
            self.count.unknown += 1;
            if self.count.unknown >= UNKNOWN_MAX {
                let why = String::from("The model keeps calling tools that do not exist.");
                return Some(self.end(TurnStatus::Error, Some(why)));
            }
        }
        let results = batch::refused(&mut calls, kit);
        let mut messages = vec![self.calling(answer, calls)];
        messages.extend(results);
        self.say(messages);
        None
    }

    /// Nothing of the answer is kept; the next one may be longer.
    fn ask_again_for_cut_calls(&mut self) -> Option<TurnEnd> {
        if self.count.cut == CUT_CALLS_MAX {
            let why = String::from("Response truncated due to output length limit");
            return Some(self.end(TurnStatus::Error, Some(why)));
        }
        let settings = self.endpoints.settings();
        // Where a limit is always sent, the first of these was not enough already.
        let step = self.count.cut + u32::from(settings.dialect == Dialect::Messages);
        let wider = (OUTPUT_FIRST << step).min(OUTPUT_LAST);
        self.max_tokens = Some(wider.max(settings.max_tokens));
        self.count.cut += 1;
        None
    }

    /// The answer as a message with these calls.
    fn calling(&mut self, answer: &Answer<'_>, calls: Vec<ToolCall>) -> Message {
        let text = self.join_begun(answer.text());
        let (reasoning, thoughts) = (answer.reasoning(), answer.thoughts());
        Message { reasoning, thoughts, calls, ..Message::new(Role::Assistant, text) }
    }
}
