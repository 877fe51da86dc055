//! What operators see of the log and of the commands.

use std::time::Duration;

use axum::http::StatusCode;
use runtime::testing::{self, TestService, operator};
use serde_json::{Value, json};

use crate::app::{self, CAMPAIGNS};

/// The log.
pub const EVENTS: &str = "/api/v1/operator/campaign/events";
/// The commands.
pub const COMMANDS: &str = "/api/v1/operator/campaign/commands";

async fn positions(service: &TestService, query: &str) -> Vec<i64> {
    let page = app::get(service, &format!("{EVENTS}?{query}"), &operator()).await;
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["position"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn the_log_is_read_by_subject_type_request_and_position_both_ways_in_pages() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    app::active_campaign(&service, "camp2").await;

    assert_eq!(positions(&service, "").await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(
        positions(&service, "order=oldest").await,
        [1, 2, 3, 4, 5, 6]
    );
    assert_eq!(positions(&service, "subject=camp2").await, [6, 5, 4]);
    assert_eq!(
        positions(&service, "type=terms.published.v1&order=oldest").await,
        [2, 5]
    );
    assert_eq!(positions(&service, "from=4").await, [4, 3, 2, 1]);
    assert_eq!(positions(&service, "from=4&order=oldest").await, [4, 5, 6]);

    let event = app::get(&service, &format!("{EVENTS}/5"), &operator()).await;
    assert_eq!(event["message"]["type"], "terms.published.v1");
    assert_eq!(
        event["message"]["payload"]["terms_published_v1"]["version"], 1,
        "{event}"
    );
    assert_eq!(event["published"], true);
    let correlation = event["message"]["correlationid"].as_str().unwrap();
    assert_eq!(
        positions(&service, &format!("correlation_id={correlation}")).await,
        [5]
    );

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app::get(
            &service,
            &format!("{EVENTS}?order=oldest&limit=4{cursor}"),
            &operator(),
        )
        .await;
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["position"].as_i64().unwrap()),
        );
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);

    for wrong in ["order=up", "from=x", "correlation_id=1", "colour=red"] {
        let (status, _) = service.get(&format!("{EVENTS}?{wrong}"), &operator()).await;
        assert!(status.is_client_error(), "{wrong}: {status}");
    }
    let (status, _) = service.get(&format!("{EVENTS}/7"), &operator()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for path in [EVENTS, COMMANDS, "/api/v1/operator/campaign/events/live"] {
        let (status, _) = service.get(path, &testing::brand("brand1")).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
    service.stop().await;
}

#[tokio::test]
async fn the_command_log_shows_what_became_of_each_command() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let brand = testing::brand("brand1");
    app::post(
        &service,
        CAMPAIGNS,
        &brand,
        &app::campaign("camp1"),
        StatusCode::CONFLICT,
    )
    .await;

    let log = app::get(&service, COMMANDS, &operator()).await;
    let states: Vec<&Value> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["state"])
        .collect();
    assert_eq!(states, ["rejected", "done", "done", "done"]);
    let refused = &log["items"][0];
    assert_eq!(refused["code"], "campaign_exists");
    assert_eq!(refused["actor"], "brand1");
    assert_eq!(refused["events"][0]["type"], "command.rejected.v1");
    let first = &log["items"][3];
    assert_eq!(
        first["events"],
        json!([{ "position": 1, "type": "campaign.created.v1" }])
    );

    let some = |query: &str| format!("{COMMANDS}?{query}");
    for (query, expected) in [
        ("code=campaign_exists", 1),
        ("state=done", 3),
        ("state=parked", 0),
        ("actor=nobody", 0),
        ("type=campaign.create.command.v1", 2),
        ("subject=camp1&limit=200", 4),
    ] {
        let page = app::get(&service, &some(query), &operator()).await;
        assert_eq!(page["items"].as_array().unwrap().len(), expected, "{query}");
    }
    let id = first["command_id"].as_str().unwrap();
    let page = app::get(&service, &some(&format!("id={id}")), &operator()).await;
    assert_eq!(page["items"][0]["command_id"], id);
    service.stop().await;
}

/// Reads so many events of a stream and leaves it.
pub async fn listen(
    service: &TestService,
    query: &str,
    last: Option<i64>,
    count: usize,
) -> Vec<i64> {
    let url = format!("{}{EVENTS}/live?{query}", service.base_url);
    let mut request = service.client.get(url).bearer_auth(operator());
    if let Some(last) = last {
        request = request.header("last-event-id", last.to_string());
    }
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let (mut text, mut seen) = (String::new(), Vec::new());
    while seen.len() < count {
        let chunk = tokio::time::timeout(Duration::from_secs(90), answer.chunk()).await;
        text.push_str(&String::from_utf8_lossy(&chunk.unwrap().unwrap().unwrap()));
        seen = text
            .lines()
            .filter_map(|line| line.strip_prefix("id: ")?.parse().ok())
            .collect();
    }
    seen.truncate(count);
    seen
}

#[tokio::test]
async fn a_live_stream_catches_up_goes_on_and_resumes_without_gap_or_double() {
    let service = app::start().await;
    app::active_campaign(&service, "camp1").await;
    let mut seen = listen(&service, "after=0", None, 2).await;
    assert_eq!(seen, [1, 2]);
    // Cut off, it goes on behind what it saw last, through what is there into what comes.
    let resumed = listen(&service, "after=0", seen.last().copied(), 40);
    let writing = async {
        for number in 0..20 {
            app::active_campaign(&service, &format!("new{number}")).await;
        }
    };
    let (resumed, ()) = tokio::join!(resumed, writing);
    seen.extend(resumed);
    assert_eq!(seen, (1..=42).collect::<Vec<i64>>());
    let of_one = listen(&service, "after=0&subject=new3", None, 3).await;
    assert_eq!(of_one, [13, 14, 15]);

    let wrong = service
        .client
        .get(format!("{}{EVENTS}/live", service.base_url))
        .bearer_auth(operator())
        .header("last-event-id", "soon");
    assert_eq!(
        wrong.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    service.stop().await;
}
