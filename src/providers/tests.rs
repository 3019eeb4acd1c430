//! The whole of it against files of a scratch home, with endpoints that answer from memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::base::scratch::Scratch;
use crate::base::secret::Secret;
use crate::config::Home;
use crate::model::provider::price::{Cost, Price};
use crate::model::provider::{Current, ProviderRow};

/// A home, and how often its endpoints were asked.
struct Scene {
    dir: Scratch,
    config: ConfigFile,
    asked: AtomicUsize,
}

impl Scene {
    fn new(config: &str, dotenv: &str) -> Self {
        let dir = Scratch::new();
        dir.write("config.yaml", config);
        dir.write(".env", dotenv);
        let managed = dir.path().join("managed").display().to_string();
        let env = move |name: &str| match name {
            "HERMES_MANAGED_DIR" => Some(managed.clone()),
            "XAI_API_KEY" => Some("sk-of-the-environment".to_owned()),
            _ => None,
        };
        let config = ConfigFile::with_env(Home::at(dir.path()), Box::new(env));
        Self { dir, config, asked: AtomicUsize::new(0) }
    }

    fn run_at(&self, now: f64, job: ProviderJob) -> Result<ProviderDone, ProviderError> {
        let fetch = |endpoint: &Endpoint| {
            self.asked.fetch_add(1, Ordering::SeqCst);
            match endpoint.slug.as_str() {
                "deepseek" => vec!["deepseek-chat".into(), priced("deepseek-reasoner", 3.0)],
                "openrouter" => vec!["A/One".into(), "mine".into()],
                "custom:box" => vec![priced("mine", 30.0)],
                _ => Vec::new(),
            }
        };
        run(job, &Around { config: &self.config, fetch: &fetch, now })
    }

    fn run(&self, job: ProviderJob) -> Result<ProviderDone, ProviderError> {
        self.run_at(1000.0, job)
    }

    #[track_caller]
    fn rows(&self, provider: &str, refresh: bool) -> Vec<ProviderRow> {
        let job = ProviderJob::Options { current: current("m", provider), refresh };
        match self.run(job) {
            Ok(ProviderDone::Rows(rows)) => rows,
            other => panic!("{other:?}"),
        }
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap()
    }
}

/// A model that costs so many dollars for a million tokens of input.
fn priced(name: &str, dollars: f64) -> Listed {
    Listed { price: Price { input: Cost::per_token(dollars / 1e6), ..Price::default() }, ..name.into() }
}

fn current(model: &str, provider: &str) -> Current {
    Current { model: model.to_owned(), provider: provider.to_owned() }
}

fn slugs(rows: &[ProviderRow]) -> Vec<&str> {
    rows.iter().filter(|row| row.missing.is_none()).map(|row| row.slug.as_str()).collect()
}

const FILE: &str = "model:\n  default: m\n  provider: custom\n  base_url: http://here/v1 # mine\n\
                    custom_providers:\n  - name: Box\n    base_url: http://box/v1\n";

#[test]
fn rows_are_those_that_can_be_called_then_those_that_want_a_key() {
    let scene = Scene::new(FILE, "DEEPSEEK_API_KEY=sk-deep\nOPENROUTER_API_KEY=sk-or\n");
    let rows = scene.rows("custom", false);
    assert_eq!(slugs(&rows), ["openrouter", "deepseek", "xai", "custom", "custom:box"]);
    let row = |slug: &str| rows.iter().find(|row| row.slug == slug).unwrap();
    assert_eq!(row("openrouter").models, ["A/One"], "what the user's own endpoint offers is left out");
    assert_eq!(row("deepseek").models, ["deepseek-chat", "deepseek-reasoner"]);
    let custom = row("custom");
    assert_eq!(
        (custom.models.as_slice(), custom.is_current, custom.source),
        (&["m".to_owned()][..], true, "model-config")
    );
    assert_eq!(custom.api_url.as_deref(), Some("http://here/v1"));
    assert_eq!(row("custom:box").source, "user-config");
    let gemini = row("gemini").missing.as_ref().unwrap();
    assert_eq!((gemini.auth_type, gemini.variable), ("api_key", "GOOGLE_API_KEY"));
    assert!(rows.iter().all(|row| row.slug != "copilot" && row.slug != "nous"));
    assert_eq!(rows.iter().filter(|row| row.is_current).count(), 1);
}

