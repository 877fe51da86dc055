//! `start.sh`: everything up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use schemas::{Service, Topic};
use tokio::time::sleep;

use crate::layout::Layout;
use crate::lock::StackLock;
use crate::progress::Progress;
use crate::provision::{Backlogs, ours_and_others};
use crate::services::Program;
use crate::settings::{Mode, Settings, refuse, variable};
use crate::stack::{Pulsar, run_visibly};
use crate::token::GenerateJwt;
use crate::{demo, infra, services, tools};

pub(crate) mod elsewhere;
mod ports;

const EMPTY_WITHIN: Duration = Duration::from_mins(10);

/// Brings the stack up, or only its servers; on databases of another machine where that is allowed.
pub async fn run(
    layout: &Layout,
    mode: Option<Mode>,
    only_infra: bool,
    databases_elsewhere: bool,
    size: demo::Size,
    progress: Progress,
) -> Result<()> {
    let _lock = StackLock::take(layout)?;
    let mut settings = Settings::load(layout)?;
    if let Some(mode) = mode {
        settings.set_mode(mode);
    }
    // Where logs begin is for those that are empty alone.
    let (variable, starts) = demo::LARGE_STARTS;
    let is_fresh = !layout.state.join("postgres").exists();
    if size == demo::Size::Large && is_fresh && settings.get(variable).is_none_or(str::is_empty) {
        settings.set(variable, starts);
    }
    settings.check(layout)?;
    refuse(&problems(
        layout,
        &settings,
        only_infra,
        databases_elsewhere,
    )?)?;
    if databases_elsewhere {
        elsewhere::allow(layout, &settings)?;
    }
    let step = progress.step("Tools");
    let leaving_broker = leaves_broker(layout, &settings)?;
    tools::ensure(settings.uses_broker()? || leaving_broker)?;
    step.done("all here");
    if only_infra {
        return servers(layout, &settings, progress).await;
    }
    let built = build(layout, progress)?;
    if leaving_broker {
        drain(layout, &settings, &built, progress).await?;
    }
    servers(layout, &settings, progress).await?;
    let step = progress.step("Services");
    // Until all run so, one that used the broker counts as using it still: a start that fails half-way forgets nothing.
    note_modes(layout, &settings, true)?;
    services::start(layout, &settings, &built, progress).await?;
    note_modes(layout, &settings, false)?;
    step.done("all ready");
    if leaving_broker && !settings.uses_broker()? && Pulsar::stop_in(&layout.state.join("pulsar")) {
        progress.note("Pulsar: stopped, since no service uses it now");
    }
    show_demo(size, layout, &settings, &built, progress).await
}

/// Why nothing is started, each of the reasons.
fn problems(
    layout: &Layout,
    settings: &Settings,
    only_infra: bool,
    databases_elsewhere: bool,
) -> Result<Vec<String>> {
    let mut problems = ports::conflicts(layout, settings, only_infra)?;
    problems.extend(unfit_folder(layout, settings)?);
    if !only_infra && !databases_elsewhere {
        problems.extend(elsewhere::unallowed(layout, settings)?);
    }
    Ok(problems)
}

/// Why the broker that is ours to run could not run in this clone.
fn unfit_folder(layout: &Layout, settings: &Settings) -> Result<Option<String>> {
    if !settings.uses_broker()? || settings.own_broker_ports()?.is_none() {
        return Ok(None);
    }
    let unfit = layout.unfit_for_broker();
    Ok(unfit.map(|why| format!("{why}, or start it with --mode http")))
}

async fn servers(layout: &Layout, settings: &Settings, progress: Progress) -> Result<()> {
    infra::postgres(layout, settings, &progress).await?;
    if settings.uses_broker()? {
        infra::broker(layout, settings, &progress).await?;
    }
    Ok(())
}

