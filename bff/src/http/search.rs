//! `/api/v1/search`: what a text names, and where it is shown.

use axum::extract::State;
use chassis::auth::{Caller, Scope};
use chassis::json::Json;
use chassis::openapi::{Forbidden, Problems};
use chassis::params::{Query, parameter};
use chassis::problem::Problem;
use runtime::{OrUnread, partners};
use serde::{Deserialize, Serialize};
use types::{CampaignId, ConversionId, LinkCode, OrderId, PartnerId, PayoutId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Bff;
use super::shown::amount;
use super::timeline;
use crate::store::payouts::PayoutRow;
use crate::store::search::{self, By, Found};
use crate::store::{Table, campaigns, links};

/// Things that are named at most.
const MAX_ITEMS: usize = 20;
/// Of one sort.
const MAX_OF_SORT: i64 = 8;
/// No id is longer.
const MAX_LENGTH: usize = 64;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(find_named))
}

/// What a text names.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchView {
    /// Twenty at most.
    items: Vec<NamedView>,
}

/// Something that is named.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NamedView {
    kind: NamedKind,
    /// Its own id; of an order or a click its number.
    #[schema(example = "order-1001")]
    id: String,
    /// For people.
    #[schema(example = "Order order-1001 of brand1, of partner123 for campaign camp100")]
    title: String,
    /// Where it is shown.
    #[schema(example = "/api/v1/explanations?order_id=order-1001")]
    path: String,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NamedKind {
    /// An order: its explanation.
    Order,
    /// A click that led to conversions: their timeline.
    Click,
    /// A conversion: its explanation.
    Conversion,
    /// What a partner claims.
    Claim,
    /// A payout.
    Payout,
    /// A partner.
    Partner,
    /// A campaign.
    Campaign,
    /// A link.
    Link,
    /// A request, by its correlation id: its timeline.
    Request,
}

/// Which text.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchFilter {
    /// The whole number of an order, or the whole id of a click, a conversion, a claim, a payout, a partner, a campaign, a link or a
    /// request (its correlation id). 64 characters at most.
    #[param(example = "order-1001")]
    q: String,
}

