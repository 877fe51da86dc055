//! Which transports a service travels, by everybody's mode.

use std::sync::Arc;
use std::time::Duration;

use messaging::backpressure::{self, Follower};
use messaging::relay::{self, Source, Transport};
use messaging::transport::consumer::{self, Subscription};
use messaging::transport::pulsar::{PulsarTransport, SharedClient};
use messaging::{Queue, Shut, Tasks, related, service_state};
use schemas::Topic;

use crate::definition::LeaderJobs;
use crate::host::Host;
use crate::settings::Settings;

fn each_partition(settings: &Settings) -> impl Iterator<Item = i32> + use<> {
    (0..settings.partitions).filter_map(|partition| i32::try_from(partition).ok())
}

/// Starts consuming what the service follows by the broker.
pub(crate) fn consume(host: &Host, settings: &Settings, queue: &Queue, decoded_later: &[Topic]) {
    let (health, tasks) = (host.health(), host.tasks());
    // Whoever may send commands can send what breaks a connection: theirs is not that of facts.
    let [commands, facts] = [(); 2].map(|()| SharedClient::new(settings.broker.clone()));
    for topic in settings.modes.consumes(host.service()) {
        let client = if topic.is_commands() {
            &commands
        } else {
            &facts
        };
        for partition in each_partition(settings) {
            health.expect("subscription", topic, partition);
            let subscription = Subscription {
                decodes_later: decoded_later.contains(&topic),
                ..subscription(host, settings, client, topic, partition)
            };
            let stop = tasks.stop().clone();
            let flow = queue.pipelined_flow(topic);
            let consuming = consumer::consume(subscription, flow, health.clone(), stop);
            tasks.spawn(format!("consumer of {}", topic.name()), consuming);
        }
        if topic.is_commands() {
            spare_followers(host, settings, queue);
        }
    }
}

/// Lets a backlog of commands rest where it runs ahead of those who follow what comes of it.
fn spare_followers(host: &Host, settings: &Settings, queue: &Queue) {
    let followers = messaging::followers(host.service(), settings.partitions);
    let followers = followers.map(|(service, stream)| {
        let transport = host.transport_to(service, stream.0, stream.1);
        Follower::new(service, stream, transport)
    });
    let followers = followers.collect();
    let (tasks, pool) = (host.tasks(), host.pool().clone());
    let sparing = backpressure::run(queue.clone(), pool, followers, tasks.stop().clone());
    tasks.spawn("backpressure", sparing);
}

fn subscription(
    host: &Host,
    settings: &Settings,
    client: &SharedClient,
    topic: Topic,
    partition: i32,
) -> Subscription {
    Subscription {
        client: client.clone(),
        trust: settings.trust.clone(),
        follower: host.service(),
        topic,
        decodes_later: false,
        partition,
    }
}

/// A service that took commands from the broker and now takes them by HTTP alone first handles what still lies there:
/// commands of external producers would come by no other transport. Until that is done the service is not ready, and its mode
/// stays noted as it was, so that a start after this one goes on with it.
pub(crate) fn drain(host: &Host, settings: &Settings, queue: &Queue) {
    let Some(topic) = host.service().commands_topic() else {
        return;
    };
    let (health, tasks) = (host.health(), host.tasks());
    let client = SharedClient::new(settings.broker.clone());
    let draining: Vec<_> = each_partition(settings)
        .map(|partition| {
            health.expect(consumer::DRAIN, topic, partition);
            let what = "commands that came by the broker are handled first".to_owned();
            health.failed(consumer::DRAIN, topic, partition, Shut::NotReady(what));
            let subscription = subscription(host, settings, &client, topic, partition);
            let stop = tasks.stop().clone();
            consumer::drain(subscription, queue.flow(), health.clone(), stop)
        })
        .collect();
    let (pool, stop) = (host.pool().clone(), tasks.stop().clone());
    let (mode, partitions) = (settings.modes.of(host.service()), settings.partitions);
    tasks.spawn("drain", async move {
        futures::future::join_all(draining).await;
        while !stop.is_cancelled() {
            let Err(error) = service_state::note(&pool, mode.name(), partitions).await else {
                tracing::info!(topic = topic.name(), "no command is left at the broker");
                break;
            };
            tracing::warn!(%error, "the mode cannot be noted now");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        stop.cancelled().await;
    });
}

/// Relays what the service publishes, and runs its jobs, while it holds the relay's lock.
pub(crate) fn relay(host: &Host, settings: Arc<Settings>, source: Source, jobs: LeaderJobs) {
    let tasks = host.tasks();
    let (host, stop) = (host.clone(), tasks.stop().clone());
    let pool = host.pool().clone();
    let client = SharedClient::new(settings.broker.clone());
    let start = move |tasks: &Tasks, relay_epoch: i64| {
        for topic in host.service().published_topics() {
            for partition in each_partition(&settings) {
                ship_one(
                    &host,
                    &settings,
                    &client,
                    &source,
                    tasks,
                    (topic, partition, relay_epoch),
                );
            }
        }
        let committed = host.head().subscribe();
        let summarising =
            related::summary::run(host.pool().clone(), committed, tasks.stop().clone());
        tasks.spawn("summaries", summarising);
        for start in &jobs.0 {
            start(&host, tasks);
        }
    };
    tasks.spawn("relay", relay::lead(pool, stop, start));
}

fn ship_one(
    host: &Host,
    settings: &Settings,
    client: &SharedClient,
    source: &Source,
    tasks: &Tasks,
    (topic, partition, relay_epoch): (Topic, i32, i64),
) {
    let (service, health) = (host.service(), host.health());
    let at = (topic, partition, relay_epoch);
    if settings.modes.publishes(service, topic) {
        health.expect("pulsar", topic, partition);
        let transport =
            PulsarTransport::new(client.clone(), settings.trust.clone(), topic, partition);
        travel(host, source, tasks, transport, at);
    }
    for follower in settings.modes.posts_to(service, topic) {
        let transport = host.transport_to(follower, topic, partition);
        travel(host, source, tasks, transport, at);
    }
}

/// Ships one stream by one transport for as long as this process leads.
fn travel(
    host: &Host,
    source: &Source,
    tasks: &Tasks,
    transport: impl Transport,
    (topic, partition, relay_epoch): (Topic, i32, i64),
) {
    let name = format!("relay of {} by {}", topic.name(), transport.name());
    let shipping = relay::ship(
        source.clone(),
        transport,
        topic,
        partition,
        relay_epoch,
        host.health().clone(),
        tasks.stop().clone(),
    );
    tasks.spawn(name, shipping);
}
