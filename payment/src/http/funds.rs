//! Deposits, withdrawals, transfers between a brand's accounts, and when a brand pays.

use api::{
    AnnounceDeposit, BankTransferColumns, BillingFilter, BillingView, DepositFilter, DepositView,
    SetBilling, SetFundsWarning, SettleDeposit, SettleWithdrawal, TransferFunds, Withdraw,
    WithdrawalFilter, WithdrawalView, lists,
};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{Created, Done, Host, OrUnread, PaymentRefusals};
use schemas::{Body, Message};
use serde::Serialize;
use types::{
    AccountName, BrandId, DepositId, DepositStatus, Money, WithdrawalId, WithdrawalStatus,
};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::{BankTransfer, Progress, Way};
use crate::store::{bank_transfers, billing};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
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

/// Says that money of a brand is on its way. It is in clearing until an operator says what the bank says.
#[utoipa::path(
    post,
    path = "/api/v1/payment/deposits",
    tag = "funds",
    params(Repeatable),
    request_body(content = AnnounceDeposit, example = json!({"amount": "500.00", "currency": "USD", "reference": "INV-2026-11"})),
    responses(Created<DepositView>, Problems<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn announce_deposit(
    State(host): State<Host>,
    caller: Caller,
    write: Write<AnnounceDeposit>,
) -> Result<Created<DepositView>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |id, body: AnnounceDeposit| body.command(id, brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|event| BankTransferColumns::begun(event).map(DepositView::from)))
}

/// Takes money out of an account of a brand. Refused with `insufficient_funds` beyond what is there; from the funds nothing is
/// taken out that waits for them.
#[utoipa::path(
    post,
    path = "/api/v1/payment/withdrawals",
    tag = "funds",
    params(Repeatable),
    request_body(content = Withdraw, example = json!({"amount": "200.00", "currency": "USD"})),
    responses(Created<WithdrawalView>, Problems<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn withdraw(
    State(host): State<Host>,
    caller: Caller,
    write: Write<Withdraw>,
) -> Result<Created<WithdrawalView>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |id, body: Withdraw| body.command(id, brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|event| BankTransferColumns::begun(event).map(WithdrawalView::from)))
}

/// What became of a deposit or a withdrawal.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettledView {
    id: String,
    /// `cleared` or `settled`, or `failed`.
    #[schema(example = "cleared")]
    status: String,
    /// Why it failed.
    #[schema(value_type = Option<lists::BankFailure>)]
    reason: Option<String>,
    at: Timestamp,
}

fn settled(event: &Message) -> Option<SettledView> {
    let (status, reason) = api::bank_answer(&event.body)?;
    Some(SettledView {
        id: event.header.subject.clone(),
        status: status.to_owned(),
        reason: reason.map(|reason| reason.name().to_owned()),
        at: Timestamp(event.header.time),
    })
}

/// Says what the bank says of a deposit. For operators.
#[utoipa::path(
    post,
    path = "/api/v1/payment/deposits/{id}/settle",
    tag = "funds",
    params(("id" = String, Path), Repeatable),
    request_body(content = SettleDeposit, example = json!({"status": "cleared"})),
    responses(Done<SettledView>, Problems<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn settle_deposit(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<DepositId>,
    write: Write<SettleDeposit>,
) -> Result<Done<SettledView>, Problem> {
    let command = |_, body: SettleDeposit| body.command(id);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(settled))
}

/// Says what the bank says of a withdrawal. For operators.
#[utoipa::path(
    post,
    path = "/api/v1/payment/withdrawals/{id}/settle",
    tag = "funds",
    params(("id" = String, Path), Repeatable),
    request_body(content = SettleWithdrawal, example = json!({"status": "settled"})),
    responses(Done<SettledView>, Problems<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn settle_withdrawal(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<WithdrawalId>,
    write: Write<SettleWithdrawal>,
) -> Result<Done<SettledView>, Problem> {
    let command = |_, body: SettleWithdrawal| body.command(id);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(settled))
}

/// Money that moved from one account of a brand to another.
#[derive(Serialize, ToSchema)]
pub(crate) struct TransferView {
    #[schema(example = "trf_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    id: String,
    brand_id: String,
    /// `default` is the brand's funds.
    #[schema(example = "default")]
    from_account: String,
    #[schema(example = "reserve")]
    to_account: String,
    /// Decimal text with the currency's digits.
    #[schema(example = "100.00")]
    amount: String,
    #[schema(example = "USD")]
    currency: String,
    at: Timestamp,
}

