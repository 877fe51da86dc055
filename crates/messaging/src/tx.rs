//! The writing transaction: the writer lock first, then head and time, then everything else.
//!
//! Only [`WriteTx::begin`] can build the value that the SQL of log, state, inbox, watermarks and parking needs. So no
//! decision races another, positions and sequences have no gaps, and a replica that lost its partition is fenced: it
//! cannot see a head that another writer has moved on from.

use std::collections::{HashMap, HashSet};

use schemas::{Body, Header, Message, Reach, Service, Topic};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, Row, Transaction};
use types::{Micros, ids};
use uuid::Uuid;

use crate::halted::{self, HaltedStream};
use crate::known::{KnownStreams, Left, Memory};
use crate::locks::{AdvisoryLock, planned_once};
use crate::log::{self, NewRow};
use crate::retry_queue::blocked::Blocked;
use crate::schema_ids::{SchemaIdError, SchemaIds};
use crate::stream::{StreamId, Watermark};
use crate::{inbox, retry_queue, trace};

/// Nothing larger can be appended to a log, nor taken at an edge: bytes of one Avro datum.
pub const MAX_BODY_BYTES: usize = 262_144;

/// What a writing transaction owns while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// The log, with all states that are its fold.
    Log,
    /// Read models, which have no log: nothing can be appended.
    ReadModels,
    /// Tables that are made again beside the live ones: nothing can be appended, and nobody's heads move. All that it
    /// reads is of one moment.
    Rebuild,
}

impl Lock {
    /// Begins a transaction that has the lock, and reads the log's head in it.
    async fn begin(
        self,
        pool: &PgPool,
    ) -> Result<(Transaction<'static, Postgres>, PgRow), sqlx::Error> {
        // It sees all that the one before it committed: each statement has its own snapshot.
        const EACH: &str = concat!("BEGIN ISOLATION LEVEL READ COMMITTED; ", planned_once!());
        const ONE: &str = concat!("BEGIN ISOLATION LEVEL REPEATABLE READ; ", planned_once!());
        let (statement, lock) = match self {
            Self::Log => (EACH, AdvisoryLock::Log),
            Self::ReadModels => (EACH, AdvisoryLock::ReadModels),
            // Head, live tables and what this transaction itself wrote are compared in it.
            Self::Rebuild => (ONE, AdvisoryLock::Rebuild),
        };
        crate::begin_with_lock(pool, statement, lock).await
    }
}

