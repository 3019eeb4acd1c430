//! Skills and a bundle of them in files of any content: found, listed, and made into prompts. What is shown in
//! one line is one line, and a prompt is little more than the texts it is made of.

use std::time::Instant;

use jiff::Zoned;
use tui_gateway::extensions::{Around, Known, run as work};
use tui_gateway::model::extensions::{ExtensionDone, ExtensionJob};
use tui_gateway::tools::{skill_categories, skill_rows, skills_for_prompt};

use super::home::{Scratch, parts};

/// Longest prompt of a bundle, in bytes: its texts and as much again for what stands for its folder.
const MESSAGE_MAX: usize = 256 << 10;

pub(crate) fn run(bytes: &[u8]) {
    let [bundle, one, other, usage] = parts(bytes);
    let home = Scratch::new("skills");
    for (name, bytes) in [
        ("skill-bundles/b.yaml", bundle),
        ("skill-bundles/c.yml", one),
        ("skills/a/SKILL.md", one),
        ("skills/kind/b/SKILL.md", other),
        ("skills/.usage.json", usage),
    ] {
        home.write(name, bytes);
    }
    let found = skill_rows(home.path(), &[], None);
    for row in &found {
        [&row.name, &row.description, &row.category].into_iter().for_each(|text| is_line(text));
        let named = skill_rows(home.path(), &[], Some(&row.name));
        assert!(!named.is_empty(), "{:?} is not found by its name", row.name);
        named.iter().flat_map(|row| &row.tags).for_each(|tag| is_line(tag));
    }
    let _ = (skill_categories(home.path(), &[]), skills_for_prompt(home.path(), &[]));
    let now: Zoned = "2026-07-01T14:00:00+02:00[+02:00]".parse().expect("a time");
    let (known, skills) = (Known::default(), || skill_rows(home.path(), &[], None));
    let around = Around {
        home: home.path(),
        skills: &skills,
        folders: &[],
        disabled: &[],
        bundles: None,
        known: &known,
        at: Instant::now(),
        now: &now,
    };
    let Ok(ExtensionDone::Words(words)) = work(&ExtensionJob::Words, &around) else { panic!("no words") };
    let commands = words.skills.iter().map(|word| &word.command);
    for command in commands.chain(words.bundles.iter().map(|word| &word.command)) {
        is_line(command);
        assert!(!command.is_empty() && !command.contains([' ', '/']), "{command:?}");
        let (command, arg) = (command.clone(), "arg".to_owned());
        let job = ExtensionJob::Message { command, arg, session: "20260701_000000_abcdef".to_owned() };
        if let Ok(ExtensionDone::Message(Some(made))) = work(&job, &around) {
            assert!(made.message.len() <= MESSAGE_MAX, "{} bytes", made.message.len());
        }
    }
}

fn is_line(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?} is no line");
}
