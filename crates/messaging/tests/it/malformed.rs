//! Bytes that nobody of ours wrote.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use messaging::trust::{Sender, Vouching};
use messaging::{Answer, Hint, Inbound, Wire};
use operations::retry_queue::acts;
use schemas::{Actor, Topic, WriterSchema};
use uuid::Uuid;

use crate::bank::take_out;
use crate::lab::{COMMANDS, FACTS, Lab, arrived, arrived_as, command, encode};
use crate::operating::{BY, key};

#[tokio::test]
async fn a_truncated_message_is_malformed_at_every_length_and_blocks_no_subject_that_it_names() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let whole = command("p", "pay1", take_out(10, "paypal"));
    let bytes = encode(COMMANDS, &whole);
    let hint = Hint {
        subject: Some("pay1"),
        ..Hint::default()
    };
    let prefixes: Vec<Inbound> = (0..bytes.len())
        .map(|length| arrived_as(COMMANDS, bytes[..length].to_vec(), &hint))
        .collect();
    let count = prefixes.len();
    let answers = replica.take_raw(prefixes).await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Answer::InRetryQueue)),
        "{answers:?}"
    );
    let retry_queue = lab.retry_queue().await;
    assert_eq!(retry_queue.len(), count);
    assert!(
        retry_queue
            .iter()
            .all(|(state, _, reason)| state == "dead" && reason.starts_with("malformed"))
    );

    let answers = replica.take(COMMANDS, &[&whole]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
}

#[tokio::test]
async fn a_truncated_message_of_a_stream_holds_its_place_and_the_stream_goes_on() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let (broken, next) = (lab.fact("p", 1), lab.fact("p", 2));
    let hint = Hint {
        source: Some("commission"),
        epoch: Some(1),
        sequence: Some(1),
        subject: Some(&broken.header.subject),
        ..Hint::default()
    };
    let mut bytes = encode(FACTS, &broken);
    bytes.pop();
    let truncated = arrived_as(FACTS, bytes, &hint);
    let answers = replica
        .take_raw(vec![truncated, arrived(FACTS, &next)])
        .await;
    assert!(
        matches!(answers[..], [Answer::InRetryQueue, Answer::Done(_)]),
        "{answers:?}"
    );
    assert_eq!(lab.balance("p").await, 2);
}

/// The bytes with one text of theirs replaced by another as long.
fn replaced(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let mut windows = bytes.windows(from.len());
    let at = windows.position(|window| window == from.as_bytes());
    bytes[at.unwrap()..][..from.len()].copy_from_slice(to.as_bytes());
    bytes
}

#[tokio::test]
async fn a_fact_with_an_id_of_no_form_becomes_a_dead_letter_with_its_field_and_is_handled_once_it_is_mended()
 {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let (fact, other) = (lab.fact("partner1", 100), lab.fact("q", 7));
    let mut behind = lab.fact("partner1", 1);
    behind.header.subject.clone_from(&fact.header.subject);
    let odd = replaced(encode(FACTS, &fact), "partner1", "partn r1");
    let entry = vec![
        arrived_as(FACTS, odd.clone(), &Hint::default()),
        arrived(FACTS, &other),
        arrived(FACTS, &behind),
    ];
    let answers = replica.take_raw(entry).await;
    assert!(
        matches!(
            answers[..],
            [Answer::InRetryQueue, Answer::Done(_), Answer::InRetryQueue]
        ),
        "it holds its place, and what is about the same waits: {answers:?}"
    );
    let (state, attempts, reason) = lab.retry_queue().await.remove(0);
    assert_eq!((state.as_str(), attempts), ("dead", 0));
    let field = "unreadable: payload.commission_calculated_v1.partner_id: ";
    assert!(reason.starts_with(field), "{reason}");

    let key = key(&fact);
    let mut payload = schemas::show_payload(&fact.body);
    payload["partner_id"] = "no id".into();
    let refused = acts::edit(&lab.pool, &lab.writer, &key, BY, payload).await;
    assert!(
        matches!(&refused, Err(acts::ActError::Edit(error)) if error.pointer == "/partner_id"),
        "{refused:?}"
    );
    let payload = schemas::show_payload(&fact.body);
    acts::edit(&lab.pool, &lab.writer, &key, BY, payload)
        .await
        .unwrap();
    acts::redrive(&lab.pool, &lab.writer, &key, BY)
        .await
        .unwrap();
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("partner1").await, 101);
    assert_eq!(lab.balance("q").await, 7);
    let causes = [&other, &fact, &behind].map(|message| message.header.id);
    assert_eq!(lab.causes().await, causes);
    let kept: Vec<u8> = sqlx::query_scalar("SELECT body FROM pipeline.parked_before")
        .fetch_one(&lab.pool)
        .await
        .unwrap();
    assert_eq!(kept, odd, "its own bytes are kept");
}

