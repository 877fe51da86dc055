//! `/api/v1/me`: who a token speaks for, so that a front end knows what to offer and need not read tokens itself.

use api::lists::ApiKeyScope;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::Problems;
use chassis::problem::Problem;
use serde::Serialize;
use types::clock::Offset;
use types::{BrandId, PartnerId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;

/// Its route.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(get_me))
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeView {
    #[schema(example = "partner123")]
    subject: String,
    /// Of `partner`, `brand` and `operator` those that the token has.
    #[schema(example = json!(["partner"]))]
    roles: Vec<String>,
    /// The partner it acts for, in that role.
    #[schema(value_type = Option<String>, example = "partner123")]
    partner_id: Option<PartnerId>,
    /// The brand it acts for, in that role.
    #[schema(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// For display only.
    email: Option<String>,
    /// What it may do of what its roles may, when it is an API key; `null`: all of it.
    #[schema(value_type = Option<Vec<ApiKeyScope>>)]
    scopes: Option<Vec<types::ApiKeyScope>>,
    /// How far the time by which services decide is from real time, where the test clock of a developer's machine was moved.
    #[schema(example = "+14 days")]
    test_clock: Option<String>,
}

/// Who the token speaks for, as it was understood here.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "commands",
    responses((status = 200, body = MeView), Problems), security(("bearer" = []), ("api_key" = []))
)]
#[allow(clippy::unused_async, reason = "a handler")]
pub(crate) async fn get_me(caller: Caller) -> Result<Json<MeView>, Problem> {
    let offset = types::clock::offset();
    Ok(Json(MeView {
        test_clock: (offset != Offset::default()).then(|| offset.to_string()),
        roles: caller.role_names(),
        partner_id: caller.partner().cloned(),
        brand_id: caller.brand().cloned(),
        subject: caller.subject,
        email: caller.email,
        scopes: caller.scopes,
    }))
}
