//! Bytes to messages and back.

use schemas::{Topic, WriterSchema, decode, encode};

use crate::samples;

#[test]
fn every_kind_comes_back_as_it_went() {
    for (topic, message) in samples::all() {
        let bytes = encode(topic, &message.header, &message.body).unwrap();
        let schema = WriterSchema::current(topic);
        assert_eq!(decode(&schema, &bytes).as_ref(), Ok(&message));
        let header = samples::bare(&message.header);
        let bytes = encode(topic, &header, &message.body).unwrap();
        assert_eq!(decode(&schema, &bytes).unwrap().header, header);
    }
}

#[test]
fn the_same_text_is_parsed_once() {
    let topic = Topic::CampaignEvents;
    let again = WriterSchema::parse(topic, topic.avsc()).unwrap();
    assert!(std::sync::Arc::ptr_eq(
        &again,
        &WriterSchema::current(topic)
    ));
}
