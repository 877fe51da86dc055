//! What is in the images runs: each binary in the environment that the compose files give it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use devstack::layout::Layout;
use devstack::stack::testing::scratch;
use devstack::stack::{Postgres, Pulsar, PulsarPorts, last_lines, run, run_visibly};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use schemas::Service;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

use super::compose::{FILES, config, ours};
use super::container::Container;

/// The commands of the Dockerfile's `RUN` lines.
pub const PACKAGES: &str = "deploy/images/packages.sh";
pub const BUILD: &str = "cargo build --locked --bins --release";
pub const ROOTFS: &str = "deploy/images/rootfs.sh target/release /images";

const WITHIN: Duration = Duration::from_secs(90);

/// Where the servers of the compose files are, in a network where nobody else listens.
const BROKER: PulsarPorts = PulsarPorts {
    broker: 6650,
    http: 8080,
    bookie: 6652,
};
const DATABASE: u16 = 5432;

/// Only root may make networks, mounts and other users' processes: CI and containers of developers do. Elsewhere these tests
/// hold nothing up.
fn is_root() -> bool {
    geteuid().is_root()
}

#[test]
fn what_the_build_needs_is_installed_by_its_script() {
    if is_root() {
        let root = Layout::find().root;
        run(Command::new(root.join(PACKAGES)).current_dir(&root)).unwrap();
        run(Command::new("protoc").arg("--version")).unwrap();
    }
}

#[test]
fn every_binary_serves_in_the_environment_of_the_compose_files() {
    if !is_root() {
        return;
    }
    // Its own network: there the ports are free that the files name.
    let mut itself = Command::new("unshare");
    itself.args([
        "--net",
        "--",
        "sh",
        "-c",
        "ip link set lo up && exec \"$@\"",
        "network",
    ]);
    itself.arg(std::env::current_exe().unwrap());
    itself.args([
        "--exact",
        "deploying::images::in_a_network_of_its_own",
        "--ignored",
        "--nocapture",
    ]);
    assert!(run_visibly(&mut itself).unwrap(), "see above");
}

#[tokio::test]
#[ignore = "started by the test above, in a network of its own"]
async fn in_a_network_of_its_own() {
    let layout = Layout::find();
    let folder = scratch("images");
    let images = folder.join("images");
    let mut rootfs = Command::new(layout.root.join(ROOTFS.split(' ').next().unwrap()));
    // Those of this test run: what the images hold need not wait for the optimizer.
    run(rootfs.arg(layout.built("debug")).arg(&images)).unwrap();
    let template = Postgres::template(&layout).await.unwrap();
    let database = Postgres::start_copy(&template, None, &folder.join("postgres"), DATABASE)
        .await
        .unwrap();
    let broker = Pulsar::start(&folder.join("pulsar"), BROKER).await.unwrap();
    // The server has its password already: the file's must be the same.
    let admin = database.admin_url();
    let password = admin.split([':', '@']).nth(2).unwrap();
    let server = admin.trim_end_matches("/postgres");
    let env = format!("POSTGRES_PASSWORD={password}\n");
    for (file, mode) in FILES {
        let stack = Stack::start(&config(file, &env).unwrap(), server, &images, &folder).await;
        stack.is_held_as_the_file_says();
        stack.answers_a_token_of_its_own(mode).await;
        stack.stop().await;
    }
    drop((broker, database));
    fs::remove_dir_all(folder).unwrap();
}

/// The containers of ours that run, by the names of the compose file.
struct Stack {
    /// The server, as its superuser, without a database's name.
    database: String,
    running: BTreeMap<&'static str, (Container, Process)>,
}

