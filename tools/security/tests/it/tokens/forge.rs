//! Tokens as an attacker makes them: header and claims letter by letter, signed by whatever key.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use runtime::testing::{SECRET, claims};
use serde_json::{Value, json};

/// The header of a token of ours.
pub const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

/// Base64url.
pub fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The claims of an operator, which any of these would open everything with.
pub fn good() -> Value {
    serde_json::to_value(claims("mallory").role(chassis::auth::Role::Operator)).unwrap()
}

/// The same with a claim changed.
pub fn with(name: &str, value: Value) -> String {
    let mut claims = good();
    claims[name] = value;
    claims.to_string()
}

/// The same without a claim.
pub fn without(name: &str) -> String {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims.to_string()
}

/// Signed with our own key, as HMAC with SHA-256, whatever the header says.
pub fn ours(header: &str, claims: impl AsRef<[u8]>) -> String {
    signed(hmac::HMAC_SHA256, SECRET.as_bytes(), header, claims)
}

/// Signed with a key, as HMAC.
pub fn signed(
    algorithm: hmac::Algorithm,
    key: &[u8],
    header: &str,
    claims: impl AsRef<[u8]>,
) -> String {
    let text = format!("{}.{}", part(header), part(claims));
    let key = hmac::Key::new(algorithm, key);
    format!("{text}.{}", part(hmac::sign(&key, text.as_bytes())))
}

/// A header with one more member.
pub fn header(name: &str, value: Value) -> String {
    let mut header = json!({"typ": "JWT", "alg": "HS256"});
    header[name] = value;
    header.to_string()
}
