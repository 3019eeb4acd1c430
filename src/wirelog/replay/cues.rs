//! Which document of a conversation answers which, and what each asks: worked out once, for all who play it.

use std::collections::HashMap;
use std::ops::Range;

use super::envelope::Envelope;
use super::script::Script;
use crate::wirelog::entry::Side;

/// What a replay knows of one line.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Cue {
    /// Where its id stands.
    pub(super) id: Option<Range<usize>>,
    /// Of a client's line: its method, empty where it has none.
    pub(super) method: String,
    /// Of a request: the line that answers it.
    pub(super) reply: Option<usize>,
    /// Of an answer: the line that asked.
    pub(super) request: Option<usize>,
}

/// The cues of a conversation's lines, in their order.
pub(super) fn cues(script: &Script, conversation: usize) -> Vec<Cue> {
    let Some(part) = script.conversations.get(conversation) else { return Vec::new() };
    let mut cues: Vec<Cue> = Vec::with_capacity(part.lines.len());
    // Requests that are not answered yet, by their id.
    let mut open: HashMap<&str, usize> = HashMap::new();
    for (at, line) in part.lines.iter().enumerate() {
        let document = script.document(line);
        let envelope = Envelope::of(document);
        let id = envelope.id.clone().and_then(|range| document.get(range));
        let mut cue = Cue { id: envelope.id.clone(), ..Cue::default() };
        match (line.by, id) {
            (Side::Client, id) => {
                cue.method = envelope.method.map(|method| method.into_owned()).unwrap_or_default();
                if let Some(id) = id {
                    open.insert(id, at);
                }
            }
            (Side::Server, Some(id)) if envelope.method.is_none() => {
                cue.request = open.remove(id);
                if let Some(request) = cue.request {
                    cues[request].reply = Some(at);
                }
            }
            (Side::Server, _) => {}
        }
        cues.push(cue);
    }
    cues
}

#[cfg(test)]
mod tests {
    use super::cues;
    use crate::wirelog::entry::Side::{Client, Server};
    use crate::wirelog::replay::testing::script;

    #[test]
    fn answers_find_their_requests() {
        let script = script(&[
            (Server, r#"{"method":"event","params":{"type":"gateway.ready"}}"#),
            (Client, r#"{"id":1,"method":"a"}"#),
            (Client, r#"{"id":"1","method":"b"}"#),
            (Server, r#"{"id":"1","result":1}"#),
            (Server, r#"{"id":1,"result":2}"#),
            (Client, r#"{"id":1,"method":"c"}"#),
            (Server, r#"{"id":7,"result":0}"#),
            (Server, r#"{"id":1,"error":{}}"#),
            (Client, "garbage"),
        ]);
        let cues = cues(&script, 0);
        let pairs: Vec<_> = cues.iter().map(|cue| (cue.reply, cue.request)).collect();
        assert_eq!(
            pairs,
            [
                (None, None),
                (Some(4), None),
                (Some(3), None),
                (None, Some(2)),
                (None, Some(1)),
                (Some(7), None),
                (None, None),
                (None, Some(5)),
                (None, None)
            ]
        );
        let methods: Vec<&str> = cues.iter().map(|cue| cue.method.as_str()).collect();
        assert_eq!(methods, ["", "a", "b", "", "", "c", "", "", ""]);
    }
}
