//! `generate-jwt`.

use std::process::{Command, Output};

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::auth::{Algorithm, Anonymous, Verifier, VerifyingKeys};
use runtime::testing::SECRET;
use secrecy::SecretString;

use crate::app::{acceptance, bff};

fn generate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_generate-jwt"))
        .args(arguments)
        .env_clear()
        .env("JWT_SECRET_KEY", SECRET)
        .output()
        .unwrap()
}

fn token(arguments: &[&str]) -> String {
    let output = generate(arguments);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let token = text.strip_suffix('\n').unwrap();
    assert!(
        token.split('.').count() == 3 && !token.contains(char::is_whitespace),
        "{text:?}"
    );
    token.to_owned()
}

#[tokio::test]
async fn its_token_opens_the_bff_for_the_walks_partner() {
    let app = bff().await;
    let path = "/api/v1/campaigns/camp123/accept";
    let (status, body) = app.post(path, &token(&[]), &acceptance()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    let submitted = crate::app::last(&app).await;
    let actor = submitted.header.actor.unwrap();
    assert_eq!(actor.subject, "partner123");
    assert_eq!(actor.partner_id.as_deref(), Some("partner123"));
    assert_eq!(actor.roles, ["partner"]);
}

#[tokio::test]
async fn subject_roles_partner_brand_and_lifetime_can_be_given() {
    let app = bff().await;
    let path = "/api/v1/commands";
    let both = token(&[
        "--subject",
        "anna",
        "--role",
        "partner,brand",
        "--partner",
        "p1",
        "--brand",
        "b1",
        "--lifetime",
        "2d",
    ]);
    assert_eq!(app.get(path, &both).await.0, StatusCode::OK);
    let operator = token(&["--role", "operator", "--subject", "root"]);
    assert_eq!(
        app.get("/api/v1/balances", &operator).await.0,
        StatusCode::OK
    );
    let other_key = token(&["--key", "another secret of more than thirty-two bytes"]);
    let other_audience = token(&["--audience", "elsewhere"]);
    let other_issuer = token(&["--issuer", "someone"]);
    for strange in [other_key, other_audience, other_issuer] {
        assert_eq!(app.get(path, &strange).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[test]
fn its_token_says_what_it_says_under_the_names_that_are_set() {
    let made = Command::new(env!("CARGO_BIN_EXE_generate-jwt"))
        .env_clear()
        .env("JWT_SECRET_KEY", SECRET)
        .env("JWT_CLAIM_PARTNER_ID", "partnerId")
        .env("JWT_CLAIM_ROLES", "realm_access.roles")
        .env("JWT_ROLE_PARTNER", "PARTNER,AFFILIATE")
        .output()
        .unwrap();
    let token = String::from_utf8(made.stdout).unwrap();
    let claims = token.split('.').nth(1).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["partnerId"], "partner123", "{claims}");
    assert_eq!(
        claims["realm_access"]["roles"],
        serde_json::json!(["PARTNER"])
    );
    assert!(claims.get("roles").is_none() && claims.get("partner_id").is_none());
}

#[test]
fn its_secret_may_stand_in_a_file_and_one_that_cannot_be_read_is_named() {
    let file = std::env::temp_dir().join(format!("generate-jwt-{}", uuid::Uuid::now_v7()));
    let from_file = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_generate-jwt"));
        command.env_clear().env("JWT_SECRET_KEY_FILE", &file);
        command.output().unwrap()
    };
    let stderr = String::from_utf8(from_file().stderr).unwrap();
    assert!(stderr.contains("JWT_SECRET_KEY_FILE names"), "{stderr}");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let token = String::from_utf8(from_file().stdout).unwrap();
    std::fs::remove_file(&file).unwrap();
    let keys = VerifyingKeys::secret(&SecretString::from(SECRET)).unwrap();
    let verifier = Verifier::new(keys, "tributary", "tributary", Anonymous::Refused);
    assert_eq!(
        verifier.verify(token.trim_end()).unwrap().subject,
        "partner123"
    );
}

/// The key of RFC 8037, A.1.
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----";

#[test]
fn a_key_set_that_it_prints_verifies_the_tokens_that_it_signs() {
    let print = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_generate-jwt"));
        let command = command.env_clear().env("JWT_PRIVATE_KEY", PRIVATE_KEY);
        let command = command.args(["--algorithm", "EdDSA", "--key-id", "2026-11"]);
        let output = command.args(more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let set = print(&["--key-set"]);
    assert!(set.contains("2026-11") && !set.contains("\"d\""), "{set}");
    let keys = VerifyingKeys::jwks(Algorithm::EdDsa, &set).unwrap();
    let verifier = Verifier::new(keys, "tributary", "tributary", Anonymous::Refused);
    let caller = verifier.verify(print(&[]).trim_end()).unwrap();
    assert_eq!(caller.subject, "partner123");
}

#[test]
fn what_is_wrong_is_reported_without_the_token() {
    for arguments in [
        &["--role", "king"][..],
        &["--lifetime", "soon"],
        &["--lifetime", "0"],
        &["--partner", "a b"],
        &["--key", "short"],
        &["--algorithm", "RS256"],
    ] {
        let output = generate(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains(SECRET), "{arguments:?}");
    }
}
