//! `/api/v1/payment/payouts`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::{AmountText, Check, Json};
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::page::{List, Page};
use chassis::params::{Path, parameter};
use chassis::problem::{FieldProblem, Fields, Problem, code};
use chassis::time::Timestamp;
use chassis::write::Write;
use host::{Ask, Host, PaymentRefusals, Waiting};
use money::{Currency, Money, PartnerId, PayoutId};
use schemas::{Body, Message, RequestPayoutV1, WireMoney};
use sealing::{Details, Fault};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::domain::{Method, Status};
use crate::store::payouts::{self, Stored};
use crate::store::sealing_keys;

chassis::refuses!(KeyMissing: code::SEALING_KEY_MISSING);

chassis::closed_list!(
    /// How money is paid out.
    pub(crate) PaymentMethod: Method::ALL.map(Method::name)
);
chassis::closed_list!(
    /// How far a payout is.
    pub(crate) PayoutStatus: Status::ALL.map(Status::name)
);

/// A request of a payout.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutBody {
    /// For operators: whose money. Partners ask for their own.
    #[schema(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// More than zero, with no more decimals than the currency has.
    amount: AmountText,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    #[schema(value_type = PaymentMethod)]
    payment_method: String,
    /// Where to: `email` for paypal; `iban`, and if you like `name` and `bic`, for `bank_transfer`. Sealed before anything is
    /// stored.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    account_details: Box<RawValue>,
}

impl Check for PayoutBody {
    fn check(&self, fields: &mut Fields) {
        if let Some(currency) = fields.take("/currency", Currency::parse(&self.currency)) {
            let amount = Money::parse_positive(self.amount.as_str(), currency);
            fields.take("/amount", amount);
        }
        match Method::parse(&self.payment_method) {
            Some(method) => drop(self.details(method, fields)),
            None => fields.refuse("/payment_method", "must be paypal or bank_transfer"),
        }
    }
}

impl PayoutBody {
    /// Where to, as it is sealed; notes what is wrong with it.
    fn details(&self, method: Method, fields: &mut Fields) -> Option<Details> {
        let given = Details::parse(self.account_details.get().as_bytes());
        let given = fields.take("/account_details", given)?;
        let faults = |faults: Vec<Fault>| {
            for fault in faults {
                fields.refuse(format!("/account_details{}", fault.pointer), fault.what);
            }
        };
        given.checked(method).map_err(faults).ok()
    }
}

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
        content = PayoutBody,
        example = json!({"amount": 150.0, "currency": "USD", "payment_method": "paypal", "account_details": {"email": "user@example.com"}})
    ),
    responses((status = 201, body = PayoutView), (status = 202, body = Waiting), Problems<(PaymentRefusals, KeyMissing)>),
    security(("bearer" = []))
)]
pub(crate) async fn request_payout(
    State(host): State<Host>,
    caller: Caller,
    context: RequestContext,
    write: Write<PayoutBody>,
) -> Result<Response, Problem> {
    let partner = match &write.body.partner_id {
        Some(partner) => partner.clone(),
        None => whose(&caller)?.clone(),
    };
    let id = write.command_id(&caller, "payment.request_payout.command.v1");
    let body = sealed(&host, &partner, &write.body).await?;
    let ask = Ask {
        id,
        key: partner.to_string(),
        subject: PayoutId::of_command(id).to_string(),
        body,
        request_hash: write.key.as_ref().map(|_| write.request_hash),
    };
    let answered = host.ask(ask, &caller, &context).await?;
    Ok(answered.created(requested))
}

fn whose(caller: &Caller) -> Result<&PartnerId, Problem> {
    caller.partner().ok_or_else(|| {
        let detail = "must say whose money: the token is no partner's";
        Problem::invalid(vec![FieldProblem::at("/partner_id", detail)])
    })
}

async fn sealed(host: &Host, partner: &PartnerId, body: &PayoutBody) -> Result<Body, Problem> {
    let invalid = |_| Problem::internal(&"a checked body is invalid");
    let details = Method::parse(&body.payment_method)
        .and_then(|method| body.details(method, &mut Fields::new()))
        .ok_or_else(|| Problem::internal(&"checked details are invalid"))?;
    let currency = Currency::parse(&body.currency).map_err(invalid)?;
    let amount = Money::parse(body.amount.as_str(), currency).map_err(invalid)?;
    let key = sealing_keys::current(host.pool(), chassis::time::now())
        .await
        .map_err(|error| host::unread(&error))?
        .ok_or_else(|| {
            let detail = "payment has no sealing key yet: try again in a moment";
            Problem::unavailable(code::SEALING_KEY_MISSING, detail, 1)
        })?;
    let sealed_details = sealing::seal(&key, partner.as_str(), &details)
        .map_err(|error| Problem::internal(&error))?;
    Ok(Body::from(RequestPayoutV1 {
        amount: WireMoney {
            minor: amount.minor,
            currency: currency.code().to_owned(),
        },
        method: body.payment_method.clone(),
        sealed_details,
        key_id: key.id,
        masked: details.masked(),
    }))
}

/// The new payout, from its event.
fn requested(event: &Message) -> Option<PayoutView> {
    let Body::PayoutRequestedV1(body) = &event.body else {
        return None;
    };
    let currency = Currency::parse(&body.amount.currency).ok()?;
    Some(PayoutView {
        id: event.header.subject.clone(),
        partner_id: event.header.key.clone(),
        amount: Money::new(body.amount.minor, currency).to_string(),
        currency: currency.to_string(),
        payment_method: body.method.clone(),
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
        .map_err(|error| host::unread(&error))?
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
) -> Result<Json<Page<PayoutView>>, Problem> {
    let partner = if caller.is_operator() {
        list.filter.partner_id.as_ref()
    } else {
        let own = caller.require_partner()?;
        let asked = list.filter.partner_id.as_ref();
        if asked.is_some_and(|asked| asked != own) {
            return Err(Problem::not_found());
        }
        Some(own)
    };
    if let Some(status) = &list.filter.status
        && Status::parse(status).is_none()
    {
        let detail = "must be requested, submitting, submitted, unknown, paid or failed";
        return Err(parameter("status", detail));
    }
    let filter = payouts::Filter {
        partner: partner.map(PartnerId::as_str),
        status: list.filter.status.as_deref(),
        below: list.page.below(),
        rows: list.page.rows(),
    };
    let rows = payouts::list(host.pool(), filter)
        .await
        .map_err(|error| host::unread(&error))?;
    Ok(Json(Page::new(
        list.page,
        rows,
        |stored| stored.position,
        view,
    )))
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
