//! The walk, in every mode, against real processes: accept, evidence, payout, purchase, and all of it again.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::hmac;
use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use reqwest::{Method, StatusCode};
use schemas::Service;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;

use crate::traffic::PATIENCE;

#[tokio::test]
async fn the_walk_is_true_in_http_mode_and_again() {
    walk_twice(Mode::Http).await;
}

#[tokio::test]
async fn the_walk_is_true_in_event_mode_and_again() {
    walk_twice(Mode::Event).await;
}

#[tokio::test]
async fn the_walk_is_true_in_hybrid_mode_and_again() {
    walk_twice(Mode::Hybrid).await;
}

#[tokio::test]
async fn the_walk_is_true_at_a_broker_and_a_database_that_speak_tls() {
    let stack = LocalStack::start_managed(Mode::Hybrid).await.unwrap();
    walk_twice_on(&stack, Mode::Hybrid).await;
    let url = stack.database_url(Service::Payment).unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let (encrypted, open): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl)
           FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'payment'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(encrypted > 1 && open == 0, "{encrypted} and {open}");
}

#[tokio::test]
async fn a_demo_whose_campaign_is_there_and_nothing_else_is_loaded_to_its_end() {
    let stack = LocalStack::start(Mode::Http).await.unwrap();
    let mut walker = Walker::new(&stack, Mode::Http);
    walker.token = stack.token(&["--brand", "brand123"]).unwrap();
    let campaign = json!({"campaign_id": "camp100", "name": "Demo", "currency": "USD",
        "allowed_hosts": ["shop.example.com"]});
    let created = walker.write("campaigns", campaign).await;
    assert_eq!(created["status"], "completed", "{created}");
    stack.load_demo().await.unwrap();
    stack.load_demo().await.unwrap();
}

#[tokio::test]
async fn what_a_partner_reports_on_its_own_click_is_payable_when_its_brand_reports_it() {
    let stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    stack.load_demo().await.unwrap();
    let walker = Walker::new(&stack, Mode::Hybrid);
    let shop = stack.token(&["--brand", "brand123"]).unwrap();
    for (number, door) in [Service::Bff, Service::Tracking].into_iter().enumerate() {
        let sale = json!({"user_id": "user123", "event_type": "purchase", "amount": "10000.00",
                          "order_id": format!("claimed-{number}")});
        let earned = walker.payable().await;
        walker.claim(door, &sale).await;
        let status = |status: &str| format!("claims?status={status}");
        until("the claim is shown", || async {
            walker.count(&status("open")).await == 1
        })
        .await;
        assert_eq!(walker.payable().await, earned, "a claim earns nothing");

        let reported = walker
            .write_as(&shop, "tracking/events", sale.clone())
            .await;
        assert_eq!(reported["status"], "completed", "{reported}");
        until("the sale is paid for", || async {
            walker.payable().await == earned + 1_000
        })
        .await;
        until("the claim is settled", || async {
            walker.count(&status("settled")).await == number + 1
        })
        .await;
        walker.claim(door, &sale).await;
        assert_eq!(walker.count(&status("open")).await, 0);
        assert_eq!(walker.count("commissions").await, number + 2);
    }

    let sale = json!({"user_id": "user123", "event_type": "purchase", "amount": "50.00", "order_id": "claimed-2"});
    walker.claim(Service::Bff, &sale).await;
    let open = walker.read("claims?status=open").await;
    let id = open["items"][0]["id"].as_str().unwrap();
    let accept = format!("claims/{id}/accept");
    let accepted = walker.write_as(&shop, &accept, json!({})).await;
    assert_eq!(accepted["status"], "completed", "{accepted}");
    until("the accepted claim is paid for", || async {
        walker.payable().await == 200 + 2 * 1_000 + 5
    })
    .await;
}

#[tokio::test]
async fn a_shops_server_reports_sales_by_its_key_and_does_nothing_else_in_hybrid_mode() {
    by_key(Mode::Hybrid).await;
}

