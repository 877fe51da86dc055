//! Dry runs, and redriving many messages.

use messaging::retry_queue::HAD_ITS_EFFECT;
use messaging::{DryRunResult, log};
use operations::retry_queue::acts::{self, ActError};
use operations::retry_queue::look::{self, Filter};
use operations::retry_queue::{dry_run, redrive};
use schemas::Message;
use serde_json::json;
use uuid::Uuid;

use crate::bank::take_out;
use crate::lab::{COMMANDS, FACTS, Lab, Replica, command};
use crate::operating::{BY, key};
use runtime::testing::until;

/// Commands that are dead, each on a subject of its own.
async fn dead(lab: &Lab, replica: &Replica, methods: &[&str]) -> Vec<Message> {
    let commands: Vec<Message> = methods
        .iter()
        .enumerate()
        .map(|(index, method)| command("p", &format!("pay{index}"), take_out(1, method)))
        .collect();
    replica
        .take(COMMANDS, &commands.iter().collect::<Vec<_>>())
        .await;
    lab.until_dead(methods.len()).await;
    commands
}

/// A bank that is broken, in which a partner has so much and commands are dead.
async fn with_dead(funds: i64, methods: &[&str]) -> (Lab, Replica, Vec<Message>) {
    let mut lab = Lab::new().await;
    lab.break_down(true);
    let replica = lab.start(false);
    let fact = lab.fact("p", funds);
    replica.take(FACTS, &[&fact]).await;
    let commands = dead(&lab, &replica, methods).await;
    (lab, replica, commands)
}

/// The same after it was mended, with no process at work.
async fn mended_with_dead(methods: &[&str]) -> (Lab, Vec<Message>) {
    let (lab, replica, commands) = with_dead(100, methods).await;
    drop(replica);
    lab.break_down(false);
    (lab, commands)
}

