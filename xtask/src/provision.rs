//! Tenant, namespace, topics, subscriptions, policies and schemas, in this order: so a producer that could open
//! proves that the rest stands. Everything is read and compared first; what differs is named.

use anyhow::{Context, Result, bail};
use schemas::Topic;
use serde_json::{Value, json};

mod admin;
mod grants;
mod policies;

pub use admin::{Admin, Answer};

/// Where the topics are: `<tenant>/<namespace>`, reached by the broker's admin interface.
#[derive(Clone, Debug)]
pub struct Place {
    /// The broker's admin interface.
    pub admin: Admin,
    /// The tenant.
    pub tenant: String,
    /// The namespace's name, without the tenant.
    pub namespace: String,
    /// Partitions of every topic.
    pub partitions: u32,
}

/// What provisioning did, line by line.
pub type Report = Vec<String>;

impl Place {
    /// `<tenant>/<namespace>`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.tenant, self.namespace)
    }

    /// A topic's path under `persistent/`.
    fn topic(&self, topic: Topic) -> String {
        format!("persistent/{}/{topic}", self.path())
    }

    /// Makes what is missing. Safe to repeat.
    pub async fn provision(&self) -> Result<Report> {
        let mut report = Report::new();
        self.tenant_and_namespace(&mut report).await?;
        for topic in Topic::ALL {
            self.make_topic(topic, &mut report)
                .await
                .with_context(|| topic.name())?;
        }
        for topic in Topic::ALL {
            self.subscriptions(topic, &mut report)
                .await
                .with_context(|| topic.name())?;
        }
        policies::apply(&self.admin, &self.path(), &mut report).await?;
        for topic in Topic::ALL {
            self.schema(topic, &mut report)
                .await
                .with_context(|| topic.name())?;
        }
        Ok(report)
    }

    async fn tenant_and_namespace(&self, report: &mut Report) -> Result<()> {
        let clusters = self.admin.get("clusters").await?;
        let tenant = json!({"adminRoles": [], "allowedClusters": clusters});
        self.made(
            &format!("tenants/{}", self.tenant),
            &tenant,
            "tenant",
            &self.tenant,
            report,
        )
        .await?;
        let namespace = json!({"bundles": {"numBundles": 1}});
        let path = self.path();
        self.made(
            &format!("namespaces/{path}"),
            &namespace,
            "namespace",
            &path,
            report,
        )
        .await
    }

    async fn made(
        &self,
        url: &str,
        body: &Value,
        kind: &str,
        name: &str,
        report: &mut Report,
    ) -> Result<()> {
        if self.admin.put(url, body).await? == Answer::Done {
            report.push(format!("made {kind} {name}"));
        }
        Ok(())
    }

    async fn make_topic(&self, topic: Topic, report: &mut Report) -> Result<()> {
        let url = format!("{}/partitions", self.topic(topic));
        if self.admin.put(&url, &json!(self.partitions)).await? == Answer::Done {
            report.push(format!(
                "made topic {topic} with {} partition(s)",
                self.partitions
            ));
            return Ok(());
        }
        let found = self.admin.get(&url).await?["partitions"]
            .as_u64()
            .unwrap_or_default();
        if found != u64::from(self.partitions) {
            bail!(
                "the topic has {found} partition(s), PULSAR_TOPIC_PARTITIONS says {}: the number is fixed when a topic is \
                 made, since another would break the order of what is on it",
                self.partitions
            );
        }
        Ok(())
    }

    async fn subscriptions(&self, topic: Topic, report: &mut Report) -> Result<()> {
        for partition in 0..self.partitions {
            let name = format!("{}-partition-{partition}", self.topic(topic));
            let found = self.admin.get(&format!("{name}/subscriptions")).await?;
            let found: Vec<&str> = found
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let wanted = topic.followers();
            for follower in wanted
                .iter()
                .filter(|follower| !found.contains(&follower.name()))
            {
                // An empty object means Earliest, an absent body Latest.
                self.admin
                    .put(&format!("{name}/subscription/{follower}"), &json!({}))
                    .await?;
                report.push(format!(
                    "made subscription {follower} of {topic}, partition {partition}"
                ));
            }
            for foreign in found
                .iter()
                .filter(|name| !wanted.iter().any(|follower| follower.name() == **name))
            {
                report.push(format!("note: {topic}, partition {partition}, has a subscription {foreign} that is not ours"));
            }
        }
        Ok(())
    }

    async fn schema(&self, topic: Topic, report: &mut Report) -> Result<()> {
        let url = format!("schemas/{}/{topic}/schema", self.path());
        let ours: Value = serde_json::from_str(topic.avsc()).context("the schema's text")?;
        let registered = self.admin.find(&url).await?;
        let text = registered
            .as_ref()
            .and_then(|schema| schema["data"].as_str());
        if text.is_some_and(|text| {
            serde_json::from_str::<Value>(text).is_ok_and(|theirs| theirs == ours)
        }) {
            return Ok(());
        }
        let body = json!({"type": "AVRO", "schema": topic.avsc(), "properties": {}});
        if self.admin.post(&url, &body).await? == Answer::Exists {
            bail!(
                "the broker refuses this build's schema as incompatible with the registered one.\n  On a local stack \
                 whose data may go: ./stop.sh --wipe, then start again"
            );
        }
        let what = if registered.is_some() {
            "registered a new version of the schema"
        } else {
            "registered the schema"
        };
        report.push(format!("{what} of {topic}"));
        Ok(())
    }

    /// Messages that subscriptions of the topic have not acknowledged yet.
    pub async fn backlog(&self, topic: Topic) -> Result<u64> {
        let stats = self
            .admin
            .get(&format!("{}/partitioned-stats", self.topic(topic)))
            .await?;
        let subscriptions = stats["subscriptions"].as_object().into_iter().flatten();
        Ok(subscriptions
            .filter_map(|(_, stats)| stats["msgBacklog"].as_u64())
            .sum())
    }
}
