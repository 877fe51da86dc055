//! `/api/v1/reports`: clicks, conversions, what they earned and what was paid out, by day, campaign, partner, link or group.

use axum::extract::State;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use chassis::auth::Caller;
use chassis::http::{Holder, to_its_end};
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems};
use chassis::page::Form as AnswerForm;
use chassis::params::{Query, parameter};
use chassis::problem::Problem;
use chassis::time::Day;
use runtime::OrUnread;
use serde::{Deserialize, Serialize};
use types::{BrandId, CampaignId, Currency, LinkCode, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use crate::reports::figures::{Figures, amount};
use crate::reports::zone::Zone;
use crate::reports::{Days, GroupBy, Grouping, Key, MAX_DAYS, Report, Wanted};

/// Days of a report where the request names none.
const DAYS: i64 = 30;
/// 1970-01-01 to 2099-12-31: beyond them nobody knows what clocks will show.
const CALENDAR: std::ops::RangeInclusive<i64> = 0..=47_481;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(get_report))
        .layer(from_fn(to_its_end))
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportView {
    /// The first day.
    from: Day,
    /// The last day, which counts too.
    to: Day,
    /// Whose days they are.
    #[schema(example = "Europe/Vienna")]
    time_zone: &'static str,
    /// What is apart.
    #[schema(example = json!(["day"]))]
    group_by: Vec<&'static str>,
    /// In the order of day, campaign, partner, link, group and currency. What has nothing to show is left out.
    items: Vec<ReportRow>,
    /// The sums of all items, by currency: amounts of two currencies are never added.
    totals: Vec<ReportRow>,
    /// Services that did not answer. Without `tracking` there are no clicks, nor what is divided by them.
    #[schema(example = json!([]))]
    missing: Vec<&'static str>,
}

/// What one of what is apart came to, in one currency. Of totals all of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportRow {
    /// In the time zone of the report; where days are apart, as with the four after it.
    day: Option<Day>,
    campaign_id: Option<String>,
    partner_id: Option<String>,
    link_code: Option<String>,
    /// The group that the partner is in now.
    group_id: Option<String>,
    /// Of the campaigns, and of every amount here; `null` where it is not known yet.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// Visits that counted, on the day of the click; `null` when they are not known now.
    clicks: Option<i64>,
    /// Conversions of partners that are leads, on the day when they were recorded.
    leads: i64,
    /// Those that are purchases.
    sales: i64,
    /// What both were worth, before refunds; decimal text with the currency's digits, as all amounts here.
    #[schema(example = "1000.00")]
    revenue: String,
    /// What went back of it since, whenever that was.
    #[schema(example = "50.00")]
    refunds: String,
    /// What is left of what they earned, whenever it was reversed, held or not.
    #[schema(example = "95.00")]
    commissions: String,
    /// What was paid out, on the day when that was heard. Only where nothing but days and partners is apart and no campaign, brand or link
    /// is named, for partners and operators. Who is a partner and a brand has it in rows of that partner alone.
    #[schema(example = "45.00")]
    payouts: Option<String>,
    /// Commissions for each click, with four digits, rounded half to even; `null` without clicks.
    #[schema(example = "0.4524")]
    epc: Option<String>,
    /// Leads and sales for each click, likewise.
    #[schema(example = "0.0476")]
    conversion_rate: Option<String>,
}

/// Of what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportFilter {
    /// What is apart: one or two of `day`, `campaign`, `partner`, `link` and, for brands and operators, `group`.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "day,campaign", default = "day")]
    group_by: GroupBy,
    /// The first day, in the time zone; absent: the 30th up to the last.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-01")]
    from: Option<Day>,
    /// The last day, which counts too; absent: today. At most 366 days.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-30")]
    to: Option<Day>,
    /// Whose days: a name of the IANA's database.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "Europe/Vienna", default = "UTC")]
    time_zone: Zone,
    /// Of this campaign.
    #[param(value_type = Option<String>)]
    campaign_id: Option<CampaignId>,
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Of this brand's campaigns.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// Of this link.
    #[param(value_type = Option<String>)]
    link_code: Option<LinkCode>,
    /// Of this currency alone.
    #[param(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
}

