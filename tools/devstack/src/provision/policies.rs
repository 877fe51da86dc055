//! The namespace's policies: ours are set, and those that would drop unacknowledged messages are taken away.

use anyhow::Result;
use reqwest::Method;
use schemas::Topic;
use serde_json::{Value, json};

use super::work::{Need, State, Step, Wanted, Work};
use super::{Answer, Look, Place};

/// Sets or removes what differs, naming it.
pub(super) async fn apply(work: &mut Work<'_>, place: &Place) -> Result<()> {
    let namespace = &place.path();
    for policy in wanted(namespace) {
        policy.set(work, namespace).await?;
    }
    let mut is_clean = true;
    for limit in LIMITS {
        is_clean &= limit.remove(work, namespace).await?;
    }
    is_clean &= evictions(work, namespace).await?;
    // What the namespace still has is in force at its topics, and reported already.
    if is_clean {
        for topic in Topic::ALL {
            in_force(work, place, topic).await?;
        }
    }
    Ok(())
}

struct Policy {
    name: &'static str,
    value: Value,
    need: Need,
    method: Method,
    /// Of `pulsar-admin namespaces`.
    command: String,
}

fn wanted(namespace: &str) -> [Policy; 6] {
    let policy = |name, value, need, command: &str| Policy {
        name,
        value,
        need,
        method: Method::POST,
        command: format!("namespaces {}", command.replace("{}", namespace)),
    };
    let no_topics = json!({"allowAutoTopicCreation": false});
    let no_subscriptions = json!({"allowAutoSubscriptionCreation": false});
    let a_day = json!({"retentionTimeInMinutes": 1440, "retentionSizeInMB": 512});
    [
        policy(
            "schemaValidationEnforced",
            json!(true),
            Need::Advised,
            "set-schema-validation-enforce {} --enable",
        ),
        // With it a producer could open before its topic's followers have their subscriptions.
        policy(
            "isAllowAutoUpdateSchema",
            json!(false),
            Need::Must,
            "set-is-allow-auto-update-schema {} --disable",
        ),
        Policy {
            method: Method::PUT, // the one policy that is put, not posted
            ..policy(
                "schemaCompatibilityStrategy",
                json!("FULL_TRANSITIVE"),
                Need::Advised,
                "set-schema-compatibility-strategy {} -c FULL_TRANSITIVE",
            )
        },
        policy(
            "autoTopicCreation",
            no_topics,
            Need::Advised,
            "set-auto-topic-creation {} --disable",
        ),
        policy(
            "autoSubscriptionCreation",
            no_subscriptions,
            Need::Advised,
            "set-auto-subscription-creation {}", // off, without --enable
        ),
        policy(
            "retention",
            a_day,
            Need::Advised,
            "set-retention {} --time 24h --size 512M",
        ),
    ]
}

impl Policy {
    async fn set(self, work: &mut Work<'_>, namespace: &str) -> Result<()> {
        let path = format!("namespaces/{namespace}/{}", self.name);
        let look = work.look(&path).await?;
        let what = format!("policy {}: {}", self.name, brief(&self.value));
        let wanted = Wanted {
            what: what.clone(),
            need: self.need,
            step: Step::new(self.command, self.method, path, Some(self.value.clone())),
        };
        let found = match look {
            Look::Found(found) => found,
            Look::Absent => Value::Null,
            Look::Denied(why) => {
                work.ask(wanted, State::Unread, why);
                return Ok(());
            }
        };
        if !contains(&found, &self.value) {
            let done = format!("{what} (was {})", brief(&found));
            work.change(wanted, done).await?;
        }
        Ok(())
    }
}

/// A policy that drops messages which nobody has acknowledged.
struct Limit {
    name: &'static str,
    /// Of `pulsar-admin namespaces`.
    command: &'static str,
}

const LIMITS: [Limit; 2] = [
    Limit {
        name: "messageTTL",
        command: "remove-message-ttl",
    },
    Limit {
        name: "subscriptionExpirationTime",
        command: "remove-subscription-expiration-time",
    },
];

