//! The ledger's way: each posting where `docs/ledger.md` says that it goes, no account below zero that cannot be, each payout
//! by the steps that there are, and what waits for a brand's funds in its order.

mod queues;
mod stated;
mod warned;

use std::collections::{BTreeMap, HashMap, VecDeque};

use anyhow::Result;
use futures::TryStreamExt;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use crate::Finding;
use crate::evidence::Tally;
use queues::{Queues, Waiting};

const EVENTS: &str = "SELECT m.position, m.type, m.subject, m.key, m.payload, c.payload AS cause,
        to_char(to_timestamp(m.time / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day
   FROM messages m LEFT JOIN known c ON c.known_as = m.causation_id AND c.service = 'commission'
  WHERE m.service = 'payment' AND m.type NOT LIKE 'command.%' AND m.type NOT LIKE 'sealing_key.%' AND m.payload IS NOT NULL
  ORDER BY m.position";

#[derive(FromRow)]
struct Row {
    position: i64,
    r#type: String,
    subject: String,
    key: String,
    /// On which it happened, in UTC.
    day: String,
    payload: Json<Value>,
    cause: Option<Json<Value>>,
}

impl Row {
    fn month(&self) -> &str {
        self.day.get(..7).unwrap_or_default()
    }

    fn is_one_of(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.r#type.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Transfer {
    debit: String,
    credit: String,
    minor: i64,
    currency: String,
}

const EVERYWHERE_AFTER: &str =
    "SELECT after_position FROM payment.rules WHERE rule = 'limits_in_every_currency'";

/// No decision takes a balance beyond this.
const LIMIT: i128 = 1 << 61;

/// Whose funds, in which currency.
type Funds = (String, String);

#[derive(Default)]
struct Ledger {
    balances: HashMap<(String, String), i128>,
    /// Of each payout that is under way: how far it is, and how much.
    payouts: HashMap<String, (String, Value)>,
    /// Of each brand what its funds in a currency must not fall below by what its partners earn; none: nothing. As it was stated.
    floors: HashMap<String, HashMap<String, Option<i128>>>,
    /// Behind which position a limit counts in every currency (decision 0097), and how far this has come.
    everywhere_after: i64,
    at: i64,
    /// What waits for a brand's funds, in its order.
    queues: Queues,
    /// Whether a brand was last said to be out of funds.
    exhausted: HashMap<Funds, bool>,
    /// Deposits and withdrawals by their ids: what they are, and whether they are over.
    bank: HashMap<String, (Value, bool)>,
    /// What each partner was paid before refunds took it back, by currency and the brands that wait for it, the first first.
    owed: HashMap<(String, String), Vec<(String, i128)>>,
    /// What has to be said next: which brand has how much back, of whom.
    recovered: VecDeque<(Funds, String, i128)>,
    warned: warned::Warned,
    stated: stated::Stated,
}

/// What the walk shows.
struct Found {
    placed: Tally,
    above: Tally,
    steps: Tally,
    funded: Tally,
    banked: Tally,
    recovered: Tally,
    warned: Tally,
    reported: Tally,
}

impl Found {
    fn nothing() -> Self {
        Self {
            placed: Tally::new(
                9,
                "every posting goes from where to where docs/ledger.md says",
            ),
            above: Tally::new(
                9,
                "nothing that was reserved, held or paid out is ever below zero, and no payout is more than was payable",
            ),
            steps: Tally::new(
                9,
                "every payout takes the steps that there are, with one amount",
            ),
            funded: Tally::new(
                9,
                "what funds do not cover waits, is funded in its order as far as they reach, and is said to begin and end",
            ),
            banked: Tally::new(
                9,
                "brands take out and move no more than is there, and a deposit or withdrawal ends once, as it began",
            ),
            recovered: Tally::new(
                9,
                "what was paid out before its refund is its brand's again as its partner earns it, the first first",
            ),
            warned: Tally::new(
                9,
                "a brand is warned once each time that its funds come to cover less than the amount that it set",
            ),
            reported: Tally::new(
                9,
                "a partner's statement of a month says what moved in its accounts, each follows on the one before, and none is missing",
            ),
        }
    }

    /// Notes what is wrong with an event by what was before it, and with what should have been there before.
    fn before(&mut self, ledger: &mut Ledger, row: &Row, place: impl Fn() -> String) {
        let is_warning = row.is_one_of(&["funds.low.v1", "funds_warning.changed.v1"]);
        self.warned
            .rule_out_of(is_warning, ledger.warn(row), &place);
        let banks = row.r#type.starts_with("deposit.")
            || row.r#type.starts_with("withdrawal.")
            || row.r#type == "funds.transferred.v1";
        self.banked.rule_out_of(banks, ledger.bank(row), &place);
        let recovers = row.r#type == "refund.recovered.v1";
        self.recovered
            .rule_out_of(recovers, ledger.recover(row), &place);
        let is_statement = row.r#type == "statement.issued.v1";
        let wrong = ledger.stated.statement(row);
        self.reported.rule_out_of(is_statement, wrong, &place);
    }

    /// Notes what is missing at the end.
    fn missing(&mut self, ledger: &mut Ledger) {
        let place = || "at the end".to_owned();
        self.warned.rule_out_of(false, ledger.unwarned(), place);
        self.funded.rule_out_of(false, ledger.unreported(), place);
        let recovered = &ledger.recovered;
        let unrecovered =
            (!recovered.is_empty()).then(|| format!("nobody has it back: {recovered:?}"));
        self.recovered.rule_out_of(false, unrecovered, place);
        for missing in ledger.stated.missing() {
            self.reported.rule_out(Some(missing), place);
        }
    }

    fn findings(self) -> Vec<Finding> {
        let all = [
            self.placed,
            self.above,
            self.steps,
            self.funded,
            self.banked,
            self.recovered,
            self.warned,
            self.reported,
        ];
        all.map(Tally::finding).into()
    }
}

/// Walks through payment's log.
pub(super) async fn ledger(records: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut found = Found::nothing();
    let mut ledger = Ledger::begin(records).await?;
    let mut rows = sqlx::query_as::<_, Row>(EVENTS).fetch(records);
    while let Some(row) = rows.try_next().await? {
        ledger.at = row.position;
        let place = || {
            format!(
                "payment position {} ({} of {})",
                row.position, row.r#type, row.subject
            )
        };
        let payout = row.r#type.starts_with("payout.");
        found.before(&mut ledger, &row, place);
        let moved = match row.r#type.as_str() {
            "ledger.posted.v1" => {
                let stated = stated(&row.payload.0);
                let due = ledger.due(&row);
                found
                    .placed
                    .hold(due.as_ref().is_none_or(|due| *due == stated), || {
                        format!("{}: {stated:?}, and it should be {due:?}", place())
                    });
                ledger.wait(&row, &stated);
                stated
            }
            "earnings.funded.v1" => {
                let stated = stated(&row.payload.0);
                found.funded.rule_out(ledger.fund(&row, &stated), place);
                stated
            }
            _ if payout => {
                found.steps.rule_out(ledger.step(&row), place);
                payout_transfer(&row).into_iter().collect()
            }
            _ => {
                let says =
                    row.is_one_of(&["funds.exhausted.v1", "funds.restored.v1", "funds.stated.v1"]);
                found.funded.rule_out_of(says, ledger.note(&row), place);
                funds_transfer(&row).into_iter().collect()
            }
        };
        ledger.owe(&moved);
        for moved in moved {
            ledger.warned.moved(&moved);
            ledger.stated.moved(&row, &moved);
            let is_payout = row.r#type == "payout.requested.v1";
            found.above.rule_out(ledger.post(&moved, is_payout), place);
        }
    }
    found.missing(&mut ledger);
    Ok(found.findings())
}

/// The transfers of a posting.
fn stated(payload: &Value) -> Vec<Transfer> {
    let transfers = payload.get("transfers").and_then(Value::as_array);
    let read = |transfer: &Value| {
        let text = |name| Some(transfer.get(name)?.as_str()?.to_owned());
        Some(Transfer {
            debit: text("debit")?,
            credit: text("credit")?,
            minor: transfer.get("minor")?.as_i64()?,
            currency: text("currency")?,
        })
    };
    transfers.into_iter().flatten().filter_map(read).collect()
}

/// What moves between a brand, its clearing account and the bank.
fn funds_transfer(row: &Row) -> Option<Transfer> {
    let payload = &row.payload.0;
    let brand = payload.get("brand_id").and_then(Value::as_str);
    let brand = brand.unwrap_or(&row.key);
    let own = |field: &str| match payload.get(field).and_then(Value::as_str) {
        None | Some("default") => format!("brand:{brand}:funds"),
        Some(name) => format!("brand:{brand}:funds.{name}"),
    };
    let (clearing, bank) = (
        format!("brand:{brand}:clearing"),
        "bank:main:cash".to_owned(),
    );
    let (debit, credit) = match row.r#type.as_str() {
        "refund.recovered.v1" => (
            format!("brand:{}:recoverable", row.key),
            format!("brand:{}:funds", row.key),
        ),
        "deposit.announced.v1" => (bank, clearing),
        "deposit.cleared.v1" | "withdrawal.failed.v1" => (clearing, own("account")),
        "withdrawal.requested.v1" => (own("account"), clearing),
        "deposit.failed.v1" | "withdrawal.settled.v1" => (clearing, bank),
        "funds.transferred.v1" => (own("from_account"), own("to_account")),
        _ => return None,
    };
    let amount = payload.get("amount")?;
    Some(Transfer {
        debit,
        credit,
        minor: amount.get("minor")?.as_i64()?,
        currency: amount.get("currency")?.as_str()?.to_owned(),
    })
}

fn payout_transfer(row: &Row) -> Option<Transfer> {
    let (debit, credit) = match row.r#type.as_str() {
        "payout.requested.v1" => ("payable", "in_transit"),
        "payout.paid.v1" => ("in_transit", "paid_out"),
        "payout.failed.v1" => ("in_transit", "payable"),
        _ => return None,
    };
    let amount = row.payload.get("amount")?;
    let account_type = |account_type| format!("partner:{}:{account_type}", row.key);
    Some(Transfer {
        debit: account_type(debit),
        credit: account_type(credit),
        minor: amount.get("minor")?.as_i64()?,
        currency: amount.get("currency")?.as_str()?.to_owned(),
    })
}

