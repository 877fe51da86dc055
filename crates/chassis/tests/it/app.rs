//! A service that is nothing but shell, and a client for it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use chassis::auth::{Anonymous, Caller, Claims, SigningKey, Verifier, VerifyingKeys};
use chassis::http::{
    AllowedOrigins, Limits, Probes, RateLimits, ReadyCheck, RequestContext, Server, ServerConfig,
    Shell,
};
use chassis::idempotency::RequestHasher;
use chassis::json::{AmountText, Check, Json, Metadata, Text, WebUrl};
use chassis::openapi::{self, Forbidden, Problems, Repeatable, Waits};
use chassis::page::{List, Page};
use chassis::params::Path;
use chassis::problem::{Code, Fields, Problem};
use chassis::telemetry::Metrics;
use chassis::time::{Timestamp, refuse_future};
use chassis::write::{NoBody, Write};
use reqwest::{Client, RequestBuilder, Response};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{CampaignId, Currency, Micros, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub const SECRET: &str = "a secret of the tests, 32 bytes or more";
pub const ISSUER: &str = "tributary";
pub const AUDIENCE: &str = "tributary";

/// One payment, with every kind of field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayBody {
    amount: AmountText,
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    note: Option<Text<20>>,
    receipt: Option<WebUrl>,
    occurred_at: Option<Timestamp>,
    lines: Option<Vec<Line>>,
    metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Line {
    #[schema(value_type = String)]
    order_id: types::OrderId,
}

impl Check for PayBody {
    fn check(&self, fields: &mut Fields) {
        if let Some(amount) = fields.take("/amount", self.amount.money(self.currency)) {
            fields.require(amount.minor > 0, "/amount", "must be more than zero");
        }
        if let Some(claimed) = self.occurred_at {
            refuse_future(fields, "/occurred_at", claimed.0, Micros(0));
        }
    }
}

impl chassis::write::Request for PayBody {
    const KIND: &'static str = "chassis.pay.command.v1";
}

#[derive(Debug, Serialize, ToSchema)]
struct Paid {
    command_id: uuid::Uuid,
    amount: String,
    note: Option<Text<20>>,
    receipt: Option<WebUrl>,
    #[schema(value_type = Vec<String>)]
    orders: Vec<types::OrderId>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Metadata>,
}

const INSUFFICIENT_BALANCE: Code = Code::new(
    422,
    "insufficient_balance",
    "More was asked for than there is.",
);
chassis::refuses!(Broke: INSUFFICIENT_BALANCE);

/// Pays into a campaign.
#[utoipa::path(post, path = "/campaigns/{campaign_id}/pay", request_body = PayBody,
    params(("campaign_id" = String, Path), Repeatable), security(("bearer" = [])),
    responses((status = 201, body = Paid), Problems<(Forbidden, Broke)>))]
async fn pay(
    caller: Caller,
    Path(campaign_id): Path<CampaignId>,
    write: Write<PayBody>,
) -> Result<(StatusCode, Json<Paid>), Problem> {
    caller.require_partner()?;
    if campaign_id.as_str() == "broke" {
        let refusal = Problem::of(INSUFFICIENT_BALANCE).with_detail("the balance is 0.00 USD");
        return Err(refusal.with_command_id(write.command_id(&caller)));
    }
    let command_id = write.command_id(&caller);
    let amount = write.body.amount.money(write.body.currency);
    let amount = amount
        .map_err(|error| Problem::internal(&error))?
        .to_string();
    let PayBody {
        note,
        receipt,
        lines,
        metadata,
        ..
    } = write.body;
    let orders = lines
        .into_iter()
        .flatten()
        .map(|line| line.order_id)
        .collect();
    let paid = Paid {
        command_id,
        amount,
        note,
        receipt,
        orders,
        metadata,
    };
    Ok((StatusCode::CREATED, Json(paid)))
}

