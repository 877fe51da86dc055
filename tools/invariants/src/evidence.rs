//! How a check says what it found.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgConnection};

use super::Finding;

/// So many are shown of what is wrong.
pub(super) const SHOWN: usize = 5;
/// Longer evidence is cut.
pub(super) const MAX_LENGTH: usize = 400;

/// A check that is one question to the gathered records.
pub(super) struct Question {
    pub(super) rule: u8,
    pub(super) check: &'static str,
    /// Counts what is looked at: one number.
    pub(super) of: &'static str,
    /// One line of evidence for each that is wrong, in a column `evidence`.
    pub(super) broken: &'static str,
}

impl Question {
    pub(super) async fn ask(&self, records: &mut PgConnection) -> Result<Finding> {
        let sql = format!(
            "WITH broken AS ({}) SELECT ({})::bigint, (SELECT count(*) FROM broken),
                    ARRAY(SELECT left(evidence, {MAX_LENGTH}) FROM broken LIMIT {SHOWN})",
            self.broken, self.of
        );
        let (of, wrong, broken): (i64, i64, Vec<String>) = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_one(records)
            .await
            .with_context(|| format!("cannot check that {}", self.check))?;
        Ok(Finding {
            rule: self.rule,
            check: self.check,
            looked_at: u64::try_from(of).unwrap_or(0),
            wrong: u64::try_from(wrong).unwrap_or(0),
            broken: broken.iter().map(|line| shown(line)).collect(),
        })
    }

    /// What is found where its records cannot be had: nothing, and why.
    pub(super) fn not_looked_at(&self, why: &str) -> Finding {
        let why = format!("not looked at: {why}");
        Finding {
            rule: self.rule,
            check: self.check,
            looked_at: 0,
            wrong: 0,
            broken: vec![shown(&why)],
        }
    }
}

/// A line of evidence, cut. The bff takes no control characters, and what a program or a row says has line breaks.
fn shown(evidence: &str) -> String {
    let plain = |char: char| if char.is_control() { ' ' } else { char };
    evidence.chars().take(MAX_LENGTH).map(plain).collect()
}

/// Asks one after the other, leaving out rules that are not asked for.
pub(super) async fn ask(
    records: &mut PgConnection,
    questions: &[Question],
    only: &[u8],
) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for question in questions {
        if only.contains(&question.rule) {
            found.push(question.ask(records).await?);
        }
    }
    Ok(found)
}

/// A check that walks through rows.
pub(super) struct Tally(Finding);

impl Tally {
    pub(super) fn new(rule: u8, check: &'static str) -> Self {
        Self(Finding {
            rule,
            check,
            looked_at: 0,
            wrong: 0,
            broken: Vec::new(),
        })
    }

    pub(super) fn looked(&mut self) {
        self.0.looked_at += 1;
    }

    pub(super) fn wrong(&mut self, evidence: impl FnOnce() -> String) {
        self.0.wrong += 1;
        if self.0.broken.len() < SHOWN {
            self.0.broken.push(shown(&evidence()));
        }
    }

    /// Takes over what a question of its own counted.
    pub(super) fn counted(&mut self, of: i64, wrong: i64, evidence: impl Iterator<Item = String>) {
        self.0.looked_at += u64::try_from(of).unwrap_or(0);
        self.0.wrong += u64::try_from(wrong).unwrap_or(0);
        let room = SHOWN.saturating_sub(self.0.broken.len());
        let lines = evidence.take(room);
        self.0.broken.extend(lines.map(|line| shown(&line)));
    }

    /// Looks at one thing, of which this is wrong.
    pub(super) fn rule_out(&mut self, wrong: Option<String>, place: impl FnOnce() -> String) {
        self.looked();
        if let Some(wrong) = wrong {
            self.wrong(|| format!("{}: {wrong}", place()));
        }
    }

    /// The same, where what is wrong may show at other things than those that are looked at.
    pub(super) fn rule_out_of(
        &mut self,
        is_looked_at: bool,
        wrong: Option<String>,
        place: impl FnOnce() -> String,
    ) {
        if is_looked_at || wrong.is_some() {
            self.rule_out(wrong, place);
        }
    }

    /// Looks at one thing, which should be so.
    pub(super) fn hold(&mut self, holds: bool, evidence: impl FnOnce() -> String) {
        self.looked();
        if !holds {
            self.wrong(evidence);
        }
    }

    pub(super) fn finding(self) -> Finding {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LENGTH, Question, SHOWN, Tally};

    #[test]
    fn evidence_is_lines_that_the_bff_takes() {
        let of_a_program = "payment: it failed\n\tfor a reason\r\n\u{1b}[31mred";
        let mut tally = Tally::new(7, "a check");
        tally.wrong(|| of_a_program.to_owned());
        tally.wrong(|| "\n".repeat(MAX_LENGTH + 1));
        let rows = std::iter::repeat_n(of_a_program.to_owned(), SHOWN);
        tally.counted(2, 7, rows);
        let question = Question {
            rule: 9,
            check: "another",
            of: "",
            broken: "",
        };
        let found = [tally.finding(), question.not_looked_at(of_a_program)];
        let lines: Vec<&String> = found.iter().flat_map(|it| &it.broken).collect();
        assert_eq!(lines.len(), SHOWN + 1);
        assert_eq!(lines[0], "payment: it failed  for a reason   [31mred");
        for line in lines {
            let length = line.chars().count();
            assert!((1..=MAX_LENGTH).contains(&length), "{line:?}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
