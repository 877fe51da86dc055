//! The table of kinds, the schemas and the names agree.

use std::collections::HashSet;

use schemas::{Entity, KINDS, Reach, Service, Topic, catalogue_markdown, kind, kind_on, partition};
use serde_json::Value;

fn schema(topic: Topic) -> Value {
    serde_json::from_str(topic.avsc()).unwrap()
}

fn payload(topic: Topic) -> Vec<Value> {
    let schema = schema(topic);
    let fields = schema["fields"].as_array().unwrap();
    let payload = fields.last().unwrap();
    assert_eq!(payload["name"], "payload");
    payload["type"]["fields"].as_array().unwrap().clone()
}

fn camel(field: &str) -> String {
    let upper = |part: &str| part[..1].to_uppercase() + &part[1..];
    field.split('_').map(upper).collect()
}

#[test]
fn an_envelope_has_its_fields_in_the_agreed_order() {
    for topic in Topic::ALL {
        let schema = schema(topic);
        assert_eq!(schema["name"], "Envelope");
        let namespace = format!("tributary.{}", topic.name().replace('-', "_"));
        assert_eq!(schema["namespace"], *namespace);
        let names: Vec<_> = schema["fields"].as_array().unwrap().iter().collect();
        let names: Vec<_> = names
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        let wanted = "id type source subject key time epoch sequence correlationid causationid outcomeof actor \
                      traceparent payload";
        assert_eq!(names, wanted.split_whitespace().collect::<Vec<_>>());
    }
}

#[test]
fn every_kind_has_its_nullable_field_and_every_field_its_kind() {
    for topic in Topic::ALL {
        let kinds: Vec<_> = KINDS.iter().filter(|kind| kind.topic == topic).collect();
        let fields = payload(topic);
        let names: Vec<_> = fields
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, kinds.iter().map(|it| it.field).collect::<Vec<_>>());
        for field in fields {
            assert_eq!(field["default"], Value::Null);
            assert_eq!(field["type"][0], "null");
            let record = field["type"][1]["name"].as_str().unwrap();
            assert_eq!(record, camel(field["name"].as_str().unwrap()));
        }
    }
}

#[test]
fn names_derive_from_topic_and_field() {
    for kind in KINDS {
        let (stem, version) = kind.field.rsplit_once('_').unwrap();
        if kind.command {
            let name = format!("{}.{stem}.command.{version}", kind.topic.owner());
            assert_eq!(kind.name, name);
        } else {
            assert_eq!(kind.name.replace('.', "_"), kind.field);
            assert_eq!(kind.name.split('.').count(), 3);
        }
        assert_eq!(kind.command, kind.topic.is_commands());
        assert_eq!(kind_on(kind.topic, kind.name), Some(kind));
    }
}

#[test]
fn only_the_two_answers_to_commands_stand_on_more_than_one_topic() {
    let mut seen = HashSet::new();
    for row in KINDS.iter().filter(|row| !seen.insert(row.name)) {
        assert!(["command.rejected.v1", "command.stalled.v1"].contains(&row.name));
    }
    for topic in Topic::ALL {
        let answers = KINDS
            .iter()
            .filter(|it| it.topic == topic && it.key == Entity::OfCommand);
        assert_eq!(answers.count(), if topic.is_commands() { 0 } else { 2 });
    }
    assert_eq!(
        kind("campaign.accept.command.v1").unwrap().field,
        "accept_v1"
    );
    assert_eq!(kind("campaign.forget.command.v1"), None);
}

#[test]
fn the_schemas_use_only_what_every_client_reads_alike() {
    fn check(json: &Value) {
        match json {
            Value::Array(items) => items.iter().for_each(check),
            Value::Object(fields) => {
                let kind = fields
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or("record");
                assert!(!["enum", "fixed", "map", "float", "double"].contains(&kind));
                fields.values().for_each(check);
            }
            Value::String(text) => assert!(!["float", "double"].contains(&text.as_str())),
            _ => {}
        }
    }
    Topic::ALL.map(schema).iter().for_each(check);
}

