//! Builds of different age beside each other.

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use schemas::{
    Body, DecodeError, KINDS, Message, SchemaError, Topic, WriterSchema, decode, decode_header,
    encode,
};

use crate::samples;

const TOPIC: Topic = Topic::CampaignEvents;
const PAYLOAD_END: &str = "      ]\n    }, \"doc\": \"What it says.\"}";

/// The schema of a later build: one kind more, and one field more in records on every level.
fn later() -> String {
    let text = TOPIC.avsc();
    let (kinds, end) = text.split_once(PAYLOAD_END).unwrap();
    let kind = r#", {"name": "campaign_archived_v1", "type": ["null", {"type": "record", "name": "CampaignArchivedV1",
        "fields": [{"name": "why", "type": {"type": "map", "values": "string"}}, {"name": "sum", "type": "Money"}]}],
        "default": null}"#;
    let text = format!(
        r#"{kinds}{kind}{PAYLOAD_END}, {{"name": "shard", "type": ["null", "string"], "default": null}}{end}"#
    );
    let plan = r#""doc": "Days until it is earned for good; 0: at once."}"#;
    let money = r#""doc": "ISO 4217 code."}"#;
    let more = r#", {"name": "note", "type": ["null", {"type": "array", "items": "string"}], "default": null}"#;
    text.replacen(plan, &format!("{plan}{more}"), 1)
        .replacen(money, &format!("{money}{more}"), 1)
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Record(fields.map(|(name, value)| (name.into(), value)).into())
}

fn notes() -> Value {
    Value::Array(vec![text("a"), text("b")])
}

fn later_money() -> Value {
    record([
        ("minor", Value::Long(5)),
        ("currency", text("USD")),
        ("note", notes()),
    ])
}

fn later_terms() -> Value {
    let plan = record([
        ("sale_flat", later_money()),
        ("hold_days", Value::Int(3)),
        ("note", notes()),
    ]);
    record([
        ("version", Value::Int(1)),
        ("brand_id", text("b")),
        ("currency", text("USD")),
        ("window_days", Value::Int(30)),
        ("plan", plan),
        ("effective_at", Value::TimestampMicros(9)),
    ])
}

fn later_kind() -> Value {
    let why = Value::Map([("a".to_owned(), text("b"))].into());
    record([("why", why), ("sum", later_money())])
}

/// A message as the later build writes it.
fn written_later(kind: &str, field: &str, body: Value) -> Vec<u8> {
    let schema = Schema::parse_str(&later()).unwrap();
    let value = record([
        ("id", text("01934567-89ab-7cde-8f01-020304050601")),
        ("type", text(kind)),
        ("source", text("campaign")),
        ("subject", text("c")),
        ("key", text("c")),
        ("time", Value::TimestampMicros(7)),
        (
            "correlationid",
            text("01934567-89ab-7cde-8f01-020304050602"),
        ),
        ("payload", record([(field, body)])),
        ("shard", text("s")),
    ]);
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    let value = value.resolve(&schema).unwrap();
    writer.write_value_to_vec(value).unwrap()
}

#[test]
fn what_a_later_build_added_to_a_known_kind_is_passed_over() {
    let writer = WriterSchema::parse(TOPIC, &later()).unwrap();
    let bytes = written_later("terms.published.v1", "terms_published_v1", later_terms());
    let message = decode(&writer, &bytes).unwrap();
    assert_eq!(decode_header(&writer, &bytes).as_ref(), Ok(&message.header));
    let schemas::Body::TermsPublishedV1(terms) = message.body else {
        panic!("{:?}", message.body)
    };
    assert_eq!(terms.plan.sale_flat.map(|flat| flat.minor), Some(5));
    assert_eq!(terms.plan.hold_days, 3);
    assert_eq!(terms.effective_at.0, 9);
}

#[test]
fn a_kind_that_this_build_has_never_heard_of_keeps_its_header() {
    let writer = WriterSchema::parse(TOPIC, &later()).unwrap();
    let bytes = written_later("campaign.archived.v1", "campaign_archived_v1", later_kind());
    let unknown = DecodeError::UnknownKind {
        kind: "campaign.archived.v1".into(),
    };
    assert_eq!(decode(&writer, &bytes), Err(unknown));
    assert_eq!(
        decode_header(&writer, &bytes).unwrap().kind,
        "campaign.archived.v1"
    );
    for end in 0..bytes.len() {
        assert!(matches!(
            decode_header(&writer, &bytes[..end]),
            Err(DecodeError::Malformed(_))
        ));
    }
}

#[test]
fn a_payload_with_nothing_set_is_of_an_unknown_kind() {
    let (_, message) = samples::message("campaign.activated.v1");
    let bytes = encode(TOPIC, &message.header, &message.body).unwrap();
    // A byte for the branch of each field, and one field's record: texts with their lengths, an array's count and end, four
    // branches, a boolean, and times, whose zigzag numbers have seven bits in each of their bytes.
    let Body::CampaignActivatedV1(activated) = &message.body else {
        unreachable!()
    };
    let texts = [
        Some(activated.brand_id.as_str()),
        activated.fallback_url.as_deref(),
    ];
    let texts = texts.into_iter().flatten();
    let texts = texts.chain(activated.allowed_hosts.iter().map(String::as_str));
    let times = [activated.starts_at, activated.ends_at].into_iter();
    let times = times.map(|at| at.unwrap().get().unsigned_abs() << 1);
    let times = times.map(|time| (64 - time.leading_zeros()).div_ceil(7) as usize);
    let texts = texts.map(|text| text.len() + 1);
    let record = texts.chain(times).sum::<usize>() + 2 + 4 + 1;
    let fields = KINDS.iter().filter(|kind| kind.topic == TOPIC).count();
    let mut empty = bytes[..bytes.len() - record - fields].to_vec();
    empty.extend(vec![0; fields]);
    let current = WriterSchema::current(TOPIC);
    assert!(matches!(
        decode(&current, &empty),
        Err(DecodeError::UnknownKind { .. })
    ));
    assert_eq!(decode_header(&current, &empty), Ok(message.header));
}

