//! The tool calls of one answer, put together from their pieces. Pure; knows nothing of what a tool is.
//!
//! A piece belongs to the newest call with its index. A new id on an index in use is another call: some
//! servers send every call with index 0.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::chunk::{Count, Text};
use crate::model::message::ToolCall;

/// Most calls of one answer. Models ask for a handful; more is a server gone wild.
const CALLS_MAX: usize = 128;

/// One piece, as lenient as `chunk`.
#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(default)]
    index: Option<Count>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    /// A string, piece by piece; some servers send the object itself, in one.
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// A call under construction.
#[derive(Debug)]
struct Slot {
    index: u64,
    call: ToolCall,
}

/// The calls so far.
#[derive(Default, Debug)]
pub(super) struct Calls {
    slots: Vec<Slot>,
    bytes: usize,
}

impl Calls {
    /// Takes the `tool_calls` of one delta. `named` hears the name of each call once.
    pub(super) fn feed(&mut self, pieces: &RawValue, named: &mut impl FnMut(&str)) {
        let Ok(pieces) = serde_json::from_str::<Vec<Option<Piece<'_>>>>(pieces.get()) else {
            log::debug!("skipped {} bytes that are no tool calls", pieces.get().len());
            return;
        };
        for piece in pieces.into_iter().flatten() {
            self.take(piece, named);
        }
    }

    fn take(&mut self, piece: Piece<'_>, named: &mut impl FnMut(&str)) {
        let id = piece.id.map(|id| id.0).unwrap_or_default();
        let Some(at) = self.slot(piece.index.map(|index| index.0), &id) else { return };
        let call = &mut self.slots[at].call;
        if !id.is_empty() {
            call.id = id.into_owned();
        }
        let Some(function) = piece.function else { return };
        if let Some(Text(name)) = function.name.filter(|name| !name.0.is_empty()) {
            if call.name.is_empty() {
                named(&name);
            }
            call.name = name.into_owned();
        }
        if let Some(arguments) = function.arguments {
            let before = call.arguments.len();
            append(&mut call.arguments, arguments.get());
            self.bytes += call.arguments.len() - before;
        }
    }

    /// A call begins, of a server that says so; `named` hears its name.
    pub(super) fn begin(&mut self, index: u64, id: &str, name: &str, named: &mut impl FnMut(&str)) {
        let Some(at) = self.slot(Some(index), id) else { return };
        let call = &mut self.slots[at].call;
        id.clone_into(&mut call.id);
        name.clone_into(&mut call.name);
        self.bytes += id.len() + name.len();
        if !name.is_empty() {
            named(name);
        }
    }

    /// More of the arguments of the newest call with this index.
    pub(super) fn extend(&mut self, index: u64, arguments: &str) {
        if let Some(slot) = self.slots.iter_mut().rfind(|slot| slot.index == index) {
            slot.call.arguments.push_str(arguments);
            self.bytes += arguments.len();
        }
    }

    /// Where a piece belongs; `None` when there are too many calls.
    fn slot(&mut self, index: Option<u64>, id: &str) -> Option<usize> {
        let index = index.or_else(|| self.slots.last().map(|slot| slot.index)).unwrap_or(0);
        let newest = self.slots.iter().rposition(|slot| slot.index == index);
        if let Some(at) = newest {
            let known = &self.slots[at].call.id;
            if id.is_empty() || known.is_empty() || known == id {
                return Some(at);
            }
        }
        if self.slots.len() == CALLS_MAX {
            return None;
        }
        let call = ToolCall { id: String::new(), name: String::new(), arguments: String::new() };
        self.slots.push(Slot { index, call });
        Some(self.slots.len() - 1)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Bytes of all arguments, and of names and ids that came by themselves.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The calls as they are. One without an id gets one that names `call`, the number of the model call.
    pub(super) fn collect(&self, call: u64) -> Vec<ToolCall> {
        let given = |(at, slot): (usize, &Slot)| {
            let mut made = slot.call.clone();
            if made.id.is_empty() {
                made.id = format!("call_{call}_{at}");
            }
            made
        };
        self.slots.iter().enumerate().map(given).collect()
    }
}

/// A string is a piece of the arguments, an object is all of them, and anything else is nothing.
fn append(arguments: &mut String, raw: &str) {
    match raw.as_bytes().first() {
        Some(b'"') => arguments.push_str(&serde_json::from_str::<String>(raw).unwrap_or_default()),
        Some(b'{') => arguments.push_str(raw),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(deltas: &[&str]) -> (Vec<(String, String, String)>, Vec<String>) {
        let mut calls = Calls::default();
        let mut names = Vec::new();
        for delta in deltas {
            let raw: &RawValue = serde_json::from_str(delta).unwrap();
            calls.feed(raw, &mut |name| names.push(name.to_owned()));
        }
        let calls = calls.collect(3).into_iter().map(|call| (call.id, call.name, call.arguments)).collect();
        (calls, names)
    }

    fn triple(id: &str, name: &str, arguments: &str) -> (String, String, String) {
        (id.into(), name.into(), arguments.into())
    }

    #[test]
    fn pieces_of_one_byte_become_a_call() {
        let (calls, names) = calls(&[
            r#"[{"index":0,"id":"a","type":"function","function":{"name":"todo","arguments":""}}]"#,
            r#"[{"index":0,"function":{"arguments":"{\"x"}}]"#,
            r#"[{"index":0,"id":null,"function":{"name":"","arguments":"\":1}"}}]"#,
        ]);
        assert_eq!(calls, [triple("a", "todo", r#"{"x":1}"#)]);
        assert_eq!(names, ["todo"], "told once");
    }

    #[test]
    fn a_new_id_on_an_old_index_is_another_call() {
        let (calls, _) = calls(&[
            r#"[{"index":0,"id":"a","function":{"name":"x","arguments":"{}"}}]"#,
            r#"[{"index":0,"id":"b","function":{"name":"y","arguments":"{"}}]"#,
            r#"[{"index":0,"id":"b","function":{"arguments":"}"}}]"#,
            r#"[{"function":{"arguments":" "}}]"#,
        ]);
        assert_eq!(calls, [triple("a", "x", "{}"), triple("b", "y", "{} ")]);
    }

    #[test]
    fn two_calls_may_be_written_in_turns() {
        let (calls, names) = calls(&[
            r#"[{"index":0,"id":"a","function":{"name":"x"}},{"index":1,"id":"b","function":{"name":"y"}}]"#,
            r#"[{"index":1,"function":{"arguments":"2"}},{"index":0,"function":{"arguments":"1"}}]"#,
        ]);
        assert_eq!(calls, [triple("a", "x", "1"), triple("b", "y", "2")]);
        assert_eq!(names, ["x", "y"]);
    }

    #[test]
    fn what_servers_get_wrong_is_borne() {
        let (calls, _) = calls(&[
            r#"{"index":0}"#,
            "null",
            r#"[null,{"function":{"name":"x","arguments":{"a":[1]}}}]"#,
            r#"[{"function":7}]"#,
            r#"[{"id":5,"index":"0","function":{"name":null,"arguments":null}}]"#,
        ]);
        assert_eq!(calls, [triple("call_3_0", "x", r#"{"a":[1]}"#)]);
    }

    #[test]
    fn there_is_an_end_to_how_many() {
        let deltas: Vec<String> =
            (0..CALLS_MAX + 9).map(|at| format!(r#"[{{"index":{at},"id":"c{at}"}}]"#)).collect();
        let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
        assert_eq!(calls(&deltas).0.len(), CALLS_MAX);
    }
}