#[tokio::test]
async fn a_shops_server_reports_sales_by_its_key_and_does_nothing_else_in_event_mode() {
    by_key(Mode::Event).await;
}

async fn by_key(mode: Mode) {
    let stack = LocalStack::start(mode).await.unwrap();
    stack.load_demo().await.unwrap();
    let walker = Walker::new(&stack, mode);
    let brand = stack.token(&["--brand", "brand123"]).unwrap();
    let doors: &[Service] = match mode {
        Mode::Event => &[Service::Bff],
        _ => &[Service::Bff, Service::Tracking],
    };
    let created = walker.make_key(&brand).await;
    let (id, first) = (
        created["key_id"].as_str().unwrap(),
        created["secret"].as_str().unwrap(),
    );
    for door in doors {
        walker.opens(*door, first, StatusCode::CREATED).await;
    }
    let path = format!("keys/{id}");
    let rotated = walker
        .answered(Method::POST, &format!("{path}/rotate"), &brand)
        .await;
    let key = rotated["secret"].as_str().unwrap();
    for door in doors {
        walker.opens(*door, key, StatusCode::CREATED).await;
        walker.opens(*door, first, StatusCode::UNAUTHORIZED).await;
    }

    for (number, door) in doors.iter().enumerate() {
        let earned = walker.payable().await;
        let sale = json!({"user_id": "user123", "event_type": "purchase", "amount": "100.00",
                          "order_id": format!("by-key-{number}")});
        let (status, taken) = walker.report(*door, key, &sale).await;
        assert!(status.is_success(), "{taken}");
        until("the commission is payable", || async {
            walker.payable().await == earned + 10
        })
        .await;
    }
    let shown = walker.read_as(&brand, "conversions").await;
    assert_eq!(shown["items"][0]["verified_by"], "brand", "{shown}");
    walker
        .a_signed_visit_earns(doors[0], &rotated, &brand)
        .await;
    for list in ["payouts", "commissions", "keys"] {
        let answer = walker.http.get(walker.bff(list)).bearer_auth(key);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{list}");
    }

    let kept = walker.read_as(&brand, &path).await;
    assert_eq!(kept["prefix"], rotated["prefix"]);
    assert!(kept["last_used_at"].is_string(), "{kept}");
    walker.answered(Method::DELETE, &path, &brand).await;
    for door in doors {
        walker.opens(*door, key, StatusCode::UNAUTHORIZED).await;
    }
}

