//! A sender's log and a follower's read model, each with a database of its own, joined by a real broker.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use devstack::provision::{Admin, Place};
use devstack::stack;
use messaging::clock::Looked;
use messaging::gap::{self, Pace};
use messaging::relay::{self, Source};
use messaging::transport::consumer::{self, Subscription};
use messaging::transport::http::InternalKey;
use messaging::transport::pulsar::{BrokerSettings, PulsarTransport, SharedClient};
use messaging::transport::{Peers, resend};
use messaging::trust::Trust;
use messaging::{
    Engine, FoldError, Health, Lock, Lookups, NewMessage, Projection, Queue, SchemaIds, Tasks,
    WriteTx, Writer, retry_scheduler,
};
use schemas::signature::Producers;
use schemas::{Body, CampaignActivatedV1, EvidenceSubmittedV1, Message, Service, Topic};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What the lab's services sign with.
pub fn trust() -> Trust {
    Trust::new(&key(), Producers::default())
}

/// What the lab's sender emits and its follower notes.
pub const TOPIC: Topic = Topic::CampaignEvents;

/// A place of its own at a broker.
pub fn place(admin_url: &str, partitions: u32) -> Place {
    Place {
        admin: Admin::new(admin_url, None).unwrap(),
        tenant: "test".to_owned(),
        namespace: format!("n{}", Uuid::now_v7().simple()),
        partitions,
    }
}

/// How services reach a place.
pub fn settings(service_url: &str, place: &Place) -> BrokerSettings {
    BrokerSettings {
        service_url: service_url.to_owned(),
        authorities: None,
        token: None,
        tenant: place.tenant.clone(),
        namespace: place.namespace.clone(),
        admin_url: None,
    }
}

/// The test run's broker: service and admin address.
pub fn broker() -> (String, String) {
    (
        stack::testing::from_test_run(stack::testing::PULSAR_SERVICE_URL),
        stack::testing::from_test_run(stack::testing::PULSAR_ADMIN_URL),
    )
}

/// A place of its own at the broker, provisioned, and how to reach it.
pub async fn new_place(partitions: u32) -> (Place, BrokerSettings) {
    let (service_url, admin_url) = broker();
    let place = place(&admin_url, partitions);
    place.provision().await.unwrap();
    let settings = settings(&service_url, &place);
    (place, settings)
}

/// The same, of which only the way there is needed.
pub async fn fresh(partitions: u32) -> BrokerSettings {
    new_place(partitions).await.1
}

/// Who follows the first partition of a topic there, by a client of its own.
pub fn subscription(settings: &BrokerSettings, follower: Service, topic: Topic) -> Subscription {
    Subscription {
        client: SharedClient::new(settings.clone()),
        trust: trust(),
        follower,
        topic,
        decodes_later: false,
        partition: 0,
    }
}

/// What services sign with.
pub fn key() -> InternalKey {
    let secret = "a key between services, of more than 32 bytes";
    InternalKey::new(SecretString::from(secret))
}

/// A follower's way to the sender, which listens there or nowhere.
fn peers(url: &str) -> Peers {
    Peers {
        client: reqwest::Client::new(),
        key: key(),
        me: Service::Bff,
        urls: BTreeMap::from([(Service::Campaign.name(), url.to_owned())]),
    }
}

/// A database with the bank's table.
pub async fn bank_database() -> (PgPool, SchemaIds) {
    let (pool, schema_ids) = database().await;
    let made = "CREATE TABLE balances (partner text PRIMARY KEY, minor bigint NOT NULL)";
    sqlx::raw_sql(made).execute(&pool).await.unwrap();
    (pool, schema_ids)
}

