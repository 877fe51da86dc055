//! Alert rules and dashboard: tested as rules, and against a Prometheus that scrapes a running stack.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use devstack::stack::{Process, Signal, free_port, run};
use devstack::tools::prometheus;
use schemas::Service;
use serde_json::Value;
use tokio::time::Instant;

use crate::traffic::{PATIENCE, Shop};

/// What our metrics' names begin with; `up` is Prometheus' own.
const PREFIXES: &[&str] = &[
    "tributary",
    "http",
    "process",
    "tracking",
    "payment",
    "telemetry",
];

#[test]
fn every_alert_rule_is_valid_and_fires_in_its_own_test_and_not_before() {
    let layout = Layout::find();
    let promtool = prometheus(&layout, "promtool").unwrap();
    let folder = folder();
    let output = |arguments: &[&str]| {
        let mut command = Command::new(&promtool);
        run(command.args(arguments).current_dir(&folder)).unwrap()
    };
    output(&["check", "config", "prometheus.yml"]);
    let checked = output(&["check", "rules", "alerts.yml"]);
    assert!(
        checked.contains(&format!("{} rules found", alerts().len())),
        "{checked}"
    );
    output(&["test", "rules", "alerts.test.yml"]);

    let tests = read("alerts.test.yml");
    let page = fs::read_to_string(layout.root.join("docs/observing.md")).unwrap();
    for alert in alerts() {
        assert!(
            tests.contains(&format!("alertname: {alert}\n        exp_alerts:\n")),
            "{alert} fires in no test"
        );
        assert!(
            tests.contains(&format!("alertname: {alert}\n        exp_alerts: []")),
            "{alert} is silent in no test"
        );
        assert!(
            page.contains(&format!("### {alert}\n")),
            "docs/observing.md says nothing about {alert}"
        );
        let anchor = format!(
            r#"runbook_url: "{{{{ $externalLabels.tributary_docs }}}}docs/observing.md#{}""#,
            alert.to_lowercase()
        );
        assert!(
            read("alerts.yml").contains(&anchor),
            "{alert} leads to its runbook"
        );
    }
}

#[tokio::test]
async fn every_metric_of_alerts_and_dashboard_exists_in_a_running_stack_and_is_documented() {
    let mut stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    // Nobody listens there: that the traces are lost is a figure too.
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    stack
        .settings_mut()
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", nowhere);
    stack.start_again().await.unwrap();
    let prometheus = Scraper::start(&stack);
    stack.load_demo().await.unwrap();
    let bffs = vec![stack.url(Service::Bff).unwrap().to_owned()];
    let traffic = Shop::new(&stack, "observed", bffs).open();

    let used: BTreeSet<String> = expressions()
        .iter()
        .flat_map(|text| metrics_of(text))
        .collect();
    assert!(used.len() > 20, "{used:?}");
    for metric in &used {
        prometheus
            .until_answered(&format!("count({{__name__=\"{metric}\"}})"))
            .await;
    }
    for panel in panels() {
        prometheus.until_answered(&panel).await;
    }
    let rules = prometheus.get("rules", &[]).await;
    let rules = rules["groups"][0]["rules"].as_array().unwrap().clone();
    assert_eq!(rules.len(), alerts().len());
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    assert_all_are_documented(&prometheus, &used).await;
    for service in Service::ALL {
        let page = prometheus
            .http
            .get(format!("{}/metrics", stack.url(service).unwrap()));
        let page = page.send().await.unwrap().text().await.unwrap();
        assert_all_have_help_and_type(service, &page);
    }
    traffic.close().await;
}

