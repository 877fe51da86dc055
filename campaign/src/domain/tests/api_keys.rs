//! API keys: whose they are, what another secret leaves of them, and that a revoked one stays so.

use schemas::{About, ApiKeyCreatedV1, RejectionCode};
use types::{ApiKeyId, ApiKeyScope, MAX_API_KEYS, Micros};

use super::{brand, partner, place, submitted_by};
use crate::domain::{Actor, ApiKey, Code, Command, Event, Rotation, View, decide};

/// When everything here is decided.
const NOW: i64 = 7_000_000;

fn id() -> ApiKeyId {
    "key_1".parse().unwrap()
}

fn new(of: &str, expires_at: Option<i64>) -> About<ApiKeyCreatedV1> {
    let created = ApiKeyCreatedV1 {
        brand_id: of.parse().unwrap(),
        prefix: "0123abcd".to_owned(),
        hash: "00".repeat(32),
        scopes: vec![ApiKeyScope::ConversionsWrite],
        expires_at: expires_at.map(Micros),
    };
    About::of(id(), created)
}

/// The key of `brand1`.
fn made(expires_at: Option<i64>) -> ApiKey {
    let created = Event::ApiKeyCreated(new("brand1", expires_at));
    ApiKey::evolve(None, &created, place(1)).unwrap()
}

fn rotate(overlap_seconds: i64) -> Command {
    let rotation = Rotation {
        prefix: "4567cdef".to_owned(),
        hash: "11".repeat(32),
        overlap_seconds,
    };
    Command::RotateApiKey {
        key: id(),
        rotation,
    }
}

fn revoke() -> Command {
    Command::RevokeApiKey {
        key: id(),
        brand: None,
    }
}

fn revoke_of(brand: &str) -> Command {
    Command::RevokeApiKey {
        key: id(),
        brand: Some(brand.parse().unwrap()),
    }
}

fn of(key: &ApiKey) -> View<'_> {
    View {
        api_key: Some(key),
        ..View::default()
    }
}

fn code(decided: Result<Event, schemas::Rejection>) -> Option<RejectionCode> {
    decided.err().map(|rejection| rejection.code)
}

#[test]
fn a_key_is_for_its_brand_and_operators_to_make_rotate_and_revoke() {
    let operator = Actor {
        operator: true,
        ..Actor::default()
    };
    let key = made(None);
    for (actor, may) in [
        (brand("brand1"), true),
        (operator, true),
        (brand("brand2"), false),
        (partner("partner1"), false),
        (Actor::default(), false),
    ] {
        let context = submitted_by(actor);
        let create = Command::CreateApiKey(new("brand1", None));
        let refused = (!may).then(|| Code::BrandUnknown.code());
        assert_eq!(code(decide(View::default(), &create, &context)), refused);
        let refused = (!may).then(|| Code::ApiKeyUnknown.code());
        for command in [rotate(0), revoke()] {
            assert_eq!(code(decide(of(&key), &command, &context)), refused);
        }
    }
    let context = submitted_by(brand("brand1"));
    let nothing = decide(View::default(), &revoke(), &context);
    assert_eq!(code(nothing), Some(Code::ApiKeyUnknown.code()));
}

/// After a restore that lost it.
#[test]
fn a_key_that_is_not_known_is_an_operators_to_end_who_says_whose_it_is() {
    let operator = submitted_by(Actor {
        operator: true,
        ..Actor::default()
    });
    let ended = decide(View::default(), &revoke_of("brand1"), &operator).unwrap();
    let Event::ApiKeyRevoked(revoked) = &ended else {
        panic!("{ended:?}");
    };
    assert_eq!(
        (&revoked.subject, revoked.brand_id.as_str()),
        (&id(), "brand1")
    );
    assert_eq!(ApiKey::evolve(None, &ended, place(1)), None);
    let unknown = Some(Code::ApiKeyUnknown.code());
    let of_brand = submitted_by(brand("brand1"));
    assert_eq!(
        code(decide(View::default(), &revoke_of("brand1"), &of_brand)),
        unknown
    );
    let key = made(None);
    for context in [&operator, &of_brand] {
        assert_eq!(
            code(decide(of(&key), &revoke_of("brand2"), context)),
            unknown
        );
        assert!(decide(of(&key), &revoke_of("brand1"), context).is_ok());
    }
}

#[test]
fn another_secret_leaves_what_a_key_may_and_the_one_before_as_long_as_was_said() {
    let context = submitted_by(brand("brand1"));
    let key = made(Some(NOW + 1));
    for (overlap, previous) in [(0, None), (60, Some(Micros(NOW + 60_000_000)))] {
        let rotated = decide(of(&key), &rotate(overlap), &context).unwrap();
        let Event::ApiKeyRotated(event) = &rotated else {
            panic!("{rotated:?}");
        };
        assert_eq!(event.previous_until, previous);
        assert_eq!(event.previous_hash, previous.map(|_| "00".repeat(32)));
        assert_eq!(event.scopes, key.scopes);
        assert_eq!(event.expires_at, key.expires_at);
        let after = ApiKey::evolve(Some(key.clone()), &rotated, place(9)).unwrap();
        let expected = ApiKey {
            prefix: "4567cdef".to_owned(),
            hash: Some("11".repeat(32)),
            changed_at: place(9).time,
            ..key.clone()
        };
        assert_eq!(after, expected);
    }
}

#[test]
fn a_revoked_key_stays_so_and_nothing_is_left_that_opens_anything() {
    let context = submitted_by(brand("brand1"));
    let key = made(None);
    let revoked = decide(of(&key), &revoke(), &context).unwrap();
    let key = ApiKey::evolve(Some(key), &revoked, place(2)).unwrap();
    assert_eq!(key.hash, None);
    for command in [rotate(60), revoke()] {
        let refused = code(decide(of(&key), &command, &context));
        assert_eq!(refused, Some(Code::ApiKeyRevoked.code()));
    }
}

#[test]
fn a_key_expires_in_the_future_and_is_not_rotated_once_it_has() {
    let context = submitted_by(brand("brand1"));
    for (until, expected) in [
        (NOW + 1, None),
        (NOW, Some(Code::InvalidExpiry.code())),
        (0, Some(Code::InvalidExpiry.code())),
    ] {
        let create = Command::CreateApiKey(new("brand1", Some(until)));
        let decided = decide(View::default(), &create, &context);
        assert_eq!(code(decided), expected, "{until}");
    }
    let over = made(Some(NOW));
    let refused = code(decide(of(&over), &rotate(0), &context));
    assert_eq!(refused, Some(Code::ApiKeyExpired.code()));
    assert!(decide(of(&over), &revoke(), &context).is_ok());
}

#[test]
fn a_brand_has_so_many_keys_and_no_more() {
    let context = submitted_by(brand("brand1"));
    let create = Command::CreateApiKey(new("brand1", None));
    for (keys_of_brand, may) in [(MAX_API_KEYS - 1, true), (MAX_API_KEYS, false)] {
        let view = View {
            keys_of_brand,
            ..View::default()
        };
        let refused = (!may).then(|| Code::TooManyApiKeys.code());
        assert_eq!(code(decide(view, &create, &context)), refused);
    }
}
