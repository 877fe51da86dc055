use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::auth::{
    Algorithm, Anonymous, AuthConfig, Claims, SigningKey, Surface, TokenError, Verifier,
    VerifyingKeys,
};
use chassis::config::{Env, Profile};
use secrecy::SecretString;

use crate::app::{AUDIENCE, ISSUER};

/// A private and a public key in PEM.
type Pair = (String, String);

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn rsa() -> Pair {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let private = AsDer::<Pkcs8V1Der>::as_der(&key).unwrap();
    let public = AsDer::<PublicKeyX509Der>::as_der(key.public_key()).unwrap();
    (
        pem("PRIVATE KEY", private.as_ref()),
        pem("PUBLIC KEY", public.as_ref()),
    )
}

fn ec() -> Pair {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let private = key.to_pkcs8v1().unwrap();
    let public = AsDer::<PublicKeyX509Der>::as_der(key.public_key()).unwrap();
    (
        pem("PRIVATE KEY", private.as_ref()),
        pem("PUBLIC KEY", public.as_ref()),
    )
}

fn claims() -> Claims {
    Claims::new("user123", ISSUER, AUDIENCE, 600)
}

#[test]
fn a_public_key_verifies_its_own_tokens_and_no_others() {
    for (algorithm, pair, other) in [
        (Algorithm::Rs256, rsa(), rsa()),
        (Algorithm::Es256, ec(), ec()),
    ] {
        let keys = VerifyingKeys::pem(algorithm, &pair.1).unwrap();
        let verifier = Verifier::new(keys, ISSUER, AUDIENCE, Anonymous::Refused);
        let token = |private: &str| {
            let key = SigningKey::pem(algorithm, private.as_bytes()).unwrap();
            key.mint(&claims()).unwrap()
        };
        assert_eq!(verifier.verify(&token(&pair.0)).unwrap().subject, "user123");
        assert_eq!(
            verifier.verify(&token(&other.0)),
            Err(TokenError::Signature)
        );
    }
}

#[test]
fn a_public_key_is_never_taken_for_a_secret() {
    for (algorithm, (_, public)) in [(Algorithm::Rs256, rsa()), (Algorithm::Es256, ec())] {
        let keys = VerifyingKeys::pem(algorithm, &public).unwrap();
        let verifier = Verifier::new(keys, ISSUER, AUDIENCE, Anonymous::Refused);
        let confused = SigningKey::secret(&SecretString::from(public)).unwrap();
        let token = confused.mint(&claims()).unwrap();
        assert_eq!(verifier.verify(&token), Err(TokenError::Signature));
    }
}

