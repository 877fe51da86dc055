//! Somebody else's system follows events by a subscription that it is given.
#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a test that cannot be set up has failed"
)]

use std::time::Duration;

use devstack::external_producer::producer_options;
use devstack::provision::{Admin, Follower, Place};
use devstack::stack::testing::scratch;
use devstack::stack::{ADMIN_ROLE, BrokerSetup, BrokerTokens, Pulsar, PulsarPorts};
use futures::StreamExt;
use pulsar::consumer::InitialPosition;
use pulsar::producer::Message;
use pulsar::{Authentication, Consumer, ConsumerOptions, Pulsar as Client, SubType, TokioExecutor};
use schemas::{Service, Topic};
use serde_json::json;

const ACME: &str = "acme-shop";
const TOPIC: Topic = Topic::TrackingEvents;

struct Followed {
    broker: Pulsar,
    tokens: BrokerTokens,
    place: Place,
}

impl Followed {
    async fn start() -> Self {
        let folder = scratch("followed-broker");
        let tokens = BrokerTokens::new("a test's secret, long enough for HS256 as it should be");
        let admin = tokens.token(ADMIN_ROLE).unwrap();
        let setup = BrokerSetup {
            lines: tokens.configuration(&folder).unwrap(),
            admin_token: Some(admin.clone()),
            certificate: None,
            ..BrokerSetup::default()
        };
        let ports = PulsarPorts::free();
        let broker = Pulsar::start_with(&folder, ports, setup).await.unwrap();
        let place = Place {
            admin: Admin::new(&broker.admin_url(), Some(&admin)).unwrap(),
            tenant: "test".to_owned(),
            namespace: "followed".to_owned(),
            partitions: 2,
        };
        place.provision().await.unwrap();
        place.grant().await.unwrap();
        Self {
            broker,
            tokens,
            place,
        }
    }

    async fn client(&self, role: &str) -> Client<TokioExecutor> {
        let token = Authentication {
            name: "token".to_owned(),
            data: self.tokens.token(role).unwrap().into_bytes(),
        };
        let builder = Client::builder(self.broker.service_url(), TokioExecutor);
        builder.with_auth(token).build().await.unwrap()
    }

    fn partition(&self, topic: Topic, partition: u32) -> String {
        format!(
            "persistent://{}/{topic}-partition-{partition}",
            self.place.path()
        )
    }

    async fn publish(&self, partition: u32, payload: &[u8]) {
        let client = self.client(ADMIN_ROLE).await;
        let producer = client
            .producer()
            .with_topic(self.partition(TOPIC, partition));
        let producer = producer.with_options(producer_options(TOPIC)).build();
        let message = Message {
            payload: payload.to_vec(),
            ..Message::default()
        };
        let sent = producer.await.unwrap().send_non_blocking(message).await;
        sent.unwrap().await.unwrap();
    }

    async fn consume(
        &self,
        (topic, partition): (Topic, u32),
        subscription: &str,
    ) -> Option<Consumer<Vec<u8>, TokioExecutor>> {
        let client = self.client(ACME).await;
        let opening = client
            .consumer()
            .with_topic(self.partition(topic, partition))
            .with_subscription(subscription)
            .with_subscription_type(SubType::Failover)
            .with_options(ConsumerOptions {
                initial_position: InitialPosition::Latest,
                ..ConsumerOptions::default()
            })
            .build();
        let opened = tokio::time::timeout(Duration::from_secs(10), opening).await;
        opened.ok()?.ok()
    }
}

