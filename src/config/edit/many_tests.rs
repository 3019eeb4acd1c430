//! Many changes of many documents: of what was written, only the line that is changed is another one.

use super::*;
use crate::base::prng::Prng;

/// Changes that are made; those that are refused come on top.
const EDITS: usize = 500;

/// Parts of documents as people write them. Each is whole, so that any order of some of them is a document.
const PARTS: &[&str] = &[
    "# settings, by hand\n\n",
    "model: &model\n  default: some-model   # the good one\n  'base_url': \"http://127.0.0.1:1/v1\"\n",
    "fallback_model:\n  <<: *model\n  default: other\n",
    "display:\n    # four blanks here\n    skin: 'ares'  # mine\n    \"tui_compact\": yes\n\n\
     \x20   sections: {tools: hidden, thinking: \"full # not a comment\"}\n",
    "approvals: { mode: manual,  gateway_timeout: 300 }   # odd spacing\n",
    "agent:\n  system_prompt: |\n    # not a comment\n    Be kind.\n\n  personalities:\n\
     \x20   pirate: >-\n      Talk like\n      a pirate\n    concise: 'Don''t ramble'\n",
    "quick_commands:\n  up: {type: exec, command: \"uptime\"}\n",
    "command_allowlist:\n- 'one'   # first\n-   two\n# after two\n",
    "custom_prompt: \"Über \\u263A 'quoted' \\\"twice\\\"\"\n",
    "\"busy\": 1\n? odd\n: value\n",
    "terminal:\n  cwd: /tmp # here\n\n\n",
    "mcp_servers:\n  one:\n    args: [\"-a\",\n           '-b']   # over two lines\n\
     \x20   env: {KEY: &key v, OTHER: *key}\n",
];

/// Where changes are made.
const PLACES: &[&[&str]] = &[
    &["display", "skin"],
    &["display", "tui_compact"],
    &["display", "details_mode"],
    &["display", "sections", "tools"],
    &["display", "sections", "activity"],
    &["approvals", "mode"],
    &["approvals", "mcp_reload_confirm"],
    &["agent", "reasoning_effort"],
    &["model", "default"],
    &["terminal", "cwd"],
    &["custom_prompt"],
    &["new_key"],
    &["command_allowlist"],
];

const WORDS: &[&str] =
    &["off", "it's", "a: b # c", "ünï", "- x", "", " lead", "true", "{}", "two words", "\"q\""];

fn pick<'a, T: ?Sized>(from: &[&'a T], dice: &mut Prng) -> &'a T {
    from[usize::try_from(dice.below(from.len() as u64)).unwrap()]
}

fn document_of(dice: &mut Prng) -> String {
    let anchored = dice.below(2) == 0;
    let mut text = if anchored { PARTS[1].to_owned() } else { String::new() };
    for (at, part) in PARTS.iter().enumerate() {
        // The alias needs its anchor before it.
        let fits = at != 1 && (at != 2 || anchored);
        if fits && dice.below(2) == 0 {
            text.push_str(part);
        }
    }
    match dice.below(3) {
        0 => text.replace('\n', "\r\n"),
        1 => text.trim_end().to_owned(),
        _ => text,
    }
}

fn change_of(path: &[&'static str], dice: &mut Prng) -> Edit {
    let word = pick(WORDS, dice);
    match dice.below(4) {
        0 if path == ["command_allowlist"] => Edit::remove(path),
        _ if path == ["command_allowlist"] => {
            Edit { path: path.to_vec(), change: Change::Append(word.to_owned()) }
        }
        0 => Edit::flag(path, dice.below(2) == 0),
        1 => Edit::remove(path),
        _ => Edit::text(path, word),
    }
}

#[test]
fn every_line_but_the_changed_one_is_what_it_was() {
    let mut dice = Prng::from_seed(20_261_126);
    let (mut made, mut refused) = (0, 0);
    while made < EDITS {
        let text = document_of(&mut dice);
        let edit = change_of(pick(PLACES, &mut dice), &mut dice);
        let new = match edited(&text, std::slice::from_ref(&edit)) {
            Ok(new) if new == text => continue,
            Ok(new) => new,
            Err(EditError::Shape) => {
                refused += 1;
                continue;
            }
            Err(error) => panic!("{error}: {edit:?} in {text:?}"),
        };
        made += 1;
        let (old, now): (Vec<&str>, Vec<&str>) = (text.split('\n').collect(), new.split('\n').collect());
        let before = old.iter().zip(&now).take_while(|(a, b)| a == b).count();
        let rest = (&old[before..], &now[before..]);
        let after = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
        let (gone, come) = (&rest.0[..rest.0.len() - after], &rest.1[..rest.1.len() - after]);
        assert!(gone.len() <= 1 && come.len() <= edit.path.len() + 2, "{edit:?}: {gone:?} -> {come:?}");
        let marks = |lines: &[&str]| lines.iter().filter(|line| line.contains("# ")).count();
        assert!(
            marks(come) >= marks(gone) || gone[0].contains("not a comment") || gone[0].contains("a: b"),
            "{edit:?}: a comment is gone: {gone:?} -> {come:?}"
        );
        if text.contains("\r\n") {
            assert!(!new.replace("\r\n", "").contains('\n'), "{edit:?}: mixed line ends in {new:?}");
        }
        assert_eq!(edited(&new, std::slice::from_ref(&edit)).unwrap(), new, "{edit:?}: made twice");
    }
    assert!(refused < made / 2, "{refused} were refused, {made} made");
}
