//! What clients do: they come, ask about the sessions that they know, and go. Knows neither hosts nor time.

use serde_json::{Value, json};

use super::World;
use crate::gateway::io::Input;
use crate::model::ids::ClientId;
use crate::sim::front::host::title;
use crate::sim::front::ledger::Prompt;
use crate::sim::front::person::{Asked, Person};

impl World {
    pub(super) fn come(&mut self) {
        let client = self.next_client;
        self.next_client += 1;
        self.people.insert(client, Person::default());
        self.input(Input::Connected { client: ClientId(client) });
    }

    pub(super) fn leave_any(&mut self) {
        let people: Vec<u64> = self.people.keys().copied().collect();
        if !people.is_empty() {
            let client = people[self.dice.below(people.len())];
            self.leave(client);
        }
    }

    pub(super) fn leave(&mut self, client: u64) {
        let Some(gone) = self.people.remove(&client) else { return };
        self.ledger.leave(client);
        for session in gone.sessions {
            // It may be closed by now, with all that waited in it.
            if !self.people.values().any(|person| person.sessions.contains(&session)) {
                self.ledger.excuse(&session);
                self.attached.remove(&session);
            }
        }
        self.input(Input::Disconnected { client: ClientId(client) });
    }

    pub(super) fn ask_any(&mut self) {
        let people: Vec<u64> = self.people.keys().copied().collect();
        if people.is_empty() {
            return;
        }
        let client = people[self.dice.below(people.len())];
        let mine: Vec<String> = self
            .people
            .get(&client)
            .map(|person| person.sessions.iter().cloned().collect())
            .unwrap_or_default();
        if mine.is_empty() || self.dice.chance(10) {
            return self.open_any(client);
        }
        let session = mine[self.dice.below(mine.len())].clone();
        let about = || json!({"session_id": session});
        match self.dice.weighted(&[50, 20, 10, 10, 4, 4]) {
            0 => self.submit(client, &session),
            1 => self.attach(client, &session),
            2 => self.ask(client, "session.usage", about(), Some(&session), ""),
            3 => self.ask(client, "session.active_list", json!({}), None, ""),
            4 => {
                self.ledger.excuse(&session);
                let stop = format!("stop-{}-", self.next_text);
                self.next_text += 1;
                self.ask(client, "session.interrupt", about(), Some(&session), &stop);
            }
            _ => {
                self.ledger.excuse(&session);
                self.attached.remove(&session);
                self.ask(client, "session.close", about(), Some(&session), "");
            }
        }
    }

    /// A session of its own, or one that others have or had: by name, key or title.
    fn open_any(&mut self, client: u64) {
        let known: Vec<(String, Option<String>)> =
            self.known.iter().map(|(id, key)| (id.clone(), key.clone())).collect();
        if known.is_empty() || self.dice.chance(40) {
            return self.ask(client, "session.create", json!({"cols": 80}), None, "");
        }
        let (id, key) = known[self.dice.below(known.len())].clone();
        match (self.dice.below(3), key) {
            (0, Some(key)) => self.ask(client, "session.resume", json!({"session_id": key}), None, ""),
            (1, Some(key)) => {
                self.ask(client, "session.resume", json!({"session_id": title(&key)}), None, "");
            }
            _ => self.ask(client, "session.activate", json!({"session_id": id}), None, ""),
        }
    }

    fn submit(&mut self, client: u64, session: &str) {
        let text = format!("prompt-{}-", self.next_text);
        self.next_text += 1;
        let images = self.attached.remove(session).unwrap_or_default();
        let prompt = Prompt {
            session: session.to_owned(),
            accepted: None,
            begun: 0,
            is_stopped: false,
            is_excused: false,
            images,
        };
        self.ledger.prompts.insert(text.clone(), prompt);
        let params = json!({"session_id": session, "text": text});
        self.ask(client, "prompt.submit", params, Some(session), &text);
    }

    fn attach(&mut self, client: u64, session: &str) {
        let path = format!("/i/{} {}.png", session, self.next_text);
        self.next_text += 1;
        self.ledger.drawn.entry(session.to_owned()).or_default().push(path.clone());
        self.ask(client, "image.attach", json!({"session_id": session, "path": path}), Some(session), &path);
    }

    pub(super) fn ask_of_all(&mut self, client: u64) {
        let mine = self.people.get(&client).map(|person| person.sessions.clone()).unwrap_or_default();
        for session in mine {
            self.ask(client, "session.usage", json!({"session_id": session}), Some(&session), "");
        }
    }

    fn ask(&mut self, client: u64, method: &'static str, params: Value, session: Option<&str>, what: &str) {
        let id = self.next_id;
        self.next_id += 1;
        self.ledger.ask(client, id, method);
        if let Some(person) = self.people.get_mut(&client) {
            let asked = Asked { method, session: session.map(str::to_owned), what: what.to_owned() };
            person.asked.insert(id, asked);
        }
        let text = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        self.trace.note(self.elapsed, "asks", client, || format!("{client} {text}"));
        self.input(Input::Line { client: ClientId(client), text });
    }
}