/// Killed when a test fails, since nobody else would.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Stack {
    /// As an engine does: each when those are healthy, or through, that it depends on.
    async fn start(config: &Value, database: &str, images: &Path, folder: &Path) -> Self {
        let mut stack = Self {
            database: database.to_owned(),
            running: BTreeMap::new(),
        };
        let mut done: BTreeSet<&str> = ["postgres", "pulsar"].into();
        while let Some(name) = ours().into_iter().find(|name| {
            let after = config["services"][name]["depends_on"].as_object();
            !done.contains(name)
                && after.is_none_or(|after| after.keys().all(|it| done.contains(it.as_str())))
        }) {
            let service = &config["services"][name];
            let container = Container::new(name, service, images, &folder.join("containers"));
            if let Some(service) = Service::parse(name) {
                stack.migrates(service, &container).await;
            }
            let log = folder.join(format!("{name}.log"));
            let child = container.start(&log);
            let mut process = Process { child, log };
            if service["restart"] == "on-failure" {
                process.succeeds(name).await;
            } else {
                process.becomes_healthy(name, &container).await;
                stack.running.insert(name, (container, process));
            }
            done.insert(name);
        }
        assert_eq!(
            stack.running.len(),
            ours().len() - 2,
            "all but those that end"
        );
        stack
    }

    /// As the job before a rollout does, also when there is nothing left to do.
    async fn migrates(&self, service: Service, container: &Container) {
        let program = format!("/usr/local/bin/{service}");
        container.run(&[program, "migrate".to_owned()]).unwrap();
        let url = format!("{}/{service}_db", self.database);
        let mut database = PgConnection::connect(&url).await.unwrap();
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = $1";
        for schema in ["pipeline", "public"] {
            let made: i64 = sqlx::query_scalar(tables)
                .bind(schema)
                .fetch_one(&mut database)
                .await
                .unwrap();
            assert!(made > 0, "{service}: nothing in {schema}");
        }
    }

    fn is_held_as_the_file_says(&self) {
        for (name, (container, process)) in &self.running {
            let proc = PathBuf::from(format!("/proc/{}", process.child.id()));
            let status = fs::read_to_string(proc.join("status")).unwrap();
            for line in [
                "Uid:\t10001\t10001\t10001\t10001",
                "Gid:\t10001",
                "NoNewPrivs:\t1",
                "CapEff:\t0000000000000000",
            ] {
                assert!(status.contains(line), "{name}: no {line} in\n{status}");
            }
            let seen = fs::read(proc.join("environ")).unwrap();
            let seen = seen
                .split(|byte| *byte == 0)
                .filter(|pair| !pair.is_empty());
            let seen = seen.map(|pair| String::from_utf8_lossy(pair).into_owned());
            let wanted = container
                .environment()
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            assert_eq!(
                seen.collect::<BTreeSet<_>>(),
                wanted.collect::<BTreeSet<_>>(),
                "{name}"
            );
            let mounts = fs::read_to_string(proc.join("mountinfo")).unwrap();
            let root = mounts
                .lines()
                .find(|line| line.split(' ').nth(4) == Some("/"));
            let options = root.and_then(|line| line.split(' ').nth(5)).unwrap();
            assert!(options.starts_with("ro,"), "{name}: {mounts}");
            for absent in ["bin/sh", "usr/bin", "usr/share"] {
                assert!(
                    !container.root().join(absent).exists(),
                    "{name} has {absent}"
                );
            }
        }
    }

    async fn answers_a_token_of_its_own(&self, mode: &str) {
        let (bff, _) = &self.running["bff"];
        let token = bff
            .run(&["/usr/local/bin/generate-jwt".to_owned()])
            .unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = "http://127.0.0.1:8002/api/v1/balances";
        let answer = client
            .get(url)
            .bearer_auth(token.trim())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        // In event mode only the bff takes requests.
        let direct = client
            .get("http://127.0.0.1:8001/api/v1/commission/commissions")
            .send()
            .await
            .unwrap();
        assert_eq!(
            direct.status(),
            if mode == "event" { 404 } else { 200 },
            "{mode}"
        );
    }

    async fn stop(mut self) {
        for (name, (_, process)) in &mut self.running {
            let pid = Pid::from_child(&process.child);
            kill_process(pid, Signal::TERM).unwrap();
            process.succeeds(name).await;
        }
    }
}

impl Process {
    async fn succeeds(&mut self, name: &str) {
        let end = Instant::now() + WITHIN;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(
                    status.success(),
                    "{name}: {status}\n{}",
                    last_lines(&self.log, 20)
                );
                return;
            }
            assert!(
                Instant::now() < end,
                "{name} goes on:\n{}",
                last_lines(&self.log, 20)
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn becomes_healthy(&mut self, name: &str, container: &Container) {
        let end = Instant::now() + WITHIN;
        while let Err(error) = container.check() {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < end,
                "{name}: {ended:?} {error}\n{}",
                last_lines(&self.log, 20)
            );
            sleep(Duration::from_millis(100)).await;
        }
    }
}
