//! Whose order is whose, by who reported it: nothing here derives an id. An order number belongs to a brand. And which clicks may
//! count.

use crate::evidence::Question;

/// Tracking's events, each with the brand that its reporter speaks for; and what was sold, by brand and number.
macro_rules! stated {
    ($broken:literal) => {
        concat!(
            "WITH stated AS (
                 SELECT *, CASE WHEN actor -> 'roles' ? 'brand' AND NOT actor -> 'roles' ? 'operator'
                                THEN actor ->> 'brand_id' END AS shop
                   FROM messages WHERE service = 'tracking' AND type LIKE 'conversion.%'),
             sales AS (
                 SELECT subject, payload ->> 'brand_id' AS brand, payload ->> 'order_id' AS number FROM stated
                  WHERE type = 'conversion.attributed.v1') ",
            $broken
        )
    };
}

const SALES: &str = "SELECT count(*) FROM messages WHERE type = 'conversion.attributed.v1' AND payload ->> 'order_id' IS NOT NULL";
const VERIFIED: &str = "SELECT count(*) FROM messages WHERE type = 'conversion.attributed.v1' AND payload ->> 'verified_by' IS NOT NULL";
const BY_BRANDS: &str =
    "SELECT count(*) FROM messages WHERE service = 'tracking' AND actor -> 'roles' ? 'brand'";
const BOUND: &str = "SELECT count(*) FROM messages WHERE type = 'click.bound.v1'";
const NOTED: &str = "SELECT count(*) FROM messages WHERE type = 'conversion.refund_noted.v1'";

/// What was stopped, from when until when, as tracking knew it: a link, a campaign, a partner in one, or a partner in all of a
/// brand's, or in all.
const STOPPED: &str = "SELECT count(*) FROM messages WHERE service = 'tracking'
     AND type IN ('campaign.status_adopted.v1', 'enrollment.end_adopted.v1', 'partner.status_adopted.v1', 'link.changed.v1')";

/// A process that cannot read its database learns late of a stop: what is clicked in the first ten seconds may count.
const COUNTED: &str = "WITH turns AS (
         SELECT CASE WHEN type LIKE 'link.%' THEN 'link ' || subject WHEN type LIKE 'partner.%' THEN 'partner ' || key
                     ELSE 'campaign ' || key END AS what,
                CASE WHEN type LIKE 'link.%' THEN payload ->> 'campaign_id' WHEN type NOT LIKE 'partner.%' THEN key END AS campaign,
                CASE WHEN type LIKE 'partner.%' THEN key ELSE payload ->> 'partner_id' END AS partner,
                payload ->> 'brand_id' AS brand, time,
                coalesce(payload ->> 'status', 'enrolled') IN ('active', 'enrolled') AS live,
                lead(time) OVER (PARTITION BY subject ORDER BY position) AS until
           FROM messages WHERE service = 'tracking'
            AND type IN ('campaign.status_adopted.v1', 'enrollment.adopted.v1', 'enrollment.end_adopted.v1', 'partner.status_adopted.v1',
                         'link.changed.v1')),
     clicked AS (
         SELECT *, ('x' || lpad(substr(payload ->> 'click_id', 5, 14), 16, '0'))::bit(64)::bigint AS at
           FROM messages WHERE type = 'conversion.attributed.v1' AND payload ->> 'click_id' LIKE 'clk\\_%')
     SELECT format('tracking position %s: %s counts by click %s, made while its link was stopped', c.position, c.subject,
                   c.payload ->> 'click_id') AS evidence
       FROM clicked c
      CROSS JOIN LATERAL (VALUES ('link ' || (c.payload ->> 'link_code')), ('partner ' || (c.payload ->> 'partner_id')),
                                 ('campaign ' || (c.payload ->> 'campaign_id'))) k (what)
       JOIN turns t ON t.what = k.what AND (t.campaign IS NULL OR t.campaign = c.payload ->> 'campaign_id')
        AND (t.partner IS NULL OR t.partner = c.payload ->> 'partner_id')
        AND (t.brand IS NULL OR t.brand = c.payload ->> 'brand_id')
      WHERE NOT t.live AND c.at > t.time + 10000000 AND (t.until IS NULL OR c.at < t.until)";

