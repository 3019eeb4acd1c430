//! An agent's question whether it may: what a person is asked, and which of the agent's options an answer is.
//! What it is about is read in [`super::subject`]. Pure; a word that is not one of the words that allow denies.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::call::ToolCallState;
use super::failure::Fault;
use super::subject::Subject;
use crate::model::ask::{Answer, Ask, Choice};
use crate::model::label::short_line;
use crate::tools::approval::shown;

/// Most options that are looked at; agents offer up to four kinds.
const OPTIONS_MAX: usize = 16;

/// Most things that are allowed for a session by us; beyond it the person is asked again.
const ALLOWED_MAX: usize = 256;

/// A question.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Permission {
    /// What it is about, in one line.
    title: String,
    /// The kind of tool, a word of the protocol.
    kind: String,
    /// All of it, for a person's eyes.
    text: String,
    /// What is allowed for a session; nothing where it can only be allowed once.
    key: Option<String>,
    /// Nobody may allow it.
    is_refused: bool,
    options: Vec<Offer>,
}

#[derive(PartialEq, Eq, Debug)]
struct Offer {
    id: String,
    kind: Kind,
}

/// What an option means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    AllowOnce,
    AllowAlways,
    RejectOnce,
    RejectAlways,
}

impl Kind {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "allow_once" => Some(Kind::AllowOnce),
            "allow_always" => Some(Kind::AllowAlways),
            "reject_once" => Some(Kind::RejectOnce),
            "reject_always" => Some(Kind::RejectAlways),
            _ => None,
        }
    }
}

impl Permission {
    /// Reads the parameters of `session/request_permission`. `known` is the tool call as it was told before:
    /// what the question leaves out is taken from there.
    ///
    /// # Errors
    /// They are wrong.
    pub(super) fn read(params: &Value, known: Option<&ToolCallState>) -> Result<Self, Fault> {
        let call = params.get("toolCall").filter(|call| call.is_object());
        let call = call.ok_or_else(|| Fault::params("toolCall has to be an object"))?;
        let options = params.get("options").and_then(Value::as_array);
        let options = options.ok_or_else(|| Fault::params("options have to be a list"))?;
        let subject = Subject::read(call, known);
        Ok(Self {
            title: short_line(&shown(subject.title)),
            kind: short_line(&shown(subject.kind)),
            text: shown(&subject.text()),
            key: subject.key(),
            is_refused: subject.is_refused(),
            options: options.iter().take(OPTIONS_MAX).filter_map(offer).collect(),
        })
    }

    /// What a person is asked.
    pub(super) fn question(&self) -> Ask {
        Ask::Approval {
            command: self.text.clone(),
            pattern_key: format!("agent: {}", self.kind),
            description: format!("the agent wants to: {}", self.title),
            allow_permanent: self.offer(Kind::AllowAlways).is_some(),
        }
    }

    /// The answer that needs no person: no to what is on our hard line, yes where approvals are off or the
    /// person allowed the same for the session.
    pub(super) fn settled(&self, asks_nobody: bool, allowed: &HashSet<String>) -> Option<Value> {
        if self.is_refused {
            return Some(self.refused());
        }
        let was_allowed = self.key.as_ref().is_some_and(|key| allowed.contains(key));
        (asks_nobody || was_allowed).then(|| self.allowed_once())
    }

    /// The answer of the protocol to a person's. What holds for the session is added to `allowed`: agents may
    /// keep their "always" for good, so that it is chosen by that word alone.
    pub(super) fn answered(&self, answer: &Answer, allowed: &mut HashSet<String>) -> Value {
        match answer {
            Answer::Choice(Choice::Once) => self.allowed_once(),
            Answer::Choice(Choice::Session) => self.allowed_for_session(allowed),
            Answer::Choice(Choice::Always) => match self.offer(Kind::AllowAlways) {
                Some(always) => selected(always),
                None => self.allowed_for_session(allowed),
            },
            Answer::Cancelled => cancelled(),
            // An answer to another kind of question is no permission.
            Answer::Choice(Choice::Deny) | Answer::TimedOut | Answer::Text(_) | Answer::Secret(_) => {
                self.refused()
            }
        }
    }

