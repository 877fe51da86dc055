//! Redirects that a brand's system signs: whose visit it is, its shop says in the address that it sends its visitor to.
//!
//! HMAC-SHA256 (RFC 2104) over link, visitor and time, under a secret of an API key. That secret follows from what is kept of the key
//! and from a secret that all services have: so it is stored nowhere, ends with the key, and whoever reads events, where the key's
//! hash stands, cannot make it.

use aws_lc_rs::hmac;
use chassis::lasting::LastingKeys;
use types::{LinkCode, MAX_CLOCK_SKEW_SECONDS, Micros, hash_of_hex, hex};

use crate::process_keys::ProcessKeys;

/// A signature counts for so long after it was made, in microseconds: a day.
pub const LIFETIME: i64 = 24 * 3_600 * 1_000_000;
/// By so much may a shop's clock be ahead of ours, in microseconds.
const SKEW: i64 = MAX_CLOCK_SKEW_SECONDS * 1_000_000;

static KEYS: ProcessKeys = ProcessKeys::of(b"tributary signed redirect v1");

/// Derives the process's keys from secrets that the services that show and take signatures have; the first call counts.
pub fn set_keys(keys: &LastingKeys) {
    KEYS.set(keys);
}

/// With what the holder of an API key signs, of the key's hash: 64 hexadecimal digits, whose text is the key of the HMAC.
pub fn signing_secret(key_hash: &str) -> String {
    secret_of(&KEYS.get().current, key_hash)
}

fn secret_of(key: &hmac::Key, key_hash: &str) -> String {
    hex(hmac::sign(key, key_hash.as_bytes()).as_ref())
}

/// What a redirect says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The link's code.
    pub code: &'a LinkCode,
    /// The visitor.
    pub user_id: &'a str,
    /// When it was signed, in seconds since 1970.
    pub signed_at: i64,
}

impl Signed<'_> {
    fn text(&self) -> String {
        let Self {
            code,
            user_id,
            signed_at,
        } = self;
        format!("{code}\n{user_id}\n{signed_at}")
    }

    /// Signs it.
    pub fn sign(&self, signing_secret: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, signing_secret.as_bytes());
        hex(hmac::sign(&key, self.text().as_bytes()).as_ref())
    }

    /// Whether the holder of the key that has this hash signed it, not long ago.
    pub fn is_signed(&self, key_hash: &str, signature: &str, now: Micros) -> bool {
        let Some(signature) = hash_of_hex(signature) else {
            return false;
        };
        let age = self.signed_at.checked_mul(1_000_000);
        let age = age.and_then(|at| now.get().checked_sub(at));
        let text = self.text();
        let is_of = |lasting: &hmac::Key| {
            let secret = secret_of(lasting, key_hash);
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            hmac::verify(&key, text.as_bytes(), &signature).is_ok()
        };
        age.is_some_and(|age| (-SKEW..=LIFETIME).contains(&age)) && KEYS.get().all().any(is_of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_800_000_000_000_000);
    const HASH: &str = "5d41402abc4b2a76b9719d911017c592ae2f6c1b0a3d4e5f60718293a4b5c6d7";

    fn signed<'a>(code: &'a LinkCode, user_id: &'a str, signed_at: i64) -> Signed<'a> {
        Signed {
            code,
            user_id,
            signed_at,
        }
    }

    #[test]
    fn a_signature_is_of_one_link_one_visitor_one_time_and_one_key() {
        let (code, other) = (
            LinkCode::parse("lnk_1").unwrap(),
            LinkCode::parse("lnk_2").unwrap(),
        );
        let at = NOW.get() / 1_000_000;
        let signature = signed(&code, "user1", at).sign(&signing_secret(HASH));
        assert!(signed(&code, "user1", at).is_signed(HASH, &signature, NOW));
        for (what, hash) in [
            (signed(&other, "user1", at), HASH.to_owned()),
            (signed(&code, "user2", at), HASH.to_owned()),
            (signed(&code, "user1", at - 1), HASH.to_owned()),
            (signed(&code, "user1", at), HASH.replace('5', "6")),
        ] {
            assert!(!what.is_signed(&hash, &signature, NOW), "{what:?}");
        }
        // Who follows events has the hash, and signs with that.
        let stolen = signed(&code, "user1", at).sign(HASH);
        for wrong in [stolen.as_str(), "", "00", &"0".repeat(64)] {
            assert!(!signed(&code, "user1", at).is_signed(HASH, wrong, NOW));
        }
    }

    #[test]
    fn a_signature_counts_for_a_day_and_five_minutes_ahead() {
        let code = LinkCode::parse("lnk_1").unwrap();
        let now = NOW.get() / 1_000_000;
        for (at, counts) in [
            (now + 300, true),
            (now + 301, false),
            (now - 86_400, true),
            (now - 86_401, false),
            (i64::MAX, false),
            (i64::MIN, false),
        ] {
            let one = signed(&code, "user1", at);
            let signature = one.sign(&signing_secret(HASH));
            assert_eq!(one.is_signed(HASH, &signature, NOW), counts, "{at}");
        }
    }

    #[test]
    fn anybodys_hmac_makes_the_signature() {
        // printf 'lnk_1\nuser1\n1800000000' | openssl dgst -sha256 -hmac 00ff
        let code = LinkCode::parse("lnk_1").unwrap();
        let signature = signed(&code, "user1", 1_800_000_000).sign("00ff");
        assert_eq!(signature, EXPECTED);
    }

    const EXPECTED: &str = "b9168b2b775972ee4546fd44f9bb852331955a4190a56a6c66b2205f9ec94da3";
}
