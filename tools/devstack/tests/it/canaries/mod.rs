//! Marked payment details and tokens go through the whole stack, by every way that fails too; then nothing that was
//! written, logged, sent or answered holds them, as they are or in another form.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod archives;
mod forms;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use devstack::stack::{Postgres, Pulsar};
use reqwest::{Method, StatusCode};
use schemas::Service;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, Row};
use tokio::time::Instant;

use crate::traffic::PATIENCE;
use crate::walk::is_final;

/// An e-mail address's part that is nobody's to see; its first letter and its domain may be shown.
const MAILBOX: &str = "qcanary7f3aq";
/// A visitor's id, and a client's note, which an erasure takes away.
const VISITOR: &str = "qvisitor7f3aq";
const NOTE: &str = "qnote7f3aq";
/// What a partner says of itself, shows and notes: to whom it is shown alone, and to nobody once it is erased.
const PERSON: &str = "qperson7f3aq";
/// What it calls where its systems are sent what happens: to be found in logs for good, and nowhere else once it is erased.
const HOOK: &str = "qhook7f3aq";
/// Account numbers of which only the last four may be shown.
const IBAN: &str = "DE75512108001245126199";
const WRONG_IBAN: &str = "DE76512108001245126199";
const HOLDER: &str = "Qanary Holder-7f3a";

#[tokio::test]
async fn marked_secrets_are_nowhere_in_hybrid_mode() {
    hold(Mode::Hybrid).await;
}

#[tokio::test]
async fn marked_secrets_are_nowhere_in_http_mode() {
    hold(Mode::Http).await;
}

