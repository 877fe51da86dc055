//! What texts may be that edges take and deciders decide upon: one rule each, whoever asks.

use crate::{Invalid, ids, is_host_name, is_public_host};

const MAX_NAME_LENGTH: usize = 200;
const MAX_DESCRIPTION_LENGTH: usize = 2_000;
const MAX_TERMS_LENGTH: usize = 16_000;
const MAX_HOSTS: usize = 50;
const MAX_EVENT_TYPE_LENGTH: usize = 64;
const MAX_UTM_LENGTH: usize = 100;
/// The longest text of a mail of a brand's own, in bytes.
const MAX_MAIL_TEXT: usize = 4_096;

/// The longest subject of a mail of a brand's own, in characters.
pub const MAX_MAIL_SUBJECT: usize = 200;

/// What a UTM parameter of a link may name in its text.
pub const UTM_PLACEHOLDERS: [&str; 3] = ["{partner_id}", "{campaign_id}", "{code}"];

/// What people call a campaign: 1 to 200 characters, no control characters.
pub fn check_campaign_name(text: &str) -> Result<(), Invalid> {
    if !(1..=MAX_NAME_LENGTH).contains(&text.chars().count()) {
        return Err(Invalid("must be 1 to 200 characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid("must not hold control characters"));
    }
    Ok(())
}

/// What a campaign is about, as partners read it: 1 to 2,000 characters; of control characters only line ends and tabs.
pub fn check_description(text: &str) -> Result<(), Invalid> {
    if !(1..=MAX_DESCRIPTION_LENGTH).contains(&text.chars().count()) {
        return Err(Invalid("must be 1 to 2000 characters"));
    }
    check_lines(text)
}

/// Tags that a brand marks partners with.
pub const MAX_TAGS: usize = 20;

/// A tag: 1 to 50 characters of a line, without a comma or a semicolon, which separate tags elsewhere.
pub fn check_tag(text: &str) -> Result<(), Invalid> {
    let is_tag = (1..=50).contains(&text.chars().count())
        && text.trim() == text
        && !text.contains(|it: char| it.is_control() || it == ',' || it == ';');
    if is_tag {
        Ok(())
    } else {
        Err(Invalid(
            "must be 1 to 50 characters of one line, without commas and semicolons",
        ))
    }
}

/// The terms as partners read them: 1 to 16,000 characters; of control characters only line ends and tabs.
pub fn check_terms_text(text: &str) -> Result<(), Invalid> {
    if !(1..=MAX_TERMS_LENGTH).contains(&text.chars().count()) {
        return Err(Invalid("must be 1 to 16000 characters"));
    }
    check_lines(text)
}

/// The subject of a mail of a brand's own: 1 to 200 characters of one line, and not spaces alone.
pub fn check_mail_subject(text: &str) -> Result<(), Invalid> {
    if text.trim().is_empty() || text.chars().count() > MAX_MAIL_SUBJECT {
        return Err(Invalid("must be 1 to 200 characters"));
    }
    let ends_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.contains(ends_line) {
        return Err(Invalid("must be one line, and not hold control characters"));
    }
    Ok(())
}

/// The text of a mail of a brand's own: 1 to 4,096 bytes; of control characters only line ends and tabs.
pub fn check_mail_text(text: &str) -> Result<(), Invalid> {
    if text.trim().is_empty() || text.len() > MAX_MAIL_TEXT {
        return Err(Invalid("must be 1 to 4096 bytes"));
    }
    check_lines(text)
}

fn check_lines(text: &str) -> Result<(), Invalid> {
    let layout = |c: char| matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(|c| c.is_control() && !layout(c)) {
        return Err(Invalid(
            "must not hold control characters other than line ends and tabs",
        ));
    }
    Ok(())
}

/// What a piece of evidence is, such as `photo`: 1 to 64 characters from `A-Z a-z 0-9 _ -`.
pub fn check_evidence_type(text: &str) -> Result<(), Invalid> {
    if ids::is_valid(text) {
        return Ok(());
    }
    Err(Invalid("must be 1 to 64 characters from A-Z a-z 0-9 _ -"))
}

/// How many links a partner may have: 0 to 1,000,000.
pub fn check_link_limit(limit: i32) -> Result<(), Invalid> {
    if (0..=1_000_000).contains(&limit) {
        return Ok(());
    }
    Err(Invalid("must be 0 to 1000000"))
}

/// The SHA-256 of a file: 64 digits of `0-9 a-f`.
pub fn check_content_hash(text: &str) -> Result<(), Invalid> {
    let digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    if text.len() == 64 && text.bytes().all(digit) {
        return Ok(());
    }
    Err(Invalid("must be a SHA-256: 64 digits of 0-9 a-f"))
}

/// What a visitor did, such as `purchase`: 1 to 64 characters from `A-Z a-z 0-9 _ - .`.
pub fn check_event_type(text: &str) -> Result<(), Invalid> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if (1..=MAX_EVENT_TYPE_LENGTH).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(());
    }
    Err(Invalid("must be 1 to 64 characters from A-Z a-z 0-9 _ - ."))
}

