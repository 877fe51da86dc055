//! A client as real ones are: repeats what it has no definite answer to, and waits for outcomes.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use messaging::Backoff;
use reqwest::{Response, StatusCode};
use schemas::Service;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use types::WorkflowStatus;
use uuid::Uuid;

use super::act::Act;
use super::journal::Journal;
use super::link::Target;
use super::stack::ChaosStack;
use devstack::demo::Tokens;
use devstack::token::Signer;
use invariants::Acknowledged;

/// Of one request: shorter than the services' own, so that clients do give up.
const PATIENCE: Duration = Duration::from_secs(6);
/// Of one command, through everything that the run does.
const OUTCOME_WITHIN: Duration = Duration::from_mins(3);

/// How a command is sent by HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// To the bff.
    Bff {
        /// With `Idempotency-Key`.
        key: bool,
        /// With `Prefer: wait`.
        wait: bool,
        /// With the token of the brand or partner that asks; else with an operator's.
        own: bool,
    },
    /// To the service itself.
    Own {
        /// With the token of who asks; without one as the local operator.
        token: bool,
    },
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Completed,
    /// Refused with this code.
    Rejected(String),
}

/// What became of a command, and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its id: of a request that makes several, the first one's.
    pub id: Uuid,
    /// How it ended.
    pub outcome: Outcome,
}

/// A workflow, as it is shown.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// Which.
    pub id: String,
    status: String,
    reason: Option<String>,
    is_before_the_brand: bool,
}

impl Workflow {
    /// Whether it has this status for this reason; while it runs, whether the brand alone is waited for.
    pub fn is_so_far(&self, (status, reason): &(String, Option<String>)) -> bool {
        let runs = status == WorkflowStatus::Running.name();
        self.status == *status && self.reason == *reason && (!runs || self.is_before_the_brand)
    }
}

/// Clients of one stack.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    bff: String,
    own: Vec<(Service, String)>,
    token: String,
    signer: Signer,
    journal: Journal,
}

