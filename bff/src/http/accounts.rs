//! `/api/v1/accounts`: a brand's and a partner's, with what moved in each.

use api::{AccountFilter, AccountId, AccountView, EntryView, OpenAccount, seen_from};
use axum::extract::State;
use axum::response::Response;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, NoFilter, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::{OrUnread, PaymentRefusals};
use types::Currency;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::balances::owners;
use super::shown::{amount, moment};
use super::submit::{Answers, CommandRequest};
use crate::store::balances::{self, AccountRow, Totals};
use crate::store::funds;
use crate::store::transfers::{self, TransferRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(open_account, list_accounts))
        .routes(routes!(get_account))
        .routes(routes!(list_entries))
}

/// Asks for an account of a brand beside its funds.
#[utoipa::path(
    post, path = "/api/v1/accounts", tag = "funds", params(Repeatable, Waits),
    request_body(content = OpenAccount, example = json!({"name": "reserve"})),
    responses(Answers<(Forbidden, NotFound, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn open_account(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<OpenAccount>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = command_request.brand(body.brand_id())?;
    bff.submit(command_request, body.command(brand)).await
}

/// Accounts in each of their currencies: a partner's or a brand's own, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/accounts", tag = "funds", params(PageQuery, AccountFilter),
    responses((status = 200, body = Page<AccountView>), Problems<(Forbidden, NotFound)>), security(("bearer" = []))
)]
pub(crate) async fn list_accounts(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<AccountFilter>,
) -> Result<Page<AccountView>, Problem> {
    let filter = &list.filter;
    let mut owners = owners(
        &caller,
        filter.partner_id.as_ref(),
        filter.brand_id.as_ref(),
    )?;
    if let Some(owners) = &mut owners {
        let brand = owners.iter().find_map(|owner| owner.strip_prefix("brand:"));
        if let Some(brand) = brand.map(ToOwned::to_owned) {
            let names = funds::names(bff.host.pool(), &brand).await.or_unread()?;
            let texts = names.iter().map(|name| format!("brand:{brand}.{name}"));
            owners.extend(texts);
        }
    }
    let currency = filter.currency.map(Currency::code);
    let (below, rows) = (list.page.below(), list.page.rows());
    let rows = balances::accounts(bff.host.pool(), owners.as_deref(), currency, below, rows)
        .await
        .or_unread()?;
    let shown: Vec<(i64, AccountView)> = rows.iter().filter_map(view).collect();
    Ok(Page::new(
        list.page,
        shown,
        |(place, _)| *place,
        |(_, view)| view,
    ))
}

fn view(row: &AccountRow) -> Option<(i64, AccountView)> {
    let id = AccountId {
        account: Totals::account(&row.owner, &row.account_type)?,
        currency: Currency::parse(&row.currency).ok()?,
    };
    Some((row.place, AccountView::of(&id, row.minor)))
}

/// One account, with what stands in it.
#[utoipa::path(
    get, path = "/api/v1/accounts/{id}", tag = "funds",
    params(("id" = String, Path, description = "For example `brand:brand1:funds:USD`.")),
    responses((status = 200, body = AccountView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_account(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<AccountView>, Problem> {
    let id = AccountId::seen_by(&caller, &id)?;
    let minor = stands(&bff, &id).await?;
    Ok(Json(AccountView::of(&id, minor)))
}

/// What stands in an account; 404 where its owner never had anything of the currency.
async fn stands(bff: &Bff, id: &AccountId) -> Result<i64, Problem> {
    let owner = Totals::owner(&id.account);
    let found = balances::find(bff.host.pool(), &owner, id.currency)
        .await
        .or_unread()?;
    let mut row = found.ok_or_else(Problem::not_found)?;
    Ok(*row.totals.of(&id.account))
}

/// What moved in an account, newest first.
#[utoipa::path(
    get, path = "/api/v1/accounts/{id}/entries", tag = "funds",
    params(("id" = String, Path, description = "For example `brand:brand1:funds:USD`."), PageQuery),
    responses((status = 200, body = Page<EntryView>), Problems), security(("bearer" = []))
)]
pub(crate) async fn list_entries(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<String>,
    list: List<NoFilter>,
) -> Result<Page<EntryView>, Problem> {
    let id = AccountId::seen_by(&caller, &id)?;
    stands(&bff, &id).await?;
    let (account, currency) = (id.account.to_string(), id.currency.code());
    let (below, rows) = (list.page.below(), list.page.rows());
    let rows = transfers::of_account(bff.host.pool(), &account, currency, below, rows)
        .await
        .or_unread()?;
    Ok(Page::new(
        list.page,
        rows,
        |row| row.position,
        |row| entry(&account, row),
    ))
}

fn entry(account: &str, row: TransferRow) -> EntryView {
    let (minor, other_account) = seen_from(account, row.debit, row.credit, row.minor);
    EntryView {
        id: row.id,
        amount: amount(minor, &row.currency),
        currency: row.currency,
        other_account,
        event_type: Some(row.event_type),
        subject: Some(row.subject),
        correlation_id: Some(row.correlation_id),
        posted_at: moment(row.posted_at),
    }
}
