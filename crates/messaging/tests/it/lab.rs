//! A bank's database, and processes of the bank on it.

use std::sync::Arc;

use messaging::clock::Looked;
use messaging::trust::{Sender, Vouching};
use messaging::{
    Answer, DryRun, Engine, FlowSender, Hint, Inbound, Queue, SchemaIds, Tasks, Wire, Writer, log,
    retry_scheduler,
};
use operations::retry_queue::redrive;
use runtime::testing::{claimed_sender, message, until};
use schemas::{Body, Message, Service, Topic, WriterSchema};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::watch;
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::bank::{Bank, Faults, earns};

pub const FACTS: Topic = Topic::CommissionEvents;
pub const COMMANDS: Topic = Topic::PaymentCommands;

/// A database of its own with the bank's table, and how the bank misbehaves on it.
pub struct Lab {
    pub pool: PgPool,
    pub writer: Writer,
    pub faults: Faults,
    sequence: i64,
}

/// One process.
pub struct Replica {
    pub flow: FlowSender,
    pub dry_run: Arc<dyn DryRun>,
    pub committed: watch::Receiver<i64>,
    stop: CancellationToken,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Lab {
    pub async fn new() -> Self {
        let (pool, schema_ids) = database().await;
        let writer = Writer::of(Service::Payment, 1, schema_ids);
        Self {
            pool,
            writer,
            faults: Faults::default(),
            sequence: 0,
        }
    }

    /// Starts a process; `suspicious` is one whose predecessor did not stop by itself.
    pub fn start(&self, suspicious: bool) -> Replica {
        self.start_by(self.pool.clone(), None, suspicious)
    }

    /// The same, whose batches go by this pool and wait so long for an answer.
    pub fn start_by(&self, pool: PgPool, patience: Option<Duration>, suspicious: bool) -> Replica {
        let stop = CancellationToken::new();
        let tasks = Tasks::new(stop.clone());
        let queue = Queue::of(Service::Payment);
        let bank = Bank {
            faults: self.faults.clone(),
        };
        let committed = Arc::new(watch::Sender::new(0));
        let receiver = committed.subscribe();
        let writer = self.writer.clone();
        let engine = Engine::new(Arc::new(bank), pool, writer, queue.clone(), committed);
        let engine = Arc::new(match patience {
            Some(patience) => engine.with_patience(patience),
            None => engine,
        });
        let scheduling = retry_scheduler::run(
            self.pool.clone(),
            self.writer.schema_ids.clone(),
            queue.flow(),
            engine.retry_queue_changed(),
            watch::channel(Looked::default()).1,
            None,
            stop.clone(),
        );
        tasks.spawn("retry_scheduler", scheduling);
        let redriving = redrive::run(
            self.pool.clone(),
            self.writer.clone(),
            engine.retry_queue_changed(),
            watch::channel(Looked::default()).1,
            stop.clone(),
        );
        tasks.spawn("redrive", redriving);
        let dry_run: Arc<dyn DryRun> = engine.clone();
        tasks.spawn("engine", engine.run(stop.clone(), suspicious));
        Replica {
            flow: queue.flow(),
            dry_run,
            committed: receiver,
            stop,
        }
    }

    /// The next fact of commission's stream: a partner earns.
    pub fn fact(&mut self, partner: &str, minor: i64) -> Message {
        self.sequence += 1;
        let conversion = format!("conv{}", self.sequence);
        message(
            FACTS,
            &conversion,
            &conversion,
            earns(partner, minor),
            Some(self.sequence),
        )
    }

    pub async fn balance(&self, partner: &str) -> i64 {
        let minor: Option<i64> =
            sqlx::query_scalar("SELECT minor FROM balances WHERE partner = $1")
                .bind(partner)
                .fetch_optional(&self.pool)
                .await
                .unwrap();
        minor.unwrap_or(0)
    }

    /// The types of the log, oldest first.
    pub async fn kinds(&self) -> Vec<String> {
        let rows = log::all_after(&self.pool, 0, 100_000).await.unwrap();
        rows.into_iter().map(|row| row.kind).collect()
    }

    /// What caused the log's messages, oldest first.
    pub async fn causes(&self) -> Vec<Uuid> {
        let rows = log::all_after(&self.pool, 0, 100_000).await.unwrap();
        rows.into_iter()
            .filter_map(|row| row.causation_id)
            .collect()
    }

    /// State, attempts and reason of what is in the retry queue, in order.
    pub async fn retry_queue(&self) -> Vec<(String, i32, String)> {
        sqlx::query_as("SELECT state, attempts, reason FROM pipeline.parked ORDER BY arrival")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    pub async fn inbox_state(&self, id: Uuid) -> (String, Option<String>) {
        sqlx::query_as("SELECT state, code FROM pipeline.inbox WHERE id = $1")
            .bind(id)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub async fn advance_clock(&self, seconds: i64) {
        sqlx::query("UPDATE pipeline.log_head SET clock_offset = clock_offset + $1 * 1000000")
            .bind(seconds)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// The log's end is so much later than the clock, as after one that was ahead.
    pub async fn end_ahead_of_the_clock(&self, seconds: i64) {
        sqlx::query("UPDATE pipeline.log_head SET last_time = last_time + $1 * 1000000")
            .bind(seconds)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub async fn until_the_retry_queue_is_empty(&self) {
        until("nothing is in the retry queue", || async {
            self.retry_queue().await.is_empty()
        })
        .await;
    }
}

impl Replica {
    /// Hands messages over as one entry that came by a transport, and waits for the commit.
    pub async fn take(&self, topic: Topic, messages: &[&Message]) -> Vec<Answer> {
        let inbounds = messages
            .iter()
            .map(|message| arrived(topic, message))
            .collect();
        self.take_raw(inbounds).await
    }

    pub async fn take_raw(&self, inbounds: Vec<Inbound>) -> Vec<Answer> {
        let answers = self.flow.send(inbounds).await;
        let answers = answers.unwrap_or_else(|_| panic!("there is room"));
        let answered = tokio::time::timeout(Duration::from_secs(90), answers).await;
        answered.expect("the engine handles it in time").unwrap()
    }
}

/// A command to the bank, from someone who has no stream.
pub fn command(partner: &str, payout: &str, body: Body) -> Message {
    message(COMMANDS, partner, payout, body, None)
}

pub fn encode(topic: Topic, message: &Message) -> Vec<u8> {
    schemas::encode(topic, &message.header, &message.body).unwrap()
}

/// A message as it comes off a transport.
pub fn arrived(topic: Topic, message: &Message) -> Inbound {
    arrived_as(topic, encode(topic, message), &Hint::default())
}

pub fn arrived_as(topic: Topic, bytes: Vec<u8>, hint: &Hint<'_>) -> Inbound {
    let wire = Wire {
        schema: WriterSchema::current(topic),
        bytes: bytes.into(),
    };
    let header = schemas::decode_header(&wire.schema, &wire.bytes);
    let claimed = |source: &str| Service::parse(source).map(Sender::Service);
    let sender = match (&header, &hint.source) {
        (Ok(header), _) => claimed_sender(header),
        // Of whoever usually writes there, where nothing tells.
        (Err(_), source) => source
            .and_then(claimed)
            .unwrap_or(Sender::Service(topic.publisher())),
    };
    let vouching = Vouching::Transport(&sender);
    Inbound::read(topic, 0, wire, Uuid::now_v7, hint, vouching)
}

/// The same database by one connection that plans as a service's do, while nobody else is connected: what it reads is
/// counted by [`messages_read`].
pub async fn counted(pool: &PgPool) -> PgPool {
    let options = (*pool.connect_options()).clone();
    let options = options.options([("enable_seqscan", "off")]);
    pool.close().await;
    let one = PgPoolOptions::new().max_connections(1);
    let counted = one.connect_with(options).await.unwrap();
    // What they have read is counted by then.
    until("all others have gone", || async {
        let others: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
              WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
        .fetch_one(&counted)
        .await
        .unwrap();
        others == 0
    })
    .await;
    counted
}

/// How many rows of the log's table were read so far.
pub async fn messages_read(counted: &PgPool) -> i64 {
    sqlx::query("SELECT pg_stat_force_next_flush()")
        .execute(counted)
        .await
        .unwrap();
    let read = "SELECT coalesce(sum(coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0)), 0)::bigint
                  FROM pg_stat_user_tables WHERE schemaname = 'pipeline' AND relname LIKE 'message\\_log\\_%'";
    sqlx::query_scalar(read).fetch_one(counted).await.unwrap()
}

/// A migrated database with the bank's table.
pub async fn database() -> (PgPool, SchemaIds) {
    let url = runtime::testing::new_database().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    messaging::migrate(&mut connection).await.unwrap();
    sqlx::raw_sql("CREATE TABLE balances (partner text PRIMARY KEY, minor bigint NOT NULL)")
        .execute(&mut connection)
        .await
        .unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    let schema_ids = SchemaIds::open(&pool).await.unwrap();
    (pool, schema_ids)
}
