//! Every route × role × one's own, another's or nobody's object, as one table (`routes.rs`) that the services' own
//! documents are held against: a route without a line fails.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use reqwest::header::HeaderMap;
use schemas::Service;
use serde_json::Value;

use crate::routes::{LINES, Line, Seen};
use crate::scene::{OWNERS, Scene, tokens};

/// Headers that differ from answer to answer whatever was asked.
const OF_EACH_ANSWER: [&str; 7] = [
    "date",
    "ratelimit",
    "x-correlation-id",
    "traceparent",
    "x-command-id",
    "location",
    "preference-applied",
];

#[tokio::test]
async fn the_bff_shows_and_does_what_is_ones_own() {
    hold(Service::Bff).await;
}

#[tokio::test]
async fn campaign_shows_and_does_what_is_ones_own() {
    hold(Service::Campaign).await;
}

#[tokio::test]
async fn tracking_shows_and_does_what_is_ones_own() {
    hold(Service::Tracking).await;
}

#[tokio::test]
async fn commission_shows_and_does_what_is_ones_own() {
    hold(Service::Commission).await;
}

#[tokio::test]
async fn payment_shows_and_does_what_is_ones_own() {
    hold(Service::Payment).await;
}

#[tokio::test]
async fn notify_shows_and_does_what_is_ones_own() {
    hold(Service::Notify).await;
}

/// Tries every line of a service, and reports everything that is not as the table says.
async fn hold(service: Service) {
    let scene = Scene::of(service).await;
    let lines: Vec<&Line> = LINES
        .iter()
        .filter(|line| line.service == service)
        .collect();
    let mut wrong = missing_lines(&scene, &lines).await;
    let refusals = refusals(&document(&scene).await);
    for line in lines {
        let documented = refusals.get(line.route).cloned().unwrap_or_default();
        line.try_all(&scene, &documented, &mut wrong).await;
    }
    operators_only(&scene, &mut wrong).await;
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    scene.service.stop().await;
}

async fn document(scene: &Scene) -> Value {
    let url = format!("{}/openapi.json", scene.service.base_url);
    let document = scene.service.client.get(url).send().await.unwrap();
    serde_json::from_str(&document.text().await.unwrap()).unwrap()
}

/// `POST /api/v1/…` of everything that the service's document has.
pub async fn documented(scene: &Scene) -> Vec<(String, Value)> {
    operations(&document(scene).await)
}

fn operations(document: &Value) -> Vec<(String, Value)> {
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let route = format!("{} {path}", method.to_uppercase());
            routes.push((route, operation.clone()));
        }
    }
    routes
}

/// With which status and code a route may refuse.
type Refusals = BTreeSet<(String, String)>;

/// Those of each route, by the document.
fn refusals(document: &Value) -> BTreeMap<String, Refusals> {
    let of = |operation: &Value| {
        let mut refusals = Refusals::new();
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let shared = answer["$ref"].as_str();
            let shared = shared.map(|place| document.pointer(&place[1..]).unwrap());
            let content = &shared.unwrap_or(answer)["content"]["application/problem+json"];
            let codes = content["examples"].as_object().into_iter().flatten();
            refusals.extend(codes.map(|(code, _)| (status.clone(), code.clone())));
        }
        refusals
    };
    let routes = operations(document).into_iter();
    routes
        .map(|(route, operation)| (route, of(&operation)))
        .collect()
}

pub fn is_operators(route: &str) -> bool {
    route.contains(" /api/v1/operator/")
}

async fn missing_lines(scene: &Scene, lines: &[&Line]) -> Vec<String> {
    let routes = documented(scene).await.into_iter().map(|(route, _)| route);
    let documented: BTreeSet<String> = routes.filter(|route| !is_operators(route)).collect();
    let listed: BTreeSet<String> = lines.iter().map(|line| line.route.to_owned()).collect();
    let missing = documented
        .difference(&listed)
        .map(|route| format!("{route}: has no line in routes.rs"));
    let gone = listed
        .difference(&documented)
        .map(|route| format!("{route}: is in routes.rs and in no document"));
    missing.chain(gone).collect()
}

/// An answer, without what differs from one to the next anyhow.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: String,
}

impl Outcome {
    /// That it is a refusal which the document of its route does not have.
    fn undocumented(&self, documented: &Refusals) -> Option<String> {
        let is_refusal = self.status.is_client_error() || self.status.is_server_error();
        let problem: Value = serde_json::from_str(&self.body).ok()?;
        let code = problem["code"].as_str().filter(|_| is_refusal)?.to_owned();
        let refusal = (self.status.as_str().to_owned(), code);
        let is_documented = documented.contains(&refusal);
        (!is_documented).then(|| format!("{refusal:?} is not in its document"))
    }
}