/// What went wrong in a writing transaction.
#[derive(Debug, thiserror::Error)]
pub enum TxError {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A message could not be encoded or is larger than [`MAX_BODY_BYTES`].
    #[error("cannot append {kind}: {reason}")]
    Append {
        /// The message's type.
        kind: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Who writes: fixed for a process.
#[derive(Debug, Clone)]
pub struct Writer {
    /// The service whose log it is.
    pub service: Service,
    /// Partitions of each topic, as provisioned.
    pub partitions: u32,
    /// Ids of writer schemas in this database.
    pub schema_ids: SchemaIds,
    /// What its transactions own.
    pub lock: Lock,
    /// Keeps what its transactions appended, for the relay of this process.
    pub tail: log::Tail,
    /// What the engine's last batch left.
    pub(crate) memory: Memory,
}

impl Writer {
    /// Who appends to a service's log.
    pub fn of(service: Service, partitions: u32, schema_ids: SchemaIds) -> Self {
        Self {
            service,
            partitions,
            schema_ids,
            lock: Lock::Log,
            tail: log::Tail::default(),
            memory: Memory::default(),
        }
    }

    /// The same, whose transactions own something else.
    #[must_use]
    pub fn with(self, lock: Lock) -> Self {
        Self { lock, ..self }
    }
}

/// What must be looked up under the lock before anything is decided.
#[derive(Debug, Default, Clone)]
pub struct Lookups<'a> {
    /// Commands that may have been handled before.
    pub commands: &'a [Uuid],
    /// Subjects that may be blocked.
    pub subjects: &'a [String],
    /// Messages out of the retry queue that are to be handled.
    pub from_retry_queue: &'a [Uuid],
}

/// A message to append. Position, sequence, partition and time are given under the lock.
#[derive(Debug)]
pub struct NewMessage {
    /// Its id.
    pub id: Uuid,
    /// The topic whose schema it is written with.
    pub topic: Topic,
    /// Routes it to a partition.
    pub key: String,
    /// The aggregate's id.
    pub subject: String,
    /// The payload.
    pub body: Body,
    /// The original request's correlation id.
    pub correlation_id: Uuid,
    /// The message that caused it.
    pub causation_id: Option<Uuid>,
    /// The command whose outcome it is.
    pub outcome_of: Option<Uuid>,
    /// Who asked.
    pub actor: Option<schemas::Actor>,
    /// W3C trace context of the cause; what is appended names the span in which the cause is handled.
    pub traceparent: Option<String>,
}

/// A transaction that holds the writer lock of its database.
pub struct WriteTx {
    tx: Transaction<'static, Postgres>,
    writer: Writer,
    epoch: i64,
    /// Who wrote the log's head before.
    written_by: i64,
    position: i64,
    arrivals: i64,
    now: Micros,
    /// By the clock, when the head was read.
    read_at: i64,
    known: KnownStreams,
    moved_streams: HashMap<(Topic, i32), i64>,
    moved_watermarks: HashMap<StreamId, Watermark>,
    partition_positions: i64,
    /// Commands of `Lookups` that were handled before.
    pub handled: HashMap<Uuid, String>,
    /// Of the subjects of `Lookups`, what something in the retry queue blocks.
    pub(crate) blocked: Blocked,
    /// Messages of the retry queue that `Lookups` names and that are still there and due, with nothing before them about their aggregate that it
    /// does not name, by source, id and edition: another replica may have fed them back too, or an operator changed them.
    pub alive: HashSet<(String, Uuid, i32)>,
    /// Whether any message in the retry queue waits for another aggregate.
    pub any_waiting: bool,
    /// Whether the retry queue has anything.
    any_in_retry_queue: bool,
    rows: Vec<NewRow>,
    inbox: Vec<inbox::Mark>,
    retry_queue: Vec<retry_queue::NewRetryRow>,
    left_retry_queue: Vec<(String, Uuid)>,
    resumed: Vec<String>,
    halts: Vec<HaltedStream>,
}

const KNOWN: &str = r"
SELECT (SELECT coalesce(max(p.arrival), 0) FROM pipeline.parked p) AS arrivals,
       (SELECT coalesce(json_agg(json_build_array(s.topic, s.partition, s.sequence)), '[]') FROM pipeline.stream_head s) AS streams,
       (SELECT coalesce(json_agg(json_build_array(w.source, w.epoch, w.topic, w.partition, w.sequence, w.time)), '[]')
          FROM pipeline.watermark w) AS watermarks,
       (SELECT coalesce(json_agg(json_build_array(s.source, s.topic, s.partition, s.came_epoch)), '[]') FROM pipeline.stopped_stream s) AS stopped,
       (SELECT coalesce(json_object_agg(a.source, a.epoch), '{}') FROM pipeline.accepted_epoch a) AS accepted,
       (SELECT coalesce(json_agg(json_build_array(i.id, i.state)), '[]') FROM pipeline.inbox i WHERE i.id = ANY($1)) AS handled,
       (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_array(p.entity, p.subject)), '[]') FROM pipeline.parked p
         WHERE p.subject = ANY($2) AND p.state <> 'unknown_type') AS blocked,
       (SELECT coalesce(json_agg(json_build_array(p.source, p.message_id, p.edition)), '[]') FROM pipeline.parked p
         WHERE p.message_id = ANY($3) AND p.state IN ('waiting', 'retrying', 'queued') AND p.next_at <= $4
           AND NOT EXISTS (SELECT 1 FROM pipeline.parked q
                            WHERE q.subject = p.subject AND coalesce(q.entity = p.entity, true) AND q.arrival < p.arrival
                              AND q.state <> 'unknown_type' AND q.message_id <> ALL($3))) AS alive,
       EXISTS (SELECT 1 FROM pipeline.parked p WHERE p.waiting_for IS NOT NULL) AS any_waiting,
       EXISTS (SELECT 1 FROM pipeline.parked p) AS any_in_retry_queue";

