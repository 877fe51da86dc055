//! `/api/v1/payment/accounts`: a brand's and a partner's, with what moved in each.

use api::{AccountFilter, AccountId, AccountView, EntryView, OpenAccount, seen_from};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::page::{List, NoFilter, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{Created, Host, OrUnread, PaymentRefusals};
use schemas::{Body, Message};
use serde::Serialize;
use types::{AccountName, Currency, Micros, Money};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::balances::{Owner, owner};
use crate::domain::{Account, AccountType};
use crate::store::transfers::{self, Entry, PLACES};
use crate::store::{accounts, balances};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(open_account, list_accounts))
        .routes(routes!(get_account))
        .routes(routes!(list_entries))
}

/// An account that a brand has opened; it holds each currency apart.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenedView {
    #[schema(example = "acc_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    id: String,
    brand_id: String,
    #[schema(example = "reserve")]
    name: String,
    opened_at: Timestamp,
}

/// Opens an account of a brand beside its funds.
#[utoipa::path(
    post,
    path = "/api/v1/payment/accounts",
    tag = "funds",
    params(Repeatable),
    request_body(content = OpenAccount, example = json!({"name": "reserve"})),
    responses(Created<OpenedView>, Problems<(Forbidden, PaymentRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn open_account(
    State(host): State<Host>,
    caller: Caller,
    write: Write<OpenAccount>,
) -> Result<Created<OpenedView>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |_, body: OpenAccount| body.command(brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(opened))
}

fn opened(event: &Message) -> Option<OpenedView> {
    let Body::AccountOpenedV1(opened) = &event.body else {
        return None;
    };
    Some(OpenedView {
        id: event.header.subject.clone(),
        brand_id: opened.brand_id.to_string(),
        name: opened.name.to_string(),
        opened_at: Timestamp(event.header.time),
    })
}

/// The accounts of a partner or a brand that were ever used, by currency.
#[utoipa::path(
    get,
    path = "/api/v1/payment/accounts",
    tag = "funds",
    params(PageQuery, AccountFilter),
    responses((status = 200, body = Page<AccountView>), Problems<NotFound>),
    security(("bearer" = []))
)]
pub(crate) async fn list_accounts(
    State(host): State<Host>,
    caller: Caller,
    list: List<AccountFilter>,
) -> Result<Page<AccountView>, Problem> {
    let AccountFilter {
        partner_id,
        brand_id,
        currency,
    } = list.filter;
    let owner = owner(&caller, partner_id, brand_id)?;
    let named = match &owner {
        Owner::Partner(_) => Vec::new(),
        Owner::Brand(brand) => accounts::names(host.pool(), brand).await.or_unread()?,
    };
    let texts = texts(&owner, &named);
    let listed = balances::of_accounts(host.pool(), &texts)
        .await
        .or_unread()?;
    let listed = listed.into_iter();
    let listed = listed.filter(|it| currency.is_none_or(|currency| currency == it.currency));
    // An owner's accounts are few, and in a fixed order: a place is counted from the end.
    let listed = listed.rev().collect::<Vec<_>>().into_iter();
    let mut rows: Vec<(i64, balances::Listed)> = (1..).zip(listed).collect();
    rows.retain(|(place, _)| *place < list.page.below());
    rows.reverse();
    rows.truncate(usize::from(list.page.limit) + 1);
    Ok(Page::new(
        list.page,
        rows,
        |(place, _)| *place,
        |(_, balance)| {
            let id = AccountId {
                account: balance.account,
                currency: balance.currency,
            };
            AccountView::of(&id, balance.minor)
        },
    ))
}

/// The accounts that an owner can have.
fn texts(owner: &Owner, named: &[String]) -> Vec<String> {
    match owner {
        Owner::Partner(id) => AccountType::ALL
            .map(|account_type| Account::Partner(id.clone(), account_type).to_string())
            .to_vec(),
        Owner::Brand(brand) => {
            let named = named.iter();
            let named = named.filter_map(|name| AccountName::parse(name.as_str()).ok());
            let named = named.map(|name| Account::Named(brand.clone(), name));
            let all = Account::every_brands(brand).into_iter().chain(named);
            all.map(|account| account.to_string()).collect()
        }
    }
}

/// One account, with what stands in it.
#[utoipa::path(
    get,
    path = "/api/v1/payment/accounts/{id}",
    tag = "funds",
    params(("id" = String, Path, description = "For example `brand:brand1:funds:USD`.")),
    responses((status = 200, body = AccountView), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn get_account(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<AccountView>, Problem> {
    let id = AccountId::seen_by(&caller, &id)?;
    let minor = used(&host, &id).await?;
    Ok(Json(AccountView::of(&id, minor)))
}

/// What stands in an account; 404 where nothing ever did.
async fn used(host: &Host, id: &AccountId) -> Result<i64, Problem> {
    let listed = balances::of_accounts(host.pool(), &[id.account.to_string()])
        .await
        .or_unread()?;
    let found = listed.iter().find(|it| it.currency == id.currency);
    found.map(|it| it.minor).ok_or_else(Problem::not_found)
}

/// What moved in an account, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/payment/accounts/{id}/entries",
    tag = "funds",
    params(("id" = String, Path, description = "For example `brand:brand1:funds:USD`."), PageQuery),
    responses((status = 200, body = Page<EntryView>), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn list_entries(
    State(host): State<Host>,
    caller: Caller,
    Path(id): Path<String>,
    list: List<NoFilter>,
) -> Result<Page<EntryView>, Problem> {
    let id = AccountId::seen_by(&caller, &id)?;
    used(&host, &id).await?;
    let (account, currency) = (id.account.to_string(), id.currency);
    let (below, rows) = (list.page.below(), list.page.rows());
    let mut rows = transfers::of_account(host.pool(), &account, currency.code(), below, rows)
        .await
        .or_unread()?;
    transfers::complete(host.pool(), &mut rows)
        .await
        .or_unread()?;
    Ok(Page::new(list.page, rows, place, |entry| {
        shown(&account, currency, entry)
    }))
}

fn place(entry: &Entry) -> i64 {
    entry.position.saturating_mul(PLACES) + i64::from(entry.ordinal)
}

fn shown(account: &str, currency: Currency, entry: Entry) -> EntryView {
    let (minor, other_account) = seen_from(account, entry.debit, entry.credit, entry.minor);
    EntryView {
        id: entry.id,
        amount: Money::new(minor, currency).to_string(),
        currency: entry.currency,
        other_account,
        event_type: entry.r#type,
        subject: entry.subject,
        correlation_id: entry.correlation_id,
        posted_at: Timestamp(Micros(entry.posted_at)),
    }
}