#[tokio::test]
async fn texts_that_no_table_takes_become_dead_letters_and_stop_nothing() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let actor = |subject: &str| {
        Some(Actor {
            subject: subject.to_owned(),
            roles: Vec::new(),
            partner_id: None,
            brand_id: None,
        })
    };
    let mut with_nul = command("p", "pay1", take_out(1, "paypal"));
    with_nul.header.actor = actor("a\0b");
    let mut with_much = command("p", "pay2", take_out(1, "paypal"));
    with_much.header.actor = actor(&"x".repeat(200_000));
    let mut with_trace = command("p", "pay3", take_out(1_000, "paypal"));
    with_trace.header.traceparent = Some("x".repeat(260_000));
    let mut subject = command("p", "pay4", take_out(1, "paypal"));
    subject.header.subject = "pay\0".to_owned();
    for malformed in [&with_nul, &with_much, &with_trace, &subject] {
        let answers = replica.take(COMMANDS, &[malformed]).await;
        assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    }
    let hints = ["source", "subject"].map(|name| {
        let text = |wanted: &str| Some(if name == wanted { "x\0y" } else { "z" });
        let hint = Hint {
            source: text("source"),
            subject: text("subject"),
            epoch: Some(1),
            sequence: Some(1),
            ..Hint::default()
        };
        arrived_as(COMMANDS, vec![0xff; 9], &hint)
    });
    let answers = replica.take_raw(hints.into()).await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Answer::InRetryQueue)),
        "{answers:?}"
    );
    let states: Vec<_> = lab
        .retry_queue()
        .await
        .into_iter()
        .map(|row| row.0)
        .collect();
    assert_eq!(states, ["dead"; 6]);

    let good = command("p", "pay1", take_out(10, "paypal"));
    let answers = replica.take(COMMANDS, &[&good]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
}

#[tokio::test]
async fn streams_of_sources_that_are_none_leave_no_watermark() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    for number in 0..3 {
        let mut external = command("p", &format!("pay{number}"), take_out(1, "paypal"));
        external.header.source = format!("somebody{number}");
        (external.header.epoch, external.header.sequence) = (Some(1), Some(1));
        let answers = replica.take(COMMANDS, &[&external]).await;
        assert!(
            matches!(answers[..], [Answer::Rejected { .. }]),
            "{answers:?}"
        );
    }
    let marks: i64 = sqlx::query_scalar("SELECT count(*) FROM pipeline.watermark")
        .fetch_one(&lab.pool)
        .await
        .unwrap();
    assert_eq!(marks, 0);
}

