//! Model work outside of turns: a title, one question, a compression that was asked for, and a whole turn
//! that nobody watches. Runs on a thread of its own. Knows nothing of who waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mio::Events;

use super::compress::{self, Outcome, Plan};
use super::failure::Failure;
use super::fallback::Endpoints;
use super::quiet::{Asker, Question, Reply};
use super::{OpenAi, watch};
use crate::agent::{Agent, AgentControl, INTERRUPT_POLL, agent_io};
use crate::limits::{AGENT_MAIL_MAX, AGENT_TEXT_MAX, GOAL_JUDGE_LIMIT};
use crate::model::agent_event::AgentEvent;
use crate::model::ask::Answer;
use crate::model::errand::{Compressed, Errand, ErrandEnd};
use crate::model::provider::ModelChoice;
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus};
use crate::reactor::joining::{JoiningReceiver, joining_mailbox};
use crate::reactor::mailbox::{Mail, lone_bell};

/// Calls of the model in a background prompt at most: nobody sees where it goes (the original's).
const BACKGROUND_ITERATIONS: u32 = 25;

/// How long a title or an answer may take, all tries together (the original's).
const QUESTION_LIMIT: Duration = Duration::from_secs(60);

/// Tokens of a title, with what a model may think about it (the original's).
const TITLE_TOKENS: u64 = 500;

/// Characters of a prompt and of its answer that a title is made from, of a title, and of a title that was
/// cut (the original's).
const TITLE_INPUT_CHARS: usize = 500;
const TITLE_CHARS_MAX: usize = 80;
const TITLE_CHARS_CUT: usize = 77;

/// What the model is told that makes a title.
const TITLE: &str = "You name conversations. You are shown how one begins; do not answer it. Say what it is \
                     about in three to seven words of its own language, without quotation marks and without \
                     a full stop. Give the title alone.";

/// Characters that models like to put around a title.
const QUOTES: [char; 11] = ['"', '\'', '`', '*', '“', '”', '„', '‘', '’', '«', '»'];

/// A title may be introduced so; in lower case.
const TITLE_LABEL: &str = "title:";

/// Does the work; `stop` ends it early. Blocks for as long as it takes.
pub fn run(agent: &OpenAi, errand: Errand, stop: &Arc<AtomicBool>) -> ErrandEnd {
    match errand {
        Errand::Background(spec) => background(agent, *spec, stop),
        Errand::Title { model, prompt, answer } => title(agent, named(&model), &prompt, &answer, stop),
        Errand::Oneshot { model, instructions, input, max_tokens } => {
            let limit = QUESTION_LIMIT;
            let question = Question { system: &instructions, text: &input, max_tokens, limit };
            answered(ask(agent, named(&model), &question, stop))
        }
        Errand::Judge { model, instructions, input, max_tokens } => {
            let (limit, max_tokens) = (GOAL_JUDGE_LIMIT, Some(max_tokens));
            let question = Question { system: &instructions, text: &input, max_tokens, limit };
            // A verdict is what was said: one that was only thought of is none.
            match ask(agent, named(&model), &question, stop) {
                Ok(Reply { text, usage, .. }) => ErrandEnd::Text { text, usage },
                Err(failure) => ErrandEnd::Failed(failure.to_string()),
            }
        }
        Errand::Compress { spec, focus } => compress(agent, &spec, &focus, stop),
        // Ours is told its model with each turn, and knows no modes.
        Errand::Choose { .. } => ErrandEnd::Failed("this agent offers nothing to choose".to_owned()),
    }
}

/// The id of a choice; whose it is was decided with the agent's settings.
fn named(model: &Option<ModelChoice>) -> Option<&str> {
    model.as_ref().map(|model| model.name.as_str())
}

/// One question, to the session's model.
fn ask(
    agent: &OpenAi,
    model: Option<&str>,
    question: &Question<'_>,
    stop: &Arc<AtomicBool>,
) -> Result<Reply, Failure> {
    let asker = Asker {
        agent,
        endpoints: Endpoints::new(agent, model),
        watch: &watch::begin(Arc::clone(stop)),
        interrupted: &|| stop.load(Ordering::SeqCst),
    };
    asker.ask(question)
}

