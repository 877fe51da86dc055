//! A broker that asks for tokens: what each service may do there is what the table of kinds gives it, no more.

use std::time::Duration;

use crate::lab::{Follower, trust};
use devstack::provision::{Admin, Place};
use devstack::stack::{
    ADMIN_ROLE, BrokerSetup, BrokerTokens, Pulsar, PulsarPorts, ServerCertificate, testing,
};
use futures::{StreamExt, stream};
use messaging::relay::Transport;
use messaging::tls::Authorities;
use messaging::transport::pulsar::{BrokerSettings, PulsarTransport, SharedClient};
use pulsar::{Consumer, TokioExecutor};
use runtime::testing::until;
use schemas::{Service, Topic};

/// Places that are tried at once.
const AT_ONCE: usize = 6;

/// A broker with token authentication, provisioned and granted.
pub struct Guarded {
    pub broker: Pulsar,
    tokens: BrokerTokens,
    service_url: String,
    authorities: Option<Authorities>,
    pub place: Place,
}

impl Guarded {
    async fn start() -> Self {
        Self::start_with(None).await
    }

    /// With a certificate it speaks only TLS.
    pub async fn start_with(certificate: Option<ServerCertificate>) -> Self {
        let authority = certificate.as_ref().map(|it| it.authority.clone());
        let folder = testing::scratch("guarded-broker");
        let tokens = BrokerTokens::new("a test's secret, long enough for HS256 as it should be");
        let lines = tokens.configuration(&folder).unwrap();
        let admin = tokens.token(ADMIN_ROLE).unwrap();
        let ports = PulsarPorts::free();
        let setup = BrokerSetup {
            lines,
            admin_token: Some(admin.clone()),
            certificate,
            ..BrokerSetup::default()
        };
        let broker = Pulsar::start_with(&folder, ports, setup).await.unwrap();
        let place = Place {
            admin: Admin::trusting(&broker.admin_url(), Some(&admin), authority.as_deref())
                .unwrap(),
            tenant: "test".to_owned(),
            namespace: "guarded".to_owned(),
            partitions: 1,
        };
        place.provision().await.unwrap();
        Self {
            service_url: broker.service_url(),
            authorities: authority.map(|pem| Authorities::parse(&pem).unwrap()),
            broker,
            tokens,
            place,
        }
    }

    fn settings(&self, token: Option<String>) -> BrokerSettings {
        BrokerSettings {
            service_url: self.service_url.clone(),
            authorities: self.authorities.clone(),
            token: token.map(Into::into),
            tenant: self.place.tenant.clone(),
            namespace: self.place.namespace.clone(),
            admin_url: None,
        }
    }

    pub fn of(&self, service: Service) -> BrokerSettings {
        self.settings(Some(self.tokens.token(service.name()).unwrap()))
    }

    async fn may_produce(&self, settings: BrokerSettings, topic: Topic) -> bool {
        PulsarTransport::new(SharedClient::new(settings), trust(), topic, 0)
            .open(1)
            .await
            .is_ok()
    }

    /// Whether a subscription of that name can be opened.
    async fn may_consume(&self, settings: BrokerSettings, topic: Topic, name: &str) -> bool {
        let Ok(client) = settings.connect().await else {
            return false;
        };
        let opening = client
            .consumer()
            .with_topic(settings.partition_name(topic, 0))
            .with_subscription(name)
            .with_subscription_type(pulsar::SubType::Failover)
            .build();
        let opened: Result<Result<Consumer<Vec<u8>, TokioExecutor>, _>, _> =
            tokio::time::timeout(Duration::from_secs(10), opening).await;
        matches!(opened, Ok(Ok(_)))
    }
}

