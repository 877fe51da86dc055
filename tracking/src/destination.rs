//! Where visitors are sent to: pure functions of a link and a request, with bounds.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use schemas::Utm;
use types::ClickId;

/// The longest path behind a code, in bytes.
const MAX_PATH: usize = 1_024;

/// What stands in a value of a query as it is.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An address in the parts that change.
struct Address<'a> {
    /// Up to the query.
    page: &'a str,
    query: &'a str,
    /// With its `#`, or empty.
    fragment: &'a str,
}

impl<'a> Address<'a> {
    fn of(url: &'a str) -> Self {
        let (address, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
        let (page, query) = address.split_once('?').unwrap_or((address, ""));
        Self {
            page,
            query,
            fragment,
        }
    }

    /// The pairs of its query.
    fn pairs(&self) -> impl Iterator<Item = &'a str> {
        self.query.split('&').filter(|pair| !pair.is_empty())
    }

    /// The same with this query.
    fn with(&self, pairs: &[&str]) -> String {
        let query = pairs.join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{query}{}", self.page, self.fragment)
    }
}

fn is_named(pair: &str, expected: &str) -> bool {
    url::form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == expected)
}

/// Adds the click to the target's query, before its fragment, in place of any that stands there: whichever of two a shop
/// reads, the click is the one that was recorded.
pub fn with_click_id(target: &str, click: &ClickId) -> String {
    let address = Address::of(target);
    let others = address.pairs().filter(|pair| !is_named(pair, "click_id"));
    let click = format!("click_id={click}");
    let pairs: Vec<&str> = others.chain([click.as_str()]).collect();
    address.with(&pairs)
}

/// Adds the link's UTM parameters to the target's query, but for those that stand there.
pub fn with_utm(target: &str, utm: &Utm, campaign: &str, partner: &str, code: &str) -> String {
    let address = Address::of(target);
    let filled = |template: &str| {
        let text = template
            .replace("{partner_id}", partner)
            .replace("{campaign_id}", campaign)
            .replace("{code}", code);
        utf8_percent_encode(&text, QUERY).to_string()
    };
    let missing = |name: &str| !address.pairs().any(|pair| is_named(pair, name));
    let added: Vec<String> = utm
        .parameters()
        .into_iter()
        .filter_map(|(name, template)| Some((name, template?)))
        .filter(|(name, _)| missing(name))
        .map(|(name, template)| format!("{name}={}", filled(template)))
        .collect();
    let added = added.iter().map(String::as_str);
    let pairs: Vec<&str> = address.pairs().chain(added).collect();
    address.with(&pairs)
}

/// The page of the target that a path behind the link's code names; `None` when it would not be one below the target's own path,
/// however often whoever reads it decodes it.
pub fn with_path(target: &str, path: &str) -> Option<String> {
    let segments = path.strip_suffix('/').unwrap_or(path);
    if path.len() > MAX_PATH || !segments.split('/').all(goes_down) {
        return None;
    }
    let address = Address::of(target);
    let page = address.page.strip_suffix('/').unwrap_or(address.page);
    let page = format!("{page}/{path}");
    let pairs: Vec<&str> = address.pairs().collect();
    let address = Address {
        page: &page,
        ..address
    };
    Some(address.with(&pairs))
}

