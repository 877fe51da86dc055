//! `campaign_owners` and `subject_owners`: whose campaigns, conversions and claims are, of which later events do not say it.

use schemas::visible::Owners;
use sqlx::PgConnection;

/// What a batch found out.
#[derive(Debug, Default)]
pub(crate) struct NewOwners {
    pub(crate) campaigns: Vec<(String, String)>,
    pub(crate) subjects: Vec<(String, Option<String>, Option<String>)>,
}

/// Whose these are, as far as it is known.
pub(crate) async fn load(
    connection: &mut PgConnection,
    subjects: &[String],
    campaigns: &[String],
) -> Result<Owners, sqlx::Error> {
    let mut owners = Owners::default();
    if !subjects.is_empty() {
        let rows: Vec<(String, Option<String>, Option<String>)> = sqlx::query_as(
            "SELECT id, partner_id, brand_id FROM subject_owners WHERE id = ANY($1)",
        )
        .bind(subjects)
        .fetch_all(&mut *connection)
        .await?;
        let rows = rows.into_iter();
        owners.subjects = rows
            .map(|(id, partner, brand)| (id, (partner, brand)))
            .collect();
    }
    if !campaigns.is_empty() {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT id, brand_id FROM campaign_owners WHERE id = ANY($1)")
                .bind(campaigns)
                .fetch_all(&mut *connection)
                .await?;
        owners.campaigns = rows.into_iter().collect();
    }
    Ok(owners)
}

/// Keeps it: whose something is was decided once, and a repeat says the same.
pub(crate) async fn save(
    connection: &mut PgConnection,
    found: &NewOwners,
) -> Result<(), sqlx::Error> {
    let (campaigns, subjects) = (&found.campaigns, &found.subjects);
    save_campaigns(connection, campaigns).await?;
    save_subjects(connection, subjects).await
}

async fn save_campaigns(
    connection: &mut PgConnection,
    found: &[(String, String)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, found => "campaign_owners" {
        id: text = |(id, _)| id.clone(),
        brand_id: text = |(_, brand)| brand.clone(),
    } "ON CONFLICT DO NOTHING")
    .await
}

async fn save_subjects(
    connection: &mut PgConnection,
    found: &[(String, Option<String>, Option<String>)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, found => "subject_owners" {
        id: text = |(id, ..)| id.clone(),
        partner_id: text = |(_, partner, _)| partner.clone(),
        brand_id: text = |(.., brand)| brand.clone(),
    } "ON CONFLICT DO NOTHING")
    .await
}
