//! What people say: requests of every kind, at fitting and unfitting moments, and what is no request at all.

use std::fmt::Write;
use std::rc::Rc;

use super::call::{Call, Sent, prompt_text};
use super::dice::Dice;
use super::fault::Fault;
use super::people::Seen;
use super::world::World;
use crate::gateway::AskKind;
use crate::model::ask::Choice;
use crate::model::ids::SessionId;
use crate::transport::ws::Opcode;

/// Methods that look at a session.
const LOOKS: [&str; 4] = ["session.history", "session.usage", "session.status", "terminal.resize"];

/// Methods that are answered at once whatever happens.
const INLINES: [&str; 3] = ["session.active_list", "setup.status", "billing.state"];

/// Methods of the pool, with parameters and the code of their failure.
const POOLS: [(&str, &str, i64); 4] = [
    ("session.list", "\"limit\":5", 5006),
    ("config.get", "\"key\":\"busy\"", 5013),
    ("complete.path", "\"word\":\"a\"", 5021),
    ("paste.collapse", "\"text\":\"a\\nb\"", 5027),
];

/// Methods that change a session, with parameters.
const EDITS: [(&str, &str); 4] = [
    ("session.undo", ""),
    ("command.dispatch", ",\"name\":\"undo\""),
    ("command.dispatch", ",\"name\":\"retry\""),
    ("slash.exec", ",\"command\":\"/usage\""),
];

/// What is no request, with the code that says so.
const GARBAGE: [(&str, i64); 5] = [
    ("not json", -32700),
    ("[1,2]", -32600),
    ("{\"id\":null}", -32600),
    ("{\"method\":\"nope\"}", -32601),
    ("{\"method\":\"session.list\",\"params\":5}", -32602),
];

/// Breaks the WebSocket protocol: no mask, a binary message, an unknown opcode, text that is no UTF-8.
const VIOLATIONS: [&[u8]; 4] =
    [b"\x81\x01a", b"\x82\x81\0\0\0\0a", b"\x83\x80\0\0\0\0", b"\x81\x82\0\0\0\0\xc3\x28"];

impl World {
    /// A person says what fits, or what does not.
    pub(super) fn talk(&mut self, person: usize, dice: &mut Dice) {
        if !self.people[person].conn.as_ref().is_some_and(|conn| conn.is_open()) {
            return;
        }
        let takeovers = self.plan.faults.has(Fault::Takeovers);
        let session = match dice.below(20) {
            0 if takeovers && !self.directory.is_empty() => {
                Some(self.directory[dice.below(self.directory.len())].clone())
            }
            // One that never was.
            1 => Some((SessionId::from_bits(dice.bits() as u32), String::new())),
            _ => self.people[person].some_session(dice),
        };
        let Some((session, key)) = session else { return self.create(person, dice) };
        let seen = &self.people[person].seen;
        let answers = if seen.is_empty() { 0 } else { 60 };
        let stale = if self.plan.faults.has(Fault::StaleAnswers) { 10 } else { 1 };
        match dice.weighted(&[70, answers, stale, 8, 8, 14, 6, 3, 8, 6, 8, 6, 4]) {
            0 => self.submit(person, session, dice),
            1 => {
                let seen = seen[dice.below(seen.len())];
                self.answer(person, seen, dice);
            }
            2 => {
                let kind = dice.pick(&[AskKind::Approval, AskKind::Clarify, AskKind::Sudo, AskKind::Secret]);
                let request = self.last_request.wrapping_add(dice.below(3) as u32);
                self.answer(person, Seen { session, request, kind }, dice);
            }
            3 => self.on_session(person, "session.interrupt", Call::Interrupt { session }, session),
            4 => self.steer(person, session),
            5 => self.resume(person, session, &key, dice),
            6 => self.on_session(person, "session.activate", Call::Activate { session }, session),
            7 => self.on_session(person, "session.close", Call::Close { session }, session),
            8 => self.on_session(person, dice.pick(&LOOKS), Call::Look { session }, session),
            9 => self.request(person, dice.pick(&INLINES), "", Call::Inline),
            10 => {
                let (method, params, code) = dice.pick(&POOLS);
                self.request(person, method, params, Call::Pool { code });
            }
            11 => self.edit(person, session, dice),
            _ => self.create(person, dice),
        }
    }

    /// Changes what was, or how it is called.
    fn edit(&mut self, person: usize, session: SessionId, dice: &mut Dice) {
        if dice.chance(20) {
            let params = format!("\"session_id\":\"{session}\",\"title\":\"t{}\"", self.requests);
            return self.request(person, "session.title", &params, Call::Title { session });
        }
        let (method, more) = dice.pick(&EDITS);
        let params = format!("\"session_id\":\"{session}\"{more}");
        self.request(person, method, &params, Call::Edit);
    }

