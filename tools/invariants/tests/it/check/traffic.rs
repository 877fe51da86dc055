//! A little of everything: conversions by both edges, refunds before and after, holds, payouts that are paid and that fail,
//! commands that are refused and repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use invariants::{Acknowledged, Journal};
use reqwest::{Method, StatusCode};
use schemas::Service;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(90);

pub(super) struct Traffic<'a> {
    stack: &'a LocalStack,
    http: reqwest::Client,
    brand: String,
    other: String,
    partner: String,
    acknowledged: BTreeSet<Uuid>,
    journal: Journal,
    /// By campaign.
    evidence: BTreeMap<String, String>,
}

fn photo(campaign: &str) -> Value {
    json!({"campaign_id": campaign, "evidence_type": "photo", "file_url": "https://example.com/photo.jpg"})
}

impl<'a> Traffic<'a> {
    pub(super) fn new(stack: &'a LocalStack) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Self {
            stack,
            http: http.build().unwrap(),
            brand: stack.token(&["--brand", "brand9"]).unwrap(),
            other: stack.token(&["--brand", "brand10"]).unwrap(),
            partner: stack.token(&["--partner", "partner9"]).unwrap(),
            acknowledged: BTreeSet::new(),
            journal: Journal::default(),
            evidence: BTreeMap::new(),
        }
    }

    /// Everything, and what was acknowledged to its senders.
    pub(super) async fn run(mut self) -> Journal {
        // Nobody listens there.
        let endpoint = json!({"url": "http://127.0.0.1:9/hook"});
        self.as_brand("endpoint", "webhooks", endpoint).await;
        for (campaign, hold_days) in [("camp_now", 0), ("camp_hold", 1)] {
            self.campaign(campaign, hold_days).await;
        }
        // Refused, and asked again under the same key.
        for _ in 0..2 {
            self.write(
                "camp_now/again",
                "campaigns/camp_now/accept",
                json!({"accepted_terms": true}),
            )
            .await;
        }
        self.conversions("camp_now").await;
        self.conversions("camp_hold").await;
        self.twins().await;
        self.claimed_of_nobody().await;
        self.let_a_day_pass().await;
        self.payouts().await;
        self.paid_before_its_refund().await;
        self.funds().await;
        self.one_key_at_two_services().await;
        self.api_key().await;
        self.reviews().await;
        self.names().await;
        self.groups().await;
        self.stops().await;
        self.onboarding().await;
        self.let_a_month_pass().await;
        self.journal
    }

    /// A brand's system reports by a key, which has another secret, and is revoked.
    async fn api_key(&mut self) {
        let token = self.brand.clone();
        let scopes = json!({"scopes": ["conversions.write"]});
        let made = self.ask(&token, "key/made", "keys", &scopes).await;
        let path = format!("keys/{}", made["key_id"].as_str().unwrap());
        let rotated = self
            .ask(&token, "key/rotated", &format!("{path}/rotate"), &json!({}))
            .await;
        let key = rotated["secret"].as_str().unwrap().to_owned();
        let (http, url) = (self.http.clone(), self.bff("commands"));
        wait("the key is known", async || {
            let answer = http.get(&url).bearer_auth(&key).send().await.unwrap();
            answer.status() == StatusCode::OK
        })
        .await;
        let seen = json!({"user_id": "stranger", "event_type": "page_view"});
        self.ask(&key, "key/report", "tracking/events", &seen).await;
        let nothing = json!({});
        self.ask_by(Method::DELETE, &token, "key/revoked", &path, &nothing)
            .await;
    }

    /// What was shown for one campaign is returned and shown again, and what was for another approved.
    async fn reviews(&mut self) {
        for (campaign, what) in [("camp_now", "return"), ("camp_hold", "approve")] {
            let evidence = self.evidence[campaign].clone();
            let mut body = json!({"campaign_id": campaign});
            if what == "return" {
                body["reason"] = json!("needs_more_detail");
            }
            let path = format!("evidence/{evidence}/{what}");
            self.as_brand(&format!("{campaign}/{what}"), &path, body)
                .await;
        }
        self.write(
            "camp_now/evidence_again",
            "evidence/upload",
            photo("camp_now"),
        )
        .await;
    }

    /// The partner and the brand say who they are.
    async fn names(&mut self) {
        let (brand, partner) = (self.brand.clone(), self.partner.clone());
        for (token, path) in [(brand, "brands/brand9"), (partner, "partners/partner9")] {
            let body = json!({"name": "Nine", "currency": "EUR"});
            self.ask_by(Method::PATCH, &token, path, path, &body).await;
        }
    }

    /// The partner is put into a group, which is archived then.
    async fn groups(&mut self) {
        let token = self.brand.clone();
        let made = json!({"name": "Gold", "link_limit": 100});
        let made = self.ask(&token, "group", "groups", &made).await;
        let group = made["subject"].as_str().unwrap().to_owned();
        let body = json!({"group_id": group});
        self.as_brand("moved", "partners/partner9/group", body)
            .await;
        let (path, body) = (format!("groups/{group}"), json!({"status": "archived"}));
        self.ask_by(Method::PATCH, &token, "archived", &path, &body)
            .await;
    }

    /// An application is taken through all steps, and who applied is mailed a welcome.
    async fn onboarding(&mut self) {
        let (brand, partner) = (self.brand.clone(), self.partner.clone());
        let put = Method::PUT;
        let wants = json!({"enabled": true, "approves": true});
        self.ask_by(put.clone(), &brand, "onboarding", "onboarding", &wants)
            .await;
        let address = json!({"addresses": [{"address": "nine@example.com"}]});
        self.ask_by(put, &partner, "mailed", "contacts/mail", &address)
            .await;
        let campaign = json!({"campaign_id": "camp_applied", "name": "Applied", "currency": "USD", "join": "approval",
            "allowed_hosts": ["shop.example.com"]});
        self.as_brand("applied", "campaigns", campaign).await;
        let terms = json!({"text": "Some of it.", "window_days": 30, "plan": {"sale": {"bps": 1000}, "hold_days": 0}});
        let path = "campaigns/camp_applied";
        self.as_brand("applied/terms", &format!("{path}/terms"), terms)
            .await;
        self.as_brand("applied/activate", &format!("{path}/activate"), json!({}))
            .await;
        let accept = json!({"accepted_terms": true});
        self.write("applied/accept", &format!("{path}/accept"), accept)
            .await;
        let (http, url) = (self.http.clone(), self.bff("workflows?status=completed"));
        wait("the partner is in", async || {
            let answer = http.get(&url).bearer_auth(&brand).send().await.unwrap();
            let list: Value = answer.json().await.unwrap();
            list["items"]
                .as_array()
                .is_some_and(|items| items.len() == 1)
        })
        .await;
    }

    /// A campaign stops, a link of another is disabled, and its partner leaves it.
    async fn stops(&mut self) {
        let (link, disabled) = ("links/link_camp_hold", json!({"status": "disabled"}));
        let token = self.brand.clone();
        self.ask_by(Method::PATCH, &token, "disable", link, &disabled)
            .await;
        let pause = "campaigns/camp_now/pause";
        self.as_brand("camp_now/pause", pause, json!({})).await;
        self.write("camp_hold/leave", "campaigns/camp_hold/leave", json!({}))
            .await;
    }

    /// A brand that pays before, and is warned: two of its commissions wait until a deposit covers them, and some of its money is
    /// moved and taken out.
    async fn funds(&mut self) {
        std::mem::swap(&mut self.brand, &mut self.other);
        self.campaign("camp_prepaid", 0).await;
        let operator = self.stack.token(&["--role", "operator"]).unwrap();
        // Of dollars nothing is said: it pays before in those too.
        let prepaid = json!({"brand_id": "brand10", "currency": "EUR", "billing": "prepaid"});
        self.ask_by(Method::POST, &operator, "prepaid", "billing", &prepaid)
            .await;
        for number in ["p1", "p2"] {
            let key = format!("prepaid/{number}");
            self.report(&key, "user_camp_prepaid", number, "purchase")
                .await;
        }
        let url = self.stack.database_url(Service::Payment).unwrap();
        let mut database = PgConnection::connect(&url).await.unwrap();
        wait("two commissions wait for funds", async || {
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM waiting")
                .fetch_one(&mut database)
                .await
                .unwrap()
                == 2
        })
        .await;
        let (token, warning) = (
            self.brand.clone(),
            json!({"currency": "USD", "amount": "20.00"}),
        );
        self.ask_by(Method::PUT, &token, "warning", "funds/warning", &warning)
            .await;
        self.as_brand("reserve", "accounts", json!({"name": "reserve"}))
            .await;
        let announce = json!({"amount": "50.00", "currency": "USD", "reference": "INV-1"});
        for (key, cleared) in [("deposit/1", true), ("deposit/2", false)] {
            let announced = self.as_brand(key, "deposits", announce.clone()).await;
            let deposit = announced["subject"].as_str().unwrap().to_owned();
            let outcome = if cleared {
                json!({"status": "cleared"})
            } else {
                json!({"status": "failed", "reason": "returned"})
            };
            let path = format!("deposits/{deposit}/settle");
            let key = format!("{key}/settle");
            self.ask_by(Method::POST, &operator, &key, &path, &outcome)
                .await;
        }
        let reserve = json!({"amount": "5.00", "currency": "USD", "to_account": "reserve"});
        self.as_brand("to_reserve", "transfers", reserve).await;
        let out = json!({"amount": "2.00", "currency": "USD", "account": "reserve"});
        let requested = self.as_brand("withdrawal", "withdrawals", out).await;
        let withdrawal = requested["subject"].as_str().unwrap().to_owned();
        let path = format!("withdrawals/{withdrawal}/settle");
        let settled = json!({"status": "settled"});
        self.ask_by(
            Method::POST,
            &operator,
            "withdrawal/settle",
            &path,
            &settled,
        )
        .await;
        std::mem::swap(&mut self.brand, &mut self.other);
    }

    /// Refused by one of them, and done by the other: each says what became of its own.
    async fn one_key_at_two_services(&mut self) {
        let tracking = self.stack.url(Service::Tracking).unwrap().to_owned();
        let payout = |amount: &str| {
            json!({"amount": amount, "currency": "USD", "payment_method": "paypal",
                   "account_details": {"email": "user@example.com"}})
        };
        let at_tracking = async |traffic: &mut Self, key: &str, report: &Value, due: u16| {
            let url = format!("{tracking}/api/v1/tracking/events");
            let request = traffic.http.post(url).bearer_auth(&traffic.partner);
            let request = request.header("Idempotency-Key", key).json(report);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), due);
            if due == 201 {
                let id = answer.headers()["x-command-id"].to_str().unwrap();
                traffic.note(id.parse().unwrap(), Service::Tracking, due);
            }
        };
        let stranger = json!({"user_id": "stranger", "event_type": "lead"});
        let seen = json!({"user_id": "stranger", "event_type": "page_view"});
        at_tracking(self, "refused-there", &stranger, 404).await;
        let done = self
            .write("refused-there", "payments/request", payout("1.00"))
            .await;
        assert_eq!(done["status"], "completed", "{done}");
        let refused = self
            .write("refused-here", "payments/request", payout("90000.00"))
            .await;
        assert_eq!(refused["code"], "insufficient_balance", "{refused}");
        at_tracking(self, "refused-here", &seen, 201).await;
        self.until_paid().await;
    }

    /// Another brand has the numbers of the first: a refund that waits, one that comes late, and no campaign named.
    async fn twins(&mut self) {
        std::mem::swap(&mut self.brand, &mut self.other);
        self.campaign("camp_other", 0).await;
        for (key, user, number, kind) in [
            ("twin/early", "user_camp_now", "t1", "refund"),
            ("twin/o1", "user_camp_other", "camp_now_o1", "purchase"),
            ("twin/late", "user_camp_now", "camp_now_o2", "refund"),
        ] {
            self.report(key, user, number, kind).await;
        }
        std::mem::swap(&mut self.brand, &mut self.other);
        for (key, kind) in [("twin/own", "refund"), ("twin/t1", "purchase")] {
            self.report(key, "user_camp_now", "t1", kind).await;
        }
    }

    /// An order that is nobody's: a refund waits under its number alone, a report calls it so, and a partner's claim of it is accepted.
    async fn claimed_of_nobody(&mut self) {
        let of = |kind: &str, amount: &str| json!({"user_id": "user_of_nobody", "order_id": "nobodys", "event_type": kind, "amount": amount, "currency": "USD"});
        let sold = with(of("purchase", "12.00"), "user_id", "user_elsewhere");
        self.as_brand("nobodys/sold", "tracking/events", sold).await;
        self.by_nobody(of("refund", "5.00")).await;
        self.click("camp_now", "user_of_nobody").await;
        self.by_nobody(of("purchase", "12.00")).await;
        let claimed = with(of("purchase", "12.00"), "campaign_id", "camp_now");
        self.write("nobodys/claimed", "tracking/events", claimed)
            .await;
        let (id, _) = self.open_claims(1).await.remove(0);
        self.as_brand("nobodys/accept", &format!("claims/{id}/accept"), json!({}))
            .await;
    }

    async fn report(&mut self, key: &str, user: &str, number: &str, kind: &str) {
        let amount = if kind == "refund" { "5.00" } else { "12.00" };
        let body = json!({"user_id": user, "order_id": number, "event_type": kind, "amount": amount, "currency": "USD"});
        self.as_brand(key, "tracking/events", body).await;
    }

    async fn campaign(&mut self, campaign: &str, hold_days: u8) {
        let key = |what: &str| format!("{campaign}/{what}");
        self.as_brand(&key("create"), "campaigns", json!({
            "campaign_id": campaign, "name": campaign, "currency": "USD", "allowed_hosts": ["shop.example.com"],
            "ends_at": "2099-12-31T00:00:00Z"})).await;
        self.as_brand(&key("terms"), &format!("campaigns/{campaign}/terms"), json!({
            "text": "Some of it.", "window_days": 30,
            "plan": {"sale": {"bps": 1234}, "lead": {"flat": {"amount": "5.00", "currency": "USD"}}, "hold_days": hold_days}})).await;
        self.as_brand(
            &key("activate"),
            &format!("campaigns/{campaign}/activate"),
            json!({}),
        )
        .await;
        self.write(
            &key("accept"),
            &format!("campaigns/{campaign}/accept"),
            json!({"accepted_terms": true}),
        )
        .await;
        let shown = self
            .write(&key("evidence"), "evidence/upload", photo(campaign))
            .await;
        let evidence = shown["subject"].as_str().unwrap().to_owned();
        self.evidence.insert(campaign.to_owned(), evidence);
        self.write(&key("link"), "links", json!({
            "code": format!("link_{campaign}"), "campaign_id": campaign, "target_url": "https://shop.example.com/"})).await;
        self.click(campaign, &format!("user_{campaign}")).await;
    }

    async fn conversions(&mut self, campaign: &str) {
        let of = |order: &str, more: Value| {
            let mut report = json!({"user_id": format!("user_{campaign}"), "campaign_id": campaign,
                                    "order_id": format!("{campaign}_{order}"), "currency": "USD"});
            report
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            report
        };
        let purchase =
            |order: &str| of(order, json!({"event_type": "purchase", "amount": "99.99"}));
        let third = |order: &str| of(order, json!({"event_type": "refund", "amount": "33.33"}));
        let key = |what: &str| format!("{campaign}/{what}");
        self.as_brand(&key("o1"), "tracking/events", purchase("o1"))
            .await;
        self.as_brand(&key("o1_again"), "tracking/events", purchase("o1"))
            .await;
        for part in ["first", "second", "last"] {
            self.as_brand(&key(part), "tracking/events", third("o1"))
                .await;
        }
        self.as_brand(&key("early"), "tracking/events", third("o2"))
            .await;
        self.as_brand(&key("o2"), "tracking/events", purchase("o2"))
            .await;
        self.as_brand(
            &key("lead"),
            "tracking/events",
            of("lead", json!({"event_type": "lead"})),
        )
        .await;
        self.as_brand(
            &key("signup"),
            "tracking/events",
            of("o3", json!({"event_type": "signup"})),
        )
        .await;
        self.claims(campaign, &purchase).await;
        // Without an order: one is taken back by its conversion.
        let bare = json!({"user_id": format!("user_{campaign}"), "event_type": "purchase", "amount": "20.00", "currency": "USD"});
        let sold = self.as_brand(&key("bare"), "tracking/events", bare).await;
        let back = json!({"user_id": format!("user_{campaign}"), "event_type": "refund", "conversion_id": sold["subject"]});
        let done = self
            .as_brand(&key("bare_back"), "tracking/events", back)
            .await;
        assert_eq!(done["status"], "completed", "{done}");
        let body = json!({"user_id": format!("user_{campaign}"), "event_type": "purchase", "amount": "1000.00", "currency": "USD"});
        self.by_nobody(body).await;
    }

    /// At the service itself, by nobody in particular.
    async fn by_nobody(&mut self, body: Value) {
        let url = format!(
            "{}/api/v1/tracking/events",
            self.stack.url(Service::Tracking).unwrap()
        );
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{status}");
        let id = answer.headers()["x-command-id"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        self.note(id, Service::Tracking, status.as_u16());
    }

    /// At payment: partners have statements.
    async fn let_a_month_pass(&self) {
        let url = self.stack.database_url(Service::Payment).unwrap();
        let mut database = PgConnection::connect(&url).await.unwrap();
        let later = "UPDATE pipeline.log_head SET clock_offset = clock_offset + 32::bigint * 86400 * 1000000";
        sqlx::query(later).execute(&mut database).await.unwrap();
        wait("each partner's month is stated", async || {
            let unstated = "SELECT count(*) FROM balances WHERE account LIKE 'partner:%'
                               AND split_part(account, ':', 2) NOT IN (SELECT partner FROM statements)";
            sqlx::query_scalar::<_, i64>(unstated)
                .fetch_one(&mut database)
                .await
                .unwrap()
                == 0
        })
        .await;
    }

    /// Until what was held is approved.
    async fn let_a_day_pass(&self) {
        let url = self.stack.database_url(Service::Commission).unwrap();
        let mut database = PgConnection::connect(&url).await.unwrap();
        let count = "SELECT count(*) FROM commissions WHERE status = 'held'";
        wait("something is held", async || {
            sqlx::query_scalar::<_, i64>(count)
                .fetch_one(&mut database)
                .await
                .unwrap()
                >= 2
        })
        .await;
        sqlx::query("UPDATE pipeline.log_head SET clock_offset = 86400000000")
            .execute(&mut database)
            .await
            .unwrap();
        wait("nothing is held", async || {
            sqlx::query_scalar::<_, i64>(count)
                .fetch_one(&mut database)
                .await
                .unwrap()
                == 0
        })
        .await;
    }

    async fn payouts(&mut self) {
        let provider = self
            .stack
            .settings()
            .get("PAYOUT_PROVIDER_URL")
            .unwrap()
            .to_owned();
        for (key, fault) in [
            ("paid", None),
            ("indeterminate", Some("time_out_after")),
            ("refused", Some("refuse")),
        ] {
            let control = json!({"fault": fault, "hang_ms": 100});
            self.control(&provider, &control).await;
            self.write(key, "payments/request", json!({"amount": "10.00", "currency": "USD", "payment_method": "paypal",
                                                       "account_details": {"email": "user@example.com"}})).await;
            self.until_paid().await;
        }
        self.decided(&provider).await;
        let none = json!({"fault": null, "lookups_fail": false});
        self.control(&provider, &none).await;
    }

    /// Has the provider behave otherwise.
    async fn control(&self, provider: &str, change: &Value) {
        let control = self.http.post(format!("{provider}/control")).json(change);
        let response = control.send().await.unwrap();
        assert!(response.status().is_success());
    }

    /// Of one the provider says nothing, and two operators say that it failed.
    async fn decided(&mut self, provider: &str) {
        let http = self.http.clone();
        let silent = json!({"fault": null, "lookups_fail": true});
        self.control(provider, &silent).await;
        self.write("decided", "payments/request", json!({"amount": "10.00", "currency": "USD", "payment_method": "paypal",
                                                         "account_details": {"email": "user@example.com"}})).await;
        let (list, partner) = (self.bff("payouts"), self.partner.clone());
        let payment = self.stack.url(Service::Payment).unwrap();
        let mut deciders = ["alice", "bob"].iter();
        let decide = async |who: &str, payout: &str| {
            let token = ["--role", "operator", "--subject", who];
            let url = format!("{payment}/api/v1/operator/payment/payouts/{payout}/decide");
            let decision = json!({"decision": "failed", "reason": "its ledger has nothing"});
            let request = http.post(url).json(&decision);
            let request = request.bearer_auth(self.stack.token(&token).unwrap());
            request.send().await.unwrap().status().is_success()
        };
        let mut who = deciders.next();
        wait("two operators decide", async || {
            let answer = http.get(&list).bearer_auth(&partner).send().await.unwrap();
            let answer: Value = answer.json().await.unwrap();
            let payout = answer["items"][0]["id"].as_str().unwrap();
            if let Some(operator) = who
                && decide(operator, payout).await
            {
                who = deciders.next();
            }
            who.is_none()
        })
        .await;
        self.until_paid().await;
    }

    /// A refund takes back more than is payable, and the partner earns it again.
    async fn paid_before_its_refund(&mut self) {
        let report = |order: &str, kind: &str, amount: &str| {
            json!({"user_id": "user_camp_now", "campaign_id": "camp_now", "order_id": order, "event_type": kind,
                   "amount": amount, "currency": "USD"})
        };
        let sale = report("camp_now_late", "purchase", "100000.00");
        self.as_brand("late/sale", "tracking/events", sale).await;
        self.until_payable("minor > 1234000").await;
        self.write("late/payout", "payments/request", json!({"amount": "12340.00", "currency": "USD", "payment_method": "paypal",
                                                             "account_details": {"email": "user@example.com"}})).await;
        self.until_paid().await;
        let refund = report("camp_now_late", "refund", "100000.00");
        self.as_brand("late/refund", "tracking/events", refund)
            .await;
        self.until_payable("minor < 0").await;
        for part in ["again/1", "again/2"] {
            let order = format!("camp_now_{}", part.replace('/', "_"));
            let sale = report(&order, "purchase", "60000.00");
            self.as_brand(part, "tracking/events", sale).await;
        }
        self.until_payable("minor > 0").await;
    }

    async fn until_payable(&self, stands: &'static str) {
        let url = self.stack.database_url(Service::Payment).unwrap();
        let mut database = PgConnection::connect(&url).await.unwrap();
        let found = format!(
            "SELECT count(*) FROM balances WHERE account = 'partner:partner9:payable' AND currency = 'USD' AND {stands}"
        );
        wait("the payable money is there", async || {
            sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(found.clone()))
                .fetch_one(&mut database)
                .await
                .unwrap()
                == 1
        })
        .await;
    }

    /// What the partner claims: one is accepted, one declined, and one settled by the shop's own report.
    async fn claims(&mut self, campaign: &str, purchase: &impl Fn(&str) -> Value) {
        let key = |what: &str| format!("{campaign}/claim/{what}");
        for order in ["accepted", "declined", "settled"] {
            self.write(&key(order), "tracking/events", purchase(order))
                .await;
        }
        self.as_brand(&key("sold"), "tracking/events", purchase("settled"))
            .await;
        for (id, order) in self.open_claims(2).await {
            let accepted = order.ends_with("accepted");
            let (what, body) = if accepted {
                ("accept", json!({}))
            } else {
                ("decline", json!({"reason": "order_unknown"}))
            };
            self.as_brand(&key(what), &format!("claims/{id}/{what}"), body)
                .await;
        }
    }

    /// So many claims that the brand has to decide upon, with their orders.
    async fn open_claims(&self, count: usize) -> Vec<(String, String)> {
        let (url, token) = (self.bff("claims?status=open"), &self.brand);
        let mut open = Value::Null;
        wait("the claims are open", async || {
            let answer = self.http.get(&url).bearer_auth(token).send().await.unwrap();
            open = answer.json().await.unwrap();
            let items = open["items"].as_array();
            items.is_some_and(|items| items.len() == count)
        })
        .await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let items = open["items"].as_array().unwrap().iter();
        items
            .map(|claim| (text(&claim["id"]), text(&claim["order_id"])))
            .collect()
    }

    async fn until_paid(&self) {
        let http = self.http.clone();
        let (url, token) = (self.bff("payouts"), self.partner.clone());
        wait("the payout ends", async || {
            let list: Value = http
                .get(&url)
                .bearer_auth(&token)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            matches!(list["items"][0]["status"].as_str(), Some("paid" | "failed"))
        })
        .await;
    }

    async fn click(&mut self, campaign: &str, user: &str) {
        let tracking = self.stack.url(Service::Tracking).unwrap();
        let url = format!("{tracking}/c/link_{campaign}");
        let http = self.http.clone();
        let mut click = None;
        wait("the link leads on", async || {
            let answer = http.request(Method::GET, &url).send().await.unwrap();
            let to = answer
                .headers()
                .get("location")
                .map(|to| to.to_str().unwrap().to_owned());
            click = to.and_then(|to| Some(to.split_once("click_id=")?.1.to_owned()));
            click.is_some()
        })
        .await;
        let bind = format!("tracking/clicks/{}/visitor", click.clone().unwrap());
        let visitor = json!({"user_id": user});
        self.as_brand(&format!("bind-{user}"), &bind, visitor).await;
        self.journal.clicks.extend(click);
    }

    fn bff(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.stack.url(Service::Bff).unwrap())
    }

    async fn as_brand(&mut self, key: &str, path: &str, body: Value) -> Value {
        let token = self.brand.clone();
        self.ask(&token, key, path, &body).await
    }

    async fn write(&mut self, key: &str, path: &str, body: Value) -> Value {
        let token = self.partner.clone();
        self.ask(&token, key, path, &body).await
    }

    /// A write through the bff, to its end.
    async fn ask(&mut self, token: &str, key: &str, path: &str, body: &Value) -> Value {
        self.ask_by(Method::POST, token, key, path, body).await
    }

    async fn ask_by(
        &mut self,
        method: Method,
        token: &str,
        key: &str,
        path: &str,
        body: &Value,
    ) -> Value {
        let request = self.http.request(method, self.bff(path));
        let answer = request
            .bearer_auth(token)
            .json(body)
            .header("Idempotency-Key", key)
            .header("Prefer", "wait=10")
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_ne!(body["status"], "pending", "{path}: {body}");
        let command = body["command_id"].as_str();
        let command = command.unwrap_or_else(|| panic!("{path}: {status} {body}"));
        if status.is_success() {
            let command = command.parse().unwrap();
            self.note(command, Service::Bff, status.as_u16());
        }
        body
    }

    fn note(&mut self, id: Uuid, by: Service, status: u16) {
        if self.acknowledged.insert(id) {
            self.journal.commands.push(Acknowledged { id, by, status });
        }
    }
}

pub(super) async fn wait(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The same with another value of one field.
fn with(mut body: Value, field: &str, value: &str) -> Value {
    body[field] = json!(value);
    body
}
