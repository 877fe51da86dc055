//! Golden samples: what was once written stays readable, and says the same.
//!
//! `golden/next` is what this build writes; set `SCHEMAS_GOLDEN=write` to renew it after a wanted change.
//! `golden/<version>` belongs to the schemas in `released/<version>` and is never touched again.

use std::fs;
use std::path::{Path, PathBuf};

use schemas::{
    Message, Topic, WriterSchema, asyncapi, asyncapi_page, breaks, catalogue_markdown, decode,
    encode, to_json,
};

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
        let name = format!("{}.json", message.header.kind);
        check_or_write(&folder.join(name), json(topic, &message).as_bytes());
    }
    check_or_write(&next.join("kinds.md"), catalogue_markdown().as_bytes());
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let page = format!(
        "# Messages\n\nMade from the table in `schemas/src/kinds.rs`. With fields, outcomes and examples: the bff's `/docs/messages`, and as \
         AsyncAPI 3.0 [schemas/asyncapi.json](../schemas/asyncapi.json), which the bff serves at `/asyncapi.json`.\n\n{}",
        catalogue_markdown()
    );
    check_or_write(&documents.join("messages.md"), page.as_bytes());
    let document = asyncapi(&samples::all());
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    check_or_write(&root().join("asyncapi.json"), text.as_bytes());
    let page = asyncapi_page(&document);
    check_or_write(&root().join("asyncapi.html"), page.as_bytes());
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
            let golden = root().join("golden").join(released.file_name().unwrap());
            assert_eq!(problems(&released, &golden), Vec::<String>::new());
        }
    }
}

#[test]
fn a_release_that_is_broken_is_noticed() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("a_release");
    let (released, golden) = (folder.join("released"), folder.join("golden"));
    let copy = |from: &Path, to: &Path| {
        fs::create_dir_all(to).unwrap();
        for file in entries(from).into_iter().filter(|it| it.is_file()) {
            fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
    };
    copy(&root().join("avro"), &released);
    copy(&root().join("golden/next"), &golden);
    for topic in Topic::ALL {
        let next = root().join("golden/next").join(topic.name());
        copy(&next, &golden.join(topic.name()));
    }
    assert_eq!(problems(&released, &golden), Vec::<String>::new());

    let tamper = |path: PathBuf, from: &str, to: &str| {
        let text = String::from_utf8(read(&path)).unwrap();
        assert!(text.contains(from));
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let found = problems(&released, &golden);
        fs::write(&path, text).unwrap();
        found
    };
    let table = golden.join("kinds.md");
    let moved = tamper(table, "| campaign / enrollment |", "| enrollment |");
    assert_eq!(moved.len(), 1, "{moved:?}");
    let schema = released.join("payment-events.avsc");
    let promoted = tamper(
        schema,
        r#""name": "masked", "type": "string""#,
        r#""name": "masked", "type": "bytes""#,
    );
    assert!(
        promoted[0].contains("masked: bytes became string"),
        "{promoted:?}"
    );
    let sample = golden.join("payment-events/payout.paid.v1.json");
    let other = tamper(sample, "15000", "15001");
    assert!(other[0].contains("says something else"), "{other:?}");
}

/// Everything that this build no longer reads as it was released.
fn problems(released: &Path, golden: &Path) -> Vec<String> {
    let topics = Topic::ALL.into_iter();
    let mut found: Vec<_> = topics
        .filter(|topic| released.join(format!("{topic}.avsc")).exists())
        .flat_map(|topic| problems_on(topic, released, golden))
        .collect();
    // Key and subject of a kind stay: one subject has one key for ever.
    let identities = |table: &str| -> Vec<String> {
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| row.splitn(4, '|').take(3).collect())
            .collect()
    };
    let now = identities(&catalogue_markdown());
    let then = String::from_utf8(read(&golden.join("kinds.md"))).unwrap();
    let gone = identities(&then)
        .into_iter()
        .filter(|row| !now.contains(row));
    found.extend(gone.map(|row| format!("released and gone or changed: {row}")));
    found
}

fn problems_on(topic: Topic, released: &Path, golden: &Path) -> Vec<String> {
    let text = String::from_utf8(read(&released.join(format!("{topic}.avsc")))).unwrap();
    let broken = breaks(&text, topic.avsc()).unwrap();
    if !broken.is_empty() {
        return broken.iter().map(|it| format!("{topic}: {it}")).collect();
    }
    let writer = WriterSchema::parse(topic, &text).unwrap();
    let samples = entries(&golden.join(topic.name()));
    let samples = samples
        .iter()
        .filter(|it| it.extension().is_some_and(|it| it == "avro"));
    samples
        .filter_map(|sample| match decode(&writer, &read(sample)) {
            Err(error) => Some(format!("{}: {error}", sample.display())),
            Ok(message) => {
                let same = json(topic, &message).as_bytes() == read(&sample.with_extension("json"));
                (!same).then(|| format!("{} says something else now", sample.display()))
            }
        })
        .collect()
}

fn json(topic: Topic, message: &Message) -> String {
    serde_json::to_string_pretty(&to_json(topic, message)).unwrap() + "\n"
}
