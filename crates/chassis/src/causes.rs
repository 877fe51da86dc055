//! What an error says together with what it says of its causes.

use std::error::Error;

/// All of it, from the outside in: many libraries say no more than "it failed" themselves.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
