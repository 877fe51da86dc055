//! `/api/v1/campaign/campaigns`: made in draft, activated when there are terms.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::{Check, Json, Text};
use chassis::openapi::Problems;
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::{FieldProblem, Fields, Problem};
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use host::{Ask, Host};
use money::{BrandId, CampaignId, Currency, Micros};
use schemas::{ActivateV1, Body, CreateV1, Message};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{invalid_parameter, unread};
use crate::domain::{HostName, Hosts, Status};
use crate::store::campaigns::{self, Narrowed, Row};

/// A campaign to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateCampaign {
    /// An id of the client's own choice: 1 to 64 characters from `A-Z a-z 0-9 _ -`. Absent: one is made.
    #[schema(value_type = Option<String>, example = "camp123")]
    campaign_id: Option<CampaignId>,
    /// Whose campaign; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// What people call it.
    name: Text<200>,
    /// ISO 4217 code of what its plans pay in.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// 1 to 50 host names, in lower case, that links may lead to.
    #[schema(example = json!(["shop.example.com"]))]
    allowed_hosts: Vec<String>,
}

impl Check for CreateCampaign {
    fn check(&self, fields: &mut Fields) {
        let wrong_one = self
            .allowed_hosts
            .iter()
            .take(Hosts::MOST)
            .enumerate()
            .filter_map(|(index, host)| Some((index, HostName::parse(host).err()?)));
        let mut all_right = true;
        for (index, invalid) in wrong_one {
            all_right = false;
            fields.refuse(format!("/allowed_hosts/{index}"), invalid.0);
        }
        if all_right && let Err((_, invalid)) = Hosts::parse(&self.allowed_hosts) {
            fields.refuse("/allowed_hosts", invalid.0);
        }
    }
}

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CampaignView {
    /// Its id.
    #[schema(example = "camp123")]
    campaign_id: String,
    /// Whose it is.
    #[schema(example = "brand1")]
    brand_id: String,
    /// What people call it.
    name: String,
    /// ISO 4217 code of what its plans pay in.
    #[schema(example = "USD")]
    currency: String,
    /// Where its links may lead.
    #[schema(example = json!(["shop.example.com"]))]
    allowed_hosts: Vec<String>,
    /// `draft` or `active`: whether partners may join.
    #[schema(example = "active")]
    status: String,
    /// The version of the terms in force; `null` before the first.
    terms_version: Option<i32>,
    /// When it was made.
    created_at: Timestamp,
    /// From when partners could join.
    activated_at: Option<Timestamp>,
}

impl From<Row> for CampaignView {
    fn from(row: Row) -> Self {
        Self {
            campaign_id: row.id,
            brand_id: row.brand_id,
            name: row.name,
            currency: row.currency,
            allowed_hosts: row.allowed_hosts,
            status: row.status,
            terms_version: row.terms_version,
            created_at: Timestamp(Micros(row.created_at)),
            activated_at: row.activated_at.map(|at| Timestamp(Micros(at))),
        }
    }
}

impl CampaignView {
    fn created(message: &Message) -> Self {
        let (brand_id, name, currency, allowed_hosts) = match &message.body {
            Body::CampaignCreatedV1(created) => {
                let created = created.clone();
                (
                    created.brand_id,
                    created.name,
                    created.currency,
                    created.allowed_hosts,
                )
            }
            _ => Default::default(),
        };
        Self {
            campaign_id: message.header.subject.clone(),
            brand_id,
            name,
            currency,
            allowed_hosts,
            status: Status::Draft.name().to_owned(),
            terms_version: None,
            created_at: Timestamp(message.header.time),
            activated_at: None,
        }
    }
}

/// A campaign that partners may join from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Activated {
    /// Which.
    #[schema(example = "camp123")]
    campaign_id: String,
    /// `active`.
    #[schema(example = "active")]
    status: &'static str,
    /// Since when.
    activated_at: Timestamp,
}

/// Which campaigns a list holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CampaignFilter {
    /// `draft` or `active`.
    status: Option<String>,
    /// Of this brand only.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
}

