//! The providers that are known by name: ids, labels, aliases, how one identifies oneself, and where those
//! that speak the protocol of `chat/completions` are called. Their order is that of pickers. A table and a
//! search in it; knows no file and no environment.

/// A provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Provider {
    /// Its id.
    pub id: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// Other words for the id.
    pub aliases: &'static [&'static str],
    /// How one identifies oneself there.
    pub auth: Auth,
    /// Variables that hold a key; the first is the one that is written.
    pub variables: &'static [&'static str],
    /// Where it is called, without a slash at the end; empty where it does not speak our protocol, or where a
    /// key alone does not open it.
    pub base_url: &'static str,
    /// The variable that names another address; empty where there is none.
    pub url_variable: &'static str,
    /// Whether it offers models of many makers.
    pub aggregates: bool,
}

/// How one identifies oneself to a provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Auth {
    /// A key.
    ApiKey,
    /// A code that is entered in a browser.
    OauthDeviceCode,
    /// A login that another program does.
    OauthExternal,
    /// A login of MiniMax's own.
    OauthMinimax,
    /// A program that answers in its place.
    ExternalProcess,
    /// Amazon's credentials.
    AwsSdk,
    /// It is no provider of its own.
    Virtual,
    /// Nothing is known of it.
    Unlisted,
}

impl Auth {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Auth::ApiKey | Auth::Unlisted => "api_key",
            Auth::OauthDeviceCode => "oauth_device_code",
            Auth::OauthExternal => "oauth_external",
            Auth::OauthMinimax => "oauth_minimax",
            Auth::ExternalProcess => "external_process",
            Auth::AwsSdk => "aws_sdk",
            Auth::Virtual => "virtual",
        }
    }

    /// Whether there is something to log in with.
    pub fn is_registered(self) -> bool {
        !matches!(self, Auth::Virtual | Auth::Unlisted)
    }
}

impl Provider {
    /// Whether it is called with a key at an address that is known.
    pub fn is_callable(&self) -> bool {
        !self.base_url.is_empty()
    }

    /// Variables whose value can be sent as a key. Anthropic's last holds the token of a program of its own,
    /// which is for that program.
    pub fn key_variables(&self) -> &'static [&'static str] {
        if self.id == "anthropic" { self.variables.get(..2).unwrap_or_default() } else { self.variables }
    }

    /// Whether it can be called without a key: it runs on the user's own machine.
    pub fn needs_no_key(&self) -> bool {
        self.id == "lmstudio"
    }

    /// Variables that are its own. The others are left alone when it is disconnected (the original removes
    /// them): other providers, and programs that are none, use them too.
    pub fn own_variables(&self) -> impl Iterator<Item = &'static str> {
        /// Read by git's own tools.
        const OF_OTHER_PROGRAMS: [&str; 2] = ["GH_TOKEN", "GITHUB_TOKEN"];
        let is_shared = |variable: &str| {
            let of_another =
                |other: &Provider| other.id != self.id && other.variables.first() == Some(&variable);
            OF_OTHER_PROGRAMS.contains(&variable) || PROVIDERS.iter().any(of_another)
        };
        self.variables.iter().copied().filter(move |variable| !is_shared(variable))
    }
}

/// The provider of this id or alias, whatever its case.
pub fn find(name: &str) -> Option<&'static Provider> {
    let name = name.trim();
    let is = |word: &str| word.eq_ignore_ascii_case(name);
    PROVIDERS.iter().find(|provider| is(provider.id) || provider.aliases.iter().any(|alias| is(alias)))
}

/// Its place in the order; `None` for one that the table does not know.
pub fn place(id: &str) -> Option<usize> {
    PROVIDERS.iter().position(|provider| provider.id == id)
}

/// One with a key.
const fn key(
    id: &'static str,
    label: &'static str,
    aliases: &'static [&'static str],
    variables: &'static [&'static str],
    base_url: &'static str,
    url_variable: &'static str,
) -> Provider {
    Provider { id, label, aliases, auth: Auth::ApiKey, variables, base_url, url_variable, aggregates: false }
}

/// One that offers models of many makers.
const fn aggregator(provider: Provider) -> Provider {
    Provider { aggregates: true, ..provider }
}

/// One that is not called from here.
const fn other(
    id: &'static str,
    label: &'static str,
    aliases: &'static [&'static str],
    auth: Auth,
) -> Provider {
    Provider { id, label, aliases, auth, variables: &[], base_url: "", url_variable: "", aggregates: false }
}

