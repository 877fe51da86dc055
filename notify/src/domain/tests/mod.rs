//! Decisions, refusals first.

mod contacts;
mod mail_templates;
mod workflows;

use schemas::{About, WebhookEndpointCreatedV1};
use types::{BrandId, MAX_WEBHOOK_ENDPOINTS, Micros, Uuid, WebhookDisabledReason};

use super::*;

fn brand(id: &str) -> BrandId {
    BrandId::parse(id).unwrap()
}

fn by(id: &str) -> Context {
    Context {
        now: Micros(1_000_000),
        actor: Actor {
            brand: Some(brand(id)),
            ..Actor::default()
        },
    }
}

fn create(kinds: &[&str]) -> Command {
    let new = WebhookEndpointCreatedV1 {
        brand_id: Some(brand("mine")),
        partner_id: None,
        url: "https://hooks.example.com/".to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        description: None,
        format: None,
    };
    Command::Create {
        new: Box::new(About::of("whe_1".parse().unwrap(), new)),
        owner: Owner::Brand(brand("mine")),
    }
}

/// The endpoint that these events make, in this order.
fn after(events: &[Event]) -> Endpoint {
    let place = |position| Place {
        time: Micros(position),
        position,
    };
    let evolved = events.iter().zip(1..).fold(None, |before, (event, at)| {
        Endpoint::evolve(before, event, place(at))
    });
    evolved.unwrap()
}

fn created() -> Event {
    decide(View::default(), &create(&[]), &by("mine")).unwrap()
}

fn view(endpoint: &Endpoint) -> View<'_> {
    View {
        endpoint: Some(endpoint),
        ..View::default()
    }
}

fn code(decided: Result<Event, Rejection>) -> &'static str {
    decided.unwrap_err().code.name
}

#[test]
fn an_endpoint_is_made_for_its_owner_within_bounds_and_for_what_it_is_shown() {
    let others = decide(View::default(), &create(&[]), &by("theirs"));
    assert_eq!(code(others), "brand_unknown");
    let full = View {
        endpoints_of_owner: MAX_WEBHOOK_ENDPOINTS,
        ..View::default()
    };
    let more = decide(full, &create(&[]), &by("mine"));
    assert_eq!(code(more), "too_many_webhook_endpoints");
    for hidden in [
        "campaign.create.command.v1",
        "none",
        // Shown in the live feed, and sent to nobody.
        "api_key.created.v1",
        "partner.banned.v1",
        "webhook_endpoint.disabled.v1",
        "notification.sent.v1",
        "contact.changed.v1",
        "contact.unsubscribed.v1",
    ] {
        let refused = decide(View::default(), &create(&[hidden]), &by("mine"));
        assert_eq!(code(refused), "invalid_field", "{hidden}");
    }
    for sent in ["ledger.posted.v1", "command.rejected.v1"] {
        let made = decide(View::default(), &create(&[sent]), &by("mine"));
        assert!(matches!(made, Ok(Event::Created(_))), "{sent}");
    }
}

#[test]
fn another_s_endpoint_is_none_and_so_is_one_that_was_removed() {
    let id = || "whe_1".parse().unwrap();
    let endpoint = after(&[created()]);
    for command in [
        Command::Enable(id()),
        Command::Disable(id()),
        Command::Change(id(), Change::default()),
        Command::RotateSecret(id(), 0),
        Command::Remove(id()),
        Command::Test(id()),
        Command::Resend(id(), Resend::One(Uuid::nil())),
    ] {
        let refused = decide(view(&endpoint), &command, &by("theirs"));
        assert_eq!(code(refused), "webhook_endpoint_unknown");
        let removed = decide(view(&endpoint), &Command::Remove(id()), &by("mine"));
        let removed = after(&[created(), removed.unwrap()]);
        let refused = decide(view(&removed), &command, &by("mine"));
        assert_eq!(code(refused), "webhook_endpoint_unknown");
    }
}

#[test]
fn one_that_was_given_up_is_sent_nothing_until_it_is_enabled() {
    let id = || "whe_1".parse().unwrap();
    let give_up = |enabled_at| {
        let command = give_up_id("whe_1", enabled_at);
        Command::GiveUp(id(), WebhookDisabledReason::Failing, command)
    };
    let system = Context {
        actor: Actor::default(),
        ..by("mine")
    };
    let endpoint = after(&[created()]);
    let give_up = give_up(endpoint.enabled_at);
    let disabled = decide(view(&endpoint), &give_up, &system).unwrap();
    let endpoint = after(&[created(), disabled.clone()]);
    assert!(!endpoint.wants("ledger.posted.v1"));
    assert_eq!(
        endpoint.disabled_reason,
        Some(WebhookDisabledReason::Failing)
    );
    for (command, context) in [(&give_up, &system), (&Command::Test(id()), &by("mine"))] {
        let refused = decide(view(&endpoint), command, context);
        assert_eq!(code(refused), "webhook_endpoint_disabled");
    }
    let enabled = decide(view(&endpoint), &Command::Enable(id()), &by("mine")).unwrap();
    let endpoint = after(&[created(), disabled, enabled]);
    assert!(endpoint.wants("ledger.posted.v1"));
    assert_eq!(endpoint.enabled_at, Micros(3));
    let waited = decide(view(&endpoint), &give_up, &system);
    assert_eq!(code(waited), "webhook_endpoint_disabled");
}

#[test]
fn a_secret_has_the_next_number_and_that_of_before_counts_as_long_as_is_asked_for() {
    let endpoint = after(&[created()]);
    for (overlap, until) in [(0, None), (60, Some(Micros(61_000_000)))] {
        let rotate = Command::RotateSecret("whe_1".parse().unwrap(), overlap);
        let rotated = decide(view(&endpoint), &rotate, &by("mine")).unwrap();
        let endpoint = after(&[created(), rotated]);
        assert_eq!(endpoint.secret_version, 2);
        assert_eq!(endpoint.previous_until, until);
    }
}
