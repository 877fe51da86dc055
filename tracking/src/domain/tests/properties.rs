use proptest::prelude::*;

use super::*;

/// One order's reports, with and without its campaign, purchases and refunds in any order.
fn reports() -> impl Strategy<Value = Vec<Report>> {
    let one = (any::<bool>(), any::<bool>(), 1_i64..12_000, any::<bool>()).prop_map(
        |(named, is_refund, minor, whole)| {
            let campaign = named.then_some("camp1");
            let text = usd(minor).to_string();
            match (is_refund, whole) {
                (false, _) => purchase(campaign, Some("order1"), "100"),
                (true, true) => refund_of(campaign, "order1", ""),
                (true, false) => refund_of(campaign, "order1", &text),
            }
        },
    );
    prop::collection::vec(one, 1..12)
}

proptest! {
    #[test]
    fn an_order_is_attributed_once_and_its_refunds_add_up_within_it(reports in reports()) {
        let mut books = Books::with_a_click();
        let (mut attributed, mut refunded) = (0, 0);
        for report in &reports {
            for event in books.apply(report).unwrap_or_default() {
                match event {
                    Event::Attributed(_) => attributed += 1,
                    Event::Refunded(event) => {
                        refunded += event.amount.minor;
                        prop_assert!(event.amount.minor > 0);
                        prop_assert_eq!(event.refunded_total, usd(refunded));
                        prop_assert!(refunded <= event.purchase_amount.minor);
                    }
                    _ => {}
                }
            }
        }
        let bought = reports.iter().any(|report| report.event_type == EventType::Purchase);
        prop_assert_eq!(attributed, i32::from(bought));
    }

    #[test]
    fn refunds_that_fit_come_to_the_same_wherever_the_purchase_stands_among_them(
        parts in prop::collection::vec((1_i64..3_000, any::<bool>()), 1..4),
        place in 0_usize..4,
        named in any::<bool>(),
    ) {
        let bought = purchase(named.then_some("camp1"), Some("order1"), "100");
        let mut all: Vec<Report> = parts
            .iter()
            .map(|(minor, named)| {
                refund_of(named.then_some("camp1"), "order1", &usd(*minor).to_string())
            })
            .collect();
        all.insert(place.min(all.len()), bought.clone());
        let mut books = Books::with_a_click();
        for report in &all {
            prop_assert!(books.apply(report).is_ok());
        }
        let sum: i64 = parts.iter().map(|(minor, _)| minor).sum();
        prop_assert_eq!(books.refunded(&bought.conversion), sum);
    }

    #[test]
    fn a_window_ends_where_it_should(ago in 0_i64..60 * DAY, window_days in 0_i32..60) {
        let mut books = Books::with_a_click();
        let mut candidate = click(ago);
        candidate.window_days = window_days;
        books.candidate = Some(candidate);
        let inside = ago <= i64::from(window_days) * DAY;
        let word = if inside { "attributed" } else { "outside_window" };
        prop_assert_eq!(books.outcome(&purchase(None, None, "1")), [word]);
    }

    #[test]
    fn a_user_hash_reads_back(bytes in any::<[u8; 32]>()) {
        prop_assert_eq!(UserHash::parse(&UserHash(bytes).to_string()), Some(UserHash(bytes)));
    }
}
