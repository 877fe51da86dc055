//! Bytes to messages and back.

use schemas::{
    ActivateV1, Body, DecodeError, EncodeError, KINDS, Topic, WireMoney, WriterSchema, decode,
    decode_header, encode,
};
use types::{Currency, Money};

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
fn a_known_type_with_the_payload_of_another_is_refused() {
    let (topic, message) = samples::message("campaign.accept.command.v1");
    let bytes = encode(topic, &message.header, &message.body).unwrap();
    let other = samples::replaced(&bytes, "campaign.accept.", "campaign.create.");
    assert_eq!(
        decode(&WriterSchema::current(topic), &other),
        Err(DecodeError::TypeMismatch {
            kind: "campaign.create.command.v1".into(),
            field: "accept_v1"
        })
    );
}

#[test]
fn a_message_with_two_payloads_is_refused() {
    let (topic, first) = samples::message("campaign.create.command.v1");
    let (_, mut second) = samples::message("campaign.accept.command.v1");
    second.header = first.header.clone();
    second.header.kind = "campaign.accept.command.v1".to_owned();
    let first = encode(topic, &first.header, &first.body).unwrap();
    let second = encode(topic, &second.header, &second.body).unwrap();
    // The payload has a byte for each field of its topic: 2 before the one that is set, 0 for every other.
    let fields: Vec<&str> = KINDS
        .iter()
        .filter(|kind| kind.topic == topic)
        .map(|kind| kind.field)
        .collect();
    let place = |field: &str| fields.iter().position(|it| *it == field).unwrap();
    let (created, accepted) = (place("create_v1"), place("accept_v1"));
    assert!(created < accepted);
    let after_type = samples::end_of(&first, "campaign.create.command.v1");
    let apart = (after_type..first.len())
        .find(|at| first[*at] != second[*at])
        .unwrap();
    let mut both = first[..first.len() - (fields.len() - accepted)].to_vec();
    both.extend_from_slice(&second[apart + accepted - created..]);
    let refused = decode(&WriterSchema::current(topic), &both);
    let reason = "more than one field of the payload is set".to_owned();
    assert_eq!(refused, Err(DecodeError::Malformed(reason)));
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
    // The longest that can be made is taken, and one that is longer by a byte of text is not.
    let mut longest = |name: usize, brand: &str| {
        if let Body::CreateV1(body) = &mut message.body {
            body.name = "x".repeat(name);
            brand.clone_into(&mut body.brand_id);
        }
        encode(topic, &message.header, &message.body)
    };
    let rest = longest(200_000, "b").unwrap().len() - 200_000;
    let name = schemas::MAX_MESSAGE_BYTES - rest;
    // The first byte of the text's length has room for one more.
    let (name, brand) = if name % 64 == 63 {
        (name - 1, "bb")
    } else {
        (name, "b")
    };
    let bytes = longest(name, brand).unwrap();
    assert_eq!(bytes.len(), schemas::MAX_MESSAGE_BYTES);
    let schema = WriterSchema::current(topic);
    assert!(decode(&schema, &bytes).is_ok());
    let text = bytes
        .windows(4)
        .position(|window| window == b"xxxx")
        .unwrap();
    let mut longer = bytes.clone();
    longer[text - 3] += 2; // the text's length, as zigzag number
    assert!(longer[text - 3] >= 0x80);
    longer.insert(text, b'x');
    assert_eq!(
        decode(&schema, &longer),
        Err(DecodeError::Malformed(
            "longer than a message may be".into()
        ))
    );
}

#[test]
fn a_value_that_this_build_cannot_take_is_reported_with_its_place_and_an_edit_mends_it() {
    for (kind, from, to, place) in [
        (
            "enrollment.accepted.v1",
            "partner123",
            "partner 23",
            "enrollment_accepted_v1.partner_id",
        ),
        (
            "conversion.attributed.v1",
            "USD",
            "XXX",
            "conversion_attributed_v1.amount.currency",
        ),
        (
            "payout.paid.v1",
            "2b1f7f1e-8a55",
            "2b1f7f1e-8a5x",
            "payout_paid_v1.transfer_id",
        ),
    ] {
        let (topic, mut message) = samples::message(kind);
        message.header = samples::bare(&message.header);
        let bytes = encode(topic, &message.header, &message.body).unwrap();
        let odd = samples::replaced(&bytes, from, to);
        let schema = WriterSchema::current(topic);
        let Err(DecodeError::Unreadable(reason)) = decode(&schema, &odd) else {
            panic!("{kind}: {:?}", decode(&schema, &odd));
        };
        assert!(
            reason.starts_with(&format!("payload.{place}: ")),
            "{reason}"
        );
        assert_eq!(decode_header(&schema, &odd).as_ref(), Ok(&message.header));
        let shown = schemas::show(&schema, &odd).unwrap();
        assert!(shown.to_string().contains(to), "{shown}");
        let edited = schemas::edit(&schema, &odd, schemas::show_payload(&message.body));
        assert_eq!(edited, Ok(message.body));
    }
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
