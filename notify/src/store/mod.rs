//! Notify's tables: set-based SQL, one file per table.

pub(crate) mod attempts;
pub(crate) mod closed_campaigns;
pub(crate) mod contacts;
pub(crate) mod crm_calls;
pub(crate) mod deliveries;
pub(crate) mod endpoints;
pub(crate) mod enrolled;
pub(crate) mod erased;
pub(crate) mod interest;
pub(crate) mod mail_templates;
pub(crate) mod mails;
pub(crate) mod names;
pub(crate) mod onboardings;
pub(crate) mod owners;
pub(crate) mod removed_endpoints;
pub(crate) mod resends;
pub(crate) mod sales;
pub(crate) mod sending;
pub(crate) mod terms_mailings;
pub(crate) mod workflows;

use chassis::auth::Scope;
use sqlx::{Postgres, QueryBuilder};

/// Narrows a list to the endpoints that this caller may see: a partner's and a brand's own, for operators all.
fn push_seen_by(sql: &mut QueryBuilder<Postgres>, scope: Scope<'_>) {
    if scope.all {
        return;
    }
    let mut seen = sql.push(" AND (").separated(" OR ");
    let partner = scope.partner.map(|id| ("e.partner_id", id.as_str()));
    let brand = scope.brand.map(|id| ("e.brand_id", id.as_str()));
    for (column, id) in partner.into_iter().chain(brand) {
        seen.push(column)
            .push_unseparated(" = ")
            .push_bind_unseparated(id);
    }
    sql.push(")");
}
