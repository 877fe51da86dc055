//! Names of hosts, and what a plan promises.

use types::{Currency, Earning, HoldDays, Money, Plan, WindowDays, is_host_name};

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
        assert!(is_host_name(host), "{host}");
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
        assert!(!is_host_name(host), "{host}");
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

#[test]
fn names_of_closed_lists_read_back_and_no_others_do() {
    for method in types::PayoutMethod::ALL {
        assert_eq!(types::PayoutMethod::parse(method.name()), Some(method));
        let json = serde_json::to_string(&method).unwrap();
        assert_eq!(json, format!("\"{}\"", method.name()));
        assert_eq!(
            serde_json::from_str::<types::PayoutMethod>(&json).unwrap(),
            method
        );
    }
    let refused = serde_json::from_str::<types::PayoutMethod>("\"cash\"").unwrap_err();
    assert!(refused.to_string().contains("paypal"), "{refused}");
}