/// A message of a kind that a later build knows, or without what its kind says.
fn without_payload(topic: Topic, source: &str, kind: &str, subject: &str) -> Vec<u8> {
    let schema = Schema::parse_str(topic.avsc()).unwrap();
    let text = |text: &str| Value::String(text.to_owned());
    let fields = [
        ("id", text(&Uuid::now_v7().to_string())),
        ("type", text(kind)),
        ("source", text(source)),
        ("subject", text(subject)),
        ("key", text("p")),
        ("time", Value::TimestampMicros(7)),
        ("correlationid", text(&Uuid::now_v7().to_string())),
        ("payload", Value::Record(Vec::new())),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    let value = Value::Record(fields.into()).resolve(&schema).unwrap();
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    writer.write_value_to_vec(value).unwrap()
}

/// The same, with an actor of the sender's choice.
fn with_actor(topic: Topic, bytes: &[u8], subject: &str) -> Vec<u8> {
    let schema = Schema::parse_str(topic.avsc()).unwrap();
    let reader = GenericDatumReader::builder(&schema).build().unwrap();
    let Value::Record(mut fields) = reader.read_value(&mut &bytes[..]).unwrap() else {
        panic!("no record");
    };
    let null = || Value::Union(0, Box::new(Value::Null));
    let actor = Value::Record(vec![
        ("subject".to_owned(), Value::String(subject.to_owned())),
        ("roles".to_owned(), Value::Array(Vec::new())),
        ("partner_id".to_owned(), null()),
        ("brand_id".to_owned(), null()),
    ]);
    let (_, field) = fields.iter_mut().find(|(name, _)| name == "actor").unwrap();
    *field = Value::Union(1, Box::new(actor));
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    writer.write_value_to_vec(Value::Record(fields)).unwrap()
}

#[tokio::test]
async fn a_kind_of_a_later_build_is_kept_blocks_nothing_and_is_fed_to_a_build_that_knows_it() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let unknown = without_payload(COMMANDS, "bff", "payment.freeze.command.v1", "pay1");
    let answers = replica
        .take_raw(vec![arrived_as(COMMANDS, unknown, &Hint::default())])
        .await;
    assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    assert_eq!(lab.retry_queue().await[0].0, "unknown_type");
    let other = command("p", "pay1", take_out(1, "paypal"));
    let answers = replica.take(COMMANDS, &[&other]).await;
    assert!(
        matches!(answers[..], [Answer::Done(_)]),
        "it blocks nothing: {answers:?}"
    );
    drop(replica);

    // As an older build would have kept what this one knows.
    let known = command("p", "pay1", take_out(10, "paypal"));
    sqlx::query("UPDATE pipeline.parked SET message_id = $1, body = $2, header = $3")
        .bind(known.header.id)
        .bind(encode(COMMANDS, &known))
        .bind(format!(r#"{{"type": "{}"}}"#, known.header.kind))
        .execute(&lab.pool)
        .await
        .unwrap();
    let _later_build = lab.start(false);
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("p").await, 89);
    assert_eq!(lab.inbox_state(known.header.id).await.0, "done");
}

#[tokio::test]
async fn a_producers_command_that_says_nothing_is_refused_and_not_kept() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let known = command("p", "pay1", take_out(1, "paypal")).header.kind;
    for (kind, refusal) in [
        (known.as_str(), "malformed_message"),
        ("payment.freeze.command.v1", "not_permitted"),
    ] {
        let bytes = without_payload(COMMANDS, "shop", kind, "pay1");
        let answers = replica
            .take_raw(vec![arrived_as(COMMANDS, bytes, &Hint::default())])
            .await;
        let refused = matches!(&answers[..], [Answer::Rejected { code, .. }] if code == refusal);
        assert!(refused, "{kind}: {answers:?}");
    }
    assert_eq!(lab.retry_queue().await, []);
    let fact = lab.fact("p", 1);
    let answers = replica.take(FACTS, &[&fact]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
}

#[tokio::test]
async fn a_producers_text_of_no_characters_is_refused_and_kept_nowhere() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let mut sent = command("p", "pay1", take_out(1, "paypal"));
    sent.header.source = "shop".to_owned();
    let mut bytes = encode(COMMANDS, &sent);
    let at = bytes.windows(6).position(|window| window == b"paypal");
    bytes[at.unwrap()] = 0xff;
    let answers = replica
        .take_raw(vec![arrived_as(COMMANDS, bytes, &Hint::default())])
        .await;
    let code = "malformed_message";
    let malformed = matches!(&answers[..], [Answer::Rejected { code: it, .. }] if it == code);
    assert!(malformed, "{answers:?}");
    assert_eq!(lab.retry_queue().await, []);
    assert_eq!(lab.kinds().await, ["command.rejected.v1"]);
}

