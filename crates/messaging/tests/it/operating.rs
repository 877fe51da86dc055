//! What operators do with what is in the retry queue: each act once, in order, audited.

use std::sync::atomic::Ordering;

use messaging::trust::{Sender, Vouching};
use messaging::{Answer, Hint, Inbound, Via, Wire, log};
use operations::audit;
use operations::retry_queue::acts::{self, ActError, By, Key};
use operations::retry_queue::look;
use runtime::testing::{message, until};
use schemas::{
    Body, CommandRejectedV1, Message, RecordPayoutAnswerV1, RequestPayoutV1, WriterSchema,
};
use serde_json::{Value, json};

use crate::bank::{earns, take_out};
use crate::lab::{COMMANDS, FACTS, Lab, Replica, arrived, command, encode};

pub const BY: By<'static> = By {
    actor: "alice",
    reason: "the bank was mended",
};

pub fn key(message: &Message) -> Key {
    Key {
        source: message.header.source.clone(),
        id: message.header.id,
    }
}

impl Lab {
    pub fn break_down(&self, broken: bool) {
        self.faults.broken.store(broken, Ordering::SeqCst);
    }

    /// Lets everything that fails fail until it is dead.
    pub async fn until_dead(&self, count: usize) {
        until("they are dead", || async {
            self.advance_clock(600).await;
            let retry_queue = self.retry_queue().await;
            retry_queue.iter().filter(|row| row.0 == "dead").count() == count
        })
        .await;
    }

    pub async fn acts(&self) -> Vec<audit::AuditRow> {
        audit::list(&self.pool, &audit::Filter::default(), i64::MAX, 100)
            .await
            .unwrap()
    }
}

/// A bank with money in which a command and what comes behind it are stuck.
async fn stuck(lab: &mut Lab) -> (Replica, Message, Message) {
    lab.break_down(true);
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let dead = command("p", "pay1", take_out(1, "broken"));
    let behind = command("p", "pay1", take_out(2, "paypal"));
    replica.take(COMMANDS, &[&dead, &behind]).await;
    lab.until_dead(1).await;
    (replica, dead, behind)
}

#[tokio::test]
async fn a_redriven_command_is_handled_and_then_what_waited_behind_it() {
    let mut lab = Lab::new().await;
    let (_replica, dead, behind) = stuck(&mut lab).await;
    let refused = acts::redrive(&lab.pool, &lab.writer, &key(&behind), BY).await;
    assert!(matches!(refused, Err(ActError::NotNow(_))), "{refused:?}");
    assert!(lab.acts().await.is_empty(), "what was refused is no act");

    lab.break_down(false);
    acts::redrive(&lab.pool, &lab.writer, &key(&dead), BY)
        .await
        .unwrap();
    lab.until_the_retry_queue_is_empty().await;
    let causes = lab.causes().await;
    assert_eq!(
        causes[causes.len() - 2..],
        [dead.header.id, behind.header.id]
    );
    assert_eq!(lab.balance("p").await, 97);
    assert_eq!(lab.inbox_state(dead.header.id).await.0, "done");

    let act = lab.acts().await.remove(0);
    assert_eq!(
        (act.actor.as_str(), act.action.as_str(), act.reason.as_str()),
        (BY.actor, "parked.redrive", BY.reason)
    );
    assert_eq!(act.target, dead.header.id.to_string());
    let gone = acts::redrive(&lab.pool, &lab.writer, &key(&dead), BY).await;
    assert!(matches!(gone, Err(ActError::Gone)), "{gone:?}");
}

#[tokio::test]
async fn a_command_that_dies_again_says_so_again_in_a_message_of_its_own() {
    let mut lab = Lab::new().await;
    let (_replica, dead, _) = stuck(&mut lab).await;
    acts::redrive(&lab.pool, &lab.writer, &key(&dead), BY)
        .await
        .unwrap();
    until("it was tried once, and may be tried again", || async {
        let retry_queue = lab.retry_queue().await;
        retry_queue[0].0 == "retrying" && retry_queue[0].1 >= 1
    })
    .await;
    lab.until_dead(1).await;
    let rows = log::all_after(&lab.pool, 0, 100).await.unwrap();
    let stalled: Vec<_> = rows
        .iter()
        .filter(|row| row.kind == "command.stalled.v1")
        .map(|row| row.id)
        .collect();
    assert_eq!(stalled.len(), 2);
    assert_ne!(stalled[0], stalled[1]);
}

