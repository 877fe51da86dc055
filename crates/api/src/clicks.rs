//! How often links were followed, as tracking says it and the bff hands it on.

use chassis::params::parameter;
use chassis::problem::Problem;
use chassis::time::{Day, now};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, Currency, LinkCode, PartnerId};
use utoipa::{IntoParams, ToSchema};

/// Days that are counted at once.
const MAX_DAYS: i64 = 92;
/// Days that are counted where the request names none.
const DAYS: i64 = 30;

/// Which clicks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClicksFilter {
    /// From this day on, in UTC; absent: the last 30 days.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-01")]
    from: Option<Day>,
    /// Up to this day; absent: today. At most 92 days are counted.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-30")]
    to: Option<Day>,
    /// Of this link.
    #[param(value_type = Option<String>)]
    pub code: Option<LinkCode>,
    /// Of links for this campaign.
    #[param(value_type = Option<String>)]
    pub campaign_id: Option<CampaignId>,
    /// Of this partner's links.
    #[param(value_type = Option<String>)]
    pub partner_id: Option<PartnerId>,
}

impl ClicksFilter {
    /// The first and the last day; 400 when there are too many or none.
    pub fn days(&self) -> Result<(Day, Day), Problem> {
        let last = self.to.unwrap_or_else(|| Day::of(now()));
        let first = self.from.unwrap_or(Day(last.0.saturating_sub(DAYS - 1)));
        if (0..MAX_DAYS).contains(&last.0.saturating_sub(first.0)) {
            return Ok((first, last));
        }
        Err(parameter("from", "must be 0 to 91 days before `to`"))
    }
}

/// How often a link was followed on a day. Days without a click are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClicksOfDay {
    /// In UTC.
    pub day: Day,
    /// Of the link.
    #[schema(example = "spring-sale")]
    pub code: String,
    /// The campaign that it is for.
    pub campaign_id: String,
    /// Whose it is.
    pub partner_id: String,
    /// Visits that counted.
    #[schema(minimum = 1)]
    pub clicks: i64,
}

/// Where tracking answers a [`ClicksQuestion`], to the bff alone.
pub const COUNTED_CLICKS: &str = "/internal/v1/clicks";

/// What the bff asks tracking for a report: how many clicks there were between moments, by currency and what else is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a column, apart or not"
)]
pub struct ClicksQuestion {
    /// Microseconds, none before the one before it. Each begins a span that ends before the next one; two at least.
    pub boundaries: Vec<i64>,
    /// Of all links: else of this partner's or of this brand's campaigns.
    pub all: bool,
    /// The partner who asks.
    pub own_partner: Option<PartnerId>,
    /// The brand that asks.
    pub own_brand: Option<BrandId>,
    /// Of links for this campaign only.
    pub campaign_id: Option<CampaignId>,
    /// Of this partner's links only.
    pub partner_id: Option<PartnerId>,
    /// Of links for campaigns of this brand only.
    pub brand_id: Option<BrandId>,
    /// Of this link only.
    pub code: Option<LinkCode>,
    /// Of links for campaigns of this currency only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Each campaign's apart.
    pub by_campaign: bool,
    /// Each partner's apart.
    pub by_partner: bool,
    /// Each brand's apart.
    pub by_brand: bool,
    /// Each link's apart.
    pub by_link: bool,
    /// So many rows, and one more where there are more.
    pub limit: u32,
}

/// How many clicks there were in a span, for campaigns of a currency; of one campaign, partner, brand or link where those are apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedClicks {
    /// Which span, from 0.
    pub span: i32,
    /// Of the campaigns.
    pub currency: Option<String>,
    /// The campaign of the links.
    pub campaign_id: Option<String>,
    /// Whose links they were.
    pub partner_id: Option<String>,
    /// Whose campaign it was.
    pub brand_id: Option<String>,
    /// Which link it was.
    pub code: Option<String>,
    /// How many.
    pub clicks: i64,
}