type Streams = Json<Vec<(String, i32, i64)>>;
type Watermarks = Json<Vec<(String, i64, String, i32, i64, Option<i64>)>>;

impl WriteTx {
    /// Begins, takes the lock, then reads head, time and what is asked for.
    pub async fn begin(
        pool: &PgPool,
        writer: &Writer,
        lookups: Lookups<'_>,
    ) -> Result<Self, sqlx::Error> {
        let (mut tx, _) = Self::locked(pool, writer).await?;
        tx.look(&lookups).await?;
        Ok(tx)
    }

    /// The same for a batch of the engine's. Where the engine's batch before it wrote last, what that one left is not read again.
    pub(crate) async fn begin_batch(
        pool: &PgPool,
        writer: &Writer,
        lookups: Lookups<'_>,
    ) -> Result<Self, sqlx::Error> {
        let (mut tx, left) = Self::locked(pool, writer).await?;
        match writer.memory.take(left) {
            Some(known) if lookups.from_retry_queue.is_empty() => {
                tx.known = known;
                tx.handled = inbox::states(&mut tx.tx, lookups.commands).await?;
            }
            _ => tx.look(&lookups).await?,
        }
        Ok(tx)
    }

    /// Has the lock, and knows the log's head, and who left it so.
    async fn locked(pool: &PgPool, writer: &Writer) -> Result<(Self, Left), sqlx::Error> {
        let (mut tx, mut head) = writer.lock.begin(pool).await?;
        if writer.schema_ids.is_of_before(head.try_get("epoch")?) {
            // Whoever raised it may be another process. Not in a transaction that may come to nothing.
            tx.rollback().await?;
            Box::pin(writer.schema_ids.reopen(pool))
                .await
                .map_err(|error| match error {
                    SchemaIdError::Sql(error) => error,
                    unusable @ SchemaIdError::Unusable { .. } => {
                        sqlx::Error::Decode(unusable.into())
                    }
                })?;
            (tx, head) = writer.lock.begin(pool).await?;
        }
        let left = Left {
            written_by: head.try_get("written_by")?,
            position: head.try_get("position")?,
            last_time: Micros(head.try_get("last_time")?),
        };
        let now: i64 = head.try_get("now")?;
        let begun = Self {
            tx,
            writer: writer.clone(),
            epoch: head.try_get("epoch")?,
            written_by: left.written_by,
            position: left.position,
            partition_positions: head.try_get("partition_positions")?,
            arrivals: 0,
            now: left.last_time.max(Micros(now)),
            read_at: now,
            known: KnownStreams::default(),
            moved_streams: HashMap::new(),
            moved_watermarks: HashMap::new(),
            handled: HashMap::new(),
            blocked: Blocked::default(),
            alive: HashSet::new(),
            any_waiting: false,
            any_in_retry_queue: false,
            rows: Vec::new(),
            inbox: Vec::new(),
            retry_queue: Vec::new(),
            left_retry_queue: Vec::new(),
            resumed: Vec::new(),
            halts: Vec::new(),
        };
        Ok((begun, left))
    }

