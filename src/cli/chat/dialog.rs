//! The conversation as a state machine. Pure: frames and typed lines in, acts out; knows no socket, no
//! terminal and no time.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::question::{Question, skipped};
use super::view::{Piece, catalog, view};

/// Questions that may wait for a person. An agent asks one at a time; what comes beyond is refused at once.
const QUESTIONS_MAX: usize = 16;
/// Answers whose reply is waited for; beyond that, a refusal of one goes unseen.
const PENDING_MAX: usize = 64;
/// Bytes that are kept, at least, of the end of an answer that is longer.
const TAIL_MIN: usize = 1024;
/// What is wrong with the settings: where a session says so, and what it is shown as.
const FAULTS: [(&str, &str); 2] = [("config_warning", "config"), ("credential_warning", "key")];
/// Shown where a prompt may be typed.
const PROMPT: &str = "> ";

/// Something to do, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// Send this message.
    Send(String),
    /// Show this.
    Show(Piece),
    /// A line may be typed; show this first.
    Invite(&'static str),
    /// A question is put: show it. Lines that came before are not its answer.
    Ask(String),
    /// The conversation is over; an error says why.
    Finish(Result<(), String>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Waits for `gateway.ready`.
    Greeting,
    /// Waits for a session.
    Creating,
    /// A line may come.
    Idle,
    /// A request of the person is under way: a listing, a command.
    Asked,
    /// A prompt is under way.
    Turn,
    /// Nothing more is done.
    Over,
}

/// What the reply to a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    Create,
    Submit,
    Catalog,
    Command,
    Answer,
}

/// One conversation in one session.
#[derive(Debug)]
pub(super) struct Dialog {
    /// The only prompt, if there is only one.
    once: Option<String>,
    phase: Phase,
    session: String,
    requests: u64,
    /// Requests without a reply yet.
    pending: Vec<(u64, Purpose)>,
    questions: VecDeque<Question>,
    /// Whether a piece of this turn's answer came.
    streamed: bool,
    /// The end of what came, to tell a text that was shown from one that was not.
    tail: String,
    /// The last warning of this turn.
    warned: Option<String>,
    /// What is wrong with the settings, as it was shown last.
    faults: [Option<String>; FAULTS.len()],
}

impl Dialog {
    /// A conversation; with `once` it is over when that prompt is answered.
    pub(super) fn new(once: Option<String>) -> Self {
        Self {
            once,
            phase: Phase::Greeting,
            session: String::new(),
            requests: 0,
            pending: Vec::new(),
            questions: VecDeque::new(),
            streamed: false,
            tail: String::new(),
            warned: None,
            faults: Default::default(),
        }
    }

    /// Whether there is a session to talk in.
    pub(super) fn is_established(&self) -> bool {
        !matches!(self.phase, Phase::Greeting | Phase::Creating)
    }

    /// Whether the next line answers a question.
    pub(super) fn is_asking(&self) -> bool {
        !self.questions.is_empty()
    }

    /// Whether a line can be taken now.
    pub(super) fn wants_line(&self) -> bool {
        self.phase != Phase::Over && (self.is_asking() || self.phase == Phase::Idle)
    }

    /// A message from the gateway.
    pub(super) fn on_frame(&mut self, text: &str) -> Vec<Act> {
        let mut acts = Vec::new();
        match serde_json::from_str::<Value>(text) {
            _ if self.phase == Phase::Over => {}
            Ok(frame) if frame["method"] == "event" => self.on_event(&frame["params"], &mut acts),
            Ok(frame) if frame.is_object() => self.on_reply(&frame, &mut acts),
            _ => self.finish(Err("the other end does not speak JSON-RPC".to_owned()), &mut acts),
        }
        acts
    }

    /// A typed line; `None` is the end of the input. Only where [`Dialog::wants_line`].
    pub(super) fn on_line(&mut self, line: Option<&str>) -> Vec<Act> {
        let mut acts = Vec::new();
        if let Some(question) = self.questions.pop_front() {
            let (method, params) = question.answer(line, &self.session);
            self.request(Purpose::Answer, method, params, &mut acts);
            self.ask_next(&mut acts);
        } else if self.phase == Phase::Idle {
            match line.map(str::trim) {
                None | Some("/quit" | "/exit") => self.finish(Ok(()), &mut acts),
                Some("") => acts.push(Act::Invite(PROMPT)),
                Some("/help") => {
                    self.phase = Phase::Asked;
                    self.request(Purpose::Catalog, "commands.catalog", json!({}), &mut acts);
                }
                Some(line) => match command(line) {
                    Some(command) => self.run_command(command, &mut acts),
                    None => self.submit(line, &mut acts),
                },
            }
        }
        acts
    }

