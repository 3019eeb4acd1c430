//! Whether a model provider is set up at all, which decides between the chat and the set-up panel.

use serde_json::Value;

use super::dotenv::Dotenv;
use super::home::Home;
use super::values::{at, truthy};
use super::{Env, lookup};
use crate::model::settings::Settings;

/// Variables that hold a provider's key or endpoint: those of the original's provider table.
const PROVIDER_VARIABLES: [&str; 37] = [
    "OPENROUTER_API_KEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_TOKEN",
    "OPENAI_BASE_URL",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "NOVITA_API_KEY",
    "LM_API_KEY",
    "DASHSCOPE_API_KEY",
    "XIAOMI_API_KEY",
    "TOKENHUB_API_KEY",
    "NVIDIA_API_KEY",
    "COPILOT_GITHUB_TOKEN",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "HF_TOKEN",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "DEEPSEEK_API_KEY",
    "XAI_API_KEY",
    "GLM_API_KEY",
    "ZAI_API_KEY",
    "Z_AI_API_KEY",
    "KIMI_API_KEY",
    "KIMI_CODING_API_KEY",
    "KIMI_CN_API_KEY",
    "STEPFUN_API_KEY",
    "MINIMAX_API_KEY",
    "MINIMAX_CN_API_KEY",
    "OLLAMA_API_KEY",
    "ARCEEAI_API_KEY",
    "GMI_API_KEY",
    "KILOCODE_API_KEY",
    "OPENCODE_ZEN_API_KEY",
    "OPENCODE_GO_API_KEY",
    "AZURE_FOUNDRY_API_KEY",
    "ALIBABA_CODING_PLAN_API_KEY",
];

/// Whether a variable names a provider, in the environment or in `.env`, or `model` is a mapping with a
/// provider, an endpoint or a key. Reads `.env`.
pub fn provider_configured(settings: &Settings, env: Env<'_>) -> bool {
    let dotenv = Dotenv::read(&Home::at(&settings.home).env_file());
    // Either place is enough: an empty line in `.env` does not hide what the environment has.
    let nothing = Dotenv::default();
    let set = |name: &str| lookup(&dotenv, env, name).or_else(|| lookup(&nothing, env, name)).is_some();
    PROVIDER_VARIABLES.iter().any(|name| set(name)) || in_file(&settings.raw_json)
}

fn in_file(raw_json: &str) -> bool {
    let raw: Value = serde_json::from_str(raw_json).unwrap_or_default();
    ["provider", "base_url", "api_key"].iter().any(|key| at(&raw, "model", key).is_some_and(truthy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;
    use crate::config::load;

    fn configured(files: &[(&str, &str)], variable: Option<(&str, &str)>) -> bool {
        let dir = Scratch::new();
        for (name, text) in files {
            dir.write(name, text);
        }
        let managed = dir.dir("managed").display().to_string();
        let env = |name: &str| match (name, variable) {
            ("HERMES_MANAGED_DIR", _) => Some(managed.clone()),
            (name, Some((set, value))) if name == set => Some(value.to_owned()),
            _ => None,
        };
        provider_configured(&load(&Home::at(dir.path()), &env), &env)
    }

    #[test]
    fn what_counts() {
        for (file, want) in [
            ("", false),
            ("model: m\n", false),
            ("model: {default: m}\n", false),
            ("model: {provider: ''}\n", false),
            ("model: {provider: custom}\n", true),
            ("model: {base_url: http://h}\n", true),
            ("model: {api_key: k}\n", true),
            ("model: [provider]\n", false),
        ] {
            assert_eq!(configured(&[("config.yaml", file)], None), want, "{file:?}");
        }
        assert!(configured(&[], Some(("DEEPSEEK_API_KEY", "k"))));
        assert!(!configured(&[], Some(("DEEPSEEK_API_KEY", ""))));
        assert!(!configured(&[], Some(("UNKNOWN_API_KEY", "k"))));
        assert!(configured(&[(".env", "export HF_TOKEN=k")], None));
        assert!(!configured(&[(".env", "HF_TOKEN=\n")], None));
    }
}
