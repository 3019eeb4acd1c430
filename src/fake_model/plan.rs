//! What will be said to a request: its script, resolved against what the request offers and how far the
//! conversation has come. Pure; knows nothing of bytes.

use serde_json::json;

use super::ask::Ask;
use super::limits::CALLS_MAX;
use super::script::{Act, Faults, Script};
use super::speech::Part;

/// The tool that `APPROVE:` calls.
const TERMINAL: &str = "terminal";

/// The tool that `CLARIFY:` calls.
const CLARIFY: &str = "clarify";

/// What holds for all requests of a server.
#[derive(Clone, Default, Debug)]
pub(super) struct Defaults {
    /// Used for prompts without a script of their own.
    pub(super) script: Option<Script>,
    /// Tokens a second where no `RATE=` says otherwise; 0 is as fast as it goes.
    pub(super) rate: u64,
}

impl Defaults {
    /// Those of a server that was given this script and this rate. A script without a word of the language is
    /// said as it stands.
    pub(super) fn new(script: Option<&str>, rate: u64) -> Self {
        let read =
            |text: &str| Script::parse(text, rate).unwrap_or_else(|| Script::saying(text.to_owned(), rate));
        Self { script: script.map(read), rate }
    }

    /// The script of a request, and what to say by it. Side questions of an agent (a title, say) are not streamed
    /// and quote the conversation, so there only a script at the very start counts.
    pub(super) fn script_for(&self, ask: &Ask) -> Script {
        let own = match ask.stream {
            true => Script::find(&ask.prompt, self.rate),
            false => Script::parse(&ask.prompt, self.rate)
                .or_else(|| Script::find_verdicts(&ask.prompt, self.rate)),
        };
        let plain = || Script::saying(format!("You said: {}", ask.prompt.trim()), self.rate);
        own.or_else(|| self.script.clone()).unwrap_or_else(plain)
    }
}

/// Parts of an answer, in order. A batch of tool calls ends it; what follows in the script is said when their
/// results are there, behind `Tool said: …`.
pub(super) fn parts(script: &Script, ask: &Ask) -> Vec<Part> {
    let mut rounds = rounds(&script.acts, ask);
    let Some(results) = &ask.results else {
        let mut parts = if rounds.is_empty() { Vec::new() } else { rounds.swap_remove(0) };
        if script.reason > 0 {
            parts.insert(0, Part::Reason(script.reason));
        }
        return parts;
    };
    let mut parts = vec![Part::Say(format!("Tool said: {results}"))];
    if ask.rounds > 0 && ask.rounds < rounds.len() {
        parts.push(Part::Say(String::from("\n\n")));
        parts.append(&mut rounds[ask.rounds]);
    }
    parts
}

/// The script, cut behind each batch of tool calls.
fn rounds(acts: &[Act], ask: &Ask) -> Vec<Vec<Part>> {
    let mut rounds: Vec<Vec<Part>> = Vec::new();
    let mut calls = 0;
    let mut after_calls = true;
    for act in acts {
        let part = part(act, ask);
        let is_call = matches!(part, Part::Call { .. });
        calls += usize::from(is_call);
        if is_call && calls > CALLS_MAX {
            continue;
        }
        match rounds.last_mut() {
            Some(round) if is_call || !after_calls => round.push(part),
            _ => rounds.push(vec![part]),
        }
        after_calls = is_call;
    }
    rounds
}

fn part(act: &Act, ask: &Ask) -> Part {
    match act {
        Act::Tokens(count) => Part::Tokens(*count),
        Act::Wait(wait) => Part::Wait(*wait),
        Act::Say(text) => Part::Say(text.clone()),
        Act::Fail(text) => Part::Fail(text.clone()),
        Act::Huge(bytes) => Part::Huge(*bytes),
        Act::Call { name, arguments } if name.is_empty() => {
            let name = ask.tools.first().map_or("tool", String::as_str);
            Part::Call { name: name.to_owned(), arguments: arguments.clone() }
        }
        Act::Call { name, arguments } => Part::Call { name: name.clone(), arguments: arguments.clone() },
        Act::Clarify { question, choices } => {
            offered(ask, CLARIFY, || json!({ "question": question, "choices": choices }).to_string())
        }
        Act::Approve(command) => offered(ask, TERMINAL, || json!({ "command": command }).to_string()),
    }
}

/// A call of a tool of the agent's, or words if it has none.
fn offered(ask: &Ask, tool: &str, arguments: impl FnOnce() -> String) -> Part {
    match ask.tools.iter().any(|name| name == tool) {
        true => Part::Call { name: tool.to_owned(), arguments: arguments() },
        false => Part::Say(format!("The request offers no tool {tool}.")),
    }
}

/// The script by which a judge answers, with a name in the ledger of its own: its answers are counted apart from
/// those of the agent. Streams are no judges' answers.
pub(super) fn verdict(script: &Script, ask: &Ask, earlier: impl FnOnce(&str) -> u64) -> Option<Script> {
    let last = script.verdicts.len().checked_sub(1).filter(|_| !ask.stream)?;
    let name = format!("{}-judge", script.id.as_deref().unwrap_or("goal"));
    let at = usize::try_from(earlier(&name)).unwrap_or(last).min(last);
    let word = script.verdicts[at].as_str();
    let said = match (word, word.strip_prefix("wait").and_then(|seconds| seconds.parse::<u64>().ok())) {
        ("done" | "continue", _) => json!({ "verdict": word, "reason": "as the script says" }).to_string(),
        (_, Some(seconds)) => {
            let reason = "as the script says";
            json!({ "verdict": "wait", "wait_for_seconds": seconds, "reason": reason }).to_string()
        }
        _ => word.to_owned(),
    };
    Some(Script { id: Some(name), delay: script.delay, ..Script::saying(said, script.rate) })
}

