//! What came of subagents, as the model that started them gets it. Pure.

use std::time::Duration;

use serde_json::{Value, json};

use crate::model::agent_event::SubagentEnd;
use crate::model::turn::Usage;

/// Longest answer that comes back, in characters (the original's).
const SUMMARY_CHARS_MAX: usize = 24_000;

/// The same in news for people (the original's).
const SHOWN_CHARS_MAX: usize = 500;

/// What came of one.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// Its place among those started with it, from 0.
    pub(super) index: usize,
    /// What it was to do.
    pub(super) goal: String,
    /// `completed`, `failed`, `error` or `interrupted`. There is no time limit, so that none is `timeout`.
    pub(super) status: &'static str,
    /// `completed`, `max_iterations`, `interrupted` or `error`. The original says `max_iterations` of every
    /// failure.
    pub(super) exit: &'static str,
    /// Its answer.
    pub(super) answer: Option<String>,
    /// Why there is none.
    pub(super) error: Option<String>,
    /// The model.
    pub(super) model: String,
    /// What it used.
    pub(super) usage: Usage,
    /// How long it ran.
    pub(super) took: Duration,
    /// The tools it ran.
    pub(super) trace: Vec<Traced>,
    /// Files it read.
    pub(super) files_read: Vec<String>,
    /// Files it wrote.
    pub(super) files_written: Vec<String>,
}

/// A tool that a subagent ran.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Traced {
    pub(super) tool: String,
    pub(super) args_bytes: usize,
    pub(super) result_bytes: usize,
    pub(super) failed: bool,
}

impl Report {
    /// For people.
    pub(super) fn end(&self) -> SubagentEnd {
        let said = self.answer.as_ref().or(self.error.as_ref());
        SubagentEnd {
            status: self.status,
            summary: said.map(|said| said.chars().take(SHOWN_CHARS_MAX).collect()).unwrap_or_default(),
            seconds: seconds(self.took),
            usage: self.usage.clone(),
            files_read: self.files_read.clone(),
            files_written: self.files_written.clone(),
        }
    }

    fn value(&self) -> Value {
        let trace: Vec<Value> = self.trace.iter().map(Traced::value).collect();
        let mut value = json!({
            "task_index": self.index,
            "status": self.status,
            "summary": self.answer.as_deref().map(summary),
            "api_calls": self.usage.calls,
            "duration_seconds": seconds(self.took),
            "model": self.model,
            "exit_reason": self.exit,
            "tokens": { "input": self.usage.input, "output": self.usage.output },
            "tool_trace": trace,
        });
        if let Some(error) = &self.error {
            value["error"] = json!(error);
        }
        value
    }

    /// Its part of a notice.
    fn section(&self, count: usize) -> String {
        let head = format!(
            "--- Task {} of {count}: {} ---\nStatus: {}, {} model calls, {:.1} s",
            self.index + 1,
            self.goal,
            self.status,
            self.usage.calls,
            self.took.as_secs_f64()
        );
        let answer = self.answer.as_deref().map(summary);
        let error = self.error.as_ref().map(|error| format!("Error: {error}"));
        [Some(head), answer, error].into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

impl Traced {
    fn value(&self) -> Value {
        json!({
            "tool": self.tool,
            "args_bytes": self.args_bytes,
            "result_bytes": self.result_bytes,
            "status": if self.failed { "error" } else { "ok" },
        })
    }
}

/// The result of a call that waited for them.
pub(super) fn results(reports: &[Report], took: Duration) -> Value {
    let results: Vec<Value> = reports.iter().map(Report::value).collect();
    json!({ "results": results, "total_duration_seconds": seconds(took) })
}

/// The message of a delegation that nobody waited for.
pub(super) fn notice(id: &str, reports: &[Report], took: Duration) -> String {
    let mut parts = vec![format!(
        "[ASYNC DELEGATION BATCH COMPLETE — {id}]\nThe subagents that you started are done, after {:.1} s. \
         These are their answers; the person has not seen them.",
        took.as_secs_f64()
    )];
    parts.extend(reports.iter().map(|report| report.section(reports.len())));
    parts.join("\n\n")
}

/// The answer, within its bound.
fn summary(answer: &str) -> String {
    let count = answer.chars().count();
    if count <= SUMMARY_CHARS_MAX {
        return answer.to_owned();
    }
    let kept: String = answer.chars().take(SUMMARY_CHARS_MAX).collect();
    format!("{kept}\n[{} more characters are left out]", count - SUMMARY_CHARS_MAX)
}

/// With two decimals.
fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(answer: Option<&str>, error: Option<&str>) -> Report {
        Report {
            index: 1,
            goal: "count".to_owned(),
            status: if error.is_some() { "failed" } else { "completed" },
            exit: if error.is_some() { "error" } else { "completed" },
            answer: answer.map(str::to_owned),
            error: error.map(str::to_owned),
            model: "m1".to_owned(),
            usage: Usage { calls: 2, input: 20, output: 6, ..Usage::default() },
            took: Duration::from_millis(1_234),
            trace: vec![Traced { tool: "patch".to_owned(), args_bytes: 2, result_bytes: 7, failed: true }],
            files_read: Vec::new(),
            files_written: vec!["a".to_owned()],
        }
    }

    #[test]
    fn a_result_has_the_members_of_the_original() {
        let value =
            results(&[report(Some("done"), None), report(None, Some("HTTP 400"))], Duration::from_secs(2));
        let want = json!({
            "results": [
                {"task_index": 1, "status": "completed", "summary": "done", "api_calls": 2,
                 "duration_seconds": 1.23, "model": "m1", "exit_reason": "completed",
                 "tokens": {"input": 20, "output": 6},
                 "tool_trace": [{"tool": "patch", "args_bytes": 2, "result_bytes": 7, "status": "error"}]},
                {"task_index": 1, "status": "failed", "summary": null, "api_calls": 2,
                 "duration_seconds": 1.23, "model": "m1", "exit_reason": "error",
                 "tokens": {"input": 20, "output": 6},
                 "tool_trace": [{"tool": "patch", "args_bytes": 2, "result_bytes": 7, "status": "error"}],
                 "error": "HTTP 400"},
            ],
            "total_duration_seconds": 2.0,
        });
        assert_eq!(value, want);
    }

    #[test]
    fn a_long_answer_is_cut() {
        let long = "é".repeat(SUMMARY_CHARS_MAX + 7);
        let report = report(Some(&long), None);
        let value = results(std::slice::from_ref(&report), Duration::ZERO);
        let summary = value["results"][0]["summary"].as_str().unwrap();
        assert!(summary.ends_with("\n[7 more characters are left out]"));
        assert_eq!(report.end().summary.chars().count(), SHOWN_CHARS_MAX);
    }

    #[test]
    fn a_notice_has_a_section_for_each() {
        let reports = [report(Some("done"), None), report(None, Some("HTTP 400"))];
        let text = notice("deleg_00c0ffee", &reports, Duration::from_secs(2));
        assert!(text.starts_with("[ASYNC DELEGATION BATCH COMPLETE — deleg_00c0ffee]\n"), "{text}");
        assert_eq!(text.matches("--- Task 2 of 2: count ---").count(), 2);
        assert!(text.contains("1.2 s\ndone\n\n---") && text.ends_with("\nError: HTTP 400"), "{text}");
    }
}
