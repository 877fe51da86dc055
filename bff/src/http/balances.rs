//! `/api/v1/balances`.

use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, NotFound, Problems};
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use runtime::OrUnread;
use serde::{Deserialize, Serialize};
use types::{BrandId, Currency, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::{amount, moment};
use crate::store::balances::{self, BalanceRow};

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(list_balances))
}

/// What an owner has in each account: decimal text with the currency's digits.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct AccountsView {
    /// A partner's, held.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.00")]
    pending: Option<String>,
    /// A partner's, that it may be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "50.00")]
    payable: Option<String>,
    /// A partner's, in payouts that are not paid yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.00")]
    in_transit: Option<String>,
    /// A partner's, paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "150.00")]
    paid_out: Option<String>,
    /// A brand's, below zero when it owes.
    #[serde(skip_serializing_if = "Option::is_none")]
    funds: Option<String>,
    /// A partner's that waits for its brand's funds, and a brand's, below zero, that waits for its own, when something is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "7.00")]
    unfunded: Option<String>,
    /// A brand's on its way from or to its bank, when something is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    clearing: Option<String>,
    /// A brand's that refunds took back after its partners had been paid, when something is there: it comes back as they earn.
    #[serde(skip_serializing_if = "Option::is_none")]
    recoverable: Option<String>,
    /// What no other account takes, when something is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspense: Option<String>,
}

/// What an owner has in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalanceView {
    /// The partner, when it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    partner_id: Option<String>,
    /// The brand, when it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand_id: Option<String>,
    #[schema(example = "USD")]
    currency: String,
    accounts: AccountsView,
    updated_at: Timestamp,
}

impl From<BalanceRow> for BalanceView {
    fn from(row: BalanceRow) -> Self {
        let BalanceRow {
            owner,
            currency,
            totals,
            ..
        } = row;
        let (partner_id, brand_id) = match owner.split_once(':') {
            Some(("brand", id)) => (None, Some(id.to_owned())),
            Some((_, id)) => (Some(id.to_owned()), None),
            None => (Some(owner), None),
        };
        let shown = |minor| Some(amount(minor, &currency));
        let mut accounts = if brand_id.is_some() {
            AccountsView {
                funds: shown(totals.funds),
                ..AccountsView::default()
            }
        } else {
            AccountsView {
                pending: shown(totals.pending),
                payable: shown(totals.payable),
                in_transit: shown(totals.in_transit),
                paid_out: shown(totals.paid_out),
                ..AccountsView::default()
            }
        };
        if totals.suspense != 0 {
            accounts.suspense = shown(totals.suspense);
        }
        if totals.unfunded != 0 {
            accounts.unfunded = shown(totals.unfunded);
        }
        if totals.clearing != 0 {
            accounts.clearing = shown(totals.clearing);
        }
        if totals.recoverable != 0 {
            accounts.recoverable = shown(totals.recoverable);
        }
        Self {
            partner_id,
            brand_id,
            accounts,
            currency,
            updated_at: moment(totals.updated_at),
        }
    }
}

/// Which balances.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BalanceFilter {
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Of this brand.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
    /// Of this currency.
    #[param(value_type = Option<String>)]
    currency: Option<Currency>,
}

/// Balances, one per owner and currency: a partner's or a brand's own, an operator's all.
#[utoipa::path(
    get, path = "/api/v1/balances", tag = "payments", params(PageQuery, BalanceFilter),
    responses((status = 200, body = Page<BalanceView>), Problems<(Forbidden, NotFound)>), security(("bearer" = []))
)]
pub(crate) async fn list_balances(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<BalanceFilter>,
) -> Result<Page<BalanceView>, Problem> {
    let filter = &list.filter;
    let owners = owners(
        &caller,
        filter.partner_id.as_ref(),
        filter.brand_id.as_ref(),
    )?;
    let currency = list.filter.currency.map(Currency::code);
    let (below, rows) = (list.page.below(), list.page.rows());
    let rows = balances::list(bff.host.pool(), owners.as_deref(), currency, below, rows)
        .await
        .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, BalanceView::from);
    Ok(page)
}

/// Whose balances are asked for, as the table names them; `None` is everybody. Another's give 404.
pub(super) fn owners(
    caller: &Caller,
    partner: Option<&PartnerId>,
    brand: Option<&BrandId>,
) -> Result<Option<Vec<String>>, Problem> {
    let scope = caller.scope()?;
    if let Some(partner) = partner {
        caller.require_owner(Some(partner), None)?;
    }
    if let Some(brand) = brand {
        caller.require_owner(None, Some(brand))?;
    }
    let named = partner.is_some() || brand.is_some();
    if scope.all && !named {
        return Ok(None);
    }
    let (partner, brand) = if named {
        (partner, brand)
    } else {
        (scope.partner, scope.brand)
    };
    let partner = partner.map(|id| format!("partner:{id}"));
    let brand = brand.map(|id| format!("brand:{id}"));
    Ok(Some(partner.into_iter().chain(brand).collect()))
}