/// The faults that hold for a request when `earlier` requests had the same name. Without a name there is nothing
/// to count by.
pub(super) fn faults(script: &Script, earlier: impl FnOnce(&str) -> u64) -> Faults {
    match (script.faults.times, &script.id) {
        (Some(times), Some(id)) if earlier(id) >= times => Faults::default(),
        _ => script.faults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(prompt: &str) -> Ask {
        Ask { tools: vec![String::from("read"), String::from("terminal")], ..Ask::plain(prompt) }
    }

    fn planned(ask: &Ask) -> Vec<Part> {
        parts(&Defaults::default().script_for(ask), ask)
    }

    fn say(text: &str) -> Part {
        Part::Say(text.into())
    }

    fn call(name: &str, arguments: &str) -> Part {
        Part::Call { name: name.into(), arguments: arguments.into() }
    }

    #[test]
    fn plain_prompts_are_repeated_and_tools_resolved() {
        assert_eq!(planned(&ask(" hello you ")), [say("You said: hello you")]);
        assert_eq!(planned(&ask("APPROVE:ls")), [call("terminal", r#"{"command":"ls"}"#)]);
        assert_eq!(planned(&ask("CLARIFY:q|a")), [say("The request offers no tool clarify.")]);
        assert_eq!(planned(&ask("TOOLS=1")), [call("read", r#"{"call":0}"#)]);
        assert_eq!(planned(&ask("REASON=2 TOKENS=1")), [Part::Reason(2), Part::Tokens(1)]);
    }

    #[test]
    fn a_batch_of_calls_ends_an_answer_and_the_script_goes_on_behind_it() {
        let mut ask = ask("REASON=1 TOKENS=1 TOOL:a\nTOOL:b\nTOKENS=2 TOOL:c\nSAY:end");
        assert_eq!(planned(&ask), [Part::Reason(1), Part::Tokens(1), call("a", "{}"), call("b", "{}")]);
        (ask.results, ask.rounds) = (Some("x".into()), 1);
        assert_eq!(planned(&ask), [say("Tool said: x"), say("\n\n"), Part::Tokens(2), call("c", "{}")]);
        ask.rounds = 2;
        assert_eq!(planned(&ask), [say("Tool said: x"), say("\n\n"), say("end")]);
        ask.rounds = 3;
        assert_eq!(planned(&ask), [say("Tool said: x")]);
    }

    #[test]
    fn the_script_of_the_server_is_for_prompts_without_one() {
        let defaults = Defaults::new(Some("TOKENS=3"), 30);
        assert_eq!(defaults.script_for(&ask("hello")).acts, [Act::Tokens(3)]);
        let own = defaults.script_for(&ask("TOKENS=4"));
        assert_eq!((own.acts, own.rate), (vec![Act::Tokens(4)], 30));
        assert_eq!(Defaults::new(Some("hi"), 0).script_for(&ask("x")).acts, [Act::Say("hi".into())]);
    }

    #[test]
    fn only_streams_look_behind_the_first_line() {
        let mut ask = ask("[note]\nTOKENS=3");
        assert_eq!(planned(&ask), [Part::Tokens(3)]);
        ask.stream = false;
        assert_eq!(planned(&ask), [say("You said: [note]\nTOKENS=3")]);
    }

    #[test]
    fn a_judge_gives_its_verdicts_in_order() {
        let text = "The goal:\nID=g VERDICT=continue,wait9,prose,done SAY:go\n\nTOKENS=3";
        let judge = Ask { stream: false, ..ask(text) };
        let script = Defaults::default().script_for(&judge);
        let said = |earlier: u64| {
            let mut named = None;
            let script = verdict(&script, &judge, |name| {
                named = Some(name.to_owned());
                earlier
            });
            assert_eq!(named.as_deref(), Some("g-judge"));
            match script.unwrap().acts.as_slice() {
                [Act::Say(text)] => text.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(said(0), r#"{"verdict":"continue","reason":"as the script says"}"#);
        assert_eq!(said(1), r#"{"verdict":"wait","wait_for_seconds":9,"reason":"as the script says"}"#);
        assert_eq!(said(2), "prose");
        assert_eq!((said(3), said(9)), (said(3), said(3)));
        assert!(said(3).contains("done"));
        assert_eq!(verdict(&script, &ask(text), |_| 0), None, "a stream is the agent's");
    }

    #[test]
    fn calls_are_bounded() {
        let lines = "TOOL:x\n".repeat(60);
        assert_eq!(planned(&ask(&format!("TOOLS=64 {lines}"))).len(), CALLS_MAX);
    }

    #[test]
    fn faults_may_pass() {
        let script = Script::parse("CUT=1 TIMES=2 ID=x", 0).unwrap();
        assert_eq!(faults(&script, |_| 1).cut, Some(1));
        assert_eq!(faults(&script, |_| 2), Faults::default());
        assert_eq!(faults(&Script::parse("CUT=1 TIMES=2", 0).unwrap(), |_| 9).cut, Some(1), "no name");
    }
}
