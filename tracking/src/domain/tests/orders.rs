use super::*;

#[test]
fn one_order_reported_with_and_without_its_campaign_is_one_conversion_in_either_order() {
    let bare = purchase(None, Some("order1"), "10");
    let named = purchase(Some("camp1"), Some("order1"), "10");
    for (first, second) in [(&bare, &named), (&named, &bare)] {
        let mut records = Records::with_a_click();
        assert_eq!(records.outcome(first), ["attributed"]);
        assert_eq!(records.outcome(second), ["duplicate"]);
        assert_eq!(records.outcome(first), ["duplicate"]);
        // Whatever the visitor clicks next, the order stays where it is.
        if let Some(candidate) = &mut records.candidate {
            candidate.campaign = campaign("camp2");
        }
        assert_eq!(records.outcome(&bare), ["duplicate"]);
        let (id, _) = records.orders.find(&bare.conversion).unwrap();
        let of_brand = ConversionId::of_brand(&brand("brand1"), &order("order1"));
        assert_eq!(*id, of_brand);
        assert_eq!(records.orders.find(&named.conversion).unwrap().0, &of_brand);
    }
}

#[test]
fn a_duplicate_names_the_event_and_the_conversion_that_came_first() {
    let mut records = Records::with_a_click();
    records
        .apply(&purchase(None, Some("order1"), "10"))
        .unwrap();
    let events = records
        .apply(&purchase(Some("camp1"), Some("order1"), "10"))
        .unwrap();
    let [Event::DuplicateIgnored(event)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(event.first_event_id, Uuid::from_u128(1));
    assert_eq!(
        event.first_conversion_id,
        Some(ConversionId::of_brand(&brand("brand1"), &order("order1")))
    );
}

#[test]
fn an_order_that_was_nobodys_stays_nobodys() {
    let mut records = Records::with_a_click();
    let candidate = records.candidate.take();
    assert_eq!(
        records.outcome(&purchase(None, Some("order1"), "10")),
        ["no_click"]
    );
    records.candidate = candidate;
    assert_eq!(
        records.outcome(&purchase(None, Some("order1"), "10")),
        ["duplicate"]
    );
    assert_eq!(records.outcome(&refund_of(None, "order1", "10")), ["noted"]);
}

#[test]
fn an_order_that_was_nobodys_under_another_key_stays_nobodys() {
    let mut records = Records::with_a_click();
    let candidate = records.candidate.take();
    let mut bought = purchase(None, Some("order1"), "10");
    bought.user = visitor(2);
    assert_eq!(records.outcome(&bought), ["no_click"]);
    records.candidate = candidate;
    bought.user = visitor(1);
    bought.user.others = vec![visitor(2).hash];
    assert_eq!(records.outcome(&bought), ["duplicate"]);
    bought.user = visitor(3);
    assert_eq!(records.outcome(&bought), ["attributed"]);
}

#[test]
fn without_an_order_each_report_is_a_conversion_of_its_own() {
    let mut records = Records::with_a_click();
    let mut report = purchase(None, None, "10");
    assert_eq!(records.outcome(&report), ["attributed"]);
    report.conversion = ConversionId::of_command(Uuid::from_u128(8));
    assert_eq!(records.outcome(&report), ["attributed"]);
}

#[test]
fn the_same_number_is_one_order_in_all_campaigns_of_a_brand_and_another_in_another_brands() {
    let mut records = Records::with_a_click();
    assert_eq!(
        records.outcome(&purchase(Some("camp1"), Some("order1"), "10")),
        ["attributed"]
    );
    if let Some(candidate) = &mut records.candidate {
        candidate.campaign = campaign("camp2");
    }
    assert_eq!(
        records.outcome(&purchase(Some("camp2"), Some("order1"), "10")),
        ["duplicate"]
    );
    records.candidate = Some(Candidate {
        campaign: campaign("other1"),
        brand: brand("brand2"),
        ..click(DAY)
    });
    for named in [Some("other1"), None] {
        let word = if named.is_some() {
            "attributed"
        } else {
            "duplicate"
        };
        assert_eq!(
            records.outcome(&purchase(named, Some("order1"), "10")),
            [word]
        );
    }
}
