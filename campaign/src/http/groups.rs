//! A brand's groups: `/api/v1/campaign/groups`, `/api/v1/campaign/partners/{partner_id}/group`.

use api::lists::GroupStatus;
use api::{ChangeGroup, CreateGroup, GroupFilter, MovePartner};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{CampaignRefusals, Created, Done, Host, OrUnread};
use schemas::{Body, Message};
use sealing::texts;
use serde::Serialize;
use types::{BrandId, GroupId, GroupStatus as Status, Micros, PartnerId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::groups::{self, Row};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(create_group, list_groups))
        .routes(routes!(get_group, change_group))
        .routes(routes!(move_partner))
}

/// Partners that a brand treats alike.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupView {
    #[schema(example = "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    group_id: String,
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

impl From<Row> for GroupView {
    fn from(row: Row) -> Self {
        let id = GroupId::parse(row.id.as_str()).ok();
        let name = id
            .as_ref()
            .and_then(|id| texts::open(&texts::of_groups_name(id), row.sealed_name.as_deref()?));
        let brand = BrandId::parse(row.brand_id.as_str()).ok();
        Self {
            name,
            is_default: id.is_some() && id == brand.as_ref().map(GroupId::default_of),
            group_id: row.id,
            brand_id: row.brand_id,
            link_limit: row.link_limit,
            status: row.status,
            created_at: Timestamp(Micros(row.created_at)),
        }
    }
}

/// A group, and when it became so.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupStatusView {
    #[schema(example = "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    group_id: String,
    #[schema(example = "brand1")]
    brand_id: String,
    #[schema(value_type = GroupStatus)]
    status: &'static str,
    changed_at: Timestamp,
}

impl GroupStatusView {
    fn of(first: &Message) -> Option<Self> {
        let status = match &first.body {
            Body::GroupCreatedV1(_) => Status::Active,
            Body::GroupChangedV1(it) => it.status,
            _ => return None,
        };
        Some(Self {
            group_id: first.header.subject.clone(),
            brand_id: first.header.key.clone(),
            status: status.name(),
            changed_at: Timestamp(first.header.time),
        })
    }
}

/// In which group a partner is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MovedView {
    #[schema(example = "partner123")]
    partner_id: String,
    #[schema(example = "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    group_id: String,
    moved_at: Timestamp,
}

/// Makes a group. For brands, and for operators on their behalf.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/groups",
    tag = "groups",
    params(Repeatable),
    request_body(content = CreateGroup, example = json!({"name": "Gold", "link_limit": 50})),
    responses(Created<GroupStatusView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn create_group(
    State(host): State<Host>,
    caller: Caller,
    write: Write<CreateGroup>,
) -> Result<Created<GroupStatusView>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |id, body: CreateGroup| body.command(id, brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(GroupStatusView::of))
}

/// Changes a group: its name, how many links its partners may have, whether it is archived. For its brand, and for operators.
#[utoipa::path(
    patch,
    path = "/api/v1/campaign/groups/{group_id}",
    tag = "groups",
    params(("group_id" = String, Path), Repeatable),
    request_body(content = ChangeGroup, example = json!({"link_limit": 100})),
    responses(Done<GroupStatusView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn change_group(
    State(host): State<Host>,
    caller: Caller,
    Path(group): Path<GroupId>,
    write: Write<ChangeGroup>,
) -> Result<Done<GroupStatusView>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |_, body: ChangeGroup| body.command(group, brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(GroupStatusView::of))
}

/// Moves a partner to a group of the brand, from the one that it is in. For the brand, and for operators.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/partners/{partner_id}/group",
    tag = "groups",
    params(("partner_id" = String, Path), Repeatable),
    request_body(content = MovePartner, example = json!({"group_id": "grp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f"})),
    responses(Done<MovedView>, Problems<(Forbidden, CampaignRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn move_partner(
    State(host): State<Host>,
    caller: Caller,
    Path(partner): Path<PartnerId>,
    write: Write<MovePartner>,
) -> Result<Done<MovedView>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |_, body: MovePartner| body.command(partner, brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| {
        let Body::PartnerMovedV1(moved) = &first.body else {
            return None;
        };
        Some(MovedView {
            partner_id: moved.partner_id.to_string(),
            group_id: moved.group_id.to_string(),
            moved_at: Timestamp(first.header.time),
        })
    }))
}

/// A brand's groups, newest first; an operator's all.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/groups",
    tag = "groups",
    params(PageQuery, GroupFilter),
    responses((status = 200, body = Page<GroupView>), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(super) async fn list_groups(
    State(host): State<Host>,
    caller: Caller,
    list: List<GroupFilter>,
) -> Result<Page<GroupView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let rows = groups::list(host.pool(), brand, list.filter.status, list.page)
        .await
        .or_unread()?;
    Ok(Page::new(
        list.page,
        rows,
        |row| row.number,
        GroupView::from,
    ))
}

/// One group.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/groups/{group_id}",
    tag = "groups",
    params(("group_id" = String, Path)),
    responses((status = 200, body = GroupView), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn get_group(
    State(host): State<Host>,
    caller: Caller,
    Path(group): Path<GroupId>,
) -> Result<Json<GroupView>, Problem> {
    let row = groups::find(host.pool(), caller.brand_scope()?, &group)
        .await
        .or_unread()?;
    Ok(Json(row.ok_or_else(Problem::not_found)?.into()))
}
