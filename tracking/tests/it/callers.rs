//! Commands belong to who sent them: a token's subject with its partner and brand.

use axum::http::StatusCode;
use runtime::testing::{claims, mint, operator};
use serde_json::json;
use types::ids::Asker;

use crate::app::*;

#[tokio::test]
async fn a_partner_and_a_brand_of_one_name_share_neither_keys_nor_commands() {
    let service = start().await;
    let tokens = [
        mint(&claims("acme").partner("acme")),
        mint(&claims("acme").brand("acme")),
    ];
    let seen = json!({"user_id": "user1", "event_type": "page_view"});
    for token in &tokens {
        for _ in 0..2 {
            let (status, answer) = service.post_with_key(EVENTS, token, "k1", &seen).await;
            assert_eq!(status, StatusCode::CREATED, "{answer}");
        }
    }
    let asker = |partner, brand| Asker {
        subject: "acme",
        partner,
        brand,
    };
    let askers = [asker(Some("acme"), None), asker(None, Some("acme"))];
    service.assert_commands_follow_from(&askers, &["k1"]).await;
    let log = service.log().await;
    let commands: Vec<_> = log.iter().filter_map(|m| m.header.outcome_of).collect();
    assert_eq!(commands.len(), 2);
    // What an earlier build noted does not say whose it is; its outcome does.
    for noted in ["noted", "not noted"] {
        for (own, token) in tokens.iter().enumerate() {
            for (of, command) in commands.iter().enumerate() {
                let path = format!("/api/v1/tracking/commands/{command}");
                let due = if own == of {
                    StatusCode::OK
                } else {
                    StatusCode::NOT_FOUND
                };
                assert_eq!(service.get(&path, token).await.0, due, "{noted}");
                assert_eq!(service.get(&path, &operator()).await.0, StatusCode::OK);
            }
        }
        sqlx::query("UPDATE pipeline.inbox SET caller = NULL")
            .execute(service.pool())
            .await
            .unwrap();
    }
    service.stop().await;
}
