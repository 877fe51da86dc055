//! Bytes that nobody sane would send.

use proptest::prelude::*;
use schemas::{DecodeError, Topic, WriterSchema, decode, decode_header, encode};

use crate::samples;

#[test]
fn every_strict_prefix_of_a_message_is_malformed() {
    for (topic, message) in samples::all() {
        let schema = WriterSchema::current(topic);
        let bytes = encode(topic, &message.header, &message.body).unwrap();
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            let kind = &message.header.kind;
            assert!(
                matches!(decode(&schema, cut), Err(DecodeError::Malformed(_))),
                "{kind} at {end}"
            );
            assert!(
                matches!(decode_header(&schema, cut), Err(DecodeError::Malformed(_))),
                "{kind} at {end}"
            );
        }
    }
}

#[test]
fn bytes_left_over_are_malformed() {
    for (topic, message) in samples::all() {
        let mut bytes = encode(topic, &message.header, &message.body).unwrap();
        bytes.push(0);
        let left_over = Err(DecodeError::Malformed("bytes left over".into()));
        assert_eq!(decode(&WriterSchema::current(topic), &bytes), left_over);
    }
}

#[test]
fn a_flipped_bit_is_refused_or_makes_another_message_that_stays_itself() {
    for (topic, message) in samples::all() {
        let schema = WriterSchema::current(topic);
        let mut bytes = encode(topic, &message.header, &message.body).unwrap();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = decode(&schema, &bytes) {
                let again = encode(topic, &other.header, &other.body).unwrap();
                assert_eq!(decode(&schema, &again), Ok(other));
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn an_error_is_never_longer_than_a_line() {
    let (topic, mut message) = samples::message("terms.published.v1");
    message.header.traceparent = Some("é".repeat(2_000));
    let bytes = encode(topic, &message.header, &message.body).unwrap();
    let schema = WriterSchema::current(topic);
    let long = bytes.len();
    for at in 0..long {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x80;
        if let Err(error) = decode(&schema, &bytes) {
            assert!(error.to_string().len() < 300, "{error}");
        }
    }
}

proptest! {
    #[test]
    fn noise_is_refused_without_panic(topic in 0..8_usize, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let schema = WriterSchema::current(Topic::ALL[topic]);
        prop_assert!(decode(&schema, &bytes).is_err());
        prop_assert!(decode_header(&schema, &bytes).is_err());
    }

    #[test]
    fn a_message_with_a_hole_in_it_does_not_panic(
        sample in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::<u8>(), 1..12),
    ) {
        let all = samples::all();
        let (topic, message) = sample.get(&all);
        let mut bytes = encode(*topic, &message.header, &message.body).unwrap();
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + noise.len());
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        let schema = WriterSchema::current(*topic);
        let _ = decode_header(&schema, &bytes);
        let _ = decode(&schema, &bytes);
    }
}
