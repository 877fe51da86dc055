//! JSON bodies of every route that takes one.

use api::OPERATIONS;
use sealing::Details;
use types::PayoutMethod;

/// A body for an operation, which the first byte chooses. What is refused is refused with a problem of the client's
/// that is not longer than a page.
pub fn body(bytes: &[u8]) -> bool {
    let Some((choice, json)) = bytes.split_first() else {
        return false;
    };
    let operation = OPERATIONS[usize::from(*choice) % OPERATIONS.len()];
    let read = api::read_body(operation, json).expect("an operation with a body");
    if let Err(problem) = &read {
        let status = problem.status();
        assert!(status.is_client_error(), "{problem}");
        assert!(problem.to_string().len() < 1_000, "{problem}");
        let reported: usize = problem
            .errors()
            .iter()
            .map(|error| error.detail.len())
            .sum();
        assert!(reported < 4_000 + json.len(), "{reported} bytes of errors");
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
    for method in PayoutMethod::ALL {
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