/// Each family of a page has its HELP and its TYPE, once.
fn assert_all_have_help_and_type(service: Service, page: &str) {
    let reported = |mark: &str| {
        let lines = page.lines().filter_map(|line| line.strip_prefix(mark));
        let names = lines.map(|line| line.split(' ').next().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let (help, types) = (reported("# HELP "), reported("# TYPE "));
    let families: BTreeSet<&String> = types.iter().collect();
    assert_eq!(families.len(), types.len(), "{service}: a TYPE twice");
    for sample in page
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let name = sample.split(['{', ' ']).next().unwrap();
        let family = ["", "_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|end| name.strip_suffix(end))
            .find(|base| types.iter().any(|known| known == base));
        let family = family.unwrap_or_else(|| panic!("{service}: {name} has no TYPE"));
        let texts = help.iter().filter(|known| *known == family).count();
        assert_eq!(texts, 1, "{service}: HELP of {family}");
    }
}

/// What a running stack happens not to record has its HELP too.
#[test]
fn every_metric_in_the_sources_is_described_and_documented() {
    let root = Layout::find().root;
    let page = fs::read_to_string(root.join("docs/observing.md")).unwrap();
    let sources: String = crate::folders_of_services()
        .flat_map(|folder| crate::environment::sources(&root.join(folder).join("src")))
        .collect();
    let sources: String = sources
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    let recorded: BTreeSet<&str> = ["counter!(\"", "gauge!(\"", "histogram!(\"", "Gauge{name:\""]
        .iter()
        .flat_map(|mark| sources.split(mark).skip(1))
        .filter_map(|rest| rest.split_once('"'))
        .map(|(name, _)| name)
        .collect();
    assert!(recorded.len() > 25, "{recorded:?}");
    for name in recorded {
        let entry = format!("(\"{name}\",\"");
        let mut entries = sources.match_indices(&entry);
        assert!(
            entries.any(|(at, _)| !sources[..at].ends_with('!')),
            "{name} has no HELP"
        );
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/observing.md does not name {name}"
        );
    }
}

/// `docs/observing.md` names every metric of ours that a running stack has, and those that alerts and dashboard use.
async fn assert_all_are_documented(prometheus: &Scraper, used: &BTreeSet<String>) {
    let page = fs::read_to_string(Layout::find().root.join("docs/observing.md")).unwrap();
    let all = prometheus.get("label/__name__/values", &[]).await;
    let all = all
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned);
    let ours = all.filter(|name| is_ours(name)).chain(used.iter().cloned());
    for name in ours {
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        let base = base.unwrap_or(&name);
        assert!(
            page.contains(&format!("`{base}`")),
            "docs/observing.md does not name {base}"
        );
    }
}

/// A Prometheus with the project's own configuration, but for the addresses and a shorter interval.
struct Scraper {
    url: String,
    http: reqwest::Client,
    _process: Process,
}

impl Scraper {
    fn start(stack: &LocalStack) -> Self {
        let dir = stack.layout().state.join("prometheus");
        fs::create_dir_all(&dir).unwrap();
        let mut config = read("prometheus.yml").replace("15s", "1s");
        for service in Service::ALL {
            let port = service.port();
            let at = stack.url(service).unwrap().trim_start_matches("http://");
            config = config.replace(&format!("127.0.0.1:{port}"), at);
        }
        fs::write(dir.join("prometheus.yml"), config).unwrap();
        fs::copy(folder().join("alerts.yml"), dir.join("alerts.yml")).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let program = prometheus(&Layout::find(), "prometheus").unwrap();
        let mut command = Command::new(program);
        command.args([
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            &format!("--web.listen-address={address}"),
        ]);
        let (log, pid) = (dir.join("prometheus.log"), dir.join("pid"));
        let process = Process::spawn(command.current_dir(&dir), &log, &pid, Signal::TERM).unwrap();
        Self {
            url: format!("http://{address}/api/v1"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            _process: process,
        }
    }

    /// What it answers, once it listens.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let request = self.http.get(format!("{}/{path}", self.url)).query(query);
            if let Ok(answer) = request.send().await
                && let Ok(answer) = answer.json::<Value>().await
            {
                assert_eq!(answer["status"], "success", "{query:?}: {answer}");
                return answer["data"].clone();
            }
            assert!(Instant::now() < end, "Prometheus does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the expression has a value that is a number.
    async fn until_answered(&self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.get("query", &[("query", expression)]).await;
            let rows = answer["result"].as_array().unwrap();
            if rows.iter().any(|row| row["value"][1] != "NaN") {
                return;
            }
            assert!(Instant::now() < end, "nothing comes of {expression}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn folder() -> PathBuf {
    Layout::find().root.join("deploy/observability")
}

fn read(file: &str) -> String {
    let file: &Path = &folder().join(file);
    fs::read_to_string(file).unwrap()
}

fn alerts() -> Vec<String> {
    let rules = read("alerts.yml");
    let names = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

/// The expressions of the dashboard's panels, with their variables filled in.
fn panels() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    targets
        .map(|target| {
            let expression = target["expr"].as_str().unwrap();
            expression
                .replace("$__rate_interval", "1m")
                .replace("$service", ".*")
        })
        .collect()
}

/// Panels, rules and the dashboard's variables.
fn expressions() -> Vec<String> {
    let mut all = panels();
    all.push(
        read("alerts.yml")
            .lines()
            .filter(|line| !line.trim().starts_with(['#', 's', 'r']))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    let dashboard: Value = serde_json::from_str(&read("grafana-dashboard.json")).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    all.extend(
        variables
            .iter()
            .map(|variable| variable["query"].to_string()),
    );
    all
}

fn is_ours(name: &str) -> bool {
    let prefix = name.split('_').next().unwrap_or_default();
    name.contains('_') && PREFIXES.contains(&prefix)
}

fn metrics_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words
        .filter(|word| is_ours(word))
        .map(str::to_owned)
        .collect()
}