/// Whether a segment of a path leads down for every reader: also for those who decode it twice, cut parameters or spaces off,
/// or take a backslash for a slash.
fn goes_down(segment: &str) -> bool {
    let may_stand =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte);
    let Ok(decoded) = percent_decode_str(segment).decode_utf8() else {
        return false;
    };
    let hides = |c: char| c.is_control() || matches!(c, '/' | '\\' | '%' | '?' | '#');
    let step = decoded.split(';').next().unwrap_or_default();
    let stays = step.chars().all(|c| c == '.' || c.is_whitespace());
    segment.bytes().all(may_stand) && !decoded.contains(hides) && !stays
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    #[test]
    fn the_click_id_joins_the_query_that_is_there() {
        let click = ClickId::parse("clk_1").unwrap();
        for (target, expected) in [
            ("https://a.example/", "https://a.example/?click_id=clk_1"),
            ("https://a.example/?", "https://a.example/?click_id=clk_1"),
            (
                "https://a.example/?b=c",
                "https://a.example/?b=c&click_id=clk_1",
            ),
            (
                "https://a.example/p?b=c#d?e",
                "https://a.example/p?b=c&click_id=clk_1#d?e",
            ),
            (
                "https://a.example/?click_id=clk_9&b=c&click%5fid=x&&click_id",
                "https://a.example/?b=c&click_id=clk_1",
            ),
            (
                "https://a.example/?my_click_id=2",
                "https://a.example/?my_click_id=2&click_id=clk_1",
            ),
            (
                "https://a.example/#d",
                "https://a.example/?click_id=clk_1#d",
            ),
        ] {
            assert_eq!(with_click_id(target, &click), expected);
        }
    }

    fn utm() -> Utm {
        let text = |text: &str| Some(text.to_owned());
        Utm {
            source: text("{partner_id}"),
            medium: text("a b+c&d=e#é"),
            campaign: text("{campaign_id}-{code}"),
            term: None,
            content: None,
        }
    }

    #[test]
    fn utm_parameters_are_filled_in_and_never_take_the_place_of_what_the_target_has() {
        for (target, expected) in [
            (
                "https://a.example/p",
                "https://a.example/p?utm_source=p1&utm_medium=a%20b%2Bc%26d%3De%23%C3%A9&utm_campaign=c1-l1",
            ),
            (
                "https://a.example/?utm_medium=own&utm%5fsource&x=y#z",
                "https://a.example/?utm_medium=own&utm%5fsource&x=y&utm_campaign=c1-l1#z",
            ),
        ] {
            assert_eq!(with_utm(target, &utm(), "c1", "p1", "l1"), expected);
        }
        let none = with_utm("https://a.example/#z", &Utm::default(), "c1", "p1", "l1");
        assert_eq!(none, "https://a.example/#z");
    }

    #[test]
    fn a_path_names_a_page_below_the_target_and_nothing_beside_it() {
        let below = |path| with_path("https://a.example/shop?b=c#d", path);
        for path in [
            "shoes",
            "shoes/red/",
            "a%20b/c;d=e",
            "@x:y",
            "%C3%A9",
            "...a",
        ] {
            let expected = format!("https://a.example/shop/{path}?b=c#d");
            assert_eq!(below(path), Some(expected));
        }
        assert_eq!(
            with_path("https://a.example/", "shoes").as_deref(),
            Some("https://a.example/shoes")
        );
        let long = "a".repeat(MAX_PATH + 1);
        for path in [
            "",
            "/",
            "//",
            "a//b",
            "/a",
            "..",
            "a/..",
            "../a",
            "./a",
            "%2e%2E/a",
            "%2e",
            ".%2e/a",
            "%252e%252e/a",
            "a%2f..",
            "%5c..",
            "..\\a",
            "a\\b",
            "..;a/b",
            "..%20/a",
            "%2e%2e%3Bx/a",
            "%00",
            "%ff",
            "%",
            "%zz",
            "a?b",
            "a#b",
            "\u{e9}",
            long.as_str(),
        ] {
            assert_eq!(below(path), None, "{path}");
        }
    }

    /// Paths as somebody writes them who wants to get out.
    fn path() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("/".to_owned()),
            Just(".".to_owned()),
            Just("..".to_owned()),
            Just("%2e".to_owned()),
            Just("%2F".to_owned()),
            Just("%5C".to_owned()),
            Just("\\".to_owned()),
            Just("%25".to_owned()),
            Just(";".to_owned()),
            Just("@".to_owned()),
            Just(":".to_owned()),
            Just("?".to_owned()),
            Just("#".to_owned()),
            "[a-z]{1,3}",
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_targets_host_and_path(path in path(), decoded in 0..3_usize) {
            let target = Url::parse("https://a.example:444/shop/of?b=c#d").unwrap();
            let Some(url) = with_path(target.as_str(), &path) else { return Ok(()) };
            let mut read = url;
            for _ in 0..decoded {
                read = percent_decode_str(&read).decode_utf8_lossy().into_owned();
            }
            let read = Url::parse(&read).unwrap();
            prop_assert_eq!(read.origin(), target.origin());
            prop_assert!(read.path().starts_with("/shop/of/"), "{}", read);
            prop_assert_eq!((read.query(), read.fragment()), (target.query(), target.fragment()));
        }
    }
}
