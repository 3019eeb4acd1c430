//! The skin object of `gateway.ready`: built-in skins and the user's own files. Only what is on the wire;
//! spinners, tool emojis and descriptions are not.

mod builtin;

use serde_json::{Map, Value};

use super::home::Home;
use super::{read, yaml};

/// Characters that a skin's name may have; it becomes a file name.
const MAX_NAME: usize = 64;

/// A skin before it is laid over the default one.
#[derive(Default)]
struct Skin {
    name: String,
    colors: Map<String, Value>,
    branding: Map<String, Value>,
    banner_logo: String,
    banner_hero: String,
    tool_prefix: Option<String>,
}

/// The object for the value of `display.skin`, as JSON text: the user's file of that name, else the
/// built-in skin, else `default`.
pub(super) fn resolve(home: &Home, wanted: Option<&Value>) -> String {
    let name =
        wanted.and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty()).unwrap_or("default");
    let skin = from_file(home, name).or_else(|| builtin::find(name)).or_else(|| {
        log::warn!("there is no skin of the configured name, the default one is used");
        builtin::find("default")
    });
    object(skin.unwrap_or_default()).to_string()
}

/// The wire object, members in the order of the protocol.
fn object(skin: Skin) -> Value {
    let default = builtin::find("default").unwrap_or_default();
    let branding = laid_over(default.branding, skin.branding);
    let help_header = branding.get("help_header").cloned().unwrap_or_else(|| Value::from(""));
    let members = [
        ("name", Value::from(skin.name)),
        ("colors", laid_over(default.colors, skin.colors).into()),
        ("branding", branding.into()),
        ("banner_logo", skin.banner_logo.into()),
        ("banner_hero", skin.banner_hero.into()),
        ("tool_prefix", skin.tool_prefix.or(default.tool_prefix).unwrap_or_default().into()),
        ("help_header", help_header),
    ];
    Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn laid_over(mut base: Map<String, Value>, over: Map<String, Value>) -> Map<String, Value> {
    base.extend(over);
    base
}

/// Those that are built in, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    builtin::names()
}

/// `<home>/skins/<name>.yaml`: a mapping with a `name`. The original takes `name` as a path; here it must
/// be a plain file name, so that it cannot reach other files.
fn from_file(home: &Home, name: &str) -> Option<Skin> {
    let plain = name.len() <= MAX_NAME && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    if !plain {
        return None;
    }
    let text = match read::text(&home.skins_dir().join(format!("{name}.yaml"))) {
        Ok(text) => text,
        Err(read::ReadError::Missing) => return None,
        Err(error) => {
            log::warn!("the skin file is not used: {error}");
            return None;
        }
    };
    let value =
        yaml::parse(&text).inspect_err(|error| log::warn!("the skin file is not used: {error}")).ok()?;
    let string = |key: &str| scalar(value.get(key)?);
    Some(Skin {
        name: string("name")?,
        colors: strings(value.get("colors")),
        branding: strings(value.get("branding")),
        banner_logo: string("banner_logo").unwrap_or_default(),
        banner_hero: string("banner_hero").unwrap_or_default(),
        tool_prefix: string("tool_prefix"),
    })
}

