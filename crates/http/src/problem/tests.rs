//! Each error of the library, once, as a caller sees it.

use super::Problem;
use postrider::{ActError, ContentError, FieldError, JobId, StoreError, SubmitError};

const SECRET: &str = "/var/lib/postrider/log: disk on fire";

fn mistake(field: &str, problem: &str) -> SubmitError {
    SubmitError::Invalid(vec![FieldError { field: field.into(), problem: problem.into() }])
}

fn job() -> JobId {
    "00000000-0000-7000-8000-00000000002a".parse().expect("an id")
}

#[test]
fn each_error_has_its_status_and_word() {
    let cases: Vec<(Problem, u16, &str, &str)> = vec![
        (mistake("to", "is wrong").into(), 422, "invalid", "validation_error"),
        (mistake("to", "is missing; add it").into(), 422, "invalid", "missing_required_field"),
        (mistake("idempotency_key", "x").into(), 400, "invalid_idempotency_key", "invalid_idempotency_key"),
        (SubmitError::TooLarge("big".into()).into(), 413, "too_large", "validation_error"),
        (SubmitError::Forbidden("no".into()).into(), 403, "forbidden", "restricted_api_key"),
        (SubmitError::KeyReused(job()).into(), 422, "idempotency_key_reused", "invalid_idempotent_request"),
        (SubmitError::KeyInFlight.into(), 409, "idempotency_key_in_flight", "concurrent_idempotent_requests"),
        (SubmitError::Busy(SECRET.into()).into(), 503, "busy", "application_error"),
        (SubmitError::Store(SECRET.into()).into(), 503, "internal", "internal_server_error"),
        (StoreError::Closed.into(), 503, "busy", "application_error"),
        (StoreError::Io(SECRET.into()).into(), 500, "internal", "internal_server_error"),
        (StoreError::Away(SECRET.into()).into(), 503, "busy", "application_error"),
        (StoreError::Owned(SECRET.into()).into(), 500, "internal", "internal_server_error"),
        (StoreError::Format(SECRET.into()).into(), 500, "internal", "internal_server_error"),
        (ContentError::NotFound.into(), 404, "not_found", "not_found"),
        (ContentError::Gone.into(), 410, "body_gone", "not_found"),
        (ContentError::Corrupt(SECRET.into()).into(), 500, "corrupt", "internal_server_error"),
        (ContentError::Store(StoreError::Io(SECRET.into())).into(), 500, "internal", "internal_server_error"),
        (ActError::NotFound.into(), 404, "not_found", "not_found"),
        (ActError::TooLate("late".into()).into(), 409, "too_late", "validation_error"),
        (ActError::Store(StoreError::Io(SECRET.into())).into(), 500, "internal", "internal_server_error"),
    ];
    for (problem, status, code, name) in cases {
        let got = (problem.status.as_u16(), problem.code, problem.name);
        assert_eq!(got, (status, code, name), "{problem:?}");
        assert!(!problem.detail.contains("disk on fire"), "the cause is for the log: {problem:?}");
        assert!(!problem.detail.contains(&job().to_string()), "another's message stays unknown: {problem:?}");
        assert_eq!(problem.retry_after.is_some(), matches!(status, 503 | 409) && code != "too_late");
    }
}
