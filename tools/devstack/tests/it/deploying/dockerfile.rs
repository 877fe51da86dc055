//! The Dockerfile: what it runs, what its images bring along.

use std::collections::BTreeMap;

use devstack::stack::testing::PROGRAMS_BUILD;
use schemas::Service;

use super::text;

/// Each image, which starts the program of its name.
fn images() -> impl Iterator<Item = &'static str> {
    let services = Service::ALL.map(Service::name).into_iter();
    services.chain(["simulator", "tributary"])
}

/// One instruction, such as `("COPY", ". .")`.
type Instruction = (String, String);

/// A stage: what it begins from, its name, what it does.
struct Stage {
    from: String,
    name: String,
    instructions: Vec<Instruction>,
}

/// What the Dockerfile makes of one target, read as far as ours goes: the instructions of all stages that it begins from.
pub struct Dockerfile {
    instructions: Vec<Instruction>,
}

impl Dockerfile {
    pub fn of(target: &str) -> Self {
        let stages = stages();
        let mut instructions = Vec::new();
        let mut wanted = target.to_owned();
        while let Some(stage) = stages.iter().find(|stage| stage.name == wanted) {
            instructions.splice(0..0, stage.instructions.clone());
            wanted.clone_from(&stage.from);
        }
        assert!(!instructions.is_empty(), "no target {target}");
        Self { instructions }
    }

    fn all<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a str> {
        let instructions = self.instructions.iter();
        instructions
            .filter(move |(it, _)| it == keyword)
            .map(|(_, rest)| rest.as_str())
    }

    /// What an instruction of the image itself, not of the build, says last.
    pub fn last(&self, keyword: &str) -> Option<&str> {
        let found = self.instructions.iter().rev().find(|(it, _)| it == keyword);
        found.map(|(_, rest)| rest.as_str())
    }

    /// The words of `ENTRYPOINT`, `CMD` or the command of a `HEALTHCHECK`.
    pub fn words(&self, keyword: &str) -> Vec<String> {
        let Some(instruction) = self.last(keyword) else {
            return Vec::new();
        };
        serde_json::from_str(instruction.trim_start_matches("CMD ")).unwrap()
    }

    /// The variables that the image sets.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let pairs = self.all("ENV").flat_map(|rest| rest.split(' '));
        pairs
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.into(), v.into()))
            .collect()
    }

    /// What the image takes from the build: path there, path here, owner.
    pub fn copies(&self) -> Vec<(String, String, Option<String>)> {
        let copies = self.all("COPY").map(|rest| {
            let (options, paths): (Vec<&str>, Vec<&str>) =
                rest.split(' ').partition(|word| word.starts_with("--"));
            assert!(options.contains(&"--from=build"), "{rest}");
            let owner = options
                .iter()
                .find_map(|word| word.strip_prefix("--chown="));
            (
                paths[0].to_owned(),
                paths[1].to_owned(),
                owner.map(str::to_owned),
            )
        });
        copies.collect()
    }

    /// What `RUN` lines run, command by command, without the caches they run with.
    pub fn commands(&self) -> Vec<String> {
        let lines = self.all("RUN").map(|rest| {
            let words = rest
                .split_whitespace()
                .filter(|word| !word.starts_with("--mount="));
            words.collect::<Vec<_>>().join(" ")
        });
        lines
            .flat_map(|line| line.split(" && ").map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }
}

fn stages() -> Vec<Stage> {
    let text = text("deploy/images/Dockerfile");
    let mut stages: Vec<Stage> = Vec::new();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    for line in joined.lines().filter(|line| !line.trim().is_empty()) {
        let (keyword, rest) = line.split_once(' ').unwrap();
        if keyword == "FROM" {
            let (from, name) = rest.split_once(" AS ").unwrap();
            stages.push(Stage {
                from: from.to_owned(),
                name: name.to_owned(),
                instructions: Vec::new(),
            });
        } else {
            let instruction = (keyword.to_owned(), rest.trim().to_owned());
            stages.last_mut().unwrap().instructions.push(instruction);
        }
    }
    stages
}

#[test]
fn the_dockerfile_runs_only_what_the_tests_run() {
    assert_eq!(
        Dockerfile::of("build").commands(),
        [
            super::images::PACKAGES,
            super::images::BUILD,
            super::images::ROOTFS
        ]
    );
    let tested = format!("cargo {} --release", PROGRAMS_BUILD.join(" "));
    assert_eq!(super::images::BUILD, tested);
    for image in images() {
        assert!(Dockerfile::of(image).commands().is_empty(), "{image}");
    }
}

#[test]
fn the_compiler_is_pinned_to_that_of_the_clone_and_images_begin_with_nothing() {
    let toolchain: toml::Table = text("rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let stages = stages();
    let own = |from: &str| stages.iter().any(|stage| stage.name == from);
    let from_outside = stages.iter().filter(|stage| !own(&stage.from));
    let bases: Vec<(&str, &str)> = from_outside
        .map(|stage| (stage.from.as_str(), stage.name.as_str()))
        .collect();
    let compiler = format!("rust:{channel}-slim-bookworm");
    assert_eq!(bases, [(compiler.as_str(), "build"), ("scratch", "image")]);
}

#[test]
fn an_image_runs_its_program_as_nobody_that_this_machine_knows() {
    for image in images() {
        let file = Dockerfile::of(image);
        assert_eq!(file.last("USER"), Some("10001:10001"), "{image}");
        assert_eq!(
            file.words("ENTRYPOINT"),
            [format!("/usr/local/bin/{image}")]
        );
        if image != "tributary" {
            assert_eq!(
                file.words("HEALTHCHECK")[0],
                format!("/usr/local/bin/{image}")
            );
        }
    }
}