#[tokio::test]
async fn a_dry_run_returns_what_would_come_of_it_and_nothing_stays() {
    let (lab, replica, commands) = with_dead(100, &["broken"]).await;
    let handling = async |payload| {
        let (pool, schema_ids) = (&lab.pool, &lab.writer.schema_ids);
        let rows = look::find(pool, commands[0].header.id, None).await;
        let row = rows.unwrap().remove(0);
        dry_run::run(&*replica.dry_run, pool, schema_ids, &row, payload).await
    };
    let before = (log::head(&lab.pool).await.unwrap(), lab.retry_queue().await);

    let result = handling(None).await;
    assert!(
        matches!(&result, Ok(DryRunResult::Failed { reason }) if reason.contains("the bank is broken")),
        "{result:?}"
    );
    let payload = |minor: i64, method: &str| {
        let mut payload = schemas::show_payload(&commands[0].body);
        payload["amount"]["minor"] = minor.into();
        payload["method"] = method.into();
        Some(payload)
    };
    let result = handling(payload(200, "broken-not")).await;
    assert!(
        matches!(&result, Ok(DryRunResult::Rejected { code, .. }) if code == "insufficient_balance"),
        "{result:?}"
    );
    let result = handling(payload(200, "patient")).await;
    assert!(
        matches!(&result, Ok(DryRunResult::InRetryQueue { state: "waiting", waiting_for: Some(what), .. }) if what == "funds:p"),
        "{result:?}"
    );
    lab.break_down(false);
    let result = handling(None).await;
    let Ok(DryRunResult::Handled(events)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(events[0]["type"], "payout.requested.v1");
    assert_eq!(events[0]["outcomeof"], commands[0].header.id.to_string());
    assert_eq!(
        events[0]["payload"]["payout_requested_v1"]["amount"]["minor"],
        1
    );

    let after = (log::head(&lab.pool).await.unwrap(), lab.retry_queue().await);
    assert_eq!(before, after);
    assert_eq!(lab.balance("p").await, 100);
}

#[tokio::test]
async fn a_redrive_goes_once_through_the_dead_and_counts_those_that_die_again() {
    let (lab, _) = mended_with_dead(&["broken", "poison", "broken"]).await;
    let id = redrive::start(&lab.pool, &lab.writer, Filter::default(), 1_000, BY)
        .await
        .unwrap();
    let job = redrive::find(&lab.pool, id).await.unwrap().unwrap();
    assert_eq!((job.total, job.picked, job.done), (3, 0, 0));

    // The process that it was asked of is gone; another carries it on.
    let _replica = lab.start(false);
    until("it ends", || async {
        lab.advance_clock(600).await;
        let job = redrive::find(&lab.pool, id).await.unwrap().unwrap();
        job.state == "done"
    })
    .await;
    let job = redrive::find(&lab.pool, id).await.unwrap().unwrap();
    assert_eq!((job.picked, job.done, job.failed), (3, 2, 1));
    assert_eq!(lab.balance("p").await, 98);
    assert_eq!(lab.retry_queue().await.len(), 1);
    assert_eq!(lab.acts().await[0].action, "parked.redrive_many");
}

#[tokio::test]
async fn a_redrive_takes_only_what_its_filter_names_and_ends_when_it_is_cancelled() {
    let (lab, commands) = mended_with_dead(&["broken", "broken"]).await;
    let all = redrive::start(&lab.pool, &lab.writer, Filter::default(), 1_000, BY)
        .await
        .unwrap();
    redrive::cancel(&lab.pool, &lab.writer, all, BY)
        .await
        .unwrap();
    let one = Filter {
        subject: Some("pay1".to_owned()),
        reason: Some("the BANK is broken".to_owned()),
        kind: Some(commands[1].header.kind.clone()),
        source: Some("bff".to_owned()),
        before: Some(i64::MAX),
        ..Filter::default()
    };
    redrive::start(&lab.pool, &lab.writer, one, 1_000, BY)
        .await
        .unwrap();
    let _replica = lab.start(false);
    until("one is handled", || async {
        lab.retry_queue().await.len() == 1
    })
    .await;
    let left = look::list(&lab.pool, &Filter::default(), i64::MAX, 10)
        .await
        .unwrap();
    assert_eq!(left[0].message_id, commands[0].header.id);
    assert_eq!(left[0].state, "dead");
    let cancelled = redrive::find(&lab.pool, all).await.unwrap().unwrap();
    assert_eq!(
        (cancelled.state.as_str(), cancelled.picked),
        ("cancelled", 0)
    );
    let queued = Filter {
        state: Some("queued".to_owned()),
        ..Filter::default()
    };
    let refused = redrive::start(&lab.pool, &lab.writer, queued, 1, BY).await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn a_redrive_keeps_to_its_rate_however_long_nothing_was_done() {
    let (lab, _) = mended_with_dead(&["broken"; 5]).await;
    let id = redrive::start(&lab.pool, &lab.writer, Filter::default(), 2, BY)
        .await
        .unwrap();
    lab.advance_clock(600).await;
    let _replica = lab.start(false);
    lab.until_the_retry_queue_is_empty().await;
    let job = redrive::find(&lab.pool, id).await.unwrap().unwrap();
    assert_eq!(job.picked, 5);
    // A second's worth at first, and then as many as the rate allows.
    let took = job.stepped_at - job.started_at - 600_000_000;
    assert!(took >= 1_500_000, "{took}");
}

#[tokio::test]
async fn a_redrive_goes_on_while_the_logs_time_stands_still() {
    let (lab, _) = mended_with_dead(&["broken"; 10]).await;
    lab.end_ahead_of_the_clock(3_600).await;
    let id = redrive::start(&lab.pool, &lab.writer, Filter::default(), 1_000, BY)
        .await
        .unwrap();
    let _replica = lab.start(false);
    let job = until_done(&lab, id).await;
    assert_eq!((job.picked, job.done, job.failed), (10, 10, 0));
    assert_eq!(lab.balance("p").await, 90);
}

#[tokio::test]
async fn a_redrive_leaves_alone_what_died_after_it_began_and_ends_once() {
    let (lab, commands) = mended_with_dead(&["broken", "broken"]).await;
    let set = async |state: &str| {
        sqlx::query("UPDATE pipeline.parked SET state = $2 WHERE message_id = $1")
            .bind(commands[1].header.id)
            .bind(state)
            .execute(&lab.pool)
            .await
            .unwrap();
    };
    set("unknown_type").await;
    let id = redrive::start(&lab.pool, &lab.writer, Filter::default(), 1_000, BY)
        .await
        .unwrap();
    set("dead").await;
    let _replica = lab.start(false);
    until("it ends", || async {
        let job = redrive::find(&lab.pool, id).await.unwrap().unwrap();
        job.state == "done"
    })
    .await;
    let left = lab.retry_queue().await;
    assert_eq!((left.len(), left[0].0.as_str()), (1, "dead"));
    let late = redrive::cancel(&lab.pool, &lab.writer, id, BY).await;
    assert!(matches!(late, Err(ActError::NotNow(_))), "{late:?}");
}

#[tokio::test]
async fn a_redrive_does_not_wait_for_what_stands_behind_something_dead() {
    let (lab, commands) = mended_with_dead(&["poison", "broken", "broken"]).await;
    sqlx::query(
        "UPDATE pipeline.parked p SET subject = f.subject, entity = f.entity
           FROM pipeline.parked f WHERE f.message_id = $1 AND p.message_id = $2",
    )
    .bind(commands[0].header.id)
    .bind(commands[1].header.id)
    .execute(&lab.pool)
    .await
    .unwrap();
    let start = async |subject: &str| {
        let filter = Filter {
            subject: Some(subject.to_owned()),
            ..Filter::default()
        };
        let started = redrive::start(&lab.pool, &lab.writer, filter, 1_000, BY).await;
        started.unwrap()
    };
    let (stuck, behind) = (start("pay0").await, start("pay2").await);
    let _replica = lab.start(false);
    for id in [stuck, behind] {
        until("it ends", || async {
            lab.advance_clock(600).await;
            let job = redrive::find(&lab.pool, id).await.unwrap().unwrap();
            job.state == "done"
        })
        .await;
    }
    let job = redrive::find(&lab.pool, stuck).await.unwrap().unwrap();
    assert_eq!((job.picked, job.done, job.failed), (2, 0, 1));
    let left = lab.retry_queue().await;
    let left: Vec<&str> = left.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(left, ["dead", "retrying"]);
}

/// The row is as one that a newer build kept, of a kind of its own.
async fn of_a_newer_build(lab: &Lab, command: &Message) {
    sqlx::query(
        "UPDATE pipeline.parked SET header = jsonb_set(header::jsonb, '{type}', '\"payment.newer.command.v1\"')::text
          WHERE message_id = $1",
    )
    .bind(command.header.id)
    .execute(&lab.pool)
    .await
    .unwrap();
}

async fn until_done(lab: &Lab, id: Uuid) -> redrive::Redrive {
    let find = async || redrive::find(&lab.pool, id).await.unwrap().unwrap();
    until("it ends", || async { find().await.state == "done" }).await;
    find().await
}

#[tokio::test]
async fn a_dead_message_of_a_kind_that_this_build_lacks_stays_dead() {
    let (lab, commands) = mended_with_dead(&["broken", "broken"]).await;
    of_a_newer_build(&lab, &commands[0]).await;
    let refused = acts::redrive(&lab.pool, &lab.writer, &key(&commands[0]), BY).await;
    assert!(
        matches!(&refused, Err(ActError::NotNow(why)) if why.contains("does not know its kind")),
        "{refused:?}"
    );
    let id = redrive::start(&lab.pool, &lab.writer, Filter::default(), 1_000, BY)
        .await
        .unwrap();
    let _replica = lab.start(false);
    let job = until_done(&lab, id).await;
    assert_eq!((job.total, job.picked, job.done), (1, 1, 1));
    assert_eq!(job.passed_over, 1);
    let left = lab.retry_queue().await;
    assert_eq!((left.len(), left[0].0.as_str()), (1, "dead"));
}

/// During a rollout a replica of the newer build begins it, and one of the older build takes all its steps.
#[tokio::test]
async fn a_redrive_that_ends_names_how_many_it_left_since_the_build_lacks_their_kind() {
    let (lab, commands) = mended_with_dead(&["broken", "broken", "broken", "broken"]).await;
    let others = Filter {
        subject: Some("pay0".to_owned()),
        ..Filter::default()
    };
    let start = async |filter| {
        let started = redrive::start(&lab.pool, &lab.writer, filter, 1_000, BY).await;
        started.unwrap()
    };
    let (all, one) = (start(Filter::default()).await, start(others).await);
    for command in &commands[..2] {
        of_a_newer_build(&lab, command).await;
    }
    // What had its effect already is an operator's to drop, whichever build runs.
    of_a_newer_build(&lab, &commands[2]).await;
    sqlx::query("UPDATE pipeline.parked SET reason = $2 WHERE message_id = $1")
        .bind(commands[2].header.id)
        .bind(format!("{HAD_ITS_EFFECT} as another"))
        .execute(&lab.pool)
        .await
        .unwrap();
    let _replica = lab.start(false);
    let job = until_done(&lab, all).await;
    assert_eq!((job.total, job.done, job.failed), (4, 1, 0));
    assert_eq!(job.passed_over, 2);
    let job = until_done(&lab, one).await;
    assert_eq!((job.total, job.done, job.passed_over), (1, 0, 1));
}

#[tokio::test]
async fn a_redrive_does_not_wait_for_what_a_newer_build_made_due_before() {
    let (lab, commands) = mended_with_dead(&["broken", "broken"]).await;
    of_a_newer_build(&lab, &commands[0]).await;
    let id = redrive::start(&lab.pool, &lab.writer, Filter::default(), 1_000, BY)
        .await
        .unwrap();
    let due = "UPDATE pipeline.parked SET state = 'retrying', next_at = 0, redrive = $1 WHERE message_id = $2";
    sqlx::query(due)
        .bind(id)
        .bind(commands[0].header.id)
        .execute(&lab.pool)
        .await
        .unwrap();
    let _replica = lab.start(false);
    let job = until_done(&lab, id).await;
    assert_eq!(job.passed_over, 0, "it is not dead any more");
    assert_eq!(lab.balance("p").await, 99);
    let left = lab.retry_queue().await;
    assert_eq!((left.len(), left[0].0.as_str()), (1, "retrying"));
}

#[tokio::test]
async fn each_filter_alone_separates_what_it_names_from_what_it_does_not() {
    let (lab, _replica, commands) = with_dead(100, &["broken"]).await;
    let row = look::find(&lab.pool, commands[0].header.id, None).await;
    let row = row.unwrap().remove(0);
    let found = async |filter: Filter| {
        let rows = look::list(&lab.pool, &filter, i64::MAX, 10).await;
        rows.unwrap().len()
    };
    for (field, own) in [
        ("state", "dead"),
        ("reason", "IS BROKEN"),
        ("kind", commands[0].header.kind.as_str()),
        ("source", commands[0].header.source.as_str()),
        ("subject", "pay0"),
    ] {
        let filter = |value: &str| serde_json::from_value(json!({ field: value })).unwrap();
        assert_eq!(found(filter(own)).await, 1, "{field}");
        assert_eq!(found(filter("another")).await, 0, "{field}");
    }
    for (later, count) in [(0, 0), (1, 1)] {
        let before = Some(row.parked_at + later);
        let filter = Filter {
            before,
            ..Filter::default()
        };
        assert_eq!(found(filter).await, count);
    }
    let of_another = look::find(&lab.pool, row.message_id, Some("another")).await;
    assert!(of_another.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_in_the_retry_queue_is_counted_by_state_type_and_class_of_reason() {
    let (lab, replica, _) = with_dead(10, &["broken", "broken"]).await;
    for partner in ["q1", "q2"] {
        let waits = command(partner, partner, take_out(5, "patient"));
        replica.take(COMMANDS, &[&waits]).await;
    }
    let counts = look::count(&lab.pool, &Filter::default()).await.unwrap();
    let names = |counts: Vec<look::Count>| -> Vec<(String, i64)> {
        counts.into_iter().map(|c| (c.name, c.rows)).collect()
    };
    assert_eq!(
        names(counts.states),
        [("dead".to_owned(), 2), ("waiting".to_owned(), 2)]
    );
    assert_eq!(
        names(counts.kinds),
        [("payment.request_payout.command.v1".to_owned(), 4)]
    );
    let reasons = names(counts.reasons);
    assert!(
        reasons.contains(&("waits for funds#".to_owned(), 2)),
        "{reasons:?}"
    );
}
