//! Short texts: amounts, cursors, ids, headers, metadata.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chassis::idempotency::IdempotencyKey;
use chassis::json::{AmountText, Metadata, Text, WebUrl};
use chassis::page::Cursor;
use chassis::prefer;
use chassis::telemetry::TraceContext;
use types::{CampaignId, ClickId, Currency, Money, OrderId, PartnerId, PayoutId};

const CURRENCIES: [&str; 4] = ["USD", "JPY", "KWD", "CLF"];

/// An amount, as JSON and as text: what is taken has no more digits than its currency, and is written as it was meant.
pub fn amount(bytes: &[u8]) -> bool {
    let _ = serde_json::from_slice::<AmountText>(bytes);
    let Some(amount) = std::str::from_utf8(bytes).ok().and_then(AmountText::parse) else {
        return false;
    };
    if let Ok(unknown) = amount.amount() {
        let text = unknown.to_string();
        let again = AmountText::parse(&text).map(|again| again.amount());
        assert_eq!(again, Some(Ok(unknown)), "{text}");
    }
    for currency in CURRENCIES
        .iter()
        .filter_map(|code| Currency::parse(code).ok())
    {
        if let Ok(money) = amount.money(currency) {
            let text = money.to_string();
            assert_eq!(Money::parse(&text, currency), Ok(money), "{text}");
        }
    }
    true
}

/// A cursor: whatever is taken is what was given out.
pub fn cursor(bytes: &[u8]) -> bool {
    let Some((text, cursor)) = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| Some((text, Cursor::decode(text)?)))
    else {
        return false;
    };
    assert_eq!(cursor.encode(), text, "two texts for one cursor");
    assert!(cursor.position >= 0);
    true
}

/// Ids of paths and bodies, names and addresses.
pub fn id(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    if let Ok(url) = serde_json::from_value::<WebUrl>(text.into()) {
        let url = url.into_string();
        assert!(
            url.starts_with("http://") || url.starts_with("https://"),
            "{url}"
        );
        assert!(!url.contains(char::is_control), "{url:?}");
    }
    if let Ok(name) = Text::<20>::parse(text) {
        assert!((1..=20).contains(&name.chars().count()) && !name.contains(char::is_control));
    }
    let taken = [
        CampaignId::parse(text).is_ok(),
        PartnerId::parse(text).is_ok(),
        OrderId::parse(text).is_ok(),
        ClickId::parse(text).is_ok(),
        PayoutId::parse(text).is_ok(),
    ];
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_id = (1..=64).contains(&text.len()) && text.bytes().all(plain);
    assert_eq!(taken, [is_id; 5], "{text:?}");
    is_id
}

/// Headers whose values are parsed: `traceparent`, `Prefer`, `Idempotency-Key`.
pub fn headers(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return false;
    };
    let mut headers = HeaderMap::new();
    for name in ["traceparent", "prefer", "idempotency-key"] {
        headers.insert(HeaderName::from_static(name), value.clone());
    }
    let trace = TraceContext::for_caller(TraceContext::of_caller(&headers)).to_header();
    assert_eq!(trace.len(), 55, "{trace}");
    let wait = prefer::wait(&headers);
    assert!(wait.is_none_or(|wait| wait.as_secs() <= 30), "{wait:?}");
    let key = IdempotencyKey::from_headers(&headers);
    if let Ok(Some(key)) = &key {
        assert!(value.len() <= 128 && value.as_bytes().iter().all(u8::is_ascii_graphic));
        assert_eq!(key.hash().len(), 64);
    }
    key.is_ok()
}

/// Metadata: small, shallow, unambiguous, kept as it was written.
pub fn metadata(bytes: &[u8]) -> bool {
    let Some((text, metadata)) = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| Some((text, Metadata::parse(text).ok()?)))
    else {
        return false;
    };
    assert_eq!(metadata.as_str(), text.trim());
    assert!(text.trim().len() <= 4096);
    for name in ["amount", "currency", "order_id"] {
        let _ = metadata.amount(name);
        let _ = metadata.string(name);
    }
    let value: serde_json::Value = serde_json::from_str(text).expect("metadata is JSON");
    assert!(depth(&value) <= 4, "too deep");
    true
}

fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