/// Clicks, leads, sales, what they were worth, what went back, what they earned, and what was paid out: a partner's own, those of a
/// brand's campaigns, an operator's all. By day, campaign, partner, link or group, a row for each currency; 10,000 rows at most.
///
/// A conversion counts with all that became of it on the day when it was recorded, so what a range sums up to is what its own
/// conversions came to. Clicks count on their day, payouts on theirs.
#[utoipa::path(
    get, path = "/api/v1/reports", tag = "reports", params(ReportFilter),
    responses((status = 200, body = ReportView), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn get_report(
    State(bff): State<Bff>,
    caller: Caller,
    form: AnswerForm,
    Query(filter): Query<ReportFilter>,
) -> Result<Response, Problem> {
    let scope = caller.scope()?;
    let days = days(&bff, &filter).await?;
    let wanted = Wanted {
        scope,
        by: &filter.group_by,
        days,
        campaign: filter.campaign_id.as_ref(),
        partner: filter.partner_id.as_ref(),
        brand: filter.brand_id.as_ref(),
        link: filter.link_code.as_ref(),
        currency: filter.currency,
    };
    let holders = Holder::of(&caller);
    let report = bff.reports.make(holders, wanted).await?;
    let view = view(&filter.group_by, days, &report);
    let csv = form.csv(&view.items);
    Ok(csv.unwrap_or_else(|| Json(view).into_response()))
}

/// The days that are named, or those up to today, by the time that the database decides by.
async fn days(bff: &Bff, filter: &ReportFilter) -> Result<Days, Problem> {
    let zone = filter.time_zone;
    let last = if let Some(day) = filter.to {
        day
    } else {
        let now = messaging::job::now(bff.host.pool()).await;
        zone.day_of(now.or_unread()?)
    };
    let first = filter
        .from
        .unwrap_or(Day(last.0.saturating_sub(DAYS - 1).max(*CALENDAR.start())));
    for (name, day) in [("from", first), ("to", last)] {
        if !CALENDAR.contains(&day.0) {
            return Err(parameter(
                name,
                "must be a day from 1970-01-01 to 2099-12-31",
            ));
        }
    }
    if !(0..MAX_DAYS).contains(&(last.0 - first.0)) {
        return Err(parameter("from", "must be 0 to 365 days before `to`"));
    }
    Ok(Days { first, last, zone })
}

fn view(by: &GroupBy, days: Days, report: &Report) -> ReportView {
    let total = |(currency, figures): (&Option<String>, &Figures)| {
        let key = Key {
            currency: currency.clone(),
            ..Key::default()
        };
        row(report, &key, figures)
    };
    ReportView {
        from: days.first,
        to: days.last,
        time_zone: days.zone.name(),
        group_by: by.0.iter().copied().map(Grouping::name).collect(),
        items: report
            .rows
            .iter()
            .map(|(key, figures)| row(report, key, figures))
            .collect(),
        totals: report.totals.iter().map(total).collect(),
        missing: if report.has_clicks {
            Vec::new()
        } else {
            vec![schemas::Service::Tracking.name()]
        },
    }
}

fn row(report: &Report, key: &Key, figures: &Figures) -> ReportRow {
    let currency = key.currency.as_deref().map(Currency::parse);
    let currency = currency.and_then(Result::ok);
    ReportRow {
        day: key.day,
        campaign_id: key.campaign.clone(),
        partner_id: key.partner.clone(),
        link_code: key.link.clone(),
        group_id: key.group.clone(),
        currency: key.currency.clone(),
        clicks: report.has_clicks.then_some(figures.clicks),
        leads: figures.leads,
        sales: figures.sales,
        revenue: amount(figures.revenue, currency),
        refunds: amount(figures.refunds, currency),
        commissions: amount(figures.commissions, currency),
        payouts: report
            .payouts
            .are_in(key)
            .then(|| amount(figures.payouts, currency)),
        epc: currency.and_then(|currency| figures.epc(currency)),
        conversion_rate: figures.conversion_rate(),
    }
}
