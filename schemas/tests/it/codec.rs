//! Bytes to messages and back.

use money::{Currency, Money};
use schemas::{
    ActivateV1, Body, DecodeError, EncodeError, Topic, WireMoney, WriterSchema, decode,
    decode_header, encode,
};

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

#[test]
fn a_body_is_not_written_to_a_topic_or_under_a_type_that_is_not_its_own() {
    let body = Body::from(ActivateV1 {});
    let mut header = samples::message("campaign.activate.command.v1").1.header;
    assert!(matches!(
        encode(Topic::TrackingCommands, &header, &body),
        Err(EncodeError::TypeMismatch { .. })
    ));
    header.kind = "campaign.accept.command.v1".into();
    assert!(matches!(
        encode(Topic::CampaignCommands, &header, &body),
        Err(EncodeError::TypeMismatch { .. })
    ));
}

#[test]
fn a_type_that_disagrees_with_the_payload_is_refused() {
    let (topic, message) = samples::message("campaign.activate.command.v1");
    let bytes = encode(topic, &message.header, &message.body).unwrap();
    let schema = WriterSchema::current(topic);
    let other = samples::replaced(&bytes, "campaign.activate.", "campaign.activxte.");
    assert_eq!(
        decode(&schema, &other),
        Err(DecodeError::TypeMismatch {
            kind: "campaign.activxte.command.v1".into(),
            field: "activate_v1"
        })
    );
}

#[test]
fn a_message_over_the_limit_is_neither_made_nor_taken() {
    let (topic, mut message) = samples::message("campaign.create.command.v1");
    if let Body::CreateV1(body) = &mut message.body {
        body.name = "x".repeat(schemas::MAX_MESSAGE_BYTES);
    }
    assert!(matches!(
        encode(topic, &message.header, &message.body),
        Err(EncodeError::TooLong { .. })
    ));
    let bytes = vec![0; schemas::MAX_MESSAGE_BYTES + 1];
    assert!(matches!(
        decode(&WriterSchema::current(topic), &bytes),
        Err(DecodeError::Malformed(_))
    ));
}

#[test]
fn amounts_cross_the_wire_with_their_currency() {
    let money = Money::new(-150, Currency::parse("JPY").unwrap());
    let wire = WireMoney::from(money);
    assert_eq!((wire.minor, wire.currency.as_str()), (-150, "JPY"));
    assert_eq!(Money::try_from(&wire), Ok(money));
    let unknown = WireMoney {
        minor: 1,
        currency: "ZZZ".into(),
    };
    assert!(Money::try_from(&unknown).is_err());
}
