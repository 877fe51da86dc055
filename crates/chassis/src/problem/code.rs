//! What can go wrong, for programs: the codes of this crate's own answers, and those that several services give.

use axum::http::StatusCode;

/// A code of a problem. What makes the problem and what documents it both take it from one constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// As it stands in a problem's `code`.
    pub name: &'static str,
    /// The HTTP status of every problem with this code.
    pub status: u16,
    /// What it means and what to do, in a sentence.
    pub meaning: &'static str,
}

impl Code {
    /// A code with its status.
    pub const fn new(status: u16, name: &'static str, meaning: &'static str) -> Self {
        Self {
            name,
            status,
            meaning,
        }
    }

    /// Its status; 500 for a number that is none.
    pub(super) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

macro_rules! codes {
    ($($name:ident = $status:literal $text:literal $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $name: Code = Code::new($status, $text, $meaning);)*
    };
}

codes! {
    INVALID_HEADER = 400 "invalid_header" "A header is malformed, or given twice.";
    INVALID_PARAMETER = 400 "invalid_parameter" "A parameter of the path or the query is not acceptable; `errors` names it.";
    MALFORMED_JSON = 400 "malformed_json" "The body is not JSON, or nested too deeply.";
    UNREADABLE_BODY = 400 "unreadable_body" "The body ended before it was complete.";
    UNAUTHORIZED = 401 "unauthorized" "There is no token, or it is not valid.";
    FORBIDDEN = 403 "forbidden" "The token's role may not do this; or a page of another origin asks where no token is needed.";
    NOT_FOUND = 404 "not_found" "It is not there, or not yours; the two are indistinguishable.";
    METHOD_NOT_ALLOWED = 405 "method_not_allowed" "The path does not take that method; `Allow` lists those that it takes.";
    BODY_TOO_SLOW = 408 "body_too_slow" "The body did not come in time.";
    BODY_TOO_LARGE = 413 "body_too_large" "The body is longer than this path takes.";
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type" "The body must be application/json, without a content coding.";
    MISDIRECTED_REQUEST = 421 "misdirected_request" "Without a token a developer's machine answers for its own names and addresses only.";
    INVALID_BODY = 422 "invalid_body" "A field is not acceptable; `errors` points at each.";
    IDEMPOTENCY_KEY_REUSED = 422 "idempotency_key_reused" "This `Idempotency-Key` was used for another request.";
    RATE_LIMITED = 429 "rate_limited" "Too many requests of this token's subject or, where none is needed, from this address; try again after `Retry-After`.";
    INTERNAL = 500 "internal" "Something failed here; the correlation id finds it in the logs.";
    DATABASE_UNAVAILABLE = 503 "database_unavailable" "The database does not answer; try again.";
    KEYS_UNAVAILABLE = 503 "keys_unavailable" "The keys that tokens are verified with cannot be fetched; try again.";
    OVERLOADED = 503 "overloaded" "Too many requests at once; try again.";
    QUEUE_FULL = 503 "queue_full" "Too many commands wait; try again soon.";
    SEALING_KEY_MISSING = 503 "sealing_key_missing" "Payment has published no key to seal payment details to; try again soon.";
    OUTCOME_UNKNOWN = 504 "outcome_unknown" "The command was not committed in time; ask for its status before repeating it.";
    REQUEST_TIMED_OUT = 504 "request_timed_out" "No answer in time; a write may still happen: repeat it with its `Idempotency-Key`.";
}
