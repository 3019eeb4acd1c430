//! Lists of models, and their prices, that are remembered for an hour: a file of the home that other programs
//! write too. Who finds it broken begins anew, and who cannot write it asks again next time.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::read_file;
use crate::base::secret::Secret;
use crate::config::Home;
use crate::config::endpoint::Endpoint;
use crate::config::file::replace;
use crate::model::provider::price::{Cost, Listed, Price};

/// The file (the original's).
const NAME: &str = "provider_models_cache.json";

/// The member of a list with what its models cost. Ours: others leave it alone, or drop it.
const PRICES: &str = "prices";

/// How long a list counts, in seconds (the original's).
const AGE_MAX: f64 = 3600.0;

/// Bytes of the file that are read: lists of all providers stay well below.
const BYTES_MAX: u64 = 4 << 20;

/// What is remembered.
pub(super) struct Cache {
    all: Map<String, Value>,
    is_changed: bool,
}

impl Cache {
    /// What the file says; nothing where it says nothing that could be read.
    pub(super) fn read(home: &Home) -> Self {
        let bytes = read_file(&path(home), BYTES_MAX).unwrap_or_default();
        let all = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { all, is_changed: false }
    }

    /// The models of an endpoint, if they were heard lately, at this address and with this key.
    pub(super) fn fresh(&self, endpoint: &Endpoint, now: f64) -> Option<Vec<Listed>> {
        if self.is_fresh(endpoint, now) { self.any(endpoint) } else { None }
    }

    fn is_fresh(&self, endpoint: &Endpoint, now: f64) -> bool {
        let at = self.all.get(&endpoint.slug).and_then(|entry| entry.get("at")?.as_f64());
        // What is from the future was written by another clock.
        at.is_some_and(|at| (0.0..AGE_MAX).contains(&(now - at)))
    }

    /// The price of a model, unknown where the list that was heard lately had none; `None` when there is no such
    /// list, when it does not have the model, or when it was written by a program that keeps no prices.
    pub(super) fn price(&self, endpoint: &Endpoint, model: &str, now: f64) -> Option<Price> {
        let entry = self.entry(endpoint).filter(|_| self.is_fresh(endpoint, now))?;
        let prices = entry.get(PRICES)?;
        let is_listed = entry.get("models")?.as_array()?.iter().any(|listed| listed == model);
        is_listed.then(|| price(prices.get(model)))
    }

    /// What is remembered of an endpoint, at this address and with this key.
    fn entry(&self, endpoint: &Endpoint) -> Option<&Value> {
        let entry = self.all.get(&endpoint.slug)?;
        let is_same = entry.get("fp").and_then(Value::as_str) == Some(fingerprint(endpoint).as_str());
        is_same.then_some(entry)
    }

    /// The same, however old.
    pub(super) fn any(&self, endpoint: &Endpoint) -> Option<Vec<Listed>> {
        let entry = self.entry(endpoint)?;
        let prices = entry.get(PRICES);
        let names = entry.get("models")?.as_array()?.iter().filter_map(Value::as_str);
        let listed = |name: &str| {
            let price = price(prices.and_then(|prices| prices.get(name)));
            Listed { name: name.to_owned(), price }
        };
        let models: Vec<Listed> = names.map(listed).collect();
        (!models.is_empty()).then_some(models)
    }

    /// Remembers a list.
    pub(super) fn put(&mut self, endpoint: &Endpoint, models: &[Listed], now: f64) {
        let names: Vec<&str> = models.iter().map(|listed| listed.name.as_str()).collect();
        let priced = models.iter().filter(|listed| listed.price.is_known());
        let prices: Map<String, Value> =
            priced.map(|listed| (listed.name.clone(), kept(listed.price))).collect();
        let entry = json!({ "fp": fingerprint(endpoint), "at": now, "models": names, PRICES: prices });
        self.all.insert(endpoint.slug.clone(), entry);
        self.is_changed = true;
    }

    /// Writes down what is new.
    pub(super) fn write(self, home: &Home) {
        if !self.is_changed {
            return;
        }
        if let Err(error) = replace(&path(home), &Value::Object(self.all).to_string()) {
            log::info!("lists of models are not remembered: {error}");
        }
    }
}

/// Forgets everything.
pub(super) fn forget(home: &Home) {
    // It is not there, or it is overwritten later.
    let _ = fs::remove_file(path(home));
}

/// A price as it is kept: costs of input, output and what was remembered, in [`Cost::parts`].
fn kept(price: Price) -> Value {
    let parts = |cost: Option<Cost>| cost.map(Cost::parts);
    json!([parts(price.input), parts(price.output), parts(price.cache)])
}

/// The price that was kept; unknown where that is none.
fn price(kept: Option<&Value>) -> Price {
    let cost = |at: usize| kept?.get(at)?.as_u64().and_then(Cost::of_parts);
    Price { input: cost(0), output: cost(1), cache: cost(2) }
}

fn path(home: &Home) -> PathBuf {
    home.dir().join(NAME)
}

/// Tells one address and key from another; of the key nothing can be found out by it.
fn fingerprint(endpoint: &Endpoint) -> String {
    let mut hasher = DefaultHasher::new();
    endpoint.base_url.hash(&mut hasher);
    endpoint.api_key.as_ref().map(Secret::expose).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
