//! The HTTP transport between two databases, and a follower that fails in every way it can.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use messaging::log::LogRow;
use messaging::relay::{self, Entry, Shipped, Source, Transport};
use messaging::transport::Peers;
use messaging::transport::http::{HttpTransport, InternalKey, router};
use messaging::transport::memory::MemoryTransport;
use messaging::transport::receiver::Receiver;
use messaging::{FLOW_MESSAGES, Health, Lookups, Mode, Modes, Tasks, WriteTx, Writer, advance};
use runtime::testing::{message, until};
use schemas::{Service, WriterSchema};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bank::earns;
use crate::figures::Figures;
use crate::lab::{FACTS, Lab, Replica, database, encode};
use crate::restores::fact;

fn key() -> InternalKey {
    InternalKey::new(SecretString::from(
        "a key between services, of more than 32 bytes",
    ))
}

fn modes() -> Modes {
    Modes::new(
        [
            Service::Campaign,
            Service::Tracking,
            Service::Commission,
            Service::Payment,
        ]
        .map(|service| (service, Mode::Http)),
    )
}

/// How often each kind of failure was made.
#[derive(Clone, Default)]
struct Failures {
    posts: Arc<AtomicUsize>,
    deaf: Arc<AtomicUsize>,
    mute: Arc<AtomicUsize>,
    killed: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Saboteur {
    failures: Failures,
    pool: sqlx::PgPool,
}

/// In turn: a request is not heard, its answer is lost after the commit, its connections to the database are killed
/// meanwhile, and one goes well.
async fn sabotage(State(at): State<Saboteur>, request: Request, next: Next) -> Response {
    if request.method() == axum::http::Method::GET {
        return next.run(request).await;
    }
    let failures = &at.failures;
    let lost = || StatusCode::BAD_GATEWAY.into_response();
    match failures.posts.fetch_add(1, Ordering::SeqCst) % 4 {
        0 => {
            failures.deaf.fetch_add(1, Ordering::SeqCst);
            lost()
        }
        1 => {
            next.run(request).await;
            failures.mute.fetch_add(1, Ordering::SeqCst);
            lost()
        }
        2 => {
            let kill = async {
                sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
                    .execute(&at.pool)
                    .await
                    .ok();
                failures.killed.fetch_add(1, Ordering::SeqCst);
            };
            let (answer, ()) = tokio::join!(next.run(request), kill);
            answer
        }
        _ => next.run(request).await,
    }
}

/// Serves a follower's flow on a free port, sabotaged.
async fn serve(lab: &Lab, replica: &Replica, tasks: &Tasks, failures: &Failures) -> String {
    let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
    let saboteur = Saboteur {
        failures: failures.clone(),
        pool: lab.pool.clone(),
    };
    let app: Router = router(
        receiver,
        key(),
        Service::Payment,
        modes(),
        Health::default(),
    )
    .layer(middleware::from_fn_with_state(saboteur, sabotage));
    listen(app, tasks).await
}

/// Serves on a free port.
pub async fn listen(app: Router, tasks: &Tasks) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tasks.spawn("server", async move {
        axum::serve(listener, app).await.unwrap();
    });
    url
}

/// Payment, as commission reaches it there.
pub fn by_http(url: String) -> HttpTransport {
    let peers = Peers {
        client: reqwest::Client::new(),
        key: key(),
        me: Service::Commission,
        urls: BTreeMap::from([(Service::Payment.name(), url)]),
    };
    HttpTransport::new(
        &peers,
        Service::Payment,
        (FACTS, 0),
        modes(),
        Health::default(),
    )
}

/// Waits until as many facts are in the partner's balance, and asserts that there are no more.
async fn assert_handled_once(lab: &Lab, count: i64) {
    until("all are handled", || async {
        let handled: Result<i64, _> =
            sqlx::query_scalar("SELECT minor FROM balances WHERE partner = 'p'")
                .fetch_one(&lab.pool)
                .await;
        handled.is_ok_and(|handled| handled >= count)
    })
    .await;
    assert_eq!(lab.balance("p").await, count, "once each");
}

