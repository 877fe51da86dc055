use money::{Currency, Money};

use crate::domain::{Earning, HoldDays, HostName, Hosts, Plan, TermsText, UrlHash, WindowDays};

#[test]
fn a_host_is_what_the_url_standard_would_write() {
    let long = format!("{}.example", "a".repeat(63));
    for host in [
        "shop.example.com",
        "localhost",
        "xn--bcher-kva.example",
        "127.0.0.1",
        &long,
    ] {
        assert!(HostName::parse(host).is_ok(), "{host}");
    }
    let too_long = format!("{}.example", "a".repeat(64));
    let endless = ["a"; 128].join(".");
    for host in [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "-a.example",
        "a-.example",
        "A.example",
        "a.example:80",
        "a b",
        "bücher.example",
        "https://a",
        "a/b",
        "*.example",
        "a_b.example",
        &too_long,
        &endless,
    ] {
        assert!(HostName::parse(host).is_err(), "{host}");
    }
}

#[test]
fn a_list_of_hosts_is_neither_empty_nor_endless_nor_repetitive() {
    let hosts = |n: usize| (0..n).map(|n| format!("h{n}.example")).collect::<Vec<_>>();
    assert!(Hosts::parse(&hosts(50)).is_ok());
    assert!(matches!(Hosts::parse(&hosts(51)), Err((None, _))));
    assert!(matches!(Hosts::parse(&[]), Err((None, _))));
    let twice = ["a.example".to_owned(), "a.example".to_owned()];
    assert!(matches!(Hosts::parse(&twice), Err((None, _))));
    let second = ["a.example".to_owned(), "a b".to_owned()];
    assert!(matches!(Hosts::parse(&second), Err((Some(1), _))));
}

#[test]
fn terms_have_lines_but_nothing_that_cannot_be_stored() {
    assert!(TermsText::parse("1.\tBe honest.\r\n2.\tBe brief.").is_ok());
    assert!(TermsText::parse(&"é".repeat(16_000)).is_ok());
    for text in ["", "a\u{0}", "\u{1b}[2J", &"é".repeat(16_001)] {
        assert!(TermsText::parse(text).is_err());
    }
    assert!(UrlHash::parse(&"0a".repeat(32)).is_ok());
    for text in ["", &"0A".repeat(32), &"0g".repeat(32), &"0a".repeat(33)] {
        assert!(UrlHash::parse(text).is_err());
    }
}

#[test]
fn days_and_rates_have_bounds_that_are_themselves_allowed() {
    for (days, window, hold) in [
        (-1, false, false),
        (0, false, true),
        (1, true, true),
        (365, true, true),
        (366, false, false),
    ] {
        assert_eq!(WindowDays::new(days).is_ok(), window, "{days}");
        assert_eq!(HoldDays::new(days).is_ok(), hold, "{days}");
    }
    for (bps, good) in [(-1, false), (0, true), (10_000, true), (10_001, false)] {
        assert_eq!(Earning::new(Some(bps), None).is_ok(), good, "{bps}");
    }
}

#[test]
fn a_plan_says_what_something_earns_in_one_way() {
    let dollar = |minor| Some(Money::new(minor, Currency::USD));
    assert_eq!(Earning::new(None, None), Ok(None));
    assert!(Earning::new(Some(1), dollar(1)).is_err());
    assert!(Earning::new(None, dollar(0)).is_err());
    assert!(Earning::new(None, dollar(-1)).is_err());
    let flat = Earning::new(None, dollar(1)).unwrap();
    let hold = HoldDays::new(0).unwrap();
    assert!(Plan::new(None, None, hold).is_err());
    assert!(Plan::new(flat, None, hold).is_ok());
    assert!(Plan::new(None, flat, hold).is_ok());
}
