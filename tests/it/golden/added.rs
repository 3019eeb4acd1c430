//! What comes of jobs about tools, skills and plugins.

use tui_gateway::model::job::JobResult;
use tui_gateway::model::plugin::Plugin;
use tui_gateway::model::skill::SkillRow;
use tui_gateway::model::toolset::{Stock, StockTool};

/// Tools by `set/name`; a `-` before it means that the set is off, a `?` that something is missing.
pub(super) fn tools(words: &[&str]) -> JobResult {
    let tool = |word: &&str| {
        let plain = word.trim_start_matches(['-', '?']);
        let (toolset, name) = plain.split_once('/').expect("a set and a tool");
        StockTool {
            toolset: toolset.to_owned(),
            name: name.to_owned(),
            description: format!("Does {name}. And more."),
            enabled: !word.starts_with('-'),
            at_hand: !word.starts_with('?'),
        }
    };
    JobResult::Tools(Box::new(Stock { tools: words.iter().map(tool).collect(), inventory: None }))
}

/// Skills by `category/name`.
pub(super) fn skills(words: &[&str]) -> JobResult {
    let row = |word: &&str| {
        let (category, name) = word.split_once('/').expect("a category and a skill");
        SkillRow {
            name: name.to_owned(),
            description: format!("About {name}."),
            category: category.to_owned(),
            place: (*word).to_owned(),
            root: None,
            tags: vec!["tag".to_owned()],
            preview: Some("# Text".to_owned()),
        }
    };
    JobResult::Skills(words.iter().map(row).collect())
}

/// Plugins by name.
pub(super) fn plugins(words: &[&str]) -> JobResult {
    let plugin = |word: &&str| Plugin {
        name: (*word).to_owned(),
        description: format!("Runs {word}."),
        version: "1.0".to_owned(),
        file: format!("/home/user/.hermes/commands/{word}").into(),
    };
    JobResult::Plugins(words.iter().map(plugin).collect())
}
