//! Every route × every scope of an API key, as one table that the services' own documents are held against: a route without a line
//! fails, and so does one that a key with all scopes but the one could use.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chassis::auth::NewApiKey;
use runtime::testing::{TestService, until};
use schemas::{ApiKeyCreatedV1, Body, Service, Topic};
use serde_json::Value;
use types::ApiKeyScope::{
    self, CampaignsWrite, ClaimsWrite, ConversionsWrite, LinksWrite, PartnersWrite, ReportsRead,
};

use crate::ownership::{documented, filled_in, is_operators};
use crate::scene::Scene;

/// What a key needs for a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// A person: no key may.
    Person,
    /// A key, of whatever scope.
    Key,
    /// A key with this scope.
    Scope(ApiKeyScope),
    /// Nothing at all.
    Nothing,
}

use Needs::{Key, Nothing, Person, Scope};

const BFF: &[(&str, Needs)] = &[
    ("GET /api/v1/balances", Person),
    ("GET /api/v1/bans", Scope(ReportsRead)),
    ("GET /api/v1/campaigns", Scope(ReportsRead)),
    ("POST /api/v1/campaigns", Scope(CampaignsWrite)),
    ("GET /api/v1/campaigns/{id}", Scope(ReportsRead)),
    ("PATCH /api/v1/campaigns/{id}", Scope(CampaignsWrite)),
    ("POST /api/v1/campaigns/{id}/accept", Person),
    (
        "POST /api/v1/campaigns/{id}/activate",
        Scope(CampaignsWrite),
    ),
    ("POST /api/v1/campaigns/{id}/close", Scope(CampaignsWrite)),
    ("POST /api/v1/campaigns/{id}/leave", Person),
    (
        "POST /api/v1/campaigns/{id}/partners/{partner_id}/approve",
        Scope(PartnersWrite),
    ),
    (
        "POST /api/v1/campaigns/{id}/partners/{partner_id}/invite",
        Scope(PartnersWrite),
    ),
    (
        "POST /api/v1/campaigns/{id}/partners/{partner_id}/reject",
        Scope(PartnersWrite),
    ),
    (
        "POST /api/v1/campaigns/{id}/partners/{partner_id}/remove",
        Scope(PartnersWrite),
    ),
    ("POST /api/v1/campaigns/{id}/pause", Scope(CampaignsWrite)),
    ("POST /api/v1/campaigns/{id}/resume", Scope(CampaignsWrite)),
    ("GET /api/v1/campaigns/{id}/terms", Scope(ReportsRead)),
    ("POST /api/v1/campaigns/{id}/terms", Scope(CampaignsWrite)),
    ("GET /api/v1/claims", Scope(ReportsRead)),
    ("GET /api/v1/claims/{id}", Scope(ReportsRead)),
    ("POST /api/v1/claims/{id}/accept", Scope(ClaimsWrite)),
    ("POST /api/v1/claims/{id}/decline", Scope(ClaimsWrite)),
    ("GET /api/v1/commands", Key),
    ("GET /api/v1/commands/{id}", Key),
    ("GET /api/v1/commissions", Scope(ReportsRead)),
    ("GET /api/v1/commissions/{id}", Scope(ReportsRead)),
    ("GET /api/v1/conversions", Scope(ReportsRead)),
    ("GET /api/v1/conversions/{id}", Scope(ReportsRead)),
    ("GET /api/v1/reports", Scope(ReportsRead)),
    ("GET /api/v1/search", Person),
    (
        "GET /api/v1/commissions/{id}/explanation",
        Scope(ReportsRead),
    ),
    (
        "GET /api/v1/conversions/{id}/explanation",
        Scope(ReportsRead),
    ),
    ("GET /api/v1/explanations", Scope(ReportsRead)),
    ("GET /api/v1/events/stream", Person),
    ("GET /api/v1/timeline", Person),
    ("GET /api/v1/timeline/{correlation_id}", Person),
    ("GET /api/v1/transfers/{id}/explanation", Person),
    ("GET /api/v1/enrollments", Scope(ReportsRead)),
    ("GET /api/v1/evidence", Scope(ReportsRead)),
    ("GET /api/v1/evidence/{id}", Scope(ReportsRead)),
    ("POST /api/v1/evidence/{id}/approve", Person),
    ("POST /api/v1/evidence/{id}/reject", Person),
    ("POST /api/v1/evidence/{id}/return", Person),
    ("POST /api/v1/evidence/upload", Person),
    ("GET /api/v1/contacts/mail", Person),
    ("PUT /api/v1/contacts/mail", Person),
    ("GET /api/v1/mail-templates", Person),
    ("GET /api/v1/mail-templates/{kind}/preview", Person),
    ("POST /api/v1/mail-templates/{kind}/preview", Person),
    ("GET /api/v1/mail-templates/{kind}/{language}", Person),
    ("PUT /api/v1/mail-templates/{kind}/{language}", Person),
    ("DELETE /api/v1/mail-templates/{kind}/{language}", Person),
    ("GET /api/v1/mails", Person),
    ("GET /api/v1/mailbox", Person),
    ("GET /api/v1/onboarding", Person),
    ("PUT /api/v1/onboarding", Person),
    ("GET /api/v1/workflows", Person),
    ("GET /api/v1/workflows/{id}", Person),
    ("POST /api/v1/workflows/{id}/retry", Person),
    ("POST /api/v1/workflows/{id}/skip", Person),
    ("POST /api/v1/workflows/{id}/cancel", Person),
    ("GET /unsubscribe/{token}", Nothing),
    ("POST /unsubscribe/{token}", Nothing),
    ("GET /api/v1/webhooks", Person),
    ("POST /api/v1/webhooks", Person),
    ("GET /api/v1/webhooks/{id}", Person),
    ("PATCH /api/v1/webhooks/{id}", Person),
    ("DELETE /api/v1/webhooks/{id}", Person),
    ("GET /api/v1/webhooks/{id}/secret", Person),
    ("POST /api/v1/webhooks/{id}/test", Person),
    ("POST /api/v1/webhooks/{id}/resend", Person),
    ("POST /api/v1/webhooks/{id}/rotate", Person),
    ("POST /api/v1/webhooks/{id}/disable", Person),
    ("POST /api/v1/webhooks/{id}/enable", Person),
    ("GET /api/v1/webhook-deliveries", Person),
    ("GET /api/v1/webhook-deliveries/{id}", Person),
    ("GET /api/v1/keys", Person),
    ("POST /api/v1/keys", Person),
    ("GET /api/v1/keys/{id}", Person),
    ("DELETE /api/v1/keys/{id}", Person),
    ("POST /api/v1/keys/{id}/rotate", Person),
    ("GET /api/v1/links", Scope(ReportsRead)),
    ("POST /api/v1/links", Person),
    ("GET /api/v1/links/{code}", Scope(ReportsRead)),
    ("PATCH /api/v1/links/{code}", Scope(LinksWrite)),
    (
        "POST /api/v1/partners/{partner_id}/ban",
        Scope(PartnersWrite),
    ),
    (
        "POST /api/v1/partners/{partner_id}/unban",
        Scope(PartnersWrite),
    ),
    ("POST /api/v1/payments/request", Person),
    ("GET /api/v1/payouts", Person),
    ("GET /api/v1/payouts/{id}", Person),
    ("GET /api/v1/statements", Person),
    ("GET /api/v1/statements/{id}", Person),
    ("GET /api/v1/clicks", Scope(ReportsRead)),
    ("GET /api/v1/clicks/single", Person),
    ("POST /api/v1/links:batch", Person),
    ("GET /api/v1/links/{code}/qr", Scope(ReportsRead)),
    (
        "POST /api/v1/tracking/clicks/{click_id}/visitor",
        Scope(ConversionsWrite),
    ),
    ("POST /api/v1/tracking/events", Scope(ConversionsWrite)),
    ("POST /api/v1/erasures", Person),
    ("POST /api/v1/partners/{partner_id}/erase", Person),
    ("GET /api/v1/accounts", Person),
    ("POST /api/v1/accounts", Person),
    ("GET /api/v1/accounts/{id}", Person),
    ("GET /api/v1/accounts/{id}/entries", Person),
    ("GET /api/v1/billing", Person),
    ("POST /api/v1/billing", Person),
    ("PUT /api/v1/funds/warning", Person),
    ("GET /api/v1/deposits", Person),
    ("POST /api/v1/deposits", Person),
    ("GET /api/v1/deposits/{id}", Person),
    ("POST /api/v1/deposits/{id}/settle", Person),
    ("POST /api/v1/transfers", Person),
    ("GET /api/v1/withdrawals", Person),
    ("POST /api/v1/withdrawals", Person),
    ("GET /api/v1/withdrawals/{id}", Person),
    ("POST /api/v1/withdrawals/{id}/settle", Person),
    ("GET /api/v1/brands", Scope(ReportsRead)),
    ("GET /api/v1/brands/{brand_id}", Scope(ReportsRead)),
    ("PATCH /api/v1/brands/{brand_id}", Person),
    ("GET /api/v1/groups", Scope(ReportsRead)),
    ("POST /api/v1/groups", Person),
    ("GET /api/v1/groups/{id}", Scope(ReportsRead)),
    ("PATCH /api/v1/groups/{id}", Person),
    ("GET /api/v1/me", Key),
    ("GET /api/v1/partners", Scope(ReportsRead)),
    ("GET /api/v1/partners/{partner_id}", Scope(ReportsRead)),
    ("PATCH /api/v1/partners/{partner_id}", Person),
    ("POST /api/v1/partners/{partner_id}/group", Person),
];

