//! The rows of a picker: the known providers that can be called, the endpoints that the user wrote down, and
//! those that a key would open. Providers that cannot be called from here have no row (the original shows
//! them): whoever picked one could not go on.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::thread;

use super::cache::Cache;
use super::{Around, Fetch, Files, keys};
use crate::config::endpoint::{self, Endpoint, Entry};
use crate::model::provider::price::Listed;
use crate::model::provider::table::{self, Auth, PROVIDERS, Provider};
use crate::model::provider::{Current, MissingKey, ProviderRow};

/// Endpoints that are asked for one picker, side by side; the others show what is written down.
const ASKED_MAX: usize = 48;

/// A row, and who could say more about it.
struct Offer {
    row: ProviderRow,
    endpoint: Endpoint,
    /// Whether the endpoint is asked for its models.
    asks: bool,
    /// Whether its list is remembered. Those of the user's own endpoints are not: they change, and are near.
    remembers: bool,
    /// Whether it offers models of many makers.
    aggregates: bool,
}

/// All rows, in the order in which they are shown.
pub(super) fn rows(around: &Around<'_>, files: &Files, current: &Current) -> Vec<ProviderRow> {
    let mut offers = offers(around, files, current);
    ask(around, &mut offers);
    leave_out_what_users_name(&mut offers);
    let mut rows: Vec<ProviderRow> = offers.into_iter().map(|offer| offer.row).collect();
    for row in rows.iter_mut().filter(|row| row.is_current) {
        if !current.model.is_empty() && !row.models.contains(&current.model) {
            row.models.insert(0, current.model.clone());
        }
    }
    let missing = PROVIDERS.iter().filter(|known| known.auth == Auth::ApiKey && known.is_callable());
    let missing: Vec<ProviderRow> = missing
        .filter(|known| rows.iter().all(|row| row.slug != known.id))
        .map(|known| placeholder(known, current))
        .collect();
    rows.extend(missing);
    let place = |row: &ProviderRow| table::place(&row.slug).unwrap_or(usize::MAX);
    rows.sort_by_key(|row| (place(row), !row.is_current, Reverse(row.models.len())));
    rows
}

/// The row of one known provider, after its key was saved.
pub(super) fn one(around: &Around<'_>, known: &Provider, current: &Current) -> ProviderRow {
    let files = Files::read(around);
    match endpoint::canonical(files.sources(around), known) {
        Ok(found) => {
            let mut offers = [known_offer(known, found, current)];
            ask(around, &mut offers);
            let [offer] = offers;
            offer.row
        }
        Err(_) => ProviderRow { is_current: false, ..known_row(known, current) },
    }
}

fn offers(around: &Around<'_>, files: &Files, current: &Current) -> Vec<Offer> {
    let (sources, main) = (files.sources(around), files.main());
    let entries = endpoint::entries(sources);
    let is_entry = |slug: &str| entries.iter().any(|entry| entry.endpoint.slug.eq_ignore_ascii_case(slug));
    let mut offers: Vec<Offer> = Vec::new();
    for known in PROVIDERS.iter().filter(|known| known.is_callable() && !is_entry(known.id)) {
        let found = match endpoint::is_home(known.id, main) {
            true => Some(endpoint::home(sources, main)),
            false => endpoint::canonical(sources, known).ok().filter(|found| is_set_up(known, found)),
        };
        if let Some(found) = found.filter(keys::is_usable) {
            offers.push(known_offer(known, found, current));
        }
    }
    let (custom, named): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.is_custom);
    let is_named = |offers: &[Offer], slug: &str, url: &str| {
        let known = table::find(slug).is_some_and(Provider::is_callable);
        let same = |found: &Endpoint| found.slug.eq_ignore_ascii_case(slug) || found.base_url == url;
        known
            || offers.iter().any(|offer| same(&offer.endpoint))
            || custom.iter().any(|entry| same(&entry.endpoint))
    };
    offers.extend(named.into_iter().map(|entry| entry_offer(entry, current)));
    if !main.base_url.is_empty() && !is_named(&offers, endpoint::home_slug(main), &main.base_url) {
        offers.push(bare_offer(endpoint::home(sources, main), &main.name, current));
    }
    for entry in custom {
        let same = |offer: &Offer| {
            let (one, two) = (&offer.endpoint, &entry.endpoint);
            one.base_url == two.base_url && one.api_key == two.api_key
        };
        if !offers.iter().any(same) {
            offers.push(entry_offer(entry, current));
        }
    }
    // Written down under a name, and configured without it.
    let is_shown = offers.iter().any(|offer| offer.row.is_current);
    if !is_shown && is_current("custom", current) {
        let mine = |offer: &&mut Offer| offer.endpoint.base_url == main.base_url;
        if let Some(offer) = offers.iter_mut().find(mine) {
            offer.row.is_current = true;
        }
    }
    offers
}

/// Whether somebody uses it: a server on the user's own machine may need no key, and may not be there at all.
fn is_set_up(known: &Provider, found: &Endpoint) -> bool {
    found.api_key.is_some() || found.base_url != known.base_url
}

