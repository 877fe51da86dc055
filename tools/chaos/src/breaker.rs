//! Breaks things as the fault plan says, and mends them when their time is over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::future::join_all;
use schemas::Service;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::external_producers::ExternalProducers;
use super::fault::{Fault, FaultPlan, Storm, What};
use super::link::{Owner, ReplicaId, Target};
use super::point::{Deed, Trap};
use super::stack::ChaosStack;
use super::strewn::{self, Due};
use devstack::stack::Signal;

/// A point that is not met so soon is not waited for any longer: the deed is done anywhere.
const POINT_WITHIN: Duration = Duration::from_secs(4);
/// A frozen process is thawed after that.
const FROZEN_AT_POINT: Duration = Duration::from_secs(2);

/// Whoever is asked to stop ends within this time: requests that it has are answered for 20 s at most.
const STOPS_WITHIN: Duration = Duration::from_mins(1);

/// Less than the second for which the run's broker waits before it rewinds.
const HANDED_OVER_EACH: Duration = Duration::from_millis(700);

/// What was broken.
#[derive(Clone, Debug, Default)]
pub struct Fired {
    /// How often, by kind and target.
    pub counts: BTreeMap<(String, String), u64>,
    /// SIGKILLs that met a living process.
    pub kills: u64,
    /// Traps that sprang at their point.
    pub at_points: u64,
    /// Deeds done anywhere, since their point was not met in time.
    pub not_met: u64,
    /// Faults whose target was down already.
    pub missed: u64,
    /// How long servers took to be back.
    pub servers: Vec<(&'static str, Duration)>,
    /// How much garbage each service has to refuse.
    pub refusals: BTreeMap<Service, u64>,
    /// What could not be broken as planned.
    pub problems: Vec<String>,
}

/// Breaks a stack.
#[derive(Debug)]
pub struct Breaker<'a> {
    stack: &'a ChaosStack,
    control: String,
    http: reqwest::Client,
    external: Option<ExternalProducers>,
    fired: Arc<Mutex<Fired>>,
}

impl<'a> Breaker<'a> {
    /// Of this stack.
    pub fn new(stack: &'a ChaosStack) -> Result<Self> {
        let external = if stack.servers.has_broker() {
            Some(ExternalProducers::new(
                stack.settings(),
                stack.broker_port()?,
            )?)
        } else {
            None
        };
        let provider = stack.settings().need("PAYOUT_PROVIDER_URL")?;
        Ok(Self {
            stack,
            control: format!("{provider}/control"),
            http: reqwest::Client::builder().no_proxy().build()?,
            external,
            fired: Arc::default(),
        })
    }

    /// What was broken so far.
    pub fn fired(&self) -> Fired {
        let fired = self.fired.lock().unwrap_or_else(PoisonError::into_inner);
        fired.clone()
    }

