//! From serde's path of an error to an RFC 6901 pointer.

use serde_path_to_error::Segment;

/// Where in the body the error is, and what it is without serde's "at line 1 column 2".
pub(super) fn locate(error: &serde_path_to_error::Error<serde_json::Error>) -> (String, String) {
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let text = error.inner().to_string();
    let detail = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(detail, _)| detail);
    if let Some(name) = missing(detail) {
        push(&mut pointer, name);
        return (pointer, "is missing".to_owned());
    }
    (pointer, simplified(detail))
}

fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// The name in serde's "missing field `name`": the one error whose path ends at the parent.
fn missing(detail: &str) -> Option<&str> {
    detail.strip_prefix("missing field `")?.strip_suffix('`')
}

/// What a client sent is not repeated to it: serde quotes whole values and names.
fn simplified(detail: &str) -> String {
    if detail.starts_with("unknown field") {
        return "is not a known field".to_owned();
    }
    if detail.starts_with("duplicate field") {
        return "is given twice".to_owned();
    }
    match (
        detail.starts_with("invalid "),
        detail.rsplit_once(", expected "),
    ) {
        (true, Some((_, expected))) => format!("expected {expected}"),
        _ => detail.to_owned(),
    }
}
