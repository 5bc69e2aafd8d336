//! Every error a caller can get: RFC 9457's members and Resend's beside them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use postrider::{ActError, ContentError, FieldError, StoreError, SubmitError};
use serde::Serialize;

/// Seconds after which a busy door is worth another try.
const RETRY_AFTER: u64 = 5;

/// Resend's word for it.
const TOO_MUCH: &str = "rate_limit_exceeded";

/// An error as the caller sees it. Causes inside us go to the log, not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// Ours, stable, for programs.
    pub(crate) code: &'static str,
    /// Resend's word.
    pub(crate) name: &'static str,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) retry_after: Option<u64>,
}

/// Marks an answer as a problem, so that its Content-Type can follow `Accept`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IsProblem;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    errors: Vec<Mistake<'a>>,
    name: &'static str,
    message: &'a str,
    #[serde(rename = "statusCode")]
    status_code: u16,
}

#[derive(Serialize)]
struct Mistake<'a> {
    field: &'a str,
    detail: &'a str,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        name: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, code, name, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// Mistakes in what was sent.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let missing = errors.iter().any(|e| e.problem.starts_with("is missing"));
        let name = if missing { "missing_required_field" } else { "validation_error" };
        let detail = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", name, detail) }
    }

    /// One mistake in what was sent.
    pub(crate) fn field(field: &str, problem: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: field.into(), problem: problem.into() }])
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "not_found", "there is nothing here")
    }

    pub(crate) fn no_such_email() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "not_found", "no such email")
    }

    pub(crate) fn method() -> Self {
        let detail = "this path does not take this method; see the Allow field";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "method_not_allowed", detail)
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "validation_error", detail)
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "validation_error", detail)
    }

    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { retry_after: Some(RETRY_AFTER), ..Self::new(status, "busy", "application_error", detail) }
    }

    pub(crate) fn no_key() -> Self {
        let detail = "a key is needed: send the field Authorization: Bearer pr_…, or the key as password";
        Self::new(StatusCode::UNAUTHORIZED, "missing_api_key", "missing_api_key", detail)
    }

    /// Unknown and revoked keys look alike.
    pub(crate) fn bad_key() -> Self {
        let detail = "the key is not valid; make one with `postrider key create`";
        Self::new(StatusCode::FORBIDDEN, "invalid_api_key", "invalid_api_key", detail)
    }

    pub(crate) fn bad_authorization() -> Self {
        let detail = "the field Authorization cannot be read; it must be \"Bearer pr_…\", the key behind the word Bearer, \
                      or Basic with the key as password";
        Self::new(StatusCode::FORBIDDEN, "invalid_api_key", "invalid_api_key", detail)
    }

    /// Keys are not looked at for a while, whether right or wrong.
    pub(crate) fn guessing() -> Self {
        let detail = "too many wrong keys came from this address, so this one was not looked at; make one with \
                      `postrider key create` and try again in 10 minutes";
        let code = "too_many_wrong_keys";
        Self { retry_after: Some(600), ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, TOO_MUCH, detail) }
    }

    /// The project's own flood.
    pub(crate) fn flood() -> Self {
        let detail = "this project has too many calls under way; wait for some of them to end";
        let code = "too_many_calls";
        Self { retry_after: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, TOO_MUCH, detail) }
    }

    pub(crate) fn scope(scope: &str) -> Self {
        let detail = format!("this key lacks the scope \"{scope}\"");
        Self::new(StatusCode::FORBIDDEN, "forbidden", "restricted_api_key", detail)
    }

    pub(crate) fn foreign(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "foreign_origin", "invalid_access", detail)
    }

    fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a call failed");
        let detail = "the queue cannot do this now; the cause is in the log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal_server_error", detail)
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Invalid(errors) => match errors.iter().find(|e| e.field == "idempotency_key") {
                Some(error) => Self {
                    code: "invalid_idempotency_key",
                    ..Self::new(
                        StatusCode::BAD_REQUEST,
                        "invalid_idempotency_key",
                        "invalid_idempotency_key",
                        format!("Idempotency-Key {}", error.problem),
                    )
                },
                None => Self::invalid(errors),
            },
            SubmitError::TooLarge(text) => Self::too_large(text),
            SubmitError::Forbidden(text) => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "restricted_api_key", text)
            }
            SubmitError::Loop(text) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "loop", "validation_error", text)
            }
            SubmitError::KeyReused(_) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "invalid_idempotent_request",
                "this Idempotency-Key was used for another message; take a new key for a new message",
            ),
            SubmitError::KeyInFlight => Self {
                retry_after: Some(1),
                ..Self::new(
                    StatusCode::CONFLICT,
                    "idempotency_key_in_flight",
                    "concurrent_idempotent_requests",
                    "a call with this Idempotency-Key is still under way; try again for its answer",
                )
            },
            SubmitError::Busy(text) => {
                tracing::warn!(cause = text, "mail refused for now");
                Self::busy("there is no room for mail now; try again later")
            }
            SubmitError::Store(cause) => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                retry_after: Some(RETRY_AFTER),
                ..Self::internal(&cause)
            },
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => Self::busy("the queue is closed; it stops or starts"),
            StoreError::Away(cause) => {
                tracing::warn!(cause, "the queue cannot be asked");
                Self::busy("the queue does not answer now; try again later")
            }
            StoreError::Io(cause)
            | StoreError::Owned(cause)
            | StoreError::Format(cause)
            | StoreError::Unfit(cause) => Self::internal(&cause),
        }
    }
}

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::NotFound => Self::no_such_email(),
            ContentError::Gone => Self::new(
                StatusCode::GONE,
                "body_gone",
                "not_found",
                "the message's bytes are no longer kept",
            ),
            ContentError::Corrupt(cause) => {
                tracing::error!(%cause, "a stored message is damaged");
                let detail = "the stored message is damaged";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "corrupt", "internal_server_error", detail)
            }
            ContentError::Store(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::NotFound => Self::no_such_email(),
            ActError::TooLate(text) => Self::new(StatusCode::CONFLICT, "too_late", "validation_error", text),
            ActError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status.as_u16();
        let body = Body {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status,
            detail: &self.detail,
            code: self.code,
            errors: self.errors.iter().map(|e| Mistake { field: &e.field, detail: &e.problem }).collect(),
            name: self.name,
            message: &self.detail,
            status_code: status,
        };
        let mut response = (self.status, Json(body)).into_response();
        response.extensions_mut().insert(IsProblem);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"postrider\", Basic realm=\"postrider\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[cfg(test)]
mod tests;