    fn note(&self, change: impl FnOnce(&mut Fired)) {
        change(&mut self.fired.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Every fault at its time; ends when all are mended.
    pub async fn run(&self, plan: &FaultPlan, begun: Instant) {
        let all = plan.0.iter().map(|fault| self.fire(*fault, begun));
        join_all(all).await;
        self.calm().await;
    }

    /// Everything whole: nothing armed, frozen or stalled.
    async fn calm(&self) {
        for link in &self.stack.links {
            link.clear();
        }
        for replica in &self.stack.replicas {
            self.stack.traps.signal(replica.launch.id, Signal::CONT);
        }
        let clear = json!({"fault": null, "lookups_fail": false});
        if let Err(problem) = self.control_provider(&clear).await {
            self.note(|fired| fired.problems.push(format!("{problem:#}")));
        }
    }

    async fn fire(&self, fault: Fault, begun: Instant) {
        sleep_until(begun + Duration::from_millis(fault.at_ms)).await;
        let (_, what, target) = fault.what.names();
        match self.break_it(fault.what).await {
            Ok(true) => self.note(|fired| *fired.counts.entry((what, target)).or_default() += 1),
            Ok(false) => self.note(|fired| fired.missed += 1),
            Err(problem) => {
                let line = format!("{}: {problem:#}", fault.what);
                self.note(|fired| fired.problems.push(line));
            }
        }
    }

    /// False when there was nothing to break.
    async fn break_it(&self, what: What) -> Result<bool> {
        Ok(match what {
            What::Kill(id) => self.kill(id),
            What::Restart(id) => self.restart(id).await,
            What::Freeze(id, ms) => self.freeze(id, Duration::from_millis(ms)).await,
            What::Trap(trap) => self.spring(trap).await,
            What::CrashPostgres => {
                let begun = Instant::now();
                self.stack.servers.crash_postgres().await?;
                self.back("postgres", begun)
            }
            What::CrashBroker => {
                let begun = Instant::now();
                self.stack.servers.crash_broker().await?;
                self.back("pulsar", begun)
            }
            What::FreezeBroker(ms) => {
                let lasting = Duration::from_millis(ms);
                self.stack.servers.freeze_broker(lasting).await;
                true
            }
            What::Net(owner, target, storm, ms) => {
                self.storm(owner, target, storm, Duration::from_millis(ms))
                    .await
            }
            What::HandOver(service, times) => self.hand_over(service, times).await,
            What::Rewind(service, by) => self.rewind(service, by).await?,
            What::Provider(fault, times) => {
                let body = json!({"fault": fault, "fault_times": times, "hang_ms": 2_500});
                self.control_provider(&body).await?;
                true
            }
            What::ProviderBlind(ms) => {
                self.control_provider(&json!({"lookups_fail": true}))
                    .await?;
                sleep(Duration::from_millis(ms)).await;
                self.control_provider(&json!({"lookups_fail": false}))
                    .await?;
                true
            }
            What::Duplicate(topic, count) => {
                let Some(external) = &self.external else {
                    return Ok(false);
                };
                // What else is broken just now may keep it from being sent.
                let sent = strewn::duplicates(self.stack, external, topic, count).await;
                sent.unwrap_or(false)
            }
            What::Garbage(topic, sort) => {
                let Some(external) = &self.external else {
                    return Ok(false);
                };
                let sent = strewn::garbage(self.stack, external, topic, sort).await;
                let due = sent.ok().flatten();
                if due == Some(Due::Refusal) {
                    self.note(|fired| *fired.refusals.entry(topic.owner()).or_default() += 1);
                }
                due.is_some()
            }
        })
    }

    fn kill(&self, id: ReplicaId) -> bool {
        let alive = self.stack.traps.signal(id, Signal::KILL);
        self.note(|fired| fired.kills += u64::from(alive));
        alive
    }

    /// Whoever is asked to stop ends, whatever else is broken.
    async fn restart(&self, id: ReplicaId) -> bool {
        let process = self.stack.traps.process(id);
        let signalled = self.stack.traps.signal(id, Signal::TERM);
        let Some(process) = process.filter(|_| signalled) else {
            return signalled;
        };
        let ended = timeout(STOPS_WITHIN, async {
            while process.is_alive() {
                sleep(Duration::from_millis(10)).await;
            }
        });
        if ended.await.is_err() {
            let line = format!("{id} did not stop within {STOPS_WITHIN:?}");
            self.note(|fired| fired.problems.push(line));
        }
        true
    }

    fn back(&self, server: &'static str, begun: Instant) -> bool {
        let took = begun.elapsed();
        self.note(|fired| {
            fired.kills += 1;
            fired.servers.push((server, took));
        });
        true
    }

    /// Everything that it is connected to.
    fn cut(&self, id: ReplicaId) -> bool {
        let links = self.stack.links.iter();
        let links: Vec<_> = links.filter(|it| it.owner == Owner::Replica(id)).collect();
        for link in &links {
            link.cut();
        }
        !links.is_empty()
    }

    async fn freeze(&self, id: ReplicaId, lasting: Duration) -> bool {
        let alive = self.stack.traps.signal(id, Signal::STOP);
        if alive {
            sleep(lasting).await;
            self.stack.traps.signal(id, Signal::CONT);
        }
        alive
    }

    async fn spring(&self, trap: Trap) -> bool {
        let traps = &self.stack.traps;
        traps.arm(trap);
        let met = timeout(POINT_WITHIN, async {
            while traps.is_armed(trap) {
                sleep(Duration::from_millis(10)).await;
            }
        });
        let sprang = met.await.is_ok() || !traps.disarm(trap);
        if !sprang {
            self.note(|fired| fired.not_met += 1);
            return match trap.deed {
                Deed::Kill => self.kill(trap.victim),
                Deed::Freeze => self.freeze(trap.victim, FROZEN_AT_POINT).await,
                Deed::Cut => self.cut(trap.victim),
            };
        }
        self.note(|fired| {
            fired.at_points += 1;
            fired.kills += u64::from(trap.deed == Deed::Kill);
        });
        if trap.deed == Deed::Freeze {
            sleep(FROZEN_AT_POINT).await;
            traps.signal(trap.victim, Signal::CONT);
        }
        true
    }

    async fn storm(&self, owner: Owner, target: Target, storm: Storm, lasting: Duration) -> bool {
        let mut links = self.stack.links.iter();
        let Some(link) = links.find(|link| link.owner == owner && link.target == target) else {
            return false;
        };
        match storm {
            Storm::Cut => link.cut(),
            Storm::Delay => link.delay(lasting / 8),
            Storm::Stall => link.stall(),
            Storm::Trickle => link.trickle(64),
        }
        if storm != Storm::Cut {
            sleep(lasting).await;
            link.clear();
        }
        true
    }

    /// Whoever is fed loses the broker, and the next one while the broker still waits to rewind for it.
    async fn hand_over(&self, service: Service, times: u64) -> bool {
        let fed = |owner: Owner| matches!(owner, Owner::Replica(id) if id.service == service);
        let links = self.stack.links.iter();
        let links: Vec<_> = links
            .filter(|link| link.target == Target::Broker && fed(link.owner))
            .collect();
        for _ in 0..times {
            for link in &links {
                link.cut();
                sleep(HANDED_OVER_EACH).await;
            }
        }
        !links.is_empty()
    }

    /// The relay reads its cursor when it begins to lead, so who leads has to go.
    async fn rewind(&self, service: Service, by: u64) -> Result<bool> {
        const BACK: &str = "UPDATE pipeline.relay_cursor SET position = greatest(0, position - $1)";
        let url = self.stack.database_url(service)?;
        let going_back = async {
            let mut connection = PgConnection::connect(&url).await?;
            let by = i64::try_from(by).unwrap_or_default();
            sqlx::query(BACK).bind(by).execute(&mut connection).await?;
            connection.close().await
        };
        match timeout(Duration::from_secs(5), going_back).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Ok(false), // the database is down just now
        }
        for replica in &self.stack.replicas {
            if replica.launch.id.service == service {
                self.kill(replica.launch.id);
            }
        }
        Ok(true)
    }

    async fn control_provider(&self, behaviour: &serde_json::Value) -> Result<()> {
        let answer = self.http.post(&self.control).json(behaviour).send().await;
        let answer = answer.context("the provider's control")?;
        if !answer.status().is_success() {
            bail!("{behaviour}: {}", answer.text().await.unwrap_or_default());
        }
        Ok(())
    }
}