/// Loads the demo data, but into no databases of another machine, and shows what to try.
pub async fn show_demo(
    size: demo::Size,
    layout: &Layout,
    settings: &Settings,
    built: &Path,
    progress: Progress,
) -> Result<()> {
    if !built.join("bff").exists() {
        progress.note("no bff yet, so no demo data");
        return Ok(());
    }
    if elsewhere::keep_demo_out(&elsewhere::hosts(settings)?, progress) {
        return Ok(());
    }
    let tokens = GenerateJwt::new(layout, settings, built);
    demo::load_sized(size, settings, &tokens, progress).await?;
    demo::show(settings, &tokens, progress)
}

/// What people and the check of the rules run beside the stack's programs. What measures and breaks them is built when it is asked for.
const BESIDE: [&str; 3] = ["tributary", "generate-jwt", "rebuild"];

/// Builds what runs in release and returns its folder; a second or two when nothing changed.
pub fn build(layout: &Layout, progress: Progress) -> Result<PathBuf> {
    let step = progress.step("Build (release; several minutes the first time)");
    if !run_visibly(&mut build_command(layout))? {
        bail!("the build failed: see the compiler's message above");
    }
    step.done("built");
    Ok(layout.built("release"))
}

/// What [`build`] runs. Only programs are named, and no packages: so libraries are built with the features of the whole workspace, once
/// for all.
pub fn build_command(layout: &Layout) -> Command {
    let mut cargo = Command::new("cargo");
    let programs = Program::START_ORDER.map(Program::name);
    cargo
        .args(["build", "--release", "--locked"])
        .args(
            programs
                .into_iter()
                .chain(BESIDE)
                .flat_map(|it| ["--bin", it]),
        )
        .current_dir(&layout.root);
    cargo
}

fn modes_file(layout: &Layout) -> PathBuf {
    layout.state.join("run/modes")
}

/// Keeps the modes, and whether the broker asks for tokens, as `NAME=value` lines; with `keep_broker` a service noted as using
/// the broker stays so.
fn note_modes(layout: &Layout, settings: &Settings, keep_broker: bool) -> Result<()> {
    let before = as_started(layout)?;
    let known = modes_file(layout).exists();
    let line = |service| -> Result<String> {
        let (old, new) = (before.mode(service)?, settings.mode(service)?);
        let mode = if keep_broker && known && old != Mode::Http {
            old
        } else {
            new
        };
        Ok(format!(
            "{}={}\n",
            variable(service, "SERVICE_MODE"),
            mode.name()
        ))
    };
    let lines: Result<Vec<String>> = Service::with_topics().map(line).collect();
    let grants = settings.broker_grants()?;
    let auth = format!("BROKER_AUTH={}\n", if grants { "token" } else { "none" });
    fs::create_dir_all(layout.state.join("run"))?;
    Ok(fs::write(modes_file(layout), lines?.concat() + &auth)?)
}

/// The settings with the modes that the running services were started in, and with what their broker asks for.
pub fn as_started(layout: &Layout) -> Result<Settings> {
    let mut settings = Settings::load(layout)?;
    for line in fs::read_to_string(modes_file(layout))
        .unwrap_or_default()
        .lines()
    {
        if let Some((name, mode)) = line.split_once('=') {
            settings.set(name, mode);
        }
    }
    Ok(settings)
}

/// Does a service that used the broker last time not use it now? Then messages may still lie there.
fn leaves_broker(layout: &Layout, wanted: &Settings) -> Result<bool> {
    if !modes_file(layout).exists() {
        return Ok(false);
    }
    let before = as_started(layout)?;
    let left = Service::with_topics().map(|service| {
        Ok(before.mode(service)? != Mode::Http && wanted.mode(service)? == Mode::Http)
    });
    Ok(left.collect::<Result<Vec<bool>>>()?.contains(&true))
}

