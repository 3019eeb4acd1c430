//! Voice. This server has no microphone and no loudspeaker, so it records and speaks nothing, and says so.
//! The switches are those of the original: a client that shows them keeps working.

use serde_json::{Map, Value, json};

use crate::gateway::Voice;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("voice.toggle", Lane::Inline, "Switch voice mode and spoken answers.", toggle),
    Method::new("voice.record", Lane::Inline, "Record; there is no microphone here.", record),
    Method::new("voice.tts", Lane::Inline, "Speak a text; there is no loudspeaker here.", speak),
];

/// The key that begins a recording unless `voice.record_key` names another (the original's).
const RECORD_KEY: &str = "ctrl+b";

/// Characters of an unknown action that are repeated.
const ECHO_CHARS: usize = 100;

fn toggle(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let voice = ctx.gateway.voice();
    match params.text("action")?.unwrap_or("status") {
        "status" => {
            let mut shown = shown(ctx, voice);
            for part in ["available", "audio_available", "stt_available"] {
                shown.insert(part.to_owned(), false.into());
            }
            let details = "Microphone: none, this server has no voice\nSpeech to text: none";
            shown.insert("details".to_owned(), details.into());
            Ok(Reply::Now(shown.into()))
        }
        "on" => switched(ctx, Voice { on: true, ..voice }),
        "off" => switched(ctx, Voice::default()),
        "tts" if !voice.on => Err(RpcError::new(4014, "enable voice mode first: /voice on")),
        "tts" => switched(ctx, Voice { speaks: !voice.speaks, ..voice }),
        other => Err(RpcError::new(4013, unknown(other))),
    }
}

fn switched(ctx: &mut Ctx<'_>, voice: Voice) -> Result<Reply, RpcError> {
    ctx.gateway.set_voice(voice);
    Ok(Reply::Now(shown(ctx, voice).into()))
}

fn shown(ctx: &Ctx<'_>, voice: Voice) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("enabled".to_owned(), voice.on.into());
    shown.insert("record_key".to_owned(), record_key(&ctx.gateway.settings().raw_json).into());
    shown.insert("tts".to_owned(), voice.speaks.into());
    shown
}

/// The configured key, where it is a text.
fn record_key(settings: &str) -> String {
    let document: Value = serde_json::from_str(settings).unwrap_or_default();
    let key = document.get("voice").and_then(|voice| voice.get("record_key")).and_then(Value::as_str);
    key.map(str::trim).filter(|key| !key.is_empty()).unwrap_or(RECORD_KEY).to_owned()
}

/// The original answers an idle `stop` so, too.
fn record(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    match params.text("action")?.unwrap_or("start") {
        "start" if !ctx.gateway.voice().on => {
            Err(RpcError::new(4015, "voice mode is off — enable with /voice on"))
        }
        "start" => Err(RpcError::new(5025, "voice module not available — install audio dependencies")),
        "stop" => Ok(Reply::Now(json!({ "status": "stopped" }))),
        other => Err(RpcError::new(4019, unknown(other))),
    }
}

/// The original says that it speaks even where nothing can.
fn speak(_ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    match params.text_or_empty("text")? {
        "" => Err(RpcError::new(4020, "text required")),
        _ => Err(RpcError::new(5026, "voice module not available")),
    }
}

fn unknown(action: &str) -> String {
    let shown: String = action.chars().take(ECHO_CHARS).collect();
    format!("unknown voice action: {shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_configured_one_where_it_is_a_text() {
        for (settings, want) in [
            (r#"{"voice":{"record_key":"ctrl+r"}}"#, "ctrl+r"),
            (r#"{"voice":{"record_key":" "}}"#, RECORD_KEY),
            (r#"{"voice":{"record_key":5}}"#, RECORD_KEY),
            (r#"{"voice":true}"#, RECORD_KEY),
            ("{}", RECORD_KEY),
            ("", RECORD_KEY),
        ] {
            assert_eq!(record_key(settings), want, "{settings}");
        }
    }
}