impl Ledger {
    async fn begin(records: &mut PgConnection) -> Result<Self> {
        let everywhere_after = sqlx::query_scalar(EVERYWHERE_AFTER);
        Ok(Self {
            everywhere_after: everywhere_after.fetch_one(records).await?,
            ..Self::default()
        })
    }

    fn balance(&self, account: &str, currency: &str) -> i128 {
        let key = (account.to_owned(), currency.to_owned());
        self.balances.get(&key).copied().unwrap_or(0)
    }

    /// The transfers that the cause of a posting makes, as the tables in `docs/ledger.md` have them; none for what moves nothing,
    /// or may.
    fn due(&self, row: &Row) -> Option<Vec<Transfer>> {
        let cause = &row.cause.as_ref()?.0;
        let text = |name| cause.get(name).and_then(Value::as_str);
        let minor = cause.pointer("/amount/minor")?.as_i64()?;
        if minor <= 0 {
            return Some(Vec::new());
        }
        let currency = cause.pointer("/amount/currency")?.as_str()?.to_owned();
        let (brand, partner) = (text("brand_id")?, text("partner_id")?);
        let (funds, unfunded) = (
            format!("brand:{brand}:funds"),
            format!("brand:{brand}:unfunded"),
        );
        let own = |account_type: &str| format!("partner:{partner}:{account_type}");
        let stated = row.payload.get("cause").and_then(Value::as_str)?;
        let key = (brand.to_owned(), currency.clone());
        let conversion = row.payload.get("conversion_id").and_then(Value::as_str)?;
        let waiting = self.queues.get(&key, conversion);
        let usual = |minor: i64| {
            let short = self.balance(&own("pending"), &currency) < i128::from(minor);
            let covered = self.covers(&key, minor);
            let pair = match stated {
                "commission.calculated.v1" if text("status") == Some("approved") && covered => {
                    (funds.clone(), own("payable"))
                }
                "commission.calculated.v1" if text("status") == Some("approved") => {
                    (unfunded.clone(), own("unfunded"))
                }
                "commission.calculated.v1" if covered => (funds.clone(), own("pending")),
                "commission.calculated.v1" => (unfunded.clone(), own("pending")),
                "commission.approved.v1" if short && covered => (funds.clone(), own("suspense")),
                "commission.approved.v1" if short => (unfunded.clone(), own("suspense")),
                "commission.approved.v1" => (own("pending"), own("payable")),
                // What was paid out is not there to be taken back.
                "commission.reversed.v1" if text("from") != Some("pending") => {
                    let there = self.balance(&own("payable"), &currency);
                    let there = i64::try_from(there.clamp(0, i128::from(minor))).unwrap_or(minor);
                    let recoverable = format!("brand:{brand}:recoverable");
                    return [(there, funds.clone()), (minor - there, recoverable)]
                        .into_iter()
                        .filter(|(minor, _)| *minor > 0)
                        .map(|(minor, credit)| (own("payable"), credit, minor))
                        .collect();
                }
                "commission.reversed.v1" if short => (own("suspense"), funds.clone()),
                _ => (own("pending"), funds.clone()),
            };
            let (debit, credit) = pair;
            vec![(debit, credit, minor)]
        };
        let moves = match (waiting, stated) {
            (None, _) => usual(minor),
            (Some(it), "commission.calculated.v1") => {
                vec![(unfunded.clone(), own(it.stands), minor)]
            }
            (Some(it), "commission.approved.v1") if it.stands == "pending" => {
                vec![(own("pending"), own("unfunded"), it.minor)]
            }
            (Some(_), "commission.approved.v1") => Vec::new(),
            (Some(it), _) => {
                let part = it.minor.min(minor);
                let back = (own(it.stands), unfunded.clone(), part);
                let rest = (minor > part).then(|| usual(minor - part));
                std::iter::once(back)
                    .chain(rest.into_iter().flatten())
                    .collect()
            }
        };
        let within = moves.iter().all(|(debit, credit, minor)| {
            self.balance(debit, &currency) - i128::from(*minor) >= -LIMIT
                && self.balance(credit, &currency) + i128::from(*minor) <= LIMIT
        });
        let transfer = |(debit, credit, minor)| Transfer {
            debit,
            credit,
            minor,
            currency: currency.clone(),
        };
        within.then(|| moves.into_iter().map(transfer).collect())
    }

