//! The end of the log as this process itself has just committed it, so that its relay need not read it back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::Topic;

use super::{LogRow, NewRow};

/// The most rows that are kept.
const ROWS: usize = 4_096;
/// The most bytes of their bodies.
const BYTES: usize = 2 * 1_024 * 1_024;

/// What this process committed last, without a gap: while somebody reads it, and up to a bound. What another process
/// committed in between is not here, and everything before it neither.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    readers: usize,
    epoch: i64,
    /// Every published row behind this position, up to `head`, is in `rows`.
    after: i64,
    head: i64,
    rows: VecDeque<Arc<LogRow>>,
    bytes: usize,
}

/// A stretch of one stream, out of memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The log's epoch.
    pub epoch: i64,
    /// As far as this process knows.
    pub head: i64,
    /// Everything of the stream up to here is in `rows`.
    pub through: i64,
    /// Oldest first.
    pub rows: Vec<Arc<LogRow>>,
}

impl Tail {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a transaction appended that has committed.
    pub(crate) fn note(&self, epoch: i64, appended: Vec<NewRow>) {
        let (Some(first), Some(last)) = (appended.first(), appended.last()) else {
            return;
        };
        let (before, head) = (first.position - 1, last.position);
        let mut kept = self.lock();
        if kept.readers == 0 || (epoch == kept.epoch && head <= kept.head) {
            return;
        }
        if epoch != kept.epoch || before != kept.head {
            kept.restart(epoch, before);
        }
        kept.head = head;
        kept.push(appended);
    }

    /// Has what is committed from now on kept, until the reader is dropped.
    pub(crate) fn read(&self) -> Reader {
        self.lock().readers += 1;
        Reader(self.clone())
    }
}

impl Kept {
    fn restart(&mut self, epoch: i64, after: i64) {
        self.rows.clear();
        (self.epoch, self.after, self.bytes) = (epoch, after, 0);
    }

    fn push(&mut self, appended: Vec<NewRow>) {
        for row in appended {
            if row.topic.is_some() {
                self.bytes += row.body.len();
                self.rows.push_back(Arc::new(row.into()));
            }
        }
        while self.rows.len() > ROWS || self.bytes > BYTES {
            let Some(oldest) = self.rows.pop_front() else {
                return;
            };
            self.bytes -= oldest.body.len();
            self.after = oldest.position;
        }
    }
}

/// Reads the end of the log.
#[derive(Debug)]
pub(crate) struct Reader(Tail);

