//! Deposits, withdrawals, transfers between a brand's accounts, and when a brand pays.

use api::{
    AnnounceDeposit, BankTransferColumns, BillingFilter, BillingView, DepositFilter, DepositView,
    SetBilling, SetFundsWarning, SettleDeposit, SettleWithdrawal, TransferFunds, Withdraw,
    WithdrawalFilter, WithdrawalView,
};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::{OrUnread, PaymentRefusals};
use types::{
    BankFailure, BankReference, Billing, BrandId, Currency, DepositId, DepositStatus, Money,
    WithdrawalId, WithdrawalStatus,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::moment;
use super::submit::{Answers, CommandRequest};
use crate::store::funds::{self, BankTransferRow, BillingListed};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(announce_deposit, list_deposits))
        .routes(routes!(get_deposit))
        .routes(routes!(settle_deposit))
        .routes(routes!(withdraw, list_withdrawals))
        .routes(routes!(get_withdrawal))
        .routes(routes!(settle_withdrawal))
        .routes(routes!(transfer_funds))
        .routes(routes!(set_billing, list_billing))
        .routes(routes!(set_funds_warning))
}

/// Asks to note that money of a brand is on its way. It is in clearing until an operator says what the bank says.
#[utoipa::path(
    post, path = "/api/v1/deposits", tag = "funds", params(Repeatable, Waits),
    request_body(content = AnnounceDeposit, example = json!({"amount": "500.00", "currency": "USD", "reference": "INV-2026-11"})),
    responses(Answers<(Forbidden, NotFound, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn announce_deposit(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<AnnounceDeposit>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand(body.brand_id())?;
    let command = body.command(command_request.id, brand);
    bff.submit(command_request, command).await
}

/// Asks to take money out of an account of a brand. Refused with `insufficient_funds` beyond what is there; from the funds
/// nothing is taken out that waits for them.
#[utoipa::path(
    post, path = "/api/v1/withdrawals", tag = "funds", params(Repeatable, Waits),
    request_body(content = Withdraw, example = json!({"amount": "200.00", "currency": "USD"})),
    responses(Answers<(Forbidden, NotFound, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn withdraw(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<Withdraw>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand(body.brand_id())?;
    let command = body.command(command_request.id, brand);
    bff.submit(command_request, command).await
}

/// Says what the bank says of a deposit. For operators.
#[utoipa::path(
    post, path = "/api/v1/deposits/{id}/settle", tag = "funds", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = SettleDeposit, example = json!({"status": "cleared"})),
    responses(Answers<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn settle_deposit(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<DepositId>,
    write: Write<SettleDeposit>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.caller.require_operator()?;
    let command = body.command(id);
    bff.submit(command_request, command).await
}

/// Says what the bank says of a withdrawal. For operators.
#[utoipa::path(
    post, path = "/api/v1/withdrawals/{id}/settle", tag = "funds", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = SettleWithdrawal, example = json!({"status": "settled"})),
    responses(Answers<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn settle_withdrawal(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<WithdrawalId>,
    write: Write<SettleWithdrawal>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.caller.require_operator()?;
    let command = body.command(id);
    bff.submit(command_request, command).await
}

/// Asks to move money from one account of a brand to another. Refused with `insufficient_funds` beyond what is there.
#[utoipa::path(
    post, path = "/api/v1/transfers", tag = "funds", params(Repeatable, Waits),
    request_body(content = TransferFunds, example = json!({"amount": "100.00", "currency": "USD", "to_account": "reserve"})),
    responses(Answers<(Forbidden, NotFound, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn transfer_funds(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<TransferFunds>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand(body.brand_id())?;
    let command = body.command(command_request.id, brand);
    bff.submit(command_request, command).await
}

/// Says when a brand pays for what its partners earn: before, or after, up to a limit. A brand of which nothing was said pays
/// after, without a limit; one that pays before or has a limit in any currency pays before in those of which nothing was said. For operators.
#[utoipa::path(
    post, path = "/api/v1/billing", tag = "funds", params(Repeatable, Waits),
    request_body(content = SetBilling, example = json!({"brand_id": "brand1", "currency": "USD", "billing": "prepaid"})),
    responses(Answers<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn set_billing(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<SetBilling>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    command_request.caller.require_operator()?;
    let command = body.command();
    bff.submit(command_request, command).await
}

/// Asks to set below which amount of what its funds still cover a brand is warned, once each time that they fall below it: by
/// `funds.low.v1`, and by mail. What they cover is what is there, less what waits for it, down to zero or to the credit limit;
/// without a limit nothing runs out, and the warning counts from the first limit on.
#[utoipa::path(
    put, path = "/api/v1/funds/warning", tag = "funds", params(Repeatable, Waits),
    request_body(content = SetFundsWarning, example = json!({"currency": "USD", "amount": "500.00"})),
    responses(Answers<(Forbidden, NotFound, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn set_funds_warning(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<SetFundsWarning>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand(body.brand_id())?;
    let command = body.command(brand);
    bff.submit(command_request, command).await
}

/// When brands pay, and below which amount they are warned, of those of which either was set or for whose funds something waits: a brand's own, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/billing", tag = "funds", params(PageQuery, BillingFilter),
    responses((status = 200, body = Page<BillingView>), Problems<(Forbidden, NotFound)>), security(("bearer" = []))
)]
pub(crate) async fn list_billing(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<BillingFilter>,
) -> Result<Page<BillingView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let rows = funds::billing(bff.host.pool(), brand.map(BrandId::as_str), list.page)
        .await
        .or_unread()?;
    let rows: Vec<(i64, BillingView)> = rows.into_iter().filter_map(billing_view).collect();
    Ok(Page::new(
        list.page,
        rows,
        |(position, _)| *position,
        |(_, view)| view,
    ))
}

fn billing_view(listed: BillingListed) -> Option<(i64, BillingView)> {
    let row = listed.row;
    let currency = Currency::parse(&row.currency).ok()?;
    let billing = match row.billing {
        Some(stated) => Billing::parse(&stated)?,
        None => Billing::where_not_stated(listed.is_limited),
    };
    let terms = (billing, row.credit_limit);
    let amounts = (listed.funds, listed.unfunded);
    Some((
        row.position,
        BillingView::of(row.brand_id, currency, terms, amounts, row.funds_warning),
    ))
}

/// Deposits, newest first: a brand's own, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/deposits", tag = "funds", params(PageQuery, DepositFilter),
    responses((status = 200, body = Page<DepositView>), Problems<(Forbidden, NotFound)>), security(("bearer" = []))
)]
pub(crate) async fn list_deposits(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<DepositFilter>,
) -> Result<Page<DepositView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let status = list.filter.status.map(DepositStatus::name);
    page(&bff, "deposit", brand, status, list.page).await
}

/// Withdrawals, newest first: a brand's own, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/withdrawals", tag = "funds", params(PageQuery, WithdrawalFilter),
    responses((status = 200, body = Page<WithdrawalView>), Problems<(Forbidden, NotFound)>), security(("bearer" = []))
)]
pub(crate) async fn list_withdrawals(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<WithdrawalFilter>,
) -> Result<Page<WithdrawalView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let status = list.filter.status.map(WithdrawalStatus::name);
    page(&bff, "withdrawal", brand, status, list.page).await
}