#[tokio::test]
async fn with_the_bff_alone_a_brand_decides_who_comes_in_and_stops_what_it_began() {
    let stack = LocalStack::start(Mode::Event).await.unwrap();
    let mut walker = Walker::new(&stack, Mode::Event);
    walker.token = stack.token(&["--partner", "partner7"]).unwrap();
    let shop = stack.token(&["--brand", "brand7"]).unwrap();
    let stranger = stack.token(&["--brand", "brand8"]).unwrap();
    let (yes, no) = (json!({"accepted_terms": true}), json!({}));
    let campaign = json!({"campaign_id": "camp7", "name": "Seven", "currency": "USD", "join": "approval",
        "allowed_hosts": ["shop.example.com"], "fallback_url": "https://shop.example.com/later"});
    let terms = json!({"text": "Be honest.", "window_days": 30, "plan": {"sale": {"bps": 1000}, "hold_days": 0}});
    let of_campaign = |step: &str| format!("campaigns/camp7/{step}");
    for (path, body) in [
        ("campaigns", campaign),
        ("campaigns/camp7/terms", terms),
        ("campaigns/camp7/activate", no.clone()),
    ] {
        walker.done(&shop, path, body).await;
    }
    let link = json!({"campaign_id": "camp7", "code": "seven", "target_url": "https://shop.example.com/shoes"});
    until("the partner finds the campaign and its terms", || async {
        let found = walker.read("campaigns?status=active").await;
        let terms = walker.read("campaigns/camp7/terms").await;
        found["items"][0]["id"] == "camp7"
            && terms["items"][0]["plan"]["sale"]["bps"] == 1000
            && terms["items"][0]["text"] == "Be honest."
    })
    .await;
    let applied = walker.write(&of_campaign("accept"), yes.clone()).await;
    assert_eq!(applied["status"], "completed", "{applied}");
    let early = walker.write("links", link.clone()).await;
    assert_eq!(early["code"], "not_enrolled", "{early}");
    let why = json!({"reason": "needs_more_detail"});
    let reject = of_campaign("partners/partner7/reject");
    walker.done(&shop, &reject, why).await;
    until("the reason is shown", || async {
        let list = walker.read("enrollments").await;
        list["items"][0]["reason"] == "needs_more_detail"
    })
    .await;
    walker.write(&of_campaign("accept"), yes).await;
    let approve = of_campaign("partners/partner7/approve");
    let refused = walker.write_as(&stranger, &approve, no.clone()).await;
    assert_eq!(refused["code"], "campaign_unknown", "{refused}");
    walker.done(&shop, &approve, no.clone()).await;
    until("tracking knows of the approval", || async {
        walker.write("links", link.clone()).await["code"] != "not_enrolled"
    })
    .await;

    walker.people_are_known(&shop, "camp7").await;
    let leads_to = async |expected: &str| {
        until(expected, || async {
            let location = walker.location("seven").await;
            location.split("?click_id=").next() == Some(expected)
        })
        .await;
    };
    leads_to("https://shop.example.com/shoes").await;
    walker.done(&shop, &of_campaign("pause"), no.clone()).await;
    leads_to("https://shop.example.com/later").await;
    walker.done(&shop, &of_campaign("resume"), no.clone()).await;
    leads_to("https://shop.example.com/shoes").await;
    let location = walker.location("seven").await;
    let bind = location.split_once("?click_id=").unwrap().1;
    let bind = format!("tracking/clicks/{bind}/visitor");
    let visitor = json!({"user_id": "user7"});
    let refused = walker.write_as(&stranger, &bind, visitor.clone()).await;
    assert_eq!(refused["code"], "click_unknown", "{refused}");
    walker.done(&shop, &bind, visitor).await;
    let refused = walker
        .write_as(&shop, &bind, json!({"user_id": "user8"}))
        .await;
    assert_eq!(refused["code"], "click_bound", "{refused}");
    let (token, claimed) = (
        walker.token.clone(),
        walker.claims_what_earns_nothing(&shop).await,
    );
    let left = of_campaign("leave");
    walker.done(&token, &left, no).await;
    leads_to("https://shop.example.com/later").await;
    // What came before counts.
    let sale =
        json!({"user_id": "user7", "event_type": "purchase", "amount": "100.00", "order_id": "o7"});
    walker.done(&shop, "tracking/events", sale).await;
    until(
        "the sale is paid for, and the claim settled by it",
        || async {
            let list = walker.read("balances").await;
            list["items"][0]["accounts"]["payable"] == "10.00"
                && walker.count("claims?status=settled").await == 1
        },
    )
    .await;
    walker.done(&token, "tracking/events", claimed).await;
    assert_eq!(walker.count("claims?status=open").await, 0);
    assert_eq!(walker.count("claims").await, 1);
    let payout = json!({"amount": "10.00", "currency": "USD", "payment_method": "paypal",
        "account_details": {"email": "seven@example.com"}});
    walker.done(&token, "payments/request", payout).await;
    walker.sees_all_that_came_of_it().await;
}

