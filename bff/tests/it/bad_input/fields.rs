//! Each way in which a field can be wrong.

use serde_json::{Value, json};

use super::{ACCEPT, CAMPAIGNS, EVENTS, EVIDENCE, LINKS, PAYMENTS, ROUTES, TERMS};

/// Route, field, what is put there, and where the problem points (empty: at the field itself).
pub type Row = (&'static str, &'static str, Value, &'static str);

pub fn wrong_fields() -> Vec<Row> {
    let mut rows = [
        in_acceptance(),
        in_campaigns(),
        in_terms(),
        in_evidence_and_links(),
        in_events(),
        in_payments(),
    ]
    .concat();
    rows.extend(ROUTES.map(|path| (path, "/surprise", json!(1), "")));
    rows.push((TERMS, "/plan/surprise", json!(1), ""));
    let details = "/account_details/surprise";
    rows.push((PAYMENTS, details, json!("x"), ""));
    rows
}

fn in_acceptance() -> Vec<Row> {
    let deep = json!({"a": {"b": {"c": {"d": {}}}}});
    let large = json!({"a": "x".repeat(4_096)});
    vec![
        (ACCEPT, "/accepted_terms", json!(false), ""),
        (ACCEPT, "/accepted_terms", json!("yes"), ""),
        (ACCEPT, "/accepted_terms", json!(null), ""),
        (ACCEPT, "/terms_version", json!(0), ""),
        (ACCEPT, "/terms_version", json!(-1), ""),
        (ACCEPT, "/terms_version", json!(1.5), ""),
        (ACCEPT, "/terms_version", json!(3_000_000_000_u64), ""),
        (ACCEPT, "/partner_id", json!("a b"), ""),
        (ACCEPT, "/partner_id", json!(7), ""),
        (ACCEPT, "/metadata", json!("text"), ""),
        (ACCEPT, "/metadata", json!([1]), ""),
        (ACCEPT, "/metadata", deep, ""),
        (ACCEPT, "/metadata", large, ""),
    ]
}

fn in_campaigns() -> Vec<Row> {
    let long_id = "a".repeat(65);
    vec![
        (CAMPAIGNS, "/allowed_hosts/1", json!("127.0.0.1"), ""),
        (CAMPAIGNS, "/allowed_hosts/1", json!("2130706433"), ""),
        (CAMPAIGNS, "/allowed_hosts/1", json!("localhost"), ""),
        (CAMPAIGNS, "/allowed_hosts/1", json!("com"), ""),
        (CAMPAIGNS, "/campaign_id", json!(long_id), ""),
        (CAMPAIGNS, "/campaign_id", json!(""), ""),
        (CAMPAIGNS, "/campaign_id", json!("caf\u{e9}"), ""),
        (CAMPAIGNS, "/brand_id", json!("a/b"), ""),
        (CAMPAIGNS, "/name", json!(""), ""),
        (CAMPAIGNS, "/name", json!("a\u{0}b"), ""),
        (CAMPAIGNS, "/name", json!("n".repeat(201)), ""),
        (CAMPAIGNS, "/name", json!(null), ""),
        (CAMPAIGNS, "/currency", json!("usd"), ""),
        (CAMPAIGNS, "/currency", json!("XXX"), ""),
        (CAMPAIGNS, "/currency", json!(840), ""),
        (CAMPAIGNS, "/allowed_hosts", json!([]), ""),
        (CAMPAIGNS, "/allowed_hosts", json!("a.example"), ""),
        (
            CAMPAIGNS,
            "/allowed_hosts/1",
            json!("https://a.example"),
            "",
        ),
        (CAMPAIGNS, "/allowed_hosts/1", json!("A.example"), ""),
        (CAMPAIGNS, "/allowed_hosts/1", json!("a.example"), ""),
        (CAMPAIGNS, "/allowed_hosts/1", json!("-a.example"), ""),
    ]
}

fn in_terms() -> Vec<Row> {
    vec![
        (TERMS, "/text", json!(""), ""),
        (TERMS, "/text", json!("bell\u{7}"), ""),
        (TERMS, "/text", json!("x".repeat(16_001)), ""),
        (TERMS, "/window_days", json!(0), ""),
        (TERMS, "/window_days", json!(366), ""),
        (TERMS, "/plan/hold_days", json!(-1), ""),
        (TERMS, "/plan/hold_days", json!(366), ""),
        (TERMS, "/plan/hold_days", json!(null), ""),
        (TERMS, "/plan/sale", json!(null), "/plan"),
        (TERMS, "/plan/sale", json!({}), ""),
        (TERMS, "/plan/sale/bps", json!(10_001), ""),
        (TERMS, "/plan/sale/bps", json!(-1), ""),
        (
            TERMS,
            "/plan/sale/flat",
            json!({"amount": 1, "currency": "USD"}),
            "/plan/sale",
        ),
        (
            TERMS,
            "/plan/lead",
            json!({"flat": {"amount": 0, "currency": "USD"}}),
            "/plan/lead/flat/amount",
        ),
        (
            TERMS,
            "/plan/lead",
            json!({"flat": {"amount": "0.001", "currency": "USD"}}),
            "/plan/lead/flat/amount",
        ),
        (
            TERMS,
            "/plan/lead",
            json!({"flat": {"amount": "1", "currency": "???"}}),
            "/plan/lead/flat/currency",
        ),
    ]
}

fn in_evidence_and_links() -> Vec<Row> {
    let long_id = "a".repeat(65);
    vec![
        (EVIDENCE, "/campaign_id", json!("camp 123"), ""),
        (EVIDENCE, "/campaign_id", json!(null), ""),
        (EVIDENCE, "/evidence_type", json!("a photo"), ""),
        (EVIDENCE, "/evidence_type", json!(""), ""),
        (EVIDENCE, "/file_url", json!("javascript:alert(1)"), ""),
        (
            EVIDENCE,
            "/file_url",
            json!("https://user:pass@a.example/"),
            "",
        ),
        (
            EVIDENCE,
            "/file_url",
            json!(format!("https://a.example/{}", "p".repeat(2_048))),
            "",
        ),
        (LINKS, "/code", json!("../etc"), ""),
        (LINKS, "/code", json!(long_id), ""),
        (LINKS, "/target_url", json!("/relative"), ""),
        (LINKS, "/campaign_id", json!("\u{202e}camp"), ""),
    ]
}

fn in_events() -> Vec<Row> {
    vec![
        (EVENTS, "/user_id", json!(""), ""),
        (EVENTS, "/user_id", json!("u".repeat(129)), ""),
        (EVENTS, "/user_id", json!(null), ""),
        (EVENTS, "/event_type", json!("buy it"), ""),
        (EVENTS, "/event_type", json!(null), ""),
        (EVENTS, "/occurred_at", json!("2999-01-01T00:00:00Z"), ""),
        (EVENTS, "/occurred_at", json!("yesterday"), ""),
        (EVENTS, "/occurred_at", json!(1_700_000_000), ""),
        (EVENTS, "/amount", json!(-1), ""),
        (EVENTS, "/amount", json!("1e3"), ""),
        (EVENTS, "/amount", json!("0.00001"), ""),
        (EVENTS, "/amount", json!("10000000000000000000"), ""),
        (EVENTS, "/amount", json!(99), "/metadata/amount"),
        (EVENTS, "/currency", json!("dollars"), ""),
        (EVENTS, "/order_id", json!("o 1"), ""),
        (EVENTS, "/campaign_id", json!("c;drop"), ""),
        (EVENTS, "/click_id", json!("'"), ""),
        (EVENTS, "/conversion_id", json!("o1"), ""),
        // For a refund alone.
        (EVENTS, "/conversion_id", json!(types::Uuid::nil()), ""),
        (EVENTS, "/product_id", json!("p\u{0}"), ""),
        (EVENTS, "/product_id", json!("p".repeat(65)), ""),
        (EVENTS, "/event_type", json!("refund"), "/order_id"),
        (EVENTS, "/metadata/amount", json!(null), "/amount"),
        (EVENTS, "/metadata/amount", json!(-5), ""),
        (EVENTS, "/metadata/amount", json!(true), ""),
        (EVENTS, "/metadata/order_id", json!("o 1"), ""),
        (EVENTS, "/metadata/order_id", json!(5), ""),
        (EVENTS, "/metadata/currency", json!("EURO"), ""),
    ]
}

fn in_payments() -> Vec<Row> {
    vec![
        (PAYMENTS, "/amount", json!(0), ""),
        (PAYMENTS, "/amount", json!(-150), ""),
        (PAYMENTS, "/amount", json!("150.001"), ""),
        (PAYMENTS, "/amount", json!("1e2"), ""),
        (PAYMENTS, "/amount", json!("92233720368547758.08"), ""),
        (PAYMENTS, "/amount", json!(null), ""),
        (PAYMENTS, "/currency", json!("XYZ"), ""),
        (PAYMENTS, "/currency", json!(null), ""),
        (PAYMENTS, "/payment_method", json!("cash"), ""),
        (
            PAYMENTS,
            "/payment_method",
            json!("bank_transfer"),
            "/account_details/iban",
        ),
        (PAYMENTS, "/account_details", json!(null), ""),
        (
            PAYMENTS,
            "/account_details",
            json!({}),
            "/account_details/email",
        ),
        (PAYMENTS, "/account_details/email", json!("nobody"), ""),
        (PAYMENTS, "/account_details/email", json!(1), ""),
        (
            PAYMENTS,
            "/account_details/iban",
            json!("DE89370400440532013000"),
            "",
        ),
    ]
}