    /// Reads where streams stand, and what is asked for.
    async fn look(&mut self, lookups: &Lookups<'_>) -> Result<(), sqlx::Error> {
        let row = sqlx::query(KNOWN)
            .bind(lookups.commands)
            .bind(lookups.subjects)
            .bind(lookups.from_retry_queue)
            .bind(self.read_at)
            .fetch_one(&mut *self.tx)
            .await?;
        let Json(streams): Streams = row.try_get("streams")?;
        let Json(watermarks): Watermarks = row.try_get("watermarks")?;
        let Json(halted): Json<Vec<(String, String, i32, i64)>> = row.try_get("stopped")?;
        let halted = halted.into_iter();
        let Json(accepted): Json<HashMap<String, i64>> = row.try_get("accepted")?;
        let Json(handled): Json<Vec<(Uuid, String)>> = row.try_get("handled")?;
        let Json(alive): Json<Vec<(String, Uuid, i32)>> = row.try_get("alive")?;
        let Json(blocked): Json<Vec<(Option<String>, String)>> = row.try_get("blocked")?;
        self.known = KnownStreams {
            streams: streams
                .into_iter()
                .filter_map(|(topic, partition, at)| Some(((Topic::parse(&topic)?, partition), at)))
                .collect(),
            watermarks: watermarks
                .into_iter()
                .filter_map(|(source, epoch, topic, partition, sequence, time)| {
                    let topic = Topic::parse(&topic)?;
                    let stream = StreamId {
                        source,
                        epoch,
                        topic,
                        partition,
                    };
                    Some((stream, Watermark { sequence, time }))
                })
                .collect(),
            accepted,
            halted: halted
                .map(|(source, topic, partition, came)| ((source, topic, partition), came))
                .collect(),
        };
        self.handled = handled.into_iter().collect();
        self.blocked = blocked.into_iter().collect();
        self.alive = alive.into_iter().collect();
        self.arrivals = row.try_get("arrivals")?;
        self.any_waiting = row.try_get("any_waiting")?;
        self.any_in_retry_queue = row.try_get("any_in_retry_queue")?;
        Ok(())
    }

    /// Our time for the whole transaction; never before that of an earlier one.
    pub fn now(&self) -> Micros {
        self.now
    }

    /// By the clock, when it had its lock: for what goes at a pace. [`WriteTx::now`] stands still where the log's time is ahead of the clock.
    pub fn clock(&self) -> Micros {
        Micros(self.read_at)
    }

    /// The log's epoch.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// The position of the last appended message, committed or of this transaction.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// The service whose log it is.
    pub fn service(&self) -> Service {
        self.writer.service
    }

    /// What this transaction owns.
    pub fn lock(&self) -> Lock {
        self.writer.lock
    }

    /// What was appended so far.
    pub(crate) fn appended(&self) -> &[NewRow] {
        &self.rows
    }

    /// What was parked so far.
    pub(crate) fn new_retry_rows(&self) -> &[retry_queue::NewRetryRow] {
        &self.retry_queue
    }

    /// The connection, for the SQL of states.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Where a stream stands, or `None` when nothing of it ever came.
    pub fn watermark(&self, stream: &StreamId) -> Option<Watermark> {
        self.known.watermarks.get(stream).copied()
    }

    /// The last handled sequence of every stream that is followed.
    pub fn watermarks(&self) -> HashMap<StreamId, i64> {
        self.known
            .watermarks
            .iter()
            .map(|(stream, at)| (stream.clone(), at.sequence))
            .collect()
    }

    /// The newest epoch under which this source's topic partition is followed.
    pub fn known_epoch(&self, stream: &StreamId) -> Option<i64> {
        self.known
            .watermarks
            .keys()
            .filter(|known| {
                known.source == stream.source
                    && known.topic == stream.topic
                    && known.partition == stream.partition
            })
            .map(|known| known.epoch)
            .max()
    }

    /// The newest epoch of a source that an operator accepted.
    pub(crate) fn accepted_epoch(&self, source: &str) -> i64 {
        self.known.accepted.get(source).copied().unwrap_or(1)
    }

