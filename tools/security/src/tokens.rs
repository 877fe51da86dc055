//! Bearer tokens: as they come, and with a header and claims of the attacker's under a good signature.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::auth::{Anonymous, Verifier, VerifyingKeys};
use secrecy::SecretString;

const SECRET: &str = "a secret for tests only, of more than 32 bytes";

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let keys = VerifyingKeys::secret(&SecretString::from(SECRET)).expect("a secret");
    Verifier::new(keys, "tributary", "tributary", Anonymous::Refused)
});

/// Nobody makes a token without the key. With it (a zero byte parts header and claims), what is taken has a subject
/// that can be stored.
pub fn token(bytes: &[u8]) -> bool {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let taken = VERIFIER.verify(text);
        assert!(taken.is_err(), "forged: {text}");
    }
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    let (header, claims) = bytes.split_at(end);
    let claims = claims.get(1..).unwrap_or_default();
    match VERIFIER.verify(&signed(header, claims)) {
        Ok(caller) => {
            assert!((1..=128).contains(&caller.subject.chars().count()));
            assert!(!caller.subject.contains(char::is_control));
            true
        }
        Err(_) => false,
    }
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let text = format!("{}.{}", part(header), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", part(signature.as_ref()))
}