#[tokio::test]
async fn with_the_bff_alone_a_brand_bans_a_partner_from_its_own_campaigns_and_an_operator_from_all()
{
    let stack = LocalStack::start(Mode::Event).await.unwrap();
    let mut walker = Walker::new(&stack, Mode::Event);
    walker.token = stack.token(&["--partner", "partner7"]).unwrap();
    let operator = stack.token(&["--role", "operator"]).unwrap();
    let (yes, no) = (json!({"accepted_terms": true}), json!({}));
    let mut brands = Vec::new();
    for name in ["a", "b"] {
        let brand = stack.token(&["--brand", &format!("brand-{name}")]).unwrap();
        let campaign = json!({"campaign_id": format!("camp-{name}"), "name": name, "currency": "USD",
            "allowed_hosts": ["shop.example.com"], "fallback_url": "https://shop.example.com/later"});
        let terms = json!({"text": "Be honest.", "window_days": 30, "plan": {"sale": {"bps": 1000}, "hold_days": 0}});
        let of_campaign = |step: &str| format!("campaigns/camp-{name}/{step}");
        walker.done(&brand, "campaigns", campaign).await;
        walker.done(&brand, &of_campaign("terms"), terms).await;
        walker
            .done(&brand, &of_campaign("activate"), no.clone())
            .await;
        let accepted = walker.write(&of_campaign("accept"), yes.clone()).await;
        assert_eq!(accepted["status"], "completed", "{accepted}");
        let link = json!({"campaign_id": format!("camp-{name}"), "code": name, "target_url": "https://shop.example.com/shoes"});
        let linked = walker.write("links", link).await;
        assert_eq!(linked["status"], "completed", "{linked}");
        brands.push(brand);
    }
    let leads_to = async |code: &str, page: &str| {
        let expected = format!("https://shop.example.com/{page}");
        until(&expected, || async {
            let location = walker.location(code).await;
            location.split("?click_id=").next() == Some(&*expected)
        })
        .await;
    };
    leads_to("a", "shoes").await;
    let (ban, unban) = ("partners/partner7/ban", "partners/partner7/unban");
    let why = json!({"reason": "terms_violated"});
    walker.done(&brands[0], ban, why.clone()).await;
    leads_to("a", "later").await;
    leads_to("b", "shoes").await;
    let refused = walker.write("campaigns/camp-a/accept", yes.clone()).await;
    assert_eq!(refused["code"], "partner_banned", "{refused}");
    until("the partner reads of its ban", || async {
        let list = walker.read("bans").await;
        list["items"][0]["brand_id"] == "brand-a" && list["items"][0]["status"] == "banned"
    })
    .await;
    walker.done(&operator, ban, why).await;
    leads_to("b", "later").await;
    walker.done(&brands[0], unban, no.clone()).await;
    let refused = walker.write("campaigns/camp-a/accept", yes).await;
    assert_eq!(refused["code"], "partner_banned", "{refused}");
    walker.done(&operator, unban, no).await;
    for code in ["a", "b"] {
        leads_to(code, "shoes").await;
    }
}

async fn walk_twice(mode: Mode) {
    let stack = LocalStack::start(mode).await.unwrap();
    walk_twice_on(&stack, mode).await;
}

