//! Tokens that open nothing.

use axum::http::StatusCode;
use chassis::auth::Claims;
use runtime::testing::{SECRET, claims, mint};

use super::{ACCEPT, ROUTES, nothing_is_written, right};
use crate::app::{acceptance, bff};

fn tokens() -> Vec<(&'static str, String)> {
    let partner = || claims("partner123").partner("partner123");
    let strange = |claims: Claims| mint(&claims);
    let (mut expired, mut early) = (partner(), partner());
    expired.exp = expired.iat.unwrap() - 120;
    early.nbf = Some(early.exp);
    let mut of_others =
        Claims::new("partner123", "tributary", "elsewhere", 600).partner("partner123");
    let audience = strange(of_others.clone());
    of_others = Claims::new("partner123", "stranger", "tributary", 600).partner("partner123");
    let other = secrecy::SecretString::from("another secret for tests, of more than 32 bytes");
    let other = chassis::auth::SigningKey::secret(&other).unwrap();
    let good = mint(&partner());
    let unsigned = {
        let body = good.split('.').nth(1).unwrap();
        // {"alg":"none","typ":"JWT"}
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.")
    };
    vec![
        ("expired", strange(expired)),
        ("not begun", strange(early)),
        ("of another issuer", strange(of_others)),
        ("for another audience", audience),
        ("by another key", other.mint(&partner()).unwrap()),
        ("unsigned", unsigned),
        ("cut", good[..good.len() - 2].to_owned()),
        ("the key itself", SECRET.replace(' ', "")),
        ("for an odd partner", strange(claims("p").partner("a b"))),
    ]
}

#[tokio::test]
async fn wrong_tokens_are_401_on_every_route() {
    let app = bff().await;
    for (what, token) in tokens() {
        for path in ROUTES {
            let (status, problem) = app.post(path, &token, &right(path)).await;
            assert_eq!(
                status,
                StatusCode::UNAUTHORIZED,
                "{what} at {path}: {problem}"
            );
        }
        for path in [
            "commands",
            "commissions",
            "payouts",
            "balances",
            "payouts/p",
        ] {
            let (status, _) = app.get(&format!("/api/v1/{path}"), &token).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{what} at {path}");
        }
    }
    let none = app.client.post(format!("{}{ACCEPT}", app.base_url));
    let status = none.json(&acceptance()).send().await.unwrap().status();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    nothing_is_written(&app).await;
}
