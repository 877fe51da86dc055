//! Messages of whoever may publish, and is not who it says.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use devstack::provision::Place;
use messaging::gap::{self, Pace};
use messaging::transport::Peers;
use messaging::transport::consumer::{self, Subscription};
use messaging::transport::http::InternalKey;
use messaging::transport::pulsar::{BrokerSettings, SharedClient};
use messaging::trust::Trust;
use messaging::{Engine, Health, Queue, Tasks, Writer};
use pulsar::producer::Message as RawMessage;
use pulsar::{Producer, TokioExecutor};
use runtime::testing::{message, operator_actor, until};
use schemas::signature::{self, MacKey, Producers, Signed};
use schemas::{CampaignActivatedV1, Message, Service, Topic, WriterSchema};
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use types::Micros;
use uuid::Uuid;

use crate::bank::{Bank, Faults, earns, take_out};
use crate::lab::{Follower, Sender, TOPIC, bank_database, fresh, key, new_place, trust};
use crate::{external_producer, nothing_left, producer_by};

pub const COMMANDS: Topic = Topic::PaymentCommands;
pub const FACTS: Topic = Topic::CommissionEvents;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A message as a service would ship it to a partition.
pub fn signed(trust: &Trust, topic: Topic, partition: i32, message: &Message) -> RawMessage {
    let bytes = schemas::encode(topic, &message.header, &message.body).unwrap();
    let signature = trust.sign(&Signed {
        source: Service::parse(&message.header.source).unwrap(),
        topic,
        partition,
        epoch: message.header.epoch.unwrap(),
        sequence: message.header.sequence.unwrap(),
        layout: WriterSchema::current(topic).layout(),
        bytes: &bytes,
    });
    raw(bytes, &[("signature", &signature)])
}

fn raw(payload: Vec<u8>, properties: &[(&str, &str)]) -> RawMessage {
    let properties = properties
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    RawMessage {
        payload,
        properties: properties.collect::<HashMap<_, _>>(),
        ..RawMessage::default()
    }
}

fn unsigned(topic: Topic, message: &Message) -> RawMessage {
    raw(encoded(topic, message), &[])
}

fn encoded(topic: Topic, message: &Message) -> Vec<u8> {
    schemas::encode(topic, &message.header, &message.body).unwrap()
}

/// As a producer signs it.
fn by_producer(secret: &str, name: &str, message: &Message) -> RawMessage {
    let bytes = encoded(COMMANDS, message);
    let key = MacKey::new(secret.as_bytes());
    let signature = key.sign_as_producer("k1", name, COMMANDS, &bytes);
    raw(bytes, &[("signature", &signature)])
}

/// A key that nobody has any more.
pub fn old_trust() -> Trust {
    let old = InternalKey::new(SecretString::from("the key between services of long ago"));
    Trust::new(&old, Producers::default())
}

pub async fn send(producer: &mut Producer<TokioExecutor>, message: RawMessage) {
    let sent = producer.send_non_blocking(message).await.unwrap();
    sent.await.unwrap();
}

/// The fact that campaign would state at this place of its stream. Its time follows from the place, as in a log it never decreases:
/// made anew it is the same, and none of another history.
pub fn activated(sequence: i64) -> Message {
    let activated = CampaignActivatedV1 {
        brand_id: "brand1".parse().unwrap(),
        allowed_hosts: vec!["example.com".to_owned()],
        fallback_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
    };
    let mut message = message(TOPIC, "camp1", "camp1", activated.into(), Some(sequence));
    message.header.time = Micros(1_700_000_000_000_000 + sequence);
    message
}

