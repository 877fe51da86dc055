//! Journeys on their way.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::future::join_all;
use schemas::Service;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::{Builder, Uuid};

use super::act::Act;
use super::client::{Client, Door, Ended, Outcome};
use super::external_producers::{ExternalProducers, source};
use super::journal::Journal;
use super::plan::{Expect, Journey, Plan, Step, Way};
use super::stack::ChaosStack;
use devstack::producers;
use devstack::settings::Mode;
use invariants::Acknowledged;

/// Journeys under way at once at most.
const AT_ONCE: usize = 32;
/// For an outcome or a balance, through everything that the run does.
const PATIENCE: Duration = Duration::from_mins(3);

/// What journeys need.
#[derive(Clone, Debug)]
pub struct Workload {
    client: Client,
    external: Option<ExternalProducers>,
    pools: Vec<(Service, PgPool)>,
    mode: Mode,
    /// What they noted.
    pub journal: Journal,
}

impl Workload {
    /// On this stack.
    pub fn new(stack: &ChaosStack, mode: Mode) -> Result<Self> {
        let journal = Journal::default();
        let external = if mode == Mode::Http {
            None
        } else {
            Some(ExternalProducers::new(
                stack.settings(),
                stack.broker_port()?,
            )?)
        };
        let pool = |service| {
            let url = stack.database_url(service)?;
            let pool = PgPoolOptions::new().max_connections(3).connect_lazy(&url)?;
            anyhow::Ok((service, pool))
        };
        let pools: Result<Vec<_>> = Service::with_topics().map(pool).collect();
        Ok(Self {
            client: Client::new(stack, journal.clone())?,
            external,
            pools: pools?,
            mode,
            journal,
        })
    }

    /// The campaigns that journeys share. Nothing is broken yet, so nothing may go wrong.
    pub async fn open(&self, plan: &Plan) -> Result<()> {
        for journey in &plan.opening {
            self.travel(journey)
                .await
                .with_context(|| format!("journey {}", journey.name))?;
        }
        Ok(())
    }