async fn page<V: From<BankTransferColumns>>(
    bff: &Bff,
    way: &'static str,
    brand: Option<&BrandId>,
    status: Option<&str>,
    page: PageQuery,
) -> Result<Page<V>, Problem> {
    let brand = brand.map(BrandId::as_str);
    let rows = funds::bank_transfers(bff.host.pool(), way, brand, status, page)
        .await
        .or_unread()?;
    let rows = rows.into_iter();
    let rows = rows.filter_map(|row| Some((row.position, columns(row)?)));
    Ok(Page::new(
        page,
        rows.collect(),
        |(position, _)| *position,
        |(_, row)| V::from(row),
    ))
}

fn columns(row: BankTransferRow) -> Option<BankTransferColumns> {
    let currency = Currency::parse(&row.currency).ok()?;
    Some(BankTransferColumns {
        id: row.id,
        brand: row.brand_id,
        account: row.account,
        amount: Money::new(row.amount_minor, currency),
        reference: row
            .reference
            .and_then(|text| BankReference::parse(text).ok()),
        status: row.status,
        reason: row.reason.as_deref().and_then(BankFailure::parse),
        began_at: moment(row.began_at),
        updated_at: moment(row.updated_at),
    })
}

/// One deposit.
#[utoipa::path(
    get, path = "/api/v1/deposits/{id}", tag = "funds", params(("id" = String, Path)),
    responses((status = 200, body = DepositView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_deposit(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<DepositId>,
) -> Result<Json<DepositView>, Problem> {
    one(&bff, &caller, "deposit", id.as_str()).await
}

/// One withdrawal.
#[utoipa::path(
    get, path = "/api/v1/withdrawals/{id}", tag = "funds", params(("id" = String, Path)),
    responses((status = 200, body = WithdrawalView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_withdrawal(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<WithdrawalId>,
) -> Result<Json<WithdrawalView>, Problem> {
    one(&bff, &caller, "withdrawal", id.as_str()).await
}

async fn one<V: From<BankTransferColumns>>(
    bff: &Bff,
    caller: &Caller,
    way: &'static str,
    id: &str,
) -> Result<Json<V>, Problem> {
    let found = funds::bank_transfer(bff.host.pool(), way, id)
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    let brand = BrandId::parse(found.brand_id.as_str()).ok();
    caller.require_owner(None, brand.as_ref())?;
    columns(found)
        .map(|row| Json(row.into()))
        .ok_or_else(Problem::not_found)
}