const TRACKING: &[(&str, Needs)] = &[
    ("GET /api/v1/tracking/claims", Scope(ReportsRead)),
    ("GET /api/v1/tracking/claims/{claim_id}", Scope(ReportsRead)),
    (
        "POST /api/v1/tracking/claims/{claim_id}/accept",
        Scope(ClaimsWrite),
    ),
    (
        "POST /api/v1/tracking/claims/{claim_id}/decline",
        Scope(ClaimsWrite),
    ),
    ("GET /api/v1/tracking/clicks", Scope(ReportsRead)),
    ("GET /api/v1/tracking/clicks/single", Person),
    (
        "POST /api/v1/tracking/clicks/{click_id}/visitor",
        Scope(ConversionsWrite),
    ),
    ("POST /api/v1/tracking/erasures", Person),
    ("POST /api/v1/tracking/links:batch", Person),
    ("GET /api/v1/tracking/commands/{id}", Key),
    ("GET /api/v1/tracking/conversions", Scope(ReportsRead)),
    ("GET /api/v1/tracking/conversions/{id}", Scope(ReportsRead)),
    ("POST /api/v1/tracking/events", Scope(ConversionsWrite)),
    ("GET /api/v1/tracking/links", Scope(ReportsRead)),
    ("POST /api/v1/tracking/links", Person),
    ("GET /api/v1/tracking/links/{code}", Scope(ReportsRead)),
    ("PATCH /api/v1/tracking/links/{code}", Scope(LinksWrite)),
    ("GET /c/{code}", Nothing),
];

