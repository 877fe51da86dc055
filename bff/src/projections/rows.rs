//! A read model of one table: each row is what the messages about one aggregate have said so far.

use std::collections::HashMap;

use messaging::WriteTx;
use schemas::Message;

use crate::store::Table;

/// What a message is to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// About something else.
    Nothing,
    /// All that there is to be said: what was there before need not be read.
    All,
    /// What changes in a row that another message may have made.
    Change,
}

/// How messages become rows of a table.
pub(super) trait ReadModel: Table {
    /// What the message is to rows of this table.
    fn says(message: &Message) -> Says;

    /// The row after a message that says something, from that before it. A new one stands at `place`.
    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self>;

    /// The row that the message is about, by its key.
    fn row_of(message: &Message) -> String {
        message.header.subject.clone()
    }

    /// What no two rows have in common.
    fn key(&self) -> String {
        self.id().to_owned()
    }
}

/// The rows that one batch changes, by their keys.
#[derive(Debug)]
pub(super) struct Rows<R>(HashMap<String, R>);

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<R: ReadModel> Rows<R> {
    /// Reads the rows that messages change.
    pub(super) async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let changed = messages
            .iter()
            .filter(|message| R::says(message) == Says::Change);
        let keys: Vec<String> = changed.map(|message| R::row_of(message)).collect();
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let rows = R::load(tx, &keys).await?;
        let rows = rows.into_iter().map(|row| (row.key(), row));
        Ok(Self(rows.collect()))
    }

    /// Notes what the message says about its row.
    pub(super) fn fold(&mut self, message: &Message) {
        if R::says(message) == Says::Nothing {
            return;
        }
        let place = i64::try_from(self.0.len()).unwrap_or(i64::MAX);
        let before = self.0.remove(&R::row_of(message));
        if let Some(after) = R::evolve(before, message, place) {
            self.0.insert(after.key(), after);
        }
    }

    /// Writes the rows, new ones in the order in which they were made.
    pub(super) async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let mut rows: Vec<R> = self.0.into_values().collect();
        rows.sort_unstable_by_key(Table::position);
        R::upsert(tx, &rows).await
    }
}
