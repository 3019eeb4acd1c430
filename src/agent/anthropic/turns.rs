//! The conversation as the API wants it: what is said by turns, first by the user, in blocks. Whatever the
//! history holds, every call has an id of its own and its result in the message behind it, and every result
//! its call. Pure.

use std::borrow::Cow;
use std::collections::HashSet;
use std::mem;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::agent::openai::images::{self, Album};
use crate::agent::openai::request::{NO_RESULT, Request};
use crate::model::message::{Message, Role, Thought};

/// What is said where a conversation begins with the model: the API wants a person's word first.
const OPENING: &str = "(The conversation goes on.)";

/// What begins a data URL, and what stands between its type and its bytes (RFC 2397).
const DATA: &str = "data:";
const BASE64: &str = ";base64,";

/// Largest image, in bytes of base64: 5 MB (the API's).
const IMAGE_BYTES_MAX: usize = 5 << 20;

/// All images together, the same: a request may have 32 MB, and what is said needs room as well.
const IMAGES_BYTES_MAX: usize = 24 << 20;

/// What stands in the place of an image that goes beyond these.
const IMAGE_LEFT_OUT: &str = "(An image is left out here: it is too large to be sent.)";

/// Longest name of a tool, in bytes (the API's).
const NAME_BYTES_MAX: usize = 64;

/// What one of the two says before the other does.
#[derive(Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    pub(super) content: Vec<Part<'a>>,
}

/// A block, with a mark where the server may keep everything up to it.
#[derive(Serialize)]
pub(super) struct Part<'a> {
    #[serde(flatten)]
    block: Block<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

impl Part<'_> {
    /// The server may keep what ends here.
    pub(super) fn mark(&mut self) {
        self.cache_control = Some(CacheControl { r#type: "ephemeral" });
    }
}

#[derive(Serialize)]
struct CacheControl {
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: Source<'a>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        #[serde(serialize_with = "object")]
        input: Option<&'a RawValue>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: &'a str,
    },
}

#[derive(Serialize)]
struct Source<'a> {
    r#type: &'static str,
    media_type: &'a str,
    data: &'a str,
}

/// What is told besides, and the turns.
pub(super) fn write<'a>(request: &Request<'a>) -> (Vec<Part<'a>>, Vec<Turn<'a>>) {
    let mut writer = Writer::new(request.album);
    writer.tell(Cow::Borrowed(request.system.trim()));
    request.conversation.iter().flat_map(|part| part.iter()).for_each(|message| writer.message(message));
    writer.finish()
}

/// The turns as they are put together.
struct Writer<'a> {
    album: &'a Album,
    system: Vec<Part<'a>>,
    turns: Vec<Turn<'a>>,
    /// Calls of the last assistant's turn that have no result yet: their ids in the history, and as sent.
    open: Vec<(&'a str, Cow<'a, str>)>,
    /// The ids of all calls, as sent.
    ids: HashSet<Cow<'a, str>>,
}

impl<'a> Writer<'a> {
    fn new(album: &'a Album) -> Self {
        Self { album, system: Vec::new(), turns: Vec::new(), open: Vec::new(), ids: HashSet::new() }
    }

    fn message(&mut self, message: &'a Message) {
        match &message.called {
            Some(called) => self.result(&called.id, &message.text),
            None if message.role == Role::Tool => {}
            None if message.calls.is_empty() => self.text(message),
            None => self.calls(message),
        }
    }

    /// A message of text; a blank one is left out, because it is refused.
    fn text(&mut self, message: &'a Message) {
        let text = images::described(&message.text, &message.images);
        if text.is_empty() {
            return;
        }
        if message.role == Role::System {
            self.tell(text);
            return;
        }
        self.close();
        let album = self.album;
        for source in message.images.iter().filter_map(|path| album.url(path).and_then(source)) {
            self.push(Role::User, Block::Image { source });
        }
        self.push(message.role, Block::Text { text });
    }

    /// Instructions have one place of their own, wherever they were given.
    fn tell(&mut self, text: Cow<'a, str>) {
        if !text.is_empty() {
            self.system.push(Part { block: Block::Text { text }, cache_control: None });
        }
    }

    fn calls(&mut self, message: &'a Message) {
        self.close();
        for thought in &message.thoughts {
            let block = match thought {
                Thought::Signed { text, signature } => Block::Thinking { thinking: text, signature },
                Thought::Redacted { data } => Block::RedactedThinking { data },
            };
            self.push(Role::Assistant, block);
        }
        let text = message.text.trim();
        if !text.is_empty() {
            self.push(Role::Assistant, Block::Text { text: Cow::Borrowed(text) });
        }
        for call in &message.calls {
            let id = self.own_id(&call.id);
            let name = plain_name(&call.name);
            let block = Block::ToolUse { id: id.clone(), name, input: input(&call.arguments) };
            self.push(Role::Assistant, block);
            self.open.push((call.id.as_str(), id));
        }
    }

