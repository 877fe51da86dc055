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
        let keys = VerifyingKeys::pem(algorithm, pair.1.as_bytes()).unwrap();
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
        let keys = VerifyingKeys::pem(algorithm, public.as_bytes()).unwrap();
        let verifier = Verifier::new(keys, ISSUER, AUDIENCE, Anonymous::Refused);
        let confused = SigningKey::secret(&SecretString::from(public)).unwrap();
        let token = confused.mint(&claims()).unwrap();
        assert_eq!(verifier.verify(&token), Err(TokenError::Signature));
    }
}

#[test]
fn a_key_of_another_kind_than_the_algorithm_is_refused_at_start() {
    assert!(VerifyingKeys::pem(Algorithm::Rs256, ec().1.as_bytes()).is_err());
    assert!(VerifyingKeys::pem(Algorithm::Es256, rsa().1.as_bytes()).is_err());
    assert!(VerifyingKeys::pem(Algorithm::Hs256, rsa().1.as_bytes()).is_err());
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
