//! Every kind × role: what is shown, and to whom not.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::kinds::{KINDS, Kind, Reach};

/// What each kind shows to its partner and its brand, one line for each.
const STATED: &str = include_str!("stated.txt");
/// What receivers of webhooks read.
const GUIDE: &str = include_str!("../../../docs/webhooks.md");
/// The campaign of the golden samples that name one.
const CAMPAIGN: &str = "camp123";
/// Never shown to anybody but operators, wherever it stands.
const NEVER: [&str; 9] = [
    "sealed_",
    "hash",
    "visitor",
    "user_id",
    "metadata",
    "key_id",
    "public_key",
    "prefix",
    "actor",
];

/// The golden sample of a kind, as if everything in it were this brand's and this partner's.
fn sample(kind: &Kind, partner: &str, brand: &str) -> Sample {
    let path = format!(
        "{}/golden/next/{}/{}.json",
        env!("CARGO_MANIFEST_DIR"),
        kind.topic.name(),
        kind.name
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut sample: Value = serde_json::from_str(&text).unwrap();
    let mut payload = sample["payload"][kind.field].take();
    let owned = |value: &mut Value| {
        for (name, id) in [("partner_id", partner), ("brand_id", brand)] {
            if value.get(name).is_some() {
                value[name] = id.into();
            }
        }
    };
    owned(&mut payload);
    owned(&mut payload["sale"]);
    if payload["sale"].is_null() {
        payload.as_object_mut().unwrap().remove("sale");
    }
    if let Some(transfers) = payload.get_mut("transfers") {
        let own = json!({"id": Uuid::nil(), "debit": format!("brand:{brand}:funds"), "credit": format!("partner:{partner}:payable"),
                         "minor": 1, "currency": "USD"});
        let others = json!({"id": Uuid::max(), "debit": "brand:another:funds", "credit": "partner:another:payable",
                            "minor": 1, "currency": "USD"});
        *transfers = json!([own, others]);
    }
    let key = match table::TABLE.iter().find(|(of, ..)| *of == kind.name) {
        Some((_, PartnerByKey | PartnerByKeyAndNamed, ..)) => partner,
        _ => brand,
    };
    Sample {
        kind: kind.name,
        key: key.to_owned(),
        asker: (partner.to_owned(), brand.to_owned()),
        body: crate::payload(kind, &payload).ok(),
        payload,
    }
}

/// A message, owned.
struct Sample {
    kind: &'static str,
    key: String,
    asker: (String, String),
    payload: Value,
    body: Option<Body>,
}

impl Sample {
    fn seen(&self) -> Seen<'_> {
        Seen {
            kind: self.kind,
            key: &self.key,
            subject: "subject",
            asker: SpokenFor {
                partner: Some(&self.asker.0),
                brand: Some(&self.asker.1),
            },
            payload: Some(&self.payload),
            body: self.body.as_ref(),
        }
    }
}

fn partner(id: &str) -> Viewer {
    Viewer::Owner {
        partner: PartnerId::parse(id).ok(),
        brand: None,
    }
}

fn brand(id: &str) -> Viewer {
    Viewer::Owner {
        partner: None,
        brand: BrandId::parse(id).ok(),
    }
}

fn owners(partner: &str, brand: &str) -> Owners {
    let both = (Some(partner.to_owned()), Some(brand.to_owned()));
    let campaigns = [brand, CAMPAIGN].map(|id| (id.to_owned(), brand.to_owned()));
    Owners {
        subjects: [("subject".to_owned(), both)].into(),
        campaigns: campaigns.into(),
    }
}

fn names(shown: Option<&Value>) -> String {
    match shown {
        None => "-".to_owned(),
        Some(shown) => format!("[{}]", fields(shown)),
    }
}