/// A sender's log with so many facts in it, shipped to a follower. Returns the sender's health.
async fn send(count: usize, transport: impl Transport, tasks: &Tasks) -> Health {
    let health = Health::default();
    let (pool, schema_ids) = database().await;
    let writer = Writer::of(Service::Commission, 1, schema_ids);
    let committed = watch::Sender::new(0);
    let source = Source {
        pool: pool.clone(),
        writer: writer.clone(),
        committed: committed.subscribe(),
        spans: None,
    };
    let shipping = relay::ship(
        source,
        transport,
        FACTS,
        0,
        1,
        health.clone(),
        tasks.stop().clone(),
    );
    tasks.spawn("relay", shipping);
    for _ in 0..count / 100 {
        let mut tx = WriteTx::begin(&pool, &writer, Lookups::default())
            .await
            .unwrap();
        for _ in 0..100 {
            tx.append(fact()).unwrap();
        }
        advance(&committed, tx.commit().await.unwrap());
    }
    // The relay's poll goes on without anyone to notify it of commits.
    health
}

#[tokio::test]
async fn a_relay_by_http_survives_a_follower_that_fails_in_the_middle_of_a_batch() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let tasks = Tasks::new(CancellationToken::new());
    let failures = Failures::default();
    let url = serve(&lab, &replica, &tasks, &failures).await;
    send(3_000, by_http(url), &tasks).await;
    assert_handled_once(&lab, 3_000).await;
    tasks.stop().cancel();
    for count in [&failures.deaf, &failures.mute, &failures.killed] {
        assert!(
            count.load(Ordering::SeqCst) > 0,
            "the follower failed in every way"
        );
    }
    let mark: i64 = sqlx::query_scalar("SELECT sequence FROM pipeline.watermark")
        .fetch_one(&lab.pool)
        .await
        .unwrap();
    assert_eq!(mark, 3_000);
}

#[tokio::test]
async fn a_follower_that_refuses_its_sender_is_a_closed_transport_before_which_messages_wait() {
    let figures = Figures::default();
    let _reported = metrics::set_default_local_recorder(&figures);
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let tasks = Tasks::new(CancellationToken::new());
    let other = InternalKey::new(SecretString::from(
        "another key between services, of more than 32 bytes",
    ));
    let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
    let app = router(
        receiver,
        other,
        Service::Payment,
        modes(),
        Health::default(),
    );
    let url = listen(app, &tasks).await;
    let health = send(100, by_http(url), &tasks).await;
    until("it is refused", || async {
        let paused = health.paused();
        paused.iter().any(|paused| paused.reason.contains("401"))
    })
    .await;
    let edge = "http:payment commission-events/0".to_owned();
    assert_eq!(health.transports(), [(edge, false)]);
    assert_eq!(health.never_opened(), Vec::new(), "it is ready without");
    until("what waits is reported", || async {
        figures.gauge("tributary_relay_lag_messages http:payment commission-events 0")
            == Some(100.0)
    })
    .await;
    tasks.stop().cancel();
    until("nobody travels it", || async {
        health.transports().is_empty()
    })
    .await;
}

#[tokio::test]
async fn the_transport_within_one_process_has_the_same_effect() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let tasks = Tasks::new(CancellationToken::new());
    let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
    let transport = MemoryTransport::new(receiver, Service::Commission, FACTS, 0);
    send(1_000, transport, &tasks).await;
    assert_handled_once(&lab, 1_000).await;
    tasks.stop().cancel();
}

/// Facts of commission's stream, as its relay ships them.
fn entry(first: i64, count: i64) -> Entry {
    let row = |sequence: i64| {
        let id = format!("conv{sequence}");
        let fact = message(FACTS, &id, &id, earns("p", 1), Some(sequence));
        Arc::new(LogRow {
            position: sequence,
            id: fact.header.id,
            kind: fact.header.kind.clone(),
            topic: Some(FACTS.name().to_owned()),
            partition: Some(0),
            sequence: Some(sequence),
            key: id.clone(),
            subject: id,
            time: fact.header.time.0,
            correlation_id: fact.header.correlation_id,
            causation_id: None,
            outcome_of: None,
            schema_id: 1,
            body: encode(FACTS, &fact),
        })
    };
    Entry {
        topic: FACTS,
        partition: 0,
        schema: WriterSchema::current(FACTS),
        rows: (first..first + count).map(row).collect(),
        epoch: 1,
        source: "commission",
    }
}

