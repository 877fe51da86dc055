//! What changed, saved: a statement for each table that did.

use messaging::WriteTx;

use super::BatchState;
use crate::store::conversions::ConversionRow;
use crate::store::{campaigns, conversions, links, notes, tracking_events, uuid};

impl BatchState {
    /// Saves what changed.
    pub async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let connection = tx.connection();
        let conversions = self.conversion_rows()?;
        let aliases = self.alias_rows()?;
        let known = self.campaigns;
        let campaigns: Vec<_> = self
            .changed
            .campaigns
            .into_iter()
            .filter_map(|(id, position)| known.get(&id).cloned().map(|known| (id, known, position)))
            .collect();
        let terms: Vec<_> = self.changed.terms.into_values().collect();
        let enrollments: Vec<_> = self.changed.enrollments.into_values().collect();
        campaigns::save(connection, &campaigns).await?;
        campaigns::save_terms(connection, &terms).await?;
        campaigns::save_enrollments(connection, &enrollments).await?;
        links::save(connection, &self.changed.links).await?;
        conversions::save(connection, &conversions).await?;
        conversions::save_aliases(connection, &aliases).await?;
        tracking_events::save(connection, &self.changed.events).await?;
        notes::save(connection, &self.changed.notes).await
    }

    fn conversion_rows(&self) -> Result<Vec<ConversionRow>, sqlx::Error> {
        let changed = self.changed.conversions.iter();
        changed
            .filter_map(|id| Some((id, self.orders.conversions.get(id)?)))
            .map(|(id, conversion)| ConversionRow::of(id, conversion))
            .collect()
    }

    fn alias_rows(&self) -> Result<Vec<(types::Uuid, types::Uuid)>, sqlx::Error> {
        let changed = self.changed.aliases.iter();
        changed
            .filter_map(|alias| Some((alias, self.orders.aliases.get(alias)?)))
            .map(|(alias, conversion)| Ok((uuid(alias)?, uuid(conversion)?)))
            .collect()
    }
}
