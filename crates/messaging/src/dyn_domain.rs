//! A domain whose states and events nobody needs to name: what handles its messages and what replays them is compiled once, and not
//! again for every service.

use futures::future::BoxFuture;
use schemas::{Event, Message, Service, Topic, Written};
use sqlx::PgPool;
use types::Micros;
use uuid::Uuid;

use crate::domain::{Context, Decision, Domain, FoldError, Recorded, Tables};
use crate::tx::{Lock, WriteTx};

/// [`Domain`] behind a pointer. Every domain is one.
pub trait DynDomain: Send + Sync {
    /// [`Domain::SERVICE`].
    fn service(&self) -> Service;
    /// [`Domain::LOCK`].
    fn lock(&self) -> Lock;
    /// [`Domain::TABLES`].
    fn tables(&self) -> Tables;
    /// [`Domain::FACTS_WAIT`].
    fn facts_wait(&self) -> bool;
    /// [`Domain::DECODED_LATER`].
    fn decoded_later(&self) -> &'static [Topic];
    /// [`Domain::LEVELS`].
    fn levels(&self) -> &'static [&'static str];
    /// [`Domain::COMMAND_LOG`].
    fn command_log(&self) -> &'static str;
    /// [`Domain::wants_facts`].
    fn wants_facts<'a>(&'a self, pool: &'a PgPool) -> BoxFuture<'a, Result<bool, sqlx::Error>>;
    /// [`Domain::subject_of`].
    fn subject_of(&self, message: &Message) -> Option<String>;
    /// [`Domain::load`].
    fn load<'a, 'd: 'a>(
        &'d self,
        tx: &'a mut WriteTx,
        messages: &'a [&'a Message],
    ) -> BoxFuture<'a, Result<Box<dyn DynBatch + 'd>, sqlx::Error>>;
    /// Applies the service's own events, each with its position, to the tables that the transaction sees. Returns how many of them the
    /// domain knows.
    fn fold_own<'a>(
        &'a self,
        tx: &'a mut WriteTx,
        events: &'a [(i64, &'a Message)],
    ) -> BoxFuture<'a, Result<u64, Unfolded>>;
}

/// What was loaded for one batch, with what the last decision came to.
pub trait DynBatch: Send {
    /// [`Domain::handle`]. What happened is kept until the next call.
    fn handle(&mut self, message: &Message, context: &Context) -> Decision<Written>;
    /// [`Domain::evolve`], by one event of the last decision.
    ///
    /// # Errors
    /// The states have no room for it.
    fn evolve(
        &mut self,
        ordinal: usize,
        id: Uuid,
        time: Micros,
        position: i64,
    ) -> Result<(), FoldError>;
    /// [`Domain::resumes`], of one event of the last decision.
    fn resumes(&self, ordinal: usize) -> Vec<String>;
    /// [`Domain::side_data`], with the events of the last decision.
    ///
    /// # Errors
    /// It cannot be kept.
    fn side_data(&mut self, message: &Message) -> Result<(), FoldError>;
    /// [`Domain::save`].
    fn save<'a>(self: Box<Self>, tx: &'a mut WriteTx) -> BoxFuture<'a, Result<(), sqlx::Error>>
    where
        Self: 'a;
}

/// Why own events were not folded.
#[derive(Debug, thiserror::Error)]
pub enum Unfolded {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// The event at this position cannot be read by this build, or not be applied.
    #[error("position {position} cannot be folded: {reason}")]
    Event {
        /// Where it stands.
        position: i64,
        /// Why.
        reason: String,
    },
}

impl<D: Domain> DynDomain for D {
    fn service(&self) -> Service {
        D::SERVICE
    }

    fn lock(&self) -> Lock {
        D::LOCK
    }

    fn tables(&self) -> Tables {
        D::TABLES
    }

    fn facts_wait(&self) -> bool {
        D::FACTS_WAIT
    }

