//! Whether each statement says what moved in its partner's accounts, in a month and before it since the last.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{Row, Transfer};

/// What no statement counted yet, by partner.
#[derive(Default)]
pub(super) struct Stated {
    partners: HashMap<String, Partner>,
    /// On which payment's log went on.
    days: BTreeSet<String>,
}

/// Payment states what is due when it starts and once a day: where its log went on on so many days after a month, it has looked.
const DAYS: usize = 3;

#[derive(Default)]
struct Partner {
    /// By its name and currency.
    accounts: BTreeMap<(String, String), Account>,
    /// The last event that moved something, by month.
    last: BTreeMap<String, i64>,
}

#[derive(Default)]
struct Account {
    /// What stood there at the end of the last statement.
    opening: i128,
    /// What came in and what went out, by month.
    months: HashMap<String, (i128, i128)>,
}

impl Stated {
    /// Notes what an event moved.
    pub(super) fn moved(&mut self, row: &Row, moved: &Transfer) {
        let minor = i128::from(moved.minor);
        for (account, came, went) in [(&moved.credit, minor, 0), (&moved.debit, 0, minor)] {
            let account = account.strip_prefix("partner:");
            let Some((partner, name)) = account.and_then(|text| text.split_once(':')) else {
                continue;
            };
            let partner = self.partners.entry(partner.to_owned()).or_default();
            partner.last.insert(row.month().to_owned(), row.position);
            let key = (name.to_owned(), moved.currency.clone());
            let account = partner.accounts.entry(key).or_default();
            let month = account.months.entry(row.month().to_owned()).or_default();
            month.0 += came;
            month.1 += went;
        }
    }

    /// What is wrong with this event, where it is a statement.
    pub(super) fn statement(&mut self, row: &Row) -> Option<String> {
        if !self.days.contains(&row.day) {
            self.days.insert(row.day.clone());
        }
        if row.r#type != "statement.issued.v1" {
            return None;
        }
        let month = row.payload.get("month").and_then(Value::as_str);
        let month = month.unwrap_or_default();
        if month >= row.month() {
            return Some(format!("{month} is not over in {}", row.month()));
        }
        let due = self
            .partners
            .get_mut(&row.key)
            .and_then(|partner| partner.close(month));
        let stated = stated(&row.payload.0);
        (due != stated).then(|| format!("it should be {due:?}, and is {stated:?}"))
    }
    /// Months that are over for days, in which something moved for a partner that no statement has counted.
    pub(super) fn missing(&self) -> Vec<String> {
        let day = self.days.iter().nth_back(DAYS - 1);
        let now = day.and_then(|day| day.get(..7)).unwrap_or_default();
        let mut missing = Vec::new();
        for (partner, of) in &self.partners {
            let over = of.last.keys().take_while(|month| month.as_str() < now);
            missing.extend(over.map(|month| format!("{partner} has no statement of {month}")));
        }
        missing.sort_unstable();
        missing
    }
}

/// By account and currency: opening, credited, debited, closing.
type Lines = BTreeMap<(String, String), [i128; 4]>;

impl Partner {
    /// What moved in a month, and the last event of it; none where it is not the first in which anything did since the last statement. It
    /// is counted from here on.
    fn close(&mut self, month: &str) -> Option<(Lines, i64)> {
        let first = self.last.first_entry()?;
        if first.key() != month {
            return None;
        }
        let last = first.remove();
        let mut lines = Lines::new();
        for (key, account) in &mut self.accounts {
            let (came, went) = account.months.remove(month).unwrap_or_default();
            let opening = account.opening;
            account.opening = opening + came - went;
            if (opening, came, went) != (0, 0, 0) {
                // What both are beyond what a line holds is in neither.
                let beyond = came.max(went).saturating_sub(i128::from(i64::MAX)).max(0);
                let line = [opening, came - beyond, went - beyond, account.opening];
                lines.insert(key.clone(), line);
            }
        }
        Some((lines, last))
    }
}

