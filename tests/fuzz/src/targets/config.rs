//! Settings from files of any content. Loading never fails; what comes out is within its bounds, and a key
//! is shown nowhere but in itself.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tui_gateway::config::dotenv::{Dotenv, is_name};
use tui_gateway::config::yaml::{self, MAX_DEPTH};
use tui_gateway::config::{Home, load};

/// Between two files of the input: none of them may contain it.
const SEPARATOR: u8 = 0;

/// The file names, in the order of the input. The last is the skin that `display: {skin: s}` names.
const FILES: [&str; 4] = ["config.yaml", "managed/config.yaml", ".env", "skins/s.yaml"];

/// What the environment says; other variables are not set.
const VARIABLES: [(&str, &str); 3] = [("OPENAI_API_KEY", ENV_KEY), ("KEY", ENV_KEY), ("N", "12")];

/// A key that only the environment knows.
const ENV_KEY: &str = "sk-environment";

pub(crate) fn run(bytes: &[u8]) {
    let mut parts = bytes.split(|byte| *byte == SEPARATOR);
    let parts: [&[u8]; FILES.len()] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    if let Ok(text) = str::from_utf8(parts[0]) {
        parse_yaml(text);
    }
    if let Ok(text) = str::from_utf8(parts[2]) {
        parse_dotenv(text);
    }
    HOME.with_borrow_mut(|home| {
        let home = home.get_or_insert_with(Scratch::new);
        home.write(parts);
        check_settings(&home.dir);
    });
}

fn parse_yaml(text: &str) {
    if let Ok(value) = yaml::parse(text) {
        assert!(depth(&value) <= MAX_DEPTH, "too deep");
        // A tree that was read can be written, and read by others.
        assert!(serde_json::from_str::<Value>(&value.to_string()).is_ok());
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn parse_dotenv(text: &str) {
    let file = Dotenv::parse(text);
    for word in text.split(['=', '\n', ' ']) {
        if let Some(value) = file.get(word) {
            assert!(is_name(word) && value.expose().len() <= text.len());
            let key = value.expose();
            // A short one may stand in the type's own name.
            assert!(key.len() < 12 || !format!("{file:?}").contains(key), "a key is shown");
        }
    }
}

fn check_settings(home: &Path) {
    let managed = home.join("managed").display().to_string();
    let env = |name: &str| match name {
        "HERMES_MANAGED_DIR" => Some(managed.clone()),
        _ => VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    };
    let settings = load(&Home::at(home), &env);
    assert!(matches!(serde_json::from_str(&settings.raw_json), Ok(Value::Object(_))));
    assert!(matches!(serde_json::from_str(&settings.display.skin_object_json), Ok(Value::Object(_))));
    assert!((1..=86_400).contains(&settings.approval_timeout_s));
    assert!(settings.model.api_tries > 0, "a call is tried at least once");
    let shown = format!("{settings:?}");
    assert!(!shown.contains(ENV_KEY) || settings.raw_json.contains(ENV_KEY), "the key is shown");
}

thread_local! {
    static HOME: RefCell<Option<Scratch>> = const { RefCell::new(None) };
}

/// A home of this thread, which goes with it.
struct Scratch {
    dir: PathBuf,
    /// What the files contain now.
    contents: [Vec<u8>; FILES.len()],
}

impl Scratch {
    fn new() -> Self {
        let thread = std::thread::current().id();
        let dir = std::env::temp_dir().join(format!("tui-gateway-fuzz-{}-{thread:?}", std::process::id()));
        for name in FILES {
            let file = dir.join(name);
            fs::create_dir_all(file.parent().expect("below the home")).expect("a scratch folder can be made");
            fs::write(file, "").expect("the scratch folder can be written to");
        }
        Self { dir, contents: Default::default() }
    }

    /// Writes the files that change, which is what costs most.
    fn write(&mut self, parts: [&[u8]; FILES.len()]) {
        for ((name, before), now) in FILES.iter().zip(&mut self.contents).zip(parts) {
            if before != now {
                fs::write(self.dir.join(name), now).expect("the scratch folder can be written to");
                now.clone_into(before);
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}