    /// Notes what partners owe after these transfers, which are not posted yet, and who has it back by them.
    fn owe(&mut self, moved: &[Transfer]) {
        let mut earned: BTreeMap<(String, String), i128> = BTreeMap::new();
        for it in moved {
            let (minor, payable) = (i128::from(it.minor), ":payable");
            for (account, change) in [(&it.credit, minor), (&it.debit, -minor)] {
                if account.ends_with(payable) {
                    let key = (account.clone(), it.currency.clone());
                    *earned.entry(key).or_default() += change;
                }
            }
            let brand = it.credit.strip_suffix(":recoverable");
            if let Some(brand) = brand.and_then(|text| text.strip_prefix("brand:")) {
                let owed = self.owed.entry((it.debit.clone(), it.currency.clone()));
                let owed = owed.or_default();
                match owed.iter_mut().find(|(whose, _)| whose == brand) {
                    Some((_, sum)) => *sum += minor,
                    None => owed.push((brand.to_owned(), minor)),
                }
            }
        }
        for ((account, currency), change) in earned {
            let before = self.balance(&account, &currency);
            let Some(owed) = self.owed.get_mut(&(account.clone(), currency.clone())) else {
                continue;
            };
            if change <= 0 {
                continue;
            }
            let all: i128 = owed.iter().map(|(_, minor)| minor).sum();
            let mut over = all - (-(before + change)).max(0);
            let partner = account.split(':').nth(1).unwrap_or_default();
            for (brand, minor) in owed.iter_mut() {
                let part = over.clamp(0, *minor);
                over -= part;
                *minor -= part;
                if part > 0 {
                    let funds = (brand.clone(), currency.clone());
                    self.recovered.push_back((funds, partner.to_owned(), part));
                }
            }
            owed.retain(|(_, minor)| *minor > 0);
        }
    }