/// A key of `brand-mine` with these scopes, as campaign made it.
async fn key(service: &mut TestService, number: usize, scopes: &[ApiKeyScope]) -> String {
    let made = NewApiKey::generate().unwrap();
    let id = format!("key_{number}");
    let created: Body = ApiKeyCreatedV1 {
        brand_id: "brand-mine".parse().unwrap(),
        prefix: made.prefix().to_owned(),
        hash: made.hash().to_owned(),
        scopes: scopes.to_vec(),
        expires_at: None,
    }
    .into();
    let topic = Topic::CampaignEvents;
    service.deliver(topic, &id, &id, created).await;
    made.shown_for(made.hash()).unwrap()
}

/// The answer to a request of this route, whose path and body name nothing that is there.
async fn ask(service: &TestService, route: &str, key: &str) -> (StatusCode, Value) {
    let (method, path) = route.split_once(' ').unwrap();
    let url = format!("{}{}", service.base_url, filled_in(path));
    let request = service.client.request(method.parse().unwrap(), url);
    let request = request.bearer_auth(key);
    let request = if method == "GET" {
        request
    } else {
        let request = request.header("content-type", "application/json");
        request.body("{}")
    };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn hold(service: Service, table: &[(&str, Needs)], probe: &str) {
    let mut scene = Scene::of(service).await;
    let mut keys = Vec::new();
    for (number, scope) in ApiKeyScope::ALL.into_iter().enumerate() {
        keys.push((scope, key(&mut scene.service, number, &[scope]).await));
    }
    let (_, last) = keys.last().unwrap();
    until("the keys are known", || async {
        ask(&scene.service, probe, last).await.0 != StatusCode::UNAUTHORIZED
    })
    .await;
    let listed: BTreeMap<&str, Needs> = table.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for (route, operation) in documented(&scene).await {
        let needs = if is_operators(&route) {
            Person
        } else if let Some(needs) = listed.get(route.as_str()) {
            *needs
        } else {
            wrong.push(format!("{route} has no line in scopes.rs"));
            continue;
        };
        if stated(&operation) != needs {
            wrong.push(format!(
                "{route}: its document says {:?}",
                stated(&operation)
            ));
        }
        for (scope, key) in &keys {
            let (status, problem) = ask(&scene.service, &route, key).await;
            let detail = problem["detail"].as_str().unwrap_or_default();
            let lacks = detail.strip_prefix("the API key lacks the scope ");
            let fits = match needs {
                Nothing => true,
                Person => status == StatusCode::FORBIDDEN && detail.contains("for people"),
                Key => lacks.is_none() && status != StatusCode::UNAUTHORIZED,
                Scope(needed) if needed == *scope => {
                    lacks.is_none()
                        && status != StatusCode::UNAUTHORIZED
                        && !detail.contains("for people")
                }
                Scope(needed) => status == StatusCode::FORBIDDEN && lacks == Some(needed.name()),
            };
            if !fits {
                let scope = scope.name();
                wrong.push(format!(
                    "{route} by {scope}: {status} {detail}, not {needs:?}"
                ));
            }
        }
        seen.push(route);
    }
    for route in listed.keys() {
        if !seen.iter().any(|seen| seen == route) {
            wrong.push(format!("{route} is in scopes.rs and in no document"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    scene.service.stop().await;
}

/// What the document says that a key needs.
fn stated(operation: &Value) -> Needs {
    let ways = operation["security"].as_array().unwrap();
    if ways.is_empty() {
        return Nothing;
    }
    let Some(scopes) = ways.iter().find_map(|way| way.get("api_key")) else {
        return Person;
    };
    match scopes.as_array().unwrap().as_slice() {
        [] => Key,
        [scope] => Scope(ApiKeyScope::parse(scope.as_str().unwrap()).unwrap()),
        several => panic!("{several:?}"),
    }
}

#[tokio::test]
async fn at_the_bff_a_key_may_what_its_scopes_say() {
    hold(Service::Bff, BFF, "GET /api/v1/commands").await;
}

#[tokio::test]
async fn at_tracking_a_key_may_what_its_scopes_say() {
    hold(Service::Tracking, TRACKING, "GET /api/v1/tracking/links").await;
}

#[tokio::test]
async fn no_other_service_takes_a_key() {
    let made = NewApiKey::generate().unwrap();
    let key = made.shown_for(made.hash()).unwrap();
    for service in [
        Service::Campaign,
        Service::Commission,
        Service::Payment,
        Service::Notify,
    ] {
        let scene = Scene::of(service).await;
        for (route, operation) in documented(&scene).await {
            if stated(&operation) == Nothing {
                continue;
            }
            assert_eq!(stated(&operation), Person, "{service} {route}");
            let (status, problem) = ask(&scene.service, &route, &key).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{service} {route}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("takes no API keys"), "{service} {route}");
        }
        scene.service.stop().await;
    }
}