#[tokio::test]
async fn a_producers_command_that_says_nothing_is_refused_in_its_own_name_and_not_in_anothers() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let kind = command("p", "pay1", take_out(1, "paypal")).header.kind;
    let bytes = without_payload(COMMANDS, "shop", &kind, "pay1");
    let bytes = with_actor(COMMANDS, &bytes, "somebody-else");
    let arrived = arrived_as(COMMANDS, bytes, &Hint::default());
    let answers = replica.take_raw(vec![arrived]).await;
    assert!(
        matches!(answers[..], [Answer::Rejected { .. }]),
        "{answers:?}"
    );
    let actors: Vec<Option<String>> = sqlx::query_scalar("SELECT actor FROM pipeline.inbox")
        .fetch_all(&lab.pool)
        .await
        .unwrap();
    assert_eq!(actors, [Some("producer:shop".to_owned())]);
}

/// What followers cannot read is a dead letter of theirs: no stranger is to make one.
#[tokio::test]
async fn a_strangers_command_about_nothing_is_answered_by_what_followers_can_read() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let mut submitted = command("", "", take_out(1, "paypal"));
    submitted.header.source = "nobody".to_owned();
    let wire = Wire {
        schema: WriterSchema::current(COMMANDS),
        bytes: encode(COMMANDS, &submitted).into(),
    };
    let nobody = Vouching::Transport(&Sender::Unknown { answered: true });
    let read = Inbound::read(COMMANDS, 0, wire, Uuid::now_v7, &Hint::default(), nobody);
    let answers = replica.take_raw(vec![read]).await;
    assert!(
        matches!(answers[..], [Answer::Rejected { .. }]),
        "{answers:?}"
    );
    let subjects: Vec<String> = sqlx::query_scalar("SELECT subject FROM pipeline.message_log")
        .fetch_all(&lab.pool)
        .await
        .unwrap();
    assert_eq!(subjects, [submitted.header.id.to_string()]);
}

/// Ids of what is submitted with a key, of timers and of effects are derived from what others may know.
#[tokio::test]
async fn a_producer_takes_no_id_that_could_be_ours() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let mut ours = command("p", "pay1", take_out(10, "paypal"));
    ours.header.id = types::ids::derive(&["what", "is", "known"]);
    let mut taken = ours.clone();
    taken.header.source = "shop".to_owned();
    let refused = replica.take(COMMANDS, &[&taken]).await;
    let code = "malformed_message";
    let malformed = matches!(&refused[..], [Answer::Rejected { code: it, .. }] if it == code);
    assert!(malformed, "{refused:?}");
    replica.take(COMMANDS, &[&ours]).await;
    assert_eq!(lab.balance("p").await, 90, "ours is handled");
    assert_eq!(lab.inbox_state(ours.header.id).await.0, "done");
}

#[tokio::test]
async fn a_broken_header_of_an_unknown_kind_is_malformed() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    for (kind, subject) in [
        ("payment.freeze.command.v1", "a\0b"),
        ("kind\0", "pay1"),
        ("k", &"s".repeat(300)),
    ] {
        let bytes = without_payload(COMMANDS, "partner-system", kind, subject);
        let answers = replica
            .take_raw(vec![arrived_as(COMMANDS, bytes, &Hint::default())])
            .await;
        // A producer's: it names no id that an answer could be found by, is answered all the same, and is no dead letter.
        let code = "malformed_message";
        let refused = matches!(&answers[..], [Answer::Rejected { code: it, .. }] if it == code);
        assert!(refused, "{answers:?}");
    }
    assert_eq!(lab.retry_queue().await, []);
    let fact = lab.fact("p", 1);
    let answers = replica.take(FACTS, &[&fact]).await;
    assert!(matches!(answers[..], [Answer::Done(_)]), "{answers:?}");
}
