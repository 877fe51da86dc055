//! What campaigns are made of in JSON.

use chassis::time::Timestamp;
use schemas::{Body, Message};
use serde::{Deserialize, Serialize};
use types::{BrandId, Micros};
use utoipa::{IntoParams, ToSchema};

use crate::domain::Status;
use crate::store::campaigns::Row;

chassis::closed_list!(
    /// Whether partners may join: `active`, or not yet.
    pub(in crate::http) CampaignStatus: Status::ALL.map(Status::name)
);

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
    /// ISO 4217 code of what its plans pay in.
    #[schema(example = "USD")]
    currency: String,
    /// Where its links may lead.
    #[schema(example = json!(["shop.example.com"]))]
    allowed_hosts: Vec<String>,
    #[schema(value_type = CampaignStatus)]
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
    /// The campaign that an event made.
    pub(super) fn created(first: &Message) -> Option<Self> {
        let Body::CampaignCreatedV1(new) = &first.body else {
            return None;
        };
        Some(Self {
            campaign_id: first.header.subject.clone(),
            brand_id: new.brand_id.to_string(),
            name: new.name.clone(),
            currency: new.currency.code().to_owned(),
            allowed_hosts: new.allowed_hosts.clone(),
            status: Status::Draft.name().to_owned(),
            terms_version: None,
            created_at: Timestamp(first.header.time),
            activated_at: None,
        })
    }
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

/// Which campaigns a list holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct CampaignFilter {
    /// That stand so.
    #[param(value_type = Option<CampaignStatus>, inline)]
    pub(super) status: Option<String>,
    /// Of this brand only.
    #[param(value_type = Option<String>)]
    pub(super) brand_id: Option<BrandId>,
}
