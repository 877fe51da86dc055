//! A read model: rows that are folded from others' events. It decides nothing, states nothing, and has no log.

use std::convert::Infallible;
use std::future::Future;

use schemas::{Message, Service};

use crate::domain::{COMMANDS_OF_INBOX, Context, Decision, Domain, FoldError, Recorded, Tables};
use crate::tx::{Lock, WriteTx};

/// What a follower shows of others' events, as the engine sees it. `fold` is pure; the rest is its SQL.
pub trait Projection: Send + Sync + 'static {
    /// Whose read models these are.
    const SERVICE: Service;
    /// What its tables are.
    const TABLES: Tables = Tables::NONE;
    /// How commands that were asked here are listed: see [`Domain::COMMAND_LOG`].
    const COMMAND_LOG: &'static str = COMMANDS_OF_INBOX;
    /// The rows that one batch changes.
    type BatchState: Send + Sync;

    /// Loads the rows that these events change: set-based, few statements however many events.
    fn load(
        &self,
        tx: &mut WriteTx,
        events: &[&Message],
    ) -> impl Future<Output = Result<Self::BatchState, sqlx::Error>> + Send;

    /// Why an event is in no row that there can be: then it becomes a dead letter, and nothing of it is folded.
    fn unusable(&self, _event: &Message) -> Option<String> {
        None
    }

    /// Notes what the event says.
    ///
    /// # Errors
    /// The rows have no room for it: the event goes to the retry queue.
    fn fold(&self, state: &mut Self::BatchState, event: &Message) -> Result<(), FoldError>;

    /// Saves the rows that changed: set-based, few statements.
    fn save(
        &self,
        tx: &mut WriteTx,
        state: Self::BatchState,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

impl<P: Projection> Domain for P {
    const SERVICE: Service = P::SERVICE;
    const LOCK: Lock = Lock::ReadModels;
    const TABLES: Tables = P::TABLES;
    const FACTS_WAIT: bool = true;
    const COMMAND_LOG: &'static str = P::COMMAND_LOG;
    type BatchState = P::BatchState;
    type Event = Infallible;

    async fn load(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> Result<Self::BatchState, sqlx::Error> {
        Projection::load(self, tx, messages).await
    }

    fn handle(&self, _: &Self::BatchState, message: &Message, _: &Context) -> Decision<Infallible> {
        self.unusable(message)
            .map_or(Decision::Noted, Decision::DeadLetter)
    }

    fn evolve(
        &self,
        _: &mut Self::BatchState,
        recorded: &Recorded<Infallible>,
    ) -> Result<(), FoldError> {
        match *recorded.event {}
    }

    fn side_data(
        &self,
        state: &mut Self::BatchState,
        message: &Message,
        _: &[Infallible],
    ) -> Result<(), FoldError> {
        self.fold(state, message)
    }

    async fn save(&self, tx: &mut WriteTx, state: Self::BatchState) -> Result<(), sqlx::Error> {
        Projection::save(self, tx, state).await
    }
}
