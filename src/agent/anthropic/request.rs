//! The body of a request: the conversation, the tools, and how long the answer may be. Pure: settings and a
//! conversation in, JSON text out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::thinking::{self, OutputConfig, Thinking};
use super::turns::{self, Part, Turn};
use crate::agent::openai::request::Request;

/// Models whose servers keep the beginning of a prompt when they are told where it ends (the original's).
const CACHED: &str = "claude";

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Part<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Vec<Tool<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig>,
    stream: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    input_schema: &'a RawValue,
}

/// A tool as `chat/completions` wants it.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    parameters: &'a RawValue,
}

/// The JSON text.
///
/// # Errors
/// The tools are no tools, or it cannot be written.
pub(in crate::agent) fn body(request: &Request<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let (mut system, mut messages) = turns::write(request);
    // Auxiliary questions are asked once: nothing of them is worth keeping.
    if request.streamed && request.model.to_lowercase().contains(CACHED) {
        let last = messages.last_mut().and_then(|turn| turn.content.last_mut());
        system.last_mut().into_iter().chain(last).for_each(Part::mark);
    }
    let plan = thinking::plan(request);
    serde_json::to_vec(&Body {
        model: request.model,
        max_tokens: plan.max_tokens,
        system,
        messages,
        tools: request.tools.map(tools).transpose()?,
        thinking: plan.thinking,
        output_config: plan.output_config,
        stream: request.streamed,
    })
}

fn tools(rows: &RawValue) -> Result<Vec<Tool<'_>>, serde_json::Error> {
    let rows: Vec<Row<'_>> = serde_json::from_str(rows.get())?;
    let tool = |Row { function: Function { name, description, parameters } }| Tool {
        name,
        description,
        input_schema: parameters,
    };
    Ok(rows.into_iter().map(tool).collect())
}
