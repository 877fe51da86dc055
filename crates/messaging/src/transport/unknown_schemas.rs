//! Versions of schemas that the topic did not have when the broker was asked. Whoever may publish can name any, also the one that
//! comes next: so none is remembered for long.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::WriterSchema;

use crate::trust::Allowance;

/// So many are remembered.
const MAX: usize = 256;
/// And so long: a version may be there by then.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);
/// The broker gets a question about a version that it does not have so often, and so many at once after a pause.
const QUESTION_EVERY: Duration = Duration::from_secs(1);
const QUESTIONS_AT_ONCE: u32 = 16;

/// Those that the broker does not have, or that are not ours.
#[derive(Debug)]
pub(super) struct UnknownSchemas {
    versions: HashMap<Vec<u8>, Instant>,
    questions: Allowance,
}

impl Default for UnknownSchemas {
    fn default() -> Self {
        Self {
            versions: HashMap::new(),
            questions: Allowance::new(QUESTION_EVERY, QUESTIONS_AT_ONCE),
        }
    }
}

impl UnknownSchemas {
    /// Whether none was met lately.
    pub(super) fn is_empty(&self, now: Instant) -> bool {
        !self.versions.values().any(|met| is_lately(*met, now))
    }

    /// Whether the broker gets a question about this version. What says that it is the publisher's gets one though the version was
    /// unknown a moment ago: read by another schema, its signature would not count.
    pub(super) fn may_ask(&self, version: &[u8], is_publishers: bool, now: Instant) -> bool {
        let is_known = || {
            let met = self.versions.get(version);
            met.is_some_and(|met| is_lately(*met, now))
        };
        (is_publishers || !is_known()) && self.questions.is_left(now)
    }

    /// Notes one, after a question. Questions about versions that the topic has are not counted: there are not many.
    pub(super) fn note(&mut self, version: &[u8], now: Instant) {
        if self.versions.len() >= MAX {
            self.versions.clear();
        }
        self.versions.insert(version.to_vec(), now);
        self.questions.take(now);
    }
}

/// The topic's newest schema, which the broker tells without a version.
#[derive(Debug, Default)]
pub(super) struct NewestSchema {
    known: Option<Arc<WriterSchema>>,
    noted_at: Option<Instant>,
}

impl NewestSchema {
    /// Whether the broker gets the question again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let is_old = |at| now.saturating_duration_since(at) >= QUESTION_EVERY;
        self.noted_at.is_none_or(is_old)
    }

    /// Notes the answer. Where there is none, what was known stays so.
    pub(super) fn note(&mut self, newest: Option<Arc<WriterSchema>>, now: Instant) {
        self.noted_at = Some(now);
        if newest.is_some() {
            self.known = newest;
        }
    }

    pub(super) fn get(&self) -> Option<Arc<WriterSchema>> {
        self.known.clone()
    }
}

fn is_lately(met: Instant, now: Instant) -> bool {
    now.saturating_duration_since(met) < REMEMBERED_FOR
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
                let may_ask = unknown.may_ask(&version, true, now);
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
        assert!(unknown.may_ask(&[0; 8], false, now));
        unknown.note(&[0; 8], now);
        assert!(!unknown.may_ask(&[0; 8], false, now));
        assert!(unknown.may_ask(&[1; 8], false, now));
        assert!(!unknown.is_empty(now));
    }

    #[test]
    fn a_version_that_nobody_had_is_looked_for_again() {
        let mut unknown = UnknownSchemas::default();
        let now = Instant::now();
        unknown.note(&[0; 8], now);
        assert!(
            unknown.may_ask(&[0; 8], true, now),
            "the publisher's at once"
        );
        let later = now + REMEMBERED_FOR;
        assert!(unknown.may_ask(&[0; 8], false, later));
        assert!(unknown.is_empty(later));
    }
}
