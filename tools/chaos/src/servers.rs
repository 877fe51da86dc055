//! The one Postgres server and the broker of a run: killed and started again on their data.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use devstack::infra;
use devstack::layout::Layout;
use devstack::local::start_database;
use devstack::progress::Progress;
use devstack::settings::Settings;
use devstack::stack::{Postgres, Pulsar};

/// Both servers; each is touched by one fault at a time.
#[derive(Clone, Debug)]
pub struct Servers {
    postgres: Arc<Mutex<Postgres>>,
    pulsar: Option<Arc<Mutex<Pulsar>>>,
}

impl Servers {
    /// Starts them in the run's folder, with databases, topics and schemas.
    pub async fn start(layout: &Layout, settings: &mut Settings, built: &Path) -> Result<Self> {
        // Ours to wait for: a dead one that nobody has waited for keeps its successor from starting.
        let postgres = start_database(layout, settings, built).await?;
        infra::postgres(layout, settings, &Progress).await?;
        let pulsar = if settings.uses_broker()? {
            let ports = settings.own_broker_ports()?.context("ports of our own")?;
            let setup = infra::broker_setup(layout, settings)?.rewinding_late();
            let broker = Pulsar::start_with(&layout.state.join("pulsar"), ports, setup).await?;
            let place = infra::place(settings)?;
            place.provision().await?;
            if settings.broker_grants()? {
                place.grant().await?;
            }
            Some(Arc::new(Mutex::new(broker)))
        } else {
            None
        };
        Ok(Self {
            postgres: Arc::new(Mutex::new(postgres)),
            pulsar,
        })
    }

    /// Whether there is a broker.
    pub fn has_broker(&self) -> bool {
        self.pulsar.is_some()
    }

    /// `kill -9` of the whole database server, and its return.
    pub async fn crash_postgres(&self) -> Result<()> {
        let mut postgres = self.postgres.lock().await;
        postgres.kill();
        postgres.restart().await
    }

    /// `kill -9` of the broker, and its return. In a thread of its own: tidying up before a start takes a second.
    pub async fn crash_broker(&self) -> Result<()> {
        let Some(pulsar) = self.pulsar.clone() else {
            return Ok(());
        };
        let (mut pulsar, handle) = (pulsar.lock_owned().await, Handle::current());
        let restarting = move || {
            pulsar.kill();
            handle.block_on(pulsar.restart())
        };
        tokio::task::spawn_blocking(restarting).await?
    }

    /// SIGSTOP to the broker's process, and SIGCONT.
    pub async fn freeze_broker(&self, lasting: std::time::Duration) {
        if let Some(pulsar) = &self.pulsar {
            let pulsar = pulsar.lock().await;
            pulsar.freeze();
            tokio::time::sleep(lasting).await;
            pulsar.thaw();
        }
    }
}
