//! What notify promises: each application has its workflow, which comes to an end or waits for somebody; each endpoint is sent each event
//! once; and what became of each mail is reported.

use crate::evidence::Question;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        rule: 1,
        check: "each application to a brand that has onboarding has one workflow, and nothing else has one",
        of: "SELECT count(*) FROM messages WHERE type = 'enrollment.applied.v1'",
        // Whether onboarding was on is known where it was before the application and has been since, by clocks that agree.
        broken: "WITH started AS (SELECT * FROM messages WHERE service = 'notify' AND type = 'workflow.started.v1'),
                  changed AS (SELECT subject AS brand, time, (payload ->> 'enabled')::bool AS enabled
                                FROM messages WHERE service = 'notify' AND type = 'onboarding.changed.v1'),
                  applied AS (SELECT a.*, a.payload ->> 'brand_id' AS brand, a.payload ->> 'partner_id' AS partner FROM messages a
                               WHERE a.service = 'campaign' AND a.type = 'enrollment.applied.v1')
                 SELECT format('%s of %s at %s (campaign position %s) has no workflow', a.type, a.partner, a.key, a.position) AS evidence
                   FROM applied a
                  WHERE (SELECT count(DISTINCT clock_offset) = 1 FROM log_head WHERE service IN ('campaign', 'notify'))
                    AND (SELECT enabled FROM changed WHERE brand = a.brand AND time < a.time ORDER BY time DESC LIMIT 1)
                    AND NOT EXISTS (SELECT 1 FROM changed WHERE brand = a.brand AND time >= a.time AND NOT enabled)
                    AND NOT EXISTS (SELECT 1 FROM started s WHERE s.causation_id = a.id)
                    -- It accepted newer terms while its workflow was under way.
                    AND NOT EXISTS (SELECT 1 FROM notify.workflows w WHERE w.partner_id = a.partner AND w.campaign_id = a.key
                                       AND w.started_at <= a.time AND coalesce(w.ended_at, a.time) >= a.time)
                    AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.service = 'notify' AND p.message_id = a.id)
                    AND NOT EXISTS (SELECT 1 FROM audit d WHERE d.service = 'notify' AND d.action = 'parked.drop' AND d.target = a.id::text)
                  UNION ALL
                 SELECT format('%s began with %s of %s at %s%s', s.subject, coalesce(a.type, 'nothing'), s.payload ->> 'partner_id',
                               s.payload ->> 'campaign_id', restored())
                   FROM started s LEFT JOIN known a ON a.known_as = s.causation_id
                  WHERE a.type IS DISTINCT FROM 'enrollment.applied.v1'
                     OR (a.payload ->> 'brand_id', a.payload ->> 'partner_id', a.key) IS DISTINCT FROM
                        (s.payload ->> 'brand_id', s.payload ->> 'partner_id', s.payload ->> 'campaign_id')
                  UNION ALL
                 SELECT format('%s began %s workflows', causation_id, count(*)) FROM started GROUP BY causation_id HAVING count(*) > 1
                  UNION ALL
                 SELECT format('%s of %s are under way for %s', count(*), partner_id, campaign_id)
                   FROM notify.workflows WHERE status = 'running' GROUP BY partner_id, campaign_id HAVING count(*) > 1",
    },
    Question {
        rule: 2,
        check: "every workflow has ended, or waits for its brand or for the CRM",
        of: "SELECT count(*) FROM notify.workflows",
        // The brand decides about applications that are open, to campaigns that are; the CRM is called until it answers.
        broken: "SELECT format('%s of %s at %s is %s since %s: %s', w.id, w.partner_id, w.campaign_id, w.status, w.changed_at, w.steps) AS evidence
                   FROM notify.workflows w
                   CROSS JOIN LATERAL (SELECT min(s ->> 'step') FILTER (WHERE s ->> 'state' IN ('running', 'compensating')) AS step,
                                              count(*) FILTER (WHERE s ->> 'state' IN ('running', 'compensating')) AS steps
                                         FROM jsonb_array_elements(w.steps::jsonb) s) under_way
                  WHERE NOT CASE
                        WHEN w.status IN ('completed', 'compensated') THEN w.ended_at IS NOT NULL AND under_way.steps = 0
                        WHEN under_way.steps <> 1 THEN false
                        WHEN under_way.step = 'crm_contact' THEN
                             EXISTS (SELECT 1 FROM notify.crm_calls c WHERE c.workflow_id = w.id AND c.state = 'pending')
                        ELSE w.status = 'running' AND under_way.step = 'approval' AND NOT w.approves
                             AND EXISTS (SELECT 1 FROM campaign.enrollments e JOIN campaign.campaigns c ON c.id = e.campaign_id
                                          WHERE e.campaign_id = w.campaign_id AND e.partner_id = w.partner_id AND e.status = 'applied'
                                            AND c.status <> 'closed') END",
    },
    Question {
        rule: 7,
        check: "every workflow is as far as its events say",
        of: "SELECT count(*) FROM messages WHERE service = 'notify' AND type LIKE 'workflow.%'",
        broken: "WITH moved AS (
                      SELECT DISTINCT ON (subject) subject, type, payload, time FROM messages
                       WHERE service = 'notify' AND type IN ('workflow.started.v1', 'workflow.completed.v1', 'workflow.step_failed.v1',
                                                             'workflow.cancelled.v1', 'workflow.compensated.v1')
                       ORDER BY subject, position DESC),
                  stated AS (
                      SELECT subject, CASE type WHEN 'workflow.started.v1' THEN 'running' WHEN 'workflow.completed.v1' THEN 'completed'
                                                WHEN 'workflow.compensated.v1' THEN 'compensated' ELSE 'compensating' END AS status,
                             payload ->> 'reason' AS reason, coalesce((payload ->> 'returned')::bool, false) AS returned,
                             CASE WHEN type IN ('workflow.completed.v1', 'workflow.compensated.v1') THEN time END AS ended_at
                        FROM moved)
                 SELECT format('%s: its events say %s, its row %s', coalesce(s.subject, w.id), coalesce(s.status || ' ' || s.reason, s.status, 'nothing'),
                               coalesce(w.status || ' ' || w.reason, w.status, 'nothing')) AS evidence
                   FROM stated s FULL JOIN notify.workflows w ON w.id = s.subject
                  WHERE (s.status, s.reason, s.returned, s.ended_at) IS DISTINCT FROM (w.status, w.reason, w.returned, w.ended_at)
                  UNION ALL
                 SELECT format('%s: %s is completed by %s events', w.id, s ->> 'step', done.events)
                   FROM notify.workflows w
                  CROSS JOIN LATERAL jsonb_array_elements(w.steps::jsonb) s
                  CROSS JOIN LATERAL (SELECT count(*) AS events FROM messages m WHERE m.service = 'notify' AND m.subject = w.id
                                         AND m.type = 'workflow.step_completed.v1' AND m.payload ->> 'step' = s ->> 'step') done
                  WHERE s ->> 'state' IN ('completed', 'skipped') AND done.events <> 1",
    },
    Question {
        rule: 1,
        check: "no endpoint is sent an event twice, nor one that its owner may not see",
        of: "SELECT count(*) FROM notify.webhook_deliveries",
        broken: "SELECT format('%s is sent %s %s times', endpoint_id, event_id, count(*)) AS evidence
                   FROM notify.webhook_deliveries GROUP BY endpoint_id, event_id HAVING count(*) > 1
                  UNION ALL
                 SELECT format('%s of %s is sent %s of %s, which is %s%s', e.id, coalesce(e.brand_id, e.partner_id), d.kind, d.subject,
                               coalesce(m.type || ' of ' || m.subject, 'nowhere'), restored())
                   FROM notify.webhook_deliveries d JOIN notify.webhook_endpoints e ON e.id = d.endpoint_id
                   LEFT JOIN known m ON m.known_as = d.event_id
                  WHERE d.kind <> 'webhook_endpoint.tested.v1'
                    AND NOT coalesce((m.type, m.subject) = (d.kind, d.subject)
                                 AND m.seen_by ? coalesce('brand:' || e.brand_id, 'partner:' || e.partner_id), false)",
    },
    Question {
        rule: 2,
        check: "an endpoint that is sent an event of a stream is sent each later one that its owner may see",
        of: "SELECT count(*) FROM notify.webhook_deliveries",
        // Clocks do not matter: whatever stands behind something that was sent came to notify behind it.
        broken: "WITH steady AS (
                      SELECT *, coalesce('brand:' || brand_id, 'partner:' || partner_id) AS owner FROM notify.webhook_endpoints e
                       WHERE status = 'enabled'
                         AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.service = 'notify' AND m.subject = e.id
                                            AND m.type IN ('webhook_endpoint.changed.v1', 'webhook_endpoint.disabled.v1'))),
                  first AS (
                      SELECT d.endpoint_id, m.service, m.topic, m.partition, min(m.position) AS position
                        FROM notify.webhook_deliveries d JOIN messages m ON m.id = d.event_id
                       WHERE d.kind = m.type GROUP BY 1, 2, 3, 4)
                 SELECT format('%s of %s is not sent %s of %s (%s position %s)', e.id, e.owner, m.type, m.subject, m.service, m.position) AS evidence
                   FROM steady e JOIN first f ON f.endpoint_id = e.id
                   JOIN seen s ON s.owner = e.owner AND (s.service, s.topic, s.partition) = (f.service, f.topic, f.partition)
                    AND s.position > f.position
                   JOIN messages m ON m.service = s.service AND m.position = s.position
                  WHERE (e.kinds = '' OR m.type = ANY(string_to_array(e.kinds, ' ')))
                    AND NOT EXISTS (SELECT 1 FROM notify.webhook_deliveries d WHERE d.endpoint_id = e.id AND d.event_id = m.id)
                    AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.service = 'notify' AND p.message_id = m.id)
                    AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.service = 'notify' AND a.action = 'parked.drop' AND a.target = m.id::text)",
    },
    Question {
        rule: 1,
        check: "what became of each mail is reported once",
        of: "SELECT count(*) FROM notify.mails",
        broken: "SELECT format('%s of %s to %s is %s, and reported %s times', m.kind, m.event_id, m.contact_id, m.state, coalesce(r.times, 0)) AS evidence
                   FROM notify.mails m
                   LEFT JOIN (SELECT subject, count(*) AS times, min(type) AS type FROM messages
                               WHERE service = 'notify' AND type IN ('notification.sent.v1', 'notification.failed.v1')
                               GROUP BY subject) r ON r.subject = m.id
                  WHERE CASE m.state WHEN 'pending' THEN r.times IS NOT NULL OR m.concluded
                             ELSE NOT m.concluded OR r.times IS DISTINCT FROM 1 OR r.type <> 'notification.' || m.state || '.v1' END",
    },
];
