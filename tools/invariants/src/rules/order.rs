//! Order per subject, from a source's log to its followers'; and what is in the retry queue.

use crate::evidence::Question;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        rule: 4,
        check: "each follower handled the messages about one aggregate in their source's order",
        of: "SELECT count(*) FROM messages e JOIN messages s ON s.id = e.causation_id AND s.service <> e.service",
        // A command that the follower knew by another transport before (the same key at the bff and at the service) has no place here, nor
        // has what stands again after a restore and had its effect before it. Sequences begin anew with an epoch.
        broken: "WITH caused AS (
                      SELECT s.service AS source, e.service AS follower, s.topic, s.partition, a.entity, s.subject, s.epoch, s.sequence,
                             min(e.position) AS first, max(e.position) AS last
                        FROM messages s JOIN messages e ON e.causation_id = s.id AND e.service <> s.service
                        LEFT JOIN about a ON a.type = s.type AND a.topic = s.topic
                        LEFT JOIN inbox i ON i.service = e.service AND i.id = s.id
                       WHERE s.topic IS NOT NULL AND e.type <> 'command.stalled.v1' AND (i.id IS NULL OR i.source = s.service)
                         AND s.epoch IS NOT NULL AND NOT (s.epoch > 1 AND e.time < s.time)
                       GROUP BY 1, 2, 3, 4, 5, 6, 7, 8),
                  ordered AS (
                      SELECT *, max(last) OVER w AS before, lag(sequence) OVER w AS before_sequence FROM caused
                      WINDOW w AS (PARTITION BY source, follower, topic, partition, entity, subject ORDER BY epoch, sequence
                                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
                 SELECT format('%s handled sequence %s of %s''s %s about %s at position %s, and an earlier one (%s) only at %s', follower,
                               sequence, source, topic, subject, first, before_sequence, before) AS evidence
                   FROM ordered WHERE first < before",
    },
    Question {
        rule: 4,
        check: "one subject has one key for ever",
        of: "SELECT count(DISTINCT (service, topic, subject)) FROM messages WHERE topic IS NOT NULL",
        // A refused command, and what is reported about it, has the key that its sender gave.
        broken: "SELECT format('%s: %s travels under the keys %s', service, subject, string_agg(DISTINCT key, ', ')) AS evidence
                   FROM messages m WHERE topic IS NOT NULL AND type NOT IN ('command.rejected.v1', 'command.stalled.v1')
                    AND NOT EXISTS (SELECT 1 FROM messages r WHERE r.outcome_of = m.id AND r.type = 'command.rejected.v1')
                  GROUP BY service, topic, subject HAVING count(DISTINCT key) > 1",
    },
    Question {
        rule: 5,
        check: "nothing is in the retry queue but what was meant to be",
        of: "SELECT (SELECT count(*) FROM parked) + (SELECT count(*) FROM log_head)",
        broken: "SELECT format('%s: %s of %s is %s after %s attempts: %s', service, coalesce(nullif(header, '')::json ->> 'type', topic),
                               coalesce(subject, 'nobody'), state, attempts, reason) AS evidence
                   FROM parked WHERE message_id NOT IN (SELECT id FROM meant_for_retry_queue)",
    },
    Question {
        rule: 5,
        check: "attempts are bounded, and nothing is being tried again",
        of: "SELECT (SELECT count(*) FROM parked) + (SELECT count(*) FROM trying) + (SELECT count(*) FROM service_state)",
        // A process that dies between an effect and its answer leaves a note of what was handled.
        broken: "SELECT format('%s: %s is %s after %s attempts', service, message_id, state, attempts) AS evidence FROM parked
                  WHERE attempts > 5 OR attempts < 0 OR state IN ('waiting', 'retrying')
                  UNION ALL
                 SELECT format('%s: %s was being tried, for the %s. time', t.service, t.message_id, t.attempts) FROM trying t
                  WHERE t.attempts > 1
                    AND NOT EXISTS (SELECT 1 FROM messages e WHERE e.service = t.service AND e.causation_id = t.message_id)
                    AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.service = t.service AND i.id = t.message_id)
                    AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.service = t.service AND p.message_id = t.message_id)
                    AND NOT EXISTS (SELECT 1 FROM messages m
                                      JOIN watermark w ON w.service = t.service AND w.source = m.service AND w.epoch = m.epoch
                                       AND w.topic = m.topic AND w.partition = m.partition AND w.sequence >= m.sequence
                                     WHERE m.id = t.message_id)",
    },
];
