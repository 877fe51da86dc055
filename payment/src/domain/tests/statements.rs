use schemas::{PaymentCode, StatementLine};
use types::{AccountType, Month};

use super::super::{Counted, Stated};
use super::*;

const HOURS_OF_JANUARY: i64 = 31 * 24;

fn january() -> Month {
    "1970-01".parse().unwrap()
}

/// Of January 1970, up to the third event.
fn counted() -> Counted {
    Counted {
        partner: partner(),
        month: january(),
        since: 0,
        lines: vec![StatementLine {
            account: AccountType::Payable,
            currency: Currency::USD,
            opening: 0,
            credited: 500,
            debited: 0,
            closing: 500,
        }],
        through: 3,
    }
}

/// In February, where the partner's statements stand so.
fn in_february(since: i64, next_at: Option<Micros>) -> BatchState {
    let mut state = BatchState {
        hours: HOURS_OF_JANUARY,
        ..BatchState::default()
    };
    let stated = Stated { since, next_at };
    state.ledger.statements.insert((partner(), 3), stated);
    state
}

fn issue(state: &mut BatchState, counted: Counted) -> Result<Event, Rejection> {
    state.submit_as(Actor::System, &Command::IssueStatement(counted))
}

fn assert_not_due(issued: Result<Event, Rejection>) {
    assert_eq!(issued.unwrap_err().code, PaymentCode::StatementNotDue);
}

#[test]
fn a_month_is_stated_from_its_end_on_and_not_before() {
    let mut state = in_february(0, None);
    state.hours = HOURS_OF_JANUARY - 1;
    assert_not_due(issue(&mut state, counted()));
    state.hours = HOURS_OF_JANUARY;
    let Ok(Event::StatementIssued(issued)) = issue(&mut state, counted()) else {
        panic!("it is due");
    };
    assert_eq!((&issued.key, issued.through), (&partner(), 3));
    assert_eq!(issued.lines, counted().lines);
}

#[test]
fn a_month_is_stated_once_whatever_is_counted_for_it() {
    let mut state = in_february(0, None);
    issue(&mut state, counted()).unwrap();
    assert_not_due(issue(&mut state, counted()));
    assert_not_due(issue(&mut in_february(2, None), counted()));
    assert_not_due(issue(&mut BatchState::default(), counted()));
}

#[test]
fn what_was_counted_before_the_last_of_the_month_was_committed_is_not_stated() {
    let end = january().end();
    assert_not_due(issue(
        &mut in_february(0, Some(Micros(end.get() - 1))),
        counted(),
    ));
    issue(&mut in_february(0, Some(end)), counted()).unwrap();
}
