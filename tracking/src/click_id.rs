//! Click ids say when the click was, so that its row is found in its day's partition; one that was made while the
//! database was away also says of which link, and proves that we made it.

use std::sync::OnceLock;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::lasting::{DerivedKeys, LastingKeys};
use types::{ClickId, LinkCode, Micros};
use uuid::Uuid;

/// Of a click that has a row: then 14 hexadecimal digits of microseconds and 16 of nonce.
pub const STORED: &str = "clk_";
/// Of a click that has none: then base64url of time, link digest, nonce and MAC.
const SIGNED: &str = "cls_";
/// Keeps this use of the secret apart from every other.
const PURPOSE: &[u8] = b"tributary click id v1";
const PAYLOAD: usize = 24;
const MAC: usize = 16;

/// What any of them signed is ours.
static KEYS: OnceLock<DerivedKeys> = OnceLock::new();

/// What a click id says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Its row, if there is one, has this time.
    Stored(Micros),
    /// It was clicked then on the link with this digest.
    Signed {
        /// When.
        at: Micros,
        /// See [`link_digest`].
        link: i64,
    },
}

/// Derives the process's keys from secrets that all replicas have; the first call counts.
pub fn set_keys(keys: &LastingKeys) {
    let _ = KEYS.set(keys.derive(PURPOSE));
}

/// The first eight bytes of the SHA-256 of a link's code.
pub fn link_digest(code: &LinkCode) -> i64 {
    let digest = digest::digest(&digest::SHA256, code.as_str().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_ref()[..8]);
    i64::from_be_bytes(first)
}

/// 16 hexadecimal digits.
pub fn nonce() -> String {
    let random = Uuid::new_v4().simple().to_string();
    random[16..].to_owned()
}

/// A click id that stands for itself; `None` before the keys are set.
pub fn sign(code: &LinkCode, at: Micros) -> Option<ClickId> {
    signed_by(&KEYS.get()?.current, code, at)
}

fn signed_by(key: &hmac::Key, code: &LinkCode, at: Micros) -> Option<ClickId> {
    let mut bytes = Vec::with_capacity(PAYLOAD + MAC);
    bytes.extend(at.0.to_be_bytes());
    bytes.extend(link_digest(code).to_be_bytes());
    bytes.extend(&Uuid::new_v4().as_bytes()[..8]);
    let mac = hmac::sign(key, &bytes);
    bytes.extend(&mac.as_ref()[..MAC]);
    ClickId::parse(format!("{SIGNED}{}", URL_SAFE_NO_PAD.encode(bytes))).ok()
}

/// What a click id says, if it is one of ours.
pub fn read(id: &ClickId) -> Option<Meaning> {
    if let Some(rest) = id.as_str().strip_prefix(STORED) {
        let micros = rest.get(..14).filter(|_| rest.len() == 30)?;
        return i64::from_str_radix(micros, 16)
            .ok()
            .map(|at| Meaning::Stored(Micros(at)));
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(id.as_str().strip_prefix(SIGNED)?)
        .ok()?;
    let (payload, mac) = bytes
        .split_at_checked(PAYLOAD)
        .filter(|(_, mac)| mac.len() == MAC)?;
    let ours = KEYS.get()?.all().any(|key| {
        let expected = hmac::sign(key, payload);
        aws_lc_rs::constant_time::verify_slices_are_equal(&expected.as_ref()[..MAC], mac).is_ok()
    });
    if !ours {
        return None;
    }
    let number = |range| {
        Some(i64::from_be_bytes(
            <[u8; 8]>::try_from(payload.get(range)?).ok()?,
        ))
    };
    Some(Meaning::Signed {
        at: Micros(number(0..8)?),
        link: number(8..16)?,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    const CURRENT: &str = "a secret of at least 32 bytes ....";
    const EARLIER: &str = "an earlier secret, of 32 bytes too";

    fn keys() {
        set_keys(&LastingKeys {
            current: SecretString::from(CURRENT),
            accepted: vec![SecretString::from(EARLIER)],
        });
    }

    #[test]
    fn a_click_id_signed_with_an_accepted_key_is_ours_and_one_of_another_key_is_not() {
        keys();
        let code = LinkCode::parse("lnk_1").unwrap();
        let by = |secret: &str| {
            let keys = LastingKeys::from(SecretString::from(secret));
            signed_by(&keys.derive(PURPOSE).current, &code, Micros(7)).unwrap()
        };
        let meaning = Meaning::Signed {
            at: Micros(7),
            link: link_digest(&code),
        };
        assert_eq!(read(&by(EARLIER)), Some(meaning));
        assert_eq!(read(&by(CURRENT)), Some(meaning));
        assert_eq!(read(&sign(&code, Micros(7)).unwrap()), Some(meaning));
        assert_eq!(read(&by("a key that has been retired, 32 bytes")), None);
    }

    #[test]
    fn a_signed_click_id_says_what_it_was_made_of_and_a_forged_one_nothing() {
        keys();
        let code = LinkCode::parse("lnk_1").unwrap();
        let id = sign(&code, Micros(1_234_567)).unwrap();
        assert!(id.as_str().len() <= types::ids::MAX_ID_LENGTH);
        let meaning = Meaning::Signed {
            at: Micros(1_234_567),
            link: link_digest(&code),
        };
        assert_eq!(read(&id), Some(meaning));
        let text = id.as_str();
        for index in SIGNED.len()..text.len() - 1 {
            let other = if &text[index..=index] == "A" {
                "B"
            } else {
                "A"
            };
            let forged = format!("{}{other}{}", &text[..index], &text[index + 1..]);
            assert_eq!(
                read(&ClickId::parse(forged).unwrap()),
                None,
                "digit {index}"
            );
        }
    }

    #[test]
    fn a_stored_click_id_says_when_and_other_texts_say_nothing() {
        let id = ClickId::parse(format!("clk_{:014x}{}", 1_234_567, nonce())).unwrap();
        assert_eq!(read(&id), Some(Meaning::Stored(Micros(1_234_567))));
        for text in [
            "clk_",
            "clk_12",
            "cls_",
            "cls_AAAA",
            "abc",
            "clk_zzzzzzzzzzzzzz0123456789abcdef",
        ] {
            assert_eq!(read(&ClickId::parse(text).unwrap()), None, "{text}");
        }
    }
}
