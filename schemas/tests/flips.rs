//! Every golden sample of every version: cut at each length, with each bit flipped, with more behind it. One test alone
//! in its process, so that it counts nobody else's memory; it shares its samples with a second process.
#![allow(clippy::unwrap_used, reason = "also in what the test uses")]

use std::alloc::System;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::{env, fs};

use schemas::{DecodeError, Topic, WriterSchema, decode, decode_header, encode};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Room for an error's text, which names every value of a closed list, and is made more than once.
const ERROR_BYTES: usize = 8 * 1024;
/// For each byte of a message. One with a value that cannot be taken is read for its header once more, and what another
/// schema wrote is laid out anew for each reading.
const EACH_BYTE: usize = 14;

/// A sample, and the schema that it was written with.
struct Sample {
    topic: Topic,
    schema: Arc<WriterSchema>,
    name: String,
    bytes: Vec<u8>,
}

/// Samples of every version that lies in `golden/`; what one has from the one before counts once.
fn samples() -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut samples: Vec<Sample> = Vec::new();
    for version in fs::read_dir(root.join("golden")).unwrap() {
        let version = version.unwrap().path();
        let released = root.join("released").join(version.file_name().unwrap());
        for topic in Topic::ALL {
            let schema = match fs::read_to_string(released.join(format!("{topic}.avsc"))) {
                Ok(text) => WriterSchema::parse(topic, &text).unwrap(),
                Err(_) => WriterSchema::current(topic),
            };
            // A topic that came later has no samples there.
            let Ok(files) = fs::read_dir(version.join(topic.name())) else {
                continue;
            };
            for file in files {
                let file = file.unwrap().path();
                if file.extension().is_some_and(|it| it == "avro") {
                    let bytes = fs::read(&file).unwrap();
                    if samples.iter().all(|known| known.bytes != bytes) {
                        samples.push(Sample {
                            topic,
                            schema: Arc::clone(&schema),
                            name: file.display().to_string(),
                            bytes,
                        });
                    }
                }
            }
        }
    }
    samples
}

/// Reads both ways; what that allocates all in all, freed again or not, is bounded by what came.
fn read(schema: &WriterSchema, bytes: &[u8], name: &str) -> Result<schemas::Message, DecodeError> {
    let region = Region::new(MEMORY);
    let message = decode(schema, bytes);
    let header = decode_header(schema, bytes);
    let change = region.change();
    let cost = change.bytes_allocated + usize::try_from(change.bytes_reallocated).unwrap_or(0);
    let fair = EACH_BYTE * bytes.len() + ERROR_BYTES;
    assert!(cost < fair, "{name}: {cost} bytes for {}", bytes.len());
    if let Ok(message) = &message {
        assert_eq!(header.as_ref(), Ok(&message.header), "{name}");
    }
    message
}

/// Set in the second process.
const SECOND: &str = "SECOND_HALF_OF_SAMPLES";

#[test]
fn a_cut_or_flipped_or_lengthened_sample_is_refused_or_another_message_and_costs_no_more_than_its_own()
 {
    let samples = samples();
    assert!(samples.len() >= 40, "only {} samples", samples.len());
    let is_second = env::var_os(SECOND).is_some();
    let other = (!is_second).then(|| {
        let mut other = Command::new(env::current_exe().unwrap());
        other
            .env(SECOND, "")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let ours = samples.into_iter().skip(usize::from(is_second)).step_by(2);
    let (mut refused, mut others) = (0_u32, 0_u32);
    for Sample {
        topic,
        schema,
        name,
        bytes,
    } in ours
    {
        let whole = read(&schema, &bytes, &name).unwrap();
        for end in 0..bytes.len() {
            let cut = read(&schema, &bytes[..end], &name);
            assert!(
                matches!(cut, Err(DecodeError::Malformed(_))),
                "{name} at {end}: {cut:?}"
            );
        }
        for more in [&[0][..], &[0xff], &[2, 0], &bytes] {
            let longer = [&bytes, more].concat();
            let longer = read(&schema, &longer, &name);
            let left_over = DecodeError::Malformed("bytes left over".into());
            assert_eq!(longer, Err(left_over), "{name} and {more:?}");
        }
        let mut flipped = bytes.clone();
        for bit in 0..bytes.len() * 8 {
            flipped[bit / 8] ^= 1 << (bit % 8);
            match read(&schema, &flipped, &name) {
                Err(_) => refused += 1,
                // A letter of an id in the other case says the same.
                Ok(other) if other == whole => {}
                Ok(other) => {
                    others += 1;
                    let again = encode(topic, &other.header, &other.body).unwrap();
                    let ours = WriterSchema::current(topic);
                    assert_eq!(read(&ours, &again, &name), Ok(other), "{name}: bit {bit}");
                }
            }
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
    }
    assert!(
        refused > 10_000 && others > 10_000,
        "{refused} refused, {others} others"
    );
    if let Some(other) = other {
        let ended = other.wait_with_output().unwrap();
        let printed = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{printed}");
    }
}