impl Line {
    async fn try_all(&self, scene: &Scene, documented: &Refusals, wrong: &mut Vec<String>) {
        let mut report = |who: &str, owner: &str, what: String| {
            wrong.push(format!("{} by {who}, {owner}: {what}", self.route));
        };
        for owner in OWNERS {
            let outcome = self.ask(scene, None, owner).await;
            let expected = if self.open {
                self.own[0]
            } else {
                Seen::NoToken
            };
            if !expected.fits(outcome.status) && owner == "mine" {
                report("no token", owner, format!("{outcome:?}"));
            }
        }
        for (place, (who, token)) in tokens().iter().enumerate() {
            let mut answers = Vec::new();
            let expected = [self.own, self.others, self.unknown];
            for (owner, expected) in OWNERS.into_iter().zip(expected.map(|cells| cells[place])) {
                let outcome = self.ask(scene, Some(token), owner).await;
                if !expected.fits(outcome.status) {
                    let what = format!("not {expected:?}: {} {}", outcome.status, outcome.body);
                    report(who, owner, what);
                }
                if let Some(what) = outcome.undocumented(documented) {
                    report(who, owner, what);
                }
                answers.push(outcome);
            }
            if *who == "operator" || self.because.is_some() {
                continue;
            }
            // A request that names nobody's thing in particular is the same one twice: its answers may differ by time.
            let names = format!("{}{}", self.path, self.body).contains('$');
            if names && answers[1] != answers[2] {
                let what = format!("distinguishable: {:?} {:?}", answers[1], answers[2]);
                report(who, "else and none", what);
            }
            for answer in answers {
                if answer.status.is_success() && answer.body.contains("-else") {
                    report(who, "shown another's", answer.body);
                }
            }
        }
    }

    async fn ask(&self, scene: &Scene, token: Option<&str>, owner: &'static str) -> Outcome {
        let (method, _) = self.route.split_once(' ').unwrap();
        let url = format!("{}{}", scene.service.base_url, scene.fill(self.path, owner));
        let mut request = scene.service.client.request(method.parse().unwrap(), url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if !self.body.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(scene.fill(self.body, owner));
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), headers(answer.headers()));
        let body = without_ids(&answer.text().await.unwrap());
        let body = scene.neutral(&body, owner);
        Outcome {
            status,
            headers,
            body,
        }
    }
}

fn headers(all: &HeaderMap) -> Vec<(String, String)> {
    let kept = all
        .iter()
        .filter(|(name, _)| !OF_EACH_ANSWER.contains(&name.as_str()));
    kept.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect()
}

/// A body without the ids of the request and of what it made.
fn without_ids(body: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<Value>(body) else {
        return body.to_owned();
    };
    if let Some(fields) = json.as_object_mut() {
        for own in [
            "instance",
            "correlation_id",
            "command_id",
            "event_id",
            "conversion_id",
            "key_id",
            "prefix",
            "secret",
            "signing_secret",
        ] {
            fields.remove(own);
        }
    }
    json.to_string()
}

/// Operators' routes need no lines: whoever is no operator is sent away before anything is looked at.
async fn operators_only(scene: &Scene, wrong: &mut Vec<String>) {
    for (route, _) in documented(scene).await {
        if !is_operators(&route) {
            continue;
        }
        let (method, path) = route.split_once(' ').unwrap();
        let path: String = filled_in(path);
        for (who, token) in tokens() {
            let url = format!("{}{path}", scene.service.base_url);
            let request = scene
                .service
                .client
                .request(method.parse().unwrap(), url)
                .timeout(std::time::Duration::from_mins(1))
                .header("content-type", "application/json")
                .body("{}");
            let bare = request.try_clone().unwrap().send().await.unwrap().status();
            if bare != StatusCode::UNAUTHORIZED {
                wrong.push(format!("{route} without a token: {bare}"));
            }
            if who != "operator" {
                let status = request.bearer_auth(token).send().await.unwrap().status();
                if status != StatusCode::FORBIDDEN {
                    wrong.push(format!("{route} by {who}: {status}, not 403"));
                }
            }
        }
    }
}

/// A path with something for each of its parameters.
pub fn filled_in(path: &str) -> String {
    let part = |part: &str| {
        let id = "00000000-0000-7000-8000-000000000000";
        if part.starts_with('{') {
            id.to_owned()
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
