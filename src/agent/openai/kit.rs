//! The tools as one turn has them: chosen when it begins, so that every request of it names the same ones.
//! Owns how a name is found as models write it, and the turn's memory of calls that lead nowhere. Knows
//! nothing of how a call runs.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Serialize;
use serde_json::value::RawValue;

use super::delegate::Lineage;
use super::guard::Guard;
use super::hand::Hand;
use super::toolbox::Toolbox;
use crate::model::turn::TurnSpec;
use crate::tools::Desk;

/// Tools that no subagent has: nobody can be asked in the middle of its work, and what is remembered is the
/// session's affair (the original's).
const NOT_FOR_SUBAGENTS: [&str; 2] = ["clarify", "memory"];

/// The tool that starts subagents.
const DELEGATE: &str = "delegate_task";

/// Whose turn it is, as far as tools depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// A session's: all of them.
    Session,
    /// A subagent's.
    Leaf,
    /// That of a subagent that may start others.
    Orchestrator,
}

impl Access {
    /// Whether such a turn has this tool.
    pub(super) fn allows(self, name: &str) -> bool {
        match self {
            Access::Session => true,
            Access::Leaf => name != DELEGATE && !NOT_FOR_SUBAGENTS.contains(&name),
            Access::Orchestrator => !NOT_FOR_SUBAGENTS.contains(&name),
        }
    }
}

/// Tools, and how a request names them.
#[derive(Debug)]
pub(super) struct List {
    hands: Vec<Hand>,
    /// JSON already: the same bytes every time, which servers cache. `None` when there are no tools.
    schemas: Option<Box<RawValue>>,
}

/// A tool in a request.
#[derive(Serialize)]
struct Row<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a RawValue,
}

impl List {
    /// Of these tools.
    ///
    /// # Errors
    /// A schema is no JSON.
    pub(super) fn new(hands: Vec<Hand>) -> Result<Self, serde_json::Error> {
        let rows: Vec<Row<'_>> = hands.iter().map(row).collect::<Result<_, _>>()?;
        let schemas = if rows.is_empty() { None } else { Some(serde_json::value::to_raw_value(&rows)?) };
        drop(rows);
        Ok(Self { hands, schemas })
    }

    /// Of none.
    pub(super) fn empty() -> Self {
        Self { hands: Vec::new(), schemas: None }
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.hands.iter().map(Hand::name)
    }

    fn find(&self, written: &str) -> Option<&Hand> {
        let exact = self.hands.iter().find(|hand| hand.name() == written);
        exact.or_else(|| {
            let plain = plain_name(written);
            self.hands.iter().find(|hand| hand.name() == plain || plain_name(hand.name()) == plain)
        })
    }
}

