//! How a check says what it found.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgConnection};

use super::Finding;

/// So many are shown of what is wrong.
const SHOWN: usize = 5;
/// Longer evidence is cut.
const MAX_LENGTH: usize = 400;

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
            broken,
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
            broken: vec![why.chars().take(MAX_LENGTH).collect()],
        }
    }
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
            self.0
                .broken
                .push(evidence().chars().take(MAX_LENGTH).collect());
        }
    }

    /// Takes over what a question of its own counted.
    pub(super) fn counted(&mut self, of: i64, wrong: i64, evidence: impl Iterator<Item = String>) {
        self.0.looked_at += u64::try_from(of).unwrap_or(0);
        self.0.wrong += u64::try_from(wrong).unwrap_or(0);
        let room = SHOWN.saturating_sub(self.0.broken.len());
        let cut = |line: String| line.chars().take(MAX_LENGTH).collect();
        self.0.broken.extend(evidence.take(room).map(cut));
    }

    /// Looks at one thing, of which this is wrong.
    pub(super) fn rule_out(&mut self, wrong: Option<String>, place: impl FnOnce() -> String) {
        self.looked();
        if let Some(wrong) = wrong {
            self.wrong(|| format!("{}: {wrong}", place()));
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