fn is_current(slug: &str, current: &Current) -> bool {
    let id = |name: &str| table::find(name).map(|known| known.id);
    let now = current.provider.as_str();
    slug.eq_ignore_ascii_case(now) || id(slug).is_some_and(|it| id(now) == Some(it))
}

fn known_row(known: &Provider, current: &Current) -> ProviderRow {
    ProviderRow {
        slug: known.id.to_owned(),
        name: known.label.to_owned(),
        is_current: is_current(known.id, current),
        source: "hermes",
        ..ProviderRow::default()
    }
}

fn placeholder(known: &Provider, current: &Current) -> ProviderRow {
    let variable = known.variables.first().copied().unwrap_or_default();
    let missing = Some(MissingKey { auth_type: known.auth.as_str(), variable });
    ProviderRow { source: "canonical", missing, ..known_row(known, current) }
}

fn known_offer(known: &Provider, endpoint: Endpoint, current: &Current) -> Offer {
    let row = known_row(known, current);
    Offer { row, endpoint, asks: true, remembers: true, aggregates: known.aggregates }
}

fn entry_offer(entry: Entry, current: &Current) -> Offer {
    let asks = entry.discovers && (entry.endpoint.api_key.is_some() || entry.models.is_empty());
    let row = ProviderRow {
        is_current: is_current(&entry.endpoint.slug, current),
        models: entry.models,
        source: "user-config",
        ..users_row(&entry.endpoint)
    };
    Offer { row, endpoint: entry.endpoint, asks, remembers: false, aggregates: false }
}

/// The configured endpoint, which has no name.
fn bare_offer(endpoint: Endpoint, model: &str, current: &Current) -> Offer {
    let models = if model.is_empty() { Vec::new() } else { vec![model.to_owned()] };
    let row = ProviderRow {
        is_current: is_current(&endpoint.slug, current),
        models,
        source: "model-config",
        ..users_row(&endpoint)
    };
    Offer { row, endpoint, asks: true, remembers: false, aggregates: false }
}

fn users_row(endpoint: &Endpoint) -> ProviderRow {
    ProviderRow {
        slug: endpoint.slug.clone(),
        name: endpoint.name.clone(),
        is_user_defined: true,
        api_url: Some(endpoint.base_url.clone()),
        ..ProviderRow::default()
    }
}

/// Fills in what endpoints say of themselves. Who does not answer keeps what is known.
fn ask(around: &Around<'_>, offers: &mut [Offer]) {
    let home = around.config.home();
    let mut cache = Cache::read(home);
    let mut asked = Vec::new();
    for (at, offer) in offers.iter_mut().enumerate().filter(|(_, offer)| offer.asks) {
        match cache.fresh(&offer.endpoint, around.now) {
            Some(models) if offer.remembers => take(&mut offer.row, models),
            _ => asked.push(at),
        }
    }
    asked.truncate(ASKED_MAX);
    let endpoints: Vec<&Endpoint> =
        asked.iter().filter_map(|at| offers.get(*at)).map(|offer| &offer.endpoint).collect();
    let lists = lists(around.fetch, &endpoints);
    for (at, models) in asked.into_iter().zip(lists) {
        let Some(offer) = offers.get_mut(at) else { continue };
        if !models.is_empty() {
            if offer.remembers {
                cache.put(&offer.endpoint, &models, around.now);
            }
            take(&mut offer.row, models);
        } else if offer.remembers
            && let Some(old) = cache.any(&offer.endpoint)
        {
            take(&mut offer.row, old);
        }
    }
    cache.write(home);
}

fn take(row: &mut ProviderRow, models: Vec<Listed>) {
    let priced = models.iter().filter(|listed| listed.price.is_known());
    row.prices = priced.map(|listed| (listed.name.clone(), listed.price)).collect();
    row.models = models.into_iter().map(|listed| listed.name).collect();
}

/// What each of these endpoints says, all asked at once.
fn lists(fetch: Fetch<'_>, endpoints: &[&Endpoint]) -> Vec<Vec<Listed>> {
    thread::scope(|scope| {
        let threads: Vec<_> = endpoints
            .iter()
            .copied()
            .map(|endpoint| {
                let builder = thread::Builder::new().name("models".to_owned());
                builder.spawn_scoped(scope, move || fetch(endpoint))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_default())
            .collect()
    })
}

/// What a user's own endpoint offers is not offered a second time by those who pass calls on.
fn leave_out_what_users_name(offers: &mut [Offer]) {
    let own = offers.iter().filter(|offer| offer.row.is_user_defined).flat_map(|offer| &offer.row.models);
    let own: HashSet<String> = own.map(|name| name.to_lowercase()).collect();
    for offer in offers.iter_mut().filter(|offer| offer.aggregates && !own.is_empty()) {
        offer.row.models.retain(|name| !own.contains(&name.to_lowercase()));
    }
}
