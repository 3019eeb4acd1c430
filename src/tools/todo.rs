//! The tool `todo`: the model's plan, a list of items with a state each. Owns the list. Knows nothing of who
//! shows it.

use std::sync::PoisonError;

use serde_json::{Map, Value, json};

use super::{Beside, Call, Tool, ToolError};
use crate::base::mask::mask;

/// Most items (the original's).
const ITEMS_MAX: usize = 256;

/// Longest item, in characters (the original's), and longest id.
const CONTENT_CHARS_MAX: usize = 4_000;
const ID_CHARS_MAX: usize = 100;

pub(super) const TOOL: Tool = Tool {
    name: "todo",
    toolset: "todo",
    description: "Keeps your task list for work of several steps. Without todos it gives the list. With \
                  todos it replaces the list, or with merge changes the items with these ids and adds new \
                  ones. Keep one item in_progress, and mark an item completed as soon as it is.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "todos": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"},
                        "content": {"type": "string"},
                        "status": {"type": "string",
                                   "enum": ["pending", "in_progress", "completed", "cancelled"]}
                    },
                    "required": ["id", "content", "status"]
                }
            },
            "merge": {"type": "boolean", "default": false}
        },
        "required": []
    }"#,
    beside: Beside::Nothing,
    run,
};

/// How far an item is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Status {
    #[default]
    Pending,
    InProgress,
    Completed,
    Cancelled,
}

impl Status {
    const ALL: [Status; 4] = [Status::Pending, Status::InProgress, Status::Completed, Status::Cancelled];

    fn name(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::InProgress => "in_progress",
            Status::Completed => "completed",
            Status::Cancelled => "cancelled",
        }
    }

    /// What is none of the words is pending.
    fn parse(word: &str) -> Self {
        let word = word.trim();
        Self::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(word)).unwrap_or_default()
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Item {
    id: String,
    content: String,
    status: Status,
}

impl Item {
    fn value(&self) -> Value {
        json!({ "id": self.id, "content": self.content, "status": self.status.name() })
    }
}

/// What a model says of an item: what is absent stays.
#[derive(Default)]
struct Said {
    id: Option<String>,
    content: Option<String>,
    status: Option<Status>,
}

/// The list.
#[derive(Default, Debug)]
pub(super) struct Todos {
    items: Vec<Item>,
}

impl Todos {
    /// Whether there is no plan.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What is not done yet, a line for each item, for a context that was compressed.
    pub(super) fn open_items(&self) -> Vec<String> {
        let open = |item: &&Item| matches!(item.status, Status::Pending | Status::InProgress);
        let line = |item: &Item| format!("- {}. {} ({})", item.id, item.content, item.status.name());
        self.items.iter().filter(open).map(line).collect()
    }

    /// Takes the list of an earlier result of the tool; anything else changes nothing.
    pub(super) fn restore(&mut self, json: &str) {
        let Ok(result) = serde_json::from_str::<Value>(json) else { return };
        if let Some(items) = result.get("todos").and_then(Value::as_array) {
            self.replace(items.iter().filter_map(said));
        }
    }

    /// A new list. Of items with one id the last counts, at the place of the first.
    fn replace(&mut self, said: impl Iterator<Item = Said>) {
        self.items.clear();
        self.merge(said);
    }

    /// Changes known items and adds the others. What is too much is left out.
    fn merge(&mut self, said: impl Iterator<Item = Said>) {
        for said in said {
            let known = said.id.as_ref().and_then(|id| self.items.iter_mut().find(|item| item.id == *id));
            if let Some(item) = known {
                if let Some(content) = said.content {
                    item.content = content;
                }
                item.status = said.status.unwrap_or(item.status);
            } else if self.items.len() < ITEMS_MAX {
                let id = said.id.unwrap_or_else(|| self.free_id());
                let content = said.content.unwrap_or_else(|| String::from("(no description)"));
                self.items.push(Item { id, content, status: said.status.unwrap_or_default() });
            }
        }
    }

    /// The number of the next item, or the first one behind it that no item has.
    fn free_id(&self) -> String {
        let is_free = |id: &String| self.items.iter().all(|item| item.id != *id);
        (self.items.len() + 1..).map(|number| number.to_string()).find(is_free).unwrap_or_default()
    }

    fn value(&self) -> Value {
        let todos: Vec<Value> = self.items.iter().map(Item::value).collect();
        let mut summary = Map::new();
        summary.insert(String::from("total"), json!(todos.len()));
        for status in Status::ALL {
            let count = self.items.iter().filter(|item| item.status == status).count();
            summary.insert(status.name().to_owned(), json!(count));
        }
        json!({ "todos": todos, "summary": summary })
    }
}

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let said = match call.args.get("todos") {
        None => None,
        Some(Value::Array(items)) => Some(items.iter().filter_map(said).collect::<Vec<Said>>()),
        // Some models write the list as text.
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Array(items)) => Some(items.iter().filter_map(said).collect()),
            _ => return Err(ToolError::new("todos has to be a list")),
        },
        Some(_) => return Err(ToolError::new("todos has to be a list")),
    };
    let mut todos = call.desk.todos.lock().unwrap_or_else(PoisonError::into_inner);
    match said {
        None => {}
        Some(said) if call.args.flag("merge") => todos.merge(said.into_iter()),
        Some(said) => todos.replace(said.into_iter()),
    }
    Ok(todos.value())
}

