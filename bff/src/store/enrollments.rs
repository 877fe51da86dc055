//! `enrollments`: a read model of `campaign-events`.

use chassis::auth::Scope;
use chassis::page::PageQuery;
use messaging::WriteTx;
use runtime::lists::in_state;
use sqlx::{FromRow, PgPool};
use types::EnrollmentStatus;

use super::Table;
use super::of_campaigns::{self, Named, To};

/// Where a partner stands with a campaign, as front ends see it. Times are microseconds.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct EnrollmentRow {
    pub(crate) id: String,
    pub(crate) position: i64,
    pub(crate) status: String,
    pub(crate) campaign_id: String,
    pub(crate) partner_id: String,
    pub(crate) brand_id: Option<String>,
    pub(crate) reason: Option<String>,
    /// The last that was accepted; an event that does not say it leaves it.
    pub(crate) terms_version: Option<i32>,
    pub(crate) since: i64,
}

impl Table for EnrollmentRow {
    super::row_of!("enrollments");

    async fn upsert(tx: &mut WriteTx, rows: &[Self]) -> Result<(), sqlx::Error> {
        messaging::insert_rows!(tx.connection(), rows => "enrollments" numbered by "read_head" {
            id: text = |r| r.id.as_str(),
            status: text = |r| r.status.as_str(),
            campaign_id: text = |r| r.campaign_id.as_str(),
            partner_id: text = |r| r.partner_id.as_str(),
            brand_id: text = |r| r.brand_id.as_deref(),
            reason: text = |r| r.reason.as_deref(),
            terms_version: int = |r| r.terms_version,
            since: bigint = |r| r.since,
        } on (id) set (status, brand_id, reason, terms_version, since))
        .await
    }
}

/// A partner's, those in a brand's campaigns, or everybody's, newest first.
pub(crate) async fn list(
    pool: &PgPool,
    scope: Scope<'_>,
    of: To<'_>,
    status: Option<EnrollmentStatus>,
    page: PageQuery,
) -> Result<Vec<EnrollmentRow>, sqlx::Error> {
    let that_stand_so = in_state("status", status.map(EnrollmentStatus::name));
    of_campaigns::list(pool, scope, of, page, Named::ByCampaign, that_stand_so).await
}
