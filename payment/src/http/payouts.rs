//! `/api/v1/payment/payouts`.

use api::lists::PayoutStatus;
use api::{PaymentMethod, RequestPayout};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::page::{List, Page};
use chassis::params::{Path, parameter};
use chassis::problem::{Problem, code};
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{Created, Host, OrUnread, PaymentRefusals, Submit};
use schemas::{Body, Message};
use sealing::PublicKey;
use serde::{Deserialize, Serialize};
use types::{PartnerId, PayoutId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::Status;
use crate::store::payouts::{self, Stored};
use crate::store::sealing_keys;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(request_payout, list_payouts))
        .routes(routes!(get_payout))
}

chassis::refuses!(KeyMissing: code::SEALING_KEY_MISSING);

/// A payout as it is shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct PayoutView {
    id: String,
    partner_id: String,
    /// Decimal text with the currency's digits.
    #[schema(example = "150.00")]
    amount: String,
    #[schema(example = "USD")]
    currency: String,
    #[schema(value_type = PaymentMethod)]
    payment_method: String,
    /// Where to, masked.
    destination: String,
    #[schema(value_type = PayoutStatus)]
    status: String,
    /// The provider's own reference.
    provider_ref: Option<String>,
    /// Why it failed or is unknown.
    reason: Option<String>,
    requested_at: Timestamp,
    updated_at: Timestamp,
}

/// Which payouts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PayoutFilter {
    /// For operators: of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Only those in this status.
    #[param(value_type = Option<PayoutStatus>, inline)]
    status: Option<String>,
}

/// Asks for a payout of a partner's own money. Refused with `insufficient_balance` or `currency_mismatch` (422).
#[utoipa::path(
    post,
    path = "/api/v1/payment/payouts",
    tag = "payouts",
    params(Repeatable),
    request_body(
        content = RequestPayout,
        example = json!({"amount": 150.0, "currency": "USD", "payment_method": "paypal", "account_details": {"email": "user@example.com"}})
    ),
    responses(Created<PayoutView>, Problems<(PaymentRefusals, KeyMissing)>),
    security(("bearer" = []))
)]
pub(crate) async fn request_payout(
    State(host): State<Host>,
    caller: Caller,
    write: Write<RequestPayout>,
) -> Result<Created<PayoutView>, Problem> {
    let partner = caller.partner_or_own(write.body.partner_id())?;
    let context = write.context;
    let (id, body, request_hash) = write.part(&caller);
    let key = current_key(&host).await?;
    let command = Submit::of(id, body.command(id, partner, key)?, request_hash);
    let submitted = host.submit(command, &caller, &context).await?;
    Ok(submitted.answer(requested))
}

async fn current_key(host: &Host) -> Result<PublicKey, Problem> {
    sealing_keys::current(host.pool(), chassis::time::now())
        .await
        .or_unread()?
        .ok_or_else(|| {
            let detail = "payment has no sealing key yet: try again in a moment";
            Problem::unavailable(code::SEALING_KEY_MISSING, detail, 1)
        })
}

/// The new payout, from its event.
fn requested(event: &Message) -> Option<PayoutView> {
    let Body::PayoutRequestedV1(body) = &event.body else {
        return None;
    };
    Some(PayoutView {
        id: event.header.subject.clone(),
        partner_id: event.header.key.clone(),
        amount: body.amount.to_string(),
        currency: body.amount.currency.to_string(),
        payment_method: body.method.name().to_owned(),
        destination: body.masked.clone(),
        status: Status::Requested.name().to_owned(),
        provider_ref: None,
        reason: None,
        requested_at: Timestamp(event.header.time),
        updated_at: Timestamp(event.header.time),
    })
}

/// One payout.
#[utoipa::path(
    get,
    path = "/api/v1/payment/payouts/{id}",
    tag = "payouts",
    params(("id" = String, Path)),
    responses((status = 200, body = PayoutView), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn get_payout(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<PayoutId>,
) -> Result<Json<PayoutView>, Problem> {
    let stored = payouts::find(host.pool(), id.as_str())
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    caller.require_owner(Some(&stored.payout.partner), None)?;
    Ok(Json(view(stored)))
}

/// Payouts, newest first: a partner's own, an operator's all.
#[utoipa::path(
    get,
    path = "/api/v1/payment/payouts",
    tag = "payouts",
    params(chassis::page::PageQuery, PayoutFilter),
    responses((status = 200, body = Page<PayoutView>), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(crate) async fn list_payouts(
    State(host): State<Host>,
    caller: Caller,
    list: List<PayoutFilter>,
) -> Result<Page<PayoutView>, Problem> {
    let partner = if caller.is_operator() {
        list.filter.partner_id.as_ref()
    } else {
        let own = caller.require_partner()?;
        let named = list.filter.partner_id.as_ref();
        if named.is_some_and(|named| named != own) {
            return Err(Problem::not_found());
        }
        Some(own)
    };
    let named = list.filter.status.as_deref();
    let status = named.and_then(Status::parse);
    if named.is_some() && status.is_none() {
        let detail = "must be requested, submitting, submitted, unknown, paid or failed";
        return Err(parameter("status", detail));
    }
    let rows = payouts::list(host.pool(), partner, status, list.page)
        .await
        .or_unread()?;
    Ok(Page::new(list.page, rows, |stored| stored.position, view))
}

fn view(stored: Stored) -> PayoutView {
    let payout = stored.payout;
    PayoutView {
        id: payout.id.into_string(),
        partner_id: payout.partner.into_string(),
        amount: payout.amount.to_string(),
        currency: payout.amount.currency.to_string(),
        payment_method: payout.method.name().to_owned(),
        destination: payout.masked,
        status: payout.status.name().to_owned(),
        provider_ref: payout.provider_ref,
        reason: payout.reason,
        requested_at: Timestamp(payout.requested_at),
        updated_at: Timestamp(payout.updated_at),
    }
}
