//! The tool `delegate_task`: hands pieces of work to subagents. Owns how tasks are written and bounded. Knows
//! nothing of who does them ([`Host::delegate`](super::Host::delegate)).

use serde_json::Value;

use super::{Args, Beside, Call, Tool, ToolError};

/// Most tasks of one call, whatever is configured: each is a few threads.
const TASKS_MAX: usize = 16;

/// Longest goal and longest context, in characters. A subagent can read files; what it is told is no file.
const GOAL_CHARS_MAX: usize = 20_000;
const CONTEXT_CHARS_MAX: usize = 100_000;

pub(super) const TOOL: Tool = Tool {
    name: "delegate_task",
    toolset: "delegation",
    description: "Hands work to subagents, each with a conversation of its own: one goal, or several tasks that \
                  are done side by side. A subagent knows nothing of this conversation but what goal and \
                  context say, has most of your tools, and only its last answer comes back. For work that \
                  reads much and leads to a short answer, or that splits into independent parts. Not for a \
                  single call of a tool. Subagents that work in the background cannot ask for approvals: what \
                  needs one is refused to them.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "goal": {"type": "string", "description": "What is to be done, complete in itself."},
            "context": {"type": "string", "description": "What the subagent has to know: paths, errors, limits."},
            "tasks": {
                "type": "array",
                "description": "Several tasks at once, in place of goal and context.",
                "items": {
                    "type": "object",
                    "properties": {
                        "goal": {"type": "string"},
                        "context": {"type": "string"},
                        "role": {"type": "string", "enum": ["leaf", "orchestrator"]}
                    },
                    "required": ["goal"]
                }
            },
            "role": {"type": "string", "enum": ["leaf", "orchestrator"], "default": "leaf",
                     "description": "An orchestrator may have subagents of its own, where that is allowed."}
        },
        "required": []
    }"#,
    beside: Beside::Nothing,
    run,
};

/// Work for subagents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delegation {
    /// One for each; at least one, at most 16.
    pub tasks: Vec<Task>,
}

/// Work for one subagent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// What is to be done; not blank, at most 20,000 characters.
    pub goal: String,
    /// What it has to know; may be empty, at most 100,000 characters.
    pub context: String,
    /// Whether it may start subagents itself, where the settings allow it.
    pub orchestrator: bool,
}

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    call.host.delegate(Delegation { tasks: tasks(call.args)? })
}

fn tasks(args: &Args) -> Result<Vec<Task>, ToolError> {
    let role = args.text("role")?;
    let parsed: Value;
    let listed = match args.get("tasks") {
        None => None,
        Some(Value::Array(listed)) => Some(listed),
        // Some models write the list as text.
        Some(Value::String(text)) => {
            parsed = serde_json::from_str(text).map_err(|_| ToolError::new("tasks has to be an array"))?;
            Some(parsed.as_array().ok_or_else(|| ToolError::new("tasks has to be an array"))?)
        }
        Some(_) => return Err(ToolError::new("tasks has to be an array")),
    };
    let tasks = match listed.filter(|listed| !listed.is_empty()) {
        Some(listed) if listed.len() > TASKS_MAX => {
            return Err(ToolError::new(format!(
                "tasks has {}, at most {TASKS_MAX} are allowed",
                listed.len()
            )));
        }
        Some(listed) => {
            listed.iter().map(|task| listed_task(task, role)).collect::<Result<Vec<Task>, _>>()?
        }
        None => {
            let goal = args.text("goal")?.unwrap_or_default();
            vec![task(goal, args.text("context")?.unwrap_or_default(), role)?]
        }
    };
    Ok(tasks)
}

/// A task of the list: an object, or its goal alone. The call's role counts where it names none.
fn listed_task(listed: &Value, role: Option<&str>) -> Result<Task, ToolError> {
    let text = |name: &str| listed.get(name).and_then(Value::as_str);
    match listed {
        Value::String(goal) => task(goal, "", role),
        Value::Object(_) => {
            task(text("goal").unwrap_or_default(), text("context").unwrap_or_default(), text("role").or(role))
        }
        _ => Err(ToolError::new("each of tasks has to be an object with a goal")),
    }
}

fn task(goal: &str, context: &str, role: Option<&str>) -> Result<Task, ToolError> {
    let (goal, context) = (goal.trim(), context.trim());
    if goal.is_empty() {
        return Err(ToolError::new("goal is required and must not be empty, also in each of tasks"));
    }
    for (name, text, most) in [("goal", goal, GOAL_CHARS_MAX), ("context", context, CONTEXT_CHARS_MAX)] {
        if text.chars().count() > most {
            return Err(ToolError::new(format!(
                "{name} has more than {most} characters; put the text into a file and name that"
            )));
        }
    }
    // Another word is a leaf, as in the original.
    let orchestrator = role.is_some_and(|role| role.trim().eq_ignore_ascii_case("orchestrator"));
    Ok(Task { goal: goal.to_owned(), context: context.to_owned(), orchestrator })
}

#[cfg(test)]
mod tests {
    use super::super::path::testing::Room;
    use super::*;
    use serde_json::json;

    fn read(args: &Value) -> Result<Vec<Task>, ToolError> {
        tasks(&Args::parse(&args.to_string()).unwrap())
    }

    fn wanted(goal: &str, context: &str, orchestrator: bool) -> Task {
        Task { goal: goal.into(), context: context.into(), orchestrator }
    }

    #[test]
    fn one_goal_or_several_tasks() {
        let one = json!({"goal": " look ", "context": "here", "role": "Orchestrator", "background": true});
        assert_eq!(read(&one).unwrap(), [wanted("look", "here", true)]);
        let tasks = json!([{"goal": "a", "role": "leaf"}, {"goal": "b", "context": "c"}, "d"]);
        let want = [wanted("a", "", false), wanted("b", "c", true), wanted("d", "", true)];
        assert_eq!(read(&json!({"tasks": tasks, "role": "orchestrator"})).unwrap(), want);
        assert_eq!(read(&json!({"tasks": tasks.to_string(), "role": "orchestrator"})).unwrap(), want);
        assert_eq!(read(&json!({"tasks": [], "goal": "x"})).unwrap(), [wanted("x", "", false)]);
    }

    #[test]
    fn what_cannot_be_read_or_is_too_much_is_refused() {
        let long = "x".repeat(GOAL_CHARS_MAX + 1);
        let many: Vec<Value> = (0..=TASKS_MAX).map(|_| json!("x")).collect();
        for wrong in [
            json!({}),
            json!({"goal": " "}),
            json!({"goal": 3}),
            json!({"goal": long}),
            json!({"tasks": 1}),
            json!({"tasks": "x"}),
            json!({"tasks": [1]}),
            json!({"tasks": [{"context": "c"}]}),
            json!({"tasks": many}),
        ] {
            assert!(read(&wrong).is_err(), "{wrong:.80}");
        }
    }

    #[test]
    fn where_nobody_takes_work_that_is_said() {
        let result = Room::new().call(&TOOL, &json!({"goal": "x"}));
        assert!(result["error"].as_str().unwrap().contains("delegated"), "{result}");
    }
}
