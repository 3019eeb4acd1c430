//! Images that wait in a host for the next prompt: known by the paths that the host named, so that the next
//! process hears of them too. Hosts keep them in memory alone. Knows no file: what is no more, the host says.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::Bridge;
use super::host::is_ours;
use super::recover::DEATHS_MAX;
use super::request::{Request, What};
use super::session::{PromptState, Session};
use crate::gateway::io::Now;
use crate::limits::{HOST_IMAGES_BYTES_MAX, HOST_IMAGES_MAX, IMAGES_MAX};
use crate::model::ids::SessionId;
use crate::wire::upstream::Reply;

/// How a host is told of a file again, however it came to know of it the first time.
const ATTACH: &str = "image.attach";

/// Images of one session.
#[derive(Default, Debug)]
pub(super) struct Images {
    /// Those that its host has for the next prompt, oldest first, by the host's paths.
    pub(super) kept: Vec<Box<str>>,
    /// Those of them that the host of now has not heard of.
    owed: Vec<Box<str>>,
    /// Those that it is being told of, one after the other.
    playing: VecDeque<Box<str>>,
    /// Whether it is: what is asked about the session waits meanwhile.
    pub(super) is_playing: bool,
    /// The one that it has not answered.
    in_flight: Option<Box<str>>,
    /// The last one with which a host ended unanswered, and how many did in a row.
    deadly: Option<(Box<str>, u32)>,
    /// Whether clients know that not all are kept.
    is_over_told: bool,
}

impl Images {
    /// The process is gone with all that waited in it. Gives the image that is what ends them, most likely.
    pub(super) fn lose(&mut self) -> Option<Box<str>> {
        self.owed.clone_from(&self.kept);
        self.playing.clear();
        self.is_playing = false;
        let path = self.in_flight.take()?;
        let before = self.deadly.take().filter(|(deadly, _)| *deadly == path);
        let deaths = before.map_or(0, |(_, deaths)| deaths) + 1;
        if deaths >= DEATHS_MAX {
            return Some(path);
        }
        self.deadly = Some((path, deaths));
        None
    }

    /// A turn took them.
    pub(super) fn consume(&mut self) {
        self.kept.clear();
        self.owed.clear();
        self.is_over_told = false;
    }

    /// A prompt was submitted to a host that binds images to it: those that the host knew of go with it. What is
    /// played now is told behind the prompt.
    pub(super) fn take_known(&mut self) -> Vec<Box<str>> {
        self.is_over_told = false;
        let later =
            |path: &str| self.owed.iter().chain(&self.playing).chain(&self.in_flight).any(|it| **it == *path);
        self.kept.extract_if(.., |path| !later(path)).collect()
    }

    /// A prompt will be: those that the host of then has to be told of go with it.
    pub(super) fn take_owed(&mut self) -> Vec<Box<str>> {
        let owed = std::mem::take(&mut self.owed);
        self.kept.retain(|path| !owed.contains(path));
        owed
    }

    /// A prompt that had taken them was refused: they wait in its host again, as many as find room there.
    pub(super) fn take_back(&mut self, images: Vec<Box<str>>) {
        let room = IMAGES_MAX.saturating_sub(self.kept.len());
        self.kept.splice(..0, images.into_iter().take(room));
    }

    /// A turn began between the request that attached the last `new` of them and its answer. Whether it took
    /// them, the number of those that waited behind it tells.
    fn trust(&mut self, count: usize, new: usize) {
        let known = self.kept.len();
        if count > known {
            // They were counted with others that the turn took.
            self.kept.truncate(known - new);
        } else {
            self.kept.drain(..known - count);
        }
    }

    /// Keeps one more; false when that is over what may be kept.
    fn keep(&mut self, path: &str) -> bool {
        let bytes: usize = self.kept.iter().map(|path| path.len()).sum();
        let fits = self.kept.len() < HOST_IMAGES_MAX && bytes + path.len() <= HOST_IMAGES_BYTES_MAX;
        if fits {
            self.kept.push(path.into());
        }
        fits
    }

    /// A host that does not bind them was told of one again. A turn that began meanwhile was taken to have it;
    /// then so many waited behind that.
    fn recall(&mut self, path: &str, count: Option<usize>) {
        let is_known = self.kept.iter().any(|kept| **kept == *path);
        if !is_known
            && self.keep(path)
            && let Some(count) = count
        {
            self.trust(count, 1);
        }
    }