/// Serves an app until the test ends; returns where.
pub async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[allow(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn database() -> (PgPool, SchemaIds) {
    let url = runtime::testing::new_database().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    messaging::migrate(&mut connection).await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE noted (place bigserial, sequence bigint, partition_key text, id uuid)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    let schema_ids = SchemaIds::open(&pool).await.unwrap();
    (pool, schema_ids)
}

/// A log and the relay that ships it.
pub struct Sender {
    pool: PgPool,
    writer: Writer,
    committed: watch::Sender<i64>,
    pub health: Health,
    stop: CancellationToken,
}

impl Sender {
    /// A sender with a database of its own.
    pub async fn start(settings: &BrokerSettings, partitions: u32) -> Self {
        let (pool, schema_ids) = database().await;
        Self::start_on(pool, schema_ids, settings, partitions, &trust())
    }

    /// Another process on the same database, whose relay has forgotten how far it was.
    pub async fn again(&self, settings: &BrokerSettings, partitions: u32) -> Self {
        sqlx::query("UPDATE pipeline.relay_cursor SET position = 0")
            .execute(&self.pool)
            .await
            .unwrap();
        self.signing_with(&trust(), settings, partitions)
    }

    /// Another process on the same database, with a key of its own.
    pub fn signing_with(&self, trust: &Trust, settings: &BrokerSettings, partitions: u32) -> Self {
        let (pool, schema_ids) = (self.pool.clone(), self.writer.schema_ids.clone());
        Self::start_on(pool, schema_ids, settings, partitions, trust)
    }

    fn start_on(
        pool: PgPool,
        schema_ids: SchemaIds,
        settings: &BrokerSettings,
        partitions: u32,
        trust: &Trust,
    ) -> Self {
        let committed = watch::Sender::new(0);
        let writer = Writer::of(Service::Campaign, partitions, schema_ids);
        let source = Source {
            pool: pool.clone(),
            writer: writer.clone(),
            committed: committed.subscribe(),
            spans: None,
        };
        let health = Health::default();
        let stop = CancellationToken::new();
        let tasks = Tasks::new(stop.clone());
        let (shipped, trust) = (health.clone(), trust.clone());
        let client = SharedClient::new(settings.clone());
        let start = move |tasks: &Tasks, epoch: i64| {
            for partition in 0..i32::try_from(partitions).unwrap() {
                shipped.expect("pulsar", TOPIC, partition);
                let transport =
                    PulsarTransport::new(client.clone(), trust.clone(), TOPIC, partition);
                let stop = tasks.stop().clone();
                let shipping = relay::ship(
                    source.clone(),
                    transport,
                    TOPIC,
                    partition,
                    epoch,
                    shipped.clone(),
                    stop,
                );
                tasks.spawn("relay", shipping);
            }
        };
        tasks.spawn("lead", relay::lead(pool.clone(), stop.clone(), start));
        Self {
            pool,
            writer,
            committed,
            health,
            stop,
        }
    }

    /// Appends so many events, spread over keys, in one transaction.
    pub async fn emit(&self, count: usize) {
        let activated = CampaignActivatedV1 {
            brand_id: "brand1".parse().unwrap(),
            allowed_hosts: vec!["example.com".to_owned()],
            fallback_url: None,
            starts_at: None,
            trusts_redirects: None,
            ends_at: None,
        };
        self.emit_all(count, &Body::CampaignActivatedV1(activated))
            .await;
    }

    /// The same, of the kind that was added last.
    pub async fn emit_evidence(&self, count: usize) {
        let submitted = EvidenceSubmittedV1 {
            partner_id: "partner1".parse().unwrap(),
            evidence_type: "photo".to_owned(),
            url_hash: "00".to_owned(),
            content_hash: None,
            replaces: None,
            duplicate_of: None,
            sealed_url: None,
            sealed_metadata: None,
        };
        self.emit_all(count, &Body::EvidenceSubmittedV1(submitted))
            .await;
    }

    async fn emit_all(&self, count: usize, body: &Body) {
        let mut tx = WriteTx::begin(&self.pool, &self.writer, Lookups::default())
            .await
            .unwrap();
        for index in 0..count {
            let key = format!("camp{}", index % 7);
            tx.append(NewMessage {
                id: Uuid::now_v7(),
                topic: TOPIC,
                key: key.clone(),
                subject: key,
                body: body.clone(),
                correlation_id: Uuid::now_v7(),
                causation_id: None,
                outcome_of: None,
                actor: None,
                traceparent: None,
            })
            .unwrap();
        }
        let position = tx.commit().await.unwrap();
        messaging::advance(&self.committed, position);
    }

    /// Serves what followers ask a source for; returns where.
    pub async fn listen(&self) -> String {
        let (pool, writer) = (self.pool.clone(), self.writer.clone());
        let app = resend::router(pool, writer, key(), vec![TOPIC]);
        serve(app).await
    }

    /// Waits until all that was emitted is at the broker.
    pub async fn shipped(&self) {
        let all = "SELECT bool_and(c.position = h.position) FROM pipeline.relay_cursor c, pipeline.log_head h";
        runtime::testing::until("all is shipped", || async {
            let all: Option<bool> = sqlx::query_scalar(all).fetch_one(&self.pool).await.unwrap();
            all == Some(true)
        })
        .await;
    }

    /// What an operator's `relay rewind` does.
    pub async fn rewind(&self) {
        let mut connection = self.pool.acquire().await.unwrap();
        let shipped = relay::rewind(&mut connection, TOPIC, 0, 0).await.unwrap();
        assert!(shipped.is_some_and(|position| position > 0));
    }

    pub fn stop(&self) {
        self.stop.cancel();
    }
}

/// Notes what arrives.
struct Noting;

impl Projection for Noting {
    const SERVICE: Service = Service::Bff;
    type BatchState = Vec<(i64, String, Uuid)>;

    async fn load(&self, _: &mut WriteTx, _: &[&Message]) -> Result<Self::BatchState, sqlx::Error> {
        Ok(Vec::new())
    }
    fn fold(&self, state: &mut Self::BatchState, message: &Message) -> Result<(), FoldError> {
        let header = &message.header;
        state.push((header.sequence.unwrap_or(0), header.key.clone(), header.id));
        Ok(())
    }
    async fn save(&self, tx: &mut WriteTx, state: Self::BatchState) -> Result<(), sqlx::Error> {
        for (sequence, key, id) in state {
            sqlx::query("INSERT INTO noted (sequence, partition_key, id) VALUES ($1, $2, $3)")
                .bind(sequence)
                .bind(key)
                .bind(id)
                .execute(tx.connection())
                .await?;
        }
        Ok(())
    }
}

/// A follower: one process of it.
pub struct Follower {
    pub pool: PgPool,
    pub health: Health,
    stop: CancellationToken,
    consuming: CancellationToken,
}

impl Follower {
    /// A follower with a database of its own.
    pub async fn start(settings: &BrokerSettings, partitions: u32) -> Self {
        Self::start_requesting(settings, partitions, "", Pace::default()).await
    }

    /// The same; it asks the sender, which listens there, to send again what it misses.
    pub async fn start_requesting(
        settings: &BrokerSettings,
        partitions: u32,
        sender: &str,
        pace: Pace,
    ) -> Self {
        let (pool, schema_ids) = database().await;
        Self::start_on(pool, schema_ids, settings, partitions, (sender, pace))
    }

    /// Another process on the same database, after the first one died.
    pub async fn restart(&self, settings: &BrokerSettings, partitions: u32) -> Self {
        self.restart_requesting(settings, partitions, "").await
    }

    /// The same; it asks the sender, which listens there, to send again what it misses.
    pub async fn restart_requesting(
        &self,
        settings: &BrokerSettings,
        partitions: u32,
        sender: &str,
    ) -> Self {
        let schema_ids = SchemaIds::open(&self.pool).await.unwrap();
        let pace = (sender, Pace::default());
        Self::start_on(self.pool.clone(), schema_ids, settings, partitions, pace)
    }

    fn start_on(
        pool: PgPool,
        schema_ids: SchemaIds,
        settings: &BrokerSettings,
        partitions: u32,
        (sender, pace): (&str, Pace),
    ) -> Self {
        let stop = CancellationToken::new();
        let consuming = stop.child_token();
        let tasks = Tasks::new(stop.clone());
        let (queue, health) = (Queue::of(Service::Bff), Health::default());
        let writer = Writer::of(Service::Bff, partitions, schema_ids).with(Lock::ReadModels);
        let client = SharedClient::new(settings.clone());
        for partition in 0..i32::try_from(partitions).unwrap() {
            let subscription = Subscription {
                client: client.clone(),
                trust: trust(),
                follower: Service::Bff,
                topic: TOPIC,
                decodes_later: false,
                partition,
            };
            health.expect("subscription", TOPIC, partition);
            let (health, until) = (health.clone(), consuming.clone());
            let (flow, stop) = (queue.flow(), stop.clone());
            tasks.spawn("consumer", async move {
                consumer::consume(subscription, flow, health, until).await;
                stop.cancelled().await;
            });
        }
        let peers = peers(sender);
        let watching = gap::watch(pool.clone(), health.clone(), peers, pace, stop.clone());
        tasks.spawn("gaps", watching);
        let committed = Arc::new(watch::Sender::new(0));
        let schema_ids = writer.schema_ids.clone();
        let flow = queue.flow();
        let engine = Engine::new(Arc::new(Noting), pool.clone(), writer, queue, committed);
        let changed = engine.retry_queue_changed();
        let looked = watch::channel(Looked::default()).1;
        let scheduling = retry_scheduler::run(
            pool.clone(),
            schema_ids,
            flow,
            changed,
            looked,
            None,
            stop.clone(),
        );
        tasks.spawn("retry_scheduler", scheduling);
        let engine = Arc::new(engine);
        tasks.spawn("engine", engine.run(stop.clone(), false));
        Self {
            pool,
            health,
            stop,
            consuming,
        }
    }

    /// Another process beside one whose pool is at hand.
    pub async fn beside(pool: &PgPool, settings: &BrokerSettings, partitions: u32) -> Self {
        let pool = PgPool::connect_with((*pool.connect_options()).clone())
            .await
            .unwrap();
        let schema_ids = SchemaIds::open(&pool).await.unwrap();
        let pace = ("", Pace::default());
        Self::start_on(pool, schema_ids, settings, partitions, pace)
    }

    /// How its database is reached.
    pub fn options(&self) -> sqlx::postgres::PgConnectOptions {
        (*self.pool.connect_options()).clone()
    }

    /// Leaves the subscription to others, and lives on.
    pub fn stop_consuming(&self) {
        self.consuming.cancel();
    }

    /// Ends the process at once.
    pub fn kill(&self) {
        self.stop.cancel();
    }

    pub async fn count(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM noted")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// How many messages are in the retry queue.
    pub async fn retry_queue(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM pipeline.parked")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub async fn wait_for(&self, count: i64) {
        runtime::testing::until(&format!("{count} messages are noted"), || async {
            self.count().await >= count
        })
        .await;
    }

    /// Asserts that all came, once.
    pub async fn assert_once(&self, count: i64) {
        assert_eq!(self.count().await, count, "none lost, none twice");
        let distinct: i64 = sqlx::query_scalar("SELECT count(DISTINCT id) FROM noted")
            .fetch_one(&self.pool)
            .await
            .unwrap();
        assert_eq!(distinct, count);
    }

    /// Asserts that each key's messages came once and in order.
    pub async fn assert_once_and_in_order(&self, count: i64) {
        self.assert_once(count).await;
        let disorder: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT sequence - lag(sequence) OVER (PARTITION BY partition_key ORDER BY place) AS step FROM noted) s
              WHERE step <= 0",
        )
        .fetch_one(&self.pool)
        .await
        .unwrap();
        assert_eq!(disorder, 0, "order within each key");
    }
}
