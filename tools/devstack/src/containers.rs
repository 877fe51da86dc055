//! `start.sh --docker`: everything up in containers, by the compose files.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use schemas::Service;
use tokio::time::sleep;

use crate::demo::{self, Size, Tokens};
use crate::layout::Layout;
use crate::lock::StackLock;
use crate::progress::Progress;
use crate::settings::{Mode, Settings};
use crate::stack::{run, run_visibly};
use crate::tools;
use crate::up::elsewhere;

/// After the last container has started; a first start migrates every database beside a broker that starts too.
const READY_WITHIN: Duration = Duration::from_mins(3);

/// Builds the images, starts the containers, waits until all are ready and loads the demo data; on databases of another machine where
/// that is allowed.
pub async fn up(
    layout: &Layout,
    mode: Option<Mode>,
    databases_elsewhere: bool,
    size: Size,
    progress: Progress,
) -> Result<()> {
    let file = match mode {
        None | Some(Mode::Hybrid) => "docker-compose.yml",
        Some(Mode::Event) => "docker-compose.event-driven.yml",
        Some(Mode::Http) => bail!(
            "there is no compose file for http mode: ./start.sh --mode http runs it without containers"
        ),
    };
    let program = find()?;
    let _lock = StackLock::take(layout)?;
    let settings = of_containers(Settings::load(layout)?);
    settings.check(layout)?;
    if databases_elsewhere {
        elsewhere::allow(layout, &settings)?;
    }
    elsewhere::check(layout, &settings)?;
    let hosts = elsewhere::hosts(&settings)?;
    begins_in_the_past(size, &settings)?;
    let files = files(layout, &settings, file, mode.is_some())?;
    let compose = Compose::new(layout, program, files)?;
    let step = progress.step("Containers (the first build of the images takes many minutes)");
    let mut up = compose.command();
    up.args(["up", "--build", "--detach", "--remove-orphans"]);
    if !run_visibly(&mut up)? {
        bail!("{} up failed: see its message above", compose.shown());
    }
    // The files publish the ports of the defaults, whatever .env says of a stack without containers.
    let settings = Settings::example()?;
    for service in Service::ALL {
        let url = format!("{}/ready", settings.service_url(service)?);
        wait_for(&url, &compose.shown()).await?;
    }
    step.done("all ready");
    if elsewhere::keep_demo_out(&hosts, progress) {
        return Ok(());
    }
    demo::load_sized(size, &settings, &compose, progress).await?;
    demo::show(&settings, &compose, progress)
}

/// The files name the server beside the containers themselves, whatever `.env` says of it; a service's own URL goes through.
fn of_containers(mut settings: Settings) -> Settings {
    settings.set("POSTGRES_HOST", "localhost");
    settings
}

/// The large demo's days lie ahead of a stack whose logs do not begin in the past, and no clock goes back. Compose does not say whether
/// the volumes are new, so whoever wants it says where logs begin.
fn begins_in_the_past(size: Size, settings: &Settings) -> Result<()> {
    let (variable, starts) = demo::LARGE_STARTS;
    if size == Size::Large && settings.get(variable).is_none() {
        bail!(
            "the large demo would put the containers' clock 90 days ahead for good, unless their logs begin in the past, as only empty \
             ones can: ./stop.sh --docker --wipe where there are volumes, then {variable}={starts} ./start.sh --docker --demo large"
        );
    }
    Ok(())
}

/// Stops the containers and removes them, with `wipe` their volumes too.
pub fn down(layout: &Layout, wipe: bool, progress: Progress) -> Result<()> {
    let program = find()?;
    let _lock = StackLock::take(layout)?;
    let settings = Settings::load(layout)?;
    let files = files(layout, &settings, "docker-compose.yml", false)?;
    let compose = Compose::new(layout, program, files)?;
    let mut down = compose.command();
    down.args(["down", "--remove-orphans"]);
    if wipe {
        down.arg("--volumes");
    }
    if !run_visibly(&mut down)? {
        bail!("{} down failed: see its message above", compose.shown());
    }
    progress.note("containers: stopped");
    Ok(())
}

