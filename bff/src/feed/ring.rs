//! The last events of all streams, in the order in which they were read, for everybody who reads along.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;

use serde_json::Value;

use super::cursor::{Cursor, Place, Stream};
use crate::related::Found;
use crate::related::visible::Owners;

/// Events that are kept at most.
const MAX_EVENTS: usize = 2_000;
/// What they may be as JSON, in bytes, beyond the last one: some kinds list hundreds of transfers.
const MAX_BYTES: usize = 8 * 1024 * 1024;

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
    entries: VecDeque<(Arc<Entry>, usize)>,
    bytes: usize,
    /// What was before the first.
    base: Cursor,
    /// What was up to the last.
    head: Cursor,
    /// Where in their logs the last of each stream are that were pushed.
    positions: HashMap<Stream, i64>,
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

    /// Where a stream goes on: its last place, and where in its log that is, if it was read from there. `None` before it begins.
    pub(super) fn end(&self, stream: Stream) -> Option<(Place, Option<i64>)> {
        let is_there = self.head.has(stream);
        is_there.then(|| (self.head.at(stream), self.positions.get(&stream).copied()))
    }

    /// Takes what comes behind that place of a stream; nothing when it ends elsewhere, since this is not the ring that it was read for.
    pub(super) fn go_on(&mut self, stream: Stream, behind: Place, part: Vec<Entry>) {
        if self.end(stream).is_some_and(|(end, _)| end == behind) {
            for entry in part {
                self.push(entry);
            }
        }
    }

    fn push(&mut self, entry: Entry) {
        self.positions
            .insert(entry.stream, entry.found.row.position);
        let bytes = entry.found.row.payload.as_ref().map_or(0, json_bytes);
        self.head.set(entry.stream, entry.place);
        self.entries.push_back((Arc::new(entry), bytes));
        self.bytes += bytes;
        while self.entries.len() > MAX_EVENTS || self.bytes > MAX_BYTES && self.entries.len() > 1 {
            let Some((gone, bytes)) = self.entries.pop_front() else {
                return;
            };
            self.first += 1;
            self.bytes -= bytes;
            self.base.set(gone.stream, gone.place);
        }
    }

    /// So many from this number on; `None` when some of them are kept no more.
    pub(super) fn from(&self, number: u64, count: usize) -> Option<Vec<Arc<Entry>>> {
        let skipped = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let entries = self.entries.iter().skip(skipped).take(count);
        Some(entries.map(|(entry, _)| Arc::clone(entry)).collect())
    }
}

fn json_bytes(value: &Value) -> usize {
    struct Counter(usize);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    let _counted = serde_json::to_writer(&mut counter, value);
    counter.0
}

#[cfg(test)]
mod tests {
    use messaging::related::RelatedMessage;
    use schemas::{Service, Topic};
    use types::Uuid;

    use super::*;

    fn entry(sequence: i64, payload: String) -> Entry {
        let topic = Topic::PaymentEvents.name();
        let row = RelatedMessage {
            position: sequence,
            id: Uuid::nil(),
            kind: "ledger.posted.v1".to_owned(),
            topic: topic.to_owned(),
            published: true,
            partition: Some(0),
            epoch: Some(1),
            sequence: Some(sequence),
            key: String::new(),
            subject: String::new(),
            time: 0,
            correlation_id: Uuid::nil(),
            causation_id: None,
            outcome_of: None,
            actor: None,
            payload: Some(Value::String(payload)),
        };
        let found = Found {
            service: Service::Payment,
            row,
            body: None,
            is_wanted: false,
        };
        Entry {
            stream: Stream::of(topic, 0).unwrap(),
            place: Place { epoch: 1, sequence },
            found,
            owners: Arc::default(),
        }
    }

    #[test]
    fn a_part_that_was_read_for_an_earlier_ring_is_not_taken() {
        let stream = Stream::of(Topic::PaymentEvents.name(), 0).unwrap();
        let at = |sequence| Place { epoch: 1, sequence };
        let part = || vec![entry(8, String::new())];
        let mut ring = Ring::default();
        ring.go_on(stream, at(7), part());
        assert_eq!(ring.end(stream), None, "of none of its streams");
        ring.begin(stream, at(300));
        ring.go_on(stream, at(7), part());
        assert_eq!(ring.end(stream), Some((at(300), None)), "of another place");
        let mut ring = Ring::default();
        ring.begin(stream, at(7));
        ring.go_on(stream, at(7), part());
        assert_eq!(ring.end(stream), Some((at(8), Some(8))));
    }

    #[test]
    fn the_ring_keeps_so_many_events_and_so_many_bytes_and_the_last_one_always() {
        let mut ring = Ring::default();
        for sequence in 1..=3_000 {
            ring.push(entry(sequence, String::new()));
        }
        assert_eq!((ring.first(), ring.next()), (1_000, 3_000));
        let left_behind = ring.from(999, 10);
        assert!(left_behind.is_none(), "who reads too slowly is cut");
        assert_eq!(ring.from(1_000, 10).unwrap().len(), 10);
        ring.push(entry(3_001, "x".repeat(MAX_BYTES)));
        assert_eq!((ring.first(), ring.next()), (3_000, 3_001));
        assert_eq!(
            ring.base()
                .at(Stream::of(Topic::PaymentEvents.name(), 0).unwrap())
                .sequence,
            3_000
        );
        ring.push(entry(3_002, "x".repeat(MAX_BYTES / 2)));
        assert_eq!(ring.from(ring.first(), 10).unwrap().len(), 1);
        ring.push(entry(3_003, "x".repeat(MAX_BYTES / 4)));
        assert_eq!(ring.from(ring.first(), 10).unwrap().len(), 2);
    }
}
