//! The last events of all streams, in the order in which they were read, for everybody who reads along.

use std::collections::VecDeque;
use std::sync::Arc;

use super::cursor::{Cursor, Place, Stream};
use crate::related::Found;
use crate::related::visible::Owners;

/// Events that are kept at most.
const MAX_EVENTS: usize = 2_000;

/// An event of a stream.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) stream: Stream,
    pub(super) place: Place,
    pub(super) found: Found,
    /// Whose things it is about.
    pub(super) owners: Arc<Owners>,
}

/// The events behind one cursor and up to another.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// The number of the first that is kept; each has the next number.
    first: u64,
    entries: VecDeque<Arc<Entry>>,
    /// What was before the first.
    base: Cursor,
    /// What was up to the last.
    head: Cursor,
}

impl Ring {
    /// Begins there.
    pub(super) fn begin(&mut self, stream: Stream, place: Place) {
        self.base.set(stream, place);
        self.head.set(stream, place);
    }

    /// The number that the next has.
    pub(super) fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn base(&self) -> &Cursor {
        &self.base
    }

    pub(super) fn head(&self) -> &Cursor {
        &self.head
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.head.set(entry.stream, entry.place);
        self.entries.push_back(Arc::new(entry));
        if self.entries.len() > MAX_EVENTS
            && let Some(gone) = self.entries.pop_front()
        {
            self.first += 1;
            self.base.set(gone.stream, gone.place);
        }
    }

    /// So many from this number on; `None` when some of them are kept no more.
    pub(super) fn from(&self, number: u64, count: usize) -> Option<Vec<Arc<Entry>>> {
        let skipped = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let entries = self.entries.iter().skip(skipped).take(count);
        Some(entries.cloned().collect())
    }
}
