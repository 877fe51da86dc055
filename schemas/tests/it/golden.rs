//! Golden samples: what was once written stays readable, and says the same.
//!
//! `golden/next` is what this build writes; set `SCHEMAS_GOLDEN=write` to renew it after a wanted change.
//! `golden/<version>` belongs to the schemas in `released/<version>` and is never touched again.

use std::fs;
use std::path::{Path, PathBuf};

use schemas::{Topic, WriterSchema, breaks, catalogue_markdown, decode, encode, to_json};

use crate::samples;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    paths.sort();
    paths
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn check_or_write(path: &Path, wanted: &[u8]) {
    if std::env::var_os("SCHEMAS_GOLDEN").is_some_and(|it| it == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, wanted).unwrap();
    }
    assert!(
        read(path) == wanted,
        "{} is stale: if the change is wanted, run this test with SCHEMAS_GOLDEN=write",
        path.display()
    );
}

#[test]
fn this_build_writes_the_golden_samples() {
    let next = root().join("golden/next");
    for (topic, message) in samples::all() {
        let folder = next.join(topic.name());
        let bytes = encode(topic, &message.header, &message.body).unwrap();
        check_or_write(
            &folder.join(format!("{}.avro", message.header.kind)),
            &bytes,
        );
        let json = serde_json::to_string_pretty(&to_json(topic, &message)).unwrap() + "\n";
        let name = format!("{}.json", message.header.kind);
        check_or_write(&folder.join(name), json.as_bytes());
    }
    check_or_write(&next.join("kinds.md"), catalogue_markdown().as_bytes());
    let files: usize = Topic::ALL
        .map(|topic| entries(&next.join(topic.name())).len())
        .iter()
        .sum();
    assert_eq!(files, 2 * samples::all().len(), "a sample without a kind");
}

#[test]
fn no_released_version_is_broken() {
    for released in entries(&root().join("released")) {
        if released.is_dir() {
            check_version(&released);
        }
    }
}

fn check_version(released: &Path) {
    let golden = root().join("golden").join(released.file_name().unwrap());
    for topic in Topic::ALL {
        let path = released.join(format!("{topic}.avsc"));
        if !path.exists() {
            continue; // A topic that came later.
        }
        let text = String::from_utf8(read(&path)).unwrap();
        let found = breaks(&text, topic.avsc()).unwrap();
        assert!(found.is_empty(), "{} is broken: {found:?}", path.display());
        let writer = WriterSchema::parse(topic, &text).unwrap();
        let samples = entries(&golden.join(topic.name()));
        assert!(!samples.is_empty(), "{topic} has no golden samples");
        for sample in samples
            .iter()
            .filter(|it| it.extension().is_some_and(|it| it == "avro"))
        {
            let message = decode(&writer, &read(sample)).unwrap();
            let json = serde_json::to_string_pretty(&to_json(topic, &message)).unwrap() + "\n";
            assert_eq!(
                json.as_bytes(),
                read(&sample.with_extension("json")),
                "{}",
                sample.display()
            );
        }
    }
    // Key and subject of a kind stay: one subject has one key for ever.
    let identities = |table: &str| -> Vec<String> {
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| row.splitn(4, '|').take(3).collect())
            .collect()
    };
    let now = identities(&catalogue_markdown());
    for row in identities(&String::from_utf8(read(&golden.join("kinds.md"))).unwrap()) {
        assert!(now.contains(&row), "released and gone or changed: {row}");
    }
}
