//! schemathesis makes requests of each service's document, good ones and bad ones, as each role: every answer is one that
//! the document tells of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use devstack::stack::testing::{PYTHON, from_test_run};
use futures::{StreamExt as _, stream};
use schemas::Service;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

/// All that is asked: some minutes where nothing else runs.
const WITHIN: Duration = Duration::from_mins(20);
/// It is as busy as the services are.
const AT_ONCE: usize = 2;

/// Who asks, by what `./tributary token` is told; nobody shows none.
const ROLES: [(&str, Option<&str>); 4] = [
    ("nobody", None),
    ("partner", Some("--partner partner123")),
    ("brand", Some("--brand brand123")),
    ("operator", Some("--role operator --subject tester")),
];

/// What no operator asks for, by the end of its path.
const LEFT_OUT: [&str; 4] = [
    // Every follower would stop until it is told to accept the new epoch.
    "/epoch/raise",
    // Time would pass for all the others.
    "/clock",
    // An answer without an end: where no event fits the filter, nothing comes of it.
    "/events/live",
    STREAM,
];
/// What nobody asks for who would be answered: an answer without an end, too.
const STREAM: &str = "/events/stream";
/// The same code at every service. Who is not let through has one answer there, which `tools/security` asks for at every route.
const OF_OPERATORS: &str = "^/api/v1/operator/";

/// Who shows no token has one answer at nearly every route, which is made by the same code everywhere.
const IN_FRONT: [Service; 2] = [Service::Bff, Service::Tracking];

/// How requests are made and answers judged.
const IN_FULL: &str = include_str!("schemathesis.toml");
/// Behind it, of operators' routes; and of all for nobody, who has one answer everywhere.
const BRIEFLY: &str = r"
phases.coverage.enabled = false
generation.max-examples = 2
";

/// Behind that: every bound of every parameter is tried where it is answered first, and by who is let through to it.
const WITHOUT_COVERAGE: &str = r"
[phases.coverage]
enabled = false
";

/// Of those that can be told of a list.
const MAX_IDS: usize = 4;

/// A service, asked by a role.
struct Case {
    service: Service,
    role: &'static str,
    token: Option<String>,
}

#[tokio::test]
async fn every_answer_of_every_service_to_every_role_is_one_that_its_document_describes() {
    // Who shows no token is to be nobody at the services too, and nobody is to be told to wait.
    let variables = [
        ("DIRECT_HTTP_AUTH", "token"),
        ("RATE_LIMIT_PER_SECOND", "0"),
        ("ADDRESS_RATE_LIMIT_PER_SECOND", "0"),
    ];
    let stack = LocalStack::start_with(Mode::Http, &variables)
        .await
        .unwrap();
    stack.load_demo().await.unwrap();
    ask_for_a_payout(&stack).await;
    let known = Known::at(&stack).await;
    let case = ROLES.into_iter().flat_map(|(role, who)| {
        let token = who.map(|who| token(&stack, who));
        // Others have operators' routes alone, which are asked for at these.
        let with_routes = iter::once(Service::Bff).chain(Service::with_topics());
        let with_answers =
            with_routes.filter(move |service| who.is_some() || IN_FRONT.contains(service));
        with_answers.map(move |service| Case {
            service,
            role,
            token: token.clone(),
        })
    });
    let end = Instant::now() + WITHIN;
    let runs = stream::iter(case.map(|case| run(&stack, &known, case, end)));
    let found: Vec<_> = runs.buffer_unordered(AT_ONCE).collect().await;
    let found: Vec<String> = found.into_iter().flatten().collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// By what `./tributary token` is told.
fn token(stack: &LocalStack, who: &str) -> String {
    let arguments: Vec<&str> = who.split(' ').collect();
    stack.token(&arguments).unwrap()
}

/// As the README's walk does.
async fn ask_for_a_payout(stack: &LocalStack) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!(
        "{}/api/v1/payments/request",
        stack.url(Service::Bff).unwrap()
    );
    let body = json!({
        "amount": "10.00", "currency": "USD", "payment_method": "paypal",
        "account_details": {"email": "user@example.com"},
    });
    let token = token(stack, "--partner partner123");
    let request = client.post(url).bearer_auth(token).json(&body);
    let answer = request.header("Prefer", "wait=20").send().await.unwrap();
    assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
}

/// What is wrong with the answers, with the requests; or that not all were there in time.
async fn run(stack: &LocalStack, known: &Known, case: Case, end: Instant) -> Option<String> {
    let Case {
        service,
        role,
        token,
    } = case;
    let title = format!("== {} asked by {role}", service.name());
    let mut command = schemathesis(stack, known, service, role);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let Ok(output) = timeout_at(end, command.output()).await else {
        return Some(format!("{title}: not within {WITHIN:?}"));
    };
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    let is_good = output.status.success() && !printed.contains("Tested: 0");
    (!is_good).then(|| format!("{title}\n{printed}"))
}

