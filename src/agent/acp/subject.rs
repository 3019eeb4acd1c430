//! What an agent's question is about: the tool call as the question tells it, and as it was told before. Pure;
//! knows nothing of answers.

use serde_json::{Map, Value, json};

use super::call::ToolCallState;
use crate::model::shell::Danger;
use crate::tools::approval::danger;
use crate::tools::{ToolError, command_line};

/// The kind of the protocol that runs commands.
const EXECUTE: &str = "execute";

/// What agents call the command in their arguments.
const COMMANDS: [&str; 2] = ["command", "cmd"];

/// Longest key of what is allowed for a session, in bytes. With something longer the person is asked again.
const KEY_BYTES_MAX: usize = 16 << 10;

/// A tool call that an agent asks about.
pub(super) struct Subject<'a> {
    /// Its kind, a word of the protocol.
    pub(super) kind: &'a str,
    /// Its title as the agent wrote it.
    pub(super) title: &'a str,
    /// Its arguments, where there are any.
    input: Option<&'a Value>,
    /// The command, where it is one.
    command: Option<Result<String, ToolError>>,
    places: Vec<&'a str>,
    /// Whether some of it was too long to be kept.
    is_cut: bool,
}

impl<'a> Subject<'a> {
    /// `call` is the question's; what it leaves out is taken from `known`.
    pub(super) fn read(call: &'a Value, known: Option<&'a ToolCallState>) -> Self {
        let member = |name: &str| call.get(name).and_then(Value::as_str).and_then(told);
        let (own_title, own_input) = (member("title"), call.get("rawInput").and_then(filled));
        let known_title = known.and_then(|known| told(known.whole_title.as_ref().unwrap_or(&known.title)));
        let known_kind = known.and_then(|known| told(&known.kind));
        let input = own_input.or_else(|| known?.args.as_ref().and_then(filled));
        let places = call.get("locations").and_then(Value::as_array).into_iter().flatten();
        let is_cut = known.is_some_and(|known| {
            (own_title.is_none() && known.whole_title.is_none())
                || (own_input.is_none() && known.args.is_none())
        });
        Self {
            kind: member("kind").or(known_kind).unwrap_or("other"),
            title: own_title.or(known_title).unwrap_or("a tool"),
            input,
            command: input.and_then(|input| COMMANDS.iter().find_map(|name| command(input.get(name)?))),
            places: places.filter_map(|place| place.get("path")?.as_str()).collect(),
            is_cut,
        }
    }

    /// All that a person has to know: the command, else the title, and what it does not say. Only where
    /// commands are run is the command all: tools that edit call their verb so.
    pub(super) fn text(&self) -> String {
        if let Some(line) = self.run_line() {
            return line.to_owned();
        }
        let mut text = self.title.to_owned();
        let places = self.places.join(", ");
        if !places.is_empty() && !text.contains(&places) {
            text.push_str(&format!(" ({places})"));
        }
        match (&self.command, self.input) {
            (Some(Ok(line)), _) => text.push_str(&format!("\n{line}")),
            (_, Some(input)) if self.kind == EXECUTE => text.push_str(&format!("\n{input}")),
            _ => {}
        }
        text
    }

    /// What is allowed with it for a session: the same command, else the same call. Nothing where that is not
    /// known, or too long to be kept.
    pub(super) fn key(&self) -> Option<String> {
        let key = match self.run_line() {
            Some(line) => json!([self.kind, line, self.places]),
            None => json!([self.kind, self.title, self.input, self.places]),
        };
        let key = key.to_string();
        (!self.is_cut && key.len() <= KEY_BYTES_MAX).then_some(key)
    }

    /// Whether it is on our hard line, or a command that cannot be looked over. Some agents tell the command
    /// in the title alone.
    pub(super) fn is_refused(&self) -> bool {
        match &self.command {
            Some(Ok(line)) => is_on_hard_line(line),
            Some(Err(_)) => true,
            None if self.kind == EXECUTE => {
                let line = command_line(self.title, &[], &[]);
                self.is_cut || line.is_err() || is_on_hard_line(self.title)
            }
            None => false,
        }
    }

    fn run_line(&self) -> Option<&str> {
        let line = self.command.as_ref()?.as_deref().ok()?;
        (self.kind == EXECUTE).then_some(line)
    }
}

fn is_on_hard_line(line: &str) -> bool {
    matches!(danger(line), Some(Danger::HardLine(_)))
}

/// A text that says something.
fn told(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.trim().is_empty())
}

/// Arguments of which there are some.
fn filled(input: &Value) -> Option<&Value> {
    let is_empty = input.as_object().map_or(input.is_null(), Map::is_empty);
    (!is_empty).then_some(input)
}

/// A command as agents say it: a line for the shell, or words, each of which stands for itself.
fn command(value: &Value) -> Option<Result<String, ToolError>> {
    match value {
        Value::String(line) if !line.trim().is_empty() => Some(command_line(line, &[], &[])),
        Value::Array(words) if !words.is_empty() => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            Some(match words.as_deref() {
                Some([program, args @ ..]) => command_line(program, args, &[]),
                _ => Err(ToolError::new("a command is made of words")),
            })
        }
        _ => None,
    }
}
