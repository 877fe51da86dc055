//! What malformed bytes cost. One test alone in its process, so that it counts nobody else's memory.
#![allow(clippy::unwrap_used, reason = "also in what the test uses")]

use std::alloc::System;
use std::path::Path;

use schemas::{KINDS, MAX_MESSAGE_BYTES, Topic, WriterSchema, decode, decode_header};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Lengths of 2^62, 1 GiB and 1 MiB.
const MALFORMED_LENGTHS: [&[u8]; 3] = [
    &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0x80, 0x80, 0x80, 0x80, 0x08],
    &[0x80, 0x80, 0x80, 0x01],
];
/// Room for an error's text, and for the boxes that the place of an odd value is looked for with: as large as a topic's payloads, whatever
/// came.
const ERROR_BYTES: usize = 40 * 1024;
/// For each byte of a message. One with a value that cannot be taken is read for its header once more.
const EACH_BYTE: usize = 12;

/// All bytes that reading these allocates, freed again or not.
fn cost(schema: &WriterSchema, bytes: &[u8]) -> usize {
    let region = Region::new(MEMORY);
    let _ = decode(schema, bytes);
    let _ = decode_header(schema, bytes);
    let change = region.change();
    change.bytes_allocated + usize::try_from(change.bytes_reallocated).unwrap_or(0)
}

#[test]
fn a_malformed_length_allocates_nothing_and_no_message_much_more_than_its_own() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/next");
    for topic in Topic::ALL {
        let schema = WriterSchema::current(topic);
        for length in MALFORMED_LENGTHS {
            assert!(cost(&schema, length) < ERROR_BYTES);
        }
    }
    for kind in KINDS {
        let schema = WriterSchema::current(kind.topic);
        let sample = golden.join(format!("{}/{}.avro", kind.topic, kind.name));
        let bytes = std::fs::read(sample).unwrap();
        let fair = EACH_BYTE * bytes.len() + ERROR_BYTES;
        assert!(cost(&schema, &bytes) < fair, "{}", kind.name);
        for at in 0..bytes.len() {
            for length in MALFORMED_LENGTHS {
                let mut malformed = bytes.clone();
                malformed.splice(at..=at, length.iter().copied());
                assert!(cost(&schema, &malformed) < fair, "{} at {at}", kind.name);
            }
            let mut no_text = bytes.clone();
            no_text[at] ^= 0x80;
            assert!(cost(&schema, &no_text) < fair, "{} at {at}", kind.name);
        }
    }
    let schema = WriterSchema::current(Topic::CampaignCommands);
    assert!(cost(&schema, &vec![2; MAX_MESSAGE_BYTES + 1]) < ERROR_BYTES);
}