/// How often a sender was asked to come again later.
async fn count_later(
    State(later): State<Arc<AtomicUsize>>,
    request: Request,
    next: Next,
) -> Response {
    let answer = next.run(request).await;
    let header = answer.headers().get("retry-after");
    if answer.status() == StatusCode::SERVICE_UNAVAILABLE
        && header.is_some_and(|header| header == "1")
    {
        later.fetch_add(1, Ordering::SeqCst);
    }
    answer
}

#[tokio::test]
async fn a_follower_whose_flow_is_full_says_503_and_takes_it_later() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let tasks = Tasks::new(CancellationToken::new());
    let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
    let later = Arc::new(AtomicUsize::new(0));
    let app = router(
        receiver.clone(),
        key(),
        Service::Payment,
        modes(),
        Health::default(),
    )
    .layer(middleware::from_fn_with_state(
        Arc::clone(&later),
        count_later,
    ));
    let mut transport = by_http(listen(app, &tasks).await);
    let mut filling = MemoryTransport::new(receiver, Service::Commission, FACTS, 0);

    let mut holder = messaging::begin(&lab.pool, "BEGIN").await.unwrap();
    sqlx::query(messaging::AdvisoryLock::Log.hold())
        .execute(&mut *holder)
        .await
        .unwrap();
    let full = i64::try_from(FLOW_MESSAGES).unwrap();
    let filled = entry(1, full);
    let (filled, ()) = tokio::join!(filling.ship(&filled), async {
        let refused = transport.ship(&entry(full + 1, 1)).await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(later.load(Ordering::SeqCst), 1);
        holder.rollback().await.unwrap();
    });
    assert_eq!(filled.unwrap(), Shipped::Handled(full));
    let taken = transport.ship(&entry(full + 1, 1)).await.unwrap();
    assert_eq!(taken, Shipped::Handled(full + 1));
    assert_eq!(lab.balance("p").await, full + 1);
    tasks.stop().cancel();
}

#[tokio::test]
async fn nothing_of_a_strangers_body_is_read() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let tasks = Tasks::new(CancellationToken::new());
    let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
    let app = router(
        receiver,
        key(),
        Service::Payment,
        modes(),
        Health::default(),
    );
    let url = listen(app, &tasks).await;
    let address = url.trim_start_matches("http://");
    let mut stranger = TcpStream::connect(address).await.unwrap();
    let head = "POST /internal/v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n";
    stranger.write_all(head.as_bytes()).await.unwrap();
    // The answer comes although not one byte of the body was sent.
    let mut answer = [0; 12];
    stranger.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    tasks.stop().cancel();
}

#[tokio::test]
async fn a_service_that_speaks_for_another_is_refused_and_may_go_on_for_itself() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let tasks = Tasks::new(CancellationToken::new());
    let receiver = Receiver::new(lab.pool.clone(), &replica.flow);
    let health = Health::default();
    let app = router(receiver, key(), Service::Payment, modes(), health);
    let mut transport = by_http(listen(app, &tasks).await);
    transport.open(1).await.unwrap();
    let own = entry(1, 1);
    let mut external = entry(1, 1);
    let mut fact = message(FACTS, "conv1", "conv1", earns("p", 1), Some(1));
    fact.header.source = Service::Tracking.name().to_owned();
    Arc::make_mut(&mut external.rows[0]).body = encode(FACTS, &fact);
    let refused = transport.ship(&external).await.unwrap_err();
    assert!(refused.to_string().contains("400"), "{refused}");
    assert_eq!(lab.balance("p").await, 0);
    assert_eq!(transport.ship(&own).await.unwrap(), Shipped::Handled(1));
    assert_eq!(lab.balance("p").await, 1);
    tasks.stop().cancel();
}

#[tokio::test]
async fn a_sender_that_is_not_one_is_refused() {
    let lab = Lab::new().await;
    let replica = lab.start(false);
    let tasks = Tasks::new(CancellationToken::new());
    let failures = Failures::default();
    failures.posts.store(3, Ordering::SeqCst);
    let url = serve(&lab, &replica, &tasks, &failures).await;
    let client = reqwest::Client::new();
    let post = client.post(format!("{url}/internal/v1/messages")).body("x");
    assert_eq!(post.send().await.unwrap().status(), 401);
    let get = client.get(format!(
        "{url}/internal/v1/watermarks?epoch=1&topic=commission-events&partition=0&mode=http"
    ));
    let get = get.bearer_auth(runtime::testing::operator());
    assert_eq!(get.send().await.unwrap().status(), 401);
    tasks.stop().cancel();
}
