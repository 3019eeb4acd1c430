//! Whom a turn talks to: the configured model, then those that stand in for it when it cannot be asked. Knows
//! nothing of tries: it is asked when they are used up.

use super::OpenAi;
use super::failure::Failure;
use crate::model::settings::ModelSettings;

/// Client errors that say something about the account, the key, the model's name or the load, and nothing
/// about the request: another endpoint may take it.
const ELSEWHERE: [u16; 7] = [401, 402, 403, 404, 408, 409, 429];

/// The endpoint in use, and those that are left.
#[derive(Clone)]
pub(super) struct Endpoints<'a> {
    now: &'a ModelSettings,
    model: &'a str,
    left: &'a [ModelSettings],
}

impl<'a> Endpoints<'a> {
    /// Begins with the configured endpoint and with the session's choice of model, if it has one.
    pub(super) fn new(agent: &'a OpenAi, model: Option<&'a str>) -> Self {
        let now = &agent.settings;
        let model = model.filter(|model| !model.is_empty()).unwrap_or(&now.name);
        Self { now, model, left: &agent.agent_settings.fallbacks }
    }

    /// The endpoint in use.
    pub(super) fn settings(&self) -> &'a ModelSettings {
        self.now
    }

    /// The model in use.
    pub(super) fn model(&self) -> &'a str {
        self.model
    }

    /// Goes on with the next one, if the failure is none of the request's own and there is a next one. Gives
    /// what people are told.
    pub(super) fn stand_in(&mut self, failure: &Failure) -> Option<String> {
        if !is_worth_asking_elsewhere(failure) {
            return None;
        }
        while let Some((next, left)) = self.left.split_first() {
            self.left = left;
            let is_same = next.base_url == self.now.base_url && next.name == self.model;
            if next.base_url.is_empty() || next.name.is_empty() || is_same {
                continue;
            }
            let line = format!("🔄 {} cannot be asked ({failure}); going on with {}.", self.model, next.name);
            self.now = next;
            self.model = &next.name;
            return Some(line);
        }
        None
    }
}

fn is_worth_asking_elsewhere(failure: &Failure) -> bool {
    match failure {
        Failure::Interrupted => false,
        Failure::Refused { status, .. } => *status >= 500 || ELSEWHERE.contains(status),
        Failure::Broken(_) | Failure::Unusable(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Client, Limits};
    use super::*;
    use crate::model::settings::AgentSettings;

    fn endpoint(name: &str, base_url: &str) -> ModelSettings {
        ModelSettings { name: name.into(), base_url: base_url.into(), ..ModelSettings::default() }
    }

    fn agent() -> OpenAi {
        let left = ["", "http://a", "http://b"].map(|url| endpoint("m1", url));
        let settings = AgentSettings { fallbacks: Arc::from(left), ..AgentSettings::default() };
        OpenAi::new(Arc::new(Client::new(Limits::default())), endpoint("m1", "http://a"))
            .with_agent_settings(settings)
    }

    fn refused(status: u16) -> Failure {
        Failure::Refused { status, message: String::new(), retry_after: None }
    }

    #[test]
    fn each_is_asked_once_and_none_twice() {
        let agent = agent();
        let mut endpoints = Endpoints::new(&agent, None);
        assert!(endpoints.stand_in(&refused(503)).is_some());
        assert_eq!(endpoints.settings().base_url, "http://b");
        assert!(endpoints.stand_in(&refused(503)).is_none());
    }

    #[test]
    fn the_sessions_model_is_that_of_the_configured_endpoint_only() {
        let agent = agent();
        let mut endpoints = Endpoints::new(&agent, Some("other"));
        assert_eq!(endpoints.model(), "other");
        assert!(endpoints.stand_in(&Failure::Broken(String::new())).is_some());
        assert_eq!((endpoints.model(), endpoints.settings().base_url.as_str()), ("m1", "http://a"));
    }

    #[test]
    fn a_request_that_is_wrong_is_wrong_everywhere() {
        let agent = agent();
        for failure in [refused(400), refused(413), refused(422), Failure::Interrupted] {
            assert!(Endpoints::new(&agent, None).stand_in(&failure).is_none(), "{failure:?}");
        }
        for failure in [refused(401), refused(404), refused(429), Failure::Unusable(String::new())] {
            assert!(Endpoints::new(&agent, None).stand_in(&failure).is_some(), "{failure:?}");
        }
    }
}
