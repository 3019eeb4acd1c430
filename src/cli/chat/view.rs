//! What an event looks like on a terminal. Pure: from a type and a payload to a piece of text.

use serde_json::Value;

/// Something to show, and where it belongs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// A piece of the answer, as it came: for stdout.
    Answer(String),
    /// A piece of the model's reasoning.
    Reasoning(String),
    /// The answer is over.
    AnswerEnd,
    /// A line beside the answer: for stderr.
    Note(String),
    /// Lines the person asked for: for stdout.
    Listing(String),
}

/// How an event is shown; `None` for one that is not.
pub(super) fn view(kind: &str, payload: &Value) -> Option<Piece> {
    let field = |name: &str| payload[name].as_str().filter(|text| !text.is_empty());
    match kind {
        "message.delta" => field("text").map(|text| Piece::Answer(text.to_owned())),
        "reasoning.delta" => field("text").map(|text| Piece::Reasoning(text.to_owned())),
        "tool.start" => {
            let name = field("name").unwrap_or("tool");
            let context = field("context").map_or(String::new(), |context| format!(": {context}"));
            Some(Piece::Note(format!("[{name}{context}]")))
        }
        "tool.complete" => Some(Piece::Note(tool_complete(payload))),
        "status.update" => {
            let text = field("text")?;
            Some(Piece::Note(format!("[{}] {text}", field("kind").unwrap_or("status"))))
        }
        "notification.show" | "background.complete" | "review.summary" => {
            field("text").map(|text| Piece::Note(text.to_owned()))
        }
        _ => None,
    }
}

/// `[name done in 0.6s: summary]`, as far as it is known.
fn tool_complete(payload: &Value) -> String {
    let name = payload["name"].as_str().unwrap_or("tool");
    let error = payload["error"].as_str().or_else(|| payload["result"]["error"].as_str());
    let took = payload["duration_s"].as_f64().map_or(String::new(), |seconds| format!(" in {seconds:.1}s"));
    match (error.filter(|error| !error.is_empty()), payload["summary"].as_str()) {
        (Some(error), _) => format!("[{name} failed{took}: {error}]"),
        (None, Some(summary)) => format!("[{name} done: {summary}]"),
        (None, None) => format!("[{name} done{took}]"),
    }
}

/// The result of `commands.catalog` as an aligned list.
pub(super) fn catalog(result: &Value) -> String {
    let pairs: Vec<(&str, &str)> = result["pairs"]
        .as_array()
        .map(|pairs| pairs.iter().filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?))).collect())
        .unwrap_or_default();
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    pairs.iter().map(|(name, description)| format!("  {name:width$}  {description}\n")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Piece, catalog, view};

    #[track_caller]
    fn note(kind: &str, payload: Value, expected: &str) {
        assert_eq!(view(kind, &payload), Some(Piece::Note(expected.to_owned())));
    }

    #[test]
    fn text_keeps_its_kind() {
        let text = json!({ "text": " a\n" });
        assert_eq!(view("message.delta", &text), Some(Piece::Answer(" a\n".to_owned())));
        assert_eq!(view("reasoning.delta", &text), Some(Piece::Reasoning(" a\n".to_owned())));
    }

    #[test]
    fn tools_and_status_are_notes() {
        note("tool.start", json!({ "name": "terminal", "context": "Running ls" }), "[terminal: Running ls]");
        note("tool.start", json!({}), "[tool]");
        note("tool.complete", json!({ "name": "terminal", "duration_s": 0.605 }), "[terminal done in 0.6s]");
        note(
            "tool.complete",
            json!({ "name": "web", "summary": "Did 2 searches in 1.0s", "duration_s": 1 }),
            "[web done: Did 2 searches in 1.0s]",
        );
        note(
            "tool.complete",
            json!({ "name": "terminal", "result": { "error": "no", "output": "" } }),
            "[terminal failed: no]",
        );
        note("tool.complete", json!({ "name": "x", "result": "text" }), "[x done]");
        note("status.update", json!({ "kind": "warn", "text": "slow" }), "[warn] slow");
    }

    #[test]
    fn what_has_nothing_to_show_is_not_shown() {
        for (kind, payload) in [
            ("message.delta", json!({ "text": "" })),
            ("message.delta", json!({ "text": 7 })),
            ("message.delta", Value::Null),
            ("status.update", json!({ "kind": "warn" })),
            ("session.info", json!({ "text": "x" })),
            ("made.up", json!([])),
        ] {
            assert_eq!(view(kind, &payload), None, "{kind} {payload}");
        }
    }

    #[test]
    fn the_catalogue_is_a_list() {
        let result = json!({ "pairs": [["/q", "Leave"], ["/long", "More"], [1, 2], "x"] });
        assert_eq!(catalog(&result), "  /q     Leave\n  /long  More\n");
        assert_eq!(catalog(&Value::Null), "");
    }
}