#[tokio::test]
async fn a_dropped_command_has_an_outcome_and_lets_its_successor_go() {
    let mut lab = Lab::new().await;
    let (replica, dead, behind) = stuck(&mut lab).await;
    acts::drop(&lab.pool, &lab.writer, &key(&dead), BY)
        .await
        .unwrap();
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(
        lab.inbox_state(dead.header.id).await,
        ("dropped".to_owned(), Some("dropped_by_operator".to_owned()))
    );
    assert_eq!(lab.inbox_state(behind.header.id).await.0, "done");
    let rows = log::all_after(&lab.pool, 0, 100).await.unwrap();
    let outcome = rows
        .iter()
        .find(|row| row.outcome_of == Some(dead.header.id))
        .unwrap();
    let reported = schemas::decode(
        &WriterSchema::current(schemas::Topic::PaymentEvents),
        &outcome.body,
    );
    let Body::CommandRejectedV1(reported) = reported.unwrap().body else {
        panic!("{}", outcome.kind);
    };
    assert_eq!(reported.code, "dropped_by_operator");
    assert!(
        !reported.detail.contains(BY.reason),
        "the reason is for operators"
    );
    let kept: Vec<u8> = sqlx::query_scalar("SELECT body FROM pipeline.parked_before")
        .fetch_one(&lab.pool)
        .await
        .unwrap();
    assert_eq!(kept, encode(COMMANDS, &dead), "its bytes are kept");
    let again = replica.take(COMMANDS, &[&dead]).await;
    assert!(matches!(again[..], [Answer::Repeated]), "{again:?}");
    assert_eq!(lab.balance("p").await, 98);
}

#[tokio::test]
async fn a_dropped_fact_goes_and_nothing_is_sent_of_it() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let (mut bad, mut good) = (lab.fact("p", 1), lab.fact("p", 2));
    bad.header.subject = "conv".to_owned();
    good.header.subject = "conv".to_owned();
    let mut bytes = encode(FACTS, &bad);
    bytes.pop();
    let hint = Hint {
        source: Some("commission"),
        epoch: Some(1),
        sequence: Some(1),
        subject: Some("conv"),
        ..Hint::default()
    };
    let truncated = crate::lab::arrived_as(FACTS, bytes, &hint);
    let row = Key {
        source: "commission".to_owned(),
        id: truncated.id,
    };
    replica
        .take_raw(vec![truncated, arrived(FACTS, &good)])
        .await;
    assert_eq!(lab.retry_queue().await.len(), 2);
    acts::drop(&lab.pool, &lab.writer, &row, BY).await.unwrap();
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.kinds().await, ["ledger.posted.v1"]);
    assert_eq!(lab.balance("p").await, 2);
}

#[tokio::test]
async fn an_edited_copy_takes_the_messages_place_under_its_id_and_the_old_bytes_are_kept() {
    let mut lab = Lab::new().await;
    let (_replica, dead, _) = stuck(&mut lab).await;
    let mut payload = schemas::show_payload(&dead.body);
    assert_eq!(payload["sealed_details"], "hidden: 3 bytes");
    payload["method"] = json!("paypal");
    payload["amount"]["minor"] = json!(40);
    acts::edit(&lab.pool, &lab.writer, &key(&dead), BY, payload)
        .await
        .unwrap();
    assert_eq!(lab.retry_queue().await[0].0, "dead", "until it is redriven");
    acts::redrive(&lab.pool, &lab.writer, &key(&dead), BY)
        .await
        .unwrap();
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("p").await, 58);
    assert_eq!(lab.inbox_state(dead.header.id).await.0, "done");
    let kept: Vec<u8> = sqlx::query_scalar("SELECT body FROM pipeline.parked_before")
        .fetch_one(&lab.pool)
        .await
        .unwrap();
    assert_eq!(kept, encode(COMMANDS, &dead));
}

#[tokio::test]
async fn nothing_is_kept_of_a_strangers_message_that_was_edited_and_dropped() {
    let mut lab = Lab::new().await;
    let (_replica, dead, _) = stuck(&mut lab).await;
    sqlx::raw_sql("UPDATE pipeline.parked SET origin = 'producer:shop:brand1'")
        .execute(&lab.pool)
        .await
        .unwrap();
    let payload = schemas::show_payload(&dead.body);
    acts::edit(&lab.pool, &lab.writer, &key(&dead), BY, payload)
        .await
        .unwrap();
    acts::drop(&lab.pool, &lab.writer, &key(&dead), BY)
        .await
        .unwrap();
    let kept: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT header, body FROM pipeline.parked_before")
            .fetch_all(&lab.pool)
            .await
            .unwrap();
    assert_eq!(kept, vec![("{}".to_owned(), Vec::new()); 2]);
}

