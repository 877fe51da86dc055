use super::*;

#[test]
fn refunds_add_up_and_never_exceed_the_purchase() {
    let mut records = Records::with_a_click();
    records
        .apply(&purchase(None, Some("order1"), "100"))
        .unwrap();
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "33.34")),
        ["refunded 33.34 of 100.00"]
    );
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "66.67")),
        ["refund_exceeds_purchase"]
    );
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "33.33")),
        ["refunded 33.33 of 100.00"]
    );
    // Without an amount: all that is left.
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "")),
        ["refunded 33.33 of 100.00"]
    );
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "0.01")),
        ["refund_exceeds_purchase"]
    );
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "")),
        ["refund_exceeds_purchase"]
    );
}

#[test]
fn a_refund_that_came_first_is_noted_and_the_purchase_emits_both() {
    let mut records = Records::with_a_click();
    assert_eq!(records.outcome(&refund_of(None, "order1", "30")), ["noted"]);
    assert_eq!(records.outcome(&refund_of(None, "order1", "20")), ["noted"]);
    let bought = purchase(None, Some("order1"), "100");
    assert_eq!(
        records.outcome(&bought),
        ["attributed", "refunded 50.00 of 100.00"]
    );
    assert_eq!(records.outcome(&bought), ["duplicate"]);
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "50.01")),
        ["refund_exceeds_purchase"]
    );
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "50")),
        ["refunded 50.00 of 100.00"]
    );
}

#[test]
fn refunds_that_came_first_take_back_no_more_than_the_purchase() {
    let mut records = Records::with_a_click();
    records.apply(&refund_of(None, "order1", "80")).unwrap();
    records.apply(&refund_of(None, "order1", "80")).unwrap();
    let bought = purchase(None, Some("order1"), "100");
    assert_eq!(
        records.outcome(&bought),
        ["attributed", "refunded 100.00 of 100.00"]
    );
}

#[test]
fn a_refund_finds_its_purchase_under_the_other_id_in_every_order() {
    let bare = purchase(None, Some("order1"), "100");
    let named = purchase(Some("camp1"), Some("order1"), "100");
    for bought in [&bare, &named] {
        for campaign in [None, Some("camp1")] {
            let refund = refund_of(campaign, "order1", "40");
            let mut after = Records::with_a_click();
            after.apply(bought).unwrap();
            assert_eq!(after.outcome(&refund), ["refunded 40.00 of 100.00"]);
            let mut before = Records::with_a_click();
            assert_eq!(before.outcome(&refund), ["noted"]);
            assert_eq!(
                before.outcome(bought),
                ["attributed", "refunded 40.00 of 100.00"],
                "{bought:?} {campaign:?}"
            );
            assert_eq!(before.refunded(), 4_000);
        }
    }
}

#[test]
fn a_note_under_the_bare_number_of_another_visitor_is_another_shops() {
    let mut records = Records::with_a_click();
    let mut refund = refund_of(None, "order1", "40");
    refund.user = visitor(2);
    records.candidate = None;
    assert_eq!(records.outcome(&refund), ["noted"]);
    records.candidate = Some(click(DAY));
    assert_eq!(
        records.outcome(&purchase(Some("camp1"), Some("order1"), "100")),
        ["attributed"]
    );
}

#[test]
fn a_note_that_was_kept_of_the_same_visitor_under_another_key_is_its_own() {
    let mut records = Records::with_a_click();
    let mut refund = refund_of(None, "order1", "40");
    refund.user = visitor(2);
    let clicked = records.candidate.take();
    assert_eq!(records.outcome(&refund), ["noted"]);
    records.candidate = clicked;
    let mut bought = purchase(Some("camp1"), Some("order1"), "100");
    bought.user.others = vec![visitor(3).hash, visitor(2).hash];
    assert_eq!(
        records.outcome(&bought),
        ["attributed", "refunded 40.00 of 100.00"]
    );
}

#[test]
fn a_note_is_counted_once_also_when_the_purchase_turns_out_to_be_known() {
    let mut records = Records::with_a_click();
    let named = purchase(Some("camp1"), Some("order1"), "100");
    records.apply(&named).unwrap();
    // Noted while the visitor's click was of another campaign, so that the order was not found.
    let clicked = records.candidate.take();
    assert_eq!(records.outcome(&refund_of(None, "order1", "40")), ["noted"]);
    records.candidate = clicked;
    let bare = purchase(None, Some("order1"), "100");
    assert_eq!(
        records.outcome(&bare),
        ["duplicate", "refunded 40.00 of 100.00"]
    );
    assert_eq!(records.outcome(&bare), ["duplicate"]);
}