fn schemathesis(stack: &LocalStack, known: &Known, service: Service, role: &str) -> Command {
    let python = from_test_run(PYTHON);
    let mut command = Command::new(Path::new(&python).with_file_name("schemathesis"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let (folder, config) = config(stack, known, service, role);
    command.current_dir(folder).arg("--config-file").arg(config);
    let url = format!("{}/openapi.json", stack.url(service).unwrap());
    command.args(["run", &url, "--no-color"]);
    let left_out = match role {
        "nobody" => None,
        "operator" => Some(format!("({})$", LEFT_OUT.join("|"))),
        _ => Some(format!("{OF_OPERATORS}|{STREAM}$")),
    };
    if let Some(left_out) = left_out {
        command.args(["--exclude-path-regex", &left_out]);
    }
    command
}

/// A folder of its own, and what it is told there: payment, which has most of them, is asked for operators' routes in full.
fn config(stack: &LocalStack, known: &Known, service: Service, role: &str) -> (PathBuf, PathBuf) {
    let folder = stack
        .layout()
        .state
        .join(format!("schemathesis-{}-{role}", service.name()));
    fs::create_dir_all(&folder).unwrap();
    let briefly = match (service, role) {
        (Service::Payment, "operator") => String::new(),
        (_, "nobody") => of_paths("^/", BRIEFLY),
        _ => of_paths(OF_OPERATORS, BRIEFLY),
    };
    let with_coverage = role == "operator" && matches!(service, Service::Bff | Service::Payment);
    let coverage = if with_coverage { "" } else { WITHOUT_COVERAGE };
    let text = format!("{IN_FULL}{coverage}{briefly}{}", known.config(service));
    let config = folder.join("schemathesis.toml");
    fs::write(&config, text).unwrap();
    (folder, config)
}

/// Settings of the operations whose paths fit this.
fn of_paths(regex: &str, settings: &str) -> String {
    format!("\n[[operations]]\ninclude-path-regex = '{regex}'{settings}")
}

/// What there is, since next to nothing is found by a random id: of each path that names one thing, the ids of things.
struct Known(BTreeMap<(Service, String), (String, Vec<String>)>);

impl Known {
    async fn at(stack: &LocalStack) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let tokens = ROLES.iter().filter_map(|(_, who)| *who);
        let tokens: Vec<String> = tokens.map(|who| token(stack, who)).collect();
        let get = async |url: String, token: &str| -> Value {
            let case = client.get(url).bearer_auth(token).send();
            case.await.unwrap().json().await.unwrap_or_default()
        };
        let mut paths = Vec::new();
        // By the last word of a list's path, whose it ever is: a campaign of campaign's is one of the bff's.
        let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for service in Service::ALL {
            let url = stack.url(service).unwrap();
            let document = get(format!("{url}/openapi.json"), "").await;
            for path in document["paths"].as_object().unwrap().keys() {
                match path.split_once("/{") {
                    Some((list, rest)) => {
                        let (parameter, _) = rest.split_once('}').unwrap();
                        paths.push((service, path.clone(), last(list), parameter.to_owned()));
                    }
                    None if LEFT_OUT.iter().any(|end| path.ends_with(end)) => {}
                    None => {
                        for token in &tokens {
                            let found = get(format!("{url}{path}"), token).await;
                            let items = found["items"].as_array().into_iter().flatten();
                            ids.entry(last(path))
                                .or_default()
                                .extend(items.filter_map(id));
                        }
                    }
                }
            }
        }
        let known = paths
            .into_iter()
            .filter_map(|(service, path, list, parameter)| {
                let ids: Vec<String> = ids.get(&list)?.iter().take(MAX_IDS).cloned().collect();
                (!ids.is_empty()).then_some(((service, path), (parameter, ids)))
            });
        Self(known.collect())
    }

    /// Every other request that names a thing is to name one that is there.
    fn config(&self, service: Service) -> String {
        let of_service = self.0.iter().filter(|((of, _), _)| *of == service);
        let printed = of_service.enumerate().map(|(index, ((_, path), (parameter, ids)))| {
            let (path, ids) = (json!(path), json!(ids));
            format!(
                "\n[dictionaries.ids{index}]\nvalues = {ids}\n\n[[operations]]\ninclude-path = {path}\n\
                 parameters.\"path.{parameter}\" = {{ dictionary = \"ids{index}\", probability = 0.5 }}\n"
            )
        });
        printed.collect()
    }
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

/// What a thing of a list is named by.
fn id(item: &Value) -> Option<String> {
    let fields = ["id", "campaign_id", "code", "name"].map(|field| item[field].as_str());
    fields.into_iter().flatten().next().map(str::to_owned)
}
