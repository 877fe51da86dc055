//! API keys: `/api/v1/keys`, `…/{id}`, `…/{id}/rotate`. A secret is made here, shown once and kept nowhere: commands carry its hash.

use api::lists::ApiKeyScope;
use api::{CreateApiKey, RevokeApiKey, RotateApiKey, redirects};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;
use chassis::auth::{Caller, NewApiKey, Role};
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use messaging::{clock, log};
use runtime::{ApiKeyStatus, CampaignRefusals, CommandState, OrUnread};
use schemas::{Body, Written};
use serde::{Deserialize, Serialize};
use types::{ApiKeyId, ApiKeyStatus as Status, BrandId, Micros};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Bff;
use super::shown::moment;
use super::submit::{Answers, CommandRequest, Stand};
use crate::store::api_keys::{self, ApiKeyRow};
use crate::store::commands::{self, CommandRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(create_api_key))
        .routes(routes!(list_api_keys))
        .routes(routes!(get_api_key))
        .routes(routes!(revoke_api_key))
        .routes(routes!(rotate_api_key))
}

/// A key that was asked for, or another secret for one. It opens what it may about a second after the command is `completed`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKey {
    command_id: Uuid,
    /// Finds the request and everything that it causes.
    correlation_id: Uuid,
    #[schema(value_type = CommandState)]
    status: String,
    #[schema(example = "key_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    key_id: String,
    /// How it begins.
    #[schema(example = "1f0a9b3c")]
    prefix: String,
    /// The key itself, this once: it is kept nowhere. `null` in the answer to a request that repeats another, which had it. One that is
    /// shown while the command is `pending` counts if the key has this `prefix` once that is `completed`: where the same
    /// `Idempotency-Key` was sent to campaign before, it has the secret that campaign showed.
    secret: Option<String>,
    /// With what its holder signs redirects of visitors, shown as the key is.
    signing_secret: Option<String>,
}

