use super::*;

fn held() -> Commission {
    let plan = Plan {
        hold_days: 30,
        ..plan(rate(1_000))
    };
    commission(usd(10_000), &plan)
}

/// What its own timer comes to, then.
fn release(commission: Option<&Commission>, now: Micros) -> Result<Release, Rejection> {
    release_hold(&conversion(), commission, end(), now)
}

fn approved(commission: &Commission) -> Event {
    match release(Some(commission), end()) {
        Ok(Release::Event(event)) => event,
        other => panic!("{other:?}"),
    }
}

fn end() -> Micros {
    NOW.checked_add_days(30).unwrap()
}

#[test]
fn a_hold_ends_at_its_time_and_not_before() {
    let held = held();
    assert_eq!(held.held_until(), Some(end()));
    assert_eq!(held.status(), Status::Held);
    for (before, seconds) in [(1, 1), (999_999, 1), (1_000_000, 2), (60_000_001, 61)] {
        let early = release(Some(&held), Micros(end().0 - before));
        assert_eq!(early, Ok(Release::In(seconds)), "{before} µs before");
    }
    let another = Micros(end().0 - 1);
    let early = release_hold(&conversion(), Some(&held), another, another);
    assert_eq!(early.unwrap_err().code, Code::HoldNotOver);
    let released = approved(&held);
    let Event::Approved(approved) = &released else {
        panic!("{released:?}")
    };
    assert_eq!(approved.amount, usd(1_000));
    let mut held = held;
    held.apply(&released, end());
    assert_eq!(held.status(), Status::Approved);
    let again = release(Some(&held), end());
    assert_eq!(again.unwrap_err().code, Code::NotHeld);
}

#[test]
fn what_was_refunded_during_the_hold_is_not_approved() {
    let mut held = held();
    let reversed = event(reverse(&refund(2_500, 10_000), Some(&held)));
    assert_eq!(from(&reversed), EarningStatus::Pending);
    held.apply(&reversed, NOW);
    let Event::Approved(approved) = approved(&held) else {
        panic!("not approved")
    };
    assert_eq!(approved.amount, usd(750));
}

#[test]
fn a_hold_that_was_refunded_in_full_never_ends() {
    let mut held = held();
    let reversed = event(reverse(&refund(10_000, 10_000), Some(&held)));
    held.apply(&reversed, NOW);
    assert_eq!(held.status(), Status::Reversed);
    let refused = release(Some(&held), end());
    assert_eq!(refused.unwrap_err().code, Code::NotHeld);
}

#[test]
fn what_is_unknown_or_was_never_held_is_not_released() {
    let unknown = release(None, NOW);
    assert_eq!(unknown.unwrap_err().code, Code::CommissionUnknown);
    let approved = commission(usd(10_000), &plan(rate(1_000)));
    let refused = release(Some(&approved), NOW);
    assert_eq!(refused.unwrap_err().code, Code::NotHeld);
}
