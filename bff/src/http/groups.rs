//! A brand's groups: `/api/v1/groups`, `/api/v1/partners/{partner_id}/group`.

use api::lists::GroupStatus;
use api::{ChangeGroup, CreateGroup, GroupFilter, MovePartner};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, OrUnread};
use sealing::texts;
use serde::Serialize;
use types::{BrandId, GroupId, PartnerId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::moment;
use super::submit::{Answers, CommandRequest};
use crate::store::groups::{self, GroupRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(create_group, list_groups))
        .routes(routes!(get_group, change_group))
        .routes(routes!(move_partner))
}

/// Partners that a brand treats alike.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupView {
    #[schema(example = "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    id: String,
    #[schema(example = "brand1")]
    brand_id: String,
    /// What the brand calls it.
    #[schema(example = "Gold")]
    name: Option<String>,
    /// How many links a partner in it may have in the brand's campaigns; `null`: as many as it likes.
    #[schema(example = 50)]
    link_limit: Option<i32>,
    /// Whether it is for all that are in no other.
    is_default: bool,
    #[schema(value_type = GroupStatus)]
    status: String,
    created_at: Timestamp,
}

impl From<GroupRow> for GroupView {
    fn from(row: GroupRow) -> Self {
        let id = GroupId::parse(row.id.as_str()).ok();
        let name = id
            .as_ref()
            .and_then(|id| texts::open(&texts::of_groups_name(id), row.sealed_name.as_deref()?));
        let brand = BrandId::parse(row.brand_id.as_str()).ok();
        Self {
            name,
            is_default: id.is_some() && id == brand.as_ref().map(GroupId::default_of),
            id: row.id,
            brand_id: row.brand_id,
            link_limit: row.link_limit,
            status: row.status,
            created_at: moment(row.created_at),
        }
    }
}

/// Asks for a group. For brands, and for operators on their behalf.
#[utoipa::path(
    post, path = "/api/v1/groups", tag = "groups", params(Repeatable, Waits),
    request_body(content = CreateGroup, example = json!({"name": "Gold", "link_limit": 50})),
    responses(Answers<(Forbidden, NotFound, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn create_group(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<CreateGroup>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand(body.brand_id())?;
    let command = body.command(command_request.id, brand);
    bff.submit(command_request, command).await
}

/// Asks that a group changes: its name, how many links its partners may have, whether it is archived. For its brand, and for operators.
#[utoipa::path(
    patch, path = "/api/v1/groups/{id}", tag = "groups", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = ChangeGroup, example = json!({"link_limit": 100})),
    responses(Answers<(Forbidden, NotFound, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn change_group(
    State(bff): State<Bff>,
    caller: Caller,
    Path(group): Path<GroupId>,
    write: Write<ChangeGroup>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand(body.brand_id())?;
    bff.submit(command_request, body.command(group, brand))
        .await
}

/// Asks that a partner moves to a group of the brand, from the one that it is in. For the brand, and for operators.
#[utoipa::path(
    post, path = "/api/v1/partners/{partner_id}/group", tag = "groups", params(("partner_id" = String, Path), Repeatable, Waits),
    request_body(content = MovePartner, example = json!({"group_id": "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f"})),
    responses(Answers<(Forbidden, NotFound, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn move_partner(
    State(bff): State<Bff>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
    write: Write<MovePartner>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand(body.brand_id())?;
    bff.submit(command_request, body.command(partner, brand))
        .await
}

/// A brand's groups, newest first; an operator's all.
#[utoipa::path(
    get, path = "/api/v1/groups", tag = "groups", params(PageQuery, GroupFilter),
    responses((status = 200, body = Page<GroupView>), Problems<(Forbidden, NotFound)>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn list_groups(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<GroupFilter>,
) -> Result<Page<GroupView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let rows = groups::list(bff.host.pool(), brand, list.filter.status, list.page)
        .await
        .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, GroupView::from);
    Ok(page)
}

/// One group.
#[utoipa::path(
    get, path = "/api/v1/groups/{id}", tag = "groups", params(("id" = String, Path)),
    responses((status = 200, body = GroupView), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn get_group(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<GroupId>,
) -> Result<Json<GroupView>, Problem> {
    let row = groups::find(bff.host.pool(), caller.brand_scope()?, &id)
        .await
        .or_unread()?;
    Ok(Json(row.ok_or_else(Problem::not_found)?.into()))
}
