use super::*;

fn attributed(report: &Report, candidate: Option<Candidate>) -> String {
    let mut records = Records::with_a_click();
    records.candidate = candidate;
    records.outcome(report).join(", ")
}

#[test]
fn a_click_counts_until_its_window_ends_to_the_microsecond() {
    let report = purchase(None, None, "10");
    assert_eq!(attributed(&report, Some(click(0))), "attributed");
    assert_eq!(attributed(&report, Some(click(30 * DAY))), "attributed");
    assert_eq!(
        attributed(&report, Some(click(30 * DAY + 1))),
        "outside_window"
    );
    assert_eq!(attributed(&report, None), "no_click");
}

#[test]
fn a_conversion_says_when_its_click_was_made_and_whether_the_report_named_it() {
    for (named, is_named) in [(Some("clk_1"), true), (None, false)] {
        let mut records = Records::with_a_click();
        let mut report = purchase(None, None, "10");
        report.click = named.map(|id| ClickId::parse(id).unwrap());
        let made = click(DAY);
        records.candidate = Some(made.clone());
        let events = records.apply(&report).unwrap();
        let [Event::Attributed(it)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(it.clicked_at, Some(made.clicked_at));
        assert_eq!(it.click_named, Some(is_named));
    }
}

#[test]
fn the_claimed_time_counts_but_never_beyond_ours() {
    let mut late = purchase(None, None, "10");
    late.occurred_at = Micros(NOW.0 - 2 * DAY);
    assert_eq!(attributed(&late, Some(click(DAY))), "before_click");
    assert_eq!(attributed(&late, Some(click(31 * DAY))), "attributed");
    let mut early = purchase(None, None, "10");
    early.occurred_at = Micros(NOW.0 + 300_000_000);
    // The clock of the reporter is ahead of ours: the window ends by ours.
    assert_eq!(attributed(&early, Some(click(30 * DAY))), "attributed");
    early.occurred_at = Micros(NOW.0 + 300_000_001);
    assert_eq!(attributed(&early, Some(click(DAY))), "time_in_future");
}

#[test]
fn a_named_click_came_first_where_the_reporters_clock_is_up_to_five_minutes_behind() {
    let mut report = purchase(None, None, "10");
    let clicked = click(DAY);
    report.occurred_at = Micros(clicked.clicked_at.0 - 300_000_000);
    assert_eq!(attributed(&report, Some(clicked.clone())), "before_click");
    report.click = Some(clicked.click.clone());
    assert_eq!(attributed(&report, Some(clicked.clone())), "attributed");
    report.occurred_at = Micros(clicked.clicked_at.0 - 300_000_001);
    assert_eq!(attributed(&report, Some(clicked)), "before_click");
}

#[test]
fn a_click_dated_by_a_clock_ahead_led_to_what_is_reported_without_a_time() {
    let mut report = purchase(None, None, "10");
    let ahead = |micros: i64| Some(click(-micros));
    assert_eq!(attributed(&report, ahead(1)), "before_click");
    report.claims_time = false;
    assert_eq!(attributed(&report, ahead(300_000_001)), "before_click");
    let mut records = Records::with_a_click();
    records.candidate = ahead(300_000_000);
    let events = records.apply(&report).unwrap();
    let [Event::Attributed(it)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(Some(it.occurred_at), it.clicked_at);
}

#[test]
fn what_the_reporter_names_must_fit_together() {
    let named = purchase(Some("camp2"), None, "10");
    assert_eq!(
        attributed(&named, Some(click(DAY))),
        "click_of_other_campaign"
    );
    let unknown = purchase(Some("unknown"), None, "10");
    assert_eq!(attributed(&unknown, None), "campaign_unknown");
    let mut forged = purchase(None, None, "10");
    forged.click = Some(ClickId::parse("clk_x").unwrap());
    assert_eq!(attributed(&forged, None), "click_unknown");
}

#[test]
fn an_amount_is_of_the_campaigns_currency_and_no_more_precise() {
    let mut records = Records::with_a_click();
    let events = records.apply(&purchase(None, None, "100.0")).unwrap();
    let Event::Attributed(event) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(event.amount, Some(usd(10_000)));
    let click = Some(click(DAY));
    assert_eq!(
        attributed(&purchase(None, None, "0.001"), click.clone()),
        "amount_precision"
    );
    assert_eq!(
        attributed(&purchase(None, None, ""), click.clone()),
        "amount_required"
    );
    assert_eq!(
        attributed(&report("lead", None, None, ""), click.clone()),
        "attributed"
    );
    let mut euros = purchase(None, None, "10");
    euros.currency = Some(Currency::EUR);
    assert_eq!(attributed(&euros, click), "currency_mismatch");
    // Nobody's: only what is claimed can be checked.
    euros.currency = Some(Currency::JPY);
    assert_eq!(attributed(&euros, None), "no_click");
    euros.amount = Some(amount("10.5"));
    assert_eq!(attributed(&euros, None), "amount_precision");
}

#[test]
fn other_events_are_recorded_whatever_they_name() {
    let mut seen = report("page_view", Some("unknown"), Some("order1"), "");
    assert_eq!(attributed(&seen, None), "recorded");
    seen.event_type = EventType::parse("click").unwrap();
    assert_eq!(attributed(&seen, Some(click(DAY))), "recorded");
}

#[test]
fn a_partner_claims_only_what_its_own_click_led_to() {
    let own = |partner_id: &str| Access::Own {
        partner: Some(partner(partner_id)),
        brand: None,
    };
    let mut records = Records::with_a_click();
    records.access = own("partner2");
    assert_eq!(
        records.outcome(&purchase(None, Some("order1"), "10")),
        ["click_unknown"]
    );
    records.access = own("partner1");
    records.candidate = None;
    assert_eq!(
        records.outcome(&purchase(None, Some("order1"), "10")),
        ["click_unknown"]
    );
    records.candidate = Some(click(DAY));
    assert_eq!(
        records.outcome(&purchase(None, Some("order1"), "10")),
        ["claimed"]
    );
}

#[test]
fn a_brand_reports_what_happens_in_its_own_campaigns() {
    let own = |brand_id: &str| Access::Own {
        partner: None,
        brand: Some(brand(brand_id)),
    };
    let mut records = Records::with_a_click();
    records.access = own("brand2");
    let named = purchase(Some("camp1"), Some("order1"), "10");
    assert_eq!(records.outcome(&named), ["campaign_unknown"]);
    assert_eq!(
        records.outcome(&refund_of(Some("camp1"), "order1", "10")),
        ["conversion_unknown"]
    );
    records.access = own("brand1");
    assert_eq!(records.outcome(&named), ["attributed"]);
    assert_eq!(
        records.outcome(&refund_of(Some("camp1"), "order1", "10")),
        ["refunded 10.00 of 10.00"]
    );
}