async fn hold(mode: Mode) {
    let mut stack = LocalStack::start_with_broker(mode, &[]).await.unwrap();
    stack.settings_mut().set("LOG_LEVEL", "trace");
    stack.settings_mut().set("LOG_PARTITION_POSITIONS", "64");
    stack.start_again().await.unwrap();
    stack.load_demo().await.unwrap();
    let token = stack.token(&[]).unwrap();
    let operator = stack
        .token(&["--role", "operator", "--subject", "operator1"])
        .unwrap();
    let key = api_key(&stack).await;
    let secrets = Secrets::of(&stack, &[&token, &operator], &key);
    let mut walk = Walk {
        stack: &stack,
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        token,
        operator,
        key,
        heard: String::new(),
    };
    let shown = walk.everything().await;
    let heard = walk.heard;
    until_erased(&stack).await;
    archives::write_and_unpack(&stack);
    let tables = tables(&stack).await;
    for program in Program::START_ORDER.into_iter().rev() {
        program.stop(stack.layout());
    }
    // A stop writes out what is in memory only.
    let state = stack.layout().state.clone();
    Pulsar::stop_in(&state.join("pulsar"));
    Postgres::stop_in(&state.join("postgres"));

    // What may be seen is found everywhere: a search that finds nothing shows nothing.
    assert!(heard.contains(&shown) && tables.contains(&shown));
    let mut places = vec!["postgres", "logs", archives::UNPACKED];
    if mode == Mode::Hybrid {
        places.push("pulsar");
    }
    for place in &places {
        let seen = if *place == "logs" {
            "payments/request"
        } else {
            shown.as_str()
        };
        assert!(
            !holding(&state.join(place), &[seen.to_owned()]).is_empty(),
            "{place}"
        );
    }
    let forms = secrets.forms();
    let mut found = Vec::new();
    for (place, text) in [("an answer", &heard), ("a table", &tables)] {
        let lower = text.to_lowercase();
        let held = forms
            .iter()
            .filter(|form| lower.contains(&form.to_lowercase()));
        found.extend(held.map(|form| format!("{place} holds {form}: {}", around(&lower, form))));
    }
    // Answers have shown it while it was there; nothing else ever held it.
    assert!(heard.contains(PERSON));
    let person = forms::of(PERSON);
    if person.iter().any(|form| tables.contains(form)) {
        found.push("a table holds what a partner has said".to_owned());
    }
    for place in &places {
        let files = holding(&state.join(place), &person).into_iter();
        found.extend(files.map(|file| format!("{} holds what a partner has said", file.display())));
    }
    found.extend(holding_hooks(&tables));
    // A database's files hold what was deleted until they are written over.
    let note = [NOTE.to_owned()];
    if tables.contains(NOTE) {
        found.push("a table holds what was erased".to_owned());
    }
    for place in places.iter().filter(|place| **place != "postgres") {
        let files = holding(&state.join(place), &note).into_iter();
        found.extend(files.map(|file| format!("{} holds what was erased", file.display())));
    }
    for place in places {
        let files = holding(&state.join(place), &forms);
        found.extend(
            files
                .into_iter()
                .map(|file| format!("{} holds one", file.display())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Tables beside the logs that hold where an erased partner's systems were sent what happens. The logs do, and are found.
fn holding_hooks(tables: &str) -> Vec<String> {
    let hook = forms::of(HOOK);
    let holds = |line: &&str| {
        let lower = line.to_lowercase();
        hook.iter().any(|form| lower.contains(&form.to_lowercase()))
    };
    let (logs, others): (Vec<&str>, Vec<&str>) = tables
        .lines()
        .filter(holds)
        .partition(|line| line.starts_with("pipeline.message_log"));
    assert!(!logs.is_empty());
    let others = others.into_iter();
    others
        .map(|line| format!("a table holds an erased endpoint: {line}"))
        .collect()
}

/// What nobody may see.
struct Secrets(Vec<String>);

impl Secrets {
    fn of(stack: &LocalStack, tokens: &[&String], key: &str) -> Self {
        let mut secrets: Vec<String> = [MAILBOX, IBAN, WRONG_IBAN, HOLDER, VISITOR]
            .map(str::to_owned)
            .into();
        // A token's own part is its signature: header and claims are nobody's secret, and opened by no key.
        let signatures = tokens.iter().filter_map(|token| token.rsplit('.').next());
        secrets.extend(signatures.map(str::to_owned));
        // How it begins may be shown.
        secrets.extend(key.rsplit('_').next().map(str::to_owned));
        secrets.push(BAD_TOKEN.rsplit('.').next().unwrap().to_owned());
        let keys = ["JWT_SECRET_KEY", "INTERNAL_SECRET_KEY", "PAYMENT_DATA_KEY"];
        secrets.extend(
            keys.iter()
                .filter_map(|name| stack.settings().get(name))
                .map(str::to_owned),
        );
        Self(secrets)
    }

    fn forms(&self) -> Vec<String> {
        self.0.iter().flat_map(|secret| forms::of(secret)).collect()
    }
}

/// A key of a brand's system, made and shown as every key is.
async fn api_key(stack: &LocalStack) -> String {
    let url = format!("{}/api/v1/keys", stack.url(Service::Bff).unwrap());
    let brand = stack.token(&["--brand", "brand123"]).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(url)
        .bearer_auth(brand)
        .header("prefer", "wait=20");
    let request = request.json(&json!({"scopes": ["conversions.write"]}));
    let made: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(made["status"], "completed", "{made}");
    made["secret"].as_str().unwrap().to_owned()
}

/// Signed by nobody of ours.
const BAD_TOKEN: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.qcanarysignatureqcanarysignatureqcanarysign";

/// Files in a folder that hold any of these, in whichever case.
fn holding(folder: &Path, forms: &[String]) -> Vec<PathBuf> {
    let patterns = std::env::temp_dir().join(format!("canaries-{}", uuid::Uuid::now_v7()));
    std::fs::write(&patterns, forms.join("\n")).unwrap();
    let output = Command::new("grep")
        .env("LC_ALL", "C")
        // Servers' data are links to where they lie.
        .args(["--dereference-recursive", "--text", "--fixed-strings"])
        .args(["--ignore-case", "--files-with-matches", "--file"])
        .args([&patterns, folder])
        .output()
        .unwrap();
    std::fs::remove_file(&patterns).unwrap();
    let refusal = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{refusal}"
    );
    let files = String::from_utf8_lossy(&output.stdout);
    files.lines().map(PathBuf::from).collect()
}

fn around(text: &str, form: &str) -> String {
    let at = text.find(&form.to_lowercase()).unwrap_or(0);
    let from = text.floor_char_boundary(at.saturating_sub(80));
    text[from..text.ceil_char_boundary((at + 120).min(text.len()))].to_owned()
}

/// Tracking erases by and by, from a minute after on.
async fn until_erased(stack: &LocalStack) {
    let url = stack.database_url(Service::Tracking).unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let passes = "UPDATE pipeline.log_head SET clock_offset = clock_offset + 61000000";
    sqlx::query(passes).execute(&mut connection).await.unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        let left = sqlx::query_scalar("SELECT count(*) FROM erasures");
        let left: i64 = left.fetch_one(&mut connection).await.unwrap();
        if left == 0 {
            return;
        }
        assert!(Instant::now() < end, "{left} erasures are under way");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Everything in every table of every database.
async fn tables(stack: &LocalStack) -> String {
    let mut dump = String::new();
    for service in Service::ALL {
        let url = stack.database_url(service).unwrap();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let tables = sqlx::query(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
              WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
        );
        for table in tables.fetch_all(&mut connection).await.unwrap() {
            let name: String = table.get("name");
            let rows = format!("SELECT to_jsonb(t)::text AS row FROM {name} t");
            let rows = sqlx::query(sqlx::AssertSqlSafe(rows));
            for row in rows.fetch_all(&mut connection).await.unwrap() {
                dump.push_str(&name);
                dump.push_str(row.get("row"));
                dump.push('\n');
            }
        }
    }
    dump
}

struct Walk<'a> {
    stack: &'a LocalStack,
    http: reqwest::Client,
    token: String,
    operator: String,
    key: String,
    /// Every answer.
    heard: String,
}

impl Walk<'_> {
    fn url(&self, service: Service, path: &str) -> String {
        format!("{}{path}", self.stack.url(service).unwrap())
    }

    /// Sends everything everywhere; what is returned is a payout's id, which may be seen.
    async fn everything(&mut self) -> String {
        self.gave_addresses().await;
        let shown = self.paid().await;
        self.mailed().await;
        self.visited().await;
        self.came_and_went().await;
        self.refused().await;
        self.failing_provider().await;
        self.unreadable().await;
        self.strange_tokens().await;
        self.read_everything().await;
        self.others_come().await;
        shown
    }

    /// So much happens with others that what the logs have of these people stands in parts that are closed.
    async fn others_come(&mut self) {
        let own = std::mem::replace(&mut self.token, self.operator.clone());
        let mut number = 0;
        for service in archives::OF_PEOPLE {
            let (theirs, _) = archives::head(self.stack, service).await;
            let end = Instant::now() + PATIENCE;
            while archives::head(self.stack, service).await.1 < theirs {
                assert!(Instant::now() < end, "{service}'s log is not past {theirs}");
                number += 1;
                let other = format!("partners/other{number}");
                let country = json!({"country": "DE"});
                self.write(Service::Bff, Method::PATCH, &other, &country)
                    .await;
                let seen = json!({"user_id": format!("other{number}"), "event_type": "page_view"});
                self.write(Service::Bff, Method::POST, "tracking/events", &seen)
                    .await;
            }
        }
        self.token = own;
    }

    /// Where mail goes, said at each edge.
    async fn gave_addresses(&mut self) {
        let addresses = json!({"addresses": [{"address": format!("{MAILBOX}@example.com")}]});
        for (service, path) in [
            (Service::Notify, "notify/contacts/mail"),
            (Service::Bff, "contacts/mail"),
        ] {
            self.write(service, Method::PUT, path, &addresses).await;
        }
        self.until(Service::Bff, "/api/v1/contacts/mail", |list| {
            list["items"][0]["addresses"][0]["masked"] == "q***@example.com"
        })
        .await;
    }

    /// A mail was sent there, of which a developer sees where to.
    async fn mailed(&mut self) {
        let own = std::mem::replace(&mut self.token, self.operator.clone());
        self.until(Service::Bff, "/api/v1/mailbox", |list| {
            let mails = list["items"].as_array().into_iter().flatten();
            let mut to = mails.map(|mail| &mail["masked"]);
            to.any(|masked| masked == "q***@example.com")
        })
        .await;
        self.token = own;
    }

    async fn post(&mut self, service: Service, path: &str, body: String) -> (StatusCode, Value) {
        let request = self
            .http
            .post(self.url(service, path))
            .bearer_auth(&self.token);
        let request = request
            .header("content-type", "application/json")
            .body(body);
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), format!("{:?}", answer.headers()));
        let text = answer.text().await.unwrap();
        self.heard.push_str(&headers);
        self.heard.push_str(&text);
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn get(&mut self, service: Service, path: &str) -> Value {
        let request = self
            .http
            .get(self.url(service, path))
            .bearer_auth(&self.operator);
        let Ok(answer) = request.timeout(Duration::from_mins(1)).send().await else {
            return Value::Null;
        };
        let text = answer.text().await.unwrap_or_default();
        self.heard.push_str(&text);
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A request through the bff; its command's final status.
    async fn request(&mut self, body: &Value) -> Value {
        let path = "/api/v1/payments/request";
        let (status, taken) = self.post(Service::Bff, path, body.to_string()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
        let at = format!("/api/v1/commands/{}", taken["command_id"].as_str().unwrap());
        self.ended(&at).await
    }

    /// A command once it is final.
    async fn ended(&mut self, at: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let command = self.get(Service::Bff, at).await;
            if is_final(&command) {
                return command;
            }
            assert!(Instant::now() < end, "{command}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_payout(&mut self, id: &str, status: &str) {
        let end = Instant::now() + PATIENCE;
        let path = format!("/api/v1/payouts/{id}");
        while self.get(Service::Bff, &path).await["status"] != status {
            assert!(Instant::now() < end, "{id} is not {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// By the bff and at payment itself, to both kinds of accounts.
    async fn paid(&mut self) -> String {
        let done = self.request(&paypal("1.00")).await;
        assert_eq!(done["status"], "completed", "{done}");
        let shown = done["subject"].as_str().unwrap().to_owned();
        self.until_payout(&shown, "paid").await;
        let done = self.request(&bank("1.00", IBAN)).await;
        assert_eq!(done["status"], "completed", "{done}");
        for body in [paypal("1.00"), bank("1.00", IBAN)] {
            let path = "/api/v1/payment/payouts";
            let (status, made) = self.post(Service::Payment, path, body.to_string()).await;
            assert_eq!(status, StatusCode::CREATED, "{made}");
            let id = made["id"].as_str().unwrap().to_owned();
            self.until_payout(&id, "paid").await;
        }
        shown
    }

    /// A visitor comes by a link that names it, is bound to its click, and buys; then it is erased.
    async fn visited(&mut self) {
        let http = reqwest::Client::builder().no_proxy();
        let http = http.redirect(reqwest::redirect::Policy::none());
        let link = self.url(Service::Tracking, &format!("/c/demo100?user_id={VISITOR}"));
        let answer = http.build().unwrap().get(link).send().await.unwrap();
        let to = answer.headers()["location"].to_str().unwrap().to_owned();
        let click = to.split_once("click_id=").unwrap().1.to_owned();
        let own = std::mem::replace(&mut self.token, self.operator.clone());
        let sale = json!({"user_id": VISITOR, "event_type": "purchase", "amount": "1.00",
            "campaign_id": "camp100", "metadata": {"note": NOTE}});
        for (service, path, body) in [
            (
                Service::Bff,
                format!("tracking/clicks/{click}/visitor"),
                json!({"user_id": VISITOR}),
            ),
            (Service::Bff, "tracking/events".to_owned(), sale.clone()),
            (Service::Tracking, "tracking/events".to_owned(), sale),
            (
                Service::Bff,
                "erasures".to_owned(),
                json!({"brand_id": "brand123", "user_id": VISITOR}),
            ),
        ] {
            let path = format!("/api/v1/{path}");
            let (status, answer) = self.post(service, &path, body.to_string()).await;
            assert!(status.is_success(), "{path}: {status} {answer}");
            if service == Service::Bff {
                let id = answer["command_id"].as_str().unwrap();
                let done = self.ended(&format!("/api/v1/commands/{id}")).await;
                assert_eq!(done["status"], "completed", "{path}: {done}");
            }
        }
        self.token = own;
    }

    /// A partner says who it is, comes in, and shows something, at the bff and at campaign itself; each reads what the other took.
    /// Then it is erased.
    async fn came_and_went(&mut self) {
        let own = std::mem::replace(&mut self.token, self.operator.clone());
        let at = |service| match service {
            Service::Bff => ("partners", "evidence/upload", "evidence"),
            _ => (
                "campaign/partners",
                "campaign/evidence",
                "campaign/evidence",
            ),
        };
        for (service, partner) in [(Service::Bff, "canary1"), (Service::Campaign, "canary2")] {
            let (partners, evidence, _) = at(service);
            let known = json!({"name": PERSON, "website": format!("https://{PERSON}.example/")});
            let path = format!("{partners}/{partner}");
            self.write(service, Method::PATCH, &path, &known).await;
            let accept = match service {
                Service::Bff => "campaigns/camp100/accept",
                _ => "campaign/campaigns/camp100/accept",
            };
            let accepted = json!({"accepted_terms": true, "partner_id": partner, "metadata": {"note": PERSON}});
            self.write(service, Method::POST, accept, &accepted).await;
            let shown = json!({"campaign_id": "camp100", "partner_id": partner, "evidence_type": "photo",
                "file_url": format!("https://a.example/{PERSON}.jpg"), "metadata": {"note": PERSON}});
            self.write(service, Method::POST, evidence, &shown).await;
            let hook = json!({"partner_id": partner, "url": format!("https://{HOOK}.example/"), "description": HOOK, "kinds": []});
            self.write(Service::Bff, Method::POST, "webhooks", &hook)
                .await;
        }
        for erased in [false, true] {
            for service in [Service::Bff, Service::Campaign] {
                let (partners, _, evidence) = at(service);
                for partner in ["canary1", "canary2"] {
                    let name = if erased { Value::Null } else { json!(PERSON) };
                    let path = format!("/api/v1/{partners}/{partner}");
                    self.until(service, &path, |one| one["name"] == name).await;
                    let path = format!("/api/v1/{evidence}?partner_id={partner}");
                    self.until(service, &path, |list| {
                        list["items"][0]["file_url"].is_string() != erased
                    })
                    .await;
                    let path = format!("/api/v1/webhooks?partner_id={partner}");
                    self.until(Service::Bff, &path, |list| {
                        list["items"]
                            .as_array()
                            .is_some_and(|all| all.is_empty() == erased)
                    })
                    .await;
                }
            }
            if !erased {
                for (service, path) in [
                    (Service::Bff, "partners/canary1/erase"),
                    (Service::Campaign, "campaign/partners/canary2/erase"),
                ] {
                    self.write(service, Method::POST, path, &json!({})).await;
                }
            }
        }
        self.token = own;
    }

    /// Writes something, to its end.
    async fn write(&mut self, service: Service, method: Method, path: &str, body: &Value) {
        let path = format!("/api/v1/{path}");
        let request = self.http.request(method, self.url(service, &path));
        let answer = request
            .bearer_auth(&self.token)
            .json(body)
            .send()
            .await
            .unwrap();
        let (status, answer) = (answer.status(), answer.text().await.unwrap());
        self.heard.push_str(&answer);
        assert!(status.is_success(), "{path}: {status} {answer}");
        if service == Service::Bff {
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let id = answer["command_id"].as_str().unwrap();
            let done = self.ended(&format!("/api/v1/commands/{id}")).await;
            assert_eq!(done["status"], "completed", "{path}: {done}");
        }
    }

    async fn until(&mut self, service: Service, path: &str, holds: impl Fn(&Value) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = self.get(service, path).await;
            if holds(&seen) {
                return;
            }
            assert!(Instant::now() < end, "{path}: {seen}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// By the domain, and by the edges: wrong, misplaced, unknown, cut, coded, too long.
    async fn refused(&mut self) {
        let done = self.request(&paypal("99999.00")).await;
        assert_eq!(done["code"], "insufficient_balance", "{done}");
        let mut unknown = paypal("1.00");
        unknown["account_details"]["nickname"] = MAILBOX.into();
        let mut misplaced = paypal("1.00");
        misplaced["payment_method"] = IBAN.into();
        let mut as_amount = paypal("1.00");
        as_amount["amount"] = IBAN.into();
        let mut as_name = bank("1.00", IBAN);
        as_name[HOLDER] = IBAN.into();
        let mut other_names = bank("1.00", IBAN);
        other_names["account_details"] =
            json!({IBAN: HOLDER, format!("{MAILBOX}@mail.example"): IBAN});
        let mut not_text = bank("1.00", IBAN);
        not_text["account_details"] = json!([IBAN, HOLDER]);
        let spaced = "DE76 5121 0800 1245 1261 99";
        let mut bodies: Vec<String> = [
            bank("1.00", WRONG_IBAN),
            bank("1.00", spaced),
            unknown,
            misplaced,
            as_amount,
            as_name,
            other_names,
            not_text,
        ]
        .map(|body| body.to_string())
        .into();
        let whole = bank("1.00", IBAN).to_string();
        bodies.push(whole[..whole.len() - 3].to_owned());
        bodies.push(format!("{whole}{whole}"));
        bodies.push(whole.replace("1.00", "1.00\u{0}"));
        bodies.push(format!("{whole}{}", " ".repeat(70_000)));
        for body in bodies {
            for (service, path) in [
                (Service::Bff, "/api/v1/payments/request"),
                (Service::Payment, "/api/v1/payment/payouts"),
                (Service::Bff, "/api/v1/links"),
                (Service::Tracking, "/api/v1/tracking/links"),
                (Service::Bff, "/api/v1/payments/nowhere"),
            ] {
                let before = self.heard.len();
                let (status, answer) = self.post(service, path, body.clone()).await;
                let own = status == StatusCode::CREATED || status == StatusCode::ACCEPTED;
                assert!(own || status.is_client_error(), "{status} {answer}");
                assert!(self.heard.len() > before);
            }
        }
    }

    /// The provider refuses, breaks and hangs, before and after it has paid.
    async fn failing_provider(&mut self) {
        let control = format!(
            "{}/control",
            self.stack.settings().need("PAYOUT_PROVIDER_URL").unwrap()
        );
        for (fault, ends) in [
            ("refuse", "failed"),
            ("reject_before", "failed"),
            ("error_after", "paid"),
            ("fail_before", "paid"),
        ] {
            // What ends in `failed` fails every submission: others may still be on their way.
            let times = (ends == "paid").then_some(1);
            let change = json!({"fault": fault, "fault_times": times});
            let response = self.http.post(&control).json(&change).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{fault}");
            let done = self.request(&bank("1.00", IBAN)).await;
            assert_eq!(done["status"], "completed", "{done}");
            let id = done["subject"].as_str().unwrap().to_owned();
            self.until_payout(&id, ends).await;
        }
        let mended = json!({"fault": null});
        let response = self.http.post(&control).json(&mended).send().await;
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }

    /// Payment lost its keys: what the bff sealed cannot be opened, and is refused or becomes a dead letter.
    async fn unreadable(&mut self) {
        let url = self.stack.database_url(Service::Payment).unwrap();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let lost = "DELETE FROM aside.sealing_keys";
        sqlx::query(lost).execute(&mut connection).await.unwrap();
        let done = self.request(&bank("1.00", IBAN)).await;
        assert_ne!(done["status"], "completed", "{done}");
    }

    async fn strange_tokens(&mut self) {
        let expired = self.stack.token(&["--audience", "others"]).unwrap();
        for token in [BAD_TOKEN, &expired, IBAN, MAILBOX, &self.key] {
            for service in Service::ALL {
                for path in [
                    "/api/v1/commands",
                    "/api/v1/payment/payouts",
                    "/internal/v1/watermarks",
                ] {
                    let request = self.http.get(self.url(service, path)).bearer_auth(token);
                    let answer = request.send().await.unwrap().text().await.unwrap();
                    self.heard.push_str(&answer);
                }
            }
        }
    }

    /// Every list and probe that a service documents, operators' too.
    async fn read_everything(&mut self) {
        for service in Service::ALL {
            let document = self.get(service, "/openapi.json").await;
            for (path, methods) in document["paths"].as_object().unwrap() {
                let plain =
                    !path.contains('{') && !path.ends_with("/live") && !path.ends_with("/stream");
                if methods.get("get").is_some() && plain {
                    self.get(service, path).await;
                }
            }
            for probe in ["/metrics", "/ready", "/health"] {
                self.get(service, probe).await;
            }
        }
    }
}

fn paypal(amount: &str) -> Value {
    json!({"amount": amount, "currency": "USD", "payment_method": "paypal",
        "account_details": {"email": format!("{MAILBOX}@mail.example")}})
}

fn bank(amount: &str, iban: &str) -> Value {
    json!({"amount": amount, "currency": "USD", "payment_method": "bank_transfer",
        "account_details": {"iban": iban, "name": HOLDER}})
}
