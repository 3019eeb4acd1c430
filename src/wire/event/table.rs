//! The list of events for people.

/// What every subagent event may carry.
const SUBAGENT: &str = "goal, task_count, task_index, depth, tool_count, subagent_id?, parent_id?, \
                        child_session_id?, model?, tool_name?, tool_preview?, text?";

/// What its last one carries as well.
const SUBAGENT_END: &str = "the same, status, summary, duration_seconds, input_tokens, output_tokens, \
                            reasoning_tokens, api_calls, files_read?, files_written?";

/// Every event type: name, payload members, when.
pub const EVENTS: &[(&str, &str, &str)] = &[
    ("gateway.ready", "skin", "First frame of every connection."),
    ("skin.changed", "the skin object", "The client has set another skin; `session_id` is empty."),
    ("session.info", "see below", "The session is ready, or something of it changed; after every turn."),
    ("message.start", "none", "A turn starts."),
    ("thinking.delta", "text", "A phrase while the model is silent; an empty text clears it. Paced."),
    ("reasoning.delta", "text, verbose?", "A piece of the model's reasoning. Paced and merged."),
    ("message.delta", "text", "A piece of the visible answer. Paced and merged."),
    ("reasoning.available", "text, verbose?", "The model reasoned; at most 500 characters of it."),
    (
        "message.complete",
        "text, usage, status, reasoning?, rendered?",
        "The turn's answer is final. Exactly one a turn, unless `error` ends it.",
    ),
    ("error", "message", "The turn ended without an answer: `@` references would bring along too much."),
    ("status.update", "kind, text", "A line about how it goes."),
    ("tool.generating", "name", "The model began to write a tool call."),
    ("tool.start", "tool_id, name, context, args_text?", "A tool starts."),
    (
        "tool.complete",
        "tool_id, name, args, duration_s?, result, summary?, result_text?, todos?, inline_diff?",
        "A tool is done.",
    ),
    ("subagent.start", SUBAGENT, "A subagent begins."),
    ("subagent.thinking", SUBAGENT, "It thinks: a piece of it in `text`."),
    ("subagent.tool", SUBAGENT, "It runs a tool."),
    ("subagent.progress", SUBAGENT, "It ran a few tools: their names in `text`."),
    ("subagent.complete", SUBAGENT_END, "It ended."),
    ("agent.terminal.output", "process_id, chunk", "A background process printed something. Paced."),
    ("background.complete", "task_id, text", "What `prompt.background` asked for is done."),
    ("preview.restart.progress", "task_id, text", "How `preview.restart` goes."),
    ("preview.restart.complete", "task_id, text", "What `preview.restart` asked for is done."),
    ("browser.progress", "message, level", "A line about `browser.manage` with a `session_id`."),
    (
        "session.title",
        "session_id, title",
        "The model gave the conversation a title; `session_id` is stored.",
    ),
    (
        "approval.request",
        "command, pattern_key, pattern_keys, description, allow_permanent, request_id",
        "An agent asks whether something may run.",
    ),
    ("clarify.request", "question, choices, request_id", "An agent asks a question."),
    ("sudo.request", "request_id", "An agent needs the sudo password."),
    ("secret.request", "prompt, env_var, request_id", "An agent needs a secret."),
];