fn stated(payload: &Value) -> Option<(Lines, i64)> {
    let lines = payload.get("lines")?.as_array()?;
    let count = lines.len();
    let lines = lines.iter().map(|line| {
        let text = |name| Some(line.get(name)?.as_str()?.to_owned());
        let minor = |name| Some(i128::from(line.get(name)?.as_i64()?));
        Some((
            (text("account")?, text("currency")?),
            [
                minor("opening")?,
                minor("credited")?,
                minor("debited")?,
                minor("closing")?,
            ],
        ))
    });
    let lines = lines
        .collect::<Option<Lines>>()
        .filter(|lines| lines.len() == count)?;
    Some((lines, payload.get("through")?.as_i64()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sqlx::types::Json;

    use super::*;

    fn row(position: i64, r#type: &str, month: &str, payload: Value) -> Row {
        Row {
            position,
            r#type: r#type.to_owned(),
            subject: "s".to_owned(),
            key: "p1".to_owned(),
            day: format!("{month}-15"),
            payload: Json(payload),
            cause: None,
        }
    }

    /// 500 earned in January and 200 of it paid in February, with statements of both that say this of the account.
    fn wrong(january: [i64; 4], february: [i64; 4], through: i64) -> Vec<Option<String>> {
        let mut stated = Stated::default();
        let mut moved = |position, month, debit: &str, credit: &str, minor| {
            let transfer = Transfer {
                debit: debit.to_owned(),
                credit: credit.to_owned(),
                minor,
                currency: "USD".to_owned(),
            };
            stated.moved(
                &row(position, "ledger.posted.v1", month, Value::Null),
                &transfer,
            );
        };
        moved(1, "2026-01", "brand:b1:funds", "partner:p1:payable", 300);
        moved(2, "2026-01", "brand:b1:funds", "partner:p1:payable", 200);
        moved(3, "2026-02", "partner:p1:payable", "brand:b1:funds", 200);
        let line = |[opening, credited, debited, closing]: [i64; 4]| {
            json!([{
                "account": "payable", "currency": "USD",
                "opening": opening, "credited": credited, "debited": debited, "closing": closing,
            }])
        };
        let statement = |position, at, month, lines, through| {
            let payload = json!({"month": month, "lines": lines, "through": through});
            row(position, "statement.issued.v1", at, payload)
        };
        [
            statement(4, "2026-02", "2026-01", line(january), 2),
            statement(5, "2026-03", "2026-02", line(february), through),
        ]
        .iter()
        .map(|row| stated.statement(row))
        .collect()
    }

    #[test]
    fn statements_that_say_what_moved_are_right() {
        let found = wrong([0, 500, 0, 500], [500, 0, 200, 300], 3);
        assert_eq!(found, [None, None]);
    }

    #[test]
    fn a_statement_that_says_anything_else_is_found() {
        for (january, february, through, expected) in [
            ([0, 499, 0, 499], [500, 0, 200, 300], 3, [true, false]),
            ([0, 500, 0, 500], [499, 0, 200, 299], 3, [false, true]),
            ([0, 500, 0, 500], [500, 0, 200, 300], 2, [false, true]),
        ] {
            let found = wrong(january, february, through);
            assert_eq!(
                found.iter().map(Option::is_some).collect::<Vec<_>>(),
                expected,
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_statement_that_counts_an_earlier_month_with_its_own_is_found() {
        let mut stated = Stated::default();
        let moved = |month| row(1, "ledger.posted.v1", month, Value::Null);
        let transfer = Transfer {
            debit: "brand:b1:funds".to_owned(),
            credit: "partner:p1:payable".to_owned(),
            minor: 100,
            currency: "USD".to_owned(),
        };
        for month in ["2026-01", "2026-02"] {
            stated.moved(&moved(month), &transfer);
        }
        let line = json!([{
            "account": "payable", "currency": "USD", "opening": 0, "credited": 200, "debited": 0, "closing": 200,
        }]);
        let payload = json!({"month": "2026-02", "lines": line, "through": 1});
        let row = row(2, "statement.issued.v1", "2026-03", payload);
        assert!(stated.statement(&row).is_some());
    }

    #[test]
    fn a_month_that_is_over_for_days_and_not_stated_is_found() {
        let mut stated = Stated::default();
        let mut goes_on = |day: &str| {
            let row = Row {
                day: day.to_owned(),
                ..row(9, "ledger.posted.v1", "", Value::Null)
            };
            assert_eq!(stated.statement(&row), None);
            let transfer = Transfer {
                debit: "brand:b1:funds".to_owned(),
                credit: "partner:p1:payable".to_owned(),
                minor: 100,
                currency: "USD".to_owned(),
            };
            stated.moved(&row, &transfer);
            stated.missing()
        };
        for day in ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-27"] {
            assert_eq!(goes_on(day), [""; 0], "{day}");
        }
        // Once more on the same day is no day more.
        assert_eq!(goes_on("2026-02-27"), [""; 0]);
        let due = ["p1 has no statement of 2026-01"];
        assert_eq!(goes_on("2026-02-28"), due);
        assert_eq!(goes_on("2026-03-01"), due);
        let line = json!([{
            "account": "payable", "currency": "USD", "opening": 0, "credited": 200, "debited": 0, "closing": 200,
        }]);
        let payload = json!({"month": "2026-01", "lines": line, "through": 9});
        let issued = row(10, "statement.issued.v1", "2026-03", payload);
        assert_eq!(stated.statement(&issued), None);
        assert_eq!(stated.missing(), [""; 0]);
    }

    #[test]
    fn a_statement_of_a_month_that_is_not_over_or_in_which_nothing_moved_is_found() {
        let mut stated = Stated::default();
        let payload = json!({"month": "2026-02", "lines": [], "through": 1});
        for at in ["2026-02", "2026-03"] {
            let row = row(1, "statement.issued.v1", at, payload.clone());
            assert!(stated.statement(&row).is_some(), "{at}");
        }
    }
}
