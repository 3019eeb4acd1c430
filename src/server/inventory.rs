//! What agents have at hand, told to the loop whenever it changes. Counted on a thread of its own: skills are
//! files, and whoever notices a change must not wait.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};

use crate::mcp::{ServerStatus, Servers};
use crate::model::bulletin::{Bulletin, What};
use crate::model::inventory::{Group, Inventory, Link, ServerState};
use crate::model::settings::Settings;
use crate::model::toolset::SERVER_PREFIX;
use crate::reactor::mailbox::{Haste, MailSender};
use crate::tools::{TOOLS, skill_categories};

/// Asks for a new count.
#[derive(Clone, Debug)]
pub(super) struct Recount(Sender<()>);

impl Recount {
    /// Something may have changed. Never waits.
    pub(super) fn ask(&self) {
        // One request that waits is as good as two.
        let _ = self.0.try_send(());
    }
}

/// From now on the loop hears what `count` gives, when asked for and when it differs from the last time;
/// without `bulletins` nobody does.
///
/// # Errors
/// The system has no thread left.
pub(super) fn keep(
    count: impl Fn() -> Inventory + Send + 'static,
    bulletins: Option<MailSender<Bulletin>>,
) -> io::Result<Recount> {
    let (ask, asked) = bounded(1);
    let Some(bulletins) = bulletins else { return Ok(Recount(ask)) };
    let run = move || {
        let mut last = Arc::new(Inventory::default());
        while asked.recv().is_ok() {
            let counted = Arc::new(count());
            if counted == last {
                continue;
            }
            last = Arc::clone(&counted);
            let bulletin = Bulletin { owner: String::new(), what: What::Tools(counted) };
            if bulletins.send(bulletin, Haste::Now).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("inventory".to_owned()).spawn(run)?;
    Ok(Recount(ask))
}

/// Our tools and those of the servers by set, as far as they are on, the skills by category, and the servers.
pub(super) fn inventory(servers: &Servers, settings: &Settings) -> Inventory {
    let (on, skills) =
        (&settings.agent.tools, skill_categories(&settings.home, &settings.agent.skill_folders));
    let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for tool in TOOLS.iter().filter(|tool| on.allows_set(tool.toolset)) {
        sets.entry(tool.toolset.to_owned()).or_default().push(tool.name.to_owned());
    }
    for tool in servers.tools(Duration::ZERO).iter().filter(|tool| on.allows_server(&tool.server)) {
        sets.entry(format!("{SERVER_PREFIX}{}", tool.server)).or_default().push(tool.name.clone());
    }
    let servers = servers.status().into_iter().map(state).collect();
    Inventory { tools: groups(sets), skills: groups(skills), servers }
}

fn groups(sets: BTreeMap<String, Vec<String>>) -> Arc<[Group]> {
    sets.into_iter().map(|(name, items)| Group { name, items }).collect()
}

fn state(status: ServerStatus) -> ServerState {
    let link = match (status.connected, status.error.is_some()) {
        (true, _) => Link::Connected,
        (false, true) => Link::Failed,
        (false, false) => Link::Connecting,
    };
    ServerState { name: status.name, transport: status.transport, tools: status.tools, link }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::reactor::mailbox::{Mail, lone_bell, mailbox};

    fn holding(tool: &str) -> Inventory {
        let group = Group { name: "file".to_owned(), items: vec![tool.to_owned()] };
        Inventory { tools: vec![group].into(), ..Inventory::default() }
    }

    #[test]
    fn the_loop_hears_of_changes_alone() {
        let (_poll, bell) = lone_bell().unwrap();
        let (bulletins, mail) = mailbox(&bell, 8);
        let (give, given) = bounded(4);
        for tool in ["a", "a", "b"] {
            give.send(holding(tool)).unwrap();
        }
        let count = move || given.try_recv().unwrap_or_else(|_| holding("b"));
        let recount = keep(count, Some(bulletins)).unwrap();
        let (mut heard, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(20));
        while heard.len() < 2 && Instant::now() < deadline {
            recount.ask();
            match mail.take() {
                Mail::Item(Bulletin { what: What::Tools(inventory), .. }) => heard.push(inventory),
                _ => thread::yield_now(),
            }
        }
        assert_eq!(heard, [Arc::new(holding("a")), Arc::new(holding("b"))]);
    }
}
