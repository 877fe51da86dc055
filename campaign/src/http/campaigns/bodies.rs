//! What campaigns are made of in JSON.

use chassis::json::{Check, Text};
use chassis::problem::Fields;
use chassis::time::Timestamp;
use money::{BrandId, CampaignId, Currency, Micros};
use schemas::Message;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::{Event, HostName, Hosts, Status};
use crate::messages;
use crate::store::campaigns::Row;

/// A campaign to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CreateCampaign {
    /// An id of the client's own choice: 1 to 64 characters from `A-Z a-z 0-9 _ -`. Absent: one is made.
    #[schema(value_type = Option<String>, example = "camp123")]
    pub(super) campaign_id: Option<CampaignId>,
    /// Whose campaign; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    pub(super) brand_id: Option<BrandId>,
    /// What people call it.
    pub(super) name: Text<200>,
    /// ISO 4217 code of what its plans pay in.
    #[schema(value_type = String, example = "USD")]
    pub(super) currency: Currency,
    /// 1 to 50 host names, in lower case, that links may lead to.
    #[schema(example = json!(["shop.example.com"]))]
    pub(super) allowed_hosts: Vec<String>,
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
        if all_right && let Err((index, invalid)) = Hosts::parse_new(&self.allowed_hosts) {
            let which = index.map_or_else(String::new, |index| format!("/{index}"));
            fields.refuse(format!("/allowed_hosts{which}"), invalid.0);
        }
    }
}

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
        let Some(Event::CampaignCreated(new)) = messages::own_event(first) else {
            return None;
        };
        Some(Self {
            campaign_id: new.campaign.into_string(),
            brand_id: new.brand.into_string(),
            name: new.name.as_str().to_owned(),
            currency: new.currency.code().to_owned(),
            allowed_hosts: new.allowed_hosts.to_strings(),
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
