//! Who sent what is in the retry queue, and what follows when it is fed back.

use std::sync::atomic::Ordering;

use messaging::transport::http::InternalKey;
use messaging::trust::{Sender, Trust, Vouching};
use messaging::{Answer, Content, Hint, Inbound, Wire};
use operations::retry_queue::acts::{self, By, Key};
use runtime::testing::message;
use schemas::signature::Producers;
use schemas::{CampaignActivatedV1, Topic, WriterSchema};
use secrecy::SecretString;
use uuid::Uuid;

use crate::bank::take_out;
use crate::lab::{COMMANDS, FACTS, Lab, command};

const BY: By<'static> = By {
    actor: "operator",
    reason: "a test",
};

async fn origins(lab: &Lab) -> Vec<String> {
    sqlx::query_scalar("SELECT origin FROM pipeline.parked ORDER BY arrival")
        .fetch_all(&lab.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_producers_command_that_waits_is_its_brands_when_it_is_fed_back() {
    let mut lab = Lab::new().await;
    let replica = lab.start(false);
    let mut submitted = command("p", "pay1", take_out(10, "patient"));
    submitted.header.source = "shop".to_owned();
    let answers = replica.take(COMMANDS, &[&submitted]).await;
    assert!(matches!(answers[..], [Answer::InRetryQueue]), "{answers:?}");
    assert_eq!(origins(&lab).await, ["producer:shop:brand1"]);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("p").await, 90);
    let actor: Option<String> =
        sqlx::query_scalar("SELECT actor FROM pipeline.inbox WHERE id = $1")
            .bind(submitted.header.id)
            .fetch_one(&lab.pool)
            .await
            .unwrap();
    assert_eq!(actor.as_deref(), Some("producer:shop"));
}

#[tokio::test]
async fn a_command_of_nobody_from_before_messages_were_signed_ends_refused() {
    let mut lab = Lab::new().await;
    lab.faults.broken.store(true, Ordering::SeqCst);
    let replica = lab.start(false);
    let fact = lab.fact("p", 100);
    replica.take(FACTS, &[&fact]).await;
    let mut submitted = command("p", "pay1", take_out(10, "broken"));
    submitted.header.source = "shop".to_owned();
    replica.take(COMMANDS, &[&submitted]).await;
    sqlx::query("UPDATE pipeline.parked SET origin = 'unknown', state = 'dead'")
        .execute(&lab.pool)
        .await
        .unwrap();
    lab.faults.broken.store(false, Ordering::SeqCst);
    let key = Key {
        source: "shop".to_owned(),
        id: submitted.header.id,
    };
    acts::redrive(&lab.pool, &lab.writer, &key, BY)
        .await
        .unwrap();
    lab.until_the_retry_queue_is_empty().await;
    assert_eq!(lab.balance("p").await, 100);
    let (state, code) = lab.inbox_state(submitted.header.id).await;
    assert_eq!(
        (state.as_str(), code.as_deref()),
        ("rejected", Some("producer_unknown"))
    );
}

/// Of each empty text in a list a byte comes, and 24 would be kept.
#[test]
fn of_what_nobody_known_signed_the_header_alone_is_kept() {
    let topic = Topic::CampaignEvents;
    let activated = CampaignActivatedV1 {
        brand_id: "brand1".parse().unwrap(),
        allowed_hosts: vec![String::new(); 100_000],
        fallback_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
    };
    let sent = message(topic, "camp1", "camp1", activated.into(), Some(1));
    let bytes = schemas::encode(topic, &sent.header, &sent.body).unwrap();
    let secret = SecretString::from("a key between services, of more than 32 bytes");
    let trust = Trust::new(&InternalKey::new(secret), Producers::default());
    for signature in [None, Some("k1.of-somebody-else")] {
        let wire = Wire {
            schema: WriterSchema::current(topic),
            bytes: bytes.clone().into(),
        };
        let hint = Hint {
            signature,
            ..Hint::default()
        };
        let vouching = Vouching::Signature(&trust);
        let inbound = Inbound::read(topic, 0, wire, Uuid::nil, &hint, vouching);
        assert!(matches!(inbound.sender, Sender::Unknown { .. }));
        let Content::Unreadable { header, .. } = &inbound.content else {
            panic!("{:?}", inbound.id);
        };
        assert_eq!(header.id, sent.header.id);
    }
}
