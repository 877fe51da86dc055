use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::auth::{
    Algorithm, Anonymous, AuthConfig, Claims, Role, SigningKey, Surface, Verifier, VerifyingKeys,
};
use chassis::config::{Env, Profile};
use chassis::http::Limits;
use reqwest::RequestBuilder;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::app::{AUDIENCE, App, ISSUER, SECRET, partner_token, problem, secret_verifier, token};

const ED_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----";
const ED_PUBLIC_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn claims() -> Claims {
    Claims::new("user123", ISSUER, AUDIENCE, 600).partner("partner123")
}

fn now() -> u64 {
    claims().iat.unwrap()
}

/// A token whose header and claims are these, signed as HS256 with our key.
fn forged(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

fn with(name: &str, value: Value) -> String {
    let mut changed = serde_json::to_value(claims()).unwrap();
    changed[name] = value;
    forged(&json!({"alg": "HS256", "typ": "JWT"}), &changed)
}

fn without(name: &str) -> String {
    let mut changed = serde_json::to_value(claims()).unwrap();
    changed.as_object_mut().unwrap().remove(name);
    forged(&json!({"alg": "HS256"}), &changed)
}

async fn refused(app: &App, case: &str, token: &str) {
    let response = app.get("/whoami").bearer_auth(token).send().await.unwrap();
    let challenge = response.headers().get("www-authenticate").cloned();
    assert_eq!(response.status().as_u16(), 401, "{case}");
    assert!(
        challenge.is_some_and(|value| value.to_str().unwrap().contains("invalid_token")),
        "{case}"
    );
    assert_eq!(
        problem(response, 401).await["code"],
        "unauthorized",
        "{case}"
    );
}

#[tokio::test]
async fn a_valid_token_is_taken_and_again_from_memory() {
    let app = App::start().await;
    for _ in 0..3 {
        let response = app
            .get("/whoami")
            .bearer_auth(partner_token())
            .send()
            .await
            .unwrap();
        assert_eq!(response.text().await.unwrap(), "user123");
    }
    let several = with("aud", json!(["other", AUDIENCE]));
    assert_eq!(
        app.get("/whoami")
            .bearer_auth(several)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_request_without_a_token_is_401_with_a_challenge_without_an_error() {
    let app = App::start().await;
    let response = app.get("/whoami").send().await.unwrap();
    assert_eq!(
        response.headers()["www-authenticate"],
        r#"Bearer realm="tributary""#
    );
    assert_eq!(problem(response, 401).await["instance"], "/whoami");
}

#[tokio::test]
async fn tokens_of_another_key_or_algorithm_or_none_are_401() {
    let app = App::start().await;
    let other = SigningKey::secret(&SecretString::from("x".repeat(32))).unwrap();
    refused(&app, "another key", &other.mint(&claims()).unwrap()).await;
    let unsigned = forged(
        &json!({"alg": "none"}),
        &serde_json::to_value(claims()).unwrap(),
    );
    refused(&app, "alg none", &unsigned).await;
    let bare = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    refused(&app, "alg none, no signature", &bare).await;
    let body = serde_json::to_value(claims()).unwrap();
    refused(&app, "alg HS512", &forged(&json!({"alg": "HS512"}), &body)).await;
    refused(&app, "alg RS256", &forged(&json!({"alg": "RS256"}), &body)).await;
    let crit = json!({"alg": "HS256", "crit": ["exp"]});
    refused(&app, "a critical extension", &forged(&crit, &body)).await;
    let ed = SigningKey::pem(Algorithm::EdDsa, ED_PRIVATE.as_bytes()).unwrap();
    refused(&app, "EdDSA", &ed.mint(&claims()).unwrap()).await;
    let valid = partner_token();
    refused(&app, "cut", &valid[..valid.len() - 2]).await;
    refused(&app, "no JWT", "abc").await;
    let long = with("scope", json!("a".repeat(9_000)));
    refused(&app, "ours, but longer than any of ours", &long).await;
}

#[tokio::test]
async fn tokens_that_are_over_or_not_begun_or_of_others_are_401() {
    let app = App::start().await;
    refused(&app, "expired", &with("exp", json!(now() - 61))).await;
    refused(&app, "not begun", &with("nbf", json!(now() + 120))).await;
    refused(&app, "other audience", &with("aud", json!("others"))).await;
    refused(&app, "other issuer", &with("iss", json!("others"))).await;
    refused(
        &app,
        "several issuers",
        &with("iss", json!([ISSUER, "others"])),
    )
    .await;
    for claim in ["exp", "iss", "aud", "sub"] {
        refused(&app, claim, &without(claim)).await;
    }
    refused(&app, "exp as text", &with("exp", json!("9999999999"))).await;
}

#[tokio::test]
async fn a_token_whose_claims_cannot_be_stored_is_401() {
    let app = App::start().await;
    refused(&app, "empty subject", &with("sub", json!(""))).await;
    refused(&app, "NUL", &with("sub", json!("a\u{0}"))).await;
    refused(&app, "long", &with("sub", json!("a".repeat(129)))).await;
    let wide = with("sub", json!("字".repeat(100)));
    refused(&app, "of more bytes than a message's header holds", &wide).await;
    refused(&app, "ours", &with("sub", json!("local-operator"))).await;
    refused(&app, "partner id", &with("partner_id", json!("a b"))).await;
}

#[test]
fn a_role_that_is_named_often_counts_once() {
    let often = with("roles", json!(vec!["partner"; 20]));
    let caller = secret_verifier(Anonymous::Refused).verify(&often).unwrap();
    assert_eq!(caller.role_names(), ["partner"]);
    let widest = with("sub", json!("字".repeat(85)));
    assert!(
        secret_verifier(Anonymous::Refused).verify(&widest).is_ok(),
        "255 bytes"
    );
}

#[tokio::test]
async fn a_minute_of_leeway_is_given_and_times_may_have_fractions() {
    let app = App::start().await;
    let with_fraction = |seconds: u64| serde_json::from_str(&format!("{seconds}.25")).unwrap();
    for token in [
        with("iat", with_fraction(now())),
        with("nbf", with_fraction(now())),
        with("exp", with_fraction(now() + 60)),
        with("exp", json!(now() - 30)),
        with("nbf", json!(now() + 30)),
    ] {
        for _ in 0..2 {
            assert_eq!(
                app.get("/whoami")
                    .bearer_auth(&token)
                    .send()
                    .await
                    .unwrap()
                    .status(),
                200
            );
        }
    }
}

#[tokio::test]
async fn a_token_that_is_remembered_ends_all_the_same() {
    let app = App::start().await;
    let status = async |token: &str| {
        let answer = app.get("/whoami").bearer_auth(token).send().await;
        answer.unwrap().status()
    };
    let end = Instant::now() + Duration::from_secs(90);
    let token = loop {
        let token = with("exp", json!(now() - 58));
        if status(&token).await == 200 {
            break token;
        }
        assert!(Instant::now() < end, "none is taken in its leeway");
    };
    while status(&token).await != 401 {
        assert!(Instant::now() < end, "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn no_key_of_a_set_is_taken_for_a_secret() {
    let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "public", "x": ED_PUBLIC_X},
        {"kty": "oct", "kid": "hmac", "k": URL_SAFE_NO_PAD.encode("x".repeat(32))}]});
    for algorithm in [Algorithm::Hs256, Algorithm::Rs256] {
        let keys = VerifyingKeys::jwks(algorithm, &set.to_string());
        assert!(keys.is_err(), "{algorithm}");
    }
}

#[tokio::test]
async fn where_no_token_is_needed_a_shown_one_is_still_checked() {
    let app = App::with(
        secret_verifier(Anonymous::LocalOperator),
        Limits::default(),
        true,
    )
    .await;
    let response = app.get("/whoami").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "local-operator");
    refused(&app, "expired", &with("exp", json!(now() - 61))).await;
    let basic = app
        .get("/whoami")
        .header("authorization", "Basic dTpw")
        .send()
        .await
        .unwrap();
    assert_eq!(basic.status(), 401);
}