#[test]
fn a_refund_must_be_of_an_order_of_something_and_in_its_currency() {
    let mut records = Records::with_a_click();
    records
        .apply(&purchase(None, Some("order1"), "100"))
        .unwrap();
    assert_eq!(
        records.outcome(&report("refund", None, None, "10")),
        ["order_required"]
    );
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "0")),
        ["invalid_field"]
    );
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "0.001")),
        ["amount_precision"]
    );
    let mut euros = refund_of(None, "order1", "10");
    euros.currency = Some(Currency::EUR);
    assert_eq!(records.outcome(&euros), ["currency_mismatch"]);
    records
        .apply(&report("lead", None, Some("lead1"), ""))
        .unwrap();
    assert_eq!(
        records.outcome(&refund_of(None, "lead1", "10")),
        ["nothing_to_refund"]
    );
}

#[test]
fn a_note_in_another_currency_stays_a_note() {
    let mut records = Records::with_a_click();
    let mut euros = refund_of(None, "order1", "10");
    euros.currency = Some(Currency::EUR);
    records.apply(&euros).unwrap();
    records.apply(&refund_of(None, "order1", "0.125")).unwrap();
    assert_eq!(
        records.outcome(&purchase(None, Some("order1"), "100")),
        ["attributed"]
    );
}

#[test]
fn a_refund_of_a_whole_order_that_cost_nothing_takes_it_back_once() {
    let mut free = Records::with_a_click();
    free.apply(&purchase(None, Some("order1"), "0")).unwrap();
    let mut lead = Records::with_a_click();
    lead.apply(&report("lead", None, Some("order1"), ""))
        .unwrap();
    for (records, part) in [
        (&mut free, "refund_exceeds_purchase"),
        (&mut lead, "nothing_to_refund"),
    ] {
        assert_eq!(records.outcome(&refund_of(None, "order1", "1")), [part]);
        let whole = refund_of(None, "order1", "");
        assert_eq!(records.outcome(&whole), ["refunded 0.00 of 0.00"]);
        assert_eq!(records.outcome(&whole), ["refund_exceeds_purchase"]);
    }
}

#[test]
fn a_whole_refund_that_came_before_an_order_that_cost_nothing_takes_it_back() {
    let lead = report("lead", None, Some("order1"), "");
    for first in [purchase(None, Some("order1"), "0"), lead] {
        let mut records = Records::with_a_click();
        records.apply(&refund_of(None, "order1", "5")).unwrap();
        assert_eq!(records.outcome(&first), ["attributed"]);
        let mut records = Records::with_a_click();
        records.apply(&refund_of(None, "order1", "")).unwrap();
        assert_eq!(
            records.outcome(&first),
            ["attributed", "refunded 0.00 of 0.00"]
        );
        assert_eq!(records.outcome(&first), ["duplicate"]);
        assert_eq!(
            records.outcome(&refund_of(None, "order1", "")),
            ["refund_exceeds_purchase"]
        );
    }
}

#[test]
fn an_order_waits_for_so_many_refunds_and_no_more() {
    let mut records = Records::with_a_click();
    for _ in 0..MAX_NOTED {
        assert_eq!(records.outcome(&refund_of(None, "order1", "1")), ["noted"]);
    }
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "1")),
        ["too_many_refunds"]
    );
    assert_eq!(
        records.outcome(&purchase(None, Some("order1"), "1000")),
        ["attributed", "refunded 100.00 of 1000.00"]
    );
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "1")),
        ["refunded 1.00 of 1000.00"]
    );
}

#[test]
fn a_refund_goes_to_the_order_that_is_somebodys_though_its_campaign_was_unknown_when_it_was_reported_first()
 {
    let mut records = Records::with_a_click();
    let early = purchase(Some("camp1"), Some("order1"), "10");
    let unknown = Known {
        orders: &records.orders,
        claims: &records.claims,
        candidate: records.candidate.as_ref(),
        campaign: None,
        access: &records.access,
        now: NOW,
    };
    let events = record(&early, unknown).unwrap();
    assert_eq!(
        events.iter().map(word).collect::<Vec<_>>(),
        ["campaign_unknown"]
    );
    records.evolve(&events);
    records.access = Access::Own {
        partner: None,
        brand: Some(brand("brand1")),
    };
    let of_the_shop = purchase(None, Some("order1"), "10");
    assert_eq!(records.outcome(&of_the_shop), ["attributed"]);
    records.access = Access::All;
    let refund = refund_of(Some("camp1"), "order1", "4");
    let went_back = records.outcome(&refund);
    assert!(went_back[0].starts_with("refunded"), "{went_back:?}");
    assert_eq!(records.refunded(), 400);
}

