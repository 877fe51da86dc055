use super::*;

fn of_partner(name: &str) -> Access {
    Access::Own {
        partner: Some(partner(name)),
        brand: None,
    }
}

fn of_brand(name: &str) -> Access {
    Access::Own {
        partner: None,
        brand: Some(brand(name)),
    }
}

fn claim_of(name: &str) -> ClaimId {
    ClaimId::of(
        &ConversionId::of_brand(&brand("brand1"), &order("order1")),
        &partner(name),
    )
}

impl Records {
    /// The same records, as a partner that has the click sees them.
    fn as_partner(&mut self, name: &str) -> &mut Self {
        self.access = of_partner(name);
        let click = click(DAY);
        self.candidate = Some(Candidate {
            partner: partner(name),
            ..click
        });
        self
    }

    fn as_brand(&mut self, name: &str) -> &mut Self {
        self.access = of_brand(name);
        self
    }

    fn decide_claim(&mut self, name: &str, decision: ClaimDecision) -> Vec<String> {
        let command = DecideClaim {
            claim: claim_of(name),
            decision,
        };
        let decided = decide_claim(&command, &self.claims, &self.orders, &self.access);
        match decided {
            Err(rejection) => vec![rejection.code.name.to_owned()],
            Ok(events) => {
                self.evolve(&events);
                events.iter().map(word).collect()
            }
        }
    }

    fn status_of(&self, name: &str) -> Option<ClaimStatus> {
        self.claims.0.get(&claim_of(name)).map(|claim| claim.status)
    }
}

fn sale() -> Report {
    purchase(None, Some("order1"), "10")
}

#[test]
fn what_a_partner_reports_of_its_own_click_is_a_claim_and_no_conversion() {
    let mut records = Records::with_a_click();
    for event_type in ["purchase", "lead"] {
        let order = format!("order-{event_type}");
        let reported = report(event_type, None, Some(&order), "10000.00");
        assert_eq!(
            records.as_partner("partner1").outcome(&reported),
            ["claimed"]
        );
    }
    assert!(records.orders.conversions.is_empty());
    let no_number = purchase(None, None, "10");
    assert_eq!(records.outcome(&no_number), ["claimed"]);
    assert!(records.orders.conversions.is_empty());
}

#[test]
fn a_report_by_who_may_make_it_settles_the_claims_of_its_order() {
    let mut records = Records::with_a_click();
    assert_eq!(records.as_partner("partner1").outcome(&sale()), ["claimed"]);
    assert_eq!(records.as_partner("partner2").outcome(&sale()), ["claimed"]);
    let outcome = records
        .as_partner("partner1")
        .as_brand("brand1")
        .outcome(&sale());
    assert_eq!(outcome, ["attributed", "settled", "settled"]);
    assert_eq!(records.status_of("partner1"), Some(ClaimStatus::Settled));
    assert_eq!(records.status_of("partner2"), Some(ClaimStatus::Settled));
}

#[test]
fn a_claim_of_an_order_that_is_known_is_settled_at_once_and_again() {
    let mut records = Records::with_a_click();
    assert_eq!(records.as_brand("brand1").outcome(&sale()), ["attributed"]);
    for _ in 0..2 {
        assert_eq!(records.as_partner("partner1").outcome(&sale()), ["settled"]);
    }
    assert_eq!(records.orders.conversions.len(), 1);
    let claim = &records.claims.0[&claim_of("partner1")];
    assert_eq!(claim.conversion.as_ref(), Some(&claim.sale.conversion_id));
}

#[test]
fn a_claim_of_an_order_that_came_to_nobody_is_its_brands_to_decide_whichever_came_first() {
    for claimed_first in [true, false] {
        let mut records = Records::with_a_click();
        if claimed_first {
            assert_eq!(records.as_partner("partner1").outcome(&sale()), ["claimed"]);
        }
        records.as_brand("brand1").candidate = None;
        assert_eq!(records.outcome(&sale()), ["no_click"]);
        assert_eq!(records.outcome(&sale()), ["duplicate"]);
        if !claimed_first {
            assert_eq!(records.as_partner("partner1").outcome(&sale()), ["claimed"]);
        }
        assert_eq!(records.status_of("partner1"), Some(ClaimStatus::Open));
        records.as_brand("brand1");
        let decided = records.decide_claim("partner1", ClaimDecision::Accept);
        assert_eq!(decided, ["accepted", "attributed"]);
        assert_eq!(records.orders.conversions.len(), 1);
        // From now on it is somebody's.
        assert_eq!(records.as_partner("partner2").outcome(&sale()), ["settled"]);
    }
}