/// All of them, in the order of pickers. Addresses are those of the original; Google's and MiniMax's are those
/// of their endpoints that speak `chat/completions`, for which the variables that name another address do not
/// count. Anthropic's is that of its own protocol.
pub const PROVIDERS: &[Provider] = &[
    other("nous", "Nous Portal", &[], Auth::OauthDeviceCode),
    aggregator(key(
        "openrouter",
        "OpenRouter",
        &[],
        &["OPENROUTER_API_KEY"],
        "https://openrouter.ai/api/v1",
        "OPENROUTER_BASE_URL",
    )),
    other("moa", "Mixture of Agents", &[], Auth::Virtual),
    aggregator(key(
        "novita",
        "NovitaAI",
        &["novita-ai", "novitaai"],
        &["NOVITA_API_KEY"],
        "https://api.novita.ai/openai/v1",
        "",
    )),
    key(
        "lmstudio",
        "LM Studio",
        &["lm-studio", "lm_studio"],
        &["LM_API_KEY"],
        "http://127.0.0.1:1234/v1",
        "LM_BASE_URL",
    ),
    key(
        "anthropic",
        "Anthropic",
        &["claude", "claude-code"],
        &["ANTHROPIC_API_KEY", "ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"],
        "https://api.anthropic.com/v1",
        "",
    ),
    other("openai-codex", "OpenAI Codex", &[], Auth::OauthExternal),
    key("openai-api", "OpenAI API", &[], &["OPENAI_API_KEY"], "https://api.openai.com/v1", "OPENAI_BASE_URL"),
    key(
        "alibaba",
        "Qwen Cloud",
        &["dashscope", "aliyun", "qwen", "alibaba-cloud"],
        &["DASHSCOPE_API_KEY"],
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_BASE_URL",
    ),
    other(
        "xai-oauth",
        "xAI Grok OAuth (SuperGrok / Premium+)",
        &["grok-oauth", "x-ai-oauth", "xai-grok-oauth"],
        Auth::OauthExternal,
    ),
    key(
        "xiaomi",
        "Xiaomi MiMo",
        &["mimo", "xiaomi-mimo"],
        &["XIAOMI_API_KEY"],
        "https://api.xiaomimimo.com/v1",
        "XIAOMI_BASE_URL",
    ),
    key(
        "tencent-tokenhub",
        "Tencent TokenHub",
        &["tencent", "tokenhub", "tencent-cloud", "tencentmaas"],
        &["TOKENHUB_API_KEY"],
        "https://tokenhub.tencentmaas.com/v1",
        "TOKENHUB_BASE_URL",
    ),
    key(
        "nvidia",
        "NVIDIA NIM",
        &["nim", "nvidia-nim", "build-nvidia", "nemotron"],
        &["NVIDIA_API_KEY"],
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_BASE_URL",
    ),
    // Its tokens are exchanged for others before a call.
    key(
        "copilot",
        "GitHub Copilot",
        &["github", "github-copilot", "github-models", "github-model"],
        &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"],
        "",
        "",
    ),
    other(
        "copilot-acp",
        "GitHub Copilot ACP",
        &["github-copilot-acp", "copilot-acp-agent"],
        Auth::ExternalProcess,
    ),
    aggregator(key(
        "huggingface",
        "Hugging Face",
        &["hf", "hugging-face", "huggingface-hub"],
        &["HF_TOKEN"],
        "https://router.huggingface.co/v1",
        "HF_BASE_URL",
    )),
    key(
        "gemini",
        "Google AI Studio",
        &["google", "google-gemini", "google-ai-studio"],
        &["GOOGLE_API_KEY", "GEMINI_API_KEY"],
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "",
    ),
    other(
        "vertex",
        "Google Vertex AI",
        &["google-vertex", "vertex-ai", "gcp-vertex", "vertexai"],
        Auth::Unlisted,
    ),
    key(
        "deepseek",
        "DeepSeek",
        &["deep-seek"],
        &["DEEPSEEK_API_KEY"],
        "https://api.deepseek.com/v1",
        "DEEPSEEK_BASE_URL",
    ),
    key("xai", "xAI", &["grok", "x-ai", "x.ai"], &["XAI_API_KEY"], "https://api.x.ai/v1", "XAI_BASE_URL"),
    key(
        "zai",
        "Z.AI / GLM",
        &["glm", "z-ai", "z.ai", "zhipu"],
        &["GLM_API_KEY", "ZAI_API_KEY", "Z_AI_API_KEY"],
        "https://api.z.ai/api/paas/v4",
        "GLM_BASE_URL",
    ),
    key(
        "kimi-coding",
        "Kimi / Kimi Coding Plan",
        &["kimi", "moonshot"],
        &["KIMI_API_KEY", "KIMI_CODING_API_KEY"],
        "https://api.moonshot.ai/v1",
        "KIMI_BASE_URL",
    ),
    key(
        "kimi-coding-cn",
        "Kimi / Moonshot (China)",
        &["kimi-cn", "moonshot-cn"],
        &["KIMI_CN_API_KEY"],
        "https://api.moonshot.cn/v1",
        "",
    ),
    key(
        "stepfun",
        "StepFun Step Plan",
        &["step", "stepfun-coding-plan"],
        &["STEPFUN_API_KEY"],
        "https://api.stepfun.ai/step_plan/v1",
        "STEPFUN_BASE_URL",
    ),
    key("minimax", "MiniMax", &[], &["MINIMAX_API_KEY"], "https://api.minimax.io/v1", ""),
    other(
        "minimax-oauth",
        "MiniMax (OAuth)",
        &["minimax-portal", "minimax-global", "minimax_oauth"],
        Auth::OauthMinimax,
    ),
    key(
        "minimax-cn",
        "MiniMax (China)",
        &["minimax-china", "minimax_cn"],
        &["MINIMAX_CN_API_KEY"],
        "https://api.minimaxi.com/v1",
        "",
    ),
    key(
        "ollama-cloud",
        "Ollama Cloud",
        &["ollama_cloud"],
        &["OLLAMA_API_KEY"],
        "https://ollama.com/v1",
        "OLLAMA_BASE_URL",
    ),
    key(
        "arcee",
        "Arcee AI",
        &["arcee-ai", "arceeai"],
        &["ARCEEAI_API_KEY"],
        "https://api.arcee.ai/api/v1",
        "ARCEE_BASE_URL",
    ),
    key(
        "gmi",
        "GMI Cloud",
        &["gmi-cloud", "gmicloud"],
        &["GMI_API_KEY"],
        "https://api.gmi-serving.com/v1",
        "GMI_BASE_URL",
    ),
    aggregator(key(
        "kilocode",
        "Kilo Code",
        &["kilo", "kilo-code", "kilo-gateway"],
        &["KILOCODE_API_KEY"],
        "https://api.kilo.ai/api/gateway",
        "KILOCODE_BASE_URL",
    )),
    aggregator(key(
        "opencode-zen",
        "OpenCode Zen",
        &["opencode", "zen"],
        &["OPENCODE_ZEN_API_KEY"],
        "https://opencode.ai/zen/v1",
        "OPENCODE_ZEN_BASE_URL",
    )),
    aggregator(key(
        "opencode-go",
        "OpenCode Go",
        &["go", "opencode-go-sub"],
        &["OPENCODE_GO_API_KEY"],
        "https://opencode.ai/zen/go/v1",
        "OPENCODE_GO_BASE_URL",
    )),
    other("bedrock", "AWS Bedrock", &["aws", "aws-bedrock", "amazon-bedrock", "amazon"], Auth::AwsSdk),
    // Everybody has an address of their own there.
    key("azure-foundry", "Azure Foundry", &[], &["AZURE_FOUNDRY_API_KEY"], "", ""),
    other("qwen-oauth", "Qwen OAuth (Portal)", &["qwen-portal"], Auth::OauthExternal),
    key(
        "alibaba-coding-plan",
        "Alibaba Cloud (Coding Plan)",
        &[],
        &["ALIBABA_CODING_PLAN_API_KEY", "DASHSCOPE_API_KEY"],
        "https://coding-intl.dashscope.aliyuncs.com/v1",
        "ALIBABA_CODING_PLAN_BASE_URL",
    ),
    other("custom", "Custom endpoint", &["ollama"], Auth::Unlisted),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_order_is_the_originals() {
        let ids: Vec<&str> = PROVIDERS.iter().map(|provider| provider.id).collect();
        assert_eq!(
            (ids.len(), ids[0], ids[1], ids[18], ids[37]),
            (38, "nous", "openrouter", "deepseek", "custom")
        );
        assert_eq!((place("moa"), place("nowhere")), (Some(2), None));
    }

    #[test]
    fn no_word_means_two_providers() {
        let mut words = HashSet::new();
        for provider in PROVIDERS {
            for word in provider.aliases.iter().chain([&provider.id]) {
                assert!(words.insert(word.to_lowercase()), "{word} twice");
                assert_eq!(find(&format!(" {} ", word.to_uppercase())), Some(provider), "{word}");
            }
        }
        assert_eq!(find(""), None);
    }

    #[test]
    fn who_takes_a_key_has_a_variable_for_it_and_addresses_end_without_a_slash() {
        for provider in PROVIDERS {
            assert_eq!(provider.auth == Auth::ApiKey, !provider.variables.is_empty(), "{}", provider.id);
            assert!(provider.auth == Auth::ApiKey || !provider.is_callable(), "{}", provider.id);
            let is_local = provider.needs_no_key();
            let is_safe = provider.base_url.starts_with("https://") || is_local || !provider.is_callable();
            assert!(is_safe && !provider.base_url.ends_with('/'), "{}", provider.id);
        }
    }

    #[test]
    fn what_others_need_is_nobodys_own() {
        let own = |id: &str| find(id).unwrap().own_variables().collect::<Vec<_>>();
        assert_eq!(own("alibaba-coding-plan"), ["ALIBABA_CODING_PLAN_API_KEY"]);
        assert_eq!(own("alibaba"), ["DASHSCOPE_API_KEY"]);
        assert_eq!(own("copilot"), ["COPILOT_GITHUB_TOKEN"]);
        assert_eq!(find("claude").unwrap().key_variables(), ["ANTHROPIC_API_KEY", "ANTHROPIC_TOKEN"]);
    }
}