/// The text of a reply. Some models put everything into their reasoning.
fn answered(reply: Result<Reply, Failure>) -> ErrandEnd {
    match reply {
        Ok(Reply { text, reasoning, usage }) => {
            match Some(text).filter(|text| !text.is_empty()).or(reasoning) {
                Some(text) => ErrandEnd::Text { text, usage },
                None => nothing_said(),
            }
        }
        Err(failure) => ErrandEnd::Failed(failure.to_string()),
    }
}

fn nothing_said() -> ErrandEnd {
    ErrandEnd::Failed(String::from("the model said nothing"))
}

fn title(
    agent: &OpenAi,
    model: Option<&str>,
    prompt: &str,
    answer: &str,
    stop: &Arc<AtomicBool>,
) -> ErrandEnd {
    let first = |text: &str| text.chars().take(TITLE_INPUT_CHARS).collect::<String>();
    let question = Question {
        system: TITLE,
        text: &format!("The person: {}\n\nThe assistant: {}", first(prompt), first(answer)),
        max_tokens: Some(TITLE_TOKENS),
        limit: QUESTION_LIMIT,
    };
    match ask(agent, model, &question, stop) {
        Ok(Reply { text, usage, .. }) => match shaped(&text) {
            Some(text) => ErrandEnd::Text { text, usage },
            None => nothing_said(),
        },
        Err(failure) => ErrandEnd::Failed(failure.to_string()),
    }
}

/// A title as it is kept: the first line that says something, of a bounded length. `None` when there is none.
fn shaped(text: &str) -> Option<String> {
    let bare = |line: &str| {
        let line = line.trim_matches(|c: char| c.is_whitespace() || QUOTES.contains(&c));
        let label = line.get(..TITLE_LABEL.len()).filter(|label| label.eq_ignore_ascii_case(TITLE_LABEL));
        let title = &line[label.map_or(0, str::len)..];
        title.trim_matches(|c: char| c.is_whitespace() || QUOTES.contains(&c)).to_owned()
    };
    let title = text.lines().map(bare).find(|title| !title.is_empty())?;
    if title.chars().count() <= TITLE_CHARS_MAX {
        return Some(title);
    }
    let mut cut: String = title.chars().take(TITLE_CHARS_CUT).collect();
    cut.push_str("...");
    Some(cut)
}

/// Makes the conversation shorter, whatever its size, and whatever came of earlier tries.
fn compress(agent: &OpenAi, spec: &TurnSpec, focus: &str, stop: &Arc<AtomicBool>) -> ErrandEnd {
    let before = compress::tokens(&spec.history);
    let plan = Plan::asked(&agent.agent_settings.compression, before);
    let Some(prepared) = compress::prepare(spec.history.to_vec(), &plan) else {
        let (context, usage) = (spec.history.to_vec(), Default::default());
        return ErrandEnd::Compressed(Compressed { context, before, after: before, usage });
    };
    let question = Question {
        system: compress::SUMMARISER,
        text: &prepared.question(focus, agent.settings.context_length),
        max_tokens: None,
        limit: compress::SUMMARY_LIMIT,
    };
    // Unlike in a turn nothing is lost by a failure, so that nothing has to be left out.
    let (text, usage) = match ask(agent, spec.model_name(), &question, stop) {
        Ok(Reply { text, .. }) if text.is_empty() => return nothing_said(),
        Ok(Reply { text, usage, .. }) => (text, usage),
        Err(failure) => return ErrandEnd::Failed(failure.to_string()),
    };
    let desk = agent.toolbox.as_ref().map(|toolbox| toolbox.desk(spec));
    let todo = desk.as_ref().map(|desk| desk.open_items()).unwrap_or_default();
    let shrunk = prepared.finish(Some(&text), &todo);
    agent.compressions.note(&spec.session_key, Outcome::of(&shrunk, true), Instant::now());
    if let Some(desk) = desk {
        desk.forget_pages();
    }
    ErrandEnd::Compressed(Compressed { context: shrunk.context, before, after: shrunk.after, usage })
}