    /// Marks a stream's message as handled.
    pub fn advance(&mut self, stream: &StreamId, at: Watermark) {
        for places in [&mut self.known.watermarks, &mut self.moved_watermarks] {
            // Nearly always it is there, and its name need not be copied.
            match places.get_mut(stream) {
                Some(place) => *place = at,
                None => {
                    places.insert(stream.clone(), at);
                }
            }
        }
    }

    /// Notes that a stream stops, so that an operator can see why and let it go on. False where that is noted of this epoch or a later one already.
    pub(crate) fn halt(&mut self, halt: HaltedStream) -> bool {
        let came = halt.came.epoch;
        let stream = halted(&halt.came);
        let noted = self.known.halted.get(&stream);
        let is_new = noted.is_none_or(|noted| *noted < came);
        if is_new {
            self.known.halted.insert(stream, came);
            self.halts.push(halt);
        }
        is_new
    }

    /// Whether a stream was halted, in this transaction or before, and was not accepted yet.
    pub(crate) fn is_halted(&self, stream: &StreamId) -> bool {
        !self.known.halted.is_empty() && self.known.halted.contains_key(&halted(stream))
    }

    /// Appends a message: gives it its position, time, partition and sequence, and encodes it. Returns it as it will be
    /// read. Its bytes are written by [`WriteTx::commit`].
    pub fn append(&mut self, new: NewMessage) -> Result<(Message, i64), TxError> {
        let Some(kind) = new
            .body
            .kind(new.topic)
            .filter(|_| self.writer.lock == Lock::Log)
        else {
            return Err(TxError::Append {
                kind: new.topic.name().to_owned(),
                reason: "its kind has no place on this topic, or this transaction no log"
                    .to_owned(),
            });
        };
        // An own kind stays in the log.
        let published = kind.reach == Reach::Public;
        let partition = published
            .then(|| schemas::partition(&new.key, self.writer.partitions))
            .map(|partition| i32::try_from(partition).unwrap_or(0));
        let stream = partition.map(|partition| (new.topic, partition));
        let sequence = stream.map(|stream| self.known.streams.get(&stream).map_or(1, |at| at + 1));
        let cause = new.causation_id;
        let traceparent = match (new.traceparent, cause) {
            (Some(parent), Some(cause)) => {
                Some(trace::continued(&parent, self.writer.service, cause))
            }
            (given, _) => given,
        };
        let header = Header {
            id: new.id,
            kind: kind.name.to_owned(),
            source: self.writer.service.name().to_owned(),
            subject: new.subject,
            key: new.key,
            time: self.now,
            epoch: sequence.map(|_| self.epoch),
            sequence,
            correlation_id: new.correlation_id,
            causation_id: cause,
            outcome_of: new.outcome_of,
            actor: new.actor,
            traceparent,
        };
        let bytes = encode(new.topic, &header, &new.body)?;
        // Only now: whoever goes on without what cannot be encoded leaves no gap.
        if let Some((stream, at)) = stream.zip(sequence) {
            self.known.streams.insert(stream, at);
            self.moved_streams.insert(stream, at);
        }
        self.position += 1;
        self.rows.push(NewRow {
            position: self.position,
            topic: published.then_some(new.topic),
            partition,
            schema_id: self.writer.schema_ids.current(new.topic),
            header: header.clone(),
            body: bytes,
        });
        let message = Message {
            header,
            body: new.body,
        };
        Ok((message, self.position))
    }

    /// The id of the `ordinal`th event that this log derives from a cause.
    pub fn event_id(&self, cause: Uuid, ordinal: usize) -> Uuid {
        ids::event_id(self.writer.service.name(), self.epoch, cause, ordinal)
    }

    pub(crate) fn mark(&mut self, mark: inbox::Mark) {
        self.inbox.push(mark);
    }

    pub(crate) fn park(&mut self, mut row: retry_queue::NewRetryRow) {
        if row.arrival == 0 {
            self.arrivals += 1;
            row.arrival = self.arrivals;
        }
        self.retry_queue.push(row);
    }

