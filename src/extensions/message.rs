//! The prompt that a skill or a bundle of skills becomes: the texts, where their files are, and what the
//! person wants of them.

use std::fs;
use std::io::Read;
use std::path::{Component, Path};

use crate::model::extensions::{BundleWord, CommandWords, SkillMessage, SkillWord};

/// The folder of skills below the home, and a skill's text in its folder.
const SKILLS: &str = "skills";
const FILE: &str = "SKILL.md";

/// Bytes of a text, and of all texts of a bundle; what is longer is cut.
const TEXT_MAX: usize = 1 << 20;

/// Files beside the text that are named, and how deep they are looked for.
const FILES_MAX: usize = 50;
const DEPTH_MAX: usize = 3;

/// What stands for the skill's folder and for the conversation in a text (the original's words).
const FOLDER_WORD: &str = "${HERMES_SKILL_DIR}";
const SESSION_WORD: &str = "${HERMES_SESSION_ID}";

/// How often each is replaced in one text. A text that is nothing else would become hundreds of megabytes.
const WORDS_MAX: usize = 256;

/// What a person asked for.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    /// The name of the command.
    pub(super) command: &'a str,
    /// What stands behind it; may be empty.
    pub(super) arg: &'a str,
    /// The stored key of the conversation; empty when there is none.
    pub(super) session: &'a str,
}

/// A prompt, and the names of the skills in it.
pub(super) type Made = (SkillMessage, Vec<String>);

/// The prompt of a skill, else of a bundle, with this command; `None` when there is neither.
///
/// # Errors
/// The text of the skill, or of every skill of the bundle, cannot be read; a sentence for people.
pub(super) fn prompt(home: &Path, words: &CommandWords, wish: Wish<'_>) -> Result<Option<Made>, String> {
    if let Some(skill) = words.skills.iter().find(|skill| skill.command == wish.command) {
        return of_skill(home, skill, wish).map(Some);
    }
    match words.bundles.iter().find(|bundle| bundle.command == wish.command) {
        Some(bundle) => of_bundle(home, bundle, &words.skills, wish).map(Some),
        None => Ok(None),
    }
}

fn of_skill(home: &Path, skill: &SkillWord, wish: Wish<'_>) -> Result<Made, String> {
    let mut message = format!(
        "[The user asks for the skill \"{}\". Its whole text follows; do as it says.]\n\n",
        skill.name
    );
    message.push_str(&body(home, skill, wish.session, TEXT_MAX)?);
    if !wish.arg.is_empty() {
        message.push_str(&format!("\n\nWhat the user wants of it: {}", wish.arg));
    }
    Ok((SkillMessage { message, name: skill.name.clone() }, vec![skill.name.clone()]))
}

