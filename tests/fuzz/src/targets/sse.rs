//! A model's answer: the body of a stream, through its events and chunks to what an agent says. However the
//! body arrives, the agent says the same.

use std::io::{self, Read};

use tui_gateway::agent::openai::{Heard, hear};
use tui_gateway::model::agent_event::AgentEvent;

use super::pieces::{first, pieces};

/// In the first byte: the connection breaks at the end of the body.
const BREAKS: u8 = 1;

/// One byte of choices, one that says how to cut, then the body.
pub(crate) fn run(bytes: &[u8]) {
    let (choices, rest) = first(bytes);
    let (seed, body) = first(rest);
    let breaks = choices & BREAKS != 0;
    let whole = answer(Body { pieces: pieces(body, 0), breaks });
    for seed in [1, seed] {
        assert_eq!(answer(Body { pieces: pieces(body, seed), breaks }), whole, "cuts do not matter");
    }
}

/// What was said piece by piece, and what was kept of it.
fn answer(mut body: Body<'_>) -> (Result<Heard, String>, String, String) {
    let (mut text, mut reasoning) = (String::new(), String::new());
    let heard = hear(&mut body, &mut |event| match event {
        AgentEvent::Text(piece) => {
            assert!(!piece.is_empty(), "an empty piece");
            text.push_str(&piece);
        }
        AgentEvent::Reasoning(piece) => {
            assert!(!piece.is_empty(), "an empty piece");
            reasoning.push_str(&piece);
        }
        AgentEvent::ToolGenerating { name } => {
            assert!(!name.is_empty(), "a tool without a name");
        }
        other => panic!("a stream alone says {other:?}"),
    });
    if let Ok(heard) = &heard {
        // What a model says once it calls a tool is kept, but not shown.
        let shown = if heard.calls { heard.text.starts_with(&text) } else { heard.text == text };
        assert!(shown, "kept as it was said");
    }
    (heard, text, reasoning)
}

/// A connection that gives one piece a read, as much as fits.
struct Body<'a> {
    pieces: Vec<&'a [u8]>,
    breaks: bool,
}

impl Read for Body<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.pieces.first_mut() else {
            return if self.breaks { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(0) };
        };
        let count = piece.read(buf)?;
        if piece.is_empty() {
            self.pieces.remove(0);
        }
        Ok(count)
    }
}
