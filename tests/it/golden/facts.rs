//! What projects say of themselves and how they were checked, in the words of a `job` line.

use tui_gateway::model::facts::{Evidence, Facts, Verification};
use tui_gateway::model::job::JobResult;

/// A project with a manifest and a check.
pub(super) fn facts(words: &[&str]) -> JobResult {
    JobResult::Facts(match words {
        ["none"] => None,
        [root] => Some(Box::new(Facts {
            root: root.into(),
            manifests: vec!["package.json"],
            package_managers: vec!["pnpm"],
            verify_commands: vec!["pnpm run test".to_owned()],
            context_files: vec!["AGENTS.md"],
        })),
        _ => panic!("no project is so: {words:?}"),
    })
}

/// A check with this outcome, in `/w`.
pub(super) fn verification(words: &[&str]) -> JobResult {
    JobResult::Verification(match words {
        ["none"] => None,
        [status, changed @ ..] => Some(Box::new(Verification {
            root: "/w".to_owned(),
            session: "default".to_owned(),
            status: (*status).to_owned(),
            evidence: (*status != "unverified").then(evidence),
            changed_paths: changed.iter().map(|path| (*path).to_owned()).collect(),
        })),
        [] => panic!("how did it go?"),
    })
}

fn evidence() -> Evidence {
    Evidence {
        id: 7,
        created_at: "2026-07-01T12:00:00.000001+00:00".to_owned(),
        session: "default".to_owned(),
        cwd: "/w".to_owned(),
        root: "/w".to_owned(),
        command: "pnpm run test -- a".to_owned(),
        canonical_command: "pnpm run test".to_owned(),
        kind: "test".to_owned(),
        scope: "full".to_owned(),
        status: "passed".to_owned(),
        exit_code: 0,
        output_summary: "3 passed".to_owned(),
    }
}
