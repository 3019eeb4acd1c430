//! Providers of models, as people pick them: who can be asked for what, keys that are kept and forgotten, and
//! whether a model of another provider can be talked to. Reads and changes files of the home; lists of models
//! come from whoever owns the network. Knows no session and no protocol.
//!
//! In reading order: `rows` (what a picker shows), `cache` (lists that are remembered), `keys` and `auth`
//! (what is kept and forgotten), `price`, `switch`.

mod auth;
mod cache;
mod keys;
mod price;
mod rows;
mod switch;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::config::ConfigFile;
use crate::config::dotenv::Dotenv;
use crate::config::endpoint::{self, Endpoint, Sources};
use crate::model::provider::price::Listed;
use crate::model::provider::{Checked, ProviderDone, ProviderError, ProviderJob, Unusable};
use crate::model::settings::{ModelSettings, Settings};

/// Asks an endpoint for its models; none where it does not answer in time.
pub type Fetch<'a> = &'a (dyn Fn(&Endpoint) -> Vec<Listed> + Sync);

/// What the work needs of its surroundings.
pub struct Around<'a> {
    /// The settings, with their home and environment.
    pub config: &'a ConfigFile,
    /// How an endpoint is asked.
    pub fetch: Fetch<'a>,
    /// Now, in seconds since 1970.
    pub now: f64,
}

/// Does the work. It may take as long as the slowest endpoint.
///
/// # Errors
/// Why it cannot be done.
pub fn run(job: ProviderJob, around: &Around<'_>) -> Result<ProviderDone, ProviderError> {
    match job {
        ProviderJob::Options { current, refresh } => {
            if refresh {
                cache::forget(around.config.home());
            }
            Ok(ProviderDone::Rows(rows::rows(around, &Files::read(around), &current)))
        }
        ProviderJob::SaveKey { slug, key, current } => keys::save(around, &slug, &key, &current),
        ProviderJob::Disconnect { slug } => keys::disconnect(around, &slug),
        ProviderJob::Check { slug } => check(around, &slug),
        ProviderJob::Price { model, slug } => {
            Ok(ProviderDone::Priced(price::price(around, &model, slug.as_deref())))
        }
        ProviderJob::Switch { model, slug, persist, for_session } => {
            switch::switch(around, model, &slug, persist, for_session)
        }
    }
}

fn check(around: &Around<'_>, slug: &str) -> Result<ProviderDone, ProviderError> {
    let files = Files::read(around);
    let main = files.main();
    let slug = if slug.trim().is_empty() { endpoint::home_slug(main) } else { slug };
    let checked = match endpoint::find(files.sources(around), main, slug) {
        Ok(found) => {
            let usable = keys::is_usable(&found);
            Checked { provider: found.slug, source: found.source, usable }
        }
        Err(Unusable::NoKey { slug, .. }) => {
            Checked { provider: slug, source: "default".to_owned(), usable: false }
        }
        Err(why) => return Err(ProviderError::Unusable(why)),
    };
    Ok(ProviderDone::Checked(checked))
}

/// What the files say now.
struct Files {
    raw: Value,
    dotenv: Dotenv,
    settings: Arc<Settings>,
}

impl Files {
    fn read(around: &Around<'_>) -> Self {
        let settings = around.config.current();
        let raw = serde_json::from_str(&settings.raw_json).unwrap_or(Value::Null);
        let dotenv = Dotenv::read(&around.config.home().env_file());
        Self { raw, dotenv, settings }
    }

    fn sources<'a>(&'a self, around: &Around<'a>) -> Sources<'a> {
        Sources { raw: &self.raw, dotenv: &self.dotenv, env: around.config.env() }
    }

    /// The configured endpoint; it may have no address.
    fn main(&self) -> &ModelSettings {
        &self.settings.model
    }
}

/// At most so many bytes of a file that other programs write too.
fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Before opening: to open a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
