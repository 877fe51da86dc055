//! A program beside which the edges are measured: axum with one statement and the check of a token, and nothing else.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use devstack::local::LocalStack;
use devstack::stack::Postgres;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, FromRow, PgConnection, PgPool};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use uuid::Uuid;

/// As many as a service has.
const CONNECTIONS: u32 = 8;

/// A row for each insert, and a thousand conversions of one partner.
const TABLES: &str = "CREATE TABLE rows (id uuid PRIMARY KEY, text text NOT NULL);
    CREATE TABLE conversions (id text PRIMARY KEY, position bigint NOT NULL, status text NOT NULL, order_id text, campaign_id text,
        brand_id text, partner_id text, link_code text, click_id text, amount_minor bigint, refunded_minor bigint NOT NULL,
        currency text, occurred_at bigint NOT NULL, recorded_at bigint NOT NULL);
    CREATE INDEX ON conversions (partner_id, position);
    INSERT INTO conversions SELECT gen_random_uuid(), n, 'attributed', gen_random_uuid(), 'a-campaign', 'a-brand', 'a-partner', 'a-link',
        gen_random_uuid(), 1000, 0, 'USD', n, n FROM generate_series(1, 1000) n;
    ANALYZE conversions";

#[derive(FromRow, Serialize)]
struct Conversion {
    id: String,
    status: String,
    order_id: Option<String>,
    campaign_id: Option<String>,
    brand_id: Option<String>,
    partner_id: Option<String>,
    link_code: Option<String>,
    click_id: Option<String>,
    amount_minor: Option<i64>,
    refunded_minor: i64,
    currency: Option<String>,
    occurred_at: i64,
    recorded_at: i64,
}

struct Bare {
    pool: PgPool,
    key: DecodingKey,
    validation: Validation,
}

impl Bare {
    fn knows(&self, headers: &HeaderMap) -> bool {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        token.is_some_and(|token| decode::<Value>(token, &self.key, &self.validation).is_ok())
    }

    async fn insert(&self, text: &str) -> Result<Uuid, StatusCode> {
        let id = Uuid::now_v7();
        let done = sqlx::query("INSERT INTO rows (id, text) VALUES ($1, $2)")
            .bind(id)
            .bind(text)
            .execute(&self.pool)
            .await;
        done.map(|_| id)
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Serves on a thread of its own until this process ends, at the address that it returns, with a database of its own on the stack's
/// server and the stack's key for tokens.
pub async fn start(stack: &LocalStack) -> Result<String> {
    let settings = stack.settings();
    let folder = stack.layout().state.join("postgres");
    let url = Postgres::admin_url_in(&folder, settings.need("POSTGRES_PORT")?)?;
    let mut admin = PgConnection::connect(&url).await?;
    sqlx::query("CREATE DATABASE bare")
        .execute(&mut admin)
        .await?;
    let options = PgConnectOptions::from_str(&url)?.database("bare");
    let mut own = PgConnection::connect_with(&options).await?;
    sqlx::raw_sql(TABLES).execute(&mut own).await?;
    let key = DecodingKey::from_secret(settings.need("JWT_SECRET_KEY")?.as_bytes());
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[settings.need("JWT_ISSUER")?]);
    validation.set_audience(&[settings.need("JWT_AUDIENCE")?]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();
    std::thread::spawn(move || -> Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
            let bare = Bare {
                pool: pool.connect_lazy_with(options),
                key,
                validation,
            };
            let listener = TcpListener::from_std(listener)?;
            axum::serve(listener, routes(bare))
                .await
                .context("the bare program")
        })
    });
    Ok(address)
}

fn routes(bare: Bare) -> Router {
    Router::new()
        .route("/c/{code}", get(redirect))
        .route("/reports", post(report))
        .route("/reports/{id}", get(read))
        .route("/conversions", get(page))
        .with_state(Arc::new(bare))
}

async fn redirect(State(bare): State<Arc<Bare>>, Path(code): Path<String>) -> Response {
    match bare.insert(&code).await {
        Ok(_) => {
            let to = [(header::LOCATION, "https://shop.example/")];
            (StatusCode::FOUND, to).into_response()
        }
        Err(status) => status.into_response(),
    }
}

async fn report(State(bare): State<Arc<Bare>>, headers: HeaderMap, body: String) -> Response {
    if !bare.knows(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(report) = serde_json::from_str::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match bare.insert(&report.to_string()).await {
        Ok(id) => (StatusCode::CREATED, answer(&json!({"id": id}))).into_response(),
        Err(status) => status.into_response(),
    }
}

fn answer(body: &Value) -> impl IntoResponse + use<> {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, body.to_string())
}

async fn read(State(bare): State<Arc<Bare>>, headers: HeaderMap, Path(id): Path<Uuid>) -> Response {
    if !bare.knows(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let text: Result<Option<String>, sqlx::Error> =
        sqlx::query_scalar("SELECT text FROM rows WHERE id = $1")
            .bind(id)
            .fetch_optional(&bare.pool)
            .await;
    match text {
        Ok(text) => answer(&json!({"id": id, "text": text})).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn page(State(bare): State<Arc<Bare>>, headers: HeaderMap) -> Response {
    if !bare.knows(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let rows: Result<Vec<Conversion>, sqlx::Error> = sqlx::query_as(
        "SELECT * FROM conversions WHERE partner_id = $1 ORDER BY position DESC LIMIT 20",
    )
    .bind("a-partner")
    .fetch_all(&bare.pool)
    .await;
    match rows {
        Ok(rows) => answer(&json!({"items": rows})).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
