//! What a message says, as a plain sentence, with the values that it names.

use chassis::time::Timestamp;
use schemas::{
    Body, ClaimedSale, CommissionCalculatedV1, ConversionAttributedV1, ConversionUnattributedV1,
    Header, LedgerPostedV1, Transfer,
};
use serde_json::{Value, json};
use types::{Currency, Micros, Money, UnattributedReason};

/// A sentence with what it is about and what it names.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    /// What sort of step it is, for programs.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) values: Value,
}

impl Sentence {
    pub(crate) fn new(kind: &'static str, text: String, values: Value) -> Self {
        Self { kind, text, values }
    }
}

/// An amount with its currency: `10.00 USD`.
pub(crate) fn money(amount: Money) -> String {
    format!("{amount} {}", amount.currency.code())
}

/// A moment as ISO 8601 has it.
pub(crate) fn moment(at: Micros) -> String {
    json!(Timestamp(at)).as_str().unwrap_or_default().to_owned()
}

/// A rate in percent: `10 %`, `12.5 %`.
pub(crate) fn percent(bps: i32) -> String {
    let (whole, rest) = (bps / 100, bps % 100);
    let digits = format!("{rest:02}");
    match digits.trim_end_matches('0') {
        "" => format!("{whole} %"),
        digits => format!("{whole}.{digits} %"),
    }
}

fn amount(amount: Money) -> Value {
    json!({ "amount": amount.to_string(), "currency": amount.currency.code() })
}

/// Transfers as people read them.
pub(crate) fn transfers(transfers: &[Transfer]) -> Value {
    let each = transfers.iter().map(|it| {
        let money = Money::new(it.minor, it.currency);
        json!({ "id": it.id, "from": it.debit, "to": it.credit, "amount": money.to_string(), "currency": it.currency.code() })
    });
    each.collect()
}

fn moved(transfers: &[Transfer]) -> String {
    let each: Vec<String> = transfers
        .iter()
        .map(|it| {
            let money = money(Money::new(it.minor, it.currency));
            format!("{money} went from {} to {}", it.debit, it.credit)
        })
        .collect();
    each.join("; ")
}

/// What a message says of a conversion, a commission or money. Of movements only the transfers that are given.
pub(crate) fn sentence(header: &Header, body: &Body, moves: &[Transfer]) -> Sentence {
    of_conversion(header, body)
        .or_else(|| of_commission(body))
        .or_else(|| of_money(header, body, moves))
        .unwrap_or_else(|| {
            let text = format!("{} was recorded about {}.", header.kind, header.subject);
            Sentence::new("message", text, json!({ "type": header.kind }))
        })
}

fn of_conversion(header: &Header, body: &Body) -> Option<Sentence> {
    Some(match body {
        Body::ConversionAttributedV1(it) => attributed(header, it),
        Body::ConversionUnattributedV1(it) => unattributed(it),
        Body::ConversionClaimedV1(it) => claimed(&it.sale),
        Body::ClaimSettledV1(it) => Sentence::new(
            "claim_settled",
            format!(
                "The claim of {} was settled: its order is conversion {}, from a report or from another claim that the brand accepted.",
                it.sale.partner_id, it.conversion_id
            ),
            json!({ "partner_id": it.sale.partner_id, "conversion_id": it.conversion_id }),
        ),
        Body::ClaimAcceptedV1(it) => Sentence::new(
            "claim_accepted",
            format!(
                "The brand accepted the claim: it became conversion {}.",
                it.conversion_id
            ),
            json!({ "conversion_id": it.conversion_id }),
        ),
        Body::ClaimDeclinedV1(it) => Sentence::new(
            "claim_declined",
            format!(
                "The brand declined the claim ({}): it earns nothing.",
                it.reason.name()
            ),
            json!({ "reason": it.reason.name() }),
        ),
        Body::ConversionRefundedV1(it) => Sentence::new(
            "refunded",
            format!(
                "{} of it went back: {} of {} in all.",
                money(it.amount),
                money(it.refunded_total),
                money(it.purchase_amount)
            ),
            json!({ "amount": amount(it.amount), "refunded": amount(it.refunded_total), "purchase": amount(it.purchase_amount) }),
        ),
        Body::ConversionRefundNotedV1(it) => {
            // Without an amount all of it goes back.
            let what = reported(it.amount.as_deref(), it.currency)
                .unwrap_or_else(|| "all of its purchase".to_owned());
            Sentence::new(
                "refund_noted",
                format!(
                    "A refund of {what} was noted: it counts once its purchase is a partner's, and earns nothing."
                ),
                json!({ "amount": it.amount, "currency": it.currency.map(Currency::code) }),
            )
        }
        Body::ConversionDuplicateIgnoredV1(it) => Sentence::new(
            "duplicate_ignored",
            format!(
                "It was reported again, as {}: nothing followed, since an order counts once.",
                it.event_type
            ),
            json!({ "event_type": it.event_type, "first_event_id": it.first_event_id }),
        ),
        Body::CommandRejectedV1(it) => Sentence::new(
            "rejected",
            format!(
                "{} was refused as {}: {}.",
                it.command_type, it.code, it.detail
            ),
            json!({ "command_type": it.command_type, "code": it.code }),
        ),
        _ => return None,
    })
}

