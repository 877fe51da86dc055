//! What the fuzzers found, and what is like it: the same functions as in `fuzz/`, in every run of the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use api::OPERATIONS;
use schemas::{KINDS, Topic, WriterSchema};
use security::{PRODUCER, TARGETS};
use serde_json::Value;

/// Mutations of each entry: some seconds for all of them without optimisation.
const MUTATIONS: u64 = 150;
/// Longer entries are cut to bits less often: their mutations cost more.
const LONG: usize = 2_000;
/// Whose documents are checked in.
const SERVICES: [&str; 6] = [
    "bff",
    "campaign",
    "tracking",
    "commission",
    "payment",
    "notify",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The saved corpus of a target, and what need not be saved because it lies elsewhere.
fn entries(target: &str) -> Vec<Vec<u8>> {
    let folder = root().join("tools/security/fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut entries: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    match target {
        "envelope" => entries.extend(golden()),
        "signed" => entries.extend(golden_signed()),
        "writer_schema" => entries.extend(schemas_with_samples()),
        _ => {}
    }
    entries
}

fn index(topic: Topic) -> u8 {
    let at = Topic::ALL.iter().position(|other| *other == topic);
    u8::try_from(at.unwrap()).unwrap()
}

fn sample(topic: Topic, kind: &str) -> Option<Vec<u8>> {
    let golden = root().join("schemas/golden/next");
    fs::read(golden.join(topic.name()).join(format!("{kind}.avro"))).ok()
}

/// Every golden sample, as each of three writers could have written it.
fn golden() -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    for kind in KINDS {
        let Some(datum) = sample(kind.topic, kind.name) else {
            continue;
        };
        for writer in [0, 8, 16] {
            let mut entry = vec![index(kind.topic) + writer];
            entry.extend(&datum);
            entries.push(entry);
        }
    }
    entries
}

/// Every golden sample, signed by the service that it names, and as the producer would send it.
fn golden_signed() -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    for kind in KINDS {
        let Some(datum) = sample(kind.topic, kind.name) else {
            continue;
        };
        let mut message = schemas::decode(&WriterSchema::current(kind.topic), &datum).unwrap();
        PRODUCER.clone_into(&mut message.header.source);
        let sent = schemas::encode(kind.topic, &message.header, &message.body).unwrap();
        for (signer, datum) in [(2, &datum), (1, &sent)] {
            let mut entry = vec![index(kind.topic), signer];
            entry.extend([0; 5]);
            entry.extend(datum);
            entries.push(entry);
        }
    }
    entries
}

fn schemas_with_samples() -> Vec<Vec<u8>> {
    let with_sample = |topic: Topic| {
        let datum = KINDS.iter().find(|kind| kind.topic == topic);
        let datum = datum.and_then(|kind| sample(topic, kind.name));
        let mut entry = vec![index(topic)];
        entry.extend(topic.avsc().as_bytes());
        entry.push(0);
        entry.extend(datum.unwrap_or_default());
        entry
    };
    Topic::ALL.map(with_sample).into()
}

/// Numbers from a seed (`SplitMix64`), so that a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }
}

