//! `/api/v1/payment/balances`.

use std::collections::BTreeMap;

use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{NotFound, Problems};
use chassis::params::{Query, parameter};
use chassis::problem::Problem;
use runtime::{Host, OrUnread};
use serde::{Deserialize, Serialize};
use types::{BrandId, Currency, Money, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::{Account, AccountType};
use crate::store::balances::{self, Listed};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(list_balances))
}

/// Whose balances. Partners and brands see their own without asking.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BalanceQuery {
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Of this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
}

/// Everything there is of one currency.
#[derive(Serialize, ToSchema)]
pub(crate) struct BalanceView {
    /// The partner, when it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    partner_id: Option<String>,
    /// The brand, when it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand_id: Option<String>,
    #[schema(example = "USD")]
    currency: String,
    /// Decimal text with the currency's digits, by account: a partner's `pending`, `payable`, `in_transit`, `paid_out`,
    /// `suspense`, `unfunded`; a brand's `funds`, `unfunded`, `clearing`, `recoverable`.
    #[schema(example = json!({"payable": "50.00", "paid_out": "150.00"}))]
    accounts: BTreeMap<&'static str, String>,
}

/// All of them: an owner has as many as it has currencies.
#[derive(Serialize, ToSchema)]
pub(crate) struct Balances {
    items: Vec<BalanceView>,
}

pub(super) enum Owner {
    Partner(PartnerId),
    Brand(BrandId),
}

/// The balances of a partner or a brand, by currency.
#[utoipa::path(
    get,
    path = "/api/v1/payment/balances",
    tag = "balances",
    params(BalanceQuery),
    responses((status = 200, body = Balances), Problems<NotFound>),
    security(("bearer" = []))
)]
pub(crate) async fn list_balances(
    State(host): State<Host>,
    caller: Caller,
    Query(query): Query<BalanceQuery>,
) -> Result<Json<Balances>, Problem> {
    let owner = owner(&caller, query.partner_id, query.brand_id)?;
    let accounts: Vec<String> = match &owner {
        Owner::Partner(id) => AccountType::ALL
            .map(|account_type| Account::Partner(id.clone(), account_type).to_string())
            .to_vec(),
        Owner::Brand(id) => Account::every_brands(id)
            .map(|account| account.to_string())
            .to_vec(),
    };
    let listed = balances::of_accounts(host.pool(), &accounts)
        .await
        .or_unread()?;
    let items = by_currency(listed)
        .into_iter()
        .map(|(currency, accounts)| view(&owner, currency, accounts))
        .collect();
    Ok(Json(Balances { items }))
}

/// The one that is named, where the caller may see it, or the caller itself.
pub(super) fn owner(
    caller: &Caller,
    partner: Option<PartnerId>,
    brand: Option<BrandId>,
) -> Result<Owner, Problem> {
    let owner = match (partner, brand) {
        (Some(_), Some(_)) => return Err(one_of_them()),
        (Some(partner), None) => Owner::Partner(partner),
        (None, Some(brand)) => Owner::Brand(brand),
        (None, None) => match (caller.partner(), caller.brand()) {
            (Some(partner), _) => Owner::Partner(partner.clone()),
            (None, Some(brand)) => Owner::Brand(brand.clone()),
            (None, None) => return Err(one_of_them()),
        },
    };
    match &owner {
        Owner::Partner(partner) => caller.require_owner(Some(partner), None)?,
        Owner::Brand(brand) => caller.require_owner(None, Some(brand))?,
    }
    Ok(owner)
}

fn one_of_them() -> Problem {
    let detail = "give partner_id or brand_id, one of them";
    parameter("partner_id", detail)
}

fn by_currency(listed: Vec<Listed>) -> BTreeMap<Currency, BTreeMap<&'static str, String>> {
    let mut currencies: BTreeMap<Currency, BTreeMap<&'static str, String>> = BTreeMap::new();
    for balance in listed {
        let name = match balance.account {
            Account::BrandFunds(_) | Account::Named(..) => "funds",
            Account::BrandUnfunded(_) => "unfunded",
            Account::BrandClearing(_) => "clearing",
            Account::BrandRecoverable(_) => "recoverable",
            Account::Partner(_, account_type) => account_type.name(),
            Account::Bank => "cash",
        };
        let amount = Money::new(balance.minor, balance.currency).to_string();
        currencies
            .entry(balance.currency)
            .or_default()
            .insert(name, amount);
    }
    currencies
}

fn view(
    owner: &Owner,
    currency: Currency,
    accounts: BTreeMap<&'static str, String>,
) -> BalanceView {
    let (partner_id, brand_id) = match owner {
        Owner::Partner(id) => (Some(id.to_string()), None),
        Owner::Brand(id) => (None, Some(id.to_string())),
    };
    BalanceView {
        partner_id,
        brand_id,
        currency: currency.to_string(),
        accounts,
    }
}
