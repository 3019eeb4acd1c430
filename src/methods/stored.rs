//! Asking the store, for every family that does: the job, and its answer or why there is none.

use super::composer::failed;
use crate::model::job::{JobResult, JobSpec};
use crate::model::store::{Asked, Inquiry, Profile, Told};
use crate::wire::error::RpcError;

/// The job that asks the database of this profile.
pub(super) fn inquire(profile: &Profile, what: Asked) -> JobSpec {
    JobSpec::Store(Box::new(Inquiry { profile: profile.clone(), what }))
}

/// What the store says; an error of this code when it cannot.
pub(super) fn told(code: i32, result: JobResult) -> Result<Told, RpcError> {
    match result {
        JobResult::Store(Ok(told)) => Ok(*told),
        JobResult::Store(Err(error)) => Err(RpcError::new(code, error.to_string())),
        other => Err(failed(code, other)),
    }
}

/// The store said something else than it was asked.
pub(super) fn unlike(code: i32, told: Told) -> RpcError {
    failed(code, JobResult::Store(Ok(Box::new(told))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::store::StoreError;
    use crate::wire::error::INTERNAL_ERROR;

    #[test]
    fn what_the_store_cannot_do_is_told_with_the_methods_code() {
        let error = |result: JobResult| told(5036, result).unwrap_err();
        let unavailable = error(JobResult::Store(Err(StoreError::Unavailable("no room".to_owned()))));
        assert_eq!(unavailable, RpcError::new(5036, "state.db unavailable: no room"));
        let failed = error(JobResult::Store(Err(StoreError::Failed("locked".to_owned()))));
        assert_eq!(failed, RpcError::new(5036, "locked"));
        assert_eq!(error(JobResult::Failed("no".to_owned())), RpcError::new(5036, "no"));
        assert_eq!(error(JobResult::ServersReloaded).code, INTERNAL_ERROR);
    }

    #[test]
    fn an_answer_is_passed_on() {
        assert_eq!(told(1, JobResult::Store(Ok(Box::new(Told::Deleted(true))))), Ok(Told::Deleted(true)));
        assert_eq!(unlike(1, Told::Deleted(true)).code, INTERNAL_ERROR);
    }
}
