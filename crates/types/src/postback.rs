//! Addresses of postbacks: what may stand in them in place of values.

use std::fmt::{self, Write as _};

use crate::{Invalid, check_webhook_url};

/// What an address may name, in braces. Of which events each has a value, `docs/postbacks.md` says.
pub const POSTBACK_MACROS: [&str; 11] = [
    "event",
    "delivery_id",
    "timestamp",
    "conversion_id",
    "campaign_id",
    "link",
    "click_id",
    "order_id",
    "amount",
    "currency",
    "commission",
];

/// What is wrong with the address of a postback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidPostback {
    /// As with any address that something is sent to.
    Url(Invalid),
    /// A macro outside of the query, where it could say where to.
    OutsideOfQuery,
    /// A brace that opens or closes nothing.
    Unbalanced,
    /// A macro that there is not.
    Unknown(String),
}

impl fmt::Display for InvalidPostback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(invalid) => invalid.fmt(f),
            Self::OutsideOfQuery => f.write_str("must have macros in its query only"),
            Self::Unbalanced => {
                f.write_str("must close each { of a macro, and have no other braces")
            }
            Self::Unknown(name) => {
                let known = POSTBACK_MACROS
                    .map(|known| format!("{{{known}}}"))
                    .join(", ");
                write!(f, "must not name {{{name}}}: the macros are {known}")
            }
        }
    }
}

impl From<Invalid> for InvalidPostback {
    fn from(invalid: Invalid) -> Self {
        Self::Url(invalid)
    }
}

/// An address that a webhook could have, whose query may name [`POSTBACK_MACROS`].
///
/// # Errors
///
/// What is wrong with it.
pub fn check_postback_url(url: &str) -> Result<(), InvalidPostback> {
    check_webhook_url(url)?;
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let place = place.to_ascii_lowercase();
    // Where the address was parsed, a brace of its path is percent-encoded.
    if ["{", "}", "%7b", "%7d"].iter().any(|it| place.contains(it)) {
        return Err(InvalidPostback::OutsideOfQuery);
    }
    for part in parts(query) {
        match part? {
            Part::Macro(name) if !POSTBACK_MACROS.contains(&name) => {
                return Err(InvalidPostback::Unknown(name.chars().take(40).collect()));
            }
            Part::Macro(_) | Part::Text(_) => {}
        }
    }
    Ok(())
}

/// Whether an address names a macro.
pub fn names_macro(url: &str, name: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    parts(query).any(|part| matches!(part, Ok(Part::Macro(it)) if it == name))
}

/// The address with these values in place of what it names, percent-encoded; a value that there is not is empty.
pub fn expand_postback(url: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let Some((place, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let mut expanded = format!("{place}?");
    for part in parts(query).flatten() {
        match part {
            Part::Text(text) => expanded.push_str(text),
            Part::Macro(name) => encode(&mut expanded, &value(name).unwrap_or_default()),
        }
    }
    expanded
}

/// All but what RFC 3986 calls unreserved.
fn encode(into: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _written = write!(into, "%{byte:02X}");
        }
    }
}

enum Part<'a> {
    Text(&'a str),
    Macro(&'a str),
}

/// What a query is made of; it ends at the first brace that is wrong.
fn parts(query: &str) -> impl Iterator<Item = Result<Part<'_>, InvalidPostback>> {
    let mut rest = query;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.find(['{', '}']).unwrap_or(rest.len());
        if at > 0 {
            let (text, behind) = rest.split_at(at);
            rest = behind;
            return Some(Ok(Part::Text(text)));
        }
        let inside = rest.strip_prefix('{').and_then(|it| it.split_once('}'));
        let Some((name, behind)) = inside.filter(|(name, _)| !name.contains('{')) else {
            rest = "";
            return Some(Err(InvalidPostback::Unbalanced));
        };
        rest = behind;
        Some(Ok(Part::Macro(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_stand_in_the_query_and_are_known() {
        for url in [
            "https://tracker.example.com/pb?cid={click_id}&payout={commission}&cur={currency}&secret=1%7B",
            "https://tracker.example.com/pb?{event}{order_id}",
            "https://tracker.example.com/pb?token=secret",
            "http://127.0.0.1:9000",
        ] {
            assert_eq!(check_postback_url(url), Ok(()), "{url}");
        }
        for url in [
            "https://{click_id}.example.com/",
            "https://tracker.example.com/{click_id}",
            "https://tracker.example.com/%7Bclick_id%7D?a={amount}",
            "https://tracker.example.com/pb?a={amount",
            "https://tracker.example.com/pb?a=amount}",
            "https://tracker.example.com/pb?a={{amount}}",
            "https://tracker.example.com/pb?a={sub1}",
            "https://tracker.example.com/pb?a={}",
            "https://tracker.example.com/pb?a={amount}#{event}",
            "https://10.0.0.1/pb?a={amount}",
        ] {
            assert!(check_postback_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_unknown_macro_is_named_beside_those_that_there_are() {
        let unknown = check_postback_url("https://t.example.com/?a={amount}&s={sub1}").unwrap_err();
        let text = unknown.to_string();
        assert!(
            text.contains("{sub1}") && text.contains("{click_id}"),
            "{text}"
        );
    }

    #[test]
    fn values_are_percent_encoded_and_nothing_of_them_is_read_as_an_address() {
        let url = "https://t.example.com/pb?o={order_id}&c={commission}&n={click_id}&t=a%20b";
        let value = |name: &str| match name {
            "order_id" => Some("a&b={amount}/é".to_owned()),
            "commission" => Some("10.00".to_owned()),
            _ => None,
        };
        assert_eq!(
            expand_postback(url, value),
            "https://t.example.com/pb?o=a%26b%3D%7Bamount%7D%2F%C3%A9&c=10.00&n=&t=a%20b"
        );
        assert!(names_macro(url, "click_id") && !names_macro(url, "amount"));
        assert_eq!(
            expand_postback("https://t.example.com", value),
            "https://t.example.com"
        );
    }
}