#[tokio::test]
async fn an_edit_that_is_no_payload_changes_nothing() {
    let mut lab = Lab::new().await;
    let (_replica, dead, _) = stuck(&mut lab).await;
    let payload = schemas::show_payload(&dead.body);
    for (pointer, wrong, at) in [
        ("/amount/minor", json!(1.5), "/amount/minor"),
        ("/amount/minor", json!("1"), "/amount/minor"),
        ("/sealed_details", json!([1, 2, 4]), "/sealed_details"),
        (
            "/sealed_details",
            json!("hidden: 4 bytes"),
            "/sealed_details",
        ),
        ("/method", json!(null), "/method"),
        ("/method", json!("x".repeat(300_000)), ""),
    ] {
        let mut payload = payload.clone();
        *payload.pointer_mut(pointer).unwrap() = wrong.clone();
        let refused = acts::edit(&lab.pool, &lab.writer, &key(&dead), BY, payload).await;
        match refused {
            Err(ActError::Edit(error)) => assert_eq!(error.pointer, at, "{wrong}: {error}"),
            other => panic!("{wrong}: {other:?}"),
        }
    }
    let mut more = payload.clone();
    more["amount"]["minro"] = json!(1);
    let refused = acts::edit(&lab.pool, &lab.writer, &key(&dead), BY, more).await;
    assert!(
        matches!(&refused, Err(ActError::Edit(error)) if error.pointer == "/amount/minro"),
        "{refused:?}"
    );
    assert!(lab.acts().await.is_empty());
    let row = look::find(&lab.pool, dead.header.id, None).await.unwrap();
    assert_eq!(row[0].body, encode(COMMANDS, &dead));
    assert_eq!(row[0].edition, 0);
}

#[tokio::test]
async fn what_was_read_before_an_operator_changed_it_is_not_handled() {
    let mut lab = Lab::new().await;
    let (replica, dead, _) = stuck(&mut lab).await;
    let read_before = |edition: i32| {
        let mut inbound = arrived(COMMANDS, &dead);
        inbound.via = Via::InRetryQueue {
            attempts: 1,
            arrival: 1,
            deadline: None,
            edition,
        };
        inbound
    };
    lab.break_down(false);
    let answers = replica.take_raw(vec![read_before(0)]).await;
    assert!(
        matches!(answers[..], [Answer::Repeated]),
        "the dead are not handled: {answers:?}"
    );
    let mut payload = schemas::show_payload(&dead.body);
    payload["amount"]["minor"] = json!(40);
    acts::edit(&lab.pool, &lab.writer, &key(&dead), BY, payload)
        .await
        .unwrap();
    acts::redrive(&lab.pool, &lab.writer, &key(&dead), BY)
        .await
        .unwrap();
    for edition in [1, 0] {
        replica.take_raw(vec![read_before(edition)]).await;
    }
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("p").await, 58, "the edited copy, once");
}