/// Moves money from one account of a brand to another, at once. Refused with `insufficient_funds` beyond what is there.
#[utoipa::path(
    post,
    path = "/api/v1/payment/transfers",
    tag = "funds",
    params(Repeatable),
    request_body(content = TransferFunds, example = json!({"amount": "100.00", "currency": "USD", "to_account": "reserve"})),
    responses(Created<TransferView>, Problems<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn transfer_funds(
    State(host): State<Host>,
    caller: Caller,
    write: Write<TransferFunds>,
) -> Result<Created<TransferView>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |id, body: TransferFunds| body.command(id, brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(transferred))
}

fn transferred(event: &Message) -> Option<TransferView> {
    let Body::FundsTransferredV1(it) = &event.body else {
        return None;
    };
    let shown = |name: &Option<AccountName>| {
        let name = name
            .as_ref()
            .map_or(AccountName::DEFAULT, AccountName::as_str);
        name.to_owned()
    };
    Some(TransferView {
        id: event.header.subject.clone(),
        brand_id: it.brand_id.to_string(),
        from_account: shown(&it.from_account),
        to_account: shown(&it.to_account),
        amount: it.amount.to_string(),
        currency: it.amount.currency.to_string(),
        at: Timestamp(event.header.time),
    })
}

/// When a brand pays from now on.
#[derive(Serialize, ToSchema)]
pub(crate) struct BillingSetView {
    brand_id: String,
    #[schema(example = "USD")]
    currency: String,
    #[schema(value_type = lists::Billing)]
    billing: String,
    at: Timestamp,
}

/// Says when a brand pays for what its partners earn: before, or after, up to a limit. A brand of which nothing was said pays
/// after, without a limit; one that pays before or has a limit in any currency pays before in those of which nothing was said. For operators.
#[utoipa::path(
    post,
    path = "/api/v1/payment/billing",
    tag = "funds",
    params(Repeatable),
    request_body(content = SetBilling, example = json!({"brand_id": "brand1", "currency": "USD", "billing": "prepaid"})),
    responses(Done<BillingSetView>, Problems<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn set_billing(
    State(host): State<Host>,
    caller: Caller,
    write: Write<SetBilling>,
) -> Result<Done<BillingSetView>, Problem> {
    let command = |_, body: SetBilling| body.command();
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(billing_set))
}

fn billing_set(event: &Message) -> Option<BillingSetView> {
    let Body::BillingChangedV1(changed) = &event.body else {
        return None;
    };
    Some(BillingSetView {
        brand_id: event.header.subject.clone(),
        currency: changed.currency.to_string(),
        billing: changed.billing.name().to_owned(),
        at: Timestamp(event.header.time),
    })
}

/// Below which amount a brand is warned from now on.
#[derive(Serialize, ToSchema)]
pub(crate) struct FundsWarningView {
    brand_id: String,
    #[schema(example = "USD")]
    currency: String,
    /// Decimal text with the currency's digits; `null`: it is not warned.
    #[schema(example = "500.00")]
    amount: Option<String>,
    at: Timestamp,
}

/// Sets below which amount of what its funds still cover a brand is warned, once each time that they fall below it: by
/// `funds.low.v1`, and by mail. What they cover is what is there, less what waits for it, down to zero or to the credit limit;
/// without a limit nothing runs out, and the warning counts from the first limit on.
#[utoipa::path(
    put,
    path = "/api/v1/payment/funds/warning",
    tag = "funds",
    params(Repeatable),
    request_body(content = SetFundsWarning, example = json!({"currency": "USD", "amount": "500.00"})),
    responses(Done<FundsWarningView>, Problems<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn set_funds_warning(
    State(host): State<Host>,
    caller: Caller,
    write: Write<SetFundsWarning>,
) -> Result<Done<FundsWarningView>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |_, body: SetFundsWarning| body.command(brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(funds_warning_set))
}

fn funds_warning_set(event: &Message) -> Option<FundsWarningView> {
    let Body::FundsWarningChangedV1(changed) = &event.body else {
        return None;
    };
    let currency = changed.currency;
    Some(FundsWarningView {
        brand_id: event.header.subject.clone(),
        currency: currency.to_string(),
        amount: changed
            .amount
            .map(|minor| Money::new(minor, currency).to_string()),
        at: Timestamp(event.header.time),
    })
}

