//! What a domain service gives to messaging: how its states are loaded, decided upon, evolved and saved.

use std::future::Future;

use schemas::{Actor, Header, Message, Rejection, Service, Topic};
use sqlx::PgPool;
use thiserror::Error;
use types::Micros;
use uuid::Uuid;

use crate::tx::{Lock, WriteTx};

/// What a decision may know besides state and message.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Our time for the whole batch, read under the writer lock.
    pub now: Micros,
    /// The header of the message that is decided upon.
    pub header: &'a Header,
}

impl<'a> Context<'a> {
    /// Who asked; `None` is the system itself.
    pub fn actor(&self) -> Option<&'a Actor> {
        self.header.actor.as_ref()
    }

    /// The id of the message that is decided upon: ids of new aggregates derive from it.
    pub fn cause(&self) -> Uuid {
        self.header.id
    }
}

/// What a decision came to.
#[derive(Debug)]
pub enum Decision<E> {
    /// What happened: never empty.
    Events(Vec<E>),
    /// The command is refused. A fact from elsewhere cannot be: one of which this is said becomes a dead letter, as with
    /// [`Decision::DeadLetter`].
    Rejected(Rejection),
    /// Something is noted (in [`Domain::side_data`]); nothing happened here. Of a fact alone: by a read model, or where what follows on it
    /// is in no state, such as what is sent to strangers.
    Noted,
    /// Another aggregate must be known first: the message is parked until an event `resumes` this, or the deadline comes.
    WaitFor {
        /// The name that [`Domain::resumes`] will give, such as `campaign:camp123`.
        what: String,
        /// How long, in seconds from now.
        seconds: i64,
    },
    /// It says what this build cannot read or no correct sender says (an id of no form, a currency of a later build, a refund
    /// of nothing): a dead letter at once, with this reason, until an operator decides. Others go on.
    DeadLetter(String),
}

impl<E> From<Result<Vec<E>, Rejection>> for Decision<E> {
    fn from(decided: Result<Vec<E>, Rejection>) -> Self {
        decided.map_or_else(Self::Rejected, Self::Events)
    }
}

impl<E> From<Result<E, Rejection>> for Decision<E> {
    fn from(decided: Result<E, Rejection>) -> Self {
        decided.map(|event| vec![event]).into()
    }
}

/// An event with its place in the log.
#[derive(Debug)]
pub struct Recorded<'a, E> {
    /// What happened.
    pub event: &'a E,
    /// Its message id.
    pub id: Uuid,
    /// When, in our time.
    pub time: Micros,
    /// Where in this database's log.
    pub position: i64,
}

/// The states cannot take what happened; why is for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("it cannot be applied: {0}")]
pub struct FoldError(pub String);

/// What each table of a service's database is: every one stands in one of these lists, and only here.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// The fold of the service's own events (of a read model: of those that it follows), so a replay makes them again.
    pub folds: &'static [&'static str],
    /// What no event carries; a replay leaves it alone. Those of another Postgres schema with its name: `aside.calls`.
    pub sides: &'static [&'static str],
    /// (table, column) of folds that depend on how streams met, and so differ from one fold to the next.
    pub run_dependent: &'static [(&'static str, &'static str)],
    /// What a job keeps of folds. Among a replay's copies it begins as [`Self::seeds`] has it, is not compared, and comes in place with them:
    /// the job makes it anew.
    pub derived: &'static [&'static str],
    /// The rows that migrations put into folds and what is derived, as SQL that names no schema.
    pub seeds: &'static [&'static str],
    /// Counts changes of what is folded: one more whenever rows of the same events come out otherwise than before.
    pub fold_version: i32,
}

impl Tables {
    /// Of a domain without tables of its own.
    pub const NONE: Self = Self {
        folds: &[],
        sides: &[],
        derived: &[],
        run_dependent: &[],
        seeds: &[],
        fold_version: 1,
    };

    /// Those that a replay makes copies of, and puts in place: the folds, and what is derived of them.
    pub fn replayed(&self) -> Vec<&'static str> {
        [self.folds, self.derived].concat()
    }
}

/// How the commands of a service that decides are listed.
pub(crate) const COMMANDS_OF_INBOX: &str =
    "SELECT l.position, i.id, i.type, i.subject, i.actor, i.received_at, i.state, i.code
  FROM pipeline.message_log l JOIN pipeline.inbox i ON i.id = l.outcome_of WHERE true";

/// A service's domain as the engine sees it. `handle` and `evolve` are pure; the rest is its SQL.
pub trait Domain: Send + Sync + 'static {
    /// Whose domain this is.
    const SERVICE: Service;
    /// What its transactions own; read models have no log.
    const LOCK: Lock = Lock::Log;
    /// What its tables are.
    const TABLES: Tables = Tables::NONE;
    /// Whether what others state may wait for company until the batch before it is a quarter of a second old, so that a batch has many: where
    /// nobody waits for what comes of it, or who does holds a [`crate::Hurry`].
    const FACTS_WAIT: bool = false;
    /// Topics of which often nobody wants the facts: those that come by the broker are decoded once [`Domain::wants_facts`] says so,
    /// and passed by otherwise.
    const DECODED_LATER: &'static [Topic] = &[];
    /// Kinds of facts that tell how something is and not that it turned: what their source lost in a restore and has decided again is handled
    /// like any other, where else it is a dead letter.
    const LEVELS: &'static [&'static str] = &[];
    /// The statement that lists its commands by their place in the log, for operators: `l.position` is that place.
    const COMMAND_LOG: &'static str = COMMANDS_OF_INBOX;
    /// The states that one batch touches.
    type BatchState: Send + Sync;
    /// What can happen here.
    type Event: schemas::Event + Send + Sync;

    /// Loads every state that handling these messages (commands, facts from elsewhere, or own events on replay) can
    /// touch: set-based, one or two queries however many messages.
    fn load(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> impl Future<Output = Result<Self::BatchState, sqlx::Error>> + Send;

    /// Whether somebody wants the facts of [`Domain::DECODED_LATER`] now. It is asked after they came: whoever wants those that are stated
    /// after its wish was committed is found.
    fn wants_facts(&self, pool: &PgPool) -> impl Future<Output = Result<bool, sqlx::Error>> + Send {
        let _ = pool;
        std::future::ready(Ok(true))
    }

    /// What an external producer's command is about, where that follows from what it says: then its sender need not know how
    /// ids are derived. `None` where the sender chooses the id, or knows it.
    fn subject_of(&self, _message: &Message) -> Option<String> {
        None
    }

    /// Decides upon a command, or reacts to a fact.
    fn handle(
        &self,
        state: &Self::BatchState,
        message: &Message,
        context: &Context,
    ) -> Decision<Self::Event>;

    /// Applies what happened to the states.
    ///
    /// # Errors
    /// The states have no room for it: the message that it came of fails, and a replay stops at it.
    fn evolve(
        &self,
        state: &mut Self::BatchState,
        event: &Recorded<Self::Event>,
    ) -> Result<(), FoldError>;

    /// Notes what belongs in mutable side tables and in no event (metadata, sealed details). Not called on replay.
    ///
    /// # Errors
    /// It cannot be kept: the message fails.
    fn side_data(
        &self,
        _state: &mut Self::BatchState,
        _message: &Message,
        _events: &[Self::Event],
    ) -> Result<(), FoldError> {
        Ok(())
    }

    /// Saves the states that changed: set-based, few statements.
    fn save(
        &self,
        tx: &mut WriteTx,
        state: Self::BatchState,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// What waiting messages may now be handled.
    fn resumes(&self, _event: &Self::Event) -> Vec<String> {
        Vec::new()
    }
}
