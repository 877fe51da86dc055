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