/// Ends a campaign.
#[utoipa::path(post, path = "/campaigns/{campaign_id}/end", params(("campaign_id" = String, Path), Repeatable, Waits), request_body = NoBody,
    security(("bearer" = [])), responses((status = 204), Problems))]
async fn end(caller: Caller, _: Path<CampaignId>, _: Write<NoBody>) -> Result<StatusCode, Problem> {
    caller.require_owner(PartnerId::parse("partner123").ok().as_ref(), None)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stands for three.
async fn three(_: Caller, write: Write<NoBody>) -> Result<StatusCode, Problem> {
    write.split(|body| vec![body; 3])?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    #[param(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
}

/// Lists numbers from 9 down, by position.
#[utoipa::path(get, path = "/numbers", params(chassis::page::PageQuery, Filter),
    security(("bearer" = [])), responses((status = 200, body = Page<i64>), Problems<Forbidden>))]
async fn numbers(caller: Caller, list: List<Filter>) -> Result<Page<i64>, Problem> {
    caller.scope()?;
    let rows: Vec<i64> = (0..10)
        .rev()
        .filter(|row| *row < list.page.below())
        .collect();
    let rows = rows
        .into_iter()
        .take(list.page.rows().try_into().unwrap())
        .collect();
    let _ = list.filter.partner_id;
    Ok(Page::new(list.page, rows, |row| *row, |row| row))
}

async fn whoami(caller: Caller) -> String {
    caller.subject
}

async fn context(context: RequestContext) -> String {
    format!("{} {}", context.correlation_id, context.trace)
}

async fn panics() -> StatusCode {
    panic!("a bug with a secret canary")
}

async fn never() -> StatusCode {
    std::future::pending().await
}

pub fn routes() -> OpenApiRouter {
    OpenApiRouter::with_openapi(openapi::base("Payments", "A service for the tests."))
        .routes(routes!(pay))
        .routes(routes!(end))
        .routes(routes!(numbers))
        .route("/whoami", axum::routing::get(whoami))
        .route("/context", axum::routing::get(context))
        .route("/three", axum::routing::post(three))
        .route("/panics", axum::routing::get(panics))
        .route("/never", axum::routing::get(never).post(never))
        .route("/links/{token}", axum::routing::get(context))
}

/// A served app; dropping it stops it.
pub struct App {
    pub url: String,
    pub client: Client,
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
}

pub fn secret_verifier(anonymous: Anonymous) -> Verifier {
    let keys = VerifyingKeys::secret(&SecretString::from(SECRET)).unwrap();
    Verifier::new(keys, ISSUER, AUDIENCE, anonymous)
}

/// A token of the partner that most tests are.
pub fn partner_token() -> String {
    token(&Claims::new("user123", ISSUER, AUDIENCE, 600).partner("partner123"))
}

pub fn token(claims: &Claims) -> String {
    SigningKey::secret(&SecretString::from(SECRET))
        .unwrap()
        .mint(claims)
        .unwrap()
}

impl App {
    pub async fn start() -> Self {
        Self::with(secret_verifier(Anonymous::Refused), Limits::default(), true).await
    }

    pub async fn with(verifier: Verifier, limits: Limits, ready: bool) -> Self {
        Self::limited(verifier, limits, ready, None).await
    }

    pub async fn limited(
        verifier: Verifier,
        limits: Limits,
        ready: bool,
        rate: Option<RateLimits>,
    ) -> Self {
        let patience = Duration::from_secs(30);
        Self::serve(verifier, limits, ready, rate, patience).await
    }

    /// One whose clients have so much time.
    pub async fn impatient(verifier: Verifier, limits: Limits, client_timeout: Duration) -> Self {
        Self::serve(verifier, limits, true, None, client_timeout).await
    }

