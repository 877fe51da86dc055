//! Postbacks: what their addresses name, as its partner sees it.

use serde_json::Value;
use sqlx::FromRow;
use types::{Currency, Money, Uuid, WebhookFormat, expand_postback, names_macro};

use crate::store::sending::Due;

/// What stands in no event about a commission: its conversion says it.
const OF_CONVERSION: [&str; 5] = ["click_id", "link", "campaign_id", "order_id", "amount"];

/// So many attempts are put off while nothing is known of the conversion: half an hour and more, in which tracking's events come to notify. Of a
/// conversion that was before the postback nothing ever does.
const PUT_OFF: i32 = 3;

/// What is known of a conversion.
#[derive(Debug, Clone, Default, FromRow)]
pub(crate) struct Sale {
    /// Whether anything is.
    pub is_known: bool,
    pub click_id: Option<String>,
    pub link_code: Option<String>,
    pub campaign_id: Option<String>,
    pub order_id: Option<String>,
    /// What it was worth, in the smallest unit.
    pub amount: Option<i64>,
    pub currency: Option<String>,
}

/// What is asked for to send this; `None`: it is no postback. One of whose conversion nothing is known yet, which tracking's events will
/// say, waits for a later attempt.
pub(crate) fn of(due: &Due) -> Option<Result<String, String>> {
    if due.format != WebhookFormat::Postback.name() {
        return None;
    }
    let event: Value = serde_json::from_str(&due.body).unwrap_or_default();
    let names_conversion = OF_CONVERSION.iter().any(|name| names_macro(&due.url, name));
    let is_early = due.attempts < PUT_OFF && !due.sale.is_known && names_conversion;
    if is_early && !is_test(&event) {
        return Some(Err("its conversion is not known yet".to_owned()));
    }
    Some(Ok(address(&due.url, due.id, &event, &due.sale)))
}

/// An address with what it names of an event.
pub(crate) fn address(url: &str, delivery: Uuid, event: &Value, sale: &Sale) -> String {
    expand_postback(url, |name| value(name, delivery, event, sale))
}

fn is_test(event: &Value) -> bool {
    event["type"] == "webhook_endpoint.tested.v1"
}

/// What a macro stands for.
fn value(name: &str, delivery: Uuid, event: &Value, sale: &Sale) -> Option<String> {
    let data = &event["data"];
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let of_both =
        |field: &str, known: &Option<String>| text(&data[field]).or_else(|| known.clone());
    match name {
        "event" => text(&event["type"]),
        "delivery_id" => Some(delivery.to_string()),
        "timestamp" => text(&event["timestamp"]),
        _ if is_test(event) => None,
        "conversion_id" => text(&event["subject"]),
        "campaign_id" => of_both("campaign_id", &sale.campaign_id),
        "link" => of_both("link_code", &sale.link_code),
        "click_id" => of_both("click_id", &sale.click_id),
        "order_id" => of_both("order_id", &sale.order_id),
        "amount" => amount(event, sale).map(|money| money.to_string()),
        "commission" => commission(event).map(|money| money.to_string()),
        "currency" => {
            let money = commission(event).or_else(|| amount(event, sale));
            money.map(|money| money.currency.to_string())
        }
        _ => None,
    }
}

fn is_of_commission(event: &Value) -> bool {
    let kind = event["type"].as_str().unwrap_or_default();
    kind.starts_with("commission.")
}

/// What the event's partner earns with it, or does not any more.
fn commission(event: &Value) -> Option<Money> {
    is_of_commission(event).then(|| money(&event["data"]["amount"]))?
}

/// What was bought, or given back.
fn amount(event: &Value, sale: &Sale) -> Option<Money> {
    let data = &event["data"];
    if !is_of_commission(event) {
        return money(&data["amount"]);
    }
    let currency = sale
        .currency
        .as_deref()
        .and_then(|it| Currency::parse(it).ok());
    let known = sale.amount.zip(currency);
    let known = known.map(|(minor, currency)| Money::new(minor, currency));
    known.or_else(|| money(&data["base"]))
}

