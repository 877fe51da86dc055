//! What every write needs from its request, in one extractor.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request as HttpRequest};
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::{Bucket, RequestContext};
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
    /// In which trace and on what it is asked.
    pub context: RequestContext,
    bucket: Option<Bucket>,
}

/// A body that becomes a command of one kind.
pub trait Request: Check {
    /// The command's `type`.
    const KIND: &'static str;
}

/// The body of a write that says everything by its path: absent or `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoBody {}

impl Check for NoBody {}

impl<T: Request> Write<T> {
    /// The command's id: of its kind, the caller and its key, so that a repeat is the same command; else new.
    pub fn command_id(&self, caller: &Caller) -> Uuid {
        match &self.key {
            Some(key) => caller.identity().command_id(T::KIND, &key.hash()),
            None => Uuid::now_v7(),
        }
    }

    /// Its parts, as the command that a caller asks for: the id, the body, and the request's hash where there is a key that may be
    /// repeated.
    pub fn part(self, caller: &Caller) -> (Uuid, T, Option<RequestHash>) {
        let id = self.command_id(caller);
        let request_hash = self.key.is_some().then_some(self.request_hash);
        (id, self.body, request_hash)
    }
}

impl<T> Write<T> {
    /// One that stands for many, each on its own: with a key that follows from the request's, so that a repeat of the whole
    /// repeats each. It costs its caller as many requests.
    pub fn split<U>(self, items: impl FnOnce(T) -> Vec<U>) -> Result<Vec<Write<U>>, Problem> {
        let items = items(self.body);
        if let Some(bucket) = &self.bucket {
            bucket.take_rest(items.len())?;
        }
        let items = items.into_iter().enumerate();
        Ok(items
            .map(|(place, body)| Write {
                body,
                key: self.key.as_ref().map(|key| key.of_item(place)),
                request_hash: self.request_hash.clone(),
                wait: self.wait,
                context: self.context,
                bucket: None,
            })
            .collect())
    }
}

impl<T: DeserializeOwned + Check, S: Send + Sync> FromRequest<S> for Write<T> {
    type Rejection = Problem;

    async fn from_request(request: HttpRequest, _: &S) -> Result<Self, Problem> {
        let unread = unread(request).await?;
        Ok(Self {
            body: parse(&unread.body)?,
            key: unread.key,
            request_hash: unread.request_hash,
            wait: unread.wait,
            context: unread.context,
            bucket: unread.bucket,
        })
    }
}

/// What of it does not depend on what the body says.
async fn unread(request: HttpRequest) -> Result<Write<Bytes>, Problem> {
    let hasher = request.extensions().get::<Arc<RequestHasher>>().cloned();
    let hasher = hasher.ok_or_else(|| Problem::internal(&"the shell has no request hasher"))?;
    let key = IdempotencyKey::from_headers(request.headers())?;
    let wait = prefer::wait(request.headers());
    let context = RequestContext::of(request.extensions());
    let bucket = request.extensions().get::<Bucket>().cloned();
    let method = request.method().clone();
    let uri = request.uri().clone();
    let body = bytes(request).await?;
    let request_hash = hasher.request_hash(method.as_str(), uri.path(), &body);
    Ok(Write {
        body,
        key,
        request_hash,
        wait,
        context,
        bucket,
    })
}

async fn bytes(request: HttpRequest) -> Result<Bytes, Problem> {
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