/// What the bundle and the person say comes first: the texts may be long. Skills that are not here are
/// named.
fn of_bundle(home: &Path, bundle: &BundleWord, all: &[SkillWord], wish: Wish<'_>) -> Result<Made, String> {
    let (mut bodies, mut used, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = TEXT_MAX;
    for name in &bundle.skills {
        let called = |skill: &&SkillWord| [&skill.name, &skill.place, &skill.command].contains(&name);
        let Some(skill) = all.iter().find(called) else {
            missing.push(name.as_str());
            continue;
        };
        if used.contains(&skill.name) {
            continue;
        }
        match body(home, skill, wish.session, left) {
            Ok(body) => {
                left = left.saturating_sub(body.len());
                bodies.push(format!("[Skill \"{}\"]\n\n{body}", skill.name));
                used.push(skill.name.clone());
            }
            Err(_) => missing.push(name.as_str()),
        }
    }
    if used.is_empty() {
        return Err(format!("no skill of the bundle '{}' is here: {}", bundle.name, missing.join(", ")));
    }
    let mut message = format!(
        "[The user asks for the bundle of skills \"{}\": {}. Their whole texts follow; do as they say.]",
        bundle.name,
        used.join(", ")
    );
    if !missing.is_empty() {
        message.push_str(&format!("\n[Not here: {}]", missing.join(", ")));
    }
    if !bundle.instruction.is_empty() {
        message.push_str(&format!("\n\nWhat the bundle asks for: {}", bundle.instruction));
    }
    if !wish.arg.is_empty() {
        message.push_str(&format!("\n\nWhat the user wants of it: {}", wish.arg));
    }
    for body in bodies {
        message.push_str("\n\n");
        message.push_str(&body);
    }
    Ok((SkillMessage { message, name: bundle.name.clone() }, used))
}

/// A skill's text of at most so many bytes, where its folder is, and what lies in it.
fn body(home: &Path, skill: &SkillWord, session: &str, most: usize) -> Result<String, String> {
    let place = Path::new(&skill.place);
    if place.components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(format!("skill '{}' is in no folder of its own", skill.name));
    }
    let folder = skill.root.clone().unwrap_or_else(|| home.join(SKILLS)).join(place);
    let shown = folder.display().to_string();
    let unread = |why: String| format!("skill '{}' cannot be read: {why}", skill.name);
    let mut text = read(&folder.join(FILE), most).map_err(unread)?.replacen(FOLDER_WORD, &shown, WORDS_MAX);
    if !session.is_empty() {
        text = text.replacen(SESSION_WORD, session, WORDS_MAX);
    }
    let mut body = format!("{}\n\n[Folder of the skill: {shown}]", text.trim_end());
    let files = files(&folder);
    if !files.is_empty() {
        body.push_str("\n\n[Files that belong to it; read them when the text says so:]");
        for file in files {
            body.push_str(&format!("\n- {file}  ->  {}", folder.join(&file).display()));
        }
    }
    Ok(body)
}