/// Runs everything in hybrid until the broker holds nothing more, so that no command is left behind there.
async fn drain(layout: &Layout, wanted: &Settings, built: &Path, progress: Progress) -> Result<()> {
    let step = progress
        .step("From the broker to http: first in hybrid, until the broker's backlog is empty");
    let mut hybrid = wanted.clone();
    hybrid.set_mode(Mode::Hybrid);
    servers(layout, &hybrid, progress).await?;
    services::start(layout, &hybrid, built, progress).await?;
    let (place, end) = (infra::place(&hybrid)?, Instant::now() + EMPTY_WITHIN);
    loop {
        let (mut waiting, mut notes) = (0, Vec::new());
        for topic in Topic::ALL {
            let (count, others) = left_at(topic, place.backlogs(topic).await?);
            waiting += count;
            notes.extend(others);
        }
        if waiting == 0 {
            step.done("the backlog is empty");
            for note in notes {
                progress.note(&note);
            }
            return Ok(());
        }
        if Instant::now() >= end {
            bail!(
                "{waiting} messages still wait at the broker after {EMPTY_WITHIN:?}. The services run in hybrid: look at \
                 ./tributary status and ./tributary logs, then ./start.sh --mode http again"
            );
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// How much services have to take from a topic yet, and what lies there for systems that are not ours: they come when they like.
fn left_at(topic: Topic, backlogs: Backlogs) -> (u64, Vec<String>) {
    let (ours, others) = ours_and_others(topic, backlogs);
    let others = others.into_iter().filter(|(_, count)| *count > 0);
    let note = |(name, count)| {
        format!("note: {count} entries of {topic} wait for {name}, whose subscription is not ours")
    };
    (ours.into_values().sum(), others.map(note).collect())
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use super::*;

    #[test]
    fn leaving_the_broker_waits_for_what_services_follow_and_only_names_what_lies_there_for_others()
    {
        let backlogs = |bff: u64, acme: u64| -> Backlogs {
            let named = [("bff", bff), ("acme", acme), ("idle", 0)];
            named.map(|(name, count)| (name.to_owned(), count)).into()
        };
        let topic = Topic::TrackingEvents;
        assert_eq!(left_at(topic, backlogs(2, 0)), (2, Vec::new()));
        let (waiting, notes) = left_at(topic, backlogs(0, 3));
        assert_eq!(waiting, 0);
        let wanted =
            "note: 3 entries of tracking-events wait for acme, whose subscription is not ours";
        assert_eq!(notes, [wanted]);
        // What follows another topic is nobody's here.
        let (waiting, notes) = left_at(Topic::PaymentCommands, backlogs(2, 0));
        assert_eq!((waiting, notes.len()), (0, 1));
    }

    #[test]
    fn a_folder_in_which_the_local_broker_cannot_run_is_named_before_anything_is_built() {
        let mut layout = Layout::find();
        layout.state = "/home/me/my clone/.tributary".into();
        let mut settings = Settings::example().unwrap();
        let named = unfit_folder(&layout, &settings).unwrap().unwrap();
        assert!(named.contains("/home/me/my clone/.tributary"), "{named}");
        settings.set_mode(Mode::Http);
        assert_eq!(unfit_folder(&layout, &settings).unwrap(), None);
        settings.set_mode(Mode::Hybrid);
        layout.state = "/home/me/my-clone/é/.tributary".into();
        assert_eq!(unfit_folder(&layout, &settings).unwrap(), None);
        layout.state = "/home/me/50%/.tributary".into();
        settings.set("PULSAR_SERVICE_URL", "pulsar://broker.example:6650");
        assert_eq!(unfit_folder(&layout, &settings).unwrap(), None);
    }

    #[test]
    fn a_later_command_knows_that_the_broker_asks_for_tokens() {
        let mut layout = Layout::find();
        layout.state = layout.tests().join(format!("up-{}", std::process::id()));
        let mut settings = Settings::load(&layout).unwrap();
        settings.set("BROKER_AUTH", "token");
        note_modes(&layout, &settings, false).unwrap();
        let later = as_started(&layout).unwrap();
        fs::remove_dir_all(&layout.state).unwrap();
        assert_eq!(later.get("BROKER_AUTH"), Some("token"));
    }
}
