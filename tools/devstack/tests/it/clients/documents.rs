//! Every `OpenAPI` document, checked in or served, is one by a validator and by Redocly's recommended rules, and a
//! TypeScript client of it compiles.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use devstack::stack::testing::scratch;
use devstack::tools;
use schemas::Service;
use serde_json::{Value, json};

/// For all documents together; they take about ten seconds.
const LIMIT: Duration = Duration::from_mins(3);

/// Documents beside each other, as the tools read them.
struct Documents {
    folder: PathBuf,
    node: tools::Node,
}

impl Documents {
    fn new(name: &str) -> Self {
        let node = tools::node(&Layout::find()).unwrap();
        let folder = scratch(name);
        fs::create_dir_all(&folder).unwrap();
        symlink(node.home.join("node_modules"), folder.join("node_modules")).unwrap();
        for file in ["check.mjs", "walk.ts", "tsconfig.json", "package.json"] {
            fs::copy(sources().join(file), folder.join(file)).unwrap();
        }
        Self { folder, node }
    }

    fn put(&self, name: &str, document: &str) {
        let file = self.folder.join(format!("{name}.openapi.json"));
        fs::write(file, document).unwrap();
    }

    /// What the validator, the linter and the generator of types have against them, one finding a line.
    fn findings(&self) -> Vec<String> {
        let output = self.run(&["check.mjs", "."]);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stdout}{why}");
        stdout.lines().map(str::to_owned).collect()
    }

    /// What the TypeScript compiler has against their types, and against the walk that uses them.
    fn compile(&self) -> String {
        let output = self.run(&["node_modules/typescript/lib/tsc.js", "-p", "."]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        // Bounded by the system's own program, which ends what it started.
        let child = Command::new("timeout")
            .arg(LIMIT.as_secs().to_string())
            .arg(&self.node.program)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .output();
        child.unwrap()
    }
}

impl Drop for Documents {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _swept_later = fs::remove_dir_all(&self.folder);
        }
    }
}

fn sources() -> PathBuf {
    Layout::find()
        .root
        .join("tools/devstack/tests/it/clients/node")
}

fn checked_in(path: impl AsRef<Path>) -> String {
    fs::read_to_string(Layout::find().root.join(path)).unwrap()
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn every_checked_in_document_is_valid_and_a_typescript_client_of_it_compiles() {
    let documents = Documents::new("documents");
    for service in Service::ALL {
        let document = checked_in(format!("{service}/openapi.json"));
        // One without routes of its own has parts that nothing uses, and nothing that a client could call.
        if !document.contains("\"paths\": {}") {
            documents.put(service.name(), &document);
        }
    }
    documents.put("operator", &checked_in("crates/operations/operator.json"));
    assert_eq!(documents.findings(), none());
    assert_eq!(documents.compile(), "");
}

/// The bff's has the operators' routes of all services too.
#[tokio::test]
async fn every_served_document_is_valid_and_a_typescript_client_of_it_compiles() {
    let stack = LocalStack::start(Mode::Http).await.unwrap();
    let documents = Documents::new("served-documents");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for service in Service::ALL {
        let url = format!("{}/openapi.json", stack.url(service).unwrap());
        let answer = http.get(url).send().await.unwrap();
        documents.put(service.name(), &answer.text().await.unwrap());
    }
    assert_eq!(documents.findings(), none());
    assert_eq!(documents.compile(), "");
}

#[test]
fn what_is_wrong_with_a_document_is_found() {
    let whole: Value = serde_json::from_str(&checked_in("bff/openapi.json")).unwrap();
    let accept = "/paths/~1api~1v1~1campaigns~1{id}~1accept/post";
    let documents = Documents::new("broken-documents");
    let broken = [
        (
            "undescribed",
            format!("{accept}/responses/202/description"),
            None,
        ),
        (
            "dangling",
            format!("{accept}/responses/202/content/application~1json/schema/$ref"),
            Some(json!("#/components/schemas/Nowhere")),
        ),
        (
            "unnamed",
            format!("{accept}/parameters/0/name"),
            Some(json!("campaign")),
        ),
        (
            "untyped",
            "/components/schemas/Accepted/type".to_owned(),
            Some(json!("thing")),
        ),
    ];
    for (name, pointer, value) in &broken {
        let mut document = whole.clone();
        let (parent, last) = pointer.rsplit_once('/').unwrap();
        let parent = document
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap();
        let key = last.replace("~1", "/");
        assert!(parent.remove(&key).is_some(), "{pointer}");
        if let Some(value) = value {
            parent.insert(key, value.clone());
        }
        documents.put(name, &document.to_string());
    }
    let findings = documents.findings();
    for (name, ..) in broken {
        let file = format!("\"{name}.openapi.json\"");
        assert!(
            findings.iter().any(|it| it.contains(&file)),
            "{name}: {findings:#?}"
        );
    }
}

#[test]
fn a_client_that_asks_for_what_there_is_not_does_not_compile() {
    let documents = Documents::new("misused-documents");
    let document =
        checked_in("bff/openapi.json").replace("\"insufficient_balance\"", "\"too_poor\"");
    documents.put("bff", &document);
    assert_eq!(documents.findings(), none());
    let reported = documents.compile();
    assert!(reported.contains("insufficient_balance"), "{reported}");
}
