//! Campaigns as they are seen, at the bff and at campaign: both have the tables `campaigns` and `terms`.

use chassis::auth::Scope;
use sqlx::{Postgres, QueryBuilder};

/// What people see of a campaign beside its columns, behind these: the version of the terms in force.
pub const TERMS_IN_FORCE: &str = concat!(
    ", (SELECT max(t.version) FROM terms t WHERE t.campaign_id = campaigns.id AND t.effective_at <= ",
    messaging::sql_now!(),
    ") AS terms_in_force"
);

/// Leaves a brand its own, a partner all that are no drafts, and operators all.
pub fn seen_by(scope: Scope<'_>) -> impl FnOnce(&mut QueryBuilder<Postgres>) {
    move |sql| {
        if scope.all {
            return;
        }
        sql.push(" AND (false");
        if let Some(brand) = scope.brand {
            sql.push(" OR brand_id = ").push_bind(brand.as_str());
        }
        if scope.partner.is_some() {
            sql.push(" OR status <> 'draft'");
        }
        sql.push(")");
    }
}