    fn on_event(&mut self, params: &Value, acts: &mut Vec<Act>) {
        let kind = params["type"].as_str().unwrap_or_default();
        if kind == "gateway.ready" && self.phase == Phase::Greeting {
            self.phase = Phase::Creating;
            let params = json!({ "close_on_disconnect": self.once.is_some() });
            return self.request(Purpose::Create, "session.create", params, acts);
        }
        // Other sessions of this connection, and everything before there is one.
        if !self.is_established() || params["session_id"].as_str() != Some(&self.session) {
            return;
        }
        let payload = &params["payload"];
        if let Some(question) = Question::from_event(kind, payload) {
            return self.on_question(question, acts);
        }
        if let Some((method, params)) = skipped(kind, payload, &self.session) {
            acts.push(Act::Show(Piece::Note(format!("[{kind}: skipped, it cannot be answered here]"))));
            return self.request(Purpose::Answer, method, params, acts);
        }
        match kind {
            "message.start" => self.begin_turn(),
            "session.info" => return self.on_info(payload, acts),
            "status.update" if payload["kind"] == "warn" => {
                self.warned = payload["text"].as_str().map(str::to_owned);
            }
            "message.complete" => return self.on_complete(payload, acts),
            "error" => return self.on_error(payload["message"].as_str().unwrap_or("unknown error"), acts),
            _ => {}
        }
        if let Some(piece) = view(kind, payload) {
            if let Piece::Answer(text) = &piece {
                self.streamed = true;
                keep_end(&mut self.tail, text);
            }
            acts.push(Act::Show(piece));
        }
    }

    fn on_question(&mut self, question: Question, acts: &mut Vec<Act>) {
        if self.questions.len() >= QUESTIONS_MAX {
            let (method, params) = question.answer(None, &self.session);
            return self.request(Purpose::Answer, method, params, acts);
        }
        self.questions.push_back(question);
        if self.questions.len() == 1 {
            self.ask_next(acts);
        }
    }

    fn ask_next(&self, acts: &mut Vec<Act>) {
        acts.extend(self.questions.front().map(|question| Act::Ask(question.prompt())));
    }

    fn on_complete(&mut self, payload: &Value, acts: &mut Vec<Act>) {
        let text = payload["text"].as_str().unwrap_or_default();
        let failed = payload["status"] == "error";
        if !self.streamed && !failed && !text.is_empty() {
            acts.push(Act::Show(Piece::Answer(text.to_owned())));
        }
        if let Some(warning) = payload["warning"].as_str() {
            acts.push(Act::Show(Piece::Note(format!("[warning] {warning}"))));
            self.warned = Some(warning.to_owned());
        }
        acts.push(Act::Show(Piece::AnswerEnd));
        let result = match payload["status"].as_str() {
            // Half an answer, which was shown already, is no reason.
            Some("error") if text.is_empty() || self.was_shown(text) => {
                Err(self.warned.take().unwrap_or_else(|| "the turn failed".to_owned()))
            }
            Some("error") => Err(text.to_owned()),
            Some("interrupted") => Err("interrupted".to_owned()),
            _ => Ok(()),
        };
        self.end_turn(result, acts);
    }

    /// Nothing of the turn to come was shown yet.
    fn begin_turn(&mut self) {
        self.streamed = false;
        self.tail.clear();
        self.warned = None;
    }

    /// Whether the end of this text is the end of what came in pieces.
    fn was_shown(&self, text: &str) -> bool {
        let (text, tail) = (text.trim(), self.tail.trim());
        let is_cut = self.tail.len() >= TAIL_MIN;
        !tail.is_empty() && (tail.ends_with(text) || is_cut && text.ends_with(tail))
    }

    /// What a session is like: of what is wrong with the settings, each thing is told once.
    fn on_info(&mut self, info: &Value, acts: &mut Vec<Act>) {
        for ((member, kind), known) in FAULTS.iter().zip(&mut self.faults) {
            let fault = info[member].as_str().filter(|text| !text.is_empty());
            if let Some(text) = fault.filter(|text| known.as_deref() != Some(*text)) {
                acts.push(Act::Show(Piece::Note(format!("[{kind}] {text}"))));
            }
            *known = fault.map(str::to_owned);
        }
    }

    fn on_error(&mut self, message: &str, acts: &mut Vec<Act>) {
        acts.push(Act::Show(Piece::AnswerEnd));
        self.end_turn(Err(message.to_owned()), acts);
    }

    /// After the only prompt, the end; else the next line may come.
    fn end_turn(&mut self, result: Result<(), String>, acts: &mut Vec<Act>) {
        // Nobody waits for their answers any more.
        self.questions.clear();
        self.begin_turn();
        if self.once.is_some() {
            return self.finish(result, acts);
        }
        if let Err(message) = result {
            acts.push(Act::Show(Piece::Note(format!("[error] {message}"))));
        }
        self.invite(acts);
    }

