//! Which gateway a command talks to: what was said, else the environment, else this user's running server.

use super::environment;
use super::flags::LowArgs;
use crate::base::secret::Secret;
use crate::config::Home;
use crate::server::read_connect_file;
use crate::transport::target::{Target, TargetError, percent_encoded};

/// Who named the gateway's address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The person: a flag or a variable.
    Given,
    /// A server of this user, in its connect file.
    Found,
    /// Nobody: it is the default.
    Default,
}

/// The gateway to talk to.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Choice {
    /// Where it is.
    pub(super) target: Target,
    /// Who said so.
    pub(super) origin: Origin,
    /// Whether its token was found, too: then it was not given by the person, who may not know it.
    pub(super) token_was_found: bool,
}

/// The gateway that `--url` and `--token`, or what stands for them, name.
pub(super) fn target(low: &LowArgs) -> Result<Target, TargetError> {
    find(low).map(|choice| choice.target)
}

/// The same, and who named it.
pub(super) fn find(low: &LowArgs) -> Result<Choice, TargetError> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let url = low.url.clone().or_else(|| variable(environment::URL));
    let token = low.token.clone().or_else(|| variable(environment::TOKEN).map(Secret::new));
    // Neither said nor set: the server of this user, if one runs.
    let found = if url.is_none() { read_connect_file(Home::from_env().dir()) } else { None };
    choose(url.as_deref(), token.as_ref(), found.as_ref())
}

/// Of what was given and what was found. A token that was given is meant, also for a server that wrote down
/// another one.
fn choose(url: Option<&str>, token: Option<&Secret>, found: Option<&Secret>) -> Result<Choice, TargetError> {
    let (origin, url) = match (url, found) {
        (Some(url), _) => (Origin::Given, Some(url)),
        (None, Some(found)) => (Origin::Found, Some(found.expose())),
        (None, None) => (Origin::Default, None),
    };
    let target = Target::new(url, token)?;
    let target = match token.filter(|_| origin == Origin::Found) {
        Some(token) => target.with_query(&format!("token={}", percent_encoded(token.expose()))),
        None => target,
    };
    Ok(Choice { target, origin, token_was_found: origin == Origin::Found && token.is_none() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_wins_over_what_is_found() {
        let found = "ws://127.0.0.1:7/api/ws?token=theirs";
        for (url, token, found, want, origin, token_was_found) in [
            (None, None, Some(found), found, Origin::Found, true),
            (None, Some("m&ine"), Some(found), "ws://127.0.0.1:7/api/ws?token=m%26ine", Origin::Found, false),
            (Some("ws://h"), None, None, "ws://h/api/ws", Origin::Given, false),
            (Some("ws://h?token=a"), Some("b"), None, "ws://h/api/ws?token=a", Origin::Given, false),
            (None, Some("b"), None, "ws://127.0.0.1:9119/api/ws?token=b", Origin::Default, false),
            (None, None, None, "ws://127.0.0.1:9119/api/ws", Origin::Default, false),
        ] {
            let (token, found) = (token.map(Secret::new), found.map(Secret::new));
            let choice = choose(url, token.as_ref(), found.as_ref()).unwrap();
            assert_eq!(choice.target.url().expose(), want);
            assert_eq!((choice.origin, choice.token_was_found), (origin, token_was_found), "{want}");
        }
    }
}
