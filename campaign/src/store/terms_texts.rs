//! `terms_texts`: the terms as partners read them. A side table: in no event.

use money::CampaignId;
use sqlx::PgConnection;

use crate::domain::TermsVersion;

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
    if texts.is_empty() {
        return Ok(());
    }
    let all = || texts.iter();
    sqlx::query(
        "INSERT INTO terms_texts (campaign_id, version, text)
         SELECT * FROM unnest($1::text[], $2::int[], $3::text[])",
    )
    .bind(all().map(|t| t.campaign.to_string()).collect::<Vec<_>>())
    .bind(all().map(|t| t.version.get()).collect::<Vec<_>>())
    .bind(all().map(|t| t.text.clone()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
