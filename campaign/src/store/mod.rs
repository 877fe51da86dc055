//! Campaign's tables: set-based SQL, one file per table.

pub(crate) mod acceptance_metadata;
pub(crate) mod api_keys;
pub(crate) mod bans;
pub(crate) mod brand_funds;
pub(crate) mod brands;
pub(crate) mod campaigns;
pub(crate) mod enrollments;
pub(crate) mod evidence;
pub(crate) mod evidence_files;
pub(crate) mod groups;
pub(crate) mod memberships;
pub(crate) mod partners;
pub(crate) mod plans;
pub(crate) mod terms;
pub(crate) mod terms_texts;

use chassis::auth::Scope;
use sqlx::{Postgres, QueryBuilder};

/// Narrows a list to what this caller may see, by the columns that say whose a row is: a partner's and a brand's own, for
/// operators all.
fn push_seen_by(
    sql: &mut QueryBuilder<Postgres>,
    scope: Scope<'_>,
    partner_column: &'static str,
    brand_column: &'static str,
) {
    if scope.all {
        return;
    }
    let mut seen = sql.push(" AND (").separated(" OR ");
    let partner = scope.partner.map(|id| (partner_column, id.as_str()));
    let brand = scope.brand.map(|id| (brand_column, id.as_str()));
    for (column, id) in partner.into_iter().chain(brand) {
        seen.push(column)
            .push_unseparated(" = ")
            .push_bind_unseparated(id);
    }
    sql.push(")");
}

/// A row that no build of ours would have written.
fn corrupt(column: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: "its value is out of the range that is ever written".into(),
    }
}

/// A value of a column, checked as at the edge.
fn column<T, E>(name: &str, value: Result<T, E>) -> Result<T, sqlx::Error> {
    value.map_err(|_| corrupt(name))
}
