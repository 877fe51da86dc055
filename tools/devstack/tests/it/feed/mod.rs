//! The live feed: whoever is cut off, and through restarts of the bff, hears of each event once and of none twice.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod readers;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use reqwest::{Response, StatusCode};
use schemas::{Service, Topic};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;

use crate::traffic::{PATIENCE, Shop};

/// A client that remembers the last id, as every client of server-sent events does.
struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
    cursor: Option<String>,
    heard: Vec<Value>,
    /// Of the block that is being read.
    block: BTreeMap<String, String>,
    rest: String,
}

impl Client {
    fn new(stack: &LocalStack, token: String, query: &str) -> Self {
        let bff = stack.url(Service::Bff).unwrap();
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            url: format!("{bff}/api/v1/events/stream{query}"),
            token,
            cursor: None,
            heard: Vec::new(),
            block: BTreeMap::new(),
            rest: String::new(),
        }
    }

    /// Connects, as often as it takes.
    async fn connect(&mut self) -> Response {
        self.rest.clear();
        self.block.clear();
        let end = Instant::now() + PATIENCE;
        loop {
            let mut request = self.http.get(&self.url).bearer_auth(&self.token);
            if let Some(cursor) = &self.cursor {
                request = request.header("last-event-id", cursor);
            }
            if let Ok(answer) = request.send().await
                && answer.status() == StatusCode::OK
            {
                return answer;
            }
            assert!(Instant::now() < end, "nobody answers");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Takes what comes until so many events more were heard, nothing came for this long, or the connection broke.
    async fn listen(&mut self, answer: &mut Response, count: usize, silence: Duration) {
        let until = self.heard.len() + count;
        while self.heard.len() < until {
            match tokio::time::timeout(silence, answer.chunk()).await {
                Ok(Ok(Some(bytes))) => self.take(std::str::from_utf8(&bytes).unwrap(), until),
                _ => return,
            }
        }
    }

    /// Takes what comes until so many were heard in all, by as many connections as that takes.
    async fn hear(&mut self, answer: &mut Response, count: usize) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = count.saturating_sub(self.heard.len());
            self.listen(answer, left, Duration::from_secs(2)).await;
            if self.heard.len() >= count {
                return;
            }
            assert!(Instant::now() < end, "{} of {count}", self.heard.len());
            *answer = self.connect().await;
        }
    }

    /// What comes behind the last that is wanted is lost, as on a connection that is cut.
    fn take(&mut self, text: &str, until: usize) {
        self.rest.push_str(text);
        while let Some((line, rest)) = self.rest.split_once('\n') {
            let (line, rest) = (line.to_owned(), rest.to_owned());
            self.rest = rest;
            if let Some((name, value)) = line.split_once(": ") {
                self.block.insert(name.to_owned(), value.to_owned());
            } else if line.is_empty() {
                let block = std::mem::take(&mut self.block);
                if let Some(id) = block.get("id") {
                    self.cursor = Some(id.clone());
                }
                if let Some(data) = block.get("data") {
                    let data: Value = serde_json::from_str(data).unwrap();
                    assert_eq!(data["type"], block["event"].as_str());
                    self.heard.push(data);
                }
                if self.heard.len() >= until {
                    return;
                }
            }
        }
    }

    fn ids(&self) -> Vec<&str> {
        let ids = self.heard.iter().map(|event| event["id"].as_str().unwrap());
        ids.collect()
    }
}

/// The ids of all public events behind these positions, in the order of each log, by topic.
async fn stated(stack: &LocalStack, behind: &BTreeMap<&str, i64>) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for topic in Topic::ALL.into_iter().filter(|topic| !topic.is_commands()) {
        let url = stack.database_url(topic.owner()).unwrap();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id::text FROM pipeline.message_log WHERE topic = $1 AND position > $2 ORDER BY position",
        )
        .bind(topic.name())
        .bind(behind.get(topic.name()).copied().unwrap_or(0))
        .fetch_all(&mut connection)
        .await
        .unwrap();
        all.insert(topic.name().to_owned(), ids);
    }
    all
}

