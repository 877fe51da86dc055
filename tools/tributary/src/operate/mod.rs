//! `tributary audit`, `parked` and other nouns of operators: a client of the bff's operator routes.
//!
//! A noun is a file here with its verbs as a clap subcommand and a `run` that takes a [`Client`].

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow};
use reqwest::{Method, Response, StatusCode};
use schemas::Service;
use serde_json::Value;

mod archive;
mod audit;
mod clock;
mod commands;
mod epoch;
mod events;
mod replay;
mod retry_queue;
mod show;

use devstack::demo::Tokens;
use devstack::layout::Layout;
use devstack::token::GenerateJwt;
use devstack::up;

pub use show::{Line, cells, cut, show_page, table, text};

/// How long the bff may take to accept a connection, and to say more of an answer: streams say something every few seconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// See [`CONNECT_WITHIN`].
const SILENCE: Duration = Duration::from_mins(2);
/// Requests for what goes on where the one before was given up.
const MAX_REQUESTS: u32 = 100;
/// Looks at what goes on by itself until one is answered.
const POLLS: u32 = 5;
/// Between two of them.
const BETWEEN_POLLS: Duration = Duration::from_secs(2);

/// What operators look at and act upon.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Noun {
    /// What operators did: who, when, why
    Audit(Operate<audit::Verb>),
    /// A service's log: what happened, as it stands and as it grows
    Events(Operate<events::Verb>),
    /// A service's command log: what was asked, and what became of it
    Commands(Operate<commands::Verb>),
    /// Make a service's tables again from its log: compare, or put in place
    Replay(Operate<replay::Verb>),
    /// Old parts of the logs: written to files, verified, dropped from the tables
    Archive(Operate<archive::Verb>),
    /// After a restored database: which history a log has, and who takes it
    Epoch(Operate<epoch::Verb>),
    /// What is sent again by the broker
    Relay(Operate<epoch::RelayVerb>),
    /// The test clock of a local stack: let days pass for all services
    Clock(Operate<clock::Verb>),
    /// The retry queue and dead letters: look, try, edit, redrive, drop
    #[command(name = "parked")]
    RetryQueue(Operate<retry_queue::Verb>),
}