fn row(hand: &Hand) -> Result<Row<'_>, serde_json::Error> {
    let parameters = serde_json::from_str(hand.parameters())?;
    let function = Function { name: hand.name(), description: hand.description(), parameters };
    Ok(Row { r#type: "function", function })
}

/// A turn's tools.
#[derive(Debug)]
pub(super) struct Kit {
    toolbox: Arc<Toolbox>,
    lineage: Option<Lineage>,
    /// Whether the turn waits for the subagents it starts.
    waits: bool,
    /// Chosen at the first use, on the turn's thread: tool servers may have to be waited for.
    list: OnceLock<Arc<List>>,
    guard: Mutex<Guard>,
}

impl Kit {
    /// For a turn of a session.
    pub(super) fn of_a_session(toolbox: Arc<Toolbox>) -> Self {
        Self { toolbox, lineage: None, waits: false, list: OnceLock::new(), guard: Mutex::default() }
    }

    /// For a turn after which nobody hears of its subagents.
    pub(super) fn that_waits(toolbox: Arc<Toolbox>) -> Self {
        Self { waits: true, ..Self::of_a_session(toolbox) }
    }

    /// For a subagent.
    pub(super) fn of_a_subagent(toolbox: Arc<Toolbox>, lineage: Lineage) -> Self {
        Self { lineage: Some(lineage), ..Self::that_waits(toolbox) }
    }

    /// Whether subagents may work on when the turn is over.
    pub(super) fn may_leave_behind(&self) -> bool {
        !self.waits
    }

    /// What all turns share.
    pub(super) fn toolbox(&self) -> &Arc<Toolbox> {
        &self.toolbox
    }

    /// Whose turn it is; `None` for a session's.
    pub(super) fn lineage(&self) -> Option<&Lineage> {
        self.lineage.as_ref()
    }

    /// The `tools` of a request; `None` when there are none.
    pub(super) fn schemas(&self) -> Option<&RawValue> {
        self.list().schemas.as_deref()
    }

    /// The tool of this name, as a model may write it: in another case, with dashes, with `tool` at its end.
    pub(super) fn find(&self, name: &str) -> Option<&Hand> {
        self.list().find(name)
    }

    /// The names, for a model that asked for another.
    pub(super) fn names(&self) -> String {
        self.list().names().collect::<Vec<_>>().join(", ")
    }

    /// The desk of the turn's session, ready for the turn.
    pub(super) fn desk(&self, turn: &TurnSpec) -> Arc<Desk> {
        self.toolbox.desk(turn)
    }

    /// The system prompt of the turn's session, see [`Toolbox::system_prompt`].
    pub(super) fn system_prompt(
        &self,
        turn: &TurnSpec,
        configured: &str,
        make: impl FnOnce(&Path) -> String,
    ) -> Arc<str> {
        self.toolbox.system_prompt(turn, configured, make)
    }

    /// What the model is told when a call leads nowhere, see [`Guard`].
    pub(super) fn hint(&self, hand: &Hand, arguments: &str, result: &str) -> Option<String> {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        guard.note(hand.name(), arguments, hand.only_reads(), result)
    }

    fn list(&self) -> &List {
        let access = match &self.lineage {
            None => Access::Session,
            Some(lineage) if lineage.may_delegate => Access::Orchestrator,
            Some(_) => Access::Leaf,
        };
        self.list.get_or_init(|| self.toolbox.list(access))
    }
}

/// `Read-File`, `readFile` and `read_file_tool` are `read_file`.
fn plain_name(written: &str) -> String {
    let mut name = String::with_capacity(written.len() + 4);
    let mut after_small = false;
    // Some models let a quote or a tag follow the name.
    for c in written.trim().chars().take_while(|c| !matches!(c, '"' | '\'' | '<' | '>')) {
        match c {
            '-' | ' ' => name.push('_'),
            c if c.is_ascii_uppercase() => {
                if after_small {
                    name.push('_');
                }
                name.push(c.to_ascii_lowercase());
            }
            c => name.push(c),
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    for _ in 0..2 {
        let Some(short) = name.strip_suffix("tool") else { break };
        name.truncate(short.trim_end_matches('_').len());
    }
    name
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::toolset::ToolSettings;

    fn kit(lineage: Option<bool>) -> Kit {
        let toolbox = Arc::new(Toolbox::new(Path::new("/nowhere")).unwrap());
        match lineage {
            None => Kit::of_a_session(toolbox),
            Some(may_delegate) => {
                Kit::of_a_subagent(toolbox, Lineage { id: "sa-0-x".into(), depth: 0, may_delegate })
            }
        }
    }

    #[test]
    fn names_are_found_as_models_write_them() {
        let kit = kit(None);
        for name in
            ["read_file", "Read-File", "readFile", "read file", "READ_FILE", "read_file_tool", "ReadFileTool"]
        {
            assert_eq!(kit.find(name).map(Hand::name), Some("read_file"), "{name}");
        }
        for name in ["", "reed_file", "tool", "read_file_please"] {
            assert!(kit.find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_request_names_them_all() {
        let kit = kit(None);
        let rows: serde_json::Value = serde_json::from_str(kit.schemas().unwrap().get()).unwrap();
        let names: Vec<&str> =
            rows.as_array().unwrap().iter().map(|row| row["function"]["name"].as_str().unwrap()).collect();
        assert_eq!(names.join(", "), kit.names());
    }

    #[test]
    fn a_subagent_has_fewer() {
        let has = |kit: &Kit| ["read_file", "clarify", DELEGATE].map(|name| kit.find(name).is_some());
        assert_eq!(has(&kit(None)), [true, true, true]);
        assert_eq!(has(&kit(Some(false))), [true, false, false]);
        assert_eq!(has(&kit(Some(true))), [true, false, true]);
    }

    #[test]
    fn a_tool_that_is_switched_off_is_not_known() {
        let toolbox = Arc::new(Toolbox::new(Path::new("/nowhere")).unwrap());
        let off = Arc::from(["file".to_owned()]);
        toolbox.use_sets(&ToolSettings { off, ..ToolSettings::default() });
        let kit = Kit::of_a_session(Arc::clone(&toolbox));
        assert!(kit.find("read_file").is_none() && kit.find("todo").is_some());
        let named = r#""name":"read_file""#;
        assert!(!kit.schemas().unwrap().get().contains(named) && !kit.names().contains("read_file"));
        toolbox.use_sets(&ToolSettings::default());
        assert!(kit.find("read_file").is_none(), "a turn keeps what it began with");
    }

    #[test]
    fn no_tools_are_no_member_of_a_request() {
        assert!(List::new(Vec::new()).unwrap().schemas.is_none());
    }
}
