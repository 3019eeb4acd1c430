//! What is remembered of providers in files of any content: lists of models, logins, keys. A picker is made of
//! it, and providers are forgotten; what was remembered counts only for whom it was heard of.

use serde_json::{Map, Value};
use tui_gateway::config::endpoint::Endpoint;
use tui_gateway::config::{ConfigFile, Home};
use tui_gateway::model::provider::{Current, ProviderDone, ProviderJob};
use tui_gateway::providers::{Around, run as work};

use super::home::{Scratch, parts};

/// Settings with an endpoint of each kind.
const CONFIG: &[u8] = b"model: {default: m, provider: custom, base_url: 'http://here/v1'}\n\
    custom_providers: [{name: Box, base_url: 'http://box/v1'}]\n";

/// What every endpoint answers.
const MODEL: &str = "asked";

/// When it is, in seconds since 1970.
const NOW: f64 = 1_000.0;

pub(crate) fn run(bytes: &[u8]) {
    let [remembered, logins, keys] = parts(bytes);
    let home = Scratch::new("providers");
    home.write("config.yaml", CONFIG);
    home.write("provider_models_cache.json", remembered);
    home.write("auth.json", logins);
    home.write(".env", keys);
    let managed = home.path().join("managed").display().to_string();
    let env = move |name: &str| (name == "HERMES_MANAGED_DIR").then(|| managed.clone());
    let config = ConfigFile::with_env(Home::at(home.path()), Box::new(env));
    let fetch = |_: &Endpoint| vec![MODEL.into()];
    let around = Around { config: &config, fetch: &fetch, now: NOW };
    let current = Current { model: "m".to_owned(), provider: "custom".to_owned() };
    for refresh in [false, false, true] {
        let job = ProviderJob::Options { current: current.clone(), refresh };
        let Ok(ProviderDone::Rows(rows)) = work(job, &around) else { panic!("no rows") };
        assert!(rows.iter().any(|row| row.slug == "custom:box"));
    }
    let document = |bytes: &[u8]| serde_json::from_slice::<Map<String, Value>>(bytes).ok();
    let before = document(logins);
    for slug in ["custom", "custom:box", "deepseek", "openai", "anthropic", ""] {
        let _ = work(ProviderJob::Check { slug: slug.to_owned() }, &around);
        let _ = work(ProviderJob::Disconnect { slug: slug.to_owned() }, &around);
    }
    let after = std::fs::read(home.path().join("auth.json")).expect("it is there");
    match before {
        Some(before) => {
            let after = document(&after).expect("logins are a document still");
            let kept = |name: &&String| {
                !["providers", "credential_pool", "active_provider"].contains(&name.as_str())
            };
            for name in before.keys().filter(kept) {
                assert_eq!(after.get(name), before.get(name), "{name} was changed");
            }
        }
        None => assert_eq!(after, logins, "what cannot be read was changed"),
    }
}