#[tokio::test]
async fn two_authorization_headers_are_401() {
    let app = App::start().await;
    let request = app.get("/whoami").bearer_auth(partner_token());
    let response = request
        .header("authorization", "Bearer x")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn a_missing_role_is_403_and_what_is_not_yours_is_404() {
    let app = App::start().await;
    let nobody = token(&Claims::new("user123", ISSUER, AUDIENCE, 600));
    let list = |token: String| app.get("/numbers").bearer_auth(token).send();
    problem(list(nobody).await.unwrap(), 403).await;
    let other = token(&Claims::new("u", ISSUER, AUDIENCE, 600).partner("other"));
    let end = app.client.post(format!("{}/campaigns/c/end", app.url));
    problem(
        end.try_clone()
            .unwrap()
            .bearer_auth(other)
            .send()
            .await
            .unwrap(),
        404,
    )
    .await;
    let operator = token(&Claims::new("o", ISSUER, AUDIENCE, 600).role(Role::Operator));
    assert_eq!(
        end.bearer_auth(operator).send().await.unwrap().status(),
        204
    );
}

#[tokio::test]
async fn a_key_set_verifies_by_the_key_that_the_token_names() {
    let jwk = |kid: &str, x: &str| json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid, "x": x});
    let set = json!({"keys": [jwk("new", ED_PUBLIC_X), jwk("old", "2-Jj2UvNCvQiUPNYRgSi0cJSPiJI6Rs6D0UTeEpQVj8"),
        {"kty": "oct", "kid": "hmac", "k": "c2VjcmV0"}]});
    let keys = VerifyingKeys::jwks(Algorithm::EdDsa, &set.to_string()).unwrap();
    let verifier = Verifier::new(keys, ISSUER, AUDIENCE, Anonymous::Refused);
    let signing = || SigningKey::pem(Algorithm::EdDsa, ED_PRIVATE.as_bytes()).unwrap();
    let verify = |key: SigningKey| verifier.verify(&key.mint(&claims()).unwrap());
    assert_eq!(verify(signing().named("new")).unwrap().subject, "user123");
    for kid in ["old", "hmac", "unknown"] {
        assert!(verify(signing().named(kid)).is_err(), "{kid}");
    }
    assert!(verify(signing()).is_err(), "no kid, several keys");
}