/// What compose is called here, when an engine answers; else what is missing, and what to do about it.
fn find() -> Result<&'static [&'static str]> {
    const WITHOUT: &str = "./start.sh without --docker needs none";
    if !tools::has("docker") {
        bail!(
            "no docker on the path. Install Docker Engine with its compose plugin \
             (https://docs.docker.com/engine/install); {WITHOUT}"
        );
    }
    let engine = ["version", "--format", "{{.Server.Version}}"];
    run(Command::new("docker").args(engine)).with_context(|| {
        format!(
            "docker is here, but no engine answers: start it, or set DOCKER_HOST to one; {WITHOUT}"
        )
    })?;
    if run(Command::new("docker").args(["compose", "version"])).is_ok() {
        return Ok(&["docker", "compose"]);
    }
    if tools::has("docker-compose") {
        return Ok(&["docker-compose"]);
    }
    bail!(
        "the engine answers, but compose is missing. Run: sudo apt-get install -y docker-compose; {WITHOUT}"
    )
}

/// Makes a token in the bff's container.
const TOKEN: [&str; 4] = ["exec", "-T", "bff", "/usr/local/bin/generate-jwt"];

/// Of these the first that is there goes over the composition, as it does where compose is given no file.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// The files that compose is given: ours, and what somebody puts over it; none where `COMPOSE_FILE` names them all.
fn files(
    layout: &Layout,
    settings: &Settings,
    ours: &'static str,
    is_chosen: bool,
) -> Result<Vec<&'static str>> {
    let named = settings.get(COMPOSE_FILE).map(str::to_owned);
    let named = named.or_else(|| env::var(COMPOSE_FILE).ok());
    if named.is_some_and(|named| !named.is_empty()) {
        if is_chosen {
            bail!(
                "{COMPOSE_FILE} names the files, and with them the mode: leave --mode out, or it"
            );
        }
        return Ok(Vec::new());
    }
    let over = OVERRIDES.into_iter();
    let over = over.filter(|file| layout.root.join(file).exists()).take(1);
    Ok([ours].into_iter().chain(over).collect())
}

const COMPOSE_FILE: &str = "COMPOSE_FILE";

/// The composition, and how to call compose for it.
struct Compose<'a> {
    layout: &'a Layout,
    files: Vec<&'static str>,
    program: &'static [&'static str],
    variables: BTreeMap<String, String>,
}

impl<'a> Compose<'a> {
    fn new(
        layout: &'a Layout,
        program: &'static [&'static str],
        files: Vec<&'static str>,
    ) -> Result<Self> {
        // Compose reads .env by itself, but no file that a line of it names, and takes a `$` in a value for a variable's. What the local
        // stack has made for itself stays out: the container `secrets` makes its own, and would take a given one in its place.
        let given = Settings::given(layout)?;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(Self {
            layout,
            files,
            program,
            variables: given.iter().map(owned).collect(),
        })
    }

    /// What a person types.
    fn shown(&self) -> String {
        let files = self.files.iter().flat_map(|file| ["--file", file]);
        let words: Vec<&str> = self.program.iter().copied().chain(files).collect();
        words.join(" ")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program[0]);
        command
            .args(&self.program[1..])
            .args(self.files.iter().flat_map(|file| ["--file", file]))
            .current_dir(&self.layout.root);
        // The old compose builds with BuildKit only when told to.
        for name in ["DOCKER_BUILDKIT", "COMPOSE_DOCKER_CLI_BUILD"] {
            command.env(name, "1");
        }
        command.envs(&self.variables);
        command
    }
}

impl Tokens for Compose<'_> {
    fn token(&self, arguments: &[&str]) -> Result<String> {
        let mut exec = self.command();
        let token = run(exec.args(TOKEN).args(arguments))?;
        Ok(token.trim().to_owned())
    }

    fn database_page(&self) -> &'static str {
        "Databases: http://127.0.0.1:9001 (Adminer; server postgres, user postgres, its password in the volume secrets-postgres)"
    }

    fn typed(&self) -> String {
        format!("{} {}", self.shown(), TOKEN.join(" "))
    }
}

async fn wait_for(url: &str, compose: &str) -> Result<()> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()?;
    let end = Instant::now() + READY_WITHIN;
    loop {
        let answer = match client.get(url).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(problem) => problem.to_string(),
        };
        if Instant::now() >= end {
            bail!(
                "{url} does not answer 200 after {READY_WITHIN:?}; it says: {answer}\n  See {compose} ps, and {compose} logs"
            );
        }
        sleep(Duration::from_millis(200)).await;
    }
}
