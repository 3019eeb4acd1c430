//! Pages that show the conversation, or do something with all of it.

use serde_json::{Value, json};

use super::told::{ask, list, live, named, page, text};
use crate::gateway::method::{Ctx, Reply};
use crate::model::ids::SessionId;
use crate::model::message::Message;
use crate::wire::error::RpcError;

type Answer = Result<Reply, RpcError>;

/// Characters of a message on the page of `/history`; the terminal client shows as many.
const HISTORY_CHARS_MAX: usize = 400;

/// Messages on that page, the newest ones: nobody reads more of them there.
const HISTORY_MESSAGES_MAX: usize = 200;

/// What stands there when nothing was said, which is not saved either.
const NO_MESSAGES: &str = "(no messages yet)";

/// Conversations on the page of `/sessions`.
const SESSIONS_MAX: usize = 20;

/// Characters of their titles.
const TITLE_CHARS: usize = 60;

pub(super) fn history(ctx: &mut Ctx<'_>, id: Option<SessionId>, _arg: &str) -> Answer {
    let id = live(ctx, id)?;
    let session = ctx.gateway.live(id).ok_or_else(RpcError::no_session)?;
    page(history_page(&session.history))
}

fn history_page(history: &[Message]) -> String {
    let lines: Vec<String> = history.iter().filter_map(history_line).collect();
    let earlier = lines.len().saturating_sub(HISTORY_MESSAGES_MAX);
    let shown = lines[earlier..].join("\n\n");
    match (lines.is_empty(), earlier) {
        (true, _) => NO_MESSAGES.to_owned(),
        (false, 0) => shown,
        (false, _) => format!("({earlier} earlier messages)\n\n{shown}"),
    }
}

/// Of a tool's result what was done, as in a transcript.
fn history_line(message: &Message) -> Option<String> {
    let text = match &message.called {
        Some(called) if called.label.is_empty() => called.name.as_str(),
        Some(called) => called.label.as_str(),
        None => message.text.trim(),
    };
    let clipped: String = text.chars().take(HISTORY_CHARS_MAX).collect();
    let more = if clipped.len() < text.len() { "…" } else { "" };
    (!text.is_empty()).then(|| format!("{}: {clipped}{more}", message.role.as_str()))
}

pub(super) fn save(ctx: &mut Ctx<'_>, id: Option<SessionId>, _arg: &str) -> Answer {
    let id = live(ctx, id)?;
    if ctx.gateway.live(id).is_some_and(|session| session.history.is_empty()) {
        return page(NO_MESSAGES);
    }
    ask(ctx, "session.save", json!({ "session_id": id.as_str() }), |_, done| {
        page(format!("conversation saved to: {}", text(&done, "file")))
    })
}

pub(super) fn title(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    let id = live(ctx, id)?;
    if arg.is_empty() {
        let title = ctx.gateway.live(id).and_then(|session| session.title.as_deref());
        return page(format!("Title: {}", title.unwrap_or("(none)")));
    }
    let wanted = json!({ "session_id": id.as_str(), "title": arg });
    ask(ctx, "session.title", wanted, |_, done| {
        let pending = done.get("pending") == Some(&Value::Bool(true));
        let later = if pending { " (written down once that works again)" } else { "" };
        page(format!("Title: {}{later}", text(&done, "title")))
    })
}

pub(super) fn branch(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    ask(ctx, "session.branch", json!({ "session_id": named(id), "name": arg }), |_, done| {
        let title = text(&done, "title");
        page(format!("The conversation was copied to \"{title}\". /resume {title} goes on there."))
    })
}

pub(super) fn compress(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    ask(ctx, "session.compress", json!({ "session_id": named(id), "focus_topic": arg }), |_, done| {
        let summary = done.get("summary").cloned().unwrap_or_default();
        let lines = ["headline", "token_line", "note"].map(|name| text(&summary, name).to_owned());
        page(lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"))
    })
}

/// The conversation that a client looks at is the client's choice: here they are only listed.
pub(super) fn sessions(ctx: &mut Ctx<'_>, _id: Option<SessionId>, arg: &str) -> Answer {
    if !arg.is_empty() {
        return page("A conversation is opened by the client: it asks session.resume with an id or a title.");
    }
    ask(ctx, "session.list", json!({ "limit": SESSIONS_MAX }), |_, found| {
        let lines: Vec<String> =
            list(&found, "sessions").iter().take(SESSIONS_MAX).map(session_line).collect();
        page(if lines.is_empty() { "No conversations are kept.".to_owned() } else { lines.join("\n") })
    })
}

fn session_line(session: &Value) -> String {
    let title = match text(session, "title") {
        "" => text(session, "preview"),
        title => title,
    };
    let title: String = title.chars().take(TITLE_CHARS).collect();
    let messages = session.get("message_count").and_then(Value::as_u64).unwrap_or(0);
    format!("{}  {title}  ({messages} messages)", text(session, "id"))
}

pub(super) fn background(ctx: &mut Ctx<'_>, id: Option<SessionId>, arg: &str) -> Answer {
    if arg.is_empty() {
        return page("usage: /background <prompt>");
    }
    ask(ctx, "prompt.background", json!({ "session_id": named(id), "text": arg }), |_, done| {
        page(format!("{} works on it; its answer comes when it is done.", text(&done, "task_id")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Called, Role};

    #[test]
    fn the_page_of_a_conversation_is_bounded_and_shows_no_results() {
        assert_eq!(history_page(&[]), NO_MESSAGES);
        let called =
            |label: &str| Called { id: "1".into(), name: "terminal".into(), label: label.to_owned() };
        let history = [
            Message::new(Role::User, "look "),
            Message::new(Role::Assistant, " "),
            Message::result(called("Running ls"), "secret"),
            Message::result(called(""), "secret"),
            Message::new(Role::Assistant, "é".repeat(HISTORY_CHARS_MAX + 1)),
        ];
        let long = "é".repeat(HISTORY_CHARS_MAX);
        let expected = format!("user: look\n\ntool: Running ls\n\ntool: terminal\n\nassistant: {long}…");
        assert_eq!(history_page(&history), expected);
        let many = vec![Message::new(Role::User, "x"); HISTORY_MESSAGES_MAX + 5];
        assert!(history_page(&many).starts_with("(5 earlier messages)\n\nuser: x\n\n"));
    }

    #[test]
    fn a_conversation_without_a_title_is_named_by_its_beginning() {
        let row = json!({ "id": "k", "title": "", "preview": "Look at this", "message_count": 2 });
        assert_eq!(session_line(&row), "k  Look at this  (2 messages)");
    }
}
