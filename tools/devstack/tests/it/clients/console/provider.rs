//! Signing in at an identity provider: the code flow with PKCE, against one in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

const CLIENT: &str = "tributary-console";

/// A provider that knows one person, once that one has signed in.
struct Provider {
    issuer: String,
    token: Mutex<String>,
    /// The challenge and the address of each code that was given out and not used.
    codes: Mutex<HashMap<String, (String, String)>>,
    /// What it refused, and why.
    refused: Mutex<Vec<String>>,
}

type Words = HashMap<String, String>;

async fn discovered(State(provider): State<Arc<Provider>>) -> Response {
    let issuer = &provider.issuer;
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "end_session_endpoint": format!("{issuer}/end"),
    });
    let open = [(ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (open, document.to_string()).into_response()
}

async fn authorize(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Query(query): Query<Words>,
) -> Response {
    let word = |name: &str| query.get(name).cloned().unwrap_or_default();
    let back = reqwest::Url::parse(&word("redirect_uri"));
    let is_right = word("response_type") == "code"
        && word("client_id") == CLIENT
        && word("code_challenge_method") == "S256"
        && word("code_challenge").len() == 43
        && word("state").len() >= 20
        && word("scope").contains("openid");
    let (true, Ok(mut back)) = (is_right, back) else {
        provider.refused.lock().unwrap().push(format!("{query:?}"));
        return StatusCode::BAD_REQUEST.into_response();
    };
    let is_known = headers
        .get(COOKIE)
        .is_some_and(|cookie| cookie.as_bytes().starts_with(b"known"));
    let mut pairs = back.query_pairs_mut();
    pairs.append_pair("state", &word("state"));
    if word("prompt") == "none" && !is_known {
        pairs.append_pair("error", "login_required");
    } else {
        let mut codes = provider.codes.lock().unwrap();
        let code = format!("code-{}", codes.len());
        pairs.append_pair("code", &code);
        codes.insert(code, (word("code_challenge"), word("redirect_uri")));
    }
    drop(pairs);
    let known = [(SET_COOKIE, "known=yes; Path=/; HttpOnly")];
    (known, Redirect::to(back.as_str())).into_response()
}

async fn exchange(State(provider): State<Arc<Provider>>, Form(form): Form<Words>) -> Response {
    let word = |name: &str| form.get(name).cloned().unwrap_or_default();
    let given = provider.codes.lock().unwrap().remove(&word("code"));
    let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(word("code_verifier")));
    let is_right = word("grant_type") == "authorization_code"
        && word("client_id") == CLIENT
        && given == Some((verifier, word("redirect_uri")));
    let open = [(ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    if !is_right {
        provider.refused.lock().unwrap().push(format!("{form:?}"));
        return (StatusCode::BAD_REQUEST, open, "{}").into_response();
    }
    let token = provider.token.lock().unwrap().clone();
    let tokens = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 });
    (open, tokens.to_string()).into_response()
}

async fn end(Query(query): Query<Words>) -> Response {
    let forgotten = [(SET_COOKIE, "known=; Path=/; Max-Age=0")];
    (forgotten, Redirect::to(&query["post_logout_redirect_uri"])).into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "aborted by its test")]
async fn people_sign_in_at_an_identity_provider_and_out_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let provider = Arc::new(Provider {
        issuer: issuer.clone(),
        token: Mutex::default(),
        codes: Mutex::default(),
        refused: Mutex::default(),
    });
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(discovered))
        .route("/authorize", get(authorize))
        .route("/token", post(exchange))
        .route("/end", get(end))
        .with_state(Arc::clone(&provider));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let named = [
        ("CONSOLE_OIDC_ISSUER", &*issuer),
        ("CONSOLE_OIDC_CLIENT_ID", CLIENT),
    ];
    let stack = LocalStack::start_with(Mode::Http, &named).await.unwrap();
    *provider.token.lock().unwrap() = stack.token(&["--email", "paula@example.com"]).unwrap();
    let problems = tokio::task::block_in_place(|| {
        super::run(&super::places(&stack), "provider.mjs", |wanted| {
            panic!("{wanted}")
        })
    });
    server.abort();
    let refused = provider.refused.lock().unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(refused.is_empty(), "{refused:?}");
}