#[test]
fn lists_are_remembered_for_an_hour_and_a_broken_file_is_ignored() {
    let scene = Scene::new("model: {default: m, provider: deepseek}\n", "DEEPSEEK_API_KEY=sk-deep\n");
    scene.dir.write("provider_models_cache.json", "{broken");
    let asked = || scene.asked.swap(0, Ordering::SeqCst);
    assert_eq!(scene.rows("deepseek", false)[1].slug, "novita");
    // The one of the environment is asked too, each time: it says nothing.
    assert_eq!(asked(), 2);
    let rows = scene.rows("deepseek", false);
    let row = rows.iter().find(|row| row.slug == "deepseek").unwrap();
    assert_eq!((row.models.join(" ").as_str(), asked()), ("m deepseek-chat deepseek-reasoner", 1));
    scene.rows("deepseek", true);
    assert_eq!(asked(), 2);
    let job = ProviderJob::Options { current: current("m", "deepseek"), refresh: false };
    scene.run_at(1000.0 + 3600.0, job).unwrap();
    assert_eq!(asked(), 2);
    assert!(!scene.text("provider_models_cache.json").contains("sk-deep"));
}

#[test]
fn a_key_is_kept_used_at_once_and_forgotten() {
    let scene = Scene::new("", "# mine\nOTHER=1\n");
    let save = |slug: &str| {
        let (slug, key) = (slug.to_owned(), Secret::new("sk-new\n"));
        scene.run(ProviderJob::SaveKey { slug, key, current: current("demo", "demo") })
    };
    let Ok(ProviderDone::Saved(row)) = save("deep-seek") else { panic!("not saved") };
    assert_eq!((row.slug.as_str(), row.models.len(), row.missing), ("deepseek", 2, None));
    assert_eq!(scene.text(".env"), "# mine\nOTHER=1\nDEEPSEEK_API_KEY=sk-new\n");
    assert!(slugs(&scene.rows("demo", false)).contains(&"deepseek"));
    assert!(matches!(save("openrouter"), Ok(ProviderDone::Saved(_))));
    for (slug, why) in [
        ("nowhere", "unknown provider: nowhere"),
        ("moa", "unknown provider: moa"),
        ("custom", "unknown provider: custom"),
        ("nous", "Nous Portal uses oauth_device_code auth — run `hermes model` to configure"),
    ] {
        assert_eq!(save(slug).unwrap_err().to_string(), why);
    }
    scene.dir.write(
        "auth.json",
        r#"{"providers":{"deepseek":{"k":1},"nous":{}},"active_provider":"deepseek","x":1}"#,
    );
    let disconnect = |slug: &str| scene.run(ProviderJob::Disconnect { slug: slug.to_owned() });
    assert!(matches!(disconnect("deepseek"), Ok(ProviderDone::Disconnected { .. })));
    assert!(!scene.text(".env").contains("DEEPSEEK"));
    let auth: Value = serde_json::from_str(&scene.text("auth.json")).unwrap();
    assert_eq!(auth, serde_json::json!({"providers": {"nous": {}}, "active_provider": null, "x": 1}));
    assert_eq!(disconnect("deepseek").unwrap_err().to_string(), "no credentials found for deepseek");
    assert!(disconnect("xai").unwrap_err().to_string().contains("XAI_API_KEY"));
    scene.dir.write(".managed", "");
    assert_eq!(save("xai").unwrap_err(), ProviderError::ReadOnly);
}

#[test]
fn another_provider_is_found_and_written_down() {
    let scene = Scene::new(FILE, "DEEPSEEK_API_KEY=sk-deep\n");
    let switch = |slug: &str, persist: bool| {
        let (model, slug) = ("deepseek-chat".to_owned(), slug.to_owned());
        scene.run(ProviderJob::Switch { model, slug, persist, for_session: false })
    };
    let Ok(ProviderDone::Switched(once)) = switch("deepseek", false) else { panic!("not switched") };
    assert_eq!(
        (once.choice.to_string().as_str(), once.settings.is_none()),
        ("deepseek-chat of deepseek", true)
    );
    assert_eq!(scene.text("config.yaml"), FILE);
    assert_eq!(
        switch("gemini", true).unwrap_err().to_string(),
        "Google AI Studio has no key: set GOOGLE_API_KEY"
    );
    let Ok(ProviderDone::Switched(lasting)) = switch("deepseek", true) else { panic!("not switched") };
    assert!(lasting.warning.contains("http://here/v1"), "{}", lasting.warning);
    let model = &lasting.settings.unwrap().model;
    assert_eq!((model.name.as_str(), model.provider.as_str()), ("deepseek-chat", "deepseek"));
    assert_eq!(model.base_url, "https://api.deepseek.com/v1");
    assert_eq!(model.api_key.as_ref().map(Secret::expose), Some("sk-deep"));
}

#[test]
fn the_key_of_the_file_does_not_follow_to_another_provider() {
    let scene = Scene::new(
        "model: {default: m, base_url: 'http://here', api_key: own}\n",
        "DEEPSEEK_API_KEY=sk-deep\n",
    );
    let switch = |for_session: bool| {
        let (model, slug) = ("d".to_owned(), "deepseek".to_owned());
        scene.run(ProviderJob::Switch { model, slug, persist: true, for_session })
    };
    assert!(switch(false).is_err());
    let Ok(ProviderDone::Switched(switched)) = switch(true) else { panic!("not switched") };
    assert!(switched.warning.starts_with("for this session only") && switched.settings.is_none());
}

