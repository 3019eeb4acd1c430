//! What one model costs, asked before it is switched to. A list that is remembered is believed for as long as
//! pickers believe it; else the endpoint is asked, and who does not answer in time has no prices.

use super::cache::Cache;
use super::{Around, Files, keys};
use crate::config::endpoint;
use crate::model::provider::price::Price;
use crate::model::provider::table::{self, Provider};

/// The price of a model of this provider, or of the configured endpoint. Unknown where nobody can be asked:
/// the switch itself says what is wrong.
pub(super) fn price(around: &Around<'_>, model: &str, slug: Option<&str>) -> Price {
    let files = Files::read(around);
    let (sources, main) = (files.sources(around), files.main());
    let found = match slug {
        Some(slug) => endpoint::find(sources, main, slug).ok(),
        None if main.base_url.is_empty() => None,
        None => Some(endpoint::home(sources, main)),
    };
    let Some(endpoint) = found.filter(keys::is_usable) else { return Price::default() };
    let home = around.config.home();
    let mut cache = Cache::read(home);
    if let Some(price) = cache.price(&endpoint, model, around.now) {
        return price;
    }
    let list = (around.fetch)(&endpoint);
    let price = list.iter().find(|listed| listed.name == model).map(|listed| listed.price);
    // The user's own endpoints change, and are near.
    if !list.is_empty() && table::find(&endpoint.slug).is_some_and(Provider::is_callable) {
        cache.put(&endpoint, &list, around.now);
        cache.write(home);
    }
    price.unwrap_or_default()
}