fn attributed(header: &Header, it: &ConversionAttributedV1) -> Sentence {
    let what = it.amount.map_or_else(
        || format!("A {}", it.event_type.name()),
        |amount| format!("A {} of {}", it.event_type.name(), money(amount)),
    );
    let order = it
        .order_id
        .as_ref()
        .map_or_else(String::new, |order| format!(", order {order}"));
    let word = match it.verified_by.as_deref() {
        Some("brand") => ", on the brand's word".to_owned(),
        Some("operator") => ", on an operator's word".to_owned(),
        Some("claim") => ", by the partner's claim that the brand accepted".to_owned(),
        Some(other) => format!(", on the word of {other}"),
        None => String::new(),
    };
    let choice = match (it.clicked_at.map(moment), it.click_named) {
        (Some(at), Some(true)) => format!("; the click is of {at}, and the report names it"),
        (Some(at), _) => {
            format!("; the click is of {at}, the visitor's last that was inside its window")
        }
        (None, _) => String::new(),
    };
    let text = format!(
        "{what} at {}{order}, is {}'s{word}: click {} on link {} of campaign {} of {} led to it, which counts by version {} of the terms{choice}.",
        moment(it.occurred_at),
        it.partner_id,
        it.click_id,
        it.link_code,
        it.campaign_id,
        it.brand_id,
        it.terms_version.get(),
    );
    Sentence::new(
        "attributed",
        text,
        json!({
            "conversion_id": header.subject, "event_type": it.event_type.name(), "order_id": it.order_id,
            "campaign_id": it.campaign_id, "brand_id": it.brand_id, "partner_id": it.partner_id, "link_code": it.link_code,
            "click_id": it.click_id, "amount": it.amount.map(amount), "terms_version": it.terms_version.get(),
            "occurred_at": Timestamp(it.occurred_at), "verified_by": it.verified_by,
            "clicked_at": it.clicked_at.map(Timestamp), "click_named": it.click_named,
        }),
    )
}

/// An amount as it was reported, with the currency's digits where that is known.
fn reported(amount: Option<&str>, currency: Option<Currency>) -> Option<String> {
    let amount = amount?;
    let Some(currency) = currency else {
        return Some(format!("{amount} of an unknown currency"));
    };
    Some(match Money::parse(amount, currency) {
        Ok(amount) => money(amount),
        Err(_) => format!("{amount} {}", currency.code()),
    })
}

fn unattributed(it: &ConversionUnattributedV1) -> Sentence {
    let why = match UnattributedReason::parse(&it.reason) {
        Some(UnattributedReason::NoClick) => "the visitor clicked no link before it",
        Some(UnattributedReason::ClickUnknown) => "the click that the report names is not known",
        Some(UnattributedReason::CampaignUnknown) => {
            "the campaign that the report names is not known"
        }
        Some(UnattributedReason::OtherCampaign) => {
            "the click that the report names is of another campaign"
        }
        Some(UnattributedReason::BeforeClick) => "it happened before the click",
        Some(UnattributedReason::OutsideWindow) => {
            "the last click is longer ago than the campaign's window"
        }
        None => &it.reason,
    };
    let what = reported(it.amount.as_deref(), it.currency)
        .map_or_else(String::new, |amount| format!(" of {amount}"));
    let at = moment(it.occurred_at);
    Sentence::new(
        "unattributed",
        format!(
            "A {}{what} at {at} is nobody's, and earns nothing: {why}.",
            it.event_type.name()
        ),
        json!({
            "reason": it.reason, "event_type": it.event_type.name(), "amount": it.amount, "order_id": it.order_id,
            "campaign_id": it.campaign_id, "click_id": it.click_id, "occurred_at": Timestamp(it.occurred_at),
        }),
    )
}

fn claimed(sale: &ClaimedSale) -> Sentence {
    let what = sale.amount.map_or_else(
        || sale.event_type.name().to_owned(),
        |amount| format!("{} of {}", sale.event_type.name(), money(amount)),
    );
    let text = format!(
        "{} claimed a {what} at {} by click {} on link {}: a claim earns nothing until {} accepts it, or reports the order too, which then counts instead.",
        sale.partner_id,
        moment(sale.occurred_at),
        sale.click_id,
        sale.link_code,
        sale.brand_id,
    );
    Sentence::new(
        "claimed",
        text,
        json!({
            "partner_id": sale.partner_id, "brand_id": sale.brand_id, "campaign_id": sale.campaign_id, "order_id": sale.order_id,
            "click_id": sale.click_id, "link_code": sale.link_code, "amount": sale.amount.map(amount),
        }),
    )
}