#[test]
fn an_accepted_claim_of_an_order_that_came_to_nobody_is_worth_what_the_brand_reported() {
    let id = ConversionId::of_brand(&brand("brand1"), &order("order1"));
    for (reported, currency, expected) in [
        ("80.00", Some("USD"), Ok(8_000)),
        ("80.00", None, Ok(8_000)),
        ("80.00", Some("EUR"), Err("currency_mismatch")),
        ("80.001", None, Err("amount_precision")),
    ] {
        let mut records = Records::with_a_click();
        records.as_brand("brand1").candidate = None;
        let of_shop = Report {
            amount: Some(amount(reported)),
            currency: currency.map(|it| Currency::parse(it).unwrap()),
            ..sale()
        };
        assert_eq!(records.outcome(&of_shop), ["no_click"]);
        let claimed = Report {
            amount: Some(amount("8000.00")),
            ..sale()
        };
        assert_eq!(
            records.as_partner("partner1").outcome(&claimed),
            ["claimed"]
        );
        records.as_brand("brand1");
        let decided = records.decide_claim("partner1", ClaimDecision::Accept);
        match expected {
            Err(code) => {
                assert_eq!(decided, [code]);
                assert_eq!(records.status_of("partner1"), Some(ClaimStatus::Open));
            }
            Ok(minor) => {
                let Status::Attributed(conversion) = &records.orders.conversions[&id].status else {
                    panic!("it is nobody's: {decided:?}")
                };
                assert_eq!(conversion.amount.map(|it| it.minor), Some(minor));
            }
        }
    }
}

#[test]
fn a_partner_claims_an_order_once() {
    let mut records = Records::with_a_click();
    assert_eq!(records.as_partner("partner1").outcome(&sale()), ["claimed"]);
    assert_eq!(records.outcome(&sale()), ["duplicate"]);
    assert_eq!(records.claims.0.len(), 1);
    records.as_brand("brand1");
    records.decide_claim(
        "partner1",
        ClaimDecision::Decline(DeclineReason::OrderUnknown),
    );
    assert_eq!(
        records.as_partner("partner1").outcome(&sale()),
        ["duplicate"]
    );
    assert_eq!(records.status_of("partner1"), Some(ClaimStatus::Declined));
}

#[test]
fn an_accepted_claim_is_a_conversion_of_its_partner_and_settles_the_others() {
    let mut records = Records::with_a_click();
    records.as_partner("partner1").outcome(&sale());
    records.as_partner("partner2").outcome(&sale());
    records.as_brand("brand1");
    let decided = records.decide_claim("partner2", ClaimDecision::Accept);
    assert_eq!(decided, ["accepted", "attributed", "settled"]);
    let id = ConversionId::of_brand(&brand("brand1"), &order("order1"));
    let Status::Attributed(conversion) = &records.orders.conversions[&id].status else {
        panic!("it is nobody's")
    };
    assert_eq!(conversion.partner_id, partner("partner2"));
    assert_eq!(conversion.verified_by.as_deref(), Some("claim"));
    // The shop's own report of it comes late.
    assert_eq!(records.outcome(&sale()), ["duplicate"]);
    assert_eq!(records.status_of("partner2"), Some(ClaimStatus::Accepted));
}

#[test]
fn refunds_that_came_before_an_accepted_claim_are_taken_back() {
    let mut records = Records::with_a_click();
    records.as_partner("partner1").outcome(&sale());
    records.as_brand("brand1");
    assert_eq!(records.outcome(&refund_of(None, "order1", "4")), ["noted"]);
    let decided = records.decide_claim("partner1", ClaimDecision::Accept);
    assert_eq!(
        decided,
        ["accepted", "attributed", "refunded 4.00 of 10.00"]
    );
}

/// Accepts a claim of `order1`, by a click in this campaign, of which a refund was noted before anybody knew whose it was.
fn accepted_after(refund: &Report, campaign_of_click: &str) -> (Records, Vec<String>) {
    let mut records = Records::with_a_click();
    records.candidate = None;
    assert_eq!(records.outcome(refund), ["noted"]);
    records.as_partner("partner1");
    let click = records.candidate.take().unwrap();
    records.candidate = Some(Candidate {
        campaign: campaign(campaign_of_click),
        ..click
    });
    assert_eq!(records.outcome(&sale()), ["claimed"]);
    records.as_brand("brand1");
    let decided = records.decide_claim("partner1", ClaimDecision::Accept);
    (records, decided)
}

#[test]
fn refunds_that_wait_under_another_id_are_taken_back_by_an_accepted_claim_as_by_a_report() {
    for named in [None, Some("unknown")] {
        let refund = refund_of(named, "order1", "4");
        let (mut records, decided) = accepted_after(&refund, named.unwrap_or("camp1"));
        let due = ["accepted", "attributed", "refunded 4.00 of 10.00"];
        assert_eq!(decided, due, "{named:?}");
        // Whatever is reported under that id means the order from then on.
        (records.access, records.candidate) = (Access::All, None);
        let rest = refund_of(named, "order1", "");
        assert_eq!(records.outcome(&rest), ["refunded 6.00 of 10.00"]);
    }
}