pub async fn walk_twice_on(stack: &LocalStack, mode: Mode) {
    stack.load_demo().await.unwrap();
    // What `start.sh` does when it is run again.
    stack.load_demo().await.unwrap();
    let walker = Walker::new(stack, mode);

    let accepted = walker.accept().await;
    assert_eq!(accepted["status"], "completed", "{accepted}");
    walker
        .assert_logged("enrollment.accepted.v1", &accepted)
        .await;
    let evidence = walker.upload_evidence().await;
    assert_eq!(evidence["status"], "completed", "{evidence}");
    let payout = walker.request_payout().await;
    assert_eq!(payout["status"], "completed", "{payout}");
    until("the payout is paid", || async {
        walker.read("payouts").await["items"][0]["status"] == "paid"
    })
    .await;
    walker.purchase().await;
    until("two commissions", || async {
        walker.commissions().await == 2
    })
    .await;

    let again = walker.accept().await;
    assert_eq!(
        (&again["status"], &again["code"]),
        (&json!("rejected"), &json!("already_accepted"))
    );
    let again = walker.upload_evidence().await;
    assert_eq!(
        (&again["status"], &again["code"]),
        (&json!("rejected"), &json!("already_submitted"))
    );
    let again = walker.request_payout().await;
    assert_eq!(
        (&again["status"], &again["code"]),
        (&json!("rejected"), &json!("insufficient_balance"))
    );
    walker.purchase().await;
    until("three commissions", || async {
        walker.commissions().await == 3
    })
    .await;
    assert_eq!(
        walker.read("payouts").await["items"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "no double pay"
    );
}

/// A client of the bff that waits for outcomes.
pub struct Walker<'a> {
    stack: &'a LocalStack,
    mode: Mode,
    pub http: reqwest::Client,
    pub token: String,
}

impl<'a> Walker<'a> {
    pub fn new(stack: &'a LocalStack, mode: Mode) -> Self {
        Self {
            stack,
            mode,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            token: stack.token(&[]).unwrap(),
        }
    }

