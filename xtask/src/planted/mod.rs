//! `./tributary planted`: is the check itself any good? Debug binaries with one promise broken on purpose run under traffic
//! while processes die, and the rule that the fault breaks must be reported as broken, and with no fault none.

mod scene;
mod storm;
mod traffic;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, stream};
use planted::Fault;

use crate::check::{self, Books, Finding};
use crate::layout::Layout;
use crate::local::LocalStack;
use crate::progress::Progress;
use crate::services::Program;
use crate::settings::Mode;
use crate::stack::run_visibly;
use crate::tools;
use scene::Scene;
use storm::Storm;
use traffic::Traffic;

/// Where the binaries are, beside `debug` and `release`.
pub const FOLDER: &str = "planted";
/// How long the traffic lasts.
const SECONDS: u64 = 12;
/// With most faults quiet never comes: then it is waited until nothing changes for so long, and not more often than this.
const STILL_FOR: Duration = Duration::from_secs(5);
const LOOKS: u32 = 8;
/// Without a fault it must.
const SETTLES_HONESTLY_WITHIN: Duration = Duration::from_secs(90);

/// Which faults to plant.
#[derive(clap::Args, Clone, Debug)]
pub struct Planted {
    /// Names of faults, `none`, or `all`, which is every fault and none
    #[arg(required = true)]
    names: Vec<String>,
    /// How long the traffic lasts, in seconds
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// With the binaries of the last time
    #[arg(long)]
    as_built: bool,
    /// Stacks at once; each wants a core and 2 GB of memory
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    at_once: u8,
}

impl From<Vec<String>> for Planted {
    fn from(names: Vec<String>) -> Self {
        Self {
            names,
            seconds: SECONDS,
            as_built: false,
            at_once: 1,
        }
    }
}

/// What came of one fault.
pub struct Outcome {
    name: &'static str,
    rule: Option<u8>,
    findings: Vec<Finding>,
    took: Duration,
}

impl Outcome {
    /// The fault's rule is reported broken; without a fault nothing is.
    pub fn is_right(&self) -> bool {
        match self.rule {
            Some(rule) => self.broken().any(|finding| finding.rule == rule),
            None => self.broken().next().is_none(),
        }
    }

    fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.holds())
    }

    /// What to print.
    pub fn line(&self) -> String {
        let wanted = self
            .rule
            .map_or_else(|| "none".to_owned(), |rule| rule.to_string());
        let mut broken: Vec<u8> = self.broken().map(|finding| finding.rule).collect();
        broken.dedup();
        let evidence = self
            .broken()
            .find(|finding| self.rule.is_none_or(|rule| finding.rule == rule))
            .map_or_else(String::new, |finding| {
                let first = finding.broken.first().map_or("", String::as_str);
                format!(
                    "{}: {}",
                    finding.check,
                    first.chars().take(110).collect::<String>()
                )
            });
        format!(
            "{:<30} rule {wanted:<4} {:<7} broken {broken:?} in {} s  {evidence}",
            self.name,
            if self.is_right() { "caught" } else { "MISSED" },
            self.took.as_secs()
        )
    }
}

/// Plants each, and prints a table. False when one is not caught, or something is found that is not there.
pub async fn command(layout: &Layout, planted: &Planted, progress: Progress) -> Result<bool> {
    tools::ensure(true)?;
    let scenes = scenes(&planted.names)?;
    let built = if planted.as_built {
        layout.built(FOLDER)
    } else {
        build(layout, progress)?
    };
    let lasting = Duration::from_secs(planted.seconds);
    let plays = scenes.into_iter().map(async |fault| {
        let step = progress.step(fault.map_or("no fault", Fault::name));
        let played = play(fault, &built, lasting).await;
        let right = played.as_ref().is_ok_and(Outcome::is_right);
        let line = played.map_or_else(
            |problem| format!("{:<30} {problem:#}", fault.map_or("none", Fault::name)),
            |outcome| outcome.line(),
        );
        step.done(&line);
        (line, right)
    });
    let plays = stream::iter(plays).buffered(planted.at_once.into());
    let (lines, right): (Vec<String>, Vec<bool>) = plays.unzip().await;
    println!("\n{}", lines.join("\n"));
    Ok(right.into_iter().all(|right| right))
}

fn scenes(names: &[String]) -> Result<Vec<Option<Fault>>> {
    let mut scenes = Vec::new();
    for name in names {
        match name.as_str() {
            "all" => {
                scenes.extend(Fault::ALL.map(Some));
                scenes.push(None);
            }
            "none" => scenes.push(None),
            name => {
                let known = || Fault::ALL.map(Fault::name).join(", ");
                let fault = Fault::parse(name);
                scenes.push(Some(fault.with_context(|| {
                    format!("there is no fault {name}; there are {}", known())
                })?));
            }
        }
    }
    Ok(scenes)
}

/// Debug binaries in which faults can be planted, in a folder of their own; then the honest ones again, where those were.
/// In this way both share what they depend on, and only the crates of this repository are compiled twice.
pub fn build(layout: &Layout, progress: Progress) -> Result<PathBuf> {
    let step = progress.step("Build with faults to plant (some minutes the first time)");
    cargo_build(layout, &["--features", "planted/on"])?;
    let (from, into) = (layout.built("debug"), layout.built(FOLDER));
    fs::create_dir_all(&into)?;
    let names = Program::START_ORDER.map(Program::name);
    for name in names.into_iter().chain(["generate-jwt", "rebuild"]) {
        fs::copy(from.join(name), into.join(name)).with_context(|| format!("copy {name}"))?;
    }
    cargo_build(layout, &[])?;
    step.done("built");
    Ok(into)
}

fn cargo_build(layout: &Layout, features: &[&str]) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--locked", "--bins"])
        .args(features)
        .current_dir(&layout.root);
    if !run_visibly(&mut cargo)? {
        bail!("the build failed: see the compiler's message above");
    }
    Ok(())
}

/// One stack with one fault, from its start to its books.
pub async fn play(fault: Option<Fault>, built: &Path, lasting: Duration) -> Result<Outcome> {
    let begun = Instant::now();
    let scene = Scene::of(fault);
    let mut stack = LocalStack::start_built(Mode::Hybrid, built.to_owned()).await?;
    stack.load_demo().await?;
    if let Some(fault) = fault {
        let settings = stack.settings_mut();
        settings.set("TRIBUTARY_PLANTED", fault.name());
        stack.start_again().await?;
    }
    let mut storm = Storm::new(&scene, &mut stack).await?;
    let traffic = Traffic::start(storm.stack(), &storm.replicas()).await?;
    storm.rage(lasting).await?;
    let journal = traffic.end().await;
    storm.calm().await?;
    let books = Books::of(
        storm.stack().layout(),
        storm.stack().settings(),
        built.to_owned(),
    )?;
    if let Err(moving) = quiet(&books, fault).await {
        println!("    {moving}");
    }
    let findings = check::check(&books, &journal).await?;
    Ok(Outcome {
        name: fault.map_or("none", Fault::name),
        rule: scene.rule,
        findings,
        took: begun.elapsed(),
    })
}

/// Waits until nothing moves, or what moved has come to a stand.
async fn quiet(books: &Books, fault: Option<Fault>) -> Result<(), String> {
    if fault.is_none() {
        return check::settled(books, SETTLES_HONESTLY_WITHIN).await;
    }
    let mut last = Ok(());
    for _ in 0..LOOKS {
        let now = check::settled(books, STILL_FOR).await;
        if now.is_ok() || now == last {
            return now;
        }
        last = now;
    }
    last
}