fn of_commission(body: &Body) -> Option<Sentence> {
    Some(match body {
        Body::CommissionCalculatedV1(it) => calculated(it),
        Body::CommissionApprovedV1(it) => Sentence::new(
            "approved",
            format!("The hold ended: {} is earned for good.", money(it.amount)),
            json!({ "amount": amount(it.amount) }),
        ),
        Body::CommissionReversedV1(it) => Sentence::new(
            "reversed",
            format!(
                "The refund took back {} of the commission, which was {}: {} in all.",
                money(it.amount),
                it.from.name(),
                money(it.reversed_total)
            ),
            json!({ "amount": amount(it.amount), "reversed": amount(it.reversed_total), "from": it.from.name() }),
        ),
        _ => return None,
    })
}

fn calculated(it: &CommissionCalculatedV1) -> Sentence {
    let version = it.plan_version.get();
    let plan = format!(
        "version {version} of the plan of campaign {}",
        it.campaign_id
    );
    let text = if let Some(why) = it.suspense() {
        format!(
            "Nothing is earned ({why}), by {plan}, and no command changes that: what is agreed for it is reported as another order, or paid otherwise."
        )
    } else {
        earned(it, &plan)
    };
    Sentence::new(
        "calculated",
        text,
        json!({
            "base": it.base.map(amount), "rate_bps": it.rate_bps, "flat": it.flat.map(amount), "plan_version": version,
            "rounding": it.rounding, "amount": amount(it.amount), "status": it.status, "hold_until": it.hold_until.map(Timestamp),
        }),
    )
}

/// What the plan makes of it, and when it is earned for good.
fn earned(it: &CommissionCalculatedV1, plan: &str) -> String {
    let sum = match (it.rate_bps, it.base, it.flat) {
        (Some(rate), Some(base), _) => {
            let rounded = match it.rounding.as_str() {
                "half_even" => ", rounded half to even",
                _ => "",
            };
            format!(
                "{} of {} is {}{rounded}",
                percent(rate),
                money(base),
                money(it.amount)
            )
        }
        (_, _, Some(flat)) => format!("A flat amount of {} is paid", money(flat)),
        _ => format!("{} is paid", money(it.amount)),
    };
    let then = match (it.status.as_str(), it.hold_until) {
        ("approved", _) => "it is earned for good at once".to_owned(),
        ("held", Some(until)) => format!("it is held until {}", moment(until)),
        (status, _) => format!("nothing of it is earned yet ({status})"),
    };
    format!("{sum}, by {plan}; {then}.")
}

fn posted(it: &LedgerPostedV1, moves: &[Transfer]) -> Sentence {
    let because = match it.reason.as_deref() {
        Some("unfunded") if it.cause == "commission.reversed.v1" => {
            " It waited for the brand's funds: so much of it waits no more.".to_owned()
        }
        Some("unfunded") => {
            " The brand's funds do not cover it yet: it waits for them in order.".to_owned()
        }
        Some("pending_short") => {
            " Less was pending than that: what is missing is in suspense.".to_owned()
        }
        Some("payable_short") => {
            " The rest was paid out before: it is in the brand's funds again as the partner earns it."
                .to_owned()
        }
        Some(reason) => format!(" The reason is {reason}."),
        None => String::new(),
    };
    let text = if moves.is_empty() {
        format!("The ledger moved nothing.{because}")
    } else {
        format!("{}.{because}", moved(moves))
    };
    Sentence::new(
        "posted",
        text,
        json!({ "cause": it.cause, "reason": it.reason, "transfers": transfers(moves) }),
    )
}