    /// All journeys, each at its time. What goes wrong is noted.
    pub async fn run(&self, plan: &Plan, begun: Instant) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let under_way = plan.journeys.iter().map(|journey| {
            let (this, places, journey) = (self.clone(), Arc::clone(&places), journey.clone());
            async move {
                sleep_until(begun + Duration::from_millis(journey.at_ms)).await;
                let _place = places.acquire().await;
                match this.travel(&journey).await {
                    Ok(()) => this.journal.note(|notes| notes.finished += 1),
                    Err(problem) => {
                        let surprise = format!("journey {}: {problem:#}", journey.name);
                        this.journal.surprise(surprise);
                    }
                }
            }
        });
        join_all(under_way).await;
    }

    async fn travel(&self, journey: &Journey) -> Result<()> {
        let mut noted = None;
        for (number, step) in journey.steps.iter().enumerate() {
            match step {
                Step::Submit { act, way, expect } => {
                    let key = format!("chaos-{}-{number}", journey.name);
                    let Ended { id, outcome } = self.ask(act, *way, &key, noted.as_deref()).await?;
                    if !is_expected(&outcome, *expect, self.way_here(*way, act)) {
                        bail!("step {number}, {act:?} by {way:?}: {outcome:?}, not {expect:?}");
                    }
                    let made = act.makes(id).filter(|_| outcome == Outcome::Completed);
                    noted = made.or(noted);
                }
                Step::Click { code, stored } => {
                    noted = Some(self.client.click(code, *stored).await?);
                }
                Step::Onboards {
                    campaign,
                    partner,
                    status,
                    reason,
                } => {
                    let shown = async || self.client.workflow(campaign, partner).await;
                    let due = (
                        status.name().to_owned(),
                        reason.map(|it| it.name().to_owned()),
                    );
                    let workflow = until(shown, |shown| shown.is_so_far(&due))
                        .await
                        .with_context(|| {
                            format!("step {number}: {partner} at {campaign}, not {due:?}")
                        })?;
                    noted = Some(workflow.id);
                }
                Step::Payable { partner, least } => {
                    let least_minor = i64::try_from(least.minor)?;
                    let shown = async || self.client.payable(partner, least.currency).await;
                    until(shown, |payable| *payable >= least_minor)
                        .await
                        .with_context(|| format!("step {number}: {partner}, not {least:?}"))?;
                }
                Step::Stands {
                    campaign,
                    status,
                    reason,
                } => {
                    let shown = async || self.client.campaign_status(campaign).await;
                    let due = (
                        status.name().to_owned(),
                        reason.map(|it| it.name().to_owned()),
                    );
                    until(shown, |campaign_status| *campaign_status == due)
                        .await
                        .with_context(|| format!("step {number}: {campaign}, not {due:?}"))?;
                }
            }
        }
        Ok(())
    }

    /// The way, or the nearest one that the mode has.
    fn way_here(&self, way: Way, act: &Act) -> Way {
        let keyed = Door::Bff {
            key: true,
            wait: false,
            own: true,
        };
        match (way, self.mode) {
            (Way::Door(Door::Own { .. }), Mode::Event) => Way::Door(keyed),
            (Way::Pulsar, Mode::Http) => Way::Door(Door::Own { token: true }),
            (Way::Pulsar, _) if self.source_of(act).is_none() => Way::Door(keyed),
            (way, _) => way,
        }
    }

    /// The system of the brand whose command it is.
    fn source_of(&self, act: &Act) -> Option<String> {
        let source = source(&act.brand()?);
        let external = self.external.as_ref()?;
        external.keys.has(&source).then_some(source)
    }

    /// Asks until the outcome is about the command itself: what came before the campaign, the enrollment or the approval that it
    /// needs, since something held that up, is asked again.
    async fn ask(&self, act: &Act, way: Way, key: &str, noted: Option<&str>) -> Result<Ended> {
        let way = self.way_here(way, act);
        let end = Instant::now() + PATIENCE;
        let mut attempt = 1;
        loop {
            let key = format!("{key}-{attempt}");
            let ended = match way {
                Way::Door(door) => self.client.ask(act, door, &key, noted).await?,
                Way::Pulsar => self.produce(act, &key, noted).await?,
            };
            if !is_early(act, &ended.outcome) {
                return Ok(ended);
            }
            if Instant::now() >= end {
                bail!("{act:?} came too early {attempt} times: {ended:?}");
            }
            attempt += 1;
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// By an external producer, which sends again until it has a receipt; then the service's own records show the outcome.
    async fn produce(&self, act: &Act, key: &str, noted: Option<&str>) -> Result<Ended> {
        // The same in every mode, and of a random one's form, as services ask of external producers.
        let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes());
        let id = Builder::from_random_bytes(digest.into_bytes()).into_uuid();
        let service = act.service();
        let external = self.external.as_ref().context("there is no broker")?;
        let topic = service.commands_topic().context("takes commands")?;
        let (key, subject, body) = act.message(id, noted)?.context("an external command")?;
        let source = self.source_of(act).context("a brand's own system")?;
        let message = producers::written(id, &source, topic, (&subject, &key), body)?;
        let end = Instant::now() + PATIENCE;
        while let Err(problem) = external.send(topic, &message).await {
            self.journal.note(|notes| notes.requests += 1);
            if Instant::now() >= end {
                return Err(problem).with_context(|| format!("{act:?} to {}", topic.name()));
            }
            sleep(Duration::from_millis(200)).await;
        }
        self.journal.note(|notes| {
            notes.acknowledged.push(Acknowledged {
                id,
                by: service,
                status: 200,
            });
        });
        let outcome = self.decided(service, id, end).await?;
        Ok(Ended { id, outcome })
    }

    async fn decided(&self, service: Service, id: Uuid, end: Instant) -> Result<Outcome> {
        const INBOX: &str = "SELECT state, code FROM pipeline.inbox WHERE id = $1";
        let found = self.pools.iter().find(|(own, _)| *own == service);
        let (_, pool) = found.context("every service has a database")?;
        while Instant::now() < end {
            let row: Result<Option<(String, Option<String>)>, _> =
                sqlx::query_as(INBOX).bind(id).fetch_optional(pool).await;
            if let Ok(Some((state, code))) = row {
                match state.as_str() {
                    "done" => return Ok(Outcome::Completed),
                    "rejected" => return Ok(Outcome::Rejected(code.unwrap_or_default())),
                    _ => {}
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("command {id} is not decided by {}", service.name())
    }
}

/// Asks again until the answer is as it is to be.
async fn until<T: std::fmt::Debug>(
    mut shown: impl AsyncFnMut() -> Option<T>,
    is_due: impl Fn(&T) -> bool,
) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        sleep(Duration::from_millis(150)).await;
        match shown().await {
            Some(shown) if is_due(&shown) => return Ok(shown),
            other if Instant::now() >= end => bail!("it is {other:?} after {PATIENCE:?}"),
            _ => {}
        }
    }
}

/// No journey makes a link but of a campaign that its partner has joined: tracking has not heard of that yet.
fn is_early(act: &Act, outcome: &Outcome) -> bool {
    let Outcome::Rejected(code) = outcome else {
        return false;
    };
    code == "timed_out_waiting" || (act.makes_links() && code == "not_enrolled")
}

/// Without a key, a repetition is another command: it may find done what the first did.
fn is_expected(outcome: &Outcome, expect: Expect, way: Way) -> bool {
    let keyless = matches!(way, Way::Door(Door::Bff { key: false, .. }));
    match (outcome, expect) {
        (Outcome::Completed, Expect::Done) => true,
        (Outcome::Rejected(code), Expect::Refused(wanted)) => code == wanted,
        (Outcome::Rejected(code), Expect::Done) => {
            let known = [
                "already_accepted",
                "already_submitted",
                "link_exists",
                "claim_decided",
            ];
            keyless && (known.contains(&code.as_str()) || code == "campaign_exists")
        }
        (Outcome::Completed, Expect::Refused(_)) => false,
    }
}
