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

/// Leaves of endpoints and contacts those that this caller may see.
fn seen_by(scope: Scope<'_>) -> impl FnOnce(&mut QueryBuilder<Postgres>) {
    runtime::lists::seen_by(scope, "e.partner_id = ", ("e.brand_id = ", ""))
}
