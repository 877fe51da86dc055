//! `api_keys` and `api_key_changes`: what keys of brands open, as adopted from campaign. They are read by `runtime`.

use schemas::{About, ApiKeyAdoptedV1};
use sqlx::PgConnection;
use types::{ApiKeyScope, Micros};

/// Saves what keys are now, each with the position of its event.
pub async fn save(
    connection: &mut PgConnection,
    rows: &[(About<ApiKeyAdoptedV1>, i64)],
) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "api_keys" {
        id: text = |(key, _)| key.subject.as_str(),
        brand_id: text = |(key, _)| key.brand_id.as_str(),
        scopes: text = |(key, _)| ApiKeyScope::join(&key.scopes),
        hash: text = |(key, _)| key.hash.as_deref(),
        expires_at: bigint = |(key, _)| key.expires_at.map(Micros::get),
        previous_hash: text = |(key, _)| key.previous_hash.as_deref(),
        previous_until: bigint = |(key, _)| key.previous_until.map(Micros::get),
        position: bigint = |(_, position)| *position,
    } on (id) set (scopes, hash, expires_at, previous_hash, previous_until, position))
    .await
}
