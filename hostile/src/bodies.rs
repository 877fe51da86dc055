//! JSON bodies of every route that takes one.

use chassis::problem::Problem;
use sealing::{Details, Method};

type Read = fn(&str, &[u8]) -> Option<Result<(), Problem>>;

/// Who reads the body of which operation.
pub const OPERATIONS: &[(&str, &str, Read)] = &[
    ("bff", "create_campaign", bff::read_body),
    ("bff", "activate_campaign", bff::read_body),
    ("bff", "publish_terms", bff::read_body),
    ("bff", "accept_campaign", bff::read_body),
    ("bff", "submit_evidence", bff::read_body),
    ("bff", "create_link", bff::read_body),
    ("bff", "record_event", bff::read_body),
    ("bff", "request_payout", bff::read_body),
    ("campaign", "create_campaign", campaign::read_body),
    ("campaign", "activate_campaign", campaign::read_body),
    ("campaign", "publish_terms", campaign::read_body),
    ("campaign", "accept_campaign", campaign::read_body),
    ("campaign", "submit_evidence", campaign::read_body),
    ("tracking", "create_link", tracking::read_body),
    ("tracking", "record_event", tracking::read_body),
    ("payment", "request_payout", payment::read_body),
];

/// A body for an operation, which the first byte chooses. What is refused is refused with a problem of the client's
/// that is not longer than a page.
pub fn body(bytes: &[u8]) -> bool {
    let Some((choice, json)) = bytes.split_first() else {
        return false;
    };
    let (_, operation, read) = OPERATIONS[usize::from(*choice) % OPERATIONS.len()];
    let read = read(operation, json).expect("an operation with a body");
    if let Err(problem) = &read {
        let status = problem.status();
        assert!(status.is_client_error(), "{problem}");
        assert!(problem.to_string().len() < 1_000, "{problem}");
        let told: usize = problem
            .errors()
            .iter()
            .map(|error| error.detail.len())
            .sum();
        assert!(told < 4_000 + json.len(), "{told} bytes of errors");
    }
    read.is_ok()
}

/// Payment details: what is taken has one form, is shown masked, and that mask does not hold it.
pub fn details(bytes: &[u8]) -> bool {
    let Ok(details) = Details::parse(bytes) else {
        return false;
    };
    let again = Details::parse(&details.to_json()).expect("what was written reads again");
    assert_eq!(again.to_json(), details.to_json());
    let mut fits = false;
    for method in Method::ALL {
        if let Ok(details) = details.checked(method) {
            fits = true;
            assert_eq!(details.checked(method).as_ref(), Ok(&details));
            let masked = details.masked();
            assert!(masked.is_ascii(), "{masked}");
            let written = String::from_utf8(details.to_json()).expect("JSON is UTF-8");
            assert!(
                !written.contains(&format!(":\"{masked}\"")),
                "{masked} is not masked"
            );
        }
    }
    fits
}