    fn allowed_for_session(&self, allowed: &mut HashSet<String>) -> Value {
        if let Some(key) = &self.key
            && self.offer(Kind::AllowOnce).is_some()
            && allowed.len() < ALLOWED_MAX
        {
            allowed.insert(key.clone());
        }
        self.allowed_once()
    }

    /// Yes for once, or no where the agent does not offer that: "always" is more than was said.
    fn allowed_once(&self) -> Value {
        self.offer(Kind::AllowOnce).map_or_else(|| self.refused(), selected)
    }

    fn refused(&self) -> Value {
        self.offer(Kind::RejectOnce).map_or_else(cancelled, selected)
    }

    fn offer(&self, kind: Kind) -> Option<&Offer> {
        self.options.iter().find(|offer| offer.kind == kind)
    }
}

/// The answer when the turn was stopped.
pub(super) fn cancelled() -> Value {
    json!({ "outcome": { "outcome": "cancelled" } })
}

fn selected(offer: &Offer) -> Value {
    json!({ "outcome": { "outcome": "selected", "optionId": offer.id } })
}

fn offer(option: &Value) -> Option<Offer> {
    let kind = Kind::parse(option.get("kind")?.as_str()?)?;
    Some(Offer { id: option.get("optionId")?.as_str()?.to_owned(), kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(kinds: &[&str], call: Value) -> Permission {
        let options: Vec<Value> = kinds
            .iter()
            .map(|kind| json!({"optionId": format!("o-{kind}"), "name": "x", "kind": kind}))
            .collect();
        Permission::read(&json!({"sessionId": "s", "toolCall": call, "options": options}), None).unwrap()
    }

    fn call() -> Value {
        json!({"toolCallId": "1", "kind": "edit", "title": "Edit f", "locations": [{"path": "/w/f"}]})
    }

    fn chosen(permission: &Permission, answer: Answer) -> Value {
        permission.answered(&answer, &mut HashSet::new())["outcome"].clone()
    }

    const ALL: [&str; 4] = ["allow_always", "allow_once", "reject_once", "reject_always"];

    #[test]
    fn an_answer_is_the_option_that_means_it() {
        let all = permission(&ALL, call());
        for (choice, option) in [
            (Choice::Once, "o-allow_once"),
            (Choice::Session, "o-allow_once"),
            (Choice::Always, "o-allow_always"),
            (Choice::Deny, "o-reject_once"),
        ] {
            let want = json!({"outcome": "selected", "optionId": option});
            assert_eq!(chosen(&all, Answer::Choice(choice)), want);
        }
        assert_eq!(chosen(&all, Answer::Cancelled), json!({"outcome": "cancelled"}));
        for answer in [Answer::TimedOut, Answer::Text("yes".to_owned())] {
            assert_eq!(chosen(&all, answer)["optionId"], "o-reject_once");
        }
    }

    #[test]
    fn what_is_not_offered_is_never_allowed() {
        let cancelled = json!({"outcome": "cancelled"});
        assert_eq!(chosen(&permission(&["allow_always"], call()), Answer::Choice(Choice::Once)), cancelled);
        assert_eq!(chosen(&permission(&["reject_always"], call()), Answer::Choice(Choice::Deny)), cancelled);
        assert_eq!(chosen(&permission(&["allow"], call()), Answer::Choice(Choice::Always)), cancelled);
        assert_eq!(chosen(&permission(&[], call()), Answer::Choice(Choice::Session)), cancelled);
    }

    #[test]
    fn what_holds_for_the_session_is_remembered_by_what_it_is() {
        let call = |title: &str, input: &str| {
            let input = json!({ "script": input });
            let place = json!({ "path": "/w/f" });
            json!({"toolCallId": "1", "title": title, "rawInput": input, "locations": [place]})
        };
        let edit = |text: &str| {
            let input = json!({ "command": "create", "text": text });
            json!({"toolCallId": "1", "kind": "edit", "title": "Edit", "rawInput": input})
        };
        let once = permission(&ALL, call("Shell", "a"));
        let mut allowed = HashSet::new();
        assert_eq!(once.settled(false, &allowed), None);
        let answer = once.answered(&Answer::Choice(Choice::Session), &mut allowed);
        assert_eq!(once.settled(false, &allowed), Some(answer));
        let long = permission(&ALL, call(&format!("{}a", "x".repeat(100)), ""));
        for allowing in [long, permission(&ALL, edit("a"))] {
            allowing.answered(&Answer::Choice(Choice::Session), &mut allowed);
        }
        let mut moved = call("Shell", "a");
        moved["locations"][0]["path"] = json!("/w/g");
        let longer = call(&format!("{}b", "x".repeat(100)), "");
        for other in [moved, call("Shell", "b"), longer, edit("b")] {
            assert_eq!(permission(&ALL, other).settled(false, &allowed), None);
        }
    }

    #[test]
    fn the_hard_line_holds_where_approvals_are_off() {
        let run = |command: Value| {
            let input = json!({"command": command});
            let call = json!({"toolCallId": "1", "kind": "execute", "title": "Run", "rawInput": input});
            permission(&ALL, call).settled(true, &HashSet::new()).unwrap()["outcome"]["optionId"].clone()
        };
        assert_eq!(run(json!("rm -rf build")), "o-allow_once");
        assert_eq!(run(json!(["echo", "rm -rf /"])), "o-allow_once");
        for refused in [
            json!("rm -rf /"),
            json!(["rm", "-rf", "/"]),
            json!(["bash", "-lc", "rm -rf /"]),
            // These cannot be looked over.
            json!(["rm", 7]),
            json!(["", "-rf"]),
            json!("x".repeat(1 << 20)),
        ] {
            assert_eq!(run(refused), "o-reject_once");
        }
    }

    #[test]
    fn what_the_question_leaves_out_is_what_was_told_before() {
        let asked = |told: Value| {
            let known = ToolCallState::new("1", "1".to_owned(), &told);
            let option = |kind: &str| json!({"optionId": kind, "kind": kind});
            let options = [option("allow_once"), option("reject_once")];
            let params = json!({"toolCall": {"toolCallId": "1", "rawInput": {}}, "options": options});
            Permission::read(&params, Some(&known)).unwrap()
        };
        let settled = |permission: &Permission| permission.settled(true, &HashSet::new()).unwrap();
        let run = |input: Value| asked(json!({"kind": "execute", "title": "Run", "rawInput": input}));
        let fine = run(json!({"command": "make"}));
        assert!(matches!(fine.question(), Ask::Approval { command, .. } if command == "make"));
        assert_eq!(settled(&fine)["outcome"]["optionId"], "allow_once");
        let titled = asked(json!({"kind": "execute", "title": "`rm -rf /`"}));
        let long = "x".repeat(1 << 20);
        for refused in [run(json!({"command": "rm -rf /"})), run(json!({"command": long})), titled] {
            assert_eq!(settled(&refused)["outcome"]["optionId"], "reject_once");
        }
        let edit = asked(json!({"kind": "edit", "title": "Edit", "rawInput": {"text": long}}));
        let mut allowed = HashSet::new();
        edit.answered(&Answer::Choice(Choice::Session), &mut allowed);
        assert!(allowed.is_empty(), "the next one may be another");
    }

    #[test]
    fn a_person_sees_what_it_is_about() {
        let Ask::Approval { command, description, allow_permanent, .. } = permission(&ALL, call()).question()
        else {
            panic!("another question")
        };
        assert_eq!((command.as_str(), allow_permanent), ("Edit f (/w/f)", true));
        assert!(description.contains("Edit f"));
        let trick = json!({"toolCallId": "1", "title": "Edit\u{1b}[2K\u{202e}"});
        let Ask::Approval { command, description, .. } = permission(&ALL, trick).question() else {
            panic!("another question")
        };
        assert_eq!(command, "Edit\\u{1b}[2K\\u{202e}");
        assert!(description.ends_with(&command), "{description}");
        let line = format!("echo {}; make", "a".repeat(10_000));
        let long = json!({"toolCallId": "1", "title": "Run", "rawInput": {"command": line}});
        let Ask::Approval { command, .. } = permission(&ALL, long).question() else {
            panic!("another question")
        };
        assert!(command.contains("characters not shown") && command.ends_with("; make"));
        let script =
            json!({"toolCallId": "1", "kind": "execute", "title": "Run", "rawInput": {"script": "x"}});
        let run = permission(&ALL, script).question();
        assert!(matches!(run, Ask::Approval { command, .. } if command == "Run\n{\"script\":\"x\"}"));
        assert!(Permission::read(&json!({"options": []}), None).is_err());
    }
}