fn of_money(header: &Header, body: &Body, moves: &[Transfer]) -> Option<Sentence> {
    let payout = &header.subject;
    let step = |kind: &'static str, text: String, more: Value| {
        let mut values = json!({ "transfers": transfers(moves) });
        if let (Some(values), Value::Object(more)) = (values.as_object_mut(), more) {
            values.extend(more);
        }
        Some(Sentence::new(kind, text, values))
    };
    let because =
        |reason: Option<&str>| reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    match body {
        Body::LedgerPostedV1(it) => Some(posted(it, moves)),
        Body::EarningsFundedV1(_) => step(
            "funded",
            format!("The brand's funds cover it now: {}.", moved(moves)),
            json!({}),
        ),
        Body::RefundRecoveredV1(it) => step(
            "recovered",
            format!(
                "Partner {} has earned {} again that a refund took back after it was paid: it is in the brand's funds.",
                it.partner_id,
                money(it.amount)
            ),
            json!({ "partner_id": it.partner_id, "amount": amount(it.amount) }),
        ),
        Body::PayoutRequestedV1(it) => step(
            "payout_requested",
            format!(
                "Payout {payout} of {} by {} was requested: {}.",
                money(it.amount),
                it.method.name(),
                moved(moves)
            ),
            json!({ "payout_id": payout, "amount": amount(it.amount), "destination": it.masked }),
        ),
        Body::PayoutSubmittingV1(it) => step(
            "payout_submitting",
            format!(
                "Payout {payout} of {} goes to the provider, attempt {}.",
                money(it.amount),
                it.attempt
            ),
            json!({ "payout_id": payout, "attempt": it.attempt }),
        ),
        Body::PayoutSubmittedV1(it) => step(
            "payout_submitted",
            format!("The provider took payout {payout} of {}.", money(it.amount)),
            json!({ "payout_id": payout, "provider_ref": it.provider_ref }),
        ),
        Body::PayoutUnknownV1(it) => step(
            "payout_unknown",
            format!(
                "Whether the provider has payout {payout} of {} is not known{}: it is looked up.",
                money(it.amount),
                because(it.reason.as_deref())
            ),
            json!({ "payout_id": payout, "reason": it.reason }),
        ),
        Body::PayoutPaidV1(it) => step(
            "payout_paid",
            format!("Payout {payout} arrived: {}.", moved(moves)),
            json!({ "payout_id": payout, "amount": amount(it.amount), "provider_ref": it.provider_ref }),
        ),
        Body::PayoutFailedV1(it) => step(
            "payout_failed",
            format!(
                "Payout {payout} came back{}: {}.",
                because(it.reason.as_deref()),
                moved(moves)
            ),
            json!({ "payout_id": payout, "amount": amount(it.amount), "reason": it.reason }),
        ),
        _ if !moves.is_empty() => step(
            "moved",
            format!("{}: {}.", header.kind, moved(moves)),
            json!({ "type": header.kind }),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schemas::{CommissionCalculatedV1, ConversionUnattributedV1};
    use types::{ConversionType, Currency, Micros, Money, TermsVersion};

    use super::{calculated, percent, unattributed};

    #[test]
    fn what_was_reported_without_an_amount_is_told_without_one() {
        let report = |event_type, amount: Option<&str>| ConversionUnattributedV1 {
            event_type,
            reason: "no_click".to_owned(),
            amount: amount.map(ToOwned::to_owned),
            currency: amount.map(|_| Currency::USD),
            order_id: None,
            campaign_id: None,
            click_id: None,
            user_hash: "0".repeat(64),
            occurred_at: Micros(0),
        };
        for (report, begin) in [
            (report(ConversionType::Lead, None), "A lead at 1970-01-01"),
            (
                report(ConversionType::Purchase, Some("10")),
                "A purchase of 10.00 USD at 1970-01-01",
            ),
        ] {
            let text = unattributed(&report).text;
            assert!(text.starts_with(begin), "{text}");
        }
    }

    #[test]
    fn what_is_suspended_earns_nothing_whatever_rate_and_base_come_to() {
        let of = |status: &str, minor| {
            let rials = |minor| Money::new(minor, Currency::parse("IRR").unwrap());
            let record = CommissionCalculatedV1 {
                partner_id: "partner123".parse().unwrap(),
                brand_id: "brand1".parse().unwrap(),
                campaign_id: "camp1".parse().unwrap(),
                event_type: ConversionType::Purchase,
                base: Some(rials(12_000_000_000_000)),
                rate_bps: Some(1_000),
                flat: None,
                plan_version: TermsVersion::FIRST,
                rounding: "half_even".to_owned(),
                amount: rials(minor),
                status: status.to_owned(),
                hold_until: None,
            };
            calculated(&record).text
        };
        let suspended = of("suspended_out_of_range", 0);
        let begin = "Nothing is earned (out_of_range), by version 1 of the plan of campaign camp1";
        assert!(suspended.starts_with(begin), "{suspended}");
        assert!(!suspended.contains('%'), "{suspended}");
        let approved = of("approved", 1_200_000_000_000);
        let begin = "10 % of 120000000000.00 IRR is 12000000000.00 IRR, rounded half to even, by";
        assert!(approved.starts_with(begin), "{approved}");
    }

    #[test]
    fn a_rate_is_written_without_digits_that_say_nothing() {
        let rates = [
            (1_000, "10 %"),
            (1_250, "12.5 %"),
            (5, "0.05 %"),
            (0, "0 %"),
            (10_000, "100 %"),
        ];
        for (bps, text) in rates {
            assert_eq!(percent(bps), text);
        }
    }
}