/// A refund of what was reported, by its conversion.
fn refund_by(conversion: &ConversionId, amount: &str) -> Report {
    Report {
        conversion: conversion.clone(),
        names_conversion: true,
        ..report("refund", None, None, amount)
    }
}

fn shop(name: &str) -> Access {
    Access::Own {
        partner: None,
        brand: Some(brand(name)),
    }
}

#[test]
fn a_sale_and_a_lead_without_an_order_are_taken_back_by_their_conversion() {
    for access in [Access::All, shop("brand1")] {
        let mut records = Records::with_a_click();
        records.access = access.clone();
        let typo = purchase(None, None, "1000000");
        assert_eq!(records.outcome(&typo), ["attributed"]);
        let back = |amount| refund_by(&typo.conversion, amount);
        assert_eq!(
            records.outcome(&back("999900.50")),
            ["refunded 999900.50 of 1000000.00"]
        );
        assert_eq!(records.outcome(&back("")), ["refunded 99.50 of 1000000.00"]);
        let mut records = Records::with_a_click();
        records.access = access;
        let lead = report("lead", None, None, "");
        assert_eq!(records.outcome(&lead), ["attributed"]);
        let whole = refund_by(&lead.conversion, "");
        assert_eq!(records.outcome(&whole), ["refunded 0.00 of 0.00"]);
        assert_eq!(records.outcome(&whole), ["refund_exceeds_purchase"]);
    }
}

#[test]
fn an_order_is_taken_back_by_its_conversion_too_and_by_no_other_number() {
    let mut records = Records::with_a_click();
    records
        .apply(&purchase(None, Some("order1"), "100"))
        .unwrap();
    records.access = shop("brand1");
    let own = ConversionId::of_brand(&brand("brand1"), &order("order1"));
    let alone = refund_by(&own, "10");
    assert_eq!(records.outcome(&alone), ["refunded 10.00 of 100.00"]);
    let both = Report {
        order: Some(order("order1")),
        ..refund_by(&own, "20")
    };
    assert_eq!(records.outcome(&both), ["refunded 20.00 of 100.00"]);
    let another = Report {
        order: Some(order("order2")),
        ..refund_by(&own, "20")
    };
    let rejection = records.decide(&another).unwrap_err();
    assert_eq!(rejection.code.name, "conversion_unknown");
    assert_eq!(rejection.pointer.as_deref(), Some("/order_id"));
    // What has no order is of none.
    records.access = Access::All;
    let bare = purchase(None, None, "5");
    records.apply(&bare).unwrap();
    let of_none = Report {
        order: Some(order("order1")),
        ..refund_by(&bare.conversion, "5")
    };
    assert_eq!(records.outcome(&of_none), ["conversion_unknown"]);
    // By the id that the reporter without a brand called it, and by number, it is one sum.
    let called = ConversionId::of_order(None, &order("order1"));
    assert_eq!(
        records.outcome(&refund_by(&called, "30")),
        ["refunded 30.00 of 100.00"]
    );
    assert_eq!(
        records.outcome(&refund_of(None, "order1", "")),
        ["refunded 40.00 of 100.00"]
    );
}