/// A turn of its own. Its answer is what it ends with.
fn background(agent: &OpenAi, spec: TurnSpec, stop: &Arc<AtomicBool>) -> ErrandEnd {
    let mut agent = agent.clone().without_background();
    agent.settings.iterations = agent.settings.iterations.min(BACKGROUND_ITERATIONS);
    let TurnEnd { status, text, usage, .. } = match attend(agent, spec, stop) {
        Ok(end) => end,
        Err(why) => return ErrandEnd::Failed(why),
    };
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match (status, text) {
        (TurnStatus::Complete, Some(text)) => ErrandEnd::Text { text, usage },
        (TurnStatus::Complete, None) => nothing_said(),
        (_, Some(why)) => ErrandEnd::Failed(why),
        (TurnStatus::Interrupted, None) => ErrandEnd::Failed(String::from("interrupted")),
        (TurnStatus::Error, None) => ErrandEnd::Failed(String::from("the agent failed")),
    }
}

/// Lets the agent run, and takes what it says until it is done. The error is a sentence.
fn attend(mut agent: OpenAi, spec: TurnSpec, stop: &AtomicBool) -> Result<TurnEnd, String> {
    let (mut poll, bell) = lone_bell().map_err(|error| format!("the agent cannot be watched: {error}"))?;
    let (sender, mail) = joining_mailbox(&bell, AGENT_MAIL_MAX, AGENT_TEXT_MAX);
    let (io, control) = agent_io(sender);
    let builder = thread::Builder::new().name(format!("agent-{}", spec.session_key));
    let thread = builder
        .spawn(move || agent.run(&spec, &io))
        .map_err(|error| format!("the agent cannot be started: {error}"))?;
    let mut events = Events::with_capacity(1);
    let mut is_told = false;
    loop {
        bell.silence();
        if is_over(&mail, &control) {
            break;
        }
        if !is_told && stop.load(Ordering::SeqCst) {
            control.interrupt();
            is_told = true;
        }
        // A wait that fails at once must not become a busy loop.
        if poll.poll(&mut events, Some(INTERRUPT_POLL)).is_err() {
            thread::sleep(INTERRUPT_POLL);
        }
    }
    thread.join().map_err(|_| String::from("the agent failed unexpectedly"))
}

/// Takes what waits; true when nothing will come any more. Nobody can be asked: questions are denied at once.
fn is_over(mail: &JoiningReceiver<AgentEvent>, control: &AgentControl) -> bool {
    loop {
        match mail.take() {
            Mail::Item(AgentEvent::Ask(ask, _)) | Mail::Newest(AgentEvent::Ask(ask, _)) => {
                control.answer(ask, Answer::Cancelled);
            }
            Mail::Item(_) | Mail::Newest(_) => {}
            Mail::Empty => return false,
            Mail::Closed => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_come_without_what_models_put_around_them() {
        for (said, title) in [
            ("Tabs or spaces", Some("Tabs or spaces")),
            ("\"Tabs or spaces\"\n", Some("Tabs or spaces")),
            ("Title: Tabs or spaces", Some("Tabs or spaces")),
            ("\n**TITLE: “Tabs or spaces”**\n\nIt is about tabs.", Some("Tabs or spaces")),
            ("Titles: none", Some("Titles: none")),
            ("ÄÖÜ", Some("ÄÖÜ")),
            ("Title:\nTabs", Some("Tabs")),
            (" \"\" \n", None),
            ("", None),
        ] {
            assert_eq!(shaped(said).as_deref(), title, "{said}");
        }
    }

    #[test]
    fn a_long_title_is_cut() {
        assert_eq!(shaped(&"é".repeat(80)).map(|title| title.chars().count()), Some(80));
        let cut = shaped(&"é".repeat(81)).unwrap();
        assert!(cut.chars().count() == 80 && cut.ends_with("é..."));
    }
}
