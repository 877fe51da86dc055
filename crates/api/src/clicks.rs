//! How often links were followed and each click of them, as tracking says it and the bff hands it on.

use chassis::auth::Caller;
use chassis::params::parameter;
use chassis::problem::Problem;
use chassis::time::{Day, Timestamp, now};
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, Currency, LinkCode, PartnerId};
use utoipa::{IntoParams, ToSchema};

/// Days that are counted at once.
const MAX_DAYS: i64 = 92;
/// Days that are counted where the request names none.
const DAYS: i64 = 30;
/// Days whose single clicks are looked through at once, and where the request names none.
const DAYS_OF_SINGLE: i64 = 31;

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
        days((self.from, self.to), DAYS, MAX_DAYS)
    }
}

/// The first and the last day of these, so many where none is named; 400 when there are more than `most` or none.
fn days(
    (from, to): (Option<Day>, Option<Day>),
    unnamed: i64,
    most: i64,
) -> Result<(Day, Day), Problem> {
    let last = to.unwrap_or_else(|| Day::of(now()));
    let first = from.unwrap_or(Day(last.0.saturating_sub(unnamed - 1)));
    if (0..most).contains(&last.0.saturating_sub(first.0)) {
        return Ok((first, last));
    }
    let detail = format!("must be 0 to {} days before `to`", most - 1);
    Err(parameter("from", detail))
}

/// Which single clicks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SingleClicksFilter {
    /// From this day on, in UTC; absent: the last 31 days.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-01")]
    from: Option<Day>,
    /// Up to this day; absent: today. At most 31 days are looked through.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-30")]
    to: Option<Day>,
    /// Of this partner's links: an operator names it, or `code`.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Of this link.
    #[param(value_type = Option<String>)]
    pub code: Option<LinkCode>,
    /// That had exactly this `sub1`. The same holds for `sub2` to `sub5`.
    sub1: Option<String>,
    sub2: Option<String>,
    sub3: Option<String>,
    sub4: Option<String>,
    sub5: Option<String>,
}

impl SingleClicksFilter {
    /// The first and the last day; 400 when there are too many or none.
    pub fn days(&self) -> Result<(Day, Day), Problem> {
        days((self.from, self.to), DAYS_OF_SINGLE, DAYS_OF_SINGLE)
    }

    /// Of whose links alone this caller is shown: what a partner wants to find with its clicks is its own.
    ///
    /// # Errors
    ///
    /// 403 where somebody who is no partner names none, 404 where anybody names another, 400 where an operator names neither a partner nor a
    /// link.
    pub fn partner<'a>(&'a self, caller: &'a Caller) -> Result<Option<&'a PartnerId>, Problem> {
        let partner = caller.narrowed_to_partner(self.partner_id.as_ref())?;
        if partner.is_none() && self.code.is_none() {
            let detail = "must be named, or `code`, by an operator";
            return Err(parameter("partner_id", detail));
        }
        Ok(partner)
    }

    /// What their sub ids are to be, by name.
    pub fn sub_ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let subs = [
            ("sub1", &self.sub1),
            ("sub2", &self.sub2),
            ("sub3", &self.sub3),
            ("sub4", &self.sub4),
            ("sub5", &self.sub5),
        ];
        subs.into_iter()
            .filter_map(|(name, sub)| Some((name, sub.as_deref()?)))
    }
}

/// A visit that counted, as its partner finds it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SingleClick {
    /// What the shop was given with the visitor.
    #[schema(example = "clk_0652a1f0e4b1c05f0c8e6b1d4a5b7c")]
    pub click_id: String,
    /// When.
    pub clicked_at: Timestamp,
    /// The link that was followed.
    #[schema(example = "spring-sale")]
    pub code: String,
    /// The campaign that it is for.
    pub campaign_id: String,
    /// Whose it is.
    pub partner_id: String,
    /// What its partner put into the link's query to find the click with, as `sub1`.
    #[schema(example = "newsletter")]
    pub sub1: Option<String>,
    /// The same, as `sub2`.
    pub sub2: Option<String>,
    /// The same, as `sub3`.
    pub sub3: Option<String>,
    /// The same, as `sub4`.
    pub sub4: Option<String>,
    /// The same, as `sub5`.
    pub sub5: Option<String>,
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