#[tokio::test]
async fn a_forged_fact_moves_no_watermark_and_a_forged_epoch_stops_no_stream() {
    let settings = fresh(1).await;
    let sender = Sender::start(&settings, 1).await;
    let follower = Follower::start(&settings, 1).await;
    sender.emit(5).await;
    follower.wait_for(5).await;
    let mut external = external_producer(&settings, TOPIC, None).await;
    let next = activated(6);
    send(&mut external, unsigned(TOPIC, &next)).await;
    let mut later = activated(1);
    later.header.epoch = Some(99);
    send(&mut external, unsigned(TOPIC, &later)).await;
    // What cannot be read claims its place by its properties.
    let claims = [("source", "campaign"), ("epoch", "1"), ("sequence", "6")];
    send(&mut external, raw(vec![0xff; 20], &claims)).await;
    // A true signature of something else.
    let mut copied = signed(&trust(), TOPIC, 0, &activated(5));
    copied.payload = encoded(TOPIC, &next);
    send(&mut external, copied).await;
    send(&mut external, signed(&old_trust(), TOPIC, 0, &next)).await;
    sender.emit(5).await;
    follower.wait_for(10).await;
    follower.assert_once_and_in_order(10).await;
    assert_eq!(follower.health.stops(), Vec::new());
    assert_eq!(follower.retry_queue().await, 0, "nothing of it is kept");
    let marks: Vec<(i64, i64)> = sqlx::query_as("SELECT epoch, sequence FROM pipeline.watermark")
        .fetch_all(&follower.pool)
        .await
        .unwrap();
    assert_eq!(marks, [(1, 10)]);
}

#[tokio::test]
async fn a_true_message_counts_in_its_own_partition_only() {
    let settings = fresh(2).await;
    let follower = Follower::start(&settings, 2).await;
    let mut first = external_producer(&settings, TOPIC, None).await;
    let true_one = activated(1);
    // As if it were the first message of the other partition.
    send(&mut first, signed(&trust(), TOPIC, 1, &true_one)).await;
    send(&mut first, signed(&trust(), TOPIC, 0, &activated(1))).await;
    follower.wait_for(1).await;
    let noted: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM noted")
        .fetch_all(&follower.pool)
        .await
        .unwrap();
    assert!(!noted.contains(&true_one.header.id), "{noted:?}");
    follower.assert_once(1).await;
}

#[tokio::test]
async fn a_flood_of_versions_hides_no_message_of_the_topics_newest_schema() {
    let (place, settings) = new_place(1).await;
    let mut newer: Value = serde_json::from_str(WriterSchema::current(TOPIC).text()).unwrap();
    let addition = json!({"name": "later", "type": ["null", "string"], "default": null});
    newer["fields"].as_array_mut().unwrap().push(addition);
    let newer = newer.to_string();
    let path = format!("schemas/{}/{TOPIC}/schema", place.path());
    let schema = json!({"type": "AVRO", "schema": newer, "properties": {}});
    place.admin.post(&path, &schema).await.unwrap();
    let mut stranger = external_producer(&settings, TOPIC, None).await;
    let mut campaign = producer_by(&settings, TOPIC, newer.clone(), None).await;
    let follower = Follower::start(&settings, 1).await;
    let source = ("source", Service::Campaign.name());
    let mut flood = async |from: u64| {
        let mut sent = Vec::new();
        for version in from..from + 500 {
            let claimed = RawMessage {
                schema_version: Some(version.to_be_bytes().to_vec()),
                ..raw(vec![7; 20], &[("signature", "v1.nobodys"), source])
            };
            sent.push(stranger.send_non_blocking(claimed).await.unwrap());
        }
        futures::future::try_join_all(sent).await.unwrap();
    };
    flood(1_000).await;
    let fact = activated(1);
    let mut bytes = encoded(TOPIC, &fact);
    // The field that is there in addition, and not set.
    bytes.push(0);
    let signature = trust().sign(&Signed {
        source: Service::Campaign,
        topic: TOPIC,
        partition: 0,
        epoch: 1,
        sequence: 1,
        layout: WriterSchema::parse(TOPIC, &newer).unwrap().layout(),
        bytes: &bytes,
    });
    let true_one = raw(bytes, &[("signature", &signature), source]);
    send(&mut campaign, true_one).await;
    flood(2_000).await;
    follower.wait_for(1).await;
    nothing_left(&place).await;
    follower.assert_once(1).await;
}