#[tokio::test]
async fn what_is_never_taken_from_outside_stays_out_however_often_it_is_redriven() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let own = command(
        "p",
        "pay1",
        Body::RecordPayoutAnswerV1(RecordPayoutAnswerV1 {
            answer: "paid".to_owned(),
            provider_ref: None,
            reason: None,
        }),
    );
    // A fact without its place in a stream: anybody may have written it.
    let forged = message(FACTS, "conv1", "conv1", earns("p", 1_000), None);
    let answers = replica.take(COMMANDS, &[&own]).await;
    assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    let answers = replica.take(FACTS, &[&forged]).await;
    assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    for message in [&own, &forged] {
        acts::redrive(&lab.pool, &lab.writer, &key(message), BY)
            .await
            .unwrap();
    }
    until("both are dead again", || async {
        let retry_queue = lab.retry_queue().await;
        retry_queue.len() == 2 && retry_queue.iter().all(|row| row.0 == "dead")
    })
    .await;
    assert_eq!(lab.balance("p").await, 0);

    // Nor does it hold up the payout that it names.
    let submitted = command("p", "pay1", take_out(1, "paypal"));
    let answers = replica.take(COMMANDS, &[&submitted]).await;
    assert!(
        matches!(answers[..], [Answer::Rejected { .. }]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn a_kept_kind_that_turns_out_to_concern_nobody_here_goes_and_lets_its_successor_go() {
    let mut lab = Lab::new().await;
    let first = lab.fact("p", 1);
    let kept = message(
        FACTS,
        &first.header.key,
        &first.header.subject,
        Body::CommandRejectedV1(CommandRejectedV1 {
            command_type: "some.command.v1".to_owned(),
            code: "no".to_owned(),
            detail: String::new(),
            pointer: None,
        }),
        Some(9),
    );
    // As a build without that kind would have kept it.
    sqlx::query(
        "INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, subject, attempts, next_at, header,
                                      schema_id, body)
         VALUES ('commission', $1, 1, $2, 'unknown_type', '', $3, 0, 0, $4, $5, $6)",
    )
    .bind(kept.header.id)
    .bind(FACTS.name())
    .bind(&kept.header.subject)
    .bind(json!({ "type": kept.header.kind }).to_string())
    .bind(lab.writer.schema_ids.current(FACTS))
    .bind(encode(FACTS, &kept))
    .execute(&lab.pool)
    .await
    .unwrap();
    let replica = lab.start(false);
    lab.until_the_retry_queue_is_empty().await;
    let answers = replica.take(FACTS, &[&first]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
}

#[tokio::test]
async fn what_this_build_does_not_know_cannot_be_redriven() {
    let mut lab = Lab::new().await;
    let (_replica, dead, _) = stuck(&mut lab).await;
    sqlx::query("UPDATE pipeline.parked SET state = 'unknown_type' WHERE message_id = $1")
        .bind(dead.header.id)
        .execute(&lab.pool)
        .await
        .unwrap();
    let refused = acts::redrive(&lab.pool, &lab.writer, &key(&dead), BY).await;
    assert!(matches!(refused, Err(ActError::NotNow(_))), "{refused:?}");
    assert!(lab.acts().await.is_empty());
}

#[tokio::test]
async fn an_act_that_cannot_be_audited_is_not_done() {
    let mut lab = Lab::new().await;
    let (_replica, dead, _) = stuck(&mut lab).await;
    let row = async || {
        let rows = look::find(&lab.pool, dead.header.id, None).await;
        let row = rows.unwrap().remove(0);
        (row.state, row.edition, row.attempts, row.body)
    };
    let before = row().await;
    sqlx::raw_sql("ALTER TABLE pipeline.audit RENAME TO audit_away")
        .execute(&lab.pool)
        .await
        .unwrap();
    let (pool, writer, key) = (&lab.pool, &lab.writer, key(&dead));
    let payload = schemas::show_payload(&dead.body);
    let redriven = acts::redrive(pool, writer, &key, BY).await;
    let dropped = acts::drop(pool, writer, &key, BY).await.map(drop);
    let edited = acts::edit(pool, writer, &key, BY, payload).await;
    for (what, done) in [("redrive", redriven), ("drop", dropped), ("edit", edited)] {
        assert!(matches!(done, Err(ActError::Sql(_))), "{what}: {done:?}");
        assert_eq!(row().await, before, "{what}");
    }
}

#[tokio::test]
async fn a_copy_that_a_newer_build_wrote_is_edited_by_the_schema_of_this_one() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    lab.break_down(true);
    let submitted = command("p", "pay1", take_out(1, "broken"));
    // A field behind all others, which is not set here.
    let mut newer: Value = serde_json::from_str(WriterSchema::current(COMMANDS).text()).unwrap();
    let addition = json!({"name": "later", "type": ["null", "string"], "default": null});
    newer["fields"].as_array_mut().unwrap().push(addition);
    let mut bytes = encode(COMMANDS, &submitted);
    bytes.push(0);
    let wire = Wire {
        schema: WriterSchema::parse(COMMANDS, &newer.to_string()).unwrap(),
        bytes: bytes.into(),
    };
    let bff = Sender::Service(schemas::Service::Bff);
    let (hint, vouching) = (Hint::default(), Vouching::Transport(&bff));
    let inbound = Inbound::read(COMMANDS, 0, wire, || submitted.header.id, &hint, vouching);
    replica.take_raw(vec![inbound]).await;
    lab.until_dead(1).await;

    let mut payload = schemas::show_payload(&submitted.body);
    payload["amount"]["minor"] = json!(40);
    acts::edit(&lab.pool, &lab.writer, &key(&submitted), BY, payload)
        .await
        .unwrap();
    lab.break_down(false);
    acts::redrive(&lab.pool, &lab.writer, &key(&submitted), BY)
        .await
        .unwrap();
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("p").await, 60);
}