#[tokio::test]
async fn tokens_of_the_original_system_are_read_where_its_names_are_set() {
    let original = json!({
        "sub": "user123", "userId": "user123", "partnerId": "partner123", "roles": ["PARTNER"],
        "iss": ISSUER, "aud": AUDIENCE, "exp": now() + 600,
    });
    let original = forged(&json!({"alg": "HS256", "typ": "JWT"}), &original);
    let names = [
        ("JWT_SECRET_KEY", SECRET),
        ("JWT_ISSUER", ISSUER),
        ("JWT_AUDIENCE", AUDIENCE),
        ("JWT_CLAIM_USER_ID", "userId"),
        ("JWT_CLAIM_PARTNER_ID", "partnerId"),
        ("JWT_ROLE_PARTNER", "PARTNER"),
    ];
    let mut env = Env::from_map(names);
    let auth = AuthConfig::read(&mut env, Profile::Production, Surface::Bff);
    env.finish().unwrap();
    let app = App::with(auth.verifier().unwrap(), Limits::default(), true).await;
    let end = |app: &App, token: &str| {
        let request = app.client.post(format!("{}/campaigns/c/end", app.url));
        request.bearer_auth(token).send()
    };
    assert_eq!(end(&app, &original).await.unwrap().status(), 204);
    problem(end(&app, &partner_token()).await.unwrap(), 404).await;
    let plain = App::start().await;
    problem(end(&plain, &original).await.unwrap(), 404).await;
    assert_eq!(end(&plain, &partner_token()).await.unwrap().status(), 204);
}

#[test]
fn checks_are_switched_off_in_the_local_profile_only() {
    for open in [
        ("JWT_REQUIRE_VALIDATION", "false"),
        ("DIRECT_HTTP_AUTH", "none"),
    ] {
        let read = |profile, surface| {
            let mut env = Env::from_map([("JWT_SECRET_KEY", SECRET), open]);
            let auth = AuthConfig::read(&mut env, profile, surface);
            (
                auth.anonymous,
                env.finish().map_err(|errors| errors.to_string()),
            )
        };
        let (anonymous, problems) = read(Profile::Production, Surface::Direct);
        assert_eq!(anonymous, Anonymous::Refused);
        assert!(problems.unwrap_err().contains(open.0));
        let (anonymous, problems) = read(Profile::Local, Surface::Direct);
        assert_eq!((anonymous, problems), (Anonymous::LocalOperator, Ok(())));
    }
    let mut env = Env::from_map([("JWT_SECRET_KEY", SECRET), ("DIRECT_HTTP_AUTH", "none")]);
    let auth = AuthConfig::read(&mut env, Profile::Local, Surface::Bff);
    assert_eq!(auth.anonymous, Anonymous::Refused);
    assert!(auth.verifier().is_some());
}