/// Asks for an API key of a brand. The answer shows it, and nothing ever after; what is kept is its hash.
#[utoipa::path(
    post, path = "/api/v1/keys", tag = "keys", params(Repeatable, Waits),
    request_body(content = CreateApiKey, example = json!({"scopes": ["conversions.write"]})),
    responses(
        (status = 202, body = NewKey),
        (status = 200, body = NewKey, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, NotFound, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn create_api_key(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<CreateApiKey>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand(body.brand_id())?;
    let made = NewApiKey::generate()?;
    let command = body.command(command_request.id, brand, made.prefix(), made.hash());
    bff.submit_secret(command_request, command, &made).await
}

/// Asks that a key has another secret, which the answer shows this once. That of before ends at once, or goes on for as long as is
/// said, so that a system can change from one to the other.
#[utoipa::path(
    post, path = "/api/v1/keys/{id}/rotate", tag = "keys", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = RotateApiKey, example = json!({"overlap_seconds": 3600})),
    responses(
        (status = 202, body = NewKey),
        (status = 200, body = NewKey, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, CampaignRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn rotate_api_key(
    State(bff): State<Bff>,
    caller: Caller,
    Path(key): Path<ApiKeyId>,
    write: Write<RotateApiKey>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    let made = NewApiKey::generate()?;
    let command = body.command(key, made.prefix(), made.hash());
    bff.submit_secret(command_request, command, &made).await
}

/// Asks that a key opens nothing any more, anywhere, for good.
#[utoipa::path(
    delete, path = "/api/v1/keys/{id}", tag = "keys", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = RevokeApiKey, example = json!({})),
    responses(Answers<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn revoke_api_key(
    State(bff): State<Bff>,
    caller: Caller,
    Path(key): Path<ApiKeyId>,
    write: Write<RevokeApiKey>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.require_role(&[Role::Brand])?;
    bff.submit(command_request, body.command(key)).await
}

impl Bff {
    /// Takes in a command that carries the hash of a secret, and shows the secret with its answer: unless the command in the log is
    /// that of an earlier request with the same `Idempotency-Key`, which has another, and was answered with it. Such a request may have
    /// been campaign's own.
    async fn submit_secret(
        &self,
        command_request: CommandRequest,
        command: Written,
        made: &NewApiKey,
    ) -> Result<Response, Problem> {
        let (id, key_id) = (command_request.id, command.subject.clone());
        let reported = self.submit_reported(command_request, command).await?;
        let (prefix, hash) = self.recorded(id, &key_id).await?;
        let mut response = reported.respond(|stand| {
            let (correlation_id, status) = match stand {
                Stand::Pending(accepted) => (
                    accepted.correlation_id,
                    CommandState::Pending.name().to_owned(),
                ),
                Stand::Ended(command) => (command.correlation_id, command.status),
            };
            NewKey {
                command_id: id,
                correlation_id,
                status,
                key_id,
                prefix,
                signing_secret: made
                    .shown_for(&hash)
                    .map(|_| redirects::signing_secret(&hash)),
                secret: made.shown_for(&hash),
            }
        });
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(CACHE_CONTROL, no_store);
        Ok(response)
    }

    /// Prefix and hash of the secret that a key has by a command: once that is completed what the key has, else what the log has: a refused
    /// one may have named a key of somebody else's.
    async fn recorded(&self, command: Uuid, key: &str) -> Result<(String, String), Problem> {
        let pool = self.host.pool();
        let row = commands::find(pool, command, None).await.or_unread()?;
        if row.as_ref().is_some_and(CommandRow::completed) {
            let key = ApiKeyId::parse(key).map_err(|error| Problem::internal(&error))?;
            let found = api_keys::find(pool, None, &key).await.or_unread()?;
            let (logged, _) = self.logged(row).await?;
            return Ok(found.map_or((logged, String::new()), |key| {
                (key.prefix, key.hash.unwrap_or_default())
            }));
        }
        self.logged(row).await
    }

    /// Prefix and hash of the secret that a command in the log has.
    async fn logged(&self, row: Option<CommandRow>) -> Result<(String, String), Problem> {
        let pool = self.host.pool();
        let before = row.map_or(i64::MAX, |row| row.position.saturating_sub(1));
        let rows = log::next_rows(pool, before, 1).await.or_unread()?;
        let missing = || Problem::internal(&"a command that was taken is not in the log");
        let row = rows.into_iter().next().ok_or_else(missing)?;
        let schema = self.host.schema_ids().get(pool, row.schema_id).await;
        let schema = schema.map_err(|error| runtime::unread_schema(&error))?;
        let message = schemas::decode(&schema, &row.body);
        match message.map_err(|error| Problem::internal(&error))?.body {
            Body::CreateApiKeyV1(it) => Ok((it.prefix, it.hash)),
            Body::RotateApiKeyV1(it) => Ok((it.prefix, it.hash)),
            _ => Err(missing()),
        }
    }
}

/// An API key of a brand, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    #[schema(example = "key_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    id: String,
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
    /// Until when the secret of before goes on.
    previous_until: Option<Timestamp>,
    created_at: Timestamp,
    /// When it was made, last had another secret, or was revoked.
    changed_at: Timestamp,
    /// When it was last used here, to the minute; `null`: never.
    last_used_at: Option<Timestamp>,
}

impl KeyView {
    fn of(row: ApiKeyRow, last_used_at: Option<Micros>) -> Self {
        let now = clock::now();
        let over = |until: Option<i64>| until.is_some_and(|until| until <= now.get());
        let status = Status::of(row.hash.as_deref(), row.expires_at.map(Micros), now);
        let previous_until = row.previous_until.filter(|until| !over(Some(*until)));
        Self {
            id: row.id,
            brand_id: row.brand_id,
            prefix: row.prefix,
            scopes: row.scopes.split(' ').map(str::to_owned).collect(),
            status: status.name(),
            expires_at: row.expires_at.map(moment),
            previous_until: previous_until.map(moment),
            created_at: moment(row.created_at),
            changed_at: moment(row.changed_at),
            last_used_at: last_used_at.map(Timestamp),
        }
    }
}

/// Which keys.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeyFilter {
    /// Of this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// That are so.
    #[param(inline, value_type = Option<ApiKeyStatus>)]
    status: Option<Status>,
}

/// API keys, also revoked ones, newest first: a brand's own, for operators all. Never a secret.
#[utoipa::path(
    get, path = "/api/v1/keys", tag = "keys", params(PageQuery, KeyFilter),
    responses((status = 200, body = Page<KeyView>), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn list_api_keys(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<KeyFilter>,
) -> Result<Page<KeyView>, Problem> {
    let (own, named) = (caller.brand_scope()?, list.filter.brand_id.as_ref());
    let hidden = own.is_some() && named.is_some() && own != named;
    let rows = if hidden {
        Vec::new()
    } else {
        let status = list.filter.status.map(|status| (status, clock::now()));
        api_keys::list(bff.host.pool(), own.or(named), status, list.page)
            .await
            .or_unread()?
    };
    let uses = bff.uses(&rows).await?;
    let view = |row: ApiKeyRow| {
        let noted_at = uses.get(&row.id).copied();
        KeyView::of(row, noted_at)
    };
    Ok(Page::new(list.page, rows, |row| row.position, view))
}

/// An API key, without its secret.
#[utoipa::path(
    get, path = "/api/v1/keys/{id}", tag = "keys", params(("id" = String, Path)),
    responses((status = 200, body = KeyView), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn get_api_key(
    State(bff): State<Bff>,
    caller: Caller,
    Path(key): Path<ApiKeyId>,
) -> Result<Json<KeyView>, Problem> {
    let brand = caller.brand_scope()?;
    let row = api_keys::find(bff.host.pool(), brand, &key)
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    let uses = bff.uses(std::slice::from_ref(&row)).await?;
    let noted_at = uses.get(&row.id).copied();
    Ok(Json(KeyView::of(row, noted_at)))
}

impl Bff {
    async fn uses(
        &self,
        rows: &[ApiKeyRow],
    ) -> Result<std::collections::HashMap<String, Micros>, Problem> {
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let uses = runtime::api_key_uses(self.host.pool(), &ids).await;
        uses.or_unread()
    }
}
