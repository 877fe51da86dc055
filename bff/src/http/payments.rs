//! `/api/v1/payments/request`.

use api::RequestPayout;
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, NotFound, Repeatable, Waits};
use chassis::problem::{Problem, code};
use chassis::time::now;
use chassis::write::Write;
use runtime::{OrUnread, PaymentRefusals};
use sealing::PublicKey;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::submit::{Answers, CommandRequest};
use crate::store::sealing_keys;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(request_payout))
}

chassis::refuses!(KeyMissing: code::SEALING_KEY_MISSING);

/// Asks for a payout of a partner's own money.
#[utoipa::path(
    post, path = "/api/v1/payments/request", tag = "payments", params(Repeatable, Waits),
    request_body(content = RequestPayout,
        example = json!({"amount": 150.0, "currency": "USD", "payment_method": "paypal", "account_details": {"email": "user@example.com"}})),
    responses(Answers<((Forbidden, NotFound), PaymentRefusals, KeyMissing)>),
    security(("bearer" = []))
)]
pub(crate) async fn request_payout(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<RequestPayout>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let partner = command_request.partner(body.partner_id())?;
    let key = newest_key(&bff).await?;
    let command = body.command(command_request.id, partner, key)?;
    bff.submit(command_request, command).await
}

async fn newest_key(bff: &Bff) -> Result<PublicKey, Problem> {
    let none = || {
        let detail = "payment has published no key to seal payment details to; try again soon";
        Problem::unavailable(code::SEALING_KEY_MISSING, detail, 5)
    };
    let (id, bytes) = sealing_keys::current(bff.host.pool(), now())
        .await
        .or_unread()?
        .ok_or_else(none)?;
    PublicKey::new(id, &bytes).map_err(|_| none())
}