/// What a click led to, by whose word ever; what became of a claim names the terms of the claim.
const BY_CLICKS: &str =
    "SELECT count(*) FROM messages WHERE service = 'tracking' AND (type = 'conversion.claimed.v1'
     OR type = 'conversion.attributed.v1' AND coalesce(payload ->> 'verified_by', '') <> 'claim')";

/// From the version that the partner accepted last, one after the other, while each is in force and worsens nothing: as it was where
/// the event stands, or before its whole batch. A version that a later one replaced before it came into force is passed over. A number
/// that was given out again after a restore is the later version's: of who accepted it before, or one above, the number before it counts.
const HELD: &str = "WITH RECURSIVE earned AS (
         SELECT *, sale ->> 'campaign_id' AS campaign, sale ->> 'partner_id' AS partner, (sale ->> 'terms_version')::int AS version
           FROM (SELECT *, coalesce(payload -> 'sale', payload) AS sale, min(position) OVER (PARTITION BY time) AS first
                   FROM messages WHERE service = 'tracking') m
          WHERE type = 'conversion.claimed.v1' OR type = 'conversion.attributed.v1' AND coalesce(payload ->> 'verified_by', '') <> 'claim'),
     accepted AS (
         SELECT key AS campaign, payload ->> 'partner_id' AS partner, (payload ->> 'terms_version')::int AS version, position,
                lead(position) OVER (PARTITION BY subject ORDER BY position) AS until
           FROM messages WHERE service = 'tracking' AND type = 'enrollment.adopted.v1' AND payload ->> 'status' IS DISTINCT FROM 'applied'),
     adopted AS (
         SELECT key AS campaign, position, (payload ->> 'version')::int AS version, (payload ->> 'effective_at')::bigint AS effective_at,
                payload -> 'worsens' = 'false' AS harmless
           FROM messages WHERE service = 'tracking' AND type = 'terms.adopted.v1'),
     given_again AS (
         SELECT g.campaign, g.version, g.position FROM adopted g
          WHERE EXISTS (SELECT 1 FROM adopted o WHERE o.campaign = g.campaign AND o.version = g.version AND o.position < g.position)),
     versions AS (
         SELECT v.*, (SELECT min(l.position) FROM adopted l WHERE l.campaign = v.campaign AND l.version > v.version
                         AND l.position > v.position AND l.effective_at <= v.effective_at) AS replaced,
                (SELECT min(g.position) FROM given_again g
                  WHERE g.campaign = v.campaign AND g.version <= v.version AND g.position > v.position) AS until
           FROM adopted v),
     held AS (
         SELECT e.position, e.campaign, e.time, b.before, c.version AS passed, c.version
           FROM earned e CROSS JOIN LATERAL (VALUES (e.position), (e.first)) b (before)
           JOIN accepted a ON a.campaign = e.campaign AND a.partner = e.partner AND a.position < b.before
            AND (a.until IS NULL OR a.until >= b.before)
          CROSS JOIN LATERAL (SELECT least(a.version, min(greatest(g.version - 1, 1))) AS version FROM given_again g
                               WHERE g.campaign = a.campaign AND g.version <= a.version
                                 AND g.position > a.position AND g.position < b.before) c
          UNION
         SELECT h.position, h.campaign, h.time, h.before, v.version, CASE WHEN v.replaced < h.before THEN h.version ELSE v.version END
           FROM held h
           JOIN versions v ON v.campaign = h.campaign AND v.version = h.passed + 1 AND v.position < h.before
            AND (v.until IS NULL OR v.until >= h.before)
            AND (v.replaced < h.before OR v.harmless AND v.effective_at <= h.time)),
     last AS (SELECT position, before, max(version) AS version FROM held GROUP BY position, before)
     SELECT format('tracking position %s (%s): %s is by version %s of the terms, and %s held for its partner', e.position, e.type, e.subject,
                   e.version, coalesce((SELECT max(l.version)::text FROM last l WHERE l.position = e.position), 'none')) AS evidence
       FROM earned e WHERE NOT EXISTS (SELECT 1 FROM last l WHERE l.position = e.position AND l.version = e.version)";

