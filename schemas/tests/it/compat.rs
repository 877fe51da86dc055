//! What a schema may become, and what the broker would let through.

use schemas::{Topic, breaks};

/// What breaks when `from` becomes `to` in the schema of campaign's commands.
fn after(from: &str, to: &str) -> Vec<String> {
    let old = Topic::CampaignCommands.avsc();
    assert!(old.contains(from), "{from} is not in the schema");
    let found = breaks(old, &old.replacen(from, to, 1)).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_schema_may_stay_as_it_is_and_change_its_words() {
    for topic in Topic::ALL {
        assert_eq!(breaks(topic.avsc(), topic.avsc()), Ok(vec![]));
    }
    assert!(after("UUID of this message.", "Which message.").is_empty());
}

#[test]
fn a_trailing_nullable_addition_is_allowed_at_any_level() {
    let nested = r#"{"name": "currency", "type": "string", "doc": "ISO 4217 code."}"#;
    let more = r#", {"name": "rate", "type": ["null", "long"], "default": null}"#;
    assert!(after(nested, &format!("{nested}{more}")).is_empty());
    let last = r#"{"name": "traceparent""#;
    assert!(!after(last, &format!("{}, {last}", &more[2..])).is_empty());
    let end = r#", "doc": "What it says."}"#;
    assert!(after(end, &format!("{end}{more}")).is_empty());
}

#[test]
fn an_addition_that_must_be_set_or_defaults_to_something_is_a_break() {
    let end = r#", "doc": "What it says."}"#;
    for field in [
        r#"{"name": "rate", "type": "long"}"#,
        r#"{"name": "rate", "type": "long", "default": 0}"#,
        r#"{"name": "rate", "type": ["long", "null"], "default": 0}"#,
        r#"{"name": "rate", "type": ["null", "long"]}"#,
    ] {
        let found = after(end, &format!("{end}, {field}"));
        assert_eq!(
            found,
            ["rate: was added without being nullable with default null"]
        );
    }
}

#[test]
fn what_the_broker_lets_through_is_still_a_break() {
    let promoted = after(
        r#"{"name": "source", "type": "string""#,
        r#"{"name": "source", "type": "bytes""#,
    );
    assert_eq!(promoted, ["source: string became bytes"]);
    let widened = after(
        r#"{"name": "window_days", "type": "int""#,
        r#"{"name": "window_days", "type": "long""#,
    );
    assert_eq!(
        widened,
        ["payload.publish_terms_v1.window_days: int became long"]
    );
    let untimed = after(r#", "logicalType": "timestamp-micros""#, "");
    assert_eq!(untimed, ["time: long timestamp-micros became long"]);
    let reordered = after(
        r#"{"name": "key", "type": "string""#,
        r#"{"name": "moved", "type": ["null", "long"], "default": null}, {"name": "key", "type": "string""#,
    );
    assert_eq!(reordered[0], "key: moved stands in its place");
    assert_eq!(
        after(
            r#""name": "subject", "type""#,
            r#""name": "about", "aliases": ["subject"], "type""#
        ),
        ["subject: about stands in its place"]
    );
    let null_last = after(
        r#"{"name": "epoch", "type": ["null", "long"], "default": null"#,
        r#"{"name": "epoch", "type": ["long", "null"]"#,
    );
    assert!(!null_last.is_empty());
}

#[test]
fn what_is_gone_or_renamed_is_a_break() {
    let gone = after(
        r#"{"name": "key", "type": "string", "doc": "What routes it to a partition."},"#,
        "",
    );
    assert_eq!(gone[0], "key: time stands in its place");
    assert!(gone.contains(&"payload: is gone".to_owned()));
    assert_eq!(
        after(r#""name": "AcceptV1""#, r#""name": "AgreeV1""#).len(),
        1
    );
    assert_eq!(
        after(
            r#""namespace": "tributary.campaign_commands""#,
            r#""namespace": "x""#
        )
        .len(),
        1
    );
    let required = after(
        r#"{"name": "metadata", "type": ["null", "string"], "default": null"#,
        r#"{"name": "metadata", "type": "string""#,
    );
    assert_eq!(
        required,
        [
            "payload.accept_v1.metadata: union became string",
            "payload.accept_v1.metadata: its default changed"
        ]
    );
}

#[test]
fn a_text_that_is_no_schema_is_an_error() {
    let good = Topic::CampaignCommands.avsc();
    for bad in [
        "",
        "{}",
        "[1]",
        r#"{"type": "record", "name": "A"}"#,
        r#""Nobody""#,
    ] {
        assert!(breaks(good, bad).is_err(), "{bad}");
        assert!(breaks(bad, good).is_err(), "{bad}");
    }
}
