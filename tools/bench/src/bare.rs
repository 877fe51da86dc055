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
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use uuid::Uuid;

/// As many as a service has.
const CONNECTIONS: u32 = 8;

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
    sqlx::query("CREATE TABLE rows (id uuid PRIMARY KEY, text text NOT NULL)")
        .execute(&mut own)
        .await?;
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