/// A verb, and whom it is said to.
#[derive(Clone, Debug, clap::Args)]
pub struct Operate<V: clap::Subcommand> {
    /// The verb
    #[command(subcommand)]
    pub verb: V,
    /// The bff, such as <http://127.0.0.1:8002>; without it the local stack's
    #[arg(long, global = true)]
    pub url: Option<String>,
    /// A bearer token of an operator, `-` to read it from the standard input; without it one is made with the local stack's key
    #[arg(long, global = true, env = "TRIBUTARY_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// Which list, and which part of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Listed {
    /// bff, campaign, tracking, commission, payment or notify
    #[arg(value_parser = service)]
    service: Service,
    /// At most so many
    #[arg(long)]
    limit: Option<u16>,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

/// What a query may have: names, and what was given for them.
type Pairs = Vec<(&'static str, Option<String>)>;

/// Says a verb to the bff and shows what it answers.
pub async fn run(layout: &Layout, noun: Noun) -> Result<()> {
    match noun {
        Noun::Audit(operate) => audit::run(&Client::new(layout, &operate)?, operate.verb).await,
        Noun::Events(operate) => events::run(&Client::new(layout, &operate)?, operate.verb).await,
        Noun::Commands(operate) => {
            commands::run(&Client::new(layout, &operate)?, operate.verb).await
        }
        Noun::Replay(operate) => replay::run(&Client::new(layout, &operate)?, operate.verb).await,
        Noun::Archive(operate) => archive::run(&Client::new(layout, &operate)?, operate.verb).await,
        Noun::Epoch(operate) => epoch::run(&Client::new(layout, &operate)?, operate.verb).await,
        Noun::Relay(operate) => {
            epoch::run_relay(&Client::new(layout, &operate)?, operate.verb).await
        }
        Noun::Clock(operate) => clock::run(&Client::new(layout, &operate)?, operate.verb).await,
        Noun::RetryQueue(operate) => {
            retry_queue::run(&Client::new(layout, &operate)?, operate.verb).await
        }
    }
}

/// The bff, as an operator.
#[derive(Debug)]
pub struct Client {
    url: String,
    token: String,
    http: reqwest::Client,
    /// Whether answers are printed as they are.
    pub json: bool,
}

impl Client {
    /// A client as the command line says, or of the local stack.
    pub fn new<V: clap::Subcommand>(layout: &Layout, operate: &Operate<V>) -> Result<Self> {
        let url = match &operate.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => up::as_started(layout)?.admin_url(Service::Bff)?.to_owned(),
        };
        let token = match operate.token.as_deref() {
            Some("-") => {
                let mut token = String::new();
                std::io::stdin().read_to_string(&mut token)?;
                token.trim().to_owned()
            }
            Some(token) => token.to_owned(),
            None => local_token(layout)?,
        };
        Ok(Self {
            url,
            token,
            http: reqwest::Client::builder()
                .no_proxy()
                .connect_timeout(CONNECT_WITHIN)
                .read_timeout(SILENCE)
                .build()?,
            json: operate.json,
        })
    }

    /// Asks one service's operator routes; `path` begins with a slash and comes after its prefix.
    pub async fn ask(
        &self,
        method: Method,
        service: Service,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Value> {
        value_of(self.try_send(method, service, path, query, body).await?).await
    }

    /// The same, handing back the answer before its body, for streams.
    pub async fn send(
        &self,
        method: Method,
        service: Service,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Response> {
        let answer = self.try_send(method, service, path, query, body).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refused(answer).await)
    }

    /// The same, with an answer that may be a refusal.
    async fn try_send(
        &self,
        method: Method,
        service: Service,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Response> {
        let url = format!("{}/api/v1/operator/{}{path}", self.url, service.name());
        let acts = method != Method::GET;
        let mut request = self.http.request(method, url).query(query);
        request = request.bearer_auth(&self.token);
        if acts {
            // What takes long is given up so much later.
            request = request.header("prefer", "wait=30");
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await;
        answer.with_context(|| {
            format!(
                "the bff at {} cannot be reached: is the stack up?",
                self.url
            )
        })
    }

    /// A read.
    pub async fn get(
        &self,
        service: Service,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Value> {
        self.ask(Method::GET, service, path, query, None).await
    }

    /// A read of what goes on by itself, whose answer may stay out while a service restarts.
    pub async fn poll(&self, service: Service, path: &str) -> Result<Value> {
        let mut tries = 1;
        loop {
            match self.try_send(Method::GET, service, path, &[], None).await {
                Ok(answer) if tries == POLLS || !answer.status().is_server_error() => {
                    return value_of(answer).await;
                }
                Err(error) if tries == POLLS => return Err(error),
                Ok(_) | Err(_) => {
                    tries += 1;
                    tokio::time::sleep(BETWEEN_POLLS).await;
                }
            }
        }
    }

    /// Shows a page of a list, with what narrows it.
    async fn list(
        &self,
        path: &str,
        Listed {
            service,
            limit,
            cursor,
        }: Listed,
        mut pairs: Pairs,
        headings: &[&str],
        row: impl Fn(&Value) -> Vec<String>,
    ) -> Result<()> {
        let limit = limit.map(|limit| limit.to_string());
        pairs.extend([("limit", limit), ("cursor", cursor)]);
        let page = self.get(service, path, &given(pairs)).await?;
        show_page(self, &page, headings, row);
        Ok(())
    }

    /// An act.
    pub async fn post(&self, service: Service, path: &str, body: &Value) -> Result<Value> {
        self.ask(Method::POST, service, path, &[], Some(body)).await
    }

    /// One that goes on where a request for it was given up: asked for until there is an answer in time. While the request before
    /// still holds what this one waits for, it is unavailable.
    pub async fn post_on(&self, service: Service, path: &str, body: &Value) -> Result<Value> {
        let mut tries = 1;
        for _ in 1..MAX_REQUESTS {
            let answer = self.try_send(Method::POST, service, path, &[], Some(body));
            let answer = answer.await?;
            match answer.status() {
                StatusCode::GATEWAY_TIMEOUT => tries = 1,
                StatusCode::SERVICE_UNAVAILABLE if tries < POLLS => {
                    tries += 1;
                    tokio::time::sleep(BETWEEN_POLLS).await;
                }
                _ => return value_of(answer).await,
            }
        }
        self.post(service, path, body).await
    }
}

/// What was answered, or why not.
async fn value_of(answer: Response) -> Result<Value> {
    if !answer.status().is_success() {
        return Err(refused(answer).await);
    }
    let text = answer.text().await?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).context("the answer is no JSON")
}

async fn refused(answer: Response) -> Error {
    let status = answer.status();
    anyhow!(refusal(status, &answer.text().await.unwrap_or_default()))
}

/// A problem as a person reads it.
fn refusal(status: StatusCode, text: &str) -> String {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    let part = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let mut text = format!("{} {}: {}", status.as_u16(), part("code"), part("detail"));
    for error in problem["errors"].as_array().into_iter().flatten() {
        let at = error["pointer"].as_str().or(error["parameter"].as_str());
        let detail = error["detail"].as_str().unwrap_or_default();
        text = format!("{text}\n  {}: {detail}", at.unwrap_or_default());
    }
    text
}

fn local_token(layout: &Layout) -> Result<String> {
    let settings = up::as_started(layout)?;
    let built = layout.built("release");
    let tokens = GenerateJwt::new(layout, &settings, &built);
    tokens.token(&["--role", "operator", "--subject", "operator"])
}

/// One service by its name, for clap.
pub fn service(name: &str) -> Result<Service, String> {
    let names = Service::ALL.map(Service::name).join(", ");
    Service::parse(name).ok_or_else(|| format!("there are {names}"))
}

/// A query without what was not given.
fn given(pairs: Pairs) -> Vec<(&'static str, String)> {
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
