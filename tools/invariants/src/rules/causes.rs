//! Where messages come from: each names its cause, and keeps the correlation id of the request that began it.

use crate::evidence::Question;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        rule: 10,
        check: "every message names a cause that exists; only requests and keys have none",
        of: "SELECT count(*) FROM messages",
        broken: "SELECT format('%s position %s (%s of %s): its cause %s is in no log and no inbox%s', service, position, type, subject,
                               coalesce(causation_id::text, '(none)'), restored()) AS evidence
                   FROM messages m
                  WHERE CASE WHEN causation_id IS NULL THEN service <> 'bff' AND type <> 'sealing_key.published.v1'
                             ELSE service = 'bff'
                               OR NOT EXISTS (SELECT 1 FROM known c WHERE c.known_as = m.causation_id)
                                  AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.service = m.service AND i.id = m.causation_id) END",
    },
    Question {
        rule: 10,
        check: "every message keeps its cause's correlation id",
        of: "SELECT count(*) FROM messages e JOIN known c ON c.known_as = e.causation_id",
        // The same command asked at a service first and at the bff later has the first request's.
        broken: "SELECT format('%s position %s (%s of %s) has correlation id %s, its cause %s', e.service, e.position, e.type, e.subject,
                               e.correlation_id, c.correlation_id) AS evidence
                   FROM messages e JOIN known c ON c.known_as = e.causation_id
                   LEFT JOIN inbox i ON i.service = e.service AND i.id = e.causation_id
                  WHERE e.correlation_id <> c.correlation_id AND (i.id IS NULL OR i.source = c.service)",
    },
    Question {
        rule: 10,
        check: "one correlation id from a payout's request to its end, and from a commission to its approval",
        of: "SELECT count(*) FROM messages WHERE type LIKE 'payout.%' OR type = 'commission.approved.v1'",
        broken: "SELECT format('%s position %s (%s of %s) has correlation id %s, and %s began with %s', m.service, m.position, m.type,
                               m.subject, m.correlation_id, b.type, b.correlation_id) AS evidence
                   FROM messages m JOIN messages b ON b.service = m.service AND b.subject = m.subject
                    AND b.type = CASE m.service WHEN 'payment' THEN 'payout.requested.v1' ELSE 'commission.calculated.v1' END
                  WHERE (m.service = 'payment' AND m.type LIKE 'payout.%' OR m.type = 'commission.approved.v1')
                    AND m.correlation_id <> b.correlation_id",
    },
];