/// Reads an item; `None` for what is none.
fn said(value: &Value) -> Option<Said> {
    let content = |text: &str| {
        let text = cut(&mask(text.trim()), CONTENT_CHARS_MAX);
        (!text.is_empty()).then_some(text)
    };
    match value {
        Value::Object(members) => Some(Said {
            id: members.get("id").and_then(id),
            content: members.get("content").and_then(Value::as_str).and_then(content),
            status: members.get("status").and_then(Value::as_str).map(Status::parse),
        }),
        Value::String(text) => content(text).map(|text| Said { content: Some(text), ..Said::default() }),
        _ => None,
    }
}

/// A text, or a number as text.
fn id(value: &Value) -> Option<String> {
    let id = match value {
        Value::String(text) => cut(&mask(text.trim()), ID_CHARS_MAX),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!id.is_empty()).then_some(id)
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::super::path::testing::Room;
    use super::*;

    fn item(id: &str, content: &str, status: &str) -> Value {
        json!({"id": id, "content": content, "status": status})
    }

    fn call(room: &Room, args: Value) -> Value {
        room.call(&TOOL, &args)
    }

    #[test]
    fn a_list_is_kept_and_counted() {
        let room = Room::new();
        let list =
            |third: &str| [item("a", "1", "completed"), item("b", "2", "in_progress"), item("c", "3", third)];
        let result = call(&room, json!({"todos": list("soon")}));
        let kept = list("pending");
        let want = json!({"todos": kept,
            "summary": {"total": 3, "pending": 1, "in_progress": 1, "completed": 1, "cancelled": 0}});
        assert_eq!(result, want);
        assert_eq!(call(&room, json!({})), want, "reading changes nothing");
    }

    #[test]
    fn merging_changes_what_is_given_and_adds_the_rest() {
        let room = Room::new();
        call(&room, json!({"todos": [item("1", "one", "pending"), item("2", "two", "pending")]}));
        let change = json!([{"id": 2, "status": "completed"}, {"content": "new"}, "newer"]);
        let result = call(&room, json!({"todos": change, "merge": true}));
        let want = [
            item("1", "one", "pending"),
            item("2", "two", "completed"),
            item("3", "new", "pending"),
            item("4", "newer", "pending"),
        ];
        assert_eq!(result["todos"], json!(want));
        assert_eq!(call(&room, json!({"todos": []}))["summary"]["total"], 0);
    }

    #[test]
    fn what_models_get_wrong_is_borne_within_bounds() {
        let room = Room::new();
        let long = "ä".repeat(CONTENT_CHARS_MAX + 1);
        let text = json!([item("1", &long, "PENDING"), 7, {"id": "2"}]).to_string();
        let todos = call(&room, json!({"todos": text}))["todos"].clone();
        assert_eq!(todos[0]["content"].as_str().unwrap().chars().count(), CONTENT_CHARS_MAX);
        assert_eq!(todos[1], item("2", "(no description)", "pending"));
        let many: Vec<Value> = (0..ITEMS_MAX + 9).map(|at| item(&at.to_string(), "x", "pending")).collect();
        assert_eq!(call(&room, json!({"todos": many}))["summary"]["total"], ITEMS_MAX);
        for wrong in [json!({"todos": 1}), json!({"todos": "x"})] {
            assert!(call(&room, wrong)["error"].is_string());
        }
    }

    #[test]
    fn of_two_items_with_one_id_the_last_counts() {
        let room = Room::new();
        let result = call(&room, json!({"todos": [item("1", "a", "pending"), item("1", "b", "cancelled")]}));
        assert_eq!(result["todos"], json!([item("1", "b", "cancelled")]));
    }

    #[test]
    fn a_result_can_be_taken_up_again() {
        let room = Room::new();
        let items =
            [item("1", "done", "completed"), item("2", "now", "in_progress"), item("3", "later", "pending")];
        let result = call(&room, json!({"todos": items})).to_string();
        let mut todos = Todos::default();
        todos.restore(&result);
        assert_eq!(todos.value().to_string(), result);
        assert_eq!(todos.open_items(), ["- 2. now (in_progress)", "- 3. later (pending)"]);
        for other in ["", "{}", "{\"todos\": 1}", "{\"error\": \"x\"}"] {
            todos.restore(other);
        }
        assert_eq!(todos.items.len(), 3);
    }
}