#[test]
fn a_refund_under_an_id_that_came_to_mean_a_nobodys_order_is_taken_back_once_that_is_somebodys() {
    let mut records = Records::with_a_click();
    (records.access, records.candidate) = (Access::All, None);
    let refund = refund_of(None, "order1", "4");
    assert_eq!(records.outcome(&refund), ["noted"]);
    records.as_brand("brand1");
    assert_eq!(records.outcome(&sale()), ["no_click"]);
    // From now on the number alone means it.
    assert_eq!(records.outcome(&sale()), ["duplicate"]);
    assert_eq!(records.as_partner("partner1").outcome(&sale()), ["claimed"]);
    let decided = records
        .as_brand("brand1")
        .decide_claim("partner1", ClaimDecision::Accept);
    let due = ["accepted", "attributed", "refunded 4.00 of 10.00"];
    assert_eq!(decided, due);
}

#[test]
fn a_refund_of_another_visitor_under_the_number_alone_is_not_the_claimed_orders() {
    let mut refund = refund_of(None, "order1", "4");
    refund.user = visitor(2);
    let (_, decided) = accepted_after(&refund, "camp1");
    assert_eq!(decided, ["accepted", "attributed"]);
}

#[test]
fn a_claim_is_decided_once_and_by_its_own_brand_alone() {
    let mut records = Records::with_a_click();
    records.as_partner("partner1").outcome(&sale());
    let decline = || ClaimDecision::Decline(DeclineReason::OrderUnknown);
    for decision in [ClaimDecision::Accept, decline()] {
        let own = records
            .as_partner("partner1")
            .decide_claim("partner1", decision.clone());
        assert_eq!(own, ["claim_unknown"]);
        let others = records
            .as_brand("brand2")
            .decide_claim("partner1", decision);
        assert_eq!(others, ["claim_unknown"]);
    }
    records.as_brand("brand1");
    assert_eq!(
        records.decide_claim("partner9", decline()),
        ["claim_unknown"]
    );
    assert_eq!(records.decide_claim("partner1", decline()), ["declined"]);
    let again = records.decide_claim("partner1", ClaimDecision::Accept);
    assert_eq!(again, ["claim_decided"]);
    assert!(records.orders.conversions.is_empty());
}

#[test]
fn a_declined_claim_is_settled_by_a_report_after_all() {
    let mut records = Records::with_a_click();
    records.as_partner("partner1").outcome(&sale());
    records.as_brand("brand1");
    records.decide_claim("partner1", ClaimDecision::Decline(DeclineReason::Other));
    assert_eq!(records.outcome(&sale()), ["attributed"]);
    assert_eq!(records.as_partner("partner1").outcome(&sale()), ["settled"]);
}

#[test]
fn a_partner_reports_no_refund() {
    let mut records = Records::with_a_click();
    records.as_brand("brand1").outcome(&sale());
    let refused = records
        .as_partner("partner1")
        .outcome(&refund_of(None, "order1", "4"));
    assert_eq!(refused, ["refund_not_trusted"]);
    assert_eq!(records.refunded(), 0);
}

#[test]
fn no_report_of_a_partner_or_of_nobody_makes_or_takes_money() {
    let nobody = Access::Own {
        partner: None,
        brand: None,
    };
    let mut decided = 0;
    for access in [of_partner("partner1"), of_partner("partner2"), nobody] {
        for known_before in [false, true] {
            for event_type in ["purchase", "lead", "refund", "click", "page_view"] {
                for campaign in [None, Some("camp1"), Some("other1"), Some("unknown")] {
                    for order in [None, Some("order1")] {
                        for named_click in [None, Some("clk_1")] {
                            let mut records = Records::with_a_click();
                            if known_before {
                                records.as_brand("brand1").outcome(&sale());
                            }
                            records.access = access.clone();
                            let mut reported = report(event_type, campaign, order, "10000.00");
                            reported.click = named_click.map(|id| ClickId::parse(id).unwrap());
                            for event in records.apply(&reported).unwrap_or_default() {
                                decided += 1;
                                let moves_money =
                                    matches!(event, Event::Attributed(_) | Event::Refunded(_));
                                assert!(!moves_money, "{access:?} {reported:?}: {event:?}");
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(decided > 50, "the table shows something: {decided}");
}

#[test]
fn an_accepted_claim_without_an_order_is_taken_back_by_its_conversion() {
    let mut records = Records::with_a_click();
    let claimed = purchase(None, None, "10");
    assert_eq!(
        records.as_partner("partner1").outcome(&claimed),
        ["claimed"]
    );
    let accept = DecideClaim {
        claim: ClaimId::of(&claimed.conversion, &partner("partner1")),
        decision: ClaimDecision::Accept,
    };
    records.as_brand("brand1");
    let accepted = decide_claim(&accept, &records.claims, &records.orders, &records.access);
    records.evolve(&accepted.unwrap());
    let back = Report {
        names_conversion: true,
        ..report("refund", None, None, "")
    };
    assert_eq!(back.conversion, claimed.conversion);
    assert_eq!(records.outcome(&back), ["refunded 10.00 of 10.00"]);
}
