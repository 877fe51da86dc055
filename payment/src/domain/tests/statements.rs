use schemas::{PaymentCode, StatementLine};
use types::{AccountType, Month};

use super::super::Turnover;
use super::*;

const HOURS_OF_JANUARY: i64 = 31 * 24;

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// With what the partner's statements of January and February 1970 would say.
fn with_turnovers() -> BatchState {
    let mut state = BatchState::default();
    for (text, through) in [("1970-01", 3), ("1970-02", 5)] {
        let line = StatementLine {
            account: AccountType::Payable,
            currency: Currency::USD,
            opening: 0,
            credited: 500,
            debited: 0,
            closing: 500,
        };
        let turnover = Turnover {
            lines: vec![line],
            through,
        };
        let key = (partner(), month(text));
        state.ledger.turnovers.insert(key, turnover);
    }
    state
}

fn issue(state: &mut BatchState, text: &str) -> Result<Event, Rejection> {
    let command = Command::IssueStatement(partner(), month(text));
    state.submit_as(Actor::System, &command)
}

#[test]
fn a_month_is_stated_from_its_end_on_and_not_before() {
    let mut state = with_turnovers();
    state.hours = HOURS_OF_JANUARY - 1;
    let early = issue(&mut state, "1970-01").unwrap_err();
    assert_eq!(early.code, PaymentCode::StatementNotDue);
    state.hours = HOURS_OF_JANUARY;
    let Ok(Event::StatementIssued(issued)) = issue(&mut state, "1970-01") else {
        panic!("it is due");
    };
    assert_eq!((&issued.key, issued.through), (&partner(), 3));
}

#[test]
fn a_month_is_stated_once_and_what_was_counted_before_it_is_counted_again() {
    let mut state = with_turnovers();
    state.hours = 100 * 24;
    issue(&mut state, "1970-01").unwrap();
    for text in ["1970-01", "1970-02"] {
        let again = issue(&mut state, text).unwrap_err();
        assert_eq!(again.code, PaymentCode::StatementNotDue);
    }
}
