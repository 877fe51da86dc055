//! One effect, whoever writes.

use messaging::{Answer, Lookups, MAX_BODY_BYTES, NewMessage, TxError, WriteTx};
use runtime::testing::until;
use schemas::{Body, Message, PayoutRequestedV1, Topic};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use types::PayoutMethod;
use uuid::Uuid;

use crate::bank::{take_out, usd};
use crate::lab::{COMMANDS, FACTS, Lab, command};

#[tokio::test]
async fn two_replicas_never_spend_one_balance_twice() {
    let mut lab = Lab::new().await;
    let replicas = [lab.start(false), lab.start(false)];
    let fact = lab.fact("p", 100);
    replicas[0].take(FACTS, &[&fact]).await;

    let commands: Vec<Message> = (0..60)
        .map(|number| command("p", &format!("pay{number}"), take_out(10, "paypal")))
        .collect();
    // Each goes to one of them, every third to both, as when a partition has just moved.
    let submitted = commands.iter().enumerate().map(async |(index, command)| {
        let (one, other) = (&replicas[index % 2], &replicas[(index + 1) % 2]);
        let second = async {
            if index % 3 == 0 {
                other.take(COMMANDS, &[command]).await;
            }
        };
        let first = async {
            one.take(COMMANDS, &[command]).await;
        };
        tokio::join!(first, second);
    });
    futures::future::join_all(submitted).await;

    assert_eq!(lab.balance("p").await, 0);
    let kinds = lab.kinds().await;
    let count = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
    assert_eq!(count("payout.requested.v1"), 10);
    assert_eq!(count("command.rejected.v1"), 50);
    let (positions, sequences): (i64, i64) = sqlx::query_as(
        "SELECT max(position) - count(*), max(sequence) - count(*) FROM pipeline.message_log",
    )
    .fetch_one(&lab.pool)
    .await
    .unwrap();
    assert_eq!((positions, sequences), (0, 0), "no gap and no twin");
}

#[tokio::test]
async fn twins_in_one_batch_have_one_effect() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    let answers = replica.take(FACTS, &[&fact, &fact]).await;
    assert!(
        matches!(answers[..], [Answer::Done(_), Answer::Repeated]),
        "{answers:?}"
    );
    let command = command("p", "pay1", take_out(40, "paypal"));
    let answers = replica.take(COMMANDS, &[&command, &command]).await;
    assert!(
        matches!(answers[..], [Answer::Done(_), Answer::Repeated]),
        "{answers:?}"
    );
    assert_eq!(lab.balance("p").await, 60);
}

#[tokio::test]
async fn what_cannot_be_written_takes_no_place_in_its_stream() {
    let lab = Lab::new().await;
    let mut tx = WriteTx::begin(&lab.pool, &lab.writer, Lookups::default())
        .await
        .unwrap();
    let (first, _) = tx.append(posting("p", 1)).unwrap();
    let mut beyond = posting("p", 2);
    beyond.traceparent = Some("x".repeat(300_000));
    beyond.causation_id = None;
    tx.append(beyond).unwrap_err();
    let (second, _) = tx.append(posting("p", 3)).unwrap();
    assert_eq!(first.header.sequence, Some(1));
    assert_eq!(second.header.sequence, Some(2));
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn who_waits_for_the_lock_sees_what_its_holder_committed() {
    let lab = Lab::new().await;
    let mut first = WriteTx::begin(&lab.pool, &lab.writer, Lookups::default())
        .await
        .unwrap();
    let waiting = WriteTx::begin(&lab.pool, &lab.writer, Lookups::default());
    let holding = async {
        until("the second waits for the lock", || async {
            let waits: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM pg_locks l, pg_database d
                                 WHERE l.locktype = 'advisory' AND NOT l.granted AND d.oid = l.database
                                   AND d.datname = current_database())",
            )
            .fetch_one(&lab.pool)
            .await
            .unwrap();
            waits
        })
        .await;
        sqlx::query("INSERT INTO balances VALUES ('p', 7)")
            .execute(first.connection())
            .await
            .unwrap();
        first.append(posting("p", 1)).unwrap();
        first.commit().await.unwrap()
    };
    let (second, position) = tokio::join!(waiting, holding);
    let mut second = second.unwrap();
    assert_eq!(second.position(), position, "the head is the holder's");
    let seen: i64 = sqlx::query_scalar("SELECT minor FROM balances WHERE partner = 'p'")
        .fetch_one(second.connection())
        .await
        .unwrap();
    assert_eq!(seen, 7);
    let isolation: String = sqlx::query_scalar("SHOW transaction_isolation")
        .fetch_one(second.connection())
        .await
        .unwrap();
    assert_eq!(isolation, "read committed");
}

#[tokio::test]
async fn the_statement_that_begins_a_writing_transaction_is_planned_once() {
    let lab = Lab::new().await;
    let options: PgConnectOptions = (*lab.pool.connect_options()).clone();
    let pool = PgPoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.unwrap();
    for _ in 0..12 {
        let lookups = Lookups {
            commands: &[Uuid::now_v7()],
            ..Lookups::default()
        };
        let tx = WriteTx::begin(&pool, &lab.writer, lookups).await.unwrap();
        tx.commit().await.unwrap();
    }
    let plans: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE E'\\nSELECT (SELECT coalesce(max%'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(plans, [(12, 0)]);
}

#[tokio::test]
async fn an_oversized_row_cannot_be_appended() {
    let lab = Lab::new().await;
    let mut tx = WriteTx::begin(&lab.pool, &lab.writer, Lookups::default())
        .await
        .unwrap();
    let refused = tx.append(posting("p", MAX_BODY_BYTES));
    assert!(
        matches!(refused, Err(TxError::Append { .. })),
        "{refused:?}"
    );
    assert_eq!(tx.position(), 0, "nothing is left of it");
    let (_, position) = tx.append(posting("p", MAX_BODY_BYTES - 1_000)).unwrap();
    assert_eq!(tx.commit().await.unwrap(), position);

    let raw = sqlx::query(
        "INSERT INTO pipeline.message_log (position, id, type, key, subject, time, correlation_id, schema_id, body)
         VALUES (2, gen_random_uuid(), 't', 'k', 's', 0, gen_random_uuid(), 1, decode(repeat('00', 262145), 'hex'))",
    );
    assert!(
        raw.execute(&lab.pool).await.is_err(),
        "the table refuses it too"
    );
}

fn posting(partner: &str, length: usize) -> NewMessage {
    NewMessage {
        id: Uuid::now_v7(),
        topic: Topic::PaymentEvents,
        key: partner.to_owned(),
        subject: partner.to_owned(),
        body: Body::PayoutRequestedV1(PayoutRequestedV1 {
            amount: usd(1),
            method: PayoutMethod::Paypal,
            masked: "x".repeat(length),
            transfer_id: Uuid::nil(),
        }),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        outcome_of: None,
        actor: None,
        traceparent: None,
    }
}
