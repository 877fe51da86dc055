//! What a domain service gives to the road: how its states are loaded, decided upon, evolved and saved.

use std::future::Future;

use money::Micros;
use schemas::{Actor, Body, Header, Message, Service};
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
    /// The command is refused. Only for commands: a fact from elsewhere cannot be.
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
    /// It says what no correct sender does (an id of no form, a refund of nothing): set aside as dead at once, with this
    /// reason, until an operator decides.
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

/// A service's domain as the road sees it. `handle` and `evolve` are pure; the rest is its SQL.
pub trait Domain: Send + Sync + 'static {
    /// Whose domain this is.
    const SERVICE: Service;
    /// What its transactions own; read models have no log.
    const LOCK: Lock = Lock::Log;
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
