//! Histories that fork: a source restored from a backup is found, stopped and accepted again.

use std::sync::Arc;

use messaging::relay::{self, Source};
use messaging::retry_queue::HAD_ITS_EFFECT;
use messaging::transport::memory::MemoryTransport;
use messaging::transport::receiver::Receiver;
use messaging::{
    Answer, Content, Health, Lookups, NewMessage, SchemaIds, Tasks, Watermark, WriteTx, Writer,
    advance, gauges, halted,
};
use operations::fencing;
use operations::retry_queue::acts::{self, ActError};
use operations::retry_queue::look::Filter;
use operations::retry_queue::redrive;
use runtime::testing::{PATIENCE, until};
use schemas::{Message, Service};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use types::ids;
use uuid::Uuid;

use crate::archives::{append, archive_all, drop_below, long_log, verify_all};
use crate::bank::earns;
use crate::figures::Figures;
use crate::lab::{FACTS, Lab, Replica, arrived};
use crate::operating::{BY, key};
use crate::streams;

/// A fact to append to commission's log.
pub fn fact() -> NewMessage {
    let conversion = Uuid::now_v7().to_string();
    NewMessage {
        id: Uuid::now_v7(),
        topic: FACTS,
        key: conversion.clone(),
        subject: conversion,
        body: earns("p", 1),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        outcome_of: None,
        actor: None,
        traceparent: None,
    }
}

/// Commission's database, with so many facts in its log.
struct Sender {
    pool: PgPool,
    writer: Writer,
    committed: Arc<watch::Sender<i64>>,
    health: Health,
}

impl Sender {
    async fn open(url: &str) -> Self {
        let pool = PgPool::connect(url).await.unwrap();
        let schema_ids = SchemaIds::open(&pool).await.unwrap();
        let writer = Writer::of(Service::Commission, 1, schema_ids);
        Self {
            pool,
            writer,
            committed: Arc::new(watch::Sender::new(0)),
            health: Health::default(),
        }
    }

    async fn begin(&self) -> WriteTx {
        WriteTx::begin(&self.pool, &self.writer, Lookups::default())
            .await
            .unwrap()
    }

    async fn append(&self, count: usize) {
        for _ in 0..count {
            let mut tx = self.begin().await;
            tx.append(fact()).unwrap();
            advance(&self.committed, tx.commit().await.unwrap());
        }
    }

    /// Ships to a follower until stopped.
    fn ship(&self, lab: &Lab, replica: &Replica, tasks: &Tasks, relay_epoch: i64) {
        let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
        let source = Source {
            pool: self.pool.clone(),
            writer: self.writer.clone(),
            committed: self.committed.subscribe(),
            spans: None,
        };
        let transport = MemoryTransport::new(receiver, Service::Commission, FACTS, 0);
        let stop = tasks.stop().clone();
        let shipping = relay::ship(
            source,
            transport,
            FACTS,
            0,
            relay_epoch,
            self.health.clone(),
            stop,
        );
        tasks.spawn("relay", shipping);
    }
}

/// A copy of a database that nobody is connected to: a backup, and its restore.
async fn copy(url: &str) -> String {
    let (server, name) = url.rsplit_once('/').unwrap();
    let mut admin = PgConnection::connect(&format!("{server}/postgres"))
        .await
        .unwrap();
    let sql = format!("CREATE DATABASE {name}_copy TEMPLATE {name}");
    until("nobody is connected", async || {
        let left: i64 =
            sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = $1")
                .bind(name)
                .fetch_one(
                    &PgPool::connect(&format!("{server}/postgres"))
                        .await
                        .unwrap(),
                )
                .await
                .unwrap();
        left == 0
    })
    .await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut admin)
        .await
        .unwrap();
    format!("{url}_copy")
}

