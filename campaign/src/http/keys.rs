//! API keys: `/api/v1/campaign/keys`, `…/{key_id}`, `…/{key_id}/rotate`.

use api::lists::ApiKeyScope;
use api::{CreateApiKey, RevokeApiKey, RotateApiKey, redirects};
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, HeaderValue};
use chassis::auth::{Caller, NewApiKey};
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{ApiKeyStatus, CampaignRefusals, Created, Done, Host, OrUnread};
use schemas::{Body, Message};
use serde::{Deserialize, Serialize};
use types::{ApiKeyId, ApiKeyStatus as Status, BrandId, Micros};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::api_keys::{self, Row};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(create_api_key))
        .routes(routes!(list_api_keys))
        .routes(routes!(get_api_key))
        .routes(routes!(revoke_api_key))
        .routes(routes!(rotate_api_key))
}

/// A key that was made, or has another secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewKeyView {
    #[schema(example = "key_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    key_id: String,
    /// How it begins.
    #[schema(example = "1f0a9b3c")]
    prefix: String,
    /// The key itself, this once: it is kept nowhere. `null` in the answer to a request that repeats another, which had it.
    secret: Option<String>,
    /// With what its holder signs redirects of visitors, shown as the key is.
    signing_secret: Option<String>,
    /// Until when that of before goes on.
    previous_until: Option<Timestamp>,
}

impl NewKeyView {
    fn of(first: &Message, made: &NewApiKey) -> Self {
        let (prefix, hash, until) = match &first.body {
            Body::ApiKeyCreatedV1(it) => (it.prefix.as_str(), it.hash.as_str(), None),
            Body::ApiKeyRotatedV1(it) => (it.prefix.as_str(), it.hash.as_str(), it.previous_until),
            _ => ("", "", None),
        };
        Self {
            key_id: first.header.subject.clone(),
            prefix: prefix.to_owned(),
            signing_secret: made
                .shown_for(hash)
                .map(|_| redirects::signing_secret(hash)),
            secret: made.shown_for(hash),
            previous_until: until.map(Timestamp),
        }
    }
}

/// A key of a brand.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyView {
    #[schema(example = "key_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    key_id: String,
    /// Whose.
    #[schema(example = "brand1")]
    brand_id: String,
    /// How it begins.
    #[schema(example = "1f0a9b3c")]
    prefix: String,
    /// What it may do.
    #[schema(value_type = Vec<ApiKeyScope>)]
    scopes: Vec<String>,
    #[schema(value_type = ApiKeyStatus)]
    status: &'static str,
    /// Until when; `null`: until it is revoked.
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    /// When it was made, last had another secret, or was revoked.
    changed_at: Timestamp,
}

impl From<Row> for KeyView {
    fn from(row: Row) -> Self {
        let expires_at = row.expires_at.map(Micros);
        let now = messaging::clock::now();
        let status = Status::of(row.hash.as_deref(), expires_at, now);
        Self {
            key_id: row.id,
            brand_id: row.brand_id,
            prefix: row.prefix,
            scopes: row.scopes.split(' ').map(str::to_owned).collect(),
            status: status.name(),
            expires_at: expires_at.map(Timestamp),
            created_at: Timestamp(Micros(row.created_at)),
            changed_at: Timestamp(Micros(row.changed_at)),
        }
    }
}

/// The revocation of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevokedView {
    #[schema(example = "key_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    key_id: String,
    revoked_at: Timestamp,
}

/// An answer that nobody on its way may keep.
type Unkept<T> = ([(HeaderName, HeaderValue); 1], T);

fn unkept<T>(answer: T) -> Unkept<T> {
    let no_store = HeaderValue::from_static("no-store");
    ([(CACHE_CONTROL, no_store)], answer)
}

/// Makes an API key of a brand. The answer shows it, and nothing ever after; what is kept is its hash. For brands and operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/keys",
    tag = "keys",
    params(Repeatable),
    request_body(content = CreateApiKey, example = json!({"scopes": ["conversions.write"]})),
    responses(Created<NewKeyView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn create_api_key(
    State(host): State<Host>,
    caller: Caller,
    write: Write<CreateApiKey>,
) -> Result<Unkept<Created<NewKeyView>>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let made = NewApiKey::generate()?;
    let command = |id, body: CreateApiKey| body.command(id, brand, made.prefix(), made.hash());
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(unkept(
        submitted.answer(|first| NewKeyView::of(first, &made)),
    ))
}

/// Gives a key another secret, which the answer shows this once. That of before ends at once, or goes on for as long as is said, so
/// that a system can change from one to the other. For its brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/keys/{key_id}/rotate",
    tag = "keys",
    params(("key_id" = String, Path), Repeatable),
    request_body(content = RotateApiKey, example = json!({"overlap_seconds": 3600})),
    responses(Done<NewKeyView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn rotate_api_key(
    State(host): State<Host>,
    caller: Caller,
    Path(key): Path<ApiKeyId>,
    write: Write<RotateApiKey>,
) -> Result<Unkept<Done<NewKeyView>>, Problem> {
    let made = NewApiKey::generate()?;
    let command = |_, body: RotateApiKey| body.command(key, made.prefix(), made.hash());
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(unkept(
        submitted.answer(|first| NewKeyView::of(first, &made)),
    ))
}

/// Revokes a key, for good: within a second it opens nothing anywhere. For its brand, and for operators.
#[utoipa::path(
    delete,
    path = "/api/v1/campaign/keys/{key_id}",
    tag = "keys",
    params(("key_id" = String, Path), Repeatable),
    request_body(content = RevokeApiKey, example = json!({})),
    responses(Done<RevokedView>, Problems<CampaignRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn revoke_api_key(
    State(host): State<Host>,
    caller: Caller,
    Path(key): Path<ApiKeyId>,
    write: Write<RevokeApiKey>,
) -> Result<Done<RevokedView>, Problem> {
    let command = |_, body: RevokeApiKey| body.command(key);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| RevokedView {
        key_id: first.header.subject.clone(),
        revoked_at: Timestamp(first.header.time),
    }))
}

/// Which keys.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct KeyFilter {
    /// Of this brand, for operators.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
}

/// API keys, also revoked ones, newest first: a brand's own, for operators all. Never a secret. When one was used last shows the bff.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/keys",
    tag = "keys",
    params(PageQuery, KeyFilter),
    responses((status = 200, body = Page<KeyView>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_api_keys(
    State(host): State<Host>,
    caller: Caller,
    list: List<KeyFilter>,
) -> Result<Page<KeyView>, Problem> {
    let (own, named) = (caller.brand_scope()?, list.filter.brand_id.as_ref());
    let brand = match (own, named) {
        (Some(own), Some(named)) if own != named => {
            return Ok(Page::new(
                list.page,
                Vec::<Row>::new(),
                |row| row.position,
                KeyView::from,
            ));
        }
        (own, named) => own.or(named),
    };
    let rows = api_keys::list(host.pool(), brand, list.page)
        .await
        .or_unread()?;
    Ok(Page::new(
        list.page,
        rows,
        |row| row.position,
        KeyView::from,
    ))
}

/// An API key, without its secret.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/keys/{key_id}",
    tag = "keys",
    params(("key_id" = String, Path)),
    responses((status = 200, body = KeyView), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn get_api_key(
    State(host): State<Host>,
    caller: Caller,
    Path(key): Path<ApiKeyId>,
) -> Result<Json<KeyView>, Problem> {
    let brand = caller.brand_scope()?;
    let row = api_keys::find(host.pool(), brand, &key).await.or_unread()?;
    Ok(Json(row.ok_or_else(Problem::not_found)?.into()))
}