/// One or more changes of the kinds that libFuzzer makes.
fn mutated(entry: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = entry.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.next().to_le_bytes()[0],
            2 => bytes.truncate(at),
            3 => bytes.insert(at, random.next().to_le_bytes()[0]),
            4 => {
                let other = &others[random.below(others.len())];
                let from = random.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            _ => {
                let end = bytes.len().min(at + 1 + random.below(8));
                let again = bytes[at.min(end)..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}

#[test]
fn the_saved_corpora_and_what_is_like_them_break_nothing() {
    let saved: BTreeSet<String> = fs::read_dir(root().join("tools/security/fuzz/corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let named: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(saved, named, "every target has a corpus");
    for (name, target) in TARGETS {
        let entries = entries(name);
        let taken = entries.iter().filter(|entry| target(entry)).count();
        assert!(
            taken > 0,
            "{name}: nothing is taken: the corpus shows nothing"
        );
        let mut random = Random(7);
        for entry in &entries {
            let mutations = if entry.len() > LONG {
                MUTATIONS / 10
            } else {
                MUTATIONS
            };
            for _ in 0..mutations {
                target(&mutated(entry, &entries, &mut random));
            }
        }
    }
}

#[test]
fn every_target_is_built_by_cargo_fuzz() {
    let manifest = fs::read_to_string(root().join("tools/security/fuzz/Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let source = root().join(format!("tools/security/fuzz/fuzz_targets/{name}.rs"));
        let source = fs::read_to_string(source).unwrap();
        assert!(
            source.contains(&format!("security::{name}(bytes)")),
            "{name}"
        );
    }
}

fn documented(service: &str) -> Value {
    let document = root().join(service).join("openapi.json");
    serde_json::from_slice(&fs::read(document).unwrap()).unwrap()
}

#[test]
fn the_example_of_every_documented_body_is_taken() {
    let mut taken = BTreeSet::new();
    for service in ["bff", "campaign", "tracking", "payment", "notify"] {
        let document = documented(service);
        let paths = document["paths"].as_object().unwrap().values();
        for documented in paths.flat_map(|methods| methods.as_object().unwrap().values()) {
            let operation = documented["operationId"].as_str().unwrap();
            // No body at all is taken for one that says nothing.
            if let Some(empty) = api::read_body(operation, b"{}") {
                let required = &documented["requestBody"]["required"];
                assert_eq!(*required, empty.is_err(), "{service} {operation}");
            }
            let example = &documented["requestBody"]["content"]["application/json"]["example"];
            let read = api::read_body(operation, example.to_string().as_bytes());
            if let Some(read) = read.filter(|_| !example.is_null()) {
                assert!(read.is_ok(), "{service} {operation}: {read:?}");
                taken.insert((service, operation.to_owned()));
            }
        }
    }
    // At the bff and at their services, all but the bodies without fields. Of six all fields may be left out.
    let has_fields = |operation: &&&str| {
        let empty = api::read_body(operation, b"{}");
        let of_options = [
            "leave_campaign",
            "unban_partner",
            "revoke_api_key",
            "rotate_api_key",
            "rotate_webhook_secret",
            "reset_mail_template",
        ]
        .contains(*operation);
        empty.is_some_and(|read| read.is_err()) || of_options
    };
    let with_fields = OPERATIONS.iter().filter(has_fields).count();
    assert_eq!(taken.len(), 2 * with_fields, "{taken:?}");
}

/// What is read of a request may be refused, and its refusals are documented with its body.
#[test]
fn every_write_that_may_be_repeated_has_a_documented_body() {
    let mut writes = 0;
    for service in SERVICES {
        let document = documented(service);
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let mut parameters = operation["parameters"].as_array().into_iter().flatten();
                if parameters.any(|it| it["name"] == "Idempotency-Key") {
                    writes += 1;
                    let body = &operation["requestBody"];
                    assert!(body.is_object(), "{service} {method} {path}");
                }
            }
        }
    }
    assert!(writes > 100, "{writes}");
}

/// Operators' routes all take their bodies by the same extractor and are tried by the table of routes.
#[test]
fn the_body_of_every_documented_operation_is_a_target() {
    let mut with_bodies = BTreeSet::new();
    for service in SERVICES {
        let document = documented(service);
        for (path, methods) in document["paths"].as_object().unwrap() {
            let operations = methods.as_object().unwrap().values();
            let with_body = operations.filter(|operation| operation["requestBody"].is_object());
            let open = with_body.filter(|_| !path.contains("/operator/"));
            with_bodies.extend(
                open.map(|operation| operation["operationId"].as_str().unwrap().to_owned()),
            );
        }
    }
    let targets = OPERATIONS.iter().map(|operation| (*operation).to_owned());
    assert_eq!(targets.collect::<BTreeSet<_>>(), with_bodies);
}
