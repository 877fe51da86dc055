//! Logs and streams: contiguous, in time's order, and handled to their heads.

use crate::evidence::Question;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        rule: 4,
        check: "positions of every log are contiguous to its head",
        of: "SELECT count(*) FROM messages",
        // What was archived and dropped is missing at the beginning, and nowhere else.
        broken: "SELECT format('%s: %s stands after %s', service, m.position, before) AS evidence
                   FROM (SELECT service, position, lag(position) OVER (PARTITION BY service ORDER BY position) AS before
                           FROM messages) m JOIN log_head h USING (service)
                  WHERE m.position <> coalesce(before, (to_jsonb(h) ->> 'dropped_to')::bigint, 0) + 1
                  UNION ALL
                 SELECT format('%s: the head says %s, the log ends at %s', h.service, h.position, coalesce(m.last, 0))
                   FROM log_head h LEFT JOIN (SELECT service, max(position) AS last FROM messages GROUP BY 1) m USING (service)
                  WHERE h.position <> coalesce(m.last, 0)",
    },
    Question {
        rule: 4,
        check: "sequences of every stream are contiguous to its head, in the order of positions",
        of: "SELECT count(*) FROM messages WHERE topic IS NOT NULL",
        // A new epoch begins a new history, where the old one stood or at 1.
        broken: "SELECT format('%s position %s: %s of partition %s has sequence %s after %s', service, m.position, topic, partition,
                               sequence, before) AS evidence
                   FROM (SELECT *, lag(sequence) OVER w AS before, lag(m.epoch) OVER w AS before_epoch
                           FROM messages m WHERE topic IS NOT NULL
                         WINDOW w AS (PARTITION BY service, topic, partition ORDER BY position)) m JOIN log_head h USING (service)
                  WHERE sequence IS DISTINCT FROM coalesce(before, 0) + 1
                    AND NOT (before IS NULL AND coalesce((to_jsonb(h) ->> 'dropped_to')::bigint, 0) > 0)
                    AND NOT (m.epoch > before_epoch AND sequence = 1)
                  UNION ALL
                 SELECT format('%s: the head of %s partition %s says %s, the log has %s', h.service, h.topic, h.partition,
                               h.sequence, coalesce(m.last, 0))
                   FROM stream_head h LEFT JOIN (SELECT service, topic, partition, (array_agg(sequence ORDER BY position DESC))[1] AS last
                         FROM messages GROUP BY 1, 2, 3) m USING (service, topic, partition)
                  WHERE h.sequence <> coalesce(m.last, 0)",
    },
    Question {
        rule: 4,
        check: "time never decreases within a log",
        of: "SELECT count(*) FROM messages",
        broken: "SELECT format('%s position %s: %s µs earlier than the one before', service, position, before - time) AS evidence
                   FROM (SELECT service, position, time, lag(time) OVER (PARTITION BY service ORDER BY position) AS before
                           FROM messages) m
                  WHERE time < before
                  UNION ALL
                 SELECT format('%s: the head''s time is before that of the last message', h.service)
                   FROM log_head h JOIN (SELECT service, max(time) AS last FROM messages GROUP BY 1) m USING (service)
                  WHERE h.last_time < m.last",
    },
    Question {
        rule: 2,
        check: "every follower's watermark is its source's head",
        of: "SELECT count(*) FROM stream_head s JOIN (SELECT DISTINCT topic, follower FROM followed) f USING (topic)",
        broken: "SELECT format('%s is at %s of %s of %s''s %s (partition %s)', f.follower, coalesce(w.sequence, 0), s.sequence,
                               s.service, s.topic, s.partition) AS evidence
                   FROM stream_head s
                   JOIN log_head h ON h.service = s.service
                   JOIN (SELECT DISTINCT topic, follower FROM followed) f ON f.topic = s.topic
                   LEFT JOIN watermark w ON w.service = f.follower AND w.source = s.service AND w.epoch = h.epoch
                        AND w.topic = s.topic AND w.partition = s.partition
                  WHERE coalesce(w.sequence, 0) <> s.sequence",
    },
    Question {
        rule: 3,
        check: "no watermark is beyond what its source has written",
        of: "SELECT count(*) FROM watermark",
        broken: "SELECT format('%s has handled %s of %s''s %s (epoch %s), which has %s', w.service, w.sequence, w.source, w.topic,
                               w.epoch, coalesce(s.sequence, 0)) AS evidence
                   FROM watermark w
                   JOIN log_head h ON h.service = w.source AND h.epoch = w.epoch
                   LEFT JOIN stream_head s ON s.service = w.source AND s.topic = w.topic AND s.partition = w.partition
                  WHERE w.sequence > coalesce(s.sequence, 0)",
    },
];