impl Client {
    /// Clients of this stack, with an operator's token.
    pub fn new(stack: &ChaosStack, journal: Journal) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let url = |service| stack.url(Target::Service(service));
        Ok(Self {
            http,
            bff: url(Service::Bff),
            own: Service::with_topics()
                .map(|service| (service, url(service)))
                .collect(),
            token: stack.token(&[
                "--role",
                "operator",
                "--subject",
                "chaos",
                "--lifetime",
                "2d",
            ])?,
            signer: Signer::new(stack.settings())?,
            journal,
        })
    }

    /// The token of the brand or partner that asks; of nobody in particular, an operator's.
    fn token_of(&self, act: &Act) -> Result<String> {
        let Some(actor) = act.actor() else {
            return Ok(self.token.clone());
        };
        self.signer.sign(json!({
            "sub": actor.subject, "roles": actor.roles, "partner_id": actor.partner_id, "brand_id": actor.brand_id,
        }))
    }

    fn base(&self, service: Service) -> &str {
        let own = self.own.iter().find(|(own, _)| *own == service);
        own.map_or(&self.bff, |(_, url)| url)
    }

    /// Sends a command until it is taken, then waits for its outcome.
    pub async fn ask(
        &self,
        act: &Act,
        door: Door,
        key: &str,
        noted: Option<&str>,
    ) -> Result<Ended> {
        let end = Instant::now() + OUTCOME_WITHIN;
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let mut last = String::new();
        while Instant::now() < end {
            match self.ask_once(act, door, key, noted).await {
                Ok(Submitted::Taken(by, taken)) => {
                    let expected = act.json(noted)["links"].as_array().map_or(1, Vec::len);
                    let refused = matches!(taken.as_slice(), [(_, Some(Outcome::Rejected(_)))]);
                    let ended = taken.len();
                    ensure!(
                        ended == expected || refused,
                        "{ended} of {expected} are taken"
                    );
                    return self.ended(by, taken, end).await;
                }
                Ok(Submitted::Again(reason)) => last = reason,
                Err(problem) => last = format!("{problem:#}"),
            }
            sleep(backoff.wait()).await;
        }
        bail!("{act:?} by {door:?} was not taken within {OUTCOME_WITHIN:?}: {last}")
    }

    async fn ask_once(
        &self,
        act: &Act,
        door: Door,
        key: &str,
        noted: Option<&str>,
    ) -> Result<Submitted> {
        self.journal.note(|notes| notes.requests += 1);
        let body = act.json(noted);
        let request = match door {
            Door::Bff {
                key: keyed,
                wait,
                own,
            } => {
                let url = format!("{}/api/v1/{}", self.bff, act.bff_path(noted));
                let token = if own || act.needs_its_actor() {
                    self.token_of(act)?
                } else {
                    self.token.clone()
                };
                let mut request = self.http.request(act.method(), url);
                request = request.bearer_auth(token).json(&body);
                if keyed {
                    request = request.header("Idempotency-Key", key);
                }
                if wait {
                    request = request.header("Prefer", "wait=3");
                }
                request
            }
            Door::Own { token } => {
                let url = format!(
                    "{}/api/v1/{}",
                    self.base(act.service()),
                    act.own_path(noted)
                );
                let request = self.http.request(act.method(), url);
                let request = request.header("Idempotency-Key", key);
                let request = request.json(&body);
                if token || act.needs_its_actor() {
                    request.bearer_auth(self.token_of(act)?)
                } else {
                    request
                }
            }
        };
        let answer = request.send().await?;
        match door {
            Door::Bff { .. } => self.of_bff(answer).await,
            Door::Own { .. } => self.of_service(act.service(), answer).await,
        }
    }

    /// Waits for the outcome of each. All that one request asked for ended as the first of them that did not complete.
    async fn ended(&self, by: Service, taken: Vec<Taken>, end: Instant) -> Result<Ended> {
        let mut all = Vec::new();
        for (id, outcome) in taken {
            let outcome = match outcome {
                Some(outcome) => outcome,
                None => self.outcome(by, id, end).await?,
            };
            all.push(Ended { id, outcome });
        }
        let refused = all.iter().find(|one| one.outcome != Outcome::Completed);
        let ended = refused.or(all.first()).cloned();
        ended.context("no command was taken")
    }

    fn acknowledged(&self, id: Uuid, by: Service, status: StatusCode) {
        let status = status.as_u16();
        self.journal
            .note(|notes| notes.acknowledged.push(Acknowledged { id, by, status }));
    }

    async fn of_bff(&self, answer: Response) -> Result<Submitted> {
        let status = answer.status();
        let body: Value = answer.json().await?;
        if status.is_success() {
            let mut taken = Vec::new();
            for body in one_by_one(&body) {
                let id = id_in(body).with_context(|| format!("no command_id in {body}"))?;
                self.acknowledged(id, Service::Bff, status);
                taken.push((id, ended(body)));
            }
            return Ok(Submitted::Taken(Service::Bff, taken));
        }
        if let Some(refused) = refused(status, &body) {
            return Ok(Submitted::Taken(Service::Bff, vec![refused]));
        }
        if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
            bail!("the bff answers {status}: {body}");
        }
        Ok(Submitted::Again(format!("{status}: {body}")))
    }

    async fn of_service(&self, by: Service, answer: Response) -> Result<Submitted> {
        let status = answer.status();
        let named = answer.headers().get("x-command-id");
        let named = named.and_then(|id| id.to_str().ok()?.parse::<Uuid>().ok());
        let body: Value = answer.json().await?;
        if body["items"].is_array() {
            return self.of_items(by, &body);
        }
        if status.is_success() {
            let id = named.or_else(|| id_in(&body));
            let id = id.with_context(|| format!("no command id: {status} {body}"))?;
            self.acknowledged(id, by, status);
            return Ok(Submitted::Taken(by, vec![(id, done(status))]));
        }
        if let Some(refused) = refused(status, &body) {
            return Ok(Submitted::Taken(by, vec![refused]));
        }
        Ok(Submitted::Again(format!("{status}: {body}")))
    }

    /// Each of several has a status of its own.
    fn of_items(&self, by: Service, body: &Value) -> Result<Submitted> {
        let mut taken = Vec::new();
        for item in one_by_one(body) {
            let status = item["status"].as_u64().context("no status")?;
            let status = StatusCode::from_u16(u16::try_from(status)?)?;
            if status.is_success() {
                let id = id_in(item).with_context(|| format!("no command id: {item}"))?;
                self.acknowledged(id, by, status);
                taken.push((id, done(status)));
            } else if let Some(refused) = refused(status, &item["problem"]) {
                taken.push(refused);
            } else {
                return Ok(Submitted::Again(item.to_string()));
            }
        }
        Ok(Submitted::Taken(by, taken))
    }

    /// Asks until a command is final.
    async fn outcome(&self, by: Service, id: Uuid, end: Instant) -> Result<Outcome> {
        let path = match by {
            Service::Bff => "commands".to_owned(),
            service => format!("{}/commands", service.name()),
        };
        let url = format!("{}/api/v1/{path}/{id}", self.base(by));
        let mut last = String::new();
        while Instant::now() < end {
            match self.status(&url).await {
                Ok(body) => match ended(&body) {
                    Some(outcome) => return Ok(outcome),
                    None => last = body.to_string(),
                },
                Err(problem) => last = format!("{problem:#}"),
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("command {id} at {} has no outcome: {last}", by.name())
    }

    async fn status(&self, url: &str) -> Result<Value> {
        let answer = self.http.get(url).bearer_auth(&self.token).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        if status != StatusCode::OK {
            bail!("GET {url}: {status}: {body}");
        }
        Ok(body)
    }

    /// Follows a link until it is answered by a redirect; the click's id. With `stored`, until that click has a row.
    pub async fn click(&self, code: &str, stored: bool) -> Result<String> {
        let base = self.base(Service::Tracking);
        let url = format!("{base}/c/{code}");
        let end = Instant::now() + OUTCOME_WITHIN;
        while Instant::now() < end {
            if let Ok(answer) = self.http.get(&url).send().await
                && answer.status().is_redirection()
                && let Some(id) = click_id(&answer)
            {
                self.journal.note(|notes| notes.clicks.push(id.clone()));
                if !stored || id.starts_with("clk_") {
                    return Ok(id);
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("GET {url} is not answered by a redirect within {OUTCOME_WITHIN:?}")
    }

    /// How a campaign stands, as the bff shows it: its status, and why it is paused.
    pub async fn campaign_status(&self, campaign: &str) -> Option<(String, Option<String>)> {
        let url = format!("{}/api/v1/campaigns/{campaign}", self.bff);
        let shown = self.status(&url).await.ok()?;
        let reason = shown["pause_reason"].as_str().map(ToOwned::to_owned);
        Some((shown["status"].as_str()?.to_owned(), reason))
    }

    /// The newest workflow of a partner's applications to a campaign, as the bff shows it.
    pub async fn workflow(&self, campaign: &str, partner: &str) -> Option<Workflow> {
        let url = format!(
            "{}/api/v1/workflows?campaign_id={campaign}&partner_id={partner}",
            self.bff
        );
        let shown = self.status(&url).await.ok()?;
        let shown = &shown["items"][0];
        let text = |name: &str| shown[name].as_str().map(ToOwned::to_owned);
        let mut steps = shown["steps"].as_array()?.iter();
        Some(Workflow {
            id: text("id")?,
            status: text("status")?,
            reason: text("reason"),
            is_before_the_brand: steps
                .any(|it| it["step"] == "approval" && it["state"] == "running"),
        })
    }

    /// What a partner can be paid, in minor units, as the bff shows it; none while it shows nothing.
    pub async fn payable(&self, partner: &str, currency: &str) -> Option<i64> {
        let url = format!(
            "{}/api/v1/balances?partner_id={partner}&currency={currency}",
            self.bff
        );
        let shown = self.status(&url).await.ok()?;
        let text = shown["items"][0]["accounts"]["payable"].as_str()?;
        text.replace('.', "").parse().ok()
    }
}

/// A command, and its outcome where the answer says it.
type Taken = (Uuid, Option<Outcome>);

enum Submitted {
    /// By this service, each command that the request made.
    Taken(Service, Vec<Taken>),
    Again(String),
}

/// What an answer says of each command: one, or several in `items`.
fn one_by_one(body: &Value) -> &[Value] {
    let items = body["items"].as_array();
    items.map_or_else(|| std::slice::from_ref(body), Vec::as_slice)
}

fn id_in(body: &Value) -> Option<Uuid> {
    body["command_id"].as_str()?.parse().ok()
}

/// A service answers 202 where it does not know the outcome yet.
fn done(status: StatusCode) -> Option<Outcome> {
    (status != StatusCode::ACCEPTED).then_some(Outcome::Completed)
}

/// A refusal by the domain names the command; any other problem is about the request.
fn refused(status: StatusCode, body: &Value) -> Option<Taken> {
    let code = body["code"].as_str().filter(|code| !code.is_empty())?;
    let id = id_in(body).filter(|_| status.is_client_error())?;
    Some((id, Some(Outcome::Rejected(code.to_owned()))))
}

fn ended(body: &Value) -> Option<Outcome> {
    match body["status"].as_str()? {
        "completed" => Some(Outcome::Completed),
        "rejected" => {
            let code = body["code"].as_str().unwrap_or_default();
            Some(Outcome::Rejected(code.to_owned()))
        }
        "dropped" => Some(Outcome::Rejected("dropped".to_owned())),
        _ => None,
    }
}

fn click_id(answer: &Response) -> Option<String> {
    let target = answer.headers().get("location")?.to_str().ok()?;
    let (_, rest) = target.split_once("click_id=")?;
    rest.split('&').next().map(ToOwned::to_owned)
}
