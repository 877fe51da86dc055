//! Verifiers with public keys: RFC 8725 2.1's confusion of algorithms, and keys that a set must not lend.

use std::path::PathBuf;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac::HMAC_SHA256;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use runtime::testing::{TestService, unmade_database, variables};
use schemas::Service;
use serde_json::{Value, json};
use uuid::Uuid;

use super::forge::{good, header, part, signed};
use super::{AT_THE_BFF, bear};

/// A file of a test's own.
struct File(PathBuf);

impl File {
    fn with(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tributary-{}", Uuid::now_v7()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.0);
    }
}

async fn bff(algorithm: &str, variable: &str, file: &File) -> TestService {
    let mut variables = variables(Service::Bff, &unmade_database());
    variables.insert("JWT_ALGORITHM".to_owned(), algorithm.to_owned());
    variables.insert(variable.to_owned(), file.0.display().to_string());
    TestService::start_with(bff::define, variables).await
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..text.len().min(at + 64)])
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n")
}

fn sign_with(header: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let text = format!("{}.{}", part(header), part(good().to_string()));
    let signature = sign(text.as_bytes());
    format!("{text}.{}", part(signature))
}

async fn refused(service: &TestService, what: &str, token: &str) {
    let status = bear(service, AT_THE_BFF, token).await.status();
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}");
}

#[tokio::test]
async fn a_public_key_never_verifies_as_a_secret() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = pair.public_key().as_der().unwrap();
    let public = pem(der.as_ref());
    let file = File::with(&public);
    let service = bff("RS256", "JWT_PUBLIC_KEY_FILE", &file).await;
    let rs256 = |text: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        let random = SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
            .unwrap();
        signature
    };
    let own = sign_with(&header("alg", json!("RS256")), rs256);
    let status = bear(&service, AT_THE_BFF, &own).await.status();
    assert_eq!(status, StatusCode::OK);
    let claims = good().to_string();
    for alg in ["HS256", "RS256"] {
        let header = header("alg", json!(alg));
        for key in [
            public.as_bytes(),
            public.trim_end().as_bytes(),
            der.as_ref(),
        ] {
            let token = signed(HMAC_SHA256, key, &header, &claims);
            refused(
                &service,
                &format!("2.1 {alg} with the public key as secret"),
                &token,
            )
            .await;
        }
    }
    for other in ["PS256", "RS512", "none", "ES256"] {
        let token = sign_with(&header("alg", json!(other)), rs256);
        refused(
            &service,
            &format!("3.1 {other} over a signature of RS256"),
            &token,
        )
        .await;
    }
    let zeros = sign_with(&header("alg", json!("RS256")), |_| vec![0; 256]);
    refused(&service, "3.3 a signature of zeros", &zeros).await;
}

#[tokio::test]
async fn a_key_set_lends_no_key_that_the_algorithm_does_not_have() {
    let random = SystemRandom::new();
    let make = || {
        let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let private = private.unwrap();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref()).unwrap()
    };
    let (pair, attackers) = (make(), make());
    let jwk = |pair: &EcdsaKeyPair, kid: &str| -> Value {
        let point = pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "x": part(&point[1..33]), "y": part(&point[33..])})
    };
    let shared = b"a symmetric key that has no place in a key set";
    let oct = json!({"kty": "oct", "kid": "shared", "k": part(shared)});
    let set = json!({"keys": [jwk(&pair, "k1"), jwk(&make(), "k2"), oct]});
    let file = File::with(&set.to_string());
    let service = bff("ES256", "JWT_JWKS_FILE", &file).await;
    let es256 = |kid: Value| json!({"alg": "ES256", "typ": "JWT", "kid": kid}).to_string();
    let by = |pair: &EcdsaKeyPair, text: &[u8]| pair.sign(&random, text).unwrap().as_ref().to_vec();
    let own = sign_with(&es256(json!("k1")), |text| by(&pair, text));
    let status = bear(&service, AT_THE_BFF, &own).await.status();
    assert_eq!(status, StatusCode::OK);
    for kid in [
        json!("k2"),
        json!("k3"),
        json!("shared"),
        json!(""),
        json!(null),
    ] {
        let token = sign_with(&es256(kid.clone()), |text| by(&pair, text));
        refused(&service, &format!("3.10 kid {kid}"), &token).await;
    }
    let mut offered = json!({"alg": "ES256", "kid": "k1"});
    offered["jwk"] = jwk(&attackers, "k1");
    let token = sign_with(&offered.to_string(), |text| by(&attackers, text));
    refused(
        &service,
        "3.10 a key of the attacker's in the header",
        &token,
    )
    .await;
    let zeros = sign_with(&es256(json!("k1")), |_| vec![0; 64]);
    refused(&service, "3.4 r and s of zero", &zeros).await;
    let header = json!({"alg": "HS256", "kid": "shared"}).to_string();
    let token = signed(HMAC_SHA256, shared, &header, good().to_string());
    refused(&service, "3.1 HS256 by a symmetric key of the set", &token).await;
}

#[test]
fn a_weak_key_is_refused_at_the_start() {
    use chassis::auth::VerifyingKeys;
    use secrecy::SecretString;
    for secret in ["", "secret", "31 bytes are one byte too short."] {
        let secret = SecretString::from(&secret[..secret.len().min(31)]);
        assert!(VerifyingKeys::secret(&secret).is_err());
    }
}
