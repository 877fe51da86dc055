//! What is sealed opens for its partner and its key, and for nothing else.
#![allow(clippy::unwrap_used)]

use sealing::{DataKey, DataKeys, Details, DetailsError, KeyPair, PublicKey, open, seal};
use secrecy::SecretString;
use types::PayoutMethod;

fn details() -> Details {
    Details::parse(br#"{"email":"user@example.com"}"#).unwrap()
}

fn masked(json: &str) -> String {
    Details::parse(json.as_bytes()).unwrap().masked()
}

#[test]
fn sealed_details_open_for_their_partner_and_key_only() {
    let pair = KeyPair::generate().unwrap();
    let key = PublicKey::new("key1", &pair.public).unwrap();
    let sealed = seal(&key, "partner123", &details()).unwrap();
    assert_eq!(
        open(&pair.private, "key1", "partner123", &sealed),
        Ok(details())
    );
    assert!(open(&pair.private, "key1", "partner124", &sealed).is_err());
    assert!(open(&pair.private, "key2", "partner123", &sealed).is_err());
    let other = KeyPair::generate().unwrap();
    assert!(open(&other.private, "key1", "partner123", &sealed).is_err());
}

#[test]
fn every_cut_and_every_flipped_bit_is_noticed() {
    let pair = KeyPair::generate().unwrap();
    let key = PublicKey::new("key1", &pair.public).unwrap();
    let sealed = seal(&key, "partner123", &details()).unwrap();
    for length in 0..sealed.len() {
        assert!(open(&pair.private, "key1", "partner123", &sealed[..length]).is_err());
    }
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1;
        assert!(
            open(&pair.private, "key1", "partner123", &flipped).is_err(),
            "{at}"
        );
    }
}

#[test]
fn sealing_twice_gives_two_texts_without_the_address() {
    let pair = KeyPair::generate().unwrap();
    let key = PublicKey::new("key1", &pair.public).unwrap();
    let first = seal(&key, "p", &details()).unwrap();
    assert_ne!(first, seal(&key, "p", &details()).unwrap());
    assert!(!first.windows(4).any(|part| part == b"user"));
    assert!(PublicKey::new("key1", &[0; 31]).is_err());
}

#[test]
fn what_is_kept_opens_with_its_key_and_name_only() {
    let key = |text: &str| DataKey::derive(&SecretString::from(text)).unwrap();
    let kept = key("a").encrypt("pay_1", b"plain").unwrap();
    assert_eq!(key("a").decrypt("pay_1", &kept).unwrap(), b"plain");
    assert!(key("a").decrypt("pay_2", &kept).is_err());
    assert!(key("b").decrypt("pay_1", &kept).is_err());
    assert!(key("a").decrypt("pay_1", &kept[..5]).is_err());
}

#[test]
fn while_a_data_key_is_changed_what_either_encrypted_opens_and_of_others_nothing() {
    let secret = |text: &str| SecretString::from(text);
    let key = |text: &str| DataKey::derive(&secret(text)).unwrap();
    let changing = DataKeys::derive(&secret("new"), &[secret("old")]).unwrap();
    for name in ["old", "new"] {
        let kept = key(name).encrypt("pay_1", b"plain").unwrap();
        let (id, other) = (key(name), key("other"));
        assert_eq!(
            changing.decrypt(Some(id.id()), "pay_1", &kept).unwrap(),
            b"plain"
        );
        assert_eq!(changing.decrypt(None, "pay_1", &kept).unwrap(), b"plain");
        assert!(changing.decrypt(None, "pay_2", &kept).is_err());
        assert!(changing.decrypt(Some(other.id()), "pay_1", &kept).is_err());
    }
    let anothers = key("other").encrypt("pay_1", b"plain").unwrap();
    assert!(changing.decrypt(None, "pay_1", &anothers).is_err());
    assert_eq!(changing.current().id(), key("new").id());
    assert_ne!(key("old").id(), key("new").id());
}

#[test]
fn people_see_the_domain_or_the_last_four() {
    assert_eq!(
        masked(r#"{"email":"user@example.com"}"#),
        "u***@example.com"
    );
    assert_eq!(
        masked(r#"{"iban":"DE89 3704 0044 0532 0130 00"}"#),
        "****3000"
    );
    assert_eq!(masked(r#"{"iban":"short1234"}"#), "****");
    assert_eq!(masked(r#"{"wallet":"abcdefghijkl"}"#), "****ijkl");
    assert_eq!(masked(r#"{"email":"nonsense"}"#), "****");
}

#[test]
fn details_are_a_small_object_of_texts_and_never_shown() {
    for json in ["", "[]", "{\"a\":1}", "{\"a\":{\"b\":\"c\"}}", "null"] {
        assert_eq!(
            Details::parse(json.as_bytes()),
            Err(DetailsError::Shape),
            "{json}"
        );
    }
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(257));
    for json in [
        "{}",
        "{\"\":\"x\"}",
        "{\"a\":\"\"}",
        "{\"a\":\"x\\u0000\"}",
        &long,
    ] {
        assert_eq!(
            Details::parse(json.as_bytes()),
            Err(DetailsError::Size),
            "{json}"
        );
    }
    assert_eq!(format!("{:?}", details()), "Details(..)");
}

#[test]
fn a_mask_shows_nothing_that_turns_what_stands_beside_it_around() {
    for json in [
        "{\"email\":\"\u{202e}user@example.com\"}",
        "{\"email\":\"user@exam\u{202e}ple.com\"}",
        "{\"iban\":\"DE89370400440532013\u{202e}000\"}",
    ] {
        assert_eq!(masked(json), "****", "{json}");
    }
}

#[test]
fn each_method_takes_its_fields_and_no_others() {
    let faults = |json: &str, method| {
        let details = Details::parse(json.as_bytes()).unwrap();
        let faults = details.checked(method).err().unwrap_or_default();
        faults.iter().map(|fault| fault.pointer).collect::<Vec<_>>()
    };
    let (mail, bank) = (
        r#"{"email":"user@example.com"}"#,
        r#"{"iban":"DE89 3704 0044 0532 0130 00"}"#,
    );
    assert!(faults(mail, PayoutMethod::Paypal).is_empty());
    assert!(faults(bank, PayoutMethod::BankTransfer).is_empty());
    assert_eq!(
        faults(mail, PayoutMethod::BankTransfer),
        ["/email", "/iban"]
    );
    assert_eq!(faults(bank, PayoutMethod::Paypal), ["/email", "/iban"]);
    assert_eq!(
        faults(r#"{"iban":"XX"}"#, PayoutMethod::BankTransfer),
        ["/iban"]
    );
    let old = r#"{"account_number":"12345678901234"}"#;
    assert_eq!(faults(old, PayoutMethod::BankTransfer), ["/iban", ""]);
    let written = Details::parse(bank.as_bytes()).unwrap();
    let written = written.checked(PayoutMethod::BankTransfer).unwrap();
    assert_eq!(written.to_json(), br#"{"iban":"DE89370400440532013000"}"#);
}
