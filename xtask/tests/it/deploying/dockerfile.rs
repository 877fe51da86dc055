//! The Dockerfiles: what they run, what they bring along.

use std::collections::BTreeMap;

use super::text;

/// A folder with a Dockerfile, and the image in it: its programs, the first of which it starts.
pub const IMAGES: &[(&str, &str)] = &[
    ("bff", "bff"),
    ("campaign", "campaign"),
    ("tracking", "tracking"),
    ("commission", "commission"),
    ("payment", "payment"),
    ("simulator", "simulator"),
    ("xtask", "xtask"),
];

/// One instruction, such as `("COPY", ". .")`.
type Instruction = (String, String);

/// A Dockerfile, read as far as ours go.
pub struct Dockerfile {
    stages: Vec<Vec<Instruction>>,
}

impl Dockerfile {
    pub fn of(folder: &str) -> Self {
        let text = text(&format!("{folder}/Dockerfile"));
        let mut stages: Vec<Vec<Instruction>> = Vec::new();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
        for line in joined.lines().filter(|line| !line.trim().is_empty()) {
            let (keyword, rest) = line.split_once(' ').unwrap();
            if keyword == "FROM" {
                stages.push(Vec::new());
            }
            let instruction = (keyword.to_owned(), rest.trim().to_owned());
            stages.last_mut().unwrap().push(instruction);
        }
        Self { stages }
    }

    fn all<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a str> {
        let instructions = self.stages.iter().flatten();
        instructions
            .filter(move |(it, _)| it == keyword)
            .map(|(_, rest)| rest.as_str())
    }

    /// What an instruction of the image itself, not of the build, says last.
    pub fn last(&self, keyword: &str) -> Option<&str> {
        let image = self.stages.last()?;
        let found = image.iter().rev().find(|(it, _)| it == keyword);
        found.map(|(_, rest)| rest.as_str())
    }

    /// The words of `ENTRYPOINT`, `CMD` or the command of a `HEALTHCHECK`.
    pub fn words(&self, keyword: &str) -> Vec<String> {
        let Some(said) = self.last(keyword) else {
            return Vec::new();
        };
        serde_json::from_str(said.trim_start_matches("CMD ")).unwrap()
    }

    /// The variables that the image sets.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let image = self.stages.last().into_iter().flatten();
        let lines = image.filter(|(it, _)| it == "ENV");
        let pairs = lines.flat_map(|(_, rest)| rest.split(' '));
        pairs
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.into(), v.into()))
            .collect()
    }

    /// What the image takes from the build: path there, path here, owner.
    pub fn copies(&self) -> Vec<(String, String, Option<String>)> {
        let image = self.stages.last().into_iter().flatten();
        let copies = image.filter(|(it, _)| it == "COPY").map(|(_, rest)| {
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

#[test]
fn a_dockerfile_runs_only_what_the_tests_run() {
    for (folder, _) in IMAGES {
        assert_eq!(
            Dockerfile::of(folder).commands(),
            [
                super::images::PACKAGES,
                super::images::BUILD,
                super::images::ROOTFS
            ],
            "{folder}"
        );
    }
}

#[test]
fn all_share_the_stage_that_compiles() {
    let first = Dockerfile::of("bff");
    for (folder, _) in IMAGES {
        assert_eq!(
            Dockerfile::of(folder).stages[0],
            first.stages[0],
            "{folder}"
        );
    }
}

#[test]
fn the_compiler_is_pinned_to_that_of_the_clone() {
    let toolchain: toml::Table = text("rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let bases: Vec<String> = Dockerfile::of("bff")
        .all("FROM")
        .map(str::to_owned)
        .collect();
    assert_eq!(
        bases,
        [
            format!("rust:{channel}-slim-bookworm AS build"),
            "scratch".to_owned()
        ]
    );
}

#[test]
fn an_image_runs_its_program_as_nobody_that_this_machine_knows() {
    for (folder, program) in IMAGES {
        let file = Dockerfile::of(folder);
        assert_eq!(file.last("USER"), Some("10001:10001"), "{folder}");
        assert_eq!(
            file.words("ENTRYPOINT"),
            [format!("/usr/local/bin/{program}")]
        );
        if *folder != "xtask" {
            assert_eq!(
                file.words("HEALTHCHECK")[0],
                format!("/usr/local/bin/{program}")
            );
        }
    }
}
