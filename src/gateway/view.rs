//! How sessions look on the wire: info objects, usage, transcripts.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{Gateway, Session};
use crate::model::message::{Message, Role};
use crate::model::provider::ModelChoice;
use crate::model::settings::ApprovalMode;
use crate::model::store::Listed;
use crate::model::turn::Usage;
use crate::wire::event::{Groups, Servers, SessionInfo, UsageView};

/// The version of the original whose wire this is; clients compare it.
pub const WIRE_VERSION: &str = "0.18.0";

/// Its release date.
pub const WIRE_RELEASE_DATE: &str = "2026.7.1";

/// The provider of the models of another program's agent, as it is shown and stored.
pub(crate) const OTHER_AGENT: &str = "acp";

/// What desktop clients refuse to go below.
const DESKTOP_CONTRACT: u32 = 2;

/// Characters of the preview in `session.active_list`.
const ACTIVE_PREVIEW_CHARS: usize = 160;

impl Gateway {
    /// The model a session talks to, as it is shown.
    pub(crate) fn model_of(&self, session: Option<&Session>) -> String {
        let choice = session.and_then(|session| session.model.as_ref());
        let told = session.map(|session| &session.menu.models.current).filter(|told| !told.is_empty());
        match choice {
            // Another program's agent says which one it talks to, once it has been asked.
            _ if self.is_demo(choice) => told.map_or_else(
                || self.setup.other_agent.as_deref().unwrap_or("demo").to_owned(),
                String::clone,
            ),
            Some(choice) => choice.name.clone(),
            None => self.settings.model.name.clone(),
        }
    }

    /// The configured provider.
    pub(crate) fn provider(&self) -> &str {
        self.provider_of(None)
    }

    /// The provider a session talks to, as it is shown.
    pub(crate) fn provider_of<'a>(&'a self, session: Option<&'a Session>) -> &'a str {
        let choice = session.and_then(|session| session.model.as_ref());
        match choice.and_then(|choice| choice.provider.as_deref()) {
            _ if self.is_demo(choice) => self.setup.other_agent.as_ref().map_or("demo", |_| OTHER_AGENT),
            Some(provider) => provider,
            None if self.settings.model.provider.is_empty() => "custom",
            None => &self.settings.model.provider,
        }
    }

    /// Whether nothing is configured that could be called. A session may have chosen a provider all the same.
    pub(crate) fn uses_demo(&self) -> bool {
        self.is_demo(None)
    }

    /// Whether the demo agent answers who made this choice.
    pub(super) fn is_demo(&self, choice: Option<&ModelChoice>) -> bool {
        let is_called = choice.is_some_and(|choice| choice.provider.is_some()) || self.settings.has_model();
        self.setup.demo_only || !is_called
    }

    /// The full info object.
    pub(crate) fn info(&self, session: &Session) -> SessionInfo {
        let display = &self.settings.display;
        let fast = display.service_tier == "fast";
        SessionInfo {
            model: self.model_of(Some(session)),
            provider: self.provider_of(Some(session)).to_owned(),
            reasoning_effort: match display.reasoning_effort.as_str() {
                "none" => String::new(),
                effort => effort.to_owned(),
            },
            service_tier: if fast { "priority" } else { "" },
            fast,
            yolo: session.yolo.is_on() || self.settings.agent.approvals.mode == ApprovalMode::Off,
            tools: Groups(Arc::clone(&self.inventory.tools)),
            skills: Groups(Arc::clone(&self.inventory.skills)),
            cwd: session.cwd.display().to_string(),
            branch: session.branch.clone(),
            personality: match display.personality.as_str() {
                "none" => String::new(),
                name => name.to_owned(),
            },
            running: session.is_running(),
            title: session.title.clone().unwrap_or_default(),
            desktop_contract: DESKTOP_CONTRACT,
            version: WIRE_VERSION,
            release_date: WIRE_RELEASE_DATE,
            update_behind: None,
            update_command: "",
            usage: self.usage(session),
            profile_name: "default",
            mcp_servers: Servers(Arc::clone(&self.inventory.servers)),
            system_prompt: self.settings.model.system_prompt.clone(),
            credential_warning: self.credential_warning(session).map(str::to_owned),
            config_warning: self.settings.warning.clone(),
        }
    }

    /// What is wrong with the key of the model that answers in this session.
    fn credential_warning(&self, session: &Session) -> Option<&str> {
        let choice = session.model.as_ref();
        let provider = choice.and_then(|choice| choice.provider.as_deref());
        // Another provider has a key of its own.
        let is_ours = !self.is_demo(choice) && provider.is_none_or(|name| name == self.provider());
        self.settings.model.key_warning.as_deref().filter(|_| is_ours)
    }

    /// Its counters. The model is named even before the first call.
    pub(crate) fn usage(&self, session: &Session) -> UsageView {
        let mut view = usage(&session.usage);
        if view.model.is_empty() {
            view.model = self.model_of(Some(session));
        }
        view.compressions = session.compressions;
        view.active_subagents = self.subagents;
        view
    }

    /// What a client needs to catch up with a session it takes over.
    pub(crate) fn catch_up(&self, session: &Session) -> Map<String, Value> {
        let messages = messages(&session.history);
        let mut result = Map::new();
        result.insert("info".into(), json!(self.info(session)));
        result.insert("message_count".into(), session.history.len().into());
        result.insert("messages".into(), messages.into());
        result.insert("running".into(), session.is_running().into());
        result.insert("session_id".into(), session.id.as_str().into());
        result.insert("session_key".into(), session.key.clone().into());
        result.insert("started_at".into(), session.created.into());
        result.insert("status".into(), self.status(session).as_str().into());
        if let Some((user, assistant)) = session.inflight() {
            let inflight = json!({"user": user.trim(), "assistant": assistant, "streaming": true});
            result.insert("inflight".into(), inflight);
        }
        result
    }

