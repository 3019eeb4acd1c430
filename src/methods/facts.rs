//! What a project says of itself, and how its last check went. Neither is ever an error: clients ask for
//! both on their own.

use std::path::Path;

use serde_json::{Value, json};

use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::model::facts::{Evidence, Facts, Start, Verification};
use crate::model::job::{JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("project.facts", Lane::Pool, "What a project is and how it is checked.", facts),
    Method::new("verification.status", Lane::Pool, "How the last check of a project went.", status),
];

/// The conversation of checks that were run outside of one.
const NO_SESSION: &str = "default";

fn facts(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    Ok(Reply::Job(JobSpec::Facts(start(ctx, params)?), found))
}

fn start(ctx: &Ctx<'_>, params: &Params) -> Result<Start, RpcError> {
    Ok(match params.text_or_empty("cwd")? {
        "" => Start::Workspace(ctx.gateway.cwd_candidates()),
        path => Start::At(path.into()),
    })
}

fn found(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let facts = match result {
        JobResult::Facts(facts) => facts,
        _ => None,
    };
    Ok(json!({ "facts": facts.map(|facts| project(&facts)) }))
}

fn project(facts: &Facts) -> Value {
    json!({
        "root": shown(&facts.root),
        "manifests": facts.manifests,
        "packageManagers": facts.package_managers,
        "verifyCommands": facts.verify_commands,
        "contextFiles": facts.context_files,
    })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn status(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let session = match (params.text_or_empty("session_id")?, params.text_or_empty("session_key")?) {
        ("", "") => NO_SESSION,
        ("", key) | (key, _) => key,
    };
    let start = start(ctx, params)?;
    Ok(Reply::Job(JobSpec::Verification { start, session: session.to_owned() }, checked))
}

fn checked(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let verification = match result {
        JobResult::Verification(Some(verification)) => verified(&verification),
        JobResult::Verification(None) => json!({ "status": "not_applicable", "evidence": null }),
        other => {
            if let JobResult::Failed(why) = other {
                log::warn!("no verification: {why}");
            }
            json!({ "status": "unknown", "evidence": null })
        }
    };
    Ok(json!({ "verification": verification }))
}

fn verified(verification: &Verification) -> Value {
    json!({
        "status": verification.status,
        "evidence": verification.evidence.as_ref().map(evidence),
        "root": verification.root,
        "session_id": verification.session,
        "changed_paths": verification.changed_paths,
    })
}

fn evidence(evidence: &Evidence) -> Value {
    json!({
        "id": evidence.id,
        "created_at": evidence.created_at,
        "session_id": evidence.session,
        "cwd": evidence.cwd,
        "root": evidence.root,
        "command": evidence.command,
        "canonical_command": evidence.canonical_command,
        "kind": evidence.kind,
        "scope": evidence.scope,
        "status": evidence.status,
        "exit_code": evidence.exit_code,
        "output_summary": evidence.output_summary,
    })
}