#[test]
fn commands_go_to_their_owner_and_events_to_whoever_reacts() {
    use Service::{Bff, Campaign, Commission, Notify, Payment, Tracking};
    for topic in Topic::ALL.into_iter().filter(|topic| topic.is_commands()) {
        assert_eq!(topic.followers(), [topic.owner()]);
    }
    assert_eq!(
        Topic::CampaignEvents.followers(),
        [Bff, Tracking, Commission, Notify]
    );
    assert_eq!(Topic::TrackingEvents.followers(), [Bff, Commission, Notify]);
    assert_eq!(Topic::CommissionEvents.followers(), [Bff, Payment, Notify]);
    assert_eq!(Topic::PaymentEvents.followers(), [Bff, Campaign, Notify]);
    assert_eq!(Topic::NotifyEvents.followers(), [Bff, Campaign, Tracking]);
}

#[test]
fn an_event_that_stays_at_home_is_nobody_elses() {
    for kind in KINDS.iter().filter(|kind| !kind.command) {
        assert_eq!(kind.followers.is_empty(), kind.reach == Reach::Own);
        assert!(!kind.followers.contains(&kind.topic.owner()));
        // Any public event may be the outcome that a status waits for.
        assert_eq!(
            kind.followers.contains(&Service::Bff),
            kind.reach == Reach::Public
        );
    }
}

#[test]
fn names_of_services_and_topics_parse_back() {
    for topic in Topic::ALL {
        assert_eq!(Topic::parse(topic.name()), Some(topic));
        let owner = topic.owner();
        let topics = [owner.commands_topic(), owner.events_topic()];
        assert!(topics.contains(&Some(topic)));
    }
    for service in Service::ALL {
        assert_eq!(Service::parse(service.name()), Some(service));
    }
    assert_eq!(Topic::parse("nothing"), None);
}

#[test]
fn the_catalogue_has_a_row_for_every_kind() {
    let catalogue = catalogue_markdown();
    for kind in KINDS {
        assert!(catalogue.contains(&format!("| `{}` |", kind.name)));
    }
    assert!(catalogue.contains(
        "| `campaign.accept.command.v1` | campaign / enrollment | partner_id, terms_version?, metadata?, sealed_metadata? | campaign |"
    ));
}

#[test]
fn keys_spread_over_all_partitions() {
    let used: HashSet<_> = (0..100)
        .map(|n| partition(&format!("camp_{n}"), 4))
        .collect();
    assert_eq!(used, HashSet::from([0, 1, 2, 3]));
}

#[test]
fn an_event_ends_commands_of_one_kind_alone_beside_those_of_timers() {
    for event in KINDS.iter().filter(|kind| !kind.command) {
        let commands = KINDS
            .iter()
            .filter(|kind| kind.outcomes.contains(&event.name));
        let (public, own): (Vec<_>, Vec<_>) =
            commands.partition(|kind| kind.reach == schemas::Reach::Public);
        let names = |kinds: &[&schemas::Kind]| -> Vec<&str> {
            kinds.iter().map(|kind| kind.name).collect()
        };
        let (public, own) = (names(&public), names(&own));
        assert!(
            public.len() <= 1 && (own.len() <= 1 || !public.is_empty()),
            "{} ends {public:?} {own:?}",
            event.name
        );
        let first = public.first().or(own.first()).copied();
        assert_eq!(schemas::ends(event.name), first);
    }
}

/// Who follows whom: what is forgotten there stands still after a restore.
#[test]
fn the_runbook_of_restores_names_every_topic_and_every_follower() {
    let page = include_str!("../../../docs/runbooks/restore.md");
    for service in Service::ALL {
        let row = format!("| {service} |");
        let row = page.lines().find(|line| line.starts_with(&row)).unwrap();
        let [again, accepted] = row.trim_matches('|').split('|').collect::<Vec<_>>()[1..] else {
            panic!("{row}");
        };
        let mut followed: Vec<String> = service
            .followed_topics()
            .map(|topic| format!("{} `{topic}`", topic.publisher()))
            .collect();
        followed.sort();
        let mut again: Vec<&str> = again.trim().split(", ").collect();
        again.sort_unstable();
        assert_eq!(again, followed, "what {service} is sent again");
        let published = service.published_topics().into_iter();
        let mut followers: Vec<&str> = published
            .flat_map(Topic::followers)
            .map(Service::name)
            .collect();
        followers.sort_unstable();
        followers.dedup();
        let mut accepted: Vec<&str> = accepted.trim().split(", ").collect();
        accepted.sort_unstable();
        assert_eq!(accepted, followers, "who takes {service}'s epoch");
    }
}
