//! A bound on nesting, found without parsing.

/// No body of ours is nested deeper.
pub(super) const DEEPEST: usize = 16;

/// Whether arrays and objects are nested more than `limit` deep. Text inside strings is passed
/// over; whether the rest is JSON at all is the parser's business.
pub(super) fn exceeds(json: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::exceeds;

    #[test]
    fn brackets_count_and_those_in_strings_do_not() {
        assert!(!exceeds(br#"{"a":[1,{"b":"]]]{{{\"[[["}]}"#, 3));
        assert!(exceeds(br#"{"a":[1,{"b":[]}]}"#, 3));
        assert!(!exceeds(br"[[],[],[]]", 2));
    }
}