    /// What is wrong with an event, that does or does not say who has back what a partner owed.
    fn recover(&mut self, row: &Row) -> Option<String> {
        if row.r#type != "refund.recovered.v1" {
            // One that says who is out of funds comes of the same, before it.
            let between = row.r#type.starts_with("funds.");
            return (!between && !self.recovered.is_empty()).then(|| {
                format!(
                    "before it is to be said who has it back: {:?}",
                    self.recovered
                )
            });
        }
        let text = |at| {
            row.payload
                .pointer(at)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let minor = row.payload.pointer("/amount/minor").and_then(Value::as_i64);
        let stated = (
            (row.key.clone(), text("/amount/currency").to_owned()),
            text("/partner_id").to_owned(),
            minor.map_or(0, i128::from),
        );
        let due = self.recovered.pop_front();
        (due.as_ref() != Some(&stated)).then(|| format!("{stated:?}, and it should be {due:?}"))
    }

    /// What a brand's funds must not fall below: one that has a limit in any currency has it at zero where nothing was stated.
    fn floor(&self, (brand, currency): &Funds) -> Option<i128> {
        let stated = self.floors.get(brand)?;
        let is_limited = || stated.values().any(Option::is_some);
        match stated.get(currency) {
            Some(floor) => *floor,
            None => (self.at > self.everywhere_after && is_limited()).then_some(0),
        }
    }

