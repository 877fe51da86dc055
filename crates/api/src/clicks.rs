//! How often links were followed, as tracking says it and the bff hands it on.

use chassis::params::parameter;
use chassis::problem::Problem;
use chassis::time::{Day, now};
use serde::{Deserialize, Serialize};
use types::{CampaignId, LinkCode, PartnerId};
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