#[test]
fn a_key_of_another_kind_than_the_algorithm_is_refused_at_start() {
    assert!(VerifyingKeys::pem(Algorithm::Rs256, &ec().1).is_err());
    assert!(VerifyingKeys::pem(Algorithm::Es256, &rsa().1).is_err());
    assert!(VerifyingKeys::pem(Algorithm::Hs256, &rsa().1).is_err());
    assert!(VerifyingKeys::jwks(Algorithm::Es256, r#"{"keys": []}"#).is_err());
}

#[test]
fn a_key_file_is_read_and_a_missing_one_is_a_problem() {
    let (_, public) = ec();
    let path = std::env::temp_dir().join(format!("chassis-{}.pem", std::process::id()));
    std::fs::write(&path, public).unwrap();
    let read = |path: &str| {
        let mut env = Env::from_map([("JWT_ALGORITHM", "ES256"), ("JWT_PUBLIC_KEY_FILE", path)]);
        let auth = AuthConfig::read(&mut env, Profile::Production, Surface::Bff);
        (auth.verifier().is_some(), env.finish().is_ok())
    };
    assert_eq!(read(path.to_str().unwrap()), (true, true));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read(path.to_str().unwrap()), (false, false));
}

#[test]
fn while_a_key_is_changed_tokens_of_both_are_taken() {
    let verifier = |keys| Verifier::new(keys, ISSUER, AUDIENCE, Anonymous::Refused);
    let refused = Err(TokenError::Signature);
    for (algorithm, old, new) in [
        (Algorithm::Rs256, rsa(), rsa()),
        (Algorithm::Es256, ec(), ec()),
    ] {
        let both = format!("{}{}", old.1, new.1);
        let both = verifier(VerifyingKeys::pem(algorithm, &both).unwrap());
        let only_new = verifier(VerifyingKeys::pem(algorithm, &new.1).unwrap());
        for (pair, after) in [(&old, refused.clone()), (&new, Ok("user123".to_owned()))] {
            let key = SigningKey::pem(algorithm, pair.0.as_bytes()).unwrap();
            let token = key.named("any").mint(&claims()).unwrap();
            assert_eq!(both.verify(&token).unwrap().subject, "user123");
            let subject = only_new.verify(&token).map(|caller| caller.subject);
            assert_eq!(subject, after);
        }
    }
    let secrets = [
        "the first secret of thirty-two bytes",
        "the second secret of 32 bytes....",
    ];
    let [first, second] = secrets.map(SecretString::from);
    let both = verifier(VerifyingKeys::secrets([&second, &first]).unwrap());
    let token = SigningKey::secret(&first).unwrap().mint(&claims()).unwrap();
    assert!(both.verify(&token).is_ok());
    let only_second = verifier(VerifyingKeys::secret(&second).unwrap());
    assert_eq!(only_second.verify(&token), Err(TokenError::Signature));
}

#[test]
fn a_private_keys_key_set_verifies_its_tokens_and_holds_no_private_half() {
    for (algorithm, pair) in [(Algorithm::Rs256, rsa()), (Algorithm::Es256, ec())] {
        let key = SigningKey::pem(algorithm, pair.0.as_bytes()).unwrap();
        let key = key.named("2026-11");
        let set = key.key_set().unwrap();
        assert!(!set.contains("\"d\""), "{set}");
        let keys = VerifyingKeys::jwks(algorithm, &set).unwrap();
        let verifier = Verifier::new(keys, ISSUER, AUDIENCE, Anonymous::Refused);
        assert!(verifier.verify(&key.mint(&claims()).unwrap()).is_ok());
    }
    let secret = SigningKey::secret(&SecretString::from("x".repeat(32))).unwrap();
    assert!(secret.key_set().is_err(), "a secret is in no document");
}

#[test]
fn a_token_that_is_over_is_reported_as_such_whichever_key_signed_it() {
    let (first, second) = (
        SecretString::from("x".repeat(32)),
        SecretString::from("y".repeat(32)),
    );
    let keys = VerifyingKeys::secrets([&second, &first]).unwrap();
    let verifier = Verifier::new(keys, ISSUER, AUDIENCE, Anonymous::Refused);
    let mut claims = claims();
    claims.exp = 1;
    let token = SigningKey::secret(&first).unwrap().mint(&claims).unwrap();
    assert_eq!(verifier.verify(&token), Err(TokenError::Time));
}

#[test]
fn further_secrets_are_read_and_short_or_many_ones_are_problems() {
    let long = "0123456789abcdef".repeat(2);
    let read = |accepted: &str| {
        let mut env = Env::from_map([
            ("JWT_SECRET_KEY", long.as_str()),
            ("JWT_ACCEPTED_SECRET_KEYS", accepted),
        ]);
        let _ = AuthConfig::read(&mut env, Profile::Production, Surface::Bff);
        env.finish().err().map(|error| error.to_string())
    };
    let strange = "a key, of thirty-two bytes and with spaces";
    assert_eq!(read(&format!("{long}\n{strange}\r\n\n")), None);
    assert!(
        read("short")
            .unwrap()
            .contains("holds one that is too short")
    );
    let many = [long.as_str(); 4].join("\n");
    assert!(read(&many).unwrap().contains("more than 3"));
}