    fn drop(&mut self, path: &str) {
        self.kept.retain(|kept| &**kept != path);
        self.owed.retain(|kept| &**kept != path);
        self.playing.retain(|kept| &**kept != path);
    }
}

impl Bridge {
    /// A host has images for the next prompt, if this is such an answer.
    pub(super) fn attached(&mut self, id: Option<SessionId>, number: u64, reply: &Reply) {
        let Some(session) = id.and_then(|id| self.sessions.get_mut(&id)) else { return };
        let binds = is_ours(&self.hosts, session.host);
        let (paths, count) = read(reply);
        let mut new = 0;
        for path in &paths {
            new += usize::from(session.images.keep(path));
        }
        let fits = new == paths.len();
        if let Some(count) = count.filter(|_| !binds && fits && number < session.began) {
            session.images.trust(count, new);
        }
        let (id, is_told) = (session.id, session.images.is_over_told);
        if !fits && !is_told {
            session.images.is_over_told = true;
            self.tell(id, "warn", "so many images wait here that not all would outlive the agent host");
        }
    }

    /// A client took one back.
    pub(super) fn detached(&mut self, request: &Request, reply: &Reply) {
        let path = request.params.get("path").and_then(Value::as_str).map(str::trim);
        if let Some(session) = request.session.and_then(|id| self.sessions.get_mut(&id))
            && let Some(path) = path.filter(|_| reply.error.is_none())
        {
            session.images.drop(path);
        }
    }

    /// The next process has the session: it is told of what the one before had, ahead of all else. In a host that
    /// binds images to prompts, those of the prompts that still wait come first, each with its own.
    pub(super) fn play_owed(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let binds = is_ours(&self.hosts, session.host);
        let waits = session.prompts.iter().any(|prompt| prompt.state == PromptState::Waiting);
        // One that was asked and not answered is not known to have taken them: they are its.
        let is_first = session.prompts.front().is_some_and(|first| first.is_of_client(&self.requests));
        if session.images.is_playing || session.images.owed.is_empty() || (binds && waits && !is_first) {
            return;
        }
        let owed = std::mem::take(&mut session.images.owed);
        self.play(now, id, owed);
    }

    /// Tells a host of images, one after the other: it may read each beside the next.
    pub(super) fn play(&mut self, now: Now, id: SessionId, images: Vec<Box<str>>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.images.playing.extend(images);
        session.images.is_playing = true;
        self.play_next(now, id);
    }

    /// A host has heard of one.
    pub(super) fn played(&mut self, now: Now, number: u64, request: &Request, reply: &Reply) {
        let Some(id) = request.session else { return };
        let path = request.params.get("path").and_then(Value::as_str).unwrap_or_default();
        if let Some(session) = self.sessions.get_mut(&id) {
            session.images.in_flight = None;
            session.images.deadly.take_if(|(deadly, _)| **deadly == *path);
            let binds = is_ours(&self.hosts, session.host);
            if !binds && reply.error.is_none() {
                let (_, count) = read(reply);
                session.images.recall(path, count.filter(|_| number < session.began));
            }
        }
        if reply.error.is_some() {
            self.image_lost(id, path);
        }
        self.play_next(now, id);
    }

    /// A prompt that had been asked from here, or was about to be, is dropped: those of its images that its host
    /// was told of wait there for the next one.
    pub(super) fn leave_images(&mut self, id: SessionId, images: Vec<Box<str>>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (of_it, others) = std::mem::take(&mut session.images.playing)
            .into_iter()
            .partition::<VecDeque<_>, _>(|path| images.contains(path));
        session.images.playing = others;
        let told: Vec<_> = images.into_iter().filter(|path| !of_it.contains(path)).collect();
        if told.is_empty() {
            return;
        }
        for path in &told {
            session.images.keep(path);
        }
        let s = if told.len() == 1 { "" } else { "s" };
        let text = format!("{} image{s} of a prompt that was not run will go with the next one", told.len());
        self.tell(id, "warn", &text);
    }

    /// The prompt that was to be asked before all others is not run. What the next host has to hear of would have
    /// gone with it, and goes with the one behind it.
    pub(super) fn pass_images_on(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let binds = is_ours(&self.hosts, session.host);
        if let Some(next) =
            session.prompts.front_mut().filter(|next| binds && !next.is_of_client(&self.requests))
        {
            next.images.splice(..0, session.images.take_owed());
        }
    }

