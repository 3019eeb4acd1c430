//! `session.context_breakdown`: what fills the context window, about. Estimated from what the gateway knows;
//! only agents know the prompts and schemas they send.

use serde_json::{Value, json};

use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::inventory::Group;
use crate::model::message::Message;
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[Method::new(
    "session.context_breakdown",
    Lane::Inline,
    "What fills the context window, about.",
    breakdown,
)];

/// Characters of a token, about (the original's).
const TOKEN_CHARS: usize = 4;

/// Tokens of an image (the original's).
const IMAGE_TOKENS: usize = 1500;

/// Characters of a tool's definition beside its name: the mean of the built-in ones, to a hundred.
const TOOL_CHARS: usize = 1000;

/// Characters of a skill's line in the system prompt beside its name and category: a short sentence.
const SKILL_CHARS: usize = 80;

/// How the tools of tool servers are called.
const SERVER_PREFIX: &str = "mcp_";

/// The tool that starts subagents.
const SUBAGENTS: &str = "delegate_task";

/// Characters of each category.
#[derive(Default)]
struct Chars {
    system: usize,
    tools: usize,
    skills: usize,
    servers: usize,
    subagents: usize,
    conversation: usize,
    /// Images of the conversation.
    images: usize,
}

fn breakdown(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let id = ctx.session_id(params)?;
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    let info = ctx.gateway.info(session);
    let mut chars = Chars { system: info.system_prompt.chars().count(), ..Chars::default() };
    // The demo agent is given neither.
    if !ctx.gateway.uses_demo() {
        chars.add_tools(&info.tools.0);
        chars.add_skills(&info.skills.0);
    }
    chars.add_messages(&session.for_model());
    let (measured, max) = (session.usage.context_used, session.usage.context_max);
    let max = if max > 0 { max } else { ctx.gateway.settings().model.context_length };
    Ok(Reply::Now(page(&chars, measured, max, &info.model)))
}

impl Chars {
    fn add_tools(&mut self, sets: &[Group]) {
        for name in sets.iter().flat_map(|set| &set.items) {
            let kind = match name.as_str() {
                name if name.starts_with(SERVER_PREFIX) => &mut self.servers,
                SUBAGENTS => &mut self.subagents,
                _ => &mut self.tools,
            };
            *kind += name.chars().count() + TOOL_CHARS;
        }
    }

    fn add_skills(&mut self, categories: &[Group]) {
        for category in categories {
            let names = category.items.iter().map(|name| name.chars().count() + SKILL_CHARS);
            self.skills += category.name.chars().count() + names.sum::<usize>();
        }
    }

    fn add_messages(&mut self, messages: &[Message]) {
        for message in messages {
            let call_chars =
                message.calls.iter().map(|call| call.name.chars().count() + call.arguments.chars().count());
            self.conversation += message.text.chars().count() + call_chars.sum::<usize>();
            self.images += message.images.len();
        }
    }
}

/// Rules and memory are missing: they are files, which agents read.
fn page(chars: &Chars, measured: u64, max: u64, model: &str) -> Value {
    let tokens = |chars: usize| chars.div_ceil(TOKEN_CHARS);
    let conversation = tokens(chars.conversation) + chars.images * IMAGE_TOKENS;
    let categories = [
        ("system_prompt", "System prompt", "system", tokens(chars.system)),
        ("tool_definitions", "Tool definitions", "tools", tokens(chars.tools)),
        ("skills", "Skills", "skills", tokens(chars.skills)),
        ("mcp", "MCP", "mcp", tokens(chars.servers)),
        ("subagent_definitions", "Subagent definitions", "subagents", tokens(chars.subagents)),
        ("conversation", "Conversation", "conversation", conversation),
    ];
    let total: usize = categories.iter().map(|category| category.3).sum();
    let used = if measured > 0 { measured } else { total as u64 };
    let shown = categories.iter().filter(|category| category.3 > 0).map(|(id, label, color, tokens)| {
        json!({
            "id": id, "label": label, "color": format!("var(--context-usage-{color})"), "tokens": tokens,
        })
    });
    json!({
        "categories": shown.collect::<Vec<Value>>(),
        "context_max": max,
        "context_percent": percent(used, max),
        "context_used": used,
        "estimated_total": total,
        "model": model,
    })
}

/// Rounded, at most 100; 0 of an unknown size.
fn percent(used: u64, max: u64) -> u64 {
    let (used, max) = (u128::from(used), u128::from(max));
    let doubled = (used * 200).checked_div(max).unwrap_or_default();
    doubled.div_ceil(2).min(100) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Role, ToolCall};

    #[test]
    fn tools_are_told_apart_by_their_names() {
        let names = ["terminal", "mcp_gh_issue", "delegate_task"].map(str::to_owned);
        let mut chars = Chars::default();
        chars.add_tools(&[Group { name: "all".to_owned(), items: names.to_vec() }]);
        let wanted = (TOOL_CHARS + 8, TOOL_CHARS + 12, TOOL_CHARS + 13);
        assert_eq!((chars.tools, chars.servers, chars.subagents), wanted);
    }

    #[test]
    fn messages_cost_their_characters_and_images() {
        let call = ToolCall { id: "ignored".into(), name: "tool".into(), arguments: "{}".into() };
        let asks = Message { calls: vec![call], ..Message::new(Role::Assistant, "éé") };
        let looks = Message { images: vec!["/a".into()], ..Message::new(Role::User, "x") };
        let mut chars = Chars::default();
        chars.add_messages(&[looks, asks]);
        let page = page(&chars, 0, 0, "m");
        let tokens = 3 + IMAGE_TOKENS;
        assert_eq!(page["categories"][0]["tokens"], tokens, "nine characters are three tokens");
        assert_eq!(page["categories"][0]["color"], "var(--context-usage-conversation)");
        assert_eq!(page["categories"].as_array().map(Vec::len), Some(1), "{page}");
        assert_eq!((&page["context_used"], &page["context_percent"]), (&json!(tokens), &json!(0)));
    }

    #[test]
    fn what_was_measured_counts_before_the_estimate() {
        let page = page(&Chars { system: 9, ..Chars::default() }, 2314, 200_000, "m");
        assert_eq!((&page["context_used"], &page["estimated_total"]), (&json!(2314), &json!(3)));
        assert_eq!(page["context_percent"], 1);
        assert_eq!(percent(u64::MAX, 1), 100);
    }
}
