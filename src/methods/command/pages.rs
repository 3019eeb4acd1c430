//! The table of pages: what `slash.exec` answers for each command of the table of commands that is no prompt.
//! Knows names and the files that write the pages.

use super::{about, conversation, goal, services, settings, told};
use crate::gateway::method::{Ctx, Reply};
use crate::methods::{config_show, cron, learning, models, plugins, skills, tools};
use crate::model::ids::SessionId;
use crate::wire::error::RpcError;

/// Writes a page, for a session and with what stands behind the name; the result has the text as `output`.
pub(super) type Page = fn(&mut Ctx<'_>, Option<SessionId>, &str) -> Result<Reply, RpcError>;

/// Every page, by the canonical name of its command.
pub(super) const PAGES: &[(&str, Page)] = &[
    ("agents", services::agents),
    ("background", conversation::background),
    ("billing", about::billing),
    ("branch", conversation::branch),
    ("browser", services::browser),
    ("bundles", super::added::bundles),
    ("busy", settings::busy),
    ("clear", |_, _, _| told::page("A fresh session is begun by the client: it asks session.create.")),
    ("compress", conversation::compress),
    ("config", config_show::page_config),
    ("copy", |_, _, _| told::page("Copying is the client's: the clipboard is on its side.")),
    ("credits", about::credits),
    ("cron", cron::page_cron),
    ("fast", settings::fast),
    ("footer", |_, _, _| told::page("Answers of this server have no footer, so there is none to switch.")),
    ("help", about::help),
    ("history", conversation::history),
    ("image", |_, _, _| {
        told::page("An image is attached by the client: it asks image.attach with its path.")
    }),
    ("indicator", settings::indicator),
    ("insights", about::insights),
    ("journey", learning::page_journey),
    ("memory", services::memory),
    ("model", models::page_model),
    ("new", |_, _, _| told::page("A fresh session is begun by the client: it asks session.create.")),
    ("paste", |_, _, _| told::page("An image is pasted by the client: it asks clipboard.paste.")),
    ("personality", settings::personality),
    ("pet", services::pet),
    ("plugins", plugins::page_plugins),
    ("profile", about::profile),
    ("prompt", |_, _, _| told::page("A prompt is written in the client's editor.")),
    ("quit", |_, _, _| told::page("Leaving is the client's.")),
    ("reasoning", settings::reasoning),
    ("redraw", |_, _, _| told::page("The screen is the client's to paint.")),
    ("reload", services::reload),
    ("reload-mcp", services::reload_mcp),
    ("reload-skills", skills::page_reload),
    ("resume", conversation::sessions),
    ("rollback", services::rollback),
    ("save", conversation::save),
    ("sessions", conversation::sessions),
    ("skills", skills::page_skills),
    ("skin", settings::skin),
    ("snapshot", |_, _, _| {
        told::page(
            "This server makes no snapshots of settings. /rollback brings files of the workspace back.",
        )
    }),
    ("status", about::status),
    ("statusbar", settings::statusbar),
    ("stop", services::stop),
    ("subgoal", goal::subgoal),
    ("timestamps", |_, _, _| {
        told::page("Times beside messages are drawn by the client; nothing is kept here.")
    }),
    ("title", conversation::title),
    ("tools", tools::page_tools),
    ("toolsets", tools::page_toolsets),
    ("usage", about::usage),
    ("verbose", settings::verbose),
    ("version", about::version),
    ("voice", services::voice),
    ("yolo", settings::yolo),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slash::table::{COMMANDS, Category};

    /// Commands that become a prompt, or touch the conversation: `dispatch` has them.
    const DISPATCHED: &[&str] = &["goal", "learn", "queue", "retry", "steer", "undo"];

    #[test]
    fn every_command_has_a_page_or_becomes_a_prompt() {
        for command in COMMANDS.iter().filter(|command| command.category != Category::Tui) {
            let pages = PAGES.iter().filter(|(name, _)| *name == command.name).count();
            let wanted = usize::from(!DISPATCHED.contains(&command.name));
            assert_eq!(pages, wanted, "{}", command.name);
        }
    }

    #[test]
    fn pages_stand_in_order() {
        assert!(PAGES.is_sorted_by_key(|(name, _)| *name));
    }
}
