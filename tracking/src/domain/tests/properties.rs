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

/// A report of `order1` of one of two brands, each with a visitor, a campaign and a click of its own.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is drawn for itself")]
struct Reported {
    other: bool,
    shop: bool,
    named: bool,
    refund: bool,
}

impl Reported {
    fn all() -> impl Strategy<Value = Vec<Self>> {
        let one = any::<[bool; 4]>().prop_map(|[other, shop, named, refund]| Self {
            other,
            shop,
            named,
            refund,
        });
        prop::collection::vec(one, 1..16)
    }

    fn brand(self) -> &'static str {
        if self.other { "brand2" } else { "brand1" }
    }

    fn report(self, records: &mut Records) -> Result<Vec<Event>, Rejection> {
        let own = if self.other { "other1" } else { "camp1" };
        // A refund may name a campaign that nobody knows, which only its shop can be told by.
        let named = if self.refund && self.shop {
            "unknown"
        } else {
            own
        };
        let campaign = self.named.then_some(named);
        let mut report = if self.refund {
            refund_of(campaign, "order1", "5")
        } else {
            purchase(campaign, Some("order1"), "100")
        };
        report.user = visitor(u8::from(self.other));
        records.candidate = Some(Candidate {
            campaign: self::campaign(own),
            brand: brand(self.brand()),
            ..click(DAY)
        });
        records.access = Access::All;
        if self.shop {
            let own = Some(brand(self.brand()));
            records.access = Access::Own {
                partner: None,
                brand: own,
            };
        }
        let shop = records.access.shop();
        let number = report.order.as_ref();
        let cause = Uuid::from_u128(7);
        report.conversion = ConversionId::of_report(shop, report.campaign.as_ref(), number, cause);
        records.apply(&report)
    }
}

proptest! {
    #[test]
    fn two_brands_orders_of_one_number_never_meet_and_each_refund_says_whose_it_is(reported in Reported::all()) {
        let mut records = Records::with_a_click();
        let mut attributed = Vec::new();
        for one in &reported {
            let events = one.report(&mut records);
            prop_assert!(events.is_ok(), "{one:?}: {events:?}");
            for event in events.unwrap_or_default() {
                match event {
                    Event::Attributed(event) => attributed.push(event.record.brand_id.into_string()),
                    Event::Refunded(event) => {
                        let whose = event.brand_id.as_ref().zip(event.partner_id.as_ref());
                        let expected = (brand(one.brand()), partner("partner1"));
                        prop_assert_eq!(whose, Some((&expected.0, &expected.1)));
                    }
                    _ => {}
                }
            }
        }
        for name in ["brand1", "brand2"] {
            let own = || reported.iter().filter(|one| one.brand() == name);
            let bought = own().any(|one| !one.refund);
            let times = attributed.iter().filter(|brand| *brand == name).count();
            prop_assert_eq!(times, usize::from(bought), "{} sold", name);
            let refunds = own().filter(|one| one.refund).count();
            let due = if bought { i64::try_from(refunds).unwrap() * 500 } else { 0 };
            prop_assert_eq!(records.refunded_of(name), due, "{} refunded", name);
        }
    }

    #[test]
    fn an_order_is_attributed_once_and_its_refunds_add_up_within_it(reports in reports()) {
        let mut records = Records::with_a_click();
        let (mut attributed, mut refunded) = (0, 0);
        for report in &reports {
            for event in records.apply(report).unwrap_or_default() {
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
        let bought = reports.iter().any(|report| report.event_type == EventType::Conversion(ConversionType::Purchase));
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
        let mut records = Records::with_a_click();
        for report in &all {
            prop_assert!(records.apply(report).is_ok());
        }
        let sum: i64 = parts.iter().map(|(minor, _)| minor).sum();
        prop_assert_eq!(records.refunded(), sum);
    }

    #[test]
    fn a_window_ends_where_it_should(ago in 0_i64..60 * DAY, window_days in 0_i32..60) {
        let mut records = Records::with_a_click();
        let mut candidate = click(ago);
        candidate.window_days = window_days;
        records.candidate = Some(candidate);
        let inside = ago <= i64::from(window_days) * DAY;
        let word = if inside { "attributed" } else { "outside_window" };
        prop_assert_eq!(records.outcome(&purchase(None, None, "1")), [word]);
    }

    #[test]
    fn a_user_hash_reads_back(bytes in any::<[u8; 32]>()) {
        prop_assert_eq!(UserHash::parse(&UserHash(bytes).to_string()), Some(UserHash(bytes)));
    }
}