fn money(value: &Value) -> Option<Money> {
    let currency = Currency::parse(value["currency"].as_str()?).ok()?;
    Some(Money::new(value["minor"].as_i64()?, currency))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use types::POSTBACK_MACROS;

    use super::*;

    fn sale() -> Sale {
        Sale {
            is_known: true,
            click_id: Some("clk_1".to_owned()),
            link_code: Some("spring".to_owned()),
            campaign_id: Some("camp1".to_owned()),
            order_id: Some("order 1".to_owned()),
            amount: Some(20_000),
            currency: Some("USD".to_owned()),
        }
    }

    fn event(kind: &str, data: &Value) -> Value {
        json!({"type": kind, "timestamp": "2026-11-20T09:00:00Z", "subject": "conv1", "data": data})
    }

    fn usd(minor: i64) -> Value {
        json!({"minor": minor, "currency": "USD"})
    }

    const ALL: &str = "https://t.example.com/?c={click_id}&l={link}&k={campaign_id}&o={order_id}&a={amount}&m={commission}&u={currency}&i={conversion_id}";

    fn requested(event: &Value, sale: &Sale) -> String {
        address(ALL, Uuid::nil(), event, sale)
    }

    #[test]
    fn a_commission_is_told_with_the_click_that_it_came_of() {
        for kind in [
            "commission.calculated.v1",
            "commission.approved.v1",
            "commission.reversed.v1",
        ] {
            let event = event(kind, &json!({"amount": usd(2_000)}));
            assert_eq!(
                requested(&event, &sale()),
                "https://t.example.com/?c=clk_1&l=spring&k=camp1&o=order%201&a=200.00&m=20.00&u=USD&i=conv1",
                "{kind}"
            );
        }
    }

    #[test]
    fn a_conversion_says_itself_what_it_is_and_a_refund_how_much_went_back() {
        let data = json!({"click_id": "clk_2", "link_code": "summer", "campaign_id": "camp2", "order_id": null, "amount": null});
        let lead = event("conversion.attributed.v1", &data);
        assert_eq!(
            requested(&lead, &Sale::default()),
            "https://t.example.com/?c=clk_2&l=summer&k=camp2&o=&a=&m=&u=&i=conv1"
        );
        let refund = event(
            "conversion.refunded.v1",
            &json!({"amount": usd(500), "purchase_amount": usd(20_000)}),
        );
        assert_eq!(
            requested(&refund, &sale()),
            "https://t.example.com/?c=clk_1&l=spring&k=camp1&o=order%201&a=5.00&m=&u=USD&i=conv1"
        );
    }

    #[test]
    fn a_test_says_that_it_is_one_and_nothing_else() {
        let tested = event(
            "webhook_endpoint.tested.v1",
            &json!({"partner_id": "partner1"}),
        );
        assert_eq!(
            requested(&tested, &sale()),
            "https://t.example.com/?c=&l=&k=&o=&a=&m=&u=&i="
        );
        let url = "https://t.example.com/?{event}/{delivery_id}/{timestamp}";
        let requested = address(url, Uuid::nil(), &tested, &sale());
        assert_eq!(
            requested,
            "https://t.example.com/?webhook_endpoint.tested.v1/00000000-0000-0000-0000-000000000000/2026-11-20T09%3A00%3A00Z"
        );
    }

    #[test]
    fn every_macro_that_an_address_may_name_stands_for_something() {
        let event = event("commission.approved.v1", &json!({"amount": usd(2_000)}));
        for name in POSTBACK_MACROS {
            assert!(
                value(name, Uuid::nil(), &event, &sale()).is_some(),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_told_of_a_conversion_that_is_not_known_yet_is_put_off_but_not_for_good() {
        let body = event("commission.approved.v1", &json!({"amount": usd(2_000)})).to_string();
        let due = |url: &str, attempts| Due {
            id: Uuid::nil(),
            endpoint_id: "whe_1".to_owned(),
            owner: String::new(),
            subject: "conv1".to_owned(),
            body: body.clone(),
            attempts,
            url: url.to_owned(),
            secret_version: 1,
            previous_until: None,
            format: "postback".to_owned(),
            sale: Sale::default(),
        };
        let url = "https://t.example.com/?c={click_id}";
        for attempts in 0..3 {
            assert!(of(&due(url, attempts)).unwrap().is_err(), "{attempts}");
        }
        assert_eq!(
            of(&due(url, 3)).unwrap().unwrap(),
            "https://t.example.com/?c="
        );
        let url = "https://t.example.com/?i={conversion_id}";
        assert_eq!(
            of(&due(url, 0)).unwrap().unwrap(),
            "https://t.example.com/?i=conv1"
        );
    }
}