async fn empty_database() -> String {
    let url = runtime::testing::new_database().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    messaging::migrate(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    url
}

async fn until_balance(lab: &Lab, count: i64) {
    until("all are handled", async || lab.balance("p").await >= count).await;
    assert_eq!(lab.balance("p").await, count, "once each");
}

/// A sender that lost ten of its thirty messages, all of which the follower has handled.
async fn restored(lab: &Lab, replica: &Replica) -> Sender {
    let url = empty_database().await;
    let before = Sender::open(&url).await;
    before.append(20).await;
    before.pool.close().await;
    let backup = copy(&url).await;
    let lost = Sender::open(&url).await;
    lost.append(10).await;
    let tasks = Tasks::new(CancellationToken::new());
    lost.ship(lab, replica, &tasks, 1);
    until_balance(lab, 30).await;
    tasks.stop().cancel();
    tasks.finished().await;
    Sender::open(&backup).await
}

#[tokio::test]
async fn a_restored_sender_finds_its_follower_ahead_and_says_so() {
    let figures = Figures::default();
    let _reported = metrics::set_default_local_recorder(&figures);
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let sender = restored(&lab, &replica).await;
    let tasks = Tasks::new(CancellationToken::new());
    sender.ship(&lab, &replica, &tasks, 1);
    until("the sender stops", async || {
        !sender.health.stops().is_empty()
    })
    .await;
    // What it appended meanwhile, fewer messages than were lost, is found all the same.
    sender.append(4).await;
    let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
    let at = receiver.watermark("commission", 1, FACTS, 0).await.unwrap();
    let fork = fencing::fork(&sender.pool, FACTS, 0, 1, at).await.unwrap();
    assert_eq!(fork, Some(21));
    let (transport, reason) = sender.health.stops().remove(0);
    assert_eq!(transport, "memory commission-events/0");
    assert!(
        reason.contains("handled message 30") && reason.contains("epoch raise"),
        "{reason}"
    );
    assert_eq!(sender.health.transports(), [(transport, false)]);
    let (pool, health) = (sender.pool.clone(), sender.health.clone());
    let reporting = gauges::report(pool, health, &[], tasks.stop().clone());
    tasks.spawn("gauges", reporting);
    until("it is reported", async || {
        figures.gauge("tributary_stopped_streams") == Some(1.0)
    })
    .await;
    tasks.stop().cancel();
    tasks.finished().await;
}

#[tokio::test]
async fn a_restored_senders_new_messages_are_not_dropped_as_seen_and_come_again_under_a_raised_epoch()
 {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let sender = restored(&lab, &replica).await;
    // Nobody noticed: it goes on, and its sequences are those of what it lost; more of them than that was.
    sender.append(15).await;
    let tasks = Tasks::new(CancellationToken::new());
    sender.ship(&lab, &replica, &tasks, 1);
    let stops = async || halted::all(&lab.pool).await.unwrap();
    until("the sender stops", async || {
        !sender.health.stops().is_empty()
    })
    .await;
    let (_, reason) = sender.health.stops().remove(0);
    assert!(
        reason.contains("message 30 of commission-events is another one here"),
        "{reason}"
    );
    assert_eq!(
        lab.balance("p").await,
        30,
        "nothing of another history is handled"
    );

    let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
    let at = receiver.watermark("commission", 1, FACTS, 0).await.unwrap();
    let fork = fencing::fork(&sender.pool, FACTS, 0, 1, at).await.unwrap();
    assert_eq!(
        fork,
        Some(21),
        "the first that is not what the follower has"
    );
    let refused = accept(&lab, 0).await;
    assert!(
        matches!(refused, Err(fencing::NotAccepted::Refused(_))),
        "{refused:?}"
    );

    let mut tx = sender.begin().await;
    let raised = fencing::raise(&mut tx, &sender.pool, &sender.writer, 20)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!((raised.epoch, raised.restated), (2, 15));
    // The relay that ran gives the lead up, and whoever leads next begins behind the raise.
    tasks.stop().cancelled().await;
    let tasks = Tasks::new(CancellationToken::new());
    sender.ship(&lab, &replica, &tasks, 2);
    until("the new epoch is halted too", async || {
        stops()
            .await
            .first()
            .is_some_and(|stop| stop.came_epoch == 2)
    })
    .await;
    assert_eq!(lab.balance("p").await, 30);
    assert_eq!(accept(&lab, 2).await.unwrap().len(), 1);
    until_balance(&lab, 45).await;
    sender.append(5).await;
    until_balance(&lab, 50).await;
    assert!(stops().await.is_empty());
    tasks.stop().cancel();
    tasks.finished().await;
}

async fn raise_behind(sender: &Sender, position: i64) {
    let mut tx = sender.begin().await;
    fencing::raise(&mut tx, &sender.pool, &sender.writer, position)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// Has the database forget the schema of facts and those that were noted behind it, as if it went back to before them.
async fn forget_schemas(sender: &Sender) -> i32 {
    let first = sender.writer.schema_ids.current(FACTS);
    sqlx::query("DELETE FROM pipeline.writer_schema WHERE id >= $1")
        .bind(first)
        .execute(&sender.pool)
        .await
        .unwrap();
    first
}

/// Messages of the log whose writer schema is not there, or is another topic's.
async fn unreadable(sender: &Sender) -> i64 {
    let sql = "SELECT count(*) FROM pipeline.message_log m LEFT JOIN pipeline.writer_schema s ON s.id = m.schema_id
                WHERE s.topic IS DISTINCT FROM m.topic";
    sqlx::query_scalar(sql)
        .fetch_one(&sender.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_process_that_lives_through_a_restore_writes_by_schemas_that_the_database_has() {
    let sender = Sender::open(&empty_database().await).await;
    sender.append(5).await;
    forget_schemas(&sender).await;
    // Nobody noticed, and the process goes on.
    sender.append(2).await;
    assert_eq!(unreadable(&sender).await, 7);
    raise_behind(&sender, 5).await;
    sender.append(1).await;
    assert_eq!(unreadable(&sender).await, 0);
}

#[tokio::test]
async fn an_id_that_another_schema_has_since_a_restore_is_used_by_no_process_of_before() {
    let url = empty_database().await;
    let (sender, other) = (Sender::open(&url).await, Sender::open(&url).await);
    let first = forget_schemas(&sender).await;
    let of_others = "INSERT INTO pipeline.writer_schema (id, topic, sha256, text)
                     SELECT $1, topic, '\\x00'::bytea, text FROM pipeline.writer_schema LIMIT 1";
    sqlx::query(of_others)
        .bind(first)
        .execute(&sender.pool)
        .await
        .unwrap();
    raise_behind(&sender, 0).await;
    sender.append(1).await;
    // The process that did not raise it learns so by the epoch.
    other.append(1).await;
    assert_eq!(unreadable(&sender).await, 0);
}

/// Its followers have the time that was wrong, which nothing that it states by the right one is later than.
#[tokio::test]
async fn what_a_log_states_after_its_server_was_ahead_is_restated_behind_the_named_end_of_its_backup()
 {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let url = empty_database().await;
    let before = Sender::open(&url).await;
    before.append(20).await;
    before.pool.close().await;
    let backup = copy(&url).await;
    let ahead = Sender::open(&url).await;
    sqlx::query("UPDATE pipeline.log_head SET last_time = last_time + $1")
        .bind(30 * 86_400_000_000_i64)
        .execute(&ahead.pool)
        .await
        .unwrap();
    ahead.append(10).await;
    let tasks = Tasks::new(CancellationToken::new());
    ahead.ship(&lab, &replica, &tasks, 1);
    until_balance(&lab, 30).await;
    tasks.stop().cancel();
    tasks.finished().await;

    let sender = Sender::open(&backup).await;
    sender.append(4).await;
    // As they come by the broker, which knows nothing of watermarks.
    let mut stated = Vec::new();
    for row in messaging::log::all_after(&sender.pool, 20, 4)
        .await
        .unwrap()
    {
        let schemas = &sender.writer.schema_ids;
        let schema = schemas.get(&sender.pool, row.schema_id).await.unwrap();
        stated.push(schemas::decode(&schema, &row.body).unwrap());
    }
    let answers = replica
        .take(FACTS, &stated.iter().collect::<Vec<_>>())
        .await;
    assert!(
        answers.len() == 4 && answers.iter().all(|it| matches!(it, Answer::Repeated)),
        "nothing tells that they are others: {answers:?}"
    );
    let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
    let at = receiver.watermark("commission", 1, FACTS, 0).await.unwrap();
    let fork = fencing::fork(&sender.pool, FACTS, 0, 1, at).await.unwrap();
    assert_eq!(fork, None);

    let mut tx = sender.begin().await;
    let above = fencing::begins_behind(&mut tx, None, Some(25), 24).await;
    assert!(
        matches!(above, Err(fencing::RaiseError::Refused(_))),
        "{above:?}"
    );
    let earlier = fencing::begins_behind(&mut tx, Some(18), Some(20), 24).await;
    assert_eq!(earlier.unwrap(), 18, "a fork that is found counts");
    let behind = fencing::begins_behind(&mut tx, fork, Some(20), 24)
        .await
        .unwrap();
    let raised = fencing::raise(&mut tx, &sender.pool, &sender.writer, behind)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!((raised.after_position, raised.restated), (20, 4));
    accept(&lab, 2).await.unwrap();
    let tasks = Tasks::new(CancellationToken::new());
    sender.ship(&lab, &replica, &tasks, 2);
    until_balance(&lab, 34).await;
    tasks.stop().cancel();
    tasks.finished().await;

    let mut tx = sender.begin().await;
    let of_before = fencing::begins_behind(&mut tx, None, Some(19), 24).await;
    assert!(
        matches!(of_before, Err(fencing::RaiseError::Refused(_))),
        "{of_before:?}"
    );
}

/// The place that it looks back from is near the beginning of the epoch, and sequences there are those of the one before.
#[tokio::test]
async fn a_fork_is_looked_for_in_its_own_epoch_alone() {
    let sender = Sender::open(&empty_database().await).await;
    streams::append(&sender.pool, &sender.writer, 600, fact).await;
    let mut tx = sender.begin().await;
    fencing::raise(&mut tx, &sender.pool, &sender.writer, 600)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    sender.append(1).await;
    let at = Watermark {
        sequence: 1,
        time: Some(0),
    };
    let looking = fencing::fork(&sender.pool, FACTS, 0, 2, at);
    let fork = tokio::time::timeout(PATIENCE, looking).await;
    assert_eq!(fork.expect("it ends").unwrap(), Some(601));
}

async fn accept(lab: &Lab, epoch: i64) -> Result<Vec<halted::Halted>, fencing::NotAccepted> {
    let mut tx = WriteTx::begin(&lab.pool, &lab.writer, Lookups::default())
        .await
        .unwrap();
    let accepted = fencing::accept(&mut tx, "commission", epoch).await?;
    tx.commit().await.unwrap();
    Ok(accepted)
}

#[tokio::test]
async fn what_a_follower_never_got_of_the_old_epoch_comes_before_the_new_one() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let sender = Sender::open(&empty_database().await).await;
    sender.append(20).await;
    let mut tx = sender.begin().await;
    fencing::raise(&mut tx, &sender.pool, &sender.writer, 20)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    sender.append(3).await;
    let tasks = Tasks::new(CancellationToken::new());
    sender.ship(&lab, &replica, &tasks, 1);
    until("the follower stops before the new epoch", async || {
        halted::all(&lab.pool).await.unwrap().len() == 1
    })
    .await;
    assert_eq!(lab.balance("p").await, 20);
    accept(&lab, 2).await.unwrap();
    until_balance(&lab, 23).await;
    // The relay starts in the new epoch from now on, and what is left of the old one is passed.
    let old = lab.fact("p", 1);
    let answers = replica.take(FACTS, &[&old]).await;
    assert!(matches!(answers[..], [Answer::Repeated]), "{answers:?}");
    tasks.stop().cancel();
    tasks.finished().await;
}

#[tokio::test]
async fn forked_messages_at_the_broker_are_passed_once_the_new_epoch_is_accepted() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let facts: Vec<_> = (0..10).map(|_| lab.fact("p", 1)).collect();
    replica.take(FACTS, &facts.iter().collect::<Vec<_>>()).await;
    // A backup of the first five was restored; eight more were stated and published before anybody knew.
    let forked: Vec<_> = (6..14)
        .map(|sequence| {
            let mut fact = lab.fact("p", 100);
            fact.header.sequence = Some(sequence);
            fact
        })
        .collect();
    let forked: Vec<_> = forked.iter().collect();
    // Neither those whose places were taken, nor those behind, in the same entry or the next.
    for entry in [&forked[..], &forked[5..], &forked[..1]] {
        let answers = replica.take(FACTS, entry).await;
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Answer::Halted { .. })),
            "{answers:?}"
        );
    }
    let again = replica.take(FACTS, &[&facts[9], &facts[3]]).await;
    assert!(
        again
            .iter()
            .all(|answer| matches!(answer, Answer::Repeated)),
        "a duplicate is no fork: {again:?}"
    );
    accept(&lab, 2).await.unwrap();
    let answers = replica.take(FACTS, &forked).await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Answer::Repeated)),
        "{answers:?}"
    );
    let mut restated = forked[0].clone();
    (restated.header.epoch, restated.header.sequence) = (Some(2), Some(1));
    let answers = replica.take(FACTS, &[&restated]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
    assert_eq!(lab.balance("p").await, 110);
}

