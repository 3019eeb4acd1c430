//! What comes out, against what was expected: in order, to the right client, nothing missing and nothing
//! more.

use std::rc::Rc;

use super::input::is_overload;
use super::{Expect, Final, Model, Want};
use crate::gateway::io::Output;
use crate::model::ids::{ClientId, SessionId};
use crate::sim::call::{Call, prompts_in};
use crate::sim::said::{self, Outcome, Said};
use crate::wire::delta::{Delta, DeltaKind};
use crate::wire::encode::Frame;

/// How a notice about a prompt that was not sent begins.
const NOT_SENT: &str = "not sent, because the turn was stopped: ";

impl Model {
    /// Takes one output in; a frame's meaning is given back.
    pub(in crate::sim) fn output(&mut self, output: &Output) -> Option<Rc<Said>> {
        match output {
            Output::Send { client, frame, .. } => return self.frame(*client, frame),
            Output::Delta { client, delta, .. } => self.delta(*client, delta),
            Output::StartTurn(spec) => {
                let prompts = prompts_in(&spec.prompt);
                let fits = |expect: &Expect| {
                    matches!(expect, Expect::StartTurn { turn, session, prompts: wanted }
                        if *turn == spec.turn && *session == spec.session && *wanted == prompts)
                };
                self.meet(fits, || format!("start {:?} {} {:?}", spec.turn, spec.session, spec.prompt));
                if let Some(it) = self.turns.get_mut(&spec.turn) {
                    it.prompt.clone_from(&spec.prompt);
                }
            }
            Output::Answer { turn, ask, answer } => {
                let fits = |expect: &Expect| {
                    matches!(expect, Expect::Answer { turn: of, ask: to, answer: wanted }
                        if of == turn && to == ask && wanted == answer)
                };
                self.meet(fits, || format!("answer {answer:?} to {ask:?} of {turn:?}"));
            }
            Output::Steer { turn, text } => {
                let prompts = prompts_in(text);
                let fits = |expect: &Expect| match expect {
                    Expect::Steer { turn: of, prompt } => of == turn && prompts == [*prompt],
                    _ => false,
                };
                self.meet(fits, || format!("steer {turn:?} {text:?}"));
            }
            Output::Interrupt(turn) => {
                let fits = |expect: &Expect| matches!(expect, Expect::Interrupt(of) if of == turn);
                self.meet(fits, || format!("interrupt {turn:?}"));
            }
            Output::Stats { .. } | Output::SessionClosed { .. } | Output::Record(_) | Output::Host { .. } => {
            }
            Output::Durably(output) => return self.output(output),
            Output::Forget(turn) => {
                let fits = |expect: &Expect| matches!(expect, Expect::Forget(of) if of == turn);
                self.meet(fits, || format!("forget {turn:?}"));
            }
            Output::Job { ticket, .. } if !self.job_is_due() => {
                self.asides.insert(*ticket);
            }
            Output::Job { ticket, .. } => {
                let fits = |expect: &Expect| matches!(expect, Expect::Job { .. });
                if let Some(Expect::Job { client, sent }) = self.meet(fits, || format!("job {ticket:?}")) {
                    self.job_given(*ticket, client, sent);
                }
            }
        }
        None
    }

    /// Whether a request's job comes next; another one is the session's own (where it is, what it is called).
    fn job_is_due(&mut self) -> bool {
        self.pass_owners();
        matches!(self.expected.front(), Some(Expect::Job { .. }))
    }

    /// Takes what is expected next if it `fits`.
    fn meet(&mut self, fits: impl FnOnce(&Expect) -> bool, came: impl Fn() -> String) -> Option<Expect> {
        self.pass_owners();
        match self.expected.pop_front() {
            Some(expect) if fits(&expect) => Some(expect),
            expect => {
                let wanted = expect.map_or("nothing more".to_owned(), |expect| format!("{expect:?}"));
                self.fail(|| format!("came out: {}; expected: {wanted}", came()));
                None
            }
        }
    }

    /// From here on events go elsewhere.
    pub(super) fn pass_owners(&mut self) {
        while let Some(Expect::Owner(session, owner)) = self.expected.front() {
            let before = match owner {
                Some(owner) => self.hears.insert(*session, *owner),
                None => self.hears.remove(session),
            };
            if let Some(before) = before {
                self.lost.push((before, *session));
            }
            self.expected.pop_front();
        }
    }

    fn delta(&mut self, client: ClientId, delta: &Delta) {
        let visible = delta.kind == DeltaKind::Message;
        let text = delta.log.with(delta.range.clone(), str::to_owned);
        let fits = |expect: &Expect| {
            matches!(expect, Expect::Delta { client: to, session, visible: kind, text: wanted }
                if *to == client && *session == delta.session && *kind == visible && *wanted == text)
        };
        self.meet(fits, || format!("delta to {client:?} of {}: {text:?}", delta.session));
    }