#[test]
fn another_brands_conversion_is_answered_as_one_that_there_is_not() {
    let mut records = Records::with_a_click();
    let bought = purchase(None, None, "100");
    records.apply(&bought).unwrap();
    let unknown = ConversionId::of_command(Uuid::from_u128(8));
    let whose = Access::Own {
        partner: Some(partner("partner1")),
        brand: Some(brand("brand2")),
    };
    for access in [shop("brand2"), whose] {
        records.access = access;
        for order_id in [None, Some("order1")] {
            for campaign_id in [None, Some("camp1"), Some("other1"), Some("unknown")] {
                let named = |id| Report {
                    order: order_id.map(order),
                    campaign: campaign_id.map(campaign),
                    ..refund_by(id, "1")
                };
                let refused = records.decide(&named(&bought.conversion)).unwrap_err();
                assert_eq!(refused.code.name, "conversion_unknown");
                assert_eq!(refused.pointer.as_deref(), Some("/conversion_id"));
                assert_eq!(records.decide(&named(&unknown)), Err(refused));
            }
        }
    }
    // For an operator it is no other brand's campaign's either.
    records.access = Access::All;
    let of_another = Report {
        campaign: Some(campaign("other1")),
        ..refund_by(&bought.conversion, "1")
    };
    assert_eq!(records.outcome(&of_another), ["conversion_unknown"]);
    // What its partner says takes nothing back.
    records.access = Access::Own {
        partner: Some(partner("partner1")),
        brand: None,
    };
    let by_partner = refund_by(&bought.conversion, "1");
    assert_eq!(records.outcome(&by_partner), ["refund_not_trusted"]);
}

#[test]
fn a_refund_of_a_conversion_comes_after_it() {
    let mut records = Records::with_a_click();
    let bought = purchase(None, None, "100");
    let early = refund_by(&bought.conversion, "10");
    assert_eq!(records.outcome(&early), ["conversion_unknown"]);
    // Nor is what waits for an order a conversion.
    records.apply(&refund_of(None, "order1", "10")).unwrap();
    let own = ConversionId::of_brand(&brand("brand1"), &order("order1"));
    assert_eq!(
        records.outcome(&refund_by(&own, "10")),
        ["conversion_unknown"]
    );
    assert_eq!(records.outcome(&bought), ["attributed"]);
    assert_eq!(records.outcome(&early), ["refunded 10.00 of 100.00"]);
}

#[test]
fn by_its_conversion_no_more_goes_back_than_is_left_and_in_its_currency() {
    let mut records = Records::with_a_click();
    let bought = purchase(None, None, "100");
    records.apply(&bought).unwrap();
    let back = |amount| refund_by(&bought.conversion, amount);
    assert_eq!(records.outcome(&back("0")), ["invalid_field"]);
    assert_eq!(records.outcome(&back("0.001")), ["amount_precision"]);
    let mut euros = back("10");
    euros.currency = Some(Currency::EUR);
    assert_eq!(records.outcome(&euros), ["currency_mismatch"]);
    assert_eq!(
        records.outcome(&back("100.01")),
        ["refund_exceeds_purchase"]
    );
    assert_eq!(records.outcome(&back("60")), ["refunded 60.00 of 100.00"]);
    assert_eq!(records.outcome(&back("40.01")), ["refund_exceeds_purchase"]);
    assert_eq!(records.outcome(&back("")), ["refunded 40.00 of 100.00"]);
    assert_eq!(records.outcome(&back("")), ["refund_exceeds_purchase"]);
    let lead = report("lead", None, Some("lead1"), "");
    records.apply(&lead).unwrap();
    let own = ConversionId::of_brand(&brand("brand1"), &order("lead1"));
    assert_eq!(
        records.outcome(&refund_by(&own, "10")),
        ["nothing_to_refund"]
    );
}

#[test]
fn what_is_nobodys_is_its_own_shops_to_name_by_its_order_and_an_operators() {
    let mut records = Records::with_a_click();
    records.candidate = None;
    records.access = shop("brand1");
    let own = ConversionId::of_brand(&brand("brand1"), &order("order1"));
    let with_order = Report {
        conversion: own.clone(),
        ..purchase(None, Some("order1"), "100")
    };
    let without = purchase(None, None, "100");
    for bought in [&with_order, &without] {
        assert_eq!(records.outcome(bought), ["no_click"]);
    }
    records.access = shop("brand2");
    for id in [&own, &without.conversion] {
        assert_eq!(
            records.outcome(&refund_by(id, "10")),
            ["conversion_unknown"]
        );
    }
    // It says of which order it is, as a refund by number would: a claim that is accepted takes it over.
    records.access = shop("brand1");
    let noted = records.apply(&refund_by(&own, "10")).unwrap();
    let [Event::RefundNoted(noted)] = noted.as_slice() else {
        panic!("{noted:?}")
    };
    assert_eq!(noted.order, Some(order("order1")));
    let of_none = refund_by(&without.conversion, "10");
    assert_eq!(records.outcome(&of_none), ["conversion_unknown"]);
    records.access = Access::All;
    assert_eq!(records.outcome(&of_none), ["noted"]);
}
