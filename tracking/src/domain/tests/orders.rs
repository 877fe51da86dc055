use super::*;

#[test]
fn one_order_reported_with_and_without_its_campaign_is_one_conversion_in_either_order() {
    let bare = purchase(None, Some("order1"), "10");
    let named = purchase(Some("camp1"), Some("order1"), "10");
    for (first, second) in [(&bare, &named), (&named, &bare)] {
        let mut books = Books::with_a_click();
        assert_eq!(books.outcome(first), ["attributed"]);
        assert_eq!(books.outcome(second), ["duplicate"]);
        assert_eq!(books.outcome(first), ["duplicate"]);
        // Whatever the visitor clicks next, the order stays where it is.
        if let Some(candidate) = &mut books.candidate {
            candidate.campaign = campaign("camp2");
        }
        assert_eq!(books.outcome(&bare), ["duplicate"]);
        let (id, _) = books.orders.find(&bare.conversion).unwrap();
        let of_brand = ConversionId::of_brand(&brand("brand1"), &order("order1"));
        assert_eq!(*id, of_brand);
        assert_eq!(books.orders.find(&named.conversion).unwrap().0, &of_brand);
    }
}

#[test]
fn a_duplicate_names_the_event_and_the_conversion_that_came_first() {
    let mut books = Books::with_a_click();
    books.apply(&purchase(None, Some("order1"), "10")).unwrap();
    let events = books
        .apply(&purchase(Some("camp1"), Some("order1"), "10"))
        .unwrap();
    let [Event::DuplicateIgnored(event)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(event.first_event, Uuid::from_u128(1));
    assert_eq!(
        event.first_conversion,
        Some(ConversionId::of_brand(&brand("brand1"), &order("order1")))
    );
}

#[test]
fn an_order_that_was_nobodys_stays_nobodys() {
    let mut books = Books::with_a_click();
    let candidate = books.candidate.take();
    assert_eq!(
        books.outcome(&purchase(None, Some("order1"), "10")),
        ["no_click"]
    );
    books.candidate = candidate;
    assert_eq!(
        books.outcome(&purchase(None, Some("order1"), "10")),
        ["duplicate"]
    );
    assert_eq!(books.outcome(&refund_of(None, "order1", "10")), ["noted"]);
}

#[test]
fn without_an_order_each_report_is_a_conversion_of_its_own() {
    let mut books = Books::with_a_click();
    let mut report = purchase(None, None, "10");
    assert_eq!(books.outcome(&report), ["attributed"]);
    report.conversion = ConversionId::of_command(Uuid::from_u128(8));
    assert_eq!(books.outcome(&report), ["attributed"]);
}

#[test]
fn the_same_number_is_one_order_in_all_campaigns_of_a_brand_and_another_in_another_brands() {
    let mut books = Books::with_a_click();
    assert_eq!(
        books.outcome(&purchase(Some("camp1"), Some("order1"), "10")),
        ["attributed"]
    );
    if let Some(candidate) = &mut books.candidate {
        candidate.campaign = campaign("camp2");
    }
    assert_eq!(
        books.outcome(&purchase(Some("camp2"), Some("order1"), "10")),
        ["duplicate"]
    );
    books.candidate = Some(Candidate {
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
            books.outcome(&purchase(named, Some("order1"), "10")),
            [word]
        );
    }
}
