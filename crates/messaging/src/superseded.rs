//! `pipeline.handled_before`: facts that had their effect here before their source lost them. Their source decides them again
//! from the same causes, under other ids and at other places, and only the derivation of ids tells so.

use std::collections::HashMap;

use schemas::Header;
use sqlx::PgConnection;
use types::ids;
use uuid::Uuid;

use crate::inbound::Inbound;
use crate::tx::{Lock, WriteTx};

/// One cause has no more messages than that.
const MAX_OF_ONE_CAUSE: usize = 1_000;

/// Notes facts of an old history that are handled after its successor was accepted.
pub(crate) async fn add(connection: &mut PgConnection, facts: &[Uuid]) -> Result<(), sqlx::Error> {
    if facts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO pipeline.handled_before SELECT * FROM UNNEST($1::uuid[]) ON CONFLICT DO NOTHING",
    )
    .bind(facts)
    .execute(connection)
    .await?;
    Ok(())
}

/// Of messages that were decided again: the index of each, with the id under which it was handled. Asks nobody while no
/// followed log's epoch was raised. Read models take what is sent again as it comes. So do others what tells how something is, of these
/// kinds, where it was decided again; what the raise stated anew has kept its id, and is the same message.
pub(crate) async fn among(
    tx: &mut WriteTx,
    messages: &[&Inbound],
    levels: &[&str],
) -> Result<HashMap<usize, Uuid>, sqlx::Error> {
    if tx.lock() != Lock::Log {
        return Ok(HashMap::new());
    }
    let mut of: HashMap<Uuid, usize> = HashMap::new();
    for (index, inbound) in messages.iter().enumerate() {
        let fact = inbound.stream.as_ref().and_then(|_| inbound.header());
        let mut earlier = fact.map_or_else(Vec::new, ids_in_epochs);
        if let Some(level) = fact.filter(|fact| levels.contains(&fact.kind.as_str())) {
            earlier.retain(|id| *id == level.id);
        }
        of.extend(earlier.into_iter().map(|id| (id, index)));
    }
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = of.keys().copied().collect();
    let known: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM pipeline.handled_before WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(tx.connection())
            .await?;
    Ok(known.into_iter().map(|id| (of[&id], id)).collect())
}

/// The ids that a fact of a raised epoch has under each of its source's epochs; its own too, which it has kept when it was
/// stated before the raise.
pub fn ids_in_epochs(fact: &Header) -> Vec<Uuid> {
    let (Some(newest), Some(cause)) = (fact.epoch.filter(|it| *it > 1), fact.causation_id) else {
        return Vec::new();
    };
    let under = |epoch, ordinal| ids::event_id(&fact.source, epoch, cause, ordinal);
    let ordinal = (0..MAX_OF_ONE_CAUSE)
        .find(|ordinal| (1..=newest).any(|epoch| under(epoch, *ordinal) == fact.id));
    ordinal.map_or_else(Vec::new, |ordinal| {
        (1..=newest).map(|epoch| under(epoch, ordinal)).collect()
    })
}
