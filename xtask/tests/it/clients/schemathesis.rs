//! schemathesis makes requests of each service's document, good ones and bad ones, as each role: every answer is one that
//! the document tells of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use schemas::Service;
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};
use xtask::demo::Tokens;
use xtask::local::LocalStack;
use xtask::settings::Mode;
use xtask::stack::testing::{PYTHON, from_test_run};

/// All that is asked.
const WITHIN: Duration = Duration::from_mins(3);
/// It is as busy as the services are.
const AT_ONCE: usize = 2;

/// Who asks, by what `./tributary token` is told; nobody shows none.
const ROLES: [(&str, Option<&str>); 4] = [
    ("nobody", None),
    ("partner", Some("--partner partner123")),
    ("brand", Some("--brand brand123")),
    ("operator", Some("--role operator --subject tester")),
];

/// What no operator asks for.
const LEFT_OUT: [&str; 2] = [
    // Every follower would stop until it is told to accept the new epoch.
    "/epoch/raise$",
    // An answer without an end: where no event fits the filter, nothing comes of it.
    "/events/live$",
];

/// How requests are made and answers judged.
const IN_FULL: &str = include_str!("schemathesis.toml");
/// Behind it: operators' routes are the same code at every service, and all but operators have one answer there.
const BRIEFLY: &str = r#"
[[operations]]
include-path-regex = "^/api/v1/operator/"
phases.coverage.enabled = false
generation.max-examples = 2
"#;

/// A service, asked by a role.
struct Asked {
    service: Service,
    role: &'static str,
    token: Option<String>,
}

#[tokio::test]
#[ignore = "takes two minutes of both cores: cargo test -p xtask --test it -- --ignored schemathesis, under xtask with-stack --broker"]
async fn every_answer_of_every_service_to_every_role_is_one_that_its_document_tells_of() {
    // Who shows no token is to be nobody at the services too, and nobody is to be told to wait.
    let variables = [
        ("DIRECT_HTTP_AUTH", "token"),
        ("RATE_LIMIT_PER_SECOND", "0"),
    ];
    let stack = LocalStack::start_with(Mode::Http, &variables)
        .await
        .unwrap();
    stack.load_demo().await.unwrap();
    let asked = ROLES.into_iter().flat_map(|(role, who)| {
        let who = who.map(|who| who.split(' ').collect::<Vec<_>>());
        let token = who.map(|who| stack.token(&who).unwrap());
        Service::ALL.map(|service| Asked {
            service,
            role,
            token: token.clone(),
        })
    });
    let end = Instant::now() + WITHIN;
    let runs = stream::iter(asked.map(|asked| run(&stack, asked, end)));
    let found: Vec<_> = runs.buffer_unordered(AT_ONCE).collect().await;
    let found: Vec<String> = found.into_iter().flatten().collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What is wrong with the answers, with the requests; or that not all were there in time.
async fn run(stack: &LocalStack, asked: Asked, end: Instant) -> Option<String> {
    let Asked {
        service,
        role,
        token,
    } = asked;
    let title = format!("== {} asked by {role}", service.name());
    let mut command = schemathesis(stack, service, role);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let Ok(output) = timeout_at(end, command.output()).await else {
        return Some(format!("{title}: not within {WITHIN:?}"));
    };
    let output = output.unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = format!("{}{}", said(&output.stdout), said(&output.stderr));
    let is_good = output.status.success() && !told.contains("Tested: 0");
    (!is_good).then(|| format!("{title}\n{told}"))
}

fn schemathesis(stack: &LocalStack, service: Service, role: &str) -> Command {
    let python = from_test_run(PYTHON);
    let mut command = Command::new(Path::new(&python).with_file_name("schemathesis"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let (folder, config) = config(stack, service, role);
    command.current_dir(folder).arg("--config-file").arg(config);
    let url = format!("{}/openapi.json", stack.url(service).unwrap());
    command.args(["run", &url, "--no-color"]);
    if role == "operator" {
        command.args(["--exclude-path-regex", &LEFT_OUT.join("|")]);
    }
    command
}

/// A folder of its own, and what it is told there: payment, which has most of them, is asked for operators' routes in full.
fn config(stack: &LocalStack, service: Service, role: &str) -> (PathBuf, PathBuf) {
    let folder = stack
        .layout()
        .state
        .join(format!("schemathesis-{}-{role}", service.name()));
    fs::create_dir_all(&folder).unwrap();
    let in_full = (service, role) == (Service::Payment, "operator");
    let text = format!("{IN_FULL}{}", if in_full { "" } else { BRIEFLY });
    let config = folder.join("schemathesis.toml");
    fs::write(&config, text).unwrap();
    (folder, config)
}