/// The text of a UTM parameter: 1 to 100 characters, no control characters, braces only around what is filled in.
pub fn check_utm_text(text: &str) -> Result<(), Invalid> {
    if !(1..=MAX_UTM_LENGTH).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        return Err(Invalid(
            "must be 1 to 100 characters, none of them a control character",
        ));
    }
    let mut rest = text.to_owned();
    for placeholder in UTM_PLACEHOLDERS {
        rest = rest.replace(placeholder, " ");
    }
    if rest.contains(['{', '}']) {
        return Err(Invalid(
            "may have {partner_id}, {campaign_id} and {code} in braces, and nothing else",
        ));
    }
    Ok(())
}

/// The hosts that links of a new campaign may lead to: 1 to 50 of the public internet, each as the URL standard writes it,
/// none twice. Everything that is wrong, by index; by none when it is the list itself.
pub fn check_allowed_hosts(hosts: &[String]) -> Vec<(Option<usize>, Invalid)> {
    if !(1..=MAX_HOSTS).contains(&hosts.len()) {
        return vec![(None, Invalid("must name 1 to 50 hosts"))];
    }
    let mut wrong = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        let invalid = if !is_host_name(host) {
            "must be a host name in lower case, such as shop.example.com, without scheme, port or path"
        } else if !is_public_host(host) {
            "must be a host of the public internet: no address, no top-level domain, no local name"
        } else if hosts[..index].contains(host) {
            "must not be named twice"
        } else {
            continue;
        };
        wrong.push((Some(index), Invalid(invalid)));
    }
    wrong
}

/// The fallback page of a campaign that names none: its first host.
pub fn fallback_url(allowed_hosts: &[String]) -> String {
    let host = allowed_hosts.first().map_or("", String::as_str);
    format!("https://{host}/")
}

/// A page of a campaign, at an address as the URL standard writes it: on one of the hosts that its links may lead to.
pub fn check_page(url: &str, allowed_hosts: &[String]) -> Result<(), Invalid> {
    let place = url.split_once("://").map_or("", |(_, place)| place);
    let authority = place.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    if allowed_hosts.iter().any(|allowed| allowed == host) {
        return Ok(());
    }
    Err(Invalid("must be on one of the campaign's hosts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_on_a_host_of_its_campaign_whatever_else_its_address_says() {
        let hosts = ["shop.example".to_owned()];
        for url in [
            "https://shop.example/",
            "http://shop.example:8080/a?b#c",
            "https://shop.example/?u=https://b.example/",
        ] {
            assert_eq!(check_page(url, &hosts), Ok(()), "{url}");
        }
        for url in [
            "https://shop.example.evil.example/",
            "https://evil.example/?https://shop.example/",
            "https://evil.example/#shop.example",
            "https://[::1]/",
            "shop.example",
        ] {
            assert!(check_page(url, &hosts).is_err(), "{url}");
        }
    }

    #[test]
    fn a_list_of_hosts_is_neither_empty_nor_endless_nor_repetitive() {
        let hosts = |n: usize| (0..n).map(|n| format!("h{n}.example")).collect::<Vec<_>>();
        let wrong = |hosts: &[String]| -> Vec<Option<usize>> {
            let wrong = check_allowed_hosts(hosts).into_iter();
            wrong.map(|(index, _)| index).collect()
        };
        assert_eq!(wrong(&hosts(50)), []);
        assert_eq!(wrong(&hosts(51)), [None]);
        assert_eq!(wrong(&[]), [None]);
        let odd = ["a.example", "a b", "a.example", "localhost"].map(str::to_owned);
        assert_eq!(wrong(&odd), [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn terms_have_lines_but_nothing_that_cannot_be_stored() {
        assert_eq!(check_terms_text("1.\tBe honest.\r\n2.\tBe brief."), Ok(()));
        assert_eq!(check_terms_text(&"é".repeat(16_000)), Ok(()));
        for text in ["", "a\u{0}", "\u{1b}[2J", &"é".repeat(16_001)] {
            assert!(check_terms_text(text).is_err());
        }
    }

    #[test]
    fn names_and_types_are_short_and_can_be_stored() {
        for text in ["", "a\nb", &"é".repeat(201)] {
            assert!(check_campaign_name(text).is_err());
        }
        assert_eq!(check_campaign_name(&"é".repeat(200)), Ok(()));
        for text in ["", "a b", "ü", &"t".repeat(65)] {
            assert!(check_event_type(text).is_err());
            assert!(check_evidence_type(text).is_err());
        }
        assert_eq!(check_event_type("page.view"), Ok(()));
        assert!(check_evidence_type("page.view").is_err());
        assert_eq!(check_content_hash(&"0a".repeat(32)), Ok(()));
        for text in ["", &"0a".repeat(31), &"0A".repeat(32), &"0g".repeat(32)] {
            assert!(check_content_hash(text).is_err());
        }
    }
}