    /// Whether a brand's funds cover so much more, with nothing waiting before it.
    fn covers(&self, key: &Funds, minor: i64) -> bool {
        let (brand, currency) = key;
        let left = self.balance(&format!("brand:{brand}:funds"), currency) - i128::from(minor);
        let floor = self.floor(key);
        self.queues.is_empty(key) && floor.is_none_or(|floor| left >= floor)
    }

    /// Notes what a posting says of what waits.
    fn wait(&mut self, row: &Row, stated: &[Transfer]) {
        let conversion = row.payload.get("conversion_id").and_then(Value::as_str);
        let conversion = conversion.unwrap_or_default();
        for moved in stated {
            let of = |account: &str| {
                let mut parts = account.split(':').map(ToOwned::to_owned);
                (parts.next(), parts.next(), parts.next())
            };
            let (debit, credit) = (of(&moved.debit), of(&moved.credit));
            let stands = match credit.2.as_deref() {
                Some("pending") => "pending",
                Some("suspense") => "suspense",
                _ => "unfunded",
            };
            let brand_of =
                |(owner, id, account_type): &(Option<String>, Option<String>, Option<String>)| {
                    let waits = owner.as_deref() == Some("brand")
                        && account_type.as_deref() == Some("unfunded");
                    id.clone().filter(|_| waits)
                };
            let key = |brand| (brand, moved.currency.clone());
            if let Some(brand) = brand_of(&debit) {
                let new = Waiting {
                    conversion: conversion.to_owned(),
                    partner: credit.1.clone().unwrap_or_default(),
                    minor: moved.minor,
                    stands,
                };
                self.queues.add(&key(brand), new);
            } else if let Some(brand) = brand_of(&credit) {
                self.queues.lessen(&key(brand), conversion, moved.minor);
            } else if credit.0.as_deref() == Some("partner")
                && credit.2.as_deref() == Some("unfunded")
            {
                self.queues.stand(conversion, "unfunded");
            }
        }
    }