/// The click's own id says when it was, where it is in a table; what happened is bounded by our time.
const OUTSIDE: &str = "WITH earned AS (
         SELECT position, type, subject, sale, least((sale ->> 'occurred_at')::bigint, time) AS at, (payload ->> 'clicked_at')::bigint AS stated,
                type = 'conversion.claimed.v1' OR (payload ->> 'click_named')::boolean AS is_named,
                CASE WHEN sale ->> 'click_id' LIKE 'clk\\_%'
                     THEN ('x' || lpad(substr(sale ->> 'click_id', 5, 14), 16, '0'))::bit(64)::bigint END AS clicked
           FROM (SELECT *, coalesce(payload -> 'sale', payload) AS sale FROM messages WHERE service = 'tracking') m
          WHERE type = 'conversion.claimed.v1' OR type = 'conversion.attributed.v1' AND coalesce(payload ->> 'verified_by', '') <> 'claim')
     SELECT format('tracking position %s (%s): %s of %s at %s, %s, by a click at %s, and its terms are of %s, %s and %s days', e.position, e.type,
                   e.subject, e.sale ->> 'brand_id', e.at, coalesce(e.sale #>> '{amount,currency}', 'without an amount'),
                   coalesce(e.stated, e.clicked), t.payload ->> 'brand_id', t.payload ->> 'currency', t.payload ->> 'window_days') AS evidence
       FROM earned e LEFT JOIN messages t ON t.service = 'campaign' AND t.type = 'terms.published.v1' AND t.subject = e.sale ->> 'campaign_id'
        AND t.payload -> 'version' = e.sale -> 'terms_version'
      WHERE t.id IS NULL OR t.payload ->> 'brand_id' <> e.sale ->> 'brand_id' OR t.payload ->> 'currency' <> e.sale #>> '{amount,currency}'
         OR e.stated <> e.clicked
         -- The clock of who names a click, or claims no time and is so taken to have clicked just before, may be behind.
         OR e.at NOT BETWEEN coalesce(e.clicked, e.stated)
                             - CASE WHEN e.is_named OR (e.sale ->> 'occurred_at')::bigint = coalesce(e.clicked, e.stated) THEN 300000000 ELSE 0 END
                         AND coalesce(e.clicked, e.stated) + (t.payload ->> 'window_days')::bigint * 86400000000";

/// What names a link of which the log has the creation: one that was archived with it is not looked at.
macro_rules! named_links {
    ($select:literal) => {
        concat!(
            "WITH named AS (
                 SELECT position, type, subject, coalesce(payload -> 'sale', payload) AS stated FROM messages
                  WHERE service = 'tracking'
                    AND type IN ('click.bound.v1', 'conversion.attributed.v1', 'conversion.claimed.v1', 'claim.settled.v1')),
             links AS (
                 SELECT subject AS code, payload ->> 'campaign_id' AS campaign, payload ->> 'partner_id' AS partner
                   FROM messages WHERE service = 'tracking' AND type = 'link.created.v1' AND payload IS NOT NULL),
             of_links AS (SELECT n.*, l.* FROM named n JOIN links l ON l.code = n.stated ->> 'link_code') ",
            $select
        )
    };
}

const OF_LINKS: &str = named_links!("SELECT count(*) FROM of_links");