#[test]
fn an_earlier_build_is_read_with_what_it_lacks_as_null() {
    let (_, message) = samples::message("campaign.created.v1");
    let bytes = encode(TOPIC, &message.header, &message.body).unwrap();
    // A build before evidence: its payload ends a field earlier.
    let mut json: serde_json::Value = serde_json::from_str(TOPIC.avsc()).unwrap();
    let fields = &mut json["fields"].as_array_mut().unwrap().last_mut().unwrap()["type"]["fields"];
    fields.as_array_mut().unwrap().pop();
    let writer = WriterSchema::parse(TOPIC, &json.to_string()).unwrap();
    let earlier = &bytes[..bytes.len() - 1];
    assert_eq!(decode(&writer, earlier), Ok::<Message, _>(message));
    assert!(decode(&writer, &bytes).is_err());
}

#[test]
fn a_schema_of_another_line_is_refused() {
    let other = Topic::CampaignCommands.avsc();
    assert!(matches!(
        WriterSchema::parse(TOPIC, other),
        Err(SchemaError::Unrelated { .. })
    ));
    let promoted = TOPIC.avsc().replacen(
        r#""name": "source", "type": "string""#,
        r#""name": "source", "type": "bytes""#,
        1,
    );
    assert!(matches!(
        WriterSchema::parse(TOPIC, &promoted),
        Err(SchemaError::Unrelated { .. })
    ));
}

#[test]
fn a_schema_that_could_make_reading_endless_is_refused() {
    let added = |kind: &str| {
        let text = TOPIC.avsc();
        let (kinds, end) = text.split_once(PAYLOAD_END).unwrap();
        let field = format!(r#", {{"name": "x_v1", "type": ["null", {kind}], "default": null}}"#);
        WriterSchema::parse(TOPIC, &format!("{kinds}{field}{PAYLOAD_END}{end}"))
    };
    assert!(added(r#""long""#).is_ok());
    // Longer than all memory, twice: nothing can be written by it, and it adds up to no number.
    let huge = r#"{"type": "record", "name": "N", "fields": [
        {"name": "a", "type": {"type": "fixed", "name": "F", "size": 18446744073709551615}},
        {"name": "b", "type": "F"}, {"name": "c", "type": ["F"]}]}"#;
    assert!(added(huge).is_ok());
    let nothings = r#"{"type": "array", "items": {"type": "record", "name": "N", "fields": []}}"#;
    let itself =
        r#"{"type": "record", "name": "N", "fields": [{"name": "n", "type": ["null", "N"]}]}"#;
    let deep = (0..60).fold(r#""long""#.to_owned(), |inner, _| {
        format!(r#"{{"type": "array", "items": {inner}}}"#)
    });
    let wide = (0..40).fold(r#""null""#.to_owned(), |inner, n| {
        let twice = format!(
            r#"{{"name": "a", "type": {inner}}}, {{"name": "b", "type": "N{}"}}"#,
            n - 1
        );
        let twice = if n == 0 { String::new() } else { twice };
        format!(r#"{{"type": "record", "name": "N{n}", "fields": [{twice}]}}"#)
    });
    for bad in [nothings, itself, &deep, &wide] {
        assert!(
            matches!(added(bad), Err(SchemaError::Invalid { .. })),
            "{bad}"
        );
    }
    assert!(WriterSchema::parse(TOPIC, &" ".repeat(300_000)).is_err());
}

#[test]
fn an_operator_sees_a_kind_of_a_later_build_by_the_schema_that_wrote_it() {
    let writer = WriterSchema::parse(TOPIC, &later()).unwrap();
    let bytes = written_later("campaign.archived.v1", "campaign_archived_v1", later_kind());
    let shown = schemas::show(&writer, &bytes).unwrap();
    assert_eq!(shown["type"], "campaign.archived.v1");
    let archived = &shown["payload"]["campaign_archived_v1"];
    assert_eq!(archived["why"]["a"], "b", "{shown}");
    assert_eq!(archived["sum"]["minor"], 5);
    assert!(shown["payload"].get("campaign_created_v1").is_none());
    for length in 0..bytes.len() {
        assert!(schemas::show(&writer, &bytes[..length]).is_err());
    }
}

#[test]
fn every_kind_of_this_build_is_shown_alike_by_its_schema_and_by_its_type_without_its_bytes() {
    for (topic, message) in samples::all() {
        let bytes = encode(topic, &message.header, &message.body).unwrap();
        let schema = WriterSchema::current(topic);
        let shown = schemas::show(&schema, &bytes).unwrap();
        let field = message.body.kind(topic).unwrap().field;
        let payload = schemas::show_payload(&message.body);
        assert_eq!(shown["payload"][field], payload, "{field}");
        let edited = schemas::edit(&schema, &bytes, payload).unwrap();
        assert_eq!(edited, message.body, "an edit of nothing changes nothing");
    }
}
