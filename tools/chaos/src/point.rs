//! Named points: moments in the life of a message that are seen on the wire, and traps that wait for them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::link::ReplicaId;
use devstack::stack::{Identity, Signal};

types::names! {
    /// A frame that means something, by the name that reports give it.
    pub enum Point {
        /// A service's `COMMIT` on its way to Postgres.
        Commit = "commit",
        /// Postgres' answer to it: withheld, the service cannot know.
        Committed = "committed",
        /// An entry on its way to the broker.
        Send = "send",
        /// The broker's receipt for it.
        Receipt = "receipt",
        /// An entry on its way to a consumer.
        Message = "message",
        /// A consumer's acknowledgement.
        Ack = "ack",
        /// A write on its way to a service, by HTTP.
        Request = "request",
        /// Its answer.
        Answer = "answer",
        /// A payout on its way to the provider.
        Submit = "submit",
        /// The provider's answer.
        Submitted = "submitted",
    }
}

/// Before its frame is passed on, which then never is, or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Moment {
    /// The frame does not arrive.
    Before,
    /// The frame arrives.
    After,
}

/// What is done at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deed {
    /// SIGKILL to the process.
    Kill,
    /// SIGSTOP to the process; whoever armed it thaws it. The frame arrives.
    Freeze,
    /// The connection is reset.
    Cut,
}

/// A deed that waits for a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Whose frames, and who suffers.
    pub victim: ReplicaId,
    /// Which.
    pub point: Point,
    /// When.
    pub moment: Moment,
    /// What.
    pub deed: Deed,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deed = match self.deed {
            Deed::Kill => "kill",
            Deed::Freeze => "freeze",
            Deed::Cut => "cut",
        };
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::After => "after",
        };
        write!(f, "{deed} {} {moment} {}", self.victim, self.point.name())
    }
}

/// The processes that run, and the traps that are armed. Each trap springs once.
#[derive(Debug, Default)]
pub struct Traps {
    processes: Mutex<HashMap<ReplicaId, Identity>>,
    armed: Mutex<Vec<Trap>>,
    doomed: Mutex<HashSet<ReplicaId>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Traps {
    /// Notes the process that a replica is now.
    pub fn is_now(&self, replica: ReplicaId, process: Identity) {
        lock(&self.processes).insert(replica, process);
    }

    /// The process that a replica is now, if it runs.
    pub fn process(&self, replica: ReplicaId) -> Option<Identity> {
        let process = lock(&self.processes).get(&replica).cloned();
        process.filter(Identity::is_alive)
    }

    /// Sends a signal to a replica. False when it does not run.
    pub fn signal(&self, replica: ReplicaId, signal: Signal) -> bool {
        let alive = self.process(replica);
        if let Some(process) = &alive {
            if matches!(signal, Signal::KILL | Signal::TERM) {
                lock(&self.doomed).insert(replica);
            }
            process.signal(signal);
        }
        alive.is_some()
    }

    /// Whether a replica that has ended was made to. To be asked once for each end.
    pub fn was_doomed(&self, replica: ReplicaId) -> bool {
        lock(&self.doomed).remove(&replica)
    }

    /// Arms one.
    pub fn arm(&self, trap: Trap) {
        lock(&self.armed).push(trap);
    }

    /// Disarms it. False when it has sprung.
    pub fn disarm(&self, trap: Trap) -> bool {
        let mut armed = lock(&self.armed);
        let found = armed.iter().position(|other| *other == trap);
        if let Some(index) = found {
            armed.swap_remove(index);
        }
        found.is_some()
    }

    /// Still waiting?
    pub fn is_armed(&self, trap: Trap) -> bool {
        lock(&self.armed).contains(&trap)
    }

    /// A point was met: does what is to be done, and says what that was.
    pub(super) fn meet(&self, victim: ReplicaId, point: Point, moment: Moment) -> Option<Deed> {
        let mut armed = lock(&self.armed);
        let met =
            |trap: &Trap| trap.victim == victim && trap.point == point && trap.moment == moment;
        let trap = armed.iter().position(met).map(|i| armed.swap_remove(i))?;
        drop(armed);
        match trap.deed {
            Deed::Kill => self.signal(victim, Signal::KILL),
            Deed::Freeze => self.signal(victim, Signal::STOP),
            Deed::Cut => true,
        };
        Some(trap.deed)
    }
}
