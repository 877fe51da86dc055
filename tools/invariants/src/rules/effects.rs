//! One effect of each message, whole, with its state; and read models that took it once.

use crate::evidence::Question;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        rule: 1,
        check: "no message stands twice in a log",
        of: "SELECT count(*) FROM messages",
        broken: "SELECT format('%s: %s (%s) stands at positions %s', service, id, min(type), string_agg(position::text, ', ')) AS evidence
                   FROM messages GROUP BY service, id HAVING count(*) > 1",
    },
    Question {
        rule: 1,
        check: "every fact that a service follows had its effect there",
        of: "SELECT count(*) FROM messages m JOIN followed f USING (type, topic) WHERE NOT f.command AND f.follower NOT IN ('bff', 'notify')",
        // Of what a workflow wants done, tracking makes links, and campaign does all else.
        broken: "SELECT format('%s did nothing about %s''s %s of %s (sequence %s)', f.follower, m.service, m.type, m.subject,
                               m.sequence) AS evidence
                   FROM messages m JOIN followed f USING (type, topic)
                  WHERE NOT f.command AND f.follower NOT IN ('bff', 'notify')
                    AND NOT (m.type = 'workflow.step_requested.v1' AND (m.payload ->> 'step' = 'link') <> (f.follower = 'tracking'))
                    AND NOT EXISTS (SELECT 1 FROM messages e WHERE e.causation_id = m.id AND e.service = f.follower)
                    AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.message_id = m.id AND p.service = f.follower)
                    AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.service = f.follower AND a.action = 'parked.drop' AND a.target = m.id::text)",
    },
    Question {
        rule: 1,
        check: "nothing that had its effect was handled again and parked",
        of: "SELECT count(DISTINCT (service, causation_id)) FROM messages WHERE service <> 'bff'",
        // Deciders refuse what a state cannot take twice: then what came again is parked, and holds up what follows it.
        broken: "SELECT format('%s: %s (%s) caused %s at position %s, and is %s: %s', p.service, p.message_id,
                               coalesce(p.subject, 'nobody'), e.type, e.position, p.state, p.reason) AS evidence
                   FROM parked p JOIN messages e ON e.service = p.service AND e.causation_id = p.message_id
                  WHERE e.type <> 'command.stalled.v1' AND p.message_id NOT IN (SELECT id FROM meant_for_retry_queue)",
    },
    Question {
        rule: 3,
        check: "what one message caused stands together in its log: one transaction",
        of: "SELECT count(DISTINCT (service, causation_id)) FROM messages",
        broken: "SELECT format('%s: what %s caused stands at %s', service, causation_id, string_agg(position::text, ', ' ORDER BY position)) AS evidence
                   FROM messages WHERE causation_id IS NOT NULL AND type <> 'command.stalled.v1'
                  GROUP BY service, causation_id
                 HAVING max(position) - min(position) + 1 <> count(*) OR count(DISTINCT time) <> 1",
    },
    Question {
        rule: 3,
        check: "every row of state has its event in the log",
        of: "SELECT (SELECT count(*) FROM campaign.campaigns) + (SELECT count(*) FROM campaign.enrollments) + (SELECT count(*) FROM tracking.links)
                  + (SELECT count(*) FROM tracking.conversions) + (SELECT count(*) FROM commission.commissions)
                  + (SELECT count(*) FROM payment.payouts) + (SELECT count(*) FROM payment.balances)",
        broken: "WITH state (service, tab, id, position, type) AS (
                      SELECT 'campaign', 'campaigns', id, position, 'campaign.created.v1' FROM campaign.campaigns
                       UNION ALL SELECT 'campaign', 'terms', campaign_id, position, 'terms.published.v1' FROM campaign.terms
                       UNION ALL SELECT 'campaign', 'enrollments', id, position, 'enrollment.%' FROM campaign.enrollments
                       UNION ALL SELECT 'campaign', 'bans', id, position, 'partner.%' FROM campaign.bans
                       UNION ALL SELECT 'campaign', 'api_keys', id, position, 'api_key.created.v1' FROM campaign.api_keys
                       UNION ALL SELECT 'tracking', 'api_keys', id, position, 'api_key.adopted.v1' FROM tracking.api_keys
                       UNION ALL SELECT 'campaign', 'evidence', id, position, 'evidence.submitted.v1' FROM campaign.evidence
                       UNION ALL SELECT 'campaign', 'partners', id, position, NULL FROM campaign.partners
                       UNION ALL SELECT 'campaign', 'brands', id, position, NULL FROM campaign.brands
                       UNION ALL SELECT 'campaign', 'groups', id, position, NULL FROM campaign.groups
                       UNION ALL SELECT 'campaign', 'memberships', id, position, 'partner.moved.v1' FROM campaign.memberships
                       UNION ALL SELECT 'tracking', 'groups', id, position, 'group.adopted.v1' FROM tracking.groups
                       UNION ALL SELECT 'tracking', 'memberships', id, position, 'partner.move_adopted.v1' FROM tracking.memberships
                       UNION ALL SELECT 'tracking', 'campaigns', id, position, 'campaign.adopted.v1' FROM tracking.campaigns
                       UNION ALL SELECT 'tracking', 'terms', campaign_id, position, 'terms.adopted.v1' FROM tracking.terms
                       UNION ALL SELECT 'tracking', 'enrollments', id, position, 'enrollment.adopted.v1' FROM tracking.enrollments
                       UNION ALL SELECT 'tracking', 'bans', id, position, 'partner.status_adopted.v1' FROM tracking.bans
                       UNION ALL SELECT 'tracking', 'links', code, position, 'link.created.v1' FROM tracking.links
                       UNION ALL SELECT 'tracking', 'conversions', id::text, position,
                                        CASE standing WHEN 'noted' THEN 'conversion.refund_noted.v1'
                                                      ELSE 'conversion.' || standing || '.v1' END FROM tracking.conversions
                       UNION ALL SELECT 'tracking', 'tracking_events', conversion_id::text, position, 'tracking_event.recorded.v1'
                                   FROM tracking.tracking_events
                       UNION ALL SELECT 'commission', 'plans', campaign_id, position, 'plan.adopted.v1' FROM commission.plans
                       UNION ALL SELECT 'commission', 'commissions', id, position, 'commission.calculated.v1' FROM commission.commissions
                       UNION ALL SELECT 'commission', 'reversals', commission_id, position, 'commission.reversed.v1' FROM commission.reversals
                       UNION ALL SELECT 'payment', 'payouts', id, position, 'payout.requested.v1' FROM payment.payouts
                       UNION ALL SELECT 'payment', 'accounts', id, position, 'account.opened.v1' FROM payment.accounts
                       UNION ALL SELECT 'payment', 'bank_transfers', id, position,
                                        CASE way WHEN 'deposit' THEN 'deposit.announced.v1' ELSE 'withdrawal.requested.v1' END FROM payment.bank_transfers
                       UNION ALL SELECT 'payment', 'billing', brand, position, NULL FROM payment.billing
                       UNION ALL SELECT 'payment', 'waiting', partner, position, 'ledger.posted.v1' FROM payment.waiting
                       UNION ALL SELECT 'campaign', 'brand_funds', brand_id, position, 'brand_funds.adopted.v1' FROM campaign.brand_funds
                       UNION ALL SELECT 'notify', 'webhook_endpoints', id, position, 'webhook_endpoint.created.v1' FROM notify.webhook_endpoints
                       UNION ALL SELECT 'notify', 'contacts', id, position, 'contact.changed.v1' FROM notify.contacts
                       UNION ALL SELECT 'notify', 'onboardings', brand_id, position, 'onboarding.changed.v1' FROM notify.onboardings
                       UNION ALL SELECT 'notify', 'mail_templates', id, position, 'mail_template.changed.v1' FROM notify.mail_templates
                       UNION ALL SELECT 'notify', 'workflows', id, position, 'workflow.started.v1' FROM notify.workflows
                       UNION ALL SELECT 'payment', 'balances', split_part(account, ':', 2), position, NULL FROM payment.balances
                  )
                 SELECT format('%s.%s has %s, made by position %s, where there is %s', s.service, s.tab, s.id, s.position,
                               coalesce(m.type || ' of ' || m.subject, 'nothing')) AS evidence
                   FROM state s LEFT JOIN messages m ON m.service = s.service AND m.position = s.position
                  WHERE m.id IS NULL OR s.type IS NOT NULL AND (m.type NOT LIKE s.type OR m.subject <> s.id)",
    },
    Question {
        rule: 1,
        check: "the bff shows the balances, payouts and commissions that the services have",
        of: "SELECT (SELECT count(*) FROM bff.balances) + (SELECT count(*) FROM bff.payouts) + (SELECT count(*) FROM bff.commissions)",
        broken: "WITH shown AS (
                      SELECT CASE WHEN owner LIKE '%.%' THEN replace(owner, '.', ':funds.') WHEN owner LIKE 'bank:%' THEN owner || ':cash'
                                  ELSE owner || ':' || account_type END AS account, currency, minor FROM bff.balances,
                             LATERAL (VALUES ('pending', pending), ('payable', payable), ('in_transit', in_transit), ('paid_out', paid_out),
                                             ('suspense', suspense), ('funds', funds), ('unfunded', unfunded), ('clearing', clearing), ('recoverable', recoverable))
                               v (account_type, minor)
                       WHERE minor <> 0)
                 SELECT format('%s %s: the bff shows %s, the ledger has %s', account, currency, coalesce(s.minor, 0), coalesce(b.minor, 0)) AS evidence
                   FROM shown s FULL JOIN payment.balances b USING (account, currency)
                  WHERE coalesce(s.minor, 0) <> coalesce(b.minor, 0)
                  UNION ALL
                 SELECT format('payout %s: the bff shows %s %s of %s, payment has %s %s of %s', id, s.status, s.amount_minor, s.partner_id,
                               p.status, p.minor, p.partner)
                   FROM bff.payouts s FULL JOIN payment.payouts p USING (id)
                  WHERE (s.partner_id, s.amount_minor, s.currency, s.method, s.masked, s.status, s.provider_ref, s.reason)
                        IS DISTINCT FROM (p.partner, p.minor, p.currency, p.method, p.masked, p.status, p.provider_ref, p.reason)
                  UNION ALL
                 SELECT format('commission %s: the bff shows %s %s less %s, commission has %s %s less %s', id, s.status, s.amount_minor,
                               s.reversed_minor, c.status, c.amount_minor, c.reversed_minor)
                   FROM bff.commissions s FULL JOIN commission.commissions c USING (id)
                  WHERE (s.campaign_id, s.partner_id, s.brand_id, s.event_type, s.base_minor, s.rate_bps, s.flat_minor, s.plan_version,
                         s.currency, s.amount_minor, s.reversed_minor, s.status, s.suspense, s.hold_until, s.approved_at)
                        IS DISTINCT FROM (c.campaign_id, c.partner_id, c.brand_id, c.event_type, c.base_minor, c.rate_bps, c.flat_minor,
                         c.plan_version, c.currency, c.amount_minor, c.reversed_minor, c.status, c.suspense, c.hold_until, c.approved_at)",
    },
    Question {
        rule: 1,
        check: "the bff's lists show what the services have",
        of: "SELECT (SELECT count(*) FROM bff.campaigns) + (SELECT count(*) FROM bff.terms) + (SELECT count(*) FROM bff.enrollments)
                  + (SELECT count(*) FROM bff.bans) + (SELECT count(*) FROM bff.api_keys) + (SELECT count(*) FROM bff.evidence) + (SELECT count(*) FROM bff.links)
                  + (SELECT count(*) FROM bff.conversions) + (SELECT count(*) FROM bff.claims)",
        broken: "WITH shown (what, says) AS (
                      SELECT 'campaign ' || id, jsonb_build_array(brand_id, name, currency, allowed_hosts, fallback_url, join_mode, status,
                                     pause_reason, terms_version, created_at, activated_at, closed_at, description, landing_url, starts_at,
                                     ends_at, budget_minor, budget_interval, trusts_redirects) FROM bff.campaigns
                       UNION ALL SELECT 'terms ' || id, jsonb_build_array(window_days, sale_bps, sale_flat, lead_bps, lead_flat, hold_days,
                                                                          effective_at, text_hash, worsens) FROM bff.terms
                       UNION ALL SELECT 'enrollment ' || id, jsonb_build_array(campaign_id, partner_id, status, reason, terms_version, since) FROM bff.enrollments
                       UNION ALL SELECT 'ban ' || id, jsonb_build_array(partner_id, brand_id, status, reason, since) FROM bff.bans
                       UNION ALL SELECT 'API key ' || id, jsonb_build_array(brand_id, prefix, hash, scopes, expires_at, created_at, changed_at) FROM bff.api_keys
                       UNION ALL SELECT 'what opens ' || id, jsonb_build_array(hash, previous_hash, previous_until) FROM bff.api_keys
                       UNION ALL SELECT 'partner ' || id, jsonb_build_array(country, currency, encode(sealed_name, 'hex'),
                                     encode(sealed_website, 'hex'), seen_at, changed_at) FROM bff.partners
                       UNION ALL SELECT 'brand ' || id, jsonb_build_array(currency, encode(sealed_name, 'hex'), seen_at, changed_at) FROM bff.brands
                       UNION ALL SELECT 'group ' || id, jsonb_build_array(brand_id, encode(sealed_name, 'hex'), link_limit, status, created_at) FROM bff.groups
                       UNION ALL SELECT 'membership ' || id, jsonb_build_array(brand_id, partner_id, group_id) FROM bff.memberships
                       UNION ALL SELECT 'evidence ' || id, jsonb_build_array(campaign_id, partner_id, evidence_type, url_hash, content_hash,
                                     replaces, duplicate_of, encode(sealed_url, 'hex'), status, reason, submitted_at, decided_at) FROM bff.evidence
                       UNION ALL SELECT 'link ' || id, jsonb_build_array(campaign_id, partner_id, target_url, utm, deep_paths, status, disabled_by, created_at) FROM bff.links
                       UNION ALL SELECT 'conversion ' || id, jsonb_build_array(status, event_type, order_id, campaign_id, brand_id, partner_id,
                                     link_code, click_id, terms_version, amount_minor, refunded_minor, currency, amount_text, verified_by, reason,
                                     recorded_at) FROM bff.conversions
                       UNION ALL SELECT 'claim ' || id, jsonb_build_array(campaign_id, partner_id, brand_id, status, reason) FROM bff.claims
                       UNION ALL SELECT way || ' ' || id, jsonb_build_array(brand_id, account, amount_minor, currency, reference, status, reason)
                                   FROM bff.bank_transfers
                       UNION ALL SELECT 'account ' || id, jsonb_build_array(brand_id, name) FROM bff.funds_accounts
                       UNION ALL SELECT 'billing of ' || id, jsonb_build_array(billing, credit_limit, funds_warning) FROM bff.billing
                       UNION ALL SELECT 'statement ' || id, jsonb_build_array(partner_id, month, lines, issued_at) FROM bff.statements
                       UNION ALL SELECT 'transfer ' || id, jsonb_build_array(debit, credit, minor, currency) FROM bff.transfers),
                  has (what, says) AS (
                      SELECT 'campaign ' || id, jsonb_build_array(brand_id, name, currency, allowed_hosts, fallback_url, join_mode, status,
                                     pause_reason, terms_version, created_at, activated_at, closed_at, description, landing_url, starts_at,
                                     ends_at, budget_minor, budget_interval, trusts_redirects) FROM campaign.campaigns
                       UNION ALL SELECT 'terms ' || campaign_id || '/' || version, jsonb_build_array(window_days, sale_bps, sale_flat, lead_bps,
                                     lead_flat, hold_days, effective_at, text_hash, worsens) FROM campaign.terms JOIN campaign.plans USING (campaign_id, version)
                       UNION ALL SELECT 'enrollment ' || id, jsonb_build_array(campaign_id, partner_id, status, reason, terms_version, since) FROM campaign.enrollments
                       UNION ALL SELECT 'ban ' || id, jsonb_build_array(partner_id, brand_id, status, reason, since) FROM campaign.bans
                       UNION ALL SELECT 'API key ' || id, jsonb_build_array(brand_id, prefix, hash, scopes, expires_at, created_at, changed_at) FROM campaign.api_keys
                       UNION ALL SELECT 'what opens ' || id, jsonb_build_array(hash, previous_hash, previous_until) FROM tracking.api_keys
                       UNION ALL SELECT 'partner ' || id, jsonb_build_array(country, currency, encode(sealed_name, 'hex'),
                                     encode(sealed_website, 'hex'), seen_at, changed_at) FROM campaign.partners
                       UNION ALL SELECT 'brand ' || id, jsonb_build_array(currency, encode(sealed_name, 'hex'), seen_at, changed_at) FROM campaign.brands
                       UNION ALL SELECT 'group ' || id, jsonb_build_array(brand_id, encode(sealed_name, 'hex'), link_limit, status, created_at) FROM campaign.groups
                       UNION ALL SELECT 'membership ' || id, jsonb_build_array(brand_id, partner_id, group_id) FROM campaign.memberships
                       UNION ALL SELECT 'evidence ' || id, jsonb_build_array(campaign_id, partner_id, evidence_type, url_hash, content_hash,
                                     replaces, duplicate_of, encode(sealed_url, 'hex'), status, reason, submitted_at, decided_at) FROM campaign.evidence
                       UNION ALL SELECT 'link ' || code, jsonb_build_array(campaign_id, partner_id, target_url, utm, deep_paths, status, disabled_by, created_at) FROM tracking.links
                       UNION ALL SELECT 'conversion ' || id, jsonb_build_array(standing, event_type, order_id, campaign_id, brand_id, partner_id,
                                     link_code, click_id, terms_version, amount_minor, refunded_minor, currency, amount_text, verified_by, reason,
                                     recorded_at) FROM tracking.conversions
                       UNION ALL SELECT 'claim ' || id, jsonb_build_array(campaign_id, partner_id, brand_id, status, reason) FROM tracking.claims
                       UNION ALL SELECT way || ' ' || id, jsonb_build_array(brand, account, minor, currency, reference,
                                     CASE progress WHEN 'failed' THEN 'failed'
                                          WHEN 'done' THEN CASE way WHEN 'deposit' THEN 'cleared' ELSE 'settled' END
                                          ELSE CASE way WHEN 'deposit' THEN 'announced' ELSE 'requested' END END, reason) FROM payment.bank_transfers
                       UNION ALL SELECT 'account ' || id, jsonb_build_array(brand, name) FROM payment.accounts
                       UNION ALL SELECT 'billing of ' || brand || '/' || currency, jsonb_build_array(billing, credit_limit, funds_warning) FROM payment.billing
                       UNION ALL SELECT 'statement ' || id, jsonb_build_array(partner, month, lines, issued_at) FROM payment.statements
                       UNION ALL SELECT 'transfer ' || id, jsonb_build_array(debit, credit, minor, currency) FROM payment.transfers)
                 SELECT format('%s: the bff shows %s, its service has %s%s', what, coalesce(s.says::text, 'nothing'),
                               coalesce(h.says::text, 'nothing'), CASE WHEN h.says IS NULL THEN restored() ELSE '' END) AS evidence
                   FROM shown s FULL JOIN has h USING (what) WHERE s.says IS DISTINCT FROM h.says",
    },
];
