//! Onboarding as it is seen from outside: from an application to a welcome, over notify, campaign and a CRM.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::clients::crm::{CrmStandIn, TOKEN};
use crate::walk::{Walker, until};

struct Scene<'a> {
    walker: Walker<'a>,
    brand: String,
    partner: String,
    operator: String,
}

impl Scene<'_> {
    async fn newest(&self) -> Value {
        let list = self.walker.read_as(&self.brand, "workflows").await;
        list["items"][0].clone()
    }

    async fn until_status(&self, status: &str) -> Value {
        until(&format!("the workflow is {status}"), || async {
            self.newest().await["status"] == status
        })
        .await;
        self.newest().await
    }

    async fn put(&self, token: &str, path: &str, body: Value) {
        let done = self.walker.write_by(Method::PUT, token, path, body).await;
        assert_eq!(done["status"], "completed", "{path}: {done}");
    }

    /// A campaign that partners apply for, and what its brand wants done about that.
    async fn prepare(&self) {
        let campaign = json!({"campaign_id": "camp-onboarding", "name": "Summer", "currency": "USD", "join": "approval",
            "allowed_hosts": ["shop.example.com"]});
        self.walker.done(&self.brand, "campaigns", campaign).await;
        let terms = json!({"text": "Be honest.", "window_days": 30, "plan": {"sale": {"bps": 1250}, "hold_days": 14}});
        let path = "campaigns/camp-onboarding/terms";
        self.walker.done(&self.brand, path, terms).await;
        let path = "campaigns/camp-onboarding/activate";
        self.walker.done(&self.brand, path, json!({})).await;
        let body = json!({"name": "Newcomers"});
        let gold = self.walker.write_as(&self.brand, "groups", body).await;
        let gold = gold["subject"].clone();
        let wants = json!({"enabled": true, "approves": true, "countries": ["DE"], "group_id": gold, "tags": ["newcomer"],
            "manager": {"name": "Mia Meier", "email": "mia@example.com"}});
        self.put(&self.brand, "onboarding", wants).await;
        let address = json!({"addresses": [{"address": "ann@example.com"}]});
        self.put(&self.partner, "contacts/mail", address).await;
        let address = json!({"addresses": [{"address": "brand@example.com"}]});
        self.put(&self.brand, "contacts/mail", address).await;
    }

    async fn country(&self, country: &str) {
        let body = json!({"country": country, "name": "Sole Reviews"});
        let path = "partners/partner-onboarding";
        let done = self
            .walker
            .write_by(Method::PATCH, &self.partner, path, body);
        assert_eq!(done.await["status"], "completed");
    }

    async fn apply(&self) -> Value {
        let path = "campaigns/camp-onboarding/accept";
        let accept = json!({"accepted_terms": true});
        let applied = self.walker.write_as(&self.partner, path, accept).await;
        assert_eq!(applied["status"], "completed", "{applied}");
        applied
    }

    async fn until_mailed(&self, kind: &str) {
        until(&format!("a mail about {kind}"), || async {
            let list = self.walker.read_as(&self.operator, "mailbox").await;
            let mut items = list["items"].as_array().unwrap().iter();
            items.any(|it| it["kind"] == kind)
        })
        .await;
    }

    /// As a reader of the mail does: it leads to the shop.
    async fn follow_the_link_of_the_welcome(&self) {
        let list = self.walker.read_as(&self.operator, "mailbox").await;
        let mut items = list["items"].as_array().unwrap().iter();
        let welcome = items.find(|it| it["kind"] == "workflow.completed.v1");
        let text = welcome.unwrap()["text"].as_str().unwrap();
        let url = text.split_whitespace().find(|it| it.contains("/c/lnk_"));
        let url = url.unwrap_or_else(|| panic!("no link in {text}"));
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let followed = client.build().unwrap().get(url).send().await.unwrap();
        let location = followed.headers()["location"].to_str().unwrap();
        assert!(
            location.starts_with("https://shop.example.com/"),
            "{location}"
        );
    }
}

async fn an_application_is_onboarded(mode: Mode) {
    let crm = CrmStandIn::start().await;
    let variables = [
        ("CRM_API", "contacts"),
        ("CRM_URL", &*crm.url),
        ("CRM_TOKEN", TOKEN),
    ];
    let stack = LocalStack::start_with(mode, &variables).await.unwrap();
    let scene = Scene {
        walker: Walker::new(&stack, mode),
        brand: stack.token(&["--brand", "brand123"]).unwrap(),
        partner: stack.token(&["--partner", "partner-onboarding"]).unwrap(),
        operator: stack.token(&["--role", "operator"]).unwrap(),
    };
    scene.prepare().await;

    // Of another country: the application goes back, and the brand is told.
    scene.country("FR").await;
    scene.apply().await;
    let stopped = scene.until_status("compensated").await;
    assert_eq!(stopped["reason"], "country_not_allowed");
    assert_eq!(stopped["returned"], true);
    scene.until_mailed("workflow.compensated.v1").await;
    assert!(crm.requests().is_empty());

    // The CRM is away: it is waited for, and then all goes on.
    scene.country("DE").await;
    crm.fail("PUT", 503);
    let applied = scene.apply().await;
    until("the CRM was asked", || async { !crm.requests().is_empty() }).await;
    until("what it answered is seen", || async {
        scene.newest().await["steps"][3]["crm_status"] == 503
    })
    .await;
    let waiting = scene.newest().await;
    assert_eq!(waiting["status"], "running");
    assert_eq!(waiting["steps"][1]["state"], "completed");
    crm.mend();
    let path = format!("workflows/{}/retry", waiting["id"].as_str().unwrap());
    scene.walker.done(&scene.brand, &path, json!({})).await;
    let done = scene.until_status("completed").await;
    let contact = crm.contact("partner-onboarding").unwrap();
    assert_eq!(contact["name"], "Sole Reviews");
    assert_eq!(contact["email"], "ann@example.com");
    let owner = json!({"name": "Mia Meier", "email": "mia@example.com"});
    assert_eq!(contact["owner"], owner);
    scene.until_mailed("workflow.completed.v1").await;
    scene.follow_the_link_of_the_welcome().await;

    // One request has it all, from the application on.
    assert_eq!(done["correlation_id"], applied["correlation_id"]);
    let request = applied["correlation_id"].as_str().unwrap();
    let timeline = format!("timeline/{request}");
    let timeline = scene.walker.read_whole(&scene.brand, &timeline).await;
    let messages = timeline["messages"].as_array().unwrap();
    for kind in [
        "enrollment.applied.v1",
        "workflow.started.v1",
        "workflow.step_requested.v1",
        "workflow_step.answered.v1",
        "workflow.step_started.v1",
        "link.created.v1",
        "workflow_link.answered.v1",
        "workflow.completed.v1",
    ] {
        assert!(
            messages.iter().any(|it| it["type"] == kind),
            "{kind}: {timeline:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_taken_through_onboarding_in_http_mode() {
    an_application_is_onboarded(Mode::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_taken_through_onboarding_in_event_mode() {
    an_application_is_onboarded(Mode::Event).await;
}
