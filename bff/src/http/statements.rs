//! `/api/v1/statements`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems};
use chassis::page::{Form as AnswerForm, List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use runtime::OrUnread;
use schemas::StatementLine;
use serde::{Deserialize, Serialize};
use types::{Money, Month, PartnerId, StatementId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::shown::moment;
use crate::store::Table;
use crate::store::statements::{self, StatementRow};
use api::lists::AccountType;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(list_statements))
        .routes(routes!(get_statement))
}

/// What moved in a partner's accounts in a month.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatementView {
    #[schema(example = "stm_0b5f3c5e8a555d0c9c390d5a7b1c2e3f")]
    id: String,
    partner_id: String,
    /// In UTC.
    #[schema(example = "2026-11")]
    month: String,
    /// By account and currency; none of what was empty all the month.
    lines: Vec<StatementLineView>,
    issued_at: Timestamp,
}

/// One account in one currency. What stood there when the month began, and what came in, less what went out, is what stood there when
/// it ended. Decimal texts with the currency's digits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatementLine)]
pub(crate) struct StatementLineView {
    #[schema(value_type = AccountType)]
    account: types::AccountType,
    #[schema(example = "USD")]
    currency: &'static str,
    /// When the month began.
    #[schema(example = "25.00")]
    opening: String,
    /// What came in.
    #[schema(example = "140.00")]
    credited: String,
    /// What went out.
    #[schema(example = "150.00")]
    debited: String,
    /// When the month ended.
    #[schema(example = "15.00")]
    closing: String,
}

impl From<&StatementLine> for StatementLineView {
    fn from(line: &StatementLine) -> Self {
        let amount = |minor| Money::new(minor, line.currency).to_string();
        Self {
            account: line.account,
            currency: line.currency.code(),
            opening: amount(line.opening),
            credited: amount(line.credited),
            debited: amount(line.debited),
            closing: amount(line.closing),
        }
    }
}

impl From<StatementRow> for StatementView {
    fn from(row: StatementRow) -> Self {
        Self {
            id: row.id,
            partner_id: row.partner_id,
            month: row.month,
            lines: row.lines.iter().map(Into::into).collect(),
            issued_at: moment(row.issued_at),
        }
    }
}

/// Which statements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatementFilter {
    /// Of this partner.
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
    /// Of this month, in UTC.
    #[param(value_type = Option<String>, example = "2026-11")]
    month: Option<Month>,
}

/// Statements, the last issued first: a partner's own, an operator's all. A month in which something moved in a partner's accounts has
/// one, about a minute after its end.
#[utoipa::path(
    get, path = "/api/v1/statements", tag = "payments", params(PageQuery, StatementFilter),
    responses((status = 200, body = Page<StatementView>), Problems<(Forbidden, NotFound)>), security(("bearer" = []))
)]
pub(crate) async fn list_statements(
    State(bff): State<Bff>,
    caller: Caller,
    list: List<StatementFilter>,
) -> Result<Page<StatementView>, Problem> {
    let partner = caller.narrowed_to_partner(list.filter.partner_id.as_ref())?;
    let rows = statements::list(bff.host.pool(), partner, list.filter.month, list.page)
        .await
        .or_unread()?;
    let page = Page::new(list.page, rows, |row| row.position, StatementView::from);
    Ok(page)
}

/// One statement; as CSV its lines.
#[utoipa::path(
    get, path = "/api/v1/statements/{id}", tag = "payments", params(("id" = String, Path)),
    responses((status = 200, body = StatementView), Problems), security(("bearer" = []))
)]
pub(crate) async fn get_statement(
    State(bff): State<Bff>,
    caller: Caller,
    form: AnswerForm,
    Path(id): Path<StatementId>,
) -> Result<Response, Problem> {
    let row = StatementRow::find(bff.host.pool(), id.as_str())
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    let partner = PartnerId::parse(row.partner_id.as_str()).ok();
    caller.require_owner(partner.as_ref(), None)?;
    let view = StatementView::from(row);
    let csv = form.csv(&view.lines);
    Ok(csv.unwrap_or_else(|| Json(view).into_response()))
}