#[tokio::test]
async fn each_service_can_do_at_the_broker_what_the_table_of_kinds_gives_it_and_nothing_else() {
    let guarded = Guarded::start().await;
    let granted = guarded.place.grant().await.unwrap();
    assert!(
        granted
            .iter()
            .any(|line| line.starts_with("bff may produce payment-commands")),
        "{granted:#?}"
    );
    assert_eq!(
        guarded.place.grant().await.unwrap(),
        Vec::<String>::new(),
        "granting again changes nothing"
    );
    let cells = Service::ALL
        .into_iter()
        .flat_map(|service| Topic::ALL.map(|topic| (service, topic)));
    let guarded = &guarded;
    let checked = cells.map(|(service, topic)| async move {
        let (wanted, settings) = (topic.grants(service), guarded.of(service));
        let mut wrong = None;
        // What is granted too much stays so; a broker that was only slow is tried again.
        for _ in 0..3 {
            let produces = guarded.may_produce(settings.clone(), topic).await;
            let consumes = guarded
                .may_consume(settings.clone(), topic, service.name())
                .await;
            if (produces, consumes) == (wanted.produce, wanted.consume) {
                return None;
            }
            wrong = Some(format!(
                "{service} at {topic}: produces {produces}, consumes {consumes}, is due {wanted:?}"
            ));
        }
        wrong
    });
    let checked = stream::iter(checked).buffer_unordered(AT_ONCE);
    let wrong: Vec<String> = checked
        .filter_map(|wrong| async move { wrong })
        .collect()
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_or_with_anothers_subscription_and_an_old_grant_is_taken_back()
 {
    let guarded = Guarded::start().await;
    let admin = &guarded.place.admin;
    let old = "persistent/test/guarded/payment-commands/permissions/tracking";
    admin
        .post(old, &serde_json::json!(["produce", "consume"]))
        .await
        .unwrap();
    let tracking = guarded.of(Service::Tracking);
    assert!(
        guarded
            .may_produce(tracking.clone(), Topic::PaymentCommands)
            .await
    );
    guarded.place.grant().await.unwrap();
    runtime::testing::until("what was granted before is taken back", || async {
        !guarded
            .may_produce(tracking.clone(), Topic::PaymentCommands)
            .await
    })
    .await;

    let topic = Topic::CampaignEvents;
    assert!(!guarded.may_produce(guarded.settings(None), topic).await);
    let forged = BrokerTokens::new("another secret, as long as the true one, but not the same");
    let forged = guarded.settings(Some(forged.token("campaign").unwrap()));
    assert!(!guarded.may_produce(forged, topic).await);
    assert!(!guarded.may_consume(tracking.clone(), topic, "bff").await);
    assert!(guarded.may_consume(tracking, topic, "tracking").await);
}

#[tokio::test]
async fn with_its_grants_alone_a_service_reads_messages_and_their_schemas() {
    let guarded = Guarded::start().await;
    guarded.place.grant().await.unwrap();
    let sender = crate::lab::Sender::start(&guarded.of(Service::Campaign), 1).await;
    let follower = crate::lab::Follower::start(&guarded.of(Service::Bff), 1).await;
    sender.emit(50).await;
    follower.wait_for(50).await;
    follower.assert_once_and_in_order(50).await;
}

#[tokio::test]
async fn who_is_refused_from_the_start_is_not_ready_and_says_why_and_who_finds_nobody_is_ready() {
    let guarded = Guarded::start().await;
    guarded.place.grant().await.unwrap();
    let stranger = BrokerTokens::new("another secret, long enough for HS256 as it should be");
    let forged = guarded.settings(Some(stranger.token("bff").unwrap()));
    let elsewhere = BrokerSettings {
        namespace: "none".to_owned(),
        ..guarded.of(Service::Bff)
    };
    for (settings, why) in [
        (forged, "AuthenticationError"),
        (guarded.of(Service::Campaign), "AuthorizationError"),
        // Whichever way this broker says that there is no such place.
        (elsewhere, "rror"),
    ] {
        let follower = Follower::start(&settings, 1).await;
        until("the follower says why it is refused", || async {
            let reasons = follower.health.never_opened();
            reasons.iter().any(|(_, error)| error.contains(why))
        })
        .await;
        assert_eq!(follower.health.paused(), Vec::new(), "{why}");
        follower.kill();
    }
    let nobody = BrokerSettings {
        service_url: "pulsar://127.0.0.1:9".to_owned(),
        ..guarded.of(Service::Bff)
    };
    let follower = Follower::start(&nobody, 1).await;
    until("the follower waits", || async {
        follower.health.never_opened().is_empty() && follower.health.paused().len() == 1
    })
    .await;
    follower.kill();
}