    /// One that waited for a prompt does so no more.
    pub(super) fn image_lost(&mut self, id: SessionId, path: &str) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.images.drop(path);
            for prompt in &mut session.prompts {
                prompt.images.retain(|kept| &**kept != path);
            }
            self.tell(id, "warn", &format!("an image did not outlive the agent host: {path}"));
        }
    }

    /// The host takes no more: what waits for the images goes without.
    pub(super) fn give_up_playing(&mut self, id: SessionId, path: &str) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let left = std::mem::take(&mut session.images.playing);
        (session.images.is_playing, session.images.in_flight) = (false, None);
        for path in std::iter::once(path).chain(left.iter().map(|path| &**path)) {
            self.image_lost(id, path);
        }
        self.transmit_held(id);
    }

    fn play_next(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if !session.images.is_playing {
            return;
        }
        let Some(path) = session.images.playing.pop_front() else {
            session.images.is_playing = false;
            return self.release_held(now, id);
        };
        let mut params = Map::new();
        params.insert("session_id".to_owned(), id.as_str().into());
        params.insert("path".to_owned(), (&*path).into());
        session.images.in_flight = Some(path);
        let request = Request::own(session.host, ATTACH, params, What::Play).of(id);
        self.ask(now, request);
    }

    /// What waited for the session to be as it was is asked now.
    pub(super) fn release_held(&mut self, now: Now, id: SessionId) {
        if self.sessions.get(&id).is_some_and(|session| !session.waits()) {
            self.transmit_held(id);
            self.submit_waiting(now, id);
        }
    }

    /// The same, but for an image that would go with a prompt from before it, and what has to follow that.
    pub(super) fn transmit_held(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| !session.waits()) else { return };
        let mut held = std::mem::take(&mut session.held);
        while let Some(number) = held.pop_front() {
            if !self.is_behind_prompts(id, number, &held) {
                self.transmit(number);
            } else if let Some(session) = self.sessions.get_mut(&id) {
                session.held.push_back(number);
            }
        }
    }

    /// Whether it has to wait for prompts that a dead host left: an image, in a host that would bind it to one of
    /// those, and any prompt behind such an image. `next` is what is held behind it.
    pub(super) fn is_behind_prompts(&self, id: SessionId, number: u64, next: &VecDeque<u64>) -> bool {
        let (Some(session), Some(request)) = (self.sessions.get(&id), self.requests.get(&number)) else {
            return false;
        };
        match request.what {
            What::Attach => {
                let binds = is_ours(&self.hosts, session.host);
                // Those behind the prompt that it goes with are not in its way: they wait for that themselves.
                let mut ahead = session.prompts.iter().take_while(|prompt| !next.contains(&prompt.number));
                binds && ahead.any(|prompt| prompt.state == PromptState::Waiting)
            }
            What::Prompt if request.client.is_some() => self.holds_image(session),
            What::Detach => self.holds_image(session),
            _ => false,
        }
    }

    /// Whether an image waits for prompts to be gone.
    pub(super) fn holds_image(&self, session: &Session) -> bool {
        let is_image = |number: &u64| self.requests.get(number).is_some_and(|it| it.what == What::Attach);
        let binds = is_ours(&self.hosts, session.host);
        binds && session.held.iter().any(is_image)
    }
}

impl Session {
    /// Whether what is asked about it has to wait.
    pub(super) fn waits(&self) -> bool {
        self.is_away || self.images.is_playing
    }
}

/// The paths of what an answer says is attached, and how many wait then.
fn read(reply: &Reply) -> (Vec<String>, Option<usize>) {
    let read: Option<Value> = serde_json::from_str(&reply.document).ok();
    let Some(result) = read.as_ref().and_then(|read| read.get("result")) else { return (Vec::new(), None) };
    let count = result["count"].as_u64().and_then(|count| usize::try_from(count).ok());
    let says = |member: &str| result[member] == Value::Bool(true);
    let path = |value: &Value| value["path"].as_str().map(str::to_owned);
    let paths = match result["pages"].as_array() {
        Some(pages) if says("attached") => pages.iter().filter_map(path).collect(),
        None if says("attached") || (says("matched") && says("is_image")) => {
            path(result).into_iter().collect()
        }
        _ => Vec::new(),
    };
    (paths, count)
}