impl Reader {
    /// What there is of a stream after a position, at most `limit` rows; nothing where that is not known here.
    pub(crate) fn after(
        &self,
        topic: Topic,
        partition: i32,
        after: i64,
        limit: usize,
    ) -> Option<Stretch> {
        let kept = self.0.lock();
        // Before anything was noted there is no epoch yet.
        if kept.epoch == 0 || after < kept.after || after > kept.head {
            return None;
        }
        let first = kept.rows.partition_point(|row| row.position <= after);
        let of_stream = |row: &&Arc<LogRow>| {
            row.topic.as_deref() == Some(topic.name()) && row.partition == Some(partition)
        };
        let rows = kept.rows.range(first..).filter(of_stream);
        let rows: Vec<_> = rows.take(limit).map(Arc::clone).collect();
        let through = match rows.last() {
            Some(last) if rows.len() >= limit => last.position,
            _ => kept.head,
        };
        Some(Stretch {
            epoch: kept.epoch,
            head: kept.head,
            through,
            rows,
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut kept = self.0.lock();
        kept.readers -= 1;
        if kept.readers == 0 {
            *kept = Kept::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Header, Service};
    use types::Micros;
    use uuid::Uuid;

    use super::*;

    const TOPIC: Topic = Topic::TrackingEvents;

    fn row(position: i64, partition: Option<i32>, bytes: usize) -> NewRow {
        NewRow {
            position,
            topic: partition.map(|_| TOPIC),
            partition,
            schema_id: 1,
            header: Header {
                id: Uuid::from_u128(u128::try_from(position).unwrap()),
                kind: "conversion.tracked.v1".to_owned(),
                source: Service::Tracking.name().to_owned(),
                subject: "conv1".to_owned(),
                key: "conv1".to_owned(),
                time: Micros(position),
                epoch: Some(1),
                sequence: partition.map(|_| position),
                correlation_id: Uuid::nil(),
                causation_id: None,
                outcome_of: None,
                actor: None,
                traceparent: None,
            },
            body: vec![0; bytes],
        }
    }

    fn rows(positions: std::ops::RangeInclusive<i64>) -> Vec<NewRow> {
        positions.map(|at| row(at, Some(0), 10)).collect()
    }

    fn positions(found: Option<Stretch>) -> Option<Vec<i64>> {
        Some(found?.rows.iter().map(|row| row.position).collect())
    }

    #[test]
    fn of_a_log_that_nothing_was_noted_of_nothing_is_known() {
        let reader = Tail::default().read();
        assert_eq!(positions(reader.after(TOPIC, 0, 0, 500)), None);
    }

    #[test]
    fn what_was_committed_one_after_the_other_is_read_from_any_place_of_it() {
        let tail = Tail::default();
        let reader = tail.read();
        tail.note(1, rows(5..=6));
        tail.note(1, rows(7..=9));
        let read = |after| positions(reader.after(TOPIC, 0, after, 500));
        assert_eq!(read(3), None, "position 4 is not known here");
        assert_eq!(read(4), Some(vec![5, 6, 7, 8, 9]));
        assert_eq!(read(6), Some(vec![7, 8, 9]));
        assert_eq!(read(9), Some(vec![]));
        assert_eq!(read(10), None);
        let limited = reader.after(TOPIC, 0, 4, 2).unwrap();
        assert_eq!((limited.through, limited.head), (6, 9));
        assert_eq!(reader.after(TOPIC, 0, 6, 4).unwrap().through, 9);
    }

    #[test]
    fn what_another_process_committed_in_between_makes_it_begin_anew() {
        let tail = Tail::default();
        let reader = tail.read();
        tail.note(1, rows(1..=3));
        tail.note(1, rows(6..=7));
        assert_eq!(positions(reader.after(TOPIC, 0, 3, 500)), None);
        assert_eq!(positions(reader.after(TOPIC, 0, 5, 500)), Some(vec![6, 7]));
        // Two transactions of this process may be noted the other way round.
        tail.note(1, rows(4..=5));
        assert_eq!(positions(reader.after(TOPIC, 0, 5, 500)), Some(vec![6, 7]));
        assert_eq!(positions(reader.after(TOPIC, 0, 3, 500)), None);
    }

    #[test]
    fn another_epoch_begins_anew_also_where_the_log_is_shorter_now() {
        let tail = Tail::default();
        let reader = tail.read();
        tail.note(1, rows(1..=9));
        tail.note(2, rows(4..=4));
        let found = reader.after(TOPIC, 0, 3, 500).unwrap();
        assert_eq!((found.epoch, found.head), (2, 4));
        assert_eq!(reader.after(TOPIC, 0, 8, 500), None);
    }

    #[test]
    fn a_stream_reads_its_own_rows_and_passes_over_the_others() {
        let tail = Tail::default();
        let reader = tail.read();
        let mixed = vec![
            row(1, Some(1), 10),
            row(2, None, 10),
            row(3, Some(0), 10),
            row(4, None, 10),
        ];
        tail.note(1, mixed);
        let found = reader.after(TOPIC, 0, 0, 500).unwrap();
        assert_eq!((found.through, found.rows.len()), (4, 1));
        let other = reader.after(Topic::TrackingCommands, 0, 0, 500);
        assert_eq!(positions(other), Some(vec![]));
    }

    #[test]
    fn it_keeps_no_more_rows_nor_bytes_than_its_bounds() {
        let tail = Tail::default();
        let reader = tail.read();
        let many = i64::try_from(ROWS).unwrap() + 10;
        tail.note(1, rows(1..=many));
        assert_eq!(reader.after(TOPIC, 0, 9, 1), None);
        assert_eq!(
            positions(reader.after(TOPIC, 0, 10, 1)),
            Some(vec![11]),
            "the oldest ten are gone"
        );
        tail.note(1, vec![row(many + 1, Some(0), BYTES)]);
        assert_eq!(
            positions(reader.after(TOPIC, 0, many, 500)),
            Some(vec![many + 1])
        );
        assert_eq!(reader.after(TOPIC, 0, many - 1, 500), None);
    }

    #[test]
    fn nothing_is_kept_while_nobody_reads() {
        let tail = Tail::default();
        tail.note(1, rows(1..=3));
        let reader = tail.read();
        assert_eq!(reader.after(TOPIC, 0, 1, 500), None);
        tail.note(1, rows(4..=5));
        assert_eq!(positions(reader.after(TOPIC, 0, 3, 500)), Some(vec![4, 5]));
        drop(reader);
        let reader = tail.read();
        assert_eq!(reader.after(TOPIC, 0, 3, 500), None);
    }
}
