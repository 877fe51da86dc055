//! Services with a second port for what is not for the public.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::{Mode, variable};
use devstack::stack::free_port;
use reqwest::{Response, StatusCode};
use schemas::Service;
use serde_json::{Value, json};

async fn ask(stack: &LocalStack, url: String) -> Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = stack.token(&["--role", "operator"]).unwrap();
    http.get(url).bearer_auth(token).send().await.unwrap()
}

async fn status(stack: &LocalStack, url: String) -> StatusCode {
    ask(stack, url).await.status()
}

/// The routes that the document at this port tells of.
async fn documented(stack: &LocalStack, url: &str) -> Vec<String> {
    let document = ask(stack, format!("{url}/openapi.json")).await;
    let document: Value = document.json().await.unwrap();
    document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

/// Tracking answers that at its second port alone, of which its own document says nothing.
async fn a_key_reads_clicks(stack: &mut LocalStack, bff: &str) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let brand = stack.token(&["--brand", "brand123"]).unwrap();
    let making = http.post(format!("{bff}/api/v1/keys")).bearer_auth(brand);
    let making = making.header("Prefer", "wait=20");
    let making = making.json(&json!({"scopes": ["reports.read"]}));
    let made: Value = making.send().await.unwrap().json().await.unwrap();
    let key = made["secret"].as_str().unwrap().to_owned();
    let settings = stack.settings_mut();
    let tracking = settings.admin_url(Service::Tracking).unwrap().to_owned();
    for url in [
        format!("{bff}/api/v1/clicks"),
        format!("{tracking}/api/v1/tracking/clicks"),
    ] {
        let answer = || http.get(&url).bearer_auth(&key).send();
        // Until it has heard of the key.
        let known = async {
            loop {
                let answer = answer().await.unwrap();
                if answer.status() != StatusCode::UNAUTHORIZED {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let answer = tokio::time::timeout(Duration::from_secs(20), known).await;
        let answer = answer.unwrap();
        let status = answer.status();
        assert_eq!(status, StatusCode::OK, "{url}: {:?}", answer.text().await);
    }
}

/// In http mode, so that every message between services goes to the second ports too: without, no demo would be loaded.
#[tokio::test]
async fn what_is_not_for_the_public_is_at_the_second_port_alone_where_services_and_the_console_find_it()
 {
    let mut stack = LocalStack::start(Mode::Http).await.unwrap();
    for service in Service::ALL {
        let url = format!("http://127.0.0.1:{}", free_port());
        stack
            .settings_mut()
            .set(variable(service, "ADMIN_URL"), url);
    }
    stack.start_again().await.unwrap();
    stack.load_demo().await.unwrap();
    for service in Service::ALL {
        let public = stack.url(service).unwrap().to_owned();
        let admin = stack.settings_mut().admin_url(service).unwrap().to_owned();
        for (path, at_public, at_admin) in [
            ("/health".to_owned(), true, true),
            ("/openapi.json".to_owned(), true, true),
            ("/ready".to_owned(), false, true),
            ("/metrics".to_owned(), false, true),
            (format!("/api/v1/operator/{service}/parked"), false, true),
            // Without a token of a service: 401.
            ("/internal/v1/watermarks".to_owned(), false, true),
        ] {
            for (url, is_there) in [(&public, at_public), (&admin, at_admin)] {
                let answer = status(&stack, format!("{url}{path}")).await;
                assert_eq!(
                    answer != StatusCode::NOT_FOUND,
                    is_there,
                    "{url}{path}: {answer}"
                );
            }
        }
    }
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let admin = stack
        .settings_mut()
        .admin_url(Service::Bff)
        .unwrap()
        .to_owned();
    // The console's pages for operators ask both kinds of routes where the console was opened.
    for path in ["/api/v1/balances", "/console/"] {
        for url in [&bff, &admin] {
            assert_eq!(status(&stack, format!("{url}{path}")).await, StatusCode::OK);
        }
    }
    // The bff's second port hands on to payment's, its first does not, nor does it tell of it.
    for path in ["parked", "payouts/switch"] {
        let path = format!("/api/v1/operator/payment/{path}");
        let handed_on = status(&stack, format!("{admin}{path}")).await;
        assert_eq!(handed_on, StatusCode::OK, "{path}");
        let public = status(&stack, format!("{bff}{path}")).await;
        assert_eq!(public, StatusCode::NOT_FOUND, "{path}");
    }
    a_key_reads_clicks(&mut stack, &bff).await;
    let routes = documented(&stack, &bff).await;
    assert!(routes.contains(&"/api/v1/balances".to_owned()));
    assert!(!routes.iter().any(|route| route.contains("/operator/")));
    let routes = documented(&stack, &admin).await;
    assert!(routes.contains(&"/api/v1/balances".to_owned()));
    assert!(
        routes
            .iter()
            .any(|route| route.contains("/operator/payment/"))
    );
}