async fn heads(stack: &LocalStack) -> BTreeMap<&'static str, i64> {
    let mut heads = BTreeMap::new();
    for topic in Topic::ALL.into_iter().filter(|topic| !topic.is_commands()) {
        let url = stack.database_url(topic.owner()).unwrap();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let head = sqlx::query_scalar("SELECT position FROM pipeline.log_head");
        heads.insert(topic.name(), head.fetch_one(&mut connection).await.unwrap());
    }
    heads
}

/// Until the bff has folded all that is in the logs.
async fn settle(stack: &LocalStack) {
    let token = stack.token(&["--role", "operator"]).unwrap();
    let end = Instant::now() + PATIENCE;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut before, mut same) = (Value::Null, 0);
    // For longer than a consumer takes that opens anew.
    while same < 40 {
        let url = format!(
            "{}/api/v1/commands?limit=1",
            stack.url(Service::Bff).unwrap()
        );
        let _ = http.get(url).bearer_auth(&token).send().await;
        let now = json!(heads(stack).await);
        same = if now == before { same + 1 } else { 0 };
        before = now;
        assert!(Instant::now() < end, "it does not settle");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_hundred_cut_connections_and_five_restarts_there_is_no_gap_and_no_repeat() {
    let stack = LocalStack::start(Mode::Event).await.unwrap();
    stack.load_demo().await.unwrap();
    settle(&stack).await;
    let behind = heads(&stack).await;
    let operator = stack.token(&["--role", "operator"]).unwrap();
    let mut client = Client::new(&stack, operator, "");
    let mut answer = at_its_place(&mut client).await;
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let shop = Shop::new(&stack, "feed", vec![bff]);
    let buying = async {
        for _ in 0..120 {
            shop.buy().await;
        }
    };
    let cutting = async {
        for cut in 1..=100 {
            if cut % 20 == 0 {
                stack.restart(Program::Service(Service::Bff)).await.unwrap();
            }
            // The connection of before is cut by this.
            answer = client.connect().await;
            let silence = Duration::from_millis(300);
            client.listen(&mut answer, 1 + cut % 7, silence).await;
        }
    };
    tokio::join!(buying, cutting);
    settle(&stack).await;
    let stated = stated(&stack, &behind).await;
    let count: usize = stated.values().map(Vec::len).sum();
    assert!(count >= 360, "{count}");
    client.hear(&mut answer, count).await;
    // And nothing more comes.
    client.listen(&mut answer, 1, Duration::from_secs(1)).await;
    let heard: HashSet<&str> = client.ids().into_iter().collect();
    assert_eq!(client.heard.len(), heard.len(), "nothing twice");
    for (topic, ids) in &stated {
        let of_topic: Vec<&str> = client
            .ids()
            .into_iter()
            .filter(|id| ids.iter().any(|it| it == id))
            .collect();
        assert_eq!(&of_topic, ids, "{topic}: each, in its log's order");
    }
    assert_eq!(heard.len(), count);
}

/// Connects, and waits until it has a cursor.
async fn at_its_place(client: &mut Client) -> Response {
    let mut answer = client.connect().await;
    while client.cursor.is_none() {
        let bytes = answer.chunk().await.unwrap().unwrap();
        client.take(std::str::from_utf8(&bytes).unwrap(), 1);
    }
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_back_while_a_service_is_away_hears_of_all_others_and_then_of_that_one() {
    let stack = LocalStack::start(Mode::Event).await.unwrap();
    stack.load_demo().await.unwrap();
    settle(&stack).await;
    let behind = heads(&stack).await;
    let token = stack.token(&["--role", "operator"]).unwrap();
    let mut client = Client::new(&stack, token.clone(), "");
    drop(at_its_place(&mut client).await);

    // Of each service something that it has not heard of, and one is away when it comes back.
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let changed = http
        .patch(format!("{bff}/api/v1/campaigns/camp123"))
        .bearer_auth(&token)
        .header("prefer", "wait=30")
        .json(&json!({"name": "Renamed while nobody listens"}));
    assert_eq!(changed.send().await.unwrap().status(), StatusCode::OK);
    let shop = Shop::new(&stack, "away", vec![bff]);
    shop.buy().await;
    settle(&stack).await;
    stack.kill(Program::Service(Service::Campaign)).unwrap();
    let mut answer = client.connect().await;
    shop.buy().await;
    let kinds = [
        "conversion.attributed.v1",
        "commission.calculated.v1",
        "ledger.posted.v1",
    ];
    let end = Instant::now() + PATIENCE;
    let is_of = |event: &Value, kind: &str| event["type"] == kind;
    while kinds
        .iter()
        .any(|kind| client.heard.iter().filter(|it| is_of(it, kind)).count() < 2)
    {
        client
            .listen(&mut answer, 1, Duration::from_millis(500))
            .await;
        assert!(Instant::now() < end, "{:?}", client.heard);
    }
    let of_campaign = "campaign.changed.v1";
    assert!(!client.heard.iter().any(|it| is_of(it, of_campaign)));
    stack.start_again().await.unwrap();
    while !client.heard.iter().any(|it| is_of(it, of_campaign)) {
        client
            .listen(&mut answer, 1, Duration::from_millis(500))
            .await;
        assert!(Instant::now() < end, "{:?}", client.heard);
    }
    settle(&stack).await;
    let stated = stated(&stack, &behind).await;
    let count = stated.values().map(Vec::len).sum();
    client.hear(&mut answer, count).await;
    client.listen(&mut answer, 1, Duration::from_secs(1)).await;
    for (topic, ids) in stated {
        let of_topic = client.ids().into_iter();
        let of_topic: Vec<&str> = of_topic
            .filter(|id| ids.iter().any(|it| it == id))
            .collect();
        assert_eq!(of_topic, ids, "{topic}: each once, in its log's order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_hears_of_its_own_and_of_what_it_asks_for() {
    let stack = LocalStack::start(Mode::Event).await.unwrap();
    stack.load_demo().await.unwrap();
    settle(&stack).await;
    let own = stack.token(&[]).unwrap();
    let other = stack.token(&["--partner", "partner9"]).unwrap();
    let brand = stack.token(&["--brand", "brand123"]).unwrap();
    let calculated = "?type=commission.calculated.v1";
    let mut clients = [
        Client::new(&stack, own.clone(), ""),
        Client::new(&stack, own, calculated),
        Client::new(&stack, other, ""),
        Client::new(&stack, brand, calculated),
    ];
    let mut answers = Vec::new();
    for client in &mut clients {
        answers.push(at_its_place(client).await);
    }
    let bff = stack.url(Service::Bff).unwrap().to_owned();
    let shop = Shop::new(&stack, "own", vec![bff]);
    let mut bought = Vec::new();
    for _ in 0..3 {
        bought.push(shop.buy().await);
    }
    shop.wait_for(&bought).await;
    for ((client, answer), count) in clients.iter_mut().zip(&mut answers).zip([9, 3, 0, 3]) {
        client.hear(answer, count).await;
        // And nothing more comes.
        client.listen(answer, 1, Duration::from_secs(1)).await;
    }
    let kinds = |client: &Client| {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for event in &client.heard {
            *kinds
                .entry(event["type"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        kinds
    };
    let [own, wanted, other, brand] = &clients;
    let three = |names: &[&str]| -> BTreeMap<String, usize> {
        names.iter().map(|name| ((*name).to_owned(), 3)).collect()
    };
    let all = [
        "commission.calculated.v1",
        "conversion.attributed.v1",
        "ledger.posted.v1",
    ];
    assert_eq!(kinds(own), three(&all));
    assert_eq!(kinds(wanted), three(&all[..1]));
    assert_eq!(kinds(other), BTreeMap::new());
    assert_eq!(kinds(brand), three(&all[..1]));
}
