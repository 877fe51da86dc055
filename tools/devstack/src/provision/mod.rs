//! Tenant, namespace, topics, subscriptions, policies and schemas, in this order: so a producer that could open
//! proves that the rest stands. Everything is read and compared first; what differs is named.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use schemas::Topic;
use serde_json::{Value, json};

mod admin;
mod command;
mod follower;
mod grants;
mod policies;
mod requests;
mod work;

use work::{Wanted, Work};

pub use admin::{Admin, Answer, Look};
pub use command::Provision;
pub use follower::Follower;
pub use work::{Mode, Need, Outcome, State, Step, Task};

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

/// Entries that subscriptions have not acknowledged yet, by their names.
pub type Backlogs = BTreeMap<String, u64>;

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

    /// A topic's name as `pulsar-admin` takes it.
    fn topic_name(&self, topic: Topic) -> String {
        format!("persistent://{}/{topic}", self.path())
    }

    /// Makes what is missing, and fails where something needed stays missing. Safe to repeat.
    pub async fn provision(&self) -> Result<Report> {
        let outcome = self.bring_up(Mode::Change, false).await?;
        let missing = outcome.tasks_that_are(Need::Must, State::Missing);
        ensure!(
            missing.is_empty(),
            "the broker lacks what is needed: {}",
            missing
                .iter()
                .map(|task| format!("{} ({})", task.what, task.why))
                .collect::<Vec<_>>()
                .join("; ")
        );
        Ok([outcome.done, outcome.notes].concat())
    }

    /// Compares everything with what it should be and changes what may be changed; with `grants` also what each service's
    /// role may do. What is left is reported.
    pub async fn bring_up(&self, mode: Mode, grants: bool) -> Result<Outcome> {
        let mut work = Work::new(&self.admin, mode);
        self.tenant(&mut work).await?;
        self.namespace(&mut work).await?;
        for topic in Topic::ALL {
            let there = self.make_topic(topic, &mut work).await;
            there.with_context(|| topic.name())?;
        }
        for topic in Topic::ALL {
            let there = self.subscriptions(topic, &mut work).await;
            there.with_context(|| topic.name())?;
        }
        policies::apply(&mut work, self).await?;
        for topic in Topic::ALL {
            let there = self.schema(topic, &mut work).await;
            there.with_context(|| topic.name())?;
        }
        if grants {
            self.grants(&mut work).await?;
        }
        work.finish()
    }

    async fn tenant(&self, work: &mut Work<'_>) -> Result<()> {
        let path = format!("tenants/{}", self.tenant);
        if work.look(&path).await? != Look::Absent {
            // Where the token may not look, the namespace tells whether there is a tenant.
            return Ok(());
        }
        let clusters = match work.look("clusters").await? {
            Look::Found(clusters) => clusters,
            Look::Absent | Look::Denied(_) => json!(["standalone"]),
        };
        let names: Vec<&str> = clusters
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let command = format!(
            "tenants create {} --allowed-clusters {}",
            self.tenant,
            names.join(",")
        );
        let body = json!({"adminRoles": [], "allowedClusters": clusters});
        let wanted = Wanted {
            what: format!("tenant {}", self.tenant),
            need: Need::Must,
            step: Step::new(command, Method::PUT, path, Some(body)),
        };
        work.change(wanted, format!("made tenant {}", self.tenant))
            .await?;
        Ok(())
    }

    async fn namespace(&self, work: &mut Work<'_>) -> Result<()> {
        let namespace = self.path();
        let path = format!("namespaces/{namespace}");
        match work.look(&path).await? {
            Look::Found(_) => return Ok(()),
            Look::Denied(why) => {
                work.note(format!(
                    "namespace {namespace} cannot be looked at ({why}); its topics tell whether it is there"
                ));
                return Ok(());
            }
            Look::Absent => {}
        }
        let body = json!({"bundles": {"numBundles": 1}});
        let command = format!("namespaces create {namespace} --bundles 1");
        let wanted = Wanted {
            what: format!("namespace {namespace}"),
            need: Need::Must,
            step: Step::new(command, Method::PUT, path, Some(body)),
        };
        work.change(wanted, format!("made namespace {namespace}"))
            .await?;
        Ok(())
    }

    async fn make_topic(&self, topic: Topic, work: &mut Work<'_>) -> Result<()> {
        let path = format!("{}/partitions", self.topic(topic));
        let what = format!("topic {topic} with {} partition(s)", self.partitions);
        let command = format!(
            "topics create-partitioned-topic {} --partitions {}",
            self.topic_name(topic),
            self.partitions
        );
        let body = json!(self.partitions);
        let wanted = Wanted {
            what: what.clone(),
            need: Need::Must,
            step: Step::new(command, Method::PUT, &path, Some(body)),
        };
        let found = match work.look(&path).await? {
            Look::Denied(why) => {
                work.ask(wanted, State::Unread, why);
                return Ok(());
            }
            // A topic that is not there has no partitions.
            Look::Found(found) if found["partitions"].as_u64() > Some(0) => found,
            Look::Found(_) | Look::Absent => {
                if work.change(wanted, format!("made {what}")).await? != Answer::Exists {
                    return Ok(());
                }
                self.admin.get(&path).await?
            }
        };
        let found = found["partitions"].as_u64().unwrap_or_default();
        if found != u64::from(self.partitions) {
            bail!(
                "the topic has {found} partition(s), PULSAR_TOPIC_PARTITIONS says {}: the number is fixed when a topic is \
                 made, since another would break the order of what is on it",
                self.partitions
            );
        }
        Ok(())
    }

    async fn subscriptions(&self, topic: Topic, work: &mut Work<'_>) -> Result<()> {
        for partition in 0..self.partitions {
            let path = format!("{}-partition-{partition}", self.topic(topic));
            let (found, unread) = match work.look(&format!("{path}/subscriptions")).await? {
                Look::Found(found) => (names(&found), None),
                Look::Absent => (Vec::new(), None),
                Look::Denied(why) => (Vec::new(), Some(why)),
            };
            let wanted = topic.followers();
            for follower in &wanted {
                if found.iter().any(|name| name == follower.name()) {
                    continue;
                }
                let (wanted, done) =
                    self.subscription_at_earliest(topic, partition, follower.name());
                match &unread {
                    Some(why) => work.ask(wanted, State::Unread, why.clone()),
                    None => drop(work.change(wanted, done).await?),
                }
            }
            let ours = |name: &str| wanted.iter().any(|follower| follower.name() == name);
            for other in found.iter().filter(|name| !ours(name)) {
                work.note(format!(
                    "note: {topic}, partition {partition}, has a subscription {other} that is not ours"
                ));
            }
        }
        Ok(())
    }

    /// What a subscription is called when it is reported, as an argument of pulsar-admin, and as a path.
    fn names_of(&self, topic: Topic, partition: u32, name: &str) -> (String, String, String) {
        (
            format!("subscription {name} of {topic}, partition {partition}"),
            format!("{}-partition-{partition} -s {name}", self.topic_name(topic)),
            format!(
                "{}-partition-{partition}/subscription/{name}",
                self.topic(topic)
            ),
        )
    }

    /// A subscription at Earliest, and what is reported when it is made.
    fn subscription_at_earliest(
        &self,
        topic: Topic,
        partition: u32,
        name: &str,
    ) -> (Wanted, String) {
        let (of, on, path) = self.names_of(topic, partition, name);
        let command = format!("topics create-subscription {on} -m earliest");
        let done = format!("made {of}");
        let wanted = Wanted {
            what: of,
            need: Need::Must,
            // An empty object means Earliest, an absent body Latest.
            step: Step::new(command, Method::PUT, path, Some(json!({}))),
        };
        (wanted, done)
    }

    async fn schema(&self, topic: Topic, work: &mut Work<'_>) -> Result<()> {
        let path = format!("schemas/{}/{topic}/schema", self.path());
        let command = format!(
            "schemas upload {} --filename {}",
            self.topic_name(topic),
            Step::FILE
        );
        let body = json!({"type": "AVRO", "schema": topic.avsc(), "properties": {}});
        let mut step = Step::new(command, Method::POST, &path, Some(body));
        step.file = Some(format!("{topic}.schema.json"));
        let wanted = Wanted {
            what: format!("this build's schema of {topic}"),
            need: Need::Must,
            step,
        };
        let registered = match work.look(&path).await? {
            Look::Found(schema) => Some(schema),
            Look::Absent => None,
            Look::Denied(why) => {
                work.ask(wanted, State::Unread, why);
                return Ok(());
            }
        };
        let ours: Value = serde_json::from_str(topic.avsc()).context("the schema's text")?;
        let is_ours = |schema: &Value| {
            let text = schema["data"].as_str().unwrap_or_default();
            serde_json::from_str::<Value>(text).is_ok_and(|theirs| theirs == ours)
        };
        // A newer build may have registered its own since.
        let is_there = match &registered {
            None => false,
            Some(latest) if is_ours(latest) => true,
            Some(_) => self.schemas(topic, work).await?.iter().any(is_ours),
        };
        if is_there {
            return Ok(());
        }
        let done = if registered.is_some() {
            format!("registered a new version of the schema of {topic}")
        } else {
            format!("registered the schema of {topic}")
        };
        if work.change(wanted, done).await? == Answer::Exists {
            bail!(
                "the broker refuses this build's schema as incompatible with the registered one.\n  On a local stack \
                 whose data may go: ./stop.sh --wipe, then start again"
            );
        }
        Ok(())
    }

    /// Every registered version of the topic's schema, the newest first, as far as they may be seen; none from before a deletion.
    async fn schemas(&self, topic: Topic, work: &mut Work<'_>) -> Result<Vec<Value>> {
        let path = format!("schemas/{}/{topic}/schemas", self.path());
        let Look::Found(found) = work.look(&path).await? else {
            return Ok(Vec::new());
        };
        let versions = found["getSchemaResponses"].as_array().into_iter().flatten();
        // A deletion is a version without a type.
        let registered = versions
            .rev()
            .take_while(|version| version["type"] == "AVRO");
        Ok(registered.cloned().collect())
    }

    /// Entries that services which follow the topic have not acknowledged yet, by exact count.
    pub async fn backlog(&self, topic: Topic) -> Result<u64> {
        let (ours, _) = ours_and_others(topic, self.backlogs(topic).await?);
        Ok(ours.into_values().sum())
    }

    /// The same of each subscription, of others' too.
    pub async fn backlogs(&self, topic: Topic) -> Result<Backlogs> {
        let path = format!(
            "{}/partitioned-stats?getPreciseBacklog=true",
            self.topic(topic)
        );
        let stats = self.admin.get(&path).await?;
        let subscriptions = stats["subscriptions"].as_object().into_iter().flatten();
        let backlog = |(name, stats): (&String, &Value)| {
            let backlog = stats["msgBacklog"].as_u64()?;
            Some((name.clone(), backlog))
        };
        Ok(subscriptions.filter_map(backlog).collect())
    }

    /// The name of the consumer that a subscription feeds.
    pub async fn active_consumer(
        &self,
        topic: Topic,
        partition: u32,
        subscription: &str,
    ) -> Result<Option<String>> {
        let stats = self.subscription(topic, partition, subscription).await?;
        let active = stats["activeConsumerName"].as_str();
        Ok(active.filter(|name| !name.is_empty()).map(str::to_owned))
    }

    /// The names of a subscription's consumers.
    pub async fn consumers(
        &self,
        topic: Topic,
        partition: u32,
        subscription: &str,
    ) -> Result<Vec<String>> {
        self.of_consumers("consumerName", topic, partition, subscription)
            .await
    }

    /// The client's end of each connection that a subscription has a consumer on.
    pub async fn connections(
        &self,
        topic: Topic,
        partition: u32,
        subscription: &str,
    ) -> Result<Vec<String>> {
        self.of_consumers("address", topic, partition, subscription)
            .await
    }

    /// Messages that were sent to those who consume a subscription now.
    pub async fn sent(&self, topic: Topic, partition: u32, subscription: &str) -> Result<u64> {
        let stats = self.subscription(topic, partition, subscription).await?;
        let consumers = stats["consumers"].as_array().into_iter().flatten();
        let sent = consumers.filter_map(|consumer| consumer["msgOutCounter"].as_u64());
        Ok(sent.sum())
    }

    async fn of_consumers(
        &self,
        field: &str,
        topic: Topic,
        partition: u32,
        subscription: &str,
    ) -> Result<Vec<String>> {
        let stats = self.subscription(topic, partition, subscription).await?;
        let consumers = stats["consumers"].as_array().into_iter().flatten();
        let texts = consumers.filter_map(|consumer| consumer[field].as_str());
        Ok(texts.map(str::to_owned).collect())
    }

    /// What the broker says of a subscription to one partition.
    async fn subscription(&self, topic: Topic, partition: u32, name: &str) -> Result<Value> {
        let path = format!("{}-partition-{partition}/stats", self.topic(topic));
        let mut stats = self.admin.get(&path).await?;
        Ok(stats["subscriptions"][name].take())
    }

    /// Marks all that lies in a subscription as acknowledged, handled or not.
    pub async fn skip_all(&self, topic: Topic, partition: u32, subscription: &str) -> Result<()> {
        let (_, _, path) = self.names_of(topic, partition, subscription);
        let path = format!("{path}/skip_all");
        self.admin.post(&path, &json!({})).await.map(drop)
    }
}

/// Those of services that follow the topic, and those of somebody else's systems.
pub(crate) fn ours_and_others(topic: Topic, backlogs: Backlogs) -> (Backlogs, Backlogs) {
    let followers = topic.followers();
    let is_ours = |name: &str| followers.iter().any(|follower| follower.name() == name);
    backlogs.into_iter().partition(|(name, _)| is_ours(name))
}

fn names(found: &Value) -> Vec<String> {
    let names = found.as_array().into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}
