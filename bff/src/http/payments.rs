//! `/api/v1/payments/request`.

use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::{AmountText, Check};
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::problem::{Fields, Problem, code};
use chassis::time::now;
use chassis::write::Write;
use host::PaymentRefusals;
use money::{Currency, Money, PartnerId, PayoutId};
use schemas::{RequestPayoutV1, Topic};
use sealing::{Method, PublicKey};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Bff;
use super::ask::{Accepted, Asking, Command};
use super::commands::CommandView;
use super::destination::AccountDetails;
use crate::store::sealing_keys;

chassis::refuses!(KeyMissing: code::SEALING_KEY_MISSING);

chassis::closed_list!(
    /// How money is paid out.
    pub(crate) PaymentMethod: Method::ALL.map(Method::name)
);

/// A request of a payout.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestPayout {
    /// More than zero, with no more decimals than the currency has.
    amount: AmountText,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    #[schema(value_type = PaymentMethod)]
    payment_method: String,
    account_details: AccountDetails,
    /// For operators: whose money. Partners ask for their own.
    #[schema(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
}

impl Check for RequestPayout {
    fn check(&self, fields: &mut Fields) {
        fields.take(
            "/amount",
            Money::parse_positive(self.amount.as_str(), self.currency),
        );
        match Method::parse(&self.payment_method) {
            Some(method) => drop(self.account_details.checked(method, fields)),
            None => fields.refuse("/payment_method", "must be paypal or bank_transfer"),
        }
    }
}

/// Asks for a payout of a partner's own money.
#[utoipa::path(
    post, path = "/api/v1/payments/request", tag = "payments", params(Repeatable, Waits),
    request_body(content = RequestPayout,
        example = json!({"amount": 150.0, "currency": "USD", "payment_method": "paypal", "account_details": {"email": "user@example.com"}})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<((Forbidden, NotFound), PaymentRefusals, KeyMissing)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn request_payout(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<RequestPayout>,
) -> Result<Response, Problem> {
    let (body, asking) = Asking::part("payment.request_payout.command.v1", write, caller, context);
    let partner = asking.partner(body.partner_id.clone())?;
    let request = seal(&bff, &partner, &body).await?;
    let command = Command {
        topic: Topic::PaymentCommands,
        key: partner.into_string(),
        subject: PayoutId::of_command(asking.id).into_string(),
        body: request.into(),
    };
    bff.ask(asking, command).await
}

/// From here on only payment can read where the money goes.
async fn seal(
    bff: &Bff,
    partner: &PartnerId,
    body: &RequestPayout,
) -> Result<RequestPayoutV1, Problem> {
    let unchecked = || Problem::internal(&"a checked body is not acceptable");
    let amount = Money::parse_positive(body.amount.as_str(), body.currency);
    let amount = amount.map_err(|_| unchecked())?;
    let method = Method::parse(&body.payment_method).ok_or_else(unchecked)?;
    let details = body.account_details.checked(method, &mut Fields::new());
    let details = details.ok_or_else(unchecked)?;
    let key = newest_key(bff).await?;
    let sealed = sealing::seal(&key, partner.as_str(), &details);
    Ok(RequestPayoutV1 {
        amount: amount.into(),
        method: method.name().to_owned(),
        sealed_details: sealed.map_err(|error| Problem::internal(&error))?,
        key_id: key.id,
        masked: details.masked(),
    })
}

async fn newest_key(bff: &Bff) -> Result<PublicKey, Problem> {
    let none = || {
        let detail = "payment has published no key to seal payment details to; try again soon";
        Problem::unavailable(code::SEALING_KEY_MISSING, detail, 5)
    };
    let (id, bytes) = sealing_keys::current(bff.host.pool(), now())
        .await
        .map_err(|error| host::unread(&error))?
        .ok_or_else(none)?;
    PublicKey::new(id, &bytes).map_err(|_| none())
}
