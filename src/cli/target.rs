//! Which gateway a command talks to: what was said, else the environment, else this user's running server.

use super::environment;
use super::flags::LowArgs;
use crate::base::secret::Secret;
use crate::config::Home;
use crate::server::read_connect_file;
use crate::transport::target::{Target, TargetError};

/// The gateway that `--url` and `--token`, or what stands for them, name.
pub(super) fn target(low: &LowArgs) -> Result<Target, TargetError> {
    find(low).map(|(target, _)| target)
}

/// The same, and whether it was found: then its token was not given by the person, who may not know it.
pub(super) fn find(low: &LowArgs) -> Result<(Target, bool), TargetError> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let url = low.url.clone().or_else(|| variable(environment::URL));
    let token = low.token.clone().or_else(|| variable(environment::TOKEN).map(Secret::new));
    // Neither said nor set: the server of this user, if one runs.
    let found =
        if url.is_none() && token.is_none() { read_connect_file(Home::from_env().dir()) } else { None };
    let was_found = found.is_some();
    let url = url.or_else(|| found.map(|url| url.expose().to_owned()));
    Ok((Target::new(url.as_deref(), token.as_ref())?, was_found))
}