    /// What is wrong with what is funded: it is the first that waited, all of it, and the funds reach.
    fn fund(&mut self, row: &Row, stated: &[Transfer]) -> Option<String> {
        let text = |name| row.payload.get(name).and_then(Value::as_str);
        let key = (
            row.subject.clone(),
            text("currency").unwrap_or_default().to_owned(),
        );
        let (brand, currency) = &key;
        let conversions = row.payload.get("conversion_ids").and_then(Value::as_array);
        let conversions: Vec<&str> = conversions
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut left = self.balance(&format!("brand:{brand}:funds"), currency);
        let floor = self.floor(&key);
        let waited = self.queues.len(&key);
        if waited < conversions.len() {
            return Some(format!(
                "{} were funded, and {waited} waited",
                conversions.len()
            ));
        }
        let mut due = Vec::new();
        let first = self.queues.take(&key, conversions.len());
        for (waiting, conversion) in first.into_iter().zip(&conversions) {
            if waiting.conversion != *conversion {
                return Some(format!(
                    "{conversion} was funded before {}",
                    waiting.conversion
                ));
            }
            left -= i128::from(waiting.minor);
            let mut moves = |debit: String, credit: String| {
                due.push(Transfer {
                    debit,
                    credit,
                    minor: waiting.minor,
                    currency: currency.clone(),
                });
            };
            moves(
                format!("brand:{brand}:funds"),
                format!("brand:{brand}:unfunded"),
            );
            if waiting.stands == "unfunded" {
                let own = |account_type| format!("partner:{}:{account_type}", waiting.partner);
                moves(own("unfunded"), own("payable"));
            }
        }
        if floor.is_some_and(|floor| left < floor) {
            return Some(format!("the funds are at {left} after it"));
        }
        (due != stated).then(|| format!("{stated:?}, and it should be {due:?}"))
    }