    pub(crate) fn unpark(&mut self, source: &str, id: Uuid) {
        self.left_retry_queue.push((source.to_owned(), id));
    }

    pub(crate) fn resume(&mut self, what: String) {
        self.resumed.push(what);
    }

    /// The id of a writer schema in this database, noting it when it is new.
    pub async fn schema_id(&mut self, schema: &schemas::WriterSchema) -> Result<i32, sqlx::Error> {
        let ids = self.writer.schema_ids.clone();
        ids.ensure(&mut self.tx, schema).await
    }

    /// Writes what was appended and marked, and commits. Returns the head's position.
    pub async fn commit(self) -> Result<i64, sqlx::Error> {
        self.end(None).await
    }

    /// The same for a batch of the engine's, of which the next one remembers what it left. Whatever else it wrote beside, by
    /// [`Self::connection`], was nothing of what a transaction reads as it begins. Where everything was `passed_by` there is nothing new for a
    /// job.
    pub(crate) async fn commit_batch(self, passed_by: bool) -> Result<i64, sqlx::Error> {
        self.end(Some(passed_by)).await
    }

    async fn end(mut self, of_batch: Option<bool>) -> Result<i64, sqlx::Error> {
        let leaves_retry_queue = self.any_in_retry_queue
            || !self.retry_queue.is_empty()
            || !self.left_retry_queue.is_empty()
            || !self.resumed.is_empty();
        let mut left = None;
        if !self.left_retry_queue.is_empty() {
            retry_queue::delete(&mut self.tx, &self.left_retry_queue).await?;
        }
        if !self.retry_queue.is_empty() {
            retry_queue::insert(&mut self.tx, &self.retry_queue).await?;
        }
        if !self.resumed.is_empty() {
            retry_queue::resume(&mut self.tx, &self.resumed).await?;
        }
        if !self.halts.is_empty() {
            halted::note(&mut self.tx, &self.halts, self.now).await?;
        }
        let heads = log::Heads {
            position: self.position,
            last_time: self.now,
            streams: &self.moved_streams,
            watermarks: &self.moved_watermarks,
        };
        match self.writer.lock {
            Lock::Log => {
                let (head, appended) = (self.position, self.rows.len());
                log::ensure_partition(&mut self.tx, head, appended, self.partition_positions)
                    .await?;
                let written_by = log::write(&mut self.tx, &heads, &self.rows, &self.inbox).await?;
                left = Some(Left {
                    written_by,
                    position: self.position,
                    last_time: self.now,
                });
                log::mark_streams(
                    &mut self.tx,
                    self.epoch,
                    &self.known.streams,
                    head,
                    appended,
                )
                .await?;
            }
            Lock::ReadModels => log::write_watermarks(&mut self.tx, &heads).await?,
            Lock::Rebuild => {}
        }
        self.tx.commit().await?;
        if let (Some(left), Some(passed_by)) = (left, of_batch) {
            if passed_by {
                let before = self.written_by;
                self.writer.memory.note_passed_by(before, left.written_by);
            }
            if !leaves_retry_queue {
                self.writer.memory.put(left, self.known);
            }
        }
        self.writer.tail.note(self.epoch, self.rows);
        Ok(self.position)
    }
}

fn halted(stream: &StreamId) -> (String, String, i32) {
    let topic = stream.topic.name().to_owned();
    (stream.source.clone(), topic, stream.partition)
}

/// Encodes a message, and refuses one that no log or edge would take.
pub fn encode(topic: Topic, header: &Header, body: &Body) -> Result<Vec<u8>, TxError> {
    let refuse = |reason: String| TxError::Append {
        kind: header.kind.clone(),
        reason,
    };
    let bytes = schemas::encode(topic, header, body).map_err(|error| refuse(error.to_string()))?;
    if bytes.len() > MAX_BODY_BYTES {
        return Err(refuse(format!(
            "{} bytes, at most {MAX_BODY_BYTES} are allowed",
            bytes.len()
        )));
    }
    Ok(bytes)
}
