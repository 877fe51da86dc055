//! What breaks while the traffic lasts, and how it is mended.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Client;
use schemas::{Service, Topic};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};

use super::scene::Scene;
use devstack::infra;
use devstack::local::LocalStack;
use devstack::progress::Progress;
use devstack::services::{Program, Replica};
use devstack::stack::Process;

/// Between two blows.
const PAUSE: Duration = Duration::from_millis(900);

/// So many processes are killed, on however slow a machine.
const KILLS: usize = 4;

/// A stack that is being broken.
pub(super) struct Storm<'a> {
    scene: Scene,
    stack: &'a mut LocalStack,
    replicas: Vec<(Service, Replica)>,
}

impl<'a> Storm<'a> {
    /// Starts the second processes that the scene has.
    pub(super) async fn new(scene: &Scene, stack: &'a mut LocalStack) -> Result<Self> {
        let mut replicas = Vec::new();
        for service in &scene.replicas {
            replicas.push((*service, stack.start_replica(*service).await?));
        }
        Ok(Self {
            scene: scene.clone(),
            stack,
            replicas,
        })
    }

    pub(super) fn stack(&self) -> &LocalStack {
        self.stack
    }

    /// Second processes and where they listen.
    pub(super) fn replicas(&self) -> Vec<(Service, String)> {
        let replicas = self.replicas.iter();
        replicas
            .map(|(service, replica)| (*service, replica.url.clone()))
            .collect()
    }

    /// Breaks what the scene says, and mends it, until the time is over.
    pub(super) async fn rage(&mut self, lasting: Duration) -> Result<()> {
        let end = Instant::now() + lasting;
        if let Some(fault) = self.scene.provider {
            self.provider(json!({ "fault": fault })).await?;
        }
        sleep(PAUSE * 2).await;
        if self.scene.late_subscription {
            self.late_subscription().await?;
        }
        let mut round = 0;
        let at_least = if self.scene.kills.is_empty() {
            0
        } else {
            KILLS
        };
        while Instant::now() < end || round < at_least {
            sleep(PAUSE).await;
            if self.scene.rewinds {
                self.rewind().await?;
            }
            if !self.scene.kills.is_empty() {
                let victim = self.scene.kills[round % self.scene.kills.len()];
                self.stack.kill(Program::Service(victim))?;
                self.stack.revive().await?;
            }
            if self.scene.broker && round == 1 {
                self.crash_broker().await?;
            }
            round += 1;
        }
        Ok(())
    }

    /// Mends what is still broken.
    pub(super) async fn calm(&mut self) -> Result<()> {
        if self.scene.provider.is_some() {
            self.provider(json!({ "fault": null })).await?;
        }
        self.stack.revive().await
    }

    async fn provider(&self, behaviour: serde_json::Value) -> Result<()> {
        let url = self.stack.settings().need("PAYOUT_PROVIDER_URL")?;
        let client = Client::builder().no_proxy().build()?;
        let changed = client.post(format!("{url}/control")).json(&behaviour);
        changed.send().await?.error_for_status()?;
        Ok(())
    }

    async fn rewind(&self) -> Result<()> {
        for service in [Service::Tracking, Service::Commission] {
            let mut database = PgConnection::connect(&self.stack.database_url(service)?).await?;
            sqlx::query("UPDATE pipeline.relay_cursor SET position = 0")
                .execute(&mut database)
                .await?;
            database.close().await?;
        }
        Ok(())
    }

    async fn crash_broker(&self) -> Result<()> {
        let layout = self.stack.layout();
        Process::attach(&layout.pulsar_pid())
            .context("the broker runs")?
            .kill();
        sleep(PAUSE).await;
        infra::broker(layout, self.stack.settings(), &Progress).await
    }

    /// Takes commission's subscription away while it is away itself, and makes it anew as provisioning must not: at the
    /// topic's end, when tracking has spoken.
    async fn late_subscription(&self) -> Result<()> {
        let follower = Service::Commission;
        self.stack.kill(Program::Service(follower))?;
        let place = infra::place(self.stack.settings())?;
        let topic = Topic::TrackingEvents;
        let url = format!(
            "persistent/{}/{topic}-partition-0/subscription/{follower}",
            place.path()
        );
        place.admin.delete(&format!("{url}?force=true")).await?;
        sleep(PAUSE * 2).await;
        let latest = json!({"ledgerId": i64::MAX, "entryId": i64::MAX, "partitionIndex": -1});
        place.admin.put(&url, &latest).await?;
        self.stack.revive().await
    }
}