/// An entry of what the relay would ship, each message with its properties.
async fn ship(producer: &mut Producer<TokioExecutor>, trust: &Trust, messages: &[Message]) {
    let mut sent = Vec::new();
    for message in messages {
        let mut raw = signed(trust, FACTS, 0, message);
        let header = &message.header;
        for (name, value) in [
            ("id", header.id.to_string()),
            ("type", header.kind.clone()),
            ("source", header.source.clone()),
            ("epoch", header.epoch.unwrap().to_string()),
            ("sequence", header.sequence.unwrap().to_string()),
            ("subject", header.subject.clone()),
        ] {
            raw.properties.insert(name.to_owned(), value);
        }
        sent.push(producer.send_non_blocking(raw).await.unwrap());
    }
    for sent in sent {
        sent.await.unwrap();
    }
}

#[tokio::test]
async fn what_nobody_wants_is_passed_by_undecoded_and_what_is_stated_once_somebody_does_is_handled()
{
    let vault = Vault::open_decoding_later(true).await;
    let mut facts = external_producer(&vault.settings, FACTS, Some(3)).await;
    let earned = |sequence: i64| {
        let subject = format!("conv{sequence}");
        message(FACTS, &subject, &subject, earns("p", 100), Some(sequence))
    };
    let entry = |from: i64| [from, from + 1, from + 2].map(earned);
    vault.faults.unwanted.store(true, Ordering::SeqCst);
    ship(&mut facts, &trust(), &entry(2)).await;
    until("the entry is passed by", || async {
        vault.watermark().await == 4
    })
    .await;
    assert_eq!(vault.balance().await, 200, "an entry's last is decoded");
    vault.faults.unwanted.store(false, Ordering::SeqCst);
    // What its service did not sign is passed by at no place.
    ship(&mut facts, &old_trust(), &entry(5)).await;
    ship(&mut facts, &trust(), &entry(5)).await;
    until("all of them are handled", || async {
        vault.watermark().await == 7
    })
    .await;
    assert_eq!(vault.balance().await, 500);
}

/// A bank that follows the broker, with producers `shop` of brand1 and `else` of brand2.
pub struct Vault {
    place: Place,
    settings: BrokerSettings,
    faults: Faults,
    pub pool: PgPool,
    health: Health,
    pub stop: CancellationToken,
    pub commands: Producer<TokioExecutor>,
    pub facts: Producer<TokioExecutor>,
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Vault {
    pub async fn open() -> Self {
        Self::open_decoding_later(false).await
    }

    /// Has it ask its sources, which listen there, to send again what it misses, until it is stopped.
    pub fn watch_gaps(&self, sources: &str, pace: Pace) -> impl Future<Output = ()> + 'static {
        let url_of = |source: Service| (source.name(), sources.to_owned());
        let peers = Peers {
            client: reqwest::Client::new(),
            key: key(),
            me: Service::Payment,
            urls: [Service::Bff, Service::Commission].map(url_of).into(),
        };
        let (pool, health) = (self.pool.clone(), self.health.clone());
        gap::watch(pool, health, peers, pace, self.stop.clone())
    }