/// What a text names: an order, a click that led to a conversion, a conversion, a claim, a payout, a partner, a campaign, a link, or a
/// request; and the path that shows it. What is another's is not found.
#[utoipa::path(
    get, path = "/api/v1/search", tag = "reports", params(SearchFilter),
    responses((status = 200, body = SearchView), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn find_named(
    State(bff): State<Bff>,
    caller: Caller,
    Query(filter): Query<SearchFilter>,
) -> Result<Json<SearchView>, Problem> {
    let scope = caller.scope()?;
    let text = filter.q.trim();
    if text.is_empty() || text.chars().count() > MAX_LENGTH {
        return Err(parameter("q", "must be 1 to 64 characters"));
    }
    // What has not an id's form names nothing; each that has stands in a path as it is.
    if OrderId::parse(text).is_err() {
        return Ok(Json(SearchView { items: Vec::new() }));
    }
    let read = async {
        let mut items = of_conversions(&bff, scope, text).await?;
        items.extend(of_records(&bff, &caller, scope, text).await?);
        Ok::<_, sqlx::Error>(items)
    };
    let mut items = read.await.or_unread()?;
    if let (true, Ok(request)) = (items.is_empty(), text.parse::<Uuid>()) {
        // All services are asked: only of what is nothing else.
        if timeline::is_shown(&bff, &caller, request).await? {
            items.push(NamedView {
                kind: NamedKind::Request,
                id: request.to_string(),
                title: format!("Request {request}"),
                path: format!("/api/v1/timeline/{request}"),
            });
        }
    }
    items.truncate(MAX_ITEMS);
    Ok(Json(SearchView { items }))
}

async fn of_conversions(
    bff: &Bff,
    scope: Scope<'_>,
    text: &str,
) -> Result<Vec<NamedView>, sqlx::Error> {
    let mut tx = search::begin(bff.host.pool()).await?;
    let mut items = Vec::new();
    let itself = search::conversions(&mut tx, scope, By::Id, text, 1).await?;
    items.extend(itself.iter().map(conversion));
    let itself = search::claims(&mut tx, scope, By::Id, text, 1).await?;
    items.extend(itself.iter().map(claim));
    let by = By::Order;
    let mut all = search::conversions(&mut tx, scope, by, text, MAX_OF_SORT).await?;
    all.extend(search::claims(&mut tx, scope, by, text, MAX_OF_SORT).await?);
    // One that is nobody's bears no brand, and is known by the id that its brand's number gives it.
    if let (Some(brand), Ok(order)) = (scope.brand, OrderId::parse(text)) {
        let id = ConversionId::of_brand(brand, &order);
        let anybodys = Scope { all: true, ..scope };
        all.extend(search::conversions(&mut tx, anybodys, By::Id, id.as_str(), 1).await?);
    }
    for found in all {
        // Numbers of orders are each brand's own: operators say whose.
        let whose = found.brand_id.as_deref().filter(|_| scope.all);
        let whose = whose.map_or(String::new(), |brand| format!("&brand_id={brand}"));
        let path = format!("/api/v1/explanations?order_id={text}{whose}");
        if !items.iter().any(|item: &NamedView| item.path == path) {
            items.push(item(NamedKind::Order, text, "Order", &found, path));
        }
    }
    let conversions = search::conversions(&mut tx, scope, By::Click, text, MAX_OF_SORT).await?;
    let claims = search::claims(&mut tx, scope, By::Click, text, MAX_OF_SORT).await?;
    let path = format!("/api/v1/timeline?click_id={text}");
    if let Some(found) = conversions.iter().chain(&claims).next() {
        items.push(item(NamedKind::Click, text, "Click", found, path));
    }
    items.extend(conversions.iter().map(conversion));
    items.extend(claims.iter().map(claim));
    tx.commit().await?;
    Ok(items)
}

/// By the id that a row has itself.
async fn of_records(
    bff: &Bff,
    caller: &Caller,
    scope: Scope<'_>,
    text: &str,
) -> Result<Vec<NamedView>, sqlx::Error> {
    let pool = bff.host.pool();
    let mut items = Vec::new();
    let mut push = |kind, title: String, folder: &str| {
        let path = format!("/api/v1/{folder}/{text}");
        let id = text.to_owned();
        items.push(NamedView {
            kind,
            id,
            title,
            path,
        });
    };
    if let Ok(id) = PayoutId::parse(text)
        && let Some(row) = PayoutRow::find(pool, id.as_str()).await?
        && (scope.all
            || scope
                .partner
                .is_some_and(|own| own.as_str() == row.partner_id))
    {
        let amount = amount(row.amount_minor, &row.currency);
        let title = format!(
            "Payout of {amount} {} to {}, {}",
            row.currency, row.partner_id, row.status
        );
        push(NamedKind::Payout, title, "payouts");
    }
    if let Ok(id) = PartnerId::parse(text)
        && (caller.partner() == Some(&id) || partners::find(pool, scope, &id).await?.is_some())
    {
        push(NamedKind::Partner, format!("Partner {id}"), "partners");
    }
    if let Ok(id) = CampaignId::parse(text)
        && let Some(row) = campaigns::find(pool, scope, &id).await?
    {
        let title = format!("Campaign {} of {}", row.name, row.brand_id);
        push(NamedKind::Campaign, title, "campaigns");
    }
    if let Ok(code) = LinkCode::parse(text)
        && let Some(row) = links::find(pool, scope, &code).await?
    {
        let title = format!(
            "Link of {} for campaign {}",
            row.partner_id, row.campaign_id
        );
        push(NamedKind::Link, title, "links");
    }
    Ok(items)
}

fn conversion(found: &Found) -> NamedView {
    let path = format!("/api/v1/conversions/{}/explanation", found.id);
    item(NamedKind::Conversion, &found.id, "Conversion", found, path)
}

fn claim(found: &Found) -> NamedView {
    let path = format!("/api/v1/claims/{}", found.id);
    item(NamedKind::Claim, &found.id, "Claim", found, path)
}

fn item(kind: NamedKind, id: &str, what: &str, found: &Found, path: String) -> NamedView {
    let mut title = format!("{what} {id}");
    for (of, whose) in [
        (" of ", &found.brand_id),
        (", of ", &found.partner_id),
        (" for campaign ", &found.campaign_id),
    ] {
        if let Some(whose) = whose {
            title.push_str(of);
            title.push_str(whose);
        }
    }
    NamedView {
        kind,
        id: id.to_owned(),
        title,
        path,
    }
}