    fn frame(&mut self, client: ClientId, frame: &Frame) -> Option<Rc<Said>> {
        if !self.clients.contains(&client) {
            self.fail(|| format!("a frame for {client:?}, which is not there"));
        }
        let next = self.expected.iter().find(|expect| !matches!(expect, Expect::Owner(..)));
        let sent = match next {
            Some(Expect::Reply { sent, .. }) => Some(Rc::clone(sent)),
            _ => None,
        };
        let read = said::read(frame.bytes(), |id| sent.clone().filter(|sent| sent.id == id));
        let said = match read {
            Ok(said) => Rc::new(said),
            Err(what) => {
                self.fail(|| what);
                return None;
            }
        };
        self.said(client, &said);
        Some(said)
    }

    fn said(&mut self, client: ClientId, said: &Said) {
        let came = || format!("to {client:?}: {said:?}");
        match said {
            Said::Ready => {
                self.meet(|expect| matches!(expect, Expect::Ready(to) if *to == client), came);
            }
            Said::Reply { outcome, .. } => {
                let fits = |expect: &Expect| {
                    matches!(expect, Expect::Reply { client: to, want, .. }
                        if *to == client && want.fits(outcome))
                };
                let Some(Expect::Reply { sent, want, .. }) = self.meet(fits, came) else { return };
                match (outcome, &sent.call, want) {
                    (Outcome::Created { session, key }, Call::Create { with_client }, _) => {
                        self.created(client, *session, key, *with_client);
                    }
                    (Outcome::Attached { session, .. }, _, Want::Revived(key)) => {
                        self.lives(client, *session, &key, false);
                        self.marks.mark("came back from the store");
                    }
                    _ => {}
                }
            }
            Said::Start(session) => {
                let fits = |expect: &Expect| match expect {
                    Expect::Start { client: to, session: of } => *to == client && of == session,
                    _ => false,
                };
                self.meet(fits, came);
            }
            Said::Complete { session, text, status } => {
                let fits = |expect: &Expect| {
                    matches!(expect, Expect::Complete { client: to, session: of, text: wanted, status: how }
                        if *to == client && of == session && wanted.fits(text) && **how == **status)
                };
                self.meet(fits, came);
            }
            Said::Ask { session, request, .. } => self.asked(client, *session, *request, said),
            Said::Notice { session, text } if text.starts_with(NOT_SENT) => {
                let found = prompts_in(text);
                let fits = |expect: &Expect| {
                    matches!(expect, Expect::Notice { client: to, session: of, prompts }
                        if *to == client && of == session && prompts.starts_with(&found) && !found.is_empty())
                };
                self.meet(fits, came);
            }
            Said::Notice { session, .. } | Said::Event { session } => self.only_owner(client, *session),
        }
    }

    /// The question has to be the one that is due to be shown, under the name it always had.
    fn asked(&mut self, client: ClientId, session: SessionId, request: u32, said: &Said) {
        let Said::Ask { kind, label, .. } = said else { return };
        let fits = |expect: &Expect| {
            matches!(expect, Expect::Ask { client: to, session: of, kind: wanted, turn, ask }
                if *to == client && *of == session && wanted == kind
                    && (label.is_empty() || label.starts_with(&format!("q{}.{} ", turn.0, ask.0))))
        };
        let met = self.meet(fits, || format!("to {client:?}: {said:?}"));
        if let Some(Expect::Ask { turn, ask, .. }) = met
            && let Some(it) = self.turns.get_mut(&turn)
            && let Some(known) = it.asks.iter_mut().find(|known| known.ask == ask)
        {
            known.shown = Some(client);
            if known.request.is_some_and(|known| known != request) {
                self.fail(|| format!("question {ask:?} of {turn:?} changed its name"));
            }
        }
    }

    fn only_owner(&mut self, client: ClientId, session: SessionId) {
        let owner = self.hears.get(&session).copied();
        if owner != Some(client) {
            self.fail(|| format!("{client:?} is told of {session}, which is that of {owner:?}"));
        }
    }
}

impl Want {
    fn fits(&self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Want::Error(wanted), Outcome::Error { code, .. }) => wanted == code,
            (Want::Overloaded, Outcome::Error { code, retryable }) => is_overload(*code, *retryable),
            (Want::Created, Outcome::Created { .. })
            | (Want::Done | Want::Any, Outcome::Done)
            | (Want::Any, Outcome::Error { .. }) => true,
            (Want::Revived(_), Outcome::Attached { running: false, inflight: None, .. }) => true,
            (
                Want::Attached { session, inflight },
                Outcome::Attached { session: of, running, inflight: got },
            ) => session == of && inflight == got && inflight.is_some() == *running,
            (Want::Word(wanted), Outcome::Word(word)) => wanted == word,
            (Want::Closed(wanted), Outcome::Closed(closed)) => wanted == closed,
            (Want::Resolved(wanted), Outcome::Resolved(count)) => wanted == count,
            _ => false,
        }
    }
}

impl Final {
    fn fits(&self, text: &Option<String>) -> bool {
        match (self, text) {
            (Final::Exactly(wanted), text) => wanted == text,
            (Final::Phrase(start), Some(text)) => text.starts_with(start),
            (Final::Phrase(_), None) => false,
        }
    }
}