/// A fact that commission decided because of this cause, under an epoch and at a place of its stream.
fn decided(lab: &mut Lab, cause: Uuid, epoch: i64, sequence: i64) -> Message {
    let mut fact = lab.fact("p", 1);
    fact.header.id = ids::event_id("commission", epoch, cause, 0);
    fact.header.causation_id = Some(cause);
    (fact.header.epoch, fact.header.sequence) = (Some(epoch), Some(sequence));
    fact
}

#[tokio::test]
async fn what_a_restored_log_decides_again_has_no_second_effect_and_becomes_a_dead_letter() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let [before, after, both, new] = [(); 4].map(|()| Uuid::now_v7());
    let lost = decided(&mut lab, before, 1, 1);
    replica.take(FACTS, &[&lost]).await;
    accept(&lab, 2).await.unwrap();
    // These two of the lost history were still on their way; the last was stated again before anybody noticed, and restated.
    let late = decided(&mut lab, after, 1, 2);
    let stated = decided(&mut lab, both, 1, 3);
    replica.take(FACTS, &[&late, &stated]).await;
    assert_eq!(lab.balance("p").await, 3);

    let again = decided(&mut lab, before, 2, 1);
    let late_again = decided(&mut lab, after, 2, 2);
    let mut restated = stated.clone();
    (restated.header.epoch, restated.header.sequence) = (Some(2), Some(3));
    let news = decided(&mut lab, new, 2, 4);
    let answers = replica
        .take(FACTS, &[&again, &late_again, &restated, &news])
        .await;
    assert!(
        matches!(
            answers[..],
            [
                Answer::InRetryQueue,
                Answer::InRetryQueue,
                Answer::InRetryQueue,
                Answer::Done(_)
            ]
        ),
        "{answers:?}"
    );
    assert_eq!(lab.balance("p").await, 4, "once each");
    let rows = lab.retry_queue().await;
    let line = format!("it had its effect as {}", lost.header.id);
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter().all(|(state, ..)| state == "dead") && rows[0].2.starts_with(&line),
        "{rows:?}"
    );

    // Nobody makes it happen by a redrive either, of one or of all.
    let payload = schemas::show_payload(&again.body);
    let refused = [
        acts::redrive(&lab.pool, &lab.writer, &key(&again), BY).await,
        acts::edit(&lab.pool, &lab.writer, &key(&again), BY, payload).await,
    ];
    for refused in refused {
        assert!(
            matches!(&refused, Err(ActError::NotNow(why)) if why.contains("drop it")),
            "{refused:?}"
        );
    }
    let all = redrive::start(&lab.pool, &lab.writer, Filter::default(), 1_000, BY)
        .await
        .unwrap();
    until("it ends", || async {
        let job = redrive::find(&lab.pool, all).await.unwrap().unwrap();
        job.state == "done" && job.total == 0
    })
    .await;
    assert_eq!(lab.balance("p").await, 4, "still once each");
    acts::drop(&lab.pool, &lab.writer, &key(&again), BY)
        .await
        .unwrap();
    assert_eq!(lab.retry_queue().await.len(), 2);
}

