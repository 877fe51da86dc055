//! What every write needs from its request, in one extractor.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::idempotency::{IdempotencyKey, RequestHash, RequestHasher};
use crate::json::{Check, body_bytes, parse};
use crate::prefer;
use crate::problem::Problem;

/// A write: its checked JSON body and what makes it repeatable. Needs the shell's hasher.
#[derive(Debug, Clone)]
pub struct Write<T> {
    /// The body, as [`crate::json::Json`] takes it. No body at all is an empty object.
    pub body: T,
    /// The client's `Idempotency-Key`.
    pub key: Option<IdempotencyKey>,
    /// Finds whether a repeated key comes with the same request.
    pub request_hash: RequestHash,
    /// `Prefer: wait=n`.
    pub wait: Option<Duration>,
}

/// The body of a write that says everything by its path: absent or `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoBody {}

impl Check for NoBody {}

impl<T> Write<T> {
    /// The command's id: of its kind, the caller and its key, so that a repeat is the same command; else new.
    pub fn command_id(&self, caller: &Caller, kind: &str) -> Uuid {
        match &self.key {
            Some(key) => caller.identity().command_id(kind, &key.hash()),
            None => Uuid::now_v7(),
        }
    }

    /// Its parts, as the command of this kind that a caller asks for: the id, the body, and the request's hash where there is
    /// a key that may be repeated.
    pub fn part(self, caller: &Caller, kind: &str) -> (Uuid, T, Option<RequestHash>) {
        let id = self.command_id(caller, kind);
        let request_hash = self.key.is_some().then_some(self.request_hash);
        (id, self.body, request_hash)
    }

    /// One that stands for many, each on its own: with a key that follows from the request's, so that a repeat of the whole
    /// repeats each.
    pub fn split<U>(self, items: impl FnOnce(T) -> Vec<U>) -> Vec<Write<U>> {
        let items = items(self.body).into_iter().enumerate();
        items
            .map(|(place, body)| Write {
                body,
                key: self.key.as_ref().map(|key| key.of_item(place)),
                request_hash: self.request_hash.clone(),
                wait: self.wait,
            })
            .collect()
    }
}

impl<T: DeserializeOwned + Check, S: Send + Sync> FromRequest<S> for Write<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let unread = unread(request).await?;
        Ok(Self {
            body: parse(&unread.body)?,
            key: unread.key,
            request_hash: unread.request_hash,
            wait: unread.wait,
        })
    }
}

/// What of it does not depend on what the body says.
async fn unread(request: Request) -> Result<Write<Bytes>, Problem> {
    let hasher = request.extensions().get::<Arc<RequestHasher>>().cloned();
    let hasher = hasher.ok_or_else(|| Problem::internal(&"the shell has no request hasher"))?;
    let key = IdempotencyKey::from_headers(request.headers())?;
    let wait = prefer::wait(request.headers());
    let method = request.method().clone();
    let uri = request.uri().clone();
    let body = bytes(request).await?;
    let request_hash = hasher.request_hash(method.as_str(), uri.path(), &body);
    Ok(Write {
        body,
        key,
        request_hash,
        wait,
    })
}

async fn bytes(request: Request) -> Result<Bytes, Problem> {
    let headers = request.headers();
    let length = headers
        .get("content-length")
        .map(axum::http::HeaderValue::as_bytes);
    let empty = matches!(length, None | Some(b"0")) && !headers.contains_key("transfer-encoding");
    if empty && !headers.contains_key(CONTENT_TYPE) {
        return Ok(Bytes::from_static(b"{}"));
    }
    let bytes = body_bytes(request).await?;
    Ok(if bytes.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        bytes
    })
}
