//! Why services refuse: the lists of their deciders, and the one that is published with the messages.

use std::collections::BTreeSet;

use schemas::{Service, rejection_codes};

fn published(service: Service) -> BTreeSet<&'static str> {
    rejection_codes(service).map(|code| code.name).collect()
}

fn with_the_roads<'a>(codes: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let of_the_road = [
        "timed_out_waiting",
        "dropped_by_operator",
        "producer_unknown",
        "malformed_message",
        "not_permitted",
    ];
    codes.into_iter().chain(of_the_road).collect()
}

#[test]
fn every_code_that_a_decider_refuses_with_is_published_with_the_messages_and_no_other_is() {
    let campaign = campaign::domain::Rejection::CODES;
    assert_eq!(published(Service::Campaign), with_the_roads(campaign));
    let tracking = tracking::domain::Code::ALL.iter().map(|code| code.name());
    assert_eq!(published(Service::Tracking), with_the_roads(tracking));
    let commission = commission::domain::Refusal::ALL.map(commission::domain::Refusal::code);
    assert_eq!(published(Service::Commission), with_the_roads(commission));
    let payment = payment::domain::Rejection::CODES;
    assert_eq!(published(Service::Payment), with_the_roads(payment));
}

#[test]
fn every_refusal_is_the_clients_business() {
    for service in Service::ALL {
        for code in rejection_codes(service) {
            assert!((400..500).contains(&code.status), "{service}: {code:?}");
        }
    }
}
