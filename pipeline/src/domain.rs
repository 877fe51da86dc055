//! What a domain service gives to the road: how its states are loaded, decided upon, evolved and saved.

use std::future::Future;

use money::Micros;
use schemas::{Actor, Body, Header, Message, Service};
use uuid::Uuid;

use crate::event_store;
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

/// Why a command was refused. It becomes `command.rejected.v1`, and a problem at an HTTP edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// One of the service's closed list.
    pub code: &'static str,
    /// For the person who asked.
    pub detail: String,
    /// JSON pointer to the offending field, where there is one.
    pub pointer: Option<String>,
}

/// What a decision came to.
#[derive(Debug)]
pub enum Verdict<E> {
    /// What happened: never empty.
    Events(Vec<E>),
    /// The command is refused. A fact from elsewhere cannot be: one of which this is said is set aside, as with
    /// [`Verdict::SetAside`].
    Rejected(Rejection),
    /// A read model takes note (in [`Domain::aside`]); nothing happened here. Only where there is no log.
    Noted,
    /// Another aggregate must be known first: the message is parked until an event `wakes` this, or the deadline comes.
    WaitFor {
        /// The name that [`Domain::wakes`] will give, such as `campaign:camp123`.
        what: String,
        /// How long, in seconds from now.
        seconds: i64,
    },
    /// It says what this build cannot read or no correct sender says (an id of no form, a currency of a later build, a refund
    /// of nothing): set aside as dead at once, with this reason, until an operator decides. Others go on.
    SetAside(String),
}

/// How an event travels.
#[derive(Debug)]
pub struct Emit {
    /// Routes it to a partition.
    pub key: String,
    /// The aggregate's id.
    pub subject: String,
    /// False keeps it in the log only (`own` kinds).
    pub published: bool,
    /// The wire record.
    pub body: Body,
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

/// What each table of a service's database is: every one stands in one of these lists, and only here.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// The fold of the service's own events (of a read model: of those that it follows), so a replay makes them again.
    pub folds: &'static [&'static str],
    /// What no event carries; a replay leaves it alone. Those of another Postgres schema with its name: `aside.calls`.
    pub sides: &'static [&'static str],
    /// (table, column) of folds that depend on how streams met, and so differ from one fold to the next.
    pub run_dependent: &'static [(&'static str, &'static str)],
    /// The rows that migrations put into folds, as SQL that names no schema.
    pub seeds: &'static [&'static str],
    /// Counts changes of what is folded: one more whenever rows of the same events come out otherwise than before.
    pub fold_version: i32,
}

impl Tables {
    /// Of a domain without tables of its own.
    pub const NONE: Self = Self {
        folds: &[],
        sides: &[],
        run_dependent: &[],
        seeds: &[],
        fold_version: 1,
    };
}

/// A service's domain as the road sees it. `handle` and `evolve` are pure; the rest is its SQL.
pub trait Domain: Send + Sync + 'static {
    /// Whose domain this is.
    const SERVICE: Service;
    /// What its transactions own; read models have no log.
    const LOCK: Lock = Lock::Log;
    /// What its tables are.
    const TABLES: Tables = Tables::NONE;
    /// How its commands are listed: see [`event_store::commands`].
    const COMMAND_LOG: &'static str = event_store::COMMANDS_OF_INBOX;
    /// The states that one batch touches.
    type World: Send + Sync;
    /// What can happen here.
    type Event: Send + Sync;

    /// Loads every state that handling these messages (commands, facts from elsewhere, or own events on replay) can
    /// touch: set-based, one or two queries however many messages.
    fn load(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> impl Future<Output = Result<Self::World, sqlx::Error>> + Send;

    /// What a foreign producer's command is about, where that follows from what it says: then its sender need not know how
    /// ids are derived. `None` where the sender chooses the id, or knows it.
    fn subject_of(&self, _message: &Message) -> Option<String> {
        None
    }

    /// Decides upon a command, or reacts to a fact.
    fn handle(
        &self,
        world: &Self::World,
        message: &Message,
        context: &Context,
    ) -> Verdict<Self::Event>;

    /// Applies what happened to the states.
    fn evolve(&self, world: &mut Self::World, event: &Recorded<Self::Event>);

    /// The wire form of an event.
    fn emit(&self, event: &Self::Event) -> Emit;

    /// An own event read back from the log; `None` for what is no event of the domain (a rejection).
    fn own_event(&self, message: &Message) -> Option<Self::Event>;

    /// Notes what belongs in mutable side tables and in no event (metadata, sealed details). Not called on replay.
    fn aside(&self, _world: &mut Self::World, _message: &Message, _events: &[Self::Event]) {}

    /// Saves the states that changed: set-based, few statements.
    fn save(
        &self,
        tx: &mut WriteTx,
        world: Self::World,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// What waiting messages may now be handled.
    fn wakes(&self, _event: &Self::Event) -> Vec<String> {
        Vec::new()
    }
}
