//! Topics as channels.

use serde_json::{Value, json};

use super::{BINDING_VERSION, NAMESPACE, TENANT, messages, named, published, reference};
use crate::envelope::Message;
use crate::service::Topic;

/// A topic with the messages that others see.
pub(super) fn channel(topic: Topic, samples: &[(Topic, Message)]) -> Value {
    let messages = published(topic).map(|kind| {
        let sample = samples
            .iter()
            .find(|(on, sample)| *on == topic && sample.header.kind == kind.name);
        let message = messages::message(kind, sample.map(|(_, message)| message));
        (kind.name.to_owned(), message)
    });
    json!({
        "address": format!("persistent://{{tenant}}/{{namespace}}/{topic}"),
        "title": topic.name(),
        "summary": summary(topic),
        "description": "A partitioned topic. The key picks the partition (murmur3 as in the Java client); within a \
                        partition each source's messages are in the order of its sequence, without gaps.",
        "parameters": {
            "tenant": reference("components/parameters/tenant"),
            "namespace": reference("components/parameters/namespace"),
        },
        "messages": named(messages),
        "tags": [{"name": topic.owner().name()}],
        "bindings": {"pulsar": {
            "namespace": NAMESPACE,
            "persistence": "persistent",
            "bindingVersion": BINDING_VERSION,
        }},
    })
}

fn summary(topic: Topic) -> String {
    let owner = topic.owner();
    if published(topic).next().is_none() {
        format!("Nothing travels here yet: what {owner} is asked, it asks itself.")
    } else if topic.is_commands() {
        format!("What {owner} is asked.")
    } else {
        format!("What {owner} states.")
    }
}

/// What stands in every channel's address.
pub(super) fn parameters() -> Value {
    json!({
        "tenant": {"default": TENANT, "description": "PULSAR_TENANT."},
        "namespace": {"default": NAMESPACE, "description": "PULSAR_NAMESPACE."},
    })
}
