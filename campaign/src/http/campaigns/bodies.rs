//! What campaigns are made of in JSON.

use api::BudgetView;
use api::lists::JoinMode;
use chassis::time::Timestamp;
use runtime::{CampaignStatus, PauseReason};
use schemas::{Body, Message};
use serde::{Deserialize, Serialize};
use types::{BrandId, Micros};
use utoipa::{IntoParams, ToSchema};

use crate::store::campaigns::Row;

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct CampaignView {
    /// Its id.
    #[schema(example = "camp123")]
    campaign_id: String,
    /// Whose it is.
    #[schema(example = "brand1")]
    brand_id: String,
    /// What people call it.
    name: String,
    /// What it is about.
    description: Option<String>,
    /// ISO 4217 code of what its plans pay in.
    #[schema(example = "USD")]
    currency: String,
    /// Where its links may lead.
    #[schema(example = json!(["shop.example.com"]))]
    allowed_hosts: Vec<String>,
    /// Where visitors of its links go while it is paused or closed.
    #[schema(example = "https://shop.example.com/")]
    fallback_url: String,
    /// The page that partners send visitors to where they choose no other.
    landing_url: Option<String>,
    /// From when its links lead to their targets; `null`: as soon as it is active.
    starts_at: Option<Timestamp>,
    /// When it pauses by itself; `null`: never.
    ends_at: Option<Timestamp>,
    /// What it is meant to cost: a plan that is shown, and nothing is refused or paused when it is spent; `null`: none.
    budget: Option<BudgetView>,
    #[schema(value_type = JoinMode)]
    join: String,
    /// Whether the `user_id` of a redirect binds its click to that visitor.
    trusts_redirects: bool,
    #[schema(value_type = CampaignStatus)]
    status: String,
    /// Why it is paused; `null` while it is not.
    #[schema(value_type = Option<PauseReason>)]
    pause_reason: Option<String>,
    /// The version of the terms in force; `null` before the first.
    terms_version: Option<i32>,
    /// When it was made.
    created_at: Timestamp,
    /// From when partners could join.
    activated_at: Option<Timestamp>,
    /// When it ended for good.
    closed_at: Option<Timestamp>,
}

impl From<Row> for CampaignView {
    fn from(row: Row) -> Self {
        Self {
            campaign_id: row.id,
            brand_id: row.brand_id,
            name: row.name,
            description: row.description,
            budget: BudgetView::of_columns(row.budget_minor, row.budget_interval, &row.currency),
            currency: row.currency,
            fallback_url: fallback_url(row.fallback_url, &row.allowed_hosts),
            allowed_hosts: row.allowed_hosts,
            landing_url: row.landing_url,
            starts_at: row.starts_at.map(|at| Timestamp(Micros(at))),
            ends_at: row.ends_at.map(|at| Timestamp(Micros(at))),
            join: row.join_mode,
            trusts_redirects: row.trusts_redirects,
            status: row.status,
            pause_reason: row.pause_reason,
            terms_version: row.terms_in_force,
            created_at: Timestamp(Micros(row.created_at)),
            activated_at: row.activated_at.map(|at| Timestamp(Micros(at))),
            closed_at: row.closed_at.map(|at| Timestamp(Micros(at))),
        }
    }
}

impl CampaignView {
    /// The campaign that an event made.
    pub(super) fn created(first: &Message) -> Option<Self> {
        let Body::CampaignCreatedV1(new) = &first.body else {
            return None;
        };
        Some(Self {
            campaign_id: first.header.subject.clone(),
            brand_id: new.brand_id.to_string(),
            name: new.name.clone(),
            description: new.description.clone(),
            currency: new.currency.code().to_owned(),
            fallback_url: fallback_url(new.fallback_url.clone(), &new.allowed_hosts),
            allowed_hosts: new.allowed_hosts.clone(),
            landing_url: new.landing_url.clone(),
            starts_at: new.starts_at.map(Timestamp),
            ends_at: new.ends_at.map(Timestamp),
            budget: new.budget.map(BudgetView::from),
            join: new.join.unwrap_or(types::JoinMode::Open).name().to_owned(),
            trusts_redirects: new.trusts_redirects == Some(true),
            status: types::CampaignStatus::Draft.name().to_owned(),
            pause_reason: None,
            terms_version: None,
            created_at: Timestamp(first.header.time),
            activated_at: None,
            closed_at: None,
        })
    }
}

/// A campaign that is another from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ChangedView {
    /// Which.
    #[schema(example = "camp123")]
    pub(super) campaign_id: String,
    /// Since when.
    pub(super) changed_at: Timestamp,
}

/// A campaign that partners may join from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ActivationView {
    /// Which.
    #[schema(example = "camp123")]
    pub(super) campaign_id: String,
    /// `active`.
    #[schema(value_type = CampaignStatus)]
    pub(super) status: &'static str,
    /// Since when.
    pub(super) activated_at: Timestamp,
}

/// What a campaign is from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct StatusView {
    /// Which.
    #[schema(example = "camp123")]
    campaign_id: String,
    #[schema(value_type = CampaignStatus)]
    status: &'static str,
    /// Since when.
    since: Timestamp,
}

impl StatusView {
    pub(super) fn of(first: &Message) -> Option<Self> {
        let status = match &first.body {
            Body::CampaignPausedV1(_) => types::CampaignStatus::Paused,
            Body::CampaignResumedV1(_) => types::CampaignStatus::Active,
            Body::CampaignClosedV1(_) => types::CampaignStatus::Closed,
            _ => return None,
        };
        Some(Self {
            campaign_id: first.header.subject.clone(),
            status: status.name(),
            since: Timestamp(first.header.time),
        })
    }
}

/// Which campaigns a list holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct CampaignFilter {
    /// That stand so.
    #[param(value_type = Option<CampaignStatus>, inline)]
    pub(super) status: Option<types::CampaignStatus>,
    /// Of this brand only.
    #[param(value_type = Option<String>)]
    pub(super) brand_id: Option<BrandId>,
    /// That partners come into so.
    #[param(value_type = Option<JoinMode>, inline)]
    pub(super) join: Option<types::JoinMode>,
}

fn fallback_url(given: Option<String>, allowed_hosts: &[String]) -> String {
    given.unwrap_or_else(|| types::fallback_url(allowed_hosts))
}
