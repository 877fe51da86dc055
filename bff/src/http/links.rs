//! `/api/v1/links`.

use api::CreateLink;
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::TrackingRefusals;
use serde::{Deserialize, Serialize};
use types::{CampaignId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::commands::CommandView;
use super::shown::moment;
use super::submit::{Accepted, CommandRequest};
use crate::store::links::{self, LinkRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(create_link, list_links))
}

/// Makes a link.
#[utoipa::path(
    post, path = "/api/v1/links", tag = "tracking", params(Repeatable, Waits),
    request_body(content = CreateLink,
        example = json!({"campaign_id": "camp123", "target_url": "https://shop.example.com/shoes", "code": "spring-sale"})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, NotFound, TrackingRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn create_link(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<CreateLink>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller, context);
    let partner = command_request.partner(body.partner_id())?;
    let command = body.command(command_request.id, partner);
    bff.submit(command_request, command).await
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkView {
    #[schema(example = "spring-sale")]
    code: String,
    campaign_id: String,
    partner_id: String,
    /// Where it leads.
    target_url: String,
    /// Where visitors follow it, at tracking.
    #[schema(example = "/c/spring-sale")]
    path: String,
    created_at: Timestamp,
}

impl From<LinkRow> for LinkView {
    fn from(row: LinkRow) -> Self {
        Self {
            path: format!("/c/{}", row.id),
            code: row.id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            target_url: row.target_url,
            created_at: moment(row.created_at),
        }
    }
}

/// Which links.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinkFilter {
    /// Of this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
}

/// Links, newest first: a partner's own, those of a brand's campaigns, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/links", tag = "tracking", params(PageQuery, LinkFilter),
    responses((status = 200, body = Page<LinkView>), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn list_links(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<LinkFilter>,
) -> Result<Page<LinkView>, Problem> {
    let filter = &list.filter;
    let (campaign, partner) = (filter.campaign_id.as_ref(), filter.partner_id.as_ref());
    let scope = caller.scope()?;
    let rows = links::list(bff.host.pool(), scope, campaign, partner, list.page)
        .await
        .map_err(|error| runtime::unread(&error))?;
    let page = Page::new(list.page, rows, |row| row.position, LinkView::from);
    Ok(page)
}
