//! Anthropic's Messages API, beside the `chat/completions` that `openai` began with: where a request goes
//! (`place`), how it is written (`request`, of `turns` and of what `thinking` allows), what an event of the
//! answer says (`event`), and the thinking that has to be sent back (`thoughts`).
//!
//! Only what differs on the wire stands here. The loop of a turn, its tries and its tools are those of
//! `openai`, whose types of a request and of a failure these are. Knows no sockets, no tries and no turns;
//! nothing here reads a file or a clock.

mod event;
mod place;
mod request;
mod thinking;
mod thoughts;
mod turns;

pub(super) use event::{Piece, read};
pub(super) use place::{HOST, MODELS, headers, url};
pub(super) use request::body;
pub(super) use thoughts::Thoughts;

#[cfg(test)]
mod tests;
