//! Who sends and who follows, as operations: one for each command, with its reply, and one for all events of a topic.

use serde_json::{Value, json};

use super::{named, published, reference};
use crate::kinds::Kind;
use crate::service::{Service, Topic};

pub(super) fn operations() -> Value {
    let (commands, events): (Vec<_>, Vec<_>) = Topic::ALL
        .into_iter()
        .partition(|topic| topic.is_commands());
    let commands = commands
        .into_iter()
        .flat_map(published)
        .flat_map(of_command);
    named(commands.chain(events.into_iter().flat_map(of_events)))
}

/// What its sender and its owner do with a command.
fn of_command(kind: &'static Kind) -> [(String, Value); 2] {
    let topic = kind.topic;
    let (sender, owner) = (topic.publisher(), topic.owner());
    let operation = |service: Service, action: &str, summary: String| {
        let mut operation = operation(service, action, topic, &[kind], &summary);
        operation["reply"] = reply(kind);
        (format!("{service}.{action}.{}", kind.name), operation)
    };
    let mut received = operation(owner, "receive", format!("{owner} takes {}.", kind.name));
    received.1["x-subscription"] = subscription(owner);
    let sent = format!(
        "{sender} sends {}; so may a system of a brand with its key, by the property signature.",
        kind.name
    );
    [operation(sender, "send", sent), received]
}

/// The command's outcome: the first event that it led to, or a refusal. It names the command in `outcomeof`.
fn reply(kind: &Kind) -> Value {
    let events = kind.topic.owner().events_topic();
    let events = events.map_or("", Topic::name);
    let outcomes = kind.outcomes.iter().chain(&["command.rejected.v1"]);
    json!({
        "channel": reference(&format!("channels/{events}")),
        "messages": outcomes.map(|name| message(events, name)).collect::<Vec<_>>(),
    })
}

/// What the owner of a topic of events does with it, and each that follows.
fn of_events(topic: Topic) -> Vec<(String, Value)> {
    let all: Vec<_> = published(topic).collect();
    let owner = topic.owner();
    let summary = format!("{owner} states what happened.");
    let mut found = vec![(
        format!("{owner}.send.{topic}"),
        operation(owner, "send", topic, &all, &summary),
    )];
    for follower in topic.followers() {
        let followed: Vec<_> = published(topic)
            .filter(|kind| kind.followers.contains(&follower))
            .collect();
        let summary = format!("{follower} follows what {owner} states; other kinds pass it by.");
        let mut operation = operation(follower, "receive", topic, &followed, &summary);
        operation["x-subscription"] = subscription(follower);
        found.push((format!("{follower}.receive.{topic}"), operation));
    }
    found
}

fn operation(
    service: Service,
    action: &str,
    topic: Topic,
    kinds: &[&Kind],
    summary: &str,
) -> Value {
    let messages = kinds.iter().map(|kind| message(topic.name(), kind.name));
    json!({
        "action": action,
        "channel": reference(&format!("channels/{topic}")),
        "summary": summary,
        "messages": messages.collect::<Vec<_>>(),
        "tags": [{"name": service.name()}],
    })
}

fn message(channel: &str, name: &str) -> Value {
    reference(&format!("channels/{channel}/messages/{name}"))
}

/// As provisioning makes it, before anybody publishes.
fn subscription(service: Service) -> Value {
    json!({"name": service.name(), "type": "Failover", "initialPosition": "Earliest"})
}
