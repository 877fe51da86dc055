//! `terms_texts`: the terms as partners read them. A side table: in no event.

use sqlx::PgConnection;
use types::{CampaignId, TermsVersion};

/// The text of a version.
#[derive(Debug)]
pub(crate) struct TermsTextRow {
    pub campaign: CampaignId,
    pub version: TermsVersion,
    pub text: String,
}

/// Writes texts of new versions.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    texts: &[TermsTextRow],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, texts => "terms_texts" {
        campaign_id: text = |t| t.campaign.to_string(),
        version: int = |t| t.version.get(),
        text: text = |t| t.text.clone(),
    })
    .await
}