    async fn open_decoding_later(decodes_later: bool) -> Self {
        let (place, settings) = new_place(1).await;
        let (pool, schema_ids) = bank_database().await;
        let (stop, queue, health) = (
            CancellationToken::new(),
            Queue::of(Service::Bff),
            Health::default(),
        );
        let tasks = Tasks::new(stop.clone());
        let producers = format!("shop:brand1:k1:{SECRET};else:brand2:k1:{SECRET}x");
        let trust = Trust::new(&key(), Producers::parse(&producers).unwrap());
        for topic in [COMMANDS, FACTS] {
            let subscription = Subscription {
                client: SharedClient::new(settings.clone()),
                trust: trust.clone(),
                follower: Service::Payment,
                topic,
                decodes_later: decodes_later && topic == FACTS,
                partition: 0,
            };
            let (flow, health, stop) = (queue.flow(), health.clone(), stop.clone());
            tasks.spawn(
                "consumer",
                consumer::consume(subscription, flow, health, stop),
            );
        }
        let writer = Writer::of(Service::Payment, 1, schema_ids);
        let faults = Faults::default();
        let bank = Bank {
            faults: faults.clone(),
        };
        let committed = Arc::new(watch::Sender::new(0));
        let engine = Arc::new(Engine::new(
            Arc::new(bank),
            pool.clone(),
            writer,
            queue,
            committed,
        ));
        tasks.spawn("engine", engine.run(stop.clone(), false));
        let mut vault = Self {
            place,
            faults,
            pool,
            health,
            stop,
            commands: external_producer(&settings, COMMANDS, None).await,
            facts: external_producer(&settings, FACTS, None).await,
            settings,
        };
        let earned = message(FACTS, "conv1", "conv1", earns("p", 100), Some(1));
        send(&mut vault.facts, signed(&trust, FACTS, 0, &earned)).await;
        until("the partner has earned", || async {
            vault.balance().await == 100
        })
        .await;
        vault
    }

