//! Versions of schemas that are known not to be the topic's. Whoever may publish can name any.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::trust::Allowance;

/// So many are remembered.
const MAX: usize = 256;
/// The broker gets a question about a version that it does not have so often, and so many at once after a pause.
const QUESTION_EVERY: Duration = Duration::from_secs(1);
const QUESTIONS_AT_ONCE: u32 = 16;

/// Those that the broker does not have, or that are not ours.
#[derive(Debug)]
pub(super) struct UnknownSchemas {
    versions: HashSet<Vec<u8>>,
    questions: Allowance,
}

impl Default for UnknownSchemas {
    fn default() -> Self {
        Self {
            versions: HashSet::new(),
            questions: Allowance::new(QUESTION_EVERY, QUESTIONS_AT_ONCE),
        }
    }
}

impl UnknownSchemas {
    pub(super) fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Whether the broker gets a question about this version.
    pub(super) fn may_ask(&self, version: &[u8], now: Instant) -> bool {
        !self.versions.contains(version) && self.questions.is_left(now)
    }

    /// Notes one, after a question. Questions about versions that the topic has are not counted: there are not many.
    pub(super) fn note(&mut self, version: &[u8], now: Instant) {
        if self.versions.len() >= MAX {
            self.versions.clear();
        }
        self.versions.insert(version.to_vec());
        self.questions.take(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_of_versions_that_nobody_has_a_few_a_second_cost_a_question() {
        let mut unknown = UnknownSchemas::default();
        let start = Instant::now();
        let mut names = 0_u64..;
        let mut questions = |second| {
            let now = start + Duration::from_secs(second);
            let flood = names.by_ref().take(1_000);
            let questions = flood.filter(|version| {
                let version = version.to_be_bytes();
                let may_ask = unknown.may_ask(&version, now);
                if may_ask {
                    unknown.note(&version, now);
                }
                may_ask
            });
            questions.count()
        };
        assert_eq!(questions(1), 16);
        assert_eq!(questions(2), 1);
        assert_eq!(questions(5), 3);
        assert_eq!(questions(3_600), 16, "no more than that is saved up");
    }

    #[test]
    fn a_version_that_nobody_has_costs_one_question() {
        let mut unknown = UnknownSchemas::default();
        let now = Instant::now();
        assert!(unknown.may_ask(&[0; 8], now));
        unknown.note(&[0; 8], now);
        assert!(!unknown.may_ask(&[0; 8], now));
        assert!(unknown.may_ask(&[1; 8], now));
    }
}