#[tokio::test]
async fn acts_are_listed_by_who_did_them_what_they_are_and_upon_what() {
    let mut lab = Lab::new().await;
    let (_replica, dead, _) = stuck(&mut lab).await;
    let bob = By {
        actor: "bob",
        reason: "not wanted",
    };
    let payload = schemas::show_payload(&dead.body);
    let (pool, writer, key) = (&lab.pool, &lab.writer, key(&dead));
    acts::edit(pool, writer, &key, BY, payload).await.unwrap();
    acts::drop(pool, writer, &key, bob).await.unwrap();
    let found = async |actor: Option<&str>, action: Option<&str>, target: Option<&str>| {
        let filter = audit::Filter {
            actor: actor.map(str::to_owned),
            action: action.map(str::to_owned),
            target: target.map(str::to_owned),
        };
        let rows = audit::list(pool, &filter, i64::MAX, 10).await.unwrap();
        rows.into_iter().map(|row| row.action).collect::<Vec<_>>()
    };
    let (edit, drop) = ("parked.edit", "parked.drop");
    assert_eq!(found(None, None, None).await, [drop, edit]);
    assert_eq!(found(Some("bob"), None, None).await, [drop]);
    assert_eq!(found(None, Some(edit), None).await, [edit]);
    assert_eq!(found(None, Some("parked"), None).await, [drop, edit]);
    assert!(found(None, Some("park"), None).await.is_empty());
    let target = key.id.to_string();
    assert_eq!(found(None, None, Some(&target)).await, [drop, edit]);
    assert!(found(None, None, Some("another")).await.is_empty());
}

#[tokio::test]
async fn a_newcomer_with_the_identity_of_one_in_the_retry_queue_changes_nothing() {
    let mut lab = Lab::new().await;
    lab.break_down(true);
    let replica = lab.start(false);
    let failing = command("p", "pay1", take_out(1, "broken"));
    replica.take(COMMANDS, &[&failing]).await;
    let before = lab.retry_queue().await;
    // It says that it is the same message, and of a kind that has no place there.
    let mut twin = arrived(FACTS, &lab.fact("p", 1));
    (twin.id, twin.source, twin.stream) = (failing.header.id, failing.header.source.clone(), None);
    let twins = vec![arrived_twin(&twin), twin];
    replica.take_raw(twins).await;
    let after = lab.retry_queue().await;
    assert_eq!((&after[0].0, after.len()), (&before[0].0, 1));
}

fn arrived_twin(twin: &messaging::Inbound) -> messaging::Inbound {
    let mut other = arrived(FACTS, twin.message().unwrap());
    (other.id, other.source, other.stream) = (twin.id, twin.source.clone(), None);
    other
}

#[tokio::test]
async fn the_audit_cannot_be_changed() {
    let mut lab = Lab::new().await;
    let (_replica, dead, _) = stuck(&mut lab).await;
    acts::drop(&lab.pool, &lab.writer, &key(&dead), BY)
        .await
        .unwrap();
    for sql in [
        "UPDATE pipeline.audit SET actor = 'bob'",
        "DELETE FROM pipeline.audit",
        "TRUNCATE pipeline.audit CASCADE",
        "DELETE FROM pipeline.parked_before",
    ] {
        let refused = sqlx::query(sql).execute(&lab.pool).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}

#[test]
fn a_payout_request_keeps_its_sealed_details_through_an_edit() {
    let submitted = command("p", "pay1", take_out(1, "paypal"));
    let (schema, bytes) = (
        WriterSchema::current(COMMANDS),
        encode(COMMANDS, &submitted),
    );
    let edited = schemas::edit(&schema, &bytes, schemas::show_payload(&submitted.body)).unwrap();
    let Body::RequestPayoutV1(RequestPayoutV1 { sealed_details, .. }) = &edited else {
        panic!("{edited:?}");
    };
    assert_eq!(sealed_details, &[1, 2, 3]);
    assert_eq!(edited, submitted.body);
}