    /// Notes what is said of a brand's funds; what is wrong with it.
    fn note(&mut self, row: &Row) -> Option<String> {
        let text = |name| row.payload.get(name).and_then(Value::as_str);
        let key = (
            row.subject.clone(),
            text("currency").unwrap_or_default().to_owned(),
        );
        match row.r#type.as_str() {
            "billing.changed.v1" => {
                let limit = row.payload.get("credit_limit").and_then(Value::as_i64);
                let floor = match text("billing") {
                    Some("prepaid") => Some(0),
                    _ => limit.map(|limit| -i128::from(limit)),
                };
                let (brand, currency) = key;
                self.floors
                    .entry(brand)
                    .or_default()
                    .insert(currency, floor);
                None
            }
            "funds.exhausted.v1" | "funds.restored.v1" => {
                let exhausted = row.r#type == "funds.exhausted.v1";
                let waits = !self.queues.is_empty(&key);
                let before = self.exhausted.insert(key, exhausted).unwrap_or_default();
                (before == exhausted || waits != exhausted)
                    .then(|| format!("it was so before: {before}, something waits: {waits}"))
            }
            "funds.stated.v1" => {
                let stated = row.payload.get("exhausted").and_then(Value::as_bool);
                let waits = !self.queues.is_empty(&key);
                (stated != Some(waits)).then(|| format!("{stated:?}, something waits: {waits}"))
            }
            _ => None,
        }
    }

    /// What is wrong with what a brand puts in, takes out or moves between its accounts: more than is there, another amount than
    /// was announced or asked for, or an end without a beginning.
    fn bank(&mut self, row: &Row) -> Option<String> {
        let (life, step) = row.r#type.trim_end_matches(".v1").split_once('.')?;
        let takes = matches!(
            (life, step),
            ("withdrawal", "requested") | ("funds", "transferred")
        );
        if takes {
            let moved = funds_transfer(row)?;
            let mut there = self.balance(&moved.debit, &moved.currency);
            if let Some(brand) = moved.debit.strip_suffix(":funds") {
                let key = (
                    brand.trim_start_matches("brand:").to_owned(),
                    moved.currency,
                );
                let queue = self.queues.of(&key);
                there -= queue.map(|it| i128::from(it.minor)).sum::<i128>();
            }
            if there < i128::from(moved.minor) {
                return Some(format!("{} was taken where {there} could be", moved.minor));
            }
        }
        if !matches!(life, "deposit" | "withdrawal") {
            return None;
        }
        let of = |field| row.payload.get(field).cloned().unwrap_or_default();
        let stated = serde_json::json!([life, of("brand_id"), of("account"), of("amount")]);
        let begins = matches!(step, "announced" | "requested");
        let before = self
            .bank
            .insert(row.subject.clone(), (stated.clone(), !begins));
        match before {
            None if begins => None,
            Some((before, false)) if !begins && before == stated => None,
            before => Some(format!("it was {before:?} before, and is {stated}")),
        }
    }

    /// What waits at the end without having been said, or the other way round.
    fn unreported(&self) -> Option<String> {
        let mut odd = self.queues.all().filter(|(key, waiting)| {
            let reported = self.exhausted.get(*key).copied().unwrap_or_default();
            reported == (*waiting == 0)
        });
        odd.next().map(|((brand, currency), waiting)| {
            format!("{waiting} wait for the {currency} of {brand}, and the log says otherwise")
        })
    }

    /// Moves the money. What is below zero then and cannot be.
    fn post(&mut self, moved: &Transfer, payout: bool) -> Option<String> {
        let Transfer {
            debit,
            credit,
            minor,
            currency,
        } = moved;
        let minor = i128::from(*minor);
        *self
            .balances
            .entry((credit.clone(), currency.clone()))
            .or_default() += minor;
        let left = self
            .balances
            .entry((debit.clone(), currency.clone()))
            .or_default();
        *left -= minor;
        let never_below = [
            ":pending",
            ":in_transit",
            ":paid_out",
            ":clearing",
            ":recoverable",
        ]
        .iter()
        .any(|account_type| debit.ends_with(account_type))
            || debit.contains(":funds.")
            || debit.starts_with("partner:") && debit.ends_with(":unfunded");
        (*left < 0 && (never_below || payout)).then(|| format!("{debit} is at {left} {currency}"))
    }

    /// What is wrong with a payout's next step.
    fn step(&mut self, row: &Row) -> Option<String> {
        let step = row
            .r#type
            .trim_start_matches("payout.")
            .trim_end_matches(".v1");
        let amount = row.payload.get("amount").cloned().unwrap_or_default();
        let before = self
            .payouts
            .insert(row.subject.clone(), (step.to_owned(), amount.clone()));
        let Some((before, requested)) = before else {
            return (step != "requested").then(|| "it was never asked for".to_owned());
        };
        let allowed = match before.as_str() {
            // An operator may know that it was paid before payment was restored.
            "requested" => matches!(step, "submitting" | "paid" | "failed"),
            "submitting" => matches!(step, "submitted" | "unknown" | "paid" | "failed"),
            "submitted" => matches!(step, "paid" | "failed"),
            "unknown" => matches!(step, "submitting" | "submitted" | "paid" | "failed"),
            _ => false,
        };
        if !allowed {
            return Some(format!("it was {before} before"));
        }
        (requested != amount).then(|| format!("asked for was {requested}, now it is {amount}"))
    }
}