/// Makes a campaign, in draft. For brands, and for operators on their behalf.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns",
    request_body = CreateCampaign,
    responses(
        (status = 201, body = CampaignView),
        (status = 409, description = "campaign_exists"),
        Problems
    ),
    security(("bearer" = []))
)]
pub(super) async fn create_campaign(
    State(host): State<Host>,
    caller: Caller,
    context: RequestContext,
    write: Write<CreateCampaign>,
) -> Result<Response, Problem> {
    let id = write.command_id(&caller);
    let request_hash = write.key.is_some().then_some(write.request_hash);
    let body = write.body;
    let campaign = body
        .campaign_id
        .unwrap_or_else(|| CampaignId::of_command(id));
    let ask = Ask {
        id,
        key: campaign.to_string(),
        subject: campaign.to_string(),
        body: Body::CreateV1(CreateV1 {
            brand_id: brand_of(&caller, body.brand_id)?.into_string(),
            name: body.name.into_string(),
            currency: body.currency.code().to_owned(),
            allowed_hosts: body.allowed_hosts,
        }),
        request_hash,
    };
    let answered = host.ask(ask, &caller, &context).await?;
    Ok(answered.created(CampaignView::created))
}

/// The brand that a campaign is made for.
fn brand_of(caller: &Caller, named: Option<BrandId>) -> Result<BrandId, Problem> {
    match named {
        Some(brand) => Ok(brand),
        None if caller.is_operator() && caller.brand().is_none() => {
            let detail = "must be given: the token is not a brand's";
            Err(Problem::invalid(vec![FieldProblem::at(
                "/brand_id",
                detail,
            )]))
        }
        None => caller.require_brand().cloned(),
    }
}

/// Lets partners join a campaign.
#[utoipa::path(
    post,
    path = "/api/v1/campaign/campaigns/{campaign_id}/activate",
    params(("campaign_id" = String, Path)),
    request_body = NoBody,
    responses(
        (status = 200, body = Activated),
        (status = 409, description = "terms_not_published, already_active"),
        Problems
    ),
    security(("bearer" = []))
)]
pub(super) async fn activate_campaign(
    State(host): State<Host>,
    caller: Caller,
    context: RequestContext,
    Path(campaign): Path<CampaignId>,
    write: Write<NoBody>,
) -> Result<Response, Problem> {
    let ask = Ask {
        id: write.command_id(&caller),
        key: campaign.to_string(),
        subject: campaign.to_string(),
        body: Body::ActivateV1(ActivateV1 {}),
        request_hash: write.key.is_some().then_some(write.request_hash),
    };
    let answered = host.ask(ask, &caller, &context).await?;
    Ok(answered.ok(|first| Activated {
        campaign_id: first.header.subject.clone(),
        status: Status::Active.name(),
        activated_at: Timestamp(first.header.time),
    }))
}

/// One campaign: a brand's own, or an active one.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/campaigns/{campaign_id}",
    params(("campaign_id" = String, Path)),
    responses((status = 200, body = CampaignView), Problems),
    security(("bearer" = []))
)]
pub(super) async fn get_campaign(
    State(host): State<Host>,
    caller: Caller,
    Path(campaign): Path<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    let row = campaigns::find(host.pool(), caller.scope()?, &campaign).await;
    let row = row.map_err(unread)?.ok_or_else(Problem::not_found)?;
    Ok(Json(row.into()))
}

/// Campaigns, newest first: a brand's own, for partners the active ones.
#[utoipa::path(
    get,
    path = "/api/v1/campaign/campaigns",
    params(PageQuery, CampaignFilter),
    responses((status = 200, body = Page<CampaignView>), Problems),
    security(("bearer" = []))
)]
pub(super) async fn list_campaigns(
    State(host): State<Host>,
    caller: Caller,
    list: List<CampaignFilter>,
) -> Result<Json<Page<CampaignView>>, Problem> {
    let filter = &list.filter;
    let status = filter.status.as_deref().map(|name| {
        Status::parse(name).ok_or_else(|| invalid_parameter("status", "must be draft or active"))
    });
    let narrowed = Narrowed {
        status: status.transpose()?,
        brand: filter.brand_id.as_ref(),
    };
    let rows = campaigns::list(host.pool(), caller.scope()?, list.page, &narrowed).await;
    let rows = rows.map_err(unread)?;
    Ok(Json(Page::new(
        list.page,
        rows,
        |row| row.position,
        CampaignView::from,
    )))
}