#[test]
fn a_check_says_where_the_key_comes_from() {
    let scene = Scene::new(FILE, "DEEPSEEK_API_KEY=changeme\n");
    let check = |slug: &str| match scene.run(ProviderJob::Check { slug: slug.to_owned() }) {
        Ok(ProviderDone::Checked(checked)) => Ok((checked.provider, checked.source, checked.usable)),
        Ok(other) => panic!("{other:?}"),
        Err(why) => Err(why.to_string()),
    };
    let is = |provider: &str, source: &str, usable: bool| -> Result<(String, String, bool), String> {
        Ok((provider.to_owned(), source.to_owned(), usable))
    };
    assert_eq!(check(""), is("custom", "env/config", true));
    assert_eq!(check("xai"), is("xai", "env:XAI_API_KEY", true));
    assert_eq!(check("deepseek"), is("deepseek", "env:DEEPSEEK_API_KEY", false));
    assert_eq!(check("gemini"), is("gemini", "default", false));
    assert_eq!(check("nowhere"), Err("provider 'nowhere' is not configured".to_owned()));
}

/// To open a pipe would wait for its writer.
#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let scene = Scene::new(FILE, "DEEPSEEK_API_KEY=sk-deep\n");
    for name in ["provider_models_cache.json", "auth.json"] {
        let made = std::process::Command::new("mkfifo").arg(scene.dir.path().join(name)).status();
        assert!(made.unwrap().success());
    }
    assert!(slugs(&scene.rows("custom", false)).contains(&"deepseek"));
    assert!(scene.run(ProviderJob::Disconnect { slug: "deepseek".to_owned() }).is_err());
}

#[test]
fn prices_are_remembered_with_the_list() {
    let scene = Scene::new(FILE, "DEEPSEEK_API_KEY=sk-deep\n");
    let asked = || scene.asked.swap(0, Ordering::SeqCst);
    let price_at = |now: f64, model: &str, slug: Option<&str>| {
        let job = ProviderJob::Price { model: model.to_owned(), slug: slug.map(str::to_owned) };
        match scene.run_at(now, job) {
            Ok(ProviderDone::Priced(price)) => price.input.map(|cost| cost.to_string()),
            other => panic!("{other:?}"),
        }
    };
    let price = |model: &str, slug: Option<&str>| price_at(1000.0, model, slug);
    assert_eq!((price("deepseek-reasoner", Some("deep-seek")).as_deref(), asked()), (Some("$3.00"), 1));
    assert_eq!((price("deepseek-chat", Some("deepseek")), asked()), (None, 0), "remembered, without a price");
    // The list may be older than the model.
    assert_eq!((price("deepseek-new", Some("deepseek")), asked()), (None, 1), "not remembered");
    let rows = scene.rows("custom", false);
    let row = rows.iter().find(|row| row.slug == "deepseek").unwrap();
    let known: Vec<_> =
        row.prices.iter().map(|(name, price)| (name.as_str(), price.input.unwrap().parts())).collect();
    assert_eq!(known, [("deepseek-reasoner", 3_000_000)]);
    asked();
    for _ in 0..2 {
        let dear = price("mine", Some("custom:box"));
        assert_eq!((dear.as_deref(), asked()), (Some("$30.00"), 1), "the user's own is asked each time");
    }
    assert_eq!((price_at(9_000.0, "deepseek-reasoner", Some("deepseek")).is_some(), asked()), (true, 1));
    // Nobody to ask, and nobody who answers.
    for slug in [Some("nowhere"), Some("gemini"), None] {
        assert_eq!(price("m", slug), None, "{slug:?}");
    }
}

#[test]
fn a_remembered_price_is_not_believed_whatever_it_is() {
    let scene = Scene::new("", "DEEPSEEK_API_KEY=sk-deep\n");
    let price = || {
        let job = ProviderJob::Price { model: "deepseek-reasoner".into(), slug: Some("deepseek".into()) };
        match scene.run(job) {
            Ok(ProviderDone::Priced(price)) => price,
            other => panic!("{other:?}"),
        }
    };
    let known = price();
    let mut file: Value = serde_json::from_str(&scene.text("provider_models_cache.json")).unwrap();
    for kept in ["[-1]", "[1e400]", "[18446744073709551615, null, {}]", "\"3\"", "{}", "[0.5]", "[[3]]"] {
        file["deepseek"]["prices"]["deepseek-reasoner"] = serde_json::from_str(kept).unwrap_or_default();
        scene.dir.write("provider_models_cache.json", file.to_string());
        assert_eq!(price(), Price::default(), "{kept}");
    }
    // A list of a program that keeps no prices is asked for again.
    file["deepseek"].as_object_mut().unwrap().remove("prices");
    scene.dir.write("provider_models_cache.json", file.to_string());
    assert_eq!(price(), known);
}
