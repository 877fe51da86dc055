//! Operators' routes that only one service has, as that service's checked-in document describes them.

use runtime::{BAD_GATEWAY, SERVICE_UNAVAILABLE};
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

/// Payment's document; a test of payment's holds it to what payment serves.
const PAYMENT: &str = include_str!("../../../payment/openapi.json");
const PAYMENTS_PREFIX: &str = "/api/v1/operator/payment/";

/// Payment's own: whether money may leave, and what became of a payout of which nobody knows.
pub(super) fn payments() -> OpenApi {
    let mut document =
        serde_json::from_str(&chassis::openapi::off_thread(part)).unwrap_or_default();
    chassis::openapi::refuse(&mut document, &[BAD_GATEWAY, SERVICE_UNAVAILABLE]);
    document
}

fn part() -> String {
    let document: Map<String, Value> = serde_json::from_str(PAYMENT).unwrap_or_default();
    let paths = kept(&document["paths"], |path| path.starts_with(PAYMENTS_PREFIX));
    let components = &document["components"];
    let responses = referenced("responses", &paths, &components["responses"]);
    let named = serde_json::json!([paths, responses]);
    let schemas = referenced("schemas", &named, &components["schemas"]);
    serde_json::json!({
        "openapi": document["openapi"],
        "info": document["info"],
        "paths": paths,
        "components": { "responses": responses, "schemas": schemas },
    })
    .to_string()
}

fn kept(object: &Value, keep: impl Fn(&str) -> bool) -> Value {
    let entries = object.as_object().into_iter().flatten();
    let entries = entries.filter(|(name, _)| keep(name));
    Value::Object(
        entries
            .map(|(name, of)| (name.clone(), of.clone()))
            .collect(),
    )
}

/// The components of a kind that are named in `whole`, and those that are named in these.
fn referenced(kind: &str, whole: &Value, components: &Value) -> Value {
    let mut named = Value::Null;
    loop {
        let text = format!("{whole}{named}");
        let more = kept(components, |name| {
            text.contains(&format!("\"#/components/{kind}/{name}\""))
        });
        if more == named {
            return named;
        }
        named = more;
    }
}