    fn on_reply(&mut self, frame: &Value, acts: &mut Vec<Act>) {
        let id = frame["id"].as_u64();
        let Some(at) = self.pending.iter().position(|(pending, _)| Some(*pending) == id) else {
            return;
        };
        let (_, purpose) = self.pending.swap_remove(at);
        let result = &frame["result"];
        let error = frame["error"].is_object().then(|| frame["error"]["message"].as_str().unwrap_or("error"));
        match (purpose, error) {
            (Purpose::Create, Some(message)) => self.finish(Err(message.to_owned()), acts),
            (Purpose::Create, None) => {
                self.on_info(&result["info"], acts);
                self.on_created(result["session_id"].as_str(), acts);
            }
            (Purpose::Submit, Some(message)) => self.end_turn(Err(message.to_owned()), acts),
            (Purpose::Submit, None) => {}
            // A question that is gone is no news: its turn goes on or says why it ended.
            (Purpose::Answer, Some(message)) => acts.push(Act::Show(Piece::Note(format!("[{message}]")))),
            (Purpose::Answer, None) => {}
            (Purpose::Catalog | Purpose::Command, Some(message)) => {
                acts.push(Act::Show(Piece::Note(format!("[error] {message}"))));
                self.invite(acts);
            }
            (Purpose::Catalog, None) => {
                acts.push(Act::Show(Piece::Listing(catalog(result))));
                self.invite(acts);
            }
            (Purpose::Command, None) => self.on_command_done(result, acts),
        }
    }

    fn on_created(&mut self, session: Option<&str>, acts: &mut Vec<Act>) {
        let Some(session) = session else {
            return self.finish(Err("the gateway made no session".to_owned()), acts);
        };
        session.clone_into(&mut self.session);
        match self.once.clone() {
            Some(prompt) => self.submit(&prompt, acts),
            None => self.invite(acts),
        }
    }

    /// The result of `slash.exec`: text to show, or a prompt to send.
    fn on_command_done(&mut self, result: &Value, acts: &mut Vec<Act>) {
        for member in ["warning", "notice", "output"] {
            if let Some(text) = result[member].as_str().filter(|text| !text.is_empty()) {
                acts.push(Act::Show(Piece::Listing(format!("{}\n", text.trim_end()))));
            }
        }
        let message = result["message"].as_str();
        match (result["type"].as_str(), message) {
            (Some("send" | "skill"), Some(message)) => return self.submit(message, acts),
            (Some("prefill"), Some(message)) => {
                acts.push(Act::Show(Piece::Listing(format!("{message}\n"))));
            }
            _ => {}
        }
        self.invite(acts);
    }

    fn run_command(&mut self, command: &str, acts: &mut Vec<Act>) {
        self.phase = Phase::Asked;
        let params = json!({ "session_id": self.session, "command": command });
        self.request(Purpose::Command, "slash.exec", params, acts);
    }

    fn submit(&mut self, text: &str, acts: &mut Vec<Act>) {
        self.phase = Phase::Turn;
        self.begin_turn();
        let params = json!({ "session_id": self.session, "text": text });
        self.request(Purpose::Submit, "prompt.submit", params, acts);
    }

    fn invite(&mut self, acts: &mut Vec<Act>) {
        self.phase = Phase::Idle;
        acts.push(Act::Invite(PROMPT));
    }

    fn finish(&mut self, result: Result<(), String>, acts: &mut Vec<Act>) {
        self.phase = Phase::Over;
        acts.push(Act::Finish(result));
    }

    fn request(&mut self, purpose: Purpose, method: &str, params: Value, acts: &mut Vec<Act>) {
        self.requests += 1;
        let request = json!({ "jsonrpc": "2.0", "id": self.requests, "method": method, "params": params });
        // A gateway that asks and never replies must not make this grow. Of the rest there is one at a time.
        if purpose != Purpose::Answer || self.pending.len() < PENDING_MAX {
            self.pending.push((self.requests, purpose));
        }
        acts.push(Act::Send(request.to_string()));
    }
}

/// Appends a piece, of which, and of what was there before, only the end is kept.
fn keep_end(tail: &mut String, piece: &str) {
    tail.push_str(piece);
    if tail.len() > 2 * TAIL_MIN {
        let start = (0..=tail.len() - TAIL_MIN).rev().find(|at| tail.is_char_boundary(*at));
        tail.drain(..start.unwrap_or_default());
    }
}

/// A slash command without its slash. A path is none: its first word holds another slash.
fn command(line: &str) -> Option<&str> {
    let command = line.strip_prefix('/')?;
    let name = command.split_whitespace().next()?;
    (!name.contains('/') && command.starts_with(name)).then_some(command)
}
