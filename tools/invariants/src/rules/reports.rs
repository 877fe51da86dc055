//! What reports sum up, over the bff's own tables, against payment's ledger.

use crate::evidence::Question;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        rule: 9,
        check: "what reports say that a partner has earned, of all time, is what the ledger has of it in all its accounts",
        of: "SELECT count(DISTINCT (partner_id, currency)) FROM bff.commissions",
        broken: "WITH reported AS (
                      SELECT partner_id AS partner, currency, sum(amount_minor::numeric - reversed_minor) AS minor FROM bff.commissions GROUP BY 1, 2),
                  held AS (
                      SELECT split_part(account, ':', 2) AS partner, currency, sum(minor::numeric) AS minor FROM payment.balances
                       WHERE account LIKE 'partner:%' GROUP BY 1, 2)
                 SELECT format('%s: reports say %s %s (minor units), the ledger has %s', partner, coalesce(r.minor, 0), currency,
                               coalesce(h.minor, 0)) AS evidence
                   FROM reported r FULL JOIN held h USING (partner, currency)
                  WHERE coalesce(r.minor, 0) <> coalesce(h.minor, 0)",
    },
    Question {
        rule: 9,
        check: "what reports say was paid out is what stands in paid out",
        of: "SELECT count(*) FROM bff.payouts WHERE status = 'paid'",
        broken: "WITH reported AS (
                      SELECT partner_id AS partner, currency, sum(amount_minor::numeric) AS minor FROM bff.payouts WHERE status = 'paid' GROUP BY 1, 2),
                  held AS (
                      SELECT split_part(account, ':', 2) AS partner, currency, sum(minor::numeric) AS minor FROM payment.balances
                       WHERE account LIKE 'partner:%:paid_out' GROUP BY 1, 2)
                 SELECT format('%s: reports say %s %s (minor units), the ledger has %s', partner, coalesce(r.minor, 0), currency,
                               coalesce(h.minor, 0)) AS evidence
                   FROM reported r FULL JOIN held h USING (partner, currency)
                  WHERE coalesce(r.minor, 0) <> coalesce(h.minor, 0)",
    },
    Question {
        rule: 9,
        check: "what reports have summed already is what conversions and commissions come to",
        of: "SELECT count(*) FROM bff.report_sums",
        broken: "WITH summed AS (
                      SELECT slot, campaign_id, partner_id, link_code, currency, earned_in, leads, sales, revenue, refunds, commissions
                        FROM bff.report_sums WHERE leads + sales <> 0),
                  come_to AS (
                      SELECT c.recorded_at / 900000000 AS slot, c.campaign_id, c.partner_id, c.link_code, coalesce(c.currency, '') AS currency,
                             coalesce(m.currency, '') AS earned_in, count(*) FILTER (WHERE c.event_type = 'lead') AS leads,
                             count(*) FILTER (WHERE c.event_type = 'purchase') AS sales, coalesce(sum(c.amount_minor), 0) AS revenue,
                             sum(c.refunded_minor) AS refunds, coalesce(sum(m.amount_minor::numeric - m.reversed_minor), 0) AS commissions
                        FROM bff.conversions c LEFT JOIN bff.commissions m USING (id)
                       WHERE c.status = 'attributed' AND c.recorded_at < (SELECT summed_to FROM bff.report_horizon)
                       GROUP BY 1, 2, 3, 4, 5, 6)
                 SELECT format('link %s, quarter %s: summed is %s, and it comes to %s', link_code, slot, coalesce(s::text, 'nothing'),
                               coalesce(c::text, 'nothing')) AS evidence
                   FROM summed s FULL JOIN come_to c USING (slot, campaign_id, partner_id, link_code, currency, earned_in)
                  WHERE (s.leads, s.sales, s.revenue, s.refunds, s.commissions) IS DISTINCT FROM
                        (c.leads, c.sales, c.revenue, c.refunds, c.commissions)
                  UNION ALL
                 SELECT format('campaign %s, %s of %s quarters: %s of its links, %s of itself', campaign_id, slot, quarters,
                               coalesce(s::text, 'nothing'), coalesce(t::text, 'nothing'))
                   FROM (SELECT slot / quarters AS slot, quarters, campaign_id, currency, earned_in, sum(leads) AS leads, sum(sales) AS sales,
                                sum(revenue) AS revenue, sum(refunds) AS refunds, sum(commissions) AS commissions
                           FROM bff.report_sums, (VALUES (1::smallint), (96::smallint)) q(quarters) GROUP BY 1, 2, 3, 4, 5) s
                   FULL JOIN bff.report_totals t USING (slot, quarters, campaign_id, currency, earned_in)
                  WHERE (s.leads, s.sales, s.revenue, s.refunds, s.commissions) IS DISTINCT FROM
                        (t.leads, t.sales, t.revenue, t.refunds, t.commissions)",
    },
];
