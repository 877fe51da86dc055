//! What a process ships: its own commits out of memory, others' out of the table, and no more once its cursor is another's.

use std::sync::{Arc, Mutex};

use messaging::relay::{self, Entry, Shipped, Source, Start, Transport, TransportError};
use messaging::{Health, Lookups, SchemaIds, Tasks, Watermark, WriteTx, Writer, advance, clock};
use runtime::testing::until;
use schemas::Service;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::lab::{FACTS, counted, database, messages_read};
use crate::restores::fact;
use crate::streams::sparse_log;

/// Takes everything, and remembers in which order.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<i64>>>);

impl Recorder {
    fn sequences(&self) -> Vec<i64> {
        self.0.lock().unwrap().clone()
    }
}

impl Transport for Recorder {
    fn name(&self) -> String {
        "recorder".to_owned()
    }

    async fn open(&mut self, _epoch: i64) -> Result<Start, TransportError> {
        Ok(Start::Cursor)
    }

    async fn ship(&mut self, entry: &Entry) -> Result<Shipped, TransportError> {
        let sequences = entry.rows.iter().filter_map(|row| row.sequence);
        self.0.lock().unwrap().extend(sequences);
        Ok(Shipped::Acknowledged)
    }

    fn close(&mut self) {}
}

/// The same by a transport that begins behind what its follower has.
struct Follower(Recorder, i64);

impl Transport for Follower {
    fn name(&self) -> String {
        "follower".to_owned()
    }

    async fn open(&mut self, _epoch: i64) -> Result<Start, TransportError> {
        let stands = Watermark {
            sequence: self.1,
            time: None,
        };
        Ok(Start::After(stands))
    }

    async fn ship(&mut self, entry: &Entry) -> Result<Shipped, TransportError> {
        self.0.ship(entry).await?;
        let last = entry.rows.last().and_then(|row| row.sequence);
        Ok(Shipped::Handled(last.unwrap_or(0)))
    }

    fn close(&mut self) {}
}

/// A process on commission's database.
struct Process {
    pool: PgPool,
    writer: Writer,
    committed: Arc<watch::Sender<i64>>,
}

impl Process {
    fn on(pool: &PgPool, schema_ids: &SchemaIds) -> Self {
        Self {
            pool: pool.clone(),
            writer: Writer::of(Service::Commission, 1, schema_ids.clone()),
            committed: Arc::new(watch::Sender::new(0)),
        }
    }

    async fn append(&self, count: usize) {
        let mut tx = WriteTx::begin(&self.pool, &self.writer, Lookups::default())
            .await
            .unwrap();
        for _ in 0..count {
            tx.append(fact()).unwrap();
        }
        advance(&self.committed, tx.commit().await.unwrap());
    }

    fn ship(&self, recorder: &Recorder, relay_epoch: i64) -> Tasks {
        self.ship_by(recorder.clone(), relay_epoch)
    }

    fn ship_by(&self, transport: impl Transport, relay_epoch: i64) -> Tasks {
        let source = Source {
            pool: self.pool.clone(),
            writer: self.writer.clone(),
            committed: self.committed.subscribe(),
            spans: None,
        };
        let tasks = Tasks::new(CancellationToken::new());
        let (health, stop) = (Health::default(), tasks.stop().clone());
        let shipping = relay::ship(source, transport, FACTS, 0, relay_epoch, health, stop);
        tasks.spawn("relay", shipping);
        tasks
    }
}

#[tokio::test]
async fn what_two_processes_commit_in_turn_is_shipped_once_each_and_in_order() {
    let (pool, schema_ids) = database().await;
    let (ours, others) = (
        Process::on(&pool, &schema_ids),
        Process::on(&pool, &schema_ids),
    );
    let recorder = Recorder::default();
    let tasks = ours.ship(&recorder, 1);
    let mut count = 0;
    for round in 0..20 {
        // Sometimes several one after the other, as under load.
        for _ in 0..=round % 3 {
            ours.append(2).await;
        }
        others.append(3).await;
        count += 2 * (round % 3 + 1) + 3;
    }
    // The last is another's, of which this process hears from nobody here.
    until("all are shipped", || async {
        recorder.sequences().len() >= count
    })
    .await;
    let expected: Vec<i64> = (1..=i64::try_from(count).unwrap()).collect();
    assert_eq!(recorder.sequences(), expected);
    tasks.stop().cancel();
}

#[tokio::test]
async fn a_process_whose_cursor_is_anothers_stops_although_it_ships_its_own_commits() {
    let (pool, schema_ids) = database().await;
    let process = Process::on(&pool, &schema_ids);
    let recorder = Recorder::default();
    let tasks = process.ship(&recorder, 1);
    process.append(1).await;
    until("it ships", || async { !recorder.sequences().is_empty() }).await;
    let mut connection = pool.acquire().await.unwrap();
    relay::rewind(&mut connection, FACTS, 0, 0).await.unwrap();
    until("it stops", || async {
        process.append(1).await;
        tasks.stop().is_cancelled()
    })
    .await;
}

#[tokio::test]
async fn a_process_learns_of_what_another_commits_and_that_a_cursor_was_moved_back() {
    let (pool, schema_ids) = database().await;
    let (ours, others) = (
        Process::on(&pool, &schema_ids),
        Process::on(&pool, &schema_ids),
    );
    sqlx::query("INSERT INTO pipeline.relay_cursor (topic, partition, position, relay_epoch) VALUES ($1, 0, 0, 1)")
        .bind(FACTS.name())
        .execute(&pool)
        .await
        .unwrap();
    let tasks = Tasks::new(CancellationToken::new());
    let looked = Arc::new(watch::Sender::default());
    let watching = clock::watch_head(
        pool.clone(),
        ours.writer.clone(),
        Arc::clone(&ours.committed),
        Arc::clone(&looked),
        tasks.stop().clone(),
    );
    tasks.spawn("log_head", watching);
    let mut committed = ours.committed.subscribe();
    others.append(3).await;
    until("it knows of them", || async {
        *ours.committed.borrow() == 3
    })
    .await;
    committed.mark_unchanged();
    others.append(0).await;
    until("it knows that something else was written", || async {
        committed.has_changed().unwrap()
    })
    .await;
    committed.mark_unchanged();
    let mut connection = pool.acquire().await.unwrap();
    relay::rewind(&mut connection, FACTS, 0, 0).await.unwrap();
    until("it wakes the relay", || async {
        committed.has_changed().unwrap()
    })
    .await;
    tasks.stop().cancel();
}

#[tokio::test]
async fn who_has_all_of_a_quiet_stream_is_shipped_what_comes_without_a_look_at_all_of_the_log() {
    let lab = sparse_log().await;
    let pool = counted(&lab.pool).await;
    let process = Process::on(&pool, &lab.writer.schema_ids);
    let before = messages_read(&pool).await;
    let recorder = Recorder::default();
    let tasks = process.ship_by(Follower(recorder.clone(), 10), 1);
    process.append(1).await;
    until("it is shipped", || async {
        !recorder.sequences().is_empty()
    })
    .await;
    tasks.stop().cancel();
    tasks.finished().await;
    assert_eq!(recorder.sequences(), [11]);
    let read = messages_read(&pool).await - before;
    // At each opening some thousand positions are: a slow machine may open it more than once.
    assert!(read < 20_000, "{read} of 20,011");
}