#[test]
fn a_short_secret_and_an_unlisted_algorithm_are_problems() {
    let mut env = Env::from_map([("JWT_SECRET_KEY", "short"), ("JWT_ALGORITHM", "none")]);
    let _ = AuthConfig::read(&mut env, Profile::Local, Surface::Bff);
    let shown = env.finish().unwrap_err().to_string();
    assert!(
        shown.contains("JWT_ALGORITHM") && shown.contains("JWT_SECRET_KEY"),
        "{shown}"
    );
    let mut env = Env::from_map([("JWT_ALGORITHM", "ES256")]);
    let _ = AuthConfig::read(&mut env, Profile::Local, Surface::Bff);
    assert!(
        env.finish()
            .unwrap_err()
            .to_string()
            .contains("JWT_PUBLIC_KEY_FILE or JWT_JWKS_FILE")
    );
}

#[tokio::test]
async fn an_open_service_answers_no_name_that_somebodys_page_could_have() {
    let verifier = secret_verifier(Anonymous::LocalOperator);
    let verifier = verifier.under_hosts(vec!["bff.test".to_owned()]);
    let app = App::with(verifier, Limits::default(), true).await;
    let sent = |host: &str, token: Option<String>| {
        let request = app.get("/whoami").header("host", host);
        let request = token.into_iter().fold(request, RequestBuilder::bearer_auth);
        async { request.send().await.unwrap().status().as_u16() }
    };
    for host in [
        "127.0.0.1:8000",
        "localhost",
        "[::1]:8000",
        "bff.test:1",
        "192.168.1.7",
    ] {
        assert_eq!(sent(host, None).await, 200, "{host}");
    }
    for host in [
        "rebound.example",
        "rebound.example:8000",
        "localhost.example",
    ] {
        assert_eq!(sent(host, None).await, 421, "{host}");
        assert_eq!(sent(host, Some(partner_token())).await, 200, "{host}");
    }
}

#[tokio::test]
async fn an_open_service_takes_no_write_of_somebody_elses_page() {
    let verifier = secret_verifier(Anonymous::LocalOperator);
    let verifier = verifier.under_hosts(vec!["front.test".to_owned()]);
    let app = App::with(verifier, Limits::default(), true).await;
    // Without a body and a content type a page's browser asks nobody's leave for it.
    let sent = |origin: &str, token: Option<String>| {
        let request = app.client.post(format!("{}/campaigns/c/end", app.url));
        let request = request.header("origin", origin);
        let request = token.into_iter().fold(request, RequestBuilder::bearer_auth);
        async { request.send().await.unwrap() }
    };
    for ours in [
        app.url.as_str(),
        "http://localhost:5173",
        "http://[::1]:5173",
        "https://front.test",
    ] {
        assert_eq!(sent(ours, None).await.status(), 204, "{ours}");
    }
    for other in [
        "https://evil.example",
        "http://192.0.2.1",
        "http://127.0.0.1.evil.example",
        "null",
        "127.0.0.1",
        "file://127.0.0.1",
    ] {
        let refused = problem(sent(other, None).await, 403).await;
        assert_eq!(refused["code"], "forbidden", "{other}");
        let token = Some(partner_token());
        assert_eq!(sent(other, token).await.status(), 204, "{other}");
    }
    let request = app.client.post(format!("{}/campaigns/c/end", app.url));
    let request = request.header("origin", app.url.as_str());
    let request = request.header("origin", "https://evil.example");
    assert_eq!(request.send().await.unwrap().status(), 403, "one of two");
}

#[tokio::test]
async fn a_token_that_was_made_in_the_future_is_refused() {
    let app = App::start().await;
    for (ahead, status) in [(30, 200), (3_600, 401)] {
        let mut claims = Claims::new("user123", ISSUER, AUDIENCE, 600);
        claims.iat = claims.iat.map(|iat| iat + ahead);
        let request = app.get("/whoami").bearer_auth(token(&claims));
        assert_eq!(request.send().await.unwrap().status(), status, "{ahead}");
    }
}
