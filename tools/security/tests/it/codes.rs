//! Why services refuse.

use schemas::{Service, rejection_codes};

#[test]
fn every_refusal_is_the_clients_business() {
    for service in Service::ALL {
        for code in rejection_codes(service) {
            assert!((400..500).contains(&code.status), "{service}: {code:?}");
        }
    }
}

#[test]
fn no_service_has_two_codes_of_one_name() {
    for service in Service::ALL {
        let mut names: Vec<_> = rejection_codes(service).map(|code| code.name).collect();
        names.sort_unstable();
        assert!(
            names.is_sorted_by(|one, other| one < other),
            "{service}: {names:?}"
        );
    }
}