/// A link is its partner's for ever. What is accepted keeps whose the claim was, by which click and terms; what it is worth may be another.
const WHOSE: &str = named_links!(
    ", accepted AS (
         SELECT t.position, t.subject, c.subject AS claim, c.payload -> 'sale' AS claimed, t.payload AS became,
                a.payload ->> 'partner_id' AS partner
           FROM messages a
           JOIN messages c ON c.service = 'tracking' AND c.type = 'conversion.claimed.v1' AND c.subject = a.subject
           JOIN messages t ON t.service = 'tracking' AND t.type = 'conversion.attributed.v1' AND t.causation_id = a.causation_id
            AND t.subject = a.payload ->> 'conversion_id'
          WHERE a.service = 'tracking' AND a.type = 'claim.accepted.v1' AND c.payload IS NOT NULL AND t.payload IS NOT NULL)
     SELECT format('tracking position %s (%s): %s is %s''s at %s, and its link %s is %s''s at %s', position, type, subject,
                   stated ->> 'partner_id', stated ->> 'campaign_id', code, partner, campaign) AS evidence
       FROM of_links WHERE (stated ->> 'partner_id', stated ->> 'campaign_id') IS DISTINCT FROM (partner, campaign)
      UNION ALL
     SELECT format('tracking position %s: %s became %s of claim %s, which is %s, accepted as %s''s', position, subject,
                   became, claim, claimed, coalesce(partner, 'nobody'))
       FROM accepted
      WHERE (became ->> 'partner_id', became ->> 'campaign_id', became ->> 'link_code', became ->> 'click_id', became -> 'terms_version')
            IS DISTINCT FROM
            (claimed ->> 'partner_id', claimed ->> 'campaign_id', claimed ->> 'link_code', claimed ->> 'click_id', claimed -> 'terms_version')
         OR partner <> claimed ->> 'partner_id'"
);

const BY_KEYS: &str = "SELECT count(*) FROM messages WHERE actor ->> 'subject' IN
    (SELECT subject FROM messages WHERE type = 'api_key.created.v1')";

