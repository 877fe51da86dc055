//! Paydays: first all that was earned is where it belongs, then partners ask for it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::calendar;
use super::people::PARTNERS;
use super::{Stage, amount, count, for_each, minor};
use crate::demo::SETTLED_WITHIN;

/// Nobody asks for less, in cents.
const LEAST: i64 = 5_000;
/// Payouts that the provider has not taken for certain: time may not pass, or it could be too late to submit them again.
const NOT_THERE: [&str; 3] = ["requested", "submitting", "unknown"];
/// Those that are not final.
pub(super) const UNDER_WAY: [&str; 4] = ["requested", "submitting", "submitted", "unknown"];
const LOOK_AGAIN: Duration = Duration::from_millis(150);
/// The day on which one payout comes back from the bank.
const REFUSED_ON: i64 = 61;

/// Of each partner and currency, in cents.
type Sums = BTreeMap<(String, String), i64>;

impl Stage {
    pub(super) async fn pay_out(&self, day: i64) -> Result<()> {
        let payable = self.settled(day).await?;
        let mut requesting: Vec<((String, String), i64)> = payable
            .into_iter()
            .filter(|(_, cents)| *cents >= LEAST)
            .collect();
        // Whoever has most is first; on one day its bank has closed the account.
        requesting.sort_by_key(|(who, cents)| (-cents, who.clone()));
        if day == REFUSED_ON && !requesting.is_empty() {
            let (who, cents) = requesting.remove(0);
            self.fault(json!({"fault": "refuse", "fault_times": 1}))
                .await?;
            self.request(day, &who, cents).await?;
            self.until_paid(&UNDER_WAY).await?;
            self.fault(json!({"fault": null})).await?;
        }
        for_each(requesting, async |(who, cents)| {
            self.request(day, &who, cents).await
        })
        .await?;
        self.until_paid(&NOT_THERE).await?;
        // One more than there is: refused.
        let greedy = self.partners.last().context("there are partners")?;
        let key = format!("demo-large-greedy-{day}");
        let body = payout("100000.00", "USD", PARTNERS.last().map_or("", |it| it.id));
        let done = greedy
            .done(
                &key,
                "payments/request",
                &body,
                &["insufficient_balance", "currency_mismatch"],
            )
            .await?;
        if done["status"] == "completed" {
            bail!("a payout of what nobody has was granted: {done}");
        }
        Ok(())
    }

    async fn request(
        &self,
        day: i64,
        (partner, currency): &(String, String),
        cents: i64,
    ) -> Result<()> {
        let at = PARTNERS
            .iter()
            .position(|it| it.id == partner)
            .with_context(|| format!("{partner} is of the demo"))?;
        let body = payout(&amount(cents.unsigned_abs()), currency, partner);
        let key = format!("demo-large-payout-{day}-{partner}-{currency}");
        self.partners[at]
            .done(&key, "payments/request", &body, &[])
            .await?;
        count(&self.counts.payouts);
        Ok(())
    }

    async fn fault(&self, fault: Value) -> Result<()> {
        let url = format!("{}/control", self.simulator);
        let answer = self.http.post(url).json(&fault).send().await?;
        answer
            .error_for_status()
            .context("the simulated provider's behaviour cannot be set")?;
        Ok(())
    }