    /// An item of `session.active_list`.
    pub(crate) fn active_item(&self, session: &Session, current: Option<&str>) -> Value {
        json!({
            "current": current == Some(session.id.as_str()),
            "id": session.id.as_str(),
            "last_active": session.last_active,
            "message_count": session.history.len(),
            "model": self.model_of(Some(session)),
            "preview": active_preview(session),
            "session_key": session.key,
            "started_at": session.created,
            "status": self.status(session).as_str(),
            "title": session.title.as_deref().unwrap_or_default(),
        })
    }

    /// The text page of `session.status`.
    pub(crate) fn status_page(&self, session: &Session) -> String {
        let time = |wall| local_time(wall, &self.setup().timezone, "%Y-%m-%d %H:%M");
        let home = &self.settings.home;
        let title = session.title.as_deref().map(|title| format!("Title: {title}\n")).unwrap_or_default();
        format!(
            "Hermes TUI Status\n\nSession ID: {}\nPath: {}\n{title}Model: {} ({})\nCreated: {}\n\
             Last Activity: {}\nTokens: {}\nAgent Running: {}",
            session.key,
            home.display(),
            self.model_of(Some(session)),
            self.provider_of(Some(session)),
            time(session.begun),
            time(session.last_active),
            thousands(session.usage.input + session.usage.output),
            if session.is_running() { "Yes" } else { "No" },
        )
    }
}

/// An item of `session.list`.
pub(crate) fn list_item(listed: &Listed) -> Value {
    json!({
        "id": listed.key.as_ref(),
        "title": listed.title,
        "preview": listed.preview,
        "started_at": listed.started_at,
        "message_count": listed.messages,
        "source": listed.source,
    })
}

fn active_preview(session: &Session) -> String {
    let text = match session.inflight() {
        Some((user, answer)) if answer.trim().is_empty() => user.to_owned(),
        Some((_, answer)) => answer,
        None => {
            let last = session.history.iter().rev().find(|message| !message.text.trim().is_empty());
            last.map(|message| message.text.clone()).unwrap_or_default()
        }
    };
    let words = text.split_whitespace();
    let mut preview = String::new();
    for word in words {
        if preview.chars().count() > ACTIVE_PREVIEW_CHARS {
            break;
        }
        if !preview.is_empty() {
            preview.push(' ');
        }
        preview.push_str(word);
    }
    preview.chars().take(ACTIVE_PREVIEW_CHARS).collect()
}

/// The transcript as clients show it. Blank messages are left out unless they carry reasoning; of a tool's
/// result only what was done is told.
pub(crate) fn messages(history: &[Message]) -> Vec<Value> {
    history.iter().filter_map(message).collect()
}

fn message(message: &Message) -> Option<Value> {
    let role = message.role.as_str();
    if let Some(called) = &message.called {
        return Some(json!({"role": role, "name": called.name, "context": called.label}));
    }
    let reasoning =
        message.reasoning.as_deref().filter(|text| message.role == Role::Assistant && !text.is_empty());
    // As it is read from the store: live and resumed it looks the same.
    let text = match message.role {
        Role::User | Role::Assistant => message.text.trim(),
        Role::Tool | Role::System => message.text.as_str(),
    };
    let blank = text.trim().is_empty();
    match reasoning {
        // With calls it was only thought aloud between tools.
        _ if blank && !message.calls.is_empty() => None,
        Some(reasoning) => Some(json!({"role": role, "text": text, "reasoning": reasoning})),
        None if blank => None,
        None => Some(json!({"role": role, "text": text})),
    }
}

/// Counters as the wire shows them.
fn usage(usage: &Usage) -> UsageView {
    let known = usage.context_used > 0 && usage.context_max > 0;
    let percent = |used: u64, max: u64| (used * 200 / max).div_ceil(2).min(100);
    UsageView {
        model: usage.model.clone(),
        input: usage.input,
        output: usage.output,
        reasoning: usage.reasoning,
        prompt: usage.input,
        completion: usage.output,
        total: usage.input + usage.output,
        calls: usage.calls,
        context_used: known.then_some(usage.context_used),
        context_max: known.then_some(usage.context_max),
        context_percent: known.then(|| percent(usage.context_used, usage.context_max)),
        compressions: 0,
        active_subagents: 0,
    }
}

/// `wall` (seconds since 1970) as local time.
pub(crate) fn local_time(wall: f64, timezone: &TimeZone, format: &str) -> String {
    let time = jiff::Timestamp::from_second(wall as i64).unwrap_or_default();
    time.to_zoned(timezone.clone()).strftime(format).to_string()
}

/// `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_rounded_and_bounded() {
        let percent = |used, max| {
            let counters = Usage { context_used: used, context_max: max, ..Usage::default() };
            usage(&counters).context_percent
        };
        assert_eq!(percent(2314, 200_000), Some(1));
        assert_eq!(percent(3_000, 200_000), Some(2));
        assert_eq!(percent(2_999, 200_000), Some(1));
        assert_eq!(percent(999_999, 200_000), Some(100));
        assert_eq!(percent(5, 0), None);
    }

    #[test]
    fn thousands_have_commas() {
        assert_eq!(
            [thousands(0), thousands(999), thousands(7_034), thousands(1_234_567)],
            ["0", "999", "7,034", "1,234,567"]
        );
    }

    #[test]
    fn blank_messages_are_not_shown() {
        let mut thought = Message::new(Role::Assistant, "");
        thought.reasoning = Some("hm".into());
        let history = [Message::new(Role::User, "hi"), Message::new(Role::Assistant, " "), thought];
        assert_eq!(messages(&history).len(), 2);
    }
}
