//! Commands and their outcomes: what was answered is there, ended once, and everybody says the same of it.

use crate::evidence::Question;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        rule: 2,
        check: "every command that was answered 2xx is where it was taken",
        of: "SELECT count(*) FROM acknowledged",
        broken: "SELECT format('%s answered %s to %s and does not know it', t.by, t.status, t.id) AS evidence FROM acknowledged t
                  WHERE CASE WHEN t.by = 'bff'
                             THEN NOT EXISTS (SELECT 1 FROM bff.commands c WHERE c.id = t.id)
                               OR NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = t.id AND m.service = 'bff')
                             ELSE NOT EXISTS (SELECT 1 FROM inbox i WHERE i.id = t.id AND i.service = t.by) END",
    },
    Question {
        rule: 6,
        check: "every command that was answered 2xx has exactly one outcome",
        of: "SELECT count(*) FROM acknowledged",
        broken: "SELECT format('%s, answered %s by %s, has %s outcomes', t.id, t.status, t.by, n) AS evidence
                   FROM (SELECT t.*, (SELECT count(*) FROM messages m WHERE m.outcome_of = t.id) AS n FROM acknowledged t) t
                  WHERE n <> 1 AND NOT (n = 0 AND EXISTS (SELECT 1 FROM meant_for_retry_queue a WHERE a.id = t.id))",
    },
    Question {
        rule: 6,
        check: "every command in the bff's log has exactly one outcome",
        of: "SELECT count(*) FROM bff.commands",
        broken: "SELECT format('%s (%s of %s) has %s outcomes', id, type, subject, n) AS evidence
                   FROM (SELECT c.*, (SELECT count(*) FROM messages m WHERE m.outcome_of = c.id) AS n FROM bff.commands c) c
                  WHERE n <> 1 AND NOT (n = 0 AND EXISTS (SELECT 1 FROM meant_for_retry_queue a WHERE a.id = c.id))",
    },
    Question {
        rule: 6,
        check: "no command has two outcomes",
        of: "SELECT count(*) FROM messages WHERE outcome_of IS NOT NULL",
        broken: "SELECT format('%s has %s outcomes: %s', outcome_of, count(*),
                               string_agg(format('%s position %s (%s)', service, position, type), ', ')) AS evidence
                   FROM messages WHERE outcome_of IS NOT NULL GROUP BY outcome_of HAVING count(*) > 1",
    },
    Question {
        rule: 6,
        check: "every outcome's command stands in the inbox, ended as the outcome says",
        of: "SELECT count(*) FROM messages WHERE outcome_of IS NOT NULL",
        broken: "SELECT format('%s position %s (%s) is the outcome of %s, of which the inbox says: %s', m.service, m.position, m.type,
                               m.outcome_of, coalesce(concat_ws(' ', i.type, i.state, i.code, 'at', i.outcome_position), 'nothing')) AS evidence
                   FROM messages m LEFT JOIN inbox i ON i.service = m.service AND i.id = m.outcome_of
                  WHERE m.outcome_of IS NOT NULL
                    AND (i.id IS NULL OR i.outcome_position IS DISTINCT FROM m.position
                         OR (m.type = 'command.rejected.v1') <> (i.state IN ('rejected', 'dropped'))
                         OR m.type = 'command.rejected.v1'
                            AND (i.code IS DISTINCT FROM m.payload ->> 'code' OR i.type <> m.payload ->> 'command_type'))",
    },
    Question {
        rule: 6,
        check: "every outcome is one that its command may have",
        of: "SELECT count(*) FROM messages WHERE outcome_of IS NOT NULL AND type <> 'command.rejected.v1'",
        broken: "SELECT format('%s position %s: %s ended in %s', m.service, m.position, i.type, m.type) AS evidence
                   FROM messages m JOIN inbox i ON i.service = m.service AND i.id = m.outcome_of
                  WHERE m.type <> 'command.rejected.v1'
                    AND NOT EXISTS (SELECT 1 FROM ends e WHERE e.command = i.type AND e.outcome = m.type)",
    },
    Question {
        rule: 3,
        check: "every command that is marked as handled has its outcome in the log, where the mark says",
        of: "SELECT count(*) FROM inbox WHERE state <> 'parked'",
        broken: "SELECT format('%s: %s (%s) is %s, with its outcome at %s, and there stands %s', i.service, i.id, i.type, i.state,
                               coalesce(i.outcome_position::text, 'no position'), coalesce(m.type, 'nothing')) AS evidence
                   FROM inbox i LEFT JOIN messages m ON m.service = i.service AND m.position = i.outcome_position
                  WHERE i.state <> 'parked' AND m.outcome_of IS DISTINCT FROM i.id",
    },
    Question {
        rule: 6,
        check: "no command is pending",
        of: "SELECT (SELECT count(*) FROM bff.commands) + (SELECT count(*) FROM inbox)",
        broken: "SELECT format('%s: %s (%s of %s) is in the retry queue', service, id, type, subject) AS evidence FROM inbox
                  WHERE state = 'parked' AND id NOT IN (SELECT id FROM meant_for_retry_queue)
                  UNION ALL
                 SELECT format('bff: %s (%s of %s) is %s', c.id, c.type, c.subject, coalesce(o.status, 'pending'))
                   FROM bff.commands c LEFT JOIN bff.outcomes o ON o.command_id = c.id AND o.command_type = c.type
                  WHERE coalesce(o.status, 'needs_attention') = 'needs_attention' AND c.id NOT IN (SELECT id FROM meant_for_retry_queue)",
    },
    Question {
        rule: 6,
        check: "the bff says of its commands what happened to them",
        of: "SELECT count(*) FROM bff.outcomes WHERE status <> 'needs_attention'",
        broken: "SELECT format('the bff says that %s is %s; %s', o.command_id, concat_ws(' ', o.status, o.code),
                               CASE WHEN m.id IS NULL THEN 'nobody says so' || restored()
                                    ELSE concat_ws(' ', m.service, 'says', m.type, m.payload ->> 'code') END) AS evidence
                   FROM bff.outcomes o LEFT JOIN known m ON m.known_as = o.event_id AND m.outcome_of = o.command_id
                  WHERE o.status <> 'needs_attention'
                    AND (m.id IS NULL OR o.event_type <> m.type OR o.subject <> m.subject
                         OR (o.status = 'completed') <> (m.type <> 'command.rejected.v1')
                         OR o.status <> 'completed' AND o.code IS DISTINCT FROM m.payload ->> 'code'
                         OR (o.status = 'dropped') <> (o.code IS NOT DISTINCT FROM 'dropped_by_operator'))",
    },
    Question {
        rule: 2,
        check: "every command that the bff took stands in its log, and the other way round",
        of: "SELECT count(*) FROM bff.commands",
        broken: "SELECT format('%s: taken as %s at position %s, in the log as %s at %s', coalesce(c.id, m.id), c.type, c.position,
                               m.type, m.position) AS evidence
                   FROM bff.commands c FULL JOIN (SELECT * FROM messages WHERE service = 'bff') m USING (id)
                  WHERE c.position IS DISTINCT FROM m.position OR c.type IS DISTINCT FROM m.type
                     OR c.subject IS DISTINCT FROM m.subject OR c.correlation_id IS DISTINCT FROM m.correlation_id",
    },
    Question {
        rule: 1,
        check: "every idempotency key stands for one command of a kind",
        of: "SELECT count(*) FROM bff.commands WHERE key_hash IS NOT NULL",
        broken: "SELECT format('key %s of %s stands for %s of %s', left(key_hash, 8), caller, string_agg(id::text, ', '), type) AS evidence
                   FROM bff.commands WHERE key_hash IS NOT NULL
                  GROUP BY caller, partner_id, brand_id, type, key_hash HAVING count(*) > 1",
    },
];