impl Limit {
    /// True unless it is known to stay.
    async fn remove(&self, work: &mut Work<'_>, namespace: &str) -> Result<bool> {
        let name = self.name;
        let path = format!("namespaces/{namespace}/{name}");
        let command = format!("namespaces {} {namespace}", self.command);
        let look = work.look(&path).await?;
        let wanted = Wanted {
            what: format!("no policy {name}, which drops unacknowledged messages"),
            need: Need::Must,
            step: Step::new(command, Method::DELETE, path, None),
        };
        match look {
            Look::Found(found) if found.as_i64().is_some_and(|limit| limit > 0) => {
                let done = format!(
                    "policy {name}: removed (was {found}), it drops unacknowledged messages"
                );
                return Ok(work.change(wanted, done).await? == Answer::Done);
            }
            Look::Denied(why) => work.ask(wanted, State::Unread, why),
            Look::Found(_) | Look::Absent => {}
        }
        Ok(true)
    }
}

const EVICTS: &str = "consumer_backlog_eviction";

/// Never changed by us: somebody wanted to bound the disk. True unless there is one.
async fn evictions(work: &mut Work<'_>, namespace: &str) -> Result<bool> {
    let step = |kind: &str| {
        Step::new(
            format!("namespaces remove-backlog-quota {namespace} --type {kind}"),
            Method::DELETE,
            format!("namespaces/{namespace}/backlogQuota?backlogQuotaType={kind}"),
            None,
        )
    };
    match work
        .look(&format!("namespaces/{namespace}/backlogQuotaMap"))
        .await?
    {
        Look::Absent => {}
        Look::Denied(why) => {
            let wanted = Wanted {
                what: format!(
                    "no backlog quota with {EVICTS}, which drops unacknowledged messages"
                ),
                need: Need::Must,
                step: step("destination_storage"),
            };
            work.ask(wanted, State::Unread, why);
        }
        Look::Found(quotas) => {
            for (kind, quota) in evicting(&quotas) {
                let wanted = Wanted {
                    what: format!(
                        "the namespace's backlog quota {kind} without {EVICTS}: remove it, or give it producer_request_hold"
                    ),
                    need: Need::Must,
                    step: step(kind),
                };
                work.ask(wanted, State::Missing, quota.to_string());
            }
            return Ok(evicting(&quotas).next().is_none());
        }
    }
    Ok(true)
}

fn evicting(quotas: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let quotas = quotas.as_object().into_iter().flatten();
    quotas.filter(|(_, quota)| quota["policy"] == EVICTS)
}

/// What is in force at a topic, from whichever level it comes: the topic's own, the namespace's or the broker's default.
/// Where this may not be asked, the namespace's has been.
async fn in_force(work: &mut Work<'_>, place: &Place, topic: Topic) -> Result<()> {
    let path = place.topic(topic);
    let name = place.topic_name(topic);
    if let Look::Found(found) = work
        .look(&format!("{path}/messageTTL?applied=true"))
        .await?
        && found.as_i64().is_some_and(|seconds| seconds > 0)
    {
        let command = format!("topicPolicies set-message-ttl {name} --ttl 0");
        let path = format!("{path}/messageTTL?messageTTL=0");
        let wanted = Wanted {
            what: format!(
                "no message TTL in force at {topic}, which drops unacknowledged messages"
            ),
            need: Need::Must,
            step: Step::new(command, Method::POST, path, None),
        };
        let done =
            format!("{topic}: no message TTL (was {found} s), it drops unacknowledged messages");
        work.change(wanted, done).await?;
    }
    let quotas = work
        .look(&format!("{path}/backlogQuotaMap?applied=true"))
        .await?;
    if let Look::Found(quotas) = quotas {
        for (kind, quota) in evicting(&quotas) {
            let limits = json!({
                "limitSize": quota["limitSize"], "limitTime": quota["limitTime"], "policy": "producer_request_hold",
            });
            let command = format!(
                "topicPolicies set-backlog-quota {name} --type {kind} --limit {} --policy producer_request_hold",
                quota["limitSize"]
            );
            let path = format!("{path}/backlogQuota?backlogQuotaType={kind}");
            let wanted = Wanted {
                what: format!("{topic}: its backlog quota {kind} without {EVICTS}"),
                need: Need::Must,
                step: Step::new(command, Method::POST, path, Some(limits)),
            };
            work.ask(wanted, State::Missing, quota.to_string());
        }
    }
    Ok(())
}

/// Does `found` say what `wanted` says? It may have more fields.
fn contains(found: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(fields) => fields
            .iter()
            .all(|(name, value)| found.get(name) == Some(value)),
        plain => found == plain,
    }
}

fn brief(value: &Value) -> String {
    value.to_string().chars().take(100).collect()
}
