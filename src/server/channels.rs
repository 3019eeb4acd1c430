//! Channels: what a publisher says on `/api/pub` reaches everybody who listens on `/api/events` then, to the
//! byte. A sidecar publishes what a terminal UI is told, the page around it listens. Nothing is kept for who
//! comes later.
//!
//! Owns who listens to what. Must not know what is said, nor how a connection is written to.
//!
//! A subscriber that falls behind is closed with 1013, as any reader here is: a stream with a hole in it
//! would look whole. The original lets it hold up everybody else on its channel.

use std::collections::HashMap;
use std::rc::Rc;

use super::links::{Carrier, Link};
use super::main_loop::Server;
use crate::base::slots::Key;
use crate::limits::{Bounds, CHANNELS_MAX};
use crate::outbound::outbox::Outbox;
use crate::transport::access::Refusal;
use crate::transport::http::{Head, query_param};
use crate::transport::ws::append_document;
use crate::wire::encode::Frame;

/// Where publishers connect.
pub(super) const PUB_PATH: &str = "/api/pub";

/// Where subscribers do.
pub(super) const EVENTS_PATH: &str = "/api/events";

/// The query parameter that names the channel.
const CHANNEL_PARAM: &str = "channel";

/// Most bytes of a name, as in the original.
const NAME_MAX: usize = 128;

/// Which end of a channel a connection is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// It says something.
    Publisher(Rc<str>),
    /// It hears it.
    Subscriber(Rc<str>),
}

/// Who listens. A channel without subscribers is not here: what is said on it is for nobody.
#[derive(Default, Debug)]
pub(super) struct Channels {
    subscribers: HashMap<Rc<str>, Vec<Key>>,
}

impl Channels {
    /// What a connection with this head is; `None` where its path is no channel's.
    ///
    /// # Errors
    /// [`Refusal::Channel`] without a good name, [`Refusal::ChannelsFull`] when there are too many.
    pub(super) fn role(&self, head: &Head<'_>) -> Result<Option<Role>, Refusal> {
        let publishes = match head.path() {
            PUB_PATH => true,
            EVENTS_PATH => false,
            _ => return Ok(None),
        };
        let name = query_param(head.query(), CHANNEL_PARAM).filter(|name| is_name(name));
        let name: Rc<str> = name.ok_or(Refusal::Channel)?.into();
        if publishes {
            return Ok(Some(Role::Publisher(name)));
        }
        if self.subscribers.len() >= CHANNELS_MAX && !self.subscribers.contains_key(&name) {
            return Err(Refusal::ChannelsFull);
        }
        Ok(Some(Role::Subscriber(name)))
    }

    fn join(&mut self, channel: Rc<str>, key: Key) {
        self.subscribers.entry(channel).or_default().push(key);
    }

    /// Forgets a subscriber; nothing happens when it is forgotten already.
    fn leave(&mut self, channel: &str, key: Key) {
        if let Some(keys) = self.subscribers.get_mut(channel) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.subscribers.remove(channel);
            }
        }
    }
}

/// The original's pattern, which would also take a line feed at the end.
fn is_name(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_good)
}

impl Server {
    /// Which end of a channel a link is, if it is one.
    pub(super) fn role(&self, key: Key) -> Option<Role> {
        match self.links.get(key) {
            Some(Link { carrier: Carrier::Tcp(tcp), .. }) => tcp.role.clone(),
            _ => None,
        }
    }

    /// The link is this end of a channel from now on. Nothing was said to it yet.
    pub(super) fn join_channel(&mut self, key: Key, role: Role) {
        let Some(link) = self.links.get_mut(key) else { return };
        if let Role::Subscriber(channel) = &role {
            link.outbox = Outbox::with_bounds(append_document, false, &Bounds::SUBSCRIBER);
            self.channels.join(Rc::clone(channel), key);
        }
        if let Carrier::Tcp(tcp) = &mut link.carrier {
            tcp.role = Some(role);
        }
    }

    /// The link hears no more.
    pub(super) fn leave_channel(&mut self, key: Key) {
        if let Some(Role::Subscriber(channel)) = self.role(key) {
            self.channels.leave(&channel, key);
        }
    }

    /// Something was said at an end of a channel. What a subscriber says is for nobody.
    pub(super) fn channel_said(&mut self, key: Key, role: &Role, text: &str) {
        self.metrics.messages_in += 1;
        if let Some(Link { carrier: Carrier::Tcp(tcp), .. }) = self.links.get_mut(key) {
            tcp.messages += 1;
        }
        let Role::Publisher(channel) = role else { return };
        let Some(subscribers) = self.channels.subscribers.get(channel) else { return };
        let frame = Frame::verbatim(text);
        for subscriber in subscribers {
            if let Some(link) = self.links.get_mut(*subscriber) {
                self.pacer.push_frame(*subscriber, &mut link.outbox, frame.clone(), self.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::http::parse_head;

    fn role(channels: &Channels, target: &str) -> Result<Option<Role>, Refusal> {
        let head = format!("GET {target} HTTP/1.1\r\n\r\n");
        channels.role(&parse_head(head.as_bytes()).unwrap().unwrap().0)
    }

    fn key(number: usize) -> Key {
        Key::from_bits(crate::base::slots::KEY_BITS_MIN + number).unwrap()
    }

    #[test]
    fn the_path_says_which_end_and_the_query_which_channel() {
        let channels = Channels::default();
        let of = |target: &str| role(&channels, target);
        assert_eq!(of("/api/pub?token=t&channel=a-1"), Ok(Some(Role::Publisher("a-1".into()))));
        assert_eq!(of("/api/events?channel=A._-9&token=t"), Ok(Some(Role::Subscriber("A._-9".into()))));
        assert_eq!(of("/api/ws?channel=a"), Ok(None));
        let (longest, longer) = ("x".repeat(NAME_MAX), "x".repeat(NAME_MAX + 1));
        assert_eq!(of(&format!("/api/pub?channel={longest}")), Ok(Some(Role::Publisher(longest.into()))));
        let long = format!("/api/pub?channel={longer}");
        let more = ["/api/pub", "/api/pub?channel=", "/api/events?channel=a%0A", "/api/pub?channel=%E9"];
        for bad in more.into_iter().chain([long.as_str()]) {
            assert_eq!(of(bad), Err(Refusal::Channel), "{bad}");
        }
    }

    #[test]
    fn channels_are_bounded_and_go_with_their_last_subscriber() {
        let mut channels = Channels::default();
        for number in 0..CHANNELS_MAX {
            channels.join(number.to_string().into(), key(number));
        }
        assert_eq!(role(&channels, "/api/events?channel=more"), Err(Refusal::ChannelsFull));
        assert!(role(&channels, "/api/pub?channel=more").is_ok(), "a publisher alone takes no room");
        assert!(role(&channels, "/api/events?channel=0").is_ok(), "one more of a channel that is there");
        channels.join("0".into(), key(CHANNELS_MAX));
        channels.leave("0", key(0));
        channels.leave("0", key(0));
        assert!(role(&channels, "/api/events?channel=more").is_err(), "somebody is left");
        channels.leave("0", key(CHANNELS_MAX));
        assert!(role(&channels, "/api/events?channel=more").is_ok());
    }
}
