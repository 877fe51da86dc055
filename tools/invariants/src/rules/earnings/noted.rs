//! Refunds that waited for their purchase: what they take back of it, made again from what was noted.

use anyhow::Result;
use futures::TryStreamExt;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use types::Currency;

use crate::Finding;
use crate::evidence::Tally;

/// What lets refunds count that wait under these ids: a purchase, under its own id, its alias and what it was called while it was nobody's,
/// and the first report that calls a known purchase otherwise. With what was paid, what had gone back before, and what went back then.
const SETTLED: &str = "WITH tracking AS NOT MATERIALIZED (SELECT * FROM messages WHERE service = 'tracking'),
     aliases AS (
         SELECT payload ->> 'alias_id' AS id, position FROM tracking WHERE type = 'conversion.attributed.v1'
          UNION ALL
         SELECT subject, position FROM tracking
          WHERE type = 'conversion.duplicate_ignored.v1' AND payload ->> 'first_conversion_id' IS NOT NULL),
     first AS (SELECT id, min(position) AS position FROM aliases WHERE id IS NOT NULL GROUP BY id),
     called AS (
         SELECT d.position, d.causation_id, d.payload ->> 'first_conversion_id' AS conversion, d.subject AS id,
                (SELECT min(p.position) FROM tracking p WHERE p.type = 'conversion.attributed.v1'
                    AND p.subject = d.payload ->> 'first_conversion_id') AS attributed
           FROM tracking d JOIN first f ON f.id = d.subject AND f.position = d.position
          WHERE d.type = 'conversion.duplicate_ignored.v1'),
     counts AS (
         SELECT position, causation_id, subject AS conversion, unnest(ARRAY[subject, payload ->> 'alias_id']) AS id
           FROM tracking WHERE type = 'conversion.attributed.v1'
          UNION
         SELECT p.position, p.causation_id, p.subject, c.id
           FROM called c JOIN tracking p ON p.position = c.attributed WHERE c.position < c.attributed
          UNION ALL
         SELECT position, causation_id, conversion, id FROM called WHERE position > attributed),
     settled AS (
         SELECT c.position, c.causation_id, c.conversion,
                json_agg(json_build_array(n.payload ->> 'amount', n.payload ->> 'currency')) AS notes
           FROM counts c JOIN tracking n ON n.type = 'conversion.refund_noted.v1' AND n.subject = c.id AND n.position < c.position
          GROUP BY 1, 2, 3)
     SELECT s.position, s.conversion, s.notes, (p.payload #>> '{amount,minor}')::bigint AS paid,
            coalesce(p.payload #>> '{amount,currency}', t.payload ->> 'currency') AS currency,
            (SELECT max((b.payload #>> '{refunded_total,minor}')::bigint) FROM tracking b
              WHERE b.type = 'conversion.refunded.v1' AND b.subject = s.conversion AND b.position < s.position) AS before,
            (r.payload #>> '{amount,minor}')::bigint AS taken
       FROM settled s
       JOIN tracking p ON p.type = 'conversion.attributed.v1' AND p.subject = s.conversion
       LEFT JOIN messages t ON t.service = 'campaign' AND t.type = 'terms.published.v1' AND t.subject = p.payload ->> 'campaign_id'
        AND t.payload -> 'version' = p.payload -> 'terms_version'
       LEFT JOIN tracking r ON r.type = 'conversion.refunded.v1' AND r.outcome_of IS NULL AND r.causation_id = s.causation_id
        AND r.subject = s.conversion";

#[derive(FromRow)]
struct Settled {
    position: i64,
    conversion: String,
    /// Amount and currency, as they were noted.
    notes: Json<Vec<(Option<String>, Option<String>)>>,
    paid: Option<i64>,
    currency: Option<String>,
    before: Option<i64>,
    taken: Option<i64>,
}

/// Walks through what settled them.
pub(in crate::rules) async fn noted(records: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut tally = Tally::new(
        9,
        "refunds that waited take back what they came to, and at most what was left",
    );
    let mut rows = sqlx::query_as::<_, Settled>(SETTLED).fetch(records);
    while let Some(row) = rows.try_next().await? {
        let due = row.due();
        tally.hold(due == row.taken.map(i128::from), || {
            format!(
                "tracking position {}: of {} went back {:?} of {:?} {:?} (minor units), and it should be {due:?}",
                row.position, row.conversion, row.taken, row.paid, row.currency
            )
        });
    }
    Ok(vec![tally.finding()])
}

impl Settled {
    /// Nothing of nothing goes back too, by a refund of the whole order; once, so not where something had gone back.
    fn due(&self) -> Option<i128> {
        let currency = self.currency.as_deref()?;
        let paid = i128::from(self.paid.unwrap_or(0));
        let left = paid - i128::from(self.before.unwrap_or(0));
        if left == 0 && (paid > 0 || self.before.is_some()) {
            return None;
        }
        let own = |of: &Option<String>| of.as_deref().is_none_or(|of| of == currency);
        let notes = self.notes.iter().filter(|(_, of)| own(of));
        let amounts = notes.filter_map(|(amount, _)| match amount {
            None => Some(left),
            Some(_) if paid == 0 => None,
            Some(amount) => minor(amount, currency),
        });
        amounts
            .reduce(|sum, amount| sum + amount)
            .map(|sum| sum.min(left))
    }
}

/// `150.5` of USD is 15050; what is more precise than the currency is no amount of it.
fn minor(amount: &str, currency: &str) -> Option<i128> {
    let digits = usize::try_from(Currency::parse(currency).ok()?.digits()).ok()?;
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let part = part.trim_end_matches('0');
    let fits = part.len() <= digits;
    fits.then(|| format!("{whole}{part:0<digits$}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn an_amount_counts_in_the_units_of_its_currency_or_not_at_all() {
        for (amount, currency, due) in [
            ("150.5", "USD", Some(15_050)),
            ("7", "JPY", Some(7)),
            ("7.00", "JPY", Some(7)),
            ("0.125", "USD", None),
            ("0.125", "BHD", Some(125)),
        ] {
            assert_eq!(minor(amount, currency), due, "{amount} {currency}");
        }
    }
}