/// A kind that was not known is handled by a build that knows it, which asks nobody whether it was handled before.
#[tokio::test]
async fn what_is_decided_again_and_cannot_be_read_is_not_kept_for_a_build_that_reads_it() {
    for (is_known, is_blocked) in [(false, false), (true, false), (true, true)] {
        let mut lab = Lab::new().await;
        let replica = lab.start(false);
        let cause = Uuid::now_v7();
        let lost = decided(&mut lab, cause, 1, 1);
        replica.take(FACTS, &[&lost]).await;
        accept(&lab, 2).await.unwrap();
        let again = decided(&mut lab, cause, 2, 1);
        let mut inbound = arrived(FACTS, &again);
        if is_blocked {
            let dead = "INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, subject, attempts, next_at, header, schema_id, body)
                        VALUES ('tracking', gen_random_uuid(), 1, 'tracking-events', 'dead', 'blocks', $1, 0, 0, '{}', 1, '')";
            let dead = sqlx::query(dead).bind(&again.header.subject);
            dead.execute(&lab.pool).await.unwrap();
            // Whoever writes to the queue writes to the log's head.
            let head = sqlx::raw_sql("UPDATE pipeline.log_head SET position = position");
            head.execute(&lab.pool).await.unwrap();
        }
        inbound.content = if is_known {
            Content::Unreadable {
                reason: "it has a value of a later build".to_owned(),
                header: Box::new(again.header),
            }
        } else {
            Content::UnknownKind(Box::new(again.header))
        };
        let answers = replica.take_raw(vec![inbound]).await;
        assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
        let kept: (String, String) =
            sqlx::query_as("SELECT state, reason FROM pipeline.parked WHERE reason <> 'blocks'")
                .fetch_one(&lab.pool)
                .await
                .unwrap();
        assert_eq!(kept.0, "dead", "{kept:?}");
        assert!(kept.1.starts_with(HAD_ITS_EFFECT), "{kept:?}");
    }
}