#[tokio::test]
async fn a_follower_is_given_a_subscription_that_keeps_what_it_has_not_acknowledged_and_nothing_else()
 {
    let broker = Followed::start().await;
    let acme = Follower::new(ACME, vec![TOPIC]);
    assert!(broker.consume((TOPIC, 0), ACME).await.is_none(), "not yet");
    let made = broker.place.follower(&acme, true).await.unwrap();
    assert_eq!((made.done.len(), made.tasks.len()), (3, 0), "{made:?}");
    let again = broker.place.follower(&acme, true).await.unwrap();
    assert_eq!(again.done, Vec::<String>::new(), "safe to repeat");
    let kept = broker.place.provision().await.unwrap();
    assert!(
        kept.iter()
            .any(|line| line.contains(ACME) && line.contains("not ours"))
    );

    // While nobody is there.
    for partition in 0..2 {
        broker.publish(partition, b"stated").await;
        let consumer = broker.consume((TOPIC, partition), ACME).await;
        let mut consumer = consumer.unwrap();
        let next = tokio::time::timeout(Duration::from_secs(30), consumer.next()).await;
        assert_eq!(next.unwrap().unwrap().unwrap().payload.data, b"stated");
        consumer.close().await.unwrap();
    }
    let ours = Service::Bff.name();
    assert!(broker.consume((TOPIC, 0), ours).await.is_none());
    let other = (Topic::PaymentEvents, 0);
    assert!(broker.consume(other, ACME).await.is_none());

    // Of two systems the right stays with the other.
    let billing = Follower::new(ACME, vec![TOPIC]).for_system("billing");
    let made = broker.place.follower(&billing, true).await.unwrap();
    assert_eq!(made.done.len(), 2, "{made:?}");
    let removed = broker.place.follower(&billing.removed(), true).await;
    let removed = removed.unwrap();
    assert_eq!(removed.done.len(), 2, "{removed:?}");
    assert!(broker.consume((TOPIC, 0), ACME).await.is_some());

    let removed = broker.place.follower(&acme.removed(), true).await.unwrap();
    assert_eq!(
        (removed.done.len(), removed.tasks.len()),
        (3, 0),
        "{removed:?}"
    );
    let left = broker.place.backlogs(TOPIC).await.unwrap();
    assert!(
        !left.contains_key(ACME) && left.contains_key(ours),
        "{left:?}"
    );
    assert!(broker.consume((TOPIC, 0), ACME).await.is_none());
}

#[tokio::test]
async fn a_role_that_could_use_anothers_subscriptions_is_refused_and_one_that_is_there_is_no_system_of_the_other()
 {
    let broker = Followed::start().await;
    let (long, short) = (
        Follower::new(ACME, vec![TOPIC]),
        Follower::new("acme", vec![TOPIC]),
    );
    broker.place.follower(&long, true).await.unwrap();
    let topics = vec![Topic::PaymentEvents, TOPIC];
    let both = Follower::new("acme", topics);
    let refused = broker.place.follower(&both, true).await.unwrap_err();
    let wanted =
        "acme: a role may use every subscription that begins with its name, and acme-shop follows";
    assert!(refused.to_string().starts_with(wanted), "{refused:#}");
    let made = broker.place.backlogs(Topic::PaymentEvents).await.unwrap();
    assert!(!made.contains_key("acme"), "nothing was made: {made:?}");

    // As an earlier build left it.
    let topic = format!("persistent/{}/{TOPIC}", broker.place.path());
    let admin = &broker.place.admin;
    let role = format!("{topic}/permissions/acme");
    admin.post(&role, &json!(["consume"])).await.unwrap();
    let again = broker.place.follower(&short, true).await.unwrap();
    assert!(
        again.notes.iter().any(|it| it.contains(wanted)),
        "{again:?}"
    );
    let removed = broker.place.follower(&short.removed(), true).await;
    let removed = removed.unwrap();
    assert_eq!(removed.done.len(), 3, "{removed:?}");
    let permissions = admin.get(&format!("{topic}/permissions")).await.unwrap();
    assert_eq!(permissions["acme"], json!(null), "{permissions}");
    assert_eq!(permissions[ACME], json!(["consume"]));

    // The other way round.
    broker.place.follower(&long.removed(), true).await.unwrap();
    let short = Follower::new("acme", vec![TOPIC]);
    broker.place.follower(&short, true).await.unwrap();
    let long = Follower::new(ACME, vec![TOPIC]);
    let refused = broker.place.follower(&long, true).await.unwrap_err();
    let wanted = "and acme follows tracking-events";
    assert!(refused.to_string().contains(wanted), "{refused:#}");
}
