//! Bytes to messages and back.

use schemas::{WriterSchema, decode, decode_header, encode};

use crate::samples;

#[test]
fn every_kind_comes_back_as_it_went() {
    for (topic, message) in samples::all() {
        let bytes = encode(topic, &message.header, &message.body).unwrap();
        let schema = WriterSchema::current(topic);
        assert_eq!(decode(&schema, &bytes).as_ref(), Ok(&message));
        assert_eq!(decode_header(&schema, &bytes).as_ref(), Ok(&message.header));
        let header = samples::bare(&message.header);
        let bytes = encode(topic, &header, &message.body).unwrap();
        assert_eq!(decode(&schema, &bytes).unwrap().header, header);
    }
}