    /// Once no payout stands so.
    pub(super) async fn until_paid(&self, statuses: &[&str]) -> Result<()> {
        let end = Instant::now() + SETTLED_WITHIN;
        loop {
            let mut open = 0;
            for status in statuses {
                let path = format!("payouts?status={status}&limit=1");
                let found = self.operator.read(&path).await?;
                open += found["items"].as_array().map_or(0, Vec::len);
            }
            if open == 0 {
                return Ok(());
            }
            if Instant::now() >= end {
                bail!("payouts are under way after {SETTLED_WITHIN:?}");
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Once every conversion up to a day has its commission, every hold that is over has ended, and the ledger says the same: what
    /// each can ask for.
    pub(super) async fn settled(&self, day: i64) -> Result<Sums> {
        let end = Instant::now() + SETTLED_WITHIN;
        loop {
            let lacking = match self.look(day).await? {
                Ok(payable) => return Ok(payable),
                Err(lacking) => lacking,
            };
            if Instant::now() >= end {
                bail!("what was earned is not settled within {SETTLED_WITHIN:?}: {lacking}");
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn look(&self, day: i64) -> Result<Result<Sums, String>> {
        let clock = self.operator.clock(schemas::Service::Commission).await?;
        let commissions: Vec<Value> = self.of_demo("commissions").await?;
        let days = 0..=day;
        let sold: usize = days
            .clone()
            .map(|day| {
                calendar::sales(&self.places, day).count()
                    + calendar::returning(&self.places, day).len()
            })
            .sum();
        let refunded: usize = days
            .map(|day| calendar::refunds(&self.places, day).len())
            .sum();
        let accepted = self.of_demo("claims?status=accepted").await?.len();
        let reversed = commissions
            .iter()
            .filter(|it| it["reversed"] != "0.00")
            .count();
        let found = (commissions.len(), reversed);
        if found != (sold + accepted, refunded) {
            return Ok(Err(format!(
                "{found:?} commissions and reversals of {:?}",
                (sold + accepted, refunded)
            )));
        }
        let (mut earned, mut on_hold) = (Sums::new(), 0);
        for commission in &commissions {
            let until = commission["hold_until"]
                .as_str()
                .map(super::client::seconds_of)
                .transpose()?;
            if commission["status"] == "held" && until.is_some_and(|until| until < clock.now) {
                return Ok(Err(format!("the hold of {} is over", commission["id"])));
            }
            if commission["status"] == "held" {
                on_hold += minor(&commission["net"])?;
            }
            *earned.entry(owner(commission)).or_default() += minor(&commission["net"])?;
        }
        let (mut held, mut payable, mut pending) = (Sums::new(), Sums::new(), 0);
        for balance in self.of_demo("balances").await? {
            let accounts = &balance["accounts"];
            let mut sum = 0;
            for name in [
                "pending",
                "payable",
                "in_transit",
                "paid_out",
                "unfunded",
                "suspense",
            ] {
                sum += minor(&accounts[name])?;
            }
            pending += minor(&accounts["pending"])?;
            held.insert(owner(&balance), sum);
            payable.insert(owner(&balance), minor(&accounts["payable"])?);
        }
        earned.retain(|_, cents| *cents != 0);
        held.retain(|_, cents| *cents != 0);
        if earned != held {
            return Ok(Err("balances are not what commissions are".to_owned()));
        }
        if pending != on_hold {
            return Ok(Err(format!("{pending} is pending, and {on_hold} held")));
        }
        Ok(Ok(payable))
    }

    /// Of a list those of the demo's partners.
    async fn of_demo(&self, list: &str) -> Result<Vec<Value>> {
        let joint = if list.contains('?') { '&' } else { '?' };
        let mut all = self.all(&format!("{list}{joint}limit=200")).await?;
        all.retain(|it| {
            PARTNERS
                .iter()
                .any(|partner| it["partner_id"] == partner.id)
        });
        Ok(all)
    }

    async fn all(&self, path: &str) -> Result<Vec<Value>> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.operator.read(&format!("{path}{cursor}")).await?;
            all.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(all),
            }
        }
    }
}

fn owner(of: &Value) -> (String, String) {
    let text = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
    (text("partner_id"), text("currency"))
}

/// Euros go to a bank, dollars to an address.
fn payout(amount: &str, currency: &str, partner: &str) -> Value {
    let (method, details) = if currency == "EUR" {
        (
            "bank_transfer",
            json!({"iban": "DE89370400440532013000", "name": partner}),
        )
    } else {
        (
            "paypal",
            json!({"email": format!("money@{partner}.example.com")}),
        )
    };
    json!({"amount": amount, "currency": currency, "payment_method": method, "account_details": details})
}
