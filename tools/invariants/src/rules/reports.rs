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
];
