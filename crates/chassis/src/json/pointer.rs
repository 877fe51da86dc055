//! From serde's path of an error to an RFC 6901 pointer.

use serde_path_to_error::Segment;

/// Where in the body the error is, and what it is without serde's "at line 1 column 2".
pub(super) fn locate(error: &serde_path_to_error::Error<serde_json::Error>) -> (String, String) {
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } if may_be_a_value(key) => {
                let what = "holds a field that is not known; its name is not repeated here";
                return (pointer, what.to_owned());
            }
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let text = error.inner().to_string();
    let detail = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(detail, _)| detail);
    for (kind, what) in [("missing", "is missing"), ("duplicate", "is given twice")] {
        if let Some(name) = field(detail, kind) {
            push(&mut pointer, name);
            return (pointer, what.to_owned());
        }
    }
    (pointer, simplified(detail))
}

fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// Where a client put a value for a name (an account number, an address, who holds it), it is not repeated either: answers
/// are logged by those who get them.
fn may_be_a_value(name: &str) -> bool {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    digits > 3 || name.contains('@') || name.contains(char::is_whitespace) || name.len() > 64
}

/// The name in serde's "missing field `name`" and "duplicate field `name`", whose paths end at
/// the parent.
fn field<'a>(detail: &'a str, kind: &str) -> Option<&'a str> {
    detail
        .strip_prefix(kind)?
        .strip_prefix(" field `")?
        .strip_suffix('`')
}

/// What a client sent is not repeated to it: serde quotes whole values and names.
fn simplified(detail: &str) -> String {
    if detail.starts_with("unknown field") {
        return "is not a known field".to_owned();
    }
    match (
        detail.starts_with("invalid "),
        detail.rsplit_once(", expected "),
    ) {
        (true, Some((_, expected))) => format!("expected {expected}"),
        _ => detail.to_owned(),
    }
}