/// The members of a mapping that are text (or numbers); clients expect nothing else. An unquoted `#abc`
/// is a comment, so its key is null and left out.
fn strings(section: Option<&Value>) -> Map<String, Value> {
    let members = section.and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.clone(), scalar(value)?.into()))).collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;
    use serde_json::json;

    /// The default object as a running server of the original sent it.
    const DEFAULT: &str = concat!(
        r##"{"name":"default","colors":{"banner_border":"#CD7F32","banner_title":"#FFD700","##,
        r##""banner_accent":"#FFBF00","banner_dim":"#B8860B","banner_text":"#FFF8DC","ui_accent":"#FFBF00","##,
        r##""ui_label":"#DAA520","ui_ok":"#4caf50","ui_error":"#ef5350","ui_warn":"#ffa726","##,
        r##""prompt":"#FFF8DC","input_rule":"#CD7F32","response_border":"#FFD700","status_bar_bg":"#1a1a2e","##,
        r##""session_label":"#DAA520","session_border":"#8B8682"},"branding":{"agent_name":"Hermes Agent","##,
        r##""welcome":"Welcome to Hermes Agent! Type your message or /help for commands.","##,
        r##""goodbye":"Goodbye! ⚕","response_label":" ⚕ Hermes ","prompt_symbol":"❯","##,
        r##""help_header":"(^_^)? Available Commands"},"##,
        r##""banner_logo":"","banner_hero":"","tool_prefix":"┊","help_header":"(^_^)? Available Commands"}"##,
    );

    fn skin(home: &Home, name: impl Into<Value>) -> Value {
        serde_json::from_str(&resolve(home, Some(&name.into()))).unwrap()
    }

    #[test]
    fn the_default_is_the_original_s_to_the_byte() {
        let home = Home::at("/nonexistent");
        assert_eq!(resolve(&home, None), DEFAULT);
        for odd in [
            json!(""),
            json!("  "),
            json!(5),
            json!(null),
            json!("Ares"),
            json!("../skins/ares"),
            json!("x".repeat(5000)),
        ] {
            assert_eq!(resolve(&home, Some(&odd)), DEFAULT, "{odd}");
        }
    }

    #[test]
    fn built_ins() {
        let home = Home::at("/nonexistent");
        let ares = skin(&home, " ares ");
        assert_eq!(ares["name"], "ares");
        assert_eq!(ares["colors"]["banner_border"], "#9F1C1C");
        assert_eq!(ares["colors"]["status_bar_critical"], "#EF5350");
        assert_eq!(ares["colors"].get("selection_bg"), None);
        assert_eq!(ares["tool_prefix"], "╎");
        assert_eq!(ares["branding"]["agent_name"], "Ares Agent");
        assert_eq!(ares["help_header"], ares["branding"]["help_header"]);
        assert_eq!(skin(&home, "mono")["help_header"], "[?] Available Commands");
        assert_eq!(skin(&home, "slate")["help_header"], "(^_^)? Available Commands");
        assert_eq!(skin(&home, "daylight")["tool_prefix"], "│");
        assert_eq!(skin(&home, "charizard")["colors"]["selection_bg"], "#5A260D");
    }

    #[test]
    fn user_files() {
        let dir = Scratch::new();
        let home = Home::at(dir.path());
        dir.write(
            "skins/mine.yaml",
            "name: inner\ncolors: {prompt: '#111', extra: '#222', bad: [1], none: #333\n}\n\
             branding: 5\nbanner_logo: art\n",
        );
        let mine = skin(&home, "mine");
        assert_eq!(mine["name"], "inner");
        assert_eq!(mine["colors"]["prompt"], "#111");
        assert_eq!(mine["colors"]["extra"], "#222");
        assert_eq!(mine["colors"].get("bad"), None);
        assert_eq!(mine["colors"].get("none"), None);
        assert_eq!(mine["colors"]["ui_ok"], "#4caf50");
        assert_eq!(mine["branding"]["agent_name"], "Hermes Agent");
        assert_eq!((&mine["banner_logo"], &mine["tool_prefix"]), (&json!("art"), &json!("┊")));

        dir.write("skins/ares.yaml", "name: my ares\n");
        assert_eq!(skin(&home, "ares")["name"], "my ares", "a user's file shadows a built-in");
        for (file, text) in [("nameless", "colors: {}"), ("list", "- name"), ("broken", "name: [")] {
            dir.write(&format!("skins/{file}.yaml"), text);
            assert_eq!(skin(&home, file)["name"], "default", "{file}");
        }
        dir.write("outside.yaml", "name: outside\n");
        for path in ["../outside", "..", ".", "a/../../outside"] {
            assert_eq!(skin(&home, path)["name"], "default", "{path}");
        }
    }
}