/// Who makes a key knows within a second everywhere that it is revoked: ten allow for clocks, and for a process that was busy.
const KEYS: &str = "WITH keys AS (
         SELECT c.subject AS id, c.payload ->> 'brand_id' AS brand,
                (SELECT min(r.time) FROM messages r
                  WHERE r.service = 'campaign' AND r.type = 'api_key.revoked.v1' AND r.subject = c.subject) AS revoked
           FROM messages c WHERE c.service = 'campaign' AND c.type = 'api_key.created.v1')
     SELECT format('%s position %s (%s): %s of %s speaks for %s%s', m.service, m.position, m.type, k.id, k.brand, m.actor ->> 'brand_id',
                   CASE WHEN m.time > k.revoked THEN ', and is revoked' ELSE '' END) AS evidence
       FROM messages m JOIN keys k ON k.id = m.actor ->> 'subject'
      WHERE m.actor ->> 'brand_id' IS DISTINCT FROM k.brand OR m.actor -> 'roles' ? 'operator' OR m.actor -> 'roles' ? 'partner'
         OR m.service = 'bff' AND m.time > k.revoked + 10000000";

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        rule: 9,
        check: "one order of a brand is one conversion",
        of: SALES,
        broken: stated!(
            "SELECT format('%s sold its order %s as %s', brand, number, string_agg(subject, ', ')) AS evidence FROM sales
              WHERE number IS NOT NULL GROUP BY brand, number HAVING count(*) > 1"
        ),
    },
    Question {
        rule: 9,
        check: "no brand's report meets another brand's order of the same number",
        of: BY_BRANDS,
        broken: stated!(
            "SELECT format('tracking position %s (%s): %s reported order %s, and %s has it as %s', t.position, t.type, t.shop,
                           coalesce(t.payload ->> 'order_id', s.number), coalesce(s.brand, f.shop), coalesce(s.subject, f.subject)) AS evidence
               FROM stated t
               LEFT JOIN sales s ON s.subject = coalesce(t.payload ->> 'first_conversion_id', t.subject)
               LEFT JOIN stated f ON t.type = 'conversion.duplicate_ignored.v1' AND f.id::text = t.payload ->> 'first_event_id'
              WHERE t.shop <> s.brand OR t.shop <> f.shop"
        ),
    },
    Question {
        rule: 9,
        check: "a refund that waited takes back what its own brand sold",
        of: NOTED,
        broken: stated!(
            "SELECT format('tracking position %s: %s of order %s of %s went back, and nobody who may noted a refund of it', t.position,
                           t.payload #>> '{amount,minor}', s.number, s.brand) AS evidence
               FROM stated t JOIN sales s ON s.subject = t.subject
              WHERE t.type = 'conversion.refunded.v1' AND t.outcome_of IS NULL
                AND NOT EXISTS (SELECT 1 FROM stated n WHERE n.type = 'conversion.refund_noted.v1' AND n.payload ->> 'order_id' = s.number
                                   AND (n.shop IS NULL OR n.shop = s.brand))"
        ),
    },
    Question {
        rule: 9,
        check: "nobody earns on a partner's own word",
        of: VERIFIED,
        broken: stated!(
            "SELECT format('tracking position %s: %s is %s''s, asked by %s, and neither its brand nor an operator said so', t.position,
                           t.subject, t.payload ->> 'partner_id', t.actor) AS evidence
               FROM stated t
              WHERE t.type = 'conversion.attributed.v1' AND t.payload ->> 'verified_by' IS NOT NULL
                AND (NOT coalesce(t.actor -> 'roles' ? 'operator' OR t.shop = t.payload ->> 'brand_id', t.actor IS NULL)
                     OR t.payload ->> 'verified_by' = 'claim' AND NOT EXISTS (
                            SELECT 1 FROM messages a
                             WHERE a.service = 'tracking' AND a.type = 'claim.accepted.v1' AND a.causation_id = t.causation_id
                               AND a.payload ->> 'conversion_id' = t.subject))"
        ),
    },
    Question {
        rule: 9,
        check: "a click is one visitor's, and its campaign's brand says whose",
        of: BOUND,
        broken: "WITH bound AS (SELECT * FROM messages WHERE service = 'tracking' AND type = 'click.bound.v1')
                 SELECT format('tracking position %s: click %s is bound by %s', position, subject, actor) AS evidence FROM bound
                  WHERE actor IS NOT NULL AND NOT actor -> 'roles' ? 'operator'
                    AND (NOT actor -> 'roles' ? 'brand' OR actor ->> 'brand_id' IS DISTINCT FROM payload ->> 'brand_id')
                  UNION ALL
                 -- Who was erased by a newer key's hash may have been bound by an older one's.
                 SELECT format('tracking position %s: click %s is bound to %s, and was to %s at position %s', position, subject, hash,
                               before, before_position)
                   FROM (SELECT position, subject, payload ->> 'brand_id' AS brand, payload ->> 'user_hash' AS hash,
                                lag(payload ->> 'user_hash') OVER w AS before, lag(position) OVER w AS before_position
                           FROM bound WHERE payload IS NOT NULL WINDOW w AS (PARTITION BY subject ORDER BY position)) b
                  WHERE hash <> before AND NOT EXISTS (
                            SELECT 1 FROM messages e
                             WHERE e.service = 'tracking' AND e.type = 'visitor.erased.v1' AND e.payload ->> 'brand_id' = b.brand
                               AND e.position > b.before_position AND e.position < b.position)",
    },
    Question {
        rule: 9,
        check: "no click counts that was made while its link was stopped",
        of: STOPPED,
        broken: COUNTED,
    },
    Question {
        rule: 9,
        check: "every conversion is its link's partner's",
        of: OF_LINKS,
        broken: WHOSE,
    },
    Question {
        rule: 9,
        check: "every conversion is by the terms that held for its partner",
        of: BY_CLICKS,
        broken: HELD,
    },
    Question {
        rule: 9,
        check: "every conversion is inside its click's window, in its terms' currency and of their brand",
        of: BY_CLICKS,
        broken: OUTSIDE,
    },
    Question {
        rule: 9,
        check: "an API key speaks for its brand alone, and for nobody once it is revoked",
        of: BY_KEYS,
        broken: KEYS,
    },
];
