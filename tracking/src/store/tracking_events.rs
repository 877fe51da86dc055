//! `tracking_events`: reports that decide nothing.

use sqlx::PgConnection;
use types::{CampaignId, ClickId, LinkCode, Micros, OrderId, Uuid};

use super::uuid;
use crate::domain::EventRecorded;

/// A recorded event with its place.
#[derive(Debug)]
pub struct NewEvent {
    /// Its message's id.
    pub id: Uuid,
    /// What happened.
    pub event: EventRecorded,
    /// When, in our time.
    pub recorded_at: Micros,
    /// Where in the log.
    pub position: i64,
}

/// Saves recorded events.
pub async fn save(connection: &mut PgConnection, rows: &[NewEvent]) -> Result<(), sqlx::Error> {
    for row in rows {
        uuid(&row.event.conversion)?;
    }
    messaging::insert_rows!(connection, rows => "tracking_events" {
        id: uuid = |row| row.id,
        conversion_id: uuid = |row| uuid(&row.event.conversion).unwrap_or_default(),
        event_type: text = |row| row.event.event_type.as_str(),
        user_hash: bytea = |row| row.event.user.0.as_slice(),
        link_code: text = |row| row.event.link.as_ref().map(LinkCode::as_str),
        click_id: text = |row| row.event.click.as_ref().map(ClickId::as_str),
        campaign_id: text = |row| row.event.campaign.as_ref().map(CampaignId::as_str),
        order_id: text = |row| row.event.order.as_ref().map(OrderId::as_str),
        occurred_at: bigint = |row| row.event.occurred_at.0,
        recorded_at: bigint = |row| row.recorded_at.0,
        position: bigint = |row| row.position,
    })
    .await
}