    async fn serve(
        verifier: Verifier,
        limits: Limits,
        ready: bool,
        rate: Option<RateLimits>,
        client_timeout: Duration,
    ) -> Self {
        let config = ServerConfig {
            client_timeout,
            ..ServerConfig::at("127.0.0.1:0".parse().unwrap())
        };
        Self::shelled(|shell| shell, verifier, limits, ready, rate, config).await
    }

    /// One whose clients all come by a proxy.
    pub async fn behind_proxy(limits: Limits) -> Self {
        Self::behind_patient_proxy(limits, Duration::from_secs(30)).await
    }

    /// The same, where clients that come without it have so much time.
    pub async fn behind_patient_proxy(limits: Limits, client_timeout: Duration) -> Self {
        let verifier = secret_verifier(Anonymous::Refused);
        let config = ServerConfig {
            trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
            client_timeout,
            ..ServerConfig::at("127.0.0.1:0".parse().unwrap())
        };
        Self::shelled(|shell| shell, verifier, limits, true, None, config).await
    }

    /// One that lets pages of these origins read answers.
    pub async fn open_to(origins: AllowedOrigins) -> Self {
        let verifier = secret_verifier(Anonymous::Refused);
        let shell = |shell: Shell| shell.origins(origins);
        let config = ServerConfig::at("127.0.0.1:0".parse().unwrap());
        Self::shelled(shell, verifier, Limits::default(), true, None, config).await
    }

    async fn shelled(
        more: impl FnOnce(Shell) -> Shell,
        verifier: Verifier,
        limits: Limits,
        ready: bool,
        rate: Option<RateLimits>,
        config: ServerConfig,
    ) -> Self {
        let check = if ready {
            ReadyCheck::passed("database")
        } else {
            ReadyCheck::failed("database", "no connection; start Postgres")
        };
        let probes = Probes::new("payment")
            .metrics(Metrics::install("payment").unwrap())
            .ready_when(move || std::future::ready(vec![check.clone()]));
        let (handlers, document) = routes().split_for_parts();
        let surface = openapi::pages(handlers, openapi::text(document));
        let router = more(Shell::new(probes, limits))
            .verifier(Arc::new(verifier))
            .rate_limits(rate)
            .hasher(Arc::new(RequestHasher::new(
                &SecretString::from(SECRET).into(),
            )))
            .wrap(surface);
        Self::of(router, config).await
    }

    /// One that has so few connections, behind these proxies.
    pub async fn of_few_connections(max_connections: usize, proxies: &str) -> Self {
        let proxies = proxies.split(',').filter(|net| !net.is_empty());
        let config = ServerConfig {
            max_connections,
            trusted_proxies: proxies.map(|net| net.parse().unwrap()).collect(),
            ..ServerConfig::at("127.0.0.1:0".parse().unwrap())
        };
        let shell = Shell::new(Probes::new("payment"), Limits::default());
        Self::of(shell.wrap(axum::Router::new()), config).await
    }

    /// This router, served.
    pub async fn of(router: axum::Router, config: ServerConfig) -> Self {
        let config = ServerConfig {
            drain_timeout: Duration::from_secs(5),
            ..config
        };
        let server = Server::bind(config).await.unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(server.serve(router, stop.clone()));
        tasks.close();
        Self {
            url,
            client: Client::new(),
            stop,
            tasks,
        }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// A POST as the partner.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", self.url))
            .bearer_auth(partner_token())
    }

    /// A JSON body, as its text, to the payment route.
    pub async fn pay(&self, body: impl Into<String>) -> Response {
        let request = self
            .post("/campaigns/camp123/pay")
            .header("content-type", "application/json");
        request.body(body.into()).send().await.unwrap()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The problem of an answer, its status and media type checked.
pub async fn problem(response: Response, status: u16) -> Value {
    let got = response.status().as_u16();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let text = response.text().await.unwrap();
    assert_eq!(
        (got, kind.as_str()),
        (status, "application/problem+json"),
        "{text}"
    );
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status);
    problem
}
