//! Where a database's streams stand, and what a process remembers of that between its own transactions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemas::Topic;
use types::Micros;

use crate::stream::{StreamId, Watermark};

/// Where the streams of a database stand: those of its own log, and those that it follows.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownStreams {
    /// The last sequence of each stream of the log.
    pub streams: HashMap<(Topic, i32), i64>,
    /// The last handled message of each stream that is followed.
    pub watermarks: HashMap<StreamId, Watermark>,
    /// The newest epoch of each source that an operator accepted.
    pub accepted: HashMap<String, i64>,
    /// Streams that are halted and were not accepted yet, with the epoch that came.
    pub halted: HashMap<(String, String, i32), i64>,
}

/// The row of the log's head as a transaction left it: who wrote it, and what it says. A database that was restored under a running process
/// may give a transaction's number again, and not with the same end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// The number of the transaction, as `xmin` has it.
    pub written_by: i64,
    /// The log's last position.
    pub position: i64,
    /// The time of its last message.
    pub last_time: Micros,
}

/// What a process knows from its own last batch, while nobody wrote after it and the retry queue is empty.
///
/// Each transaction that has the log's lock writes the row of `pipeline.log_head`, whatever else it writes: so that row's `xmin`, read under
/// the lock, says whether what is remembered is all that there is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    last: Arc<Mutex<Option<(Left, KnownStreams)>>>,
    passed_by: Arc<Mutex<Option<PassedBy>>>,
}

/// Transactions of this process, one after the other with none in between, in which all messages were passed by: there is nothing new for a
/// job.
#[derive(Debug, Clone, Copy)]
struct PassedBy {
    /// Who wrote before the first of them.
    since: i64,
    /// The last of them.
    last: i64,
}

impl Memory {
    /// What the transaction that wrote last left, if it is the one that is remembered. It is taken out: whoever has it puts back what it
    /// leaves itself.
    pub(crate) fn take(&self, found: Left) -> Option<KnownStreams> {
        let mut kept = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, known) = kept.take()?;
        (left == found).then_some(known)
    }

    /// Remembers what this transaction left, once it has committed.
    pub(crate) fn put(&self, left: Left, known: KnownStreams) {
        let mut kept = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((left, known));
    }

    /// Notes that a transaction passed everything by, and who wrote before it.
    pub(crate) fn note_passed_by(&self, before: i64, written_by: i64) {
        let mut passed_by = self
            .passed_by
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let earlier = passed_by.filter(|it| it.last == before);
        *passed_by = Some(PassedBy {
            since: earlier.map_or(before, |it| it.since),
            last: written_by,
        });
    }

    /// Who wrote the row of the log's head last, but for transactions in which this process passed everything by.
    pub(crate) fn written_by(&self, found: i64) -> i64 {
        let passed_by = self
            .passed_by
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let here = passed_by.filter(|it| it.last == found);
        here.map_or(found, |it| it.since)
    }
}