    pub fn bff(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.stack.url(Service::Bff).unwrap())
    }

    async fn read(&self, path: &str) -> Value {
        self.read_as(&self.token, path).await
    }

    pub async fn read_as(&self, token: &str, path: &str) -> Value {
        self.get(token, path).await.1
    }

    /// The status of what is answered, with its body.
    pub async fn get(&self, token: &str, path: &str) -> (StatusCode, Value) {
        let request = self.http.get(self.bff(path));
        let answer = request.bearer_auth(token).send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap())
    }

    /// What is answered with 200, once it fits.
    pub async fn read_until(
        &self,
        token: &str,
        path: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let (status, body) = self.get(token, path).await;
            if status == StatusCode::OK && fits(&body) {
                return body;
            }
            assert!(Instant::now() < end, "{path}: {status} {body:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What must be there, once every service has answered: a machine with much to do may take longer than one is waited for.
    pub async fn read_whole(&self, token: &str, path: &str) -> Value {
        let is_whole = |body: &Value| body["missing"].as_array().is_none_or(Vec::is_empty);
        self.read_until(token, path, is_whole).await
    }

    /// A write through the bff: 202, then its final status.
    async fn write(&self, path: &str, body: Value) -> Value {
        self.write_as(&self.token, path, body).await
    }

    pub async fn write_as(&self, token: &str, path: &str, body: Value) -> Value {
        self.write_by(Method::POST, token, path, body).await
    }

    pub async fn write_by(&self, method: Method, token: &str, path: &str, body: Value) -> Value {
        let request = self
            .http
            .request(method, self.bff(path))
            .bearer_auth(token)
            .json(&body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{path}");
        let at = answer.headers()["location"].to_str().unwrap().to_owned();
        let command: Value = answer.json().await.unwrap();
        assert!(at.ends_with(command["command_id"].as_str().unwrap()));
        let at = at.trim_start_matches("/api/v1/").to_owned();
        self.read_until(token, &at, is_final).await
    }

    /// A write that must be done.
    pub async fn done(&self, token: &str, path: &str, body: Value) {
        let done = self.write_as(token, path, body).await;
        assert_eq!(done["status"], "completed", "{path}: {done}");
    }

    /// Where a visitor of a link is sent.
    pub async fn location(&self, code: &str) -> String {
        let http = reqwest::Client::builder().no_proxy();
        let http = http.redirect(reqwest::redirect::Policy::none());
        let tracking = self.stack.url(Service::Tracking).unwrap();
        let url = format!("{tracking}/c/{code}");
        let answer = http.build().unwrap().get(url).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        location.to_owned()
    }

    async fn accept(&self) -> Value {
        let body = json!({"accepted_terms": true, "metadata": {"source": "mobile_app"}});
        self.write("campaigns/camp123/accept", body).await
    }

    async fn upload_evidence(&self) -> Value {
        let body = json!({
            "campaign_id": "camp123", "evidence_type": "photo", "file_url": "https://example.com/photo.jpg",
            "metadata": {"description": "Product photo"},
        });
        self.write("evidence/upload", body).await
    }

    /// The brand reads where the file lies, asks for another, and takes that.
    async fn evidence_is_reviewed(&self, shop: &str, campaign: &str) {
        let file = |name: &str| format!("https://files.example.com/{name}.jpg");
        let mut body =
            json!({"campaign_id": campaign, "evidence_type": "photo", "file_url": file("blurred")});
        let shown = self.write("evidence/upload", body.clone()).await;
        let first = shown["subject"].as_str().unwrap().to_owned();
        until("the brand reads where the file lies", || async {
            let list = self.read_as(shop, "evidence?status=submitted").await;
            list["items"][0]["file_url"] == file("blurred").as_str()
        })
        .await;
        let why = json!({"campaign_id": campaign, "reason": "file_unreadable"});
        self.done(shop, &format!("evidence/{first}/return"), why)
            .await;
        until("its partner reads why", || async {
            let list = self.read("evidence?status=returned").await;
            list["items"][0]["reason"] == "file_unreadable"
        })
        .await;
        body["file_url"] = json!(file("sharp"));
        body["replaces"] = json!(first);
        let shown = self.write("evidence/upload", body).await;
        let second = shown["subject"].as_str().unwrap().to_owned();
        let of_campaign = json!({"campaign_id": campaign});
        self.done(shop, &format!("evidence/{second}/approve"), of_campaign)
            .await;
        until("it is approved", || async {
            let list = self.read("evidence?status=approved").await;
            list["items"][0]["id"] == second.as_str()
                && list["items"][0]["replaces"] == first.as_str()
        })
        .await;
    }

    /// What the partner and the brand know of each other.
    async fn people_are_known(&self, shop: &str, campaign: &str) {
        self.evidence_is_reviewed(shop, campaign).await;
        self.names_are_read(shop).await;
        self.a_group_limits_links(shop).await;
    }

    /// The partner says who it is, and so does the brand, and each reads of the other.
    async fn names_are_read(&self, shop: &str) {
        let of_partner =
            json!({"name": "Sole Reviews", "country": "DE", "website": "https://sole.example/"});
        let of_brand = json!({"name": "Fleet Shoes", "currency": "EUR"});
        for (token, path, body) in [
            (&*self.token, "partners/partner7", of_partner),
            (shop, "brands/brand7", of_brand),
        ] {
            let done = self.write_by(Method::PATCH, token, path, body).await;
            assert_eq!(done["status"], "completed", "{path}: {done}");
        }
        until("names are read", || async {
            let partners = self.read_as(shop, "partners?country=DE").await;
            let brand = self.read("brands/brand7").await;
            partners["items"][0]["name"] == "Sole Reviews"
                && partners["items"][0]["website"] == "https://sole.example/"
                && brand["name"] == "Fleet Shoes"
        })
        .await;
    }

    /// The brand puts its partner into a group that may have no more links than it has.
    async fn a_group_limits_links(&self, shop: &str) {
        let body = json!({"name": "Small", "link_limit": 1});
        let made = self.write_as(shop, "groups", body).await;
        let group = made["subject"].as_str().unwrap().to_owned();
        let body = json!({"group_id": group});
        self.done(shop, "partners/partner7/group", body).await;
        until("the partner is found in its group", || async {
            let path = format!("partners?group_id={group}");
            let list = self.read_as(shop, &path).await;
            list["items"][0]["id"] == "partner7"
        })
        .await;
        let link = json!({"campaign_id": "camp7", "target_url": "https://shop.example.com/more"});
        until("tracking gives no more links", || async {
            self.write("links", link.clone()).await["code"] == "link_limit_reached"
        })
        .await;
    }

    async fn request_payout(&self) -> Value {
        let text = r#"{"amount": 150.00, "currency": "USD", "payment_method": "paypal",
                       "account_details": {"email": "user@example.com"}}"#;
        self.write("payments/request", serde_json::from_str(text).unwrap())
            .await
    }

    /// With no token, at tracking itself; in event mode through the bff, which wants the shop's.
    async fn purchase(&self) {
        let body = json!({
            "user_id": "user123", "event_type": "purchase",
            "metadata": {"amount": 100.0, "product_id": "prod456"},
        });
        if self.mode == Mode::Event {
            let shop = self.stack.token(&["--brand", "brand123"]).unwrap();
            let done = self.write_as(&shop, "tracking/events", body).await;
            assert_eq!(done["status"], "completed", "{done}");
            return;
        }
        let tracking = self.stack.url(Service::Tracking).unwrap();
        let url = format!("{tracking}/api/v1/tracking/events");
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
    }

    /// The partner's own report, at the bff or at tracking itself.
    async fn claim(&self, door: Service, sale: &Value) {
        if door == Service::Bff {
            let taken = self.write("tracking/events", sale.clone()).await;
            assert_eq!(taken["status"], "completed", "{taken}");
            return;
        }
        let url = format!("{}/api/v1/tracking/events", self.stack.url(door).unwrap());
        let request = self.http.post(url).bearer_auth(&self.token).json(sale);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// What partner123 can be paid, in whole dollars.
    async fn payable(&self) -> i64 {
        let list = self.read("balances").await;
        let payable = list["items"][0]["accounts"]["payable"].as_str();
        let (dollars, _) = payable.unwrap().split_once('.').unwrap();
        dollars.parse().unwrap()
    }

    /// What the partner says of its own click earns nothing.
    async fn claims_what_earns_nothing(&self, shop: &str) -> Value {
        let claimed = json!({"user_id": "user7", "event_type": "purchase", "amount": "10000.00", "order_id": "o7"});
        self.done(&self.token, "tracking/events", claimed.clone())
            .await;
        until("the partner sees its claim, and the brand too", || async {
            let own = self.read("claims?status=open").await;
            let theirs = self.read_as(shop, "claims?status=open").await;
            own["items"][0]["order_id"] == "o7" && theirs["items"][0]["order_id"] == "o7"
        })
        .await;
        assert_eq!(self.count("commissions").await, 0);
        assert_eq!(self.count("balances").await, 0, "nothing is owed");
        claimed
    }

    async fn sees_all_that_came_of_it(&self) {
        until("the partner sees all that came of it", || async {
            let link = self.read("links/seven").await;
            let sales = self.read("conversions").await;
            let earned = self.read("commissions").await;
            let paid = self.read("payouts").await;
            let clicks = self.read("clicks").await;
            let once = (
                sales["items"].as_array().unwrap().len(),
                earned["items"].as_array().unwrap().len(),
            );
            once == (1, 1)
                && link["code"] == "seven"
                && clicks["items"][0]["code"] == "seven"
                && sales["items"][0]["order_id"] == "o7"
                && sales["items"][0]["status"] == "attributed"
                && earned["items"][0]["amount"] == "10.00"
                && paid["items"][0]["status"] == "paid"
        })
        .await;
    }

    /// Visitors come by a redirect that the shop signed with what it was shown, as decision 0053 says, and buy: nobody tells us whose
    /// click it was. A process may learn of the key a little later than the one that took it.
    async fn a_signed_visit_earns(&self, door: Service, shown: &Value, brand: &str) {
        let text = |field: &str| shown[field].as_str().unwrap().to_owned();
        let (key, key_id, secret) = (text("secret"), text("key_id"), text("signing_secret"));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let (earned, number) = (self.payable().await, AtomicU64::new(0));
        until("the sale of a visitor that signed in is its partner's", || async {
            let name = format!("signed-{}", number.fetch_add(1, Ordering::Relaxed));
            let signed_at = types::clock::real().get() / 1_000_000;
            let signature = hmac::sign(&secret, format!("demo100\n{name}\n{signed_at}").as_bytes());
            let signature = devstack::stack::hex(signature.as_ref());
            let query = format!("user_id={name}&key_id={key_id}&signed_at={signed_at}&signature={signature}");
            self.location(&format!("demo100?{query}")).await;
            let sale = json!({"user_id": name, "event_type": "purchase", "amount": "100.00", "order_id": name});
            let (status, taken) = self.report(door, &key, &sale).await;
            assert!(status.is_success(), "{taken}");
            let list = format!("conversions?order_id={name}");
            until("the sale is shown", || async {
                self.read_as(brand, &list).await["items"][0].is_object()
            })
            .await;
            self.read_as(brand, &list).await["items"][0]["status"] == "attributed"
        })
        .await;
        until("its commission is payable", || async {
            self.payable().await == earned + 10
        })
        .await;
    }

    /// A key for reports, once its command is done.
    async fn make_key(&self, brand: &str) -> Value {
        let body = json!({"scopes": ["conversions.write"]});
        let request = self.http.post(self.bff("keys")).bearer_auth(brand);
        let request = request.header("prefer", "wait=20").json(&body);
        let made: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(made["status"], "completed", "{made}");
        made
    }

    /// A write without a body that must be done.
    async fn answered(&self, method: Method, path: &str, token: &str) -> Value {
        let request = self.http.request(method, self.bff(path));
        let request = request.bearer_auth(token).header("prefer", "wait=20");
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "completed", "{path}: {answer}");
        answer
    }

    /// A report at the bff, or at tracking itself.
    async fn report(&self, door: Service, token: &str, body: &Value) -> (StatusCode, Value) {
        let url = format!("{}/api/v1/tracking/events", self.stack.url(door).unwrap());
        let request = self.http.post(url).bearer_auth(token).json(body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Waits until a report without consequence is answered so: taken, by a key that opens the door.
    async fn opens(&self, door: Service, key: &str, expected: StatusCode) {
        let seen = json!({"user_id": "passer-by", "event_type": "page_view"});
        until(&format!("{door} answers {expected}"), || async {
            let (status, _) = self.report(door, key, &seen).await;
            status == expected || expected.is_success() && status.is_success()
        })
        .await;
    }

    /// How many of these the bff shows to partner123.
    async fn count(&self, list: &str) -> usize {
        self.read(list).await["items"].as_array().unwrap().len()
    }

    /// How many commissions partner123 has: from the service, or in event mode from the bff.
    async fn commissions(&self) -> usize {
        let list = if self.mode == Mode::Event {
            self.read("commissions").await
        } else {
            let commission = self.stack.url(Service::Commission).unwrap();
            let url = format!("{commission}/api/v1/commission/commissions?partner_id=partner123");
            self.http
                .get(url)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap()
        };
        list["items"]
            .as_array()
            .unwrap_or_else(|| panic!("{list}"))
            .len()
    }

    /// The campaign log has this event for the command's correlation id.
    async fn assert_logged(&self, kind: &str, command: &Value) {
        let url = self.stack.database_url(Service::Campaign).unwrap();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let found: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pipeline.message_log WHERE type = $1 AND correlation_id = $2::uuid AND topic = 'campaign-events'",
        )
        .bind(kind)
        .bind(command["correlation_id"].as_str())
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(found, 1, "{kind} of {command}");
    }
}

/// Waits until a condition holds.
/// Whether nothing more becomes of a command by itself.
pub fn is_final(command: &Value) -> bool {
    let ends = ["completed", "rejected", "dropped", "needs_attention"];
    ends.iter().any(|end| command["status"] == *end)
}

pub async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let end = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