    /// Opens a session.
    pub(super) fn create(&mut self, person: usize, dice: &mut Dice) {
        let with_client = dice.chance(15);
        let params = if with_client { "\"close_on_disconnect\":true" } else { "" };
        self.request(person, "session.create", params, Call::Create { with_client });
    }

    /// Names a session in every way a client may.
    pub(super) fn resume(&mut self, person: usize, session: SessionId, key: &str, dice: &mut Dice) {
        let by_key = !key.is_empty() && !dice.chance(50);
        let name = if by_key { key } else { session.as_str() };
        let params = format!("\"session_id\":\"{name}\",\"cols\":80");
        self.request(person, "session.resume", &params, Call::Resume { session, by_key });
    }

    fn submit(&mut self, person: usize, session: SessionId, dice: &mut Dice) {
        let prompt = self.next_prompt();
        let words = match self.plan.faults.has(Fault::HugeFrames) && dice.chance(10) {
            true => dice.below(2_000),
            false => dice.below(6),
        };
        let mut text = prompt_text(prompt, words);
        if self.plan.faults.has(Fault::Garbage) && dice.chance(10) {
            text.push_str("\\ud800");
        }
        let params = format!("\"session_id\":\"{session}\",\"text\":\"{text}\"");
        self.request(person, "prompt.submit", &params, Call::Submit { session, prompt });
    }

    fn steer(&mut self, person: usize, session: SessionId) {
        let prompt = self.next_prompt();
        let params = format!("\"session_id\":\"{session}\",\"text\":\"{}\"", prompt_text(prompt, 1));
        self.request(person, "session.steer", &params, Call::Steer { session, prompt });
    }

    /// Calls a method that takes a session and nothing else.
    pub(super) fn on_session(&mut self, person: usize, method: &str, call: Call, session: SessionId) {
        self.request(person, method, &format!("\"session_id\":\"{session}\""), call);
    }

    /// Answers a question on the screen, or one that is not.
    pub(super) fn answer(&mut self, person: usize, seen: Seen, dice: &mut Dice) {
        let Seen { session, request, kind } = seen;
        if kind == AskKind::Approval {
            let (choice, word) =
                dice.pick(&[(Choice::Once, "once"), (Choice::Always, "always"), (Choice::Deny, "perhaps")]);
            let mut params = format!("\"session_id\":\"{session}\",\"choice\":\"{word}\"");
            let (named, all) = (dice.chance(60), dice.chance(20));
            if named {
                let _ = write!(params, ",\"request_id\":\"{request:08x}\"");
            }
            if all {
                params.push_str(",\"all\":true");
            }
            let request = named.then_some(request);
            return self.request(
                person,
                "approval.respond",
                &params,
                Call::Approve { session, request, all, choice },
            );
        }
        let (method, member) = match kind {
            AskKind::Clarify => ("clarify.respond", "answer"),
            AskKind::Sudo => ("sudo.respond", "password"),
            AskKind::Secret | AskKind::Approval => ("secret.respond", "value"),
        };
        let text = format!("a{}", dice.below(100));
        let params = format!("\"request_id\":\"{request:08x}\",\"{member}\":\"{text}\"");
        self.request(person, method, &params, Call::Answer { kind, request, text });
    }

    /// Says what is no request, or breaks the protocol.
    pub(super) fn garbage(&mut self, person: usize, dice: &mut Dice) {
        let at = self.clock.elapsed();
        let Some(conn) = self.people[person].conn.as_mut().filter(|conn| conn.is_open()) else { return };
        if dice.chance(15) {
            conn.send_raw(dice.pick(&VIOLATIONS));
            conn.leaving = true;
            self.trace.note(at, "person", person as u64, || format!("{person} breaks the protocol"));
        } else if dice.chance(10) {
            // Blank: no document at all.
            conn.send(Opcode::Text, b" \n", 0);
        } else {
            let (text, code) = dice.pick(&GARBAGE);
            conn.send(Opcode::Text, text.as_bytes(), dice.bits() as u32);
            self.sent[conn.sock].push_back(Rc::new(Sent { id: None, call: Call::Unread { code } }));
            self.trace.note(at, "person", person as u64, || format!("{person} says {text}"));
        }
        self.pump(person);
    }

    /// Sends a request.
    pub(super) fn request(&mut self, person: usize, method: &str, params: &str, call: Call) {
        let at = self.clock.elapsed();
        self.requests += 1;
        let id = self.requests;
        let Some(conn) = &mut self.people[person].conn else { return };
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let _ = write!(
            text,
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{{params}}}}}"
        );
        self.trace.note(at, "person", person as u64, || format!("{person} asks {text}"));
        let sent = Rc::new(Sent { id: Some(id), call });
        conn.send(Opcode::Text, text.as_bytes(), id as u32);
        conn.asked(&sent);
        self.sent[conn.sock].push_back(sent);
        self.text = text;
        self.pump(person);
    }
}