    /// An id that no other call has: the history may repeat one, because servers count anew in every answer.
    fn own_id(&mut self, id: &'a str) -> Cow<'a, str> {
        let plain = plain(id);
        let (mut own, mut number) = (plain.clone(), self.ids.len());
        while !self.ids.insert(own.clone()) {
            number += 1;
            own = Cow::Owned(format!("{plain}-{number}"));
        }
        own
    }

    /// A result goes where its call waits; one that nobody waits for means nothing to a model.
    fn result(&mut self, id: &str, text: &'a str) {
        let Some(at) = self.open.iter().position(|(known, _)| *known == id) else { return };
        let (_, sent) = self.open.remove(at);
        self.push_result(sent, text);
    }

    /// Something else comes: what was not answered will not be any more.
    fn close(&mut self) {
        for (_, sent) in mem::take(&mut self.open) {
            self.push_result(sent, NO_RESULT);
        }
    }

    fn push_result(&mut self, tool_use_id: Cow<'a, str>, content: &'a str) {
        self.push(Role::User, Block::ToolResult { tool_use_id, content });
    }

    /// A block joins the turn of who speaks: the roles alternate.
    fn push(&mut self, role: Role, block: Block<'a>) {
        let role = role.as_str();
        let part = Part { block, cache_control: None };
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.content.push(part),
            _ => self.turns.push(Turn { role, content: vec![part] }),
        }
    }

    fn finish(mut self) -> (Vec<Part<'a>>, Vec<Turn<'a>>) {
        self.close();
        self.bound_images();
        let user = Role::User.as_str();
        if self.turns.first().is_some_and(|turn| turn.role != user) {
            let text = Cow::Borrowed(OPENING);
            let part = Part { block: Block::Text { text }, cache_control: None };
            self.turns.insert(0, Turn { role: user, content: vec![part] });
        }
        (self.system, self.turns)
    }

    /// The newest images have the room there is.
    fn bound_images(&mut self) {
        let mut room = IMAGES_BYTES_MAX;
        for part in self.turns.iter_mut().rev().flat_map(|turn| turn.content.iter_mut().rev()) {
            let Block::Image { source } = &part.block else { continue };
            let size = source.data.len();
            if size <= IMAGE_BYTES_MAX.min(room) {
                room -= size;
            } else {
                part.block = Block::Text { text: Cow::Borrowed(IMAGE_LEFT_OUT) };
            }
        }
    }
}

/// An image that stands in the request.
fn source(url: &str) -> Option<Source<'_>> {
    let (media_type, data) = url.strip_prefix(DATA)?.split_once(BASE64)?;
    Some(Source { r#type: "base64", media_type, data })
}

/// A name as it is taken; the model may have called for a tool that there is not.
fn plain_name(name: &str) -> Cow<'_, str> {
    plain(name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default())
}

/// Ids and names of letters, digits, `_` and `-` alone are taken; the history may have those of another
/// server.
fn plain(word: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !word.is_empty() && word.chars().all(fits) {
        return Cow::Borrowed(word);
    }
    let plain: String = word.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    Cow::Owned(if plain.is_empty() { String::from("_") } else { plain })
}

/// The arguments, if they are an object.
fn input(arguments: &str) -> Option<&RawValue> {
    let raw: &RawValue = serde_json::from_str(arguments).ok()?;
    raw.get().starts_with('{').then_some(raw)
}

/// The object, or one without members.
fn object<S: Serializer>(input: &Option<&RawValue>, serializer: S) -> Result<S::Ok, S::Error> {
    match input {
        Some(raw) => raw.serialize(serializer),
        None => serializer.serialize_map(Some(0))?.end(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_images_are_sent_and_none_that_is_too_large() {
        let (fits, too_large) = ("x".repeat(IMAGE_BYTES_MAX), "x".repeat(IMAGE_BYTES_MAX + 1));
        let album = Album::default();
        let mut writer = Writer::new(&album);
        for data in [&fits, &fits, &fits, &too_large, &fits, &fits] {
            let source = Source { r#type: "base64", media_type: "image/png", data };
            writer.push(Role::User, Block::Image { source });
        }
        let (_, turns) = writer.finish();
        let is_sent = |part: &Part<'_>| match &part.block {
            Block::Image { .. } => true,
            Block::Text { text } => text != IMAGE_LEFT_OUT,
            _ => panic!("another block"),
        };
        let sent: Vec<bool> = turns[0].content.iter().map(is_sent).collect();
        assert_eq!(sent, [false, true, true, false, true, true], "24 MiB are four of 5 MiB");
    }
}
