//! The models that an endpoint says it has, and their prices, if it says those. Owns the limits of that question;
//! knows nothing of who asks, and remembers nothing.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::http::Client;
use super::{pricing, watch};
use crate::agent::anthropic;
use crate::model::provider::price::Listed;
use crate::model::settings::{Dialect, ModelSettings};

/// How long an endpoint may take: somebody waits for a picker.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of an answer that are read; those of the largest providers have about one million.
const ANSWER_MAX: u64 = 4 << 20;

/// Models of one endpoint that are kept: more cannot be picked from.
const MODELS_MAX: usize = 500;

/// Bytes of a model's id.
const NAME_MAX: usize = 256;

/// What Google puts before the ids of its models, and does not want back.
const PREFIX: &str = "models/";

/// The models of an endpoint; none when it does not answer, or says something else. Blocks for some seconds
/// at most.
pub fn list_models(client: &Client, endpoint: &ModelSettings) -> Vec<Listed> {
    let watch = watch::begin(Arc::default());
    watch.set_patience(Some(PATIENCE));
    let mut bytes = Vec::new();
    let page = match endpoint.dialect {
        Dialect::ChatCompletions => "models",
        Dialect::Messages => anthropic::MODELS,
    };
    let read = match client.get(endpoint, page, &watch) {
        Ok(body) => body.take(ANSWER_MAX).read_to_end(&mut bytes).map_err(|error| error.to_string()),
        Err(failure) => Err(failure.to_string()),
    };
    match read {
        Ok(_) => listed(&bytes),
        Err(why) => {
            log::debug!("an endpoint does not say which models it has: {why}");
            Vec::new()
        }
    }
}

/// `{"data": [{"id": …}]}`, the list alone, or what Ollama says of itself.
fn listed(bytes: &[u8]) -> Vec<Listed> {
    let answer: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let items = answer.get("data").or_else(|| answer.get("models")).unwrap_or(&answer);
    let mut list: Vec<Listed> = Vec::new();
    for item in items.as_array().into_iter().flatten() {
        let name = ["id", "name"].iter().find_map(|key| item.get(key)?.as_str());
        let name = name.or_else(|| item.as_str()).unwrap_or_default().trim();
        let name = name.strip_prefix(PREFIX).unwrap_or(name);
        let is_good = !name.is_empty() && name.len() <= NAME_MAX && !name.contains(char::is_control);
        if is_good && !list.iter().any(|known| known.name == name) {
            list.push(Listed { name: name.to_owned(), price: pricing::of(item) });
        }
        if list.len() == MODELS_MAX {
            break;
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bytes: &[u8]) -> Vec<String> {
        listed(bytes).into_iter().map(|listed| listed.name).collect()
    }

    #[test]
    fn reads_the_usual_answers() {
        for (answer, want) in [
            (r#"{"object":"list","data":[{"id":"a"},{"id":"b"},{"id":"a"}]}"#, "a b"),
            (r#"[{"id":"a"},{"name":"b"},"c",5,{}]"#, "a b c"),
            (r#"{"models":[{"name":"models/gemini"}]}"#, "gemini"),
            (r#"{"data":[{"id":"bad\u0007"},{"id":""},{"id":7},{"id":"good"}]}"#, "good"),
            (r#"{"data":{"id":"a"}}"#, ""),
            (r#"{"data":"#, ""),
            ("null", ""),
        ] {
            assert_eq!(names(answer.as_bytes()).join(" "), want, "{answer}");
        }
    }

    #[test]
    fn a_flood_is_cut() {
        let items: Vec<String> = (0..2 * MODELS_MAX).map(|at| format!("{{\"id\":\"m{at}\"}}")).collect();
        assert_eq!(names(format!("[{}]", items.join(",")).as_bytes()).len(), MODELS_MAX);
        assert!(names(format!("[\"{}\"]", "x".repeat(NAME_MAX + 1)).as_bytes()).is_empty());
    }
}
