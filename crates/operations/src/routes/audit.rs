//! `…/audit`: what operators did here.

use std::sync::Arc;

use axum::extract::State;
use chassis::openapi::Problems;
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::Micros;
use utoipa::{IntoParams, ToSchema};

use crate::audit::{self, AuditRow};
use crate::process::Process;
use crate::unread::OrUnread;

/// What an operator did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActView {
    at: Timestamp,
    /// The token's subject.
    actor: String,
    #[schema(example = "parked.drop")]
    action: String,
    /// What was acted upon.
    target: String,
    /// Why, in the operator's words.
    reason: String,
    /// What else tells what was done.
    #[schema(value_type = Object)]
    detail: Value,
}

/// Which acts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditFilter {
    /// Only by this token subject.
    actor: Option<String>,
    /// Only of this action, such as `parked.drop`, or of this noun, such as `parked`.
    action: Option<String>,
    /// Only upon this.
    target: Option<String>,
}

/// What operators did here, newest first.
#[utoipa::path(
    get, path = "/audit", tag = "operator", params(PageQuery, AuditFilter),
    responses((status = 200, body = Page<ActView>), Problems), security(("bearer" = []))
)]
pub(crate) async fn list_audit(
    State(process): State<Arc<Process>>,
    list: List<AuditFilter>,
) -> Result<Page<ActView>, Problem> {
    let filter = audit::Filter {
        actor: list.filter.actor,
        action: list.filter.action,
        target: list.filter.target,
    };
    let rows = audit::list(&process.pool, &filter, list.page.below(), list.page.rows())
        .await
        .or_unread()?;
    Ok(Page::new(list.page, rows, |row| row.id, ActView::from))
}

impl From<AuditRow> for ActView {
    fn from(row: AuditRow) -> Self {
        Self {
            at: Timestamp(Micros(row.at)),
            actor: row.actor,
            action: row.action,
            target: row.target,
            reason: row.reason,
            detail: row.detail,
        }
    }
}