    fn decoded_later(&self) -> &'static [Topic] {
        D::DECODED_LATER
    }

    fn levels(&self) -> &'static [&'static str] {
        D::LEVELS
    }

    fn command_log(&self) -> &'static str {
        D::COMMAND_LOG
    }

    fn wants_facts<'a>(&'a self, pool: &'a PgPool) -> BoxFuture<'a, Result<bool, sqlx::Error>> {
        Box::pin(Domain::wants_facts(self, pool))
    }

    fn subject_of(&self, message: &Message) -> Option<String> {
        Domain::subject_of(self, message)
    }

    fn load<'a, 'd: 'a>(
        &'d self,
        tx: &'a mut WriteTx,
        messages: &'a [&'a Message],
    ) -> BoxFuture<'a, Result<Box<dyn DynBatch + 'd>, sqlx::Error>> {
        Box::pin(async move {
            let state = Domain::load(self, tx, messages).await?;
            let batch = Batch {
                domain: self,
                state,
                events: Vec::new(),
            };
            Ok(Box::new(batch) as Box<dyn DynBatch + 'd>)
        })
    }

    fn fold_own<'a>(
        &'a self,
        tx: &'a mut WriteTx,
        events: &'a [(i64, &'a Message)],
    ) -> BoxFuture<'a, Result<u64, Unfolded>> {
        Box::pin(fold_own(self, tx, events))
    }
}

async fn fold_own<D: Domain>(
    domain: &D,
    tx: &mut WriteTx,
    events: &[(i64, &Message)],
) -> Result<u64, Unfolded> {
    let unfolded = |position, reason| Unfolded::Event { position, reason };
    let (mut positions, mut messages, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for &(position, message) in events {
        let event = D::Event::read(message);
        if let Some(event) = event.map_err(|error| unfolded(position, error.to_string()))? {
            positions.push(position);
            messages.push(message);
            known.push(event);
        }
    }
    let mut batch = Batch {
        domain,
        state: domain.load(tx, &messages).await?,
        events: known,
    };
    for (ordinal, (&position, message)) in positions.iter().zip(&messages).enumerate() {
        let header = &message.header;
        let evolved = batch.evolve(ordinal, header.id, header.time, position);
        evolved.map_err(|error| unfolded(position, error.to_string()))?;
    }
    domain.save(tx, batch.state).await?;
    Ok(positions.len() as u64)
}

struct Batch<'d, D: Domain> {
    domain: &'d D,
    state: D::BatchState,
    /// Of the last decision, or what is folded.
    events: Vec<D::Event>,
}

impl<D: Domain> DynBatch for Batch<'_, D> {
    fn handle(&mut self, message: &Message, context: &Context) -> Decision<Written> {
        self.events.clear();
        match self.domain.handle(&self.state, message, context) {
            Decision::Events(events) => {
                let written = events.iter().map(Event::write).collect();
                self.events = events;
                Decision::Events(written)
            }
            Decision::Rejected(rejection) => Decision::Rejected(rejection),
            Decision::Noted => Decision::Noted,
            Decision::WaitFor { what, seconds } => Decision::WaitFor { what, seconds },
            Decision::DeadLetter(reason) => Decision::DeadLetter(reason),
        }
    }

    fn evolve(
        &mut self,
        ordinal: usize,
        id: Uuid,
        time: Micros,
        position: i64,
    ) -> Result<(), FoldError> {
        let recorded = Recorded {
            event: &self.events[ordinal],
            id,
            time,
            position,
        };
        self.domain.evolve(&mut self.state, &recorded)
    }

    fn resumes(&self, ordinal: usize) -> Vec<String> {
        self.domain.resumes(&self.events[ordinal])
    }

    fn side_data(&mut self, message: &Message) -> Result<(), FoldError> {
        let (domain, events) = (self.domain, &self.events);
        domain.side_data(&mut self.state, message, events)
    }

    fn save<'a>(self: Box<Self>, tx: &'a mut WriteTx) -> BoxFuture<'a, Result<(), sqlx::Error>>
    where
        Self: 'a,
    {
        Box::pin(self.domain.save(tx, self.state))
    }
}
