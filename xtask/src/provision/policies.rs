//! The namespace's policies: ours are set, and those that would drop unacknowledged messages are taken away.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{Admin, Report};

/// Sets or removes what differs, naming it.
pub(super) async fn apply(admin: &Admin, namespace: &str, report: &mut Report) -> Result<()> {
    let base = format!("namespaces/{namespace}");
    for (name, wanted) in wanted() {
        let found = admin
            .find(&format!("{base}/{name}"))
            .await?
            .unwrap_or_default();
        if !contains(&found, &wanted) {
            let url = format!("{base}/{name}");
            if name == "schemaCompatibilityStrategy" {
                admin.put(&url, &wanted).await?; // the one policy that is put, not posted
            } else {
                admin.post(&url, &wanted).await?;
            }
            report.push(format!(
                "policy {name}: {} (was {})",
                brief(&wanted),
                brief(&found)
            ));
        }
    }
    for name in ["messageTTL", "subscriptionExpirationTime"] {
        let found = admin
            .find(&format!("{base}/{name}"))
            .await?
            .unwrap_or_default();
        if found.as_i64().is_some_and(|limit| limit > 0) {
            admin.delete(&format!("{base}/{name}")).await?;
            report.push(format!(
                "policy {name}: removed (was {found}), it drops unacknowledged messages"
            ));
        }
    }
    let quotas = admin
        .find(&format!("{base}/backlogQuotaMap"))
        .await?
        .unwrap_or_default();
    for (kind, quota) in quotas.as_object().into_iter().flatten() {
        if quota["policy"] == "consumer_backlog_eviction" {
            bail!(
                "the namespace's backlog quota {kind} evicts unacknowledged messages: remove it, or give it producer_request_hold"
            );
        }
    }
    Ok(())
}

fn wanted() -> [(&'static str, Value); 6] {
    [
        ("schemaValidationEnforced", json!(true)),
        ("isAllowAutoUpdateSchema", json!(false)),
        ("schemaCompatibilityStrategy", json!("FULL_TRANSITIVE")),
        (
            "autoTopicCreation",
            json!({"allowAutoTopicCreation": false}),
        ),
        (
            "autoSubscriptionCreation",
            json!({"allowAutoSubscriptionCreation": false}),
        ),
        (
            "retention",
            json!({"retentionTimeInMinutes": 1440, "retentionSizeInMB": 512}),
        ),
    ]
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