    pub async fn watermark(&self) -> i64 {
        let topic = FACTS.name();
        sqlx::query_scalar("SELECT sequence FROM pipeline.watermark WHERE topic = $1")
            .bind(topic)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub async fn balance(&self) -> i64 {
        let minor: Option<i64> =
            sqlx::query_scalar("SELECT minor FROM balances WHERE partner = 'p'")
                .fetch_optional(&self.pool)
                .await
                .unwrap();
        minor.unwrap_or(0)
    }

    /// Code and detail of what was refused about the request with this correlation id.
    async fn refusals(&self, correlation_id: Uuid) -> Vec<(String, Uuid)> {
        let rows = messaging::log::all_after(&self.pool, 0, 10_000)
            .await
            .unwrap();
        let rows = rows
            .into_iter()
            .filter(|row| row.correlation_id == correlation_id);
        rows.filter_map(|row| {
            let schema = WriterSchema::current(Topic::PaymentEvents);
            let read = schemas::decode(&schema, &row.body).unwrap();
            match read.body {
                schemas::Body::CommandRejectedV1(it) => Some((it.code, row.outcome_of?)),
                _ => None,
            }
        })
        .collect()
    }

    async fn refused(&self, correlation_id: Uuid) -> (String, Uuid) {
        until("it is refused", || async {
            !self.refusals(correlation_id).await.is_empty()
        })
        .await;
        let mut all = self.refusals(correlation_id).await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    async fn assert_nothing_is_kept(&self) {
        let retry_queue: i64 = sqlx::query_scalar("SELECT count(*) FROM pipeline.parked")
            .fetch_one(&self.pool)
            .await
            .unwrap();
        assert_eq!(retry_queue, 0, "no dead letter");
    }
}

fn payout(source: &str, payout: &str) -> Message {
    let mut submitted = message(COMMANDS, "p", payout, take_out(10, "paypal"), None);
    source.clone_into(&mut submitted.header.source);
    submitted
}

#[tokio::test]
async fn a_command_without_a_key_that_counts_is_refused_once_and_takes_nobodys_id() {
    let mut vault = Vault::open().await;
    let submitted = payout("shop", "pay1");
    let (id, correlation) = (submitted.header.id, submitted.header.correlation_id);
    send(&mut vault.commands, unsigned(COMMANDS, &submitted)).await;
    let (code, outcome_of) = vault.refused(correlation).await;
    assert_eq!(code, "producer_unknown");
    assert_ne!(outcome_of, id, "whose id that is, nobody knows");
    // The same once more changes nothing; the one who has the key is not kept from using its id.
    send(&mut vault.commands, unsigned(COMMANDS, &submitted)).await;
    send(&mut vault.commands, by_producer(SECRET, "shop", &submitted)).await;
    until("it is done", || async { vault.balance().await == 90 }).await;
    assert_eq!(vault.refusals(correlation).await.len(), 1);
    vault.assert_nothing_is_kept().await;
}

#[tokio::test]
async fn a_key_counts_for_its_own_name_brand_and_topic_and_not_after_its_removal() {
    let mut vault = Vault::open().await;
    let mut own_brand = payout("shop", "pay0");
    own_brand.header.actor = Some(
        signature::Producer {
            name: "shop".to_owned(),
            brand: "brand1".to_owned(),
        }
        .actor(),
    );
    send(&mut vault.commands, by_producer(SECRET, "shop", &own_brand)).await;
    until("it is done", || async { vault.balance().await == 90 }).await;

    let mut as_operator = payout("shop", "pay1");
    as_operator.header.actor = Some(operator_actor());
    let mut other_brand = own_brand.clone();
    other_brand.header.id = Uuid::now_v7();
    other_brand.header.correlation_id = Uuid::now_v7();
    other_brand.header.actor.as_mut().unwrap().brand_id = Some("brand2".to_owned());
    for (submitted, message, code) in [
        (
            &as_operator,
            by_producer(SECRET, "shop", &as_operator),
            "not_permitted",
        ),
        (
            &other_brand,
            by_producer(SECRET, "shop", &other_brand),
            "not_permitted",
        ),
    ] {
        send(&mut vault.commands, message).await;
        let refused = vault.refused(submitted.header.correlation_id).await;
        assert_eq!(refused, (code.to_owned(), submitted.header.id));
    }
    let stolen = payout("else", "pay2");
    let gone = payout("closed-shop", "pay3");
    for (submitted, message) in [
        (&stolen, by_producer(SECRET, "else", &stolen)),
        (&gone, by_producer(SECRET, "closed-shop", &gone)),
    ] {
        send(&mut vault.commands, message).await;
        let (code, _) = vault.refused(submitted.header.correlation_id).await;
        assert_eq!(code, "producer_unknown");
    }
    assert_eq!(vault.balance().await, 90);
    vault.assert_nothing_is_kept().await;
}

#[tokio::test]
async fn in_a_services_name_nothing_is_done_without_its_signature() {
    let mut vault = Vault::open().await;
    let mut as_bff = payout("bff", "pay1");
    as_bff.header.actor = Some(operator_actor());
    send(&mut vault.commands, unsigned(COMMANDS, &as_bff)).await;
    let in_stream = message(COMMANDS, "p", "pay2", take_out(10, "paypal"), Some(1));
    send(&mut vault.commands, unsigned(COMMANDS, &in_stream)).await;
    // A producer's key does not speak for the bff either.
    send(&mut vault.commands, by_producer(SECRET, "bff", &in_stream)).await;
    let mut fact = message(FACTS, "conv2", "conv2", earns("p", 1_000), Some(2));
    send(&mut vault.facts, unsigned(FACTS, &fact)).await;
    fact.header.source = "shop".to_owned();
    send(&mut vault.facts, unsigned(FACTS, &fact)).await;
    let truth = message(FACTS, "conv3", "conv3", earns("p", 7), Some(2));
    send(&mut vault.facts, signed(&trust(), FACTS, 0, &truth)).await;
    until("the stream goes on", || async {
        vault.balance().await == 107
    })
    .await;
    let last = payout("shop", "pay9");
    send(&mut vault.commands, by_producer(SECRET, "shop", &last)).await;
    until("so does the other", || async {
        vault.balance().await == 97
    })
    .await;
    for forged in [&as_bff, &in_stream] {
        let refusals = vault.refusals(forged.header.correlation_id).await;
        assert_eq!(refusals, [], "nobody gets a refusal of what nobody asked");
    }
    vault.assert_nothing_is_kept().await;
}

#[tokio::test]
async fn a_producer_whose_bytes_cannot_be_read_is_counted_and_pages_nobody() {
    let mut vault = Vault::open().await;
    let submitted = payout("shop", "pay1");
    let mut bytes = encoded(COMMANDS, &submitted);
    bytes.truncate(40);
    let key = MacKey::new(SECRET.as_bytes());
    let signature = key.sign_as_producer("k1", "shop", COMMANDS, &bytes);
    let (id, correlation) = (submitted.header.id.to_string(), Uuid::now_v7());
    let correlation_text = correlation.to_string();
    let mut properties = vec![
        ("id", id.as_str()),
        ("type", submitted.header.kind.as_str()),
        ("source", "shop"),
        ("correlationid", &correlation_text),
    ];
    // With its key and without: neither is a dead letter.
    for with_key in [true, false] {
        if with_key {
            properties.push(("signature", &signature));
        } else {
            properties.pop();
        }
        send(&mut vault.commands, raw(bytes.clone(), &properties)).await;
    }
    until("both are answered", || async {
        vault.refusals(correlation).await.len() == 2
    })
    .await;
    let codes = vault.refusals(correlation).await.into_iter().map(|it| it.0);
    assert_eq!(codes.collect::<Vec<_>>(), ["malformed_message"; 2]);
    vault.assert_nothing_is_kept().await;
}

#[tokio::test]
async fn a_flood_of_strangers_commands_is_answered_a_few_times_and_holds_nobody_up() {
    let mut vault = Vault::open().await;
    let mut flood = Vec::new();
    for _ in 0..500 {
        let message = unsigned(COMMANDS, &payout("nobody", "pay1"));
        flood.push(vault.commands.send_non_blocking(message).await.unwrap());
    }
    futures::future::try_join_all(flood).await.unwrap();
    let last = payout("shop", "pay9");
    send(&mut vault.commands, by_producer(SECRET, "shop", &last)).await;
    until("who has a key is served", || async {
        vault.balance().await == 90
    })
    .await;
    let refused: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pipeline.inbox WHERE source = 'nobody'")
            .fetch_one(&vault.pool)
            .await
            .unwrap();
    assert!((1..500).contains(&refused), "{refused} get a refusal");
    vault.assert_nothing_is_kept().await;
}

#[tokio::test]
async fn a_halted_stream_of_the_bffs_holds_up_no_producer() {
    let mut vault = Vault::open().await;
    let rich = message(FACTS, "conv2", "conv2", earns("p", 100_000), Some(2));
    send(&mut vault.facts, signed(&trust(), FACTS, 0, &rich)).await;
    let first = message(COMMANDS, "p", "pay0", take_out(10, "paypal"), Some(1));
    send(&mut vault.commands, signed(&trust(), COMMANDS, 0, &first)).await;
    until("the bff's stream is followed", || async {
        vault.balance().await == 100_090
    })
    .await;
    // The bff's database was restored, and nobody has accepted its new epoch.
    let mut raised = message(COMMANDS, "p", "pay1", take_out(10, "paypal"), Some(1));
    raised.header.epoch = Some(2);
    send(&mut vault.commands, signed(&trust(), COMMANDS, 0, &raised)).await;
    let mut sent = Vec::new();
    for number in 0..2_000 {
        let message = by_producer(SECRET, "shop", &payout("shop", &format!("shop{number}")));
        sent.push(vault.commands.send_non_blocking(message).await.unwrap());
    }
    futures::future::try_join_all(sent).await.unwrap();
    until("every command of the producer's is handled", || async {
        vault.balance().await == 80_090
    })
    .await;
    until("the bff's alone is left at the broker", || async {
        vault.place.backlogs(COMMANDS).await.unwrap()["payment"] == 1
    })
    .await;
    vault.assert_nothing_is_kept().await;
}
