//! Whether a brand is warned, once, when its funds come to cover less than the amount that it set.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{Funds, Ledger, Row, Transfer};

/// What brands set and are warned of. One decision's events stand in a row: what follows from the first, behind it.
#[derive(Default)]
pub(super) struct Warned {
    /// Below which amount each brand is warned.
    amounts: HashMap<Funds, i128>,
    /// Whether its funds covered less than that after the decision before.
    below: HashMap<Funds, bool>,
    decision: Decision,
}

#[derive(Default)]
struct Decision {
    touched: BTreeSet<Funds>,
    exhausted: BTreeSet<Funds>,
    /// What is left, and the amount below which the brand is warned, as it is stated.
    low: HashMap<Funds, (i128, i128)>,
}

impl Warned {
    /// Notes that funds were moved, or what waits for them.
    pub(super) fn moved(&mut self, moved: &Transfer) {
        for account in [&moved.debit, &moved.credit] {
            let brand = account.strip_prefix("brand:");
            let brand = brand.and_then(|text| {
                text.strip_suffix(":funds")
                    .or_else(|| text.strip_suffix(":unfunded"))
            });
            if let Some(brand) = brand {
                let key = (brand.to_owned(), moved.currency.clone());
                self.decision.touched.insert(key);
            }
        }
    }
}

impl Ledger {
    /// What is wrong with the warnings of the decision before this event, where the event is not one that follows from it.
    pub(super) fn warn(&mut self, row: &Row) -> Option<String> {
        let follows = matches!(
            row.r#type.as_str(),
            "funds.exhausted.v1" | "funds.restored.v1" | "funds.low.v1" | "refund.recovered.v1"
        );
        let wrong = if follows { None } else { self.unwarned() };
        let minor = |at| row.payload.pointer(at).and_then(Value::as_i64);
        let currency = row.payload.get("currency").and_then(Value::as_str);
        let key = (row.subject.clone(), currency.unwrap_or_default().to_owned());
        let Warned {
            amounts, decision, ..
        } = &mut self.warned;
        match row.r#type.as_str() {
            "billing.changed.v1" => {
                let of_brand = amounts.keys().filter(|(brand, _)| *brand == key.0);
                decision.touched.extend(of_brand.cloned());
            }
            "funds_warning.changed.v1" => {
                decision.touched.insert(key.clone());
                match minor("/amount") {
                    Some(amount) => amounts.insert(key, i128::from(amount)),
                    None => amounts.remove(&key),
                };
            }
            "funds.exhausted.v1" => {
                decision.exhausted.insert(key);
            }
            "funds.low.v1" => {
                let stated = |at| minor(at).map_or(-1, i128::from);
                let stated = (stated("/left/minor"), stated("/warning/minor"));
                decision.touched.insert(key.clone());
                decision.low.insert(key, stated);
            }
            _ => {}
        }
        wrong
    }

    /// What is wrong with the warnings of the last decision: each that is due is stated, and no other.
    pub(super) fn unwarned(&mut self) -> Option<String> {
        let Decision {
            touched,
            exhausted,
            low,
        } = std::mem::take(&mut self.warned.decision);
        for key in touched {
            let (brand, currency) = &key;
            let floor = self.floor(&key);
            let stands = |account| self.balance(&format!("brand:{brand}:{account}"), currency);
            let left = floor.map(|floor| stands("funds") + stands("unfunded") - floor);
            let amount = self.warned.amounts.get(&key).copied();
            let due = left.zip(amount).filter(|(left, amount)| left < amount);
            let below = self.warned.below.insert(key.clone(), due.is_some());
            let is_silent = below == Some(true) || exhausted.contains(&key);
            let due = due.filter(|_| !is_silent);
            let due = due.map(|(left, amount)| (left.max(0), amount));
            let stated = low.get(&key).copied();
            if due != stated {
                return Some(format!(
                    "before it, of the {currency} of {brand} {stated:?} was stated, and it should be {due:?}"
                ));
            }
        }
        None
    }
}
