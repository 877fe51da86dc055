//! The ledger against its own events: transfers, balances, sums.

use crate::evidence::Question;

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        rule: 9,
        check: "every transfer is stated by an event, and the other way round",
        of: "SELECT count(*) FROM payment.transfers",
        broken: "WITH own AS (
                      SELECT *, 'brand:' || (payload ->> 'brand_id') AS brand,
                             CASE coalesce(payload ->> 'account', 'default') WHEN 'default' THEN 'funds'
                                  ELSE 'funds.' || (payload ->> 'account') END AS account,
                             CASE coalesce(payload ->> 'from_account', 'default') WHEN 'default' THEN 'funds'
                                  ELSE 'funds.' || (payload ->> 'from_account') END AS from_account,
                             CASE coalesce(payload ->> 'to_account', 'default') WHEN 'default' THEN 'funds'
                                  ELSE 'funds.' || (payload ->> 'to_account') END AS to_account
                        FROM messages WHERE service = 'payment'),
                  moved AS (
                      SELECT position, payload, format('partner:%s:%s', key, v.debit) AS debit, format('partner:%s:%s', key, v.credit) AS credit
                        FROM own JOIN (VALUES ('payout.requested.v1', 'payable', 'in_transit'), ('payout.paid.v1', 'in_transit', 'paid_out'),
                                              ('payout.failed.v1', 'in_transit', 'payable')) v (type, debit, credit) USING (type)
                       UNION ALL
                      SELECT position, payload, 'brand:' || key || ':recoverable', 'brand:' || key || ':funds'
                        FROM own WHERE type = 'refund.recovered.v1'
                       UNION ALL
                      SELECT position, payload, CASE type WHEN 'deposit.announced.v1' THEN 'bank:main:cash'
                                                          WHEN 'withdrawal.requested.v1' THEN brand || ':' || account
                                                          WHEN 'funds.transferred.v1' THEN brand || ':' || from_account
                                                          ELSE brand || ':clearing' END,
                             CASE WHEN type IN ('deposit.announced.v1', 'withdrawal.requested.v1') THEN brand || ':clearing'
                                  WHEN type IN ('deposit.cleared.v1', 'withdrawal.failed.v1') THEN brand || ':' || account
                                  WHEN type = 'funds.transferred.v1' THEN brand || ':' || to_account
                                  ELSE 'bank:main:cash' END
                        FROM own WHERE type LIKE 'deposit.%' OR type LIKE 'withdrawal.%' OR type = 'funds.transferred.v1'),
                  stated AS (
                      SELECT m.position, (t.place - 1)::int AS ordinal, t.transfer ->> 'id' AS id, t.transfer ->> 'debit' AS debit,
                             t.transfer ->> 'credit' AS credit, (t.transfer ->> 'minor')::bigint AS minor, t.transfer ->> 'currency' AS currency
                        FROM messages m, LATERAL jsonb_array_elements(m.payload -> 'transfers') WITH ORDINALITY t (transfer, place)
                       WHERE m.type IN ('ledger.posted.v1', 'earnings.funded.v1')
                       UNION ALL
                      SELECT position, 0, payload ->> 'transfer_id', debit, credit, (payload #>> '{amount,minor}')::bigint,
                             payload #>> '{amount,currency}' FROM moved)
                 SELECT format('position %s: the log says %s → %s %s %s, the ledger %s → %s %s %s', position, t.debit, t.credit, t.minor,
                               t.currency, l.debit, l.credit, l.minor, l.currency) AS evidence
                   FROM stated t FULL JOIN payment.transfers l USING (position, ordinal)
                  WHERE (t.id, t.debit, t.credit, t.minor, t.currency) IS DISTINCT FROM (l.id::text, l.debit, l.credit, l.minor, l.currency)",
    },
    Question {
        rule: 9,
        check: "each balance is the fold of its transfers",
        of: "SELECT count(*) FROM payment.balances",
        broken: "WITH folded AS (
                      SELECT account, currency, sum(minor) AS minor
                        FROM (SELECT debit AS account, currency, -minor::numeric AS minor FROM payment.transfers
                               UNION ALL SELECT credit, currency, minor FROM payment.transfers) t GROUP BY 1, 2)
                 SELECT format('%s %s: %s stands there, its transfers make %s', account, currency, coalesce(b.minor, 0),
                               coalesce(f.minor, 0)) AS evidence
                   FROM folded f FULL JOIN payment.balances b USING (account, currency)
                  WHERE coalesce(f.minor, 0) <> coalesce(b.minor, 0)",
    },
    Question {
        rule: 9,
        check: "all accounts of a currency add up to zero",
        of: "SELECT count(DISTINCT currency) FROM payment.balances",
        broken: "SELECT format('%s: %s', currency, sum(minor::numeric)) AS evidence FROM payment.balances
                  GROUP BY currency HAVING sum(minor::numeric) <> 0",
    },
    Question {
        rule: 9,
        check: "no transfer stands twice",
        of: "SELECT count(*) FROM payment.transfers",
        broken: "SELECT format('transfer %s stands at positions %s', id, string_agg(position::text, ', ')) AS evidence
                   FROM payment.transfers GROUP BY id HAVING count(*) > 1",
    },
    Question {
        rule: 9,
        check: "every posting has its cause in commission's log, and names it",
        of: "SELECT count(*) FROM messages WHERE type = 'ledger.posted.v1'",
        broken: "SELECT format('payment position %s: posted for %s of %s; its cause is %s', m.position, m.payload ->> 'cause',
                               m.payload ->> 'conversion_id', coalesce(c.type || ' of ' || c.subject, 'not in commission''s log' || restored())) AS evidence
                   FROM messages m LEFT JOIN known c ON c.known_as = m.causation_id AND c.service = 'commission'
                  WHERE m.type = 'ledger.posted.v1'
                    AND (c.id IS NULL OR c.type <> m.payload ->> 'cause' OR c.subject <> m.payload ->> 'conversion_id')",
    },
];
