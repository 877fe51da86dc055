//! Advisories: the `RustSec` database as it stood when `cargo xtask advisories --from <its git folder>` was last run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::Package;

const SNAPSHOT: &str = include_str!("advisories.jsonl");

/// Advisories that do not touch what is done here, with the reason.
pub(super) const ACCEPTED: &[(&str, &str)] = &[];

/// One advisory; informational ones (`unmaintained`) too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Advisory {
    id: String,
    package: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    patched: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unaffected: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    informational: Option<String>,
}

impl Advisory {
    fn affects(&self, package: &Package) -> bool {
        let among = |ranges: &[String]| ranges.iter().any(|range| matches(range, &package.version));
        self.package == package.name && !among(&self.patched) && !among(&self.unaffected)
    }
}

/// A range that cannot be read holds nothing, so that its advisory shows.
fn matches(range: &str, version: &Version) -> bool {
    VersionReq::parse(range).is_ok_and(|range| range.matches(version))
}

/// The checked-in snapshot. Its first line says where it is from.
pub(super) fn read() -> Result<Vec<Advisory>> {
    let lines = SNAPSHOT.lines().skip(1);
    lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Locked versions that an advisory is about, and acceptances of what is gone.
pub(super) fn problems(
    packages: &[Package],
    advisories: &[Advisory],
    accepted: &[(&str, &str)],
) -> Vec<String> {
    let mut problems = Vec::new();
    let is_accepted = |id: &str| accepted.iter().any(|(known, _)| *known == id);
    let mut seen = Vec::new();
    for advisory in advisories {
        for package in packages.iter().filter(|package| advisory.affects(package)) {
            seen.push(advisory.id.as_str());
            if is_accepted(&advisory.id) {
                continue;
            }
            let Package { name, version, .. } = package;
            let (id, what) = (&advisory.id, advisory.informational.as_deref());
            let what = what.unwrap_or("vulnerable");
            problems.push(format!(
                "{name} {version} is {what}: https://rustsec.org/advisories/{id}"
            ));
        }
    }
    let stale = accepted.iter().filter(|(id, _)| !seen.contains(id));
    problems.extend(stale.map(|(id, _)| {
        format!("{id} touches nothing: its line in dependencies/advisories.rs can go")
    }));
    problems
}

/// The beginning of an advisory's file, between its fences.
#[derive(Deserialize)]
struct File {
    advisory: About,
    #[serde(default)]
    versions: Versions,
}

#[derive(Deserialize)]
struct About {
    id: String,
    package: String,
    informational: Option<String>,
    withdrawn: Option<String>,
}

#[derive(Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

/// Makes the snapshot anew from a git folder of `rustsec/advisory-db`, with or without a work tree.
pub fn snapshot(database: &Path) -> Result<String> {
    let git = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("git")
            .arg("-C")
            .arg(database)
            .args(arguments)
            .output()?;
        let refusal = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "git {arguments:?}: {refusal}");
        Ok(String::from_utf8(output.stdout)?)
    };
    let from = git(&[
        "log",
        "-1",
        "--format={\"from\":\"rustsec/advisory-db\",\"commit\":\"%H\",\"date\":\"%cs\"}",
    ])?;
    let files = git(&["ls-tree", "-r", "--name-only", "HEAD", "crates"])?;
    let mut advisories = Vec::new();
    for file in files
        .lines()
        .filter(|file| Path::new(file).extension().is_some_and(|it| it == "md"))
    {
        let text = git(&["show", &format!("HEAD:{file}")])?;
        advisories.extend(parse(&text).with_context(|| file.to_owned())?);
    }
    advisories.sort();
    let mut lines = from;
    for advisory in &advisories {
        lines.push_str(&serde_json::to_string(advisory)?);
        lines.push('\n');
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dependencies/advisories.jsonl");
    std::fs::write(&path, lines)?;
    Ok(format!(
        "{} advisories in {}",
        advisories.len(),
        path.display()
    ))
}

/// `None` for one that was withdrawn.
fn parse(markdown: &str) -> Result<Option<Advisory>> {
    let front = markdown
        .strip_prefix("```toml")
        .context("no front matter")?;
    let (front, _) = front
        .split_once("\n```")
        .context("front matter without an end")?;
    let File { advisory, versions } = toml::from_str(front)?;
    Ok(advisory.withdrawn.is_none().then_some(Advisory {
        id: advisory.id,
        package: advisory.package,
        patched: versions.patched,
        unaffected: versions.unaffected,
        informational: advisory.informational,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2023-0022\"\npackage = \"openssl\"\ndate = \"2023-03-24\"\n\n[versions]\npatched = [\">= 0.10.48\"]\nunaffected = [\"< 0.9.7\"]\n```\n\n# A title\n";

    fn openssl(version: &str) -> Package {
        Package {
            name: "openssl".to_owned(),
            version: version.parse().unwrap(),
            licence: None,
        }
    }

    #[test]
    fn a_version_that_is_neither_patched_nor_unaffected_is_reported_unless_accepted() {
        let advisories = [parse(FILE).unwrap().unwrap()];
        for (version, reported) in [("0.9.6", 0), ("0.10.47", 1), ("0.10.48", 0)] {
            let problems = problems(&[openssl(version)], &advisories, &[]);
            assert_eq!(problems.len(), reported, "{version}: {problems:?}");
        }
        let accepted = [("RUSTSEC-2023-0022", "no name is built here")];
        assert_eq!(
            problems(&[openssl("0.10.47")], &advisories, &accepted).len(),
            0
        );
        assert_eq!(
            problems(&[openssl("0.10.48")], &advisories, &accepted).len(),
            1
        );
    }

    #[test]
    fn what_was_withdrawn_is_left_out() {
        let withdrawn = FILE.replace("[versions]", "withdrawn = \"2024-01-01\"\n[versions]");
        assert_eq!(parse(&withdrawn).unwrap(), None);
    }
}