#[tokio::test]
async fn a_rewound_cursor_is_taken_up_by_the_relay_that_runs() {
    let sender = Sender::open(&empty_database().await).await;
    sender.append(30).await;
    let mut connection = sender.pool.acquire().await.unwrap();
    sqlx::query("INSERT INTO pipeline.relay_cursor VALUES ('commission-events', 0, 30, 4)")
        .execute(&mut *connection)
        .await
        .unwrap();
    let before = relay::rewind(&mut connection, FACTS, 0, 12).await.unwrap();
    assert_eq!(before, Some(30));
    let cursor: (i64, i64) =
        sqlx::query_as("SELECT position, relay_epoch FROM pipeline.relay_cursor")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
    assert_eq!(cursor, (12, 5));
    // The one that runs finds that the cursor is no longer its own, and gives the lead up.
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let tasks = Tasks::new(CancellationToken::new());
    sender.ship(&lab, &replica, &tasks, 1);
    tasks.stop().cancelled().await;
    tasks.finished().await;
}

/// A log of years takes longer to read than a request lasts.
#[tokio::test]
async fn what_was_handled_is_noted_a_stretch_at_a_time_and_once_more_only_what_came_since() {
    let sender = Sender::open(&empty_database().await).await;
    sender.append(1).await;
    // At every tenth thousand something that had a cause.
    let more = "INSERT INTO pipeline.message_log
                SELECT n * 10000, gen_random_uuid(), type, topic, partition, n + 1, key, subject, time, correlation_id, gen_random_uuid(), outcome_of, schema_id, body
                  FROM pipeline.message_log, generate_series(1, 13) n WHERE position = 1";
    let head = "UPDATE pipeline.log_head SET position = 130000";
    for sql in [more, head] {
        sqlx::raw_sql(sql).execute(&sender.pool).await.unwrap();
    }
    // Up to where, and how much.
    let noted = async || -> (i64, i64) {
        let noted = "SELECT handled_noted_to, (SELECT count(*) FROM pipeline.handled_before) FROM pipeline.service_state";
        let noted = sqlx::query_as(noted).fetch_one(&sender.pool).await;
        noted.unwrap()
    };
    // The first is given up in its second stretch.
    let mut hold = sender.pool.acquire().await.unwrap();
    let cause = "BEGIN; INSERT INTO pipeline.handled_before SELECT causation_id FROM pipeline.message_log WHERE position = 60000";
    sqlx::raw_sql(cause).execute(&mut *hold).await.unwrap();
    tokio::select! {
        done = fencing::note_log(&sender.pool) => panic!("{done:?}"),
        () = until("the second stretch waits", async || {
            let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
            sqlx::query_scalar(waits).fetch_one(&sender.pool).await.unwrap()
        }) => {}
    }
    assert_eq!(noted().await, (50_000, 5));
    sqlx::raw_sql("ROLLBACK").execute(&mut *hold).await.unwrap();
    // The server ends what it has begun.
    until("the second is noted", async || noted().await.0 == 100_000).await;
    assert_eq!(noted().await.1, 10);
    let again = "DELETE FROM pipeline.handled_before";
    sqlx::raw_sql(again).execute(&mut *hold).await.unwrap();
    for _ in 0..2 {
        fencing::note_log(&sender.pool).await.unwrap();
        assert_eq!(noted().await, (130_000, 3), "what was noted before stays");
    }
}

#[tokio::test]
async fn what_left_the_table_is_known_when_it_is_decided_again() {
    let (mut lab, folder) = long_log(0).await;
    let replica = lab.start(false);
    let cause = Uuid::now_v7();
    let lost = decided(&mut lab, cause, 1, 1);
    replica.take(FACTS, &[&lost]).await;
    append(&lab, 250).await;
    archive_all(&lab).await;
    verify_all(&lab).await;
    assert_eq!(drop_below(&lab, 250).await.unwrap(), 199);
    let early = accept(&lab, 2).await;
    assert!(
        matches!(early, Err(fencing::NotAccepted::Refused(_))),
        "what the files have is not noted yet: {early:?}"
    );
    fencing::note_log(&lab.pool).await.unwrap();
    accept(&lab, 2).await.unwrap();
    let again = decided(&mut lab, cause, 2, 1);
    let answers = replica.take(FACTS, &[&again]).await;
    assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    assert_eq!(lab.balance("p").await, 1, "once");
    std::fs::remove_dir_all(folder).unwrap();
}