fn read(file: &Path, most: usize) -> Result<String, String> {
    // Asked before opening: to open a pipe would wait for its writer.
    let is_file = fs::metadata(file).map_err(|error| error.to_string())?.is_file();
    if !is_file {
        return Err("it is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    // One more, to see whether something is cut.
    fs::File::open(file)
        .and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    let is_cut = bytes.len() > most;
    bytes.truncate(most);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(if is_cut { format!("{text}\n[The text is too long and is cut here.]") } else { text })
}

/// What lies beside the text, by name. No link is followed.
fn files(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![(String::new(), 0)]);
    while let Some((below, depth)) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below)).into_iter().flatten().flatten() {
            let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            if name.starts_with('.') || path == FILE {
                continue;
            }
            if kind.is_file() {
                found.push(path);
            } else if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            }
            if found.len() > FILES_MAX * 4 || folders.len() > FILES_MAX * 4 {
                break;
            }
        }
    }
    found.sort_unstable();
    found.truncate(FILES_MAX);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    fn word(command: &str, place: &str) -> SkillWord {
        SkillWord {
            command: command.into(),
            name: "Tidy".into(),
            description: String::new(),
            place: place.into(),
            root: None,
        }
    }

    fn wish<'a>(command: &'a str, arg: &'a str) -> Wish<'a> {
        Wish { command, arg, session: "k1" }
    }

    #[test]
    fn a_prompt_has_the_text_the_files_and_the_wish() {
        let dir = Scratch::new();
        let text = "---\nname: Tidy\n---\nSee ${HERMES_SKILL_DIR}/how.md in ${HERMES_SESSION_ID}\n\n";
        dir.write("skills/notes/tidy/SKILL.md", text);
        dir.write("skills/notes/tidy/references/how.md", "how");
        dir.write("skills/notes/tidy/.secret", "no");
        let words = CommandWords { skills: vec![word("tidy", "notes/tidy")], ..CommandWords::default() };
        let (made, used) = prompt(dir.path(), &words, wish("tidy", "the garage")).unwrap().unwrap();
        let folder = dir.path().join("skills/notes/tidy").display().to_string();
        let expected = format!(
            "[The user asks for the skill \"Tidy\". Its whole text follows; do as it says.]\n\n\
             ---\nname: Tidy\n---\nSee {folder}/how.md in k1\n\n[Folder of the skill: {folder}]\n\n\
             [Files that belong to it; read them when the text says so:]\n\
             - references/how.md  ->  {folder}/references/how.md\n\nWhat the user wants of it: the garage"
        );
        assert_eq!((made.message, made.name.as_str()), (expected, "Tidy"));
        assert_eq!(used, ["Tidy"]);
        assert_eq!(prompt(dir.path(), &words, wish("other", "")), Ok(None));
    }

    #[test]
    fn a_skill_is_below_its_folder_or_nowhere() {
        let dir = Scratch::new();
        dir.write("SKILL.md", "outside");
        for place in ["..", "/", "a/../.."] {
            assert!(body(dir.path(), &word("tidy", place), "", TEXT_MAX).is_err(), "{place}");
        }
        let error = body(dir.path(), &word("tidy", "none"), "", TEXT_MAX).unwrap_err();
        assert!(error.contains("cannot be read"), "{error}");
    }

    #[test]
    fn a_skill_of_another_folder_is_read_there() {
        let dir = Scratch::new();
        let text = dir.write("team/x/tidy/SKILL.md", "Sweep in ${HERMES_SKILL_DIR}.\n");
        dir.write("home/skills/x/tidy/SKILL.md", "Not this one.\n");
        let skill = SkillWord { root: Some(dir.path().join("team")), ..word("tidy", "x/tidy") };
        let shown = text.parent().unwrap().display();
        let want = format!("Sweep in {shown}.\n\n[Folder of the skill: {shown}]");
        assert_eq!(body(&dir.path().join("home"), &skill, "", TEXT_MAX), Ok(want));
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let dir = Scratch::new();
        dir.write("skills/long/SKILL.md", "x".repeat(20));
        let cut = body(dir.path(), &word("long", "long"), "", 10).unwrap();
        assert!(cut.starts_with("xxxxxxxxxx\n[The text is too long"), "{cut}");
        assert!(body(dir.path(), &word("long", "long"), "", 20).unwrap().starts_with(&"x".repeat(20)));
    }

    #[test]
    fn a_bundle_has_the_texts_of_its_skills_and_names_those_that_are_not_here() {
        let dir = Scratch::new();
        dir.write("skills/tidy/SKILL.md", "Sweep.\n");
        let bundle = |skills: &[&str]| BundleWord {
            command: "home".to_owned(),
            name: "Home".to_owned(),
            description: String::new(),
            instruction: "Be quiet.".to_owned(),
            skills: skills.iter().map(|name| (*name).to_owned()).collect(),
        };
        let words = |skills: &[&str]| CommandWords {
            skills: vec![word("tidy", "tidy")],
            bundles: vec![bundle(skills)],
            ..CommandWords::default()
        };
        let made = prompt(dir.path(), &words(&["tidy", "cook", "Tidy"]), wish("home", "now"));
        let (made, used) = made.unwrap().unwrap();
        let folder = dir.path().join("skills/tidy").display().to_string();
        let expected = format!(
            "[The user asks for the bundle of skills \"Home\": Tidy. Their whole texts follow; do as they \
             say.]\n[Not here: cook]\n\nWhat the bundle asks for: Be quiet.\n\nWhat the user wants of it: now\
             \n\n[Skill \"Tidy\"]\n\nSweep.\n\n[Folder of the skill: {folder}]"
        );
        assert_eq!((made.message, made.name.as_str()), (expected, "Home"));
        assert_eq!(used, ["Tidy"]);
        let error = prompt(dir.path(), &words(&["cook"]), wish("home", "")).unwrap_err();
        assert!(error.contains("cook"), "{error}");
    }
}
