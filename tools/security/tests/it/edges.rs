//! What a stranger can make a service do before it is known.

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::StatusCode;
use chassis::auth::Claims;
use runtime::testing::{PATIENCE, TestService, operator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::tokens::forge::{HEADER, ours, part};

/// The status of what is answered to a head alone, whose body never comes.
async fn answered_to_a_head(service: &TestService, method: &str, path: &str) -> String {
    let address = service.base_url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = stream.read_exact(&mut answer);
    let read = tokio::time::timeout(PATIENCE, read).await;
    match read {
        Ok(Ok(_)) => String::from_utf8_lossy(&answer[9..]).into_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "nothing: it waits for the body".to_owned(),
    }
}

#[tokio::test]
async fn no_body_is_read_of_whoever_shows_no_token() {
    for service in [
        TestService::start(bff::define).await,
        TestService::start(campaign::define).await,
        TestService::start(tracking::define).await,
    ] {
        let document = service.get("/openapi.json", &operator()).await.1;
        let mut writes = vec![("POST".to_owned(), "/internal/v1/messages".to_owned())];
        for (path, methods) in document["paths"].as_object().unwrap() {
            let methods = methods.as_object().unwrap().iter();
            let with_body =
                methods.filter(|(_, operation)| operation["requestBody"] != Value::Null);
            let path = path.replace("{id}", "x").replace("{campaign_id}", "x");
            writes.extend(with_body.map(|(method, _)| (method.to_uppercase(), path.clone())));
        }
        assert!(writes.len() > 2, "{writes:?}");
        for (method, path) in writes {
            let reported = answered_to_a_head(&service, &method, &path).await;
            assert_eq!(reported, "401", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_batch_is_bounded_and_whole_and_its_senders_own() {
    let bff = TestService::start(bff::define).await;
    let send = async |bytes: Vec<u8>| {
        let mut claims = json!(Claims::new("campaign", "campaign", "bff", 60));
        claims["body"] = part(digest(&SHA256, &bytes)).into();
        let token = ours(HEADER, claims.to_string());
        let url = format!("{}/internal/v1/messages", bff.base_url);
        let request = bff.client.post(url).bearer_auth(&token).body(bytes);
        request.send().await.unwrap().status()
    };
    assert_eq!(
        send(vec![0; 1_048_577]).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    // Lengths that claim more than is there, at each place where a length can stand.
    let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let batch =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/batch/s1")).unwrap();
    assert_eq!(
        send(batch.clone()).await,
        StatusCode::FORBIDDEN,
        "tracking's"
    );
    for at in 0..batch.len().min(40) {
        let malformed = [&batch[..at], &huge, &batch[at..]].concat();
        assert!(send(malformed).await.is_client_error(), "{at}");
        assert!(send(batch[..at].to_vec()).await.is_client_error(), "{at}");
    }
    let health = format!("{}/health", bff.base_url);
    let alive = bff.client.get(health).send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
}