/// Its fields with theirs, down to the last: what is added deep inside is shown, too.
fn fields(shown: &Value) -> String {
    let below = |(name, value): (&String, &Value)| {
        let inside = match value {
            Value::Array(items) => items.first().map(fields),
            value => Some(fields(value)),
        };
        match inside.filter(|inside| !inside.is_empty()) {
            Some(inside) => format!("{name}[{inside}]"),
            None => name.clone(),
        }
    };
    let fields = shown.as_object().into_iter().flatten().map(below);
    fields.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_role_sees_of_each_kind_what_is_stated_and_another_sees_nothing() {
    let mut lines = Vec::new();
    for kind in KINDS {
        let found = sample(kind, "mine", "mine");
        assert!(found.body.is_some(), "{}: its sample is read", kind.name);
        let whose = owners("mine", "mine");
        let of_partner = shown(&found.seen(), &partner("mine"), &whose);
        let of_brand = shown(&found.seen(), &brand("mine"), &whose);
        for (viewer, what) in [(partner("theirs"), "partner"), (brand("theirs"), "brand")] {
            assert_eq!(
                shown(&found.seen(), &viewer, &whose),
                None,
                "{} to another {what}",
                kind.name
            );
        }
        // A partner is no brand of the same name.
        let others = sample(kind, "theirs", "mine");
        let whose = owners("theirs", "mine");
        assert_eq!(
            shown(&others.seen(), &partner("mine"), &whose),
            None,
            "{}",
            kind.name
        );
        for seen in [&of_partner, &of_brand].into_iter().flatten() {
            let text = seen.to_string();
            let leaks = NEVER.iter().find(|never| text.contains(**never));
            assert_eq!(leaks, None, "{}: {text}", kind.name);
            assert!(!text.contains("another"), "{}: {text}", kind.name);
        }
        assert!(shown(&found.seen(), &Viewer::Operator, &Owners::default()).is_some());
        if let Some((_, _, _, Some(_))) = rule(kind.name) {
            assert!(of_brand.is_some(), "{}: no brand sees it", kind.name);
        }
        let seen = [of_partner, of_brand].map(|seen| names(seen.as_ref()));
        let line = format!("{}: partner {}, brand {}", kind.name, seen[0], seen[1]);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let text = lines.join("\n") + "\n";
    assert!(text == STATED, "stated.txt should be:\n{text}");
}

#[test]
fn what_this_build_cannot_read_is_for_operators() {
    let kind = crate::kind("conversion.attributed.v1").unwrap();
    let mut found = sample(kind, "mine", "mine");
    found.body = None;
    let whose = owners("mine", "mine");
    assert_eq!(shown(&found.seen(), &partner("mine"), &whose), None);
    assert_eq!(
        shown(&found.seen(), &Viewer::Operator, &whose),
        Some(Value::Null)
    );
}

#[test]
fn what_is_nobodys_is_seen_by_the_brand_that_reported_it() {
    let kind = crate::kind("conversion.unattributed.v1").unwrap();
    let found = sample(kind, "mine", "mine");
    let nobodys = Owners {
        subjects: [("subject".to_owned(), (None, None))].into(),
        ..Owners::default()
    };
    assert!(shown(&found.seen(), &brand("mine"), &nobodys).is_some());
    assert_eq!(shown(&found.seen(), &brand("theirs"), &nobodys), None);
    assert_eq!(shown(&found.seen(), &partner("mine"), &nobodys), None);
}

#[test]
fn what_names_its_partner_and_brand_is_theirs_whoever_asked_and_whatever_else_is_known() {
    for kind in [
        "conversion.refunded.v1",
        "claim.accepted.v1",
        "claim.declined.v1",
    ] {
        let kind = KINDS.iter().find(|it| it.name == kind).unwrap();
        let found = Sample {
            asker: ("theirs".to_owned(), "theirs".to_owned()),
            ..sample(kind, "mine", "mine")
        };
        let seen = found.seen();
        assert_eq!(seen.unsaid(), None, "{}", kind.name);
        let audience = seen.audience(&owners("theirs", "theirs"));
        assert_eq!(audience, [brand("mine"), partner("mine")], "{}", kind.name);
    }
}

#[test]
fn what_is_shown_and_not_sent_is_of_the_families_that_the_guide_names_and_of_no_other() {
    for to_brands in [true, false] {
        let sent: HashSet<&str> = kinds_sent(to_brands).collect();
        for kind in kinds_shown(to_brands) {
            let (family, _) = kind.split_once('.').unwrap();
            let is_named = GUIDE.contains(&format!("`{family}.*`"));
            assert_eq!(is_named, !sent.contains(kind), "{kind}");
        }
    }
}

#[test]
fn nothing_of_onboarding_is_sent_and_no_ban_which_notify_follows_to_end_one() {
    for to_brands in [true, false] {
        for kind in kinds_sent(to_brands) {
            let mut of = KINDS.iter().filter(|it| it.name == kind);
            let is_kept = |it: &Kind| matches!(it.subject, Entity::Workflow | Entity::Ban);
            assert!(of.all(|it| !is_kept(it)), "{kind}");
        }
    }
}

/// Commands that operators alone may send, and the one that comes by a link in a mail.
const OF_NO_OWNER: [&str; 6] = [
    "campaign.erase_partner.command.v1",
    "tracking.erase_visitor.command.v1",
    "payment.settle_deposit.command.v1",
    "payment.settle_withdrawal.command.v1",
    "payment.set_billing.command.v1",
    "notify.unsubscribe.command.v1",
];

#[test]
fn who_may_send_a_command_is_shown_it_and_whatever_comes_of_it() {
    let commands = KINDS
        .iter()
        .filter(|it| it.command && it.reach == Reach::Public);
    for command in commands {
        let Some((_, whose, of_partner, of_brand)) = rule(command.name) else {
            assert!(OF_NO_OWNER.contains(&command.name), "{}", command.name);
            continue;
        };
        assert!(!OF_NO_OWNER.contains(&command.name), "{}", command.name);
        assert_eq!(*whose, Asker, "{}", command.name);
        for outcome in command.outcomes {
            let shown = rule(outcome).is_some_and(|(_, _, partner, brand)| {
                (of_partner.is_some() && partner.is_some())
                    || (of_brand.is_some() && brand.is_some())
            });
            assert!(shown, "{}: {outcome}", command.name);
        }
    }
}

#[test]
fn a_ban_of_all_campaigns_is_its_partners_and_no_brands() {
    for kind in ["partner.banned.v1", "partner.unbanned.v1"] {
        let kind = KINDS.iter().find(|it| it.name == kind).unwrap();
        let mut found = sample(kind, "mine", "mine");
        let nobody = Owners::default();
        let both = [brand("mine"), partner("mine")];
        assert_eq!(found.seen().audience(&nobody), both, "{}", kind.name);
        found.payload["brand_id"] = Value::Null;
        let [of_brand, of_partner] = both.map(|viewer| shown(&found.seen(), &viewer, &nobody));
        assert_eq!(of_brand, None, "{}", kind.name);
        assert!(of_partner.is_some(), "{}", kind.name);
        assert_eq!(found.seen().audience(&nobody), [partner("mine")]);
    }
}

#[test]
fn an_amount_is_a_text_in_the_events_that_the_guide_names_and_in_no_other() {
    let mut with_texts = BTreeSet::new();
    let whose = owners("mine", "mine");
    for kind in KINDS.iter().filter(|kind| !kind.command) {
        let found = sample(kind, "mine", "mine");
        for viewer in [partner("mine"), brand("mine")] {
            let shown = shown(&found.seen(), &viewer, &whose);
            let shown = shown.map(|it| it.to_string()).unwrap_or_default();
            if shown.contains("\"amount\":\"") {
                with_texts.insert(kind.name);
            }
        }
    }
    let named = ["conversion.unattributed.v1", "conversion.refund_noted.v1"];
    assert_eq!(with_texts, named.into());
    let both = format!(
        "`{}` and `{}`, where it is a decimal text",
        named[0], named[1]
    );
    assert!(GUIDE.contains(&both), "{both}");
}