/// When brands pay, and below which amount they are warned, of those of which either was set or for whose funds something waits: a brand's own, an operator's all.
#[utoipa::path(
    get,
    path = "/api/v1/payment/billing",
    tag = "funds",
    params(PageQuery, BillingFilter),
    responses((status = 200, body = Page<BillingView>), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(crate) async fn list_billing(
    State(host): State<Host>,
    caller: Caller,
    list: List<BillingFilter>,
) -> Result<Page<BillingView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let (below, rows) = (list.page.below(), list.page.rows());
    let rows = billing::list(host.pool(), brand.map(BrandId::as_str), below, rows)
        .await
        .or_unread()?;
    Ok(Page::new(
        list.page,
        rows,
        |row| row.position,
        |row| {
            let terms = (row.terms.billing, row.terms.credit_limit);
            let amounts = (row.funds, row.waiting);
            BillingView::of(row.brand, row.currency, terms, amounts, row.warning)
        },
    ))
}

/// Deposits, newest first: a brand's own, an operator's all.
#[utoipa::path(
    get,
    path = "/api/v1/payment/deposits",
    tag = "funds",
    params(PageQuery, DepositFilter),
    responses((status = 200, body = Page<DepositView>), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(crate) async fn list_deposits(
    State(host): State<Host>,
    caller: Caller,
    list: List<DepositFilter>,
) -> Result<Page<DepositView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let progress = list.filter.status.map(|status| match status {
        DepositStatus::Announced => Progress::UnderWay,
        DepositStatus::Cleared => Progress::Done,
        DepositStatus::Failed => Progress::Failed,
    });
    page(&host, Way::Deposit, brand, progress, list.page).await
}

/// Withdrawals, newest first: a brand's own, an operator's all.
#[utoipa::path(
    get,
    path = "/api/v1/payment/withdrawals",
    tag = "funds",
    params(PageQuery, WithdrawalFilter),
    responses((status = 200, body = Page<WithdrawalView>), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(crate) async fn list_withdrawals(
    State(host): State<Host>,
    caller: Caller,
    list: List<WithdrawalFilter>,
) -> Result<Page<WithdrawalView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let progress = list.filter.status.map(|status| match status {
        WithdrawalStatus::Requested => Progress::UnderWay,
        WithdrawalStatus::Settled => Progress::Done,
        WithdrawalStatus::Failed => Progress::Failed,
    });
    page(&host, Way::Withdrawal, brand, progress, list.page).await
}

async fn page<V: From<BankTransferColumns>>(
    host: &Host,
    way: Way,
    brand: Option<&BrandId>,
    progress: Option<Progress>,
    page: PageQuery,
) -> Result<Page<V>, Problem> {
    let rows = bank_transfers::list(host.pool(), way, brand, progress, page)
        .await
        .or_unread()?;
    Ok(Page::new(
        page,
        rows,
        |(_, row)| row.position,
        |((way, id), row)| V::from(columns(way, id, row)),
    ))
}

fn columns(way: Way, id: String, row: BankTransfer) -> BankTransferColumns {
    let status = match (way, row.progress) {
        (Way::Deposit, Progress::UnderWay) => DepositStatus::Announced.name(),
        (Way::Deposit, Progress::Done) => DepositStatus::Cleared.name(),
        (Way::Withdrawal, Progress::UnderWay) => WithdrawalStatus::Requested.name(),
        (Way::Withdrawal, Progress::Done) => WithdrawalStatus::Settled.name(),
        (_, Progress::Failed) => DepositStatus::Failed.name(),
    };
    BankTransferColumns {
        id,
        brand: row.brand.into_string(),
        account: row.account.map(AccountName::into_string),
        amount: row.amount,
        reference: row.reference,
        status: status.to_owned(),
        reason: row.reason,
        began_at: Timestamp(row.began_at),
        updated_at: Timestamp(row.updated_at),
    }
}

/// One deposit.
#[utoipa::path(
    get,
    path = "/api/v1/payment/deposits/{id}",
    tag = "funds",
    params(("id" = String, Path)),
    responses((status = 200, body = DepositView), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn get_deposit(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<DepositId>,
) -> Result<Json<DepositView>, Problem> {
    one(&host, &caller, Way::Deposit, id.into_string()).await
}

/// One withdrawal.
#[utoipa::path(
    get,
    path = "/api/v1/payment/withdrawals/{id}",
    tag = "funds",
    params(("id" = String, Path)),
    responses((status = 200, body = WithdrawalView), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn get_withdrawal(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<WithdrawalId>,
) -> Result<Json<WithdrawalView>, Problem> {
    one(&host, &caller, Way::Withdrawal, id.into_string()).await
}

async fn one<V: From<BankTransferColumns>>(
    host: &Host,
    caller: &Caller,
    way: Way,
    id: String,
) -> Result<Json<V>, Problem> {
    let found = bank_transfers::find(host.pool(), way, &id)
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    caller.require_owner(None, Some(&found.brand))?;
    Ok(Json(columns(way, id, found).into()))
}
